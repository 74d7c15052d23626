//! Where a number comes from.

use domain::LocalityId;
use domain::event::{self as e, Body, Document, Extent, QuotaLayer, Source, Successor};
use domain::text::{Moment, Percent};
use jiff::civil::{Date, date};
use wire::v1;
use wire::v1::GroundKind as Kind;
use wire::v1::ground::Said;

use super::{Ledger, count, count_of, of_quota, place, reported};
use crate::answer;

const INDICATOR: &str = "eid.activated";

/// The figure of Nha Trang on a day, as known at a position.
fn explained(ledger: &Ledger, day: Date, position: u64) -> v1::ExplainFigureResponse {
    let reading = ledger.state.at(Moment::end_of(day), position);
    answer::explain(
        &ledger.state,
        &reading,
        &INDICATOR.parse().unwrap(),
        place("568"),
    )
}

/// What each position is to the number, without place and indicator.
fn kinds(answer: &v1::ExplainFigureResponse) -> Vec<(u64, Kind)> {
    let kinds = answer.grounds.iter().map(|ground| {
        let position = ground.recorded.as_ref().unwrap().position;
        (position, ground.kind())
    });
    let around = [Kind::Definition, Kind::Registration];
    kinds.filter(|(_, kind)| !around.contains(kind)).collect()
}

fn correct(ledger: &mut Ledger, wrong: u64, effective: &str, value: u64) -> u64 {
    let corrected = Body::ProgressCorrected(e::ProgressCorrected {
        corrects: wrong,
        locality: place("568"),
        indicator: INDICATOR.parse().unwrap(),
        figure: count(value),
        reason: "nhầm kỳ".to_owned(),
    });
    ledger.take(effective, corrected, &[])
}

fn retract(ledger: &mut Ledger, code: &str, wrong: u64, effective: &str) -> u64 {
    let retracted = Body::ProgressRetracted(e::ProgressRetracted {
        retracts: wrong,
        locality: place(code),
        indicator: INDICATOR.parse().unwrap(),
        reason: "nhầm huyện".to_owned(),
    });
    ledger.take(effective, retracted, &[])
}

/// A count out of so many, of any place.
fn report(ledger: &mut Ledger, code: &str, effective: &str, value: u64, of: u64) -> u64 {
    ledger.take(effective, reported(code, count_of(value, of)), &[])
}

#[test]
fn a_number_names_what_it_replaced_and_what_was_taken_back_before_it() {
    let mut ledger = Ledger::new();
    let end = date(2023, 7, 31);
    ledger.count("2023-06-30", 8_000, &[]);
    let wrong = ledger.count("2023-07-10", 9_900, &[]);
    assert_eq!(
        kinds(&explained(&ledger, end, wrong)),
        [(wrong, Kind::Holds)]
    );
    let right = correct(&mut ledger, wrong, "2023-07-10", 9_000);
    let told = explained(&ledger, end, right);
    assert_eq!(
        kinds(&told),
        [(wrong, Kind::Corrected), (right, Kind::Holds)]
    );
    let rival = ledger.count("2023-07-10", 9_100, &[]);
    let later = ledger.count("2023-07-20", 91_000, &[]);
    assert_eq!(
        kinds(&explained(&ledger, end, later)),
        [(later, Kind::Holds)]
    );
    let back = retract(&mut ledger, "568", later, "2023-07-20");
    let told = explained(&ledger, end, back);
    let expected = [
        (wrong, Kind::Corrected),
        (right, Kind::Rival),
        (rival, Kind::Holds),
        (later, Kind::Retracted),
        (back, Kind::Retraction),
    ];
    assert_eq!(kinds(&told), expected);
    assert_eq!(told.ground_count as usize, told.grounds.len());
    let ground = told.grounds.last().unwrap();
    let Some(Said::Retraction(said)) = &ground.said else {
        panic!("{ground:?}");
    };
    assert_eq!((said.retracts, said.reason.as_str()), (later, "nhầm huyện"));
    let by = ground.recorded.clone().unwrap().actor.unwrap();
    assert_eq!(by.office, "Tổ Đề án 06");
    assert_eq!(ground.effective, "2023-07-20");
}

#[test]
fn the_place_and_the_definition_stand_behind_every_number() {
    let mut ledger = Ledger::new();
    let reported = ledger.count("2023-07-10", 9_900, &[]);
    let told = explained(&ledger, date(2023, 7, 31), reported);
    let said: Vec<_> = told
        .grounds
        .iter()
        .map(|ground| ground.said.as_ref().unwrap())
        .collect();
    let [
        Said::Registration(place),
        Said::Definition(defined),
        Said::Figure(figure),
    ] = said[..]
    else {
        panic!("{said:?}");
    };
    assert_eq!(place.name.as_ref().unwrap().vi, "Thành phố Nha Trang");
    assert_eq!(place.parent.as_ref().unwrap().code, "56");
    assert_eq!(defined.indicator, INDICATOR);
    assert_eq!(Some(figure), told.figure.as_ref());
}

#[test]
fn a_number_that_is_not_there_says_why() {
    let mut ledger = Ledger::new();
    let before = date(2023, 7, 9);
    let reported = ledger.count("2023-07-10", 9_900, &[]);
    let early = explained(&ledger, before, reported);
    assert_eq!(early.figure, None);
    assert_eq!(kinds(&early), [(reported, Kind::Later)]);
    // A correction that moved the figure to a day that was not asked about.
    let moved = correct(&mut ledger, reported, "2023-07-20", 9_900);
    let told = explained(&ledger, date(2023, 7, 10), moved);
    assert_eq!(told.figure, None);
    let expected = [(reported, Kind::Corrected), (moved, Kind::Correction)];
    assert_eq!(kinds(&told), expected);
    let back = retract(&mut ledger, "568", moved, "2023-07-20");
    let gone = explained(&ledger, date(2023, 7, 31), back);
    assert_eq!(gone.figure, None);
    let expected = [
        (reported, Kind::Corrected),
        (moved, Kind::Retracted),
        (back, Kind::Retraction),
    ];
    assert_eq!(kinds(&gone), expected);
    assert_eq!(kinds(&explained(&ledger, before, back)), []);
}

#[test]
fn a_share_says_which_event_gave_its_numerator_and_which_its_denominator() {
    let mut ledger = Ledger::new();
    let assigned = Body::QuotaAssigned(e::QuotaAssigned {
        locality: place("568"),
        indicator: INDICATOR.parse().unwrap(),
        layer: QuotaLayer::Provincial,
        denominator: of_quota(30_000),
        target: Percent::from_hundredths(10_000, 0).unwrap(),
        start: None,
        deadline: None,
        milestones: Vec::new(),
        document: Document::default(),
    });
    let quota = ledger.take("2023-06-01", assigned, &[]);
    let reported = report(&mut ledger, "568", "2023-07-10", 9_900, 20_000);
    let told = explained(&ledger, date(2023, 7, 31), reported);
    assert_eq!(
        kinds(&told),
        [(quota, Kind::Quota), (reported, Kind::Holds)]
    );
    let shares = told.shares.iter().map(|share| {
        assert_eq!(share.numerator_position, reported);
        (share.share_hundredths, share.denominator_position)
    });
    // 9,900 of 20,000 are 49.5 %; of the 30,000 of the quota they are 33 %.
    assert_eq!(Vec::from_iter(shares), [(4_950, reported), (3_300, quota)]);
}

#[test]
fn nothing_is_divided_by_the_hundred_of_a_percentage() {
    let mut ledger = Ledger::new();
    let mut denominator = of_quota(100);
    denominator.kind = "percent".to_owned();
    let assigned = Body::QuotaAssigned(e::QuotaAssigned {
        locality: place("568"),
        indicator: INDICATOR.parse().unwrap(),
        layer: QuotaLayer::Provincial,
        denominator,
        target: Percent::from_hundredths(9_500, 0).unwrap(),
        start: None,
        deadline: None,
        milestones: Vec::new(),
        document: Document::default(),
    });
    ledger.take("2023-06-01", assigned, &[]);
    let reported = report(&mut ledger, "568", "2023-07-10", 250, 400);
    let told = explained(&ledger, date(2023, 7, 31), reported);
    let shares = told.shares.iter();
    let shares = shares.map(|share| (share.share_hundredths, share.denominator_position));
    // 62.5 %, and not 250 %.
    assert_eq!(Vec::from_iter(shares), [(6_250, reported)]);
    let against = &told.quotas[0];
    let stands = (against.share_hundredths, against.reached, against.missing);
    assert_eq!(stands, (Some(6_250), false, None));
}

/// A ward of Nha Trang that began on a day.
fn begin(ledger: &mut Ledger, code: &str, since: Date) -> LocalityId {
    let locality = LocalityId {
        code: code.parse().unwrap(),
        since,
    };
    let registered = Body::LocalityRegistered(e::LocalityRegistered {
        locality,
        name: e::Name {
            vi: format!("Phường {code}"),
            en: String::new(),
        },
        parent: Some(place("568")),
        start_known: true,
        source: Source::default(),
    });
    ledger.take(&since.to_string(), registered, &[]);
    locality
}

fn end(ledger: &mut Ledger, from: LocalityId, into: LocalityId, extent: Extent, day: &str) -> u64 {
    let ended = Body::LocalityEnded(e::LocalityEnded {
        locality: from,
        successors: vec![Successor {
            locality: into,
            extent,
        }],
        source: Source::default(),
    });
    ledger.take(day, ended, &[])
}

/// The sum over a place on 31 July 2023, by the boundaries of that day.
fn summed(ledger: &Ledger, code: &str) -> v1::ExplainFigureResponse {
    let reading = ledger.at(ledger.state.position());
    let indicator = INDICATOR.parse().unwrap();
    answer::explain_sum(&ledger.state, &reading, &indicator, place(code), &reading)
}

fn number(value: Option<&v1::Quantity>) -> Option<i64> {
    match value?.number {
        Some(v1::quantity::Number::Count(count)) => Some(count),
        _ => None,
    }
}

#[test]
fn what_a_sum_names_adds_up_to_it_whatever_became_of_the_places() {
    let mut ledger = Ledger::new();
    let (may, july) = (date(2023, 5, 1), date(2023, 7, 1));
    for code in ["22301", "22302", "22303", "22304", "22305", "22306"] {
        ledger.register(code, "Phường cũ", Some("568"));
    }
    // One joined 22301 after the day of its figure, another joined 22303 before.
    report(&mut ledger, "22301", "2023-06-20", 100, 1_000);
    report(&mut ledger, "22302", "2023-06-20", 20, 1_000);
    end(
        &mut ledger,
        place("22302"),
        place("22301"),
        Extent::Full,
        "2023-07-01",
    );
    report(&mut ledger, "22304", "2023-06-20", 7, 1_000);
    end(
        &mut ledger,
        place("22304"),
        place("22303"),
        Extent::Full,
        "2023-07-01",
    );
    report(&mut ledger, "22303", "2023-07-10", 300, 1_000);
    // One went through two others, and of one only a part went over.
    report(&mut ledger, "22305", "2023-04-20", 5, 1_000);
    let between = begin(&mut ledger, "22307", may);
    end(
        &mut ledger,
        place("22305"),
        between,
        Extent::Full,
        "2023-05-01",
    );
    let last = begin(&mut ledger, "22308", july);
    end(&mut ledger, between, last, Extent::Full, "2023-07-01");
    report(&mut ledger, "22306", "2023-06-20", 900, 1_000);
    let cut = begin(&mut ledger, "22309", july);
    end(
        &mut ledger,
        place("22306"),
        cut,
        Extent::Partial,
        "2023-07-01",
    );
    let told = summed(&ledger, "568");
    let sum = told.sum.clone().unwrap();
    assert_eq!((sum.parts, sum.reported, sum.carried), (4, 1, 2));
    let parts = told.grounds.iter().filter_map(|ground| match &ground.said {
        Some(Said::Figure(figure)) if ground.kind() == Kind::Part => number(figure.value.as_ref()),
        _ => None,
    });
    let mut parts: Vec<i64> = parts.collect();
    parts.sort_unstable();
    assert_eq!(parts, [5, 20, 100, 300]);
    assert_eq!(number(sum.value.as_ref()), Some(parts.iter().sum()));
}

#[test]
fn a_sum_names_the_figures_in_it_and_what_made_its_parts() {
    let mut ledger = Ledger::new();
    for (code, name) in [
        ("22348", "Phường Vạn Thạnh"),
        ("22363", "Phường Lộc Thọ"),
        ("22390", "Phường Phước Hải"),
    ] {
        ledger.register(code, name, Some("568"));
    }
    // The ward that the first two become; the third reports nothing that holds.
    let new = begin(&mut ledger, "22366", date(2023, 7, 1));
    let whole = ledger.state.position();
    let first = report(&mut ledger, "22348", "2023-06-20", 1_100, 2_000);
    let second = report(&mut ledger, "22363", "2023-06-20", 2_300, 4_000);
    let wrong = report(&mut ledger, "22390", "2023-07-10", 7, 10);
    let back = retract(&mut ledger, "22390", wrong, "2023-07-10");
    let ends = ["22348", "22363"]
        .map(|code| end(&mut ledger, place(code), new, Extent::Full, "2023-07-01"));
    let told = summed(&ledger, "568");
    let missing = whole - 1;
    let expected = [
        (missing, Kind::Boundary),
        (whole, Kind::Boundary),
        (first, Kind::Part),
        (second, Kind::Part),
        (wrong, Kind::Retracted),
        (back, Kind::Retraction),
        (ends[0], Kind::Boundary),
        (ends[1], Kind::Boundary),
    ];
    assert_eq!(kinds(&told), expected);
    let sum = told.sum.clone().unwrap();
    assert_eq!((sum.parts, sum.carried, sum.missing.len()), (2, 1, 1));
    assert_eq!(number(sum.value.as_ref()), Some(3_400));
    // 3,400 of 6,000.
    let shares = told.shares.iter().map(|share| share.share_hundredths);
    assert_eq!(Vec::from_iter(shares), [5_667]);
}

#[test]
fn of_very_many_events_the_number_itself_is_always_among_those_shown() {
    let mut ledger = Ledger::new();
    let first = ledger.count("2023-07-10", 1, &[]);
    for value in 2..=1_100 {
        ledger.count("2023-07-10", value, &[]);
    }
    let last = ledger.state.position();
    let told = explained(&ledger, date(2023, 7, 31), last);
    // The place, the definition, and 1,100 figures for one moment.
    assert_eq!(told.ground_count, 1_102);
    let shown = kinds(&told);
    assert_eq!(told.grounds.len(), 1_000);
    assert_eq!(shown.last(), Some(&(last, Kind::Holds)));
    assert!(shown.is_sorted());
    assert!(
        !shown.contains(&(first, Kind::Rival)),
        "the oldest goes first"
    );
}
