//! Rules tried on a past: what they would have opened, and whether it was right.
//!
//! A [`Past`] holds the cumulative series of many places; [`replay`] goes through it day by day and
//! asks [`crate::judge()`] and [`crate::Ladder`] what they would have said with nothing but what
//! was known by then; [`Score`] holds that against what had happened at the deadline;
//! [`accuracy`] holds the forecast itself against simpler ones.
//!
//! - **As known at the time.** A day sees the figures of that day and before, the denominators
//!   they came with, and the residuals of forecasts whose target moment had passed.
//! - **The denominator in force** is that of a place's newest figure; earlier counts are taken as
//!   shares of their own, since people who move in or out are no pace.
//! - **Only days with a report.** A lagging case counts reports ([`crate::Ladder`]), so a place is
//!   judged on the days on which it reports; no other day could change its case.
//! - **Bounds.** A figure known only to be "more than 95 %" is that bound: it finishes a lower
//!   target, and where it does not a place cannot be judged by it. It has no pace, gives no
//!   residual, and is no outcome that an error is measured by; a pace begins after the last one.
//! - **Gaps.** Between figures further apart than [`Rules::silent_after_days`] nobody knows what
//!   had happened: a deadline in there has no outcome.
//! - **Nothing is judged by what it was tuned on.** Residuals come from the past of the same file;
//!   with [`Drawn::OtherPlaces`] and [`Drawn::OtherParents`] the places of one half are judged by
//!   the residuals of the other half alone. [`split`] does the same with the thresholds of a case:
//!   picked on earlier deadlines, or on one half, they are judged on later ones, or on the other.
//!
//! # Layout
//!
//! - here: the past
//! - `walk`: what was known on a day: paces, peers, hazards
//! - `replay`: the cases that would have opened
//! - `score`: precision, recall, flapping, coverage, notices
//! - `accuracy`: errors of forecasts at so many days before the deadline
//! - `foresee`: the simpler forecasts
//! - `bands`: what bands cover by horizon, at the level asked for and at an adapted one
//! - `split`: thresholds of a case picked on one part of the past and judged on the other

mod accuracy;
mod bands;
mod foresee;
mod replay;
mod score;
mod split;
mod walk;

use std::ops::Range;

use crate::target::Target;
use crate::{Quota, Rules};

pub use accuracy::{Accuracy, Method, accuracy};
pub use bands::{Coverage, coverage};
pub use replay::{Banded, Change, Drawn, Replay, replay};
pub use score::{Case, Group, Notices, Score, cases, notices};
pub use split::{Judged, Picked, Split, Thresholds, split};

/// One cumulative figure of a place.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Figure {
    /// The moment it speaks of and was known at, days (see [`crate::day()`]).
    pub at: f64,
    /// N, people.
    pub count: f64,
    /// D as known with it, people, above 0.
    pub denominator: f64,
    /// N is only a lower bound.
    pub is_bound: bool,
}

impl Figure {
    /// N/D.
    fn share(&self) -> f64 {
        self.count / self.denominator
    }
}

/// The series of one place.
#[derive(Debug, Clone, PartialEq)]
pub struct Place {
    /// Its name or code, one for each place of a parent.
    pub name: String,
    /// The name or code of what it belongs to.
    pub parent: String,
    /// One for each moment.
    pub figures: Vec<Figure>,
}

/// The series of many places.
#[derive(Debug, Clone, PartialEq)]
pub struct Past {
    places: Vec<Place>,
    families: Vec<Range<usize>>,
    days: Vec<f64>,
}

impl Past {
    /// Gathers the places; their order, and that of their figures, does not matter.
    ///
    /// Figures that are not finite or have no denominator are left out, as are places without any;
    /// of several figures of one moment the first in order of count stays.
    #[must_use]
    pub fn new(mut places: Vec<Place>) -> Past {
        for place in &mut places {
            let figures = &mut place.figures;
            figures.retain(|f| {
                f.at.is_finite()
                    && f.count.is_finite()
                    && f.denominator.is_finite()
                    && f.denominator > 0.0
            });
            figures.sort_by(|a, b| {
                let by_count = || a.count.total_cmp(&b.count);
                a.at.total_cmp(&b.at).then_with(by_count)
            });
            figures.dedup_by(|later, earlier| later.at <= earlier.at);
        }
        places.retain(|place| !place.figures.is_empty());
        places.sort_by(|a, b| (&a.parent, &a.name).cmp(&(&b.parent, &b.name)));
        let mut families: Vec<Range<usize>> = Vec::new();
        for index in 0..places.len() {
            match families.last_mut() {
                Some(family) if places[family.start].parent == places[index].parent => {
                    family.end = index + 1;
                }
                _ => families.push(index..index + 1),
            }
        }
        let moments = places.iter().flat_map(|place| &place.figures);
        let mut days: Vec<f64> = moments.map(|figure| figure.at).collect();
        days.sort_by(f64::total_cmp);
        days.dedup();
        Past {
            places,
            families,
            days,
        }
    }

    /// The places, by parent and name; everything else names them by their index here.
    #[must_use]
    pub fn places(&self) -> &[Place] {
        &self.places
    }

    /// How many parents there are.
    #[must_use]
    pub fn parents(&self) -> usize {
        self.families.len()
    }

    /// The moments at which somebody reported, ascending.
    #[must_use]
    pub fn days(&self) -> &[f64] {
        &self.days
    }

    /// How many exact figures up to a deadline are enough to be scored, if nothing else is said:
    /// three quarters of what the places have in the median.
    #[must_use]
    pub fn enough(&self, deadline: f64) -> usize {
        let counts = self.places.iter().map(|place| place.until(deadline).len());
        let usual = score::median(counts.map(|count| count as f64).collect());
        usual.map_or(0, |usual| (usual * 0.75).ceil() as usize)
    }

    /// Whether a place missed a target at a deadline; `None` where the figures do not tell.
    ///
    /// The figure of the deadline decides, or the straight line between those around it, if they
    /// are not further apart than a place may be silent.
    #[must_use]
    pub fn missed(
        &self,
        rules: &Rules,
        place: usize,
        target_share: f64,
        deadline: f64,
    ) -> Option<bool> {
        let (share, is_bound, denominator) = self.places.get(place)?.at(rules, deadline)?;
        let target = Target::of(&quota(denominator, target_share, Some(deadline)))?;
        let met = target.is_met(share * denominator);
        (met || !is_bound).then_some(!met)
    }

    /// N/D at the deadline; `None` where it is not known or only a bound is.
    #[must_use]
    pub fn came(&self, rules: &Rules, place: usize, deadline: f64) -> Option<f64> {
        let (share, is_bound, _) = self.places.get(place)?.at(rules, deadline)?;
        (!is_bound).then_some(share)
    }
}

impl Place {
    /// Its figures of a moment and before.
    fn until(&self, moment: f64) -> &[Figure] {
        let end = self.figures.partition_point(|f| f.at <= moment);
        self.figures.get(..end).unwrap_or(&[])
    }

    /// Its figures up to a moment that are exact.
    #[must_use]
    pub fn exact(&self, until: f64) -> usize {
        self.until(until).iter().filter(|f| !f.is_bound).count()
    }

    /// (N/D, whether it is a bound, D) at a moment between figures.
    fn at(&self, rules: &Rules, moment: f64) -> Option<(f64, bool, f64)> {
        let next = self.figures.partition_point(|f| f.at < moment);
        let after = self.figures.get(next)?;
        if after.at <= moment {
            return Some((after.share(), after.is_bound, after.denominator));
        }
        let before = self.figures.get(next.checked_sub(1)?)?;
        if after.at - before.at > rules.silent_after_days() {
            return None;
        }
        let part = (moment - before.at) / (after.at - before.at);
        let share = before.share() + part * (after.share() - before.share());
        let is_bound = before.is_bound || after.is_bound;
        Some((share, is_bound, after.denominator))
    }

    /// Whether somebody who knows what came by `today` can tell what was at a moment.
    fn is_known(&self, moment: f64, today: f64) -> bool {
        let next = self.figures.partition_point(|f| f.at < moment);
        self.figures.get(next).is_some_and(|f| f.at <= today)
    }

    /// Which half it falls into, by its name and its parent's.
    fn half(&self) -> bool {
        half(&[&self.parent, "\n", &self.name])
    }

    /// Which half its whole parent falls into.
    fn half_of_parent(&self) -> bool {
        half(&[&self.parent])
    }
}

/// A coin that falls the same way for the same words on every machine: a bit of FNV-1a.
fn half(words: &[&str]) -> bool {
    let bytes = words.iter().flat_map(|word| word.bytes());
    let hash = bytes.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    (hash >> 40) & 1 == 1
}

/// A quota that asks for a share of D by a deadline, and nothing else.
fn quota(denominator: f64, target_share: f64, deadline: Option<f64>) -> Quota {
    Quota {
        denominator,
        target_share,
        start: None,
        deadline,
        milestones: Vec::new(),
        position: 0,
    }
}

/// a/b; `None` of nothing.
fn part(a: usize, b: usize) -> Option<f64> {
    (b > 0).then(|| a as f64 / b as f64)
}

/// 2PR/(P + R) as 2tp/(2tp + fp + fn); `None` of nothing.
fn f1(right: usize, wrong: usize, missing: usize) -> Option<f64> {
    part(2 * right, 2 * right + wrong + missing)
}
