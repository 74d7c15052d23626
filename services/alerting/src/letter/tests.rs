//! Letters read as an official reads them.

use std::io::{Cursor, Read as _};

use super::*;

fn name(vi: &str) -> Option<v1::Name> {
    let (vi, en) = (vi.to_owned(), String::new());
    Some(v1::Name { vi, en })
}

/// 43,000 of 50,000 accounts on 7 June 2023, of which 47,500 were asked for by 30 June.
fn verdict(counted: bool) -> v1::Verdict {
    let day = |iso: &str| lag::day(iso.parse().unwrap(), None);
    let terms = [
        ("figure_at", day("2023-06-07")),
        ("count", 43_000.0),
        ("denominator", 50_000.0),
        ("share", 0.86),
        ("target_share", 0.95),
        ("required", 47_500.0),
        ("missing", 4_500.0),
        ("deadline", day("2023-06-30")),
        ("pace", 100.0),
        ("forecast_low", 44_000.0),
        ("forecast_high", 46_500.0),
        ("stall_z", -4.0),
    ];
    v1::Verdict {
        locality_name: name("Quận <Thử> & \"Nghiệm\""),
        indicator_name: name("Tài khoản kích hoạt"),
        judged_for: "2023-06-08".to_owned(),
        sentence: name("Quận Thử Nghiệm, tài khoản kích hoạt: dự báo thiếu."),
        terms: terms
            .map(|(name, value)| v1::Term {
                name: name.to_owned(),
                value,
            })
            .to_vec(),
        positions: (1_200..1_215).collect(),
        position: 1_234,
        rules_version: "standard-1".to_owned(),
        counted,
        unit: name("tài khoản"),
        ..Default::default()
    }
}

fn draft(verdict: &v1::Verdict, step: Option<usize>) -> Letter {
    let ladder = crate::rules::shipped_steps();
    Letter::draft(&Occasion {
        verdict,
        step: step.map(|step| &ladder[step - 1]),
        above: &["Tỉnh Khánh Hòa".to_owned()],
        ledger: "khanh-hoa",
        day: "2023-02-08".parse().unwrap(),
        reply_by: "2023-02-15".parse().ok(),
    })
}

fn figure<'a>(letter: &'a Letter, label: &str) -> Option<&'a str> {
    let row = letter.figures.iter().find(|(name, _)| *name == label)?;
    Some(&row.1)
}

#[test]
fn a_letter_cites_the_figures_as_officials_write_them_and_their_positions() {
    let letter = draft(&verdict(true), Some(2));
    assert_eq!(letter.sender, "Ủy ban nhân dân tỉnh Khánh Hòa");
    assert_eq!(letter.subject, "đôn đốc tiến độ tài khoản kích hoạt");
    assert_eq!(letter.dateline, "Khánh Hòa, ngày 08 tháng 02 năm 2023");
    let expected = [
        ("Ngày của số liệu", "7/6/2023"),
        ("Kết quả", "43.000 tài khoản (86%)"),
        ("Chỉ tiêu", "47.500 tài khoản (95%)"),
        ("Thời hạn", "30/6/2023"),
        ("Còn thiếu so với chỉ tiêu", "4.500 tài khoản"),
        // 100 a day.
        ("Tốc độ hiện nay (mỗi tuần)", "700 tài khoản"),
        // 44,000 and 46,500 of 50,000.
        ("Khoảng dự báo", "88% – 93%"),
    ];
    for (label, value) in expected {
        assert_eq!(figure(&letter, label), Some(value), "{label}");
    }
    assert_eq!(letter.figures.len(), expected.len(), "{:?}", letter.figures);
    assert!(letter.request[0].ends_with("báo cáo kết quả chậm nhất ngày 15/2/2023."));
    assert_eq!(
        letter.source,
        "Căn cứ các sự kiện số 1.200; 1.201; 1.202; 1.203; 1.204; 1.205; 1.206; 1.207; 1.208; 1.209; 1.210; 1.211 và 3 sự kiện khác của sổ \"khanh-hoa\"; tính đến sự kiện số 1.234, theo quy tắc standard-1."
    );
}

#[test]
fn percentages_are_never_told_as_counts() {
    let letter = draft(&verdict(false), Some(1));
    assert_eq!(figure(&letter, "Kết quả"), Some("86%"));
    // 4,500 of 50,000.
    assert_eq!(
        figure(&letter, "Còn thiếu so với chỉ tiêu"),
        Some("9 điểm phần trăm")
    );
    // 700 of 50,000.
    assert_eq!(
        figure(&letter, "Tốc độ hiện nay (mỗi tuần)"),
        Some("1,4 điểm phần trăm")
    );
}

#[test]
fn each_step_asks_for_what_it_is_named_after_and_praise_for_nothing() {
    let words = [
        "nhắc",
        "đôn đốc",
        "giao ban",
        "giải trình",
        "phê bình",
        "kiểm điểm",
    ];
    for (step, word) in (1..).zip(words) {
        let letter = draft(&verdict(true), Some(step));
        let all = [vec![letter.subject.clone()], letter.request]
            .concat()
            .join(" ");
        assert!(all.to_lowercase().contains(word), "step {step}: {all}");
        assert!(
            all.contains("chậm nhất ngày 15/2/2023"),
            "step {step}: {all}"
        );
    }
    let mut step = crate::rules::shipped_steps()[5].clone();
    step.name.vi = "Thư của Tỉnh ủy".to_owned();
    let wording = wording(&step, v1::Concern::Overdue);
    assert_eq!(wording.subject, "thư của tỉnh ủy về tiến độ");
    let praise = draft(&verdict(true), None);
    assert_eq!(praise.subject, "biểu dương kết quả tài khoản kích hoạt");
    assert!(!praise.request.join(" ").contains("chậm nhất"));
    let mut late = verdict(true);
    late.terms.push(v1::Term {
        name: "done_early_days".to_owned(),
        value: -9.0,
    });
    assert!(
        draft(&late, None)
            .subject
            .starts_with("ghi nhận hoàn thành")
    );
}

#[test]
fn who_does_not_report_is_asked_to_report_and_not_reproached_with_figures() {
    for (concern, step) in [(v1::Concern::Silent, 5), (v1::Concern::NoData, 2)] {
        let letter = draft(
            &v1::Verdict {
                concern: concern as i32,
                ..verdict(false)
            },
            Some(step),
        );
        let all = [vec![letter.subject], letter.request].concat().join(" ");
        assert!(all.contains("số liệu") && !all.contains("tiến độ"), "{all}");
    }
}

#[test]
fn a_place_named_by_a_number_is_written_in_full_and_the_province_gets_a_copy() {
    let ladder = crate::rules::shipped_steps();
    let letter = Letter::draft(&Occasion {
        verdict: &verdict(true),
        step: Some(&ladder[4]),
        above: &["Quận 1".to_owned(), "Thành phố Hồ Chí Minh".to_owned()],
        ledger: "khanh-hoa",
        day: "2023-06-20".parse().unwrap(),
        reply_by: None,
    });
    assert_eq!(letter.dateline, "Quận 1, ngày 20 tháng 6 năm 2023");
    let copies = [
        "Như trên",
        "UBND thành phố Hồ Chí Minh (để báo cáo)",
        "Lưu: VT",
    ];
    assert_eq!(letter.copies, copies);
}

#[test]
fn a_place_that_may_be_named_after_a_person_is_written_in_full() {
    for (above, place) in [
        (&[][..], "Hà Nội"),
        (&["Tỉnh Khánh Hòa"], "Khánh Hòa"),
        (&["Thành phố Hà Nội"], "Hà Nội"),
        (&["Thành phố Hồ Chí Minh"], "Thành phố Hồ Chí Minh"),
        (
            &["Quận Hai Bà Trưng", "Thành phố Hà Nội"],
            "Quận Hai Bà Trưng",
        ),
        (
            &["Huyện Trần Văn Thời", "Tỉnh Cà Mau"],
            "Huyện Trần Văn Thời",
        ),
        (
            &["Thành phố Điện Biên Phủ", "Tỉnh Điện Biên"],
            "Thành phố Điện Biên Phủ",
        ),
        (&["Quận Hai Bà Trưng"], "Quận Hai Bà Trưng"),
        (&["Khánh Hòa"], "Khánh Hòa"),
    ] {
        let above: Vec<String> = above.iter().map(|&name| name.to_owned()).collect();
        let day = "2023-10-20".parse().unwrap();
        let expected = format!("{place}, ngày 20 tháng 10 năm 2023");
        assert_eq!(dateline(&above, day), expected);
    }
}

#[test]
fn both_forms_say_all_of_it_and_names_cannot_break_them() {
    let letter = draft(&verdict(true), Some(4));
    let page = html(&letter);
    assert!(page.contains("Chủ tịch UBND quận &lt;Thử&gt; &amp; &quot;Nghiệm&quot;"));
    let document = docx(&letter).unwrap();
    let mut archive = zip::ZipArchive::new(Cursor::new(document)).unwrap();
    let mut text = String::new();
    let mut part = archive.by_name("word/document.xml").unwrap();
    part.read_to_string(&mut text).unwrap();
    let escaped = |said: &str| {
        let said = said.replace('&', "&amp;").replace('<', "&lt;");
        said.replace('>', "&gt;").replace('"', "&quot;")
    };
    let said = letter.opening.iter().chain(&letter.request);
    let said = said.chain(letter.figures.iter().map(|(_, value)| value));
    for said in said.chain([
        &letter.addressee,
        &letter.subject,
        &letter.source,
        &letter.dateline,
    ]) {
        assert!(page.contains(&escaped(said)), "page: {said}");
        assert!(text.contains(&escaped(said)), "document: {said}");
    }
}
