//! Unit tests of the chunk codec.

use proptest::prelude::*;

use super::*;

/// An event that owns its parts.
#[derive(Debug, Clone)]
struct Owned {
    known_micros: i64,
    request_id: [u8; 16],
    subject: String,
    payload: Vec<u8>,
}

impl Owned {
    fn borrow(&self) -> EventRef<'_> {
        EventRef {
            known_micros: self.known_micros,
            request_id: &self.request_id,
            subject: &self.subject,
            payload: &self.payload,
        }
    }
}

fn owned(number: u64, payload: Vec<u8>) -> Owned {
    let mut request_id = [7; 16];
    request_id[0] = (number / 3) as u8;
    let subject = format!("locality/{}", number % 5);
    Owned {
        known_micros: 1_000 + number as i64 / 3,
        request_id,
        subject,
        payload,
    }
}

/// Bytes that do not compress.
fn noise(seed: u64, bytes: usize) -> Vec<u8> {
    let mut state = (seed + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state as u8
    };
    std::iter::repeat_with(next).take(bytes).collect()
}

fn pack(first: u64, events: &[Owned]) -> (Vec<(u64, Vec<u8>)>, Hash) {
    let events: Vec<_> = events.iter().map(Owned::borrow).collect();
    let packed = Encoder::new()
        .unwrap()
        .pack(first, GENESIS, &events)
        .unwrap();
    (packed.chunks, packed.after)
}

fn assert_same(first: u64, events: &[Owned], chunks: &[(u64, Vec<u8>)], after: Hash) {
    let mut hash = GENESIS;
    let mut records = Vec::new();
    for (key, value) in chunks {
        assert!(value.len() <= CHUNK_BYTES_MAX);
        let chunk = decode(*key, value).unwrap();
        assert_eq!(chunk.header.before, hash);
        hash = chunk.after();
        records.extend(chunk.records(0));
    }
    assert_eq!(hash, after);
    assert_eq!(records.len(), events.len());
    for (index, (record, event)) in records.iter().zip(events).enumerate() {
        assert_eq!(record.position, first + index as u64);
        assert_eq!(record.known_micros, event.known_micros);
        assert_eq!(record.request_id, event.request_id);
        assert_eq!(*record.subject, *event.subject);
        assert_eq!(record.payload, event.payload);
    }
}

#[test]
fn a_large_commit_is_cut_into_chunks_below_the_limit() {
    let events: Vec<_> = (0..300)
        .map(|number| owned(number, noise(number, 1_000)))
        .collect();
    let (chunks, after) = pack(41, &events);
    assert!(chunks.len() > 4, "{} chunks", chunks.len());
    assert_same(41, &events, &chunks, after);
}

#[test]
fn the_largest_event_fits_even_when_it_does_not_compress() {
    let mut event = owned(0, noise(3, PAYLOAD_BYTES_MAX));
    event.subject = "s".repeat(SUBJECT_BYTES_MAX);
    let events = vec![event];
    let (chunks, after) = pack(1, &events);
    assert_same(1, &events, &chunks, after);
}

#[test]
fn small_events_of_a_kind_share_a_chunk() {
    let events: Vec<_> = (0..4_096)
        .map(|number| owned(0, vec![number as u8; 20]))
        .collect();
    let (chunks, after) = pack(1, &events);
    assert!(chunks.len() <= 2, "{} chunks", chunks.len());
    assert_same(1, &events, &chunks, after);
}

#[test]
fn the_running_hash_does_not_know_chunks() {
    let events: Vec<_> = (0..10).map(|number| owned(number, vec![9; 10])).collect();
    let (_, together) = pack(1, &events);
    let mut hash = GENESIS;
    for (index, event) in events.iter().enumerate() {
        let mut encoder = Encoder::new().unwrap();
        hash = encoder
            .pack(1 + index as u64, hash, &[event.borrow()])
            .unwrap()
            .after;
    }
    assert_eq!(hash, together);
}

#[test]
fn a_request_that_goes_on_in_the_next_chunk_says_so() {
    let events: Vec<_> = (0..3).map(|seed| owned(0, noise(seed, 30_000))).collect();
    let (chunks, _) = pack(1, &events);
    let flags: Vec<_> = chunks
        .iter()
        .map(|(key, v)| decode(*key, v).unwrap().header.continues)
        .collect();
    assert_eq!(flags, [true, true, false]);
}

#[test]
fn every_flipped_bit_is_found() {
    let events: Vec<_> = (0..5).map(|number| owned(number, vec![1; 12])).collect();
    let (chunks, _) = pack(1, &events);
    let (key, value) = &chunks[0];
    for bit in 0..value.len() * 8 {
        let mut flipped = value.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        assert!(decode(*key, &flipped).is_err(), "bit {bit}");
    }
    assert!(decode(2, value).is_err(), "stored under another position");
}

#[test]
fn a_raw_length_beyond_the_limit_is_refused_before_decompression() {
    let (chunks, _) = pack(1, &[owned(0, vec![0; 100])]);
    let (key, mut value) = chunks[0].clone();
    value[20..24].copy_from_slice(&u32::MAX.to_be_bytes());
    seal(&mut value);
    assert_eq!(
        decode(key, &value).unwrap_err(),
        "the chunk is too large when decompressed"
    );
}

/// Puts the right checksum on a changed chunk.
fn seal(value: &mut [u8]) {
    let mut crc = crc32fast::Hasher::new();
    crc.update(&value[..CRC_AT]);
    crc.update(&value[HEADER_BYTES..]);
    let crc = crc.finalize();
    value[CRC_AT..HEADER_BYTES].copy_from_slice(&crc.to_be_bytes());
}

/// A chunk with a sane header around arbitrary columns, so that the decoder gets past the checksum.
fn around(count: u32, columns: &[u8]) -> Vec<u8> {
    let mut value = MAGIC.to_vec();
    value.extend_from_slice(&[CODEC_STORED, 0, 0, 0]);
    value.extend_from_slice(&1_u64.to_be_bytes());
    value.extend_from_slice(&count.to_be_bytes());
    value.extend_from_slice(&length(columns.len()).to_be_bytes());
    value.extend_from_slice(&length(columns.len()).to_be_bytes());
    value.extend_from_slice(&[0; 16 + 32 + 4]);
    value.extend_from_slice(columns);
    seal(&mut value);
    value
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let _ = decode(1, &bytes);
    }

    #[test]
    fn arbitrary_columns_never_panic(
        count in 1_u32..20,
        columns in prop::collection::vec(prop_oneof![3 => 0_u8..4, 1 => any::<u8>()], 0..200),
    ) {
        if let Ok(chunk) = decode(1, &around(count, &columns)) {
            prop_assert_eq!(chunk.records(0).count(), count as usize);
            chunk.after();
        }
    }

    #[test]
    fn changed_columns_never_panic(
        payloads in prop::collection::vec(0_usize..30, 1..12),
        at in any::<prop::sample::Index>(),
        byte in any::<u8>(),
    ) {
        let events: Vec<_> =
            payloads.iter().enumerate().map(|(n, bytes)| owned(n as u64, vec![1; *bytes])).collect();
        let events: Vec<_> = events.iter().map(Owned::borrow).collect();
        let mut columns = columns(&events);
        let at = at.index(columns.len());
        columns[at] = byte;
        if let Ok(chunk) = decode(1, &around(events.len() as u32, &columns)) {
            prop_assert_eq!(chunk.records(0).count(), events.len());
        }
    }

    #[test]
    fn what_is_packed_is_unpacked(
        first in 1_u64..u64::MAX / 2,
        parts in prop::collection::vec(
            (0_i64..1_000_000, 0_u8..4, "[a-zđ/]{0,20}", prop::collection::vec(any::<u8>(), 0..2_000)),
            1..100,
        ),
    ) {
        let mut known_micros = -5;
        let events: Vec<_> = parts.into_iter().map(|(later, id, subject, payload)| {
            known_micros += later;
            Owned { known_micros, request_id: [id; 16], subject, payload }
        }).collect();
        let (chunks, after) = pack(first, &events);
        assert_same(first, &events, &chunks, after);
    }
}
