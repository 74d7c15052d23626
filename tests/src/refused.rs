//! What a client reads out of a refusal.

use anyhow::{Result, anyhow};
use tonic::{Code, Status};
use wire::status::refusal;

/// A refusal: its code, its reason, and every field with the reason it was refused for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// The canonical code.
    pub code: Code,
    /// `ErrorInfo.reason`; empty if there was none.
    pub reason: String,
    /// Fields and reasons, sorted.
    pub fields: Vec<(String, String)>,
    /// What was said of them, in the order in which it came.
    pub details: Vec<String>,
}

impl Refused {
    /// Reads a status.
    #[must_use]
    pub fn of(status: &Status) -> Self {
        let read = refusal(status);
        let mut fields: Vec<_> = read
            .violations
            .iter()
            .map(|v| (v.field.clone(), v.reason.clone()))
            .collect();
        fields.sort();
        let details = read.violations.into_iter().map(|v| v.detail).collect();
        Self {
            code: status.code(),
            reason: read.reason,
            fields,
            details,
        }
    }

    /// The refusal of an answer that must be one.
    ///
    /// # Errors
    /// It was accepted.
    pub fn expect<T: std::fmt::Debug>(answer: Result<tonic::Response<T>, Status>) -> Result<Self> {
        match answer {
            Ok(accepted) => Err(anyhow!("it was accepted: {:?}", accepted.into_inner())),
            Err(status) => Ok(Self::of(&status)),
        }
    }
}
