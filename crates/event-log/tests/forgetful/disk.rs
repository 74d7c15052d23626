//! What the file system holds: files, and directories with present and durable names.
//!
//! No kernel and no lock here; every change is one call, and a [`Disk`] is cheap to clone, since pages are shared.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};

pub(crate) use super::file::PAGE_BYTES;
use super::file::{File, split};
use super::image::{Entry, Image};

/// The root's number, which the kernel expects.
pub(crate) const ROOT: u64 = 1;

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

    /// An empty one whose files have none of the numbers that another's have.
    pub(crate) fn elsewhere() -> Disk {
        Disk {
            next: 1 << 40,
            ..Disk::holding(&Image::default())
        }
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

    /// Closes every file, as the end of a process does.
    pub(crate) fn close_all(&mut self) {
        for number in std::mem::take(&mut self.open).into_keys() {
            self.give_back(number);
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
