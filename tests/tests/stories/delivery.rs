//! Alerts leave the product: a contacts file that is wrong is told whole, one that is right is told to, and operators see what was not taken.

use std::fs;

use anyhow::{Context as _, Result, ensure};
use tempfile::TempDir;
use tiendo_tests::{Options, Tiendo, binary, free_port, program, until};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::time::{Duration, timeout};

/// No condition takes longer than this.
const PATIENCE: Duration = Duration::from_secs(60);

const WRONG: &str = r#"[smtp]
url = "smtp://mail.example.vn"
from = "nobody"
[[contact]]
plaice = "56"
"#;

fn file(folder: &TempDir, name: &str, text: &str) -> Result<String> {
    let path = folder.path().join(name);
    fs::write(&path, text)?;
    Ok(path.to_string_lossy().into_owned())
}

#[tokio::test]
async fn everything_wrong_with_a_contacts_file_is_told_before_anything_starts() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let contacts = file(&folder, "contacts.toml", WRONG)?;
    let data = folder.path().join("data");
    let shown = data.to_string_lossy().into_owned();
    for (lang, said) in [
        ("vi", "tệp đầu mối liên hệ không dùng được"),
        ("en", "the contacts file cannot be used"),
    ] {
        let arguments = [
            "--lang",
            lang,
            "--data",
            &shown,
            "up",
            "--contacts",
            &contacts,
        ];
        let ended = program::run(&binary()?, &arguments).await?;
        ensure!(ended.code == 64, "{ended:?}");
        ensure!(ended.stderr.contains(said), "{}", ended.stderr);
        ensure!(
            ended.stderr.contains("[CONTACTS_INVALID]"),
            "{}",
            ended.stderr
        );
        for line in [2, 3, 4, 5] {
            let place = format!("contacts.toml:{line}: ");
            ensure!(ended.stderr.contains(&place), "{line}: {}", ended.stderr);
        }
    }
    ensure!(!data.exists(), "something was started");
    Ok(())
}

/// Takes one POST, and gives its head.
async fn one_post(listener: &TcpListener) -> Result<String> {
    let (mut stream, _) = listener.accept().await?;
    let mut got = Vec::new();
    let (head, length) = loop {
        let mut part = [0; 4_096];
        let read = stream.read(&mut part).await?;
        ensure!(read > 0, "cut off");
        got.extend_from_slice(&part[..read]);
        let text = String::from_utf8_lossy(&got).to_ascii_lowercase();
        if let Some((head, _)) = text.split_once("\r\n\r\n") {
            let length = head.split("content-length: ").nth(1);
            let length = length.and_then(|rest| rest.lines().next()?.trim().parse::<usize>().ok());
            break (head.to_owned(), length.context("no length")?);
        }
    };
    while got.len() < head.len() + 4 + length {
        let mut part = [0; 4_096];
        let read = stream.read(&mut part).await?;
        ensure!(read > 0, "cut off");
        got.extend_from_slice(&part[..read]);
    }
    stream
        .write_all(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")
        .await?;
    stream.shutdown().await?;
    Ok(head)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_alert_leaves_the_product_and_operators_see_what_was_taken() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    let (port, nobody) = (listener.local_addr()?.port(), free_port()?);
    file(
        &folder,
        "secret",
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n",
    )?;
    let hook = |name: &str, port: u16| {
        format!(
            "[[webhook]]\nname = \"{name}\"\nurl = \"http://127.0.0.1:{port}/\"\nsecret_file = \"secret\"\n"
        )
    };
    let text = format!("{}{}", hook("here", port), hook("nobody", nobody));
    let contacts = file(&folder, "contacts.toml", &text)?;
    let tiendo = Tiendo::start(Options::sample().with(&["--contacts", &contacts])).await?;

    // What the first load opened is history; a quota that was missed is not.
    let quota = [
        "quota",
        "assign",
        "eid.activated",
        "--locality",
        "568",
        "--denominator",
        "634327",
        "--target",
        "95",
        "--deadline",
        "30/6/2023",
        "--layer",
        "central",
        "--issuer",
        "Bộ Công an",
        "--as-of",
        "1/6/2023",
    ];
    tiendo.text(&quota).await?;
    let head = timeout(PATIENCE, one_post(&listener)).await??;
    for header in [
        "webhook-id: khanh-hoa-alerts:",
        "webhook-timestamp: ",
        "webhook-signature: v1,",
    ] {
        ensure!(head.contains(header), "{header}: {head}");
    }
    let nobody = until("a delivery and a failure", PATIENCE, async || {
        let told = tiendo.json(&["delivery", "list"]).await?;
        let of = |name: &str| {
            let sinks = told["sinks"].as_array();
            let sink = sinks.and_then(|sinks| sinks.iter().find(|sink| sink["sink"] == name));
            sink.cloned().unwrap_or_default()
        };
        let (here, nobody) = (of("webhook-here"), of("webhook-nobody"));
        let taken = here["delivered"].as_u64().is_some();
        Ok((taken && nobody["failed"].as_u64().is_some()).then_some(nobody))
    })
    .await?;
    let error = nobody["lastError"].as_str().unwrap_or_default();
    ensure!(error.contains("cannot connect"), "{nobody}");
    for (arguments, code, reason) in [
        (
            &["delivery", "retry", "--sink", "pigeon"][..],
            66,
            "UNKNOWN_SINK",
        ),
        (&["delivery", "retry", "7"], 66, "UNKNOWN_DEAD_LETTER"),
        (&["delivery", "retry"], 0, ""),
    ] {
        let ended = tiendo.tiendo(arguments).await?;
        ensure!(
            ended.code == code && ended.stderr.contains(reason),
            "{ended:?}"
        );
    }
    tiendo.finish().await
}
