//! What the places under the same parent did meanwhile.

use domain::text::Moment;
use lag::Known;
use state::{Reading, State};

use super::{Told, known};

/// Most siblings asked about one figure.
const SIBLINGS_MAX: usize = 64;

/// The places under the same parent.
pub(super) struct Siblings<'a> {
    pub(super) state: &'a State,
    pub(super) reading: Reading<'a>,
    pub(super) told: &'a Told<'a>,
}

impl Siblings<'_> {
    /// The exact counts of each sibling at two moments, days: the newest up to each.
    fn counts(&self, from: f64, to: f64) -> Vec<(Known, Known, Option<u64>)> {
        let parent = self
            .reading
            .locality(self.told.locality)
            .and_then(|entry| entry.parent);
        let Some(parent) = parent else {
            return Vec::new();
        };
        let children = self.reading.children(parent).into_iter();
        let others = children.filter(|child| child.id != self.told.locality);
        let counts = others.take(SIBLINGS_MAX).filter_map(|child| {
            let series = self.state.held(child.id, self.told.indicator)?;
            let upto = |day: f64| {
                let before = series.before(Moment::end_of(jiff::civil::Date::MAX));
                let mut known = before.filter_map(|held| {
                    let found = known(held.at, held.position, held.figure.value)?;
                    Some((found, held.figure.denominator.map(|against| against.value)))
                });
                known.find(|(found, _)| found.at <= day)
            };
            let (first, _) = upto(from)?;
            let (last, denominator) = upto(to)?;
            Some((first, last, denominator))
        });
        counts.collect()
    }
}

impl lag::Siblings for Siblings<'_> {
    fn weekly_hazards(&self, from: f64, to: f64) -> Vec<f64> {
        let counts = self.counts(from, to).into_iter();
        counts
            .filter_map(|(first, last, denominator)| {
                lag::weekly_hazard(first, last.count, last.at, denominator?)
            })
            .collect()
    }

    fn grown(&self, from: f64, to: f64) -> (usize, usize) {
        let counts = self.counts(from, to);
        let grown = counts
            .iter()
            .filter(|(first, last, _)| last.count > first.count);
        (grown.count(), counts.len())
    }
}
