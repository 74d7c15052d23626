//! Work: campaigns, work items, readiness reviews, directives.

use domain::Reason;
use domain::event::{self as d, Body};

use super::{At, Reference};
use crate::event::fields::Fields;
use crate::v1 as w;

pub(super) fn campaign_launched(
    f: &mut Fields<'_>,
    m: &w::CampaignLaunched,
    at: At<'_>,
) -> Option<Body> {
    let campaign = f.code("campaign", &m.campaign);
    let locality = f.locality("locality", m.locality.as_ref(), at);
    let name = f.name("name", m.name.as_ref());
    let start = f.optional_date("start", &m.start);
    let end = f.optional_date("end", &m.end);
    f.in_order("end", start.flatten(), end.flatten());
    let members = f.lines("members", &m.members);
    let hours = f.optional_line("hours", &m.hours);
    let source = f.source("source", m.source.as_ref());
    Some(Body::CampaignLaunched(d::CampaignLaunched {
        campaign: campaign?,
        locality: locality?,
        name: name?,
        start: start?,
        end: end?,
        days: m.days,
        working_groups: m.working_groups,
        members: members?,
        hours: hours?,
        source: source?,
    }))
}

pub(super) fn work_item_defined(
    f: &mut Fields<'_>,
    m: &w::WorkItemDefined,
    at: At<'_>,
) -> Option<Body> {
    let work_item = f.code("work_item", &m.work_item);
    let locality = f.locality("locality", m.locality.as_ref(), at);
    let model = f.optional("model", &m.model, Fields::model);
    let content = f.name("content", m.content.as_ref());
    let volume = f.quantity("volume", m.volume.as_ref());
    let unit = f.optional_line("unit", &m.unit);
    let expected_result = f.optional_text("expected_result", &m.expected_result);
    let start = f.optional_date("start", &m.start);
    let due = f.optional_date("due", &m.due);
    f.in_order("due", start.flatten(), due.flatten());
    let organisation = f.line("organisation", &m.organisation);
    let office = f.line("office", &m.office);
    let origin = f.term("origin", m.origin, d::WorkOrigin::ALL);
    Some(Body::WorkItemDefined(d::WorkItemDefined {
        work_item: work_item?,
        locality: locality?,
        model: model?,
        content: content?,
        volume: volume?,
        unit: unit?,
        expected_result: expected_result?,
        start: start?,
        due: due?,
        organisation: organisation?,
        office: office?,
        origin: origin?,
    }))
}

pub(super) fn work_item_completed(
    f: &mut Fields<'_>,
    m: &w::WorkItemCompleted,
    at: At<'_>,
) -> Option<Body> {
    let work_item = f.code("work_item", &m.work_item);
    let locality = f.locality("locality", m.locality.as_ref(), at);
    if let (Some(work_item), Some(locality)) = (&work_item, locality) {
        f.refer("work_item", &Reference::WorkItem(locality, work_item));
    }
    let evidence = f.text("evidence", &m.evidence);
    Some(Body::WorkItemCompleted(d::WorkItemCompleted {
        work_item: work_item?,
        locality: locality?,
        evidence: evidence?,
    }))
}

pub(super) fn readiness_reviewed(
    f: &mut Fields<'_>,
    m: &w::ReadinessReviewed,
    at: At<'_>,
) -> Option<Body> {
    use w::readiness_reviewed::Scope;
    let scope = match &m.scope {
        None => f.refuse("scope", Reason::Required, "must name a model or a plan"),
        Some(Scope::Model(code)) => f.model("model", code).map(d::Scope::Model),
        Some(Scope::Plan(code)) => f.plan("plan", code).map(d::Scope::Plan),
    };
    let locality = f.locality("locality", m.locality.as_ref(), at);
    let organisation = f.line("organisation", &m.organisation);
    let present_state = f.text("present_state", &m.present_state);
    let conditions = f.optional_text("conditions", &m.conditions);
    let readiness = f.term("readiness", m.readiness, d::Readiness::ALL);
    Some(Body::ReadinessReviewed(d::ReadinessReviewed {
        scope: scope?,
        locality: locality?,
        organisation: organisation?,
        present_state: present_state?,
        conditions: conditions?,
        readiness: readiness?,
    }))
}

pub(super) fn directive_issued(
    f: &mut Fields<'_>,
    m: &w::DirectiveIssued,
    at: At<'_>,
) -> Option<Body> {
    let locality = f.locality("locality", m.locality.as_ref(), at);
    let document = f.document("document", m.document.as_ref());
    let addressees = f.lines("addressees", &m.addressees);
    let text = f.name("text", m.text.as_ref());
    let source = f.source("source", m.source.as_ref());
    Some(Body::DirectiveIssued(d::DirectiveIssued {
        locality: locality?,
        document: document?,
        addressees: addressees?,
        text: text?,
        source: source?,
    }))
}
