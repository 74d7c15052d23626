//! What keeps a subscriber from its next event, by name.

use bus::PullError;
use wire::log_reader;

/// Why there is no next event. None of them ends a subscription: ask again once it is set right.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The bus cannot be reached, refuses, or does not give the stream.
    #[error(transparent)]
    Bus(#[from] PullError),
    /// The log is needed and cannot be read.
    #[error("the log at {address} cannot be read from position {position}")]
    Log {
        /// Where it is.
        address: String,
        /// The position that is wanted.
        position: u64,
        /// What it says.
        source: log_reader::Error,
    },
    /// The stream does not hold what comes next, and there is no log to read it from.
    #[error(
        "stream {stream} begins at {first}, and {wanted} is the next: give the address of the ledger's log, \
         or pass over what is gone"
    )]
    BeyondRetention {
        /// The stream.
        stream: String,
        /// The oldest sequence that it has, or that this consumer gives.
        first: u64,
        /// The sequence that comes next.
        wanted: u64,
    },
    /// A message came that is not the next one.
    #[error("stream {stream} gave {found} where {expected} was expected")]
    Gap {
        /// The stream.
        stream: String,
        /// The sequence that comes next.
        expected: u64,
        /// The one that came.
        found: u64,
    },
    /// More was read than the log has: it is an older copy, or another one.
    #[error(
        "position {position} of ledger {ledger} was read already, and its log ends at {head}: \
         it was restored from an older copy; ask its operator before you go on"
    )]
    Ahead {
        /// The ledger.
        ledger: String,
        /// Where the subscriber is.
        position: u64,
        /// Where the log is.
        head: u64,
    },
    /// Another event stands where one was read: the ledger went on otherwise.
    #[error(
        "position {position} of {source_name} was {seen} when it was read, and {at} has {found} there: the ledger went on \
         otherwise (restored from an older copy, or taken over); ask its operator before you go on"
    )]
    Forked {
        /// The `source` of its events.
        source_name: String,
        /// The position.
        position: u64,
        /// Where the other one was found.
        at: String,
        /// What was read.
        seen: String,
        /// What is there now.
        found: String,
    },
    /// The log is no longer the ledger's from a position on, and what is needed lies there.
    #[error(
        "the log at {address} is not the ledger's from position {position} on: {writer} took it over; \
         give the new writer's address"
    )]
    Fenced {
        /// Where the log is.
        address: String,
        /// From where on.
        position: u64,
        /// What the new writer calls itself.
        writer: String,
    },
    /// Events of a source are missing in a stream that collects several. It is told once, and gone on with.
    #[error(
        "stream {stream} gave event {found} of {source_name} where {expected} is the next: its stream dropped what is \
         between before this one had it; read that from the ledger's own log"
    )]
    Missing {
        /// The stream.
        stream: String,
        /// The `source` of its events.
        source_name: String,
        /// The position that comes next.
        expected: u64,
        /// The one that came.
        found: u64,
    },
    /// The checkpoint, the stream or the log is that of another ledger.
    #[error("{what} is of ledger `{found}`, not of `{wanted}`")]
    OtherLedger {
        /// What it is that does not fit.
        what: String,
        /// Whose it is.
        found: String,
        /// The ledger subscribed to.
        wanted: String,
    },
    /// A message in the stream is no event of the ledger.
    #[error("message {sequence} of stream {stream} is no event of Tiendo: {why}")]
    Message {
        /// The stream.
        stream: String,
        /// Its sequence there.
        sequence: u64,
        /// What does not fit.
        why: String,
    },
    /// A filter is none.
    #[error("`{filter}` is no filter of events: {why}")]
    Filter {
        /// What was given.
        filter: String,
        /// What does not fit.
        why: String,
    },
    /// There is no such beginning here.
    #[error("the subscription cannot begin there: {why}")]
    Start {
        /// What does not fit.
        why: String,
    },
    /// More ledgers than are kept apart.
    #[error("stream {stream} has more than {max} sources")]
    SourcesFull {
        /// The stream.
        stream: String,
        /// How many are kept apart.
        max: usize,
    },
}

impl Error {
    /// A code for the runbook, `deploy/runbook.md`.
    #[must_use]
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Bus(error) => error.reason(),
            Self::Log { source, .. } => source.reason(),
            Self::BeyondRetention { .. } => "BEYOND_RETENTION",
            Self::Gap { .. } => "STREAM_GAP",
            Self::Ahead { .. } => "CHECKPOINT_AHEAD",
            Self::Forked { .. } => "CHECKPOINT_FORKED",
            Self::Fenced { .. } => "LOG_FENCED",
            Self::Missing { .. } => "SOURCE_GAP",
            Self::OtherLedger { .. } => "OTHER_LEDGER",
            Self::Message { .. } => "MESSAGE_UNREADABLE",
            Self::Filter { .. } => "FILTER_INVALID",
            Self::Start { .. } => "START_INVALID",
            Self::SourcesFull { .. } => "SOURCES_FULL",
        }
    }

    /// Whether it may pass by itself; the others need a person.
    #[must_use]
    pub fn may_pass(&self) -> bool {
        match self {
            Self::Bus(error) => error.may_pass(),
            Self::Log { source, .. } => source.may_pass(),
            Self::Gap { .. } => true,
            _ => false,
        }
    }
}
