//! What the committer does when the journal cannot be written; the handle it writes through is taken away.

use std::sync::Arc;

use bytes::Bytes;

use crate::{Append, Log, NewEvent, Options, ReadLimit, Taken};

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

/// The requests of a log with their places and times.
fn taken(log: &Log) -> Vec<Taken> {
    let mut all: Vec<Taken> = Vec::new();
    for record in log.read(1, ALL).unwrap() {
        let event = NewEvent {
            subject: record.subject,
            expected_revision: None,
            payload: record.payload,
            attribute: None,
        };
        match all.last_mut() {
            Some(last) if last.append.request_id == record.request_id => {
                last.append.events.push(event);
            }
            _ => all.push(Taken {
                append: Append {
                    request_id: record.request_id,
                    events: vec![event],
                },
                first: record.position,
                known_micros: record.known_micros,
            }),
        }
    }
    all
}

/// The root at each position, as its checkpoint says it.
fn roots(log: &Log) -> Vec<String> {
    let root = |size| {
        let text = log.checkpoint_at(size).unwrap();
        text.lines().nth(2).unwrap().to_owned()
    };
    (1..=log.head()).map(root).collect()
}

#[tokio::test]
async fn a_replica_has_the_root_of_the_original_at_each_position() {
    let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let now = Arc::new(std::sync::atomic::AtomicI64::new(1_000));
    let clock = Arc::clone(&now);
    let ticking = move || clock.fetch_add(7, std::sync::atomic::Ordering::Relaxed);
    let original = Log::open(Options::at(one.path()), Arc::new(ticking)).unwrap();
    let mut id = 0;
    for requests in [1, 3, 2, 1] {
        let together = (0..requests).map(|number| {
            id += 1;
            let mut request = append(id);
            let again = request.events[0].clone();
            request.events.extend(vec![again; number]);
            request
        });
        for verdict in original.append_all(together.collect()).await {
            verdict.unwrap();
        }
    }
    let replica = open(other.path());
    let all = taken(&original);
    assert_eq!(all.len(), 7);
    replica.replicate(all[..3].to_vec()).await.unwrap();
    replica.replicate(all[3..].to_vec()).await.unwrap();
    assert_eq!(roots(&replica), roots(&original));
    assert_eq!(
        replica.read(1, ALL).unwrap(),
        original.read(1, ALL).unwrap()
    );
    assert_eq!(replica.revision("s"), original.revision("s"));
    // Its requests are known under their ids, also after it was opened anew, and it goes on by its own clock.
    replica.close();
    let replica = Log::open(Options::at(other.path()), Arc::new(|| 9_000)).unwrap();
    assert!(replica.append(append(1)).await.unwrap().repeated);
    let next = replica.append(append(200)).await.unwrap();
    assert_eq!(
        (next.first, next.known_micros),
        (original.head() + 1, 9_000)
    );
    assert!(replica.verify(|_| {}).unwrap().damages.is_empty());
}

#[tokio::test]
async fn a_replica_takes_the_next_position_alone() {
    let directory = tempfile::tempdir().unwrap();
    let log = open(directory.path());
    let at = |first, known_micros, id| Taken {
        append: append(id),
        first,
        known_micros,
    };
    log.replicate(vec![at(1, 500, 1), at(2, 700, 2)])
        .await
        .unwrap();
    for (wrong, problem) in [
        (at(4, 800, 3), "the position is not the next"),
        (at(2, 800, 3), "the position is not the next"),
        (at(3, 600, 3), "its time is before that of the event before"),
        (at(3, 800, 1), "its request is on record already"),
    ] {
        let refused = log.replicate(vec![wrong]).await.unwrap_err();
        assert_eq!(refused.reason(), "LOG_OUT_OF_ORDER");
        assert!(refused.to_string().contains(problem), "{refused}");
    }
    let mixed = vec![at(3, 800, 3), at(5, 800, 4), at(4, 800, 5)];
    let refused = log.replicate(mixed).await.unwrap_err();
    assert!(refused.to_string().contains("position 5"), "{refused}");
    assert_eq!(log.read(1, ALL).unwrap().len(), 4, "what fits is taken");
}
