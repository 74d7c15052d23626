//! The log: reading, proving, backing up, restoring, erasing a name.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use jiff::Timestamp;

use super::{NatsCredentials, Reporter, instant};

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
    /// What the events of a log that no service holds add up to, as one hash; the same on every machine.
    Digest(Digest),
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

/// A digest of the state.
#[derive(Debug, Clone, Args)]
pub struct Digest {
    /// The directory of a log (`<data>/ingest` under `up`) that no service has open.
    #[arg(long, value_name = "DIR")]
    pub directory: PathBuf,
    /// Also at every so many positions.
    #[arg(long, default_value_t = 0)]
    pub every: u64,
    /// Last position; default the newest.
    #[arg(long, default_value_t = 0)]
    pub to: u64,
    /// 1: one thread reads and folds; 2 or more: one reads while another folds. The digest does not depend on it.
    #[arg(long, default_value_t = 2)]
    pub threads: usize,
    /// Events read at once; the digest does not depend on it.
    #[arg(long, default_value_t = 1_000)]
    pub batch: usize,
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
    /// What lets us in there.
    #[command(flatten)]
    pub credentials: NatsCredentials,
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
