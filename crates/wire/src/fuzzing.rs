//! What fuzzers feed: any bytes as a request, no panic, bounded memory, and what is accepted is the same event ever after.
//!
//! Behind the feature `fuzzing`, and in unit tests, which feed the same entry on a stable compiler.

use domain::text::Moment;
use domain::{Event, LocalityCode, LocalityId, Reason, Violation};
use jiff::civil::{Date, date};
use prost::Message as _;
use uuid::Uuid;

use crate::event::{
    CleanTexts, LogDecoder, Reference, Resolver, accept, decode, decode_logged, draft, encode,
    to_bytes, write_since,
};
use crate::v1;

/// The first day of whatever a request names by its code alone.
const SINCE: Date = date(2023, 4, 10);
/// What a request is recorded under that brings no id.
const REQUEST_ID: Uuid = Uuid::from_u128(7);

/// A record that holds whatever a request asks for, or nothing at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Record {
    Full,
    Empty,
}

impl Resolver for Record {
    fn locality(
        &self,
        code: LocalityCode,
        since: Option<Date>,
        _: &Moment,
    ) -> Result<LocalityId, (Reason, String)> {
        let since = since.unwrap_or(SINCE);
        match self {
            Self::Full => Ok(LocalityId { code, since }),
            Self::Empty => Err((Reason::UnknownLocality, "nothing is on record".to_owned())),
        }
    }

    fn refer(&self, _: &Reference<'_>) -> Result<(), (Reason, String)> {
        match self {
            Self::Full => Ok(()),
            Self::Empty => Err((Reason::Required, "nothing is on record".to_owned())),
        }
    }
}

/// A request of any bytes: as a batch, and as a batch of a stream; and the bytes as an event of the log.
///
/// # Panics
/// If what is accepted is another event when it is read again, or when it was read before the record was asked.
pub fn request(bytes: &[u8]) {
    is_read_alike(bytes);
    if let Ok(batch) = v1::RecordBatchRequest::decode(bytes) {
        events(&batch.events);
    }
    if let Ok(batch) = v1::RecordStreamRequest::decode(bytes) {
        events(&batch.events);
    }
}

fn events(messages: &[v1::Event]) {
    let mut texts = CleanTexts::default();
    for message in messages {
        is_read_alike(&message.encode_to_vec());
        let read = decode(message, "event", &Record::Full, REQUEST_ID);
        is_accepted_again(&read);
        is_drafted_alike(message, &read, &mut texts);
        let unknown = decode(message, "event", &Record::Empty, REQUEST_ID);
        if unknown.is_ok() {
            assert_eq!(unknown, read, "a fuller record changes the event");
        }
    }
}

/// Bytes read as a figure of the log are the event that their message is.
fn is_read_alike(bytes: &[u8]) {
    let message = v1::Event::decode(bytes).map_err(|error| error.to_string());
    let through_message = message.and_then(|message| accept(&message));
    assert_eq!(
        decode_logged(bytes),
        through_message,
        "read as another event"
    );
    // Once from nothing, and once from itself.
    let mut decoder = LogDecoder::default();
    for _ in 0..2 {
        let read = decoder.read(bytes).cloned();
        assert_eq!(read, through_message, "read as another event after it");
    }
}

/// An accepted event is the same from the log, and to whoever reports it in the words in which it is kept.
fn is_accepted_again(read: &Result<Event, Vec<Violation>>) {
    let Ok(event) = read else {
        return;
    };
    let logged = decode_logged(&to_bytes(event));
    assert_eq!(logged.as_ref(), Ok(event), "the log changes the event");
    let again = decode(&encode(event), "event", &Record::Full, REQUEST_ID);
    assert_eq!(again, *read, "reported again, the event is another");
}

/// What is read before the record is asked comes to the same event and the same bytes.
fn is_drafted_alike(
    message: &v1::Event,
    read: &Result<Event, Vec<Violation>>,
    texts: &mut CleanTexts,
) {
    let Some(draft) = draft(message, REQUEST_ID, texts, &|_, _| true) else {
        return;
    };
    let mut bytes = Vec::new();
    let open = draft.encode_to(&mut bytes);
    let settled = draft.settle(&Record::Full);
    let since = settled.as_ref().and_then(|(_, since)| *since);
    if let Some(at) = open {
        let is_written = since.is_some_and(|since| write_since(&mut bytes, at, since));
        assert!(is_written, "the first day has no place in the bytes");
    }
    let settled = settled.map(|(event, _)| event);
    assert_eq!(
        settled.as_ref(),
        read.as_ref().ok(),
        "a draft settles to another event"
    );
    if let Ok(event) = read {
        assert_eq!(bytes, to_bytes(event), "a draft has other bytes");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The requests that the fuzzer begins with.
    fn seeds() -> Vec<Vec<u8>> {
        let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/fuzz/seeds/request");
        let files = std::fs::read_dir(directory).unwrap();
        files
            .map(|file| std::fs::read(file.unwrap().path()).unwrap())
            .collect()
    }

    #[test]
    fn the_fuzzer_begins_with_every_kind_of_event_and_all_are_accepted() {
        let mut kinds = std::collections::BTreeSet::new();
        for seed in seeds() {
            request(&seed);
            let batch = v1::RecordBatchRequest::decode(&seed[..]).map(|batch| batch.events);
            let stream = v1::RecordStreamRequest::decode(&seed[..]).map(|batch| batch.events);
            for message in batch.or(stream).unwrap() {
                let event = decode(&message, "event", &Record::Full, REQUEST_ID).unwrap();
                let subject = event.body.subject();
                kinds.insert((subject.topic, subject.event));
            }
        }
        assert_eq!(kinds.len(), 33, "{kinds:?}");
    }

    #[test]
    fn a_request_with_a_byte_changed_is_another_request_or_none() {
        for seed in seeds() {
            for at in 0..seed.len() {
                for flip in [0x01, 0x80] {
                    let mut bytes = seed.clone();
                    bytes[at] ^= flip;
                    request(&bytes);
                }
                request(&seed[..at]);
            }
        }
    }
}
