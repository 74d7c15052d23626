//! The siblings: far below the average of the province, with and without quotas.

use alerting::Filter;
use host::Today;
use wire::v1::{Concern, VerdictStatus};

use crate::common::{EID, Ledger, day, quota, report, term, vi};

fn june() -> Today {
    Today::Pinned(day("2023-06-07"))
}

#[test]
fn far_below_the_average_opens_a_case_and_catching_up_clears_it() {
    let mut ledger = Ledger::new(june());
    for (code, count) in [("268", 900), ("004", 850), ("250", 800), ("016", 300)] {
        ledger.within_request("2023-06-01", quota(code, 1_000, "100", None));
        ledger.count(code, "2023-06-05", count);
    }
    assert_eq!(ledger.story(), ["016 BELOW_AVERAGE opened"]);
    let opened = &ledger.changes[0].verdict;
    // (900 + 850 + 800 + 300)/4000.
    assert_eq!(term(opened, "average"), Some(0.7125));
    assert_eq!(
        (term(opened, "peers"), term(opened, "peers_stale")),
        (Some(4.0), Some(0.0))
    );
    assert_eq!(
        opened.positions.len(),
        5,
        "its quota and four figures: {:?}",
        opened.positions
    );
    assert!(
        vi(opened).contains("thấp hơn nhiều so với bình quân 71,3%"),
        "{}",
        vi(opened)
    );
    ledger.count("016", "2023-06-06", 700);
    assert_eq!(
        ledger.story(),
        ["016 BELOW_AVERAGE opened", "016 BELOW_AVERAGE cleared"]
    );
}

#[test]
fn a_siblings_report_moves_the_average_for_the_others() {
    let mut ledger = Ledger::new(june());
    for (code, count) in [("268", 500), ("004", 450)] {
        ledger.within_request("2023-06-01", quota(code, 1_000, "100", None));
        ledger.count(code, "2023-06-05", count);
    }
    assert!(ledger.story().is_empty());
    ledger.within_request("2023-06-01", quota("250", 10_000, "100", None));
    ledger.count("250", "2023-06-05", 9_900);
    assert_eq!(
        ledger.story(),
        ["004 BELOW_AVERAGE opened", "268 BELOW_AVERAGE opened"]
    );
}

#[test]
fn percentages_without_a_quota_are_compared_and_told_as_such() {
    let mut ledger = Ledger::new(june());
    for (code, percent) in [
        ("268", "51,19"),
        ("004", "41,8"),
        ("250", "16,01"),
        ("016", "12,1"),
    ] {
        ledger.percent(code, "2023-06-07", percent);
    }
    // The average of the shares is 30.275 %, seven tenths of it 21.19 %.
    assert_eq!(
        ledger.story(),
        ["250 BELOW_AVERAGE opened", "016 BELOW_AVERAGE opened"]
    );
    let verdict = ledger.verdict("016");
    assert_eq!(
        (verdict.basis.as_str(), verdict.status()),
        ("AVERAGE", VerdictStatus::Amber)
    );
    assert_eq!(verdict.reasons[0], "NO_QUOTA");
    assert_eq!(
        vi(&verdict),
        "Huyện Sóc Sơn, kích hoạt tài khoản định danh điện tử: đến 7/6/2023 đạt 12,1%, thấp hơn \
         nhiều so với bình quân 30,3%; chưa có chỉ tiêu."
    );
    assert_eq!(term(&verdict, "required"), None);
    assert_eq!(ledger.verdict("268").basis, "NO_QUOTA");
    assert_eq!(ledger.verdict("268").concern(), Concern::Unspecified);
}

#[test]
fn counts_and_percentages_share_one_average() {
    let mut ledger = Ledger::new(june());
    ledger.take(
        "2023-06-05",
        report("268", EID, Some(180_000), None, Some(200_000)),
    );
    ledger.percent("004", "2023-06-05", "70");
    ledger.percent("016", "2023-06-05", "20");
    assert_eq!(ledger.story(), ["016 BELOW_AVERAGE opened"]);
    let average = term(&ledger.verdict("016"), "average").unwrap();
    assert!((average - 0.6).abs() < 1e-12, "{average}");
}

#[test]
fn the_worst_come_first_and_then_the_vietnamese_order() {
    let mut ledger = Ledger::new(Today::Pinned(day("2023-07-05")));
    for (code, count) in [("004", 10), ("250", 20), ("268", 100), ("016", 30)] {
        ledger.within_request("2023-06-01", quota(code, 100, "100", Some("2023-06-30")));
        ledger.count(code, "2023-07-01", count);
    }
    let names = |filter: &Filter| {
        let verdicts = ledger.judge.verdicts(filter);
        let names = verdicts
            .into_iter()
            .map(|verdict| verdict.locality_name.unwrap().vi);
        names.collect::<Vec<_>>()
    };
    let lagging = ["Huyện Đông Anh", "Huyện Sóc Sơn", "Quận Long Biên"];
    assert_eq!(
        names(&Filter::default()),
        [&lagging[..], &["Quận Hà Đông"]].concat()
    );
    assert_eq!(
        names(&Filter {
            lagging_only: true,
            ..Filter::default()
        }),
        lagging
    );
    let other = Filter {
        indicator: Some("cccd.issued".parse().unwrap()),
        ..Filter::default()
    };
    assert!(names(&other).is_empty());
}
