//! The whole numbers that the planned trajectory of a quota is made of.
//!
//! Whoever draws or judges by a plan asks here, so that nobody sees a plan where another sees none.

use domain::code::IndicatorCode;
use domain::event::{IndicatorKind, QuotaAssigned};
use domain::locality::LocalityId;
use domain::text::Moment;
use jiff::civil::Date;

use crate::quota::QuotaEntry;
use crate::reading::Reading;
use crate::timeline::Sight;
use crate::yardstick::{Amount, Yardstick};

/// What a plan is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlanBasis {
    /// What the quota counts in.
    pub yardstick: Yardstick,
    /// Hour 0 of the first day of the work, and what was on record of that moment or the last one before it; none if nothing was.
    ///
    /// A figure of a later moment does not serve, and nothing on record is not zero: that would make a pace out of everything that was done before.
    pub start: Option<PlanPoint>,
    /// The milestones, each at the end of its day.
    pub milestones: Vec<PlanPoint>,
    /// The end of the last day.
    pub deadline: Option<Moment>,
    /// Why there is no plan; none if there is one.
    pub no_plan: Option<NoPlan>,
}

/// A point of a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PlanPoint {
    /// By when.
    pub moment: Moment,
    /// How many.
    pub amount: Amount,
}

/// Why a quota has no planned trajectory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoPlan {
    /// Its indicator is a level or a day's work, to which nothing adds up.
    NotCumulative,
    /// It says of no last day.
    NoDeadline,
    /// It says of no first day.
    NoStart,
    /// Nobody knows what the work began with: no figure on record speaks of its first moment or one before.
    NothingByStart,
}

impl Reading<'_> {
    /// What the plan of a quota of a locality is made of.
    ///
    /// With milestones they are the plan, else it leads evenly from the start to the deadline; who begins with the target keeps to it.
    #[must_use]
    pub fn plan_basis(&self, quota: &QuotaEntry<'_>, id: LocalityId) -> PlanBasis {
        let (key, kind) = (self.key(id, &quota.indicator), self.kind(&quota.indicator));
        self.plan_basis_of(quota.fact, key, kind)
    }

    /// The same of a series that was found, and of an indicator whose kind is known.
    pub(crate) fn plan_basis_of(
        &self,
        quota: &QuotaAssigned,
        key: Option<(u32, u32)>,
        kind: Option<IndicatorKind>,
    ) -> PlanBasis {
        let yardstick = Yardstick::of_quota(quota);
        let is_cumulative = kind == Some(IndicatorKind::Cumulative);
        let milestones = quota.milestones.iter().filter(|_| is_cumulative);
        let milestones = milestones.map(|milestone| PlanPoint {
            moment: Moment::end_of(milestone.date),
            amount: yardstick.of_people(milestone.count, quota),
        });
        let first_day = quota.start.filter(|_| is_cumulative);
        let mut basis = PlanBasis {
            yardstick,
            start: first_day.and_then(|day| self.begun(quota, key?, day)),
            milestones: milestones.collect(),
            deadline: quota.deadline.map(Moment::end_of),
            no_plan: (!is_cumulative).then_some(NoPlan::NotCumulative),
        };
        basis.no_plan = basis.no_plan.or_else(|| no_even_plan(quota, &basis));
        basis
    }

    /// What an indicator counts, even if its definition speaks of a later day.
    fn kind(&self, indicator: &IndicatorCode) -> Option<IndicatorKind> {
        let ever = || {
            let whenever = self.state.at(Moment::end_of(Date::MAX), self.position());
            whenever.indicator(indicator)
        };
        let entry = self.indicator(indicator).or_else(ever)?;
        Some(entry.fact.kind)
    }

    /// The first moment of the work, with the newest figure of that moment or an earlier one that can be measured.
    fn begun(&self, quota: &QuotaAssigned, key: (u32, u32), first_day: Date) -> Option<PlanPoint> {
        let moment = Moment::at_hour(first_day, 0)?;
        let sight = Sight {
            horizon: self.sight.horizon.min(moment),
            ..self.sight
        };
        let yardstick = Yardstick::of_quota(quota);
        let mut last = None;
        for row in self
            .state
            .figures
            .get(key)?
            .holding(sight, self.state)
            .rev()
        {
            // Of one moment the last holds, and comes first here.
            if last.replace(row.at()) == Some(row.at()) {
                continue;
            }
            if let Some(measured) = yardstick.measure_numbers(row.into()) {
                let amount = measured.amount;
                return Some(PlanPoint { moment, amount });
            }
        }
        None
    }
}

/// What is lacking for an even plan, if there are no milestones.
fn no_even_plan(quota: &QuotaAssigned, basis: &PlanBasis) -> Option<NoPlan> {
    if !basis.milestones.is_empty() {
        return None;
    }
    match basis.start {
        _ if basis.deadline.is_none() => Some(NoPlan::NoDeadline),
        _ if quota.start.is_none() => Some(NoPlan::NoStart),
        None => Some(NoPlan::NothingByStart),
        Some(_) => None,
    }
}
