//! The index on disk; `index` says what it holds and why it may be lost.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

use crate::chunk::{Chunk, GENESIS, Hash};
use crate::index::{Index, Keys};
use crate::tree::Tree;

const MAGIC: [u8; 4] = *b"TEX\x01";
const HEADER_BYTES: usize = 32;
const BLOCK_HEADER_BYTES: usize = 12;
/// A block tells of what one settling took, or of one slice of a rebuild; both are far smaller.
const BLOCK_BYTES_MAX: usize = 64 * 1024 * 1024;
const ZSTD_LEVEL: i32 = 1;

/// The open file; the next block goes to its end.
pub(crate) struct IndexFile {
    file: File,
    end: u64,
    keys: Keys,
    /// Subjects that the blocks name.
    subjects: u32,
    /// Tiles of the tree that the blocks hold.
    tiles: usize,
}

/// What the blocks told.
pub(crate) struct Indexed {
    pub(crate) index: Index,
    pub(crate) tiles: Vec<Hash>,
    /// The last position they cover.
    pub(crate) last: u64,
    /// The last position that any block tells of; each was written when that position was durable in the store.
    pub(crate) told: u64,
    /// The running hash after it.
    pub(crate) after: Hash,
}

impl IndexFile {
    /// Opens the index or begins an empty one, with the blocks that are whole and not beyond `settled`.
    pub(crate) fn open(directory: &Path, settled: u64) -> io::Result<(IndexFile, Indexed)> {
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(directory.join("index"))?;
        let bytes = file.metadata()?.len();
        let Some(keys) = read_header(&file, bytes)? else {
            return IndexFile::begin(file);
        };
        let mut file = IndexFile {
            file,
            end: HEADER_BYTES as u64,
            keys,
            subjects: 0,
            tiles: 0,
        };
        let indexed = file.read_blocks(bytes, settled)?;
        Ok((file, indexed))
    }

    /// Forgets all blocks.
    pub(crate) fn clear(self) -> io::Result<(IndexFile, Indexed)> {
        IndexFile::begin(self.file)
    }

    fn begin(file: File) -> io::Result<(IndexFile, Indexed)> {
        let keys = Keys::draw();
        file.set_len(0)?;
        file.write_all_at(&header(keys), 0)?;
        let file = IndexFile {
            file,
            end: HEADER_BYTES as u64,
            keys,
            subjects: 0,
            tiles: 0,
        };
        Ok((file, Indexed::nothing(keys)))
    }

    /// Reads the blocks that are whole, follow on each other and do not go beyond `settled`.
    fn read_blocks(&mut self, bytes: u64, settled: u64) -> io::Result<Indexed> {
        let places = self.places(bytes)?;
        let remembered = 2 * crate::limits::REQUESTS_REMEMBERED_MIN as u64;
        let mut later: u64 = places.iter().map(|place| u64::from(place.requests)).sum();
        let mut indexed = Indexed::nothing(self.keys);
        let mut names = Vec::new();
        let mut counts = Vec::new();
        for place in places {
            later -= u64::from(place.requests);
            let body = self.body(&place)?;
            let Some(block) = body.as_deref().and_then(Body::decode) else {
                if indexed.index.window_start().is_some() {
                    // It was left out for the sake of blocks that cannot be believed.
                    return Ok(self.forget_all());
                }
                break;
            };
            if block.first == indexed.told.saturating_add(1) {
                indexed.told = block.last;
            }
            if block.first != indexed.last.saturating_add(1) || block.last > settled {
                continue;
            }
            if !block.count(&mut names, &mut counts) {
                break;
            }
            if later < remembered {
                for (hash, first) in &block.requests {
                    indexed
                        .index
                        // The latest time: what is forgotten must never count as remembered.
                        .insert_request(*hash, *first, block.known_last);
                }
            } else {
                indexed.index.forget_before(block.known_last);
            }
            indexed.tiles.extend(block.tiles);
            indexed.last = block.last;
            indexed.after = block.after;
            self.end = place.at + (BLOCK_HEADER_BYTES + place.bytes) as u64;
        }
        self.subjects = names.len() as u32;
        self.tiles = indexed.tiles.len();
        indexed.index.set_subjects(names, &counts);
        Ok(indexed)
    }

    fn forget_all(&mut self) -> Indexed {
        self.end = HEADER_BYTES as u64;
        Indexed::nothing(self.keys)
    }

    fn places(&self, bytes: u64) -> io::Result<Vec<BlockPlace>> {
        let mut places = Vec::new();
        let mut at = HEADER_BYTES as u64;
        while at + BLOCK_HEADER_BYTES as u64 <= bytes {
            let mut header = [0; BLOCK_HEADER_BYTES];
            self.file.read_exact_at(&mut header, at)?;
            let place = BlockPlace {
                at,
                bytes: number(&header, 0) as usize,
                requests: number(&header, 4),
                crc: number(&header, 8),
            };
            let end = at + (BLOCK_HEADER_BYTES + place.bytes) as u64;
            if place.bytes > BLOCK_BYTES_MAX || end > bytes {
                break;
            }
            places.push(place);
            at = end;
        }
        Ok(places)
    }

    /// What a block says, if its checksum holds.
    fn body(&self, place: &BlockPlace) -> io::Result<Option<Vec<u8>>> {
        let mut frame = vec![0; place.bytes];
        self.file
            .read_exact_at(&mut frame, place.at + BLOCK_HEADER_BYTES as u64)?;
        if checksum(place.requests, &frame) != place.crc {
            return Ok(None);
        }
        Ok(zstd::bulk::decompress(&frame, BLOCK_BYTES_MAX).ok())
    }

    /// Appends a block; the tree is as it was after the block's last event.
    pub(crate) fn append(&mut self, block: Block, after: Hash, tree: &Tree) -> io::Result<()> {
        let tiles = &tree.tiles()[self.tiles..];
        let subjects = block.subjects.len() as u32;
        let requests = block.requests.len() as u32;
        let frame = zstd::bulk::compress(&block.encode(after, tiles), ZSTD_LEVEL)?;
        let bytes = u32::try_from(frame.len()).map_err(|_| io::ErrorKind::FileTooLarge)?;
        let mut value = Vec::with_capacity(BLOCK_HEADER_BYTES + frame.len());
        value.extend_from_slice(&bytes.to_be_bytes());
        value.extend_from_slice(&requests.to_be_bytes());
        value.extend_from_slice(&checksum(requests, &frame).to_be_bytes());
        value.extend_from_slice(&frame);
        self.file.write_all_at(&value, self.end)?;
        // Longer remains of an earlier life must not follow.
        self.file.set_len(self.end + value.len() as u64)?;
        self.end += value.len() as u64;
        self.subjects += subjects;
        self.tiles += tiles.len();
        Ok(())
    }

    /// Begins a block after the position `last`.
    pub(crate) fn block(&self, last: u64) -> Block {
        Block {
            first: last + 1,
            last,
            known_first: 0,
            known_last: 0,
            known_subjects: self.subjects,
            requests: Vec::new(),
            subjects: Vec::new(),
            counts: foldhash::HashMap::default(),
            request: None,
        }
    }

    pub(crate) fn bytes(&self) -> u64 {
        self.end
    }
}

impl Indexed {
    fn nothing(keys: Keys) -> Indexed {
        Indexed {
            index: Index::new(keys),
            tiles: Vec::new(),
            last: 0,
            told: 0,
            after: GENESIS,
        }
    }
}

struct BlockPlace {
    at: u64,
    bytes: usize,
    requests: u32,
    crc: u32,
}

fn header(keys: Keys) -> [u8; HEADER_BYTES] {
    let mut header = [0; HEADER_BYTES];
    header[..4].copy_from_slice(&MAGIC);
    header[8..24].copy_from_slice(&keys.to_bytes());
    let crc = crc32fast::hash(&header[..24]);
    header[24..28].copy_from_slice(&crc.to_be_bytes());
    header
}

fn read_header(file: &File, bytes: u64) -> io::Result<Option<Keys>> {
    if bytes < HEADER_BYTES as u64 {
        return Ok(None);
    }
    let mut header = [0; HEADER_BYTES];
    file.read_exact_at(&mut header, 0)?;
    let whole = header[..4] == MAGIC && number(&header, 24) == crc32fast::hash(&header[..24]);
    Ok(whole.then(|| Keys::from_bytes(&header[8..24])))
}

fn checksum(requests: u32, frame: &[u8]) -> u32 {
    let mut crc = crc32fast::Hasher::new();
    crc.update(&requests.to_be_bytes());
    crc.update(frame);
    crc.finalize()
}

/// A file with right checksums around whatever the blocks hold, as a fuzzer needs it.
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) fn sealed(blocks: &[&[u8]]) -> Vec<u8> {
    let mut bytes = header(Keys::from_bytes(&[7; 16])).to_vec();
    for block in blocks {
        let frame = zstd::bulk::compress(block, ZSTD_LEVEL).expect("bytes can be compressed");
        let requests = block.get(32..36).map_or(0, |le| number(le, 0).swap_bytes());
        let length = u32::try_from(frame.len()).expect("a fuzzer's block is short");
        bytes.extend_from_slice(&length.to_be_bytes());
        bytes.extend_from_slice(&requests.to_be_bytes());
        bytes.extend_from_slice(&checksum(requests, &frame).to_be_bytes());
        bytes.extend_from_slice(&frame);
    }
    bytes
}

fn number(bytes: &[u8], at: usize) -> u32 {
    bytes[at..at + 4]
        .iter()
        .fold(0, |sum, byte| sum << 8 | u32::from(*byte))
}

/// A block in the making: what neighbouring events add to the index.
pub(crate) struct Block {
    first: u64,
    last: u64,
    known_first: i64,
    known_last: i64,
    /// Subjects that the blocks before name.
    known_subjects: u32,
    requests: Vec<(u64, u64)>,
    subjects: Vec<Box<str>>,
    counts: foldhash::HashMap<u32, u64>,
    request: Option<[u8; 16]>,
}

impl Block {
    /// Adds the next event; `index` must have counted it already.
    pub(crate) fn add(&mut self, index: &Index, known_micros: i64, id: &[u8; 16], subject: &str) {
        if self.last < self.first {
            self.known_first = known_micros;
        }
        self.last += 1;
        self.known_last = known_micros;
        if self.request.as_ref() != Some(id) {
            self.request = Some(*id);
            self.requests.push((index.hash(id), self.last));
        }
        let number = index.subject_number(subject);
        if number == self.known_subjects + self.subjects.len() as u32 {
            self.subjects.push(subject.into());
        }
        *self.counts.entry(number).or_insert(0) += 1;
    }

    /// Adds the events of a chunk.
    pub(crate) fn add_chunk(&mut self, index: &Index, chunk: &Chunk) {
        for event in chunk.events() {
            self.add(index, event.known_micros, event.request_id, event.subject);
        }
    }

    pub(crate) fn events(&self) -> u64 {
        self.last + 1 - self.first
    }

    fn encode(self, after: Hash, tiles: &[Hash]) -> Vec<u8> {
        let mut out = Vec::new();
        let mut put = |number: u64| out.extend_from_slice(&number.to_le_bytes());
        put(self.first);
        put(self.last);
        put(self.known_first as u64);
        put(self.known_last as u64);
        for count in [
            self.requests.len(),
            self.subjects.len(),
            self.counts.len(),
            tiles.len(),
        ] {
            put(count as u64);
        }
        out.extend_from_slice(&after);
        // Columns, since hashes do not compress and the rest does.
        for (hash, _) in &self.requests {
            out.extend_from_slice(&hash.to_le_bytes());
        }
        for (_, first) in &self.requests {
            // A block has fewer than 2³² events.
            out.extend_from_slice(&((first - self.first) as u32).to_le_bytes());
        }
        for subject in &self.subjects {
            out.push(subject.len() as u8);
            out.extend_from_slice(subject.as_bytes());
        }
        let mut counts: Vec<_> = self.counts.into_iter().collect();
        counts.sort_unstable();
        for (number, _) in &counts {
            out.extend_from_slice(&number.to_le_bytes());
        }
        for (_, count) in &counts {
            out.extend_from_slice(&(*count as u32).to_le_bytes());
        }
        tiles.iter().for_each(|tile| out.extend_from_slice(tile));
        out
    }
}

/// A block as it was read.
struct Body {
    first: u64,
    last: u64,
    known_last: i64,
    after: Hash,
    requests: Vec<(u64, u64)>,
    subjects: Vec<Box<str>>,
    counts: Vec<(u32, u32)>,
    tiles: Vec<Hash>,
}

impl Body {
    /// Any bytes give a block or nothing.
    fn decode(mut rest: &[u8]) -> Option<Body> {
        let rest = &mut rest;
        let [first, last, _known_first, known_last] = numbers(rest)?;
        let [requests, subjects, counts, tiles] = numbers(rest)?;
        let after = array(rest)?;
        let room = rest.len() as u64;
        if [requests, subjects, counts, tiles]
            .iter()
            .any(|n| *n > room)
        {
            return None;
        }
        let hashes = column(rest, requests, |rest| array(rest).map(u64::from_le_bytes))?;
        let firsts = column(rest, requests, |rest| array(rest).map(u32::from_le_bytes))?;
        let place = |offset: u32| {
            first
                .checked_add(u64::from(offset))
                .filter(|at| *at <= last)
        };
        let firsts: Vec<_> = firsts.into_iter().map(place).collect::<Option<_>>()?;
        let subjects = column(rest, subjects, |rest| {
            let [bytes] = array(rest)?;
            let (subject, left) = rest.split_at_checked(usize::from(bytes))?;
            *rest = left;
            std::str::from_utf8(subject).ok().map(Box::from)
        })?;
        let of_count = counts;
        let numbers = column(rest, of_count, |rest| array(rest).map(u32::from_le_bytes))?;
        let counts = column(rest, of_count, |rest| array(rest).map(u32::from_le_bytes))?;
        let tiles = column(rest, tiles, array)?;
        (rest.is_empty() && first <= last).then(|| Body {
            first,
            last,
            known_last: known_last as i64,
            after,
            requests: hashes.into_iter().zip(firsts).collect(),
            subjects,
            counts: numbers.into_iter().zip(counts).collect(),
            tiles,
        })
    }

    /// Adds the block's counts; no if it counts a subject that nobody named.
    fn count(&self, names: &mut Vec<Box<str>>, counts: &mut Vec<u64>) -> bool {
        let total = names.len() + self.subjects.len();
        if self
            .counts
            .iter()
            .any(|(number, _)| *number as usize >= total)
        {
            return false;
        }
        names.extend(self.subjects.iter().cloned());
        counts.resize(total, 0);
        for (number, count) in &self.counts {
            counts[*number as usize] += u64::from(*count);
        }
        true
    }
}

fn numbers(rest: &mut &[u8]) -> Option<[u64; 4]> {
    let mut numbers = [0; 4];
    for number in &mut numbers {
        *number = u64::from_le_bytes(array(rest)?);
    }
    Some(numbers)
}

fn array<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (taken, left) = rest.split_first_chunk()?;
    *rest = left;
    Some(*taken)
}

fn column<T>(
    rest: &mut &[u8],
    count: u64,
    mut each: impl FnMut(&mut &[u8]) -> Option<T>,
) -> Option<Vec<T>> {
    (0..count).map(|_| each(rest)).collect()
}
