//! The newest events, kept while somebody watches.
//!
//! They are without a gap: where one is left out (the log was read in bulk), those before it go.
//! While nobody watches nothing is kept, and an event costs one look at a number.

use std::collections::VecDeque;
use std::ops::Deref;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use wire::log_reader::Logged;

use crate::shared::Shared;

/// The newest events, up to so many bytes.
#[derive(Debug)]
pub(crate) struct Recent {
    ring: Mutex<Ring>,
    /// How many watch.
    watches: AtomicUsize,
    bytes_max: usize,
}

#[derive(Debug, Default)]
struct Ring {
    events: VecDeque<Kept>,
    bytes: usize,
}

#[derive(Debug)]
struct Kept {
    event: Arc<Logged>,
    /// What it took on the bus.
    bytes: usize,
}

impl Recent {
    /// Nothing yet, and never more than so many bytes of messages.
    pub(crate) fn new(bytes_max: usize) -> Self {
        Self {
            ring: Mutex::default(),
            watches: AtomicUsize::new(0),
            bytes_max,
        }
    }

    fn ring(&self) -> MutexGuard<'_, Ring> {
        self.ring.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets go of all of them.
    pub(crate) fn forget(&self) {
        self.ring().clear();
    }

    /// Keeps an event if somebody watches; `bytes` is what it took on the bus.
    pub(crate) fn keep(&self, event: Logged, bytes: usize) {
        if self.watches.load(Ordering::Acquire) == 0 {
            return;
        }
        let mut ring = self.ring();
        // Looked at again now that nobody can leave in between: the last to leave empties the ring.
        if self.watches.load(Ordering::Acquire) > 0 {
            ring.push(event, bytes, self.bytes_max);
        }
    }

    /// The events from one position on, `last` at most, as far as they are kept; none if `first` is not.
    pub(crate) fn from(&self, first: u64, last: u64) -> Option<Vec<Arc<Logged>>> {
        let ring = self.ring();
        let oldest = ring.events.front()?.event.0;
        let skipped = usize::try_from(first.checked_sub(oldest)?).ok()?;
        let kept = ring.events.range(skipped.min(ring.events.len())..);
        let kept = kept.take_while(|kept| kept.event.0 <= last);
        let events: Vec<_> = kept.map(|kept| Arc::clone(&kept.event)).collect();
        (!events.is_empty()).then_some(events)
    }
}

impl Ring {
    fn push(&mut self, event: Logged, bytes: usize, bytes_max: usize) {
        let newest = self.events.back().map(|kept| kept.event.0);
        if newest.is_some_and(|newest| newest + 1 != event.0) {
            self.clear();
        }
        self.bytes += bytes;
        let event = Arc::new(event);
        self.events.push_back(Kept { event, bytes });
        while self.bytes > bytes_max
            && let Some(oldest) = self.events.pop_front()
        {
            self.bytes -= oldest.bytes;
        }
    }

    fn clear(&mut self) {
        *self = Self::default();
    }
}

/// The state, and that somebody watches it until this is dropped.
pub(crate) struct Watching {
    shared: Arc<Shared>,
    /// That of the state when the watch began.
    history: u64,
}

impl Watching {
    pub(crate) fn begin(shared: &Arc<Shared>) -> Self {
        shared.recent.watches.fetch_add(1, Ordering::AcqRel);
        Self {
            shared: Arc::clone(shared),
            history: shared.history(),
        }
    }

    /// Whether everything was dropped since the watch began: what was told may not be in the ledger.
    pub(crate) fn is_of_the_past(&self) -> bool {
        self.shared.history() != self.history
    }
}

impl Deref for Watching {
    type Target = Shared;

    fn deref(&self) -> &Shared {
        &self.shared
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        let recent = &self.shared.recent;
        let mut ring = recent.ring();
        if recent.watches.fetch_sub(1, Ordering::AcqRel) == 1 {
            ring.clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use domain::event::{self as e, Body};

    use super::*;
    use crate::tests::event;

    fn logged(position: u64) -> Logged {
        let loaded = Body::DatasetLoaded(e::DatasetLoaded {
            dataset: "units".parse().unwrap(),
            version: "1".to_owned(),
            events: 1,
            credit: String::new(),
        });
        let known = "2023-07-01T00:00:00Z".parse().unwrap();
        (position, known, event("2023-07-01", loaded, &[]))
    }

    /// With room for 30 bytes.
    fn shared() -> Arc<Shared> {
        let clock = host::ManualClock::new("2023-07-31T00:00:00Z".parse().unwrap());
        Arc::new(Shared::new(Arc::new(clock), 30))
    }

    fn kept(shared: &Shared, first: u64, last: u64) -> Option<Vec<u64>> {
        let events = shared.recent.from(first, last)?;
        Some(events.iter().map(|event| event.0).collect())
    }

    #[test]
    fn the_newest_are_kept_without_a_gap_while_somebody_watches() {
        let shared = shared();
        shared.recent.keep(logged(1), 10);
        assert_eq!(kept(&shared, 1, 9), None, "nobody watches");
        let watching = [Watching::begin(&shared), Watching::begin(&shared)];
        for position in 2..=5 {
            shared.recent.keep(logged(position), 10);
        }
        assert_eq!(kept(&shared, 2, 9), None, "30 bytes hold three");
        assert_eq!(kept(&shared, 3, 9), Some(vec![3, 4, 5]));
        assert_eq!(kept(&shared, 4, 4), Some(vec![4]));
        assert_eq!(kept(&shared, 6, 9), None, "not there yet");
        shared.recent.keep(logged(8), 10);
        assert_eq!(kept(&shared, 5, 9), None, "6 and 7 were left out");
        assert_eq!(kept(&shared, 8, 9), Some(vec![8]));
        let [one, other] = watching;
        drop(one);
        assert_eq!(kept(&shared, 8, 9), Some(vec![8]), "one watches still");
        drop(other);
        assert_eq!(kept(&shared, 8, 9), None);
    }

    #[test]
    fn an_event_larger_than_all_room_is_left_to_the_log() {
        let shared = shared();
        let _watching = Watching::begin(&shared);
        shared.recent.keep(logged(1), 31);
        assert_eq!(kept(&shared, 1, 1), None);
        shared.recent.keep(logged(2), 30);
        assert_eq!(kept(&shared, 2, 2), Some(vec![2]));
    }
}
