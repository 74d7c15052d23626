//! What an event is about: its topic, its locality, its thing.

use std::fmt::Write as _;

use super::Body;
use crate::locality::LocalityId;

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
