//! Lists that are each in order, read as one.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// The items of some lists in the order of their keys; of equal keys those of the list named first.
///
/// No list is read further than to the item behind the last one given.
pub(crate) struct Merged<K, I: Iterator> {
    /// The key of the next item of each list that is not at its end.
    next: BinaryHeap<Reverse<(K, usize)>>,
    /// That item, and what follows it.
    lists: Vec<(Option<I::Item>, I)>,
    key: fn(&I::Item) -> K,
}

impl<K: Ord, I: Iterator> Merged<K, I> {
    pub(crate) fn new(lists: impl Iterator<Item = I>, key: fn(&I::Item) -> K) -> Self {
        let lists: Vec<_> = lists.map(|mut list| (list.next(), list)).collect();
        let heads = lists.iter().enumerate();
        let next = heads.filter_map(|(at, (head, _))| Some(Reverse((key(head.as_ref()?), at))));
        Self {
            next: next.collect(),
            lists,
            key,
        }
    }
}

impl<K: Ord, I: Iterator> Iterator for Merged<K, I> {
    type Item = I::Item;

    fn next(&mut self) -> Option<I::Item> {
        let Reverse((_, at)) = self.next.pop()?;
        let (head, rest) = &mut self.lists[at];
        let following = rest.next();
        if let Some(item) = &following {
            self.next.push(Reverse(((self.key)(item), at)));
        }
        std::mem::replace(head, following)
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn lists_read_as_one_are_what_sorting_makes_of_them(
            mut lists in prop::collection::vec(prop::collection::vec(0..50_u8, 0..9), 0..6),
            taken in 0..60_usize,
        ) {
            for list in &mut lists {
                list.sort_unstable();
            }
            let read = Cell::new(0);
            let counted = lists.iter().map(|list| list.iter().copied().inspect(|_| read.set(read.get() + 1)));
            let merged: Vec<_> = Merged::new(counted, |item| *item).take(taken).collect();
            let mut sorted = lists.concat();
            sorted.sort_unstable();
            sorted.truncate(taken);
            // Of each list one item more than was given is known.
            prop_assert!(read.get() <= merged.len() + lists.len());
            prop_assert_eq!(merged, sorted);
        }
    }
}
