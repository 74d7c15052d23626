//! Asking: localities, models, indicators, where a figure comes from, work items, cases, verdicts, and what is recorded meanwhile.

use clap::builder::NonEmptyStringValueParser;
use clap::{Args, Subcommand, ValueEnum};

use super::{
    At, IndicatorRecording, LocalityRecording, ModelRecording, OwnerRecording, WorkItemRecording,
    WorkItemStatusName,
};

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
    /// What its verdicts foretell: how many by the deadline, within which band, done by when, and what it declared itself.
    Forecast {
        /// Code of the locality.
        code: String,
        /// Only this indicator.
        #[arg(long)]
        indicator: Option<String>,
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
    /// What changed between two days: new work, corrections, revised quotas or denominators, boundary changes.
    Diff(LocalityDiff),
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
    /// Where it stands against each layer of quota of an indicator, beside the planned trajectory.
    Trajectory(LocalityTrajectory),
    /// How complete, timely, consistent and alive its figures are.
    Quality {
        /// Code of the locality.
        code: String,
        /// Also of each locality directly below it.
        #[arg(long)]
        children: bool,
        /// When.
        #[command(flatten)]
        at: At,
    },
    /// What is recorded of localities.
    #[command(flatten)]
    Record(LocalityRecording),
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
    /// The status of every model in many localities, and who holds it there.
    Matrix(ModelMatrix),
    /// What is recorded of models.
    #[command(flatten)]
    Record(ModelRecording),
}

/// Which models in which localities.
#[derive(Debug, Clone, Args)]
pub struct ModelMatrix {
    /// Only the localities below this code; default the whole country.
    #[arg(long, value_name = "CODE")]
    pub parent: Option<String>,
    /// Only this level; default the one below the parent, or provinces.
    #[arg(long)]
    pub level: Option<LevelName>,
    /// Only the models of this group.
    #[arg(long)]
    pub group: Option<String>,
    /// Only this model.
    #[arg(long, value_name = "CODE")]
    pub model: Option<String>,
    /// At most this many localities.
    #[arg(long, default_value_t = 100)]
    pub limit: usize,
    /// When.
    #[command(flatten)]
    pub at: At,
}

/// Which two views to compare.
#[derive(Debug, Clone, Args)]
pub struct LocalityDiff {
    /// Code of the locality, valid on both days.
    pub code: String,
    /// As of this day.
    #[arg(long, value_name = "DATE")]
    pub from: String,
    /// As of this day; default today.
    #[arg(long, value_name = "DATE")]
    pub to: Option<String>,
    /// What was known then of the first day: an instant, a date or a position; default everything.
    #[arg(long, value_name = "WHEN")]
    pub from_known_at: Option<String>,
    /// What was known then of the second day; default everything.
    #[arg(long, value_name = "WHEN")]
    pub to_known_at: Option<String>,
    /// Only this indicator.
    #[arg(long)]
    pub indicator: Option<String>,
}

/// Whose trajectory in what.
#[derive(Debug, Clone, Args)]
pub struct LocalityTrajectory {
    /// Code of the locality.
    pub code: String,
    /// The indicator.
    pub indicator: String,
    /// When.
    #[command(flatten)]
    pub at: At,
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
        /// Only peers of this locality: of its level, and of half to twice its size.
        #[arg(long, value_name = "CODE")]
        peers_of: Option<String>,
        /// When.
        #[command(flatten)]
        at: At,
    },
    /// An indicator added up over all localities within one, or over the whole country.
    RollUp {
        /// The indicator.
        indicator: String,
        /// Code of the locality, as it was on the day of the boundaries; default the whole country, province by province.
        code: Option<String>,
        /// Within the boundaries of this day: 2025-06-30 for those before the reform; default the day asked about.
        #[arg(long, value_name = "DATE")]
        boundaries: Option<String>,
        /// When.
        #[command(flatten)]
        at: At,
    },
    /// Who has not reported it for longer than reports are apart.
    Missing(IndicatorMissing),
    /// What is recorded of indicators.
    #[command(flatten)]
    Record(IndicatorRecording),
}

/// Whose reports are missed.
#[derive(Debug, Clone, Args)]
pub struct IndicatorMissing {
    /// The indicator.
    pub indicator: String,
    /// Only the localities below this code; default the whole country.
    #[arg(long, value_name = "CODE")]
    pub parent: Option<String>,
    /// Only this level; default the one below the parent, or provinces.
    #[arg(long)]
    pub level: Option<LevelName>,
    /// Only localities that a quota in force or their own declaration asks for it.
    #[arg(long)]
    pub asked: bool,
    /// How many days reports are apart; default 7, as silence is judged by.
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
    pub days: Option<u32>,
    /// At most this many localities.
    #[arg(long, default_value_t = 100)]
    pub limit: usize,
    /// When.
    #[command(flatten)]
    pub at: At,
}

/// Figures.
#[derive(Debug, Subcommand)]
pub enum Figure {
    /// Where a number comes from: the events behind it, with positions and proofs.
    Explain(Explain),
}

/// Which number.
#[derive(Debug, Clone, Args)]
pub struct Explain {
    /// Code of the locality; of a sum, as it was on the day of the boundaries.
    pub code: String,
    /// The indicator.
    pub indicator: String,
    /// The sum over all localities within it, by the boundaries of this day; default its own figure.
    #[arg(long, value_name = "DATE")]
    pub boundaries: Option<String>,
    /// Have the log prove each of the events, and check the proofs.
    #[arg(long)]
    pub proofs: bool,
    /// When.
    #[command(flatten)]
    pub at: At,
}

/// Owners.
#[derive(Debug, Subcommand)]
pub enum Owner {
    /// What nobody holds any more, in a locality, within it, and left by those that ended into it.
    Orphans {
        /// Code of the locality.
        code: String,
        /// When.
        #[command(flatten)]
        at: At,
    },
    /// What an organisation holds: roles, models and work items, with what its successors took over and what nobody holds after it.
    Portfolio(OwnerPortfolio),
    /// What is recorded of owners.
    #[command(flatten)]
    Record(Box<OwnerRecording>),
}

/// Whose roles and work items.
#[derive(Debug, Clone, Args)]
pub struct OwnerPortfolio {
    /// Name of the organisation; case and diacritics do not count.
    pub organisation: String,
    /// Only within this locality, with what was given above it and holds there.
    #[arg(long, value_name = "CODE")]
    pub locality: Option<String>,
    /// A work item is due soon within so many days; default 14.
    #[arg(long, value_name = "DAYS")]
    pub due_days: Option<u32>,
    /// When.
    #[command(flatten)]
    pub at: At,
}

/// Work items.
#[derive(Debug, Subcommand)]
pub enum WorkItem {
    /// What is to be done by when, by last day: what is open or blocked, unless something else is asked for.
    List(WorkItemList),
    /// What is recorded of work items.
    #[command(flatten)]
    Record(Box<WorkItemRecording>),
}

/// Which work items.
#[derive(Debug, Clone, Args)]
pub struct WorkItemList {
    /// Only those of this locality, of all within it and those that ended into it; default the whole country.
    #[arg(long, visible_alias = "locality", value_name = "CODE", value_parser = NonEmptyStringValueParser::new())]
    pub code: Option<String>,
    /// Only those for which this organisation is responsible, maybe after others; case and diacritics do not count.
    #[arg(long, value_name = "ORGANISATION", value_parser = NonEmptyStringValueParser::new())]
    pub owner: Option<String>,
    /// Only those that serve this model.
    #[arg(long, value_name = "CODE", value_parser = NonEmptyStringValueParser::new())]
    pub model: Option<String>,
    /// Only those that stand so, several with commas between; default what is still to be done: open and blocked.
    #[arg(long = "status", value_name = "STATUS", value_delimiter = ',')]
    pub statuses: Vec<WorkItemStatusName>,
    /// Also those that are completed or cancelled.
    #[arg(long, conflicts_with = "statuses")]
    pub all: bool,
    /// Only those whose last day is this one or later.
    #[arg(long, value_name = "DATE", value_parser = NonEmptyStringValueParser::new())]
    pub due_from: Option<String>,
    /// Only those whose last day is this one or earlier.
    #[arg(long, value_name = "DATE", value_parser = NonEmptyStringValueParser::new())]
    pub due_to: Option<String>,
    /// Only those that are open or blocked, and past their last day; none if `--status` names neither.
    #[arg(long)]
    pub overdue: bool,
    /// When.
    #[command(flatten)]
    pub at: At,
}

/// Which findings.
#[derive(Debug, Clone, Args)]
pub struct FindingList {
    /// Only those of this locality and of all within it.
    pub code: Option<String>,
    /// Also those that nobody waits for: notes, and what was answered, corrected or retracted.
    #[arg(long)]
    pub all: bool,
    /// At most this many, and all of the last event's.
    #[arg(long, default_value_t = 100)]
    pub limit: usize,
    /// When.
    #[command(flatten)]
    pub at: At,
}

/// What can be exported.
#[derive(Debug, Subcommand)]
pub enum Export {
    /// The figures that hold, as a file that can be imported again without change.
    Figures(ExportFigures),
}

/// Which figures.
#[derive(Debug, Clone, Args)]
pub struct ExportFigures {
    /// Only those of this locality.
    #[arg(long, value_name = "CODE", conflicts_with = "parent")]
    pub locality: Option<String>,
    /// Only those of this locality and of all within it.
    #[arg(long, value_name = "CODE")]
    pub parent: Option<String>,
    /// Only this indicator.
    #[arg(long)]
    pub indicator: Option<String>,
    /// When.
    #[command(flatten)]
    pub at: At,
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

/// What makes a watch read the log or alerting's, where nobody knows what concerns whom.
const READS_THE_LOG: [&str; 3] = ["from", "alerts", "no_follow"];

/// What to watch.
#[derive(Debug, Clone, Args)]
pub struct Watch {
    /// Begin at this position of the log; default with the next event.
    #[arg(long)]
    pub from: Option<u64>,
    /// What concerns this locality; with --from or --no-follow only what is recorded of it.
    #[arg(long, value_name = "CODE", group = "target")]
    pub locality: Option<String>,
    /// Also what is recorded of a place within the locality.
    #[arg(long, requires = "locality", conflicts_with_all = READS_THE_LOG)]
    pub below: bool,
    /// What concerns this model.
    #[arg(long, value_name = "CODE", group = "target", conflicts_with_all = READS_THE_LOG)]
    pub model: Option<String>,
    /// What concerns this organisation; diacritics may be left out.
    #[arg(long, value_name = "NAME", group = "target", conflicts_with_all = READS_THE_LOG)]
    pub owner: Option<String>,
    /// First what was recorded after this position; 0 for everything.
    #[arg(long, value_name = "POSITION", requires = "target", conflicts_with_all = READS_THE_LOG)]
    pub after: Option<u64>,
    /// Look the target up as of this day; default today.
    #[arg(long, value_name = "DATE", requires = "target", conflicts_with_all = READS_THE_LOG)]
    pub as_of: Option<String>,
    /// Only what alerting says.
    #[arg(long)]
    pub alerts: bool,
    /// Stop at the head instead of waiting for more.
    #[arg(long)]
    pub no_follow: bool,
}
