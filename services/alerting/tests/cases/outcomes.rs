//! What past forecasts came to: bands and probabilities.

use domain::Body;
use domain::event::{LocalityRegistered, Name, Source};
use host::Today;
use wire::v1;

use crate::common::{Ledger, day, place, quota, term};

/// The districts, the fastest last.
const CODES: [&str; 12] = [
    "004", "016", "021", "101", "102", "103", "104", "105", "106", "107", "250", "268",
];

fn found<'v>(verdicts: &'v [v1::Verdict], code: &str) -> &'v v1::Verdict {
    let is_it = |verdict: &&v1::Verdict| verdict.locality.as_ref().unwrap().code == code;
    verdicts.iter().find(is_it).unwrap()
}

/// Twelve districts that report each Monday, each going on by its own hazard: by the end of March some will have come to 90 %.
fn reported(weeks: i32) -> Ledger {
    let mut ledger = Ledger::new(Today::Real);
    for code in &CODES[3..10] {
        let registered = LocalityRegistered {
            locality: place(code),
            name: Name::default(),
            parent: Some(place("01")),
            start_known: false,
            source: Source::default(),
        };
        ledger.take("2023-04-10", Body::LocalityRegistered(registered));
    }
    for code in CODES {
        ledger.take("2023-06-01", quota(code, 1_000, "90", Some("2024-03-31")));
    }
    for week in 0..weeks {
        let on = day("2023-06-05")
            .checked_add(jiff::Span::new().weeks(week))
            .unwrap();
        ledger.now = format!("{on}T05:00:00Z").parse().unwrap();
        for (index, code) in CODES.iter().enumerate() {
            let hazard = 0.004 + 0.000_5 * index as f64;
            let left = 800.0 * (-hazard * 7.0 * f64::from(week)).exp();
            ledger.count(code, &on.to_string(), (1_000.0 - left) as u64);
        }
    }
    ledger
}

#[test]
fn a_probability_is_told_once_enough_forecasts_came_true() {
    let early = reported(12);
    let verdicts = early.verdicts();
    assert_eq!(term(found(&verdicts, "268"), "p_hit"), None);
    let ledger = reported(30);
    let verdicts = ledger.verdicts();
    let of = |code, name| term(found(&verdicts, code), name).unwrap();
    // Of each place the forecasts of thirteen weeks whose 97th day fell into the last ninety days.
    assert!((100.0..=12.0 * 13.0).contains(&of("004", "residuals")));
    // 800·e^(−300·0.004) = 241 are left of the slowest, 800·e^(−300·0.0095) = 46 of the fastest; 100 may be.
    assert_eq!((of("004", "p_hit"), of("268", "p_hit")), (0.0, 1.0));
    for code in ["004", "268"] {
        let band = of(code, "forecast_low")..=of(code, "forecast_high");
        assert!(band.start() < band.end(), "{code}: {band:?}");
    }
    let slow = |told: &String| told == "004 LAGGING opened";
    let fast = |told: &String| told == "268 LAGGING opened";
    assert!(ledger.story().iter().any(slow) && !ledger.story().iter().any(fast));
}

#[test]
fn what_was_known_in_the_morning_holds_all_day_and_in_a_replay() {
    let mut ledger = reported(30);
    let before = term(&ledger.verdict("268"), "residuals");
    ledger.now += jiff::SignedDuration::from_hours(1);
    // A late report, and one that nobody foresaw.
    ledger.count("004", "2023-12-20", 10);
    ledger.count("016", "2023-12-25", 999);
    assert_eq!(term(&ledger.verdict("268"), "residuals"), before);
    let (changes, verdicts) = ledger.replayed(Today::Real);
    assert_eq!(changes, ledger.changes);
    assert_eq!(verdicts, ledger.verdicts());
    // With a pinned day, too, there is something to go by.
    let (_, pinned) = ledger.replayed(Today::Pinned(day("2023-12-25")));
    assert!(term(found(&pinned, "268"), "p_hit").is_some());
}
