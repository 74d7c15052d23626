//! A log that proves what it holds: to somebody who keeps its key and a checkpoint, and to itself when it is opened.

#![expect(clippy::unwrap_used, reason = "a test panics")]

mod common;

use std::fs;
use std::path::Path;

use common::{event, open, request, ticking};
use event_log::{Checkpoint, Log, Options, verify_consistency};

/// Appends so many events, in requests of a hundred; `number` tells the requests apart.
async fn grow(log: &Log, number: u64, events: u64) {
    let requests = (0..events.div_ceil(100)).map(|at| {
        let size = (events - at * 100).min(100);
        let events = (0..size).map(|one| event("locality/56", &format!("{number} {at} {one}")));
        request(number * 1_000 + at, events.collect())
    });
    for verdict in log.append_all(requests.collect()).await {
        verdict.unwrap();
    }
}

fn verified(log: &Log, text: &str) -> Checkpoint {
    Checkpoint::verify(text, &log.verifying_key()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn proofs_hold_before_and_after_events_are_settled_and_after_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    let log = open(directory.path());
    let empty = verified(&log, &log.checkpoint().unwrap());
    assert_eq!(empty.size, 0);
    grow(&log, 1, 2_500).await;
    let old = log.checkpoint().unwrap();
    log.seal().unwrap();
    assert_eq!(log.checkpoint().unwrap(), old);
    grow(&log, 2, 1_700).await;
    let key = log.verifying_key();
    log.close();

    let log = open(directory.path());
    assert_eq!(log.verifying_key(), key);
    let (old, new) = (
        verified(&log, &old),
        verified(&log, &log.checkpoint().unwrap()),
    );
    assert_eq!((old.size, new.size), (2_500, 4_200));
    let proof = log.consistency(2_500, 4_200).unwrap();
    verify_consistency(2_500, 4_200, &old.root, &new.root, &proof).unwrap();
    for (position, head) in [(1, &old), (2_500, &old), (1_024, &new), (4_200, &new)] {
        let shown = log.inclusion(position, head.size).unwrap();
        shown.verify(&head.root).unwrap();
        let mut changed = shown.clone();
        changed.record.known_micros += 1;
        assert_eq!(
            changed.verify(&head.root).unwrap_err().reason(),
            "PROOF_REFUTED"
        );
    }
    log.close();
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_older_copy_put_in_the_place_of_the_log_is_recognised() {
    let world = tempfile::tempdir().unwrap();
    let (directory, older) = (world.path().join("log"), world.path().join("older"));
    let log = open(&directory);
    grow(&log, 1, 300).await;
    log.close();
    copy(&directory, &older);
    let log = open(&directory);
    grow(&log, 2, 300).await;
    log.checkpoint().unwrap();
    log.close();

    // What was signed is all that the older copy gets from the newer.
    fs::copy(directory.join("checkpoints"), older.join("checkpoints")).unwrap();
    let refused = Log::open(Options::at(&older), ticking()).err().unwrap();
    assert_eq!(refused.reason(), "LOG_REWRITTEN", "{refused}");
    // Other events up to the same size do not help.
    let checkpoints = fs::read(older.join("checkpoints")).unwrap();
    fs::remove_file(older.join("checkpoints")).unwrap();
    let log = open(&older);
    grow(&log, 3, 400).await;
    log.close();
    fs::write(older.join("checkpoints"), checkpoints).unwrap();
    let refused = Log::open(Options::at(&older), ticking()).err().unwrap();
    assert_eq!(refused.reason(), "LOG_REWRITTEN", "{refused}");
    // The log itself is whole.
    open(&directory).close();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_log_does_not_reach_is_not_proved() {
    let directory = tempfile::tempdir().unwrap();
    let log = open(directory.path());
    grow(&log, 1, 10).await;
    let refused = [
        log.checkpoint_at(11).err(),
        log.inclusion(11, 11).err(),
        log.inclusion(0, 10).err(),
        log.inclusion(8, 7).err(),
        log.consistency(8, 7).err(),
        log.consistency(8, 11).err(),
    ];
    for refused in refused {
        assert_eq!(refused.unwrap().reason(), "BEYOND_HEAD");
    }
    log.close();
}
