//! Starting everything, and starting one service.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use jiff::civil::Date;

use super::{Sinks, date};

/// How the projection keeps its state on the disk.
#[derive(Debug, Clone, Args)]
pub struct Snapshots {
    /// New events after which projection keeps its state on the disk, so that its next start reads only what is newer; 0 for never.
    #[arg(
        long,
        env = "TIENDO_SNAPSHOT_EVERY",
        value_name = "EVENTS",
        default_value_t = 1_000_000
    )]
    pub snapshot_every: u64,
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
    /// The nats-server to run.
    #[command(flatten)]
    pub nats: NatsServer,
    /// Snapshots.
    #[command(flatten)]
    pub snapshots: Snapshots,
    /// Where alerts go beside the bus.
    #[command(flatten)]
    pub sinks: Sinks,
}

/// Where a nats-server is found.
#[derive(Debug, Clone, Default, Args)]
pub struct NatsServer {
    /// The nats-server to run (2.12 or newer); default: from PATH, from the cache, or fetched.
    #[arg(long, env = "TIENDO_NATS_SERVER", value_name = "FILE")]
    pub nats_server: Option<PathBuf>,
    /// Where a fetched nats-server is kept; default: the user's cache directory.
    #[arg(long, env = "TIENDO_CACHE", value_name = "DIR")]
    pub cache: Option<PathBuf>,
}

/// The NATS server, and what lets us in.
#[derive(Debug, Clone, Args)]
pub struct Nats {
    /// Address of the NATS server.
    #[arg(
        long = "nats",
        env = "TIENDO_NATS",
        value_name = "URL",
        default_value = "nats://127.0.0.1:4222"
    )]
    pub url: String,
    /// What lets us in.
    #[command(flatten)]
    pub credentials: NatsCredentials,
}

impl Nats {
    /// Where, and as whom.
    pub fn access(&self) -> bus::Access {
        self.credentials.access(&self.url)
    }
}

/// What lets us in at a NATS server.
#[derive(Debug, Clone, Default, Args)]
pub struct NatsCredentials {
    /// File with the nkey seed (SU…) that lets us in at the NATS server.
    #[arg(
        long,
        env = "TIENDO_NATS_NKEY",
        value_name = "FILE",
        hide_env_values = true
    )]
    pub nats_nkey: Option<PathBuf>,
    /// File with the certificates (PEM) of whoever vouches for the NATS server; TLS alone then.
    #[arg(long, env = "TIENDO_NATS_CA", value_name = "FILE")]
    pub nats_ca: Option<PathBuf>,
    /// What the subjects begin with on which the NATS server lets us be answered, and the names of our consumers; another for each process; default _INBOX, and names by the server.
    #[arg(long, env = "TIENDO_NATS_INBOX", value_name = "PREFIX")]
    pub nats_inbox: Option<String>,
}

impl NatsCredentials {
    /// The same with an address.
    pub fn access(&self, url: &str) -> bus::Access {
        bus::Access {
            url: url.to_owned(),
            nkey: self.nats_nkey.clone(),
            ca: self.nats_ca.clone(),
            inbox: self.nats_inbox.clone(),
        }
    }
}

/// What every service run apart needs.
#[derive(Debug, Clone, Args)]
pub struct ServeCommon {
    /// The NATS server.
    #[command(flatten)]
    pub nats: Nats,
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

/// The stream of a service that publishes.
#[derive(Debug, Clone, Args)]
pub struct Stream {
    /// Copies that a cluster of NATS servers keeps of the stream, 1 to 5; asked for when the stream is made, and left alone afterwards.
    #[arg(
        long,
        env = "TIENDO_STREAM_REPLICAS",
        value_name = "COPIES",
        default_value_t = 1,
        value_parser = clap::value_parser!(u8).range(1..=5)
    )]
    replicas: u8,
}

impl Stream {
    /// Copies of a new stream.
    pub fn replicas(&self) -> usize {
        self.replicas.into()
    }
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
        /// Its stream.
        #[command(flatten)]
        stream: Stream,
        /// Follow the ledger into a log of its own, and write it only once told to (`tiendo ledger take-over`).
        #[arg(long, env = "TIENDO_STANDBY")]
        standby: bool,
    },
    /// Fold, answer.
    Projection {
        /// NATS, ledger, ports.
        #[command(flatten)]
        common: ServeCommon,
        /// The log, and the day.
        #[command(flatten)]
        reads: Reads,
        /// Snapshots.
        #[command(flatten)]
        snapshots: Snapshots,
    },
    /// Judge, keep cases, tell.
    Alerting {
        /// NATS, ledger, ports.
        #[command(flatten)]
        common: ServeCommon,
        /// The log, and the day.
        #[command(flatten)]
        reads: Reads,
        /// The stream of alerts.
        #[command(flatten)]
        stream: Stream,
        /// Where alerts go beside the bus.
        #[command(flatten)]
        sinks: Sinks,
    },
}
