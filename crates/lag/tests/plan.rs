//! Laws of a plan in whole units, for any quota.

use lag::{Plan, Quota};
use proptest::prelude::*;

/// When the work begins.
const START: f64 = 100.0;

prop_compose! {
    /// A quota with or without milestones between its start and its deadline, one of which may be the deadline's.
    fn quota()(
        denominator in 1..2_000_000_u32,
        hundredths in 1..=11_000_u32,
        already in 0.0..1.0_f64,
        is_whole in any::<bool>(),
        days in 1..400_u32,
        with_start in any::<bool>(),
        milestones in prop::collection::vec((1..=400_u32, 0..2_200_000_u32), 0..5),
    ) -> Quota {
        let denominator = f64::from(denominator);
        let already = already * denominator;
        let already = if is_whole { already.floor() } else { already };
        let inside = milestones.iter().filter(|(day, _)| *day <= days);
        let milestones: Vec<_> = inside
            .map(|(day, count)| (START + f64::from(*day), f64::from(*count)))
            .collect();
        Quota {
            denominator,
            target_share: f64::from(hundredths) / 10_000.0,
            start: (with_start || milestones.is_empty()).then_some((START, already)),
            deadline: Some(START + f64::from(days)),
            milestones,
            position: 1,
        }
    }
}

/// N\*, as a count that nobody computes with floats.
fn required(quota: &Quota) -> u64 {
    let hundredths = (quota.target_share * 10_000.0).round() as u64;
    (hundredths * quota.denominator as u64).div_ceil(10_000)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn gap_and_days_never_contradict(
        quota in quota(),
        day in 0.0..500.0_f64,
        share in 0.0..1.3_f64,
        near in -2..=2_i64,
        is_near in any::<bool>(),
    ) {
        let Some(plan) = Plan::of(&quota) else { return Ok(()) };
        let at = START + day;
        let Some(planned) = plan.planned(at) else { return Ok(()) };
        let count = match is_near {
            true => planned.saturating_add_signed(near),
            false => (share * quota.denominator) as u64,
        };
        let standing = plan.standing(at, count).unwrap();
        prop_assert_eq!(standing.planned, planned);
        prop_assert_eq!(standing.gap, count as i64 - planned as i64);
        let days = standing.days_behind;
        prop_assert!(days.is_some_and(f64::is_finite), "a deadline says by when: {days:?}");
        let days = days.unwrap();
        match standing.gap {
            0 => prop_assert_eq!(days, 0.0),
            1.. => prop_assert!(days <= 0.0, "{standing:?}"),
            _ => prop_assert!(days >= 0.0, "{standing:?}"),
        }
        // Whoever is behind by so many days was not behind before them.
        let before = at - days - 1e-6;
        let is_within = before >= START && days > 1e-6;
        if standing.gap < 0 && is_within && let Some(wanted) = plan.at(before) {
            prop_assert!(wanted < count as f64 + 1.0, "{wanted} {standing:?}");
        }
    }

    #[test]
    fn what_is_planned_never_falls_and_is_the_target_at_the_deadline(
        quota in quota(),
        mut moments in prop::collection::vec(0.0..500.0_f64, 1..40),
    ) {
        let Some(plan) = Plan::of(&quota) else { return Ok(()) };
        let deadline = quota.deadline.unwrap();
        prop_assert_eq!(plan.planned(deadline), Some(required(&quota)));
        prop_assert_eq!(plan.planned(deadline + 77.0), Some(required(&quota)));
        prop_assert_eq!(plan.planned(START - 0.5), None);
        moments.sort_by(f64::total_cmp);
        let planned: Vec<_> = moments.iter().map(|at| plan.planned(START + at)).collect();
        prop_assert!(planned.is_sorted(), "{planned:?}");
        prop_assert!(planned.iter().flatten().all(|planned| *planned <= required(&quota)));
    }

    #[test]
    fn a_standing_does_not_get_better_by_waiting(
        quota in quota(),
        days in (0.0..500.0_f64, 0.0..500.0_f64),
        share in 0.0..1.3_f64,
    ) {
        let Some(plan) = Plan::of(&quota) else { return Ok(()) };
        let (one, other) = (START + days.0.min(days.1), START + days.0.max(days.1));
        let count = (share * quota.denominator) as u64;
        if let (Some(early), Some(late)) = (plan.standing(one, count), plan.standing(other, count)) {
            prop_assert!(late.gap <= early.gap, "{early:?} {late:?}");
            prop_assert!(late.days_behind >= early.days_behind, "{early:?} {late:?}");
        }
    }
}
