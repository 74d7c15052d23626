//! The level of a forecast band, adapted by what it missed.
//!
//! α ← α + γ(α₀ − miss rate) after Gibbs & Candès (2021, arXiv 2106.00170), γ = 0.5: a band that
//! missed more than it was asked to is drawn wider next time, one that missed less narrower.
//! The quantiles are those of past residuals, so no level makes a band cover what no forecast ever
//! erred by; what it really covered is measured beside it and always told.

use serde::{Deserialize, Serialize};

/// γ: how far one miss rate moves the level.
const STEP: f64 = 0.5;

/// The level of the bands of one horizon, and what they covered.
///
/// Small and serialisable: the same outcomes in the same order give the same level.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BandLevel {
    /// α₀: the share that may be missed.
    asked: f64,
    /// α: the share asked of the quantiles.
    miss: f64,
    /// Outcomes that make a miss rate.
    round: u64,
    /// Outcomes of the round that is not complete.
    waiting: u64,
    /// Of them, those missed.
    waiting_missed: u64,
    bands: u64,
    held: u64,
}

impl BandLevel {
    /// The level that is asked for, 0 to 1, before anything came; a miss rate is taken of `round`
    /// outcomes or more, since a rate of a few is noise.
    #[must_use]
    pub fn new(asked: f64, round: u64) -> BandLevel {
        let asked = if asked.is_nan() { 0.0 } else { asked };
        BandLevel {
            asked: asked.clamp(0.0, 1.0),
            miss: asked.clamp(0.0, 1.0),
            round: round.max(1),
            waiting: 0,
            waiting_missed: 0,
            bands: 0,
            held: 0,
        }
    }

    /// α: the share of outcomes that the next bands may miss, 0 to 1; it takes the place of
    /// [`crate::Rules::band_miss`].
    #[must_use]
    pub fn miss(&self) -> f64 {
        self.miss
    }

    /// Takes what came of so many bands, and how many of them did not hold it.
    pub fn came(&mut self, bands: u64, missed: u64) {
        let missed = missed.min(bands);
        self.bands += bands;
        self.held += bands - missed;
        self.waiting += bands;
        self.waiting_missed += missed;
        if self.waiting < self.round {
            return;
        }
        let rate = self.waiting_missed as f64 / self.waiting as f64;
        self.miss = (self.miss + STEP * (self.asked - rate)).clamp(0.0, 1.0);
        (self.waiting, self.waiting_missed) = (0, 0);
    }

    /// Bands of which the outcome came.
    #[must_use]
    pub fn bands(&self) -> u64 {
        self.bands
    }

    /// Of them, those that held it.
    #[must_use]
    pub fn held(&self) -> u64 {
        self.held
    }

    /// The measured coverage, 0 to 1; `None` before anything came.
    #[must_use]
    pub fn coverage(&self) -> Option<f64> {
        (self.bands > 0).then(|| self.held as f64 / self.bands as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(found: f64, expected: f64) {
        assert!((found - expected).abs() < 1e-12, "{found} for {expected}");
    }

    #[test]
    fn the_level_follows_the_misses_by_hand() {
        let mut level = BandLevel::new(0.2, 10);
        near(level.miss(), 0.2);
        assert_eq!(level.coverage(), None);
        // 4 of 10 missed: 0.2 + 0.5·(0.2 − 0.4) = 0.1.
        level.came(10, 4);
        near(level.miss(), 0.1);
        // Again: 0.1 − 0.1 = 0, and never below.
        level.came(10, 4);
        level.came(10, 10);
        near(level.miss(), 0.0);
        // None of 20 missed: 0 + 0.5·0.2 = 0.1.
        level.came(20, 0);
        near(level.miss(), 0.1);
        assert_eq!((level.bands(), level.held()), (50, 32));
        near(level.coverage().unwrap(), 0.64);
    }

    #[test]
    fn a_few_outcomes_are_gathered_before_they_move_anything() {
        let mut level = BandLevel::new(0.2, 10);
        level.came(4, 4);
        level.came(5, 0);
        level.came(0, 0);
        near(level.miss(), 0.2);
        // 5 of 12: 0.2 + 0.5·(0.2 − 5/12).
        level.came(3, 1);
        near(level.miss(), 0.2 + 0.5 * (0.2 - 5.0 / 12.0));
    }

    #[test]
    fn what_is_no_share_is_none() {
        for (asked, expected) in [(f64::NAN, 0.0), (-3.0, 0.0), (7.0, 1.0)] {
            let mut level = BandLevel::new(asked, 0);
            near(level.miss(), expected);
            level.came(1, 5);
            assert!((0.0..=1.0).contains(&level.miss()));
            assert_eq!((level.bands(), level.held()), (1, 0));
        }
    }

    /// Outcomes that are spread more widely than the residuals: the fixed level misses 40 %, the
    /// adapted one comes near what was asked.
    #[test]
    fn misses_come_near_what_was_asked() {
        let mut level = BandLevel::new(0.2, 1);
        for _ in 0..50 {
            // Of a band drawn for α twice as many are missed as it says.
            let missed = (2.0 * level.miss() * 1000.0) as u64;
            level.came(1000, missed);
        }
        near((level.miss() * 1000.0).round() / 1000.0, 0.1);
        assert!((level.coverage().unwrap() - 0.8).abs() < 0.01, "{level:?}");
    }
}
