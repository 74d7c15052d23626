//! Where a sheet names its columns, and which column is where.
//!
//! The names stand in one to three rows, possibly merged, possibly below a title; the block that names most columns wins, and of those the one with fewest rows.
//! A row that numbers the columns, `(1) (2) (3)`, belongs to the block.

use std::collections::HashMap;

use domain::text::number::{parse_count, parse_percent};
use domain::text::{Moment, fold, nfc};

use crate::column::Column;
use crate::grid::{GridRow, Merged};
use crate::problem::{FileReason, Found, Problem};
use crate::{Options, SheetError};

/// Rows in which the block of names is looked for.
pub(crate) const HEADER_ROWS_MAX: usize = 40;
/// Most rows of a block.
const BLOCK_ROWS_MAX: usize = 3;
/// Characters of a column's name that are kept, to be told.
const NAME_CHARS_MAX: usize = 120;
/// Columns that a block must name to be one.
const KNOWN_MIN: usize = 2;

/// Which column is where.
#[derive(Debug)]
pub(crate) struct Header {
    /// The first row of the block, from 1.
    pub(crate) row: u64,
    /// How many rows of the sheet stand before the first record.
    pub(crate) rows_before: usize,
    /// The moment that the title speaks of, as it is written there.
    pub(crate) titled: Option<String>,
    /// As the file has them, trimmed and in NFC.
    names: Vec<String>,
    columns: Vec<(Column, usize)>,
}

/// Rows that may name the columns.
struct Block {
    start: usize,
    height: usize,
    columns: Vec<(Column, usize)>,
    /// How many different columns they name.
    known: usize,
}

/// How many columns the best block names.
pub(crate) fn known_columns(rows: &[GridRow], merged: &Merged) -> usize {
    best(rows, merged).map_or(0, |block| block.known)
}

fn best(rows: &[GridRow], merged: &Merged) -> Option<Block> {
    let rows = &rows[..rows.len().min(HEADER_ROWS_MAX)];
    // What a header says, or does not, is asked for each block that it is part of.
    let mut memory = HashMap::new();
    let holds_data: Vec<bool> = rows.iter().map(holds_data).collect();
    let mut best: Option<Block> = None;
    for start in 0..rows.len() {
        let tallest = (rows.len() - start).min(BLOCK_ROWS_MAX);
        for height in 1..=tallest {
            if holds_data[start + 1..start + height].contains(&true) {
                break;
            }
            let block = block(rows, start, height, merged, &mut memory);
            let rank = |block: &Block| (block.known, BLOCK_ROWS_MAX - block.height);
            if best.as_ref().is_none_or(|best| rank(&block) > rank(best)) {
                best = Some(block);
            }
        }
    }
    best
}

/// Whether a row holds what no header does: a number or a date.
fn holds_data(row: &GridRow) -> bool {
    let is_data = |cell: &str| {
        let cell = cell.trim();
        cell.chars().any(|c| c.is_ascii_digit())
            && (parse_count(cell).is_ok()
                || parse_percent(cell).is_ok()
                || Moment::parse(cell).is_ok())
    };
    row.cells.iter().any(is_data)
}

fn block(
    rows: &[GridRow],
    start: usize,
    height: usize,
    merged: &Merged,
    memory: &mut HashMap<String, Option<Column>>,
) -> Block {
    let parts = &rows[start..start + height];
    let mut columns: Vec<(Column, usize)> = Vec::new();
    let mut known = 0;
    for at in 0..width(parts) {
        let words = words(rows, parts, at, merged);
        let joined = words.join(" ");
        let mut column_of = |name: &str| {
            if let Some(column) = memory.get(name) {
                return *column;
            }
            let column = Column::of_header(name);
            memory.insert(name.to_owned(), column);
            column
        };
        let column = column_of(&joined);
        // One cell is its own join.
        let column = column.or_else(|| words.iter().rev().copied().find_map(&mut column_of));
        if let Some(column) = column {
            let is_new = columns.iter().all(|(known, _)| *known != column);
            known += usize::from(is_new);
            columns.push((column, at));
        }
    }
    Block {
        start,
        height,
        columns,
        known,
    }
}

fn width(rows: &[GridRow]) -> usize {
    rows.iter().map(|row| row.cells.len()).max().unwrap_or(0)
}

/// What the rows of a block say above one column, from the top.
fn words<'a>(
    rows: &'a [GridRow],
    parts: &'a [GridRow],
    at: usize,
    merged: &Merged,
) -> Vec<&'a str> {
    let mut words: Vec<&str> = Vec::new();
    for part in parts {
        let word = spread(rows, part, at, merged);
        if !word.is_empty() && words.last() != Some(&word) {
            words.push(word);
        }
    }
    words
}

/// A header's cell; of a merged one, what its first holds.
fn spread<'a>(rows: &'a [GridRow], row: &'a GridRow, at: usize, merged: &Merged) -> &'a str {
    let own = row.cell(at);
    let Some(region) = merged.over(row.row, at).filter(|_| own.is_empty()) else {
        return own;
    };
    let first = rows.iter().find(|row| row.row == region.first_row);
    first.map_or("", |first| first.cell(region.first_column))
}

/// Whether a row only numbers the columns from 1: `(1) (2) (3)`, `1 2 3 4=3/2`.
fn numbers_columns(row: &GridRow) -> bool {
    let numbers = row
        .cells
        .iter()
        .map(str::trim)
        .filter(|cell| !cell.is_empty());
    let mut expected = 0;
    for cell in numbers {
        let bare = cell.trim_start_matches('(').split(['=', ')']).next();
        expected += 1;
        if bare.and_then(|bare| bare.trim().parse::<usize>().ok()) != Some(expected) {
            return false;
        }
    }
    expected > 1
}

/// The moment that a title states: `(Tính đến ngày 30/6/2023)`.
fn titled(rows: &[GridRow]) -> Option<String> {
    const SINCE: &str = "tinh den";
    let cells = rows.iter().flat_map(|row| row.cells.iter());
    let stated = |cell: &str| {
        let folded = fold(cell);
        let text = folded.split_once(SINCE)?.1;
        let text = text.trim_matches(|c: char| !c.is_alphanumeric());
        let text = text.strip_prefix("het ").unwrap_or(text);
        Moment::parse(text).is_ok().then(|| text.to_owned())
    };
    cells.filter_map(stated).next_back()
}

impl Header {
    /// Finds it in the first rows of a sheet.
    pub(crate) fn find(
        rows: &[GridRow],
        merged: &Merged,
        options: &Options,
    ) -> Result<Self, SheetError> {
        let first = rows.first().ok_or(SheetError::Empty)?;
        let block = best(rows, merged)
            .filter(|block| block.known >= KNOWN_MIN)
            .ok_or(SheetError::NoHeader { line: first.row })?;
        let mut rows_before = block.start + block.height;
        if rows.get(rows_before).is_some_and(numbers_columns) {
            rows_before += 1;
        }
        let parts = &rows[block.start..block.start + block.height];
        // A header stands in every problem of its column.
        let name = |at| -> String {
            let said = words(rows, parts, at, merged).join(" ");
            nfc(&said).chars().take(NAME_CHARS_MAX).collect()
        };
        let names: Vec<String> = (0..width(parts)).map(name).collect();
        for (at, (column, place)) in block.columns.iter().enumerate() {
            let before = block.columns[..at].iter();
            if let Some((_, first)) = before.into_iter().find(|(known, _)| known == column) {
                return Err(SheetError::ColumnTwice {
                    column: column.key(),
                    first: names[*first].clone(),
                    second: names[*place].clone(),
                });
            }
        }
        let header = Self {
            row: rows[block.start].row,
            rows_before,
            titled: titled(&rows[..block.start]),
            names,
            columns: block.columns,
        };
        let missing = header.missing(options);
        if missing.is_empty() {
            Ok(header)
        } else {
            let line = header.row;
            Err(SheetError::MissingColumns { line, missing })
        }
    }

    /// What a figure needs and neither a column nor an option gives.
    fn missing(&self, options: &Options) -> Vec<&'static str> {
        let has = |column| self.has(column);
        let is_quota = has(Column::Deadline) || has(Column::Layer);
        let needed = [
            (
                Column::PLACE.into_iter().any(has),
                "province, district, commune or code",
            ),
            (
                has(Column::Indicator) || options.indicator.is_some(),
                "indicator",
            ),
            (
                has(Column::Date) || options.as_of.is_some() || self.titled.is_some(),
                "date",
            ),
            (
                has(Column::Value) || has(Column::Percent) || is_quota && has(Column::Target),
                "value or percent",
            ),
        ];
        let missing = needed.into_iter().filter(|(is_there, _)| !is_there);
        missing.map(|(_, name)| name).collect()
    }

    /// The column's header as the file has it; our own name if it has none.
    pub(crate) fn name(&self, column: Column) -> &str {
        self.position(column)
            .map_or(column.key(), |at| &self.names[at])
    }

    /// The header at a place, or its number if it has none.
    pub(crate) fn name_at(&self, at: usize) -> String {
        match self.names.get(at) {
            Some(name) if !name.is_empty() => name.clone(),
            _ => format!("#{}", at + 1),
        }
    }

    /// Whether the place has a header at all.
    pub(crate) fn is_named(&self, at: usize) -> bool {
        self.names.get(at).is_some_and(|name| !name.is_empty())
    }

    /// The column at a place, if it is known.
    pub(crate) fn column_at(&self, at: usize) -> Option<Column> {
        self.columns
            .iter()
            .find(|(_, place)| *place == at)
            .map(|(column, _)| *column)
    }

    /// Whether the file has the column.
    pub(crate) fn has(&self, column: Column) -> bool {
        self.position(column).is_some()
    }

    /// Where the column is.
    pub(crate) fn position(&self, column: Column) -> Option<usize> {
        self.columns
            .iter()
            .find(|(known, _)| *known == column)
            .map(|(_, at)| *at)
    }

    /// The headers that name nothing we know.
    pub(crate) fn unknown(&self, sheet: &str) -> Vec<Problem> {
        let is_unknown = |(at, name): &(usize, &String)| {
            !name.is_empty() && self.column_at(*at).is_none() && !Column::is_ignored(name)
        };
        let known: Vec<&str> = Column::ALL.into_iter().map(Column::key).collect();
        let known = known.join(", ");
        self.names
            .iter()
            .enumerate()
            .filter(is_unknown)
            .map(|(_, name)| {
                let found = Found::of_file(
                    FileReason::UnknownColumn,
                    format!(
                        "cột này không được biết; hãy bỏ đi hoặc đổi tên thành một trong: {known}"
                    ),
                    format!("is no column that is known; remove it or rename it to one of {known}"),
                );
                found.at(sheet, self.row, name)
            })
            .collect()
    }
}
