//! What is found after the power came back.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

use super::disk::{Disk, Node, ROOT, rename};
use super::file::{Content, File as Kept, PAGE_BYTES, States};

/// Which of the unsynced survives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Nothing: only what was synced is there.
    Synced,
    /// A random part of it, following from the seed.
    Torn(u64),
    /// All of it: the machine was shut down in good order.
    All,
}

/// Numbers that follow from a seed (splitmix64).
#[derive(Debug, Clone)]
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    pub(crate) fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `bound`, which is at least 1.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.roll() % bound
    }
}

/// A file or a directory of an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Entry {
    File(Content),
    Directory(BTreeMap<OsString, Entry>),
}

/// The files and directories of a disk that nobody writes to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Image {
    pub(crate) entries: BTreeMap<OsString, Entry>,
}

/// Everything about the disk at the moment of a power cut.
#[derive(Debug, Clone)]
pub(crate) struct Frozen(pub(crate) Disk);

impl Frozen {
    /// What a power cut at that moment leaves.
    pub(crate) fn image(&self, mode: Mode) -> Image {
        let entries = match mode {
            Mode::Synced => entries(&self.0, &mut |file| file.durable.clone()),
            Mode::Torn(seed) => {
                let mut dice = Dice(seed);
                let mut disk = self.0.clone();
                keep_names(&mut disk, |count| some_names(count, &mut dice));
                // In one image little survives, in another nearly all.
                let chance = 1 + dice.below(9);
                entries(&disk, &mut |file| tear(file, chance, &mut dice))
            }
            Mode::All => {
                let mut disk = self.0.clone();
                keep_names(&mut disk, |count| vec![true; count]);
                entries(&disk, &mut |file| file.now.clone())
            }
        };
        Image { entries }
    }
}

/// Either the first few changes survive, as with a journal of names, or any of them, as without.
fn some_names(count: usize, dice: &mut Dice) -> Vec<bool> {
    let ordered = dice.below(2) == 0;
    let first = dice.below(count as u64 + 1) as usize;
    (0..count)
        .map(|at| {
            if ordered {
                at < first
            } else {
                dice.below(2) == 0
            }
        })
        .collect()
}

/// Makes those changes of names durable that survive.
fn keep_names(disk: &mut Disk, survive: impl FnOnce(usize) -> Vec<bool>) {
    let unsynced = std::mem::take(&mut disk.unsynced);
    for (naming, survives) in unsynced.iter().zip(survive(unsynced.len())) {
        if survives {
            rename(&mut disk.nodes, naming, |node| match node {
                Node::Directory { durable, .. } => Some(durable),
                Node::File(_) => None,
            });
        }
    }
}

/// Each page is as it was when last synced, or as it was at some time since; so is the size.
fn tear(file: &Kept, chance: u64, dice: &mut Dice) -> Content {
    let mut content = file.durable.clone();
    let mut tear = |states: &States| {
        for (number, states) in states {
            if dice.below(10) < chance {
                let state = dice.below(states.len() as u64) as usize;
                content.set(*number, states[state].as_ref());
            }
        }
    };
    tear(&file.dropped);
    tear(&file.unsynced);
    let (low, high) = (
        file.durable.size.min(file.now.size),
        file.durable.size.max(file.now.size),
    );
    content.size = match dice.below(4) {
        0 => file.durable.size,
        1 => low + dice.below(high - low + 1),
        _ => file.now.size,
    };
    cut_off(&mut content);
    content
}

/// Nothing of a page shows beyond the end, also when the file grows again.
fn cut_off(content: &mut Content) {
    let end = content.size.div_ceil(PAGE_BYTES as u64);
    content.pages.retain(|number, _| *number < end);
    let within = (content.size % PAGE_BYTES as u64) as usize;
    if within > 0
        && let Some(page) = content.pages.get_mut(&(end - 1))
    {
        std::sync::Arc::make_mut(page)[within..].fill(0);
    }
}

/// What lies under the durable names.
fn entries(disk: &Disk, file: &mut impl FnMut(&Kept) -> Content) -> BTreeMap<OsString, Entry> {
    entries_of(disk, ROOT, file)
}

fn entries_of(
    disk: &Disk,
    directory: u64,
    file: &mut impl FnMut(&Kept) -> Content,
) -> BTreeMap<OsString, Entry> {
    let Some(Node::Directory { durable, .. }) = disk.nodes.get(&directory) else {
        return BTreeMap::new();
    };
    let mut found = BTreeMap::new();
    for (name, number) in durable {
        let entry = match &disk.nodes[number] {
            Node::File(kept) => Entry::File(file(kept)),
            Node::Directory { .. } => Entry::Directory(entries_of(disk, *number, file)),
        };
        found.insert(name.clone(), entry);
    }
    found
}

impl Image {
    /// Writes it below `directory`; pages of zeros become holes.
    pub(crate) fn save(&self, directory: &Path) -> io::Result<()> {
        save(&self.entries, directory)
    }

    /// A temporary directory with the image, in memory where the machine has a place for that.
    pub(crate) fn to_directory(&self) -> io::Result<tempfile::TempDir> {
        let memory = tempfile::tempdir_in("/dev/shm");
        let directory = memory.or_else(|_| tempfile::tempdir())?;
        self.save(directory.path())?;
        Ok(directory)
    }
}

fn save(entries: &BTreeMap<OsString, Entry>, directory: &Path) -> io::Result<()> {
    for (name, entry) in entries {
        let path = directory.join(name);
        match entry {
            Entry::File(content) => {
                let file = File::create(path)?;
                file.set_len(content.size)?;
                for (number, page) in &content.pages {
                    let at = number * PAGE_BYTES as u64;
                    let count = content.size.saturating_sub(at).min(PAGE_BYTES as u64);
                    if page.iter().any(|byte| *byte != 0) {
                        file.write_all_at(&page[..count as usize], at)?;
                    }
                }
            }
            Entry::Directory(entries) => {
                fs::create_dir(&path)?;
                save(entries, &path)?;
            }
        }
    }
    Ok(())
}
