//! The log in this process, and in a fresh one that opens it cold.

use std::cell::Cell;
use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use event_log::{Append, Log, NewEvent, Now, Options, ReadLimit};
use tempfile::TempDir;
use tokio::runtime::Runtime;

use super::Result;
use super::contender::{Contender, Load, Run, allocated, deal, race};
use super::sample::{FIRST_MS, Request};

/// The log, in a directory of its own since `begin`.
pub(crate) struct InProcess {
    pub(crate) runtime: Rc<Runtime>,
    pub(crate) below: PathBuf,
    pub(crate) log_commit_events: Rc<Cell<f64>>,
    pub(crate) open: Option<(Log, TempDir)>,
}

impl InProcess {
    pub(crate) fn log(&self) -> Result<&Log> {
        let (log, _) = self.open.as_ref().ok_or("the log is not open")?;
        Ok(log)
    }

    pub(crate) fn directory(&self) -> Result<&Path> {
        let (_, directory) = self.open.as_ref().ok_or("the log is not open")?;
        Ok(directory.path())
    }

    /// Closes the log and keeps its directory until the guard goes.
    pub(crate) fn close(&mut self) -> Result<TempDir> {
        let (log, directory) = self.open.take().ok_or("the log is not open")?;
        log.close();
        Ok(directory)
    }
}

/// A clock that needs no wall: it begins where the sample's request ids do.
fn now() -> Now {
    let start = Instant::now();
    Arc::new(move || FIRST_MS as i64 * 1_000 + start.elapsed().as_micros() as i64)
}

fn append(request: Request) -> Append {
    let events = request.events.into_iter().map(|event| NewEvent {
        subject: event.subject.into(),
        expected_revision: None,
        payload: event.payload.into(),
        attribute: None,
    });
    Append {
        request_id: request.id,
        events: events.collect(),
    }
}

impl Contender for InProcess {
    fn name(&self) -> String {
        "log".into()
    }

    fn begin(&mut self) -> Result<()> {
        self.open = None;
        let directory = tempfile::tempdir_in(&self.below)?;
        let log = Log::open(Options::at(directory.path()), now())?;
        self.open = Some((log, directory));
        Ok(())
    }

    fn append(&mut self, load: Load, requests: Vec<Request>) -> Result<Run> {
        let log = self.log()?.clone();
        let events: usize = requests.iter().map(|request| request.events.len()).sum();
        let requests = requests.into_iter().map(append).collect();
        let lanes = deal(requests, load.lanes()).into_iter().map(|lane| {
            let log = log.clone();
            async move {
                let mut known = Vec::with_capacity(lane.len());
                for request in lane {
                    known.push(log.append(request).await?.known_micros);
                }
                Ok(known)
            }
        });
        let (known, elapsed) = race(&self.runtime, lanes.collect())?;
        // The events of one commit have one time, and no other commit has it.
        let commits: HashSet<i64> = known.into_iter().flatten().collect();
        self.log_commit_events
            .set(events as f64 / commits.len() as f64);
        Ok(Run {
            elapsed,
            commits: Some(commits.len() as u64),
        })
    }

    fn settle(&mut self) -> Result<()> {
        Ok(self.log()?.seal()?)
    }

    fn disk_bytes(&mut self) -> Result<Option<u64>> {
        self.settle()?;
        Ok(Some(disk_bytes(self.directory()?)?))
    }

    fn end(&mut self) -> Result<()> {
        self.open = None;
        Ok(())
    }

    fn read_all(&mut self) -> Result<(u64, Duration)> {
        let directory = self.close()?;
        let cold = read_cold(directory.path(), Way::Read)?;
        Ok((cold.events, cold.read))
    }
}

/// Bytes on disk that grow with the events: everything but the journal and the reserve, whose size is fixed.
pub(crate) fn disk_bytes(directory: &Path) -> Result<u64> {
    allocated(directory, &|name| {
        !name.starts_with("journal-") && name != "reserve"
    })
}

/// How a log is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    /// `Log::read`: records of their own.
    Read,
    /// `Log::scan`: borrowed records.
    Scan,
}

impl Way {
    fn flag(self) -> &'static str {
        match self {
            Way::Read => "--read-cold",
            Way::Scan => "--scan-cold",
        }
    }
}

/// What a fresh process found.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cold {
    pub(crate) events: u64,
    pub(crate) open: Duration,
    pub(crate) read: Duration,
    /// Resident memory after opening, in bytes.
    pub(crate) open_resident: u64,
    /// Most resident memory up to the end of reading, in bytes.
    pub(crate) peak_resident: u64,
}

/// Opens and reads a closed log in a process of its own.
pub(crate) fn read_cold(directory: &Path, way: Way) -> Result<Cold> {
    let output = Command::new(std::env::current_exe()?)
        .arg(way.flag())
        .arg(directory)
        .output()?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into());
    }
    let said = String::from_utf8(output.stdout)?;
    let numbers: Vec<u64> = said
        .split_whitespace()
        .map(str::parse)
        .collect::<std::result::Result<_, _>>()?;
    let [events, open, read, open_resident, peak_resident] = numbers[..] else {
        return Err(format!("a reader said '{said}'").into());
    };
    Ok(Cold {
        events,
        open: Duration::from_micros(open),
        read: Duration::from_micros(read),
        open_resident,
        peak_resident,
    })
}

/// What the fresh process does; its words are those that [`read_cold`] reads. `None` if it was not asked to.
pub(crate) fn be_cold(arguments: &[String]) -> Option<Result<String>> {
    let [flag, directory] = arguments else {
        return None;
    };
    let ways = [Way::Read, Way::Scan];
    let way = ways.into_iter().find(|way| way.flag() == flag)?;
    Some(open_and_read(Path::new(directory), way))
}

fn open_and_read(directory: &Path, way: Way) -> Result<String> {
    let start = Instant::now();
    let log = Log::open(Options::at(directory), now())?;
    let open = start.elapsed().as_micros();
    let open_resident = resident("VmRSS:")?;
    let start = Instant::now();
    let events = match way {
        Way::Read => read(&log)?,
        Way::Scan => scan(&log)?,
    };
    let read = start.elapsed().as_micros();
    let peak = resident("VmHWM:")?;
    Ok(format!("{events} {open} {read} {open_resident} {peak}"))
}

fn read(log: &Log) -> Result<u64> {
    let limit = ReadLimit {
        events: 4_096,
        bytes: 4 * 1024 * 1024,
    };
    let (mut events, mut sum) = (0, 0);
    while events < log.head() {
        let records = log.read(events + 1, limit)?;
        if records.is_empty() {
            return Err(format!("nothing after position {events}").into());
        }
        sum += records.iter().map(|r| r.payload.len()).sum::<usize>();
        events += records.len() as u64;
    }
    std::hint::black_box(sum);
    Ok(events)
}

fn scan(log: &Log) -> Result<u64> {
    let (mut events, mut sum) = (0, 0);
    log.scan(1, u64::MAX, &mut |_| true, &mut |record| {
        sum += record.payload.len();
        events += 1;
        std::ops::ControlFlow::Continue(())
    })?;
    std::hint::black_box(sum);
    Ok(events)
}

/// A line of `/proc/self/status`, in bytes.
fn resident(key: &str) -> Result<u64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix(key));
    let kib: u64 = line
        .and_then(|line| line.split_whitespace().next())
        .ok_or("no such line")?
        .parse()?;
    Ok(kib * 1024)
}
