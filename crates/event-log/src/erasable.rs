//! Attributes of events that can be erased: a few bytes beside the log, each under a salt.
//!
//! The event's payload holds only a commitment to the salt and the bytes, so erasing them changes no payload, no
//! hash and no proof.
//! What the commitment is made of is the business of whoever appends; this file only keeps salt and bytes together.
//!
//! # What lies where
//!
//! ```text
//! <directory>/erasable   slots of 512 bytes; missing until the first attribute is written
//!
//! a slot   0..4     CRC-32 of the rest of the slot, little-endian
//!          4..12    position of the event, u64, little-endian
//!         12..44    salt
//!         44..46    length of the bytes, u16, little-endian; at most 400
//!         46..      the bytes, then zeros
//! ```
//!
//! A slot of zeros is free.
//! Slots are overwritten in place and never moved, so that no second copy of the bytes comes into being.
//! Where each position's slot is, is kept in memory (about 50 bytes for each) and read anew at every start.
//!
//! # What is atomic, and what is durable
//!
//! [`Erasable::write`] returns after `fdatasync`, and the commit's own events are written after it: no acknowledged
//! event lacks its attribute.
//! An event without an attribute costs nothing here.
//! [`Erasable::take_back`] syncs as well, before the positions can be given to other events.
//!
//! # After a crash
//!
//! - A slot of a position beyond the head belongs to a commit that was never acknowledged: it is removed.
//! - A torn slot (its checksum fails) that names no position up to the head is of such a commit too, and is removed.
//! - A torn slot that names a position up to the head is damage, or an erasure cut short: it is reported and kept,
//!   reading it fails, and erasing its position removes it.
//!
//! # Left out
//!
//! - What the file system or the disk keeps of an overwritten block (copies on write, snapshots, spare flash
//!   blocks) is out of reach; so are backups made before.
//!   Who must be sure of those encrypts the disk and lets old backups expire.
//! - Encryption with a key for each attribute: the keys would need just such a file.

use std::collections::HashMap;
use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{self, Read as _};
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;

use crate::limits::ATTRIBUTE_BYTES_MAX;
use crate::{Damage, Error};

/// Bytes of a slot: one sector of the older disks, so that even those rarely tear one.
const SLOT_BYTES: usize = 512;
/// Most slots: half a gigabyte of file, 50 MB of memory.
const SLOTS_MAX: usize = 1 << 20;
/// Slots read at once when the file is opened.
const READ_SLOTS: usize = 256;

const POSITION: std::ops::Range<usize> = 4..12;
const SALT: std::ops::Range<usize> = 12..44;
const LENGTH: std::ops::Range<usize> = 44..46;
const BYTES: usize = 46;

type Slot = [u8; SLOT_BYTES];
const FREE: Slot = [0; SLOT_BYTES];

/// Something about an event that can be erased; its `Debug` form does not show it.
#[derive(Clone, PartialEq, Eq)]
pub struct Attribute {
    /// Random, of its own for each attribute: without it the commitment tells nothing.
    pub salt: [u8; 32],
    /// What can be erased; at most [`limits::ATTRIBUTE_BYTES_MAX`](crate::limits::ATTRIBUTE_BYTES_MAX).
    pub bytes: Bytes,
}

impl fmt::Debug for Attribute {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = format_args!("{} bytes", self.bytes.len());
        formatter.debug_tuple("Attribute").field(&bytes).finish()
    }
}

/// The file of erasable attributes.
pub(crate) struct Erasable {
    path: PathBuf,
    slots: Mutex<Slots>,
}

/// What opening the file found and removed or reported.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Findings {
    /// Slots of commits that were never acknowledged, whole or torn; they are free now.
    pub(crate) removed: u64,
    /// Attributes of durable events that cannot be read.
    pub(crate) damages: Vec<Damage>,
}

#[derive(Default)]
struct Slots {
    /// `None` until there is something to keep.
    file: Option<File>,
    /// Slot of each position; a torn one too.
    by_position: HashMap<u64, usize>,
    free: Vec<usize>,
    /// Slots in the file.
    count: usize,
}

/// What the bytes of a slot are.
enum Content {
    Free,
    Whole(u64, Attribute),
    /// With the position it names, which may be wrong.
    Torn(u64),
}

impl Erasable {
    /// Opens the file in a log's directory, if there is one, and removes what lies beyond `head`.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] if the file cannot be read, or what must go cannot be removed.
    pub(crate) fn open(directory: &Path, head: u64) -> Result<(Erasable, Findings), Error> {
        let path = directory.join("erasable");
        let mut slots = Slots::default();
        let mut findings = Findings::default();
        match OpenOptions::new().read(true).write(true).open(&path) {
            Ok(file) => {
                let read = slots.load(file, head, &mut findings);
                read.map_err(Error::io("read the erasable attributes"))?;
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(Error::io("open the erasable attributes")(error)),
        }
        let slots = Mutex::new(slots);
        Ok((Erasable { path, slots }, findings))
    }

    fn slots(&self) -> MutexGuard<'_, Slots> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes the attributes of events about to be committed durable; with none it does nothing.
    ///
    /// # Errors
    ///
    /// [`io::ErrorKind::StorageFull`] or [`io::ErrorKind::QuotaExceeded`] if there is no room: nothing is kept, and
    /// the commit is to be refused.
    /// Anything else, a failed sync above all: what the disk holds is unknown, and the writer is to stop.
    pub(crate) fn write(&self, attributes: &[(u64, &Attribute)]) -> io::Result<()> {
        if attributes.is_empty() {
            return Ok(());
        }
        let mut slots = self.slots();
        slots.create(&self.path)?;
        let written = attributes
            .iter()
            .try_for_each(|(position, attribute)| slots.put(*position, attribute));
        if let Err(error) = written {
            // Without room for all, none stays; if that fails too, that is the graver error.
            slots.free_all(attributes.iter().map(|(position, _)| *position))?;
            return Err(error);
        }
        slots.sync()
    }

    /// Removes the attributes of events whose commit was refused.
    ///
    /// # Errors
    ///
    /// What the disk says; the writer is to stop, since the positions will be given to other events.
    pub(crate) fn take_back(&self, positions: &[u64]) -> io::Result<()> {
        if positions.is_empty() {
            return Ok(());
        }
        self.slots().free_all(positions.iter().copied())
    }

    /// The attribute of the event at a position; `None` if it never had one or it was erased.
    ///
    /// # Errors
    ///
    /// [`io::ErrorKind::InvalidData`] if its slot is torn, or what the disk says.
    pub(crate) fn read(&self, position: u64) -> io::Result<Option<Attribute>> {
        let slots = self.slots();
        let (Some(file), Some(slot)) = (&slots.file, slots.by_position.get(&position)) else {
            return Ok(None);
        };
        let mut bytes = FREE;
        file.read_exact_at(&mut bytes, offset(*slot))?;
        match decode(&bytes) {
            Content::Free => Ok(None),
            Content::Whole(found, attribute) if found == position => Ok(Some(attribute)),
            Content::Whole(..) | Content::Torn(_) => Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "the checksum of its slot is wrong",
            )),
        }
    }

    /// Overwrites the attribute of the event at a position; false if there is none.
    ///
    /// # Errors
    ///
    /// What the disk says; the attribute may be there still, and erasing it again is right.
    pub(crate) fn erase(&self, position: u64) -> io::Result<bool> {
        let mut slots = self.slots();
        if !slots.by_position.contains_key(&position) {
            return Ok(false);
        }
        slots.free_all([position])?;
        Ok(true)
    }
}

impl Slots {
    /// Takes stock of the file, removing what was never acknowledged.
    fn load(&mut self, mut file: File, head: u64, findings: &mut Findings) -> io::Result<()> {
        let mut remains = Vec::new();
        let mut bytes = vec![0; READ_SLOTS * SLOT_BYTES];
        loop {
            let read = read_full(&mut file, &mut bytes)?;
            for raw in bytes[..read].chunks(SLOT_BYTES) {
                // The last slot may have been cut short while the file grew.
                let mut slot = FREE;
                slot[..raw.len()].copy_from_slice(raw);
                let index = self.count;
                self.count += 1;
                match decode(&slot) {
                    Content::Free => self.free.push(index),
                    Content::Whole(position, _) if position <= head => {
                        self.by_position.insert(position, index);
                    }
                    Content::Torn(position) if (1..=head).contains(&position) => {
                        self.by_position.insert(position, index);
                        findings.damages.push(Damage {
                            first: position,
                            last: position,
                            reason: "its erasable attribute is torn".into(),
                        });
                    }
                    Content::Whole(..) | Content::Torn(_) => remains.push(index),
                }
            }
            if read < bytes.len() {
                break;
            }
        }
        for index in &remains {
            file.write_all_at(&FREE, offset(*index))?;
        }
        // Also what an earlier process wrote and did not sync: it is as good as the log's own events from here on.
        file.sync_all()?;
        findings.removed = remains.len() as u64;
        self.free.extend(remains);
        self.file = Some(file);
        Ok(())
    }

    /// Makes sure that there is a file, under a name that survives a power cut.
    fn create(&mut self, path: &Path) -> io::Result<()> {
        if self.file.is_some() {
            return Ok(());
        }
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(path)?;
        if let Some(directory) = path.parent() {
            File::open(directory)?.sync_all()?;
        }
        self.file = Some(file);
        Ok(())
    }

    fn put(&mut self, position: u64, attribute: &Attribute) -> io::Result<()> {
        let index = match self.by_position.get(&position) {
            Some(index) => *index,
            None => self.vacant()?,
        };
        // Noted first, so that a write cut short is found and removed.
        self.by_position.insert(position, index);
        self.overwrite(index, &encode(position, attribute)?)
    }

    /// A free slot, else a new one at the end.
    fn vacant(&mut self) -> io::Result<usize> {
        if let Some(index) = self.free.pop() {
            return Ok(index);
        }
        if self.count >= SLOTS_MAX {
            return Err(io::Error::new(
                io::ErrorKind::QuotaExceeded,
                "the file of erasable attributes is full",
            ));
        }
        self.count += 1;
        Ok(self.count - 1)
    }

    /// Writes zeros over the slots of these positions and syncs; only then are they free.
    fn is_within(&self, index: usize) -> io::Result<bool> {
        let file = self.file.as_ref().ok_or(io::ErrorKind::NotFound)?;
        Ok(file.metadata()?.len() > (index * SLOT_BYTES) as u64)
    }

    fn free_all(&mut self, positions: impl IntoIterator<Item = u64>) -> io::Result<()> {
        let mut freed = Vec::new();
        for position in positions {
            if let Some(index) = self.by_position.get(&position).copied() {
                // Beyond the end of the file there is nothing to overwrite, and perhaps no room for it either.
                if self.is_within(index)? {
                    self.overwrite(index, &FREE).map_err(io::Error::other)?;
                }
                freed.push((position, index));
            }
        }
        self.sync()?;
        for (position, index) in freed {
            self.by_position.remove(&position);
            self.free.push(index);
        }
        Ok(())
    }

    fn overwrite(&self, index: usize, slot: &Slot) -> io::Result<()> {
        match &self.file {
            Some(file) => file.write_all_at(slot, offset(index)),
            None => Ok(()),
        }
    }

    /// A failure is never said to be a want of space: after it nothing is known.
    fn sync(&self) -> io::Result<()> {
        let synced = self.file.as_ref().map_or(Ok(()), File::sync_data);
        synced.map_err(|error| io::Error::other(format!("cannot sync the attributes: {error}")))
    }
}

fn offset(index: usize) -> u64 {
    (index * SLOT_BYTES) as u64
}

fn encode(position: u64, attribute: &Attribute) -> io::Result<Slot> {
    let length = attribute.bytes.len();
    if length > ATTRIBUTE_BYTES_MAX {
        let problem = format!("an attribute of {length} bytes");
        return Err(io::Error::new(io::ErrorKind::InvalidInput, problem));
    }
    let mut slot = FREE;
    slot[POSITION].copy_from_slice(&position.to_le_bytes());
    slot[SALT].copy_from_slice(&attribute.salt);
    slot[LENGTH].copy_from_slice(&(length as u16).to_le_bytes());
    slot[BYTES..BYTES + length].copy_from_slice(&attribute.bytes);
    let checksum = crc32fast::hash(&slot[POSITION.start..]);
    slot[..POSITION.start].copy_from_slice(&checksum.to_le_bytes());
    Ok(slot)
}

fn decode(slot: &Slot) -> Content {
    if *slot == FREE {
        return Content::Free;
    }
    let position = POSITION
        .rev()
        .fold(0, |sum, at| sum << 8 | u64::from(slot[at]));
    let checksum = crc32fast::hash(&slot[POSITION.start..]).to_le_bytes();
    let length = usize::from(slot[LENGTH.start]) | usize::from(slot[LENGTH.start + 1]) << 8;
    let is_whole =
        slot[..POSITION.start] == checksum && position > 0 && length <= ATTRIBUTE_BYTES_MAX;
    if !is_whole {
        return Content::Torn(position);
    }
    let mut salt = [0; 32];
    salt.copy_from_slice(&slot[SALT]);
    let bytes = Bytes::copy_from_slice(&slot[BYTES..BYTES + length]);
    Content::Whole(position, Attribute { salt, bytes })
}

/// Fills `bytes` as far as the file goes.
fn read_full(file: &mut File, bytes: &mut [u8]) -> io::Result<usize> {
    let mut read = 0;
    while read < bytes.len() {
        match file.read(&mut bytes[read..]) {
            Ok(0) => break,
            Ok(count) => read += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(read)
}

#[cfg(test)]
#[path = "erasable_tests.rs"]
mod tests;
