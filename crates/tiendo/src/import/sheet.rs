//! Bytes to records below a header.
//!
//! UTF-8, with or without a byte-order mark; the separator (comma, semicolon or tab) is the one that finds most columns in the header.
//! Lines without any content are skipped, also those that a spreadsheet leaves as bare separators.

use csv::{ReaderBuilder, StringRecord};
use domain::text::{Moment, nfc};
use jiff::civil::Date;

use super::column::Column;
use super::problem::{FileReason, Found, Problem};
use super::{
    BATCH_BYTES_MAX, BATCH_RECORDS_MAX, COLUMNS_MAX, Context, FILE_BYTES_MAX, ImportError, Parsed,
    RECORD_BYTES_MAX, RECORDS_MAX, row,
};

/// Separators, the most usual first.
const DELIMITERS: [u8; 3] = [b',', b';', b'\t'];

/// Records below a header.
#[derive(Debug)]
pub(crate) struct Sheet {
    header: Header,
    records: Vec<Record>,
    problems: Vec<Problem>,
}

/// Which column is where.
#[derive(Debug)]
pub(crate) struct Header {
    /// As the file has them, trimmed and in NFC.
    names: Vec<String>,
    columns: Vec<(Column, usize)>,
}

/// One record.
#[derive(Debug)]
pub(crate) struct Record {
    /// Its first line, from 1.
    pub(crate) line: u64,
    /// The batch it belongs to, from 0.
    pub(crate) batch: usize,
    /// Its cells as they are.
    pub(crate) cells: StringRecord,
}

impl Sheet {
    /// Reads a CSV file.
    ///
    /// # Errors
    ///
    /// [`ImportError`] if it is no CSV in UTF-8 with a header, or above a limit.
    pub(crate) fn read(bytes: &[u8]) -> Result<Self, ImportError> {
        if bytes.len() > FILE_BYTES_MAX {
            return Err(ImportError::FileTooLarge);
        }
        let text = std::str::from_utf8(bytes).map_err(|error| ImportError::NotUtf8 {
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
        Self::read_delimited(text, delimiter)
    }

    fn read_delimited(text: &str, delimiter: u8) -> Result<Self, ImportError> {
        let mut records = Records::new(text, delimiter);
        let (line, names) = records.next()?.ok_or(ImportError::Empty)?;
        let header = Header::read(line, &names)?;
        let problems = header.unknown(line);
        let mut sheet = Self {
            header,
            records: Vec::new(),
            problems,
        };
        let (mut batch, mut in_batch, mut bytes) = (0, 0, 0);
        while let Some((line, cells)) = records.next()? {
            if sheet.records.len() == RECORDS_MAX {
                return Err(ImportError::TooManyRecords);
            }
            let length = cells.as_slice().len();
            if in_batch == BATCH_RECORDS_MAX || (in_batch > 0 && bytes + length > BATCH_BYTES_MAX) {
                (batch, in_batch, bytes) = (batch + 1, 0, 0);
            }
            in_batch += 1;
            bytes += length;
            sheet.records.push(Record { line, batch, cells });
        }
        if records.ends_in_quotes()
            && let Some(record) = sheet.records.pop()
        {
            sheet.problems.push(unclosed_quote().at(record.line, ""));
        }
        Ok(sheet)
    }

    /// Its header.
    pub(crate) fn header(&self) -> &Header {
        &self.header
    }

    /// How many records it has below its header.
    pub(crate) fn len(&self) -> usize {
        self.records.len()
    }

    /// The dates that its records speak of, as far as they can be read.
    pub(crate) fn dates(&self) -> impl Iterator<Item = Date> {
        self.records
            .iter()
            .filter_map(|record| Moment::parse(self.header.cell(record, Column::Date)).ok())
            .map(Moment::date)
    }

    /// Every record as an event, or everything wrong with it.
    ///
    /// # Errors
    ///
    /// [`ImportError::Actor`] if it cannot be recorded who reports.
    pub(crate) fn parse(&self, context: &Context<'_>) -> Result<Parsed, ImportError> {
        row::check_actor(&context.actor)?;
        let mut parsed = Parsed {
            rows: Vec::new(),
            problems: self.problems.clone(),
        };
        for record in &self.records {
            match row::read(&self.header, record, context) {
                Ok(row) => parsed.rows.push(row),
                Err(problems) => parsed.problems.extend(problems),
            }
        }
        parsed.problems.sort_by_key(|problem| problem.line);
        Ok(parsed)
    }
}

impl Header {
    fn read(line: u64, cells: &StringRecord) -> Result<Self, ImportError> {
        let names: Vec<String> = cells
            .iter()
            .map(|cell| nfc(cell.trim()).into_owned())
            .collect();
        let mut columns: Vec<(Column, usize)> = Vec::new();
        for (at, name) in names.iter().enumerate() {
            let Some(column) = Column::of_header(name) else {
                continue;
            };
            if let Some((_, first)) = columns.iter().find(|(known, _)| *known == column) {
                return Err(ImportError::ColumnTwice {
                    column: column.key(),
                    first: names[*first].clone(),
                    second: name.clone(),
                });
            }
            columns.push((column, at));
        }
        if columns.is_empty() {
            return Err(ImportError::NoHeader { line });
        }
        let header = Self { names, columns };
        let has = |column| header.has(column);
        let needed = [
            (
                Column::PLACE.into_iter().any(has),
                "province, district, commune or code",
            ),
            (has(Column::Indicator), "indicator"),
            (has(Column::Date), "date"),
            (
                has(Column::Value) || has(Column::Percent),
                "value or percent",
            ),
        ];
        let missing: Vec<_> = needed
            .into_iter()
            .filter(|(is_there, _)| !is_there)
            .map(|(_, name)| name)
            .collect();
        if missing.is_empty() {
            Ok(header)
        } else {
            Err(ImportError::MissingColumns { line, missing })
        }
    }

    /// A record's cell, trimmed; empty if there is none.
    pub(crate) fn cell<'a>(&self, record: &'a Record, column: Column) -> &'a str {
        let cell = self.position(column).and_then(|at| record.cells.get(at));
        cell.map_or("", str::trim)
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

    fn position(&self, column: Column) -> Option<usize> {
        self.columns
            .iter()
            .find(|(known, _)| *known == column)
            .map(|(_, at)| *at)
    }

    /// The headers that name nothing we know.
    fn unknown(&self, line: u64) -> Vec<Problem> {
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
                found.at(line, name)
            })
            .collect()
    }
}

/// How many columns the header has if this is the separator.
fn known_columns(text: &str, delimiter: u8) -> Result<usize, ImportError> {
    let header = Records::new(text, delimiter).next();
    match header {
        Ok(Some((_, cells))) => Ok(cells
            .iter()
            .filter(|cell| Column::of_header(cell.trim()).is_some())
            .count()),
        Ok(None) => Ok(0),
        // With another separator the same line may be within the limits.
        Err(ImportError::TooManyColumns { .. }) => Ok(0),
        Err(error) => Err(error),
    }
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

    fn next(&mut self) -> Result<Option<(u64, StringRecord)>, ImportError> {
        let mut cells = StringRecord::new();
        while self.reader.read_record(&mut cells)? {
            let at = cells.position().map_or(0, csv::Position::byte);
            self.start = self.lines.first_content(usize::try_from(at).unwrap_or(0));
            let line = self.lines.line_at(self.start);
            if cells.as_slice().len() > RECORD_BYTES_MAX {
                return Err(ImportError::RecordTooLarge { line });
            }
            if cells.len() > COLUMNS_MAX {
                return Err(ImportError::TooManyColumns { line });
            }
            if cells.iter().any(|cell| !cell.trim().is_empty()) {
                return Ok(Some((line, cells)));
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
