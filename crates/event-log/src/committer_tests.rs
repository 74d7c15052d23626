//! What the committer does when the journal cannot be written; the handle it writes through is taken away.

use std::sync::Arc;

use bytes::Bytes;

use crate::{Append, Log, NewEvent, Options, ReadLimit};

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
        attribute: None,
    };
    Append {
        request_id: [id; 16],
        events: vec![event],
    }
}

fn open(directory: &std::path::Path) -> Log {
    Log::open(Options::at(directory), Arc::new(|| 1_000)).unwrap()
}

#[tokio::test]
async fn a_request_repeated_in_the_same_commit_gets_the_same_receipt() {
    let directory = tempfile::tempdir().unwrap();
    let log = open(directory.path());
    let mut other = append(1);
    other.events[0].payload = Bytes::from_static(b"other");
    let verdicts = log.append_all(vec![append(1), append(1), other]).await;
    let receipts: Vec<_> = verdicts
        .iter()
        .map(|verdict| verdict.as_ref().map(|r| (r.first, r.repeated)))
        .collect();
    assert_eq!(receipts[0].as_ref().unwrap(), &(1, false));
    assert_eq!(receipts[1].as_ref().unwrap(), &(1, true));
    assert_eq!(
        verdicts[2].as_ref().unwrap_err().reason(),
        "REQUEST_ID_REUSED"
    );
    assert_eq!(log.read(1, ALL).unwrap().len(), 1);
}
