//! The thresholds of a judgement, as data with a version.

use serde::{Deserialize, Serialize};

/// Every threshold of the lag model.
///
/// A verdict carries [`Rules::version`], so that it can be reproduced with the rules it was made
/// by.
/// A threshold that makes a formula meaningless (a window of zero days, NaN) never panics: the
/// terms that need it are not computed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rules {
    /// The name under which these rules are kept; shown with each verdict.
    pub version: String,
    /// w: the window over which pace is measured, days, above 0.
    pub window_days: f64,
    /// β: the weight of the parent's hazard against the place's own exposure, person-days,
    /// 0 or more.
    pub beta: f64,
    /// A share below this factor of the average is "far below", 0 to 1.
    pub average_factor: f64,
    /// Fewer reports than this are EARLY.
    pub early_reports: usize,
    /// Reports spanning fewer days than this are EARLY.
    pub early_days: f64,
    /// EARLY is red below this share of the plan, 0 to 1.
    pub plan_red: f64,
    /// EARLY is amber below this share of the plan, 0 to 1, at least [`Rules::plan_red`].
    pub plan_amber: f64,
    /// How often a report is expected, days; a place is silent after twice that.
    pub cadence_days: f64,
    /// A report speaks for opening a case when its probability to hit is below this, 0 to 1.
    pub p_open: f64,
    /// A report speaks for clearing a case when its probability to hit is above this, 0 to 1.
    pub p_clear: f64,
    /// Consecutive reports that must agree before a case opens or clears, at least 1.
    pub consecutive: u32,
    /// Residuals needed before a band or a probability is shown.
    pub residuals_min: usize,
    /// α: the share of outcomes that may fall outside the forecast band, 0 to 1.
    /// An adapted level ([`crate::BandLevel`]) is passed as changed rules.
    pub band_miss: f64,
    /// Days before the deadline at which a work item is called due soon.
    pub due_soon_days: Vec<u32>,
    /// A stall is a z below this.
    pub stall_z: f64,
    /// Unfairly slow against peers is a z below this (one-sided 0.1 %).
    pub funnel_z: f64,
    /// A declared completion is too early below this quantile of the forecast, 0 to 1.
    pub declared_quantile: f64,
}

/// What a threshold must be, to be reckoned with.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Bounds {
    /// More than this, and finite.
    Above(f64),
    /// This or more, and finite.
    AtLeast(f64),
    /// From one to the other, both included.
    Between(f64, f64),
    /// Not less than another threshold.
    NotBelow(&'static str),
    /// Any number.
    Number,
}

impl Rules {
    /// The shipped rules: the thresholds of the lag model.
    ///
    /// 0.3 / 0.6 after two reports gave 861 notices and 4 flapping places of 1,698 in the
    /// backtest, 0.5 / 0.5 after one report 1,418 and 297.
    #[must_use]
    pub fn standard() -> Rules {
        Rules {
            version: "standard-1".to_owned(),
            window_days: 14.0,
            beta: 1400.0,
            average_factor: 0.7,
            early_reports: 3,
            early_days: 14.0,
            plan_red: 0.8,
            plan_amber: 0.9,
            cadence_days: 7.0,
            p_open: 0.3,
            p_clear: 0.6,
            consecutive: 2,
            residuals_min: 100,
            band_miss: 0.2,
            due_soon_days: vec![7, 3, 1],
            stall_z: -3.0,
            funnel_z: -3.09,
            declared_quantile: 0.1,
        }
    }

    /// The rules of a version whose thresholds stand elsewhere under the names they have here; those that do not stand there are the shipped ones.
    ///
    /// A number of reports is cut to a whole one.
    #[must_use]
    pub fn named(
        version: &str,
        number: impl Fn(&str) -> Option<f64>,
        due_soon_days: &[u32],
    ) -> Rules {
        let shipped = Rules::standard();
        let or = |name: &str, shipped: f64| number(name).unwrap_or(shipped);
        Rules {
            version: version.to_owned(),
            window_days: or("window_days", shipped.window_days),
            beta: or("beta", shipped.beta),
            average_factor: or("average_factor", shipped.average_factor),
            early_reports: or("early_reports", shipped.early_reports as f64) as usize,
            early_days: or("early_days", shipped.early_days),
            plan_red: or("plan_red", shipped.plan_red),
            plan_amber: or("plan_amber", shipped.plan_amber),
            cadence_days: or("cadence_days", shipped.cadence_days),
            p_open: or("p_open", shipped.p_open),
            p_clear: or("p_clear", shipped.p_clear),
            consecutive: or("consecutive", f64::from(shipped.consecutive)) as u32,
            residuals_min: or("residuals_min", shipped.residuals_min as f64) as usize,
            band_miss: or("band_miss", shipped.band_miss),
            due_soon_days: due_soon_days.to_vec(),
            stall_z: or("stall_z", shipped.stall_z),
            funnel_z: or("funnel_z", shipped.funnel_z),
            declared_quantile: or("declared_quantile", shipped.declared_quantile),
        }
    }

    /// The first threshold outside its range, by name and bounds; `None` if all can be reckoned with.
    #[must_use]
    pub fn unusable(&self) -> Option<(&'static str, Bounds)> {
        let share = Bounds::Between(0.0, 1.0);
        let thresholds = [
            ("window_days", self.window_days, Bounds::Above(0.0)),
            ("beta", self.beta, Bounds::AtLeast(0.0)),
            ("average_factor", self.average_factor, share),
            ("early_days", self.early_days, Bounds::AtLeast(0.0)),
            ("plan_red", self.plan_red, share),
            ("plan_amber", self.plan_amber, share),
            ("plan_amber", self.plan_amber, Bounds::NotBelow("plan_red")),
            ("cadence_days", self.cadence_days, Bounds::Above(0.0)),
            ("p_open", self.p_open, share),
            ("p_clear", self.p_clear, share),
            ("p_clear", self.p_clear, Bounds::NotBelow("p_open")),
            (
                "consecutive",
                f64::from(self.consecutive),
                Bounds::AtLeast(1.0),
            ),
            ("band_miss", self.band_miss, share),
            ("stall_z", self.stall_z, Bounds::Number),
            ("funnel_z", self.funnel_z, Bounds::Number),
            ("declared_quantile", self.declared_quantile, share),
        ];
        let holds = |number: f64, bounds: Bounds| match bounds {
            Bounds::Above(least) => number > least && number.is_finite(),
            Bounds::AtLeast(least) => number >= least && number.is_finite(),
            Bounds::Between(least, most) => (least..=most).contains(&number),
            Bounds::NotBelow("plan_red") => number >= self.plan_red,
            Bounds::NotBelow(_) => number >= self.p_open,
            Bounds::Number => !number.is_nan(),
        };
        let mut thresholds = thresholds.into_iter();
        let wrong = thresholds.find(|(_, number, bounds)| !holds(*number, *bounds));
        wrong.map(|(name, _, bounds)| (name, bounds))
    }

    /// The age in days beyond which a last report is stale: twice the cadence.
    #[must_use]
    pub fn silent_after_days(&self) -> f64 {
        2.0 * self.cadence_days
    }
}
