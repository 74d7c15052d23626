//! Events to protobuf. Total: every event has one encoding, the same on every machine.

use domain::event::{self as d, Body};
use domain::text::Bound;
use domain::{Event, Level, LocalityId};
use jiff::civil::Date;
use prost::Message as _;

use crate::v1 as w;

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
        body: Some(body(&event.body)),
    }
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
            id.since.to_string()
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
    let bound = match quantity.bound {
        Bound::Exact => w::Bound::Exact,
        Bound::AtLeast => w::Bound::AtLeast,
        Bound::AtMost => w::Bound::AtMost,
        Bound::About => w::Bound::About,
    };
    w::Quantity {
        number: Some(w::quantity::Number::Count(quantity.value as i64)),
        bound: bound as i32,
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
    date.map(|date| date.to_string()).unwrap_or_default()
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
        Body::OwnerAssigned(e) => W::OwnerAssigned(owner_assigned(e)),
        Body::PersonErased(e) => W::PersonErased(person_erased(e)),
        Body::ModelStatusChanged(e) => W::ModelStatusChanged(model_status_changed(e)),
        Body::IndicatorDefined(e) => W::IndicatorDefined(indicator_defined(e)),
        Body::QuotaAssigned(e) => W::QuotaAssigned(quota_assigned(e)),
        Body::ProgressReported(e) => W::ProgressReported(progress_reported(e)),
        Body::ProgressCorrected(e) => W::ProgressCorrected(progress_corrected(e)),
        Body::CampaignLaunched(e) => W::CampaignLaunched(campaign_launched(e)),
        Body::CompletionDeclared(e) => W::CompletionDeclared(completion_declared(e)),
        Body::WorkItemDefined(e) => W::WorkItemDefined(work_item_defined(e)),
        Body::WorkItemCompleted(e) => W::WorkItemCompleted(work_item_completed(e)),
        Body::ReadinessReviewed(e) => W::ReadinessReviewed(readiness_reviewed(e)),
        Body::DirectiveIssued(e) => W::DirectiveIssued(directive_issued(e)),
        Body::AssessmentPublished(e) => W::AssessmentPublished(assessment_published(e)),
        Body::SystemCommissioned(e) => W::SystemCommissioned(system_commissioned(e)),
        Body::DatasetLoaded(e) => W::DatasetLoaded(dataset_loaded(e)),
    }
}

fn locality_registered(e: &d::LocalityRegistered) -> w::LocalityRegistered {
    w::LocalityRegistered {
        locality: Some(locality_ref(e.locality)),
        level: level(e.locality.code.level()),
        name: Some(name(&e.name)),
        parent: e.parent.map(locality_ref),
        start_known: e.start_known,
        source: Some(source(&e.source)),
    }
}

fn locality_ended(e: &d::LocalityEnded) -> w::LocalityEnded {
    w::LocalityEnded {
        locality: Some(locality_ref(e.locality)),
        successors: e.successors.iter().map(successor).collect(),
        source: Some(source(&e.source)),
    }
}

/// A successor as a message.
#[must_use]
pub fn successor(successor: &d::Successor) -> w::Successor {
    w::Successor {
        locality: Some(locality_ref(successor.locality)),
        extent: number(successor.extent as usize),
    }
}

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

fn group_defined(e: &d::GroupDefined) -> w::GroupDefined {
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

fn owner_assigned(e: &d::OwnerAssigned) -> w::OwnerAssigned {
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

fn person_erased(e: &d::PersonErased) -> w::PersonErased {
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

fn model_status_changed(e: &d::ModelStatusChanged) -> w::ModelStatusChanged {
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
                date: m.date.to_string(),
                count: Some(count(m.count)),
            })
            .collect(),
        document: Some(document(&e.document)),
    }
}

fn progress_reported(e: &d::ProgressReported) -> w::ProgressReported {
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
    }
}

fn progress_corrected(e: &d::ProgressCorrected) -> w::ProgressCorrected {
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
    }
}

/// [`d::CampaignLaunched`] as a message.
#[must_use]
pub fn campaign_launched(e: &d::CampaignLaunched) -> w::CampaignLaunched {
    w::CampaignLaunched {
        campaign: e.campaign.to_string(),
        locality: Some(locality_ref(e.locality)),
        name: Some(name(&e.name)),
        start: date(e.start),
        end: date(e.end),
        days: e.days,
        working_groups: e.working_groups,
        members: e.members.clone(),
        hours: e.hours.clone(),
        source: Some(source(&e.source)),
    }
}

fn completion_declared(e: &d::CompletionDeclared) -> w::CompletionDeclared {
    w::CompletionDeclared {
        locality: Some(locality_ref(e.locality)),
        indicator: e.indicator.to_string(),
        by: e.by.to_string(),
        source: Some(source(&e.source)),
    }
}

/// [`d::WorkItemDefined`] as a message.
#[must_use]
pub fn work_item_defined(e: &d::WorkItemDefined) -> w::WorkItemDefined {
    w::WorkItemDefined {
        work_item: e.work_item.to_string(),
        locality: Some(locality_ref(e.locality)),
        model: e
            .model
            .as_ref()
            .map(ToString::to_string)
            .unwrap_or_default(),
        content: Some(name(&e.content)),
        volume: e.volume.as_ref().map(quantity),
        unit: e.unit.clone(),
        expected_result: e.expected_result.clone(),
        start: date(e.start),
        due: date(e.due),
        organisation: e.organisation.clone(),
        office: e.office.clone(),
        origin: number(e.origin as usize),
    }
}

fn work_item_completed(e: &d::WorkItemCompleted) -> w::WorkItemCompleted {
    w::WorkItemCompleted {
        work_item: e.work_item.to_string(),
        locality: Some(locality_ref(e.locality)),
        evidence: e.evidence.clone(),
    }
}

/// [`d::ReadinessReviewed`] as a message.
#[must_use]
pub fn readiness_reviewed(e: &d::ReadinessReviewed) -> w::ReadinessReviewed {
    use w::readiness_reviewed::Scope;
    w::ReadinessReviewed {
        scope: Some(match &e.scope {
            d::Scope::Model(code) => Scope::Model(code.to_string()),
            d::Scope::Plan(code) => Scope::Plan(code.to_string()),
        }),
        locality: Some(locality_ref(e.locality)),
        organisation: e.organisation.clone(),
        present_state: e.present_state.clone(),
        conditions: e.conditions.clone(),
        readiness: number(e.readiness as usize),
    }
}

/// [`d::DirectiveIssued`] as a message.
#[must_use]
pub fn directive_issued(e: &d::DirectiveIssued) -> w::DirectiveIssued {
    w::DirectiveIssued {
        locality: Some(locality_ref(e.locality)),
        document: Some(document(&e.document)),
        addressees: e.addressees.clone(),
        text: Some(name(&e.text)),
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

fn dataset_loaded(e: &d::DatasetLoaded) -> w::DatasetLoaded {
    w::DatasetLoaded {
        dataset: e.dataset.to_string(),
        version: e.version.clone(),
        events: e.events,
        credit: e.credit.clone(),
    }
}
