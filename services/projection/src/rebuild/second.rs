//! The state that does not serve.
//!
//! A job owns it while it is folded; then it lies here, and the follower folds each new event into both, under the same turn.
//! Who holds the turn finds both at one position, so that serving the other one leaves no gap.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use state::State;
use tokio::sync::watch;
use tokio::time::Instant;
use wire::log_reader::Logged;
use wire::v1;

use super::failure::Failure;
use super::feed::Source;

/// The second state, if there is one, and how it stands.
pub(crate) struct Second {
    /// Not there while a job has it.
    state: Mutex<Option<State>>,
    /// Whether new events are folded into it.
    follows: AtomicBool,
    /// The last position folded into it.
    position: AtomicU64,
    run: watch::Sender<Option<Run>>,
}

/// How a second state stands, and how its folding went since it was last begun or resumed.
#[derive(Debug, Clone)]
pub(crate) struct Run {
    pub(crate) phase: Phase,
    pub(crate) source: Source,
    /// Where it stood when this run began.
    pub(crate) resumed_from: u64,
    begun: Instant,
    /// How long the folding took and where it came to; none while it goes on.
    folded: Option<(Duration, u64)>,
    /// How long the run took, the comparison included; none while it goes on.
    took: Option<Duration>,
    /// What was found, if it got so far.
    pub(crate) comparison: Option<Arc<v1::ProjectionComparison>>,
}

/// How a second state stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Phase {
    /// A job folds it, or compares it.
    Folding,
    /// It follows, beside the state that it was compared with.
    Ready,
    /// It was taken to serve; here lies the one that served.
    Switched,
    /// It was told to stop.
    Cancelled,
    /// It could not go on.
    Failed(Failure),
}

impl Run {
    /// For how long it has gone on, or did.
    pub(crate) fn took(&self) -> Duration {
        self.took.unwrap_or_else(|| self.begun.elapsed())
    }

    /// How many events it folded in a second on average, if the second state is at a position by now.
    pub(crate) fn events_per_second(&self, position: u64) -> u64 {
        let now = (self.begun.elapsed(), position);
        let (folding, reached) = self.folded.unwrap_or(now);
        let events = u128::from(reached.saturating_sub(self.resumed_from));
        let per_second = events * 1_000_000 / folding.as_micros().max(1);
        u64::try_from(per_second).unwrap_or(u64::MAX)
    }
}

impl Second {
    /// None.
    pub(crate) fn new() -> Self {
        Self {
            state: Mutex::default(),
            follows: AtomicBool::new(false),
            position: AtomicU64::new(0),
            run: watch::Sender::new(None),
        }
    }

    fn state(&self) -> MutexGuard<'_, Option<State>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How it stands; none if there is none.
    pub(crate) fn run(&self) -> Option<Run> {
        self.run.borrow().clone()
    }

    /// How it stands, and word of each change of that.
    pub(crate) fn subscribe(&self) -> watch::Receiver<Option<Run>> {
        self.run.subscribe()
    }

    /// The last position folded into it; 0 if there is none.
    pub(crate) fn position(&self) -> u64 {
        self.position.load(Ordering::Relaxed)
    }

    /// Gives it to a job: what was folded so far, or with nothing folded.
    pub(super) fn take(&self, source: Source) -> State {
        self.follows.store(false, Ordering::Release);
        let state = self.state().take().unwrap_or_default();
        self.tell(state.position());
        self.run.send_replace(Some(Run {
            phase: Phase::Folding,
            source,
            resumed_from: state.position(),
            begun: Instant::now(),
            folded: None,
            took: None,
            comparison: None,
        }));
        state
    }

    /// Tells how far a job has come.
    pub(super) fn tell(&self, position: u64) {
        self.position.store(position, Ordering::Relaxed);
    }

    /// Takes note that a job has folded it so far, and will fold no more.
    pub(super) fn reached(&self, position: u64) {
        self.run.send_modify(|run| {
            if let Some(run) = run {
                run.folded = Some((run.begun.elapsed(), position));
            }
        });
    }

    /// Takes it back from a job that has ended before the end.
    pub(super) fn put_back(&self, state: State, phase: Phase) {
        let position = state.position();
        *self.state() = Some(state);
        self.reached(position);
        self.end(phase, position, None);
    }

    /// Takes it from a job that has compared it, and lets it follow; whoever calls holds the turn.
    pub(super) fn follow_on(&self, state: State, comparison: v1::ProjectionComparison) {
        let position = state.position();
        *self.state() = Some(state);
        self.follows.store(true, Ordering::Release);
        self.end(Phase::Ready, position, Some(Arc::new(comparison)));
    }

    /// Ends a run; who waits for its end finds all else as it will be.
    fn end(&self, phase: Phase, position: u64, comparison: Option<Arc<v1::ProjectionComparison>>) {
        self.tell(position);
        self.run.send_modify(|run| {
            if let Some(run) = run {
                run.phase = phase;
                run.took = Some(run.begun.elapsed());
                run.comparison = comparison;
            }
        });
    }

    fn set_phase(&self, phase: Phase) {
        self.run.send_modify(|run| {
            if let Some(run) = run {
                run.phase = phase;
            }
        });
    }

    /// Whether new events are to be folded into it; that changes only under the turn, or to no.
    pub(crate) fn follows(&self) -> bool {
        self.follows.load(Ordering::Acquire)
    }

    /// Folds what was folded into the first state; an error ends this and is nobody else's.
    pub(crate) fn fold(&self, events: &[Logged]) {
        if !self.follows() {
            return;
        }
        let mut second = self.state();
        // It may have been cancelled meanwhile.
        let (true, Some(state)) = (self.follows(), second.as_mut()) else {
            return;
        };
        let apply = |(position, known, event): &Logged| state.apply(*position, *known, event);
        let folded = events.iter().try_for_each(apply);
        self.tell(state.position());
        if let Err(error) = folded {
            self.follows.store(false, Ordering::Release);
            let failure = Failure::NotFolded(error.to_string());
            tracing::warn!(
                reason = failure.reason(),
                "the second state follows no longer: {failure}"
            );
            self.set_phase(Phase::Failed(failure));
        }
    }

    /// Serves it instead of another state, which is kept here; whoever calls holds the turn.
    ///
    /// False, and nothing is changed, unless it follows and stands where the other one does.
    pub(crate) fn swap(&self, serving: impl FnOnce(&mut State) -> bool, phase: Phase) -> bool {
        let mut second = self.state();
        let swapped = self.follows() && second.as_mut().is_some_and(serving);
        if swapped {
            self.set_phase(phase);
        }
        swapped
    }

    /// Stops it where it stands, if it follows; whatever else it does, or did, stays.
    pub(super) fn cancel(&self) {
        let _state = self.state();
        self.run.send_modify(|run| {
            if let Some(run) = run.as_mut().filter(|run| run.phase == Phase::Ready) {
                self.follows.store(false, Ordering::Release);
                run.phase = Phase::Cancelled;
                run.comparison = None;
            }
        });
    }

    /// Drops it; what it held.
    pub(crate) fn discard(&self) -> Option<State> {
        let state = self.state().take();
        self.follows.store(false, Ordering::Release);
        self.tell(0);
        self.run.send_replace(None);
        state
    }
}
