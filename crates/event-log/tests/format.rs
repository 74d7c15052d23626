//! Files of every format version are opened for ever.
//!
//! `data/chunks-v1.txt` holds the chunks of a log of version 1: on each line the position and the value in
//! hexadecimal digits.

#![expect(clippy::unwrap_used, reason = "a test panics")]

mod common;

use std::path::Path;

use common::{ALL, event, id, open, request, store};
use event_log::{Append, Receipt};

const CHUNKS: &str = include_str!("data/chunks-v1.txt");
const LAST_HASH: &str = "c67fa3f970436387e3fac97a31c77b1d61e2d754cff64153230612aa37b95ff4";

/// What was appended when the file was made, one commit each, by a clock that ticks from 1,000,000 µs.
fn requests() -> Vec<Append> {
    vec![
        request(
            1,
            vec![event("xã/568", "eid.activated=269950"), event("xã/568", "")],
        ),
        request(
            2,
            (0..40)
                .map(|n| event(&format!("xã/{}", n % 3), &format!("n={n}")))
                .collect(),
        ),
        request(3, vec![event("", "no subject")]),
    ]
}

fn bytes(hex: &str) -> Vec<u8> {
    let digits = hex
        .as_bytes()
        .chunks(2)
        .map(|pair| std::str::from_utf8(pair).unwrap());
    digits
        .map(|pair| u8::from_str_radix(pair, 16).unwrap())
        .collect()
}

fn write_store(directory: &Path) {
    let db = store(directory);
    db.open_tree("meta")
        .unwrap()
        .insert("format", &1_u32.to_be_bytes())
        .unwrap();
    let chunks = db.open_tree("chunks").unwrap();
    for line in CHUNKS.lines() {
        let (position, value) = line.split_once(' ').unwrap();
        let position: u64 = position.parse().unwrap();
        chunks.insert(position.to_be_bytes(), bytes(value)).unwrap();
    }
    db.flush().unwrap();
}

#[tokio::test]
async fn a_log_of_format_version_1_is_read_and_continued() {
    let directory = tempfile::tempdir().unwrap();
    write_store(directory.path());
    let log = open(directory.path());
    let verification = log.verify(|_| {}).unwrap();
    assert_eq!((verification.events, verification.chunks), (43, 3));
    assert_eq!(
        (verification.damages, &*verification.last_hash),
        (vec![], LAST_HASH)
    );

    let records = log.read(1, ALL).unwrap();
    let events = requests().into_iter().flat_map(|append| {
        append
            .events
            .into_iter()
            .map(move |event| (append.request_id, event))
    });
    for (record, (request_id, event)) in records.iter().zip(events) {
        assert_eq!(
            (record.request_id, &record.subject),
            (request_id, &event.subject)
        );
        assert_eq!(record.payload, event.payload);
    }
    let second = Receipt {
        first: 3,
        last: 42,
        known_micros: 1_000_001,
        repeated: true,
    };
    assert_eq!(log.receipt(&id(2)).unwrap(), Some(second));
    for append in requests() {
        assert!(log.append(append).await.unwrap().repeated);
    }
    assert_eq!(
        log.append(request(4, vec![event("new", "")]))
            .await
            .unwrap()
            .first,
        44
    );
}

#[tokio::test]
async fn the_events_still_hash_to_what_they_did() {
    let directory = tempfile::tempdir().unwrap();
    let log = open(directory.path());
    for append in requests() {
        log.append(append).await.unwrap();
    }
    assert_eq!(log.verify(|_| {}).unwrap().last_hash, LAST_HASH);
}
