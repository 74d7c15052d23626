//! Whether another has taken the ledger over, and what of this log the ledger does not have.
//!
//! The relay stops when the stream has events that the log does not, or others.
//! Where the two part the stream may say why: a standby takes over by an event of its own, at the position after the last
//! one that it has. Then this writer is fenced; anything else needs a person, as before.
//!
//! It is fenced as soon as that event was seen; what is lost is counted afterwards.
//! A file in the log's directory ([`MARK`]) keeps it so: a service that starts there refuses requests before it has seen
//! the bus. It is replaced as a whole, once when the fence stands and once when the loss is counted, and goes with the
//! directory. It means nothing once its keeper has taken the ledger over again, at that position or later.

use std::collections::HashSet;
use std::fs;
use std::io::ErrorKind;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bus::{BoxError, Origin as _, Replay};
use domain::Body;
use event_log::ReadLimit;
use host::CancellationToken;
use jiff::Timestamp;
use uuid::Uuid;
use wire::cloud_event;

use crate::origin::LogOrigin;
use crate::service::Config;
use crate::standing::{Fence, Role, Standing};

/// Between two looks at a stream that cannot be read.
const AGAIN: Duration = Duration::from_millis(500);

/// The file that says so.
const MARK: &str = "fenced";

/// Looks who took over, until the stream could be read, or `shutdown`; log and stream were seen to differ at `apart`.
pub(crate) async fn look(
    config: &Config,
    origin: &Arc<LogOrigin>,
    apart: u64,
    shutdown: &CancellationToken,
) -> Option<Fence> {
    loop {
        match compare(config, origin, apart).await {
            Ok(fence) => return fence,
            Err(error) => unread(&error, shutdown).await?,
        }
    }
}

/// Counts what is lost and tells it, once the stream can be read; to be asked once nothing more is recorded.
pub(crate) async fn count(
    config: &Config,
    origin: &Arc<LogOrigin>,
    standing: &Standing,
    fence: &Fence,
    shutdown: &CancellationToken,
) {
    let from = fence.position;
    let there = loop {
        match requests(config, from).await {
            Ok(there) => break there,
            Err(error) if unread(&error, shutdown).await.is_none() => return,
            Err(_) => {}
        }
    };
    let (reading, mut counted, data) = (Arc::clone(origin), fence.clone(), config.data.clone());
    let count = tokio::task::spawn_blocking(move || {
        (counted.events, counted.lost_events, counted.lost_requests) =
            lost(&reading, from, &there)?;
        keep(&data, &counted);
        Ok::<_, BoxError>(counted)
    });
    match count.await.map_err(BoxError::from).flatten() {
        Ok(fence) => {
            tell(&fence);
            standing.set(Role::Fenced(Arc::new(fence)));
        }
        Err(error) => tracing::error!(%error, "cannot tell what is lost: {error}"),
    }
}

/// Waits before the stream is read again; none at the shutdown.
async fn unread(error: &BoxError, shutdown: &CancellationToken) -> Option<()> {
    tracing::warn!(
        %error,
        "cannot tell whether another has taken the ledger over, or what it lacks: {error}"
    );
    tokio::select! {
        () = shutdown.cancelled() => None,
        () = tokio::time::sleep(AGAIN) => Some(()),
    }
}

/// Has whoever starts on this directory know that its writer was fenced.
pub(crate) fn keep(data: &Path, fence: &Fence) {
    let Fence {
        position,
        writer,
        known,
        events,
        lost_events,
        lost_requests,
    } = fence;
    let lost = lost_requests.iter().map(Uuid::to_string);
    let lost = lost.collect::<Vec<_>>().join(" ");
    let text = format!("{position}\n{known}\n{events}\n{lost_events}\n{lost}\n{writer}");
    if let Err(error) = event_log::replace_file(data, MARK, text.as_bytes()) {
        tracing::error!(%error, "that this writer is fenced cannot be kept in its directory: {error}; do not start it there again");
    }
}

/// The fence that was kept; whatever the mark says, whoever has one is fenced.
pub(crate) fn kept(data: &Path) -> Option<Fence> {
    let read = fs::read_to_string(data.join(MARK));
    if matches!(&read, Err(error) if error.kind() == ErrorKind::NotFound) {
        return None;
    }
    let fence = read.ok().and_then(|text| parse(&text));
    Some(fence.unwrap_or_else(|| Fence {
        position: 0,
        writer: "another machine".to_owned(),
        known: Timestamp::UNIX_EPOCH,
        events: 0,
        lost_events: 0,
        lost_requests: Vec::new(),
    }))
}

fn parse(text: &str) -> Option<Fence> {
    let mut lines = text.splitn(6, '\n');
    let mut line = || lines.next();
    Some(Fence {
        position: line()?.parse().ok()?,
        known: line()?.parse().ok()?,
        events: line()?.parse().ok()?,
        lost_events: line()?.parse().ok()?,
        lost_requests: line()?
            .split_whitespace()
            .map(|id| Uuid::parse_str(id).ok())
            .collect::<Option<_>>()?,
        writer: line()?.to_owned(),
    })
}

/// Says what was lost where operators look for it.
pub(crate) fn tell(fence: &Fence) {
    let Fence {
        position,
        writer,
        events,
        lost_events,
        lost_requests,
        ..
    } = fence;
    metrics::gauge!("tiendo_ledger_lost_events").set(*lost_events as f64);
    let named = lost_requests.iter().map(Uuid::to_string);
    let named = named.collect::<Vec<_>>().join(" ");
    tracing::error!(
        reason = "WRITER_FENCED",
        position,
        lost_events,
        "{writer} has taken the ledger over at position {position}: of {events} events that this log has from there on {lost_events} are not in the ledger; their requests: {named}"
    );
}

async fn compare(
    config: &Config,
    origin: &Arc<LogOrigin>,
    apart: u64,
) -> Result<Option<Fence>, BoxError> {
    let mut replay = Replay::open(&config.nats, &config.ledger).await?;
    let (first, last, head) = (replay.first(), replay.last(), origin.log.head());
    // What both have is the same up to where they part. Behind it the stream may hold some of ours again, that was on its
    // way when another took over, so what is known to differ bounds the search.
    let (mut same, mut other) = (first.saturating_sub(1), apart.min(last.min(head) + 1));
    if other <= same {
        // The stream holds nothing of what they parted at.
        return Ok(None);
    }
    while other - same > 1 {
        let middle = same + (other - same) / 2;
        if is_same(&mut replay, origin, middle).await? {
            same = middle;
        } else {
            other = middle;
        }
    }
    // If already the first event that the stream still holds differs, nobody can say where they parted.
    let is_beyond_retention = other == first && first > 1;
    if other > last || is_beyond_retention {
        return Ok(None);
    }
    let Some(found) = replay.at(other).await? else {
        return Ok(None);
    };
    let logged = match cloud_event::receive_logged(&found.payload, other) {
        Ok(logged) => logged,
        Err(error) => {
            tracing::error!(%error, "the stream's event {other}, where it parts from this log, cannot be read: {error}");
            return Ok(None);
        }
    };
    let Body::LedgerTakenOver(taken) = logged.event.body else {
        return Ok(None);
    };
    Ok(Some(Fence {
        position: other,
        writer: taken.writer,
        known: logged.known,
        events: 0,
        lost_events: 0,
        lost_requests: Vec::new(),
    }))
}

/// Whether the stream holds at a position what the log has there.
pub(crate) async fn is_same(
    replay: &mut Replay,
    origin: &Arc<LogOrigin>,
    position: u64,
) -> Result<bool, BoxError> {
    let Some(held) = replay.at(position).await? else {
        return Ok(false);
    };
    let held = bus::Message {
        position,
        subject: held.subject,
        payload: held.payload,
    };
    let reading = Arc::clone(origin);
    let read = tokio::task::spawn_blocking(move || reading.messages(position, 1)).await??;
    Ok(read.first().is_some_and(|known| origin.same(known, &held)))
}

/// The requests that the stream has from a position on, as far as they can be read.
async fn requests(config: &Config, from: u64) -> Result<HashSet<Uuid>, BoxError> {
    let mut replay = Replay::open(&config.nats, &config.ledger).await?;
    let (mut ids, mut next) = (HashSet::new(), from.max(replay.first()));
    while next <= replay.last() {
        for message in replay.read(next).await? {
            let position = message.position;
            next = position + 1;
            match cloud_event::receive_logged(&message.payload, position) {
                Ok(logged) => drop(ids.insert(logged.event.request_id)),
                Err(error) => {
                    tracing::warn!(%error, "the stream's event {position} cannot be read: {error}");
                }
            }
        }
    }
    Ok(ids)
}

/// How many events the log has from a position on, how many of them came by other requests than these, and by which.
fn lost(
    origin: &LogOrigin,
    from: u64,
    there: &HashSet<Uuid>,
) -> Result<(u64, u64, Vec<Uuid>), BoxError> {
    let limit = ReadLimit {
        events: 4_096,
        bytes: 4 * 1024 * 1024,
    };
    let (mut next, mut events, mut lost) = (from, 0, 0);
    let mut requests: Vec<Uuid> = Vec::new();
    loop {
        let records = origin.log.read(next, limit)?;
        if records.is_empty() {
            return Ok((events, lost, requests));
        }
        for record in records {
            next = record.position + 1;
            events += 1;
            let id = Uuid::from_bytes(record.request_id);
            if !there.contains(&id) {
                lost += 1;
                if requests.last() != Some(&id) {
                    requests.push(id);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_is_read_as_it_was_written_and_fences_whatever_it_says() {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path();
        assert_eq!(kept(data), None);
        let fence = Fence {
            position: 17,
            writer: "máy ghi 2\nhttp://127.0.0.1:7160".to_owned(),
            known: Timestamp::from_microsecond(1_700_000_000_123_456).unwrap(),
            events: 3,
            lost_events: 2,
            lost_requests: vec![Uuid::from_u128(7), Uuid::from_u128(8)],
        };
        keep(data, &fence);
        assert_eq!(kept(data).as_ref(), Some(&fence));
        let none = Fence {
            lost_requests: Vec::new(),
            ..fence
        };
        keep(data, &none);
        assert_eq!(kept(data), Some(none));
        fs::write(data.join(MARK), "no mark of ours").unwrap();
        assert_eq!(kept(data).map(|fence| fence.position), Some(0));
    }
}
