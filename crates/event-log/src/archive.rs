//! A backup of a log in one file, format version 1.
//!
//! A backup is what a log says, not how it lies on a disk: any version of the log can be restored from it, and it
//! can be read from a tape or a pipe, for nothing in it points back.
//!
//! ```text
//! tiendo log backup v1                 a header of text lines; an empty line ends it
//! origin tiendo/khanh-hoa              whose log it is
//! head 26275                           position of the last event; the first one is 1
//! known 1690000000000000 1795…         known times of the first and last event, in microseconds; `0 0` if none
//! made 1795315728000000                when the backup was begun, in microseconds
//!
//! u32 n > 0, n bytes                   a chunk as in `chunk`; again and again, in order, without a gap
//! u32 0                                the closing record:
//!   u64                                  number of events
//!   32 bytes                             running hash after the last event
//!   u32 n, n bytes                       the newest signed checkpoint as text; n may be 0
//!   32 bytes                             SHA-256 of every byte of the file before these
//! ```
//!
//! Integers are big-endian. No request is cut between two calls of the encoder, so that a chunk's flag
//! "goes on in the next chunk" is always right.
//!
//! Whoever reads trusts nothing: lengths are bounded before anything is allocated, each chunk is checked against its
//! checksum, its position, the time and the running hash before it, and the file as a whole against its closing record.
//! A file without one was cut short and is refused as [`Error::Incomplete`], whatever it holds.
//! The writer decodes every chunk again before it writes it, so that a fault of memory or of the encoder is found
//! while the log is still there.

use std::io::{self, BufReader, Read, Write};

use sha2::{Digest, Sha256};

use crate::chunk::{self, Encoder, EventRef, GENESIS, Packed};
use crate::limits::{CHUNK_BYTES_MAX, PAYLOAD_BYTES_MAX, SUBJECT_BYTES_MAX};
use crate::{Record, types};

/// The format version that is written, and the newest that is read.
pub const VERSION: u32 = 1;
/// Most bytes of a signed checkpoint.
pub const CHECKPOINT_BYTES_MAX: usize = 64 * 1024;
/// Most bytes of an origin.
pub const ORIGIN_BYTES_MAX: usize = 255;

const MAGIC: &str = "tiendo log backup v";
/// The header is far shorter; a file without an empty line by then is something else.
const HEADER_BYTES_MAX: usize = 1024;
/// Events are packed once so many bytes wait, and the request that brought the last of them is whole.
const PACK_BYTES: usize = 4 * 1024 * 1024;
/// The same in events.
const PACK_EVENTS: usize = 16 * 1024;

/// Why a backup cannot be written or read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The file, or whatever takes its place, failed.
    #[error("cannot {doing} the backup")]
    Io {
        /// What was attempted.
        doing: &'static str,
        /// What the system said.
        source: io::Error,
    },
    /// It does not begin like a backup.
    #[error("this is no backup of a log: {reason}")]
    Unknown {
        /// What is wrong with it.
        reason: &'static str,
    },
    /// Written by a newer version of this program.
    #[error("the backup has format version {found}, this program supports {VERSION}")]
    FormatVersion {
        /// What the file says.
        found: u32,
    },
    /// It was cut short, or its writer never came to an end.
    #[error(
        "the backup is incomplete: it ends at byte {offset}, after position {position} of {head}, \
         without its closing record"
    )]
    Incomplete {
        /// Bytes that are there.
        offset: u64,
        /// The last position that was read whole.
        position: u64,
        /// The last position that it should hold; 0 if the header itself is cut short.
        head: u64,
    },
    /// Its bytes are not those that were written.
    #[error("the backup is damaged at byte {offset}, positions {first} to {last}: {reason}")]
    Damaged {
        /// Where the damaged part begins.
        offset: u64,
        /// First position touched.
        first: u64,
        /// Last position touched.
        last: u64,
        /// What is wrong.
        reason: &'static str,
    },
    /// What was handed to the writer does not make a backup.
    #[error("position {position} cannot be backed up: {reason}")]
    Unfit {
        /// The position concerned.
        position: u64,
        /// What is wrong.
        reason: &'static str,
    },
}

impl Error {
    /// The stable code of this kind of error.
    #[must_use]
    pub fn reason(&self) -> &'static str {
        match self {
            Error::Io { .. } => "BACKUP_IO",
            Error::Unknown { .. } => "BACKUP_UNKNOWN",
            Error::FormatVersion { .. } => "BACKUP_FORMAT_VERSION",
            Error::Incomplete { .. } => "BACKUP_INCOMPLETE",
            Error::Damaged { .. } => "BACKUP_DAMAGED",
            Error::Unfit { .. } => "BACKUP_UNFIT",
        }
    }
}

/// What a backup says of itself before its events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manifest {
    /// Whose log it is: one line of 1 to [`ORIGIN_BYTES_MAX`] bytes.
    pub origin: String,
    /// Position of its last event; 0 when there is none.
    pub head: u64,
    /// When the log took the first event, in microseconds since the Unix epoch; 0 when there is none.
    pub known_first: i64,
    /// When the log took the last event; 0 when there is none.
    pub known_last: i64,
    /// When the backup was begun, in microseconds since the Unix epoch.
    pub made_micros: i64,
}

impl Manifest {
    fn text(&self) -> String {
        let Manifest {
            origin,
            head,
            known_first,
            known_last,
            made_micros,
        } = self;
        format!(
            "{MAGIC}{VERSION}\norigin {origin}\nhead {head}\nknown {known_first} {known_last}\nmade {made_micros}\n\n"
        )
    }

    fn parse(text: &str) -> Option<Manifest> {
        let mut lines = text.lines().skip(1);
        let mut line = |name: &str| lines.next()?.strip_prefix(name)?.strip_prefix(' ');
        let origin = line("origin")?.to_owned();
        let head = line("head")?.parse().ok()?;
        let (known_first, known_last) = line("known")?.split_once(' ')?;
        let manifest = Manifest {
            origin,
            head,
            known_first: known_first.parse().ok()?,
            known_last: known_last.parse().ok()?,
            made_micros: line("made")?.parse().ok()?,
        };
        // One form only: `+7`, `007` and a further line are refused.
        (manifest.fault().is_none() && manifest.text() == text).then_some(manifest)
    }

    fn fault(&self) -> Option<&'static str> {
        let origin = &self.origin;
        if origin.is_empty() || origin.len() > ORIGIN_BYTES_MAX || origin.contains(char::is_control)
        {
            Some("the origin is not one line of 1 to 255 bytes")
        } else if self.known_last < self.known_first {
            Some("the time runs backwards")
        } else if self.head == u64::MAX {
            Some("the head is impossible")
        } else {
            None
        }
    }
}

/// What stands at the end of a backup.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Closing {
    /// Number of events.
    pub events: u64,
    /// Running hash after the last event.
    pub hash: [u8; 32],
    /// The log's newest signed checkpoint when the backup was made; empty if there was none.
    pub checkpoint: String,
    /// SHA-256 of the file up to this digest itself.
    pub digest: [u8; 32],
    /// Bytes of the whole file.
    pub bytes: u64,
}

impl Closing {
    /// The running hash as hexadecimal digits.
    #[must_use]
    pub fn hash_hex(&self) -> String {
        types::hex(&self.hash)
    }
}

/// Writes a backup.
#[derive(Debug)]
pub struct Writer<W> {
    out: Counted<W>,
    packer: Packer,
    manifest: Manifest,
}

/// A writer that counts and hashes what goes through.
#[derive(Debug)]
struct Counted<W> {
    out: W,
    sha: Sha256,
    bytes: u64,
}

impl<W: Write> Counted<W> {
    fn write(&mut self, bytes: &[u8]) -> Result<(), Error> {
        let written = self.out.write_all(bytes);
        written.map_err(|source| Error::Io {
            doing: "write",
            source,
        })?;
        self.sha.update(bytes);
        self.bytes += bytes.len() as u64;
        Ok(())
    }
}

/// Gathers events until there are enough for good chunks.
struct Packer {
    encoder: Encoder,
    waiting: Vec<Record>,
    bytes: usize,
    /// The position expected next.
    next: u64,
    /// Running hash before the first event that waits.
    hash: [u8; 32],
    known_micros: i64,
}

impl std::fmt::Debug for Packer {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Packer")
            .field("next", &self.next)
            .finish_non_exhaustive()
    }
}

impl<W: Write> Writer<W> {
    /// Begins a backup; what follows must be the events 1 to `manifest.head`.
    ///
    /// # Errors
    /// [`Error::Unfit`] if the manifest cannot be, [`Error::Io`].
    pub fn begin(out: W, manifest: Manifest) -> Result<Writer<W>, Error> {
        if let Some(reason) = manifest.fault() {
            let position = manifest.head;
            return Err(Error::Unfit { position, reason });
        }
        let mut out = Counted {
            out,
            sha: Sha256::new(),
            bytes: 0,
        };
        out.write(manifest.text().as_bytes())?;
        let encoder = Encoder::new().map_err(|source| Error::Io {
            doing: "compress",
            source,
        })?;
        let packer = Packer {
            encoder,
            waiting: Vec::new(),
            bytes: 0,
            next: 1,
            hash: GENESIS,
            known_micros: manifest.known_first,
        };
        Ok(Writer {
            out,
            packer,
            manifest,
        })
    }

    /// What the backup is written to.
    pub fn get_mut(&mut self) -> &mut W {
        &mut self.out.out
    }

    /// Adds the next event.
    ///
    /// # Errors
    /// [`Error::Unfit`] if it is not the next one, or no event of a log; [`Error::Io`].
    pub fn push(&mut self, record: Record) -> Result<(), Error> {
        self.packer.check(&record, &self.manifest)?;
        let same_request = self
            .packer
            .waiting
            .last()
            .is_some_and(|last| last.request_id == record.request_id);
        let enough = self.packer.bytes >= PACK_BYTES || self.packer.waiting.len() >= PACK_EVENTS;
        if enough && !same_request {
            self.flush()?;
        }
        self.packer.take(record);
        Ok(())
    }

    fn flush(&mut self) -> Result<(), Error> {
        for value in self.packer.pack()? {
            let length = u32::try_from(value.len()).unwrap_or(u32::MAX);
            self.out.write(&length.to_be_bytes())?;
            self.out.write(&value)?;
        }
        Ok(())
    }

    /// Ends the backup with the log's newest signed checkpoint, or an empty text; syncing is the caller's.
    ///
    /// # Errors
    /// [`Error::Unfit`] if events are missing or the checkpoint is too long, [`Error::Io`].
    pub fn finish(mut self, checkpoint: &str) -> Result<(W, Closing), Error> {
        let unfit = |position, reason| Err(Error::Unfit { position, reason });
        if self.packer.next != self.manifest.head + 1 {
            return unfit(self.packer.next, "it is missing");
        }
        if checkpoint.len() > CHECKPOINT_BYTES_MAX {
            return unfit(self.manifest.head, "its checkpoint is too long");
        }
        self.flush()?;
        if self.manifest.head > 0 && self.packer.known_micros != self.manifest.known_last {
            return unfit(self.manifest.head, "its time is not the manifest's");
        }
        let (events, hash) = (self.manifest.head, self.packer.hash);
        let length = u32::try_from(checkpoint.len()).unwrap_or(u32::MAX);
        self.out.write(&0_u32.to_be_bytes())?;
        self.out.write(&events.to_be_bytes())?;
        self.out.write(&hash)?;
        self.out.write(&length.to_be_bytes())?;
        self.out.write(checkpoint.as_bytes())?;
        let digest: [u8; 32] = self.out.sha.clone().finalize().into();
        self.out.write(&digest)?;
        self.out.out.flush().map_err(|source| Error::Io {
            doing: "write",
            source,
        })?;
        let closing = Closing {
            events,
            hash,
            checkpoint: checkpoint.to_owned(),
            digest,
            bytes: self.out.bytes,
        };
        Ok((self.out.out, closing))
    }
}

impl Packer {
    fn check(&self, record: &Record, manifest: &Manifest) -> Result<(), Error> {
        let reason = if record.position != self.next {
            "it is not the next one"
        } else if record.position > manifest.head {
            "it is beyond the head"
        } else if record.known_micros < self.known_micros {
            "its time is before that of the event before"
        } else if record.position == 1 && record.known_micros != manifest.known_first {
            "its time is not the manifest's"
        } else if record.subject.len() > SUBJECT_BYTES_MAX {
            "its subject is too long"
        } else if record.payload.len() > PAYLOAD_BYTES_MAX {
            "its payload is too long"
        } else {
            return Ok(());
        };
        let position = record.position;
        Err(Error::Unfit { position, reason })
    }

    fn take(&mut self, record: Record) {
        self.bytes += record.subject.len() + record.payload.len();
        self.next += 1;
        self.known_micros = record.known_micros;
        self.waiting.push(record);
    }

    /// The chunks of what waits, each decoded again and found to be what it should.
    fn pack(&mut self) -> Result<Vec<Vec<u8>>, Error> {
        let Some(first) = self.waiting.first().map(|record| record.position) else {
            return Ok(Vec::new());
        };
        let events: Vec<EventRef<'_>> = self.waiting.iter().map(event_ref).collect();
        let packed = self.encoder.pack(first, self.hash, &events);
        let Packed { chunks, after, .. } = packed.map_err(|source| Error::Io {
            doing: "compress",
            source,
        })?;
        let mut values = Vec::with_capacity(chunks.len());
        let mut expected = self.waiting.iter();
        let mut hash = self.hash;
        for (position, value) in chunks {
            let unfit = |reason| Error::Unfit { position, reason };
            let decoded = chunk::decode(position, &value).map_err(unfit)?;
            let whole = decoded.header.before == hash
                && decoded
                    .records(position)
                    .all(|record| expected.next() == Some(&record));
            if !whole {
                return Err(unfit("it does not read back as it was written"));
            }
            hash = decoded.after();
            values.push(value);
        }
        if hash != after || expected.next().is_some() {
            let reason = "it does not read back as it was written";
            return Err(Error::Unfit {
                position: first,
                reason,
            });
        }
        self.hash = after;
        self.waiting.clear();
        self.bytes = 0;
        Ok(values)
    }
}

fn event_ref(record: &Record) -> EventRef<'_> {
    EventRef {
        known_micros: record.known_micros,
        request_id: &record.request_id,
        subject: &record.subject,
        payload: &record.payload,
    }
}

/// Some events of a backup, and the running hash around them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// The events, at least one.
    pub records: Vec<Record>,
    /// Running hash before the first of them.
    pub before: [u8; 32],
    /// Running hash after the last of them.
    pub after: [u8; 32],
}

/// Reads a backup.
///
/// Nothing of it is proven before [`Reader::next_part`] has given `None`: only then the closing record was compared.
#[derive(Debug)]
pub struct Reader<R> {
    input: Hashed<BufReader<R>>,
    manifest: Manifest,
    next: u64,
    hash: [u8; 32],
    known_micros: i64,
    /// The request that goes on in the next chunk.
    continued: Option<[u8; 16]>,
    closing: Option<Closing>,
}

/// A reader that counts and hashes what goes through.
#[derive(Debug)]
struct Hashed<R> {
    input: R,
    sha: Sha256,
    bytes: u64,
}

impl<R: Read> Hashed<R> {
    /// Fills `buffer`, or says that the file ended.
    fn fill(&mut self, buffer: &mut [u8]) -> Result<bool, Error> {
        let mut filled = 0;
        while filled < buffer.len() {
            match self.input.read(&mut buffer[filled..]) {
                Ok(0) => break,
                Ok(read) => filled += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(source) => {
                    return Err(Error::Io {
                        doing: "read",
                        source,
                    });
                }
            }
        }
        self.sha.update(&buffer[..filled]);
        self.bytes += filled as u64;
        Ok(filled == buffer.len())
    }
}

impl<R: Read> Reader<R> {
    /// Reads the header.
    ///
    /// # Errors
    /// [`Error::Unknown`], [`Error::FormatVersion`], [`Error::Incomplete`], [`Error::Io`].
    pub fn open(input: R) -> Result<Reader<R>, Error> {
        let mut input = Hashed {
            input: BufReader::with_capacity(256 * 1024, input),
            sha: Sha256::new(),
            bytes: 0,
        };
        let mut text = Vec::new();
        while !text.ends_with(b"\n\n") {
            let mut byte = [0];
            if !input.fill(&mut byte)? {
                return Err(cut_header(&text));
            }
            text.push(byte[0]);
            let like = text
                .iter()
                .zip(MAGIC.as_bytes())
                .all(|(read, magic)| read == magic);
            if !like || text.len() > HEADER_BYTES_MAX {
                let reason = "it does not begin like one";
                return Err(Error::Unknown { reason });
            }
        }
        let manifest = manifest(&text)?;
        let known_micros = manifest.known_first;
        Ok(Reader {
            input,
            manifest,
            next: 1,
            hash: GENESIS,
            known_micros,
            continued: None,
            closing: None,
        })
    }

    /// What the backup says of itself.
    #[must_use]
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// The closing record, once [`Reader::next_part`] has given `None`.
    #[must_use]
    pub fn closing(&self) -> Option<&Closing> {
        self.closing.as_ref()
    }

    /// The next events; `None` once all were given and the closing record was found to fit.
    ///
    /// After an error the reader is of no further use.
    ///
    /// # Errors
    /// [`Error::Damaged`] or [`Error::Incomplete`] with bytes and positions, [`Error::Io`].
    pub fn next_part(&mut self) -> Result<Option<Part>, Error> {
        if self.closing.is_some() {
            return Ok(None);
        }
        let offset = self.input.bytes;
        let length = self.number()?;
        if length == 0 {
            self.close(offset)?;
            return Ok(None);
        }
        if length as usize > CHUNK_BYTES_MAX {
            return Err(self.damaged(offset, "a chunk is too long"));
        }
        let mut value = vec![0; length as usize];
        self.fill(&mut value)?;
        self.part(offset, &value).map(Some)
    }

    fn part(&mut self, offset: u64, value: &[u8]) -> Result<Part, Error> {
        let chunk =
            chunk::decode(self.next, value).map_err(|reason| self.damaged(offset, reason))?;
        let header = &chunk.header;
        let named = |reason| Error::Damaged {
            offset,
            first: header.first,
            last: header.last(),
            reason,
        };
        let ids = (chunk.requests.first(), chunk.requests.last());
        let (Some((first_id, _)), Some((last_id, _))) = ids else {
            return Err(named("the chunk holds no request"));
        };
        if header.last() > self.manifest.head {
            return Err(named("there are more events than the header says"));
        }
        if header.before != self.hash {
            return Err(named("the running hash does not follow"));
        }
        if header.known_first < self.known_micros
            || (header.first == 1 && header.known_first != self.manifest.known_first)
        {
            return Err(named("the time does not follow"));
        }
        if self
            .continued
            .is_some_and(|continued| continued != *first_id)
        {
            return Err(named("a request is cut short before it"));
        }
        let after = chunk.after();
        let part = Part {
            records: chunk.records(header.first).collect(),
            before: header.before,
            after,
        };
        self.continued = header.continues.then_some(*last_id);
        self.known_micros = header.known_last;
        self.next = header.last() + 1;
        self.hash = after;
        Ok(part)
    }

    fn close(&mut self, offset: u64) -> Result<(), Error> {
        let mut fixed = [0; 40];
        self.fill(&mut fixed)?;
        let (events, hash) = fixed.split_at(8);
        let length = self.number()? as usize;
        if length > CHECKPOINT_BYTES_MAX {
            return Err(self.closed(offset, "the checkpoint is too long"));
        }
        let mut checkpoint = vec![0; length];
        self.fill(&mut checkpoint)?;
        let sha: [u8; 32] = self.input.sha.clone().finalize().into();
        let mut digest = [0; 32];
        self.fill(&mut digest)?;
        if digest != sha {
            return Err(self.closed(offset, "the digest over the file does not match"));
        }
        let count = self.next - 1;
        if self.manifest.head != count || events != count.to_be_bytes() {
            return Err(self.closed(offset, "events are missing"));
        }
        if hash != self.hash {
            return Err(self.closed(offset, "the running hash at the end does not match"));
        }
        if count > 0 && self.known_micros != self.manifest.known_last {
            return Err(self.closed(offset, "the time of the last event does not match"));
        }
        if self.continued.is_some() {
            return Err(self.closed(offset, "the last request is cut short"));
        }
        let Ok(checkpoint) = String::from_utf8(checkpoint) else {
            return Err(self.closed(offset, "the checkpoint is not text"));
        };
        let bytes = self.input.bytes;
        if self.input.fill(&mut [0])? {
            return Err(self.closed(bytes, "something follows the closing record"));
        }
        self.closing = Some(Closing {
            events: count,
            hash: self.hash,
            checkpoint,
            digest,
            bytes,
        });
        Ok(())
    }

    /// The chunk that begins at `offset` cannot be read, and where it would have ended is not known.
    fn damaged(&self, offset: u64, reason: &'static str) -> Error {
        let (first, last) = (self.next, self.manifest.head.max(self.next));
        Error::Damaged {
            offset,
            first,
            last,
            reason,
        }
    }

    /// The closing record at `offset` does not fit what came before: nothing of the file is proven.
    fn closed(&self, offset: u64, reason: &'static str) -> Error {
        Error::Damaged {
            offset,
            first: self.manifest.head.min(1),
            last: self.manifest.head,
            reason,
        }
    }

    fn number(&mut self) -> Result<u32, Error> {
        let mut bytes = [0; 4];
        self.fill(&mut bytes)?;
        Ok(u32::from_be_bytes(bytes))
    }

    fn fill(&mut self, buffer: &mut [u8]) -> Result<(), Error> {
        if self.input.fill(buffer)? {
            return Ok(());
        }
        Err(Error::Incomplete {
            offset: self.input.bytes,
            position: self.next - 1,
            head: self.manifest.head,
        })
    }
}

/// The file ended within its header.
fn cut_header(text: &[u8]) -> Error {
    if text.is_empty() {
        let reason = "it is empty";
        return Error::Unknown { reason };
    }
    Error::Incomplete {
        offset: text.len() as u64,
        position: 0,
        head: 0,
    }
}

fn manifest(text: &[u8]) -> Result<Manifest, Error> {
    let reason = "its header is damaged";
    let text = std::str::from_utf8(text).map_err(|_| Error::Unknown { reason })?;
    let version = text
        .lines()
        .next()
        .and_then(|line| line.strip_prefix(MAGIC));
    match version.and_then(|version| version.parse().ok()) {
        Some(VERSION) => Manifest::parse(text).ok_or(Error::Unknown { reason }),
        Some(found) => Err(Error::FormatVersion { found }),
        None => Err(Error::Unknown { reason }),
    }
}
