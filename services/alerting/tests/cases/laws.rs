//! Laws that hold for any reports.

use std::collections::BTreeMap;

use host::Today;
use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp, ToSpan as _};
use lag::Transition;
use proptest::prelude::*;
use wire::v1;

use crate::common::{EID, Ledger, day, quota, report, told};

const DISTRICTS: [&str; 4] = ["268", "004", "021", "016"];
const FIRST: &str = "2023-05-08";
const DEADLINE: &str = "2023-07-31";

/// The count of a district, of 1,000, in a week.
type Figure = ((usize, u8), u64);

/// Each count of each district and week, by week.
fn figures() -> impl Strategy<Value = Vec<Figure>> {
    let of_week = ((0..10_u8, 0..DISTRICTS.len()), 0..1_001_u64);
    let all = prop::collection::btree_map(of_week.0, of_week.1, 1..40);
    all.prop_map(|all: BTreeMap<_, _>| {
        let all = all.into_iter();
        all.map(|((week, of), count)| ((of, week), count)).collect()
    })
}

fn on(week: u8) -> Date {
    day(FIRST) + i32::from(week).weeks()
}

/// A ledger for the days as they come, in which each district has a quota from the first of May on.
fn asked() -> Ledger {
    let mut ledger = Ledger::new(Today::Real);
    for code in DISTRICTS {
        ledger.take("2023-05-01", quota(code, 1_000, "90", Some(DEADLINE)));
    }
    ledger
}

/// Takes a figure on the day that the ledger is at.
fn take(ledger: &mut Ledger, ((of, week), count): Figure) {
    let body = report(DISTRICTS[of], EID, Some(count), None, None);
    ledger.take(&on(week).to_string(), body);
}

/// What all verdicts say on the day after, but for where their events stand.
fn said(mut ledger: Ledger, today: &str) -> Vec<v1::Verdict> {
    ledger.judge.pass_days(day(today));
    let verdicts = ledger.verdicts().into_iter();
    let placeless = verdicts.map(|verdict| v1::Verdict {
        positions: Vec::new(),
        position: 0,
        ..verdict
    });
    placeless.collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn reports_end_in_the_same_verdict_in_whatever_order_they_arrive(
        (figures, shuffled) in figures().prop_flat_map(|all| (Just(all.clone()), Just(all).prop_shuffle())),
    ) {
        let arrived = |figures: Vec<Figure>| {
            let mut ledger = asked();
            ledger.now = "2023-07-20T02:00:00Z".parse().unwrap();
            for figure in figures {
                take(&mut ledger, figure);
            }
            said(ledger, "2023-07-21")
        };
        prop_assert_eq!(arrived(figures), arrived(shuffled));
    }

    #[test]
    fn no_case_clears_while_nothing_is_reported(mut figures in figures()) {
        figures.sort_by_key(|((_, week), _)| *week);
        let mut ledger = asked();
        for (second, figure) in (0..).zip(figures) {
            let morning: Timestamp = format!("{}T02:00:00Z", on(figure.0.1)).parse().unwrap();
            ledger.now = morning + SignedDuration::from_secs(second);
            take(&mut ledger, figure);
        }
        let open = ledger.judge.open_cases();
        // Past the deadline, and long past the last report.
        ledger.judge.pass_days(day("2023-12-31"));
        for change in ledger.judge.take_changes() {
            prop_assert_eq!(change.transition, Transition::Opened, "{}", told(&change));
        }
        for key in open {
            prop_assert!(ledger.judge.is_open(&key), "{} cleared", key);
        }
    }
}
