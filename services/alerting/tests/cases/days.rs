//! Time passes: what becomes true without any event.

use host::Today;

use crate::common::{Ledger, day, quota};

/// Noon in Vietnam.
fn noon(date: &str) -> jiff::Timestamp {
    format!("{date}T05:00:00Z").parse().unwrap()
}

#[test]
fn a_deadline_passes_and_silence_falls_as_the_days_go_by() {
    let mut ledger = Ledger::new(Today::Real);
    ledger.now = noon("2023-06-20");
    ledger.take("2023-06-01", quota("268", 1_000, "100", Some("2023-06-30")));
    ledger.count("268", "2023-06-20", 900);
    assert!(
        ledger
            .changes
            .iter()
            .all(|change| change.key.concern == lag::Concern::NoData)
    );
    ledger.changes.clear();
    ledger.judge.pass_days(day("2023-07-10"));
    ledger.changes.extend(ledger.judge.take_changes());
    let told: Vec<_> = ledger
        .changes
        .iter()
        .map(|change| {
            (
                change.key.concern.code(),
                change.verdict.judged_for.as_str(),
            )
        })
        .collect();
    // The deadline is over on 1 July; the last report is older than 14 days on 5 July.
    assert_eq!(told, [("OVERDUE", "2023-07-01"), ("SILENT", "2023-07-05")]);
    // An earlier day changes nothing.
    ledger.judge.pass_days(day("2023-07-01"));
    assert_eq!(ledger.judge.day(), Some(day("2023-07-10")));
}

#[test]
fn a_replay_passes_through_the_same_days() {
    let mut ledger = Ledger::new(Today::Real);
    ledger.now = noon("2023-06-02");
    ledger.take("2023-06-01", quota("268", 1_000, "100", Some("2023-06-30")));
    for (taken, effective, count) in [
        ("2023-06-10", "2023-06-09", 500),
        ("2023-07-03", "2023-07-02", 700),
        ("2023-07-29", "2023-07-28", 1_000),
    ] {
        // Days go by between the events, as they do for a service that runs.
        ledger.now = noon(taken);
        ledger.judge.pass_days(day(taken));
        ledger.changes.extend(ledger.judge.take_changes());
        ledger.count("268", effective, count);
    }
    let (changes, verdicts) = ledger.replayed(Today::Real);
    assert_eq!(changes, ledger.changes);
    assert_eq!(verdicts, ledger.verdicts());
    assert!(ledger.story().len() >= 4, "{:?}", ledger.story());
    assert!(ledger.judge.open_cases().is_empty());
}

#[test]
fn a_pinned_day_stays() {
    let mut ledger = Ledger::new(Today::Pinned(day("2023-06-20")));
    ledger.now = noon("2026-11-20");
    ledger.take("2023-06-19", quota("268", 1_000, "100", Some("2023-06-30")));
    ledger.judge.pass_days(day("2026-11-21"));
    assert_eq!(ledger.judge.day(), Some(day("2023-06-20")));
    assert!(ledger.judge.take_changes().is_empty());
}
