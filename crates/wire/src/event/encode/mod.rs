//! Events to protobuf. Total: every event has one encoding, the same on every machine.
//!
//! Here is what all events share; the bodies are written in one module for each kind.

mod figure;
mod owner;
mod place;
mod programme;
mod rule;
mod work;

use domain::event::{self as d, Body};
use domain::text::{Bound, iso_text};
use domain::{Event, Finding, Level, LocalityId, TraceParent};
use jiff::civil::Date;
use prost::Message as _;

use crate::v1 as w;

pub use figure::*;
pub use owner::*;
pub use place::*;
pub use programme::*;
pub use rule::*;
pub use work::*;

/// An event as the log keeps it.
#[must_use]
pub fn to_bytes(event: &Event) -> Vec<u8> {
    encode(event).encode_to_vec()
}

/// An event as a message.
#[must_use]
pub fn encode(event: &Event) -> w::Event {
    w::Event {
        request_id: event.request_id.to_string(),
        actor: Some(w::Actor {
            organisation: event.actor.organisation.clone(),
            office: event.actor.office.clone(),
        }),
        effective: event.effective.to_string(),
        confirmed_checks: event
            .confirmed
            .iter()
            .map(|check| check.code().to_owned())
            .collect(),
        traceparent: traceparent(event.traceparent),
        body: Some(body(&event.body)),
        findings: findings(&event.findings),
    }
}

/// The trace that an event comes from, as a field; empty if there is none.
#[must_use]
pub fn traceparent(of: Option<TraceParent>) -> String {
    of.map(|of| of.to_string()).unwrap_or_default()
}

/// What findings add at the end of the bytes of an event that has none.
#[must_use]
pub fn findings_to_bytes(findings: &[Finding]) -> Vec<u8> {
    let message = w::Event {
        findings: self::findings(findings),
        ..w::Event::default()
    };
    message.encode_to_vec()
}

/// Findings as messages.
#[must_use]
pub fn findings(findings: &[Finding]) -> Vec<w::Finding> {
    let message = |finding: &Finding| w::Finding {
        check: number(finding.check as usize),
        severity: number(finding.severity as usize),
        field: finding.field.clone(),
        detail: finding.detail.clone(),
        rule: finding.rule.clone(),
        position: finding.position.unwrap_or(0),
    };
    findings.iter().map(message).collect()
}

/// Stands for the first day of an identity that is not known yet; nothing on record begins on it.
pub(super) const OPEN: Date = Date::MIN;
/// What is written for that day: as long as a date, and in no text that is accepted.
pub(super) const OPEN_TEXT: &str = "\u{1}\u{1}\u{1}\u{1}\u{1}\u{1}\u{1}\u{1}\u{1}\u{1}";

/// A locality's identity as a message.
#[must_use]
pub fn locality_ref(id: LocalityId) -> w::LocalityRef {
    w::LocalityRef {
        code: id.code.to_string(),
        since: if id.since == OPEN {
            OPEN_TEXT.to_owned()
        } else {
            iso_text(id.since)
        },
    }
}

/// A name as a message.
#[must_use]
pub fn name(name: &d::Name) -> w::Name {
    w::Name {
        vi: name.vi.clone(),
        en: name.en.clone(),
    }
}

/// A source as a message.
#[must_use]
pub fn source(source: &d::Source) -> w::Source {
    w::Source {
        title: source.title.clone(),
        url: source.url.clone(),
    }
}

/// A level as its number.
#[must_use]
pub fn level(level: Level) -> i32 {
    match level {
        Level::Province => w::Level::Province as i32,
        Level::District => w::Level::District as i32,
        Level::Commune => w::Level::Commune as i32,
    }
}

/// A role as its number.
#[must_use]
pub fn role(role: d::Role) -> i32 {
    number(role as usize)
}

/// A model's status as its number.
#[must_use]
pub fn model_status(status: d::ModelStatus) -> i32 {
    number(status as usize)
}

/// A quota's layer as its number.
#[must_use]
pub fn quota_layer(layer: d::QuotaLayer) -> i32 {
    number(layer as usize)
}

/// A count as a message.
#[must_use]
pub fn quantity(quantity: &domain::text::Quantity) -> w::Quantity {
    w::Quantity {
        number: Some(w::quantity::Number::Count(quantity.value as i64)),
        bound: bound(quantity.bound),
    }
}

/// A bound as its number.
#[must_use]
pub fn bound(bound: Bound) -> i32 {
    let bound = match bound {
        Bound::Exact => w::Bound::Exact,
        Bound::AtLeast => w::Bound::AtLeast,
        Bound::AtMost => w::Bound::AtMost,
        Bound::About => w::Bound::About,
    };
    bound as i32
}

/// The bound of a percentage as its number; what is exact says nothing, as it did before there were bounds.
#[must_use]
pub fn percent_bound(percent_bound: Bound) -> i32 {
    match percent_bound {
        Bound::Exact => w::Bound::Unspecified as i32,
        vague => bound(vague),
    }
}

/// A denominator as a message.
#[must_use]
pub fn denominator(denominator: &d::Denominator) -> w::Denominator {
    w::Denominator {
        kind: denominator.kind.clone(),
        value: Some(count(denominator.value)),
        derived: denominator.derived,
    }
}

// Zero stands for "unspecified" on the wire; the terms follow in the domain's order from one.
fn number(index: usize) -> i32 {
    index as i32 + 1
}

fn count(value: u64) -> w::Quantity {
    w::Quantity {
        number: Some(w::quantity::Number::Count(value as i64)),
        bound: w::Bound::Exact as i32,
    }
}

fn date(date: Option<Date>) -> String {
    date.map(iso_text).unwrap_or_default()
}

fn document(document: &d::Document) -> w::Document {
    w::Document {
        number: document.number.clone(),
        date: date(document.date),
        issuer: document.issuer.clone(),
        title: document.title.clone(),
    }
}

/// What happened, as a message.
#[must_use]
pub fn body(body: &Body) -> w::event::Body {
    use w::event::Body as W;
    match body {
        Body::LocalityRegistered(e) => W::LocalityRegistered(locality_registered(e)),
        Body::LocalityEnded(e) => W::LocalityEnded(locality_ended(e)),
        Body::PlanAdopted(e) => W::PlanAdopted(plan_adopted(e)),
        Body::GroupDefined(e) => W::GroupDefined(group_defined(e)),
        Body::ModelDefined(e) => W::ModelDefined(model_defined(e)),
        Body::GroupWithdrawn(e) => W::GroupWithdrawn(group_withdrawn(e)),
        Body::ModelWithdrawn(e) => W::ModelWithdrawn(model_withdrawn(e)),
        Body::OrganisationSucceeded(e) => W::OrganisationSucceeded(organisation_succeeded(e)),
        Body::OwnerAssigned(e) => W::OwnerAssigned(owner_assigned(e)),
        Body::PersonErased(e) => W::PersonErased(person_erased(e)),
        Body::ModelStatusChanged(e) => W::ModelStatusChanged(model_status_changed(e)),
        Body::IndicatorDefined(e) => W::IndicatorDefined(indicator_defined(e)),
        Body::IndicatorRelated(e) => W::IndicatorRelated(indicator_related(e)),
        Body::QuotaSuspended(e) => W::QuotaSuspended(quota_suspended(e)),
        Body::QuotaAssigned(e) => W::QuotaAssigned(quota_assigned(e)),
        Body::ProgressReported(e) => W::ProgressReported(progress_reported(e)),
        Body::ProgressCorrected(e) => W::ProgressCorrected(progress_corrected(e)),
        Body::ProgressRetracted(e) => W::ProgressRetracted(progress_retracted(e)),
        Body::FindingResolved(e) => W::FindingResolved(finding_resolved(e)),
        Body::WorkingGroupFormed(e) => W::WorkingGroupFormed(working_group_formed(e)),
        Body::CampaignClosed(e) => W::CampaignClosed(campaign_closed(e)),
        Body::CampaignLaunched(e) => W::CampaignLaunched(campaign_launched(e)),
        Body::CompletionDeclared(e) => W::CompletionDeclared(completion_declared(e)),
        Body::WorkItemDefined(e) => W::WorkItemDefined(work_item_defined(e)),
        Body::WorkItemProgressed(e) => W::WorkItemProgressed(work_item_progressed(e)),
        Body::WorkItemRescheduled(e) => W::WorkItemRescheduled(work_item_rescheduled(e)),
        Body::WorkItemCancelled(e) => W::WorkItemCancelled(work_item_cancelled(e)),
        Body::WorkItemCompleted(e) => W::WorkItemCompleted(work_item_completed(e)),
        Body::ReadinessReviewed(e) => W::ReadinessReviewed(readiness_reviewed(e)),
        Body::DirectiveIssued(e) => W::DirectiveIssued(directive_issued(e)),
        Body::AssessmentPublished(e) => W::AssessmentPublished(assessment_published(e)),
        Body::SystemCommissioned(e) => W::SystemCommissioned(system_commissioned(e)),
        Body::DatasetLoaded(e) => W::DatasetLoaded(dataset_loaded(e)),
        Body::RulesAdopted(e) => W::RulesAdopted(rules_adopted(e)),
        Body::LedgerTakenOver(e) => W::LedgerTakenOver(ledger_taken_over(e)),
    }
}
