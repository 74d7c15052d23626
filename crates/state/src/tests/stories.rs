//! What officials asked, in their figures.

use domain::code::{IndicatorCode, ModelCode};
use domain::event::{
    Body, CompletionDeclared, DirectiveIssued, Document, Extent, GroupDefined, IndicatorDefined,
    IndicatorKind, ModelDefined, ModelStatus, ModelStatusChanged, OwnerAssigned, OwnerChange,
    PersonErased, PlanAdopted, QuotaLayer, Role, Scope, Source, Successor, WorkItemCompleted,
    WorkItemDefined, WorkOrigin,
};
use domain::locality::Level;
use domain::text::{Bound, Quantity};

use super::*;
use crate::{ApplyError, Lookup};

const KHANH_HOA: &str = "56@2023-04-10";
const NHA_TRANG: &str = "568@2023-04-10";
const HA_NOI: &str = "01@2023-04-10";
const HA_DONG: &str = "268@2023-04-10";

fn eid() -> IndicatorCode {
    code("eid")
}

#[test]
fn khanh_hoa_had_all_cards_nine_days_early() {
    let mut ledger = Ledger::new();
    ledger.add(
        "2023-01-31",
        quota(KHANH_HOA, QuotaLayer::Central, 900_000, "100", "2023-06-30"),
    );
    ledger.add("2023-06-02", reported(KHANH_HOA, "eid", printed("91.5")));
    ledger.add("2023-06-21", reported(KHANH_HOA, "eid", printed("100")));

    let standing = |as_of: &str| {
        let reading = ledger.state.latest(moment(as_of));
        let quotas = reading.quotas(id(KHANH_HOA), &eid());
        reading.standing(&quotas[0], id(KHANH_HOA))
    };
    let done = standing("2023-07-31");
    assert!(done.reached);
    assert_eq!(
        (done.share_hundredths, done.missing),
        (Some(10_000), Some(0))
    );
    assert_eq!(
        (done.reached_on, done.days_early),
        (Some(day("2023-06-21")), Some(9))
    );

    let before = standing("2023-06-20");
    assert!(!before.reached);
    // A percentage says nothing of how many are missing.
    assert_eq!(
        (before.share_hundredths, before.missing),
        (Some(9_150), None)
    );
    assert_eq!((before.reached_on, before.days_early), (None, None));

    let silent = standing("2023-05-01");
    assert_eq!(
        (silent.share_hundredths, silent.missing, silent.reached),
        (None, None, false)
    );
}

#[test]
fn ha_dong_is_95_53_and_74_08_percent_of_its_quota() {
    let mut ledger = Ledger::new();
    let ten_over = Figure {
        percent: Some(percent("136.60")),
        ..count_of(300_000, 269_950)
    };
    ledger.add(
        "2023-05-01",
        quota(HA_DONG, QuotaLayer::Central, 269_950, "95.5", ""),
    );
    ledger.add(
        "2023-06-05",
        reported(HA_DONG, "collected", count_of(257_890, 269_950)),
    );
    ledger.add(
        "2023-06-05",
        reported(HA_DONG, "eid", count_of(199_968, 269_950)),
    );
    ledger.add("2023-06-05", reported(HA_DONG, "over", ten_over));

    let reading = ledger.state.latest(moment("2023-06-05"));
    let share = |indicator: &str| {
        reading
            .figure(id(HA_DONG), &code(indicator))
            .unwrap()
            .figure
            .share_hundredths()
    };
    assert_eq!(share("collected"), Some(9_553));
    // 74.0759…, so half up is 74.08.
    assert_eq!(share("eid"), Some(7_408));
    // The numbers count, not what was printed; and nothing is clipped.
    assert_eq!(share("over"), Some(11_113));

    let standing = reading.standing(&reading.quotas(id(HA_DONG), &eid())[0], id(HA_DONG));
    assert_eq!(
        (standing.required, standing.missing),
        (257_803, Some(57_835))
    );
    assert_eq!(
        (standing.share_hundredths, standing.days_early),
        (Some(7_408), None)
    );
}

#[test]
fn a_quota_counts_the_first_day_and_a_late_one_is_below_zero() {
    let mut ledger = Ledger::new();
    ledger.add(
        "2023-05-01",
        quota(HA_DONG, QuotaLayer::Central, 1_000, "90", "2023-06-30"),
    );
    let vague = Quantity {
        bound: Bound::AtLeast,
        value: 900,
    };
    let vague = Figure {
        value: Some(vague),
        ..Figure::default()
    };
    ledger.add("2023-06-29T23", reported(HA_DONG, "eid", count(899)));
    ledger.add("2023-07-02T08", reported(HA_DONG, "eid", vague));
    ledger.add("2023-07-10", reported(HA_DONG, "eid", count(1_246)));

    let reading = ledger.state.latest(moment("2023-07-31"));
    let standing = reading.standing(&reading.quotas(id(HA_DONG), &eid())[0], id(HA_DONG));
    assert_eq!(
        (standing.reached_on, standing.days_early),
        (Some(day("2023-07-02")), Some(-2))
    );
    assert_eq!(
        (standing.share_hundredths, standing.missing),
        (Some(12_460), Some(0))
    );
    let vague = reading.series(id(HA_DONG), &eid())[1];
    assert_eq!(vague.figure.value.unwrap().bound, Bound::AtLeast);
}

#[test]
fn a_correction_changes_what_is_known_not_what_was_known() {
    let mut ledger = Ledger::new();
    let wrong = ledger.add("2023-06-05", reported(HA_DONG, "eid", count(1_999_968)));
    ledger.on("2023-06-09T00:00:00Z");
    let less = ledger.add(
        "2023-06-05",
        corrected(HA_DONG, "eid", wrong, count(199_986)),
    );
    ledger.on("2023-06-12T00:00:00Z");
    let right = ledger.add(
        "2023-06-05",
        corrected(HA_DONG, "eid", less, count(199_968)),
    );

    let known = |instant_text: &str| {
        let position = ledger.state.position_at(instant(instant_text));
        let reading = ledger.state.at(moment("2023-06-30"), position);
        reading
            .figure(id(HA_DONG), &eid())
            .map(|e| e.figure.value.unwrap().value)
    };
    assert_eq!(known("2023-05-31T00:00:00Z"), None);
    assert_eq!(known("2023-06-08T23:59:59Z"), Some(1_999_968));
    assert_eq!(known("2023-06-09T00:00:00Z"), Some(199_986));
    assert_eq!(known("2023-07-01T00:00:00Z"), Some(199_968));

    let reading = ledger.state.latest(moment("2023-06-30"));
    let trail: Vec<_> = reading
        .history(id(HA_DONG), None)
        .iter()
        .map(|e| {
            (
                e.recorded.position,
                e.corrects,
                e.corrected_by,
                e.note,
                e.reason,
            )
        })
        .collect();
    assert_eq!(
        trail,
        [
            (wrong, None, Some(less), "báo cáo", ""),
            (less, Some(wrong), Some(right), "", "nhập nhầm"),
            (right, Some(less), None, "", "nhập nhầm"),
        ]
    );
    assert_eq!(reading.series(id(HA_DONG), &eid()).len(), 1);
    let named = reading.figure_at(id(HA_DONG), &eid(), wrong).unwrap();
    assert_eq!(named.corrected_by, Some(less));
    assert_eq!(reading.figure_at(id(HA_DONG), &code("other"), wrong), None);
}

#[test]
fn of_two_official_figures_for_one_day_the_later_is_shown_and_both_are_kept() {
    let mut ledger = Ledger::new();
    ledger.add(
        "2023-05-10",
        reported("42@2023-04-10", "eid", count(1_130_342)),
    );
    let later = ledger.add(
        "2023-05-10",
        reported("42@2023-04-10", "eid", count(1_128_438)),
    );

    let reading = ledger.state.latest(moment("2023-05"));
    let ha_tinh = id("42@2023-04-10");
    assert_eq!(
        reading.figure(ha_tinh, &eid()).unwrap().recorded.position,
        later
    );
    assert_eq!(reading.series(ha_tinh, &eid()).len(), 1);
    assert_eq!(reading.history(ha_tinh, Some(&eid())).len(), 2);
}

#[test]
fn the_end_of_a_month_sees_its_last_day_and_an_hour_only_what_came_before() {
    let mut ledger = Ledger::new();
    ledger.add("2023-06-29T23", reported(HA_DONG, "eid", count(1)));
    ledger.add("2023-06-30", reported(HA_DONG, "eid", count(2)));
    let seen = |as_of: &str| {
        let reading = ledger.state.latest(moment(as_of));
        reading
            .figure(id(HA_DONG), &eid())
            .map(|e| e.figure.value.unwrap().value)
    };
    assert_eq!(seen("2023-06-29T22"), None);
    assert_eq!(seen("2023-06-29"), Some(1));
    assert_eq!(seen("2023-06-30T23"), Some(1));
    assert_eq!(seen("2023-06-30T24"), Some(2));
    assert_eq!(seen("2023-06"), Some(2));
}

/// Phường Trúc Bạch had the code that phường Ba Đình has since July 2025.
fn reform() -> Ledger {
    let mut ledger = Ledger::new();
    ledger.add(
        "2023-04-10",
        registered(HA_NOI, "Thành phố Hà Nội", "", false),
    );
    ledger.add(
        "2023-04-10",
        registered("001@2023-04-10", "Quận Ba Đình", HA_NOI, false),
    );
    ledger.add(
        "2023-04-10",
        registered(
            "00004@2023-04-10",
            "Phường Trúc Bạch",
            "001@2023-04-10",
            false,
        ),
    );
    ledger.add(
        "2025-07-01",
        registered("00004@2025-07-01", "Phường Ba Đình", HA_NOI, true),
    );
    let successor = Successor {
        locality: id("00004@2025-07-01"),
        extent: Extent::Partial,
    };
    ledger.add("2025-07-01", ended("00004@2023-04-10", vec![successor]));
    ledger.add("2025-07-01", ended("001@2023-04-10", Vec::new()));
    ledger
}

#[test]
fn a_code_is_one_ward_before_the_reform_and_another_after() {
    let ledger = reform();
    let found = |as_of: &str| match ledger
        .state
        .latest(moment(as_of))
        .resolve("00004".parse().unwrap())
    {
        Lookup::Found(found) => found.to_string(),
        other => format!("{other:?}"),
    };
    assert_eq!(found("2023-06-05"), "00004@2023-04-10");
    assert_eq!(found("1999-01-01"), "00004@2023-04-10");
    assert_eq!(found("2025-06-30"), "00004@2023-04-10");
    assert_eq!(found("2025-07-01T00"), "00004@2025-07-01");
    assert_eq!(found("2026-11-22"), "00004@2025-07-01");

    let after = ledger.state.latest(moment("2026-11-22"));
    assert_eq!(after.resolve("99999".parse().unwrap()), Lookup::Unknown);
    let Lookup::NotValid(lives) = after.resolve("001".parse().unwrap()) else {
        panic!("districts ended");
    };
    assert_eq!(
        (lives[0].name.vi.as_str(), lives[0].start),
        ("Quận Ba Đình", None)
    );
    assert_eq!(
        (lives[0].end, lives[0].successors.len()),
        (Some(day("2025-07-01")), 0)
    );

    // Who knew only the list of 2023 saw the old ward live on.
    let early = ledger.state.at(moment("2026-11-22"), 3);
    assert_eq!(
        early.resolve("00004".parse().unwrap()),
        Lookup::Found(id("00004@2023-04-10"))
    );
}

#[test]
fn the_hierarchy_is_that_of_the_day() {
    let ledger = reform();
    let names = |entries: Vec<crate::LocalityEntry<'_>>| -> Vec<String> {
        entries.iter().map(|entry| entry.name.vi.clone()).collect()
    };
    let before = ledger.state.latest(moment("2024-01-01"));
    let after = ledger.state.latest(moment("2025-12-31"));
    let old = id("00004@2023-04-10");
    assert_eq!(names(before.children(id(HA_NOI))), ["Quận Ba Đình"]);
    assert_eq!(
        names(before.descendants(id(HA_NOI), Level::Commune)),
        ["Phường Trúc Bạch"]
    );
    assert_eq!(
        names(before.ancestors(old)),
        ["Quận Ba Đình", "Thành phố Hà Nội"]
    );
    assert_eq!(names(after.children(id(HA_NOI))), ["Phường Ba Đình"]);
    assert_eq!(names(after.search("ba dinh")), ["Phường Ba Đình"]);
    assert_eq!(names(before.search("q. ba đình")), ["Quận Ba Đình"]);
    assert_eq!(
        (before.localities().count(), after.localities().count()),
        (3, 2)
    );
    assert_eq!(after.localities_with_ended().count(), 4);

    let gone = after.locality(old).unwrap();
    assert_eq!(
        (gone.end, gone.successors.len()),
        (Some(day("2025-07-01")), 1)
    );
    let there = before.locality(old).unwrap();
    assert_eq!((there.end, there.successors.len()), (None, 0));
    assert_eq!(before.locality(id("00004@2025-07-01")), None);
}

#[test]
fn a_loop_in_the_hierarchy_ends() {
    let mut ledger = Ledger::new();
    ledger.add("2023-04-10", registered(HA_NOI, "A", HA_DONG, false));
    ledger.add("2023-04-10", registered(HA_DONG, "B", HA_NOI, false));
    let reading = ledger.state.latest(moment("2023-06-05"));
    assert_eq!(reading.descendants(id(HA_NOI), Level::District).len(), 1);
    assert!(reading.ancestors(id(HA_NOI)).len() < 10);
}

fn owner(role: Role, locality: &str, organisation: &str) -> Body {
    Body::OwnerAssigned(OwnerAssigned {
        scope: Scope::Model(code("KH-1.01")),
        locality: id(locality),
        role,
        organisations: vec![organisation.to_owned()],
        accountable_office: "Giám đốc".to_owned(),
        source: Source::default(),
        person_commitment: None,
        change: OwnerChange::Assigned,
        from: Vec::new(),
        reason: String::new(),
    })
}

#[test]
fn owners_were_replaced_in_march_2025_and_hold_below_the_province() {
    let mut ledger = Ledger::new();
    ledger.add(
        "2023-04-10",
        registered(KHANH_HOA, "Tỉnh Khánh Hòa", "", false),
    );
    ledger.add(
        "2023-04-10",
        registered(NHA_TRANG, "Thành phố Nha Trang", KHANH_HOA, false),
    );
    ledger.add("2023-07-04", owner(Role::Lead, KHANH_HOA, "Sở TT&TT"));
    ledger.add(
        "2023-07-04",
        owner(Role::Implementing, KHANH_HOA, "Công an tỉnh"),
    );
    ledger.add(
        "2023-08-01",
        owner(Role::Implementing, NHA_TRANG, "Công an thành phố"),
    );
    ledger.add("2025-03-01", owner(Role::Lead, KHANH_HOA, "Sở KH&CN"));

    let scope = Scope::Model(code("KH-1.01"));
    let held = |as_of: &str, locality: &str| -> Vec<String> {
        let reading = ledger.state.latest(moment(as_of));
        let owners = reading.owners(&scope, id(locality));
        owners
            .iter()
            .map(|owner| owner.organisations[0].to_owned())
            .collect()
    };
    assert_eq!(held("2025-02-28", KHANH_HOA), ["Sở TT&TT", "Công an tỉnh"]);
    assert_eq!(held("2025-03-01", KHANH_HOA), ["Sở KH&CN", "Công an tỉnh"]);
    assert_eq!(held("2023-07-31", NHA_TRANG), ["Sở TT&TT", "Công an tỉnh"]);
    assert_eq!(
        held("2026-01-01", NHA_TRANG),
        ["Sở KH&CN", "Công an thành phố"]
    );
    assert!(held("2023-07-03", NHA_TRANG).is_empty());
}

#[test]
fn an_erased_name_leaves_the_appointment_as_it_was() {
    let mut ledger = Ledger::new();
    ledger.add(
        "2023-04-10",
        registered(KHANH_HOA, "Tỉnh Khánh Hòa", "", false),
    );
    let Body::OwnerAssigned(lead) = owner(Role::Lead, KHANH_HOA, "Công an tỉnh") else {
        unreachable!("an owner is assigned");
    };
    let named = OwnerAssigned {
        person_commitment: Some([1; 32].into()),
        ..lead
    };
    ledger.add("2023-07-04", Body::OwnerAssigned(named.clone()));
    let before = ledger.state.digest();
    let erased = PersonErased {
        appointment: 2,
        locality: id(KHANH_HOA),
        scope: named.scope.clone(),
        reason: "theo yêu cầu".to_owned(),
    };
    ledger.add("2026-11-22", Body::PersonErased(erased));
    assert_ne!(
        ledger.state.digest(),
        before,
        "that it was erased is on record"
    );

    let now = ledger.state.latest(moment("2026-11-22"));
    let then = ledger.state.at(moment("2026-11-22"), 2);
    assert_eq!(now.owners(&named.scope, id(KHANH_HOA))[0].fact, &named);
    assert!(now.is_person_erased(2));
    assert!(!then.is_person_erased(2), "as it was known before");
    let found = now.appointment_at(&named.scope, id(KHANH_HOA), 2);
    assert_eq!(found.unwrap().fact, &named);
    assert!(
        now.appointment_at(&Scope::Model(code("KH-1.02")), id(KHANH_HOA), 2)
            .is_none()
    );
    assert!(now.appointment_at(&named.scope, id(KHANH_HOA), 3).is_none());
}

#[test]
fn a_revised_quota_replaces_its_layer_only() {
    let quang_nam = "49@2023-04-10";
    let mut ledger = Ledger::new();
    ledger.add(
        "2023-03-01",
        quota(
            quang_nam,
            QuotaLayer::Provincial,
            738_291,
            "100",
            "2023-06-30",
        ),
    );
    ledger.add(
        "2023-03-01",
        quota(quang_nam, QuotaLayer::Central, 738_291, "90", "2023-06-30"),
    );
    let revision = quota(
        quang_nam,
        QuotaLayer::Provincial,
        738_291,
        "100",
        "2023-09-30",
    );
    ledger.add("2023-06-25", revision);

    let quotas = |as_of: &str| -> Vec<_> {
        let reading = ledger.state.latest(moment(as_of));
        let quotas = reading.quotas(id(quang_nam), &eid());
        quotas
            .iter()
            .map(|quota| (quota.layer, quota.deadline.unwrap().month()))
            .collect()
    };
    assert_eq!(
        quotas("2023-06-24"),
        [(QuotaLayer::Central, 6), (QuotaLayer::Provincial, 6)]
    );
    assert_eq!(
        quotas("2023-06-25"),
        [(QuotaLayer::Central, 6), (QuotaLayer::Provincial, 9)]
    );
    assert!(quotas("2023-02-28").is_empty());
}

#[test]
fn a_ranking_shares_ranks_and_never_takes_missing_for_zero() {
    let mut ledger = Ledger::new();
    let ids: Vec<String> = (1..=6)
        .map(|number| format!("00{number}@2023-04-10"))
        .collect();
    for (place, figure) in ids.iter().zip([
        count_of(500, 1_000),
        printed("74.1"),
        count(12_345),
        count_of(741, 1_000),
        count_of(0, 1_000),
    ]) {
        ledger.add("2023-06-05", reported(place, "eid", figure));
    }
    let reading = ledger.state.latest(moment("2023-06-05"));
    let ranking = reading.rank(&eid(), ids.iter().map(|text| id(text)));
    let ranked: Vec<_> = ranking
        .ranked
        .iter()
        .map(|place| {
            (
                place.rank,
                place.id.code.to_string(),
                place.share_hundredths,
            )
        })
        .collect();
    assert_eq!(
        ranked,
        [
            (1, "002".to_owned(), Some(7_410)),
            (1, "004".to_owned(), Some(7_410)),
            (3, "001".to_owned(), Some(5_000)),
            (4, "005".to_owned(), Some(0)),
            (0, "003".to_owned(), None),
        ]
    );
    assert_eq!(ranking.without_figure, [id("006@2023-04-10")]);
}

fn group(code_text: &str, number: u32) -> Body {
    let (group, plan) = (code(code_text), code("6559"));
    Body::GroupDefined(GroupDefined {
        group,
        plan,
        number,
        name: vi(code_text),
    })
}

fn model(model: &str, group: &str) -> Body {
    Body::ModelDefined(ModelDefined {
        model: code(model),
        group: code(group),
        name: vi(model),
        indicative: true,
        basis: String::new(),
        source: Source::default(),
    })
}

#[test]
fn models_stand_by_group_under_the_plans_of_the_place() {
    let mut ledger = Ledger::new();
    ledger.add(
        "2023-04-10",
        registered(KHANH_HOA, "Tỉnh Khánh Hòa", "", false),
    );
    ledger.add(
        "2023-04-10",
        registered(NHA_TRANG, "Thành phố Nha Trang", KHANH_HOA, false),
    );
    ledger.add("2023-07-04", model("KH-a", "KH-2"));
    ledger.add("2023-07-04", model("KH-c", "KH-1"));
    ledger.add("2023-07-04", model("KH-b", "KH-1"));
    ledger.add("2023-07-04", group("KH-1", 1));
    ledger.add("2023-07-04", group("KH-2", 2));
    ledger.add(
        "2023-07-04",
        Body::PlanAdopted(PlanAdopted {
            plan: code("6559"),
            locality: id(KHANH_HOA),
            document: Document::default(),
            summary: vi("31 mô hình"),
        }),
    );
    ledger.add(
        "2023-08-01",
        Body::ModelStatusChanged(ModelStatusChanged {
            model: code("KH-b"),
            locality: id(NHA_TRANG),
            status: ModelStatus::Piloting,
            note: String::new(),
        }),
    );

    let reading = ledger.state.latest(moment("2023-08-08"));
    let models: Vec<_> = reading
        .models_for(id(NHA_TRANG))
        .iter()
        .map(|m| m.defined.model.to_string())
        .collect();
    assert_eq!(models, ["KH-b", "KH-c", "KH-a"]);
    assert_eq!(reading.groups().len(), 2);
    assert!(reading.models_for(id(HA_NOI)).is_empty() && reading.plans_for(id(HA_NOI)).is_empty());
    let pilot: ModelCode = code("KH-b");
    let status = |locality: &str| reading.model_status(&pilot, id(locality)).map(|s| s.status);
    assert_eq!(
        (status(NHA_TRANG), status(KHANH_HOA)),
        (Some(ModelStatus::Piloting), None)
    );
    assert!(
        ledger
            .state
            .latest(moment("2023-07-03"))
            .models()
            .is_empty()
    );
    assert!(ledger.state.has_model(&pilot) && ledger.state.has_plan(&code("6559")));
    assert!(ledger.state.has_group(&code("KH-2")) && !ledger.state.has_group(&code("KH-3")));
}

fn work_item(expected_result: &str, due: &str) -> Body {
    Body::WorkItemDefined(WorkItemDefined {
        work_item: code("KH-W1"),
        locality: id(KHANH_HOA),
        model: None,
        content: vi("Rà soát"),
        volume: None,
        unit: String::new(),
        expected_result: expected_result.to_owned(),
        start: None,
        due: Some(day(due)),
        organisation: "Công an tỉnh".to_owned(),
        office: "Giám đốc".to_owned(),
        origin: WorkOrigin::New,
        depends_on: Vec::new(),
    })
}

#[test]
fn a_work_item_is_overdue_until_it_is_completed() {
    let mut ledger = Ledger::new();
    ledger.add("2023-07-04", work_item("", "2023-07-31"));
    ledger.add(
        "2023-08-10",
        Body::WorkItemCompleted(WorkItemCompleted {
            work_item: code("KH-W1"),
            locality: id(KHANH_HOA),
            evidence: "Báo cáo 12".to_owned(),
        }),
    );
    ledger.add("2023-09-01", work_item("Một báo cáo", "2023-07-31"));

    let item = |as_of: &str| {
        let reading = ledger.state.latest(moment(as_of));
        let item = reading.work_item(id(KHANH_HOA), &code("KH-W1"))?;
        Some((
            item.overdue_days(day(as_of)),
            item.without_result(),
            item.completed.is_some(),
        ))
    };
    assert_eq!(item("2023-07-03"), None);
    assert_eq!(item("2023-07-31"), Some((0, true, false)));
    assert_eq!(item("2023-08-09"), Some((9, true, false)));
    assert_eq!(item("2023-08-10"), Some((0, true, true)));
    assert_eq!(item("2023-09-01"), Some((0, false, true)));
    assert!(ledger.state.has_work_item(id(KHANH_HOA), &code("KH-W1")));
    assert!(!ledger.state.has_work_item(id(HA_NOI), &code("KH-W1")));
}

#[test]
fn an_order_of_the_city_holds_for_its_districts() {
    let mut ledger = Ledger::new();
    ledger.add(
        "2023-04-10",
        registered(HA_NOI, "Thành phố Hà Nội", "", false),
    );
    ledger.add(
        "2023-04-10",
        registered(HA_DONG, "Quận Hà Đông", HA_NOI, false),
    );
    ledger.add(
        "2023-05-01",
        Body::DirectiveIssued(DirectiveIssued {
            locality: id(HA_NOI),
            document: Document {
                number: "01".to_owned(),
                ..Document::default()
            },
            addressees: vec!["Công an các quận".to_owned()],
            text: vi("Mệnh lệnh 01"),
            source: Source::default(),
        }),
    );
    let reading = ledger.state.latest(moment("2023-06-05"));
    assert_eq!(reading.directives(id(HA_DONG)).len(), 1);
    assert!(reading.assessments(id(HA_DONG)).is_empty());
}

#[test]
fn the_indicators_of_a_place_are_those_with_a_figure_a_quota_or_a_declaration() {
    let mut ledger = Ledger::new();
    ledger.add("2023-06-05", reported(HA_DONG, "z", count(1)));
    ledger.add(
        "2023-06-05",
        quota(HA_DONG, QuotaLayer::Central, 10, "90", ""),
    );
    ledger.add(
        "2023-06-10",
        Body::CompletionDeclared(CompletionDeclared {
            locality: id(HA_DONG),
            indicator: code("a"),
            by: day("2023-06-21"),
            source: Source::default(),
        }),
    );
    ledger.add("2023-06-05", reported(HA_NOI, "other", count(1)));
    let codes = |as_of: &str| -> Vec<String> {
        let reading = ledger.state.latest(moment(as_of));
        reading
            .indicators_of(id(HA_DONG))
            .iter()
            .map(ToString::to_string)
            .collect()
    };
    assert_eq!(codes("2023-06-10"), ["a", "eid", "z"]);
    assert_eq!(codes("2023-06-05"), ["eid", "z"]);
    assert!(codes("2023-06-04").is_empty());
    let declared = ledger
        .state
        .latest(moment("2023-06-30"))
        .declared(id(HA_DONG), &code("a"));
    assert_eq!(declared.unwrap().by, day("2023-06-21"));
}

#[test]
fn an_indicator_is_defined_from_its_day_on_though_figures_may_come_first() {
    let mut ledger = Ledger::new();
    ledger.add("2023-06-05", reported(HA_DONG, "eid", count(1)));
    assert!(!ledger.state.has_indicator(&eid()));
    ledger.add(
        "2023-06-10",
        Body::IndicatorDefined(IndicatorDefined {
            indicator: eid(),
            name: vi("Kích hoạt"),
            family: "eid".to_owned(),
            kind: IndicatorKind::Cumulative,
            unit: vi("tài khoản"),
            denominator: "quota".to_owned(),
        }),
    );
    assert!(ledger.state.has_indicator(&eid()));
    let at = |as_of: &str| ledger.state.latest(moment(as_of)).indicators().len();
    assert_eq!((at("2023-06-09"), at("2023-06-10")), (0, 1));
}

#[test]
fn indicators_are_listed_by_their_codes_in_whatever_order_they_were_defined() {
    let mut ledger = Ledger::new();
    for number in [7, 2, 9, 4, 1, 8, 3, 6, 5] {
        ledger.add(
            "2023-06-10",
            Body::IndicatorDefined(IndicatorDefined {
                indicator: format!("eid.{number}").parse().unwrap(),
                name: vi("Kích hoạt"),
                family: "eid".to_owned(),
                kind: IndicatorKind::Cumulative,
                unit: vi("tài khoản"),
                denominator: "quota".to_owned(),
            }),
        );
    }
    let reading = ledger.state.latest(moment("2023-06-10"));
    let listed = reading.indicators();
    let codes = listed.iter().map(|entry| entry.fact.indicator.as_str());
    let expected: Vec<_> = (1..=9).map(|number| format!("eid.{number}")).collect();
    assert_eq!(codes.collect::<Vec<_>>(), expected);
}

#[test]
fn a_gap_a_repeat_and_a_clock_that_goes_back_are_refused_and_change_nothing() {
    let mut ledger = Ledger::new();
    ledger.add("2023-06-05", reported(HA_DONG, "eid", count(1)));
    let before = ledger.state.digest();
    let next = event(moment("2023-06-06"), reported(HA_DONG, "eid", count(2)));
    let now = ledger.now;
    for found in [0, 1, 3, u64::MAX] {
        let refused = ledger.state.apply(found, now, &next);
        assert_eq!(refused, Err(ApplyError::Position { expected: 2, found }));
    }
    let earlier = instant("2023-05-31T23:59:59Z");
    let refused = ledger.state.apply(2, earlier, &next).unwrap_err();
    assert_eq!(
        refused,
        ApplyError::KnownEarlier {
            position: 2,
            last: now,
            known: earlier
        }
    );
    assert_eq!(
        (ledger.state.position(), ledger.state.digest()),
        (1, before.clone())
    );
    ledger.state.apply(2, now, &next).unwrap();
    assert_ne!(ledger.state.digest(), before);
}

#[test]
fn positions_and_instants_answer_each_other() {
    let mut ledger = Ledger::new();
    assert_eq!((ledger.state.position(), ledger.state.known()), (0, None));
    assert_eq!(ledger.state.position_at(instant("2030-01-01T00:00:00Z")), 0);
    ledger.add("2023-06-05", reported(HA_DONG, "eid", count(1)));
    ledger.add("2023-06-05", reported(HA_DONG, "eid", count(2)));
    ledger.on("2023-06-02T00:00:00Z");
    ledger.add("2023-06-05", reported(HA_DONG, "eid", count(3)));

    let at = |text: &str| ledger.state.position_at(instant(text));
    assert_eq!(at("2023-05-31T00:00:00Z"), 0);
    assert_eq!(
        (at("2023-06-01T00:00:00Z"), at("2023-06-01T23:00:00Z")),
        (2, 2)
    );
    assert_eq!(
        (at("2023-06-02T00:00:00Z"), at("2030-01-01T00:00:00Z")),
        (3, 3)
    );
    let known = |position| ledger.state.known_of(position);
    assert_eq!((known(0), known(4)), (None, None));
    assert_eq!(
        (known(2), known(3)),
        (Some(instant("2023-06-01T00:00:00Z")), ledger.state.known())
    );

    let ahead = ledger.state.at(moment("2023-06-05"), 99);
    assert_eq!((ahead.position(), ahead.known()), (3, known(3)));
    let figure = ahead.figure(id(HA_DONG), &eid()).unwrap();
    assert_eq!(figure.recorded.actor.organisation, "Công an");
    assert_eq!(figure.figure.to_figure(), count(3));
}
