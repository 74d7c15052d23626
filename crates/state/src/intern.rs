//! Texts, actors and sources that come again and again, kept once and named by an index.
//!
//! An index is given at the first appearance, so the same events give the same indexes everywhere.
//! The maps are only looked into; what is iterated, and enters the digest, are the lists.

use std::sync::Arc;

use domain::event::{Actor, Source};

/// How many different values one table of this state can name.
///
/// Checked for texts, localities and indicators; an actor or a source that is new to its table nearly always brings a new text.
pub(crate) const VALUES_MAX: usize = u32::MAX as usize;

/// The index of the next value; the fold refuses events before a table could overflow.
pub(crate) fn next_index(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}

/// Texts, each kept once.
#[derive(Debug, Clone, Default)]
pub(crate) struct Texts {
    index: foldhash::HashMap<Arc<str>, u32>,
    values: Vec<Arc<str>>,
}

impl Texts {
    /// The index of a text, given now if it is new.
    pub(crate) fn intern(&mut self, text: &str) -> u32 {
        if let Some(index) = self.index.get(text) {
            return *index;
        }
        let index = next_index(self.values.len());
        let shared: Arc<str> = text.into();
        self.values.push(Arc::clone(&shared));
        self.index.insert(shared, index);
        index
    }

    /// The text of an index.
    pub(crate) fn get(&self, index: u32) -> &str {
        &self.values[index as usize]
    }

    /// All texts in the order of their first appearance.
    pub(crate) fn values(&self) -> &[Arc<str>] {
        &self.values
    }
}

/// What is identified by two texts.
pub(crate) trait Pair: Clone {
    /// The two.
    fn texts(&self) -> (&str, &str);
}

impl Pair for Actor {
    fn texts(&self) -> (&str, &str) {
        (&self.organisation, &self.office)
    }
}

impl Pair for Source {
    fn texts(&self) -> (&str, &str) {
        (&self.title, &self.url)
    }
}

/// Values identified by two texts, each kept once.
#[derive(Debug, Clone)]
pub(crate) struct Pairs<T> {
    index: foldhash::HashMap<(u32, u32), u32>,
    values: Vec<Arc<T>>,
}

impl<T> Default for Pairs<T> {
    fn default() -> Self {
        Self {
            index: foldhash::HashMap::default(),
            values: Vec::new(),
        }
    }
}

impl<T: Pair> Pairs<T> {
    /// The index of a value, given now if it is new.
    pub(crate) fn intern(&mut self, texts: &mut Texts, value: &T) -> u32 {
        let (first, second) = value.texts();
        let key = (texts.intern(first), texts.intern(second));
        *self.index.entry(key).or_insert_with(|| {
            self.values.push(Arc::new(value.clone()));
            next_index(self.values.len() - 1)
        })
    }

    /// The value of an index.
    pub(crate) fn get(&self, index: u32) -> &T {
        &self.values[index as usize]
    }

    /// All values in the order of their first appearance.
    pub(crate) fn values(&self) -> &[Arc<T>] {
        &self.values
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_that_comes_again_keeps_its_index() {
        let (mut texts, mut actors) = (Texts::default(), Pairs::default());
        let actor = |organisation: &str| Actor {
            organisation: organisation.to_owned(),
            office: "Trưởng phòng".to_owned(),
        };
        let first = actors.intern(&mut texts, &actor("Công an tỉnh"));
        let second = actors.intern(&mut texts, &actor("Công an huyện"));
        assert_eq!(actors.intern(&mut texts, &actor("Công an tỉnh")), first);
        assert_eq!((actors.values().len(), texts.values().len()), (2, 3));
        assert_eq!(actors.get(second), &actor("Công an huyện"));
        assert_eq!(texts.get(0), "Công an tỉnh");
    }
}
