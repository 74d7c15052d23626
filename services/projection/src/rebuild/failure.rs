//! Why a second state cannot be folded on.

use tonic::{Code, Status};
use wire::status::with_reason;

use crate::snapshot::chain;

/// Why a second state cannot be folded on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Failure {
    #[error("{why}")]
    Log {
        /// What the reader of the log calls it.
        reason: &'static str,
        why: String,
    },
    #[error("{why}")]
    Stream {
        /// What the bus calls it.
        reason: &'static str,
        why: String,
    },
    #[error(
        "the stream begins at position {first}, and position {next} comes next: rebuild from the log, anew"
    )]
    StreamBeginsLater { first: u64, next: u64 },
    #[error(
        "the stream ends at position {last}, and the serving state is at {head}: wait until the relay has caught up, or rebuild from the log, anew"
    )]
    StreamBehind { last: u64, head: u64 },
    #[error("another event stands at position {0} than the one that was folded: begin anew")]
    OtherEvents(u64),
    #[error("{0}")]
    NotFolded(String),
    #[error("the job ended in a fault of ours; begin anew")]
    Broken,
}

impl Failure {
    /// A code for the operator's runbook.
    pub(crate) fn reason(&self) -> &'static str {
        match self {
            Self::Log { reason, .. } | Self::Stream { reason, .. } => reason,
            Self::StreamBeginsLater { .. } => "STREAM_BEGINS_LATER",
            Self::StreamBehind { .. } => "STREAM_BEHIND",
            Self::OtherEvents(_) => "REBUILD_OTHER_EVENTS",
            Self::NotFolded(_) | Self::Broken => "REBUILD_FAILED",
        }
    }

    /// As an answer.
    pub(crate) fn status(&self) -> Status {
        let code = match self {
            Self::Log { .. } | Self::Stream { .. } | Self::StreamBehind { .. } => Code::Unavailable,
            Self::StreamBeginsLater { .. } | Self::OtherEvents(_) => Code::FailedPrecondition,
            Self::NotFolded(_) | Self::Broken => Code::Internal,
        };
        with_reason(code, self.reason(), self.to_string())
    }
}

impl From<wire::log_reader::Error> for Failure {
    fn from(error: wire::log_reader::Error) -> Self {
        Self::Log {
            reason: error.reason(),
            why: chain(&error),
        }
    }
}

impl From<bus::ReplayError> for Failure {
    fn from(error: bus::ReplayError) -> Self {
        Self::Stream {
            reason: error.reason(),
            why: chain(&error),
        }
    }
}
