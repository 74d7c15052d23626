//! Laws: the state answers as a filter over the whole list of events does.

mod compare;
mod concern;
mod diff;
mod lists;
mod naive;
mod portfolio;
mod saved;
mod worklist;

use std::collections::BTreeSet;

use domain::code::IndicatorCode;
use domain::event::{
    Figure, OwnerAssigned, OwnerChange, ProgressRetracted, QuotaLayer, QuotaSuspended, Role, Scope,
};
use domain::text::Moment;
use proptest::prelude::*;

use naive::Naive;

use super::owners::{assigned, succeeded};
use super::*;
use crate::{FigureRef, Lookup, Reading, Yardstick};

const PLACES: [&str; 4] = [
    "56@2023-04-10",
    "00004@2023-04-10",
    "00004@2023-06-03",
    "00004@2023-06-06",
];
const INDICATORS: [&str; 2] = ["eid", "cccd"];
const ORGANISATIONS: [&str; 3] = ["a", "b", "c"];

/// The events with their positions: all that the naive model keeps.
type History = Vec<(u64, Event)>;

/// Hours, days and a month around the first days of June 2023.
fn moments() -> impl Strategy<Value = Moment> {
    let date = (1..=9_i8).prop_map(|day| Date::constant(2023, 6, day));
    prop_oneof![
        4 => date.clone().prop_map(Moment::end_of),
        3 => (date, 0..=24_u8).prop_map(|(date, hour)| Moment::at_hour(date, hour).unwrap()),
        1 => (4..=6_i8).prop_map(|month| Moment::month_of(Date::constant(2023, month, 1))),
    ]
}

/// 90 % of so many, of which every fourth is itself a percentage.
fn some_quota(place: &str, layer: QuotaLayer, of: u64) -> Body {
    let Body::QuotaAssigned(mut assigned) = quota(place, layer, of, "90", "") else {
        panic!("it is a quota");
    };
    if of.is_multiple_of(4) {
        assigned.denominator = against("percent", 100);
    }
    Body::QuotaAssigned(assigned)
}

fn figures() -> impl Strategy<Value = Figure> {
    let percent = (0..20_000_u32).prop_map(|hundredths| Percent::from_hundredths(hundredths, 2));
    let value = (0..=3_u64, 0..2_u8).prop_map(|(value, bound)| {
        let bound = if bound == 0 {
            Bound::Exact
        } else {
            Bound::AtLeast
        };
        Quantity {
            bound,
            value: value * 500,
        }
    });
    let denominator = (1..=2_000_u64).prop_map(|value| against("quota", value));
    (
        prop::option::of(value),
        prop::option::of(denominator),
        percent,
    )
        .prop_map(|(value, denominator, percent)| Figure {
            value,
            denominator,
            percent,
            ..Figure::default()
        })
}

fn retracted(locality: &str, indicator: &str, retracts: u64) -> Body {
    Body::ProgressRetracted(ProgressRetracted {
        retracts,
        locality: id(locality),
        indicator: code(indicator),
        reason: "nhầm đơn vị".to_owned(),
    })
}

fn suspended(locality: &str, layer: QuotaLayer) -> Body {
    Body::QuotaSuspended(QuotaSuspended {
        locality: id(locality),
        indicator: code("eid"),
        layer,
        reason: "chờ rà soát".to_owned(),
        document: Document::default(),
    })
}

fn leads(locality: &str, organisations: &[&str]) -> Body {
    let scope = Scope::Plan(code("6559"));
    assigned(locality, scope, Role::Lead, organisations)
}

/// Who leads in a place, and who takes over from whom there.
fn holdings() -> impl Strategy<Value = Body> {
    let place = || prop::sample::select(&PLACES[..]);
    let some = prop::sample::subsequence(&ORGANISATIONS[..], 0..3);
    let leads = (place(), some).prop_map(|(p, names)| leads(p, &names));
    prop_oneof![leads, successions()]
}

/// Who takes over from whom in a place.
fn successions() -> impl Strategy<Value = Body> {
    let place = prop::sample::select(&PLACES[..]);
    let some = prop::sample::subsequence(&ORGANISATIONS[..], 0..3);
    let one = prop::sample::select(&ORGANISATIONS[..]);
    (place, one, some).prop_map(|(p, name, names)| succeeded(p, name, &names))
}

fn places() -> impl Strategy<Value = Body> {
    let parent = prop::sample::select(&["", PLACES[0]][..]);
    let place = prop::sample::select(&PLACES[..]);
    (place, parent, any::<bool>()).prop_map(|(p, up, known)| registered(p, p, up, known))
}

fn bodies() -> impl Strategy<Value = Body> {
    let place = || prop::sample::select(&PLACES[..]);
    let indicator = || prop::sample::select(&INDICATORS[..]);
    let layer = || prop::sample::select(QuotaLayer::ALL);
    prop_oneof![
        6 => (place(), indicator(), figures()).prop_map(|(p, i, f)| reported(p, i, f)),
        4 => (place(), indicator(), 1..40_u64, figures())
            .prop_map(|(p, i, corrects, f)| corrected(p, i, corrects, f)),
        2 => (place(), indicator(), 1..40_u64).prop_map(|(p, i, n)| retracted(p, i, n)),
        2 => (place(), layer()).prop_map(|(p, l)| suspended(p, l)),
        3 => holdings(),
        3 => (place(), layer(), 1..2_000_u64).prop_map(|(p, l, n)| some_quota(p, l, n)),
        2 => places(),
        1 => place().prop_map(|p| ended(p, Vec::new())),
    ]
}

fn histories() -> impl Strategy<Value = History> {
    histories_of(bodies().boxed())
}

/// Such bodies among places that come and go.
fn histories_of(bodies: BoxedStrategy<Body>) -> impl Strategy<Value = History> {
    prop::collection::vec((moments(), bodies), 0..40).prop_map(|events| {
        let mut history = History::new();
        for (position, (moment, body)) in (1..).zip(events) {
            let body = aimed(body, &history);
            history.push((position, event(moment, body)));
        }
        history
    })
}

/// Aims most corrections and retractions at a figure that is there; the others name none.
fn aimed(mut body: Body, history: &History) -> Body {
    let (named, place, of) = match &mut body {
        Body::ProgressCorrected(e) => (&mut e.corrects, &mut e.locality, &mut e.indicator),
        Body::ProgressRetracted(e) => (&mut e.retracts, &mut e.locality, &mut e.indicator),
        _ => return body,
    };
    let mut figures = history
        .iter()
        .filter_map(|(position, event)| match &event.body {
            Body::ProgressReported(e) => Some((*position, e.locality, &e.indicator)),
            Body::ProgressCorrected(e) => Some((*position, e.locality, &e.indicator)),
            _ => None,
        });
    let chosen = usize::try_from(*named).unwrap() % 12;
    if let Some((position, locality, indicator)) = figures.nth(chosen) {
        (*named, *place, *of) = (position, locality, indicator.clone());
    }
    body
}

/// Every third event is known a second later.
fn known(position: u64) -> Timestamp {
    Timestamp::from_second(1_685_577_600 + i64::try_from(position / 3).unwrap()).unwrap()
}

fn fold(history: &History) -> State {
    let mut state = State::new();
    for (position, event) in history {
        state.apply(*position, known(*position), event).unwrap();
    }
    state
}

/// Where a reader stands, as anybody may ask.
fn questions() -> impl Strategy<Value = (Moment, u64)> {
    (moments(), 0..45_u64)
}

/// What is read without texts is what is read with them.
fn check_numbers(
    reading: &Reading<'_>,
    (id, indicator): (LocalityId, &IndicatorCode),
    expected: &[(Moment, (u64, Figure))],
) -> Result<(), TestCaseError> {
    let Some(key) = reading.series_key(id, indicator) else {
        prop_assert!(expected.is_empty());
        return Ok(());
    };
    let followed = reading.followed(key);
    let mut figures = Vec::new();
    followed.figures(&mut figures);
    prop_assert_eq!(figures.len(), expected.len());
    for (read, (moment, (position, figure))) in figures.iter().zip(expected) {
        prop_assert_eq!((read.moment(), read.position()), (*moment, *position));
        prop_assert_eq!(read.count(), figure.value.map(|count| count.value));
        let against = figure.denominator.as_ref().map(|against| against.value);
        prop_assert_eq!(read.denominator(), against);
        prop_assert_eq!(read.percent(), figure.percent);
        for yardstick in [Yardstick::Count(1_000), Yardstick::Share] {
            let with_texts = yardstick.measure(&FigureRef::from(figure));
            prop_assert_eq!(yardstick.measure_numbers(*read), with_texts);
        }
    }
    // A second series is added behind the first, though it speaks of the same moments.
    followed.figures(&mut figures);
    prop_assert_eq!(figures.len(), 2 * expected.len());
    let locality = reading.locality(id);
    let exists = locality.is_some_and(|locality| locality.end.is_none());
    prop_assert_eq!(followed.exists(), exists);
    prop_assert_eq!(followed.quotas(), reading.quotas(id, indicator));
    prop_assert_eq!(followed.declared(), reading.declared(id, indicator));
    prop_assert_eq!(followed.has_blocking(), reading.has_blocking(id, indicator));
    Ok(())
}

fn check_figures(reading: &Reading<'_>, naive: &Naive<'_>) -> Result<(), TestCaseError> {
    for (place, indicator) in PLACES
        .iter()
        .flat_map(|p| INDICATORS.iter().map(move |i| (*p, *i)))
    {
        let (id, code) = (id(place), code(indicator));
        let series = naive.series(id, indicator);
        let answered: Vec<_> = reading
            .series(id, &code)
            .iter()
            .map(|e| {
                (
                    e.recorded.effective,
                    (e.recorded.position, e.figure.to_figure()),
                )
            })
            .collect();
        let expected: Vec<_> = series
            .iter()
            .map(|(m, (p, figure))| (*m, (*p, (*figure).clone())))
            .collect();
        prop_assert_eq!(&answered, &expected);
        check_numbers(reading, (id, &code), &expected)?;
        let newest = reading.figure(id, &code).map(|e| e.recorded.position);
        prop_assert_eq!(
            newest,
            series.values().next_back().map(|(position, _)| *position)
        );
        let history: Vec<_> = reading
            .history(id, Some(&code))
            .iter()
            .map(|e| {
                let at = (e.recorded.position, e.recorded.known);
                (at, e.corrected_by, e.retracted_by)
            })
            .collect();
        let expected: Vec<_> = naive
            .history(id, indicator)
            .iter()
            .map(|((_, p), (_, corrected_by, retracted_by))| {
                ((*p, known(*p)), *corrected_by, *retracted_by)
            })
            .collect();
        prop_assert_eq!(history, expected);
        let quotas = reading.quotas(id, &code);
        let quotas: Vec<_> = quotas.iter().map(|quota| quota.recorded.position).collect();
        prop_assert_eq!(quotas, naive.quotas(id, indicator));
    }
    Ok(())
}

proptest! {
    #[test]
    fn figures_series_histories_and_quotas_are_those_of_the_model(
        history in histories(),
        (as_of, limit) in questions(),
    ) {
        let state = fold(&history);
        check_figures(&state.at(as_of, limit), &Naive { history: &history, as_of, limit })?;
    }

    #[test]
    fn leads_and_those_who_took_over_are_those_of_the_model(
        history in histories_of(prop_oneof![4 => holdings(), 1 => places()].boxed()),
        (as_of, limit) in questions(),
    ) {
        let state = fold(&history);
        let naive = Naive { history: &history, as_of, limit };
        for place in PLACES.map(id) {
            let owners = state.at(as_of, limit).owners(&Scope::Plan(code("6559")), place);
            let lead = owners.first().map(|owner| {
                let names = owner.organisations.iter().map(ToString::to_string);
                (owner.recorded.position, names.collect::<BTreeSet<_>>())
            });
            prop_assert_eq!(lead, naive.lead(place));
        }
    }

    #[test]
    fn a_code_resolves_as_in_the_model(history in histories(), (as_of, limit) in questions()) {
        let state = fold(&history);
        let naive = Naive { history: &history, as_of, limit };
        for place in PLACES {
            let code = id(place).code;
            match (state.at(as_of, limit).resolve(code), naive.resolve(code)) {
                (Lookup::Found(found), (expected, _)) => prop_assert_eq!(Some(found), expected),
                (Lookup::Unknown, expected) => prop_assert_eq!(expected, (None, 0)),
                (Lookup::NotValid(lives), (expected, known)) => {
                    prop_assert_eq!((None, lives.len()), (expected, known));
                }
            }
        }
    }

    #[test]
    fn children_and_lists_are_the_localities_that_exist(
        history in histories(),
        (as_of, limit) in questions(),
    ) {
        let state = fold(&history);
        let (reading, naive) = (state.at(as_of, limit), Naive { history: &history, as_of, limit });
        let existing: BTreeSet<_> = PLACES.map(id).into_iter().filter(|p| naive.exists(*p)).collect();
        let listed: Vec<_> = reading.localities().map(|entry| entry.id).collect();
        prop_assert_eq!(&listed, &existing.iter().copied().collect::<Vec<_>>());
        let below = |p: &LocalityId| naive.registration(*p).unwrap().parent == Some(id(PLACES[0]));
        let children: Vec<_> = reading.children(id(PLACES[0])).iter().map(|e| e.id).collect();
        prop_assert_eq!(children, existing.into_iter().filter(below).collect::<Vec<_>>());
    }

    #[test]
    fn a_standing_state_at_a_position_reads_as_one_folded_up_to_it(
        history in histories(),
        (as_of, limit) in questions(),
    ) {
        let whole = fold(&history);
        let part = fold(&history.iter().take_while(|(p, _)| *p <= limit).cloned().collect());
        let (then, rebuilt) = (whole.at(as_of, limit), part.latest(as_of));
        prop_assert_eq!(then.position(), rebuilt.position());
        for place in PLACES.map(id) {
            prop_assert_eq!(then.history(place, None), rebuilt.history(place, None));
            prop_assert_eq!(then.indicators_of(place), rebuilt.indicators_of(place));
            prop_assert_eq!(then.locality(place), rebuilt.locality(place));
            prop_assert_eq!(then.resolve(place.code), rebuilt.resolve(place.code));
            prop_assert_eq!(then.orphans(place), rebuilt.orphans(place));
            for name in ORGANISATIONS {
                let [then, rebuilt] = [then, rebuilt].map(|it| it.portfolio(name, Some(place), 14));
                prop_assert_eq!(then, rebuilt);
            }
            for indicator in INDICATORS.map(code) {
                prop_assert_eq!(then.figure(place, &indicator), rebuilt.figure(place, &indicator));
                let of = |reading: &Reading<'_>| -> Vec<_> {
                    let quotas = reading.quotas(place, &indicator);
                    quotas.iter().map(|quota| reading.standing(quota, place)).collect()
                };
                prop_assert_eq!(of(&then), of(&rebuilt));
            }
        }
    }

    #[test]
    fn a_later_moment_never_shows_an_older_figure(
        history in histories(),
        mut asked in [moments(), moments()],
        limit in 0..45_u64,
    ) {
        asked.sort();
        let state = fold(&history);
        for (place, indicator) in PLACES.map(id).into_iter().flat_map(|p| INDICATORS.map(|i| (p, i))) {
            let [early, late] = asked.map(|as_of| state.at(as_of, limit));
            let order = |reading: Reading<'_>| {
                reading.figure(place, &code(indicator)).map(|e| (e.recorded.effective, e.recorded.position))
            };
            prop_assert!(order(early) <= order(late));
            let (early, late) = (early.series(place, &code(indicator)), late.series(place, &code(indicator)));
            prop_assert!(late.starts_with(&early));
        }
    }

    #[test]
    fn a_standing_follows_from_its_series(history in histories(), (as_of, limit) in questions()) {
        let state = fold(&history);
        let reading = state.at(as_of, limit);
        for place in PLACES.map(id) {
            for quota in reading.quotas(place, &code("eid")) {
                let standing = reading.standing(&quota, place);
                let required = (9 * quota.denominator.value).div_ceil(10);
                let is_share = quota.denominator.kind == "percent";
                let reaches = |figure: &Figure| match (figure.value, figure.percent, &figure.denominator) {
                    (Some(count), _, Some(of)) if is_share => 10 * count.value >= 9 * of.value,
                    (Some(count), ..) if !is_share => count.value >= required,
                    (_, percent, _) => percent.is_some_and(|p| p.hundredths() >= 9_000),
                };
                let series = Naive { history: &history, as_of, limit }.series(place, "eid");
                let reached = series.values().next_back().is_some_and(|(_, f)| reaches(f));
                let first = series.iter().find(|(_, (_, f))| reaches(f)).map(|(m, _)| m.date());
                prop_assert_eq!((standing.required, standing.reached), (required, reached));
                prop_assert_eq!(standing.reached_on, first.filter(|_| reached));
                prop_assert!(!reached || standing.missing == Some(0));
            }
        }
    }

    #[test]
    fn the_digest_depends_on_the_events_alone(
        history in histories(),
        other in histories(),
        (as_of, limit) in questions(),
    ) {
        let (first, second) = (fold(&history), fold(&history));
        check_figures(&second.at(as_of, limit), &Naive { history: &history, as_of, limit })?;
        prop_assert_eq!(first.digest(), second.digest());
        prop_assert_eq!(first.digest(), first.clone().digest());
        prop_assert_eq!(first.digest() == fold(&other).digest(), history == other);
    }
}
