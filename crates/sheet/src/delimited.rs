//! CSV bytes to a grid.
//!
//! UTF-8, with or without a byte-order mark; the separator (comma, semicolon or tab) is the one that finds most columns in the header.
//! Lines without any content are skipped, also those that a spreadsheet leaves as bare separators.

use csv::{ReaderBuilder, StringRecord};

use crate::grid::{Grid, GridRow, Merged, Numbers};
use crate::header::{self, HEADER_ROWS_MAX};
use crate::problem::{FileReason, Found};
use crate::{COLUMNS_MAX, RECORD_BYTES_MAX, RECORDS_MAX, SheetError};

/// Separators, the most usual first.
const DELIMITERS: [u8; 3] = [b',', b';', b'\t'];

/// Reads a CSV file.
pub(crate) fn read(bytes: &[u8]) -> Result<Grid, SheetError> {
    let text = std::str::from_utf8(bytes).map_err(|error| SheetError::NotUtf8 {
        byte: error.valid_up_to() + 1,
        line: Lines::of(bytes).line_at(error.valid_up_to()),
    })?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut best: Option<(usize, u8)> = None;
    for delimiter in DELIMITERS {
        let known = known_columns(text, delimiter)?;
        if best.is_none_or(|(most, _)| known > most) {
            best = Some((known, delimiter));
        }
    }
    let (_, delimiter) = best.unwrap_or((0, b','));
    read_delimited(text, delimiter)
}

fn read_delimited(text: &str, delimiter: u8) -> Result<Grid, SheetError> {
    let mut records = Records::new(text, delimiter);
    let mut grid = Grid::default();
    while let Some(row) = records.next()? {
        if grid.rows.len() == RECORDS_MAX + HEADER_ROWS_MAX {
            return Err(SheetError::TooManyRecords);
        }
        grid.rows.push(row);
    }
    if records.ends_in_quotes()
        && grid.rows.len() > 1
        && let Some(row) = grid.rows.pop()
    {
        grid.problems.push(unclosed_quote().at("", row.row, ""));
    }
    Ok(grid)
}

/// How many columns the header has if this is the separator.
fn known_columns(text: &str, delimiter: u8) -> Result<usize, SheetError> {
    let mut records = Records::new(text, delimiter);
    let mut rows = Vec::new();
    while rows.len() < HEADER_ROWS_MAX {
        match records.next() {
            Ok(Some(row)) => rows.push(row),
            Ok(None) => break,
            // With another separator the same line may be within the limits.
            Err(SheetError::TooManyColumns { .. }) => break,
            Err(error) => return Err(error),
        }
    }
    Ok(header::known_columns(&rows, &Merged::default()))
}

fn unclosed_quote() -> Found {
    Found::of_file(
        FileReason::UnclosedQuote,
        "thiếu dấu ngoặc kép đóng, các dòng sau bị nuốt vào ô này; hãy thêm dấu \"",
        "a quotation mark is never closed, so the lines below are taken as part of this cell; close it with \"",
    )
}

/// The records that are not empty, with their lines.
struct Records<'a> {
    reader: csv::Reader<&'a [u8]>,
    lines: Lines<'a>,
    text: &'a [u8],
    /// Where the newest record starts.
    start: usize,
}

impl<'a> Records<'a> {
    fn new(text: &'a str, delimiter: u8) -> Self {
        let reader = ReaderBuilder::new()
            .delimiter(delimiter)
            .has_headers(false)
            .flexible(true)
            .from_reader(text.as_bytes());
        Self {
            reader,
            lines: Lines::of(text.as_bytes()),
            text: text.as_bytes(),
            start: 0,
        }
    }

    fn next(&mut self) -> Result<Option<GridRow>, SheetError> {
        let mut cells = StringRecord::new();
        while self.reader.read_record(&mut cells)? {
            let at = cells.position().map_or(0, csv::Position::byte);
            self.start = self.lines.first_content(usize::try_from(at).unwrap_or(0));
            let line = self.lines.line_at(self.start);
            if cells.as_slice().len() > RECORD_BYTES_MAX {
                return Err(SheetError::RecordTooLarge { line });
            }
            if cells.len() > COLUMNS_MAX {
                return Err(SheetError::TooManyColumns { line });
            }
            if cells.iter().any(|cell| !cell.trim().is_empty()) {
                return Ok(Some(GridRow {
                    row: line,
                    cells,
                    numbers: Numbers::default(),
                }));
            }
        }
        Ok(None)
    }

    /// Whether the newest record, which is the last, swallowed lines because its quotes are not closed.
    ///
    /// Quotes in a quoted cell are doubled, so an odd number of them leaves one open.
    fn ends_in_quotes(&self) -> bool {
        let last = self.text[self.start.min(self.text.len())..].trim_ascii_end();
        let quotes = last.iter().filter(|byte| **byte == b'"').count();
        quotes % 2 == 1 && last.iter().any(|byte| matches!(byte, b'\n' | b'\r'))
    }
}

/// Counts lines, from 1; asked for ascending places only.
struct Lines<'a> {
    text: &'a [u8],
    at: usize,
    line: u64,
}

impl<'a> Lines<'a> {
    fn of(text: &'a [u8]) -> Self {
        Self {
            text,
            at: 0,
            line: 1,
        }
    }

    /// The line of a byte; `\n`, `\r\n` and a lone `\r` end one.
    fn line_at(&mut self, byte: usize) -> u64 {
        for at in self.at..byte.min(self.text.len()) {
            let ends = match self.text[at] {
                b'\n' => true,
                b'\r' => self.text.get(at + 1) != Some(&b'\n'),
                _ => false,
            };
            self.line += u64::from(ends);
        }
        self.at = self.at.max(byte);
        self.line
    }

    /// The first byte from here on that ends no line: the reader counts empty lines to the record after them.
    fn first_content(&self, from: usize) -> usize {
        let rest = self.text.get(from..).unwrap_or_default();
        let empty = rest
            .iter()
            .take_while(|byte| matches!(byte, b'\n' | b'\r'))
            .count();
        from + empty
    }
}
