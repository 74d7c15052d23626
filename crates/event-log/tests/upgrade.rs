//! A whole directory of format version 1, as its program left it, is opened for ever: read, continued, verified.
//!
//! `data/v1` is that directory; sled's file is compressed, and the reserve (8 MiB of zeros) is left out.
//! It was made by the last program that wrote version 1, from [`commits`], one `append_all` for each inner list, by
//! a clock that ticks from 1,000,000 µs; closed or killed, that program leaves the same bytes.

#![expect(clippy::unwrap_used, reason = "a test panics")]

mod common;

use std::fs;
use std::path::Path;

use common::{ALL, event, expecting, open, request, single};
use event_log::{Append, Receipt};

const REFUSED: &[u8] = include_bytes!("data/v1/refused");
const CONF: &[u8] = include_bytes!("data/v1/sled/conf");
const DB: &[u8] = include_bytes!("data/v1/sled/db.zst");
const DB_BYTES: usize = 31_595;
const HEAD: u64 = 5_303;
const LAST_HASH: &str = "0c6508c946ca28b8e69ef7dc83a316a90dba49aff4cf2b0457e567c942e676b4";

/// What the log was given: each inner list went in as one commit.
///
/// One request is longer than a chunk may be, so that it goes on in the next; one has the longest subject and
/// payload there are.
fn commits() -> Vec<Vec<Append>> {
    let one = |n: u64| {
        let payload = "eid.activated=269950 ".repeat(n as usize % 5);
        request(n, vec![event(&format!("xã/{}", 560 + n % 9), &payload)])
    };
    let batch = |n: u64, events: u64| {
        let part = |part| event(&format!("xã/{}", part % 160), &format!("n={n} part={part}"));
        request(n, (0..events).map(part).collect())
    };
    let mut commits: Vec<Vec<Append>> = (1..=60).map(|n| vec![one(n)]).collect();
    commits.push((61..=100).map(one).collect());
    commits.push(vec![batch(101, 100), batch(102, 1), batch(103, 99)]);
    commits.push(vec![batch(104, 5_000)]);
    let longest = "ị".repeat(85);
    let largest = event(&longest, &"x".repeat(32 * 1024));
    let pair = vec![expecting(0, largest), expecting(1, event(&longest, ""))];
    commits.push(vec![
        request(105, pair),
        request(106, vec![event("", "no subject")]),
    ]);
    commits
}

/// The directory as the old program left it, at rest.
fn lay_out(directory: &Path) {
    fs::create_dir_all(directory.join("sled/blobs")).unwrap();
    fs::write(directory.join("lock"), "").unwrap();
    fs::write(directory.join("refused"), REFUSED).unwrap();
    fs::write(directory.join("reserve"), vec![0; 8 * 1024 * 1024]).unwrap();
    fs::write(directory.join("sled/conf"), CONF).unwrap();
    let db = zstd::bulk::decompress(DB, DB_BYTES).unwrap();
    fs::write(directory.join("sled/db"), db).unwrap();
}

/// The receipts the old program gave, by request, marked as repeated.
fn receipts() -> Vec<(Append, Receipt)> {
    let mut given = Vec::new();
    let mut first = 1;
    for (known_micros, commit) in (1_000_000..).zip(commits()) {
        for append in commit {
            let last = first + append.events.len() as u64 - 1;
            let receipt = Receipt {
                first,
                last,
                known_micros,
                repeated: true,
            };
            given.push((append, receipt));
            first = last + 1;
        }
    }
    assert_eq!(first, HEAD + 1);
    given
}

#[tokio::test]
async fn a_directory_of_version_1_is_read_continued_and_verified() {
    let directory = tempfile::tempdir().unwrap();
    lay_out(directory.path());
    let log = open(directory.path());
    assert_eq!(log.head(), HEAD);
    let verification = log.verify(|_| {}).unwrap();
    assert_eq!((verification.events, verification.damages), (HEAD, vec![]));
    assert_eq!(verification.last_hash, LAST_HASH);

    let mut records = log.read(1, ALL).unwrap().into_iter();
    for (append, receipt) in receipts() {
        for (position, event) in (receipt.first..).zip(&append.events) {
            let record = records.next().unwrap();
            assert_eq!(record.position, position);
            assert_eq!(record.known_micros, receipt.known_micros);
            assert_eq!(record.request_id, append.request_id);
            assert_eq!(record.subject, event.subject);
            assert_eq!(record.payload, event.payload);
        }
        assert_eq!(log.append(append).await.unwrap(), receipt);
    }
    assert_eq!(records.next(), None);
    assert_eq!(log.revision("xã/7"), 32 + 2);
    assert_eq!(log.revision(""), 1);

    let next = vec![expecting(1, event("", "continued"))];
    assert_eq!(
        log.append(request(107, next)).await.unwrap().first,
        HEAD + 1
    );
    log.append(single(108)).await.unwrap();
    log.close();

    let log = open(directory.path());
    let verification = log.verify(|_| {}).unwrap();
    assert_eq!(
        (verification.events, verification.damages),
        (HEAD + 2, vec![])
    );
    let (append, receipt) = receipts().swap_remove(103);
    assert_eq!(log.append(append).await.unwrap(), receipt);
}
