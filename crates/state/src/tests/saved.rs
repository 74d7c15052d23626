//! A saved state is the state: the same answers, the same digest, and it goes on as if nothing had been.

use std::io::Read;

use sha2::{Digest, Sha256};

use super::*;
use crate::{FOLD_VERSION, LoadError, digest_of};

/// One event of every kind and some more, by position, in the form that subscribers get.
pub(super) const EVERY_KIND: &str = include_str!("every_kind.jsonl");

/// Every third of them was known a second later.
pub(super) fn every_kind() -> State {
    let mut state = State::new();
    for (position, line) in (1..).zip(EVERY_KIND.lines()) {
        let event = serde_json::from_str(line).unwrap();
        let seconds = i64::try_from(position / 3).unwrap();
        let known = Timestamp::new(1_685_577_600 + seconds, 250_000).unwrap();
        state.apply(position, known, &event).unwrap();
    }
    state
}

pub(super) fn saved(state: &State) -> Vec<u8> {
    let mut bytes = Vec::new();
    state.save(&mut bytes).unwrap();
    bytes
}

/// If this fails because the fold or the form was meant to change: raise `FOLD_VERSION`, so that no start takes what another version saved, and put the new digests here.
#[test]
fn a_version_of_the_fold_gives_the_same_state_and_the_same_bytes_for_ever() {
    let state = every_kind();
    let bytes = hex::encode(Sha256::digest(saved(&state)));
    let found = (FOLD_VERSION, state.digest(), bytes);
    let of_this_version = (
        "tiendo-fold-2",
        "0c962c74d65565b380b740e7ac11b8e5d4098f84b2e81564e974ca2efbb961a4".to_owned(),
        "9717b5a949d67353ee0c9abeb21e159c3f3642e092791142c23d8c8560a51a1e".to_owned(),
    );
    assert_eq!(found, of_this_version, "raise FOLD_VERSION");
}

#[test]
fn the_events_of_every_kind_leave_no_table_empty() {
    let (full, empty) = (every_kind().digests(), State::new().digests());
    assert_eq!(full.len(), empty.len());
    for ((table, full), (of_empty, empty)) in full.iter().zip(&empty) {
        assert!(table == of_empty && full != empty, "{table} is empty");
    }
}

#[test]
fn what_was_saved_is_loaded() {
    for state in [State::new(), every_kind()] {
        let bytes = saved(&state);
        let loaded = State::load(&*bytes).unwrap();
        assert_eq!(loaded.digests(), state.digests());
        assert_eq!(loaded.digest(), digest_of(&state.digests()));
        assert_eq!(loaded.content_digest(), state.content_digest());
        assert_eq!(loaded.known(), state.known());
        assert!(saved(&loaded) == bytes, "it saves to other bytes");
        let (loaded, state) = (loaded.figure_memory(), state.figure_memory());
        assert!(loaded.figures == state.figures && loaded.bytes() <= state.bytes());
    }
}

#[test]
fn bytes_that_are_not_a_state_are_told_apart() {
    let bytes = saved(&every_kind());
    let load = |bytes: &[u8]| State::load(bytes).err();
    let mut other = bytes.clone();
    let version = 20..20 + FOLD_VERSION.len();
    other[version.end - 1] = b'0';
    let Some(LoadError::FoldVersion { found }) = load(&other) else {
        panic!("another version was taken");
    };
    assert_eq!(found, "tiendo-fold-0");
    let longer = [&*bytes, b"\0"].concat();
    assert!(matches!(load(&longer), Some(LoadError::Trailing)));
    let shorter = &bytes[..bytes.len() - 1];
    let end = load(shorter);
    assert!(
        matches!(end, Some(LoadError::Ends { table: "rules" })),
        "{end:?}"
    );
    let unreadable = State::load(Unreadable).err();
    assert!(matches!(unreadable, Some(LoadError::Read(_))));
    let page = load(b"<!DOCTYPE html><html></html>");
    assert!(matches!(page, Some(LoadError::NotAState)), "{page:?}");
}

/// A disk that fails.
struct Unreadable;

impl Read for Unreadable {
    fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
        Err(std::io::Error::other("the disk is gone"))
    }
}

#[test]
fn a_length_beyond_the_input_makes_no_room() {
    let bytes = saved(&every_kind());
    // How many instants there are stands behind the version and the position.
    let at = 20 + FOLD_VERSION.len() + 8;
    let mut greedy = bytes.clone();
    greedy[at..at + 8].copy_from_slice(&(u64::MAX / 32).to_le_bytes());
    let error = State::load(&*greedy).err();
    assert!(
        matches!(
            error,
            Some(LoadError::Ends { .. } | LoadError::Invalid { .. })
        ),
        "{error:?}"
    );
}
