//! Which localities, organisations and models an event names.

use super::{Body, Scope};
use crate::code::ModelCode;
use crate::locality::LocalityId;

impl Body {
    /// The localities named: the one concerned, the one it belongs to, and those its territory went to.
    pub fn localities(&self) -> impl Iterator<Item = LocalityId> + use<'_> {
        let parent = match self {
            Self::LocalityRegistered(e) => e.parent,
            _ => None,
        };
        let successors = match self {
            Self::LocalityEnded(e) => e.successors.as_slice(),
            _ => &[],
        };
        let successors = successors.iter().map(|successor| successor.locality);
        self.locality().into_iter().chain(parent).chain(successors)
    }

    /// The organisations named, as they are written; whoever reported the event is not among them.
    pub fn organisations(&self) -> impl Iterator<Item = &str> {
        let (one, many, more): (Option<&String>, &[String], &[String]) = match self {
            Self::OwnerAssigned(e) => (None, &e.organisations, &e.from),
            Self::OrganisationSucceeded(e) => (Some(&e.organisation), &e.successors, &[]),
            Self::CampaignLaunched(e) => (None, &e.members, &[]),
            Self::WorkingGroupFormed(e) => (None, &e.members, &[]),
            Self::WorkItemDefined(e) => (Some(&e.organisation), &[], &[]),
            Self::ReadinessReviewed(e) => (Some(&e.organisation), &[], &[]),
            Self::DirectiveIssued(e) => (None, &e.addressees, &[]),
            _ => (None, &[], &[]),
        };
        one.into_iter().chain(many).chain(more).map(String::as_str)
    }

    /// The model named, be it as what a role or a review is for; what a work item serves is told by its definition only.
    #[must_use]
    pub fn model(&self) -> Option<&ModelCode> {
        let scope = match self {
            Self::ModelDefined(e) => return Some(&e.model),
            Self::ModelWithdrawn(e) => return Some(&e.model),
            Self::ModelStatusChanged(e) => return Some(&e.model),
            Self::WorkItemDefined(e) => return e.model.as_ref(),
            Self::OwnerAssigned(e) => &e.scope,
            Self::PersonErased(e) => &e.scope,
            Self::ReadinessReviewed(e) => &e.scope,
            _ => return None,
        };
        match scope {
            Scope::Model(model) => Some(model),
            Scope::Plan(_) => None,
        }
    }
}
