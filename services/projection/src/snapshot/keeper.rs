//! When a snapshot is taken, and which one a start takes.
//!
//! A snapshot is encoded on a thread of its own while the follower waits, so that nobody changes the state; questions are answered meanwhile.
//! Only until the last byte is handed over, for syncing it is none of the follower's business; but a large state is not handed over faster than the disk takes it (see `event_log::Blocks`).

use std::num::NonZeroU64;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bus::BoxError;
use event_log::Checkpoint;
use jiff::Timestamp;
use state::State;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use wire::log_reader::LogReader;

use super::store::{Error, Header, Origin, Store, load};
use crate::shared::Shared;

/// New positions for which an orderly end takes a snapshot: fewer are read from the log in no time.
const LEAST_AT_THE_END: u64 = 5_000;

/// Takes snapshots, and finds the one to start with.
pub(crate) struct Keeper {
    store: Arc<Store>,
    ledger: String,
    log: LogReader,
    /// New positions after which one is taken; none for never.
    every: Option<NonZeroU64>,
    /// Position of the newest one that was begun, whether or not it came to its end.
    begun: u64,
    /// Position of the newest one that is durable.
    durable: Arc<AtomicU64>,
    /// What makes the last one durable.
    finishing: Option<JoinHandle<()>>,
}

impl Keeper {
    /// A keeper of the snapshots in a directory; with `every` 0 it takes none, but begins with what is there.
    ///
    /// # Errors
    /// [`Error::Locked`] if another process has it; what the disk says.
    pub(crate) fn open(
        directory: &Path,
        ledger: String,
        log: LogReader,
        every: u64,
    ) -> Result<Self, Error> {
        Ok(Self {
            store: Arc::new(Store::open(directory)?),
            ledger,
            log,
            every: NonZeroU64::new(every),
            begun: 0,
            durable: Arc::new(AtomicU64::new(0)),
            finishing: None,
        })
    }

    /// Where the snapshots are.
    pub(crate) fn store(&self) -> Arc<Store> {
        Arc::clone(&self.store)
    }

    /// The state of the newest snapshot that is believed, if that is beyond a position.
    ///
    /// # Errors
    /// The log cannot be asked, so that nothing can be believed for now.
    pub(crate) async fn newest(&mut self, beyond: u64) -> Result<Option<State>, BoxError> {
        let log = self.log.clone();
        self.newest_of(beyond, &log, believe).await
    }

    /// As [`Keeper::newest`], of a log and with what reads a snapshot.
    pub(super) async fn newest_of(
        &mut self,
        beyond: u64,
        log: &impl History,
        believe: Believe,
    ) -> Result<Option<State>, BoxError> {
        for position in self.store.positions()? {
            if position <= beyond {
                break;
            }
            let root = log.root(position).await?;
            let (store, ledger) = (Arc::clone(&self.store), self.ledger.clone());
            let read = move || believe(&store, position, &ledger, root.as_deref());
            let read = tokio::task::spawn_blocking(read).await;
            let read = match read {
                // sled has no error for some damage.
                Err(error) if error.is_panic() => Err(Error::damaged("reading it gave up")),
                other => other?,
            };
            match read {
                Ok((header, state)) => {
                    let (fold, sha256) = (&header.fold, &header.sha256);
                    tracing::info!(
                        position,
                        fold,
                        sha256,
                        "starts from the snapshot at {position}"
                    );
                    self.begun = position;
                    self.durable.store(position, Ordering::Relaxed);
                    metrics::gauge!("tiendo_projection_snapshot_position").set(position as f64);
                    return Ok(Some(state));
                }
                Err(error) => {
                    let reason = error.reason();
                    let why = chain(&error);
                    tracing::warn!(
                        reason,
                        position,
                        "the snapshot at {position} is put aside: {why}"
                    );
                    if let Err(error) = self.store.put_aside(position) {
                        tracing::warn!(position, "it stays where it is: {}", chain(&error));
                    }
                }
            }
        }
        Ok(None)
    }

    /// Puts every snapshot aside, for the log went on otherwise than what was folded.
    pub(crate) async fn begin_anew(&mut self) {
        self.begun = 0;
        self.durable.store(0, Ordering::Relaxed);
        let store = Arc::clone(&self.store);
        let superseded = tokio::task::spawn_blocking(move || store.supersede()).await;
        if let Ok(Err(error)) = superseded {
            let reason = error.reason();
            tracing::warn!(reason, "a snapshot stays: {}", chain(&error));
        }
    }

    /// Takes a snapshot if so much is new; the caller sees to it that nobody folds meanwhile.
    pub(crate) async fn follow(&mut self, shared: &Arc<Shared>) {
        let is_busy = |task: &JoinHandle<()>| !task.is_finished();
        let new = shared.position().saturating_sub(self.begun);
        let is_due = self.every.is_some_and(|every| new >= every.get());
        if is_due && !self.finishing.as_ref().is_some_and(is_busy) {
            let log = self.log.clone();
            self.take(shared, &log).await;
        }
    }

    /// Takes the last snapshot of an orderly end, if that spares the next start anything, and waits until it is durable.
    pub(crate) async fn end(&mut self, shared: &Arc<Shared>) {
        self.finished().await;
        let durable = self.durable.load(Ordering::Relaxed);
        let new = shared.position().saturating_sub(durable);
        let is_worth = |every: NonZeroU64| new >= every.get().min(LEAST_AT_THE_END);
        if self.every.is_some_and(is_worth) {
            let log = self.log.clone();
            self.take(shared, &log).await;
            self.finished().await;
        }
    }

    /// Waits until the last one that was begun has come to its end.
    pub(super) async fn finished(&mut self) {
        if let Some(task) = self.finishing.take() {
            // A panic was told where it happened.
            let _ = task.await;
        }
    }

    /// Takes a snapshot, if the log is the one that was folded; returns once the state may change again.
    pub(super) async fn take(&mut self, shared: &Arc<Shared>, log: &impl History) {
        let position = shared.position();
        // One that fails is tried again when as much is new once more, and not with each event.
        self.begun = position;
        let root = match log.root(position).await {
            Ok(Some(root)) => root,
            Ok(None) => return not_taken(position, "the log does not reach it"),
            Err(error) => return not_taken(position, &error.to_string()),
        };
        // A log that was restored and filled anew has other events there, which it took later.
        match log.known(position).await {
            Ok(known) if known.is_some() && known == shared.read().known() => {}
            Ok(_) => return not_taken(position, "the log has another event there"),
            Err(error) => return not_taken(position, &error.to_string()),
        }
        let origin = Origin {
            ledger: self.ledger.clone(),
            root,
        };
        let (store, shared) = (Arc::clone(&self.store), Arc::clone(shared));
        let durable = Arc::clone(&self.durable);
        let (encoded, wait) = oneshot::channel::<()>();
        let take = move || {
            let written = store.write(&shared.read(), origin);
            drop(encoded);
            match written.and_then(|written| written.finish()) {
                Ok(header) => {
                    durable.store(header.position, Ordering::Relaxed);
                    told(&header);
                }
                Err(error) => {
                    not_taken(position, &chain(&error));
                    // The log may need the room.
                    if let Err(error) = store.discard() {
                        tracing::warn!("what was begun of it stays: {}", chain(&error));
                    }
                }
            }
        };
        self.finishing = Some(tokio::task::spawn_blocking(take));
        // Nothing is ever sent: the end of the writer ends the wait.
        let _ = wait.await;
    }
}

fn told(header: &Header) {
    let (position, bytes) = (header.position, header.bytes);
    metrics::gauge!("tiendo_projection_snapshot_position").set(position as f64);
    let (fold, sha256) = (&header.fold, &header.sha256);
    tracing::info!(
        position,
        bytes,
        fold,
        sha256,
        "took a snapshot at {position}"
    );
}

/// The state is served all the same, and the next start reads more of the log.
fn not_taken(position: u64, why: &str) {
    metrics::counter!("tiendo_projection_snapshots_failed_total").increment(1);
    tracing::warn!(
        reason = "SNAPSHOT_NOT_TAKEN",
        position,
        "no snapshot is taken at {position}: {why}"
    );
}

/// What tells of a log which it is.
pub(super) trait History: Sync {
    /// Root of the tree over the log's events up to a position, hexadecimal; none if the log does not reach it.
    fn root(&self, position: u64) -> impl Future<Output = Result<Option<String>, BoxError>> + Send;

    /// When the log took the event at a position; none if it does not reach it.
    fn known(
        &self,
        position: u64,
    ) -> impl Future<Output = Result<Option<Timestamp>, BoxError>> + Send;
}

impl History for LogReader {
    async fn root(&self, position: u64) -> Result<Option<String>, BoxError> {
        let Some(text) = self.checkpoint(position).await? else {
            return Ok(None);
        };
        let checkpoint = Checkpoint::parse(&text)?;
        if checkpoint.size != position {
            return Err("the log told the root of another size".into());
        }
        Ok(Some(hex::encode(checkpoint.root)))
    }

    async fn known(&self, position: u64) -> Result<Option<Timestamp>, BoxError> {
        let mut taken = None;
        self.read(position, position, |_, known, _| {
            taken = Some(known);
            Ok(())
        })
        .await?;
        Ok(taken)
    }
}

/// What reads a snapshot: see [`believe`].
pub(super) type Believe = fn(&Store, u64, &str, Option<&str>) -> Result<(Header, State), Error>;

/// The state of a snapshot, if it is that of the log with this root up to its position.
pub(super) fn believe(
    store: &Store,
    position: u64,
    ledger: &str,
    root: Option<&str>,
) -> Result<(Header, State), Error> {
    let (header, blocks) = store.header(position)?;
    if header.origin.ledger != ledger {
        return Err(Error::OtherLedger {
            found: header.origin.ledger,
        });
    }
    match root {
        None => return Err(Error::Ahead { position }),
        Some(root) if root != header.origin.root => return Err(Error::Forked { position }),
        Some(_) => {}
    }
    let state = load(&header, &blocks)?;
    Ok((header, state))
}

/// An error with its causes.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}
