//! Where the events of a second state come from: the log or the bus, and never both.

use bus::Replay;
use wire::log_reader::{Batches, LogReader, Logged};

use super::failure::Failure;

/// Where the events of a second state come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Source {
    Log,
    Bus,
}

/// Where the ledger's stream is.
#[derive(Debug, Clone)]
pub(crate) struct Bus {
    pub(crate) access: bus::Access,
    pub(crate) ledger: String,
}

/// A way through the events.
pub(super) enum Feed {
    Log {
        log: LogReader,
        /// What is being read, and the position that comes next there.
        open: Option<(u64, Box<Batches>)>,
    },
    Bus {
        bus: Bus,
        replay: Option<Box<Replay>>,
    },
}

impl Feed {
    /// Some events from a position on, `to` at most, in order; none where they end by now.
    pub(super) async fn read(&mut self, from: u64, to: u64) -> Result<Vec<Logged>, Failure> {
        match self {
            Self::Log { log, open } => {
                if let Some(events) = next(open, from).await? {
                    return Ok(events);
                }
                *open = Some((from, Box::new(log.open(from, to).await?)));
                Ok(next(open, from).await?.unwrap_or_default())
            }
            Self::Bus { bus, replay } => replayed(bus, replay, from, to).await,
        }
    }

    /// Why it ends before the position of the state that serves.
    pub(super) fn ends(&self, last: u64, head: u64) -> Failure {
        match self {
            Self::Log { .. } => Failure::Log {
                reason: "LOG_UNREADABLE",
                why: format!("the log ends at position {last}, and the serving state is at {head}"),
            },
            Self::Bus { .. } => Failure::StreamBehind { last, head },
        }
    }
}

/// What comes next of what is being read, if that goes on at this position.
async fn next(
    open: &mut Option<(u64, Box<Batches>)>,
    from: u64,
) -> Result<Option<Vec<Logged>>, Failure> {
    let Some((next, mut batches)) = open.take().filter(|(next, _)| *next == from) else {
        return Ok(None);
    };
    while let Some(mut batch) = batches.next().await? {
        let mut events = Vec::new();
        while let Some((position, known, event)) = batch.next()? {
            events.push((position, known, event.clone()));
        }
        if !events.is_empty() {
            *open = Some((next + events.len() as u64, batches));
            return Ok(Some(events));
        }
    }
    Ok(None)
}

async fn replayed(
    bus: &Bus,
    replay: &mut Option<Box<Replay>>,
    from: u64,
    to: u64,
) -> Result<Vec<Logged>, Failure> {
    let mut stream = match replay.take() {
        Some(stream) if from <= stream.last() => stream,
        // What the stream holds is asked when it is opened.
        _ => Box::new(Replay::open(&bus.access, &bus.ledger).await?),
    };
    let (first, last) = (stream.first(), stream.last());
    if first > from {
        return Err(Failure::StreamBeginsLater { first, next: from });
    }
    if last < from {
        return Ok(Vec::new());
    }
    let mut messages = stream.read(from).await?;
    *replay = Some(stream);
    messages.retain(|message| message.position <= to);
    let read = move || {
        let events = messages.iter().map(|message| {
            let position = message.position;
            let read = wire::cloud_event::receive_at(&message.payload, position);
            let unreadable = |error| Failure::Stream {
                reason: "STREAM_UNREADABLE",
                why: format!("message {position} cannot be read: {error}"),
            };
            read.map(|(known, event)| (position, known, event))
                .map_err(unreadable)
        });
        events.collect()
    };
    // A thousand messages of JSON would keep others waiting.
    let read = tokio::task::spawn_blocking(read).await;
    read.unwrap_or_else(|error| {
        tracing::warn!("reading the stream's messages ended: {error}");
        Err(Failure::Broken)
    })
}
