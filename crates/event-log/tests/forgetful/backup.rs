//! Backups as `tiendo log backup` and `restore` handle them, and whether one is worth its name.

use std::fs::{self, File};
use std::io;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use event_log::archive::{self, Closing, Manifest, Reader, Writer};
use event_log::restore::{ArchiveSource, Source, Until, restore};
use event_log::{Builder, Checkpoint, Error, Log, Options, Record, RecordRef};

use super::promises::{Answers, Broken, said};

/// Why there is no backup.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// The log says so.
    Log(Error),
    /// The file, or what it holds.
    File(archive::Error),
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Refusal {
        Refusal::Log(error)
    }
}

impl From<archive::Error> for Refusal {
    fn from(error: archive::Error) -> Refusal {
        Refusal::File(error)
    }
}

impl From<io::Error> for Refusal {
    fn from(source: io::Error) -> Refusal {
        let doing = "keep";
        Refusal::File(archive::Error::Io { doing, source })
    }
}

impl Refusal {
    /// The code that an operator reads, and what the system said of the file.
    pub(crate) fn name(&self) -> (&'static str, Option<io::ErrorKind>) {
        match self {
            Refusal::Log(error) => (error.reason(), None),
            Refusal::File(error @ archive::Error::Io { source, .. }) => {
                (error.reason(), Some(source.kind()))
            }
            Refusal::File(error) => (error.reason(), None),
        }
    }
}

/// Takes a backup: written beside, synced, read back whole, and only then given its name.
///
/// `meanwhile` is done when half of the events are written.
pub(crate) async fn take(
    log: &Log,
    file: &Path,
    meanwhile: impl AsyncFnOnce(),
) -> Result<Closing, Refusal> {
    let head = log.head();
    let manifest = Manifest {
        origin: "khanh-hoa".to_owned(),
        head,
        known_first: known_at(log, 1)?,
        known_last: known_at(log, head)?,
        made_micros: 1_795_315_728_000_000,
    };
    let partial = beside(file);
    let mut writer = Writer::begin(File::create(&partial)?, manifest)?;
    push(log, 1, head / 2, &mut writer)?;
    meanwhile().await;
    push(log, head / 2 + 1, head, &mut writer)?;
    let (written, _) = writer.finish(&log.checkpoint_at(head)?)?;
    written.sync_all()?;
    let closing = read(&partial)?;
    fs::rename(&partial, file)?;
    if let Some(directory) = file.parent() {
        File::open(directory)?.sync_all()?;
    }
    Ok(closing)
}

/// Where a backup is written before it has its name.
fn beside(file: &Path) -> PathBuf {
    file.with_extension("partial")
}

fn known_at(log: &Log, position: u64) -> Result<i64, Error> {
    let mut known = 0;
    log.scan(position, position, &mut |_| true, &mut |event| {
        known = event.known_micros;
        ControlFlow::Break(())
    })?;
    Ok(known)
}

fn push(log: &Log, first: u64, last: u64, writer: &mut Writer<File>) -> Result<(), Refusal> {
    let mut pushed = Ok(());
    let mut each = |event: RecordRef<'_>| {
        pushed = writer.push(Record {
            position: event.position,
            known_micros: event.known_micros,
            request_id: *event.request_id,
            subject: event.subject.into(),
            payload: Bytes::copy_from_slice(event.payload),
        });
        match pushed {
            Ok(()) => ControlFlow::Continue(()),
            Err(_) => ControlFlow::Break(()),
        }
    };
    log.scan(first, last, &mut |_| true, &mut each)?;
    Ok(pushed?)
}

/// Reads a backup through to its closing record.
pub(crate) fn read(file: &Path) -> Result<Closing, archive::Error> {
    let input = File::open(file).map_err(|source| archive::Error::Io {
        doing: "read",
        source,
    })?;
    let mut reader = Reader::open(input)?;
    while reader.next_part()?.is_some() {}
    Ok(reader.closing().cloned().unwrap())
}

/// Whether a log that is restored from the backup keeps what was promised before it was taken.
fn keeps(file: &Path, closing: Closing, answers: &Answers) -> Result<u64, Broken> {
    let directory = tempfile::tempdir().unwrap();
    let to = directory.path().join("log");
    let signed = Checkpoint::parse(&closing.checkpoint)?;
    let input = File::open(file).unwrap();
    let mut source = ArchiveSource::new(input, closing, "the backup".to_owned()).unwrap();
    let mut sources: [&mut dyn Source; 1] = [&mut source];
    let mut builder = Builder::create(Options::at(&to))?;
    let mut keep = |record| builder.push(record);
    let restored = restore(&mut sources, Some(&signed), Until::END, &mut keep);
    restored.map_err(|error| said(&error))?;
    builder.finish()?;
    answers.kept_in(&to)
}

/// Whether a backup lies at `file` that keeps all promises; one that is there and does not is broken.
///
/// What lies beside it is whole as well, or refused by name.
pub(crate) fn is_there(file: &Path, answers: &Answers) -> Result<bool, Broken> {
    match read(&beside(file)) {
        Ok(closing) => drop(keeps(&beside(file), closing, answers)?),
        Err(error) => match (error.reason(), beside(file).exists()) {
            (_, false) | ("BACKUP_INCOMPLETE" | "BACKUP_UNKNOWN" | "BACKUP_DAMAGED", true) => {}
            (_, true) => return Err(said(&error).into()),
        },
    }
    if !file.exists() {
        return Ok(false);
    }
    let closing = read(file).map_err(|error| said(&error))?;
    keeps(file, closing, answers).map(|_| true)
}
