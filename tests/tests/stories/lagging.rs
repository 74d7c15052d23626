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
    the_letter_cites_what_the_case_rests_on(&t, &cases[0]).await?;
    tried(&t, cases).await?;
    t.finish().await
}

/// The letter of criticism, as a page and as a document; a file that is there is never written over.
async fn the_letter_cites_what_the_case_rests_on(t: &Tiendo, case: &Value) -> Result<()> {
    let id = case["caseId"].as_str().context("an id")?;
    let folder = t.data().with_file_name("letters");
    fs::create_dir(&folder)?;
    let page = folder.join("phê bình.html");
    let shown = page.to_str().context("the folder is not UTF-8")?;
    let criticise = ["case", "letter", id, shown, "--step", "5"];
    t.text(&criticise).await?;
    let letter = fs::read_to_string(&page)?;
    let verdict = &case["opened"];
    let name = verdict["localityName"]["vi"].as_str().context("a name")?;
    let positions = verdict["positions"].as_array().context("positions")?;
    let positions: Vec<String> = positions.iter().map(Value::to_string).collect();
    for said in [
        sentence(case).context("a sentence")?,
        "Ủy ban nhân dân tỉnh Quảng Nam",
        "Quảng Nam, ngày 07 tháng 6 năm 2023",
        &format!("Phê bình UBND {} chậm tiến độ", small(name)),
    ] {
        ensure!(letter.contains(said), "{said} is missing in\n{letter}");
    }
    let cited = format!("Căn cứ các sự kiện số {} của sổ", positions.join("; "));
    ensure!(
        letter.replace('.', "").contains(&cited),
        "{cited}\n{letter}"
    );
    let document = folder.join("nhắc.docx");
    let document_shown = document.to_str().context("the folder is not UTF-8")?;
    t.text(&["case", "letter", id, document_shown]).await?;
    ensure!(fs::read(&document)?.starts_with(b"PK"), "a Word document");
    let unknown = id.replace("below_average", "overdue");
    for (arguments, code) in [
        (["case", "letter", id, shown], 64),
        (["case", "letter", id, "letter.odt"], 64),
        (["case", "letter", &unknown, "letter.html"], 66),
        (["case", "letter", "268", "letter.html"], 65),
    ] {
        let refused = t.tiendo(&arguments).await?;
        ensure!(refused.code == code, "{arguments:?}: {refused:?}");
    }
    Ok(())
}

/// The ledger tried again opens the same cases, and by another rule fewer, with those in force beside them.
async fn tried(t: &Tiendo, cases: &[Value]) -> Result<()> {
    let ids = |cases: &Value, name: &str| {
        let cases = cases.as_array().into_iter().flatten();
        let ids = cases.filter_map(|case| case[name].as_str().map(str::to_owned));
        let mut ids: Vec<String> = ids.collect();
        ids.sort_unstable();
        ids
    };
    let lived = ids(&Value::from(cases.to_vec()), "caseId");
    let report = t.json(&["rule", "backtest"]).await?;
    assert_eq!(ids(&report["tried"]["cases"], "case_id"), lived);
    ensure!(report.get("in_force").is_none(), "nothing else was tried");
    ensure!(report["to_day"] == DAY, "{report:#}");
    // Half of 24.36 is 12.18; of the five only Phú Ninh lies below it.
    let rules = t.data().with_file_name("rules.json");
    fs::write(&rules, r#"{"version":"half-1","average_factor":0.5}"#)?;
    let rules = rules.to_str().context("the folder is not UTF-8")?;
    let chart = t.data().with_file_name("chart.svg");
    let drawn = chart.to_str().context("the folder is not UTF-8")?;
    let asked = [
        "rule",
        "backtest",
        "--rules",
        rules,
        "--indicator",
        "eid.activated",
    ];
    let report = t.json(&[&asked[..], &["--chart", drawn]].concat()).await?;
    let (half, in_force) = (&report["tried"], &report["in_force"]);
    assert_eq!(half["rules"]["version"], "half-1");
    assert_eq!(half["case_count"], 1);
    assert_eq!(half["cases"][0]["locality_name"]["vi"], "Huyện Phú Ninh");
    assert_eq!(ids(&in_force["cases"], "case_id"), lived);
    ensure!(
        fs::read_to_string(&chart)?.contains("half-1"),
        "a panel for each"
    );
    let table = t.text(&asked).await?;
    ensure!(
        table.contains("half-1") && table.contains("standard-1"),
        "{table}"
    );
    // Nothing came of it.
    let after = t.json(&["case", "list", "--all"]).await?;
    assert_eq!(ids(&after["cases"], "caseId"), lived);
    Ok(())
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

/// A place's name within a sentence.
fn small(name: &str) -> String {
    let (first, rest) = name.split_at(1);
    format!("{}{rest}", first.to_lowercase())
}

/// Why a case opened.
fn sentence(case: &Value) -> Option<&str> {
    case["opened"]["sentence"]["vi"].as_str()
}
