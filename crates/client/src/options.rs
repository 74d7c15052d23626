//! What to read, and from where.

use std::time::Duration;

use bus::Access;
use jiff::Timestamp;

use crate::Checkpoint;

/// Which stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Feed {
    /// That of one ledger, whose sequence is the position.
    Ledger(String),
    /// One that collects several, of this name: a hub's. Its sequence is its own, and an event may be in it twice.
    Hub(String),
}

/// Where to begin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Start {
    /// With the event at this position, or the first one after it; 1 is the beginning. In a hub a sequence of its stream.
    Position(u64),
    /// With the first event that the log took at this time or later.
    Time(Timestamp),
    /// With what comes from now on.
    New,
    /// After what the durable consumer has acknowledged.
    ///
    /// Only as good as the stream's retention: what the stream drops counts as acknowledged. Whoever may sleep longer
    /// keeps a checkpoint.
    Acknowledged,
    /// After what was given when this was kept.
    Checkpoint(Checkpoint),
}

/// How to subscribe.
#[derive(Debug, Clone)]
pub struct Options {
    /// Which stream.
    pub feed: Feed,
    /// Where the bus is, and as whom to read.
    pub bus: Access,
    /// Where ingest's `LogService` is, such as `http://127.0.0.1:7061`, for what the stream does not hold any more.
    ///
    /// Without it only the stream is read. A hub has none.
    pub log: Option<String>,
    /// Where to begin.
    pub start: Start,
    /// Which events, see [`crate::filter`]; none for all. A durable consumer has filters of its own beside these.
    pub filters: Vec<String>,
    /// A durable consumer that an operator made, by name; its messages are acknowledged. One program at a time reads it.
    pub consumer: Option<String>,
    /// The JetStream domain that answers, if the account is not that of the stream: `tiendo` for an agency's own account.
    pub domain: Option<String>,
    /// What the bus's operator sees this subscriber as.
    pub name: String,
    /// How long trouble that may pass is borne before [`crate::Subscription::next`] tells it.
    pub patience: Duration,
}

impl Options {
    /// Everything of a ledger from its first event on, from the stream alone; half a minute of patience.
    #[must_use]
    pub fn ledger(ledger: &str, bus: impl Into<Access>) -> Self {
        Self::of(Feed::Ledger(ledger.to_owned()), bus)
    }

    /// Everything in the stream of a hub, from its first message on.
    #[must_use]
    pub fn hub(stream: &str, bus: impl Into<Access>) -> Self {
        Self::of(Feed::Hub(stream.to_owned()), bus)
    }

    fn of(feed: Feed, bus: impl Into<Access>) -> Self {
        Self {
            feed,
            bus: bus.into(),
            log: None,
            start: Start::Position(1),
            filters: Vec::new(),
            consumer: None,
            domain: None,
            name: "tiendo client".to_owned(),
            patience: Duration::from_secs(30),
        }
    }

    /// The name of the stream.
    #[must_use]
    pub fn stream(&self) -> String {
        match &self.feed {
            Feed::Ledger(ledger) => bus::subject::stream_name(ledger),
            Feed::Hub(stream) => stream.clone(),
        }
    }

    /// The ledger, if it is one.
    #[must_use]
    pub fn ledger_name(&self) -> Option<&str> {
        match &self.feed {
            Feed::Ledger(ledger) => Some(ledger),
            Feed::Hub(_) => None,
        }
    }
}
