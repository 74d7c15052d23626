//! What `bench query` tells of a small load, with the services and the bus that it starts.

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;
use tiendo_tests::{binary, program};

/// Where a nats-server is kept that was fetched.
const TOOLS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../target/tools");

#[tokio::test]
async fn what_is_recorded_is_read_at_once_and_each_goal_says_whether_it_was_met() -> Result<()> {
    let arguments = [
        "bench",
        "query",
        "-o",
        "json",
        "--communes",
        "1",
        "--days",
        "2",
        "--rounds",
        "1",
        "--seconds",
        "0.01",
        "--clients",
        "2",
        "--rate",
        "100",
        "--cache",
        TOOLS,
    ];
    let told = program::run(&binary()?, &arguments).await?.ok()?;
    let told: Value = serde_json::from_str(&told)?;
    let rows = told["rows"].as_array().context("no rows")?;
    let row = |name: &str, load: Option<&str>| {
        let found = rows
            .iter()
            .find(|row| row["name"] == name && row["load"].as_str() == load);
        found.with_context(|| format!("no row '{name}' ({load:?})"))
    };
    for load in ["closed loop", "100/s"] {
        let asked = row("figure, as of", Some(load))?;
        ensure!(asked["p99_us"]["median"].as_f64() > Some(0.0), "{asked}");
        let goal = &asked["goals"][0];
        ensure!(goal["goal"] == "≤ 1.3 × newest", "{asked}");
        let met = goal["measured"].as_f64() <= Some(1.3);
        ensure!(goal["met"] == met, "{asked}");
    }
    // Each read was compared with what had been recorded; a second is what it takes without a bus.
    let read = row("read after it", Some("closed loop"))?;
    ensure!(read["p99_us"]["median"].as_f64() < Some(1e6), "{read}");
    row("start from a snapshot", None)?;
    let snapshot = &told["snapshot"];
    ensure!(snapshot["position"] == told["events"], "{snapshot}");
    ensure!(snapshot["newer_events"] == 10_000, "{snapshot}");
    ensure!(snapshot["bytes"].as_u64() > Some(0), "{snapshot}");
    Ok(())
}

#[tokio::test]
async fn every_series_of_a_load_is_judged_and_one_more_report_with_its_siblings() -> Result<()> {
    let below = tempfile::tempdir()?;
    let log = below.path().join("log");
    let log = log.to_str().context("the folder is not UTF-8")?;
    let load = ["--directory", log, "--communes", "3", "--days", "3"];
    let run = async |what: &[&str]| -> Result<Value> {
        let line = [&["bench"], what, &load, &["-o", "json"]].concat();
        let told = program::run(&binary()?, &line).await?.ok()?;
        Ok(serde_json::from_str(&told)?)
    };
    let made = run(&["generate"]).await?;
    let told = run(&["judge", "--rounds", "1"]).await?;
    ensure!(made["events"].as_u64() > Some(0), "{made}");
    // Three communes, the district and the province they lie in, 40 series each.
    ensure!(told["series"] == 5 * 40, "{told}");
    ensure!(told["judgements"].as_u64() >= Some(5 * 40 * 3), "{told}");
    ensure!(told["report_p50_us"].as_f64() > Some(0.0), "{told}");
    ensure!(told["report_judgements"].as_f64() >= Some(1.0), "{told}");
    ensure!(told["rows"].as_array().map(Vec::len) == Some(3), "{told}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn every_figure_that_opens_or_clears_a_case_has_an_alert_whose_time_is_told() -> Result<()> {
    let line = [
        "bench", "alert", "--places", "5", "--rate", "50", "--cache", TOOLS, "-o", "json",
    ];
    let told = program::run(&binary()?, &line).await?.ok()?;
    let told: Value = serde_json::from_str(&told)?;
    let rows = told["rows"].as_array().context("rows")?;
    ensure!(
        rows.len() == 2,
        "behind the event, behind the request: {told}"
    );
    let p50 = |row: &Value| row["p50_us"]["median"].as_f64();
    ensure!(p50(&rows[0]) > Some(0.0), "{told}");
    ensure!(
        p50(&rows[1]) > p50(&rows[0]),
        "a request begins before its event: {told}"
    );
    ensure!(rows[0]["goals"][0]["met"].is_boolean(), "{told}");
    Ok(())
}

#[tokio::test]
async fn an_event_stands_beside_a_bare_message_and_an_emptied_bus_is_filled() -> Result<()> {
    let arguments = [
        "bench",
        "bus",
        "-o",
        "json",
        "--rates",
        "100",
        "--rounds",
        "1",
        "--seconds",
        "0.2",
        "--events",
        "1000",
        "--sleeper",
        "2000",
        "--sleeper-rate",
        "100",
        "--cache",
        TOOLS,
    ];
    let told = program::run(&binary()?, &arguments).await?.ok()?;
    let told: Value = serde_json::from_str(&told)?;
    let rows = told["rows"].as_array().context("no rows")?;
    let row = |name: &str| {
        let found = rows.iter().find(|row| row["name"] == name);
        found.with_context(|| format!("no row '{name}'"))
    };
    let took = |name: &str| anyhow::Ok(row(name)?["p99_us"]["median"].as_f64().context("a p99")?);
    let (event, bare) = (took("event at a subscriber")?, took("bare publish")?);
    let most = 2.0 * bare + took("fdatasync")?;
    let goal = &row("event at a subscriber")?["goals"][0];
    ensure!(event > 0.0 && bare > 0.0, "{told}");
    ensure!(
        goal["measured"] == event && goal["met"] == (event <= most),
        "{told}"
    );
    let relayed = row("relay into an empty bus")?;
    let bare = row("bare pipelined publish")?;
    let part = |row: &Value| row["per_s"]["median"].as_f64();
    let filled = part(relayed).context("a rate")? / part(bare).context("a rate")?;
    let told = relayed["goals"][0]["measured"].as_f64().context("a goal")?;
    ensure!((told - filled).abs() < 1e-6, "{relayed}");
    let spread = row("bare, under as many subjects")?["per_s"]["median"].as_f64();
    ensure!(spread > Some(0.0), "{spread:?}");
    let asleep = row("event while a subscriber sleeps")?;
    let awake = row("event while it catches up")?;
    let slowed = part(awake).context("a rate")? / part(asleep).context("a rate")?;
    let told = awake["goals"][0]["measured"].as_f64().context("a goal")?;
    ensure!((told - slowed).abs() < 1e-6, "{awake}");
    let read = row("that subscriber, catching up")?["per_s"]["median"].as_f64();
    ensure!(read > Some(0.0), "{read:?}");
    Ok(())
}
