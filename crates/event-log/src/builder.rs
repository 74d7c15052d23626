//! A fresh log from records that have their positions and times already.

use crate::chunk::{Encoder, EventRef, GENESIS, Hash, Stored};
use crate::settler::WRITE_CHUNKS;
use crate::storage::{Copy, Store};
use crate::{Error, Options, Record, limits};

/// So many events are compressed at once.
const BATCH_EVENTS: usize = 16 * 1024;

/// Writes records into an empty directory; nothing of it is to be used before [`Builder::finish`].
pub struct Builder {
    store: Store,
    copy: Copy,
    encoder: Encoder,
    waiting: Vec<Record>,
    chunks: Vec<Stored>,
    next: u64,
    known_micros: i64,
    after: Hash,
}

impl Builder {
    /// Begins a log in the options' directory, which is created when missing.
    ///
    /// # Errors
    ///
    /// [`Error::NotEmpty`] if a log is there already, else as [`crate::Log::open`].
    pub fn create(options: Options) -> Result<Builder, Error> {
        options.check()?;
        let store = Store::open(&options)?;
        let journal = options.directory.join("journal-0");
        if store.newest()?.is_some() || journal.exists() {
            return Err(Error::NotEmpty {
                directory: options.directory,
            });
        }
        Ok(Builder {
            copy: store.copy()?,
            store,
            encoder: Encoder::new().map_err(Error::io("set up compression"))?,
            waiting: Vec::new(),
            chunks: Vec::new(),
            next: 1,
            known_micros: i64::MIN,
            after: GENESIS,
        })
    }

    /// Adds the next record; all records of a request must follow on each other.
    ///
    /// # Errors
    ///
    /// [`Error::OutOfOrder`] if its position is not the next, or its time before the one of the record before;
    /// [`Error::TooLarge`]; what the store says.
    pub fn push(&mut self, record: Record) -> Result<(), Error> {
        let position = record.position;
        let out_of_order = |problem| Error::OutOfOrder { position, problem };
        if position != self.next {
            return Err(out_of_order("the position is not the next"));
        }
        if record.known_micros < self.known_micros {
            return Err(out_of_order("the known time runs backwards"));
        }
        let (subject, payload) = (record.subject.len(), record.payload.len());
        limits::within("bytes of a subject", subject, limits::SUBJECT_BYTES_MAX)?;
        limits::within("bytes of a payload", payload, limits::PAYLOAD_BYTES_MAX)?;
        let same_request = |before: &Record| before.request_id == record.request_id;
        if self.waiting.len() >= BATCH_EVENTS && !self.waiting.last().is_some_and(same_request) {
            self.pack()?;
            if self.chunks.len() >= WRITE_CHUNKS {
                self.copy.insert(&self.chunks)?;
                self.chunks.clear();
            }
        }
        self.next += 1;
        self.known_micros = record.known_micros;
        self.waiting.push(record);
        Ok(())
    }

    fn pack(&mut self) -> Result<(), Error> {
        let events: Vec<_> = self.waiting.iter().map(event).collect();
        let first = self.next - events.len() as u64;
        let mut packed = self
            .encoder
            .pack(first, self.after, &events)
            .map_err(Error::io("compress"))?;
        self.chunks.append(&mut packed.chunks);
        self.after = packed.after;
        self.waiting.clear();
        Ok(())
    }

    /// Makes the rest durable and closes the log; gives its head.
    ///
    /// # Errors
    ///
    /// What the store says.
    pub fn finish(mut self) -> Result<u64, Error> {
        if !self.waiting.is_empty() {
            self.pack()?;
        }
        self.copy.insert(&self.chunks)?;
        self.copy.finish()?;
        self.store.swap()?;
        Ok(self.next - 1)
    }
}

fn event(record: &Record) -> EventRef<'_> {
    EventRef {
        known_micros: record.known_micros,
        request_id: &record.request_id,
        subject: &record.subject,
        payload: &record.payload,
    }
}
