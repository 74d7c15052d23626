//! The state that the follower writes and the queries read.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};

use bus::BoxError;
use host::Clock;
use state::{ApplyError, State};
use tokio::sync::{Mutex, OwnedMutexGuard, watch};
use wire::log_reader::{Batch, Logged};

use crate::freshness::{Freshness, Heard};
use crate::rebuild::{Phase, Second};
use crate::watch::Recent;

/// Events folded while readers wait: some hundred microseconds of work.
const FOLDED_AT_ONCE: usize = 256;

/// The state, and its position for those who wait for it.
pub(crate) struct Shared {
    state: RwLock<State>,
    turn: Arc<Mutex<()>>,
    position: watch::Sender<u64>,
    /// Whether the log was read to its head once; before that an answer would miss what is on record.
    caught_up: watch::Sender<bool>,
    /// How many times everything was dropped, for what was folded was not the ledger.
    history: AtomicU64,
    heard: Heard,
    /// The newest events, for those who watch.
    pub(crate) recent: Recent,
    /// The state that does not serve.
    pub(crate) second: Second,
}

impl Shared {
    /// An empty state; of the newest events so many bytes are kept at most.
    pub(crate) fn new(clock: Arc<dyn Clock>, recent_bytes_max: usize) -> Self {
        Self {
            state: RwLock::new(State::new()),
            turn: Arc::default(),
            position: watch::Sender::new(0),
            caught_up: watch::Sender::new(false),
            history: AtomicU64::new(0),
            heard: Heard::new(clock),
            recent: Recent::new(recent_bytes_max),
            second: Second::new(),
        }
    }

    /// The state as folded now. Hold it for one answer, never across an await.
    pub(crate) fn read(&self) -> RwLockReadGuard<'_, State> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// The right to change the state, or to keep it from changing, until it is dropped.
    ///
    /// Whoever reads the whole state takes it first: a follower that waited for the state's own lock would keep every question waiting behind it.
    pub(crate) async fn turn(&self) -> OwnedMutexGuard<()> {
        Arc::clone(&self.turn).lock_owned().await
    }

    /// Serves another state, at a later position, from now on.
    pub(crate) fn replace(&self, state: State) {
        let position = state.position();
        *self.state.write().unwrap_or_else(PoisonError::into_inner) = state;
        self.tell(position);
    }

    /// Drops everything, for what was folded is not the ledger; whoever calls holds the turn.
    ///
    /// Questions wait as at a start; what else rests on a position sees another [`Shared::history`].
    /// Gives what is dropped: giving back gigabytes would keep others waiting.
    pub(crate) fn begin_anew(&self) -> [State; 2] {
        self.caught_up.send_replace(false);
        self.history.fetch_add(1, Ordering::AcqRel);
        self.recent.forget();
        // One that is being folded is given up by its job.
        let second = self.second.follows().then(|| self.second.discard());
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        let dropped = std::mem::take(&mut *state);
        self.heard.forget();
        self.tell(0);
        [dropped, second.flatten().unwrap_or_default()]
    }

    /// How many times everything was dropped: positions of different histories say nothing of each other.
    pub(crate) fn history(&self) -> u64 {
        self.history.load(Ordering::Acquire)
    }

    /// Serves the second state instead, and keeps this one as the second; whoever calls holds the turn.
    ///
    /// False, and nothing is changed, unless both stand at one position: no answer goes back.
    pub(crate) fn swap(&self, phase: Phase) -> bool {
        let swap = |second: &mut State| {
            let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
            let is_level = state.position() == second.position();
            if is_level {
                std::mem::swap(&mut *state, second);
            }
            is_level
        };
        self.second.swap(swap, phase)
    }

    pub(crate) fn position(&self) -> u64 {
        *self.position.borrow()
    }

    /// The newest position heard of: folded, or told by the relay or the log.
    pub(crate) fn head(&self) -> u64 {
        self.heard.head().max(self.position())
    }

    /// Takes note that the log's head was heard of; whatever is folded is in the log too.
    pub(crate) fn hear(&self, head: u64) {
        let folded = self.position();
        self.heard.hear(head.max(folded), folded);
    }

    /// How fresh an answer from a state is.
    pub(crate) fn freshness(&self, state: &State) -> Freshness {
        self.heard.freshness(state.position())
    }

    /// Folds events in order, some at a time, so that readers get in between.
    ///
    /// Each is read while they wait: that takes less than to hand it over.
    pub(crate) fn fold(&self, batch: &mut Batch<'_>) -> Result<(), BoxError> {
        let mut is_more = true;
        while is_more {
            let mut beside = self.second.follows().then(Vec::new);
            let (position, folded) = self.apply(|state| fold_some(state, batch, &mut beside));
            self.second.fold(beside.as_deref().unwrap_or_default());
            self.tell(position);
            is_more = folded?;
        }
        Ok(())
    }

    /// As [`Shared::fold`], of an event that took so many bytes on the bus: it is kept for those who watch.
    pub(crate) fn fold_new(&self, logged: Logged, bytes: usize) -> Result<(), ApplyError> {
        let (position, known, event) = &logged;
        let (position, folded) = self.apply(|state| state.apply(*position, *known, event));
        folded?;
        self.second.fold(std::slice::from_ref(&logged));
        // Those who wait for the position find the event there.
        self.recent.keep(logged, bytes);
        self.tell(position);
        Ok(())
    }

    /// Changes the state; up to where it is folded then, and what the change gives.
    fn apply<T>(&self, fold: impl FnOnce(&mut State) -> T) -> (u64, T) {
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        let folded = fold(&mut state);
        (state.position(), folded)
    }

    fn tell(&self, position: u64) {
        self.position.send_replace(position);
        self.heard.fold(position);
    }

    /// The newest position folded, and word of each that follows.
    pub(crate) fn folded(&self) -> watch::Receiver<u64> {
        self.position.subscribe()
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

/// Folds as many as readers wait for at most; whether there are more.
///
/// What is folded is also kept beside, if that is wanted.
fn fold_some(
    state: &mut State,
    batch: &mut Batch<'_>,
    beside: &mut Option<Vec<Logged>>,
) -> Result<bool, BoxError> {
    for _ in 0..FOLDED_AT_ONCE {
        let Some((position, known, event)) = batch.next()? else {
            return Ok(false);
        };
        state.apply(position, known, event)?;
        if let Some(beside) = beside {
            beside.push((position, known, event.clone()));
        }
    }
    Ok(true)
}
