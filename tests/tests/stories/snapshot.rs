//! A start from a snapshot answers as one from the first event; what of a snapshot cannot be believed is named and costs nothing but time.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context as _, Result, ensure};
use futures::future::try_join;
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

/// What is said of a start from a snapshot.
const STARTS: &str = "starts from the snapshot at";

async fn answers(t: &Tiendo) -> Result<Vec<String>> {
    let mut answers = Vec::new();
    for arguments in ANSWERS {
        answers.push(t.answer(arguments).await?);
    }
    Ok(answers)
}

/// The digest that the serving state and one folded anew have in common.
async fn verified(t: &Tiendo) -> Result<String> {
    let found = t.json(&["projection", "rebuild", "--verify"]).await?;
    ensure!(found["digest"] == found["servedDigest"], "{found}");
    let digest = found["digest"].as_str().context("a digest")?;
    ensure!(digest.len() == 64, "{found}");
    Ok(digest.to_owned())
}

/// The snapshots on the disk, oldest first.
fn snapshots(t: &Tiendo) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(t.data().join("projection"))?;
    let paths: Vec<PathBuf> = entries
        .map(|entry| Ok(entry?.path()))
        .collect::<Result<_>>()?;
    let name = |path: &PathBuf| {
        path.file_name()
            .map(|name| name.to_string_lossy().into_owned())
    };
    let mut found: Vec<_> = paths
        .into_iter()
        .filter(|path| name(path).is_some_and(|name| name.starts_with("snapshot-")))
        .collect();
    found.sort();
    Ok(found)
}

async fn reports(t: &Tiendo, values: std::ops::Range<i64>) -> Result<()> {
    let mut ingest = t.ingest().await?;
    for value in values {
        let told = report("268", "2023-07-20", 220_000 + value);
        ingest.record(request(told)).await?;
    }
    Ok(())
}

/// Waits until the projection has folded all that is on record.
async fn folded(t: &Tiendo) -> Result<()> {
    let head = t.ledger().await?.head;
    until("everything folded", PATIENCE, async || {
        let shown = t.json(&["locality", "show", "268"]).await?;
        let folded = shown["at"]["foldedPosition"].as_u64();
        Ok(folded.filter(|folded| *folded >= head).map(|_| ()))
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_snapshot_spares_the_way_and_changes_no_answer() -> Result<()> {
    let mut t = Tiendo::start(Options::sample()).await?;
    let mut story = Chapters::new();
    story
        .tell("the state is the one that the log gives", as_folded(&t))
        .await;
    story
        .tell("it is so while others record", under_load(&t))
        .await;
    story
        .tell("after an orderly end", after_an_end(&mut t))
        .await;
    story
        .tell("after a kill, with what came since", after_a_kill(&mut t))
        .await;
    story
        .tell("a damaged one is named", after_damage(&mut t))
        .await;
    story
        .tell("without any, the answers are the same", without(&mut t))
        .await;
    story.end()?;
    t.finish().await
}

async fn as_folded(t: &Tiendo) -> Result<()> {
    verified(t).await?;
    let shown = t.text(&["projection", "rebuild", "--verify"]).await?;
    ensure!(shown.contains("is the one that the log gives"), "{shown}");
    ensure!(snapshots(t)?.is_empty(), "it is too early for a snapshot");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn who_never_ends_in_order_has_snapshots_too() -> Result<()> {
    let mut t = Tiendo::start(Options::sample().with(&["--snapshot-every", "10000"])).await?;
    until("a snapshot", PATIENCE, async || {
        Ok((snapshots(&t)?.len() == 1).then_some(()))
    })
    .await?;
    let (before, digest) = (answers(&t).await?, verified(&t).await?);
    t.kill_group().await?;
    t.restart().await?;
    ensure!(t.said()?.contains(STARTS), "it read the whole log");
    ensure!(answers(&t).await? == before, "other answers");
    ensure!(verified(&t).await? == digest, "another state");
    t.finish().await
}

async fn under_load(t: &Tiendo) -> Result<()> {
    let before = verified(t).await?;
    // What is compared is compared at one position, wherever the reports are by then.
    try_join(reports(t, 0..60), verified(t)).await?;
    folded(t).await?;
    ensure!(verified(t).await? != before, "the reports changed nothing");
    Ok(())
}

async fn after_an_end(t: &mut Tiendo) -> Result<()> {
    let (before, digest) = (answers(t).await?, verified(t).await?);
    t.stop().await?;
    ensure!(snapshots(t)?.len() == 1, "no snapshot was taken at the end");
    t.restart().await?;
    let said = t.said()?;
    ensure!(said.contains(STARTS), "it read the whole log: {said}");
    ensure!(answers(t).await? == before, "other answers");
    ensure!(verified(t).await? == digest, "another state");
    Ok(())
}

async fn after_a_kill(t: &mut Tiendo) -> Result<()> {
    reports(t, 100..130).await?;
    folded(t).await?;
    let (before, digest) = (answers(t).await?, verified(t).await?);
    t.kill_group().await?;
    t.restart().await?;
    ensure!(t.said()?.contains(STARTS), "it read the whole log");
    ensure!(answers(t).await? == before, "other answers");
    ensure!(verified(t).await? == digest, "another state");
    Ok(())
}

async fn after_damage(t: &mut Tiendo) -> Result<()> {
    let (before, digest) = (answers(t).await?, verified(t).await?);
    t.stop().await?;
    let newest = snapshots(t)?.pop().context("a snapshot")?;
    let file = newest.join("db");
    let mut bytes = fs::read(&file)?;
    // In the middle of the texts, wherever sled keeps a copy of them.
    let text = "Đề án 06".as_bytes();
    let places: Vec<usize> = (0..bytes.len())
        .filter(|at| bytes[*at..].starts_with(text))
        .collect();
    ensure!(!places.is_empty(), "no text was found");
    for at in places {
        bytes[at] ^= 1;
    }
    fs::write(&file, bytes)?;
    t.restart().await?;
    let said = t.said()?;
    ensure!(said.contains("is put aside") && !newest.exists(), "{said}");
    ensure!(answers(t).await? == before, "other answers");
    ensure!(verified(t).await? == digest, "another state");
    Ok(())
}

async fn without(t: &mut Tiendo) -> Result<()> {
    let (before, digest) = (answers(t).await?, verified(t).await?);
    t.stop().await?;
    fs::remove_dir_all(t.data().join("projection"))?;
    t.restart().await?;
    ensure!(!t.said()?.contains(STARTS), "there was none");
    ensure!(answers(t).await? == before, "other answers");
    ensure!(verified(t).await? == digest, "another state");
    Ok(())
}
