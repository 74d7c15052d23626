//! The programme: plans, groups, models, owners, indicators, systems, data sets.

use domain::event as d;

use super::{document, locality_ref, name, number, source};
use crate::v1 as w;

/// [`d::PlanAdopted`] as a message.
#[must_use]
pub fn plan_adopted(e: &d::PlanAdopted) -> w::PlanAdopted {
    w::PlanAdopted {
        plan: e.plan.to_string(),
        locality: Some(locality_ref(e.locality)),
        document: Some(document(&e.document)),
        summary: Some(name(&e.summary)),
    }
}

pub(super) fn group_defined(e: &d::GroupDefined) -> w::GroupDefined {
    w::GroupDefined {
        group: e.group.to_string(),
        plan: e.plan.to_string(),
        number: e.number,
        name: Some(name(&e.name)),
    }
}

/// [`d::ModelDefined`] as a message.
#[must_use]
pub fn model_defined(e: &d::ModelDefined) -> w::ModelDefined {
    w::ModelDefined {
        model: e.model.to_string(),
        group: e.group.to_string(),
        name: Some(name(&e.name)),
        indicative: e.indicative,
        basis: e.basis.clone(),
        source: Some(source(&e.source)),
    }
}

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
    }
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

pub(super) fn model_status_changed(e: &d::ModelStatusChanged) -> w::ModelStatusChanged {
    w::ModelStatusChanged {
        model: e.model.to_string(),
        locality: Some(locality_ref(e.locality)),
        status: number(e.status as usize),
        note: e.note.clone(),
    }
}

/// [`d::IndicatorDefined`] as a message.
#[must_use]
pub fn indicator_defined(e: &d::IndicatorDefined) -> w::IndicatorDefined {
    w::IndicatorDefined {
        indicator: e.indicator.to_string(),
        name: Some(name(&e.name)),
        family: e.family.clone(),
        kind: number(e.kind as usize),
        unit: Some(name(&e.unit)),
        denominator: e.denominator.clone(),
    }
}

/// [`d::SystemCommissioned`] as a message.
#[must_use]
pub fn system_commissioned(e: &d::SystemCommissioned) -> w::SystemCommissioned {
    w::SystemCommissioned {
        system: e.system.to_string(),
        locality: Some(locality_ref(e.locality)),
        name: Some(name(&e.name)),
        ready_to_connect: e.ready_to_connect,
        source: Some(source(&e.source)),
    }
}

pub(super) fn dataset_loaded(e: &d::DatasetLoaded) -> w::DatasetLoaded {
    w::DatasetLoaded {
        dataset: e.dataset.to_string(),
        version: e.version.clone(),
        events: e.events,
        credit: e.credit.clone(),
    }
}
