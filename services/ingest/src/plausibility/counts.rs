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
        series: (LocalityId, &IndicatorCode),
        without: u64,
    ) -> Self {
        Self {
            on_record: state.held(series.0, series.1),
            commit: overlay.of(Some(series)),
            without,
        }
    }

    /// Those of another series than that of the event in hand.
    pub(super) fn of_other(on_record: Option<HeldSeries<'a>>, commit: Option<&'a Chain>) -> Self {
        Self {
            on_record,
            commit,
            without: 0,
        }
    }

    fn holds(&self, position: u64) -> bool {
        let replaced = self.commit.is_some_and(|commit| commit.replaces(position));
        position != self.without && !replaced
    }

    /// The nearest before a moment, oldest first, one for each moment; at most [`HISTORY_MAX`].
    pub(super) fn before(&self, at: Moment) -> Vec<Known> {
        let mut nearest: Vec<Known> = self.back_from(at).take(HISTORY_MAX).collect();
        nearest.reverse();
        nearest
    }

    /// Those before a moment, the nearest first, one for each moment: the commit's, since it is recorded later.
    fn back_from(&self, at: Moment) -> impl Iterator<Item = Known> {
        let on_record = self
            .on_record
            .into_iter()
            .flat_map(move |held| held.before(at));
        let mut on_record = on_record
            .filter(|held| self.holds(held.position()))
            .filter_map(move |held| exact((held.at(), held.position(), held.value()), at))
            .peekable();
        let commit = self.commit.into_iter();
        let mut commit = commit
            .flat_map(move |commit| commit.before(at))
            .filter_map(move |said| exact((said.at, 0, said.value), at))
            .peekable();
        let mut last = None;
        std::iter::from_fn(move || {
            loop {
                let newer = match (commit.peek(), on_record.peek()) {
                    (Some((said, _)), Some((held, _))) => said >= held,
                    (said, _) => said.is_some(),
                };
                let (moment, known) = if newer {
                    commit.next()
                } else {
                    on_record.next()
                }?;
                if last.replace(moment) != Some(moment) {
                    return Some(known);
                }
            }
        })
    }

    /// The one of a moment.
    pub(super) fn at(&self, at: Moment) -> Option<Known> {
        let commit = self.commit.into_iter().flat_map(|commit| commit.at(at));
        let mut commit = commit.filter_map(|said| known(said.at, 0, said.value));
        let on_record = self.on_record.into_iter();
        let mut on_record = on_record
            .flat_map(|held| held.at(at).rev())
            .filter(|held| self.holds(held.position()))
            .filter_map(|held| known(held.at(), held.position(), held.value()));
        commit.next().or_else(|| on_record.next())
    }

    /// The nearest after a moment.
    pub(super) fn after(&self, at: Moment) -> Option<Known> {
        let commit = self.commit.into_iter().flat_map(|commit| commit.after(at));
        let mut commit = commit.filter_map(|said| exact((said.at, 0, said.value), at));
        let on_record = self.on_record.into_iter().flat_map(|held| held.after(at));
        let mut on_record = on_record
            .filter(|held| self.holds(held.position()))
            .filter_map(|held| exact((held.at(), held.position(), held.value()), at));
        let both = [commit.next(), on_record.next()];
        let nearest = both.into_iter().flatten().min_by_key(|(moment, _)| *moment);
        nearest.map(|(_, known)| known)
    }

    /// What the newest figure up to a moment that says so is counted against.
    pub(super) fn denominator(&self, at: Moment) -> Option<u64> {
        let commit = self.commit.into_iter();
        let mut commit = commit.flat_map(|commit| commit.at(at).chain(commit.before(at)));
        let on_record = self.on_record.into_iter();
        let mut on_record = on_record.flat_map(|held| held.upto(at));
        let commit = commit.find_map(|said| said.of);
        commit.or_else(|| on_record.find_map(state::Held::denominator))
    }

    /// The newest up to a moment.
    pub(super) fn upto(&self, at: Moment) -> Option<Known> {
        if self.commit.is_some() {
            return self.at(at).or_else(|| self.back_from(at).next());
        }
        // What a sibling is nearly always: one search does.
        let mut held = self
            .on_record?
            .upto(at)
            .filter(|held| self.holds(held.position()));
        held.find_map(|held| {
            let found = (held.at(), held.position(), held.value());
            if found.0 == at {
                return known(found.0, found.1, found.2);
            }
            exact(found, at).map(|(_, known)| known)
        })
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
