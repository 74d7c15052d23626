//! One flipped bit: found, named by position, and the healthy parts stay readable.

#![expect(clippy::unwrap_used, reason = "a test panics")]

mod common;

use std::path::Path;

use common::{ALL, event, open, request, single, store};
use event_log::{Damage, Error, Log};

/// Four chunks: positions 1–2, 3–4, 5–6 and 7–8.
async fn four_chunks(directory: &Path) -> String {
    let log = open(directory);
    for number in 0..4 {
        let events = vec![event("a", &format!("one {number}")), event("b", "two")];
        log.append(request(number, events)).await.unwrap();
        log.seal().unwrap();
    }
    assert_eq!(log.statistics().chunks, 4);
    let verification = log.verify(|_| {}).unwrap();
    log.close();
    verification.last_hash
}

/// Changes the chunk at `position` behind the log's back.
fn tamper(directory: &Path, position: u64, change: impl FnOnce(&mut Vec<u8>)) {
    let db = store(directory);
    let chunks = db.open_tree("chunks").unwrap();
    let mut value = chunks
        .get(position.to_be_bytes())
        .unwrap()
        .unwrap()
        .to_vec();
    change(&mut value);
    chunks.insert(position.to_be_bytes(), value).unwrap();
    db.flush().unwrap();
}

fn positions(log: &Log, from: u64) -> Vec<u64> {
    log.read(from, ALL)
        .unwrap()
        .iter()
        .map(|record| record.position)
        .collect()
}

#[tokio::test]
async fn a_flipped_bit_is_found_and_named_and_the_rest_is_readable() {
    let directory = tempfile::tempdir().unwrap();
    four_chunks(directory.path()).await;
    tamper(directory.path(), 3, |value| {
        *value.last_mut().unwrap() ^= 0x10
    });

    let log = open(directory.path());
    assert_eq!(log.head(), 8);
    let reason = "the checksum does not match".to_owned();
    let mut seen = Vec::new();
    let verification = log.verify(|position| seen.push(position)).unwrap();
    assert_eq!(
        verification.damages,
        [Damage {
            first: 3,
            last: 4,
            reason
        }]
    );
    assert_eq!((verification.events, verification.chunks), (6, 4));
    assert_eq!(seen, [2, 6, 8]);

    assert_eq!(positions(&log, 1), [1, 2]);
    for from in [3, 4] {
        let error = log.read(from, ALL).unwrap_err();
        assert!(
            matches!(
                error,
                Error::Damaged {
                    first: 3,
                    last: 4,
                    ..
                }
            ),
            "{error}"
        );
    }
    assert_eq!(positions(&log, 5), [5, 6, 7, 8]);

    let refused = log.append(single(9)).await.unwrap_err();
    assert!(
        matches!(
            refused,
            Error::Damaged {
                first: 3,
                last: 4,
                ..
            }
        ),
        "{refused}"
    );
}

#[tokio::test]
async fn damage_in_the_last_chunk_is_named_too() {
    let directory = tempfile::tempdir().unwrap();
    four_chunks(directory.path()).await;
    tamper(directory.path(), 7, |value| *value.last_mut().unwrap() ^= 1);
    let log = open(directory.path());
    assert_eq!(log.head(), 8);
    assert_eq!(positions(&log, 1), [1, 2, 3, 4, 5, 6]);
    let damages = log.verify(|_| {}).unwrap().damages;
    assert_eq!(
        (damages[0].first, damages[0].last, damages.len()),
        (7, 8, 1)
    );
    assert_eq!(log.read(8, ALL).unwrap_err().reason(), "LOG_DAMAGED");
}

#[tokio::test]
async fn a_missing_chunk_is_a_gap_with_positions() {
    let directory = tempfile::tempdir().unwrap();
    four_chunks(directory.path()).await;
    let db = store(directory.path());
    db.open_tree("chunks")
        .unwrap()
        .remove(5_u64.to_be_bytes())
        .unwrap();
    db.flush().unwrap();
    drop(db);
    let log = open(directory.path());
    let damages = log.verify(|_| {}).unwrap().damages;
    assert_eq!(
        damages,
        [Damage {
            first: 5,
            last: 6,
            reason: "the chunk is missing".into()
        }]
    );
    assert_eq!(positions(&log, 1), [1, 2, 3, 4]);
    let error = log.read(6, ALL).unwrap_err();
    assert!(matches!(error, Error::Damaged { last: 6, .. }), "{error}");
    assert_eq!(positions(&log, 7), [7, 8]);
}

#[tokio::test]
async fn history_rewritten_with_good_checksums_breaks_the_hash_chain() {
    let (ours, theirs) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let hash = four_chunks(ours.path()).await;
    let log = open(theirs.path());
    log.append(request(
        0,
        vec![event("a", "one 0"), event("b", "two, rewritten")],
    ))
    .await
    .unwrap();
    log.seal().unwrap();
    log.close();
    let db = store(theirs.path());
    let forged = db
        .open_tree("chunks")
        .unwrap()
        .get(1_u64.to_be_bytes())
        .unwrap()
        .unwrap();
    tamper(ours.path(), 1, |value| *value = forged.to_vec());

    let refused = Log::open(event_log::Options::at(ours.path()), common::ticking()).unwrap_err();
    assert_eq!(refused.reason(), "LOG_REWRITTEN");
    std::fs::remove_file(ours.path().join("checkpoints")).unwrap();
    let log = open(ours.path());
    let verification = log.verify(|_| {}).unwrap();
    assert_eq!(
        verification.last_hash, hash,
        "the newest hash still commits to the true history"
    );
    let [damage] = &verification.damages[..] else {
        panic!("{verification:?}")
    };
    assert_eq!((damage.first, damage.last), (3, 4));
    assert_eq!(
        damage.reason,
        "the hash does not follow from the events before"
    );
}

#[tokio::test]
async fn a_newer_format_is_refused_by_name() {
    let directory = tempfile::tempdir().unwrap();
    four_chunks(directory.path()).await;
    let db = store(directory.path());
    db.open_tree("meta")
        .unwrap()
        .insert("format", &3_u32.to_be_bytes())
        .unwrap();
    db.flush().unwrap();
    drop(db);
    let error = Log::open(event_log::Options::at(directory.path()), common::ticking()).unwrap_err();
    assert!(
        matches!(
            error,
            Error::FormatVersion {
                found: 3,
                supported: 2
            }
        ),
        "{error}"
    );
}
