//! Stories of figures that do not fit what is on record.

use domain::finding::{Check, Severity};
use event_log::ReadLimit;
use wire::v1;

use crate::writer::{Accepted, Refused};
use crate::writer_tests::{World, event, indicator, locality, reasons, registered, report, source};

/// A report of the indicator `eid`.
fn count(effective: &str, count: i64) -> v1::Event {
    of("eid", effective, count)
}

fn of(indicator: &str, effective: &str, count: i64) -> v1::Event {
    let mut event = report(indicator, effective);
    edit(&mut event, |report| report.value = exactly(count));
    event
}

fn edit(event: &mut v1::Event, change: impl FnOnce(&mut v1::ProgressReported)) {
    match &mut event.body {
        Some(v1::event::Body::ProgressReported(report)) => change(report),
        other => panic!("expected a report, found {other:?}"),
    }
}

fn exactly(count: i64) -> Option<v1::Quantity> {
    Some(v1::Quantity {
        number: Some(v1::quantity::Number::Count(count)),
        bound: 0,
    })
}

fn corrected(effective: &str, corrects: u64, count: i64) -> v1::Event {
    let body = v1::ProgressCorrected {
        corrects,
        locality: locality(""),
        indicator: "eid".to_owned(),
        value: exactly(count),
        source: source(),
        reason: "nhập nhầm".to_owned(),
        ..Default::default()
    };
    event(effective, v1::event::Body::ProgressCorrected(body))
}

fn retracted(effective: &str, retracts: u64) -> v1::Event {
    let body = v1::ProgressRetracted {
        retracts,
        locality: locality(""),
        indicator: "eid".to_owned(),
        reason: "không phải số liệu của phường".to_owned(),
    };
    event(effective, v1::event::Body::ProgressRetracted(body))
}

fn related(indicator: &str, relation: v1::Relation, other: &str) -> v1::Event {
    let body = v1::IndicatorRelated {
        indicator: indicator.to_owned(),
        relation: relation as i32,
        other: other.to_owned(),
    };
    event("2023-01-01", v1::event::Body::IndicatorRelated(body))
}

fn position(accepted: Result<Accepted, Refused>) -> u64 {
    accepted.unwrap().receipt.first
}

/// What stands in the log at a position.
fn findings(world: &World, position: u64) -> Vec<(Check, Severity, Option<u64>)> {
    let limit = ReadLimit {
        events: 1,
        bytes: 1 << 20,
    };
    let record = &world.log.read(position, limit).unwrap()[0];
    let event = wire::event::decode_logged(&record.payload).unwrap();
    let found = event.findings.iter();
    found
        .map(|finding| (finding.check, finding.severity, finding.position))
        .collect()
}

#[tokio::test]
async fn a_fall_of_one_percent_is_flagged_and_one_of_three_refused() {
    let world = World::new().await;
    let first = position(world.record(2, vec![count("2023-06-05", 10_000)]).await);
    let fell = world.record(3, vec![count("2023-06-12", 9_900)]).await;
    let fell = position(fell);
    let falls = (Check::CumulativeFalls, Severity::Warning, Some(first));
    assert_eq!(findings(&world, fell), [falls]);

    let head = world.log.head();
    let refused = world.record(4, vec![count("2023-06-19", 9_500)]).await;
    let Err(Refused::Invalid(violations)) = refused else {
        panic!("expected a refusal");
    };
    assert_eq!(violations[0].field, "event.progress_reported.value");
    assert_eq!(violations[0].reason.code(), "CUMULATIVE_FALLS");
    assert_eq!(
        violations[0].detail,
        format!(
            "9,500 is 4.1 % below the 9,900 of 2023-06-12 (position {fell}); correct or retract that figure first; if it is right, confirm CUMULATIVE_FALLS and say why"
        )
    );
    assert_eq!(world.log.head(), head, "nothing refused leaves a trace");
}

#[tokio::test]
async fn a_fall_is_taken_once_the_higher_figure_is_corrected_or_retracted() {
    let world = World::new().await;
    let typo = position(world.record(2, vec![count("2023-06-05", 19_000)]).await);
    let lower = || count("2023-06-12", 9_500);
    let refused = world.record(3, vec![lower()]).await;
    assert_eq!(reasons(refused), ["CUMULATIVE_FALLS"]);
    // The correction and what rests on it, in one batch.
    let both = vec![corrected("2023-06-05", typo, 9_000), lower()];
    let both = position(world.record(4, both).await);
    assert_eq!(findings(&world, both + 1), []);

    let wrong = position(world.record(5, vec![count("2023-06-19", 30_000)]).await);
    let next = || count("2023-06-26", 9_800);
    assert_eq!(
        reasons(world.record(6, vec![next()]).await),
        ["CUMULATIVE_FALLS"]
    );
    world
        .record(7, vec![retracted("2023-06-19", wrong)])
        .await
        .unwrap();
    world.record(8, vec![next()]).await.unwrap();
}

#[tokio::test]
async fn a_correction_may_lower_a_series_and_is_told() {
    let world = World::new().await;
    let first = position(world.record(2, vec![count("2023-06-05", 10_000)]).await);
    let second = position(world.record(3, vec![count("2023-06-12", 11_000)]).await);
    let lowered = world
        .record(4, vec![corrected("2023-06-12", second, 9_000)])
        .await;
    let falls = (Check::CumulativeFalls, Severity::Warning, Some(first));
    assert_eq!(findings(&world, position(lowered)), [falls]);
}

#[tokio::test]
async fn ten_times_as_much_in_a_week_is_refused_unless_somebody_insists() {
    let world = World::new().await;
    let first = position(world.record(2, vec![count("2023-06-05", 26_995)]).await);
    let leap = || count("2023-06-12", 270_000);
    assert_eq!(
        reasons(world.record(3, vec![leap()]).await),
        ["FACTOR_OF_TEN"]
    );
    let mut insisted = leap();
    insisted.confirmed_checks = vec!["FACTOR_OF_TEN".to_owned()];
    edit(&mut insisted, |report| {
        report.note = "gộp số liệu toàn thành phố".to_owned()
    });
    let kept = world.record(4, vec![insisted.clone()]).await.unwrap();
    assert_eq!(kept.told.findings.len(), 1);
    let blocking = (Check::FactorOfTen, Severity::Blocking, Some(first));
    assert_eq!(findings(&world, kept.receipt.first), [blocking]);
    // Whoever repeats the request gets its old receipt and what was found then.
    let again = world.record(4, vec![insisted]).await.unwrap();
    assert!(again.receipt.repeated);
    assert_eq!(again.receipt.first, kept.receipt.first);
    assert_eq!(again.told.findings, kept.told.findings);
}

#[tokio::test]
async fn nobody_activates_more_accounts_than_were_collected_that_day() {
    let world = World::new().await;
    let collected = indicator("eid.collected", 1);
    let relation = related("eid", v1::Relation::AtMost, "eid.collected");
    world.record(2, vec![collected, relation]).await.unwrap();
    let batch = vec![
        of("eid.collected", "2023-06-05", 8_000),
        of("eid", "2023-06-05", 9_000),
    ];
    assert_eq!(reasons(world.record(3, batch).await), ["ABOVE_RELATED"]);
    world
        .record(4, vec![of("eid", "2023-06-05", 8_000)])
        .await
        .unwrap();
    let below = world
        .record(5, vec![of("eid.collected", "2023-06-05", 7_999)])
        .await;
    assert_eq!(reasons(below), ["ABOVE_RELATED"]);
}

#[tokio::test]
async fn sixty_five_percent_is_printed_where_fifty_six_follow() {
    let world = World::new().await;
    let received = indicator("cccd.received", 1);
    let sent = indicator("cccd.sent", 1);
    let relation = related("cccd.sent", v1::Relation::CountedAgainst, "cccd.received");
    world
        .record(2, vec![received, sent, relation])
        .await
        .unwrap();
    // Hà Nội, 25 April 2021, as printed.
    let mut share = of("cccd.sent", "2023-04-25", 1_959_000);
    edit(&mut share, |report| report.percent = "65%".to_owned());
    let batch = vec![of("cccd.received", "2023-04-25", 3_485_629), share];
    let last = world.record(3, batch).await.unwrap().receipt.last;
    let contradicts = (Check::PercentContradicts, Severity::Warning, None);
    assert_eq!(findings(&world, last), [contradicts]);
}

#[tokio::test]
async fn two_official_figures_for_one_day_are_both_kept() {
    let world = World::new().await;
    // Hà Tĩnh, 10 May 2023.
    let first = position(world.record(2, vec![count("2023-05-10", 1_130_342)]).await);
    let mut other = count("2023-05-10", 1_128_438);
    edit(&mut other, |report| {
        report.source = Some(v1::Source {
            title: "Công an tỉnh".to_owned(),
            url: String::new(),
        });
    });
    let second = position(world.record(3, vec![other]).await);
    let rival = (Check::RivalFigure, Severity::Warning, Some(first));
    assert_eq!(findings(&world, second), [rival]);
}

#[tokio::test]
async fn a_file_with_a_changed_figure_is_told_where_the_old_one_stands() {
    let mut world = World::new().await;
    let old = vec![count("2023-06-05", 100), count("2023-06-12", 120)];
    let receipt = world.record(2, old).await.unwrap().receipt;
    world.skip_known = true;
    let new = vec![
        count("2023-06-05", 100),
        count("2023-06-12", 125),
        count("2023-06-19", 140),
    ];
    let told = world.record(3, new).await.unwrap().told;
    assert_eq!(
        (told.known[0].event_index, told.known[0].position),
        (0, receipt.first)
    );
    assert_eq!(
        (told.changed[0].event_index, told.changed[0].position),
        (1, receipt.last)
    );
    assert_eq!(
        world.log.head(),
        receipt.last + 1,
        "only the new figure is recorded"
    );
    // Once it is corrected, both files are known: the old one undoes nothing.
    world.skip_known = false;
    let correction = vec![corrected("2023-06-12", receipt.last, 125)];
    world.record(4, correction).await.unwrap();
    world.skip_known = true;
    for (id, again) in [(5, 120), (6, 125)] {
        let told = world
            .record(id, vec![count("2023-06-12", again)])
            .await
            .unwrap()
            .told;
        assert_eq!((told.known.len(), told.changed.len()), (1, 0), "{again}");
    }
}

#[tokio::test]
async fn what_is_only_a_property_is_a_note() {
    let world = World::new().await;
    let mut vague = count("2023-06", 1_366);
    edit(&mut vague, |report| {
        report.value = Some(v1::Quantity {
            number: Some(v1::quantity::Number::Text("trên 1.366".to_owned())),
            bound: 0,
        });
        report.denominator = Some(v1::Denominator {
            kind: "list".to_owned(),
            value: exactly(1_000),
            derived: true,
        });
    });
    let at = position(world.record(2, vec![vague]).await);
    let notes: Vec<Check> = findings(&world, at).iter().map(|found| found.0).collect();
    let expected = [
        Check::OverDenominator,
        Check::VagueFigure,
        Check::MonthOnly,
        Check::DerivedDenominator,
    ];
    assert_eq!(notes, expected);
    assert!(
        findings(&world, at)
            .iter()
            .all(|found| found.1 == Severity::Note)
    );
}

/// A place within another, of which nothing but that is said.
fn within(code: &str, parent: &str) -> v1::Event {
    let mut event = registered("2023-04-10", false);
    let place = |code: &str| {
        Some(v1::LocalityRef {
            code: code.to_owned(),
            since: "2023-04-10".to_owned(),
        })
    };
    match &mut event.body {
        Some(v1::event::Body::LocalityRegistered(place_of)) => {
            place_of.locality = place(code);
            place_of.parent = (!parent.is_empty()).then(|| place(parent)).flatten();
        }
        other => panic!("expected a registration, found {other:?}"),
    }
    event
}

fn in_place(code: &str, people: i64) -> v1::Event {
    let mut event = count("2023-06-05", people);
    edit(&mut event, |report| {
        report.locality = Some(v1::LocalityRef {
            code: code.to_owned(),
            since: String::new(),
        });
    });
    event
}

#[tokio::test]
async fn the_districts_add_up_to_the_province_or_it_is_told() {
    let world = World::new().await;
    let places = vec![within("01", ""), within("001", "01"), within("002", "01")];
    world.record(2, places).await.unwrap();
    let sum = vec![related("eid", v1::Relation::Sum, "")];
    world.record(3, sum).await.unwrap();
    // Nothing is told before both districts have reported.
    let whole = position(world.record(4, vec![in_place("01", 1_000)]).await);
    let first = position(world.record(5, vec![in_place("001", 400)]).await);
    assert_eq!(
        (findings(&world, whole), findings(&world, first)),
        (vec![], vec![])
    );
    let last = position(world.record(6, vec![in_place("002", 500)]).await);
    let sum = (Check::ChildrenSum, Severity::Warning, Some(whole));
    assert_eq!(findings(&world, last), [sum]);
}

#[tokio::test]
async fn what_a_file_corrects_refuses_nothing_of_the_same_file() {
    let mut world = World::new().await;
    let typo = vec![count("2023-06-01", 100), count("2023-06-02", 1_500)];
    let last = world.record(2, typo).await.unwrap().receipt.last;
    (world.skip_known, world.validate_only) = (true, true);
    // The right figures, also in an order in which the correction comes last.
    let right = [
        count("2023-06-03", 200),
        count("2023-06-01", 100),
        count("2023-06-02", 150),
    ];
    for (id, order) in [(3, [0, 1, 2]), (4, [1, 2, 0])] {
        let events = order.map(|index: usize| right[index].clone()).to_vec();
        let told = world.record(id, events).await.unwrap().told;
        assert_eq!((told.known.len(), told.changed.len()), (1, 1));
        assert_eq!(told.changed[0].position, last);
    }
    assert_eq!(world.log.head(), last);
}

#[tokio::test]
async fn a_file_that_says_less_takes_nothing_away() {
    let mut world = World::new().await;
    let mut full = count("2023-06-05", 8_000);
    edit(&mut full, |report| {
        report.percent = "80%".to_owned();
        report.denominator = Some(v1::Denominator {
            kind: "quota".to_owned(),
            value: exactly(10_000),
            derived: false,
        });
    });
    world.record(2, vec![full]).await.unwrap();
    world.skip_known = true;
    let mut percent = count("2023-06-05", 0);
    edit(&mut percent, |report| {
        (report.value, report.percent) = (None, "80%".to_owned());
    });
    for (id, less) in [(3, count("2023-06-05", 8_000)), (4, percent)] {
        let told = world.record(id, vec![less]).await.unwrap().told;
        assert_eq!((told.known.len(), told.changed.len()), (1, 0));
    }
    let told = world
        .record(5, vec![count("2023-06-05", 8_100)])
        .await
        .unwrap()
        .told;
    assert_eq!(told.changed.len(), 1);
}

#[tokio::test]
async fn a_month_contradicts_no_day_of_its_own_and_a_day_no_hour() {
    let world = World::new().await;
    world
        .record(2, vec![count("2023-05", 1_000)])
        .await
        .unwrap();
    world
        .record(3, vec![count("2023-05-20", 1_300)])
        .await
        .unwrap();
    assert_eq!(
        reasons(world.record(4, vec![count("2023-06-01", 900)]).await),
        ["CUMULATIVE_FALLS"]
    );
    world
        .record(5, vec![count("2023-06-21", 2_000)])
        .await
        .unwrap();
    world
        .record(6, vec![count("2023-06-21T17", 2_400)])
        .await
        .unwrap();
}

#[tokio::test]
async fn who_confirmed_a_figure_cannot_answer_for_it_whatever_else_was_found() {
    let world = World::new().await;
    world
        .record(2, vec![count("2023-06-01", 1_000)])
        .await
        .unwrap();
    let confirmed = |effective: &str, people: i64| {
        let mut event = count(effective, people);
        event.confirmed_checks = vec!["CUMULATIVE_FALLS".to_owned()];
        edit(&mut event, |report| report.note = "đã kiểm tra".to_owned());
        event
    };
    world
        .record(3, vec![confirmed("2023-06-10", 500)])
        .await
        .unwrap();
    // One percent below the first, and far above the second.
    let doubted = position(world.record(4, vec![confirmed("2023-06-05", 990)]).await);
    let found = findings(&world, doubted);
    assert_eq!(found.len(), 1);
    assert_eq!(
        (found[0].0, found[0].1),
        (Check::CumulativeFalls, Severity::Blocking)
    );
}

#[tokio::test]
async fn the_same_source_that_says_something_else_of_the_same_day_is_told() {
    let world = World::new().await;
    let first = position(world.record(2, vec![count("2023-06-05", 20_000)]).await);
    let second = position(world.record(3, vec![count("2023-06-05", 1_000)]).await);
    let rival = (Check::RivalFigure, Severity::Warning, Some(first));
    assert_eq!(findings(&world, second), [rival]);
}

#[tokio::test]
async fn a_long_series_in_one_batch_is_judged_in_its_order() {
    let world = World::new().await;
    // Newest first, so that each is held against those behind it.
    let days = (1..=28)
        .rev()
        .flat_map(|day| (1..=24).rev().map(move |hour| (day, hour)));
    let report = |(day, hour): (i64, i64)| {
        count(
            &format!("2023-06-{day:02}T{hour:02}"),
            10_000 + day * 100 + hour,
        )
    };
    let batch: Vec<v1::Event> = days.map(report).collect();
    let accepted = world.record(2, batch.clone()).await.unwrap();
    assert_eq!(accepted.receipt.last - accepted.receipt.first + 1, 28 * 24);
    assert!(
        accepted.told.findings.is_empty(),
        "{:?}",
        accepted.told.findings.first()
    );
}
