//! Whose names are on record.

use domain::event::Event;

use super::owners::{KHANH_HOA, khanh_hoa, leads, succeeded};
use super::saved::EVERY_KIND;
use super::*;

#[test]
fn whoever_an_event_names_is_on_record_from_then_on_and_who_only_reports_is_not() {
    let mut kinds = 0;
    for line in EVERY_KIND.lines() {
        // Each in a log of its own, so that nobody else names them.
        let event: Event = serde_json::from_str(line).unwrap();
        let mut state = State::new();
        let known = instant("2023-06-01T00:00:00Z");
        state.apply(1, known, &event).unwrap();
        let reading = state.at(moment("2020-01-01"), 1);
        let mut named = event.body.organisations().peekable();
        kinds += usize::from(named.peek().is_some());
        for name in named {
            assert!(reading.organisation(name).is_ok(), "{name} of {event:?}");
        }
        let reporter = &event.actor.organisation;
        let is_named = event.body.organisations().any(|named| named == reporter);
        assert_eq!(
            reading.organisation(reporter).is_ok(),
            is_named,
            "{event:?}"
        );
    }
    assert!(kinds >= 7, "seven kinds of events name organisations");
}

#[test]
fn a_name_is_known_however_it_is_spelled_and_similar_ones_are_offered() {
    let mut ledger = khanh_hoa();
    ledger.add(
        "2023-07-04",
        leads(KHANH_HOA, &["Sở Giao thông", "Sở Y tế"]),
    );
    let before = ledger.state.position();
    ledger.add(
        "2025-03-01",
        succeeded(KHANH_HOA, "Sở Giao thông", &["Sở Xây dựng"]),
    );
    let reading = ledger.state.latest(moment("2025-06-01"));
    assert_eq!(reading.organisation("SO  giao thong"), Ok("Sở Giao thông"));
    assert_eq!(reading.organisation("so xay dung"), Ok("Sở Xây dựng"));
    let offered = vec!["Sở Giao thông", "Sở Xây dựng", "Sở Y tế"];
    assert_eq!(reading.organisation("sở"), Err(offered));
    // Who reported all of this is not known by that.
    assert_eq!(reading.organisation("Công an"), Err(Vec::new()));
    let then = ledger.state.at(moment("2025-06-01"), before);
    assert_eq!(then.organisation("Sở Xây dựng"), Err(Vec::new()));
}
