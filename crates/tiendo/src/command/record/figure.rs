//! Figures: reports, corrections, retractions, quotas, declared completion, answers to findings.

use wire::v1;
use wire::v1::event::Body;

use super::look::Found;
use super::{Said, denominator};
use crate::cli::{Completion, Correct, FindingResolve, Quota, Report, Retract};

pub(super) fn reported(report: Report) -> Said {
    let figure = report.figure;
    let kind = figure.denominator_kind;
    let body = Body::ProgressReported(v1::ProgressReported {
        locality: Some(figure.locality),
        indicator: report.indicator,
        value: figure.value,
        denominator: figure.denominator.map(|value| denominator(kind, value)),
        percent: figure.percent,
        source: Some(figure.source.into()),
        note: report.note,
        ..Default::default()
    });
    Said::new(figure.fact, body).insisting(figure.confirm)
}

pub(super) fn corrected(correct: Correct) -> Said {
    let figure = correct.figure;
    let kind = figure.denominator_kind;
    let body = Body::ProgressCorrected(v1::ProgressCorrected {
        corrects: correct.position,
        locality: Some(figure.locality),
        indicator: correct.indicator,
        value: figure.value,
        denominator: figure.denominator.map(|value| denominator(kind, value)),
        percent: figure.percent,
        source: Some(figure.source.into()),
        reason: correct.reason,
        ..Default::default()
    });
    Said::new(figure.fact, body).insisting(figure.confirm)
}

/// Takes back what stands at a position; the service refuses it if that is no figure.
pub(super) fn retracted(retract: Retract, figure: Found) -> Said {
    let body = Body::ProgressRetracted(v1::ProgressRetracted {
        retracts: retract.position,
        locality: figure.locality,
        indicator: figure.indicator,
        reason: retract.reason,
    });
    Said::at(figure.effective, retract.request, body)
}

/// Answers for an event as of its own moment: there the locality is sure to exist.
pub(super) fn resolved(resolve: FindingResolve, event: Found) -> Said {
    let body = Body::FindingResolved(v1::FindingResolved {
        position: resolve.position,
        locality: event.locality,
        check: resolve.check as i32,
        resolution: resolve.resolution.into(),
        reason: resolve.reason,
    });
    Said::at(event.effective, resolve.request, body)
}

pub(super) fn quota(command: Quota) -> Said {
    match command {
        Quota::Assign(assign) => {
            let quota = assign.quota;
            let body = Body::QuotaAssigned(v1::QuotaAssigned {
                locality: Some(quota.locality),
                indicator: quota.indicator,
                layer: quota.layer.into(),
                denominator: Some(denominator(assign.denominator_kind, assign.denominator)),
                target_percent: assign.target,
                start: assign.start,
                deadline: assign.deadline,
                milestones: assign.milestones,
                document: Some(quota.document.into()),
            });
            Said::new(quota.fact, body)
        }
        Quota::Suspend(suspend) => {
            let quota = suspend.quota;
            let body = Body::QuotaSuspended(v1::QuotaSuspended {
                locality: Some(quota.locality),
                indicator: quota.indicator,
                layer: quota.layer.into(),
                reason: suspend.reason,
                document: Some(quota.document.into()),
            });
            Said::new(quota.fact, body)
        }
    }
}

pub(super) fn completion(command: Completion) -> Said {
    let Completion::Declare(declare) = command;
    let body = Body::CompletionDeclared(v1::CompletionDeclared {
        locality: Some(declare.locality),
        indicator: declare.indicator,
        by: declare.by,
        source: Some(declare.source.into()),
    });
    Said::new(declare.fact, body)
}
