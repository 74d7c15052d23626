//! What keeps a relay from publishing and may pass by itself, by name.

use async_nats::jetstream::context::{CreateStreamError, CreateStreamErrorKind};
use async_nats::jetstream::{self, ErrorCode};

use crate::{client, stream};

/// Why a generation of the relay ended; the next one tries again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Trouble {
    /// No server answers at the address.
    Unreachable,
    /// There is no secure way to the server.
    TlsFailed,
    /// The connection was lost.
    Connection,
    /// The credentials do not let the relay in.
    NotAdmitted,
    /// The server refuses what the credentials were used for.
    NotPermitted,
    /// The server did not acknowledge an event in time, or not in its turn.
    AckLate,
    /// The stream gave or awaits another sequence: somebody else publishes there, or its end was lost.
    Sequence,
    /// The stream was deleted, does not end where it was left, or has another number of copies.
    StreamMoved,
    /// The server has no more room for messages.
    StoreFull,
    /// The stream cannot be looked up.
    StreamUnavailable,
    /// The stream is missing and cannot be created.
    StreamNotCreated,
    /// The stream differs and cannot be brought into line.
    StreamNotUpdated,
    /// The log does not give the next event.
    LogUnreadable,
    /// The stream refuses an event for another reason.
    Refused,
}

impl Trouble {
    /// A code for the operator's runbook.
    #[must_use]
    pub fn reason(self) -> &'static str {
        match self {
            Self::Unreachable => "BUS_UNREACHABLE",
            Self::TlsFailed => "BUS_TLS_FAILED",
            Self::Connection => "BUS_CONNECTION_LOST",
            Self::NotAdmitted => "BUS_NOT_ADMITTED",
            Self::NotPermitted => "BUS_NOT_PERMITTED",
            Self::AckLate => "BUS_ACK_LATE",
            Self::Sequence => "STREAM_SEQUENCE",
            Self::StreamMoved => "STREAM_MOVED",
            Self::StoreFull => "STREAM_STORE_FULL",
            Self::StreamUnavailable => "STREAM_UNAVAILABLE",
            Self::StreamNotCreated => "STREAM_NOT_CREATED",
            Self::StreamNotUpdated => "STREAM_NOT_UPDATED",
            Self::LogUnreadable => "LOG_UNREADABLE",
            Self::Refused => "STREAM_REFUSED",
        }
    }

    /// Whether it may be a permission violation, which looks like a time-out.
    pub(super) fn looks_like_a_time_out(self) -> bool {
        matches!(
            self,
            Self::AckLate
                | Self::StreamUnavailable
                | Self::StreamNotCreated
                | Self::StreamNotUpdated
        )
    }

    /// What the server's refusal of an event comes to.
    pub(super) fn of_refusal(error: &jetstream::Error) -> Self {
        match error.error_code() {
            ErrorCode::STREAM_WRONG_LAST_SEQUENCE
            | ErrorCode::STREAM_WRONG_LAST_SEQUENCE_CONSTANT
            | ErrorCode::ATOMIC_PUBLISH_CONTAINS_DUPLICATE_MESSAGE => Self::Sequence,
            // A generation before this one sent it, and the cluster has not agreed on it yet; another server leads than the
            // one that had the beginning of the batch; or batches that were not ended wait for their ten seconds to pass.
            ErrorCode::STREAM_DUPLICATE_MESSAGE_CONFLICT
            | ErrorCode::ATOMIC_PUBLISH_INCOMPLETE_BATCH
            | ErrorCode::ATOMIC_PUBLISH_TOO_MANY_INFLIGHT => Self::AckLate,
            _ if is_full(error) => Self::StoreFull,
            _ => Self::Refused,
        }
    }

    /// What keeps the connection from being made, if that can pass.
    pub(super) fn of_client(error: &client::Error) -> Option<Self> {
        match error {
            client::Error::Connect { .. } => Some(Self::Unreachable),
            client::Error::Credentials { .. } | client::Error::NotAdmitted { .. } => {
                Some(Self::NotAdmitted)
            }
            client::Error::Tls { .. } => Some(Self::TlsFailed),
            client::Error::Url { .. }
            | client::Error::Inbox { .. }
            | client::Error::ServerTooOld { .. } => None,
        }
    }

    /// What keeps the stream from being there, if that can pass.
    pub(super) fn of_stream(error: &stream::Error) -> Option<Self> {
        let or_full = |source: &CreateStreamError, otherwise| match source.kind() {
            CreateStreamErrorKind::JetStream(error) if is_full(&error) => Self::StoreFull,
            _ => otherwise,
        };
        match error {
            stream::Error::Get { .. } => Some(Self::StreamUnavailable),
            stream::Error::Create { source, .. } => Some(or_full(source, Self::StreamNotCreated)),
            stream::Error::Update { source, .. } => Some(or_full(source, Self::StreamNotUpdated)),
            _ => None,
        }
    }
}

/// Whether the server, the account or the disk has no more room.
fn is_full(error: &jetstream::Error) -> bool {
    match error.error_code() {
        ErrorCode::INSUFFICIENT_RESOURCES
        | ErrorCode::STORAGE_RESOURCES_EXCEEDED
        | ErrorCode::ACCOUNT_RESOURCES_EXCEEDED => true,
        // The server says in words only why its store failed.
        ErrorCode::STREAM_STORE_FAILED => {
            let text = error.to_string();
            ["no space left", "resource limits exceeded", "maximum bytes"]
                .iter()
                .any(|words| text.contains(words))
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(code: u64, text: &str) -> Trouble {
        let answer = format!(r#"{{"code":503,"err_code":{code},"description":"{text}"}}"#);
        Trouble::of_refusal(&serde_json::from_str(&answer).unwrap())
    }

    #[test]
    fn a_refusal_is_named_by_its_code() {
        for (code, text, trouble) in [
            (
                10_002,
                "resource limits exceeded for account",
                Trouble::StoreFull,
            ),
            (10_023, "insufficient resources", Trouble::StoreFull),
            (
                10_047,
                "insufficient storage resources available",
                Trouble::StoreFull,
            ),
            (10_077, "no space left on device", Trouble::StoreFull),
            (10_077, "store is closed", Trouble::Refused),
            (10_071, "wrong last sequence: 4", Trouble::Sequence),
            (
                10_158,
                "duplicate message id is in process",
                Trouble::AckLate,
            ),
            (
                10_176,
                "atomic publish batch is incomplete",
                Trouble::AckLate,
            ),
            (10_210, "too many inflight", Trouble::AckLate),
            (
                10_201,
                "atomic publish batch contains duplicate message id",
                Trouble::Sequence,
            ),
            (10_174, "atomic publish is disabled", Trouble::Refused),
            (10_060, "expected stream does not match", Trouble::Refused),
        ] {
            assert_eq!(refusal(code, text), trouble, "{code} {text}");
        }
    }
}
