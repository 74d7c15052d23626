//! What a judgement starts from: reports, the quota in force, the peers.

use crate::Peers;

/// One valid cumulative figure.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Report {
    /// The moment the figure speaks of, days (see [`crate::day()`]).
    pub at: f64,
    /// N: the cumulative count, people (or `share · D` for a series known only in percent).
    /// It may fall (a correction) and may exceed the denominator.
    pub count: f64,
    /// The log position of the event that carried it.
    pub position: u64,
}

/// One quota in force; where several hold at once, each is judged by its own question.
#[derive(Debug, Clone, PartialEq)]
pub struct Quota {
    /// D: eligible people, above 0.
    ///
    /// For a series known only in percent any D serves, as long as `count = share · D`.
    /// With `D = 100` the required count is rounded to a whole point; 10 000 is finer.
    pub denominator: f64,
    /// τ: the share to reach, 0 or more; may exceed 1.
    pub target_share: f64,
    /// (t0, N0): when the work began, days, and the count it began with.
    /// It anchors the plan and, before the first report, the pace.
    pub start: Option<(f64, f64)>,
    /// T: the last moment of the deadline, days; `day(date, None)` is the end of that day.
    pub deadline: Option<f64>,
    /// Entered milestones: (days, cumulative count); replaces the computed plan.
    pub milestones: Vec<(f64, f64)>,
    /// The log position of the event that set the quota.
    pub position: u64,
}

/// Everything that is known about one place and one indicator at one moment.
#[derive(Debug, Clone, Copy)]
pub struct Question<'a> {
    /// The day for which judgement is asked, days.
    pub today: f64,
    /// The valid reports, sorted by [`Report::at`], corrections applied, one per moment.
    /// Reports after `today` and figures that are not finite are left out.
    pub reports: &'a [Report],
    /// The quota to judge by; `None` when nobody set one.
    pub quota: Option<&'a Quota>,
    /// The siblings under the same parent; `None` when not known.
    pub peers: Option<&'a Peers>,
    /// When the place last reported, days, where that is not the newest figure's moment.
    pub last_report: Option<f64>,
    /// A blocking plausibility check is open.
    pub blocking_finding: bool,
    /// The completion the place itself declared, days.
    pub declared_completion: Option<f64>,
    /// e = ln(actual R / forecast R) of peers' past forecasts at this horizon; −∞ where nobody
    /// was left. Fewer than [`crate::Rules::residuals_min`] are not used.
    /// In ascending order, as [`crate::Residuals`] gives them, they are not copied.
    pub residuals: &'a [f64],
}
