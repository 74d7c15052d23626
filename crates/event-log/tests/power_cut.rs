//! The power is cut at any moment: everything acknowledged is there, once, in its place, and the log opens.
//!
//! A log works on a file system that forgets what was not synced (read `forgetful` first).
//! A round opens it, lets writers load it, and keeps many moments together with the answers given before each.
//! Every moment is looked at twice: with nothing unsynced left, and with some of it.
//! The next round goes on with what the last cut left, so that cuts also meet a log that is being recovered.
//!
//! Some sixty moments, each looked at twice; `TIENDO_LONG=1` makes it three thousand.

#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a test panics")]

mod common;
mod forgetful;

use std::sync::{Arc, Mutex};

use forgetful::image::Dice;
use forgetful::promises::{Answers, Noted, SERIES, largest, open};
use forgetful::{Forgetful, Frozen, Image, Kind, Mode};

const WRITERS: u64 = 6;
/// The chain of rounds begins anew after so many, or each would read more than the one before.
const CHAIN: u64 = 4;
/// How often an opening is cut, and the work after it.
const CUTS_OPENING: u64 = 8;
const CUTS_WORKING: u64 = 18;

/// A moment, and what had been answered by then.
struct Cut {
    moment: u64,
    frozen: Frozen,
    answers: Answers,
}

/// What a cut left, and what the log must still know.
#[derive(Default)]
struct Left {
    image: Image,
    answers: Answers,
}

/// Keeps the moment before the `nth` change from now.
fn cut_at(disk: &Forgetful, nth: u64, noted: &Noted, cuts: &Arc<Mutex<Vec<Cut>>>) {
    let (noted, cuts) = (noted.clone(), Arc::clone(cuts));
    let moment = disk.changes() + nth;
    disk.at_change(nth, move |frozen| {
        // No sync completes meanwhile, so that whatever is answered by now was synced before this moment.
        let answers = noted.answers().clone();
        cuts.lock().unwrap().push(Cut {
            moment,
            frozen,
            answers,
        });
    });
}

/// Opens, loads and closes a log on `left`, and gives the moments kept.
async fn round(left: Left, number: u64, dice: &mut Dice, lies: bool) -> Option<Vec<Cut>> {
    let disk = Forgetful::holding(&left.image)?;
    let (noted, cuts) = (Noted::since(left.answers), Arc::default());
    let mut at = 0;
    for _ in 0..CUTS_OPENING {
        at += 1 + dice.below(6);
        cut_at(&disk, at, &noted, &cuts);
    }
    let log = open(&disk.directory()).unwrap();
    disk.lie_about_sync(lies);
    at = 0;
    for _ in 0..CUTS_WORKING {
        at += 1 + dice.below(50);
        cut_at(&disk, at, &noted, &cuts);
    }
    let end = disk.changes() + at;
    let disk = Arc::new(disk);
    let mut writers = tokio::task::JoinSet::new();
    for writer in 0..WRITERS {
        let (disk, log, noted) = (Arc::clone(&disk), log.clone(), noted.clone());
        writers.spawn(async move {
            let series = number * WRITERS + writer;
            if writer == 0 && number % CHAIN == 1 {
                noted.append(&log, largest(series)).await.unwrap();
            }
            let mut request = series * SERIES;
            while disk.changes() <= end {
                noted.append(&log, request).await.unwrap();
                request += 1;
            }
        });
    }
    if number % 2 == 1 {
        let (disk, log) = (Arc::clone(&disk), log.clone());
        writers.spawn_blocking(move || {
            while disk.changes() <= end {
                log.seal().unwrap();
                log.compact(|_| {}).unwrap();
            }
        });
    }
    writers.join_all().await;
    log.close();
    let cuts = std::mem::take(&mut *cuts.lock().unwrap());
    Some(cuts)
}

/// What is wrong after each cut; the last torn image and its answers go on.
fn look(cuts: Vec<Cut>, dice: &mut Dice, wrong: &mut Vec<String>) -> Left {
    let mut left = Left::default();
    for cut in cuts {
        for mode in [Mode::Synced, Mode::Torn(dice.roll())] {
            let image = cut.frozen.image(mode);
            let directory = image.to_directory().unwrap();
            if let Err(what) = cut.answers.kept_in(&directory.path().join("log")) {
                let evidence = directory.keep();
                let evidence = evidence.display();
                let moment = cut.moment;
                wrong.push(format!(
                    "cut before change {moment}, {mode:?}: {what}; see {evidence}"
                ));
            }
            left.image = image;
        }
        left.answers = cut.answers;
    }
    left
}

#[expect(
    clippy::disallowed_methods,
    reason = "how the long version is asked for"
)]
fn cuts_wanted() -> u64 {
    match std::env::var("TIENDO_LONG") {
        Ok(value) if value == "1" => 3_000,
        _ => 60,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_acknowledged_is_lost_when_the_power_is_cut() {
    let mut dice = Dice(7);
    let mut left = Left::default();
    let (mut looked_at, mut wrong) = (0, Vec::new());
    for number in 0.. {
        if number % CHAIN == 0 {
            left = Left::default();
        }
        let Some(cuts) = round(left, number, &mut dice, false).await else {
            return;
        };
        looked_at += cuts.len() as u64;
        assert!(cuts.len() as u64 > CUTS_WORKING, "only {} cuts", cuts.len());
        left = look(cuts, &mut dice, &mut wrong);
        assert!(wrong.is_empty(), "round {number}:\n{}", wrong.join("\n"));
        if looked_at >= cuts_wanted() {
            break;
        }
    }
}

/// The test above can fail: a disk that only says it synced loses what was acknowledged.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_disk_that_lies_about_syncs_loses_what_was_acknowledged() {
    let mut dice = Dice(7);
    let Some(cuts) = round(Left::default(), 0, &mut dice, true).await else {
        return;
    };
    let kept = |cut: &Cut| {
        let image = cut.frozen.image(Mode::Synced).to_directory().unwrap();
        cut.answers.kept_in(&image.path().join("log"))
    };
    let after: Vec<_> = cuts
        .iter()
        .filter(|cut| !cut.answers.accepted.is_empty())
        .map(kept)
        .collect();
    assert!(after.len() > 10, "only {} cuts", after.len());
    assert!(
        after.iter().all(|kept| kept.is_err()),
        "no loss was seen: {after:?}"
    );
}

/// For each single answer: what it promises is on the disk when it is given.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_answer_comes_after_a_sync_that_covers_it() {
    let Some(disk) = Forgetful::mount() else {
        return;
    };
    let noted = Noted::default();
    let log = open(&disk.directory()).unwrap();
    for number in 0..200 {
        let before = disk.completed(Kind::Sync);
        noted.append(&log, number).await.unwrap();
        let frozen = disk.freeze();
        assert!(disk.completed(Kind::Sync) > before, "request {number}");
        let image = frozen.image(Mode::Synced).to_directory().unwrap();
        let kept = noted.answers().kept_in(&image.path().join("log"));
        kept.unwrap();
    }
    log.close();
}
