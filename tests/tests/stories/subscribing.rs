//! Another system is let in with one command, and runs the program that the command prints, as it is printed.
//!
//! `TIENDO_PYTHON` names a Python with nats-py, `TIENDO_NODE_MODULES` a folder with the packages of @nats-io; where one is
//! missing its part is left out with a line that says so, unless `TIENDO_REQUIRE_THIRD_PARTY=1`.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::atomic::Ordering;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use async_nats::connection::State;
use async_nats::jetstream;
use async_nats::jetstream::stream::Config;
use bus::server::Server;
use serde_json::Value;
use tiendo_tests::program::{Output, third_party, third_party_required};
use tiendo_tests::{Chapters, Operated, Options, PATIENCE, Tiendo, binary, program, say, until};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::Command;

const LEDGER: &str = "TIENDO_KHANH-HOA";
const EVENTS: u64 = 20;
const AGENCY: &str = "so-tttt";
const OTHER: &str = "bo-cong-an";

/// A server with a stream, as ingest makes and fills it.
struct World {
    operated: Operated,
    server: Server,
}

impl World {
    async fn start() -> Result<Self> {
        let operated = Operated::new()?;
        let server = operated.single(operated.copied("single.conf")).await?;
        let world = Self { operated, server };
        world.fill().await?;
        Ok(world)
    }

    /// Events of 568 at odd positions and of 570 at even ones.
    async fn fill(&self) -> Result<()> {
        let writer = self.operated.client(&self.server.url(), "ingest").await?;
        let writer = jetstream::new(writer);
        let stream = Config {
            name: LEDGER.to_owned(),
            subjects: vec!["tiendo.v1.khanh-hoa.*.*.*.*".to_owned()],
            ..Config::default()
        };
        writer.create_stream(stream).await?;
        let example = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../docs/bus/examples/progress.reported.json"
        );
        let mut event: Value = serde_json::from_slice(&fs::read(example)?)?;
        for position in 1..=EVENTS {
            let place = if position % 2 == 1 { "568" } else { "570" };
            event["sequence"] = format!("{position:020}").into();
            event["id"] = format!("khanh-hoa:{position}").into();
            event["subject"] = place.into();
            let subject = format!("tiendo.v1.khanh-hoa.{place}.progress.reported.eid-activated");
            let sent = writer.publish(subject, event.to_string().into()).await?;
            assert_eq!(sent.await?.sequence, position);
        }
        Ok(())
    }

    async fn subscriber(&self, arguments: &[&str]) -> Result<Output> {
        let access = self.operated.arguments(&self.server.url(), "operator");
        let mut all = vec!["--lang", "en", "subscriber"];
        all.extend(arguments);
        all.extend(access.iter().map(String::as_str));
        program::run(&binary()?, &all).await
    }

    /// The same with the accounts of the server, which reads them anew.
    async fn changing(&self, arguments: &[&str]) -> Result<Output> {
        let accounts = self.operated.copied("subscribers.conf");
        let system = self.operated.seed("system");
        let (accounts, system) = (accounts.to_string_lossy(), system.to_string_lossy());
        let mut all = arguments.to_vec();
        all.extend(["--accounts", &accounts]);
        if arguments[0] != "restore" {
            all.extend(["--system-nkey", &system]);
        }
        self.subscriber(&all).await
    }

    async fn add(&self, name: &str, more: &[&str]) -> Result<Output> {
        let seed = self.operated.seed(name);
        let seed = seed.to_string_lossy();
        let mut all = vec!["add", name, "--seed", &seed];
        all.extend(more);
        self.changing(&all).await
    }

    async fn standing(&self, name: &str) -> Result<Value> {
        let shown = self.subscriber(&["show", name, "-o", "json"]).await?.ok()?;
        let shown: Value = serde_json::from_str(&shown)?;
        Ok(shown["subscribers"][0].clone())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_system_is_let_in_with_one_command() -> Result<()> {
    let world = World::start().await?;
    let mut story = Chapters::new();
    let w = &world;
    story
        .tell("a Python program, as printed", a_python_program(w))
        .await;
    story
        .tell("a Node program, as printed", a_node_program(w))
        .await;
    story.tell("what is asked wrongly", asked_wrongly(w)).await;
    story
        .tell("a deleted stream takes consumers with it", restored(w))
        .await;
    story.tell("who is taken away", taken_away(w)).await;
    story.end()?;
    world.server.stop().await?;
    world.operated.finish()
}

/// For a server that is called otherwise elsewhere, and run where its files lie beside it.
async fn a_python_program(w: &World) -> Result<()> {
    let public = w.server.url().replace("127.0.0.1", "localhost");
    #[rustfmt::skip]
    let asked = [
        "--localities", "568", "--kinds", "progress", "--snippet", "python", "--public-url", &public,
    ];
    let added = w.add(AGENCY, &asked).await?;
    let said = added.stderr.clone();
    let text = added.ok()?;
    let seed = fs::read_to_string(w.operated.seed(AGENCY))?;
    ensure!(
        !text.contains(seed.trim()) && !said.contains(seed.trim()),
        "the seed was told"
    );
    let here = w.operated.file("").to_string_lossy().into_owned();
    ensure!(
        text.contains(&public) && !text.contains("127.0.0.1") && !text.contains(&here),
        "{text}"
    );
    let mode = fs::metadata(w.operated.seed(AGENCY))?.permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    // Said again, nothing changes.
    assert_eq!(w.add(AGENCY, &asked).await?.ok()?, text);
    let before = w.standing(AGENCY).await?;
    assert_eq!(before["waiting"], EVENTS / 2, "{before}");
    assert_eq!(before["lag"], EVENTS, "{before}");

    let Some(python) = python().await? else {
        return Ok(());
    };
    let file = w.operated.file("reader.py");
    fs::write(&file, &text)?;
    let lines = lines(&python, &file, EVENTS as usize / 2).await?;
    for (line, position) in lines.iter().zip((1..=EVENTS).step_by(2)) {
        let wanted = format!("{position:020} vn.tiendo.progress.reported.v1 568");
        assert_eq!(*line, wanted);
    }
    all_acknowledged(w, AGENCY, EVENTS - 1).await
}

async fn a_node_program(w: &World) -> Result<()> {
    let asked = ["--localities", "570", "--start", "11", "--snippet", "node"];
    let text = w.add(OTHER, &asked).await?.ok()?;
    let Some(modules) = node_modules()? else {
        return Ok(());
    };
    symlink(modules, w.operated.file("node_modules"))?;
    let file = w.operated.file("reader.mjs");
    fs::write(&file, &text)?;
    let lines = lines(Path::new("node"), &file, 5).await?;
    for (line, position) in lines.iter().zip((12..=EVENTS).step_by(2)) {
        let wanted = format!("{position:020} vn.tiendo.progress.reported.v1 570");
        assert_eq!(*line, wanted);
    }
    all_acknowledged(w, OTHER, EVENTS).await
}

/// The acknowledgement of the last message that was printed may still be on its way.
async fn all_acknowledged(w: &World, name: &str, position: u64) -> Result<()> {
    let look = async || {
        let standing = w.standing(name).await?;
        Ok((standing["acknowledged"] == position && standing["waiting"] == 0).then_some(standing))
    };
    let standing = until("all acknowledged", PATIENCE, look).await?;
    assert_eq!(standing["lag"], EVENTS - position);
    ensure!(standing["acknowledgedAt"].is_string(), "{standing}");
    Ok(())
}

async fn asked_wrongly(w: &World) -> Result<()> {
    let before = fs::read_to_string(w.operated.copied("subscribers.conf"))?;
    for (name, more, reason) in [
        ("Sở", &[][..], "SUBSCRIBER_NAME"),
        ("ingest", &[], "SUBSCRIBER_NAME"),
        ("x", &["--kinds", "progress.report"], "SUBSCRIBER_KIND"),
        ("x", &["--kinds", "case,progress"], "SUBSCRIBER_TWO_LEDGERS"),
        ("x", &["--localities", "Nha Trang"], "SUBSCRIBER_LOCALITY"),
        ("x", &["--start", "soon"], "SUBSCRIBER_START"),
        (
            "x",
            &["--public-url", "http://a.example"],
            "BUS_URL_INVALID",
        ),
        ("x", &["--kinds", "case"], "STREAM_MISSING"),
        (AGENCY, &["--localities", "570"], "SUBSCRIBER_EXISTS"),
    ] {
        let refused = w.add(name, more).await?;
        ensure!(refused.code == 65 || refused.code == 66, "{refused:?}");
        ensure!(refused.stderr.contains(reason), "{refused:?}");
    }
    let unnamed = w.subscriber(&["add", "x"]).await?;
    ensure!(
        unnamed.code == 64 && unnamed.stderr.contains("SUBSCRIBER_ACCOUNTS"),
        "{unnamed:?}"
    );
    let after = fs::read_to_string(w.operated.copied("subscribers.conf"))?;
    assert_eq!(after, before);
    ensure!(!w.operated.seed("x").exists(), "a key was made for nobody");
    Ok(())
}

async fn restored(w: &World) -> Result<()> {
    let operator = w.operated.client(&w.server.url(), "operator").await?;
    jetstream::new(operator).delete_stream(LEDGER).await?;
    w.fill().await?;
    let listed = w.subscriber(&["list", "-o", "json"]).await?.ok()?;
    assert_eq!(
        serde_json::from_str::<Value>(&listed)?["subscribers"],
        serde_json::json!([])
    );
    w.changing(&["restore"]).await?.ok()?;
    let (agency, other) = (w.standing(AGENCY).await?, w.standing(OTHER).await?);
    assert_eq!(
        (&agency["waiting"], &other["waiting"]),
        (&10.into(), &5.into())
    );
    Ok(())
}

async fn taken_away(w: &World) -> Result<()> {
    let open = w.operated.client(&w.server.url(), AGENCY).await?;
    let other = w.operated.client(&w.server.url(), OTHER).await?;
    w.changing(&["remove", AGENCY]).await?.ok()?;
    // Whoever is connected is cut off, and nobody else.
    let cut = async || Ok((open.connection_state() != State::Connected).then_some(()));
    until("the connection cut", PATIENCE, cut).await?;
    other.flush().await?;
    assert_eq!(other.statistics().connects.load(Ordering::Relaxed), 1);
    let kept_out = async || {
        let again = w.operated.client(&w.server.url(), AGENCY).await;
        Ok(again.is_err().then_some(()))
    };
    until("the door closed", PATIENCE, kept_out).await?;
    let unknown = w.subscriber(&["show", AGENCY]).await?;
    ensure!(
        unknown.code == 66 && unknown.stderr.contains("SUBSCRIBER_UNKNOWN"),
        "{unknown:?}"
    );
    w.operated.client(&w.server.url(), OTHER).await?;
    w.changing(&["remove", OTHER]).await?.ok()?;
    let accounts = fs::read_to_string(w.operated.copied("subscribers.conf"))?;
    assert_eq!(
        accounts,
        fs::read_to_string(Operated::shipped("subscribers.conf"))?
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn under_up_a_system_subscribes_without_a_key() -> Result<()> {
    let tiendo = Tiendo::start(Options::empty()).await?;
    tiendo.text(&["load", "gazetteer"]).await?;
    let added = tiendo
        .tiendo(&[
            "subscriber",
            "add",
            AGENCY,
            "--kinds",
            "locality.registered",
        ])
        .await?;
    ensure!(
        added.stderr.contains("everybody on its machine is let in"),
        "{}",
        added.stderr
    );
    let text = added.ok()?;
    if let Some(python) = python().await? {
        let folder = tempfile::tempdir()?;
        let file = folder.path().join("reader.py");
        fs::write(&file, &text)?;
        let lines = lines(&python, &file, 3).await?;
        ensure!(
            lines[0].contains(" vn.tiendo.locality.registered.v1 "),
            "{lines:?}"
        );
    }
    tiendo.text(&["subscriber", "remove", AGENCY]).await?;
    tiendo.finish().await
}

/// The first lines that a program prints; it is ended then, since it would wait for more.
async fn lines(program: &Path, file: &Path, count: usize) -> Result<Vec<String>> {
    let mut child = Command::new(program)
        .arg(file)
        .current_dir(file.parent().context("a folder")?)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()?;
    let mut printed = BufReader::new(child.stdout.take().context("stdout")?).lines();
    let mut lines = Vec::new();
    while lines.len() < count {
        let line = tokio::time::timeout(PATIENCE, printed.next_line()).await??;
        lines.push(line.with_context(|| format!("it ended after {lines:?}"))?);
    }
    // One acknowledgement more may be on its way.
    let _ = tokio::time::timeout(Duration::from_secs(1), printed.next_line()).await;
    child.kill().await?;
    Ok(lines)
}

fn left_out(what: &str) -> Result<()> {
    ensure!(!third_party_required(), "{what} is missing");
    say(format!("  left out: {what} is missing"));
    Ok(())
}

/// A Python that has nats-py and nkeys.
async fn python() -> Result<Option<PathBuf>> {
    for candidate in third_party("TIENDO_PYTHON", &["python3"]) {
        let asked = Command::new(&candidate)
            .args(["-c", "import nats, nkeys"])
            .stderr(Stdio::null())
            .status();
        if asked.await.is_ok_and(|status| status.success()) {
            return Ok(Some(candidate));
        }
    }
    left_out("a Python with nats-py[nkeys] (TIENDO_PYTHON can name one)")?;
    Ok(None)
}

/// The packages of @nats-io.
fn node_modules() -> Result<Option<PathBuf>> {
    for candidate in third_party("TIENDO_NODE_MODULES", &[]) {
        if candidate.join("@nats-io/transport-node").is_dir() {
            return Ok(Some(std::path::absolute(candidate)?));
        }
    }
    left_out("a folder with @nats-io packages (TIENDO_NODE_MODULES names one)")?;
    Ok(None)
}
