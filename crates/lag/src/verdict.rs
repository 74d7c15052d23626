//! What a judgement says: status, the rule that decided, reasons, figures, positions.

use serde::{Deserialize, Serialize};

/// How far along a place is, as a colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Status {
    /// N ≥ N\*; wins over everything else, stale or late.
    Done,
    /// Cannot be judged; freezes an open case, is never green.
    Unknown,
    /// Too few reports to forecast, and nothing against the place.
    Early,
    /// Will meet the target at its pace: R̂(T) ≤ R\*.
    Green,
    /// Only the straight line meets the target, or a fallback rule warns.
    Amber,
    /// Neither forecast meets the target, or the deadline has passed.
    Red,
}

impl Status {
    /// The stable name, as serialised.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Status::Done => "DONE",
            Status::Unknown => "UNKNOWN",
            Status::Early => "EARLY",
            Status::Green => "GREEN",
            Status::Amber => "AMBER",
            Status::Red => "RED",
        }
    }
}

/// The rule that decided the status; the first that applies, in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Basis {
    /// Something is asked for (a quota or a declaration) and nothing was ever reported: UNKNOWN.
    NoData,
    /// Nothing is asked for, or the quota's denominator is unusable: UNKNOWN.
    NoQuota,
    /// N ≥ N\*: DONE.
    Done,
    /// A blocking plausibility check is open: UNKNOWN.
    Check,
    /// The deadline passed with N < N\*, and a fresh figure or one from after it says so: RED.
    Deadline,
    /// The last report is older than twice the cadence: UNKNOWN.
    Silence,
    /// The quota has no deadline to judge a pace by: UNKNOWN.
    NoDeadline,
    /// Few reports, judged against the plan: RED, AMBER or EARLY.
    Plan,
    /// Few reports and no plan, far below the average: AMBER (a comparison foretells nothing).
    Average,
    /// Few reports and nothing to hold them against: EARLY.
    Early,
    /// The hazard forecast and the linear bound: GREEN, AMBER or RED.
    Hazard,
}

impl Basis {
    /// The stable name, as serialised.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Basis::NoData => "NO_DATA",
            Basis::NoQuota => "NO_QUOTA",
            Basis::Done => "DONE",
            Basis::Check => "CHECK",
            Basis::Deadline => "DEADLINE",
            Basis::Silence => "SILENCE",
            Basis::NoDeadline => "NO_DEADLINE",
            Basis::Plan => "PLAN",
            Basis::Average => "AVERAGE",
            Basis::Early => "EARLY",
            Basis::Hazard => "HAZARD",
        }
    }
}

/// Something that speaks for the verdict or ought to be known with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Reason {
    /// Nobody set a quota.
    NoQuota,
    /// The quota's denominator or share cannot be reckoned with (zero, negative, not a number).
    NoDenominator,
    /// No report at all.
    NoData,
    /// A blocking plausibility check is open.
    CheckOpen,
    /// The last report is older than twice the cadence.
    Silent,
    /// The deadline passed with N < N\*, as far as known.
    DeadlinePassed,
    /// The quota has no deadline.
    NoDeadline,
    /// The deadline is within the largest of the configured steps ([`Terms::due_step_days`]).
    DueSoon,
    /// The hazard forecast, or at the deadline the figure itself, is short of the target.
    ShortOfTarget,
    /// N below the amber share of the plan.
    BehindPlan,
    /// The share is below the configured factor of the average.
    BelowAverage,
    /// Far fewer done than the place's own previous pace gave.
    Stalled,
    /// Far fewer done than peers of the same size.
    SlowAgainstPeers,
    /// The place declared a completion before the forecast's lowest quantile.
    DeclaredTooEarly,
    /// Fewer reports, or fewer days of them, than a forecast needs.
    FewReports,
    /// Too few residuals for a band, so none is shown.
    NoBand,
    /// N > D: the basis of the denominator deserves a look; the figure stands.
    OverDenominator,
}

impl Reason {
    /// The stable name, as serialised.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Reason::NoQuota => "NO_QUOTA",
            Reason::NoDenominator => "NO_DENOMINATOR",
            Reason::NoData => "NO_DATA",
            Reason::CheckOpen => "CHECK_OPEN",
            Reason::Silent => "SILENT",
            Reason::DeadlinePassed => "DEADLINE_PASSED",
            Reason::NoDeadline => "NO_DEADLINE",
            Reason::DueSoon => "DUE_SOON",
            Reason::ShortOfTarget => "SHORT_OF_TARGET",
            Reason::BehindPlan => "BEHIND_PLAN",
            Reason::BelowAverage => "BELOW_AVERAGE",
            Reason::Stalled => "STALLED",
            Reason::SlowAgainstPeers => "SLOW_AGAINST_PEERS",
            Reason::DeclaredTooEarly => "DECLARED_TOO_EARLY",
            Reason::FewReports => "FEW_REPORTS",
            Reason::NoBand => "NO_BAND",
            Reason::OverDenominator => "OVER_DENOMINATOR",
        }
    }
}

/// Every figure a verdict rests on; `None` where it could not be computed, never NaN or infinite.
///
/// Moments are days (see [`crate::day()`]), spans days, counts people, rates per day, shares 0 to 1
/// and beyond.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Terms {
    /// The day judged for, days.
    pub today: Option<f64>,
    /// t: the moment of the newest figure, days; pace and forecasts start here.
    pub figure_at: Option<f64>,
    /// The number of usable reports.
    pub reports: u64,
    /// Days from the first to the newest report.
    pub reports_span_days: Option<f64>,
    /// The age of the last report, days.
    pub report_age_days: Option<f64>,
    /// N(t), people.
    pub count: Option<f64>,
    /// D, people.
    pub denominator: Option<f64>,
    /// N/D; may exceed 1, never clipped.
    pub share: Option<f64>,
    /// τ.
    pub target_share: Option<f64>,
    /// N\* = ⌈τ·D⌉, people.
    pub required: Option<f64>,
    /// N\* − N, people; 0 or less when done.
    pub missing: Option<f64>,
    /// R = max(D−N, 0), people.
    pub left: Option<f64>,
    /// R\* = max(D−N\*, 0.5), people.
    pub left_allowed: Option<f64>,
    /// T, days.
    pub deadline: Option<f64>,
    /// Whole calendar days from today to the deadline; negative when it has passed.
    pub due_in_days: Option<f64>,
    /// The configured due-soon step that applies (7, 3 or 1), days.
    pub due_step_days: Option<f64>,
    /// The first report of the unbroken run with N ≥ N\*, days.
    pub done_at: Option<f64>,
    /// Calendar days from done to the deadline; negative when done late.
    pub done_early_days: Option<f64>,
    /// P(t), people.
    pub plan: Option<f64>,
    /// N/P(t).
    pub plan_share: Option<f64>,
    /// gap = N − P(t), people.
    pub plan_gap: Option<f64>,
    /// What was planned by t in whole units, as a trajectory tells it; see [`crate::PlanStanding`].
    pub planned: Option<f64>,
    /// Days since the first of those missing to it was planned; negative when ahead, `None` before the plan begins.
    pub days_behind: Option<f64>,
    /// The window really measured, days.
    pub window_days: Option<f64>,
    /// c, people.
    pub completed: Option<f64>,
    /// r = c/w, people per day.
    pub pace: Option<f64>,
    /// r\* = (N\*−N)/(T−t), people per day.
    pub pace_needed: Option<f64>,
    /// E, person-days.
    pub exposure: Option<f64>,
    /// c/E, per day.
    pub hazard_observed: Option<f64>,
    /// h_parent, per day.
    pub hazard_parent: Option<f64>,
    /// h, per day.
    pub hazard: Option<f64>,
    /// h\*, per day.
    pub hazard_needed: Option<f64>,
    /// κ = h\*/h; `None` at a standstill.
    pub burden: Option<f64>,
    /// N̂(T), people.
    pub forecast: Option<f64>,
    /// N̂(T)/D.
    pub forecast_share: Option<f64>,
    /// N\* − N̂(T), people; 0 or less when met.
    pub forecast_missing: Option<f64>,
    /// The lower end of the band around N̂(T), people.
    pub forecast_low: Option<f64>,
    /// The upper end of the band around N̂(T), people.
    pub forecast_high: Option<f64>,
    /// N̂lin(T), people.
    pub linear: Option<f64>,
    /// When the hazard forecast meets the target, days.
    pub eta: Option<f64>,
    /// When the straight line meets the target, days.
    pub eta_linear: Option<f64>,
    /// The share of peers' outcomes with which the target would be met, 0 to 1.
    pub p_hit: Option<f64>,
    /// The number of usable residuals.
    pub residuals: u64,
    /// The average share of the peers.
    pub average: Option<f64>,
    /// Share/average.
    pub average_ratio: Option<f64>,
    /// z of the stall.
    pub stall_z: Option<f64>,
    /// z of the funnel.
    pub funnel_z: Option<f64>,
    /// The completion the place declared, days.
    pub declared: Option<f64>,
}

/// A judgement with everything needed to reproduce it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Verdict {
    /// The colour.
    pub status: Status,
    /// The rule that decided it.
    pub basis: Basis,
    /// Every reason that applies, in the order of [`Reason`], without doubles.
    pub reasons: Vec<Reason>,
    /// The figures.
    pub terms: Terms,
    /// [`crate::Rules::version`] of the rules applied.
    pub rules_version: String,
    /// The log positions of the quota and of the reports whose figures were used, ascending.
    /// Those behind the peers' figures are known to the caller.
    pub positions: Vec<u64>,
}

impl Verdict {
    /// Whether a reason applies.
    #[must_use]
    pub fn has(&self, reason: Reason) -> bool {
        self.reasons.contains(&reason)
    }
}
