//! The siblings: the parent's hazard, the average, the stall and the funnel.
//!
//! Over-dispersed funnel after Spiegelhalter (2005): z-scores are divided by √φ, with φ the
//! winsorised mean of the peers' z², at least 1, so that ordinary differences between places do
//! not read as failures.

use serde::{Deserialize, Serialize};

use crate::pace::Pace;
use crate::series::Series;
use crate::target::Target;
use crate::{Quota, Report, Rules};

/// The share winsorised at each end of the peers' z².
const WINSORISED: f64 = 0.1;

/// What is known of the places under the same parent, the judged one among them.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Peers {
    /// Σc over the siblings, people.
    pub completed: f64,
    /// ΣE over the siblings, person-days; 0 when unknown.
    pub exposure: f64,
    /// ΣN/ΣD: the parent's share, 0 or more.
    pub average_share: Option<f64>,
    /// p̄ = Σc/ΣR0 over full windows, 0 to 1.
    pub completed_share: Option<f64>,
    /// φ of the funnel, at least 1.
    pub funnel_dispersion: f64,
    /// φ of the stall, at least 1.
    pub stall_dispersion: f64,
}

/// Where one sibling stands.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Standing {
    /// N: its newest count.
    pub count: f64,
    /// D: its denominator.
    pub denominator: f64,
    /// Its last window; `None` with less than a day of history.
    pub pace: Option<Pace>,
}

impl Standing {
    /// Reads a sibling's reports; `None` without a usable report or quota.
    ///
    /// Inputs are as in [`crate::Question`].
    #[must_use]
    pub fn of(rules: &Rules, reports: &[Report], quota: &Quota, today: f64) -> Option<Standing> {
        let series = Series::new(reports, quota.start, today);
        let target = Target::of(quota)?;
        let count = series.newest()?.count;
        let pace = Pace::measure(rules, series, &target).map(|measured| measured.pace);
        Some(Standing {
            count,
            denominator: target.denominator,
            pace,
        })
    }
}

impl Peers {
    /// Peers of which nothing is known.
    #[must_use]
    pub fn unknown() -> Peers {
        Peers {
            completed: 0.0,
            exposure: 0.0,
            average_share: None,
            completed_share: None,
            funnel_dispersion: 1.0,
            stall_dispersion: 1.0,
        }
    }

    /// Gathers the siblings, the judged place among them.
    ///
    /// The order of `standings` should be stable, since sums of floats depend on it.
    #[must_use]
    pub fn of(rules: &Rules, standings: &[Standing]) -> Peers {
        let paces: Vec<Pace> = standings
            .iter()
            .filter_map(|standing| standing.pace)
            .collect();
        let full = |pace: &&Pace| pace.window_days >= rules.window_days;
        let completed: f64 = paces.iter().filter(full).map(|pace| pace.completed).sum();
        let left: f64 = paces.iter().filter(full).map(|pace| pace.left_before).sum();
        let counted: f64 = standings.iter().map(|standing| standing.count).sum();
        let eligible: f64 = standings.iter().map(|standing| standing.denominator).sum();
        let mut peers = Peers {
            completed: paces.iter().map(|pace| pace.completed).sum(),
            exposure: paces.iter().map(|pace| pace.exposure).sum(),
            average_share: ratio(counted, eligible),
            completed_share: ratio(completed, left).map(|share| share.min(1.0)),
            ..Peers::unknown()
        };
        let full: Vec<&Pace> = paces.iter().filter(full).collect();
        let funnel: Vec<f64> = full.iter().filter_map(|pace| peers.funnel(pace)).collect();
        let stall: Vec<f64> = full.iter().filter_map(|pace| peers.stall(pace)).collect();
        peers.funnel_dispersion = dispersion(&funnel);
        peers.stall_dispersion = dispersion(&stall);
        peers
    }

    /// h_parent = Σc/ΣE, per day; `None` without exposure.
    #[must_use]
    pub fn hazard(&self) -> Option<f64> {
        ratio(self.completed.max(0.0), self.exposure)
    }

    /// A share by the average one; `None` where either cannot be reckoned with.
    #[must_use]
    pub fn average_ratio(&self, share: f64) -> Option<f64> {
        ratio(share, self.average_share.filter(|it| it.is_finite())?)
    }

    /// z = (c/R0 − p̄)/√(φ·p̄(1−p̄)/R0); `None` when p̄ is unknown, 0 or 1, or nobody was left.
    #[must_use]
    pub fn funnel(&self, pace: &Pace) -> Option<f64> {
        let share = self.completed_share?;
        let variance = self.funnel_dispersion.max(1.0) * share * (1.0 - share);
        let own = ratio(pace.completed, pace.left_before)?;
        let z = (own - share) / (variance / pace.left_before).sqrt();
        z.is_finite().then_some(z)
    }

    /// z = (c − μ)/√(φμ) with μ = h_prev·E; `None` when the window before is unknown or empty.
    #[must_use]
    pub fn stall(&self, pace: &Pace) -> Option<f64> {
        let expected = pace.hazard_before? * pace.exposure;
        let z = (pace.completed - expected) / (self.stall_dispersion.max(1.0) * expected).sqrt();
        z.is_finite().then_some(z)
    }
}

/// φ: the winsorised (10 % at each end) mean of z², at least 1; 1 without peers.
#[must_use]
pub fn dispersion(z: &[f64]) -> f64 {
    let mut squares: Vec<f64> = z.iter().map(|z| z * z).filter(|s| s.is_finite()).collect();
    squares.sort_by(f64::total_cmp);
    // Truncation is meant: a tenth of seven peers is nobody.
    let cut = (squares.len() as f64 * WINSORISED) as usize;
    let ends = squares
        .get(cut)
        .copied()
        .zip(squares.iter().rev().nth(cut).copied());
    let Some((low, high)) = ends else { return 1.0 };
    let sum: f64 = squares.iter().map(|square| square.clamp(low, high)).sum();
    (sum / squares.len() as f64).max(1.0)
}

/// a/b where that is a finite number and b is above 0.
fn ratio(a: f64, b: f64) -> Option<f64> {
    (b > 0.0).then(|| a / b).filter(|ratio| ratio.is_finite())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pace(completed: f64, left_before: f64, hazard_before: Option<f64>) -> Pace {
        let left = left_before - completed;
        let exposure = 14.0 * (left_before + left) / 2.0;
        Pace {
            window_days: 14.0,
            completed,
            left_before,
            left,
            exposure,
            hazard_before,
        }
    }

    #[test]
    fn dispersion_is_winsorised_and_at_least_one() {
        assert_eq!(dispersion(&[]), 1.0);
        assert_eq!(dispersion(&[0.1, -0.2]), 1.0);
        // z² = 0, 4×8, 10 000: with a tenth cut at each end all ten become 4.
        let mut z = vec![2.0; 8];
        z.extend([0.0, 100.0]);
        assert_eq!(dispersion(&z), 4.0);
    }

    #[test]
    fn funnel_by_hand() {
        let peers = Peers {
            completed_share: Some(0.2),
            ..Peers::unknown()
        };
        // (50/400 − 0.2)/√(0.2·0.8/400) = −0.075/0.02 = −3.75; with φ = 4 half of that.
        let z = peers.funnel(&pace(50.0, 400.0, None)).unwrap();
        assert!((z + 3.75).abs() < 1e-9);
        let wide = Peers {
            funnel_dispersion: 4.0,
            ..peers
        };
        assert!((wide.funnel(&pace(50.0, 400.0, None)).unwrap() + 1.875).abs() < 1e-9);
        // One of ten is the same share below, and nothing to call out.
        assert!(peers.funnel(&pace(1.0, 10.0, None)).unwrap() > -1.0);
    }

    #[test]
    fn stall_by_hand() {
        // E = 14·(1000 + 900)/2 = 13 300; μ = 0.03·13 300 = 399; z = (100 − 399)/√399 = −14.97.
        let z = Peers::unknown()
            .stall(&pace(100.0, 1000.0, Some(0.03)))
            .unwrap();
        assert!((z + 14.9687).abs() < 1e-4);
        assert_eq!(
            Peers::unknown().stall(&pace(100.0, 1000.0, Some(0.0))),
            None
        );
    }

    #[test]
    fn gathers_sums_and_average() {
        let rules = Rules::standard();
        let standing = |count, c, r0| Standing {
            count,
            denominator: 1000.0,
            pace: Some(pace(c, r0, Some(0.02))),
        };
        let peers = Peers::of(
            &rules,
            &[standing(600.0, 100.0, 500.0), standing(800.0, 50.0, 250.0)],
        );
        assert_eq!(peers.average_share, Some(0.7));
        // 150 of 750 left were done; E = 14·450 + 14·225 = 9450.
        assert_eq!(peers.completed_share, Some(0.2));
        assert_eq!(peers.hazard(), Some(150.0 / 9450.0));
        assert_eq!(Peers::of(&rules, &[]), Peers::unknown());
    }
}
