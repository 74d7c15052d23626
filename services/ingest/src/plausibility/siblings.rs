//! What the places under the same parent did meanwhile.

use domain::text::Moment;
use lag::Known;

use super::counts::Counts;
use super::{Judge, Told};

/// Most siblings asked about one figure, the first by code that were reported: a median needs no more.
const SIBLINGS_MAX: usize = 32;

/// The places under the same parent.
pub(super) struct Siblings<'a> {
    pub(super) judge: &'a Judge<'a>,
    pub(super) told: &'a Told<'a>,
}

impl Siblings<'_> {
    /// The exact counts of each sibling at two moments, days: the newest up to each; and those of its series.
    fn counts(&self, from: Moment, to: Moment) -> Vec<(Known, Known, Counts<'_>)> {
        let told = self.told;
        let Judge { state, overlay, .. } = self.judge;
        // Those that existed then, whatever became of them.
        let siblings = state.held_beside(told.locality, told.indicator, told.at);
        let counts = siblings.filter_map(|(sibling, held)| {
            let commit = overlay.of(Some((sibling, told.indicator)));
            let counts = Counts::of_other(held, commit);
            Some((counts.upto(from)?, counts.upto(to)?, counts))
        });
        counts.take(SIBLINGS_MAX).collect()
    }
}

impl lag::Siblings for Siblings<'_> {
    fn weekly_hazards(&self, from: f64, to: f64) -> Vec<f64> {
        let (Some(from), Some(to)) = (moment(from), moment(to)) else {
            return Vec::new();
        };
        let counts = self.counts(from, to).into_iter();
        counts
            .filter_map(|(first, last, counts)| {
                lag::weekly_hazard(first, last.count, last.at, counts.denominator(to)?)
            })
            .collect()
    }

    fn grown(&self, from: f64, to: f64) -> (usize, usize) {
        let (Some(from), Some(to)) = (moment(from), moment(to)) else {
            return (0, 0);
        };
        let counts = self.counts(from, to);
        let grown = counts
            .iter()
            .filter(|(first, last, _)| last.count > first.count);
        (grown.count(), counts.len())
    }
}

/// A moment in days as the programme's: whole days end with the day.
fn moment(days: f64) -> Option<Moment> {
    let date = lag::date(days)?;
    let hour = (days - lag::day(date, Some(0))) * 24.0;
    // 0 to 24, whole but for rounding.
    match hour.round() as u8 {
        24.. => Some(Moment::end_of(date)),
        hour => Moment::at_hour(date, hour),
    }
}
