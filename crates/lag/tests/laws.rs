//! Laws of a judgement, for any input.

use lag::{Concern, Facts, Ladder, Peers, Question, Quota, Report, Rules, Standing, Status, Terms};
use lag::{date, day, judge, sentence};
use proptest::prelude::*;

const FACTS: Facts<'static> = Facts {
    place_vi: "X",
    place_en: "X",
    indicator_vi: "y",
    indicator_en: "y",
    counted: None,
};

/// Ordinary numbers, and every kind of number that is not.
fn wild() -> impl Strategy<Value = f64> {
    prop_oneof![
        6 => -50.0..2000.0_f64,
        1 => Just(0.0),
        1 => Just(f64::NAN),
        1 => Just(f64::INFINITY),
        1 => Just(f64::NEG_INFINITY),
        1 => Just(f64::MAX),
        1 => Just(1e-300),
    ]
}

fn maybe(value: impl Strategy<Value = f64>) -> impl Strategy<Value = Option<f64>> {
    prop::option::of(value)
}

prop_compose! {
    fn wild_report()(at in wild(), count in wild(), position in 1..99_u64) -> Report {
        Report { at, count, position }
    }
}

prop_compose! {
    fn wild_quota()(
        denominator in wild(),
        target_share in prop_oneof![3 => 0.0..1.5_f64, 1 => wild()],
        start in prop::option::of((wild(), wild())),
        deadline in maybe(wild()),
        milestones in prop::collection::vec((wild(), wild()), 0..4),
    ) -> Quota {
        Quota { denominator, target_share, start, deadline, milestones, position: 100 }
    }
}

prop_compose! {
    fn wild_peers()(
        completed in wild(),
        exposure in wild(),
        average_share in maybe(wild()),
        completed_share in maybe(wild()),
        funnel_dispersion in wild(),
        stall_dispersion in wild(),
    ) -> Peers {
        Peers {
            completed, exposure, average_share, completed_share, funnel_dispersion, stall_dispersion,
        }
    }
}

/// A place as it happens: whole counts, any order of rise and fall, one report per moment.
#[derive(Debug, Clone)]
struct Place {
    reports: Vec<Report>,
    quota: Quota,
    today: f64,
    parent: Option<f64>,
}

prop_compose! {
    fn place()(
        steps in prop::collection::vec((1..9_u32, -20..200_i32), 1..8),
        eligible in 1..1500_u32,
        share in 1..=120_u32,
        started in any::<bool>(),
        until in 1..80_u32,
        wait in 0..20_u32,
        parent in maybe(0.0..0.1_f64),
    ) -> Place {
        let (mut at, mut count) = (0, 0);
        let mut reports = vec![];
        for ((days, more), position) in steps.into_iter().zip(1..) {
            at += days;
            count = (count + more).max(0);
            reports.push(Report { at: f64::from(at), count: f64::from(count), position });
        }
        let quota = Quota {
            denominator: f64::from(eligible),
            target_share: f64::from(share) / 100.0,
            start: started.then_some((0.0, 0.0)),
            deadline: Some(f64::from(until)),
            milestones: vec![],
            position: 100,
        };
        Place { reports, quota, today: f64::from(at + wait), parent }
    }
}

impl Place {
    fn ask<T>(&self, answer: impl FnOnce(&Question<'_>) -> T) -> T {
        let peers = self.parent.map(|hazard| Peers {
            completed: hazard * 1e5,
            exposure: 1e5,
            average_share: Some(0.6),
            ..Peers::unknown()
        });
        answer(&Question {
            today: self.today,
            reports: &self.reports,
            quota: Some(&self.quota),
            peers: peers.as_ref(),
            last_report: None,
            blocking_finding: false,
            declared_completion: None,
            residuals: &[],
        })
    }
}

fn figures(t: &Terms) -> Vec<Option<f64>> {
    vec![
        t.today,
        t.figure_at,
        t.reports_span_days,
        t.report_age_days,
        t.count,
        t.denominator,
        t.share,
        t.target_share,
        t.required,
        t.missing,
        t.left,
        t.left_allowed,
        t.deadline,
        t.due_in_days,
        t.due_step_days,
        t.done_at,
        t.done_early_days,
        t.plan,
        t.plan_share,
        t.plan_gap,
        t.planned,
        t.days_behind,
        t.window_days,
        t.completed,
        t.pace,
        t.pace_needed,
        t.exposure,
        t.hazard_observed,
        t.hazard_parent,
        t.hazard,
        t.hazard_needed,
        t.burden,
        t.forecast,
        t.forecast_share,
        t.forecast_missing,
        t.forecast_low,
        t.forecast_high,
        t.linear,
        t.eta,
        t.eta_linear,
        t.p_hit,
        t.average,
        t.average_ratio,
        t.stall_z,
        t.funnel_z,
        t.declared,
    ]
}

/// From worst to best; UNKNOWN is none of them.
fn rank(status: Status) -> u8 {
    match status {
        Status::Red => 0,
        Status::Amber => 1,
        Status::Early => 2,
        Status::Green => 3,
        Status::Unknown | Status::Done => 4,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1024, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_term_is_nan_or_infinite_and_nothing_panics(
        reports in prop::collection::vec(wild_report(), 0..8),
        quota in prop::option::of(wild_quota()),
        peers in prop::option::of(wild_peers()),
        today in wild(),
        others in (maybe(wild()), maybe(wild()), any::<bool>()),
        residuals in prop::collection::vec(wild(), 0..5),
    ) {
        let (last_report, declared_completion, blocking_finding) = others;
        let question = Question {
            today, reports: &reports, quota: quota.as_ref(), peers: peers.as_ref(), last_report,
            blocking_finding, declared_completion, residuals: &residuals,
        };
        let rules = Rules { residuals_min: 1, ..Rules::standard() };
        let verdict = judge(&rules, &question);
        for (index, figure) in figures(&verdict.terms).into_iter().enumerate() {
            prop_assert!(figure.is_none_or(f64::is_finite), "term {index} is {figure:?}");
        }
        prop_assert!(verdict.terms.p_hit.is_none_or(|p| (0.0..=1.0).contains(&p)));
        prop_assert!(verdict.positions.is_sorted());
        let said = sentence(&FACTS, &verdict);
        prop_assert!(!said.vi.contains("NaN") && !said.en.contains("inf%"));
        if let Some(quota) = &quota {
            let standing = Standing::of(&rules, &reports, quota, today);
            let peers = Peers::of(&rules, standing.as_slice());
            prop_assert!(peers.funnel_dispersion >= 1.0 && peers.stall_dispersion >= 1.0);
        }
        let mut ladder = Ladder::new(Concern::Lagging);
        ladder.step(&rules, &verdict, verdict.positions.last().copied());
    }

    #[test]
    fn done_exactly_when_the_required_count_is_reached(place in place()) {
        let verdict = place.ask(|question| judge(&Rules::standard(), question));
        let required = verdict.terms.required.unwrap();
        let count = place.reports.last().unwrap().count;
        prop_assert_eq!(verdict.status == Status::Done, count >= required);
    }

    #[test]
    fn more_done_is_never_worse(place in place(), more in 1..300_u32) {
        let before = place.ask(|question| judge(&Rules::standard(), question));
        let mut ahead = place.clone();
        ahead.reports.last_mut().unwrap().count += f64::from(more);
        let after = ahead.ask(|question| judge(&Rules::standard(), question));
        if before.status == Status::Unknown {
            prop_assert!(matches!(after.status, Status::Unknown | Status::Done));
        } else {
            prop_assert!(rank(after.status) >= rank(before.status), "{before:?} {after:?}");
        }
    }

    #[test]
    fn a_later_deadline_never_worsens_a_forecast(place in place(), days in 1..50_u32) {
        let before = place.ask(|question| judge(&Rules::standard(), question));
        let mut later = place.clone();
        later.quota.deadline = later.quota.deadline.map(|at| at + f64::from(days));
        let after = later.ask(|question| judge(&Rules::standard(), question));
        let bases = (before.basis, after.basis);
        if bases == (lag::Basis::Hazard, lag::Basis::Hazard) {
            prop_assert!(rank(after.status) >= rank(before.status));
        }
    }

    #[test]
    fn stale_is_never_green(place in place(), age in 15..400_u32) {
        let mut stale = place;
        stale.today = stale.reports.last().unwrap().at + f64::from(age);
        let verdict = stale.ask(|question| judge(&Rules::standard(), question));
        prop_assert!(!matches!(verdict.status, Status::Green | Status::Early | Status::Amber));
    }

    #[test]
    fn green_exactly_when_the_hazard_is_enough(place in place()) {
        let verdict = place.ask(|question| judge(&Rules::standard(), question));
        let terms = &verdict.terms;
        if verdict.basis == lag::Basis::Hazard
            && let (Some(needed), Some(hazard)) = (terms.hazard_needed, terms.hazard)
            && (needed - hazard).abs() > 1e-9
        {
            prop_assert_eq!(verdict.status == Status::Green, hazard > needed);
        }
    }

    #[test]
    fn a_case_changes_at_most_once_per_report(
        colours in prop::collection::vec((0..4_u8, 1..4_usize), 1..40),
        concern in 0..5_usize,
    ) {
        let rules = Rules::standard();
        let mut ladder = Ladder::new(Concern::ALL[concern]);
        for ((colour, times), position) in colours.into_iter().zip(1..) {
            let verdict = lag::Verdict {
                status: [Status::Red, Status::Amber, Status::Green, Status::Unknown][usize::from(colour)],
                basis: if colour == 3 { lag::Basis::Silence } else { lag::Basis::Hazard },
                reasons: if colour == 3 { vec![lag::Reason::Silent] } else { vec![] },
                terms: Terms::default(),
                rules_version: String::new(),
                positions: vec![],
            };
            let was_open = ladder.is_open();
            let changes = (0..times).filter_map(|_| ladder.step(&rules, &verdict, Some(position)));
            prop_assert!(changes.count() <= 1);
            if colour == 3 && Concern::ALL[concern] == Concern::Lagging {
                prop_assert_eq!(ladder.is_open(), was_open);
            }
        }
    }

    #[test]
    fn dates_and_days_are_inverse(year in -9000..9000_i16, month in 1..=12_i8, at in 1..=28_i8, hour in 1..=24_u8) {
        let civil = jiff::civil::date(year, month, at);
        prop_assert_eq!(date(day(civil, Some(hour))), Some(civil));
    }
}
