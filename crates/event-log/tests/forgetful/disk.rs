//! What the file system holds: files with a present and a durable content, directories with both kinds of names.
//!
//! No kernel and no lock here; every change is one call, and a [`Disk`] is cheap to clone, since pages are shared.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::ops::Range;
use std::sync::Arc;

use super::image::{Entry, Image};

/// What survives or not as a whole.
pub(crate) const PAGE_BYTES: usize = 4096;
/// The root's number, which the kernel expects.
pub(crate) const ROOT: u64 = 1;
/// Unsynced states of one page that are remembered; older ones make room.
const STATES_MAX: usize = 8;

pub(crate) type Page = Arc<[u8; PAGE_BYTES]>;

/// Why a call is refused, as the kernel will say it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// EIO
    Io,
    /// ENOSPC
    NoSpace,
    /// ENOENT
    Missing,
    /// EEXIST
    Exists,
    /// ENOTEMPTY
    NotEmpty,
    /// EISDIR
    IsDirectory,
    /// ENOTDIR
    NotDirectory,
    /// EINVAL
    Invalid,
}

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

fn split(at: u64) -> (u64, usize) {
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

    fn write(&mut self, at: u64, bytes: &[u8]) {
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

    fn resize(&mut self, size: u64) {
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

    fn sync(&mut self) {
        for number in std::mem::take(&mut self.unsynced).into_keys() {
            self.durable.set(number, self.now.pages.get(&number));
            self.dropped.remove(&number);
        }
        self.durable.size = self.now.size;
    }

    fn fail_to_sync(&mut self) {
        for (number, states) in std::mem::take(&mut self.unsynced) {
            self.dropped.entry(number).or_default().extend(states);
        }
    }
}

/// The names of a directory and the numbers they stand for.
pub(crate) type Names = BTreeMap<OsString, u64>;

#[derive(Debug, Clone)]
pub(crate) enum Node {
    File(File),
    Directory { now: Names, durable: Names },
}

/// One change of names, atomic: a creation has no `from`, a removal no `to`, a rename both.
#[derive(Debug, Clone)]
pub(crate) struct Naming {
    pub(crate) number: u64,
    pub(crate) from: Option<(u64, OsString)>,
    pub(crate) to: Option<(u64, OsString)>,
}

impl Naming {
    fn touches(&self, directory: u64) -> bool {
        let ends = [&self.from, &self.to];
        ends.into_iter().flatten().any(|(at, _)| *at == directory)
    }
}

/// Everything at one moment.
#[derive(Debug, Clone)]
pub(crate) struct Disk {
    pub(crate) nodes: BTreeMap<u64, Node>,
    /// Changes of names that no sync of a directory has covered, oldest first.
    pub(crate) unsynced: Vec<Naming>,
    /// How often a file is open; one without a name keeps its space until it is closed.
    open: BTreeMap<u64, u64>,
    next: u64,
    used_pages: u64,
    pub(crate) pages_max: Option<u64>,
}

impl Disk {
    /// Holds `image`, all of it durable.
    pub(crate) fn holding(image: &Image) -> Disk {
        let root = Node::Directory {
            now: Names::new(),
            durable: Names::new(),
        };
        let mut disk = Disk {
            nodes: BTreeMap::from([(ROOT, root)]),
            unsynced: Vec::new(),
            open: BTreeMap::new(),
            next: ROOT + 1,
            used_pages: 0,
            pages_max: None,
        };
        disk.fill(ROOT, &image.entries);
        disk
    }

    fn fill(&mut self, directory: u64, entries: &BTreeMap<OsString, Entry>) {
        for (name, entry) in entries {
            let number = self.next;
            self.next += 1;
            match entry {
                Entry::File(content) => {
                    self.used_pages += content.pages.len() as u64;
                    let file = File {
                        now: content.clone(),
                        durable: content.clone(),
                        ..File::default()
                    };
                    self.nodes.insert(number, Node::File(file));
                }
                Entry::Directory(entries) => {
                    let (now, durable) = (Names::new(), Names::new());
                    self.nodes.insert(number, Node::Directory { now, durable });
                    self.fill(number, entries);
                }
            }
            if let Some(Node::Directory { now, durable }) = self.nodes.get_mut(&directory) {
                now.insert(name.clone(), number);
                durable.insert(name.clone(), number);
            }
        }
    }

    pub(crate) fn node(&self, number: u64) -> Result<&Node, Trouble> {
        self.nodes.get(&number).ok_or(Trouble::Missing)
    }

    pub(crate) fn names(&self, directory: u64) -> Result<&Names, Trouble> {
        match self.node(directory)? {
            Node::Directory { now, .. } => Ok(now),
            Node::File(_) => Err(Trouble::NotDirectory),
        }
    }

    pub(crate) fn look_up(&self, directory: u64, name: &OsStr) -> Result<u64, Trouble> {
        let found = self.names(directory)?.get(name);
        found.copied().ok_or(Trouble::Missing)
    }

    pub(crate) fn file(&self, number: u64) -> Result<&File, Trouble> {
        match self.node(number)? {
            Node::File(file) => Ok(file),
            Node::Directory { .. } => Err(Trouble::IsDirectory),
        }
    }

    fn file_mut(&mut self, number: u64) -> Result<&mut File, Trouble> {
        match self.nodes.get_mut(&number).ok_or(Trouble::Missing)? {
            Node::File(file) => Ok(file),
            Node::Directory { .. } => Err(Trouble::IsDirectory),
        }
    }

    /// Writes what fits and says how much that was.
    pub(crate) fn write(&mut self, number: u64, at: u64, bytes: &[u8]) -> Result<usize, Trouble> {
        let mut free = self.free_pages();
        let file = self.file_mut(number)?;
        let before = file.now.pages.len();
        let (mut fits, mut here) = (0, at);
        while fits < bytes.len() {
            let (page, within) = split(here);
            if !file.now.pages.contains_key(&page) {
                let Some(left) = free.checked_sub(1) else {
                    break;
                };
                free = left;
            }
            let count = (PAGE_BYTES - within).min(bytes.len() - fits);
            (fits, here) = (fits + count, here + count as u64);
        }
        if fits == 0 && !bytes.is_empty() {
            return Err(Trouble::NoSpace);
        }
        file.write(at, &bytes[..fits]);
        self.used_pages += (file.now.pages.len() - before) as u64;
        Ok(fits)
    }

    pub(crate) fn resize(&mut self, number: u64, size: u64) -> Result<(), Trouble> {
        let file = self.file_mut(number)?;
        let before = file.now.pages.len();
        file.resize(size);
        self.used_pages -= (before - file.now.pages.len()) as u64;
        Ok(())
    }

    /// Pages that may still be taken.
    pub(crate) fn free_pages(&self) -> u64 {
        let total = self.pages_max.unwrap_or(1 << 40);
        total.saturating_sub(self.used_pages)
    }

    pub(crate) fn used_pages(&self) -> u64 {
        self.used_pages
    }

    pub(crate) fn sync(&mut self, number: u64) -> Result<(), Trouble> {
        self.file_mut(number)?.sync();
        Ok(())
    }

    pub(crate) fn fail_to_sync(&mut self, number: u64) {
        if let Ok(file) = self.file_mut(number) {
            file.fail_to_sync();
        }
    }

    /// Makes the names of a directory durable; a rename is atomic, so its other end comes along.
    pub(crate) fn sync_names(&mut self, directory: u64) {
        let unsynced = std::mem::take(&mut self.unsynced);
        let (covered, others) = unsynced
            .into_iter()
            .partition(|naming| naming.touches(directory));
        self.unsynced = others;
        for naming in &covered {
            rename(&mut self.nodes, naming, |node| match node {
                Node::Directory { durable, .. } => Some(durable),
                Node::File(_) => None,
            });
        }
    }

    fn apply(&mut self, naming: Naming) {
        rename(&mut self.nodes, &naming, |node| match node {
            Node::Directory { now, .. } => Some(now),
            Node::File(_) => None,
        });
        self.unsynced.push(naming);
    }

    pub(crate) fn create(
        &mut self,
        directory: u64,
        name: &OsStr,
        node: Node,
    ) -> Result<u64, Trouble> {
        if self.look_up(directory, name).is_ok() {
            return Err(Trouble::Exists);
        }
        let number = self.next;
        self.next += 1;
        self.nodes.insert(number, node);
        self.apply(Naming {
            number,
            from: None,
            to: Some((directory, name.into())),
        });
        Ok(number)
    }

    pub(crate) fn remove(&mut self, directory: u64, name: &OsStr) -> Result<(), Trouble> {
        let number = self.look_up(directory, name)?;
        if let Ok(names) = self.names(number)
            && !names.is_empty()
        {
            return Err(Trouble::NotEmpty);
        }
        self.apply(Naming {
            number,
            from: Some((directory, name.into())),
            to: None,
        });
        self.give_back(number);
        Ok(())
    }

    pub(crate) fn rename(&mut self, from: (u64, &OsStr), to: (u64, &OsStr)) -> Result<(), Trouble> {
        let number = self.look_up(from.0, from.1)?;
        let over = self.look_up(to.0, to.1).ok();
        if over == Some(number) {
            return Ok(());
        }
        if let Some(over) = over {
            match (self.names(number), self.names(over)) {
                (Ok(_), Ok(names)) if !names.is_empty() => return Err(Trouble::NotEmpty),
                (Ok(_), Err(_)) => return Err(Trouble::NotDirectory),
                (Err(_), Ok(_)) => return Err(Trouble::IsDirectory),
                _ => {}
            }
        }
        self.apply(Naming {
            number,
            from: Some((from.0, from.1.into())),
            to: Some((to.0, to.1.into())),
        });
        if let Some(over) = over {
            self.give_back(over);
        }
        Ok(())
    }

    pub(crate) fn opened(&mut self, number: u64) {
        *self.open.entry(number).or_default() += 1;
    }

    pub(crate) fn closed(&mut self, number: u64) {
        if let Some(count) = self.open.get_mut(&number) {
            *count -= 1;
            if *count == 0 {
                self.open.remove(&number);
                self.give_back(number);
            }
        }
    }

    /// Whether some name stands for it.
    pub(crate) fn is_named(&self, number: u64) -> bool {
        self.nodes.values().any(|node| match node {
            Node::Directory { now, .. } => now.values().any(|at| *at == number),
            Node::File(_) => false,
        })
    }

    /// Counts the space of a file as free once nobody can reach it; what was durable may still come back.
    fn give_back(&mut self, number: u64) {
        if self.open.contains_key(&number) || self.is_named(number) {
            return;
        }
        if let Ok(file) = self.file_mut(number) {
            let pages = std::mem::take(&mut file.now.pages).len() as u64;
            self.used_pages -= pages;
        }
    }
}

/// Changes names in the layer that `pick` gives.
pub(crate) fn rename(
    nodes: &mut BTreeMap<u64, Node>,
    naming: &Naming,
    pick: impl Fn(&mut Node) -> Option<&mut Names>,
) {
    if let Some((directory, name)) = &naming.from
        && let Some(names) = nodes.get_mut(directory).and_then(&pick)
        && names.get(name) == Some(&naming.number)
    {
        names.remove(name);
    }
    if let Some((directory, name)) = &naming.to
        && let Some(names) = nodes.get_mut(directory).and_then(&pick)
    {
        names.insert(name.clone(), naming.number);
    }
}
