//! The single writer: takes what waits, decides each request, commits once, answers all.
//!
//! While one commit is being synced the next requests gather, so the batches grow with the load and nobody waits
//! for a timer.
//! Requests of one commit see each other; the rest of the world sees them once they are durable.

use std::collections::VecDeque;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, RwLock};

use tokio::sync::oneshot;

use crate::chunk::{Encoder, EventRef, Hash};
use crate::index::{Accepted, Index, Overlay};
use crate::limits::QUEUE_BYTES_MAX;
use crate::log::Shared;
use crate::storage::Failure;
use crate::{Append, Error, Receipt};

type Verdict = Result<Receipt, Error>;

/// A request on its way to the committer.
pub(crate) struct Pending {
    pub(crate) append: Append,
    pub(crate) fingerprint: u64,
    pub(crate) bytes: usize,
    pub(crate) reply: oneshot::Sender<Verdict>,
}

impl Pending {
    /// Whoever stopped waiting gets no answer; the verdict stands.
    fn answer(self, verdict: Verdict) {
        let _ = self.reply.send(verdict);
    }
}

/// What waits for the committer, bounded in requests and bytes.
pub(crate) struct Queue {
    requests_max: usize,
    state: Mutex<State>,
    wake: Condvar,
}

struct State {
    waiting: VecDeque<Pending>,
    bytes: usize,
    ended: Option<Error>,
}

impl Queue {
    pub(crate) fn new(requests_max: usize) -> Queue {
        let state = State {
            waiting: VecDeque::new(),
            bytes: 0,
            ended: None,
        };
        Queue {
            requests_max,
            state: Mutex::new(state),
            wake: Condvar::new(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Queues as many as fit, next to each other; the others are answered with the reason at once.
    pub(crate) fn push(&self, group: Vec<Pending>) {
        let mut state = self.state();
        for pending in group {
            if let Some(error) = &state.ended {
                let error = error.clone();
                pending.answer(Err(error));
            } else if state.waiting.len() >= self.requests_max {
                pending.answer(Err(Error::QueueFull {
                    limit: self.requests_max,
                    unit: "requests",
                }));
            } else if state.bytes + pending.bytes > QUEUE_BYTES_MAX {
                pending.answer(Err(Error::QueueFull {
                    limit: QUEUE_BYTES_MAX,
                    unit: "bytes",
                }));
            } else {
                state.bytes += pending.bytes;
                state.waiting.push_back(pending);
            }
        }
        drop(state);
        self.wake.notify_one();
    }

    /// Waits for work; at least one request, else as many as the bounds allow; `None` at the end.
    fn take(&self, events_max: usize, bytes_max: usize) -> Option<Vec<Pending>> {
        let mut state = self.state();
        while state.waiting.is_empty() {
            if state.ended.is_some() {
                return None;
            }
            state = self
                .wake
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
        let (mut events, mut bytes) = (0, 0);
        let mut taken = Vec::new();
        while let Some(next) = state.waiting.front() {
            events += next.append.events.len();
            bytes += next.bytes;
            if !taken.is_empty() && (events > events_max || bytes > bytes_max) {
                break;
            }
            state.bytes -= next.bytes;
            taken.extend(state.waiting.pop_front());
        }
        Some(taken)
    }

    /// Takes nothing new; what waits is still committed.
    pub(crate) fn close(&self) {
        self.state().ended.get_or_insert(Error::Closed);
        self.wake.notify_all();
    }

    /// Takes nothing new and answers what waits with `error`.
    fn stop(&self, error: Error) {
        let mut state = self.state();
        state.bytes = 0;
        let waiting = std::mem::take(&mut state.waiting);
        state.ended = Some(error.clone());
        drop(state);
        for pending in waiting {
            pending.answer(Err(error.clone()));
        }
    }
}

/// Whatever ends the committer, nobody waits for it in vain.
struct LastWord(Arc<Shared>);

impl Drop for LastWord {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.queue.stop(stopped("the committer panicked"));
        }
    }
}

fn stopped(why: &str) -> Error {
    Error::WriterStopped { why: why.into() }
}

/// The committer's own state: what the next commit follows on.
pub(crate) struct Committer {
    pub(crate) shared: Arc<Shared>,
    pub(crate) encoder: Encoder,
    pub(crate) hash: Hash,
    pub(crate) known_micros: i64,
}

impl Committer {
    /// Works until the queue is closed and empty, or a failure ends it.
    pub(crate) fn run(mut self) {
        let shared = Arc::clone(&self.shared);
        let last_word = LastWord(Arc::clone(&shared));
        while let Some(taken) = shared
            .queue
            .take(shared.commit_events_max, shared.commit_bytes_max)
        {
            if let Err(error) = self.commit(taken) {
                tracing::error!(%error, "the log takes no more events: {error}");
                shared.queue.stop(error);
            }
        }
        drop(last_word);
    }

    /// Commits and answers `taken`; an error is the end of the writer.
    fn commit(&mut self, taken: Vec<Pending>) -> Result<(), Error> {
        let head = self.shared.head();
        let known_micros = (self.shared.now)().max(self.known_micros);
        let plan = Plan::decide(&self.shared.index, head + 1, known_micros, &taken);
        let written = match self.write(head, &plan, &taken) {
            Ok(written) => written,
            Err(error) => {
                // A verdict may rest on a neighbour that was not written, so all share the failure.
                for pending in taken {
                    pending.answer(Err(error.clone()));
                }
                return if matches!(error, Error::DiskFull) {
                    Ok(())
                } else {
                    Err(error)
                };
            }
        };
        if let Some((hash, chunks)) = written {
            self.hash = hash;
            self.known_micros = known_micros;
            let mut index = self
                .shared
                .index
                .write()
                .unwrap_or_else(PoisonError::into_inner);
            index.apply(plan.overlay);
            drop(index);
            self.shared.chunks.fetch_add(chunks, Ordering::Relaxed);
            self.shared.head.send_replace(plan.next - 1);
        }
        for (pending, verdict) in taken.into_iter().zip(plan.verdicts) {
            pending.answer(verdict);
        }
        Ok(())
    }

    /// Makes the accepted requests durable; gives the new running hash and the number of chunks.
    fn write(
        &mut self,
        head: u64,
        plan: &Plan,
        taken: &[Pending],
    ) -> Result<Option<(Hash, u64)>, Error> {
        let mut events = Vec::new();
        for (pending, verdict) in taken.iter().zip(&plan.verdicts) {
            if let Ok(Receipt {
                known_micros,
                repeated: false,
                ..
            }) = *verdict
            {
                let request_id = &pending.append.request_id;
                events.extend(pending.append.events.iter().map(|event| EventRef {
                    known_micros,
                    request_id,
                    subject: &event.subject,
                    payload: &event.payload,
                }));
            }
        }
        assert_eq!(
            head + events.len() as u64 + 1,
            plan.next,
            "positions are dense"
        );
        if events.is_empty() {
            return Ok(None);
        }
        let packed = self.encoder.pack(head + 1, self.hash, &events);
        let (chunks, hash) =
            packed.map_err(|error| stopped(&format!("cannot compress: {error}")))?;
        let count = chunks.len() as u64;
        match self.shared.store.commit(head, chunks) {
            Ok(()) => Ok(Some((hash, count))),
            Err(Failure::DiskFull) => Err(Error::DiskFull),
            Err(Failure::Fatal(why)) => Err(stopped(&why)),
        }
    }
}

/// The verdicts on the requests of a commit, before it is written.
struct Plan {
    verdicts: Vec<Verdict>,
    overlay: Overlay,
    /// The position after the last one given away.
    next: u64,
}

impl Plan {
    fn decide(index: &RwLock<Index>, next: u64, known_micros: i64, taken: &[Pending]) -> Plan {
        let index = index.read().unwrap_or_else(PoisonError::into_inner);
        let mut plan = Plan {
            verdicts: Vec::new(),
            overlay: Overlay::default(),
            next,
        };
        for pending in taken {
            let verdict = plan.judge(&index, known_micros, pending);
            plan.verdicts.push(verdict);
        }
        plan
    }

    fn judge(&mut self, index: &Index, known_micros: i64, pending: &Pending) -> Verdict {
        let id = &pending.append.request_id;
        if let Some(earlier) = index.request(id).or_else(|| self.overlay.request(id)) {
            return earlier.judge(id, pending.fingerprint);
        }
        self.overlay.advance(index, &pending.append)?;
        let count = u32::try_from(pending.append.events.len()).map_err(|_| Error::Empty)?;
        let first = self.next;
        self.next += u64::from(count);
        let accepted = Accepted {
            first,
            count,
            known_micros,
            fingerprint: pending.fingerprint,
        };
        self.overlay.accept(*id, accepted);
        Ok(accepted.receipt(false))
    }
}

#[cfg(test)]
#[path = "committer_tests.rs"]
mod tests;
