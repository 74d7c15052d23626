//! Where the pace leads: the hazard forecast, the linear bound, the band.

use std::borrow::Cow;

use crate::Rules;
use crate::pace::Pace;
use crate::target::Target;

/// From what moment, at what pace, towards what.
#[derive(Clone, Copy)]
pub(crate) struct Outlook<'a> {
    /// t: the moment of the newest report, days.
    pub(crate) from: f64,
    /// N(t).
    pub(crate) count: f64,
    pub(crate) pace: &'a Pace,
    /// h, per day.
    pub(crate) hazard: f64,
    pub(crate) target: &'a Target,
}

impl Outlook<'_> {
    /// R̂(T) = R·e^(−h(T−t)); T not before t.
    pub(crate) fn left(&self, until: f64) -> f64 {
        self.pace.left * (-self.hazard * (until - self.from).max(0.0)).exp()
    }

    /// N̂(T) = D − R̂(T).
    pub(crate) fn count(&self, until: f64) -> f64 {
        self.target.ceiling - self.left(until)
    }

    /// N̂lin(T) = N + (c/w)(T−t).
    pub(crate) fn linear(&self, until: f64) -> f64 {
        self.count + self.pace.per_day() * (until - self.from).max(0.0)
    }

    /// N̂ ≥ N\*, as R̂ ≤ R\* so that a 100 % target can be met.
    pub(crate) fn is_met(&self, until: f64) -> bool {
        self.left(until) <= self.target.allowed
    }

    /// ETA = t + ln(R/R\*)/h; `None` at a standstill.
    pub(crate) fn eta(&self) -> Option<f64> {
        let log = (self.pace.left / self.target.allowed).ln().max(0.0);
        let eta = self.from + log / self.hazard;
        (self.hazard > 0.0 && eta.is_finite()).then_some(eta)
    }

    /// When the straight line reaches N\*; `None` at a standstill.
    pub(crate) fn eta_linear(&self) -> Option<f64> {
        let eta = self.from + (self.target.required - self.count).max(0.0) / self.pace.per_day();
        (self.pace.completed > 0.0 && eta.is_finite()).then_some(eta)
    }

    /// h\* = ln(R/R\*)/(T−t), per day; `None` when no time is left.
    pub(crate) fn hazard_needed(&self, until: f64) -> Option<f64> {
        let log = (self.pace.left / self.target.allowed).ln().max(0.0);
        let needed = log / (until - self.from);
        (until > self.from && needed.is_finite()).then_some(needed)
    }

    /// Declared before the forecast's lowest quantile of completion: fewer than that share of
    /// outcomes are done by then. Without a band: before the forecast and the straight line.
    pub(crate) fn is_too_early(
        &self,
        rules: &Rules,
        declared: f64,
        band: Option<&Band<'_>>,
    ) -> bool {
        if declared <= self.from {
            return true;
        }
        match band {
            Some(band) => {
                band.hit(self.left(declared), self.target.allowed) < rules.declared_quantile
            }
            None => !self.is_met(declared) && self.linear(declared) < self.target.required,
        }
    }
}

/// The residuals of peers' past forecasts at this horizon, sorted.
pub(crate) struct Band<'a>(Cow<'a, [f64]>);

impl<'a> Band<'a> {
    /// `None` with fewer residuals than the rules ask for: no band is shown.
    pub(crate) fn of(rules: &Rules, residuals: &'a [f64]) -> Option<Band<'a>> {
        // What a store gives is sorted, and the same for every place judged that day.
        let sorted = if residuals.is_sorted_by(|a, b| a <= b) && residuals.len() != 1 {
            Cow::Borrowed(residuals)
        } else {
            let mut sorted: Vec<f64> = residuals.iter().copied().filter(|e| !e.is_nan()).collect();
            sorted.sort_by(f64::total_cmp);
            Cow::Owned(sorted)
        };
        let enough = !sorted.is_empty() && sorted.len() >= rules.residuals_min;
        enough.then_some(Band(sorted))
    }

    /// p_hit: the share of e with R̂·e^e ≤ R\*.
    pub(crate) fn hit(&self, left: f64, allowed: f64) -> f64 {
        let hits = self
            .0
            .partition_point(|e| *e == f64::NEG_INFINITY || left * e.exp() <= allowed);
        hits as f64 / self.0.len() as f64
    }

    /// The quantile of the residuals, nearest rank; `q` 0 to 1.
    pub(crate) fn quantile(&self, q: f64) -> Option<f64> {
        // Truncation is meant: the nearest rank below, within the list.
        let rank = (q.clamp(0.0, 1.0) * self.0.len() as f64) as usize;
        self.0.get(rank.min(self.0.len() - 1)).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Quota;

    fn target(target_share: f64) -> Target {
        Target::of(&Quota {
            denominator: 1000.0,
            target_share,
            start: None,
            deadline: None,
            milestones: vec![],
            position: 1,
        })
        .unwrap()
    }

    /// 600 of 1000 done on day 28, 200 of them in the last 14 days.
    fn pace() -> Pace {
        Pace {
            window_days: 14.0,
            completed: 200.0,
            left_before: 600.0,
            left: 400.0,
            exposure: 7000.0,
            hazard_before: None,
        }
    }

    #[test]
    fn forecast_bound_and_eta_by_hand() {
        let (pace, target) = (pace(), target(0.9));
        let hazard = 200.0 / 7000.0;
        let outlook = Outlook {
            from: 28.0,
            count: 600.0,
            pace: &pace,
            hazard,
            target: &target,
        };
        // 400·e^(−28/35) = 400·e^(−0.8) = 179.7316 left on day 56: 820.27 done.
        assert!((outlook.count(56.0) - 820.268_414).abs() < 1e-5);
        // 600 + 200/14·28 = 1000.
        assert!((outlook.linear(56.0) - 1000.0).abs() < 1e-9);
        assert!(!outlook.is_met(56.0));
        // ln(400/100)·35 = 48.5203 days.
        assert!((outlook.eta().unwrap() - 76.520_302).abs() < 1e-5);
        // 300 people at 100/7 a day: 21 days.
        assert!((outlook.eta_linear().unwrap() - 49.0).abs() < 1e-9);
        // ln 4/28 = 0.0495105.
        assert!((outlook.hazard_needed(56.0).unwrap() - 0.049_510_513).abs() < 1e-8);
        assert_eq!(outlook.hazard_needed(28.0), None);
    }

    #[test]
    fn a_hundred_percent_is_reached_at_half_a_person() {
        let (pace, target) = (pace(), target(1.0));
        let outlook = Outlook {
            from: 28.0,
            count: 600.0,
            pace: &pace,
            hazard: 0.1,
            target: &target,
        };
        // ln(400/0.5)/0.1 = 66.846 days.
        assert!((outlook.eta().unwrap() - 94.846_117).abs() < 1e-5);
        assert!(outlook.is_met(94.9) && !outlook.is_met(94.8));
    }

    #[test]
    fn band_counts_hits_and_needs_enough_residuals() {
        let rules = Rules::standard();
        let residuals: Vec<f64> = (0..100).map(|i| f64::from(i) / 100.0 - 0.5).collect();
        assert!(Band::of(&rules, &residuals[1..]).is_none());
        let band = Band::of(&rules, &residuals).unwrap();
        // 180·e^e ≤ 150 ⇔ e ≤ ln(150/180) = −0.1823: residuals −0.50 … −0.19, 32 of 100.
        assert_eq!(band.hit(180.0, 150.0), 0.32);
        assert_eq!(band.quantile(0.1), Some(-0.4));
        assert_eq!(band.quantile(1.0), Some(0.49));
    }

    #[test]
    fn nobody_left_is_a_hit() {
        let rules = Rules {
            residuals_min: 1,
            ..Rules::standard()
        };
        let band = Band::of(&rules, &[f64::NEG_INFINITY, f64::NAN]).unwrap();
        assert_eq!(band.hit(180.0, 0.5), 1.0);
    }
}
