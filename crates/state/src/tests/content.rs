//! What was said, wherever in the log it stands.

use domain::event::{AssessmentPublished, ProgressRetracted};
use proptest::prelude::*;

use super::*;

const PLACES: [&str; 3] = ["001@2023-04-10", "003@2023-04-10", "005@2023-04-10"];
const INDICATORS: [&str; 2] = ["eid", "cccd"];

fn content(events: &[(&str, Body)]) -> String {
    let mut ledger = Ledger::new();
    for (effective, body) in events {
        ledger.add(effective, body.clone());
    }
    ledger.state.content_digest()
}

/// Reports that do not concern each other: no two of one place, indicator and day.
fn independent() -> impl Strategy<Value = Vec<(Moment, Body)>> {
    let one = (
        prop::sample::select(&PLACES[..]),
        prop::sample::select(&INDICATORS[..]),
        1..=9_i8,
        0..5_000_u64,
    );
    prop::collection::vec(one, 0..25).prop_map(|reports| {
        let mut kept = std::collections::BTreeMap::new();
        for (place, indicator, day, value) in reports {
            kept.insert((place, indicator, day), value);
        }
        let events = kept.into_iter().map(|((place, indicator, day), value)| {
            let effective = Moment::end_of(Date::constant(2023, 6, day));
            (effective, reported(place, indicator, count(value)))
        });
        events.collect()
    })
}

/// Folds reports, each known a second after the one before it, from an office of its own.
fn told(events: &[(Moment, Body)], office: &str) -> State {
    let mut state = State::new();
    for (position, (effective, body)) in (1..).zip(events) {
        let mut event = event(*effective, body.clone());
        event.actor.office = office.to_owned();
        let known = Timestamp::from_second(1_700_000_000 + i64::try_from(position).unwrap());
        state.apply(position, known.unwrap(), &event).unwrap();
    }
    state
}

proptest! {
    #[test]
    fn the_order_of_independent_reports_does_not_change_the_content(
        (events, shuffled) in independent()
            .prop_flat_map(|events| (Just(events.clone()), Just(events).prop_shuffle())),
        other in independent(),
    ) {
        let (first, second) = (told(&events, "Trưởng"), told(&shuffled, "Phó"));
        prop_assert_eq!(first.content_digest(), second.content_digest());
        prop_assert_eq!(first.digest() == second.digest(), events.is_empty());
        let other_content = told(&other, "Trưởng").content_digest();
        prop_assert_eq!(first.content_digest() == other_content, events == other);
    }
}

#[test]
fn a_correction_belongs_to_what_it_corrects_wherever_both_stand() {
    let first = || ("2023-06-05", reported(PLACES[0], "eid", count(10)));
    let second = || ("2023-06-05", reported(PLACES[1], "eid", count(20)));
    let right = |position| {
        (
            "2023-06-05",
            corrected(PLACES[0], "eid", position, count(11)),
        )
    };
    let retracted = |position| {
        let body = Body::ProgressRetracted(ProgressRetracted {
            retracts: position,
            locality: id(PLACES[1]),
            indicator: code("eid"),
            reason: "nhầm nơi".to_owned(),
        });
        ("2023-06-05", body)
    };
    let one = content(&[first(), second(), right(1), retracted(2)]);
    assert_eq!(one, content(&[second(), retracted(1), first(), right(3)]));
    // A figure that was said twice and corrected once is something else.
    assert_ne!(one, content(&[first(), second(), right(1)]));
    assert_ne!(
        one,
        content(&[first(), first(), second(), right(1), retracted(3)])
    );
}

#[test]
fn order_counts_where_the_later_holds_and_only_there() {
    let rivals = [1, 2].map(|value| ("2023-06-05", reported(PLACES[0], "eid", count(value))));
    let [a, b] = rivals;
    assert_ne!(content(&[a.clone(), b.clone()]), content(&[b, a]));
    let praised = |assessment, indicator: &str| {
        let body = Body::AssessmentPublished(AssessmentPublished {
            locality: id(PLACES[0]),
            indicator: Some(code(indicator)),
            assessment,
            text: vi("Hoàn thành"),
            source: Source::default(),
        });
        ("2023-06-05", body)
    };
    let assessment = domain::event::Assessment::Commended;
    let (a, b) = (praised(assessment, "eid"), praised(assessment, "cccd"));
    assert_eq!(content(&[a.clone(), b.clone()]), content(&[b, a]));
}
