//! Quotas, declarations and the standing against them.

use std::ops::RangeInclusive;

use domain::code::IndicatorCode;
use domain::event::{CompletionDeclared, QuotaAssigned, QuotaLayer, QuotaSuspended};
use domain::locality::LocalityId;
use jiff::civil::Date;

use crate::figure::{FigureRef, share_of};
use crate::reading::Reading;
use crate::timeline::Entry;
use crate::yardstick::Yardstick;

/// A quota on record.
pub type QuotaEntry<'a> = Entry<'a, QuotaAssigned>;
/// A locality's declaration of the day by which it will be done, on record.
pub type DeclarationEntry<'a> = Entry<'a, CompletionDeclared>;

/// Where a locality stands against one quota.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QuotaStanding {
    /// Share reached of the quota's denominator in hundredths of a point, or the printed percentage if no count is known; none without a figure.
    /// Of a quota that is itself a percentage the share that the figure says; none for a count of nobody knows how many.
    pub share_hundredths: Option<u32>,
    /// The count the quota asks for: target times denominator, rounded up; it decides nothing for a quota that is itself a percentage.
    pub required: u64,
    /// How many are missing; 0 once reached; none if no count is known, or if the quota is itself a percentage.
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

/// Whether a figure reaches a quota: by its count, or by the percentage if it has none; a quota that is itself a percentage by the share.
///
/// No share is rounded: 949,960 of 1,000,000 are not 95 %.
fn reaches(figure: &FigureRef<'_>, quota: &QuotaAssigned) -> bool {
    let yardstick = Yardstick::of_quota(quota);
    let measured = yardstick.measure(figure);
    let (target, whole) = (quota.target.hundredths(), yardstick.denominator());
    measured.is_some_and(|measured| measured.amount.reaches(target, whole))
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
        self.declared_of(self.key(id, indicator)?)
    }

    pub(crate) fn declared_of(&self, key: (u32, u32)) -> Option<DeclarationEntry<'a>> {
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
        let newest = newest.map(|row| self.state.figure_of(row));
        let reached = newest.is_some_and(|figure| reaches(&figure, quota));
        let reached_on = series
            .filter(|_| reached)
            .and_then(|key| self.first_reached(quota, key));
        let days = |deadline: Date| reached_on.map(|day| (deadline - day).get_days());
        let count = newest.and_then(|figure| figure.value);
        // Of a share nobody knows how many are missing.
        let count = count.filter(|_| Yardstick::of_quota(quota) != Yardstick::Share);
        QuotaStanding {
            share_hundredths: match count {
                Some(count) => share_of(count.value, quota.denominator.value),
                None => newest.and_then(|figure| figure.share_hundredths()),
            },
            required,
            missing: match count {
                Some(count) => Some(required.saturating_sub(count.value)),
                None => reached.then_some(0),
            },
            reached,
            reached_on,
            days_early: quota.deadline.and_then(days),
        }
    }

    fn first_reached(&self, quota: &QuotaAssigned, series: (u32, u32)) -> Option<Date> {
        let series = self.state.figures.get(series)?;
        let mut rows = series.holding(self.sight, self.state).peekable();
        while let Some(row) = rows.next() {
            // Of one moment the last holds.
            let rival = rows.peek().is_some_and(|next| next.at() == row.at());
            if !rival && reaches(&self.state.figure_of(row), quota) {
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
