//! Names come and go: kept before the commit, erased for good, and nothing left of what was never acknowledged.

use std::fs;
use std::path::Path;

use bytes::Bytes;

use super::{Attribute, Erasable, Findings, SLOT_BYTES};
use crate::Damage;
use crate::limits::ATTRIBUTE_BYTES_MAX;

const NAME: &str = "Nguyễn Thị Minh Khai";
const OTHER: &str = "Trần Văn Ơn";

fn named(name: &str) -> Attribute {
    Attribute {
        salt: [7; 32],
        bytes: Bytes::copy_from_slice(name.as_bytes()),
    }
}

fn open(directory: &Path, head: u64) -> Erasable {
    let (erasable, findings) = Erasable::open(directory, head).unwrap();
    assert_eq!(findings, Findings::default());
    erasable
}

/// Whether any file of the directory holds these bytes.
fn holds(directory: &Path, bytes: &[u8]) -> bool {
    fs::read_dir(directory).unwrap().any(|entry| {
        let stored = fs::read(entry.unwrap().path()).unwrap();
        stored.windows(bytes.len()).any(|window| window == bytes)
    })
}

#[test]
fn a_log_without_attributes_has_no_file_of_them() {
    let directory = tempfile::tempdir().unwrap();
    let erasable = open(directory.path(), 10);
    erasable.write(&[]).unwrap();
    erasable.take_back(&[]).unwrap();
    assert_eq!(erasable.read(3).unwrap(), None);
    assert!(!erasable.erase(3).unwrap());
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
}

#[test]
fn a_name_is_read_again_after_a_reopening() {
    let directory = tempfile::tempdir().unwrap();
    let longest = named(&"x".repeat(ATTRIBUTE_BYTES_MAX));
    let erasable = open(directory.path(), 0);
    let (name, other) = (named(NAME), named(OTHER));
    erasable.write(&[(4, &name), (9, &other)]).unwrap();
    erasable.write(&[(10, &longest)]).unwrap();
    drop(erasable);
    let erasable = open(directory.path(), 10);
    assert_eq!(erasable.read(4).unwrap(), Some(name));
    assert_eq!(erasable.read(9).unwrap(), Some(other));
    assert_eq!(erasable.read(10).unwrap(), Some(longest));
    assert_eq!(erasable.read(5).unwrap(), None);
}

#[test]
fn what_was_erased_is_nowhere_in_the_directory() {
    let directory = tempfile::tempdir().unwrap();
    let erasable = open(directory.path(), 0);
    let (name, other) = (named(NAME), named(OTHER));
    erasable.write(&[(1, &name), (2, &other)]).unwrap();
    assert!(holds(directory.path(), NAME.as_bytes()));
    assert!(erasable.erase(1).unwrap());
    assert!(!erasable.erase(1).unwrap(), "it is gone already");
    assert_eq!(erasable.read(1).unwrap(), None);
    assert!(!holds(directory.path(), NAME.as_bytes()));
    assert!(!holds(directory.path(), &NAME.as_bytes()[..6]));
    drop(erasable);
    let erasable = open(directory.path(), 2);
    assert_eq!(erasable.read(1).unwrap(), None);
    assert_eq!(erasable.read(2).unwrap(), Some(other), "a neighbour stays");
}

#[test]
fn an_erased_slot_is_used_again() {
    let directory = tempfile::tempdir().unwrap();
    let erasable = open(directory.path(), 0);
    for position in 1..=20 {
        erasable.write(&[(position, &named(NAME))]).unwrap();
        assert!(erasable.erase(position).unwrap());
    }
    let length = fs::metadata(directory.path().join("erasable"))
        .unwrap()
        .len();
    assert_eq!(length, SLOT_BYTES as u64);
    drop(erasable);
    let erasable = open(directory.path(), 20);
    erasable.write(&[(21, &named(OTHER))]).unwrap();
    let length = fs::metadata(directory.path().join("erasable"))
        .unwrap()
        .len();
    assert_eq!(length, SLOT_BYTES as u64, "also after a reopening");
}

#[test]
fn a_refused_commit_leaves_nothing_behind() {
    let directory = tempfile::tempdir().unwrap();
    let erasable = open(directory.path(), 0);
    erasable
        .write(&[(1, &named(NAME)), (2, &named(NAME))])
        .unwrap();
    erasable.take_back(&[1, 2]).unwrap();
    assert_eq!(erasable.read(1).unwrap(), None);
    assert!(!holds(directory.path(), NAME.as_bytes()));
    erasable.write(&[(1, &named(OTHER))]).unwrap();
    assert_eq!(erasable.read(1).unwrap(), Some(named(OTHER)));
}

#[test]
fn one_attribute_that_cannot_be_kept_takes_its_neighbours_back() {
    let directory = tempfile::tempdir().unwrap();
    let erasable = open(directory.path(), 0);
    let too_long = named(&"x".repeat(ATTRIBUTE_BYTES_MAX + 1));
    assert!(
        erasable
            .write(&[(1, &named(NAME)), (2, &too_long)])
            .is_err()
    );
    assert_eq!(erasable.read(1).unwrap(), None);
    assert!(!holds(directory.path(), NAME.as_bytes()));
}

#[test]
fn what_was_never_acknowledged_is_removed_at_the_next_start() {
    let directory = tempfile::tempdir().unwrap();
    let erasable = open(directory.path(), 0);
    let (name, other) = (named(NAME), named(OTHER));
    erasable.write(&[(5, &other), (6, &name)]).unwrap();
    drop(erasable);
    let (erasable, findings) = Erasable::open(directory.path(), 5).unwrap();
    assert_eq!(findings.removed, 1);
    assert_eq!(findings.damages, []);
    assert_eq!(erasable.read(6).unwrap(), None);
    assert_eq!(erasable.read(5).unwrap(), Some(other));
    assert!(!holds(directory.path(), NAME.as_bytes()));
}

/// Every way in which a power cut can tear the one write of a slot: the parts that arrived, the rest still zeros.
#[test]
fn a_slot_torn_by_a_power_cut_is_removed_wherever_it_was_torn() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("erasable");
    open(directory.path(), 0)
        .write(&[(3, &named(NAME))])
        .unwrap();
    let whole = fs::read(&path).unwrap();
    let content = super::BYTES + NAME.len();
    for cut in 1..content {
        let mut first = vec![0; SLOT_BYTES];
        first[..cut].copy_from_slice(&whole[..cut]);
        let mut last = whole.clone();
        last[..cut].fill(0);
        let short = whole[..cut].to_vec();
        for torn in [first, last, short] {
            fs::write(&path, torn).unwrap();
            let (erasable, findings) = Erasable::open(directory.path(), 2).unwrap();
            assert_eq!((findings.removed, findings.damages), (1, vec![]), "{cut}");
            assert_eq!(erasable.read(3).unwrap(), None);
            assert!(fs::read(&path).unwrap().iter().all(|byte| *byte == 0));
        }
    }
}

#[test]
fn a_flipped_bit_of_an_acknowledged_name_is_reported_and_can_be_erased() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("erasable");
    open(directory.path(), 0)
        .write(&[(3, &named(NAME))])
        .unwrap();
    let mut stored = fs::read(&path).unwrap();
    stored[super::BYTES] ^= 0x10;
    fs::write(&path, stored).unwrap();
    let (erasable, findings) = Erasable::open(directory.path(), 3).unwrap();
    let reason = "its erasable attribute is torn".into();
    let damage = Damage {
        first: 3,
        last: 3,
        reason,
    };
    assert_eq!((findings.removed, findings.damages), (0, vec![damage]));
    let error = erasable.read(3).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::InvalidData);
    assert!(erasable.erase(3).unwrap());
    assert!(fs::read(&path).unwrap().iter().all(|byte| *byte == 0));
}

#[test]
fn an_attribute_does_not_show_itself() {
    let shown = format!("{:?}", named(NAME));
    assert!(!shown.contains("Minh"), "{shown}");
    assert!(!shown.contains("78"), "{shown}");
}
