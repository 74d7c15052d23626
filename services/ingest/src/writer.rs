//! One task decides and commits.
//!
//! It takes what waits, decides each request against the state as committed, appends all accepted ones in one commit, and answers when that is durable.
//! A refused request fails nobody else.
//! Two requests in one commit do not see each other's events: neither was answered when the other was sent, so either order is a right one.
//! What would clash (two corrections of one figure, a revision both expect) is kept apart by [`Pending`].

use std::sync::Arc;

use bytes::Bytes;
use domain::event::DatasetLoaded;
use domain::{Event, Violation};
use event_log::{Append, Log, NewEvent, Receipt};
use host::{Clock, ComponentHandle};
use state::State;
use tokio::sync::{mpsc, oneshot};
use uuid::Uuid;
use wire::time::of_micros;
use wire::v1;

use crate::decide::{OnRecord, Remembered};
use crate::pending::Pending;

/// Most requests decided for one commit.
const COMMIT_REQUESTS_MAX: usize = 512;

/// What a caller wants recorded.
pub(crate) struct Request {
    pub(crate) request_id: Uuid,
    pub(crate) events: Vec<v1::Event>,
    /// Paths of violations: `event` for a single one, `events[i]` for a batch.
    pub(crate) single: bool,
    pub(crate) expected_revision: Option<u64>,
    pub(crate) validate_only: bool,
    pub(crate) answer: oneshot::Sender<Result<Accepted, Refused>>,
}

/// A request was recorded, or would have been.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Accepted {
    pub(crate) receipt: Receipt,
    pub(crate) revision: u64,
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

/// A decided request on its way to the disk.
struct Decided {
    append: Append,
    events: Vec<Event>,
    revision: u64,
    answer: oneshot::Sender<Result<Accepted, Refused>>,
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
        let mut decided: Vec<Decided> = Vec::new();
        let mut later = Vec::new();
        for request in requests {
            if decided
                .iter()
                .any(|d| d.append.request_id == *request.request_id.as_bytes())
            {
                later.push(request);
            } else if let Some(accepted) = self.decide(request) {
                decided.push(accepted);
            }
        }
        self.pending.clear();
        if decided.is_empty() {
            return later;
        }
        let appends = decided.iter_mut().map(|d| take(&mut d.append)).collect();
        let verdicts = self.log.append_all(appends).await;
        for (decided, verdict) in decided.into_iter().zip(verdicts) {
            let answer = match verdict {
                Ok(receipt) => {
                    self.fold(receipt, &decided.events);
                    Ok(Accepted {
                        receipt,
                        revision: decided.revision,
                    })
                }
                Err(error) => {
                    if matches!(error, event_log::Error::WriterStopped { .. }) {
                        self.broken = Some(error.to_string());
                    }
                    Err(Refused::Log(error))
                }
            };
            // A caller who has gone away can ask again with the same request id.
            let _ = decided.answer.send(answer);
        }
        later
    }

    /// Answers at once what needs no commit.
    fn decide(&mut self, request: Request) -> Option<Decided> {
        if let Some(why) = &self.broken {
            let why = why.as_str().into();
            let stopped = event_log::Error::WriterStopped { why };
            let _ = request.answer.send(Err(Refused::Log(stopped)));
            return None;
        }
        let outcome = match self.repeated(&request) {
            Some(outcome) => outcome,
            None => match self.accept(&request) {
                Ok(decided) if request.validate_only => Ok(Accepted {
                    receipt: NOT_RECORDED,
                    revision: decided.2,
                }),
                Ok((append, events, revision)) => {
                    return Some(Decided {
                        append,
                        events,
                        revision,
                        answer: request.answer,
                    });
                }
                Err(refused) => Err(refused),
            },
        };
        let _ = request.answer.send(outcome);
        None
    }

    /// The old receipt of a request that was recorded before, or a conflict if it said something else then.
    fn repeated(&self, request: &Request) -> Option<Result<Accepted, Refused>> {
        let receipt = self.log.receipt(request.request_id.as_bytes())?;
        let outcome = self.recorded_events(receipt).and_then(|recorded| {
            let same = recorded.len() == request.events.len()
                && request
                    .events
                    .iter()
                    .zip(&recorded)
                    .all(|(message, event)| {
                        let identity = event.body.locality();
                        let resolver = Remembered { identity };
                        wire::event::decode(message, "", &resolver, request.request_id)
                            .is_ok_and(|said| said == *event)
                    });
            if !same {
                return Err(Refused::Log(event_log::Error::RequestIdReused {
                    request_id: request.request_id.to_string(),
                    first: receipt.first,
                }));
            }
            let revision = recorded.last().map_or(0, |event| {
                self.log.revision(&event.body.subject().revision_key())
            });
            Ok(Accepted {
                receipt: Receipt {
                    repeated: true,
                    ..receipt
                },
                revision,
            })
        });
        Some(outcome)
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

    /// Parses and decides every event of a request; on a refusal nothing of it stays.
    fn accept(&mut self, request: &Request) -> Result<(Append, Vec<Event>, u64), Refused> {
        self.pending.begin();
        let outcome = self.accept_all(request);
        if outcome.is_err() || request.validate_only {
            self.pending.undo();
        }
        outcome
    }

    fn accept_all(&mut self, request: &Request) -> Result<(Append, Vec<Event>, u64), Refused> {
        let now = self.clock.now();
        let mut violations = Vec::new();
        let mut events = Vec::with_capacity(request.events.len());
        let mut news = Vec::with_capacity(request.events.len());
        let mut revision = 0;
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
                Ok(event) => {
                    let subject = event.body.subject().revision_key();
                    revision = self.log.revision(&subject) + self.pending.revisions(&subject);
                    if let Some(expected) = request.expected_revision
                        && revision != expected
                    {
                        return Err(Refused::Revision {
                            subject,
                            expected,
                            actual: revision,
                        });
                    }
                    self.pending
                        .add(&event.body, event.effective.date(), &subject);
                    revision += 1;
                    news.push(NewEvent {
                        subject: subject.into(),
                        expected_revision: None,
                        payload: Bytes::from(wire::event::to_bytes(&event)),
                    });
                    events.push(event);
                }
            }
        }
        if !violations.is_empty() {
            return Err(Refused::Invalid(violations));
        }
        let append = Append {
            request_id: *request.request_id.as_bytes(),
            events: news,
        };
        // Here rather than at the commit: nothing may rest on a request that the log cannot take.
        append.check().map_err(Refused::Log)?;
        Ok((append, events, revision))
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
            note_dataset(&self.datasets, event);
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
