//! Owners: who was appointed, and who holds it since organisations were renamed, merged, split or dissolved.
//!
//! Nobody appoints anybody anew when a department is merged away: every appointment is read through the successions recorded since.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Deref;

use domain::event::{OwnerAssigned, Role, Scope};
use domain::locality::LocalityId;
use domain::text::{Moment, fold};

use crate::portfolio::Holding;
use crate::reading::Reading;
use crate::succession::SuccessionEntry;
use crate::timeline::{Entry, Fact, Stamp, Timeline};

/// Most successions that are followed from one organisation.
const CHAIN_MAX: usize = 8;

/// An appointment on record, as it was made.
pub type AppointmentEntry<'a> = Entry<'a, OwnerAssigned>;

/// The appointments by place, scope and role; it reads as their table.
#[derive(Debug, Clone, Default)]
pub(crate) struct Owners {
    table: OwnerTable,
    /// Where each scope has any; follows from the table, so that it is neither saved nor in a digest.
    places: BTreeMap<Scope, BTreeSet<u32>>,
}

type OwnerTable = BTreeMap<(u32, Scope, Role), Timeline<OwnerAssigned>>;

impl Deref for Owners {
    type Target = OwnerTable;
    fn deref(&self) -> &OwnerTable {
        &self.table
    }
}

impl Owners {
    pub(crate) fn of_table(table: OwnerTable) -> Self {
        let mut places: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
        for (place, scope, _) in table.keys() {
            places.entry(scope.clone()).or_default().insert(*place);
        }
        Self { table, places }
    }

    pub(crate) fn assign(&mut self, place: u32, stamp: Stamp, owner: &OwnerAssigned) {
        let places = self.places.entry(owner.scope.clone()).or_default();
        places.insert(place);
        let key = (place, owner.scope.clone(), owner.role);
        let timeline = self.table.entry(key).or_default();
        timeline.insert(stamp, owner.clone());
    }

    /// Those of a scope in a place, by role.
    fn given(
        &self,
        place: u32,
        scope: &Scope,
    ) -> impl Iterator<Item = (Role, &Timeline<OwnerAssigned>)> {
        let [first, last] = [Role::Lead, Role::Focal].map(|role| (place, scope.clone(), role));
        let given = self.table.range(first..=last);
        given.map(|((_, _, role), timeline)| (*role, timeline))
    }

    /// Those of a scope anywhere; no other scope's are looked at.
    pub(crate) fn of<'s>(
        &'s self,
        scope: &'s Scope,
    ) -> impl Iterator<Item = &'s Timeline<OwnerAssigned>> {
        let places = self.places.get(scope).into_iter().flatten();
        let given = places.flat_map(move |place| self.given(*place, scope));
        given.map(|(_, timeline)| timeline)
    }
}

/// Who holds what organisations were given, after all successions seen.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Holders<'a> {
    /// The organisations, in the order of those they took over from, each once; empty if all ended and nobody took over.
    pub organisations: Vec<&'a str>,
    /// The last succession on the way; none if those who were given it hold it themselves.
    pub succession: Option<SuccessionEntry<'a>>,
}

/// A role in a locality: who was appointed, and who holds it at the moment asked about.
///
/// It reads as the appointment itself, but for the organisations.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnerEntry<'a> {
    /// What was assigned, in the words of that time.
    pub appointed: AppointmentEntry<'a>,
    /// Who holds it now; empty if nobody took over.
    pub organisations: Vec<&'a str>,
    /// The last succession between the two; none if those appointed hold it themselves.
    pub succession: Option<SuccessionEntry<'a>>,
}

impl<'a> Deref for OwnerEntry<'a> {
    type Target = AppointmentEntry<'a>;
    fn deref(&self) -> &AppointmentEntry<'a> {
        &self.appointed
    }
}

impl OwnerEntry<'_> {
    /// The moment from which the present holders have it by succession; none if they were appointed themselves.
    #[must_use]
    pub fn succeeded_on(&self) -> Option<Moment> {
        self.succession
            .map(|succession| succession.recorded.effective)
    }
}

impl<'a> Reading<'a> {
    /// Who holds each role for a scope in a locality: those assigned last there, else in the nearest locality above it that has any, and who took over from them; by role.
    #[must_use]
    pub fn owners(&self, scope: &Scope, id: LocalityId) -> Vec<OwnerEntry<'a>> {
        let lineage = self.lineage(id);
        let mut nearest: BTreeMap<Role, AppointmentEntry<'a>> = BTreeMap::new();
        let places = lineage.iter();
        for place in places.filter_map(|place| self.state.places.index(*place)) {
            for (role, timeline) in self.state.owners.given(place, scope) {
                if let Some(appointed) = self.newest(timeline) {
                    nearest.entry(role).or_insert(appointed);
                }
            }
        }
        let nearest = nearest.into_values();
        nearest
            .map(|appointed| self.owner_entry(appointed, &lineage))
            .collect()
    }

    /// Who was last assigned a role for a scope in the first of some localities where anybody was.
    pub(crate) fn nearest(
        &self,
        scope: &Scope,
        lineage: &[LocalityId],
        role: Role,
    ) -> Option<AppointmentEntry<'a>> {
        let mut places = lineage.iter();
        places.find_map(|place| self.assigned(scope, *place, role))
    }

    /// Who holds, at the moment asked about, what organisations of a locality were given at an earlier one.
    ///
    /// A succession counts from that earlier moment on, in the locality or in one above it, the nearest first; one before it does not, for whoever gave it knew.
    /// At most eight successions are followed from one organisation; then the name reached stands.
    #[must_use]
    pub fn holders(
        &self,
        organisations: impl IntoIterator<Item = &'a str>,
        id: LocalityId,
        given: Moment,
    ) -> Holders<'a> {
        self.holders_below(organisations, &self.lineage(id), given)
    }

    pub(crate) fn holders_below(
        &self,
        organisations: impl IntoIterator<Item = &'a str>,
        lineage: &[LocalityId],
        given: Moment,
    ) -> Holders<'a> {
        let organisations: Vec<_> = organisations.into_iter().collect();
        // Where nothing ever became of anybody, the one named holds it; of several two may be the same.
        if organisations.len() == 1 && !self.has_successions(lineage) {
            return Holders {
                organisations,
                succession: None,
            };
        }
        self.way(organisations, lineage, given).holders
    }

    /// As [`Reading::holders`], with everybody who held it on the way.
    pub(crate) fn way(
        &self,
        organisations: impl IntoIterator<Item = &'a str>,
        lineage: &[LocalityId],
        given: Moment,
    ) -> Way<'a> {
        let mut search = Search {
            reading: *self,
            lineage,
            passed: BTreeSet::new(),
            found: BTreeSet::new(),
            holders: Holders::default(),
        };
        for organisation in organisations {
            search.follow(organisation, given, 0);
        }
        Way {
            holders: search.holders,
            passed: search.passed,
        }
    }

    pub(crate) fn owner_entry(
        &self,
        appointed: AppointmentEntry<'a>,
        lineage: &[LocalityId],
    ) -> OwnerEntry<'a> {
        let named = appointed.fact.organisations.iter().map(String::as_str);
        let holders = self.holders_below(named, lineage, appointed.recorded.effective);
        OwnerEntry {
            appointed,
            organisations: holders.organisations,
            succession: holders.succession,
        }
    }

    /// The hand-overs of a role by which an organisation of a folded name came to it or gave it up, oldest first, and whether it ever gave it up so.
    ///
    /// Whoever had it by succession gave it up, and whoever took over from the one it was handed to came to it.
    pub(crate) fn hand_overs(
        &self,
        timeline: &'a Timeline<OwnerAssigned>,
        lineage: &[LocalityId],
        name: &str,
    ) -> (Vec<AppointmentEntry<'a>>, bool) {
        let mut seen: Vec<&Fact<OwnerAssigned>> = timeline.seen(self.sight).collect();
        if seen.iter().all(|fact| fact.body.change.is_assigned()) {
            return (Vec::new(), false);
        }
        // Of one moment, the last position stands.
        seen.reverse();
        seen.dedup_by_key(|fact| fact.stamp.effective);
        seen.reverse();
        let (mut found, mut had, mut gave) = (Vec::new(), false, false);
        for (index, fact) in seen.iter().enumerate() {
            let next = seen.get(index + 1).map(|next| next.stamp.effective);
            let then = self
                .state
                .at(next.unwrap_or(self.as_of()), self.sight.limit);
            let named = fact.body.organisations.iter().map(String::as_str);
            let way = then.way(named, lineage, fact.stamp.effective);
            let has = way.leads_over(name);
            if !fact.body.change.is_assigned() {
                let gives = had || fact.body.from.iter().any(|from| fold(from) == name);
                gave |= gives && !has;
                if gives || has {
                    found.push(self.state.entry(fact));
                }
            }
            had = has;
        }
        (found, gave)
    }

    /// Who was appointed last to each role in this very locality; by scope and role.
    pub(crate) fn roles_given_in(&self, id: LocalityId) -> Vec<AppointmentEntry<'a>> {
        // A code begins with a letter or a digit, so none comes before this one.
        let (Some(place), Ok(first)) = (self.state.places.index(id), "0".parse()) else {
            return Vec::new();
        };
        let from = (place, Scope::Model(first), Role::ALL[0]);
        let roles = self.state.owners.range(from..);
        let roles = roles.take_while(|(key, _)| key.0 == place);
        let appointed = roles.filter_map(|(_, timeline)| self.newest(timeline));
        appointed.collect()
    }

    /// The appointment recorded at a position, if it is known, for this scope and this very locality.
    #[must_use]
    pub fn appointment_at(
        &self,
        scope: &Scope,
        id: LocalityId,
        position: u64,
    ) -> Option<AppointmentEntry<'a>> {
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
}

/// How something came to those who hold it.
pub(crate) struct Way<'a> {
    pub(crate) holders: Holders<'a>,
    /// Everybody who holds it or held it, folded, and since when.
    passed: BTreeSet<(String, Moment)>,
}

impl Way<'_> {
    /// Whether an organisation of a folded name holds it, or held it on the way.
    pub(crate) fn leads_over(&self, name: &str) -> bool {
        self.passed.iter().any(|(passed, _)| passed == name)
    }

    /// Whether an organisation of a folded name holds it.
    pub(crate) fn leads_to(&self, name: &str) -> bool {
        let mut holders = self.holders.organisations.iter();
        holders.any(|holder| fold(holder) == name)
    }

    /// What became of it to an organisation of a folded name, as far as organisations are concerned; none if that never had it.
    pub(crate) fn holding(&self, name: &str) -> Option<Holding> {
        let nobody = self.holders.organisations.is_empty();
        self.leads_over(name)
            .then(|| match (self.leads_to(name), nobody) {
                (true, _) => Holding::Held,
                (false, true) => Holding::Orphaned,
                (false, false) => Holding::HandedOver,
            })
    }
}

/// The way from organisations to those who took over from them.
struct Search<'r, 'a> {
    reading: Reading<'a>,
    lineage: &'r [LocalityId],
    /// Names passed, and since when: no succession is followed twice, whatever the data say.
    passed: BTreeSet<(String, Moment)>,
    /// Names that hold it, folded.
    found: BTreeSet<String>,
    holders: Holders<'a>,
}

impl<'a> Search<'_, 'a> {
    fn follow(&mut self, organisation: &'a str, since: Moment, steps: usize) {
        let name = fold(organisation);
        if !self.passed.insert((name.clone(), since)) {
            return;
        }
        let Some(succession) = self.succession(&name, since, steps) else {
            if self.found.insert(name) {
                self.holders.organisations.push(organisation);
            }
            return;
        };
        let last = self.holders.succession.map(|last| last.recorded);
        if succession.recorded.is_after(last) {
            self.holders.succession = Some(succession);
        }
        for successor in &succession.fact.successors {
            self.follow(successor, succession.recorded.effective, steps + 1);
        }
    }

    /// Of an organisation of a folded name.
    fn succession(&self, name: &str, since: Moment, steps: usize) -> Option<SuccessionEntry<'a>> {
        let mut places = self.lineage.iter().filter(|_| steps < CHAIN_MAX);
        places.find_map(|place| {
            let succession = self.reading.succession_of(*place, name)?;
            (succession.recorded.effective >= since).then_some(succession)
        })
    }
}
