//! What can be asked on the command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use jiff::Timestamp;
use jiff::civil::Date;

use crate::lang::Lang;
use crate::output::Format;

/// Tiến độ Đề án 06: record it, ask for any day, see who lags.
///
/// Exit codes: 0 done; 64 wrong usage or setting; 65 refused because of what was said; 66 not on record; 69 a service cannot be reached or cannot answer now; 70 anything else; 130 stopped by a second signal.
#[derive(Debug, Parser)]
#[command(name = "tiendo", version, max_term_width = 100)]
pub struct Cli {
    /// Language of messages and headings; default from the locale, else Vietnamese.
    #[arg(long, global = true, env = "TIENDO_LANG")]
    pub lang: Option<Lang>,
    /// How to print what was asked for.
    #[arg(short, long, global = true, default_value = "table")]
    pub output: Format,
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
    /// Cases: who lags and was told.
    #[command(subcommand)]
    Case(Case),
    /// Verdicts: how each locality stands against each quota today.
    #[command(subcommand)]
    Verdict(Verdict),
    /// Quotas.
    #[command(subcommand)]
    Quota(Quota),
    /// Owners.
    #[command(subcommand)]
    Owner(Owner),
    /// Report a figure.
    Report(Report),
    /// Correct a reported figure.
    Correct(Correct),
    /// Record the figures of a file.
    Import(Import),
    /// Load a data set that the product carries.
    Load(Load),
    /// Show events, and what alerting says, as they are recorded.
    Watch(Watch),
    /// The log.
    #[command(subcommand)]
    Log(Log),
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

/// Ports and NATS of `up`.
#[derive(Debug, Clone, Args)]
pub struct Up {
    /// Load no places, no catalogue and no figures on the first start.
    #[arg(long)]
    pub empty: bool,
    /// The day that judgements are for; default 31 July 2023 with the sample figures, else the real day.
    #[arg(long, env = "TIENDO_TODAY", value_parser = date)]
    pub today: Option<Date>,
    /// Id of the ledger: one token of a-z, 0-9, `_` and `-`.
    #[arg(long, env = "TIENDO_LEDGER", default_value = "khanh-hoa")]
    pub ledger: String,
    /// Port of health, metrics and the list of endpoints; 0 for any.
    #[arg(long, env = "TIENDO_HTTP_PORT", default_value_t = 7060)]
    pub http_port: u16,
    /// Port of ingest; 0 for any.
    #[arg(long, env = "TIENDO_INGEST_PORT", default_value_t = 7061)]
    pub ingest_port: u16,
    /// Port of projection; 0 for any.
    #[arg(long, env = "TIENDO_PROJECTION_PORT", default_value_t = 7062)]
    pub projection_port: u16,
    /// Port of alerting; 0 for any.
    #[arg(long, env = "TIENDO_ALERTING_PORT", default_value_t = 7063)]
    pub alerting_port: u16,
    /// Port of NATS; 0 for any.
    #[arg(long, env = "TIENDO_NATS_PORT", default_value_t = 4222)]
    pub nats_port: u16,
    /// The nats-server to run (2.12 or newer); default: from PATH, from the cache, or fetched.
    #[arg(long, env = "TIENDO_NATS_SERVER", value_name = "FILE")]
    pub nats_server: Option<PathBuf>,
    /// Where a fetched nats-server is kept; default: the user's cache directory.
    #[arg(long, env = "TIENDO_CACHE", value_name = "DIR")]
    pub cache: Option<PathBuf>,
}

/// What every service run apart needs.
#[derive(Debug, Clone, Args)]
pub struct ServeCommon {
    /// Address of the NATS server.
    #[arg(long, env = "TIENDO_NATS", default_value = "nats://127.0.0.1:4222")]
    pub nats: String,
    /// Id of the ledger: one token of a-z, 0-9, `_` and `-`.
    #[arg(long, env = "TIENDO_LEDGER", default_value = "khanh-hoa")]
    pub ledger: String,
    /// Port of the service; 0 for any; default 7061 (ingest), 7062 (projection), 7063 (alerting).
    #[arg(long, visible_aliases = ["ingest-port", "projection-port", "alerting-port"])]
    pub port: Option<u16>,
    /// Port of health and metrics; 0 for any; default 7160 (ingest), 7260 (projection), 7360 (alerting).
    #[arg(long)]
    pub http_port: Option<u16>,
}

/// What the services that read the log need.
#[derive(Debug, Clone, Args)]
pub struct Reads {
    /// Address of ingest, whose log is read in bulk.
    #[arg(
        long = "ingest",
        env = "TIENDO_INGEST",
        default_value = "http://127.0.0.1:7061"
    )]
    pub ingest: String,
    /// The day that judgements are for; default the real day.
    #[arg(long, env = "TIENDO_TODAY", value_parser = date)]
    pub today: Option<Date>,
}

/// One service.
#[derive(Debug, Subcommand)]
pub enum Serve {
    /// Accept, log, relay.
    Ingest {
        /// NATS, ledger, ports.
        #[command(flatten)]
        common: ServeCommon,
    },
    /// Fold, answer.
    Projection {
        /// NATS, ledger, ports.
        #[command(flatten)]
        common: ServeCommon,
        /// The log, and the day.
        #[command(flatten)]
        reads: Reads,
    },
    /// Judge, keep cases, tell.
    Alerting {
        /// NATS, ledger, ports.
        #[command(flatten)]
        common: ServeCommon,
        /// The log, and the day.
        #[command(flatten)]
        reads: Reads,
    },
}

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

/// Who reports, on every command that records.
#[derive(Debug, Clone, Args)]
pub struct Reporter {
    /// The organisation that reports.
    #[arg(
        long,
        env = "TIENDO_ORGANISATION",
        default_value = "Đơn vị vận hành Tiendo"
    )]
    pub organisation: String,
    /// The office within it.
    #[arg(long, env = "TIENDO_OFFICE", default_value = "Cán bộ nhập liệu")]
    pub office: String,
    /// UUID of the request, to repeat one that was not answered; default a new one.
    #[arg(long, value_name = "UUID")]
    pub request_id: Option<String>,
    /// Say what would be recorded, and record nothing.
    #[arg(long)]
    pub validate_only: bool,
}

/// A figure's parts.
#[derive(Debug, Clone, Args)]
pub struct FigureParts {
    /// Code of the locality.
    #[arg(long, value_name = "CODE")]
    pub locality: String,
    /// The count, as officials write it: `269.950`, `trên 12.600`.
    #[arg(long, allow_hyphen_values = true)]
    pub value: Option<String>,
    /// What it is counted against.
    #[arg(long, allow_hyphen_values = true)]
    pub denominator: Option<String>,
    /// What that is: `quota`, `citizens-14-plus`, …
    #[arg(long, default_value = "quota")]
    pub denominator_kind: String,
    /// The percentage as printed: `83,8%`.
    #[arg(long, allow_hyphen_values = true)]
    pub percent: Option<String>,
    /// The moment it speaks of: `21/6/2023`, `23h ngày 29-6-2023`, `2023-06`.
    #[arg(long, value_name = "DATE")]
    pub as_of: String,
    /// Where it comes from.
    #[arg(long)]
    pub source: String,
}

/// A report.
#[derive(Debug, Clone, Args)]
pub struct Report {
    /// The indicator.
    pub indicator: String,
    /// The figure.
    #[command(flatten)]
    pub figure: FigureParts,
    /// Anything to add, without personal data.
    #[arg(long, default_value = "")]
    pub note: String,
    /// Who reports.
    #[command(flatten)]
    pub reporter: Reporter,
}

/// A correction.
#[derive(Debug, Clone, Args)]
pub struct Correct {
    /// Position of the figure that was wrong; `locality history` shows it.
    pub position: u64,
    /// The indicator.
    #[arg(long)]
    pub indicator: String,
    /// The right figure.
    #[command(flatten)]
    pub figure: FigureParts,
    /// Why it was wrong.
    #[arg(long)]
    pub reason: String,
    /// Who reports.
    #[command(flatten)]
    pub reporter: Reporter,
}

/// Layer of a quota.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LayerName {
    /// A ministry or the Government.
    Central,
    /// The province.
    Provincial,
    /// The locality itself.
    Commitment,
}

/// Quotas.
#[derive(Debug, Subcommand)]
pub enum Quota {
    /// Assign or revise a quota.
    Assign(QuotaAssign),
}

/// A quota to assign.
#[derive(Debug, Clone, Args)]
pub struct QuotaAssign {
    /// The indicator.
    pub indicator: String,
    /// Code of the locality.
    #[arg(long, value_name = "CODE")]
    pub locality: String,
    /// The people or things to be reached.
    #[arg(long, allow_hyphen_values = true)]
    pub denominator: String,
    /// What they are.
    #[arg(long, default_value = "quota")]
    pub denominator_kind: String,
    /// The share of them to be reached.
    #[arg(long, default_value = "100%")]
    pub target: String,
    /// Who set it.
    #[arg(long, default_value = "provincial")]
    pub layer: LayerName,
    /// First day of the work.
    #[arg(long, value_name = "DATE")]
    pub start: Option<String>,
    /// Last day.
    #[arg(long, value_name = "DATE")]
    pub deadline: Option<String>,
    /// The moment from which it holds.
    #[arg(long, value_name = "DATE")]
    pub as_of: String,
    /// Number of the document that sets it.
    #[arg(long, default_value = "")]
    pub document: String,
    /// Who issued the document.
    #[arg(long)]
    pub issuer: String,
    /// Who reports.
    #[command(flatten)]
    pub reporter: Reporter,
}

/// Role of an owner.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum RoleName {
    /// Chủ trì.
    Lead,
    /// Phối hợp.
    Coordinating,
    /// Lực lượng triển khai.
    Implementing,
    /// Đầu mối.
    Focal,
}

/// Owners.
#[derive(Debug, Subcommand)]
pub enum Owner {
    /// Assign a role in a model or a plan; who held it before is replaced.
    Assign(OwnerAssign),
}

/// A role to assign.
#[derive(Debug, Clone, Args)]
pub struct OwnerAssign {
    /// The model.
    #[arg(long, value_name = "CODE", required_unless_present = "plan")]
    pub model: Option<String>,
    /// The plan, as a whole.
    #[arg(long, value_name = "CODE", conflicts_with = "model")]
    pub plan: Option<String>,
    /// Code of the locality.
    #[arg(long, value_name = "CODE")]
    pub locality: String,
    /// The role.
    #[arg(long)]
    pub role: RoleName,
    /// An organisation that now holds it; once for each.
    #[arg(long = "owner", value_name = "ORGANISATION", required = true)]
    pub owners: Vec<String>,
    /// The office that answers for quality, result and schedule; a lead has one.
    #[arg(long, value_name = "OFFICE", default_value = "")]
    pub accountable: String,
    /// Name of the person appointed, if it is to be kept: beside the log, never published, erased with `log erase`.
    #[arg(long, value_name = "NAME", default_value = "")]
    pub person: String,
    /// The moment from which it holds.
    #[arg(long, value_name = "DATE")]
    pub as_of: String,
    /// Where it comes from.
    #[arg(long)]
    pub source: String,
    /// Who reports.
    #[command(flatten)]
    pub reporter: Reporter,
}

/// A file to import.
#[derive(Debug, Clone, Args)]
pub struct Import {
    /// The file: CSV, UTF-8.
    pub file: PathBuf,
    /// Show what would be recorded and every problem, and record nothing.
    #[arg(long)]
    pub dry_run: bool,
    /// Record the good rows although others are refused.
    #[arg(long)]
    pub accept_valid: bool,
    /// The organisation that reports.
    #[arg(
        long,
        env = "TIENDO_ORGANISATION",
        default_value = "Đơn vị vận hành Tiendo"
    )]
    pub organisation: String,
    /// The office within it.
    #[arg(long, env = "TIENDO_OFFICE", default_value = "Cán bộ nhập liệu")]
    pub office: String,
}

/// Data sets to load.
#[derive(Debug, Clone, Args)]
pub struct Load {
    /// Which; each needs those before it.
    #[arg(required = true)]
    pub sets: Vec<SetName>,
}

/// A data set that the product carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum SetName {
    /// Administrative units of 2023 and 2025.
    Gazetteer,
    /// Indicators, and Plan 6559 with its 31 models and owners.
    Catalogue,
    /// Published figures of Khánh Hòa and Hà Nội.
    Sample,
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

/// The log.
#[derive(Debug, Subcommand)]
pub enum Log {
    /// Read everything and check checksums, hash chain, density and times; or check a saved proof, without any service.
    Verify(Verify),
    /// The signed tree head of the log, and the public key it is verified with.
    Checkpoint {
        /// Over so many events, from the first; default all.
        #[arg(long, default_value_t = 0)]
        size: u64,
    },
    /// Prove that an event is in the log, or that the log only grew; -o json prints what `log verify --proof` reads.
    Prove(Prove),
    /// How much the log holds, and what it takes on the disk.
    Stat,
    /// Show events.
    Read(LogRead),
    /// Copy the log into fresh files, which gives back disk space that was replaced, while everything goes on.
    Compact,
    /// Back the log up into one file, checked while it is taken, while everything goes on.
    Backup {
        /// The file, which must not be there yet.
        file: PathBuf,
    },
    /// Make a new log directory of what is healthy of a damaged one, of a backup, and of what the bus has.
    Restore(Restore),
    /// Which ledger this is, how far it has come, and which data sets it holds.
    Show,
    /// The name of the person whom the event at a position appoints.
    Attribute {
        /// Position of the appointment.
        position: u64,
    },
    /// Erase the name of a person appointed, for good; the appointment stays, and that it was erased is recorded.
    Erase(Erase),
}

/// A name to erase.
#[derive(Debug, Clone, Args)]
pub struct Erase {
    /// Position of the appointment.
    pub position: u64,
    /// Why, or at whose wish; without personal data.
    #[arg(long)]
    pub reason: String,
    /// Who erases it.
    #[command(flatten)]
    pub reporter: Reporter,
}

/// What to verify.
#[derive(Debug, Clone, Default, Args)]
pub struct Verify {
    /// A proof as `log prove --save` or `-o json` wrote it; `-` for stdin.
    #[arg(long, value_name = "FILE", requires = "key")]
    pub proof: Option<PathBuf>,
    /// The log's public key, from elsewhere than the proof: `<origin>+<id>+<base64>`.
    #[arg(long, value_name = "VKEY", requires = "proof")]
    pub key: Option<String>,
    /// A checkpoint that was kept: the proof must be about the same log at that size.
    #[arg(long, value_name = "FILE", requires = "proof")]
    pub checkpoint: Option<PathBuf>,
    /// Where.
    #[command(flatten)]
    pub at: Directory,
    /// A backup instead of a log.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["proof", "directory"])]
    pub backup: Option<PathBuf>,
}

/// A log that no service holds.
#[derive(Debug, Clone, Default, Args)]
pub struct Directory {
    /// The directory of a log (`<data>/ingest` under `up`) that no service has open.
    #[arg(long, value_name = "DIR")]
    pub directory: Option<PathBuf>,
}

/// Which events of the log.
#[derive(Debug, Clone, Default, Args)]
pub struct LogRead {
    /// Position to begin at; default the first, or the newest with --descending.
    #[arg(long, default_value_t = 0)]
    pub from: u64,
    /// Last position; default the newest, or the first with --descending.
    #[arg(long, default_value_t = 0)]
    pub to: u64,
    /// Newest first.
    #[arg(long)]
    pub descending: bool,
    /// Only this locality's: a code (`56`), or an identity (`56@2004-01-01`).
    #[arg(long, value_name = "CODE")]
    pub locality: Option<String>,
    /// Only this kind: a topic (`progress`), or one event of it (`progress.corrected`).
    #[arg(long, value_name = "TOPIC[.EVENT]")]
    pub kind: Option<String>,
    /// Only what the log took at this instant or later; of a day, from its end on.
    #[arg(long, value_name = "INSTANT", value_parser = instant)]
    pub known_from: Option<Timestamp>,
    /// Only what the log took at this instant or earlier; of a day, up to its end.
    #[arg(long, value_name = "INSTANT", value_parser = instant)]
    pub known_to: Option<Timestamp>,
    /// Where.
    #[command(flatten)]
    pub at: Directory,
}

/// From what a log is restored, how far, and where to.
#[derive(Debug, Clone, Args)]
pub struct Restore {
    /// The new directory; it must not be there yet, or be empty.
    #[arg(long, value_name = "DIR")]
    pub to: PathBuf,
    /// The directory of a damaged log, of which the healthy parts are taken; trusted most.
    #[arg(long, value_name = "DIR", required_unless_present_any = ["backup", "bus"])]
    pub from: Option<PathBuf>,
    /// A backup, for what the damaged log does not have.
    #[arg(long, value_name = "FILE")]
    pub backup: Option<PathBuf>,
    /// A NATS server, for what neither has.
    #[arg(long, value_name = "URL")]
    pub bus: Option<String>,
    /// Id of the ledger, which names its stream on the bus and the restored log.
    #[arg(long, env = "TIENDO_LEDGER", default_value = "khanh-hoa")]
    pub ledger: String,
    /// Stop after this position.
    #[arg(long, value_name = "POSITION")]
    pub until_position: Option<u64>,
    /// Stop after what the log had taken at this instant, or at the end of this day.
    #[arg(long, value_name = "INSTANT", value_parser = instant)]
    pub until_time: Option<Timestamp>,
}

/// What to prove.
#[derive(Debug, Clone, Args)]
pub struct Prove {
    /// Position of the event.
    #[arg(required_unless_present = "from")]
    pub position: Option<u64>,
    /// That it is among so many events, from the first; default all.
    #[arg(long, default_value_t = 0, conflicts_with = "from")]
    pub size: u64,
    /// That the log of so many events …
    #[arg(long, value_name = "SIZE", conflicts_with = "position")]
    pub from: Option<u64>,
    /// … is the beginning of the log of so many; default all.
    #[arg(long, value_name = "SIZE", default_value_t = 0, requires = "from")]
    pub to: u64,
    /// Write the proof to this file as well.
    #[arg(long, value_name = "FILE")]
    pub save: Option<PathBuf>,
}

fn instant(text: &str) -> Result<Timestamp, String> {
    domain::text::parse_instant(text).map_err(|error| error.to_string())
}

/// What to measure.
#[derive(Debug, Subcommand)]
pub enum Bench {
    /// Record figures through gRPC, in turn with a plain file: 1, 8 and 64 clients, 1 and 100 figures a request.
    ///
    /// Without --endpoint, an ingest of its own is started in a directory for temporary files, with no bus, and thrown away.
    Append(BenchAppend),
    /// Read a log from a cold start on one core: records, decoded events, folded events.
    Replay(BenchReplay),
}

/// How to measure recording.
#[derive(Debug, Clone, Args)]
pub struct BenchAppend {
    /// Measure the ingest at this address, for example `http://127.0.0.1:7061`; its ledger must be empty.
    #[arg(long, value_name = "ADDRESS")]
    pub endpoint: Option<String>,
    /// Write made-up figures into that ledger although it holds events; they stay in it for ever.
    #[arg(long, requires = "endpoint")]
    pub keep_made_up_figures: bool,
    /// Only this load, for example `8x100`.
    #[arg(long, value_name = "CLIENTSxFIGURES")]
    pub load: Option<String>,
    /// Rounds of each load; shown are the median, the least and the most.
    #[arg(long, default_value_t = 5)]
    pub rounds: usize,
    /// Seconds of each round, about.
    #[arg(long, default_value_t = 1.0)]
    pub seconds: f64,
    /// Where to write; default the directory for temporary files.
    #[arg(long, value_name = "DIR")]
    pub directory: Option<PathBuf>,
}

/// What to replay.
#[derive(Debug, Clone, Args)]
pub struct BenchReplay {
    /// The directory of a log (`<data>/ingest` under `up`) that no service has open; default: one is made.
    #[arg(long, value_name = "DIR")]
    pub directory: Option<PathBuf>,
    /// Id of its ledger.
    #[arg(long, env = "TIENDO_LEDGER", default_value = "khanh-hoa")]
    pub ledger: String,
    /// Made-up figures in the log that is made.
    #[arg(long, default_value_t = 1_000_000, conflicts_with = "directory")]
    pub events: u64,
    /// Rounds of each measurement; shown are the median, the least and the most.
    #[arg(long, default_value_t = 5)]
    pub rounds: usize,
}

fn date(text: &str) -> Result<Date, String> {
    domain::text::parse_date(text).map_err(|error| error.to_string())
}
