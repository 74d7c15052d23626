//! Settled chunks on sled, and what makes them durable.
//!
//! # What lies where
//!
//! ```text
//! <directory>/lock         held with flock while the log is open
//! <directory>/journal-0,1  what is committed and not yet settled (see `journal`)
//! <directory>/index        request ids, revisions and tree, rebuilt from the chunks when missing (see `index`)
//! <directory>/unsynced     whether the next process may believe what it reads (see `unsynced`)
//! <directory>/reserve      two segments of zeros, given up when the disk is full
//! <directory>/sled/        the sled database; everything below is inside
//!   tree `meta`            `format` → format version of the directory, u32, big-endian
//!   tree `chunks`          position of the first event, u64, big-endian → the chunk (see `chunk`)
//! <directory>/sled.new/    a compacted copy in the making
//! <directory>/sled.next/   a compacted copy that is whole
//! <directory>/sled.old/    what it replaces
//! ```
//!
//! Keys order like positions, so the chunk that covers a position is the last one whose key is not greater.
//! Format version 1 had no journal: every commit was a chunk of its own here. Such a directory is taken over as it
//! is, and compaction merges its small chunks.
//!
//! # What is atomic, and what is durable
//!
//! Settling half a journal is one sled batch, whole or absent.
//! sled's `flush` ends in `sync_file_range`, which survives a killed process but not a power cut.
//! So settling is: write → `Db::flush` → `fdatasync` on our own handle of sled's `db` file → let go of the journal.
//!
//! sled writes whole leaves of up to 17 neighbouring values when it tidies up, and a message of more than a
//! quarter of a segment goes into a file of its own under `blobs/`, which nobody syncs.
//! With segments of 4 MiB and chunks of at most 56 KiB, 18 chunks stay below that quarter, so this does not
//! happen; if it ever did, settling finds the files and syncs them too.
//! The segment size is part of the stored format: sled refuses to open with another.
//!
//! # When writing fails
//!
//! - No space: sled refuses everything once a write has failed, reads included, since reading may tidy up.
//!   Then `reserve` is deleted, which gives sled the room to be opened anew at once, and reads go on.
//!   If others eat that room first, reads say so until there is space again.
//!   Nothing is lost, since the journal keeps what could not be settled; commits go on until it is full.
//! - Anything else, above all a failed sync: nothing is written here any more, and the writer stops.
//!   After a failed `fdatasync` the kernel may have dropped the pages, and a second one would lie; also to the next
//!   process, which therefore writes once more what may not be on the disk (see `unsynced`).
//!   sled's handle is then leaked, because closing it would sync again and panic.
//!
//! - Reading, while sled opens: it takes what it cannot read for an unfinished write and overwrites it.
//!   So all that it could overwrite is read once before, and a failure refuses to open; what was read is in memory by
//!   then.
//!
//! - sled itself: a snapshot or settings that a crash left half written keep it from ever opening again, so the one is
//!   removed before opening and a store gets its name only when it is whole; a flush that waits while a write fails is
//!   never woken, so another flush is sent after it; and closing panics when its last sync fails, which nobody hears.
//!   Flushes and batches of all stores of a process exclude each other, and a batch that waits keeps new flushes out:
//!   also the one that is to wake another.
//!   So a batch waits with us, where it is in nobody's way, until no flush is left.
//!
//! # Memory
//!
//! sled takes in what it is given and queues whole segments for its threads, which wait for the disk; it never waits
//! itself, so that a copy that is made faster than the disk is would lie in memory.
//! So whoever makes a copy waits for sled after every 64 MiB.
//! Its cache takes more than it is told: it has 256 parts, each of which keeps the leaf it saw last, and a leaf holds 17
//! chunks, so that 8 MiB of cache are up to 240 MiB while large chunks are written.
//! A copy of 630 MB so took 270 MB of memory at most, measured.
//!
//! # Compaction
//!
//! sled keeps the space of what was replaced, and never shrinks its file.
//! So everything is copied into `sled.new`, which is synced, becomes `sled.next`, and takes the place of `sled`;
//! each step is a rename, and opening finishes what it finds half done.
//!
//! # Left out
//!
//! - One key per event: seven times slower and six times larger.
//! - sled transactions: a single writer needs no isolation, a batch is atomic.
//! - `generate_id`: jumps after an unclean stop.
//! - sled's compression and background flusher: chunks are compressed, and settling flushes itself.
//! - A bit flipped in the file outside of our values is for sled to find (it checks every message); a flipped bit
//!   in its last segments looks to it like an unfinished write, which signed checkpoints tell apart.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::FileExt;
use std::panic::AssertUnwindSafe;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{PoisonError, RwLock, RwLockReadGuard};
use std::time::Duration;

use crate::chunk::Stored;
use crate::unsynced::Unsynced;
use crate::{Error, Options};

/// Version of the directory's format.
pub(crate) const VERSION: u32 = 2;
/// The oldest one that can be opened.
const VERSION_MIN: u32 = 1;
const SEGMENT_BYTES: usize = 4 * 1024 * 1024;
/// What is kept back for opening sled on a full disk.
const RESERVE_BYTES: usize = 2 * SEGMENT_BYTES;
/// sled's threads may hold its file for a moment after the last handle is gone.
const LINGER_TRIES: u32 = 100;
const LINGER_WAIT: Duration = Duration::from_millis(20);
const FORMAT_KEY: &str = "format";
/// Bytes of a copy that sled may still have to write; then whoever hands them over waits, see the essay.
const UNWRITTEN_BYTES_MAX: usize = 64 * 1024 * 1024;

/// Held by each flush, and alone by each batch, of any store of this process; see the essay.
static FLUSHING: RwLock<()> = RwLock::new(());

/// Why chunks were not made durable.
#[derive(Debug)]
pub(crate) enum Failure {
    /// No space; may succeed later.
    DiskFull,
    /// Anything else; nothing may ever be written again.
    Fatal(String),
}

impl Failure {
    fn fatal(doing: &str, error: impl std::fmt::Display) -> Failure {
        Failure::Fatal(format!("{doing}: {error}"))
    }
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Error {
        match failure {
            Failure::DiskFull => Error::DiskFull,
            Failure::Fatal(why) => Error::WriterStopped { why: why.into() },
        }
    }
}

/// The settled chunks of a log.
pub(crate) struct Store {
    pub(crate) directory: PathBuf,
    cache_bytes: u64,
    /// `None` while the disk is full and sled could not be opened anew.
    opened: RwLock<Option<Opened>>,
    full: AtomicBool,
    fatal: AtomicBool,
    unsynced: Unsynced,
    /// Last, so that it is released last.
    _lock: File,
}

struct Opened {
    db: Quiet<sled::Db>,
    chunks: Quiet<sled::Tree>,
    data: File,
    blobs: PathBuf,
    /// Where in sled's log the newest snapshot ended when it was opened: what is written since lies behind it.
    snapshot: u64,
}

/// What sled gave; letting go of it syncs once more and panics when that fails, which nobody must hear.
struct Quiet<T>(Option<T>);

impl<T> Quiet<T> {
    fn new(inner: T) -> Quiet<T> {
        Quiet(Some(inner))
    }
}

impl<T> std::ops::Deref for Quiet<T> {
    type Target = T;

    fn deref(&self) -> &T {
        self.0.as_ref().expect("only dropping takes it")
    }
}

impl<T> Quiet<T> {
    /// Lets go of it; no if it was left in disorder.
    fn close(&mut self) -> bool {
        let inner = self.0.take();
        std::panic::catch_unwind(AssertUnwindSafe(|| drop(inner))).is_ok()
    }
}

impl<T> Drop for Quiet<T> {
    fn drop(&mut self) {
        self.close();
    }
}

impl Store {
    pub(crate) fn open(options: &Options) -> Result<Store, Error> {
        let directory = options.directory.clone();
        fs::create_dir_all(&directory).map_err(Error::io("create the directory of the log"))?;
        let lock = lock(&directory)?;
        finish_swap(&directory).map_err(Error::io("finish the last compaction"))?;
        let unsynced = match Unsynced::open(&directory) {
            Err(error) if is_out_of_room(&error) => {
                give_up_reserve(&directory).map_err(Error::io("give up the reserve"))?;
                Unsynced::open(&directory)
            }
            other => other,
        };
        let unsynced = unsynced.map_err(Error::io("open the file `unsynced`"))?;
        unsynced
            .write_again(&directory.join("sled"))
            .map_err(Error::io("write again what may not be on the disk"))?;
        let store = Store {
            unsynced,
            cache_bytes: options.cache_bytes,
            opened: RwLock::new(None),
            full: AtomicBool::new(false),
            fatal: AtomicBool::new(false),
            _lock: lock,
            directory,
        };
        let sled = store.sled();
        if !sled.try_exists().map_err(Error::io("look for the store"))? {
            // Under its name only when it is whole: sled does not open what it began and did not finish.
            store.begin()?;
        }
        let opened = match Opened::open(&sled, store.cache_bytes) {
            Err(error) if is_full(&error) => {
                give_up_reserve(&store.directory).map_err(Error::io("give up the reserve"))?;
                Opened::open(&sled, store.cache_bytes)?
            }
            other => other?,
        };
        // Until everything that opening wrote is synced.
        let noted = store.unsynced.begin(opened.snapshot);
        noted.map_err(Error::io("note what is not synced"))?;
        opened.check_version()?;
        *store.opened.write().unwrap_or_else(PoisonError::into_inner) = Some(opened);
        store
            .sync_files()
            .and_then(|()| store.unsynced.end())
            .map_err(Error::io("sync the files of the log"))?;
        if let Err(error) = store.fill_reserve() {
            tracing::warn!(%error, "cannot keep a reserve, nothing is settled for now: {error}");
            store.full.store(true, Ordering::Release);
        }
        Ok(store)
    }

    fn begin(&self) -> Result<(), Error> {
        let new = self.directory.join("sled.new");
        remove(&new).map_err(Error::io("remove an unfinished store"))?;
        Copy::open(&new)?.finish()?;
        sync_directory(&new)
            .and_then(|()| fs::rename(&new, self.sled()))
            .map_err(Error::io("begin the store"))
    }

    fn sled(&self) -> PathBuf {
        self.directory.join("sled")
    }

    /// Everything that opening created or repaired, and the names that lead there.
    fn sync_files(&self) -> io::Result<()> {
        sync_directory(&self.sled())?;
        File::open(&self.directory)?.sync_all()?;
        match fs::canonicalize(&self.directory)?.parent() {
            Some(parent) => File::open(parent)?.sync_all(),
            None => Ok(()),
        }
    }

    /// Makes `chunks` durable, all or none; those that are there already are left alone.
    pub(crate) fn settle(&self, chunks: &[Stored]) -> Result<(), Failure> {
        assert!(
            !self.fatal.load(Ordering::Acquire),
            "a stopped writer must not write"
        );
        if self.full.load(Ordering::Acquire) {
            self.recover()?;
        }
        let written = match &*self.read_guard() {
            Some(opened) => self.write(opened, chunks),
            None => Err(Failure::DiskFull),
        };
        written.map_err(|failure| match failure {
            Failure::DiskFull => self.refuse(),
            Failure::Fatal(why) => {
                self.stop();
                Failure::Fatal(why)
            }
        })
    }

    fn write(&self, opened: &Opened, chunks: &[Stored]) -> Result<(), Failure> {
        let noted = self.unsynced.begin(opened.snapshot);
        noted.map_err(|error| classify_io("cannot note what is not synced", &error))?;
        opened.insert(chunks)?;
        opened.make_durable()?;
        if let Err(error) = self.unsynced.end() {
            tracing::warn!(%error, "the next start will take longer, as it writes again what is there: {error}");
        }
        Ok(())
    }

    /// Nothing is written any more; reads go on if sled still gives them or can be opened anew.
    fn stop(&self) {
        self.fatal.store(true, Ordering::Release);
        if self.newest().is_err()
            && let Err(failure) = self.reopen()
        {
            tracing::error!(?failure, "the store cannot be read any more");
        }
    }

    /// There is no space for now.
    fn refuse(&self) -> Failure {
        self.full.store(true, Ordering::Release);
        let room = give_up_reserve(&self.directory);
        let room = room.map_err(|error| Failure::fatal("cannot give up the reserve", error));
        match room.and_then(|()| self.reopen()) {
            Ok(()) => tracing::warn!("the disk is full, nothing is settled for now"),
            Err(Failure::DiskFull) => tracing::error!("the disk is full, reads fail for now"),
            Err(fatal) => return fatal,
        }
        Failure::DiskFull
    }

    /// After the disk was full: goes on if there is space for the reserve again.
    fn recover(&self) -> Result<(), Failure> {
        self.fill_reserve().map_err(|error| {
            tracing::warn!(%error, "the disk is still full: {error}");
            Failure::DiskFull
        })?;
        if self.read_guard().is_none() {
            self.reopen()?;
        }
        self.full.store(false, Ordering::Release);
        tracing::info!("the disk has space again");
        Ok(())
    }

    /// Opens sled anew after it has failed for want of space.
    fn reopen(&self) -> Result<(), Failure> {
        let mut guard = self.opened.write().unwrap_or_else(PoisonError::into_inner);
        *guard = None;
        let sled = self.sled();
        if !sled.exists() {
            // A swap that failed half way; an empty store must not take the place.
            finish_swap(&self.directory)
                .map_err(|error| Failure::fatal("the store has lost its name", error))?;
        }
        if !self.fatal.load(Ordering::Acquire) {
            // Want of space may have kept what was written from the disk, and what is read here from then on goes on after it.
            let again = self.unsynced.write_again(&sled);
            again.map_err(|error| match error.kind() {
                // Its last threads are still at it; whoever tries again finds them gone.
                io::ErrorKind::ResourceBusy => Failure::DiskFull,
                _ => classify_io("cannot write again what is not synced", &error),
            })?;
        }
        let opened = Opened::open(&sled, self.cache_bytes).map_err(|error| {
            tracing::warn!(%error, "cannot open the store anew: {error}");
            Failure::DiskFull
        })?;
        *guard = Some(opened);
        Ok(())
    }

    /// Puts a whole copy in the place of the store; `copy` is closed and synced.
    pub(crate) fn swap(&self) -> Result<(), Failure> {
        let next = self.directory.join("sled.next");
        let named = sync_directory(&self.directory.join("sled.new"))
            .and_then(|()| fs::rename(self.directory.join("sled.new"), &next))
            .and_then(|()| File::open(&self.directory)?.sync_all());
        if let Err(error) = named {
            // A copy left under this name would replace the store at the next start, however old it is then.
            // Renamed first, since half a copy under this name would be worse still.
            return match fs::rename(&next, self.directory.join("sled.new")) {
                Err(left) if left.kind() != io::ErrorKind::NotFound => {
                    self.stop();
                    Err(Failure::fatal("cannot take back a compacted copy", left))
                }
                _ => Err(classify_io("cannot name the compacted copy", &error)),
            };
        }
        let mut guard = self.opened.write().unwrap_or_else(PoisonError::into_inner);
        *guard = None;
        let swapped = finish_swap(&self.directory)
            .map_err(|error| Failure::fatal("cannot swap in the compacted copy", error))
            .and_then(|()| {
                Opened::open(&self.sled(), self.cache_bytes)
                    .map_err(|error| Failure::fatal("cannot open the compacted copy", error))
            });
        match swapped {
            Ok(opened) => {
                *guard = Some(opened);
                Ok(())
            }
            Err(failure) => {
                drop(guard);
                self.stop();
                Err(failure)
            }
        }
    }

    /// An empty store beside this one, to be filled and swapped in.
    pub(crate) fn copy(&self) -> Result<Copy, Error> {
        let path = self.directory.join("sled.new");
        remove(&path).map_err(Error::io("remove an old copy"))?;
        Copy::open(&path)
    }

    /// Takes a copy away that is not wanted any more.
    pub(crate) fn discard(&self) {
        if let Err(error) = remove(&self.directory.join("sled.new")) {
            tracing::warn!(%error, "cannot remove an unfinished copy: {error}");
        }
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
            let _ = give_up_reserve(&self.directory);
        })
    }

    /// Up to `count` chunks by position, beginning with the one that covers `from` or else the first after it.
    pub(crate) fn chunks_from(
        &self,
        from: u64,
        count: usize,
    ) -> Result<Vec<(u64, sled::IVec)>, Error> {
        let reading = Error::storage;
        self.with("read a chunk", |opened| {
            let covering = match from.checked_add(1) {
                Some(beyond) => opened.chunks.get_lt(beyond.to_be_bytes()),
                None => opened.chunks.last(),
            };
            let start = match covering.map_err(reading("read a chunk"))? {
                Some((key, _)) => key.to_vec(),
                None => from.to_be_bytes().to_vec(),
            };
            let mut found = Vec::new();
            for pair in opened.chunks.range(start..).take(count) {
                match pair {
                    Ok((key, value)) => found.push((position(&key)?, value)),
                    // What cannot be read is met again by whoever begins there.
                    Err(_) if !found.is_empty() => break,
                    Err(error) => return Err(reading("read a chunk")(error)),
                }
            }
            Ok(found)
        })
    }

    /// The position of the first chunk after the one at `key`.
    pub(crate) fn next_key(&self, key: u64) -> Result<Option<u64>, Error> {
        self.with("read a chunk", |opened| {
            let next = opened.chunks.get_gt(key.to_be_bytes());
            let next = next.map_err(Error::storage("read a chunk"))?;
            next.map(|(key, _)| position(&key)).transpose()
        })
    }

    /// The newest chunk.
    pub(crate) fn newest(&self) -> Result<Option<(u64, sled::IVec)>, Error> {
        self.with("read a chunk", |opened| {
            let last = opened
                .chunks
                .last()
                .map_err(Error::storage("read a chunk"))?;
            last.map(|(key, value)| Ok((position(&key)?, value)))
                .transpose()
        })
    }

    /// Number of chunks; walks over all keys.
    pub(crate) fn count(&self) -> u64 {
        self.read_guard()
            .as_ref()
            .map_or(0, |opened| opened.chunks.len() as u64)
    }

    /// Size of everything sled stores.
    pub(crate) fn disk_bytes(&self) -> u64 {
        directory_bytes(&self.directory.join("sled"))
    }

    fn with<T>(
        &self,
        doing: &'static str,
        read: impl FnOnce(&Opened) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let guard = self.read_guard();
        let Some(opened) = guard.as_ref() else {
            if self.fatal.load(Ordering::Acquire) {
                return Err(Failure::Fatal("the store cannot be opened any more".into()).into());
            }
            return Err(Error::DiskFull);
        };
        caught(doing, || read(opened)).map_err(|error| {
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
        let opened = self
            .opened
            .get_mut()
            .unwrap_or_else(PoisonError::into_inner);
        let Some(opened) = opened.take() else {
            return;
        };
        if self.fatal.load(Ordering::Acquire) {
            std::mem::forget(sled::Db::clone(&opened.db));
            return;
        }
        // sled says where everything is before it syncs what is there, and nobody hears whether that failed.
        let noted = self.unsynced.begin(opened.snapshot);
        if let Err(error) = noted.and_then(|()| opened.close().and_then(|()| self.unsynced.end())) {
            tracing::warn!(%error, "the store was not closed in good order, the next start looks after it: {error}");
        }
    }
}

/// A store in the making, in a directory of its own.
pub(crate) struct Copy {
    opened: Opened,
    /// Bytes handed over since sled was last waited for.
    unwritten: AtomicUsize,
}

impl Copy {
    /// One in a new directory, or the one that is there.
    pub(crate) fn open(path: &Path) -> Result<Copy, Error> {
        let opened = Opened::open(path, 8 * 1024 * 1024)?;
        opened.check_version()?;
        Ok(Copy {
            opened,
            unwritten: AtomicUsize::new(0),
        })
    }

    pub(crate) fn get(&self, key: u64) -> Result<Option<Vec<u8>>, Error> {
        let found = caught("read a block", || {
            let found = self.opened.chunks.get(key.to_be_bytes());
            found.map_err(Error::storage("read a block"))
        })?;
        Ok(found.map(|value| value.to_vec()))
    }

    /// Adds chunks, best some hundred at once; durable only after [`Copy::finish`].
    ///
    /// Empty values go first: then sled cuts its leaves while they cost nothing, and writes each chunk just once.
    /// A store of 5,400 chunks so takes 1.04 times their bytes, else 1.77 times.
    pub(crate) fn insert(&self, chunks: &[Stored]) -> Result<(), Failure> {
        // One after the other, since a batch has no order and leaves would be cut anywhere.
        let inserted = |key: &u64, value: &[u8]| {
            let inserted = self.opened.chunks.insert(key.to_be_bytes(), value);
            inserted.map_err(|error| classify("cannot write", &error))
        };
        for (key, _) in chunks {
            inserted(key, &[])?;
        }
        for (key, value) in chunks {
            inserted(key, value)?;
        }
        let bytes = chunks.iter().map(|(_, value)| value.len()).sum();
        let before = self.unwritten.fetch_add(bytes, Ordering::Relaxed);
        if before + bytes < UNWRITTEN_BYTES_MAX {
            return Ok(());
        }
        self.unwritten.store(0, Ordering::Relaxed);
        let flushed = self.opened.flush();
        flushed.map_err(|error| classify("cannot flush", &error))
    }

    /// Makes everything durable but the names that lead to it.
    pub(crate) fn finish(self) -> Result<(), Failure> {
        self.opened.make_durable()
    }
}

impl Opened {
    fn open(sled: &Path, cache_bytes: u64) -> Result<Opened, Error> {
        let config = sled::Config::new()
            .path(sled)
            .mode(sled::Mode::HighThroughput)
            .segment_size(SEGMENT_BYTES)
            .cache_capacity(cache_bytes)
            .use_compression(false)
            .flush_every_ms(None);
        remove_unfinished_snapshots(sled).map_err(Error::io("remove an unfinished snapshot"))?;
        read_ahead(sled).map_err(Error::io("read the store"))?;
        let mut tries = 0;
        let db = loop {
            let opened = caught("open the store", || {
                config.open().map_err(Error::storage("open the store"))
            });
            match opened {
                Err(error) if is_lock(&error) && tries < LINGER_TRIES => {
                    tries += 1;
                    std::thread::sleep(LINGER_WAIT);
                }
                Err(error) if is_lock(&error) => {
                    return Err(Error::Locked {
                        directory: sled.into(),
                    });
                }
                other => break other?,
            }
        };
        let db = Quiet::new(db);
        let chunks = db
            .open_tree("chunks")
            .map_err(Error::storage("open the store"))?;
        let chunks = Quiet::new(chunks);
        let data = OpenOptions::new()
            .read(true)
            .write(true)
            .open(sled.join("db"));
        let data = data.map_err(Error::io("open the data file"))?;
        let snapshot = newest_snapshot(sled).map_err(Error::io("look for the snapshot"))?;
        Ok(Opened {
            snapshot,
            db,
            chunks,
            data,
            blobs: sled.join("blobs"),
        })
    }

    /// Lets go of sled, and makes sure that what it wrote on leaving is on the disk.
    fn close(mut self) -> io::Result<()> {
        let in_order = self.chunks.close() & self.db.close();
        if !(in_order && is_let_go(&self.data)) {
            return Err(io::Error::other("sled has not ended as it should"));
        }
        self.data.sync_data()
    }

    /// Writes the format version into a new store or an older one, or refuses one it cannot read.
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
            None if self.chunks.is_empty() => VERSION_MIN,
            None => 0,
        };
        if !(VERSION_MIN..=VERSION).contains(&found) {
            return Err(Error::FormatVersion {
                found,
                supported: VERSION,
            });
        }
        if found != VERSION {
            let version = &VERSION.to_be_bytes();
            meta.insert(FORMAT_KEY, version)
                .and_then(|_| self.flush())
                .map_err(storing("write the format version"))?;
            self.data
                .sync_data()
                .map_err(Error::io("sync the format version"))?;
        }
        Ok(())
    }

    fn insert(&self, chunks: &[Stored]) -> Result<(), Failure> {
        let mut batch = sled::Batch::default();
        for (key, value) in chunks {
            batch.insert(&key.to_be_bytes(), value.as_slice());
        }
        let _alone = FLUSHING.write().unwrap_or_else(PoisonError::into_inner);
        self.chunks
            .apply_batch(batch)
            .map_err(|error| classify("cannot write", &error))
    }

    /// A flush that waits is not told of a write that fails meanwhile; only a later call notices and wakes it.
    fn flush(&self) -> Result<(), sled::Error> {
        let _flushing = FLUSHING.read().unwrap_or_else(PoisonError::into_inner);
        let (done, waits) = std::sync::mpsc::channel::<()>();
        let db: &sled::Db = &self.db;
        std::thread::scope(|scope| {
            scope.spawn(move || {
                let mut wait = Duration::from_millis(250);
                while waits.recv_timeout(wait) == Err(std::sync::mpsc::RecvTimeoutError::Timeout) {
                    scope.spawn(|| db.flush());
                    wait *= 2;
                }
            });
            let flushed = db.flush();
            drop(done);
            flushed.map(|_| ())
        })
    }

    fn make_durable(&self) -> Result<(), Failure> {
        self.flush()
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
}

/// Whether sled has let go of its file, as soon as its last thread is gone.
pub(crate) fn is_let_go(data: &File) -> bool {
    (0..LINGER_TRIES).any(|_| {
        data.try_lock().is_ok() || {
            std::thread::sleep(LINGER_WAIT);
            false
        }
    })
}

fn give_up_reserve(directory: &Path) -> io::Result<()> {
    match fs::remove_file(directory.join("reserve")) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Whether there is no space, or no more for us.
pub(crate) fn is_out_of_room(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded
    )
}

fn classify(doing: &str, error: &sled::Error) -> Failure {
    match error {
        sled::Error::Io(io) if is_out_of_room(io) => Failure::DiskFull,
        _ => Failure::fatal(doing, error),
    }
}

fn classify_io(doing: &str, error: &io::Error) -> Failure {
    if is_out_of_room(error) {
        Failure::DiskFull
    } else {
        Failure::fatal(doing, error)
    }
}

fn is_full(error: &Error) -> bool {
    match error {
        Error::Storage {
            source: sled::Error::Io(io),
            ..
        } => is_out_of_room(io),
        _ => false,
    }
}

/// Names what sled says of a damaged file; where it has no error for that, it panics.
fn caught<T>(doing: &'static str, work: impl FnOnce() -> Result<T, Error>) -> Result<T, Error> {
    let damaged = |problem| Error::StoreDamaged { doing, problem };
    match std::panic::catch_unwind(AssertUnwindSafe(work)) {
        Ok(Err(Error::Storage {
            source: source @ sled::Error::Corruption { .. },
            ..
        })) => Err(damaged(source.to_string())),
        Ok(other) => other,
        Err(panic) => {
            let said = panic.downcast_ref::<String>().map(String::as_str);
            let said = said.or_else(|| panic.downcast_ref::<&str>().copied());
            Err(damaged(said.unwrap_or("the store gave up").to_owned()))
        }
    }
}

/// sled has no error of its own for this.
fn is_lock(error: &Error) -> bool {
    match error {
        Error::Storage {
            source: sled::Error::Io(io),
            ..
        } => io.to_string().contains("could not acquire lock"),
        _ => false,
    }
}

fn open_file(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(path)
}

fn lock(directory: &Path) -> Result<File, Error> {
    let lock = open_file(&directory.join("lock")).map_err(Error::io("open the lock file"))?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(fs::TryLockError::WouldBlock) => Err(Error::Locked {
            directory: directory.into(),
        }),
        Err(fs::TryLockError::Error(error)) => Err(Error::io("lock the log")(error)),
    }
}

/// Takes a compaction to its end, wherever it was interrupted.
fn finish_swap(directory: &Path) -> io::Result<()> {
    let [sled, new, next, old] =
        ["sled", "sled.new", "sled.next", "sled.old"].map(|name| directory.join(name));
    if next.try_exists()? {
        if sled.try_exists()? {
            remove(&old)?;
            fs::rename(&sled, &old)?;
        }
        fs::rename(&next, &sled)?;
        File::open(directory)?.sync_all()?;
    } else if !sled.try_exists()? && old.try_exists()? {
        fs::rename(&old, &sled)?;
    }
    for left in [new, old] {
        if let Err(error) = remove(&left) {
            tracing::warn!(%error, "cannot remove {}: {error}", left.display());
        }
    }
    Ok(())
}

/// sled takes a snapshot that a crash left unfinished for the newest one, and does not open then.
fn remove_unfinished_snapshots(sled: &Path) -> io::Result<()> {
    if !sled.try_exists()? {
        return Ok(());
    }
    for entry in fs::read_dir(sled)? {
        let path = entry?.path();
        if path
            .extension()
            .is_some_and(|extension| extension == "generating")
        {
            fs::remove_file(path)?;
        }
    }
    Ok(())
}

/// Reads what sled will go through to find the end of its log.
///
/// A segment it cannot read it overwrites, and what follows is lost.
fn read_ahead(sled: &Path) -> io::Result<()> {
    match File::open(sled.join("db")) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        file => each_segment(&file?, newest_snapshot(sled)?, &mut |_, _| Ok(())),
    }
}

/// Reads the header of each segment, and whole those that end behind `since` in sled's log; gives where in the file
/// each of them lies, and what it holds.
pub(crate) fn each_segment(
    file: &File,
    since: u64,
    found: &mut dyn FnMut(u64, &[u8]) -> io::Result<()>,
) -> io::Result<()> {
    let begin = since / SEGMENT_BYTES as u64 * SEGMENT_BYTES as u64;
    let mut segment = vec![0; SEGMENT_BYTES];
    for at in (0..file.metadata()?.len()).step_by(SEGMENT_BYTES) {
        // A checksum, then where the segment begins in the log, turned over.
        let mut header = [0; 12];
        if file.read_at(&mut header, at)? < header.len() {
            break;
        }
        let [_, _, _, _, turned @ ..] = header;
        if u64::from_le_bytes(turned) ^ i64::MAX as u64 >= begin {
            let mut filled = 0;
            while filled < segment.len() {
                match file.read_at(&mut segment[filled..], at + filled as u64)? {
                    0 => break,
                    read => filled += read,
                }
            }
            found(at, &segment[..filled])?;
        }
    }
    Ok(())
}

/// Up to where in the log the newest snapshot goes, which is its name; 0 without one.
fn newest_snapshot(sled: &Path) -> io::Result<u64> {
    let mut newest = 0;
    for entry in fs::read_dir(sled)? {
        let name = entry?.file_name();
        let digits = name.to_str().and_then(|name| name.strip_prefix("snap."));
        let end = digits.and_then(|digits| u64::from_str_radix(digits, 16).ok());
        newest = newest.max(end.unwrap_or(0));
    }
    Ok(newest)
}

fn remove(directory: &Path) -> io::Result<()> {
    match fs::remove_dir_all(directory) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// The files in a directory of sled, and their names.
pub(crate) fn sync_directory(directory: &Path) -> io::Result<()> {
    for entry in fs::read_dir(directory)? {
        File::open(entry?.path())?.sync_all()?;
    }
    File::open(directory)?.sync_all()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_makes_a_copy_waits_for_sled_before_much_of_it_is_in_memory() {
        let folder = tempfile::tempdir().unwrap();
        let copy = Copy::open(&folder.path().join("copy")).unwrap();
        let (mut waits, mut handed_over) = (0, 0);
        while handed_over < UNWRITTEN_BYTES_MAX + UNWRITTEN_BYTES_MAX / 4 {
            let chunks: Vec<Stored> = (0..128)
                .map(|number| (handed_over as u64 + number, vec![7; 48 * 1024]))
                .collect();
            handed_over += 128 * 48 * 1024;
            copy.insert(&chunks).unwrap();
            let unwritten = copy.unwritten.load(Ordering::Relaxed);
            assert!(unwritten < UNWRITTEN_BYTES_MAX);
            if unwritten == 0 {
                waits += 1;
                assert_eq!(copy.opened.db.flush().unwrap(), 0, "bytes were left");
            }
        }
        assert_eq!(waits, 1);
    }
}
