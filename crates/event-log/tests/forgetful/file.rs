//! What a file holds: its present and its durable bytes, and what its pages were in between.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

/// What survives or not as a whole.
pub(crate) const PAGE_BYTES: usize = 4096;
/// Unsynced states of one page that are remembered; older ones make room.
const STATES_MAX: usize = 8;

pub(crate) type Page = Arc<[u8; PAGE_BYTES]>;

/// Bytes of a file; a page that is not there reads as zeros.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Content {
    pub(crate) size: u64,
    pub(crate) pages: BTreeMap<u64, Page>,
}

impl Content {
    pub(crate) fn set(&mut self, number: u64, page: Option<&Page>) {
        match page {
            Some(page) => self.pages.insert(number, Arc::clone(page)),
            None => self.pages.remove(&number),
        };
    }

    /// The bytes of `range` as far as the file reaches.
    pub(crate) fn read(&self, range: Range<u64>) -> Vec<u8> {
        let end = range.end.min(self.size);
        let mut bytes = Vec::new();
        let mut at = range.start;
        while at < end {
            let (number, within) = split(at);
            let count = (PAGE_BYTES - within).min((end - at) as usize);
            match self.pages.get(&number) {
                Some(page) => bytes.extend_from_slice(&page[within..within + count]),
                None => bytes.resize(bytes.len() + count, 0),
            }
            at += count as u64;
        }
        bytes
    }
}

/// The page of a byte, and where in it.
pub(crate) fn split(at: u64) -> (u64, usize) {
    let page = PAGE_BYTES as u64;
    (at / page, (at % page) as usize)
}

/// All states that pages took since they were last synced, the present one last; `None` is a hole.
pub(crate) type States = BTreeMap<u64, Vec<Option<Page>>>;

#[derive(Debug, Clone, Default)]
pub(crate) struct File {
    pub(crate) now: Content,
    pub(crate) durable: Content,
    pub(crate) unsynced: States,
    /// Unsynced when a sync failed: the kernel calls such pages clean, so a later sync does not write them.
    pub(crate) dropped: States,
}

impl File {
    fn put(&mut self, number: u64, page: Option<Page>) {
        self.now.set(number, page.as_ref());
        let states = self.unsynced.entry(number).or_default();
        states.push(page);
        if states.len() > STATES_MAX {
            states.remove(0);
        }
    }

    pub(crate) fn write(&mut self, at: u64, bytes: &[u8]) {
        let mut done = 0;
        while done < bytes.len() {
            let (number, within) = split(at + done as u64);
            let count = (PAGE_BYTES - within).min(bytes.len() - done);
            let mut page = match self.now.pages.get(&number) {
                Some(page) => **page,
                None => [0; PAGE_BYTES],
            };
            page[within..within + count].copy_from_slice(&bytes[done..done + count]);
            self.put(number, Some(Arc::new(page)));
            done += count;
        }
        self.now.size = self.now.size.max(at + bytes.len() as u64);
    }

    pub(crate) fn resize(&mut self, size: u64) {
        if size < self.now.size {
            let (number, within) = split(size);
            let beyond = if within == 0 { number } else { number + 1 };
            let gone: Vec<u64> = self.now.pages.range(beyond..).map(|(at, _)| *at).collect();
            for number in gone {
                self.put(number, None);
            }
            if let Some(page) = self.now.pages.get(&number) {
                let mut page = **page;
                page[within..].fill(0);
                self.put(number, Some(Arc::new(page)));
            }
        }
        self.now.size = size;
    }

    pub(crate) fn sync(&mut self) {
        for number in std::mem::take(&mut self.unsynced).into_keys() {
            self.durable.set(number, self.now.pages.get(&number));
            self.dropped.remove(&number);
        }
        self.durable.size = self.now.size;
    }

    pub(crate) fn fail_to_sync(&mut self) {
        for (number, states) in std::mem::take(&mut self.unsynced) {
            self.dropped.entry(number).or_default().extend(states);
        }
    }
}
