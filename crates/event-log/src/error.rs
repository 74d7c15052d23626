//! Everything that can go wrong, each with a stable reason code.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use crate::Damage;

/// Why the log refused or failed.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The request id was accepted before with other subjects or payloads.
    #[error("request id {request_id} was used before for other events, from position {first}")]
    RequestIdReused {
        /// The id as hexadecimal digits.
        request_id: String,
        /// Where the events of the earlier request begin.
        first: u64,
    },
    /// The request id is a UUIDv7 from before the window in which repeated requests are recognised.
    ///
    /// Nothing was written; whether it was accepted back then can be read from the log.
    #[error(
        "request id {request_id} is from before {window_start_micros} µs, the begin of what is remembered"
    )]
    RequestIdExpired {
        /// The id as hexadecimal digits.
        request_id: String,
        /// Requests known from here on are remembered, in microseconds since the Unix epoch.
        window_start_micros: i64,
    },
    /// The subject is not where the caller thought; nothing of the request was written.
    #[error("subject {subject:?} is at revision {actual}, not {expected}")]
    RevisionMismatch {
        /// The subject in question.
        subject: String,
        /// What the caller expected.
        expected: u64,
        /// What it is, earlier events of the same request counted.
        actual: u64,
    },
    /// More waits than may wait; come back later.
    #[error("the queue is full: {limit} {unit} may wait")]
    QueueFull {
        /// The limit that was reached.
        limit: usize,
        /// What it counts: requests or bytes.
        unit: &'static str,
    },
    /// A request without events.
    #[error("the request holds no event")]
    Empty,
    /// A request, subject or payload over its limit.
    #[error("too large: {actual} {what}, at most {limit} are allowed")]
    TooLarge {
        /// What was counted.
        what: &'static str,
        /// How much there is.
        actual: usize,
        /// How much there may be.
        limit: usize,
    },
    /// No space left; nothing of the request was kept, reads go on, a later append may succeed.
    #[error("the disk of the log is full")]
    DiskFull,
    /// A write or sync failed; the writer stopped for good, reads go on up to the durable head.
    ///
    /// Whether the events of the failing commit survive is known only after the log is opened anew: repeat the
    /// request with the same id.
    #[error("the writer has stopped: {why}")]
    WriterStopped {
        /// What failed first.
        why: Arc<str>,
    },
    /// The log was closed.
    #[error("the log is closed")]
    Closed,
    /// A position or size that the log, or the tree asked about, does not reach.
    #[error("{asked} is not within 1 to {head}")]
    BeyondHead {
        /// What was asked for.
        asked: u64,
        /// The largest there is.
        head: u64,
    },
    /// A proof that does not hold.
    #[error("the proof does not hold: {problem}")]
    ProofRefuted {
        /// What does not hold.
        problem: &'static str,
    },
    /// A text that is no signed tree head of the log with the given key.
    #[error("not a checkpoint of this log: {problem}")]
    CheckpointRefused {
        /// What is wrong with it.
        problem: &'static str,
    },
    /// The key that signs tree heads is missing, unreadable or another log's.
    #[error("the signing key cannot be used: {problem}")]
    SigningKey {
        /// What is wrong, and what can be done.
        problem: String,
    },
    /// The log does not hold what it once signed: it was cut short, rewritten, or restored from an older copy.
    #[error("the log has {head} events, and is not what was signed at {size} events")]
    Rewritten {
        /// Size of the newest tree head that was signed.
        size: u64,
        /// Events in the log now.
        head: u64,
    },
    /// Stored events cannot be trusted; on an append: the log as a whole takes no events until repaired.
    #[error("positions {first} to {last} are damaged: {reason}")]
    Damaged {
        /// First position touched.
        first: u64,
        /// Last position touched.
        last: u64,
        /// What is wrong.
        reason: String,
    },
    /// Another process, or another [`Log`](crate::Log) of this one, holds the directory.
    #[error("{directory} is held by another process")]
    Locked {
        /// The directory of the log.
        directory: PathBuf,
    },
    /// Written by a version of this program that is newer (or by something else: found is 0).
    #[error("the log has format version {found}, this program supports {supported}")]
    FormatVersion {
        /// What the directory says.
        found: u32,
        /// What this program reads and writes.
        supported: u32,
    },
    /// Where the log is to be built, something lies already.
    #[error("{directory} holds a log already")]
    NotEmpty {
        /// The directory.
        directory: PathBuf,
    },
    /// A record that does not follow on the one before.
    #[error("position {position} cannot follow: {problem}")]
    OutOfOrder {
        /// Its position.
        position: u64,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// A setting that cannot work.
    #[error("bad option: {problem}")]
    Options {
        /// What is wrong with it.
        problem: &'static str,
    },
    /// A file operation failed.
    #[error("cannot {doing}")]
    Io {
        /// What was attempted.
        doing: &'static str,
        /// What the system said.
        source: Arc<io::Error>,
    },
    /// sled gave up on its own file, which may have been cut or changed behind its back.
    ///
    /// The positions touched are told by looking at the raw bytes, see [`salvage`](crate::salvage).
    #[error("cannot {doing}: the file of the store is damaged: {problem}")]
    StoreDamaged {
        /// What was attempted.
        doing: &'static str,
        /// What sled said.
        problem: String,
    },
    /// The store failed.
    #[error("cannot {doing}")]
    Storage {
        /// What was attempted.
        doing: &'static str,
        /// What sled said.
        source: sled::Error,
    },
}

impl Error {
    /// The stable code of this kind of error.
    pub fn reason(&self) -> &'static str {
        match self {
            Error::RequestIdReused { .. } => "REQUEST_ID_REUSED",
            Error::RequestIdExpired { .. } => "REQUEST_ID_EXPIRED",
            Error::RevisionMismatch { .. } => "REVISION_MISMATCH",
            Error::QueueFull { .. } => "QUEUE_FULL",
            Error::Empty => "EMPTY_REQUEST",
            Error::TooLarge { .. } => "TOO_LARGE",
            Error::DiskFull => "DISK_FULL",
            Error::WriterStopped { .. } => "WRITER_STOPPED",
            Error::Closed => "LOG_CLOSED",
            Error::BeyondHead { .. } => "BEYOND_HEAD",
            Error::ProofRefuted { .. } => "PROOF_REFUTED",
            Error::CheckpointRefused { .. } => "CHECKPOINT_REFUSED",
            Error::SigningKey { .. } => "LOG_SIGNING_KEY",
            Error::Rewritten { .. } => "LOG_REWRITTEN",
            Error::Damaged { .. } => "LOG_DAMAGED",
            Error::Locked { .. } => "LOG_LOCKED",
            Error::FormatVersion { .. } => "LOG_FORMAT_VERSION",
            Error::NotEmpty { .. } => "LOG_NOT_EMPTY",
            Error::OutOfOrder { .. } => "LOG_OUT_OF_ORDER",
            Error::Options { .. } => "LOG_OPTIONS",
            Error::Io { .. } => "LOG_IO",
            Error::StoreDamaged { .. } => "LOG_STORE_DAMAGED",
            Error::Storage { .. } => "LOG_STORAGE",
        }
    }

    pub(crate) fn io(doing: &'static str) -> impl FnOnce(io::Error) -> Error {
        move |source| Error::Io {
            doing,
            source: Arc::new(source),
        }
    }

    pub(crate) fn storage(doing: &'static str) -> impl FnOnce(sled::Error) -> Error {
        move |source| Error::Storage { doing, source }
    }
}

impl From<Damage> for Error {
    fn from(damage: Damage) -> Error {
        Error::Damaged {
            first: damage.first,
            last: damage.last,
            reason: damage.reason,
        }
    }
}
