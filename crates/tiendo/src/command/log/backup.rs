//! `tiendo log backup FILE`: written beside, synced, read back whole, and only then given its name.

use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use event_log::archive::{self, Closing, Manifest, Reader};
use serde_json::json;
use wire::v1;

use super::{bar, told};
use crate::Failure;
use crate::client::Clients;
use crate::fail::{FAILED, REFUSED, USAGE};
use crate::output::{Cell, Output, Table, number, text};

pub(crate) async fn backup(file: &Path, clients: &Clients, output: Output) -> Result<(), Failure> {
    if file.exists() {
        let shown = file.display();
        let text = output.lang.pick(
            format!("{shown} đã có; không ghi đè bản sao lưu, hãy chọn tên khác"),
            format!("{shown} is there already; a backup is never overwritten, choose another name"),
        );
        return Err(Failure::new(USAGE, text));
    }
    let partial = beside(file);
    let mut begun = false;
    let taken = take(&partial, &mut begun, clients, output).await;
    let kept = taken.and_then(|()| {
        let read = check(&partial, output)?;
        std::fs::rename(&partial, file)?;
        sync_parent(file)?;
        Ok(read)
    });
    match kept {
        Ok((manifest, closing)) => show(file, &manifest, &closing, output),
        Err(failure) => {
            // What is not whole is worth nothing, and would stand in the way; another's is left alone.
            if begun {
                let _ = std::fs::remove_file(&partial);
            }
            Err(failure)
        }
    }
}

/// `FILE.partial`, also where a directory is named with a slash at its end.
pub(super) fn beside(path: &Path) -> PathBuf {
    let mut name = path.components().collect::<PathBuf>().into_os_string();
    name.push(".partial");
    PathBuf::from(name)
}

/// Makes a new name in a directory survive a power cut.
pub(super) fn sync_parent(path: &Path) -> Result<(), Failure> {
    let parent = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    Ok(File::open(parent)?.sync_all()?)
}

/// Writes the service's answer into a file and syncs it.
async fn take(
    partial: &Path,
    begun: &mut bool,
    clients: &Clients,
    output: Output,
) -> Result<(), Failure> {
    let request = v1::BackupLogRequest {};
    let pieces = clients.log().await?.backup_log(request).await;
    let mut pieces = pieces.map_err(told(output))?.into_inner();
    let bar = bar(0, ("Đang sao lưu sổ", "Backing up the log"), output);
    let mut file = File::create_new(partial).map_err(|error| cannot(partial, &error))?;
    *begun = true;
    while let Some(piece) = pieces.message().await.map_err(told(output))? {
        bar.set_length(piece.head);
        bar.set_position(piece.position);
        let written = file.write_all(&piece.data);
        written.map_err(|error| cannot(partial, &error))?;
    }
    bar.finish_and_clear();
    file.sync_all().map_err(|error| cannot(partial, &error))
}

fn cannot(file: &Path, error: &std::io::Error) -> Failure {
    Failure::new(FAILED, format!("{}: {error} [BACKUP_IO]", file.display()))
}

/// Reads a backup through to its closing record.
pub(super) fn check(file: &Path, output: Output) -> Result<(Manifest, Closing), Failure> {
    let failed = |error: &archive::Error| refused(file, error);
    let input = File::open(file).map_err(|error| cannot(file, &error))?;
    let mut reader = Reader::open(input).map_err(|error| failed(&error))?;
    let head = reader.manifest().head;
    let bar = bar(
        head,
        ("Đang đọc lại bản sao lưu", "Reading the backup"),
        output,
    );
    while let Some(part) = reader.next_part().map_err(|error| failed(&error))? {
        bar.inc(part.records.len() as u64);
    }
    bar.finish_and_clear();
    let manifest = reader.manifest().clone();
    let closing = reader.closing().cloned();
    let closing = closing.ok_or_else(|| Failure::new(FAILED, "the backup has no end"))?;
    Ok((manifest, closing))
}

/// A backup that cannot be used, by name.
pub(super) fn refused(file: &Path, error: &archive::Error) -> Failure {
    let code = match error {
        archive::Error::Io { .. } => FAILED,
        _ => REFUSED,
    };
    let failure = Failure::caused(code, error);
    let text = format!(
        "{}: {} [{}]",
        file.display(),
        failure.text(),
        error.reason()
    );
    Failure::new(code, text)
}

/// Tells what a backup holds.
pub(super) fn show(
    file: &Path,
    manifest: &Manifest,
    closing: &Closing,
    output: Output,
) -> Result<(), Failure> {
    let instant = |micros| wire::time::of_micros(micros);
    let shown = |micros| {
        output
            .lang
            .instant(Some(&wire::time::to_wire(instant(micros))))
    };
    let value = json!({
        "file": file,
        "origin": manifest.origin,
        "head": manifest.head,
        "bytes": closing.bytes,
        "hash": closing.hash_hex(),
        "made": instant(manifest.made_micros),
        "knownFirst": instant(manifest.known_first),
        "knownLast": instant(manifest.known_last),
        "checkpoint": closing.checkpoint,
    });
    let mut table = Table::new(&[
        text("file", "Tệp", "File"),
        number("events", "Số sự kiện", "Events"),
        number("bytes", "Dung lượng (byte)", "Bytes"),
        text("known_last", "Ghi mới nhất", "Newest known"),
        text("hash", "Mã băm", "Hash"),
    ]);
    let known_last = match manifest.head {
        0 => Cell::default(),
        _ => Cell::with_raw(shown(manifest.known_last), instant(manifest.known_last)),
    };
    table.row([
        file.display().to_string().into(),
        Cell::with_raw(output.lang.count(closing.events), closing.events),
        Cell::with_raw(output.lang.count(closing.bytes), closing.bytes),
        known_last,
        closing.hash_hex().into(),
    ]);
    output.report(&value, "", &table)
}
