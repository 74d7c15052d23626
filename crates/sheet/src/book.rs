//! A file's tables.

use std::collections::BTreeSet;

use jiff::civil::{Date, date};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use crate::grid::Grid;
use crate::problem::{Found, Problem};
use crate::table::Table;
use crate::{FILE_BYTES_MAX, Options, SheetError, delimited, row, workbook};

/// Namespace of the request ids.
const NAMESPACE: Uuid = Uuid::from_u128(0x7469_656e_646f_5d8a_9a3c_696d_706f_7274);
/// First day of the localities of the reform of 2025.
const REFORM: Date = date(2025, 7, 1);
/// A day on which those before the reform are read; the register of that time has one edition.
const BEFORE_REFORM: Date = date(2023, 6, 30);
/// How a zip file begins, and with it XLSX.
const ZIP: &[u8] = b"PK\x03\x04";
/// How the older Excel format begins, and any workbook under a password.
const OLE: &[u8] = &[0xD0, 0xCF, 0x11, 0xE0];

/// A file, taken apart but not judged.
#[derive(Debug)]
pub struct Book {
    pub(crate) tables: Vec<Table>,
    /// Sheets that were passed over.
    pub(crate) skipped: Vec<Problem>,
    pub(crate) options: Options,
    digest: Vec<u8>,
}

impl Book {
    /// Takes a CSV or XLSX file apart; which it is, is seen from its bytes.
    ///
    /// # Errors
    /// [`SheetError`] if it is neither, has no header, or is above a limit.
    pub fn open(bytes: &[u8], options: Options) -> Result<Self, SheetError> {
        if bytes.len() > FILE_BYTES_MAX {
            return Err(SheetError::FileTooLarge);
        }
        let grids = if bytes.starts_with(ZIP) {
            workbook::read(bytes, options.sheet.as_deref())?
        } else if bytes.starts_with(OLE) {
            return Err(SheetError::Encrypted);
        } else {
            vec![delimited::read(bytes)?]
        };
        let mut book = Self {
            tables: Vec::new(),
            skipped: Vec::new(),
            digest: digest(bytes, &options),
            options,
        };
        book.fill(grids)?;
        Ok(book)
    }

    /// Keeps the sheets that have a header; if there is none, what is wrong with the first that comes near.
    fn fill(&mut self, grids: Vec<Grid>) -> Result<(), SheetError> {
        let mut records = 0;
        let mut refused: Option<SheetError> = None;
        for grid in grids {
            let name = grid.name.clone();
            match Table::new(grid, &self.options, &mut records) {
                Ok(table) => self.tables.push(table),
                Err(SheetError::TooManyRecords) => return Err(SheetError::TooManyRecords),
                Err(error) => {
                    // A page of notes is nothing to tell of; one that nearly is a table is.
                    let is_notes = matches!(error, SheetError::Empty | SheetError::NoHeader { .. });
                    let found = Found {
                        reason: error.reason(),
                        vi: format!("trang tính được bỏ qua: {}", error.vi()),
                        detail: format!("the sheet is passed over: {error}"),
                    };
                    let row = match error {
                        SheetError::MissingColumns { line, .. } => line,
                        _ => 1,
                    };
                    if !is_notes {
                        self.skipped.push(found.at(&name, row, ""));
                    }
                    let is_nearer = match &refused {
                        None | Some(SheetError::Empty) => true,
                        Some(SheetError::NoHeader { .. }) => !is_notes,
                        Some(_) => false,
                    };
                    if is_nearer {
                        refused = Some(error);
                    }
                }
            }
        }
        if self.tables.is_empty() {
            return Err(refused.unwrap_or(SheetError::Empty));
        }
        Ok(())
    }

    /// How many records it has below its headers.
    #[must_use]
    pub fn len(&self) -> usize {
        self.tables.iter().map(|table| table.records.len()).sum()
    }

    /// Whether it has none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The days that its records speak of, as far as they can be read.
    #[must_use]
    pub fn dates(&self) -> BTreeSet<Date> {
        self.tables.iter().flat_map(Table::dates).collect()
    }

    /// The periods that its records speak of, oldest first: since when the localities of each are valid, and a day on which to read them.
    ///
    /// A row of another day of the period is held against its own day by the service.
    #[must_use]
    pub fn periods(&self) -> Vec<(Date, Date)> {
        let dates = self.dates();
        let before = dates.first().filter(|date| **date < REFORM);
        let since = dates.last().filter(|date| **date >= REFORM);
        let before = before.map(|_| (Date::MIN, BEFORE_REFORM));
        before
            .into_iter()
            .chain(since.map(|newest| (REFORM, *newest)))
            .collect()
    }

    /// The request id of a part of the file: the same whenever it says the same and the same bytes are imported with the same options.
    #[must_use]
    pub fn request_id(&self, said: &[u8]) -> Uuid {
        let mut name = self.digest.clone();
        name.extend_from_slice(said);
        Uuid::new_v5(&NAMESPACE, &name)
    }

    /// Where a problem stands in the file: which of its sheets, and the row.
    #[must_use]
    pub fn place(&self, problem: &Problem) -> (usize, u64) {
        let sheets = self.tables.iter();
        let sheet = sheets
            .map(|table| &table.name)
            .position(|name| *name == problem.sheet);
        (sheet.unwrap_or(usize::MAX), problem.row)
    }

    /// The header of the cell that a field of an event comes from, as the sheet has it; the field itself if it comes from none.
    #[must_use]
    pub fn column_name(&self, sheet: &str, field: &str) -> String {
        let table = self.tables.iter().find(|table| table.name == sheet);
        let column = table.and_then(|table| {
            let column = row::column_of(&table.header, field)?;
            Some(table.header.name(column).to_owned())
        });
        column.unwrap_or_else(|| field.to_owned())
    }
}

fn digest(bytes: &[u8], options: &Options) -> Vec<u8> {
    let digest = Sha256::digest(bytes).to_vec();
    if *options == Options::default() {
        return digest;
    }
    let Options {
        sheet,
        indicator,
        as_of,
        source,
    } = options;
    let mut said = digest;
    for option in [sheet, indicator, as_of, source] {
        match option {
            None => said.push(0),
            Some(text) => {
                said.push(1);
                said.extend_from_slice(&(text.len() as u64).to_be_bytes());
                said.extend_from_slice(text.as_bytes());
            }
        }
    }
    Sha256::digest(&said).to_vec()
}
