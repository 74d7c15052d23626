//! Departments that were merged away, and what they left behind.

use domain::event::{
    Extent, GroupDefined, ModelDefined, ModelStatus, ModelStatusChanged, ModelWithdrawn,
    OrganisationChange, OrganisationSucceeded, OwnerAssigned, OwnerChange, PlanAdopted, Role,
    Scope, WorkItemCompleted, WorkItemDefined, WorkOrigin,
};

use super::*;
use crate::{OwnerEntry, WorkItemStatus};

pub(super) const KHANH_HOA: &str = "56@2023-04-10";
pub(super) const NHA_TRANG: &str = "568@2023-04-10";
pub(super) const NEW_KHANH_HOA: &str = "56@2025-07-01";
pub(super) const MODEL: &str = "KH-2.07";

pub(super) fn assigned(locality: &str, scope: Scope, role: Role, organisations: &[&str]) -> Body {
    Body::OwnerAssigned(OwnerAssigned {
        scope,
        locality: id(locality),
        role,
        organisations: organisations
            .iter()
            .map(|name| (*name).to_owned())
            .collect(),
        accountable_office: "Giám đốc".to_owned(),
        source: Source::default(),
        person_commitment: None,
        change: OwnerChange::Assigned,
        from: Vec::new(),
        reason: String::new(),
    })
}

pub(super) fn leads(locality: &str, organisations: &[&str]) -> Body {
    assigned(locality, model_scope(), Role::Lead, organisations)
}

pub(super) fn model_scope() -> Scope {
    Scope::Model(code(MODEL))
}

pub(super) fn succeeded(locality: &str, organisation: &str, successors: &[&str]) -> Body {
    let change = match successors {
        [] => OrganisationChange::Ended,
        [_] => OrganisationChange::Merged,
        _ => OrganisationChange::Split,
    };
    Body::OrganisationSucceeded(OrganisationSucceeded {
        locality: id(locality),
        organisation: organisation.to_owned(),
        successors: successors.iter().map(|name| (*name).to_owned()).collect(),
        change,
        document: None,
        source: Source::default(),
    })
}

pub(super) fn work_item(
    locality: &str,
    item: &str,
    organisation: &str,
    depends_on: &[&str],
) -> Body {
    Body::WorkItemDefined(WorkItemDefined {
        work_item: code(item),
        locality: id(locality),
        model: Some(code(MODEL)),
        content: vi("Số hóa bến xe"),
        volume: None,
        unit: String::new(),
        expected_result: "Một bến xe".to_owned(),
        start: None,
        due: Some(day("2025-12-31")),
        organisation: organisation.to_owned(),
        office: "Phòng Vận tải".to_owned(),
        origin: WorkOrigin::New,
        depends_on: depends_on.iter().map(|other| code(other)).collect(),
    })
}

pub(super) fn completed(locality: &str, item: &str) -> Body {
    Body::WorkItemCompleted(WorkItemCompleted {
        work_item: code(item),
        locality: id(locality),
        evidence: "Biên bản".to_owned(),
    })
}

/// A province with one district, one plan and one model.
pub(super) fn khanh_hoa() -> Ledger {
    let mut ledger = Ledger::new();
    ledger.add("2023-04-10", registered(KHANH_HOA, "Khánh Hòa", "", false));
    ledger.add(
        "2023-04-10",
        registered(NHA_TRANG, "Nha Trang", KHANH_HOA, false),
    );
    ledger.add("2023-07-04", adopted(KHANH_HOA));
    ledger.add(
        "2023-07-04",
        Body::GroupDefined(GroupDefined {
            group: code("KH-2"),
            plan: code("6559"),
            number: 2,
            name: vi("Kinh tế xã hội"),
        }),
    );
    ledger.add("2023-07-04", defined(MODEL, "KH-2", "Bến xe"));
    ledger
}

pub(super) fn defined(model: &str, group: &str, name: &str) -> Body {
    Body::ModelDefined(ModelDefined {
        model: code(model),
        group: code(group),
        name: vi(name),
        indicative: true,
        basis: String::new(),
        source: Source::default(),
    })
}

pub(super) fn withdrawn(model: &str) -> Body {
    Body::ModelWithdrawn(ModelWithdrawn {
        model: code(model),
        reason: "trùng lặp".to_owned(),
        source: Source::default(),
    })
}

pub(super) fn status(locality: &str, model: &str, status: ModelStatus) -> Body {
    Body::ModelStatusChanged(ModelStatusChanged {
        model: code(model),
        locality: id(locality),
        status,
        note: String::new(),
    })
}

pub(super) fn adopted(locality: &str) -> Body {
    Body::PlanAdopted(PlanAdopted {
        plan: code("6559"),
        locality: id(locality),
        document: Document::default(),
        summary: vi("31 mô hình"),
    })
}

impl Ledger {
    fn lead<T>(&self, as_of: &str, locality: &str, read: impl Fn(&OwnerEntry<'_>) -> T) -> T {
        let reading = self.state.latest(moment(as_of));
        let owners = reading.owners(&model_scope(), id(locality));
        read(owners.first().unwrap())
    }

    fn holders(&self, as_of: &str, locality: &str) -> Vec<String> {
        self.lead(as_of, locality, |owner| {
            owner
                .organisations
                .iter()
                .map(ToString::to_string)
                .collect()
        })
    }
}

#[test]
fn khanh_hoa_lost_its_department_of_transport() {
    let mut ledger = khanh_hoa();
    ledger.add("2023-07-04", leads(KHANH_HOA, &["Sở GTVT", "Công an tỉnh"]));
    ledger.add("2023-08-01", work_item(NHA_TRANG, "W1", "Sở GTVT", &[]));
    ledger.add(
        "2025-03",
        succeeded(KHANH_HOA, "Sở  gtvt", &["Sở Xây dựng"]),
    );
    assert_eq!(
        ledger.holders("2025-03-30", NHA_TRANG),
        ["Sở GTVT", "Công an tỉnh"]
    );
    assert_eq!(
        ledger.holders("2025-03-31", NHA_TRANG),
        ["Sở Xây dựng", "Công an tỉnh"]
    );
    let (appointed, since) = ledger.lead("2025-04-01", NHA_TRANG, |owner| {
        (owner.fact.organisations[0].clone(), owner.succeeded_on())
    });
    assert_eq!(
        (appointed.as_str(), since),
        ("Sở GTVT", Some(moment("2025-03")))
    );
    let reading = ledger.state.latest(moment("2025-04-01"));
    let item = reading.work_item(id(NHA_TRANG), &code("W1")).unwrap();
    assert_eq!(item.defined.organisation, "Sở GTVT");
    assert_eq!(reading.responsible(&item).organisations, ["Sở Xây dựng"]);
    assert!(reading.orphans(id(KHANH_HOA)).work_items.is_empty());
    // Whoever knew the log before the succession sees the old name on any day.
    let before = ledger.state.at(moment("2026-01-01"), 7);
    let owners = before.owners(&model_scope(), id(NHA_TRANG));
    assert_eq!(owners[0].organisations, ["Sở GTVT", "Công an tỉnh"]);
    assert_eq!(owners[0].succeeded_on(), None);

    // A later assignment stands, whatever came before it.
    ledger.add("2025-05-01", leads(KHANH_HOA, &["Sở GTVT"]));
    assert_eq!(ledger.holders("2025-06-01", KHANH_HOA), ["Sở GTVT"]);
}

#[test]
fn successions_follow_each_other_and_meet_in_one_organisation() {
    let mut ledger = khanh_hoa();
    ledger.add("2023-07-04", leads(KHANH_HOA, &["A", "B"]));
    ledger.add("2025-03-01", succeeded(KHANH_HOA, "A", &["C", "D"]));
    ledger.add("2025-04-01", succeeded(KHANH_HOA, "D", &["E"]));
    ledger.add("2025-04-01", succeeded(KHANH_HOA, "B", &["c"]));
    // It was over before A was split, so what D took over is not concerned.
    ledger.add("2024-01-01", succeeded(KHANH_HOA, "C", &["X"]));
    assert_eq!(ledger.holders("2025-03-15", KHANH_HOA), ["C", "D", "B"]);
    assert_eq!(ledger.holders("2025-04-01", KHANH_HOA), ["C", "E"]);
    // The district has its own department of that name.
    ledger.add("2025-05-01", succeeded(NHA_TRANG, "E", &["F"]));
    assert_eq!(ledger.holders("2025-05-01", KHANH_HOA), ["C", "E"]);
    assert_eq!(ledger.holders("2025-05-01", NHA_TRANG), ["C", "F"]);
}

#[test]
fn a_circle_and_a_long_chain_of_successions_end() {
    let mut ledger = khanh_hoa();
    ledger.add("2023-07-04", leads(KHANH_HOA, &["A", "T0"]));
    ledger.add("2025-03-01", succeeded(KHANH_HOA, "A", &["B"]));
    ledger.add("2025-03-01", succeeded(KHANH_HOA, "B", &["A", "C"]));
    for step in 0..12 {
        let (from, to) = (format!("T{step}"), format!("T{}", step + 1));
        ledger.add("2025-03-01", succeeded(KHANH_HOA, &from, &[&to]));
    }
    let holders = ledger.holders("2025-03-01", KHANH_HOA);
    assert_eq!(holders, ["C", "T8"]);
}

#[test]
fn what_an_organisation_without_successor_held_is_listed() {
    let mut ledger = khanh_hoa();
    ledger.add("2023-07-04", leads(KHANH_HOA, &["Sở TT&TT"]));
    let implementing = assigned(NHA_TRANG, model_scope(), Role::Implementing, &["Ban 06"]);
    ledger.add("2023-07-04", implementing);
    ledger.add("2023-08-01", work_item(NHA_TRANG, "W1", "Sở TT&TT", &[]));
    ledger.add("2023-08-01", work_item(NHA_TRANG, "W2", "Ban 06", &[]));
    ledger.add("2023-08-01", work_item(NHA_TRANG, "W3", "Sở TT&TT", &[]));
    ledger.add("2024-01-01", completed(NHA_TRANG, "W3"));
    ledger.add("2025-03-01", succeeded(KHANH_HOA, "Sở TT&TT", &[]));
    let listed = |ledger: &Ledger, as_of: &str| {
        let reading = ledger.state.latest(moment(as_of));
        let orphans = reading.orphans(id(KHANH_HOA));
        let roles: Vec<_> = orphans
            .roles
            .iter()
            .map(|role| {
                (
                    role.locality.to_string(),
                    role.role,
                    role.appointed.is_some(),
                )
            })
            .collect();
        let items = orphans.work_items.iter();
        let items: Vec<_> = items
            .map(|it| it.item.defined.work_item.to_string())
            .collect();
        (roles, items)
    };
    assert_eq!(listed(&ledger, "2025-02-28"), (vec![], vec![]));
    let lead = (KHANH_HOA.to_owned(), Role::Lead, true);
    assert_eq!(
        listed(&ledger, "2025-03-01"),
        (vec![lead.clone()], vec!["W1".to_owned()])
    );
    // What was given within the province is found from above.
    ledger.add("2025-03-02", succeeded(NHA_TRANG, "Ban 06", &[]));
    let below = (NHA_TRANG.to_owned(), Role::Implementing, true);
    assert_eq!(
        listed(&ledger, "2025-03-02"),
        (
            vec![lead, below.clone()],
            vec!["W1".to_owned(), "W2".to_owned()]
        )
    );
    ledger.add("2025-03-03", leads(KHANH_HOA, &["Sở KH&CN"]));
    assert_eq!(listed(&ledger, "2025-03-03").0, [below]);
    // Nobody misses the owner of a model that was withdrawn.
    let withdrawn = Body::ModelWithdrawn(ModelWithdrawn {
        model: code(MODEL),
        reason: "trùng lặp".to_owned(),
        source: Source::default(),
    });
    ledger.add("2025-04-01", withdrawn);
    assert_eq!(listed(&ledger, "2025-04-01").0, []);
}

#[test]
fn a_model_that_never_had_a_lead_is_listed() {
    let ledger = khanh_hoa();
    let reading = ledger.state.latest(moment("2023-07-04"));
    let orphans = reading.orphans(id(KHANH_HOA));
    let roles: Vec<_> = orphans
        .roles
        .iter()
        .map(|it| (&it.scope, it.role))
        .collect();
    assert_eq!(roles, [(&model_scope(), Role::Lead)]);
    assert_eq!(orphans.roles[0].appointed, None);
}

/// The province, its district and its plan end; a new province has the territory.
pub(super) fn reform() -> Ledger {
    let mut ledger = khanh_hoa();
    ledger.add("2023-07-04", leads(KHANH_HOA, &["Sở GTVT"]));
    ledger.add("2023-08-01", work_item(NHA_TRANG, "W1", "Sở GTVT", &[]));
    let new = registered(NEW_KHANH_HOA, "Khánh Hòa", "", true);
    ledger.add("2025-07-01", new);
    let successor = Successor {
        locality: id(NEW_KHANH_HOA),
        extent: Extent::Full,
    };
    ledger.add("2025-07-01", ended(KHANH_HOA, vec![successor]));
    ledger.add("2025-07-01", ended(NHA_TRANG, Vec::new()));
    ledger
}

#[test]
fn the_plan_of_a_province_that_ended_waits_for_the_new_one() {
    let mut ledger = reform();
    let waiting = |ledger: &Ledger, as_of: &str| {
        let reading = ledger.state.latest(moment(as_of));
        let orphans = reading.orphans(id(NEW_KHANH_HOA));
        let plans = orphans.plans.iter();
        let plans: Vec<_> = plans.map(|plan| (plan.ended, plan.models.len())).collect();
        let items = orphans
            .work_items
            .iter()
            .map(|it| it.ended)
            .collect::<Vec<_>>();
        (plans, items)
    };
    let end = day("2025-07-01");
    assert_eq!(waiting(&ledger, "2025-06-30"), (vec![], vec![]));
    assert_eq!(
        waiting(&ledger, "2025-07-01"),
        (vec![(end, 1)], vec![Some(end)])
    );
    // From the old province the same is seen.
    let reading = ledger.state.latest(moment("2025-07-01"));
    let old = reading.orphans(id(KHANH_HOA));
    assert_eq!((old.plans.len(), old.work_items.len()), (1, 1));
    assert!(reading.models_for(id(NEW_KHANH_HOA)).is_empty());
    // First a model finds an owner in the new province, then the plan does, then the work item ends.
    ledger.add("2025-08-01", leads(NEW_KHANH_HOA, &["Sở Xây dựng"]));
    assert_eq!(waiting(&ledger, "2025-08-01").0, [(end, 0)]);
    ledger.add("2025-09-01", adopted(NEW_KHANH_HOA));
    ledger.add("2025-09-01", completed(NHA_TRANG, "W1"));
    assert_eq!(waiting(&ledger, "2025-09-01"), (vec![], vec![]));
    let reading = ledger.state.latest(moment("2025-09-01"));
    assert_eq!(reading.models_for(id(NEW_KHANH_HOA)).len(), 1);
}

#[test]
fn an_owner_of_the_plan_in_the_new_province_takes_it_over() {
    let mut ledger = reform();
    let focal = assigned(
        NEW_KHANH_HOA,
        Scope::Plan(code("6559")),
        Role::Focal,
        &["Công an tỉnh"],
    );
    ledger.add("2025-08-01", focal);
    let plans = |as_of: &str| {
        let reading = ledger.state.latest(moment(as_of));
        reading.orphans(id(NEW_KHANH_HOA)).plans.len()
    };
    assert_eq!((plans("2025-07-31"), plans("2025-08-01")), (1, 0));
}

#[test]
fn a_work_item_is_blocked_until_what_it_waits_for_is_done() {
    let mut ledger = khanh_hoa();
    ledger.add(
        "2023-08-01",
        work_item(NHA_TRANG, "W2", "Sở GTVT", &["W1", "W0"]),
    );
    ledger.add("2023-08-02", work_item(NHA_TRANG, "W1", "Sở GTVT", &[]));
    ledger.add("2023-08-03", work_item(NHA_TRANG, "W0", "Sở GTVT", &[]));
    ledger.add("2023-09-01", completed(NHA_TRANG, "W1"));
    ledger.add("2023-10-01", completed(NHA_TRANG, "W0"));
    ledger.add("2023-11-01", completed(NHA_TRANG, "W2"));
    let seen = |as_of: &str| {
        let reading = ledger.state.latest(moment(as_of));
        let item = reading.work_item(id(NHA_TRANG), &code("W2")).unwrap();
        let waits_for = reading.blocked_by(&item);
        let waits_for: Vec<_> = waits_for.iter().map(ToString::to_string).collect();
        (reading.work_item_status(&item), waits_for.join(" "))
    };
    let blocked = WorkItemStatus::Blocked;
    assert_eq!(seen("2023-08-01"), (blocked, "W1 W0".to_owned()));
    assert_eq!(seen("2023-09-01"), (blocked, "W0".to_owned()));
    assert_eq!(seen("2023-10-01"), (WorkItemStatus::Open, String::new()));
    assert_eq!(seen("2023-11-01").0, WorkItemStatus::Completed);
}
