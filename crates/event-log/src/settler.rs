//! The background step: takes full halves of the journal into the store.
//!
//! A half becomes a few large chunks in one sled batch, synced; then readers are sent to the store, and the half may
//! be written anew.
//! After a crash at any step the events are in the journal or in the store or in both, and opening tells which.
//! Compaction happens here as well, since nobody else writes to the store; halves are settled in between.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, mpsc};
use std::time::Duration;

use crate::chunk::{self, Chunk, Encoder, EventRef, Hash};
use crate::index_file::IndexFile;
use crate::journal::Commit;
use crate::log::Shared;
use crate::storage::Failure;
use crate::{Compaction, Damage, Error};

/// How long to wait before trying again to settle on a full disk.
const RETRY: Duration = Duration::from_secs(1);
/// Chunks copied before looking whether a half waits.
const COPY_CHUNKS: usize = 64;
/// Smaller neighbours are merged when copied.
const LARGE_BYTES: usize = 24 * 1024;
/// So many events are merged at once.
const MERGE_EVENTS: usize = 16 * 1024;
/// So many chunks are written to a copy at once, some 24 MB.
pub(crate) const WRITE_CHUNKS: usize = 512;

/// What a compaction tells whoever asked for it.
pub(crate) enum Told {
    /// Everything up to this position is copied.
    Copied(u64),
    /// The end.
    Done(Result<Compaction, Error>),
}

enum Job {
    /// Settle a half, which ends at a position.
    Settle {
        half: usize,
        last: u64,
    },
    Compact(mpsc::Sender<Told>),
}

/// What is to be settled, shared with the committer.
pub(crate) struct Settling {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    jobs: VecDeque<Job>,
    /// Halves that must not be written yet.
    busy: [bool; 2],
    /// Why settling does not get on.
    blocked: Option<Error>,
    closing: bool,
}

impl Settling {
    pub(crate) fn new() -> Settling {
        Settling {
            state: Mutex::new(State::default()),
            changed: Condvar::new(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'a>(&self, state: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
        self.changed
            .wait(state)
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives a half, which ends at the position `last`, to be settled.
    pub(crate) fn hand_over(&self, half: usize, last: u64) {
        let mut state = self.state();
        state.busy[half] = true;
        state.jobs.push_back(Job::Settle { half, last });
        drop(state);
        self.changed.notify_all();
    }

    /// Waits until a half may be written, or says why that may take long.
    pub(crate) fn wait_for(&self, half: usize) -> Result<(), Error> {
        let mut state = self.state();
        while state.busy[half] {
            if let Some(error) = &state.blocked {
                let error = error.clone();
                // Space may have come back: whoever tries again should find it.
                self.changed.notify_all();
                return Err(error);
            }
            state = self.wait(state);
        }
        Ok(())
    }

    /// Waits until nothing is left to be settled.
    pub(crate) fn wait_for_all(&self) -> Result<(), Error> {
        self.wait_for(0)?;
        self.wait_for(1)
    }

    /// Asks for a compaction.
    pub(crate) fn compact(&self) -> mpsc::Receiver<Told> {
        let (told, listening) = mpsc::channel();
        let mut state = self.state();
        if state.closing {
            drop(told.send(Told::Done(Err(Error::Closed))));
        } else {
            state.jobs.push_back(Job::Compact(told));
        }
        drop(state);
        self.changed.notify_all();
        listening
    }

    /// Ends the settler after the job in hand.
    pub(crate) fn close(&self) {
        self.state().closing = true;
        self.changed.notify_all();
    }

    fn next(&self) -> Option<Job> {
        let mut state = self.state();
        loop {
            if state.closing {
                return None;
            }
            if let Some(job) = state.jobs.pop_front() {
                return Some(job);
            }
            state = self.wait(state);
        }
    }

    /// A half that waits, while something else is being done.
    fn next_half(&self) -> Option<(usize, u64)> {
        let mut state = self.state();
        let waiting = state
            .jobs
            .iter()
            .position(|job| matches!(job, Job::Settle { .. }))?;
        match state.jobs.remove(waiting) {
            Some(Job::Settle { half, last }) => Some((half, last)),
            _ => None,
        }
    }

    /// Puts a half that could not be settled in front of everything else.
    fn give_back(&self, half: usize, last: u64) {
        self.state().jobs.push_front(Job::Settle { half, last });
    }

    fn set_free(&self, half: usize) {
        let mut state = self.state();
        state.busy[half] = false;
        state.blocked = None;
        drop(state);
        self.changed.notify_all();
    }

    /// Says why settling does not get on, and waits a while or until somebody asks; no when closing.
    fn block(&self, error: Error) -> bool {
        let mut state = self.state();
        state.blocked = Some(error);
        self.changed.notify_all();
        if !state.closing {
            let waited = self.changed.wait_timeout(state, RETRY);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        !state.closing
    }

    fn is_closing(&self) -> bool {
        self.state().closing
    }
}

/// The settler's own state: what the next chunk follows on.
pub(crate) struct Settler {
    pub(crate) shared: Arc<Shared>,
    pub(crate) encoder: Encoder,
    pub(crate) file: IndexFile,
    /// The running hash after the newest settled event.
    pub(crate) after: Hash,
}

/// Whatever ends the settler, nobody waits for it in vain.
struct LastWord(Arc<Shared>);

impl Drop for LastWord {
    fn drop(&mut self) {
        let why = if std::thread::panicking() {
            let stopped = Error::WriterStopped {
                why: "the settler panicked".into(),
            };
            self.0.queue.stop(stopped.clone());
            stopped
        } else {
            Error::Closed
        };
        let mut state = self.0.settling.state();
        state.closing = true;
        state.blocked.get_or_insert(why.clone());
        for job in state.jobs.drain(..) {
            if let Job::Compact(told) = job {
                drop(told.send(Told::Done(Err(why.clone()))));
            }
        }
        drop(state);
        self.0.settling.changed.notify_all();
    }
}

impl Settler {
    /// Works until it is told to close, or the store fails.
    pub(crate) fn run(mut self) {
        let shared = Arc::clone(&self.shared);
        let last_word = LastWord(Arc::clone(&shared));
        while let Some(job) = shared.settling.next() {
            let worked = match job {
                Job::Settle { half, last } => self.settle_half(half, last),
                Job::Compact(told) => {
                    let done = self.compact(&told);
                    let stop = match &done {
                        Err(error @ Error::WriterStopped { .. }) => Err(error.clone()),
                        _ => Ok(()),
                    };
                    // Whoever asked may have gone.
                    let _ = told.send(Told::Done(done));
                    stop
                }
            };
            if let Err(error) = worked {
                shared.settling.state().blocked = Some(error.clone());
                shared.queue.stop(error);
                break;
            }
        }
        drop(last_word);
    }

    /// Settles a half, however long the disk is full; an error is the end of the writer.
    fn settle_half(&mut self, half: usize, last: u64) -> Result<(), Error> {
        let shared = Arc::clone(&self.shared);
        match self.settle(last, &mut || shared.settling.block(Error::DiskFull)) {
            Ok(()) => shared.settling.set_free(half),
            // The log is closing; the journal keeps the events.
            Err(Error::DiskFull) => {}
            Err(error) => return Err(error),
        }
        Ok(())
    }

    /// Takes what is committed up to `last` into the store; on a full disk `again` says whether to try again.
    ///
    /// Every try writes the same chunks, since sled may have kept those of a try that failed.
    fn settle(&mut self, last: u64, again: &mut dyn FnMut() -> bool) -> Result<(), Error> {
        let settled = self.shared.tail.settled();
        if last <= settled {
            return Ok(());
        }
        let commits = self.shared.tail.from(settled + 1, usize::MAX);
        let commits: Vec<_> = commits.into_iter().flatten().collect();
        let ours = commits.partition_point(|commit| commit.last() <= last);
        let commits = &commits[..ours];
        let events: Vec<_> = commits.iter().flat_map(|commit| refs(commit)).collect();
        assert_eq!(events.len() as u64, last - settled, "nothing is left out");
        let aim = self.encoder.cut_raw_bytes;
        let packed = self
            .encoder
            .pack(settled + 1, self.after, &events)
            .map_err(Error::io("compress"))?;
        while let Err(failure) = self.shared.store.settle(&packed.chunks) {
            if !matches!(failure, Failure::DiskFull) || !again() {
                self.encoder.cut_raw_bytes = aim;
                return Err(failure.into());
            }
        }
        self.after = packed.after;
        let mut tree = self.shared.tree();
        packed.leaves.into_iter().for_each(|leaf| tree.push(leaf));
        drop(tree);
        self.shared.tail.settle(last);
        self.write_index(settled, &events);
        self.shared.sign(last);
        Ok(())
    }

    /// Adds a block to the index; without it the next start takes a little longer.
    fn write_index(&mut self, settled: u64, events: &[EventRef<'_>]) {
        let mut block = self.file.block(settled);
        // In pieces, so that the committer need not wait for all of them.
        for events in events.chunks(1_024) {
            let index = self.shared.index();
            for event in events {
                block.add(&index, event.known_micros, event.request_id, event.subject);
            }
        }
        let written = self.file.append(block, self.after, &self.shared.tree());
        if let Err(error) = written {
            tracing::warn!(%error, "cannot write the index: {error}");
        }
        self.shared.set_index_bytes(self.file.bytes());
    }

    fn compact(&mut self, told: &mpsc::Sender<Told>) -> Result<Compaction, Error> {
        let before_bytes = self.shared.store.disk_bytes();
        let copied = self.copy(told);
        if let Err(error) = copied {
            self.shared.store.discard();
            return Err(error);
        }
        self.shared.store.swap()?;
        Ok(Compaction {
            before_bytes,
            after_bytes: self.shared.store.disk_bytes(),
        })
    }

    /// Settles a half while a copy is made; on a full disk the copy must go first.
    fn settle_beside(&mut self, half: usize, last: u64) -> Result<(), Error> {
        let settled = self.settle(last, &mut || false);
        match &settled {
            Ok(()) => self.shared.settling.set_free(half),
            Err(_) => self.shared.settling.give_back(half, last),
        }
        settled
    }

    /// Copies everything into a new store; halves that fill meanwhile are settled into the old one first.
    fn copy(&mut self, told: &mpsc::Sender<Told>) -> Result<(), Error> {
        let copy = self.shared.store.copy()?;
        let mut merger = Merger::new()?;
        let mut merged = Vec::new();
        let mut next = 1;
        loop {
            let before = next;
            let settled = self.shared.tail.settled();
            let page = self.shared.store.chunks_from(next, COPY_CHUNKS)?;
            for (key, value) in page {
                if key < next {
                    continue;
                }
                if let Some((half, last)) = self.shared.settling.next_half() {
                    self.settle_beside(half, last)?;
                }
                if self.shared.settling.is_closing() {
                    return Err(Error::Closed);
                }
                let chunk = whole(next, key, &value)?;
                next = chunk.header.last() + 1;
                merger.add(chunk, value.to_vec());
                merged.append(&mut merger.take(false)?);
            }
            if merged.len() >= WRITE_CHUNKS {
                copy.insert(&merged)?;
                merged.clear();
            }
            // Whoever asked may have gone; a compaction begun is done.
            let _ = told.send(Told::Copied(next - 1));
            if next > self.shared.tail.settled() {
                merged.append(&mut merger.take(true)?);
                copy.insert(&merged)?;
                return Ok(copy.finish()?);
            }
            if next == before {
                return Err(crate::reader::missing(next, settled).into());
            }
        }
    }
}

fn refs(commit: &Commit) -> impl Iterator<Item = EventRef<'_>> {
    commit.events().map(|(_, request_id, event)| EventRef {
        known_micros: commit.known_micros,
        request_id,
        subject: &event.subject,
        payload: &event.payload,
    })
}

/// The chunk at `key` if it follows and is whole; damage is not copied.
fn whole(next: u64, key: u64, value: &[u8]) -> Result<Chunk, Error> {
    let damaged = |last: u64, reason: &str| Error::Damaged {
        first: next,
        last,
        reason: reason.into(),
    };
    if key != next {
        return Err(damaged(key.max(next + 1) - 1, "the chunk is missing"));
    }
    chunk::decode(key, value).map_err(|reason| {
        let last = chunk::header(key, value).map_or(key, |header| header.last());
        damaged(last, reason)
    })
}

/// Merges neighbouring small chunks and passes large ones on as they are.
struct Merger {
    encoder: Encoder,
    waiting: Vec<(Chunk, Vec<u8>)>,
    events: usize,
}

impl Merger {
    fn new() -> Result<Merger, Error> {
        Ok(Merger {
            encoder: Encoder::new().map_err(Error::io("set up compression"))?,
            waiting: Vec::new(),
            events: 0,
        })
    }

    fn add(&mut self, chunk: Chunk, value: Vec<u8>) {
        self.events += chunk.header.count as usize;
        self.waiting.push((chunk, value));
    }

    /// What is ready to be written; everything at the `end`.
    fn take(&mut self, end: bool) -> Result<Vec<chunk::Stored>, Error> {
        let Some((newest, value)) = self.waiting.last() else {
            return Ok(Vec::new());
        };
        let large = value.len() >= LARGE_BYTES;
        if !(end || large || self.events >= MERGE_EVENTS) || newest.header.continues && !end {
            return Ok(Vec::new());
        }
        self.events = 0;
        let mut waiting = std::mem::take(&mut self.waiting);
        if waiting.len() == 1
            && let Some((chunk, value)) = waiting.pop()
        {
            return Ok(vec![(chunk.header.first, value)]);
        }
        let header = &waiting[0].0.header;
        let after = waiting[waiting.len() - 1].0.after();
        let events: Vec<_> = waiting
            .iter()
            .flat_map(|(chunk, _)| chunk.events())
            .collect();
        let packed = self
            .encoder
            .pack(header.first, header.before, &events)
            .map_err(Error::io("compress"))?;
        if packed.after != after {
            let last = header.first + events.len() as u64 - 1;
            return Err(Damage {
                first: header.first,
                last,
                reason: "the hash does not follow from the events before".into(),
            }
            .into());
        }
        Ok(packed.chunks)
    }
}
