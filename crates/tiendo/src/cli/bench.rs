//! Measuring this machine.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use jiff::civil::Date;

use super::NatsServer;

/// What to measure.
#[derive(Debug, Subcommand)]
pub enum Bench {
    /// Record figures through gRPC, in turn with a plain file: 1, 8 and 64 clients, 1 and 100 figures a request.
    ///
    /// Without --endpoint, an ingest of its own is started in a directory for temporary files, with no bus, and thrown away.
    Append(BenchAppend),
    /// Read a log from a cold start on one core: records, decoded events, folded events.
    Replay(BenchReplay),
    /// Make a national load of made-up figures in the directory of a new log: every place, 40 series each, every day.
    ///
    /// The same arguments give the same log. Figures, quotas, owners and statuses are made up; places, indicators and models are those that the product carries, with the reform of 1 July 2025 on its day.
    /// `tiendo up --empty` serves it from `<data>/ingest`.
    Generate(BenchGenerate),
    /// Ask about a national load: rebuild, newest and as-of reads, ranking, roll-up, diff, memory, a start from a snapshot, a read right after a write.
    ///
    /// Ingest and projection run in this process: the projection reads the log over gRPC, and clients ask it over gRPC. A nats-server brings it what is recorded meanwhile; where there is none that row is left out.
    Query(BenchQuery),
    /// Judge a load on one core: every event as it comes, all series anew, and one more report.
    ///
    /// Each report is judged with its siblings, so a load of some hundred communes and some days takes minutes (`bench generate --communes 200 --days 20`).
    Judge(BenchJudge),
    /// Record figures that open and clear cases, and see how long after each its alert is at a subscriber of NATS.
    ///
    /// Ingest, alerting and their relays run in this process, beside a nats-server of their own.
    Alert(BenchAlert),
    /// See how long after a report was sent its event is at a subscriber of NATS, beside a bare publish, how fast an empty bus is filled, and whether a subscriber that catches up slows others.
    ///
    /// Ingest and its relay run in this process, on a nats-server of their own.
    Bus(BenchBus),
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

/// A national load.
#[derive(Debug, Clone, Args)]
pub struct BenchLoad {
    /// Id of the log's ledger.
    #[arg(long, default_value = "bench")]
    pub ledger: String,
    /// First day reported about, from 2023-04-10 on.
    #[arg(long, value_name = "DATE", default_value = "2025-06-01")]
    pub from: Date,
    /// Days reported about; the reform is in it if they go beyond 30 June 2025, and `query` asks about one side of it.
    #[arg(long, value_name = "N", default_value_t = 30)]
    pub days: u32,
    /// Only the first so many communes report, by code, with what they lie in; all without it.
    #[arg(long, value_name = "N")]
    pub communes: Option<usize>,
    /// Another seed gives other figures.
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
}

/// What to make.
#[derive(Debug, Clone, Args)]
pub struct BenchGenerate {
    /// The directory of the new log; it is made, and must be empty if it is there.
    #[arg(long, value_name = "DIR")]
    pub directory: PathBuf,
    /// What is in it.
    #[command(flatten)]
    pub load: BenchLoad,
}

/// What to ask about.
#[derive(Debug, Clone, Args)]
pub struct BenchQuery {
    /// The directory of a log from `bench generate` that no service has open; default: one is made.
    #[arg(long, value_name = "DIR")]
    pub directory: Option<PathBuf>,
    /// What is in it.
    #[command(flatten)]
    pub load: BenchLoad,
    /// Record made-up figures in that log, which stay in it for ever: only so a read right after a write can be measured.
    #[arg(long, requires = "directory")]
    pub keep_made_up_figures: bool,
    /// Put PostgreSQL beside it, started on a socket of its own; needs the feature `compare`.
    #[arg(long)]
    pub postgres: bool,
    /// Clients that ask at a time, each with a connection of its own.
    #[arg(long, value_name = "N", default_value_t = 32)]
    pub clients: usize,
    /// Questions a second of all clients together, where they come at their time and not one after the other.
    #[arg(long, value_name = "N", default_value_t = 2_000)]
    pub rate: u32,
    /// Rounds of each measurement; shown are the median, the least and the most.
    #[arg(long, default_value_t = 5)]
    pub rounds: usize,
    /// Seconds of each round.
    #[arg(long, default_value_t = 1.0)]
    pub seconds: f64,
    /// The nats-server that brings what is recorded to the projection.
    #[command(flatten)]
    pub nats: NatsServer,
}

/// What to judge.
#[derive(Debug, Clone, Args)]
pub struct BenchJudge {
    /// The directory of a log from `bench generate` that no service has open.
    #[arg(long, value_name = "DIR")]
    pub directory: PathBuf,
    /// What is in it; it is judged for its last day.
    #[command(flatten)]
    pub load: BenchLoad,
    /// Rounds in which all series are judged anew; shown are the median, the least and the most.
    #[arg(long, default_value_t = 5)]
    pub rounds: usize,
}

/// How to measure alerts.
#[derive(Debug, Clone, Args)]
pub struct BenchAlert {
    /// Places that are told of; each has two figures, one that opens a case and one that clears it.
    #[arg(long, value_name = "N", default_value_t = 1_000)]
    pub places: usize,
    /// Figures a second.
    #[arg(long, value_name = "N", default_value_t = 100)]
    pub rate: u32,
    /// Where to write; default the directory for temporary files.
    #[arg(long, value_name = "DIR")]
    pub directory: Option<PathBuf>,
    /// The nats-server between them.
    #[command(flatten)]
    pub nats: NatsServer,
}

/// How to measure the bus.
#[derive(Debug, Clone, Args)]
pub struct BenchBus {
    /// Events a second, one after the other; above a thousand several come in each request.
    #[arg(long, value_name = "N", value_delimiter = ',', default_values_t = [100, 1_000, 10_000])]
    pub rates: Vec<u32>,
    /// Events that an emptied stream is filled with, at least.
    #[arg(long, value_name = "N", default_value_t = 200_000)]
    pub events: u64,
    /// Events that a subscriber sleeps through before it catches up; 0 leaves that out.
    #[arg(long, value_name = "N", default_value_t = 1_000_000)]
    pub sleeper: u64,
    /// Events a second that are recorded beside that subscriber.
    #[arg(long, value_name = "N", default_value_t = 1_000)]
    pub sleeper_rate: u32,
    /// Rounds of each measurement, in each of which all take turns; shown are the median, the least and the most.
    #[arg(long, default_value_t = 3)]
    pub rounds: usize,
    /// Seconds of each round at a rate.
    #[arg(long, default_value_t = 5.0)]
    pub seconds: f64,
    /// Where to write; default the directory for temporary files.
    #[arg(long, value_name = "DIR")]
    pub directory: Option<PathBuf>,
    /// The nats-server between them.
    #[command(flatten)]
    pub nats: NatsServer,
}
