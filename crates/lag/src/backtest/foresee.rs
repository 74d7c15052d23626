//! The simpler forecasts that the product's own is held against.
//!
//! Each is given the points (moment, count) of one place, ascending, as known on a day, and a
//! moment after the last; none foresees anything from fewer than two points.

use super::score::median;

/// The days that Theil–Sen looks back.
const SLOPES_DAYS: f64 = 28.0;
/// A step of Holt's method: a week.
const STEP_DAYS: f64 = 7.0;

/// α: how far the level follows an error of one step.
const LEVELS: [f64; 5] = [0.2, 0.4, 0.6, 0.8, 1.0];
/// β: how far the trend follows it.
const TRENDS: [f64; 5] = [0.0, 0.1, 0.2, 0.4, 0.8];
/// φ: what is left of the trend after a step.
const DAMPINGS: [f64; 4] = [0.8, 0.85, 0.9, 0.95];

/// A moment, days, and the count of it.
pub(super) type Point = (f64, f64);

/// By the average pace since the first point.
pub(super) fn average(points: &[Point], until: f64) -> Option<f64> {
    let ((begin, first), (end, last)) = (points.first()?, points.last()?);
    Some(last + (last - first) / (end - begin) * (until - end))
}

/// By the median of the slopes between any two points of the last 28 days.
pub(super) fn theil_sen(points: &[Point], until: f64) -> Option<f64> {
    let (end, last) = points.last()?;
    let recent = points.partition_point(|(at, _)| *at < end - SLOPES_DAYS);
    let points = points.get(recent..)?;
    let mut slopes = Vec::new();
    for (index, (later, high)) in points.iter().enumerate() {
        for (earlier, low) in points.iter().take(index) {
            slopes.push((high - low) / (later - earlier));
        }
    }
    Some(last + median(slopes)? * (until - end))
}

/// By Holt's linear trend, damped, with the α, β and φ of a small grid by which the place's own
/// points up to that day would have been foreseen best one step ahead.
pub(super) fn holt(points: &[Point], until: f64) -> Option<f64> {
    let (end, _) = points.last()?;
    let mut best: Option<(f64, Holt, f64)> = None;
    for alpha in LEVELS {
        for beta in TRENDS {
            for phi in DAMPINGS {
                let (fitted, squares) = Holt::fitted(points, [alpha, beta, phi])?;
                if best.as_ref().is_none_or(|(least, ..)| squares < *least) {
                    best = Some((squares, fitted, phi));
                }
            }
        }
    }
    let (_, fitted, phi) = best?;
    Some(fitted.ahead((until - end) / STEP_DAYS, phi))
}

/// A level, and how much is added each step.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Holt {
    level: f64,
    trend: f64,
}

impl Holt {
    /// Follows the points; beside it the sum of the squared errors one point ahead.
    ///
    /// It begins with the level and the trend by which the second point follows from the first.
    /// Points need not be a step apart: over k steps the trend adds φ + φ² + … + φᵏ of itself.
    fn fitted(points: &[Point], [alpha, beta, phi]: [f64; 3]) -> Option<(Holt, f64)> {
        let ((begin, first), (second, next)) = (points.first()?, points.get(1)?);
        let steps = (second - begin) / STEP_DAYS;
        let mut holt = Holt {
            level: *next,
            trend: phi.powf(steps) * (next - first) / damped(steps, phi),
        };
        let (mut squares, mut at) = (0.0, *second);
        for (moment, count) in points.iter().skip(2) {
            let steps = (moment - at) / STEP_DAYS;
            let expected = holt.ahead(steps, phi);
            let error = count - expected;
            holt.level = expected + alpha * error;
            holt.trend = phi.powf(steps) * holt.trend + beta * error / steps;
            squares += error * error;
            at = *moment;
        }
        Some((holt, squares))
    }

    /// The count so many steps ahead.
    fn ahead(&self, steps: f64, phi: f64) -> f64 {
        self.level + self.trend * damped(steps, phi)
    }
}

/// φ + φ² + … + φᵏ, for parts of a step too; φ below 1.
fn damped(steps: f64, phi: f64) -> f64 {
    phi * (1.0 - phi.powf(steps)) / (1.0 - phi)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(found: Option<f64>, expected: f64) {
        let found = found.expect("a forecast");
        assert!((found - expected).abs() < 1e-9, "{found} for {expected}");
    }

    #[test]
    fn holt_by_hand() {
        let points = [(0.0, 100.0), (7.0, 200.0), (14.0, 300.0)];
        // α = β = 0.5, φ = 0.8. Week 1: level 200, and a trend of 100, of which 80 come next.
        // Week 2: 280 expected, 20 more came: level 290, trend 80 + 10 = 90.
        let (fitted, squares) = Holt::fitted(&points, [0.5, 0.5, 0.8]).unwrap();
        assert!((fitted.level - 290.0).abs() < 1e-9, "{fitted:?}");
        assert!((fitted.trend - 90.0).abs() < 1e-9, "{fitted:?}");
        assert!((squares - 400.0).abs() < 1e-9);
        // Two weeks on: 290 + 90·(0.8 + 0.64).
        near(Some(fitted.ahead(2.0, 0.8)), 419.6);
        assert_eq!(fitted.ahead(0.0, 0.8), fitted.level);
        // A week left out: 200 + 100·1.44 = 344 expected, 44 too many: trend 0.64·100 − 0.5·22.
        let gap = [(0.0, 100.0), (7.0, 200.0), (21.0, 300.0)];
        let (fitted, _) = Holt::fitted(&gap, [1.0, 0.5, 0.8]).unwrap();
        assert!((fitted.trend - 53.0).abs() < 1e-9, "{fitted:?}");
    }

    #[test]
    fn holt_takes_the_damping_that_the_points_show() {
        // Each week adds 0.8 of what the week before added: 100, 80, 64, 51.2; 40.96 are next.
        let points = [
            (0.0, 0.0),
            (7.0, 100.0),
            (14.0, 180.0),
            (21.0, 244.0),
            (28.0, 295.2),
        ];
        near(holt(&points, 35.0), 336.16);
        // And never more than 51.2·4 on top.
        near(holt(&points, 3_500.0), 500.0);
        assert_eq!(holt(&points[..1], 35.0), None);
        assert_eq!(holt(&[], 35.0), None);
    }

    #[test]
    fn theil_sen_by_hand() {
        // Slopes of a week: 10, 20, 90; of two: 15, 55; of three: 40. In the middle of
        // 10, 15, 20, 40, 55, 90: 30 a week.
        let points = [(0.0, 0.0), (7.0, 10.0), (14.0, 30.0), (21.0, 120.0)];
        near(theil_sen(&points, 28.0), 150.0);
        // What is older than 28 days says nothing: 10 a week in the last four.
        let old = [
            (-70.0, 0.0),
            (0.0, 100.0),
            (7.0, 110.0),
            (14.0, 120.0),
            (28.0, 140.0),
        ];
        near(theil_sen(&old, 35.0), 150.0);
        assert_eq!(theil_sen(&points[..1], 28.0), None);
        // From 0 to 120 in three weeks.
        near(average(&points, 28.0), 160.0);
    }
}
