//! From the stream to a reader: every position once, in order, and never silently stale.
//!
//! The reader has its own checkpoint and its own way to the log ([`Reader::catch_up`]); the stream
//! only makes it quick. So whatever happens to the stream (a killed server, a lost tail, a deleted
//! store that the relay is filling again, a relay that died) the reader loses nothing but speed:
//!
//! - Deliveries come from an ordered push consumer that starts after the reader's position: no
//!   acknowledgements, flow control, and a count of our own (`consumer sequence`) without a hole.
//! - They are applied by position: an older one is ignored, the next one is applied, a later one
//!   is a gap, which is read from the log in bulk first.
//! - The stream is held against what was applied ([`Reader::compare`]), for the log may have lent what the stream never
//!   got: events of a writer that another one has taken over from, or of a log that was restored. The consumer begins
//!   with the last event applied, or the last one of a stream that ends before it; and whenever the stream passes what
//!   was read in bulk, the newest of each chunk is compared. Two histories differ at every position behind the one at
//!   which they part, so one look for many events is enough. A reader that drops what it has begins from the log.
//! - The relay's heartbeats tell the log's head. A head that runs away (a bulk import outruns the
//!   bus), a head that we do not reach, or no heartbeat at all means: read from the log.
//! - A watchdog ends the generation when the server is silent for two idle heartbeats (a deleted
//!   consumer says nothing); so does a lost connection. Client and consumer are dropped, and the
//!   next generation starts from the reader's position.

use std::future::Future;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use crate::backoff::{Backoff, Complaints};
use crate::client::{self, chain};
use crate::subject;
use crate::{Access, BoxError};

mod generation;

/// One event, as it is delivered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// Its position in the log.
    pub position: u64,
    /// The subject it was published on.
    pub subject: String,
    /// The bytes the relay was given.
    pub payload: Bytes,
}

/// What a reader found where it compared itself with the stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compared {
    /// What was applied is what the stream has.
    Same,
    /// It was something else, and is dropped: `position()` has gone back.
    Dropped,
}

/// Somebody who keeps up with the log.
///
/// State and position must change in one atomic step: the future of `catch_up` is dropped at a
/// shutdown (that of `apply` is not).
pub trait Reader: Send {
    /// The last position applied, 0 for none.
    fn position(&self) -> u64;

    /// Reads from the log up to its head and applies it; returns the new position.
    fn catch_up(&mut self) -> impl Future<Output = Result<u64, BoxError>> + Send;

    /// Applies the event at `position() + 1`; never called with any other.
    fn apply(&mut self, delivery: Delivery) -> impl Future<Output = Result<(), BoxError>> + Send;

    /// Compares what was applied with the stream: at `held.position`, which is `position()` or before it; none where
    /// the stream cannot be asked, or holds nothing that was applied.
    ///
    /// Called in each generation before anything is applied in it, and again whenever the stream has passed what was
    /// read from the log. An error ends the generation. Its future too is dropped at a shutdown.
    fn compare(
        &mut self,
        held: Option<Delivery>,
    ) -> impl Future<Output = Result<Compared, BoxError>> + Send {
        let _ = held;
        std::future::ready(Ok(Compared::Same))
    }
}

/// How to follow.
#[derive(Debug, Clone)]
pub struct FollowOptions {
    /// Where the server is, and as whom to read.
    pub access: Access,
    /// The stream, see [`crate::subject::stream_name`].
    pub stream: String,
    /// Where the relay's heartbeats are, see [`crate::subject::heartbeat`].
    pub heartbeat: String,
    /// What the server's operator sees this reader as.
    pub name: String,
    /// How often the server says that there is nothing; twice this without a word is a fault.
    pub idle_heartbeat: Duration,
    /// Between two readings from the log that nothing but a doubt has caused.
    pub catch_up_interval: Duration,
    /// So far behind, the log is quicker than the stream, in positions.
    pub bulk_threshold: u64,
    /// Longest wait for a connection or an answer.
    pub timeout: Duration,
    /// Longest wait between two generations.
    pub backoff_max: Duration,
}

impl FollowOptions {
    /// The usual settings: back within about a second, the log read when 10,000 behind.
    pub fn new(access: impl Into<Access>, ledger: &str, name: String) -> Self {
        Self {
            access: access.into(),
            stream: subject::stream_name(ledger),
            heartbeat: subject::heartbeat(ledger),
            name,
            idle_heartbeat: Duration::from_millis(400),
            catch_up_interval: Duration::from_secs(1),
            bulk_threshold: 10_000,
            timeout: Duration::from_secs(2),
            backoff_max: Duration::from_millis(500),
        }
    }
}

/// How a follower stands.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FollowStatus {
    /// The reader's position.
    pub position: u64,
    /// The log's head as the relay last told, 0 while nothing was heard.
    pub head: u64,
    /// How many times the relay told it.
    pub beats: u64,
    /// How many generations were started.
    pub generation: u64,
    /// Whether the present one has its consumer.
    pub connected: bool,
    /// How many events came from the stream.
    pub applied: u64,
    /// How many times the log was read in bulk.
    pub catch_ups: u64,
    /// How many times everything was dropped, since the stream had something else.
    pub dropped: u64,
    /// Why the last generation ended, or the log could not be read.
    pub last_error: Option<String>,
}

/// What stops a follower until a person has looked at it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FollowError {
    /// The server is too old, or its address is none.
    #[error(transparent)]
    Client(client::Error),
}

impl FollowError {
    /// A code for the operator's runbook.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Client(error) => error.reason(),
        }
    }
}

/// Why a generation ended.
#[derive(Debug, thiserror::Error)]
enum Ended {
    #[error(transparent)]
    Alarm(#[from] FollowError),
    #[error("{0}")]
    Trouble(String),
}

impl From<client::Error> for Ended {
    fn from(error: client::Error) -> Self {
        if error.may_pass() {
            return Self::Trouble(chain(&error));
        }
        Self::Alarm(FollowError::Client(error))
    }
}

/// What outlives a generation: the reader, and how its log was last read.
struct Follower<'a, R> {
    options: FollowOptions,
    reader: &'a mut R,
    status: watch::Sender<FollowStatus>,
    shutdown: CancellationToken,
    /// When the log was last read, or tried.
    read_at: Option<Instant>,
    /// Whether that failed.
    unread: bool,
    /// The newest event that the stream has passed and that was applied before, if it was not compared yet.
    passed: Option<Delivery>,
}

/// Keeps the reader current until `shutdown` (then `Ok`).
///
/// Everything that can pass by itself, a failing reader included, is retried for ever and shown in
/// `status`.
pub async fn follow<R: Reader>(
    options: FollowOptions,
    reader: &mut R,
    status: watch::Sender<FollowStatus>,
    shutdown: CancellationToken,
) -> Result<(), FollowError> {
    let mut backoff = Backoff::new(Duration::from_millis(25), options.backoff_max);
    let mut complaints = Complaints::new(Duration::from_secs(30));
    let (name, stream) = (options.name.clone(), options.stream.clone());
    let mut follower = Follower {
        options,
        reader,
        status,
        shutdown: shutdown.clone(),
        read_at: None,
        unread: false,
        passed: None,
    };
    while !shutdown.is_cancelled() {
        follower.status.send_modify(|status| status.generation += 1);
        let before = follower.reader.position();
        let ended = match follower.generation().await {
            Err(ended) if !shutdown.is_cancelled() => ended,
            _ => break,
        };
        let text = ended.to_string();
        follower.status.send_modify(|status| {
            status.connected = false;
            status.last_error = Some(text.clone());
        });
        if let Ended::Alarm(alarm) = ended {
            error!(
                name,
                stream,
                reason = alarm.reason(),
                "{name} stops following: {text}"
            );
            return Err(alarm);
        }
        if let Some(repeats) = complaints.admit(&text) {
            warn!(
                name,
                stream, repeats, "{name} follows {stream} anew: {text}"
            );
        }
        if follower.reader.position() != before {
            backoff.reset();
        }
        tokio::select! {
            () = shutdown.cancelled() => break,
            () = tokio::time::sleep(backoff.delay()) => {}
        }
    }
    follower
        .status
        .send_modify(|status| status.connected = false);
    info!(name, stream, "{name} has stopped following {stream}");
    Ok(())
}

impl<R: Reader> Follower<'_, R> {
    /// Reads from the log. A failure is shown, and is the caller's to judge.
    async fn catch_up(&mut self) -> Result<(), BoxError> {
        let result = tokio::select! {
            biased;
            () = self.shutdown.cancelled() => return Err("the follower is stopping".into()),
            result = self.reader.catch_up() => result,
        };
        self.read_at = Some(Instant::now());
        self.unread = result.is_err();
        let position = self.reader.position();
        self.status.send_modify(|status| {
            status.position = position;
            status.catch_ups += 1;
            if let Err(error) = &result {
                status.last_error = Some(format!("the log cannot be read: {}", chain(&**error)));
            }
        });
        result.map(|_| ())
    }

    /// Reads from the log unless that was done a moment ago; when it fails the stream may still do.
    async fn refresh(&mut self) {
        let recent = self
            .read_at
            .is_some_and(|at| at.elapsed() < self.options.catch_up_interval);
        if !recent
            && let Err(error) = self.catch_up().await
            && !self.shutdown.is_cancelled()
        {
            let (name, text) = (&self.options.name, chain(&*error));
            warn!(name, "{name} cannot read the log: {text}");
        }
    }

    /// Applies by position.
    async fn take(&mut self, delivery: Delivery) -> Result<(), Ended> {
        let position = delivery.position;
        if position > self.reader.position() + 1 {
            let read = self.catch_up().await;
            if let Err(error) = read {
                return trouble(format!(
                    "the log cannot be read for the gap before {position}: {}",
                    chain(&*error)
                ));
            }
        }
        let next = self.reader.position() + 1;
        if position > next {
            return trouble(format!(
                "the stream is at {position}, the log has no event {next}"
            ));
        }
        if position < next {
            self.passed = Some(delivery);
        } else {
            self.compare_passed().await?;
            if let Err(error) = self.reader.apply(delivery).await {
                return trouble(format!(
                    "event {position} was not applied: {}",
                    chain(&*error)
                ));
            }
            let now = self.reader.position();
            if now != position {
                return trouble(format!("the reader is at {now} after event {position}"));
            }
            self.status.send_modify(|status| {
                status.position = position;
                status.applied += 1;
            });
        }
        Ok(())
    }
}

impl<R: Reader> Follower<'_, R> {
    /// Compares what the stream has passed, before anything is applied behind it.
    async fn compare_passed(&mut self) -> Result<(), Ended> {
        match self.passed.take() {
            Some(held) => self.compare(Some(held)).await,
            None => Ok(()),
        }
    }

    async fn compare(&mut self, held: Option<Delivery>) -> Result<(), Ended> {
        let at = held.as_ref().map(|held| held.position);
        let compared = tokio::select! {
            biased;
            () = self.shutdown.cancelled() => return trouble("the follower is stopping"),
            compared = self.reader.compare(held) => compared,
        };
        match compared {
            Ok(Compared::Same) => Ok(()),
            Ok(Compared::Dropped) => {
                self.read_at = None;
                let position = self.reader.position();
                self.status.send_modify(|status| {
                    // What was told of the head may have been another's.
                    (status.position, status.head) = (position, 0);
                    status.dropped += 1;
                });
                trouble("what was applied is not what the ledger has: everything is read anew")
            }
            Err(error) => {
                let at = at.map_or_else(String::new, |at| format!(" at {at}"));
                trouble(format!(
                    "what was applied cannot be held against the stream{at}: {}",
                    chain(&*error)
                ))
            }
        }
    }
}

fn trouble<T>(text: impl Into<String>) -> Result<T, Ended> {
    Err(Ended::Trouble(text.into()))
}
