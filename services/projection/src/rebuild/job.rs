//! The second state, folded up to where the first one is, and compared with it.

use std::sync::Arc;
use std::time::Duration;

use host::CancellationToken;
use state::State;
use tokio::sync::{OwnedMutexGuard, OwnedSemaphorePermit};
use tokio::time::{Instant, sleep};

use super::comparison::Compare;
use super::failure::Failure;
use super::feed::Feed;
use super::second::Phase;
use crate::shared::Shared;

/// So many positions or fewer are read while the follower waits.
const CLOSE: u64 = 10_000;
/// How long more events are waited for where there are none though the first state has them.
const EVENTS_WAIT_MAX: Duration = Duration::from_secs(5);
/// Between two looks for them.
const LOOK_INTERVAL: Duration = Duration::from_millis(100);

/// What folds a second state.
pub(super) struct Job {
    pub(super) shared: Arc<Shared>,
    pub(super) feed: Feed,
    pub(super) state: State,
    pub(super) compare: Compare,
    /// That of the serving state when this was begun.
    pub(super) history: u64,
    /// To fold the whole log; given back before anybody is told of the end.
    pub(super) permit: OwnedSemaphorePermit,
}

impl Job {
    /// Folds until both states stand at one position, and lets the second follow; gives back what it has if it is stopped or fails.
    pub(super) async fn run(mut self, stop: CancellationToken) {
        // Whatever happens here, nobody waits for ever.
        let _guard = Guard(Arc::clone(&self.shared));
        let turn = tokio::select! {
            biased;
            () = stop.cancelled() => Err(Phase::Cancelled),
            turn = self.reach() => turn.map_err(Phase::Failed),
        };
        match turn {
            Ok(turn) => self.compare(turn).await,
            Err(phase) => {
                if let Phase::Failed(failure) = &phase {
                    tracing::warn!(reason = failure.reason(), "the rebuild failed: {failure}");
                }
                drop(self.permit);
                self.shared.second.put_back(self.state, phase);
            }
        }
    }

    /// Folds until both states stand at one position; the first stays there until the turn is dropped.
    async fn reach(&mut self) -> Result<OwnedMutexGuard<()>, Failure> {
        self.confirm().await?;
        loop {
            let head = self.shared.position();
            self.read(head).await?;
            if self.shared.position() <= head + CLOSE {
                break;
            }
        }
        let turn = self.shared.turn().await;
        if self.shared.history() != self.history {
            return Err(Failure::OtherEvents(self.state.position()));
        }
        self.read(self.shared.position()).await?;
        Ok(turn)
    }

    /// Sees to it that what was folded so far is what stands there still.
    async fn confirm(&mut self) -> Result<(), Failure> {
        let position = self.state.position();
        if position == 0 {
            return Ok(());
        }
        let events = self.feed.read(position, position).await?;
        // A log that was restored and filled anew has other events there, which it took at another time.
        let known = events.first().map(|(_, known, _)| *known);
        if known.is_some() && known == self.state.known() {
            Ok(())
        } else {
            Err(Failure::OtherEvents(position))
        }
    }

    /// Folds up to a position that the first state has reached.
    async fn read(&mut self, head: u64) -> Result<(), Failure> {
        let mut came = Instant::now();
        while self.state.position() < head {
            let events = self.feed.read(self.state.position() + 1, head).await?;
            if events.is_empty() {
                if came.elapsed() > EVENTS_WAIT_MAX {
                    return Err(self.feed.ends(self.state.position(), head));
                }
                sleep(LOOK_INTERVAL).await;
                continue;
            }
            for (position, known, event) in &events {
                let folded = self.state.apply(*position, *known, event);
                folded.map_err(|error| Failure::NotFolded(error.to_string()))?;
            }
            self.shared.second.tell(self.state.position());
            came = Instant::now();
        }
        Ok(())
    }

    /// Compares both, and lets the second follow; the first waits until that is done.
    async fn compare(self, turn: OwnedMutexGuard<()>) {
        let Self {
            shared,
            state,
            compare,
            permit,
            ..
        } = self;
        shared.second.reached(state.position());
        let compared = move || {
            let comparison = compare(&shared.read(), &state);
            let (position, same) = (comparison.position, comparison.same);
            tracing::info!(position, same, "a second state is ready at {position}");
            drop(permit);
            shared.second.follow_on(state, comparison);
            drop(turn);
        };
        // A panic ends the task, and the guard says so.
        let _ = tokio::task::spawn_blocking(compared).await;
    }
}

/// Tells that a job was broken off by a panic, which takes the state with it.
struct Guard(Arc<Shared>);

impl Drop for Guard {
    fn drop(&mut self) {
        let second = &self.0.second;
        if second.run().is_some_and(|run| run.phase == Phase::Folding) {
            second.put_back(State::new(), Phase::Failed(Failure::Broken));
        }
    }
}
