//! Localities in the order of their names, so that a list is read on from where a page of it ended.
//!
//! A locality stands in it under every name that it was ever registered with, for a reader of the past sees an earlier one; whoever reads passes over the names that do not hold for the sight, so each locality comes once.
//! It follows from the registrations, so no digest and no saved state holds it.

use std::collections::BTreeMap;
use std::ops::Bound;

use domain::locality::{Level, LocalityId};
use domain::text::{collation_key, nfc};

use crate::place::{LocalityEntry, Site};
use crate::reading::Reading;
use crate::state::State;

/// Level, place of the name in Vietnamese order, identity; nobody stands before all of a level.
pub(crate) type Key = (Level, Vec<u8>, Option<LocalityId>);

/// Localities by level and name, the same one under each of its names.
#[derive(Debug, Clone, Default)]
pub(crate) struct Names(BTreeMap<Key, Named>);

/// Who has a name.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Named {
    index: u32,
    /// Bytes of the name itself, with which its place in the order ends.
    bytes: usize,
}

impl Names {
    pub(crate) fn insert(&mut self, site: Site, name: &str) {
        let named = Named {
            index: site.index,
            bytes: nfc(name).len(),
        };
        self.0.insert(key(site.id, name), named);
    }

    /// From behind one on; only those of a level, if there is one.
    pub(crate) fn after(
        &self,
        level: Option<Level>,
        after: Option<Key>,
    ) -> impl Iterator<Item = (&Key, Named)> {
        let begin = match (after, level) {
            (Some(last), _) => Bound::Excluded(last),
            (None, Some(level)) => Bound::Included((level, Vec::new(), None)),
            (None, None) => Bound::Unbounded,
        };
        let names = self.0.range((begin, Bound::Unbounded));
        let names = names.map(|(key, named)| (key, *named));
        names.take_while(move |(key, _)| level.is_none_or(|level| key.0 == level))
    }
}

fn key(id: LocalityId, name: &str) -> Key {
    (id.code.level(), collation_key(name), Some(id))
}

/// Whether somebody stands in the order by a name.
fn is_named((_, order, _): &Key, named: Named, name: &str) -> bool {
    let listed = &order[order.len() - named.bytes..];
    // Nearly every name is kept in the form in which it is listed.
    listed == name.as_bytes() || listed == nfc(name).as_bytes()
}

impl<'a> Reading<'a> {
    /// The localities that exist or have ended, of a level and directly below another if so asked: provinces before districts before communes, each level in Vietnamese order of the names.
    ///
    /// From behind one of them on; behind one that is not registered stand all.
    /// No more is read than is asked for.
    pub fn by_name(
        &self,
        level: Option<Level>,
        parent: Option<LocalityId>,
        after: Option<LocalityId>,
    ) -> impl Iterator<Item = LocalityEntry<'a>> + use<'a> {
        let places = &self.state.places;
        let names = match parent {
            Some(parent) => places.names_below(parent),
            None => Some(places.names()),
        };
        let last = after.and_then(|id| self.listed_as(id));
        let named = names.map(|names| names.after(level, last));
        self.those_of(named.into_iter().flatten(), parent)
    }

    /// Where a locality stands by the name that it has.
    pub(crate) fn listed_as(&self, id: LocalityId) -> Option<Key> {
        let registered = self.place(id)?.registration(self.sight)?;
        Some(key(id, &registered.body.name.vi))
    }

    /// The localities of some names that hold.
    pub(crate) fn those_of(
        self,
        names: impl Iterator<Item = (&'a Key, Named)>,
        parent: Option<LocalityId>,
    ) -> impl Iterator<Item = LocalityEntry<'a>> {
        names.filter_map(move |(key, named)| {
            let entry = self.locality_of(self.state.places.row(named.index))?;
            let lies_there = parent.is_none_or(|parent| entry.parent == Some(parent));
            (lies_there && is_named(key, named, &entry.name.vi)).then_some(entry)
        })
    }
}

impl State {
    /// The number of a locality: how many appeared in the log before it; the same in every state of the log.
    #[must_use]
    pub fn number_of(&self, id: LocalityId) -> Option<u32> {
        self.places.index(id)
    }

    /// The locality of a number.
    #[must_use]
    pub fn of_number(&self, number: u32) -> Option<LocalityId> {
        let is_there = (number as usize) < self.places.rows().len();
        is_there.then(|| self.places.id(number))
    }
}
