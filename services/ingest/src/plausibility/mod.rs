//! What is implausible about an event, by what is on record and what the same commit brings before it.
//!
//! The rules are those of the crate `lag`; here is what they are held against, and how it is said.
//! What a rule refuses, a reporter who insists has recorded with a finding that blocks every verdict on the series until somebody else answers for it.

mod counts;
mod related;
mod siblings;
mod words;

use domain::code::IndicatorCode;
use domain::event::{Figure, IndicatorKind};
use domain::finding::Finding;
use domain::text::{Bound, Moment};
use domain::{Body, Event, LocalityId, Reason};
use lag::{Around, PlausibilityRules};
use state::State;

use crate::overlay::Overlay;
use counts::{Counts, days};
use related::Relations;
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
    relations: Relations<'a>,
}

impl Judge<'_> {
    /// What stands against an event.
    pub(crate) fn judge(&self, event: &Event) -> Judged {
        let mut telling = Telling {
            rules: self.rules,
            confirmed: &event.confirmed,
            corrects: matches!(event.body, Body::ProgressCorrected(_)),
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
                    relations: Relations::of(&report.indicator, self.state),
                };
                self.figure(&told, &mut telling);
            }
            Body::ProgressCorrected(correction) => {
                let told = Told {
                    locality: correction.locality,
                    indicator: &correction.indicator,
                    figure: &correction.figure,
                    at: event.effective,
                    corrects: correction.corrects,
                    relations: Relations::of(&correction.indicator, self.state),
                };
                self.figure(&told, &mut telling);
            }
            Body::QuotaAssigned(quota) => words::milestones(quota, &mut telling),
            Body::WorkItemDefined(item) => words::output(item, &mut telling),
            _ => {}
        }
        telling.judged
    }

    fn figure(&self, told: &Told<'_>, telling: &mut Telling<'_>) {
        self.neighbours(told, telling);
        self.percent(told, telling);
        self.sums(told, telling);
        if told.corrects == 0 {
            self.rivals(told, telling);
        }
        words::notes(told, telling);
    }

    /// Holds an exact count against those around it and those it is related to.
    fn neighbours(&self, told: &Told<'_>, telling: &mut Telling<'_>) {
        let Some(count) = exact(told.figure) else {
            return;
        };
        let everything = self.state.latest(Moment::end_of(jiff::civil::Date::MAX));
        let kind = everything
            .indicator(told.indicator)
            .map(|entry| entry.fact.kind);
        let cumulative = kind == Some(IndicatorKind::Cumulative);
        let (before, after) = if cumulative {
            let series = self.counts(told.locality, told.indicator, told);
            (series.before(told.at), series.after(told.at))
        } else {
            (Vec::new(), None)
        };
        let related = self.related(told);
        let siblings = Siblings { judge: self, told };
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

    /// The counts of an indicator in a place, without the one that the figure in hand corrects.
    fn counts(&self, place: LocalityId, indicator: &IndicatorCode, told: &Told<'_>) -> Counts<'_> {
        Counts::new(self.state, self.overlay, (place, indicator), told.corrects)
    }
}

/// The count, where it is exact.
fn exact(figure: &Figure) -> Option<u64> {
    let value = figure.value.filter(|value| value.bound == Bound::Exact)?;
    Some(value.value)
}
