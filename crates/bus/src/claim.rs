//! One message at the end of a stream, from somebody who is not its relay yet.
//!
//! Whoever takes a ledger over says so at the position after the last one that it has. The expected sequence makes that
//! the moment at which the writer changes: if the message is stored, that writer's event for this position is not, nor
//! any that it has on its way behind it (`relay`); if that writer was quicker, nothing is stored and there is more to read
//! first.

use std::time::Duration;

use async_nats::jetstream::ErrorCode;
use async_nats::jetstream::publish::PublishAck;
use async_nats::jetstream::response::Response;
use async_nats::{HeaderMap, header};

use crate::client::{self, ConnectSettings, chain};
use crate::relay::Message;
use crate::replay::ReplayError;
use crate::{Access, subject};

/// Longest wait for a connection or an answer.
const PATIENCE: Duration = Duration::from_secs(2);

/// What became of a claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Claim {
    /// It stands at its position.
    Stands,
    /// The stream does not end before that position; it may be this very message that stands there.
    Moved,
}

/// Publishes `message` as the next one of the ledger's stream.
///
/// # Errors
/// [`ReplayError`] if nobody can say what became of it.
pub async fn claim(access: &Access, ledger: &str, message: Message) -> Result<Claim, ReplayError> {
    let connection = client::connect(&ConnectSettings {
        access: access.clone(),
        name: format!("tiendo take-over {ledger}"),
        timeout: PATIENCE,
    })
    .await?;
    let stream = subject::stream_name(ledger);
    let position = message.position;
    let mut headers = HeaderMap::new();
    let expected = (position - 1).to_string();
    headers.insert(header::NATS_EXPECTED_LAST_SEQUENCE, expected);
    headers.insert(header::NATS_EXPECTED_STREAM, stream.as_str());
    headers.insert(
        header::NATS_MESSAGE_ID,
        subject::message_id(ledger, position),
    );
    let unclear = |why: String| ReplayError::Stream {
        stream: stream.clone(),
        why,
    };
    let asked = connection
        .client
        .request_with_headers(message.subject, headers, message.payload);
    let answer = asked.await.map_err(|error| unclear(chain(&error)))?;
    match serde_json::from_slice::<Response<PublishAck>>(&answer.payload) {
        Ok(Response::Ok(ack)) if ack.duplicate => Ok(Claim::Moved),
        Ok(Response::Ok(ack)) if ack.sequence == position => Ok(Claim::Stands),
        Ok(Response::Ok(ack)) => Err(unclear(format!(
            "message {position} was given sequence {}",
            ack.sequence
        ))),
        Ok(Response::Err { error }) => match error.error_code() {
            ErrorCode::STREAM_WRONG_LAST_SEQUENCE
            | ErrorCode::STREAM_WRONG_LAST_SEQUENCE_CONSTANT => Ok(Claim::Moved),
            _ => Err(unclear(error.to_string())),
        },
        Err(error) => Err(unclear(format!("the answer is unreadable: {error}"))),
    }
}
