//! The planned curve P(t) and its inverse.
//!
//! Entered milestones are interpolated; else the plan takes an equal share of those left each
//! day: λp = ln((D − N0)/R\*)/(T − t0), P(t) = D − (D − N0)·e^(−λp(t − t0)).

use crate::Quota;
use crate::target::Target;

pub(crate) enum Plan {
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

impl Plan {
    /// The plan of a quota; `None` without milestones and without start or deadline.
    pub(crate) fn of(quota: &Quota, target: &Target) -> Option<Plan> {
        let start = quota
            .start
            .filter(|(at, count)| at.is_finite() && count.is_finite());
        let deadline = quota.deadline.filter(|at| at.is_finite());
        if !quota.milestones.is_empty() {
            return milestones(quota, start, deadline, target);
        }
        let ((from, already), deadline) = (start?, deadline?);
        let days = deadline - from;
        if days <= 0.0 {
            return None;
        }
        let rate = ((target.left(already) / target.allowed).ln() / days).max(0.0);
        Some(Plan::Even {
            start: (from, already),
            deadline,
            ceiling: target.ceiling,
            rate,
        })
    }

    /// P(t); `None` before the first milestone.
    pub(crate) fn at(&self, moment: f64) -> Option<f64> {
        match self {
            Plan::Milestones(points) => {
                let next = points.partition_point(|(at, _)| *at <= moment);
                let (at, count) = *points.get(next.checked_sub(1)?)?;
                Some(match points.get(next) {
                    Some((then, more)) => count + (more - count) * (moment - at) / (then - at),
                    None => count,
                })
            }
            Plan::Even {
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

    /// P⁻¹(N): the moment at which the plan wanted this count; `None` when it never did.
    pub(crate) fn when(&self, count: f64) -> Option<f64> {
        match self {
            Plan::Milestones(points) => {
                let next = points.partition_point(|(_, planned)| *planned < count);
                let (then, more) = *points.get(next)?;
                let Some((at, less)) = next.checked_sub(1).and_then(|i| points.get(i)) else {
                    return Some(then);
                };
                Some(at + (then - at) * (count - less) / (more - less))
            }
            Plan::Even {
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
}

/// Start, milestones and target in one non-falling line.
fn milestones(
    quota: &Quota,
    start: Option<(f64, f64)>,
    deadline: Option<f64>,
    target: &Target,
) -> Option<Plan> {
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
    (!points.is_empty()).then_some(Plan::Milestones(points))
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
        Plan::of(quota, &Target::of(quota).unwrap()).unwrap()
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
        assert!(Plan::of(&quota, &Target::of(&quota).unwrap()).is_none());
        quota.start = Some((30.0, 0.0));
        assert!(Plan::of(&quota, &Target::of(&quota).unwrap()).is_none());
    }
}
