//! What is judged as it comes is what judging everything anew after every event would say.

use alerting::{Change, Filter, Judge};
use host::Today;
use lag::Rules;
use proptest::prelude::*;
use wire::v1;

use crate::common::day;
use crate::history::{Step, asked_of, drawn, events, steps};

/// The changes of a history, and the verdicts after each fifth of its events.
fn judged(steps: &[Step], today: Today, is_anew: bool) -> (Vec<Change>, Vec<Vec<v1::Verdict>>) {
    // Bands are shown here that few forecasts speak for.
    let rules = Rules {
        residuals_min: 3,
        ..Rules::standard()
    };
    let mut judge = Judge::new(rules, today);
    let (mut changes, mut verdicts) = (Vec::new(), Vec::new());
    for (position, (known, event)) in (1..).zip(events(steps)) {
        judge.fold(position, known, &event).unwrap();
        if is_anew {
            judge.judge_all();
        }
        changes.extend(judge.take_changes());
        // Each takes longer than judging does.
        if position % 5 == 0 {
            verdicts.push(judge.verdicts(&Filter::default()));
        }
    }
    judge.settle();
    changes.extend(judge.take_changes());
    (changes, verdicts)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn as_it_comes_is_as_judged_anew(steps in steps(), is_pinned in any::<bool>()) {
        let today = if is_pinned {
            Today::Pinned(day("2023-07-01"))
        } else {
            Today::Real
        };
        let (changes, verdicts) = judged(&steps, today, false);
        let (anew, verdicts_anew) = judged(&steps, today, true);
        prop_assert_eq!(changes, anew);
        for (index, (verdicts, anew)) in verdicts.iter().zip(&verdicts_anew).enumerate() {
            prop_assert_eq!(verdicts, anew, "after event {}", 5 * (index + 1));
        }
    }
}

#[test]
fn the_histories_drawn_open_and_clear_cases_of_every_concern() {
    let mut seen = std::collections::BTreeSet::new();
    let mut banded = 0;
    for seed in 0..6 {
        let steps = drawn(seed, 400);
        let (changes, verdicts) = judged(&steps, Today::Real, false);
        let (anew, verdicts_anew) = judged(&steps, Today::Real, true);
        assert_eq!(changes, anew, "seed {seed}");
        assert!(verdicts == verdicts_anew, "seed {seed}");
        let terms = verdicts.iter().flatten().flat_map(|verdict| &verdict.terms);
        banded += terms.filter(|term| term.name == "p_hit").count();
        seen.extend(changes.iter().map(crate::common::told).map(|told| {
            let (_, concern) = told.split_once(' ').unwrap();
            concern.to_owned()
        }));
    }
    for concern in lag::Concern::ALL {
        for how in ["opened", "cleared"] {
            let wanted = format!("{} {how}", concern.code());
            assert!(seen.contains(&wanted), "{wanted} is not among {seen:?}");
        }
    }
    assert!(banded > 0, "no verdict has a band");
}

#[test]
fn what_threads_share_is_judged_once_and_told_in_order() {
    let asked = asked_of(250);
    let series = asked
        .iter()
        .filter(|(_, event)| matches!(event.body, domain::Body::QuotaAssigned(_)))
        .count();
    assert!(series >= 4_000, "{series} are too few for two threads");
    let mut judge = Judge::new(Rules::standard(), Today::Real);
    for (position, (known, event)) in (1..).zip(&asked) {
        judge.fold(position, *known, event).unwrap();
    }
    judge.settle();
    assert!(judge.take_changes().is_empty());
    judge.take_judgements();
    // They were asked on 1 June, and are awaited for twice the cadence.
    judge.pass_days(day("2023-06-16"));
    assert_eq!(judge.take_judgements(), 15 * series as u64);
    let opened = judge.take_changes();
    assert_eq!(opened.len(), series);
    assert!(opened.iter().all(|change| {
        change.key.concern == lag::Concern::NoData && change.verdict.judged_for == "2023-06-16"
    }));
    assert!(opened.is_sorted_by(|one, other| one.key < other.key));
    let keys: Vec<_> = opened.into_iter().map(|change| change.key).collect();
    assert_eq!(judge.open_cases(), keys);
}
