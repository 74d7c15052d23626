//! Blocks beside a log: a sled database of their own, written once, made durable, and then only read.
//!
//! For what can be made again from the log but costs time, such as a state that was folded from it.
//! It is here because all stores of a process share sled's one lock, so that whoever flushes must know of the log's flushes (see the essay of `storage`).
//!
//! A database has a directory of its own: to let go of it is to remove that, and disk space is given back at once.
//! sled reads all it holds when it opens a database for the first time after writing, so that is done before the writer is through.

use std::path::{Path, PathBuf};

use crate::Error;
use crate::storage::{Copy, sync_directory};

/// Most bytes of a block; a larger one would go into a file of its own, see the essay of `storage`.
pub const BLOCK_BYTES_MAX: usize = 56 * 1024;

/// A database of numbered blocks.
pub struct Blocks {
    path: PathBuf,
    copy: Copy,
}

impl Blocks {
    /// Begins a database in a directory that is not there yet.
    ///
    /// # Errors
    /// [`Error::NotEmpty`] if it is there; what the disk says.
    pub fn create(path: &Path) -> Result<Self, Error> {
        if path
            .try_exists()
            .map_err(Error::io("look for the blocks"))?
        {
            return Err(Error::NotEmpty {
                directory: path.into(),
            });
        }
        Ok(Self {
            path: path.into(),
            copy: Copy::open(path)?,
        })
    }

    /// Adds blocks, best some hundred at once; none is durable before [`Blocks::finish`].
    ///
    /// Waits for the disk after every 64 MiB, so that some 270 MB of memory are enough for any number of them.
    ///
    /// # Errors
    /// [`Error::TooLarge`] for a block of more than [`BLOCK_BYTES_MAX`]; what the disk says.
    pub fn insert(&self, blocks: &[(u64, Vec<u8>)]) -> Result<(), Error> {
        let longest = blocks.iter().map(|(_, block)| block.len()).max();
        match longest {
            Some(actual) if actual > BLOCK_BYTES_MAX => Err(Error::TooLarge {
                what: "bytes of a block",
                actual,
                limit: BLOCK_BYTES_MAX,
            }),
            _ => Ok(self.copy.insert(blocks)?),
        }
    }

    /// Makes the blocks durable, but for the name that leads to their directory, and the next [`Blocks::open`] quick.
    ///
    /// # Errors
    /// What the disk says; the blocks must then not be believed.
    pub fn finish(self) -> Result<(), Error> {
        let Self { path, copy } = self;
        copy.finish()?;
        drop(Self::open(&path)?);
        sync_directory(&path).map_err(Error::io("sync the blocks"))
    }

    /// Opens what was finished.
    ///
    /// # Errors
    /// [`Error::StoreDamaged`] or [`Error::FormatVersion`] for files that somebody changed; [`Error::Locked`] while another holds them; [`Error::Io`] without any.
    pub fn open(path: &Path) -> Result<Self, Error> {
        // sled would begin a new one.
        std::fs::metadata(path.join("db")).map_err(Error::io("look for the blocks"))?;
        Ok(Self {
            path: path.into(),
            copy: Copy::open(path)?,
        })
    }

    /// The block of a number, if there is one.
    ///
    /// # Errors
    /// [`Error::StoreDamaged`] if it cannot be read.
    pub fn get(&self, number: u64) -> Result<Option<Vec<u8>>, Error> {
        self.copy.get(number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_there_after_they_were_finished_and_only_then() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("blocks");
        assert!(matches!(Blocks::open(&path), Err(Error::Io { .. })));
        let blocks = Blocks::create(&path).unwrap();
        let many: Vec<_> = (1..200)
            .map(|number| (number, vec![number as u8; 40_000]))
            .collect();
        blocks.insert(&many).unwrap();
        let too_large = blocks.insert(&[(200, vec![0; BLOCK_BYTES_MAX + 1])]);
        assert!(matches!(too_large, Err(Error::TooLarge { .. })));
        assert!(matches!(Blocks::create(&path), Err(Error::NotEmpty { .. })));
        blocks.finish().unwrap();
        let blocks = Blocks::open(&path).unwrap();
        for (number, block) in many {
            assert_eq!(blocks.get(number).unwrap().unwrap(), block);
        }
        assert!(blocks.get(200).unwrap().is_none());
    }
}
