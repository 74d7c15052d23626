//! A second state, folded from the first event on while the first serves; then served, if somebody says so.
//!
//! A job of the service folds it, from the log or from the bus, and goes on although whoever asked has left.
//! When it has nearly caught up it takes the turn, so that the follower waits, reads the rest and compares both at one position; from there on the follower folds each new event into both.
//! To switch is to swap the two under the turn: every question is answered by one or by the other, at positions that never go back.
//! The state that served stays as the second one and follows on, so that the switch is undone by the same swap, at once.
//!
//! The second state has no effect of its own: it tells no watch, is in no snapshot, and moves neither freshness nor readiness nor the position that questions wait for.
//! All of these hang on [`Shared`], which only the serving state's fold touches; [`Second::fold`] has nothing but its own state.
//! An event that cannot be folded into it stops it and nothing else.
//! What is on the disk changes only where two states differ: whoever accepts that no longer believes in the one that serves, so its snapshots are put aside before the switch.
//! A start then reads the whole log, until the next snapshot is taken, of whichever state serves by then.
//! Two states take twice the memory, until the second is let go of.
//!
//! - `second`: the state that does not serve, and how it stands
//! - `feed`: where its events come from
//! - `failure`: why it cannot go on
//! - `job`: how it is folded up to the one that serves
//! - `comparison`: what differs between the two

mod comparison;
mod failure;
mod feed;
mod job;
mod second;

use std::sync::Arc;

use host::CancellationToken;
use tokio::sync::{Mutex, OwnedMutexGuard, Semaphore};
use tokio::task::JoinHandle;
use tonic::{Code, Status};
use wire::log_reader::LogReader;
use wire::status::with_reason;

use crate::grpc::VERIFICATIONS_MAX;
use crate::shared::Shared;
use crate::snapshot::Store;
use comparison::Compare;
use feed::Feed;
use job::Job;

pub(crate) use feed::{Bus, Source};
pub(crate) use second::{Phase, Run, Second};

/// Begins, ends and switches rebuilds, one after the other.
pub(crate) struct Rebuilder {
    shared: Arc<Shared>,
    log: LogReader,
    bus: Bus,
    /// One permit for whoever folds the whole log: a job or a verification.
    pub(crate) verifications: Arc<Semaphore>,
    shutdown: CancellationToken,
    /// The snapshots of the state that serves; none where nothing is on the disk.
    snapshots: Option<Arc<Store>>,
    /// How the two states are compared; a test of a fault has one that panics.
    pub(crate) compare: Compare,
    /// The last job that was begun; held by whoever changes how the second state stands.
    job: Mutex<Option<Running>>,
}

/// A job that was begun.
struct Running {
    stop: CancellationToken,
    ended: JoinHandle<()>,
}

/// What is to be folded.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wanted {
    /// From where; none for where it came from so far, or the log.
    pub(crate) source: Option<Source>,
    /// Whether what was folded so far is dropped.
    pub(crate) anew: bool,
}

impl Rebuilder {
    /// With nothing folded, and nothing on the disk.
    pub(crate) fn new(
        shared: &Arc<Shared>,
        log: &LogReader,
        bus: Bus,
        shutdown: &CancellationToken,
    ) -> Self {
        Self {
            shared: Arc::clone(shared),
            log: log.clone(),
            bus,
            verifications: Arc::new(Semaphore::new(VERIFICATIONS_MAX)),
            shutdown: shutdown.clone(),
            snapshots: None,
            compare: comparison::compare,
            job: Mutex::default(),
        }
    }

    /// Knows the snapshots of the state that serves from now on.
    pub(crate) fn keep(&mut self, snapshots: Arc<Store>) {
        self.snapshots = Some(snapshots);
    }

    /// Begins a rebuild or goes on with one; one that runs and is what is wanted runs on.
    ///
    /// # Errors
    /// PROJECTION_BUSY while another one or a verification runs, PROJECTION_SWITCHED while the switch can be undone, REBUILD_OTHER_SOURCE if it was folded from elsewhere.
    pub(crate) async fn begin(&self, wanted: Wanted) -> Result<(), Status> {
        let mut job = self.job.lock().await;
        let run = self.shared.second.run();
        let so_far = run.as_ref().map(|run| run.source);
        let source = wanted.source.or(so_far).unwrap_or(Source::Log);
        let is_same = so_far.is_none_or(|so_far| so_far == source);
        let is_mixed = !is_same && self.shared.second.position() > 0;
        match run.map(|run| run.phase) {
            Some(Phase::Folding) if is_same && !wanted.anew => return Ok(()),
            Some(Phase::Folding) => return Err(busy()),
            Some(Phase::Switched) => return Err(switched()),
            _ if is_mixed && !wanted.anew => {
                let message = "the second state was folded from elsewhere so far; go on from there, or begin anew";
                let code = Code::FailedPrecondition;
                return Err(with_reason(code, "REBUILD_OTHER_SOURCE", message));
            }
            _ => {}
        }
        // It has told its end; it must not tell it of the next one.
        over(&mut job).await;
        let verifications = Arc::clone(&self.verifications);
        let permit = verifications.try_acquire_owned().map_err(|_| busy())?;
        if wanted.anew {
            self.let_go();
        }
        let stop = self.shutdown.child_token();
        let begun = Job {
            shared: Arc::clone(&self.shared),
            feed: self.feed(source),
            state: self.shared.second.take(source),
            compare: self.compare,
            history: self.shared.history(),
            permit,
        };
        let ended = host::task::spawn("projection-rebuild", begun.run(stop.clone()));
        *job = Some(Running { stop, ended });
        Ok(())
    }

    fn feed(&self, source: Source) -> Feed {
        match source {
            Source::Log => Feed::Log {
                log: self.log.clone(),
                open: None,
            },
            Source::Bus => Feed::Bus {
                bus: self.bus.clone(),
                replay: None,
            },
        }
    }

    /// Serves the second state.
    ///
    /// # Errors
    /// PROJECTION_SWITCHED if it serves already, REBUILD_NOT_READY unless it follows, REBUILD_DIFFERS if the two differ and that is not accepted.
    pub(crate) async fn switch(&self, accept_differences: bool) -> Result<(), Status> {
        let _job = self.job.lock().await;
        let run = self.shared.second.run();
        let run = match run {
            Some(run) if run.phase == Phase::Ready => run,
            Some(run) if run.phase == Phase::Switched => return Err(switched()),
            _ => return Err(not_ready()),
        };
        let is_same = run.comparison.is_some_and(|found| found.same);
        if !is_same && !accept_differences {
            let message = "the second state differs from the one that serves; look at the comparison, and accept the differences or discard it";
            let code = Code::FailedPrecondition;
            return Err(with_reason(code, "REBUILD_DIFFERS", message));
        }
        let turn = self.shared.turn().await;
        if !is_same {
            self.supersede().await;
        }
        self.swap(Phase::Switched, turn)
    }

    /// Serves the state again that served before the switch.
    ///
    /// # Errors
    /// PROJECTION_NOT_SWITCHED if there was none, or if it could not be folded on.
    pub(crate) async fn undo(&self) -> Result<(), Status> {
        let _job = self.job.lock().await;
        let run = self.shared.second.run();
        if run.is_none_or(|run| run.phase != Phase::Switched) {
            let message = "no state that served before is kept, so there is nothing to go back to";
            let code = Code::FailedPrecondition;
            return Err(with_reason(code, "PROJECTION_NOT_SWITCHED", message));
        }
        let turn = self.shared.turn().await;
        self.swap(Phase::Ready, turn)
    }

    /// Sees to it that no start takes a snapshot of the state that has served until now.
    async fn supersede(&self) {
        let Some(snapshots) = self.snapshots.clone() else {
            return;
        };
        let superseded = tokio::task::spawn_blocking(move || snapshots.supersede()).await;
        if let Ok(Err(error)) = superseded {
            let reason = error.reason();
            tracing::warn!(
                reason,
                "a snapshot of the state that served before stays: {error}; delete it before the next start"
            );
        }
    }

    fn swap(&self, phase: Phase, _turn: OwnedMutexGuard<()>) -> Result<(), Status> {
        if !self.shared.swap(phase.clone()) {
            return Err(not_ready());
        }
        let position = self.shared.position();
        let undone = phase == Phase::Ready;
        tracing::info!(
            position,
            undone,
            "another state serves from position {position} on"
        );
        Ok(())
    }

    /// Ends the folding; what was folded is kept, or let go of.
    ///
    /// # Errors
    /// PROJECTION_SWITCHED if what is kept serves to undo a switch, and is not to be let go of.
    pub(crate) async fn cancel(&self, discard: bool) -> Result<(), Status> {
        let mut job = self.job.lock().await;
        let is_switched = |run: Run| run.phase == Phase::Switched;
        if !discard && self.shared.second.run().is_some_and(is_switched) {
            return Err(switched());
        }
        if let Some(running) = job.as_ref() {
            running.stop.cancel();
        }
        over(&mut job).await;
        if discard {
            self.let_go();
        } else {
            self.shared.second.cancel();
        }
        Ok(())
    }

    fn let_go(&self) {
        let state = self.shared.second.discard();
        // Giving back gigabytes would keep others waiting.
        tokio::task::spawn_blocking(move || drop(state));
    }
}

/// Waits for the end of a job; whoever leaves meanwhile leaves it where the next one finds it.
async fn over(job: &mut Option<Running>) {
    if let Some(running) = job {
        // A panic was told where it happened.
        let _ = (&mut running.ended).await;
    }
    *job = None;
}

fn busy() -> Status {
    let message = "the projection is being verified or rebuilt already; try again later, or cancel the rebuild";
    with_reason(Code::ResourceExhausted, "PROJECTION_BUSY", message)
}

fn switched() -> Status {
    let message = "the rebuilt state serves, and the one that served before is kept; undo the switch or let go of that one first";
    with_reason(Code::FailedPrecondition, "PROJECTION_SWITCHED", message)
}

fn not_ready() -> Status {
    let message = "no second state is ready; rebuild first, and wait for its comparison";
    with_reason(Code::FailedPrecondition, "REBUILD_NOT_READY", message)
}
