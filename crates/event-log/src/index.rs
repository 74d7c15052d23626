//! Request ids and subject revisions in memory.
//!
//! Both are rebuilt from the chunks when the log is opened; nothing of them is stored.
//! A request's body is kept as a keyed 64-bit hash of its subjects and payloads; the expected revisions are a
//! condition, not part of the body.
//! The cost is about 100 bytes of memory for each request and for each subject.

use std::collections::HashMap;
use std::hash::{BuildHasher, DefaultHasher, Hasher, RandomState};

use crate::chunk::Chunk;
use crate::types::hex;
use crate::{Append, Error, Receipt};

/// Hashes request bodies; the key is drawn anew for each opened log, so that nobody can prepare a collision.
#[derive(Clone, Default)]
pub(crate) struct Fingerprints(RandomState);

impl Fingerprints {
    pub(crate) fn of(&self, append: &Append) -> u64 {
        let mut hasher = self.0.build_hasher();
        for event in &append.events {
            add_event(&mut hasher, &event.subject, &event.payload);
        }
        hasher.finish()
    }
}

fn add_event(hasher: &mut DefaultHasher, subject: &str, payload: &[u8]) {
    hasher.write_u64(subject.len() as u64);
    hasher.write(subject.as_bytes());
    hasher.write_u64(payload.len() as u64);
    hasher.write(payload);
}

/// What is remembered of an accepted request.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Accepted {
    pub(crate) first: u64,
    pub(crate) count: u32,
    pub(crate) known_micros: i64,
    pub(crate) fingerprint: u64,
}

impl Accepted {
    pub(crate) fn receipt(&self, repeated: bool) -> Receipt {
        Receipt {
            first: self.first,
            last: self.first + u64::from(self.count) - 1,
            known_micros: self.known_micros,
            repeated,
        }
    }

    /// The old receipt if the body is the same, else the conflict.
    pub(crate) fn judge(&self, id: &[u8; 16], fingerprint: u64) -> Result<Receipt, Error> {
        if self.fingerprint == fingerprint {
            Ok(self.receipt(true))
        } else {
            Err(Error::RequestIdReused {
                request_id: hex(id),
                first: self.first,
            })
        }
    }
}

/// The durable state that verdicts are based on.
#[derive(Default)]
pub(crate) struct Index {
    requests: HashMap<[u8; 16], Accepted>,
    revisions: HashMap<Box<str>, u64>,
}

impl Index {
    pub(crate) fn request(&self, id: &[u8; 16]) -> Option<&Accepted> {
        self.requests.get(id)
    }

    pub(crate) fn revision(&self, subject: &str) -> u64 {
        self.revisions.get(subject).copied().unwrap_or(0)
    }

    /// Takes over what a commit made durable.
    pub(crate) fn apply(&mut self, overlay: Overlay) {
        self.requests.extend(overlay.requests);
        for (subject, revision) in overlay.revisions {
            self.revisions.insert(subject, revision);
        }
    }
}

/// What the requests of a commit in the making have changed so far.
#[derive(Default)]
pub(crate) struct Overlay {
    requests: HashMap<[u8; 16], Accepted>,
    revisions: HashMap<Box<str>, u64>,
}

impl Overlay {
    pub(crate) fn request(&self, id: &[u8; 16]) -> Option<&Accepted> {
        self.requests.get(id)
    }

    pub(crate) fn accept(&mut self, id: [u8; 16], accepted: Accepted) {
        self.requests.insert(id, accepted);
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

/// Builds the index from chunks in order of position.
pub(crate) struct Rebuild {
    index: Index,
    fingerprints: Fingerprints,
    open: Option<([u8; 16], Accepted, DefaultHasher)>,
}

impl Rebuild {
    pub(crate) fn new(fingerprints: Fingerprints) -> Rebuild {
        Rebuild {
            index: Index::default(),
            fingerprints,
            open: None,
        }
    }

    pub(crate) fn add(&mut self, chunk: &Chunk) {
        let mut events = chunk.events();
        let mut position = chunk.header.first;
        for (id, count) in &chunk.requests {
            for event in events.by_ref().take(*count as usize) {
                if self.open.as_ref().is_none_or(|(open, ..)| open != id) {
                    self.close();
                    let accepted = Accepted {
                        first: position,
                        count: 0,
                        known_micros: event.known_micros,
                        fingerprint: 0,
                    };
                    self.open = Some((*id, accepted, self.fingerprints.0.build_hasher()));
                }
                if let Some((_, accepted, hasher)) = &mut self.open {
                    accepted.count += 1;
                    add_event(hasher, event.subject, event.payload);
                }
                position += 1;
            }
        }
        for (subject, count) in chunk.subject_counts() {
            match self.index.revisions.get_mut(subject) {
                Some(revision) => *revision += count,
                None => {
                    self.index.revisions.insert(subject.into(), count);
                }
            }
        }
    }

    fn close(&mut self) {
        if let Some((id, mut accepted, hasher)) = self.open.take() {
            accepted.fingerprint = hasher.finish();
            self.index.requests.insert(id, accepted);
        }
    }

    pub(crate) fn finish(mut self) -> Index {
        self.close();
        self.index
    }
}
