//! A workbook to fill in: headings, the codes to choose from, and how to write each cell.

use rust_xlsxwriter::{
    DataValidation, DataValidationErrorStyle, Format, Formula, Workbook, Worksheet,
};

use crate::SheetError;
use crate::column::Column;
use crate::write::write_headings;

/// Rows for which a cell offers the codes.
const ROWS_OFFERED: u32 = 5_000;
/// The first row of the codes, from 0.
const CODES_ROW: u32 = 2;
/// The columns of the codes: of indicators, and of localities; a name stands right of each.
const CODES_COLUMNS: [(u16, char); 2] = [(2, 'C'), (4, 'E')];

/// What a template is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Template {
    /// Figures.
    Figures,
    /// Quotas.
    Quotas,
}

/// The codes to choose from, each with its name.
#[derive(Debug, Clone, Default)]
pub struct Lists {
    /// Indicators.
    pub indicators: Vec<(String, String)>,
    /// Localities; none if the one who fills it in writes names.
    pub localities: Vec<(String, String)>,
}

impl Template {
    fn columns(self) -> &'static [Column] {
        match self {
            Self::Figures => &[
                Column::Code,
                Column::Province,
                Column::District,
                Column::Commune,
                Column::Indicator,
                Column::Date,
                Column::Value,
                Column::Target,
                Column::Percent,
                Column::Unit,
                Column::Source,
                Column::Note,
            ],
            Self::Quotas => &[
                Column::Code,
                Column::Province,
                Column::District,
                Column::Commune,
                Column::Indicator,
                Column::Date,
                Column::Target,
                Column::Deadline,
                Column::Layer,
                Column::Document,
                Column::Issuer,
            ],
        }
    }

    fn name(self, vietnamese: bool) -> &'static str {
        match (self, vietnamese) {
            (Self::Figures, true) => "Số liệu",
            (Self::Figures, false) => "Figures",
            (Self::Quotas, true) => "Chỉ tiêu giao",
            (Self::Quotas, false) => "Quotas",
        }
    }
}

/// Makes an XLSX template.
///
/// # Errors
/// [`SheetError::Write`] if a name is longer than a cell can be.
pub fn template(kind: Template, lists: &Lists, vietnamese: bool) -> Result<Vec<u8>, SheetError> {
    filled(kind, lists, vietnamese, &[])
}

/// A template with rows already in it.
pub(crate) fn filled(
    kind: Template,
    lists: &Lists,
    vietnamese: bool,
    rows: &[&[&str]],
) -> Result<Vec<u8>, SheetError> {
    let mut workbook = Workbook::new();
    let columns = kind.columns();
    let guide = if vietnamese {
        "Hướng dẫn"
    } else {
        "Guide"
    };
    let sheet = workbook.add_worksheet();
    sheet.set_name(kind.name(vietnamese))?;
    write_headings(sheet, columns, vietnamese)?;
    // As text, so that `01` stays `01` and `269.950` stays what was typed.
    let text = Format::new().set_num_format("@");
    for at in 0..columns.len() {
        sheet.set_column_format(u16::try_from(at).unwrap_or(u16::MAX), &text)?;
    }
    offer(
        sheet,
        columns,
        Column::Indicator,
        &lists.indicators,
        0,
        guide,
    )?;
    offer(sheet, columns, Column::Code, &lists.localities, 1, guide)?;
    for (row, cells) in (1..).zip(rows) {
        for (at, cell) in (0..).zip(*cells) {
            sheet.write_string(row, at, *cell)?;
        }
    }
    let sheet = workbook.add_worksheet();
    sheet.set_name(guide)?;
    write_guide(sheet, columns, lists, vietnamese)?;
    Ok(workbook.save_to_buffer()?)
}

/// Lets a cell choose from the codes on the other sheet; what is typed instead is only warned of, for names are read too.
fn offer(
    sheet: &mut Worksheet,
    columns: &[Column],
    column: Column,
    codes: &[(String, String)],
    list: usize,
    guide: &str,
) -> Result<(), SheetError> {
    let at = columns.iter().position(|known| *known == column);
    let Some(at) = at.filter(|_| !codes.is_empty()) else {
        return Ok(());
    };
    let at = u16::try_from(at).unwrap_or(u16::MAX);
    let (_, letter) = CODES_COLUMNS[list];
    let (first, last) = (CODES_ROW + 1, CODES_ROW as usize + codes.len());
    let range = format!("='{guide}'!${letter}${first}:${letter}${last}");
    let validation = DataValidation::new()
        .allow_list_formula(Formula::new(range))
        .set_error_style(DataValidationErrorStyle::Information);
    sheet.add_data_validation(1, at, ROWS_OFFERED, at, &validation)?;
    Ok(())
}

fn write_guide(
    sheet: &mut Worksheet,
    columns: &[Column],
    lists: &Lists,
    vietnamese: bool,
) -> Result<(), SheetError> {
    let bold = Format::new().set_bold();
    let title = if vietnamese {
        "Cách điền; nhập tệp bằng: tiendo import TỆP"
    } else {
        "How to fill it in; import the file with: tiendo import FILE"
    };
    sheet.write_string_with_format(0, 0, title, &bold)?;
    sheet.set_column_width(0, 90)?;
    let lines = columns.iter().filter_map(|column| {
        let (heading, _) = column.heading();
        let (vi, en) = how(*column)?;
        Some(if vietnamese {
            format!("{heading}: {vi}")
        } else {
            format!("{}: {en}", column.key())
        })
    });
    for (row, line) in (CODES_ROW..).zip(lines) {
        sheet.write_string(row, 0, line)?;
    }
    let titles = if vietnamese {
        ["Chỉ tiêu có thể ghi", "Địa phương có thể ghi"]
    } else {
        ["Indicators to choose from", "Localities to choose from"]
    };
    let all = [&lists.indicators, &lists.localities];
    for ((codes, title), (at, _)) in all.into_iter().zip(titles).zip(CODES_COLUMNS) {
        if codes.is_empty() {
            continue;
        }
        sheet.write_string_with_format(1, at, title, &bold)?;
        sheet.set_column_width(at, 28)?;
        sheet.set_column_width(at + 1, 48)?;
        for (row, (code, name)) in (CODES_ROW..).zip(codes) {
            sheet.write_string(row, at, code)?;
            sheet.write_string(row, at + 1, name)?;
        }
    }
    Ok(())
}

/// How to fill in a column, in both languages; none for what its heading says.
fn how(column: Column) -> Option<(&'static str, &'static str)> {
    Some(match column {
        Column::Code => (
            "mã đơn vị hành chính, ví dụ 568; hoặc để trống và ghi tên",
            "code of the locality, such as 568; or leave it empty and write names",
        ),
        Column::Indicator => (
            "mã hoặc tên chỉ tiêu, chọn trong danh sách bên phải",
            "code or name of the indicator, from the list on the right",
        ),
        Column::Date => (
            "ví dụ 21/6/2023, 23h ngày 29/6/2023, 6/2023",
            "such as 2023-06-21, 2023-06-29T23, 2023-06",
        ),
        Column::Value => (
            "số lũy kế, ví dụ 269.950, hoặc «trên 12.600»",
            "the running total, such as 269950, or 'more than 12600'",
        ),
        Column::Target => (
            "số phải đạt; số liệu được tính trên số này",
            "how many there are to reach; the figure is counted against it",
        ),
        Column::Percent => ("như nguồn in, ví dụ 83,8%", "as printed, such as 83.8%"),
        Column::Deadline => ("ngày cuối, ví dụ 30/6/2023", "last day, such as 2023-06-30"),
        Column::Layer => (
            "trung ương, tỉnh hoặc cam kết; để trống là tỉnh",
            "central, provincial or commitment; empty means provincial",
        ),
        Column::Document => (
            "số văn bản giao, ví dụ 6559/KH-UBND",
            "number of the document, such as 6559/KH-UBND",
        ),
        Column::Source => (
            "tên báo cáo hoặc địa chỉ; để trống là tên tệp",
            "title of the report, or an address; empty means the file's name",
        ),
        _ => return None,
    })
}
