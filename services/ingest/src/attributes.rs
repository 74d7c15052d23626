//! `LogService`'s calls about the names beside the log.

use std::sync::Arc;

use domain::event::{OwnerAssigned, Scope};
use domain::text::date;
use domain::{Body, Event, LocalityId, PersonCommitment, TraceParent};
use event_log::{Log, ReadLimit};
use host::Clock;
use tonic::{Code, Response, Status};
use uuid::Uuid;
use wire::status::with_reason;
use wire::v1;

use crate::grpc::{answer_of, log_error, receipt, status};
use crate::intake::{Intake, Wanted};
use crate::trace;

/// The name at a position, with what shows that it is the one the event was recorded with.
///
/// # Errors
/// `NOT_FOUND`, UNKNOWN_APPOINTMENT if the event names nobody; `DATA_LOSS` if what is kept is not what was recorded.
pub(crate) fn get(log: &Log, position: u64) -> Result<v1::GetAttributeResponse, Status> {
    let appointment = appointment(log, position)?;
    let Some(commitment) = appointment.person_commitment else {
        return Err(unknown(position));
    };
    let kept = log.attribute(position).map_err(|error| log_error(&error))?;
    tracing::info!(
        position,
        "the name given at position {position} was asked for"
    );
    let mut answer = v1::GetAttributeResponse {
        position,
        name: String::new(),
        salt: Vec::new(),
        commitment: commitment.as_bytes().to_vec(),
        erased: kept.is_none(),
    };
    if let Some(kept) = kept {
        let name = std::str::from_utf8(&kept.bytes).unwrap_or_default();
        if PersonCommitment::new(&kept.salt, name) != commitment {
            let message = format!("what is kept for position {position} is not what was recorded");
            return Err(with_reason(Code::DataLoss, "DAMAGED", message));
        }
        answer.name = name.to_owned();
        answer.salt = kept.salt.to_vec();
    }
    Ok(answer)
}

/// Records that a name is erased; the writer erases it before it answers.
///
/// # Errors
/// `NOT_FOUND`, UNKNOWN_APPOINTMENT if the position appoints nobody; else as a request to record is refused.
pub(crate) async fn erase(
    log: &Log,
    clock: &Arc<dyn Clock>,
    intake: &Intake,
    request: v1::EraseAttributeRequest,
    traceparent: Option<TraceParent>,
) -> Result<Response<v1::EraseAttributeResponse>, Status> {
    let request_id = intake.request_id(&request.request_id).map_err(status)?;
    let validate_only = request.validate_only;
    let (log, clock) = (log.clone(), Arc::clone(clock));
    let event = move || erasure(&log, &*clock, request_id, request);
    let event = tokio::task::spawn_blocking(event).await;
    let mut events = [event.map_err(|error| Status::internal(error.to_string()))??];
    trace::note(&mut events, traceparent);
    let wanted = Wanted {
        request_id,
        events: events.into(),
        persons: Vec::new(),
        single: true,
        expected_revision: None,
        validate_only,
        skip_known: false,
        tell_changed: false,
    };
    let answered = intake.submit(wanted).await.map_err(status)?;
    let accepted = answer_of(answered).await.map_err(status)?;
    Ok(Response::new(v1::EraseAttributeResponse {
        receipt: Some(receipt(accepted.receipt, request_id)),
    }))
}

/// The event that says a name is erased, as a request to record it.
///
/// # Errors
/// `NOT_FOUND`, UNKNOWN_APPOINTMENT if the position appoints nobody, or what the log says.
fn erasure(
    log: &Log,
    clock: &dyn Clock,
    request_id: Uuid,
    request: v1::EraseAttributeRequest,
) -> Result<v1::Event, Status> {
    use v1::person_erased::Scope as Wire;
    let OwnerAssigned {
        locality, scope, ..
    } = appointment(log, request.position)?;
    let earlier = log.receipt(request_id.as_bytes());
    let earlier = earlier.map_err(|error| log_error(&error))?;
    let effective = match earlier {
        // Repeated after midnight it is still the same request.
        Some(receipt) => event(log, receipt.first)?.map(|event| event.effective.to_string()),
        None => None,
    };
    let today = || date::date_in_vietnam(clock.now()).to_string();
    let LocalityId { code, since } = locality;
    let body = v1::PersonErased {
        appointment: request.position,
        locality: Some(v1::LocalityRef {
            code: code.to_string(),
            since: since.to_string(),
        }),
        scope: Some(match scope {
            Scope::Model(code) => Wire::Model(code.to_string()),
            Scope::Plan(code) => Wire::Plan(code.to_string()),
        }),
        reason: request.reason,
    };
    Ok(v1::Event {
        request_id: request_id.to_string(),
        actor: request.actor,
        effective: effective.unwrap_or_else(today),
        body: Some(v1::event::Body::PersonErased(body)),
        ..v1::Event::default()
    })
}

fn appointment(log: &Log, position: u64) -> Result<OwnerAssigned, Status> {
    match event(log, position)?.map(|event| event.body) {
        Some(Body::OwnerAssigned(assigned)) => Ok(assigned),
        _ => Err(unknown(position)),
    }
}

fn unknown(position: u64) -> Status {
    let message = format!("position {position} holds no appointment that names a person");
    with_reason(Code::NotFound, "UNKNOWN_APPOINTMENT", message)
}

/// The event at a position; none for 0 and beyond the head.
fn event(log: &Log, position: u64) -> Result<Option<Event>, Status> {
    if position == 0 {
        return Ok(None);
    }
    let limit = ReadLimit {
        events: 1,
        bytes: usize::MAX,
    };
    let records = log
        .read(position, limit)
        .map_err(|error| log_error(&error))?;
    let decoded = records.first().map(crate::origin::decode).transpose();
    decoded.map_err(|error| log_error(&error))
}
