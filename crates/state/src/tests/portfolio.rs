//! What one department has, before and after it was merged away.

use domain::event::{
    ModelStatus, ModelStatusChanged, ModelWithdrawn, Role, Scope, WorkItemCancelled,
};

use super::owners::{
    KHANH_HOA, MODEL, NEW_KHANH_HOA, NHA_TRANG, adopted, assigned, completed, khanh_hoa, leads,
    model_scope, reform, succeeded, work_item,
};
use super::*;
use crate::{Holding, Portfolio, Reading, WorkDue};

const DEPARTMENT: &str = "Sở Giao thông vận tải";

fn plan_scope() -> Scope {
    Scope::Plan(code("6559"))
}

/// Role and work item, each with what became of it.
fn told(portfolio: &Portfolio<'_>) -> Vec<String> {
    let holding = |holding: Holding| match holding {
        Holding::Held => "có",
        Holding::Orphaned => "không ai",
        Holding::HandedOver => "đã giao",
    };
    let roles = portfolio.roles.iter().map(|role| {
        let role_of = role.owner.fact.role.as_str();
        format!("{role_of}: {}", holding(role.holding))
    });
    let items = portfolio.items.iter().map(|it| {
        let item = &it.item.defined.work_item;
        format!("{item} {:?}: {}", it.due, holding(it.holding))
    });
    roles.chain(items).collect()
}

fn has(reading: &Reading<'_>, organisation: &str) -> Vec<String> {
    told(&reading.portfolio(organisation, None, 14))
}

#[test]
fn a_department_finds_what_is_late_what_is_due_and_what_is_done() {
    let mut ledger = khanh_hoa();
    ledger.add(
        "2023-07-04",
        leads(KHANH_HOA, &[DEPARTMENT, "Công an tỉnh"]),
    );
    let status = ModelStatusChanged {
        model: code(MODEL),
        locality: id(KHANH_HOA),
        status: ModelStatus::Piloting,
        note: String::new(),
    };
    ledger.add("2023-09-01", Body::ModelStatusChanged(status));
    // Each is due on the last day of 2025.
    for item in ["W1", "W2", "W3"] {
        ledger.add("2023-08-01", work_item(NHA_TRANG, item, DEPARTMENT, &[]));
    }
    ledger.add("2023-08-01", work_item(NHA_TRANG, "W9", "Sở Y tế", &[]));
    ledger.add("2025-12-01", completed(NHA_TRANG, "W2"));
    let cancelled = WorkItemCancelled {
        work_item: code("W3"),
        locality: id(NHA_TRANG),
        reason: "trùng lặp".to_owned(),
        document: None,
    };
    ledger.add("2025-12-20", Body::WorkItemCancelled(cancelled));
    let on = |as_of: &str, due_days| {
        let reading = ledger.state.latest(moment(as_of));
        told(&reading.portfolio("so giao thong VAN TAI", None, due_days))[1..].join(", ")
    };
    let rest = "W2 Done: có, W3 Cancelled: có";
    assert_eq!(on("2025-12-21", 9), format!("W1 Open: có, {rest}"));
    assert_eq!(on("2025-12-21", 10), format!("W1 Soon: có, {rest}"));
    assert_eq!(on("2025-12-31", 0), format!("W1 Soon: có, {rest}"));
    assert_eq!(on("2026-01-01", 10), format!("W1 Overdue: có, {rest}"));
    assert_eq!(on("2025-12-19", 9), "W1 Open: có, W3 Open: có, W2 Done: có");
    let reading = ledger.state.latest(moment("2026-01-01"));
    let found = reading.portfolio(DEPARTMENT, None, 14);
    let [role] = found.roles.as_slice() else {
        panic!("{:?}", found.roles);
    };
    assert_eq!(role.holding, Holding::Held);
    let status = role.status.map(|status| status.status);
    assert_eq!(status, Some(ModelStatus::Piloting));
    let counts = [WorkDue::Overdue, WorkDue::Soon, WorkDue::Open];
    assert_eq!(counts.map(|due| found.item_count(due)), [1, 0, 0]);
    assert_eq!(found.item_count(WorkDue::Done), 1);
}

#[test]
fn whoever_took_over_has_it_and_who_gave_it_sees_to_whom() {
    let mut ledger = khanh_hoa();
    ledger.add("2023-07-04", leads(KHANH_HOA, &[DEPARTMENT]));
    ledger.add("2023-08-01", work_item(NHA_TRANG, "W1", DEPARTMENT, &[]));
    let before = ledger.state.position();
    ledger.add(
        "2025-03-01",
        succeeded(KHANH_HOA, DEPARTMENT, &["Sở Xây dựng"]),
    );
    let then = ledger.state.latest(moment("2025-02-28"));
    let both = ["lead: có", "W1 Open: có"];
    assert_eq!(has(&then, DEPARTMENT), both);
    assert_eq!(has(&then, "Sở Xây dựng"), [""; 0]);
    let now = ledger.state.latest(moment("2025-03-01"));
    assert_eq!(has(&now, "Sở Xây dựng"), both);
    assert_eq!(has(&now, DEPARTMENT), ["lead: đã giao", "W1 Open: đã giao"]);
    let found = now.portfolio(DEPARTMENT, None, 14);
    assert_eq!(found.roles[0].owner.organisations, ["Sở Xây dựng"]);
    // Before the succession was known it had everything, also on that day.
    let as_known = ledger.state.at(moment("2025-03-01"), before);
    assert_eq!(has(&as_known, DEPARTMENT), both);
    assert_eq!(as_known.organisation("Sở Xây dựng"), Err(Vec::new()));
    assert_eq!(now.organisation("so xay dung"), Ok("Sở Xây dựng"));
    assert_eq!(now.organisation("giao thong"), Err(vec![DEPARTMENT]));
    // Of another department nothing is said.
    assert_eq!(has(&now, "Sở Y tế"), [""; 0]);
}

#[test]
fn what_nobody_took_over_is_orphaned_to_all_who_had_it() {
    let mut ledger = khanh_hoa();
    ledger.add("2023-07-04", leads(KHANH_HOA, &[DEPARTMENT]));
    ledger.add("2023-08-01", work_item(NHA_TRANG, "W1", DEPARTMENT, &[]));
    ledger.add("2023-08-01", work_item(NHA_TRANG, "W2", DEPARTMENT, &[]));
    ledger.add("2024-01-01", completed(NHA_TRANG, "W2"));
    ledger.add(
        "2025-03-01",
        succeeded(KHANH_HOA, DEPARTMENT, &["Sở Xây dựng"]),
    );
    ledger.add("2025-04-01", succeeded(KHANH_HOA, "Sở Xây dựng", &[]));
    let reading = ledger.state.latest(moment("2025-04-01"));
    let left = ["lead: không ai", "W1 Open: không ai", "W2 Done: không ai"];
    for name in [DEPARTMENT, "Sở Xây dựng"] {
        assert_eq!(has(&reading, name), left, "{name}");
        let found = reading.portfolio(name, None, 14);
        // What is done needs nobody any more.
        assert_eq!(found.orphaned_item_count(), 1);
        assert_eq!(found.item_count(WorkDue::Open), 0);
    }
    // A model that was withdrawn has no owner.
    let withdrawn = Body::ModelWithdrawn(ModelWithdrawn {
        model: code(MODEL),
        reason: "trùng lặp".to_owned(),
        source: Source::default(),
    });
    ledger.add("2025-05-01", withdrawn);
    let reading = ledger.state.latest(moment("2025-05-01"));
    assert_eq!(has(&reading, DEPARTMENT), left[1..]);
}

#[test]
fn within_a_district_holds_what_was_given_above_it_unless_it_was_given_there() {
    let mut ledger = khanh_hoa();
    let cam_ranh = "569@2023-04-10";
    ledger.add(
        "2023-04-10",
        registered(cam_ranh, "Cam Ranh", KHANH_HOA, false),
    );
    ledger.add("2023-07-04", leads(KHANH_HOA, &["Công an tỉnh"]));
    ledger.add("2023-07-04", leads(NHA_TRANG, &["Công an Nha Trang"]));
    let focal = assigned(KHANH_HOA, plan_scope(), Role::Focal, &["Công an tỉnh"]);
    ledger.add("2023-07-04", focal);
    ledger.add(
        "2023-08-01",
        work_item(NHA_TRANG, "W1", "Công an tỉnh", &[]),
    );
    let reading = ledger.state.latest(moment("2023-09-01"));
    let within = |place: &str| {
        let found = reading.portfolio("Công an tỉnh", Some(id(place)), 14);
        told(&found).join(", ")
    };
    assert_eq!(within(KHANH_HOA), "focal: có, lead: có, W1 Open: có");
    assert_eq!(within(NHA_TRANG), "focal: có, W1 Open: có");
    assert_eq!(within(cam_ranh), "focal: có, lead: có");
}

#[test]
fn the_reform_leaves_roles_and_work_until_the_new_province_takes_them() {
    let mut ledger = reform();
    let focal = assigned(KHANH_HOA, plan_scope(), Role::Focal, &["Sở GTVT"]);
    ledger.add("2023-07-04", focal);
    let within_new = |ledger: &Ledger, as_of: &str| {
        let reading = ledger.state.latest(moment(as_of));
        told(&reading.portfolio("Sở GTVT", Some(id(NEW_KHANH_HOA)), 14))
    };
    let reading = ledger.state.latest(moment("2025-06-30"));
    assert_eq!(
        has(&reading, "Sở GTVT"),
        ["focal: có", "lead: có", "W1 Open: có"]
    );
    let left = ["focal: không ai", "lead: không ai", "W1 Open: không ai"];
    assert_eq!(within_new(&ledger, "2025-07-01"), left);
    let everywhere = ledger.state.latest(moment("2025-07-01"));
    assert_eq!(has(&everywhere, "Sở GTVT"), left);
    // The plan is adopted anew, then the model finds a lead, which is the same department.
    ledger.add("2025-08-01", adopted(NEW_KHANH_HOA));
    assert_eq!(
        within_new(&ledger, "2025-08-01"),
        ["lead: không ai", "focal: đã giao", "W1 Open: không ai"]
    );
    ledger.add(
        "2025-09-01",
        assigned(NEW_KHANH_HOA, model_scope(), Role::Lead, &["Sở GTVT"]),
    );
    assert_eq!(
        within_new(&ledger, "2025-09-01"),
        [
            "lead: có",
            "focal: đã giao",
            "lead: đã giao",
            "W1 Open: không ai"
        ]
    );
}
