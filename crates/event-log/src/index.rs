//! Request ids, subject revisions and the tree: what can be told from the chunks, kept at hand.
//!
//! # In memory
//!
//! - requests: a keyed 64-bit hash of the id → position of the first event. Whoever finds one reads the events there
//!   and compares the id itself, so a collision costs a read and nothing else.
//!   There are two generations of [`REQUESTS_REMEMBERED_MIN`] requests; when the younger is full, the older is
//!   forgotten. That is 17 bytes a slot, at most 71 MB.
//! - revisions: subject → its number and how many events it has; about 100 bytes for each subject.
//! - the tree: 32 bytes for each 1,024 events.
//!
//! A UUIDv7 carries the time at which it was made. One from before everything that is remembered is refused, since
//! it might repeat a request that was forgotten; other ids are taken as new then.
//!
//! # On the disk
//!
//! `<directory>/index` begins with 32 bytes: `TEX` and the version 1, 4 bytes of 0, the two keys of the hash,
//! CRC-32, 4 bytes of 0.
//! Blocks follow, one for each time something was settled: bytes of the frame, requests and CRC-32 (big-endian),
//! and a zstd frame with (little-endian) first and last position, first and last known time, the numbers of
//! requests, new subjects, counted subjects and tiles, the running hash after the last event, and columns: hashes of
//! the requests, their positions less the first; new subjects with their lengths; numbers of the counted subjects,
//! how many events each has more; roots of new tiles.
//!
//! It is written after the chunks it tells of and never synced: a block that is missing, cut short or does not fit
//! the chunks is told from them again.

use std::collections::HashMap;
use std::hash::{BuildHasher, BuildHasherDefault, Hasher, RandomState};

use crate::chunk::Chunk;
use crate::limits::REQUESTS_REMEMBERED_MIN;
use crate::types::hex;
use crate::{Append, Error};

/// Hashes request ids; the keys are kept with the index, so that nobody else can prepare collisions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Keys([u64; 2]);

impl Keys {
    pub(crate) fn draw() -> Keys {
        Keys([(); 2].map(|()| RandomState::new().build_hasher().finish()))
    }

    pub(crate) fn to_bytes(self) -> [u8; 16] {
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&self.0[0].to_be_bytes());
        bytes[8..].copy_from_slice(&self.0[1].to_be_bytes());
        bytes
    }

    /// From 16 bytes.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Keys {
        let key = |bytes: &[u8]| {
            bytes
                .iter()
                .fold(0, |sum, byte| sum << 8 | u64::from(*byte))
        };
        Keys([key(&bytes[..8]), key(&bytes[8..16])])
    }

    /// A folded multiplication of both halves of the id, each with its key.
    fn hash(self, id: &[u8; 16]) -> u64 {
        let number = u128::from_be_bytes(*id);
        let [a, b] = [(number >> 64) as u64 ^ self.0[0], number as u64 ^ self.0[1]];
        let product = u128::from(a | 1) * u128::from(b | 1);
        let folded = (product >> 64) as u64 ^ product as u64;
        folded ^ a.rotate_left(32) ^ b
    }
}

/// The keys of the map are hashes already.
#[derive(Default)]
struct Identity(u64);

impl Hasher for Identity {
    fn write(&mut self, _: &[u8]) {
        unreachable!("only hashes are hashed");
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

type Generation = HashMap<u64, u64, BuildHasherDefault<Identity>>;

/// The newest requests.
struct Requests {
    young: Generation,
    old: Generation,
    /// When the first request of the young generation was taken.
    young_since: i64,
    /// Since when every request is remembered; `None` if nothing was forgotten.
    window_start: Option<i64>,
    generation_max: usize,
}

impl Requests {
    fn new() -> Requests {
        Requests {
            young: Generation::default(),
            old: Generation::default(),
            young_since: i64::MIN,
            window_start: None,
            generation_max: REQUESTS_REMEMBERED_MIN,
        }
    }

    fn get(&self, hash: u64) -> Option<u64> {
        let young = self.young.get(&hash).or_else(|| self.old.get(&hash));
        young.copied()
    }

    fn insert(&mut self, hash: u64, first: u64, known_micros: i64) {
        if self.young.len() >= self.generation_max {
            let forgotten = std::mem::replace(&mut self.old, std::mem::take(&mut self.young));
            if !forgotten.is_empty() || self.window_start.is_some() {
                self.window_start = Some(self.young_since);
            }
        }
        if self.young.is_empty() {
            self.young_since = known_micros;
        }
        self.young.insert(hash, first);
    }
}

#[derive(Debug, Clone, Copy)]
struct Subject {
    /// In order of first appearance.
    number: u32,
    events: u64,
}

/// The durable state that verdicts are based on.
pub(crate) struct Index {
    keys: Keys,
    requests: Requests,
    subjects: foldhash::HashMap<Box<str>, Subject>,
}

impl Index {
    /// Of an empty log.
    pub(crate) fn new(keys: Keys) -> Index {
        Index {
            keys,
            requests: Requests::new(),
            subjects: foldhash::HashMap::default(),
        }
    }

    /// Where the events of a request may begin; the id there is to be compared.
    pub(crate) fn request(&self, id: &[u8; 16]) -> Option<u64> {
        self.requests.get(self.keys.hash(id))
    }

    pub(crate) fn revision(&self, subject: &str) -> u64 {
        self.subjects
            .get(subject)
            .map_or(0, |subject| subject.events)
    }

    pub(crate) fn requests_len(&self) -> usize {
        self.requests.young.len() + self.requests.old.len()
    }

    pub(crate) fn subjects_len(&self) -> usize {
        self.subjects.len()
    }

    pub(crate) fn window_start(&self) -> Option<i64> {
        self.requests.window_start
    }

    /// Refuses a UUIDv7 from before everything that is remembered.
    pub(crate) fn check_age(&self, id: &[u8; 16]) -> Result<(), Error> {
        match (self.requests.window_start, uuid_v7_micros(id)) {
            // What was taken at the start itself may be forgotten already.
            (Some(start), Some(made)) if made <= start => Err(Error::RequestIdExpired {
                request_id: hex(id),
                window_start_micros: start,
            }),
            _ => Ok(()),
        }
    }

    pub(crate) fn hash(&self, id: &[u8; 16]) -> u64 {
        self.keys.hash(id)
    }

    /// In order of first appearance; the subject must have been counted.
    pub(crate) fn subject_number(&self, subject: &str) -> u32 {
        self.subjects[subject].number
    }

    /// Remembers a request by the hash of its id.
    pub(crate) fn insert_request(&mut self, hash: u64, first: u64, known_micros: i64) {
        self.requests.insert(hash, first, known_micros);
    }

    /// Tells that requests up to `known_micros` were left out.
    pub(crate) fn forget_before(&mut self, known_micros: i64) {
        self.requests.window_start = Some(known_micros);
    }

    /// Sets the subjects, in order of their numbers, with their events.
    pub(crate) fn set_subjects(&mut self, names: Vec<Box<str>>, counts: &[u64]) {
        let numbered = names.into_iter().zip(counts).zip(0..);
        let subjects = numbered.map(|((name, events), number)| {
            let events = *events;
            (name, Subject { number, events })
        });
        self.subjects = subjects.collect();
    }

    /// Takes over the events of a chunk; `before` is the request of the event before it.
    pub(crate) fn take_chunk(&mut self, chunk: &Chunk, before: Option<[u8; 16]>) {
        let mut request = before;
        for (position, event) in (chunk.header.first..).zip(chunk.events()) {
            if request.as_ref() != Some(event.request_id) {
                request = Some(*event.request_id);
                let hash = self.keys.hash(event.request_id);
                self.requests.insert(hash, position, event.known_micros);
            }
            self.count(event.subject, 1);
        }
    }

    /// Takes over a durable request.
    pub(crate) fn take(&mut self, request: &Append, first: u64, known_micros: i64) {
        let hash = self.keys.hash(&request.request_id);
        self.requests.insert(hash, first, known_micros);
        for event in &request.events {
            self.count(&event.subject, 1);
        }
    }

    fn count(&mut self, subject: &str, events: u64) {
        match self.subjects.get_mut(subject) {
            Some(subject) => subject.events += events,
            None => {
                // Each has an event of its own, of which there are fewer than 2³² in any log that fits memory.
                let number = self.subjects.len() as u32;
                self.subjects
                    .insert(subject.into(), Subject { number, events });
            }
        }
    }
}

/// When a UUIDv7 was made, in microseconds since the Unix epoch; `None` for other ids.
fn uuid_v7_micros(id: &[u8; 16]) -> Option<i64> {
    let is_v7 = id[6] >> 4 == 7 && id[8] >> 6 == 0b10;
    let millis = id[..6]
        .iter()
        .fold(0, |sum, byte| sum << 8 | i64::from(*byte));
    is_v7.then_some(millis * 1_000)
}

/// What the requests of a commit in the making have changed so far.
#[derive(Default)]
pub(crate) struct Overlay {
    /// Request id → its place among the requests of the commit.
    requests: HashMap<[u8; 16], usize>,
    revisions: HashMap<Box<str>, u64>,
}

impl Overlay {
    pub(crate) fn request(&self, id: &[u8; 16]) -> Option<usize> {
        self.requests.get(id).copied()
    }

    pub(crate) fn accept(&mut self, id: [u8; 16], place: usize) {
        self.requests.insert(id, place);
    }

    /// Counts the events of `append`, or leaves no trace if an expected revision is missed.
    pub(crate) fn advance(&mut self, index: &Index, append: &Append) -> Result<(), Error> {
        for (done, event) in append.events.iter().enumerate() {
            let actual = match self.revisions.get(&event.subject) {
                Some(revision) => *revision,
                None => index.revision(&event.subject),
            };
            if let Some(expected) = event.expected_revision
                && expected != actual
            {
                for undone in &append.events[..done] {
                    if let Some(revision) = self.revisions.get_mut(&undone.subject) {
                        *revision -= 1;
                    }
                }
                let subject = event.subject.to_string();
                return Err(Error::RevisionMismatch {
                    subject,
                    expected,
                    actual,
                });
            }
            match self.revisions.get_mut(&event.subject) {
                Some(revision) => *revision += 1,
                None => {
                    self.revisions.insert(event.subject.clone(), actual + 1);
                }
            }
        }
        Ok(())
    }
}
