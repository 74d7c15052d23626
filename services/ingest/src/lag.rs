//! How far the bus is behind the log: in positions, and since when.

use std::sync::Arc;
use std::time::Duration;

use bus::RelayStatus;
use event_log::{Log, ReadLimit};
use host::{CancellationToken, Clock};
use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval};

/// How often the metrics are told.
const EVERY: Duration = Duration::from_secs(1);

/// How far the bus is behind the log.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Lag {
    /// The log's head.
    pub(crate) head: u64,
    /// The last position that the stream has acknowledged; 0 before the relay has seen the stream.
    pub(crate) published: u64,
    /// How long ago the log took the event after it; 0 if there is none, `None` if it cannot be read.
    pub(crate) seconds: Option<f64>,
}

impl Lag {
    /// Of a log that has nothing but what was published.
    pub(crate) fn of_standby(head: u64) -> Self {
        Self {
            head,
            published: head,
            seconds: Some(0.0),
        }
    }

    pub(crate) fn positions(&self) -> u64 {
        self.head.saturating_sub(self.published)
    }
}

/// Measures; clones share nothing.
#[derive(Clone)]
pub(crate) struct Meter {
    log: Log,
    status: watch::Receiver<RelayStatus>,
    clock: Arc<dyn Clock>,
    /// A position, and when the log took it: while nothing is published it is read once.
    next: Option<(u64, i64)>,
}

impl Meter {
    pub(crate) fn new(
        log: Log,
        status: watch::Receiver<RelayStatus>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self {
            log,
            status,
            clock,
            next: None,
        }
    }

    /// The log that is measured.
    pub(crate) fn log(&self) -> Log {
        self.log.clone()
    }

    /// How far the bus is behind now; may read an event from the disk.
    pub(crate) async fn lag(&mut self) -> Lag {
        // In this order: what is published was in the log before.
        let published = self.status.borrow().published;
        let head = self.log.head();
        let seconds = if published >= head {
            Some(0.0)
        } else {
            let known = self.known(published + 1).await;
            known.map(|known| since(known, self.clock.now().as_microsecond()))
        };
        Lag {
            head,
            published,
            seconds,
        }
    }

    /// When the log took an event, in microseconds since 1970.
    async fn known(&mut self, position: u64) -> Option<i64> {
        if let Some((of, known)) = self.next
            && of == position
        {
            return Some(known);
        }
        let log = self.log.clone();
        let one = ReadLimit {
            events: 1,
            bytes: 0,
        };
        let read = tokio::task::spawn_blocking(move || log.read(position, one)).await;
        // The relay meets the same event and names what is wrong with it.
        let record = read.ok()?.ok()?.into_iter().next()?;
        self.next = Some((position, record.known_micros));
        Some(record.known_micros)
    }

    /// Tells the metrics until the shutdown.
    pub(crate) async fn tell(mut self, shutdown: CancellationToken) {
        let mut every = interval(EVERY);
        every.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = shutdown.cancelled() => return,
                _ = every.tick() => {}
            }
            let lag = self.lag().await;
            let generation = self.status.borrow().generation;
            metrics::gauge!("tiendo_relay_position").set(lag.published as f64);
            metrics::gauge!("tiendo_relay_behind_positions").set(lag.positions() as f64);
            // Behind, and nobody can say for how long: the alert must not wait for that.
            let seconds = lag.seconds.unwrap_or(f64::INFINITY);
            metrics::gauge!("tiendo_relay_behind_seconds").set(seconds);
            metrics::counter!("tiendo_relay_generations_total").absolute(generation);
        }
    }
}

/// Seconds from one instant in microseconds to a later one; a clock that was put back makes nothing older than it is.
fn since(known: i64, now: i64) -> f64 {
    now.saturating_sub(known).max(0) as f64 / 1e6
}

/// What keeps the relay from publishing now, as `CODE: what happened`; empty if nothing does.
pub(crate) fn trouble(status: &RelayStatus) -> String {
    match (status.trouble(), &status.last_error) {
        (Some(trouble), Some(error)) => format!("{}: {error}", trouble.reason()),
        _ => String::new(),
    }
}
