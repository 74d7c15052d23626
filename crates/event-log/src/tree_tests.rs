//! Unit tests of the tree: the vectors of RFC 6962's reference code, another implementation, and changed proofs.

use ct_merkle::mem_backed_tree::MemoryBackedTree;

use super::*;

fn leaf_of(data: &[u8]) -> Hash {
    let mut hash = Sha256::new();
    hash.update([0]);
    hash.update(data);
    hash.finalize().into()
}

fn leaf(number: u64) -> Hash {
    leaf_of(&number.to_be_bytes())
}

fn bytes(hex: &str) -> Vec<u8> {
    let digit = |at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap();
    (0..hex.len()).step_by(2).map(digit).collect()
}

/// A tree of `size` events in tiles of `tile`.
fn tree(tile: u64, size: u64) -> Tree {
    let mut tree = Tree::with_tile(tile);
    for number in 1..=size {
        tree.push(leaf(number));
    }
    tree
}

/// The source of leaf hashes, which counts how many tiles were opened.
fn source(opened: &mut u32) -> impl FnMut(u64, u64) -> Result<Vec<Hash>, Error> {
    |first, last| {
        *opened += 1;
        Ok((first..=last).map(leaf).collect())
    }
}

fn root(tree: &Tree, size: u64) -> Hash {
    tree.root(size, &mut source(&mut 0)).unwrap()
}

/// The tree that another implementation makes of the same events.
fn other_tree(size: u64) -> MemoryBackedTree<Sha256, Vec<u8>> {
    let mut tree = MemoryBackedTree::new();
    for number in 1..=size {
        tree.push(number.to_be_bytes().to_vec());
    }
    tree
}

fn hashes(bytes: &[u8]) -> Vec<Hash> {
    bytes
        .chunks(32)
        .map(|chunk| chunk.try_into().unwrap())
        .collect()
}

#[test]
fn roots_and_proofs_are_those_of_the_reference_vectors() {
    let inputs = [
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    ];
    let roots = [
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    ];
    let leaves: Vec<Hash> = inputs.iter().map(|input| leaf_of(&bytes(input))).collect();
    let mut tree = Tree::with_tile(2);
    let mut give = |first: u64, last: u64| Ok(leaves[first as usize - 1..last as usize].to_vec());
    for leaf in &leaves {
        tree.push(*leaf);
    }
    for (size, expected) in (0..).zip(roots) {
        assert_eq!(tree.root(size, &mut give).unwrap()[..], bytes(expected));
    }

    let shown = tree.inclusion(6, 8, &mut give).unwrap();
    let expected = [
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ];
    assert_eq!(shown.concat(), bytes(&expected.concat()));

    let shown = tree.consistency(6, 8, &mut give).unwrap();
    let expected = [
        "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ];
    assert_eq!(shown.concat(), bytes(&expected.concat()));
}

#[test]
fn every_proof_of_small_trees_is_the_one_that_another_implementation_makes() {
    for size in 1..=70 {
        let (ours, theirs) = (tree(4, 70), other_tree(size));
        let to_root = root(&ours, size);
        assert_eq!(to_root[..], theirs.root().as_bytes()[..]);
        for position in 1..=size {
            let mut opened = 0;
            let proof = ours
                .inclusion(position, size, &mut source(&mut opened))
                .unwrap();
            let expected = theirs.prove_inclusion(position as usize - 1);
            assert_eq!(proof, hashes(expected.as_bytes()));
            assert!(opened <= 2, "{opened} tiles were opened");
            verify_inclusion(&leaf(position), position, size, &proof, &to_root).unwrap();
        }
        for from in 0..=size {
            let mut opened = 0;
            let proof = ours
                .consistency(from, size, &mut source(&mut opened))
                .unwrap();
            assert!(opened <= 2, "{opened} tiles were opened");
            if from > 0 && from < size {
                let expected = theirs.prove_consistency((size - from) as usize);
                assert_eq!(proof, hashes(expected.as_bytes()), "{from} to {size}");
            }
            verify_consistency(from, size, &root(&ours, from), &to_root, &proof).unwrap();
        }
    }
}

#[test]
fn around_the_ends_of_real_tiles_the_proofs_are_the_same_too() {
    let ours = tree(TILE, 3_100);
    let sizes = [
        1, 2, 1_000, 1_023, 1_024, 1_025, 1_536, 2_047, 2_048, 2_049, 3_000, 3_071, 3_072, 3_073,
    ];
    for (at, &size) in sizes.iter().enumerate() {
        let theirs = other_tree(size);
        let to_root = root(&ours, size);
        assert_eq!(to_root[..], theirs.root().as_bytes()[..]);
        for &number in &sizes[..at] {
            let proof = ours.inclusion(number, size, &mut source(&mut 0)).unwrap();
            let expected = theirs.prove_inclusion(number as usize - 1);
            assert_eq!(proof, hashes(expected.as_bytes()));
            verify_inclusion(&leaf(number), number, size, &proof, &to_root).unwrap();

            let proof = ours.consistency(number, size, &mut source(&mut 0)).unwrap();
            let expected = theirs.prove_consistency((size - number) as usize);
            assert_eq!(proof, hashes(expected.as_bytes()));
            verify_consistency(number, size, &root(&ours, number), &to_root, &proof).unwrap();
        }
    }
}

#[test]
fn a_tree_that_was_stored_as_tiles_is_the_same_tree() {
    let grown = tree(TILE, 5_000);
    assert_eq!((grown.tiles().len(), grown.pending.len()), (4, 904));
    let mut restored =
        Tree::from_tiles(grown.tiles().iter().copied(), grown.pending.iter().copied());
    for number in 5_001..=5_200 {
        restored.push(leaf(number));
    }
    assert_eq!(restored.size(), 5_200);
    assert_eq!(root(&restored, 5_200), root(&tree(TILE, 5_200), 5_200));
}

#[test]
fn events_that_changed_since_give_no_proof() {
    let tree = tree(16, 40);
    let mut changed = |first, last| {
        let mut leaves: Vec<Hash> = (first..=last).map(leaf).collect();
        leaves[3][31] ^= 1;
        Ok(leaves)
    };
    let error = tree.inclusion(20, 40, &mut changed).unwrap_err();
    assert!(
        matches!(
            error,
            Error::Damaged {
                first: 17,
                last: 32,
                ..
            }
        ),
        "{error}"
    );
}

#[test]
fn what_the_tree_does_not_reach_is_refused() {
    let tree = tree(16, 40);
    let mut give = source_of_nothing;
    for asked in [
        tree.root(41, &mut give).map(drop),
        tree.inclusion(0, 40, &mut give).map(drop),
        tree.inclusion(31, 30, &mut give).map(drop),
        tree.inclusion(1, 41, &mut give).map(drop),
        tree.consistency(31, 30, &mut give).map(drop),
        tree.consistency(30, 41, &mut give).map(drop),
    ] {
        assert!(
            matches!(asked, Err(Error::BeyondHead { .. })),
            "{asked:?} was not refused"
        );
    }
}

fn source_of_nothing(_: u64, _: u64) -> Result<Vec<Hash>, Error> {
    unreachable!("nothing needs to be read to refuse")
}

/// Every way to change one bit, and every way to have a hash less or more.
fn changes(proof: &[Hash]) -> Vec<Vec<Hash>> {
    let mut all = Vec::new();
    for bit in 0..proof.len() * 256 {
        let mut changed = proof.to_vec();
        changed[bit / 256][bit % 256 / 8] ^= 1 << (bit % 8);
        all.push(changed);
    }
    for at in 0..proof.len() {
        let mut fewer = proof.to_vec();
        fewer.remove(at);
        all.push(fewer);
    }
    for at in 0..=proof.len() {
        let mut more = proof.to_vec();
        more.insert(at, [7; 32]);
        all.push(more);
    }
    all
}

fn flipped(hash: &Hash, bit: usize) -> Hash {
    let mut changed = *hash;
    changed[bit / 8] ^= 1 << (bit % 8);
    changed
}

#[test]
fn an_inclusion_proof_with_one_changed_bit_is_rejected() {
    let tree = tree(16, 100);
    for (position, size) in [(1, 1), (1, 2), (7, 7), (33, 64), (64, 65), (97, 100)] {
        let (leaf, root) = (leaf(position), root(&tree, size));
        let proof = tree.inclusion(position, size, &mut source(&mut 0)).unwrap();
        verify_inclusion(&leaf, position, size, &proof, &root).unwrap();
        for changed in changes(&proof) {
            verify_inclusion(&leaf, position, size, &changed, &root).unwrap_err();
        }
        for bit in 0..256 {
            verify_inclusion(&flipped(&leaf, bit), position, size, &proof, &root).unwrap_err();
            verify_inclusion(&leaf, position, size, &proof, &flipped(&root, bit)).unwrap_err();
        }
        for other in (0..size + 3).filter(|other| *other != position) {
            verify_inclusion(&leaf, other, size, &proof, &root).unwrap_err();
        }
    }
}

#[test]
fn a_consistency_proof_with_one_changed_bit_is_rejected() {
    let tree = tree(16, 100);
    for (from, to) in [(0, 5), (1, 2), (4, 8), (6, 8), (33, 64), (64, 65), (97, 97)] {
        let (older, newer) = (root(&tree, from), root(&tree, to));
        let proof = tree.consistency(from, to, &mut source(&mut 0)).unwrap();
        verify_consistency(from, to, &older, &newer, &proof).unwrap();
        for changed in changes(&proof) {
            verify_consistency(from, to, &older, &newer, &changed).unwrap_err();
        }
        for bit in 0..256 {
            verify_consistency(from, to, &flipped(&older, bit), &newer, &proof).unwrap_err();
            if from > 0 {
                verify_consistency(from, to, &older, &flipped(&newer, bit), &proof).unwrap_err();
            }
        }
        for other in (0..to).filter(|other| *other != from) {
            verify_consistency(other, to, &older, &newer, &proof).unwrap_err();
        }
    }
}

#[test]
fn no_length_of_proof_and_no_size_makes_the_checks_run_wild() {
    let root = leaf(1);
    for size in [0, 1, 2, 3, u64::MAX - 1, u64::MAX] {
        for position in [0, 1, 2, size.saturating_sub(1), size] {
            for hashes in [0, 1, 63, 64, 65, 200] {
                let proof = vec![root; hashes];
                let _ = verify_inclusion(&root, position, size, &proof, &root);
                let _ = verify_consistency(position, size, &root, &root, &proof);
            }
        }
    }
}
