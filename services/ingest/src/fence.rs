//! Whether another has taken the ledger over, and what of this log the ledger does not have.
//!
//! The relay stops when the stream has events that the log does not, or others.
//! Where the two part the stream may say why: a standby takes over by an event of its own, at the position after the last
//! one that it has. Then this writer is fenced; anything else needs a person, as before.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use bus::{BoxError, Origin as _, Replay};
use domain::Body;
use event_log::ReadLimit;
use host::CancellationToken;
use uuid::Uuid;
use wire::cloud_event;

use crate::origin::LogOrigin;
use crate::service::Config;
use crate::standing::Fence;

/// Between two looks at a stream that cannot be read.
const AGAIN: Duration = Duration::from_millis(500);

/// Where another took over, and the requests that the ledger has from there on.
pub(crate) struct TakenOver {
    pub(crate) fence: Fence,
    there: HashSet<Uuid>,
}

impl TakenOver {
    /// The fence with what is lost, counted; to be asked once nothing more is recorded.
    pub(crate) fn counted(&self, origin: &LogOrigin) -> Result<Fence, BoxError> {
        let (events, lost_events, lost_requests) = lost(origin, self.fence.position, &self.there)?;
        Ok(Fence {
            events,
            lost_events,
            lost_requests,
            ..self.fence.clone()
        })
    }
}

/// Looks until the stream could be read, or `shutdown`.
pub(crate) async fn look(
    config: &Config,
    origin: &Arc<LogOrigin>,
    shutdown: CancellationToken,
) -> Option<TakenOver> {
    loop {
        match compare(config, origin).await {
            Ok(taken_over) => return taken_over,
            Err(error) => tracing::warn!(
                %error,
                "cannot tell whether another has taken the ledger over: {error}"
            ),
        }
        tokio::select! {
            () = shutdown.cancelled() => return None,
            () = tokio::time::sleep(AGAIN) => {}
        }
    }
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

async fn compare(config: &Config, origin: &Arc<LogOrigin>) -> Result<Option<TakenOver>, BoxError> {
    let mut replay = Replay::open(&config.nats, &config.ledger).await?;
    let (first, last, head) = (replay.first(), replay.last(), origin.log.head());
    // What both have is the same up to where they part, and nowhere after it.
    let (mut same, mut other) = (first.saturating_sub(1), last.min(head) + 1);
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
    let messages = replay.read(other).await?;
    let Some(message) = messages.first() else {
        return Ok(None);
    };
    let logged = cloud_event::receive_logged(&message.payload, other)?;
    let Body::LedgerTakenOver(taken) = logged.event.body else {
        return Ok(None);
    };
    let there = requests(&mut replay, other, last).await?;
    let fence = Fence {
        position: other,
        writer: taken.writer,
        known: logged.known,
        events: 0,
        lost_events: 0,
        lost_requests: Vec::new(),
    };
    Ok(Some(TakenOver { fence, there }))
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

/// The requests that the stream has from a position on.
async fn requests(replay: &mut Replay, from: u64, last: u64) -> Result<HashSet<Uuid>, BoxError> {
    let mut ids = HashSet::new();
    let mut next = from;
    while next <= last {
        for message in replay.read(next).await? {
            next = message.position + 1;
            let logged = cloud_event::receive_logged(&message.payload, message.position)?;
            ids.insert(logged.event.request_id);
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
