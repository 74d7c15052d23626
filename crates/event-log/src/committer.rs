//! The single writer: takes what waits, decides each request, commits once, answers all.
//!
//! While one commit is being synced the next requests gather, so the batches grow with the load and nobody waits
//! for a timer.
//! Requests of one commit see each other; the rest of the world sees them once they are durable.

use std::collections::VecDeque;
use std::io::ErrorKind;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, mpsc};
use std::time::Duration;

use tokio::sync::oneshot;

use crate::index::{Index, Overlay};
use crate::journal::{Commit, Failure, Journal};
use crate::limits::QUEUE_BYTES_MAX;
use crate::log::Shared;
use crate::types::hex;
use crate::{Append, Attribute, Error, Receipt};

/// After how long without work the newest commit is confirmed.
const QUIET: Duration = Duration::from_secs(1);

type Verdict = Result<Receipt, Error>;

/// Where and when another log took a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct KnownAt {
    pub(crate) first: u64,
    pub(crate) micros: i64,
}

/// A request on its way to the committer.
pub(crate) struct Pending {
    pub(crate) append: Append,
    /// None if it is given the next place, now.
    pub(crate) known: Option<KnownAt>,
    pub(crate) bytes: usize,
    pub(crate) reply: oneshot::Sender<Verdict>,
}

impl Pending {
    /// The time that it must have; a commit has one.
    fn micros(&self) -> Option<i64> {
        self.known.map(|known| known.micros)
    }

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
    turns: Vec<mpsc::Sender<Result<(), Error>>>,
    ended: Option<Error>,
}

/// What the committer does next.
enum Work {
    Commit(Vec<Pending>),
    /// Hand over the half of the journal that is being written.
    Turn(mpsc::Sender<Result<(), Error>>),
    /// Nothing came for a while.
    Quiet,
}

impl Queue {
    pub(crate) fn new(requests_max: usize) -> Queue {
        let state = State {
            waiting: VecDeque::new(),
            bytes: 0,
            turns: Vec::new(),
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

    /// Asks for a turn of the journal; the answer comes when it is done.
    pub(crate) fn turn(&self) -> mpsc::Receiver<Result<(), Error>> {
        let (reply, answer) = mpsc::channel();
        let mut state = self.state();
        match &state.ended {
            Some(error) => drop(reply.send(Err(error.clone()))),
            None => state.turns.push(reply),
        }
        drop(state);
        self.wake.notify_one();
        answer
    }

    /// Waits for work; of requests at least one, else as many as the bounds allow; `None` at the end.
    fn take(&self, events_max: usize, bytes_max: usize) -> Option<Work> {
        let mut state = self.state();
        while state.waiting.is_empty() {
            if let Some(reply) = state.turns.pop() {
                return Some(Work::Turn(reply));
            }
            if state.ended.is_some() {
                return None;
            }
            let waited = self.wake.wait_timeout(state, QUIET);
            let (woken, timeout) = waited.unwrap_or_else(PoisonError::into_inner);
            state = woken;
            if timeout.timed_out() && state.waiting.is_empty() && state.turns.is_empty() {
                return Some(Work::Quiet);
            }
        }
        let (mut events, mut bytes) = (0, 0);
        let mut taken: Vec<Pending> = Vec::new();
        while let Some(next) = state.waiting.front() {
            if taken
                .first()
                .is_some_and(|one| one.micros() != next.micros())
            {
                break;
            }
            events += next.append.events.len();
            bytes += next.bytes;
            if !taken.is_empty() && (events > events_max || bytes > bytes_max) {
                break;
            }
            state.bytes -= next.bytes;
            taken.extend(state.waiting.pop_front());
        }
        Some(Work::Commit(taken))
    }

    /// Takes nothing new; what waits is still committed.
    pub(crate) fn close(&self) {
        self.state().ended.get_or_insert(Error::Closed);
        self.wake.notify_all();
    }

    /// Takes nothing new and answers what waits with `error`.
    pub(crate) fn stop(&self, error: Error) {
        tracing::error!(%error, "the log takes no more events: {error}");
        let mut state = self.state();
        state.bytes = 0;
        let waiting = std::mem::take(&mut state.waiting);
        let turns = std::mem::take(&mut state.turns);
        state.ended = Some(error.clone());
        drop(state);
        for pending in waiting {
            pending.answer(Err(error.clone()));
        }
        for reply in turns {
            drop(reply.send(Err(error.clone())));
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
    pub(crate) journal: Journal,
    pub(crate) known_micros: i64,
    /// Whether a frame stands behind the newest commit.
    pub(crate) confirmed: bool,
}

impl Committer {
    /// Works until the queue is closed and empty, or a failure ends it.
    pub(crate) fn run(mut self) {
        let shared = Arc::clone(&self.shared);
        let last_word = LastWord(Arc::clone(&shared));
        let (events_max, bytes_max) = (shared.commit_events_max, shared.commit_bytes_max);
        loop {
            let worked = match shared.queue.take(events_max, bytes_max) {
                Some(Work::Commit(taken)) => self.commit(taken),
                Some(Work::Turn(reply)) => {
                    // Whoever asked may have gone.
                    drop(reply.send(self.turn_if_begun()));
                    Ok(())
                }
                Some(Work::Quiet) => self.confirm(),
                None => break,
            };
            if let Err(error) = worked {
                shared.queue.stop(error);
                return drop(last_word);
            }
        }
        if let Err(error) = self.confirm() {
            tracing::error!(%error, "cannot confirm the newest commit: {error}");
        }
        shared.sign(shared.head());
        drop(last_word);
    }

    /// Commits and answers `taken`; an error is the end of the writer.
    fn commit(&mut self, taken: Vec<Pending>) -> Result<(), Error> {
        let first = self.shared.head() + 1;
        let given = taken.first().and_then(Pending::micros);
        let known_micros = given.unwrap_or_else(|| (self.shared.now)().max(self.known_micros));
        if known_micros < self.known_micros {
            for pending in taken {
                let problem = "its time is before that of the event before";
                pending.answer(Err(Error::OutOfOrder {
                    position: first,
                    problem,
                }));
            }
            return Ok(());
        }
        let verdicts = decide(&self.shared, first, known_micros, &taken);
        let commit = match self.write(first, known_micros, &verdicts, &taken) {
            Ok(place) => place,
            Err(error) => {
                // A verdict may rest on a neighbour that was not written, so all share the failure.
                for pending in taken {
                    pending.answer(Err(error.clone()));
                }
                return match error {
                    Error::DiskFull => Ok(()),
                    error => Err(error),
                };
            }
        };
        let mut replies = Vec::with_capacity(taken.len());
        let mut requests = Vec::with_capacity(taken.len());
        for (pending, verdict) in taken.into_iter().zip(verdicts) {
            let Pending {
                mut append, reply, ..
            } = pending;
            if let Ok(Receipt {
                repeated: false, ..
            }) = verdict
            {
                append.forget_attributes();
                requests.push(append);
            }
            replies.push((reply, verdict));
        }
        if let Some((place, count)) = commit {
            self.known_micros = known_micros;
            self.confirmed = false;
            self.shared.publish(Commit {
                first,
                count,
                known_micros,
                requests,
                place,
            });
        }
        for (reply, verdict) in replies {
            // Whoever stopped waiting gets no answer; the verdict stands.
            let _ = reply.send(verdict);
        }
        Ok(())
    }

    /// Makes the accepted requests durable; gives where, and how many events.
    fn write(
        &mut self,
        first: u64,
        known_micros: i64,
        verdicts: &[Verdict],
        taken: &[Pending],
    ) -> Result<Option<(crate::journal::Place, u32)>, Error> {
        let accepted = || {
            let new = taken.iter().zip(verdicts).filter(|(_, verdict)| {
                matches!(
                    verdict,
                    Ok(Receipt {
                        repeated: false,
                        ..
                    })
                )
            });
            new.map(|(pending, _)| &pending.append)
        };
        let count: usize = accepted().map(|append| append.events.len()).sum();
        if count == 0 {
            return Ok(None);
        }
        if !self.journal.prepare(first, known_micros, accepted()) {
            self.turn()?;
        }
        let events = accepted().flat_map(|append| &append.events);
        let attributes: Vec<(u64, &Attribute)> = (first..)
            .zip(events)
            .filter_map(|(position, event)| Some((position, event.attribute.as_deref()?)))
            .collect();
        self.keep(&attributes)?;
        let place = match self.journal.write() {
            Ok(place) => place,
            Err(Failure::Full) => return Err(self.take_back(&attributes)),
            Err(failure) => return Err(failure.into()),
        };
        // A commit holds what the queue holds at most, far fewer than 2³² events.
        Ok(Some((place, count as u32)))
    }

    /// Makes the attributes of a commit durable, before its events.
    fn keep(&self, attributes: &[(u64, &Attribute)]) -> Result<(), Error> {
        let kept = self.shared.erasable.write(attributes);
        kept.map_err(|error| match error.kind() {
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded => Error::DiskFull,
            _ => stopped(&format!("write erasable attributes: {error}")),
        })
    }

    /// Removes the attributes of a commit for which there was no space; gives the error to answer with.
    fn take_back(&self, attributes: &[(u64, &Attribute)]) -> Error {
        let positions: Vec<u64> = attributes.iter().map(|(position, _)| *position).collect();
        match self.shared.erasable.take_back(&positions) {
            Ok(()) => Error::DiskFull,
            // The positions will be given to other events, which must not inherit the attributes.
            Err(error) => stopped(&format!("take erasable attributes back: {error}")),
        }
    }

    /// Hands the current half over to be settled and goes on with the other; waits until that is free.
    fn turn(&mut self) -> Result<(), Error> {
        let half = self.journal.current();
        self.shared.settling.wait_for(1 - half)?;
        self.shared.settling.hand_over(half, self.shared.head());
        self.journal.turn();
        Ok(())
    }

    fn turn_if_begun(&mut self) -> Result<(), Error> {
        if self.journal.is_begun() && self.shared.head() > self.shared.tail.settled() {
            self.turn()?;
            self.confirmed = true;
        }
        Ok(())
    }

    /// Tells the newest commit from an unfinished one, should it be damaged later.
    fn confirm(&mut self) -> Result<(), Error> {
        if !self.confirmed {
            match self.journal.confirm(self.shared.head(), self.known_micros) {
                Ok(()) => self.confirmed = true,
                Err(Failure::Full) => {}
                Err(failure) => return Err(failure.into()),
            }
        }
        Ok(())
    }
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Error {
        match failure {
            Failure::Full => Error::DiskFull,
            Failure::Fatal(doing, error) => stopped(&format!("{doing}: {error}")),
        }
    }
}

/// The verdicts on the requests of a commit, before it is written.
fn decide(shared: &Shared, first: u64, known_micros: i64, taken: &[Pending]) -> Vec<Verdict> {
    let index = shared.index();
    let expects = |pending: &Pending| {
        let mut events = pending.append.events.iter();
        events.any(|event| event.expected_revision.is_some())
    };
    let mut plan = Plan {
        shared,
        index: &index,
        overlay: Overlay::default(),
        counts_revisions: taken.iter().any(expects),
        verdicts: Vec::with_capacity(taken.len()),
        next: first,
        known_micros,
    };
    for place in 0..taken.len() {
        let verdict = plan.judge(taken, place);
        plan.verdicts.push(verdict);
    }
    plan.verdicts
}

struct Plan<'a> {
    shared: &'a Shared,
    index: &'a Index,
    overlay: Overlay,
    /// Whether anybody asks how many events a subject has.
    counts_revisions: bool,
    verdicts: Vec<Verdict>,
    /// The position after the last one given away.
    next: u64,
    known_micros: i64,
}

impl Plan<'_> {
    fn judge(&mut self, taken: &[Pending], place: usize) -> Verdict {
        let append = &taken[place].append;
        if let Some(known) = taken[place].known {
            return self.place(append, known, place);
        }
        let id = &append.request_id;
        if let Some(earlier) = self.overlay.request(id) {
            let receipt = self.verdicts[earlier].clone()?;
            let same = taken[earlier].append.says_the_same(append);
            return repeat(same, receipt, id);
        }
        if let Some(position) = self.index.request(id)
            && let Some((receipt, same)) = self.shared.accepted(id, position, Some(append))?
        {
            return repeat(same, receipt, id);
        }
        self.index.check_age(id)?;
        if self.counts_revisions {
            self.overlay.advance(self.index, append)?;
        }
        let first = self.next;
        self.next += append.events.len() as u64;
        self.overlay.accept(*id, place);
        Ok(Receipt {
            first,
            last: self.next - 1,
            known_micros: self.known_micros,
            repeated: false,
        })
    }
}

impl Plan<'_> {
    /// The verdict on a request that has its place already.
    fn place(&mut self, append: &Append, known: KnownAt, place: usize) -> Verdict {
        let id = &append.request_id;
        let out_of_order = |problem| {
            let position = known.first;
            Err(Error::OutOfOrder { position, problem })
        };
        if known.first != self.next {
            return out_of_order("the position is not the next");
        }
        let repeated = match self.index.request(id) {
            Some(position) => self.shared.accepted(id, position, None)?.is_some(),
            None => self.overlay.request(id).is_some(),
        };
        if repeated {
            return out_of_order("its request is on record already");
        }
        self.next += append.events.len() as u64;
        self.overlay.accept(*id, place);
        Ok(Receipt {
            first: known.first,
            last: self.next - 1,
            known_micros: self.known_micros,
            repeated: false,
        })
    }
}

/// The old receipt if the body is the same, else the conflict.
fn repeat(same: bool, receipt: Receipt, id: &[u8; 16]) -> Verdict {
    if same {
        Ok(Receipt {
            repeated: true,
            ..receipt
        })
    } else {
        Err(Error::RequestIdReused {
            request_id: hex(id),
            first: receipt.first,
        })
    }
}

#[cfg(test)]
#[path = "committer_tests.rs"]
mod tests;
