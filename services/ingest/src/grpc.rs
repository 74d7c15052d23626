//! `IngestService` and `LogService`.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bus::RelayStatus;
use domain::{Reason, Violation};
use event_log::{Log, ReadLimit, Receipt};
use futures::Stream;
use host::{CancellationToken, Clock};
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{Semaphore, mpsc, oneshot, watch};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Code, Request, Response, Status};
use uuid::Uuid;
use wire::status::{invalid, unavailable, with_reason};
use wire::time::of_micros;
use wire::v1;

use crate::writer::{self, Accepted, Datasets, Refused};

/// Most events in one batch.
const BATCH_EVENTS_MAX: usize = 10_000;
/// Events in one message of a read.
const READ_EVENTS_MAX: usize = 2_000;
/// Bytes of payload in one message of a read; a message stays well below the 4 MiB of a gRPC client.
const READ_BYTES_MAX: usize = 1024 * 1024;
/// Messages prepared for a reader that is slower than the log.
const READ_AHEAD: usize = 2;
/// After which time a refused writer may try again.
const RETRY: Duration = Duration::from_millis(200);

pub(crate) struct IngestApi {
    pub(crate) ledger: Arc<str>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) log: Log,
    pub(crate) requests: mpsc::Sender<writer::Request>,
    pub(crate) datasets: Datasets,
    pub(crate) relay_status: watch::Receiver<RelayStatus>,
    pub(crate) relay_alarm: watch::Receiver<String>,
}

/// What both ways of recording have in common.
struct Wanted {
    request_id: Uuid,
    events: Vec<v1::Event>,
    single: bool,
    expected_revision: Option<u64>,
    validate_only: bool,
}

impl IngestApi {
    async fn record(&self, wanted: Wanted) -> Result<(v1::Receipt, u64), Status> {
        let (answer, answered) = oneshot::channel();
        let request_id = wanted.request_id;
        let request = writer::Request {
            request_id,
            events: wanted.events,
            single: wanted.single,
            expected_revision: wanted.expected_revision,
            validate_only: wanted.validate_only,
            answer,
        };
        self.requests
            .try_send(request)
            .map_err(|error| match error {
                TrySendError::Full(_) => with_reason(
                    Code::ResourceExhausted,
                    "QUEUE_FULL",
                    "too many requests wait for the disk; try again with the same request id",
                ),
                TrySendError::Closed(_) => stopped(),
            })?;
        let accepted = answered.await.map_err(|_| stopped())?.map_err(refused)?;
        let Accepted { receipt, revision } = accepted;
        count(match receipt {
            Receipt { first: 0, .. } => "validated",
            Receipt { repeated: true, .. } => "repeated",
            Receipt { .. } => "recorded",
        });
        let receipt = v1::Receipt {
            first_position: receipt.first,
            last_position: receipt.last,
            known: (receipt.first > 0)
                .then(|| wire::time::to_wire(of_micros(receipt.known_micros))),
            repeated: receipt.repeated,
            request_id: request_id.to_string(),
        };
        Ok((receipt, revision))
    }
}

fn count(outcome: &'static str) {
    metrics::counter!("tiendo_requests_total", "outcome" => outcome).increment(1);
}

fn stopping() -> Status {
    unavailable(
        "STOPPING",
        "ingest is stopping; go on from the next position",
        RETRY,
    )
}

fn stopped() -> Status {
    unavailable(
        "WRITER_STOPPED",
        "ingest is stopping; try again with the same request id",
        RETRY,
    )
}

fn refused(refused: Refused) -> Status {
    count("refused");
    match refused {
        Refused::Invalid(violations) => invalid(&violations),
        Refused::Revision {
            subject,
            expected,
            actual,
        } => with_reason(
            Code::FailedPrecondition,
            "REVISION_MISMATCH",
            format!("'{subject}' is at revision {actual}, not {expected}; read it again"),
        ),
        Refused::Log(error) => log_error(&error),
    }
}

fn log_error(error: &event_log::Error) -> Status {
    use event_log::Error as E;
    let code = match error {
        E::RequestIdReused { .. } => Code::AlreadyExists,
        E::RevisionMismatch { .. } => Code::FailedPrecondition,
        E::QueueFull { .. } | E::DiskFull => Code::ResourceExhausted,
        E::Empty | E::TooLarge { .. } => Code::InvalidArgument,
        E::Damaged { .. } => Code::DataLoss,
        _ => Code::Unavailable,
    };
    with_reason(code, error.reason(), error.to_string())
}

fn request_id(raw: &str, clock: &dyn Clock) -> Result<Uuid, Status> {
    if raw.is_empty() {
        let now = clock.now();
        let seconds = u64::try_from(now.as_second()).unwrap_or(0);
        let nanos = u32::try_from(now.subsec_nanosecond()).unwrap_or(0);
        return Ok(Uuid::new_v7(uuid::Timestamp::from_unix(
            uuid::NoContext,
            seconds,
            nanos,
        )));
    }
    match Uuid::parse_str(raw) {
        Ok(id) if !id.is_nil() => Ok(id),
        _ => Err(invalid(&[Violation::new(
            "request_id",
            Reason::RequestIdFormat,
            "is not a UUID; leave it empty to be given one",
        )])),
    }
}

#[tonic::async_trait]
impl v1::ingest_service_server::IngestService for IngestApi {
    async fn record(
        &self,
        request: Request<v1::RecordRequest>,
    ) -> Result<Response<v1::RecordResponse>, Status> {
        let request = request.into_inner();
        let Some(event) = request.event else {
            return Err(invalid(&[Violation::new(
                "event",
                Reason::Required,
                "must be set",
            )]));
        };
        let wanted = Wanted {
            request_id: request_id(&event.request_id, &*self.clock)?,
            events: vec![event],
            single: true,
            expected_revision: request.expected_revision,
            validate_only: request.validate_only,
        };
        let (receipt, revision) = self.record(wanted).await?;
        Ok(Response::new(v1::RecordResponse {
            receipt: Some(receipt),
            revision,
        }))
    }

    async fn record_batch(
        &self,
        request: Request<v1::RecordBatchRequest>,
    ) -> Result<Response<v1::RecordBatchResponse>, Status> {
        let request = request.into_inner();
        if request.events.is_empty() || request.events.len() > BATCH_EVENTS_MAX {
            let detail = format!(
                "{} events; a batch holds 1 to {BATCH_EVENTS_MAX}",
                request.events.len()
            );
            return Err(with_reason(Code::InvalidArgument, "BATCH_SIZE", detail));
        }
        let wanted = Wanted {
            request_id: request_id(&request.request_id, &*self.clock)?,
            events: request.events,
            single: false,
            expected_revision: None,
            validate_only: request.validate_only,
        };
        let (receipt, _) = self.record(wanted).await?;
        Ok(Response::new(v1::RecordBatchResponse {
            receipt: Some(receipt),
        }))
    }

    async fn get_ledger(
        &self,
        _: Request<v1::GetLedgerRequest>,
    ) -> Result<Response<v1::GetLedgerResponse>, Status> {
        let datasets = self
            .datasets
            .read()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        let datasets = datasets
            .iter()
            .map(|loaded| v1::DatasetLoaded {
                dataset: loaded.dataset.to_string(),
                version: loaded.version.clone(),
                events: loaded.events,
                credit: loaded.credit.clone(),
            })
            .collect();
        Ok(Response::new(v1::GetLedgerResponse {
            ledger: self.ledger.to_string(),
            head: self.log.head(),
            published: self.relay_status.borrow().published,
            datasets,
            alarm: self.relay_alarm.borrow().clone(),
        }))
    }
}

pub(crate) struct LogApi {
    pub(crate) log: Log,
    /// One verification at a time: it reads everything.
    pub(crate) verifying: Arc<Semaphore>,
    pub(crate) shutdown: CancellationToken,
}

/// A reader's way through the log.
struct Reader {
    log: Log,
    next: u64,
    /// Last position wanted, if there is an end.
    last: Option<u64>,
    shutdown: CancellationToken,
}

type Answers = mpsc::Sender<Result<v1::ReadEventsResponse, Status>>;

impl Reader {
    /// Sends what there is, then what comes, until the end, the shutdown, or the reader's leaving.
    async fn run(mut self, answers: Answers) {
        let mut head = self.log.watch_head();
        let durable = *head.borrow();
        if self.next > self.last.map_or(durable, |last| last.min(durable)) {
            // Nothing to send yet: the head tells the reader that it has caught up.
            let marker = v1::ReadEventsResponse {
                events: Vec::new(),
                head: durable,
            };
            if answers.send(Ok(marker)).await.is_err() {
                return;
            }
        }
        loop {
            let durable = *head.borrow_and_update();
            let until = self.last.map_or(durable, |last| last.min(durable));
            while self.next <= until {
                let sent = match self.read(until, durable).await {
                    Ok(response) => answers.send(Ok(response)).await,
                    Err(status) => return drop(answers.send(Err(status)).await),
                };
                if sent.is_err() {
                    return;
                }
                if self.shutdown.is_cancelled() && self.next <= until {
                    return drop(answers.send(Err(stopping())).await);
                }
            }
            if self.last.is_some_and(|last| self.next > last) {
                return;
            }
            tokio::select! {
                changed = head.changed() => if changed.is_err() { return },
                () = self.shutdown.cancelled() => return,
                () = answers.closed() => return,
            }
        }
    }

    async fn read(&mut self, until: u64, head: u64) -> Result<v1::ReadEventsResponse, Status> {
        let wanted = usize::try_from(until - self.next + 1).unwrap_or(READ_EVENTS_MAX);
        let limit = ReadLimit {
            events: wanted.min(READ_EVENTS_MAX),
            bytes: READ_BYTES_MAX,
        };
        let (log, from) = (self.log.clone(), self.next);
        let events = tokio::task::spawn_blocking(move || {
            let records = log.read(from, limit).map_err(|error| log_error(&error))?;
            records
                .iter()
                .map(|record| {
                    Ok(v1::RecordedEvent {
                        position: record.position,
                        known: Some(wire::time::to_wire(of_micros(record.known_micros))),
                        event: Some(logged(&record.payload, record.position)?),
                    })
                })
                .collect::<Result<Vec<_>, Status>>()
        })
        .await
        .map_err(|error| Status::internal(error.to_string()))??;
        self.next += events.len() as u64;
        Ok(v1::ReadEventsResponse { events, head })
    }
}

fn logged(payload: &[u8], position: u64) -> Result<v1::Event, Status> {
    wire::event::message(payload).map_err(|error| {
        let message = format!("position {position} is damaged: {error}");
        with_reason(Code::DataLoss, "DAMAGED", message)
    })
}

#[tonic::async_trait]
impl v1::log_service_server::LogService for LogApi {
    type ReadEventsStream =
        Pin<Box<dyn Stream<Item = Result<v1::ReadEventsResponse, Status>> + Send>>;

    async fn read_events(
        &self,
        request: Request<v1::ReadEventsRequest>,
    ) -> Result<Response<Self::ReadEventsStream>, Status> {
        let request = request.into_inner();
        let last = match (request.to_position, request.follow) {
            (0, true) => None,
            (0, false) => Some(self.log.head()),
            (position, _) => Some(position),
        };
        let reader = Reader {
            log: self.log.clone(),
            next: request.from_position.max(1),
            last: if request.follow {
                last
            } else {
                last.map(|last| last.min(self.log.head()))
            },
            shutdown: self.shutdown.clone(),
        };
        let (answers, stream) = mpsc::channel(READ_AHEAD);
        host::task::spawn("log-reader", reader.run(answers));
        Ok(Response::new(Box::pin(ReceiverStream::new(stream))))
    }

    async fn verify_log(
        &self,
        _: Request<v1::VerifyLogRequest>,
    ) -> Result<Response<v1::VerifyLogResponse>, Status> {
        let Ok(permit) = Arc::clone(&self.verifying).try_acquire_owned() else {
            let message = "the log is being verified for somebody else; try again later";
            return Err(with_reason(Code::ResourceExhausted, "VERIFY_BUSY", message));
        };
        let log = self.log.clone();
        let verify = move || {
            // Held until the reading ends, even if the caller has gone.
            let _permit = permit;
            log.verify(|_| {})
        };
        let verified = tokio::task::spawn_blocking(verify)
            .await
            .map_err(|error| Status::internal(error.to_string()))?
            .map_err(|error| log_error(&error))?;
        Ok(Response::new(v1::VerifyLogResponse {
            events: verified.events,
            chunks: verified.chunks,
            hash: verified.last_hash,
            damages: verified
                .damages
                .into_iter()
                .map(|damage| v1::Damage {
                    first_position: damage.first,
                    last_position: damage.last,
                    reason: damage.reason,
                })
                .collect(),
        }))
    }
}
