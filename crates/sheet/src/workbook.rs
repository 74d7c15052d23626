//! XLSX bytes to grids.
//!
//! Cells are read one after the other as the file has them, never as a rectangle: a file of one kilobyte can claim seventeen billion cells.
//! Sheets that are hidden are not read.

use std::io::Cursor;

use calamine::{Cell, DataRef, Dimensions, Reader as _, SheetType, SheetVisible, Xlsx, XlsxError};
use csv::StringRecord;
use domain::text::fold;
use jiff::civil::{Date, date};

use crate::grid::{Grid, GridRow, Merged, Region};
use crate::header::HEADER_ROWS_MAX;
use crate::inflate;
use crate::{
    COLUMNS_MAX, INFLATED_BYTES_MAX, RECORD_BYTES_MAX, RECORDS_MAX, REGIONS_MAX, SHEETS_MAX,
    SheetError,
};

/// Day zero of a spreadsheet's dates, as they are counted since 1 March 1900.
const EPOCH: Date = date(1899, 12, 30);
/// Days between the two ways to count.
const EPOCH_1904_DAYS: i64 = 1_462;
/// Up to here every integer is itself in floating point.
const INTEGER_MAX: f64 = 9_007_199_254_740_992.0;
/// Decimals of a percentage that are kept.
const PERCENT_DECIMALS_MAX: usize = 2;

/// Reads the sheets of a workbook, or the one that is wanted.
pub(crate) fn read(bytes: &[u8], wanted: Option<&str>) -> Result<Vec<Grid>, SheetError> {
    let seen = inflate::check(bytes)?;
    let mut workbook = Xlsx::new(Cursor::new(bytes)).map_err(failed)?;
    let is_1904 = workbook.has_1904_epoch();
    let names = names(&workbook, wanted)?;
    let mut budget = INFLATED_BYTES_MAX;
    let mut grids = Vec::new();
    for name in names {
        let merged = if seen.has_merged {
            merged(&mut workbook, &name)?
        } else {
            Merged::default()
        };
        let mut rows = Rows::new(&mut budget, is_1904);
        let mut cells = workbook.worksheet_cells_reader(&name).map_err(failed)?;
        let decimals = percent_decimals(&cells);
        while let Some((cell, style)) = cells.next_cell_with_style_id().map_err(failed)? {
            rows.add(&cell, decimals.get(style).copied().flatten())?;
        }
        grids.push(Grid {
            name,
            rows: rows.finish()?,
            merged,
            problems: Vec::new(),
        });
    }
    Ok(grids)
}

/// The sheets to read.
fn names(workbook: &Xlsx<Cursor<&[u8]>>, wanted: Option<&str>) -> Result<Vec<String>, SheetError> {
    let visible = workbook
        .sheets_metadata()
        .iter()
        .filter(|sheet| sheet.typ == SheetType::WorkSheet && sheet.visible == SheetVisible::Visible)
        .map(|sheet| sheet.name.clone());
    let mut names: Vec<String> = visible.take(SHEETS_MAX + 1).collect();
    if let Some(wanted) = wanted {
        let is_wanted = |name: &&String| fold(name) == fold(wanted);
        return match names.iter().find(is_wanted) {
            Some(name) => Ok(vec![name.clone()]),
            None => {
                names.truncate(8);
                let wanted = wanted.to_owned();
                Err(SheetError::SheetNotFound { wanted, names })
            }
        };
    }
    if names.len() > SHEETS_MAX {
        return Err(SheetError::TooManySheets);
    }
    Ok(names)
}

fn failed(error: XlsxError) -> SheetError {
    match error {
        XlsxError::Password => SheetError::Encrypted,
        error => SheetError::NotXlsx {
            detail: error.to_string(),
        },
    }
}

fn merged(workbook: &mut Xlsx<Cursor<&[u8]>>, name: &str) -> Result<Merged, SheetError> {
    let regions = workbook.merge_cells_by_sheet_name(name).map_err(failed)?;
    if regions.len() > REGIONS_MAX {
        return Err(SheetError::Inflates {
            part: format!("{} merged cells", regions.len()),
        });
    }
    let region = |found: Dimensions| Region {
        first_row: u64::from(found.start.0) + 1,
        last_row: u64::from(found.end.0) + 1,
        first_column: found.start.1 as usize,
        last_column: found.end.1 as usize,
    };
    Ok(Merged::new(regions.into_iter().map(region)))
}

/// For each format the decimals of a percentage, if it shows one.
fn percent_decimals(cells: &calamine::XlsxCellReader<'_, Cursor<&[u8]>>) -> Vec<Option<usize>> {
    let decimals = |style: &calamine::Style| {
        let format = &style.number_format.as_ref()?.format_code;
        let shown = format.split(';').next().unwrap_or_default();
        let before = shown.split_once('%')?.0;
        let fraction = before.rsplit_once('.').map_or("", |(_, fraction)| fraction);
        Some(
            fraction
                .chars()
                .filter(|c| matches!(c, '0' | '#' | '?'))
                .count(),
        )
    };
    cells.styles().iter().map(decimals).collect()
}

/// Rows as they come in.
struct Rows<'a> {
    rows: Vec<GridRow>,
    open: Option<GridRow>,
    /// Bytes of text that may still be kept.
    budget: &'a mut usize,
    is_1904: bool,
}

impl<'a> Rows<'a> {
    fn new(budget: &'a mut usize, is_1904: bool) -> Self {
        Self {
            rows: Vec::new(),
            open: None,
            budget,
            is_1904,
        }
    }

    fn add(
        &mut self,
        cell: &Cell<DataRef<'_>>,
        percent_decimals: Option<usize>,
    ) -> Result<(), SheetError> {
        let number = number(cell.get_value());
        let text = match (number, percent_decimals) {
            (Some(share), Some(decimals)) => {
                let decimals = decimals.min(PERCENT_DECIMALS_MAX);
                format!("{:.decimals$}%", share * 100.0)
            }
            (Some(number), None) => digits(number),
            (None, _) => self.text(cell.get_value()),
        };
        if text.trim().is_empty() {
            return Ok(());
        }
        let (row, column) = cell.get_position();
        let (row, column) = (u64::from(row) + 1, column as usize);
        if column >= COLUMNS_MAX {
            return Err(SheetError::TooManyColumns { line: row });
        }
        if self.open.as_ref().is_none_or(|open| open.row != row) {
            self.close()?;
            if self.rows.last().is_some_and(|last| last.row >= row) {
                return Err(out_of_order(row));
            }
            self.open = Some(GridRow {
                row,
                ..GridRow::default()
            });
        }
        let Some(open) = &mut self.open else {
            return Ok(());
        };
        if open.cells.len() > column {
            return Err(out_of_order(row));
        }
        while open.cells.len() < column {
            open.cells.push_field("");
        }
        open.cells.push_field(&text);
        if number.is_some() && percent_decimals.is_none() {
            open.numbers.add(column);
        }
        if open.cells.as_slice().len() > RECORD_BYTES_MAX {
            return Err(SheetError::RecordTooLarge { line: row });
        }
        Ok(())
    }

    fn text(&self, value: &DataRef<'_>) -> String {
        match value {
            DataRef::String(text) | DataRef::DateTimeIso(text) | DataRef::DurationIso(text) => {
                text.clone()
            }
            DataRef::SharedString(text) => (*text).to_owned(),
            DataRef::Bool(value) => if *value { "TRUE" } else { "FALSE" }.to_owned(),
            DataRef::DateTime(value) => {
                moment(value.as_f64(), self.is_1904).unwrap_or_else(|| value.as_f64().to_string())
            }
            DataRef::Error(error) => error.to_string(),
            DataRef::Int(_) | DataRef::Float(_) | DataRef::Empty => String::new(),
        }
    }

    fn close(&mut self) -> Result<(), SheetError> {
        let Some(mut row) = self.open.take() else {
            return Ok(());
        };
        if self.rows.len() == RECORDS_MAX + HEADER_ROWS_MAX {
            return Err(SheetError::TooManyRecords);
        }
        let bytes = row.cells.as_slice().len();
        *self.budget = self
            .budget
            .checked_sub(bytes)
            .ok_or_else(|| SheetError::Inflates {
                part: "the text of its cells".to_owned(),
            })?;
        // Rows are built by appending; what was set aside for more is given back.
        row.cells = StringRecord::from_iter(row.cells.iter());
        self.rows.push(row);
        Ok(())
    }

    fn finish(mut self) -> Result<Vec<GridRow>, SheetError> {
        self.close()?;
        Ok(self.rows)
    }
}

fn out_of_order(row: u64) -> SheetError {
    SheetError::NotXlsx {
        detail: format!("the cells of row {row} are out of order"),
    }
}

fn number(value: &DataRef<'_>) -> Option<f64> {
    match value {
        // The reader makes an integer of what the file writes without a point; beyond 2^53 none was meant.
        DataRef::Int(number) => Some(*number as f64),
        DataRef::Float(number) => Some(*number),
        _ => None,
    }
}

/// A number's digits, without a group separator: `634327`, `269.95`.
fn digits(number: f64) -> String {
    if number.fract() == 0.0 && number.abs() < INTEGER_MAX {
        format!("{number:.0}")
    } else {
        number.to_string()
    }
}

/// A spreadsheet's date as an ISO day, with its hour if it has one: `2023-06-29`, `2023-06-29T23`.
fn moment(serial: f64, is_1904: bool) -> Option<String> {
    let days = serial.floor();
    if !(1.0..3_000_000.0).contains(&days) {
        return None;
    }
    let shift = if is_1904 { EPOCH_1904_DAYS } else { 0 };
    let span = jiff::Span::new().try_days(days as i64 + shift).ok()?;
    let day = EPOCH.checked_add(span).ok()?;
    let minutes = ((serial - days) * 24.0 * 60.0).round() as u32;
    Some(match (minutes / 60, minutes % 60) {
        (0, 0) => day.to_string(),
        (hour @ 0..24, 0) => format!("{day}T{hour:02}"),
        (hour, minute) => format!("{day}T{hour:02}:{minute:02}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn serials_are_days_and_hours() {
        let day = |serial| moment(serial, false);
        assert_eq!(day(45_082.0).as_deref(), Some("2023-06-05"));
        assert_eq!(
            day(45_106.0 + 23.0 / 24.0).as_deref(),
            Some("2023-06-29T23")
        );
        assert_eq!(moment(43_620.0, true).as_deref(), Some("2023-06-05"));
        for nonsense in [f64::NAN, f64::INFINITY, -1.0, 0.5, 1e300, 2_999_999.0] {
            let text = day(nonsense);
            assert!(text.is_none_or(|text| text.len() < 20), "{nonsense}");
        }
    }

    #[test]
    fn numbers_are_their_digits() {
        assert_eq!(digits(634_327.0), "634327");
        assert_eq!(digits(269.95), "269.95");
        assert_eq!(digits(-5.0), "-5");
        assert_eq!(digits(1e20), "100000000000000000000");
    }
}
