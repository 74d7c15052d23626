//! Who holds what, and what nobody holds.

use domain::LocalityId;
use domain::event::Scope;
use state::{
    OrphanedPlan, OrphanedRole, OrphanedWorkItem, Orphans, OwnerEntry, Reading, SuccessionEntry,
};
use wire::event as encode;
use wire::v1;

use super::head;

/// The holders of each role for a scope in a locality.
pub(super) fn owners(reading: &Reading<'_>, scope: &Scope, id: LocalityId) -> Vec<v1::Owner> {
    let owners = reading.owners(scope, id);
    owners.iter().map(|entry| owner(reading, entry)).collect()
}

/// Who was appointed to a role, and who holds it now.
pub(super) fn owner(reading: &Reading<'_>, entry: &OwnerEntry<'_>) -> v1::Owner {
    let appointment = entry.recorded.position;
    v1::Owner {
        role: encode::role(entry.fact.role),
        organisations: entry
            .organisations
            .iter()
            .map(ToString::to_string)
            .collect(),
        accountable_office: entry.fact.accountable_office.clone(),
        since: entry.recorded.effective.to_string(),
        person: entry.fact.person_commitment.map(|_| v1::NamedPerson {
            appointment,
            erased: reading.is_person_erased(appointment),
        }),
        appointed: entry.fact.organisations.clone(),
        succeeded_on: entry
            .succeeded_on()
            .map(|on| on.to_string())
            .unwrap_or_default(),
        change: encode::owner_change(entry.fact.change),
    }
}

/// What nobody holds.
pub(crate) enum Left<'a> {
    Plan(OrphanedPlan<'a>),
    Role(OrphanedRole<'a>),
    WorkItem(OrphanedWorkItem<'a>),
}

impl<'a> Left<'a> {
    /// Plans, then roles, then work items.
    pub(crate) fn all(orphans: Orphans<'a>) -> Vec<Self> {
        let plans = orphans.plans.into_iter().map(Self::Plan);
        let roles = orphans.roles.into_iter().map(Self::Role);
        let items = orphans.work_items.into_iter().map(Self::WorkItem);
        plans.chain(roles).chain(items).collect()
    }
}

/// A plan, a role or a work item that nobody holds.
pub(crate) fn left(reading: &Reading<'_>, orphan: &Left<'_>) -> v1::Orphan {
    let head = |id| reading.locality(id).as_ref().map(head);
    match orphan {
        Left::Plan(orphan) => v1::Orphan {
            kind: v1::OrphanKind::Plan as i32,
            code: orphan.plan.fact.plan.to_string(),
            name: Some(encode::name(&orphan.plan.fact.summary)),
            locality: head(orphan.plan.fact.locality),
            models: orphan
                .models
                .iter()
                .map(|model| model.defined.model.to_string())
                .collect(),
            ..Default::default()
        },
        Left::Role(orphan) => v1::Orphan {
            locality: head(orphan.locality),
            ..role(reading, orphan)
        },
        Left::WorkItem(orphan) => {
            let defined = orphan.item.defined;
            v1::Orphan {
                kind: v1::OrphanKind::WorkItem as i32,
                code: defined.work_item.to_string(),
                name: Some(encode::name(&defined.content)),
                appointed: vec![defined.organisation.clone()],
                locality: head(defined.locality),
                ..gone(orphan.succession)
            }
        }
    }
}

/// The name of a plan or a model.
pub(super) fn scope_name(reading: &Reading<'_>, scope: &Scope) -> Option<v1::Name> {
    match scope {
        Scope::Plan(code) => reading
            .plan(code)
            .map(|plan| encode::name(&plan.fact.summary)),
        Scope::Model(code) => reading
            .model(code)
            .map(|model| encode::name(&model.defined.name)),
    }
}

fn role(reading: &Reading<'_>, orphan: &OrphanedRole<'_>) -> v1::Orphan {
    let (kind, code) = match &orphan.scope {
        Scope::Plan(code) => (v1::OrphanKind::Plan, code.to_string()),
        Scope::Model(code) => (v1::OrphanKind::Model, code.to_string()),
    };
    v1::Orphan {
        kind: kind as i32,
        code,
        name: scope_name(reading, &orphan.scope),
        role: encode::role(orphan.role),
        appointed: orphan
            .appointed
            .map_or_else(Vec::new, |appointed| appointed.fact.organisations.clone()),
        ..gone(orphan.succession)
    }
}

/// What became of the last of those who held something.
fn gone(succession: Option<SuccessionEntry<'_>>) -> v1::Orphan {
    v1::Orphan {
        succession: succession.map(|entry| encode::organisation_succeeded(entry.fact)),
        succeeded_on: succession
            .map(|entry| entry.recorded.effective.to_string())
            .unwrap_or_default(),
        ..Default::default()
    }
}
