//! The programme: plans, groups, models, owners, indicators, systems, data sets.

use domain::event::{self as d, Body};
use domain::{PersonCommitment, Reason};

use super::{At, Reference};
use crate::event::fields::Fields;
use crate::v1 as w;

pub(super) fn plan_adopted(f: &mut Fields<'_>, m: &w::PlanAdopted, at: At<'_>) -> Option<Body> {
    let plan = f.code("plan", &m.plan);
    let locality = f.locality("locality", m.locality.as_ref(), at);
    let document = f.document("document", m.document.as_ref());
    let summary = f.name("summary", m.summary.as_ref());
    Some(Body::PlanAdopted(d::PlanAdopted {
        plan: plan?,
        locality: locality?,
        document: document?,
        summary: summary?,
    }))
}

pub(super) fn group_defined(f: &mut Fields<'_>, m: &w::GroupDefined, _: At<'_>) -> Option<Body> {
    let group = f.code("group", &m.group);
    let plan = f.plan("plan", &m.plan);
    if m.number == 0 {
        f.refuse::<()>("number", Reason::Required, "must be 1 or more");
    }
    let name = f.name("name", m.name.as_ref());
    Some(Body::GroupDefined(d::GroupDefined {
        group: group?,
        plan: plan?,
        number: m.number,
        name: name?,
    }))
}

pub(super) fn model_defined(f: &mut Fields<'_>, m: &w::ModelDefined, _: At<'_>) -> Option<Body> {
    let model = f.code("model", &m.model);
    let group = f.group("group", &m.group);
    let name = f.name("name", m.name.as_ref());
    let basis = f.optional_text("basis", &m.basis);
    let source = f.source("source", m.source.as_ref());
    Some(Body::ModelDefined(d::ModelDefined {
        model: model?,
        group: group?,
        name: name?,
        indicative: m.indicative,
        basis: basis?,
        source: source?,
    }))
}

pub(super) fn owner_assigned(f: &mut Fields<'_>, m: &w::OwnerAssigned, at: At<'_>) -> Option<Body> {
    use w::owner_assigned::Scope;
    let scope = match &m.scope {
        None => f.refuse("scope", Reason::Required, "must name a model or a plan"),
        Some(Scope::Model(code)) => f.model("model", code).map(d::Scope::Model),
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
    Some(Body::OwnerAssigned(d::OwnerAssigned {
        scope: scope?,
        locality: locality?,
        role: role?,
        organisations: organisations?,
        accountable_office: accountable_office?,
        source: source?,
        person_commitment: person_commitment?,
    }))
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

pub(super) fn model_status_changed(
    f: &mut Fields<'_>,
    m: &w::ModelStatusChanged,
    at: At<'_>,
) -> Option<Body> {
    let model = f.model("model", &m.model);
    let locality = f.locality("locality", m.locality.as_ref(), at);
    let status = f.term("status", m.status, d::ModelStatus::ALL);
    let note = f.optional_text("note", &m.note);
    Some(Body::ModelStatusChanged(d::ModelStatusChanged {
        model: model?,
        locality: locality?,
        status: status?,
        note: note?,
    }))
}

pub(super) fn indicator_defined(
    f: &mut Fields<'_>,
    m: &w::IndicatorDefined,
    _: At<'_>,
) -> Option<Body> {
    let indicator = f.code("indicator", &m.indicator);
    let name = f.name("name", m.name.as_ref());
    let family = f.word("family", &m.family);
    let kind = f.term("kind", m.kind, d::IndicatorKind::ALL);
    let unit = f.name("unit", m.unit.as_ref());
    let denominator = f.word("denominator", &m.denominator);
    Some(Body::IndicatorDefined(d::IndicatorDefined {
        indicator: indicator?,
        name: name?,
        family: family?,
        kind: kind?,
        unit: unit?,
        denominator: denominator?,
    }))
}

pub(super) fn system_commissioned(
    f: &mut Fields<'_>,
    m: &w::SystemCommissioned,
    at: At<'_>,
) -> Option<Body> {
    let system = f.code("system", &m.system);
    let locality = f.locality("locality", m.locality.as_ref(), at);
    let name = f.name("name", m.name.as_ref());
    let source = f.source("source", m.source.as_ref());
    Some(Body::SystemCommissioned(d::SystemCommissioned {
        system: system?,
        locality: locality?,
        name: name?,
        ready_to_connect: m.ready_to_connect,
        source: source?,
    }))
}

pub(super) fn dataset_loaded(f: &mut Fields<'_>, m: &w::DatasetLoaded, _: At<'_>) -> Option<Body> {
    let dataset = f.code("dataset", &m.dataset);
    let version = f.line("version", &m.version);
    let credit = f.optional_text("credit", &m.credit);
    Some(Body::DatasetLoaded(d::DatasetLoaded {
        dataset: dataset?,
        version: version?,
        events: m.events,
        credit: credit?,
    }))
}
