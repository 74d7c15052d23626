//! What happened: one body for each kind of event.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::{
    Assessment, Denominator, Document, Figure, IndicatorKind, Judged, Milestone, ModelStatus, Name,
    OrganisationChange, OwnerChange, QuotaLayer, Readiness, Relation, Resolution, Role, Scope,
    Source, Step, Successor, Thresholds, WorkOrigin,
};
use crate::code::{
    CampaignCode, DatasetCode, GroupCode, IndicatorCode, ModelCode, PlanCode, RulesVersion,
    SystemCode, WorkItemCode, WorkingGroupCode,
};
use crate::finding::Check;
use crate::locality::LocalityId;
use crate::person::PersonCommitment;
use crate::text::{Percent, Quantity};

macro_rules! bodies {
    ($($(#[$doc:meta])* $name:ident { $($(#[$fdoc:meta])* $field:ident: $type:ty),+ $(,)? })+) => {
        $(
            $(#[$doc])*
            #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
            #[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
            #[serde(rename_all = "camelCase")]
            pub struct $name { $($(#[$fdoc])* pub $field: $type),+ }
        )+

        /// What happened.
        #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
        #[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
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
    /// A deployment model was withdrawn; it may be defined again.
    ModelWithdrawn {
        /// The model.
        model: ModelCode,
        /// Why.
        reason: String,
        /// Where the entry comes from.
        source: Source,
    }
    /// A group of models was withdrawn, after its models; it may be defined again.
    GroupWithdrawn {
        /// The group.
        group: GroupCode,
        /// Why.
        reason: String,
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
        /// How they came to it.
        #[serde(default, skip_serializing_if = "OwnerChange::is_assigned")]
        change: OwnerChange,
        /// Who gave it up; empty unless it was handed over or succeeded to.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        from: Vec<String>,
        /// Why it changed; empty unless it was handed over or succeeded to.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        reason: String,
    }
    /// An organisation was renamed, merged, split or dissolved; its successors have what it holds from the effective day on.
    OrganisationSucceeded {
        /// Where, with everything within.
        locality: LocalityId,
        /// The organisation.
        organisation: String,
        /// Who takes over: one after a renaming or a merger, two or more after a split, none after an end.
        successors: Vec<String>,
        /// What became of it.
        change: OrganisationChange,
        /// The document that says so, if published.
        document: Option<Document>,
        /// Where the entry comes from.
        source: Source,
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
    /// Two indicators were related, or the places of one; the newest relation of a kind replaces those before it.
    IndicatorRelated {
        /// The indicator.
        indicator: IndicatorCode,
        /// How it is related.
        relation: Relation,
        /// The other indicator; none for a sum.
        other: Option<IndicatorCode>,
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
    /// A quota was suspended: nobody is asked for it until it is assigned again.
    QuotaSuspended {
        /// The locality.
        locality: LocalityId,
        /// The indicator.
        indicator: IndicatorCode,
        /// Whose quota.
        layer: QuotaLayer,
        /// Why.
        reason: String,
        /// The document that says so.
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
    /// A reported figure was taken back; the effective moment is that of the figure.
    ProgressRetracted {
        /// Position of the report or correction that is taken back.
        retracts: u64,
        /// The locality.
        locality: LocalityId,
        /// The indicator.
        indicator: IndicatorCode,
        /// Why.
        reason: String,
    }
    /// Somebody answered for what a check had found.
    FindingResolved {
        /// Position of the event with the finding.
        position: u64,
        /// The locality of that event.
        locality: LocalityId,
        /// Which of its findings.
        check: Check,
        /// The answer.
        resolution: Resolution,
        /// What the answer rests on.
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
    /// A working group of a campaign was formed, or formed anew.
    WorkingGroupFormed {
        /// The campaign.
        campaign: CampaignCode,
        /// The working group.
        group: WorkingGroupCode,
        /// The locality it works in.
        locality: LocalityId,
        /// Its name.
        name: Name,
        /// The organisations in it, at least one.
        members: Vec<String>,
        /// Where in the locality it works; empty for all of it.
        area: String,
        /// Where the entry comes from.
        source: Source,
    }
    /// A campaign was closed; it may be launched again.
    CampaignClosed {
        /// The campaign.
        campaign: CampaignCode,
        /// The locality for which it is over.
        locality: LocalityId,
        /// What it came to.
        outcome: String,
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
        /// The work items of the locality that must be done before it.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        depends_on: Vec<WorkItemCode>,
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
    /// Work on a work item progressed: a count, a percentage, or both.
    WorkItemProgressed {
        /// The work item.
        work_item: WorkItemCode,
        /// The locality.
        locality: LocalityId,
        /// How much is done so far, in the item's unit.
        done: Option<Quantity>,
        /// How much is done so far, in percent.
        percent: Option<Percent>,
        /// Anything to add.
        note: String,
    }
    /// A work item was given other days; the newest replace those before them.
    WorkItemRescheduled {
        /// The work item.
        work_item: WorkItemCode,
        /// The locality.
        locality: LocalityId,
        /// First day; none if it stays as it was.
        start: Option<Date>,
        /// Last day.
        due: Date,
        /// Why.
        reason: String,
        /// The document that says so, if there is one.
        document: Option<Document>,
    }
    /// A work item was cancelled: it will not be done.
    WorkItemCancelled {
        /// The work item.
        work_item: WorkItemCode,
        /// The locality.
        locality: LocalityId,
        /// Why.
        reason: String,
        /// The document that says so, if there is one.
        document: Option<Document>,
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
    /// Another writer took the ledger over; the service itself says so.
    LedgerTakenOver {
        /// What the new writer calls itself.
        writer: String,
        /// Position of the last event that it has from the writers before it.
        after_position: u64,
        /// Why it took over.
        reason: String,
    }
    /// Rules of judgement were adopted; they hold until others do.
    RulesAdopted {
        /// Name of this version; what it says never changes.
        version: RulesVersion,
        /// Why.
        reason: String,
        /// The thresholds.
        thresholds: Thresholds,
        /// Which series are judged.
        #[serde(default, skip_serializing_if = "Judged::is_all")]
        judged: Judged,
        /// The ladder, by number from 1; at least one step.
        steps: Vec<Step>,
    }
}
