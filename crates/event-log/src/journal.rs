//! The journal: where a commit becomes durable.
//!
//! # Why it is there
//!
//! sled's `flush` waits for the disk and our `fdatasync` waits once more, each for as long as a commit may take.
//! A file that has its length and its blocks already is overwritten and synced in one wait, sooner than a plain
//! file can be appended to.
//! And what never was a small chunk in sled need not be merged, removed and compacted away.
//!
//! # What lies where
//!
//! Two files, the *halves*, are written in turns.
//! A half is filled with frames from its beginning; when the next frame does not fit, the other half goes on and
//! the full one is settled: its events go into sled as large chunks, and then the half may be written anew.
//! Files grow by [`STEP_BYTES`] of zeros at a time and never shrink.
//!
//! A frame is one commit; it begins at a multiple of [`ALIGN`]; integers are big-endian.
//!
//! | offset | bytes | what |
//! |---|---|---|
//! | 0 | 4 | `TEJ` and the version, 1 |
//! | 4 | 4 | bytes of the body |
//! | 8 | 8 | key: drawn anew each time a half is begun |
//! | 16 | 8 | position of the first event |
//! | 24 | 4 | number of events |
//! | 28 | 8 | known time of all of them |
//! | 36 | 4 | CRC-32 of the header up to here and of the body |
//! | 40 | | body: for each request its id and number of events; for each event a byte with the length of its subject, the subject, 4 bytes with the length of its payload, the payload |
//!
//! # After a crash
//!
//! The frames of a half count as long as each follows on the one before; the rest is from an earlier round.
//! A frame that is not whole is a commit that was never acknowledged, unless a whole frame lies beyond it: then a
//! commit that had been acknowledged is damaged, which is named and not passed over.
//! A frame without events confirms the one before it; it is written when the log is closed or idle, so that damage
//! to the newest commit is told from an unfinished one.
//! The key keeps events that look like frames from being taken for some.

use std::fs::{File, OpenOptions};
use std::hash::{BuildHasher, Hasher, RandomState};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

use bytes::Bytes;

use crate::limits::{PAYLOAD_BYTES_MAX, REQUEST_BYTES_MAX, REQUEST_EVENTS_MAX};
use crate::{Append, NewEvent};

/// Frames begin at multiples of this.
const ALIGN: usize = 64;
/// How far a half is filled with zeros at once.
const STEP_BYTES: u64 = 1024 * 1024;
const HEADER_BYTES: usize = 40;
const CRC_AT: usize = 36;
const MAGIC: [u8; 4] = *b"TEJ\x01";
/// How much room for a frame is kept from one to the next.
const FRAME_BYTES_KEPT: usize = 4 * 1024 * 1024;
/// No half is ever larger: a single largest request, in front of which there may be other frames.
const HALF_BYTES_MAX: u64 = 2 * REQUEST_BYTES_MAX as u64 + 64 * 1024 * 1024;

/// Where a frame lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) half: usize,
    pub(crate) offset: u64,
    pub(crate) bytes: usize,
}

/// A commit: what one frame holds, and where.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Commit {
    pub(crate) first: u64,
    pub(crate) count: u32,
    pub(crate) known_micros: i64,
    pub(crate) requests: Vec<Append>,
    pub(crate) place: Place,
}

impl Commit {
    pub(crate) fn last(&self) -> u64 {
        self.first + u64::from(self.count) - 1
    }

    /// Whether both hold the same; what a request expected of its subjects is not kept.
    fn same_events(&self, other: &Commit) -> bool {
        (self.first, self.known_micros) == (other.first, other.known_micros)
            && self
                .events()
                .map(Self::said)
                .eq(other.events().map(Self::said))
    }

    fn said<'a>((position, id, event): (u64, &'a [u8; 16], &'a NewEvent)) -> Said<'a> {
        (position, id, &event.subject, &event.payload)
    }

    /// The events with their positions and requests.
    pub(crate) fn events(&self) -> impl Iterator<Item = (u64, &[u8; 16], &NewEvent)> {
        let events = self.requests.iter().flat_map(|request| {
            let id = &request.request_id;
            request.events.iter().map(move |event| (id, event))
        });
        (self.first..)
            .zip(events)
            .map(|(position, (id, event))| (position, id, event))
    }
}

type Said<'a> = (u64, &'a [u8; 16], &'a str, &'a [u8]);

/// The two halves, and where the next frame goes.
pub(crate) struct Journal {
    halves: [Half; 2],
    current: usize,
    capacity: u64,
    frame: Vec<u8>,
}

struct Half {
    file: File,
    key: u64,
    /// Where the next frame goes.
    end: u64,
    /// Up to where the file has blocks.
    filled: u64,
}

/// Why a frame was not made durable.
#[derive(Debug)]
pub(crate) enum Failure {
    /// It was not written; the next one takes its place.
    Full,
    /// Nobody knows what is on the disk.
    Fatal(&'static str, io::Error),
}

/// What opening found.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Found {
    /// Whole commits in order of position; a gap between two is damage.
    pub(crate) commits: Vec<Commit>,
    /// An unfinished commit was found behind the last one.
    pub(crate) unfinished: bool,
}

impl Journal {
    /// Opens the halves, or makes them, and reads what they hold beyond `settled`.
    pub(crate) fn open(
        directory: &Path,
        capacity: usize,
        settled: u64,
    ) -> io::Result<(Journal, Found)> {
        let mut found = Found::default();
        let mut halves = Vec::new();
        for number in 0..2 {
            let (half, recovered) = Half::open(directory, number)?;
            halves.push((half, recovered));
        }
        // The names of new files are as durable as what is acknowledged through them.
        File::open(directory)?.sync_all()?;
        let [a, b] = <[_; 2]>::try_from(halves).map_err(|_| io::ErrorKind::InvalidData)?;
        // The half whose frames are newer goes on; of two empty ones the first.
        let newest = |recovered: &Recovered| recovered.commits.last().map_or(0, Commit::last);
        let current = usize::from(newest(&b.1) > newest(&a.1));
        let mut halves = [a.0, b.0];
        for recovered in [a.1, b.1] {
            found.unfinished |= recovered.unfinished;
            found.commits.extend(recovered.commits);
        }
        found.commits.retain(|commit| commit.last() > settled);
        // What confirms a commit begins where the next one does, which may be in the other half.
        found
            .commits
            .sort_by_key(|commit| (commit.first, commit.count > 0));
        for (number, half) in halves.iter_mut().enumerate() {
            let used = |commit: &Commit| commit.place.half == number;
            if number != current && !found.commits.iter().any(used) {
                half.end = 0;
            }
        }
        if !found.commits.iter().any(|c| c.place.half == current) {
            halves[current].begin();
        }
        let journal = Journal {
            halves,
            current,
            capacity: capacity as u64,
            frame: Vec::new(),
        };
        Ok((journal, found))
    }

    /// The half that is being written.
    pub(crate) fn current(&self) -> usize {
        self.current
    }

    /// Whether the current half holds frames.
    pub(crate) fn is_begun(&self) -> bool {
        self.halves[self.current].end > 0
    }

    /// Encodes the next frame; gives whether it fits into the current half.
    pub(crate) fn prepare<'a>(
        &mut self,
        first: u64,
        known_micros: i64,
        requests: impl Iterator<Item = &'a Append>,
    ) -> bool {
        let count = encode(&mut self.frame, requests);
        let body = length(self.frame.len() - HEADER_BYTES);
        let padded = self.frame.len().next_multiple_of(ALIGN);
        self.frame.resize(padded, 0);
        let header = &mut self.frame[..HEADER_BYTES];
        header[..4].copy_from_slice(&MAGIC);
        header[4..8].copy_from_slice(&body.to_be_bytes());
        header[16..24].copy_from_slice(&first.to_be_bytes());
        header[24..28].copy_from_slice(&count.to_be_bytes());
        header[28..36].copy_from_slice(&known_micros.to_be_bytes());
        let end = self.halves[self.current].end;
        end == 0 || end + self.frame.len() as u64 <= self.capacity
    }

    /// Writes the prepared frame and syncs.
    pub(crate) fn write(&mut self) -> Result<Place, Failure> {
        let half = &mut self.halves[self.current];
        self.frame[8..16].copy_from_slice(&half.key.to_be_bytes());
        let crc = checksum(&self.frame);
        self.frame[CRC_AT..HEADER_BYTES].copy_from_slice(&crc.to_be_bytes());
        let offset = half.end;
        half.write(&self.frame)?;
        Ok(Place {
            half: self.current,
            offset,
            bytes: self.frame.len(),
        })
    }

    /// Writes a frame without events after the position `last`.
    pub(crate) fn confirm(&mut self, last: u64, known_micros: i64) -> Result<(), Failure> {
        // Where the half is full these few bytes go beyond its end.
        self.prepare(last + 1, known_micros, std::iter::empty());
        self.write().map(|_| ())
    }

    /// Goes on with the other half, whose events must be settled.
    pub(crate) fn turn(&mut self) {
        self.current = 1 - self.current;
        self.halves[self.current].begin();
    }

    /// Handles of both files, for reading beside the writer.
    pub(crate) fn handles(&self) -> io::Result<[File; 2]> {
        Ok([
            self.halves[0].file.try_clone()?,
            self.halves[1].file.try_clone()?,
        ])
    }
}

/// Whether the frame at a commit's place still holds that commit.
pub(crate) fn holds(handles: &[File; 2], commit: &Commit) -> io::Result<bool> {
    let mut frame = vec![0; commit.place.bytes];
    handles[commit.place.half].read_exact_at(&mut frame, commit.place.offset)?;
    Ok(decode(&frame, commit.place).is_some_and(|found| found.same_events(commit)))
}

impl Half {
    fn open(directory: &Path, number: usize) -> io::Result<(Half, Recovered)> {
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(directory.join(format!("journal-{number}")))?;
        let filled = file.metadata()?.len();
        if filled > HALF_BYTES_MAX {
            return Err(io::Error::new(
                io::ErrorKind::FileTooLarge,
                "the journal is larger than any journal can be",
            ));
        }
        let mut bytes = vec![0; usize::try_from(filled).unwrap_or(usize::MAX)];
        file.read_exact_at(&mut bytes, 0)?;
        let recovered = recover(number, &bytes);
        // What a killed or failing process wrote may be in memory only; it counts from here on, so it is written again.
        if let Some(Commit { place, .. }) = recovered.commits.last() {
            let frame = place.offset as usize..place.offset as usize + place.bytes;
            file.write_all_at(&bytes[frame], place.offset)?;
            file.sync_all()?;
        }
        let half = Half {
            file,
            key: recovered.key,
            end: recovered.end as u64,
            filled,
        };
        Ok((half, recovered))
    }

    fn begin(&mut self) {
        self.end = 0;
        self.key = RandomState::new().build_hasher().finish();
    }

    fn write(&mut self, frame: &[u8]) -> Result<(), Failure> {
        let end = self.end + frame.len() as u64;
        if end > self.filled {
            let filled = end.next_multiple_of(STEP_BYTES);
            let zeros = vec![0; usize::try_from(filled - self.filled).unwrap_or(0)];
            self.file
                .write_all_at(&zeros, self.filled)
                .map_err(|error| failure("cannot lengthen the journal", error))?;
            self.filled = filled;
        }
        self.file
            .write_all_at(frame, self.end)
            .map_err(|error| failure("cannot write the journal", error))?;
        self.file
            .sync_data()
            .map_err(|error| Failure::Fatal("cannot sync the journal", error))?;
        self.end = end;
        Ok(())
    }
}

fn failure(doing: &'static str, error: io::Error) -> Failure {
    if crate::storage::is_out_of_room(&error) {
        Failure::Full
    } else {
        Failure::Fatal(doing, error)
    }
}

/// What the bytes of a half say.
#[derive(Debug)]
pub(crate) struct Recovered {
    pub(crate) commits: Vec<Commit>,
    pub(crate) unfinished: bool,
    key: u64,
    end: usize,
}

/// Reads the frames in the bytes of a half; any bytes give a result.
pub(crate) fn recover(half: usize, bytes: &[u8]) -> Recovered {
    let mut recovered = Recovered {
        commits: Vec::new(),
        unfinished: false,
        key: 0,
        end: 0,
    };
    let mut next = None;
    let follows = |next: Option<(u64, u64)>, header: &Header| {
        next.is_none_or(|next| next == (header.key, header.first))
    };
    while let Some(header) = header_at(bytes, recovered.end)
        && follows(next, &header)
    {
        let Some(commit) = frame_at(half, bytes, recovered.end, &header) else {
            recovered.unfinished = true;
            break;
        };
        next = Some(recovered.take(header.key, commit));
    }
    // Only damage hides a later frame of the same round.
    // What may be summed up in vain is bounded, since payloads may look like frames.
    let mut budget = 16 * bytes.len();
    let mut at = recovered.end + ALIGN;
    while at + HEADER_BYTES <= bytes.len() {
        let header = header_at(bytes, at).filter(|header| {
            next.is_none_or(|(key, position)| header.key == key && header.first >= position)
                && header.bytes <= budget
        });
        if let Some(header) = header {
            budget -= header.bytes;
            if let Some(commit) = frame_at(half, bytes, at, &header) {
                next = Some(recovered.take(header.key, commit));
                recovered.unfinished = false;
                at = recovered.end;
                continue;
            }
        }
        at += ALIGN;
    }
    recovered
}

impl Recovered {
    /// Takes a frame in; gives the key and the position that the next one must have.
    fn take(&mut self, key: u64, commit: Commit) -> (u64, u64) {
        let next = commit.first + u64::from(commit.count);
        self.key = key;
        self.end = commit.place.offset as usize + commit.place.bytes;
        self.commits.push(commit);
        (key, next)
    }
}

/// What a frame says of itself before its checksum is compared.
struct Header {
    key: u64,
    first: u64,
    /// Bytes of the frame with its padding; they are there.
    bytes: usize,
}

fn header_at(bytes: &[u8], at: usize) -> Option<Header> {
    let rest = bytes.get(at..)?;
    if rest.get(..4)? != MAGIC {
        return None;
    }
    let body = u32::from_be_bytes(array(rest.get(4..8)?)?) as usize;
    let bytes = HEADER_BYTES
        .checked_add(body)?
        .checked_next_multiple_of(ALIGN)?;
    (bytes <= rest.len()).then_some(Header {
        key: u64::from_be_bytes(array(rest.get(8..16)?)?),
        first: u64::from_be_bytes(array(rest.get(16..24)?)?),
        bytes,
    })
}

fn frame_at(half: usize, bytes: &[u8], at: usize, header: &Header) -> Option<Commit> {
    let place = Place {
        half,
        offset: at as u64,
        bytes: header.bytes,
    };
    decode(&bytes[at..at + header.bytes], place)
}

/// The commit of a whole frame.
fn decode(frame: &[u8], place: Place) -> Option<Commit> {
    let stored = u32::from_be_bytes(array(frame.get(CRC_AT..HEADER_BYTES)?)?);
    if frame.get(..4)? != MAGIC || checksum(frame) != stored {
        return None;
    }
    let first = u64::from_be_bytes(array(&frame[16..24])?);
    let count = u32::from_be_bytes(array(&frame[24..28])?);
    let known_micros = i64::from_be_bytes(array(&frame[28..36])?);
    let body = u32::from_be_bytes(array(&frame[4..8])?) as usize;
    let mut rest = frame.get(HEADER_BYTES..HEADER_BYTES.checked_add(body)?)?;
    // There must be a position after the last one.
    first.checked_add(u64::from(count) + 1)?;
    let mut requests = Vec::new();
    let mut events = 0;
    while !rest.is_empty() {
        let request = decode_request(&mut rest)?;
        events += request.events.len();
        requests.push(request);
    }
    (first > 0 && events == count as usize).then_some(Commit {
        first,
        count,
        known_micros,
        requests,
        place,
    })
}

fn decode_request(rest: &mut &[u8]) -> Option<Append> {
    let request_id = array(take(rest, 16)?)?;
    let count = u32::from_be_bytes(array(take(rest, 4)?)?) as usize;
    if count == 0 || count > REQUEST_EVENTS_MAX {
        return None;
    }
    let mut events = Vec::new();
    for _ in 0..count {
        let bytes = take(rest, 1)?[0];
        let subject = std::str::from_utf8(take(rest, usize::from(bytes))?).ok()?;
        let bytes = u32::from_be_bytes(array(take(rest, 4)?)?) as usize;
        if bytes > PAYLOAD_BYTES_MAX {
            return None;
        }
        events.push(NewEvent {
            subject: subject.into(),
            expected_revision: None,
            payload: Bytes::copy_from_slice(take(rest, bytes)?),
            attribute: None,
        });
    }
    Some(Append { request_id, events })
}

fn take<'a>(rest: &mut &'a [u8], bytes: usize) -> Option<&'a [u8]> {
    let (taken, left) = rest.split_at_checked(bytes)?;
    *rest = left;
    Some(taken)
}

fn array<const N: usize>(bytes: &[u8]) -> Option<[u8; N]> {
    bytes.try_into().ok()
}

/// Encodes the body behind room for the header, padded to the alignment; gives the number of events.
fn encode<'a>(frame: &mut Vec<u8>, requests: impl Iterator<Item = &'a Append>) -> u32 {
    frame.clear();
    frame.shrink_to(FRAME_BYTES_KEPT);
    frame.resize(HEADER_BYTES, 0);
    let mut count = 0;
    for request in requests {
        count += length(request.events.len());
        frame.extend_from_slice(&request.request_id);
        frame.extend_from_slice(&length(request.events.len()).to_be_bytes());
        for event in &request.events {
            // Limits keep a subject below 256 bytes.
            frame.push(event.subject.len() as u8);
            frame.extend_from_slice(event.subject.as_bytes());
            frame.extend_from_slice(&length(event.payload.len()).to_be_bytes());
            frame.extend_from_slice(&event.payload);
        }
    }
    count
}

/// Over the header before the checksum, and the body.
fn checksum(frame: &[u8]) -> u32 {
    let mut crc = crc32fast::Hasher::new();
    crc.update(&frame[..CRC_AT]);
    crc.update(&frame[HEADER_BYTES..]);
    crc.finalize()
}

/// Puts right checksums into all that begins like a frame, as a fuzzer needs them.
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) fn reseal(bytes: &mut [u8]) {
    let mut at = 0;
    while at < bytes.len() {
        at += match header_at(bytes, at) {
            Some(header) => {
                let frame = &mut bytes[at..at + header.bytes];
                let crc = checksum(frame);
                frame[CRC_AT..HEADER_BYTES].copy_from_slice(&crc.to_be_bytes());
                header.bytes
            }
            None => ALIGN,
        };
    }
}

/// A length that a limit keeps far below 2³².
fn length(bytes: usize) -> u32 {
    u32::try_from(bytes).expect("limits keep lengths below 2^32")
}

#[cfg(test)]
#[path = "journal_tests.rs"]
mod tests;
