//! The fuzzers' entries on a stable compiler: arbitrary bytes, and good ones that were changed.

use proptest::prelude::*;
use proptest::sample::Index;

use std::sync::OnceLock;

use super::*;
use crate::archive::{Manifest, Writer};
use crate::{Append, Attribute, NewEvent, Record};

/// A change to good bytes.
#[derive(Debug, Clone)]
enum Change {
    Flip(Index, u8),
    Set(Index, u8),
    Number(Index, u32),
    Cut(Index),
    Remove(Index, u8),
    Insert(Index, Vec<u8>),
    Double(Index, u8),
}

fn changes() -> impl Strategy<Value = Vec<Change>> {
    let at = any::<Index>;
    let change = prop_oneof![
        4 => (at(), 0..8_u8).prop_map(|(at, bit)| Change::Flip(at, bit)),
        4 => (at(), any::<u8>()).prop_map(|(at, byte)| Change::Set(at, byte)),
        2 => (at(), prop_oneof![Just(0), Just(u32::MAX), any::<u32>()])
            .prop_map(|(at, number)| Change::Number(at, number)),
        1 => at().prop_map(Change::Cut),
        1 => (at(), any::<u8>()).prop_map(|(at, count)| Change::Remove(at, count)),
        1 => (at(), prop::collection::vec(any::<u8>(), 1..20))
            .prop_map(|(at, bytes)| Change::Insert(at, bytes)),
        1 => (at(), any::<u8>()).prop_map(|(at, count)| Change::Double(at, count)),
    ];
    prop::collection::vec(change, 0..6)
}

fn changed(bytes: &[u8], changes: &[Change]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for change in changes {
        if bytes.is_empty() {
            break;
        }
        let length = bytes.len();
        let to = |at: usize, count: u8| (at + usize::from(count)).min(length);
        match change {
            Change::Flip(at, bit) => bytes[at.index(length)] ^= 1 << bit,
            Change::Set(at, byte) => bytes[at.index(length)] = *byte,
            Change::Number(at, number) => {
                let at = at.index(length);
                let places = bytes[at..].iter_mut().zip(number.to_be_bytes());
                places.for_each(|(place, byte)| *place = byte);
            }
            Change::Cut(at) => bytes.truncate(at.index(length)),
            Change::Remove(at, count) => {
                let at = at.index(length);
                bytes.drain(at..to(at, *count));
            }
            Change::Insert(at, more) => {
                let at = at.index(length);
                bytes.splice(at..at, more.iter().copied());
            }
            Change::Double(at, count) => {
                let at = at.index(length);
                let doubled = bytes[at..to(at, *count)].to_vec();
                bytes.splice(at..at, doubled);
            }
        }
    }
    bytes
}

fn record(position: u64) -> Record {
    let mut request_id = [3; 16];
    request_id[0] = (position / 4) as u8;
    Record {
        position,
        known_micros: 1_000 + position as i64 / 4,
        request_id,
        subject: format!("xã/{}", position % 3).into(),
        payload: vec![position as u8; position as usize % 50].into(),
    }
}

fn good_backup() -> Vec<u8> {
    let manifest = Manifest {
        origin: "khanh-hoa".into(),
        head: 40,
        known_first: 1_000,
        known_last: 1_010,
        made_micros: 7,
    };
    let mut writer = Writer::begin(Vec::new(), manifest).unwrap();
    for position in 1..=40 {
        writer.push(record(position)).unwrap();
    }
    writer.finish("a checkpoint\n").unwrap().0
}

/// The chunk of a good backup.
fn good_chunk() -> Vec<u8> {
    let backup = good_backup();
    let header = backup.windows(2).position(|pair| pair == b"\n\n").unwrap() + 2;
    let length = u32::from_be_bytes(chunk::array(&backup, header)) as usize;
    backup[header + 4..][..length].to_vec()
}

const CHECKPOINT: &str = "PeterNeumann\n26274\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n\
    — PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";

#[test]
fn what_is_good_is_taken() {
    let (bytes, value) = (good_backup(), good_chunk());
    let mut again = (bytes.clone(), value.clone());
    reseal_backup(&mut again.0);
    chunk::reseal(&mut again.1);
    assert_eq!(again, (bytes.clone(), value.clone()));
    assert_eq!(chunk::decode(1, &value).unwrap().records(1).count(), 40);
    let mut reader = Reader::open(&bytes[..]).unwrap();
    assert_eq!(reader.next_part().unwrap().unwrap().records.len(), 40);
    assert_eq!(reader.next_part().unwrap(), None);
    Checkpoint::parse(CHECKPOINT).unwrap();
}

#[test]
fn the_last_positions_there_are_are_survived() {
    for beyond in 0..3 {
        let mut value = good_chunk();
        value[8..16].copy_from_slice(&(u64::MAX - 40 + beyond).to_be_bytes());
        chunk_resealed(&value);
        let mut frame = good_files()[0].clone();
        frame[16..24].copy_from_slice(&(u64::MAX - 1 + beyond.min(1)).to_be_bytes());
        journal_resealed(&frame);
    }
}

#[test]
fn a_resealed_change_gets_past_the_checksums() {
    let mut value = good_chunk();
    value[HEADER_LAST_KNOWN] ^= 1;
    chunk::reseal(&mut value);
    let refused = chunk::decode(1, &value).unwrap_err();
    assert_eq!(refused, "the times do not match the header");
}

/// Good files of a log's directory: both halves of the journal, the index, the attributes.
///
/// The journal is as a crash leaves it when one half is full and the other one begun; the index is of a sealed log.
fn good_files() -> &'static [Vec<u8>; 4] {
    static FILES: OnceLock<[Vec<u8>; 4]> = OnceLock::new();
    FILES.get_or_init(|| {
        let [mut journal, _, erasable] = written(false);
        let cut = journal::recover(0, &journal).commits[6].place.offset;
        let second = journal.split_off(cut as usize);
        let [_, index, _] = written(true);
        [journal, second, index, erasable]
    })
}

/// What lies in a directory after twelve commits: the journal's first half, the index, the attributes.
fn written(seal: bool) -> [Vec<u8>; 3] {
    let directory = tempfile::tempdir().unwrap();
    let log = Log::open(Options::at(directory.path()), Arc::new(|| 1_000)).unwrap();
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.build().unwrap();
    for number in 0..12_u8 {
        let attribute = Attribute {
            salt: [number; 32],
            bytes: vec![number; 9].into(),
        };
        let event = NewEvent {
            subject: format!("xã/{}", number % 3).into(),
            expected_revision: None,
            payload: vec![number; 20 * usize::from(number)].into(),
            attribute: (number % 4 == 0).then(|| Box::new(attribute)),
        };
        let append = Append {
            request_id: [number; 16],
            events: vec![event; 1 + usize::from(number) % 3],
        };
        runtime.block_on(log.append(append)).unwrap();
        if seal && number % 5 == 4 {
            log.seal().unwrap();
        }
    }
    log.close();
    ["journal-0", "index", "erasable"].map(|name| {
        let mut bytes = fs::read(directory.path().join(name)).unwrap();
        if name == "journal-0" {
            let used = bytes.iter().rposition(|byte| *byte != 0).unwrap() + 1;
            bytes.truncate(used.next_multiple_of(64));
        }
        bytes
    })
}

#[test]
fn good_files_are_taken() {
    let [a, b, index_file, erasable_file] = good_files();
    let mut sealed = a.clone();
    journal::reseal(&mut sealed);
    assert_eq!(sealed, *a);
    assert_eq!(journal::recover(0, a).commits.len(), 6);
    // The newest commit is confirmed by a frame without events.
    assert_eq!(journal::recover(1, b).commits.len(), 7);
    let files = [
        ("journal-0", &**a),
        ("journal-1", b),
        ("index", index_file),
        ("erasable", erasable_file),
    ];
    let scratch = Scratch::new(&files[2..]);
    assert_eq!(IndexFile::open(&scratch.0, 1 << 40).unwrap().1.last, 19);
    let (erasable, findings) = Erasable::open(&scratch.0, 1 << 40).unwrap();
    assert_eq!(findings.damages, []);
    assert!(erasable.read(1).unwrap().is_some());
    assert_eq!(look_at(&Scratch::new(&files).0), Some((24, true)));
    let parts = parts::<2>(&[0, 1, 0, 9, b'a', b'b', b'c']);
    assert_eq!(parts, [b"a".to_vec(), b"bc".to_vec()]);
}

#[test]
fn every_bit_of_a_journal_that_is_changed_costs_one_commit() {
    let good = &good_files()[0];
    let whole = journal::recover(0, good).commits;
    for bit in 0..8 * whole.last().unwrap().place.offset as usize {
        let mut bytes = good.clone();
        bytes[bit / 8] ^= 1 << (bit % 8);
        let hit = |place: journal::Place| {
            (place.offset as usize..place.offset as usize + place.bytes).contains(&(bit / 8))
        };
        let healthy = whole.iter().filter(|commit| !hit(commit.place));
        assert!(
            journal::recover(0, &bytes).commits.iter().eq(healthy),
            "bit {bit}"
        );
    }
}

/// The last byte of the last event's time, in the header of a chunk.
const HEADER_LAST_KNOWN: usize = 43;

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 24, failure_persistence: None, ..ProptestConfig::default()
    })]

    #[test]
    fn a_changed_directory_is_survived(
        changes in prop::collection::vec(changes(), 4),
        which in 0..16_usize,
    ) {
        let mut lengths = Vec::new();
        let mut files = Vec::new();
        for (number, (good, changes)) in good_files().iter().zip(&changes).enumerate() {
            let none = Vec::new();
            let file = changed(good, if which & (1 << number) == 0 { &none } else { changes });
            lengths.extend((file.len() as u16).to_be_bytes());
            files.extend(file);
        }
        directory(&[lengths, files].concat());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn arbitrary_bytes_are_survived(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        chunk(&bytes);
        chunk_resealed(&bytes);
        backup(&bytes);
        checkpoint(&bytes);
    }

    #[test]
    fn arbitrary_files_are_survived(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        journal(&bytes);
        journal_resealed(&bytes);
        index(&bytes);
        salvage(&bytes);
        erasable(&bytes);
    }

    #[test]
    fn a_changed_journal_is_survived(changes in changes()) {
        let bytes = changed(&good_files()[0], &changes);
        journal(&bytes);
        journal_resealed(&bytes);
    }

    #[test]
    fn a_changed_index_is_survived(changes in changes()) {
        index(&changed(&good_files()[2], &changes));
    }

    #[test]
    fn changed_attributes_are_survived(changes in changes()) {
        erasable(&changed(&good_files()[3], &changes));
    }

    #[test]
    fn a_changed_data_file_is_survived(changes in changes()) {
        salvage(&changed(&[[0; 70].to_vec(), good_chunk(), good_chunk()].concat(), &changes));
    }

    #[test]
    fn a_changed_chunk_is_survived(changes in changes()) {
        let bytes = changed(&good_chunk(), &changes);
        chunk(&bytes);
        chunk_resealed(&bytes);
    }

    #[test]
    fn a_changed_backup_is_survived(changes in changes()) {
        let bytes = changed(&good_backup(), &changes);
        backup(&bytes);
        backup_resealed(&bytes);
    }

    #[test]
    fn a_changed_checkpoint_is_survived(changes in changes()) {
        checkpoint(&changed(CHECKPOINT.as_bytes(), &changes));
    }
}
