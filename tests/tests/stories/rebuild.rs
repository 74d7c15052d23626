//! A state folded anew beside the one that answers takes its place and gives it back; nothing that anybody asks changes.

use anyhow::{Context as _, Result, ensure};
use futures::future::try_join;
use serde_json::Value;
use tiendo_tests::fact::{report, request};
use tiendo_tests::{Chapters, Options, PATIENCE, Tiendo, until};

/// What is asked before and after.
const ANSWERS: [&[&str]; 6] = [
    &["locality", "show", "56"],
    &["locality", "show", "268", "--as-of", "2023-06-20"],
    &["locality", "history", "01"],
    &["figure", "explain", "56", "eid.activated"],
    &["model", "list"],
    &["finding", "list", "56"],
];

const READY: &str = "PROJECTION_REBUILD_PHASE_READY";
const SWITCHED: &str = "PROJECTION_REBUILD_PHASE_SWITCHED";

async fn answers(t: &Tiendo) -> Result<Vec<String>> {
    let mut answers = Vec::new();
    for arguments in ANSWERS {
        answers.push(t.answer(arguments).await?);
    }
    Ok(answers)
}

/// What a command says of the second state, which must stand so.
async fn stands(t: &Tiendo, arguments: &[&str], phase: &str) -> Result<Value> {
    let mut all = vec!["projection"];
    all.extend(arguments);
    let told = t.json(&all).await?["rebuild"].take();
    ensure!(told["phase"] == phase, "{all:?}: {told}");
    Ok(told)
}

/// Reports, each of which is folded when this ends.
async fn reports(t: &Tiendo, values: std::ops::Range<i64>) -> Result<()> {
    let mut ingest = t.ingest().await?;
    for value in values {
        let told = report("268", "2023-07-20", 220_000 + value);
        ingest.record(request(told)).await?;
    }
    let head = t.ledger().await?.head;
    until("everything folded", PATIENCE, async || {
        let shown = t.json(&["locality", "show", "268"]).await?;
        let folded = shown["at"]["foldedPosition"].as_u64();
        Ok(folded.filter(|folded| *folded >= head).map(|_| ()))
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_state_answers_as_the_first_does() -> Result<()> {
    let t = Tiendo::start(Options::sample()).await?;
    let mut story = Chapters::new();
    story
        .tell("from the log, while others record", from_the_log(&t))
        .await;
    story
        .tell("switched to, and back", there_and_back(&t))
        .await;
    story.tell("from the bus", from_the_bus(&t)).await;
    story
        .tell("a stream without its beginning", without_beginning(&t))
        .await;
    story.end()?;
    t.finish().await
}

async fn from_the_log(t: &Tiendo) -> Result<()> {
    let none = t.text(&["projection", "status"]).await?;
    ensure!(none.contains("There is no second state"), "{none}");
    let rebuild = stands(t, &["rebuild", "--source", "log"], READY);
    let (_, told) = try_join(reports(t, 0..40), rebuild).await?;
    ensure!(told["comparison"]["same"] == true, "{told}");
    // What came while it was folded, and since, is in it.
    let head = t.ledger().await?.head;
    let told = stands(t, &["status"], READY).await?;
    ensure!(told["position"] == head && told["head"] == head, "{told}");
    Ok(())
}

async fn there_and_back(t: &Tiendo) -> Result<()> {
    let before = answers(t).await?;
    stands(t, &["switch"], SWITCHED).await?;
    ensure!(answers(t).await? == before, "the second answers otherwise");
    reports(t, 100..120).await?;
    let before = answers(t).await?;
    let verified = t.json(&["projection", "rebuild", "--verify"]).await?;
    ensure!(verified["digest"] == verified["servedDigest"], "{verified}");
    stands(t, &["undo"], READY).await?;
    ensure!(
        answers(t).await? == before,
        "the first was not kept up to date"
    );
    let again = t.tiendo(&["projection", "undo"]).await?;
    ensure!(again.code == 65, "{again:?}");
    ensure!(
        again.stderr.contains("[PROJECTION_NOT_SWITCHED]"),
        "{again:?}"
    );
    Ok(())
}

async fn from_the_bus(t: &Tiendo) -> Result<()> {
    let other = t
        .tiendo(&["projection", "rebuild", "--source", "bus"])
        .await?;
    ensure!(other.stderr.contains("[REBUILD_OTHER_SOURCE]"), "{other:?}");
    let before = answers(t).await?;
    let arguments = ["rebuild", "--source", "bus", "--anew", "--switch"];
    let told = stands(t, &arguments, SWITCHED).await?;
    ensure!(told["comparison"]["same"] == true, "{told}");
    ensure!(told["source"] == "PROJECTION_REBUILD_SOURCE_BUS", "{told}");
    ensure!(answers(t).await? == before, "the bus gives other answers");
    reports(t, 200..210).await?;
    let shown = t.text(&["projection", "cancel", "--discard"]).await?;
    ensure!(shown.contains("There is no second state"), "{shown}");
    Ok(())
}

async fn without_beginning(t: &Tiendo) -> Result<()> {
    let jetstream = async_nats::jetstream::new(t.nats().await?);
    let name = "TIENDO_KHANH-HOA";
    let stream = jetstream.get_stream(name).await?;
    let mut config = stream.cached_info().config.clone();
    config.max_messages = 100;
    jetstream.update_stream(config).await?;
    until("a stream that begins later", PATIENCE, async || {
        let stream = jetstream.get_stream(name).await?;
        let first = stream.cached_info().state.first_sequence;
        Ok((first > 1).then_some(()))
    })
    .await?;
    let refused = t
        .tiendo(&["projection", "rebuild", "--source", "bus"])
        .await?;
    ensure!(refused.code == 65, "{refused:?}");
    ensure!(
        refused.stderr.contains("[STREAM_BEGINS_LATER]"),
        "{refused:?}"
    );
    // Nothing was mixed, and the log has it all.
    let told = stands(t, &["rebuild", "--source", "log", "--anew"], READY).await?;
    ensure!(told["comparison"]["same"] == true, "{told}");
    ensure!(told["resumedFrom"].is_null(), "{told}");
    let digest = told["comparison"]["rebuiltDigest"].as_str();
    ensure!(digest.context("a digest")?.len() == 64, "{told}");
    Ok(())
}
