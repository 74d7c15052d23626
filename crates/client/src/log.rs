//! From the log: one answer of `ReadEvents` at a time, each event as the relay would publish it.
//!
//! Whether an event is the last of its request shows in the next one, so one event is held back until that is here; at
//! the end of a read there is none, since the log takes requests whole.

use std::collections::VecDeque;

use wire::cloud_event::{self, Place};
use wire::log_reader::{Batches, Error, LogReader, Logged};

use crate::{Event, filter};

/// A way through the log up to its head of when that began.
pub(crate) struct LogRead {
    batches: Batches,
    held: Option<Logged>,
    /// Everything up to here was given out.
    pub(crate) position: u64,
    /// Where this began.
    pub(crate) begun: u64,
}

/// What a step brought.
pub(crate) enum Step {
    /// There may be more.
    More,
    /// That is all for now.
    End,
}

impl LogRead {
    pub(crate) async fn open(reader: &LogReader, after: u64) -> Result<Self, Error> {
        Ok(Self {
            batches: reader.open(after + 1, 0).await?,
            held: None,
            position: after,
            begun: after,
        })
    }

    /// Takes one answer, at most 2,000 events. Nothing is lost if this is dropped.
    pub(crate) async fn step(
        &mut self,
        ledger: &str,
        filters: &[String],
        ready: &mut VecDeque<Event>,
    ) -> Result<Step, Error> {
        let Some(mut batch) = self.batches.next().await? else {
            if let Some(last) = self.held.take() {
                self.position = give(ledger, filters, &last, true, ready)?;
            }
            return Ok(Step::End);
        };

        while let Some((position, known, event)) = batch.next()? {
            if let Some(before) = &self.held {
                let ends = before.2.request_id != event.request_id;
                self.position = give(ledger, filters, before, ends, ready)?;
            }
            self.held = Some((position, known, event.clone()));
        }
        Ok(Step::More)
    }
}

/// Makes an event of a record if it is wanted; gives its position.
fn give(
    ledger: &str,
    filters: &[String],
    (position, known, event): &Logged,
    request_ends: bool,
    ready: &mut VecDeque<Event>,
) -> Result<u64, Error> {
    let position = *position;
    let subject = cloud_event::bus_subject(ledger, &event.body.subject());
    if filter::wants(filters, &subject) {
        let place = Place {
            ledger,
            position,
            known: *known,
        };
        let unread = |reason: String| Error::Event { position, reason };
        let published = cloud_event::publish(place, event, request_ends);
        let (subject, payload) = published.map_err(|error| unread(error.to_string()))?;
        ready.push_back(Event::read(subject, payload.into()).map_err(unread)?);
    }
    Ok(position)
}
