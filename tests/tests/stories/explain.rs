//! Where a number comes from: an operator asks before and after a figure is corrected and retracted, and has the log prove each answer.

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use tiendo_tests::program::Output;
use tiendo_tests::{Chapters, Options, PATIENCE, Tiendo, binary, program, until};

/// The exit code of an answer that the log does not prove.
const REFUTED: i32 = 76;
const SOURCE: &str = "Báo cáo tuần";

#[tokio::test(flavor = "multi_thread")]
async fn every_number_names_the_events_behind_it_and_the_log_proves_them() -> Result<()> {
    let tiendo = Tiendo::start(Options::empty()).await?;
    let mut story = Chapters::new();
    let t = &tiendo;
    story.tell("places and an indicator", places(t)).await;
    story.tell("nobody has reported", silence(t)).await;
    story
        .tell("reported, corrected, retracted", figure(t))
        .await;
    story.tell("a sum and its parts", sum(t)).await;
    story.tell("what is not on record", unknown(t)).await;
    story.tell("another ledger proves nothing", forged(t)).await;
    story.end()?;
    tiendo.finish().await
}

async fn run(t: &Tiendo, arguments: &[&str]) -> Result<Output> {
    t.tiendo(arguments).await
}

/// Records something; the position at which it stands.
async fn position(t: &Tiendo, arguments: &[&str]) -> Result<u64> {
    let answer = t.json(arguments).await?;
    answer["receipt"]["firstPosition"]
        .as_u64()
        .with_context(|| format!("no position: {answer}"))
}

async fn places(t: &Tiendo) -> Result<()> {
    for (code, name, parent) in [
        ("99", "Tỉnh Mẫu", None),
        ("991", "Huyện Mẫu", Some("99")),
        ("992", "Huyện Bên", Some("99")),
    ] {
        let mut line = vec!["locality", "register", code, "--name", name];
        line.extend(["--as-of", "2020-01-01", "--source", "NQ 1"]);
        line.extend(parent.into_iter().flat_map(|parent| ["--parent", parent]));
        position(t, &line).await?;
    }
    let mut define = vec!["indicator", "define", "thu.nghiem", "--name", "Tài khoản"];
    define.extend(["--family", "thu", "--kind", "cumulative"]);
    define.extend(["--unit", "tài khoản", "--as-of", "2020-01-01"]);
    position(t, &define).await?;
    Ok(())
}

/// What an operator is told of a number once everything up to a position is in it.
async fn explained(t: &Tiendo, code: &str, more: &[&str], position: u64) -> Result<Value> {
    let mut line = vec!["figure", "explain", code, "thu.nghiem"];
    line.extend(["--as-of", "2024-03-01"]);
    line.extend(more);
    until("the events", PATIENCE, async || {
        let answer = t.json(&line).await?;
        let folded = answer["at"]["foldedPosition"].as_u64();
        Ok((folded >= Some(position)).then_some(answer))
    })
    .await
}

/// Position and kind of each event behind a number, without places and definition.
fn grounds(answer: &Value) -> Vec<(u64, &str)> {
    let around = ["DEFINITION", "REGISTRATION", "BOUNDARY"];
    let grounds = answer["grounds"].as_array().into_iter().flatten();
    let kinds = grounds.filter_map(|ground| {
        let kind = ground["kind"].as_str()?.strip_prefix("GROUND_KIND_")?;
        Some((ground["recorded"]["position"].as_u64()?, kind))
    });
    kinds.filter(|(_, kind)| !around.contains(kind)).collect()
}

/// The page in Vietnamese with proofs, which must hold for so many events.
async fn proved(t: &Tiendo, more: &[&str], events: usize) -> Result<String> {
    let mut line = vec!["figure", "explain"];
    line.extend(more);
    line.extend(["--as-of", "1/3/2024", "--proofs"]);
    let page = t.tiendo_in("vi", &line).await?.ok()?;
    let root = t.json(&["log", "checkpoint"]).await?;
    let size = root["checkpoint"]
        .as_str()
        .and_then(|text| text.lines().nth(1));
    let size = size.context("no size")?;
    let holds = format!(
        "Bằng chứng đúng cho {events} sự kiện: có trong sổ tiendo/khanh-hoa khi sổ có {size} sự kiện"
    );
    ensure!(page.contains(&holds), "not `{holds}` in\n{page}");
    Ok(page)
}

async fn silence(t: &Tiendo) -> Result<()> {
    let answer = explained(t, "991", &[], 4).await?;
    ensure!(answer.get("figure").is_none(), "{answer}");
    ensure!(answer["groundCount"] == 2, "{answer}");
    let page = proved(t, &["991", "thu.nghiem"], 2).await?;
    ensure!(
        page.starts_with("Tài khoản, Huyện Mẫu (991): chưa có số liệu")
            && page.contains("Chưa ai báo cáo số liệu nào"),
        "{page}"
    );
    Ok(())
}

fn report<'a>(code: &'a str, value: &'a str, day: &'a str) -> Vec<&'a str> {
    let mut line = vec!["report", "thu.nghiem", "--locality", code];
    line.extend(["--value", value, "--denominator", "20.000"]);
    line.extend(["--source", SOURCE, "--as-of", day]);
    line
}

async fn figure(t: &Tiendo) -> Result<()> {
    let first = position(t, &report("991", "10.000", "5/2/2024")).await?;
    let wrong = position(t, &report("991", "11.500", "12/2/2024")).await?;
    let before = explained(t, "991", &[], wrong).await?;
    ensure!(grounds(&before) == [(wrong, "HOLDS")], "{before}");
    let at = wrong.to_string();
    let mut line = report("991", "11.000", "12/2/2024");
    line.splice(..2, ["correct", &at, "--indicator", "thu.nghiem"]);
    line.extend(["--reason", "Cộng nhầm một xã"]);
    let right = position(t, &line).await?;
    let corrected = explained(t, "991", &[], right).await?;
    let expected = [(wrong, "CORRECTED"), (right, "HOLDS")];
    ensure!(grounds(&corrected) == expected, "{corrected}");
    // 11,000 of 20,000; both stand in the correction.
    let share = &corrected["shares"][0];
    ensure!(
        share["shareHundredths"] == 5_500
            && share["numeratorPosition"] == right
            && share["denominatorPosition"] == right,
        "{share}"
    );
    let page = proved(t, &["991", "thu.nghiem"], 4).await?;
    let follows = format!("55,00% = 11.000 (vị trí {right}) ÷ 20.000 (vị trí {right})");
    ensure!(page.contains(&follows), "not `{follows}` in\n{page}");
    ensure!(page.contains("Cộng nhầm một xã"), "{page}");
    let line = ["retract", &right.to_string(), "--reason", "Nhầm huyện"];
    let back = position(t, &line).await?;
    let after = explained(t, "991", &[], back).await?;
    let expected = [
        (first, "HOLDS"),
        (wrong, "CORRECTED"),
        (right, "RETRACTED"),
        (back, "RETRACTION"),
    ];
    ensure!(grounds(&after) == expected, "{after}");
    let then = explained(t, "991", &["--known-at", &right.to_string()], back).await?;
    ensure!(then["grounds"] == corrected["grounds"], "{then}");
    // Only the first is left; without that, none.
    let line = ["retract", &first.to_string(), "--reason", "Chưa ký"];
    let gone = position(t, &line).await?;
    let none = explained(t, "991", &[], gone).await?;
    ensure!(none.get("figure").is_none(), "{none}");
    let page = proved(t, &["991", "thu.nghiem"], 7).await?;
    let why = format!("Số liệu của 5/2/2024 đã rút ở vị trí {gone}: Chưa ký");
    ensure!(page.contains(&why), "not `{why}` in\n{page}");
    Ok(())
}

async fn sum(t: &Tiendo) -> Result<()> {
    let one = position(t, &report("991", "8.000", "20/2/2024")).await?;
    let two = position(t, &report("992", "9.000", "20/2/2024")).await?;
    let within = ["--boundaries", "2024-03-01"];
    let answer = explained(t, "99", &within, two).await?;
    ensure!(
        grounds(&answer) == [(one, "PART"), (two, "PART")],
        "{answer}"
    );
    // 17,000 of 40,000.
    ensure!(
        answer["sum"]["value"] == json!({"count": 17_000, "bound": "BOUND_EXACT"})
            && answer["shares"][0]["shareHundredths"] == 4_250,
        "{answer}"
    );
    // The province, its two districts, the definition and two figures.
    let page = proved(t, &["99", "thu.nghiem", "--boundaries", "1/3/2024"], 6).await?;
    ensure!(page.contains("17.000 trên 40.000, 42,50%"), "{page}");
    Ok(())
}

async fn unknown(t: &Tiendo) -> Result<()> {
    for (line, code, reason) in [
        (["98", "thu.nghiem"], 66, "UNKNOWN_LOCALITY"),
        (["99", "thu.gi"], 66, "UNKNOWN_INDICATOR"),
        (["99", "Thử gì"], 65, "CODE_FORMAT"),
    ] {
        let ended = run(t, &[&["figure", "explain"][..], &line].concat()).await?;
        ensure!(
            ended.code == code && ended.stderr.contains(reason),
            "{line:?}: {ended:?}"
        );
    }
    Ok(())
}

/// Answers of one ledger, proofs of another: what it holds at these positions is something else.
async fn forged(t: &Tiendo) -> Result<()> {
    let other = Tiendo::start(Options::empty()).await?;
    let folder = tempfile::tempdir()?;
    let endpoints = |of: &Tiendo| -> Result<Value> {
        let file = of.data().join("endpoints.json");
        Ok(serde_json::from_str(&std::fs::read_to_string(file)?)?)
    };
    let mut mixed = endpoints(t)?;
    mixed["ingest"] = endpoints(&other)?["ingest"].take();
    std::fs::write(folder.path().join("endpoints.json"), mixed.to_string())?;
    let ask = async || {
        let data = folder.path().display().to_string();
        let mut line = vec!["--data", &data, "--lang", "en", "figure", "explain"];
        line.extend(["991", "thu.nghiem", "--as-of", "1/3/2024", "--proofs"]);
        program::run(&binary()?, &line).await
    };
    // The same events in the same order, taken at another time.
    places(&other).await?;
    let ended = ask().await?;
    ensure!(
        ended.code == REFUTED
            && ended.stderr.contains("[GROUND_REFUTED]")
            && ended.stdout.is_empty(),
        "{ended:?}"
    );
    other.finish().await
}
