//! A file of cumulative series: CSV, gzipped or not, to what is replayed.
//!
//! Columns, found by name wherever they stand (others are passed over):
//!
//! | column | also | what |
//! |---|---|---|
//! | `date` | `as_of`, `published`, `ngày` | the day a figure speaks of and was known on |
//! | `place` | `locality`, `code`, `sa2` | name or code of the place |
//! | `parent` | `dhb` | what it belongs to; may be left out |
//! | `denominator` | `eligible`, `population` | D as of that day; a row without one is left out |
//! | `count` | `value`, `cumulative`, `dose2` | N; a row without one, or `masked`, may have a bound instead |
//! | `per_mille` | `dose2_per1000` | where N is not stated: `>950` is a bound; nothing, `masked`, a number or `<50` says nothing |
//!
//! Names and headers are compared in NFC.
//! A count has digits alone, or `.0` behind them: `1.514` may be either of two numbers and is refused.
//! A count that falls or exceeds the denominator is a correction or a matter of the denominator: taken, and told how often.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};
use std::io::Read as _;
use std::path::Path;

use domain::text::nfc;
use jiff::civil::Date;
use lag::backtest::{Figure, Past, Place};

use super::rules::words;
use crate::lang::Lang;

/// Largest file, in bytes, before it is unpacked.
const FILE_BYTES_MAX: u64 = 64 * 1024 * 1024;
/// Largest file, in bytes, once unpacked.
const INFLATED_BYTES_MAX: u64 = 256 * 1024 * 1024;
/// Largest record, in bytes.
const RECORD_BYTES_MAX: usize = 64 * 1024;
/// Most records.
const RECORDS_MAX: usize = 1_000_000;
/// Most days with a report; each is judged.
const DAYS_MAX: usize = 1_000;
/// Longest name of a place, in characters.
const NAME_CHARS_MAX: usize = 300;
/// Largest count, that of the log.
const COUNT_MAX: f64 = 1e13;
/// Problems that are told one by one.
const PROBLEMS_TOLD: usize = 20;

/// What a gzip file begins with.
const GZIP: [u8; 2] = [0x1f, 0x8b];

/// The columns, each with the names it may have; our own first.
const COLUMNS: [(&str, &[&str]); 6] = [
    ("date", &["date", "as_of", "published", "ngày"]),
    ("place", &["place", "locality", "code", "sa2"]),
    ("parent", &["parent", "dhb"]),
    ("denominator", &["denominator", "eligible", "population"]),
    ("count", &["count", "value", "cumulative", "dose2"]),
    ("per_mille", &["per_mille", "dose2_per1000"]),
];
const DATE: usize = 0;
const PLACE: usize = 1;
const PARENT: usize = 2;
const DENOMINATOR: usize = 3;
const COUNT: usize = 4;
const PER_MILLE: usize = 5;
/// Columns that a file may do without.
const OPTIONAL: [usize; 2] = [PARENT, PER_MILLE];

/// A file as it was read.
#[derive(Debug)]
pub(super) struct Series {
    pub(super) past: Past,
    pub(super) records: usize,
    /// Records without a denominator.
    pub(super) without_denominator: usize,
    /// Records without a count and without a bound that says something.
    pub(super) without_count: usize,
    /// Records of which only a bound is known.
    pub(super) bounds: usize,
    /// Counts below the one before.
    pub(super) falls: usize,
    /// Counts above the denominator.
    pub(super) above: usize,
    pub(super) first: Date,
    pub(super) last: Date,
}

/// Why a file cannot be replayed.
#[derive(Debug)]
pub(super) enum SeriesError {
    /// It cannot be opened or read.
    Io(std::io::Error),
    /// It is too large, packed or unpacked.
    TooLarge { unpacked: bool },
    /// It begins as gzip and cannot be unpacked.
    NotGzip(std::io::Error),
    /// Bytes that are no UTF-8; the first, from 1, and its line.
    NotUtf8 { byte: usize, line: usize },
    /// Nothing but white space, or no record.
    Empty { has_header: bool },
    /// Columns without a name in the header.
    MissingColumns(Vec<usize>),
    /// Two columns for the same.
    ColumnTwice(usize),
    /// A record that is too long.
    RecordTooLarge { line: u64 },
    /// Too many records.
    TooManyRecords,
    /// Too many days.
    TooManyDays(usize),
    /// The CSV reader gave up.
    NotCsv(csv::Error),
    /// Cells that cannot be read, the first of them, and how many there are.
    Rows(Vec<Problem>, usize),
}

/// One cell that cannot be read.
#[derive(Debug)]
pub(super) struct Problem {
    line: u64,
    column: String,
    code: &'static str,
    vi: String,
    en: String,
}

impl SeriesError {
    /// The stable reason code.
    fn code(&self) -> &'static str {
        match self {
            Self::Io(_) => "FILE_UNREADABLE",
            Self::TooLarge { unpacked: false } => "FILE_TOO_LARGE",
            Self::TooLarge { unpacked: true } => "FILE_INFLATES",
            Self::NotGzip(_) => "FILE_NOT_GZIP",
            Self::NotUtf8 { .. } => "FILE_NOT_UTF8",
            Self::Empty { .. } => "FILE_EMPTY",
            Self::MissingColumns(_) => "COLUMN_MISSING",
            Self::ColumnTwice(_) => "COLUMN_TWICE",
            Self::RecordTooLarge { .. } => "RECORD_TOO_LARGE",
            Self::TooManyRecords => "TOO_MANY_RECORDS",
            Self::TooManyDays(_) => "TOO_MANY_DAYS",
            Self::NotCsv(_) => "FILE_NOT_CSV",
            Self::Rows(..) => "REFUSED",
        }
    }

    /// What is wrong and what to do, with the code, for a person.
    pub(super) fn told(&self, lang: Lang) -> String {
        if let Self::Rows(problems, count) = self {
            return told_rows(problems, *count, lang);
        }
        let (vi, en) = self.texts();
        format!("{} [{}]", lang.pick(vi, en), self.code())
    }

    fn texts(&self) -> (String, String) {
        match self {
            Self::Io(error) => (
                format!("không đọc được: {}", words(error, Lang::Vi)),
                format!("cannot be read: {error}"),
            ),
            Self::NotGzip(error) => (
                "tệp gzip hỏng hoặc bị cắt ngắn; hãy tải lại".to_owned(),
                format!("the gzip file is damaged or cut short ({error}); fetch it again"),
            ),
            Self::NotUtf8 { byte, line } => (
                format!("byte {byte} (dòng {line}) không phải UTF-8; hãy lưu tệp dạng «CSV UTF-8»"),
                format!("byte {byte} (line {line}) is not UTF-8; save the file as 'CSV UTF-8'"),
            ),
            Self::MissingColumns(missing) => {
                let names = |at: &usize| COLUMNS.get(*at).map(|(_, names)| names.join("|"));
                let names: Vec<String> = missing.iter().filter_map(names).collect();
                let names = names.join(", ");
                (
                    format!("dòng đầu phải nêu tên cột; thiếu: {names}"),
                    format!("the first line must name the columns; missing: {names}"),
                )
            }
            Self::ColumnTwice(column) => {
                let name = COLUMNS.get(*column).map_or("", |(name, _)| name);
                (
                    format!("hai cột cùng được hiểu là {name}; hãy bỏ hoặc đổi tên một cột"),
                    format!("two columns are read as {name}; keep or rename one"),
                )
            }
            Self::NotCsv(error) => (not_csv(error), format!("cannot be read as CSV: {error}")),
            Self::Rows(..) => (String::new(), String::new()),
            _ => self.limit_texts(),
        }
    }

    fn limit_texts(&self) -> (String, String) {
        match self {
            Self::Empty { has_header: true } => (
                "tệp chỉ có dòng tên cột, không có số liệu".to_owned(),
                "the file has a header and no figures".to_owned(),
            ),
            Self::TooLarge { unpacked } => {
                let bytes = if *unpacked { INFLATED_BYTES_MAX } else { FILE_BYTES_MAX };
                let mib = bytes / 1024 / 1024;
                let (vi, en) = if *unpacked {
                    ("sau khi giải nén ", " once unpacked")
                } else {
                    ("", "")
                };
                (
                    format!("tệp {vi}lớn hơn {mib} MiB; hãy chia nhỏ"),
                    format!("the file is larger than {mib} MiB{en}; split it"),
                )
            }
            Self::RecordTooLarge { line } => (
                format!("dòng {line} quá dài; có thể thiếu dấu ngoặc kép đóng"),
                format!("the record at line {line} is too long; is a quotation mark left open there?"),
            ),
            Self::TooManyRecords => (
                format!("tệp có hơn {RECORDS_MAX} dòng; hãy chia nhỏ"),
                format!("the file has more than {RECORDS_MAX} records; split it"),
            ),
            Self::TooManyDays(days) => (
                format!("tệp nói về {days} ngày, nhiều hơn {DAYS_MAX}; hãy chia theo thời gian"),
                format!("the file speaks of {days} days, more than {DAYS_MAX}; split it by time"),
            ),
            _ => (
                "tệp rỗng; phải có dòng tên cột, ví dụ date,place,parent,denominator,count".to_owned(),
                "the file is empty; a first line must name the columns, such as date,place,parent,denominator,count".to_owned(),
            ),
        }
    }
}

fn not_csv(error: &csv::Error) -> String {
    let line = error.position().map(csv::Position::line);
    let line = line.map_or_else(String::new, |line| format!(" (dòng {line})"));
    format!("không đọc được dạng CSV{line}")
}

fn told_rows(problems: &[Problem], count: usize, lang: Lang) -> String {
    let mut text = lang
        .pick("có ô không đọc được:", "cells cannot be read:")
        .to_owned();
    for problem in problems {
        let (line, column) = (problem.line, &problem.column);
        let said = lang.pick(&problem.vi, &problem.en);
        let row = lang.pick("dòng", "row");
        text = format!(
            "{text}\n  {row} {line}, {column}: {said} [{}]",
            problem.code
        );
    }
    if count > problems.len() {
        let more = lang.count((count - problems.len()) as u64);
        let more = lang.pick(format!("… và {more} lỗi nữa"), format!("… and {more} more"));
        text = format!("{text}\n  {more}");
    }
    text
}

/// Reads a file.
pub(super) fn read(path: &Path) -> Result<Series, SeriesError> {
    let file = std::fs::File::open(path).map_err(SeriesError::Io)?;
    let mut bytes = Vec::new();
    let mut limited = file.take(FILE_BYTES_MAX + 1);
    limited.read_to_end(&mut bytes).map_err(SeriesError::Io)?;
    if bytes.len() as u64 > FILE_BYTES_MAX {
        return Err(SeriesError::TooLarge { unpacked: false });
    }
    parse(bytes)
}

/// Reads the bytes of a file.
fn parse(mut bytes: Vec<u8>) -> Result<Series, SeriesError> {
    if bytes.starts_with(&GZIP) {
        bytes = unpacked(&bytes, INFLATED_BYTES_MAX)?;
    }
    let text = std::str::from_utf8(&bytes).map_err(|error| {
        let good = bytes.get(..error.valid_up_to()).unwrap_or(&[]);
        SeriesError::NotUtf8 {
            byte: good.len() + 1,
            line: good.iter().filter(|byte| **byte == b'\n').count() + 1,
        }
    })?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if text.trim().is_empty() {
        return Err(SeriesError::Empty { has_header: false });
    }
    if let Some((line, _)) = (1..)
        .zip(text.lines())
        .find(|(_, l)| l.len() > RECORD_BYTES_MAX)
    {
        return Err(SeriesError::RecordTooLarge { line });
    }
    Reading::of(text)
}

/// What a gzip file holds, if that is not more than so many bytes.
fn unpacked(packed: &[u8], most: u64) -> Result<Vec<u8>, SeriesError> {
    let mut unpacked = Vec::new();
    let mut reader = flate2::read::MultiGzDecoder::new(packed).take(most + 1);
    reader
        .read_to_end(&mut unpacked)
        .map_err(SeriesError::NotGzip)?;
    if unpacked.len() as u64 > most {
        return Err(SeriesError::TooLarge { unpacked: true });
    }
    Ok(unpacked)
}

/// A file on its way to a past.
struct Reading {
    places: BTreeMap<(String, String), BTreeMap<Date, (u64, Figure)>>,
    problems: Vec<Problem>,
    problem_count: usize,
    series: Series,
}

impl Reading {
    fn of(text: &str) -> Result<Series, SeriesError> {
        let first = text.lines().next().unwrap_or_default();
        let delimiter = [b',', b';', b'\t'].into_iter().max_by_key(|wanted| {
            (
                first.bytes().filter(|b| b == wanted).count(),
                *wanted == b',',
            )
        });
        let mut reader = csv::ReaderBuilder::new()
            .flexible(true)
            .delimiter(delimiter.unwrap_or(b','))
            .from_reader(text.as_bytes());
        let columns = columns(reader.headers().map_err(SeriesError::NotCsv)?)?;
        let mut reading = Self {
            places: BTreeMap::new(),
            problems: Vec::new(),
            problem_count: 0,
            series: Series {
                past: Past::new(Vec::new()),
                records: 0,
                without_denominator: 0,
                without_count: 0,
                bounds: 0,
                falls: 0,
                above: 0,
                first: Date::MAX,
                last: Date::MIN,
            },
        };
        for record in reader.records() {
            let record = record.map_err(SeriesError::NotCsv)?;
            let line = record.position().map_or(0, csv::Position::line);
            if record.as_slice().len() > RECORD_BYTES_MAX {
                return Err(SeriesError::RecordTooLarge { line });
            }
            if reading.series.records >= RECORDS_MAX {
                return Err(SeriesError::TooManyRecords);
            }
            reading.series.records += 1;
            if let Err(problem) = reading.take(&columns, &record, line) {
                reading.problem_count += 1;
                if reading.problems.len() < PROBLEMS_TOLD {
                    reading.problems.push(problem);
                }
            }
        }
        reading.done()
    }

    fn take(
        &mut self,
        columns: &Columns,
        record: &csv::StringRecord,
        line: u64,
    ) -> Result<(), Problem> {
        let row = Row {
            columns,
            record,
            line,
        };
        row.is_full()?;
        let date = row.date()?;
        let place = (row.name(PARENT)?, row.name(PLACE)?);
        let Some(denominator) = row
            .number(DENOMINATOR)?
            .filter(|denominator| *denominator > 0.0)
        else {
            self.series.without_denominator += 1;
            return Ok(());
        };
        let figure = |count, is_bound| Figure {
            at: lag::day(date, None),
            count,
            denominator,
            is_bound,
        };
        let figure = if let Some(count) = row.number(COUNT)? {
            figure(count, false)
        } else if let Some(share) = row.bound()? {
            figure(share * denominator, true)
        } else {
            self.series.without_count += 1;
            return Ok(());
        };
        let figures = self.places.entry(place).or_default();
        if let Some((other, _)) = figures.get(&date) {
            let (vi, en) = (
                format!("dòng {other} đã có số liệu của nơi này trong ngày này"),
                format!("row {other} has this place and day already; keep one"),
            );
            return Err(row.problem(DATE, "ROW_TWICE", vi, en));
        }
        figures.insert(date, (line, figure));
        let series = &mut self.series;
        series.bounds += usize::from(figure.is_bound);
        series.above += usize::from(figure.count > denominator);
        (series.first, series.last) = (series.first.min(date), series.last.max(date));
        Ok(())
    }

    fn done(mut self) -> Result<Series, SeriesError> {
        if self.problem_count > 0 {
            return Err(SeriesError::Rows(self.problems, self.problem_count));
        }
        if self.places.is_empty() {
            return Err(SeriesError::Empty { has_header: true });
        }
        let days = self.places.values().flat_map(BTreeMap::keys);
        let days = days.collect::<BTreeSet<_>>().len();
        if days > DAYS_MAX {
            return Err(SeriesError::TooManyDays(days));
        }
        let mut places = Vec::with_capacity(self.places.len());
        for ((parent, name), figures) in self.places {
            let figures: Vec<Figure> = figures.into_values().map(|(_, figure)| figure).collect();
            let pairs = figures.iter().zip(figures.iter().skip(1));
            let falls = pairs.filter(|(a, b)| !b.is_bound && b.count < a.count && !a.is_bound);
            self.series.falls += falls.count();
            places.push(Place {
                name,
                parent,
                figures,
            });
        }
        self.series.past = Past::new(places);
        Ok(self.series)
    }
}

/// Where the columns stand.
struct Columns {
    at: [Option<usize>; COLUMNS.len()],
    /// As the file has them.
    names: Vec<String>,
}

fn columns(header: &csv::StringRecord) -> Result<Columns, SeriesError> {
    let mut columns = Columns {
        at: [None; COLUMNS.len()],
        names: header
            .iter()
            .map(|name| nfc(name.trim()).into_owned())
            .collect(),
    };
    for (index, name) in header.iter().enumerate() {
        let name = nfc(&name.trim().to_lowercase()).into_owned();
        let known = COLUMNS
            .iter()
            .position(|(_, names)| names.contains(&name.as_str()));
        let Some(column) = known else { continue };
        match columns.at.get_mut(column) {
            Some(at @ None) => *at = Some(index),
            _ => return Err(SeriesError::ColumnTwice(column)),
        }
    }
    let missing: Vec<usize> = (0..COLUMNS.len())
        .filter(|column| !OPTIONAL.contains(column))
        .filter(|column| columns.at.get(*column).is_none_or(Option::is_none))
        .collect();
    if missing.is_empty() {
        return Ok(columns);
    }
    Err(SeriesError::MissingColumns(missing))
}

/// One record.
struct Row<'a> {
    columns: &'a Columns,
    record: &'a csv::StringRecord,
    line: u64,
}

impl Row<'_> {
    fn cell(&self, column: usize) -> &str {
        let at = self.columns.at.get(column).copied().flatten();
        at.and_then(|at| self.record.get(at)).unwrap_or("").trim()
    }

    fn problem(&self, column: usize, code: &'static str, vi: String, en: String) -> Problem {
        let at = self.columns.at.get(column).copied().flatten();
        let own = COLUMNS.get(column).map_or("", |(name, _)| name);
        let name = at.and_then(|at| self.columns.names.get(at));
        Problem {
            line: self.line,
            column: name.map_or(own, String::as_str).to_owned(),
            code,
            vi,
            en,
        }
    }

    /// As many cells as columns: fewer is a row cut short, more a comma too many.
    fn is_full(&self) -> Result<(), Problem> {
        let (cells, columns) = (self.record.len(), self.columns.names.len());
        let (code, vi) = match cells.cmp(&columns) {
            Ordering::Equal => return Ok(()),
            Ordering::Less => ("CELL_MISSING", "ít ô hơn số cột"),
            Ordering::Greater => ("CELL_WITHOUT_COLUMN", "nhiều ô hơn số cột"),
        };
        let vi = format!("{vi} ({cells} ô, {columns} cột)");
        let en = format!("{cells} cells below {columns} columns");
        Err(self.problem(PLACE, code, vi, en))
    }

    fn date(&self) -> Result<Date, Problem> {
        let text = self.cell(DATE);
        domain::text::parse_date(text).map_err(|error| {
            let found: String = text.chars().take(40).collect();
            let vi = format!("«{found}» không phải là ngày; hãy ghi đủ, ví dụ 21/6/2023");
            self.problem(DATE, "DATE_FORMAT", vi, error.to_string())
        })
    }

    /// The name of a place; only that of a parent may be empty.
    fn name(&self, column: usize) -> Result<String, Problem> {
        let name = self.cell(column);
        if name.is_empty() && column != PARENT {
            let (vi, en) = ("bắt buộc phải có", "is required");
            return Err(self.problem(column, "REQUIRED", vi.to_owned(), en.to_owned()));
        }
        if name.chars().count() > NAME_CHARS_MAX || name.chars().any(char::is_control) {
            let (vi, en) = (
                format!("dài hơn {NAME_CHARS_MAX} ký tự hoặc có ký tự điều khiển"),
                format!("is longer than {NAME_CHARS_MAX} characters, or has control characters"),
            );
            return Err(self.problem(column, "TEXT_FORMAT", vi, en));
        }
        Ok(nfc(name).into_owned())
    }

    /// A count; `None` where it is not stated.
    fn number(&self, column: usize) -> Result<Option<f64>, Problem> {
        let text = self.cell(column);
        if matches!(text.to_ascii_lowercase().as_str(), "" | "masked" | "na") {
            return Ok(None);
        }
        let whole = text.strip_suffix(".0").unwrap_or(text);
        let is_whole = !whole.is_empty() && whole.bytes().all(|byte| byte.is_ascii_digit());
        let number = whole
            .parse()
            .ok()
            .filter(|n: &f64| is_whole && *n <= COUNT_MAX);
        if number.is_some() {
            return Ok(number);
        }
        let found: String = text.chars().take(40).collect();
        let (vi, en) = (
            format!("«{found}» không phải là số đếm; hãy ghi chữ số, ví dụ 1514, hoặc để trống"),
            format!("'{found}' is no count; write digits alone, such as 1514, or nothing"),
        );
        Err(self.problem(column, "NUMBER_FORMAT", vi, en))
    }

    /// The share that N/D is above, where only that is stated; what is neither a bound nor one of
    /// the ways to say nothing is no guess.
    fn bound(&self) -> Result<Option<f64>, Problem> {
        let text = self.cell(PER_MILLE);
        let digits = |text: &str| {
            let text = text.trim();
            let whole = text.strip_suffix(".0").unwrap_or(text);
            let is_whole = !whole.is_empty() && whole.bytes().all(|byte| byte.is_ascii_digit());
            whole.parse::<u16>().ok().filter(|n| is_whole && *n <= 1000)
        };
        if let Some(above) = text.strip_prefix('>').and_then(digits) {
            return Ok(Some(f64::from(above) / 1000.0));
        }
        let is_number = |text: &str| {
            let plain = text
                .bytes()
                .all(|byte| byte.is_ascii_digit() || byte == b'.');
            plain && text.parse::<f64>().is_ok()
        };
        let lower = text.to_ascii_lowercase();
        let says_nothing = matches!(lower.as_str(), "" | "masked" | "na")
            || is_number(text)
            || text.strip_prefix('<').and_then(digits).is_some();
        if says_nothing {
            return Ok(None);
        }
        let found: String = text.chars().take(40).collect();
        let (vi, en) = (
            format!(
                "«{found}» không phải là cận dưới; hãy ghi phần nghìn, ví dụ >950, hoặc để trống"
            ),
            format!("'{found}' is no lower bound; write per mille, such as >950, or nothing"),
        );
        Err(self.problem(PER_MILLE, "NUMBER_FORMAT", vi, en))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &str = "published,sa2,dhb,population,dose2,dose2_per1000\n";

    fn told(text: &str) -> String {
        let error = parse(text.as_bytes().to_vec()).unwrap_err();
        error.told(Lang::En)
    }

    #[test]
    fn a_bound_stands_where_a_count_is_masked() {
        let rows = "2021-10-06,1,A,1514.0,843.0,557\n2021-10-13,1,A,1521.0,masked,>950\n\
                    2021-10-20,1,A,,masked,masked\n2021-10-20,2,A,100,masked,<50\n";
        let series = parse(format!("{HEADER}{rows}").into_bytes()).unwrap();
        let place = &series.past.places()[0];
        assert_eq!((place.name.as_str(), place.parent.as_str()), ("1", "A"));
        assert_eq!(place.figures.len(), 2);
        assert_eq!(place.figures[0].count, 843.0);
        assert!(place.figures[1].is_bound);
        // 0.95 · 1521.
        assert!((place.figures[1].count - 1444.95).abs() < 1e-9);
        let counted = (
            series.records,
            series.without_denominator,
            series.without_count,
        );
        assert_eq!(counted, (4, 1, 1));
        assert_eq!(series.past.places().len(), 1);
    }

    #[test]
    fn a_bound_that_cannot_be_read_is_named_by_row_and_column() {
        let row = |bound: &str| format!("{HEADER}2021-10-13,1,A,1000,masked,{bound}\n");
        for bound in [">950", "> 950", "> 950.0", ">950.0"] {
            let series = parse(row(bound).into_bytes()).unwrap();
            assert_eq!(series.bounds, 1, "{bound}");
            assert_eq!(series.past.places()[0].figures[0].count, 950.0, "{bound}");
        }
        for bound in [
            ">95%", "≥950", ">1001", ">", ">-5", ">9.5", "95%", "> x", "<5%", "NaN",
        ] {
            let said = told(&row(bound));
            let expected = format!("row 2, dose2_per1000: '{bound}' is no lower bound");
            assert!(said.contains(&expected), "{said}");
            assert!(said.ends_with("[NUMBER_FORMAT]"), "{said}");
        }
        let nothing = ["", "masked", "NA", "<50", "557", "557.3"];
        let rows: String = (0..)
            .zip(nothing)
            .map(|(i, bound)| format!("2021-10-13,{i},A,1000,masked,{bound}\n"))
            .collect();
        let series = parse(format!("{HEADER}{rows}2021-10-13,x,A,9,5,>95%\n").into_bytes());
        let series = series.unwrap();
        assert_eq!((series.without_count, series.bounds), (6, 0));
    }

    #[test]
    fn a_row_cut_short_is_no_row() {
        let said = told(&format!("{HEADER}2021-10-06,1,A,1000,90\n"));
        assert!(
            said.contains("row 2, sa2: 5 cells below 6 columns [CELL_MISSING]"),
            "{said}"
        );
    }

    #[test]
    fn names_and_headers_are_the_same_however_their_marks_are_written() {
        // "ngày" and "Khánh Hòa" with combining marks, then in one piece.
        let header = "nga\u{300}y,place,parent,denominator,count\n";
        let rows = "21/6/2023,Kha\u{301}nh Ho\u{300}a,P,10,5\n22/6/2023,Khánh Hòa,P,10,6\n";
        let series = parse(format!("{header}{rows}").into_bytes()).unwrap();
        assert_eq!(series.past.places().len(), 1);
        assert_eq!(series.past.places()[0].name, "Khánh Hòa");
        let said = told(&format!(
            "{header}21/6/2023,Kha\u{301}nh,P,10,5\n21/6/2023,Khánh,P,10,6\n"
        ));
        assert!(said.contains("[ROW_TWICE]"), "{said}");
    }

    #[test]
    fn columns_are_found_by_name_and_other_delimiters_are_read() {
        let text = "\u{feff}Count;Denominator;Ngày;Place\n5;10;21/6/2023;x\n";
        let series = parse(text.as_bytes().to_vec()).unwrap();
        assert_eq!(series.first, jiff::civil::date(2023, 6, 21));
        assert_eq!(series.past.places()[0].figures[0].denominator, 10.0);
    }

    #[test]
    fn each_wrong_cell_is_named_by_row_and_column() {
        let rows = "2021-10-06,1,A,1.514,843,\n2021-13-06,1,A,10,8,\n2021-10-06,,A,10,8,\n\
                    2021-10-06,2,A,10,NaN,\n2021-10-06,2,A,10,-3,\n2021-10-06,2,A,10,1e3,\n\
                    2021-10-06,3,A,10,1,\n2021-10-06,3,A,10,2,\n2021-10-06,4,A,10,2,,,\n";
        let said = told(&format!("{HEADER}{rows}"));
        for expected in [
            "row 2, population: '1.514' is no count; write digits alone, such as 1514, or nothing [NUMBER_FORMAT]",
            "row 3, published: ",
            "row 4, sa2: is required [REQUIRED]",
            "row 5, dose2: 'NaN' is no count",
            "row 6, dose2: '-3' is no count",
            "row 7, dose2: '1e3' is no count",
            "row 9, published: row 8 has this place and day already; keep one [ROW_TWICE]",
            "row 10, sa2: 8 cells below 6 columns [CELL_WITHOUT_COLUMN]",
        ] {
            assert!(said.contains(expected), "no {expected:?} in {said}");
        }
    }

    #[test]
    fn falls_and_counts_above_the_denominator_are_taken_and_told() {
        let rows = "2021-10-06,1,A,100,90,\n2021-10-13,1,A,100,80,\n2021-10-20,1,A,100,110,\n";
        let series = parse(format!("{HEADER}{rows}").into_bytes()).unwrap();
        assert_eq!((series.falls, series.above), (1, 1));
    }

    #[test]
    fn a_file_that_inflates_is_let_go_at_the_limit() {
        let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        std::io::Write::write_all(&mut writer, &[b'1'; 100_000]).unwrap();
        let packed = writer.finish().unwrap();
        assert!(packed.len() < 1_000);
        assert_eq!(unpacked(&packed, 100_000).unwrap().len(), 100_000);
        let error = unpacked(&packed, 99_999).unwrap_err();
        assert!(error.told(Lang::En).ends_with("[FILE_INFLATES]"));
        // Two members behind each other are one file, as gzip has it.
        let twice = [packed.as_slice(), &packed].concat();
        assert_eq!(unpacked(&twice, 200_000).unwrap().len(), 200_000);
        let cut = unpacked(&packed[..packed.len() - 5], 100_000).unwrap_err();
        assert!(cut.told(Lang::Vi).ends_with("[FILE_NOT_GZIP]"));
    }

    #[test]
    fn no_byte_makes_the_reader_give_up_without_a_word() {
        let rows = "2021-10-06,\"a\",A,1514.0,843.0,557\n2021-10-13,b,A,9,masked,>950\n";
        let text = format!("{HEADER}{rows}");
        let read = |bytes: &[u8]| match parse(bytes.to_vec()) {
            Ok(series) => assert!(series.records > 0, "{bytes:?}"),
            Err(error) => assert!(error.told(Lang::En).contains('['), "{bytes:?}"),
        };
        for at in 0..text.len() {
            read(&text.as_bytes()[..at]);
            for byte in [
                b'"', b',', b'\n', b'\r', 0, b'9', b'-', b'.', 0xff, 0x1f, 0x8b,
            ] {
                let mut bytes = text.clone().into_bytes();
                bytes[at] = byte;
                read(&bytes);
            }
        }
    }

    #[test]
    fn problems_beyond_the_first_twenty_are_counted() {
        let rows: String = (0..25)
            .map(|i| format!("2021-10-06,{i},A,x,1,\n"))
            .collect();
        assert!(told(&format!("{HEADER}{rows}")).ends_with("… and 5 more"));
    }
}
