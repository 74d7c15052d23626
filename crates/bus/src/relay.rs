//! From the log to the stream: the stream sequence *is* the log position.
//!
//! JetStream acknowledges before it syncs, so a server that is killed can lose what it
//! acknowledged. The log cannot, so the relay needs no cursor of its own; it asks the stream.
//!
//! It lives in generations. Each one takes a new client, makes the stream if it is missing, and
//! reads the stream's last sequence L:
//!
//! - L beyond the log's head: the log was restored from an older copy. Stop, a person must decide.
//! - A message up to L that was not looked at before, among the last [`WINDOW_MAX`], or the last
//!   take-over, is not the log's: two histories. Stop, a person must decide.
//! - Else go on at L + 1.
//!
//! Event *i* is published with `Nats-Expected-Last-Sequence: i-1` (of a batch the first, for all), so
//! that the server itself refuses a gap, a double and a reordering, from this relay, from a twin, or
//! from a client that was thought dead. Acknowledgements come on one subject, are awaited in order
//! and must say *i*, and our stream's name. Anything else (an
//! error, a late or missing acknowledgement, a lost connection, a stream that moved) ends the
//! generation: client and window are dropped, and after a short wait the next one asks the stream
//! again. `Nats-Msg-Id` is sent for hubs; a *duplicate* answer means that somebody else published
//! this position, so that too ends the generation and what is there is compared.
//!
//! A sequence does not say whose event it is. While *i* waits at the server, another writer's event
//! can become *i*; ours is refused, but those behind it, already on their way, find the sequences
//! that they name. Three things keep that from mattering:
//!
//! - Where the stream has several copies, nothing is behind: what waits goes out as one atomic batch
//!   (`Nats-Batch-Id`), stored as a whole or not at all, and nothing else until it is acknowledged;
//!   meanwhile the next gathers. The leader keeps it in memory until its last event is there, checks
//!   it then, and has it agreed on once. A leader that is lost before that takes all of it along.
//!   A generation that ends halves what the next one sends as one, and each acknowledgement adds one
//!   to it, since many may not pass where few do: a slow line, a server that is set to take fewer.
//!   Servers before 2.12.12 and 2.14.3 panic when they are caught up in the middle of a batch; they
//!   are given one event at a time.
//! - Where the stream has one copy, a batch costs the server a folder on disk, and its events are
//!   written twice; there they go out one by one, a window of them. Whoever takes a ledger over says
//!   so in the stream ([`RelayOptions::take_overs`]). An event sent while others are on their way
//!   also names the last take-over that the log has (`Nats-Expected-Last-Subject-Sequence`), so
//!   after another one the server stores none of them. (A stream of several copies refuses a second
//!   such event while the first is being agreed on; `Nats-Expected-Last-Msg-Id` each copy checks for
//!   itself, and one that was caught up from another does not know the last id, takes the next event
//!   for a write error, and stops. A *fast* batch of 2.14 passes over what it holds for a duplicate,
//!   as a take-over with the same id is, and stores what is behind it.)
//! - What was not acknowledged in its turn is compared one by one before anything is built on it.
//!   By induction the stream up to `published` is the log's: it was compared or acknowledged. No
//!   more than a window can have come after it; all of that is compared, not the last alone, which
//!   may well be our own behind another's. A relay that has just started looks at one window.
//!
//! Every heartbeat interval the head of the log goes out on core NATS
//! ([`crate::subject::heartbeat`]), and the stream is asked whether it still ends where we left it.
//!
//! What ends a generation has a name ([`Trouble`]), so that whoever asks is told why nothing is
//! published. It stands until an event is acknowledged or none waits, not until the next client
//! is connected: a full store lets every generation connect.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use crate::backoff::{Backoff, Complaints};
use crate::client::{self, ConnectSettings, chain};
use crate::stream::{self, StreamSpec};
use crate::subject;
use crate::{Access, BoxError};

mod generation;
mod place;
mod trouble;

pub use trouble::Trouble;

/// One message of the log, as it goes out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Its position in the log, and its sequence in the stream.
    pub position: u64,
    /// The subject; the stream must take it.
    pub subject: String,
    /// The bytes; the same for the same position every time it is asked.
    pub payload: Bytes,
}

/// The log, as the relay sees it.
pub trait Origin: Send + Sync + 'static {
    /// The last durable position, 0 when there is none; it only grows.
    fn head(&self) -> watch::Receiver<u64>;

    /// Messages from position `from` on, dense, at most `max`, never beyond the durable head.
    /// May block: it is called on a thread for blocking work.
    fn messages(&self, from: u64, max: usize) -> Result<Vec<Message>, BoxError>;

    /// The same at once, without waiting for a disk or for another thread; `None` if that cannot be done.
    /// It is called for a few messages at a time, on the task that publishes.
    fn messages_at_hand(&self, from: u64, max: usize) -> Option<Result<Vec<Message>, BoxError>> {
        let _ = (from, max);
        None
    }

    /// Whether what the stream holds at a position is what the log says. The bytes, unless the
    /// form of messages changed between releases.
    fn same(&self, log: &Message, stream: &Message) -> bool {
        log == stream
    }
}

/// How to relay.
#[derive(Debug, Clone)]
pub struct RelayOptions {
    /// Where the server is, and as whom to publish.
    pub access: Access,
    /// The ledger: one token of a subject.
    pub ledger: String,
    /// Its stream.
    pub stream: StreamSpec,
    /// Messages in flight, 1 to [`WINDOW_MAX`]; to a stream of several copies, in a batch.
    pub window: usize,
    /// A generation ends when the next acknowledgement takes longer than this.
    pub ack_timeout: Duration,
    /// Between two heartbeats, and between two looks at the stream.
    pub heartbeat: Duration,
    /// Longest wait between two generations.
    pub backoff_max: Duration,
    /// Filter of the messages by which another takes the ledger over; none if nobody can.
    pub take_overs: Option<String>,
}

/// The most messages in flight.
pub const WINDOW_MAX: usize = 1_024;

impl RelayOptions {
    /// The measured settings: 1,024 in flight, 2.5 s for an acknowledgement, a heartbeat a second; nobody takes over.
    pub fn new(access: impl Into<Access>, ledger: String, stream: StreamSpec) -> Self {
        Self {
            access: access.into(),
            ledger,
            stream,
            window: WINDOW_MAX,
            ack_timeout: Duration::from_millis(2_500),
            heartbeat: Duration::from_secs(1),
            backoff_max: Duration::from_millis(500),
            take_overs: None,
        }
    }
}

/// How the relay stands.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RelayStatus {
    /// The last position the stream has acknowledged.
    pub published: u64,
    /// The head of the log as last seen; what lies between is not yet on the bus.
    pub head: u64,
    /// How many generations were started.
    pub generation: u64,
    /// Whether the present one has its stream.
    pub connected: bool,
    /// Why the last generation ended.
    pub last_error: Option<String>,
    /// Its name, if it may pass by itself.
    pub last_trouble: Option<Trouble>,
    /// Whether nothing was achieved since.
    pub troubled: bool,
}

impl RelayStatus {
    /// What keeps the relay from publishing now; it tries again for ever.
    #[must_use]
    pub fn trouble(&self) -> Option<Trouble> {
        self.last_trouble.filter(|_| self.troubled)
    }

    fn end(&mut self, ended: &Ended) {
        self.connected = false;
        self.last_error = Some(ended.to_string());
        self.last_trouble = ended.trouble();
        self.troubled = self.last_trouble.is_some();
    }
}

/// What stops a relay until a person has looked at it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RelayError {
    /// The stream has events that the log does not.
    #[error(
        "stream {stream} ends at {last}, beyond the log's head {head}: \
         the log was restored from an older copy"
    )]
    AheadOfLog {
        /// The stream.
        stream: String,
        /// Its last sequence.
        last: u64,
        /// The last position of the log.
        head: u64,
    },
    /// Stream and log tell different histories.
    #[error("stream {stream} and the log have different events at position {position}")]
    Forked {
        /// The stream.
        stream: String,
        /// The first of what was compared that differs; they may have parted earlier.
        position: u64,
    },
    /// The server is too old, or its address is none.
    #[error(transparent)]
    Client(client::Error),
    /// The stream cannot carry this log.
    #[error(transparent)]
    Stream(stream::Error),
    /// The ledger's name cannot stand in a subject.
    #[error("`{ledger}` is not a ledger: one token of a-z, 0-9, `_` and `-` is needed")]
    Ledger {
        /// What was given.
        ledger: String,
    },
    /// A message of the log goes to a subject that its stream does not take.
    #[error("event {position} goes to {subject}, which its stream does not take")]
    Subject {
        /// Its position.
        position: u64,
        /// Its subject.
        subject: String,
    },
    /// A message of the log is larger than the server takes.
    #[error("event {position} is {bytes} bytes, more than the bus takes ({bytes_max})")]
    TooLarge {
        /// Its position.
        position: u64,
        /// Its payload, headers aside.
        bytes: usize,
        /// The limit, headers included.
        bytes_max: usize,
    },
}

impl RelayError {
    /// A code for the operator's runbook.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::AheadOfLog { .. } => "STREAM_AHEAD_OF_LOG",
            Self::Forked { .. } => "STREAM_FORKED",
            Self::Client(error) => error.reason(),
            Self::Stream(error) => error.reason(),
            Self::Ledger { .. } => "LEDGER_INVALID",
            Self::Subject { .. } => "EVENT_SUBJECT_OUTSIDE_STREAM",
            Self::TooLarge { .. } => "EVENT_TOO_LARGE",
        }
    }
}

/// Why a generation ended.
#[derive(Debug, thiserror::Error)]
enum Ended {
    #[error(transparent)]
    Alarm(#[from] RelayError),
    #[error("{1}")]
    Trouble(Trouble, String),
}

impl Ended {
    fn trouble(&self) -> Option<Trouble> {
        match self {
            Self::Alarm(_) => None,
            Self::Trouble(trouble, _) => Some(*trouble),
        }
    }
}

impl From<client::Error> for Ended {
    fn from(error: client::Error) -> Self {
        match Trouble::of_client(&error) {
            Some(trouble) => Self::Trouble(trouble, chain(&error)),
            None => Self::Alarm(RelayError::Client(error)),
        }
    }
}

impl From<stream::Error> for Ended {
    fn from(error: stream::Error) -> Self {
        match Trouble::of_stream(&error) {
            Some(trouble) => Self::Trouble(trouble, chain(&error)),
            None => Self::Alarm(RelayError::Stream(error)),
        }
    }
}

/// Keeps the stream what the log says, until `shutdown` (then `Ok`) or an alarm.
///
/// Everything that can pass by itself is retried for ever and shown in `status`.
pub async fn relay(
    options: RelayOptions,
    origin: Arc<dyn Origin>,
    status: watch::Sender<RelayStatus>,
    shutdown: CancellationToken,
) -> Result<(), RelayError> {
    check(&options)?;
    let mut backoff = Backoff::new(Duration::from_millis(25), options.backoff_max);
    let mut complaints = Complaints::new(Duration::from_secs(30));
    let ledger = options.ledger.as_str();
    let mut together = options.window;
    while !shutdown.is_cancelled() {
        status.send_modify(|status| status.generation += 1);
        let before = status.borrow().published;
        let ended = tokio::select! {
            biased;
            () = shutdown.cancelled() => break,
            ended = generation::run(&options, &origin, &status, &mut together) => ended,
        };
        status.send_modify(|status| status.end(&ended));
        match ended {
            Ended::Alarm(alarm) => {
                let reason = alarm.reason();
                error!(ledger, reason, "the relay of {ledger} stops: {alarm}");
                return Err(alarm);
            }
            Ended::Trouble(trouble, text) => {
                if let Some(repeats) = complaints.admit(&text) {
                    let reason = trouble.reason();
                    warn!(
                        ledger,
                        reason, repeats, "the relay of {ledger} starts again: {text}"
                    );
                }
            }
        }
        // Fewer may pass where many do not: a slow line, a server that is set to take fewer.
        together = (together / 2).max(1);
        if status.borrow().published != before {
            backoff.reset();
        }
        tokio::select! {
            () = shutdown.cancelled() => break,
            () = tokio::time::sleep(backoff.delay()) => {}
        }
    }
    status.send_modify(|status| status.connected = false);
    info!(ledger, "the relay of {ledger} has stopped");
    Ok(())
}

fn check(options: &RelayOptions) -> Result<(), RelayError> {
    if !subject::is_token(&options.ledger) {
        return Err(RelayError::Ledger {
            ledger: options.ledger.clone(),
        });
    }
    let heartbeat = subject::heartbeat(&options.ledger);
    if options.stream.takes(&heartbeat) {
        let name = options.stream.name.clone();
        return Err(RelayError::Stream(stream::Error::TakesHeartbeats {
            name,
            subject: heartbeat,
        }));
    }
    Ok(())
}
