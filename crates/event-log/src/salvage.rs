//! What is healthy in the files of a damaged log, found without sled and without writing a byte.
//!
//! sled's file is itself a log, which sled replays when it opens it, and one flipped bit can stop that: depending on
//! where it lies, sled takes it for an unfinished write and drops everything after it, or it panics.
//! Opening a damaged log can therefore lose what is still there, and a restore must not.
//! But chunks say themselves what they are (see `chunk`): they begin with a mark, tell their length, their positions
//! and the hash of what came before, and end in a checksum.
//! sled writes values as they are and in one piece, so all chunks are found by reading its file from end to end.
//!
//! There are more copies than chunks: sled writes neighbours anew when it tidies up, and small chunks are merged into
//! large ones, which are both found.
//! The journal is read as it is when a log is opened; what was settled but is still there counts, too.
//! All tell of the same events. Where two whole chunks do not (a write that was taken back on a full disk), the one
//! counts that the next chunk's hash follows from.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Read;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use crate::checkpoint::{KEPT_FILE, notes};
use crate::chunk::{self, Chunk, EventRef, GENESIS, HEADER_BYTES, Hash, MAGIC};
use crate::journal::{self, Commit};
use crate::limits::{CHUNK_BYTES_MAX, CHUNK_EVENTS_MAX};
use crate::restore::{Answer, BoxError, Piece, Proof, Source};
use crate::types::hex;
use crate::{Checkpoint, Damage, Error, NewEvent, Record, Verification};

/// Bytes read at once; each block begins with the end of the one before, so that no chunk is cut.
const BLOCK_BYTES: usize = 8 * 1024 * 1024;

/// The healthy chunks in a directory that nobody has open.
#[derive(Debug)]
pub struct Salvage {
    name: String,
    files: Vec<File>,
    /// By first position; several if copies differ.
    whole: BTreeMap<u64, Vec<Place>>,
    /// The commits in the journal, settled or not, by first position.
    commits: BTreeMap<u64, Commit>,
    /// First and last position of what begins like a chunk and does not have its checksum.
    broken: Vec<(u64, u64)>,
    signed: Option<Checkpoint>,
    /// Bytes read so far.
    bytes: u64,
    /// Held so that nobody opens the log meanwhile.
    _lock: Option<File>,
}

/// Where a chunk lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Place {
    file: usize,
    offset: u64,
    bytes: usize,
    last: u64,
    before: Hash,
    crc: u32,
}

impl Salvage {
    /// Looks through the files of the log in `directory`, which is told as `name`; tells `progress` the bytes read.
    ///
    /// # Errors
    /// [`Error::Io`] if the files cannot be read, [`Error::Locked`] if somebody has the log open.
    pub fn scan(
        directory: &Path,
        name: String,
        mut progress: impl FnMut(u64),
    ) -> Result<Salvage, Error> {
        let lock = lock(directory)?;
        let mut salvage = Salvage {
            name,
            files: Vec::new(),
            whole: BTreeMap::new(),
            commits: BTreeMap::new(),
            broken: Vec::new(),
            signed: signed(directory)?,
            bytes: 0,
            _lock: lock,
        };
        for path in files(directory)? {
            let file = File::open(&path).map_err(Error::io("read the log's files"))?;
            salvage.files.push(file);
            salvage.look_through(salvage.files.len() - 1, &mut progress)?;
        }
        salvage.read_journal(directory)?;
        Ok(salvage)
    }

    /// The commits that are whole in the journal; only the newest have not been settled.
    fn read_journal(&mut self, directory: &Path) -> Result<(), Error> {
        for half in 0..2 {
            let bytes = match fs::read(directory.join(format!("journal-{half}"))) {
                Ok(bytes) => bytes,
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
                Err(error) => return Err(Error::io("read the journal")(error)),
            };
            let found = journal::recover(half, &bytes).commits;
            let commits = found.into_iter().filter(|commit| commit.count > 0);
            self.commits
                .extend(commits.map(|commit| (commit.first, commit)));
        }
        Ok(())
    }

    /// Bytes of the files that are looked through.
    ///
    /// # Errors
    /// [`Error::Io`] if they cannot be read.
    pub fn bytes_in(directory: &Path) -> Result<u64, Error> {
        let sizes = files(directory)?.into_iter().map(|path| {
            let meta = fs::metadata(path).map_err(Error::io("read the log's files"))?;
            Ok(meta.len())
        });
        sizes.sum()
    }

    fn look_through(&mut self, file: usize, progress: &mut impl FnMut(u64)) -> Result<(), Error> {
        let mut block = Vec::new();
        let mut offset = 0;
        loop {
            let read = (&self.files[file])
                .take(BLOCK_BYTES as u64)
                .read_to_end(&mut block)
                .map_err(Error::io("read the log's files"))?;
            self.bytes += read as u64;
            progress(self.bytes);
            let is_end = read == 0;
            // What begins near the end may go on in the next block.
            let until = if is_end {
                block.len()
            } else {
                block.len().saturating_sub(CHUNK_BYTES_MAX)
            };
            self.look_at(file, offset, &block, until);
            if is_end {
                return Ok(());
            }
            block.drain(..until);
            offset += until as u64;
        }
    }

    /// Takes the chunks that begin before `until`.
    fn look_at(&mut self, file: usize, offset: u64, block: &[u8], until: usize) {
        let mut at = 0;
        while let Some(found) = block[at..until].iter().position(|byte| *byte == MAGIC[0]) {
            at += found;
            if block[at..].starts_with(&MAGIC)
                && let Some(bytes) = self.take(file, offset + at as u64, &block[at..])
            {
                at += bytes;
                if at >= until {
                    return;
                }
            } else {
                at += 1;
            }
        }
    }

    /// Takes what begins here if it is a chunk; gives its length if it is whole.
    fn take(&mut self, file: usize, offset: u64, rest: &[u8]) -> Option<usize> {
        let fixed = rest.get(..HEADER_BYTES)?;
        let first = u64::from_be_bytes(fixed[8..16].try_into().ok()?);
        let body = u32::from_be_bytes(fixed[24..28].try_into().ok()?) as usize;
        let value = rest.get(..HEADER_BYTES.checked_add(body)?)?;
        let header = chunk::header(first, value).ok()?;
        if chunk::decode(first, value).is_err() {
            self.broken.push((first, header.last()));
            return None;
        }
        let place = Place {
            file,
            offset,
            bytes: value.len(),
            last: header.last(),
            before: header.before,
            crc: u32::from_be_bytes(fixed[76..80].try_into().ok()?),
        };
        let places = self.whole.entry(first).or_default();
        let is_copy = |other: &Place| {
            (other.last, other.before, other.crc) == (place.last, place.before, place.crc)
        };
        if !places.iter().any(is_copy) {
            places.push(place);
        }
        Some(value.len())
    }

    /// The newest tree head that the log signed and kept; its signature is not checked.
    #[must_use]
    pub fn signed(&self) -> Option<&Checkpoint> {
        self.signed.as_ref()
    }

    /// The last position that anything tells of: a whole chunk or commit, the header of a broken chunk right behind,
    /// or the newest signed tree head.
    #[must_use]
    pub fn head(&self) -> u64 {
        let lasts = self.whole.values().flatten().map(|place| place.last);
        let commits = self.commits.values().map(Commit::last);
        let mut head = lasts.chain(commits).max().unwrap_or(0);
        let mut broken = self.broken.clone();
        broken.sort_unstable();
        for (first, last) in broken {
            if first <= head + 1 && last > head {
                head = last;
            }
        }
        head.max(self.signed.as_ref().map_or(0, |signed| signed.size))
    }

    /// Reads all there is and checks it as [`crate::Log::verify`] does, up to `head` or what is there.
    ///
    /// # Errors
    /// [`Error::Io`] if the files cannot be read.
    pub fn verify(&self, head: u64, mut progress: impl FnMut(u64)) -> Result<Verification, Error> {
        let head = head.max(self.head());
        let mut found = Verification {
            events: 0,
            chunks: 0,
            last_hash: String::new(),
            damages: Vec::new(),
        };
        let (mut next, mut hash) = (1, Some(GENESIS));
        while next <= head {
            match self.piece(next)? {
                Some(piece) => {
                    let last = next + piece.records.len() as u64 - 1;
                    let is_other = |before| hash.is_some_and(|hash| hash != before);
                    if let Proof::Hash(before) = piece.proof {
                        if is_other(before) {
                            found.damages.push(Damage {
                                first: next,
                                last,
                                reason: "the running hash does not follow".into(),
                            });
                        }
                        hash = Some(before);
                        found.chunks += 1;
                    }
                    hash = hash.map(|hash| chained(hash, &piece.records));
                    found.events += piece.records.len() as u64;
                    next = last + 1;
                    progress(last);
                }
                None => {
                    let last = self.next_after(next).map_or(head, |first| first - 1);
                    found.damages.push(self.damage(next, last));
                    (next, hash) = (last + 1, None);
                }
            }
        }
        found.last_hash = hash.map(|hash| hex(&hash)).unwrap_or_default();
        Ok(found)
    }

    fn damage(&self, first: u64, last: u64) -> Damage {
        let overlaps = |(from, to): &(u64, u64)| *from <= last && first <= *to;
        let reason = if self.broken.iter().any(overlaps) {
            "the checksum does not match"
        } else {
            "the chunk is missing"
        };
        Damage {
            first,
            last,
            reason: reason.into(),
        }
    }

    /// First position of the next whole chunk or commit that begins after `position`.
    fn next_after(&self, position: u64) -> Option<u64> {
        let from = position.checked_add(1)?;
        let chunk = self.whole.range(from..).next().map(|(first, _)| *first);
        let commit = self.commits.range(from..).next().map(|(first, _)| *first);
        chunk.into_iter().chain(commit).min()
    }

    /// The events from `position` on that one chunk or commit holds.
    fn piece(&self, position: u64) -> Result<Option<Piece>, Error> {
        if let Some(chunk) = self.covering(position)? {
            let mut before = chunk.header.before;
            for (at, event) in (chunk.header.first..position).zip(chunk.events()) {
                before = chunk::chain(&before, at, event);
            }
            return Ok(Some(Piece {
                records: chunk.records(position).collect(),
                proof: Proof::Hash(before),
                request_ends: Some(!chunk.header.continues),
            }));
        }
        let commit = self.commits.range(..=position).next_back();
        let commit = commit.filter(|(_, commit)| commit.last() >= position);
        Ok(commit.map(|(_, commit)| {
            let record = |(at, id, event): (u64, &[u8; 16], &NewEvent)| Record {
                position: at,
                known_micros: commit.known_micros,
                request_id: *id,
                subject: event.subject.clone(),
                payload: event.payload.clone(),
            };
            let records = commit.events().map(record);
            Piece {
                records: records
                    .filter(|record| record.position >= position)
                    .collect(),
                proof: Proof::Checksum,
                request_ends: Some(true),
            }
        }))
    }

    /// The chunk that tells of `position`: of several the one that the next fits to, else the largest.
    fn covering(&self, position: u64) -> Result<Option<Chunk>, Error> {
        let from = position.saturating_sub(CHUNK_EVENTS_MAX as u64);
        let mut best: Option<(bool, u64, Chunk)> = None;
        for (first, places) in self.whole.range(from..=position).rev() {
            for place in places.iter().filter(|place| place.last >= position) {
                let chunk = self.read_chunk(*first, place)?;
                let Some(chunk) = chunk else { continue };
                let after = chunk.after();
                let next = self.whole.get(&(place.last + 1));
                let fits = next.is_some_and(|next| next.iter().any(|next| next.before == after));
                let rank = (fits, place.last);
                if best
                    .as_ref()
                    .is_none_or(|(fits, last, _)| rank > (*fits, *last))
                {
                    best = Some((fits, place.last, chunk));
                }
            }
            // A chunk that begins here is found at once in a healthy stretch.
            if best.is_some() {
                break;
            }
        }
        Ok(best.map(|(_, _, chunk)| chunk))
    }

    fn read_chunk(&self, first: u64, place: &Place) -> Result<Option<Chunk>, Error> {
        let mut value = vec![0; place.bytes];
        self.files[place.file]
            .read_exact_at(&mut value, place.offset)
            .map_err(Error::io("read the log's files"))?;
        // It was whole a moment ago; if it is not any more, the disk is failing, and it counts as missing.
        Ok(chunk::decode(first, &value).ok())
    }
}

impl Source for Salvage {
    fn name(&self) -> &str {
        &self.name
    }

    fn read(&mut self, from: u64) -> Result<Answer, BoxError> {
        Ok(match self.piece(from)? {
            Some(piece) => Answer::Events(piece),
            None => match self.next_after(from) {
                Some(first) => Answer::Missing { last: first - 1 },
                None => Answer::End,
            },
        })
    }
}

fn signed(directory: &Path) -> Result<Option<Checkpoint>, Error> {
    let text = match fs::read(directory.join(KEPT_FILE)) {
        Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(Error::io("read the signed tree heads")(error)),
    };
    let whole = notes(&text).filter_map(|(_, note)| Checkpoint::parse(note).ok());
    Ok(whole.max_by_key(|checkpoint| checkpoint.size))
}

/// The running hash after some more events.
fn chained(before: Hash, records: &[Record]) -> Hash {
    records.iter().fold(before, |hash, record| {
        let event = EventRef {
            known_micros: record.known_micros,
            request_id: &record.request_id,
            subject: &record.subject,
            payload: &record.payload,
        };
        chunk::chain(&hash, record.position, event)
    })
}

/// sled's log, and the values that it puts into files of their own.
fn files(directory: &Path) -> Result<Vec<PathBuf>, Error> {
    let sled = directory.join("sled");
    let mut files = vec![sled.join("db")];
    match fs::read_dir(sled.join("blobs")) {
        Ok(entries) => {
            for entry in entries {
                files.push(entry.map_err(Error::io("list the log's files"))?.path());
            }
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => return Err(Error::io("list the log's files")(error)),
    }
    Ok(files)
}

/// Shares the lock with other readers; a log that is being written is asked through its service.
fn lock(directory: &Path) -> Result<Option<File>, Error> {
    let lock = match File::open(directory.join("lock")) {
        Ok(lock) => lock,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(Error::io("open the lock")(error)),
    };
    match lock.try_lock_shared() {
        Ok(()) => Ok(Some(lock)),
        Err(fs::TryLockError::WouldBlock) => Err(Error::Locked {
            directory: directory.to_owned(),
        }),
        Err(fs::TryLockError::Error(error)) => Err(Error::io("lock the log")(error)),
    }
}
