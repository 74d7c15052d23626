//! What is counted in one look between two views, and against what.

use std::collections::{BTreeMap, BTreeSet};

use domain::locality::LocalityId;
use domain::text::Percent;

use crate::figure::{Counted, FigureEntry, share_of};
use crate::quota::QuotaEntry;
use crate::reading::Reading;
use crate::rollup::{Figures, RollUp, denominator, sum};
use crate::yardstick::Yardstick;

/// What is counted in one look.
pub(crate) struct Look<'a> {
    /// The parts in the sum, with their figures, by identity.
    pub(crate) parts: BTreeMap<LocalityId, Vec<Counted<'a>>>,
    /// The percentage as printed; none of a sum.
    printed: Option<u32>,
    /// The sum, if it is one.
    pub(crate) rolled: Option<RollUp<'a>>,
    /// The position of every figure that was looked for, if there is one.
    seen: BTreeMap<LocalityId, Option<u64>>,
}

impl<'a> Look<'a> {
    pub(crate) fn of_own(id: LocalityId, figure: Option<FigureEntry<'a>>) -> Self {
        let percent = figure.and_then(|entry| entry.figure.percent);
        let figure = figure.map(Counted::from);
        Self {
            parts: figure
                .map(|figure| (id, vec![figure]))
                .into_iter()
                .collect(),
            printed: percent.map(Percent::hundredths),
            rolled: None,
            seen: BTreeMap::from([(id, figure.map(|figure| figure.position))]),
        }
    }

    pub(crate) fn of_sum(
        places: &Reading<'a>,
        id: LocalityId,
        figures: &mut Figures<'_, 'a>,
    ) -> Self {
        let mut seen = BTreeMap::new();
        let day = places.as_of().date();
        let parts = places.parts(id, day, &mut |part| {
            *seen.entry(part.id).or_insert_with(|| figures(part))
        });
        let counted = parts.iter().flat_map(|(_, parts)| parts);
        let counted = counted.filter(|(_, part)| !part.counted().is_empty());
        let position = |figure: Counted<'a>| figure.position;
        Self {
            parts: counted
                .map(|(id, part)| (*id, part.counted().to_vec()))
                .collect(),
            printed: None,
            rolled: parts.map(|(level, parts)| sum(level, &parts)),
            seen: seen
                .into_iter()
                .map(|(id, figure)| (id, figure.map(position)))
                .collect(),
        }
    }

    pub(crate) fn count(&self) -> Option<u64> {
        let figures = self.parts.values().flatten();
        let counts = figures.filter_map(|figure| Some(figure.value?.value));
        counts.reduce(u64::saturating_add)
    }

    /// The share of what is printed.
    pub(crate) fn share(&self) -> Option<u64> {
        let whole = denominator(self.parts.values().flatten()).map(|whole| whole.value);
        let share = self.count().zip(whole).and_then(|(n, of)| share_of(n, of));
        share.or(self.printed).map(u64::from)
    }

    /// The share of a quota; of one that is itself a percentage the share of what is printed.
    pub(crate) fn share_of_quota(&self, quota: Option<&QuotaEntry<'_>>) -> Option<u64> {
        let Yardstick::Count(whole) = Yardstick::of_quota(quota?.fact) else {
            return self.share();
        };
        let share = match self.count() {
            Some(count) => share_of(count, whole),
            None => self.printed,
        };
        share.map(u64::from)
    }

    /// The share of what the same parts were counted against before; none if that is not known.
    pub(crate) fn share_of_before(&self, before: &Look<'_>) -> Option<u64> {
        let mut sum: Option<(&str, u64)> = None;
        for id in self.parts.keys() {
            let (kind, whole) = before.whole(*id).or_else(|| self.whole(*id))?;
            let others = sum.map_or(0, |(_, others)| others);
            if sum.is_some_and(|(other, _)| other != kind) {
                return None;
            }
            sum = Some((kind, others.saturating_add(whole)));
        }
        share_of(self.count()?, sum?.1).map(u64::from)
    }

    /// Kind and number of what a part is counted against.
    fn whole(&self, part: LocalityId) -> Option<(&'a str, u64)> {
        let whole = denominator(self.parts.get(&part)?)?;
        Some((whole.kind, whole.value))
    }

    /// The localities that have another figure in another look, or were not looked at in both.
    pub(crate) fn others(&self, other: &Look<'_>) -> BTreeSet<LocalityId> {
        let position = |look: &Look<'_>, id| look.seen.get(&id).copied();
        let seen = self.seen.keys().chain(other.seen.keys()).copied();
        seen.filter(|id| position(self, *id) != position(other, *id))
            .collect()
    }

    /// The figures of the parts that were counted against something else before.
    pub(crate) fn counted_anew(&self, before: &Look<'_>) -> Vec<u64> {
        let parts = self.parts.iter().filter(|(part, _)| {
            let whole = before.whole(**part);
            whole.is_some() && whole != self.whole(**part)
        });
        let figures = parts.flat_map(|(_, figures)| figures);
        figures.map(|figure| figure.position).collect()
    }
}

/// The parts in the sum of a look that are not in that of the one before, over some pairs of looks.
pub(crate) fn coming(looks: &[Look<'_>; 4], pairs: [(usize, usize); 2]) -> Vec<LocalityId> {
    let mut found = BTreeSet::new();
    for (before, after) in pairs {
        let parts = looks[after].parts.keys();
        found.extend(parts.filter(|part| !looks[before].parts.contains_key(part)));
    }
    found.into_iter().collect()
}
