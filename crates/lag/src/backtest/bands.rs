//! What forecast bands cover, by horizon: at the level asked for, and at an adapted one.
//!
//! Every place that reports is foreseen so many days ahead, with a band of the residuals that were
//! known on that day; once its figure of the moment foreseen has come, the band held it or not.
//! A target says nothing here: the band is that of the share of D.
//! The adapted level learns from what came by then and from nothing later ([`BandLevel`]).

use serde::Serialize;

use super::Past;
use super::replay::note;
use super::walk::Day;
use crate::forecast::Band;
use crate::{BandLevel, Residuals, Rules};

/// What the bands of one horizon covered.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Coverage {
    /// Days from the forecast to the moment foreseen.
    pub horizon_days: f64,
    /// The coverage asked for: 1 − α₀.
    pub asked: f64,
    /// Bands of which the outcome came, exactly.
    pub bands: u64,
    /// Of them, those drawn at the level asked for that held it.
    pub bands_held: u64,
    /// The coverage measured at the level asked for.
    pub coverage: Option<f64>,
    /// Mean width at the level asked for, percentage points.
    pub width_points: Option<f64>,
    /// Of them, those drawn at the adapted level that held it.
    pub adapted_held: u64,
    /// The coverage measured at the adapted level.
    pub adapted_coverage: Option<f64>,
    /// Mean width at the adapted level, percentage points.
    pub adapted_width_points: Option<f64>,
    /// The level that the next band would be drawn at: 1 − α.
    pub adapted_level: f64,
}

/// The bands of one horizon in the making.
struct Horizon {
    days: f64,
    open: Vec<Open>,
    fixed: BandLevel,
    adapted: BandLevel,
    /// Sums of the widths of those that came, shares.
    widths: [f64; 2],
}

/// A band whose moment has not come.
struct Open {
    place: usize,
    until: f64,
    /// Shares left, lowest and highest, at the level asked for.
    fixed: [f64; 2],
    /// At the adapted one.
    adapted: [f64; 2],
}

/// Measures the bands of each horizon over all places and the whole past; `after_day` is called
/// after each of the [`Past::days`].
#[must_use]
pub fn coverage(
    rules: &Rules,
    past: &Past,
    horizons_days: &[f64],
    mut after_day: impl FnMut(),
) -> Vec<Coverage> {
    let round = rules.residuals_min as u64;
    let horizon = |days: &f64| Horizon {
        days: *days,
        open: Vec::new(),
        fixed: BandLevel::new(rules.band_miss, round),
        adapted: BandLevel::new(rules.band_miss, round),
        widths: [0.0; 2],
    };
    let mut horizons: Vec<Horizon> = horizons_days.iter().map(horizon).collect();
    let mut store = Residuals::new(rules.silent_after_days());
    for today in past.days.iter().copied() {
        let day = Day::of(rules, past, today);
        note(&mut store, rules, &day, today);
        for horizon in &mut horizons {
            horizon.close(rules, past, today);
            horizon.draw(rules, &store, &day, today);
        }
        after_day();
    }
    let rows = horizons.into_iter();
    rows.map(|horizon| horizon.row(rules.band_miss)).collect()
}

impl Horizon {
    /// Looks at the bands whose outcome is known by now.
    fn close(&mut self, rules: &Rules, past: &Past, today: f64) {
        let (mut came, mut missed) = (0, [0, 0]);
        let widths = &mut self.widths;
        self.open.retain(|band| {
            let place = past.places.get(band.place);
            let known = place.is_some_and(|place| place.is_known(band.until, today));
            if !known {
                // What nobody has told by now was told by nobody in time.
                return today - band.until <= rules.silent_after_days();
            }
            let Some(share) = past.came(rules, band.place, band.until) else {
                return false;
            };
            let left = (1.0 - share).max(0.0);
            came += 1;
            let drawn = [band.fixed, band.adapted];
            for ((missed, width), [low, high]) in missed.iter_mut().zip(&mut *widths).zip(drawn) {
                *missed += u64::from(!(low <= left && left <= high));
                *width += high - low;
            }
            false
        });
        let [fixed, adapted] = missed;
        self.fixed.came(came, fixed);
        self.adapted.came(came, adapted);
    }

    /// Draws the bands of those who report today.
    fn draw(&mut self, rules: &Rules, store: &Residuals, day: &Day<'_>, today: f64) {
        let residuals = store.at(today, self.days, |_| true);
        let Some(band) = Band::of(rules, &residuals) else {
            return;
        };
        let until = today + self.days;
        for (place, known) in day.places.iter().enumerate() {
            let Some(known) = known.as_ref().filter(|known| known.newest.at >= today) else {
                continue;
            };
            let full = known
                .pace
                .filter(|pace| pace.window_days >= rules.window_days);
            let hazard = full.and_then(|pace| pace.hazard(rules, day.peers(place)));
            let left = 1.0 - known.newest.share();
            let Some(hazard) = hazard.filter(|_| left > 0.0) else {
                continue;
            };
            let expected = left * (-hazard * self.days).exp();
            let ends = |miss: f64| {
                let end = |q: f64| Some(expected * band.quantile(q)?.exp());
                Some([end(miss / 2.0)?, end(1.0 - miss / 2.0)?])
            };
            let drawn = ends(rules.band_miss).zip(ends(self.adapted.miss()));
            self.open.extend(drawn.map(|(fixed, adapted)| Open {
                place,
                until,
                fixed,
                adapted,
            }));
        }
    }

    fn row(self, miss: f64) -> Coverage {
        let bands = self.fixed.bands();
        let [fixed, adapted] = self
            .widths
            .map(|sum| (bands > 0).then(|| sum / bands as f64 * 100.0));
        Coverage {
            horizon_days: self.days,
            asked: 1.0 - miss,
            bands,
            bands_held: self.fixed.held(),
            coverage: self.fixed.coverage(),
            width_points: fixed.filter(|width| width.is_finite()),
            adapted_held: self.adapted.held(),
            adapted_coverage: self.adapted.coverage(),
            adapted_width_points: adapted.filter(|width| width.is_finite()),
            adapted_level: 1.0 - self.adapted.miss(),
        }
    }
}
