//! Figures in doubt, who has to answer for them, and how good a place's data are.

use domain::event::{
    CompletionDeclared, FindingResolved, ProgressRetracted, QuotaLayer, QuotaSuspended, Resolution,
    WorkItemDefined, WorkOrigin,
};

use super::*;
use crate::{FindingEntry, Fraction, Quality, QualityMeasure, QualityRules, Which};

const KHANH_HOA: &str = "56@2023-04-10";
const NHA_TRANG: &str = "568@2023-04-10";
const CAM_RANH: &str = "569@2023-04-10";
const HA_NOI: &str = "01@2023-04-10";

fn khanh_hoa() -> Ledger {
    let mut ledger = Ledger::new();
    ledger.add("2023-04-10", registered(HA_NOI, "Hà Nội", "", false));
    ledger.add("2023-04-10", registered(KHANH_HOA, "Khánh Hòa", "", false));
    for district in [NHA_TRANG, CAM_RANH] {
        ledger.add(
            "2023-04-10",
            registered(district, district, KHANH_HOA, false),
        );
    }
    ledger
}

fn warned() -> Vec<Finding> {
    vec![
        finding(Check::Jump, Severity::Warning),
        finding(Check::VagueFigure, Severity::Note),
    ]
}

fn blocked() -> Vec<Finding> {
    vec![finding(Check::FactorOfTen, Severity::Blocking)]
}

fn answered(position: u64, locality: &str, check: Check) -> Body {
    Body::FindingResolved(FindingResolved {
        position,
        locality: id(locality),
        check,
        resolution: Resolution::Confirmed,
        reason: "đối chiếu sổ".to_owned(),
    })
}

fn positions<'a>(entries: impl IntoIterator<Item = FindingEntry<'a>>) -> Vec<u64> {
    let entries = entries.into_iter();
    entries.map(|entry| entry.recorded.position).collect()
}

#[test]
fn open_findings_are_read_page_by_page_below_a_place() {
    let mut ledger = khanh_hoa();
    let report = |place: &str, value| reported(place, "eid", count(value));
    let first = ledger.add_doubtful("2023-06-05", report(NHA_TRANG, 1), warned());
    let elsewhere = ledger.add_doubtful("2023-06-05", report(HA_NOI, 2), warned());
    let second = ledger.add_doubtful("2023-06-06", report(CAM_RANH, 3), warned());
    let third = ledger.add_doubtful("2023-06-07", report(NHA_TRANG, 4), blocked());
    let last = ledger.state.position();

    let reading = ledger.state.at(moment("2023-06-30"), last);
    let below = |which, after| positions(reading.findings_within(id(KHANH_HOA), which, after));
    assert_eq!(below(Which::Open, 0), [first, second, third]);
    assert_eq!(below(Which::Open, first), [second, third]);
    assert!(below(Which::Open, third).is_empty());
    assert!(below(Which::Open, u64::MAX).is_empty());
    assert_eq!(below(Which::All, 0), [first, first, second, second, third]);
    assert_eq!(
        positions(reading.all_findings(Which::Open, 0)),
        [first, elsewhere, second, third]
    );
    let own = reading.findings(id(NHA_TRANG), Which::Open);
    assert_eq!(positions(own.clone()), [first, third]);
    assert_eq!(
        (own[0].locality, own[0].indicator),
        (Some(id(NHA_TRANG)), Some(&code("eid")))
    );
    // Neither what speaks of a later day nor what is not known yet is read.
    let early = ledger.state.at(moment("2023-06-06"), last);
    assert_eq!(
        positions(early.findings(id(NHA_TRANG), Which::Open)),
        [first]
    );
    let before = ledger.state.at(moment("2023-06-30"), second);
    assert_eq!(
        positions(before.findings_within(id(KHANH_HOA), Which::Open, 0)),
        [first, second]
    );
    // An answered one is no longer open.
    ledger.add("2023-06-08", answered(first, NHA_TRANG, Check::Jump));
    let reading = ledger.state.latest(moment("2023-06-30"));
    assert_eq!(
        positions(reading.findings(id(NHA_TRANG), Which::Open)),
        [third]
    );
    assert_eq!(reading.findings(id(NHA_TRANG), Which::All).len(), 3);
}

#[test]
fn a_blocking_finding_keeps_verdicts_back_until_it_is_answered() {
    let mut ledger = khanh_hoa();
    let report = || reported(NHA_TRANG, "eid", count(100_000));
    let doubtful = ledger.add_doubtful("2023-06-05", report(), blocked());
    ledger.add_doubtful(
        "2023-06-05",
        reported(NHA_TRANG, "cccd", count(1)),
        warned(),
    );
    let is_blocked = |ledger: &Ledger, as_of: &str, position, indicator: &str| {
        let reading = ledger.state.at(moment(as_of), position);
        reading.has_blocking(id(NHA_TRANG), &code(indicator))
    };
    assert!(is_blocked(&ledger, "2023-06-05", 99, "eid"));
    assert!(!is_blocked(&ledger, "2023-06-04", 99, "eid"));
    assert!(!is_blocked(&ledger, "2023-06-05", doubtful - 1, "eid"));
    assert!(!is_blocked(&ledger, "2023-06-05", 99, "cccd"));
    assert!(!is_blocked(&ledger, "2023-06-05", 99, "unknown"));
    let body = answered(doubtful, NHA_TRANG, Check::FactorOfTen);
    let answer = ledger.add("2023-06-06", body);
    assert!(is_blocked(&ledger, "2023-06-30", answer - 1, "eid"));
    assert!(!is_blocked(&ledger, "2023-06-30", answer, "eid"));

    // A second one ends with the retraction of its figure.
    let again = ledger.add_doubtful("2023-06-12", report(), blocked());
    assert!(is_blocked(&ledger, "2023-06-30", again, "eid"));
    let retracted = Body::ProgressRetracted(ProgressRetracted {
        retracts: again,
        locality: id(NHA_TRANG),
        indicator: code("eid"),
        reason: "nhầm".to_owned(),
    });
    ledger.add("2023-06-12", retracted);
    assert!(!is_blocked(&ledger, "2023-06-30", 99, "eid"));
}

#[test]
fn a_work_item_without_output_and_a_quota_are_in_doubt_until_they_are_said_anew() {
    let mut ledger = khanh_hoa();
    let item = |result: &str| {
        Body::WorkItemDefined(WorkItemDefined {
            work_item: code("W1"),
            locality: id(NHA_TRANG),
            model: None,
            content: vi("Rà soát"),
            volume: None,
            unit: String::new(),
            expected_result: result.to_owned(),
            start: None,
            due: None,
            organisation: "Sở".to_owned(),
            office: "Phòng".to_owned(),
            origin: WorkOrigin::New,
            depends_on: Vec::new(),
        })
    };
    let no_output = vec![finding(Check::NoMeasurableOutput, Severity::Warning)];
    let flagged = ledger.add_doubtful("2023-07-04", item(""), no_output);
    let milestones = vec![finding(Check::CountAboveDenominator, Severity::Warning)];
    let central = || quota(NHA_TRANG, QuotaLayer::Central, 5, "100", "");
    let asked = ledger.add_doubtful("2023-07-04", central(), milestones);
    let open = |ledger: &Ledger| {
        let reading = ledger.state.latest(moment("2023-12-31"));
        positions(reading.findings(id(NHA_TRANG), Which::Open))
    };
    assert_eq!(open(&ledger), [flagged, asked]);
    let reading = ledger.state.latest(moment("2023-12-31"));
    let found = reading.findings(id(NHA_TRANG), Which::Open);
    assert_eq!(
        (found[0].work_item, found[0].indicator),
        (Some(&code("W1")), None)
    );
    // Another layer's quota and an older definition replace neither.
    let provincial = quota(NHA_TRANG, QuotaLayer::Provincial, 5, "100", "");
    ledger.add("2023-08-01", provincial);
    ledger.add("2023-07-01", item("Một báo cáo"));
    assert_eq!(open(&ledger), [flagged, asked]);
    ledger.add("2023-08-01", item("Một báo cáo"));
    assert_eq!(open(&ledger), [asked]);
    ledger.add("2023-08-01", central());
    assert!(open(&ledger).is_empty());
}

fn quality(ledger: &Ledger, as_of: &str) -> Quality {
    let rules = QualityRules::of_2026_11();
    let reading = ledger.state.latest(moment(as_of));
    reading.quality(id(NHA_TRANG), &rules)
}

fn of(good: u64, of: u64) -> Fraction {
    Fraction { good, of }
}

#[test]
fn data_are_as_good_as_they_are_complete_timely_consistent_and_live() {
    let mut ledger = khanh_hoa();
    // Nobody asked for anything, so there is nothing to measure.
    let silent = quality(&ledger, "2023-06-30");
    for measure in QualityMeasure::ALL {
        assert_eq!(
            (silent.of(measure), silent.of(measure).hundredths()),
            (of(0, 0), None)
        );
    }
    let central = || quota(NHA_TRANG, QuotaLayer::Central, 1_000, "100", "");
    ledger.add("2023-03-01", central());
    let declared = Body::CompletionDeclared(CompletionDeclared {
        locality: id(NHA_TRANG),
        indicator: code("cccd"),
        by: day("2023-06-30"),
        source: Source::default(),
    });
    ledger.add("2023-03-01", declared);
    assert_eq!(quality(&ledger, "2023-06-30").completeness, of(0, 2));

    let report = |indicator: &str, value| reported(NHA_TRANG, indicator, count(value));
    // 23:00 of 8 June in Vietnam is the third day after the 5th; an hour later it is the fourth.
    ledger.on("2023-06-08T16:00:00Z");
    ledger.add("2023-06-05", report("eid", 10));
    ledger.on("2023-06-08T17:00:00Z");
    let late = ledger.add_doubtful("2023-06-05", report("eid", 11), warned());
    // Nobody asked for this one, but it is a figure all the same.
    ledger.add("2023-06-08", report("extra", 1));
    // It speaks of a day before the window.
    ledger.add("2023-02-28", report("extra", 0));
    let read = quality(&ledger, "2023-06-12");
    assert_eq!(read.completeness, of(1, 2));
    assert_eq!(read.timeliness, of(2, 3));
    assert_eq!(read.consistency, of(2, 3));
    assert_eq!(read.liveness, of(1, 1));
    assert_eq!(read.timeliness.hundredths(), Some(6_667));

    // Fourteen days after its newest figure a series is alive, fifteen days after it is not.
    assert_eq!(quality(&ledger, "2023-06-19").liveness, of(1, 1));
    assert_eq!(quality(&ledger, "2023-06-20").liveness, of(0, 1));

    // A correction takes the doubtful figure's place; it is no report that could be late.
    ledger.on("2023-07-01T00:00:00Z");
    let right = corrected(NHA_TRANG, "eid", late, count(12));
    ledger.add("2023-06-05", right);
    let read = quality(&ledger, "2023-06-12");
    assert_eq!((read.timeliness, read.consistency), (of(2, 3), of(3, 3)));

    // What is suspended is not asked for.
    let suspended = Body::QuotaSuspended(QuotaSuspended {
        locality: id(NHA_TRANG),
        indicator: code("eid"),
        layer: QuotaLayer::Central,
        reason: "chờ rà soát".to_owned(),
        document: Document::default(),
    });
    ledger.add("2023-06-13", suspended);
    let read = quality(&ledger, "2023-06-13");
    assert_eq!((read.completeness, read.liveness), (of(0, 1), of(0, 0)));
}

#[test]
fn a_measure_is_told_with_the_numbers_of_its_rules() {
    let rules = QualityRules {
        version: "test".to_owned(),
        window_days: 30,
        grace_days: 2,
        cadence_days: 5,
    };
    let told =
        |measure: QualityMeasure| (measure.definition_vi(&rules), measure.definition_en(&rules));
    for (measure, numbers) in [
        (QualityMeasure::Completeness, &[][..]),
        (QualityMeasure::Timeliness, &["30", "2"][..]),
        (QualityMeasure::Consistency, &["30"][..]),
        (QualityMeasure::Liveness, &["10"][..]),
    ] {
        let (vi, en) = told(measure);
        for number in numbers {
            assert!(vi.contains(number) && en.contains(number), "{vi} / {en}");
        }
        assert!(!vi.contains("  ") && !en.contains("  "), "{vi} / {en}");
    }
}
