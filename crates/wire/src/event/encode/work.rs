//! Work: campaigns, work items, readiness reviews, directives.

use domain::event as d;

use super::{date, document, locality_ref, name, number, quantity, source};
use crate::v1 as w;

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

/// [`d::WorkingGroupFormed`] as a message.
#[must_use]
pub fn working_group_formed(e: &d::WorkingGroupFormed) -> w::WorkingGroupFormed {
    w::WorkingGroupFormed {
        campaign: e.campaign.to_string(),
        group: e.group.to_string(),
        locality: Some(locality_ref(e.locality)),
        name: Some(name(&e.name)),
        members: e.members.clone(),
        area: e.area.clone(),
        source: Some(source(&e.source)),
    }
}

pub(super) fn campaign_closed(e: &d::CampaignClosed) -> w::CampaignClosed {
    w::CampaignClosed {
        campaign: e.campaign.to_string(),
        locality: Some(locality_ref(e.locality)),
        outcome: e.outcome.clone(),
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
        depends_on: e.depends_on.iter().map(ToString::to_string).collect(),
    }
}

/// [`d::WorkItemProgressed`] as a message.
#[must_use]
pub fn work_item_progressed(e: &d::WorkItemProgressed) -> w::WorkItemProgressed {
    w::WorkItemProgressed {
        work_item: e.work_item.to_string(),
        locality: Some(locality_ref(e.locality)),
        done: e.done.as_ref().map(quantity),
        percent: e
            .percent
            .map(|percent| percent.to_string())
            .unwrap_or_default(),
        note: e.note.clone(),
    }
}

/// [`d::WorkItemRescheduled`] as a message.
#[must_use]
pub fn work_item_rescheduled(e: &d::WorkItemRescheduled) -> w::WorkItemRescheduled {
    w::WorkItemRescheduled {
        work_item: e.work_item.to_string(),
        locality: Some(locality_ref(e.locality)),
        start: date(e.start),
        due: e.due.to_string(),
        reason: e.reason.clone(),
        document: e.document.as_ref().map(document),
    }
}

pub(super) fn work_item_cancelled(e: &d::WorkItemCancelled) -> w::WorkItemCancelled {
    w::WorkItemCancelled {
        work_item: e.work_item.to_string(),
        locality: Some(locality_ref(e.locality)),
        reason: e.reason.clone(),
        document: e.document.as_ref().map(document),
    }
}

pub(super) fn work_item_completed(e: &d::WorkItemCompleted) -> w::WorkItemCompleted {
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
