//! All of Vietnam's administrative units: April 2023, July 2025, and the changes between.
//!
//! A code is not an identity.
//! A unit of 2025 *continues* that of 2023 only if exactly one unit went into it, wholly, and code and name stayed the same
//! (in both lists and in the list of changes).
//! Every other unit of 2025 is a new identity `code@2025-07-01`, and that of 2023 ends.
//!
//! The events come in the order in which each names only what was registered before it:
//! the units of 2023 from the provinces down; the new units of 2025, and the continuing communes once more under their new parent
//! (a second registration revises name and parent from its effective day); the ends, with their successors.
//!
//! The list of 2023 and the changes of 2025 differ by the mergers between them, which no data set maps.
//! So a unit of 2023 that the changes do not mention ends without a known successor,
//! and a change of a unit that was created in between is attached to nothing.

use std::collections::{HashMap, HashSet};

use domain::event::{Body, Extent, LocalityEnded, LocalityRegistered, Name, Successor};
use domain::text::Moment;
use domain::text::name::{PlaceKind, fold, strip_prefix};
use domain::{Level, LocalityCode, LocalityId};
use jiff::civil::{Date, date};
use serde::Deserialize;

use super::DatasetError;
use super::table::{self, Draft, Place, Table, table};

/// Day of the older list.
const BEFORE: Date = date(2023, 4, 10);
/// Day from which the newer list holds.
const AFTER: Date = date(2025, 7, 1);
/// How an entry of the older list is sourced.
const BEFORE_TITLE: &str = "Danh mục đơn vị hành chính 10/4/2023";
/// How an entry of the newer list is sourced.
const AFTER_TITLE: &str = "Danh mục đơn vị hành chính 1/7/2025";

/// A unit as listed.
#[derive(Debug, Deserialize)]
struct Unit {
    code: LocalityCode,
    level: Level,
    name: String,
    parent_code: Option<LocalityCode>,
}

/// One way that territory went on 1 July 2025.
#[derive(Debug, Deserialize)]
struct Change {
    old_code: LocalityCode,
    old_name: String,
    new_code: LocalityCode,
    new_name: String,
    extent: Extent,
}

/// One edition of the list: the units from the provinces down.
#[derive(Debug)]
struct Edition {
    units: Vec<Unit>,
    by_code: HashMap<LocalityCode, usize>,
}

impl Edition {
    fn read(table: Table) -> Result<Self, DatasetError> {
        let mut units: Vec<Unit> = table.rows()?;
        units.sort_by_key(|unit| unit.level);
        let by_code = units
            .iter()
            .enumerate()
            .map(|(index, unit)| (unit.code, index))
            .collect();
        let edition = Self { units, by_code };
        let orphan = edition.units.iter().find(|unit| match unit.parent_code {
            Some(parent) => edition
                .get(parent)
                .is_none_or(|parent| parent.level >= unit.level),
            None => unit.level != Level::Province,
        });
        match orphan {
            Some(unit) => Err(DatasetError::UnitWithoutParent {
                file: table.file,
                code: unit.code,
            }),
            None => Ok(edition),
        }
    }

    fn get(&self, code: LocalityCode) -> Option<&Unit> {
        self.by_code.get(&code).map(|index| &self.units[*index])
    }

    /// The one unit of this name right under `parent`: as spelled, else apart from accents (`Hoà`, `Hòa`).
    fn child(&self, parent: Option<LocalityCode>, name: &str) -> Option<LocalityCode> {
        let one = |is_named: &dyn Fn(&str) -> bool| {
            let mut found = self
                .units
                .iter()
                .filter(|unit| unit.parent_code == parent && is_named(strip_prefix(&unit.name).1));
            match (found.next(), found.next()) {
                (Some(unit), None) => Some(unit.code),
                _ => None,
            }
        };
        one(&|other| other == name).or_else(|| one(&|other| fold(other) == fold(name)))
    }
}

/// The units of both lists and the changes between.
#[derive(Debug)]
pub(super) struct Gazetteer {
    before: Edition,
    after: Edition,
    changes: Vec<Change>,
    continuing: HashSet<LocalityCode>,
}

impl Gazetteer {
    /// Reads the three tables.
    pub(super) fn read() -> Result<Self, DatasetError> {
        let before = Edition::read(table!("units_2023-04-10.csv"))?;
        let after = Edition::read(table!("units_2025-07-01.csv"))?;
        let changes: Vec<Change> = table!("changes_2025-07-01.csv").rows()?;
        let stranger = changes
            .iter()
            .find(|change| after.get(change.new_code).is_none());
        if let Some(change) = stranger {
            let file = "changes_2025-07-01.csv";
            return Err(DatasetError::UnknownUnit {
                file,
                code: change.new_code,
            });
        }
        let continuing = continuing(&before, &changes);
        Ok(Self {
            before,
            after,
            changes,
            continuing,
        })
    }

    /// The identity of a place on a date.
    pub(super) fn find(
        &self,
        file: &'static str,
        place: &Place,
        on: Date,
    ) -> Result<LocalityId, DatasetError> {
        let edition = if on < AFTER {
            &self.before
        } else {
            &self.after
        };
        let code = place
            .names()
            .iter()
            .try_fold(None, |parent, name| edition.child(parent, name).map(Some))
            .flatten()
            .ok_or_else(|| DatasetError::UnknownPlace {
                file,
                place: place.to_string(),
                on,
            })?;
        Ok(if on < AFTER {
            before_id(code)
        } else {
            self.after_id(code)
        })
    }

    /// What happened, in order.
    pub(super) fn drafts(&self) -> Vec<Draft> {
        let ends = self.ends();
        let before = self
            .before
            .units
            .iter()
            .map(|unit| registered(unit, before_id, BEFORE));
        let after = self
            .after
            .units
            .iter()
            .filter(|unit| !self.continues_unchanged(unit))
            .map(|unit| registered(unit, |code| self.after_id(code), AFTER));
        before.chain(after).chain(ends).collect()
    }

    /// The identity that a code has from 1 July 2025.
    fn after_id(&self, code: LocalityCode) -> LocalityId {
        let since = if self.continuing.contains(&code) {
            BEFORE
        } else {
            AFTER
        };
        LocalityId { code, since }
    }

    /// Whether nothing about the unit is new, not even its parent.
    fn continues_unchanged(&self, unit: &Unit) -> bool {
        let parent_id = unit.parent_code.map(|code| self.after_id(code));
        let parent_before = self.before.get(unit.code).and_then(|unit| unit.parent_code);
        self.continuing.contains(&unit.code) && parent_id == parent_before.map(before_id)
    }

    /// The end of every unit of 2023 that does not continue.
    fn ends(&self) -> impl Iterator<Item = Draft> {
        let mut successors: HashMap<LocalityCode, Vec<Successor>> = HashMap::new();
        for change in &self.changes {
            let successor = Successor {
                locality: self.after_id(change.new_code),
                extent: change.extent,
            };
            successors
                .entry(change.old_code)
                .or_default()
                .push(successor);
        }
        let ending = self
            .before
            .units
            .iter()
            .filter(|unit| !self.continuing.contains(&unit.code));
        ending.map(move |unit| Draft {
            effective: Moment::end_of(AFTER),
            body: Body::LocalityEnded(LocalityEnded {
                locality: before_id(unit.code),
                successors: successors.remove(&unit.code).unwrap_or_default(),
                source: table::titled(AFTER_TITLE),
            }),
        })
    }

    /// Changes of units that were created after the older list, which can be attached to nothing.
    #[cfg(test)]
    fn unattached(&self) -> usize {
        self.changes
            .iter()
            .filter(|change| self.before.get(change.old_code).is_none())
            .count()
    }
}

/// The codes whose identity goes on: one predecessor, whole, of the same code and name.
fn continuing(before: &Edition, changes: &[Change]) -> HashSet<LocalityCode> {
    let mut predecessors: HashMap<LocalityCode, u32> = HashMap::new();
    for change in changes {
        *predecessors.entry(change.new_code).or_default() += 1;
    }
    changes
        .iter()
        .filter(|change| {
            change.extent == Extent::Full
                && predecessors.get(&change.new_code) == Some(&1)
                && change.old_code == change.new_code
                && change.old_name == change.new_name
                && before
                    .get(change.old_code)
                    .is_some_and(|unit| unit.name == change.new_name)
        })
        .map(|change| change.new_code)
        .collect()
}

fn before_id(code: LocalityCode) -> LocalityId {
    LocalityId {
        code,
        since: BEFORE,
    }
}

fn registered(unit: &Unit, id: impl Fn(LocalityCode) -> LocalityId, on: Date) -> Draft {
    Draft {
        effective: Moment::end_of(on),
        body: Body::LocalityRegistered(LocalityRegistered {
            locality: id(unit.code),
            name: unit_name(unit),
            parent: unit.parent_code.map(&id),
            // Who continues is older than the register, also when it is listed once more.
            start_known: id(unit.code).since == AFTER,
            source: table::titled(if on == AFTER {
                AFTER_TITLE
            } else {
                BEFORE_TITLE
            }),
        }),
    }
}

/// The name in both languages: `Thành phố Nha Trang`, `Nha Trang City`.
fn unit_name(unit: &Unit) -> Name {
    let (kind, proper) = strip_prefix(&unit.name);
    let proper = without_marks(proper);
    let Some(kind) = kind else {
        return table::name(&unit.name, proper);
    };
    let kind = kind_en(kind);
    let numbered = proper.bytes().all(|b| b.is_ascii_digit());
    let en = if numbered {
        format!("{kind} {proper}")
    } else {
        format!("{proper} {kind}")
    };
    table::name(&unit.name, en)
}

fn kind_en(kind: PlaceKind) -> &'static str {
    match kind {
        PlaceKind::Province => "Province",
        PlaceKind::City => "City",
        PlaceKind::UrbanDistrict | PlaceKind::RuralDistrict => "District",
        PlaceKind::Town => "Town",
        PlaceKind::Ward => "Ward",
        PlaceKind::Commune => "Commune",
        PlaceKind::Township => "Township",
        PlaceKind::SpecialZone => "Special Zone",
    }
}

/// The name in plain letters, capitals kept.
fn without_marks(name: &str) -> String {
    let mut plain = String::with_capacity(name.len());
    for c in name.chars() {
        if c.is_ascii() {
            plain.push(c);
            continue;
        }
        let folded = fold(c.encode_utf8(&mut [0; 4]));
        plain.push_str(&if c.is_uppercase() {
            folded.to_ascii_uppercase()
        } else {
            folded
        });
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_of_units_created_between_the_lists_are_attached_to_nothing() {
        let gazetteer = Gazetteer::read().unwrap();
        assert_eq!(
            (gazetteer.changes.len(), gazetteer.unattached()),
            (10_667, 15)
        );
    }

    #[test]
    fn few_units_continue() {
        let gazetteer = Gazetteer::read().unwrap();
        let of = |level| {
            gazetteer
                .continuing
                .iter()
                .filter(|code| code.level() == level)
                .count()
        };
        assert_eq!(
            (of(Level::Province), of(Level::District), of(Level::Commune)),
            (10, 0, 111)
        );
    }

    #[test]
    fn names_are_translated_the_usual_way() {
        let en = |code: &str| {
            let gazetteer = Gazetteer::read().unwrap();
            unit_name(gazetteer.before.get(code.parse().unwrap()).unwrap()).en
        };
        assert_eq!(en("01"), "Ha Noi City");
        assert_eq!(en("56"), "Khanh Hoa Province");
        assert_eq!(en("568"), "Nha Trang City");
        assert_eq!(en("268"), "Ha Dong District");
        assert_eq!(en("582"), "Phan Rang-Thap Cham City");
        assert_eq!(en("00004"), "Truc Bach Ward");
        assert_eq!(en("776"), "District 8");
        assert_eq!(en("24184"), "Ea H'leo Commune");
    }
}
