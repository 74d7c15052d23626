//! What is written is read again.

use domain::text::{Bound, Moment, Percent, Quantity, fold};
use proptest::prelude::*;

use super::*;

/// A figure that a service would have accepted, for a place of the register.
fn figures() -> impl Strategy<Value = FigureRow> {
    let place = prop_oneof![
        Just(("56", "2023-04-10", "Khánh Hòa", "")),
        Just(("568", "2023-04-10", "Khánh Hòa", "Nha Trang")),
        Just(("268", "2023-04-10", "Thành phố Hà Nội", "Quận Hà Đông")),
        Just(("449", "2023-04-10", "", "")),
    ];
    let indicator = prop_oneof![Just("eid.activated"), Just("cccd.received")];
    let date = prop_oneof![
        Just("2023-06-21"),
        Just("2023-06-29T23"),
        Just("2023-05"),
        Just("2024-01-31"),
    ];
    let bound = prop_oneof![
        Just(Bound::Exact),
        Just(Bound::AtLeast),
        Just(Bound::AtMost),
        Just(Bound::About),
    ];
    let value = (0..10_000_000_000_000_u64, bound.clone());
    let denominator = (
        prop_oneof![Just("quota"), Just("citizens-14-plus")],
        1..1_000_000_000_u64,
        any::<bool>(),
    );
    // What contradicts the count is refused when it is reported, so a percentage comes without a denominator.
    let percent = (0..20_000_u32, 0..=2_u8, bound);
    let numbers = prop_oneof![
        (value.clone(), prop::option::of(denominator)).prop_map(|(v, d)| (Some(v), d, None)),
        (prop::option::of(value), percent).prop_map(|(v, p)| (v, None, Some(p))),
    ];
    let text = "[a-zA-ZàáảãạđĐêôơưỳ][ a-zA-ZàáảãạđĐêôơưỳ,;.\"'=+&<>%()-]{0,30}[a-zA-Zàáảãạđêôơưỳ]";
    let texts = (
        text,
        prop::option::of("https://[a-z]{3,9}\\.vn/[a-z/?=&]{0,9}"),
        prop::option::of(text),
    );
    (place, indicator, date, numbers, texts).prop_map(
        |(place, indicator, date, (value, denominator, percent), (source, url, note))| FigureRow {
            code: place.0.to_owned(),
            since: place.1.to_owned(),
            province: place.2.to_owned(),
            district: place.3.to_owned(),
            commune: String::new(),
            indicator: indicator.to_owned(),
            date: Moment::parse(date).unwrap(),
            value: value.map(|(value, bound)| Quantity { bound, value }),
            denominator: denominator.map(|(kind, value, derived)| FigureDenominator {
                kind: kind.to_owned(),
                value,
                derived,
            }),
            percent_bound: percent.map_or(Bound::Exact, |(_, _, bound)| bound),
            percent: percent.map(|(hundredths, decimals, _)| {
                let step = [100, 10, 1][usize::from(decimals)];
                Percent::from_hundredths(hundredths / step * step, decimals).unwrap()
            }),
            source,
            source_url: url.unwrap_or_default(),
            note: note.unwrap_or_default(),
        },
    )
}

/// A row read back, as it was before it was written.
fn unread(row: &Row, written: &FigureRow) -> FigureRow {
    let event = &row.events[0];
    let Ok(domain::Event {
        effective,
        body: domain::event::Body::ProgressReported(reported),
        ..
    }) = wire::event::accept(&v1::Event {
        request_id: uuid::Uuid::nil().to_string(),
        ..event.clone()
    })
    else {
        panic!("{event:?}");
    };
    let figure = reported.figure;
    FigureRow {
        code: reported.locality.code.to_string(),
        since: reported.locality.since.to_string(),
        indicator: reported.indicator.to_string(),
        date: effective,
        value: figure.value,
        denominator: figure.denominator.map(|denominator| FigureDenominator {
            kind: denominator.kind,
            value: denominator.value,
            derived: denominator.derived,
        }),
        percent: figure.percent,
        percent_bound: figure.percent_bound,
        source: figure.source.title,
        source_url: figure.source.url,
        note: reported.note,
        // Names are for people.
        ..written.clone()
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_written_is_read_again(written in prop::collection::vec(figures(), 0..12)) {
        // No file says one thing twice.
        let mut written = written;
        for (number, row) in written.iter_mut().enumerate() {
            row.source = format!("{} {number}", row.source);
            if !row.source_url.is_empty() {
                row.source_url = format!("{}/{number}", row.source_url);
            }
        }
        for format in [FileFormat::Csv, FileFormat::Xlsx] {
            let bytes = write(&written, format).unwrap();
            let parsed = parse(&bytes, &context()).unwrap();
            prop_assert_eq!(&parsed.problems, &[]);
            prop_assert_eq!(parsed.rows.len(), written.len());
            for (row, written) in parsed.rows.iter().zip(&written) {
                prop_assert_eq!(&unread(row, written), written, "{:?}", format);
            }
        }
    }
}

#[test]
fn a_title_that_looks_like_an_address_stays_a_title() {
    let text = "code,indicator,date,value,source,source_url\n\
        568,eid.activated,2023-06-01,10,https://a.vn/b,\n\
        568,eid.activated,2023-06-02,10,,https://a.vn/b\n";
    let parsed = read(text);
    let source = |row: &Row| {
        let source = reported(row).source.clone().unwrap();
        (source.title, source.url)
    };
    let texts = |title: &str, url: &str| (title.to_owned(), url.to_owned());
    assert_eq!(source(&parsed.rows[0]), texts("https://a.vn/b", ""));
    // The file's own name stands in for a title that nobody gave.
    assert_eq!(
        source(&parsed.rows[1]),
        texts("so-lieu.csv", "https://a.vn/b")
    );
}

#[test]
fn places_are_found_by_any_way_to_write_them() {
    let table = include_str!("../../../tiendo/data/units_2023-04-10.csv");
    let districts = csv::Reader::from_reader(table.as_bytes())
        .into_records()
        .map(Result::unwrap)
        .filter(|unit| &unit[1] == "district")
        .map(|unit| (unit[0].to_owned(), unit[2].to_owned(), unit[3].to_owned()));
    let provinces: std::collections::HashMap<String, String> =
        csv::Reader::from_reader(table.as_bytes())
            .into_records()
            .map(Result::unwrap)
            .filter(|unit| &unit[1] == "province")
            .map(|unit| (unit[0].to_owned(), unit[2].to_owned()))
            .collect();
    let decomposed = |text: &str| -> String {
        text.replace('ộ', "o\u{323}\u{302}")
            .replace('ạ', "a\u{323}")
            .replace('ì', "i\u{300}")
    };
    let mut text = HEADER.to_owned();
    let mut expected = Vec::new();
    for (code, name, parent) in districts {
        let province = &provinces[&parent];
        let short = name
            .replacen("Thành phố ", "Tp. ", 1)
            .replacen("Thị xã ", "TX. ", 1)
            .replacen("Quận ", "Q. ", 1)
            .replacen("Huyện ", "H. ", 1);
        for written in [
            name.clone(),
            name.to_uppercase(),
            decomposed(&name),
            short,
            fold(&name),
        ] {
            let number = expected.len();
            let _ = write!(
                text,
                "\n{province},{written},,eid_activated,2023-06-01,10,,,accounts,x{number}"
            );
            expected.push(code.clone());
        }
    }
    let parsed = read(&text);
    assert_eq!(problems(&parsed), []);
    let found: Vec<String> = parsed
        .rows
        .iter()
        .map(|row| code(reported(row)).to_owned())
        .collect();
    assert_eq!(found, expected);
}

#[test]
fn a_template_is_a_file_without_rows_and_takes_what_is_typed_into_it() {
    let lists = Lists {
        indicators: vec![("eid.activated".to_owned(), "Kích hoạt".to_owned())],
        localities: vec![("568".to_owned(), "Thành phố Nha Trang".to_owned())],
    };
    for vietnamese in [true, false] {
        for kind in [Template::Figures, Template::Quotas] {
            let bytes = template(kind, &lists, vietnamese).unwrap();
            assert_eq!(parse(&bytes, &context()).unwrap(), Parsed::default());
        }
        let figure = [
            "568",
            "",
            "",
            "",
            "eid.activated",
            "21/6/2023",
            "269.950",
            "",
            "",
            "",
            "",
            "",
        ];
        let bytes =
            crate::template::filled(Template::Figures, &lists, vietnamese, &[&figure]).unwrap();
        let parsed = parse(&bytes, &context()).unwrap();
        assert_eq!(count(only(&parsed).value.as_ref()), 269_950);
        let quota = [
            "568",
            "",
            "",
            "",
            "eid.activated",
            "1/6/2023",
            "1.000",
            "31/12/2023",
            "cam kết",
            "",
            "",
        ];
        let bytes =
            crate::template::filled(Template::Quotas, &lists, vietnamese, &[&quota]).unwrap();
        let parsed = parse(&bytes, &context()).unwrap();
        assert_eq!(parsed.problems, []);
        let Some(v1::event::Body::QuotaAssigned(quota)) = &parsed.rows[0].events[0].body else {
            panic!("{parsed:?}");
        };
        assert_eq!(quota.layer(), v1::QuotaLayer::Commitment);
    }
}
