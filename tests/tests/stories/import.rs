//! A file is imported, imported again, corrected and imported once more.

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;
use tiendo_tests::{Chapters, Options, Tiendo};

const HEADER: &str = "province,district,indicator,date,value,target,source_url\n";

#[tokio::test(flavor = "multi_thread")]
async fn a_file_and_its_corrections_are_recorded_once() -> Result<()> {
    let tiendo = Tiendo::start(Options::sample()).await?;
    let mut story = Chapters::new();
    let t = &tiendo;
    story.tell("a dry run records nothing", dry_run(t)).await;
    story
        .tell("the same file again changes nothing", again(t))
        .await;
    story
        .tell("a changed figure becomes one correction", changed(t))
        .await;
    story.tell("the old file undoes nothing", old(t)).await;
    story
        .tell("all or nothing, or what is valid", partly(t))
        .await;
    story
        .tell("what is implausible is told by row", implausible(t))
        .await;
    story.end()?;
    tiendo.finish().await
}

/// A CSV file beside the instance's data, with these rows.
fn file(t: &Tiendo, name: &str, rows: &[&str]) -> Result<String> {
    let path = t.data().with_file_name(name);
    std::fs::write(&path, format!("{HEADER}{}\n", rows.join("\n")))?;
    Ok(path.to_str().context("the folder is not UTF-8")?.to_owned())
}

const ROWS: [&str; 3] = [
    "Khánh Hòa,Nha Trang,eid_activated,1/6/2023,100.000,300.000,https://kh.vn/1",
    "Khánh Hòa,Nha Trang,eid_activated,8/6/2023,110.000,300.000,https://kh.vn/2",
    "Khánh Hòa,Cam Ranh,eid_activated,8/6/2023,40.000,90.000,https://kh.vn/2",
];

async fn head(t: &Tiendo) -> Result<u64> {
    Ok(t.ledger().await?.head)
}

/// Kind, and whether it was on record, of every accepted row.
fn accepted(report: &Value) -> Vec<(String, bool)> {
    let rows = report["accepted"].as_array().into_iter().flatten();
    let told = |row: &Value| {
        let kind = row["kind"].as_str().unwrap_or_default().to_owned();
        (kind, row["known"] == true)
    };
    rows.map(told).collect()
}

fn all(kind: &str, known: bool, rows: usize) -> Vec<(String, bool)> {
    vec![(kind.to_owned(), known); rows]
}

async fn dry_run(t: &Tiendo) -> Result<()> {
    let path = file(t, "june.csv", &ROWS)?;
    let before = head(t).await?;
    let report = t.json(&["import", &path, "--dry-run"]).await?;
    assert_eq!(accepted(&report), all("reported", false, 3));
    assert_eq!(report["accepted"][0]["position"], 0);
    assert_eq!(head(t).await?, before);
    Ok(())
}

async fn again(t: &Tiendo) -> Result<()> {
    let path = file(t, "june.csv", &ROWS)?;
    let before = head(t).await?;
    let first = t.json(&["import", &path]).await?;
    assert_eq!(accepted(&first), all("reported", false, 3));
    assert_eq!(first["accepted"][0]["position"], before + 1);
    assert_eq!(first["repeated"], false);
    let second = t.json(&["import", &path]).await?;
    assert_eq!(accepted(&second), all("reported", true, 3));
    assert_eq!(second["accepted"][0]["position"], before + 1);
    assert_eq!(second["repeated"], true);
    assert_eq!(head(t).await?, before + 3);
    Ok(())
}

async fn changed(t: &Tiendo) -> Result<()> {
    let mut rows = ROWS;
    rows[1] = "Khánh Hòa,Nha Trang,eid_activated,8/6/2023,112.500,300.000,https://kh.vn/2";
    let path = file(t, "june-corrected.csv", &rows)?;
    let before = head(t).await?;
    let dry = t.json(&["import", &path, "--dry-run"]).await?;
    let expected = [("reported", true), ("corrected", false), ("reported", true)];
    let expected = expected.map(|(kind, known)| (kind.to_owned(), known));
    assert_eq!(accepted(&dry), expected);
    let report = t.json(&["import", &path]).await?;
    assert_eq!(accepted(&report), expected);
    assert_eq!(
        head(t).await?,
        before + 1,
        "one correction and nothing else"
    );
    let again = t.json(&["import", &path]).await?;
    assert_eq!(accepted(&again), all("reported", true, 3));
    assert_eq!(head(t).await?, before + 1);
    Ok(())
}

async fn old(t: &Tiendo) -> Result<()> {
    let path = file(t, "june.csv", &ROWS)?;
    let before = head(t).await?;
    let report = t.json(&["import", &path]).await?;
    assert_eq!(accepted(&report), all("reported", true, 3));
    assert_eq!(head(t).await?, before);
    Ok(())
}

async fn partly(t: &Tiendo) -> Result<()> {
    let rows = [
        "Khánh Hòa,Nha Trang,eid_activated,15/6/2023,269.95,300.000,https://kh.vn/3",
        "Khánh Hòa,Cam Ranh,eid_activated,15/6/2023,45.000,90.000,https://kh.vn/3",
    ];
    let path = file(t, "partly.csv", &rows)?;
    let before = head(t).await?;
    let output = t.tiendo(&["import", &path, "-o", "json"]).await?;
    ensure!(output.code == 65, "{output:?}");
    let report: Value = serde_json::from_str(&output.stdout)?;
    assert_eq!(report["refused"][0]["row"], 2);
    assert_eq!(report["refused"][0]["column"], "value");
    assert_eq!(report["refused"][0]["reason"], "NUMBER_FORMAT");
    assert_eq!(head(t).await?, before);
    let report = t.json(&["import", &path, "--accept-valid"]).await?;
    assert_eq!(accepted(&report), all("reported", false, 1));
    assert_eq!(head(t).await?, before + 1);
    Ok(())
}

async fn implausible(t: &Tiendo) -> Result<()> {
    let rows = [
        "Khánh Hòa,Nha Trang,eid_activated,22/6/2023,111.900,300.000,https://kh.vn/4",
        "Khánh Hòa,Cam Ranh,eid_activated,22/6/2023,450.000,90.000,https://kh.vn/4",
    ];
    let path = file(t, "implausible.csv", &rows)?;
    let report = t.json(&["import", &path, "--accept-valid"]).await?;
    assert_eq!(report["accepted"][0]["findings"][0], "CUMULATIVE_FALLS");
    assert_eq!(report["refused"][0]["row"], 3);
    assert_eq!(report["refused"][0]["column"], "value");
    assert_eq!(report["refused"][0]["reason"], "FACTOR_OF_TEN");
    Ok(())
}
