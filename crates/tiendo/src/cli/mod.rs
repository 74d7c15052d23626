//! What can be asked on the command line, one module for each kind of command.

mod bench;
mod case;
mod delivery;
mod hub;
mod import;
mod ledger;
mod log;
mod projection;
mod read;
mod record;
mod rule;
mod serve;
mod subscriber;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use jiff::Timestamp;
use jiff::civil::Date;

use crate::lang::Lang;
use crate::output::Format;

pub use bench::*;
pub use case::*;
pub use delivery::*;
pub use hub::*;
pub use import::*;
pub use ledger::*;
pub use log::*;
pub use projection::*;
pub use read::*;
pub use record::*;
pub use rule::*;
pub use serve::*;
pub use subscriber::*;

/// Tiến độ Đề án 06: record it, ask for any day, see who lags.
///
/// Exit codes: 0 done; 64 wrong usage or setting; 65 refused because of what was said; 66 not on record; 69 a service cannot be reached or cannot answer now; 70 anything else; 76 the log does not prove an answer, or folded anew gives another state; 130 stopped by a second signal.
#[derive(Debug, Parser)]
#[command(name = "tiendo", version, max_term_width = 100)]
pub struct Cli {
    /// Language of messages and headings; default from the locale, else Vietnamese.
    #[arg(long, global = true, env = "TIENDO_LANG")]
    pub lang: Option<Lang>,
    /// How to print what was asked for.
    #[arg(short, long, global = true, default_value = "table")]
    pub output: Format,
    /// Write what was asked for to this new file instead; a workbook (-o xlsx) needs one.
    #[arg(long, global = true, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Data directory: of the services to start, or of the running ones to ask.
    #[arg(
        long,
        global = true,
        env = "TIENDO_DATA",
        default_value = "./tiendo-data"
    )]
    pub data: PathBuf,
    /// Ask the services at this address (their HTTP port, or the service's own) instead.
    #[arg(long, global = true, env = "TIENDO_SERVER")]
    pub server: Option<String>,
    /// What is logged to stderr, for example `info` or `warn,bus=debug`.
    #[arg(
        long,
        global = true,
        env = "TIENDO_LOG",
        default_value = "warn,async_nats=off"
    )]
    pub log: String,
    /// Log as JSON, one object a line.
    #[arg(long, global = true, env = "TIENDO_LOG_JSON")]
    pub log_json: bool,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Start everything on this machine: NATS and the three services.
    Up(Up),
    /// Run one service.
    #[command(subcommand)]
    Serve(Serve),
    /// Localities: one, a list, a history.
    #[command(subcommand)]
    Locality(Locality),
    /// The deployment models with owners and standing.
    #[command(subcommand)]
    Model(Model),
    /// Indicators and rankings.
    #[command(subcommand)]
    Indicator(Indicator),
    /// Where a number comes from.
    #[command(subcommand)]
    Figure(Figure),
    /// Owners of models and plans.
    #[command(subcommand)]
    Owner(Owner),
    /// Work items: what is to be done by when.
    #[command(subcommand)]
    WorkItem(WorkItem),
    /// Write what is on record to a file.
    #[command(subcommand)]
    Export(Export),
    /// Cases: who lags, who was told, who took it on.
    #[command(subcommand)]
    Case(Case),
    /// Silences: places about which nothing is sent for a while.
    #[command(subcommand)]
    Silence(Silence),
    /// What was handed on to people and their systems, and what they did not take.
    #[command(subcommand)]
    Delivery(Delivery),
    /// Verdicts: how each locality stands against each quota today.
    #[command(subcommand)]
    Verdict(Verdict),
    /// Rules of judgement: try them on a past, adopt them, see who would be told.
    #[command(subcommand)]
    Rule(Rule),
    /// What records one fact, and is told all of it.
    #[command(flatten)]
    Recording(Recording),
    /// Take back a reported figure, and put nothing in its place.
    Retract(Retract),
    /// What checks of plausibility found.
    #[command(subcommand)]
    Finding(Finding),
    /// Record the events of a file, all or none: whatever can be recorded.
    Record(Record),
    /// Record the figures and quotas of a file.
    Import(Import),
    /// Make a workbook to fill in and import.
    Template(Template),
    /// Load a data set that the product carries.
    Load(Load),
    /// Show events, and what alerting says, as they are recorded.
    Watch(Watch),
    /// The national hub: which ledgers it reads, and how far it is.
    #[command(subcommand)]
    Hub(Hub),
    /// Who writes the ledger.
    #[command(subcommand)]
    Ledger(Ledger),
    /// The log.
    #[command(subcommand)]
    Log(Log),
    /// The state that answers questions.
    #[command(subcommand)]
    Projection(Projection),
    /// Other systems that subscribe to the bus: let them in, and see how far they are.
    #[command(subcommand)]
    Subscriber(Subscriber),
    /// Measure this machine: how fast events are recorded and replayed.
    #[command(subcommand)]
    Bench(Bench),
}

/// At which two times to read.
#[derive(Debug, Clone, Default, Args)]
pub struct At {
    /// The day or moment asked about: `21/6/2023`, `2023-06-21`, `23h ngày 29-6-2023`; default today.
    #[arg(long, value_name = "DATE")]
    pub as_of: Option<String>,
    /// As it was known then: an instant, a day, or a position of the log; default now.
    #[arg(long, value_name = "INSTANT|POSITION")]
    pub known_at: Option<String>,
}

fn instant(text: &str) -> Result<Timestamp, String> {
    domain::text::parse_instant(text).map_err(|error| error.to_string())
}

fn date(text: &str) -> Result<Date, String> {
    domain::text::parse_date(text).map_err(|error| error.to_string())
}
