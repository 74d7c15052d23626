//! Rules of judgement as data: thresholds, what is judged, and the ladder of who is told.
//!
//! What a threshold means is the lag model's affair (`lag::Rules`), which gives it its formula; here each is a number within its range.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{Name, QuotaLayer, Recipient, RulesAdopted};
use crate::code::IndicatorCode;
use crate::locality::Level;
use crate::text::Decimal;

/// Most days that a threshold or a step counts; ten years.
pub const DAYS_MAX: u32 = 3_660;
/// Most reports or residuals that a threshold asks for.
pub const REPORTS_MAX: u32 = 1_000_000;
/// Most days before a deadline on which it is told.
pub const DUE_SOON_MAX: usize = 16;
/// Most steps of a ladder.
pub const STEPS_MAX: usize = 12;
/// Most indicators that a filter names.
pub const JUDGED_INDICATORS_MAX: usize = 1_000;

/// The thresholds of a judgement, all of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Thresholds {
    /// The window over which pace is measured, days.
    pub window_days: Decimal,
    /// The weight of the parent's hazard against the place's own exposure, person-days.
    pub beta: Decimal,
    /// A share below this factor of the average is far below.
    pub average_factor: Decimal,
    /// Fewer reports than this are early.
    pub early_reports: u32,
    /// Reports spanning fewer days than this are early.
    pub early_days: Decimal,
    /// Early is red below this share of the plan.
    pub plan_red: Decimal,
    /// Early is amber below this share of the plan.
    pub plan_amber: Decimal,
    /// How often a report is expected, days.
    pub cadence_days: Decimal,
    /// A report speaks for opening a case below this probability to hit.
    pub p_open: Decimal,
    /// A report speaks for clearing a case above this probability to hit.
    pub p_clear: Decimal,
    /// Consecutive reports that must agree before a case opens or clears.
    pub consecutive: u32,
    /// Residuals needed before a band or a probability is shown.
    pub residuals_min: u32,
    /// The share of outcomes that may fall outside the forecast band.
    pub band_miss: Decimal,
    /// Days before the deadline at which a work item is called due soon.
    pub due_soon_days: Vec<u32>,
    /// A stall is a z below this.
    pub stall_z: Decimal,
    /// Unfairly slow against peers is a z below this.
    pub funnel_z: Decimal,
    /// A declared completion is too early below this quantile of the forecast.
    pub declared_quantile: Decimal,
}

impl Thresholds {
    /// The thresholds that are one number, under their names; whole numbers among them.
    #[must_use]
    pub fn numbers(&self) -> [(&'static str, f64); 16] {
        [
            ("window_days", self.window_days.as_f64()),
            ("beta", self.beta.as_f64()),
            ("average_factor", self.average_factor.as_f64()),
            ("early_reports", self.early_reports.into()),
            ("early_days", self.early_days.as_f64()),
            ("plan_red", self.plan_red.as_f64()),
            ("plan_amber", self.plan_amber.as_f64()),
            ("cadence_days", self.cadence_days.as_f64()),
            ("p_open", self.p_open.as_f64()),
            ("p_clear", self.p_clear.as_f64()),
            ("consecutive", self.consecutive.into()),
            ("residuals_min", self.residuals_min.into()),
            ("band_miss", self.band_miss.as_f64()),
            ("stall_z", self.stall_z.as_f64()),
            ("funnel_z", self.funnel_z.as_f64()),
            ("declared_quantile", self.declared_quantile.as_f64()),
        ]
    }

    /// The threshold of a name, if it is one number.
    #[must_use]
    pub fn number(&self, name: &str) -> Option<f64> {
        let mut numbers = self.numbers().into_iter();
        numbers
            .find(|(named, _)| *named == name)
            .map(|(_, number)| number)
    }
}

/// What a threshold must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Range {
    /// More than zero.
    AboveZero,
    /// Zero or more.
    FromZero,
    /// From zero to one, both included.
    Share,
    /// Any number.
    Any,
}

impl Range {
    /// Whether a number is within.
    #[must_use]
    pub fn holds(self, number: Decimal) -> bool {
        let (zero, one) = (Decimal::whole(0), Decimal::whole(1));
        match self {
            Self::AboveZero => number > zero,
            Self::FromZero => number >= zero,
            Self::Share => (zero..=one).contains(&number),
            Self::Any => true,
        }
    }
}

impl fmt::Display for Range {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::AboveZero => "above 0",
            Self::FromZero => "0 or more",
            Self::Share => "from 0 to 1",
            Self::Any => "a number",
        })
    }
}

/// Which series are judged; an empty list means all.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Judged {
    /// Of these indicators.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub indicators: Vec<IndicatorCode>,
    /// Of places of these levels.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub levels: Vec<Level>,
    /// Against quotas of these layers; a series that nobody set a quota for is then not judged.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub layers: Vec<QuotaLayer>,
}

impl Judged {
    /// Whether every series is.
    #[must_use]
    pub fn is_all(&self) -> bool {
        *self == Self::default()
    }

    /// Whether places of a level are judged.
    #[must_use]
    pub fn has_level(&self, level: Level) -> bool {
        self.levels.is_empty() || self.levels.contains(&level)
    }

    /// Whether a series is judged against a quota of a layer; none is the series without a quota.
    #[must_use]
    pub fn has_layer(&self, layer: Option<QuotaLayer>) -> bool {
        self.layers.is_empty() || layer.is_some_and(|layer| self.layers.contains(&layer))
    }
}

/// A step of the ladder by which a place that stays behind is urged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Step {
    /// Its number, from 1.
    pub number: u32,
    /// What it is called.
    pub name: Name,
    /// Days that the case has stayed open since the step before was told; 0 for the first, which is told when the case opens.
    pub after_days: u32,
    /// Days within which an answer is expected; 0 if none is.
    pub reply_days: u32,
    /// Who is told, each once and at least one.
    pub tells: Vec<Recipient>,
}

impl RulesAdopted {
    /// Whether both are the same rules, whyever they were adopted.
    #[must_use]
    pub fn says_the_same(&self, other: &Self) -> bool {
        let said = |rules: &Self| Self {
            reason: String::new(),
            ..rules.clone()
        };
        said(self) == said(other)
    }
}
