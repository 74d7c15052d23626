//! Rules adopted in the ledger: from their position and their day on, everything is judged by them.

use domain::Level;
use domain::event::{Body, Judged, QuotaLayer, RulesAdopted};
use domain::text::Decimal;
use host::Today;
use lag::Rules;

use crate::common::{EID, Ledger, against, day, quota, quota_of, told};
use crate::history::rules;

fn pinned(text: &str) -> Today {
    Today::Pinned(day(text))
}

/// Noon in Vietnam.
fn noon(date: &str) -> jiff::Timestamp {
    format!("{date}T05:00:00Z").parse().unwrap()
}

/// Reports are expected every so many days.
fn every(version: &str, days: i32) -> Body {
    let mut rules = rules(version);
    rules.thresholds.cadence_days = Decimal::whole(days);
    Body::RulesAdopted(rules)
}

/// Only some series are judged.
fn only(version: &str, judged: Judged) -> Body {
    Body::RulesAdopted(RulesAdopted {
        judged,
        ..rules(version)
    })
}

#[test]
fn other_rules_change_the_verdict_from_their_position_on_and_a_replay_says_the_same() {
    let today = pinned("2023-07-31");
    let mut ledger = Ledger::new(today);
    ledger.take("2023-06-05", quota("268", 269_950, "100", None));
    ledger.changes.clear();
    ledger.count("268", "2023-07-10", 199_968);
    let version = |ledger: &Ledger| ledger.verdict("268").rules_version;
    assert_eq!(version(&ledger), Rules::standard().version);
    assert_eq!(ledger.judge.steps(), alerting::shipped_steps());
    let monthly = ledger.take("2023-07-20", every("kh-1", 30));
    assert_eq!(version(&ledger), "kh-1");
    assert_eq!(ledger.judge.steps()[0].name.vi, "kh-1");
    ledger.take("2023-07-25", every("kh-2", 3));
    assert_eq!(version(&ledger), "kh-2");
    // 21 days without a report: more than twice 7, less than twice 30, more than twice 3.
    let silent: Vec<_> = ledger
        .changes
        .iter()
        .filter(|change| change.key.concern == lag::Concern::Silent)
        .map(|change| (told(change), change.verdict.rules_version.as_str()))
        .collect();
    let standard = Rules::standard().version;
    let expected = [
        ("268 SILENT opened".to_owned(), standard.as_str()),
        ("268 SILENT cleared".to_owned(), "kh-1"),
        ("268 SILENT opened".to_owned(), "kh-2"),
    ];
    assert_eq!(silent, expected);
    let cleared = ledger
        .changes
        .iter()
        .find(|change| change.verdict.rules_version == "kh-1");
    assert_eq!(cleared.unwrap().verdict.position, monthly);
    let (_, verdicts) = ledger.replayed(today);
    assert_eq!(verdicts, ledger.verdicts());
    let (changes, _) = ledger.replayed(today);
    assert_eq!(
        changes[changes.len() - ledger.changes.len()..],
        ledger.changes
    );
}

#[test]
fn rules_hold_from_the_day_they_speak_of_and_not_before_they_are_taken() {
    let mut ledger = Ledger::new(Today::Real);
    ledger.now = noon("2023-06-20");
    ledger.take("2023-06-01", quota("268", 1_000, "100", None));
    ledger.count("268", "2023-06-20", 900);
    // Said on 20 June: one for July, and one that would have held since May.
    ledger.take("2023-07-01", every("july", 30));
    assert_eq!(
        ledger.verdict("268").rules_version,
        Rules::standard().version
    );
    ledger.take("2023-05-01", every("may", 20));
    assert_eq!(ledger.verdict("268").rules_version, "may");
    let mut versions = Vec::new();
    for date in ["2023-06-30", "2023-07-01", "2023-07-10"] {
        ledger.judge.pass_days(day(date));
        ledger.changes.extend(ledger.judge.take_changes());
        versions.push(ledger.verdict("268").rules_version);
    }
    assert_eq!(versions, ["may", "july", "july"]);
    let (changes, verdicts) = ledger.replayed(Today::Real);
    assert_eq!(changes, ledger.changes);
    assert_eq!(verdicts, ledger.verdicts());
}

#[test]
fn what_is_no_longer_judged_has_no_verdict_and_its_cases_close() {
    let all = Judged::default();
    let of_another = Judged {
        indicators: vec!["cccd.issued".parse().unwrap()],
        ..all.clone()
    };
    let of_communes = Judged {
        levels: vec![Level::Commune],
        ..all.clone()
    };
    let of_the_province = Judged {
        layers: vec![QuotaLayer::Provincial],
        ..all.clone()
    };
    for narrow in [of_another, of_communes, of_the_province] {
        let today = pinned("2023-07-05");
        let mut ledger = Ledger::new(today);
        ledger.count("268", "2023-06-30", 250_000);
        ledger.take(
            "2023-06-05",
            quota("268", 269_950, "95", Some("2023-06-30")),
        );
        ledger.take("2023-07-01", only("kh-1", narrow.clone()));
        let closed = ["268 OVERDUE opened", "268 OVERDUE cleared"];
        assert_eq!(ledger.story(), closed, "{narrow:?}");
        assert!(ledger.verdicts().is_empty(), "{narrow:?}");
        // Nothing that is reported meanwhile opens one.
        ledger.count("268", "2023-07-02", 251_000);
        assert_eq!(ledger.story(), closed, "{narrow:?}");
        let own = Judged {
            indicators: vec![EID.parse().unwrap()],
            levels: vec![Level::District],
            layers: vec![QuotaLayer::Central, QuotaLayer::Provincial],
        };
        ledger.take("2023-07-03", only("kh-2", own));
        let again = [
            "268 OVERDUE opened",
            "268 OVERDUE cleared",
            "268 OVERDUE opened",
        ];
        assert_eq!(ledger.story(), again, "{narrow:?}");
        let (changes, _) = ledger.replayed(today);
        assert_eq!(changes, ledger.changes);
    }
}

#[test]
fn silence_is_raised_under_the_strongest_layer_that_is_judged() {
    let mut ledger = Ledger::new(pinned("2023-07-31"));
    for layer in [QuotaLayer::Central, QuotaLayer::Provincial] {
        let mut assigned = quota_of("268", against("quota", 1_000), "100", None);
        assigned.layer = layer;
        ledger.within_request("2023-06-05", Body::QuotaAssigned(assigned));
    }
    ledger.count("268", "2023-07-01", 900);
    let judged = Judged {
        layers: vec![QuotaLayer::Provincial],
        ..Judged::default()
    };
    ledger.take("2023-07-20", only("kh-1", judged));
    let silent: Vec<_> = ledger
        .changes
        .iter()
        .filter(|change| change.key.concern == lag::Concern::Silent)
        .map(|change| (told(change), change.key.layer))
        .collect();
    let expected = [
        ("268 SILENT opened".to_owned(), Some(QuotaLayer::Central)),
        ("268 SILENT cleared".to_owned(), Some(QuotaLayer::Central)),
        ("268 SILENT opened".to_owned(), Some(QuotaLayer::Provincial)),
    ];
    assert_eq!(silent, expected);
}

/// Slow for some weeks, and then quick; with the same rules adopted anew behind so many reports.
fn slow_and_quick(adopted_behind: Option<usize>) -> Vec<String> {
    let mut ledger = Ledger::new(Today::Real);
    ledger.now = noon("2023-05-02");
    ledger.take("2023-05-01", quota("268", 1_000, "90", Some("2023-08-31")));
    let reports = [
        ("2023-05-08", 100),
        ("2023-05-15", 110),
        ("2023-05-22", 120),
        ("2023-05-29", 130),
        ("2023-06-05", 140),
        ("2023-06-12", 300),
        ("2023-06-19", 450),
        ("2023-06-26", 600),
        ("2023-07-03", 800),
        ("2023-07-10", 850),
        ("2023-07-17", 880),
    ];
    for (number, (on, count)) in reports.into_iter().enumerate() {
        ledger.now = noon(on);
        ledger.count("268", on, count);
        if adopted_behind == Some(number) {
            ledger.take("2023-05-01", Body::RulesAdopted(rules("kh-1")));
        }
    }
    let lagging = |change: &&alerting::Change| change.key.concern == lag::Concern::Lagging;
    ledger.changes.iter().filter(lagging).map(told).collect()
}

#[test]
fn ladders_keep_what_they_counted_when_rules_are_adopted() {
    let story = slow_and_quick(None);
    assert_eq!(story, ["268 LAGGING opened", "268 LAGGING cleared"]);
    for behind in 0..11 {
        assert_eq!(
            slow_and_quick(Some(behind)),
            story,
            "behind report {behind}"
        );
    }
}
