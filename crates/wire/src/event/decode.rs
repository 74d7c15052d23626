//! Protobuf to events: every violation at once, each under its path.

use domain::event::{self as d, Body};
use domain::text::{Bound, Moment, Percent};
use domain::{
    Event, GroupCode, IndicatorCode, LocalityCode, LocalityId, ModelCode, PersonCommitment,
    PlanCode, Reason, Violation, WorkItemCode,
};
use jiff::civil::Date;
use prost::Message as _;
use uuid::Uuid;

use super::fields::{Fields, Path, clean};
use crate::v1 as w;

/// Something on record that an event refers to.
#[derive(Debug, Clone, Copy)]
pub enum Reference<'a> {
    /// An indicator.
    Indicator(&'a IndicatorCode),
    /// A model.
    Model(&'a ModelCode),
    /// A group of models.
    Group(&'a GroupCode),
    /// A plan.
    Plan(&'a PlanCode),
    /// A work item of a locality.
    WorkItem(LocalityId, &'a WorkItemCode),
    /// An identity named outright, whenever it exists.
    Identity(LocalityId),
    /// An appointment that names a person.
    Appointment {
        /// Its position.
        position: u64,
        /// The locality it must be for.
        locality: LocalityId,
        /// What it must be for.
        scope: &'a d::Scope,
    },
    /// A figure that a correction names.
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
    accept(&message(bytes).map_err(|error| error.to_string())?)
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
    let mut fields = Fields {
        path: Path {
            above: None,
            field: path,
        },
        violations: &mut violations,
        resolver,
    };
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
        Some(message) => body(fields, message, effective.as_ref()),
    };
    Some(Event {
        request_id: request_id?,
        actor: actor?,
        effective: effective?,
        body: body?,
    })
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

fn actor(fields: &mut Fields<'_>, message: Option<&w::Actor>) -> Option<d::Actor> {
    let Some(message) = message else {
        return fields.refuse("", Reason::Required, "must say who reports");
    };
    let organisation = fields.line("organisation", &message.organisation);
    let office = fields.line("office", &message.office);
    Some(d::Actor {
        organisation: organisation?,
        office: office?,
    })
}

fn body(fields: &mut Fields<'_>, message: &w::event::Body, at: Option<&Moment>) -> Option<Body> {
    use w::event::Body as W;
    macro_rules! read {
        ($field:literal, $function:ident, $message:expr) => {
            $function(&mut fields.below($field), $message, at)
        };
    }
    match message {
        W::LocalityRegistered(m) => read!("locality_registered", locality_registered, m),
        W::LocalityEnded(m) => read!("locality_ended", locality_ended, m),
        W::PlanAdopted(m) => read!("plan_adopted", plan_adopted, m),
        W::GroupDefined(m) => read!("group_defined", group_defined, m),
        W::ModelDefined(m) => read!("model_defined", model_defined, m),
        W::OwnerAssigned(m) => read!("owner_assigned", owner_assigned, m),
        W::PersonErased(m) => read!("person_erased", person_erased, m),
        W::ModelStatusChanged(m) => read!("model_status_changed", model_status_changed, m),
        W::IndicatorDefined(m) => read!("indicator_defined", indicator_defined, m),
        W::QuotaAssigned(m) => read!("quota_assigned", quota_assigned, m),
        W::ProgressReported(m) => read!("progress_reported", progress_reported, m),
        W::ProgressCorrected(m) => read!("progress_corrected", progress_corrected, m),
        W::CampaignLaunched(m) => read!("campaign_launched", campaign_launched, m),
        W::CompletionDeclared(m) => read!("completion_declared", completion_declared, m),
        W::WorkItemDefined(m) => read!("work_item_defined", work_item_defined, m),
        W::WorkItemCompleted(m) => read!("work_item_completed", work_item_completed, m),
        W::ReadinessReviewed(m) => read!("readiness_reviewed", readiness_reviewed, m),
        W::DirectiveIssued(m) => read!("directive_issued", directive_issued, m),
        W::AssessmentPublished(m) => read!("assessment_published", assessment_published, m),
        W::SystemCommissioned(m) => read!("system_commissioned", system_commissioned, m),
        W::DatasetLoaded(m) => read!("dataset_loaded", dataset_loaded, m),
    }
}

type At<'a> = Option<&'a Moment>;

fn locality_registered(f: &mut Fields<'_>, m: &w::LocalityRegistered, _: At<'_>) -> Option<Body> {
    let locality = f.identity("locality", m.locality.as_ref());
    let name = f.name("name", m.name.as_ref());
    let parent = match &m.parent {
        None => Some(None),
        parent => f.identity("parent", parent.as_ref()).map(Some),
    };
    if let Some(Some(parent)) = parent {
        f.refer("parent", &Reference::Identity(parent));
    }
    let source = f.source("source", m.source.as_ref());
    let locality = locality?;
    if m.level != 0 && m.level != super::level(locality.code.level()) {
        f.refuse::<()>(
            "level",
            Reason::CodeFormat,
            "does not fit the length of the code",
        );
    }
    Some(Body::LocalityRegistered(d::LocalityRegistered {
        locality,
        name: name?,
        parent: parent?,
        start_known: m.start_known,
        source: source?,
    }))
}

fn locality_ended(f: &mut Fields<'_>, m: &w::LocalityEnded, _: At<'_>) -> Option<Body> {
    let locality = f.identity("locality", m.locality.as_ref());
    if let Some(locality) = locality {
        f.refer("locality", &Reference::Identity(locality));
    }
    let successors: Vec<Option<d::Successor>> = m
        .successors
        .iter()
        .enumerate()
        .map(|(i, successor)| {
            let field = format!("successors[{i}]");
            let mut f = f.below(&field);
            let locality = f.identity("locality", successor.locality.as_ref());
            let extent = f.term("extent", successor.extent, d::Extent::ALL);
            Some(d::Successor {
                locality: locality?,
                extent: extent?,
            })
        })
        .collect();
    let source = f.source("source", m.source.as_ref());
    Some(Body::LocalityEnded(d::LocalityEnded {
        locality: locality?,
        successors: successors.into_iter().collect::<Option<_>>()?,
        source: source?,
    }))
}

fn plan_adopted(f: &mut Fields<'_>, m: &w::PlanAdopted, at: At<'_>) -> Option<Body> {
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

fn group_defined(f: &mut Fields<'_>, m: &w::GroupDefined, _: At<'_>) -> Option<Body> {
    let group = f.code("group", &m.group);
    let plan = f.plan("plan", &m.plan);
    if m.number == 0 {
        f.refuse::<()>("number", Reason::Required, "must be 1 or more");
    }
    let name = f.name("name", m.name.as_ref());
    Some(Body::GroupDefined(d::GroupDefined {
        group: group?,
        plan: plan?,
        number: m.number,
        name: name?,
    }))
}

fn model_defined(f: &mut Fields<'_>, m: &w::ModelDefined, _: At<'_>) -> Option<Body> {
    let model = f.code("model", &m.model);
    let group = f.group("group", &m.group);
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

fn owner_assigned(f: &mut Fields<'_>, m: &w::OwnerAssigned, at: At<'_>) -> Option<Body> {
    use w::owner_assigned::Scope;
    let scope = match &m.scope {
        None => f.refuse("scope", Reason::Required, "must name a model or a plan"),
        Some(Scope::Model(code)) => f.model("model", code).map(d::Scope::Model),
        Some(Scope::Plan(code)) => f.plan("plan", code).map(d::Scope::Plan),
    };
    let locality = f.locality("locality", m.locality.as_ref(), at);
    let role = f.term("role", m.role, d::Role::ALL);
    if m.organisations.is_empty() {
        f.refuse::<()>("organisations", Reason::Required, "must name at least one");
    }
    let organisations = f.lines("organisations", &m.organisations);
    let accountable_office = match role {
        Some(d::Role::Lead) => f.line("accountable_office", &m.accountable_office),
        _ => f.optional_line("accountable_office", &m.accountable_office),
    };
    let source = f.source("source", m.source.as_ref());
    let person_commitment = person_commitment(f, &m.person_commitment);
    Some(Body::OwnerAssigned(d::OwnerAssigned {
        scope: scope?,
        locality: locality?,
        role: role?,
        organisations: organisations?,
        accountable_office: accountable_office?,
        source: source?,
        person_commitment: person_commitment?,
    }))
}

/// Nobody but the ledger makes a commitment, so that behind each there is, or was, a name.
fn person_commitment(f: &mut Fields<'_>, raw: &[u8]) -> Option<Option<PersonCommitment>> {
    let field = "person_commitment";
    if raw.is_empty() {
        return Some(None);
    }
    if !f.resolver.trusted() {
        let detail = "must be empty; a person's name goes beside the event, as `person`";
        return f.refuse(field, Reason::PersonMisplaced, detail);
    }
    match <[u8; 32]>::try_from(raw) {
        Ok(bytes) => Some(Some(bytes.into())),
        Err(_) => f.refuse(field, Reason::CodeFormat, "must have 32 bytes"),
    }
}

fn person_erased(f: &mut Fields<'_>, m: &w::PersonErased, _: At<'_>) -> Option<Body> {
    use w::person_erased::Scope;
    if m.appointment == 0 {
        f.refuse::<()>("appointment", Reason::Required, "must name a position");
    }
    let locality = f.identity("locality", m.locality.as_ref());
    let scope = match &m.scope {
        None => f.refuse("scope", Reason::Required, "must name a model or a plan"),
        Some(Scope::Model(code)) => f.code("model", code).map(d::Scope::Model),
        Some(Scope::Plan(code)) => f.code("plan", code).map(d::Scope::Plan),
    };
    let reason = f.text("reason", &m.reason);
    let (locality, scope) = (locality?, scope?);
    if m.appointment > 0 {
        let reference = Reference::Appointment {
            position: m.appointment,
            locality,
            scope: &scope,
        };
        f.refer("appointment", &reference);
    }
    Some(Body::PersonErased(d::PersonErased {
        appointment: m.appointment,
        locality,
        scope,
        reason: reason?,
    }))
}

fn model_status_changed(f: &mut Fields<'_>, m: &w::ModelStatusChanged, at: At<'_>) -> Option<Body> {
    let model = f.model("model", &m.model);
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

fn indicator_defined(f: &mut Fields<'_>, m: &w::IndicatorDefined, _: At<'_>) -> Option<Body> {
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

fn quota_assigned(f: &mut Fields<'_>, m: &w::QuotaAssigned, at: At<'_>) -> Option<Body> {
    let locality = f.locality("locality", m.locality.as_ref(), at);
    let indicator = f.indicator("indicator", &m.indicator);
    let layer = f.term("layer", m.layer, d::QuotaLayer::ALL);
    let denominator = f.denominator("denominator", m.denominator.as_ref());
    if m.denominator.is_none() {
        f.refuse::<()>(
            "denominator",
            Reason::Required,
            "must say how many there are to reach",
        );
    }
    let target = f.percent("target_percent", &m.target_percent);
    let start = f.optional_date("start", &m.start);
    let deadline = f.optional_date("deadline", &m.deadline);
    f.in_order("deadline", start.flatten(), deadline.flatten());
    let milestones = milestones(f, &m.milestones);
    let document = f.document("document", m.document.as_ref());
    Some(Body::QuotaAssigned(d::QuotaAssigned {
        locality: locality?,
        indicator: indicator?,
        layer: layer?,
        denominator: denominator??,
        target: target?.unwrap_or(Percent::of(1, 1)?.rounded(0)),
        start: start?,
        deadline: deadline?,
        milestones: milestones?,
        document: document?,
    }))
}

fn milestones(f: &mut Fields<'_>, messages: &[w::Milestone]) -> Option<Vec<d::Milestone>> {
    let mut last = None;
    let milestones: Vec<Option<d::Milestone>> = messages
        .iter()
        .enumerate()
        .map(|(i, message)| {
            let field = format!("milestones[{i}]");
            let mut f = f.below(&field);
            let date = f.date("date", &message.date);
            let count = f.count("count", message.count.as_ref());
            f.in_order("date", last, date);
            last = date.or(last);
            Some(d::Milestone {
                date: date?,
                count: count?,
            })
        })
        .collect();
    milestones.into_iter().collect()
}

/// The parts of a figure, as reports and corrections carry them.
struct FigureParts<'a> {
    value: Option<&'a w::Quantity>,
    denominator: Option<&'a w::Denominator>,
    percent: &'a str,
    source: Option<&'a w::Source>,
}

fn figure(f: &mut Fields<'_>, parts: &FigureParts<'_>) -> Option<d::Figure> {
    let value = f.quantity("value", parts.value);
    let denominator = f.denominator("denominator", parts.denominator);
    let percent = f.percent("percent", parts.percent);
    if parts.value.is_none() && parts.percent.trim().is_empty() {
        f.refuse::<()>(
            "value",
            Reason::Required,
            "must be set, or a percentage given",
        );
    }
    if let (Some(Some(value)), Some(Some(denominator)), Some(Some(percent))) =
        (&value, &denominator, &percent)
        && value.bound == Bound::Exact
        && !f.resolver.trusted()
        && percent.contradicts(value.value, denominator.value)
    {
        let follows = Percent::of(value.value, denominator.value)
            .map_or_else(String::new, |follows| format!(", {follows} % follows"));
        let detail = format!(
            "{percent} % is printed for {} of {}{follows}",
            value.value, denominator.value
        );
        f.refuse::<()>("percent", Reason::PercentContradicts, detail);
    }
    let source = f.source("source", parts.source);
    Some(d::Figure {
        value: value?,
        denominator: denominator?,
        percent: percent?,
        source: source?,
    })
}

fn progress_reported(f: &mut Fields<'_>, m: &w::ProgressReported, at: At<'_>) -> Option<Body> {
    let locality = f.locality("locality", m.locality.as_ref(), at);
    let indicator = f.indicator("indicator", &m.indicator);
    let parts = FigureParts {
        value: m.value.as_ref(),
        denominator: m.denominator.as_ref(),
        percent: &m.percent,
        source: m.source.as_ref(),
    };
    let figure = figure(f, &parts);
    let note = f.optional_text("note", &m.note);
    Some(Body::ProgressReported(d::ProgressReported {
        locality: locality?,
        indicator: indicator?,
        figure: figure?,
        note: note?,
    }))
}

fn progress_corrected(f: &mut Fields<'_>, m: &w::ProgressCorrected, at: At<'_>) -> Option<Body> {
    let locality = f.locality("locality", m.locality.as_ref(), at);
    let indicator = f.indicator("indicator", &m.indicator);
    let position = m.corrects;
    if position == 0 {
        f.refuse::<()>(
            "corrects",
            Reason::Required,
            "must be the position of a figure",
        );
    } else if let (Some(locality), Some(indicator), Some(at)) = (locality, &indicator, at) {
        f.refer(
            "corrects",
            &Reference::Figure {
                position,
                locality,
                indicator,
                at,
            },
        );
    }
    let parts = FigureParts {
        value: m.value.as_ref(),
        denominator: m.denominator.as_ref(),
        percent: &m.percent,
        source: m.source.as_ref(),
    };
    let figure = figure(f, &parts);
    let reason = f.text("reason", &m.reason);
    Some(Body::ProgressCorrected(d::ProgressCorrected {
        corrects: m.corrects,
        locality: locality?,
        indicator: indicator?,
        figure: figure?,
        reason: reason?,
    }))
}

fn campaign_launched(f: &mut Fields<'_>, m: &w::CampaignLaunched, at: At<'_>) -> Option<Body> {
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

fn completion_declared(f: &mut Fields<'_>, m: &w::CompletionDeclared, at: At<'_>) -> Option<Body> {
    let locality = f.locality("locality", m.locality.as_ref(), at);
    let indicator = f.indicator("indicator", &m.indicator);
    let by = f.date("by", &m.by);
    let source = f.source("source", m.source.as_ref());
    Some(Body::CompletionDeclared(d::CompletionDeclared {
        locality: locality?,
        indicator: indicator?,
        by: by?,
        source: source?,
    }))
}

fn work_item_defined(f: &mut Fields<'_>, m: &w::WorkItemDefined, at: At<'_>) -> Option<Body> {
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

fn work_item_completed(f: &mut Fields<'_>, m: &w::WorkItemCompleted, at: At<'_>) -> Option<Body> {
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

fn readiness_reviewed(f: &mut Fields<'_>, m: &w::ReadinessReviewed, at: At<'_>) -> Option<Body> {
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

fn directive_issued(f: &mut Fields<'_>, m: &w::DirectiveIssued, at: At<'_>) -> Option<Body> {
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

fn assessment_published(
    f: &mut Fields<'_>,
    m: &w::AssessmentPublished,
    at: At<'_>,
) -> Option<Body> {
    let locality = f.locality("locality", m.locality.as_ref(), at);
    let indicator = f.optional("indicator", &m.indicator, Fields::indicator);
    let assessment = f.term("assessment", m.assessment, d::Assessment::ALL);
    let text = f.name("text", m.text.as_ref());
    let source = f.source("source", m.source.as_ref());
    Some(Body::AssessmentPublished(d::AssessmentPublished {
        locality: locality?,
        indicator: indicator?,
        assessment: assessment?,
        text: text?,
        source: source?,
    }))
}

fn system_commissioned(f: &mut Fields<'_>, m: &w::SystemCommissioned, at: At<'_>) -> Option<Body> {
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

fn dataset_loaded(f: &mut Fields<'_>, m: &w::DatasetLoaded, _: At<'_>) -> Option<Body> {
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
