//! What the stories share: a clock that ticks, requests, and sled opened behind the log's back.

#![expect(clippy::unwrap_used, reason = "a test panics")]
#![expect(dead_code, reason = "each story uses its part")]

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use bytes::Bytes;
use event_log::{Append, Log, NewEvent, Now, Options, ReadLimit};

/// As much as there is.
pub(crate) const ALL: ReadLimit = ReadLimit {
    events: usize::MAX,
    bytes: usize::MAX,
};

/// A clock that moves one microsecond each time it is read.
pub(crate) fn ticking() -> Now {
    let time = AtomicI64::new(1_000_000);
    Arc::new(move || time.fetch_add(1, Ordering::Relaxed))
}

pub(crate) fn open(directory: &Path) -> Log {
    Log::open(Options::at(directory), ticking()).unwrap()
}

pub(crate) fn id(number: u64) -> [u8; 16] {
    let mut id = [0xab; 16];
    id[8..].copy_from_slice(&number.to_be_bytes());
    id
}

pub(crate) fn event(subject: &str, payload: &str) -> NewEvent {
    let payload = Bytes::copy_from_slice(payload.as_bytes());
    NewEvent {
        subject: subject.into(),
        expected_revision: None,
        payload,
        attribute: None,
    }
}

pub(crate) fn expecting(revision: u64, event: NewEvent) -> NewEvent {
    NewEvent {
        expected_revision: Some(revision),
        ..event
    }
}

pub(crate) fn request(number: u64, events: Vec<NewEvent>) -> Append {
    Append {
        request_id: id(number),
        events,
    }
}

/// A request of one event whose payload follows from its number.
pub(crate) fn single(number: u64) -> Append {
    let subject = format!("locality/{}", number % 7);
    request(number, vec![event(&subject, &format!("figure {number}"))])
}

/// Opens the store of a closed log, as a bit flip or another program would find it.
pub(crate) fn store(directory: &Path) -> sled::Db {
    let config = sled::Config::new()
        .path(directory.join("sled"))
        .segment_size(4 * 1024 * 1024)
        .flush_every_ms(None);
    // The threads of the instance before may hold the file for a moment.
    loop {
        match config.open() {
            Err(error) if error.to_string().contains("lock") => std::thread::yield_now(),
            other => return other.unwrap(),
        }
    }
}
