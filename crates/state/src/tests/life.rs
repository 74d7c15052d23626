//! What is withdrawn, suspended, taken back, put off and answered for.

use domain::event::{
    FindingResolved, GroupDefined, GroupWithdrawn, ModelDefined, ModelWithdrawn, ProgressRetracted,
    QuotaSuspended, Resolution, WorkItemCancelled, WorkItemDefined, WorkItemProgressed,
    WorkItemRescheduled, WorkOrigin,
};
use domain::finding::{Check, Severity};

use super::*;
use crate::FindingState;

const NHA_TRANG: &str = "568@2023-04-10";

fn retracted(retracts: u64) -> Body {
    Body::ProgressRetracted(ProgressRetracted {
        retracts,
        locality: id(NHA_TRANG),
        indicator: code("eid"),
        reason: "nộp nhầm đơn vị".to_owned(),
    })
}

impl Ledger {
    fn count_on(&self, as_of: &str, position: u64) -> Option<u64> {
        let reading = self.state.at(moment(as_of), position);
        let figure = reading.figure(id(NHA_TRANG), &code("eid"))?.figure;
        Some(figure.value?.value)
    }
}

#[test]
fn a_retracted_figure_was_shown_until_then() {
    let mut ledger = Ledger::new();
    let first = ledger.add("2023-06-05", reported(NHA_TRANG, "eid", count(10_000)));
    let wrong = ledger.add("2023-06-12", reported(NHA_TRANG, "eid", count(90_000)));
    let by = ledger.add("2023-06-12", retracted(wrong));
    assert_eq!(ledger.count_on("2023-06-30", wrong), Some(90_000));
    assert_eq!(ledger.count_on("2023-06-30", by), Some(10_000));
    let reading = ledger.state.latest(moment("2023-06-30"));
    assert_eq!(reading.series(id(NHA_TRANG), &code("eid")).len(), 1);
    let history = reading.history(id(NHA_TRANG), None);
    let told: Vec<_> = history
        .iter()
        .map(|figure| {
            (
                figure.recorded.position,
                figure.retracted_by,
                figure.retraction_reason,
            )
        })
        .collect();
    assert_eq!(
        told,
        [(first, None, ""), (wrong, Some(by), "nộp nhầm đơn vị")]
    );
    // Whoever knew less than the retraction sees none.
    let then = ledger.state.at(moment("2023-06-30"), wrong);
    assert_eq!(then.history(id(NHA_TRANG), None)[1].retracted_by, None);
}

#[test]
fn neither_a_figure_nor_its_correction_holds_once_the_correction_is_retracted() {
    let mut ledger = Ledger::new();
    let first = ledger.add("2023-06-05", reported(NHA_TRANG, "eid", count(10_000)));
    let right = ledger.add(
        "2023-06-05",
        corrected(NHA_TRANG, "eid", first, count(9_000)),
    );
    let by = ledger.add("2023-06-05", retracted(right));
    assert_eq!(ledger.count_on("2023-06-30", by), None);
    // What is no figure of the series cannot be taken back, and nothing twice.
    let digest = ledger.state.retractions.clone();
    ledger.add("2023-06-05", retracted(by));
    ledger.add("2023-06-05", retracted(right));
    assert_eq!(
        serde_json::to_string(&digest).unwrap(),
        serde_json::to_string(&ledger.state.retractions).unwrap()
    );
}

#[test]
fn a_place_has_figures_from_its_first_to_its_last_that_holds() {
    let mut ledger = Ledger::new();
    ledger.add("2023-06-05", reported(NHA_TRANG, "eid", count(1)));
    ledger.add("2023-06-20", reported(NHA_TRANG, "cccd", count(1)));
    let last = ledger.add("2023-07", reported(NHA_TRANG, "eid", count(2)));
    let on = |ledger: &Ledger, text: &str| {
        let state = &ledger.state;
        let from = state.figure_from(id(NHA_TRANG), day(text), |_| false);
        let before = state.figure_before(id(NHA_TRANG), day(text), |_| false);
        (from.map(|found| found.1), before.map(|found| found.1))
    };
    assert_eq!(on(&ledger, "2023-06-05"), (Some(last), None));
    assert_eq!(on(&ledger, "2023-07-31"), (Some(last), Some(1)));
    assert_eq!(on(&ledger, "2023-08-01"), (None, Some(1)));
    ledger.add("2023-07", retracted(last));
    assert_eq!(on(&ledger, "2023-06-21"), (None, Some(1)));
    assert_eq!(on(&ledger, "2023-06-20"), (Some(2), Some(1)));
}

#[test]
fn a_suspended_quota_is_not_asked_for_until_it_is_assigned_again() {
    let mut ledger = Ledger::new();
    let provincial = |people| {
        quota(
            NHA_TRANG,
            QuotaLayer::Provincial,
            people,
            "90",
            "2023-06-30",
        )
    };
    ledger.add(
        "2023-01-01",
        quota(NHA_TRANG, QuotaLayer::Central, 5, "100", ""),
    );
    ledger.add("2023-01-01", provincial(10));
    ledger.add(
        "2023-07-01",
        Body::QuotaSuspended(QuotaSuspended {
            locality: id(NHA_TRANG),
            indicator: code("eid"),
            layer: QuotaLayer::Provincial,
            reason: "chờ rà soát".to_owned(),
            document: Document::default(),
        }),
    );
    ledger.add("2023-08-01", provincial(20));
    let asked = |as_of: &str| {
        let reading = ledger.state.latest(moment(as_of));
        let quotas = reading.quotas(id(NHA_TRANG), &code("eid"));
        quotas
            .iter()
            .map(|quota| quota.denominator.value)
            .collect::<Vec<_>>()
    };
    assert_eq!(asked("2023-06-30"), [5, 10]);
    assert_eq!(asked("2023-07-01"), [5]);
    assert_eq!(asked("2023-08-01"), [5, 20]);
    let reading = ledger.state.latest(moment("2023-07-15"));
    let suspended = reading.suspended(id(NHA_TRANG), &code("eid"), QuotaLayer::Provincial);
    assert_eq!(suspended.unwrap().reason, "chờ rà soát");
}

#[test]
fn a_withdrawn_model_is_there_the_day_before_and_when_it_is_defined_again() {
    let mut ledger = Ledger::new();
    let defined = || {
        Body::ModelDefined(ModelDefined {
            model: code("KH-6.01"),
            group: code("KH-6"),
            name: vi("Mô hình"),
            indicative: false,
            basis: String::new(),
            source: Source::default(),
        })
    };
    ledger.add(
        "2023-07-04",
        Body::GroupDefined(GroupDefined {
            group: code("KH-6"),
            plan: code("6559"),
            number: 6,
            name: vi("Nhóm thứ sáu"),
        }),
    );
    ledger.add("2023-07-04", defined());
    let withdrawn = Body::ModelWithdrawn(ModelWithdrawn {
        model: code("KH-6.01"),
        reason: "trùng lặp".to_owned(),
        source: Source::default(),
    });
    ledger.add("2024-05-01", withdrawn);
    let group = Body::GroupWithdrawn(GroupWithdrawn {
        group: code("KH-6"),
        reason: "trùng lặp".to_owned(),
        source: Source::default(),
    });
    ledger.add("2024-05-01", group);
    ledger.add("2025-01-01", defined());
    let listed = |as_of: &str| {
        let reading = ledger.state.latest(moment(as_of));
        (reading.models().len(), reading.groups().len())
    };
    assert_eq!(listed("2024-04-30"), (1, 1));
    assert_eq!(listed("2024-05-01"), (0, 0));
    assert_eq!(listed("2025-01-01"), (1, 0));
    // It can still be looked up, with its end.
    let reading = ledger.state.latest(moment("2024-05-01"));
    assert!(reading.model(&code("KH-6.01")).is_some());
    assert!(reading.withdrawn_model(&code("KH-6.01")).is_some());
}

#[test]
fn a_finding_is_open_until_its_figure_is_corrected_or_somebody_answers() {
    let mut ledger = Ledger::new();
    let found = || {
        vec![
            finding(Check::CumulativeFalls, Severity::Blocking),
            finding(Check::VagueFigure, Severity::Note),
        ]
    };
    let report = || reported(NHA_TRANG, "eid", count(9_700));
    let first = ledger.add_doubtful("2023-06-05", report(), found());
    let second = ledger.add_doubtful("2023-06-06", report(), found());
    let right = corrected(NHA_TRANG, "eid", first, count(10_700));
    let correction = ledger.add("2023-06-05", right);
    ledger.add(
        "2023-06-07",
        Body::FindingResolved(FindingResolved {
            position: second,
            locality: id(NHA_TRANG),
            check: Check::CumulativeFalls,
            resolution: Resolution::Confirmed,
            reason: "đối chiếu sổ".to_owned(),
        }),
    );
    let state = |position, limit, check| {
        let reading = ledger.state.at(moment("2023-06-30"), limit);
        let entry = reading.finding(id(NHA_TRANG), position, check)?;
        Some(entry.state)
    };
    let falls = Check::CumulativeFalls;
    assert_eq!(state(first, second, falls), Some(FindingState::Open));
    assert_eq!(
        state(first, 9, falls),
        Some(FindingState::Replaced(correction))
    );
    assert_eq!(state(second, correction, falls), Some(FindingState::Open));
    let Some(FindingState::Resolved(answer)) = state(second, 9, falls) else {
        panic!("it was answered");
    };
    assert_eq!(answer.reason, "đối chiếu sổ");
    assert_eq!(
        state(second, 9, Check::VagueFigure),
        Some(FindingState::Note)
    );
    assert_eq!(state(second, 9, Check::Jump), None);
    assert_eq!(state(second, first, falls), None);
}

#[test]
fn a_work_item_is_due_when_it_was_put_off_to_and_never_once_cancelled() {
    let mut ledger = Ledger::new();
    let (work_item, locality) = (|| code("KH-W1"), id(NHA_TRANG));
    ledger.add(
        "2023-07-04",
        Body::WorkItemDefined(WorkItemDefined {
            work_item: work_item(),
            locality,
            model: None,
            content: vi("Lắp máy"),
            volume: None,
            unit: "máy".to_owned(),
            expected_result: "199 máy".to_owned(),
            start: None,
            due: Some(day("2023-07-31")),
            organisation: "Sở".to_owned(),
            office: "Phòng".to_owned(),
            origin: WorkOrigin::New,
            depends_on: vec![code("KH-W0")],
        }),
    );
    ledger.add(
        "2023-07-20",
        Body::WorkItemProgressed(WorkItemProgressed {
            work_item: work_item(),
            locality,
            done: None,
            percent: Some(percent("40")),
            note: String::new(),
        }),
    );
    ledger.add(
        "2023-07-25",
        Body::WorkItemRescheduled(WorkItemRescheduled {
            work_item: work_item(),
            locality,
            start: None,
            due: day("2023-08-31"),
            reason: "thiếu máy".to_owned(),
            document: None,
        }),
    );
    ledger.add(
        "2023-09-10",
        Body::WorkItemCancelled(WorkItemCancelled {
            work_item: work_item(),
            locality,
            reason: "nhập vào nhiệm vụ khác".to_owned(),
            document: None,
        }),
    );
    let seen = |as_of: &str| {
        let reading = ledger.state.latest(moment(as_of));
        let item = reading.work_item(locality, &work_item()).unwrap();
        let done = item.progressed.and_then(|progressed| progressed.percent);
        (
            item.overdue_days(day(as_of)),
            item.due(),
            done,
            item.is_open(),
        )
    };
    let (july, august) = (Some(day("2023-07-31")), Some(day("2023-08-31")));
    let forty = Some(percent("40"));
    assert_eq!(seen("2023-07-19"), (0, july, None, true));
    assert_eq!(seen("2023-08-10"), (0, august, forty, true));
    assert_eq!(seen("2023-09-05"), (5, august, forty, true));
    assert_eq!(seen("2023-09-10"), (0, august, forty, false));
}
