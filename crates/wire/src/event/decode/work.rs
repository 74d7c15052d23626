//! Work: campaigns, work items, readiness reviews, directives.

use domain::event::{self as d, Body};
use domain::text::Moment;
use domain::{CampaignCode, LocalityId, Reason, WorkItemCode};

use super::{At, END_OF_TIME, Reference};
use crate::event::fields::Fields;
use crate::v1 as w;

/// Most work items that one waits for.
const DEPENDENCIES_MAX: usize = 64;

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

pub(super) fn working_group_formed(
    f: &mut Fields<'_>,
    m: &w::WorkingGroupFormed,
    at: At<'_>,
) -> Option<Body> {
    let group = f.code("group", &m.group);
    let locality = f.locality("locality", m.locality.as_ref(), at);
    let campaign = campaign(f, &m.campaign, locality, at);
    let name = f.name("name", m.name.as_ref());
    if m.members.is_empty() {
        f.refuse::<()>("members", Reason::Required, "must name at least one");
    }
    let members = f.lines("members", &m.members);
    let area = f.optional_line("area", &m.area);
    let source = f.source("source", m.source.as_ref());
    Some(Body::WorkingGroupFormed(d::WorkingGroupFormed {
        campaign: campaign?,
        group: group?,
        locality: locality?,
        name: name?,
        members: members?,
        area: area?,
        source: source?,
    }))
}

pub(super) fn campaign_closed(
    f: &mut Fields<'_>,
    m: &w::CampaignClosed,
    at: At<'_>,
) -> Option<Body> {
    let locality = f.locality("locality", m.locality.as_ref(), at);
    let campaign = campaign(f, &m.campaign, locality, at);
    let outcome = f.text("outcome", &m.outcome);
    let source = f.source("source", m.source.as_ref());
    Some(Body::CampaignClosed(d::CampaignClosed {
        campaign: campaign?,
        locality: locality?,
        outcome: outcome?,
        source: source?,
    }))
}

/// A campaign that goes on.
fn campaign(
    f: &mut Fields<'_>,
    raw: &str,
    locality: Option<LocalityId>,
    at: At<'_>,
) -> Option<CampaignCode> {
    let code = f.code("campaign", raw)?;
    if let (Some(locality), Some(at)) = (locality, at) {
        let campaign = Reference::Campaign {
            locality,
            code: &code,
            at,
        };
        f.refer("campaign", &campaign);
    }
    Some(code)
}

pub(super) fn work_item_defined(
    f: &mut Fields<'_>,
    m: &w::WorkItemDefined,
    at: At<'_>,
) -> Option<Body> {
    let work_item = f.code("work_item", &m.work_item);
    let locality = f.locality("locality", m.locality.as_ref(), at);
    let model = f.optional("model", &m.model, |f, field, raw| f.model(field, raw, at));
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
    let depends_on = depends_on(f, &m.depends_on, work_item.as_ref(), locality);
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
        depends_on: depends_on?,
    }))
}

/// The work items that one waits for.
fn depends_on(
    f: &mut Fields<'_>,
    raw: &[String],
    work_item: Option<&WorkItemCode>,
    locality: Option<LocalityId>,
) -> Option<Vec<WorkItemCode>> {
    if raw.len() > DEPENDENCIES_MAX {
        let detail = format!("{} entries, at most {DEPENDENCIES_MAX} are kept", raw.len());
        return f.refuse("depends_on", Reason::TextFormat, detail);
    }
    let mut read = |(i, raw): (usize, &String)| {
        let field = format!("depends_on[{i}]");
        let on = f.code(&field, raw)?;
        if let (Some(work_item), Some(locality)) = (work_item, locality) {
            let dependency = Reference::Dependency {
                locality,
                work_item,
                on: &on,
            };
            f.refer(&field, &dependency);
        }
        Some(on)
    };
    let codes: Vec<Option<WorkItemCode>> = raw.iter().enumerate().map(&mut read).collect();
    codes.into_iter().collect()
}

/// A work item that is open at a moment.
fn open(
    f: &mut Fields<'_>,
    raw: &str,
    locality: Option<LocalityId>,
    at: Option<&Moment>,
) -> Option<WorkItemCode> {
    let code = f.code("work_item", raw)?;
    if let (Some(locality), Some(at)) = (locality, at) {
        let item = Reference::OpenWorkItem {
            locality,
            code: &code,
            at,
        };
        f.refer("work_item", &item);
    }
    Some(code)
}

pub(super) fn work_item_progressed(
    f: &mut Fields<'_>,
    m: &w::WorkItemProgressed,
    at: At<'_>,
) -> Option<Body> {
    let locality = f.locality("locality", m.locality.as_ref(), at);
    let work_item = open(f, &m.work_item, locality, at);
    let done = f.quantity("done", m.done.as_ref());
    let percent = f.percent("percent", &m.percent);
    if m.done.is_none() && m.percent.trim().is_empty() {
        let detail = "must be set, or a percentage given";
        f.refuse::<()>("done", Reason::Required, detail);
    }
    let note = f.optional_text("note", &m.note);
    Some(Body::WorkItemProgressed(d::WorkItemProgressed {
        work_item: work_item?,
        locality: locality?,
        done: done?,
        percent: percent?,
        note: note?,
    }))
}

pub(super) fn work_item_rescheduled(
    f: &mut Fields<'_>,
    m: &w::WorkItemRescheduled,
    at: At<'_>,
) -> Option<Body> {
    let locality = f.locality("locality", m.locality.as_ref(), at);
    let work_item = open(f, &m.work_item, locality, at);
    let start = f.optional_date("start", &m.start);
    let due = f.date("due", &m.due);
    f.in_order("due", start.flatten(), due);
    let reason = f.text("reason", &m.reason);
    let document = f.optional_document("document", m.document.as_ref());
    Some(Body::WorkItemRescheduled(d::WorkItemRescheduled {
        work_item: work_item?,
        locality: locality?,
        start: start?,
        due: due?,
        reason: reason?,
        document: document?,
    }))
}

pub(super) fn work_item_cancelled(
    f: &mut Fields<'_>,
    m: &w::WorkItemCancelled,
    at: At<'_>,
) -> Option<Body> {
    let locality = f.locality("locality", m.locality.as_ref(), at);
    // It ends once, whichever moment the other end speaks of.
    let work_item = open(f, &m.work_item, locality, Some(&END_OF_TIME));
    let reason = f.text("reason", &m.reason);
    let document = f.optional_document("document", m.document.as_ref());
    Some(Body::WorkItemCancelled(d::WorkItemCancelled {
        work_item: work_item?,
        locality: locality?,
        reason: reason?,
        document: document?,
    }))
}

pub(super) fn work_item_completed(
    f: &mut Fields<'_>,
    m: &w::WorkItemCompleted,
    at: At<'_>,
) -> Option<Body> {
    let locality = f.locality("locality", m.locality.as_ref(), at);
    let work_item = open(f, &m.work_item, locality, Some(&END_OF_TIME));
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
        Some(Scope::Model(code)) => f.model("model", code, at).map(d::Scope::Model),
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
