//! `tiendo record FILE`: events in the JSON form of Protocol Buffers.

use std::io::Read as _;
use std::path::Path;

use wire::v1;

use super::actor;
use crate::Failure;
use crate::cli::Reporter;
use crate::fail::{REFUSED, USAGE};
use crate::output::message_of_json;

/// Largest file read, in bytes: more than the largest batch that the service takes.
const FILE_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// The bytes of a file, or of stdin.
pub(super) fn read(file: &Path) -> Result<Vec<u8>, Failure> {
    let failed = |error: std::io::Error| {
        Failure::new(USAGE, format!("{} cannot be read: {error}", file.display()))
    };
    let from: Box<dyn std::io::Read> = if file == Path::new("-") {
        Box::new(std::io::stdin().lock())
    } else {
        Box::new(std::fs::File::open(file).map_err(failed)?)
    };
    let mut bytes = Vec::new();
    from.take(FILE_BYTES_MAX + 1)
        .read_to_end(&mut bytes)
        .map_err(failed)?;
    if bytes.len() as u64 > FILE_BYTES_MAX {
        let text = format!("{} has more than {FILE_BYTES_MAX} bytes", file.display());
        return Err(Failure::new(REFUSED, text));
    }
    Ok(bytes)
}

/// The events of a file: one, or a list of them.
pub(super) fn events(bytes: &[u8], reporter: &Reporter) -> Result<Vec<v1::Event>, Failure> {
    let refused =
        |error: serde_json::Error| Failure::new(REFUSED, format!("the file is no JSON: {error}"));
    let list = match serde_json::from_slice(bytes).map_err(refused)? {
        serde_json::Value::Array(list) => list,
        one => vec![one],
    };
    let read = |(index, json)| {
        let mut event: v1::Event = message_of_json("Event", json).map_err(|failure| {
            Failure::new(REFUSED, format!("events[{index}]: {}", failure.text()))
        })?;
        event.actor.get_or_insert_with(|| actor(reporter));
        Ok(event)
    };
    list.into_iter().enumerate().map(read).collect()
}
