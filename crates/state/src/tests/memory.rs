//! How much memory figures take, and that nothing is lost where they take little.

use domain::IndicatorCode;
use domain::event::ProgressRetracted;
use jiff::civil::date;
use jiff::{SignedDuration, ToSpan};

use super::*;

const COMMUNE: &str = "22366@2025-07-01";

/// Daily figures of so many communes for 40 indicators, of the kind that `tiendo bench` makes.
///
/// A commune's figures of a day are a document of their own, and every hundredth figure is followed by a correction of the day before.
fn national(communes: u64, days: i64) -> State {
    let since = date(2025, 7, 1);
    let communes: Vec<_> = (0..communes)
        .map(|commune| id(&format!("{:05}@{since}", 20_000 + commune)))
        .collect();
    let indicators: Vec<IndicatorCode> = (0..40)
        .map(|indicator| code(&format!("services.kind-{indicator}")))
        .collect();
    let mut ledger = Ledger::new();
    for day in 0..days {
        ledger.now = instant("2025-07-02T00:00:00Z") + SignedDuration::from_hours(24 * day);
        let day = since.saturating_add(day.days());
        for locality in &communes {
            for indicator in &indicators {
                report(&mut ledger, *locality, indicator, day);
            }
        }
    }
    ledger.state
}

fn report(ledger: &mut Ledger, locality: LocalityId, indicator: &IndicatorCode, day: Date) {
    let figure = sample(locality, indicator, day);
    let body = Body::ProgressReported(ProgressReported {
        locality,
        indicator: indicator.clone(),
        figure: figure.clone(),
        note: String::new(),
    });
    let position = tell(ledger, Moment::end_of(day), body);
    if !position.is_multiple_of(100) {
        return;
    }
    let before = Moment::end_of(day.yesterday().unwrap());
    let wrong = ledger.state.latest(before).figure(locality, indicator);
    let Some(wrong) = wrong.map(|wrong| wrong.recorded.position) else {
        return;
    };
    let body = Body::ProgressCorrected(ProgressCorrected {
        corrects: wrong,
        locality,
        indicator: indicator.clone(),
        figure,
        reason: "nhập nhầm".to_owned(),
    });
    tell(ledger, before, body);
}

fn tell(ledger: &mut Ledger, at: Moment, body: Body) -> u64 {
    let position = ledger.state.position() + 1;
    let event = event(at, body);
    ledger.state.apply(position, ledger.now, &event).unwrap();
    position
}

/// Always the same share of what is left is done; the percentage is printed to one decimal.
fn sample(locality: LocalityId, indicator: &IndicatorCode, day: Date) -> Figure {
    let name = format!("{}{indicator}", locality.code);
    let place = name
        .bytes()
        .fold(7, |sum, byte| sum * 31 % 60_013 + u64::from(byte));
    let passed = (day - locality.since).get_days().unsigned_abs();
    let quota = 2_000 + place;
    let value = quota * (u64::from(passed) + 20) / (u64::from(passed) + 100);
    let day = domain::text::date::format_date_vi(day);
    Figure {
        percent: Percent::of_rounded(value, quota, 1),
        source: Source {
            title: format!(
                "Báo cáo số {}/BC-TCT về tiến độ Đề án 06 (ngày {day})",
                locality.code
            ),
            url: format!(
                "https://dean06.example.vn/bao-cao/{day}/{}-bc-tct.html",
                locality.code
            ),
        },
        ..count_of(value, quota)
    }
}

#[test]
fn a_hundred_million_figures_of_the_country_take_four_gigabytes_at_most() {
    let memory = national(40, 236).figure_memory();
    let (figures, series) = (memory.figures, memory.series);
    assert!(series == 1_600 && figures > 236 * series, "{memory:?}");
    // Beyond the newest figure of a series, which the tables are for.
    let each = memory.points as f64 / (figures - series) as f64;
    assert!(
        each <= 16.0,
        "{each} bytes a figure in the series: {memory:?}"
    );
    let all = memory.bytes() as f64 / figures as f64;
    // What an allocator adds to that, a good third as measured, stays below 40 bytes.
    assert!(all <= 28.0, "{all} bytes a figure: {memory:?}");
}

#[test]
fn money_is_counted_to_the_last_dong_however_much_it_is() {
    let mut ledger = Ledger::new();
    // More than 2^40 đồng on the second day: the series no longer fits where it was.
    for (on, paid) in [
        ("2025-07-02", 987_654_321_987),
        ("2025-07-03", 1_234_567_890_123),
        ("2025-07-04", u64::MAX),
    ] {
        ledger.add(on, reported(COMMUNE, "paid", count(paid)));
    }
    let reading = ledger.state.latest(moment("2025-07-31"));
    let series = reading.series(id(COMMUNE), &code("paid"));
    let counts: Vec<_> = series
        .iter()
        .map(|entry| entry.figure.to_figure())
        .collect();
    assert_eq!(
        counts,
        [987_654_321_987, 1_234_567_890_123, u64::MAX].map(count)
    );
}

fn eid(ledger: &mut Ledger, on: &str, value: u64) -> u64 {
    ledger.add(on, reported(COMMUNE, "eid", count(value)))
}

/// Position of the newest figure that holds for who knows so much.
fn newest(ledger: &Ledger, as_of: &str, known: u64) -> Option<u64> {
    let reading = ledger.state.at(moment(as_of), known);
    let figure = reading.figure(id(COMMUNE), &code("eid"));
    figure.map(|entry| entry.recorded.position)
}

#[test]
fn a_late_report_and_its_rival_are_seen_by_who_knows_of_them() {
    let mut ledger = Ledger::new();
    let first = eid(&mut ledger, "2025-07-05", 100);
    let last = eid(&mut ledger, "2025-07-09", 300);
    let late = eid(&mut ledger, "2025-07-07", 200);
    let rival = eid(&mut ledger, "2025-07-07", 210);
    for (as_of, known, holds) in [
        ("2025-07-08", last, first),
        ("2025-07-08", late, late),
        ("2025-07-08", rival, rival),
        ("2025-07-06", rival, first),
        ("2025-07-09", first, first),
        ("2025-07-09", rival, last),
    ] {
        assert_eq!(
            newest(&ledger, as_of, known),
            Some(holds),
            "{as_of} {known}"
        );
    }
}

#[test]
fn who_knows_less_sees_what_was_shown_before_the_correction_and_before_the_retraction() {
    let mut ledger = Ledger::new();
    let correct = |ledger: &mut Ledger, wrong, value| {
        ledger.add("2025-07-05", corrected(COMMUNE, "eid", wrong, count(value)))
    };
    let retract = |ledger: &mut Ledger, retracts| {
        let (locality, indicator, reason) = (id(COMMUNE), code("eid"), "nhầm đơn vị".to_owned());
        let body = ProgressRetracted {
            retracts,
            locality,
            indicator,
            reason,
        };
        ledger.add("2025-07-05", Body::ProgressRetracted(body))
    };
    let earlier = eid(&mut ledger, "2025-07-01", 90);
    let first = eid(&mut ledger, "2025-07-05", 100);
    let last = eid(&mut ledger, "2025-07-09", 300);
    let right = correct(&mut ledger, first, 110);
    let of_right = correct(&mut ledger, right, 120);
    // What replaced the first figure is its first correction; a second one stands beside that.
    let again = correct(&mut ledger, first, 130);
    let back = retract(&mut ledger, again);
    let all_back = retract(&mut ledger, of_right);
    for (known, holds) in [
        (0, None),
        (earlier, Some(earlier)),
        (last, Some(first)),
        (right, Some(right)),
        (of_right, Some(of_right)),
        (again, Some(again)),
        (back, Some(of_right)),
        (all_back, Some(earlier)),
    ] {
        assert_eq!(
            newest(&ledger, "2025-07-06", known),
            holds,
            "known up to {known}"
        );
    }
    let reading = ledger.state.latest(moment("2025-07-31"));
    let history = reading.history(id(COMMUNE), Some(&code("eid")));
    let fates = history.iter().map(|entry| {
        let replaced = (entry.corrected_by, entry.retracted_by);
        (entry.recorded.position, entry.corrects, replaced)
    });
    let expected = [
        (earlier, None, (None, None)),
        (first, None, (Some(right), None)),
        (right, Some(first), (Some(of_right), None)),
        (of_right, Some(right), (None, Some(all_back))),
        (again, Some(first), (None, Some(back))),
        (last, None, (None, None)),
    ];
    assert_eq!(fates.collect::<Vec<_>>(), expected);
}
