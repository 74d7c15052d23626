//! The limit: a plain file with `fdatasync` after each batch.

use std::cell::Cell;
use std::fs::{File, OpenOptions};
use std::io::{BufReader, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::PathBuf;
use std::rc::Rc;
use std::time::{Duration, Instant};

use super::Result;
use super::contender::{Contender, Load, Run};
use super::sample::Request;

/// How much is written before each `fdatasync`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Size {
    /// One request: what one writer in lock-step does.
    Request,
    /// As many events as a commit of the log had on average under the same load.
    Commit,
}

/// Where the bytes go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// To the end of a growing file.
    End,
    /// Over zeros written ahead: no metadata to sync.
    Zeros,
}

/// A file, and the average commit of the log that it is held against.
pub(crate) struct PlainFile {
    pub(crate) path: PathBuf,
    pub(crate) size: Size,
    pub(crate) place: Place,
    pub(crate) log_commit_events: Rc<Cell<f64>>,
    pub(crate) file: Option<File>,
}

/// Length of a file written ahead; from its end writing goes back to its start.
const ZEROS: u64 = 64 * 1024 * 1024;

impl PlainFile {
    fn open(&self) -> Result<File> {
        let mut options = OpenOptions::new();
        let mut file = options
            .create(true)
            .truncate(true)
            .read(true)
            .write(true)
            .open(&self.path)?;
        if self.place == Place::Zeros {
            let zeros = vec![0; 1024 * 1024];
            for _ in 0..ZEROS / zeros.len() as u64 {
                file.write_all(&zeros)?;
            }
            file.sync_all()?;
            file.seek(SeekFrom::Start(0))?;
        }
        Ok(file)
    }
}

impl Contender for PlainFile {
    fn name(&self) -> String {
        let place = match self.place {
            Place::End => "file",
            Place::Zeros => "file over zeros",
        };
        match self.size {
            Size::Request => format!("{place}, sync per request"),
            Size::Commit => format!("{place}, sync per commit"),
        }
    }

    fn takes(&self, load: Load) -> bool {
        // One request at a time is one commit each.
        self.size == Size::Commit || load.lanes() > 1
    }

    fn begin(&mut self) -> Result<()> {
        self.file = Some(self.open()?);
        Ok(())
    }

    fn append(&mut self, load: Load, requests: Vec<Request>) -> Result<Run> {
        let file = self.file.as_mut().ok_or("the file is not open")?;
        let commit_events = match self.size {
            Size::Request => load.batch,
            Size::Commit => (self.log_commit_events.get().round() as usize).max(1),
        };
        let events: Vec<_> = requests.into_iter().flat_map(|r| r.events).collect();
        let mut commits = 0;
        let mut buffer = Vec::new();
        let mut end = file.stream_position()?;
        let start = Instant::now();
        for commit in events.chunks(commit_events) {
            buffer.clear();
            for event in commit {
                buffer.extend_from_slice(&(event.payload.len() as u32).to_le_bytes());
                buffer.extend_from_slice(&event.payload);
            }
            end += buffer.len() as u64;
            if self.place == Place::Zeros && end > ZEROS {
                file.seek(SeekFrom::Start(0))?;
                end = buffer.len() as u64;
            }
            file.write_all(&buffer)?;
            file.sync_data()?;
            commits += 1;
        }
        Ok(Run {
            elapsed: start.elapsed(),
            commits: Some(commits),
        })
    }

    fn disk_bytes(&mut self) -> Result<Option<u64>> {
        Ok(match self.place {
            Place::End => Some(std::fs::metadata(&self.path)?.len()),
            Place::Zeros => None,
        })
    }

    fn read_all(&mut self) -> Result<(u64, Duration)> {
        let start = Instant::now();
        let mut file = BufReader::with_capacity(1024 * 1024, File::open(&self.path)?);
        let mut length = [0; 4];
        let (mut events, mut sum, mut payload) = (0, 0_u64, Vec::new());
        while file.read_exact(&mut length).is_ok() {
            payload.resize(u32::from_le_bytes(length) as usize, 0);
            file.read_exact(&mut payload)?;
            sum += u64::from(payload[0]);
            events += 1;
        }
        std::hint::black_box(sum);
        Ok((events, start.elapsed()))
    }
}
