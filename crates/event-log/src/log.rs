//! The log as the rest of the system sees it.

use std::fs::File;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard};
use std::thread::JoinHandle;
use std::{fmt, io};

use tokio::sync::{oneshot, watch};

use crate::chunk::Encoder;
use crate::committer::{Committer, KnownAt, Pending, Queue};
use crate::erasable::{Erasable, Findings};
use crate::index::Index;
use crate::journal::Commit;
use crate::proof::Prover;
use crate::reader;
use crate::recovery::{self, Recovered};
use crate::settler::{Settler, Settling, Told};
use crate::storage::{Store, VERSION};
use crate::tail::Tail;
use crate::tree::Tree;
use crate::{
    Append, Attribute, Compaction, Damage, Error, Now, Options, ReadLimit, Receipt, Record,
    RecordRef, Statistics, Taken, Verification,
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
    settler: Mutex<Option<JoinHandle<()>>>,
}

/// What readers, the committer and the settler share.
pub(crate) struct Shared {
    pub(crate) store: Store,
    pub(crate) erasable: Erasable,
    pub(crate) tail: Tail,
    pub(crate) queue: Queue,
    pub(crate) settling: Settling,
    pub(crate) now: Now,
    pub(crate) commit_events_max: usize,
    pub(crate) commit_bytes_max: usize,
    /// Both halves of the journal, for reading.
    pub(crate) journal: [File; 2],
    pub(crate) damages: Vec<Damage>,
    pub(crate) prover: Prover,
    index: RwLock<Index>,
    tree: Mutex<Tree>,
    head: watch::Sender<u64>,
    index_bytes: AtomicU64,
    #[cfg(test)]
    pub(crate) steps: crate::publish_tests::Steps,
}

impl Shared {
    pub(crate) fn head(&self) -> u64 {
        *self.head.borrow()
    }

    pub(crate) fn index(&self) -> RwLockReadGuard<'_, Index> {
        self.index.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// The tree over the settled events.
    pub(crate) fn tree(&self) -> MutexGuard<'_, Tree> {
        self.tree.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Shows a durable commit to the world.
    ///
    /// The head last: readers go by it, and what it covers must be in the tail and known by its request id.
    pub(crate) fn publish(&self, commit: Commit) {
        let mut index = self.index.write().unwrap_or_else(PoisonError::into_inner);
        let mut first = commit.first;
        for request in &commit.requests {
            index.take(request, first, commit.known_micros);
            first += request.events.len() as u64;
        }
        drop(index);
        let last = commit.last();
        #[cfg(test)]
        self.steps.pause();
        self.tail.push(Arc::new(commit));
        #[cfg(test)]
        self.steps.pause();
        self.head.send_replace(last);
        #[cfg(test)]
        self.steps.pause();
    }

    /// Signs the tree head of the first `size` events, so that a log cut short later is recognised.
    pub(crate) fn sign(&self, size: u64) {
        if size > 0
            && self.damages.is_empty()
            && let Err(error) = self.prover.checkpoint(size, self)
        {
            tracing::warn!(%error, "cannot sign a checkpoint: {error}");
        }
    }

    pub(crate) fn set_index_bytes(&self, bytes: u64) {
        self.index_bytes.store(bytes, Ordering::Relaxed);
    }

    /// The receipt of the request with this `id` at `position`, and whether it says the same as `append`.
    ///
    /// `None` if another request is there: the index goes by hashes.
    pub(crate) fn accepted(
        &self,
        id: &[u8; 16],
        position: u64,
        append: Option<&Append>,
    ) -> Result<Option<(Receipt, bool)>, Error> {
        let mut receipt: Option<Receipt> = None;
        let mut said = append.map(|append| append.events.iter());
        let mut same = true;
        reader::scan(self, position, self.head(), &mut |_| true, &mut |record| {
            if record.request_id != id {
                return ControlFlow::Break(());
            }
            if let Some(said) = &mut said {
                same &= said.next().is_some_and(|event| {
                    *event.subject == *record.subject && event.payload == record.payload
                });
            }
            let first = receipt.map_or(record.position, |receipt| receipt.first);
            receipt = Some(Receipt {
                first,
                last: record.position,
                known_micros: record.known_micros,
                repeated: true,
            });
            ControlFlow::Continue(())
        })?;
        same &= said.is_none_or(|mut said| said.next().is_none());
        Ok(receipt.map(|receipt| (receipt, same)))
    }
}

impl Log {
    /// Opens the log in the options' directory, or begins one there.
    ///
    /// Reads the index and the journal; without an index it goes through all chunks once.
    /// Damage that this meets does not keep the log from opening: healthy parts can be read, but every append is
    /// refused with [`Error::Damaged`], since request ids, revisions or the running hash would be guesses.
    ///
    /// # Errors
    ///
    /// [`Error::Options`], [`Error::Locked`], [`Error::FormatVersion`], or what the disk or the store says.
    pub fn open(options: Options, now: Now) -> Result<Log, Error> {
        options.check()?;
        let recovered = recovery::recover(&options)?;
        for damage in &recovered.damages {
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
        let log = Log::start(options, now, recovered)?;
        log.check_signed()?;
        let (head, settled) = (log.head(), log.shared().tail.settled());
        tracing::info!(head, settled, "the log is open at position {head}");
        Ok(log)
    }

    fn start(options: Options, now: Now, recovered: Recovered) -> Result<Log, Error> {
        let Recovered {
            store,
            index,
            file,
            tree,
            tail,
            journal,
            head,
            after,
            known_micros,
            unsettled_half,
            damages,
        } = recovered;
        let erasable = open_erasable(&options.directory, head, &damages)?;
        let settling = Settling::new();
        if let Some((half, last)) = unsettled_half
            && damages.is_empty()
        {
            settling.hand_over(half, last);
        }
        let prover = Prover::open(&options.directory, &options.origin)?;
        let shared = Arc::new(Shared {
            store,
            erasable,
            tail,
            queue: Queue::new(options.queue_requests_max),
            settling,
            now,
            commit_events_max: options.commit_events_max,
            commit_bytes_max: options.commit_bytes_max,
            journal: journal.handles().map_err(Error::io("open the journal"))?,
            damages,
            prover,
            index: RwLock::new(index),
            tree: Mutex::new(tree),
            head: watch::Sender::new(head),
            index_bytes: AtomicU64::new(file.bytes()),
            #[cfg(test)]
            steps: crate::publish_tests::Steps::default(),
        });
        let committer = Committer {
            shared: Arc::clone(&shared),
            journal,
            known_micros,
            // Whatever was found whole is followed by whatever is next.
            confirmed: head == 0 || !shared.damages.is_empty(),
        };
        let settler = Settler {
            shared: Arc::clone(&shared),
            encoder: Encoder::new().map_err(Error::io("set up compression"))?,
            file,
            after,
        };
        let spawn = |name: &str| std::thread::Builder::new().name(name.into());
        let settler = spawn("log-settler").spawn(|| settler.run());
        let handle = Handle {
            shared,
            committer: Mutex::new(None),
            settler: Mutex::new(Some(settler.map_err(Error::io("start the settler"))?)),
        };
        let committer = spawn("log-committer").spawn(|| committer.run());
        *handle
            .committer
            .lock()
            .unwrap_or_else(PoisonError::into_inner) =
            Some(committer.map_err(Error::io("start the committer"))?);
        let handle = Arc::new(handle);
        Ok(Log { handle })
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
        let requests = requests.into_iter().map(|append| (append, None));
        self.queue(requests).await
    }

    /// Appends requests that another log has taken, at the same positions and times, so that this log comes to the same root.
    ///
    /// They must follow on the head and on each other. This is for a log that takes nothing else meanwhile.
    ///
    /// # Errors
    ///
    /// [`Error::OutOfOrder`] if a position is not the next, a time is before the one before, or the request is on record;
    /// else as [`Log::append_all`].
    pub async fn replicate(&self, requests: Vec<Taken>) -> Result<(), Error> {
        let requests = requests.into_iter().map(|taken| {
            let known = KnownAt {
                first: taken.first,
                micros: taken.known_micros,
            };
            (taken.append, Some(known))
        });
        let verdicts = self.queue(requests).await;
        verdicts.into_iter().try_for_each(|one| one.map(|_| ()))
    }

    async fn queue(
        &self,
        requests: impl ExactSizeIterator<Item = (Append, Option<KnownAt>)>,
    ) -> Vec<Result<Receipt, Error>> {
        let mut group = Vec::with_capacity(requests.len());
        let mut waiting = Vec::with_capacity(requests.len());
        for (append, known) in requests {
            if let Err(error) = self.check(&append) {
                waiting.push(Err(error));
                continue;
            }
            let (reply, verdict) = oneshot::channel();
            let bytes = append.held_bytes();
            group.push(Pending {
                append,
                known,
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

    /// The receipt of an earlier accepted request, marked as repeated; `None` if none is remembered.
    ///
    /// # Errors
    ///
    /// [`Error::Damaged`] if its events cannot be read, or what the store says.
    pub fn receipt(&self, request_id: &[u8; 16]) -> Result<Option<Receipt>, Error> {
        let Some(position) = self.shared().index().request(request_id) else {
            return Ok(None);
        };
        let accepted = self.shared().accepted(request_id, position, None)?;
        Ok(accepted.map(|(receipt, _)| receipt))
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
        reader::read(self.shared(), self.head(), from, limit)
    }

    /// Reads like [`Log::read`] in memory alone: no disk is waited for and nothing is unpacked.
    ///
    /// `None` if `from` is in the store already; only the newest events are in memory.
    pub fn read_newest(&self, from: u64, limit: ReadLimit) -> Option<Vec<Record>> {
        reader::read_newest(self.shared(), self.head(), from, limit)
    }

    /// Reads back from position `from` (beyond the head counts as the head), newest first.
    ///
    /// Ends before a damaged chunk; one that begins in it names it.
    ///
    /// # Errors
    ///
    /// [`Error::Damaged`] with the positions, or what the store says.
    pub fn read_back(&self, from: u64, limit: ReadLimit) -> Result<Vec<Record>, Error> {
        reader::read_back(self.shared(), from.min(self.head()), limit)
    }

    /// Shows events from one position to another (0 counts as 1, beyond the head as the head) without copying them.
    ///
    /// `subject` is asked once for each different subject of a chunk, and only events of those it wants are shown to
    /// `each`, which ends the scan with [`ControlFlow::Break`].
    /// Gives the last position that was looked at, 0 if none.
    ///
    /// # Errors
    ///
    /// [`Error::Damaged`] at the first damaged chunk, after what is before it was shown; or what the store says.
    pub fn scan(
        &self,
        from: u64,
        to: u64,
        subject: &mut dyn FnMut(&str) -> bool,
        each: &mut dyn FnMut(RecordRef<'_>) -> ControlFlow<()>,
    ) -> Result<u64, Error> {
        reader::scan(self.shared(), from, to.min(self.head()), subject, each)
    }

    /// The last position that was known at an instant, in microseconds since the Unix epoch; 0 if none was.
    ///
    /// # Errors
    ///
    /// [`Error::Damaged`] if a chunk that must be looked at is damaged, or what the store says.
    pub fn position_known_at(&self, micros: i64) -> Result<u64, Error> {
        // Not what is still becoming visible: whoever is told a position may read up to it.
        let head = self.head();
        Ok(reader::position_known_at(self.shared(), micros)?.min(head))
    }

    /// Reads everything up to the present head and checks checksums, the running hash, density and times, and that
    /// the journal still holds what is not settled.
    ///
    /// `progress` is told the last position of each chunk.
    ///
    /// # Errors
    ///
    /// Only what the store says; damage is part of the result.
    pub fn verify(&self, progress: impl FnMut(u64)) -> Result<Verification, Error> {
        crate::verify::verify(self.shared(), self.head(), progress)
    }

    /// Settles what is committed by now, and waits until that is done.
    ///
    /// It happens by itself when half a journal is full; this is for those who measure or test.
    ///
    /// # Errors
    ///
    /// [`Error::DiskFull`]; [`Error::WriterStopped`]; [`Error::Closed`]; [`Error::Damaged`] on a damaged log.
    pub fn seal(&self) -> Result<(), Error> {
        let shared = self.shared();
        if let Some(damage) = shared.damages.first() {
            return Err(damage.clone().into());
        }
        shared.queue.turn().recv().unwrap_or(Err(Error::Closed))?;
        shared.settling.wait_for_all()
    }

    /// Copies the store into a fresh one without the space that is no longer used, and puts it in its place.
    ///
    /// Small chunks are merged.
    /// Appends and reads go on meanwhile, but for the moment of the exchange.
    /// `progress` is told up to which position everything is copied.
    ///
    /// # Errors
    ///
    /// [`Error::Damaged`] if there is damage, which is never copied; [`Error::DiskFull`] without room for the copy;
    /// [`Error::Closed`]. The log is then as it was.
    pub fn compact(&self, mut progress: impl FnMut(u64)) -> Result<Compaction, Error> {
        let listening = self.shared().settling.compact();
        loop {
            match listening.recv() {
                Ok(Told::Copied(position)) => progress(position),
                Ok(Told::Done(done)) => return done,
                Err(_) => return Err(Error::Closed),
            }
        }
    }

    /// The erasable attribute of the event at `position`; `None` if it has none or it was erased.
    ///
    /// # Errors
    ///
    /// [`Error::Damaged`] when its bytes cannot be trusted, or what the disk says.
    pub fn attribute(&self, position: u64) -> Result<Option<Attribute>, Error> {
        if position > self.head() {
            return Ok(None);
        }
        let read = self.shared().erasable.read(position);
        read.map_err(|error| match error.kind() {
            io::ErrorKind::InvalidData => Error::Damaged {
                first: position,
                last: position,
                reason: format!("its erasable attribute: {error}"),
            },
            _ => Error::io("read an erasable attribute")(error),
        })
    }

    /// Erases the attribute of the event at `position` for good; false if there was none.
    ///
    /// Payloads, hashes and proofs stay as they are.
    /// Waits for the disk.
    ///
    /// # Errors
    ///
    /// What the disk says: the attribute may be there still, and erasing it again is right.
    pub fn erase(&self, position: u64) -> Result<bool, Error> {
        if position > self.head() {
            return Ok(false);
        }
        let erased = self.shared().erasable.erase(position);
        erased.map_err(Error::io("erase an attribute"))
    }

    /// Figures for an operator; counting the chunks goes through the whole store.
    pub fn statistics(&self) -> Statistics {
        let shared = self.shared();
        let index = shared.index();
        let (requests, subjects) = (index.requests_len(), index.subjects_len());
        let window_start_micros = index.window_start();
        drop(index);
        let (known_first_micros, known_last_micros) = reader::known(shared);
        let bytes = |file: &File| file.metadata().map_or(0, |metadata| metadata.len());
        Statistics {
            format_version: VERSION,
            head: shared.head(),
            settled: shared.tail.settled(),
            chunks: shared.store.count(),
            journal_commits: shared.tail.commits() as u64,
            known_first_micros,
            known_last_micros,
            store_bytes: shared.store.disk_bytes(),
            journal_bytes: shared.journal.iter().map(bytes).sum(),
            index_bytes: shared.index_bytes.load(Ordering::Relaxed),
            requests_remembered: requests as u64,
            window_start_micros,
            subjects: subjects as u64,
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

/// Opens the attributes and says what was wrong with them.
fn open_erasable(directory: &Path, head: u64, damages: &[Damage]) -> Result<Erasable, Error> {
    // What a damaged log held last is not known, so nothing is taken for unacknowledged.
    let kept = if damages.is_empty() { head } else { u64::MAX };
    let (erasable, findings) = Erasable::open(directory, kept)?;
    let Findings { removed, damages } = findings;
    if removed > 0 {
        tracing::info!(
            removed,
            "{removed} attributes of events that were never acknowledged are removed"
        );
    }
    for Damage { first, reason, .. } in damages {
        tracing::error!(first, reason, "position {first} is damaged: {reason}");
    }
    Ok(erasable)
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
    /// The committer first, since it may wait for the settler.
    fn end(&self) {
        self.shared.queue.close();
        join(&self.committer, "the committer");
        self.shared.settling.close();
        join(&self.settler, "the settler");
    }
}

fn join(thread: &Mutex<Option<JoinHandle<()>>>, who: &str) {
    let thread = thread.lock().unwrap_or_else(PoisonError::into_inner).take();
    if let Some(thread) = thread
        && thread.join().is_err()
    {
        tracing::error!("{who} panicked");
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.end();
    }
}
