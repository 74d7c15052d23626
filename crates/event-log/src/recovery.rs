//! Opening: what the store, the index and the journal say together.
//!
//! The store tells up to where everything is settled; the index is believed as far as it fits the chunks, and
//! completed from them; the journal goes on from there.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::chunk::{self, Chunk, GENESIS, Hash};
use crate::index::Index;
use crate::index_file::{Block, IndexFile, Indexed};
use crate::journal::{Commit, Journal};
use crate::storage::Store;
use crate::tail::Tail;
use crate::tree::{TILE, Tree};
use crate::verify::Walk;
use crate::{Damage, Error, Options};

/// Events told of by one block of a rebuilt index.
const BLOCK_EVENTS: u64 = 64 * 1024;

/// An opened log before its threads run.
pub(crate) struct Recovered {
    pub(crate) store: Store,
    pub(crate) index: Index,
    pub(crate) file: IndexFile,
    pub(crate) tree: Tree,
    pub(crate) tail: Tail,
    pub(crate) journal: Journal,
    pub(crate) head: u64,
    /// The running hash after the newest settled event.
    pub(crate) after: Hash,
    /// When the newest event was taken.
    pub(crate) known_micros: i64,
    /// The half of the journal that is full, and its last position.
    pub(crate) unsettled_half: Option<(usize, u64)>,
    pub(crate) damages: Vec<Damage>,
}

pub(crate) fn recover(options: &Options) -> Result<Recovered, Error> {
    let store = Store::open(options)?;
    let indexing = Error::io("read the index");
    let settled = Settled::of(&store)?;
    let opened = IndexFile::open(&options.directory, settled.last).map_err(indexing)?;
    let told = opened.1.told;
    let mut rebuilt = Rebuilt::from(&store, &settled, opened)?;
    rebuilt.complete(&store, settled.last)?;
    let Rebuilt {
        mut index,
        file,
        tree,
        after,
        mut damages,
        ..
    } = rebuilt;
    let (journal, found) = Journal::open(&options.directory, options.journal_bytes, settled.last)
        .map_err(Error::io("read the journal"))?;
    if found.unfinished {
        tracing::info!("the last commit was not finished and never acknowledged; it is dropped");
    }
    let Unsettled {
        commits: tail,
        mut next,
        known_micros,
    } = Unsettled::take(found.commits, &settled, &mut index, &mut damages);
    if told >= next {
        // Else the positions would be given away a second time.
        damages.push(Damage {
            first: next,
            last: told,
            reason: "the store has lost what it held".into(),
        });
        next = told.saturating_add(1);
    }
    if settled.continues && tail.is_empty() && damages.is_empty() {
        damages.push(Damage {
            first: next,
            last: next,
            reason: "the last request is cut short".into(),
        });
    }
    let current = journal.current();
    let full = tail
        .iter()
        .rev()
        .find(|commit| commit.place.half != current);
    let unsettled_half = full.map(|commit| (commit.place.half, commit.last()));
    damages.sort_by_key(|damage| (damage.first, damage.last));
    Ok(Recovered {
        store,
        index,
        file,
        tree,
        tail: Tail::new(settled.last, tail),
        journal,
        head: next - 1,
        after,
        known_micros,
        unsettled_half,
        damages,
    })
}

/// What the journal adds to the settled events.
struct Unsettled {
    commits: VecDeque<Arc<Commit>>,
    /// The position after the last one.
    next: u64,
    known_micros: i64,
}

impl Unsettled {
    /// Counts the commits in, and notes what does not follow.
    fn take(
        found: Vec<Commit>,
        settled: &Settled,
        index: &mut Index,
        damages: &mut Vec<Damage>,
    ) -> Unsettled {
        let mut known_micros = settled.known_micros;
        let mut commits = VecDeque::new();
        let mut next = settled.last + 1;
        for commit in found {
            let follows = commit.first == next && commit.known_micros >= known_micros;
            if !follows {
                damages.push(misplaced(next, &commit));
            }
            next = next.max(commit.first + u64::from(commit.count));
            if commit.count > 0 && commit.first > settled.last {
                known_micros = known_micros.max(commit.known_micros);
                take(index, &commit);
                commits.push_back(Arc::new(commit));
            }
        }
        Unsettled {
            commits,
            next,
            known_micros,
        }
    }
}

fn take(index: &mut Index, commit: &Commit) {
    let mut first = commit.first;
    for request in &commit.requests {
        index.take(request, first, commit.known_micros);
        first += request.events.len() as u64;
    }
}

fn misplaced(next: u64, commit: &Commit) -> Damage {
    if commit.first > next {
        return Damage {
            first: next,
            last: commit.first - 1,
            reason: "the journal lacks a commit that was acknowledged".into(),
        };
    }
    Damage {
        first: commit.first,
        last: commit.last(),
        reason: "the commit does not follow on the one before".into(),
    }
}

/// What the newest chunk says.
struct Settled {
    last: u64,
    known_micros: i64,
    continues: bool,
    /// The running hash after it, if it is whole.
    after: Option<Hash>,
}

impl Settled {
    fn of(store: &Store) -> Result<Settled, Error> {
        let Some((key, value)) = store.newest()? else {
            return Ok(Settled {
                last: 0,
                known_micros: i64::MIN,
                continues: false,
                after: Some(GENESIS),
            });
        };
        let whole = chunk::decode(key, &value);
        let after = whole.as_ref().ok().map(Chunk::after);
        let header = whole.map(|chunk| chunk.header);
        // Of a damaged one its own header must do, if it is sane.
        let header = header.or_else(|_| chunk::header(key, &value));
        Ok(match header {
            Ok(header) => Settled {
                last: header.last(),
                known_micros: header.known_last,
                continues: header.continues,
                after,
            },
            Err(_) => Settled {
                last: key,
                known_micros: i64::MIN,
                continues: false,
                after,
            },
        })
    }
}

/// The index and the tree on their way to the newest chunk.
struct Rebuilt {
    index: Index,
    file: IndexFile,
    tree: Tree,
    last: u64,
    after: Hash,
    damages: Vec<Damage>,
}

impl Rebuilt {
    /// What the index file says, if it fits the chunks; else nothing.
    fn from(
        store: &Store,
        settled: &Settled,
        (file, indexed): (IndexFile, Indexed),
    ) -> Result<Rebuilt, Error> {
        if let Some(pending) = fits(store, settled, &indexed)? {
            return Ok(Rebuilt {
                index: indexed.index,
                file,
                tree: Tree::from_tiles(indexed.tiles, pending),
                last: indexed.last,
                after: indexed.after,
                damages: Vec::new(),
            });
        }
        tracing::warn!("the index does not fit the chunks; it is told from them anew");
        let (file, indexed) = file.clear().map_err(Error::io("begin an index"))?;
        Ok(Rebuilt {
            index: indexed.index,
            file,
            tree: Tree::new(),
            last: 0,
            after: GENESIS,
            damages: Vec::new(),
        })
    }

    /// Goes through the chunks that the index does not know.
    fn complete(&mut self, store: &Store, settled: u64) -> Result<(), Error> {
        let mut walk = Walk {
            next: self.last + 1,
            ..Walk::default()
        };
        let mut block = self.file.block(self.last);
        let mut request = None;
        let mut failed = None;
        walk.run(store, settled, |chunk| {
            self.index.take_chunk(&chunk, request);
            chunk.leaves().for_each(|leaf| {
                self.after = chunk::link(&self.after, &leaf);
                self.tree.push(leaf);
            });
            request = chunk.requests.last().map(|(id, _)| *id);
            block.add_chunk(&self.index, &chunk);
            if block.events() >= BLOCK_EVENTS && !chunk.header.continues {
                let last = chunk.header.last();
                let full = std::mem::replace(&mut block, self.file.block(last));
                failed = failed.take().or(self.write(full).err());
                // Once more, since the file now names more subjects.
                block = self.file.block(last);
            }
        })?;
        self.damages = walk.damages;
        if block.events() > 0 && self.damages.is_empty() {
            failed = failed.or(self.write(block).err());
        }
        if let Some(error) = failed {
            tracing::warn!(%error, "cannot write the index: {error}");
        }
        Ok(())
    }

    fn write(&mut self, block: Block) -> std::io::Result<()> {
        self.file.append(block, self.after, &self.tree)
    }
}

/// The leaves after the last tile of the index, if all it says fits the chunks.
fn fits(store: &Store, settled: &Settled, indexed: &Indexed) -> Result<Option<Vec<Hash>>, Error> {
    if indexed.last == settled.last {
        if settled.after != Some(indexed.after) {
            return Ok(None);
        }
    } else {
        let next = store.chunks_from(indexed.last + 1, 1)?;
        let header = next.first().map(|(key, value)| chunk::header(*key, value));
        let follows = header.is_some_and(|header| {
            header.is_ok_and(|h| h.first == indexed.last + 1 && h.before == indexed.after)
        });
        if !follows {
            return Ok(None);
        }
    }
    let tiled = indexed.tiles.len() as u64 * TILE;
    if tiled > indexed.last || indexed.last - tiled >= TILE {
        return Ok(None);
    }
    let mut pending = Vec::new();
    let mut walk = Walk {
        next: tiled + 1,
        ..Walk::default()
    };
    // The first of them covers the position after the last tile; what it holds before that is skipped.
    let covering = store.chunks_from(tiled + 1, 1)?;
    if let Some((key, _)) = covering.first() {
        walk.next = *key;
    }
    walk.run(store, indexed.last, |chunk| {
        let leaves = (chunk.header.first..).zip(chunk.leaves());
        let wanted = leaves.filter(|(position, _)| (tiled + 1..=indexed.last).contains(position));
        pending.extend(wanted.map(|(_, leaf)| leaf));
    })?;
    Ok((pending.len() as u64 == indexed.last - tiled).then_some(pending))
}
