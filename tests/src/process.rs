//! One `tiendo` process of ours, which never outlives the test.

use std::fs::{self, File};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use rustix::process::{Pid, Signal, kill_process, kill_process_group, test_kill_process};

use crate::program::SETTINGS;
use crate::wait::{PATIENCE, until};

/// Until a process that was asked to stop has stopped.
const STOP_MAX: Duration = Duration::from_secs(60);
/// How much of what a process said is shown when a story fails.
const SAID_CHARS_MAX: usize = 4_000;

/// A process in a group of its own. Dropped, the group is killed.
#[derive(Debug)]
pub struct Process {
    child: Child,
    evidence: PathBuf,
    /// The thread that started the child ends when this is dropped.
    _keeper: mpsc::Sender<()>,
}

impl Process {
    /// Starts `tiendo`; what it says and prints goes to `<evidence>.stderr` and `<evidence>.stdout`.
    ///
    /// # Errors
    /// It cannot be started.
    pub fn start(arguments: &[&str], evidence: &Path) -> Result<Self> {
        let mut command = bound_to_this_process(&binary()?);
        for setting in SETTINGS {
            command.env_remove(setting);
        }
        command
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(File::create(evidence.with_extension("stdout"))?)
            .stderr(File::create(evidence.with_extension("stderr"))?)
            .process_group(0);
        let (child, keeper) = spawn_from_a_thread_of_its_own(command)?;
        Ok(Self {
            child,
            evidence: evidence.to_owned(),
            _keeper: keeper,
        })
    }

    /// What it said on stderr.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn said(&self) -> Result<String> {
        Ok(fs::read_to_string(self.evidence.with_extension("stderr"))?)
    }

    /// Waits until it says a line, and gives that line.
    ///
    /// # Errors
    /// It ends before, or does not say it in time; what it said is in the error.
    pub async fn says(&mut self, what: &str, is_it: impl Fn(&str) -> bool) -> Result<String> {
        let look = async || {
            let said = self.said()?;
            if let Some(line) = said.lines().find(|line| is_it(line)) {
                return Ok(Some(line.to_owned()));
            }
            if let Some(status) = self.child.try_wait()? {
                bail!("it ended with {status} before {what}:\n{}", tail(&said));
            }
            Ok(None)
        };
        until(what, PATIENCE, look).await
    }

    /// Sends SIGTERM; it must end with 0.
    ///
    /// # Errors
    /// It ends otherwise, or not in time.
    pub async fn stop(mut self) -> Result<()> {
        kill_process(self.group()?, Signal::TERM)?;
        let look = async || Ok(self.child.try_wait()?);
        let status: ExitStatus = until("the end of tiendo", STOP_MAX, look).await?;
        let said = self.said()?;
        ensure!(
            status.success(),
            "after SIGTERM it ended with {status}:\n{}",
            tail(&said)
        );
        Ok(())
    }

    /// Sends a signal to the whole group.
    ///
    /// # Errors
    /// It has ended.
    pub fn signal(&self, signal: Signal) -> Result<()> {
        Ok(kill_process_group(self.group()?, signal)?)
    }

    /// Sends SIGKILL to the whole group, and waits for the end.
    pub fn kill(self) {
        drop(self);
    }

    fn group(&self) -> Result<Pid> {
        Pid::from_raw(i32::try_from(self.child.id())?).context("a child without an id")
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Once it was waited for, its id may be somebody else's.
        if matches!(self.child.try_wait(), Ok(None)) {
            if let Ok(group) = self.group() {
                let _ = kill_process_group(group, Signal::KILL);
            }
            let _ = self.child.wait();
        }
    }
}

/// The `tiendo` beside the executable of the test.
///
/// # Errors
/// It was not built.
pub fn binary() -> Result<PathBuf> {
    let own = std::env::current_exe()?;
    let folder = own
        .parent()
        .and_then(Path::parent)
        .context("the test lies in no folder")?;
    let binary = folder.join(format!("tiendo{}", std::env::consts::EXE_SUFFIX));
    ensure!(
        binary.is_file(),
        "there is no {}; run `cargo build` first",
        binary.display()
    );
    Ok(binary)
}

/// A command that the kernel ends with this process, where it can: a test that is killed cannot clean up.
///
/// It goes the way of the product's own child, nats-server, which must not outlive `up` either.
fn bound_to_this_process(binary: &Path) -> Command {
    let mut command = Command::new(binary);
    if cfg!(target_os = "linux") {
        command
            .arg("__nats-server")
            .arg(std::process::id().to_string())
            .arg(binary);
    }
    command
}

/// Starts a child from a thread that lives as long as the sender: the kernel ends the child with the *thread* that started it.
fn spawn_from_a_thread_of_its_own(mut command: Command) -> Result<(Child, mpsc::Sender<()>)> {
    let (keeper, kept) = mpsc::channel();
    let (answer, answered) = mpsc::channel();
    thread::spawn(move || {
        let spawned = command.spawn();
        drop(command);
        if answer.send(spawned).is_ok() {
            // Until the sender is dropped.
            let _ = kept.recv();
        }
    });
    Ok((answered.recv()??, keeper))
}

/// Waits until a server that nobody stopped has gone with its parent.
pub(crate) async fn gone(server: Option<Pid>) -> Result<()> {
    let Some(server) = server else { return Ok(()) };
    until("the end of nats-server", STOP_MAX, async || {
        Ok(test_kill_process(server).is_err().then_some(()))
    })
    .await
}

/// The last part of a long text.
pub(crate) fn tail(text: &str) -> String {
    let chars = text.chars().count();
    text.chars()
        .skip(chars.saturating_sub(SAID_CHARS_MAX))
        .collect()
}
