//! The events behind what changed between two views.
//!
//! A figure replaces those before it, so what counts is what stands no farther back than what either look shows; of that, whatever only one of them has.

use std::collections::BTreeSet;

use domain::code::IndicatorCode;
use domain::event::QuotaLayer;
use domain::locality::LocalityId;

use crate::diff::{Between, stands};
use crate::figure::FigureEntry;
use crate::reading::Reading;
use crate::timeline::Stamp;

impl<'a> Between<'a> {
    /// The corrections and retractions that make looks 0 and 1 of a series differ.
    pub(crate) fn corrections(&self, id: LocalityId, indicator: &IndicatorCode) -> Vec<u64> {
        let (early, late) = (self.a.position(), self.b.position());
        let since = early.min(late) + 1..=early.max(late);
        let figures = self.both.figures_back(id, indicator);
        let in_looks = |figure: &FigureEntry<'a>| {
            let seen = self.a.sees(figure.recorded.effective);
            let known = figure.recorded.position <= early && stands(figure, early);
            let corrected = stands(figure, late) && self.is_known_as_corrected(id, figure);
            (seen && known, seen && corrected)
        };
        let figures = apart(figures, in_looks);
        let fates = figures.iter().flat_map(|figure| self.fate(id, figure));
        fates.filter(|position| since.contains(position)).collect()
    }

    /// The corrections that led to a figure, what corrected and retracted it, and so on.
    fn fate(&self, id: LocalityId, figure: &FigureEntry<'a>) -> Vec<u64> {
        let lineage: Vec<_> = self.lineage(id, *figure).collect();
        let (_, corrections) = lineage.split_last().unwrap_or((&0, &[]));
        let mut positions = corrections.to_vec();
        let mut next = Some(*figure);
        while let Some(figure) = next {
            positions.extend(figure.retracted_by);
            positions.extend(figure.corrected_by);
            // A correction stands at a later position than what it corrects, so this ends.
            next = figure
                .corrected_by
                .and_then(|right| self.both.figure_at(id, figure.indicator, right));
        }
        positions
    }

    /// Positions of a figure, of the one it corrects, and so on to the report.
    fn lineage(
        &self,
        id: LocalityId,
        figure: FigureEntry<'a>,
    ) -> impl Iterator<Item = u64> + use<'_, 'a> {
        let figures = self.corrected_in_turn(id, figure);
        figures.map(|figure| figure.recorded.position)
    }

    /// The figures that make the last two looks at a series differ, and those that they correct.
    pub(crate) fn reports(&self, id: LocalityId, indicator: &IndicatorCode) -> Vec<u64> {
        let late = self.b.position();
        let figures = self.both.figures_back(id, indicator);
        let in_looks = |figure: &FigureEntry<'a>| {
            let (at, position) = (figure.recorded.effective, figure.recorded.position);
            let holds = stands(figure, late);
            let before = self.a.sees(at) && self.is_known_as_corrected(id, figure);
            (
                holds && before,
                holds && self.b.sees(at) && position <= late,
            )
        };
        let reported = apart(figures, in_looks).into_iter();
        reported
            .flat_map(|figure| self.lineage(id, figure))
            .collect()
    }

    /// The assignments and suspensions between the quotas of a layer in both views.
    pub(crate) fn requotas(&self, indicator: &IndicatorCode, layer: QuotaLayer) -> Vec<u64> {
        let state = self.both.state;
        let mut stamps: Vec<(LocalityId, Stamp)> = Vec::new();
        for id in BTreeSet::from(self.ids) {
            let Some((place, indicator)) = self.both.key(id, indicator) else {
                continue;
            };
            let key = (place, indicator, layer);
            let assigned = state.quotas.get(&key).into_iter();
            let suspended = state.suspensions.get(&key).into_iter();
            let assigned =
                assigned.flat_map(|facts| facts.seen(self.both.sight).map(|fact| fact.stamp));
            let suspended =
                suspended.flat_map(|facts| facts.seen(self.both.sight).map(|fact| fact.stamp));
            stamps.extend(assigned.chain(suspended).map(|stamp| (id, stamp)));
        }
        stamps.sort_by_key(|(_, stamp)| (stamp.effective, stamp.position));
        let in_views = |(id, stamp): &(LocalityId, Stamp)| {
            let sees = |reading: &Reading<'_>, of: LocalityId| {
                *id == of && reading.sees(stamp.effective) && stamp.position <= reading.position()
            };
            (sees(&self.a, self.ids[0]), sees(&self.b, self.ids[1]))
        };
        apart(stamps.into_iter().rev(), in_views)
            .iter()
            .map(|(_, stamp)| stamp.position)
            .collect()
    }

    /// The registrations and ends around both localities that only one view counts with, or that count otherwise on its day.
    pub(crate) fn redrawn(&self) -> Vec<u64> {
        let places = &self.both.state.places;
        let mut around = BTreeSet::new();
        let mut open = self.ids.to_vec();
        while let Some(id) = open.pop() {
            if around.insert(id) {
                open.extend(self.both.ever_below(id));
                open.extend(self.both.ever_ended_into(id));
            }
        }
        let mut positions = Vec::new();
        for id in around {
            let Some(place) = places.index(id).map(|index| &places.rows()[index as usize]) else {
                continue;
            };
            let registered = place.registered.known(self.both.position()).filter(|fact| {
                let counts = |view: &Reading<'_>| {
                    let (at, day) = (fact.stamp.effective, view.as_of().date());
                    let began = !fact.body.start_known || id.since <= day;
                    (fact.stamp.position <= view.position()).then_some((
                        view.sees(at),
                        at.date() <= day,
                        began,
                    ))
                };
                counts(&self.a) != counts(&self.b)
            });
            let ended = place.ended.known(self.both.position()).filter(|fact| {
                let counts = |view: &Reading<'_>| {
                    let over = fact.stamp.effective.date() <= view.as_of().date();
                    (fact.stamp.position <= view.position()).then_some(over)
                };
                counts(&self.a) != counts(&self.b)
            });
            positions.extend(registered.map(|fact| fact.stamp.position));
            positions.extend(ended.map(|fact| fact.stamp.position));
        }
        positions
    }
}

/// What only one of two looks has, of what stands in the order of replacement, the last first: back to where the looks part, which is the last that the one shows, or the other, whichever stands in front.
///
/// No more is read.
fn apart<T>(from_last: impl Iterator<Item = T>, in_looks: impl Fn(&T) -> (bool, bool)) -> Vec<T> {
    let mut shown = (false, false);
    let mut found = Vec::new();
    for fact in from_last {
        let (one, other) = in_looks(&fact);
        shown = (shown.0 || one, shown.1 || other);
        if one != other {
            found.push(fact);
        }
        if shown == (true, true) {
            break;
        }
    }
    found
}
