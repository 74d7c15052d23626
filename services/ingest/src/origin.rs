//! The log as the relay sees it, and its records as events.

use std::sync::Arc;

use bus::{BoxError, Message};
use bytes::Bytes;
use domain::Event;
use event_log::{Log, ReadLimit, Record};
use wire::cloud_event::{self, Place};
use wire::time::of_micros;

/// Bytes of payload read from the log at once.
const READ_BYTES_MAX: usize = 1024 * 1024;
/// Room made for a message; larger ones make the rest of it.
const MESSAGE_BYTES: usize = 1024;

/// The event in a record.
pub(crate) fn decode(record: &Record) -> Result<Event, event_log::Error> {
    wire::event::decode_logged(&record.payload).map_err(|reason| event_log::Error::Damaged {
        first: record.position,
        last: record.position,
        reason,
    })
}

/// Makes CloudEvents of what the log holds.
pub(crate) struct LogOrigin {
    pub(crate) log: Log,
    pub(crate) ledger: Arc<str>,
}

/// The two looks at the log that messages are made of; it may grow in between.
pub(crate) trait Looks {
    fn head(&self) -> u64;
    fn read(&self, from: u64, limit: ReadLimit) -> Result<Vec<Record>, event_log::Error>;
}

impl Looks for Log {
    fn head(&self) -> u64 {
        Log::head(self)
    }

    fn read(&self, from: u64, limit: ReadLimit) -> Result<Vec<Record>, event_log::Error> {
        Log::read(self, from, limit)
    }
}

/// Messages from a position on, at most `max`; those before an event that none can be made of, which is named when it is
/// the first.
pub(crate) fn messages(
    log: &impl Looks,
    ledger: &str,
    from: u64,
    max: usize,
) -> Result<Vec<Message>, BoxError> {
    // Before the read: what ends there is a whole request, whatever comes meanwhile.
    let head = log.head();
    let records = log.read(from, limit(max))?;
    make_all(ledger, &records, head, max)
}

/// One more than wanted tells whether the request of the last one goes on.
fn limit(max: usize) -> ReadLimit {
    ReadLimit {
        events: max + 1,
        bytes: READ_BYTES_MAX,
    }
}

/// Messages of records as [`messages`] gives them, `head` being the log's before they were read.
fn make_all(
    ledger: &str,
    records: &[Record],
    head: u64,
    max: usize,
) -> Result<Vec<Message>, BoxError> {
    let request_ends = |index: usize| match records.get(index + 1) {
        Some(next) => Some(next.request_id != records[index].request_id),
        None => (records[index].position == head).then_some(true),
    };
    let ended = records
        .iter()
        .enumerate()
        .take(max)
        .take_while(|(_, record)| record.position <= head)
        .map_while(|(index, record)| Some((record, request_ends(index)?)));
    // All of them in one piece of memory, of which each message is a part.
    let (mut bytes, mut made) = (
        Vec::with_capacity(MESSAGE_BYTES * records.len()),
        Vec::with_capacity(records.len()),
    );
    for (record, request_ends) in ended {
        match make(&mut bytes, ledger, record, request_ends) {
            Ok(subject) => made.push((record.position, subject, bytes.len())),
            Err(error) if made.is_empty() => return Err(error),
            Err(_) => break,
        }
    }
    let (bytes, mut from) = (Bytes::from(bytes), 0);
    let message = made.into_iter().map(|(position, subject, to)| Message {
        position,
        subject,
        payload: bytes.slice(std::mem::replace(&mut from, to)..to),
    });
    Ok(message.collect())
}

/// Adds the message of an event to the others; gives its subject.
fn make(
    bytes: &mut Vec<u8>,
    ledger: &str,
    record: &Record,
    request_ends: bool,
) -> Result<String, BoxError> {
    let position = record.position;
    let place = Place {
        ledger,
        position,
        known: of_micros(record.known_micros),
    };
    let made = cloud_event::publish_to(bytes, place, &decode(record)?, request_ends);
    made.map_err(|error| format!("no message can be made of event {position}: {error}").into())
}

impl bus::Origin for LogOrigin {
    fn head(&self) -> tokio::sync::watch::Receiver<u64> {
        self.log.watch_head()
    }

    fn messages(&self, from: u64, max: usize) -> Result<Vec<Message>, BoxError> {
        messages(&self.log, &self.ledger, from, max)
    }

    fn messages_at_hand(&self, from: u64, max: usize) -> Option<Result<Vec<Message>, BoxError>> {
        let head = self.log.head();
        let records = self.log.read_newest(from, limit(max))?;
        Some(make_all(&self.ledger, &records, head, max))
    }

    /// The same event, although an earlier release may have published it.
    fn same(&self, log: &Message, stream: &Message) -> bool {
        log.position == stream.position
            && log.subject == stream.subject
            && cloud_event::same(&log.payload, &stream.payload)
    }
}
