//! What really came of the quotas whose deadline lies in a stretch, by the state that answers.
//!
//! A quota counts as it stands on its last day, as is known now: one that was suspended, or whose deadline was moved, was not missed.
//! The figure of the deadline decides, or the straight line between those around it if they are not further apart than a place may be silent.
//! Where neither is there, a figure from before that meets the target still says that it was met, and one from after it that does not, that it was missed.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use domain::event::{Body, IndicatorKind, QuotaLayer};
use domain::text::{Bound, Moment, date};
use domain::{Event, IndicatorCode, LocalityCode, LocalityId, Reason};
use jiff::Timestamp;
use jiff::civil::Date;
use lag::Rules;
use lag::backtest::{Figure, Past, Place};
use state::{FigureEntry, State, Yardstick};
use tonic::{Code, Status};
use wire::status::with_reason;
use wire::v1;

use super::stretch::Stretch;
use super::{Ended, Newest};
use crate::judge::Judge;

/// Days before a deadline on which forecasts are looked at.
pub(super) const HORIZONS: [u16; 4] = [7, 14, 28, 42];
/// Most looks, each at one indicator on one day.
const LOOKS_MAX: usize = 400;
/// Most looks left out that are told apart.
const LEFT_OUT_MAX: usize = 10_000;
/// Quotas read while the judge that answers waits.
const QUOTAS_AT_ONCE: usize = 256;
/// More levels than any hierarchy has.
const LEVELS_MAX: usize = 8;

/// A quota's layer of a series.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Series {
    pub(super) locality: LocalityId,
    pub(super) indicator: IndicatorCode,
    pub(super) layer: QuotaLayer,
}

impl Series {
    /// What a verdict is about; none if that is no quota.
    pub(super) fn of(verdict: &v1::Verdict) -> Option<Self> {
        let locality = verdict.locality.as_ref()?;
        let layer = |layer: &&QuotaLayer| wire::event::quota_layer(**layer) == verdict.layer;
        Some(Self {
            locality: LocalityId {
                code: locality.code.parse().ok()?,
                since: locality.since.parse().ok()?,
            },
            indicator: verdict.indicator.parse().ok()?,
            layer: *QuotaLayer::ALL.iter().find(layer)?,
        })
    }
}

/// Which places and which indicator.
#[derive(Debug, Clone, Default)]
pub(super) struct Scope {
    /// None for all.
    pub(super) indicator: Option<IndicatorCode>,
    /// Empty for all.
    pub(super) codes: BTreeSet<LocalityCode>,
}

impl Scope {
    /// Refuses what was never on record: a slip must not read as "nothing would have been opened".
    pub(super) fn is_known(&self, judge: &Judge) -> Result<(), Status> {
        if let Some(code) = self.codes.iter().find(|code| !judge.has_code(**code)) {
            let message = format!("no locality on record ever had the code {code}");
            let reason = Reason::UnknownLocality.code();
            return Err(with_reason(Code::NotFound, reason, message));
        }
        let indicator = self.indicator.as_ref();
        if let Some(indicator) = indicator.filter(|code| judge.definition(code).is_none()) {
            let message = format!("the indicator '{indicator}' is not defined");
            let reason = Reason::UnknownIndicator.code();
            return Err(with_reason(Code::NotFound, reason, message));
        }
        Ok(())
    }

    /// Whether a locality is one of those, or below one, as is known at a position.
    fn has(&self, state: &State, position: u64, id: LocalityId) -> bool {
        if self.codes.is_empty() {
            return true;
        }
        let reading = state.at(Moment::end_of(Date::MAX), position);
        let mut at = Some(id);
        for _ in 0..LEVELS_MAX {
            let Some(id) = at else { return false };
            if self.codes.contains(&id.code) {
                return true;
            }
            at = reading.locality(id).and_then(|locality| locality.parent);
        }
        false
    }
}

/// What is asked about, each place looked up once.
pub(super) struct Sought<'a> {
    newest: &'a dyn Newest,
    scope: &'a Scope,
    /// Position of the ledger by which it is known what lies in what, and what came.
    pub(super) position: u64,
    places: RefCell<BTreeMap<LocalityId, bool>>,
}

impl<'a> Sought<'a> {
    /// As is known now, however far the judge that answers goes on.
    pub(super) fn new(newest: &'a dyn Newest, scope: &'a Scope) -> Self {
        Self {
            newest,
            scope,
            position: newest.judge().position(),
            places: RefCell::default(),
        }
    }

    /// Whether an indicator is asked about in a place.
    pub(super) fn has(&self, id: LocalityId, indicator: &IndicatorCode) -> bool {
        let wanted = self.scope.indicator.as_ref();
        if wanted.is_some_and(|code| code != indicator) {
            return false;
        }
        if self.scope.codes.is_empty() {
            return true;
        }
        let look = || {
            let judge = self.newest.judge();
            self.scope.has(&judge.state, self.position, id)
        };
        *self.places.borrow_mut().entry(id).or_insert_with(look)
    }
}

/// The quotas that the ledger brought, and the days on which their forecasts are looked at.
#[derive(Debug, Default)]
pub(super) struct Asked {
    quotas: BTreeMap<(Series, Date), usize>,
    looks: BTreeSet<(Date, IndicatorCode)>,
    left_out: BTreeSet<(Date, IndicatorCode)>,
}

impl Asked {
    /// Notes a quota that is sought, with a deadline within the stretch that lay ahead when it was recorded: of another one nobody could have warned.
    pub(super) fn note(
        &mut self,
        known: Timestamp,
        event: &Event,
        stretch: &Stretch,
        sought: &Sought<'_>,
    ) {
        let Body::QuotaAssigned(quota) = &event.body else {
            return;
        };
        let taken = date::date_in_vietnam(known);
        let within = |day: &Date| *day > stretch.from_day && *day <= stretch.to_day && *day > taken;
        let Some(deadline) = quota.deadline.filter(within) else {
            return;
        };
        if !sought.has(quota.locality, &quota.indicator) {
            return;
        }
        let series = Series {
            locality: quota.locality,
            indicator: quota.indicator.clone(),
            layer: quota.layer,
        };
        let index = self.quotas.len();
        self.quotas.entry((series, deadline)).or_insert(index);
        for days in HORIZONS {
            let ahead = jiff::Span::new().days(i64::from(days));
            let Some(day) = deadline.checked_sub(ahead).ok().filter(|day| *day >= taken) else {
                continue;
            };
            let look = (day, quota.indicator.clone());
            if self.looks.len() < LOOKS_MAX {
                self.looks.insert(look);
            } else if !self.looks.contains(&look) && self.left_out.len() < LEFT_OUT_MAX {
                self.left_out.insert(look);
            }
        }
    }

    /// Looks that were too many, each counted once; of very many, so many at least.
    pub(super) fn looks_left_out(&self) -> u64 {
        self.left_out.len() as u64
    }

    /// One quota and no look.
    #[cfg(test)]
    pub(super) fn of(series: Series, deadline: Date) -> Self {
        Self {
            quotas: BTreeMap::from([((series, deadline), 0)]),
            ..Self::default()
        }
    }

    /// Where a quota stands among all.
    pub(super) fn index(&self, series: &Series, deadline: Date) -> Option<usize> {
        self.quotas.get(&(series.clone(), deadline)).copied()
    }

    /// The looks from a day on that lie before another.
    pub(super) fn looks(
        &self,
        from: Date,
        until: Date,
    ) -> impl Iterator<Item = (Date, IndicatorCode)> + use<'_> {
        let looks = self
            .looks
            .iter()
            .filter(move |(day, _)| *day >= from && *day < until);
        looks.cloned()
    }
}

/// A quota, and what came of it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Outcome {
    pub(super) series: Series,
    pub(super) name: Option<v1::Name>,
    pub(super) deadline: Date,
    /// Since when a case is one of this quota: the deadline before it; none for the first.
    pub(super) since: Option<Date>,
    pub(super) target_hundredths: u32,
    /// None where nobody knows.
    pub(super) missed: Option<bool>,
    /// N/D at the deadline; none where it is not known exactly.
    pub(super) share: Option<f64>,
}

/// What came of the quotas that are asked about.
#[derive(Debug)]
pub(super) struct Outcomes {
    /// By where each stands among all that were noted.
    pub(super) of: BTreeMap<usize, Outcome>,
    /// Position of the ledger by which it is known.
    pub(super) position: u64,
}

impl Outcomes {
    /// Reads what came, some quotas at a time, all as known at one position; `goes_on` is asked in between.
    pub(super) fn read(
        asked: &Asked,
        sought: &Sought<'_>,
        goes_on: impl Fn() -> Result<(), Ended>,
    ) -> Result<Self, Ended> {
        let (mut of, position) = (BTreeMap::new(), sought.position);
        let rules = sought.newest.judge().rules.clone();
        let mut last: Option<(&Series, Date)> = None;
        let quotas: Vec<_> = asked.quotas.iter().collect();
        for some in quotas.chunks(QUOTAS_AT_ONCE) {
            goes_on()?;
            let judge = sought.newest.judge();
            let known = (&judge.state, position);
            for ((series, deadline), index) in some {
                let Some(mut found) = outcome(known, &rules, series, *deadline) else {
                    continue;
                };
                // The quotas of a series come by deadline.
                let before = last.filter(|(before, _)| *before == series);
                found.since = before.map(|(_, deadline)| deadline);
                last = Some((series, *deadline));
                of.insert(**index, found);
            }
        }
        Ok(Self { of, position })
    }
}

/// What came of a quota; none if it is not in force on its last day, or has no pace.
fn outcome(
    (state, position): (&State, u64),
    rules: &Rules,
    series: &Series,
    deadline: Date,
) -> Option<Outcome> {
    let Series {
        locality,
        indicator,
        layer,
    } = series;
    let then = state.at(Moment::end_of(deadline), position);
    let kind = then.indicator(indicator)?.kind;
    let quotas = then.quotas(*locality, indicator);
    let is_it =
        |quota: &&state::QuotaEntry<'_>| quota.layer == *layer && quota.deadline == Some(deadline);
    let quota = quotas.iter().find(is_it)?;
    let yardstick = Yardstick::of_quota(quota.fact);
    let denominator = yardstick.denominator() as f64;
    if kind != IndicatorKind::Cumulative || denominator <= 0.0 {
        return None;
    }
    let ever = state.at(Moment::end_of(Date::MAX), position);
    let figures: Vec<Figure> = ever
        .series(*locality, indicator)
        .iter()
        .filter_map(|entry| figure(yardstick, denominator, entry))
        .collect();
    let target_hundredths = quota.target.hundredths();
    let target = f64::from(target_hundredths) / 10_000.0;
    let moment = lag::day(deadline, None);
    let around = beside(&figures, moment, target * denominator);
    let place = Place {
        name: String::new(),
        parent: String::new(),
        figures,
    };
    let past = Past::new(vec![place]);
    Some(Outcome {
        series: series.clone(),
        name: then
            .locality(*locality)
            .map(|locality| wire::event::name(locality.name)),
        deadline,
        since: None,
        target_hundredths,
        missed: past.missed(rules, 0, target, moment).or(around),
        share: past.came(rules, 0, moment),
    })
}

/// A figure as a count; none of what is only known to be less.
fn figure(yardstick: Yardstick, denominator: f64, entry: &FigureEntry<'_>) -> Option<Figure> {
    let measured = yardstick.measure(&entry.figure)?;
    let counted = entry.figure.value.filter(|_| !measured.is_from_percent);
    let bound = counted.map_or(entry.figure.percent_bound, |value| value.bound);
    let amount = measured.amount;
    let moment = entry.recorded.effective;
    let on = (moment.date(), moment.hour());
    let (at, count) = lag::point(on, (amount.numerator, amount.divisor));
    (bound != Bound::AtMost).then_some(Figure {
        at,
        count,
        denominator,
        is_bound: bound == Bound::AtLeast,
    })
}

/// Whether it was missed by what stands before the deadline or after it, where nothing stands at it: what is cumulative does not fall.
fn beside(figures: &[Figure], deadline: f64, required: f64) -> Option<bool> {
    let meets = |figure: &Figure| figure.count + 1e-6 >= required;
    let later = figures.partition_point(|figure| figure.at <= deadline);
    let (before, after) = figures.split_at(later);
    if before.last().is_some_and(meets) {
        return Some(false);
    }
    let short = |figure: &Figure| !figure.is_bound && !meets(figure);
    after.first().is_some_and(short).then_some(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figures(counts: &[(f64, f64)]) -> Vec<Figure> {
        let figure = |(at, count): &(f64, f64)| Figure {
            at: *at,
            count: *count,
            denominator: 100.0,
            is_bound: false,
        };
        counts.iter().map(figure).collect()
    }

    #[test]
    fn what_stands_beside_a_deadline_says_what_it_can() {
        let by = |counts: &[(f64, f64)]| beside(&figures(counts), 10.0, 90.0);
        assert_eq!(by(&[]), None);
        // Met before, and nobody reported since.
        assert_eq!(by(&[(3.0, 90.0)]), Some(false));
        assert_eq!(by(&[(3.0, 80.0)]), None);
        // Long after it was still short.
        assert_eq!(by(&[(3.0, 20.0), (70.0, 89.0)]), Some(true));
        assert_eq!(by(&[(3.0, 20.0), (70.0, 95.0)]), None);
        let mut bound = figures(&[(70.0, 50.0)]);
        bound[0].is_bound = true;
        assert_eq!(beside(&bound, 10.0, 90.0), None, "it may have been more");
    }
}
