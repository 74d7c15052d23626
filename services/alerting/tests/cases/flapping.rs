//! No case flaps, whatever is reported and however often it is judged.

use std::collections::BTreeMap;

use alerting::{CaseKey, Change};
use host::Today;
use lag::{Concern, Transition};
use proptest::prelude::*;

use crate::common::{EID, Ledger, day, quota, report};

/// What happens next.
#[derive(Debug, Clone)]
enum Happening {
    /// Hà Đông reports so many thousandths of its quota.
    Report(u64),
    /// Another district does, which moves the average.
    Sibling(u64),
    /// Days go by.
    Days(i32),
    /// Everything is judged again, as after a start.
    Again,
}

fn happening() -> impl Strategy<Value = Happening> {
    prop_oneof![
        4 => (0..1_050_u64).prop_map(Happening::Report),
        1 => (0..1_050_u64).prop_map(Happening::Sibling),
        3 => (1..6_i32).prop_map(Happening::Days),
        1 => Just(Happening::Again),
    ]
}

/// Lets it happen, and gives what changed by it.
fn let_happen(ledger: &mut Ledger, happening: &Happening) -> Vec<Change> {
    let before = ledger.changes.len();
    let on = ledger.judge.day().unwrap();
    match happening {
        Happening::Report(count) => {
            ledger.take(
                &on.to_string(),
                report("268", EID, Some(*count), None, None),
            );
        }
        Happening::Sibling(count) => {
            ledger.take(
                &on.to_string(),
                report("004", EID, Some(*count), None, None),
            );
        }
        Happening::Days(days) => {
            let on = on.checked_add(jiff::Span::new().days(*days)).unwrap();
            ledger.now += jiff::SignedDuration::from_hours(24 * i64::from(*days));
            ledger.judge.pass_days(on);
            ledger.changes.extend(ledger.judge.take_changes());
        }
        Happening::Again => {
            ledger.judge.judge_all();
            ledger.judge.settle();
            ledger.changes.extend(ledger.judge.take_changes());
        }
    }
    ledger.changes[before..].to_vec()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn a_case_changes_at_most_once_for_each_report(happenings in prop::collection::vec(happening(), 1..60)) {
        let mut ledger = Ledger::new(Today::Real);
        ledger.now = "2023-05-02T05:00:00Z".parse().unwrap();
        ledger.judge.pass_days(day("2023-05-02"));
        for code in ["268", "004"] {
            ledger.take("2023-05-02", quota(code, 1_000, "95", Some("2023-06-30")));
        }
        ledger.changes.clear();
        let mut open: BTreeMap<CaseKey, bool> = BTreeMap::new();
        // Changes of the lagging case since Hà Đông reported last.
        let mut lagging = 0;
        for happening in &happenings {
            let changes = let_happen(&mut ledger, happening);
            if let Happening::Report(_) = happening {
                lagging = 0;
            }
            let mut changed: Vec<(CaseKey, String)> = Vec::new();
            for change in changes {
                // Open and cleared take turns.
                let opened = change.transition == Transition::Opened;
                let was = open.insert(change.key.clone(), opened).unwrap_or(false);
                prop_assert_ne!(was, opened, "{:?}", change.key);
                // By a report, or on a day, once.
                let once = (change.key.clone(), change.verdict.judged_for.clone());
                prop_assert!(!changed.contains(&once), "{:?}", once);
                changed.push(once);
                if change.key.concern == Concern::Lagging && change.key.locality.code.to_string() == "268" {
                    lagging += 1;
                }
            }
            prop_assert!(lagging <= 1, "{} changes of the lagging case by one report", lagging);
            if let Happening::Again = happening {
                prop_assert!(changed.is_empty(), "judging again changes nothing: {:?}", changed);
            }
        }
    }
}
