//! Requests over NATS: what `IngestService` takes over gRPC, by the same way in and with the same refusals.
//!
//! A request is the message of the call in the JSON form of Protocol Buffers; a field that it does not have is refused.
//! The answer is the call's answer in the same form, or a [`v1::Refusal`] with two headers.

use std::sync::Arc;

use bus::answer::{Answer, AnswerOptions, Answered, Asked, Refusal};
use bytes::Bytes;
use host::CancellationToken;
use prost::Message;
use tonic::Code;
use wire::{message, v1};

use crate::grpc::{IngestApi, RETRY, refusal};
use crate::service::Config;
use crate::writer::Refused;

/// Requests answered at once, of all askers together.
const AT_ONCE: usize = 256;

/// Answers until `shutdown`.
pub(crate) async fn serve(config: Config, api: Arc<IngestApi>, shutdown: CancellationToken) {
    let options = AnswerOptions {
        name: format!("tiendo requests {}", config.ledger),
        subject: bus::subject::requests(&config.ledger),
        url: config.nats_url,
        at_once: AT_ONCE,
    };
    if let Err(error) = bus::answer::answer(options, Arc::new(OverNats(api)), shutdown).await {
        // Whoever asks over gRPC is answered still; the relay raises the alarm for the same reason.
        let reason = error.reason();
        tracing::error!(reason, %error, "no requests are taken over NATS: {error}");
    }
}

struct OverNats(Arc<IngestApi>);

impl Answer for OverNats {
    async fn answer(&self, asked: Asked) -> Answered {
        let (api, payload) = (&*self.0, &asked.payload[..]);
        let answered = match asked.subject.rsplit('.').next() {
            Some("record") => match read("RecordRequest", payload) {
                Ok(request) => written("RecordResponse", api.record_one(request).await),
                Err(refused) => Err(refused),
            },
            Some("record-batch") => match read("RecordBatchRequest", payload) {
                Ok(request) => written("RecordBatchResponse", api.record_all(request).await),
                Err(refused) => Err(refused),
            },
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

fn read<M: Message + Default>(name: &str, payload: &[u8]) -> Result<M, v1::Refusal> {
    message::of_bytes(name, payload).map_err(|error| {
        let message = format!("this is no {name} in the JSON form of Protocol Buffers: {error}");
        said(Code::InvalidArgument, "REQUEST_FORMAT", message)
    })
}

fn written<M: Message>(name: &str, answer: Result<M, Refused>) -> Result<Answered, v1::Refusal> {
    let answer = message::to_json(name, &answer.map_err(refusal)?);
    let answer = answer.map_err(|error| said(Code::Internal, "INTERNAL", error.to_string()))?;
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
