//! The whole country is the sum of its provinces, as the model adds them up.

use super::*;
use crate::RollUp;

/// Another province, its district and a commune.
pub(super) const ELSEWHERE: [&str; 3] = ["79@2023-04-10", "760@2023-04-10", "26734@2023-04-10"];

/// What is said of the other province, of which a commune may come to the first, and the whole of it too.
fn elsewhere() -> impl Strategy<Value = Body> {
    let place = || prop::sample::select(&ELSEWHERE[..]);
    let kind = prop::sample::select(&["quota", "quota", "citizens"][..]);
    let figure = (figures(), kind).prop_map(|(mut figure, kind)| {
        if let Some(whole) = &mut figure.denominator {
            whole.kind = kind.to_owned();
        }
        figure
    });
    let into = |locality: &str| Successor {
        locality: id(locality),
        extent: Extent::Full,
    };
    prop_oneof![
        8 => (place(), figure).prop_map(|(p, figure)| reported(p, "eid", figure)),
        1 => Just(registered(ELSEWHERE[2], "", DISTRICT, false)),
        1 => Just(ended(ELSEWHERE[2], vec![into(COMMUNES[3])])),
        1 => Just(ended(ELSEWHERE[0], vec![into(PROVINCE)])),
    ]
}

/// Two provinces, and what became of them.
fn countries() -> impl Strategy<Value = History> {
    let said = prop::collection::vec((moments(), elsewhere()), 0..15);
    (histories(), said).prop_map(|(mut history, said)| {
        let [province, district, commune] = ELSEWHERE;
        let places = [
            registered(province, "", "", false),
            registered(district, "", province, false),
            registered(commune, "", district, false),
        ];
        let places = places.into_iter().map(|body| (moment("2023-04-10"), body));
        let first = history.len() as u64 + 1;
        for (position, (moment, body)) in (first..).zip(places.chain(said)) {
            history.push((position, event(moment, body)));
        }
        history
    })
}

/// How a sum is meant: exact if all in it are and nothing is missing, else as all vague terms are, if these agree.
fn bound(figures: &[&Figure], is_complete: bool) -> Option<Bound> {
    let counts = figures.iter().filter_map(|figure| figure.value);
    let lacking = (!is_complete).then_some(Bound::AtLeast);
    let all = counts.map(|count| count.bound).chain(lacking);
    let mut vague: Vec<_> = all.filter(|bound| *bound != Bound::Exact).collect();
    vague.dedup();
    match vague[..] {
        _ if figures.is_empty() => None,
        [] => Some(Bound::Exact),
        [bound] => Some(bound),
        _ => Some(Bound::About),
    }
}

proptest! {
    #[test]
    fn the_country_is_what_the_model_counts_in_all_provinces(
        history in countries(),
        as_of in moments(),
        limit in 0..60_u64,
    ) {
        let state = fold(&history);
        let reading = state.at(as_of, limit);
        let (eid, day) = (code("eid"), as_of.date());
        let country = reading.roll_up_country(&eid, day);
        let limit = reading.position();
        let then = Naive { history: &history, as_of: Moment::end_of(day), limit };
        let of_level = |place: &LocalityId| place.code.level() == Level::Province;
        let provinces: Vec<_> = everywhere()
            .into_iter()
            .filter(|place| of_level(place) && then.exists(*place))
            .collect();
        let listed: Vec<_> = country.provinces.iter().map(|(province, _)| *province).collect();
        prop_assert_eq!(&listed, &provinces);

        let counted = provinces.iter().map(|province| {
            let places = View { as_of, position: limit, locality: *province };
            let look = Look { history: &history, places, as_of, reports: limit, fixes: limit };
            look.sum().unwrap_or_default()
        });
        let counted: Vec<Parts> = counted.collect();
        let figures: Vec<_> = counted.iter().flat_map(Parts::values).flatten().map(|(_, f)| f).collect();
        let all = country.whole;
        let in_it: usize = counted.iter().map(Parts::len).sum();
        prop_assert_eq!(all.reported + all.carried, in_it);
        let values: Vec<_> = figures.iter().filter_map(|figure| Some(figure.value?.value)).collect();
        let told = all.count.map(|count| (count.value, count.bound));
        let meant = bound(&figures, all.is_complete());
        prop_assert_eq!(told, meant.map(|bound| (values.iter().sum(), bound)));
        let against = all.denominator.map(|of| (of.kind.to_owned(), of.value));
        prop_assert_eq!(against, whole(figures.iter().copied()));

        // Each province is what it is by itself, and one where nobody has a figure lacks itself.
        let (mut parts, mut lacking) = (0, 0);
        for (province, sum) in &country.provinces {
            let alone = reading.roll_up(&eid, *province, day);
            let silent = |sum: &RollUp<'_>| sum.parts == 1 && sum.missing == [*province];
            match &alone {
                Some(alone) => prop_assert_eq!(alone, sum),
                None => prop_assert!(silent(sum) && sum.count.is_none()),
            }
            parts += sum.parts;
            lacking += sum.broken.len() + sum.uncounted.len() + sum.missing.len();
        }
        prop_assert_eq!((all.parts, parts - lacking), (parts, in_it));
    }
}
