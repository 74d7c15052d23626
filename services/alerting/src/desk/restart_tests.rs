//! A service that starts again at any time tells nothing again, and one whose log was deleted tells the same.

use domain::Event;
use domain::text::date::date_in_vietnam;
use host::Today;
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use wire::v1;
use wire::v1::alert_event::Body as Alert;

use crate::history;

use super::tests::{Room, entries};

/// A request: when the ledger took it, and its events.
type Request = (Timestamp, Vec<Event>);

/// The requests of a history.
fn requests(steps: &[history::Step]) -> Vec<Request> {
    let mut requests: Vec<Request> = Vec::new();
    for (known, event) in history::events(steps) {
        match requests.last_mut() {
            Some((at, events)) if *at == known => events.push(event),
            _ => requests.push((known, vec![event])),
        }
    }
    requests
}

impl Room {
    /// Eventless days pass until a moment, one by one.
    async fn wait(&self, until: Timestamp) {
        let day = SignedDuration::from_hours(24);
        let mut now = super::Clock::now(&*self.clock) + day;
        while date_in_vietnam(now) < date_in_vietnam(until) {
            self.clock.set(now);
            self.tick().await;
            now += day;
        }
        self.clock.set(until + SignedDuration::from_secs(10));
    }

    /// A request as the bus brings it, with a look after each event.
    async fn follow(&mut self, (known, events): Request) {
        let last = events.len() - 1;
        for (index, event) in events.into_iter().enumerate() {
            self.take(known, event, index == last);
            self.tick().await;
        }
        self.desk.request_ended().await;
        self.tick().await;
    }

    /// A request read in bulk, each event in a batch of its own, with a look after each.
    async fn catch_up(&mut self, (known, events): Request) {
        for event in events {
            self.read(known, &[event]).await;
            self.tick().await;
        }
        self.desk.caught_up().await;
    }
}

/// What a rebuild says again: all but the further steps, and where in the log a case was opened.
fn rebuilt(entries: Vec<v1::AlertEvent>) -> Vec<v1::AlertEvent> {
    let said = entries.into_iter().filter_map(|mut alert| {
        let is_said = match alert.body.as_mut()? {
            Alert::CaseOpened(_) => true,
            Alert::CaseCleared(cleared) => {
                cleared.opened_position = 0;
                true
            }
            Alert::NotificationSent(sent) => sent.notification.as_ref()?.step <= 1,
            _ => false,
        };
        is_said.then_some(alert)
    });
    said.collect()
}

/// Lives through a history, with starts as `starts` has it, and gives what was said; or what was told again.
async fn lived(steps: &[history::Step], starts: u8) -> Result<Vec<v1::AlertEvent>, String> {
    let requests = requests(steps);
    let mut room = Room::empty(Today::Real);
    room.clock.set(requests[0].0);
    room.desk.caught_up().await;
    for (index, request) in requests.into_iter().enumerate() {
        let at = request.0;
        room.wait(at).await;
        room.tick().await;
        if (index + usize::from(starts)).is_multiple_of(7) {
            let before = room.log.head();
            room.restart().await;
            let again = &entries(&room.log)[before as usize..];
            if !again.is_empty() {
                return Err(format!("before request {index}: {again:?}"));
            }
        }
        if (index + usize::from(starts)).is_multiple_of(3) {
            room.catch_up(request).await;
        } else {
            room.follow(request).await;
        }
    }
    let (told, anew) = (entries(&room.log), entries(&room.rebuilt().await.log));
    let (told, anew) = (rebuilt(told), rebuilt(anew));
    let differs = told.iter().zip(&anew).position(|(told, anew)| told != anew);
    if let Some(index) = differs {
        let (told, anew) = (&told[index], &anew[index]);
        return Err(format!("told {index}: {told:?}\nrebuilt: {anew:?}"));
    }
    if told.len() != anew.len() {
        return Err(format!("{} told, {} rebuilt", told.len(), anew.len()));
    }
    Ok(told)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(6))]

    #[test]
    fn a_start_tells_nothing_again_and_a_rebuild_the_same(steps in history::steps(), starts in 0..7_u8) {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let told = runtime.block_on(lived(&steps, starts));
        prop_assert!(told.is_ok(), "{}", told.unwrap_err());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_histories_drawn_open_and_clear_a_case_at_one_position() {
    let mut nights = 0;
    for seed in 0..3 {
        let told = lived(&history::drawn(seed, 200), 0).await.unwrap();
        let cleared = told.iter().filter_map(|alert| match &alert.body {
            Some(Alert::CaseCleared(e)) => Some((&e.case_id, e.verdict.as_ref()?)),
            _ => None,
        });
        for (id, cleared) in cleared {
            nights += told
                .iter()
                .filter(|alert| match &alert.body {
                    Some(Alert::CaseOpened(e)) if e.case_id == *id => {
                        let opened = e.verdict.as_ref().unwrap();
                        opened.position == cleared.position
                            && opened.judged_for < cleared.judged_for
                    }
                    _ => false,
                })
                .count();
        }
    }
    assert!(nights > 0, "no night cleared what its day had opened");
}
