//! A hot backup, flipped bits, and the ledger restored: from the backup, from the bus, from both.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;
use tiendo_tests::fact::{batch, report, request};
use tiendo_tests::{Chapters, Options, PATIENCE, Tiendo, until};

/// What is asked before and after.
const ANSWERS: [&[&str]; 5] = [
    &["locality", "show", "56"],
    &["locality", "show", "268", "--as-of", "2023-06-20"],
    &["locality", "history", "01"],
    &["model", "list"],
    &["verdict", "list"],
];

/// A damaged copy of a ledger, and what it must be restored to.
struct Ledger {
    folder: PathBuf,
    damaged: PathBuf,
    backup: PathBuf,
    head: u64,
    hash: String,
    answers: Vec<String>,
    /// Last position in the backup.
    backed_up: u64,
    /// When the log took that.
    backed_up_known: String,
    /// What was damaged: first and last position of each stretch.
    holes: Vec<(u64, u64)>,
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_ledger_is_restored() -> Result<()> {
    let mut t = Tiendo::start(Options::sample()).await?;
    let folder = t
        .data()
        .parent()
        .context("data has a parent")?
        .join("restored");
    fs::create_dir(&folder)?;
    let backup = folder.join("ledger.backup");
    let taken = backup_under_load(&t, &backup).await?;
    let late = (1..=9).map(|day| report("268", &format!("2023-07-{day:02}"), 220_000 + day));
    t.ingest()
        .await?
        .record_batch(batch(late.collect()))
        .await?;
    published(&t).await?;

    let mut ledger = Ledger {
        damaged: folder.join("damaged"),
        folder,
        backup,
        head: t.ledger().await?.head,
        hash: hash(&t).await?,
        answers: answers(&t).await?,
        backed_up: taken["head"].as_u64().context("a head")?,
        backed_up_known: taken["knownLast"].as_str().context("a time")?.to_owned(),
        holes: Vec::new(),
    };
    ensure!(
        ledger.backed_up < ledger.head,
        "the backup ends before the head"
    );
    // So few events lie in the journal; a restored log has them all in chunks.
    in_chunks(&t, &ledger).await?;
    ledger.holes = flip_bits(&ledger.damaged)?;

    let mut story = Chapters::new();
    story
        .tell(
            "what is damaged is named, and the rest is read",
            named(&t, &ledger),
        )
        .await;
    story
        .tell(
            "a backup does not overwrite, and a cut one is refused",
            refused(&t, &ledger),
        )
        .await;
    story
        .tell("to a position and to a time", earlier(&t, &ledger))
        .await;
    for (name, sources) in [
        ("from the damaged log and the bus", &["from", "bus"][..]),
        ("from the backup and the bus", &["backup", "bus"]),
        (
            "from the damaged log, the backup and the bus",
            &["from", "backup", "bus"],
        ),
        ("from the bus alone", &["bus"]),
    ] {
        story.tell(name, restored(&mut t, &ledger, sources)).await;
    }
    story.end()?;
    t.finish().await
}

/// Backs up while writers record; gives what the command said.
async fn backup_under_load(t: &Tiendo, file: &Path) -> Result<Value> {
    let (stop, recorded) = (
        Arc::new(AtomicBool::new(false)),
        Arc::new(AtomicU64::new(0)),
    );
    let mut writers = tokio::task::JoinSet::new();
    for code in ["568", "569", "570", "571"] {
        let (mut ingest, stop, recorded) =
            (t.ingest().await?, Arc::clone(&stop), Arc::clone(&recorded));
        writers.spawn(async move {
            let mut count = 0;
            while !stop.load(Ordering::Relaxed) {
                count += 1;
                let figures = vec![
                    report(code, "2023-07-20", 30_000 + count),
                    report(code, "2023-07-21", 50_000 + count),
                ];
                ingest.record_batch(batch(figures)).await?;
                recorded.fetch_add(2, Ordering::Relaxed);
            }
            anyhow::Ok(())
        });
    }
    let some = async || Ok((recorded.load(Ordering::Relaxed) > 100).then_some(()));
    until("a hundred events", PATIENCE, some).await?;
    let before = t.ledger().await?.head;
    let file = file.to_str().context("UTF-8")?;
    let taken = t.json(&["log", "backup", file]).await?;
    let after = t.ledger().await?.head;
    let during = recorded.load(Ordering::Relaxed);
    until("more events after the backup", PATIENCE, async || {
        Ok((recorded.load(Ordering::Relaxed) > during).then_some(()))
    })
    .await?;
    stop.store(true, Ordering::Relaxed);
    while let Some(ended) = writers.join_next().await {
        ended??;
    }
    let head = taken["head"].as_u64().context("a head")?;
    ensure!(
        (before..=after).contains(&head),
        "the backup holds {head}, the log had {before} to {after}"
    );
    Ok(taken)
}

async fn answers(t: &Tiendo) -> Result<Vec<String>> {
    let mut answers = Vec::new();
    for arguments in ANSWERS {
        answers.push(t.answer(arguments).await?);
    }
    Ok(answers)
}

/// The hash over the whole log of the running instance.
async fn hash(t: &Tiendo) -> Result<String> {
    let verified = t.json(&["log", "verify"]).await?;
    Ok(verified["hash"].as_str().context("a hash")?.to_owned())
}

async fn published(t: &Tiendo) -> Result<()> {
    until("everything on the bus", PATIENCE, async || {
        let ledger = t.ledger().await?;
        Ok((ledger.published == ledger.head).then_some(()))
    })
    .await
}

/// Every chunk in the bytes of sled's file: where, first and last position.
fn chunks(bytes: &[u8]) -> Vec<(usize, u64, u64)> {
    let number = |at: usize, length: usize| {
        let digits = bytes[at..at + length].iter();
        digits.fold(0_u64, |number, byte| number << 8 | u64::from(*byte))
    };
    let marks = bytes.windows(4).enumerate();
    let chunks = marks.filter(|(at, mark)| *mark == b"TEL\x01" && at + 200 < bytes.len());
    chunks
        .map(|(at, _)| {
            (
                at,
                number(at + 8, 8),
                number(at + 8, 8) + number(at + 16, 4) - 1,
            )
        })
        .collect()
}

/// Flips one bit in each of three chunks, in every copy that sled has of it; gives their positions.
fn flip_bits(directory: &Path) -> Result<Vec<(u64, u64)>> {
    let db = directory.join("sled/db");
    let mut bytes = fs::read(&db)?;
    let found = chunks(&bytes);
    ensure!(found.len() > 5, "only {} chunks are stored", found.len());
    let newest = found.iter().map(|(_, _, last)| *last).max().unwrap_or(0);
    let flipped = [newest / 5, newest / 2, newest * 4 / 5];
    for position in flipped {
        for (at, first, last) in &found {
            if (*first..=*last).contains(&position) {
                bytes[at + 120] ^= 0x04;
            }
        }
    }
    // What is damaged is what no other copy tells of.
    let holds =
        |(_, first, last): &(usize, u64, u64), position: u64| (*first..=*last).contains(&position);
    let is_flipped = |chunk: &&(usize, u64, u64)| flipped.iter().any(|at| holds(chunk, *at));
    let (lost, told): (Vec<_>, Vec<_>) = found.iter().partition(is_flipped);
    let is_lost = |position: &u64| {
        lost.iter().any(|chunk| holds(chunk, *position))
            && !told.iter().any(|chunk| holds(chunk, *position))
    };
    let mut holes: Vec<(u64, u64)> = Vec::new();
    for position in (1..=newest).filter(is_lost) {
        match holes.last_mut() {
            Some((_, last)) if *last + 1 == position => *last = position,
            _ => holes.push((position, position)),
        }
    }
    ensure!(!holes.is_empty(), "nothing was damaged");
    fs::write(&db, bytes)?;
    Ok(holes)
}

/// The ledger as it lies once everything is settled: a stopped copy, not yet damaged.
async fn in_chunks(t: &Tiendo, ledger: &Ledger) -> Result<()> {
    let (backup, to) = (path(&ledger.backup), path(&ledger.damaged));
    let bus = t.endpoints()?.nats;
    let arguments = [
        "log", "restore", "--backup", &backup, "--bus", &bus, "--to", &to,
    ];
    let restored = t.json(&arguments).await?;
    ensure!(restored["hash"] == ledger.hash, "{restored}");
    Ok(())
}

fn path(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

async fn named(t: &Tiendo, ledger: &Ledger) -> Result<()> {
    let before = fs::read(ledger.damaged.join("sled/db"))?;
    let directory = ledger.damaged.to_str().context("UTF-8")?;
    let verified = t
        .tiendo(&["log", "verify", "--directory", directory, "-o", "json"])
        .await?;
    ensure!(verified.code == 70, "verify ended with {}", verified.code);
    let found: Value = serde_json::from_str(&verified.stdout)?;
    let damages = found["damages"].as_array().context("damages")?;
    let stretches: Vec<(u64, u64)> = damages
        .iter()
        .map(|damage| {
            let position = |name: &str| damage[name].as_u64().unwrap_or(0);
            (position("firstPosition"), position("lastPosition"))
        })
        .collect();
    ensure!(
        stretches == ledger.holes,
        "damaged {:?}, named {stretches:?}",
        ledger.holes
    );
    for (first, last) in &ledger.holes {
        let wanted = format!("positions {first} to {last}");
        ensure!(
            verified.stderr.contains(&wanted),
            "not said: {wanted}: {}",
            verified.stderr
        );
    }
    let read = t
        .tiendo(&["log", "read", "--directory", directory, "-o", "json"])
        .await?;
    ensure!(read.code == 70, "read ended with {}", read.code);
    let missing: u64 = ledger
        .holes
        .iter()
        .map(|(first, last)| last - first + 1)
        .sum();
    let lines = read.stdout.lines().count() as u64;
    ensure!(
        lines == ledger.head - missing,
        "{lines} events were read, {missing} of {} are damaged",
        ledger.head
    );
    let after = fs::read(ledger.damaged.join("sled/db"))?;
    ensure!(before == after, "looking has changed the files");
    Ok(())
}

async fn refused(t: &Tiendo, ledger: &Ledger) -> Result<()> {
    let file = ledger.backup.to_str().context("UTF-8")?;
    let again = t.tiendo(&["log", "backup", file]).await?;
    ensure!(again.code == 64, "{again:?}");
    let whole = t.json(&["log", "verify", "--backup", file]).await?;
    ensure!(whole["head"] == ledger.backed_up, "{whole}");

    let bytes = fs::read(file)?;
    let cut = ledger.folder.join("cut.backup");
    fs::write(&cut, &bytes[..bytes.len() - 1])?;
    let mut flipped = bytes;
    let middle = flipped.len() / 2;
    flipped[middle] ^= 1;
    let bad = ledger.folder.join("bad.backup");
    fs::write(&bad, flipped)?;
    let target = ledger.folder.join("never");
    let target = target.to_str().context("UTF-8")?;
    for (file, code) in [(&cut, "BACKUP_INCOMPLETE"), (&bad, "BACKUP_DAMAGED")] {
        let file = file.to_str().context("UTF-8")?;
        let ended = t
            .tiendo(&["log", "restore", "--backup", file, "--to", target])
            .await?;
        ensure!(ended.code == 65 && ended.stderr.contains(code), "{ended:?}");
        ensure!(!Path::new(target).exists(), "something was restored");
    }
    let taken = t.data().join("ingest");
    let taken = taken.to_str().context("UTF-8")?;
    let ended = t
        .tiendo(&["log", "restore", "--backup", file, "--to", taken])
        .await?;
    ensure!(
        ended.code == 64 && ended.stderr.contains("RESTORE_TAKEN"),
        "{ended:?}"
    );
    Ok(())
}

async fn earlier(t: &Tiendo, ledger: &Ledger) -> Result<()> {
    let backup = ledger.backup.to_str().context("UTF-8")?;
    let bus = t.endpoints()?.nats;
    let sources = ["--backup", backup, "--bus", &bus];
    // Those who wrote while it was taken did so in requests of two: one of these two limits cuts one.
    let near = [ledger.backed_up - 3, ledger.backed_up - 4].map(|position| position.to_string());
    for (name, limit, head) in [
        ("to-position", ["--until-position", &near[0]], None),
        ("to-another", ["--until-position", &near[1]], None),
        (
            "to-time",
            ["--until-time", &ledger.backed_up_known],
            Some(ledger.backed_up),
        ),
    ] {
        let target = ledger.folder.join(name);
        let target = target.to_str().context("UTF-8")?;
        let mut arguments = vec!["log", "restore", "--to", target];
        arguments.extend(sources);
        arguments.extend(limit);
        let restored = t.json(&arguments).await?;
        let reached = restored["head"].as_u64().context("a head")?;
        match head {
            Some(head) => ensure!(reached == head, "{name}: {restored}"),
            None => {
                let wanted: u64 = limit[1].parse()?;
                let left_out = restored["leftOut"]["first"].as_u64();
                let last = left_out.map_or(wanted, |first| first - 1);
                ensure!(
                    reached == last && (wanted - 1..=wanted).contains(&reached),
                    "{name}: {restored}"
                );
            }
        }
        let verified = t.json(&["log", "verify", "--directory", target]).await?;
        ensure!(verified["hash"] == restored["hash"], "{name}: {verified}");
        ensure!(verified["events"] == reached, "{name}: {verified}");
    }
    Ok(())
}

/// Restores from the sources, puts the result in place, and asks everything again.
async fn restored(t: &mut Tiendo, ledger: &Ledger, sources: &[&str]) -> Result<()> {
    let target = ledger.folder.join(sources.join("-"));
    let bus = t.endpoints()?.nats;
    let mut arguments = vec!["log".to_owned(), "restore".to_owned()];
    arguments.extend(["--to".to_owned(), path(&target)]);
    for source in sources {
        let value = match *source {
            "from" => path(&ledger.damaged),
            "backup" => path(&ledger.backup),
            _ => bus.clone(),
        };
        arguments.extend([format!("--{source}"), value]);
    }
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let restored = t.json(&arguments).await?;
    ensure!(restored["head"] == ledger.head, "{restored}");
    ensure!(restored["hash"] == ledger.hash, "{restored}");
    let unproven = match sources {
        ["bus"] => Some(1),
        ["backup", "bus"] => Some(ledger.backed_up + 1),
        _ => None,
    };
    ensure!(restored["unprovenFrom"].as_u64() == unproven, "{restored}");

    t.stop().await?;
    let place = t.data().join("ingest");
    fs::rename(
        &place,
        ledger.folder.join(format!("{}-before", sources.join("-"))),
    )?;
    fs::rename(&target, &place)?;
    t.restart().await?;
    ensure!(hash(t).await? == ledger.hash, "the hash is another");
    ensure!(answers(t).await? == ledger.answers, "answers differ");
    let ledger_now = t.ledger().await?;
    ensure!(ledger_now.alarm.is_empty(), "alarm: {}", ledger_now.alarm);
    Ok(())
}

/// What an operator sees of the log without stopping anything.
#[tokio::test(flavor = "multi_thread")]
async fn the_log_is_read_both_ways_and_filtered() -> Result<()> {
    let t = Tiendo::start(Options::sample()).await?;
    let mut ingest = t.ingest().await?;
    let before = t.ledger().await?.head;
    for value in [1, 2, 3] {
        ingest
            .record(request(report("568", "2023-07-20", value)))
            .await?;
    }
    let head = before + 3;
    let positions = async |arguments: &[&str]| -> Result<Vec<u64>> {
        let mut all = vec!["log", "read", "-o", "json"];
        all.extend(arguments);
        let text = t.text(&all).await?;
        let events = text.lines().map(serde_json::from_str::<Value>);
        events
            .map(|event| event?["position"].as_u64().context("a position"))
            .collect()
    };
    let newest = positions(&["--descending", "--to", &(before + 1).to_string()]).await?;
    ensure!(newest == [head, head - 1, head - 2], "{newest:?}");
    let reports = positions(&["--locality", "568", "--kind", "progress.reported"]).await?;
    ensure!(
        reports.ends_with(&[head - 2, head - 1, head]),
        "{reports:?}"
    );
    let corrections = positions(&["--locality", "568", "--kind", "progress.corrected"]).await?;
    ensure!(corrections.is_empty(), "{corrections:?}");
    let mut backwards = positions(&[
        "--locality",
        "568",
        "--kind",
        "progress.reported",
        "--descending",
    ])
    .await?;
    backwards.reverse();
    ensure!(backwards == reports, "{backwards:?}");

    let one = t
        .json(&["log", "read", "--from", &head.to_string()])
        .await?;
    let known = one["known"].as_str().context("a time")?;
    let since = positions(&["--known-from", known]).await?;
    ensure!(since == [head], "{since:?}");
    let by_then = positions(&["--known-to", known, "--from", &(head - 1).to_string()]).await?;
    ensure!(by_then == [head - 1, head], "{by_then:?}");

    let refused = t
        .tiendo(&["log", "read", "--locality", "Nha Trang"])
        .await?;
    ensure!(refused.code == 65, "{refused:?}");
    let found = t.json(&["log", "stat"]).await?;
    ensure!(found["head"] == head, "{found}");
    ensure!(found["diskBytes"].as_u64() > Some(0), "{found}");
    t.finish().await
}
