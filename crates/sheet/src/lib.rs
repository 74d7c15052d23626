//! Files of figures as officials have them: CSV and XLSX to events and back.
//!
//! - [`Book`]: a file's tables; `delimited` reads CSV, `workbook` reads XLSX, after `inflate` has seen that it may be unpacked; both give a `grid`
//! - `header`: where a sheet names its columns; `column`: what a header may call each; `table`: the records below it
//! - `places`: which locality a record names; `indicators`: which indicator
//! - `row`: one record as events, or everything wrong with it; `parser`: all of them
//! - [`Plan`]: the rows on their way to a service: parts, what is on record already, corrections of what changed
//! - `problem`: what is wrong, cell by cell; `error`: why a file cannot be read at all
//! - `write`: figures as a file that reads back as the same figures; `template`: a file to fill in; `page`: any table as a sheet
//!
//! Everything is pure: bytes and registers in, events and problems out, and back to bytes.
//! A record is judged by the rules of the service itself ([`wire::event::decode`]), so what is found here needs no second attempt;
//! what only the service knows (a date in the future, say) comes back from its validation and is told the same way.
//!
//! A part holds the rows of whole localities, and its request id follows from the file's bytes, from what was said for all of it, and from what the part says.
//! A file that is imported again is known by what it says, and nothing of it is recorded twice.

mod book;
mod column;
mod delimited;
mod error;
#[cfg(feature = "fuzzing")]
pub mod fuzzing;
mod grid;
mod header;
mod indicators;
mod inflate;
mod page;
mod parser;
mod places;
mod plan;
mod problem;
mod row;
mod table;
mod template;
mod workbook;
mod write;

use wire::v1;

pub use book::Book;
pub use error::SheetError;
pub use indicators::Indicators;
pub use page::{Page, Value, workbook};
pub use parser::parse;
pub use places::{Places, Register};
pub use plan::{Accepted, Checked, Part, Plan};
pub use problem::Problem;
pub use template::{Lists, Template, template};
pub use write::{FigureDenominator, FigureRow, FileFormat, write};

/// Largest file, in bytes.
pub const FILE_BYTES_MAX: usize = 64 * 1024 * 1024;
/// Largest record, in bytes.
pub const RECORD_BYTES_MAX: usize = 1024 * 1024;
/// Most records below the headers of a file.
pub const RECORDS_MAX: usize = 200_000;
/// Most columns.
pub const COLUMNS_MAX: usize = 256;
/// Most sheets of a workbook.
pub const SHEETS_MAX: usize = 64;
/// Most merged cells of a sheet.
pub const REGIONS_MAX: usize = 200_000;
/// Most parts of a workbook's zip.
pub const ENTRIES_MAX: usize = 1_024;
/// Largest part of a workbook once unpacked, in bytes.
pub const ENTRY_BYTES_MAX: usize = 128 * 1024 * 1024;
/// Largest workbook once unpacked, and most text in its cells, in bytes.
pub const INFLATED_BYTES_MAX: usize = 256 * 1024 * 1024;

/// What is said for a whole file that has no column for it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Options {
    /// The one sheet of a workbook to read; else all visible ones with a header.
    pub sheet: Option<String>,
    /// The indicator.
    pub indicator: Option<String>,
    /// The moment that the figures speak of; else what the title says (`tính đến …`).
    pub as_of: Option<String>,
    /// The source of figures that name none.
    pub source: Option<String>,
}

/// What must be known to read a file.
#[derive(Debug)]
pub struct Context<'a> {
    /// Who reports.
    pub actor: v1::Actor,
    /// The localities.
    pub register: &'a Register,
    /// The indicators.
    pub indicators: &'a Indicators,
    /// The source of figures that name none, where nobody said one; empty if each must.
    pub default_source: String,
}

/// A record that can be recorded.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// Name of its sheet; empty for a CSV file.
    pub sheet: String,
    /// Its row of the sheet, or its first line in the file, from 1.
    pub row: u64,
    /// What it says as request messages, without request ids: a `ProgressReported` or a `QuotaAssigned`, and an `AssessmentPublished` if the row praises or blames.
    pub events: Vec<v1::Event>,
}

/// Everything read out of a file, in its order.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Parsed {
    /// What can be recorded.
    pub rows: Vec<Row>,
    /// What is wrong with the rest.
    pub problems: Vec<Problem>,
    /// Rows passed over: totals, and what the file says twice.
    pub skipped: Vec<Problem>,
}

#[cfg(test)]
mod tests;
