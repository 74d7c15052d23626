//! The state that answers questions.

use clap::{Args, Subcommand};

/// The state that answers questions.
#[derive(Debug, Subcommand)]
pub enum Projection {
    /// Fold the log into a second state, from its first event, while the first serves.
    Rebuild(Rebuild),
}

/// What becomes of the second state.
#[derive(Debug, Clone, Args)]
pub struct Rebuild {
    /// Compare the digests of both at one position, and drop the second; exit code 76 if they differ.
    #[arg(long, required = true)]
    pub verify: bool,
}
