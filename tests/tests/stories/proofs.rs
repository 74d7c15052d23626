//! What the log proves about itself, checked by our own command without any service, and by a verifier in Python
//! that was written against the specifications and shares no code with us.
//!
//! `TIENDO_PYTHON` names the Python; where there is none, its part is left out with a line that says so, unless
//! `TIENDO_REQUIRE_THIRD_PARTY=1`.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::Value;
use tempfile::TempDir;
use tiendo_tests::fact::{report, request};
use tiendo_tests::{Chapters, Options, Tiendo, binary, program, say};

/// The exit code of what was refused because of what it said.
const REFUSED: i32 = 65;
const VERIFIER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/python/verify_log.py");

#[tokio::test(flavor = "multi_thread")]
async fn the_log_proves_what_it_holds_and_that_it_only_grew() -> Result<()> {
    let tiendo = Tiendo::start(Options::sample()).await?;
    let world = World::of(&tiendo).await?;
    let mut story = Chapters::new();
    story
        .tell("an event is in the log", inclusion(&tiendo, &world))
        .await;
    story
        .tell("the log only grew", consistency(&tiendo, &world))
        .await;
    story
        .tell("nothing can be changed", changed(&tiendo, &world))
        .await;
    story
        .tell("what is not there is not proved", beyond(&tiendo, &world))
        .await;
    story.end()?;
    tiendo.finish().await
}

/// What a verifier keeps beside the log: the key, a checkpoint, and the proofs it was given.
struct World {
    folder: TempDir,
    key: String,
    /// Size of the log when it was kept.
    head: u64,
    kept: PathBuf,
    python: Option<PathBuf>,
}

impl World {
    async fn of(t: &Tiendo) -> Result<World> {
        let folder = tempfile::Builder::new()
            .prefix("tiendo-proofs-")
            .tempdir()?;
        let told = t.json(&["log", "checkpoint"]).await?;
        let key = told["verifyingKey"].as_str().context("no key")?;
        let text = told["checkpoint"].as_str().context("no checkpoint")?;
        // The second line of a checkpoint is its size.
        let size = text.lines().nth(1).context("no size")?;
        let kept = folder.path().join("kept.txt");
        fs::write(&kept, text)?;
        Ok(World {
            key: key.to_owned(),
            head: size.parse()?,
            kept,
            python: python().await?,
            folder,
        })
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// `tiendo log verify --proof`, in a folder where no service is known.
    async fn verify(&self, proof: &Path, more: &[&str]) -> Result<program::Output> {
        let nowhere = self.file("nowhere").display().to_string();
        let proof = proof.display().to_string();
        let mut arguments = vec!["--data", &nowhere, "--lang", "en", "log", "verify"];
        arguments.extend(["--proof", &proof, "--key", &self.key]);
        arguments.extend(more);
        program::run(&binary()?, &arguments).await
    }

    /// What the verifier in Python says of each proof; its exit code.
    async fn ask_python(&self, proofs: &[PathBuf], more: &[&str]) -> Result<Option<(String, i32)>> {
        let Some(python) = &self.python else {
            return Ok(None);
        };
        let mut arguments = vec![VERIFIER.to_owned(), "--key".to_owned(), self.key.clone()];
        arguments.extend(more.iter().map(ToString::to_string));
        arguments.extend(proofs.iter().map(|proof| proof.display().to_string()));
        let output = program::run(python, &arguments).await?;
        ensure!(output.stderr.is_empty(), "{}", output.stderr);
        Ok(Some((output.stdout, output.code)))
    }

    /// Both accept each proof.
    async fn holds(&self, proofs: &[PathBuf], more: &[&str]) -> Result<()> {
        for proof in proofs {
            let said = self.verify(proof, more).await?.ok()?;
            ensure!(said.starts_with("It holds: "), "{said}");
        }
        if let Some((said, code)) = self.ask_python(proofs, more).await? {
            ensure!(code == 0, "{said}");
            assert_eq!(said.matches(": holds: ").count(), proofs.len(), "{said}");
        }
        Ok(())
    }

    /// Both reject each proof; ours is asked about each fourth of many, since it takes one at a time.
    async fn rejects(&self, proofs: &[PathBuf], more: &[&str]) -> Result<()> {
        if let Some((said, code)) = self.ask_python(proofs, more).await? {
            ensure!(code == 1 && !said.contains(": holds: "), "{said}");
            assert_eq!(said.matches(": rejected: ").count(), proofs.len(), "{said}");
        }
        let step = if proofs.len() > 50 { 4 } else { 1 };
        for proof in proofs.iter().step_by(step) {
            let output = self.verify(proof, more).await?;
            ensure!(
                output.code == REFUSED,
                "{} was not rejected but ended with {}: {}{}",
                proof.display(),
                output.code,
                output.stdout,
                output.stderr
            );
        }
        Ok(())
    }
}

/// A Python with its standard library.
async fn python() -> Result<Option<PathBuf>> {
    let mut why = String::new();
    for candidate in program::third_party("TIENDO_PYTHON", &["python3"]) {
        let probe = program::run(&candidate, &[VERIFIER, "--help"]).await;
        match probe.and_then(program::Output::ok) {
            Ok(_) => return Ok(Some(candidate)),
            Err(error) => why = format!("{error:#}"),
        }
    }
    let line = format!("the verifier in Python is left out (TIENDO_PYTHON can name one): {why}");
    if program::third_party_required() {
        bail!("{line}");
    }
    say(line);
    Ok(None)
}

/// Asks for a proof that `arguments` name, and saves it.
async fn prove(t: &Tiendo, world: &World, name: &str, arguments: &[&str]) -> Result<PathBuf> {
    let file = world.file(name);
    let saved = file.display().to_string();
    let mut all = vec!["log", "prove", "--save", &saved];
    all.extend(arguments);
    t.text(&all).await?;
    Ok(file)
}

async fn inclusion(t: &Tiendo, world: &World) -> Result<()> {
    let head = world.head;
    let mut proofs = Vec::new();
    // Both sides of the end of a tile, the first and the last event, and a tree whose size cuts a tile.
    for (position, size) in [
        (1, head),
        (1_024, head),
        (1_025, head),
        (13_000, head),
        (head, head),
        (1, 1),
        (1_000, 1_024),
        (7, 20_000),
        (20_000, 20_000),
    ] {
        let name = format!("event-{position}-of-{size}.json");
        let (position, size) = (position.to_string(), size.to_string());
        proofs.push(prove(t, world, &name, &[&position, "--size", &size]).await?);
    }
    world.holds(&proofs, &[]).await?;
    // A tree that is as large as the kept one must be the kept one.
    let kept = world.kept.display().to_string();
    let kept = ["--checkpoint", &kept];
    world.holds(&proofs[..5], &kept).await?;
    world.rejects(&proofs[5..6], &kept).await
}

async fn consistency(t: &Tiendo, world: &World) -> Result<()> {
    let recorded = t
        .ingest()
        .await?
        .record(request(report("568", "2023-07-15", 100_000)))
        .await?
        .into_inner();
    let now = recorded.receipt.context("no receipt")?.last_position;
    ensure!(now > world.head, "the log did not grow");
    let head = world.head.to_string();
    let grown = prove(t, world, "grown.json", &["--from", &head]).await?;
    let kept = world.kept.display().to_string();
    world
        .holds(std::slice::from_ref(&grown), &["--checkpoint", &kept])
        .await?;
    let mut proofs = Vec::new();
    for (from, to) in [(0, 5), (1, 2), (1_024, 2_048), (1_000, 20_001), (now, now)] {
        let name = format!("from-{from}-to-{to}.json");
        let (from, to) = (from.to_string(), to.to_string());
        proofs.push(prove(t, world, &name, &["--from", &from, "--to", &to]).await?);
    }
    world.holds(&proofs, &[]).await
}

async fn changed(t: &Tiendo, world: &World) -> Result<()> {
    let one = prove(t, world, "one.json", &["13000"]).await?;
    let grown = prove(t, world, "more.json", &["--from", "1000", "--to", "20001"]).await?;
    for good in [&one, &grown] {
        let proof: Value = serde_json::from_str(&fs::read_to_string(good)?)?;
        let name = good.file_stem().context("no name")?.to_string_lossy();
        let mut bad = Vec::new();
        for (at, (path, changed)) in changes(&proof).into_iter().enumerate() {
            ensure!(changed != proof, "{path} was not changed");
            let file = world.file(&format!("{name}-{at}-{path}.json"));
            fs::write(&file, changed.to_string())?;
            bad.push(file);
        }
        say(format!("  {} changes of {name}", bad.len()));
        ensure!(bad.len() > 50, "only {} changes", bad.len());
        world.rejects(&bad, &[]).await?;
    }
    // Another log's key, however well it is formed, has signed nothing here.
    let stranger = World {
        key: "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW".into(),
        folder: tempfile::tempdir()?,
        kept: world.kept.clone(),
        python: world.python.clone(),
        head: world.head,
    };
    stranger.rejects(&[one, grown], &[]).await
}

async fn beyond(t: &Tiendo, world: &World) -> Result<()> {
    let beyond = (world.head + 1_000).to_string();
    for arguments in [
        &["log", "prove", "0"][..],
        &["log", "prove", &beyond],
        &["log", "prove", "7", "--size", "6"],
        &["log", "prove", "--from", "7", "--to", "6"],
        &["log", "checkpoint", "--size", &beyond],
    ] {
        let output = t.tiendo(arguments).await?;
        ensure!(
            output.code == REFUSED && output.stderr.contains("[BEYOND_HEAD]"),
            "{arguments:?} ended with {}: {}",
            output.code,
            output.stderr
        );
    }
    Ok(())
}

/// The document with each of its parts changed in several ways, and the path of the part.
fn changes(document: &Value) -> Vec<(String, Value)> {
    let mut all = Vec::new();
    part_changes(document, String::new(), &mut |path, change| {
        all.push((path, change));
    });
    all
}

fn part_changes(part: &Value, path: String, found: &mut dyn FnMut(String, Value)) {
    match part {
        Value::Object(fields) => {
            for (name, field) in fields {
                let mut without = fields.clone();
                without.remove(name);
                found(format!("{path}.without-{name}"), Value::Object(without));
                part_changes(field, format!("{path}.{name}"), &mut |path, change| {
                    let mut fields = fields.clone();
                    fields.insert(name.clone(), change);
                    found(path, Value::Object(fields));
                });
            }
        }
        Value::Array(items) => {
            let reversed = items.iter().rev().cloned().collect();
            let doubled = [items.as_slice(), &items[..1]].concat();
            found(format!("{path}.reversed"), Value::Array(reversed));
            found(format!("{path}.doubled"), Value::Array(doubled));
            for (at, item) in items.iter().enumerate() {
                let mut without = items.clone();
                without.remove(at);
                found(format!("{path}.without-{at}"), Value::Array(without));
                part_changes(item, format!("{path}.{at}"), &mut |path, change| {
                    let mut items = items.clone();
                    items[at] = change;
                    found(path, Value::Array(items));
                });
            }
        }
        Value::Number(number) => {
            let number = number.as_u64().unwrap_or_default();
            found(path.clone(), (number + 1).into());
            found(path, (number - 1).into());
        }
        Value::String(text) => {
            // Not the last characters: in base64 they may have bits that mean nothing.
            let count = text.chars().count();
            for at in (0..count.saturating_sub(3)).step_by((count / 5).max(1)) {
                let other = |char| if char == 'A' { 'B' } else { 'A' };
                let changed = text.chars().enumerate();
                let changed = changed.map(|(i, char)| if i == at { other(char) } else { char });
                found(path.clone(), changed.collect::<String>().into());
            }
        }
        Value::Null | Value::Bool(_) => {}
    }
}
