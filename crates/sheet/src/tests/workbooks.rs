//! Workbooks as offices make them, and as somebody who means harm would.

use std::io::Write as _;

use rust_xlsxwriter::{ExcelDateTime, Format, Workbook};
use zip::write::SimpleFileOptions;

use super::*;

/// Sheet, row, column and reason of each problem.
fn told(parsed: &Parsed) -> Vec<(&str, u64, &str, &str)> {
    let problems = parsed.problems.iter();
    problems
        .map(|p| (p.sheet.as_str(), p.row, p.column.as_str(), p.reason))
        .collect()
}

fn open_sheet(bytes: &[u8], sheet: &str) -> Result<Book, SheetError> {
    let options = Options {
        sheet: Some(sheet.to_owned()),
        ..Options::default()
    };
    Book::open(bytes, options)
}

fn refused(bytes: &[u8]) -> &'static str {
    open(bytes).unwrap_err().reason()
}

#[test]
fn a_workbook_says_what_the_same_csv_says() {
    let mut workbook = Workbook::new();
    let sheet = workbook.add_worksheet();
    for (row, record) in (0..).zip(
        csv::ReaderBuilder::new()
            .has_headers(false)
            .from_reader(PUBLISHED.as_bytes())
            .into_records(),
    ) {
        for (column, cell) in (0..).zip(record.unwrap().iter()) {
            match cell.parse::<f64>() {
                Ok(number) if column == 5 || column == 6 => {
                    sheet.write_number(row, column, number).unwrap()
                }
                _ => sheet.write_string(row, column, cell).unwrap(),
            };
        }
    }
    let parsed = parse(&workbook.save_to_buffer().unwrap(), &context()).unwrap();
    assert_eq!(told(&parsed), []);
    let events = |parsed: &Parsed| -> Vec<_> {
        let rows = parsed.rows.iter();
        rows.map(|row| (row.row, row.events.clone())).collect()
    };
    assert_eq!(events(&parsed), events(&read(PUBLISHED)));
    assert!(parsed.rows.iter().all(|row| row.sheet == "Sheet1"));
}

/// A sheet with the columns `code, indicator, date, value, percent` and rows that `fill` writes.
fn with(fill: impl FnOnce(&mut rust_xlsxwriter::Worksheet)) -> Parsed {
    let mut workbook = Workbook::new();
    let sheet = workbook.add_worksheet();
    sheet
        .write_row(0, 0, ["code", "indicator", "date", "value", "percent"])
        .unwrap();
    fill(sheet);
    parse(&workbook.save_to_buffer().unwrap(), &context()).unwrap()
}

#[test]
fn dates_and_numbers_of_a_spreadsheet_are_what_it_shows() {
    let day = Format::new().set_num_format("dd/mm/yyyy");
    let hour = Format::new().set_num_format("hh:mm dd/mm/yyyy");
    let share = Format::new().set_num_format("0.0%");
    let parsed = with(|sheet| {
        let moment = |text| ExcelDateTime::parse_from_str(text).unwrap();
        for (row, date, format) in [(1, "2023-06-05", &day), (2, "2023-06-29T23:00:00", &hour)] {
            sheet.write_number(row, 0, 568).unwrap();
            sheet.write_string(row, 1, "eid.activated").unwrap();
            sheet
                .write_datetime_with_format(row, 2, moment(date), format)
                .unwrap();
            sheet.write_number(row, 3, 269_950).unwrap();
            sheet
                .write_number_with_format(row, 4, 0.8382, &share)
                .unwrap();
        }
    });
    assert_eq!(told(&parsed), []);
    let found: Vec<_> = parsed
        .rows
        .iter()
        .map(|row| {
            let figure = reported(row);
            (
                row.events[0].effective.as_str(),
                code(figure),
                count(figure.value.as_ref()),
                figure.percent.as_str(),
            )
        })
        .collect();
    assert_eq!(
        found,
        [
            ("2023-06-05", "568", 269_950, "83.8"),
            ("2023-06-29T23", "568", 269_950, "83.8")
        ]
    );
}

#[test]
fn numbers_of_a_spreadsheet_are_never_guessed() {
    let row = |value: f64, percent: f64| {
        with(|sheet| {
            sheet
                .write_row(1, 0, ["568", "eid.activated", "2023-06-05"])
                .unwrap();
            sheet.write_number(1, 3, value).unwrap();
            sheet.write_number(1, 4, percent).unwrap();
        })
    };
    assert_eq!(only(&row(10.0, 83.8)).percent, "83.8");
    // What a formula made is cut to what is kept of any percentage.
    assert_eq!(only(&row(10.0, 95.532_506)).percent, "95.53");
    let parsed = row(269.95, 83.8);
    assert_eq!(told(&parsed), [("Sheet1", 2, "value", "NUMBER_FORMAT")]);
    assert!(parsed.problems[0].detail.contains("269.950"), "{parsed:?}");
    let parsed = row(10.0, 0.838);
    assert_eq!(told(&parsed), [("Sheet1", 2, "percent", "PERCENT_SCALE")]);
    assert!(
        parsed.problems[0].detail.contains("83.80 % or 0.838 %"),
        "{parsed:?}"
    );
}

#[test]
fn merged_province_cells_hold_for_the_rows_below() {
    let mut workbook = Workbook::new();
    let sheet = workbook.add_worksheet();
    let plain = Format::new();
    sheet
        .merge_range(0, 0, 0, 4, "KẾT QUẢ THÁNG 6", &plain)
        .unwrap();
    sheet.merge_range(1, 0, 2, 0, "Tỉnh", &plain).unwrap();
    sheet.merge_range(1, 1, 2, 1, "Huyện", &plain).unwrap();
    sheet
        .merge_range(1, 2, 1, 3, "Kết quả kích hoạt", &plain)
        .unwrap();
    sheet.write_row(2, 2, ["Số lượng", "Tỷ lệ (%)"]).unwrap();
    sheet.merge_range(3, 0, 5, 0, "Khánh Hòa", &plain).unwrap();
    for (row, (district, value)) in
        (3..).zip([("Nha Trang", 10), ("Cam Ranh", 20), ("Diên Khánh", 30)])
    {
        sheet.write_string(row, 1, district).unwrap();
        sheet.write_number(row, 2, value).unwrap();
    }
    sheet.write_row(6, 0, ["Hà Nội", "Hà Đông"]).unwrap();
    sheet.merge_range(6, 2, 7, 2, "", &plain).unwrap();
    sheet.write_number(6, 2, 40).unwrap();
    sheet.write_row(7, 0, ["Hà Nội", "Ba Đình"]).unwrap();
    let bytes = workbook.save_to_buffer().unwrap();
    let options = Options {
        indicator: Some("eid.activated".to_owned()),
        as_of: Some("30/6/2023".to_owned()),
        ..Options::default()
    };
    let parsed = super::super::parse(&Book::open(&bytes, options).unwrap(), &context()).unwrap();
    let codes: Vec<_> = parsed
        .rows
        .iter()
        .map(|row| (row.row, code(reported(row))))
        .collect();
    assert_eq!(codes, [(4, "568"), (5, "569"), (6, "574")]);
    assert_eq!(
        told(&parsed),
        [
            ("Sheet1", 7, "Số lượng", "MERGED_NUMBER"),
            ("Sheet1", 8, "Số lượng", "MERGED_NUMBER"),
            ("Sheet1", 8, "Số lượng", "NO_FIGURE"),
        ]
    );
}

#[test]
fn every_visible_sheet_with_a_header_is_read_or_the_one_that_is_named() {
    let mut workbook = Workbook::new();
    for (name, value) in [("Tháng 5", 10), ("Tháng 6", 20), ("Nháp", 30)] {
        let sheet = workbook.add_worksheet();
        sheet.set_name(name).unwrap().set_hidden(name == "Nháp");
        sheet
            .write_row(0, 0, ["code", "indicator", "date", "value"])
            .unwrap();
        let date = if value == 10 {
            "2023-05-31"
        } else {
            "2023-06-30"
        };
        sheet
            .write_row(1, 0, ["568", "eid.activated", date])
            .unwrap();
        sheet.write_number(1, 3, value).unwrap();
    }
    let notes = workbook.add_worksheet();
    notes.set_name("Ghi chú").unwrap();
    notes.write_string(0, 0, "Người lập biểu").unwrap();
    let sources = workbook.add_worksheet();
    sources.set_name("Nguồn").unwrap();
    sources
        .write_row(0, 0, ["position", "date", "source"])
        .unwrap();
    let bytes = workbook.save_to_buffer().unwrap();
    let parsed = parse(&bytes, &context()).unwrap();
    let found: Vec<_> = parsed
        .rows
        .iter()
        .map(|row| {
            (
                row.sheet.as_str(),
                row.row,
                count(reported(row).value.as_ref()),
            )
        })
        .collect();
    assert_eq!(found, [("Tháng 5", 2, 10), ("Tháng 6", 2, 20)]);
    let passed_over: Vec<_> = parsed
        .skipped
        .iter()
        .map(|p| (p.sheet.as_str(), p.reason))
        .collect();
    assert_eq!(passed_over, [("Nguồn", "COLUMN_MISSING")]);
    assert_eq!(open_sheet(&bytes, "thang 6").unwrap().len(), 1);
    let error = open_sheet(&bytes, "Nháp").unwrap_err();
    assert_eq!(
        (error.reason(), error.to_string().contains("Tháng 5")),
        ("SHEET_NOT_FOUND", true)
    );
}

/// A workbook of these parts, beside those that every workbook has.
fn zipped(sheet: &[u8], strings: Option<&[u8]>) -> Vec<u8> {
    let mut parts = vec![
        ("_rels/.rels", br#"<?xml version="1.0"?><Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="xl/workbook.xml"/></Relationships>"#.as_slice()),
        ("xl/workbook.xml", br#"<?xml version="1.0"?><workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"><sheets><sheet name="A" sheetId="1" r:id="rId1"/></sheets></workbook>"#.as_slice()),
        ("xl/_rels/workbook.xml.rels", br#"<?xml version="1.0"?><Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet" Target="worksheets/sheet1.xml"/></Relationships>"#.as_slice()),
        ("xl/worksheets/sheet1.xml", sheet),
    ];
    parts.extend(strings.map(|strings| ("xl/sharedStrings.xml", strings)));
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, content) in parts {
        zip.start_file(name, SimpleFileOptions::default()).unwrap();
        zip.write_all(content).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

/// A sheet of text cells, each at the place it names.
fn sheet_of(dimension: &str, cells: &[(&str, &str)]) -> Vec<u8> {
    let mut xml = format!(r#"<worksheet><dimension ref="{dimension}"/><sheetData>"#);
    for (place, text) in cells {
        let row = place.trim_start_matches(|c: char| c.is_ascii_alphabetic());
        let _ = write!(
            xml,
            r#"<row r="{row}"><c r="{place}" t="inlineStr"><is><t>{text}</t></is></c></row>"#
        );
    }
    xml += "</sheetData></worksheet>";
    xml.into_bytes()
}

#[test]
fn a_cell_at_the_end_of_the_sheet_costs_nothing() {
    let header = "<worksheet><dimension ref=\"A1:XFD1048576\"/><sheetData><row r=\"1\"><c r=\"A1\" t=\"inlineStr\"><is><t>code</t></is></c><c r=\"B1\" t=\"inlineStr\"><is><t>indicator</t></is></c><c r=\"C1\" t=\"inlineStr\"><is><t>date</t></is></c><c r=\"D1\" t=\"inlineStr\"><is><t>value</t></is></c></row><row r=\"1048576\"><c r=\"A1048576\" t=\"inlineStr\"><is><t>568</t></is></c><c r=\"XFD1048576\" s=\"0\"/></row></sheetData></worksheet>";
    let parsed = parse(&zipped(header.as_bytes(), None), &context()).unwrap();
    assert_eq!(told(&parsed)[0], ("A", 1_048_576, "indicator", "REQUIRED"));
    let far = sheet_of("A1:XFD1048576", &[("A1", "code"), ("XFD1048576", "568")]);
    assert_eq!(refused(&zipped(&far, None)), "TOO_MANY_COLUMNS");
    for place in ["A0", "1", "ZZZZZZZZZZ1", "A99999999999999"] {
        let odd = zipped(&sheet_of("A1", &[("A2", "x"), (place, "568")]), None);
        assert!(open(&odd).is_err(), "{place}");
    }
}

#[test]
fn cells_out_of_order_are_refused() {
    let back = sheet_of("A1", &[("A2", "x"), ("A1", "568")]);
    assert_eq!(refused(&zipped(&back, None)), "FILE_NOT_XLSX");
    let twice = sheet_of("A1", &[("B2", "x"), ("B2", "568")]);
    assert_eq!(refused(&zipped(&twice, None)), "FILE_NOT_XLSX");
}

#[test]
fn a_zip_that_inflates_a_thousandfold_is_refused() {
    let mut sheet = b"<worksheet><sheetData>".to_vec();
    sheet.resize(8 * 1024 * 1024, b' ');
    let bomb = zipped(&sheet, None);
    assert!(bomb.len() < 100_000, "{} bytes", bomb.len());
    assert_eq!(refused(&bomb), "FILE_INFLATES");
    // A part that nothing refers to is no way around it.
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for part in 0..=ENTRIES_MAX {
        zip.start_file(format!("xl/media/{part}"), SimpleFileOptions::default())
            .unwrap();
    }
    assert_eq!(
        refused(&zip.finish().unwrap().into_inner()),
        "FILE_INFLATES"
    );
}

#[test]
fn room_is_made_for_strings_that_are_there_and_not_for_those_announced() {
    let sheet = sheet_of("A1", &[("A1", "x")]);
    for count in ["18446744073709551615", "4000000000", "", "1e9"] {
        let strings = format!(r#"<?xml version="1.0"?><sst uniqueCount="{count}"></sst>"#);
        assert_eq!(
            refused(&zipped(&sheet, Some(strings.as_bytes()))),
            "FILE_INFLATES",
            "{count}"
        );
    }
    // Where it would be cut in two between blocks, it is seen as well.
    for padding in 65_400..65_560 {
        let strings = format!(
            "<?xml version=\"1.0\"?>{}<sst uniqueCount=\"4000000000\"></sst>",
            " ".repeat(padding)
        );
        assert_eq!(
            refused(&zipped(&sheet, Some(strings.as_bytes()))),
            "FILE_INFLATES",
            "{padding}"
        );
    }
    let wide: Vec<u8> = "<sst uniqueCount=\"4000000000\"/>"
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    assert_eq!(refused(&zipped(&sheet, Some(&wide))), "FILE_NOT_XLSX");
    let honest = br#"<?xml version="1.0"?><sst uniqueCount="1"><si><t>x</t></si></sst>"#;
    assert_eq!(refused(&zipped(&sheet, Some(honest))), "HEADER_NOT_FOUND");
}

#[test]
fn what_only_looks_like_a_workbook_is_refused_by_name() {
    assert_eq!(refused(b"PK\x03\x04 and so on"), "FILE_NOT_XLSX");
    assert_eq!(
        refused(&[0xD0, 0xCF, 0x11, 0xE0, 0xA1, 0xB1]),
        "FILE_ENCRYPTED"
    );
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    zip.start_file("notes.txt", SimpleFileOptions::default())
        .unwrap();
    assert_eq!(
        refused(&zip.finish().unwrap().into_inner()),
        "FILE_NOT_XLSX"
    );
    let whole = zipped(&sheet_of("A1", &[("A1", "x")]), None);
    for cut in (0..whole.len()).step_by(7).skip(1) {
        assert!(open(&whole[..cut]).is_err(), "cut at {cut}");
    }
}

#[test]
fn a_workbook_with_too_many_sheets_is_refused() {
    let mut workbook = Workbook::new();
    for _ in 0..=SHEETS_MAX {
        workbook.add_worksheet();
    }
    let bytes = workbook.save_to_buffer().unwrap();
    assert_eq!(refused(&bytes), "TOO_MANY_SHEETS");
    assert_eq!(
        open_sheet(&bytes, "Sheet3").unwrap_err().reason(),
        "FILE_EMPTY"
    );
}
