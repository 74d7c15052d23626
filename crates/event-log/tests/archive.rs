//! A backup is whole or refused: every flipped bit, every cut, every failing write.

#![expect(clippy::unwrap_used, reason = "a test panics")]

use std::io::{self, Write};

use bytes::Bytes;
use event_log::Record;
use event_log::archive::{Closing, Error, Manifest, Reader, Writer};

/// Requests of one to three events, ten milliseconds apart, some subjects again and again.
fn records(head: u64) -> Vec<Record> {
    let request_of = |position: u64| position / 3;
    let known = |position: u64| 1_690_000_000_000_000 + request_of(position) as i64 * 10_000;
    let record = |position: u64| Record {
        position,
        known_micros: known(position),
        request_id: {
            let mut id = [7; 16];
            id[8..].copy_from_slice(&request_of(position).to_be_bytes());
            id
        },
        subject: format!("progress/56@2004-01-01/{}", position % 5).into(),
        payload: Bytes::from(format!("figure {}", position * 7_919)),
    };
    (1..=head).map(record).collect()
}

fn manifest(records: &[Record]) -> Manifest {
    let known = |record: Option<&Record>| record.map_or(0, |record| record.known_micros);
    Manifest {
        origin: "khanh-hoa".to_owned(),
        head: records.len() as u64,
        known_first: known(records.first()),
        known_last: known(records.last()),
        made_micros: 1_795_315_728_000_000,
    }
}

fn backup(records: &[Record]) -> (Vec<u8>, Closing) {
    let mut writer = Writer::begin(Vec::new(), manifest(records)).unwrap();
    for record in records {
        writer.push(record.clone()).unwrap();
    }
    writer.finish("khanh-hoa\n11\nroot\n").unwrap()
}

fn read(bytes: &[u8]) -> Result<(Vec<Record>, Closing), Error> {
    let mut reader = Reader::open(bytes)?;
    let mut records = Vec::new();
    while let Some(part) = reader.next_part()? {
        records.extend(part.records);
    }
    let closing = reader.closing().cloned();
    Ok((records, closing.unwrap()))
}

#[test]
fn what_was_backed_up_is_read_back() {
    for head in [0, 1, 2, 11, 20_000] {
        let records = records(head);
        let (bytes, closing) = backup(&records);
        assert_eq!(closing.bytes, bytes.len() as u64);
        assert_eq!(closing.events, head);
        let (found, read) = read(&bytes).unwrap();
        assert!(found == records, "{head} events");
        assert_eq!(read, closing);
        assert_eq!(read.checkpoint, "khanh-hoa\n11\nroot\n");
    }
}

#[test]
fn the_same_events_make_the_same_bytes() {
    let records = records(500);
    assert_eq!(backup(&records).0, backup(&records).0);
}

#[test]
fn every_flipped_bit_is_refused() {
    let (bytes, _) = backup(&records(11));
    for at in 0..bytes.len() {
        for bit in 0..8 {
            let mut bytes = bytes.clone();
            bytes[at] ^= 1 << bit;
            let error = read(&bytes).unwrap_err();
            let named = match &error {
                Error::Damaged {
                    offset,
                    first,
                    last,
                    ..
                } => *offset <= bytes.len() as u64 && first <= last,
                // A longer length runs into the end; a header without its end does, too.
                Error::Incomplete { head, .. } => [0, 11].contains(head),
                Error::Unknown { .. } | Error::FormatVersion { .. } => at < 200,
                _ => false,
            };
            assert!(named, "byte {at}, bit {bit}: {error}");
        }
    }
}

#[test]
fn a_backup_cut_short_is_refused_as_incomplete() {
    let (bytes, _) = backup(&records(11));
    for length in 1..bytes.len() {
        let error = read(&bytes[..length]).unwrap_err();
        assert!(
            matches!(error, Error::Incomplete { offset, .. } if offset == length as u64),
            "{length} bytes: {error}"
        );
        assert_eq!(error.reason(), "BACKUP_INCOMPLETE");
    }
    assert!(matches!(read(&[]), Err(Error::Unknown { .. })));
}

#[test]
fn nothing_may_follow_a_backup() {
    let (mut bytes, _) = backup(&records(11));
    bytes.push(0);
    assert!(matches!(read(&bytes), Err(Error::Damaged { .. })));
}

#[test]
fn damage_is_named_by_its_positions() {
    // Payloads that do not compress: several chunks, so that the positions say something.
    let mut state = 1_u64;
    let mut noise = || {
        let byte = |_| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            (state >> 56) as u8
        };
        Bytes::from((0..1_000).map(byte).collect::<Vec<u8>>())
    };
    let mut records = records(300);
    for record in &mut records {
        record.payload = noise();
    }
    let (mut bytes, _) = backup(&records);
    let mut reader = Reader::open(bytes.as_slice()).unwrap();
    let mut firsts = Vec::new();
    while let Some(part) = reader.next_part().unwrap() {
        firsts.push(part.records[0].position);
    }
    assert!(firsts.len() >= 4, "{firsts:?}");

    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    let mut reader = Reader::open(bytes.as_slice()).unwrap();
    let mut whole = 0;
    let error = loop {
        match reader.next_part() {
            Ok(part) => whole = part.unwrap().records.last().unwrap().position,
            Err(error) => break error,
        }
    };
    let Error::Damaged { offset, first, .. } = error else {
        panic!("{error}");
    };
    assert_eq!(first, whole + 1);
    assert!(firsts.contains(&first) && first > 1);
    assert!(offset < middle as u64 && offset > middle as u64 - 60_000);
}

#[test]
fn another_version_and_other_files_are_refused_by_name() {
    let (bytes, _) = backup(&records(2));
    let newer = String::from_utf8_lossy(&bytes[..60]).replace("backup v1", "backup v2");
    let newer = format!("{newer}\n\n");
    let error = read(newer.as_bytes()).unwrap_err();
    assert!(
        matches!(error, Error::FormatVersion { found: 2 }),
        "{error}"
    );
    for other in [&b"PK\x03\x04"[..], b"tiendo log b\n\n", &[0; 4096]] {
        let error = read(other).unwrap_err();
        assert!(matches!(error, Error::Unknown { .. }), "{error}");
    }
}

#[test]
fn arbitrary_bytes_after_a_good_header_are_refused() {
    let (bytes, _) = backup(&records(11));
    let header = bytes.windows(2).position(|two| two == b"\n\n").unwrap() + 2;
    for fill in [0x00, 0x01, 0x7f, 0xff] {
        let mut bytes = bytes[..header].to_vec();
        bytes.extend([fill; 5_000]);
        assert!(read(&bytes).is_err(), "{fill:#x}");
    }
}

#[test]
fn events_that_make_no_backup_are_refused() {
    let records = records(3);
    let begin = || Writer::begin(Vec::new(), manifest(&records)).unwrap();
    let unfit = |result: Result<(), Error>, position| {
        assert!(
            matches!(result, Err(Error::Unfit { position: found, .. }) if found == position),
            "{result:?}"
        );
    };
    unfit(begin().push(records[1].clone()), 2);
    let mut twice = begin();
    twice.push(records[0].clone()).unwrap();
    unfit(twice.push(records[0].clone()), 1);
    let early = Record {
        known_micros: 0,
        ..records[1].clone()
    };
    let mut backwards = begin();
    backwards.push(records[0].clone()).unwrap();
    unfit(backwards.push(early), 2);
    let mut short = begin();
    short.push(records[0].clone()).unwrap();
    unfit(short.finish("").map(|_| ()), 2);
}

/// Takes so many bytes and then fails as a full disk does.
struct Full {
    room: usize,
}

impl Write for Full {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.room == 0 {
            return Err(io::ErrorKind::StorageFull.into());
        }
        let taken = bytes.len().min(self.room);
        self.room -= taken;
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_disk_that_fills_up_while_backing_up_is_told() {
    let records = records(40);
    let (bytes, _) = backup(&records);
    for room in 0..bytes.len() {
        let write = || -> Result<(), Error> {
            let mut writer = Writer::begin(Full { room }, manifest(&records))?;
            for record in &records {
                writer.push(record.clone())?;
            }
            writer.finish("khanh-hoa\n11\nroot\n").map(|_| ())
        };
        let error = write().unwrap_err();
        assert!(
            matches!(&error, Error::Io { source, .. } if source.kind() == io::ErrorKind::StorageFull),
            "room for {room}: {error}"
        );
    }
}
