//! Chunks on sled, and what makes them durable.
//!
//! # What lies where
//!
//! ```text
//! <directory>/lock       held with flock while the log is open
//! <directory>/refused    8 bytes: the head at the last refusal for want of space, or all ones
//! <directory>/reserve    two segments of zeros, given up when the disk is full
//! <directory>/sled/      the sled database; everything below is inside
//!   tree `meta`          `format` → format version, u32, big-endian
//!   tree `chunks`        position of the first event, u64, big-endian → the chunk (see `chunk`)
//! ```
//!
//! sled has its own directory so that a compacted copy can be swapped in with one rename.
//! Keys order like positions, so the chunk that covers a position is the last one whose key is not greater.
//! Indexes are not stored: the chunks are the only truth.
//!
//! # What is atomic, and what is durable
//!
//! A commit is one insert, or one sled batch when it needs several chunks, so a request is whole or absent.
//! sled's `flush` ends in `sync_file_range`, which survives a killed process but not a power cut.
//! So a commit is: write → `Db::flush` → `fdatasync` on our own handle of sled's `db` file → acknowledge.
//!
//! sled writes whole leaves of up to 17 neighbouring values when it tidies up, and a message of more than a
//! quarter of a segment goes into a file of its own under `blobs/`, which nobody syncs.
//! With segments of 4 MiB and chunks of at most 56 KiB, 18 chunks stay below that quarter, so this does not
//! happen; if it ever did, the commit finds the files and syncs them too.
//! The segment size is part of the stored format: sled refuses to open with another.
//! sled reuses a segment only after a later segment has been begun, several commits after the last read of it.
//!
//! # After a crash
//!
//! sled recovers a prefix of what was written and drops a batch that is not whole.
//! What was acknowledged is in that prefix; what was not may be there or not, and repeating the request with the
//! same id finds out.
//!
//! # When writing fails
//!
//! - No space: sled refuses everything once a write has failed, reads included, since reading may tidy up.
//!   If our handle still syncs, the failure was a plain write and everything acknowledged is on the disk; a
//!   write-back error would be reported to our handle as well, since the kernel reports it once to each open
//!   file.
//!   The head is noted in `refused` (a block that exists already), so that remains of the refused commit are
//!   removed even if the process ends here.
//!   Then `reserve` is deleted, which gives sled the room to be opened anew at once; what lies beyond the head is
//!   removed, and reads go on.
//!   If others eat that room first, reads say so until there is space again.
//!   The next append is taken only after `reserve` could be written anew.
//! - Anything else, above all a failed sync: the writer stops for good.
//!   After a failed `fdatasync` the kernel may have dropped the pages, and a second one would lie.
//!   sled's handle is then leaked, because closing it would sync again and panic.
//!
//! # Left out
//!
//! - One key per event: seven times slower and six times larger.
//! - sled transactions: a single writer needs no isolation, a batch is atomic.
//! - `generate_id`: jumps after an unclean stop.
//! - sled's compression and background flusher: chunks are compressed, and a commit flushes itself.
//! - A bit flipped in the file outside of our values is for sled to find (it checks every message); a flipped bit
//!   in its last segments looks to it like an unfinished write.
//!   Signed tree heads will tell the two apart.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{PoisonError, RwLock, RwLockReadGuard};
use std::time::Duration;

use crate::chunk::{Stored, VERSION};
use crate::{Error, Options};

const SEGMENT_BYTES: usize = 4 * 1024 * 1024;
/// What is kept back for opening sled on a full disk.
const RESERVE_BYTES: usize = 2 * SEGMENT_BYTES;
/// sled's threads may hold its file for a moment after the last handle is gone.
const LINGER_TRIES: u32 = 100;
const LINGER_WAIT: Duration = Duration::from_millis(20);
const NOTHING_REFUSED: u64 = u64::MAX;
const FORMAT_KEY: &str = "format";

/// Why a commit was not made durable.
#[derive(Debug)]
pub(crate) enum Failure {
    /// No space; the commit left no trace.
    DiskFull,
    /// Anything else; nothing may ever be acknowledged again.
    Fatal(String),
}

impl Failure {
    fn fatal(doing: &str, error: impl std::fmt::Display) -> Failure {
        Failure::Fatal(format!("{doing}: {error}"))
    }
}

/// Deliberate failures for unit tests.
#[cfg(test)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The write reaches sled, which then reports a full disk.
    DiskFull,
    /// `fdatasync` fails.
    Sync,
}

/// The chunks of a log.
pub(crate) struct Store {
    directory: PathBuf,
    cache_bytes: u64,
    refused: File,
    /// `None` while the disk is full and sled could not be opened anew.
    opened: RwLock<Option<Opened>>,
    full: AtomicBool,
    fatal: AtomicBool,
    #[cfg(test)]
    pub(crate) fault: std::sync::Mutex<Option<Fault>>,
    /// Last, so that it is released last.
    _lock: File,
}

struct Opened {
    db: sled::Db,
    chunks: sled::Tree,
    data: File,
    blobs: PathBuf,
}

impl Store {
    pub(crate) fn open(options: &Options) -> Result<Store, Error> {
        let directory = options.directory.clone();
        fs::create_dir_all(&directory).map_err(Error::io("create the directory of the log"))?;
        let lock = open_file(&directory.join("lock")).map_err(Error::io("open the lock file"))?;
        if let Err(failed) = lock.try_lock() {
            return Err(match failed {
                fs::TryLockError::WouldBlock => Error::Locked { directory },
                fs::TryLockError::Error(error) => Error::io("lock the log")(error),
            });
        }
        let refused = open_refused(&directory).map_err(Error::io("open the refusal mark"))?;
        let store = Store {
            cache_bytes: options.cache_bytes,
            refused,
            opened: RwLock::new(None),
            full: AtomicBool::new(false),
            fatal: AtomicBool::new(false),
            #[cfg(test)]
            fault: std::sync::Mutex::new(None),
            _lock: lock,
            directory,
        };
        let opened = match Opened::open(&store.directory, store.cache_bytes) {
            Err(error) if is_full(&error) => {
                store
                    .give_up_reserve()
                    .map_err(Error::io("give up the reserve"))?;
                Opened::open(&store.directory, store.cache_bytes)?
            }
            other => other?,
        };
        opened.check_version()?;
        *store.opened.write().unwrap_or_else(PoisonError::into_inner) = Some(opened);
        store
            .sync_files()
            .map_err(Error::io("sync the files of the log"))?;
        store.forget_refused()?;
        if let Err(error) = store.fill_reserve() {
            tracing::warn!(%error, "cannot keep a reserve, the log only reads for now: {error}");
            store.full.store(true, Ordering::Release);
        }
        Ok(store)
    }

    /// Everything that opening created or repaired, and the names that lead there.
    fn sync_files(&self) -> io::Result<()> {
        let sled = self.directory.join("sled");
        for entry in fs::read_dir(&sled)? {
            File::open(entry?.path())?.sync_all()?;
        }
        File::open(&sled)?.sync_all()?;
        File::open(&self.directory)?.sync_all()?;
        match fs::canonicalize(&self.directory)?.parent() {
            Some(parent) => File::open(parent)?.sync_all(),
            None => Ok(()),
        }
    }

    /// Removes what a process left behind that refused a commit and ended before it could tidy up.
    fn forget_refused(&self) -> Result<(), Error> {
        let mut mark = [0; 8];
        self.refused
            .read_exact_at(&mut mark, 0)
            .map_err(Error::io("read the refusal mark"))?;
        let head = u64::from_be_bytes(mark);
        if head != NOTHING_REFUSED {
            let failed = |failure| match failure {
                Failure::DiskFull => Error::DiskFull,
                Failure::Fatal(why) => Error::WriterStopped { why: why.into() },
            };
            self.with(|opened| Ok(opened.remove_after(head)))?
                .map_err(failed)?;
            self.mark_refused(NOTHING_REFUSED)
                .map_err(Error::io("clear the refusal mark"))?;
        }
        Ok(())
    }

    fn mark_refused(&self, head: u64) -> io::Result<()> {
        self.refused.write_all_at(&head.to_be_bytes(), 0)?;
        self.refused.sync_data()
    }

    /// Makes `chunks` durable, all or none; `head` is the last position before them.
    pub(crate) fn commit(&self, head: u64, chunks: Vec<Stored>) -> Result<(), Failure> {
        assert!(
            !self.fatal.load(Ordering::Acquire),
            "a stopped writer must not write"
        );
        if self.full.load(Ordering::Acquire) {
            self.recover(head)
                .inspect_err(|failure| self.note(failure))?;
        }
        let written = match &*self.read_guard() {
            Some(opened) => self.write(opened, chunks),
            None => Err(Failure::DiskFull),
        };
        match written {
            Err(Failure::DiskFull) => Err(self.refuse(head)),
            other => other,
        }
        .inspect_err(|failure| self.note(failure))
    }

    fn note(&self, failure: &Failure) {
        match failure {
            Failure::DiskFull => self.full.store(true, Ordering::Release),
            Failure::Fatal(_) => self.fatal.store(true, Ordering::Release),
        }
    }

    fn write(&self, opened: &Opened, chunks: Vec<Stored>) -> Result<(), Failure> {
        opened.insert(chunks)?;
        #[cfg(test)]
        match self
            .fault
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
        {
            Some(Fault::DiskFull) => return Err(Failure::DiskFull),
            Some(Fault::Sync) => return Err(Failure::fatal("sync", "injected")),
            None => {}
        }
        opened.make_durable()
    }

    /// Settles that the commit after `head` is refused for want of space.
    fn refuse(&self, head: u64) -> Failure {
        if let Some(opened) = &*self.read_guard()
            && let Err(error) = opened.data.sync_data()
        {
            return Failure::fatal("cannot sync after the disk was full", error);
        }
        if let Err(error) = self.mark_refused(head) {
            return Failure::fatal("cannot note the refusal", error);
        }
        let room = self.give_up_reserve();
        let room = room.map_err(|error| Failure::fatal("cannot give up the reserve", error));
        match room.and_then(|()| self.reopen(head)) {
            Ok(()) => tracing::warn!(head, "the disk is full, the log only reads up to {head}"),
            Err(Failure::DiskFull) => tracing::error!("the disk is full, reads fail for now"),
            Err(fatal) => return fatal,
        }
        Failure::DiskFull
    }

    /// After the disk was full: goes on if there is space for the reserve again.
    fn recover(&self, head: u64) -> Result<(), Failure> {
        self.fill_reserve().map_err(|error| {
            tracing::warn!(%error, "the disk is still full: {error}");
            Failure::DiskFull
        })?;
        if self.read_guard().is_none() {
            self.reopen(head)?;
        }
        self.full.store(false, Ordering::Release);
        tracing::info!(
            head,
            "the disk has space again, the log goes on after position {head}"
        );
        Ok(())
    }

    /// Opens sled anew after it has failed for want of space, and removes what lies beyond `head`.
    fn reopen(&self, head: u64) -> Result<(), Failure> {
        let mut guard = self.opened.write().unwrap_or_else(PoisonError::into_inner);
        *guard = None;
        let opened = Opened::open(&self.directory, self.cache_bytes).map_err(|error| {
            tracing::warn!(%error, "cannot open the store while the disk is full: {error}");
            Failure::DiskFull
        })?;
        opened.remove_after(head)?;
        *guard = Some(opened);
        drop(guard);
        let cleared = self.mark_refused(NOTHING_REFUSED);
        cleared.map_err(|error| Failure::fatal("cannot clear the refusal mark", error))
    }

    /// Writes the reserve unless it is there; it is whole when it has its length.
    fn fill_reserve(&self) -> io::Result<()> {
        let path = self.directory.join("reserve");
        if fs::metadata(&path).is_ok_and(|metadata| metadata.len() == RESERVE_BYTES as u64) {
            return Ok(());
        }
        let write = || {
            let mut file = File::create(&path)?;
            let zeros = vec![0; 64 * 1024];
            for _ in 0..RESERVE_BYTES / zeros.len() {
                file.write_all(&zeros)?;
            }
            file.sync_data()
        };
        write().inspect_err(|_| {
            let _ = self.give_up_reserve();
        })
    }

    fn give_up_reserve(&self) -> io::Result<()> {
        match fs::remove_file(self.directory.join("reserve")) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// Up to `count` chunks by position, beginning with the one that covers `from` or else the first after it.
    pub(crate) fn chunks_from(
        &self,
        from: u64,
        count: usize,
    ) -> Result<Vec<(u64, sled::IVec)>, Error> {
        let reading = Error::storage;
        self.with(|opened| {
            let covering = match from.checked_add(1) {
                Some(beyond) => opened.chunks.get_lt(beyond.to_be_bytes()),
                None => opened.chunks.last(),
            };
            let start = match covering.map_err(reading("read a chunk"))? {
                Some((key, _)) => key.to_vec(),
                None => from.to_be_bytes().to_vec(),
            };
            let pairs = opened.chunks.range(start..).take(count);
            let positions = pairs.map(|pair| {
                let (key, value) = pair.map_err(reading("read a chunk"))?;
                Ok((position(&key)?, value))
            });
            positions.collect()
        })
    }

    /// The position of the first chunk after the one at `key`.
    pub(crate) fn next_key(&self, key: u64) -> Result<Option<u64>, Error> {
        self.with(|opened| {
            let next = opened.chunks.get_gt(key.to_be_bytes());
            let next = next.map_err(Error::storage("read a chunk"))?;
            next.map(|(key, _)| position(&key)).transpose()
        })
    }

    /// Size of everything sled stores.
    pub(crate) fn disk_bytes(&self) -> u64 {
        directory_bytes(&self.directory.join("sled"))
    }

    fn with<T>(&self, read: impl FnOnce(&Opened) -> Result<T, Error>) -> Result<T, Error> {
        let guard = self.read_guard();
        let read = guard.as_ref().map_or(Err(Error::DiskFull), read);
        read.map_err(|error| {
            if is_full(&error) {
                Error::DiskFull
            } else {
                error
            }
        })
    }

    fn read_guard(&self) -> RwLockReadGuard<'_, Option<Opened>> {
        self.opened.read().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        if self.fatal.load(Ordering::Acquire)
            && let Some(opened) = &*self.read_guard()
        {
            std::mem::forget(opened.db.clone());
        }
    }
}

impl Opened {
    fn open(directory: &Path, cache_bytes: u64) -> Result<Opened, Error> {
        let sled = directory.join("sled");
        let config = sled::Config::new()
            .path(&sled)
            .mode(sled::Mode::HighThroughput)
            .segment_size(SEGMENT_BYTES)
            .cache_capacity(cache_bytes)
            .use_compression(false)
            .flush_every_ms(None);
        let mut tries = 0;
        let db = loop {
            match config.open() {
                Err(error) if is_lock(&error) && tries < LINGER_TRIES => {
                    tries += 1;
                    std::thread::sleep(LINGER_WAIT);
                }
                Err(error) if is_lock(&error) => {
                    return Err(Error::Locked {
                        directory: directory.into(),
                    });
                }
                other => break other.map_err(Error::storage("open the store"))?,
            }
        };
        let chunks = db
            .open_tree("chunks")
            .map_err(Error::storage("open the store"))?;
        let data = OpenOptions::new()
            .read(true)
            .write(true)
            .open(sled.join("db"));
        let data = data.map_err(Error::io("open the data file"))?;
        Ok(Opened {
            db,
            chunks,
            data,
            blobs: sled.join("blobs"),
        })
    }

    /// Writes the format version into a new store, or refuses one it cannot read.
    fn check_version(&self) -> Result<(), Error> {
        let storing = Error::storage;
        let meta = self
            .db
            .open_tree("meta")
            .map_err(storing("open the store"))?;
        let stored = meta
            .get(FORMAT_KEY)
            .map_err(storing("read the format version"))?;
        let found = match stored {
            Some(bytes) => <[u8; 4]>::try_from(&*bytes).map_or(0, u32::from_be_bytes),
            None if !self.chunks.is_empty() => 0,
            None => {
                let version = &VERSION.to_be_bytes();
                meta.insert(FORMAT_KEY, version)
                    .map_err(storing("write the format version"))?;
                self.db
                    .flush()
                    .map_err(storing("write the format version"))?;
                self.data
                    .sync_data()
                    .map_err(Error::io("sync the format version"))?;
                VERSION
            }
        };
        if found == VERSION {
            Ok(())
        } else {
            Err(Error::FormatVersion {
                found,
                supported: VERSION,
            })
        }
    }

    fn insert(&self, mut chunks: Vec<Stored>) -> Result<(), Failure> {
        let inserted = if chunks.len() == 1
            && let Some((key, value)) = chunks.pop()
        {
            self.chunks
                .insert(key.to_be_bytes(), value)
                .map(|old| assert!(old.is_none()))
        } else {
            let mut batch = sled::Batch::default();
            for (key, value) in chunks {
                batch.insert(&key.to_be_bytes(), value);
            }
            self.chunks.apply_batch(batch)
        };
        inserted.map_err(|error| classify("cannot write", &error))
    }

    fn make_durable(&self) -> Result<(), Failure> {
        self.db
            .flush()
            .map_err(|error| classify("cannot flush", &error))?;
        self.sync_blobs()
            .map_err(|error| Failure::fatal("cannot sync a blob", error))?;
        self.data
            .sync_data()
            .map_err(|error| Failure::fatal("cannot sync", error))
    }

    /// There should be none; see the essay.
    fn sync_blobs(&self) -> io::Result<()> {
        let mut found = false;
        for entry in fs::read_dir(&self.blobs)? {
            found = true;
            match File::open(entry?.path()) {
                Ok(blob) => blob.sync_all()?,
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        if found {
            File::open(&self.blobs)?.sync_all()
        } else {
            Ok(())
        }
    }

    fn remove_after(&self, head: u64) -> Result<(), Failure> {
        let mut batch = sled::Batch::default();
        for key in self.chunks.range((head + 1).to_be_bytes()..).keys() {
            batch.remove(key.map_err(|error| classify("cannot read", &error))?);
        }
        self.chunks
            .apply_batch(batch)
            .map_err(|error| classify("cannot write", &error))?;
        self.make_durable()
    }
}

fn classify(doing: &str, error: &sled::Error) -> Failure {
    match error {
        sled::Error::Io(io) if io.kind() == io::ErrorKind::StorageFull => Failure::DiskFull,
        _ => Failure::fatal(doing, error),
    }
}

fn is_full(error: &Error) -> bool {
    match error {
        Error::Storage {
            source: sled::Error::Io(io),
            ..
        } => io.kind() == io::ErrorKind::StorageFull,
        _ => false,
    }
}

/// sled has no error of its own for this.
fn is_lock(error: &sled::Error) -> bool {
    matches!(error, sled::Error::Io(io) if io.to_string().contains("could not acquire lock"))
}

fn open_file(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(path)
}

fn open_refused(directory: &Path) -> io::Result<File> {
    let file = open_file(&directory.join("refused"))?;
    if file.metadata()?.len() < 8 {
        file.write_all_at(&NOTHING_REFUSED.to_be_bytes(), 0)?;
        file.sync_all()?;
    }
    Ok(file)
}

fn position(key: &[u8]) -> Result<u64, Error> {
    let bytes = <[u8; 8]>::try_from(key);
    bytes.map(u64::from_be_bytes).map_err(|_| Error::Damaged {
        first: 0,
        last: 0,
        reason: format!("a key of {} bytes is none of ours", key.len()),
    })
}

fn directory_bytes(directory: &Path) -> u64 {
    let Ok(entries) = fs::read_dir(directory) else {
        return 0;
    };
    let sizes = entries.flatten().map(|entry| match entry.metadata() {
        Ok(metadata) if metadata.is_dir() => directory_bytes(&entry.path()),
        Ok(metadata) => metadata.len(),
        Err(_) => 0,
    });
    sizes.sum()
}
