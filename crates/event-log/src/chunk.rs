//! The bytes of one stored chunk, format version 1.
//!
//! A chunk is a header of 80 bytes and a body; integers in the header are big-endian.
//!
//! | offset | bytes | what |
//! |---|---|---|
//! | 0 | 3 | `TEL` |
//! | 3 | 1 | format version, 1 |
//! | 4 | 1 | codec of the body: 0 stored, 1 zstd |
//! | 5 | 1 | flags: 1 = the last request goes on in the next chunk; the others are 0 |
//! | 6 | 2 | 0 |
//! | 8 | 8 | position of the first event |
//! | 16 | 4 | number of events |
//! | 20 | 4 | bytes of the body when decompressed |
//! | 24 | 4 | bytes of the body as it follows |
//! | 28 | 8 | known time of the first event |
//! | 36 | 8 | known time of the last event |
//! | 44 | 32 | running hash before the first event |
//! | 76 | 4 | CRC-32 of the header up to here and of the body as it follows |
//!
//! The decompressed body holds columns, because equal things next to each other compress well and a reader that
//! wants one column skips the others; all numbers are LEB128.
//!
//! 1. requests: how many; for each its id (16 bytes) and its number of events in this chunk
//! 2. known times: for each event the microseconds since the event before (the first: since the header's)
//! 3. subjects: how many distinct ones; for each its length and bytes
//! 4. for each event the index of its subject
//! 5. for each event the length of its payload
//! 6. the payloads
//!
//! The running hash goes over events, not over chunks, so it survives when chunks are merged:
//! `leaf(i) = SHA-256(0x00 ‖ position ‖ known ‖ request id ‖ len ‖ subject ‖ len ‖ payload)` (the leaf form of
//! RFC 6962, lengths as 4 bytes) and `hash(i) = SHA-256(hash(i-1) ‖ leaf(i))`, `hash(0)` being 32 zero bytes.
//!
//! Decoding trusts nothing: every length is checked against its limit before anything is allocated.

use std::ops::ControlFlow;

use bytes::Bytes;
use sha2::{Digest, Sha256};
use zstd::bulk::Compressor;

use crate::limits::{
    CHUNK_BYTES_MAX, CHUNK_EVENTS_MAX, CHUNK_RAW_BYTES_MAX, PAYLOAD_BYTES_MAX, SUBJECT_BYTES_MAX,
};
use crate::{Record, RecordRef};

/// The running hash before the first event of a log.
pub(crate) const GENESIS: Hash = [0; 32];

/// A SHA-256 digest.
pub(crate) type Hash = [u8; 32];
/// A chunk as it is stored: the position of its first event, and its bytes.
pub(crate) type Stored = (u64, Vec<u8>);
/// What is wrong with a chunk.
pub(crate) type Reason = &'static str;

pub(crate) const MAGIC: [u8; 4] = *b"TEL\x01";
pub(crate) const HEADER_BYTES: usize = 80;
const CRC_AT: usize = 76;
const CODEC_STORED: u8 = 0;
const CODEC_ZSTD: u8 = 1;
const FLAG_CONTINUES: u8 = 1;
/// Chosen by measuring: each level further costs a third more time for a hundredth less space.
const ZSTD_LEVEL: i32 = 3;
/// Events are cut into chunks at no less than this before compression unless they compress badly …
const CUT_RAW_BYTES_MIN: usize = 128 * 1024;
/// … and at no more than this, with room for the columns' own bytes.
const CUT_RAW_BYTES_MAX: usize = 768 * 1024;
/// Most events of a chunk we make; a reader of one event decodes them all.
const CUT_EVENTS: usize = 4_096;

/// An event as the encoder sees it; positions follow from the place in the slice.
#[derive(Clone, Copy)]
pub(crate) struct EventRef<'a> {
    pub(crate) known_micros: i64,
    pub(crate) request_id: &'a [u8; 16],
    pub(crate) subject: &'a str,
    pub(crate) payload: &'a [u8],
}

/// The leaf of the event at `position` in the tree over the log.
pub(crate) fn leaf(position: u64, event: EventRef<'_>) -> Hash {
    let mut leaf = Sha256::new();
    leaf.update([0]);
    leaf.update(position.to_be_bytes());
    leaf.update(event.known_micros.to_be_bytes());
    leaf.update(event.request_id);
    leaf.update(length(event.subject.len()).to_be_bytes());
    leaf.update(event.subject);
    leaf.update(length(event.payload.len()).to_be_bytes());
    leaf.update(event.payload);
    leaf.finalize().into()
}

/// The running hash after one more leaf.
pub(crate) fn link(before: &Hash, leaf: &Hash) -> Hash {
    let mut next = Sha256::new();
    next.update(before);
    next.update(leaf);
    next.finalize().into()
}

/// The running hash after one more event.
pub(crate) fn chain(before: &Hash, position: u64, event: EventRef<'_>) -> Hash {
    link(before, &leaf(position, event))
}

/// A length that a limit keeps far below 2³².
fn length(bytes: usize) -> u32 {
    u32::try_from(bytes).expect("limits keep lengths below 2^32")
}

/// Turns events into chunks.
pub(crate) struct Encoder {
    compressor: Compressor<'static>,
    /// Where the next chunk is cut before compression; follows what the chunks before compressed to.
    pub(crate) cut_raw_bytes: usize,
}

/// Chunks by position, and the hashes they stand for.
pub(crate) struct Packed {
    pub(crate) chunks: Vec<Stored>,
    /// The leaf of each event.
    pub(crate) leaves: Vec<Hash>,
    /// The running hash after the last event.
    pub(crate) after: Hash,
}

impl Encoder {
    pub(crate) fn new() -> std::io::Result<Encoder> {
        Ok(Encoder {
            compressor: Compressor::new(ZSTD_LEVEL)?,
            cut_raw_bytes: CUT_RAW_BYTES_MIN,
        })
    }

    /// Packs `events`, the first of which is at `first`, into as few chunks as their limits allow.
    pub(crate) fn pack(
        &mut self,
        first: u64,
        before: Hash,
        events: &[EventRef<'_>],
    ) -> std::io::Result<Packed> {
        let mut chunks = Vec::new();
        let mut leaves = Vec::with_capacity(events.len());
        let mut hash = before;
        let mut start = 0;
        while start < events.len() {
            let mut end = start + cut(&events[start..], self.cut_raw_bytes);
            let position = first + start as u64;
            let value = loop {
                let value = self.encode(position, &hash, &events[start..end], &events[end..])?;
                if value.len() <= CHUNK_BYTES_MAX {
                    break value;
                }
                assert!(end - start > 1, "one event always fits into a chunk");
                self.cut_raw_bytes = CUT_RAW_BYTES_MIN;
                end = start + (end - start).div_ceil(2);
            };
            chunks.push((position, value));
            for (offset, event) in events[start..end].iter().enumerate() {
                let leaf = leaf(position + offset as u64, *event);
                hash = link(&hash, &leaf);
                leaves.push(leaf);
            }
            start = end;
        }
        Ok(Packed {
            chunks,
            leaves,
            after: hash,
        })
    }

    /// Lets the next chunk come close to the limit, given that this one had `raw` bytes and became `stored`.
    fn aim(&mut self, raw: usize, stored: usize) {
        let fitting = (CHUNK_BYTES_MAX - HEADER_BYTES) * 15 / 16 * raw / stored.max(1);
        self.cut_raw_bytes = fitting.clamp(CUT_RAW_BYTES_MIN, CUT_RAW_BYTES_MAX);
    }

    fn encode(
        &mut self,
        first: u64,
        before: &Hash,
        events: &[EventRef<'_>],
        following: &[EventRef<'_>],
    ) -> std::io::Result<Vec<u8>> {
        assert!(!events.is_empty() && events.len() <= CHUNK_EVENTS_MAX);
        let raw = columns(events);
        assert!(raw.len() <= CHUNK_RAW_BYTES_MAX);
        let compressed = self.compressor.compress(&raw)?;
        self.aim(raw.len(), compressed.len());
        let (codec, body) = if compressed.len() < raw.len() {
            (CODEC_ZSTD, &compressed)
        } else {
            (CODEC_STORED, &raw)
        };
        let last = events[events.len() - 1];
        let continues = following
            .first()
            .is_some_and(|next| next.request_id == last.request_id);

        let mut value = Vec::with_capacity(HEADER_BYTES + body.len());
        value.extend_from_slice(&MAGIC);
        value.extend_from_slice(&[codec, if continues { FLAG_CONTINUES } else { 0 }, 0, 0]);
        value.extend_from_slice(&first.to_be_bytes());
        value.extend_from_slice(&length(events.len()).to_be_bytes());
        value.extend_from_slice(&length(raw.len()).to_be_bytes());
        value.extend_from_slice(&length(body.len()).to_be_bytes());
        value.extend_from_slice(&events[0].known_micros.to_be_bytes());
        value.extend_from_slice(&last.known_micros.to_be_bytes());
        value.extend_from_slice(before);
        let mut crc = crc32fast::Hasher::new();
        crc.update(&value);
        crc.update(body);
        value.extend_from_slice(&crc.finalize().to_be_bytes());
        assert_eq!(value.len(), HEADER_BYTES);
        value.extend_from_slice(body);
        Ok(value)
    }
}

/// How many of `events` to try in one chunk.
fn cut(events: &[EventRef<'_>], raw_bytes: usize) -> usize {
    let mut bytes = 0;
    let fitting = events.iter().take(CUT_EVENTS).take_while(|event| {
        bytes += event.subject.len() + event.payload.len() + 32;
        bytes <= raw_bytes
    });
    fitting.count().max(1)
}

fn columns(events: &[EventRef<'_>]) -> Vec<u8> {
    let payload_bytes: usize = events.iter().map(|event| event.payload.len()).sum();
    let mut raw = Vec::with_capacity(payload_bytes + events.len() * 8 + 1024);

    let runs: Vec<_> = events
        .chunk_by(|a, b| a.request_id == b.request_id)
        .collect();
    write_number(&mut raw, runs.len() as u64);
    for run in runs {
        raw.extend_from_slice(run[0].request_id);
        write_number(&mut raw, run.len() as u64);
    }
    let mut before = events[0].known_micros;
    for event in events {
        let since = event
            .known_micros
            .checked_sub(before)
            .and_then(|since| u64::try_from(since).ok());
        write_number(&mut raw, since.expect("known times never step back"));
        before = event.known_micros;
    }
    let mut subjects = Vec::new();
    let mut numbers = foldhash::HashMap::default();
    let mut subject_of = Vec::with_capacity(events.len());
    for event in events {
        subject_of.push(*numbers.entry(event.subject).or_insert_with(|| {
            subjects.push(event.subject);
            subjects.len() as u64 - 1
        }));
    }
    write_number(&mut raw, subjects.len() as u64);
    for subject in subjects {
        write_number(&mut raw, subject.len() as u64);
        raw.extend_from_slice(subject.as_bytes());
    }
    for number in subject_of {
        write_number(&mut raw, number);
    }
    for event in events {
        write_number(&mut raw, event.payload.len() as u64);
    }
    for event in events {
        raw.extend_from_slice(event.payload);
    }
    raw
}

fn write_number(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

/// What a chunk's first 80 bytes say; the checksum has been compared only if [`decode`] gave it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) first: u64,
    pub(crate) count: u32,
    pub(crate) known_first: i64,
    pub(crate) known_last: i64,
    pub(crate) before: Hash,
    pub(crate) continues: bool,
    codec: u8,
    raw_bytes: usize,
    crc: u32,
}

impl Header {
    pub(crate) fn last(&self) -> u64 {
        self.first + u64::from(self.count) - 1
    }
}

/// Reads and bounds the header of the chunk stored under `key`; does not compare the checksum.
pub(crate) fn header(key: u64, value: &[u8]) -> Result<Header, Reason> {
    if value.len() < HEADER_BYTES || value.len() > CHUNK_BYTES_MAX {
        return Err("the chunk has an impossible length");
    }
    let (head, body) = value.split_at(HEADER_BYTES);
    if head[..4] != MAGIC {
        return Err("the chunk does not begin like one");
    }
    let header = Header {
        codec: head[4],
        continues: head[5] == FLAG_CONTINUES,
        first: u64::from_be_bytes(array(head, 8)),
        count: u32::from_be_bytes(array(head, 16)),
        raw_bytes: u32::from_be_bytes(array(head, 20)) as usize,
        known_first: i64::from_be_bytes(array(head, 28)),
        known_last: i64::from_be_bytes(array(head, 36)),
        before: array(head, 44),
        crc: u32::from_be_bytes(array(head, CRC_AT)),
    };
    if head[4] > CODEC_ZSTD || head[5] > FLAG_CONTINUES || head[6..8] != [0, 0] {
        Err("the chunk has an unknown codec or flag")
    } else if header.first != key || key == 0 {
        Err("the chunk is stored under another position")
    } else if header.count == 0 || header.count as usize > CHUNK_EVENTS_MAX {
        Err("the chunk has an impossible number of events")
    } else if key.checked_add(u64::from(header.count) + 1).is_none() {
        Err("the chunk has an impossible position")
    } else if header.raw_bytes > CHUNK_RAW_BYTES_MAX {
        Err("the chunk is too large when decompressed")
    } else if u32::from_be_bytes(array(head, 24)) as usize != body.len() {
        Err("the chunk is cut short or too long")
    } else if header.known_last < header.known_first {
        Err("the chunk's time runs backwards")
    } else {
        Ok(header)
    }
}

pub(crate) fn array<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    let mut out = [0; N];
    out.copy_from_slice(&bytes[at..at + N]);
    out
}

/// Puts the right lengths and checksum into any bytes that are as long as a header, as a fuzzer needs them.
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) fn reseal(value: &mut [u8]) {
    if value.len() < HEADER_BYTES {
        return;
    }
    let body = length(value.len() - HEADER_BYTES);
    value[..4].copy_from_slice(&MAGIC);
    value[24..28].copy_from_slice(&body.to_be_bytes());
    if value[4] == CODEC_STORED {
        value[20..24].copy_from_slice(&body.to_be_bytes());
    }
    let mut crc = crc32fast::Hasher::new();
    crc.update(&value[..CRC_AT]);
    crc.update(&value[HEADER_BYTES..]);
    value[CRC_AT..HEADER_BYTES].copy_from_slice(&crc.finalize().to_be_bytes());
}

/// A decoded chunk.
#[derive(Debug)]
pub(crate) struct Chunk {
    pub(crate) header: Header,
    /// Request ids with their number of events, in order.
    pub(crate) requests: Vec<([u8; 16], u32)>,
    known: Vec<i64>,
    /// The different subjects one after the other, so that a chunk costs one allocation for all of them.
    subjects: String,
    /// Where each subject begins, and where the last one ends.
    subject_at: Vec<u32>,
    subject_of: Vec<u32>,
    raw: Bytes,
    /// Where each payload begins in `raw`, and where the last one ends.
    payload_at: Vec<u32>,
}

/// Decodes the chunk stored under `key`; any bytes give a chunk or a reason.
pub(crate) fn decode(key: u64, value: &[u8]) -> Result<Chunk, Reason> {
    let header = header(key, value)?;
    let (head, body) = value.split_at(HEADER_BYTES);
    let mut crc = crc32fast::Hasher::new();
    crc.update(&head[..CRC_AT]);
    crc.update(body);
    if crc.finalize() != header.crc {
        return Err("the checksum does not match");
    }
    let raw = match header.codec {
        CODEC_STORED => body.to_vec(),
        _ => {
            zstd::bulk::decompress(body, header.raw_bytes).map_err(|_| "cannot be decompressed")?
        }
    };
    if raw.len() != header.raw_bytes {
        return Err("the chunk has another length when decompressed");
    }
    decode_columns(header, Bytes::from(raw))
}

fn decode_columns(header: Header, raw: Bytes) -> Result<Chunk, Reason> {
    let count = header.count as usize;
    let mut cursor = Cursor { rest: &raw };
    let requests = decode_requests(&mut cursor, count)?;

    let mut known = Vec::with_capacity(count);
    let mut time = header.known_first;
    for _ in 0..count {
        let since = i64::try_from(cursor.number()?).map_err(|_| "a time is out of range")?;
        time = time.checked_add(since).ok_or("a time is out of range")?;
        known.push(time);
    }
    if known.first() != Some(&header.known_first) || known.last() != Some(&header.known_last) {
        return Err("the times do not match the header");
    }
    let distinct = cursor.number_to(count, "there are more subjects than events")?;
    let mut subjects = String::new();
    let mut subject_at = Vec::with_capacity(distinct + 1);
    for _ in 0..distinct {
        let bytes = cursor.number_to(SUBJECT_BYTES_MAX, "a subject is too long")?;
        let subject =
            std::str::from_utf8(cursor.take(bytes)?).map_err(|_| "a subject is not text")?;
        subject_at.push(length(subjects.len()));
        subjects.push_str(subject);
    }
    subject_at.push(length(subjects.len()));
    let mut subject_of = Vec::with_capacity(count);
    for _ in 0..count {
        let number = cursor.number_to(distinct.saturating_sub(1), "a subject is missing")?;
        if distinct == 0 {
            return Err("a subject is missing");
        }
        subject_of.push(length(number));
    }
    let mut payload_at = Vec::with_capacity(count + 1);
    let mut at = 0;
    for _ in 0..count {
        payload_at.push(length(at));
        at += cursor.number_to(PAYLOAD_BYTES_MAX, "a payload is too long")?;
    }
    payload_at.push(length(at));
    if at != cursor.rest.len() {
        return Err("the payloads do not fill the chunk");
    }
    let begin = length(raw.len() - cursor.rest.len());
    payload_at.iter_mut().for_each(|at| *at += begin);
    Ok(Chunk {
        header,
        requests,
        known,
        subjects,
        subject_at,
        subject_of,
        raw,
        payload_at,
    })
}

fn decode_requests(cursor: &mut Cursor<'_>, count: usize) -> Result<Vec<([u8; 16], u32)>, Reason> {
    let runs = cursor.number_to(count, "there are more requests than events")?;
    let mut requests = Vec::with_capacity(runs);
    let mut events = 0;
    for _ in 0..runs {
        let id = array(cursor.take(16)?, 0);
        let run = cursor.number_to(count - events, "a request has too many events")?;
        if run == 0 {
            return Err("a request has no events");
        }
        events += run;
        requests.push((id, length(run)));
    }
    if events != count {
        return Err("the requests do not cover the events");
    }
    Ok(requests)
}

/// What is left to decode.
struct Cursor<'a> {
    rest: &'a [u8],
}

impl<'a> Cursor<'a> {
    fn take(&mut self, bytes: usize) -> Result<&'a [u8], Reason> {
        let (taken, rest) = self
            .rest
            .split_at_checked(bytes)
            .ok_or("the chunk ends too soon")?;
        self.rest = rest;
        Ok(taken)
    }

    fn number(&mut self) -> Result<u64, Reason> {
        let mut number = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = self.take(1)?[0];
            let bits = u64::from(byte & 0x7f);
            if shift == 63 && bits > 1 {
                break;
            }
            number |= bits << shift;
            if byte < 0x80 {
                return Ok(number);
            }
        }
        Err("a number is out of range")
    }

    fn number_to(&mut self, limit: usize, reason: Reason) -> Result<usize, Reason> {
        match usize::try_from(self.number()?) {
            Ok(number) if number <= limit => Ok(number),
            _ => Err(reason),
        }
    }
}

impl Chunk {
    /// The events in order, without their positions.
    pub(crate) fn events(&self) -> impl Iterator<Item = EventRef<'_>> {
        let ids = self
            .requests
            .iter()
            .flat_map(|(id, count)| std::iter::repeat_n(id, *count as usize));
        ids.enumerate().map(|(index, request_id)| EventRef {
            known_micros: self.known[index],
            request_id,
            subject: self.subject(index),
            payload: &self.raw[self.payload(index)],
        })
    }

    /// The events from `position` on, as they are handed out.
    pub(crate) fn records(&self, position: u64) -> impl Iterator<Item = Record> {
        let skipped =
            usize::try_from(position.saturating_sub(self.header.first)).unwrap_or(usize::MAX);
        let events = self.events().enumerate().skip(skipped);
        events.map(|(index, event)| Record {
            position: self.header.first + index as u64,
            known_micros: event.known_micros,
            request_id: *event.request_id,
            subject: event.subject.into(),
            payload: self.raw.slice(self.payload(index)),
        })
    }

    fn payload(&self, index: usize) -> std::ops::Range<usize> {
        self.payload_at[index] as usize..self.payload_at[index + 1] as usize
    }

    /// The leaf of each event.
    pub(crate) fn leaves(&self) -> impl Iterator<Item = Hash> {
        let positions = self.header.first..;
        positions
            .zip(self.events())
            .map(|(position, event)| leaf(position, event))
    }

    /// The running hash after the last event.
    pub(crate) fn after(&self) -> Hash {
        self.leaves()
            .fold(self.header.before, |hash, leaf| link(&hash, &leaf))
    }

    /// For each different subject whether it is wanted.
    pub(crate) fn wanted(&self, wanted: &mut dyn FnMut(&str) -> bool) -> Vec<bool> {
        let subjects = 0..self.subject_at.len() - 1;
        subjects
            .map(|number| wanted(self.numbered(number)))
            .collect()
    }

    /// Shows the events from one position to another whose subjects are wanted.
    pub(crate) fn show(
        &self,
        from: u64,
        to: u64,
        wanted: &[bool],
        each: &mut dyn FnMut(RecordRef<'_>) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        let mut index = 0;
        for (request_id, count) in &self.requests {
            for _ in 0..*count {
                let position = self.header.first + index as u64;
                let number = self.subject_of[index] as usize;
                if position > to {
                    return ControlFlow::Continue(());
                }
                if position >= from && wanted[number] {
                    each(RecordRef {
                        position,
                        known_micros: self.known[index],
                        request_id,
                        subject: self.numbered(number),
                        payload: &self.raw[self.payload(index)],
                    })?;
                }
                index += 1;
            }
        }
        ControlFlow::Continue(())
    }

    /// The last position known at or before an instant, or the one before the chunk.
    pub(crate) fn known_at(&self, micros: i64) -> u64 {
        let known = self.known.partition_point(|known| *known <= micros);
        self.header.first + known as u64 - 1
    }

    fn subject(&self, index: usize) -> &str {
        self.numbered(self.subject_of[index] as usize)
    }

    fn numbered(&self, number: usize) -> &str {
        &self.subjects[self.subject_at[number] as usize..self.subject_at[number + 1] as usize]
    }
}

#[cfg(test)]
#[path = "chunk_tests.rs"]
mod tests;
