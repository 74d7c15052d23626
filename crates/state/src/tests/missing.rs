//! Who has not reported.

use domain::event::{
    CompletionDeclared, ProgressRetracted, QuotaSuspended, Role, Scope, WorkItemDefined,
};

use super::owners::{KHANH_HOA, NHA_TRANG, assigned, khanh_hoa, succeeded, work_item};
use super::*;
use crate::{Expected, Reading};

const CAM_RANH: &str = "569@2023-04-10";
const DIEN_KHANH: &str = "574@2023-04-10";
const CAM_LAM: &str = "570@2023-04-10";

/// Four districts, of which Cam Lâm never reports.
fn districts() -> Ledger {
    let mut ledger = khanh_hoa();
    for (place, name) in [
        (CAM_RANH, "Cam Ranh"),
        (DIEN_KHANH, "Diên Khánh"),
        (CAM_LAM, "Cam Lâm"),
    ] {
        ledger.add("2023-04-10", registered(place, name, KHANH_HOA, false));
    }
    ledger.add("2023-06-23", reported(NHA_TRANG, "eid", count(100)));
    ledger.add("2023-06-23", reported(CAM_RANH, "eid", count(200)));
    ledger.add("2023-06-30", reported(DIEN_KHANH, "eid", count(300)));
    ledger
}

/// Names and days of silence, how many were expected, how many reported.
type Told = (Vec<(String, Option<u32>)>, usize, usize);

fn told(reading: &Reading<'_>, cadence_days: u32) -> Told {
    let children = reading.children(id(KHANH_HOA));
    let found = reading.missing_reports(&code("eid"), children, cadence_days, Expected::OfAll);
    let today = reading.as_of().date();
    let missing = found.missing.iter().map(|one| {
        let days = one.silent_days(today);
        (one.locality.name.vi.clone(), days)
    });
    (missing.collect(), found.expected(), found.reported)
}

fn named(missing: &[(&str, Option<u32>)]) -> Vec<(String, Option<u32>)> {
    let named = missing
        .iter()
        .map(|(name, days)| ((*name).to_owned(), *days));
    named.collect()
}

#[test]
fn who_never_reported_comes_first_then_the_longest_silence() {
    let ledger = districts();
    let on = |as_of: &str, days| told(&ledger.state.latest(moment(as_of)), days);
    let never = ("Cam Lâm", None);
    // A figure of seven days ago is in time, one of eight is not.
    assert_eq!(on("2023-06-30", 7), (named(&[never]), 4, 3));
    let two = [never, ("Cam Ranh", Some(8)), ("Nha Trang", Some(8))];
    assert_eq!(on("2023-07-01", 7), (named(&two), 4, 1));
    let all = [
        never,
        ("Cam Ranh", Some(15)),
        ("Nha Trang", Some(15)),
        ("Diên Khánh", Some(8)),
    ];
    assert_eq!(on("2023-07-08", 7), (named(&all), 4, 0));
    // After twice the cadence a silence is one that is judged.
    let reading = ledger.state.latest(moment("2023-07-08"));
    let found = reading.missing_reports(
        &code("eid"),
        reading.children(id(KHANH_HOA)),
        7,
        Expected::OfAll,
    );
    let silent = found
        .missing
        .iter()
        .map(|one| one.is_silent(day("2023-07-08"), 7));
    assert_eq!(silent.collect::<Vec<_>>(), [false, true, true, false]);
}

#[test]
fn a_report_that_came_later_or_was_taken_back_is_missing_to_those_who_know() {
    let mut ledger = districts();
    let known = ledger.add("2023-07-05", reported(CAM_RANH, "eid", count(250)));
    let late = ledger.add("2023-07-06", reported(CAM_LAM, "eid", count(0)));
    let back = Body::ProgressRetracted(ProgressRetracted {
        retracts: known,
        locality: id(CAM_RANH),
        indicator: code("eid"),
        reason: "nhầm huyện".to_owned(),
    });
    let all = ledger.add("2023-07-05", back);
    let at = |position| told(&ledger.state.at(moment("2023-07-08"), position), 7).0;
    let (nha_trang, dien_khanh) = (("Nha Trang", Some(15)), ("Diên Khánh", Some(8)));
    let never = ("Cam Lâm", None);
    assert_eq!(at(known), named(&[never, nha_trang, dien_khanh]));
    // A count of 0 is a report.
    assert_eq!(at(late), named(&[nha_trang, dien_khanh]));
    // Without the figure taken back the one before it is the last.
    let cam_ranh = ("Cam Ranh", Some(15));
    assert_eq!(at(all), named(&[cam_ranh, nha_trang, dien_khanh]));
}

#[test]
fn nothing_is_expected_of_a_place_in_its_first_days() {
    let mut ledger = districts();
    ledger.add(
        "2023-07-01",
        registered("575@2023-07-01", "Mới", KHANH_HOA, true),
    );
    let on = |as_of: &str| {
        let reading = ledger.state.latest(moment(as_of));
        let children = reading.children(id(KHANH_HOA));
        let found = reading.missing_reports(&code("eid"), children, 7, Expected::OfAll);
        (found.expected(), found.too_new, found.reported)
    };
    assert_eq!(on("2023-06-30"), (4, 0, 3));
    assert_eq!(on("2023-07-07"), (4, 1, 1));
    // The first report is due on the 8th, and may be given all that day.
    assert_eq!(on("2023-07-08"), (4, 1, 0));
    assert_eq!(on("2023-07-09"), (5, 0, 0));
    // It may report at once.
    ledger.add("2023-07-03", reported("575@2023-07-01", "eid", count(1)));
    let on = told(&ledger.state.latest(moment("2023-07-07")), 7);
    assert_eq!((on.1, on.2), (5, 2));
}

#[test]
fn whoever_implements_the_plan_is_asked_and_else_whoever_leads_it() {
    let mut ledger = districts();
    let plan = || Scope::Plan(code("6559"));
    let asked = |ledger: &Ledger, place: &str, as_of: &str| {
        let reading = ledger.state.latest(moment(as_of));
        reading.asked_to_report(id(place)).map(|owner| {
            let names = owner.organisations.join("+");
            format!("{} {names}", owner.fact.role.as_str())
        })
    };
    assert_eq!(asked(&ledger, CAM_LAM, "2023-07-08"), None);
    let lead = assigned(KHANH_HOA, plan(), Role::Lead, &["UBND tỉnh"]);
    ledger.add("2023-07-04", lead);
    let implementing = assigned(CAM_LAM, plan(), Role::Implementing, &["Đội 06"]);
    ledger.add("2023-07-06", implementing);
    let lead = Some("lead UBND tỉnh".to_owned());
    assert_eq!(asked(&ledger, CAM_LAM, "2023-07-05"), lead);
    assert_eq!(asked(&ledger, CAM_RANH, "2023-07-08"), lead);
    let own = Some("implementing Đội 06".to_owned());
    assert_eq!(asked(&ledger, CAM_LAM, "2023-07-08"), own);
    // Who is no more is not asked.
    ledger.add("2023-08-01", succeeded(CAM_LAM, "Đội 06", &[]));
    assert_eq!(asked(&ledger, CAM_LAM, "2023-08-01"), lead);
    let quota = quota(CAM_LAM, QuotaLayer::Central, 1_000, "100", "");
    ledger.add("2023-07-04", quota);
    let reading = ledger.state.latest(moment("2023-08-01"));
    let is_asked = |place: &str| reading.is_asked(id(place), &code("eid"));
    assert!(is_asked(CAM_LAM) && !is_asked(CAM_RANH));
}

/// Of those that are asked: who is missing, and how many reported or have nothing to report yet.
fn asked(ledger: &Ledger, as_of: &str) -> (Vec<String>, usize, usize) {
    let reading = ledger.state.latest(moment(as_of));
    let children = reading.children(id(KHANH_HOA));
    let found = reading.missing_reports(&code("eid"), children, 7, Expected::OfAsked);
    let names = found.missing.iter().map(|one| one.locality.name.vi.clone());
    (names.collect(), found.reported, found.too_new)
}

fn assigned_quota(place: &str, start: &str, deadline: &str) -> Body {
    let Body::QuotaAssigned(assigned) = quota(place, QuotaLayer::Central, 1_000, "100", deadline)
    else {
        panic!("a quota");
    };
    let start = (!start.is_empty()).then(|| day(start));
    Body::QuotaAssigned(QuotaAssigned { start, ..assigned })
}

#[test]
fn who_is_asked_today_is_late_from_the_day_after_the_first_reporting_day_on() {
    let mut ledger = districts();
    assert_eq!(asked(&ledger, "2023-07-20"), (vec![], 0, 0));
    // Cam Lâm never reported, and Nha Trang's last figure is of 23 June.
    ledger.add("2023-07-20", assigned_quota(CAM_LAM, "", ""));
    ledger.add("2023-07-20", assigned_quota(NHA_TRANG, "", ""));
    assert_eq!(asked(&ledger, "2023-07-20"), (vec![], 0, 2));
    assert_eq!(asked(&ledger, "2023-07-27"), (vec![], 0, 2));
    let both = vec!["Cam Lâm".to_owned(), "Nha Trang".to_owned()];
    assert_eq!(asked(&ledger, "2023-07-28"), (both.clone(), 0, 0));
    // Of all, both were missing before.
    assert_eq!(told(&ledger.state.latest(moment("2023-07-20")), 7).1, 4);
    // A quota that revises another begins nothing anew.
    ledger.add("2023-07-27", assigned_quota(CAM_LAM, "", "2023-12-31"));
    assert_eq!(asked(&ledger, "2023-07-28"), (both, 0, 0));
    // A figure that comes in time counts from the first day.
    ledger.add("2023-07-28", reported(NHA_TRANG, "eid", count(120)));
    let cam_lam = vec!["Cam Lâm".to_owned()];
    assert_eq!(asked(&ledger, "2023-07-28"), (cam_lam, 1, 0));
    // After a pause it is asked anew.
    let suspended = Body::QuotaSuspended(QuotaSuspended {
        locality: id(CAM_LAM),
        indicator: code("eid"),
        layer: QuotaLayer::Central,
        reason: "chờ rà soát".to_owned(),
        document: Document::default(),
    });
    ledger.add("2023-07-29", suspended);
    assert_eq!(asked(&ledger, "2023-07-29"), (vec![], 1, 0));
    ledger.add("2023-08-10", assigned_quota(CAM_LAM, "", ""));
    assert_eq!(asked(&ledger, "2023-08-10").2, 1);
}

#[test]
fn whatever_is_due_on_a_day_is_late_from_the_day_after() {
    let mut ledger = khanh_hoa();
    ledger.add(
        "2023-06-30",
        registered("575@2023-06-30", "Mới", KHANH_HOA, true),
    );
    for (place, name) in [(CAM_RANH, "Báo cáo"), (DIEN_KHANH, "Hạn"), (CAM_LAM, "Kỳ")] {
        ledger.add("2023-04-10", registered(place, name, KHANH_HOA, false));
    }
    // Each is to be done or told by 7 July: a week after the last report, after the beginning or after it was asked, or by the deadline.
    ledger.add("2023-06-30", reported(CAM_RANH, "eid", count(1)));
    ledger.add("2023-06-30", assigned_quota(CAM_RANH, "", ""));
    ledger.add("2023-07-03", assigned_quota(DIEN_KHANH, "", "2023-07-07"));
    ledger.add("2023-06-30", assigned_quota(CAM_LAM, "", ""));
    let Body::WorkItemDefined(item) = work_item(NHA_TRANG, "W1", "Sở Y tế", &[]) else {
        panic!("a work item");
    };
    let due = Some(day("2023-07-07"));
    ledger.add(
        "2023-06-30",
        Body::WorkItemDefined(WorkItemDefined { due, ..item }),
    );
    let overdue = |as_of: &str| {
        let reading = ledger.state.latest(moment(as_of));
        let items = reading.work_items(id(NHA_TRANG)).into_iter();
        items.map(|item| item.overdue_days(day(as_of))).sum::<u32>()
    };
    let new = |as_of: &str| {
        let missing = told(&ledger.state.latest(moment(as_of)), 7).0.into_iter();
        missing.filter(|(name, _)| name == "Mới").count()
    };
    assert_eq!(asked(&ledger, "2023-07-07").0, [""; 0]);
    assert_eq!((overdue("2023-07-07"), new("2023-07-07")), (0, 0));
    assert_eq!(asked(&ledger, "2023-07-08").0, ["Hạn", "Kỳ", "Báo cáo"]);
    assert_eq!((overdue("2023-07-08"), new("2023-07-08")), (1, 1));
}

#[test]
fn a_new_place_is_late_once_a_deadline_of_its_own_is_over() {
    let mut ledger = khanh_hoa();
    let new = "575@2023-06-30";
    ledger.add("2023-06-30", registered(new, "Mới", KHANH_HOA, true));
    ledger.add("2023-06-30", assigned_quota(new, "", "2023-07-03"));
    assert_eq!(asked(&ledger, "2023-07-03").0, [""; 0]);
    assert_eq!(asked(&ledger, "2023-07-04").0, ["Mới"]);
}

#[test]
fn work_that_begins_later_a_deadline_and_a_declaration_are_days_to_report_by() {
    let mut ledger = districts();
    // Assigned on 1 July for work from the 10th on.
    ledger.add("2023-07-01", assigned_quota(CAM_LAM, "2023-07-10", ""));
    assert_eq!(asked(&ledger, "2023-07-17").0, [""; 0]);
    assert_eq!(asked(&ledger, "2023-07-18").0, ["Cam Lâm"]);
    // A campaign of three days is over before a week is.
    ledger.add("2023-07-16", assigned_quota(CAM_RANH, "", "2023-07-18"));
    assert_eq!(asked(&ledger, "2023-07-18").0, ["Cam Lâm"]);
    assert_eq!(asked(&ledger, "2023-07-19").0, ["Cam Lâm", "Cam Ranh"]);
    // Whoever declares to be done is asked by itself.
    let declared = |by: &str| {
        Body::CompletionDeclared(CompletionDeclared {
            locality: id(DIEN_KHANH),
            indicator: code("eid"),
            by: day(by),
            source: Source::default(),
        })
    };
    ledger.add("2023-07-20", declared("2023-07-25"));
    ledger.add("2023-07-24", declared("2023-08-25"));
    assert_eq!(asked(&ledger, "2023-07-27").0.len(), 2);
    assert_eq!(asked(&ledger, "2023-07-28").0.len(), 3);
}
