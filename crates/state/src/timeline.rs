//! Facts in the order of the moments they speak of, and who reported them when.

use std::ops::Deref;

use domain::event::Actor;
use domain::text::Moment;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::form::{Known, Sound};

/// Where a fact stands in the log and in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Recorded<'a> {
    /// Position in the log.
    pub position: u64,
    /// When the log took it.
    pub known: Timestamp,
    /// The moment it speaks of.
    pub effective: Moment,
    /// Who reported it.
    pub actor: &'a Actor,
}

impl Recorded<'_> {
    /// Whether it replaces what stands elsewhere: it speaks of a later moment, or of the same and came later.
    #[must_use]
    pub fn is_after(&self, other: Option<Recorded<'_>>) -> bool {
        let order = |recorded: &Recorded<'_>| (recorded.effective, recorded.position);
        other.is_none_or(|other| order(self) > order(&other))
    }
}

/// A fact on record: what was reported, and where that stands.
///
/// It reads as the fact itself: `entry.target` is `entry.fact.target`.
#[derive(Debug)]
pub struct Entry<'a, T> {
    /// What was reported.
    pub fact: &'a T,
    /// Where it stands.
    pub recorded: Recorded<'a>,
}

impl<T> Clone for Entry<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Entry<'_, T> {}

impl<T: PartialEq> PartialEq for Entry<'_, T> {
    fn eq(&self, other: &Self) -> bool {
        self.fact == other.fact && self.recorded == other.recorded
    }
}

impl<T: Eq> Eq for Entry<'_, T> {}

impl<T> Deref for Entry<'_, T> {
    type Target = T;
    fn deref(&self) -> &T {
        self.fact
    }
}

/// How far a reader sees: facts that speak of no later moment, at no later position.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Sight {
    /// The last moment seen.
    pub(crate) horizon: Moment,
    /// The last position known.
    pub(crate) limit: u64,
}

impl Sight {
    /// The sight of a reader who asks as of a moment.
    ///
    /// The end of a day or of a month includes every figure of its last day, however it is stated.
    pub(crate) fn new(as_of: Moment, limit: u64) -> Self {
        let horizon = if as_of.hour() == 24 {
            Moment::end_of(as_of.date())
        } else {
            as_of
        };
        Self { horizon, limit }
    }
}

/// What every fact carries: moment, position, index of the actor.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Stamp {
    pub(crate) effective: Moment,
    pub(crate) position: u64,
    pub(crate) actor: u32,
}

/// A fact as it is kept.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Fact<T> {
    pub(crate) stamp: Stamp,
    pub(crate) body: T,
}

impl Sound for Stamp {
    fn is_sound(&self, known: &Known) -> bool {
        known.position(self.position) && known.actor(self.actor)
    }
}

impl<T> Sound for Timeline<T> {
    /// And whether the facts stand in their order.
    fn is_sound(&self, known: &Known) -> bool {
        let order = |fact: &Fact<T>| (fact.stamp.effective, fact.stamp.position);
        self.0.iter().all(|fact| fact.stamp.is_sound(known))
            && self.0.is_sorted_by(|a, b| order(a) < order(b))
    }
}

/// Facts about one thing, by moment and then by position; each newer one replaces those before it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Timeline<T>(Vec<Fact<T>>);

impl<T> Default for Timeline<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T> Timeline<T> {
    /// Adds a fact of the newest position.
    pub(crate) fn insert(&mut self, stamp: Stamp, body: T) {
        let at = self
            .0
            .partition_point(|fact| fact.stamp.effective <= stamp.effective);
        self.0.insert(at, Fact { stamp, body });
    }

    /// The facts seen, oldest moment first.
    pub(crate) fn seen(&self, sight: Sight) -> impl DoubleEndedIterator<Item = &Fact<T>> {
        let end = self
            .0
            .partition_point(|fact| fact.stamp.effective <= sight.horizon);
        self.0[..end]
            .iter()
            .filter(move |fact| fact.stamp.position <= sight.limit)
    }

    /// The fact that holds for the sight.
    pub(crate) fn newest(&self, sight: Sight) -> Option<&Fact<T>> {
        self.seen(sight).next_back()
    }

    /// The facts known, whatever moment they speak of, earliest moment first.
    pub(crate) fn known(&self, limit: u64) -> impl Iterator<Item = &Fact<T>> {
        self.0
            .iter()
            .filter(move |fact| fact.stamp.position <= limit)
    }
}
