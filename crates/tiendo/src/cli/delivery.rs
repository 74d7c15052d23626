//! Who is told, and what was delivered.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// Where alerts go beside the bus.
#[derive(Debug, Clone, Default, Args)]
pub struct Sinks {
    /// Who is told, and by which sinks (mail, webhooks, Alertmanager), as TOML; without it alerts go to the bus alone.
    #[arg(long, env = "TIENDO_CONTACTS", value_name = "FILE")]
    pub contacts: Option<PathBuf>,
    /// Let the contacts file name addresses beyond this machine that are not encrypted.
    #[arg(long, env = "TIENDO_INSECURE_SINKS")]
    pub insecure_sinks: bool,
}

/// What was delivered.
#[derive(Debug, Subcommand)]
pub enum Delivery {
    /// How far each sink has come, and its dead letters.
    List {
        /// Only this sink: `mail`, `alertmanager` or `webhook-NAME`.
        #[arg(long)]
        sink: Option<String>,
    },
    /// Send dead letters once more; they stay on the list until they are delivered.
    Retry {
        /// Only of this sink.
        #[arg(long)]
        sink: Option<String>,
        /// Only these positions of alerting's log; all if none is named.
        positions: Vec<u64>,
    },
}
