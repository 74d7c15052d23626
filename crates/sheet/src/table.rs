//! A sheet below its header: records; rows that only sum up others are set aside.

use std::borrow::Cow;

use csv::StringRecord;
use domain::text::number::parse_count;
use domain::text::{Moment, fold};
use jiff::civil::Date;

use crate::column::Column;
use crate::grid::{Grid, GridRow, Merged, Numbers};
use crate::header::Header;
use crate::problem::{FileReason, Found, Problem};
use crate::{Options, RECORDS_MAX, SheetError};

/// What the first words of a row that sums up others say, folded.
const TOTALS: [&str; 14] = [
    "tong",
    "tong cong",
    "tong so",
    "tong chung",
    "cong",
    "cong chung",
    "toan tinh",
    "toan huyen",
    "toan quan",
    "toan xa",
    "toan thanh pho",
    "total",
    "sum",
    "grand total",
];

/// Records below a header.
#[derive(Debug)]
pub(crate) struct Table {
    /// Name of the sheet; empty for a CSV file.
    pub(crate) name: String,
    pub(crate) header: Header,
    pub(crate) records: Vec<Record>,
    /// What is wrong with the form of the sheet.
    pub(crate) problems: Vec<Problem>,
    /// Rows that were passed over.
    pub(crate) skipped: Vec<Problem>,
    merged: Merged,
    indicator: String,
    as_of: String,
}

/// One record.
#[derive(Debug)]
pub(crate) struct Record {
    /// Its row, or its first line, from 1.
    pub(crate) row: u64,
    /// Its cells as they are.
    pub(crate) cells: StringRecord,
    /// Which of them are numbers of a spreadsheet.
    pub(crate) numbers: Numbers,
}

impl Table {
    /// Reads what stands below the header; `records` counts those of the whole file.
    pub(crate) fn new(
        grid: Grid,
        options: &Options,
        records: &mut usize,
    ) -> Result<Self, SheetError> {
        let header = Header::find(&grid.rows, &grid.merged, options)?;
        let mut problems = header.unknown(&grid.name);
        problems.extend(grid.problems);
        let as_of = options.as_of.as_ref().or(header.titled.as_ref());
        let mut table = Self {
            as_of: as_of.cloned().unwrap_or_default(),
            indicator: options.indicator.clone().unwrap_or_default(),
            name: grid.name,
            records: Vec::new(),
            problems,
            skipped: Vec::new(),
            merged: grid.merged,
            header,
        };
        let mut sums = Sums::default();
        let rows = grid.rows;
        for at in table.header.rows_before..rows.len() {
            let row = &rows[at];
            *records += 1;
            if *records > RECORDS_MAX {
                return Err(SheetError::TooManyRecords);
            }
            if is_total(row) {
                table.set_aside(row, &mut sums);
                continue;
            }
            let record = Record {
                row: row.row,
                cells: table.filled(&rows, row),
                numbers: row.numbers,
            };
            sums.add(&table, &record);
            table.records.push(record);
        }
        Ok(table)
    }

    /// A record's cell, trimmed; for what the file has no column for, what was said for all of it.
    pub(crate) fn cell<'a>(&'a self, record: &'a Record, column: Column) -> &'a str {
        match (self.header.position(column), column) {
            (Some(at), _) => record.cells.get(at).map_or("", str::trim),
            (None, Column::Indicator) => self.indicator.trim(),
            (None, Column::Date) => self.as_of.trim(),
            (None, _) => "",
        }
    }

    /// Whether a record's cell is a number of a spreadsheet.
    pub(crate) fn is_number(&self, record: &Record, column: Column) -> bool {
        let at = self.header.position(column);
        at.is_some_and(|at| record.numbers.has(at))
    }

    /// The columns of numbers in which a record lies below a cell that is merged over others.
    pub(crate) fn merged_numbers(&self, record: &Record) -> impl Iterator<Item = Column> {
        Column::NUMBERS.into_iter().filter(|column| {
            let at = self.header.position(*column);
            at.is_some_and(|at| self.merged.over(record.row, at).is_some())
        })
    }

    /// The dates that its records speak of, as far as they can be read.
    pub(crate) fn dates(&self) -> impl Iterator<Item = Date> {
        let mut last: Option<(&str, Option<Date>)> = None;
        self.records.iter().filter_map(move |record| {
            let text = self.cell(record, Column::Date);
            match last {
                // Files go from day to day, not to and fro.
                Some((known, date)) if known == text => date,
                _ => {
                    let date = Moment::parse(text).ok().map(Moment::date);
                    last = Some((text, date));
                    date
                }
            }
        })
    }

    /// A row's cells, with what a merged cell above says for it.
    fn filled(&self, rows: &[GridRow], row: &GridRow) -> StringRecord {
        let mut cells: Vec<Cow<'_, str>> = Vec::new();
        for column in Column::SPREAD {
            let Some(at) = self.header.position(column) else {
                continue;
            };
            let Some(region) = self.merged.over(row.row, at) else {
                continue;
            };
            let above = rows.binary_search_by_key(&region.first_row, |row| row.row);
            let above = above.map_or("", |above| rows[above].cell(region.first_column));
            if region.first_row == row.row || above.is_empty() || !row.cell(at).is_empty() {
                continue;
            }
            if cells.is_empty() {
                cells = row.cells.iter().map(Cow::Borrowed).collect();
            }
            if cells.len() <= at {
                cells.resize(at + 1, Cow::Borrowed(""));
            }
            cells[at] = Cow::Borrowed(above);
        }
        if cells.is_empty() {
            row.cells.clone()
        } else {
            StringRecord::from_iter(cells.iter().map(AsRef::<str>::as_ref))
        }
    }

    /// Passes over a row that sums up others; says if it says otherwise.
    fn set_aside(&mut self, row: &GridRow, sums: &mut Sums) {
        let at = self.header.position(Column::Value);
        let stated = at.and_then(|at| parse_count(row.cell(at)).ok());
        let found = match (stated, sums.take()) {
            (Some(stated), Some(sum)) if stated != sum => Found::of_file(
                FileReason::TotalDiffers,
                format!(
                    "dòng tổng ghi {stated}, cộng các dòng trên được {sum}; dòng này được bỏ qua"
                ),
                format!(
                    "the total says {stated}, the rows above add up to {sum}; the row is passed over"
                ),
            ),
            _ => Found::of_file(
                FileReason::TotalRow,
                "dòng tổng được bỏ qua",
                "a row that sums up others is passed over",
            ),
        };
        let column = self.header.name(Column::Value);
        self.skipped.push(found.at(&self.name, row.row, column));
    }
}

/// Whether a row sums up others: its first words say so.
fn is_total(row: &GridRow) -> bool {
    let is_count = |cell: &&str| cell.chars().all(|c| c.is_ascii_digit() || c == '.');
    let mut cells = row.cells.iter().map(str::trim);
    let first = cells.find(|cell| !cell.is_empty() && !is_count(cell));
    first.is_some_and(|first| {
        // Most names begin otherwise, and folding costs more than all else that is done with a row here.
        first.len() < 64
            && first.starts_with(['t', 'T', 'c', 'C', 's', 'S', 'g', 'G'])
            && TOTALS.contains(&fold(first).trim_end_matches(':').trim_end())
    })
}

/// The sum of the counts since the last total, as long as they are of one indicator and one moment.
#[derive(Debug, Default)]
struct Sums {
    of: Option<(String, String)>,
    sum: Option<u64>,
}

impl Sums {
    fn add(&mut self, table: &Table, record: &Record) {
        let cell = |column| table.cell(record, column);
        let (indicator, date) = (cell(Column::Indicator), cell(Column::Date));
        let count = parse_count(cell(Column::Value)).ok();
        match &self.of {
            None => {
                self.of = Some((indicator.to_owned(), date.to_owned()));
                self.sum = count;
            }
            Some((of, at)) if of == indicator && at == date => {
                let sum = self.sum.zip(count);
                self.sum = sum.and_then(|(sum, count)| sum.checked_add(count));
            }
            Some(_) => self.sum = None,
        }
    }

    fn take(&mut self) -> Option<u64> {
        self.of = None;
        self.sum.take()
    }
}
