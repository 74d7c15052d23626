//! The planned curve P(t), its inverse, and where a count stands against it.
//!
//! Entered milestones are interpolated; else the plan takes an equal share of those left each
//! day: λp = ln((D − N0)/R\*)/(T − t0), P(t) = D − (D − N0)·e^(−λp(t − t0)).
//! Who began with the target or more keeps to it: P(t) = N\*.
//! Position: gap = N − P(t); days behind = t − P⁻¹(N).
//!
//! A curve has every number between two counts, people come one by one.
//! So [`Plan::planned`] and [`Plan::standing`] are in whole units: one is planned once the curve
//! crosses it, no more are planned than N\*, and from T on no fewer.

use crate::Quota;
use crate::target::{Target, whole};

/// The planned curve of a quota.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    curve: Curve,
    /// N\*.
    required: f64,
    /// T.
    deadline: Option<f64>,
}

#[derive(Debug, Clone, PartialEq)]
enum Curve {
    /// Points by time, times rising, counts never falling; at least one.
    Milestones(Vec<(f64, f64)>),
    /// From (t0, N0) towards the ceiling at rate λp, held after T.
    Even {
        start: (f64, f64),
        deadline: f64,
        ceiling: f64,
        rate: f64,
    },
}

/// Where a count stands against a plan, in whole units. Gap and days never contradict each other.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PlanStanding {
    /// What was planned by then: ⌊P(t)⌋, at most N\*, from T on N\*.
    pub planned: u64,
    /// N less that; negative where some are missing.
    pub gap: i64,
    /// Where some are missing the days since the first of them was planned, t − P⁻¹(N + 1), 0 or
    /// more; where there are more than planned the days until the plan asks for so many,
    /// t − P⁻¹(min(N, N\*)), 0 or less; else 0.
    /// `None` for more than milestones without a deadline ever ask for.
    pub days_behind: Option<f64>,
}

impl Plan {
    /// The plan of a quota.
    ///
    /// `None` without milestones if there is no start or no deadline, or no time between them; and
    /// for a quota that cannot be reckoned with.
    #[must_use]
    pub fn of(quota: &Quota) -> Option<Plan> {
        let target = Target::of(quota)?;
        let start = quota
            .start
            .filter(|(at, count)| at.is_finite() && count.is_finite());
        let deadline = quota.deadline.filter(|at| at.is_finite());
        let curve = if quota.milestones.is_empty() {
            even(start?, deadline?, &target)
        } else {
            milestones(quota, start, deadline, &target)
        };
        Some(Plan {
            curve: curve?,
            required: target.required,
            deadline,
        })
    }

    /// P(t), people; `None` before the first milestone, and N0 before the start.
    #[must_use]
    pub fn at(&self, moment: f64) -> Option<f64> {
        match &self.curve {
            Curve::Milestones(points) => {
                let next = points.partition_point(|(at, _)| *at <= moment);
                let (at, count) = *points.get(next.checked_sub(1)?)?;
                Some(match points.get(next) {
                    Some((then, more)) => count + (more - count) * (moment - at) / (then - at),
                    None => count,
                })
            }
            Curve::Even {
                start: (from, already),
                deadline,
                ceiling,
                rate,
            } => {
                let days = moment.clamp(*from, *deadline) - from;
                Some(ceiling - (ceiling - already) * (-rate * days).exp())
            }
        }
    }

    /// P⁻¹(N), days: the moment at which the plan wanted this count; `None` when it never did.
    #[must_use]
    pub fn when(&self, count: f64) -> Option<f64> {
        match &self.curve {
            Curve::Milestones(points) => {
                let next = points.partition_point(|(_, planned)| *planned < count);
                let (then, more) = *points.get(next)?;
                let Some((at, less)) = next.checked_sub(1).and_then(|i| points.get(i)) else {
                    return Some(then);
                };
                Some(at + (then - at) * (count - less) / (more - less))
            }
            Curve::Even {
                start: (from, already),
                ceiling,
                rate,
                ..
            } => {
                if count <= *already {
                    return Some(*from);
                }
                let moment = from + ((ceiling - already) / (ceiling - count)).ln() / rate;
                (*rate > 0.0 && count < *ceiling).then_some(moment)
            }
        }
    }

    /// The units planned by a moment: ⌊P(t)⌋, at most N\*, from T on N\*; `None` before the plan begins.
    #[must_use]
    pub fn planned(&self, moment: f64) -> Option<u64> {
        let begins = match &self.curve {
            Curve::Milestones(points) => points.first()?.0,
            Curve::Even { start, .. } => start.0,
        };
        if moment.is_nan() || moment < begins {
            return None;
        }
        let required = whole(self.required);
        if self.deadline.is_some_and(|deadline| moment >= deadline) {
            return Some(required);
        }
        Some(whole(self.at(moment)?).min(required))
    }

    /// The first moment at which the whole target is planned; `None` if it never is.
    #[must_use]
    pub fn reaches_target(&self) -> Option<f64> {
        self.wanted(whole(self.required))
    }

    /// Whether at the deadline more is planned than its milestones lead to.
    #[must_use]
    pub fn jumps(&self) -> bool {
        let Curve::Milestones(_) = self.curve else {
            return false;
        };
        let at = self.deadline.and_then(|deadline| self.at(deadline));
        at.is_some_and(|at| whole(at) < whole(self.required))
    }

    /// Where a count of a moment stands; `None` before the plan begins.
    #[must_use]
    pub fn standing(&self, moment: f64, count: u64) -> Option<PlanStanding> {
        let planned = self.planned(moment)?;
        let since = |count: u64| self.wanted(count).map(|when| moment - when);
        let days_behind = if count < planned {
            since(count + 1).map(|days| days.max(0.0))
        } else if count > planned {
            since(count.min(whole(self.required))).map(|days| days.min(0.0))
        } else {
            Some(0.0)
        };
        let gap = i128::from(count) - i128::from(planned);
        Some(PlanStanding {
            planned,
            gap: gap.clamp(i64::MIN.into(), i64::MAX.into()) as i64,
            days_behind,
        })
    }

    /// The first moment at which so many are planned, N\* at the most; `None` if they never are.
    fn wanted(&self, count: u64) -> Option<f64> {
        let wanted = self.when(count as f64);
        match (wanted, self.deadline) {
            (Some(wanted), Some(deadline)) => Some(wanted.min(deadline)),
            (wanted, deadline) => wanted.or(deadline),
        }
    }
}

/// From the start to the deadline, an equal share of those left each day.
fn even((from, already): (f64, f64), deadline: f64, target: &Target) -> Option<Curve> {
    let days = deadline - from;
    if days <= 0.0 {
        return None;
    }
    // No more than the target is ever planned.
    let (already, rate) = match target.is_met(already) {
        true => (target.required, 0.0),
        false => {
            let rate = (target.left(already) / target.allowed).ln() / days;
            (already, rate.max(0.0))
        }
    };
    Some(Curve::Even {
        start: (from, already),
        deadline,
        ceiling: target.ceiling,
        rate,
    })
}

/// Start, milestones and target in one non-falling line.
fn milestones(
    quota: &Quota,
    start: Option<(f64, f64)>,
    deadline: Option<f64>,
    target: &Target,
) -> Option<Curve> {
    let mut points: Vec<(f64, f64)> = start
        .into_iter()
        .chain(quota.milestones.iter().copied())
        .filter(|(at, count)| at.is_finite() && count.is_finite())
        .collect();
    points.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)));
    if let (Some(deadline), Some(last)) = (deadline, points.last())
        && last.0 < deadline
    {
        points.push((deadline, target.required));
    }
    let mut highest = f64::NEG_INFINITY;
    for point in &mut points {
        highest = highest.max(point.1);
        point.1 = highest;
    }
    // Of several entries for one moment the highest stands.
    points.reverse();
    points.dedup_by(|later, kept| later.0 == kept.0);
    points.reverse();
    (!points.is_empty()).then_some(Curve::Milestones(points))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quota(milestones: Vec<(f64, f64)>) -> Quota {
        Quota {
            denominator: 1000.0,
            target_share: 0.9,
            start: Some((0.0, 200.0)),
            deadline: Some(30.0),
            milestones,
            position: 1,
        }
    }

    fn plan(quota: &Quota) -> Plan {
        Plan::of(quota).unwrap()
    }

    fn close(a: Option<f64>, b: f64) {
        assert!((a.unwrap() - b).abs() < 1e-9, "{a:?} is not {b}");
    }

    #[test]
    fn even_plan_meets_start_middle_and_target() {
        // R* = 100, D − N0 = 800: λp = ln 8 / 30. After 10 days 800·8^(−1/3) = 400 are left.
        let plan = plan(&quota(vec![]));
        close(plan.at(0.0), 200.0);
        close(plan.at(10.0), 600.0);
        close(plan.at(20.0), 800.0);
        close(plan.at(30.0), 900.0);
        close(plan.at(99.0), 900.0);
        close(plan.when(600.0), 10.0);
        close(plan.when(100.0), 0.0);
    }

    #[test]
    fn milestones_are_interpolated_towards_the_target() {
        let plan = plan(&quota(vec![(20.0, 600.0), (10.0, 400.0)]));
        close(plan.at(5.0), 300.0);
        close(plan.at(15.0), 500.0);
        close(plan.at(25.0), 750.0);
        close(plan.when(500.0), 15.0);
        close(plan.when(0.0), 0.0);
        assert_eq!(plan.when(901.0), None);
    }

    #[test]
    fn a_plan_needs_a_start_or_milestones() {
        let mut quota = quota(vec![]);
        quota.start = None;
        assert_eq!(Plan::of(&quota), None);
        quota.start = Some((30.0, 0.0));
        assert_eq!(Plan::of(&quota), None);
    }

    /// Planned, gap and days behind.
    fn stands(plan: &Plan, at: f64, count: u64) -> (u64, i64, f64) {
        let standing = plan.standing(at, count).unwrap();
        let days = standing.days_behind.unwrap();
        let rounded = (days * 1e6).round() / 1e6;
        (standing.planned, standing.gap, rounded)
    }

    #[test]
    fn who_begins_with_the_target_or_more_is_to_keep_to_it() {
        let mut quota = quota(vec![]);
        for already in [900.0, 950.0, 1_200.0] {
            quota.start = Some((0.0, already));
            let plan = plan(&quota);
            close(plan.at(0.0), 900.0);
            close(plan.at(17.0), 900.0);
            assert_eq!(plan.planned(-0.01), None);
            // Nothing has been short of it for longer than since the start.
            assert_eq!(stands(&plan, 12.0, 120), (900, -780, 12.0));
            assert_eq!(stands(&plan, 12.0, 899), (900, -1, 12.0));
            assert_eq!(stands(&plan, 12.0, 900), (900, 0, 0.0));
            assert_eq!(stands(&plan, 12.0, 950), (900, 50, 0.0));
            assert_eq!(stands(&plan, 40.0, 120), (900, -780, 40.0));
        }
        // 83.8 % of 101 are 84.638, which is enough of 85.
        quota.target_share = 0.838;
        (quota.denominator, quota.start) = (101.0, Some((0.0, 84.638)));
        assert_eq!(plan(&quota).planned(0.0), Some(85));
    }

    #[test]
    fn the_target_is_planned_from_a_moment_on() {
        // From 600 on day 10 to 1,000 on day 20 the 900th is planned three quarters on.
        let above = plan(&quota(vec![(10.0, 600.0), (20.0, 1_000.0)]));
        assert_eq!((above.reaches_target(), above.jumps()), (Some(17.5), false));
        assert!(plan(&quota(vec![(30.0, 800.0)])).jumps());
        assert!(!plan(&quota(vec![(30.0, 900.0)])).jumps());
        assert_eq!(
            plan(&quota(vec![(30.0, 800.0)])).reaches_target(),
            Some(30.0)
        );
        assert_eq!(
            plan(&quota(vec![(20.0, 600.0)])).reaches_target(),
            Some(30.0)
        );
        let mut open = quota(vec![(20.0, 600.0)]);
        open.deadline = None;
        assert_eq!(plan(&open).reaches_target(), None);
    }

    #[test]
    fn a_count_stands_in_whole_people() {
        // P(10) = 600, P(20) = 800, as above; P⁻¹(N) = 30·ln(800/(1000 − N))/ln 8.
        let plan = plan(&quota(vec![]));
        assert_eq!(stands(&plan, 10.0, 600), (600, 0, 0.0));
        // 600 are reached: those from 601 on are missing, of which the first was planned
        // 30·ln(800/399)/ln 8 = 10.036113 days after the start.
        assert_eq!(stands(&plan, 20.0, 600), (800, -200, 9.963_887));
        assert_eq!(stands(&plan, 10.0, 599), (600, -1, 0.0));
        assert_eq!(stands(&plan, 10.0, 800), (600, 200, -10.0));
        // Of half a person nobody is missing: P(9.99) = 599.72.
        assert_eq!(stands(&plan, 9.99, 599), (599, 0, 0.0));
    }

    #[test]
    fn no_more_than_the_target_is_asked_for_and_from_the_deadline_on_no_less() {
        let plan = plan(&quota(vec![]));
        assert_eq!(stands(&plan, 20.0, 900), (800, 100, -10.0));
        assert_eq!(stands(&plan, 20.0, 1_200), (800, 400, -10.0));
        assert_eq!(stands(&plan, 30.0, 899), (900, -1, 0.0));
        assert_eq!(stands(&plan, 34.0, 899), (900, -1, 4.0));
        assert_eq!(stands(&plan, 34.0, 900), (900, 0, 0.0));
        assert_eq!(stands(&plan, 34.0, 950), (900, 50, 0.0));
    }

    #[test]
    fn everybody_is_planned_at_the_deadline_and_not_before() {
        let mut quota = quota(vec![]);
        quota.target_share = 1.0;
        let plan = plan(&quota);
        // Half a person is left at T, so the last one is never on the curve.
        assert_eq!(plan.when(1_000.0), None);
        assert_eq!(plan.planned(29.99), Some(999));
        assert_eq!(stands(&plan, 30.0, 1_000), (1_000, 0, 0.0));
        // 800·1600^(−12/30) = 41.8 are left on day 12.
        assert_eq!(stands(&plan, 12.0, 1_000), (958, 42, -18.0));
        assert_eq!(stands(&plan, 31.5, 999), (1_000, -1, 1.5));
    }

    #[test]
    fn milestones_beside_the_target_do_not_move_it() {
        // One above the target, reached by day 20; one below it at the deadline.
        let above = plan(&quota(vec![(20.0, 950.0)]));
        assert_eq!(above.planned(25.0), Some(900));
        let below = plan(&quota(vec![(30.0, 800.0)]));
        assert_eq!(below.planned(29.999), Some(799));
        assert_eq!(stands(&below, 30.0, 800), (900, -100, 0.0));
        assert_eq!(stands(&below, 31.0, 850), (900, -50, 1.0));
        // P⁻¹(800) = 30 though P⁻¹(801) is nowhere on the curve.
        assert_eq!(stands(&below, 15.0, 850), (500, 350, -15.0));
    }

    #[test]
    fn before_a_plan_begins_nothing_is_planned() {
        assert_eq!(plan(&quota(vec![])).standing(-0.01, 100), None);
        let mut quota = quota(vec![(10.0, 400.0), (20.0, 600.0)]);
        (quota.start, quota.deadline) = (None, None);
        let plan = plan(&quota);
        assert_eq!(plan.standing(9.99, 100), None);
        assert_eq!(stands(&plan, 10.0, 300), (400, -100, 0.0));
        assert_eq!(stands(&plan, 40.0, 600), (600, 0, 0.0));
        // Nobody says by when 601 are asked for.
        let beyond = plan.standing(15.0, 601).unwrap();
        assert_eq!((beyond.gap, beyond.days_behind), (101, None));
    }

    #[test]
    fn rounding_noise_is_nobody() {
        // 0.7·(14/20) and the like are a hair below; the unit counts all the same.
        let mut quota = quota(vec![(10.0, 30.0), (20.0, 37.0)]);
        (quota.start, quota.denominator) = (None, 100.0);
        let plan = plan(&quota);
        for day in 0..=70_u32 {
            let at = 10.0 + f64::from(day) / 7.0;
            let exact = 30 + u64::from(day) / 10;
            assert_eq!(plan.planned(at), Some(exact), "{at}");
        }
    }
}
