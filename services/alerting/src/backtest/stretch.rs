//! From where to where a backtest goes.

use domain::text::{date, parse_date, parse_instant};
use domain::{Reason, Violation};
use host::Today;
use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};
use tonic::{Code, Status};
use wire::status::{in_both, invalid};

use crate::judge::Judge;

/// The shortest time between two instants.
const INSTANT: SignedDuration = SignedDuration::from_nanos(1);

/// A stretch as it was asked for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Wanted {
    from: Option<At>,
    to: Option<At>,
}

/// A moment of the ledger.
#[derive(Debug, Clone, Copy, PartialEq)]
enum At {
    Position(u64),
    Instant(Timestamp),
    Day(Date),
}

/// A stretch of the ledger.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Stretch {
    /// First position.
    pub(super) from: u64,
    /// Last position.
    pub(super) to: u64,
    /// First day judged for.
    pub(super) from_day: Date,
    /// Last day judged for.
    pub(super) to_day: Date,
    /// The day on which the ledger took the last event before it; none if it begins with the first.
    pub(super) before: Option<Date>,
}

impl Stretch {
    /// Whether what was judged for a day, at a position, belongs to it.
    pub(super) fn has(&self, position: u64, day: Date) -> bool {
        // A day that passed before its first event is judged at the position of the one before.
        let passed = |before: Date| day > before && day >= self.from_day;
        position >= self.from || (position + 1 == self.from && self.before.is_some_and(passed))
    }
}

impl Wanted {
    /// Reads both ends; empty means the first event, and now.
    pub(super) fn read(from: &str, to: &str) -> Result<Self, Vec<Violation>> {
        let mut violations = Vec::new();
        let mut end = |field: &'static str, raw: &str| match at(raw) {
            Ok(at) => at,
            Err(detail) => {
                violations.push(Violation::new(field, Reason::DateFormat, detail));
                None
            }
        };
        let (from, to) = (end("from", from), end("to", to));
        if violations.is_empty() {
            Ok(Self { from, to })
        } else {
            Err(violations)
        }
    }

    /// The positions and days of it, of a ledger that is folded to its newest event.
    ///
    /// # Errors
    /// DATE_ORDER if it ends before it begins, BACKTEST_EMPTY if the ledger took nothing in it, NOT_CAUGHT_UP if it ends at a position that is not judged yet.
    pub(super) fn stretch(
        self,
        judge: &Judge,
        today: Today,
        now: Timestamp,
    ) -> Result<Stretch, Status> {
        let head = judge.position();
        let from = match self.from {
            None => 1,
            Some(At::Position(position)) => position.max(1),
            Some(At::Instant(instant)) => {
                let before = instant.checked_sub(INSTANT);
                before.map_or(0, |before| judge.position_at(before)) + 1
            }
            Some(At::Day(day)) => judge.position_at(before_day(day)) + 1,
        };
        let (to, until) = match self.to {
            None => (head, now),
            Some(At::Position(position)) if position > head => {
                return Err(wire::deadline::not_caught_up(position, head));
            }
            Some(At::Position(position)) => (position, judge.known_of(position).unwrap_or(now)),
            Some(At::Instant(instant)) => (judge.position_at(instant), instant.min(now)),
            Some(At::Day(day)) => {
                let end = date::end_of_day(day);
                (judge.position_at(end), end.min(now))
            }
        };
        self.in_order()?;
        if from > to {
            let message = format!(
                "the ledger took nothing in that stretch: it would begin at position {from} and end at {to}"
            );
            return Err(in_both(
                (Code::OutOfRange, "BACKTEST_EMPTY"),
                message,
                format!(
                    "sổ không nhận gì trong đoạn đó: đoạn sẽ bắt đầu ở vị trí {from} và kết thúc ở {to}"
                ),
            ));
        }
        let on = |instant: Timestamp| match today {
            Today::Pinned(day) => day,
            Today::Real => date::date_in_vietnam(instant),
        };
        let begin = match self.from {
            // Days on which nothing was taken are judged too.
            Some(At::Day(day)) if today == Today::Real => day,
            _ => on(judge.known_of(from).unwrap_or(until)),
        };
        Ok(Stretch {
            from,
            to,
            from_day: begin.min(on(until)),
            to_day: on(until),
            before: judge.known_of(from - 1).map(date::date_in_vietnam),
        })
    }

    /// An end before its beginning is a slip, whatever the ledger holds.
    fn in_order(self) -> Result<(), Status> {
        let is_wrong = match (self.from, self.to) {
            (Some(At::Position(from)), Some(At::Position(to))) => to < from,
            (Some(from), Some(to)) => from
                .begin()
                .zip(to.end())
                .is_some_and(|(from, to)| to < from),
            _ => false,
        };
        if is_wrong {
            let detail = "the stretch ends before it begins".to_owned();
            return Err(invalid(&[Violation::new("to", Reason::DateOrder, detail)]));
        }
        Ok(())
    }
}

impl At {
    fn begin(self) -> Option<Timestamp> {
        match self {
            Self::Position(_) => None,
            Self::Instant(instant) => Some(instant),
            Self::Day(day) => {
                let begin = before_day(day).checked_add(INSTANT);
                Some(begin.unwrap_or(Timestamp::MAX))
            }
        }
    }

    fn end(self) -> Option<Timestamp> {
        match self {
            Self::Position(_) => None,
            Self::Instant(instant) => Some(instant),
            Self::Day(day) => Some(date::end_of_day(day)),
        }
    }
}

/// The last instant before a day.
fn before_day(day: Date) -> Timestamp {
    day.yesterday().map_or(Timestamp::MIN, date::end_of_day)
}

fn at(raw: &str) -> Result<Option<At>, String> {
    let raw = raw.trim();
    if raw.is_empty() {
        return Ok(None);
    }
    if let Ok(position) = raw.parse() {
        return Ok(Some(At::Position(position)));
    }
    if let Ok(day) = parse_date(raw) {
        return Ok(Some(At::Day(day)));
    }
    let instant =
        parse_instant(raw).map_err(|error| format!("{error}, or a position of the ledger"))?;
    Ok(Some(At::Instant(instant)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(from: &str, to: &str) -> Wanted {
        Wanted::read(from, to).unwrap()
    }

    #[test]
    fn an_end_is_a_position_a_day_or_an_instant() {
        let day = jiff::civil::date(2023, 6, 7);
        let found = wanted("12", "7/6/2023");
        assert_eq!(found.from, Some(At::Position(12)));
        assert_eq!(found.to, Some(At::Day(day)));
        let instant = "2023-06-07T10:00:00Z".parse().unwrap();
        assert_eq!(
            wanted("", "2023-06-07T10:00:00Z").to,
            Some(At::Instant(instant))
        );
        let violations = Wanted::read("soon", "31/2/2023").unwrap_err();
        let fields: Vec<&str> = violations.iter().map(|v| v.field.as_str()).collect();
        assert_eq!(fields, ["from", "to"]);
    }

    #[test]
    fn what_passed_before_the_first_event_of_a_stretch_belongs_to_it() {
        let day = |day| jiff::civil::date(2023, 6, day);
        let stretch = Stretch {
            from: 5,
            to: 9,
            from_day: day(3),
            to_day: day(9),
            before: Some(day(2)),
        };
        assert!(stretch.has(5, day(5)) && stretch.has(4, day(3)));
        // That is of position 4 itself; and of a day before the first.
        assert!(!stretch.has(4, day(2)) && !stretch.has(3, day(3)));
        let within_a_day = Stretch {
            before: Some(day(3)),
            ..stretch
        };
        assert!(!within_a_day.has(4, day(3)) && within_a_day.has(4, day(4)));
    }

    #[test]
    fn a_stretch_ends_after_it_begins_and_holds_something() {
        let judge = Judge::new(lag::Rules::standard(), Today::Real);
        let reason = |from: &str, to: &str| {
            let status = wanted(from, to).stretch(&judge, Today::Real, Timestamp::UNIX_EPOCH);
            wire::status::refusal(&status.unwrap_err()).reason
        };
        assert_eq!(reason("", ""), "BACKTEST_EMPTY");
        assert_eq!(reason("8/6/2023", "7/6/2023"), "DATE_ORDER");
        assert_eq!(reason("7/6/2023", "7/6/2023"), "BACKTEST_EMPTY");
        assert_eq!(reason("", "1"), "NOT_CAUGHT_UP");
        assert_eq!(reason("2", "0"), "DATE_ORDER");
    }

    #[test]
    fn the_ends_of_the_calendar_are_answered() {
        let mut judge = Judge::new(lag::Rules::standard(), Today::Real);
        let at = "2023-06-07T03:00:00Z".parse().unwrap();
        let event = super::super::tests::event("2023-04-10", super::super::tests::indicator());
        judge.fold(1, at, &event).unwrap();
        let of = |from: &str, to: &str| {
            let stretch = wanted(from, to).stretch(&judge, Today::Real, at);
            stretch
                .map(|stretch| (stretch.from, stretch.to))
                .map_err(|status| wire::status::refusal(&status).reason)
        };
        let first = "-009999-01-02T01:59:59Z";
        let last = "9999-12-30T22:00:00.999999999Z";
        assert_eq!(of(first, ""), Ok((1, 1)));
        assert_eq!(of(first, last), Ok((1, 1)));
        assert_eq!(of("", first), Err("BACKTEST_EMPTY".to_owned()));
        assert_eq!(of(last, ""), Err("BACKTEST_EMPTY".to_owned()));
        for day in [Date::MIN, Date::MIN.tomorrow().unwrap(), Date::MAX] {
            assert!(At::Day(day).begin().is_some(), "{day}");
        }
    }
}
