//! Everything that can happen in the programme.
//!
//! An [`Event`] is immutable: corrections, rival figures, revised quotas, succeeded owners and redrawn boundaries are new events.
//! Its JSON form (serde) is what subscribers get as CloudEvents data; its protobuf form is what the log keeps.

use std::fmt::Write as _;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::code::{
    CampaignCode, DatasetCode, GroupCode, IndicatorCode, ModelCode, PlanCode, SystemCode,
    WorkItemCode,
};
use crate::locality::LocalityId;
use crate::person::PersonCommitment;
use crate::text::{Moment, Percent, Quantity};

/// One fact about the programme, as it was reported.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Event {
    /// The request that brought it.
    pub request_id: Uuid,
    /// Who reported it.
    pub actor: Actor,
    /// The moment it speaks of, Vietnam time.
    pub effective: Moment,
    /// What happened.
    #[serde(flatten)]
    pub body: Body,
}

/// Who acts: an organisation and the office within it, never a person's name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Actor {
    /// The organisation, for example `Công an tỉnh Khánh Hòa`.
    pub organisation: String,
    /// The office or post.
    pub office: String,
}

/// A name in both languages; `en` may be empty.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Name {
    /// Vietnamese, NFC.
    pub vi: String,
    /// English.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub en: String,
}

/// Where a figure or a name comes from.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Source {
    /// The document, report or article.
    pub title: String,
    /// Its address, if it has one.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub url: String,
}

/// An issued document.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Document {
    /// Its number, for example `6559/KH-UBND`; empty if not published.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub number: String,
    /// Its date, if published.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub date: Option<Date>,
    /// Who issued it.
    pub issuer: String,
    /// What it is.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub title: String,
}

/// What a figure is counted against.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Denominator {
    /// What the people or things are: `quota`, `citizens-14-plus`, `dossiers-approved`, …
    pub kind: String,
    /// How many there are, above zero.
    pub value: u64,
    /// True if the number was not published but follows from a count and a printed percentage.
    #[serde(default)]
    pub derived: bool,
}

/// Declares an enum of programme terms with one stable text for each, used by JSON, CSV and the command line.
macro_rules! terms {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $text:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum $name {
            $($(#[$vdoc])* #[serde(rename = $text)] $variant),+
        }

        impl $name {
            /// All of them, in order.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The stable text.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }
        }
    };
}

terms! {
    /// How much of a territory went over.
    Extent {
        /// All of it.
        Full = "full",
        /// A part; no source gives the share.
        Partial = "partial",
    }
}
terms! {
    /// Role of an owner.
    Role {
        /// Chủ trì.
        Lead = "lead",
        /// Phối hợp.
        Coordinating = "coordinating",
        /// Lực lượng triển khai.
        Implementing = "implementing",
        /// Đầu mối: monitors, checks and urges.
        Focal = "focal",
    }
}
terms! {
    /// Status of a model in a locality.
    ModelStatus {
        /// Chưa triển khai.
        NotStarted = "not-started",
        /// Đã rà soát.
        Reviewed = "reviewed",
        /// Đã có kế hoạch.
        Planned = "planned",
        /// Thí điểm.
        Piloting = "piloting",
        /// Đã triển khai.
        Deployed = "deployed",
        /// Đã nghiệm thu.
        Accepted = "accepted",
        /// Tạm dừng.
        Suspended = "suspended",
    }
}
terms! {
    /// How an indicator is counted.
    IndicatorKind {
        /// From the beginning up to the moment; never falls but by correction.
        Cumulative = "cumulative",
        /// The level at the moment.
        Level = "level",
        /// Within one day.
        Daily = "daily",
    }
}
terms! {
    /// Who set a quota, strongest first.
    QuotaLayer {
        /// A ministry or the Government.
        Central = "central",
        /// The province.
        Provincial = "provincial",
        /// The locality itself.
        Commitment = "commitment",
    }
}
terms! {
    /// Where a work item comes from.
    WorkOrigin {
        /// Defined and folded into an existing project.
        ExistingProject = "existing-project",
        /// New, and defined.
        New = "new",
        /// New, and not yet defined.
        NotYetDefined = "not-yet-defined",
    }
}
terms! {
    /// Outcome of a readiness review.
    Readiness {
        /// The conditions are met.
        Ready = "ready",
        /// Some are.
        PartlyReady = "partly-ready",
        /// They are not.
        NotReady = "not-ready",
    }
}
terms! {
    /// A judgement in public.
    Assessment {
        /// Biểu dương.
        Commended = "commended",
        /// Ghi nhận.
        Noted = "noted",
        /// Nguy cơ không hoàn thành.
        AtRisk = "at-risk",
        /// Phê bình.
        Criticised = "criticised",
    }
}

/// What a role or a review is for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Scope {
    /// One model.
    Model(ModelCode),
    /// A whole plan.
    Plan(PlanCode),
}

impl Scope {
    fn token(&self) -> String {
        match self {
            Self::Model(code) => code.token(),
            Self::Plan(code) => code.token(),
        }
    }
}

/// A locality that took over territory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Successor {
    /// The successor.
    pub locality: LocalityId,
    /// Whether the whole territory went there.
    pub extent: Extent,
}

/// A count to be reached on the way to a quota.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Milestone {
    /// The day.
    pub date: Date,
    /// The count.
    pub count: u64,
}

/// A figure: a count, a percentage, or both, each with what it is counted against.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Figure {
    /// The count, if published.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<Quantity>,
    /// What it is counted against, if published.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub denominator: Option<Denominator>,
    /// The percentage as printed, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub percent: Option<Percent>,
    /// Where it comes from.
    pub source: Source,
}

macro_rules! bodies {
    ($($(#[$doc:meta])* $name:ident { $($(#[$fdoc:meta])* $field:ident: $type:ty),+ $(,)? })+) => {
        $(
            $(#[$doc])*
            #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
            #[serde(rename_all = "camelCase")]
            pub struct $name { $($(#[$fdoc])* pub $field: $type),+ }
        )+

        /// What happened.
        #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(rename_all = "camelCase")]
        pub enum Body {
            $($(#[$doc])* $name($name)),+
        }
    };
}

bodies! {
    /// A locality came into being or entered the register.
    LocalityRegistered {
        /// The locality.
        locality: LocalityId,
        /// Official name.
        name: Name,
        /// The locality it belongs to; none for a province.
        parent: Option<LocalityId>,
        /// False if the locality is older than the register and its first day is not known.
        start_known: bool,
        /// Where the entry comes from.
        source: Source,
    }
    /// A locality ended on the effective day, the first on which it no longer exists.
    LocalityEnded {
        /// The locality.
        locality: LocalityId,
        /// Where its territory went; empty if no data says so.
        successors: Vec<Successor>,
        /// Where the entry comes from.
        source: Source,
    }
    /// A plan was adopted.
    PlanAdopted {
        /// The plan.
        plan: PlanCode,
        /// The province it is for.
        locality: LocalityId,
        /// The document.
        document: Document,
        /// What it says, in a sentence.
        summary: Name,
    }
    /// A group of models was defined.
    GroupDefined {
        /// The group.
        group: GroupCode,
        /// The plan it belongs to.
        plan: PlanCode,
        /// Its number in the plan, from 1.
        number: u32,
        /// Its name.
        name: Name,
    }
    /// A deployment model was defined or revised.
    ModelDefined {
        /// The model.
        model: ModelCode,
        /// Its group.
        group: GroupCode,
        /// Its name.
        name: Name,
        /// True if the official name is not published and this one is indicative.
        indicative: bool,
        /// What the name rests on.
        basis: String,
        /// Where the entry comes from.
        source: Source,
    }
    /// An organisation took on a role; it replaces those who held the role before.
    OwnerAssigned {
        /// For what.
        scope: Scope,
        /// Where.
        locality: LocalityId,
        /// Which role.
        role: Role,
        /// The organisations that now hold it, at least one.
        organisations: Vec<String>,
        /// The office that answers for quality, result and schedule; may be empty but for a lead.
        accountable_office: String,
        /// Where the entry comes from.
        source: Source,
        /// Commitment to the name of the person appointed, if one was named; the name itself is in no event.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        person_commitment: Option<PersonCommitment>,
    }
    /// The name of a person appointed was erased; the appointment and its commitment stay.
    PersonErased {
        /// Position of the appointment.
        appointment: u64,
        /// Where it is for.
        locality: LocalityId,
        /// What it is for.
        scope: Scope,
        /// Why, or at whose wish.
        reason: String,
    }
    /// A model's deployment in a locality changed status.
    ModelStatusChanged {
        /// The model.
        model: ModelCode,
        /// The locality.
        locality: LocalityId,
        /// The new status.
        status: ModelStatus,
        /// Why or how.
        note: String,
    }
    /// An indicator was defined or revised.
    IndicatorDefined {
        /// The indicator.
        indicator: IndicatorCode,
        /// Its name.
        name: Name,
        /// Its family.
        family: String,
        /// How it is counted.
        kind: IndicatorKind,
        /// What is counted.
        unit: Name,
        /// What it is counted against unless a figure says otherwise.
        denominator: String,
    }
    /// A quota was assigned or revised; the newest of one layer replaces those before it.
    QuotaAssigned {
        /// The locality that has to reach it.
        locality: LocalityId,
        /// The indicator.
        indicator: IndicatorCode,
        /// Who set it.
        layer: QuotaLayer,
        /// The people or things to be reached.
        denominator: Denominator,
        /// The share of them to be reached.
        target: Percent,
        /// First day of the work, if published.
        start: Option<Date>,
        /// Last day, if published.
        deadline: Option<Date>,
        /// Counts to be reached on the way, by date.
        milestones: Vec<Milestone>,
        /// The document that sets it.
        document: Document,
    }
    /// A figure was reported.
    ProgressReported {
        /// The locality.
        locality: LocalityId,
        /// The indicator.
        indicator: IndicatorCode,
        /// The figure.
        figure: Figure,
        /// Anything to add.
        note: String,
    }
    /// A reported figure was corrected; the effective moment is that of the figure corrected.
    ProgressCorrected {
        /// Position of the report or correction that was wrong.
        corrects: u64,
        /// The locality.
        locality: LocalityId,
        /// The indicator.
        indicator: IndicatorCode,
        /// The right figure.
        figure: Figure,
        /// Why it was wrong.
        reason: String,
    }
    /// A campaign was launched.
    CampaignLaunched {
        /// The campaign.
        campaign: CampaignCode,
        /// The locality.
        locality: LocalityId,
        /// Its name.
        name: Name,
        /// First day, if published.
        start: Option<Date>,
        /// Last day, if published.
        end: Option<Date>,
        /// How many days and nights; 0 if not stated.
        days: u32,
        /// How many working groups; 0 if not stated.
        working_groups: u32,
        /// Who is in them.
        members: Vec<String>,
        /// The hours of work.
        hours: String,
        /// Where the entry comes from.
        source: Source,
    }
    /// A locality declared when it will be done.
    CompletionDeclared {
        /// The locality.
        locality: LocalityId,
        /// The indicator.
        indicator: IndicatorCode,
        /// The last day it gives itself.
        by: Date,
        /// Where the entry comes from.
        source: Source,
    }
    /// A work item was defined or revised.
    WorkItemDefined {
        /// The work item.
        work_item: WorkItemCode,
        /// The locality.
        locality: LocalityId,
        /// The model it serves, if any.
        model: Option<ModelCode>,
        /// What is to be done.
        content: Name,
        /// How much of it, if stated.
        volume: Option<Quantity>,
        /// In which unit.
        unit: String,
        /// What will be there at the end; empty is accepted and flagged.
        expected_result: String,
        /// First day, if published.
        start: Option<Date>,
        /// Last day, if published.
        due: Option<Date>,
        /// The responsible organisation.
        organisation: String,
        /// The responsible office.
        office: String,
        /// Whether it is part of an existing project.
        origin: WorkOrigin,
    }
    /// A work item was completed.
    WorkItemCompleted {
        /// The work item.
        work_item: WorkItemCode,
        /// The locality.
        locality: LocalityId,
        /// What shows it.
        evidence: String,
    }
    /// The present state and the conditions were reviewed before work began.
    ReadinessReviewed {
        /// For what.
        scope: Scope,
        /// Where.
        locality: LocalityId,
        /// Who reviewed.
        organisation: String,
        /// What is there.
        present_state: String,
        /// What is needed.
        conditions: String,
        /// The outcome.
        readiness: Readiness,
    }
    /// A leader or a document gave an order.
    DirectiveIssued {
        /// Where it holds.
        locality: LocalityId,
        /// The document or the occasion.
        document: Document,
        /// Who has to act.
        addressees: Vec<String>,
        /// What has to be done.
        text: Name,
        /// Where the entry comes from.
        source: Source,
    }
    /// Someone with standing judged a locality in public.
    AssessmentPublished {
        /// The locality.
        locality: LocalityId,
        /// The indicator; none if about the whole.
        indicator: Option<IndicatorCode>,
        /// The judgement.
        assessment: Assessment,
        /// What was said.
        text: Name,
        /// Where it was said.
        source: Source,
    }
    /// A shared system went into operation.
    SystemCommissioned {
        /// The system.
        system: SystemCode,
        /// The locality that runs it.
        locality: LocalityId,
        /// Its name.
        name: Name,
        /// Whether it is ready to connect with the ministries' systems.
        ready_to_connect: bool,
        /// Where the entry comes from.
        source: Source,
    }
    /// A data set was loaded completely.
    DatasetLoaded {
        /// The data set.
        dataset: DatasetCode,
        /// Its edition.
        version: String,
        /// How many events it brought.
        events: u64,
        /// Whose work it is and under which licence.
        credit: String,
    }
}

/// What an event is about, as it is named on the bus and counted in revisions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    /// The family of events: `progress`, `quota`, …
    pub topic: &'static str,
    /// What happened within it: `reported`, `assigned`, …
    pub event: &'static str,
    /// The locality, unless it is about the whole programme.
    pub locality: Option<LocalityId>,
    /// The thing: an indicator, a model, …; a token of `[a-z0-9_-]`.
    pub detail: String,
}

impl Subject {
    /// Key under which the subject's events are counted: the revision a writer may expect.
    ///
    /// A report and its correction share one; so do a work item's definition and completion.
    #[must_use]
    pub fn revision_key(&self) -> String {
        let mut key = String::with_capacity(64);
        key.push_str(self.topic);
        key.push('/');
        if let Some(locality) = self.locality {
            // Writing to a text cannot fail.
            let _ = write!(key, "{locality}/");
        }
        key.push_str(&self.detail);
        key
    }
}

/// All topics, which are the families of subjects a ledger's stream holds.
pub const TOPICS: [&str; 16] = [
    "locality",
    "plan",
    "group",
    "model",
    "owner",
    "indicator",
    "quota",
    "progress",
    "campaign",
    "completion",
    "work-item",
    "readiness",
    "directive",
    "assessment",
    "system",
    "dataset",
];

impl Body {
    /// What the event is about.
    #[must_use]
    pub fn subject(&self) -> Subject {
        let at = |topic, event, locality, detail| Subject {
            topic,
            event,
            locality: Some(locality),
            detail,
        };
        let everywhere = |topic, event, detail| Subject {
            topic,
            event,
            locality: None,
            detail,
        };
        let since = |id: LocalityId| id.since.to_string();
        let order = || "order".to_owned();
        let whole = || "whole".to_owned();
        match self {
            Self::LocalityRegistered(e) => {
                at("locality", "registered", e.locality, since(e.locality))
            }
            Self::LocalityEnded(e) => at("locality", "ended", e.locality, since(e.locality)),
            Self::PlanAdopted(e) => at("plan", "adopted", e.locality, e.plan.token()),
            Self::GroupDefined(e) => everywhere("group", "defined", e.group.token()),
            Self::ModelDefined(e) => everywhere("model", "defined", e.model.token()),
            Self::OwnerAssigned(e) => at("owner", "assigned", e.locality, e.scope.token()),
            Self::PersonErased(e) => at("owner", "person-erased", e.locality, e.scope.token()),
            Self::ModelStatusChanged(e) => {
                at("model", "status-changed", e.locality, e.model.token())
            }
            Self::IndicatorDefined(e) => everywhere("indicator", "defined", e.indicator.token()),
            Self::QuotaAssigned(e) => at("quota", "assigned", e.locality, e.indicator.token()),
            Self::ProgressReported(e) => {
                at("progress", "reported", e.locality, e.indicator.token())
            }
            Self::ProgressCorrected(e) => {
                at("progress", "corrected", e.locality, e.indicator.token())
            }
            Self::CampaignLaunched(e) => at("campaign", "launched", e.locality, e.campaign.token()),
            Self::CompletionDeclared(e) => {
                at("completion", "declared", e.locality, e.indicator.token())
            }
            Self::WorkItemDefined(e) => at("work-item", "defined", e.locality, e.work_item.token()),
            Self::WorkItemCompleted(e) => {
                at("work-item", "completed", e.locality, e.work_item.token())
            }
            Self::ReadinessReviewed(e) => at("readiness", "reviewed", e.locality, e.scope.token()),
            Self::DirectiveIssued(e) => at("directive", "issued", e.locality, order()),
            Self::AssessmentPublished(e) => {
                let detail = e.indicator.as_ref().map_or_else(whole, |i| i.token());
                at("assessment", "published", e.locality, detail)
            }
            Self::SystemCommissioned(e) => {
                at("system", "commissioned", e.locality, e.system.token())
            }
            Self::DatasetLoaded(e) => everywhere("dataset", "loaded", e.dataset.token()),
        }
    }

    /// The locality concerned, unless the event is about the whole programme.
    #[must_use]
    pub fn locality(&self) -> Option<LocalityId> {
        self.subject().locality
    }
}
