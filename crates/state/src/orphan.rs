//! What nobody holds any more: after organisations ended without a successor, and after places ended with work on them.

use std::collections::BTreeSet;

use domain::event::{Role, Scope};
use domain::locality::LocalityId;
use jiff::civil::Date;

use crate::owner::AppointmentEntry;
use crate::place::HIERARCHY_DEPTH_MAX;
use crate::programme::{ModelEntry, PlanEntry};
use crate::reading::Reading;
use crate::succession::SuccessionEntry;
use crate::work::WorkItemEntry;

/// What was left without an organisation in a locality, in all within it, and in those that ended into it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Orphans<'a> {
    /// Plans of localities that ended, which no successor took over; by code.
    pub plans: Vec<OrphanedPlan<'a>>,
    /// Roles that nobody holds: those of the locality's plans by plan, model and role, then those given in it for other plans, and within it, by place.
    pub roles: Vec<OrphanedRole<'a>>,
    /// Open work items that nobody is responsible for, or whose locality ended; by locality and code.
    pub work_items: Vec<OrphanedWorkItem<'a>>,
}

/// A plan of a locality that ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrphanedPlan<'a> {
    /// The plan, which names the locality.
    pub plan: PlanEntry<'a>,
    /// First day on which the locality no longer existed.
    pub ended: Date,
    /// Its models that no successor took over either, by group and then by code.
    pub models: Vec<ModelEntry<'a>>,
}

/// A role that nobody holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrphanedRole<'a> {
    /// Where.
    pub locality: LocalityId,
    /// For what.
    pub scope: Scope,
    /// Which role.
    pub role: Role,
    /// Who was appointed last; none if a model never had a lead.
    pub appointed: Option<AppointmentEntry<'a>>,
    /// The succession that left nobody; none if nobody was ever appointed.
    pub succession: Option<SuccessionEntry<'a>>,
}

/// An open work item that nobody is responsible for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OrphanedWorkItem<'a> {
    /// The work item, which names the locality and the organisation.
    pub item: WorkItemEntry<'a>,
    /// The succession that left nobody; none if the organisation, or one that took over, is there.
    pub succession: Option<SuccessionEntry<'a>>,
    /// First day on which its locality no longer existed; none while it exists.
    pub ended: Option<Date>,
}

impl OrphanedRole<'_> {
    /// What makes it this role.
    fn key(&self) -> (LocalityId, Scope, Role) {
        (self.locality, self.scope.clone(), self.role)
    }
}

impl<'a> Reading<'a> {
    /// What was left without an organisation in a locality, in all within it, and in those that ended into it.
    ///
    /// A plan is taken over by adopting it for a successor of its locality, or by assigning an owner of it there; a model by assigning an owner of it there.
    #[must_use]
    pub fn orphans(&self, id: LocalityId) -> Orphans<'a> {
        let before = self.ended_into(id);
        let within = self.ever_within(std::iter::once(id));
        let mut roles = self.orphaned_roles(id);
        let listed: BTreeSet<_> = roles.iter().map(OrphanedRole::key).collect();
        let mut more = self.orphaned_roles_within(&within);
        more.retain(|role| !listed.contains(&role.key()));
        roles.extend(more);
        let mut everywhere = self.ever_within(before.iter().copied());
        everywhere.extend(within);
        let items = everywhere.into_iter().flat_map(|place| {
            let ended = self.locality(place).and_then(|place| place.end);
            let items = self.work_items(place).into_iter();
            items.filter_map(move |item| self.orphaned_work_item(item, ended))
        });
        Orphans {
            plans: self.orphaned_plans(id, &before),
            roles,
            work_items: items.collect(),
        }
    }

    /// Those whose territory, or a part of it, is in a locality by the moment asked about, however many ends ago.
    pub(crate) fn ended_into(&self, id: LocalityId) -> BTreeSet<LocalityId> {
        let day = self.as_of().date();
        let mut found = BTreeSet::new();
        let mut next = vec![id];
        for _ in 0..HIERARCHY_DEPTH_MAX {
            let before = next.iter().flat_map(|id| self.predecessors(*id));
            let ended = before.filter(|one| one.ended <= day).map(|one| one.id);
            next = ended.filter(|id| found.insert(*id)).collect();
        }
        found
    }

    /// Localities and all that were ever said to belong to one of them, as known at the position.
    pub(crate) fn ever_within(
        &self,
        ids: impl Iterator<Item = LocalityId>,
    ) -> BTreeSet<LocalityId> {
        let mut found: BTreeSet<LocalityId> = ids.collect();
        let mut next: Vec<LocalityId> = found.iter().copied().collect();
        while let Some(id) = next.pop() {
            next.extend(self.ever_below(id).filter(|id| found.insert(*id)));
        }
        found
    }

    fn orphaned_plans(
        &self,
        id: LocalityId,
        before: &BTreeSet<LocalityId>,
    ) -> Vec<OrphanedPlan<'a>> {
        let of_ended = self.plans().into_iter().filter_map(|plan| {
            let place = plan.fact.locality;
            let concerned = place == id || before.contains(&place);
            let same_level = place.code.level() == id.code.level();
            let gone = self
                .locality(place)
                .filter(|_| concerned && same_level)
                .and_then(|place| Some((place.end?, place.successors)));
            let (ended, successors) = gone?;
            let mut heirs = vec![id];
            heirs.extend(successors.iter().map(|successor| successor.locality));
            heirs.retain(|heir| *heir != place);
            let taken_over = |scope: &Scope| self.is_assigned_in(scope, &heirs);
            if taken_over(&Scope::Plan(plan.fact.plan.clone())) {
                return None;
            }
            let mut models = self.models();
            models.retain(|model| {
                let group = model.group.map(|group| &group.fact.plan);
                group == Some(&plan.fact.plan)
                    && !taken_over(&Scope::Model(model.defined.model.clone()))
            });
            Some(OrphanedPlan {
                plan,
                ended,
                models,
            })
        });
        of_ended.collect()
    }

    /// Whether anybody was assigned any role for a scope in one of some very localities.
    fn is_assigned_in(&self, scope: &Scope, places: &[LocalityId]) -> bool {
        let mut roles = places
            .iter()
            .flat_map(|place| Role::ALL.iter().map(move |role| (*place, *role)));
        roles.any(|(place, role)| self.assigned(scope, place, role).is_some())
    }

    /// The roles that nobody holds for the plans and models of a locality; those of one that ended, ended with it.
    fn orphaned_roles(&self, id: LocalityId) -> Vec<OrphanedRole<'a>> {
        if self.locality(id).is_some_and(|place| place.end.is_some()) {
            return Vec::new();
        }
        let plans = self.plans_for(id).into_iter();
        let mut scopes: Vec<_> = plans
            .map(|plan| Scope::Plan(plan.fact.plan.clone()))
            .collect();
        let models = self.models_for(id).into_iter();
        scopes.extend(models.map(|model| Scope::Model(model.defined.model.clone())));
        let mut orphaned = Vec::new();
        for scope in scopes {
            let owners = self.owners(&scope, id);
            let led = owners
                .iter()
                .any(|owner| owner.appointed.fact.role == Role::Lead);
            if !led && matches!(scope, Scope::Model(_)) {
                orphaned.push(OrphanedRole {
                    locality: id,
                    scope: scope.clone(),
                    role: Role::Lead,
                    appointed: None,
                    succession: None,
                });
            }
            let left = owners.iter().filter(|owner| owner.organisations.is_empty());
            orphaned.extend(left.map(|owner| OrphanedRole {
                locality: id,
                scope: scope.clone(),
                role: owner.appointed.fact.role,
                appointed: Some(owner.appointed),
                succession: owner.succession,
            }));
        }
        orphaned
    }

    /// The roles given in any of some localities, whichever locality the plan is for, and left without anybody there.
    fn orphaned_roles_within(&self, within: &BTreeSet<LocalityId>) -> Vec<OrphanedRole<'a>> {
        let exists = |place: LocalityId| self.locality(place).is_some_and(|at| at.end.is_none());
        let mut orphaned = Vec::new();
        for ((place, scope, role), timeline) in self.state.owners.iter() {
            let place = self.state.places.id(*place);
            let Some(appointed) = self
                .newest(timeline)
                .filter(|_| within.contains(&place) && exists(place))
            else {
                continue;
            };
            let owner = self.owner_entry(appointed, &self.lineage(place));
            if owner.organisations.is_empty() && !self.is_withdrawn(scope) {
                orphaned.push(OrphanedRole {
                    locality: place,
                    scope: scope.clone(),
                    role: *role,
                    appointed: Some(appointed),
                    succession: owner.succession,
                });
            }
        }
        // The table is in the order of first appearance.
        orphaned.sort_by_key(|role| role.locality);
        orphaned
    }

    /// Whether nobody is to work on a scope any more.
    pub(crate) fn is_withdrawn(&self, scope: &Scope) -> bool {
        match scope {
            Scope::Model(model) => self.withdrawn_model(model).is_some(),
            Scope::Plan(_) => false,
        }
    }

    fn orphaned_work_item(
        &self,
        item: WorkItemEntry<'a>,
        ended: Option<Date>,
    ) -> Option<OrphanedWorkItem<'a>> {
        let holders = self.responsible(&item);
        let left = holders.organisations.is_empty();
        (item.is_open() && (left || ended.is_some())).then_some(OrphanedWorkItem {
            item,
            succession: holders.succession.filter(|_| left),
            ended,
        })
    }
}
