//! The three services run apart, each with a data directory and ports of its own.

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;
use tiendo_tests::{Options, PATIENCE, Process, Tiendo, binary, program, until};

#[tokio::test(flavor = "multi_thread")]
async fn the_services_run_apart() -> Result<()> {
    // Lends its NATS server to another ledger.
    let host = Tiendo::start(Options::empty()).await?;
    let nats = host.endpoints()?.nats;
    let folder = tempfile::tempdir()?;
    let service = async |name: &str, more: &[&str]| -> Result<(Process, String)> {
        let data = folder.path().join(name).to_string_lossy().into_owned();
        let mut arguments = vec![
            "serve", name, "--lang", "en", "--data", &data, "--nats", &nats,
        ];
        arguments.extend(["--ledger", "ha-noi", "--port", "0", "--http-port", "0"]);
        arguments.extend(more);
        let mut process = Process::start(&arguments, &folder.path().join(name))?;
        let line = process
            .says(&format!("{name} ready"), |line| line.starts_with(name))
            .await?;
        let address = line
            .split_whitespace()
            .find(|word| word.starts_with("http://"));
        let address = address
            .context(line.clone())?
            .trim_end_matches(',')
            .to_owned();
        Ok((process, address))
    };
    let (ingest, ingest_at) = service("ingest", &[]).await?;
    let (mut projection, projection_at) = service("projection", &["--ingest", &ingest_at]).await?;
    let today = ["--ingest", &ingest_at, "--today", "2023-07-31"];
    let (alerting, alerting_at) = service("alerting", &today).await?;

    let ask = async |address: &str, arguments: &[&str]| -> Result<program::Output> {
        let mut all = vec!["--server", address, "--lang", "en"];
        all.extend(arguments);
        program::run(&binary()?, &all).await
    };
    ask(&ingest_at, &["load", "gazetteer", "catalogue", "sample"])
        .await?
        .ok()?;
    let shown = async || {
        let shown = ask(
            &projection_at,
            &["locality", "show", "56", "--as-of", "2023-07-31"],
        )
        .await?;
        Ok((shown.code == 0 && shown.stdout.contains("634,327")).then_some(()))
    };
    until("the figures of Khánh Hòa", PATIENCE, shown).await?;
    let listed = async || {
        let listed = ask(&alerting_at, &["case", "list"]).await?.ok()?;
        Ok(listed.contains("Bac Tu Liem").then_some(listed))
    };
    let listed = until("the case of Bắc Từ Liêm", PATIENCE, listed).await?;
    ensure!(listed.contains("Judged for 2023-07-31"), "{listed}");
    // Nothing of it is in the ledger of the host.
    assert_eq!(host.ledger().await?.head, 0);

    alerting.stop().await?;
    ingest.stop().await?;
    // Nobody tells of the log any more, as the relay did each second; every answer says since when.
    let silent = async || {
        let asked = ["indicator", "list", "-o", "json"];
        let answer: Value = serde_json::from_str(&ask(&projection_at, &asked).await?.ok()?)?;
        let heard = answer["at"]["headHeardSeconds"].as_f64();
        Ok(heard.is_some_and(|seconds| seconds > 5.0).then_some(()))
    };
    until("a log that is silent", PATIENCE, silent).await?;

    // An empty log takes its place, as one that was restored from too old a copy.
    let port = ingest_at.rsplit(':').next().context("a port")?;
    let data = folder.path().join("another");
    let shown = data.to_string_lossy().into_owned();
    #[rustfmt::skip]
    let arguments = [
        "serve", "ingest", "--lang", "en", "--data", &shown, "--nats", &nats, "--ledger", "ha-noi",
        "--port", port, "--http-port", "0",
    ];
    let mut another = Process::start(&arguments, &data)?;
    let is_ready = |line: &str| line.starts_with("ingest ready");
    another.says("ingest ready", is_ready).await?;
    let is_named = |line: &str| line.contains("ERROR") && line.contains("LOG_BEHIND_STATE");
    projection.says("that the log is behind", is_named).await?;
    let ready = program::page(&http_of(&projection)?, "/readyz").await?;
    ensure!(
        ready.contains("LOG_BEHIND_STATE: the log ends at 0"),
        "{ready}"
    );
    another.stop().await?;
    projection.stop().await?;
    host.finish().await
}

/// Where the pages of a service are, as it said when it was ready.
fn http_of(service: &Process) -> Result<String> {
    let said = service.said()?;
    let address = said.split(", http http://").nth(1);
    let address = address.and_then(|rest| rest.split_whitespace().next());
    Ok(address.context(said.clone())?.to_owned())
}
