//! The programme: plans, groups, models, indicators, systems, data sets.

use domain::event::{self as d, Body};
use domain::{IndicatorCode, Reason};

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

pub(super) fn group_defined(f: &mut Fields<'_>, m: &w::GroupDefined, at: At<'_>) -> Option<Body> {
    let group = f.code("group", &m.group);
    let plan = f.plan("plan", &m.plan);
    let number = m.number;
    if number == 0 {
        f.refuse::<()>("number", Reason::Required, "must be 1 or more");
    } else if let (Some(group), Some(plan), Some(at)) = (&group, &plan, at) {
        f.refer(
            "number",
            &Reference::GroupNumber {
                plan,
                group,
                number,
                at,
            },
        );
    }
    let name = f.name("name", m.name.as_ref());
    Some(Body::GroupDefined(d::GroupDefined {
        group: group?,
        plan: plan?,
        number,
        name: name?,
    }))
}

pub(super) fn group_withdrawn(
    f: &mut Fields<'_>,
    m: &w::GroupWithdrawn,
    at: At<'_>,
) -> Option<Body> {
    let group = f.group("group", &m.group, at);
    if let (Some(code), Some(at)) = (&group, at) {
        f.refer("group", &Reference::EmptyGroup { code, at });
    }
    let reason = f.text("reason", &m.reason);
    let source = f.source("source", m.source.as_ref());
    Some(Body::GroupWithdrawn(d::GroupWithdrawn {
        group: group?,
        reason: reason?,
        source: source?,
    }))
}

pub(super) fn model_withdrawn(
    f: &mut Fields<'_>,
    m: &w::ModelWithdrawn,
    at: At<'_>,
) -> Option<Body> {
    let model = f.model("model", &m.model, at);
    let reason = f.text("reason", &m.reason);
    let source = f.source("source", m.source.as_ref());
    Some(Body::ModelWithdrawn(d::ModelWithdrawn {
        model: model?,
        reason: reason?,
        source: source?,
    }))
}

pub(super) fn model_defined(f: &mut Fields<'_>, m: &w::ModelDefined, at: At<'_>) -> Option<Body> {
    let model = f.code("model", &m.model);
    let group = f.group("group", &m.group, at);
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

pub(super) fn model_status_changed(
    f: &mut Fields<'_>,
    m: &w::ModelStatusChanged,
    at: At<'_>,
) -> Option<Body> {
    let model = f.model("model", &m.model, at);
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

pub(super) fn indicator_related(
    f: &mut Fields<'_>,
    m: &w::IndicatorRelated,
    _: At<'_>,
) -> Option<Body> {
    let indicator = f.indicator("indicator", &m.indicator);
    let relation = f.term("relation", m.relation, d::Relation::ALL);
    let other: Option<Option<IndicatorCode>> = match relation {
        Some(d::Relation::Sum) if m.other.is_empty() => Some(None),
        Some(d::Relation::Sum) => {
            let detail = "must be empty; a sum relates the places of one indicator";
            f.refuse("other", Reason::CodeFormat, detail)
        }
        _ => f.indicator("other", &m.other).map(Some),
    };
    if let (Some(indicator), Some(relation), Some(Some(other))) = (&indicator, relation, &other) {
        f.refer(
            "other",
            &Reference::Relation {
                indicator,
                relation,
                other,
            },
        );
    }
    Some(Body::IndicatorRelated(d::IndicatorRelated {
        indicator: indicator?,
        relation: relation?,
        other: other?,
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

pub(super) fn ledger_taken_over(
    f: &mut Fields<'_>,
    m: &w::LedgerTakenOver,
    _: At<'_>,
) -> Option<Body> {
    if !f.resolver.trusted() {
        let detail =
            "is written by the service that takes over; ask a standby to (`TakeOverLedger`)";
        f.refuse::<()>("writer", Reason::RecordedByService, detail);
    }
    let writer = f.line("writer", &m.writer);
    let reason = f.text("reason", &m.reason);
    Some(Body::LedgerTakenOver(d::LedgerTakenOver {
        writer: writer?,
        after_position: m.after_position,
        reason: reason?,
    }))
}
