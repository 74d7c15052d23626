//! The state that answers questions.

use clap::{Args, Subcommand, ValueEnum};

/// The state that answers questions.
#[derive(Debug, Subcommand)]
pub enum Projection {
    /// Fold all events into a second state, from the first one on, while the first serves, and compare the two.
    Rebuild(Rebuild),
    /// How the second state stands.
    Status,
    /// Answer from the second state; the one that answered is kept, so that this can be undone.
    Switch(Switch),
    /// Answer again from the state that was kept at the switch.
    Undo,
    /// Stop folding the second state, which keeps what it has: `rebuild` goes on from there.
    Cancel(Cancel),
}

/// What becomes of the second state.
#[derive(Debug, Clone, Args)]
pub struct Rebuild {
    /// Compare the digests of both at one position, and drop the second; exit code 76 if they differ.
    #[arg(long, conflicts_with_all = ["source", "anew", "switch"])]
    pub verify: bool,
    /// Where the events come from; default where the second state's came from so far, else the log.
    #[arg(long)]
    pub source: Option<SourceName>,
    /// Begin with the first event, whatever was folded so far.
    #[arg(long)]
    pub anew: bool,
    /// Answer from the second state once it is ready and no different.
    #[arg(long)]
    pub switch: bool,
    /// Switch although the two differ.
    #[arg(long, requires = "switch")]
    pub accept_differences: bool,
}

/// Where events come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum SourceName {
    /// The log, which ingest serves.
    Log,
    /// The ledger's stream on the bus.
    Bus,
}

/// On which terms the second state answers.
#[derive(Debug, Clone, Copy, Args)]
pub struct Switch {
    /// Switch although the two differ.
    #[arg(long)]
    pub accept_differences: bool,
}

/// What is left.
#[derive(Debug, Clone, Copy, Args)]
pub struct Cancel {
    /// Drop the second state and give its memory back; after a switch that is the one that answered before.
    #[arg(long)]
    pub discard: bool,
}
