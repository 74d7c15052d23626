//! Rankings that are fair to small places: intervals, and peers.

use proptest::prelude::*;

use super::*;
use crate::{Ranked, Span, wilson};

const INDICATOR: &str = "eid";

/// Figures of communes, by code from 00001 on; none for one that never reported.
fn ledger(figures: impl IntoIterator<Item = Option<Figure>>) -> (Ledger, Vec<LocalityId>) {
    let (mut ledger, mut ids) = (Ledger::new(), Vec::new());
    for (number, figure) in (1..).zip(figures) {
        let place = format!("{number:05}@2025-07-01");
        ids.push(id(&place));
        if let Some(figure) = figure {
            ledger.add("2025-08-01", reported(&place, INDICATOR, figure));
        }
    }
    (ledger, ids)
}

/// A rank, the code of who has it, and between which ranks it could as well lie.
type Told = (u32, String, Option<(u32, u32)>);

fn ranks(ranked: &[Ranked]) -> Vec<Told> {
    let told = |place: &Ranked| {
        let span = place.rank_span.map(|span| (span.low, span.high));
        (place.rank, place.id.code.to_string(), span)
    };
    ranked.iter().map(told).collect()
}

#[test]
fn intervals_are_those_that_were_published() {
    for (count, whole, low, high) in [
        // Newcombe 1998, Statistics in Medicine 17, 857–872, table I, method 3.
        (81, 263, 2_553, 3_662),
        (15, 148, 624, 1_605),
        (0, 20, 0, 1_611),
        (1, 29, 61, 1_718),
        // Of nobody the upper end is z² / (n + z²), of all the lower end n / (n + z²).
        (0, 10, 0, 2_775),
        (10, 10, 7_225, 10_000),
    ] {
        assert_eq!(
            wilson(count, whole),
            Some(Span { low, high }),
            "{count}/{whole}"
        );
    }
}

#[test]
fn nothing_and_more_than_all_have_no_interval() {
    assert_eq!(wilson(0, 0), None);
    assert_eq!(wilson(12_456, 10_000), None);
    // Half of the largest number there is.
    let half = Span {
        low: 5_000,
        high: 5_000,
    };
    assert_eq!(wilson(u64::MAX / 2, u64::MAX), Some(half));
}

#[test]
fn a_small_commune_that_leads_could_as_well_be_behind() {
    // 19 of 20 lead by share, but 20 people say little; of two large communes one is surely ahead.
    let (ledger, ids) = ledger([
        Some(count_of(19, 20)),
        Some(count_of(9_000, 10_000)),
        Some(count_of(8_000, 10_000)),
    ]);
    let reading = ledger.state.latest(moment("2025-08-01"));
    let ranking = reading.rank(&code(INDICATOR), ids);
    // Wilson: 76.39–99.11 %, 89.40–90.57 %, 79.20–80.77 %.
    assert_eq!(
        ranks(&ranking.ranked),
        [
            (1, "00001".to_owned(), Some((1, 3))),
            (2, "00002".to_owned(), Some((1, 2))),
            (3, "00003".to_owned(), Some((2, 3))),
        ]
    );
    let share = ranking.ranked[0].share_span.unwrap();
    assert_eq!((share.low, share.high), (7_639, 9_911));
}

#[test]
fn equal_shares_share_rank_and_what_cannot_be_compared_has_none() {
    let (ledger, ids) = ledger([
        Some(count_of(500, 1_000)),
        Some(count_of(500, 1_000)),
        // Of a printed percentage nobody knows how many people it is of.
        Some(printed("90")),
        // A quota that was exceeded.
        Some(count_of(1_250, 1_000)),
        Some(count(700)),
        None,
    ]);
    let reading = ledger.state.latest(moment("2025-08-01"));
    // In whatever order they are asked for.
    let ranking = reading.rank(&code(INDICATOR), ids.iter().rev().copied());
    assert_eq!(
        ranks(&ranking.ranked),
        [
            (1, "00004".to_owned(), None),
            (2, "00003".to_owned(), None),
            // Both that are above are so with all that is known of them.
            (3, "00001".to_owned(), Some((3, 4))),
            (3, "00002".to_owned(), Some((3, 4))),
            (0, "00005".to_owned(), None),
        ]
    );
    assert_eq!(ranking.without_figure, ids[5..]);
}

#[test]
fn peers_are_those_of_half_to_twice_the_size() {
    let other_kind = Figure {
        denominator: Some(against("households", 1_000)),
        ..count(900)
    };
    let (ledger, ids) = ledger([
        Some(count_of(600, 1_000)),
        Some(count_of(400, 500)),
        Some(count_of(300, 499)),
        Some(count_of(1_000, 2_000)),
        Some(count_of(2_000, 2_001)),
        Some(other_kind),
        Some(printed("70")),
        None,
    ]);
    let reading = ledger.state.latest(moment("2025-08-01"));
    let peers = |of: LocalityId| reading.rank_peers(&code(INDICATOR), ids.iter().copied(), of);
    let ranking = peers(ids[0]).unwrap();
    let codes: Vec<_> = ranking.ranked.iter().map(|place| place.id).collect();
    assert_eq!(codes, [ids[1], ids[0], ids[3]]);
    let best: Vec<_> = ranking.ranked.iter().map(|place| place.rank).collect();
    assert_eq!(best, [1, 2, 3], "ranks are those among peers");
    assert_eq!(ranking.without_figure, ids[7..]);
    assert_eq!(peers(ids[6]), None, "a percentage says nothing of the size");
    assert_eq!(peers(ids[7]), None);
}

/// What communes report: mostly a count of a number of people, sometimes beyond it, a percentage alone, or nothing.
fn figures() -> impl Strategy<Value = Vec<Option<Figure>>> {
    let counted = (1..400_u64, 0..=110_u64).prop_map(|(whole, percent)| {
        let count = whole * percent / 100;
        Some(count_of(count, whole))
    });
    let printed = (0..=100_u32).prop_map(|percent| Some(printed(&percent.to_string())));
    let one = prop_oneof![
        12 => counted,
        1 => printed,
        1 => Just(Some(count(7))),
        1 => Just(None),
    ];
    proptest::collection::vec(one, 0..40)
}

/// The ranks that the intervals allow, as they are defined: each against each.
fn by_definition(mine: Span, ranked: &[Ranked]) -> (usize, usize) {
    let share = |place: &Ranked| {
        let share = place.share_hundredths?;
        let exact = Span {
            low: share,
            high: share,
        };
        Some(place.share_span.unwrap_or(exact))
    };
    let all: Vec<Span> = ranked.iter().filter_map(share).collect();
    let above = all.iter().filter(|other| other.low > mine.high).count();
    let below = all.iter().filter(|other| other.high < mine.low).count();
    (1 + above, all.len() - below)
}

proptest! {
    #[test]
    fn the_ranks_that_intervals_allow_are_those_of_the_definition(figures in figures()) {
        let (ledger, ids) = ledger(figures);
        let reading = ledger.state.latest(moment("2025-08-01"));
        let ranking = reading.rank(&code(INDICATOR), ids);
        for place in &ranking.ranked {
            let Some(share) = place.share_span else {
                prop_assert_eq!(place.rank_span, None);
                continue;
            };
            let span = place.rank_span.unwrap();
            let expected = by_definition(share, &ranking.ranked);
            prop_assert_eq!((span.low as usize, span.high as usize), expected);
            let (own, rank) = (place.share_hundredths.unwrap(), place.rank);
            prop_assert!(share.low <= own && own <= share.high, "{share:?} {own}");
            prop_assert!(span.low <= rank && rank <= span.high, "{span:?} {rank}");
        }
    }
}
