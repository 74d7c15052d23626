//! The store of residuals: how far past forecasts were from what came.
//!
//! e = ln(actual R / forecast R) of every forecast whose target moment has passed, at one horizon.
//! Both are shares of the denominator of their own day, so that a revised denominator is no
//! residual.
//! The store knows nothing but what was noted into it: noted day by day, it gives what was known on
//! that day.
//! A figure that is only a bound is no outcome, nor does the straight line pass through it, or
//! across figures further apart than the store is told.

use std::collections::BTreeMap;

/// Forecasts whose target moment is longer ago than this say nothing about today, days.
const MEMORY_DAYS: f64 = 90.0;

/// Past forecasts and figures of peers; keys are the caller's own.
///
/// It holds all that was noted, 24 bytes for each; how much that may be is the caller's limit.
#[derive(Debug, Clone, PartialEq)]
pub struct Residuals {
    gap_days: f64,
    places: BTreeMap<u64, Past>,
}

/// What one place foresaw, and what came.
#[derive(Debug, Clone, Default, PartialEq)]
struct Past {
    /// Ascending by moment.
    forecasts: Vec<Foretold>,
    /// (moment, share left), ascending; `None` where only a bound is known.
    known: Vec<(f64, Option<f64>)>,
}

/// A forecast R̂(t + L) = left · e^(−hazard · L).
#[derive(Debug, Clone, Copy, PartialEq)]
struct Foretold {
    at: f64,
    left: f64,
    hazard: f64,
}

impl Residuals {
    /// An empty store; nothing is known of what lies between figures further apart than
    /// `gap_days`.
    #[must_use]
    pub fn new(gap_days: f64) -> Residuals {
        let places = BTreeMap::new();
        Residuals { gap_days, places }
    }

    /// Notes that a place had the share `left` (R/D) left at `at`, days; `None` if only a bound of
    /// it is known.
    ///
    /// A moment not after the place's newest is left out, as is what is not finite.
    pub fn came(&mut self, key: u64, at: f64, left: Option<f64>) {
        let past = self.places.entry(key).or_default();
        let later = past.known.last().is_none_or(|(newest, _)| at > *newest);
        if later && at.is_finite() && left.is_none_or(f64::is_finite) {
            past.known.push((at, left.map(|left| left.max(0.0))));
        }
    }

    /// Notes the forecast that a place made at `at`, days, from the share `left` at `hazard` a day.
    ///
    /// A moment not after that of the place's newest forecast is left out, as is a forecast with
    /// nobody left, or one that is not finite.
    pub fn foretold(&mut self, key: u64, at: f64, left: f64, hazard: f64) {
        let past = self.places.entry(key).or_default();
        let later = past.forecasts.last().is_none_or(|newest| at > newest.at);
        if later && at.is_finite() && hazard.is_finite() && left.is_finite() && left > 0.0 {
            past.forecasts.push(Foretold { at, left, hazard });
        }
    }

    /// The residuals at a horizon, days, of the places that are asked for, as of `today`,
    /// ascending; −∞ where nobody was left.
    #[must_use]
    pub fn at(&self, today: f64, horizon: f64, of: impl Fn(u64) -> bool) -> Vec<f64> {
        let asked = self.places.iter().filter(|(key, _)| of(**key));
        let mut found: Vec<f64> = asked
            .flat_map(|(_, past)| past.residuals(today, horizon, self.gap_days))
            .collect();
        found.sort_by(f64::total_cmp);
        found
    }

    /// All residuals at a horizon, days, as of `today`, ascending, thinned to so many quantiles.
    #[must_use]
    pub fn spread(&self, today: f64, horizon: f64, most: usize) -> Vec<f64> {
        thinned(self.at(today, horizon, |_| true), most)
    }
}

/// At most so many of a sorted list, evenly from its lowest to its highest.
pub(crate) fn thinned(sorted: Vec<f64>, most: usize) -> Vec<f64> {
    if sorted.len() <= most {
        return sorted;
    }
    let (last, steps) = (sorted.len() - 1, most.saturating_sub(1).max(1));
    (0..most)
        .filter_map(|i| sorted.get(i * last / steps).copied())
        .collect()
}

impl Past {
    fn residuals(&self, today: f64, horizon: f64, gap_days: f64) -> impl Iterator<Item = f64> {
        let newest = self.known.last().map_or(f64::NEG_INFINITY, |(at, _)| *at);
        let newest = newest.min(today);
        let (first, end) = if horizon > 0.0 {
            let until = |forecast: &Foretold| forecast.at + horizon;
            let forecasts = &self.forecasts;
            (
                forecasts.partition_point(|f| today - until(f) > MEMORY_DAYS),
                forecasts.partition_point(|f| until(f) <= newest),
            )
        } else {
            (0, 0)
        };
        let due = self.forecasts.get(first..end).unwrap_or(&[]).iter();
        due.filter_map(move |forecast| {
            let expected = forecast.left * (-forecast.hazard * horizon).exp();
            let e = (self.left(forecast.at + horizon, gap_days)? / expected).ln();
            (expected > 0.0 && !e.is_nan()).then_some(e)
        })
    }

    /// The share left at a moment not after the newest: as reported, in between the straight line
    /// where the figures are near enough.
    fn left(&self, moment: f64, gap_days: f64) -> Option<f64> {
        let next = self.known.partition_point(|(at, _)| *at < moment);
        let (after, right) = *self.known.get(next)?;
        if after == moment {
            return right;
        }
        let (before, left) = *self.known.get(next.checked_sub(1)?)?;
        let (left, right) = left.zip(right).filter(|_| after - before <= gap_days)?;
        Some(left + (moment - before) / (after - before) * (right - left))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(_: u64) -> bool {
        true
    }

    #[test]
    fn a_residual_is_known_once_its_day_has_come() {
        let mut store = Residuals::new(14.0);
        // 40 % left on day 0 at 5 % a day: 0.4·e^(−0.5) = 0.242612 expected on day 10.
        store.came(1, 0.0, Some(0.4));
        store.foretold(1, 0.0, 0.4, 0.05);
        assert!(store.at(14.0, 10.0, all).is_empty());
        store.came(1, 7.0, Some(0.30));
        assert!(store.at(14.0, 10.0, all).is_empty());
        store.came(1, 14.0, Some(0.23));
        // Between 0.30 and 0.23 three sevenths of the way: 0.27; ln(0.27/0.242612) = 0.106957.
        let found = store.at(14.0, 10.0, all);
        assert_eq!(found.len(), 1);
        assert!((found[0] - 0.106_957).abs() < 1e-6, "{found:?}");
        // ln(0.30/(0.4·e^(−0.35))) = ln 0.75 + 0.35.
        assert!((store.at(14.0, 7.0, all)[0] - (0.75_f64.ln() + 0.35)).abs() < 1e-12);
        assert!(store.at(14.0, 15.0, all).is_empty());
        assert!(store.at(14.0, 0.0, all).is_empty());
    }

    #[test]
    fn nobody_left_is_the_lowest_and_a_bound_is_no_outcome() {
        let mut store = Residuals::new(14.0);
        for key in 1..=3 {
            store.came(key, 0.0, Some(0.4));
            store.foretold(key, 0.0, 0.4, 0.0);
        }
        store.came(1, 7.0, Some(0.4));
        store.came(2, 7.0, Some(0.0));
        store.came(3, 7.0, None);
        store.came(3, 14.0, Some(0.1));
        assert_eq!(store.at(14.0, 7.0, all), [f64::NEG_INFINITY, 0.0]);
        assert_eq!(store.at(14.0, 7.0, |key| key != 2), [0.0]);
        // Day 10 of place 3 lies beside the bound.
        assert!(store.at(14.0, 10.0, all).is_empty());
        assert_eq!(store.at(14.0, 14.0, all), [0.25_f64.ln()]);
    }

    #[test]
    fn what_is_out_of_order_or_no_number_is_left_out() {
        let mut store = Residuals::new(14.0);
        store.came(1, 7.0, Some(0.4));
        store.came(1, 7.0, Some(0.9));
        store.came(1, 3.0, Some(0.9));
        store.came(1, f64::NAN, Some(0.9));
        store.came(1, 9.0, Some(f64::INFINITY));
        store.foretold(1, 7.0, 0.0, 0.1);
        store.foretold(1, 7.0, 0.4, f64::NAN);
        store.foretold(1, 7.0, 0.4, 0.0);
        store.came(1, 14.0, Some(0.2));
        assert_eq!(store.at(14.0, 7.0, all), [0.5_f64.ln()]);
    }

    #[test]
    fn what_is_long_past_is_forgotten() {
        let mut store = Residuals::new(14.0);
        store.came(1, 0.0, Some(0.4));
        store.foretold(1, 0.0, 0.4, 0.0);
        store.came(1, 7.0, Some(0.4));
        // By the day it is asked on: that the place has been silent since keeps nothing alive.
        assert_eq!(store.at(97.0, 7.0, all), [0.0]);
        assert!(store.at(97.5, 7.0, all).is_empty());
        assert!(store.at(6.5, 7.0, all).is_empty(), "it has not come yet");
    }

    #[test]
    fn nothing_is_known_between_figures_far_apart() {
        for (later, known) in [(14.0, 1), (14.5, 0)] {
            let mut store = Residuals::new(14.0);
            store.came(1, 0.0, Some(0.4));
            store.foretold(1, 0.0, 0.4, 0.0);
            store.came(1, later, Some(0.2));
            assert_eq!(store.at(20.0, 7.0, all).len(), known);
            assert_eq!(store.at(20.0, later, all), [0.5_f64.ln()]);
        }
    }

    #[test]
    fn only_forecasts_within_memory_are_looked_at_whatever_their_number() {
        let mut store = Residuals::new(14.0);
        for day in 0..400 {
            store.came(1, f64::from(day), Some(0.4));
            store.foretold(1, f64::from(day), 0.4, 0.0);
        }
        // Target moments from day 309 to 399.
        assert_eq!(store.at(399.0, 7.0, all).len(), 91);
    }
}
