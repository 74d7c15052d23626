//! The RFC 6962 tree over the events: roots, inclusion proofs, consistency proofs, and how they are checked.
//!
//! The tree's leaf `i` (from 0) is the leaf hash of the event at position `i + 1`; `chunk` defines it.
//! A log of 100 million events has 200 million hashes, 6.4 GB, far more than the compressed events themselves.
//! So only the roots of complete *tiles* are kept, a tile being 1,024 neighbouring leaves, and with them the nodes
//! above (64 bytes for each 1,024 events), and the leaf hashes after the last complete tile.
//! A proof needs nodes below a tile's root in at most two tiles: the one that holds the event or the older size, and
//! the one that the size cuts.
//! Their leaf hashes are computed anew from the stored events, and must give the kept root of the tile: a proof is
//! never made from events that are not those which were once committed to.
//!
//! What was left out: the hashes below a tile's root on disk (they would double the bytes of an event), and
//! interior nodes of the last, incomplete tile (at most 1,023 hashes, computed in about 0.1 ms when needed).
//!
//! [`verify_inclusion`] and [`verify_consistency`] follow RFC 9162, 2.1.3.2 and 2.1.4.2, and share nothing with the
//! code that makes the proofs but the hash of a node.

use sha2::{Digest, Sha256};

use crate::Error;
use crate::chunk::Hash;

/// Leaves of a tile; a power of two.
pub(crate) const TILE: u64 = 1024;

/// Gives the leaf hashes of the events from the first to the last position, both included.
pub(crate) type Leaves<'a> = &'a mut dyn FnMut(u64, u64) -> Result<Vec<Hash>, Error>;

/// The tree of a log; `size` in its functions is a number of events, `0..=self.size()`.
#[derive(Debug, Clone)]
pub(crate) struct Tree {
    /// Leaves of a tile; only tests take another than [`TILE`].
    tile: u64,
    /// The complete subtrees: `levels[k][i]` is the root over the tiles `i * 2^k` and following, `2^k` of them.
    levels: Vec<Vec<Hash>>,
    /// Leaf hashes after the last complete tile, fewer than a tile.
    pending: Vec<Hash>,
}

impl Tree {
    /// The tree of an empty log.
    pub(crate) fn new() -> Tree {
        Tree::with_tile(TILE)
    }

    fn with_tile(tile: u64) -> Tree {
        assert!(tile.is_power_of_two());
        Tree {
            tile,
            levels: vec![Vec::new()],
            pending: Vec::new(),
        }
    }

    /// The tree over stored roots of tiles and the leaf hashes after them.
    pub(crate) fn from_tiles(
        tiles: impl IntoIterator<Item = Hash>,
        pending: impl IntoIterator<Item = Hash>,
    ) -> Tree {
        let mut tree = Tree::new();
        for root in tiles {
            tree.push_tile(root);
        }
        for leaf in pending {
            tree.push(leaf);
        }
        tree
    }

    /// Adds the leaf hash of the next event.
    pub(crate) fn push(&mut self, leaf: Hash) {
        self.pending.push(leaf);
        if self.pending.len() as u64 == self.tile {
            let root = subtree(&self.pending);
            self.pending.clear();
            self.push_tile(root);
        }
    }

    fn push_tile(&mut self, root: Hash) {
        assert!(self.pending.is_empty(), "tiles come before loose leaves");
        let mut root = root;
        for level in 0.. {
            if level == self.levels.len() {
                self.levels.push(Vec::new());
            }
            let nodes = &mut self.levels[level];
            nodes.push(root);
            let count = nodes.len();
            if count % 2 == 1 {
                return;
            }
            root = node(&nodes[count - 2], &nodes[count - 1]);
        }
    }

    /// Events in the tree.
    pub(crate) fn size(&self) -> u64 {
        self.whole() + self.pending.len() as u64
    }

    /// Roots of the complete tiles, in order.
    pub(crate) fn tiles(&self) -> &[Hash] {
        &self.levels[0]
    }

    /// Events in complete tiles.
    fn whole(&self) -> u64 {
        self.levels[0].len() as u64 * self.tile
    }

    /// The root over the first `size` events; over none it is the hash of nothing.
    ///
    /// # Errors
    /// [`Error::BeyondHead`]; what `leaves` says; [`Error::Damaged`] if it gives other leaves than were pushed.
    pub(crate) fn root(&self, size: u64, leaves: Leaves<'_>) -> Result<Hash, Error> {
        self.within(size)?;
        if size == 0 {
            return Ok(empty_root());
        }
        self.walk(leaves).hash(0, size)
    }

    /// The hashes that show the event at `position` (from 1) among the first `size` events, lowest first.
    ///
    /// # Errors
    /// As [`Tree::root`]; [`Error::BeyondHead`] also for a position that is 0 or beyond `size`.
    pub(crate) fn inclusion(
        &self,
        position: u64,
        size: u64,
        leaves: Leaves<'_>,
    ) -> Result<Vec<Hash>, Error> {
        self.within(size)?;
        if position == 0 || position > size {
            return Err(Error::BeyondHead {
                asked: position,
                head: size,
            });
        }
        let mut proof = Vec::new();
        self.walk(leaves)
            .path(position - 1, 0, size, &mut proof)
            .map(|()| proof)
    }

    /// The hashes that show the first `from` events at the beginning of the first `to`.
    ///
    /// Empty if `from` is 0 or equals `to`.
    ///
    /// # Errors
    /// As [`Tree::root`]; [`Error::BeyondHead`] also if `from` is beyond `to`.
    pub(crate) fn consistency(
        &self,
        from: u64,
        to: u64,
        leaves: Leaves<'_>,
    ) -> Result<Vec<Hash>, Error> {
        self.within(to)?;
        if from > to {
            return Err(Error::BeyondHead {
                asked: from,
                head: to,
            });
        }
        let mut proof = Vec::new();
        if from > 0 && from < to {
            self.walk(leaves)
                .subproof(from, 0, to, Whole::Yes, &mut proof)?;
        }
        Ok(proof)
    }

    fn within(&self, size: u64) -> Result<(), Error> {
        if size > self.size() {
            return Err(Error::BeyondHead {
                asked: size,
                head: self.size(),
            });
        }
        Ok(())
    }

    fn walk<'a>(&'a self, leaves: Leaves<'a>) -> Walk<'a> {
        Walk {
            tree: self,
            leaves,
            opened: Vec::new(),
        }
    }
}

/// Whether a subproof is still about the whole older tree, whose root the verifier knows already.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Whole {
    Yes,
    No,
}

/// One pass over the tree, which opens each tile at most once.
struct Walk<'a> {
    tree: &'a Tree,
    leaves: Leaves<'a>,
    /// Number and leaf hashes of the tiles opened so far.
    opened: Vec<(u64, Vec<Hash>)>,
}

impl Walk<'_> {
    /// `MTH(D[start:end])` of RFC 6962 for a range that its recursion meets; `start < end`.
    fn hash(&mut self, start: u64, end: u64) -> Result<Hash, Error> {
        let (count, tile) = (end - start, self.tree.tile);
        if count >= tile && count.is_power_of_two() {
            debug_assert!(start.is_multiple_of(count));
            let level = (count / tile).trailing_zeros() as usize;
            return Ok(self.tree.levels[level][index(start / count)]);
        }
        if count < tile {
            return self.low(start, end);
        }
        let middle = start + split(count);
        Ok(node(&self.hash(start, middle)?, &self.hash(middle, end)?))
    }

    /// The same for a range within one tile.
    fn low(&mut self, start: u64, end: u64) -> Result<Hash, Error> {
        let (tree, number) = (self.tree, start / self.tree.tile);
        let first = number * tree.tile;
        let range = index(start - first)..index(end - first);
        if first >= tree.whole() {
            return Ok(subtree(&tree.pending[range]));
        }
        let opened = self.opened.iter().position(|(at, _)| *at == number);
        let at = match opened {
            Some(at) => at,
            None => self.open(number)?,
        };
        Ok(subtree(&self.opened[at].1[range]))
    }

    /// Gets the leaf hashes of a complete tile, and makes sure that they are those of its root.
    fn open(&mut self, number: u64) -> Result<usize, Error> {
        let tile = self.tree.tile;
        let (first, last) = (number * tile + 1, (number + 1) * tile);
        let leaves = (self.leaves)(first, last)?;
        if leaves.len() as u64 != tile || subtree(&leaves) != self.tree.levels[0][index(number)] {
            return Err(Error::Damaged {
                first,
                last,
                reason: "the events do not give the hash they had in the tree".into(),
            });
        }
        self.opened.push((number, leaves));
        Ok(self.opened.len() - 1)
    }

    /// `PATH(m, D[start:end])`; `leaf` counts from 0 over the whole tree.
    fn path(
        &mut self,
        leaf: u64,
        start: u64,
        end: u64,
        proof: &mut Vec<Hash>,
    ) -> Result<(), Error> {
        if end - start == 1 {
            return Ok(());
        }
        let middle = start + split(end - start);
        let sibling = if leaf < middle {
            self.path(leaf, start, middle, proof)?;
            self.hash(middle, end)?
        } else {
            self.path(leaf, middle, end, proof)?;
            self.hash(start, middle)?
        };
        proof.push(sibling);
        Ok(())
    }

    /// `SUBPROOF(m, D[start:end], b)`; `from` counts from 0 over the whole tree.
    fn subproof(
        &mut self,
        from: u64,
        start: u64,
        end: u64,
        whole: Whole,
        proof: &mut Vec<Hash>,
    ) -> Result<(), Error> {
        if from == end {
            if whole == Whole::No {
                proof.push(self.hash(start, end)?);
            }
            return Ok(());
        }
        let middle = start + split(end - start);
        let other = if from <= middle {
            self.subproof(from, start, middle, whole, proof)?;
            self.hash(middle, end)?
        } else {
            self.subproof(from, middle, end, Whole::No, proof)?;
            self.hash(start, middle)?
        };
        proof.push(other);
        Ok(())
    }
}

/// Whether `proof` shows the event at `position` (from 1), whose leaf hash is `leaf`, in the tree of `size` events
/// with the root `root`.
///
/// # Errors
/// [`Error::ProofRefuted`], saying what does not hold.
pub fn verify_inclusion(
    leaf: &Hash,
    position: u64,
    size: u64,
    proof: &[Hash],
    root: &Hash,
) -> Result<(), Error> {
    if position == 0 || position > size {
        return Err(refuted("the position is not in the tree"));
    }
    let mut hash = *leaf;
    climb(position - 1, size - 1, proof, |sibling| {
        hash = match sibling {
            Sibling::Left(sibling) => node(sibling, &hash),
            Sibling::Right(sibling) => node(&hash, sibling),
        };
    })?;
    if hash != *root {
        Err(refuted(
            "the event and the proof do not lead to the tree's root",
        ))
    } else {
        Ok(())
    }
}

/// Whether `proof` shows the tree of `from` events with the root `from_root` at the beginning of the tree of `to`
/// events with the root `to_root`.
///
/// # Errors
/// [`Error::ProofRefuted`], saying what does not hold.
pub fn verify_consistency(
    from: u64,
    to: u64,
    from_root: &Hash,
    to_root: &Hash,
    proof: &[Hash],
) -> Result<(), Error> {
    if from > to {
        return Err(refuted("the older tree is larger than the newer one"));
    }
    if from == 0 || from == to {
        let known = if from == 0 { &empty_root() } else { to_root };
        return if !proof.is_empty() {
            Err(refuted("the proof has too many hashes"))
        } else if from_root != known {
            Err(refuted("the roots of the older tree differ"))
        } else {
            Ok(())
        };
    }
    let complete = from.is_power_of_two().then_some(from_root);
    let mut hashes = complete.into_iter().chain(proof);
    let Some(first) = hashes.next() else {
        return Err(refuted("the proof has too few hashes"));
    };
    // Complete subtrees of the older tree are nodes of both.
    let whole = (from - 1).trailing_ones();
    let (mut older, mut newer) = (*first, *first);
    climb((from - 1) >> whole, (to - 1) >> whole, hashes, |sibling| {
        match sibling {
            Sibling::Left(sibling) => {
                older = node(sibling, &older);
                newer = node(sibling, &newer);
            }
            // What lies right of it came later.
            Sibling::Right(sibling) => newer = node(&newer, sibling),
        }
    })?;
    if older != *from_root {
        Err(refuted("the proof does not lead to the older tree's root"))
    } else if newer != *to_root {
        Err(refuted("the proof does not lead to the newer tree's root"))
    } else {
        Ok(())
    }
}

/// On which side a hash of a proof stands.
enum Sibling<'a> {
    Left(&'a Hash),
    Right(&'a Hash),
}

/// Goes up from the node with this number to the root, as RFC 9162 does (2.1.3.2 and 2.1.4.2); `last` is the number of
/// the last node beside it, both from 0.
///
/// # Errors
/// [`Error::ProofRefuted`] if there are more or fewer hashes than the way has steps.
fn climb<'a>(
    mut number: u64,
    mut last: u64,
    siblings: impl IntoIterator<Item = &'a Hash>,
    mut step: impl FnMut(Sibling<'a>),
) -> Result<(), Error> {
    for sibling in siblings {
        if last == 0 {
            return Err(refuted("the proof has too many hashes"));
        }
        if number % 2 == 1 || number == last {
            step(Sibling::Left(sibling));
            while number.is_multiple_of(2) && number != 0 {
                (number, last) = (number >> 1, last >> 1);
            }
        } else {
            step(Sibling::Right(sibling));
        }
        (number, last) = (number >> 1, last >> 1);
    }
    if last == 0 {
        Ok(())
    } else {
        Err(refuted("the proof has too few hashes"))
    }
}

fn refuted(problem: &'static str) -> Error {
    Error::ProofRefuted { problem }
}

/// `MTH({})`.
fn empty_root() -> Hash {
    Sha256::new().finalize().into()
}

/// `SHA-256(0x01 || left || right)`.
fn node(left: &Hash, right: &Hash) -> Hash {
    let mut hash = Sha256::new();
    hash.update([1]);
    hash.update(left);
    hash.update(right);
    hash.finalize().into()
}

/// `MTH` over leaf hashes, of which there is at least one.
fn subtree(leaves: &[Hash]) -> Hash {
    match leaves {
        [leaf] => *leaf,
        leaves => {
            let (left, right) = leaves.split_at(index(split(leaves.len() as u64)));
            node(&subtree(left), &subtree(right))
        }
    }
}

/// The largest power of two below `count`, which is at least 2.
fn split(count: u64) -> u64 {
    1 << (u64::BITS - 1 - (count - 1).leading_zeros())
}

/// A number of leaves or nodes that are in memory.
fn index(number: u64) -> usize {
    usize::try_from(number).expect("what is in memory can be counted")
}

#[cfg(test)]
#[path = "tree_tests.rs"]
mod tests;
