//! Refusals as gRPC statuses: one canonical code, one reason, every violation.

use std::collections::HashMap;
use std::time::Duration;

use domain::Violation;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, FieldViolation, LocalizedMessage, StatusExt};

/// The domain of every reason in `ErrorInfo`.
pub const REASON_DOMAIN: &str = "tiendo.vn";

/// A status with a reason.
#[must_use]
pub fn with_reason(code: Code, reason: &str, message: impl Into<String>) -> Status {
    let details = ErrorDetails::with_error_info(reason, REASON_DOMAIN, HashMap::new());
    Status::with_error_details(code, message, details)
}

/// `UNAVAILABLE` with a reason and the time after which to try again.
#[must_use]
pub fn unavailable(reason: &str, message: impl Into<String>, retry: Duration) -> Status {
    let mut details = ErrorDetails::with_error_info(reason, REASON_DOMAIN, HashMap::new());
    details.set_retry_info(Some(retry));
    Status::with_error_details(Code::Unavailable, message, details)
}

/// `INVALID_ARGUMENT` with every violation; the reason is that of the first.
#[must_use]
pub fn invalid(violations: &[Violation]) -> Status {
    let fields: Vec<FieldViolation> = violations
        .iter()
        .map(|violation| FieldViolation {
            field: violation.field.clone(),
            description: violation.detail.clone(),
            reason: violation.reason.code().to_owned(),
            localized_message: Some(LocalizedMessage::new("vi", violation.reason.vi())),
        })
        .collect();
    let reason = violations
        .first()
        .map_or("INVALID", |first| first.reason.code());
    let message = match violations {
        [one] => one.to_string(),
        many => format!("{} violations, the first: {}", many.len(), many[0]),
    };
    let mut details = ErrorDetails::with_error_info(reason, REASON_DOMAIN, HashMap::new());
    details.set_bad_request(fields);
    Status::with_error_details(Code::InvalidArgument, message, details)
}

/// What a client reads out of a refusal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The reason, upper case with underscores; empty if the peer gave none.
    pub reason: String,
    /// Field, reason, English detail and Vietnamese text of each violation.
    pub violations: Vec<FieldRefusal>,
}

/// One violation as a client reads it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldRefusal {
    /// Path of the field.
    pub field: String,
    /// The reason, upper case with underscores.
    pub reason: String,
    /// What was found and what to do, in English.
    pub detail: String,
    /// What it means, in Vietnamese.
    pub vi: String,
}

/// Reads a refusal.
#[must_use]
pub fn refusal(status: &Status) -> Refusal {
    let details = status.get_error_details();
    let reason = details
        .error_info()
        .map(|info| info.reason.clone())
        .unwrap_or_default();
    let violations = details.bad_request().map_or_else(Vec::new, |bad| {
        bad.field_violations
            .iter()
            .map(|field| FieldRefusal {
                field: field.field.clone(),
                reason: field.reason.clone(),
                detail: field.description.clone(),
                vi: field
                    .localized_message
                    .as_ref()
                    .map(|m| m.message.clone())
                    .unwrap_or_default(),
            })
            .collect()
    });
    Refusal { reason, violations }
}

#[cfg(test)]
mod tests {
    use domain::Reason;

    use super::*;

    #[test]
    fn a_client_reads_every_violation_that_the_service_found() {
        let violations = [
            Violation::new(
                "event.effective",
                Reason::DateFormat,
                "'soon' is not a date",
            ),
            Violation::new("event.actor.office", Reason::Required, "must be set"),
        ];
        let status = invalid(&violations);
        assert_eq!(status.code(), Code::InvalidArgument);
        let refusal = refusal(&status);
        assert_eq!(refusal.reason, "DATE_FORMAT");
        assert_eq!(refusal.violations.len(), 2);
        assert_eq!(refusal.violations[1].field, "event.actor.office");
        assert_eq!(refusal.violations[1].vi, "bắt buộc phải có");
    }
}
