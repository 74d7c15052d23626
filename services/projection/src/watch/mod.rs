//! Watches: the events that concern a target, those on record and then those that come.
//!
//! A watch looks at one position after the other, up to what is folded, and sends what concerns its target.
//! It takes the events from the ring of recent ones ([`recent`]) if they are there, else from the log; both are read by position, so there is no seam between history and news where an event could be lost or told twice.
//! Whether an event concerns the target is asked of the state as known at the event's position (`state::Target`), so reading again tells the same.
//!
//! Folding waits for no watch: a watch that falls behind the ring reads the log, [`TURNS_MAX`] watches at a time.
//! A watch holds one piece of the log and [`Settings::ahead_max`] messages at most; a reader that takes none for [`Settings::patience`] is sent away and told where to go on.
//!
//! - `recent`: the newest events, kept while somebody watches
//! - `watcher`: one watch's way through the positions

mod recent;
mod watcher;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tonic::{Code, Status};
use wire::status::try_again;

pub(crate) use recent::{Recent, Watching};
#[cfg(test)]
pub(crate) use watcher::Past;
pub(crate) use watcher::Watcher;

/// Watches that read the log at a time; others wait for their turn.
const TURNS_MAX: usize = 4;
/// After which time a watch that was refused or ended may be tried again.
pub(crate) const RETRY: Duration = Duration::from_millis(500);

/// All places are taken.
const REASON_BUSY: &str = "WATCHES_BUSY";

/// How watches are served.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Settings {
    /// Watches at a time, those included whose last messages are not yet taken.
    pub(crate) watches_max: usize,
    /// After which time without a message a heartbeat is sent.
    pub(crate) heartbeat: Duration,
    /// How long a message may wait for its reader.
    pub(crate) patience: Duration,
    /// Positions looked at in one piece, while the state is held.
    pub(crate) look_max: u64,
    /// Messages prepared for a slow reader.
    pub(crate) ahead_max: usize,
}

impl Settings {
    /// How the product serves them.
    pub(crate) const SERVED: Self = Self {
        watches_max: 128,
        heartbeat: Duration::from_secs(15),
        patience: Duration::from_secs(10),
        look_max: 512,
        ahead_max: 16,
    };
}

/// The places for watches.
#[derive(Debug, Clone)]
pub(crate) struct Watches {
    pub(crate) settings: Settings,
    places: Arc<Semaphore>,
    /// One permit for each watch that may read the log now.
    pub(crate) turns: Arc<Semaphore>,
}

impl Watches {
    /// With all places free.
    pub(crate) fn new(settings: Settings) -> Self {
        Self {
            settings,
            places: Arc::new(Semaphore::new(settings.watches_max)),
            turns: Arc::new(Semaphore::new(TURNS_MAX)),
        }
    }

    /// A place for a watch, until it is dropped.
    ///
    /// # Errors
    /// `RESOURCE_EXHAUSTED`, WATCHES_BUSY, if all are taken.
    pub(crate) fn admit(&self) -> Result<OwnedSemaphorePermit, Status> {
        Arc::clone(&self.places).try_acquire_owned().map_err(|_| {
            let max = self.settings.watches_max;
            let message = format!("{max} watches are open already; try again later");
            try_again(Code::ResourceExhausted, REASON_BUSY, message, RETRY)
        })
    }
}
