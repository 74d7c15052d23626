//! A start from a snapshot: the state from the disk, and what is newer from the log.

use std::path::{Path, PathBuf};
use std::time::Instant;

use serde_json::{Value, json};

use super::goal::Goal;
use super::live::{Live, Reading};
use super::measure::Row;
use crate::Failure;
use crate::cli::Snapshots;
use crate::command::bench::{Spread, disk_bytes, resident_mb};
use crate::fail::FAILED;
use crate::lang::Lang;

/// Takes one at an orderly end, and none before.
pub(super) const AT_THE_END: Snapshots = Snapshots {
    snapshot_every: u64::MAX,
};
/// Takes none, and starts from what is there.
const NEVER: Snapshots = Snapshots { snapshot_every: 0 };

/// What a snapshot took and brought.
pub(super) struct Restart {
    /// Position of the snapshot.
    position: u64,
    /// Bytes of it on the disk.
    bytes: u64,
    /// Seconds from the word to end until it is durable.
    taken_s: f64,
    /// Events of the log that are newer.
    pub(super) newer: u64,
    /// Seconds from each start until everything was answered.
    started_s: Vec<f64>,
    /// What this process has then, in millions of bytes: the projection, and ingest with a state of its own.
    resident_mb: f64,
}

impl Restart {
    /// Ends a projection, which takes its snapshot.
    pub(super) async fn take(live: &Live, reading: Reading) -> Result<Self, Failure> {
        let begun = Instant::now();
        reading.stop().await?;
        let taken_s = begun.elapsed().as_secs_f64();
        let (position, directory) = snapshot(live.snapshots())?;
        Ok(Self {
            position,
            bytes: disk_bytes(&directory)?,
            taken_s,
            newer: 0,
            started_s: Vec::new(),
            resident_mb: 0.0,
        })
    }

    /// Starts a projection in every round; the last one goes on.
    pub(super) async fn measure(&mut self, live: &Live, rounds: usize) -> Result<Reading, Failure> {
        let mut running: Option<Reading> = None;
        for _ in 0..rounds {
            if let Some(before) = running.take() {
                before.stop().await?;
            }
            let begun = Instant::now();
            running = Some(live.read(&NEVER).await?);
            self.started_s.push(begun.elapsed().as_secs_f64());
        }
        // One that was not believed has lost its name, and the start has read the whole log.
        let (position, _) = snapshot(live.snapshots())?;
        if position != self.position {
            return Err(Failure::new(
                FAILED,
                "the snapshot was not taken by the start",
            ));
        }
        self.resident_mb = resident_mb("VmRSS:")?;
        running.ok_or_else(|| Failure::new(FAILED, "no projection was started"))
    }

    fn started_s(&self) -> f64 {
        Spread::of(&self.started_s).median
    }

    /// Positions a second that can be asked about.
    pub(super) fn row(&self) -> Row {
        let positions = (self.position + self.newer) as f64;
        let rates = self.started_s.iter().map(|seconds| positions / seconds);
        let mut row = Row::rate("start from a snapshot".to_owned(), rates.collect());
        row.aim(Goal::start(self.started_s()));
        row
    }

    pub(super) fn json(&self) -> Value {
        json!({
            "position": self.position,
            "bytes": self.bytes,
            "taken_s": self.taken_s,
            "newer_events": self.newer,
            "started_s": self.started_s,
            "resident_mb": self.resident_mb,
        })
    }

    pub(super) fn head(&self, lang: Lang) -> String {
        let (megabytes, taken) = (self.bytes as f64 / 1e6, self.taken_s);
        let (started, resident) = (self.started_s(), self.resident_mb);
        let newer = lang.count(self.newer);
        lang.pick(
            format!("snapshot {megabytes:.0} MB, tạo hết {taken:.1} s; khởi động từ đó với {newer} sự kiện mới hơn hết {started:.2} s, khi đó cả tiến trình chiếm {resident:.0} MB"),
            format!("a snapshot of {megabytes:.0} MB, taken in {taken:.1} s; a start from it with {newer} newer events takes {started:.2} s, the whole process has {resident:.0} MB then"),
        )
    }
}

/// The newest snapshot in a directory, and its position.
fn snapshot(below: &Path) -> Result<(u64, PathBuf), Failure> {
    let mut newest = None;
    for entry in std::fs::read_dir(below)? {
        let entry = entry?;
        let name = entry.file_name();
        let digits = name
            .to_str()
            .and_then(|name| name.strip_prefix("snapshot-"));
        let position = digits.and_then(|digits| digits.parse::<u64>().ok());
        newest = newest.max(position.map(|position| (position, entry.path())));
    }
    newest.ok_or_else(|| Failure::new(FAILED, "no snapshot was taken; --log warn says why"))
}
