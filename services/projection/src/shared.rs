//! The state that the follower writes and the queries read.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{PoisonError, RwLock, RwLockReadGuard};

use state::{ApplyError, State};
use tokio::sync::watch;
use wire::log_reader::Logged;

/// Events folded while readers wait: some hundred microseconds of work.
const FOLDED_AT_ONCE: usize = 256;

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

    /// Folds events in order, some at a time, so that readers get in between.
    pub(crate) fn fold(&self, events: &[Logged]) -> Result<(), ApplyError> {
        for some in events.chunks(FOLDED_AT_ONCE) {
            let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
            let mut apply =
                |(position, known, event): &Logged| state.apply(*position, *known, event);
            let folded = some.iter().try_for_each(&mut apply);
            let position = state.position();
            drop(state);
            self.position.send_replace(position);
            folded?;
        }
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
