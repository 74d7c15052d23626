//! Somebody watches a district while its services come and go.

use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;
use tempfile::TempDir;
use tiendo_tests::fact::{report, request};
use tiendo_tests::{Endpoints, Options, PATIENCE, Process, Refused, Tiendo, until};
use wire::v1;
use wire::v1::watch_request::Target;
use wire::v1::watch_response::Message;

/// A day on which there was a Nha Trang.
const DAY: &str = "2023-07-31";

#[tokio::test(flavor = "multi_thread")]
async fn a_watch_outlives_the_service_it_asks() -> Result<()> {
    let mut tiendo = Tiendo::start(Options::sample()).await?;
    let endpoints = tiendo.endpoints()?;
    let folder = tempfile::tempdir()?;
    let (service, address) = projection(&folder, &endpoints, "0", "2025-06-30").await?;
    let watched = folder.path().join("watch");
    let mut watch = Process::start(
        &[
            "--server",
            &address,
            "--lang",
            "en",
            "-o",
            "json",
            "watch",
            "--locality",
            "568",
            "--below",
            "--as-of",
            DAY,
            "--after",
            "0",
        ],
        &watched,
    )?;
    let is_marker = |line: &Value| line.get("caughtUp").is_some();
    told(&watched, "the marker", is_marker).await?;
    // Without a day it is of today, which is the last one before the reform.
    let of_ward = folder.path().join("ward");
    let server = ["--server", &address, "--lang", "en", "-o", "json"];
    let ward = ["watch", "--locality", "22366", "--below"];
    let mut watch_of_ward = Process::start(&[&server[..], &ward].concat(), &of_ward)?;
    told(&of_ward, "the marker of the ward", is_marker).await?;
    let before = record(&tiendo, "568", "2023-07-20", 700_000).await?;
    told(&watched, "the report", |line| line["position"] == before).await?;

    service.stop().await?;
    let lost = |line: &str| line.contains("STOPPING") && line.contains("after position");
    watch.says("that the connection is lost", lost).await?;
    watch_of_ward.says("the same", lost).await?;
    let meanwhile = record(&tiendo, "568", "2023-07-21", 700_100).await?;
    let port = address.rsplit(':').next().context("a port")?;
    let (service, _) = projection(&folder, &endpoints, port, "2025-07-31").await?;
    told(&watched, "the other report", |line| {
        line["position"] == meanwhile
    })
    .await?;
    watch.kill();

    let events = lines(&watched)?
        .into_iter()
        .filter(|line| line.get("event").is_some());
    let seen: Vec<u64> = events
        .filter_map(|line| line["position"].as_u64())
        .collect();
    assert_eq!(
        seen,
        history(&tiendo).await?,
        "another service tells the same"
    );
    ensure!(
        seen.len() > 100,
        "the sample says more of Nha Trang: {seen:?}"
    );
    // The reform gave the ward's code to another; the watch is of the one it began with.
    let late = record(&tiendo, "22366", "2023-07-22", 7_000).await?;
    told(&of_ward, "a report of the ward that was", |line| {
        line["position"] == late && line.get("event").is_some()
    })
    .await?;
    watch_of_ward.kill();
    service.stop().await?;
    says_where_to_go_on(&mut tiendo, late).await?;
    tiendo.finish().await
}

/// A projection of its own for which it is some day, and its address.
async fn projection(
    folder: &TempDir,
    host: &Endpoints,
    port: &str,
    today: &str,
) -> Result<(Process, String)> {
    let data = folder
        .path()
        .join("projection")
        .to_string_lossy()
        .into_owned();
    let mut arguments = vec!["serve", "projection", "--lang", "en", "--data", &data];
    arguments.extend([
        "--nats",
        &host.nats,
        "--ledger",
        "khanh-hoa",
        "--ingest",
        &host.ingest,
    ]);
    arguments.extend(["--port", port, "--http-port", "0", "--today", today]);
    let mut process = Process::start(
        &arguments,
        &folder.path().join(format!("projection-{port}")),
    )?;
    let ready = |line: &str| line.starts_with("projection ready");
    let line = process.says("projection ready", ready).await?;
    let address = line
        .split_whitespace()
        .find(|word| word.starts_with("http://"));
    let address = address
        .context(line.clone())?
        .trim_end_matches(',')
        .to_owned();
    Ok((process, address))
}

/// Reports a figure of a place; its position.
async fn record(tiendo: &Tiendo, code: &str, day: &str, value: i64) -> Result<u64> {
    let reported = request(report(code, day, value));
    let answer = tiendo.ingest().await?.record(reported).await?.into_inner();
    let receipt = answer.receipt.context("a receipt")?;
    Ok(receipt.first_position)
}

/// What the command printed by now.
fn lines(watched: &Path) -> Result<Vec<Value>> {
    let text = std::fs::read_to_string(watched.with_extension("stdout"))?;
    // The last line may not be whole yet.
    let whole = text.rsplit_once('\n').map_or("", |(whole, _)| whole);
    whole
        .lines()
        .map(|line| Ok(serde_json::from_str(line)?))
        .collect()
}

/// Waits until the command has printed a line.
async fn told(watched: &Path, what: &str, is_it: impl Fn(&Value) -> bool) -> Result<()> {
    let look = async || Ok(lines(watched)?.iter().any(&is_it).then_some(()));
    until(what, PATIENCE, look).await
}

fn nha_trang(after_position: u64) -> v1::WatchRequest {
    let wanted = v1::WatchedLocality {
        code: "568".to_owned(),
        include_below: true,
        since: String::new(),
    };
    v1::WatchRequest {
        target: Some(Target::Locality(wanted)),
        after_position: Some(after_position),
        at: Some(v1::ReadAt {
            as_of: DAY.to_owned(),
            ..v1::ReadAt::default()
        }),
    }
}

/// The positions that the instance's own service tells of up to now.
async fn history(tiendo: &Tiendo) -> Result<Vec<u64>> {
    let answer = tiendo.query().await?.watch(nha_trang(0)).await?;
    let (mut messages, mut positions) = (answer.into_inner(), Vec::new());
    while let Some(response) = messages.message().await? {
        match response.message {
            Some(Message::Event(_)) => positions.push(response.position),
            Some(Message::CaughtUp(_)) => return Ok(positions),
            Some(Message::Heartbeat(_)) | None => {}
        }
    }
    anyhow::bail!("the watch ended before it caught up")
}

/// A stop of everything ends a watch by name.
async fn says_where_to_go_on(tiendo: &mut Tiendo, newest: u64) -> Result<()> {
    let answer = tiendo.query().await?.watch(nha_trang(newest)).await?;
    let mut messages = answer.into_inner();
    let marker = messages.message().await?.context("a marker")?;
    assert!(matches!(marker.message, Some(Message::CaughtUp(_))));
    tiendo.stop().await?;
    let last = tokio::time::timeout(PATIENCE, messages.message()).await?;
    let status = last.err().context("the watch ended without a word")?;
    assert_eq!(Refused::of(&status).reason, "STOPPING");
    assert_eq!(wire::status::after_position(&status), Some(marker.position));
    Ok(())
}
