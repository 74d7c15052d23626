//! What one organisation has: the roles and the work items that it holds, handed over, or left without anybody.
//!
//! An organisation is known by its name, whatever its case and diacritics.
//! Everything is read through the successions recorded since it was given, so whoever took over has it.

use std::collections::{BTreeMap, BTreeSet};

use domain::event::Scope;
use domain::locality::LocalityId;
use domain::text::fold;
use jiff::civil::Date;

use crate::owner::{Holders, OwnerEntry, Way};
use crate::programme::ModelStatusEntry;
use crate::reading::Reading;
use crate::succession::SuccessionEntry;
use crate::work::{WorkItemEntry, WorkItemStatus};

/// What became of something that an organisation has or had.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Holding {
    /// It holds it.
    Held,
    /// It, or the last that took over from it, is no more and has no successor, or the locality ended and nobody took it over there.
    Orphaned,
    /// Others took it over.
    HandedOver,
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
    /// Its roles: what it holds first, then what is orphaned, then what others took over; each by plan, then by model, then by role and locality.
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

impl Portfolio<'_> {
    /// How many roles there are of a kind.
    #[must_use]
    pub fn role_count(&self, holding: Holding) -> usize {
        let of_kind = self.roles.iter().filter(|role| role.holding == holding);
        of_kind.count()
    }

    /// How many work items it holds that stand so.
    #[must_use]
    pub fn item_count(&self, due: WorkDue) -> usize {
        let held = self.items.iter().filter(|it| it.holding == Holding::Held);
        held.filter(|it| it.due == due).count()
    }

    /// How many of its open work items nobody holds any more.
    #[must_use]
    pub fn orphaned_item_count(&self) -> usize {
        let orphaned = |it: &&PortfolioItem<'_>| it.holding == Holding::Orphaned;
        let open = |it: &&PortfolioItem<'_>| it.item.is_open();
        self.items.iter().filter(orphaned).filter(open).count()
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
        let before = self.names_before(&name);
        let within = within.map(|asked| {
            let ended = self.ended_into(asked).into_iter();
            Within {
                asked,
                lineage: self.lineage(asked),
                inside: self.ever_within(ended.chain([asked])),
            }
        });
        let mut roles = self.portfolio_roles(&name, &before, within.as_ref());
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
        let mut items = self.portfolio_items(&name, &before, within.as_ref(), due_days);
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

    /// How an organisation is written on record; case and diacritics of the name asked for do not count.
    ///
    /// On record is whoever was given something, took something over or is no more, whatever moment that speaks of.
    ///
    /// # Errors
    ///
    /// The names that have this one in them, by name and each once, if nobody has exactly this one.
    pub fn organisation(&self, name: &str) -> Result<&'a str, Vec<&'a str>> {
        let asked = fold(name);
        let mut similar = BTreeMap::new();
        for known in self.organisations() {
            let folded = fold(known);
            if folded == asked {
                return Ok(known);
            }
            if !asked.is_empty() && folded.contains(&asked) {
                similar.entry(folded).or_insert(known);
            }
        }
        Err(similar.into_values().collect())
    }

    /// Everybody who is on record, many times over.
    fn organisations(&self) -> impl Iterator<Item = &'a str> {
        let (state, limit) = (self.state, self.sight.limit);
        let owners = state.owners.values().flat_map(move |of| of.known(limit));
        let owners = owners.flat_map(|fact| &fact.body.organisations);
        let successions = state.successions.values();
        let successions = successions.flat_map(move |of| of.known(limit));
        let successions = successions.flat_map(|fact| {
            let of = &fact.body;
            of.successors.iter().chain([&of.organisation])
        });
        let items = state.work_items.values().flat_map(BTreeMap::values);
        let items = items.flat_map(move |item| item.defined.known(limit));
        let items = items.map(|fact| &fact.body.organisation);
        owners.chain(successions).chain(items).map(String::as_str)
    }

    /// A name and all from which successions may lead to it, folded: what was given to none of them need not be followed.
    fn names_before(&self, name: &str) -> BTreeSet<String> {
        let mut before: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for timeline in self.state.successions.values() {
            if let Some(fact) = timeline.newest(self.sight) {
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

    fn portfolio_roles(
        &self,
        name: &str,
        before: &BTreeSet<String>,
        within: Option<&Within>,
    ) -> Vec<PortfolioRole<'a>> {
        let mut roles = Vec::new();
        for ((place, scope, role), timeline) in &self.state.owners {
            let place = self.state.places.id(*place);
            let Some(appointed) = self.newest(timeline) else {
                continue;
            };
            let named = &appointed.fact.organisations;
            if !named.iter().any(|one| before.contains(&fold(one))) || self.is_withdrawn(scope) {
                continue;
            }
            // What was given above the locality asked for holds there unless something was given in between.
            let (lineage, seen_in) = match within {
                Some(within) if !within.inside.contains(&place) => {
                    let nearest = self.nearest(scope, &within.lineage, *role);
                    if nearest != Some(appointed) {
                        continue;
                    }
                    (within.lineage.clone(), within.asked)
                }
                _ => (self.lineage(place), place),
            };
            let given = appointed.recorded.effective;
            let way = self.way(named.iter().map(String::as_str), &lineage, given);
            let ended = self.locality(place).and_then(|place| place.end);
            let taken_over = || self.is_taken_over(scope, place);
            let Some(holding) = holding(&way, name, ended.is_some(), taken_over) else {
                continue;
            };
            let status = match scope {
                Scope::Model(model) => self.model_status(model, seen_in),
                Scope::Plan(_) => None,
            };
            let Holders {
                organisations,
                succession,
            } = way.holders;
            roles.push(PortfolioRole {
                locality: place,
                owner: OwnerEntry {
                    appointed,
                    organisations,
                    succession,
                },
                holding,
                ended,
                status,
            });
        }
        roles
    }

    /// Whether a scope found an owner in one of those that a locality ended into, or its plan was adopted for another.
    fn is_taken_over(&self, scope: &Scope, ended: LocalityId) -> bool {
        let successors = self.locality(ended).map_or(&[][..], |at| at.successors);
        let heirs: Vec<_> = successors.iter().map(|one| one.locality).collect();
        let adopted_elsewhere = match scope {
            Scope::Plan(plan) => self
                .plan(plan)
                .is_some_and(|plan| heirs.contains(&plan.locality)),
            Scope::Model(_) => false,
        };
        adopted_elsewhere || self.is_assigned_in(scope, &heirs)
    }

    fn portfolio_items(
        &self,
        name: &str,
        before: &BTreeSet<String>,
        within: Option<&Within>,
        due_days: u32,
    ) -> Vec<PortfolioItem<'a>> {
        let mut found = Vec::new();
        for place in self.state.work_items.keys() {
            let place = self.state.places.id(*place);
            if within.is_some_and(|within| !within.inside.contains(&place)) {
                continue;
            }
            let lineage = self.lineage(place);
            let ended = self.locality(place).and_then(|place| place.end);
            let mut items = self.work_items(place);
            items.retain(|item| before.contains(&fold(&item.defined.organisation)));
            for item in items {
                let named = [item.defined.organisation.as_str()];
                let way = self.way(named, &lineage, item.recorded.effective);
                let without_place = ended.is_some() && item.is_open();
                if let Some(holding) = holding(&way, name, without_place, || false) {
                    found.push(PortfolioItem {
                        item,
                        holding,
                        due: self.work_due(&item, due_days),
                        succession: way.holders.succession,
                        ended,
                    });
                }
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

/// What became of something, to an organisation of a folded name; none if it never had it.
///
/// `taken_over` is asked only of what lost its place.
fn holding(
    way: &Way<'_>,
    name: &str,
    without_place: bool,
    taken_over: impl Fn() -> bool,
) -> Option<Holding> {
    if !way.leads_over(name) {
        return None;
    }
    let has_it = way.leads_to(name);
    let nobody = way.holders.organisations.is_empty();
    Some(match (has_it || nobody, without_place) {
        (false, _) => Holding::HandedOver,
        (true, true) if taken_over() => Holding::HandedOver,
        (true, true) => Holding::Orphaned,
        (true, false) if nobody => Holding::Orphaned,
        (true, false) => Holding::Held,
    })
}
