//! What a district's count is held against before it is recorded.

use lag::{Answer, Around, Implausible, Known, PlausibilityRules, Siblings, plausible};

fn known(count: u64, at: f64) -> Known {
    Known {
        count,
        at,
        position: at as u64 + 1,
    }
}

fn around(before: &[Known]) -> Around<'_> {
    Around {
        before,
        after: None,
        at_most: &[],
        at_least: &[],
        denominator: None,
        siblings: None,
    }
}

fn told(count: u64, at: f64, around: &Around<'_>) -> Vec<Implausible> {
    plausible(count, at, around, &PlausibilityRules::standard())
}

/// Neighbours that all did the same.
struct Neighbours {
    hazards: Vec<f64>,
    grown: (usize, usize),
}

impl Siblings for Neighbours {
    fn weekly_hazards(&self, _: f64, _: f64) -> Vec<f64> {
        self.hazards.clone()
    }

    fn grown(&self, _: f64, _: f64) -> (usize, usize) {
        self.grown
    }
}

#[test]
fn a_count_that_grows_is_taken_as_it_is() {
    let before = [known(9_000, 0.0), known(9_700, 7.0)];
    assert_eq!(told(10_000, 14.0, &around(&before)), []);
    assert_eq!(told(9_700, 14.0, &around(&before)), []);
    assert_eq!(told(5, 14.0, &around(&[])), []);
}

#[test]
fn a_fall_of_one_percent_is_told_and_one_of_three_is_refused() {
    let before = [known(10_000, 0.0)];
    let answer = |count| told(count, 7.0, &around(&before))[0].answer();
    assert_eq!(answer(9_999), Answer::Warn);
    assert_eq!(answer(9_800), Answer::Warn);
    assert_eq!(answer(9_799), Answer::Refuse);
    let [
        Implausible::Falls {
            against,
            hundredths,
            ..
        },
    ] = told(9_700, 7.0, &around(&before))[..]
    else {
        panic!("a fall");
    };
    assert_eq!((against, hundredths), (before[0], 300));
}

#[test]
fn a_late_report_above_the_next_one_makes_that_one_fall() {
    let later = known(10_000, 14.0);
    let around = Around {
        after: Some(later),
        ..around(&[])
    };
    assert_eq!(told(10_000, 7.0, &around), []);
    let found = told(12_000, 7.0, &around);
    assert_eq!(found[0].against(), later);
    assert_eq!(found[0].answer(), Answer::Refuse);
}

#[test]
fn the_work_of_a_day_is_not_the_total() {
    let before = [known(9_600, 0.0), known(9_700, 1.0), known(10_000, 2.0)];
    let found = told(250, 3.0, &around(&before));
    assert_eq!(found, [Implausible::Daily { against: before[2] }]);
    // Far more than any day's work is a fall and nothing else.
    assert!(matches!(
        told(5_000, 3.0, &around(&before))[..],
        [Implausible::Falls { .. }]
    ));
}

#[test]
fn a_digit_too_many_or_too_few_is_recognised() {
    let before = [known(26_995, 0.0)];
    let power = |count, at| match told(count, at, &around(&before))[..] {
        [Implausible::FactorOfTen { power, .. }] => Some(power),
        _ => None,
    };
    assert_eq!(power(270_100, 7.0), Some(1));
    assert_eq!(power(2_699, 7.0), Some(-1));
    assert_eq!(power(27, 7.0), Some(-3));
    assert_eq!(power(280_000, 7.0), None);
    // Over two months a small place can grow tenfold.
    assert_eq!(power(270_100, 60.0), None);
    let few = [known(9, 0.0)];
    assert_eq!(told(90, 7.0, &around(&few)), []);
}

#[test]
fn nobody_activates_more_accounts_than_were_collected() {
    let same_day = [known(8_000, 7.0)];
    let at_most = |at_most| Around {
        at_most,
        ..around(&[])
    };
    assert_eq!(told(8_000, 7.0, &at_most(&same_day)), []);
    assert_eq!(
        told(8_001, 7.0, &at_most(&same_day))[0].answer(),
        Answer::Refuse
    );
    let collected = Around {
        at_least: &same_day,
        ..around(&[])
    };
    assert_eq!(told(8_000, 7.0, &collected), []);
    assert_eq!(
        told(7_999, 7.0, &collected),
        [Implausible::BelowRelated {
            against: same_day[0]
        }]
    );
    // What was collected since then is not known.
    assert_eq!(
        told(8_001, 9.0, &at_most(&same_day))[0].answer(),
        Answer::Warn
    );
}

#[test]
fn a_leap_is_told_unless_the_siblings_leapt_too() {
    // Some 2 % of those left each week, then half of them at once.
    let counts = [0, 200, 410, 580, 790, 960, 1_150];
    let before: Vec<Known> = (0..)
        .zip(counts)
        .map(|(week, count)| known(count, f64::from(week) * 7.0))
        .collect();
    let alone = Around {
        denominator: Some(10_000),
        ..around(&before)
    };
    let found = told(5_500, 49.0, &alone);
    let [Implausible::Jump { z, against }] = found[..] else {
        panic!("a jump: {found:?}");
    };
    assert!(z > 3.5);
    assert_eq!(against, *before.last().unwrap());
    assert_eq!(told(1_340, 49.0, &alone), []);
    let with = |hazards| Neighbours {
        hazards,
        grown: (5, 5),
    };
    let leaping = with(vec![0.45, 0.48, 0.5, 0.52, 0.55]);
    let calm = with(vec![0.018, 0.02, 0.021, 0.022, 0.024]);
    let among = |siblings| Around {
        siblings: Some(siblings),
        ..alone
    };
    assert_eq!(told(5_500, 49.0, &among(&leaping as &dyn Siblings)), []);
    assert_eq!(told(5_500, 49.0, &among(&calm)).len(), 1);
}

#[test]
fn the_same_figure_three_times_is_told_while_the_siblings_move() {
    let before = [known(900, 0.0), known(1_000, 7.0), known(1_000, 14.0)];
    let siblings = |grown| Neighbours {
        hazards: Vec::new(),
        grown,
    };
    let (moving, resting) = (siblings((3, 5)), siblings((2, 5)));
    let among = |siblings, denominator| Around {
        siblings: Some(siblings),
        denominator: Some(denominator),
        ..around(&before)
    };
    let found = told(1_000, 21.0, &among(&moving as &dyn Siblings, 2_000));
    assert_eq!(found, [Implausible::Stuck { since: before[1] }]);
    assert_eq!(told(1_000, 21.0, &among(&resting, 2_000)), []);
    // Everybody has an account; there is nothing left to move.
    assert_eq!(told(1_000, 21.0, &among(&moving, 1_000)), []);
    assert_eq!(told(1_001, 21.0, &among(&moving, 2_000)), []);
}
