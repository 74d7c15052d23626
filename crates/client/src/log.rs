//! From the log: one answer of `ReadEvents` at a time, each event as the relay would publish it.
//!
//! Whether an event is the last of its request shows in the next one, so one event is held back until that is here; at
//! the end of a read there is none, since the log takes requests whole.
//! A read begins at the event that is known already, so that it shows whether the log has the same there.

use std::collections::VecDeque;
use std::time::Duration;

use wire::cloud_event::{self, Place};
use wire::log_reader::{Batches, Error, LogReader, Logged};

use crate::Event;
use crate::checkpoint::Mark;

/// Longest wait for an answer of the log.
const ANSWER_MAX: Duration = Duration::from_secs(20);

/// A way through the log up to its head of when that began.
pub(crate) struct LogRead {
    batches: Batches,
    held: Option<Logged>,
    /// Everything up to here was given out.
    pub(crate) position: u64,
    /// Where this began.
    pub(crate) begun: u64,
    /// The last position that is the ledger's.
    until: u64,
    /// The newest event that was seen; at or before the beginning if none was since.
    pub(crate) mark: Option<Mark>,
}

/// What a step brought.
pub(crate) enum Step {
    /// There may be more.
    More,
    /// That is all for now.
    End,
    /// Where an event was seen before, this one stands.
    Forked(Mark),
}

/// Waits for an answer, but not for ever.
pub(crate) async fn answered<T>(
    answer: impl Future<Output = Result<T, Error>>,
) -> Result<T, Error> {
    let answer = tokio::time::timeout(ANSWER_MAX, answer).await;
    answer.unwrap_or_else(|_| Err(Error::unanswered(ANSWER_MAX)))
}

impl LogRead {
    /// What stands after a position and is the ledger's, which ends at `until` if that is not the log's own end; the
    /// event seen last is read again.
    pub(crate) async fn open(
        reader: &LogReader,
        after: u64,
        mark: Option<Mark>,
        until: Option<u64>,
    ) -> Result<Self, Error> {
        let from = mark.as_ref().map_or(after, |mark| mark.position).max(1);
        // Whether the last one ends its request shows in the one behind it.
        let to = until.map_or(0, |until| until + 1);
        Ok(Self {
            batches: answered(reader.open(from, to)).await?,
            held: None,
            position: after,
            begun: after,
            until: until.unwrap_or(u64::MAX),
            mark,
        })
    }

    /// Takes one answer, at most 2,000 events. Nothing is lost if this is dropped.
    pub(crate) async fn step(
        &mut self,
        ledger: &str,
        wants: impl Fn(&str) -> bool,
        ready: &mut VecDeque<Event>,
    ) -> Result<Step, Error> {
        let Some(mut batch) = answered(self.batches.next()).await? else {
            if let Some(last) = self.held.take() {
                self.mark = Some(Mark::of_logged(&last));
                self.position = give(ledger, &wants, &last, true, ready)?;
            }
            return Ok(Step::End);
        };
        while let Some((position, known, event)) = batch.next()? {
            if let Some(before) = &self.held {
                let ends = before.2.request_id != event.request_id;
                self.mark = Some(Mark::of_logged(before));
                self.position = give(ledger, &wants, before, ends, ready)?;
            }
            let logged = (position, known, event.clone());
            if position > self.until {
                self.held = None;
                return Ok(Step::End);
            }
            if position > self.begun {
                self.held = Some(logged);
                continue;
            }
            let found = Mark::of_logged(&logged);
            match &self.mark {
                Some(seen) if seen.position == position && *seen != found => {
                    return Ok(Step::Forked(found));
                }
                Some(seen) if seen.position > position => {}
                _ => self.mark = Some(found),
            }
        }
        Ok(Step::More)
    }
}

/// Makes an event of a record if it is wanted; gives its position.
fn give(
    ledger: &str,
    wants: impl Fn(&str) -> bool,
    (position, known, event): &Logged,
    request_ends: bool,
    ready: &mut VecDeque<Event>,
) -> Result<u64, Error> {
    let position = *position;
    let subject = cloud_event::bus_subject(ledger, &event.body.subject());
    if wants(&subject) {
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
