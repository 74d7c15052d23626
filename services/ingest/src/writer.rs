//! One task decides and commits.
//!
//! It takes what waits, decides each request against the state as committed, appends all accepted ones in one commit, and answers when that is durable.
//! What a request says was read before it came here (`intake`); what is left is to look up what it refers to.
//! A refused request fails nobody else.
//! Two requests in one commit do not see each other's events; one that would be refused for that waits for the commit and is decided again, and so does everything behind it, so that what is sent in an order is recorded in it.
//! What would clash (two corrections of one figure, a revision both expect) is kept apart by [`Pending`].

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use bytes::Bytes;
use domain::event::DatasetLoaded;
use domain::{Event, Violation};
use event_log::{Append, Attribute, Log, NewEvent, Receipt};
use host::{Clock, ComponentHandle};
use jiff::Timestamp;
use state::State;
use tokio::sync::{OwnedSemaphorePermit, mpsc, oneshot};
use uuid::Uuid;
use wire::time::of_micros;
use wire::v1;

use crate::decide::{OnRecord, Remembered};
use crate::intake::Drafted;
use crate::pending::Pending;
use crate::persons::{self, Names};

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
    /// Its room in the queue, given back with the answer.
    pub(crate) room: Option<OwnedSemaphorePermit>,
    pub(crate) answer: oneshot::Sender<Result<Accepted, Refused>>,
}

/// A request was recorded, or would have been.
#[derive(Debug, Clone)]
pub(crate) struct Accepted {
    pub(crate) receipt: Receipt,
    /// Of the subject of a single event; 0 for a batch.
    pub(crate) revision: u64,
    /// What was left out.
    pub(crate) known: Vec<v1::KnownFigure>,
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
    pub(crate) datasets: Datasets,
    pub(crate) clock: Arc<dyn Clock>,
    /// Why nothing more can be recorded.
    pub(crate) broken: Option<String>,
}

/// A request that may be recorded.
struct Decided {
    append: Append,
    events: Vec<Event>,
    revision: u64,
    known: Vec<v1::KnownFigure>,
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

/// The events of a request, with what the log will keep of each.
struct Settled {
    events: Vec<Event>,
    payloads: Vec<Bytes>,
    /// What is kept beside the log, by the index of the event.
    attributes: BTreeMap<usize, Box<Attribute>>,
}

impl Writer {
    /// Works until every sender is gone; what was queued by then is still recorded.
    ///
    /// Stops being ready, for good, when the log's writer has stopped; the log says why.
    pub(crate) async fn run(mut self, mut requests: mpsc::Receiver<Request>, log: ComponentHandle) {
        log.set_ready();
        let mut waiting = Vec::with_capacity(COMMIT_REQUESTS_MAX);
        while requests.recv_many(&mut waiting, COMMIT_REQUESTS_MAX).await > 0 {
            let mut later = std::mem::take(&mut waiting);
            while !later.is_empty() {
                later = self.commit(later).await;
            }
            if let Some(why) = &self.broken {
                log.set_not_ready(why);
            }
        }
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
                known,
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
                    known,
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

    /// The old receipt of a request that was recorded before, or a conflict if it said something else then.
    fn repeated(&self, request: &Request) -> Option<Result<Accepted, Refused>> {
        let receipt = match self.log.receipt(request.request_id.as_bytes()) {
            Ok(receipt) => receipt?,
            Err(error) => return Some(Err(Refused::Log(error))),
        };
        let outcome = self.recorded_events(receipt).and_then(|recorded| {
            let Some(known) = self.same(request, receipt, &recorded) else {
                return Err(Refused::Log(event_log::Error::RequestIdReused {
                    request_id: request.request_id.to_string(),
                    first: receipt.first,
                }));
            };
            persons::erase(&self.log, &recorded).map_err(Refused::Log)?;
            let revision = match recorded.last() {
                Some(event) if request.single => {
                    self.log.revision(&event.body.subject().revision_key())
                }
                _ => 0,
            };
            Ok(Accepted {
                receipt: Receipt {
                    repeated: true,
                    ..receipt
                },
                revision,
                known,
            })
        });
        Some(outcome)
    }

    /// Whether a request says what was recorded under its id, however it is spelled; what it leaves out as known if so.
    fn same(
        &self,
        request: &Request,
        receipt: Receipt,
        recorded: &[Event],
    ) -> Option<Vec<v1::KnownFigure>> {
        let names = Names::read(&request.persons, &request.events, request.single).ok()?;
        let mut known = Vec::new();
        let mut rest = recorded.iter().zip(receipt.first..).peekable();
        for (index, message) in request.events.iter().enumerate() {
            let said_as = |event: &Event, position| {
                let identity = event.body.locality();
                let resolver = Remembered { identity };
                wire::event::decode(message, "", &resolver, request.request_id)
                    .is_ok_and(|said| persons::says(&said, event))
                    && persons::is_same(&self.log, position, event, names.of(index))
            };
            if rest.next_if(|(event, at)| said_as(event, *at)).is_some() {
                continue;
            }
            // It was left out then; what was known before the request is known still.
            let on_record = OnRecord {
                state: &self.state,
                pending: &self.pending,
                now: self.clock.now(),
            };
            let event = wire::event::decode(message, "", &on_record, request.request_id).ok()?;
            let position = self.known(request, &event)?;
            if position >= receipt.first {
                return None;
            }
            known.push(known_figure(index, position));
        }
        rest.next().is_none().then_some(known)
    }

    /// Where the same figure stands, if the caller wants figures on record left out.
    fn known(&self, request: &Request, event: &Event) -> Option<u64> {
        match &event.body {
            domain::Body::ProgressReported(report) if request.skip_known => {
                self.state.same_report(event.effective, report)
            }
            _ => None,
        }
    }

    fn recorded_events(&self, receipt: Receipt) -> Result<Vec<Event>, Refused> {
        let mut events = Vec::new();
        while receipt.first + (events.len() as u64) <= receipt.last {
            let from = receipt.first + events.len() as u64;
            let wanted = (receipt.last - from + 1) as usize;
            let limit = event_log::ReadLimit {
                events: wanted,
                bytes: usize::MAX,
            };
            let records = self.log.read(from, limit).map_err(Refused::Log)?;
            if records.is_empty() {
                break;
            }
            for record in records {
                events.push(crate::origin::decode(&record).map_err(Refused::Log)?);
            }
        }
        Ok(events)
    }

    /// Decides every event of a request; on a refusal nothing of it stays.
    ///
    /// None if the commit it would be part of brings what it must be held against.
    fn accept(&mut self, request: &mut Request) -> Result<Option<Decided>, Refused> {
        self.pending.begin();
        let outcome = self.accept_all(request);
        let Ok(decided) = &outcome else {
            self.pending.undo();
            return outcome.map(Some);
        };
        let mut subjects = decided.append.events.iter().map(|event| &*event.subject);
        if request.skip_known && subjects.any(|subject| self.pending.revisions(subject) > 0) {
            self.pending.undo();
            return Ok(None);
        }
        if request.validate_only {
            self.pending.undo();
        } else {
            let subjects = decided.append.events.iter();
            self.pending.keep(subjects.map(|event| &*event.subject));
        }
        outcome.map(Some)
    }

    fn accept_all(&mut self, request: &mut Request) -> Result<Decided, Refused> {
        let now = self.clock.now();
        let drafted = request.drafted.take();
        let settled = match drafted.and_then(|drafted| self.settle(drafted, now)) {
            Some(settled) => settled,
            None => {
                self.pending.undo();
                self.read(request, now)?
            }
        };
        let mut decided = Decided {
            append: Append {
                request_id: *request.request_id.as_bytes(),
                events: Vec::with_capacity(settled.events.len()),
            },
            events: Vec::with_capacity(settled.events.len()),
            revision: 0,
            known: Vec::new(),
        };
        let mut attributes = settled.attributes;
        let both = settled.events.into_iter().zip(settled.payloads);
        for (index, (event, payload)) in both.enumerate() {
            if let Some(position) = self.known(request, &event) {
                decided.known.push(known_figure(index, position));
                continue;
            }
            decided.append.events.push(NewEvent {
                subject: event.body.subject().revision_key().into(),
                expected_revision: None,
                payload,
                attribute: attributes.remove(&index),
            });
            decided.events.push(event);
        }
        if request.single {
            decided.revision = self.revision(request, &decided.append)? + 1;
        }
        if !decided.events.is_empty() {
            // Here rather than at the commit: nothing may rest on a request that the log cannot take.
            decided.append.check().map_err(Refused::Log)?;
        }
        Ok(decided)
    }

    /// How many events the subject of a single one has, those of this commit counted.
    fn revision(&self, request: &Request, append: &Append) -> Result<u64, Refused> {
        let Some(event) = append.events.first() else {
            return Ok(0);
        };
        let actual = self.log.revision(&event.subject) + self.pending.revisions(&event.subject);
        match request.expected_revision {
            Some(expected) if expected != actual => Err(Refused::Revision {
                subject: event.subject.to_string(),
                expected,
                actual,
            }),
            _ => Ok(actual),
        }
    }

    /// Asks what the drafts leave open; none if an answer is a refusal.
    fn settle(&mut self, drafted: Drafted, now: Timestamp) -> Option<Settled> {
        let Drafted {
            parts,
            mut payloads,
        } = drafted;
        let mut events = Vec::with_capacity(parts.len());
        let mut ends = Vec::with_capacity(parts.len());
        for part in parts {
            let on_record = OnRecord {
                state: &self.state,
                pending: &self.pending,
                now,
            };
            let (event, since) = part.draft.settle(&on_record)?;
            if let Some(at) = part.open
                && !wire::event::write_since(&mut payloads, at, since?)
            {
                return None;
            }
            self.pending.add(&event.body, event.effective.date());
            events.push(event);
            ends.push(part.end);
        }
        let payloads = Bytes::from(payloads);
        let mut begin = 0;
        let cut = |end| {
            let payload = payloads.slice(begin..end);
            begin = end;
            payload
        };
        let payloads = ends.into_iter().map(cut).collect();
        Some(Settled {
            events,
            payloads,
            attributes: BTreeMap::new(),
        })
    }

    /// Reads every event from the beginning, so that a refusal names everything.
    fn read(&mut self, request: &Request, now: Timestamp) -> Result<Settled, Refused> {
        let mut violations = Vec::new();
        let mut settled = Settled {
            events: Vec::with_capacity(request.events.len()),
            payloads: Vec::with_capacity(request.events.len()),
            attributes: BTreeMap::new(),
        };
        let names = Names::read(&request.persons, &request.events, request.single);
        let names = names.unwrap_or_else(|found| {
            violations.extend(found);
            Names::default()
        });
        for (i, message) in request.events.iter().enumerate() {
            let path = if request.single {
                "event".to_owned()
            } else {
                format!("events[{i}]")
            };
            let on_record = OnRecord {
                state: &self.state,
                pending: &self.pending,
                now,
            };
            match wire::event::decode(message, &path, &on_record, request.request_id) {
                Err(found) => violations.extend(found),
                Ok(mut event) => {
                    self.pending.add(&event.body, event.effective.date());
                    if let Some(name) = names.of(i) {
                        let kept = persons::commit(&mut event, name).map_err(Refused::Log)?;
                        settled
                            .attributes
                            .extend(kept.map(|kept| (i, Box::new(kept))));
                    }
                    let payload = wire::event::to_bytes(&event);
                    settled.payloads.push(Bytes::from(payload));
                    settled.events.push(event);
                }
            }
        }
        if violations.is_empty() {
            Ok(settled)
        } else {
            Err(Refused::Invalid(violations))
        }
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
            known: self.known,
        }
    }
}

fn known_figure(index: usize, position: u64) -> v1::KnownFigure {
    v1::KnownFigure {
        event_index: u32::try_from(index).unwrap_or(u32::MAX),
        position,
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
