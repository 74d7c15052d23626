//! What goes into the log, what comes out of it, and the limits of both.

use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;

use crate::{Attribute, Error};

/// The hard limits; reaching one gives a named error.
pub mod limits {
    use crate::Error;

    /// Most bytes of one event's payload.
    pub const PAYLOAD_BYTES_MAX: usize = 32 * 1024;
    /// Most bytes of a subject.
    pub const SUBJECT_BYTES_MAX: usize = 255;
    /// Most bytes of one event's erasable attribute.
    pub const ATTRIBUTE_BYTES_MAX: usize = 400;
    /// Most events of one request.
    pub const REQUEST_EVENTS_MAX: usize = 10_000;
    /// Most bytes (subjects and payloads) of one request.
    pub const REQUEST_BYTES_MAX: usize = 16 * 1024 * 1024;
    /// Most bytes (subjects and payloads) that wait in the queue, whatever the number of requests.
    pub const QUEUE_BYTES_MAX: usize = 64 * 1024 * 1024;
    /// Most bytes of one stored chunk; `storage` says why.
    pub const CHUNK_BYTES_MAX: usize = 56 * 1024;
    /// Most bytes of one chunk before compression.
    pub const CHUNK_RAW_BYTES_MAX: usize = 1024 * 1024;
    /// Most events of one chunk.
    pub const CHUNK_EVENTS_MAX: usize = 8_192;

    pub(crate) fn within(what: &'static str, actual: usize, limit: usize) -> Result<(), Error> {
        if actual > limit {
            Err(Error::TooLarge {
                what,
                actual,
                limit,
            })
        } else {
            Ok(())
        }
    }
    /// At least so many of the newest requests are remembered, at most twice as many; see `index`.
    pub const REQUESTS_REMEMBERED_MIN: usize = 917_504;
}

/// Gives the present time in microseconds since the Unix epoch.
///
/// It may step back; the log then repeats the time of the event before.
pub type Now = Arc<dyn Fn() -> i64 + Send + Sync>;

/// How a log is opened.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where the log lives; created when missing, held by one process at a time.
    pub directory: PathBuf,
    /// Most events of one group commit; a single larger request still goes in alone.
    pub commit_events_max: usize,
    /// Most bytes (subjects and payloads) of one group commit; a single larger request still goes in alone.
    pub commit_bytes_max: usize,
    /// Most requests that wait for the committer; one more is refused with [`Error::QueueFull`].
    pub queue_requests_max: usize,
    /// Memory for sled's page cache, in bytes.
    pub cache_bytes: u64,
    /// Bytes of each of the two halves of the journal; a single larger commit still goes in.
    ///
    /// Events leave memory and the journal when a half is full and settled.
    pub journal_bytes: usize,
    /// Names the log in its signed checkpoints, for example `tiendo/khanh-hoa`.
    pub origin: Box<str>,
}

impl Options {
    /// Values for a service with some hundred writers.
    ///
    /// A commit of 4,096 events or 2 MiB takes a few milliseconds, so that nobody waits long behind another.
    /// A queue of 4,096 requests is about a second's work of single events; whoever comes later is better
    /// told to come back.
    /// 32 MiB of cache hold what readers of the recent past share.
    /// Two halves of 8 MiB hold some 80,000 events in memory and are settled in half a second each.
    pub fn at(directory: impl Into<PathBuf>) -> Options {
        Options {
            directory: directory.into(),
            commit_events_max: 4_096,
            commit_bytes_max: 2 * 1024 * 1024,
            queue_requests_max: 4_096,
            cache_bytes: 32 * 1024 * 1024,
            journal_bytes: 8 * 1024 * 1024,
            origin: "tiendo".into(),
        }
    }

    pub(crate) fn check(&self) -> Result<(), Error> {
        let problem = if !(1..=1024 * 1024).contains(&self.commit_events_max) {
            "commit_events_max must be 1 to 1,048,576"
        } else if !(1..=64 * 1024 * 1024).contains(&self.commit_bytes_max) {
            "commit_bytes_max must be 1 to 64 MiB"
        } else if self.queue_requests_max == 0 {
            "queue_requests_max must be at least 1"
        } else if self.cache_bytes < 1024 * 1024 {
            "cache_bytes must be at least 1 MiB"
        } else if !(4 * 1024..=64 * 1024 * 1024).contains(&self.journal_bytes) {
            "journal_bytes must be 4 KiB to 64 MiB"
        } else if self.origin.is_empty() || self.origin.contains(['+', '\n', ' ']) {
            "origin must be a name without spaces, line ends and '+'"
        } else {
            return Ok(());
        };
        Err(Error::Options { problem })
    }
}

/// One request: its events get neighbouring positions and one known time, all of them or none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Append {
    /// Chosen by the caller, kept when the request is repeated.
    pub request_id: [u8; 16],
    /// At least one event.
    pub events: Vec<NewEvent>,
}

impl Append {
    /// Bytes that the request takes in memory while it waits, about.
    pub(crate) fn held_bytes(&self) -> usize {
        let attributes = self
            .events
            .iter()
            .filter_map(|event| event.attribute.as_ref());
        let attributes: usize = attributes.map(|attribute| attribute.bytes.len() + 64).sum();
        self.bytes() + attributes + self.events.len() * size_of::<NewEvent>()
    }

    /// Bytes of subjects and payloads.
    pub(crate) fn bytes(&self) -> usize {
        self.events
            .iter()
            .map(|event| event.subject.len() + event.payload.len())
            .sum()
    }

    /// Whether subjects and payloads are the same; what is expected of subjects is a condition, not part of the body.
    pub(crate) fn says_the_same(&self, other: &Append) -> bool {
        let said = |event: &NewEvent, other: &NewEvent| {
            event.subject == other.subject && event.payload == other.payload
        };
        self.events.len() == other.events.len()
            && self
                .events
                .iter()
                .zip(&other.events)
                .all(|(a, b)| said(a, b))
    }

    /// Drops the attributes once they are on the disk, so that what is erased there is not in memory either.
    pub(crate) fn forget_attributes(&mut self) {
        for event in &mut self.events {
            event.attribute = None;
        }
    }

    /// Whether the log can take the request at all.
    ///
    /// # Errors
    /// [`Error::Empty`] without events, [`Error::TooLarge`] over one of the [`limits`].
    pub fn check(&self) -> Result<(), Error> {
        use limits::within;
        if self.events.is_empty() {
            return Err(Error::Empty);
        }
        within(
            "events of a request",
            self.events.len(),
            limits::REQUEST_EVENTS_MAX,
        )?;
        for event in &self.events {
            within(
                "bytes of a subject",
                event.subject.len(),
                limits::SUBJECT_BYTES_MAX,
            )?;
            within(
                "bytes of a payload",
                event.payload.len(),
                limits::PAYLOAD_BYTES_MAX,
            )?;
            within(
                "bytes of an attribute",
                event.attribute.as_ref().map_or(0, |a| a.bytes.len()),
                limits::ATTRIBUTE_BYTES_MAX,
            )?;
        }
        within(
            "bytes of a request",
            self.bytes(),
            limits::REQUEST_BYTES_MAX,
        )
    }
}

/// A request that another log has taken, with the place and the time that it has there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Taken {
    /// The request; what it expects of subjects is not looked at again.
    pub append: Append,
    /// Position of its first event.
    pub first: u64,
    /// When that log took it, in microseconds since the Unix epoch.
    pub known_micros: i64,
}

/// An event on its way into the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewEvent {
    /// What the event is about; events of one subject are counted 1, 2, 3 …
    pub subject: Box<str>,
    /// Refuse the request unless the subject has exactly this many events before this one (0: none).
    ///
    /// Earlier events of the same request count.
    pub expected_revision: Option<u64>,
    /// The event itself, opaque to the log.
    pub payload: Bytes,
    /// Kept beside the log and durable with the event, until [`Log::erase`](crate::Log::erase).
    ///
    /// It is no part of the request's body: a repeated request is compared by its subjects and payloads.
    pub attribute: Option<Box<Attribute>>,
}

/// What an accepted request was given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Receipt {
    /// Position of the request's first event.
    pub first: u64,
    /// Position of the request's last event.
    pub last: u64,
    /// When the log took it, in microseconds since the Unix epoch.
    pub known_micros: i64,
    /// Whether this request had been accepted before and nothing was written now.
    pub repeated: bool,
}

/// A stored event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// 1, 2, 3 …, without gaps.
    pub position: u64,
    /// When the log took it, in microseconds since the Unix epoch; never earlier than the record before.
    pub known_micros: i64,
    /// The request that brought it.
    pub request_id: [u8; 16],
    /// What it is about.
    pub subject: Box<str>,
    /// The bytes as they were handed in.
    pub payload: Bytes,
}

/// A stored event, borrowed while [`Log::scan`](crate::Log::scan) shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RecordRef<'a> {
    /// 1, 2, 3 …, without gaps.
    pub position: u64,
    /// When the log took it, in microseconds since the Unix epoch.
    pub known_micros: i64,
    /// The request that brought it.
    pub request_id: &'a [u8; 16],
    /// What it is about.
    pub subject: &'a str,
    /// The bytes as they were handed in.
    pub payload: &'a [u8],
}

/// Bounds of one read; the first of them that is reached ends it, but one record always fits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReadLimit {
    /// Most records; at least 1.
    pub events: usize,
    /// Most bytes of subjects and payloads.
    pub bytes: usize,
}

/// A stretch of positions that cannot be trusted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Damage {
    /// First position touched.
    pub first: u64,
    /// Last position touched.
    pub last: u64,
    /// What is wrong, for an operator.
    pub reason: String,
}

/// What [`Log::verify`](crate::Log::verify) found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verification {
    /// Events that were read and found whole.
    pub events: u64,
    /// Chunks that were read, damaged ones included.
    pub chunks: u64,
    /// The running hash after the last event, as hexadecimal digits; of no value unless `damages` is empty.
    pub last_hash: String,
    /// Everything that is wrong, by position; empty when the log is whole.
    pub damages: Vec<Damage>,
}

/// Figures for an operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Statistics {
    /// Version of the directory's format.
    pub format_version: u32,
    /// Position of the newest durable event; 0 when there is none.
    pub head: u64,
    /// Position of the newest event that has left the journal.
    pub settled: u64,
    /// Stored chunks.
    pub chunks: u64,
    /// Commits in the journal that are not settled.
    pub journal_commits: u64,
    /// When the log took the first event, in microseconds since the Unix epoch; 0 without events.
    pub known_first_micros: i64,
    /// When the log took the newest event; 0 without events.
    pub known_last_micros: i64,
    /// Size of the sled directory in bytes; what cannot be read counts as nothing.
    pub store_bytes: u64,
    /// Size of the two halves of the journal.
    pub journal_bytes: u64,
    /// Size of the index.
    pub index_bytes: u64,
    /// Requests that would be recognised.
    pub requests_remembered: u64,
    /// Requests known before this are no longer recognised; `None` if all are.
    pub window_start_micros: Option<i64>,
    /// Different subjects.
    pub subjects: u64,
}

/// What [`Log::compact`](crate::Log::compact) gave back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Compaction {
    /// Size of the sled directory before, in bytes.
    pub before_bytes: u64,
    /// Its size after.
    pub after_bytes: u64,
}

/// Bytes as lowercase hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
