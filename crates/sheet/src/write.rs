//! Figures as a file that reads back as the same figures.
//!
//! CSV has our own names of columns and is in UTF-8 with a byte-order mark, so that a spreadsheet knows it;
//! XLSX has Vietnamese headings, real numbers, and percentages as a spreadsheet formats them.
//! Moments are ISO text in both, because no spreadsheet has a form for a month or for an hour without minutes.

use domain::text::{Bound, Moment, Percent, Quantity};
use rust_xlsxwriter::{Format, FormatAlign, Workbook, Worksheet};

use crate::SheetError;
use crate::column::Column;

/// The columns of a file of figures.
const COLUMNS: [Column; 17] = [
    Column::Code,
    Column::Since,
    Column::Province,
    Column::District,
    Column::Commune,
    Column::Indicator,
    Column::Date,
    Column::Value,
    Column::Bound,
    Column::Denominator,
    Column::DenominatorKind,
    Column::Derived,
    Column::Percent,
    Column::PercentBound,
    Column::Source,
    Column::SourceUrl,
    Column::Note,
];

/// A file's format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileFormat {
    /// Comma-separated text.
    Csv,
    /// A workbook.
    Xlsx,
}

/// One figure, with all that a reader needs to record it again.
#[derive(Debug, Clone, PartialEq)]
pub struct FigureRow {
    /// Code of the locality.
    pub code: String,
    /// First day of the locality (ISO); with its code its identity.
    pub since: String,
    /// Name of the province; for people, and must not contradict the code.
    pub province: String,
    /// Name of the district; empty if there is none.
    pub district: String,
    /// Name of the commune; empty if the locality is none.
    pub commune: String,
    /// Code of the indicator.
    pub indicator: String,
    /// The moment that the figure speaks of.
    pub date: Moment,
    /// The count.
    pub value: Option<Quantity>,
    /// What it is counted against.
    pub denominator: Option<FigureDenominator>,
    /// The percentage as printed.
    pub percent: Option<Percent>,
    /// How the percentage is meant.
    pub percent_bound: Bound,
    /// Title of the source.
    pub source: String,
    /// Its address; empty if there is none.
    pub source_url: String,
    /// Anything added.
    pub note: String,
}

/// What a figure is counted against.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FigureDenominator {
    /// Of what kind it is: `quota`, `citizens-14-plus`.
    pub kind: String,
    /// How many there are.
    pub value: u64,
    /// Whether it was derived, not published.
    pub derived: bool,
}

/// One cell of a figure.
enum Cell<'a> {
    Text(std::borrow::Cow<'a, str>),
    Count(u64),
    Percent(Percent),
}

impl FigureRow {
    fn cell(&self, column: Column) -> Cell<'_> {
        let text = |text: &'static str| Cell::Text(text.into());
        let denominator = self.denominator.as_ref();
        match column {
            Column::Code => Cell::Text(self.code.as_str().into()),
            Column::Since => Cell::Text(self.since.as_str().into()),
            Column::Province => Cell::Text(self.province.as_str().into()),
            Column::District => Cell::Text(self.district.as_str().into()),
            Column::Commune => Cell::Text(self.commune.as_str().into()),
            Column::Indicator => Cell::Text(self.indicator.as_str().into()),
            Column::Date => Cell::Text(self.date.to_string().into()),
            Column::Source => Cell::Text(self.source.as_str().into()),
            Column::SourceUrl => Cell::Text(self.source_url.as_str().into()),
            Column::Note => Cell::Text(self.note.as_str().into()),
            Column::Value => self
                .value
                .map_or(text(""), |value| Cell::Count(value.value)),
            Column::Bound => text(self.value.map_or("", |value| bound(value.bound))),
            Column::Denominator => denominator.map_or(text(""), |d| Cell::Count(d.value)),
            Column::DenominatorKind => {
                Cell::Text(denominator.map_or("", |d| d.kind.as_str()).into())
            }
            Column::Derived => text(match denominator {
                Some(denominator) if denominator.derived => "true",
                _ => "",
            }),
            Column::PercentBound => text(match self.percent_bound {
                Bound::Exact => "",
                vague => bound(vague),
            }),
            Column::Percent => self.percent.map_or(text(""), Cell::Percent),
            _ => text(""),
        }
    }
}

fn bound(bound: Bound) -> &'static str {
    match bound {
        Bound::Exact => "exact",
        Bound::AtLeast => "at-least",
        Bound::AtMost => "at-most",
        Bound::About => "about",
    }
}

/// Writes figures as a file; reading it again gives the same figures.
///
/// # Errors
/// [`SheetError::Write`] if there are more rows than a sheet can have, or a text is longer than a cell can be.
pub fn write(rows: &[FigureRow], format: FileFormat) -> Result<Vec<u8>, SheetError> {
    match format {
        FileFormat::Csv => write_csv(rows),
        FileFormat::Xlsx => write_xlsx(rows),
    }
}

fn write_csv(rows: &[FigureRow]) -> Result<Vec<u8>, SheetError> {
    let mut writer = csv::Writer::from_writer("\u{feff}".as_bytes().to_vec());
    writer.write_record(COLUMNS.map(|column| column.key().replace(' ', "_")))?;
    for row in rows {
        let cells = COLUMNS.map(|column| match row.cell(column) {
            Cell::Text(text) => text.into_owned(),
            Cell::Count(count) => count.to_string(),
            Cell::Percent(percent) => percent.to_string(),
        });
        writer.write_record(cells)?;
    }
    let bytes = writer.into_inner();
    bytes.map_err(|error| SheetError::Csv(error.into_error().into()))
}

fn write_xlsx(rows: &[FigureRow]) -> Result<Vec<u8>, SheetError> {
    let mut workbook = Workbook::new();
    let sheet = workbook.add_worksheet();
    sheet.set_name("Số liệu")?;
    write_headings(sheet, &COLUMNS, true)?;
    let count_format = Format::new().set_num_format("#,##0");
    let percent_formats =
        ["0%", "0.0%", "0.00%"].map(|format| Format::new().set_num_format(format));
    for (row, figure) in (1..).zip(rows) {
        for (at, column) in (0..).zip(COLUMNS) {
            match figure.cell(column) {
                Cell::Text(text) if text.is_empty() => {}
                Cell::Text(text) => {
                    sheet.write_string(row, at, text)?;
                }
                // Counts stay far below 2^53, where floating point is exact.
                Cell::Count(count) => {
                    sheet.write_number_with_format(row, at, count as f64, &count_format)?;
                }
                Cell::Percent(percent) => {
                    let format = &percent_formats[usize::from(percent.decimals()).min(2)];
                    let share = f64::from(percent.hundredths()) / 10_000.0;
                    sheet.write_number_with_format(row, at, share, format)?;
                }
            }
        }
    }
    Ok(workbook.save_to_buffer()?)
}

/// The names of columns in the first row, kept in sight, with a filter.
pub(crate) fn write_headings(
    sheet: &mut Worksheet,
    columns: &[Column],
    vietnamese: bool,
) -> Result<(), SheetError> {
    let bold = Format::new()
        .set_bold()
        .set_text_wrap()
        .set_align(FormatAlign::Top);
    for (at, column) in (0..).zip(columns) {
        let (heading, width) = column.heading();
        let heading = if vietnamese { heading } else { column.key() };
        sheet.write_string_with_format(0, at, heading, &bold)?;
        sheet.set_column_width(at, width)?;
    }
    sheet.set_freeze_panes(1, 0)?;
    let last = u16::try_from(columns.len().saturating_sub(1)).unwrap_or(u16::MAX);
    sheet.autofilter(0, 0, 0, last)?;
    Ok(())
}
