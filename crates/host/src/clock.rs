//! The wall clock behind a trait, and the day judgements are made for.
//!
//! Everything outside this crate receives a [`Clock`], so that a test decides what time it is.

use std::sync::{Mutex, PoisonError};

use jiff::civil::Date;
use jiff::tz::Offset;
use jiff::{SignedDuration, Timestamp};

/// Vietnam's time: UTC+7 all year.
///
/// A fixed offset needs no time zone database, and Vietnam has had no other since 1975.
pub const VIETNAM: Offset = Offset::constant(7);

/// Something that knows what time it is.
pub trait Clock: Send + Sync {
    /// The present instant.
    fn now(&self) -> Timestamp;
}

/// The machine's wall clock.
///
/// It may jump when the machine's time is corrected; who needs order must not take it from here.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place that reads the wall clock"
    )]
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }
}

/// A clock that stands still until it is moved by hand.
#[derive(Debug)]
pub struct ManualClock {
    now: Mutex<Timestamp>,
}

impl ManualClock {
    /// A clock standing at `now`.
    pub fn new(now: Timestamp) -> Self {
        Self {
            now: Mutex::new(now),
        }
    }

    /// Moves the clock to `now`, which may lie in its past.
    pub fn set(&self, now: Timestamp) {
        *self.now.lock().unwrap_or_else(PoisonError::into_inner) = now;
    }

    /// Moves the clock by `span`, stopping at the ends of representable time.
    pub fn advance(&self, span: SignedDuration) {
        let mut now = self.now.lock().unwrap_or_else(PoisonError::into_inner);
        let end = if span.is_negative() {
            Timestamp::MIN
        } else {
            Timestamp::MAX
        };
        *now = now.checked_add(span).unwrap_or(end);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        *self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The day for which judgements are made.
///
/// Recorded times are real whatever this says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Today {
    /// Always this day.
    Pinned(Date),
    /// The day it is in Vietnam.
    Real,
}

impl Today {
    /// The day as a date in Vietnam's time.
    pub fn date(&self, clock: &dyn Clock) -> Date {
        match self {
            Self::Pinned(date) => *date,
            Self::Real => VIETNAM.to_datetime(clock.now()).date(),
        }
    }
}
