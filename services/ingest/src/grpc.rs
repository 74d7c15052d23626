//! `IngestService`.

use std::sync::Arc;
use std::time::Duration;

use domain::{Reason, TraceParent, Violation};
use event_log::{Log, Receipt};
use host::{CancellationToken, Clock};
use tokio::sync::watch;
use tokio::time::Instant;
use tonic::{Code, Request, Response, Status, Streaming};
use uuid::Uuid;
use wire::status::{invalid, try_again, unavailable, with_reason, within_stream};
use wire::time::of_micros;
use wire::v1;

use crate::import::{self, Importer};
use crate::intake::{Answered, BATCH_EVENTS_MAX, Intake, Wanted};
use crate::lag::{Lag, Meter};
use crate::standby::TakeOver;
use crate::standing::{Fence, Level, Role, until};
use crate::stream;
use crate::trace;
use crate::writer::{Accepted, Datasets, Refused};

/// After which time a refused writer may try again.
pub(crate) const RETRY: Duration = Duration::from_millis(200);

pub(crate) struct IngestApi {
    pub(crate) ledger: Arc<str>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) log: Log,
    pub(crate) intake: Arc<Intake>,
    pub(crate) importer: Importer,
    pub(crate) shutdown: CancellationToken,
    pub(crate) datasets: Datasets,
    pub(crate) relay_alarm: watch::Receiver<String>,
    pub(crate) meter: Meter,
    pub(crate) take_over: TakeOver,
}

impl IngestApi {
    /// Records one event; its bus may take until then.
    pub(crate) async fn record_one(
        &self,
        request: v1::RecordRequest,
        traceparent: Option<TraceParent>,
        until: Instant,
    ) -> Result<v1::RecordResponse, Refused> {
        let Some(mut event) = request.event else {
            let missing = Violation::new("event", Reason::Required, "must be set");
            return Err(Refused::Invalid(vec![missing]));
        };
        let level = Level::read(request.acknowledgement)?;
        let request_id = self.intake.request_id(&event.request_id)?;
        trace::note(std::slice::from_mut(&mut event), traceparent);
        let wanted = Wanted {
            request_id,
            events: vec![event],
            persons: one(request.person),
            single: true,
            expected_revision: request.expected_revision,
            validate_only: request.validate_only,
            skip_known: false,
            tell_changed: false,
        };
        let accepted = answer_of(self.intake.submit(wanted).await?).await?;
        self.intake.standing.holds(level, &accepted, until).await?;
        let findings = accepted.told.findings.into_iter().next();
        Ok(v1::RecordResponse {
            receipt: Some(receipt(accepted.receipt, request_id)),
            revision: accepted.revision,
            findings: findings.map(|found| found.findings).unwrap_or_default(),
        })
    }

    /// Records all events or none; their bus may take until then.
    pub(crate) async fn record_all(
        &self,
        request: v1::RecordBatchRequest,
        traceparent: Option<TraceParent>,
        until: Instant,
    ) -> Result<v1::RecordBatchResponse, Refused> {
        let level = Level::read(request.acknowledgement)?;
        let mut wanted = self.intake.batch(&request.request_id, request.events)?;
        trace::note(&mut wanted.events, traceparent);
        let wanted = Wanted {
            persons: request.persons,
            validate_only: request.validate_only,
            skip_known: request.skip_known,
            tell_changed: request.tell_changed,
            ..wanted
        };
        let request_id = wanted.request_id;
        let accepted = answer_of(self.intake.submit(wanted).await?).await?;
        self.intake.standing.holds(level, &accepted, until).await?;
        Ok(batch_response(accepted, request_id))
    }
}

/// Waits for the writer's answer.
pub(crate) async fn answer_of(answered: Answered) -> Result<Accepted, Refused> {
    let accepted = answered.await.unwrap_or(Err(Refused::Stopped))?;
    count(match accepted.receipt {
        Receipt { repeated: true, .. } => "repeated",
        Receipt { first: 0, .. } => "validated",
        Receipt { .. } => "recorded",
    });
    Ok(accepted)
}

pub(crate) fn receipt(receipt: Receipt, request_id: Uuid) -> v1::Receipt {
    v1::Receipt {
        first_position: receipt.first,
        last_position: receipt.last,
        known: (receipt.first > 0).then(|| wire::time::to_wire(of_micros(receipt.known_micros))),
        repeated: receipt.repeated,
        request_id: request_id.to_string(),
    }
}

/// What a batch is answered with, alone or in a stream.
pub(crate) fn batch_response(accepted: Accepted, request_id: Uuid) -> v1::RecordBatchResponse {
    v1::RecordBatchResponse {
        receipt: Some(receipt(accepted.receipt, request_id)),
        known: accepted.told.known,
        changed: accepted.told.changed,
        findings: accepted.told.findings,
    }
}

fn count(outcome: &'static str) {
    metrics::counter!("tiendo_requests_total", "outcome" => outcome).increment(1);
}

pub(crate) fn stopping() -> Status {
    let message = "ingest is stopping; send again what was not answered, with the same request ids";
    unavailable("STOPPING", message, RETRY)
}

fn stopped() -> Status {
    unavailable(
        "WRITER_STOPPED",
        "ingest is stopping; try again with the same request id",
        RETRY,
    )
}

pub(crate) fn status(refused: Refused) -> Status {
    count("refused");
    match refused {
        Refused::Stopped => stopped(),
        Refused::Full { limit, unit } => full(limit, unit),
        Refused::BatchSize(events) => with_reason(
            Code::InvalidArgument,
            "BATCH_SIZE",
            format!("{events} events; a batch holds 1 to {BATCH_EVENTS_MAX}"),
        ),
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
        Refused::Standby => with_reason(
            Code::FailedPrecondition,
            "STANDBY",
            "this is a standby, which follows the ledger and takes no requests; send it to the writer, or make this one the writer (`tiendo ledger take-over`)",
        ),
        Refused::Fenced(fence) => with_reason(
            Code::FailedPrecondition,
            "WRITER_FENCED",
            format!(
                "{} has taken the ledger over at position {}; send it there, with the same request id",
                fence.writer, fence.position
            ),
        ),
        Refused::NotReplicated { first, last, why } => unavailable(
            "NOT_REPLICATED",
            format!(
                "positions {first} to {last} are recorded on this disk, and the bus has not acknowledged them{why}; send it again with the same request id: it is not recorded twice, and waits again"
            ),
            RETRY,
        ),
    }
}

fn full(limit: usize, unit: &str) -> Status {
    let message = format!(
        "the queue is full: {limit} {unit} wait for the disk, as many as may; try again with the same request id"
    );
    try_again(Code::ResourceExhausted, "QUEUE_FULL", message, RETRY)
}

/// A refusal as an answer within a stream, where a status would end it.
pub(crate) fn refusal(refused: Refused) -> v1::Refusal {
    if let Refused::Invalid(violations) = refused {
        let status = invalid(&violations);
        count("refused");
        return within_stream(&status, &violations);
    }
    within_stream(&status(refused), &[])
}

/// The person whom a single event appoints; none if no name is given.
fn one(name: String) -> Vec<v1::AppointedPerson> {
    if name.is_empty() {
        return Vec::new();
    }
    let event_index = 0;
    vec![v1::AppointedPerson { event_index, name }]
}

pub(crate) fn log_error(error: &event_log::Error) -> Status {
    use event_log::Error as E;
    let code = match error {
        E::RequestIdReused { .. } => Code::AlreadyExists,
        E::RevisionMismatch { .. } | E::RequestIdExpired { .. } => Code::FailedPrecondition,
        E::QueueFull { .. } | E::DiskFull => Code::ResourceExhausted,
        E::Empty | E::TooLarge { .. } => Code::InvalidArgument,
        E::Damaged { .. } => Code::DataLoss,
        E::BeyondHead { .. } => Code::OutOfRange,
        _ => Code::Unavailable,
    };
    let message = match error {
        E::RequestIdExpired { request_id, .. } => format!(
            "request id {request_id} is older than the window in which repeats are recognised; check whether it was recorded, then use a new id"
        ),
        other => other.to_string(),
    };
    with_reason(code, error.reason(), message)
}

#[tonic::async_trait]
impl v1::ingest_service_server::IngestService for IngestApi {
    async fn record(
        &self,
        request: Request<v1::RecordRequest>,
    ) -> Result<Response<v1::RecordResponse>, Status> {
        let (until, traceparent) = (
            until(request.metadata()),
            trace::of_call(request.metadata()),
        );
        let recorded = self.record_one(request.into_inner(), traceparent, until);
        let recorded = recorded.await;
        recorded.map(Response::new).map_err(status)
    }

    async fn record_batch(
        &self,
        request: Request<v1::RecordBatchRequest>,
    ) -> Result<Response<v1::RecordBatchResponse>, Status> {
        let (until, traceparent) = (
            until(request.metadata()),
            trace::of_call(request.metadata()),
        );
        let recorded = self.record_all(request.into_inner(), traceparent, until);
        let recorded = recorded.await;
        recorded.map(Response::new).map_err(status)
    }

    type RecordStreamStream = stream::Answers;

    async fn record_stream(
        &self,
        batches: Request<Streaming<v1::RecordStreamRequest>>,
    ) -> Result<Response<Self::RecordStreamStream>, Status> {
        let answers = stream::answer(
            Arc::clone(&self.intake),
            batches.into_inner(),
            self.shutdown.clone(),
        );
        Ok(Response::new(answers))
    }

    type ImportFileStream = import::Answers;

    async fn import_file(
        &self,
        parts: Request<Streaming<v1::ImportFileRequest>>,
    ) -> Result<Response<Self::ImportFileStream>, Status> {
        let traceparent = trace::of_call(parts.metadata());
        let answers = self.importer.answer(parts.into_inner(), traceparent)?;
        Ok(Response::new(answers))
    }

    async fn get_ledger(
        &self,
        _: Request<v1::GetLedgerRequest>,
    ) -> Result<Response<v1::GetLedgerResponse>, Status> {
        let role = self.intake.standing.role();
        let lag = match role {
            Role::Standby => Lag::of_standby(self.log.head()),
            Role::Writer | Role::Fenced(_) => self.meter.clone().lag().await,
        };
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
            head: lag.head,
            published: lag.published,
            datasets,
            alarm: self.relay_alarm.borrow().clone(),
            trouble: self.intake.standing.trouble(),
            behind_positions: lag.positions(),
            behind_seconds: lag.seconds,
            role: role.wire() as i32,
            writer_head: self.intake.standing.writer_head(),
            fence: role.fence().map(Fence::wire),
        }))
    }

    async fn take_over_ledger(
        &self,
        request: Request<v1::TakeOverLedgerRequest>,
    ) -> Result<Response<v1::TakeOverLedgerResponse>, Status> {
        self.take_over
            .ask(request.into_inner())
            .await
            .map(Response::new)
    }
}
