//! Quảng Nam on 7 June 2023: five districts were criticised in public and two commended, and the same figures open the same cases.

use std::fs;

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;
use tiendo_tests::{Options, PATIENCE, Tiendo, until};

/// The figures as the product carries them.
const FILE: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../crates/tiendo/data/figures.csv"
);
/// The day of the meeting.
const DAY: &str = "2023-06-07";

/// Who was criticised, with the share as it was printed, and as a case tells it.
const CRITICISED: [(&str, &str, &str); 5] = [
    ("Huyện Bắc Trà My", "16.69", "16,7%"),
    ("Huyện Nam Trà My", "16.16", "16,2%"),
    ("Huyện Núi Thành", "16.01", "16,0%"),
    ("Huyện Phú Ninh", "12.1", "12,1%"),
    ("Thành phố Tam Kỳ", "16.59", "16,6%"),
];

#[tokio::test(flavor = "multi_thread")]
async fn the_districts_that_were_criticised_get_a_case_and_the_commended_none() -> Result<()> {
    let t = Tiendo::start(Options::empty().with(&["--today", DAY])).await?;
    t.text(&["load", "gazetteer", "catalogue", "relations"])
        .await?;
    let file = t.data().with_file_name("quang-nam.csv");
    fs::write(&file, of_that_day()?)?;
    let file = file.to_str().context("the folder is not UTF-8")?;
    let told = t.json(&["import", file]).await?;
    let head = t.ledger().await?.head;
    ensure!(
        told["accepted"].as_array().map(Vec::len) == Some(22),
        "figures, the quota and what was said of seven districts: {told:#}"
    );
    let cases = until("the judgement of all figures", PATIENCE, async || {
        let mut answer = t.json(&["case", "list"]).await?;
        let judged = answer["position"].as_u64() == Some(head);
        Ok(judged.then(|| answer["cases"].take()))
    })
    .await?;
    let cases = cases.as_array().context("cases")?;
    let mut sentences: Vec<&str> = cases.iter().filter_map(sentence).collect();
    sentences.sort_unstable();
    // (51.19 + 41.8 + 12.1 + 16.01 + 16.16 + 16.59 + 16.69)/7 = 24.36; seven tenths of it are 17.05.
    let expected = CRITICISED.map(|(name, _, share)| {
        format!(
            "{name}, kích hoạt tài khoản định danh điện tử: đến 7/6/2023 đạt {share}, \
             thấp hơn nhiều so với bình quân 24,4%; chưa có chỉ tiêu."
        )
    });
    assert_eq!(sentences, expected);
    for case in cases {
        ensure!(
            case["opened"]["concern"] == "CONCERN_BELOW_AVERAGE",
            "{case:#}"
        );
        let positions = case["opened"]["positions"].as_array().map(Vec::len);
        ensure!(positions == Some(7), "the seven figures compared: {case:#}");
        let told = case["notifications"].as_array().map(Vec::len);
        ensure!(told == Some(1), "told once: {case:#}");
    }
    t.finish().await
}

/// What was published of Quảng Nam that day: the province, its quota, and seven districts.
fn of_that_day() -> Result<String> {
    let all = fs::read_to_string(FILE)?;
    let (header, rows) = all.split_once('\n').context("a header")?;
    let of_that_day = rows
        .lines()
        .filter(|row| row.starts_with("Quảng Nam,") && row.contains(DAY));
    let rows: Vec<&str> = of_that_day.collect();
    for (name, printed, _) in CRITICISED {
        let (_, name) = name.split_once(' ').context("a kind before the name")?;
        let name = name.trim_start_matches("phố ");
        let criticised = |row: &&str| {
            row.contains(name) && row.contains(printed) && row.contains("(criticised)")
        };
        ensure!(rows.iter().any(criticised), "{name} in {rows:#?}");
    }
    let commended = rows.iter().filter(|row| row.contains("(commended)"));
    ensure!(
        commended.count() == 3,
        "two by their share, one by its count"
    );
    Ok(format!("{header}\n{}\n", rows.join("\n")))
}

/// Why a case opened.
fn sentence(case: &Value) -> Option<&str> {
    case["opened"]["sentence"]["vi"].as_str()
}
