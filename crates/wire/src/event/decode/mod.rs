//! Protobuf to events: every violation at once, each under its path.
//!
//! Here is what all events share; the bodies are read in one module for each kind.

mod figure;
mod log;
mod owner;
mod place;
mod programme;
mod rule;
mod work;

pub use log::LogDecoder;

use domain::event::{self as d, Body};
use domain::finding::CONFIRMED_MAX;
use domain::text::Moment;
use domain::{
    CampaignCode, Check, Event, Finding, GroupCode, IndicatorCode, LocalityCode, LocalityId,
    ModelCode, PlanCode, Reason, Severity, TraceParent, Violation, WorkItemCode,
};
use jiff::civil::Date;
use prost::Message as _;
use uuid::Uuid;

use super::fields::{Fields, clean};
use super::view::{self, View as _};
use crate::v1 as w;

/// Something on record that an event refers to.
#[derive(Debug, Clone, Copy)]
pub enum Reference<'a> {
    /// An indicator.
    Indicator(&'a IndicatorCode),
    /// A model that is not withdrawn at the moment; without a moment, one that was ever defined.
    Model {
        /// Its code.
        code: &'a ModelCode,
        /// When it must not be withdrawn.
        at: Option<&'a Moment>,
    },
    /// A group of models that is not withdrawn at the moment; without a moment, one that was ever defined.
    Group {
        /// Its code.
        code: &'a GroupCode,
        /// When it must not be withdrawn.
        at: Option<&'a Moment>,
    },
    /// A group that no model is in any more, from a moment on.
    EmptyGroup {
        /// Its code.
        code: &'a GroupCode,
        /// From when.
        at: &'a Moment,
    },
    /// A number that no other group of the plan has.
    GroupNumber {
        /// The plan.
        plan: &'a PlanCode,
        /// The group that is to have it.
        group: &'a GroupCode,
        /// The number.
        number: u32,
        /// From when.
        at: &'a Moment,
    },
    /// A plan.
    Plan(&'a PlanCode),
    /// Somebody who holds a role at a moment, under the name assigned or that of a successor.
    Holder {
        /// For what.
        scope: &'a d::Scope,
        /// Where, or above it.
        locality: LocalityId,
        /// Which role.
        role: d::Role,
        /// Who.
        organisation: &'a str,
        /// When.
        at: &'a Moment,
    },
    /// Successors none of whom is succeeded, however far on, by the organisation itself.
    Succession {
        /// Where.
        locality: LocalityId,
        /// The organisation.
        organisation: &'a str,
        /// Who takes over from it.
        successors: &'a [String],
    },
    /// A work item of a locality that is neither completed nor cancelled at a moment.
    OpenWorkItem {
        /// The locality.
        locality: LocalityId,
        /// Its code.
        code: &'a WorkItemCode,
        /// When.
        at: &'a Moment,
    },
    /// A work item of the same locality that does not wait, however far on, for the one that is to wait for it.
    Dependency {
        /// The locality.
        locality: LocalityId,
        /// The one that waits.
        work_item: &'a WorkItemCode,
        /// What it waits for.
        on: &'a WorkItemCode,
    },
    /// A quota that is in force at a moment.
    Quota {
        /// The locality.
        locality: LocalityId,
        /// The indicator.
        indicator: &'a IndicatorCode,
        /// Whose.
        layer: d::QuotaLayer,
        /// When.
        at: &'a Moment,
    },
    /// A campaign launched in the locality or above it, and not closed there at a moment.
    Campaign {
        /// The locality.
        locality: LocalityId,
        /// Its code.
        code: &'a CampaignCode,
        /// When.
        at: &'a Moment,
    },
    /// An indicator that is not related in the same way, however far on, to the one that is to be related to it.
    Relation {
        /// The one.
        indicator: &'a IndicatorCode,
        /// How.
        relation: d::Relation,
        /// The other.
        other: &'a IndicatorCode,
    },
    /// An identity named outright, whenever it exists.
    Identity(LocalityId),
    /// An identity without figures before its first day, or from the first day on which it no longer exists.
    Life {
        /// The identity.
        id: LocalityId,
        /// Its first day, if that is to be known.
        start: Option<Date>,
        /// The first day on which it no longer exists, if it is to end.
        end: Option<Date>,
    },
    /// An appointment that names a person.
    Appointment {
        /// Its position.
        position: u64,
        /// The locality it must be for.
        locality: LocalityId,
        /// What it must be for.
        scope: &'a d::Scope,
    },
    /// A figure that a correction or a retraction names.
    Figure {
        /// Its position.
        position: u64,
        /// The locality it must be of.
        locality: LocalityId,
        /// The indicator it must be of.
        indicator: &'a IndicatorCode,
        /// The moment it must speak of.
        at: &'a Moment,
    },
    /// An open finding.
    Finding {
        /// Position of its event.
        position: u64,
        /// The locality it must be of.
        locality: LocalityId,
        /// Which check found it.
        check: Check,
        /// Who resolves it: for a blocking one, another office than the one that reported.
        actor: &'a d::Actor,
    },
    /// Rules under a version that no other rules have.
    RulesVersion(&'a d::RulesAdopted),
    /// Rules whose thresholds can be reckoned with.
    Thresholds(&'a d::RulesAdopted),
}

/// What is on record, as far as reading an event needs it.
pub trait Resolver {
    /// The identity valid at the moment; `since` names one if the caller gave it.
    ///
    /// # Errors
    /// [`Reason::UnknownLocality`] or [`Reason::LocalityNotValid`], each with what to do.
    fn locality(
        &self,
        code: LocalityCode,
        since: Option<Date>,
        at: &Moment,
    ) -> Result<LocalityId, (Reason, String)>;

    /// Whether something that an event refers to is on record.
    ///
    /// # Errors
    /// The reason for which it cannot be referred to, with what to do.
    fn refer(&self, reference: &Reference<'_>) -> Result<(), (Reason, String)> {
        let _ = reference;
        Ok(())
    }

    /// Whether what happened may speak of a moment.
    ///
    /// # Errors
    /// [`Reason::DateInFuture`] with the moment.
    fn effective(
        &self,
        at: &Moment,
        body: Option<&w::event::Body>,
    ) -> Result<(), (Reason, String)> {
        let _ = (at, body);
        Ok(())
    }

    /// True if what is read was accepted before, so that its texts are taken as they are.
    ///
    /// A rule sharpened later must not make an old event unreadable.
    fn trusted(&self) -> bool {
        false
    }

    /// True if this very text was found clean before: NFC, trimmed, short, without personal data.
    fn is_clean(&self, text: &str) -> bool {
        let _ = text;
        false
    }

    /// Takes note of a clean text, for [`is_clean`](Resolver::is_clean).
    fn note_clean(&self, text: &str) {
        let _ = text;
    }
}

/// Takes every identity as it is written: for events that the log already accepted.
#[derive(Debug, Clone, Copy)]
pub struct Accept;

impl Resolver for Accept {
    fn locality(
        &self,
        code: LocalityCode,
        since: Option<Date>,
        _: &Moment,
    ) -> Result<LocalityId, (Reason, String)> {
        let since = since.ok_or((Reason::Required, "must be set in the log".to_owned()))?;
        Ok(LocalityId { code, since })
    }

    fn trusted(&self) -> bool {
        true
    }
}

/// Reads an event of the log as a message, without checking its fields.
///
/// # Errors
/// What prost says: the bytes are no message of this version.
pub fn message(bytes: &[u8]) -> Result<w::Event, prost::DecodeError> {
    w::Event::decode(bytes)
}

/// Reads an event of the log.
///
/// # Errors
/// A sentence saying what does not fit: the bytes are no event of this version.
pub fn decode_logged(bytes: &[u8]) -> Result<Event, String> {
    match figure_logged(bytes) {
        Some(event) => Ok(event),
        None => accept(&message(bytes).map_err(|error| error.to_string())?),
    }
}

/// Reads a report or a correction without a message in between; none if it is anything else, or not as we write it.
fn figure_logged(bytes: &[u8]) -> Option<Event> {
    let message = view::Event::read(bytes)?;
    let mut violations = Vec::new();
    let mut fields = Fields::of("", &mut violations, &Accept);
    let effective = fields.moment("effective", message.effective)?;
    let at = Some(&effective);
    let body = match (message.reported, message.corrected) {
        (Some(m), None) => figure::progress_reported(&mut fields, m, at)?,
        (None, Some(m)) => figure::progress_corrected(&mut fields, m, at)?,
        _ => return None,
    };
    let event = Event {
        request_id: request(&mut fields, message.request_id, Uuid::nil())?,
        actor: actor(&mut fields, message.actor)?,
        effective,
        body,
        confirmed: Vec::new(),
        findings: Vec::new(),
        traceparent: TraceParent::parse(message.traceparent),
    };
    violations.is_empty().then_some(event)
}

/// Reads an event that the log accepted, taking its texts and identities as they are.
///
/// # Errors
/// A sentence with everything that does not fit: the message is no event of this version.
pub fn accept(message: &w::Event) -> Result<Event, String> {
    decode(message, "", &Accept, Uuid::nil()).map_err(|violations| {
        violations
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
            .join("; ")
    })
}

/// Reads a moment as requests write it, under the name of its field.
///
/// # Errors
/// [`Reason::DateFormat`] with what to write instead.
pub fn parse_moment(field: &str, raw: &str) -> Result<Moment, Violation> {
    Moment::parse(raw.trim())
        .map_err(|error| Violation::new(field, Reason::DateFormat, error.to_string()))
}

/// Most characters of a person's name.
const PERSON_CHARS_MAX: usize = 120;
/// Most bytes of a person's name; 120 characters of any living script fit.
const PERSON_BYTES_MAX: usize = 400;

/// Reads a person's name, in NFC, as it is kept beside the log, under the name of its field.
///
/// # Errors
/// [`Reason::Required`] if it is empty, [`Reason::TextFormat`] if it is longer than 120 characters (or 400 bytes) or
/// holds control characters, [`Reason::PersonalData`] if it holds more than a name.
pub fn parse_person(field: &str, raw: &str) -> Result<String, Violation> {
    let refused = |reason, detail| Err(Violation::new(field, reason, detail));
    match clean(raw, PERSON_CHARS_MAX) {
        Ok(name) if name.is_empty() => refused(Reason::Required, "must be set".to_owned()),
        Ok(name) if name.contains(['\n', '\t']) => {
            refused(Reason::TextFormat, "must be one line".to_owned())
        }
        Ok(name) if name.len() > PERSON_BYTES_MAX => {
            let detail = format!("{} bytes, at most {PERSON_BYTES_MAX} are kept", name.len());
            refused(Reason::TextFormat, detail)
        }
        Ok(name) => Ok(name),
        Err((reason, detail)) => refused(reason, detail),
    }
}

/// Reads an event whose fields lie below `path`; `request_id` is used if it carries none.
///
/// # Errors
/// Every violation, in the order of the fields.
pub fn decode(
    message: &w::Event,
    path: &str,
    resolver: &dyn Resolver,
    request_id: Uuid,
) -> Result<Event, Vec<Violation>> {
    let mut violations = Vec::new();
    let mut fields = Fields::of(path, &mut violations, resolver);
    let event = event(&mut fields, message, request_id);
    match event {
        Some(event) if violations.is_empty() => Ok(event),
        _ => Err(violations),
    }
}

fn event(fields: &mut Fields<'_>, message: &w::Event, request_id: Uuid) -> Option<Event> {
    let request_id = request(fields, &message.request_id, request_id);
    let actor = actor(&mut fields.below("actor"), message.actor.as_ref());
    let effective = fields.moment("effective", &message.effective);
    if let Some(at) = &effective
        && let Err((reason, detail)) = fields.resolver.effective(at, message.body.as_ref())
    {
        fields.refuse::<()>("effective", reason, detail);
    }
    let body = match &message.body {
        None => fields.refuse("body", Reason::Required, "must say what happened"),
        Some(message) => body(fields, message, effective.as_ref(), actor.as_ref()),
    };
    let confirmed = confirmed(fields, &message.confirmed_checks, message.body.as_ref());
    let findings = findings(fields, &message.findings);
    Some(Event {
        request_id: request_id?,
        actor: actor?,
        effective: effective?,
        body: body?,
        confirmed: confirmed?,
        findings: findings?,
        traceparent: TraceParent::parse(&message.traceparent),
    })
}

/// The checks insisted on; whoever insists says why.
fn confirmed(
    fields: &mut Fields<'_>,
    raw: &[String],
    body: Option<&w::event::Body>,
) -> Option<Vec<Check>> {
    use w::event::Body as W;
    let field = "confirmed_checks";
    if raw.is_empty() {
        return Some(Vec::new());
    }
    if raw.len() > CONFIRMED_MAX {
        let detail = format!("{} checks, at most {CONFIRMED_MAX} are kept", raw.len());
        return fields.refuse(field, Reason::TextFormat, detail);
    }
    match body {
        Some(W::ProgressReported(m)) if m.note.trim().is_empty() => {
            let detail = "must say why the figure is right although a check refuses it";
            fields.refuse::<()>("progress_reported.note", Reason::Required, detail);
        }
        // The reason of a correction is required anyway.
        Some(W::ProgressReported(_) | W::ProgressCorrected(_)) | None => {}
        Some(_) => {
            let detail = "must be empty; only figures are held against checks that refuse";
            return fields.refuse(field, Reason::ValueUnspecified, detail);
        }
    }
    let read = |(i, code): (usize, &String)| {
        let check = Check::of(code.trim()).filter(|check| check.may_refuse());
        check.or_else(|| {
            let field = format!("{field}[{i}]");
            let detail = "is no check that refuses a figure";
            fields.refuse(&field, Reason::ValueUnspecified, detail)
        })
    };
    let checks: Vec<Option<Check>> = raw.iter().enumerate().map(read).collect();
    checks.into_iter().collect()
}

/// Nobody but the ledger finds anything.
fn findings(fields: &mut Fields<'_>, messages: &[w::Finding]) -> Option<Vec<Finding>> {
    if !messages.is_empty() && !fields.resolver.trusted() {
        let detail = "must be empty; the service finds them";
        return fields.refuse("findings", Reason::FindingsMisplaced, detail);
    }
    let read = |(i, m): (usize, &w::Finding)| {
        let field = format!("findings[{i}]");
        let mut f = fields.below(&field);
        let check = f.term("check", m.check, Check::ALL);
        let severity = f.term("severity", m.severity, Severity::ALL);
        Some(Finding {
            check: check?,
            severity: severity?,
            field: m.field.clone(),
            detail: m.detail.clone(),
            rule: m.rule.clone(),
            position: (m.position != 0).then_some(m.position),
        })
    };
    let findings: Vec<Option<Finding>> = messages.iter().enumerate().map(read).collect();
    findings.into_iter().collect()
}

fn request(fields: &mut Fields<'_>, raw: &str, given: Uuid) -> Option<Uuid> {
    if raw.is_empty() {
        return Some(given);
    }
    match Uuid::parse_str(raw) {
        Ok(id) if given.is_nil() || id == given => Some(id),
        Ok(_) => {
            let detail = "must be that of the batch, or empty";
            fields.refuse("request_id", Reason::RequestIdFormat, detail)
        }
        Err(_) => fields.refuse("request_id", Reason::RequestIdFormat, "is not a UUID"),
    }
}

fn actor<'m>(
    fields: &mut Fields<'_>,
    message: Option<impl Into<view::Actor<'m>>>,
) -> Option<d::Actor> {
    let Some(message) = message else {
        return fields.refuse("", Reason::Required, "must say who reports");
    };
    let message = message.into();
    let organisation = fields.line("organisation", message.organisation);
    let office = fields.line("office", message.office);
    Some(d::Actor {
        organisation: organisation?,
        office: office?,
    })
}

fn body(
    fields: &mut Fields<'_>,
    message: &w::event::Body,
    at: Option<&Moment>,
    actor: Option<&d::Actor>,
) -> Option<Body> {
    use w::event::Body as W;
    macro_rules! read {
        ($field:literal, $function:path, $message:expr) => {
            $function(&mut fields.below($field), $message, at)
        };
    }
    match message {
        W::LocalityRegistered(m) => read!("locality_registered", place::locality_registered, m),
        W::LocalityEnded(m) => read!("locality_ended", place::locality_ended, m),
        W::PlanAdopted(m) => read!("plan_adopted", programme::plan_adopted, m),
        W::GroupDefined(m) => read!("group_defined", programme::group_defined, m),
        W::ModelDefined(m) => read!("model_defined", programme::model_defined, m),
        W::GroupWithdrawn(m) => read!("group_withdrawn", programme::group_withdrawn, m),
        W::ModelWithdrawn(m) => read!("model_withdrawn", programme::model_withdrawn, m),
        W::OwnerAssigned(m) => read!("owner_assigned", owner::owner_assigned, m),
        W::PersonErased(m) => read!("person_erased", owner::person_erased, m),
        W::OrganisationSucceeded(m) => {
            read!("organisation_succeeded", owner::organisation_succeeded, m)
        }
        W::ModelStatusChanged(m) => {
            read!("model_status_changed", programme::model_status_changed, m)
        }
        W::IndicatorDefined(m) => read!("indicator_defined", programme::indicator_defined, m),
        W::IndicatorRelated(m) => read!("indicator_related", programme::indicator_related, m),
        W::QuotaSuspended(m) => read!("quota_suspended", figure::quota_suspended, m),
        W::QuotaAssigned(m) => read!("quota_assigned", figure::quota_assigned, m),
        W::ProgressReported(m) => read!("progress_reported", figure::progress_reported, m.into()),
        W::ProgressCorrected(m) => {
            read!("progress_corrected", figure::progress_corrected, m.into())
        }
        W::ProgressRetracted(m) => read!("progress_retracted", figure::progress_retracted, m),
        W::FindingResolved(m) => {
            let mut fields = fields.below("finding_resolved");
            figure::finding_resolved(&mut fields, m, at, actor)
        }
        W::WorkingGroupFormed(m) => read!("working_group_formed", work::working_group_formed, m),
        W::CampaignClosed(m) => read!("campaign_closed", work::campaign_closed, m),
        W::CampaignLaunched(m) => read!("campaign_launched", work::campaign_launched, m),
        W::CompletionDeclared(m) => read!("completion_declared", figure::completion_declared, m),
        W::WorkItemDefined(m) => read!("work_item_defined", work::work_item_defined, m),
        W::WorkItemProgressed(m) => read!("work_item_progressed", work::work_item_progressed, m),
        W::WorkItemRescheduled(m) => {
            read!("work_item_rescheduled", work::work_item_rescheduled, m)
        }
        W::WorkItemCancelled(m) => read!("work_item_cancelled", work::work_item_cancelled, m),
        W::WorkItemCompleted(m) => read!("work_item_completed", work::work_item_completed, m),
        W::ReadinessReviewed(m) => read!("readiness_reviewed", work::readiness_reviewed, m),
        W::DirectiveIssued(m) => read!("directive_issued", work::directive_issued, m),
        W::AssessmentPublished(m) => read!("assessment_published", figure::assessment_published, m),
        W::SystemCommissioned(m) => read!("system_commissioned", programme::system_commissioned, m),
        W::DatasetLoaded(m) => read!("dataset_loaded", programme::dataset_loaded, m),
        W::RulesAdopted(m) => read!("rules_adopted", rule::rules_adopted, m),
        W::LedgerTakenOver(m) => read!("ledger_taken_over", programme::ledger_taken_over, m),
    }
}

type At<'a> = Option<&'a Moment>;

/// The last moment there is: what holds at any moment holds at it.
const END_OF_TIME: Moment = Moment::end_of(Date::MAX);
