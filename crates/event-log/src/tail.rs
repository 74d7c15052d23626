//! The newest events in memory: committed, not yet settled.
//!
//! Readers near the head are served from here without reading or decoding anything.
//! Events are in the store before they leave the tail, so a reader that finds its position before the tail's
//! first one is sure to find it in the store.

use std::collections::VecDeque;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};

use crate::journal::Commit;

/// The commits behind the settled position.
pub(crate) struct Tail {
    state: RwLock<State>,
}

struct State {
    /// The newest position in the store.
    settled: u64,
    commits: VecDeque<Arc<Commit>>,
}

impl Tail {
    pub(crate) fn new(settled: u64, commits: VecDeque<Arc<Commit>>) -> Tail {
        let state = RwLock::new(State { settled, commits });
        Tail { state }
    }

    fn state(&self) -> RwLockReadGuard<'_, State> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// The newest position in the store.
    pub(crate) fn settled(&self) -> u64 {
        self.state().settled
    }

    /// Number of commits.
    pub(crate) fn commits(&self) -> usize {
        self.state().commits.len()
    }

    pub(crate) fn push(&self, commit: Arc<Commit>) {
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        state.commits.push_back(commit);
    }

    /// Lets go of what the store holds up to `settled`.
    pub(crate) fn settle(&self, settled: u64) {
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        state.settled = settled;
        let kept = state
            .commits
            .partition_point(|commit| commit.last() <= settled);
        let gone: Vec<_> = state.commits.drain(..kept).collect();
        // Freeing some ten thousand events takes a while; nobody need wait for it.
        drop(state);
        drop(gone);
    }

    /// Up to `count` commits from the one that covers `position`; `None` if `position` is in the store.
    ///
    /// Where the covering one is missing, the first is the one after it.
    pub(crate) fn from(&self, position: u64, count: usize) -> Option<Vec<Arc<Commit>>> {
        let state = self.state();
        if position <= state.settled {
            return None;
        }
        let start = state
            .commits
            .partition_point(|commit| commit.last() < position);
        Some(state.commits.range(start..).take(count).cloned().collect())
    }

    /// Up to `count` commits back from the one that covers `position`, newest first; `None` as above.
    pub(crate) fn back_from(&self, position: u64, count: usize) -> Option<Vec<Arc<Commit>>> {
        let state = self.state();
        if position <= state.settled {
            return None;
        }
        let end = state
            .commits
            .partition_point(|commit| commit.first <= position);
        let commits = state.commits.range(..end).rev().take(count);
        Some(commits.cloned().collect())
    }

    /// The last position known at or before `micros`; `None` if the oldest commit is already later.
    pub(crate) fn known_at(&self, micros: i64) -> Option<u64> {
        let state = self.state();
        let end = state
            .commits
            .partition_point(|commit| commit.known_micros <= micros);
        state
            .commits
            .range(..end)
            .next_back()
            .map(|commit| commit.last())
    }
}
