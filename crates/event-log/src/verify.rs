//! The walk over all chunks, and the check of everything.

use std::sync::Arc;

use crate::chunk::{self, Chunk, EventRef, GENESIS, Hash};
use crate::journal::{self, Commit};
use crate::log::Shared;
use crate::reader::{missing, unreadable};
use crate::storage::Store;
use crate::types::hex;
use crate::{Damage, Error, Verification};

/// Chunks fetched at once: 3.5 MiB at most.
const PAGE_CHUNKS: usize = 64;

/// Reads everything up to `head` and checks all that can be checked.
pub(crate) fn verify(
    shared: &Shared,
    head: u64,
    mut progress: impl FnMut(u64),
) -> Result<Verification, Error> {
    let mut check = Check::default();
    loop {
        let settled = shared.tail.settled().min(head);
        check.chunks(&shared.store, settled, &mut progress)?;
        if check.walk.moved {
            check = Check::default();
            continue;
        }
        let Some(commits) = shared.tail.from(check.walk.next, usize::MAX) else {
            if check.walk.next > head {
                break;
            }
            continue;
        };
        if check.commits(shared, head, commits, &mut progress)? {
            break;
        }
    }
    if check.walk.next <= head {
        check.walk.damages.push(missing(check.walk.next, head));
    }
    let mut damages = check.walk.damages;
    damages.append(&mut check.found);
    damages.sort_by_key(|damage| (damage.first, damage.last));
    Ok(Verification {
        events: check.events,
        chunks: check.walk.chunks,
        last_hash: hex(&check.newest.map_or(GENESIS, |newest| newest.hash)),
        damages,
    })
}

/// What was found so far.
#[derive(Default)]
struct Check {
    walk: Walk,
    found: Vec<Damage>,
    events: u64,
    newest: Option<Newest>,
}

impl Check {
    /// The chunks up to `settled`.
    fn chunks(
        &mut self,
        store: &Store,
        settled: u64,
        progress: &mut impl FnMut(u64),
    ) -> Result<(), Error> {
        let (newest, found, events) = (&mut self.newest, &mut self.found, &mut self.events);
        self.walk.run(store, settled, |chunk| {
            let check = Newest::after(&chunk);
            // After a gap the chunk before is not the neighbour, and the chunk's own word is taken for its past.
            let neighbour = newest
                .take()
                .filter(|before| before.last + 1 == chunk.header.first);
            if let Some(reason) = broken(neighbour.as_ref(), &chunk) {
                found.push(Damage {
                    first: chunk.header.first,
                    last: chunk.header.last(),
                    reason: reason.into(),
                });
            }
            *events += u64::from(chunk.header.count);
            progress(check.last);
            *newest = Some(check);
        })?;
        if self.walk.next <= settled && !self.walk.moved {
            self.walk.damages.push(missing(self.walk.next, settled));
            self.walk.next = settled + 1;
        }
        Ok(())
    }

    /// The commits of the journal up to `head`; no if some were settled before they could be looked at.
    fn commits(
        &mut self,
        shared: &Shared,
        head: u64,
        commits: Vec<Arc<Commit>>,
        progress: &mut impl FnMut(u64),
    ) -> Result<bool, Error> {
        for commit in commits {
            let (first, last) = (commit.first, commit.last());
            if first > head {
                break;
            }
            if first > self.walk.next {
                self.walk.damages.push(missing(self.walk.next, first - 1));
            }
            self.walk.next = first;
            let held = journal::holds(&shared.journal, &commit);
            if held.as_ref().is_ok_and(|held| *held) {
                self.events += u64::from(commit.count);
                self.newest = Some(Newest::after_commit(self.newest.take(), &commit));
            } else if shared.tail.settled() >= last {
                return Ok(false);
            } else {
                let reason = match held {
                    Err(error) => format!("the journal cannot be read: {error}"),
                    Ok(_) => "the journal does not hold the commit any more".into(),
                };
                self.found.push(Damage {
                    first,
                    last,
                    reason,
                });
            }
            self.walk.next = last + 1;
            progress(last);
        }
        Ok(true)
    }
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

    fn after_commit(before: Option<Newest>, commit: &Commit) -> Newest {
        let mut hash = before.map_or(GENESIS, |newest| newest.hash);
        for (position, request_id, event) in commit.events() {
            let event = EventRef {
                known_micros: commit.known_micros,
                request_id,
                subject: &event.subject,
                payload: &event.payload,
            };
            hash = chunk::chain(&hash, position, event);
        }
        Newest {
            last: commit.last(),
            hash,
            known_micros: commit.known_micros,
            continued: None,
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
pub(crate) struct Walk {
    pub(crate) next: u64,
    pub(crate) chunks: u64,
    pub(crate) damages: Vec<Damage>,
    /// The chunks were cut anew meanwhile, and one begins before `next` and goes beyond it.
    pub(crate) moved: bool,
}

impl Default for Walk {
    fn default() -> Walk {
        Walk {
            next: 1,
            chunks: 0,
            damages: Vec::new(),
            moved: false,
        }
    }
}

impl Walk {
    /// Gives the whole chunks from `next` to `head` to `each`.
    pub(crate) fn run(
        &mut self,
        store: &Store,
        head: u64,
        mut each: impl FnMut(Chunk),
    ) -> Result<(), Error> {
        let mut from = self.next;
        loop {
            let page = match store.chunks_from(from, PAGE_CHUNKS) {
                Err(error @ Error::StoreDamaged { .. }) => {
                    let damage = unreadable(store, from, head, &error);
                    self.next = damage.last.saturating_add(1);
                    from = self.next;
                    self.damages.push(damage);
                    if from > head {
                        return Ok(());
                    }
                    continue;
                }
                page => page?,
            };
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
                } else if chunk::header(key, &value).is_ok_and(|header| header.last() >= self.next)
                {
                    self.moved = true;
                    return Ok(());
                }
            }
            from = after;
            if from > head || store.next_key(from - 1).is_ok_and(|next| next.is_none()) {
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
