//! Owners: who holds a role, who gave it up, what became of an organisation.

use domain::event as d;

use super::{document, locality_ref, number, source};
use crate::v1 as w;

pub(super) fn owner_assigned(e: &d::OwnerAssigned) -> w::OwnerAssigned {
    use w::owner_assigned::Scope;
    w::OwnerAssigned {
        scope: Some(match &e.scope {
            d::Scope::Model(code) => Scope::Model(code.to_string()),
            d::Scope::Plan(code) => Scope::Plan(code.to_string()),
        }),
        locality: Some(locality_ref(e.locality)),
        role: number(e.role as usize),
        organisations: e.organisations.clone(),
        accountable_office: e.accountable_office.clone(),
        source: Some(source(&e.source)),
        person_commitment: e
            .person_commitment
            .map_or_else(Vec::new, |commitment| commitment.as_bytes().to_vec()),
        change: match e.change {
            // As it was said before roles could be handed over.
            d::OwnerChange::Assigned => w::OwnerChange::Unspecified as i32,
            change => owner_change(change),
        },
        from: e.from.clone(),
        reason: e.reason.clone(),
    }
}

/// How an organisation came to a role, as its number.
#[must_use]
pub fn owner_change(change: d::OwnerChange) -> i32 {
    number(change as usize)
}

pub(super) fn person_erased(e: &d::PersonErased) -> w::PersonErased {
    use w::person_erased::Scope;
    w::PersonErased {
        appointment: e.appointment,
        locality: Some(locality_ref(e.locality)),
        scope: Some(match &e.scope {
            d::Scope::Model(code) => Scope::Model(code.to_string()),
            d::Scope::Plan(code) => Scope::Plan(code.to_string()),
        }),
        reason: e.reason.clone(),
    }
}

/// [`d::OrganisationSucceeded`] as a message.
#[must_use]
pub fn organisation_succeeded(e: &d::OrganisationSucceeded) -> w::OrganisationSucceeded {
    w::OrganisationSucceeded {
        locality: Some(locality_ref(e.locality)),
        organisation: e.organisation.clone(),
        successors: e.successors.clone(),
        change: number(e.change as usize),
        document: e.document.as_ref().map(document),
        source: Some(source(&e.source)),
    }
}
