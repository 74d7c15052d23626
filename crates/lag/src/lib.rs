//! Pace, forecast, status: numbers in, a judgement with its reasons out.
//!
//! The crate is pure: it knows no clock, no I/O, no async, no event and no locality.
//! A caller hands over the figures of one place and one indicator *as known* at some moment
//! ([`Question`]); [`judge()`] answers with a [`Verdict`] that carries its status, the rule that
//! decided, every reason, every figure and the event positions it rests on.
//!
//! Times are days since 1970-01-01T00:00, fractional, in local time ([`day()`] converts).
//! Counts are cumulative; a series known only in percent is passed as `share · D`.
//! Symbols (N, R\*, h\*, φ …) are those of the lag model; each item names its formula.
//!
//! # Layout
//!
//! - [`Rules`]: every threshold, with a version
//! - [`Report`], [`Quota`], [`Question`]: what a judgement starts from
//! - `target`: the required count and the people allowed to be left
//! - `series`: the cumulative count between reports
//! - [`Plan`], [`PlanStanding`]: the planned curve, its inverse, and where a count stands against it
//! - [`Pace`]: what was done in the last window, and the hazard
//! - [`Peers`], [`Standing`], [`dispersion`]: the siblings, the funnel and the stall
//! - `forecast`: hazard forecast, linear bound, band, probability to hit
//! - [`BandLevel`]: the level of a band, adapted by what it missed
//! - [`Residuals`]: how far past forecasts were from what came, for the band
//! - [`backtest`]: rules tried on a past
//! - `measure`: all of the above gathered into [`Terms`]
//! - [`judge()`], [`Verdict`], [`Status`], [`Basis`], [`Reason`]: the judgement
//! - [`concern()`], [`holds`], [`Concern`]: what a verdict raises
//! - [`Ladder`], [`Transition`]: when a case opens and clears (hysteresis counted in reports)
//! - [`sentence()`], [`Facts`], [`Counted`], [`Sentences`]: one sentence for a district official
//! - [`Language`]: numbers, shares and dates as people read them
//! - [`plausible()`], [`Implausible`], [`PlausibilityRules`]: what speaks against a count before it is recorded
//! - [`day()`], [`date`], [`point`]: days, calendar dates and exact amounts
//!
//! # Left to the caller
//!
//! Routes and letters are not here.

pub mod backtest;
mod concern;
mod day;
mod forecast;
mod judge;
mod ladder;
mod level;
mod measure;
mod pace;
mod peers;
mod plan;
mod plausible;
mod question;
mod residuals;
mod rules;
mod sentence;
mod series;
mod target;
mod text;
mod verdict;

pub use concern::{Concern, concern, holds};
pub use day::{date, day, point};
pub use judge::judge;
pub use ladder::{Ladder, Transition};
pub use level::BandLevel;
pub use pace::Pace;
pub use peers::{Peers, Standing, dispersion};
pub use plan::{Plan, PlanStanding};
pub use plausible::{
    Answer, Around, HISTORY_MAX, Implausible, Known, PlausibilityRules, Siblings, plausible,
    weekly_hazard,
};
pub use question::{Question, Quota, Report};
pub use residuals::Residuals;
pub use rules::{Bounds, Rules};
pub use sentence::{Counted, Facts, Sentences, sentence};
pub use text::Language;
pub use verdict::{Basis, Reason, Status, Terms, Verdict};
