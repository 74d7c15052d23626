//! `tiendo log restore`: a new log directory out of what there is.
//!
//! Everything is written into `<to>.partial`, which is synced, verified and only then given its name, so that there is
//! a whole log under the name or none.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use event_log::restore::{self, ArchiveSource, Restored, Source, Until};
use event_log::salvage::Salvage;
use event_log::{Builder, Checkpoint, Options, Record};
use serde_json::json;
use tokio::runtime::Handle;

use super::backup::{self, beside, sync_parent};
use super::bus::BusSource;
use super::{bar, offline};
use crate::Failure;
use crate::cli::Restore;
use crate::fail::{FAILED, REFUSED, UNAVAILABLE, USAGE};
use crate::output::{Cell, Output, Table, number, text};

pub(super) fn run(wanted: Restore, runtime: &Handle, output: Output) -> Result<(), Failure> {
    let partial = beside(&wanted.to);
    for place in [&wanted.to, &partial] {
        if is_taken(place) {
            let shown = place.display();
            let text = output.lang.pick(
                format!("{shown} đã có dữ liệu; phục hồi chỉ ghi vào thư mục mới [RESTORE_TAKEN]"),
                format!(
                    "{shown} holds something already; a restore writes only into a new directory [RESTORE_TAKEN]"
                ),
            );
            return Err(Failure::new(USAGE, text));
        }
    }
    let restored = build(&wanted, &partial, runtime, output).and_then(|restored| {
        if wanted.to.is_dir() {
            std::fs::remove_dir(&wanted.to)?;
        }
        std::fs::rename(&partial, &wanted.to)?;
        sync_parent(&wanted.to)?;
        Ok(restored)
    });
    match restored {
        Ok(restored) => show(&wanted, &restored, output),
        Err(failure) => {
            // It was made by this call, and half a log is worth nothing.
            let _ = std::fs::remove_dir_all(&partial);
            Err(failure)
        }
    }
}

/// Whether something is there that a restore must not touch.
fn is_taken(place: &Path) -> bool {
    match std::fs::read_dir(place) {
        Ok(mut entries) => entries.next().is_some(),
        Err(error) => error.kind() != std::io::ErrorKind::NotFound,
    }
}

/// Who is asked for events.
struct Sources {
    log: Option<Salvage>,
    archive: Option<ArchiveSource<BufReader<File>>>,
    bus: Option<BusSource>,
}

impl Sources {
    fn open(wanted: &Restore, runtime: &Handle, output: Output) -> Result<Sources, Failure> {
        let log = wanted.from.as_ref();
        let archive = wanted.backup.as_ref();
        let bus = wanted.bus.as_ref().map(|url| {
            let source = BusSource::open(&wanted.credentials.access(url), &wanted.ledger, runtime);
            source.map_err(|error| {
                let failure = Failure::caused(UNAVAILABLE, &error);
                let text = format!("{} [{}]", failure.text(), error.reason());
                Failure::new(UNAVAILABLE, text)
            })
        });
        Ok(Sources {
            log: log
                .map(|directory| offline::salvage(directory, output))
                .transpose()?,
            archive: archive
                .map(|file| open_backup(file, &wanted.ledger, output))
                .transpose()?,
            bus: bus.transpose()?,
        })
    }

    /// The last position that any of them has.
    fn last(&self) -> u64 {
        let log = self.log.as_ref().map_or(0, Salvage::head);
        let archive = self.archive.as_ref().and_then(Source::sealed);
        let bus = self.bus.as_ref().map_or(0, BusSource::last);
        log.max(archive.map_or(0, |(last, _)| last)).max(bus)
    }

    /// The newest signed tree head that any of them keeps.
    fn signed(&self) -> Option<Checkpoint> {
        let log = self.log.as_ref().and_then(|log| log.signed().cloned());
        let archive = self.archive.as_ref();
        let archive = archive.and_then(|a| Checkpoint::parse(&a.closing().checkpoint).ok());
        let all = log.into_iter().chain(archive);
        all.max_by_key(|signed| signed.size)
    }

    /// In order of trust.
    fn all(&mut self) -> Vec<&mut dyn Source> {
        let mut all: Vec<&mut dyn Source> = Vec::new();
        all.extend(self.log.as_mut().map(|source| source as &mut dyn Source));
        all.extend(
            self.archive
                .as_mut()
                .map(|source| source as &mut dyn Source),
        );
        all.extend(self.bus.as_mut().map(|source| source as &mut dyn Source));
        all
    }
}

fn build(
    wanted: &Restore,
    partial: &Path,
    runtime: &Handle,
    output: Output,
) -> Result<Restored, Failure> {
    let mut sources = Sources::open(wanted, runtime, output)?;
    let signed = sources.signed();
    if let Some(signed) = &signed {
        of_ledger(&signed.origin, &wanted.ledger, output)?;
    }
    let until = Until {
        position: wanted.until_position.unwrap_or(u64::MAX),
        known_micros: wanted
            .until_time
            .map_or(i64::MAX, |time| time.as_microsecond()),
    };
    let length = sources.last().min(until.position);
    let bar = bar(length, ("Đang phục hồi sổ", "Restoring the log"), output);
    let options = Options {
        origin: format!("tiendo/{}", wanted.ledger).into(),
        ..Options::at(partial)
    };
    let mut builder = Builder::create(options).map_err(|error| offline::failed(&error))?;
    let mut keep = |record: Record| {
        bar.set_position(record.position);
        builder.push(record)
    };
    let restored = restore::restore(&mut sources.all(), signed.as_ref(), until, &mut keep);
    bar.finish_and_clear();
    let restored = restored.map_err(|error| failed(&error))?;
    builder.finish().map_err(|error| offline::failed(&error))?;
    if let Some(directory) = &wanted.from {
        let is_all = signed.is_none_or(|signed| signed.size <= restored.head);
        carry_over(directory, partial, is_all)?;
    }
    check(partial, &restored, output)?;
    Ok(restored)
}

/// What lies beside the events: the key, the names that can be erased, and what was signed, unless that is of more
/// events than were restored.
fn carry_over(from: &Path, to: &Path, with_signed: bool) -> Result<(), Failure> {
    let signed = with_signed.then_some("checkpoints");
    for name in ["signing-key", "erasable"].into_iter().chain(signed) {
        match std::fs::copy(from.join(name), to.join(name)) {
            Ok(_) => {}
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

/// Reads what was written, as anybody would, and syncs it.
fn check(partial: &Path, restored: &Restored, output: Output) -> Result<(), Failure> {
    let written = offline::salvage(partial, output)?;
    let bar = bar(
        restored.head,
        (
            "Đang kiểm tra sổ đã phục hồi",
            "Verifying what was restored",
        ),
        output,
    );
    let found = written.verify(restored.head, |position| bar.set_position(position));
    bar.finish_and_clear();
    let found = found.map_err(|error| offline::failed(&error))?;
    let is_same = found.events == restored.head && found.last_hash == restored.hash_hex();
    if is_same && found.damages.is_empty() {
        return sync_all(partial);
    }
    let text = output.lang.pick(
        "sổ vừa phục hồi đọc lại không giống những gì đã ghi; hãy xem đĩa [RESTORE_TARGET]",
        "the restored log does not read back as it was written; look at the disk [RESTORE_TARGET]",
    );
    Err(Failure::new(FAILED, text))
}

/// Makes every file of a directory survive a power cut.
fn sync_all(directory: &Path) -> Result<(), Failure> {
    for entry in std::fs::read_dir(directory)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            sync_all(&entry.path())?;
        } else {
            File::open(entry.path())?.sync_all()?;
        }
    }
    Ok(File::open(directory)?.sync_all()?)
}

fn open_backup(
    file: &Path,
    ledger: &str,
    output: Output,
) -> Result<ArchiveSource<BufReader<File>>, Failure> {
    // Read through first: nothing is taken from a backup that is not whole.
    let (manifest, closing) = backup::check(file, output)?;
    of_ledger(&manifest.origin, ledger, output)?;
    let input = BufReader::new(File::open(file)?);
    let name = format!("the backup {}", file.display());
    ArchiveSource::new(input, closing, name).map_err(|error| backup::refused(file, &error))
}

/// Refuses what another ledger signed or backed up: its events would follow on ours without a contradiction.
fn of_ledger(origin: &str, ledger: &str, output: Output) -> Result<(), Failure> {
    if origin == format!("tiendo/{ledger}") {
        return Ok(());
    }
    let text = output.lang.pick(
        format!("nguồn là của {origin}, không phải của tiendo/{ledger}; xem --ledger [RESTORE_OTHER_LEDGER]"),
        format!("a source is of {origin}, not of tiendo/{ledger}; see --ledger [RESTORE_OTHER_LEDGER]"),
    );
    Err(Failure::new(REFUSED, text))
}

fn failed(error: &restore::Error) -> Failure {
    let code = match error {
        restore::Error::Source { .. } => UNAVAILABLE,
        restore::Error::Target { .. } => FAILED,
        _ => REFUSED,
    };
    let failure = Failure::caused(code, error);
    Failure::new(code, format!("{} [{}]", failure.text(), error.reason()))
}

fn show(wanted: &Restore, restored: &Restored, output: Output) -> Result<(), Failure> {
    let lang = output.lang;
    let stretches = restored.stretches.iter().map(
        |stretch| json!({ "source": stretch.name, "first": stretch.first, "last": stretch.last }),
    );
    let left_out = restored
        .left_out
        .map(|(first, last)| json!({ "first": first, "last": last }));
    let value = json!({
        "directory": wanted.to,
        "head": restored.head,
        "hash": restored.hash_hex(),
        "stretches": stretches.collect::<Vec<_>>(),
        "unprovenFrom": restored.unproven_from,
        "leftOut": left_out,
    });
    let mut table = Table::new(&[
        number("first", "Từ vị trí", "From position"),
        number("last", "Đến vị trí", "To position"),
        text("source", "Lấy từ", "Came from"),
    ]);
    for stretch in &restored.stretches {
        table.row([
            Cell::with_raw(lang.count(stretch.first), stretch.first),
            Cell::with_raw(lang.count(stretch.last), stretch.last),
            stretch.name.as_str().into(),
        ]);
    }
    output.report(&value, &head(wanted, restored, output), &table)
}

/// The lines above the table: where the log is, and what is to be known about it.
fn head(wanted: &Restore, restored: &Restored, output: Output) -> String {
    let lang = output.lang;
    let (to, count) = (wanted.to.display(), lang.count(restored.head));
    let hash = restored.hash_hex();
    let mut head = lang.pick(
        format!("Đã phục hồi {count} sự kiện vào {to}, mã băm {hash}"),
        format!("Restored {count} events into {to}, hash {hash}"),
    );
    if let Some(from) = restored.unproven_from {
        let from = lang.count(from);
        head.push_str(&lang.pick(
            format!(
                "\n! Từ vị trí {from} không có mã băm nào đã biết để đối chiếu: chỉ bus nói như vậy"
            ),
            format!(
                "\n! From position {from} on no known hash covers the events: the bus alone says so"
            ),
        ));
    }
    if let Some((first, last)) = restored.left_out {
        let (first, last) = (lang.count(first), lang.count(last));
        head.push_str(&lang.pick(
            format!("\n! Bỏ qua vị trí {first} đến {last}: yêu cầu đó không trọn vẹn trong phạm vi này"),
            format!("\n! Left out positions {first} to {last}: that request is not whole within the limit"),
        ));
    }
    head
}
