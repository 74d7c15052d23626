//! The ladder: what opens, what clears, what freezes.

use lag::{Basis, Concern, Ladder, Reason, Rules, Status, Terms, Transition, Verdict};

fn verdict(status: Status, basis: Basis, reasons: &[Reason], p_hit: Option<f64>) -> Verdict {
    Verdict {
        status,
        basis,
        reasons: reasons.to_vec(),
        terms: Terms {
            p_hit,
            average_ratio: Some(0.5),
            ..Terms::default()
        },
        rules_version: "standard-1".to_owned(),
        positions: vec![],
    }
}

fn forecast(status: Status, p_hit: Option<f64>) -> Verdict {
    verdict(status, Basis::Hazard, &[], p_hit)
}

/// Steps through verdicts, each judged by a report of its own, and returns the changes.
fn walk(ladder: &mut Ladder, verdicts: &[Verdict]) -> Vec<Option<Transition>> {
    let numbered = verdicts.iter().zip(1..);
    numbered
        .map(|(v, position)| ladder.step(&Rules::standard(), v, Some(position)))
        .collect()
}

const OPENED: Option<Transition> = Some(Transition::Opened);
const CLEARED: Option<Transition> = Some(Transition::Cleared);

#[test]
fn opens_and_clears_after_two_reports() {
    let (red, green) = (forecast(Status::Red, None), forecast(Status::Green, None));
    let amber = forecast(Status::Amber, None);
    let mut ladder = Ladder::new(Concern::Lagging);
    let path = [
        &red, &amber, &red, &red, &green, &red, &green, &amber, &green, &green,
    ];
    let path: Vec<Verdict> = path.into_iter().cloned().collect();
    let expected = [
        None, None, None, OPENED, None, None, None, None, None, CLEARED,
    ];
    assert_eq!(walk(&mut ladder, &path), expected);
    assert!(!ladder.is_open());
}

#[test]
fn the_probability_rules_where_there_is_one() {
    let p = |p| forecast(Status::Red, Some(p));
    let mut ladder = Ladder::new(Concern::Lagging);
    let path = [p(0.3), p(0.29), p(0.29), p(0.6), p(0.61), p(0.7)];
    assert_eq!(
        walk(&mut ladder, &path),
        [None, None, OPENED, None, None, CLEARED]
    );
}

#[test]
fn the_same_report_judged_again_changes_nothing() {
    let (rules, red) = (Rules::standard(), forecast(Status::Red, None));
    let mut ladder = Ladder::new(Concern::Lagging);
    for _ in 0..5 {
        assert_eq!(ladder.step(&rules, &red, Some(7)), None);
    }
    assert_eq!(ladder.step(&rules, &red, Some(8)), OPENED);
}

#[test]
fn unknown_freezes_and_keeps_the_streak() {
    let (red, green) = (forecast(Status::Red, None), forecast(Status::Green, None));
    let silent = verdict(Status::Unknown, Basis::Silence, &[Reason::Silent], None);
    let mut ladder = Ladder::new(Concern::Lagging);
    let path = [
        &red, &silent, &red, &silent, &silent, &green, &silent, &green,
    ];
    let path: Vec<Verdict> = path.into_iter().cloned().collect();
    assert_eq!(
        walk(&mut ladder, &path),
        [None, None, OPENED, None, None, None, None, CLEARED]
    );
}

#[test]
fn done_clears_at_once_even_by_the_same_report() {
    let (rules, red) = (Rules::standard(), forecast(Status::Red, None));
    let mut ladder = Ladder::new(Concern::Lagging);
    walk(&mut ladder, &[red.clone(), red]);
    let done = verdict(Status::Done, Basis::Done, &[], None);
    assert_eq!(ladder.step(&rules, &done, Some(2)), CLEARED);
    assert_eq!(ladder.step(&rules, &done, Some(3)), None);
}

#[test]
fn red_by_plan_opens_at_once_and_clears_with_the_next_report() {
    let rules = Rules::standard();
    let red = verdict(Status::Red, Basis::Plan, &[Reason::BehindPlan], None);
    let early = verdict(Status::Early, Basis::Plan, &[], None);
    let mut ladder = Ladder::new(Concern::Lagging);
    assert_eq!(ladder.step(&rules, &red, Some(1)), OPENED);
    assert_eq!(ladder.step(&rules, &early, Some(1)), None);
    assert_eq!(ladder.step(&rules, &early, Some(2)), CLEARED);
    // Once forecasts are made, it takes two of them.
    assert_eq!(ladder.step(&rules, &red, Some(3)), OPENED);
    assert_eq!(
        ladder.step(&rules, &forecast(Status::Green, None), Some(4)),
        None
    );
    assert_eq!(
        ladder.step(&rules, &forecast(Status::Green, None), Some(5)),
        CLEARED
    );
}

#[test]
fn a_lagging_case_outlives_its_deadline() {
    let rules = Rules::standard();
    let mut ladder = Ladder::new(Concern::Lagging);
    walk(
        &mut ladder,
        &[forecast(Status::Red, None), forecast(Status::Red, None)],
    );
    let late = verdict(
        Status::Red,
        Basis::Deadline,
        &[Reason::DeadlinePassed],
        None,
    );
    assert_eq!(ladder.step(&rules, &late, Some(3)), None);
    assert!(ladder.is_open());
}

#[test]
fn facts_open_and_clear_at_once() {
    let rules = Rules::standard();
    let fine = forecast(Status::Green, None);
    let late = verdict(
        Status::Red,
        Basis::Deadline,
        &[Reason::DeadlinePassed],
        None,
    );
    let silent = verdict(Status::Unknown, Basis::Silence, &[Reason::Silent], None);
    let none = verdict(Status::Unknown, Basis::NoData, &[Reason::NoData], None);
    let below = verdict(Status::Amber, Basis::Average, &[Reason::BelowAverage], None);
    for (concern, holds) in [
        (Concern::Overdue, late),
        (Concern::Silent, silent),
        (Concern::NoData, none),
        (Concern::BelowAverage, below),
    ] {
        let mut ladder = Ladder::new(concern);
        assert_eq!(ladder.step(&rules, &fine, Some(1)), None, "{concern:?}");
        assert_eq!(ladder.step(&rules, &holds, Some(1)), OPENED, "{concern:?}");
        assert_eq!(ladder.step(&rules, &holds, Some(1)), None, "{concern:?}");
        assert_eq!(ladder.step(&rules, &fine, Some(2)), CLEARED, "{concern:?}");
    }
}

#[test]
fn an_overdue_case_does_not_clear_by_falling_silent() {
    let rules = Rules::standard();
    let late = verdict(
        Status::Red,
        Basis::Deadline,
        &[Reason::DeadlinePassed],
        None,
    );
    let silence = [Reason::Silent, Reason::DeadlinePassed];
    let silent = verdict(Status::Unknown, Basis::Silence, &silence, None);
    let mut ladder = Ladder::new(Concern::Overdue);
    assert_eq!(ladder.step(&rules, &late, Some(1)), OPENED);
    assert_eq!(ladder.step(&rules, &silent, Some(1)), None);
    assert!(ladder.is_open());
    // A deadline moved into the future ends it, though nothing was reported since.
    let extended = verdict(Status::Unknown, Basis::Silence, &[Reason::Silent], None);
    assert_eq!(ladder.step(&rules, &extended, Some(1)), CLEARED);
}

#[test]
fn below_average_does_not_clear_without_an_average() {
    let rules = Rules::standard();
    let below = verdict(Status::Amber, Basis::Average, &[Reason::BelowAverage], None);
    let mut ladder = Ladder::new(Concern::BelowAverage);
    assert_eq!(ladder.step(&rules, &below, Some(1)), OPENED);
    let mut alone = verdict(Status::Early, Basis::Early, &[], None);
    alone.terms.average_ratio = None;
    assert_eq!(ladder.step(&rules, &alone, Some(2)), None);
    let silent = verdict(Status::Unknown, Basis::Silence, &[Reason::Silent], None);
    assert_eq!(ladder.step(&rules, &silent, Some(2)), None);
    alone.terms.average_ratio = Some(0.9);
    assert_eq!(ladder.step(&rules, &alone, Some(3)), CLEARED);
}
