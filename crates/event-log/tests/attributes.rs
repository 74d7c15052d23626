//! What can be erased lies beside the log, is durable with its event, and leaves the log as it was when it goes.

#![expect(clippy::unwrap_used, reason = "a test panics")]

use std::fs;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use event_log::{Append, Attribute, Error, Log, NewEvent, Options, ReadLimit, limits};

const NAME: &str = "Nguyễn Thị Thử Nghiệm";
const ALL: ReadLimit = ReadLimit {
    events: usize::MAX,
    bytes: usize::MAX,
};

fn open(directory: &Path) -> Log {
    Log::open(Options::at(directory), Arc::new(|| 1_000)).unwrap()
}

fn named(name: &str) -> Attribute {
    Attribute {
        salt: [7; 32],
        bytes: Bytes::copy_from_slice(name.as_bytes()),
    }
}

/// Three events, of which the second has an attribute.
fn request(id: u8, name: &str) -> Append {
    let event = |number: u8| NewEvent {
        subject: format!("owner/{number}").into(),
        expected_revision: None,
        payload: Bytes::from(vec![id, number, 3]),
        attribute: (number == 2).then(|| Box::new(named(name))),
    };
    Append {
        request_id: [id; 16],
        events: (1..=3).map(event).collect(),
    }
}

/// Whether any file below the directory holds these bytes.
fn holds(directory: &Path, bytes: &[u8]) -> bool {
    fs::read_dir(directory).unwrap().any(|entry| {
        let path = entry.unwrap().path();
        if path.is_dir() {
            return holds(&path, bytes);
        }
        let stored = fs::read(path).unwrap();
        stored.windows(bytes.len()).any(|window| window == bytes)
    })
}

#[tokio::test]
async fn an_attribute_is_erased_and_the_log_stays_as_it_was() {
    let directory = tempfile::tempdir().unwrap();
    let log = open(directory.path());
    log.append(request(1, "Trần Văn Ơn")).await.unwrap();
    let receipt = log.append(request(2, NAME)).await.unwrap();
    let position = receipt.first + 1;
    assert_eq!(log.attribute(position).unwrap(), Some(named(NAME)));
    assert_eq!(log.attribute(receipt.first).unwrap(), None);
    assert_eq!(log.attribute(0).unwrap(), None);
    assert_eq!(log.attribute(u64::MAX).unwrap(), None);

    let before = (log.read(1, ALL).unwrap(), log.verify(|_| {}).unwrap());
    assert!(holds(directory.path(), NAME.as_bytes()));
    assert!(log.erase(position).unwrap());
    assert!(!log.erase(position).unwrap(), "it is gone already");
    assert!(!log.erase(receipt.first).unwrap(), "it never had one");
    assert!(!holds(directory.path(), NAME.as_bytes()));
    assert_eq!(log.attribute(position).unwrap(), None);
    assert_eq!(log.attribute(2).unwrap(), Some(named("Trần Văn Ơn")));
    log.close();

    let log = open(directory.path());
    assert_eq!(log.attribute(position).unwrap(), None);
    assert_eq!(log.attribute(2).unwrap(), Some(named("Trần Văn Ơn")));
    let after = (log.read(1, ALL).unwrap(), log.verify(|_| {}).unwrap());
    assert_eq!(after.0, before.0);
    assert_eq!(after.1.last_hash, before.1.last_hash);
    assert_eq!(after.1.damages, []);
}

#[tokio::test]
async fn sealing_and_compaction_leave_attributes_where_they_are() {
    let directory = tempfile::tempdir().unwrap();
    let log = open(directory.path());
    let receipt = log.append(request(1, NAME)).await.unwrap();
    log.seal().unwrap();
    log.compact(|_| {}).unwrap();
    let position = receipt.first + 1;
    assert_eq!(log.attribute(position).unwrap(), Some(named(NAME)));
    assert!(log.erase(position).unwrap());
    assert!(!holds(directory.path(), NAME.as_bytes()));
}

#[tokio::test]
async fn a_repeated_request_keeps_the_attribute_that_was_recorded() {
    let directory = tempfile::tempdir().unwrap();
    let log = open(directory.path());
    log.append(request(1, "Trần Văn Ơn")).await.unwrap();
    let again = log.append(request(1, NAME)).await.unwrap();
    assert!(again.repeated);
    assert_eq!(log.attribute(2).unwrap(), Some(named("Trần Văn Ơn")));
    assert!(!holds(directory.path(), NAME.as_bytes()));
}

#[tokio::test]
async fn a_refused_request_leaves_no_attribute() {
    let directory = tempfile::tempdir().unwrap();
    let log = open(directory.path());
    let mut refused = request(1, NAME);
    refused.events[2].expected_revision = Some(7);
    let error = log.append(refused).await.unwrap_err();
    assert_eq!(error.reason(), "REVISION_MISMATCH");
    let long = "x".repeat(limits::ATTRIBUTE_BYTES_MAX + 1);
    let error = log.append(request(2, &long)).await.unwrap_err();
    assert!(matches!(error, Error::TooLarge { .. }), "{error}");
    assert!(!directory.path().join("erasable").exists());
    assert_eq!(log.head(), 0);
}
