//! Reads from a position, and the walk that verifies everything.

use crate::chunk::{self, Chunk, GENESIS, Hash};
use crate::index::{Index, Rebuild};
use crate::storage::Store;
use crate::types::hex;
use crate::{Damage, Error, ReadLimit, Record, Verification};

/// Chunks fetched at once by a long walk: 3.5 MiB at most.
const PAGE_CHUNKS: usize = 64;
/// Chunks fetched at once by a read, which may want few events.
const READ_CHUNKS: usize = 8;

/// Reads from `from` to `head` within `limit`; see [`crate::Log::read`].
pub(crate) fn read(
    store: &Store,
    head: u64,
    from: u64,
    limit: ReadLimit,
) -> Result<Vec<Record>, Error> {
    let mut records: Vec<Record> = Vec::new();
    let mut bytes = 0;
    let mut position = from.max(1);
    while position <= head {
        let page = store.chunks_from(position, READ_CHUNKS)?;
        if page.is_empty() {
            return whole(records, missing(position, head));
        }
        for (key, value) in page {
            if position > head {
                break;
            }
            let chunk = match covering(store, head, position, key, &value)? {
                Ok(chunk) => chunk,
                Err(damage) => return whole(records, damage),
            };
            for record in chunk.records(position) {
                if record.position > head {
                    break;
                }
                bytes += record.subject.len() + record.payload.len();
                let room = records.len() < limit.events && bytes <= limit.bytes;
                if !room && !records.is_empty() {
                    return Ok(records);
                }
                records.push(record);
            }
            position = chunk.header.last() + 1;
        }
    }
    Ok(records)
}

/// The records before the damage if there are any, so that the next read begins at the damage and names it.
fn whole(records: Vec<Record>, damage: Damage) -> Result<Vec<Record>, Error> {
    if records.is_empty() {
        Err(damage.into())
    } else {
        Ok(records)
    }
}

fn missing(first: u64, last: u64) -> Damage {
    Damage {
        first,
        last,
        reason: "the chunk is missing".into(),
    }
}

/// The chunk at `key`, if it is whole and covers `position`.
fn covering(
    store: &Store,
    head: u64,
    position: u64,
    key: u64,
    value: &[u8],
) -> Result<Result<Chunk, Damage>, Error> {
    if key > position {
        return Ok(Err(missing(position, (key - 1).min(head))));
    }
    let first = match chunk::decode(key, value) {
        Ok(chunk) if chunk.header.last() >= position => return Ok(Ok(chunk)),
        Ok(chunk) => Err(chunk.header.last() + 1),
        Err(reason) => Ok(reason),
    };
    let last = store
        .next_key(key)?
        .map_or(head, |next| (next - 1).min(head));
    Ok(Err(match first {
        Ok(reason) => Damage {
            first: key,
            last: last.max(key),
            reason: reason.into(),
        },
        Err(first) => missing(first, last),
    }))
}

/// What opening found in the store.
pub(crate) struct Loaded {
    pub(crate) index: Index,
    pub(crate) head: u64,
    pub(crate) chunks: u64,
    pub(crate) hash: Hash,
    pub(crate) known_micros: i64,
    pub(crate) damages: Vec<Damage>,
}

/// Goes through all chunks once, checksums compared, hashes not.
pub(crate) fn load(store: &Store, mut rebuild: Rebuild) -> Result<Loaded, Error> {
    let mut walk = Walk::default();
    let mut newest = None;
    walk.run(store, u64::MAX, |chunk| {
        rebuild.add(&chunk);
        newest = Some(chunk);
    })?;
    let (hash, known_micros) = match &newest {
        Some(chunk) => (chunk.after(), chunk.header.known_last),
        None => (GENESIS, i64::MIN),
    };
    if newest.is_some_and(|chunk| chunk.header.continues) && walk.damages.is_empty() {
        let reason = "the last request is cut short".into();
        walk.damages.push(Damage {
            first: walk.next,
            last: walk.next,
            reason,
        });
    }
    Ok(Loaded {
        index: rebuild.finish(),
        head: walk.next - 1,
        chunks: walk.chunks,
        hash,
        known_micros,
        damages: walk.damages,
    })
}

/// Reads everything up to `head` and checks all that can be checked.
pub(crate) fn verify(
    store: &Store,
    head: u64,
    mut progress: impl FnMut(u64),
) -> Result<Verification, Error> {
    let mut walk = Walk::default();
    let mut found = Vec::new();
    let mut events = 0;
    let mut newest: Option<Newest> = None;
    walk.run(store, head, |chunk| {
        let check = Newest::after(&chunk);
        // After a gap the chunk before is not the neighbour, and the chunk's own word is taken for its past.
        let neighbour = newest
            .take()
            .filter(|before| before.last + 1 == chunk.header.first);
        if let Some(reason) = broken(neighbour.as_ref(), &chunk) {
            let (first, last) = (chunk.header.first, chunk.header.last());
            found.push(Damage {
                first,
                last,
                reason: reason.into(),
            });
        }
        events += u64::from(chunk.header.count);
        progress(check.last);
        newest = Some(check);
    })?;
    if walk.next <= head {
        walk.damages.push(missing(walk.next, head));
    }
    let mut damages = walk.damages;
    damages.append(&mut found);
    damages.sort_by_key(|damage| (damage.first, damage.last));
    let last_hash = hex(&newest.map_or(GENESIS, |newest| newest.hash));
    Ok(Verification {
        events,
        chunks: walk.chunks,
        last_hash,
        damages,
    })
}

/// What must fit between a chunk and the next.
struct Newest {
    last: u64,
    hash: Hash,
    known_micros: i64,
    continued: Option<[u8; 16]>,
}

impl Newest {
    fn after(chunk: &Chunk) -> Newest {
        let id = chunk.requests.last().map(|(id, _)| *id);
        Newest {
            last: chunk.header.last(),
            hash: chunk.after(),
            known_micros: chunk.header.known_last,
            continued: id.filter(|_| chunk.header.continues),
        }
    }
}

fn broken(before: Option<&Newest>, chunk: &Chunk) -> Option<&'static str> {
    let Some(before) = before else {
        let genesis = chunk.header.first == 1 && chunk.header.before != GENESIS;
        return genesis.then_some("the hash does not begin where the log begins");
    };
    let id = chunk.requests.first().map(|(id, _)| *id);
    if chunk.header.before != before.hash {
        Some("the hash does not follow from the events before")
    } else if chunk.header.known_first < before.known_micros {
        Some("the known time runs backwards")
    } else if before.continued.is_some() && before.continued != id {
        Some("the request before is cut short")
    } else {
        None
    }
}

/// Goes through the chunks in order, noting what is damaged or missing.
struct Walk {
    next: u64,
    chunks: u64,
    damages: Vec<Damage>,
}

impl Default for Walk {
    fn default() -> Walk {
        Walk {
            next: 1,
            chunks: 0,
            damages: Vec::new(),
        }
    }
}

impl Walk {
    fn run(&mut self, store: &Store, head: u64, mut each: impl FnMut(Chunk)) -> Result<(), Error> {
        let mut from = 0;
        loop {
            let page = store.chunks_from(from, PAGE_CHUNKS)?;
            let Some((last, _)) = page.last() else {
                return Ok(());
            };
            let Some(after) = last.checked_add(1) else {
                return Ok(());
            };
            for (key, value) in page {
                if key > head {
                    return Ok(());
                }
                if key >= from {
                    self.step(store, key, &value, &mut each)?;
                }
            }
            from = after;
            if store.next_key(from - 1)?.is_none() {
                return Ok(());
            }
        }
    }

    fn step(
        &mut self,
        store: &Store,
        key: u64,
        value: &[u8],
        each: &mut impl FnMut(Chunk),
    ) -> Result<(), Error> {
        self.chunks += 1;
        if key > self.next {
            self.damages.push(missing(self.next, key - 1));
        } else if key < self.next {
            let reason = "the chunk overlaps the one before".into();
            self.damages.push(Damage {
                first: key,
                last: self.next - 1,
                reason,
            });
        }
        match chunk::decode(key, value) {
            Ok(chunk) => {
                self.next = chunk.header.last() + 1;
                each(chunk);
            }
            Err(reason) => {
                // The next chunk says where this one ends; without one its own header must do, if it is sane.
                let last = match store.next_key(key)? {
                    Some(next) => next - 1,
                    None => chunk::header(key, value).map_or(key, |header| header.last()),
                };
                self.next = last.saturating_add(1);
                self.damages.push(Damage {
                    first: key,
                    last,
                    reason: reason.into(),
                });
            }
        }
        Ok(())
    }
}
