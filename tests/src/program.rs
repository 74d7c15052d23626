//! Outside programs: run with a limit, never left behind.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::process::Command;

/// No command takes longer than this on a slow machine.
const COMMAND_MAX: Duration = Duration::from_secs(240);

/// Settings of whoever runs the tests, which must not decide them; `TIENDO_NATS_SERVER` may.
pub(crate) const SETTINGS: [&str; 18] = [
    "TIENDO_NATS",
    "TIENDO_NATS_NKEY",
    "TIENDO_NATS_CA",
    "TIENDO_NATS_INBOX",
    "TIENDO_NATS_ACCOUNTS",
    "TIENDO_NATS_SYSTEM_NKEY",
    "TIENDO_DATA",
    "TIENDO_SERVER",
    "TIENDO_LANG",
    "TIENDO_LOG",
    "TIENDO_LOG_JSON",
    "TIENDO_TODAY",
    "TIENDO_LEDGER",
    "TIENDO_ORGANISATION",
    "TIENDO_OFFICE",
    "TIENDO_SNAPSHOT_EVERY",
    "TIENDO_CONTACTS",
    "TIENDO_INSECURE_SINKS",
];

/// How a program ended.
#[derive(Debug, Clone)]
pub struct Output {
    /// What was run.
    pub command: String,
    /// Its exit code; -1 if a signal ended it.
    pub code: i32,
    /// What it wrote as data.
    pub stdout: String,
    /// What it said.
    pub stderr: String,
}

impl Output {
    /// Its data, if it ended with 0.
    ///
    /// # Errors
    /// Its exit code with what it said.
    pub fn ok(self) -> Result<String> {
        if self.code != 0 {
            bail!(
                "`{}` ended with {}: {}{}",
                self.command,
                self.code,
                self.stderr,
                self.stdout
            );
        }
        Ok(self.stdout)
    }
}

/// Runs a program to its end.
///
/// # Errors
/// It cannot be started, or takes longer than four minutes.
pub async fn run(program: &Path, arguments: &[impl AsRef<OsStr>]) -> Result<Output> {
    let mut command = Command::new(program);
    command.args(arguments);
    finished(command).await
}

/// Runs a program that finds other programs on this path alone.
///
/// # Errors
/// As [`run`].
pub async fn run_on_path(
    program: &Path,
    arguments: &[impl AsRef<OsStr>],
    path: &str,
) -> Result<Output> {
    let mut command = Command::new(program);
    command
        .args(arguments)
        .env("PATH", path)
        .env_remove("TIENDO_NATS_SERVER");
    finished(command).await
}

async fn finished(mut command: Command) -> Result<Output> {
    for setting in SETTINGS {
        command.env_remove(setting);
    }
    let mut shown = command.as_std().get_program().display().to_string();
    for argument in command.as_std().get_args() {
        shown = format!("{shown} {}", argument.display());
    }
    let child = command.stdin(Stdio::null()).kill_on_drop(true).output();
    let output = tokio::time::timeout(COMMAND_MAX, child)
        .await
        .with_context(|| format!("`{shown}` did not end within {COMMAND_MAX:?}"))?
        .with_context(|| format!("`{shown}` cannot be run"))?;
    Ok(Output {
        command: shown,
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8(output.stdout).context("stdout is not UTF-8")?,
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    })
}

/// What a page at an address such as `127.0.0.1:7060` holds, with its headers.
///
/// # Errors
/// Nobody answers.
pub async fn page(address: &str, path: &str) -> Result<String> {
    let mut stream = TcpStream::connect(address).await?;
    let request = format!("GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    Ok(answer)
}

/// A third-party program: named by a variable, else the first of these names that can be run.
#[expect(clippy::disallowed_methods, reason = "a test is its own `main`")]
#[must_use]
pub fn third_party(variable: &str, names: &[&str]) -> Vec<PathBuf> {
    match std::env::var_os(variable) {
        Some(program) if !program.is_empty() => vec![program.into()],
        _ => names.iter().map(PathBuf::from).collect(),
    }
}

/// True if third-party programs must be there: without them the tests that need them fail instead of being left out.
#[expect(clippy::disallowed_methods, reason = "a test is its own `main`")]
#[must_use]
pub fn third_party_required() -> bool {
    std::env::var_os("TIENDO_REQUIRE_THIRD_PARTY").is_some_and(|value| value == "1")
}
