//! Two states, and the series in which they differ.

use super::*;
use crate::SeriesDifferences;

const KHANH_HOA: &str = "56@2023-04-10";
const NHA_TRANG: &str = "568@2023-04-10";

/// A province and a city, with one figure of the city at position 3.
fn ledger(value: u64) -> Ledger {
    let mut ledger = Ledger::new();
    ledger.add("2023-04-10", registered(KHANH_HOA, "Khánh Hòa", "", false));
    ledger.add(
        "2023-04-10",
        registered(NHA_TRANG, "Nha Trang", KHANH_HOA, false),
    );
    ledger.add("2023-06-02", reported(NHA_TRANG, "eid", count(value)));
    ledger
}

/// How many series differ, and of those listed the locality, how many figures each state has, and where they differ.
fn found(found: &SeriesDifferences<'_>) -> (usize, Vec<(String, [usize; 2], u64)>) {
    let one = |one: &crate::SeriesDifference<'_>| {
        (one.locality.code.to_string(), one.figures, one.position)
    };
    (found.count, found.first.iter().map(one).collect())
}

#[test]
fn the_same_events_differ_nowhere() {
    let (one, other) = (ledger(100), ledger(100));
    let differences = one.state.differing_series(&other.state, 100);
    assert_eq!(found(&differences), (0, Vec::new()));
}

#[test]
fn another_figure_is_named_though_a_newer_one_is_the_same() {
    let (mut one, mut other) = (ledger(100), ledger(101));
    for ledger in [&mut one, &mut other] {
        ledger.add("2023-07-02", reported(NHA_TRANG, "eid", count(200)));
    }
    let differences = one.state.differing_series(&other.state, 100);
    let named = ("568".to_owned(), [2, 2], 3);
    assert_eq!(found(&differences), (1, vec![named]));
    assert_eq!(differences.first[0].indicator.as_str(), "eid");
}

#[test]
fn what_only_one_of_them_has_is_named_whichever_that_is() {
    let (mut one, mut other) = (ledger(100), ledger(100));
    one.add("2023-07-02", reported(NHA_TRANG, "eid", count(200)));
    other.add("2023-07-02", reported(KHANH_HOA, "eid", count(900)));
    let nha_trang = ("568".to_owned(), [2, 1], 4);
    let khanh_hoa = ("56".to_owned(), [0, 1], 4);
    let differences = one.state.differing_series(&other.state, 100);
    let both = vec![nha_trang, khanh_hoa];
    assert_eq!(found(&differences), (2, both.clone()));
    let bounded = one.state.differing_series(&other.state, 1);
    assert_eq!(found(&bounded), (2, both[..1].to_vec()));
}

#[test]
fn a_note_and_a_source_count_as_figures_do() {
    let mut other = ledger(100);
    let mut one = ledger(100);
    let sourced = |title: &str| {
        let source = Source {
            title: title.to_owned(),
            url: String::new(),
        };
        let figure = Figure { source, ..count(7) };
        reported(NHA_TRANG, "eid", figure)
    };
    one.add("2023-07-02", sourced("Báo cáo tuần"));
    other.add("2023-07-02", sourced("Báo cáo tháng"));
    let differences = one.state.differing_series(&other.state, 100);
    assert_eq!(found(&differences).1, [("568".to_owned(), [2, 2], 4)]);
}

#[test]
fn places_that_came_in_another_order_are_the_same_places() {
    let of = |places: [(&str, &str); 2]| {
        let mut ledger = Ledger::new();
        for (place, name) in places {
            ledger.add("2023-04-10", registered(place, name, "", false));
        }
        ledger.add("2023-06-02", reported(KHANH_HOA, "eid", count(5)));
        ledger.add("2023-06-02", reported(NHA_TRANG, "eid", count(6)));
        ledger
    };
    let places = [(KHANH_HOA, "Khánh Hòa"), (NHA_TRANG, "Nha Trang")];
    let (one, other) = (of(places), of([places[1], places[0]]));
    assert_ne!(one.state.digest(), other.state.digest());
    let differences = one.state.differing_series(&other.state, 100);
    assert_eq!(found(&differences), (0, Vec::new()));
}
