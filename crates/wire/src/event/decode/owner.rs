//! Owners: who holds a role, who gave it up, what became of an organisation.

use std::collections::BTreeSet;

use domain::event::{self as d, Body, OrganisationChange};
use domain::text::fold;
use domain::{PersonCommitment, Reason};

use super::{At, Reference};
use crate::event::fields::Fields;
use crate::v1 as w;

/// Most successors of an organisation.
const SUCCESSORS_MAX: usize = 16;

pub(super) fn owner_assigned(f: &mut Fields<'_>, m: &w::OwnerAssigned, at: At<'_>) -> Option<Body> {
    use w::owner_assigned::Scope;
    let scope = match &m.scope {
        None => f.refuse("scope", Reason::Required, "must name a model or a plan"),
        Some(Scope::Model(code)) => f.model("model", code, at).map(d::Scope::Model),
        Some(Scope::Plan(code)) => f.plan("plan", code).map(d::Scope::Plan),
    };
    let locality = f.locality("locality", m.locality.as_ref(), at);
    let role = f.term("role", m.role, d::Role::ALL);
    if m.organisations.is_empty() {
        f.refuse::<()>("organisations", Reason::Required, "must name at least one");
    }
    let organisations = f.lines("organisations", &m.organisations);
    let accountable_office = match role {
        Some(d::Role::Lead) => f.line("accountable_office", &m.accountable_office),
        _ => f.optional_line("accountable_office", &m.accountable_office),
    };
    let source = f.source("source", m.source.as_ref());
    let person_commitment = person_commitment(f, &m.person_commitment);
    let change = change(f, m);
    if let (Some(scope), Some(locality), Some(role), Some((_, from, _)), Some(at)) =
        (&scope, locality, role, &change, at)
    {
        for (i, organisation) in from.iter().enumerate() {
            let holder = Reference::Holder {
                scope,
                locality,
                role,
                organisation,
                at,
            };
            f.refer(&format!("from[{i}]"), &holder);
        }
    }
    let (change, from, reason) = change?;
    Some(Body::OwnerAssigned(d::OwnerAssigned {
        scope: scope?,
        locality: locality?,
        role: role?,
        organisations: organisations?,
        accountable_office: accountable_office?,
        source: source?,
        person_commitment: person_commitment?,
        change,
        from,
        reason,
    }))
}

/// How they came to the role, from whom, and why: the last two where somebody gave it up, and only there.
fn change(
    f: &mut Fields<'_>,
    m: &w::OwnerAssigned,
) -> Option<(d::OwnerChange, Vec<String>, String)> {
    let change = match m.change {
        0 => Some(d::OwnerChange::Assigned),
        number => f.term("change", number, d::OwnerChange::ALL),
    };
    if change == Some(d::OwnerChange::Assigned) {
        let detail = "must be empty unless the role was handed over or succeeded to";
        if !m.from.is_empty() {
            f.refuse::<()>("from", Reason::ValueUnspecified, detail);
        }
        if !m.reason.is_empty() {
            f.refuse::<()>("reason", Reason::ValueUnspecified, detail);
        }
        return Some((d::OwnerChange::Assigned, Vec::new(), String::new()));
    }
    if m.from.is_empty() {
        f.refuse::<()>("from", Reason::Required, "must name who gave the role up");
    }
    let from = f.lines("from", &m.from);
    let reason = f.text("reason", &m.reason);
    Some((change?, from?, reason?))
}

/// Nobody but the ledger makes a commitment, so that behind each there is, or was, a name.
fn person_commitment(f: &mut Fields<'_>, raw: &[u8]) -> Option<Option<PersonCommitment>> {
    let field = "person_commitment";
    if raw.is_empty() {
        return Some(None);
    }
    if !f.resolver.trusted() {
        let detail = "must be empty; a person's name goes beside the event, as `person`";
        return f.refuse(field, Reason::PersonMisplaced, detail);
    }
    match <[u8; 32]>::try_from(raw) {
        Ok(bytes) => Some(Some(bytes.into())),
        Err(_) => f.refuse(field, Reason::CodeFormat, "must have 32 bytes"),
    }
}

pub(super) fn person_erased(f: &mut Fields<'_>, m: &w::PersonErased, _: At<'_>) -> Option<Body> {
    use w::person_erased::Scope;
    if m.appointment == 0 {
        f.refuse::<()>("appointment", Reason::Required, "must name a position");
    }
    let locality = f.identity("locality", m.locality.as_ref());
    let scope = match &m.scope {
        None => f.refuse("scope", Reason::Required, "must name a model or a plan"),
        Some(Scope::Model(code)) => f.code("model", code).map(d::Scope::Model),
        Some(Scope::Plan(code)) => f.code("plan", code).map(d::Scope::Plan),
    };
    let reason = f.text("reason", &m.reason);
    let (locality, scope) = (locality?, scope?);
    if m.appointment > 0 {
        let reference = Reference::Appointment {
            position: m.appointment,
            locality,
            scope: &scope,
        };
        f.refer("appointment", &reference);
    }
    Some(Body::PersonErased(d::PersonErased {
        appointment: m.appointment,
        locality,
        scope,
        reason: reason?,
    }))
}

pub(super) fn organisation_succeeded(
    f: &mut Fields<'_>,
    m: &w::OrganisationSucceeded,
    at: At<'_>,
) -> Option<Body> {
    let locality = f.locality("locality", m.locality.as_ref(), at);
    let organisation = f.line("organisation", &m.organisation);
    let successors = f.lines("successors", &m.successors);
    let change = f.term("change", m.change, OrganisationChange::ALL);
    if let (Some(successors), Some(change), false) = (&successors, change, f.resolver.trusted()) {
        succeed(f, successors, change);
    }
    if let (Some(locality), Some(organisation), Some(successors)) =
        (locality, &organisation, &successors)
    {
        let succession = Reference::Succession {
            locality,
            organisation,
            successors,
        };
        f.refer("successors", &succession);
    }
    let document = f.optional_document("document", m.document.as_ref());
    let source = f.source("source", m.source.as_ref());
    Some(Body::OrganisationSucceeded(d::OrganisationSucceeded {
        locality: locality?,
        organisation: organisation?,
        successors: successors?,
        change: change?,
        document: document?,
        source: source?,
    }))
}

/// Whether there are as many successors as what became of the organisation leaves.
fn succeed(f: &mut Fields<'_>, successors: &[String], change: OrganisationChange) {
    let (range, wanted) = match change {
        OrganisationChange::Renamed => (1..=1, "a renaming names exactly one successor"),
        OrganisationChange::Merged => (1..=1, "a merger names exactly one successor"),
        OrganisationChange::Split => (2..=SUCCESSORS_MAX, "a split names 2 to 16 successors"),
        OrganisationChange::Ended => (0..=0, "what was dissolved has no successors"),
    };
    let different: BTreeSet<String> = successors.iter().map(|name| fold(name)).collect();
    if different.len() != successors.len() {
        let detail = "names a successor twice";
        f.refuse::<()>("successors", Reason::SuccessorCount, detail);
    } else if !range.contains(&successors.len()) {
        let detail = format!("{wanted}, not {}", successors.len());
        f.refuse::<()>("successors", Reason::SuccessorCount, detail);
    }
}
