//! Lists by name, read on from where a page ended.

use std::cell::Cell;

use domain::locality::Level;
use domain::text::collation_key;
use proptest::prelude::*;

use super::*;
use crate::Reading;

const PLACES: [&str; 7] = [
    "01@2023-04-10",
    "56@2023-04-10",
    "568@2023-04-10",
    "569@2023-04-10",
    "22348@2023-04-10",
    "22351@2023-04-10",
    "22366@2023-06-03",
];

/// Names that are alike, one of them in both forms of its letters.
const NAMES: [&str; 6] = [
    "Xã Hòa An",
    "Xã Ho\u{61}\u{300} An",
    "Xã Hòa Bình",
    "Xã Đại Lộc",
    "Xã Dai Loc",
    "Xã Dại Lộc",
];

/// Registrations, each under any of the names and below any of the upper places, and ends.
fn said() -> impl Strategy<Value = Vec<(i8, Body)>> {
    let place = || prop::sample::select(&PLACES[..]);
    let parent = prop::sample::select(&["", PLACES[0], PLACES[1], PLACES[2]][..]);
    let name = prop::sample::select(&NAMES[..]);
    let body = prop_oneof![
        6 => (place(), name, parent, any::<bool>()).prop_map(|(p, name, up, known)| registered(p, name, up, known)),
        1 => place().prop_map(|p| ended(p, Vec::new())),
    ];
    prop::collection::vec((1..=9_i8, body), 0..40)
}

/// All that are listed, put in order anew.
fn sorted(
    reading: &Reading<'_>,
    level: Option<Level>,
    parent: Option<LocalityId>,
) -> Vec<LocalityId> {
    let mut entries: Vec<_> = reading.localities_with_ended().collect();
    entries.retain(|entry| {
        level.is_none_or(|level| entry.level() == level)
            && parent.is_none_or(|parent| entry.parent == Some(parent))
    });
    entries.sort_by_key(|entry| (entry.level(), collation_key(&entry.name.vi), entry.id));
    entries.iter().map(|entry| entry.id).collect()
}

proptest! {
    #[test]
    fn a_list_by_name_is_what_sorting_makes_of_it_and_goes_on_behind_any_of_its_items(
        said in said(),
        day in 1..=9_i8,
        limit in 0..45_u64,
        level in prop::option::of(prop::sample::select(&[Level::Province, Level::District, Level::Commune][..])),
        parent in prop::option::of(prop::sample::select(&PLACES[..3])),
    ) {
        let mut ledger = Ledger::new();
        for (day, body) in said {
            ledger.add(&format!("2023-06-{day:02}"), body);
        }
        let reading = ledger.state.at(moment(&format!("2023-06-{day:02}")), limit);
        let parent = parent.map(id);
        let all = sorted(&reading, level, parent);
        let after = |last: Option<LocalityId>| -> Vec<_> {
            reading.by_name(level, parent, last).map(|entry| entry.id).collect()
        };
        prop_assert_eq!(&after(None), &all);
        for (at, last) in all.iter().enumerate() {
            prop_assert_eq!(&after(Some(*last)), &all[at + 1..]);
            let number = ledger.state.number_of(*last).unwrap();
            prop_assert_eq!(ledger.state.of_number(number), Some(*last));
        }
    }
}

#[test]
fn a_page_of_a_thousand_communes_reads_as_many_names_as_it_shows() {
    let mut ledger = Ledger::new();
    ledger.add("2023-04-10", registered(PLACES[0], "Tỉnh", "", false));
    for number in 1..=1_000 {
        let place = format!("{number:05}@2023-04-10");
        let name = format!("Xã {}", (number * 37) % 1_000);
        ledger.add("2023-04-10", registered(&place, &name, PLACES[0], false));
    }
    let reading = ledger.state.latest(moment("2023-06-01"));
    let (level, mut last, mut shown) = (Some(Level::Commune), None, Vec::new());
    loop {
        let read = Cell::new(0);
        let names = ledger.state.places.names();
        let names = names.after(level, last.and_then(|last| reading.listed_as(last)));
        let names = names.inspect(|_| read.set(read.get() + 1));
        let page: Vec<_> = reading.those_of(names, None).take(70).collect();
        assert_eq!(read.get(), page.len());
        let Some(end) = page.last() else { break };
        last = Some(end.id);
        shown.extend(page.iter().map(|entry| entry.id));
    }
    assert_eq!(shown, sorted(&reading, level, None));
}
