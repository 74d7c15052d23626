//! Bits flipped in the files of a stopped log: what is healthy is found, what is not is named, and the files stay as
//! they are.

#![expect(clippy::unwrap_used, reason = "a test panics")]

mod common;

use std::fs;
use std::path::Path;

use common::{ALL, event, open, request};
use event_log::restore::{Answer, Source};
use event_log::salvage::Salvage;
use event_log::{Damage, Error, Record};

/// Forty requests of fifty events that hardly compress, stopped; gives what it held and its hash.
async fn stopped_log(directory: &Path) -> (Vec<Record>, String) {
    let log = open(directory);
    let mut state = 1_u64;
    let mut noise = move || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        format!("{:016x}", state.rotate_left(17) ^ (state >> 29))
    };
    for number in 0..40 {
        let events = (0..50).map(|_| event("a", &(0..16).map(|_| noise()).collect::<String>()));
        let events = events.collect();
        log.append(request(number, events)).await.unwrap();
    }
    let (records, hash) = (
        log.read(1, ALL).unwrap(),
        log.verify(|_| {}).unwrap().last_hash,
    );
    log.close();
    (records, hash)
}

/// The same with everything in chunks, and nothing of it in the journal any more.
async fn settled_log(directory: &Path) -> (Vec<Record>, String) {
    let told = stopped_log(directory).await;
    let log = open(directory);
    log.seal().unwrap();
    assert!(log.statistics().chunks >= 4, "{:?}", log.statistics());
    log.close();
    for half in ["journal-0", "journal-1"] {
        fs::write(directory.join(half), []).unwrap();
    }
    told
}

fn scan(directory: &Path) -> Salvage {
    Salvage::scan(directory, "the log".to_owned(), |_| {}).unwrap()
}

/// Where chunks that tell of `position` lie in sled's file.
fn copies(db: &[u8], position: u64) -> Vec<usize> {
    let number = |at: usize, bytes: usize| {
        let mut number = [0; 8];
        number[8 - bytes..].copy_from_slice(&db[at..at + bytes]);
        u64::from_be_bytes(number)
    };
    let starts = db.windows(4).enumerate();
    starts
        .filter(|(at, mark)| *mark == b"TEL\x01" && at + 80 < db.len())
        .filter(|(at, _)| {
            let (first, count) = (number(at + 8, 8), number(at + 16, 4));
            (first..first + count).contains(&position)
        })
        .map(|(at, _)| at)
        .collect()
}

fn all(source: &mut dyn Source) -> Vec<(u64, u64)> {
    let (mut next, mut found) = (1, Vec::<(u64, u64)>::new());
    loop {
        match source.read(next).unwrap() {
            Answer::Events(piece) => {
                let last = piece.records.last().unwrap().position;
                match found.last_mut() {
                    Some(stretch) if stretch.1 + 1 == next => stretch.1 = last,
                    _ => found.push((next, last)),
                }
                next = last + 1;
            }
            Answer::Missing { last } => next = last + 1,
            Answer::End => return found,
        }
    }
}

#[tokio::test]
async fn a_whole_log_is_found_whole() {
    let (journal, chunks) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let in_journal = stopped_log(journal.path()).await;
    let in_chunks = settled_log(chunks.path()).await;
    for (directory, (records, hash), has_chunks) in
        [(journal, in_journal, false), (chunks, in_chunks, true)]
    {
        let mut salvage = scan(directory.path());
        assert_eq!(salvage.head(), 2_000);
        let found = salvage.verify(0, |_| {}).unwrap();
        assert_eq!(found.chunks > 0, has_chunks, "commits are no chunks");
        assert_eq!((found.events, found.last_hash), (2_000, hash));
        assert_eq!(found.damages, []);
        let Answer::Events(piece) = salvage.read(777).unwrap() else {
            panic!("777 is missing");
        };
        assert_eq!(piece.records[0], records[776]);
        assert_eq!(all(&mut salvage), [(1, 2_000)]);
    }
}

#[tokio::test]
async fn one_flipped_bit_costs_one_chunk_wherever_it_lies() {
    let directory = tempfile::tempdir().unwrap();
    let (records, _) = settled_log(directory.path()).await;
    let db = directory.path().join("sled/db");
    let whole = fs::read(&db).unwrap();
    for position in [1, 520, 1_000, 1_960, 2_000] {
        // In the body, in the header, in the mark: the newest copy and every older one.
        for inside in [90, 30, 12, 2] {
            let mut bytes = whole.clone();
            let copies = copies(&whole, position);
            assert!(!copies.is_empty(), "position {position} is not in the file");
            for at in copies {
                bytes[at + inside] ^= 0x10;
            }
            fs::write(&db, &bytes).unwrap();
            one_hole(directory.path(), position, &records);
            assert_eq!(fs::read(&db).unwrap(), bytes, "the files stay as they are");
        }
    }
}

#[tokio::test]
async fn one_flipped_bit_in_the_journal_costs_one_commit() {
    let directory = tempfile::tempdir().unwrap();
    let (records, _) = stopped_log(directory.path()).await;
    let file = directory.path().join("journal-0");
    let whole = fs::read(&file).unwrap();
    for position in [1, 520, 1_000, 1_951] {
        let payload = &records[position as usize - 1].payload;
        let at = whole
            .windows(payload.len())
            .position(|window| window == payload)
            .unwrap();
        let mut bytes = whole.clone();
        bytes[at + 3] ^= 0x01;
        fs::write(&file, &bytes).unwrap();
        one_hole(directory.path(), position, &records);
        assert_eq!(fs::read(&file).unwrap(), bytes, "the file stays as it is");
    }
}

/// Exactly one stretch with `position` in it is named, and everything else is read as it was.
fn one_hole(directory: &Path, position: u64, records: &[Record]) {
    let mut salvage = scan(directory);
    let healthy = all(&mut salvage);
    let count: u64 = healthy.iter().map(|(first, last)| last - first + 1).sum();
    assert!(count >= 1_000, "{position}: only {healthy:?}");
    // Whoever knows the head (a checkpoint, the index) is told what is missing at the end, too.
    let found = salvage.verify(2_000, |_| {}).unwrap();
    let [Damage { first, last, .. }] = found.damages.as_slice() else {
        panic!("{position}: {:?}", found.damages);
    };
    assert!((*first..=*last).contains(&position), "{first} to {last}");
    assert_eq!(found.events + (last - first + 1), 2_000);
    assert_eq!(found.events, count);
    for (first, _) in &healthy {
        let Answer::Events(piece) = salvage.read(*first).unwrap() else {
            panic!("{first} is missing");
        };
        assert_eq!(piece.records[0], records[*first as usize - 1]);
    }
}

#[tokio::test]
async fn a_log_that_is_open_is_left_alone() {
    let directory = tempfile::tempdir().unwrap();
    stopped_log(directory.path()).await;
    let log = open(directory.path());
    let error = Salvage::scan(directory.path(), String::new(), |_| {}).unwrap_err();
    assert!(matches!(error, Error::Locked { .. }), "{error}");
    log.close();
}

#[tokio::test]
async fn files_of_noise_hold_nothing() {
    let directory = tempfile::tempdir().unwrap();
    fs::create_dir(directory.path().join("sled")).unwrap();
    let noise: Vec<u8> = (0..200_000_u32)
        .flat_map(|number| {
            let mark = number.is_multiple_of(97);
            let word = if mark {
                u32::from_be_bytes(*b"TEL\x01")
            } else {
                number.wrapping_mul(2_654_435_761)
            };
            word.to_be_bytes()
        })
        .collect();
    fs::write(directory.path().join("sled/db"), noise).unwrap();
    let mut salvage = scan(directory.path());
    assert_eq!(salvage.head(), 0);
    assert_eq!(salvage.read(1).unwrap(), Answer::End);
}
