//! What went wrong, for a person: what happened, where, what to do.

use std::process::ExitCode;

use tonic::{Code, Status};
use wire::status::{FieldRefusal, refusal};
use wire::v1;

use crate::lang::Lang;

/// Why a command failed, with its exit code.
#[derive(Debug)]
pub struct Failure {
    code: u8,
    text: String,
}

/// A refusal, however it came.
struct Refused<'a> {
    code: Code,
    message: &'a str,
    reason: &'a str,
    violations: &'a [FieldRefusal],
    /// Violations that were found and are not among them.
    unlisted: usize,
}

/// Exit code of a request that was refused because of what it said.
pub(crate) const REFUSED: u8 = 65;
/// Exit code of a wrong setting or argument.
pub(crate) const USAGE: u8 = 64;
/// Exit code of something asked for that is not on record.
pub(crate) const NOT_FOUND: u8 = 66;
/// Exit code of a service that cannot be reached or cannot answer now.
pub(crate) const UNAVAILABLE: u8 = 69;
/// Exit code of everything else.
pub(crate) const FAILED: u8 = 70;
/// Exit code of an answer that the log does not prove.
pub(crate) const REFUTED: u8 = 76;

impl Failure {
    /// A failure with an exit code and its text.
    pub(crate) fn new(code: u8, text: impl Into<String>) -> Self {
        Self {
            code,
            text: text.into(),
        }
    }

    /// The end of a command whose output nobody reads any more: exit code 0, no text.
    pub(crate) fn unheard() -> Self {
        Self::new(0, "")
    }

    /// A failure with an error and all its causes.
    pub(crate) fn caused(code: u8, error: &(dyn std::error::Error + 'static)) -> Self {
        let mut text = error.to_string();
        let mut cause = error.source();
        while let Some(error) = cause {
            // Some libraries repeat their cause in their own text.
            if !text.contains(&error.to_string()) {
                text = format!("{text}: {error}");
            }
            cause = error.source();
        }
        Self::new(code, text)
    }

    /// A service's refusal with every violation.
    pub(crate) fn status(status: &Status, lang: Lang) -> Self {
        let refusal = refusal(status);
        let message = match (status.message(), status.code()) {
            ("", Code::Unimplemented) => {
                "this address does not serve that; name the HTTP port, which knows the others, with --server"
            }
            ("", code) => code.description(),
            (message, _) if refusal.vi.is_empty() => message,
            (message, _) => lang.pick(refusal.vi.as_str(), message),
        };
        let refused = Refused {
            code: status.code(),
            message,
            reason: &refusal.reason,
            violations: &refusal.violations,
            unlisted: 0,
        };
        Self::refused(&refused, lang)
    }

    /// A refusal within a stream, which lists more violations than a status has room for.
    pub(crate) fn refusal(refusal: &v1::Refusal, lang: Lang) -> Self {
        let listed = refusal.violations.iter().cloned();
        let violations: Vec<FieldRefusal> = listed
            .map(|violation| FieldRefusal {
                field: violation.field,
                reason: violation.reason,
                detail: violation.detail,
                vi: violation.detail_vi,
            })
            .collect();
        let refused = Refused {
            code: Code::from(refusal.code),
            message: &refusal.message,
            reason: &refusal.reason,
            unlisted: (refusal.violation_count as usize).saturating_sub(violations.len()),
            violations: &violations,
        };
        Self::refused(&refused, lang)
    }

    fn refused(refused: &Refused<'_>, lang: Lang) -> Self {
        let code = match refused.code {
            Code::InvalidArgument
            | Code::AlreadyExists
            | Code::FailedPrecondition
            | Code::OutOfRange => REFUSED,
            Code::NotFound => NOT_FOUND,
            Code::Unavailable | Code::DeadlineExceeded | Code::ResourceExhausted => UNAVAILABLE,
            _ => FAILED,
        };
        if refused.violations.is_empty() {
            let reason = if refused.reason.is_empty() {
                String::new()
            } else {
                format!(" [{}]", refused.reason)
            };
            return Self::new(code, format!("{}{reason}", refused.message));
        }
        let mut text = lang
            .pick(
                "Yêu cầu bị từ chối, không có gì được lưu:",
                "Refused; nothing was stored:",
            )
            .to_owned();
        for violation in refused.violations {
            let vi = lang.pick(format!("{}; ", violation.vi), String::new());
            text = format!(
                "{text}\n  {}: {vi}{} [{}]",
                violation.field, violation.detail, violation.reason
            );
        }
        if refused.unlisted > 0 {
            let more = lang.count(refused.unlisted as u64);
            let more = lang.pick(format!("… và {more} lỗi nữa"), format!("… and {more} more"));
            text = format!("{text}\n  {more}");
        }
        Self::new(code, text)
    }

    /// The text, without a heading.
    #[must_use]
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// Prints the failure on stderr and gives its exit code.
    #[expect(
        clippy::print_stderr,
        reason = "the one place where a command's failure is told"
    )]
    #[must_use]
    pub fn report(&self) -> ExitCode {
        if !self.text.is_empty() {
            eprintln!("tiendo: {}", self.text);
        }
        ExitCode::from(self.code)
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Self::caused(FAILED, &error)
    }
}

#[cfg(test)]
mod tests {
    use wire::status::{in_both, with_reason};

    use super::*;

    #[test]
    fn a_refusal_is_told_in_the_language_of_the_reader_where_the_service_has_it() {
        let code = Code::ResourceExhausted;
        let both = in_both((code, "BACKTEST_BUSY"), "try again", "hãy thử lại");
        let told = |status: &Status, lang| Failure::status(status, lang).text().to_owned();
        assert_eq!(told(&both, Lang::Vi), "hãy thử lại [BACKTEST_BUSY]");
        assert_eq!(told(&both, Lang::En), "try again [BACKTEST_BUSY]");
        let english = with_reason(code, "BACKTEST_BUSY", "try again");
        assert_eq!(told(&english, Lang::Vi), "try again [BACKTEST_BUSY]");
    }
}
