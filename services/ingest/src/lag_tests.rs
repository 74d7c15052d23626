//! Stories of a bus that is behind the log.

use std::sync::Arc;

use bus::RelayStatus;
use bytes::Bytes;
use event_log::{Append, Log, NewEvent, Options};
use host::ManualClock;
use jiff::{SignedDuration, Timestamp};
use tokio::sync::watch;

use crate::lag::{Lag, Meter, trouble};

/// A log that takes events at 03:00, 03:01 and so on, one at each `append`.
struct World {
    log: Log,
    clock: Arc<ManualClock>,
    status: watch::Sender<RelayStatus>,
    meter: Meter,
    _directory: tempfile::TempDir,
}

impl World {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let begin: Timestamp = "2026-11-22T03:00:00Z".parse().unwrap();
        let clock = Arc::new(ManualClock::new(begin));
        let now = Arc::clone(&clock);
        let options = Options::at(directory.path());
        let log = Log::open(
            options,
            Arc::new(move || host::Clock::now(&*now).as_microsecond()),
        );
        let log = log.unwrap();
        let (status, seen) = watch::channel(RelayStatus::default());
        let meter = Meter::new(log.clone(), seen, clock.clone());
        Self {
            log,
            clock,
            status,
            meter,
            _directory: directory,
        }
    }

    async fn append(&self, number: u128) {
        let event = NewEvent {
            subject: "a".into(),
            expected_revision: None,
            payload: Bytes::from_static(b"event"),
            attribute: None,
        };
        let request_id = number.to_be_bytes();
        let events = vec![event];
        let append = Append { request_id, events };
        self.log.append(append).await.unwrap();
        self.clock.advance(SignedDuration::from_mins(1));
    }

    fn published(&self, position: u64) {
        self.status
            .send_modify(|status| status.published = position);
    }

    async fn lag(&mut self) -> (u64, Option<f64>) {
        let lag = self.meter.lag().await;
        (lag.positions(), lag.seconds)
    }
}

/// Taken at 03:00, 03:01 and 03:02; it is 03:03.
#[tokio::test]
async fn the_lag_is_that_of_the_oldest_event_that_is_not_on_the_bus() {
    let mut world = World::new();
    assert_eq!(world.lag().await, (0, Some(0.0)), "nothing is missing");
    for number in 1..=3 {
        world.append(number).await;
    }
    assert_eq!(world.lag().await, (3, Some(180.0)));
    world.published(1);
    assert_eq!(world.lag().await, (2, Some(120.0)));
    // More comes and nothing goes out: it is the same event that waits, and longer.
    world.append(4).await;
    assert_eq!(world.lag().await, (3, Some(180.0)));
    world.published(3);
    assert_eq!(world.lag().await, (1, Some(60.0)));
    world.published(4);
    assert_eq!(world.lag().await, (0, Some(0.0)));
    // A stream that was deleted lacks everything again.
    world.published(0);
    assert_eq!(world.lag().await, (4, Some(240.0)));
    // A clock that was put back makes nothing older than it is.
    world.clock.set("2026-11-22T02:00:00Z".parse().unwrap());
    assert_eq!(world.lag().await, (4, Some(0.0)));
}

#[test]
fn behind_counts_from_what_was_published() {
    let lag = |head, published| Lag {
        head,
        published,
        seconds: None,
    };
    assert_eq!(lag(10, 4).positions(), 6);
    // A stream ahead of its log is an alarm of the relay, not a lag.
    assert_eq!(lag(4, 10).positions(), 0);
}

#[test]
fn a_trouble_is_told_with_its_code_while_it_stands() {
    let mut status = RelayStatus::default();
    assert_eq!(trouble(&status), "");
    status.last_trouble = Some(bus::Trouble::StoreFull);
    status.last_error = Some("event 7 was refused".to_owned());
    status.troubled = true;
    assert_eq!(trouble(&status), "STREAM_STORE_FULL: event 7 was refused");
    status.troubled = false;
    assert_eq!(trouble(&status), "", "it is over");
}
