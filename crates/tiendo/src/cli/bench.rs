//! Measuring this machine.

use std::path::PathBuf;

use clap::{Args, Subcommand};

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
