//! Verdicts by hand: every basis once, and what the model leaves open.

use lag::{Basis, Concern, Peers, Plan, Question, Quota, Reason, Report, Rules, Status, Verdict};
use lag::{concern, holds, judge};

/// A quota of 90 % of 1000 people by day 56, begun on day 0 with 200.
fn quota() -> Quota {
    Quota {
        denominator: 1000.0,
        target_share: 0.9,
        start: Some((0.0, 200.0)),
        deadline: Some(56.0),
        milestones: vec![],
        position: 1,
    }
}

fn reports(points: &[(f64, f64)]) -> Vec<Report> {
    let numbered = points.iter().zip(10..);
    numbered
        .map(|(&(at, count), position)| Report {
            at,
            count,
            position,
        })
        .collect()
}

fn question<'a>(today: f64, reports: &'a [Report], quota: &'a Quota) -> Question<'a> {
    Question {
        today,
        reports,
        quota: Some(quota),
        peers: None,
        last_report: None,
        blocking_finding: false,
        declared_completion: None,
        residuals: &[],
    }
}

fn verdict(today: f64, points: &[(f64, f64)], quota: &Quota) -> Verdict {
    judge(
        &Rules::standard(),
        &question(today, &reports(points), quota),
    )
}

fn close(term: Option<f64>, expected: f64) {
    let value = term.expect("a term");
    assert!((value - expected).abs() < 1e-4, "{value} is not {expected}");
}

const SLOW: [(f64, f64); 3] = [(14.0, 300.0), (21.0, 350.0), (28.0, 400.0)];
const MIDDLING: [(f64, f64); 3] = [(14.0, 300.0), (21.0, 450.0), (28.0, 600.0)];
const FAST: [(f64, f64); 3] = [(14.0, 300.0), (21.0, 550.0), (28.0, 700.0)];

#[test]
fn red_when_neither_forecast_meets_the_target() {
    let v = verdict(28.0, &SLOW, &quota());
    assert_eq!((v.status, v.basis), (Status::Red, Basis::Hazard));
    // c = 100; E = 14·(700 + 600)/2 = 9100; h = 0.010989; R̂ = 600·e^(−28·100/9100) = 441.0849.
    close(v.terms.completed, 100.0);
    close(v.terms.exposure, 9100.0);
    close(v.terms.hazard, 0.010_989);
    close(v.terms.forecast, 558.915_1);
    close(v.terms.forecast_missing, 341.084_9);
    // 400 + 100/14·28 = 600.
    close(v.terms.linear, 600.0);
    // h* = ln(600/100)/28 = 0.063991; κ = 5.8232; r* = 500/28.
    close(v.terms.hazard_needed, 0.063_991);
    close(v.terms.burden, 5.823_2);
    close(v.terms.pace_needed, 17.857_1);
    // 28 + ln 6/0.010989 = 28 + 163.0501.
    close(v.terms.eta, 191.050_1);
    // P(28) = 1000 − 800·e^(−ln 8/2) = 1000 − 800/√8 = 717.1573.
    close(v.terms.plan, 717.157_3);
    close(v.terms.plan_gap, -317.157_3);
    // In whole people, as a trajectory tells it: 717 are planned, those from 401 on are missing, of
    // which the first was planned P⁻¹(401) = 56·ln(800/599)/ln 8 = 7.7922 days after the start.
    close(v.terms.planned, 717.0);
    close(v.terms.days_behind, 20.207_8);
    assert_eq!(
        v.reasons,
        [Reason::ShortOfTarget, Reason::BehindPlan, Reason::NoBand]
    );
    assert_eq!(v.positions, [1, 10, 12]);
    assert_eq!(v.rules_version, "standard-1");
    assert_eq!(concern(&v), Some(Concern::Lagging));
}

#[test]
fn amber_when_only_the_straight_line_meets_it() {
    // c = 300; E = 14·(700 + 400)/2 = 7700; R̂ = 400·e^(−28·300/7700) = 134.36 > 100;
    // linear 600 + 300/14·28 = 1200.
    let v = verdict(28.0, &MIDDLING, &quota());
    assert_eq!((v.status, v.basis), (Status::Amber, Basis::Hazard));
    close(v.terms.forecast, 865.635_6);
    close(v.terms.linear, 1200.0);
    assert_eq!(concern(&v), None);
}

#[test]
fn green_when_the_hazard_forecast_meets_it() {
    // c = 400; E = 14·(700 + 300)/2 = 7000; R̂ = 300·e^(−1.6) = 60.569 ≤ 100.
    let v = verdict(28.0, &FAST, &quota());
    assert_eq!((v.status, v.basis), (Status::Green, Basis::Hazard));
    close(v.terms.forecast, 939.431);
    assert_eq!(v.reasons, [Reason::NoBand]);
}

#[test]
fn the_verdict_does_not_drift_while_the_next_report_is_awaited() {
    let (today, later) = (
        verdict(28.0, &SLOW, &quota()),
        verdict(40.0, &SLOW, &quota()),
    );
    assert_eq!(today.terms.forecast, later.terms.forecast);
    assert_eq!(today.status, later.status);
}

#[test]
fn stale_is_unknown_and_never_green() {
    let v = verdict(43.0, &FAST, &quota());
    assert_eq!((v.status, v.basis), (Status::Unknown, Basis::Silence));
    close(v.terms.report_age_days, 15.0);
    assert_eq!(v.reasons, [Reason::Silent]);
    assert_eq!(concern(&v), Some(Concern::Silent));
    // Exactly twice the cadence is not yet stale.
    assert_eq!(verdict(42.0, &FAST, &quota()).status, Status::Green);
}

#[test]
fn a_report_elsewhere_keeps_the_figure_fresh() {
    let (quota, reports) = (quota(), reports(&FAST));
    let mut question = question(43.0, &reports, &quota);
    question.last_report = Some(40.0);
    assert_eq!(judge(&Rules::standard(), &question).status, Status::Green);
}

#[test]
fn a_passed_deadline_is_red_whatever_the_number_of_reports() {
    let v = verdict(60.0, &[(50.0, 800.0)], &quota());
    assert_eq!((v.status, v.basis), (Status::Red, Basis::Deadline));
    let expected = [
        Reason::DeadlinePassed,
        Reason::ShortOfTarget,
        Reason::FewReports,
    ];
    assert!(
        expected.iter().all(|reason| v.has(*reason)),
        "{:?}",
        v.reasons
    );
    assert_eq!(concern(&v), Some(Concern::Overdue));
    assert_eq!(v.terms.due_in_days, Some(-4.0));
}

#[test]
fn a_stale_figure_from_before_the_deadline_cannot_tell() {
    let v = verdict(70.0, &[(28.0, 800.0)], &quota());
    assert_eq!((v.status, v.basis), (Status::Unknown, Basis::Silence));
    assert!(v.has(Reason::Silent) && v.has(Reason::DeadlinePassed));
    assert_eq!(concern(&v), Some(Concern::Silent));
}

#[test]
fn a_stale_figure_from_after_the_deadline_can() {
    let v = verdict(90.0, &[(57.0, 800.0)], &quota());
    assert_eq!((v.status, v.basis), (Status::Red, Basis::Deadline));
    assert!(v.has(Reason::Silent) && v.has(Reason::DeadlinePassed));
    assert_eq!(concern(&v), Some(Concern::Overdue));
    assert!(holds(Concern::Silent, &v));
}

#[test]
fn the_deadline_day_itself_counts() {
    assert_eq!(verdict(56.0, &[(50.0, 800.0)], &quota()).basis, Basis::Plan);
    let last = verdict(
        56.0,
        &[(28.0, 400.0), (42.0, 600.0), (56.0, 800.0)],
        &quota(),
    );
    assert_eq!((last.status, last.basis), (Status::Red, Basis::Hazard));
    assert_eq!(last.terms.hazard_needed, None);
    assert!(last.has(Reason::DueSoon));
}

#[test]
fn done_wins_over_stale_and_late_but_not_over_a_figure_nobody_answers_for() {
    let (quota, reports) = (quota(), reports(&[(14.0, 500.0), (49.0, 950.0)]));
    let mut question = question(300.0, &reports, &quota);
    question.blocking_finding = true;
    let v = judge(&Rules::standard(), &question);
    assert_eq!((v.status, v.basis), (Status::Unknown, Basis::Check));
    question.blocking_finding = false;
    let v = judge(&Rules::standard(), &question);
    assert_eq!((v.status, v.basis), (Status::Done, Basis::Done));
    assert_eq!(
        (v.terms.done_at, v.terms.done_early_days),
        (Some(49.0), Some(7.0))
    );
    assert_eq!(concern(&v), None);
}

#[test]
fn above_the_denominator_is_done_and_not_clipped() {
    let v = verdict(30.0, &[(28.0, 1366.0)], &quota());
    assert_eq!(v.status, Status::Done);
    assert_eq!(v.terms.share, Some(1.366));
    assert_eq!(v.reasons, [Reason::OverDenominator]);
}

#[test]
fn an_open_check_freezes() {
    let (quota, reports) = (quota(), reports(&FAST));
    let mut question = question(28.0, &reports, &quota);
    question.blocking_finding = true;
    let v = judge(&Rules::standard(), &question);
    assert_eq!((v.status, v.basis), (Status::Unknown, Basis::Check));
    assert_eq!(concern(&v), None);
}

#[test]
fn early_is_judged_against_the_plan_only() {
    // P(14) = 1000 − 800·8^(−1/4) = 1000 − 475.683 = 524.317: red below 419.45, amber below 471.89.
    for (count, status) in [
        (419.0, Status::Red),
        (420.0, Status::Amber),
        (471.0, Status::Amber),
        (472.0, Status::Early),
    ] {
        let v = verdict(14.0, &[(14.0, count)], &quota());
        assert_eq!((v.status, v.basis), (status, Basis::Plan), "{count}");
        assert_eq!(v.has(Reason::BehindPlan), status != Status::Early);
    }
    // Three reports in 13 days are early, in 14 days not.
    let quick = [(15.0, 300.0), (21.0, 450.0), (28.0, 600.0)];
    assert_eq!(verdict(28.0, &quick, &quota()).basis, Basis::Plan);
    assert_eq!(verdict(28.0, &MIDDLING, &quota()).basis, Basis::Hazard);
}

#[test]
fn who_began_beyond_the_target_is_held_against_the_target() {
    let begun = |already| Quota {
        start: Some((0.0, already)),
        ..quota()
    };
    // A correction took away what was there: a place that has 120 of 900 is not early.
    for already in [899.0, 900.0, 950.0] {
        let v = verdict(14.0, &[(14.0, 120.0)], &begun(already));
        assert_eq!((v.status, v.basis), (Status::Red, Basis::Plan), "{already}");
        assert!(v.has(Reason::BehindPlan));
    }
    let v = verdict(14.0, &[(14.0, 120.0)], &begun(950.0));
    close(v.terms.plan, 900.0);
    close(v.terms.plan_share, 120.0 / 900.0);
    close(v.terms.days_behind, 14.0);
}

#[test]
fn days_and_planned_number_are_those_of_a_trajectory() {
    let plan = Plan::of(&quota()).unwrap();
    for (at, count) in [(14.0, 251.0), (14.0, 480.3), (20.0, 600.0), (27.5, 899.9)] {
        let v = verdict(at, &[(at, count)], &quota());
        let standing = plan.standing(at, count as u64).unwrap();
        assert_eq!(v.terms.planned, Some(standing.planned as f64), "{at}");
        assert_eq!(v.terms.days_behind, standing.days_behind, "{at}");
    }
    // What decides is the curve itself, a quarter of the way along.
    let v = verdict(14.0, &[(14.0, 251.0)], &quota());
    close(v.terms.plan, 1000.0 - 800.0 * 8.0_f64.powf(-0.25));
}

fn averaged(share: f64) -> Peers {
    Peers {
        average_share: Some(share),
        ..Peers::unknown()
    }
}

#[test]
fn without_a_plan_the_average_decides() {
    let quota = Quota {
        start: None,
        ..quota()
    };
    let reports = reports(&[(14.0, 400.0)]);
    let mut question = question(14.0, &reports, &quota);
    let v = judge(&Rules::standard(), &question);
    assert_eq!(
        (v.status, v.basis, concern(&v)),
        (Status::Early, Basis::Early, None)
    );
    // 0.4 is below 0.7·0.6 = 0.42, and not below 0.7·0.55 = 0.385.
    let far = averaged(0.6);
    question.peers = Some(&far);
    let v = judge(&Rules::standard(), &question);
    assert_eq!((v.status, v.basis), (Status::Amber, Basis::Average));
    assert_eq!(v.reasons, [Reason::BelowAverage, Reason::FewReports]);
    assert_eq!(concern(&v), Some(Concern::BelowAverage));
    let near = averaged(0.55);
    question.peers = Some(&near);
    assert_eq!(judge(&Rules::standard(), &question).basis, Basis::Early);
}

#[test]
fn a_green_forecast_is_no_concern_though_below_the_average() {
    let (quota, reports, peers) = (quota(), reports(&FAST), averaged(1.2));
    let mut question = question(28.0, &reports, &quota);
    question.peers = Some(&peers);
    let v = judge(&Rules::standard(), &question);
    assert!(v.has(Reason::BelowAverage));
    assert_eq!((v.status, concern(&v)), (Status::Green, None));
}

#[test]
fn without_a_deadline_pace_cannot_be_judged() {
    let quota = Quota {
        deadline: None,
        ..quota()
    };
    let (reports, peers) = (reports(&SLOW), averaged(0.9));
    let mut question = question(28.0, &reports, &quota);
    question.peers = Some(&peers);
    let v = judge(&Rules::standard(), &question);
    assert_eq!((v.status, v.basis), (Status::Unknown, Basis::NoDeadline));
    assert_eq!(v.reasons, [Reason::NoDeadline, Reason::BelowAverage]);
    assert_eq!(concern(&v), Some(Concern::BelowAverage));
    assert_eq!(v.terms.forecast, None);
    assert!(v.terms.eta.is_some());
    question.today = 60.0;
    let v = judge(&Rules::standard(), &question);
    assert_eq!(
        (v.basis, concern(&v)),
        (Basis::Silence, Some(Concern::Silent))
    );
}

#[test]
fn missing_is_not_zero() {
    let (rules, quota) = (Rules::standard(), quota());
    let mut question = question(28.0, &[], &quota);
    let v = judge(&rules, &question);
    assert_eq!((v.status, v.basis), (Status::Unknown, Basis::NoData));
    assert_eq!(
        (v.terms.count, v.terms.share, v.terms.missing),
        (None, None, None)
    );
    assert_eq!(concern(&v), Some(Concern::NoData));
    question.quota = None;
    let v = judge(&rules, &question);
    assert_eq!(
        (v.status, v.basis, concern(&v)),
        (Status::Unknown, Basis::NoQuota, None)
    );
    question.declared_completion = Some(20.0);
    assert_eq!(concern(&judge(&rules, &question)), Some(Concern::NoData));
}

#[test]
fn no_usable_quota_no_judgement_and_no_silence() {
    let reports = reports(&SLOW);
    let empty = Quota {
        denominator: 0.0,
        ..quota()
    };
    let mut question = question(300.0, &reports, &empty);
    let v = judge(&Rules::standard(), &question);
    assert_eq!(
        (v.status, v.basis, concern(&v)),
        (Status::Unknown, Basis::NoQuota, None)
    );
    assert!(v.has(Reason::NoDenominator) && v.has(Reason::Silent));
    question.quota = None;
    assert_eq!(judge(&Rules::standard(), &question).basis, Basis::NoQuota);
}

#[test]
fn due_soon_names_its_step() {
    let quota = quota();
    let reports = reports(&[(48.0, 800.0)]);
    for (today, step) in [
        (48.0, None),
        (49.0, Some(7.0)),
        (53.0, Some(3.0)),
        (55.0, Some(1.0)),
    ] {
        let v = judge(&Rules::standard(), &question(today, &reports, &quota));
        assert_eq!(v.terms.due_step_days, step, "day {today}");
        assert_eq!(v.has(Reason::DueSoon), step.is_some());
    }
}

#[test]
fn a_declaration_is_held_against_the_forecast() {
    let (quota, reports) = (quota(), reports(&FAST));
    let mut question = question(28.0, &reports, &quota);
    // 200 people at 400/14 a day are 7 days: the straight line says day 35.
    for (declared, early) in [(34.0, true), (36.0, false), (20.0, true)] {
        question.declared_completion = Some(declared);
        let v = judge(&Rules::standard(), &question);
        assert_eq!(v.has(Reason::DeclaredTooEarly), early, "day {declared}");
    }
    // With a band: R̂(34) = 300·e^(−6·400/7000) = 212.9 must fall to 100: e ≤ −0.756.
    let residuals: Vec<f64> = (0..100).map(|i| f64::from(i) / 100.0 - 0.9).collect();
    question.residuals = &residuals;
    question.declared_completion = Some(34.0);
    // −0.90 … −0.76 are 15 of 100, not below the tenth.
    assert!(!judge(&Rules::standard(), &question).has(Reason::DeclaredTooEarly));
}

#[test]
fn the_band_gives_a_probability_and_an_interval() {
    let (quota, reports) = (quota(), reports(&MIDDLING));
    let residuals: Vec<f64> = (0..200).map(|i| f64::from(i) / 200.0 - 0.5).collect();
    let mut question = question(28.0, &reports, &quota);
    question.residuals = &residuals;
    let v = judge(&Rules::standard(), &question);
    // 134.36·e^e ≤ 100 ⇔ e ≤ −0.29534: −0.500 … −0.300 are 41 of 200.
    close(v.terms.p_hit, 0.205);
    assert!(!v.has(Reason::NoBand));
    // The residuals at 10 % and 90 % are −0.4 and 0.4: 1000 − 134.36·e^(±0.4).
    close(v.terms.forecast_low, 1000.0 - 134.364_4 * 0.4_f64.exp());
    close(v.terms.forecast_high, 1000.0 - 134.364_4 * (-0.4_f64).exp());
}

#[test]
fn a_stall_and_a_slow_place_are_named() {
    let quota = Quota {
        deadline: Some(90.0),
        ..quota()
    };
    let points = [(0.0, 200.0), (14.0, 500.0), (28.0, 505.0)];
    let reports = reports(&points);
    let peers = Peers {
        completed_share: Some(0.3),
        ..Peers::unknown()
    };
    let mut question = question(28.0, &reports, &quota);
    question.peers = Some(&peers);
    let v = judge(&Rules::standard(), &question);
    // E_prev = 14·(800 + 500)/2 = 9100, h_prev = 300/9100; E = 14·(500 + 495)/2 = 6965;
    // μ = 229.6154; z = (5 − 229.6154)/√229.6154 = −14.8231.
    close(v.terms.stall_z, -14.823_1);
    // (5/500 − 0.3)/√(0.21/500) = −14.1505.
    close(v.terms.funnel_z, -14.150_5);
    assert!(v.has(Reason::Stalled) && v.has(Reason::SlowAgainstPeers));
}

#[test]
fn a_series_in_percent_is_usable() {
    let quota = Quota {
        denominator: 100.0,
        target_share: 1.0,
        start: None,
        deadline: Some(56.0),
        milestones: vec![],
        position: 1,
    };
    let v = verdict(28.0, &[(14.0, 60.0), (21.0, 70.0), (28.0, 83.8)], &quota);
    assert_eq!((v.status, v.basis), (Status::Amber, Basis::Hazard));
    close(v.terms.share, 0.838);
    assert_eq!(verdict(28.0, &[(28.0, 100.0)], &quota).status, Status::Done);
    // 95 % printed of 269 950 is 256 452.5 people, half a person short of ⌈τD⌉, and is done.
    let counted = Quota {
        denominator: 269_950.0,
        target_share: 0.95,
        ..quota
    };
    assert_eq!(
        verdict(28.0, &[(28.0, 0.95 * 269_950.0)], &counted).status,
        Status::Done
    );
}

#[test]
fn milestones_replace_the_computed_plan() {
    let quota = Quota {
        milestones: vec![(14.0, 250.0), (28.0, 600.0)],
        ..quota()
    };
    let v = verdict(14.0, &[(14.0, 250.0)], &quota);
    assert_eq!(
        (v.status, v.terms.plan, v.terms.plan_share),
        (Status::Early, Some(250.0), Some(1.0))
    );
}

#[test]
fn names_are_stable() {
    let v = verdict(28.0, &SLOW, &quota());
    let codes: Vec<&str> = v.reasons.iter().map(|reason| reason.code()).collect();
    assert_eq!(codes, ["SHORT_OF_TARGET", "BEHIND_PLAN", "NO_BAND"]);
    assert_eq!((v.status.code(), v.basis.code()), ("RED", "HAZARD"));
    assert_eq!(Concern::BelowAverage.code(), "BELOW_AVERAGE");
}
