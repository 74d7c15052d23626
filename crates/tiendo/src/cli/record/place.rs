//! Localities: registered, renamed, merged, split, ended.

use clap::{Args, Subcommand};
use jiff::civil::Date;
use wire::v1;

use super::super::date;
use super::{ExtentName, Named, Reporter, Request, Sourced, locality};

/// What is recorded of localities.
#[derive(Debug, Subcommand)]
pub enum LocalityRecording {
    /// Register a locality that came into being.
    Register(LocalityRegister),
    /// Rename a locality, or put it below another one; it stays the same.
    Rename(LocalityRename),
    /// Merge localities into one: they end, and it is registered if it is new. All in one batch.
    Merge(LocalityMerge),
    /// Split a locality: it ends, and those of its successors that are new are registered. All in one batch.
    Split(LocalitySplit),
    /// Record that a locality ended, with no successor on record.
    End(LocalityEnd),
}

/// A new locality.
#[derive(Debug, Clone, Args)]
pub struct LocalityRegister {
    /// Its code: 2 digits (province), 3 (district), 5 (commune).
    pub code: String,
    /// Its name.
    #[command(flatten)]
    pub name: Named,
    /// The locality it belongs to; none for a province.
    #[arg(long, value_name = "CODE", value_parser = locality)]
    pub parent: Option<v1::LocalityRef>,
    /// It is older than the register: --as-of is the day of the register that first lists it.
    #[arg(long)]
    pub start_unknown: bool,
    /// Where it comes from.
    #[command(flatten)]
    pub source: Sourced,
    /// When and by whom.
    #[command(flatten)]
    pub day: Day,
}

/// A new name.
#[derive(Debug, Clone, Args)]
pub struct LocalityRename {
    /// The locality: a code, or `CODE@DATE`.
    #[arg(value_name = "CODE", value_parser = locality)]
    pub locality: v1::LocalityRef,
    /// Its new name.
    #[command(flatten)]
    pub name: Named,
    /// The locality it belongs to from now on; default it stays where it was.
    #[arg(long, value_name = "CODE", value_parser = locality)]
    pub parent: Option<v1::LocalityRef>,
    /// Where it comes from.
    #[command(flatten)]
    pub source: Sourced,
    /// When and by whom.
    #[command(flatten)]
    pub day: Day,
}

/// The day of a change, and who reports it.
#[derive(Debug, Clone, Args)]
pub struct Day {
    /// First day on which the change holds: `1/7/2025`, `2025-07-01`.
    #[arg(long, value_name = "DATE", value_parser = date)]
    pub as_of: Date,
    /// Who reports.
    #[command(flatten)]
    pub request: Request,
}

/// The day of a change of several localities, and who reports it.
#[derive(Debug, Clone, Args)]
pub struct Reform {
    /// First day on which the change holds: `1/7/2025`, `2025-07-01`.
    #[arg(long, value_name = "DATE", value_parser = date)]
    pub as_of: Date,
    /// Who reports.
    #[command(flatten)]
    pub reporter: Reporter,
}

/// A locality that takes over territory.
#[derive(Debug, Clone, PartialEq)]
pub struct Heir {
    /// The locality; of one that is new, the code alone.
    pub locality: v1::LocalityRef,
    /// How much goes there.
    pub extent: ExtentName,
    /// Its name, if it is new.
    pub name: Option<String>,
}

/// Localities that become one.
#[derive(Debug, Clone, Args)]
pub struct LocalityMerge {
    /// The localities that end: codes, or `CODE@DATE`.
    #[arg(value_name = "CODE", value_parser = locality, required = true)]
    pub localities: Vec<v1::LocalityRef>,
    /// Where they go, whole: `CODE` of one that exists, or `CODE=NAME` of one that is new.
    #[arg(long, value_name = "CODE[=NAME]", value_parser = whole)]
    pub into: Heir,
    /// The locality to which a new one belongs; none for a province.
    #[arg(long, value_name = "CODE", value_parser = locality)]
    pub parent: Option<v1::LocalityRef>,
    /// Where it comes from.
    #[command(flatten)]
    pub source: Sourced,
    /// When and by whom.
    #[command(flatten)]
    pub change: Reform,
}

/// A locality that becomes several.
#[derive(Debug, Clone, Args)]
pub struct LocalitySplit {
    /// The locality that ends: a code, or `CODE@DATE`.
    #[arg(value_name = "CODE", value_parser = locality)]
    pub locality: v1::LocalityRef,
    /// Where it goes: `CODE=partial` of one that exists, or `CODE=partial=NAME` of one that is new; once for each.
    #[arg(long, value_name = "CODE=EXTENT[=NAME]", value_parser = part, required = true)]
    pub into: Vec<Heir>,
    /// The locality to which new ones belong; none for provinces.
    #[arg(long, value_name = "CODE", value_parser = locality)]
    pub parent: Option<v1::LocalityRef>,
    /// Where it comes from.
    #[command(flatten)]
    pub source: Sourced,
    /// When and by whom.
    #[command(flatten)]
    pub change: Reform,
}

/// A locality that ended.
#[derive(Debug, Clone, Args)]
pub struct LocalityEnd {
    /// The locality: a code, or `CODE@DATE`.
    #[arg(value_name = "CODE", value_parser = locality)]
    pub locality: v1::LocalityRef,
    /// Where it comes from.
    #[command(flatten)]
    pub source: Sourced,
    /// When and by whom.
    #[command(flatten)]
    pub day: Day,
}

/// `CODE` or `CODE=NAME`.
fn whole(text: &str) -> Result<Heir, String> {
    let (code, name) = match text.split_once('=') {
        Some((code, name)) => (code, Some(name.to_owned())),
        None => (text, None),
    };
    Ok(Heir {
        locality: locality(code)?,
        extent: ExtentName::Full,
        name,
    })
}

/// `CODE=EXTENT` or `CODE=EXTENT=NAME`.
fn part(text: &str) -> Result<Heir, String> {
    let (code, rest) = text.split_once('=').ok_or(
        "cần MÃ=full hoặc MÃ=partial / CODE=full or CODE=partial is needed, with =NAME if it is new",
    )?;
    let (extent, name) = match rest.split_once('=') {
        Some((extent, name)) => (extent, Some(name.to_owned())),
        None => (rest, None),
    };
    Ok(Heir {
        locality: locality(code)?,
        extent: clap::ValueEnum::from_str(extent, false)
            .map_err(|_| format!("'{extent}': full | partial"))?,
        name,
    })
}
