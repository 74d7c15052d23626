//! What became of a case among people: who was told, what was withheld, who read it, who took it on.
//!
//! A case keeps a line for each entry about it, without the verdict; a [`Life`] is those of them that a question sees, folded.

use domain::event::Step;
use jiff::ToSpan;
use jiff::civil::Date;
use wire::v1;
use wire::v1::alert_event::Body;

use crate::notice::COMMENDATION;

/// An entry about a case.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Line {
    /// Where it stands in alerting's log.
    pub(crate) position: u64,
    /// Position of the ledger that was judged then.
    pub(crate) at: u64,
    /// The day it is for; none where the entry says none.
    pub(crate) day: Option<Date>,
    pub(crate) what: What,
}

/// What an entry says, beside verdicts.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum What {
    /// The case's notification with this index.
    Told(usize),
    Withheld(v1::NotificationWithheld),
    Read(v1::NotificationRead),
    Acknowledged(v1::CaseAcknowledged),
    AcknowledgementEnded,
    /// Part of the story, and nothing follows from it here.
    Other,
}

impl What {
    pub(crate) fn of(body: &Body) -> Self {
        match body {
            Body::NotificationWithheld(e) => Self::Withheld(e.clone()),
            Body::NotificationRead(e) => Self::Read(e.clone()),
            Body::CaseAcknowledged(e) => Self::Acknowledged(e.clone()),
            Body::AcknowledgementEnded(_) => Self::AcknowledgementEnded,
            _ => Self::Other,
        }
    }
}

/// A case taken on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Acknowledgement<'a> {
    /// Where that stands in alerting's log.
    pub(crate) position: u64,
    /// The last day it holds.
    pub(crate) until: Date,
    pub(crate) said: &'a v1::CaseAcknowledged,
}

/// Lines folded.
#[derive(Debug, Default)]
pub(crate) struct Life<'a> {
    pub(crate) told: Vec<(u64, &'a v1::Notification)>,
    pub(crate) withheld: Vec<&'a v1::NotificationWithheld>,
    pub(crate) reads: Vec<(u64, &'a v1::NotificationRead)>,
    /// Until its end is recorded; whether its day has passed is for the reader to see.
    pub(crate) acknowledged: Option<Acknowledgement<'a>>,
    /// The step told last; 0 if none was.
    pub(crate) step: u32,
    /// The day for which it was told.
    pub(crate) told_on: Option<Date>,
}

impl<'a> Life<'a> {
    /// Folds the lines of a case with these notifications.
    pub(crate) fn of(
        notifications: &'a [v1::Notification],
        lines: impl IntoIterator<Item = &'a Line>,
    ) -> Self {
        let mut life = Self::default();
        for line in lines {
            life.fold(notifications, line);
        }
        life
    }

    /// As it stands on a day of a case opened on one.
    ///
    /// A step told for a day that has not come (the day went back) counts from the day on which the ladder takes it at the earliest, or from this day if that has not come either; else the case stood still until the day it was told for.
    pub(crate) fn on(mut self, day: Date, ladder: &[Step], opened_on: Option<Date>) -> Self {
        if self.told_on.is_some_and(|on| on > day) {
            let taken = ladder
                .iter()
                .filter(|step| (2..=self.step).contains(&step.number));
            let days: i64 = taken.map(|step| i64::from(step.after_days)).sum();
            let earliest = opened_on.and_then(|on| on.checked_add(days.days()).ok());
            self.told_on = Some(earliest.map_or(day, |on| on.min(day)));
        }
        self
    }

    fn fold(&mut self, notifications: &'a [v1::Notification], line: &'a Line) {
        match &line.what {
            What::Told(index) => {
                let Some(notification) = notifications.get(*index) else {
                    return;
                };
                self.told.push((line.position, notification));
                if notification.step != COMMENDATION {
                    (self.step, self.told_on) = (notification.step, line.day);
                }
            }
            What::Withheld(withheld) => self.withheld.push(withheld),
            What::Read(read) => self.reads.push((line.position, read)),
            What::Acknowledged(said) => {
                self.acknowledged = said.until.parse().ok().map(|until| Acknowledgement {
                    position: line.position,
                    until,
                    said,
                });
            }
            What::AcknowledgementEnded => self.acknowledged = None,
            What::Other => {}
        }
    }
}
