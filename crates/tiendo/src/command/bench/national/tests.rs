//! What a load must hold: its events, its numbers, its places, and that ingest would take it.

use std::collections::HashMap;

use domain::Level;
use event_log::Append;
use jiff::civil::date;
use prost::Message as _;
use state::State;
use wire::time::of_micros;

use super::*;
use crate::client::Clients;
use crate::command::bench::append::{NO_BUS, Own};
use crate::endpoints::Endpoints;

/// A week around the reform, of few communes.
const AROUND_REFORM: Load = Load {
    seed: 7,
    from: date(2025, 6, 28),
    days: 5,
    communes: Some(3),
};

fn groups(load: Load) -> (Vec<Group>, Tally) {
    let mut groups = Vec::new();
    let tally = National::new(load)
        .unwrap()
        .write(&mut |group| {
            groups.push(group);
            Ok(())
        })
        .unwrap();
    (groups, tally)
}

fn requests(load: Load) -> Vec<(i64, Append)> {
    let (groups, _) = groups(load);
    let each = groups.into_iter().flat_map(|group| {
        let known = group.known_micros;
        group.requests.into_iter().map(move |one| (known, one))
    });
    each.collect()
}

fn folded(load: Load) -> State {
    let (mut state, mut position) = (State::new(), 0);
    for (known, request) in requests(load) {
        for new in request.events {
            position += 1;
            let event = wire::event::decode_logged(&new.payload).unwrap();
            state.apply(position, of_micros(known), &event).unwrap();
        }
    }
    state
}

#[test]
fn every_event_is_what_the_log_would_keep_and_times_never_step_back() {
    let mut last = i64::MIN;
    for (known, request) in requests(AROUND_REFORM) {
        assert!(known >= last);
        last = known;
        request.check().unwrap();
        for new in &request.events {
            let event = wire::event::decode_logged(&new.payload).unwrap();
            assert_eq!(event.request_id.as_bytes(), &request.request_id);
            assert_eq!(event.body.subject().revision_key(), *new.subject);
            assert_eq!(wire::event::to_bytes(&event), &new.payload[..]);
            let message = v1_of(&new.payload);
            assert!(wire::event::accept(&message).is_ok());
        }
    }
}

fn v1_of(payload: &[u8]) -> wire::v1::Event {
    wire::v1::Event::decode(payload).unwrap()
}

#[test]
fn each_place_reports_forty_series_a_day_and_one_report_in_a_hundred_is_corrected() {
    let load = Load {
        communes: Some(20),
        from: date(2024, 3, 1),
        ..AROUND_REFORM
    };
    let (_, tally) = groups(load);
    let country = Register::new(Set::Gazetteer.events().unwrap()).country(load.from, load);
    let of = |level| {
        country
            .units
            .iter()
            .filter(move |u| u.id.code.level() == level)
    };
    assert_eq!(of(Level::Commune).count(), 20);
    assert_eq!(of(Level::Province).count(), 1);
    let reports = tally["progress.reported"];
    assert_eq!(reports, (country.units.len() * SERIES) as u64 * 5);
    let share = tally["progress.corrected"] as f64 / reports as f64;
    assert!((0.006..0.014).contains(&share), "{share} of {reports}");
    assert!(tally["quota.assigned"] > 0 && tally["owner.assigned"] > 0);
    assert!(
        !tally.contains_key("locality.ended"),
        "the reform is a year away"
    );
}

#[test]
fn the_whole_country_has_the_units_of_the_register() {
    let register = Register::new(Set::Gazetteer.events().unwrap());
    let count = |on| {
        let all = Load {
            communes: None,
            ..AROUND_REFORM
        };
        let country = register.country(on, all);
        let mut levels: HashMap<Level, usize> = HashMap::new();
        for unit in &country.units {
            *levels.entry(unit.id.code.level()).or_default() += 1;
            assert!(unit.parent.is_none() == (unit.id.code.level() == Level::Province));
        }
        [Level::Province, Level::District, Level::Commune]
            .map(|level| levels.get(&level).copied().unwrap_or(0))
    };
    assert_eq!(count(date(2025, 6, 30)), [63, 705, 10_598]);
    assert_eq!(count(REFORM), [34, 0, 3_321]);
}

#[test]
fn a_province_is_the_sum_of_its_communes_before_the_reform_and_after() {
    let state = folded(AROUND_REFORM);
    for (day, code) in [(date(2025, 6, 30), "01"), (date(2025, 7, 2), "01")] {
        let reading = state.latest(Moment::end_of(day));
        let province = reading
            .localities()
            .find(|one| one.id.code.to_string() == code)
            .unwrap();
        let (mut compared, mut communes) = (0, 0);
        for indicator in reading.indicators_of(province.id) {
            let told = reading.figure(province.id, indicator).unwrap();
            let sum = reading.roll_up(indicator, province.id, day).unwrap();
            communes = sum.reported;
            assert_eq!(
                sum.count.map(|sum| sum.value),
                told.figure.value.map(|v| v.value)
            );
            compared += 1;
        }
        assert_eq!(compared, SERIES);
        assert!(communes >= 3, "{communes} communes");
    }
}

#[test]
fn another_seed_gives_other_figures_and_the_same_one_the_same() {
    let short = Load {
        days: 1,
        ..AROUND_REFORM
    };
    let other = Load { seed: 8, ..short };
    let same = |one: &[(i64, Append)], two: &[(i64, Append)]| one == two;
    assert!(same(&requests(short), &requests(short)));
    assert!(!same(&requests(short), &requests(other)));
}

#[tokio::test(flavor = "multi_thread")]
async fn ingest_would_take_every_request_at_the_same_positions() {
    let below = tempfile::tempdir().unwrap();
    let own = Own::start(below.path(), "bench", NO_BUS).await.unwrap();
    let endpoints = Endpoints {
        ingest: own.address.clone(),
        ..Endpoints::default()
    };
    let mut ingest = Clients::new(endpoints).ingest().await.unwrap();
    let mut last = 0;
    for (_, request) in requests(AROUND_REFORM) {
        let events = request.events.iter().map(|new| v1_of(&new.payload));
        let batch = wire::v1::RecordBatchRequest {
            request_id: uuid::Uuid::from_bytes(request.request_id).to_string(),
            events: events.collect(),
            ..Default::default()
        };
        let receipt = ingest
            .record_batch(batch)
            .await
            .unwrap()
            .into_inner()
            .receipt
            .unwrap();
        assert_eq!(receipt.first_position, last + 1);
        last += request.events.len() as u64;
        assert_eq!(receipt.last_position, last);
    }
    own.stop().await.unwrap();
}
