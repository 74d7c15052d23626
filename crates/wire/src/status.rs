//! Refusals as gRPC statuses: one canonical code, one reason, every violation.

use std::collections::HashMap;
use std::time::Duration;

use domain::Violation;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, FieldViolation, LocalizedMessage, StatusExt};

use crate::v1;

/// The domain of every reason in `ErrorInfo`.
pub const REASON_DOMAIN: &str = "tiendo.vn";

/// A status with a reason.
#[must_use]
pub fn with_reason(code: Code, reason: &str, message: impl Into<String>) -> Status {
    let details = ErrorDetails::with_error_info(reason, REASON_DOMAIN, HashMap::new());
    Status::with_error_details(code, message, details)
}

/// A status with a reason, told in Vietnamese too.
#[must_use]
pub fn in_both(
    (code, reason): (Code, &str),
    message: impl Into<String>,
    vi: impl Into<String>,
) -> Status {
    let mut details = ErrorDetails::with_error_info(reason, REASON_DOMAIN, HashMap::new());
    details.set_localized_message("vi", vi);
    Status::with_error_details(code, message, details)
}

/// `UNAVAILABLE` with a reason and the time after which to try again.
#[must_use]
pub fn unavailable(reason: &str, message: impl Into<String>, retry: Duration) -> Status {
    try_again(Code::Unavailable, reason, message, retry)
}

/// A status with a reason and the time after which to try again.
#[must_use]
pub fn try_again(code: Code, reason: &str, message: impl Into<String>, retry: Duration) -> Status {
    let mut details = ErrorDetails::with_error_info(reason, REASON_DOMAIN, HashMap::new());
    details.set_retry_info(Some(retry));
    Status::with_error_details(code, message, details)
}

/// As [`try_again`], at the end of a stream: the reader goes on after a position, which stands in `ErrorInfo` as `after_position` too.
#[must_use]
pub fn go_on_after(
    code: Code,
    reason: &str,
    message: impl Into<String>,
    (position, retry): (u64, Duration),
) -> Status {
    let metadata = HashMap::from([("after_position".to_owned(), position.to_string())]);
    let mut details = ErrorDetails::with_error_info(reason, REASON_DOMAIN, metadata);
    details.set_retry_info(Some(retry));
    Status::with_error_details(code, message, details)
}

/// The position after which [`go_on_after`] says to go on.
#[must_use]
pub fn after_position(status: &Status) -> Option<u64> {
    let details = status.get_error_details();
    let info = details.error_info()?;
    info.metadata.get("after_position")?.parse().ok()
}

/// Refuses an answer of more than `bytes_max` bytes, which no client would take.
///
/// # Errors
/// `RESOURCE_EXHAUSTED`, ANSWER_TOO_LARGE.
pub fn fits(answer: &impl prost::Message, bytes_max: usize) -> Result<(), Status> {
    let bytes = answer.encoded_len();
    if bytes <= bytes_max {
        return Ok(());
    }
    let message =
        format!("the answer has {bytes} bytes, more than {bytes_max}; ask for less of it");
    Err(with_reason(
        Code::ResourceExhausted,
        "ANSWER_TOO_LARGE",
        message,
    ))
}

/// Bytes of violations in a status. It travels in a header, of which clients take 8 KiB in all.
const VIOLATION_BYTES_MAX: usize = 5_000;

/// `INVALID_ARGUMENT` with every violation; the reason is that of the first.
///
/// Of a batch with hundreds of violations only the first are listed, and the message says how many there are.
#[must_use]
pub fn invalid(violations: &[Violation]) -> Status {
    let mut bytes = 0;
    let fields: Vec<FieldViolation> = violations
        .iter()
        .map(field_violation)
        .take_while(|field| {
            bytes += field.field.len() + field.description.len() + field.reason.len();
            bytes += field
                .localized_message
                .as_ref()
                .map_or(0, |vi| vi.message.len())
                + 16;
            bytes <= VIOLATION_BYTES_MAX
        })
        .collect();
    let reason = violations
        .first()
        .map_or("INVALID", |first| first.reason.code());
    let message = match violations {
        [one] => one.to_string(),
        many if many.len() > fields.len() => {
            let (all, listed) = (many.len(), fields.len());
            format!(
                "{all} violations, {listed} of them listed; the first: {}",
                many[0]
            )
        }
        many => format!("{} violations, the first: {}", many.len(), many[0]),
    };
    let mut details = ErrorDetails::with_error_info(reason, REASON_DOMAIN, HashMap::new());
    details.set_bad_request(fields);
    Status::with_error_details(Code::InvalidArgument, message, details)
}

fn field_violation(violation: &Violation) -> FieldViolation {
    FieldViolation {
        field: violation.field.clone(),
        description: violation.detail.clone(),
        reason: violation.reason.code().to_owned(),
        localized_message: Some(LocalizedMessage::new("vi", violation.reason.vi())),
    }
}

/// Most violations that a refusal within a stream lists.
const STREAM_VIOLATIONS_MAX: usize = 1_000;

/// A status as an answer within a stream, which a status itself would end; `violations` are listed more fully than a header could.
#[must_use]
pub fn within_stream(status: &Status, violations: &[Violation]) -> v1::Refusal {
    let details = status.get_error_details();
    let reason = details
        .error_info()
        .map(|info| info.reason.clone())
        .unwrap_or_default();
    let retry_after = details.retry_info().and_then(|retry| retry.retry_delay);
    let retry_after_ms = retry_after.map_or(0, |after| after.as_millis());
    let listed = violations.iter().take(STREAM_VIOLATIONS_MAX);
    v1::Refusal {
        code: status.code() as i32,
        reason,
        message: status.message().to_owned(),
        violations: listed
            .map(|violation| v1::FieldViolation {
                field: violation.field.clone(),
                reason: violation.reason.code().to_owned(),
                detail: violation.detail.clone(),
                detail_vi: violation.reason.vi().to_owned(),
            })
            .collect(),
        violation_count: u32::try_from(violations.len()).unwrap_or(u32::MAX),
        retry_after_ms: u32::try_from(retry_after_ms).unwrap_or(u32::MAX),
    }
}

/// What a client reads out of a refusal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The reason, upper case with underscores; empty if the peer gave none.
    pub reason: String,
    /// What it means, in Vietnamese; empty if the peer told it in English alone.
    pub vi: String,
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
    let vi = details.localized_message().filter(|it| it.locale == "vi");
    Refusal {
        reason,
        vi: vi.map_or_else(String::new, |it| it.message.clone()),
        violations,
    }
}

#[cfg(test)]
mod tests {
    use domain::Reason;

    use super::*;

    #[test]
    fn a_refusal_of_a_large_batch_still_fits_into_a_header() {
        let one = |i: usize| {
            let field = format!("events[{i}].progress_reported.percent");
            Violation::new(field, Reason::PercentFormat, "x".repeat(200))
        };
        let violations: Vec<Violation> = (0..2_000).map(one).collect();
        let status = invalid(&violations);
        assert!(status.details().len() + status.message().len() < 6_000);
        assert!(
            status.message().starts_with("2000 violations"),
            "{}",
            status.message()
        );
        assert!(refusal(&status).violations.len() > 10);
    }

    #[test]
    fn a_client_reads_a_refusal_in_both_languages() {
        let status = in_both(
            (Code::OutOfRange, "BACKTEST_EMPTY"),
            "nothing",
            "không có gì",
        );
        let told = refusal(&status);
        assert_eq!(
            (status.code(), status.message()),
            (Code::OutOfRange, "nothing")
        );
        assert_eq!(
            (told.reason.as_str(), told.vi.as_str()),
            ("BACKTEST_EMPTY", "không có gì")
        );
        assert_eq!(refusal(&with_reason(Code::NotFound, "X", "x")).vi, "");
    }

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
