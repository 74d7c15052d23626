//! Localities: identity, hierarchy, search.
//!
//! A code is not an identity, so a look-up by code needs a day: [`Reading::resolve`].
//! An identity lives from its first day (or from before the register, if that day is not known) up to its end; what a reader knows of either depends on the position, not on the moment asked about, while whether it exists depends on that moment.

use std::collections::BTreeMap;
use std::io::Read;
use std::ops::Bound;

use domain::event::{LocalityEnded, LocalityRegistered, Name, Source, Successor};
use domain::locality::{Level, LocalityCode, LocalityId};
use domain::text::{Moment, name};
use jiff::civil::Date;

use crate::form::{Input, LoadError, Sound, UNKNOWN};
use crate::intern::next_index;
use crate::names::Names;
use crate::reading::Reading;
use crate::timeline::{Fact, Recorded, Sight, Stamp, Timeline};

/// Levels a hierarchy can have at most; more is a loop in the data.
pub(crate) const HIERARCHY_DEPTH_MAX: usize = 8;

/// Answer to a look-up by code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lookup<'a> {
    /// The identity that has the code on the day.
    Found(LocalityId),
    /// No identity known ever had the code.
    Unknown,
    /// Identities have the code, but none on the day; oldest first.
    NotValid(Vec<Life<'a>>),
}

/// The life of an identity as the reader knows it, whatever moment is asked about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Life<'a> {
    /// The identity.
    pub id: LocalityId,
    /// Its name.
    pub name: &'a Name,
    /// First day; none if it is older than the register.
    pub start: Option<Date>,
    /// First day on which it no longer exists; none if no end is known.
    pub end: Option<Date>,
    /// Where its territory went; empty if it has no known end or no data says so.
    pub successors: &'a [Successor],
}

impl Life<'_> {
    /// Whether the identity exists on a day.
    #[must_use]
    pub fn exists_on(&self, day: Date) -> bool {
        self.start.is_none_or(|start| start <= day) && self.end.is_none_or(|end| day < end)
    }
}

/// A locality on record, as it was at the moment asked about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LocalityEntry<'a> {
    /// The identity.
    pub id: LocalityId,
    /// Its name.
    pub name: &'a Name,
    /// The locality it belongs to; none for a province.
    pub parent: Option<LocalityId>,
    /// First day; none if it is older than the register.
    pub start: Option<Date>,
    /// First day on which it no longer exists; none while it exists.
    pub end: Option<Date>,
    /// Where its territory went; empty while it exists, or if no data says so.
    pub successors: &'a [Successor],
    /// Where the entry comes from.
    pub source: &'a Source,
    /// Where the registration stands.
    pub recorded: Recorded<'a>,
}

impl LocalityEntry<'_> {
    /// Its level.
    #[must_use]
    pub fn level(&self) -> Level {
        self.id.code.level()
    }

    /// Whether a search finds it by its name, accents and case ignored.
    #[must_use]
    pub fn matches(&self, query: &str) -> bool {
        name::matches(query, &self.name.vi)
            || (!self.name.en.is_empty() && name::matches(query, &self.name.en))
    }
}

impl<'a> Reading<'a> {
    /// The identity that has the code on the day asked about.
    ///
    /// Identities of one code follow each other; should two overlap, the later one has it.
    #[must_use]
    pub fn resolve(&self, code: LocalityCode) -> Lookup<'a> {
        let day = self.as_of().date();
        let lives = || {
            let known = self.state.places.of_code(code);
            known.filter_map(|id| self.life(id))
        };
        if let Some(life) = lives().rev().find(|life| life.exists_on(day)) {
            return Lookup::Found(life.id);
        }
        let lives: Vec<_> = lives().collect();
        if lives.is_empty() {
            Lookup::Unknown
        } else {
            Lookup::NotValid(lives)
        }
    }

    /// The life of an identity as the reader knows it; none if it is not registered.
    #[must_use]
    pub fn life(&self, id: LocalityId) -> Option<Life<'a>> {
        self.life_of(self.place(id)?)
    }

    fn life_of(&self, place: &'a Place) -> Option<Life<'a>> {
        let id = place.id;
        let registered = &place.registration(self.sight)?.body;
        let ended = place.ending(self.sight.limit);
        Some(Life {
            id,
            name: &registered.name,
            start: registered.start_known.then_some(id.since),
            end: ended.map(|fact| fact.stamp.effective.date()),
            successors: ended.map_or(&[], |fact| &fact.body.successors),
        })
    }

    /// A locality that exists or has ended; none if it is not registered or does not exist yet.
    #[must_use]
    pub fn locality(&self, id: LocalityId) -> Option<LocalityEntry<'a>> {
        self.locality_of(self.place(id)?)
    }

    pub(crate) fn locality_of(&self, place: &'a Place) -> Option<LocalityEntry<'a>> {
        let day = self.as_of().date();
        let life = self
            .life_of(place)
            .filter(|life| life.start.is_none_or(|start| start <= day))?;
        let fact = place.registration(self.sight)?;
        let end = life.end.filter(|end| *end <= day);
        Some(LocalityEntry {
            id: life.id,
            name: life.name,
            parent: fact.body.parent,
            start: life.start,
            end,
            successors: if end.is_some() { life.successors } else { &[] },
            source: &fact.body.source,
            recorded: self.state.recorded(fact.stamp),
        })
    }

    /// The localities that exist, provinces before districts before communes, by code.
    pub fn localities(&self) -> impl Iterator<Item = LocalityEntry<'a>> + use<'a> {
        self.localities_with_ended()
            .filter(|locality| locality.end.is_none())
    }

    /// The localities that exist or have ended, in the same order.
    pub fn localities_with_ended(&self) -> impl Iterator<Item = LocalityEntry<'a>> + use<'a> {
        let reading = *self;
        let places = &self.state.places;
        let rows = places.ids.values().map(|index| places.row(*index));
        rows.filter_map(move |place| reading.locality_of(place))
    }

    /// The identities that exist of a level, by code.
    pub fn ids_of(&self, level: Level) -> impl Iterator<Item = LocalityId> + use<'a> {
        self.sites_of(level).map(|site| site.id)
    }

    /// The localities that exist of a level, by code.
    pub(crate) fn sites_of(&self, level: Level) -> impl Iterator<Item = Site> + use<'a> {
        let (reading, places) = (*self, &self.state.places);
        // Codes are in the order of their levels.
        let of_level = places.sites().skip_while(move |site| site.level() < level);
        let of_level = of_level.take_while(move |site| site.level() == level);
        of_level.filter(move |site| reading.exists(places.row(site.index)))
    }

    /// The identities that exist or have ended, by code, from one on.
    pub fn ids_from(
        &self,
        first: Option<LocalityId>,
    ) -> impl Iterator<Item = LocalityId> + use<'a> {
        let (reading, places) = (*self, &self.state.places);
        let begin = first.map_or(Bound::Unbounded, Bound::Included);
        let those = places.ids.range((begin, Bound::Unbounded));
        let registered =
            those.filter_map(move |(_, index)| reading.locality_of(places.row(*index)));
        registered.map(|entry| entry.id)
    }

    /// The existing localities whose name a search finds, by code.
    #[must_use]
    pub fn search(&self, query: &str) -> Vec<LocalityEntry<'a>> {
        self.localities()
            .filter(|locality| locality.matches(query))
            .collect()
    }

    /// The existing localities directly below one, by code.
    #[must_use]
    pub fn children(&self, id: LocalityId) -> Vec<LocalityEntry<'a>> {
        let children = self.sites_below(id);
        children
            .filter_map(|child| self.locality_of(self.state.places.row(child.index)))
            .collect()
    }

    /// The existing localities directly below one, by code.
    fn sites_below(self, id: LocalityId) -> impl Iterator<Item = Site> + use<'a> {
        let places = &self.state.places;
        let named = places.below(id).iter().copied();
        named.filter(move |child| {
            let place = places.row(child.index);
            let parent = |fact: &Fact<LocalityRegistered>| fact.body.parent == Some(id);
            place.registration(self.sight).is_some_and(parent) && self.exists(place)
        })
    }

    /// Index and identity of the existing localities under the same parent as one, by code.
    pub(crate) fn beside(
        self,
        id: LocalityId,
    ) -> impl Iterator<Item = (u32, LocalityId)> + use<'a> {
        let own = self
            .place(id)
            .and_then(|place| place.registration(self.sight));
        let parent = own.and_then(|fact| fact.body.parent).into_iter();
        let children = parent.flat_map(move |parent| self.sites_below(parent));
        let others = children.filter(move |child| child.id != id);
        others.map(|child| (child.index, child.id))
    }

    pub(crate) fn exists(self, place: &Place) -> bool {
        let day = self.as_of().date();
        let registered = place.registration(self.sight);
        let began = registered.is_some_and(|fact| !fact.body.start_known || place.id.since <= day);
        let ending = place.ending(self.sight.limit);
        began && ending.is_none_or(|fact| fact.stamp.effective.date() > day)
    }

    /// The existing localities of a level below one, at any depth, by code.
    #[must_use]
    pub fn descendants(&self, id: LocalityId, level: Level) -> Vec<LocalityEntry<'a>> {
        let found = self.sites_within(id);
        let of_level = found.iter().filter(|site| site.level() == level);
        of_level
            .filter_map(|site| self.locality_of(self.state.places.row(site.index)))
            .collect()
    }

    /// The identities of a level that exist below one, at any depth, by code.
    #[must_use]
    pub fn ids_within(&self, id: LocalityId, level: Level) -> Vec<LocalityId> {
        let found = self.sites_within(id).into_iter();
        let of_level = found.filter(|site| site.level() == level);
        of_level.map(|site| site.id).collect()
    }

    /// The existing localities below one, at any depth, by code: so provinces come before districts before communes.
    pub(crate) fn sites_within(&self, id: LocalityId) -> Vec<Site> {
        let mut found = Vec::new();
        let mut parents = vec![id];
        for _ in 0..HIERARCHY_DEPTH_MAX {
            let below = parents.iter().flat_map(|id| self.sites_below(*id));
            let begin = found.len();
            found.extend(below);
            parents = found[begin..].iter().map(|site| site.id).collect();
        }
        found.sort_unstable();
        found.dedup();
        found
    }

    /// The localities above one, nearest first; those that have ended carry their end.
    #[must_use]
    pub fn ancestors(&self, id: LocalityId) -> Vec<LocalityEntry<'a>> {
        self.lineage(id)
            .into_iter()
            .skip(1)
            .filter_map(|id| self.locality(id))
            .collect()
    }

    /// The localities known to have been registered as belonging to one, whatever moment that speaks of, by code.
    pub(crate) fn ever_below(self, id: LocalityId) -> impl Iterator<Item = LocalityId> + use<'a> {
        let places = &self.state.places;
        let named = places.below(id).iter();
        let known = named.filter(move |child| {
            let mut said = places.row(child.index).registered.known(self.sight.limit);
            said.any(|fact| fact.body.parent == Some(id))
        });
        known.map(|child| child.id)
    }

    /// The localities known to have been said to end into one, though the last word on their end may be another, by code.
    pub(crate) fn ever_ended_into(
        self,
        id: LocalityId,
    ) -> impl Iterator<Item = LocalityId> + use<'a> {
        let places = &self.state.places;
        let named = places.behind(id).iter();
        let known = named.filter(move |site| {
            let mut said = places.row(site.index).ended.known(self.sight.limit);
            said.any(|fact| {
                let mut successors = fact.body.successors.iter();
                successors.any(|successor| successor.locality == id)
            })
        });
        known.map(|site| site.id)
    }

    /// A locality and those above it, nearest first, registered or not.
    #[must_use]
    pub fn lineage(&self, id: LocalityId) -> Vec<LocalityId> {
        let parent = |id: &LocalityId| self.place(*id)?.registration(self.sight)?.body.parent;
        std::iter::successors(Some(id), parent)
            .take(HIERARCHY_DEPTH_MAX)
            .collect()
    }

    pub(crate) fn place(&self, id: LocalityId) -> Option<&'a Place> {
        let places = &self.state.places;
        places.index(id).map(|index| places.row(index))
    }

    /// A locality that exists.
    pub(crate) fn site(&self, id: LocalityId) -> Option<Site> {
        let places = &self.state.places;
        let index = places.index(id)?;
        let site = Site { id, index };
        self.exists(places.row(index)).then_some(site)
    }
}

/// A locality and where it is kept, so that a walk over many looks none of them up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Site {
    pub(crate) id: LocalityId,
    pub(crate) index: u32,
}

impl Site {
    pub(crate) fn level(&self) -> Level {
        self.id.code.level()
    }
}

/// The localities that ever appeared.
#[derive(Debug, Clone, Default)]
pub(crate) struct Places {
    index: foldhash::HashMap<LocalityId, u32>,
    /// By code.
    ids: BTreeMap<LocalityId, u32>,
    rows: Vec<Place>,
    /// Those that ever named a locality as the one they belong to.
    below: Kin,
    /// The same by name.
    names_below: foldhash::HashMap<LocalityId, Names>,
    /// All by name.
    names: Names,
    /// Those that ever named a locality as one their territory went to.
    predecessors: Kin,
}

/// Which localities named another one, by code; follows from the rows.
#[derive(Debug, Clone, Default)]
struct Kin(foldhash::HashMap<LocalityId, Vec<Site>>);

impl Kin {
    fn insert(&mut self, named: LocalityId, by: Site) {
        let those = self.0.entry(named).or_default();
        if let Err(at) = those.binary_search(&by) {
            those.insert(at, by);
        }
    }

    fn of(&self, named: LocalityId) -> &[Site] {
        self.0.get(&named).map_or(&[], Vec::as_slice)
    }
}

/// What is on record of one locality's own life.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
pub(crate) struct Place {
    id: LocalityId,
    pub(crate) registered: Timeline<LocalityRegistered>,
    pub(crate) ended: Timeline<LocalityEnded>,
}

impl Place {
    /// The registration that holds: the newest one not after the horizon, else the earliest.
    ///
    /// A locality may be older than the moment its registration speaks of.
    pub(crate) fn registration(&self, sight: Sight) -> Option<&Fact<LocalityRegistered>> {
        let earliest = || self.registered.known(sight.limit).next();
        self.registered.newest(sight).or_else(earliest)
    }

    /// All ends, in the order they were said: the last one holds.
    pub(crate) fn ends(&self) -> Vec<(Moment, &LocalityEnded)> {
        let mut ends: Vec<_> = self.ended.known(u64::MAX).collect();
        ends.sort_by_key(|fact| fact.stamp.position);
        let said = ends.iter();
        said.map(|fact| (fact.stamp.effective, &fact.body))
            .collect()
    }

    /// The end the reader knows: what was said last about it.
    pub(crate) fn ending(&self, limit: u64) -> Option<&Fact<LocalityEnded>> {
        self.ended
            .known(limit)
            .max_by_key(|fact| fact.stamp.position)
    }
}

impl Places {
    pub(crate) fn intern(&mut self, id: LocalityId) -> u32 {
        *self.index.entry(id).or_insert_with(|| {
            let (registered, ended) = (Timeline::default(), Timeline::default());
            self.rows.push(Place {
                id,
                registered,
                ended,
            });
            let index = next_index(self.rows.len() - 1);
            self.ids.insert(id, index);
            index
        })
    }

    /// Reads the localities of a state whose actors were read.
    pub(crate) fn load(input: &mut Input<impl Read>) -> Result<Self, LoadError> {
        let mut places = Self::default();
        input.table("places").rows(|input, place: Place| {
            let known = &input.known;
            let sound = place.registered.is_sound(known) && place.ended.is_sound(known);
            input.check(sound, UNKNOWN)?;
            let index = next_index(places.rows.len());
            let site = Site {
                id: place.id,
                index,
            };
            for fact in place.registered.known(u64::MAX) {
                places.place_below(site, &fact.body);
            }
            for fact in place.ended.known(u64::MAX) {
                places.place_behind(site, &fact.body);
            }
            let before = places.index.insert(place.id, index);
            input.check(before.is_none(), "a locality comes twice")?;
            places.ids.insert(place.id, index);
            places.rows.push(place);
            Ok(())
        })?;
        input.known.places = places.rows.len();
        Ok(places)
    }

    fn place_below(&mut self, site: Site, body: &LocalityRegistered) {
        let name = &body.name.vi;
        self.names.insert(site, name);
        if let Some(parent) = body.parent {
            self.below.insert(parent, site);
            let beside = self.names_below.entry(parent).or_default();
            beside.insert(site, name);
        }
    }

    fn place_behind(&mut self, site: Site, body: &LocalityEnded) {
        for successor in &body.successors {
            self.predecessors.insert(successor.locality, site);
        }
    }

    pub(crate) fn register(&mut self, stamp: Stamp, body: &LocalityRegistered) {
        let (id, index) = (body.locality, self.intern(body.locality));
        self.place_below(Site { id, index }, body);
        self.rows[index as usize]
            .registered
            .insert(stamp, body.clone());
    }

    pub(crate) fn end(&mut self, stamp: Stamp, body: &LocalityEnded) {
        let (id, index) = (body.locality, self.intern(body.locality));
        self.place_behind(Site { id, index }, body);
        self.rows[index as usize].ended.insert(stamp, body.clone());
    }

    pub(crate) fn index(&self, id: LocalityId) -> Option<u32> {
        self.index.get(&id).copied()
    }

    pub(crate) fn id(&self, index: u32) -> LocalityId {
        self.rows[index as usize].id
    }

    /// Those that ever named a locality as the one they belong to.
    fn below(&self, id: LocalityId) -> &[Site] {
        self.below.of(id)
    }

    /// Those that were ever said to have ended into a locality.
    pub(crate) fn behind(&self, id: LocalityId) -> &[Site] {
        self.predecessors.of(id)
    }

    pub(crate) fn names(&self) -> &Names {
        &self.names
    }

    /// Those that ever named a locality as the one they belong to.
    pub(crate) fn names_below(&self, id: LocalityId) -> Option<&Names> {
        self.names_below.get(&id)
    }

    pub(crate) fn rows(&self) -> &[Place] {
        &self.rows
    }

    pub(crate) fn row(&self, index: u32) -> &Place {
        &self.rows[index as usize]
    }

    /// All, by code.
    fn sites(&self) -> impl Iterator<Item = Site> + use<'_> {
        let site = |(id, index): (&LocalityId, &u32)| Site {
            id: *id,
            index: *index,
        };
        self.ids.iter().map(site)
    }

    /// The identities of a code, oldest first.
    fn of_code(&self, code: LocalityCode) -> impl DoubleEndedIterator<Item = LocalityId> + use<'_> {
        let first = LocalityId {
            code,
            since: Date::MIN,
        };
        let last = LocalityId {
            code,
            since: Date::MAX,
        };
        self.ids.range(first..=last).map(|(id, _)| *id)
    }
}
