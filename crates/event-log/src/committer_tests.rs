//! What the log does when writing fails; the faults are injected into the store.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use bytes::Bytes;

use crate::storage::Fault;
use crate::{Append, Error, Log, NewEvent, Options, ReadLimit};

const ALL: ReadLimit = ReadLimit {
    events: usize::MAX,
    bytes: usize::MAX,
};

fn append(id: u8) -> Append {
    let payload = Bytes::from(vec![id; 40]);
    let event = NewEvent {
        subject: "s".into(),
        expected_revision: None,
        payload,
    };
    Append {
        request_id: [id; 16],
        events: vec![event],
    }
}

fn open(directory: &std::path::Path) -> Log {
    Log::open(Options::at(directory), Arc::new(|| 1_000)).unwrap()
}

fn inject(log: &Log, fault: Fault) {
    *log.shared().store.fault.lock().unwrap() = Some(fault);
}

#[tokio::test]
async fn a_full_disk_refuses_one_append_and_the_log_goes_on() {
    let directory = tempfile::tempdir().unwrap();
    let log = open(directory.path());
    log.append(append(1)).await.unwrap();
    inject(&log, Fault::DiskFull);
    let error = log.append(append(2)).await.unwrap_err();
    assert!(matches!(error, Error::DiskFull), "{error}");
    assert_eq!(log.head(), 1);
    assert_eq!(log.read(1, ALL).unwrap().len(), 1);
    assert_eq!(log.revision("s"), 1);
    assert_eq!(log.receipt(&[2; 16]), None);

    let receipt = log.append(append(3)).await.unwrap();
    assert_eq!((receipt.first, receipt.last), (2, 2));
    let records = log.read(1, ALL).unwrap();
    assert_eq!(
        records
            .iter()
            .map(|record| record.request_id[0])
            .collect::<Vec<_>>(),
        [1, 3]
    );
    drop(log);
    let log = open(directory.path());
    assert_eq!(log.head(), 2);
    assert_eq!(log.verify(|_| {}).unwrap().damages, []);
}

#[tokio::test]
async fn what_was_refused_is_gone_even_if_the_process_ends_before_there_is_space() {
    let directory = tempfile::tempdir().unwrap();
    let log = open(directory.path());
    log.append(append(1)).await.unwrap();
    inject(&log, Fault::DiskFull);
    log.append(append(2)).await.unwrap_err();
    drop(log);
    let log = open(directory.path());
    assert_eq!(log.head(), 1);
    assert_eq!(log.receipt(&[2; 16]), None);
    assert_eq!(log.append(append(4)).await.unwrap().first, 2);
}

#[tokio::test]
async fn after_a_failed_sync_nothing_is_acknowledged_again() {
    let directory = tempfile::tempdir().unwrap();
    let log = open(directory.path());
    log.append(append(1)).await.unwrap();
    let head = log.watch_head();
    inject(&log, Fault::Sync);
    for id in 2..5 {
        let error = log.append(append(id)).await.unwrap_err();
        assert_eq!(error.reason(), "WRITER_STOPPED");
    }
    assert!(!head.has_changed().unwrap());
    assert_eq!(log.read(1, ALL).unwrap().len(), 1);
    assert_eq!(log.revision("s"), 1);
    assert_eq!(log.shared().chunks.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn a_request_judged_by_a_neighbour_that_failed_fails_with_it() {
    let directory = tempfile::tempdir().unwrap();
    let log = open(directory.path());
    inject(&log, Fault::DiskFull);
    let verdicts = log.append_all(vec![append(1), append(1)]).await;
    assert!(
        verdicts
            .iter()
            .all(|verdict| matches!(verdict, Err(Error::DiskFull))),
        "{verdicts:?}"
    );
    assert!(!log.append(append(1)).await.unwrap().repeated);
}
