//! Recording many: a file, or a data set that the product carries.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

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
