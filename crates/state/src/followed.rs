//! A series found once, for whoever asks several things of it, and its figures as bare numbers.
//!
//! Whoever judges reads every series of the country each day: no text is looked up, and no percentage reckoned that nobody asks for.

use domain::code::IndicatorCode;
use domain::event::IndicatorKind;
use domain::finding::Severity;
use domain::locality::LocalityId;
use domain::text::{Bound, Moment, Percent};

use crate::finding::Which;
use crate::quota::{DeclarationEntry, QuotaEntry};
use crate::reading::Reading;
use crate::series::Row;
use crate::trajectory::PlanBasis;

/// Where a state keeps a locality's series of an indicator; it stays there while the state goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SeriesKey {
    place: u32,
    indicator: u32,
}

/// A series as it is seen.
#[derive(Debug, Clone, Copy)]
pub struct Followed<'a> {
    reading: Reading<'a>,
    key: (u32, u32),
}

/// What a figure says without any text.
#[derive(Debug, Clone, Copy)]
pub struct Numbers<'a>(Row<'a>);

impl<'a> From<Row<'a>> for Numbers<'a> {
    fn from(row: Row<'a>) -> Self {
        Self(row)
    }
}

impl Numbers<'_> {
    /// The moment it speaks of.
    #[inline]
    #[must_use]
    pub fn moment(self) -> Moment {
        self.0.at()
    }

    /// Where it stands.
    #[inline]
    #[must_use]
    pub fn position(self) -> u64 {
        self.0.position()
    }

    /// The count, if published.
    #[inline]
    #[must_use]
    pub fn count(self) -> Option<u64> {
        self.0.value().map(|quantity| quantity.value)
    }

    /// Whether only a bound of it was published.
    #[must_use]
    pub fn is_bound(self) -> bool {
        let bound = match self.0.value() {
            Some(count) => count.bound,
            None => self.0.percent_bound(),
        };
        matches!(bound, Bound::AtLeast | Bound::AtMost)
    }

    /// What it is counted against, if published.
    #[inline]
    #[must_use]
    pub fn denominator(self) -> Option<u64> {
        self.0.against().map(|against| against.value)
    }

    /// The percentage as printed, if any.
    #[inline]
    #[must_use]
    pub fn percent(self) -> Option<Percent> {
        self.0.percent()
    }
}

impl<'a> Reading<'a> {
    /// Where the series of a locality and an indicator is kept; none if one of them never appeared.
    #[must_use]
    pub fn series_key(&self, id: LocalityId, indicator: &IndicatorCode) -> Option<SeriesKey> {
        let (place, indicator) = self.key(id, indicator)?;
        Some(SeriesKey { place, indicator })
    }

    /// The series that this very state, or an earlier one of the same log, keeps there.
    #[must_use]
    pub fn followed(&self, key: SeriesKey) -> Followed<'a> {
        let (reading, key) = (*self, (key.place, key.indicator));
        Followed { reading, key }
    }
}

impl<'a> Followed<'a> {
    /// What is read.
    #[must_use]
    pub fn reading(&self) -> Reading<'a> {
        self.reading
    }

    /// Whether the locality exists on the day.
    #[must_use]
    pub fn exists(&self) -> bool {
        let place = self.reading.state.places.row(self.key.0);
        self.reading.exists(place)
    }

    /// Adds the figures that hold to a list, one for each moment, by moment: what [`Reading::series`] gives.
    pub fn figures(&self, into: &mut Vec<Numbers<'a>>) {
        let (state, begin) = (self.reading.state, into.len());
        let Some(series) = state.figures.get(self.key) else {
            return;
        };
        into.reserve(series.len());
        for row in series.holding(self.reading.sight, state) {
            let rival = into.last().filter(|_| into.len() > begin);
            if rival.is_some_and(|last| last.0.is_of_moment(row)) {
                into.pop();
            }
            into.push(Numbers(row));
        }
    }

    /// The newest quota of each layer, central first; without those that are suspended.
    #[must_use]
    pub fn quotas(&self) -> Vec<QuotaEntry<'a>> {
        let (place, indicator) = self.key;
        let quotas = self.reading.quotas_in_force(place, indicator..=indicator);
        quotas.map(|(_, quota)| quota).collect()
    }

    /// When the locality last declared to be done.
    #[must_use]
    pub fn declared(&self) -> Option<DeclarationEntry<'a>> {
        self.reading.declared_of(self.key)
    }

    /// What the plan of one of its quotas is made of, of an indicator of this kind; see [`Reading::plan_basis`].
    #[must_use]
    pub fn plan_basis(&self, quota: &QuotaEntry<'_>, kind: IndicatorKind) -> PlanBasis {
        self.reading
            .plan_basis_of(quota.fact, Some(self.key), Some(kind))
    }

    /// Whether a figure has a blocking finding that is open, so that no verdict may rest on the series.
    #[must_use]
    pub fn has_blocking(&self) -> bool {
        let (state, (place, indicator)) = (self.reading.state, self.key);
        if state.findings.blocking.is_empty() {
            return false;
        }
        let series = (place, indicator, 0)..=(place, indicator, self.reading.sight.limit);
        let mut figures = state.findings.blocking.range(series);
        figures.any(|(_, _, position)| {
            let mut open = self.reading.findings_at(*position, Which::Open);
            open.any(|entry| entry.finding.severity == Severity::Blocking)
        })
    }
}
