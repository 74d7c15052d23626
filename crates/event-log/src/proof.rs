//! What the log shows about itself: signed tree heads, and proofs that lead from events to them.
//!
//! An inclusion proof shows that an event is in the log that a checkpoint was signed over, at its position, with
//! every byte it has; a consistency proof shows that a log only grew between two checkpoints.
//! Neither shows that what an event says is true, nor that nobody was shown another log: for that, checkpoints are
//! compared by those who keep them.
//!
//! The tree of the settled events is the settler's; the [`Prover`] has a tree of its own, which it brings up to a
//! size when somebody asks for one.
//! So nobody who writes ever waits for a proof, and what nobody asks for is not computed; it costs 64 bytes for each
//! 1,024 events more.
//! Proofs wait for one another: each takes about a millisecond.

use std::ops::ControlFlow;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::checkpoint::{Checkpoints, Signer};
use crate::chunk::{self, EventRef, Hash};
use crate::log::Shared;
use crate::tree::Tree;
use crate::{Error, Log, ReadLimit, Record, reader, verify_inclusion};

/// Events whose leaf hashes are taken at once.
const STEP: u64 = 16 * 1024;

/// An event, and the hashes that lead from it to the root of the tree over the first events of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inclusion {
    /// The event as it is stored.
    pub record: Record,
    /// Events in the tree; at least the record's position.
    pub tree_size: u64,
    /// The hashes beside the way up, lowest first; at most 64.
    pub hashes: Vec<[u8; 32]>,
}

impl Inclusion {
    /// Whether the event stands at its position in the tree with this root.
    ///
    /// # Errors
    /// [`Error::ProofRefuted`] if not.
    pub fn verify(&self, root: &[u8; 32]) -> Result<(), Error> {
        let Record {
            position,
            known_micros,
            ref request_id,
            ref subject,
            ref payload,
        } = self.record;
        let event = EventRef {
            known_micros,
            request_id,
            subject,
            payload,
        };
        let leaf = chunk::leaf(position, event);
        verify_inclusion(&leaf, position, self.tree_size, &self.hashes, root)
    }
}

/// What the prover asks of the log.
pub(crate) trait Events {
    /// A tree over the first durable events, if one is at hand that is larger than `size`.
    fn tree(&self, size: u64) -> Option<Tree>;

    /// The leaf hashes of durable events.
    fn leaves(&self, first: u64, last: u64) -> Result<Vec<Hash>, Error>;
}

/// Signs tree heads and makes proofs.
#[derive(Debug)]
pub(crate) struct Prover {
    signer: Signer,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    tree: Tree,
    kept: Checkpoints,
}

impl Prover {
    /// The prover of the log in `directory`.
    ///
    /// # Errors
    /// As [`Signer::open`] and [`Checkpoints::open`].
    pub(crate) fn open(directory: &Path, origin: &str) -> Result<Prover, Error> {
        let signer = Signer::open(directory, origin)?;
        let state = State {
            tree: Tree::new(),
            kept: Checkpoints::open(directory, &signer.vkey())?,
        };
        Ok(Prover {
            signer,
            state: Mutex::new(state),
        })
    }

    /// The public key.
    pub(crate) fn vkey(&self) -> String {
        self.signer.vkey()
    }

    /// Whether a log of `head` durable events still begins with what was signed last.
    ///
    /// # Errors
    /// [`Error::Rewritten`] if not; as [`Prover::checkpoint`].
    pub(crate) fn check(&self, head: u64, events: &dyn Events) -> Result<(), Error> {
        let mut state = self.state();
        let Some((signed, _)) = state.kept.newest().cloned() else {
            return Ok(());
        };
        let size = signed.size;
        if size <= head && state.root(size, events)? == signed.root {
            Ok(())
        } else {
            Err(Error::Rewritten { size, head })
        }
    }

    /// The signed tree head of the first `size` events, which are durable.
    ///
    /// # Errors
    /// What reading says; [`Error::Damaged`] if the events are not those the tree was made of; what the disk says
    /// to keeping it.
    pub(crate) fn checkpoint(&self, size: u64, events: &dyn Events) -> Result<String, Error> {
        let mut state = self.state();
        let root = state.root(size, events)?;
        let text = self.signer.sign(size, root);
        state.kept.remember(&text)?;
        Ok(text)
    }

    /// As [`Tree::inclusion`].
    pub(crate) fn inclusion(
        &self,
        position: u64,
        size: u64,
        events: &dyn Events,
    ) -> Result<Vec<Hash>, Error> {
        let mut state = self.state();
        let tree = state.grown(size, events)?;
        tree.inclusion(position, size, &mut |first, last| {
            events.leaves(first, last)
        })
    }

    /// As [`Tree::consistency`].
    pub(crate) fn consistency(
        &self,
        from: u64,
        to: u64,
        events: &dyn Events,
    ) -> Result<Vec<Hash>, Error> {
        let mut state = self.state();
        let tree = state.grown(to, events)?;
        tree.consistency(from, to, &mut |first, last| events.leaves(first, last))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn root(&mut self, size: u64, events: &dyn Events) -> Result<Hash, Error> {
        let tree = self.grown(size, events)?;
        tree.root(size, &mut |first, last| events.leaves(first, last))
    }

    /// The tree, with at least `size` events.
    fn grown(&mut self, size: u64, events: &dyn Events) -> Result<&Tree, Error> {
        if self.tree.size() < size
            && let Some(larger) = events.tree(self.tree.size())
        {
            self.tree = larger;
        }
        while self.tree.size() < size {
            let first = self.tree.size() + 1;
            let last = size.min(self.tree.size() + STEP);
            for leaf in events.leaves(first, last)? {
                self.tree.push(leaf);
            }
        }
        Ok(&self.tree)
    }
}

impl Events for Shared {
    fn tree(&self, size: u64) -> Option<Tree> {
        let tree = self.tree();
        (tree.size() > size).then(|| tree.clone())
    }

    fn leaves(&self, first: u64, last: u64) -> Result<Vec<Hash>, Error> {
        let mut leaves = Vec::new();
        reader::scan(self, first, last, &mut |_| true, &mut |record| {
            let event = EventRef {
                known_micros: record.known_micros,
                request_id: record.request_id,
                subject: record.subject,
                payload: record.payload,
            };
            leaves.push(chunk::leaf(record.position, event));
            ControlFlow::Continue(())
        })?;
        let found = leaves.len() as u64;
        if found == last - first + 1 {
            Ok(leaves)
        } else {
            Err(Error::Damaged {
                first: first + found,
                last,
                reason: "the events cannot be read".into(),
            })
        }
    }
}

impl Log {
    /// The signed tree head of everything durable now, a C2SP checkpoint.
    ///
    /// # Errors
    /// As [`Log::checkpoint_at`].
    pub fn checkpoint(&self) -> Result<String, Error> {
        self.checkpoint_at(self.head())
    }

    /// The signed tree head of the first `size` events, a C2SP checkpoint.
    ///
    /// # Errors
    /// [`Error::BeyondHead`]; [`Error::Damaged`] if anything in the log is; what the disk says.
    pub fn checkpoint_at(&self, size: u64) -> Result<String, Error> {
        self.provable(size)?;
        self.shared().prover.checkpoint(size, self.shared())
    }

    /// The public key that checkpoints are verified with: `<origin>+<key id>+<base64>`.
    pub fn verifying_key(&self) -> String {
        self.shared().prover.vkey()
    }

    /// The event at `position`, and the proof that it is among the first `size`.
    ///
    /// # Errors
    /// As [`Log::checkpoint_at`]; [`Error::BeyondHead`] also for a position that is 0 or beyond `size`.
    pub fn inclusion(&self, position: u64, size: u64) -> Result<Inclusion, Error> {
        self.provable(size)?;
        let hashes = self
            .shared()
            .prover
            .inclusion(position, size, self.shared())?;
        let one = ReadLimit {
            events: 1,
            bytes: usize::MAX,
        };
        let record = self.read(position, one)?.pop().ok_or(Error::BeyondHead {
            asked: position,
            head: size,
        })?;
        Ok(Inclusion {
            record,
            tree_size: size,
            hashes,
        })
    }

    /// The proof that the first `from` events are the beginning of the first `to`.
    ///
    /// # Errors
    /// As [`Log::checkpoint_at`]; [`Error::BeyondHead`] also if `from` is beyond `to`.
    pub fn consistency(&self, from: u64, to: u64) -> Result<Vec<[u8; 32]>, Error> {
        self.provable(to)?;
        self.shared().prover.consistency(from, to, self.shared())
    }

    /// Whether the log still begins with what it signed last; a damaged one is not asked.
    ///
    /// # Errors
    /// [`Error::Rewritten`] if not; what the disk says.
    pub(crate) fn check_signed(&self) -> Result<(), Error> {
        if self.shared().damages.is_empty() {
            self.shared().prover.check(self.head(), self.shared())
        } else {
            Ok(())
        }
    }

    fn provable(&self, size: u64) -> Result<(), Error> {
        if let Some(damage) = self.shared().damages.first() {
            // Leaves after a damage would be counted wrongly.
            return Err(damage.clone().into());
        }
        let head = self.head();
        if size > head {
            return Err(Error::BeyondHead { asked: size, head });
        }
        Ok(())
    }
}

#[cfg(test)]
#[path = "proof_tests.rs"]
mod tests;
