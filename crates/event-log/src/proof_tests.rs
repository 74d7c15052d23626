//! Unit tests of the prover, over events that are only leaf hashes.

use std::cell::Cell;

use tempfile::TempDir;

use super::*;
use crate::{Checkpoint, verify_consistency};

const ORIGIN: &str = "tiendo/khanh-hoa";

/// A log of leaf hashes, of which some are in a tree already.
struct Leaves {
    settled: Tree,
    changed: u64,
    read: Cell<u64>,
}

impl Leaves {
    fn settled(size: u64) -> Leaves {
        let mut settled = Tree::new();
        (1..=size).for_each(|position| settled.push(leaf(position)));
        Leaves {
            settled,
            changed: 0,
            read: Cell::new(0),
        }
    }

    /// A log whose event at this position is another.
    fn with_changed(self, changed: u64) -> Leaves {
        Leaves { changed, ..self }
    }
}

fn leaf(position: u64) -> Hash {
    let event = EventRef {
        known_micros: 1,
        request_id: &[7; 16],
        subject: "locality/56",
        payload: b"event",
    };
    chunk::leaf(position, event)
}

impl Events for Leaves {
    fn tree(&self, size: u64) -> Option<Tree> {
        (self.settled.size() > size).then(|| self.settled.clone())
    }

    fn leaves(&self, first: u64, last: u64) -> Result<Vec<Hash>, Error> {
        self.read.set(self.read.get() + last - first + 1);
        let hash = |position| {
            if position == self.changed {
                [9; 32]
            } else {
                leaf(position)
            }
        };
        Ok((first..=last).map(hash).collect())
    }
}

fn prover() -> (TempDir, Prover) {
    let directory = tempfile::tempdir().unwrap();
    let prover = Prover::open(directory.path(), ORIGIN).unwrap();
    (directory, prover)
}

fn signed(prover: &Prover, size: u64, events: &Leaves) -> Checkpoint {
    let text = prover.checkpoint(size, events).unwrap();
    Checkpoint::verify(&text, &prover.vkey()).unwrap()
}

#[test]
fn proofs_over_settled_and_newer_events_lead_to_what_is_signed() {
    let (_directory, prover) = prover();
    let events = Leaves::settled(5_000);
    for size in [1, 5_000, 1_024, 7_777, 7_000, 40_000] {
        let head = signed(&prover, size, &events);
        assert_eq!((head.origin.as_str(), head.size), (ORIGIN, size));
        for position in [1, size / 2 + 1, size] {
            let proof = prover.inclusion(position, size, &events).unwrap();
            verify_inclusion(&leaf(position), position, size, &proof, &head.root).unwrap();
        }
        for from in [0, 1, size / 2, size] {
            let older = signed(&prover, from, &events);
            let proof = prover.consistency(from, size, &events).unwrap();
            verify_consistency(from, size, &older.root, &head.root, &proof).unwrap();
        }
    }
}

#[test]
fn each_new_event_is_hashed_once_and_settled_ones_only_in_the_tiles_that_a_proof_opens() {
    let (_directory, prover) = prover();
    let events = Leaves::settled(100_000);
    signed(&prover, 100_500, &events);
    assert_eq!(events.read.replace(0), 500);
    signed(&prover, 100_500, &events);
    assert_eq!(events.read.replace(0), 0);
    signed(&prover, 100_600, &events);
    assert_eq!(events.read.replace(0), 100);
    prover.inclusion(70_000, 100_600, &events).unwrap();
    assert_eq!(events.read.replace(0), 1_024);
    prover.consistency(70_000, 80_000, &events).unwrap();
    assert_eq!(events.read.replace(0), 2_048);
}

#[test]
fn a_log_that_was_cut_short_or_rewritten_is_recognised_when_it_is_opened_again() {
    let (directory, prover) = prover();
    prover.check(0, &Leaves::settled(0)).unwrap();
    signed(&prover, 3_000, &Leaves::settled(2_000));
    drop(prover);
    let again = || Prover::open(directory.path(), ORIGIN).unwrap();
    again().check(3_000, &Leaves::settled(2_000)).unwrap();
    again().check(3_500, &Leaves::settled(3_500)).unwrap();

    let cut = again().check(2_999, &Leaves::settled(2_000)).unwrap_err();
    assert!(
        matches!(
            cut,
            Error::Rewritten {
                size: 3_000,
                head: 2_999
            }
        ),
        "{cut}"
    );
    let changed = Leaves::settled(2_000).with_changed(2_500);
    let changed = again().check(3_000, &changed).unwrap_err();
    assert_eq!(changed.reason(), "LOG_REWRITTEN");
    // Settled events that are not what they were do not even give the tree.
    let changed = Leaves::settled(3_072).with_changed(2_500);
    let changed = again().check(3_072, &changed).unwrap_err();
    assert_eq!(changed.reason(), "LOG_DAMAGED");
}

#[test]
fn an_older_size_is_signed_anew_but_not_kept() {
    let (directory, prover) = prover();
    let events = Leaves::settled(100);
    signed(&prover, 100, &events);
    let kept = std::fs::metadata(directory.path().join("checkpoints")).unwrap();
    signed(&prover, 50, &events);
    signed(&prover, 100, &events);
    let after = std::fs::metadata(directory.path().join("checkpoints")).unwrap();
    assert_eq!(kept.len(), after.len());
}
