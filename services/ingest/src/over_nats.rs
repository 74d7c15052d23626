//! Requests over NATS: what `IngestService` takes over gRPC, by the same way in and with the same refusals.
//!
//! A request is the message of the call in the JSON form of Protocol Buffers; a field that it does not have is refused.
//! The answer is the call's answer in the same form, or a [`v1::Refusal`] with two headers.

use std::sync::Arc;

use bus::answer::{Answer, AnswerOptions, Answered, Asked, Refusal};
use bytes::Bytes;
use domain::TraceParent;
use host::CancellationToken;
use prost::Message;
use tokio::time::Instant;
use tonic::Code;
use wire::deadline::WAIT_MAX;
use wire::{message, v1};

use crate::grpc::{IngestApi, RETRY, refusal};
use crate::service::Config;
use crate::trace::TRACEPARENT;
use crate::writer::Refused;

/// Requests answered at once, of all askers together.
const AT_ONCE: usize = 256;
/// A larger request is read on a thread of its own.
const AT_ONCE_BYTES_MAX: usize = 16 * 1024;

/// Answers until `shutdown`.
pub(crate) async fn serve(config: Config, api: Arc<IngestApi>, shutdown: CancellationToken) {
    let options = AnswerOptions {
        name: format!("tiendo requests {}", config.ledger),
        subject: bus::subject::requests(&config.ledger),
        access: config.nats,
        at_once: AT_ONCE,
        grace: config.grace,
    };
    if let Err(error) = bus::answer::answer(options, Arc::new(OverNats(api)), shutdown).await {
        // Whoever asks over gRPC is answered still; the relay raises the alarm for the same reason.
        let reason = error.reason();
        tracing::error!(reason, %error, "no requests are taken over NATS: {error}");
    }
}

struct OverNats(Arc<IngestApi>);

impl OverNats {
    async fn record(
        &self,
        payload: Bytes,
        traceparent: Option<TraceParent>,
    ) -> Result<Answered, v1::Refusal> {
        let request: v1::RecordRequest = read("RecordRequest", payload).await?;
        nameless(request.person.is_empty())?;
        written(
            "RecordResponse",
            self.0
                .record_one(request, traceparent, Instant::now() + WAIT_MAX)
                .await,
        )
    }

    async fn record_batch(
        &self,
        payload: Bytes,
        traceparent: Option<TraceParent>,
    ) -> Result<Answered, v1::Refusal> {
        let request: v1::RecordBatchRequest = read("RecordBatchRequest", payload).await?;
        nameless(request.persons.is_empty())?;
        written(
            "RecordBatchResponse",
            self.0
                .record_all(request, traceparent, Instant::now() + WAIT_MAX)
                .await,
        )
    }
}

impl Answer for OverNats {
    async fn answer(&self, asked: Asked) -> Answered {
        let traceparent = asked.header(TRACEPARENT).and_then(TraceParent::parse);
        let payload = asked.payload;
        let answered = match asked.subject.rsplit('.').next() {
            Some("record") => self.record(payload, traceparent).await,
            Some("record-batch") => self.record_batch(payload, traceparent).await,
            _ => Err(said(
                Code::Unimplemented,
                "UNKNOWN_REQUEST",
                format!(
                    "nobody answers on {}; `record` and `record-batch` are answered",
                    asked.subject
                ),
            )),
        };
        answered.unwrap_or_else(refused)
    }

    fn refuse(&self, refusal: Refusal) -> Answered {
        refused(match refusal {
            Refusal::Busy { at_once } => {
                let retry = RETRY.as_millis();
                let busy = said(
                    Code::ResourceExhausted,
                    "REQUESTS_BUSY",
                    format!(
                        "{at_once} requests are being answered, as many as may; try again with the same request id"
                    ),
                );
                v1::Refusal {
                    retry_after_ms: u32::try_from(retry).unwrap_or(u32::MAX),
                    ..busy
                }
            }
            Refusal::Stopping => crate::grpc::refusal(Refused::Stopped),
            Refusal::TooLarge { bytes, bytes_max } => said(
                Code::ResourceExhausted,
                "ANSWER_TOO_LARGE",
                format!(
                    "the answer has {bytes} bytes, more than {bytes_max}; unless it was only to be validated, what it tells of is recorded: send smaller batches, or ask over gRPC"
                ),
            ),
        })
    }
}

fn said(code: Code, reason: &str, message: String) -> v1::Refusal {
    v1::Refusal {
        code: code as i32,
        reason: reason.to_owned(),
        message,
        ..v1::Refusal::default()
    }
}

/// Reads a request; a large one where it keeps no other from being answered.
async fn read<M>(name: &'static str, payload: Bytes) -> Result<M, v1::Refusal>
where
    M: Message + Default + 'static,
{
    let read = if payload.len() <= AT_ONCE_BYTES_MAX {
        message::of_bytes(name, &payload)
    } else {
        let reading = tokio::task::spawn_blocking(move || message::of_bytes(name, &payload));
        let failed = |error: tokio::task::JoinError| internal(&error);
        reading.await.map_err(failed)?
    };
    read.map_err(|error| {
        let message = format!("this is no {name} in the JSON form of Protocol Buffers: {error}");
        said(Code::InvalidArgument, "REQUEST_FORMAT", message)
    })
}

/// Refuses names of persons: whoever follows the subjects of a ledger would read them, and no erasure reaches there.
fn nameless(is_nameless: bool) -> Result<(), v1::Refusal> {
    if is_nameless {
        return Ok(());
    }
    let message = "names of persons are taken over gRPC alone, since others listen on the bus";
    let reason = "PERSON_OVER_NATS";
    Err(said(Code::InvalidArgument, reason, message.to_owned()))
}

fn internal(error: &impl std::error::Error) -> v1::Refusal {
    said(Code::Internal, "INTERNAL", error.to_string())
}

fn written<M: Message>(name: &str, answer: Result<M, Refused>) -> Result<Answered, v1::Refusal> {
    let answer = message::to_json(name, &answer.map_err(refusal)?);
    let answer = answer.map_err(|error| internal(&error))?;
    Ok(Answered {
        payload: Bytes::from(answer.to_string()),
        refused: None,
    })
}

fn refused(refusal: v1::Refusal) -> Answered {
    let told = message::to_json("Refusal", &refusal);
    let payload = told.map_or_else(|error| error.to_string(), |told| told.to_string());
    Answered {
        payload: Bytes::from(payload),
        refused: Some((refusal.code, refusal.reason)),
    }
}
