//! What a subscriber holds: what came for it, how far it has dealt with that, and what keeps the next event away.
//!
//! The [`Reader`] goes on in steps, each of which is kept here until it is done: a call of [`Subscription::next`] that is
//! dropped half way loses nothing, and the next one goes on with the same step.

use std::collections::{BTreeMap, VecDeque};
use std::pin::Pin;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use bus::Backoff;
use tokio::time::Instant;
use tracing::{info, warn};

use crate::checkpoint::{Mark, Place, source_of};
use crate::reader::Reader;
use crate::{Checkpoint, Error, Event, Options};

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
    /// Ledgers whose relay was not heard of for ten seconds: they, or the line to them, may be down, and what is here
    /// behind. Empty for whoever may not hear heartbeats.
    pub silent: Vec<String>,
}

/// An event on its way to the subscriber.
pub(crate) struct Ready {
    pub(crate) event: Event,
    /// Its sequence in the stream.
    pub(crate) sequence: u64,
    pub(crate) reply: Option<String>,
}

/// A step that was begun, and gives its reader back.
type Step = Pin<Box<dyn Future<Output = (Box<Reader>, Result<(), Error>)> + Send>>;

/// Every event once and in order, from where it began.
pub struct Subscription {
    options: Options,
    /// What reads, unless it is in the middle of a step.
    reader: Option<Box<Reader>>,
    /// That step; in a lock that nobody takes, for it could not be shared.
    step: Option<Mutex<Step>>,
    /// Everything given so far.
    given: Checkpoint,
    /// The stream that it came from, if its sequences are its own.
    created: Option<String>,
    ready: VecDeque<Ready>,
    /// What went wrong behind the events that are ready.
    failed: Option<Error>,
    /// The acknowledgement of the event given last.
    reply: Option<String>,
    /// Copies of what was not acknowledged yet, by their sequence.
    late: BTreeMap<u64, String>,
    status: Status,
    trouble_since: Option<Instant>,
    rests_until: Option<Instant>,
    backoff: Backoff,
}

impl std::fmt::Debug for Subscription {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Subscription")
            .field("stream", &self.options.stream())
            .field("given", &self.given.positions())
            .field("status", &self.status)
            .finish_non_exhaustive()
    }
}

impl Subscription {
    /// Begins a subscription: connects once, so that what is wrong shows here and not hours later.
    ///
    /// # Errors
    /// [`Error`]: what does not fit, or cannot be reached.
    pub async fn open(options: Options) -> Result<Self, Error> {
        let mut reader = Reader::begin(options.clone()).await?;
        let given = reader.far();
        reader.step().await?;
        let mut subscription = Self {
            options,
            reader: None,
            step: None,
            given,
            created: None,
            ready: VecDeque::new(),
            failed: None,
            reply: None,
            late: BTreeMap::new(),
            status: Status::default(),
            trouble_since: None,
            rests_until: None,
            backoff: Backoff::new(Duration::from_millis(50), Duration::from_secs(2)),
        };
        subscription.collect(Box::new(reader));
        Ok(subscription)
    }

    /// The next event. Asking for it says that the one before was dealt with.
    ///
    /// Waits for as long as there is none.
    /// What may pass by itself is tried again, and told once nothing has come on for [`Options::patience`].
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
                self.bear(error)?;
            }
            if let Some(until) = self.rests_until {
                tokio::time::sleep_until(until).await;
                self.rests_until = None;
            }
            self.rest().await;
            self.go_on().await;
        }
    }

    /// Acknowledges the event given last, and waits until that has left; for whoever stops here.
    pub async fn acknowledge(&mut self) {
        self.finish().await;
        self.settle().await;
        let pull = self.reader.as_mut().and_then(|reader| reader.pull());
        if let Some(pull) = pull
            && let Err(error) = pull.flush().await
        {
            warn!("acknowledgements may be lost: {error}");
        }
    }

    /// Everything given so far; keep it in one transaction with what that did to your data.
    #[must_use]
    pub fn checkpoint(&self) -> Checkpoint {
        self.given.clone()
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
        self.finish().await;
        match &mut self.reader {
            Some(reader) => reader.pass_over().await,
            None => Ok(()),
        }
    }

    fn give(&mut self, ready: Ready) -> Event {
        let Ready {
            event,
            sequence,
            reply,
        } = ready;
        self.reply = reply;
        // Its source is among those taken, which are no more than there may be.
        self.given.advance(&event.source, event.position);
        self.given.set_mark(&event.source, Mark::of(&event));
        let created = self.created.clone();
        self.given.set_hub(created.map(|created| Place {
            created,
            sequence,
            id: Some(event.id.clone()),
        }));
        event
    }

    /// With nothing on its way, what was passed over counts as given.
    async fn rest(&mut self) {
        if let Some(reader) = &self.reader {
            self.given = reader.far();
        }
        if !self.late.is_empty() {
            self.settle().await;
        }
    }

    /// The sequence given last.
    fn given_sequence(&self) -> u64 {
        match self.options.ledger_name() {
            Some(ledger) => self.given.position(&source_of(ledger)),
            None => self.given.hub().map_or(0, |place| place.sequence),
        }
    }

    /// Acknowledges what was given, and copies of it.
    async fn settle(&mut self) {
        let given = self.given_sequence();
        // In the middle of a step nothing was given since the last time.
        let Some(reader) = &mut self.reader else {
            return;
        };
        let Some(pull) = reader.pull() else {
            self.reply = None;
            return;
        };
        while let Some(reply) = self.reply.clone().or_else(|| {
            let first = self.late.first_key_value();
            let first = first.filter(|(sequence, _)| **sequence <= given);
            first.map(|(_, reply)| reply.clone())
        }) {
            if let Err(error) = pull.acknowledge(&reply).await {
                // It comes again, and is acknowledged then.
                info!("an acknowledgement was not sent: {error}");
                return;
            }
            if self.reply.take().is_none() {
                self.late.pop_first();
            }
        }
    }

    /// Ends a step that somebody gave up waiting for.
    async fn finish(&mut self) {
        if self.step.is_some() {
            self.go_on().await;
        }
    }

    /// One step, or the rest of the one that was begun.
    async fn go_on(&mut self) {
        if let Some(mut reader) = self.reader.take() {
            let step: Step = Box::pin(async move {
                let stepped = reader.step().await;
                (reader, stepped)
            });
            self.step = Some(Mutex::new(step));
        }
        // There is always one of the two.
        let Some(step) = &mut self.step else {
            return;
        };
        let step = step.get_mut().unwrap_or_else(PoisonError::into_inner);
        let (reader, stepped) = step.await;
        self.step = None;
        self.collect(reader);
        self.failed = stepped.err();
    }

    /// What a step brought.
    fn collect(&mut self, mut reader: Box<Reader>) {
        self.ready.append(&mut reader.ready);
        for (sequence, reply) in std::mem::take(&mut reader.late) {
            // What has no room is given again by the server, and acknowledged then.
            if self.late.len() < LATE_MAX {
                self.late.insert(sequence, reply);
            }
        }
        self.created = reader.created().cloned();
        let trouble = reader.status.trouble.take();
        self.status = Status {
            trouble: trouble.or_else(|| self.status.trouble.take()),
            ..reader.status.clone()
        };
        // That a door opens is no progress yet: it may be shut again each time.
        if !self.ready.is_empty() || reader.has_moved() {
            self.trouble_since = None;
            self.status.trouble = None;
            self.backoff.reset();
        }
        self.reader = Some(reader);
    }

    /// Waits a while after trouble that may pass, unless it has lasted too long.
    fn bear(&mut self, error: Error) -> Result<(), Error> {
        let text = told(&error);
        if self.status.trouble.as_ref() != Some(&text) {
            let (stream, reason) = (self.options.stream(), error.reason());
            warn!(stream, reason, "no next event of {stream}: {text}");
        }
        self.status.trouble = Some(text);
        self.rests_until = Some(Instant::now() + self.backoff.delay());
        let since = *self.trouble_since.get_or_insert_with(Instant::now);
        if !error.may_pass() || since.elapsed() >= self.options.patience {
            self.trouble_since = None;
            return Err(error);
        }
        Ok(())
    }
}

/// An error with everything that caused it, on one line.
pub(crate) fn told(error: &Error) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}
