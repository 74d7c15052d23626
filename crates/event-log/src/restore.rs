//! One log out of several sources: what is healthy of a damaged one, a backup, a copy that others hold.
//!
//! Sources are asked in order of trust, position by position: the first that has an event gives it.
//! What comes together must fit together. Where a source knows the running hash before an event, what was taken from
//! others up to there must give that hash; where it knows the hash at its end, so must what was taken by then.
//! A signed tree head that somebody kept is held against the tree over what was taken.
//! Anything that does not fit ends the restore by name; nothing is left out to make it fit.
//!
//! A source that knows no hashes (the bus) fills gaps, and they are proven by what follows them.
//! What it gives beyond the end of all others is proven by nothing, and [`Restored::unproven_from`] says so.
//!
//! A request is taken whole or not at all, as the log took it: a limit that cuts through a request leaves it out, and
//! so does an end that the source says is no end.

use std::fmt;

use crate::archive;
use crate::chunk::{EventRef, GENESIS, Hash, chain, leaf, link};
use crate::limits::REQUEST_EVENTS_MAX;
use crate::tree::Tree;
use crate::types::hex;
use crate::{Checkpoint, Record};

/// An error of whoever holds the events.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Who holds events of the log.
pub trait Source {
    /// What people call it: `the log in DIR`, `the backup FILE`.
    fn name(&self) -> &str;

    /// What it has from position `from` on; `from` never goes back.
    ///
    /// # Errors
    /// It cannot be read; being damaged is an answer.
    fn read(&mut self, from: u64) -> Result<Answer, BoxError>;

    /// The last position whose running hash it knows for sure, and that hash.
    fn sealed(&self) -> Option<(u64, [u8; 32])> {
        None
    }
}

/// What a source has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// Events, the first of them at the position asked for.
    Events(Piece),
    /// Nothing from there to `last`, but something after it.
    Missing {
        /// The last position that it does not have.
        last: u64,
    },
    /// Nothing from there on.
    End,
}

/// Some events of a source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    /// At least one, without a gap.
    pub records: Vec<Record>,
    /// What speaks for them.
    pub proof: Proof,
    /// Whether the last is the last of its request; `None` if the source does not know.
    pub request_ends: Option<bool>,
}

/// What speaks for events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Proof {
    /// The log's own checksum over them, and the running hash before the first.
    Hash([u8; 32]),
    /// The log's own checksum over them.
    Checksum,
    /// The word of whoever holds them.
    Word,
}

/// Where to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Until {
    /// The last position wanted.
    pub position: u64,
    /// The last time wanted, in microseconds since the Unix epoch, as the log took it.
    pub known_micros: i64,
}

impl Until {
    /// Everything there is.
    pub const END: Until = Until {
        position: u64::MAX,
        known_micros: i64::MAX,
    };
}

/// Why nothing was restored.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// No source has these events, and some have later ones.
    #[error("no source has positions {first} to {last}")]
    Missing {
        /// First position that nobody has.
        first: u64,
        /// Last position that nobody has.
        last: u64,
    },
    /// What one source says does not fit what others gave.
    #[error("{name} does not fit at position {position}: {reason}; {given}")]
    Contradiction {
        /// The source that knows better, or says otherwise.
        name: String,
        /// Where they part.
        position: u64,
        /// What does not fit.
        reason: &'static str,
        /// What was taken from whom since the hash last fitted.
        given: String,
    },
    /// Whether the last request is whole cannot be said: an earlier release published it, or what follows is damaged.
    #[error(
        "{name} does not say whether the request of position {position} ends there; \
         restore to an earlier position"
    )]
    RequestUnknown {
        /// The source.
        name: String,
        /// The last position.
        position: u64,
    },
    /// A source cannot be read.
    #[error("{name} cannot be read from position {position} on")]
    Source {
        /// The source.
        name: String,
        /// Where it was to be read.
        position: u64,
        /// What it says.
        source: BoxError,
    },
    /// What was restored cannot be written.
    #[error("the restored log cannot be written at position {position}")]
    Target {
        /// Where.
        position: u64,
        /// What the log says.
        source: crate::Error,
    },
}

impl Error {
    /// The stable code of this kind of error.
    #[must_use]
    pub fn reason(&self) -> &'static str {
        match self {
            Error::Missing { .. } => "RESTORE_MISSING",
            Error::Contradiction { .. } => "RESTORE_CONTRADICTION",
            Error::RequestUnknown { .. } => "RESTORE_REQUEST_UNKNOWN",
            Error::Source { .. } => "RESTORE_SOURCE",
            Error::Target { .. } => "RESTORE_TARGET",
        }
    }
}

/// Neighbouring positions that came from one source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stretch {
    /// What people call the source.
    pub name: String,
    /// First position.
    pub first: u64,
    /// Last position.
    pub last: u64,
}

impl fmt::Display for Stretch {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "positions {} to {} came from {}",
            self.first, self.last, self.name
        )
    }
}

/// What was restored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restored {
    /// Position of the last event; 0 if there is none.
    pub head: u64,
    /// Running hash after it.
    pub hash: [u8; 32],
    /// Which positions came from where, in order.
    pub stretches: Vec<Stretch>,
    /// From here on no known hash covers the events; `None` if all are covered.
    pub unproven_from: Option<u64>,
    /// First and last position of a request that was left out because it is not whole within the limit, or at the end of the last source.
    pub left_out: Option<(u64, u64)>,
}

impl Restored {
    /// The running hash as hexadecimal digits.
    #[must_use]
    pub fn hash_hex(&self) -> String {
        hex(&self.hash)
    }
}

/// Takes every event once, in order, from the first source that has it, and hands whole requests to `keep`.
///
/// `signed` is the newest signed tree head that is known: the tree over what is taken must have its root.
///
/// # Errors
/// [`Error`], naming positions and sources.
pub fn restore(
    sources: &mut [&mut dyn Source],
    signed: Option<&Checkpoint>,
    until: Until,
    keep: &mut dyn FnMut(Record) -> Result<(), crate::Error>,
) -> Result<Restored, Error> {
    let mut weave = Weave {
        until,
        keep,
        signed,
        tree: Tree::new(),
        next: 1,
        hash: GENESIS,
        known_micros: i64::MIN,
        request: Vec::new(),
        request_ends: Some(true),
        hash_before_request: GENESIS,
        stretches: Vec::new(),
        unproven_from: None,
        stop: None,
    };
    while weave.stop.is_none() {
        let Some((index, piece)) = weave.ask(sources)? else {
            break;
        };
        weave.take(index, piece, sources)?;
    }
    weave.finish(sources)
}

/// How far a restore has come.
struct Weave<'a> {
    until: Until,
    keep: &'a mut dyn FnMut(Record) -> Result<(), crate::Error>,
    signed: Option<&'a Checkpoint>,
    /// Grows up to the signed tree head.
    tree: Tree,
    next: u64,
    /// Running hash before `next`.
    hash: Hash,
    known_micros: i64,
    /// The events of the request that may go on.
    request: Vec<Record>,
    request_ends: Option<bool>,
    hash_before_request: Hash,
    stretches: Vec<Stretch>,
    unproven_from: Option<u64>,
    stop: Option<Stop>,
}

/// Why no more is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stop {
    /// The limit is reached between two requests.
    Limit,
    /// A request from the first position on is not whole within the limit, or in all there is.
    Within { first: u64, last: u64 },
}

impl Weave<'_> {
    /// The next events and who has them; none at the end of all sources.
    fn ask(&self, sources: &mut [&mut dyn Source]) -> Result<Option<(usize, Piece)>, Error> {
        // A source that is trusted more has something again after here.
        let mut missing: Option<u64> = None;
        for (index, source) in sources.iter_mut().enumerate() {
            let answer = source.read(self.next).map_err(|error| Error::Source {
                name: source.name().to_owned(),
                position: self.next,
                source: error,
            })?;
            match answer {
                Answer::Events(mut piece) => {
                    self.check(source.name(), &piece)?;
                    let room = missing.map_or(u64::MAX, |last| last - self.next + 1);
                    let room = usize::try_from(room).unwrap_or(usize::MAX);
                    if piece.records.len() > room {
                        piece.request_ends = None;
                        piece.records.truncate(room);
                    }
                    return Ok(Some((index, piece)));
                }
                Answer::Missing { last } => {
                    let last = last.max(self.next);
                    missing = Some(missing.map_or(last, |known| known.min(last)));
                }
                Answer::End => {}
            }
        }
        let first = self.next;
        match missing {
            // Nothing beyond the limit is missed.
            Some(last) if first <= self.until.position => Err(Error::Missing { first, last }),
            _ => Ok(None),
        }
    }

    fn check(&self, name: &str, piece: &Piece) -> Result<(), Error> {
        let mut known = self.known_micros;
        for (position, record) in (self.next..).zip(&piece.records) {
            let reason = if record.position != position {
                "it gives another position"
            } else if record.known_micros < known {
                "its time is before that of the event before"
            } else {
                known = record.known_micros;
                continue;
            };
            return Err(self.contradiction(name, position, reason));
        }
        if piece.records.is_empty() {
            return Err(self.contradiction(name, self.next, "it gives no event"));
        }
        match piece.proof {
            Proof::Hash(before) if before != self.hash => {
                let reason = "the running hash of what comes before is another";
                Err(self.contradiction(name, self.next - 1, reason))
            }
            _ => Ok(()),
        }
    }

    fn contradiction(&self, name: &str, position: u64, reason: &'static str) -> Error {
        let from = self.unproven_from.unwrap_or(self.next.saturating_sub(1));
        let since = self.stretches.iter().filter(|stretch| stretch.last >= from);
        let given: Vec<String> = since.map(ToString::to_string).collect();
        let given = if given.is_empty() {
            "nothing came from others before".to_owned()
        } else {
            given.join(", ")
        };
        Error::Contradiction {
            name: name.to_owned(),
            position,
            reason,
            given,
        }
    }

    fn take(
        &mut self,
        index: usize,
        piece: Piece,
        sources: &[&mut dyn Source],
    ) -> Result<(), Error> {
        let name = sources[index].name().to_owned();
        match piece.proof {
            Proof::Hash(_) => self.unproven_from = None,
            Proof::Checksum => {}
            Proof::Word => {
                self.unproven_from.get_or_insert(self.next);
            }
        }
        let ends = piece.request_ends;
        for record in piece.records {
            self.take_one(record)?;
            if self.stop.is_some() {
                return Ok(());
            }
            match self.stretches.last_mut() {
                Some(stretch) if stretch.name == name => stretch.last = self.next - 1,
                _ => self.stretches.push(Stretch {
                    name: name.clone(),
                    first: self.next - 1,
                    last: self.next - 1,
                }),
            }
            self.compare(sources)?;
        }
        self.request_ends = ends;
        Ok(())
    }

    fn take_one(&mut self, record: Record) -> Result<(), Error> {
        let goes_on = self
            .request
            .last()
            .is_some_and(|last| last.request_id == record.request_id);
        if !goes_on {
            self.keep_request()?;
            if record.position > self.until.position
                || record.known_micros > self.until.known_micros
            {
                self.stop = Some(Stop::Limit);
                return Ok(());
            }
            self.hash_before_request = self.hash;
        } else if record.position > self.until.position {
            let first = self.request.first().map_or(0, |first| first.position);
            let last = record.position;
            self.stop = Some(Stop::Within { first, last });
            return Ok(());
        }
        let event = EventRef {
            known_micros: record.known_micros,
            request_id: &record.request_id,
            subject: &record.subject,
            payload: &record.payload,
        };
        let leaf = leaf(record.position, event);
        self.hash = link(&self.hash, &leaf);
        if self
            .signed
            .is_some_and(|signed| record.position <= signed.size)
        {
            self.tree.push(leaf);
        }
        self.known_micros = record.known_micros;
        self.next = record.position + 1;
        self.request.push(record);
        if self.request.len() > REQUEST_EVENTS_MAX {
            let name = self.stretches.last().map_or("", |stretch| &stretch.name);
            let reason = "a request has more events than a request can";
            return Err(self.contradiction(name, self.next - 1, reason));
        }
        Ok(())
    }

    /// Holds what was taken against what sources know of the present position.
    fn compare(&mut self, sources: &[&mut dyn Source]) -> Result<(), Error> {
        let position = self.next - 1;
        if let Some(signed) = self.signed.filter(|signed| signed.size == position) {
            let unneeded = |_, _| Ok(Vec::new());
            let root = self.tree.root(position, &mut { unneeded });
            if !root.is_ok_and(|root| root == signed.root) {
                let reason = "the tree over the events is not the one that was signed";
                return Err(self.contradiction(&signed.origin, position, reason));
            }
            self.unproven_from = None;
        }
        for source in sources {
            if let Some((sealed, hash)) = source.sealed()
                && sealed == position
            {
                if hash != self.hash {
                    let reason = "the running hash at its end is another";
                    return Err(self.contradiction(source.name(), position, reason));
                }
                self.unproven_from = None;
            }
        }
        Ok(())
    }

    fn keep_request(&mut self) -> Result<(), Error> {
        for record in self.request.drain(..) {
            let position = record.position;
            (self.keep)(record).map_err(|source| Error::Target { position, source })?;
        }
        Ok(())
    }

    fn finish(mut self, sources: &[&mut dyn Source]) -> Result<Restored, Error> {
        if self.stop.is_none() {
            let name = self.stretches.last().map(|stretch| stretch.name.clone());
            match self.request_ends {
                Some(true) => self.keep_request()?,
                Some(false) => {
                    let first = self.request.first().map_or(0, |first| first.position);
                    let last = self.next - 1;
                    self.stop = Some(Stop::Within { first, last });
                }
                None => {
                    return Err(Error::RequestUnknown {
                        name: name.unwrap_or_default(),
                        position: self.next - 1,
                    });
                }
            }
        }
        let unfinished = self.request.first().map(|first| first.position);
        if unfinished.is_some() {
            self.hash = self.hash_before_request;
        }
        let head = unfinished.unwrap_or(self.next) - 1;
        let sealed = sources.iter().filter_map(|source| source.sealed());
        let sealed = sealed.map(|(last, _)| last);
        let known = sealed.chain(self.signed.map(|signed| signed.size)).max();
        let last = known.unwrap_or(0).min(self.until.position);
        if self.stop.is_none() && last > head {
            let first = head + 1;
            return Err(Error::Missing { first, last });
        }
        self.stretches.retain(|stretch| stretch.first <= head);
        if let Some(stretch) = self.stretches.last_mut() {
            stretch.last = stretch.last.min(head);
        }
        Ok(Restored {
            head,
            hash: self.hash,
            stretches: self.stretches,
            unproven_from: self.unproven_from.filter(|from| *from <= head),
            left_out: match self.stop {
                Some(Stop::Within { first, last }) => Some((first, last)),
                Some(Stop::Limit) | None => None,
            },
        })
    }
}

/// A backup that was read through and found whole.
#[derive(Debug)]
pub struct ArchiveSource<R> {
    reader: archive::Reader<R>,
    closing: archive::Closing,
    part: Option<archive::Part>,
    name: String,
}

impl<R: std::io::Read> ArchiveSource<R> {
    /// Takes a backup from its beginning, and the closing record that a first reading of it gave.
    ///
    /// # Errors
    /// What [`archive::Reader::open`] says.
    pub fn new(
        input: R,
        closing: archive::Closing,
        name: String,
    ) -> Result<ArchiveSource<R>, archive::Error> {
        Ok(ArchiveSource {
            reader: archive::Reader::open(input)?,
            closing,
            part: None,
            name,
        })
    }
}

impl<R> ArchiveSource<R> {
    /// What stands at the end of the backup.
    #[must_use]
    pub fn closing(&self) -> &archive::Closing {
        &self.closing
    }
}

impl<R: std::io::Read> Source for ArchiveSource<R> {
    fn name(&self) -> &str {
        &self.name
    }

    fn read(&mut self, from: u64) -> Result<Answer, BoxError> {
        let is_before =
            |part: &archive::Part| part.records.last().is_none_or(|last| last.position < from);
        while self.part.as_ref().is_none_or(is_before) {
            self.part = self.reader.next_part()?;
            if self.part.is_none() {
                return Ok(Answer::End);
            }
        }
        let Some(part) = &self.part else {
            return Ok(Answer::End);
        };
        let mut before = part.before;
        let earlier = part
            .records
            .iter()
            .take_while(|record| record.position < from);
        for record in earlier {
            let event = EventRef {
                known_micros: record.known_micros,
                request_id: &record.request_id,
                subject: &record.subject,
                payload: &record.payload,
            };
            before = chain(&before, record.position, event);
        }
        let wanted = part.records.iter().filter(|record| record.position >= from);
        let records: Vec<Record> = wanted.cloned().collect();
        let last = records.last().map_or(0, |last| last.position);
        Ok(Answer::Events(Piece {
            proof: Proof::Hash(before),
            request_ends: (last == self.closing.events).then_some(true),
            records,
        }))
    }

    fn sealed(&self) -> Option<(u64, [u8; 32])> {
        Some((self.closing.events, self.closing.hash))
    }
}
