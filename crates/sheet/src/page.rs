//! Any table as a sheet of a workbook, for people who go on with it in a spreadsheet.

use jiff::civil::Date;
use rust_xlsxwriter::{ExcelDateTime, Format, FormatAlign, Workbook, Worksheet};

use crate::SheetError;

/// Narrowest and widest column, in characters.
const WIDTHS: std::ops::RangeInclusive<usize> = 8..=60;

/// A sheet: headings, and the rows below them.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Page {
    /// Its name, at most 31 characters.
    pub name: String,
    /// The headings of its columns.
    pub headings: Vec<String>,
    /// Its rows; each has a value for each column.
    pub rows: Vec<Vec<Value>>,
}

/// What a cell holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// Nothing.
    Empty,
    /// Text.
    Text(String),
    /// A whole number, shown with its groups of thousands.
    Number(i64),
    /// A share in hundredths of a percentage point, shown with two decimals and `%`.
    Share(u32),
    /// A day.
    Day(Date),
}

impl Value {
    /// Characters it takes when shown.
    fn width(&self) -> usize {
        match self {
            Self::Empty => 0,
            Self::Text(text) => text
                .lines()
                .map(|line| line.chars().count())
                .max()
                .unwrap_or(0),
            // A third more for the points between the groups.
            Self::Number(number) => number.to_string().len() * 4 / 3,
            Self::Share(_) => "100,00%".len(),
            Self::Day(_) => "31/12/2023".len(),
        }
    }
}

/// How cells look.
struct Formats {
    heading: Format,
    text: Format,
    number: Format,
    share: Format,
    day: Format,
}

/// Writes sheets as a workbook: headings kept in sight, with a filter; real numbers, shares and days.
///
/// # Errors
/// [`SheetError::Write`] if a name is none for a sheet, there are more rows than a sheet can have, or a text is longer than a cell can be.
pub fn workbook(pages: &[Page]) -> Result<Vec<u8>, SheetError> {
    let top = || Format::new().set_align(FormatAlign::Top);
    let formats = Formats {
        heading: top().set_bold().set_text_wrap(),
        text: top().set_text_wrap(),
        number: top().set_num_format("#,##0"),
        share: top().set_num_format("0.00%"),
        day: top().set_num_format("dd/mm/yyyy"),
    };
    let mut workbook = Workbook::new();
    for page in pages {
        let sheet = workbook.add_worksheet();
        sheet.set_name(&page.name)?;
        write(sheet, page, &formats)?;
    }
    Ok(workbook.save_to_buffer()?)
}

fn write(sheet: &mut Worksheet, page: &Page, formats: &Formats) -> Result<(), SheetError> {
    for (column, heading) in (0..).zip(&page.headings) {
        sheet.write_string_with_format(0, column, heading, &formats.heading)?;
        let cells = page
            .rows
            .iter()
            .filter_map(|row| row.get(usize::from(column)));
        let widest = cells.map(Value::width).max().unwrap_or(0);
        let width = widest.max(heading.chars().count()) + 2;
        let width = width.clamp(*WIDTHS.start(), *WIDTHS.end());
        sheet.set_column_width(column, width as f64)?;
    }
    for (row, values) in (1..).zip(&page.rows) {
        for (column, value) in (0..).zip(values) {
            cell(sheet, row, column, value, formats)?;
        }
    }
    sheet.set_freeze_panes(1, 0)?;
    let last_column = u16::try_from(page.headings.len().saturating_sub(1)).unwrap_or(u16::MAX);
    let last_row = u32::try_from(page.rows.len()).unwrap_or(u32::MAX);
    sheet.autofilter(0, 0, last_row, last_column)?;
    Ok(())
}

fn cell(
    sheet: &mut Worksheet,
    row: u32,
    column: u16,
    value: &Value,
    formats: &Formats,
) -> Result<(), SheetError> {
    match value {
        Value::Empty => {}
        Value::Text(text) => {
            sheet.write_string_with_format(row, column, text, &formats.text)?;
        }
        // Counts stay far below 2^53, where floating point is exact.
        Value::Number(number) => {
            sheet.write_number_with_format(row, column, *number as f64, &formats.number)?;
        }
        Value::Share(hundredths) => {
            let share = f64::from(*hundredths) / 10_000.0;
            sheet.write_number_with_format(row, column, share, &formats.share)?;
        }
        Value::Day(day) => {
            let parts = (
                u16::try_from(day.year()),
                u8::try_from(day.month()),
                u8::try_from(day.day()),
            );
            let date = match parts {
                (Ok(year), Ok(month), Ok(day)) => ExcelDateTime::from_ymd(year, month, day).ok(),
                _ => None,
            };
            // Spreadsheets have no days before 1900.
            match date {
                Some(date) => sheet.write_datetime_with_format(row, column, &date, &formats.day)?,
                None => {
                    sheet.write_string_with_format(row, column, day.to_string(), &formats.text)?
                }
            };
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use calamine::{Data, Reader as _, Xlsx};
    use jiff::civil::date;

    use super::*;

    #[test]
    fn what_a_sheet_holds_is_numbers_and_days_and_not_their_text() {
        let page = Page {
            name: "Kết quả".to_owned(),
            headings: ["Số lượng", "Tỷ lệ", "Hạn", "Tên", "Trống"]
                .map(ToOwned::to_owned)
                .to_vec(),
            rows: vec![vec![
                Value::Number(269_950),
                Value::Share(8_380),
                Value::Day(date(2023, 6, 30)),
                Value::Text("=1+1".to_owned()),
                Value::Empty,
            ]],
        };
        let bytes = workbook(&[page]).unwrap();
        let mut book: Xlsx<_> =
            calamine::open_workbook_from_rs(std::io::Cursor::new(bytes)).unwrap();
        let sheet = book.worksheet_range("Kết quả").unwrap();
        assert_eq!(sheet.get((0, 1)), Some(&Data::String("Tỷ lệ".to_owned())));
        assert_eq!(sheet.get((1, 0)), Some(&Data::Float(269_950.0)));
        assert_eq!(sheet.get((1, 1)), Some(&Data::Float(0.838)));
        // 30 June 2023 as spreadsheets count days.
        let day = sheet.get((1, 2)).unwrap();
        assert!(
            matches!(day, Data::DateTime(day) if day.as_f64() == 45_107.0),
            "{day:?}"
        );
        // Text that looks like a formula stays text.
        assert_eq!(sheet.get((1, 3)), Some(&Data::String("=1+1".to_owned())));
    }
}
