//! From the stream: one connection, what came over it and was not looked at yet.

use std::collections::BTreeMap;
use std::time::Duration;

use bus::pull::{Look, Pull, Pulled, Standing};
use bus::{PullError, PullOptions};
use tokio::time::Instant;

use crate::checkpoint::SOURCES_MAX;

/// Most messages taken before they are looked at.
const PAGE: usize = 256;
/// How long the next message is waited for before the stream is doubted.
const IDLE: Duration = Duration::from_secs(1);
/// A ledger that is not heard of for so long is silent; its relay tells its head once a second.
const SILENCE: Duration = Duration::from_secs(10);
/// What may come again has come so long after the consumer's `ack_wait`.
const AGAIN: Duration = Duration::from_secs(2);

/// One connection's way through the stream.
pub(crate) struct StreamRead {
    pub(crate) pull: Pull,
    pub(crate) standing: Standing,
    /// What came.
    pub(crate) page: Vec<Pulled>,
    /// Messages given to an earlier connection that the server will give again; until they are here, nothing is given on.
    awaited: u64,
    held: BTreeMap<u64, Pulled>,
    /// When one of those came last, or they were asked about.
    awaited_since: Instant,
    /// Where the log was when the stream was last found idle.
    pub(crate) head_before: Option<u64>,
    /// Where the stream was then.
    pub(crate) last_before: Option<u64>,
    pub(crate) doubted: Instant,
    /// Whether the stream showed that it has what was seen last, as far as it can.
    pub(crate) is_compared: bool,
    /// When each ledger was heard of.
    beats: BTreeMap<String, Instant>,
    opened: Instant,
    /// When something came, or nothing for [`IDLE`], though each wait in between was given up.
    heard: Instant,
}

/// The options of a connection.
pub(crate) fn pull_options(options: &crate::Options) -> PullOptions {
    PullOptions {
        access: options.bus.clone(),
        stream: options.stream(),
        name: options.name.clone(),
        filters: options.filters.clone(),
        consumer: options.consumer.clone(),
        domain: options.domain.clone(),
        timeout: Duration::from_secs(5),
    }
}

impl StreamRead {
    /// Begins to read after a sequence; with what the stream holds, if this subscriber may know that.
    pub(crate) async fn open(
        options: &crate::Options,
        after: u64,
        may_look: &mut bool,
    ) -> Result<(Self, Option<Look>), PullError> {
        let mut pull = Pull::connect(pull_options(options)).await?;
        pull.listen(options.ledger_name().unwrap_or("*")).await?;
        let standing = pull.begin(after).await?;
        // After the consumer is there: what it would have passed over shows now.
        let look = look(&mut pull, options, may_look).await?;
        let read = Self {
            pull,
            awaited: standing.pending,
            standing,
            page: Vec::new(),
            held: BTreeMap::new(),
            awaited_since: Instant::now(),
            head_before: None,
            last_before: None,
            doubted: Instant::now(),
            is_compared: false,
            beats: BTreeMap::new(),
            opened: Instant::now(),
            heard: Instant::now(),
        };
        Ok((read, look))
    }

    /// Nothing is waited for that was given before: the log has it.
    pub(crate) fn await_nothing(&mut self) {
        self.awaited = 0;
    }

    /// Whether what was given before should have come again by now.
    pub(crate) fn is_overdue(&self) -> bool {
        let wait = self.standing.ack_wait + AGAIN;
        self.awaited > 0 && self.awaited_since.elapsed() >= wait
    }

    /// Of so many that were given and not acknowledged, those held here are no longer awaited; gives how many of the
    /// others do not come any more.
    pub(crate) fn await_again(&mut self, pending: u64) -> u64 {
        let elsewhere = pending.saturating_sub(self.held.len() as u64);
        let lost = self.awaited.saturating_sub(elsewhere);
        self.awaited -= lost;
        self.awaited_since = Instant::now();
        self.let_go();
        lost
    }

    /// How many were given before and are to come again.
    pub(crate) fn awaited(&self) -> u64 {
        self.awaited
    }

    /// Whether everything that came was given on, and nothing is to come again.
    pub(crate) fn holds_nothing(&self) -> bool {
        self.page.is_empty() && self.held.is_empty() && self.awaited == 0
    }

    /// Which of these ledgers were not heard of for a while, if that can be known.
    pub(crate) fn silent<'l>(&mut self, ledgers: impl Iterator<Item = &'l str>) -> Vec<String> {
        let Some(heard) = self.pull.beats() else {
            return Vec::new();
        };
        let now = Instant::now();
        for ledger in heard {
            if self.beats.len() < SOURCES_MAX || self.beats.contains_key(&ledger) {
                self.beats.insert(ledger, now);
            }
        }
        let is_silent = |ledger: &&str| {
            let last = self.beats.get(*ledger).unwrap_or(&self.opened);
            now.duration_since(*last) >= SILENCE
        };
        ledgers.filter(is_silent).map(ToOwned::to_owned).collect()
    }

    /// Waits for messages; false if none came for a while. Nothing is lost if this is dropped.
    pub(crate) async fn fill(&mut self) -> Result<bool, PullError> {
        let wait = IDLE.saturating_sub(self.heard.elapsed());
        let first = self.pull.next(wait).await?;
        self.heard = Instant::now();
        let Some(first) = first else {
            return Ok(false);
        };
        self.take(first);
        while self.page.len() + self.held.len() < PAGE {
            match self.pull.here()? {
                Some(message) => self.take(message),
                None => break,
            }
        }
        Ok(true)
    }

    /// Puts a message where it belongs; in order, once everything that an earlier connection lost is here.
    fn take(&mut self, message: Pulled) {
        if self.awaited == 0 {
            return self.page.push(message);
        }
        let is_again = message.sequence <= self.standing.delivered;
        let is_new = self.held.insert(message.sequence, message).is_none();
        if is_again && is_new {
            self.awaited -= 1;
            self.awaited_since = Instant::now();
        }
        self.let_go();
    }

    /// Gives on what was held, in order, once nothing is awaited.
    fn let_go(&mut self) {
        if self.awaited == 0 {
            let held = std::mem::take(&mut self.held);
            self.page.extend(held.into_values());
        }
    }
}

/// What the stream holds, unless only its consumer may be asked; what an operator permits a subscriber is that.
pub(crate) async fn look(
    pull: &mut Pull,
    options: &crate::Options,
    may_look: &mut bool,
) -> Result<Option<Look>, PullError> {
    if !*may_look {
        return Ok(None);
    }
    match pull.look().await {
        Ok(look) => Ok(Some(look)),
        Err(PullError::NotPermitted { .. }) if options.consumer.is_some() => {
            *may_look = false;
            Ok(None)
        }
        Err(error) => Err(error),
    }
}
