//! Quotas, deadlines, silence and declarations of 2023.

use domain::event::{
    Body, Document, FindingResolved, LocalityEnded, ProgressRetracted, QuotaLayer as Layer,
    QuotaSuspended, Resolution, Source,
};
use domain::finding::Check;
use host::Today;
use wire::v1::{Concern, QuotaLayer, VerdictStatus};

use crate::common::{
    EID, Ledger, against, day, declaration, place, quota, quota_of, report, term, vi,
};

fn pinned(text: &str) -> Today {
    Today::Pinned(day(text))
}

#[test]
fn a_missed_deadline_opens_one_case_and_reaching_the_target_clears_it() {
    let today = pinned("2023-07-05");
    let mut ledger = Ledger::new(today);
    ledger.count("268", "2023-06-30", 250_000);
    let quota_at = ledger.take(
        "2023-06-05",
        quota("268", 269_950, "95", Some("2023-06-30")),
    );
    assert_eq!(ledger.story(), ["268 OVERDUE opened"]);
    // Another report that is short changes nothing; nor does judging again.
    ledger.count("268", "2023-07-01", 251_000);
    ledger.judge.judge_all();
    ledger.judge.settle();
    assert!(ledger.judge.take_changes().is_empty());
    ledger.count("268", "2023-07-04", 256_453);
    assert_eq!(
        ledger.story(),
        ["268 OVERDUE opened", "268 OVERDUE cleared"]
    );

    let opened = &ledger.changes[0].verdict;
    assert_eq!(
        ledger.changes[0].key.to_string(),
        "268@2023-04-10/eid.activated/central/overdue"
    );
    assert_eq!(
        (opened.status(), opened.concern()),
        (VerdictStatus::Red, Concern::Overdue)
    );
    assert_eq!(
        (opened.basis.as_str(), opened.judged_for.as_str()),
        ("DEADLINE", "2023-07-05")
    );
    assert_eq!(
        (opened.position, opened.layer()),
        (quota_at, QuotaLayer::Central)
    );
    assert_eq!(opened.positions, [quota_at - 1, quota_at]);
    assert_eq!(term(opened, "missing"), Some(6_453.0));
    assert!(
        vi(opened).contains("quá hạn 30/6/2023 5 ngày"),
        "{}",
        vi(opened)
    );
    assert!(
        vi(opened).contains("250.000/269.950 tài khoản (92,6%)"),
        "{}",
        vi(opened)
    );
    assert!(opened.terms.iter().all(|term| term.value.is_finite()));
    let cleared = &ledger.changes[1].verdict;
    assert_eq!(
        (cleared.status(), cleared.concern()),
        (VerdictStatus::Done, Concern::Unspecified)
    );

    // A replay says the same, to the byte.
    let (changes, verdicts) = ledger.replayed(today);
    assert_eq!(changes, ledger.changes);
    let bytes = |verdicts: &[wire::v1::Verdict]| {
        verdicts
            .iter()
            .map(prost::Message::encode_to_vec)
            .collect::<Vec<_>>()
    };
    assert_eq!(bytes(&verdicts), bytes(&ledger.verdicts()));
}

#[test]
fn a_suspended_quota_asks_for_nothing_more() {
    // Days after the last figure, and long after: both are told from the figure alone.
    for today in ["2023-07-05", "2024-07-05"] {
        let today = pinned(today);
        let mut ledger = Ledger::new(today);
        ledger.count("268", "2023-06-30", 250_000);
        ledger.take(
            "2023-06-05",
            quota("268", 269_950, "95", Some("2023-06-30")),
        );
        assert_eq!(ledger.story().first().unwrap(), "268 OVERDUE opened");
        let suspended = QuotaSuspended {
            locality: place("268"),
            indicator: EID.parse().unwrap(),
            layer: Layer::Central,
            reason: "chờ rà soát".to_owned(),
            document: Document::default(),
        };
        ledger.take("2023-07-01", Body::QuotaSuspended(suspended));
        assert!(ledger.story().contains(&"268 OVERDUE cleared".to_owned()));
        assert!(ledger.judge.open_cases().is_empty());
    }
}

#[test]
fn a_figure_taken_back_no_longer_reaches_the_target() {
    let mut ledger = Ledger::new(pinned("2023-07-05"));
    ledger.take(
        "2023-06-05",
        quota("268", 269_950, "95", Some("2023-06-30")),
    );
    let reached = ledger.count("268", "2023-06-29", 260_000);
    let before = ledger.story().len();
    let retracted = ProgressRetracted {
        retracts: reached,
        locality: place("268"),
        indicator: EID.parse().unwrap(),
        reason: "nộp nhầm đơn vị".to_owned(),
    };
    ledger.take("2023-06-29", Body::ProgressRetracted(retracted));
    assert_eq!(ledger.story()[before..], ["268 NO_DATA opened"]);
}

#[test]
fn silence_is_raised_where_a_quota_asks_and_nowhere_else() {
    let mut ledger = Ledger::new(pinned("2023-07-31"));
    ledger.take("2023-06-05", quota("268", 269_950, "100", None));
    // Within the same request as its quota the figure would leave no trace; here it follows.
    ledger.count("268", "2023-06-05", 199_968);
    assert_eq!(
        ledger.story(),
        [
            "268 NO_DATA opened",
            "268 NO_DATA cleared",
            "268 SILENT opened"
        ]
    );
    let verdict = ledger.verdict("268");
    assert_eq!(
        (verdict.basis.as_str(), verdict.status()),
        ("SILENCE", VerdictStatus::Unknown)
    );
    assert!(
        vi(&verdict).contains("từ 5/6/2023 (56 ngày)"),
        "{}",
        vi(&verdict)
    );
    // A series of 2021 that nobody asked for is history; one of last month has no quota.
    ledger.take(
        "2021-04-25",
        report("004", "cccd.issued", Some(145_652), None, None),
    );
    ledger.take(
        "2023-06-20",
        report("250", "cccd.issued", Some(103_208), None, Some(150_000)),
    );
    assert_eq!(ledger.story().len(), 3);
    assert_eq!(ledger.verdicts().len(), 2);
    assert_eq!(ledger.verdict("250").basis, "NO_QUOTA");
}

#[test]
fn requests_of_one_commit_are_judged_one_after_the_other() {
    let mut ledger = Ledger::new(pinned("2023-07-31"));
    ledger.within_request("2023-06-05", quota("268", 100, "100", None));
    ledger.another_request();
    ledger.take("2023-07-30", report("268", EID, Some(100), None, None));
    assert_eq!(
        ledger.story(),
        ["268 NO_DATA opened", "268 NO_DATA cleared"]
    );
}

#[test]
fn what_one_request_brings_is_judged_as_a_whole() {
    let mut ledger = Ledger::new(pinned("2023-07-31"));
    ledger.within_request("2023-06-05", quota("268", 100, "100", None));
    ledger.within_request("2023-07-30", report("268", EID, Some(100), None, None));
    ledger.take(
        "2023-06-05",
        declaration("021", "campaign.completion", "2023-06-20"),
    );
    assert_eq!(ledger.story(), ["021 NO_DATA opened"]);
}

#[test]
fn a_declaration_without_a_figure_is_no_data_and_then_a_commitment() {
    let mut ledger = Ledger::new(pinned("2023-07-31"));
    ledger.take(
        "2023-06-05",
        declaration("021", "campaign.completion", "2023-06-20"),
    );
    let verdict = ledger.verdict("021");
    assert_eq!(
        (verdict.concern(), verdict.layer()),
        (Concern::NoData, QuotaLayer::Commitment)
    );
    assert!(
        vi(&verdict).contains("hạn 20/6/2023 đã qua 41 ngày"),
        "{}",
        vi(&verdict)
    );
    let figure = report("021", "campaign.completion", None, Some("80"), None);
    ledger.take("2023-06-25", figure);
    let done = report("021", "campaign.completion", None, Some("100"), None);
    ledger.take("2023-07-02", done);
    assert_eq!(
        ledger.story(),
        [
            "021 NO_DATA opened",
            "021 NO_DATA cleared",
            "021 OVERDUE opened",
            "021 OVERDUE cleared"
        ]
    );
    assert_eq!(ledger.verdict("021").status(), VerdictStatus::Done);
}

#[test]
fn a_new_quota_may_wait_for_its_first_figure() {
    let mut ledger = Ledger::new(pinned("2023-06-06"));
    ledger.take(
        "2023-06-05",
        quota("268", 269_950, "95", Some("2023-06-30")),
    );
    assert!(ledger.story().is_empty());
    let verdict = ledger.verdict("268");
    assert_eq!(
        (verdict.basis.as_str(), verdict.concern()),
        ("NO_DATA", Concern::Unspecified)
    );
}

#[test]
fn a_forecast_opens_a_case_after_two_reports_and_not_after_one() {
    let mut ledger = Ledger::new(pinned("2023-06-20"));
    ledger.take(
        "2023-05-01",
        quota("268", 269_950, "95", Some("2023-06-30")),
    );
    ledger.changes.clear();
    for (at, count) in [
        ("2023-05-22", 180_000),
        ("2023-05-29", 185_000),
        ("2023-06-05", 190_000),
    ] {
        ledger.count("268", at, count);
    }
    // Until the third report it was silent: fourteen days had passed since the newest one.
    ledger
        .changes
        .retain(|change| change.key.concern == lag::Concern::Lagging);
    assert!(ledger.story().is_empty());
    ledger.count("268", "2023-06-12", 195_000);
    assert!(
        ledger.story().iter().all(|told| !told.contains("LAGGING")),
        "{:?}",
        ledger.story()
    );
    assert_eq!(ledger.verdict("268").basis, "HAZARD");
    assert_eq!(ledger.verdict("268").concern(), Concern::Lagging);
    ledger.count("268", "2023-06-19", 200_000);
    assert!(
        ledger.story().contains(&"268 LAGGING opened".to_owned()),
        "{:?}",
        ledger.story()
    );
}

#[test]
fn a_quota_known_only_in_percent_is_judged_by_the_printed_percentage() {
    let mut ledger = Ledger::new(pinned("2023-07-31"));
    let percent = quota_of("268", against("percent", 100), "100", Some("2023-06-30"));
    ledger.within_request("2023-06-02", Body::QuotaAssigned(percent));
    ledger.percent("268", "2023-06-21", "100");
    assert!(ledger.story().is_empty());
    let verdict = ledger.verdict("268");
    assert_eq!(verdict.status(), VerdictStatus::Done);
    assert!(
        vi(&verdict).contains("hoàn thành 21/6/2023, sớm 9 ngày"),
        "{}",
        vi(&verdict)
    );
    assert!(vi(&verdict).ends_with("(đạt 100%)."), "{}", vi(&verdict));
    // Short by a tenth of a point is short.
    let mut ledger = Ledger::new(pinned("2023-07-31"));
    let percent = quota_of("268", against("percent", 100), "100", Some("2023-06-30"));
    ledger.within_request("2023-06-02", Body::QuotaAssigned(percent));
    ledger.percent("268", "2023-07-21", "99,9");
    assert_eq!(ledger.story(), ["268 OVERDUE opened"]);
    assert!(vi(&ledger.verdict("268")).contains("thiếu 0,1 điểm phần trăm"));
}

#[test]
fn a_figure_without_a_share_cannot_meet_a_quota_in_percent() {
    let mut ledger = Ledger::new(pinned("2023-07-31"));
    let percent = quota_of("268", against("percent", 100), "100", Some("2023-06-30"));
    ledger.within_request("2023-06-02", Body::QuotaAssigned(percent));
    ledger.count("268", "2023-07-30", 12_345);
    let verdict = ledger.verdict("268");
    assert_eq!(
        (verdict.basis.as_str(), verdict.status()),
        ("NO_QUOTA", VerdictStatus::Unknown)
    );
    assert!(
        verdict.reasons.contains(&"NO_DENOMINATOR".to_owned()),
        "{:?}",
        verdict.reasons
    );
}

#[test]
fn figures_after_today_are_not_seen() {
    let mut ledger = Ledger::new(pinned("2023-06-20"));
    ledger.take("2023-06-05", quota("268", 100, "100", Some("2023-06-30")));
    ledger.count("268", "2023-06-19", 60);
    ledger.count("268", "2023-06-29", 100);
    assert_eq!(term(&ledger.verdict("268"), "count"), Some(60.0));
}

#[test]
fn a_locality_that_ends_takes_its_cases_with_it() {
    let mut ledger = Ledger::new(pinned("2025-07-02"));
    ledger.count("268", "2025-06-30", 50);
    ledger.take("2025-06-05", quota("268", 100, "100", Some("2025-06-30")));
    assert_eq!(ledger.story(), ["268 OVERDUE opened"]);
    let ended = Body::LocalityEnded(LocalityEnded {
        locality: place("268"),
        successors: Vec::new(),
        source: Source::default(),
    });
    ledger.take("2025-07-01", ended);
    assert_eq!(
        ledger.story(),
        ["268 OVERDUE opened", "268 OVERDUE cleared"]
    );
    assert_eq!(ledger.changes[1].verdict.basis, "LOCALITY_ENDED");
    assert!(vi(&ledger.changes[1].verdict).contains("không còn từ 1/7/2025"));
    assert!(ledger.verdicts().is_empty());
}

#[test]
fn a_figure_somebody_insisted_on_freezes_the_verdict_until_it_is_answered_for() {
    let today = pinned("2023-07-05");
    let mut ledger = Ledger::new(today);
    ledger.take(
        "2023-06-05",
        quota("268", 269_950, "95", Some("2023-06-30")),
    );
    ledger.count("268", "2023-06-12", 25_000);
    let report = report("268", EID, Some(256_453), None, None);
    let position = ledger.insisted("2023-07-01", report);
    let frozen = ledger.verdict("268");
    assert_eq!(frozen.status(), VerdictStatus::Unknown);
    assert!(frozen.reasons.iter().any(|reason| reason == "CHECK_OPEN"));
    let resolved = Body::FindingResolved(FindingResolved {
        position,
        locality: place("268"),
        check: Check::FactorOfTen,
        resolution: Resolution::Confirmed,
        reason: "đã đối chiếu với hồ sơ gốc".to_owned(),
    });
    ledger.take("2023-07-04", resolved);
    assert_eq!(ledger.verdict("268").status(), VerdictStatus::Done);
    let (changes, _) = ledger.replayed(today);
    assert_eq!(changes, ledger.changes);
}
