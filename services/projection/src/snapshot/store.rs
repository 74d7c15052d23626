//! What lies on the disk, and what of it is believed.
//!
//! # What lies where
//!
//! ```text
//! <directory>/lock                  held with flock while the projection runs
//! <directory>/snapshot-<position>/  a state at a position, a sled database of its own (see `event_log::Blocks`)
//!   block 0                         the header, JSON: of which log the state is, at which position, by which fold, and the SHA-256 of its bytes
//!   blocks 1, 2, 3 …                those bytes (see `state::State::save`), 48 KiB each
//! <directory>/snapshot.new/         a snapshot in the making
//! <directory>/aside-<position>/     a snapshot that was not believed, until the next one is taken
//! ```
//!
//! # What is atomic, and what is durable
//!
//! State and position are one snapshot. Its header is written last, everything is synced, and only then it gets its name; so after a crash there is a whole snapshot or none, and what is in the making is removed by the next start.
//! The newest two are kept; an older one goes once a newer one is durable.
//!
//! # What is believed
//!
//! A state whose bytes have the SHA-256 of the header, that was folded by this very version of the fold, and whose log is the one that is there now: of the same ledger, at least as long, and with the same root over the events up to the position (RFC 6962, as in the log's checkpoints).
//! So neither a log restored from a backup nor one that was forked is ever continued with a state of another.
//! Anything else is put aside with a named warning.
//!
//! # Left out
//!
//! - One database for all snapshots: sled never gives disk space back, and damage to one would take the others.
//! - Snapshots of what changed alone: the bytes of a hundred million figures are written in the time in which some hundred thousand events are recorded.
//! - A snapshot that every projection of a ledger reads: it is a cache of one service, and deleting it changes no answer.

use std::fs::{self, File, TryLockError};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use event_log::Blocks;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use state::{FOLD_VERSION, LoadError, State};

/// Bytes of a block.
const BLOCK_BYTES: usize = 48 * 1024;
/// Blocks written at once.
const BLOCKS_AT_ONCE: usize = 128;
/// Blocks read before they are made a state of.
const BLOCKS_AHEAD: usize = 64;
/// The number of the header; those of the state's bytes follow.
const HEADER: u64 = 0;
/// A snapshot in the making.
const UNFINISHED: &str = "snapshot.new";
/// Snapshots kept.
const KEPT: usize = 2;

/// Why snapshots cannot be kept, or one was not believed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Another process keeps snapshots in the directory.
    #[error("the snapshots in {directory} are held by another process")]
    Locked {
        /// The directory.
        directory: PathBuf,
    },
    /// The directory cannot be used.
    #[error("cannot {doing}")]
    Io {
        /// What was attempted.
        doing: &'static str,
        /// What the system said.
        source: io::Error,
    },
    /// The database failed.
    #[error("the database of the snapshot failed")]
    Blocks(#[from] event_log::Error),
    /// The database holds no snapshot, or not all of it.
    #[error("the snapshot is not whole: {problem}")]
    Damaged {
        /// What is wrong.
        problem: String,
    },
    /// The bytes are those that were written, and no state.
    #[error("the snapshot holds no state")]
    Load(#[from] LoadError),
    /// It was folded by another version of this program.
    #[error("the snapshot was folded by version '{found}', this program folds by '{FOLD_VERSION}'")]
    FoldVersion {
        /// The version.
        found: String,
    },
    /// It is of another ledger.
    #[error("the snapshot is of the ledger '{found}'")]
    OtherLedger {
        /// The ledger.
        found: String,
    },
    /// The log does not reach its position.
    #[error("the snapshot is at position {position}, which the log does not reach")]
    Ahead {
        /// The position.
        position: u64,
    },
    /// The log has other events up to its position.
    #[error("the log has other events up to position {position} than the snapshot was folded from")]
    Forked {
        /// The position.
        position: u64,
    },
    /// Another state serves since it was begun.
    #[error("another state serves since the snapshot was begun")]
    Superseded,
}

impl Error {
    /// The stable code of this kind of error.
    #[must_use]
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Locked { .. } => "SNAPSHOTS_LOCKED",
            Self::Io { .. } | Self::Blocks(_) => "SNAPSHOT_STORAGE",
            Self::Damaged { .. } | Self::Load(_) => "SNAPSHOT_DAMAGED",
            Self::FoldVersion { .. } => "SNAPSHOT_FOLD_VERSION",
            Self::OtherLedger { .. } => "SNAPSHOT_OTHER_LEDGER",
            Self::Ahead { .. } => "SNAPSHOT_AHEAD",
            Self::Forked { .. } => "SNAPSHOT_FORKED",
            Self::Superseded => "SNAPSHOT_SUPERSEDED",
        }
    }

    fn io(doing: &'static str) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { doing, source }
    }

    pub(super) fn damaged(problem: impl Into<String>) -> Self {
        Self::Damaged {
            problem: problem.into(),
        }
    }
}

/// Of which log a state is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Origin {
    /// The ledger's id.
    pub(crate) ledger: String,
    /// Root of the tree over the log's events up to the state's position, hexadecimal.
    pub(crate) root: String,
}

/// What a snapshot says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Header {
    pub(crate) origin: Origin,
    /// Version of the fold.
    pub(crate) fold: String,
    pub(crate) position: u64,
    /// When the log took that position.
    pub(crate) known: Option<Timestamp>,
    /// How many bytes the state has.
    pub(crate) bytes: u64,
    /// Their SHA-256, hexadecimal.
    pub(crate) sha256: String,
}

/// The directory of snapshots, held by one process.
pub(crate) struct Store {
    directory: PathBuf,
    _lock: File,
    /// How many times its snapshots were superseded.
    superseded: Mutex<u64>,
}

/// A snapshot that is written and not durable yet.
pub(crate) struct Written {
    store: Arc<Store>,
    blocks: Blocks,
    pub(crate) header: Header,
    /// How many times the store's snapshots had been superseded when this one was begun.
    superseded: u64,
}

impl Store {
    /// Takes hold of a directory, which is made if it is not there.
    ///
    /// # Errors
    /// [`Error::Locked`] if another process has it; what the disk says.
    pub(crate) fn open(directory: &Path) -> Result<Self, Error> {
        fs::create_dir_all(directory)
            .map_err(Error::io("create the directory of the snapshots"))?;
        let lock = File::create(directory.join("lock"));
        let lock = lock.map_err(Error::io("open the lock of the snapshots"))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(Error::Locked {
                    directory: directory.into(),
                });
            }
            Err(TryLockError::Error(error)) => return Err(Error::io("lock the snapshots")(error)),
        }
        remove(&directory.join(UNFINISHED))?;
        Ok(Self {
            directory: directory.into(),
            _lock: lock,
            superseded: Mutex::default(),
        })
    }

    /// The positions of the snapshots, newest first.
    ///
    /// # Errors
    /// What the disk says.
    pub(crate) fn positions(&self) -> Result<Vec<u64>, Error> {
        let mut positions: Vec<u64> = self.named("snapshot-")?.collect();
        positions.sort_unstable_by(|a, b| b.cmp(a));
        Ok(positions)
    }

    fn named(&self, prefix: &str) -> Result<impl Iterator<Item = u64>, Error> {
        let listing = Error::io("list the snapshots");
        let mut positions = Vec::new();
        for entry in fs::read_dir(&self.directory).map_err(listing)? {
            let name = entry.map_err(Error::io("list the snapshots"))?.file_name();
            let digits = name.to_str().and_then(|name| name.strip_prefix(prefix));
            positions.extend(digits.and_then(|digits| digits.parse::<u64>().ok()));
        }
        Ok(positions.into_iter())
    }

    fn path(&self, prefix: &str, position: u64) -> PathBuf {
        // As many digits as a position has at most, so that a listing is in order.
        self.directory.join(format!("{prefix}{position:020}"))
    }

    /// Writes a state; until [`Written::finish`] it is no snapshot.
    ///
    /// # Errors
    /// What the disk says.
    pub(crate) fn write(self: &Arc<Self>, state: &State, origin: Origin) -> Result<Written, Error> {
        let superseded = *self.superseded();
        let path = self.directory.join(UNFINISHED);
        remove(&path)?;
        let mut writer = Writer {
            blocks: Blocks::create(&path)?,
            hash: Sha256::new(),
            bytes: 0,
            block: Vec::with_capacity(BLOCK_BYTES),
            filled: Vec::with_capacity(BLOCKS_AT_ONCE),
            next: HEADER + 1,
        };
        state
            .save(&mut writer)
            .and_then(|()| writer.end_block())
            .and_then(|()| writer.store())
            .map_err(Error::io("write the state"))?;
        let header = Header {
            origin,
            fold: FOLD_VERSION.to_owned(),
            position: state.position(),
            known: state.known(),
            bytes: writer.bytes,
            sha256: hex::encode(writer.hash.finalize()),
        };
        let encoded = serde_json::to_vec(&header).map_err(io::Error::from);
        let encoded = encoded.map_err(Error::io("write the header of the snapshot"))?;
        writer.blocks.insert(&[(HEADER, encoded)])?;
        Ok(Written {
            store: Arc::clone(self),
            blocks: writer.blocks,
            header,
            superseded,
        })
    }

    /// What a snapshot says of itself, if that is a state of this version of the fold.
    ///
    /// # Errors
    /// [`Error::FoldVersion`], and what keeps it from being read.
    pub(crate) fn header(&self, position: u64) -> Result<(Header, Blocks), Error> {
        let blocks = Blocks::open(&self.path("snapshot-", position))?;
        let header = blocks.get(HEADER)?;
        let header = header.ok_or_else(|| Error::damaged("it has no header"))?;
        let header: Header = serde_json::from_slice(&header)
            .map_err(|error| Error::damaged(format!("its header: {error}")))?;
        if header.fold != FOLD_VERSION {
            return Err(Error::FoldVersion { found: header.fold });
        }
        if header.position != position {
            return Err(Error::damaged("its header names another position"));
        }
        Ok((header, blocks))
    }

    /// Puts a snapshot aside, so that no start takes it again.
    ///
    /// # Errors
    /// What the disk says.
    pub(crate) fn put_aside(&self, position: u64) -> Result<(), Error> {
        let aside = self.path("aside-", position);
        remove(&aside)?;
        let renamed = fs::rename(self.path("snapshot-", position), aside);
        renamed.map_err(Error::io("put a snapshot aside"))
    }

    fn superseded(&self) -> MutexGuard<'_, u64> {
        self.superseded
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts every snapshot aside, so that no start takes one of the state that served until now; one that is being written gets no name any more.
    ///
    /// # Errors
    /// What the disk says.
    pub(crate) fn supersede(&self) -> Result<(), Error> {
        let mut superseded = self.superseded();
        *superseded += 1;
        for position in self.positions()? {
            self.put_aside(position)?;
        }
        self.sync().map_err(Error::io("put the snapshots aside"))
    }

    /// Makes the names durable.
    fn sync(&self) -> io::Result<()> {
        File::open(&self.directory)?.sync_all()
    }

    /// Removes what was begun and not finished, and what was put aside.
    ///
    /// # Errors
    /// What the disk says.
    pub(crate) fn discard(&self) -> Result<(), Error> {
        remove(&self.directory.join(UNFINISHED))?;
        self.clean()
    }

    /// Removes what no start will take: older snapshots, and what was put aside.
    fn clean(&self) -> Result<(), Error> {
        for position in self.positions()?.into_iter().skip(KEPT) {
            remove(&self.path("snapshot-", position))?;
        }
        for position in self.named("aside-")? {
            remove(&self.path("aside-", position))?;
        }
        Ok(())
    }
}

impl Written {
    /// Makes it durable, gives it its name, and removes what it replaces.
    ///
    /// # Errors
    /// [`Error::Superseded`], and what the disk says; then there is no such snapshot.
    pub(crate) fn finish(self) -> Result<Header, Error> {
        let Self {
            store,
            blocks,
            header,
            superseded,
        } = self;
        blocks.finish()?;
        let now = store.superseded();
        if *now != superseded {
            return Err(Error::Superseded);
        }
        let naming = || Error::io("name the snapshot");
        let path = store.path("snapshot-", header.position);
        // The same state, which was perhaps not believed for a moment.
        remove(&path)?;
        fs::rename(store.directory.join(UNFINISHED), path).map_err(naming())?;
        store.sync().map_err(naming())?;
        store.clean()?;
        Ok(header)
    }
}

/// Reads the state of a snapshot, and believes it only if its bytes are those that were written.
///
/// One thread reads and hashes, another makes the state of it.
///
/// # Errors
/// [`Error::Damaged`] or [`Error::Load`] if they are not.
pub(crate) fn load(header: &Header, blocks: &Blocks) -> Result<State, Error> {
    let (loaded, read) = std::thread::scope(|scope| {
        let (pieces, received) = sync_channel(BLOCKS_AHEAD);
        let reading = scope.spawn(|| read(blocks, header.bytes, pieces));
        let pieces = Pieces {
            received,
            piece: Vec::new(),
            given: 0,
        };
        (State::load(pieces), reading.join())
    });
    let sha256 = read.map_err(|_| Error::damaged("it cannot be read"))??;
    // Bytes that are not those written say more by that than by what does not fit in them.
    if sha256 != header.sha256 {
        return Err(Error::damaged("its bytes are not those that were written"));
    }
    let state = loaded?;
    if (state.position(), state.known()) != (header.position, header.known) {
        return Err(Error::damaged("its header does not fit its state"));
    }
    Ok(state)
}

/// Reads the blocks of a state and hands them over; the SHA-256 of them all, also if nobody takes them any more.
fn read(blocks: &Blocks, bytes: u64, pieces: SyncSender<Vec<u8>>) -> Result<String, Error> {
    let (mut hash, mut left, mut number) = (Sha256::new(), bytes, HEADER);
    while left > 0 {
        number += 1;
        let block = blocks.get(number)?;
        let block = block.filter(|block| !block.is_empty());
        let block = block.ok_or_else(|| Error::damaged("a block is missing"))?;
        let rest = left.checked_sub(block.len() as u64);
        left = rest.ok_or_else(|| Error::damaged("a block is too long"))?;
        hash.update(&block);
        let _ = pieces.send(block);
    }
    Ok(hex::encode(hash.finalize()))
}

struct Writer {
    blocks: Blocks,
    hash: Sha256,
    bytes: u64,
    block: Vec<u8>,
    filled: Vec<(u64, Vec<u8>)>,
    next: u64,
}

impl Writer {
    fn end_block(&mut self) -> io::Result<()> {
        if self.block.is_empty() {
            return Ok(());
        }
        let block = std::mem::replace(&mut self.block, Vec::with_capacity(BLOCK_BYTES));
        self.hash.update(&block);
        self.bytes += block.len() as u64;
        self.filled.push((self.next, block));
        self.next += 1;
        if self.filled.len() == BLOCKS_AT_ONCE {
            self.store()?;
        }
        Ok(())
    }

    fn store(&mut self) -> io::Result<()> {
        let stored = self.blocks.insert(&self.filled);
        self.filled.clear();
        stored.map_err(io::Error::other)
    }
}

impl Write for Writer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let taken = bytes.len().min(BLOCK_BYTES - self.block.len());
        self.block.extend_from_slice(&bytes[..taken]);
        if self.block.len() == BLOCK_BYTES {
            self.end_block()?;
        }
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The blocks of a state as its bytes.
struct Pieces {
    received: Receiver<Vec<u8>>,
    piece: Vec<u8>,
    /// How much of it was given out.
    given: usize,
}

impl Read for Pieces {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        if self.given == self.piece.len() {
            // Whoever reads says why there is no more.
            let Ok(piece) = self.received.recv() else {
                return Ok(0);
            };
            (self.piece, self.given) = (piece, 0);
        }
        let taken = bytes.len().min(self.piece.len() - self.given);
        bytes[..taken].copy_from_slice(&self.piece[self.given..self.given + taken]);
        self.given += taken;
        Ok(taken)
    }
}

/// Removes a directory and all that is in it, if it is there.
fn remove(directory: &Path) -> Result<(), Error> {
    match fs::remove_dir_all(directory) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(Error::io("remove a snapshot")(error))
        }
        _ => Ok(()),
    }
}
