//! The law of comparisons: what differs is what anybody sees who asks both.

use super::*;

proptest! {
    #[test]
    fn the_series_that_differ_are_those_whose_histories_do(
        history in histories(),
        at in any::<prop::sample::Index>(),
        (moment, body) in (moments(), bodies()),
    ) {
        let mut other = history.clone();
        if !history.is_empty() {
            let at = at.index(history.len());
            other[at].1 = event(moment, aimed(body, &history));
        }
        let (one, other) = (fold(&history), fold(&other));
        let everything = Moment::end_of(Date::MAX);
        let mut expected = BTreeSet::new();
        for place in PLACES.map(id) {
            for indicator in INDICATORS.map(code) {
                let [one, other] = [&one, &other].map(|state| state.latest(everything));
                if one.history(place, Some(&indicator)) != other.history(place, Some(&indicator)) {
                    expected.insert((place, indicator));
                }
            }
        }
        for (one, other) in [(&one, &other), (&other, &one)] {
            let found = one.differing_series(other, 100);
            let named = found.first.iter().map(|one| (one.locality, one.indicator.clone()));
            prop_assert_eq!(named.collect::<BTreeSet<_>>(), expected.clone());
            prop_assert_eq!(found.count, expected.len());
        }
    }
}
