//! What of the store may be in memory only, told to the process that comes after.
//!
//! After a failed sync the kernel takes the pages for clean: whoever reads them finds what was written, no later sync
//! writes it, and a power cut takes it away.
//! The process that met the failure stops writing; the next one would believe what it reads, and let go of the journal.
//! So the file `unsynced` says, from before a batch until it is synced, from where in sled's log the store may not be
//! on the disk.
//! It need not be synced itself, as it lives exactly as long as the pages that it speaks of; and it is set before
//! anything can fail.
//! Letting go of sled is such a time too: it says where everything is before it syncs what is there, and whether that
//! failed nobody hears.
//! Opening writes everything from there once more, as it reads it, which makes the pages dirty again, and syncs it.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::storage::{each_segment, is_let_go};

/// Everything is on the disk.
const NOTHING: u64 = u64::MAX;

/// From where in sled's log the store may not be on the disk: big-endian, in place, so that it needs no space.
pub(crate) struct Unsynced {
    file: File,
    since: AtomicU64,
}

impl Unsynced {
    pub(crate) fn open(directory: &Path) -> io::Result<Unsynced> {
        let path = directory.join("unsynced");
        let mut options = OpenOptions::new();
        let file = options.read(true).write(true).create(true).truncate(false);
        let file = file.open(path)?;
        let mut since = [0; 8];
        let noted = file.read_at(&mut since, 0)? == since.len();
        let unsynced = Unsynced {
            file,
            since: AtomicU64::new(u64::from_be_bytes(since)),
        };
        if !noted {
            // New, or cut off with the power: then what is read comes from the disk.
            unsynced.end()?;
        }
        Ok(unsynced)
    }

    fn note(&self, since: u64) -> io::Result<()> {
        self.file.write_all_at(&since.to_be_bytes(), 0)?;
        self.since.store(since, Ordering::Release);
        Ok(())
    }

    /// From here on things may be in memory only; an older note stays.
    pub(crate) fn begin(&self, since: u64) -> io::Result<()> {
        self.note(since.min(self.since.load(Ordering::Acquire)))
    }

    /// Everything is on the disk.
    pub(crate) fn end(&self) -> io::Result<()> {
        self.note(NOTHING)
    }

    /// Writes to the file `db` in `sled` once more what may not be on the disk, and syncs it.
    pub(crate) fn write_again(&self, sled: &Path) -> io::Result<()> {
        let since = self.since.load(Ordering::Acquire);
        if since == NOTHING {
            return Ok(());
        }
        tracing::warn!(since, "what may be in memory only is written again");
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .open(sled.join("db"));
        match file {
            Ok(file) if !is_let_go(&file) => {
                let why = "sled has not let go of its file";
                return Err(io::Error::new(io::ErrorKind::ResourceBusy, why));
            }
            Ok(file) => {
                each_segment(&file, since, &mut |at, bytes| file.write_all_at(bytes, at))?;
                file.sync_data()?;
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        self.end()
    }
}
