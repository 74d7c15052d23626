//! What one department has, before and after it was merged away.

use domain::event::{
    Extent, ModelStatus, ModelStatusChanged, ModelWithdrawn, OwnerAssigned, OwnerChange, Role,
    Scope, WorkItemCancelled,
};

use super::owners::{
    KHANH_HOA, MODEL, NEW_KHANH_HOA, NHA_TRANG, adopted, assigned, completed, khanh_hoa, leads,
    model_scope, reform, succeeded, work_item,
};
use super::*;
use crate::{AppointmentEntry, Holding, Portfolio, PortfolioRole, Reading, WorkDue};

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
        Holding::Ended => "đã hết",
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
    assert_eq!(counts.map(|due| found.held_count(due)), [1, 0, 0]);
    assert_eq!(found.held_count(WorkDue::Done), 1);
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
    // What is done needs nobody any more.
    let left = ["lead: không ai", "W1 Open: không ai", "W2 Done: đã hết"];
    for name in [DEPARTMENT, "Sở Xây dựng"] {
        assert_eq!(has(&reading, name), left, "{name}");
        let found = reading.portfolio(name, None, 14);
        let of = [
            Holding::Held,
            Holding::Orphaned,
            Holding::HandedOver,
            Holding::Ended,
        ];
        assert_eq!(of.map(|holding| found.item_count(holding)), [0, 1, 0, 1]);
        assert_eq!(found.held_count(WorkDue::Open), 0);
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

/// Kinds of a hand-over, from whom to whom, and on which day.
fn passed_on(reading: &Reading<'_>, organisation: &str) -> Vec<String> {
    let found = reading.portfolio(organisation, None, 14);
    let of_role = |role: &PortfolioRole<'_>| {
        let one = |it: &AppointmentEntry<'_>| {
            let (from, to) = (it.from.join("+"), it.organisations.join("+"));
            format!("{from} → {to} {}", it.recorded.effective)
        };
        role.hand_overs.iter().map(one).collect::<Vec<_>>()
    };
    found.roles.iter().flat_map(of_role).collect()
}

fn handed_over(from: &[&str], to: &[&str]) -> Body {
    let Body::OwnerAssigned(owner) = leads(KHANH_HOA, to) else {
        panic!("an owner");
    };
    Body::OwnerAssigned(OwnerAssigned {
        change: OwnerChange::HandedOver,
        from: from.iter().map(ToString::to_string).collect(),
        reason: "Phân công lại".to_owned(),
        ..owner
    })
}

#[test]
fn a_single_role_that_was_handed_over_is_told_to_both() {
    let mut ledger = khanh_hoa();
    let focal = assigned(KHANH_HOA, plan_scope(), Role::Focal, &[DEPARTMENT]);
    ledger.add("2023-07-04", focal);
    ledger.add("2023-07-04", leads(KHANH_HOA, &[DEPARTMENT]));
    ledger.add(
        "2025-03-01",
        succeeded(KHANH_HOA, DEPARTMENT, &["Sở Xây dựng"]),
    );
    let before = ledger.state.position();
    let first = ledger.add(
        "2025-05-01",
        handed_over(&["Sở Xây dựng"], &["Công an tỉnh"]),
    );
    ledger.add("2025-06-01", handed_over(&["Công an tỉnh"], &["Sở Y tế"]));

    let then = ledger.state.latest(moment("2025-05-31"));
    assert_eq!(has(&then, "Sở Xây dựng"), ["focal: có", "lead: đã giao"]);
    assert_eq!(has(&then, DEPARTMENT), ["focal: đã giao", "lead: đã giao"]);
    assert_eq!(has(&then, "Công an tỉnh"), ["lead: có"]);
    let one = "Sở Xây dựng → Công an tỉnh 2025-05-01";
    for name in ["so xay dung", DEPARTMENT, "Công an tỉnh"] {
        assert_eq!(passed_on(&then, name), [one], "{name}");
    }
    let found = then.portfolio("Sở Xây dựng", None, 14);
    let given = &found.roles[1];
    assert_eq!(given.hand_overs[0].recorded.position, first);
    assert_eq!(given.owner.organisations, ["Công an tỉnh"]);
    assert_eq!(found.role_count(Holding::HandedOver), 1);

    // A day later it goes on; who had it in between sees both.
    let now = ledger.state.latest(moment("2025-06-01"));
    let two = "Công an tỉnh → Sở Y tế 2025-06-01";
    assert_eq!(passed_on(&now, "Sở Xây dựng"), [one]);
    assert_eq!(passed_on(&now, "Công an tỉnh"), [one, two]);
    assert_eq!(passed_on(&now, "Sở Y tế"), [two]);
    assert_eq!(has(&now, "Công an tỉnh"), ["lead: đã giao"]);
    assert_eq!(has(&now, "Sở Y tế"), ["lead: có"]);
    // Before it was known, nothing was handed over.
    let as_known = ledger.state.at(moment("2025-06-01"), before);
    assert_eq!(has(&as_known, "Sở Xây dựng"), ["focal: có", "lead: có"]);
    assert_eq!(passed_on(&as_known, "Sở Xây dựng"), [""; 0]);
}

#[test]
fn a_hand_over_that_was_put_right_at_once_gave_nothing_to_the_wrong_one() {
    let mut ledger = khanh_hoa();
    ledger.add("2023-07-04", leads(KHANH_HOA, &[DEPARTMENT, "Sở Y tế"]));
    ledger.add(
        "2025-05-01",
        handed_over(&[DEPARTMENT], &["Công an", "Sở Y tế"]),
    );
    ledger.add(
        "2025-05-01",
        handed_over(&[DEPARTMENT], &["Công an tỉnh", "Sở Y tế"]),
    );
    let now = ledger.state.latest(moment("2025-06-01"));
    assert_eq!(has(&now, "Công an"), [""; 0]);
    assert_eq!(has(&now, DEPARTMENT), ["lead: đã giao"]);
    // One of two holders keeps its part.
    assert_eq!(has(&now, "Sở Y tế"), ["lead: có"]);
    // Then somebody is assigned anew: the department gave it up, the others were replaced.
    ledger.add("2025-07-01", leads(KHANH_HOA, &["UBND tỉnh"]));
    let now = ledger.state.latest(moment("2025-07-01"));
    assert_eq!(has(&now, DEPARTMENT), ["lead: đã giao"]);
    for replaced in ["Công an tỉnh", "Sở Y tế"] {
        assert_eq!(has(&now, replaced), [""; 0], "{replaced}");
    }
}

#[test]
fn the_roles_of_a_district_ended_with_it_and_are_not_left_to_anybody() {
    let mut ledger = khanh_hoa();
    let implementing = |place| assigned(place, model_scope(), Role::Implementing, &["Ban 06"]);
    ledger.add("2023-07-04", implementing(NHA_TRANG));
    ledger.add("2023-08-01", work_item(NHA_TRANG, "W1", "Ban 06", &[]));
    let before = ledger.state.latest(moment("2025-06-30"));
    assert_eq!(has(&before, "Ban 06"), ["implementing: có", "W1 Open: có"]);
    let ward = "22366@2025-07-01";
    ledger.add("2025-07-01", registered(ward, "Nha Trang", KHANH_HOA, true));
    let into = Successor {
        locality: id(ward),
        extent: Extent::Full,
    };
    ledger.add("2025-07-01", ended(NHA_TRANG, vec![into]));
    let after = |ledger: &Ledger, as_of: &str| {
        let reading = ledger.state.latest(moment(as_of));
        let found = reading.portfolio("Ban 06", None, 14);
        let ended = found.roles[0].ended;
        (told(&found).join(", "), ended)
    };
    // The plan goes on in the province, and a ward is no district; its open work is still to be done.
    let end = Some(day("2025-07-01"));
    let left = "implementing: đã hết, W1 Open: không ai".to_owned();
    assert_eq!(after(&ledger, "2025-07-01"), (left.clone(), end));
    // It does not come back to life with whoever held it.
    ledger.add("2025-08-01", succeeded(NHA_TRANG, "Ban 06", &[]));
    assert_eq!(after(&ledger, "2025-08-01"), (left, end));
    let orphans = ledger.state.latest(moment("2025-08-01"));
    assert!(orphans.orphans(id(NHA_TRANG)).roles.is_empty());
    // A ward that is given the model carries on what the district's was.
    ledger.add("2025-09-01", implementing(ward));
    let (now, _) = after(&ledger, "2025-09-01");
    assert!(
        now.contains("implementing: có, implementing: đã giao"),
        "{now}"
    );
}

#[test]
fn the_roles_of_a_ward_wait_in_the_new_ward_if_its_plan_holds_there() {
    let mut ledger = khanh_hoa();
    let (old, new) = ("22363@2023-04-10", "22366@2025-07-01");
    ledger.add("2023-04-10", registered(old, "Lộc Thọ", NHA_TRANG, false));
    let coordinating = |place| {
        assigned(
            place,
            model_scope(),
            Role::Coordinating,
            &["Công an phường"],
        )
    };
    ledger.add("2023-07-04", coordinating(old));
    ledger.add("2025-07-01", registered(new, "Nha Trang", KHANH_HOA, true));
    let into = Successor {
        locality: id(new),
        extent: Extent::Full,
    };
    ledger.add("2025-07-01", ended(old, vec![into]));
    let on = |ledger: &Ledger, as_of: &str| {
        has(&ledger.state.latest(moment(as_of)), "Công an phường").join(", ")
    };
    assert_eq!(on(&ledger, "2025-06-30"), "coordinating: có");
    assert_eq!(on(&ledger, "2025-07-01"), "coordinating: không ai");
    // Who coordinates in the province does so in the ward as well.
    ledger.add(
        "2025-08-01",
        assigned(
            KHANH_HOA,
            model_scope(),
            Role::Coordinating,
            &["Công an tỉnh"],
        ),
    );
    assert_eq!(on(&ledger, "2025-08-01"), "coordinating: đã giao");
}

#[test]
fn the_reform_ends_roles_until_the_new_province_has_the_plan_and_leaves_work_to_nobody() {
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
    // No plan holds in the new province, so there is no role in it; the work was never closed.
    let left = ["focal: đã hết", "lead: đã hết", "W1 Open: không ai"];
    assert_eq!(within_new(&ledger, "2025-07-01"), left);
    let everywhere = ledger.state.latest(moment("2025-07-01"));
    assert_eq!(has(&everywhere, "Sở GTVT"), left);
    // The plan is adopted anew, and nobody has a role in it or its model; then that finds a lead, which is the same department.
    ledger.add("2025-08-01", adopted(NEW_KHANH_HOA));
    assert_eq!(
        within_new(&ledger, "2025-08-01"),
        ["focal: không ai", "lead: không ai", "W1 Open: không ai"]
    );
    ledger.add(
        "2025-09-01",
        assigned(NEW_KHANH_HOA, model_scope(), Role::Lead, &["Sở GTVT"]),
    );
    assert_eq!(
        within_new(&ledger, "2025-09-01"),
        [
            "lead: có",
            "focal: không ai",
            "lead: đã giao",
            "W1 Open: không ai"
        ]
    );
    // Another role of the plan is not this one; a focal point is, until it is no more.
    let focal = |role| assigned(NEW_KHANH_HOA, plan_scope(), role, &["Công an tỉnh"]);
    let of_focal = |ledger: &Ledger, as_of: &str| {
        let mut told = within_new(ledger, as_of);
        told.retain(|told| told.starts_with("focal"));
        told
    };
    ledger.add("2025-10-01", focal(Role::Lead));
    assert_eq!(of_focal(&ledger, "2025-10-01"), ["focal: không ai"]);
    ledger.add("2025-11-01", focal(Role::Focal));
    assert_eq!(of_focal(&ledger, "2025-11-01"), ["focal: đã giao"]);
    ledger.add("2025-12-01", succeeded(NEW_KHANH_HOA, "Công an tỉnh", &[]));
    assert_eq!(of_focal(&ledger, "2025-12-01"), ["focal: không ai"]);
}

#[test]
fn what_is_within_a_place_at_a_position_does_not_change_with_what_is_registered_later() {
    let mut ledger = khanh_hoa();
    let cam_ranh = "569@2023-04-10";
    // It was first registered without the province it belongs to.
    ledger.add("2023-04-10", registered(cam_ranh, "Cam Ranh", "", false));
    ledger.add("2023-07-04", leads(cam_ranh, &[DEPARTMENT]));
    ledger.add("2023-08-01", work_item(cam_ranh, "W1", DEPARTMENT, &[]));
    let position = ledger.add("2023-08-02", succeeded(cam_ranh, DEPARTMENT, &[]));
    let within = |ledger: &Ledger, position| {
        let reading = ledger.state.at(moment("2023-09-01"), position);
        let orphans = reading.orphans(id(KHANH_HOA));
        let left: Vec<_> = orphans
            .work_items
            .iter()
            .map(|it| it.item.defined.locality)
            .collect();
        let found = reading.portfolio(DEPARTMENT, Some(id(KHANH_HOA)), 14);
        (told(&found), left)
    };
    assert_eq!(within(&ledger, position), (Vec::new(), Vec::new()));
    let put_right = registered(cam_ranh, "Cam Ranh", KHANH_HOA, false);
    let now = ledger.add("2023-04-10", put_right);
    assert_eq!(within(&ledger, position), (Vec::new(), Vec::new()));
    let (found, left) = within(&ledger, now);
    assert_eq!(found, ["lead: không ai", "W1 Open: không ai"]);
    assert_eq!(left, [id(cam_ranh)]);
}
