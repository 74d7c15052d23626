//! Plans, groups, models and what else is on record.

use std::collections::BTreeMap;

use domain::code::{GroupCode, ModelCode, PlanCode};
use domain::event::{
    AssessmentPublished, CampaignLaunched, DirectiveIssued, GroupDefined, GroupWithdrawn,
    ModelDefined, ModelStatusChanged, ModelWithdrawn, PlanAdopted, ReadinessReviewed,
    SystemCommissioned,
};
use domain::locality::LocalityId;

use crate::reading::Reading;
use crate::timeline::{Entry, Recorded, Timeline};

/// A plan on record.
pub type PlanEntry<'a> = Entry<'a, PlanAdopted>;
/// A group of models on record.
pub type GroupEntry<'a> = Entry<'a, GroupDefined>;
/// A model's status in a locality on record.
pub type ModelStatusEntry<'a> = Entry<'a, ModelStatusChanged>;
/// A campaign on record.
pub type CampaignEntry<'a> = Entry<'a, CampaignLaunched>;
/// A shared system on record.
pub type SystemEntry<'a> = Entry<'a, SystemCommissioned>;
/// A readiness review on record.
pub type ReviewEntry<'a> = Entry<'a, ReadinessReviewed>;
/// An order on record.
pub type DirectiveEntry<'a> = Entry<'a, DirectiveIssued>;
/// A public judgement on record.
pub type AssessmentEntry<'a> = Entry<'a, AssessmentPublished>;

/// A model on record, with its group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ModelEntry<'a> {
    /// What was defined.
    pub defined: &'a ModelDefined,
    /// Its group; none if that is not defined.
    pub group: Option<GroupEntry<'a>>,
    /// Where its definition stands.
    pub recorded: Recorded<'a>,
}

impl ModelEntry<'_> {
    /// Number of its group in the plan; 0 if the group is not defined.
    #[must_use]
    pub fn group_number(&self) -> u32 {
        self.group.map_or(0, |group| group.number)
    }

    /// Whether it belongs to one of some plans.
    pub(crate) fn is_of(&self, plans: &[PlanEntry<'_>]) -> bool {
        let is_its = |plan: &PlanEntry<'_>| self.group.is_some_and(|group| group.plan == plan.plan);
        plans.iter().any(is_its)
    }
}

impl<'a> Reading<'a> {
    /// The plans adopted, by code.
    #[must_use]
    pub fn plans(&self) -> Vec<PlanEntry<'a>> {
        self.newest_of(self.state.plans.values())
    }

    /// The plans of a locality and of those above it, by code.
    #[must_use]
    pub fn plans_for(&self, id: LocalityId) -> Vec<PlanEntry<'a>> {
        let lineage = self.lineage(id);
        self.plans_of(|place| lineage.contains(&place))
    }

    /// The plans adopted for localities that are asked for, by code.
    pub(crate) fn plans_of(&self, is_asked: impl Fn(LocalityId) -> bool) -> Vec<PlanEntry<'a>> {
        let mut plans = self.plans();
        plans.retain(|plan| is_asked(plan.locality));
        plans
    }

    /// A plan.
    #[must_use]
    pub fn plan(&self, plan: &PlanCode) -> Option<PlanEntry<'a>> {
        self.newest_in(&self.state.plans, plan)
    }

    /// The groups of models that are not withdrawn, by number and then by code.
    #[must_use]
    pub fn groups(&self) -> Vec<GroupEntry<'a>> {
        let mut groups = self.newest_of(self.state.groups.values());
        groups.retain(|group| self.withdrawn_group(&group.group).is_none());
        groups.sort_by_key(|group| group.number);
        groups
    }

    /// How a group of models was withdrawn; none while it is defined, or defined again.
    #[must_use]
    pub fn withdrawn_group(&self, group: &GroupCode) -> Option<Entry<'a, GroupWithdrawn>> {
        let withdrawn = self.newest_in(&self.state.withdrawn_groups, group)?;
        let defined = self.group(group).map(|entry| entry.recorded);
        withdrawn.recorded.is_after(defined).then_some(withdrawn)
    }

    /// How a model was withdrawn; none while it is defined, or defined again.
    #[must_use]
    pub fn withdrawn_model(&self, model: &ModelCode) -> Option<Entry<'a, ModelWithdrawn>> {
        let withdrawn = self.newest_in(&self.state.withdrawn_models, model)?;
        let defined = self.model(model).map(|entry| entry.recorded);
        withdrawn.recorded.is_after(defined).then_some(withdrawn)
    }

    /// A group of models, withdrawn or not.
    #[must_use]
    pub fn group(&self, group: &GroupCode) -> Option<GroupEntry<'a>> {
        self.newest_in(&self.state.groups, group)
    }

    /// The models that are not withdrawn, by the number of their group and then by code.
    #[must_use]
    pub fn models(&self) -> Vec<ModelEntry<'a>> {
        let mut models = self.newest_of(self.state.models.values());
        models.retain(|model| self.withdrawn_model(&model.model).is_none());
        let mut models: Vec<_> = models
            .into_iter()
            .map(|model| self.model_entry(model))
            .collect();
        models.sort_by_key(ModelEntry::group_number);
        models
    }

    /// The models of the plans that hold for a locality, in the same order.
    #[must_use]
    pub fn models_for(&self, id: LocalityId) -> Vec<ModelEntry<'a>> {
        self.models_of(&self.plans_for(id))
    }

    /// The models of some plans, in the same order.
    pub(crate) fn models_of(&self, plans: &[PlanEntry<'_>]) -> Vec<ModelEntry<'a>> {
        let mut models = self.models();
        models.retain(|model| model.is_of(plans));
        models
    }

    /// A model, withdrawn or not.
    #[must_use]
    pub fn model(&self, model: &ModelCode) -> Option<ModelEntry<'a>> {
        self.newest_in(&self.state.models, model)
            .map(|model| self.model_entry(model))
    }

    /// The status of a model in a locality, if anybody reported one.
    #[must_use]
    pub fn model_status(&self, model: &ModelCode, id: LocalityId) -> Option<ModelStatusEntry<'a>> {
        let place = self.state.places.index(id)?;
        self.newest_in(&self.state.statuses, &(place, model.clone()))
    }

    /// The campaigns of a locality, by code.
    #[must_use]
    pub fn campaigns(&self, id: LocalityId) -> Vec<CampaignEntry<'a>> {
        let Some(place) = self.state.places.index(id) else {
            return Vec::new();
        };
        self.newest_of(under(&self.state.campaigns, place))
    }

    /// The shared systems of a locality, by code.
    #[must_use]
    pub fn systems(&self, id: LocalityId) -> Vec<SystemEntry<'a>> {
        let Some(place) = self.state.places.index(id) else {
            return Vec::new();
        };
        self.newest_of(under(&self.state.systems, place))
    }

    /// The readiness reviews of a locality, all of them, by moment and then by position.
    #[must_use]
    pub fn reviews(&self, id: LocalityId) -> Vec<ReviewEntry<'a>> {
        self.all_in(&self.state.reviews, [id])
    }

    /// The orders that hold for a locality: its own and those given above it, by moment and then by position.
    #[must_use]
    pub fn directives(&self, id: LocalityId) -> Vec<DirectiveEntry<'a>> {
        self.all_in(&self.state.directives, self.lineage(id))
    }

    /// What was said of a locality in public, by moment and then by position.
    #[must_use]
    pub fn assessments(&self, id: LocalityId) -> Vec<AssessmentEntry<'a>> {
        self.all_in(&self.state.assessments, [id])
    }

    fn model_entry(&self, model: Entry<'a, ModelDefined>) -> ModelEntry<'a> {
        let group = self.group(&model.group);
        ModelEntry {
            defined: model.fact,
            group,
            recorded: model.recorded,
        }
    }

    pub(crate) fn newest<T>(&self, timeline: &'a Timeline<T>) -> Option<Entry<'a, T>> {
        let fact = timeline.newest(self.sight)?;
        Some(self.state.entry(fact))
    }

    pub(crate) fn newest_in<K: Ord, T>(
        &self,
        table: &'a BTreeMap<K, Timeline<T>>,
        key: &K,
    ) -> Option<Entry<'a, T>> {
        self.newest(table.get(key)?)
    }

    fn newest_of<T: 'a>(
        &self,
        timelines: impl Iterator<Item = &'a Timeline<T>>,
    ) -> Vec<Entry<'a, T>> {
        timelines
            .filter_map(|timeline| timeline.newest(self.sight))
            .map(|fact| self.state.entry(fact))
            .collect()
    }

    fn all_in<T>(
        &self,
        table: &'a BTreeMap<u32, Timeline<T>>,
        ids: impl IntoIterator<Item = LocalityId>,
    ) -> Vec<Entry<'a, T>> {
        let mut entries: Vec<_> = ids
            .into_iter()
            .filter_map(|id| table.get(&self.state.places.index(id)?))
            .flat_map(|timeline| timeline.seen(self.sight))
            .map(|fact| self.state.entry(fact))
            .collect();
        entries.sort_by_key(|entry| (entry.recorded.effective, entry.recorded.position));
        entries
    }
}

/// The values of a table under one place, by code.
pub(crate) fn under<K, V>(
    table: &BTreeMap<u32, BTreeMap<K, V>>,
    place: u32,
) -> impl Iterator<Item = &V> {
    table.get(&place).into_iter().flat_map(BTreeMap::values)
}
