//! Figures: quotas, reports, corrections, declared completion, judgements in public.

use domain::event as d;
use domain::text::iso_text;

use super::{
    count, date, denominator, document, locality_ref, name, number, percent_bound, quantity,
    quota_layer, source,
};
use crate::v1 as w;

/// [`d::QuotaAssigned`] as a message.
#[must_use]
pub fn quota_assigned(e: &d::QuotaAssigned) -> w::QuotaAssigned {
    w::QuotaAssigned {
        locality: Some(locality_ref(e.locality)),
        indicator: e.indicator.to_string(),
        layer: quota_layer(e.layer),
        denominator: Some(denominator(&e.denominator)),
        target_percent: e.target.to_string(),
        start: date(e.start),
        deadline: date(e.deadline),
        milestones: e
            .milestones
            .iter()
            .map(|m| w::Milestone {
                date: iso_text(m.date),
                count: Some(count(m.count)),
            })
            .collect(),
        document: Some(document(&e.document)),
    }
}

pub(super) fn progress_reported(e: &d::ProgressReported) -> w::ProgressReported {
    w::ProgressReported {
        locality: Some(locality_ref(e.locality)),
        indicator: e.indicator.to_string(),
        value: e.figure.value.as_ref().map(quantity),
        denominator: e.figure.denominator.as_ref().map(denominator),
        percent: e
            .figure
            .percent
            .map(|percent| percent.to_string())
            .unwrap_or_default(),
        source: Some(source(&e.figure.source)),
        note: e.note.clone(),
        percent_bound: percent_bound(e.figure.percent_bound),
    }
}

pub(super) fn progress_corrected(e: &d::ProgressCorrected) -> w::ProgressCorrected {
    w::ProgressCorrected {
        corrects: e.corrects,
        locality: Some(locality_ref(e.locality)),
        indicator: e.indicator.to_string(),
        value: e.figure.value.as_ref().map(quantity),
        denominator: e.figure.denominator.as_ref().map(denominator),
        percent: e
            .figure
            .percent
            .map(|percent| percent.to_string())
            .unwrap_or_default(),
        source: Some(source(&e.figure.source)),
        reason: e.reason.clone(),
        percent_bound: percent_bound(e.figure.percent_bound),
    }
}

pub(super) fn progress_retracted(e: &d::ProgressRetracted) -> w::ProgressRetracted {
    w::ProgressRetracted {
        retracts: e.retracts,
        locality: Some(locality_ref(e.locality)),
        indicator: e.indicator.to_string(),
        reason: e.reason.clone(),
    }
}

/// [`d::QuotaSuspended`] as a message.
#[must_use]
pub fn quota_suspended(e: &d::QuotaSuspended) -> w::QuotaSuspended {
    w::QuotaSuspended {
        locality: Some(locality_ref(e.locality)),
        indicator: e.indicator.to_string(),
        layer: quota_layer(e.layer),
        reason: e.reason.clone(),
        document: Some(document(&e.document)),
    }
}

/// [`d::FindingResolved`] as a message.
#[must_use]
pub fn finding_resolved(e: &d::FindingResolved) -> w::FindingResolved {
    w::FindingResolved {
        position: e.position,
        locality: Some(locality_ref(e.locality)),
        check: number(e.check as usize),
        resolution: number(e.resolution as usize),
        reason: e.reason.clone(),
    }
}

pub(super) fn completion_declared(e: &d::CompletionDeclared) -> w::CompletionDeclared {
    w::CompletionDeclared {
        locality: Some(locality_ref(e.locality)),
        indicator: e.indicator.to_string(),
        by: e.by.to_string(),
        source: Some(source(&e.source)),
    }
}

/// [`d::AssessmentPublished`] as a message.
#[must_use]
pub fn assessment_published(e: &d::AssessmentPublished) -> w::AssessmentPublished {
    w::AssessmentPublished {
        locality: Some(locality_ref(e.locality)),
        indicator: e
            .indicator
            .as_ref()
            .map(ToString::to_string)
            .unwrap_or_default(),
        assessment: number(e.assessment as usize),
        text: Some(name(&e.text)),
        source: Some(source(&e.source)),
    }
}
