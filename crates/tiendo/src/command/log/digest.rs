//! `tiendo log digest`: what the events of a log add up to, as one hash.

use std::ops::ControlFlow;
use std::path::Path;

use event_log::restore::{Answer, Source as _};
use serde_json::json;

use super::offline::salvage;
use crate::Failure;
use crate::cli::Digest;
use crate::fail::FAILED;
use crate::fold::{Feed, Records, fold};
use crate::output::{Format, Output};

/// Prints the digest of the state at every so many positions, and at the last.
pub(super) fn run(wanted: &Digest, output: Output) -> Result<(), Failure> {
    let batch = wanted.batch.max(1);
    let (mut shown, mut told) = (0, Ok(()));
    let state = fold(
        wanted.threads,
        |feed| read(&wanted.directory, wanted.to, batch, feed, output),
        |state| {
            if wanted.every > 0 && state.position() % wanted.every == 0 && told.is_ok() {
                shown = state.position();
                told = tell(shown, &state.digest(), output);
            }
        },
    )?;
    told?;
    if state.position() == shown {
        return Ok(());
    }
    tell(state.position(), &state.digest(), output)
}

fn tell(position: u64, digest: &str, output: Output) -> Result<(), Failure> {
    if output.format == Format::Json {
        return output.json_line(&json!({ "position": position, "digest": digest }));
    }
    output.text(&format!("{position:>10}  {digest}"))
}

/// Gives the events up to `last` (0: all) in batches; a log with a gap or damage has no state.
fn read(
    directory: &Path,
    last: u64,
    batch: usize,
    feed: Feed<'_>,
    output: Output,
) -> Result<(), Failure> {
    let mut salvage = salvage(directory, output)?;
    let last = match last {
        0 => salvage.head(),
        last => last.min(salvage.head()),
    };
    let (mut next, mut waiting) = (1, Records::default());
    while next <= last {
        let answer = salvage.read(next);
        let Answer::Events(piece) = answer.map_err(|error| Failure::caused(FAILED, &*error))?
        else {
            let text = output.lang.pick(
                format!("vị trí {next} không đọc được [LOG_DAMAGED]"),
                format!("position {next} cannot be read [LOG_DAMAGED]"),
            );
            return Err(Failure::new(FAILED, text));
        };
        next += piece.records.len() as u64;
        for record in piece
            .records
            .iter()
            .filter(|record| record.position <= last)
        {
            waiting.push(record.position, record.known_micros, &record.payload);
            if waiting.len() == batch
                && let ControlFlow::Break(()) = feed(&mut waiting)
            {
                return Ok(());
            }
        }
    }
    // The last: whether anybody wants it makes no difference.
    let _ = feed(&mut waiting);
    Ok(())
}
