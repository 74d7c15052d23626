//! Quotas, declarations and the standing against them.

use std::ops::RangeInclusive;

use domain::code::IndicatorCode;
use domain::event::{CompletionDeclared, QuotaAssigned, QuotaLayer, QuotaSuspended};
use domain::locality::LocalityId;
use domain::text::{Percent, Quantity};
use jiff::civil::Date;

use crate::figure::share_of;
use crate::reading::Reading;
use crate::timeline::Entry;

/// A quota on record.
pub type QuotaEntry<'a> = Entry<'a, QuotaAssigned>;
/// A locality's declaration of the day by which it will be done, on record.
pub type DeclarationEntry<'a> = Entry<'a, CompletionDeclared>;

/// Where a locality stands against one quota.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QuotaStanding {
    /// Share reached of the quota's denominator in hundredths of a point, or the printed percentage if no count is known; none without a figure.
    pub share_hundredths: Option<u32>,
    /// The count the quota asks for: target times denominator, rounded up.
    pub required: u64,
    /// How many are missing; 0 once reached; none if no count is known.
    pub missing: Option<u64>,
    /// True if the newest figure reaches the quota.
    pub reached: bool,
    /// First day on record whose figure reaches it; none if it is not reached.
    pub reached_on: Option<Date>,
    /// Days from that day to the deadline, below zero if late; none without both.
    pub days_early: Option<i32>,
}

/// The count a quota asks for: target times denominator, rounded up.
fn required(quota: &QuotaAssigned) -> u64 {
    let share = u128::from(quota.target.hundredths());
    let count = (share * u128::from(quota.denominator.value)).div_ceil(10_000);
    u64::try_from(count).unwrap_or(u64::MAX)
}

/// Whether a figure reaches a quota: by its count, or by the printed percentage if it has none.
fn reaches(
    (count, percent): (Option<Quantity>, Option<Percent>),
    quota: &QuotaAssigned,
    required: u64,
) -> bool {
    match (count, percent) {
        (Some(count), _) => count.value >= required,
        (None, Some(percent)) => percent.hundredths() >= quota.target.hundredths(),
        (None, None) => false,
    }
}

impl<'a> Reading<'a> {
    /// The newest quota of each layer, central first; without those that are suspended.
    #[must_use]
    pub fn quotas(&self, id: LocalityId, indicator: &IndicatorCode) -> Vec<QuotaEntry<'a>> {
        let Some((place, indicator)) = self.key(id, indicator) else {
            return Vec::new();
        };
        self.quotas_in_force(place, indicator..=indicator)
            .map(|(_, quota)| quota)
            .collect()
    }

    /// How a quota was suspended; none while it is in force, or assigned again.
    #[must_use]
    pub fn suspended(
        &self,
        id: LocalityId,
        indicator: &IndicatorCode,
        layer: QuotaLayer,
    ) -> Option<Entry<'a, QuotaSuspended>> {
        let (place, indicator) = self.key(id, indicator)?;
        self.suspension(&(place, indicator, layer))
    }

    fn suspension(&self, key: &(u32, u32, QuotaLayer)) -> Option<Entry<'a, QuotaSuspended>> {
        let suspended = self.newest_in(&self.state.suspensions, key)?;
        let assigned = self.newest_in(&self.state.quotas, key);
        let assigned = assigned.map(|quota| quota.recorded);
        suspended.recorded.is_after(assigned).then_some(suspended)
    }

    /// The day since which a quota's layer asks without a break: the first day of its first quota after the last suspension.
    ///
    /// A quota begins on the day it speaks of, or on the first day of the work if that is later; one that revises another goes on from that.
    pub(crate) fn asked_since(&self, quota: &QuotaEntry<'a>) -> Option<Date> {
        let (place, indicator) = self.key(quota.locality, &quota.indicator)?;
        let key = (place, indicator, quota.layer);
        let suspended = self.newest_in(&self.state.suspensions, &key);
        let suspended = suspended.map(|suspended| suspended.recorded);
        let assigned = self.state.quotas.get(&key)?.seen(self.sight);
        let assigned = assigned.map(|fact| self.state.entry(fact));
        let standing = assigned.filter(|quota| quota.recorded.is_after(suspended));
        let begin = standing.map(|quota| {
            let from = quota.recorded.effective.date();
            quota.start.map_or(from, |start| start.max(from))
        });
        begin.min()
    }

    /// When a locality last declared to be done.
    #[must_use]
    pub fn declared(
        &self,
        id: LocalityId,
        indicator: &IndicatorCode,
    ) -> Option<DeclarationEntry<'a>> {
        let key = self.key(id, indicator)?;
        let fact = self.state.declarations.get(&key)?.newest(self.sight)?;
        Some(self.state.entry(fact))
    }

    /// The day on which a locality first declared when it will be done.
    pub(crate) fn first_declared(&self, id: LocalityId, indicator: &IndicatorCode) -> Option<Date> {
        let key = self.key(id, indicator)?;
        let mut declared = self.state.declarations.get(&key)?.seen(self.sight);
        declared.next().map(|fact| fact.stamp.effective.date())
    }

    /// Where a locality stands against a quota, by the figures that hold.
    #[must_use]
    pub fn standing(&self, quota: &QuotaEntry<'_>, id: LocalityId) -> QuotaStanding {
        let quota = quota.fact;
        let required = required(quota);
        let series = self.key(id, &quota.indicator);
        let newest = series.and_then(|key| self.newest_row(key));
        let told = newest.map(|row| (row.value(), row.percent()));
        let (count, percent) = told.unwrap_or_default();
        let count = count.map(|count| count.value);
        let percent = percent.map(Percent::hundredths);
        let reached = told.is_some_and(|told| reaches(told, quota, required));
        let reached_on = series
            .filter(|_| reached)
            .and_then(|key| self.first_reached(quota, required, key));
        let days = |deadline: Date| reached_on.map(|day| (deadline - day).get_days());
        QuotaStanding {
            share_hundredths: match count {
                Some(count) => share_of(count, quota.denominator.value),
                None => percent,
            },
            required,
            missing: match count {
                Some(count) => Some(required.saturating_sub(count)),
                None => reached.then_some(0),
            },
            reached,
            reached_on,
            days_early: quota.deadline.and_then(days),
        }
    }

    fn first_reached(
        &self,
        quota: &QuotaAssigned,
        required: u64,
        series: (u32, u32),
    ) -> Option<Date> {
        let series = self.state.figures.get(series)?;
        let mut rows = series.holding(self.sight, self.state).peekable();
        while let Some(row) = rows.next() {
            // Of one moment the last holds.
            let rival = rows.peek().is_some_and(|next| next.at() == row.at());
            if !rival && reaches((row.value(), row.percent()), quota, required) {
                return Some(row.at().date());
            }
        }
        None
    }

    /// The quotas in force of a locality for a range of indicators, by indicator and layer; beside each the index of its indicator.
    pub(crate) fn quotas_in_force(
        &self,
        place: u32,
        indicators: RangeInclusive<u32>,
    ) -> impl Iterator<Item = (u32, QuotaEntry<'a>)> + use<'a> {
        let reading = *self;
        let first = (place, *indicators.start(), QuotaLayer::Central);
        let last = (place, *indicators.end(), QuotaLayer::Commitment);
        let quotas = self.state.quotas.range(first..=last);
        quotas.filter_map(move |(key, facts)| {
            let quota = reading.state.entry(facts.newest(reading.sight)?);
            reading.suspension(key).is_none().then_some((key.1, quota))
        })
    }
}
