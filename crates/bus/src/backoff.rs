//! Waiting longer after each failure, with jitter, and not repeating the same complaint.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::time::Duration;

use tokio::time::Instant;

/// A delay that doubles from `first` up to `most`; each wait is somewhere in its upper half.
#[derive(Debug)]
pub struct Backoff {
    first: Duration,
    most: Duration,
    next: Duration,
}

impl Backoff {
    /// Begins with `first`.
    #[must_use]
    pub fn new(first: Duration, most: Duration) -> Self {
        Self {
            first,
            most,
            next: first.min(most),
        }
    }

    /// How long to wait now.
    pub fn delay(&mut self) -> Duration {
        let whole = self.next;
        self.next = (whole * 2).min(self.most);
        let micros = u64::try_from(whole.as_micros()).unwrap_or(u64::MAX);
        Duration::from_micros(micros / 2 + random() % (micros / 2 + 1))
    }

    /// Forgets past failures.
    pub fn reset(&mut self) {
        self.next = self.first.min(self.most);
    }
}

/// A number that two relays are unlikely to share: the standard library seeds its hashers so.
pub(crate) fn random() -> u64 {
    RandomState::new().build_hasher().finish()
}

/// Lets a text through when it is new, or when it was last let through some time ago.
#[derive(Debug)]
pub(crate) struct Complaints {
    every: Duration,
    last: Option<(String, Instant)>,
    suppressed: u64,
}

impl Complaints {
    pub(crate) fn new(every: Duration) -> Self {
        Self {
            every,
            last: None,
            suppressed: 0,
        }
    }

    /// Whether to say it, and how many were kept back since the last one said.
    pub(crate) fn admit(&mut self, text: &str) -> Option<u64> {
        let repeated = self
            .last
            .as_ref()
            .is_some_and(|(said, at)| said == text && at.elapsed() < self.every);
        if repeated {
            self.suppressed += 1;
            return None;
        }
        self.last = Some((text.to_owned(), Instant::now()));
        Some(std::mem::take(&mut self.suppressed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_double_up_to_the_limit() {
        let mut backoff = Backoff::new(Duration::from_millis(100), Duration::from_millis(300));
        for whole in [100, 200, 300, 300] {
            let delay = backoff.delay().as_millis();
            assert!((whole / 2..=whole).contains(&delay), "{delay} of {whole}");
        }
        backoff.reset();
        assert!(backoff.delay() <= Duration::from_millis(100));
    }

    #[test]
    fn the_same_complaint_is_said_once_in_a_while() {
        let mut complaints = Complaints::new(Duration::from_secs(3_600));
        assert_eq!(complaints.admit("no server"), Some(0));
        assert_eq!(complaints.admit("no server"), None);
        assert_eq!(complaints.admit("no stream"), Some(1));
        assert_eq!(complaints.admit("no stream"), None);
        complaints.every = Duration::ZERO;
        assert_eq!(complaints.admit("no stream"), Some(1));
    }
}
