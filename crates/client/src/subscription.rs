//! The way of a subscriber: from the log until it meets the stream, then from the stream, and back.
//!
//! Everything is kept in the subscription itself and moves on between two waits, so a call of
//! [`Subscription::next`] that is dropped half way loses nothing.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use bus::Backoff;
use bus::pull::{Look, Pull, Pulled};
use bytes::Bytes;
use jiff::Timestamp;
use tokio::time::Instant;
use tracing::{info, warn};
use wire::log_reader::{self, LogReader};

use crate::checkpoint::{Place, SOURCES_MAX, source_of};
use crate::log::{LogRead, Step};
use crate::stream::{StreamRead, look, pull_options};
use crate::{Checkpoint, Error, Event, Options, Start, filter};

mod begin;

/// Between two looks at whether an idle stream is behind its log.
const DOUBT: Duration = Duration::from_secs(3);
/// How long a relay that tells the log's head is listened for; it does so once a second.
const HEARTBEAT_MAX: Duration = Duration::from_secs(3);
/// Most messages whose copy is still to be acknowledged.
const LATE_MAX: usize = 4_096;

/// How a subscription stands.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Status {
    /// How many events came from the log.
    pub from_log: u64,
    /// How many events came from the stream.
    pub from_stream: u64,
    /// How many messages were dropped, since their event was given already.
    pub doubles: u64,
    /// How many times the log was read.
    pub log_reads: u64,
    /// How many connections to the stream were made.
    pub connections: u64,
    /// What keeps the next event away, and is tried again.
    pub trouble: Option<String>,
}

/// Where it reads now.
enum Stage {
    /// Nowhere. With what a read of the log that just ended began after.
    Closed {
        read_after: Option<u64>,
    },
    Log(Box<LogRead>),
    Stream(Box<StreamRead>),
}

/// An event on its way to the subscriber.
struct Ready {
    event: Event,
    /// Its sequence in the stream.
    sequence: u64,
    reply: Option<String>,
}

/// Every event once and in order, from where it began.
pub struct Subscription {
    options: Options,
    log: Option<LogReader>,
    /// Whether the log is known to be that of the ledger.
    is_log_checked: bool,
    /// Whether the stream does not have what comes next, as it showed itself.
    is_log_due: bool,
    may_look: bool,
    /// Nothing recorded earlier is wanted.
    since: Option<Timestamp>,
    /// Everything up to this sequence of the stream was taken.
    cursor: u64,
    /// The stream that the cursor is in, if its sequences are its own.
    created: Option<String>,
    /// The last position taken of each source.
    taken: Checkpoint,
    /// The same of what was given, and the sequence.
    given: Checkpoint,
    given_cursor: u64,
    ready: VecDeque<Ready>,
    /// What went wrong behind the events that are ready.
    failed: Option<Error>,
    /// The acknowledgement of the event given last.
    reply: Option<String>,
    /// Copies of what was not acknowledged yet, by their sequence.
    late: BTreeMap<u64, String>,
    stage: Stage,
    status: Status,
    trouble_since: Option<Instant>,
    backoff: Backoff,
}

impl std::fmt::Debug for Subscription {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Subscription")
            .field("stream", &self.options.stream())
            .field("cursor", &self.cursor)
            .field("status", &self.status)
            .finish_non_exhaustive()
    }
}

impl Subscription {
    /// The next event. Asking for it says that the one before was dealt with.
    ///
    /// Waits for as long as there is none.
    /// What may pass by itself is tried again, and told once it has lasted for [`Options::patience`].
    /// If this is dropped half way nothing is lost.
    ///
    /// # Errors
    /// [`Error`]; asked again, it tries again.
    pub async fn next(&mut self) -> Result<Event, Error> {
        self.settle().await;
        loop {
            if let Some(ready) = self.ready.pop_front() {
                return Ok(self.give(ready));
            }
            if let Some(error) = self.failed.take() {
                self.bear(error).await?;
            }
            self.rest().await;
            match self.step().await {
                Ok(()) if matches!(self.stage, Stage::Closed { .. }) => {}
                Ok(()) => self.recovered(),
                Err(error) => self.failed = Some(error),
            }
        }
    }

    /// Acknowledges the event given last, and waits until that has left; for whoever stops here.
    pub async fn acknowledge(&mut self) {
        self.settle().await;
        if let Stage::Stream(read) = &mut self.stage
            && let Err(error) = read.pull.flush().await
        {
            warn!("acknowledgements may be lost: {error}");
        }
    }

    /// Everything given so far; keep it in one transaction with what that did to your data.
    #[must_use]
    pub fn checkpoint(&self) -> Checkpoint {
        let mut checkpoint = self.given.clone();
        if let Some(ledger) = self.options.ledger_name() {
            checkpoint.advance(&source_of(ledger), self.given_cursor);
        } else {
            checkpoint.set_hub(self.created.clone().map(|created| Place {
                created,
                sequence: self.given_cursor,
            }));
        }
        checkpoint
    }

    /// How it stands.
    #[must_use]
    pub fn status(&self) -> &Status {
        &self.status
    }

    /// Goes on with the oldest event that the stream has, although events before it are gone; told by
    /// [`Error::BeyondRetention`].
    ///
    /// # Errors
    /// [`Error::Bus`] if the stream cannot be looked at.
    pub async fn pass_over(&mut self) -> Result<(), Error> {
        let mut pull = Pull::connect(pull_options(&self.options)).await?;
        let first = match self.options.consumer {
            Some(_) => pull.begin(self.cursor).await?.floor + 1,
            None => 0,
        };
        let looked = look(&mut pull, &self.options, &mut self.may_look).await?;
        let first = first.max(looked.map_or(0, |look| look.first));
        self.cursor = self.cursor.max(first.saturating_sub(1));
        self.stage = Stage::Closed { read_after: None };
        Ok(())
    }

    fn give(&mut self, ready: Ready) -> Event {
        let Ready {
            event,
            sequence,
            reply,
        } = ready;
        self.given_cursor = sequence;
        self.reply = reply;
        if self.options.ledger_name().is_none() {
            // It is in `taken`, which has no more sources than this may have.
            self.given.advance(&event.source, event.position);
        }
        event
    }

    /// With nothing on its way, what was passed over counts as given.
    async fn rest(&mut self) {
        self.given_cursor = self.given_cursor.max(self.cursor);
        if !self.late.is_empty() {
            self.settle().await;
        }
    }

    /// Acknowledges what was given, and copies of it.
    async fn settle(&mut self) {
        let Stage::Stream(read) = &mut self.stage else {
            self.reply = None;
            return;
        };
        while let Some(reply) = self.reply.clone().or_else(|| {
            let first = self.late.first_key_value();
            let first = first.filter(|(sequence, _)| **sequence <= self.given_cursor);
            first.map(|(_, reply)| reply.clone())
        }) {
            if let Err(error) = read.pull.acknowledge(&reply).await {
                // It comes again, and is acknowledged then.
                info!("an acknowledgement was not sent: {error}");
                return;
            }
            if self.reply.take().is_none() {
                self.late.pop_first();
            }
        }
    }

    fn recovered(&mut self) {
        self.trouble_since = None;
        self.status.trouble = None;
        if !self.ready.is_empty() {
            self.backoff.reset();
        }
    }

    /// Waits a while after trouble that may pass, unless it has lasted too long.
    async fn bear(&mut self, error: Error) -> Result<(), Error> {
        let text = told(&error);
        if self.status.trouble.as_ref() != Some(&text) {
            let (stream, reason) = (self.options.stream(), error.reason());
            warn!(stream, reason, "no next event of {stream}: {text}");
        }
        self.status.trouble = Some(text);
        let since = *self.trouble_since.get_or_insert_with(Instant::now);
        if !error.may_pass() || since.elapsed() >= self.options.patience {
            self.trouble_since = None;
            return Err(error);
        }
        tokio::time::sleep(self.backoff.delay()).await;
        Ok(())
    }

    /// One wait, and what it brought.
    async fn step(&mut self) -> Result<(), Error> {
        match &mut self.stage {
            Stage::Closed { .. } if self.is_log_due => self.open_log().await,
            Stage::Closed { read_after } => {
                let read_after = *read_after;
                self.open_stream(read_after).await
            }
            Stage::Log(_) => self.step_log().await,
            Stage::Stream(_) => self.step_stream().await,
        }
    }

    /// Opens the stream after the cursor, or the log if the stream does not have what comes next.
    async fn open_stream(&mut self, read_after: Option<u64>) -> Result<(), Error> {
        let opened = StreamRead::open(&self.options, self.cursor, &mut self.may_look).await;
        self.status.connections += 1;
        let (mut read, look) = match opened {
            Ok(opened) => opened,
            // The log has it all the same; the bus is tried again behind its head.
            Err(error) if error.may_pass() && read_after.is_none() && self.log.is_some() => {
                self.status.trouble = Some(told(&error.into()));
                return self.open_log().await;
            }
            Err(error) => {
                self.stage = Stage::Closed { read_after: None };
                return Err(error.into());
            }
        };
        if let Some(look) = &look
            && !self.check_stream(look)?
        {
            return Ok(());
        }
        let next = self.cursor + 1;
        let has_first = look.as_ref().map_or(0, |look| look.first);
        let first = has_first.max(read.standing.floor + 1);
        if first > next {
            let moved = read_after.is_none_or(|after| after < self.cursor);
            if self.log.is_some() && moved {
                return self.open_log().await;
            }
            self.stage = Stage::Closed { read_after: None };
            if self.log.is_some() {
                return Err(Error::Gap {
                    stream: self.options.stream(),
                    expected: next,
                    found: first,
                });
            }
            return Err(Error::BeyondRetention {
                stream: self.options.stream(),
                first,
                wanted: next,
            });
        }
        let is_behind = look.as_ref().is_some_and(|look| look.last < self.cursor);
        // Who may not look at the stream, or lost what was given, trusts the log first.
        let is_unsure = is_behind || look.is_none() || read.standing.pending > 0;
        if is_unsure && read_after.is_none() && self.log.is_some() {
            match self.open_log().await {
                Err(error) if error.may_pass() => {
                    warn!("the stream alone is read: {}", told(&error))
                }
                opened => return opened,
            }
        }
        if is_behind && self.log.is_none() {
            self.check_head(&mut read.pull).await?;
        }
        if read_after.is_some() {
            read.await_nothing();
        }
        self.stage = Stage::Stream(Box::new(read));
        Ok(())
    }

    /// Holds that the stream is the ledger's; false if it is a hub's that is to be read from its beginning.
    fn check_stream(&mut self, look: &Look) -> Result<bool, Error> {
        let Some(ledger) = self.options.ledger_name() else {
            let is_another = self
                .created
                .as_ref()
                .is_some_and(|known| *known != look.created);
            self.created = Some(look.created.clone());
            if is_another || look.last < self.cursor {
                // What was taken is dropped by its source and position.
                (self.cursor, self.given_cursor) = (0, 0);
                return Ok(false);
            }
            return Ok(true);
        };
        match &look.ledger {
            Some(found) if found != ledger => Err(Error::OtherLedger {
                what: format!("stream {}", self.options.stream()),
                found: found.clone(),
                wanted: ledger.to_owned(),
            }),
            _ => Ok(true),
        }
    }

    /// Holds that the log, as its relay tells it, has what was read.
    async fn check_head(&self, pull: &mut Pull) -> Result<(), Error> {
        let Some(ledger) = self.options.ledger_name() else {
            return Ok(());
        };
        match pull.head(ledger, HEARTBEAT_MAX).await? {
            Some(head) if head < self.cursor => Err(self.ahead(head)),
            _ => Ok(()),
        }
    }

    fn ahead(&self, head: u64) -> Error {
        Error::Ahead {
            ledger: self.options.ledger_name().unwrap_or_default().to_owned(),
            position: self.cursor,
            head,
        }
    }

    async fn open_log(&mut self) -> Result<(), Error> {
        self.stage = Stage::Closed { read_after: None };
        let (Some(log), Some(ledger)) = (self.log.clone(), self.options.ledger_name()) else {
            return Ok(());
        };
        let position = self.cursor + 1;
        let (found, head) = log.ledger().await.map_err(|e| self.no_log(position, e))?;
        if !self.is_log_checked && found != ledger {
            return Err(Error::OtherLedger {
                what: format!(
                    "the log at {}",
                    self.options.log.as_deref().unwrap_or_default()
                ),
                found,
                wanted: ledger.to_owned(),
            });
        }
        self.is_log_checked = true;
        if head < self.cursor {
            return Err(self.ahead(head));
        }
        let opened = LogRead::open(&log, self.cursor).await;
        let read = opened.map_err(|error| self.no_log(position, error))?;
        self.status.log_reads += 1;
        self.is_log_due = false;
        self.stage = Stage::Log(Box::new(read));
        Ok(())
    }

    fn no_log(&self, position: u64, source: log_reader::Error) -> Error {
        Error::Log {
            address: self.options.log.clone().unwrap_or_default(),
            position,
            source,
        }
    }

    async fn step_log(&mut self) -> Result<(), Error> {
        let (Stage::Log(read), Some(ledger)) = (&mut self.stage, self.options.ledger_name()) else {
            return Ok(());
        };
        let mut events = VecDeque::new();
        let stepped = read.step(ledger, &self.options.filters, &mut events).await;
        let (position, begun) = (read.position, read.begun);
        self.cursor = position;
        self.status.from_log += events.len() as u64;
        self.ready.extend(events.into_iter().map(|event| Ready {
            sequence: event.position,
            event,
            reply: None,
        }));
        match stepped {
            Ok(Step::More) => Ok(()),
            Ok(Step::End) => {
                let read_after = Some(begun);
                self.stage = Stage::Closed { read_after };
                Ok(())
            }
            Err(error) => {
                self.stage = Stage::Closed { read_after: None };
                Err(self.no_log(position + 1, error))
            }
        }
    }

    async fn step_stream(&mut self) -> Result<(), Error> {
        let stepped = self.read_stream().await;
        if stepped.is_err() {
            self.stage = Stage::Closed { read_after: None };
        }
        stepped
    }

    async fn read_stream(&mut self) -> Result<(), Error> {
        let Stage::Stream(read) = &mut self.stage else {
            return Ok(());
        };
        if read.page.is_empty() {
            let came = read.fill().await?;
            if !came && read.doubted.elapsed() >= DOUBT {
                return self.doubt().await;
            }
        }
        let Stage::Stream(read) = &mut self.stage else {
            return Ok(());
        };
        if read.page.is_empty() {
            return Ok(());
        }
        // Without a filter a hole shows by itself. With one, nothing may have been dropped before it was given.
        let is_dense = is_dense(&self.options, read);
        if !is_dense && self.options.consumer.is_none() {
            let look = look(&mut read.pull, &self.options, &mut self.may_look).await?;
            if look.is_some_and(|look| look.first > self.cursor + 1) {
                self.stage = Stage::Closed { read_after: None };
                return Ok(());
            }
        }
        let page = std::mem::take(&mut read.page);
        for message in page {
            if !self.take(message, is_dense)? {
                return Ok(());
            }
        }
        Ok(())
    }

    /// Takes a message of the stream; false if something is missing before it.
    fn take(&mut self, message: Pulled, is_dense: bool) -> Result<bool, Error> {
        let sequence = message.sequence;
        if sequence <= self.cursor {
            self.status.doubles += 1;
            self.acknowledge_late(sequence, message.reply);
            return Ok(true);
        }
        if is_dense && sequence != self.cursor + 1 {
            if self.log.is_some() {
                // The log has it, whatever became of it in the stream.
                self.stage = Stage::Closed { read_after: None };
                self.is_log_due = true;
                return Ok(false);
            }
            return Err(Error::Gap {
                stream: self.options.stream(),
                expected: self.cursor + 1,
                found: sequence,
            });
        }
        let is_wanted = filter::wants(&self.options.filters, &message.subject);
        let event = self.read(message.subject, sequence, message.payload)?;
        self.cursor = sequence;
        if self.options.ledger_name().is_none() {
            if event.position <= self.taken.position(&event.source) {
                self.status.doubles += 1;
                self.acknowledge_late(sequence, message.reply);
                return Ok(true);
            }
            if !self.taken.advance(&event.source, event.position) {
                return Err(Error::SourcesFull {
                    stream: self.options.stream(),
                    max: SOURCES_MAX,
                });
            }
        }
        if !is_wanted || self.since.is_some_and(|since| event.recorded < since) {
            self.acknowledge_late(sequence, message.reply);
            return Ok(true);
        }
        self.status.from_stream += 1;
        self.ready.push_back(Ready {
            event,
            sequence,
            reply: message.reply,
        });
        Ok(true)
    }

    /// The event in a message, which must be the one that its sequence says.
    fn read(&mut self, subject: String, sequence: u64, payload: Bytes) -> Result<Event, Error> {
        let unfit = |why| Error::Message {
            stream: self.options.stream(),
            sequence,
            why,
        };
        let read = Event::read(subject, payload).map_err(unfit);
        match self.options.ledger_name().map(source_of) {
            Some(source) => {
                let event = read?;
                if event.source != source || event.position != sequence {
                    return Err(unfit(format!("it says that it is {}", event.id)));
                }
                Ok(event)
            }
            None => {
                if read.is_err() {
                    // Others may publish to a hub. It is told once.
                    self.cursor = sequence;
                }
                read
            }
        }
    }

    /// Acknowledges a message once everything up to it was given.
    fn acknowledge_late(&mut self, sequence: u64, reply: Option<String>) {
        // What has no room is given again by the server, and acknowledged then.
        if let Some(reply) = reply.filter(|_| self.late.len() < LATE_MAX) {
            self.late.insert(sequence, reply);
        }
    }

    /// Nothing comes: is there nothing, or is the stream behind the log?
    async fn doubt(&mut self) -> Result<(), Error> {
        let Stage::Stream(read) = &mut self.stage else {
            return Ok(());
        };
        let look = look(&mut read.pull, &self.options, &mut self.may_look).await?;
        let is_at_the_end = read.holds_nothing() && read.pull.is_at_the_end().await?;
        let is_dense = is_dense(&self.options, read);
        let (cursor, before) = (self.cursor, read.head_before);
        if let Some(look) = &look {
            if look.last < cursor {
                self.stage = Stage::Closed { read_after: None };
                return Ok(());
            }
            if is_at_the_end && !is_dense {
                self.cursor = look.last;
            }
        }
        let last = look.map_or(cursor, |look| look.last);
        if let Some(log) = &self.log {
            if before.is_some_and(|head| head > last) {
                return self.open_log().await;
            }
            // If the log is away the stream may do.
            read.head_before = log.ledger().await.ok().map(|(_, head)| head);
        }
        read.doubted = Instant::now();
        Ok(())
    }
}

/// Whether each sequence is the one before and one more.
fn is_dense(options: &Options, read: &StreamRead) -> bool {
    let is_whole = options.filters.is_empty() && read.standing.filters.is_empty();
    options.ledger_name().is_some() && is_whole
}

/// An error with everything that caused it, on one line.
fn told(error: &Error) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}
