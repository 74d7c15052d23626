//! The exact counts of one series: those on record, and over them those of the commit in the making.

use domain::LocalityId;
use domain::code::IndicatorCode;
use domain::text::{Bound, Moment, Precision, Quantity};
use lag::{HISTORY_MAX, Known};
use state::{HeldSeries, State};

use crate::overlay::{Chain, Overlay};

/// The counts of a locality and an indicator.
pub(super) struct Counts<'a> {
    on_record: Option<HeldSeries<'a>>,
    commit: Option<&'a Chain>,
    /// A position that is passed over: what the event in hand corrects.
    without: u64,
}

impl<'a> Counts<'a> {
    pub(super) fn new(
        state: &'a State,
        overlay: &'a Overlay,
        (place, indicator, key): (LocalityId, &IndicatorCode, &str),
        without: u64,
    ) -> Self {
        Self {
            on_record: state.held(place, indicator),
            commit: overlay.of(key),
            without,
        }
    }

    fn holds(&self, position: u64) -> bool {
        let replaced = self.commit.is_some_and(|commit| commit.replaces(position));
        position != self.without && !replaced
    }

    /// The nearest before a moment, oldest first, one for each moment; at most [`HISTORY_MAX`].
    pub(super) fn before(&self, at: Moment) -> Vec<Known> {
        let on_record = self.on_record.into_iter().flat_map(|held| held.before(at));
        let on_record = on_record
            .filter(|held| self.holds(held.position))
            .map(|held| (held.at, held.position, held.figure.value));
        let commit = self.commit.into_iter().flat_map(|commit| commit.before(at));
        let commit = commit.map(|said| (said.at, 0, said.value));
        // Of one moment the commit's holds, since it is recorded later.
        let mut nearest: Vec<(Moment, Known)> = commit
            .filter_map(|found| exact(found, at))
            .take(HISTORY_MAX)
            .collect();
        nearest.extend(
            on_record
                .filter_map(|found| exact(found, at))
                .take(HISTORY_MAX),
        );
        nearest.sort_by(|(a, _), (b, _)| b.cmp(a));
        nearest.dedup_by_key(|(moment, _)| *moment);
        nearest.truncate(HISTORY_MAX);
        nearest.into_iter().rev().map(|(_, known)| known).collect()
    }

    /// The one of a moment.
    pub(super) fn at(&self, at: Moment) -> Option<Known> {
        let commit = self.commit.into_iter().flat_map(|commit| commit.at(at));
        let mut commit = commit.filter_map(|said| known(said.at, 0, said.value));
        let on_record = self
            .on_record
            .into_iter()
            .flat_map(|held| held.at(at).rev());
        let mut on_record = on_record
            .filter(|held| self.holds(held.position))
            .filter_map(|held| known(held.at, held.position, held.figure.value));
        commit.next().or_else(|| on_record.next())
    }

    /// The nearest after a moment.
    pub(super) fn after(&self, at: Moment) -> Option<Known> {
        let commit = self.commit.into_iter().flat_map(|commit| commit.after(at));
        let mut commit = commit.filter_map(|said| exact((said.at, 0, said.value), at));
        let on_record = self.on_record.into_iter().flat_map(|held| held.after(at));
        let mut on_record = on_record
            .filter(|held| self.holds(held.position))
            .filter_map(|held| exact((held.at, held.position, held.figure.value), at));
        let both = [commit.next(), on_record.next()];
        let nearest = both.into_iter().flatten().min_by_key(|(moment, _)| *moment);
        nearest.map(|(_, known)| known)
    }

    /// What the newest figure up to a moment that says so is counted against.
    pub(super) fn denominator(&self, at: Moment) -> Option<u64> {
        let commit = self.commit.into_iter();
        let mut commit = commit.flat_map(|commit| commit.at(at).chain(commit.before(at)));
        let on_record = self.on_record.into_iter();
        let mut on_record = on_record.flat_map(|held| held.at(at).rev().chain(held.before(at)));
        let commit = commit.find_map(|said| said.of);
        commit.or_else(|| on_record.find_map(|held| Some(held.figure.denominator?.value)))
    }

    /// The newest up to a moment.
    pub(super) fn upto(&self, at: Moment) -> Option<Known> {
        self.at(at).or_else(|| self.before(at).pop())
    }
}

/// An exact count that can be told to lie before or after a moment.
fn exact(
    (at, position, value): (Moment, u64, Option<Quantity>),
    asked: Moment,
) -> Option<(Moment, Known)> {
    if is_within(at, asked) || is_within(asked, at) {
        return None;
    }
    known(at, position, value).map(|known| (at, known))
}

/// Whether one moment may lie within another: a day within its month, an hour within its day.
fn is_within(inner: Moment, outer: Moment) -> bool {
    let (a, b) = (inner.date(), outer.date());
    match outer.precision() {
        Precision::Month => (a.year(), a.month()) == (b.year(), b.month()),
        Precision::Day => a == b && inner.precision() != Precision::Month,
        Precision::Hour(_) => false,
    }
}

pub(super) fn known(at: Moment, position: u64, value: Option<Quantity>) -> Option<Known> {
    let value = value.filter(|value| value.bound == Bound::Exact)?;
    Some(Known {
        count: value.value,
        at: days(at),
        position,
    })
}

pub(super) fn days(at: Moment) -> f64 {
    lag::day(at.date(), Some(at.hour()))
}
