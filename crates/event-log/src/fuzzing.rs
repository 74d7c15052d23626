//! What fuzzers feed: each entry takes any bytes, and neither panics nor allocates beyond the limits of the formats.
//!
//! Checksums would keep a fuzzer out, so the entries called `…_resealed` put right ones into the bytes first.
//! Behind the feature `fuzzing`, and in unit tests, which feed the same entries on a stable compiler.

use std::fs;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use sha2::{Digest, Sha256};

use crate::archive::Reader;
use crate::checkpoint::{Checkpoint, Checkpoints};
use crate::chunk::{self, Chunk, Encoder, EventRef, GENESIS};
use crate::erasable::Erasable;
use crate::index_file::IndexFile;
use crate::journal;
use crate::restore::{Answer, Source};
use crate::salvage::Salvage;
use crate::{Log, Options, ReadLimit};

/// A stored chunk, under the position that it claims.
pub fn chunk(bytes: &[u8]) {
    let Some(key) = bytes.get(8..16).map(|key| chunk::array(key, 0)) else {
        return;
    };
    if let Ok(chunk) = chunk::decode(u64::from_be_bytes(key), bytes) {
        walk(&chunk);
    }
}

/// A stored chunk whose lengths and checksum are right, whatever the rest says.
pub fn chunk_resealed(bytes: &[u8]) {
    let mut value = bytes.to_vec();
    chunk::reseal(&mut value);
    chunk(&value);
}

/// A backup.
pub fn backup(bytes: &[u8]) {
    let Ok(mut reader) = Reader::open(bytes) else {
        return;
    };
    let mut next = 1;
    while let Ok(Some(part)) = reader.next_part() {
        for record in &part.records {
            assert_eq!(record.position, next);
            next += 1;
        }
    }
    if let Some(closing) = reader.closing() {
        assert_eq!(closing.events, next - 1);
        assert_eq!(closing.bytes, bytes.len() as u64);
    }
}

/// A backup whose chunks, running hashes and digest are right as far as it can be followed.
pub fn backup_resealed(bytes: &[u8]) {
    let mut bytes = bytes.to_vec();
    reseal_backup(&mut bytes);
    backup(&bytes);
}

/// A checkpoint, read and held against a key.
pub fn checkpoint(bytes: &[u8]) {
    const VKEY: &str = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    let _ = Checkpoint::parse(text);
    let _ = Checkpoint::verify(text, VKEY);
    // As a key, too, and as what was given out before.
    let _ = Checkpoint::verify(text, text);
    let scratch = Scratch::new(&[("checkpoints", bytes)]);
    if let Ok(checkpoints) = Checkpoints::open(&scratch.0, VKEY) {
        checkpoints.newest();
    }
}

/// A half of the journal.
pub fn journal(bytes: &[u8]) {
    let recovered = journal::recover(0, bytes);
    let mut end = 0;
    for commit in &recovered.commits {
        assert!(commit.place.offset >= end, "frames do not overlap");
        end = commit.place.offset + commit.place.bytes as u64;
        assert_eq!(commit.events().count() as u32, commit.count);
        assert!(commit.first > 0 && commit.last() >= commit.first - 1);
    }
    assert!(end <= bytes.len() as u64);
}

/// A half of the journal whose checksums are right.
pub fn journal_resealed(bytes: &[u8]) {
    let mut bytes = bytes.to_vec();
    journal::reseal(&mut bytes);
    journal(&bytes);
}

/// Both halves of the journal, the file of the index and that of the attributes in a log's directory, which is
/// opened, read, verified, continued and opened again.
///
/// What is healthy must stay so; a log that was opened undamaged must be so again.
pub fn directory(bytes: &[u8]) {
    let mut parts = parts::<4>(bytes);
    journal::reseal(&mut parts[0]);
    journal::reseal(&mut parts[1]);
    let [a, b, index, erasable] = &parts;
    let scratch = Scratch::new(&[
        ("journal-0", a),
        ("journal-1", b),
        ("index", index),
        ("erasable", erasable),
    ]);
    let Some((head, is_whole)) = look_at(&scratch.0) else {
        return;
    };
    let (again, is_whole_again) = look_at(&scratch.0).expect("what was opened can be opened");
    assert!(
        again >= head,
        "the head stepped back from {head} to {again}"
    );
    assert_eq!(is_whole_again, is_whole);
}

/// The index: any bytes as the file, and as the content of a block whose checksums are right.
pub fn index(bytes: &[u8]) {
    // Far beyond what any bytes can tell, and far from where positions end.
    const SETTLED: u64 = 1 << 40;
    let open = |bytes: &[u8]| {
        let scratch = Scratch::new(&[("index", bytes)]);
        let (_, indexed) = IndexFile::open(&scratch.0, SETTLED).expect("a file can be read");
        assert!(indexed.last <= SETTLED);
        indexed.last
    };
    open(bytes);
    let block = crate::index_file::sealed(&[bytes]);
    let last = open(&block);
    // A block that is taken is not taken again: it would count everything twice.
    let twice = crate::index_file::sealed(&[bytes, bytes]);
    assert_eq!(open(&twice), last);
}

/// A data file of the store, which is looked through for what is healthy.
pub fn salvage(bytes: &[u8]) {
    let mut sealed = bytes.to_vec();
    let marks: Vec<usize> = (0..bytes.len())
        .filter(|at| bytes[*at..].starts_with(&chunk::MAGIC))
        .collect();
    for (number, at) in marks.iter().enumerate() {
        let end = marks.get(number + 1).copied().unwrap_or(bytes.len());
        chunk::reseal(&mut sealed[*at..end]);
    }
    for bytes in [bytes, &sealed] {
        let scratch = Scratch::new(&[("sled/db", bytes)]);
        let salvage = Salvage::scan(&scratch.0, "here".into(), |_| {});
        let mut salvage = salvage.expect("a file can be read");
        let _ = salvage.verify(salvage.head(), |_| {});
        let mut next = 1;
        for _ in 0..100 {
            next = match salvage.read(next) {
                Ok(Answer::Events(piece)) => {
                    let first = piece.records.first().expect("no piece is empty").position;
                    assert_eq!(first, next);
                    next + piece.records.len() as u64
                }
                Ok(Answer::Missing { last }) => last.max(next).saturating_add(1),
                Ok(Answer::End) | Err(_) => break,
            };
        }
    }
}

/// The attributes beside a log.
pub fn erasable(bytes: &[u8]) {
    let scratch = Scratch::new(&[("erasable", bytes)]);
    let Ok((erasable, findings)) = Erasable::open(&scratch.0, 1 << 40) else {
        return;
    };
    for damage in findings.damages {
        let _ = erasable.read(damage.first);
    }
    for position in 0..20 {
        let had = erasable
            .read(position)
            .is_ok_and(|attribute| attribute.is_some());
        let erased = erasable.erase(position).expect("a file can be written");
        assert!(erased || !had);
        assert!(matches!(erasable.read(position), Ok(None)));
    }
}

/// Opens a log and uses all of it; gives its head and whether it was whole. `None` if it cannot be opened.
fn look_at(directory: &Path) -> Option<(u64, bool)> {
    let options = Options {
        journal_bytes: 4 * 1024,
        ..Options::at(directory)
    };
    let log = Log::open(options, Arc::new(|| 7)).ok()?;
    let verification = log.verify(|_| {}).expect("damage is part of the result");
    let is_whole = verification.damages.is_empty();
    let all = ReadLimit {
        events: 1_000,
        bytes: usize::MAX,
    };
    if is_whole && log.head() > 0 {
        let records = log.read(1, all).expect("a whole log can be read");
        assert_eq!(records[0].position, 1);
        for record in records {
            log.receipt(&record.request_id)
                .expect("a whole log can be read");
        }
        if log.seal().is_ok() {
            assert_eq!(log.statistics().settled, log.head());
        }
    }
    let _ = (log.read(1, all), log.read_back(u64::MAX, all));
    let _ = log.position_known_at(0);
    let head = log.head();
    log.close();
    Some((head, is_whole))
}

/// Cuts bytes into parts, whose lengths the first bytes tell.
fn parts<const N: usize>(bytes: &[u8]) -> [Vec<u8>; N] {
    let (lengths, mut rest) = bytes.split_at(bytes.len().min(2 * N));
    std::array::from_fn(|part| {
        let length = match lengths.get(2 * part..2 * part + 2) {
            Some([high, low]) => usize::from(*high) << 8 | usize::from(*low),
            _ => 0,
        };
        let (taken, left) = rest.split_at(length.min(rest.len()));
        rest = left;
        taken.to_vec()
    })
}

/// A directory with some files, which goes away again; in memory where there is such a place.
struct Scratch(PathBuf);

impl Scratch {
    fn new(files: &[(&str, &[u8])]) -> Scratch {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("event-log-fuzzing-{}-{number}", std::process::id());
        let memory = Path::new("/dev/shm");
        let place = if memory.is_dir() {
            memory.to_owned()
        } else {
            std::env::temp_dir()
        };
        let scratch = Scratch(place.join(name));
        for (name, bytes) in files {
            let path = scratch.0.join(name);
            let folder = path.parent().unwrap_or(&scratch.0);
            fs::create_dir_all(folder).expect("a directory can be made");
            fs::write(path, bytes).expect("a file can be written");
        }
        scratch
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Goes through all of a chunk; what was decoded can be packed again.
fn walk(chunk: &Chunk) {
    let (first, count) = (chunk.header.first, chunk.header.count as usize);
    let events: Vec<EventRef<'_>> = chunk.events().collect();
    assert_eq!(events.len(), count);
    assert_eq!(chunk.records(first).count(), count);
    let mut shown = 0;
    let wanted = chunk.wanted(&mut |subject| !subject.is_empty());
    let _ = chunk.show(first, chunk.header.last(), &wanted, &mut |record| {
        assert!(!record.subject.is_empty());
        shown += 1;
        ControlFlow::Continue(())
    });
    assert!(shown <= count);
    for micros in [i64::MIN, chunk.header.known_first, i64::MAX] {
        let known = chunk.known_at(micros);
        assert!(known + 1 >= first && known <= chunk.header.last());
    }
    let mut encoder = Encoder::new().expect("there is memory for a compressor");
    let packed = encoder
        .pack(first, chunk.header.before, &events)
        .expect("what fits into a chunk can be compressed");
    assert_eq!(packed.after, chunk.after());
    let mut again = 0;
    for (key, value) in packed.chunks {
        again += chunk::decode(key, &value).map_or(0, |chunk| chunk.header.count as usize);
    }
    assert_eq!(again, count);
}

/// Follows the frames of a backup and puts right what a change made wrong.
fn reseal_backup(bytes: &mut [u8]) {
    let Some(header) = bytes.windows(2).position(|pair| pair == b"\n\n") else {
        return;
    };
    let mut at = header + 2;
    let (mut next, mut hash) = (1_u64, GENESIS);
    while at + 4 <= bytes.len() {
        let length = u32::from_be_bytes(chunk::array(bytes, at)) as usize;
        if length == 0 {
            break;
        }
        let Some(value) = bytes
            .get_mut(at + 4..)
            .and_then(|rest| rest.get_mut(..length))
        else {
            return;
        };
        if length >= chunk::HEADER_BYTES {
            value[8..16].copy_from_slice(&next.to_be_bytes());
            value[44..76].copy_from_slice(&hash);
            chunk::reseal(value);
        }
        let Ok(chunk) = chunk::decode(next, value) else {
            return;
        };
        (next, hash) = (chunk.header.last() + 1, chunk.after());
        at += 4 + length;
    }
    if let Some(end) = bytes.len().checked_sub(32).filter(|end| *end >= at + 44) {
        bytes[at + 12..at + 44].copy_from_slice(&hash);
        let digest = Sha256::digest(&bytes[..end]);
        bytes[end..].copy_from_slice(&digest);
    }
}

#[cfg(test)]
#[path = "fuzzing_tests.rs"]
mod tests;
