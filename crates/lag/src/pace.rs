//! What was done in the last window, and the hazard: the share of those left who are done per
//! day.
//!
//! Pace is measured at the moment of the newest report, not today: that is the moment the figure
//! speaks of, so a verdict does not drift while the next report is awaited.

use crate::series::Series;
use crate::target::Target;
use crate::{Peers, Rules};

/// A window shorter than this says nothing about a pace, days.
const WINDOW_DAYS_MIN: f64 = 1.0;

/// What one place did in the window that ends with its newest report.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pace {
    /// The window really measured, days: w, or less where less is known.
    pub window_days: f64,
    /// c = max(N(t) − N(t−w), 0), people.
    pub completed: f64,
    /// R(t−w): people left when the window began (R0 of the funnel).
    pub left_before: f64,
    /// R(t): people left now.
    pub left: f64,
    /// E = w·(R(t−w) + R(t))/2, person-days.
    pub exposure: f64,
    /// c/E of the window before, per day; `None` where that window is not fully known.
    pub hazard_before: Option<f64>,
}

/// A pace and the positions of the reports it was read from.
pub(crate) struct Measured {
    pub(crate) pace: Pace,
    pub(crate) positions: [[Option<u64>; 2]; 2],
}

impl Pace {
    /// Measures the window before the newest report; `None` with less than a day of history.
    pub(crate) fn measure(rules: &Rules, series: Series<'_>, target: &Target) -> Option<Measured> {
        let newest = series.newest()?;
        let begins = series.begins()?;
        let window_days = rules.window_days.min(newest.at - begins);
        if !(window_days.is_finite() && window_days >= WINDOW_DAYS_MIN) {
            return None;
        }
        // a − (a − b) may fall a hair before b, where nothing is known.
        let since = (newest.at - window_days).max(begins);
        let before = series.at(since)?;
        let (completed, exposure) = worked(target, before.count, newest.count, window_days);
        let earlier = series.at(since - window_days);
        let hazard_before = earlier.and_then(|earlier| {
            let (c, e) = worked(target, earlier.count, before.count, window_days);
            (e > 0.0).then_some(c / e)
        });
        let pace = Pace {
            window_days,
            completed,
            left_before: target.left(before.count),
            left: target.left(newest.count),
            exposure,
            hazard_before,
        };
        let earlier = earlier.map_or([None; 2], |earlier| earlier.positions);
        Some(Measured {
            pace,
            positions: [before.positions, earlier],
        })
    }

    /// r = c/w, people per day.
    #[must_use]
    pub fn per_day(&self) -> f64 {
        self.completed / self.window_days
    }

    /// c/E, per day, before it is drawn towards the parent's; `None` without exposure.
    #[must_use]
    pub fn hazard_observed(&self) -> Option<f64> {
        (self.exposure > 0.0).then(|| self.completed / self.exposure)
    }

    /// h = (c + β·h_parent)/(E + β), per day; the observed hazard where no parent's is known.
    #[must_use]
    pub fn hazard(&self, rules: &Rules, peers: Option<&Peers>) -> Option<f64> {
        let Some(parent) = peers.and_then(Peers::hazard) else {
            return self.hazard_observed();
        };
        let exposure = self.exposure + rules.beta;
        (exposure > 0.0).then(|| (self.completed + rules.beta * parent) / exposure)
    }
}

/// (c, E) of a window.
fn worked(target: &Target, before: f64, after: f64, window_days: f64) -> (f64, f64) {
    let exposure = window_days * (target.left(before) + target.left(after)) / 2.0;
    ((after - before).max(0.0), exposure)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Quota, Report};

    fn measure(points: &[(f64, f64)]) -> Option<Pace> {
        let quota = Quota {
            denominator: 1000.0,
            target_share: 0.9,
            start: None,
            deadline: None,
            milestones: vec![],
            position: 1,
        };
        let reports: Vec<Report> = points
            .iter()
            .zip(1..)
            .map(|(&(at, count), position)| Report {
                at,
                count,
                position,
            })
            .collect();
        let series = Series::new(&reports, None, 1000.0);
        Pace::measure(&Rules::standard(), series, &Target::of(&quota).unwrap()).map(|m| m.pace)
    }

    #[test]
    fn window_completed_exposure_and_hazard() {
        let pace = measure(&[(0.0, 100.0), (14.0, 400.0), (28.0, 600.0)]).unwrap();
        // c = 600 − 400; E = 14·(600 + 400)/2 = 7000; h = 200/7000.
        assert_eq!((pace.completed, pace.exposure), (200.0, 7000.0));
        assert_eq!(pace.per_day(), 200.0 / 14.0);
        assert_eq!(pace.hazard_observed(), Some(200.0 / 7000.0));
        // Before: 300 done over 14·(900 + 600)/2 = 10 500 person-days.
        assert_eq!(pace.hazard_before, Some(300.0 / 10_500.0));
    }

    #[test]
    fn the_parent_draws_a_small_place_more() {
        let pace = measure(&[(0.0, 400.0), (14.0, 600.0)]).unwrap();
        let peers = Peers {
            completed: 100.0,
            exposure: 10_000.0,
            ..Peers::unknown()
        };
        // (200 + 1400·0.01)/(7000 + 1400) = 214/8400.
        let h = pace.hazard(&Rules::standard(), Some(&peers)).unwrap();
        assert!((h - 214.0 / 8400.0).abs() < 1e-12);
    }

    #[test]
    fn a_fall_is_no_pace_and_a_short_history_a_short_window() {
        assert_eq!(
            measure(&[(0.0, 700.0), (14.0, 600.0)]).unwrap().completed,
            0.0
        );
        assert_eq!(
            measure(&[(0.0, 400.0), (7.0, 600.0)]).unwrap().window_days,
            7.0
        );
        assert_eq!(measure(&[(0.0, 400.0), (0.5, 600.0)]), None);
        assert_eq!(measure(&[(0.0, 400.0)]), None);
        assert_eq!(measure(&[]), None);
    }

    #[test]
    fn nobody_left_has_no_hazard() {
        let pace = measure(&[(0.0, 1000.0), (14.0, 1366.0)]).unwrap();
        assert_eq!(pace.hazard_observed(), None);
    }
}
