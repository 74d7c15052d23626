//! Laws of differences: the terms are those of a filter over the whole list of events, and add up.

mod country;

use std::collections::{BTreeMap, BTreeSet};

use domain::event::{Extent, QuotaAssigned};
use domain::locality::Level;

use super::naive::sees;
use super::*;
use crate::{Change, Diff, Events, QuotaEntry, Split, Term, View};

const PROVINCE: &str = "56@2023-04-10";
const DISTRICT: &str = "568@2023-04-10";
/// Each ends into later ones only.
const COMMUNES: [&str; 4] = [
    "22348@2023-04-10",
    "22366@2023-04-10",
    "22435@2023-04-10",
    "22453@2023-06-05",
];

fn everywhere() -> Vec<LocalityId> {
    let upper = [PROVINCE, DISTRICT].into_iter();
    let all = upper.chain(COMMUNES).chain(country::ELSEWHERE);
    all.map(id).collect()
}

fn anywhere() -> impl Strategy<Value = &'static str> {
    prop_oneof![
        1 => Just(PROVINCE),
        1 => Just(DISTRICT),
        4 => prop::sample::select(&COMMUNES[..]),
    ]
}

/// Figures, quotas, mergers and splits of the communes of a district.
fn bodies() -> impl Strategy<Value = Body> {
    let commune = || prop::sample::select(&COMMUNES[..]);
    let layer = || prop::sample::select(&QuotaLayer::ALL[..2]);
    let kind = prop::sample::select(&["quota", "quota", "quota", "citizens"][..]);
    let figure = (figures(), kind).prop_map(|(mut figure, kind)| {
        if let Some(whole) = &mut figure.denominator {
            whole.kind = kind.to_owned();
        }
        figure
    });
    let figure = figure.boxed();
    let extent = prop::sample::select(&[Extent::Full, Extent::Full, Extent::Partial][..]);
    let end = (0..3_usize, 0..3_usize, extent).prop_map(|(place, into, extent)| {
        let locality = id(COMMUNES[(place + 1 + into).min(3)]);
        ended(COMMUNES[place], vec![Successor { locality, extent }])
    });
    let parents = prop::sample::select(&["", PROVINCE, DISTRICT, DISTRICT][..]);
    prop_oneof![
        10 => (anywhere(), figure.clone()).prop_map(|(p, f)| reported(p, "eid", f)),
        4 => (anywhere(), 1..40_u64, figure).prop_map(|(p, n, f)| corrected(p, "eid", n, f)),
        2 => (anywhere(), 1..40_u64).prop_map(|(p, n)| retracted(p, "eid", n)),
        1 => (anywhere(), layer()).prop_map(|(p, l)| suspended(p, l)),
        2 => (anywhere(), layer(), 0..2_000_u64).prop_map(|(p, l, n)| some_quota(p, l, n)),
        2 => end,
        1 => (commune(), parents, any::<bool>()).prop_map(|(p, up, known)| registered(p, p, up, known)),
    ]
}

/// A province, its district and four communes, and what became of them.
fn histories() -> impl Strategy<Value = History> {
    prop::collection::vec((moments(), bodies()), 0..45).prop_map(|events| {
        let mut places = vec![registered(PROVINCE, "", "", false)];
        places.push(registered(DISTRICT, "", PROVINCE, false));
        places.extend(COMMUNES.map(|commune| registered(commune, "", DISTRICT, true)));
        let places = places.into_iter().map(|body| (moment("2023-04-10"), body));
        let mut history = History::new();
        for (position, (moment, body)) in (1..).zip(places.chain(events)) {
            let body = aimed(body, &history);
            history.push((position, event(moment, body)));
        }
        history
    })
}

/// The same as ingest lets them be: a correction speaks of the moment of what it corrects, and nothing is corrected or retracted twice.
fn sound_histories() -> impl Strategy<Value = History> {
    histories().prop_map(|mut history| {
        let mut moments = BTreeMap::new();
        for (position, event) in &mut history {
            let (Body::ProgressCorrected(ProgressCorrected {
                corrects: named, ..
            })
            | Body::ProgressRetracted(ProgressRetracted {
                retracts: named, ..
            })) = &event.body
            else {
                moments.insert(*position, event.effective);
                continue;
            };
            match (moments.remove(named), &event.body) {
                (Some(at), Body::ProgressCorrected(_)) => {
                    event.effective = at;
                    moments.insert(*position, at);
                }
                (Some(_), _) => {}
                (None, _) => event.body = of_no_matter(),
            }
        }
        history
    })
}

fn of_no_matter() -> Body {
    reported("01@2023-04-10", "cccd", Figure::default())
}

/// The history without some events, whose positions say something of no matter.
fn without(history: &History, events: &Events) -> History {
    assert_eq!(events.count, events.newest.len());
    let mut history = history.clone();
    for (position, event) in &mut history {
        if events.newest.contains(position) {
            event.body = of_no_matter();
        }
    }
    history
}

fn views() -> impl Strategy<Value = View> {
    let place = prop_oneof![3 => Just(PROVINCE), 1 => Just(DISTRICT), 2 => Just(COMMUNES[3])];
    (place, moments(), 0..60_u64).prop_map(|(place, as_of, position)| View {
        as_of,
        position,
        locality: id(place),
    })
}

/// Two views, most often of one place.
fn questions() -> impl Strategy<Value = (View, View)> {
    (views(), views(), 0..4_u8).prop_map(|(from, mut to, other)| {
        if other > 0 {
            to.locality = from.locality;
        }
        (from, to)
    })
}

/// The figures that hold if reports are known up to one position, and what corrects or retracts these up to another.
fn holding(history: &History, place: LocalityId, reports: u64, fixes: u64) -> Holding {
    let (mut taken, mut holding) = (BTreeSet::new(), BTreeMap::new());
    for (position, event) in history {
        let (is_report, names, figure) = match &event.body {
            Body::ProgressReported(e) if e.locality == place => (true, 0, Some(&e.figure)),
            Body::ProgressCorrected(e) if e.locality == place => {
                (!taken.contains(&e.corrects), e.corrects, Some(&e.figure))
            }
            Body::ProgressRetracted(e) if e.locality == place => (false, e.retracts, None),
            _ => continue,
        };
        let named = holding.contains_key(&names);
        let keeps = if is_report {
            *position <= reports
        } else {
            named && *position <= fixes
        };
        if keeps && let Some((_, _, holds)) = holding.get_mut(&names) {
            *holds = false;
        }
        if let Some(figure) = figure {
            taken.insert(*position);
            if keeps {
                holding.insert(*position, (event.effective, figure.clone(), true));
            }
        }
    }
    holding
}

/// By position: moment, figure, and whether it holds.
type Holding = BTreeMap<u64, (Moment, Figure, bool)>;

/// Half up, by remainder.
fn share(count: u64, whole: u64) -> Option<u64> {
    let n = 10_000 * count;
    let down = n.checked_div(whole)?;
    Some(down + u64::from(2 * (n % whole) >= whole))
}

/// What a look is made of: places as one view has them, figures of a moment as known up to two positions.
struct Look<'h> {
    history: &'h History,
    places: View,
    as_of: Moment,
    reports: u64,
    fixes: u64,
}

/// What a part brings.
enum Brings {
    Figures(Vec<(u64, Figure)>),
    /// A figure without a count.
    Uncounted,
    Broken,
    Lacking,
    Nothing,
}

/// Counted parts, by place.
type Parts = BTreeMap<LocalityId, Vec<(u64, Figure)>>;

impl<'h> Look<'h> {
    fn places(&self, as_of: Moment) -> Naive<'h> {
        let (history, limit) = (self.history, self.places.position);
        Naive {
            history,
            as_of,
            limit,
        }
    }

    fn figure(&self, place: LocalityId) -> Option<(Moment, u64, Figure)> {
        let figures = holding(self.history, place, self.reports, self.fixes).into_iter();
        let seen = figures.filter(|(_, (at, _, holds))| *holds && sees(self.as_of, *at));
        let seen = seen.map(|(position, (at, figure, _))| (at, position, figure));
        seen.max_by_key(|(at, position, _)| (*at, *position))
    }

    /// Those that ended into a place: who, how much of it, on which day.
    fn ended_into(&self, place: LocalityId) -> Vec<(LocalityId, Extent, Date)> {
        let last_end = |one: LocalityId| {
            let places = self.places(self.places.as_of);
            places.registration(one)?;
            let (day, end) = places.end(one)?;
            let into = end.successors.iter().find(|into| into.locality == place)?;
            Some((one, into.extent, day))
        };
        everywhere().into_iter().filter_map(last_end).collect()
    }

    fn part(&self, place: LocalityId, day: Date) -> Brings {
        let own = self.figure(place);
        let mut joined = self.ended_into(place);
        joined.retain(|(_, _, end)| {
            let is_in_it = own.as_ref().is_some_and(|(at, ..)| at.date() >= *end);
            *end <= day && !is_in_it
        });
        if joined.is_empty() {
            return match own {
                None => Brings::Nothing,
                Some((_, position, figure)) if figure.value.is_some() => {
                    Brings::Figures(vec![(position, figure)])
                }
                Some(_) => Brings::Uncounted,
            };
        }
        let brought: Vec<_> = joined
            .iter()
            .map(|(one, _, end)| self.part(*one, *end))
            .collect();
        if own.is_none() && brought.iter().all(|one| matches!(one, Brings::Nothing)) {
            return Brings::Nothing;
        }
        let is_cut = brought.iter().any(|one| matches!(one, Brings::Broken));
        if is_cut
            || joined
                .iter()
                .any(|(_, extent, _)| *extent == Extent::Partial)
        {
            return Brings::Broken;
        }
        let registration = self.places(self.places.as_of).registration(place);
        let is_older = registration.is_some_and(|registered| {
            !registered.start_known || joined.iter().any(|(.., end)| place.since < *end)
        });
        let all_told = brought.iter().all(|one| matches!(one, Brings::Figures(_)));
        if !all_told || (is_older && own.is_none()) {
            return if own.is_some() {
                Brings::Broken
            } else {
                Brings::Lacking
            };
        }
        let own = own.map(|(_, position, figure)| (position, figure));
        let others = brought.into_iter().flat_map(|one| match one {
            Brings::Figures(figures) => figures,
            _ => Vec::new(),
        });
        let figures: Vec<_> = own.into_iter().chain(others).collect();
        if figures.iter().all(|(_, figure)| figure.value.is_some()) {
            Brings::Figures(figures)
        } else {
            Brings::Uncounted
        }
    }

    /// The parts in the sum; none without a sum.
    fn sum(&self) -> Option<Parts> {
        let (whole, day) = (self.places.locality, self.places.as_of.date());
        let then = self.places(Moment::end_of(day));
        let is_below = |place: LocalityId| {
            let up = |place: &LocalityId| {
                then.registration(*place)
                    .filter(|_| then.exists(*place))?
                    .parent
            };
            let mut lineage = std::iter::successors(Some(place), up).skip(1).take(8);
            lineage.any(|above| above == whole)
        };
        if !then.exists(whole) {
            return None;
        }
        let own = whole.code.level();
        let levels = [Level::Commune, Level::District, Level::Province].into_iter();
        let mut levels = levels.filter(|level| *level >= own);
        levels.find_map(|level| {
            let places = everywhere().into_iter().filter(|place| {
                let of_level = place.code.level() == level && then.exists(*place);
                if level == own {
                    *place == whole
                } else {
                    of_level && is_below(*place)
                }
            });
            let parts: Vec<_> = places.map(|place| (place, self.part(place, day))).collect();
            let anything = parts
                .iter()
                .any(|(_, part)| !matches!(part, Brings::Nothing));
            anything.then(|| {
                let counted = parts.into_iter().filter_map(|(place, part)| match part {
                    Brings::Figures(figures) => Some((place, figures)),
                    _ => None,
                });
                counted.collect()
            })
        })
    }
}

fn count(parts: &Parts) -> Option<u64> {
    let counts = parts.values().flatten();
    let counts: Vec<_> = counts
        .filter_map(|(_, figure)| Some(figure.value?.value))
        .collect();
    (!counts.is_empty()).then(|| counts.iter().sum())
}

/// Kind and sum of the denominators, if all are there and of one kind.
fn whole<'f>(figures: impl Iterator<Item = &'f Figure>) -> Option<(String, u64)> {
    let wholes: Option<Vec<_>> = figures.map(|figure| figure.denominator.clone()).collect();
    let wholes = wholes.filter(|wholes| !wholes.is_empty())?;
    let kind = wholes[0].kind.clone();
    let is_one = wholes.iter().all(|whole| whole.kind == kind);
    is_one.then(|| (kind, wholes.iter().map(|whole| whole.value).sum()))
}

fn of_part(figures: &[(u64, Figure)]) -> Option<(String, u64)> {
    whole(figures.iter().map(|(_, figure)| figure))
}

/// The percentage of an own figure.
fn printed(parts: &Parts) -> Option<u64> {
    let (_, figure) = parts.values().flatten().next()?;
    figure
        .percent
        .map(|percent| u64::from(percent.hundredths()))
}

fn share_printed(parts: &Parts, is_own: bool) -> Option<u64> {
    let whole = whole(parts.values().flatten().map(|(_, figure)| figure));
    let computed = count(parts)
        .zip(whole)
        .and_then(|(n, (_, of))| share(n, of));
    computed.or_else(|| printed(parts).filter(|_| is_own))
}

fn share_of_before(parts: &Parts, before: &Parts) -> Option<u64> {
    let wholes = parts.iter().map(|(place, figures)| {
        let before = before.get(place).and_then(|figures| of_part(figures));
        before.or_else(|| of_part(figures))
    });
    let wholes: Option<Vec<_>> = wholes.collect();
    let wholes = wholes?;
    let kinds: BTreeSet<_> = wholes.iter().map(|(kind, _)| kind).collect();
    let sum = wholes.iter().map(|(_, value)| value).sum();
    (kinds.len() == 1).then(|| share(count(parts)?, sum))?
}

/// A number in the five looks, earliest first.
type Looks = [Option<u64>; 5];

/// What the four looks at figures say of counts and shares.
fn numbers(looks: &[Parts; 4], is_own: bool) -> (Looks, Looks) {
    let [n0, n1, n2, n3] = looks.each_ref().map(count);
    let [s0, s1, s2, s4] = looks.each_ref().map(|look| share_printed(look, is_own));
    let s3 = share_of_before(&looks[3], &looks[2]).or(s4);
    ([n0, n1, n2, n3, n3], [s0, s1, s2, s3, s4])
}

/// The looks of the model at the figures of a question whose earlier view comes first.
fn looks<'h>(history: &'h History, a: View, b: View) -> [Look<'h>; 4] {
    let look = |places, as_of, reports, fixes| Look {
        history,
        places,
        as_of,
        reports,
        fixes,
    };
    [
        look(a, a.as_of, a.position, a.position),
        look(a, a.as_of, a.position, b.position),
        look(b, a.as_of, a.position, b.position),
        look(b, b.as_of, b.position, b.position),
    ]
}

/// Whether a split is that of the looks, from and to the right ends, and adds up.
fn check(split: &Split, mut looks: Looks, backwards: bool) -> Result<(), TestCaseError> {
    let mut terms = Term::ALL;
    if backwards {
        looks.reverse();
        terms.reverse();
    }
    prop_assert_eq!((split.from(), split.to()), (looks[0], looks[4]));
    let number = |look: Option<u64>| i64::try_from(look.unwrap_or(0)).unwrap();
    for (term, pair) in terms.into_iter().zip(looks.windows(2)) {
        prop_assert_eq!(
            split.of(term),
            number(pair[1]) - number(pair[0]),
            "{:?}",
            term
        );
        prop_assert_eq!(split.brings(term), pair[0].is_none() && pair[1].is_some());
        prop_assert_eq!(split.takes(term), pair[0].is_some() && pair[1].is_none());
    }
    let sum: i64 = Term::ALL.iter().map(|term| split.of(*term)).sum();
    prop_assert_eq!(number(split.from()) + sum, number(split.to()));
    Ok(())
}

/// Whether a term that changes anything names events, all of its kind.
fn check_events(
    split: &Split,
    term: Term,
    events: &Events,
    history: &History,
) -> Result<(), TestCaseError> {
    let changes = split.of(term) != 0 || split.brings(term) || split.takes(term);
    prop_assert!(!changes || events.count > 0, "{:?} without events", term);
    prop_assert_eq!(events.count.min(Events::LISTED_MAX), events.newest.len());
    prop_assert!(events.newest.is_sorted_by(|a, b| a > b));
    for position in &events.newest {
        let (_, event) = &history[usize::try_from(*position).unwrap() - 1];
        let fits = match &event.body {
            Body::ProgressReported(_) => matches!(term, Term::NewWork | Term::QuotaChanges),
            Body::ProgressCorrected(_) => term != Term::BoundaryChanges,
            Body::ProgressRetracted(_) => term == Term::Corrections,
            Body::LocalityRegistered(_) | Body::LocalityEnded(_) => term == Term::BoundaryChanges,
            Body::QuotaAssigned(_) | Body::QuotaSuspended(_) => term == Term::QuotaChanges,
            _ => false,
        };
        prop_assert!(fits, "{:?} names position {}", term, position);
    }
    Ok(())
}

fn check_change<T>(
    change: &Change<T>,
    (counts, shares): (Looks, Looks),
    (a, b, backwards): (View, View, bool),
    history: &History,
) -> Result<(), TestCaseError> {
    check(&change.count, counts, backwards)?;
    check(&change.share, shares, backwards)?;
    prop_assert_eq!(change.count.of(Term::QuotaChanges), 0);
    // Two places looked at from one view differ by no event.
    let is_one = a.locality == b.locality;
    let terms = Term::ALL.into_iter();
    for term in terms.filter(|term| is_one || *term != Term::BoundaryChanges) {
        check_events(&change.count, term, change.events(term), history)?;
        check_events(&change.share, term, change.events(term), history)?;
    }
    Ok(())
}

/// The quota of a layer as a view has it.
fn quota_in(history: &History, view: View, layer: QuotaLayer) -> Option<(u64, QuotaAssigned)> {
    let (as_of, limit) = (view.as_of, view.position);
    let positions = Naive {
        history,
        as_of,
        limit,
    }
    .quotas(view.locality, "eid");
    positions.into_iter().find_map(|position| {
        let (_, event) = &history[usize::try_from(position).unwrap() - 1];
        match &event.body {
            Body::QuotaAssigned(quota) if quota.layer == layer => Some((position, quota.clone())),
            _ => None,
        }
    })
}

fn check_quotas(
    diff: &Diff<'_>,
    history: &History,
    (from, to): (View, View),
    (own, sums): (&[Parts; 4], &[Parts; 4]),
) -> Result<(), TestCaseError> {
    let backwards = to < from;
    for layer in QuotaLayer::ALL {
        let [before, after] = [from, to].map(|view| quota_in(history, view, *layer));
        let change = diff.quotas.iter().find(|change| change.layer == *layer);
        let Some(change) = change else {
            prop_assert_eq!((before, after), (None, None));
            continue;
        };
        let position = |quota: &Option<QuotaEntry<'_>>| quota.map(|quota| quota.recorded.position);
        prop_assert_eq!(
            position(&change.from),
            before.as_ref().map(|(position, _)| *position)
        );
        prop_assert_eq!(
            position(&change.to),
            after.as_ref().map(|(position, _)| *position)
        );
        let (a, b) = if backwards {
            (&after, &before)
        } else {
            (&before, &after)
        };
        let shares = |looks: &[Parts; 4], is_own: bool| -> Looks {
            let share = |look: &Parts, quota: &Option<(u64, QuotaAssigned)>| {
                let of = &quota.as_ref()?.1.denominator;
                if of.kind == "percent" {
                    return share_printed(look, is_own);
                }
                let of = of.value;
                count(look).map_or_else(|| printed(look).filter(|_| is_own), |n| share(n, of))
            };
            let [s0, s1, s2, s3] = looks.each_ref().map(|look| share(look, a));
            [s0, s1, s2, s3, share(&looks[3], b)]
        };
        check(&change.own, shares(own, true), backwards)?;
        check(&change.rolled_up, shares(sums, false), backwards)?;
        check_events(&change.own, Term::QuotaChanges, &change.events, history)?;
        check_events(
            &change.rolled_up,
            Term::QuotaChanges,
            &change.events,
            history,
        )?;
        prop_assert!(!change.is_changed() || change.events.count > 0);
    }
    Ok(())
}

/// The parts of a sum that were not in the one before.
fn new_parts(looks: &[Parts; 4], pairs: [(usize, usize); 2]) -> Vec<LocalityId> {
    let pairs = pairs.into_iter();
    let new = pairs.flat_map(|(before, after)| {
        let parts = looks[after].keys();
        parts.filter(move |part| !looks[before].contains_key(part))
    });
    new.copied().collect::<BTreeSet<_>>().into_iter().collect()
}

proptest! {
    #[test]
    fn differences_are_those_of_the_model_and_add_up(
        history in histories(),
        (from, to) in questions(),
    ) {
        let state = fold(&history);
        let last = |view: View| View { position: view.position.min(state.position()), ..view };
        let (a, b) = (last(from).min(last(to)), last(from).max(last(to)));
        let backwards = last(to) < last(from);
        let looks = looks(&history, a, b);
        let own = looks.each_ref().map(|look| -> Parts {
            let figure = look.figure(look.places.locality);
            figure.into_iter().map(|(_, p, f)| (look.places.locality, vec![(p, f)])).collect()
        });
        let sums = looks.each_ref().map(Look::sum);
        let has_sum = sums.iter().any(Option::is_some);
        let sums = sums.map(Option::unwrap_or_default);
        let Some(diff) = state.diff(&code("eid"), from, to) else {
            prop_assert!(!has_sum && own.iter().all(BTreeMap::is_empty));
            let quotas = QuotaLayer::ALL.iter().flat_map(|l| [a, b].map(|v| quota_in(&history, v, *l)));
            prop_assert!(quotas.flatten().next().is_none());
            return Ok(());
        };
        let asked = (a, b, backwards);
        check_change(&diff.own, numbers(&own, true), asked, &history)?;
        check_change(&diff.rolled_up, numbers(&sums, false), asked, &history)?;
        let (came, went) = ([(0, 1), (2, 3)], [(1, 0), (3, 2)]);
        let (joined, left) = if backwards { (went, came) } else { (came, went) };
        prop_assert_eq!(&diff.joined, &new_parts(&sums, joined));
        prop_assert_eq!(&diff.left, &new_parts(&sums, left));
        check_quotas(&diff, &history, (last(from), last(to)), (&own, &sums))?;
        prop_assert_eq!(state.diffs(from, to), vec![diff]);
    }

    #[test]
    fn without_the_events_behind_it_there_is_no_such_term(
        history in sound_histories(),
        (from, to) in questions(),
    ) {
        let state = fold(&history);
        let last = |view: View| View { position: view.position.min(state.position()), ..view };
        let (from, to) = (last(from), last(to));
        // Forwards in both times and of one place: what is taken away is nothing that the earlier view has.
        let from_position = from.position.min(to.position);
        let (from, to) = (from.min(to), View { locality: from.locality, ..from.max(to) });
        let (from, to) = (
            View { position: from_position, locality: to.locality, ..from },
            View { position: from.position.max(to.position), ..to },
        );
        let Some(diff) = state.diff(&code("eid"), from, to) else {
            return Ok(());
        };
        type Pick = for<'d, 'a> fn(&'d Diff<'a>) -> (&'d Split, [&'d Events; 4]);
        let own: Pick = |diff| (&diff.own.count, Term::ALL.map(|term| diff.own.events(term)));
        let sum: Pick = |diff| (&diff.rolled_up.count, Term::ALL.map(|term| diff.rolled_up.events(term)));
        for pick in [own, sum] {
            let (split, events) = pick(&diff);
            for (term, at) in [(Term::Corrections, 0), (Term::NewWork, 2)] {
                let otherwise = fold(&without(&history, events[at]));
                let Some(rest) = otherwise.diff(&code("eid"), from, to) else {
                    prop_assert_eq!(split.from(), None);
                    continue;
                };
                let (rest, _) = pick(&rest);
                prop_assert_eq!(rest.from(), split.from());
                let is_there = rest.of(term) != 0 || rest.brings(term) || rest.takes(term);
                prop_assert!(!is_there, "{:?} in spite of it", term);
            }
        }
        for change in &diff.quotas {
            let otherwise = fold(&without(&history, &change.events));
            let rest = otherwise.diff(&code("eid"), from, to);
            let rest = rest.iter().flat_map(|diff| &diff.quotas);
            let mut rest = rest.filter(|rest| rest.layer == change.layer);
            prop_assert!(rest.all(|rest| !rest.is_changed() && rest.from == change.from));
        }
    }

    #[test]
    fn what_is_recorded_later_changes_no_difference_between_pinned_views(
        history in histories(),
        (from, to) in questions(),
    ) {
        let limit = from.position.max(to.position);
        let now = fold(&history);
        let then = fold(&history.iter().take_while(|(p, _)| *p <= limit).cloned().collect());
        prop_assert_eq!(now.diffs(from, to), then.diffs(from, to));
    }

    #[test]
    fn both_ends_of_a_difference_are_what_the_views_show(
        history in histories(),
        (from, to) in questions(),
    ) {
        let state = fold(&history);
        let Some(diff) = state.diff(&code("eid"), from, to) else {
            return Ok(());
        };
        let shown = |view: View| {
            let (reading, eid) = (state.at(view.as_of, view.position), code("eid"));
            let sum = reading.roll_up(&eid, view.locality, view.as_of.date());
            (reading.figure(view.locality, &eid), sum)
        };
        prop_assert_eq!((diff.own.from, diff.rolled_up.from.clone()), shown(from));
        prop_assert_eq!((diff.own.to, diff.rolled_up.to.clone()), shown(to));
        let back = state.diff(&code("eid"), to, from).unwrap();
        prop_assert_eq!((&back.joined, &back.left), (&diff.left, &diff.joined));
        for term in Term::ALL {
            prop_assert_eq!(back.own.count.of(term), -diff.own.count.of(term));
            prop_assert_eq!(back.rolled_up.share.of(term), -diff.rolled_up.share.of(term));
            prop_assert_eq!(back.rolled_up.events(term), diff.rolled_up.events(term));
        }
    }
}
