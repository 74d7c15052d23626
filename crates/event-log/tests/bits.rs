//! One flipped bit, anywhere: in a chunk or in the journal it is found and its positions are named; in the index it
//! changes nothing.
//!
//! `TIENDO_LONG=1` flips every bit of the chunks, and ten times as many of the others.

#![expect(clippy::unwrap_used, reason = "a test panics")]

mod common;

use std::fs;
use std::ops::RangeInclusive;

use common::{ALL, event, open, request, single, store};
use event_log::{Append, Error, Log, ReadLimit};
use tempfile::TempDir;

/// Chunks, every second of which is damaged at once.
const CHUNKS: u64 = 61;
const CHUNK_BITS: usize = 360;
const JOURNAL_BITS: usize = 120;
const INDEX_BITS: usize = 80;
/// Commits in the journal.
const COMMITS: u64 = 24;
/// Frames begin at multiples of this.
const ALIGN: usize = 64;

#[expect(clippy::disallowed_methods, reason = "how a developer asks for more")]
fn is_long() -> bool {
    std::env::var_os("TIENDO_LONG").is_some()
}

/// So many of `bits` or all of them, evenly spread, and never the same places in two files of the same length.
fn sample(bits: usize, wanted: usize) -> Vec<usize> {
    let wanted = wanted.min(bits);
    (0..wanted)
        .map(|n| n * bits / wanted + n * 7 % (bits / wanted))
        .collect()
}

fn flip(bytes: &mut [u8], bit: usize) {
    bytes[bit / 8] ^= 1 << (bit % 8);
}

/// In memory where there is such a place: what is looked at here is not what a disk keeps.
fn directory() -> TempDir {
    tempfile::tempdir_in("/dev/shm")
        .or_else(|_| tempfile::tempdir())
        .unwrap()
}

fn pair(number: u64) -> Append {
    let subject = format!("xã/{}", number % 3);
    request(
        number,
        vec![
            event(&subject, &format!("figure {number}")),
            event("b", "two"),
        ],
    )
}

/// The positions of each chunk or commit.
fn positions(number: u64) -> RangeInclusive<u64> {
    2 * number + 1..=2 * number + 2
}

fn named(log: &Log) -> Vec<RangeInclusive<u64>> {
    let damages = log.verify(|_| {}).unwrap().damages;
    damages
        .iter()
        .map(|damage| damage.first..=damage.last)
        .collect()
}

/// Whoever reads there is told what is damaged, not less and not more.
fn assert_named(log: &Log, expected: &RangeInclusive<u64>, what: &str) {
    for from in expected.clone() {
        match log.read(from, ALL) {
            Err(Error::Damaged { first, last, .. }) => {
                assert!(
                    expected.contains(&first) && first <= from,
                    "{what}: from {first}"
                );
                assert_eq!(last, *expected.end(), "{what}");
            }
            other => panic!("{what}: read from {from} gave {other:?}"),
        }
        let back = log.read_back(from, ALL);
        let is_named = matches!(back, Err(Error::Damaged { .. }));
        assert!(is_named, "{what}: read back from {from} gave {back:?}");
    }
}

fn assert_whole(log: &Log, positions: RangeInclusive<u64>, what: &str) {
    let limit = ReadLimit {
        events: 2,
        bytes: usize::MAX,
    };
    let records = log.read(*positions.start(), limit).unwrap();
    assert!(
        records.iter().map(|record| record.position).eq(positions),
        "{what}"
    );
}

#[tokio::test]
async fn any_bit_of_a_stored_chunk_is_found_by_verify_and_by_the_read_that_meets_it() {
    let directory = directory();
    let log = open(directory.path());
    for number in 0..CHUNKS {
        log.append(pair(number)).await.unwrap();
        log.seal().unwrap();
    }
    assert_eq!(log.statistics().chunks, CHUNKS);
    log.close();

    let key = |number: u64| positions(number).start().to_be_bytes();
    let whole: Vec<Vec<u8>> = {
        let chunks = store(directory.path()).open_tree("chunks").unwrap();
        let value = |number| chunks.get(key(number)).unwrap().unwrap().to_vec();
        (0..CHUNKS).map(value).collect()
    };
    // The chunks are of one form, so that bits of one region may be taken from different ones.
    let bits = 8 * whole.iter().map(Vec::len).min().unwrap();
    let bits = sample(bits, if is_long() { bits } else { CHUNK_BITS });
    let damaged: Vec<u64> = (1..CHUNKS - 1).step_by(2).collect();
    for bits in bits.chunks(damaged.len()) {
        let chosen: Vec<(u64, usize)> = damaged.iter().copied().zip(bits.iter().copied()).collect();
        let db = store(directory.path());
        let chunks = db.open_tree("chunks").unwrap();
        for number in &damaged {
            let mut value = whole[*number as usize].clone();
            if let Some((_, bit)) = chosen.iter().find(|(chosen, _)| chosen == number) {
                flip(&mut value, *bit);
            }
            chunks.insert(key(*number), value).unwrap();
        }
        db.flush().unwrap();
        drop((chunks, db));

        let log = open(directory.path());
        let expected: Vec<_> = chosen
            .iter()
            .map(|(number, _)| positions(*number))
            .collect();
        assert_eq!(named(&log), expected, "bits {bits:?}");
        for (number, bit) in chosen {
            let what = format!("bit {bit} of chunk {number}");
            assert_named(&log, &positions(number), &what);
            assert_whole(&log, positions(number - 1), &what);
            assert_whole(&log, positions(number + 1), &what);
        }
        log.close();
    }
}

/// The frames of a journal: where each ends, the last of which is without events.
fn frame_ends(journal: &[u8]) -> Vec<usize> {
    let mut ends = Vec::new();
    let mut at = 0;
    while journal[at..].starts_with(b"TEJ") {
        let body = u32::from_be_bytes(journal[at + 4..at + 8].try_into().unwrap()) as usize;
        at += (40 + body).next_multiple_of(ALIGN);
        ends.push(at);
    }
    ends
}

#[tokio::test]
async fn any_bit_of_an_acknowledged_commit_in_the_journal_is_found_and_named() {
    let directory = directory();
    let log = open(directory.path());
    for number in 0..COMMITS {
        log.append(pair(number)).await.unwrap();
    }
    assert_eq!(log.statistics().journal_commits, COMMITS);
    log.close();
    let path = directory.path().join("journal-0");
    let whole = fs::read(&path).unwrap();
    let ends = frame_ends(&whole);
    assert_eq!(
        ends.len() as u64,
        COMMITS + 1,
        "the newest commit is confirmed"
    );

    let wanted = if is_long() {
        10 * JOURNAL_BITS
    } else {
        JOURNAL_BITS
    };
    for bit in sample(8 * ends.last().unwrap(), wanted) {
        let mut journal = whole.clone();
        flip(&mut journal, bit);
        fs::write(&path, journal).unwrap();
        let number = ends.partition_point(|end| *end <= bit / 8) as u64;
        let what = format!("bit {bit} in frame {number}");
        let log = open(directory.path());
        assert_eq!(log.head(), 2 * COMMITS, "{what}");
        if number == COMMITS {
            assert_eq!(named(&log), [], "{what}");
            let again = log.append(pair(COMMITS - 1)).await.unwrap();
            assert!(again.repeated, "{what}");
            continue;
        }
        assert_eq!(named(&log), [positions(number)], "{what}");
        assert_named(&log, &positions(number), &what);
        for neighbour in [number.saturating_sub(1), (number + 1).min(COMMITS - 1)] {
            if neighbour != number {
                assert_whole(&log, positions(neighbour), &what);
            }
        }
        let refused = log.append(single(1_000)).await.unwrap_err();
        assert_eq!(refused.reason(), "LOG_DAMAGED", "{what}");
    }
}

#[tokio::test]
async fn a_bit_that_flips_in_the_journal_of_an_open_log_is_found_by_verify() {
    let directory = directory();
    let log = open(directory.path());
    for number in 0..COMMITS {
        log.append(pair(number)).await.unwrap();
    }
    let path = directory.path().join("journal-0");
    let whole = fs::read(&path).unwrap();
    let ends = frame_ends(&whole);
    for bit in sample(8 * ends[COMMITS as usize - 1], JOURNAL_BITS) {
        let mut journal = whole.clone();
        flip(&mut journal, bit);
        fs::write(&path, journal).unwrap();
        let number = ends.partition_point(|end| *end <= bit / 8) as u64;
        assert_eq!(
            named(&log),
            [positions(number)],
            "bit {bit} in frame {number}"
        );
    }
    fs::write(&path, whole).unwrap();
    assert_eq!(named(&log), []);
}

/// Changes the index of a closed log in many ways; the log must not notice but for a slower start.
#[tokio::test]
async fn any_bit_of_the_index_changes_nothing() {
    let directory = directory();
    let log = open(directory.path());
    for number in 0..COMMITS {
        log.append(pair(number)).await.unwrap();
        if number % 5 == 4 {
            log.seal().unwrap();
        }
    }
    log.close();
    let path = directory.path().join("index");
    let whole = fs::read(&path).unwrap();
    let wanted = if is_long() {
        10 * INDEX_BITS
    } else {
        INDEX_BITS
    };
    let bits = sample(8 * whole.len(), wanted).into_iter();
    let flipped = bits.map(|bit| {
        let mut index = whole.clone();
        flip(&mut index, bit);
        (format!("bit {bit}"), index)
    });
    let lengths = (0..whole.len()).step_by(whole.len() / 9 + 1);
    let cut = lengths.map(|bytes| (format!("cut to {bytes} bytes"), whole[..bytes].to_vec()));
    let longer = [0, 1, 0xff].map(|byte| {
        let index = [&whole[..], &[byte; 100]].concat();
        (format!("followed by {byte}"), index)
    });
    for (what, index) in flipped.chain(cut).chain(longer) {
        fs::write(&path, index).unwrap();
        let log = open(directory.path());
        assert_eq!(named(&log), [], "{what}");
        assert_eq!(log.revision("b"), COMMITS, "{what}");
        for number in 0..3 {
            assert_eq!(log.revision(&format!("xã/{number}")), COMMITS / 3, "{what}");
        }
        for number in [0, COMMITS / 2, COMMITS - 1] {
            let receipt = log.append(pair(number)).await.unwrap();
            assert_eq!(receipt.first..=receipt.last, positions(number), "{what}");
            assert!(receipt.repeated, "{what}");
        }
        assert_eq!(log.head(), 2 * COMMITS, "{what}");
    }
}
