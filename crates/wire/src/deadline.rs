//! How long a question may wait for a position, and what it is refused with if that is not reached.

use std::time::Duration;

use tonic::Status;
use tonic::metadata::MetadataMap;

use crate::status::unavailable;

/// Longest wait for a position, however patient the caller is.
pub const WAIT_MAX: Duration = Duration::from_secs(10);
/// Left of a caller's deadline for the answer itself.
const ANSWER_TIME: Duration = Duration::from_millis(50);
/// After which time a caller who was ahead, or met a shutdown, may try again.
const RETRY: Duration = Duration::from_millis(500);

/// How long a request may wait: up to the caller's own deadline (`grpc-timeout`) with time left for the answer, at most [`WAIT_MAX`].
#[must_use]
pub fn wait_max(metadata: &MetadataMap) -> Duration {
    let timeout = metadata.get("grpc-timeout").and_then(|value| {
        let text = value.to_str().ok()?;
        let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
        let number: u64 = digits.parse().ok()?;
        match unit {
            "H" => Some(Duration::from_secs(number.saturating_mul(3_600))),
            "M" => Some(Duration::from_secs(number.saturating_mul(60))),
            "S" => Some(Duration::from_secs(number)),
            "m" => Some(Duration::from_millis(number)),
            "u" => Some(Duration::from_micros(number)),
            "n" => Some(Duration::from_nanos(number)),
            _ => None,
        }
    });
    timeout.map_or(WAIT_MAX, |timeout| {
        timeout.saturating_sub(ANSWER_TIME).min(WAIT_MAX)
    })
}

/// `UNAVAILABLE`, NOT_CAUGHT_UP: a position was not reached in time.
#[must_use]
pub fn not_caught_up(wanted: u64, reached: u64) -> Status {
    let message = format!("position {wanted} is not reached yet; this service is at {reached}");
    unavailable("NOT_CAUGHT_UP", message, RETRY)
}

/// `UNAVAILABLE`, STOPPING: the service shuts down before the answer is complete.
#[must_use]
pub fn stopping() -> Status {
    unavailable(
        "STOPPING",
        "the service is stopping; ask again, a reader from the next position",
        RETRY,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_caller_with_a_deadline_waits_no_longer_than_that() {
        let wait = |timeout: Option<&'static str>| {
            let mut metadata = MetadataMap::new();
            if let Some(timeout) = timeout {
                metadata.insert("grpc-timeout", timeout.parse().unwrap());
            }
            wait_max(&metadata)
        };
        assert_eq!(wait(None), WAIT_MAX);
        assert_eq!(wait(Some("1S")), Duration::from_millis(950));
        assert_eq!(wait(Some("250m")), Duration::from_millis(200));
        assert_eq!(wait(Some("1H")), WAIT_MAX);
        assert_eq!(wait(Some("10m")), Duration::ZERO);
        assert_eq!(wait(Some("soon")), WAIT_MAX);
        assert_eq!(wait(Some("5x")), WAIT_MAX);
    }
}
