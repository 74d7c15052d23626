//! One log out of several sources: what is trusted most comes first, and what does not fit is named.

#![expect(clippy::unwrap_used, reason = "a test panics")]

use bytes::Bytes;
use event_log::Record;
use event_log::archive::{self, Manifest, Writer};
use event_log::restore::{
    Answer, ArchiveSource, BoxError, Error, Piece, Proof, Restored, Source, Stretch, Until, restore,
};

/// Requests of three events; the first has two.
fn records(head: u64) -> Vec<Record> {
    let record = |position: u64| Record {
        position,
        known_micros: 1_000_000 + (position / 3) as i64 * 1_000,
        request_id: {
            let mut id = [7; 16];
            id[8..].copy_from_slice(&(position / 3).to_be_bytes());
            id
        },
        subject: format!("progress/56@2004-01-01/{}", position % 5).into(),
        payload: Bytes::from(format!("figure {position}")),
    };
    (1..=head).map(record).collect()
}

fn backup(records: &[Record]) -> Vec<u8> {
    let known = |record: Option<&Record>| record.map_or(0, |record| record.known_micros);
    let manifest = Manifest {
        origin: "khanh-hoa".to_owned(),
        head: records.len() as u64,
        known_first: known(records.first()),
        known_last: known(records.last()),
        made_micros: 0,
    };
    let mut writer = Writer::begin(Vec::new(), manifest).unwrap();
    for record in records {
        writer.push(record.clone()).unwrap();
    }
    writer.finish("").unwrap().0
}

fn archive(bytes: &[u8]) -> ArchiveSource<&[u8]> {
    ArchiveSource::new(bytes, closing(bytes), "the backup".to_owned()).unwrap()
}

fn closing(bytes: &[u8]) -> archive::Closing {
    let mut reader = archive::Reader::open(bytes).unwrap();
    while reader.next_part().unwrap().is_some() {}
    reader.closing().unwrap().clone()
}

/// Running hash after so many events.
fn hash_after(records: &[Record], count: u64) -> [u8; 32] {
    closing(&backup(&records[..count as usize])).hash
}

/// Somebody who holds events, some of them damaged.
struct Held {
    name: &'static str,
    records: Vec<Record>,
    holes: Vec<(u64, u64)>,
    /// Whose running hash it knows; the bus knows none.
    hashes: Option<Vec<Record>>,
    /// What it says of the end of its last request.
    ends: Option<bool>,
}

fn held(name: &'static str, records: &[Record]) -> Held {
    Held {
        name,
        records: records.to_vec(),
        holes: Vec::new(),
        hashes: None,
        ends: Some(true),
    }
}

/// A log of ours, in chunks of four, of which some are damaged.
fn damaged(records: &[Record], holes: &[(u64, u64)]) -> Held {
    Held {
        holes: holes.to_vec(),
        hashes: Some(records.to_vec()),
        ..held("the log", records)
    }
}

impl Source for Held {
    fn name(&self) -> &str {
        self.name
    }

    fn read(&mut self, from: u64) -> Result<Answer, BoxError> {
        let hole = self
            .holes
            .iter()
            .find(|(first, last)| (*first..=*last).contains(&from));
        if let Some((_, last)) = hole {
            return Ok(Answer::Missing { last: *last });
        }
        let end = (from - 1) / 4 * 4 + 4;
        let piece: Vec<Record> = self
            .records
            .iter()
            .filter(|record| (from..=end).contains(&record.position))
            .cloned()
            .collect();
        let Some(last) = piece.last() else {
            return Ok(Answer::End);
        };
        let is_newest = Some(last) == self.records.last();
        Ok(Answer::Events(Piece {
            request_ends: if is_newest { self.ends } else { None },
            proof: match &self.hashes {
                Some(hashes) => Proof::Hash(hash_after(hashes, from - 1)),
                None => Proof::Word,
            },
            records: piece,
        }))
    }
}

fn run(sources: &mut [&mut dyn Source], until: Until) -> Result<(Vec<Record>, Restored), Error> {
    let mut kept = Vec::new();
    let mut keep = |record: Record| {
        kept.push(record);
        Ok(())
    };
    let restored = restore(sources, None, until, &mut keep)?;
    assert_eq!(kept.len() as u64, restored.head);
    Ok((kept, restored))
}

fn to(position: u64) -> Until {
    Until {
        position,
        ..Until::END
    }
}

fn from(restored: &Restored) -> Vec<(&str, u64, u64)> {
    fn plain(stretch: &Stretch) -> (&str, u64, u64) {
        (&stretch.name, stretch.first, stretch.last)
    }
    restored.stretches.iter().map(plain).collect()
}

#[test]
fn a_whole_backup_gives_the_whole_log() {
    let records = records(20);
    let bytes = backup(&records);
    let (kept, restored) = run(&mut [&mut archive(&bytes)], Until::END).unwrap();
    assert_eq!(kept, records);
    assert_eq!(restored.hash, hash_after(&records, 20));
    assert_eq!(restored.unproven_from, None);
    assert_eq!(from(&restored), [("the backup", 1, 20)]);
}

#[test]
fn what_is_damaged_comes_from_the_bus_and_is_proven_by_what_follows() {
    let records = records(20);
    let mut log = damaged(&records, &[(5, 8), (13, 16)]);
    let mut bus = held("the bus", &records);
    let (kept, restored) = run(&mut [&mut log, &mut bus], Until::END).unwrap();
    assert_eq!(kept, records);
    assert_eq!(
        from(&restored),
        [
            ("the log", 1, 4),
            ("the bus", 5, 8),
            ("the log", 9, 12),
            ("the bus", 13, 16),
            ("the log", 17, 20),
        ]
    );
    assert_eq!(restored.unproven_from, None);
}

#[test]
fn what_only_the_bus_has_is_restored_and_said_to_be_unproven() {
    let records = records(23);
    let bytes = backup(&records[..14]);
    let (mut old, mut bus) = (archive(&bytes), held("the bus", &records));
    let (kept, restored) = run(&mut [&mut old, &mut bus], Until::END).unwrap();
    assert_eq!(kept, records);
    assert_eq!(restored.unproven_from, Some(15));
    assert_eq!(
        from(&restored),
        [("the backup", 1, 14), ("the bus", 15, 23)]
    );
    let (_, alone) = run(&mut [&mut held("the bus", &records)], Until::END).unwrap();
    assert_eq!(alone.unproven_from, Some(1));
    assert_eq!(alone.hash, restored.hash);
}

#[test]
fn a_changed_event_on_the_bus_is_found_by_the_hash_that_follows() {
    let records = records(20);
    let mut changed = records.clone();
    changed[6].payload = Bytes::from_static(b"figure 8");
    let mut log = damaged(&records, &[(5, 8)]);
    let mut bus = held("the bus", &changed);
    let error = run(&mut [&mut log, &mut bus], Until::END).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the log does not fit at position 8: the running hash of what comes before is another; \
         positions 5 to 8 came from the bus"
    );
    // The same when the damage reaches to the end of a backup.
    let bytes = backup(&records);
    let (mut log, mut bus) = (damaged(&records, &[(17, 20)]), held("the bus", &changed));
    changed.truncate(20);
    let kept = run(&mut [&mut log, &mut bus, &mut archive(&bytes)], Until::END).unwrap();
    assert_eq!(kept.0, records, "the change lies where the log is healthy");
    changed[18].payload = Bytes::from_static(b"figure 18");
    let (mut log, mut bus) = (damaged(&records, &[(17, 20)]), held("the bus", &changed));
    let error = run(&mut [&mut log, &mut bus, &mut archive(&bytes)], Until::END).unwrap_err();
    assert_eq!(error.reason(), "RESTORE_CONTRADICTION", "{error}");
    assert!(
        error
            .to_string()
            .contains("positions 17 to 20 came from the bus")
    );
}

#[test]
fn another_ledgers_backup_does_not_fit() {
    let ours = records(20);
    let mut theirs = ours.clone();
    theirs[2].payload = Bytes::from_static(b"theirs");
    let bytes = backup(&theirs);
    let mut log = damaged(&ours, &[(9, 12)]);
    let error = run(&mut [&mut log, &mut archive(&bytes)], Until::END).unwrap_err();
    assert!(
        matches!(&error, Error::Contradiction { name, position: 8, .. } if name == "the backup"),
        "{error}"
    );
}

#[test]
fn what_nobody_has_is_named() {
    let records = records(20);
    let mut log = damaged(&records, &[(5, 12)]);
    let mut bus = Held {
        holes: vec![(1, 9)],
        ..held("the bus", &records)
    };
    let error = run(&mut [&mut log, &mut bus], Until::END).unwrap_err();
    assert!(
        matches!(error, Error::Missing { first: 5, last: 9 }),
        "{error}"
    );
    assert_eq!(error.reason(), "RESTORE_MISSING");
    // Before the damage it can be had; whether the request of position 4 ends there nobody knows.
    let error = run(&mut [&mut log], to(4)).unwrap_err();
    assert_eq!(error.reason(), "RESTORE_REQUEST_UNKNOWN", "{error}");
    let (kept, _) = run(&mut [&mut log], to(2)).unwrap();
    assert_eq!(kept, records[..2]);
}

#[test]
fn to_a_position_takes_whole_requests() {
    let records = records(20);
    let bytes = backup(&records);
    for (position, head, left_out) in [
        (1, 0, Some((1, 2))),
        (2, 2, None),
        (3, 2, Some((3, 4))),
        (4, 2, Some((3, 5))),
        (5, 5, None),
        (20, 20, None),
        (99, 20, None),
    ] {
        let (kept, restored) = run(&mut [&mut archive(&bytes)], to(position)).unwrap();
        assert_eq!(kept, records[..head], "to {position}");
        assert_eq!(restored.left_out, left_out, "to {position}");
        assert_eq!(restored.hash, hash_after(&records, head as u64));
    }
}

#[test]
fn to_a_time_takes_what_was_known_by_then() {
    let records = records(20);
    let bytes = backup(&records);
    for (micros, head) in [(0, 0), (1_000_000, 2), (1_000_999, 2), (1_001_000, 5)] {
        let until = Until {
            known_micros: micros,
            ..Until::END
        };
        let (kept, restored) = run(&mut [&mut archive(&bytes)], until).unwrap();
        assert_eq!(kept, records[..head], "to {micros}");
        assert_eq!(restored.left_out, None);
    }
}

#[test]
fn a_request_that_the_bus_has_only_begun_is_left_out() {
    let records = records(7);
    let mut bus = Held {
        ends: Some(false),
        ..held("the bus", &records)
    };
    let (kept, restored) = run(&mut [&mut bus], Until::END).unwrap();
    assert_eq!(kept, records[..5]);
    assert_eq!(restored.left_out, Some((6, 7)));
    assert_eq!(from(&restored), [("the bus", 1, 5)]);
    assert_eq!(restored.unproven_from, Some(1));
}

#[test]
fn what_an_earlier_release_published_last_is_refused_rather_than_guessed() {
    let records = records(8);
    let mut bus = Held {
        ends: None,
        ..held("the bus", &records)
    };
    let error = run(&mut [&mut bus], Until::END).unwrap_err();
    assert!(
        matches!(error, Error::RequestUnknown { position: 8, .. }),
        "{error}"
    );
    let (kept, _) = run(&mut [&mut bus], to(5)).unwrap();
    assert_eq!(kept, records[..5]);
}

#[test]
fn a_source_that_jumps_or_goes_back_in_time_is_refused() {
    let mut late = records(8);
    late[4].known_micros = 0;
    let error = run(&mut [&mut held("the bus", &late)], Until::END).unwrap_err();
    assert!(
        matches!(error, Error::Contradiction { position: 5, .. }),
        "{error}"
    );
    let mut jumps = records(8);
    jumps.remove(5);
    let error = run(&mut [&mut held("the bus", &jumps)], Until::END).unwrap_err();
    assert!(
        matches!(error, Error::Contradiction { position: 6, .. }),
        "{error}"
    );
}

#[test]
fn nothing_gives_an_empty_log() {
    let bytes = backup(&[]);
    let (kept, restored) = run(&mut [&mut archive(&bytes)], Until::END).unwrap();
    assert!(kept.is_empty());
    assert_eq!((restored.head, restored.unproven_from), (0, None));
}
