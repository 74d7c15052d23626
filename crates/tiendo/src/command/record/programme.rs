//! The programme: plans, groups, models, indicators, readiness reviews.

use wire::v1;
use wire::v1::event::Body;

use super::Said;
use crate::cli::{Group, IndicatorRecording, ModelRecording, Plan, Readiness};

pub(super) fn plan(command: Plan) -> Said {
    let Plan::Adopt(adopt) = command;
    let body = Body::PlanAdopted(v1::PlanAdopted {
        plan: adopt.plan,
        locality: Some(adopt.locality),
        document: Some(adopt.document.into()),
        summary: name(adopt.summary, adopt.summary_en),
    });
    Said::new(adopt.fact, body)
}

pub(super) fn group(command: Group) -> Said {
    match command {
        Group::Define(define) => {
            let body = Body::GroupDefined(v1::GroupDefined {
                group: define.group,
                plan: define.plan,
                number: define.number,
                name: Some(define.name.into()),
            });
            Said::new(define.fact, body)
        }
        Group::Withdraw(withdraw) => {
            let body = Body::GroupWithdrawn(v1::GroupWithdrawn {
                group: withdraw.code,
                reason: withdraw.reason,
                source: Some(withdraw.source.into()),
            });
            Said::new(withdraw.fact, body)
        }
    }
}

pub(super) fn model(command: ModelRecording) -> Said {
    match command {
        ModelRecording::Define(define) => {
            let body = Body::ModelDefined(v1::ModelDefined {
                model: define.model,
                group: define.group,
                name: Some(define.name.into()),
                indicative: define.indicative,
                basis: define.basis,
                source: Some(define.source.into()),
            });
            Said::new(define.fact, body)
        }
        ModelRecording::Withdraw(withdraw) => {
            let body = Body::ModelWithdrawn(v1::ModelWithdrawn {
                model: withdraw.code,
                reason: withdraw.reason,
                source: Some(withdraw.source.into()),
            });
            Said::new(withdraw.fact, body)
        }
        ModelRecording::Status(status) => {
            let body = Body::ModelStatusChanged(v1::ModelStatusChanged {
                model: status.model,
                locality: Some(status.locality),
                status: status.status.into(),
                note: status.note,
            });
            Said::new(status.fact, body)
        }
    }
}

pub(super) fn indicator(command: IndicatorRecording) -> Said {
    match command {
        IndicatorRecording::Define(define) => {
            let body = Body::IndicatorDefined(v1::IndicatorDefined {
                indicator: define.indicator,
                name: Some(define.name.into()),
                family: define.family,
                kind: define.kind.into(),
                unit: name(define.unit, define.unit_en),
                denominator: define.denominator,
            });
            Said::new(define.fact, body)
        }
        IndicatorRecording::Relate(relate) => {
            let body = Body::IndicatorRelated(v1::IndicatorRelated {
                indicator: relate.indicator,
                relation: relate.relation.into(),
                other: relate.other.unwrap_or_default(),
            });
            Said::new(relate.fact, body)
        }
    }
}

pub(super) fn readiness(command: Readiness) -> Said {
    use v1::readiness_reviewed::Scope;
    let Readiness::Review(review) = command;
    let (model, plan) = (review.scope.model, review.scope.plan);
    let body = Body::ReadinessReviewed(v1::ReadinessReviewed {
        scope: model.map(Scope::Model).or(plan.map(Scope::Plan)),
        locality: Some(review.locality),
        organisation: review.reviewed_by,
        present_state: review.present_state,
        conditions: review.conditions,
        readiness: review.outcome.into(),
    });
    Said::new(review.fact, body)
}

fn name(vi: String, en: String) -> Option<v1::Name> {
    Some(v1::Name { vi, en })
}
