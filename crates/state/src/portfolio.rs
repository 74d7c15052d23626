//! What one organisation has: the roles and the work items that it holds, handed over, or left without anybody.
//!
//! An organisation is known by its name, whatever its case and diacritics.
//! Everything is read through the successions recorded since it was given, so whoever took over has it; a single role that was handed over is told to who gave it and to who has it.
//!
//! What becomes of a role when its place ends is decided by what is on record:
//!
//! | a successor of the place | the role |
//! |---|---|
//! | was given this very role, or is of the same level and a place above it was, and somebody holds it there | is handed over, be it to the same organisation |
//! | the same, but nobody holds it any more | is orphaned |
//! | adopted the plan, or is of the same level and the plan holds there, but nobody was given the role | is orphaned: it is in force, and nobody has it |
//! | is none, or is of another level and adopted nothing, or no plan holds there with it | ended with the place |
//!
//! Of several successors the first line that one of them is in counts.
//! So the roles of a district ended with it in the reform of 2025, while those of a province wait, each for itself, from the day on which the new one adopts the plan.
//! An open work item of a place that ended is orphaned, with successors or without: nothing of it goes over by itself.

use std::collections::{BTreeMap, BTreeSet};

use domain::event::{OwnerAssigned, Role, Scope};
use domain::locality::LocalityId;
use domain::text::fold;
use jiff::civil::Date;

use crate::owner::{AppointmentEntry, Holders, OwnerEntry};
use crate::programme::ModelStatusEntry;
use crate::reading::Reading;
use crate::succession::SuccessionEntry;
use crate::timeline::{Fact, Timeline};
use crate::work::{WorkItemEntry, WorkItemStatus};

/// What became of something that an organisation has or had.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Holding {
    /// It holds it.
    Held,
    /// It is to be held or done, and nobody does: it, or the last that took over from it, is no more and has no successor; or its locality ended, and a role is in force in a successor where nobody has it, or a work item is still open.
    Orphaned,
    /// It was taken over: by those who succeeded it or were handed it, or in a successor of its place, there maybe by the same organisation.
    HandedOver,
    /// There is nothing to hold any more: a role that ended with its place, or a work item that was closed and whose last holder is no more.
    Ended,
}

/// Where a work item stands on a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum WorkDue {
    /// Open, and past its last day.
    Overdue,
    /// Open, and its last day is that day or one of so many after it.
    Soon,
    /// Open, and due later or on no day.
    Open,
    /// Done.
    Done,
    /// Not to be done.
    Cancelled,
}

/// What an organisation has and had.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Portfolio<'a> {
    /// Its roles: what it holds first, then what is orphaned, then what was taken over, then what ended; each by plan, then by model, then by role and locality.
    pub roles: Vec<PortfolioRole<'a>>,
    /// Its work items in the same order; each by [`WorkDue`], then by last day, locality and code.
    pub items: Vec<PortfolioItem<'a>>,
}

/// A role that an organisation has or had.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PortfolioRole<'a> {
    /// Where the role was given; what was given above the locality asked for holds within it.
    pub locality: LocalityId,
    /// The appointment, and who holds it now.
    pub owner: OwnerEntry<'a>,
    /// What became of it.
    pub holding: Holding,
    /// The hand-overs of this one role by which the organisation, or who it took over from, came to it or gave it up, oldest first.
    pub hand_overs: Vec<AppointmentEntry<'a>>,
    /// First day on which the locality no longer existed; none while it exists.
    pub ended: Option<Date>,
    /// The status of the model in the locality it was given in, or asked for within that; none of a plan, and if nobody reported one.
    pub status: Option<ModelStatusEntry<'a>>,
}

/// A work item that an organisation has or had.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PortfolioItem<'a> {
    /// The work item, which names the locality.
    pub item: WorkItemEntry<'a>,
    /// What became of it.
    pub holding: Holding,
    /// Where it stands.
    pub due: WorkDue,
    /// The last succession on the way to those who have it now; none if whoever it was given to has it.
    pub succession: Option<SuccessionEntry<'a>>,
    /// First day on which its locality no longer existed; none while it exists.
    pub ended: Option<Date>,
}

/// Every role is counted once, and every work item once: by [`WorkDue`] if the organisation holds it, else by [`Holding`].
impl Portfolio<'_> {
    /// How many roles there are of a kind.
    #[must_use]
    pub fn role_count(&self, holding: Holding) -> usize {
        let of_kind = self.roles.iter().filter(|role| role.holding == holding);
        of_kind.count()
    }

    /// How many work items there are of a kind.
    #[must_use]
    pub fn item_count(&self, holding: Holding) -> usize {
        let of_kind = self.items.iter().filter(|item| item.holding == holding);
        of_kind.count()
    }

    /// How many of the work items that it holds stand so.
    #[must_use]
    pub fn held_count(&self, due: WorkDue) -> usize {
        let held = self.items.iter().filter(|it| it.holding == Holding::Held);
        held.filter(|it| it.due == due).count()
    }
}

/// What a question is about.
struct Asked {
    /// The organisation, folded.
    name: String,
    /// It, and all from which successions may lead to it, folded.
    before: BTreeSet<String>,
    within: Option<Within>,
    due_days: u32,
}

impl Asked {
    /// Whether an appointment names anybody of them.
    fn is_named_in(&self, owner: &OwnerAssigned) -> bool {
        let mut named = owner.organisations.iter().chain(&owner.from);
        named.any(|one| self.before.contains(&fold(one)))
    }
}

/// Which localities a question is about.
struct Within {
    asked: LocalityId,
    /// The locality and those above it, nearest first.
    lineage: Vec<LocalityId>,
    /// It, all that ever belonged to it, and those that ended into it with all that belonged to them.
    inside: BTreeSet<LocalityId>,
}

impl<'a> Reading<'a> {
    /// What an organisation has and had, everywhere or within a locality; a work item is due soon within `due_days` days after the one asked about.
    ///
    /// Within a locality are also the roles given above it that hold there, and what those that ended into it left.
    /// Models that were withdrawn are left out.
    #[must_use]
    pub fn portfolio(
        &self,
        organisation: &str,
        within: Option<LocalityId>,
        due_days: u32,
    ) -> Portfolio<'a> {
        let name = fold(organisation);
        let within = within.map(|asked| {
            let ended = self.ended_into(asked).into_iter();
            Within {
                asked,
                lineage: self.lineage(asked),
                inside: self.ever_within(ended.chain([asked])),
            }
        });
        let asked = Asked {
            before: self.names_before(&name),
            name,
            within,
            due_days,
        };
        let owners = self.state.owners.iter();
        let roles = owners.filter_map(|((place, scope, role), timeline)| {
            let place = self.state.places.id(*place);
            self.portfolio_role(&asked, (place, scope, *role), timeline)
        });
        let mut roles: Vec<_> = roles.collect();
        roles.sort_by_cached_key(|role| {
            let of = role.owner.fact;
            let of_model = matches!(of.scope, Scope::Model(_));
            (
                role.holding,
                of_model,
                of.scope.clone(),
                of.role,
                role.locality,
            )
        });
        let mut items = self.portfolio_items(&asked);
        items.sort_by_cached_key(|it| {
            let of = it.item.defined;
            let last_day = it.item.due().unwrap_or(Date::MAX);
            (
                it.holding,
                it.due,
                last_day,
                of.locality,
                of.work_item.clone(),
            )
        });
        Portfolio { roles, items }
    }

    /// A name and all from which successions may lead to it, folded: what was given to none of them need not be followed.
    pub(crate) fn names_before(&self, name: &str) -> BTreeSet<String> {
        let mut before: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for timeline in self.state.successions.values() {
            // Those that were replaced since count too: something may have been handed over while they held.
            for fact in timeline.seen(self.sight) {
                for successor in &fact.body.successors {
                    let names = before.entry(fold(successor)).or_default();
                    names.push(fold(&fact.body.organisation));
                }
            }
        }
        let mut found = BTreeSet::from([name.to_owned()]);
        let mut next = vec![name.to_owned()];
        while let Some(name) = next.pop() {
            for earlier in before.remove(&name).unwrap_or_default() {
                if found.insert(earlier.clone()) {
                    next.push(earlier);
                }
            }
        }
        found
    }

    /// A role of a locality, if the organisation has it, had it by succession or handed it over.
    fn portfolio_role(
        &self,
        asked: &Asked,
        (place, scope, role): (LocalityId, &Scope, Role),
        timeline: &'a Timeline<OwnerAssigned>,
    ) -> Option<PortfolioRole<'a>> {
        let is_named = |fact: &Fact<OwnerAssigned>| asked.is_named_in(&fact.body);
        if !timeline.seen(self.sight).any(is_named) || self.is_withdrawn(scope) {
            return None;
        }
        let appointed = self.newest(timeline)?;
        // What was given above the locality asked for holds there unless something was given in between.
        let (lineage, seen_in) = match &asked.within {
            Some(within) if !within.inside.contains(&place) => {
                let nearest = self.nearest(scope, &within.lineage, role);
                if nearest != Some(appointed) {
                    return None;
                }
                (within.lineage.clone(), within.asked)
            }
            _ => (self.lineage(place), place),
        };
        let named = appointed.fact.organisations.iter().map(String::as_str);
        let way = self.way(named, &lineage, appointed.recorded.effective);
        let (hand_overs, gave) = self.hand_overs(timeline, &lineage, &asked.name);
        let ended = self.locality(place).and_then(|place| place.end);
        let holding = match way.holding(&asked.name) {
            Some(Holding::Held | Holding::Orphaned) if ended.is_some() => {
                self.with_its_place(scope, role, place)
            }
            Some(holding) => holding,
            None if gave => Holding::HandedOver,
            None => return None,
        };
        let status = match scope {
            Scope::Model(model) => self.model_status(model, seen_in),
            Scope::Plan(_) => None,
        };
        let Holders {
            organisations,
            succession,
        } = way.holders;
        Some(PortfolioRole {
            locality: place,
            owner: OwnerEntry {
                appointed,
                organisations,
                succession,
            },
            holding,
            hand_overs,
            ended,
            status,
        })
    }

    /// What became of a role with the place that it was given in; the head of this module says by what that is decided.
    fn with_its_place(&self, scope: &Scope, role: Role, ended: LocalityId) -> Holding {
        let successors = self.locality(ended).map_or(&[][..], |at| at.successors);
        let plan = match scope {
            Scope::Plan(plan) => self.plan(plan),
            Scope::Model(model) => self
                .model(model)
                .and_then(|model| self.plan(&model.group?.fact.plan)),
        };
        let home = plan.map(|plan| plan.fact.locality);
        let (mut is_held, mut waits) = (false, false);
        for heir in successors.iter().map(|one| one.locality) {
            let lineage = self.lineage(heir);
            // What holds above a place of another level was not given to carry this role on.
            let is_of_its_level = heir.code.level() == ended.code.level();
            let reach = &lineage[..if is_of_its_level { lineage.len() } else { 1 }];
            if let Some(appointed) = self.nearest(scope, reach, role) {
                let is_left = self
                    .owner_entry(appointed, &lineage)
                    .organisations
                    .is_empty();
                is_held |= !is_left;
                waits |= is_left;
            }
            waits |= home.is_some_and(|home| reach.contains(&home));
        }
        match (is_held, waits) {
            (true, _) => Holding::HandedOver,
            (false, true) => Holding::Orphaned,
            (false, false) => Holding::Ended,
        }
    }

    fn portfolio_items(&self, asked: &Asked) -> Vec<PortfolioItem<'a>> {
        let mut found = Vec::new();
        for place in self.state.work_items.keys() {
            let place = self.state.places.id(*place);
            let within = asked.within.as_ref();
            if within.is_some_and(|within| !within.inside.contains(&place)) {
                continue;
            }
            let lineage = self.lineage(place);
            let ended = self.locality(place).and_then(|place| place.end);
            let mut items = self.work_items(place);
            items.retain(|item| asked.before.contains(&fold(&item.defined.organisation)));
            for item in items {
                let named = [item.defined.organisation.as_str()];
                let way = self.way(named, &lineage, item.recorded.effective);
                let holding = match way.holding(&asked.name) {
                    None => continue,
                    // What is done or called off needs nobody any more.
                    Some(Holding::Orphaned) if !item.is_open() => Holding::Ended,
                    Some(Holding::Held) if item.is_open() && ended.is_some() => Holding::Orphaned,
                    Some(holding) => holding,
                };
                found.push(PortfolioItem {
                    item,
                    holding,
                    due: self.work_due(&item, asked.due_days),
                    succession: way.holders.succession,
                    ended,
                });
            }
        }
        found
    }

    /// Where a work item stands on the day asked about; it is due soon within so many days after that.
    #[must_use]
    pub fn work_due(&self, item: &WorkItemEntry<'a>, due_days: u32) -> WorkDue {
        let today = self.as_of().date();
        match self.work_item_status(item) {
            WorkItemStatus::Completed => WorkDue::Done,
            WorkItemStatus::Cancelled => WorkDue::Cancelled,
            WorkItemStatus::Open | WorkItemStatus::Blocked => match item.due() {
                Some(due) if due < today => WorkDue::Overdue,
                Some(due) if i64::from((due - today).get_days()) <= i64::from(due_days) => {
                    WorkDue::Soon
                }
                _ => WorkDue::Open,
            },
        }
    }
}
