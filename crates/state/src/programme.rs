//! Plans, groups, models, owners, work items and what else is on record.

use std::collections::BTreeMap;

use domain::code::{GroupCode, ModelCode, PlanCode, WorkItemCode};
use domain::event::{
    AssessmentPublished, CampaignLaunched, DirectiveIssued, GroupDefined, ModelDefined,
    ModelStatusChanged, OwnerAssigned, PlanAdopted, ReadinessReviewed, Role, Scope,
    SystemCommissioned, WorkItemCompleted, WorkItemDefined,
};
use domain::locality::LocalityId;
use jiff::civil::Date;
use serde::Serialize;

use crate::reading::Reading;
use crate::timeline::{Entry, Recorded, Stamp, Timeline};

/// A plan on record.
pub type PlanEntry<'a> = Entry<'a, PlanAdopted>;
/// A group of models on record.
pub type GroupEntry<'a> = Entry<'a, GroupDefined>;
/// Holders of a role on record.
pub type OwnerEntry<'a> = Entry<'a, OwnerAssigned>;
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
}

/// A work item on record, with its completion.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WorkItemEntry<'a> {
    /// What was defined.
    pub defined: &'a WorkItemDefined,
    /// How it was completed; none while it is open.
    pub completed: Option<Entry<'a, WorkItemCompleted>>,
    /// Where its definition stands.
    pub recorded: Recorded<'a>,
}

impl WorkItemEntry<'_> {
    /// Days past its due day; 0 if it is completed, not yet due or has no due day.
    #[must_use]
    pub fn overdue_days(&self, day: Date) -> u32 {
        match self.defined.due {
            Some(due) if self.completed.is_none() => {
                u32::try_from((day - due).get_days()).unwrap_or(0)
            }
            _ => 0,
        }
    }

    /// True if no expected result was stated, so that nothing can be counted.
    #[must_use]
    pub fn without_result(&self) -> bool {
        self.defined.expected_result.trim().is_empty()
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
        let mut plans = self.plans();
        plans.retain(|plan| lineage.contains(&plan.locality));
        plans
    }

    /// A plan.
    #[must_use]
    pub fn plan(&self, plan: &PlanCode) -> Option<PlanEntry<'a>> {
        self.newest_in(&self.state.plans, plan)
    }

    /// The groups of models, by number and then by code.
    #[must_use]
    pub fn groups(&self) -> Vec<GroupEntry<'a>> {
        let mut groups = self.newest_of(self.state.groups.values());
        groups.sort_by_key(|group| group.number);
        groups
    }

    /// A group of models.
    #[must_use]
    pub fn group(&self, group: &GroupCode) -> Option<GroupEntry<'a>> {
        self.newest_in(&self.state.groups, group)
    }

    /// The models, by the number of their group and then by code.
    #[must_use]
    pub fn models(&self) -> Vec<ModelEntry<'a>> {
        let models = self.newest_of(self.state.models.values());
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
        let plans = self.plans_for(id);
        let mut models = self.models();
        models.retain(|model| {
            model
                .group
                .is_some_and(|group| plans.iter().any(|plan| plan.plan == group.plan))
        });
        models
    }

    /// A model.
    #[must_use]
    pub fn model(&self, model: &ModelCode) -> Option<ModelEntry<'a>> {
        self.newest_in(&self.state.models, model)
            .map(|model| self.model_entry(model))
    }

    /// Who holds each role for a scope in a locality: those assigned last there, else in the nearest locality above it that has any; by role.
    #[must_use]
    pub fn owners(&self, scope: &Scope, id: LocalityId) -> Vec<OwnerEntry<'a>> {
        let places: Vec<_> = self
            .lineage(id)
            .into_iter()
            .filter_map(|id| self.state.places.index(id))
            .collect();
        let holder = |role: &Role| {
            places.iter().find_map(|place| {
                self.newest_in(&self.state.owners, &(*place, scope.clone(), *role))
            })
        };
        Role::ALL.iter().filter_map(holder).collect()
    }

    /// The appointment recorded at a position, if it is known, for this scope and this very locality.
    #[must_use]
    pub fn appointment_at(
        &self,
        scope: &Scope,
        id: LocalityId,
        position: u64,
    ) -> Option<OwnerEntry<'a>> {
        let place = self.state.places.index(id)?;
        Role::ALL.iter().find_map(|role| {
            let timeline = self.state.owners.get(&(place, scope.clone(), *role))?;
            let mut known = timeline.known(self.sight.limit);
            let fact = known.find(|fact| fact.stamp.position == position)?;
            Some(self.state.entry(fact))
        })
    }

    /// Whether the name of the person appointed at a position is known to be erased.
    #[must_use]
    pub fn is_person_erased(&self, appointment: u64) -> bool {
        let erasures = self.state.erasures.get(&appointment);
        erasures.is_some_and(|erasures| erasures.known(self.sight.limit).next().is_some())
    }

    /// The status of a model in a locality, if anybody reported one.
    #[must_use]
    pub fn model_status(&self, model: &ModelCode, id: LocalityId) -> Option<ModelStatusEntry<'a>> {
        let place = self.state.places.index(id)?;
        self.newest_in(&self.state.statuses, &(place, model.clone()))
    }

    /// The work items of a locality, by code.
    #[must_use]
    pub fn work_items(&self, id: LocalityId) -> Vec<WorkItemEntry<'a>> {
        let Some(place) = self.state.places.index(id) else {
            return Vec::new();
        };
        under(&self.state.work_items, place)
            .filter_map(|item| self.work_item_entry(item))
            .collect()
    }

    /// A work item of a locality.
    #[must_use]
    pub fn work_item(&self, id: LocalityId, work_item: &WorkItemCode) -> Option<WorkItemEntry<'a>> {
        let place = self.state.places.index(id)?;
        self.work_item_entry(self.state.work_items.get(&place)?.get(work_item)?)
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

    fn work_item_entry(&self, item: &'a WorkItem) -> Option<WorkItemEntry<'a>> {
        let defined = self.state.entry(item.defined.newest(self.sight)?);
        let completed = item
            .completed
            .newest(self.sight)
            .map(|fact| self.state.entry(fact));
        Some(WorkItemEntry {
            defined: defined.fact,
            completed,
            recorded: defined.recorded,
        })
    }

    fn newest_in<K: Ord, T>(
        &self,
        table: &'a BTreeMap<K, Timeline<T>>,
        key: &K,
    ) -> Option<Entry<'a, T>> {
        let fact = table.get(key)?.newest(self.sight)?;
        Some(self.state.entry(fact))
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
fn under<K, V>(table: &BTreeMap<u32, BTreeMap<K, V>>, place: u32) -> impl Iterator<Item = &V> {
    table.get(&place).into_iter().flat_map(BTreeMap::values)
}

/// A work item as it is kept.
#[derive(Debug, Clone, Default, Serialize)]
pub(crate) struct WorkItem {
    defined: Timeline<WorkItemDefined>,
    completed: Timeline<WorkItemCompleted>,
}

impl WorkItem {
    pub(crate) fn define(&mut self, stamp: Stamp, body: &WorkItemDefined) {
        self.defined.insert(stamp, body.clone());
    }

    pub(crate) fn complete(&mut self, stamp: Stamp, body: &WorkItemCompleted) {
        self.completed.insert(stamp, body.clone());
    }

    pub(crate) fn is_defined(&self) -> bool {
        self.defined.known(u64::MAX).next().is_some()
    }
}
