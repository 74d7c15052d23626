//! Who writes the ledger.

use clap::{Args, Subcommand};

/// Who writes the ledger.
#[derive(Debug, Subcommand)]
pub enum Ledger {
    /// Make the standby that is asked (--server, --data) the writer; the writer before it is fenced, wherever it runs.
    TakeOver(TakeOver),
}

/// A take-over.
#[derive(Debug, Clone, Args)]
pub struct TakeOver {
    /// The organisation that decides it.
    #[arg(
        long,
        env = "TIENDO_ORGANISATION",
        default_value = "Đơn vị vận hành Tiendo"
    )]
    pub organisation: String,
    /// The office within it.
    #[arg(long, env = "TIENDO_OFFICE", default_value = "Cán bộ vận hành")]
    pub office: String,
    /// Why; recorded with it.
    #[arg(long)]
    pub reason: String,
}
