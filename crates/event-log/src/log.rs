//! The log as the rest of the system sees it.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard};
use std::thread::JoinHandle;

use tokio::sync::{oneshot, watch};

use crate::chunk::Encoder;
use crate::committer::{Committer, Pending, Queue};
use crate::index::{Fingerprints, Index, Rebuild};
use crate::reader::{self, Loaded};
use crate::storage::Store;
use crate::{
    Append, Damage, Error, Now, Options, ReadLimit, Receipt, Record, Statistics, Verification,
};

/// An open log; clones share it.
///
/// It is closed by [`Log::close`] or with the last clone: what was queued is committed first, and the call returns
/// when the committer has ended, which takes as long as the commits that wait.
#[derive(Clone)]
pub struct Log {
    handle: Arc<Handle>,
}

struct Handle {
    shared: Arc<Shared>,
    committer: Mutex<Option<JoinHandle<()>>>,
}

/// What readers and the committer share.
pub(crate) struct Shared {
    pub(crate) store: Store,
    pub(crate) index: RwLock<Index>,
    pub(crate) queue: Queue,
    pub(crate) head: watch::Sender<u64>,
    pub(crate) chunks: AtomicU64,
    pub(crate) now: Now,
    pub(crate) commit_events_max: usize,
    pub(crate) commit_bytes_max: usize,
    fingerprints: Fingerprints,
    damages: Vec<Damage>,
}

impl Shared {
    pub(crate) fn head(&self) -> u64 {
        *self.head.borrow()
    }

    fn index(&self) -> RwLockReadGuard<'_, Index> {
        self.index.read().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Log {
    /// Opens the log in the options' directory, or begins one there.
    ///
    /// Goes through all chunks once to rebuild the request ids and revisions.
    /// A damaged chunk does not keep the log from opening: healthy parts can be read, but every append is refused
    /// with [`Error::Damaged`], since request ids, revisions or the running hash would be guesses.
    ///
    /// # Errors
    ///
    /// [`Error::Options`], [`Error::Locked`], [`Error::FormatVersion`], or what the disk or the store says.
    pub fn open(options: Options, now: Now) -> Result<Log, Error> {
        options.check()?;
        let store = Store::open(&options)?;
        let fingerprints = Fingerprints::default();
        let loaded = reader::load(&store, Rebuild::new(fingerprints.clone()))?;
        let Loaded {
            index,
            head,
            chunks,
            hash,
            known_micros,
            damages,
        } = loaded;
        for damage in &damages {
            let Damage {
                first,
                last,
                reason,
            } = damage;
            tracing::error!(
                first,
                last,
                reason,
                "positions {first} to {last} are damaged: {reason}"
            );
        }
        let shared = Arc::new(Shared {
            store,
            index: RwLock::new(index),
            queue: Queue::new(options.queue_requests_max),
            head: watch::Sender::new(head),
            chunks: AtomicU64::new(chunks),
            now,
            commit_events_max: options.commit_events_max,
            commit_bytes_max: options.commit_bytes_max,
            fingerprints,
            damages,
        });
        let encoder = Encoder::new().map_err(Error::io("set up compression"))?;
        let committer = Committer {
            shared: Arc::clone(&shared),
            encoder,
            hash,
            known_micros,
        };
        let thread = std::thread::Builder::new().name("log-committer".into());
        let thread = thread
            .spawn(|| committer.run())
            .map_err(Error::io("start the committer"))?;
        tracing::info!(head, chunks, "the log is open at position {head}");
        Ok(Log {
            handle: Arc::new(Handle {
                shared,
                committer: Mutex::new(Some(thread)),
            }),
        })
    }

    /// Position of the newest durable event; 0 when there is none.
    pub fn head(&self) -> u64 {
        self.shared().head()
    }

    /// Follows the head; it changes only after the events are durable.
    pub fn watch_head(&self) -> watch::Receiver<u64> {
        self.shared().head.subscribe()
    }

    /// Appends one request and returns when it is durable.
    ///
    /// Once polled, the request is on its way even if the future is dropped; repeating it with the same id tells
    /// what became of it.
    ///
    /// # Errors
    ///
    /// A refused request leaves no trace; only after [`Error::WriterStopped`] is it unknown whether the events
    /// survive.
    pub async fn append(&self, request: Append) -> Result<Receipt, Error> {
        let mut verdicts = self.append_all(vec![request]).await;
        verdicts.pop().unwrap_or(Err(Error::Empty))
    }

    /// Appends several requests, each atomic and with its own verdict, in this order.
    ///
    /// They are queued side by side and share commits as far as the bounds of a commit allow.
    /// If the queue has no room for all, the first ones are taken and the others get [`Error::QueueFull`].
    pub async fn append_all(&self, requests: Vec<Append>) -> Vec<Result<Receipt, Error>> {
        let mut group = Vec::with_capacity(requests.len());
        let mut waiting = Vec::with_capacity(requests.len());
        for append in requests {
            if let Err(error) = self.check(&append) {
                waiting.push(Err(error));
                continue;
            }
            let (reply, verdict) = oneshot::channel();
            let (fingerprint, bytes) = (self.shared().fingerprints.of(&append), append.bytes());
            group.push(Pending {
                append,
                fingerprint,
                bytes,
                reply,
            });
            waiting.push(Ok(verdict));
        }
        self.shared().queue.push(group);
        let mut verdicts = Vec::with_capacity(waiting.len());
        for verdict in waiting {
            verdicts.push(match verdict {
                Ok(verdict) => verdict.await.unwrap_or_else(|_| {
                    Err(Error::WriterStopped {
                        why: "the committer ended".into(),
                    })
                }),
                Err(error) => Err(error),
            });
        }
        verdicts
    }

    fn check(&self, append: &Append) -> Result<(), Error> {
        match self.shared().damages.first() {
            Some(damage) => Err(damage.clone().into()),
            None => append.check(),
        }
    }

    /// The receipt of an earlier accepted request, marked as repeated.
    pub fn receipt(&self, request_id: &[u8; 16]) -> Option<Receipt> {
        self.shared()
            .index()
            .request(request_id)
            .map(|accepted| accepted.receipt(true))
    }

    /// Whether `append` was accepted before: its old receipt, or `None` when its id is new.
    ///
    /// The body is the subjects and payloads; expected revisions are conditions and may differ.
    ///
    /// # Errors
    ///
    /// [`Error::RequestIdReused`] when the id was accepted with another body.
    pub fn check_repeat(&self, append: &Append) -> Result<Option<Receipt>, Error> {
        let fingerprint = self.shared().fingerprints.of(append);
        match self.shared().index().request(&append.request_id) {
            Some(accepted) => accepted.judge(&append.request_id, fingerprint).map(Some),
            None => Ok(None),
        }
    }

    /// Number of durable events of the subject; 0 when there is none.
    pub fn revision(&self, subject: &str) -> u64 {
        self.shared().index().revision(subject)
    }

    /// Reads from position `from` (1-based; 0 counts as 1) up to the durable head.
    ///
    /// Empty when `from` is beyond the head.
    /// A read that runs into a damaged chunk ends before it; a read that begins in one names it, and goes on
    /// after its last position.
    ///
    /// # Errors
    ///
    /// [`Error::Damaged`] with the positions, or what the store says.
    pub fn read(&self, from: u64, limit: ReadLimit) -> Result<Vec<Record>, Error> {
        reader::read(&self.shared().store, self.head(), from, limit)
    }

    /// Reads everything up to the present head and checks checksums, the running hash, density and times.
    ///
    /// `progress` is told the last position of each chunk.
    ///
    /// # Errors
    ///
    /// Only what the store says; damage is part of the result.
    pub fn verify(&self, progress: impl FnMut(u64)) -> Result<Verification, Error> {
        reader::verify(&self.shared().store, self.head(), progress)
    }

    /// Figures for an operator.
    pub fn statistics(&self) -> Statistics {
        let shared = self.shared();
        Statistics {
            head: shared.head(),
            chunks: shared.chunks.load(Ordering::Relaxed),
            disk_bytes: shared.store.disk_bytes(),
        }
    }

    /// Commits what is queued and ends the committer; on other clones appends then fail and reads go on.
    ///
    /// The directory is free for others once the last clone is gone.
    pub fn close(self) {
        self.handle.end();
    }

    pub(crate) fn shared(&self) -> &Shared {
        &self.handle.shared
    }
}

impl fmt::Debug for Log {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Log")
            .field("head", &self.head())
            .finish_non_exhaustive()
    }
}

impl Handle {
    fn end(&self) {
        self.shared.queue.close();
        let thread = self
            .committer
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(thread) = thread
            && thread.join().is_err()
        {
            tracing::error!("the committer panicked");
        }
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.end();
    }
}
