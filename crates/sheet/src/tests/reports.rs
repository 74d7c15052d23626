//! Reports as offices lay them out: titles, headers of several rows, totals, quotas, words of praise.

use super::*;

fn open_with(text: &str, options: Options) -> Result<Book, SheetError> {
    Book::open(text.as_bytes(), options)
}

fn parse_with(text: &str, options: Options) -> Parsed {
    super::super::parse(&open_with(text, options).unwrap(), &context()).unwrap()
}

/// Row and reason of what was passed over.
fn skipped(parsed: &Parsed) -> Vec<(u64, &str)> {
    let told = parsed.skipped.iter().map(|p| (p.row, p.reason));
    told.collect()
}

#[test]
fn a_report_of_the_province_with_two_header_rows_and_totals() {
    let text = "\
UBND TỈNH KHÁNH HÒA;;;;;;
Biểu 02: KẾT QUẢ KÍCH HOẠT TÀI KHOẢN (tính đến ngày 30/6/2023);;;;;;
STT;Đơn vị hành chính;;Kết quả;;;Ghi chú
;Tỉnh;Huyện;Số lượng;Chỉ tiêu giao;Tỷ lệ (%);
(1);(2);(3);(4);(5);(6)=4/5;(7)
1;Khánh Hòa;Nha Trang;150.000;200.000;75,0;
2;Khánh Hòa;Cam Ranh;40.000;50.000;80,0;
;Tổng cộng;;190.000;250.000;76,0;
3;Khánh Hòa;Diên Khánh;10.000;;;nộp muộn
;TOÀN TỈNH:;;200.001;;;
";
    let options = Options {
        indicator: Some("eid.activated".to_owned()),
        source: Some("Báo cáo 5/BC-CAT".to_owned()),
        ..Options::default()
    };
    let parsed = parse_with(text, options);
    assert_eq!(problems(&parsed), []);
    assert_eq!(skipped(&parsed), [(8, "TOTAL_ROW"), (10, "TOTAL_DIFFERS")]);
    assert!(parsed.skipped[1].detail.contains("add up to 10000"));
    let found: Vec<_> = parsed
        .rows
        .iter()
        .map(|row| {
            let figure = reported(row);
            (row.row, code(figure), count(figure.value.as_ref()))
        })
        .collect();
    assert_eq!(
        found,
        [(6, "568", 150_000), (7, "569", 40_000), (9, "574", 10_000)]
    );
    let first = reported(&parsed.rows[0]);
    assert_eq!(parsed.rows[0].events[0].effective, "2023-06-30");
    assert_eq!(first.indicator, "eid.activated");
    assert_eq!(first.source.as_ref().unwrap().title, "Báo cáo 5/BC-CAT");
    assert_eq!(
        (
            first.percent.as_str(),
            count(first.denominator.as_ref().unwrap().value.as_ref())
        ),
        ("75.0", 200_000)
    );
    assert_eq!(reported(&parsed.rows[2]).note, "nộp muộn");
}

#[test]
fn what_is_said_for_the_whole_file_stands_in_for_columns_only() {
    let text = "ma,so luong\n568,10\n";
    let error = open_with(text, Options::default()).unwrap_err();
    assert_eq!(error.reason(), "COLUMN_MISSING");
    let options = Options {
        indicator: Some("eid_activated".to_owned()),
        as_of: Some("21/6/2023".to_owned()),
        ..Options::default()
    };
    let parsed = parse_with(text, options.clone());
    assert_eq!(only(&parsed).indicator, "eid.activated");
    assert_eq!(parsed.rows[0].events[0].effective, "2023-06-21");
    // A cell left empty in a column that is there is a gap, and no invitation.
    let parsed = parse_with("ma,ngay,so luong\n568,,10\n", options);
    assert_eq!(problems(&parsed), [(2, "ngay", "REQUIRED")]);
}

#[test]
fn a_row_that_states_a_quota_assigns_it() {
    let parsed = read(PUBLISHED);
    let row = parsed.rows.iter().find(|row| row.row == 50).unwrap();
    let Some(v1::event::Body::QuotaAssigned(quota)) = &row.events[0].body else {
        panic!("{row:?}");
    };
    assert_eq!(row.events.len(), 1);
    assert_eq!(
        (quota.indicator.as_str(), quota.deadline.as_str()),
        ("eid.activated", "2023-06-30")
    );
    assert_eq!(quota.layer(), v1::QuotaLayer::Provincial);
    let denominator = quota.denominator.as_ref().unwrap();
    assert_eq!(count(denominator.value.as_ref()), 738_291);
    let document = quota.document.as_ref().unwrap();
    assert_eq!(
        (document.issuer.as_str(), document.title.as_str()),
        ("Không công bố", "baoquangnam.vn")
    );

    let text = "code,indicator,date,target,deadline,layer,document,issuer\n\
        568,eid.activated,2023-06-01,1000,31/12/2023,trung ương,12/KH-BCA,Bộ Công an\n\
        568,eid.activated,2023-06-01,1000,someday,nobody,,\n";
    let parsed = read(text);
    assert_eq!(
        problems(&parsed),
        [
            (3, "layer", "VALUE_UNSPECIFIED"),
            (3, "deadline", "DATE_FORMAT")
        ]
    );
    let Some(v1::event::Body::QuotaAssigned(quota)) = &parsed.rows[0].events[0].body else {
        panic!("{parsed:?}");
    };
    assert_eq!(quota.layer(), v1::QuotaLayer::Central);
    assert_eq!(
        (quota.deadline.as_str(), quota.target_percent.as_str()),
        ("2023-12-31", "100")
    );

    // A target alone may be a gap in a file of figures.
    let parsed = rows("Hà Nội,,,eid_activated,2023-06-07,,1000,,accounts,x");
    assert_eq!(problems(&parsed), [(2, "value", "NO_FIGURE")]);
    assert!(parsed.problems[0].detail.contains("tiendo quota assign"));
}

#[test]
fn who_is_praised_or_blamed_in_public_is_recorded_as_that() {
    let parsed = read(PUBLISHED);
    let judged: Vec<(u64, i32)> = parsed
        .rows
        .iter()
        .filter_map(|row| match &row.events.get(1)?.body {
            Some(v1::event::Body::AssessmentPublished(judged)) => {
                Some((row.row, judged.assessment))
            }
            _ => None,
        })
        .collect();
    let (praised, blamed) = (
        v1::Assessment::Commended as i32,
        v1::Assessment::Criticised as i32,
    );
    let expected: Vec<(u64, i32)> = [52, 54, 55]
        .map(|row| (row, praised))
        .into_iter()
        .chain((56..=60).map(|row| (row, blamed)))
        .collect();
    assert_eq!(judged, expected);
    let parsed = rows("Hà Nội,Hà Đông,,eid_activated,2023-06-07,,,12,% (Phê bình),Công điện");
    let Some(v1::event::Body::AssessmentPublished(judged)) = &parsed.rows[0].events[1].body else {
        panic!("{parsed:?}");
    };
    assert_eq!(judged.text.as_ref().unwrap().vi, "phê bình");
    assert_eq!(judged.source.as_ref().unwrap().title, "Công điện");
}

#[test]
fn what_a_file_says_twice_is_recorded_once_and_never_two_ways() {
    let row = |value: &str, source: &str| {
        format!("Hà Nội,,,eid_activated,2023-06-07,{value},,,accounts,{source}")
    };
    let parsed = rows(&[row("10", "x"), row("10", "x"), row("10", "y")].join("\n"));
    assert_eq!(problems(&parsed), []);
    assert_eq!(skipped(&parsed), [(3, "ROW_TWICE")]);
    assert_eq!(parsed.rows.len(), 2, "another source is another figure");
    let parsed = rows(&[row("10", "x"), row("11", "x")].join("\n"));
    assert_eq!(problems(&parsed), [(3, "value", "ROW_TWICE")]);
    assert!(parsed.problems[0].detail.contains("row 2"));
}

#[test]
fn an_identity_may_be_named_by_its_first_day() {
    let row = |code: &str, since: &str, date: &str| {
        read(&format!(
            "code,since,indicator,date,value,bound\n{code},{since},eid.activated,{date},10,at-least\n"
        ))
    };
    // 56 is Khánh Hòa before and after the reform; the day tells which.
    let parsed = row("56", "2023-04-10", "2023-06-01");
    let figure = only(&parsed);
    assert_eq!(figure.locality.as_ref().unwrap().since, "2023-04-10");
    assert_eq!(figure.value.as_ref().unwrap().bound(), v1::Bound::AtLeast);
    let parsed = row("56", "2025-07-01", "2025-08-01");
    assert_eq!(only(&parsed).locality.as_ref().unwrap().since, "2025-07-01");
    assert_eq!(
        problems(&row("56", "2020-01-01", "2023-06-01")),
        [(2, "since", "UNKNOWN_LOCALITY")]
    );
    assert_eq!(
        problems(&row("56", "x", "2023-06-01")),
        [(2, "since", "DATE_FORMAT")]
    );
}
