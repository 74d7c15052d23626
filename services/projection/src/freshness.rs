//! How far what is folded lies behind the log's head, and how long ago anything was heard of the head.
//!
//! The follower's task alone writes; every answer reads, without a lock.
//! Whoever reads between two writes sees a number that was right a moment ago.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use host::Clock;

/// Stands for no time.
const NEVER: i64 = i64::MIN;

/// What was heard of the log's head, by the service's clock in milliseconds since 1970.
pub(crate) struct Heard {
    clock: Arc<dyn Clock>,
    /// The newest position heard of.
    head: AtomicU64,
    /// When the head was last heard of; before anything was heard, when the service began.
    at_ms: AtomicI64,
    /// What is missing up to this position counts as known of since `since_ms`.
    known: AtomicU64,
    /// When the first position that is not folded was heard of, while there is one.
    since_ms: AtomicI64,
    /// When the first position beyond `known` was heard of; [`NEVER`] while there is none.
    beyond_since_ms: AtomicI64,
}

/// How fresh an answer is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Freshness {
    /// How many positions the head lies beyond what is folded.
    pub(crate) behind_positions: u64,
    /// For how long such positions have been known of; 0 if there are none.
    pub(crate) behind_ms: u64,
    /// How long ago the head was last heard of.
    pub(crate) head_heard_ms: u64,
}

impl Heard {
    pub(crate) fn new(clock: Arc<dyn Clock>) -> Self {
        let now = clock.now().as_millisecond();
        Self {
            clock,
            head: AtomicU64::new(0),
            at_ms: AtomicI64::new(now),
            known: AtomicU64::new(0),
            since_ms: AtomicI64::new(now),
            beyond_since_ms: AtomicI64::new(NEVER),
        }
    }

    /// The newest position heard of.
    pub(crate) fn head(&self) -> u64 {
        self.head.load(Ordering::Acquire)
    }

    /// Forgets what was heard: it was of another history.
    pub(crate) fn forget(&self) {
        let now = self.clock.now().as_millisecond();
        self.head.store(0, Ordering::Release);
        self.known.store(0, Ordering::Relaxed);
        self.since_ms.store(now, Ordering::Relaxed);
        self.beyond_since_ms.store(NEVER, Ordering::Relaxed);
    }

    /// Takes note that the log reaches as far as `head`, or farther, while everything up to `folded` is folded.
    pub(crate) fn hear(&self, head: u64, folded: u64) {
        let now = self.clock.now().as_millisecond();
        self.at_ms.store(now, Ordering::Relaxed);
        // A log never goes back; who tells of less has told it later than another.
        if head <= self.head() {
            return;
        }
        if self.known.load(Ordering::Relaxed) <= folded {
            self.known.store(head, Ordering::Relaxed);
            self.since_ms.store(now, Ordering::Relaxed);
        } else if self.beyond_since_ms.load(Ordering::Relaxed) == NEVER {
            self.beyond_since_ms.store(now, Ordering::Relaxed);
        }
        self.head.store(head, Ordering::Release);
    }

    /// Takes note that everything up to a position is folded.
    ///
    /// Under a steady load there is always a newer head; what counts is how long ago the oldest position that is missing was heard of.
    pub(crate) fn fold(&self, folded: u64) {
        if folded < self.known.load(Ordering::Relaxed) {
            return;
        }
        let beyond = self.beyond_since_ms.swap(NEVER, Ordering::Relaxed);
        if beyond != NEVER {
            self.known.store(self.head(), Ordering::Relaxed);
            self.since_ms.store(beyond, Ordering::Relaxed);
        }
    }

    /// How fresh an answer is that has everything up to `folded`.
    pub(crate) fn freshness(&self, folded: u64) -> Freshness {
        let behind_positions = self.head().saturating_sub(folded);
        let now = self.clock.now().as_millisecond();
        let passed = |since: &AtomicI64| {
            let passed = now.saturating_sub(since.load(Ordering::Relaxed));
            // A clock that was put back makes nothing older than it is.
            u64::try_from(passed).unwrap_or(0)
        };
        Freshness {
            behind_positions,
            behind_ms: match behind_positions {
                0 => 0,
                _ => passed(&self.since_ms),
            },
            head_heard_ms: passed(&self.at_ms),
        }
    }
}
