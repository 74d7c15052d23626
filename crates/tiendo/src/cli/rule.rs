//! Rules of judgement.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use jiff::civil::Date;

use super::{At, Fact, date};

/// Rules of judgement.
#[derive(Debug, Subcommand)]
pub enum Rule {
    /// Try rules on a past before they are switched on: the cases they would have opened, and how right they were.
    ///
    /// Without --series the running service goes through its ledger, each day with nothing but what it had taken by then, and tells the same by the rules in force beside it.
    /// With --series every day of the file is judged with nothing but what was known by then, without any service, and held against what had happened at the deadline.
    Backtest(RuleBacktest),
    /// Say everything that is wrong with a file of rules, and in what it differs from the rules in force; nothing is recorded.
    Check {
        /// Rules as JSON: a `version`, the thresholds that differ from the shipped ones, and if they do `judged` and `steps`.
        file: PathBuf,
    },
    /// Adopt the rules of a file: services judge by them from then on.
    Adopt(Box<RuleAdopt>),
    /// The rules that were adopted, those in force first.
    List {
        /// When.
        #[command(flatten)]
        at: At,
    },
    /// What rules say: thresholds, what is judged, and the ladder.
    Show {
        /// The version; default the rules in force.
        version: Option<String>,
        /// When.
        #[command(flatten)]
        at: At,
    },
    /// Who would be told of a case in a place, step by step, by the rules in force.
    Routes(RuleRoutes),
}

/// Rules to adopt.
#[derive(Debug, Clone, Args)]
pub struct RuleAdopt {
    /// Rules as JSON, as for `rule check`; without `steps` the shipped ladder.
    pub file: PathBuf,
    /// Why.
    #[arg(long)]
    pub reason: String,
    /// From when they hold, and who adopts them.
    #[command(flatten)]
    pub fact: Fact,
}

/// Of which case.
#[derive(Debug, Clone, Args)]
pub struct RuleRoutes {
    /// The place.
    pub code: String,
    /// The indicator; without it any that is judged.
    #[arg(long, value_name = "CODE")]
    pub indicator: Option<String>,
    /// When.
    #[command(flatten)]
    pub at: At,
}

/// By what a past is split, to pick thresholds on one part and judge them on the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum SplitBy {
    /// Picked on the earlier half of the deadlines, judged on the later ones.
    Time,
    /// Picked on one half of the places, judged on the other, and the other way round.
    Place,
    /// The same by whole parents.
    Parent,
}

/// What to replay.
#[derive(Debug, Clone, Args)]
pub struct RuleBacktest {
    /// Where the stretch of the ledger begins, as it took it: a date, an instant or a position; default its first event.
    #[arg(long, value_name = "DATE|INSTANT|POSITION")]
    pub from: Option<String>,
    /// Where it ends; default now.
    #[arg(long, value_name = "DATE|INSTANT|POSITION")]
    pub to: Option<String>,
    /// Only this indicator.
    #[arg(long, value_name = "CODE")]
    pub indicator: Option<String>,
    /// Only this locality and all below it, by code; can be given several times.
    #[arg(long, value_name = "CODE")]
    pub locality: Vec<String>,
    /// CSV of cumulative counts instead of the ledger, gzipped or not, with columns `date`, `place`, `denominator`, `count`, and if there are any `parent` and `per_mille` (`>950` where a count is withheld).
    #[arg(long, value_name = "FILE", requires = "deadline", conflicts_with_all = ["from", "to", "indicator", "locality"])]
    pub series: Option<PathBuf>,
    /// Rules to try, as JSON: a `version`, and what differs from the shipped ones; without it the rules in force, or with --series the shipped ones.
    #[arg(long, value_name = "FILE")]
    pub rules: Option<PathBuf>,
    /// Share to reach, for example `90` or `83,8%`; can be given several times.
    #[arg(long, value_name = "PERCENT", default_value = "90", value_parser = percent, requires = "series")]
    pub target: Vec<f64>,
    /// Last day of the deadline; can be given several times.
    #[arg(long, value_name = "DATE", value_parser = date, requires = "series")]
    pub deadline: Vec<Date>,
    /// How many days before the deadline forecasts are held against what came; can be given several times.
    #[arg(long, value_name = "DAYS", default_values = ["14", "28", "42"], value_parser = clap::value_parser!(u16).range(1..=366), requires = "series")]
    pub days_before: Vec<u16>,
    /// Exact figures that a place needs to be scored; up to the deadline; default three quarters of what places have in the median.
    #[arg(long, value_name = "N", requires = "series")]
    pub reports_min: Option<usize>,
    /// Also pick the thresholds of a case on one part of the file, and judge them on the other; can be given several times.
    #[arg(long, value_enum, requires = "series")]
    pub split: Vec<SplitBy>,
    /// Draw the cases by week into this new SVG file, and with --series the errors of forecasts.
    #[arg(long, value_name = "FILE")]
    pub chart: Option<PathBuf>,
}

/// A share as a part of one, above 0 and not above 1.
fn percent(text: &str) -> Result<f64, String> {
    let percent = domain::text::parse_percent(text).map_err(|error| error.to_string())?;
    let hundredths = percent.hundredths();
    if (1..100).contains(&hundredths) {
        let meant = domain::text::Percent::from_hundredths(hundredths * 100, 2);
        let meant = meant.map_or_else(String::new, domain::text::number::format_percent_en);
        return Err(format!(
            "a target is given in percent, and none is below 1 %; is {meant} meant?"
        ));
    }
    if hundredths == 0 || hundredths > 10_000 {
        return Err("a target lies above 0 % and not above 100 %".to_owned());
    }
    Ok(f64::from(hundredths) / 10_000.0)
}
