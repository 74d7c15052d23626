//! Files of every shape against the real register.

use std::fmt::Write as _;

use jiff::civil::date;
use wire::v1;

use super::problem::FileReason;
use super::*;

/// The published figures, as carried in the sample data set.
const PUBLISHED: &str = include_str!("../../tiendo/data/figures.csv");
const HEADER: &str = "province,district,commune,indicator,date,value,target,percent,unit,source";

fn places(units: &str, since: &str) -> Places {
    let heads = csv::Reader::from_reader(units.as_bytes())
        .into_deserialize()
        .map(|unit| {
            let (code, level, name, parent_code): (String, String, String, String) = unit.unwrap();
            let level = match level.as_str() {
                "province" => v1::Level::Province,
                "district" => v1::Level::District,
                _ => v1::Level::Commune,
            };
            v1::LocalityHead {
                r#ref: Some(v1::LocalityRef {
                    code,
                    since: since.to_owned(),
                }),
                level: level as i32,
                name: Some(v1::Name {
                    vi: name,
                    en: String::new(),
                }),
                parent_code,
                ..v1::LocalityHead::default()
            }
        });
    heads.collect()
}

fn register() -> &'static Register {
    static REGISTER: std::sync::LazyLock<Register> = std::sync::LazyLock::new(|| {
        let mut register = Register::default();
        let before = include_str!("../../tiendo/data/units_2023-04-10.csv");
        let after = include_str!("../../tiendo/data/units_2025-07-01.csv");
        register.add(jiff::civil::Date::MIN, places(before, "2023-04-10"));
        register.add(date(2025, 7, 1), places(after, "2025-07-01"));
        register
    });
    &REGISTER
}

fn indicators() -> &'static Indicators {
    static INDICATORS: std::sync::LazyLock<Indicators> = std::sync::LazyLock::new(|| {
        let table = include_str!("../../tiendo/data/indicators.csv");
        let defined = csv::Reader::from_reader(table.as_bytes())
            .into_records()
            .map(|record| {
                let record = record.unwrap();
                v1::IndicatorDefined {
                    indicator: record[0].to_owned(),
                    name: Some(v1::Name {
                        vi: record[1].to_owned(),
                        en: record[2].to_owned(),
                    }),
                    denominator: record[7].to_owned(),
                    ..v1::IndicatorDefined::default()
                }
            });
        Indicators::new(defined, alias)
    });
    &INDICATORS
}

/// The code of what published tables call an indicator.
fn alias(alias: &str) -> Option<&'static str> {
    let table = include_str!("../../tiendo/data/indicators.csv");
    let mut rows = table.lines().map(|line| {
        let code = line.split(',').next().unwrap_or_default();
        (code, line.rsplit(',').next().unwrap_or_default())
    });
    let is_named = |(_, aliases): &(&str, &str)| aliases.split(';').any(|a| a == alias);
    rows.find(is_named).map(|(code, _)| code)
}

fn context() -> Context<'static> {
    Context {
        actor: v1::Actor {
            organisation: "Công an tỉnh".to_owned(),
            office: "Tổ công tác".to_owned(),
        },
        register: register(),
        indicators: indicators(),
        default_source: "so-lieu.csv".to_owned(),
    }
}

fn open(bytes: &[u8]) -> Result<Book, SheetError> {
    Book::open(bytes, Options::default())
}

fn parse(bytes: &[u8], context: &Context<'_>) -> Result<Parsed, SheetError> {
    super::parse(&open(bytes)?, context)
}

fn read(text: &str) -> Parsed {
    parse(text.as_bytes(), &context()).unwrap()
}

/// The rows below the published header.
fn rows(rows: &str) -> Parsed {
    read(&format!("{HEADER}\n{rows}\n"))
}

fn only(parsed: &Parsed) -> &v1::ProgressReported {
    assert_eq!(parsed.problems, []);
    assert_eq!(parsed.rows.len(), 1);
    reported(&parsed.rows[0])
}

fn reported(row: &Row) -> &v1::ProgressReported {
    match &row.events[0].body {
        Some(v1::event::Body::ProgressReported(reported)) => reported,
        other => panic!("{other:?}"),
    }
}

fn count(quantity: Option<&v1::Quantity>) -> i64 {
    match quantity.and_then(|quantity| quantity.number.clone()) {
        Some(v1::quantity::Number::Count(count)) => count,
        other => panic!("{other:?}"),
    }
}

fn code(reported: &v1::ProgressReported) -> &str {
    &reported.locality.as_ref().unwrap().code
}

/// Line, column and reason of each problem.
fn problems(parsed: &Parsed) -> Vec<(u64, &str, &str)> {
    parsed
        .problems
        .iter()
        .map(|p| (p.row, p.column.as_str(), p.reason))
        .collect()
}

#[test]
fn the_published_figures_are_read_whole() {
    let parsed = read(PUBLISHED);
    assert_eq!(problems(&parsed), []);
    assert_eq!(parsed.skipped, []);
    assert_eq!(parsed.rows.len(), 74);
    let events = parsed.rows.iter().map(|row| row.events.len());
    assert_eq!(events.sum::<usize>(), 82, "8 rows praise or blame");
    assert!(
        parsed
            .rows
            .iter()
            .all(|row| row.events[0].request_id.is_empty())
    );
    let ha_dong = parsed.rows.iter().find(|row| row.row == 11).unwrap();
    assert_eq!(ha_dong.events[0].effective, "2023-06-05");
    let ha_dong = reported(ha_dong);
    assert_eq!(
        (code(ha_dong), ha_dong.indicator.as_str()),
        ("268", "eid.collected")
    );
    assert_eq!(ha_dong.locality.as_ref().unwrap().since, "2023-04-10");
    assert_eq!(count(ha_dong.value.as_ref()), 257_890);
    let denominator = ha_dong.denominator.as_ref().unwrap();
    assert_eq!(
        (denominator.kind.as_str(), count(denominator.value.as_ref())),
        ("quota", 269_950)
    );
    assert_eq!(ha_dong.percent, "95.5");
    assert!(
        ha_dong
            .source
            .as_ref()
            .unwrap()
            .title
            .starts_with("Article")
    );
}

#[test]
fn a_source_that_is_an_address_is_titled_by_its_host() {
    let parsed =
        rows("Khánh Hòa,,,eid_activated_l2,2023-07-31,634327,,83.8,accounts,https://cand.vn/a?b=1");
    let source = only(&parsed).source.clone().unwrap();
    assert_eq!(
        (source.title.as_str(), source.url.as_str()),
        ("cand.vn", "https://cand.vn/a?b=1")
    );
    let parsed = rows("Khánh Hòa,,,eid_activated_l2,2023-07-31,634327,,83.8,accounts,");
    assert_eq!(only(&parsed).source.clone().unwrap().title, "so-lieu.csv");
}

#[test]
fn words_in_the_unit_bound_the_number_beside_them() {
    let parsed =
        rows("Quảng Nam,Hội An,,eid_activated_in_day,2023-09-10,3000,,,accounts (more than),x");
    let reported = only(&parsed);
    assert_eq!(reported.value.as_ref().unwrap().bound(), v1::Bound::AtLeast);
    assert_eq!(reported.note, "");
    let parsed = rows("Hà Nội,Hà Đông,,cccd_issued_14plus,2023-05,,,70,percent (about),x");
    let reported = only(&parsed);
    assert_eq!(
        (reported.value.as_ref(), reported.percent.as_str()),
        (None, "70")
    );
    assert_eq!(reported.note, "Nguồn viết: about");
    assert_eq!(reported.percent_bound(), v1::Bound::About);
    assert_eq!(parsed.rows[0].events[0].effective, "2023-05");
    let parsed =
        rows("Quảng Nam,Điện Bàn,,eid_profiles_created,2023-06-07,75152,,,records (commended),x");
    assert_eq!(only(&parsed).note, "Nguồn viết: commended");
    let parsed = rows("Hà Nội,,,eid_activated,2023-06-07,trên 12.600,,khoảng 70%,,x");
    let reported = only(&parsed);
    assert_eq!(reported.value.as_ref().unwrap().bound(), v1::Bound::AtLeast);
    assert_eq!(
        (reported.percent.as_str(), reported.note.as_str()),
        ("70", "Nguồn viết: khoảng")
    );
    assert_eq!(reported.percent_bound(), v1::Bound::About);
}

#[test]
fn a_count_whose_unit_is_percent_is_a_percentage() {
    let parsed = rows("Hà Nội,,,cccd_issued_14plus,2023-05,100,,,percent,x");
    let reported = only(&parsed);
    assert_eq!(
        (reported.value.as_ref(), reported.percent.as_str()),
        (None, "100")
    );
    let parsed = rows("Hà Nội,,,cccd_issued_14plus,2023-05,-3,,,phần trăm,x");
    assert_eq!(problems(&parsed), [(2, "value", "PERCENT_FORMAT")]);
    let parsed = rows("Hà Nội,,,cccd_issued_14plus,2023-05,45,,50,percent,x");
    assert_eq!(problems(&parsed), [(2, "value", "TWO_FIGURES")]);
}

#[test]
fn counts_are_read_the_vietnamese_way_and_never_guessed() {
    let row = |value: &str| {
        rows(&format!(
            "Hà Nội,Hà Đông,,eid_collected,2023-06-05,{value},,,records,x"
        ))
    };
    for value in ["269950", "269.950", "\"269 950\""] {
        assert_eq!(count(only(&row(value)).value.as_ref()), 269_950, "{value}");
    }
    for (value, reason) in [
        ("269.95", "NUMBER_FORMAT"),
        ("\"269,950\"", "NUMBER_FORMAT"),
        ("-5", "COUNT_BELOW_ZERO"),
        ("many", "NUMBER_FORMAT"),
    ] {
        let parsed = row(value);
        assert_eq!(problems(&parsed), [(2, "value", reason)], "{value}");
        assert!(parsed.rows.is_empty());
    }
    assert!(row("269.95").problems[0].detail.contains("269.950"));
}

#[test]
fn percentages_are_taken_as_printed_also_where_they_do_not_follow() {
    let row = |percent: &str| {
        rows(&format!(
            "Hà Nội,Hà Đông,,eid_collected,2023-06-05,257890,269950,{percent},records,x"
        ))
    };
    assert_eq!(only(&row("\"95,5%\"")).percent, "95.5");
    // The service keeps it with a finding.
    assert_eq!(only(&row("59.5")).percent, "59.5");
}

#[test]
fn every_problem_of_a_row_is_found() {
    let parsed = rows("Hà Nộ,,,eid_colected,31/2/2023,-5,0,x%,records,0912345678");
    assert_eq!(
        problems(&parsed),
        [
            (2, "province", "UNKNOWN_LOCALITY"),
            (2, "indicator", "UNKNOWN_INDICATOR"),
            (2, "date", "DATE_FORMAT"),
            (2, "value", "COUNT_BELOW_ZERO"),
            (2, "target", "NUMBER_FORMAT"),
            (2, "percent", "PERCENT_FORMAT"),
            (2, "source", "PERSONAL_DATA"),
        ]
    );
    assert!(
        parsed
            .problems
            .iter()
            .all(|p| !p.vi.is_empty() && !p.detail.is_empty())
    );
    let parsed = rows(",,,,,,,,,");
    assert_eq!(
        (parsed.rows.len(), parsed.problems.len()),
        (0, 0),
        "a row of bare separators"
    );
    let parsed = rows(",,,,,,,,records,");
    assert_eq!(
        problems(&parsed),
        [
            (2, "province", "REQUIRED"),
            (2, "indicator", "REQUIRED"),
            (2, "value", "NO_FIGURE"),
            (2, "date", "REQUIRED"),
        ]
    );
}

#[test]
fn vietnamese_headers_semicolons_and_decomposed_text_are_read() {
    let text = "\u{feff}STT;Tỉnh/TP;Quận/Huyện;Xã/Phường;Chỉ tiêu;Ngày;Số lượng;Chỉ tiêu giao;Tỷ lệ (%);Đơn vị;Nguồn\r\n\
        1;Tp. Hà Nội;Q. Hà Đông;;Thu nhận hồ sơ định danh điện tử;23h ngày 5/6/2023;257.890;269.950;95,5;hồ sơ;Báo cáo\r\n";
    let parsed = read(text);
    let reported = only(&parsed);
    assert_eq!(
        (code(reported), reported.indicator.as_str()),
        ("268", "eid.collected")
    );
    assert_eq!(reported.source.as_ref().unwrap().title, "Báo cáo");
    assert_eq!(
        (
            parsed.rows[0].row,
            parsed.rows[0].events[0].effective.as_str()
        ),
        (2, "2023-06-05T23")
    );
    let decomposed = "Ti\u{309}nh;Qua\u{323}\u{302}n;Chi\u{309} tie\u{302}u;Nga\u{300}y;So\u{302}\u{301} lu\u{31b}o\u{31b}\u{323}ng\nHa\u{300} No\u{323}\u{302}i;Ha\u{300} Đo\u{302}ng;Thu nha\u{323}\u{302}n ho\u{302}\u{300} so\u{31b} đi\u{323}nh danh đie\u{323}\u{302}n tu\u{31b}\u{309};5/6/2023;257.890\n";
    let parsed = read(decomposed);
    let reported = only(&parsed);
    assert_eq!(
        (code(reported), reported.indicator.as_str()),
        ("268", "eid.collected")
    );
    assert_eq!(parsed.rows[0].events[0].effective, "2023-06-05");
}

#[test]
fn tabs_separate_too_and_a_code_may_stand_for_names() {
    let parsed =
        read("ma\tchi tieu\tngay\tso luong\tmau so\n00070\teid.activated\t2025-08-01\t10\t20\n");
    let reported = only(&parsed);
    assert_eq!(reported.locality.as_ref().unwrap().since, "2025-07-01");
    assert_eq!(reported.denominator.as_ref().unwrap().kind, "quota");
    let parsed =
        read("ma,tinh,chi tieu,ngay,so luong\n00070,Khánh Hòa,eid.activated,2023-06-01,10\n");
    assert_eq!(problems(&parsed), [(2, "ma", "PLACE_CONTRADICTS")]);
    let parsed = read("ma,tinh,chi tieu,ngay,so luong\n268,Hà Nội,eid.activated,2023-06-01,10\n");
    assert_eq!(code(only(&parsed)), "268");
    let parsed = read("ma,chi tieu,ngay,so luong\n1,eid.activated,2023-06-01,10\n");
    assert_eq!(problems(&parsed), [(2, "ma", "CODE_FORMAT")]);
    assert!(parsed.problems[0].detail.contains("Thành phố Hà Nội (01)"));
}

#[test]
fn an_ambiguous_name_is_told_with_its_candidates() {
    let row = |district: &str, commune: &str| {
        rows(&format!(
            "Hà Tĩnh,{district},{commune},eid_activated,2023-06-07,10,,,accounts,x"
        ))
    };
    for name in ["Kỳ Anh", "ky anh"] {
        let parsed = row(name, "");
        assert_eq!(
            problems(&parsed),
            [(2, "district", FileReason::AmbiguousPlace.code())]
        );
        let problem = &parsed.problems[0];
        for candidate in ["Huyện Kỳ Anh (447)", "Thị xã Kỳ Anh (449)"] {
            assert!(problem.detail.contains(candidate) && problem.vi.contains(candidate));
        }
    }
    for (name, expected) in [
        ("Thị xã Kỳ Anh", "449"),
        ("TX Kỳ Anh", "449"),
        ("TX. ky anh", "449"),
        ("huyện Kỳ Anh", "447"),
        ("H. Kỳ Anh", "447"),
    ] {
        assert_eq!(code(only(&row(name, ""))), expected, "{name}");
    }
    // What lies below tells which one is meant.
    let parsed = row("Kỳ Anh", "Kỳ Hoa");
    assert_eq!(code(only(&parsed)).len(), 5);
}

#[test]
fn names_are_found_as_spelled_before_without_marks() {
    let row =
        |places: &str, date: &str| rows(&format!("{places},eid_activated,{date},10,,,accounts,x"));
    for (places, date, expected) in [
        ("Hoà Bình,,", "2023-06-01", "17"),
        ("TP.HCM,Quận 1,", "2023-06-01", "760"),
        ("ho chi minh,Q.01,", "2023-06-01", "760"),
        ("Hà Nội,Thanh Trì,Yên Mỹ", "2023-06", "00661"),
        ("thanh pho ha noi,thanh tri,xa yen my", "2023-06", "00661"),
        ("Khánh Hòa,,", "2025-08-01", "56"),
        ("Hà Nội,,Phường Ba Đình", "2025-08-01", "00004"),
    ] {
        let parsed = row(places, date);
        assert_eq!(code(only(&parsed)), expected, "{places}");
    }
    let parsed = row("Hà Nội,Hà Đông,", "2025-08-01");
    assert_eq!(problems(&parsed), [(2, "district", "LOCALITY_NOT_VALID")]);
    let parsed = row("Hà Nội,Kỳ Anh,", "2023-08-01");
    assert_eq!(problems(&parsed), [(2, "district", "UNKNOWN_LOCALITY")]);
    assert!(
        parsed.problems[0].detail.contains("Huyện Kỳ Anh (447)"),
        "{}",
        parsed.problems[0].detail
    );
}

#[test]
fn lines_are_those_of_the_file() {
    for end in ["\n", "\r\n", "\r"] {
        let good = "Hà Nội,,,eid_activated,2023-06-07,10,,,accounts,x";
        let bad = "Hà Nội,,,eid_activated,2023-06-07,ten,,,accounts,x";
        let other = "Hà Nội,,,eid_activated,2023-06-07,10,,,accounts,y";
        let text = ["", HEADER, "", good, ",,,,,,,,,", "", "  ", bad, other, ""].join(end);
        let parsed = read(&text);
        assert_eq!(
            problems(&parsed),
            [(8, "value", "NUMBER_FORMAT")],
            "{end:?}"
        );
        let lines: Vec<u64> = parsed.rows.iter().map(|row| row.row).collect();
        assert_eq!(lines, [4, 9], "{end:?}");
    }
}

#[test]
fn columns_and_cells_that_are_not_known_are_told() {
    let parsed =
        read("province,indicator,date,value,colour,\nHà Nội,eid.activated,2023-06-07,10,red,,8\n");
    assert_eq!(
        problems(&parsed),
        [
            (1, "colour", "UNKNOWN_COLUMN"),
            (2, "#7", "CELL_WITHOUT_COLUMN")
        ]
    );
    let parsed =
        read("province,indicator,date,value,colour,\nHà Nội,eid.activated,2023-06-07,10,red,\n");
    assert_eq!(
        (parsed.rows.len(), problems(&parsed)),
        (1, vec![(1, "colour", "UNKNOWN_COLUMN")])
    );
}

#[test]
fn a_quotation_mark_left_open_swallows_no_row_unnoticed() {
    let good = "Hà Nội,,,eid_activated,2023-06-07,10,,,accounts";
    let parsed = rows(&format!("{good},x\n{good},\"Báo cáo\n{good},y"));
    assert_eq!(
        (parsed.rows.len(), problems(&parsed)),
        (1, vec![(3, "", "UNCLOSED_QUOTE")])
    );
    let parsed = rows(&format!("{good},\"Báo cáo\n{good},\"y\"\n{good},z"));
    assert_eq!(problems(&parsed)[0], (2, "source", "TEXT_FORMAT"));
}

#[test]
fn files_that_cannot_be_read_say_what_to_do() {
    let reason = |bytes: &[u8]| {
        let error = parse(bytes, &context()).unwrap_err();
        assert!(!error.vi().is_empty());
        error.reason()
    };
    assert_eq!(reason(b""), "FILE_EMPTY");
    assert_eq!(reason("\u{feff}\r\n\r\n,,,\r\n".as_bytes()), "FILE_EMPTY");
    assert_eq!(
        reason(b"Khanh Hoa,,,eid_activated,2023-06-07,10"),
        "HEADER_NOT_FOUND"
    );
    assert_eq!(reason(b"province,value,target\nA,1,2"), "COLUMN_MISSING");
    assert_eq!(
        reason("province,tỉnh,indicator,date,value".as_bytes()),
        "COLUMN_TWICE"
    );
    assert_eq!(reason(b"province\xff"), "FILE_NOT_UTF8");
    let error = parse(b"province,value\nH\xc3\xa0 N\xff", &context()).unwrap_err();
    assert!(error.to_string().starts_with("byte 21 (line 2)"), "{error}");
    let missing = parse(b"province,value", &context()).unwrap_err();
    assert!(missing.to_string().contains("indicator, date"), "{missing}");
    let mut anonymous = context();
    anonymous.actor.office.clear();
    assert_eq!(
        parse(PUBLISHED.as_bytes(), &anonymous)
            .unwrap_err()
            .reason(),
        "ACTOR_NOT_STATED"
    );
}

#[test]
fn a_header_alone_is_a_file_without_rows() {
    assert_eq!(read(HEADER), Parsed::default());
}

#[test]
fn what_is_too_large_is_refused() {
    let huge = format!(
        "{HEADER}\nHà Nội,,,,,,,,,{}\n",
        "x".repeat(RECORD_BYTES_MAX)
    );
    let error = parse(huge.as_bytes(), &context()).unwrap_err();
    assert_eq!(
        (error.reason(), error.to_string().contains("line 2")),
        ("RECORD_TOO_LARGE", true)
    );
    let wide = format!("{HEADER}\n{}\n", ",".repeat(COLUMNS_MAX));
    assert_eq!(
        parse(wide.as_bytes(), &context()).unwrap_err().reason(),
        "TOO_MANY_COLUMNS"
    );
    let long = format!("{HEADER}\n{}", "a,\n".repeat(RECORDS_MAX + 1));
    assert_eq!(
        open(long.as_bytes()).unwrap_err().reason(),
        "TOO_MANY_RECORDS"
    );
    let large = vec![b'a'; FILE_BYTES_MAX + 1];
    assert_eq!(open(&large).unwrap_err().reason(), "FILE_TOO_LARGE");
}

#[test]
fn a_thousand_problems_are_all_listed() {
    let mut text = HEADER.to_owned();
    for _ in 0..1_000 {
        text += "\nHà Nội,,,eid_activated,2023-06-07,ten,,,accounts,x";
    }
    let parsed = read(&text);
    assert_eq!((parsed.rows.len(), parsed.problems.len()), (0, 1_000));
    assert_eq!(parsed.problems[999].row, 1_001);
}

#[test]
fn a_part_of_a_file_has_one_request_id_as_long_as_it_says_the_same() {
    let id = |text: &str, said: &[u8]| open(text.as_bytes()).unwrap().request_id(said);
    let first = id(PUBLISHED, b"one");
    assert_eq!((first, first.get_version_num()), (id(PUBLISHED, b"one"), 5));
    assert_ne!(first, id(PUBLISHED, b"two"));
    assert_ne!(first, id(HEADER, b"one"));
    // The same bytes with something said for all of them are another import.
    let options = Options {
        source: Some("Báo cáo".to_owned()),
        ..Options::default()
    };
    let said = Book::open(PUBLISHED.as_bytes(), options).unwrap();
    assert_ne!(first, said.request_id(b"one"));
}

/// Bytes like those of a file: cells, separators, quotes, and some that are none of it.
fn scrambled(seed: u64) -> Vec<u8> {
    const PARTS: [&[u8]; 24] = [
        b",",
        b",",
        b",",
        b";",
        b"\t",
        b"\n",
        b"\r\n",
        b"\r",
        b"\"",
        b"\xff",
        b"\0",
        b"-5",
        b"269.95",
        b"100%",
        b"2023-06",
        b"province",
        b"indicator",
        b"date",
        b"value",
        b"percent (",
        "Hà Nội".as_bytes(),
        "Kỳ Anh".as_bytes(),
        b"eid_activated",
        "\u{feff}\u{301}".as_bytes(),
    ];
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    let mut bytes = match next() % 3 {
        0 => Vec::new(),
        1 => format!("{HEADER}\n").into_bytes(),
        _ => b"code;indicator;date;percent;unit;target;mau so\n".to_vec(),
    };
    for _ in 0..next() % 200 {
        let part = PARTS[(next() % PARTS.len() as u64) as usize];
        if part != b"\xff" || next() % 64 == 0 {
            bytes.extend_from_slice(part);
        }
    }
    bytes
}

#[test]
fn no_bytes_make_it_panic_or_lose_a_record() {
    let context = context();
    let mut read = 0;
    for seed in 0..4_000 {
        let bytes = scrambled(seed);
        let Ok(sheet) = open(&bytes) else {
            continue;
        };
        let parsed = super::parse(&sheet, &context).unwrap();
        let told = parsed.problems.iter().chain(&parsed.skipped);
        let mut lines: Vec<u64> = told.map(|problem| problem.row).collect();
        lines.extend(parsed.rows.iter().map(|row| row.row));
        lines.sort_unstable();
        lines.dedup();
        assert!(
            lines.len() >= sheet.len(),
            "seed {seed}: a record is neither read nor refused"
        );
        read += 1;
    }
    assert!(read > 1_000, "only {read} files had a header");
}

mod reports;
mod round_trip;
mod workbooks;
