//! What changed between two days, told with the operator's commands: work, a correction, and what adds up.

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;
use tiendo_tests::{Options, Tiendo};

const INDICATOR: &str = "eid.activated-l2";

/// A number that JSON writes as text; nothing reads as 0.
fn number(value: &Value) -> i64 {
    value
        .as_i64()
        .or_else(|| value.as_str()?.parse().ok())
        .unwrap_or(0)
}

/// The split of the count of the locality's own figures, which adds up.
async fn counted(tiendo: &Tiendo, views: &[&str]) -> Result<Value> {
    let asked = ["locality", "diff", "56", "--indicator", INDICATOR];
    let answer = tiendo.json(&[&asked[..], views].concat()).await?;
    let count = answer["indicators"][0]["own"]["count"].clone();
    let terms = ["corrections", "boundaryChanges", "newWork", "quotaChanges"];
    let terms: i64 = terms.iter().map(|term| number(&count[*term])).sum();
    let whole = number(&count["to"]) - number(&count["from"]);
    ensure!(terms == whole, "{terms} is not {whole}: {answer}");
    Ok(count)
}

async fn position(tiendo: &Tiendo, line: &[&str]) -> Result<String> {
    let who = ["--organisation", "Công an tỉnh", "--office", "PC06"];
    let answer = tiendo.json(&[line, &who[..]].concat()).await?;
    let position = &answer["receipt"]["firstPosition"];
    let position = position.as_u64().with_context(|| answer.to_string())?;
    Ok(position.to_string())
}

#[tokio::test(flavor = "multi_thread")]
async fn work_is_told_from_correction() -> Result<()> {
    let tiendo = Tiendo::start(Options::sample()).await?;
    let first = counted(&tiendo, &["--from", "2023-06-02", "--to", "2023-07-31"]).await?;
    ensure!(first["from"].is_null(), "nothing was reported: {first}");
    ensure!(number(&first["newWork"]) == 634_327, "{first}");
    ensure!(first["broughtBy"] == "DIFF_TERM_NEW_WORK", "{first}");

    let history = ["locality", "history", "56", "--indicator", INDICATOR];
    let figures = tiendo.json(&history).await?;
    let reported = figures["figures"][0]["figure"]["recorded"]["position"].clone();
    let reported = number(&reported).to_string();
    let before = tiendo.ledger().await?.head.to_string();
    let of = |value, day| {
        let source = ["--source", "Báo cáo tháng 8", "--as-of", day];
        let what = [
            "--indicator",
            INDICATOR,
            "--locality",
            "56",
            "--value",
            value,
        ];
        (what, source)
    };
    let (what, source) = of("630.000", "2023-07-31");
    let correct = ["correct", &reported, "--reason", "Tính trùng một huyện"];
    position(&tiendo, &[&correct[..], &what, &source].concat()).await?;
    let (what, source) = of("651.000", "2023-08-31");
    let report = ["report", INDICATOR];
    position(&tiendo, &[&report[..], &what[2..], &source].concat()).await?;

    let views = [
        "--from",
        "2023-07-31",
        "--from-known-at",
        &before,
        "--to",
        "2023-08-31",
    ];
    let split = counted(&tiendo, &views).await?;
    ensure!(number(&split["from"]) == 634_327, "{split}");
    ensure!(number(&split["corrections"]) == -4_327, "{split}");
    ensure!(number(&split["newWork"]) == 21_000, "{split}");
    ensure!(number(&split["to"]) == 651_000, "{split}");

    let views = [
        "--from",
        "2023-08-31",
        "--to",
        "2023-07-31",
        "--to-known-at",
        &before,
    ];
    let turned = counted(&tiendo, &views).await?;
    ensure!(number(&turned["corrections"]) == 4_327, "{turned}");

    let refused = tiendo
        .tiendo(&["locality", "diff", "56", "--from", ""])
        .await?;
    ensure!(refused.stderr.contains("REQUIRED"), "{refused:?}");
    let asked = ["locality", "diff", "56", "--from", "2023-06-02"];
    let shown = tiendo.tiendo_in("vi", &asked).await?.ok()?;
    ensure!(shown.contains("+630.000 việc mới làm (lần đầu)"), "{shown}");
    tiendo.finish().await
}
