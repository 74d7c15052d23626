//! Cases as they were for a day, as known at a position.

use domain::text::parse_instant;
use domain::{Reason, Violation};
use jiff::Timestamp;
use jiff::civil::Date;
use tonic::Status;
use wire::status::invalid;
use wire::v1;

use crate::judge::Judge;

/// How far a question about cases sees.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Sight {
    day: Option<Date>,
    known: Option<Known>,
}

#[derive(Debug, Clone, Copy)]
enum Known {
    Position(u64),
    Instant(Timestamp),
}

impl Sight {
    /// Reads the two times of a question; empty means the newest.
    pub(crate) fn read(as_of: &str, known_at: &str) -> Result<Self, Status> {
        let mut violations = Vec::new();
        let day = match as_of.trim() {
            "" => None,
            raw => wire::event::parse_moment("as_of", raw)
                .map_err(|violation| violations.push(violation))
                .ok()
                .map(|moment| moment.date()),
        };
        let known = match known_at.trim() {
            "" => None,
            raw => match raw.parse() {
                Ok(position) => Some(Known::Position(position)),
                Err(_) => parse_instant(raw)
                    .map_err(|error| {
                        let detail = format!("{error}, or a position of the ledger");
                        violations.push(Violation::new("known_at", Reason::DateFormat, detail));
                    })
                    .ok()
                    .map(Known::Instant),
            },
        };
        if violations.is_empty() {
            Ok(Self { day, known })
        } else {
            Err(invalid(&violations))
        }
    }

    /// What is seen by it now; `head` is the newest position of alerting's log that is looked at.
    pub(crate) fn seen(&self, judge: &Judge, head: u64) -> Seen {
        let limit = match self.known {
            None => u64::MAX,
            Some(Known::Position(position)) => position,
            Some(Known::Instant(instant)) => judge.position_at(instant),
        };
        let day = self.day;
        Seen { day, limit, head }
    }
}

/// Up to where entries of alerting's log are seen.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Seen {
    /// The last day they may be for; none means any.
    pub(crate) day: Option<Date>,
    /// The last position of the ledger they may rest on.
    limit: u64,
    /// The last position of alerting's log.
    head: u64,
}

impl Seen {
    /// Everything there is.
    pub(crate) const ALL: Self = Self {
        day: None,
        limit: u64::MAX,
        head: u64::MAX,
    };

    /// Whether an entry is seen: where it stands, at which position of the ledger it was made, and for which day.
    pub(crate) fn sees(&self, position: u64, at: u64, day: Option<Date>) -> bool {
        let in_time = self
            .day
            .is_none_or(|last| day.is_none_or(|day| day <= last));
        in_time && at <= self.limit && position <= self.head
    }

    fn verdict(&self, position: u64, verdict: &v1::Verdict) -> bool {
        self.sees(position, verdict.position, verdict.judged_for.parse().ok())
    }

    /// Whether a case's opening is seen.
    pub(crate) fn opening(&self, case: &v1::Case) -> bool {
        let opened = case.opened.as_ref();
        opened.is_some_and(|verdict| self.verdict(case.opened_position, verdict))
    }

    /// Whether a case's clearing is seen; one that is not has not happened.
    pub(crate) fn clearing(&self, case: &v1::Case) -> bool {
        let cleared = case.cleared.as_ref();
        cleared.is_some_and(|verdict| self.verdict(case.cleared_position, verdict))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(position: u64, day: &str) -> Option<v1::Verdict> {
        Some(v1::Verdict {
            position,
            judged_for: day.to_owned(),
            ..Default::default()
        })
    }

    /// Opened at position 10 for 10 June, cleared at position 20 for 20 June.
    fn case() -> v1::Case {
        v1::Case {
            opened: verdict(10, "2023-06-10"),
            cleared: verdict(20, "2023-06-20"),
            cleared_position: 3,
            ..Default::default()
        }
    }

    fn seen(as_of: &str, known_at: &str) -> Option<bool> {
        let judge = Judge::new(lag::Rules::standard(), host::Today::Real);
        let seen = Sight::read(as_of, known_at).unwrap().seen(&judge, u64::MAX);
        seen.opening(&case()).then(|| !seen.clearing(&case()))
    }

    #[test]
    fn a_case_is_open_from_its_opening_until_its_clearing_in_both_times() {
        assert_eq!(seen("", ""), Some(false));
        assert_eq!(seen("9/6/2023", ""), None);
        assert_eq!(seen("10/6/2023", ""), Some(true));
        assert_eq!(seen("2023-06-20", ""), Some(false));
        assert_eq!(seen("", "9"), None);
        assert_eq!(seen("", "19"), Some(true));
        assert_eq!(seen("", "20"), Some(false));
        assert_eq!(seen("", "2020-01-01"), None, "the ledger had taken nothing");
    }

    #[test]
    fn both_times_that_cannot_be_read_are_told_at_once() {
        let refused = wire::status::refusal(&Sight::read("soon", "later").unwrap_err());
        let fields: Vec<&str> = refused
            .violations
            .iter()
            .map(|v| v.field.as_str())
            .collect();
        assert_eq!(fields, ["as_of", "known_at"]);
    }
}
