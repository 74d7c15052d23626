//! From the stream: one connection, what came over it and was not looked at yet.

use std::collections::BTreeMap;

use bus::pull::{Look, Pull, Pulled, Standing};
use bus::{PullError, PullOptions};
use std::time::Duration;
use tokio::time::Instant;

/// Most messages taken before they are looked at.
const PAGE: usize = 256;
/// How long the next message is waited for before the stream is doubted.
const IDLE: Duration = Duration::from_secs(1);

/// One connection's way through the stream.
pub(crate) struct StreamRead {
    pub(crate) pull: Pull,
    pub(crate) standing: Standing,
    /// What came.
    pub(crate) page: Vec<Pulled>,
    /// Messages given to an earlier connection that the server will give again; until they are here, nothing is given on.
    awaited: u64,
    held: BTreeMap<u64, Pulled>,
    /// Where the log was when the stream was last found idle.
    pub(crate) head_before: Option<u64>,
    pub(crate) doubted: Instant,
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
        let standing = pull.begin(after).await?;
        // After the consumer is there: what it would have passed over shows now.
        let look = look(&mut pull, options, may_look).await?;
        let read = Self {
            pull,
            awaited: standing.pending,
            standing,
            page: Vec::new(),
            held: BTreeMap::new(),
            head_before: None,
            doubted: Instant::now(),
            heard: Instant::now(),
        };
        Ok((read, look))
    }

    /// Nothing is waited for that was given before: the log has it.
    pub(crate) fn await_nothing(&mut self) {
        self.awaited = 0;
    }

    /// Whether everything that came was given on.
    pub(crate) fn holds_nothing(&self) -> bool {
        self.page.is_empty() && self.held.is_empty()
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
        }
        if self.awaited == 0 {
            self.page
                .extend(std::mem::take(&mut self.held).into_values());
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
