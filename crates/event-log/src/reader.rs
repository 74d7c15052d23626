//! Reads: from a position, back from one, over many without copying, and by time.
//!
//! Near the head they are served from the tail, else from the store; where one ends the other goes on.
//! Nothing is held between two pages, so a slow reader is in nobody's way.

use std::ops::ControlFlow;
use std::sync::Arc;

use crate::chunk::{self, Chunk};
use crate::journal::Commit;
use crate::log::Shared;
use crate::storage::Store;
use crate::{Damage, Error, ReadLimit, Record, RecordRef};

/// Chunks fetched at once by a read, which may want few events.
const READ_CHUNKS: usize = 8;
/// How far apart to look for what can still be read; about a chunk.
const PROBE_EVENTS: usize = 2_048;
/// Commits taken from the tail at once.
const READ_COMMITS: usize = 256;

/// Some events in a row, as they lie.
enum Page {
    Chunk(Box<Chunk>),
    Commit(Arc<Commit>),
}

impl Page {
    fn first(&self) -> u64 {
        match self {
            Page::Chunk(chunk) => chunk.header.first,
            Page::Commit(commit) => commit.first,
        }
    }

    fn last(&self) -> u64 {
        match self {
            Page::Chunk(chunk) => chunk.header.last(),
            Page::Commit(commit) => commit.last(),
        }
    }

    /// The records from one position to another, both on this page.
    fn records(&self, from: u64, to: u64) -> Vec<Record> {
        let count = usize::try_from(to + 1 - from).unwrap_or(usize::MAX);
        match self {
            Page::Chunk(chunk) => chunk.records(from).take(count).collect(),
            Page::Commit(commit) => {
                let skipped = usize::try_from(from - commit.first).unwrap_or(usize::MAX);
                let events = commit.events().skip(skipped).take(count);
                let record = events.map(|(position, request_id, event)| Record {
                    position,
                    known_micros: commit.known_micros,
                    request_id: *request_id,
                    subject: event.subject.clone(),
                    payload: event.payload.clone(),
                });
                record.collect()
            }
        }
    }

    /// Shows the wanted events from one position to another.
    fn show(&self, from: u64, to: u64, wanted: Wanted<'_>, each: Each<'_>) -> ControlFlow<()> {
        match self {
            Page::Chunk(chunk) => {
                let wanted = chunk.wanted(wanted);
                chunk.show(from, to, &wanted, each)
            }
            Page::Commit(commit) => {
                for (position, request_id, event) in commit.events() {
                    if position > to {
                        break;
                    }
                    if position >= from && wanted(&event.subject) {
                        each(RecordRef {
                            position,
                            known_micros: commit.known_micros,
                            request_id,
                            subject: &event.subject,
                            payload: &event.payload,
                        })?;
                    }
                }
                ControlFlow::Continue(())
            }
        }
    }
}

/// Which subjects are wanted.
pub(crate) type Wanted<'a> = &'a mut dyn FnMut(&str) -> bool;
/// Who is shown the events.
pub(crate) type Each<'a> = &'a mut dyn FnMut(RecordRef<'_>) -> ControlFlow<()>;

/// Gives the pages from `from` to `head` in order to `each`, until it has enough.
fn pages(
    shared: &Shared,
    from: u64,
    head: u64,
    each: &mut dyn FnMut(Page) -> ControlFlow<()>,
) -> Result<(), Error> {
    let mut position = from;
    while position <= head {
        if let Some(commits) = shared.tail.from(position, READ_COMMITS) {
            if commits.is_empty() {
                return Err(missing(position, head).into());
            }
            for commit in commits {
                if commit.first > position {
                    return Err(missing(position, commit.first - 1).into());
                }
                position = commit.last() + 1;
                if each(Page::Commit(commit)).is_break() || position > head {
                    return Ok(());
                }
            }
            continue;
        }
        // What the tail has let go of is in the store; what is beyond may come in at any time.
        let settled = shared.tail.settled().min(head);
        let page = chunks(&shared.store, position, settled, READ_CHUNKS)?;
        if page.is_empty() {
            return Err(missing(position, settled).into());
        }
        for (key, value) in page {
            if position > settled {
                break;
            }
            let chunk = covering(&shared.store, settled, position, key, &value)??;
            position = chunk.header.last() + 1;
            if each(Page::Chunk(Box::new(chunk))).is_break() {
                return Ok(());
            }
        }
    }
    Ok(())
}

/// Takes records as long as there is room.
struct Taker {
    limit: ReadLimit,
    records: Vec<Record>,
    bytes: usize,
}

impl Taker {
    fn new(limit: ReadLimit) -> Taker {
        Taker {
            limit,
            records: Vec::new(),
            bytes: 0,
        }
    }

    fn take(&mut self, record: Record) -> ControlFlow<()> {
        self.bytes += record.subject.len() + record.payload.len();
        let room = self.records.len() < self.limit.events && self.bytes <= self.limit.bytes;
        if !room && !self.records.is_empty() {
            return ControlFlow::Break(());
        }
        self.records.push(record);
        ControlFlow::Continue(())
    }

    /// What was taken before the damage if there is any, so that the next read begins at it and names it.
    fn finish(self, outcome: Result<(), Error>) -> Result<Vec<Record>, Error> {
        match outcome {
            Err(Error::Damaged { .. }) if !self.records.is_empty() => Ok(self.records),
            other => other.map(|()| self.records),
        }
    }
}

/// Reads from `from` to `head` within `limit`; see [`crate::Log::read`].
pub(crate) fn read(
    shared: &Shared,
    head: u64,
    from: u64,
    limit: ReadLimit,
) -> Result<Vec<Record>, Error> {
    let from = from.max(1);
    let mut taker = Taker::new(limit);
    // Not the page's first: half a journal that is settled meanwhile comes in other pages.
    let mut next = from;
    let outcome = pages(shared, from, head, &mut |page| {
        let from = next.max(page.first());
        next = page.last() + 1;
        let left = limit.events.saturating_sub(taker.records.len()).max(1) as u64;
        let to = page.last().min(head).min(from.saturating_add(left));
        page.records(from, to)
            .into_iter()
            .try_for_each(|record| taker.take(record))
    });
    taker.finish(outcome)
}

/// Reads from `from` to `head` within `limit` in memory alone; see [`crate::Log::read_newest`].
pub(crate) fn read_newest(
    shared: &Shared,
    head: u64,
    from: u64,
    limit: ReadLimit,
) -> Option<Vec<Record>> {
    let from = from.max(1);
    let mut taker = Taker::new(limit);
    for commit in shared.tail.from(from, READ_COMMITS)? {
        let page = Page::Commit(commit);
        let left = limit.events.saturating_sub(taker.records.len()).max(1) as u64;
        let first = from.max(page.first());
        let last = page.last().min(head).min(first.saturating_add(left));
        if first > last {
            break;
        }
        let mut records = page.records(first, last).into_iter();
        if records.try_for_each(|record| taker.take(record)).is_break() {
            break;
        }
    }
    Some(taker.records)
}

/// Reads back from `from`; see [`crate::Log::read_back`].
pub(crate) fn read_back(
    shared: &Shared,
    from: u64,
    limit: ReadLimit,
) -> Result<Vec<Record>, Error> {
    let mut taker = Taker::new(limit);
    let mut position = from;
    while position > 0 {
        let page = match page_back(shared, position) {
            Ok(page) => page,
            Err(error) => return taker.finish(Err(error)),
        };
        let left = limit.events.saturating_sub(taker.records.len()).max(1) as u64;
        let first = page.first().max(position.saturating_sub(left));
        let records = page.records(first, position);
        let taken = records
            .into_iter()
            .rev()
            .try_for_each(|record| taker.take(record));
        if taken.is_break() {
            break;
        }
        position = first - 1;
    }
    taker.finish(Ok(()))
}

/// The page that covers a position.
fn page_back(shared: &Shared, position: u64) -> Result<Page, Error> {
    if let Some(commits) = shared.tail.back_from(position, 1) {
        let commit = commits.into_iter().next();
        return match commit.filter(|commit| commit.last() >= position) {
            Some(commit) => Ok(Page::Commit(commit)),
            None => Err(missing(position, position).into()),
        };
    }
    let page = chunks(&shared.store, position, shared.tail.settled(), 1)?;
    let Some((key, value)) = page.into_iter().next() else {
        return Err(missing(position, position).into());
    };
    let chunk = covering(&shared.store, shared.tail.settled(), position, key, &value)??;
    Ok(Page::Chunk(Box::new(chunk)))
}

/// Shows events without copying them; see [`crate::Log::scan`].
pub(crate) fn scan(
    shared: &Shared,
    from: u64,
    to: u64,
    wanted: Wanted<'_>,
    each: Each<'_>,
) -> Result<u64, Error> {
    let from = from.max(1);
    let mut seen = 0;
    let mut next = from;
    pages(shared, from, to, &mut |page| {
        let last = page.last().min(to);
        let from = next.max(page.first());
        next = last + 1;
        page.show(from, last, wanted, &mut |record| {
            seen = record.position;
            each(record)
        })?;
        seen = last;
        ControlFlow::Continue(())
    })?;
    Ok(seen)
}

/// The last position known at or before an instant; see [`crate::Log::position_known_at`].
pub(crate) fn position_known_at(shared: &Shared, micros: i64) -> Result<u64, Error> {
    if let Some(position) = shared.tail.known_at(micros) {
        return Ok(position);
    }
    // Times never step back, so halving finds the last chunk that begins in time.
    let (mut known, mut beyond) = (0, shared.tail.settled() + 1);
    while known + 1 < beyond {
        let middle = known + (beyond - known) / 2;
        let Page::Chunk(chunk) = page_back(shared, middle)? else {
            break;
        };
        if chunk.header.known_first > micros {
            beyond = chunk.header.first;
        } else if chunk.header.known_last <= micros {
            known = chunk.header.last();
        } else {
            return Ok(chunk.known_at(micros));
        }
    }
    Ok(known)
}

/// When the first and the newest event were taken; 0 where that cannot be told.
pub(crate) fn known(shared: &Shared) -> (i64, i64) {
    let one = ReadLimit {
        events: 1,
        bytes: 0,
    };
    let known = |records: Result<Vec<Record>, Error>| {
        let record = records.ok().and_then(|records| records.into_iter().next());
        record.map_or(0, |record| record.known_micros)
    };
    let head = shared.head();
    (
        known(read(shared, head, 1, one)),
        known(read_back(shared, head, one)),
    )
}

/// Chunks from `position`, or the positions that the store cannot give.
fn chunks(
    store: &Store,
    position: u64,
    settled: u64,
    count: usize,
) -> Result<Vec<(u64, sled::IVec)>, Error> {
    match store.chunks_from(position, count) {
        Err(error @ Error::StoreDamaged { .. }) => {
            Err(unreadable(store, position, settled, &error).into())
        }
        page => page,
    }
}

/// How far the store cannot be read from a position on; looked for in steps, so it may say too much.
pub(crate) fn unreadable(store: &Store, first: u64, head: u64, error: &Error) -> Damage {
    let probes = (first..=head).step_by(PROBE_EVENTS).skip(1);
    let next = probes
        .filter_map(|position| {
            store
                .chunks_from(position, 1)
                .ok()?
                .first()
                .map(|(key, _)| *key)
        })
        .find(|key| *key > first);
    Damage {
        first,
        last: next.map_or(head.max(first), |next| next - 1),
        reason: error.to_string(),
    }
}

pub(crate) fn missing(first: u64, last: u64) -> Damage {
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
