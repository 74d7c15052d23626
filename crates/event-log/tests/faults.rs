//! A disk that fails: no false answer, a named error, reads go on, and nothing refused ever comes back.
//!
//! First the stories of a full disk and of a failed sync; then every single change that a piece of work makes on the
//! file system fails once, and once for good, in every run another one; then every single read.
//! After each, read `trial`, the power is cut, or a new process goes on.

#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a test panics")]

mod common;
mod forgetful;

use std::io::ErrorKind;
use std::ops::ControlFlow;

use common::ALL;
use event_log::{Blocks, Log};
use forgetful::backup;
use forgetful::promises::{HUNDREDS, Noted, SERIES, bulkiest, count, open};
use forgetful::trial::{
    Start, each_change_fails, each_read_fails, each_sync_fails, kept_after_a_cut, tried,
};
use forgetful::{Calls, Forgetful, Kind, Mode, Trouble};

/// Not long after the clock of the stories began.
const EARLY_MICROS: i64 = 1_000_030;

#[tokio::test]
async fn a_full_disk_refuses_by_name_keeps_reading_and_goes_on_when_there_is_space() {
    for pages in [0, 1, 5, 40] {
        let Some(disk) = Forgetful::mount() else {
            return;
        };
        let log = open(&disk.directory()).unwrap();
        let noted = Noted::default();
        noted.append_all(&log, 0..20).await;
        disk.leave_pages(pages);
        // Of a hundred events each.
        let mut number = SERIES + HUNDREDS + 64;
        let refusal = loop {
            match noted.append(&log, number).await {
                Ok(_) => number += 64,
                Err(error) => break error,
            }
        };
        assert_eq!(refusal.reason(), "DISK_FULL", "{pages} pages: {refusal}");
        for _ in 0..3 {
            let again = noted.append(&log, number).await.unwrap_err();
            assert_eq!(again.reason(), "DISK_FULL", "{pages} pages: {again}");
        }
        let answers = noted.answers().clone();
        assert!(answers.refused.contains(&number));
        assert_eq!(answers.kept_by(&log), Ok(log.head()));
        for mode in [Mode::Synced, Mode::Torn(pages)] {
            kept_after_a_cut(&disk.freeze(), &answers, mode).unwrap();
        }

        disk.lift();
        let receipt = noted.append(&log, number).await.unwrap();
        assert!(!receipt.repeated, "it left no trace");
        noted.append_all(&log, 30..50).await;
        let answers = noted.answers().clone();
        kept_after_a_cut(&disk.freeze(), &answers, Mode::Synced).unwrap();
        log.close();
        answers.kept_in(&disk.directory()).unwrap();
    }
}

/// As a projection's snapshot: what was begun is removed, and the next one is written once there is room.
#[test]
fn blocks_that_do_not_fit_are_refused_by_name_and_give_their_room_back() {
    let Some(disk) = Forgetful::mount() else {
        return;
    };
    let path = disk.root().join("blocks");
    let some = |first: u64| -> Vec<(u64, Vec<u8>)> {
        let numbers = first..first + 64;
        numbers.map(|n| (n, vec![n as u8; 48 * 1024])).collect()
    };
    // Room for 40 MB.
    disk.leave_pages(10_000);
    let blocks = Blocks::create(&path).unwrap();
    let refusal = (0..1_000).find_map(|part| blocks.insert(&some(part * 64)).err());
    assert_eq!(refusal.unwrap().reason(), "DISK_FULL");
    drop(blocks);
    std::fs::remove_dir_all(&path).unwrap();
    // More than half of it, for which there is room only if nobody holds on to what was removed.
    let blocks = Blocks::create(&path).unwrap();
    for part in 0..8 {
        blocks.insert(&some(part * 64)).unwrap();
    }
    blocks.finish().unwrap();
    let blocks = Blocks::open(&path).unwrap();
    for (number, block) in (0..8).flat_map(|part| some(part * 64)) {
        assert_eq!(blocks.get(number).unwrap(), Some(block));
    }
}

#[tokio::test]
async fn after_a_failed_write_or_sync_the_writer_stops_and_readers_go_on() {
    let failures = [
        (Kind::Sync, Trouble::Io),
        (Kind::Sync, Trouble::NoSpace),
        (Kind::Write, Trouble::Io),
    ];
    for (kind, trouble) in failures {
        let Some(disk) = Forgetful::mount() else {
            return;
        };
        let log = open(&disk.directory()).unwrap();
        let noted = Noted::default();
        noted.append_all(&log, 0..20).await;
        // Once: whoever tries again is told that all is well.
        disk.fail(Calls::Nth(kind, 1), trouble);
        let stopped = noted.append(&log, 20).await.unwrap_err();
        assert_eq!(stopped.reason(), "WRITER_STOPPED", "{kind:?}: {stopped}");
        let syncs = disk.calls(Kind::Sync);
        for number in 20..30 {
            let refused = noted.append(&log, number).await.unwrap_err();
            assert_eq!(refused.reason(), "WRITER_STOPPED", "{kind:?}: {refused}");
        }
        assert_eq!(disk.calls(Kind::Sync), syncs, "nobody tries again");
        let answers = noted.answers().clone();
        let events: u64 = answers.accepted.keys().copied().map(count).sum();
        assert_eq!(answers.kept_by(&log), Ok(events));
        for mode in [Mode::Synced, Mode::Torn(1), Mode::Torn(2)] {
            kept_after_a_cut(&disk.freeze(), &answers, mode).unwrap();
        }
        log.close();
    }
}

#[tokio::test]
async fn each_change_of_a_first_opening_fails() {
    each_change_fails(Some(Start::nothing()), async |trial| {
        trial.begin();
        if let Ok(log) = trial.open() {
            let _ = trial.append(&log, SERIES).await;
        }
    })
    .await;
}

#[tokio::test]
async fn each_change_of_an_opening_fails() {
    each_change_fails(Start::closed().await, async |trial| {
        trial.begin();
        if let Ok(log) = trial.open() {
            trial.kept_by(&log).unwrap();
        }
    })
    .await;
}

#[tokio::test]
async fn each_change_of_some_appends_fails() {
    each_change_fails(Start::closed().await, async |trial| {
        let log = trial.open().unwrap();
        trial.begin();
        for number in SERIES..SERIES + 8 {
            let _ = trial.append(&log, number).await;
        }
        trial.kept_by(&log).unwrap();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_change_of_sealing_fails() {
    each_change_fails(Start::closed().await, async |trial| {
        let log = trial.open().unwrap();
        trial.noted.append_all(&log, SERIES..SERIES + 8).await;
        trial.begin();
        let _ = log.seal();
        trial.kept_by(&log).unwrap();
        let _ = trial.append(&log, SERIES + 8).await;
        trial.kept_by(&log).unwrap();
    })
    .await;
}

/// The next process finds in memory what is not on the disk, and must not let go of the journal for it.
#[tokio::test(flavor = "multi_thread")]
async fn each_sync_of_sealing_more_than_a_segment_fails() {
    each_sync_fails(Start::closed().await, async |trial| {
        let log = trial.open().unwrap();
        trial.append(&log, bulkiest(0)).await.unwrap();
        trial.begin();
        let _ = log.seal();
        trial.kept_by(&log).unwrap();
    })
    .await;
}

/// One process holds several logs, each on its own disk; a batch of more than a segment is written by several threads.
#[tokio::test]
async fn a_log_goes_on_while_the_disk_of_another_fails() {
    let elsewhere = tempfile::tempdir().unwrap();
    let log = open(elsewhere.path()).unwrap();
    let noted = Noted::default();
    let failing = std::thread::spawn(|| {
        let runtime = tokio::runtime::Builder::new_current_thread().build();
        runtime.unwrap().block_on(async {
            each_change_fails(Start::closed().await, async |trial| {
                let log = trial.open().unwrap();
                trial.append(&log, bulkiest(0)).await.unwrap();
                trial.begin();
                let _ = log.seal();
            })
            .await;
        });
    });
    let mut number = 0;
    while !failing.is_finished() {
        noted.append(&log, number).await.unwrap();
        log.seal().unwrap();
        number += 1;
    }
    failing.join().unwrap();
    noted.answers().kept_by(&log).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn each_change_of_a_compaction_fails() {
    each_change_fails(Start::closed().await, async |trial| {
        let log = trial.open().unwrap();
        log.seal().unwrap();
        trial.begin();
        let _ = log.compact(|_| {});
        let _ = trial.append(&log, SERIES).await;
        // Between the two stores there is nothing to read from, as long as no name can be given.
        let lasts = trial.disk.failed() > 1;
        let kept = trial.kept_by(&log);
        assert!(lasts || kept.is_ok(), "{kept:?}");
    })
    .await;
}

/// The log and its backup on one disk: each change that the backup makes fails, and the log does not mind.
#[tokio::test]
async fn each_change_of_a_backup_fails_and_no_half_file_passes_for_one() {
    let Some(disk) = Forgetful::mount() else {
        return;
    };
    let log = open(&disk.directory()).unwrap();
    let noted = Noted::default();
    noted.append_all(&log, 0..40).await;
    // Settled and signed, so that all changes are the backup's.
    log.seal().unwrap();
    let file = |number| disk.root().join(format!("backup-{number}"));
    let before = disk.changes();
    backup::take(&log, &file(0), async || {}).await.unwrap();
    let changes = disk.changes() - before;
    assert!(backup::is_there(&file(0), &noted.answers()).unwrap());

    let mut number = 40;
    for nth in tried(changes, 12) {
        for (calls, trouble) in [
            (Calls::NthChange(nth), Trouble::Io),
            (Calls::NthChange(nth), Trouble::NoSpace),
            (Calls::FromChange(nth), Trouble::Io),
        ] {
            let (file, answers) = (file(number), noted.answers().clone());
            disk.fail(calls, trouble);
            let refusal = backup::take(&log, &file, async || {}).await.unwrap_err();
            disk.lift();
            let (reason, kind) = refusal.name();
            assert_eq!(reason, "BACKUP_IO", "{calls:?}: {refusal:?}");
            let full = kind == Some(ErrorKind::StorageFull);
            assert_eq!(full, trouble == Trouble::NoSpace, "{calls:?}: {refusal:?}");
            // It has its name at the very end: only when that is all that can fail it may be there.
            let there = backup::is_there(&file, &answers).unwrap();
            assert_eq!(there, nth == changes, "{calls:?}");
            for mode in [Mode::Synced, Mode::Torn(number)] {
                let found = disk.image(mode).unwrap();
                let file = found.path().join(file.file_name().unwrap());
                backup::is_there(&file, &answers).unwrap();
            }

            noted.append(&log, number).await.unwrap();
            log.seal().unwrap();
            number += 1;
        }
    }
    noted.answers().kept_by(&log).unwrap();
    let whole = file(number);
    backup::take(&log, &whole, async || {}).await.unwrap();
    let found = disk.image(Mode::Synced).unwrap();
    let whole = found.path().join(whole.file_name().unwrap());
    assert!(backup::is_there(&whole, &noted.answers()).unwrap());
}

/// The backup goes elsewhere: each change fails that the log makes meanwhile, since it takes events and signs.
#[tokio::test]
async fn each_change_of_a_log_fails_while_it_is_backed_up() {
    each_change_fails(Start::closed().await, async |trial| {
        let log = trial.open().unwrap();
        let elsewhere = tempfile::tempdir().unwrap();
        let file = elsewhere.path().join("backup");
        let answers = trial.noted.answers().clone();
        trial.begin();
        let taken = backup::take(&log, &file, async || {
            for number in SERIES..SERIES + 3 {
                let _ = trial.append(&log, number).await;
            }
        });
        let taken = taken.await.map_err(|refusal| refusal.name().0);
        assert!(matches!(taken, Ok(_) | Err("LOG_IO")), "{taken:?}");
        let there = backup::is_there(&file, &answers).unwrap();
        assert_eq!(there, taken.is_ok());
        trial.kept_by(&log).unwrap();
    })
    .await;
}

/// A log of several segments, the older of which opening need not read, and something in the journal.
async fn of_segments() -> Option<Start> {
    let bulky = async |log: &Log, noted: &Noted| {
        noted.append(log, bulkiest(0)).await.unwrap();
        log.seal().unwrap();
    };
    let newer = async |log: &Log, noted: &Noted| {
        for number in 1..=12 {
            noted.append(log, HUNDREDS + 64 * number).await.unwrap();
        }
        log.seal().unwrap();
        noted.append(log, 40).await.unwrap();
    };
    let start = Start::closed().await?.then(bulky, Mode::All).await?;
    start.then(newer, Mode::All).await
}

#[tokio::test]
async fn each_read_of_an_opening_fails() {
    each_read_fails(of_segments().await, async |trial| {
        trial.begin();
        // What did not open, or opened and refuses, says why; what is taken stands where it will be found.
        if let Ok(log) = trial.open() {
            trial.kept_or_named(&log);
            let _ = trial.append(&log, SERIES).await;
        }
    })
    .await;
}

#[tokio::test]
async fn each_read_of_looking_around_fails() {
    each_read_fails(of_segments().await, async |trial| {
        let log = trial.open().unwrap();
        trial.begin();
        let known = log.position_known_at(EARLY_MICROS);
        let back = log.read_back(u64::MAX, ALL);
        let mut shown = Vec::new();
        let _ = log.scan(1, u64::MAX, &mut |_| true, &mut |event| {
            shown.push((event.position, event.payload.to_vec()));
            ControlFlow::Continue(())
        });
        trial.kept_or_named(&log);

        // Once the disk is well everything is answered, and what was said before is part of it.
        trial.disk.lift();
        trial.kept_by(&log).unwrap();
        if let Ok(known) = known {
            assert_eq!(known, log.position_known_at(EARLY_MICROS).unwrap());
        }
        if let Ok(back) = back {
            assert!(log.read_back(u64::MAX, ALL).unwrap().starts_with(&back));
        }
        let all = log.read(1, ALL).unwrap();
        for ((position, payload), record) in shown.iter().zip(all) {
            assert_eq!(
                (*position, &payload[..]),
                (record.position, &record.payload[..])
            );
        }
        trial.append(&log, SERIES).await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn each_read_of_a_backup_fails() {
    each_read_fails(of_segments().await, async |trial| {
        let log = trial.open().unwrap();
        let file = trial.disk.root().join("backup");
        let answers = trial.noted.answers().clone();
        trial.begin();
        let taken = backup::take(&log, &file, async || {}).await;
        assert!(taken.is_ok() || trial.disk.failed() > 0, "{taken:?}");
        trial.disk.lift();
        let there = backup::is_there(&file, &answers).unwrap();
        assert!(there || taken.is_err());
        trial.append(&log, SERIES).await.unwrap();
    })
    .await;
}
