//! The programme: plans, groups, models, indicators, systems, data sets.

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

pub(super) fn group_withdrawn(e: &d::GroupWithdrawn) -> w::GroupWithdrawn {
    w::GroupWithdrawn {
        group: e.group.to_string(),
        reason: e.reason.clone(),
        source: Some(source(&e.source)),
    }
}

pub(super) fn model_withdrawn(e: &d::ModelWithdrawn) -> w::ModelWithdrawn {
    w::ModelWithdrawn {
        model: e.model.to_string(),
        reason: e.reason.clone(),
        source: Some(source(&e.source)),
    }
}

pub(super) fn indicator_related(e: &d::IndicatorRelated) -> w::IndicatorRelated {
    w::IndicatorRelated {
        indicator: e.indicator.to_string(),
        relation: number(e.relation as usize),
        other: e
            .other
            .as_ref()
            .map(ToString::to_string)
            .unwrap_or_default(),
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

pub(super) fn ledger_taken_over(e: &d::LedgerTakenOver) -> w::LedgerTakenOver {
    w::LedgerTakenOver {
        writer: e.writer.clone(),
        after_position: e.after_position,
        reason: e.reason.clone(),
    }
}
