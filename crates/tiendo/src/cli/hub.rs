//! The national hub: which ledgers it reads.

use clap::{Args, Subcommand};

use super::Nats;

/// The national hub.
#[derive(Debug, Subcommand)]
pub enum Hub {
    /// Have the hub read a ledger; its stream is made if it is missing.
    Add(HubAdd),
    /// Which ledgers the hub reads, how far it is with each, and when it last heard of it.
    List {
        /// Which hub.
        #[command(flatten)]
        at: HubAt,
    },
    /// Have the hub read a ledger no more; what it took stays.
    Remove {
        /// Which ledger.
        #[command(flatten)]
        of: HubLedger,
        /// Which hub.
        #[command(flatten)]
        at: HubAt,
    },
}

/// Which hub.
#[derive(Debug, Clone, Args)]
pub struct HubAt {
    /// The hub's NATS server.
    #[command(flatten)]
    pub nats: Nats,
    /// Name of the hub's stream.
    #[arg(long, value_name = "NAME", default_value = bus::hub::STREAM)]
    pub stream: String,
}

/// Which ledger.
#[derive(Debug, Clone, Args)]
pub struct HubLedger {
    /// The ledger: khanh-hoa.
    pub ledger: String,
    /// Its alerts too, which are a ledger of their own.
    #[arg(long)]
    pub alerts: bool,
}

/// Which ledger to read, and over what.
#[derive(Debug, Clone, Args)]
pub struct HubAdd {
    /// Which ledger.
    #[command(flatten)]
    pub of: HubLedger,
    /// JetStream domain by which the province is asked (leaf.conf, accounts.conf); default: the hub's own server has the ledger's stream.
    #[arg(long, value_name = "DOMAIN")]
    pub domain: Option<String>,
    /// Copies of a new hub stream in a cluster.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..=5))]
    pub replicas: u8,
    /// Where a new hub stream begins to drop its oldest events, in bytes; default what its server takes.
    #[arg(long, value_name = "BYTES", value_parser = clap::value_parser!(u64).range(1..))]
    pub bytes_max: Option<u64>,
    /// Which hub.
    #[command(flatten)]
    pub at: HubAt,
}
