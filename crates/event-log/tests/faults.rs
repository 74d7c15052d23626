//! Writes and syncs that fail: no false answer, a named error, reads go on, and nothing refused ever comes back.
//!
//! First the stories of a full disk and of a failed sync; then every single change that a piece of work makes on the
//! file system fails once, and once for good, in every run another one.

#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a test panics")]

mod common;
mod forgetful;

use std::fs::File;
use std::time::Duration;

use forgetful::promises::{Answers, Noted, SERIES, count, open, said};
use forgetful::{Calls, Forgetful, Image, Kind, Mode, Trouble};

/// Whether a power cut now would keep what was promised.
fn kept_after_a_cut(disk: &Forgetful, answers: &Answers, mode: Mode) -> Result<u64, String> {
    let image = disk.image(mode).unwrap();
    answers.kept_in(&image.path().join("log"))
}

#[tokio::test]
async fn a_full_disk_refuses_by_name_keeps_reading_and_goes_on_when_there_is_space() {
    for pages in [0, 1, 5, 40] {
        let Some(disk) = Forgetful::mount() else {
            return;
        };
        let log = open(&disk.directory()).unwrap();
        let noted = Noted::default();
        for number in 0..20 {
            noted.append(&log, number).await.unwrap();
        }
        disk.leave_pages(pages);
        // Of a hundred events each.
        let mut number = SERIES - SERIES % 64 + 71;
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
            kept_after_a_cut(&disk, &answers, mode).unwrap();
        }

        disk.lift();
        let receipt = noted.append(&log, number).await.unwrap();
        assert!(!receipt.repeated, "it left no trace");
        for number in 30..50 {
            noted.append(&log, number).await.unwrap();
        }
        let answers = noted.answers().clone();
        kept_after_a_cut(&disk, &answers, Mode::Synced).unwrap();
        log.close();
        answers.kept_in(&disk.directory()).unwrap();
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
        for number in 0..20 {
            noted.append(&log, number).await.unwrap();
        }
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
            kept_after_a_cut(&disk, &answers, mode).unwrap();
        }
        log.close();
    }
}

/// What a piece of work begins with.
struct Start {
    image: Image,
    answers: Answers,
}

impl Start {
    /// A log of some requests that was closed.
    async fn closed() -> Option<Start> {
        let disk = Forgetful::mount()?;
        let log = open(&disk.directory()).unwrap();
        let noted = Noted::default();
        for number in 0..40 {
            noted.append(&log, number).await.unwrap();
        }
        log.close();
        let image = disk.freeze().image(Mode::Synced);
        let answers = noted.answers().clone();
        Some(Start { image, answers })
    }

    /// Nothing at all.
    fn nothing() -> Start {
        Start {
            image: Image::default(),
            answers: Answers::default(),
        }
    }
}

/// Whether the store's file is still locked: a writer that stopped keeps it until the process ends.
fn is_held(disk: &Forgetful) -> bool {
    let Ok(file) = File::open(disk.directory().join("sled/db")) else {
        return false;
    };
    // The store's threads end a little later than the store.
    let mut tries = 0;
    while file.try_lock().is_err() {
        tries += 1;
        if tries == 20 {
            return true;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    false
}

/// Does the work with `calls` failing from its beginning on; how many changes it made and how many calls failed.
#[expect(clippy::print_stderr, reason = "a failure shows at which fault it was")]
async fn attempt(
    start: &Start,
    faults: Option<(Calls, Trouble)>,
    work: &impl AsyncFn(&Forgetful, &Noted, &dyn Fn()),
) -> Option<(u64, u64)> {
    let disk = Forgetful::holding(&start.image)?;
    eprintln!("with {faults:?}");
    let noted = Noted::since(start.answers.clone());
    let before = std::cell::Cell::new(disk.changes());
    // The work says when what it is about begins.
    let begin = || {
        before.set(disk.changes());
        if let Some((calls, trouble)) = faults {
            disk.fail(calls, trouble);
        }
    };
    work(&disk, &noted, &begin).await;
    let (changes, failed) = (disk.changes() - before.get(), disk.failed());
    let answers = noted.answers().clone();
    let told = |what: String| panic!("{faults:?}: {what}");
    for mode in [Mode::Synced, Mode::Torn(changes)] {
        kept_after_a_cut(&disk, &answers, mode).unwrap_or_else(told);
    }
    disk.lift();
    if failed == 0 || !is_held(&disk) {
        let log = open(&disk.directory());
        let log = log.unwrap_or_else(|error| panic!("{faults:?}, opened anew: {}", said(&error)));
        answers.kept_by(&log).unwrap_or_else(told);
        let next = noted.append(&log, 2 * SERIES).await;
        next.unwrap_or_else(|error| panic!("{faults:?}, opened anew: {}", said(&error)));
        log.close();
    }
    Some((changes, failed))
}

/// How many changes of one piece of work are tried at most, evenly spread.
#[expect(
    clippy::disallowed_methods,
    reason = "how the long version is asked for"
)]
fn tries_max() -> u64 {
    match std::env::var("TIENDO_LONG") {
        Ok(value) if value == "1" => u64::MAX,
        _ => 12,
    }
}

/// Lets each change of the work fail in turn; the short version lets out some of those that are many.
async fn each_change_fails(start: &Start, work: impl AsyncFn(&Forgetful, &Noted, &dyn Fn())) {
    let Some((changes, _)) = attempt(start, None, &work).await else {
        return;
    };
    assert!(changes > 0, "there is nothing to fail");
    let (mut tried, mut failed) = (0, 0);
    let step = changes.div_ceil(tries_max());
    for nth in (1..=changes).step_by(step as usize) {
        tried += 1;
        for faults in [
            (Calls::NthChange(nth), Trouble::Io),
            (Calls::NthChange(nth), Trouble::NoSpace),
            (Calls::FromChange(nth), Trouble::Io),
        ] {
            if let Some((_, count)) = attempt(start, Some(faults), &work).await {
                failed += count.min(1);
            }
        }
    }
    assert!(failed >= 2 * tried, "{failed} runs of {tried} failed");
}

#[tokio::test]
async fn each_change_of_a_first_opening_fails() {
    each_change_fails(&Start::nothing(), async |disk, noted, begin| {
        begin();
        if let Ok(log) = open(&disk.directory()) {
            let _ = noted.append(&log, SERIES).await;
        }
    })
    .await;
}

#[tokio::test]
async fn each_change_of_an_opening_fails() {
    let Some(start) = Start::closed().await else {
        return;
    };
    each_change_fails(&start, async |disk, noted, begin| {
        begin();
        if let Ok(log) = open(&disk.directory()) {
            noted.answers().kept_by(&log).unwrap();
        }
    })
    .await;
}

#[tokio::test]
async fn each_change_of_some_appends_fails() {
    let Some(start) = Start::closed().await else {
        return;
    };
    each_change_fails(&start, async |disk, noted, begin| {
        let log = open(&disk.directory()).unwrap();
        begin();
        for number in SERIES..SERIES + 8 {
            let _ = noted.append(&log, number).await;
        }
        noted.answers().kept_by(&log).unwrap();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_change_of_sealing_fails() {
    let Some(start) = Start::closed().await else {
        return;
    };
    each_change_fails(&start, async |disk, noted, begin| {
        let log = open(&disk.directory()).unwrap();
        for number in SERIES..SERIES + 8 {
            noted.append(&log, number).await.unwrap();
        }
        begin();
        let _ = log.seal();
        noted.answers().kept_by(&log).unwrap();
        let _ = noted.append(&log, SERIES + 8).await;
        noted.answers().kept_by(&log).unwrap();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_change_of_a_compaction_fails() {
    let Some(start) = Start::closed().await else {
        return;
    };
    each_change_fails(&start, async |disk, noted, begin| {
        let log = open(&disk.directory()).unwrap();
        log.seal().unwrap();
        begin();
        let _ = log.compact(|_| {});
        let _ = noted.append(&log, SERIES).await;
        // Between the two stores there is nothing to read from, as long as no name can be given.
        let lasts = disk.failed() > 1;
        let kept = noted.answers().kept_by(&log);
        assert!(lasts || kept.is_ok(), "{kept:?}");
    })
    .await;
}
