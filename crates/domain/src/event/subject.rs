//! What an event is about: its topic, its locality, its thing.

use std::fmt::Write as _;

use sha2::{Digest as _, Sha256};

use super::Body;
use crate::locality::LocalityId;
use crate::text::slug;

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
pub const TOPICS: [&str; 20] = [
    "locality",
    "plan",
    "group",
    "model",
    "owner",
    "organisation",
    "indicator",
    "quota",
    "progress",
    "finding",
    "campaign",
    "completion",
    "work-item",
    "readiness",
    "directive",
    "assessment",
    "system",
    "dataset",
    "rule",
    "ledger",
];

/// Most bytes of a name as a token; what is longer is cut and told apart by its hash.
const NAME_TOKEN_BYTES_MAX: usize = 56;

/// A name as a token of a bus subject.
fn name_token(name: &str) -> String {
    let mut token = slug(name);
    if token.is_empty() || token.len() > NAME_TOKEN_BYTES_MAX {
        let hash = hex::encode(Sha256::digest(name));
        token.truncate(NAME_TOKEN_BYTES_MAX - 8);
        token.push_str(&hash[..8]);
    }
    token
}

impl Body {
    /// What the event is about.
    #[must_use]
    pub fn subject(&self) -> Subject {
        let (topic, event) = self.kind();
        Subject {
            topic,
            event,
            locality: self.locality(),
            detail: self.detail(),
        }
    }

    /// The topic, and what happened within it.
    fn kind(&self) -> (&'static str, &'static str) {
        match self {
            Self::LocalityRegistered(_) => ("locality", "registered"),
            Self::LocalityEnded(_) => ("locality", "ended"),
            Self::PlanAdopted(_) => ("plan", "adopted"),
            Self::GroupDefined(_) => ("group", "defined"),
            Self::GroupWithdrawn(_) => ("group", "withdrawn"),
            Self::ModelDefined(_) => ("model", "defined"),
            Self::ModelWithdrawn(_) => ("model", "withdrawn"),
            Self::ModelStatusChanged(_) => ("model", "status-changed"),
            Self::OwnerAssigned(_) => ("owner", "assigned"),
            Self::PersonErased(_) => ("owner", "person-erased"),
            Self::OrganisationSucceeded(_) => ("organisation", "succeeded"),
            Self::IndicatorDefined(_) => ("indicator", "defined"),
            Self::IndicatorRelated(_) => ("indicator", "related"),
            Self::QuotaAssigned(_) => ("quota", "assigned"),
            Self::QuotaSuspended(_) => ("quota", "suspended"),
            Self::ProgressReported(_) => ("progress", "reported"),
            Self::ProgressCorrected(_) => ("progress", "corrected"),
            Self::ProgressRetracted(_) => ("progress", "retracted"),
            Self::FindingResolved(_) => ("finding", "resolved"),
            Self::CampaignLaunched(_) => ("campaign", "launched"),
            Self::WorkingGroupFormed(_) => ("campaign", "group-formed"),
            Self::CampaignClosed(_) => ("campaign", "closed"),
            Self::CompletionDeclared(_) => ("completion", "declared"),
            Self::WorkItemDefined(_) => ("work-item", "defined"),
            Self::WorkItemProgressed(_) => ("work-item", "progressed"),
            Self::WorkItemRescheduled(_) => ("work-item", "rescheduled"),
            Self::WorkItemCancelled(_) => ("work-item", "cancelled"),
            Self::WorkItemCompleted(_) => ("work-item", "completed"),
            Self::ReadinessReviewed(_) => ("readiness", "reviewed"),
            Self::DirectiveIssued(_) => ("directive", "issued"),
            Self::AssessmentPublished(_) => ("assessment", "published"),
            Self::SystemCommissioned(_) => ("system", "commissioned"),
            Self::DatasetLoaded(_) => ("dataset", "loaded"),
            Self::RulesAdopted(_) => ("rule", "adopted"),
            Self::LedgerTakenOver(_) => ("ledger", "taken-over"),
        }
    }

    /// The locality concerned, unless the event is about the whole programme.
    #[must_use]
    pub fn locality(&self) -> Option<LocalityId> {
        match self {
            Self::GroupDefined(_)
            | Self::GroupWithdrawn(_)
            | Self::ModelDefined(_)
            | Self::ModelWithdrawn(_)
            | Self::IndicatorDefined(_)
            | Self::IndicatorRelated(_)
            | Self::DatasetLoaded(_)
            | Self::RulesAdopted(_)
            | Self::LedgerTakenOver(_) => None,
            Self::LocalityRegistered(super::LocalityRegistered { locality, .. })
            | Self::LocalityEnded(super::LocalityEnded { locality, .. })
            | Self::PlanAdopted(super::PlanAdopted { locality, .. })
            | Self::ModelStatusChanged(super::ModelStatusChanged { locality, .. })
            | Self::OwnerAssigned(super::OwnerAssigned { locality, .. })
            | Self::PersonErased(super::PersonErased { locality, .. })
            | Self::OrganisationSucceeded(super::OrganisationSucceeded { locality, .. })
            | Self::QuotaAssigned(super::QuotaAssigned { locality, .. })
            | Self::QuotaSuspended(super::QuotaSuspended { locality, .. })
            | Self::ProgressReported(super::ProgressReported { locality, .. })
            | Self::ProgressCorrected(super::ProgressCorrected { locality, .. })
            | Self::ProgressRetracted(super::ProgressRetracted { locality, .. })
            | Self::FindingResolved(super::FindingResolved { locality, .. })
            | Self::CampaignLaunched(super::CampaignLaunched { locality, .. })
            | Self::WorkingGroupFormed(super::WorkingGroupFormed { locality, .. })
            | Self::CampaignClosed(super::CampaignClosed { locality, .. })
            | Self::CompletionDeclared(super::CompletionDeclared { locality, .. })
            | Self::WorkItemDefined(super::WorkItemDefined { locality, .. })
            | Self::WorkItemProgressed(super::WorkItemProgressed { locality, .. })
            | Self::WorkItemRescheduled(super::WorkItemRescheduled { locality, .. })
            | Self::WorkItemCancelled(super::WorkItemCancelled { locality, .. })
            | Self::WorkItemCompleted(super::WorkItemCompleted { locality, .. })
            | Self::ReadinessReviewed(super::ReadinessReviewed { locality, .. })
            | Self::DirectiveIssued(super::DirectiveIssued { locality, .. })
            | Self::AssessmentPublished(super::AssessmentPublished { locality, .. })
            | Self::SystemCommissioned(super::SystemCommissioned { locality, .. }) => {
                Some(*locality)
            }
        }
    }

    /// The thing concerned.
    fn detail(&self) -> String {
        match self {
            Self::LocalityRegistered(e) => e.locality.since.to_string(),
            Self::LocalityEnded(e) => e.locality.since.to_string(),
            Self::PlanAdopted(e) => e.plan.token(),
            Self::GroupDefined(e) => e.group.token(),
            Self::GroupWithdrawn(e) => e.group.token(),
            Self::ModelDefined(e) => e.model.token(),
            Self::ModelWithdrawn(e) => e.model.token(),
            Self::ModelStatusChanged(e) => e.model.token(),
            Self::OwnerAssigned(e) => e.scope.token(),
            Self::PersonErased(e) => e.scope.token(),
            Self::OrganisationSucceeded(e) => name_token(&e.organisation),
            Self::IndicatorDefined(e) => e.indicator.token(),
            Self::IndicatorRelated(e) => e.indicator.token(),
            Self::QuotaAssigned(e) => e.indicator.token(),
            Self::QuotaSuspended(e) => e.indicator.token(),
            Self::ProgressReported(e) => e.indicator.token(),
            Self::ProgressCorrected(e) => e.indicator.token(),
            Self::ProgressRetracted(e) => e.indicator.token(),
            Self::FindingResolved(e) => e.position.to_string(),
            Self::CampaignLaunched(e) => e.campaign.token(),
            Self::WorkingGroupFormed(e) => e.campaign.token(),
            Self::CampaignClosed(e) => e.campaign.token(),
            Self::CompletionDeclared(e) => e.indicator.token(),
            Self::WorkItemDefined(e) => e.work_item.token(),
            Self::WorkItemProgressed(e) => e.work_item.token(),
            Self::WorkItemRescheduled(e) => e.work_item.token(),
            Self::WorkItemCancelled(e) => e.work_item.token(),
            Self::WorkItemCompleted(e) => e.work_item.token(),
            Self::ReadinessReviewed(e) => e.scope.token(),
            Self::DirectiveIssued(_) => "order".to_owned(),
            Self::AssessmentPublished(e) => e
                .indicator
                .as_ref()
                .map_or_else(|| "whole".to_owned(), |code| code.token()),
            Self::SystemCommissioned(e) => e.system.token(),
            Self::DatasetLoaded(e) => e.dataset.token(),
            Self::RulesAdopted(e) => e.version.token(),
            Self::LedgerTakenOver(e) => name_token(&e.writer),
        }
    }
}
