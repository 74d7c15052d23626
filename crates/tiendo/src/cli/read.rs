//! Asking: localities, models, indicators, cases, verdicts, and what is recorded meanwhile.

use clap::{Args, Subcommand, ValueEnum};

use super::At;

/// Level of administration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LevelName {
    /// Tỉnh.
    Province,
    /// Huyện.
    District,
    /// Xã.
    Commune,
}

/// Localities.
#[derive(Debug, Subcommand)]
pub enum Locality {
    /// Everything on record about one locality.
    Show {
        /// Its code: 2 digits (province), 3 (district), 5 (commune).
        code: String,
        /// When.
        #[command(flatten)]
        at: At,
    },
    /// Localities by level, parent or name.
    List {
        /// Only this level.
        #[arg(long)]
        level: Option<LevelName>,
        /// Only those directly below this code.
        #[arg(long, value_name = "CODE")]
        parent: Option<String>,
        /// Only names that match, accents ignored.
        #[arg(long)]
        name: Option<String>,
        /// Also those that had ended.
        #[arg(long)]
        ended: bool,
        /// At most this many.
        #[arg(long, default_value_t = 100)]
        limit: usize,
        /// When.
        #[command(flatten)]
        at: At,
    },
    /// Every figure ever taken, corrections included.
    History {
        /// Code of the locality.
        code: String,
        /// Only this indicator.
        #[arg(long)]
        indicator: Option<String>,
        /// When.
        #[command(flatten)]
        at: At,
    },
    /// Replay the log into a locality's state, and compare its digest with the served one.
    Rebuild {
        /// Code of the locality.
        code: String,
        /// The day asked about; default today.
        #[arg(long, value_name = "DATE")]
        as_of: Option<String>,
        /// Last position to replay; default the newest.
        #[arg(long, default_value_t = 0)]
        position: u64,
    },
}

/// Models.
#[derive(Debug, Subcommand)]
pub enum Model {
    /// The models by group, with owners and standing.
    List {
        /// Owners and standing in this locality; default that of the plan.
        #[arg(long, value_name = "CODE")]
        locality: Option<String>,
        /// Only this group.
        #[arg(long)]
        group: Option<String>,
        /// When.
        #[command(flatten)]
        at: At,
    },
}

/// Indicators.
#[derive(Debug, Subcommand)]
pub enum Indicator {
    /// The indicators.
    List {
        /// When.
        #[command(flatten)]
        at: At,
    },
    /// Localities by an indicator's share, best first.
    Rank {
        /// The indicator.
        code: String,
        /// Only those below this code.
        #[arg(long, value_name = "CODE")]
        parent: Option<String>,
        /// Only this level; default the one below the parent, or provinces.
        #[arg(long)]
        level: Option<LevelName>,
        /// When.
        #[command(flatten)]
        at: At,
    },
}

/// Cases.
#[derive(Debug, Subcommand)]
pub enum Case {
    /// The cases, open ones first.
    List {
        /// Also the cleared ones.
        #[arg(long)]
        all: bool,
        /// Only this locality's.
        #[arg(long, value_name = "CODE")]
        locality: Option<String>,
        /// When.
        #[command(flatten)]
        at: At,
    },
}

/// Verdicts.
#[derive(Debug, Subcommand)]
pub enum Verdict {
    /// The verdicts, worst first.
    List {
        /// Only this locality's.
        #[arg(long, value_name = "CODE")]
        locality: Option<String>,
        /// Only this indicator's.
        #[arg(long)]
        indicator: Option<String>,
        /// Only those that raise a concern.
        #[arg(long)]
        lagging: bool,
    },
}

/// What to watch.
#[derive(Debug, Clone, Args)]
pub struct Watch {
    /// Begin at this position of the log; default with the next event.
    #[arg(long)]
    pub from: Option<u64>,
    /// Only this locality's.
    #[arg(long, value_name = "CODE")]
    pub locality: Option<String>,
    /// Only what alerting says.
    #[arg(long)]
    pub alerts: bool,
    /// Stop at the head instead of waiting for more.
    #[arg(long)]
    pub no_follow: bool,
}
