//! Rules of judgement: which hold, and as known when; and against a filter over the whole list.

use domain::event::{Judged, Recipient, RulesAdopted, Step, Thresholds};
use domain::text::Decimal;
use proptest::prelude::*;

use super::*;

const VERSIONS: [&str; 3] = ["kh-1", "kh-2", "kh-3"];

fn adopted(version: &str, reason: &str) -> Body {
    let number = Decimal::whole(1);
    Body::RulesAdopted(RulesAdopted {
        version: code(version),
        reason: reason.to_owned(),
        thresholds: Thresholds {
            window_days: number,
            beta: number,
            average_factor: number,
            early_reports: 3,
            early_days: number,
            plan_red: number,
            plan_amber: number,
            cadence_days: number,
            p_open: number,
            p_clear: number,
            consecutive: 2,
            residuals_min: 100,
            band_miss: number,
            due_soon_days: vec![7],
            stall_z: number,
            funnel_z: number,
            declared_quantile: number,
        },
        judged: Judged::default(),
        steps: vec![Step {
            number: 1,
            name: vi("nhắc"),
            after_days: 0,
            reply_days: 7,
            tells: vec![Recipient::Unit],
        }],
    })
}

/// The version in force at two times; none while the shipped rules hold.
fn in_force(ledger: &Ledger, as_of: &str, position: u64) -> Option<String> {
    let reading = ledger.state.at(moment(as_of), position);
    let entry = reading.rules_in_force()?;
    Some(entry.fact.version.to_string())
}

#[test]
fn rules_hold_from_their_moment_until_others_do() {
    let mut ledger = Ledger::new();
    let first = ledger.add("2023-06-10", adopted("kh-1", "bắt đầu"));
    // Decided before it takes effect.
    let second = ledger.add("2023-07-01", adopted("kh-2", "chặt hơn"));
    let last = ledger.add("2023-08-01", adopted("kh-1", "trở lại"));
    let held = |as_of, position| in_force(&ledger, as_of, position);
    assert_eq!(held("2023-06-09", last), None);
    assert_eq!(held("2023-06-30", last).as_deref(), Some("kh-1"));
    assert_eq!(held("2023-07-01", last).as_deref(), Some("kh-2"));
    assert_eq!(held("2023-07-01", first).as_deref(), Some("kh-1"));
    assert_eq!(held("2023-08-01", last).as_deref(), Some("kh-1"));
    assert_eq!(held("2023-08-01", second).as_deref(), Some("kh-2"));
    let reading = ledger.state.latest(moment("2023-08-01"));
    let all: Vec<_> = reading.rules().iter().map(|it| &*it.fact.reason).collect();
    assert_eq!(all, ["trở lại", "chặt hơn", "bắt đầu"]);
    let said = ledger.state.rules_version(&code("kh-2")).unwrap();
    assert_eq!(said.reason, "chặt hơn");
    assert!(ledger.state.rules_version(&code("kh-9")).is_none());
}

#[test]
fn of_two_versions_of_one_moment_the_later_holds_and_the_content_says_which() {
    let told = |versions: [&str; 2]| {
        let mut ledger = Ledger::new();
        for version in versions {
            ledger.add("2023-06-10", adopted(version, "thử"));
        }
        let holds = in_force(&ledger, "2023-06-10", 2);
        (holds.unwrap(), ledger.state.content_digest())
    };
    let (one, other) = (told(["kh-1", "kh-2"]), told(["kh-2", "kh-1"]));
    assert_eq!((one.0.as_str(), other.0.as_str()), ("kh-2", "kh-1"));
    assert_ne!(one.1, other.1);
}

#[test]
fn the_same_rules_adopted_again_say_the_same() {
    let said = |body: Body| match body {
        Body::RulesAdopted(rules) => rules,
        other => panic!("{other:?} are no rules"),
    };
    let (one, mut other) = (said(adopted("kh-1", "a")), said(adopted("kh-1", "b")));
    assert!(one.says_the_same(&other));
    other.steps[0].after_days = 1;
    assert!(!one.says_the_same(&other));
}

proptest! {
    /// All that is kept by the model are the events in their order.
    #[test]
    fn rules_are_read_as_a_filter_over_the_list_reads_them(
        story in prop::collection::vec((1..=9_i8, prop::sample::select(&VERSIONS[..])), 0..12),
        day in 1..=9_i8,
        known in 0..12_u64,
    ) {
        let mut ledger = Ledger::new();
        for (number, (day, version)) in story.iter().enumerate() {
            ledger.add(&format!("2023-06-0{day}"), adopted(version, &number.to_string()));
        }
        let seen = (1..).zip(&story).filter(|(position, (on, _))| *position <= known && *on <= day);
        let mut seen: Vec<(i8, u64)> = seen.map(|(position, (on, _))| (*on, position)).collect();
        seen.sort_unstable();
        seen.reverse();
        let expected: Vec<u64> = seen.into_iter().map(|(_, position)| position).collect();
        let reading = ledger.state.at(moment(&format!("2023-06-0{day}")), known);
        let found: Vec<u64> = reading.rules().iter().map(|it| it.recorded.position).collect();
        let newest = reading.rules_in_force().map(|it| it.recorded.position);
        prop_assert_eq!(newest, expected.first().copied());
        prop_assert_eq!(found, expected);
    }
}
