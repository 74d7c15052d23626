//! One task decides and commits.
//!
//! It takes what waits, decides each request against the state as committed, appends all accepted ones in one commit, and answers when that is durable.
//! What a request says was read before it came here (`intake`); what is left is to look up what it refers to.
//! A refused request fails nobody else.
//! Two requests in one commit do not see each other's events; one that would be refused for that waits for the commit and is decided again, and so does everything behind it, so that what is sent in an order is recorded in it.
//! What would clash (two corrections of one figure, a revision both expect) is kept apart by [`Pending`].

use std::collections::HashSet;
use std::sync::Arc;

use domain::event::DatasetLoaded;
use domain::{Event, Violation};
use event_log::{Append, Log, Receipt};
use host::{Clock, ComponentHandle};
use lag::PlausibilityRules;
use state::State;
use tokio::sync::{OwnedSemaphorePermit, mpsc, oneshot};
use uuid::Uuid;
use wire::time::of_micros;
use wire::v1;

use crate::intake::Drafted;
use crate::overlay::Overlay;
use crate::pending::Pending;
use crate::persons;
use crate::recognise::Told;
use crate::settle::Halt;
use crate::standing::Fence;

/// Most requests decided for one commit.
const COMMIT_REQUESTS_MAX: usize = 512;

/// What a caller wants recorded.
pub(crate) struct Request {
    pub(crate) request_id: Uuid,
    /// As sent: read anew, with everything that is wrong with it, unless the drafts will do.
    pub(crate) events: Vec<v1::Event>,
    /// Names of the persons whom the events appoint.
    pub(crate) persons: Vec<v1::AppointedPerson>,
    /// What could be read without the record; none if something is wrong with it.
    pub(crate) drafted: Option<Drafted>,
    /// Paths of violations: `event` for a single one, `events[i]` for a batch.
    pub(crate) single: bool,
    pub(crate) expected_revision: Option<u64>,
    pub(crate) validate_only: bool,
    /// Leave out figures that are on record already.
    pub(crate) skip_known: bool,
    /// Leave out figures of which the same source has another one on record, and say so.
    pub(crate) tell_changed: bool,
    /// Its room in the queue, given back with the answer.
    pub(crate) room: Option<OwnedSemaphorePermit>,
    pub(crate) answer: oneshot::Sender<Result<Accepted, Refused>>,
}

/// Reads what is on record between two commits; nothing is decided meanwhile.
pub(crate) type Question = Box<dyn FnOnce(&State) + Send>;

/// A request was recorded, or would have been.
#[derive(Debug, Clone)]
pub(crate) struct Accepted {
    pub(crate) receipt: Receipt,
    /// Of the subject of a single event; 0 for a batch.
    pub(crate) revision: u64,
    /// What was left out, and what was found.
    pub(crate) told: Told,
}

/// Why a request was not recorded.
#[derive(Debug)]
pub(crate) enum Refused {
    Invalid(Vec<Violation>),
    Revision {
        subject: String,
        expected: u64,
        actual: u64,
    },
    Log(event_log::Error),
    /// This is a standby.
    Standby,
    /// Another has taken the ledger over.
    Fenced(Arc<Fence>),
    /// It is recorded, and the bus has not acknowledged it in time.
    NotReplicated {
        first: u64,
        last: u64,
        /// What keeps the bus from it, as a part of a sentence; empty if nobody knows.
        why: String,
    },
    /// No room in the queue.
    Full {
        /// How much may wait.
        limit: usize,
        /// Of what: requests or bytes.
        unit: &'static str,
    },
    /// A batch without events, or with so many.
    BatchSize(usize),
    /// The writer has ended.
    Stopped,
}

/// The data sets on record, for whoever asks what the ledger holds.
pub(crate) type Datasets = Arc<std::sync::RwLock<Vec<DatasetLoaded>>>;

pub(crate) struct Writer {
    pub(crate) log: Log,
    pub(crate) state: State,
    pub(crate) pending: Pending,
    pub(crate) overlay: Overlay,
    pub(crate) rules: PlausibilityRules,
    pub(crate) datasets: Datasets,
    pub(crate) clock: Arc<dyn Clock>,
    /// Why nothing more can be recorded.
    pub(crate) broken: Option<String>,
}

/// A request that may be recorded.
pub(crate) struct Decided {
    pub(crate) append: Append,
    pub(crate) events: Vec<Event>,
    pub(crate) revision: u64,
    pub(crate) told: Told,
}

/// A decided request on its way to the disk.
struct Taken {
    decided: Decided,
    answer: oneshot::Sender<Result<Accepted, Refused>>,
    _room: Option<OwnedSemaphorePermit>,
}

/// What became of a request.
enum Decision {
    /// It needed no commit.
    Answered,
    Taken(Taken),
    /// The commit before it may bring what it was refused for.
    Later(Request),
}

impl Writer {
    /// On a log and what it adds up to.
    pub(crate) fn new(log: Log, state: State, datasets: Datasets, clock: Arc<dyn Clock>) -> Self {
        Self {
            log,
            state,
            pending: Pending::default(),
            overlay: Overlay::default(),
            rules: PlausibilityRules::standard(),
            datasets,
            clock,
            broken: None,
        }
    }

    /// Works until every sender is gone; what was queued by then is still recorded. Gives back what it has folded.
    ///
    /// Stops being ready, for good, when the log's writer has stopped; the log says why.
    pub(crate) async fn serve(
        mut self,
        mut requests: mpsc::Receiver<Request>,
        mut questions: mpsc::Receiver<Question>,
        log: ComponentHandle,
    ) -> State {
        let mut waiting = Vec::with_capacity(COMMIT_REQUESTS_MAX);
        loop {
            let taken = tokio::select! {
                taken = requests.recv_many(&mut waiting, COMMIT_REQUESTS_MAX) => taken,
                Some(question) = questions.recv() => {
                    question(&self.state);
                    continue;
                }
            };
            if taken == 0 {
                return self.state;
            }
            let mut later = std::mem::take(&mut waiting);
            while !later.is_empty() {
                later = self.commit(later).await;
            }
            if let Some(why) = &self.broken {
                log.set_not_ready(why);
            }
        }
    }

    /// The same where nobody asks anything.
    #[cfg(test)]
    pub(crate) async fn run(
        self,
        requests: mpsc::Receiver<Request>,
        log: ComponentHandle,
    ) -> State {
        log.set_ready();
        self.serve(requests, mpsc::channel(1).1, log).await
    }

    /// Decides and commits; gives back the requests that must wait for this commit.
    async fn commit(&mut self, requests: Vec<Request>) -> Vec<Request> {
        let mut ids = HashSet::with_capacity(requests.len());
        let mut taken = Vec::with_capacity(requests.len());
        let mut later = Vec::new();
        let mut requests = requests.into_iter();
        for request in requests.by_ref() {
            if ids.contains(&request.request_id) {
                later.push(request);
                continue;
            }
            let id = request.request_id;
            match self.decide(request) {
                Decision::Answered => {}
                Decision::Taken(one) => {
                    ids.insert(id);
                    taken.push(one);
                }
                Decision::Later(request) => {
                    later.push(request);
                    break;
                }
            }
        }
        // Whoever came after one that waits, waits as well: what is sent in an order is recorded in it.
        later.extend(requests);
        self.pending.clear();
        self.overlay.clear();
        if !taken.is_empty() {
            self.append(taken).await;
        }
        later
    }

    /// Makes the requests durable, answers them, and folds what is durable.
    async fn append(&mut self, mut taken: Vec<Taken>) {
        let appends = taken.iter_mut().map(|one| take(&mut one.decided.append));
        let verdicts = self.log.append_all(appends.collect()).await;
        let mut durable = Vec::with_capacity(taken.len());
        for (one, verdict) in taken.into_iter().zip(verdicts) {
            let Decided {
                events,
                revision,
                told,
                ..
            } = one.decided;
            let answer = verdict.map_err(|error| {
                if matches!(error, event_log::Error::WriterStopped { .. }) {
                    self.broken = Some(error.to_string());
                }
                Refused::Log(error)
            });
            // An erasure is acknowledged when nothing is left; whoever repeats it has it tried again.
            let erased = match &answer {
                Ok(_) => persons::erase(&self.log, &events).map_err(Refused::Log),
                Err(_) => Ok(()),
            };
            let answer = answer.map(|receipt| {
                events
                    .iter()
                    .for_each(|event| note_dataset(&self.datasets, event));
                durable.push((receipt, events));
                Accepted {
                    receipt,
                    revision,
                    told,
                }
            });
            // A caller who has gone away can ask again with the same request id.
            let _ = one
                .answer
                .send(answer.and_then(|done| erased.map(|()| done)));
        }
        // After the answers, which need not wait for it; no request is decided before it is done.
        for (receipt, events) in durable {
            self.fold(receipt, &events);
        }
    }

    /// Answers at once what needs no commit.
    fn decide(&mut self, mut request: Request) -> Decision {
        let outcome = if let Some(why) = &self.broken {
            let why = why.as_str().into();
            Err(Refused::Log(event_log::Error::WriterStopped { why }))
        } else if let Some(outcome) = self.repeated(&request) {
            outcome
        } else {
            match self.accept(&mut request) {
                Ok(None) => return Decision::Later(request),
                Ok(Some(decided)) if decided.events.is_empty() => Ok(decided.answered(ALL_KNOWN)),
                Ok(Some(decided)) if request.validate_only => Ok(decided.answered(NOT_RECORDED)),
                Ok(Some(decided)) => {
                    return Decision::Taken(Taken {
                        decided,
                        answer: request.answer,
                        _room: request.room,
                    });
                }
                Err(Refused::Invalid(_)) if self.pending.brings_things() => {
                    return Decision::Later(request);
                }
                Err(refused) => Err(refused),
            }
        };
        let _ = request.answer.send(outcome);
        Decision::Answered
    }

    /// Decides every event of a request; on a refusal nothing of it stays.
    ///
    /// None if the commit it would be part of brings what it must be held against.
    fn accept(&mut self, request: &mut Request) -> Result<Option<Decided>, Refused> {
        self.pending.begin();
        self.overlay.begin();
        let outcome = match self.settle(request) {
            Ok(decided) if !request.validate_only => {
                let events = decided.append.events.iter();
                self.pending.keep(events.map(|event| &*event.subject));
                return Ok(Some(decided));
            }
            Ok(decided) => Ok(Some(decided)),
            Err(Halt::Later) => Ok(None),
            Err(Halt::Refused(refused)) => Err(refused),
        };
        self.pending.undo();
        self.overlay.undo();
        outcome
    }

    fn fold(&mut self, receipt: Receipt, events: &[Event]) {
        if receipt.repeated {
            return;
        }
        let known = of_micros(receipt.known_micros);
        for (position, event) in (receipt.first..).zip(events) {
            if let Err(error) = self.state.apply(position, known, event) {
                // The log is dense and monotone, so this is a fault of ours; decisions would be wrong from here on.
                tracing::error!(%error, position, "cannot fold a durable event at {position}");
                self.broken = Some(format!("cannot fold position {position}: {error}"));
                return;
            }
        }
    }
}

impl Decided {
    /// The answer of a request that needs no commit.
    fn answered(self, receipt: Receipt) -> Accepted {
        Accepted {
            receipt,
            revision: self.revision,
            told: self.told,
        }
    }
}

/// The receipt of a request that was only validated.
const NOT_RECORDED: Receipt = Receipt {
    first: 0,
    last: 0,
    known_micros: 0,
    repeated: false,
};

/// The receipt of a request of which everything was on record.
const ALL_KNOWN: Receipt = Receipt {
    repeated: true,
    ..NOT_RECORDED
};

fn take(append: &mut Append) -> Append {
    Append {
        request_id: append.request_id,
        events: std::mem::take(&mut append.events),
    }
}

/// Remembers a data set once its last event is durable.
pub(crate) fn note_dataset(datasets: &Datasets, event: &Event) {
    if let domain::Body::DatasetLoaded(loaded) = &event.body {
        datasets
            .write()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .push(loaded.clone());
    }
}
