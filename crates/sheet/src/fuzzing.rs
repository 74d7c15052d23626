//! Entry points of the fuzzers: any bytes in, no panic, bounded memory, and what was read is never half of a row.

use std::io::{Cursor, Write as _};
use std::sync::LazyLock;

use domain::text::number::{format_count_en, format_count_vi, format_percent_vi};
use domain::text::{
    Moment, fold, nfc, parse_count, parse_date, parse_instant, parse_percent, parse_quantity, slug,
};
use wire::v1;
use zip::write::SimpleFileOptions;

use crate::{Book, Context, Indicators, Options, Places, Register, parse};

/// Parts of a workbook with one sheet.
const PARTS: [(&str, &str); 3] = [
    (
        "_rels/.rels",
        r#"<Relationships><Relationship Id="a" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="xl/workbook.xml"/></Relationships>"#,
    ),
    (
        "xl/workbook.xml",
        r#"<workbook><sheets><sheet name="A" sheetId="1" r:id="b"/></sheets></workbook>"#,
    ),
    (
        "xl/_rels/workbook.xml.rels",
        r#"<Relationships><Relationship Id="b" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet" Target="worksheets/sheet1.xml"/></Relationships>"#,
    ),
];

static REGISTER: LazyLock<Register> = LazyLock::new(|| {
    let head = |code: &str, level: v1::Level, name: &str, parent_code: &str| v1::LocalityHead {
        r#ref: Some(v1::LocalityRef {
            code: code.to_owned(),
            since: "2023-04-10".to_owned(),
        }),
        level: level as i32,
        name: Some(v1::Name {
            vi: name.to_owned(),
            en: String::new(),
        }),
        parent_code: parent_code.to_owned(),
        ..v1::LocalityHead::default()
    };
    let places: Places = [
        head("56", v1::Level::Province, "Tỉnh Khánh Hòa", ""),
        head("568", v1::Level::District, "Thành phố Nha Trang", "56"),
        head("447", v1::Level::District, "Huyện Kỳ Anh", "42"),
        head("449", v1::Level::District, "Thị xã Kỳ Anh", "42"),
        head("42", v1::Level::Province, "Tỉnh Hà Tĩnh", ""),
        head("22327", v1::Level::Commune, "Phường Vĩnh Hòa", "568"),
    ]
    .into_iter()
    .collect();
    let mut register = Register::default();
    register.add(jiff::civil::Date::MIN, places);
    register
});

static INDICATORS: LazyLock<Indicators> = LazyLock::new(|| {
    let defined = v1::IndicatorDefined {
        indicator: "eid.activated".to_owned(),
        ..v1::IndicatorDefined::default()
    };
    Indicators::new([defined], |alias| {
        (alias == "eid_activated").then_some("eid.activated")
    })
});

/// A file of any bytes.
///
/// # Panics
/// If a record is neither read nor told of.
pub fn file(bytes: &[u8]) {
    let Ok(book) = Book::open(bytes, Options::default()) else {
        return;
    };
    let context = Context {
        actor: v1::Actor {
            organisation: "Công an tỉnh".to_owned(),
            office: "Tổ công tác".to_owned(),
        },
        register: &REGISTER,
        indicators: &INDICATORS,
        default_source: "so-lieu".to_owned(),
    };
    let Ok(parsed) = parse(&book, &context) else {
        return;
    };
    let mut rows: Vec<(&str, u64)> = parsed
        .problems
        .iter()
        .chain(&parsed.skipped)
        .map(|problem| (problem.sheet.as_str(), problem.row))
        .collect();
    rows.extend(parsed.rows.iter().map(|row| (row.sheet.as_str(), row.row)));
    rows.sort_unstable();
    rows.dedup();
    assert!(
        rows.len() >= book.len(),
        "a record is neither read nor told of"
    );
    let _ = book.dates();
}

/// A file that says it is a workbook.
pub fn workbook(bytes: &[u8]) {
    let mut file_bytes = b"PK\x03\x04".to_vec();
    file_bytes.extend_from_slice(bytes);
    file(&file_bytes);
}

/// A workbook whose sheet, or whose shared strings, are any bytes.
pub fn sheet(bytes: &[u8]) {
    let (first, rest) = bytes.split_first().unwrap_or((&0, &[]));
    let name = match first % 3 {
        0 => "xl/sharedStrings.xml",
        1 => "xl/styles.xml",
        _ => "xl/worksheets/sheet1.xml",
    };
    let parts = PARTS.map(|(name, text)| (name, text.as_bytes()));
    let sheet = b"<worksheet><sheetData><row><c t=\"s\" s=\"0\"><v>0</v></c><c t=\"s\"><v>1</v></c><c s=\"1\"><v>45082.5</v></c></row></sheetData></worksheet>";
    let own: &[u8] = if name.contains("worksheets") {
        b""
    } else {
        sheet
    };
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let stored = SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    let more = [("xl/worksheets/sheet1.xml", own), (name, rest)];
    for (name, content) in parts.into_iter().chain(more) {
        if content.is_empty() {
            continue;
        }
        if zip.start_file(name, stored).is_err() || zip.write_all(content).is_err() {
            return;
        }
    }
    if let Ok(written) = zip.finish() {
        file(&written.into_inner());
    }
}

/// A number of any text; what is read is read again from what is shown.
///
/// # Panics
/// If it is not.
pub fn number(text: &str) {
    if let Ok(count) = parse_count(text) {
        assert_eq!(parse_count(&format_count_vi(count)), Ok(count));
        let plain = format_count_en(count).replace(',', "");
        assert_eq!(parse_count(&plain), Ok(count));
    }
    if let Ok(percent) = parse_percent(text) {
        assert_eq!(parse_percent(&format_percent_vi(percent)), Ok(percent));
    }
    if let Ok(quantity) = parse_quantity(text) {
        let shown = domain::text::number::format_quantity_vi(quantity);
        assert_eq!(parse_quantity(&shown), Ok(quantity));
    }
}

/// A date of any text; what is read is read again from what is shown.
///
/// # Panics
/// If it is not.
pub fn date(text: &str) {
    if let Ok(moment) = Moment::parse(text) {
        assert_eq!(Moment::parse(&moment.format_vi()), Ok(moment));
        assert_eq!(Moment::parse(&moment.to_string()), Ok(moment));
    }
    if let Ok(date) = parse_date(text) {
        assert_eq!(parse_date(&date.to_string()), Ok(date));
    }
    let _ = parse_instant(text);
}

/// A name of any text: bringing it to one form twice changes nothing.
///
/// # Panics
/// If it does.
pub fn name(text: &str) {
    let folded = fold(text);
    assert_eq!(fold(&folded), folded);
    let composed = nfc(text);
    assert_eq!(nfc(&composed), composed);
    let slug = slug(text);
    assert!(
        slug.bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_'),
        "{slug}"
    );
    let _ = domain::text::name::strip_prefix(text);
    let _ = domain::text::name::readings(text).count();
}
