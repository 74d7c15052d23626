//! The bytes of a saved state: numbers, texts, lists and rows, written and read back strictly.
//!
//! Integers are little-endian, and a list begins with the number of its items.
//! What there are many of (figures, positions, texts) is written as it is; every other row is its JSON form after its length in bytes, the very form that the digest hashes and subscribers get.
//! A binary serde form would be shorter, but those that do not name their fields cannot read what leaves out empty ones, as events do.
//!
//! Reading trusts no number: nothing makes more room than the bytes that have come account for.

use std::collections::BTreeMap;
use std::fmt;
use std::io::{self, Read, Write};

use serde::Serialize;
use serde::de::DeserializeOwned;

/// Bytes read at once, at most.
const STEP: usize = 64 * 1024;

/// Why bytes are not a state.
#[derive(Debug)]
pub enum LoadError {
    /// They cannot be read.
    Read(io::Error),
    /// They do not begin as a saved state does.
    NotAState,
    /// Another version of the fold or of the form made them.
    FoldVersion {
        /// The version they name.
        found: String,
    },
    /// They end too early.
    Ends {
        /// Within which table.
        table: &'static str,
    },
    /// They say what no state holds.
    Invalid {
        /// In which table.
        table: &'static str,
        /// What does not fit.
        reason: String,
    },
    /// They go on behind the state.
    Trailing,
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Read(error) => write!(f, "the saved state cannot be read: {error}"),
            Self::NotAState => write!(f, "the bytes are no saved state"),
            Self::FoldVersion { found } => write!(
                f,
                "the state was saved by version '{found}' of the fold, not by '{}'",
                crate::FOLD_VERSION
            ),
            Self::Ends { table } => write!(f, "the saved state ends within {table}"),
            Self::Invalid { table, reason } => {
                write!(f, "the saved state does not hold in {table}: {reason}")
            }
            Self::Trailing => write!(f, "bytes follow the saved state"),
        }
    }
}

impl std::error::Error for LoadError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Read(error) => Some(error),
            _ => None,
        }
    }
}

/// Writes a saved state.
pub(crate) struct Output<W> {
    to: W,
    row: Vec<u8>,
}

impl<W: Write> Output<W> {
    pub(crate) fn new(to: W) -> Self {
        Self {
            to,
            row: Vec::new(),
        }
    }

    pub(crate) fn bytes(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.to.write_all(bytes)
    }

    /// A position, or how many items follow.
    pub(crate) fn number(&mut self, number: u64) -> io::Result<()> {
        self.bytes(&number.to_le_bytes())
    }

    fn block(&mut self, bytes: &[u8]) -> io::Result<()> {
        let length = u32::try_from(bytes.len()).map_err(|_| io::ErrorKind::FileTooLarge)?;
        self.bytes(&length.to_le_bytes())?;
        self.bytes(bytes)
    }

    pub(crate) fn text(&mut self, text: &str) -> io::Result<()> {
        self.block(text.as_bytes())
    }

    /// Items of a fixed length.
    pub(crate) fn list<const N: usize>(
        &mut self,
        items: impl ExactSizeIterator<Item = [u8; N]>,
    ) -> io::Result<()> {
        self.number(items.len() as u64)?;
        for item in items {
            self.bytes(&item)?;
        }
        Ok(())
    }

    /// Rows of any length.
    pub(crate) fn rows<T: Serialize>(
        &mut self,
        rows: impl ExactSizeIterator<Item = T>,
    ) -> io::Result<()> {
        self.number(rows.len() as u64)?;
        for row in rows {
            let mut line = std::mem::take(&mut self.row);
            line.clear();
            serde_json::to_writer(&mut line, &row)?;
            self.block(&line)?;
            self.row = line;
        }
        Ok(())
    }

    pub(crate) fn finish(mut self) -> io::Result<()> {
        self.to.flush()
    }
}

/// How many values the tables hold that others refer to by an index.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Known {
    pub(crate) position: u64,
    pub(crate) texts: usize,
    pub(crate) actors: usize,
    pub(crate) sources: usize,
    pub(crate) places: usize,
    pub(crate) indicators: usize,
    /// Whether there is any figure, whose origin must be there.
    pub(crate) has_figures: bool,
}

impl Known {
    /// Whether an event of that position was folded.
    pub(crate) fn position(&self, position: u64) -> bool {
        (1..=self.position).contains(&position)
    }

    pub(crate) fn text(&self, index: u32) -> bool {
        (index as usize) < self.texts
    }

    pub(crate) fn actor(&self, index: u32) -> bool {
        (index as usize) < self.actors
    }

    pub(crate) fn source(&self, index: u32) -> bool {
        (index as usize) < self.sources
    }

    pub(crate) fn place(&self, index: u32) -> bool {
        (index as usize) < self.places
    }

    /// Whether a key names a place and an indicator.
    pub(crate) fn series(&self, (place, indicator): (u32, u32)) -> bool {
        self.place(place) && (indicator as usize) < self.indicators
    }
}

/// What refers to other tables.
pub(crate) trait Sound {
    /// Whether all it refers to is there.
    fn is_sound(&self, known: &Known) -> bool;
}

impl<K, V: Sound> Sound for BTreeMap<K, V> {
    fn is_sound(&self, known: &Known) -> bool {
        self.values().all(|value| value.is_sound(known))
    }
}

/// Reads a saved state.
pub(crate) struct Input<R> {
    from: R,
    buffer: Vec<u8>,
    /// What is being read, for errors.
    table: &'static str,
    pub(crate) known: Known,
}

impl<R: Read> Input<R> {
    pub(crate) fn new(from: R) -> Self {
        Self {
            from,
            buffer: Vec::new(),
            table: "its beginning",
            known: Known::default(),
        }
    }

    /// Says which table comes next.
    pub(crate) fn table(&mut self, table: &'static str) -> &mut Self {
        self.table = table;
        self
    }

    pub(crate) fn invalid(&self, reason: impl Into<String>) -> LoadError {
        LoadError::Invalid {
            table: self.table,
            reason: reason.into(),
        }
    }

    /// An error unless something holds.
    pub(crate) fn check(&self, holds: bool, reason: &str) -> Result<(), LoadError> {
        if holds {
            Ok(())
        } else {
            Err(self.invalid(reason))
        }
    }

    fn fill(&mut self, length: usize) -> Result<(), LoadError> {
        self.buffer.clear();
        while self.buffer.len() < length {
            let from = self.buffer.len();
            self.buffer.resize(length.min(from + STEP), 0);
            let read = self.from.read_exact(&mut self.buffer[from..]);
            read.map_err(|error| match error.kind() {
                io::ErrorKind::UnexpectedEof => LoadError::Ends { table: self.table },
                _ => LoadError::Read(error),
            })?;
        }
        Ok(())
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N], LoadError> {
        self.fill(N)?;
        let mut array = [0; N];
        array.copy_from_slice(&self.buffer);
        Ok(array)
    }

    pub(crate) fn byte(&mut self) -> Result<u8, LoadError> {
        let [byte] = self.array()?;
        Ok(byte)
    }

    /// An index.
    pub(crate) fn index(&mut self) -> Result<u32, LoadError> {
        Ok(u32::from_le_bytes(self.array()?))
    }

    /// A position.
    pub(crate) fn number(&mut self) -> Result<u64, LoadError> {
        Ok(u64::from_le_bytes(self.array()?))
    }

    /// How many items follow.
    pub(crate) fn count(&mut self) -> Result<usize, LoadError> {
        let count = self.number()?;
        usize::try_from(count).map_err(|_| self.invalid(format!("{count} items are too many")))
    }

    fn block(&mut self) -> Result<&[u8], LoadError> {
        let length = self.index()?;
        self.fill(length as usize)?;
        Ok(&self.buffer)
    }

    pub(crate) fn text(&mut self) -> Result<String, LoadError> {
        let text = str::from_utf8(self.block()?).map(ToOwned::to_owned);
        text.map_err(|error| self.invalid(error.to_string()))
    }

    /// Items of a fixed length; `item` gives none for bytes that are no item.
    pub(crate) fn list<const N: usize, T>(
        &mut self,
        mut item: impl FnMut([u8; N]) -> Option<T>,
    ) -> Result<Vec<T>, LoadError> {
        let count = self.count()?;
        let mut list = Vec::new();
        while list.len() < count {
            let left = count - list.len();
            let step = left.min(STEP / N);
            self.fill(step * N)?;
            if list.capacity() - list.len() < step {
                list.reserve_exact(left.min(list.len().max(step)));
            }
            for bytes in self.buffer.as_chunks().0 {
                let read = item(*bytes);
                let at = list.len();
                list.push(read.ok_or_else(|| self.invalid(format!("item {at} is none")))?);
            }
        }
        Ok(list)
    }

    /// Rows of any length.
    pub(crate) fn rows<T: DeserializeOwned>(
        &mut self,
        mut take: impl FnMut(&Self, T) -> Result<(), LoadError>,
    ) -> Result<(), LoadError> {
        for _ in 0..self.count()? {
            let row = serde_json::from_slice(self.block()?);
            let row = row.map_err(|error| self.invalid(error.to_string()))?;
            take(self, row)?;
        }
        Ok(())
    }

    /// A table by key; `is_known` tells whether what the key refers to is there.
    pub(crate) fn map<K: Ord + DeserializeOwned, V: Sound + DeserializeOwned>(
        &mut self,
        table: &'static str,
        is_known: impl Fn(&Known, &K) -> bool,
    ) -> Result<BTreeMap<K, V>, LoadError> {
        let mut map = BTreeMap::new();
        self.table(table).rows(|input, (key, value): (K, V)| {
            let last = map.last_key_value();
            input.check(last.is_none_or(|(last, _)| *last < key), OUT_OF_ORDER)?;
            let sound = is_known(&input.known, &key) && value.is_sound(&input.known);
            input.check(sound, UNKNOWN)?;
            map.insert(key, value);
            Ok(())
        })?;
        Ok(map)
    }

    /// Nothing may follow.
    pub(crate) fn end(mut self) -> Result<(), LoadError> {
        match self.table("its end").byte() {
            Err(LoadError::Ends { .. }) => Ok(()),
            Err(error) => Err(error),
            Ok(_) => Err(LoadError::Trailing),
        }
    }
}

/// What is said of keys that do not ascend.
pub(crate) const OUT_OF_ORDER: &str = "a row does not follow the one before it";
/// What is said of an index beyond its table or a position that was not folded.
pub(crate) const UNKNOWN: &str = "a row refers to what is not there";
