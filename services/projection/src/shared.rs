//! The state that the follower writes and the queries read.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{PoisonError, RwLock, RwLockReadGuard};

use domain::Event;
use jiff::Timestamp;
use state::{ApplyError, State};
use tokio::sync::watch;

/// The state, and its position for those who wait for it.
pub(crate) struct Shared {
    state: RwLock<State>,
    position: watch::Sender<u64>,
    /// Whether the log was read to its head once; before that an answer would miss what is on record.
    caught_up: watch::Sender<bool>,
    /// The log's head as the relay last told it; 0 while nothing was heard.
    head: AtomicU64,
}

impl Shared {
    pub(crate) fn new() -> Self {
        Self {
            state: RwLock::new(State::new()),
            position: watch::Sender::new(0),
            caught_up: watch::Sender::new(false),
            head: AtomicU64::new(0),
        }
    }

    /// The state as folded now. Hold it for one answer, never across an await.
    pub(crate) fn read(&self) -> RwLockReadGuard<'_, State> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn position(&self) -> u64 {
        *self.position.borrow()
    }

    /// The newest position heard of: folded, or told by the relay.
    pub(crate) fn head(&self) -> u64 {
        self.head.load(Ordering::Relaxed).max(self.position())
    }

    pub(crate) fn set_head(&self, head: u64) {
        self.head.store(head, Ordering::Relaxed);
    }

    pub(crate) fn fold(
        &self,
        position: u64,
        known: Timestamp,
        event: &Event,
    ) -> Result<(), ApplyError> {
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        state.apply(position, known, event)?;
        drop(state);
        self.position.send_replace(position);
        Ok(())
    }

    pub(crate) fn set_caught_up(&self) {
        self.caught_up
            .send_if_modified(|caught_up| !std::mem::replace(caught_up, true));
    }

    /// Waits until the log was read to its head once.
    pub(crate) async fn caught_up(&self) {
        // As below: the sender lives as long as `self`.
        let _ = self
            .caught_up
            .subscribe()
            .wait_for(|caught_up| *caught_up)
            .await;
    }

    /// Waits until a position is folded.
    pub(crate) async fn reached(&self, position: u64) {
        let mut folded = self.position.subscribe();
        // The sender lives as long as `self`, so the wait ends only by reaching the position.
        let _ = folded.wait_for(|folded| *folded >= position).await;
    }
}
