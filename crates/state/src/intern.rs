//! Texts, actors and sources that come again and again, kept once and named by an index.
//!
//! An index is given at the first appearance, so the same events give the same indexes everywhere.
//! The maps are only looked into; what is iterated, and enters the digest, are the lists.

use std::hash::Hash;
use std::io::{self, Read, Write};
use std::sync::Arc;

use domain::event::{Actor, Source};

use crate::form::{Input, LoadError, Output};
use crate::point::bytes_of;

/// How many different values one table of this state can name.
///
/// Checked for texts, actors, sources, localities and indicators.
pub(crate) const VALUES_MAX: usize = u32::MAX as usize;

/// The index of the next value; the fold refuses events before a table could overflow.
pub(crate) fn next_index(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}

/// What is kept once.
pub(crate) trait Value: Eq + Hash + ToOwned {
    /// Bytes of the texts it holds.
    fn texts_bytes(&self) -> usize;
}

impl Value for str {
    fn texts_bytes(&self) -> usize {
        self.len()
    }
}

impl Value for Actor {
    fn texts_bytes(&self) -> usize {
        self.organisation.len() + self.office.len()
    }
}

impl Value for Source {
    fn texts_bytes(&self) -> usize {
        self.title.len() + self.url.len()
    }
}

/// Values, each kept once.
#[derive(Debug)]
pub(crate) struct Table<T: ?Sized> {
    index: foldhash::HashMap<Arc<T>, u32>,
    values: Vec<Arc<T>>,
    /// Index of the value named last, for one often comes many times in a row.
    last: u32,
    /// Bytes of the texts of all values.
    texts_bytes: usize,
}

impl<T: ?Sized> Default for Table<T> {
    fn default() -> Self {
        Self {
            index: foldhash::HashMap::default(),
            values: Vec::new(),
            last: 0,
            texts_bytes: 0,
        }
    }
}

impl<T: ?Sized> Clone for Table<T>
where
    Arc<T>: Eq + Hash,
{
    fn clone(&self) -> Self {
        Self {
            index: self.index.clone(),
            values: self.values.clone(),
            ..*self
        }
    }
}

impl<T: Value + ?Sized> Table<T>
where
    Arc<T>: From<T::Owned>,
{
    /// The index of a value, given now if it is new.
    pub(crate) fn intern(&mut self, value: &T) -> u32 {
        let last = self.values.get(self.last as usize);
        if last.is_none_or(|last| **last != *value) {
            self.last = self.look_up(value);
        }
        self.last
    }

    /// Reads values, each as `read` does, and names them as before.
    pub(crate) fn load<R: Read>(
        input: &mut Input<R>,
        read: impl Fn(&mut Input<R>) -> Result<Arc<T>, LoadError>,
    ) -> Result<Self, LoadError> {
        let mut table = Self::default();
        let count = input.count()?;
        input.check(count <= VALUES_MAX, "there are too many values")?;
        for _ in 0..count {
            let value = read(input)?;
            table.texts_bytes += value.texts_bytes();
            table.values.push(value);
        }
        table.index.reserve(table.values.len());
        let indexes = table.values.iter().cloned().zip(0..);
        table.index.extend(indexes);
        let different = table.index.len() == table.values.len();
        input.check(different, "a value comes twice")?;
        Ok(table)
    }

    fn look_up(&mut self, value: &T) -> u32 {
        if let Some(index) = self.index.get(value) {
            return *index;
        }
        let index = next_index(self.values.len());
        let shared: Arc<T> = value.to_owned().into();
        self.texts_bytes += value.texts_bytes();
        self.values.push(Arc::clone(&shared));
        self.index.insert(shared, index);
        index
    }
}

impl<T: ?Sized> Table<T> {
    /// The value of an index.
    pub(crate) fn get(&self, index: u32) -> &T {
        &self.values[index as usize]
    }

    /// All values in the order of their first appearance.
    pub(crate) fn values(&self) -> &[Arc<T>] {
        &self.values
    }

    /// Writes the values, each as `write` does.
    pub(crate) fn save<W: Write>(
        &self,
        out: &mut Output<W>,
        write: impl Fn(&mut Output<W>, &T) -> io::Result<()>,
    ) -> io::Result<()> {
        out.number(self.values.len() as u64)?;
        self.values.iter().try_for_each(|value| write(out, value))
    }

    /// Bytes of the values and of the tables that name them, with the room kept; `head` is what a value takes beside its texts.
    pub(crate) fn bytes(&self, head: usize) -> usize {
        // How many share a value is counted in front of it, strongly and weakly.
        let values = self.values.len() * (2 * size_of::<usize>() + head);
        // A hash map has a byte beside each place and leaves every eighth place empty.
        let places = self.index.capacity().div_ceil(7) * 8;
        let map = places * (size_of::<(Arc<T>, u32)>() + 1);
        self.texts_bytes + values + map + bytes_of(&self.values)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_that_comes_again_keeps_its_index() {
        let mut actors = Table::default();
        let actor = |organisation: &str| Actor {
            organisation: organisation.to_owned(),
            office: "Trưởng phòng".to_owned(),
        };
        let first = actors.intern(&actor("Công an tỉnh"));
        let second = actors.intern(&actor("Công an huyện"));
        assert_eq!(actors.intern(&actor("Công an tỉnh")), first);
        assert_eq!(actors.intern(&actor("Công an tỉnh")), first);
        assert_eq!((actors.values().len(), first, second), (2, 0, 1));
        assert_eq!(actors.get(second), &actor("Công an huyện"));
        let texts = 2 * "Trưởng phòng".len() + "Công an tỉnh".len() + "Công an huyện".len();
        assert!(actors.bytes(size_of::<Actor>()) > texts + 2 * size_of::<Actor>());
    }
}
