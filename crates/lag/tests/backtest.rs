//! Rules tried on a past: by hand, and laws for any past.

use lag::backtest::{
    Change, Coverage, Drawn, Figure, Group, Method, Past, Place, Replay, Score, Split, accuracy,
    cases, coverage, notices, replay, split,
};
use lag::{Rules, Transition, day};
use proptest::prelude::*;

/// Weeks begin on a Monday: 1 January 1979, the end of that day.
const MONDAY: f64 = 3288.0;

fn exact(week: u32, count: f64, denominator: f64) -> Figure {
    Figure {
        at: MONDAY + 7.0 * f64::from(week),
        count,
        denominator,
        is_bound: false,
    }
}

/// A place of 1000 people, by its counts week for week.
fn place(name: &str, parent: &str, counts: &[f64]) -> Place {
    let figures = (0..)
        .zip(counts)
        .map(|(week, count)| exact(week, *count, 1000.0));
    Place {
        name: name.to_owned(),
        parent: parent.to_owned(),
        figures: figures.collect(),
    }
}

fn week(week: u32) -> f64 {
    MONDAY + 7.0 * f64::from(week)
}

/// The replay without residuals.
fn plain(past: &Past, target: f64, deadline: f64) -> Replay {
    let replays = replay(&Rules::standard(), past, &[target], deadline, || ());
    let found = replays
        .into_iter()
        .find(|replay| replay.drawn == Drawn::None);
    found.expect("one for each way to draw")
}

/// One that hurries from the start, one that crawls, and one that crawls and then hurries.
fn three() -> Past {
    Past::new(vec![
        // 400, 200, 100 … left: half of them each week.
        place(
            "fast",
            "A",
            &[
                600.0, 800.0, 900.0, 950.0, 975.0, 988.0, 994.0, 997.0, 999.0,
            ],
        ),
        place(
            "slow",
            "A",
            &[
                100.0, 110.0, 120.0, 130.0, 140.0, 150.0, 160.0, 170.0, 180.0,
            ],
        ),
        place(
            "late",
            "B",
            &[
                100.0, 110.0, 120.0, 130.0, 140.0, 600.0, 850.0, 950.0, 990.0,
            ],
        ),
    ])
}

#[test]
fn the_first_of_january_1979_was_a_monday() {
    assert_eq!(MONDAY, day(jiff::civil::date(1979, 1, 1), None));
    assert_eq!(
        jiff::civil::date(1979, 1, 1).weekday(),
        jiff::civil::Weekday::Monday
    );
}

#[test]
fn cases_open_after_two_red_reports_and_are_held_against_the_deadline() {
    let past = three();
    let replay = plain(&past, 0.9, week(8));
    let names: Vec<(&str, u32, Transition)> = replay
        .changes
        .iter()
        .map(|change| {
            let weeks = (change.at - MONDAY) / 7.0;
            (
                past.places()[change.place].name.as_str(),
                weeks as u32,
                change.transition,
            )
        })
        .collect();
    // Three reports over 14 days end EARLY in week 2; weeks 2 and 3 are the two that count.
    // The late one is amber in week 5 (h = 470/8890, so 400·e^(−21h) = 132 left of 100 allowed),
    // green in week 6 and done in week 7.
    assert_eq!(
        names,
        [
            ("slow", 3, Transition::Opened),
            ("late", 3, Transition::Opened),
            ("late", 7, Transition::Cleared),
        ]
    );
    let score = Score::of(&Rules::standard(), &past, &replay, Group::All, 1);
    assert_eq!((score.places, score.missed, score.opened), (3, 1, 2));
    assert_eq!((score.precision, score.recall), (Some(0.5), Some(1.0)));
    // 2·1/(2·1 + 1 + 0).
    assert_eq!(score.f1, Some(2.0 / 3.0));
    assert_eq!(
        (score.flapping_places, score.notices, score.cleared),
        (0, 2, 1)
    );
    // The late one was cleared in week 7: on the eve only the slow one is open.
    assert_eq!((score.open_at_deadline, score.open_and_missed), (1, 1));
    assert_eq!(score.precision_at_deadline, Some(1.0));
    assert_eq!(score.recall_at_deadline, Some(1.0));
    // From week 3 to week 8.
    assert_eq!(score.warned_days_median, Some(35.0));
    assert_eq!((score.bands, score.coverage), (0, None));
}

#[test]
fn cases_and_notices_are_told_by_place_and_by_recipient_and_week() {
    let past = three();
    let replay = plain(&past, 0.9, week(8));
    let found = cases(&Rules::standard(), &past, &replay);
    assert_eq!(found.len(), 2);
    assert_eq!((found[0].place.as_str(), found[0].cleared), ("slow", None));
    assert_eq!(found[0].missed, Some(true));
    assert_eq!(found[0].residuals, Drawn::None);
    assert_eq!(notices(&past, &replay)[0].residuals, Drawn::None);
    assert_eq!(
        (found[1].place.as_str(), found[1].cleared),
        ("late", Some(week(7)))
    );
    assert_eq!(found[1].missed, Some(false));
    // 130 + (1000 − 130)·(1 − e^(−h·35)) is far below 900.
    assert!(found[0].forecast_share.unwrap() < 0.5);
    let told: Vec<String> = notices(&past, &replay)
        .iter()
        .map(|n| format!("{} {} +{} -{}", n.recipient, n.week, n.opened, n.cleared))
        .collect();
    // Week 3 begins on 22 January, week 7 on 19 February.
    assert_eq!(
        told,
        [
            "A 1979-01-22 +1 -0",
            "B 1979-01-22 +1 -0",
            "B 1979-02-19 +0 -1"
        ]
    );
}

#[test]
fn a_place_flaps_whose_case_opens_twice() {
    let change = |at, transition| Change {
        place: 0,
        at,
        transition,
        forecast_share: None,
        p_hit: None,
    };
    let replay = Replay {
        target_share: 0.9,
        deadline: week(8),
        drawn: Drawn::All,
        changes: vec![
            change(week(3), Transition::Opened),
            change(week(5), Transition::Cleared),
            change(week(7), Transition::Opened),
        ],
        bands: Vec::new(),
    };
    let past = Past::new(vec![place("slow", "A", &[100.0; 9])]);
    let score = Score::of(&Rules::standard(), &past, &replay, Group::Scored, 9);
    assert_eq!(
        (score.flapping_places, score.notices, score.opened),
        (1, 2, 1)
    );
    assert_eq!(score.warned_days_median, Some(35.0));
    assert_eq!(
        Score::of(&Rules::standard(), &past, &replay, Group::Scored, 10).places,
        0
    );
}

#[test]
fn what_happened_is_read_at_the_deadline() {
    let mut bound = place("bound", "A", &[500.0, 900.0]);
    bound.figures[1].count = 950.0;
    bound.figures[1].is_bound = true;
    let past = Past::new(vec![bound, place("c", "A", &[500.0, 900.0])]);
    // A bound of 95 % tells of 95 % and nothing above; the exact one tells both.
    assert_eq!(
        past.missed(&Rules::standard(), 0, 0.95, week(1)),
        Some(false)
    );
    assert_eq!(past.missed(&Rules::standard(), 0, 0.96, week(1)), None);
    assert_eq!(
        past.missed(&Rules::standard(), 1, 0.96, week(1)),
        Some(true)
    );
    // Halfway between 500 and 900: 700.
    assert_eq!(
        past.missed(&Rules::standard(), 1, 0.7, week(0) + 3.5),
        Some(false)
    );
    assert_eq!(
        past.missed(&Rules::standard(), 1, 0.701, week(0) + 3.5),
        Some(true)
    );
    assert_eq!(
        past.missed(&Rules::standard(), 1, 0.5, week(2)),
        None,
        "nobody knows what came later"
    );
}

#[test]
fn a_deadline_between_figures_far_apart_has_no_outcome() {
    let with_gap = |weeks: u32| {
        Past::new(vec![Place {
            name: "x".to_owned(),
            parent: String::new(),
            figures: vec![
                exact(0, 100.0, 1000.0),
                exact(1, 110.0, 1000.0),
                exact(2, 120.0, 1000.0),
                exact(3, 130.0, 1000.0),
                exact(3 + weeks, 990.0, 1000.0),
            ],
        }])
    };
    let rules = Rules::standard();
    // Twice the cadence is two weeks.
    assert_eq!(with_gap(2).missed(&rules, 0, 0.9, week(4)), Some(true));
    let past = with_gap(3);
    assert_eq!(past.missed(&rules, 0, 0.9, week(4)), None);
    assert_eq!(past.missed(&rules, 0, 0.9, week(3)), Some(true));
    assert_eq!(past.missed(&rules, 0, 0.9, week(6)), Some(false));
    // A case was opened and told, and nobody is scored by it.
    let replay = plain(&past, 0.9, week(4));
    assert_eq!(replay.changes.len(), 1);
    let score = Score::of(&rules, &past, &replay, Group::All, 0);
    assert_eq!((score.places, score.opened, score.missed), (0, 0, 0));
    assert_eq!(cases(&rules, &past, &replay)[0].missed, None);
    let rows = accuracy(&rules, &past, &[0.9], &[week(4)], 7.0, Some(1));
    assert!(
        rows.iter()
            .all(|row| row.forecasts == 0 && row.foretold == 0)
    );
}

#[test]
fn a_bound_in_the_window_is_no_count() {
    // "More than 50 %" in week 2, which was 900 in truth: 500 to 920 would be a mighty pace.
    let mut x = place("x", "A", &[880.0, 890.0, 500.0, 920.0, 930.0, 940.0]);
    x.figures[2].is_bound = true;
    let rules = Rules::standard();
    let at = |past: &Past, deadline: u32, method| {
        let rows = accuracy(&rules, past, &[0.9], &[week(deadline)], 7.0, Some(1));
        let is_wanted = |row: &&lag::backtest::Accuracy| {
            row.method == method && row.group == Group::All && row.deadline.is_none()
        };
        rows.iter()
            .find(is_wanted)
            .map(|row| (row.forecasts, row.error_points))
    };
    let past = Past::new(vec![x]);
    // In week 3 nothing but one figure is known since the bound, in week 4 two.
    assert_eq!(at(&past, 4, Method::Linear), Some((0, None)));
    let (forecasts, error) = at(&past, 5, Method::Linear).unwrap();
    assert_eq!(forecasts, 1);
    assert!(error.unwrap() < 1e-9, "920, 930, 940: {error:?}");
    assert!(at(&past, 5, Method::Average).unwrap().1.unwrap() < 1e-9);
}

#[test]
fn nobody_is_foreseen_beyond_everybody() {
    let past = Past::new(vec![place("x", "A", &[100.0, 500.0, 900.0, 1000.0])]);
    let rows = accuracy(&Rules::standard(), &past, &[0.9], &[week(3)], 7.0, Some(1));
    for row in rows.iter().filter(|row| row.group == Group::All) {
        let simple = [
            Method::Average,
            Method::Linear,
            Method::TheilSen,
            Method::Holt,
        ];
        if simple.contains(&row.method) {
            // 400 a week lead from 900 to 1300; there are 1000.
            assert!(row.error_points.unwrap() < 1e-9, "{row:?}");
        }
    }
    // A newest figure above the denominator stands.
    let past = Past::new(vec![place("x", "A", &[100.0, 700.0, 1300.0, 1300.0])]);
    let rows = accuracy(&Rules::standard(), &past, &[0.9], &[week(3)], 7.0, Some(1));
    let linear = rows
        .iter()
        .find(|row| row.method == Method::Linear)
        .unwrap();
    assert!(linear.error_points.unwrap() < 1e-9, "{linear:?}");
}

#[test]
fn places_that_report_on_different_days_are_scored() {
    // Each on a day of the week of its own, eight times up to the deadline and twice after it.
    let shifted = |shift: u32| {
        let mut place = place(&format!("p{shift}"), "A", &[100.0; 10]);
        for figure in &mut place.figures {
            figure.at += f64::from(shift);
        }
        place
    };
    let past = Past::new((0..7).map(shifted).collect());
    assert_eq!(past.days().len(), 70);
    let deadline = week(7) + 6.0;
    assert_eq!(past.enough(deadline), 6);
    let replay = plain(&past, 0.9, deadline);
    let scored =
        |enough| Score::of(&Rules::standard(), &past, &replay, Group::Scored, enough).places;
    assert_eq!(scored(past.enough(deadline)), 7);
    // What is reported later makes nobody scored.
    assert_eq!((scored(8), scored(9)), (7, 0));
}

#[test]
fn a_threshold_outside_its_range_is_named_with_its_bounds() {
    use lag::Bounds;
    let with = |change: fn(&mut Rules)| {
        let mut rules = Rules::standard();
        change(&mut rules);
        rules.unusable()
    };
    assert_eq!(with(|_| ()), None);
    let share = Bounds::Between(0.0, 1.0);
    let above = Bounds::Above(0.0);
    assert_eq!(
        with(|r| r.window_days = f64::NAN),
        Some(("window_days", above))
    );
    assert_eq!(
        with(|r| r.cadence_days = f64::INFINITY),
        Some(("cadence_days", above))
    );
    assert_eq!(with(|r| r.p_open = 1.5), Some(("p_open", share)));
    assert_eq!(
        with(|r| r.p_open = 0.7),
        Some(("p_clear", Bounds::NotBelow("p_open")))
    );
    assert_eq!(
        with(|r| r.plan_red = 0.95),
        Some(("plan_amber", Bounds::NotBelow("plan_red")))
    );
    assert_eq!(
        with(|r| r.consecutive = 0),
        Some(("consecutive", Bounds::AtLeast(1.0)))
    );
    assert_eq!(
        with(|r| r.stall_z = f64::NAN),
        Some(("stall_z", Bounds::Number))
    );
}

#[test]
fn a_revised_denominator_is_no_pace() {
    // 50, 60, 70 % done, and a tenth more people in week 3 of whom as many are done.
    let figures = vec![
        exact(0, 500.0, 1000.0),
        exact(1, 600.0, 1000.0),
        exact(2, 700.0, 1000.0),
        exact(3, 770.0, 1100.0),
    ];
    let past = Past::new(vec![Place {
        name: "x".to_owned(),
        parent: String::new(),
        figures,
    }]);
    let rows = accuracy(&Rules::standard(), &past, &[0.9], &[week(3)], 7.0, Some(1));
    let error = |method| {
        let row = rows.iter().find(|row| row.method == method).unwrap();
        row.error_points.unwrap()
    };
    // 100 a week: 80 % foreseen, 70 % came.
    assert!((error(Method::Linear) - 10.0).abs() < 1e-9);
    // c = 200, E = 14·(500 + 300)/2 = 5600: 300·e^(−7·200/5600) = 233.640 left, 76.636 %.
    assert!((error(Method::Hazard) - 6.636).abs() < 1e-3);
    assert!((error(Method::TheilSen) - 10.0).abs() < 1e-9);
    assert!((error(Method::Average) - 10.0).abs() < 1e-9);
    // Alone it has no siblings, so there is nothing to draw it to.
    assert_eq!(error(Method::Shrunk), error(Method::Hazard));
    let later = Past::new(vec![Place {
        name: "x".to_owned(),
        parent: String::new(),
        figures: vec![
            exact(0, 700.0, 1000.0),
            exact(2, 770.0, 1100.0),
            exact(4, 700.0, 1000.0),
        ],
    }]);
    let rows = accuracy(
        &Rules::standard(),
        &later,
        &[0.9],
        &[week(4)],
        14.0,
        Some(1),
    );
    let row = rows
        .iter()
        .find(|row| row.method == Method::Linear)
        .unwrap();
    assert!(
        row.error_points.unwrap() < 1e-9,
        "people moved in and out: {row:?}"
    );
    assert_eq!(
        (row.precision, row.recall, row.f1),
        (Some(1.0), Some(1.0), Some(1.0))
    );
}

#[test]
fn residuals_decide_where_there_are_enough() {
    // Forty places that do a tenth of those left each week, so that every forecast comes true.
    let places = (0..40).map(|i| {
        let counts: Vec<f64> = (0..12)
            .map(|week| 1000.0 - 900.0 * 0.9_f64.powi(week))
            .collect();
        place(
            &format!("p{i:02}"),
            if i % 2 == 0 { "A" } else { "B" },
            &counts,
        )
    });
    let past = Past::new(places.collect());
    let rules = Rules::standard();
    let replays = replay(&rules, &past, &[0.7], week(11), || ());
    let of = |drawn| replays.iter().find(|replay| replay.drawn == drawn).unwrap();
    assert!(of(Drawn::None).bands.is_empty());
    // Forecasts are made from week 2 on, 40 a week, and in week w those of weeks 2 to 2w − 11 have
    // come to L = 11 − w: in week 7 two, 80 residuals, and in week 8 four, which are enough.
    let first = of(Drawn::All)
        .bands
        .iter()
        .map(|band| band.at)
        .fold(f64::MAX, f64::min);
    assert_eq!(first, week(8));
    let score = Score::of(&Rules::standard(), &past, of(Drawn::All), Group::All, 1);
    assert!(score.bands > 0);
    // 900·0.9^11 = 282 left of 300 allowed: every place will meet it, and none is opened.
    assert_eq!((score.missed, score.opened), (0, 0));
}

/// Forty places that do about a tenth of those left each week, each a little otherwise.
fn forty(weeks: i32) -> Past {
    let places = (0..40).map(|i| {
        let share = 0.9 + 0.001 * f64::from(i);
        let counts: Vec<f64> = (0..weeks)
            .map(|week| 1000.0 - 900.0 * share.powi(week))
            .collect();
        place(&format!("p{i:02}"), "A", &counts)
    });
    Past::new(places.collect())
}

#[test]
fn a_band_is_measured_once_its_day_has_come() {
    let rules = Rules::standard();
    let measured = |weeks| coverage(&rules, &forty(weeks), &[7.0, 14.0], || ());
    let bands = |rows: &[Coverage]| rows.iter().map(|row| row.bands).collect::<Vec<_>>();
    // Forecasts begin in week 2. Of those for a week ahead 40 have come in week 3, 120 in week 5,
    // which are enough: bands are drawn in weeks 5 to 10 and come in weeks 6 to 11. For two weeks
    // ahead 120 have come in week 6: drawn in weeks 6 to 9.
    let rows = measured(12);
    assert_eq!(bands(&rows), [240, 160]);
    for row in &rows {
        assert!(row.bands_held <= row.bands && row.adapted_held <= row.bands);
        assert_eq!(row.coverage, Some(row.bands_held as f64 / row.bands as f64));
        assert!(row.width_points > Some(0.0) && (row.asked - 0.8).abs() < 1e-12);
        assert!((0.0..=1.0).contains(&row.adapted_level));
    }
    // What had come a week before is the same without the last week.
    assert_eq!(bands(&measured(11)), [200, 120]);
    let none = measured(6);
    assert_eq!(bands(&none), [0, 0]);
    assert!(
        none.iter()
            .all(|row| row.coverage.is_none() && row.adapted_coverage.is_none())
    );
}

#[test]
fn a_level_learns_where_the_bands_miss() {
    // Up to week 11 as before; then the pace of each place doubles, halves, or stays.
    let places = (0..40).map(|i| {
        let steady = 0.9 + 0.001 * f64::from(i);
        let turn = [4.0, 0.25, 1.0][usize::try_from(i % 3).unwrap()];
        let mut left = 900.0;
        let counts: Vec<f64> = (0..24)
            .map(|week| {
                let before = left;
                let swings = week > 11 && week % 2 == 0;
                left *= if swings {
                    f64::powf(steady, turn)
                } else {
                    steady
                };
                1000.0 - before
            })
            .collect();
        place(&format!("p{i:02}"), "A", &counts)
    });
    let past = Past::new(places.collect());
    let rows = coverage(&Rules::standard(), &past, &[7.0], || ());
    let row = &rows[0];
    let (fixed, adapted) = (row.coverage.unwrap(), row.adapted_coverage.unwrap());
    assert!(fixed < 0.8, "{row:?}");
    assert!((adapted - 0.8).abs() < (fixed - 0.8).abs(), "{row:?}");
    assert!(row.adapted_width_points > row.width_points, "{row:?}");
}

#[test]
fn thresholds_are_judged_on_what_they_were_not_picked_by() {
    let (past, rules) = (three(), Rules::standard());
    let by = |deadlines: &[f64], by| {
        let mut days = 0;
        let rows = split(&rules, &past, &[0.9], deadlines, by, Some(1), || days += 1);
        (rows, days)
    };
    let (rows, days) = by(&[week(5), week(8)], Split::Time);
    // Weeks 0 to 4, and 0 to 7.
    assert_eq!((rows.len(), days), (1, 13));
    let row = &rows[0];
    assert_eq!((row.until, row.group), (Some(week(5)), Group::Scored));
    // In week 5 the slow one and the late one had missed, and both were opened in week 3.
    assert_eq!(
        (row.seen.places, row.seen.missed, row.seen.f1),
        (3, 2, Some(1.0))
    );
    // By the rules as given both are open in week 5, and one of them misses week 8.
    let given = &row.given;
    assert_eq!((given.missed, given.opened, given.notices), (1, 2, 2));
    assert_eq!((given.precision, given.recall), (Some(0.5), Some(1.0)));
    // Nothing was more right where it was picked, so what was given is picked.
    assert_eq!((row.picked.p_open, row.picked.consecutive), (0.3, 2));
    assert_eq!(row.judged, row.given);
    assert!(by(&[week(8)], Split::Time).0.is_empty());
    // Two days after a report nobody knows yet what came; a week later one does.
    let later = |weeks: u32| week(weeks) + 2.0;
    let seen = |deadlines: &[f64]| by(deadlines, Split::Time).0[0].seen.places;
    assert_eq!(seen(&[later(5), week(8)]), 0);
    assert_eq!(seen(&[later(4), later(5), week(7), week(8)]), 3);
    assert_eq!(seen(&[later(4), week(5), week(7), week(8)]), 6);
    for (split, groups) in [
        (Split::Place, [Group::PlacesB, Group::PlacesA]),
        (Split::Parent, [Group::ParentsB, Group::ParentsA]),
    ] {
        let (rows, days) = by(&[week(5), week(8)], split);
        assert_eq!(days, 13);
        let found: Vec<Group> = rows.iter().map(|row| row.group).collect();
        assert_eq!(found, groups);
        // Each place for each deadline is judged in one of the halves, and picked by in the other.
        let judged: usize = rows.iter().map(|row| row.judged.places).sum();
        let seen: usize = rows.iter().map(|row| row.seen.places).sum();
        assert_eq!((judged, seen), (6, 6));
        assert_eq!(rows[0].judged.places, rows[1].seen.places);
    }
}

/// A past as it happens: any rise and fall, bounds, and gaps.
fn past() -> impl Strategy<Value = Vec<Place>> {
    let figure = (any::<prop::sample::Index>(), -30..200_i32, 0..20_u32);
    let place = (prop::collection::vec(figure, 1..10), 0..3_u8, 200..1200_u32);
    prop::collection::vec(place, 1..16).prop_map(|places| {
        let build = |(index, (figures, parent, denominator)): (usize, (Vec<_>, u8, u32))| {
            let (mut count, mut week) = (0, 0);
            let figures =
                figures
                    .into_iter()
                    .map(|(gap, more, moved): (prop::sample::Index, i32, u32)| {
                        week += 1 + u32::from(gap.index(8) == 0);
                        count = (count + more).max(0);
                        let denominator = f64::from(denominator + moved);
                        Figure {
                            is_bound: gap.index(19) == 0,
                            ..exact(week, f64::from(count), denominator)
                        }
                    });
            Place {
                name: format!("p{index}"),
                parent: format!("parent {parent}"),
                figures: figures.collect(),
            }
        };
        places.into_iter().enumerate().map(build).collect()
    })
}

/// Ordinary numbers, and every kind of number that is not.
fn wild() -> impl Strategy<Value = f64> {
    prop_oneof![
        12 => 0.0..100.0_f64,
        2 => -50.0..2000.0_f64,
        1 => Just(f64::NAN),
        1 => Just(f64::INFINITY),
        1 => Just(f64::MAX),
        1 => Just(1e-300),
    ]
}

/// Rules by which the few residuals of a small past are enough.
fn eager() -> Rules {
    Rules {
        residuals_min: 3,
        ..Rules::standard()
    }
}

/// The changes by name, since indices depend on which places there are.
fn named(past: &Past, replays: &[Replay], until: f64) -> Vec<(Drawn, String, f64, Transition)> {
    let of = |replay: &Replay| {
        let drawn = replay.drawn;
        let before = replay
            .changes
            .iter()
            .filter(move |change| change.at <= until);
        let named = before.map(move |c| {
            (
                drawn,
                past.places()[c.place].name.clone(),
                c.at,
                c.transition,
            )
        });
        named.collect::<Vec<_>>()
    };
    replays.iter().flat_map(of).collect()
}

/// Found by [`any_past_can_be_replayed`].
#[test]
fn a_forecast_without_a_distance_is_not_counted() {
    let figure = |at, count, denominator| Figure {
        at,
        count,
        denominator,
        is_bound: false,
    };
    let nothing = figure(0.0, 0.0, 0.0);
    let place = Place {
        name: "p".to_owned(),
        parent: String::new(),
        figures: vec![
            figure(21.025, 0.0, f64::MAX),
            nothing,
            nothing,
            figure(f64::MAX, f64::MAX, 1e-300),
            nothing,
        ],
    };
    let past = Past::new(vec![place]);
    for row in accuracy(&eager(), &past, &[0.0], &[f64::MAX], 7.0, Some(1)) {
        assert!(
            row.error_points.is_none_or(|error| !error.is_nan()),
            "{row:?}"
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    /// Where a place stands in the file says nothing.
    #[test]
    fn the_order_of_places_does_not_matter(places in past(), turn in 0..16_usize) {
        let mut turned = places.clone();
        turned.rotate_left(turn % places.len());
        for place in &mut turned {
            place.figures.reverse();
        }
        let (one, other) = (Past::new(places), Past::new(turned));
        prop_assert_eq!(&one, &other);
        let by = |past: &Past| replay(&eager(), past, &[0.5, 0.9], week(9), || ());
        prop_assert_eq!(by(&one), by(&other));
    }

    /// Nothing that became known later changes what was said before.
    #[test]
    fn a_verdict_sees_nothing_of_what_came_after(places in past(), until in 1..9_u32) {
        let until = week(until);
        let mut cut = places.clone();
        for place in &mut cut {
            place.figures.retain(|figure| figure.at <= until);
        }
        let (whole, cut) = (Past::new(places), Past::new(cut));
        let by = |past: &Past| {
            let replays = replay(&eager(), past, &[0.9], week(9), || ());
            named(past, &replays, until)
        };
        prop_assert_eq!(by(&whole), by(&cut));
    }

    /// Whatever the numbers are, a replay ends, and what it tells is a number.
    #[test]
    fn any_past_can_be_replayed(
        figures in prop::collection::vec((wild(), wild(), wild(), any::<bool>()), 0..40),
        target in wild(),
        deadline in wild(),
    ) {
        let place = |(index, figures): (usize, &[(f64, f64, f64, bool)])| Place {
            name: format!("p{index}"),
            parent: String::new(),
            figures: figures
                .iter()
                .map(|(at, count, denominator, is_bound)| Figure {
                    at: *at,
                    count: *count,
                    denominator: *denominator,
                    is_bound: *is_bound,
                })
                .collect(),
        };
        let past = Past::new(figures.chunks(5).enumerate().map(place).collect());
        for replay in replay(&eager(), &past, &[target], deadline, || ()) {
            prop_assert!(replay.bands.iter().all(|b| b.low.is_finite() && b.high.is_finite()));
            let score = Score::of(&Rules::standard(), &past, &replay, Group::All, 0);
            prop_assert!(score.places <= past.places().len());
            prop_assert!(score.warned_days_median.is_none_or(|days| days > 0.0));
        }
        for row in accuracy(&eager(), &past, &[target], &[deadline], 7.0, Some(1)) {
            prop_assert!(row.error_points.is_none_or(|error| !error.is_nan()), "{:?}", row);
        }
    }

    /// No case opens twice without clearing, and every score counts within its bounds.
    #[test]
    fn a_score_adds_up(places in past()) {
        let past = Past::new(places);
        for replay in replay(&eager(), &past, &[0.5, 0.9], week(8), || ()) {
            let part = |part: Option<f64>| part.is_none_or(|p| (0.0..=1.0).contains(&p));
            for group in Group::of(replay.drawn) {
                let score = Score::of(&Rules::standard(), &past, &replay, group, 2);
                prop_assert!(score.missed <= score.places && score.opened <= score.places);
                prop_assert!(score.open_at_deadline <= score.opened);
                prop_assert!(score.open_and_missed <= score.opened_and_missed);
                prop_assert!(part(score.precision_at_deadline) && part(score.recall_at_deadline));
                prop_assert!(score.opened_and_missed <= score.opened.min(score.missed));
                prop_assert!(score.cleared <= score.notices && score.opened <= score.notices);
                prop_assert!(score.notices <= score.opened || score.flapping_places > 0);
                prop_assert!(score.bands_held <= score.bands);
                prop_assert!(part(score.precision) && part(score.recall) && part(score.f1));
            }
            let opened = cases(&Rules::standard(), &past, &replay).len();
            let told: usize = notices(&past, &replay).iter().map(|n| n.opened).sum();
            prop_assert_eq!(opened, told);
            prop_assert!(replay.bands.iter().all(|band| band.low <= band.high));
        }
    }
}
