//! What is implausible about an event, by what is on record and what the same commit brings before it.
//!
//! The rules are those of the crate `lag`; here is what they are held against, and how it is said.
//! What a rule refuses, a reporter who insists has recorded with a finding that blocks every verdict on the series until somebody else answers for it.

mod related;
mod siblings;
mod words;

use domain::code::IndicatorCode;
use domain::event::{Figure, IndicatorKind};
use domain::finding::Finding;
use domain::text::{Bound, Moment, Quantity};
use domain::{Body, Event, LocalityId, Reason};
use lag::{Around, HISTORY_MAX, Known, PlausibilityRules};
use state::State;

use crate::overlay::{Overlay, Said};
use siblings::Siblings;
use words::Telling;

/// What stands against an event.
#[derive(Debug, Default)]
pub(crate) struct Judged {
    /// Why it is not recorded: field below the body, reason, English detail.
    pub(crate) refusals: Vec<(&'static str, Reason, String)>,
    /// What is kept with it.
    pub(crate) findings: Vec<Finding>,
}

/// Judges the events of a commit in the making.
pub(crate) struct Judge<'a> {
    pub(crate) state: &'a State,
    pub(crate) overlay: &'a Overlay,
    pub(crate) rules: &'a PlausibilityRules,
}

/// A figure that is about to be recorded.
struct Told<'a> {
    locality: LocalityId,
    indicator: &'a IndicatorCode,
    figure: &'a Figure,
    at: Moment,
    /// The figure that it corrects; 0 for a report.
    corrects: u64,
}

impl Judge<'_> {
    /// What stands against an event of the series with this key.
    pub(crate) fn judge(&self, key: &str, event: &Event) -> Judged {
        let mut telling = Telling {
            rules: self.rules,
            confirmed: &event.confirmed,
            judged: Judged::default(),
        };
        match &event.body {
            Body::ProgressReported(report) => {
                let told = Told {
                    locality: report.locality,
                    indicator: &report.indicator,
                    figure: &report.figure,
                    at: event.effective,
                    corrects: 0,
                };
                self.figure(key, &told, &mut telling);
            }
            Body::ProgressCorrected(correction) => {
                let told = Told {
                    locality: correction.locality,
                    indicator: &correction.indicator,
                    figure: &correction.figure,
                    at: event.effective,
                    corrects: correction.corrects,
                };
                self.figure(key, &told, &mut telling);
            }
            Body::QuotaAssigned(quota) => words::milestones(quota, &mut telling),
            Body::WorkItemDefined(item) => words::output(item, &mut telling),
            _ => {}
        }
        telling.judged
    }

    fn figure(&self, key: &str, told: &Told<'_>, telling: &mut Telling<'_>) {
        self.neighbours(key, told, telling);
        self.percent(told, telling);
        self.sums(told, telling);
        if told.corrects == 0 {
            self.rivals(key, told, telling);
        }
        words::notes(told, telling);
    }

    /// Holds an exact count against those around it and those it is related to.
    fn neighbours(&self, key: &str, told: &Told<'_>, telling: &mut Telling<'_>) {
        let Some(count) = exact(told.figure) else {
            return;
        };
        let everything = self.state.latest(Moment::end_of(jiff::civil::Date::MAX));
        let kind = everything
            .indicator(told.indicator)
            .map(|entry| entry.fact.kind);
        let cumulative = kind == Some(IndicatorKind::Cumulative);
        let (before, after) = if cumulative {
            self.series(key, told)
        } else {
            (Vec::new(), None)
        };
        let related = self.related(told);
        let siblings = Siblings {
            state: self.state,
            reading: everything,
            told,
        };
        let around = Around {
            before: &before,
            after,
            at_most: &related.at_most,
            at_least: &related.at_least,
            denominator: told
                .figure
                .denominator
                .as_ref()
                .map(|against| against.value),
            siblings: Some(&siblings),
        };
        for found in lag::plausible(count, days(told.at), &around, self.rules) {
            self.say(count, told, &found, telling);
        }
    }

    /// The exact counts of the series before the moment, oldest first, and the one after it.
    fn series(&self, key: &str, told: &Told<'_>) -> (Vec<Known>, Option<Known>) {
        let pending = self.overlay.of(key);
        let replaced = |position: u64| {
            position == told.corrects || pending.iter().any(|said| said.replaces == position)
        };
        let mut before: Vec<Known> = Vec::new();
        let mut after = None;
        if let Some(series) = self.state.held(told.locality, told.indicator) {
            let exact = |held: state::Held<'_>| {
                (!replaced(held.position)).then_some(())?;
                known(held.at, held.position, held.figure.value)
            };
            for found in series.before(told.at).filter_map(exact) {
                // Of one moment the one recorded last holds, which comes first here.
                if before.last().is_none_or(|nearer| nearer.at > found.at) {
                    before.push(found);
                }
                if before.len() == HISTORY_MAX {
                    break;
                }
            }
            before.reverse();
            after = series.after(told.at).find_map(exact);
        }
        for said in pending {
            let Some(found) = of_commit(said) else {
                continue;
            };
            if said.at < told.at {
                before.retain(|other| other.at != found.at);
                let place = before.partition_point(|other| other.at < found.at);
                before.insert(place, found);
            } else if said.at > told.at && after.is_none_or(|other: Known| found.at <= other.at) {
                after = Some(found);
            }
        }
        (before, after)
    }
}

/// The count, where it is exact.
fn exact(figure: &Figure) -> Option<u64> {
    let value = figure.value.filter(|value| value.bound == Bound::Exact)?;
    Some(value.value)
}

fn known(at: Moment, position: u64, value: Option<Quantity>) -> Option<Known> {
    let value = value.filter(|value| value.bound == Bound::Exact)?;
    Some(Known {
        count: value.value,
        at: days(at),
        position,
    })
}

/// A figure of the commit, which has no position yet.
fn of_commit(said: &Said) -> Option<Known> {
    known(said.at, 0, said.value)
}

fn days(at: Moment) -> f64 {
    lag::day(at.date(), Some(at.hour()))
}
