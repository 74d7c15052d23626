//! Planned trajectories of quotas, and the figures beside them.

use domain::text::Moment;
use domain::{IndicatorCode, LocalityId};
use jiff::ToSpan;
use jiff::civil::Date;
use state::{FigureEntry, NoPlan, PlanBasis, PlanPoint, QuotaEntry, Reading, Yardstick};
use wire::v1;

use super::quota;

/// Most figures of an answer.
const FIGURES_MAX: usize = 1_000;
/// Days between two points of an even plan, unless they would be too many.
const STEP_DAYS: i32 = 7;
/// Most steps of an even plan: with the point it begins with and that of the deadline it has 100 points at most.
const STEPS_MAX: i32 = 98;

/// The reason of a quota that has a plan.
const NONE: v1::NoPlanReason = v1::NoPlanReason::Unspecified;

/// The trajectories of a locality in one indicator, without the head of the answer.
pub(crate) fn trajectories(
    reading: &Reading<'_>,
    indicator: &IndicatorCode,
    id: LocalityId,
) -> v1::GetTrajectoryResponse {
    let figures = reading.series(id, indicator);
    let newest = &figures[figures.len().saturating_sub(FIGURES_MAX)..];
    let quotas = reading.quotas(id, indicator);
    v1::GetTrajectoryResponse {
        locality: reading.locality(id).as_ref().map(super::head),
        quotas: quotas
            .iter()
            .map(|entry| trajectory(reading, entry, id, (&figures, newest)))
            .collect(),
        figures: newest
            .iter()
            .map(|entry| super::figure(reading, id, entry))
            .collect(),
        figure_count: figures.len() as u64,
        ..Default::default()
    }
}

/// One quota beside all figures, of which the newest are shown.
fn trajectory(
    reading: &Reading<'_>,
    entry: &QuotaEntry<'_>,
    id: LocalityId,
    (all, shown): (&[FigureEntry<'_>], &[FigureEntry<'_>]),
) -> v1::QuotaTrajectory {
    let basis = reading.plan_basis(entry, id);
    let quota = numbers(entry, &basis);
    let plan = lag::Plan::of(&quota);
    let drawn = Drawn {
        yardstick: basis.yardstick,
        quota: &quota,
        plan: plan.as_ref(),
        begins: begins(&basis),
    };
    let (kind, no_plan_reason) = match &plan {
        None => (v1::PlanKind::None, reason(&basis)),
        Some(_) if basis.milestones.is_empty() => (v1::PlanKind::Even, NONE),
        Some(_) => (v1::PlanKind::Milestones, NONE),
    };
    let unit = match basis.yardstick {
        Yardstick::Count(_) => v1::TrajectoryUnit::Count,
        Yardstick::Share => v1::TrajectoryUnit::HundredthsOfPoint,
    };
    let newest = all.iter().rev();
    let newest = newest.map(|figure| (drawn.point(figure), figure));
    let newest = newest.into_iter().find(|(point, _)| point.count.is_some());
    v1::QuotaTrajectory {
        quota: Some(self::quota(reading, entry, id)),
        plan_kind: kind as i32,
        no_plan_reason: no_plan_reason as i32,
        unit: unit as i32,
        plan: drawn.curve(&basis),
        standing: newest.and_then(|(point, figure)| drawn.standing(&point, figure)),
        points: shown.iter().map(|figure| drawn.point(figure)).collect(),
    }
}

/// A quota as the numbers that `lag` reckons with.
fn numbers(entry: &QuotaEntry<'_>, basis: &PlanBasis) -> lag::Quota {
    let point = |point: &PlanPoint| {
        let amount = (point.amount.numerator, point.amount.divisor);
        lag::point(on(point.moment), amount)
    };
    lag::Quota {
        denominator: basis.yardstick.denominator() as f64,
        target_share: f64::from(entry.target.hundredths()) / 10_000.0,
        start: basis.start.as_ref().map(point),
        deadline: basis.deadline.map(day),
        milestones: basis.milestones.iter().map(point).collect(),
        position: entry.recorded.position,
    }
}

/// Why there is no plan.
fn reason(basis: &PlanBasis) -> v1::NoPlanReason {
    match basis.no_plan {
        None => NONE,
        Some(NoPlan::NotCumulative) => v1::NoPlanReason::NotCumulative,
        Some(NoPlan::NoDeadline) => v1::NoPlanReason::NoDeadline,
        Some(NoPlan::NoStart) => v1::NoPlanReason::NoStart,
        Some(NoPlan::NothingByStart) => v1::NoPlanReason::NothingByStart,
    }
}

fn on(moment: Moment) -> (Date, u8) {
    (moment.date(), moment.hour())
}

fn day(moment: Moment) -> f64 {
    let (date, hour) = on(moment);
    lag::day(date, Some(hour))
}

/// The first full hour at or after a day of `lag`; the last of a date is its end.
fn full_hour(days: f64) -> Option<Moment> {
    // What a hair is missing to is rounding noise.
    let hours = (days * 24.0 - 1e-6).ceil();
    let date = lag::date(hours / 24.0)?;
    let hour = hours - lag::day(date, Some(0)) * 24.0;
    if hour > 23.0 {
        return Some(Moment::end_of(date));
    }
    Moment::at_hour(date, hour as u8)
}

/// The first day of a plan.
fn begins(basis: &PlanBasis) -> Option<Date> {
    let first = basis.start.as_ref().or(basis.milestones.first())?;
    Some(first.moment.date())
}

/// A quota, and its plan if it has one.
struct Drawn<'a> {
    yardstick: Yardstick,
    quota: &'a lag::Quota,
    plan: Option<&'a lag::Plan>,
    /// The first day of the plan.
    begins: Option<Date>,
}

impl Drawn<'_> {
    /// How many are planned by a moment of the plan.
    ///
    /// The end of the day before is the same moment as the beginning of the first day. But a figure of that day is what the plan was made from, so that it says nothing to hold it against the plan.
    fn planned(&self, moment: Moment) -> Option<u64> {
        let plan = self.plan.filter(|_| Some(moment.date()) >= self.begins)?;
        plan.planned(day(moment))
    }

    fn point(&self, entry: &FigureEntry<'_>) -> v1::TrajectoryPoint {
        let effective = entry.recorded.effective;
        let measured = self.yardstick.measure(&entry.figure);
        let count = measured.map(|measured| {
            let amount = (measured.amount.numerator, measured.amount.divisor);
            self.quota.whole(lag::point(on(effective), amount).1)
        });
        v1::TrajectoryPoint {
            effective: effective.to_string(),
            position: entry.recorded.position,
            count,
            from_percent: measured.is_some_and(|measured| measured.is_from_percent),
            planned: self.planned(effective),
        }
    }

    fn standing(
        &self,
        point: &v1::TrajectoryPoint,
        entry: &FigureEntry<'_>,
    ) -> Option<v1::PlanStanding> {
        let (count, moment) = (point.count?, entry.recorded.effective);
        let plan = self.plan.filter(|_| point.planned.is_some())?;
        let standing = plan.standing(day(moment), count)?;
        Some(v1::PlanStanding {
            effective: point.effective.clone(),
            position: point.position,
            count,
            planned: standing.planned,
            gap: standing.gap,
            days_behind: standing.days_behind,
        })
    }

    /// Where lines from milestone to milestone would miss the target: from when on no more is planned though a milestone asks for more, or the hour before a deadline of which a milestone asks for less.
    fn bend(&self, basis: &PlanBasis) -> Option<Moment> {
        let plan = self.plan.filter(|_| !basis.milestones.is_empty())?;
        if let Some(deadline) = basis.deadline.filter(|_| plan.jumps()) {
            return full_hour(day(deadline) - 1.0 / 24.0);
        }
        full_hour(plan.reaches_target()?)
    }

    /// The plan at the moments that it is drawn by; empty without a plan.
    fn curve(&self, basis: &PlanBasis) -> Vec<v1::PlannedPoint> {
        let start = basis.start.map(|start| start.moment);
        let mut moments: Vec<Moment> = start.into_iter().collect();
        match (basis.milestones.as_slice(), start, basis.deadline) {
            ([], Some(start), Some(deadline)) => moments.extend(steps(start, deadline)),
            (milestones, ..) => moments.extend(milestones.iter().map(|it| it.moment)),
        }
        moments.extend(basis.deadline);
        moments.extend(self.bend(basis));
        moments.sort_unstable();
        moments.dedup();
        let points = moments.iter().filter_map(|moment| {
            Some(v1::PlannedPoint {
                moment: moment.to_string(),
                count: self.planned(*moment)?,
            })
        });
        points.collect()
    }
}

/// The moments between the days of start and deadline at which an even plan is drawn, each at hour 0.
fn steps(start: Moment, deadline: Moment) -> impl Iterator<Item = Moment> {
    let days = (deadline.date() - start.date()).get_days();
    let step = STEP_DAYS.max((days + STEPS_MAX) / (STEPS_MAX + 1));
    let after = (1..=(days - 1) / step).map(move |number| number * step);
    after.filter_map(move |days| {
        let date = start.date().checked_add(days.days()).ok()?;
        Moment::at_hour(date, 0)
    })
}
