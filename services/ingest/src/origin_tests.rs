//! Messages of a log that grows between the two looks they are made of.

use std::cell::RefCell;
use std::collections::{BTreeSet, VecDeque};

use bus::{Message, Origin as _};
use bytes::Bytes;
use domain::Body;
use domain::event::LedgerTakenOver;
use event_log::{Append, Log, NewEvent, ReadLimit, Record};
use wire::cloud_event;

use crate::origin::{LogOrigin, Looks, messages};
use crate::writer_tests::{World, report};

#[test]
fn a_take_over_comes_where_the_relay_looks_for_it() {
    let body = Body::LedgerTakenOver(LedgerTakenOver {
        writer: "http://127.0.0.1:7160".to_owned(),
        after_position: 4,
        reason: "Máy ghi hỏng".to_owned(),
    });
    let subject = cloud_event::bus_subject("khanh-hoa", &body.subject());
    let take_overs = cloud_event::take_overs("khanh-hoa");
    assert!(bus::subject::matches(&take_overs, &subject), "{subject}");
    assert!(bus::subject::is_event("khanh-hoa", &subject), "{subject}");
}

/// Each look sees the log as it was when the next of these positions was its head.
struct Growing<'l> {
    log: &'l Log,
    heads: RefCell<VecDeque<u64>>,
}

impl Growing<'_> {
    fn look(&self) -> u64 {
        self.heads.borrow_mut().pop_front().unwrap()
    }
}

impl Looks for Growing<'_> {
    fn head(&self) -> u64 {
        self.look()
    }

    fn read(&self, from: u64, limit: ReadLimit) -> Result<Vec<Record>, event_log::Error> {
        let head = self.look();
        let mut records = self.log.read(from, limit)?;
        records.retain(|record| record.position <= head);
        Ok(records)
    }
}

/// Whether a message, whole and of its own position, says that it is the last of its request.
fn ends(message: &Message) -> bool {
    wire::cloud_event::receive_at(&message.payload, message.position).unwrap();
    let text = String::from_utf8(message.payload.to_vec()).unwrap();
    let says = |ends: bool| text.contains(&format!("\"requestends\":{ends}"));
    assert!(says(true) != says(false), "{text}");
    says(true)
}

/// Requests of 2, 1, 3, 1 and 2 events, each a commit: from every position, with room for any number, and with every two of the heads that the log had, what is given is a prefix of what was there at the first look, nothing is left out, and a request ends where it ends.
#[tokio::test]
async fn a_log_that_grows_between_two_looks_leaves_nothing_out() {
    let world = World::new().await;
    let mut heads = vec![0, world.log.head()];
    for (number, events) in [1, 3, 1, 2].into_iter().enumerate() {
        let number = number as u128 + 2;
        let reports = (1..=events).map(|day| report("eid", &format!("2023-{number:02}-{day:02}")));
        world.record(number, reports.collect()).await.unwrap();
        heads.push(world.log.head());
    }
    assert_eq!(heads, [0, 2, 3, 6, 7, 9]);
    let request_ends: BTreeSet<u64> = heads.iter().copied().collect();
    for (index, &first) in heads.iter().enumerate() {
        for &second in &heads[index..] {
            for from in 1..=10 {
                for max in 1..=10 {
                    let log = Growing {
                        log: &world.log,
                        heads: RefCell::new([first, second].into()),
                    };
                    let given = messages(&log, "story", from, max).unwrap();
                    let told: Vec<_> = given.iter().map(|m| (m.position, ends(m))).collect();
                    let last = first.min(from + max as u64 - 1);
                    let wanted: Vec<_> = (from..=last)
                        .map(|position| (position, request_ends.contains(&position)))
                        .collect();
                    assert_eq!(told, wanted, "{from}, {max} of {first} and {second}");
                }
            }
        }
    }
}

/// What the relay makes without waiting is what it makes of a read; what the store holds is left to the latter.
#[tokio::test]
async fn what_is_at_hand_is_what_a_read_gives() {
    let world = World::new().await;
    world.log.seal().unwrap();
    for (number, events) in [(2, 3), (3, 2)] {
        let reports = (1..=events).map(|day| report("eid", &format!("2023-{number:02}-{day:02}")));
        world.record(number, reports.collect()).await.unwrap();
    }
    let origin = LogOrigin {
        log: world.log.clone(),
        ledger: "story".into(),
    };
    assert!(origin.messages_at_hand(2, 10).is_none());
    for from in 3..=8 {
        for max in 1..=6 {
            let at_hand = origin.messages_at_hand(from, max).unwrap().unwrap();
            assert_eq!(
                at_hand,
                origin.messages(from, max).unwrap(),
                "{from}, {max}"
            );
        }
    }
}

/// What is before an event that nobody can read is given; the event is named once it is the first.
#[tokio::test]
async fn an_event_that_nobody_can_read_holds_back_nothing_before_it() {
    let world = World::new().await;
    let limit = ReadLimit {
        events: 1,
        bytes: 1_024,
    };
    let readable = world.log.read(2, limit).unwrap().remove(0).payload;
    for (number, payload) in [(7, Bytes::from_static(b"\xff")), (8, readable)] {
        let event = NewEvent {
            subject: "0/x".into(),
            expected_revision: None,
            payload,
            attribute: None,
        };
        let request = Append {
            request_id: [number; 16],
            events: vec![event],
        };
        world.log.append(request).await.unwrap();
    }
    let positions = |from, max| {
        let given = messages(&world.log, "story", from, max);
        given.map(|given| given.iter().map(|m| m.position).collect::<Vec<_>>())
    };
    assert_eq!(positions(1, 10).unwrap(), [1, 2]);
    assert_eq!(positions(2, 10).unwrap(), [2]);
    let told = positions(3, 10).unwrap_err().to_string();
    assert!(told.contains("positions 3 to 3"), "{told}");
    assert_eq!(positions(4, 10).unwrap(), [4]);
}
