//! What was delivered, as alerting's own log has it: cursors, what each recipient was told, dead letters.
//!
//! There is one line for each receiver: a sink, and for mail each recipient of it.
//! All of it is folded from `delivery_recorded` and `delivery_failed`; nothing else on the disk speaks of deliveries, and what is not in the log was not delivered.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use jiff::civil::Date;
use wire::time::of_micros;
use wire::v1;
use wire::v1::alert_event::Body;

/// Most dead letters kept for one receiver; the oldest are let go, and stay in the log.
pub(crate) const DEAD_LETTERS_MAX: usize = 10_000;

/// A receiver: a sink, and the recipient where a sink has several.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Receiver {
    pub(crate) sink: String,
    /// Empty where the sink is one receiver.
    pub(crate) recipient: String,
}

impl Receiver {
    pub(crate) fn sink(sink: &str) -> Self {
        Self {
            sink: sink.to_owned(),
            recipient: String::new(),
        }
    }
}

/// What a recipient was told of a case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Told {
    /// Hundredths of a percent, as last told.
    pub(crate) share: Option<u32>,
    /// The day it was last told.
    pub(crate) last: Date,
    /// How often.
    pub(crate) times: u32,
}

/// What a receiver did not take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Dead {
    pub(crate) attempts: u32,
    pub(crate) last_error: String,
    pub(crate) given_up: Timestamp,
    /// The day it was given up.
    pub(crate) day: Date,
    /// Whether an operator wants it sent once more.
    pub(crate) again: bool,
}

/// How a receiver stands.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Line {
    /// What lies up to here is history to it.
    pub(crate) begun: u64,
    /// Up to here nothing is left but dead letters.
    pub(crate) through: u64,
    /// By the position at which a case was opened.
    pub(crate) told: BTreeMap<u64, Told>,
    /// The day of the newest digest.
    pub(crate) digest: Option<Date>,
    /// When something was last mailed at once.
    pub(crate) urgent: Option<Timestamp>,
    /// By position.
    pub(crate) dead: BTreeMap<u64, Dead>,
}

/// Every receiver that is on record.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Account {
    lines: BTreeMap<Receiver, Line>,
}

/// Whether an entry speaks of deliveries; such an entry is never delivered itself.
pub(crate) fn is_delivery(alert: &v1::AlertEvent) -> bool {
    matches!(
        alert.body,
        Some(Body::DeliveryRecorded(_) | Body::DeliveryFailed(_))
    )
}

impl Account {
    /// Folds an entry that alerting's log took at an instant.
    pub(crate) fn fold(&mut self, known_micros: i64, alert: &v1::AlertEvent) {
        let day = alert.effective.parse().unwrap_or(Date::MIN);
        match &alert.body {
            Some(Body::DeliveryRecorded(e)) => self.recorded(day, known_micros, e),
            Some(Body::DeliveryFailed(e)) => self.failed(day, known_micros, e),
            _ => {}
        }
    }

    fn line_mut(&mut self, sink: &str, recipient: &str) -> &mut Line {
        let receiver = Receiver {
            sink: sink.to_owned(),
            recipient: recipient.to_owned(),
        };
        self.lines.entry(receiver).or_default()
    }

    fn recorded(&mut self, day: Date, known_micros: i64, e: &v1::DeliveryRecorded) {
        let line = self.line_mut(&e.sink, &e.recipient);
        line.through = line.through.max(e.through);
        match e.kind() {
            v1::DeliveryKind::Begun => {
                line.begun = e.through;
                // A digest of this morning may have been sent before the log was deleted.
                line.digest = line.digest.max(Some(day));
            }
            v1::DeliveryKind::Digest => line.digest = line.digest.max(Some(day)),
            v1::DeliveryKind::Urgent => line.urgent = Some(of_micros(known_micros)),
            v1::DeliveryKind::PassedOn | v1::DeliveryKind::Unspecified => {}
        }
        for told in &e.told {
            let times = line
                .told
                .get(&told.opened_position)
                .map_or(0, |told| told.times);
            let told_now = Told {
                share: told.share_hundredths,
                last: day,
                times: times + 1,
            };
            line.told.insert(told.opened_position, told_now);
        }
        // A mail tells how everything stands, so a later one makes good what an earlier one did not tell.
        let is_mail = !e.recipient.is_empty();
        line.dead.retain(|position, _| {
            let taken = e
                .ranges
                .iter()
                .any(|range| (range.first..=range.last).contains(position));
            !(taken || is_mail && *position <= e.through)
        });
    }

    fn failed(&mut self, day: Date, known_micros: i64, e: &v1::DeliveryFailed) {
        let line = self.line_mut(&e.sink, &e.recipient);
        line.through = line.through.max(e.through);
        let dead = Dead {
            attempts: e.attempts,
            last_error: e.last_error.clone(),
            given_up: of_micros(known_micros),
            day,
            again: false,
        };
        line.dead.insert(e.position, dead);
        while line.dead.len() > DEAD_LETTERS_MAX {
            line.dead.pop_first();
        }
    }

    /// How a receiver stands; none if it never began.
    pub(crate) fn line(&self, receiver: &Receiver) -> Option<&Line> {
        self.lines.get(receiver)
    }

    /// Every receiver on record.
    pub(crate) fn lines(&self) -> impl Iterator<Item = (&Receiver, &Line)> {
        self.lines.iter()
    }

    /// Forgets what a receiver was told of cases that nobody will ask about again.
    pub(crate) fn forget(&mut self, receiver: &Receiver, is_over: impl Fn(u64) -> bool) {
        if let Some(line) = self.lines.get_mut(receiver) {
            line.told.retain(|opened, _| !is_over(*opened));
        }
    }

    /// Marks dead letters to be sent once more: those of the receivers that are wanted, at some positions; empty means all. Gives how many.
    pub(crate) fn again(
        &mut self,
        wanted: impl Fn(&Receiver) -> bool,
        positions: &BTreeSet<u64>,
    ) -> u64 {
        let mut marked = 0;
        for (receiver, line) in &mut self.lines {
            if line.dead.is_empty() || !wanted(receiver) {
                continue;
            }
            for (position, dead) in &mut line.dead {
                if positions.is_empty() || positions.contains(position) {
                    dead.again = true;
                    marked += 1;
                }
            }
        }
        marked
    }

    /// Takes what is to be sent once more of a receiver, oldest first, each with its attempts so far.
    pub(crate) fn take_again(&mut self, receiver: &Receiver) -> Vec<(u64, u32)> {
        let Some(line) = self.lines.get_mut(receiver) else {
            return Vec::new();
        };
        let wanted = line.dead.iter_mut().filter(|(_, dead)| dead.again);
        let taken = wanted.map(|(position, dead)| {
            dead.again = false;
            (*position, dead.attempts)
        });
        taken.collect()
    }
}

/// Positions as ranges, in their order.
pub(crate) fn ranges(positions: &[u64]) -> Vec<v1::PositionRange> {
    let mut ranges: Vec<v1::PositionRange> = Vec::new();
    for position in positions {
        match ranges.last_mut() {
            Some(range) if range.last + 1 == *position => range.last = *position,
            _ => ranges.push(v1::PositionRange {
                first: *position,
                last: *position,
            }),
        }
    }
    ranges
}

#[cfg(test)]
mod tests {
    use super::*;

    fn alert(body: Body) -> v1::AlertEvent {
        v1::AlertEvent {
            effective: "2026-11-23".to_owned(),
            body: Some(body),
            ..v1::AlertEvent::default()
        }
    }

    fn recorded(recipient: &str, positions: &[u64], through: u64) -> v1::AlertEvent {
        alert(Body::DeliveryRecorded(v1::DeliveryRecorded {
            sink: "s".to_owned(),
            recipient: recipient.to_owned(),
            ranges: ranges(positions),
            through,
            kind: v1::DeliveryKind::PassedOn as i32,
            ..v1::DeliveryRecorded::default()
        }))
    }

    fn failed(recipient: &str, position: u64) -> v1::AlertEvent {
        alert(Body::DeliveryFailed(v1::DeliveryFailed {
            sink: "s".to_owned(),
            recipient: recipient.to_owned(),
            position,
            attempts: 3,
            last_error: "HTTP 500".to_owned(),
            through: position,
        }))
    }

    #[test]
    fn positions_become_ranges() {
        let range = |first, last| v1::PositionRange { first, last };
        assert_eq!(ranges(&[]), []);
        assert_eq!(
            ranges(&[1, 2, 3, 5, 9, 10]),
            [range(1, 3), range(5, 5), range(9, 10)]
        );
    }

    #[test]
    fn a_dead_letter_stays_until_it_is_taken_and_of_mail_until_a_later_mail() {
        let (hook, mail) = (
            Receiver::sink("s"),
            Receiver {
                sink: "s".to_owned(),
                recipient: "r".to_owned(),
            },
        );
        let mut account = Account::default();
        for entry in [failed("", 4), failed("", 6), failed("r", 6)] {
            account.fold(0, &entry);
        }
        account.fold(0, &recorded("", &[7, 8], 8));
        assert_eq!(account.line(&hook).unwrap().dead.len(), 2, "8 covers none");
        assert_eq!(account.again(|_| true, &BTreeSet::from([6])), 2);
        assert_eq!(account.take_again(&hook), [(6, 3)]);
        assert_eq!(account.take_again(&hook), [], "taken once");
        account.fold(0, &recorded("", &[6], 8));
        account.fold(0, &recorded("r", &[], 9));
        let line = account.line(&hook).unwrap();
        assert_eq!(
            (line.dead.keys().collect::<Vec<_>>(), line.through),
            (vec![&4], 8)
        );
        assert!(account.line(&mail).unwrap().dead.is_empty());
    }
}
