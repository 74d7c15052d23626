//! Tables, JSON and CSV on stdout or in a file, and workbooks.
//!
//! `book` makes the workbook of an answer.

mod book;

use std::fs::File;
use std::io::Write as _;
use std::path::Path;

use clap::ValueEnum;
use comfy_table::{CellAlignment, ColumnConstraint, ContentArrangement, LineStyle, TableStyle};
use prost::Message;
use wire::message;

use crate::Failure;
use crate::fail::{FAILED, REFUSED, USAGE};
use crate::lang::Lang;

/// How to print.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people.
    Table,
    /// For programs: the answer's message in the JSON form of Protocol Buffers.
    Json,
    /// For spreadsheets: the table's columns, headed by stable English keys.
    Csv,
    /// For people with a spreadsheet: a workbook with headings, real numbers, and the sources; needs --out.
    Xlsx,
}

/// How a column takes its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shape {
    /// Wrapped where the terminal is narrow.
    Text,
    /// On the right.
    Number,
    /// On the right: a share, which reads `83.80` in CSV.
    Share,
    /// Never wrapped: a code that is copied.
    Code,
}

/// A column: its key in CSV, its headings, and how it takes its place.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Column {
    key: &'static str,
    vi: &'static str,
    en: &'static str,
    shape: Shape,
}

/// A column of codes.
pub(crate) const fn code(key: &'static str, vi: &'static str, en: &'static str) -> Column {
    Column {
        key,
        vi,
        en,
        shape: Shape::Code,
    }
}

/// A column of text.
pub(crate) const fn text(key: &'static str, vi: &'static str, en: &'static str) -> Column {
    Column {
        key,
        vi,
        en,
        shape: Shape::Text,
    }
}

/// A column of numbers.
pub(crate) const fn number(key: &'static str, vi: &'static str, en: &'static str) -> Column {
    Column {
        key,
        vi,
        en,
        shape: Shape::Number,
    }
}

/// A column of shares.
pub(crate) const fn share(key: &'static str, vi: &'static str, en: &'static str) -> Column {
    Column {
        key,
        vi,
        en,
        shape: Shape::Share,
    }
}

/// A line under the headings, and nothing else: rows stay one below the other.
const STYLE: TableStyle =
    TableStyle::new().header_separator(LineStyle::none().fill('─').junction('─'));

/// A cell: what people see, and what a spreadsheet gets where that differs.
#[derive(Debug, Clone, Default)]
pub(crate) struct Cell {
    shown: String,
    raw: Option<String>,
}

impl Cell {
    /// A cell that reads `shown` in a table and `raw` in CSV.
    pub(crate) fn with_raw(shown: impl Into<String>, raw: impl ToString) -> Self {
        Self {
            shown: shown.into(),
            raw: Some(raw.to_string()),
        }
    }
}

impl<T: Into<String>> From<T> for Cell {
    fn from(shown: T) -> Self {
        Self {
            shown: shown.into(),
            raw: None,
        }
    }
}

/// Rows under columns.
#[derive(Debug)]
pub(crate) struct Table {
    columns: Vec<Column>,
    rows: Vec<Vec<Cell>>,
    /// What people see instead, where the columns of the CSV are too many for a terminal.
    shown: Option<Box<Table>>,
}

impl Table {
    /// An empty table.
    pub(crate) fn new(columns: &[Column]) -> Self {
        Self {
            columns: columns.to_vec(),
            rows: Vec::new(),
            shown: None,
        }
    }

    /// An empty table for spreadsheets, whose columns have only keys.
    pub(crate) fn raw<const N: usize>(keys: [&'static str; N]) -> Self {
        Self::new(&keys.map(|key| text(key, key, key)))
    }

    /// The same, seen by people as `shown`.
    pub(crate) fn shown_as(self, shown: Self) -> Self {
        Self {
            shown: Some(Box::new(shown)),
            ..self
        }
    }

    /// Adds a row; it has a cell for each column.
    pub(crate) fn row<const N: usize>(&mut self, cells: [Cell; N]) {
        debug_assert_eq!(N, self.columns.len());
        self.rows.push(cells.into());
    }

    /// True if it has no rows to show.
    pub(crate) fn is_empty(&self) -> bool {
        match &self.shown {
            Some(shown) => shown.is_empty(),
            None => self.rows.is_empty(),
        }
    }

    /// As text for people.
    pub(crate) fn render(&self, lang: Lang) -> String {
        if let Some(shown) = &self.shown {
            return shown.render(lang);
        }
        let mut table = comfy_table::Table::new();
        table.load_style(STYLE);
        table.set_content_arrangement(ContentArrangement::Dynamic);
        table.set_header(
            self.columns
                .iter()
                .map(|column| lang.pick(column.vi, column.en)),
        );
        for row in &self.rows {
            table.add_row(row.iter().map(|cell| cell.shown.as_str()));
        }
        for (column, shape) in table
            .column_iter_mut()
            .zip(self.columns.iter().map(|c| c.shape))
        {
            match shape {
                Shape::Text => {}
                Shape::Number | Shape::Share => {
                    column.set_cell_alignment(CellAlignment::Right);
                    column.set_constraint(ColumnConstraint::ContentWidth);
                }
                Shape::Code => {
                    column.set_constraint(ColumnConstraint::ContentWidth);
                }
            }
        }
        table.to_string()
    }

    fn csv(&self) -> Result<Vec<u8>, Failure> {
        let mut writer = csv::Writer::from_writer(Vec::new());
        let failed = |error: csv::Error| Failure::caused(FAILED, &error);
        writer
            .write_record(self.columns.iter().map(|column| column.key))
            .map_err(failed)?;
        for row in &self.rows {
            let cells = row
                .iter()
                .map(|cell| cell.raw.as_ref().unwrap_or(&cell.shown));
            writer.write_record(cells).map_err(failed)?;
        }
        writer
            .into_inner()
            .map_err(|error| Failure::new(FAILED, error.to_string()))
    }
}

/// Where and how a command prints.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Output {
    /// How.
    pub(crate) format: Format,
    /// In which language.
    pub(crate) lang: Lang,
    /// The file for what was asked for; stdout if there is none.
    pub(crate) out: Option<&'static Path>,
}

impl Output {
    /// Prints an answer: the message itself as JSON, or `head` and `table` for people, or the table as CSV or in a workbook.
    pub(crate) fn answer<M: Message>(
        &self,
        name: &str,
        message: &M,
        head: &str,
        table: &Table,
    ) -> Result<(), Failure> {
        match self.format {
            Format::Json => self.json(&message_json(name, message)?),
            Format::Xlsx => self.bytes(&book::of_answer(
                &message::dynamic(name, message)
                    .map_err(|error| Failure::caused(FAILED, &error))?,
                table,
                self.lang,
            )?),
            Format::Csv | Format::Table => self.rows(head, table),
        }
    }

    /// Prints what no service answered: a JSON value, or `head` and `table` for people, or the table as CSV or in a workbook.
    pub(crate) fn report(
        &self,
        value: &serde_json::Value,
        head: &str,
        table: &Table,
    ) -> Result<(), Failure> {
        match self.format {
            Format::Json => self.json(value),
            Format::Xlsx => self.bytes(&book::of_table(table, self.lang)?),
            Format::Csv | Format::Table => self.rows(head, table),
        }
    }

    fn rows(&self, head: &str, table: &Table) -> Result<(), Failure> {
        if self.format == Format::Csv {
            return self.bytes(&table.csv()?);
        }
        let table = if table.is_empty() {
            self.lang.pick("(không có)", "(none)").to_owned()
        } else {
            table.render(self.lang)
        };
        let head = if head.is_empty() {
            String::new()
        } else {
            format!("{head}\n")
        };
        write(format!("{head}{table}\n").as_bytes())
    }

    /// Prints a JSON value.
    pub(crate) fn json(&self, value: &serde_json::Value) -> Result<(), Failure> {
        let text =
            serde_json::to_string_pretty(value).map_err(|error| Failure::caused(FAILED, &error))?;
        self.bytes(format!("{text}\n").as_bytes())
    }

    /// Prints a JSON value on one line, for streams.
    pub(crate) fn json_line(&self, value: &serde_json::Value) -> Result<(), Failure> {
        write(format!("{value}\n").as_bytes())
    }

    /// Prints text for people.
    pub(crate) fn text(&self, text: &str) -> Result<(), Failure> {
        write(format!("{text}\n").as_bytes())
    }

    /// Writes what was asked for to the file, and says so, or to stdout.
    pub(crate) fn bytes(&self, bytes: &[u8]) -> Result<(), Failure> {
        match self.out {
            Some(out) => self.file(out, bytes),
            None => write(bytes),
        }
    }

    /// Writes a new file, and says so.
    pub(crate) fn file(&self, out: &Path, bytes: &[u8]) -> Result<(), Failure> {
        let shown = out.display();
        // A file that somebody may have gone on with is never written over.
        let written = File::create_new(out).and_then(|mut file| file.write_all(bytes));
        written.map_err(|error| {
            let text = self.lang.pick(
                format!("không ghi được {shown}: {error}"),
                format!("{shown} cannot be written: {error}"),
            );
            Failure::new(USAGE, text)
        })?;
        self.text(
            &self
                .lang
                .pick(format!("Đã ghi {shown}"), format!("{shown} is written")),
        )
    }
}

/// Writes to stdout; a reader that has gone away (`| head`) ends the command without a word.
fn write(bytes: &[u8]) -> Result<(), Failure> {
    let mut stdout = std::io::stdout().lock();
    match stdout.write_all(bytes).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Err(Failure::unheard()),
        written => Ok(written?),
    }
}

/// The message of `tiendo.v1` that [`message_json`] wrote.
pub(crate) fn message_of_json<M: Message + Default>(
    name: &str,
    json: serde_json::Value,
) -> Result<M, Failure> {
    message::of_json(name, json).map_err(|error| Failure::caused(REFUSED, &error))
}

/// A message of `tiendo.v1` in the JSON form of Protocol Buffers; 64-bit numbers stay numbers.
pub(crate) fn message_json<M: Message>(
    name: &str,
    message: &M,
) -> Result<serde_json::Value, Failure> {
    message::to_json(name, message).map_err(|error| Failure::caused(FAILED, &error))
}

/// The same by the names of the contract, with zeros and empty lists: for what stands beside a report of our own.
pub(crate) fn message_json_by_name<M: Message>(
    name: &str,
    message: &M,
) -> Result<serde_json::Value, Failure> {
    message::to_json_by_name(name, message).map_err(|error| Failure::caused(FAILED, &error))
}
