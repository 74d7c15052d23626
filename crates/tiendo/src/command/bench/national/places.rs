//! Who reports: the units of one edition of the register, those of one parent side by side.

use std::collections::{HashMap, HashSet};

use domain::{Body, Event, Level, LocalityId};
use jiff::civil::{Date, date};
use wire::v1;

use super::Load;
use crate::command::bench::sample::salt;

/// From this day on there are 34 provinces and no districts.
pub(in crate::command::bench) const REFORM: Date = date(2025, 7, 1);

/// A place that reports.
pub(super) struct Unit {
    pub(super) id: LocalityId,
    pub(super) reference: v1::LocalityRef,
    /// Its identity as text, as subjects hold it.
    pub(super) key: String,
    pub(super) name: String,
    /// Which of the units it lies in.
    pub(super) parent: Option<usize>,
    /// Whether nothing lies in it.
    pub(super) is_leaf: bool,
    /// A number of its own.
    pub(super) salt: u64,
}

/// The units of one edition: provinces, districts, communes; parents before their children.
pub(super) struct Country {
    pub(super) units: Vec<Unit>,
    pub(super) on: Date,
}

impl Country {
    /// Runs of units with the same parent, at most so many in each.
    pub(super) fn runs(&self, most: usize) -> Vec<std::ops::Range<usize>> {
        let mut runs: Vec<std::ops::Range<usize>> = Vec::new();
        for (index, unit) in self.units.iter().enumerate() {
            match runs.last_mut() {
                Some(run) if run.len() < most && self.units[run.start].parent == unit.parent => {
                    run.end = index + 1;
                }
                _ => runs.push(index..index + 1),
            }
        }
        runs
    }

    /// The name of what a unit lies in.
    pub(super) fn above(&self, unit: usize) -> &str {
        let parent = self.units[unit].parent;
        parent.map_or("Việt Nam", |parent| &self.units[parent].name)
    }
}

/// All that the gazetteer says, in order.
pub(super) struct Register {
    events: Vec<Event>,
}

type Named = HashMap<LocalityId, (String, Option<LocalityId>)>;

impl Register {
    pub(super) fn new(events: Vec<Event>) -> Self {
        Self { events }
    }

    /// What is on record before a day.
    pub(super) fn before(&self, day: Date) -> Vec<&Event> {
        let before = |event: &&Event| event.effective.date() < day;
        self.events.iter().filter(before).collect()
    }

    /// What is recorded from a day on.
    pub(super) fn since(&self, day: Date) -> Vec<&Event> {
        let since = |event: &&Event| event.effective.date() >= day;
        self.events.iter().filter(since).collect()
    }

    pub(super) fn all(&self) -> Vec<&Event> {
        self.events.iter().collect()
    }

    /// Those that report on a day.
    pub(super) fn country(&self, on: Date, load: Load) -> Country {
        let named = self.named(on);
        let mut reporting: HashSet<LocalityId> = match load.communes {
            None => named.keys().copied().collect(),
            Some(most) => self.communes(on, load.from, most, &named),
        };
        for commune in reporting.clone() {
            let mut next = named.get(&commune).and_then(|(_, parent)| *parent);
            while let Some(id) = next {
                reporting.insert(id);
                next = named.get(&id).and_then(|(_, parent)| *parent);
            }
        }
        let parent_of = |id: &LocalityId| named.get(id).and_then(|(_, parent)| *parent);
        let mut ids: Vec<LocalityId> = reporting.into_iter().collect();
        ids.sort_unstable_by_key(|id| (id.code.level(), parent_of(id), *id));
        let at: HashMap<LocalityId, usize> = ids.iter().copied().zip(0..).collect();
        let parents: HashSet<LocalityId> = ids.iter().filter_map(parent_of).collect();
        let unit = |id: &LocalityId| {
            let key = id.to_string();
            Unit {
                id: *id,
                reference: wire::event::locality_ref(*id),
                salt: salt(&key, load.seed),
                key,
                name: named
                    .get(id)
                    .map_or_else(String::new, |(name, _)| name.clone()),
                parent: parent_of(id).and_then(|parent| at.get(&parent).copied()),
                is_leaf: !parents.contains(id),
            }
        };
        let units = ids.iter().map(unit).collect();
        Country { units, on }
    }

    /// All units that exist on a day, with their names and parents.
    fn named(&self, on: Date) -> Named {
        let mut named = Named::new();
        for event in self.events.iter().filter(|e| e.effective.date() <= on) {
            match &event.body {
                Body::LocalityRegistered(one) => {
                    named.insert(one.locality, (one.name.vi.clone(), one.parent));
                }
                Body::LocalityEnded(one) => {
                    named.remove(&one.locality);
                }
                _ => {}
            }
        }
        named
    }

    /// The first communes of a load by code; after the reform those into which these went.
    fn communes(&self, on: Date, from: Date, most: usize, named: &Named) -> HashSet<LocalityId> {
        let mut first: Vec<LocalityId> = self.named(from).into_keys().collect();
        first.retain(|id| id.code.level() == Level::Commune);
        first.sort_unstable();
        first.truncate(most);
        let chosen: HashSet<LocalityId> = first.into_iter().collect();
        let mut communes = chosen.clone();
        for event in self.events.iter().filter(|e| e.effective.date() <= on) {
            if let Body::LocalityEnded(one) = &event.body
                && chosen.contains(&one.locality)
            {
                communes.extend(one.successors.iter().map(|successor| successor.locality));
            }
        }
        communes.retain(|id| named.contains_key(id));
        communes
    }
}
