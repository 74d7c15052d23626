//! Appending: dense positions, repeats, revisions, limits.

mod common;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::task::Poll;

use bytes::Bytes;
use common::{ALL, event, expecting, id, open, request, single, ticking};
use event_log::{Append, Error, Log, NewEvent, Options, ReadLimit, limits};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn positions_stay_dense_across_many_writers_and_a_reopening() {
    let directory = tempfile::tempdir().unwrap();
    let mut positions = BTreeSet::new();
    for round in 0..3_u64 {
        let log = open(directory.path());
        assert_eq!(log.head(), positions.len() as u64);
        let mut writers = tokio::task::JoinSet::new();
        for writer in 0..16_u64 {
            let log = log.clone();
            writers.spawn(async move {
                let mut receipts = Vec::new();
                for step in 0..20_u64 {
                    let number = (round * 16 + writer) * 20 + step;
                    receipts.push(log.append(single(number)).await.unwrap());
                }
                receipts
            });
        }
        for receipts in writers.join_all().await {
            assert!(
                receipts.is_sorted_by(|a, b| a.last < b.first && a.known_micros <= b.known_micros)
            );
            for receipt in receipts {
                assert!(
                    positions.insert(receipt.first),
                    "position {} twice",
                    receipt.first
                );
            }
        }
        assert_eq!(log.head(), positions.len() as u64);
        log.close();
    }
    assert_eq!(
        positions.first().zip(positions.last()),
        Some((&1, &(3 * 16 * 20)))
    );

    let log = open(directory.path());
    let records = log.read(1, ALL).unwrap();
    assert!(
        records
            .iter()
            .map(|record| record.position)
            .eq(1..=3 * 16 * 20)
    );
    assert!(records.is_sorted_by_key(|record| record.known_micros));
    let ids: BTreeSet<_> = records.iter().map(|record| record.request_id).collect();
    assert_eq!(ids.len(), records.len());
    let verification = log.verify(|_| {}).unwrap();
    assert_eq!(
        (verification.events, verification.damages),
        (3 * 16 * 20, vec![])
    );
}

#[tokio::test]
async fn a_repeated_request_gets_its_old_receipt_also_after_reopening() {
    let directory = tempfile::tempdir().unwrap();
    let both = || request(1, vec![event("a", "x"), event("b", "y")]);
    let mut log = open(directory.path());
    assert_eq!(log.receipt(&id(1)).unwrap(), None);
    let first = log.append(both()).await.unwrap();
    assert!(!first.repeated);
    log.append(single(2)).await.unwrap();
    for _ in 0..2 {
        let again = log.append(both()).await.unwrap();
        assert!(again.repeated);
        assert_eq!(
            (again.first, again.last, again.known_micros),
            (1, 2, first.known_micros)
        );
        assert_eq!(log.receipt(&id(1)).unwrap(), Some(again));
        assert_eq!(log.head(), 3);
        log.close();
        log = open(directory.path());
    }
}

#[tokio::test]
async fn the_same_id_with_another_body_is_a_conflict() {
    let directory = tempfile::tempdir().unwrap();
    let log = open(directory.path());
    log.append(single(9)).await.unwrap();
    log.append(request(1, vec![event("a", "x"), event("b", "y")]))
        .await
        .unwrap();
    let others = [
        vec![event("a", "x")],
        vec![event("a", "x"), event("b", "z")],
        vec![event("ax", ""), event("b", "y")],
        vec![event("b", "y"), event("a", "x")],
    ];
    for events in others {
        let other = request(1, events);
        let error = log.append(other.clone()).await.unwrap_err();
        assert!(
            matches!(error, Error::RequestIdReused { first: 2, .. }),
            "{error}"
        );
        assert_eq!(
            error.reason(),
            log.append(other).await.unwrap_err().reason()
        );
    }
    assert_eq!(log.head(), 3);
}

#[tokio::test]
async fn requests_of_one_commit_see_each_other() {
    let directory = tempfile::tempdir().unwrap();
    let log = open(directory.path());
    let verdicts = log
        .append_all(vec![
            request(1, vec![expecting(0, event("s", "one"))]),
            request(1, vec![event("s", "one")]),
            request(1, vec![event("s", "other")]),
            request(2, vec![expecting(0, event("s", "late"))]),
            request(
                3,
                vec![
                    expecting(1, event("s", "two")),
                    expecting(2, event("s", "three")),
                ],
            ),
        ])
        .await;
    let [first, repeat, reused, late, next] = &verdicts[..] else {
        panic!("{verdicts:?}")
    };
    let first = first.as_ref().unwrap();
    assert_eq!((first.first, first.repeated), (1, false));
    assert_eq!(
        repeat.as_ref().unwrap(),
        &event_log::Receipt {
            repeated: true,
            ..*first
        }
    );
    assert!(matches!(
        reused,
        Err(Error::RequestIdReused { first: 1, .. })
    ));
    assert!(matches!(
        late,
        Err(Error::RevisionMismatch {
            expected: 0,
            actual: 1,
            ..
        })
    ));
    assert_eq!(
        next.as_ref()
            .map(|receipt| (receipt.first, receipt.last))
            .unwrap(),
        (2, 3)
    );
    assert_eq!(log.revision("s"), 3);
    assert_eq!(log.statistics().journal_commits, 1, "one commit");
}

#[tokio::test]
async fn a_missed_revision_refuses_one_request_wholly_and_not_its_neighbour() {
    let directory = tempfile::tempdir().unwrap();
    let log = open(directory.path());
    let half = vec![
        event("a", "good"),
        event("b", "good"),
        expecting(5, event("b", "bad")),
    ];
    let verdicts = log
        .append_all(vec![
            request(1, half.clone()),
            request(
                2,
                vec![expecting(0, event("a", "x")), expecting(0, event("b", "x"))],
            ),
        ])
        .await;
    let expected = "subject \"b\" is at revision 1, not 5";
    assert_eq!(verdicts[0].as_ref().unwrap_err().to_string(), expected);
    assert_eq!(verdicts[1].as_ref().unwrap().first, 1);
    assert_eq!(log.receipt(&id(1)).unwrap(), None);
    assert_eq!(
        (log.revision("a"), log.revision("b"), log.head()),
        (1, 1, 2)
    );
    log.close();
    let log = open(directory.path());
    assert_eq!(
        (log.revision("a"), log.revision("b"), log.head()),
        (1, 1, 2)
    );
}

#[tokio::test]
async fn the_known_time_never_steps_back() {
    let directory = tempfile::tempdir().unwrap();
    let time = Arc::new(AtomicI64::new(500));
    let clock = Arc::clone(&time);
    let now = Arc::new(move || clock.load(Ordering::Relaxed));
    let log = Log::open(Options::at(directory.path()), now.clone()).unwrap();
    assert_eq!(log.append(single(1)).await.unwrap().known_micros, 500);
    time.store(400, Ordering::Relaxed);
    assert_eq!(log.append(single(2)).await.unwrap().known_micros, 500);
    log.close();
    let log = Log::open(Options::at(directory.path()), now).unwrap();
    assert_eq!(log.append(single(3)).await.unwrap().known_micros, 500);
    time.store(600, Ordering::Relaxed);
    assert_eq!(log.append(single(4)).await.unwrap().known_micros, 600);
}

#[tokio::test]
async fn what_is_over_a_limit_is_refused_by_name() {
    let directory = tempfile::tempdir().unwrap();
    let log = open(directory.path());
    let long = |bytes| {
        let payload = Bytes::from(vec![0; bytes]);
        NewEvent {
            subject: "s".into(),
            expected_revision: None,
            payload,
            attribute: None,
        }
    };
    let refused = [
        request(1, vec![]),
        request(1, vec![long(limits::PAYLOAD_BYTES_MAX + 1)]),
        request(
            1,
            vec![event(&"s".repeat(limits::SUBJECT_BYTES_MAX + 1), "")],
        ),
        request(1, vec![event("s", ""); limits::REQUEST_EVENTS_MAX + 1]),
        request(1, vec![long(limits::PAYLOAD_BYTES_MAX); 513]),
    ];
    let mut reasons = Vec::new();
    for verdict in log.append_all(refused.to_vec()).await {
        reasons.push(verdict.unwrap_err().reason());
    }
    assert_eq!(
        reasons,
        [
            "EMPTY_REQUEST",
            "TOO_LARGE",
            "TOO_LARGE",
            "TOO_LARGE",
            "TOO_LARGE"
        ]
    );
    assert_eq!(log.head(), 0);
    let largest = request(1, vec![long(limits::PAYLOAD_BYTES_MAX)]);
    assert_eq!(log.append(largest).await.unwrap().last, 1);
    let bad = Options {
        queue_requests_max: 0,
        ..Options::at(directory.path())
    };
    assert_eq!(
        Log::open(bad, ticking()).unwrap_err().reason(),
        "LOG_OPTIONS"
    );
}

#[tokio::test]
async fn a_request_of_ten_thousand_events_is_one_request() {
    let directory = tempfile::tempdir().unwrap();
    let text = |number: u64| format!("{:x}", number.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    let events: Vec<_> = (0..10_000)
        .map(|number| event("s", &text(number).repeat(3)))
        .collect();
    let large = Append {
        request_id: id(1),
        events,
    };
    let mut log = open(directory.path());
    let receipt = log.append(large.clone()).await.unwrap();
    assert_eq!((receipt.first, receipt.last), (1, 10_000));
    log.seal().unwrap();
    assert!(log.statistics().chunks > 2);
    log.close();
    log = open(directory.path());
    assert!(log.append(large.clone()).await.unwrap().repeated);
    let records = log
        .read(
            4_000,
            ReadLimit {
                events: 3_000,
                bytes: usize::MAX,
            },
        )
        .unwrap();
    assert!(
        records
            .iter()
            .map(|record| record.position)
            .eq(4_000..7_000)
    );
    assert!(
        records
            .iter()
            .zip(&large.events[3_999..])
            .all(|(r, e)| r.payload == e.payload)
    );
    assert_eq!(log.verify(|_| {}).unwrap().damages, []);
}

#[tokio::test]
async fn what_is_in_memory_is_read_from_there_and_nothing_else() {
    let directory = tempfile::tempdir().unwrap();
    let log = open(directory.path());
    for number in 1..=3 {
        log.append(single(number)).await.unwrap();
    }
    log.seal().unwrap();
    for number in 4..=6 {
        log.append(single(number)).await.unwrap();
    }
    assert_eq!(log.read_newest(3, ALL), None, "it is in the store");
    for from in 4..=7 {
        let read = log.read(from, ALL).unwrap();
        assert_eq!(log.read_newest(from, ALL), Some(read), "from {from}");
    }
    let one = ReadLimit { events: 1, ..ALL };
    assert_eq!(log.read_newest(5, one), Some(log.read(5, one).unwrap()));
}

#[tokio::test]
async fn a_full_queue_refuses_the_rest_by_name() {
    let directory = tempfile::tempdir().unwrap();
    // The clock is read once for each commit, so it can hold the committer.
    let (release, held) = std::sync::mpsc::channel::<()>();
    let (reached, waits) = std::sync::mpsc::channel::<()>();
    let held = std::sync::Mutex::new(held);
    let now = Arc::new(move || {
        let _ = reached.send(());
        let _ = held.lock().unwrap().recv();
        7
    });
    let options = Options {
        queue_requests_max: 4,
        ..Options::at(directory.path())
    };
    let log = Log::open(options, now).unwrap();
    let holding = tokio::task::JoinSet::from_iter([{
        let log = log.clone();
        async move { log.append(single(0)).await }
    }]);
    tokio::task::spawn_blocking(move || waits.recv().unwrap())
        .await
        .unwrap();

    let mut six = std::pin::pin!(log.append_all((1..=6).map(single).collect()));
    let queued = std::future::poll_fn(|context| Poll::Ready(six.as_mut().poll(context))).await;
    assert!(queued.is_pending());
    drop(release);
    let verdicts = six.await;
    let reasons: Vec<_> = verdicts
        .iter()
        .map(|verdict| verdict.as_ref().map_or_else(Error::reason, |_| "ok"))
        .collect();
    assert_eq!(
        reasons,
        ["ok", "ok", "ok", "ok", "QUEUE_FULL", "QUEUE_FULL"]
    );
    assert!(holding.join_all().await[0].is_ok());
    assert_eq!(
        log.append(single(5)).await.unwrap().first,
        6,
        "a later try succeeds"
    );
}

#[tokio::test]
async fn the_head_is_announced_to_those_who_wait() {
    let directory = tempfile::tempdir().unwrap();
    let log = open(directory.path());
    let mut head = log.watch_head();
    let (receipt, seen) = tokio::join!(log.append(single(1)), async {
        head.changed().await.unwrap();
        *head.borrow_and_update()
    });
    assert_eq!(receipt.unwrap().last, seen);
}

#[tokio::test]
async fn closing_commits_what_waits_and_frees_the_directory() {
    let directory = tempfile::tempdir().unwrap();
    let log = open(directory.path());
    let other = Log::open(Options::at(directory.path()), ticking());
    assert_eq!(other.unwrap_err().reason(), "LOG_LOCKED");
    let clone = log.clone();
    let mut waiting = tokio::task::JoinSet::new();
    for number in 0..50 {
        let log = log.clone();
        waiting.spawn(async move { log.append(single(number)).await });
    }
    tokio::task::yield_now().await;
    log.close();
    let verdicts = waiting.join_all().await;
    let accepted = verdicts.iter().filter(|verdict| verdict.is_ok()).count() as u64;
    assert_eq!(
        clone.append(single(99)).await.unwrap_err().reason(),
        "LOG_CLOSED"
    );
    assert_eq!(clone.head(), accepted);
    assert_eq!(clone.read(1, ALL).unwrap().len() as u64, accepted);
    drop(clone);
    assert_eq!(open(directory.path()).head(), accepted);
}

#[tokio::test]
async fn a_scan_sees_each_event_once_though_everything_is_settled_meanwhile() {
    let directory = tempfile::tempdir().unwrap();
    let log = open(directory.path());
    for number in 0..600 {
        log.append(single(number)).await.unwrap();
    }
    let mut seen = Vec::new();
    let last = log
        .scan(1, u64::MAX, &mut |_| true, &mut |record| {
            seen.push(record.position);
            if record.position == 10 {
                log.seal().unwrap();
            }
            std::ops::ControlFlow::Continue(())
        })
        .unwrap();
    assert_eq!(last, 600);
    assert!(seen.into_iter().eq(1..=600));
}
