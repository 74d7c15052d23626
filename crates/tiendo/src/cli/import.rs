//! Recording many: a file, or a data set that the product carries.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

/// A file to import.
#[derive(Debug, Clone, Args)]
pub struct Import {
    /// The file: CSV in UTF-8, or XLSX.
    pub file: PathBuf,
    /// The one sheet of a workbook to read; default all visible ones with a header.
    #[arg(long)]
    pub sheet: Option<String>,
    /// The indicator of all rows, where the file has no column for it.
    #[arg(long)]
    pub indicator: Option<String>,
    /// The moment of all rows, where the file has no column for it; default what its title says ("tính đến …").
    #[arg(long, value_name = "DATE")]
    pub as_of: Option<String>,
    /// The source of figures that name none; default the file's name.
    #[arg(long)]
    pub source: Option<String>,
    /// Show what would be recorded and every problem, and record nothing.
    #[arg(long)]
    pub dry_run: bool,
    /// Why figures that changed since they were recorded are corrected; default that the file says so.
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
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

/// A file to fill in, with the codes to choose from.
#[derive(Debug, Clone, Args)]
pub struct Template {
    /// What it is for.
    pub kind: TemplateName,
    /// Where to write it, as XLSX.
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
    /// Also offer the localities below this one.
    #[arg(long, value_name = "CODE")]
    pub parent: Option<String>,
}

/// What a template is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum TemplateName {
    /// Figures.
    Figures,
    /// Quotas.
    Quotas,
}

/// Data sets to load.
#[derive(Debug, Clone, Args)]
pub struct Load {
    /// Which; all others need the gazetteer and the catalogue.
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
    /// Mergers of Khánh Hòa's organisations in March 2025.
    Reform,
    /// Which indicators are counted against which, or never above which.
    Relations,
}
