//! Laws of saved states.

use super::super::saved::{every_kind, saved};
use super::*;
use crate::LoadError;

/// Asked for all it can say, the state must not fail.
fn asked(state: &State) -> (String, String) {
    (state.digest(), state.content_digest())
}

proptest! {
    #[test]
    fn who_stops_and_starts_anywhere_ends_where_who_never_stopped_ends(
        history in histories(),
        stop in any::<prop::sample::Index>(),
        (as_of, limit) in questions(),
    ) {
        let whole = fold(&history);
        let stop = stop.index(history.len() + 1);
        let before = fold(&history[..stop].to_vec());
        let mut resumed = State::load(&*saved(&before)).unwrap();
        prop_assert_eq!(resumed.digests(), before.digests());
        for (position, event) in &history[stop..] {
            resumed.apply(*position, known(*position), event).unwrap();
        }
        prop_assert_eq!(asked(&resumed), asked(&whole));
        prop_assert!(saved(&resumed) == saved(&whole));
        let naive = Naive { history: &history, as_of, limit };
        check_figures(&resumed.at(as_of, limit), &naive)?;
        let (resumed, whole) = (resumed.at(as_of, limit), whole.at(as_of, limit));
        for place in PLACES.map(id) {
            prop_assert_eq!(resumed.children(place), whole.children(place));
            prop_assert_eq!(resumed.resolve(place.code), whole.resolve(place.code));
            prop_assert_eq!(resumed.locality(place), whole.locality(place));
            prop_assert_eq!(resumed.findings(place, crate::Which::All), whole.findings(place, crate::Which::All));
        }
    }

    #[test]
    fn a_state_cut_short_is_never_taken(cut in any::<prop::sample::Index>()) {
        let bytes = saved(&every_kind());
        let error = State::load(&bytes[..cut.index(bytes.len())]).err();
        prop_assert!(matches!(error, Some(LoadError::Ends { .. })), "{:?}", error);
    }

    /// Whoever keeps a state keeps a checksum beside it; here it matters that nothing fails.
    #[test]
    fn flipped_bytes_are_refused_or_give_a_state_that_answers(
        flips in prop::collection::vec((any::<prop::sample::Index>(), 1..=255_u8), 1..4),
    ) {
        let mut bytes = saved(&every_kind());
        for (at, flip) in flips {
            let at = at.index(bytes.len());
            bytes[at] ^= flip;
        }
        if let Ok(state) = State::load(&*bytes) {
            prop_assert!(!asked(&state).0.is_empty());
            prop_assert!(saved(&state) == bytes || State::load(&*saved(&state)).is_ok());
        }
    }
}
