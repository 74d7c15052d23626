//! A log or a backup that no service holds, read on this machine.

use std::path::Path;

use event_log::restore::{Answer, Source as _};
use event_log::salvage::Salvage;
use event_log::{Error, Record};
use wire::time::{of_micros, to_wire};
use wire::v1;

use super::{backup, bar, show_verification};
use crate::Failure;
use crate::cli::{LogRead, Verify};
use crate::command::watch;
use crate::fail::{FAILED, NOT_FOUND, UNAVAILABLE, USAGE};
use crate::output::Output;

/// Looks through the files of a log that nobody has open, without changing a byte of them.
pub(super) fn salvage(directory: &Path, output: Output) -> Result<Salvage, Failure> {
    let shown = directory.display();
    let bytes = Salvage::bytes_in(directory).map_err(|_| no_log(directory, output))?;
    let bar = bar(
        bytes,
        ("Đang đọc các tệp của sổ", "Reading the log's files"),
        output,
    );
    let name = format!("the log in {shown}");
    let salvage = Salvage::scan(directory, name, |read| bar.set_position(read));
    bar.finish_and_clear();
    salvage.map_err(|error| refused(directory, error, output))
}

fn no_log(directory: &Path, output: Output) -> Failure {
    let shown = directory.display();
    let text = output.lang.pick(
        format!("{shown} không phải là thư mục của sổ (dưới `up` là <data>/ingest)"),
        format!("{shown} is not the directory of a log (under `up` it is <data>/ingest)"),
    );
    Failure::new(NOT_FOUND, text)
}

fn refused(directory: &Path, error: Error, output: Output) -> Failure {
    let shown = directory.display();
    match error {
        Error::Locked { .. } => {
            let text = output.lang.pick(
                format!("{shown} đang do một dịch vụ giữ; dừng dịch vụ đó, hoặc bỏ --directory"),
                format!("{shown} is held by a service; stop it, or leave out --directory"),
            );
            Failure::new(UNAVAILABLE, format!("{text} [{}]", error.reason()))
        }
        error => failed(&error),
    }
}

/// What the log says, with its code.
pub(super) fn failed(error: &Error) -> Failure {
    let failure = Failure::caused(FAILED, error);
    Failure::new(FAILED, format!("{} [{}]", failure.text(), error.reason()))
}

pub(super) fn verify(wanted: Verify, output: Output) -> Result<(), Failure> {
    if let Some(file) = wanted.backup {
        let (manifest, closing) = backup::check(&file, output)?;
        return backup::show(&file, &manifest, &closing, output);
    }
    let salvage = salvage(&wanted.at.directory.unwrap_or_default(), output)?;
    let head = salvage.head();
    let bar = bar(head, ("Đang kiểm tra sổ", "Verifying the log"), output);
    let found = salvage.verify(head, |position| bar.set_position(position));
    bar.finish_and_clear();
    let found = found.map_err(|error| failed(&error))?;
    show_verification(&ingest::verification(found, head), output)
}

/// Shows what is healthy, names what is not, and fails in the end if there was any damage.
pub(super) fn read(wanted: LogRead, output: Output) -> Result<(), Failure> {
    let filtered = wanted.descending
        || wanted.locality.is_some()
        || wanted.kind.is_some()
        || wanted.known_from.is_some()
        || wanted.known_to.is_some();
    if filtered {
        let text = output.lang.pick(
            "với --directory chỉ có --from và --to; các bộ lọc cần dịch vụ",
            "with --directory there are only --from and --to; the filters need a service",
        );
        return Err(Failure::new(USAGE, text));
    }
    let mut salvage = salvage(&wanted.at.directory.unwrap_or_default(), output)?;
    let last = match wanted.to {
        0 => salvage.head(),
        to => to.min(salvage.head()),
    };
    watch::header(output)?;
    let (mut next, mut damages) = (wanted.from.max(1), String::new());
    while next <= last {
        let answer = salvage.read(next);
        match answer.map_err(|error| Failure::caused(FAILED, &*error))? {
            Answer::Events(piece) => {
                for record in piece
                    .records
                    .iter()
                    .filter(|record| record.position <= last)
                {
                    watch::show(&recorded(record), output)?;
                }
                next += piece.records.len() as u64;
            }
            missing => {
                let until = match missing {
                    Answer::Missing { last: until } => until.min(last),
                    _ => last,
                };
                damages.push_str(&output.lang.pick(
                    format!("\n  vị trí {next} đến {until}"),
                    format!("\n  positions {next} to {until}"),
                ));
                next = until + 1;
            }
        }
    }
    if damages.is_empty() {
        return Ok(());
    }
    let text = output.lang.pick(
        format!("Những vị trí không đọc được:{damages} [LOG_DAMAGED]"),
        format!("positions that cannot be read:{damages} [LOG_DAMAGED]"),
    );
    Err(Failure::new(FAILED, text))
}

/// As the log service tells it.
fn recorded(record: &Record) -> v1::RecordedEvent {
    v1::RecordedEvent {
        position: record.position,
        known: Some(to_wire(of_micros(record.known_micros))),
        event: record.payload.clone(),
    }
}
