//! Who writes, and what an acknowledgement may say: that an event is synced on this disk, or that the bus has it as well.
//!
//! The bus has an event once the relay was acknowledged its position, or has seen it there: anybody else's event before it
//! would have ended the relay, so what is acknowledged as replicated is in the stream that a standby follows.

use std::sync::Arc;

use bus::{FollowStatus, RelayStatus};
use domain::{Reason, Violation};
use jiff::Timestamp;
use tokio::sync::watch;
use tokio::time::Instant;
use tonic::metadata::MetadataMap;
use uuid::Uuid;
use wire::deadline::wait_max;
use wire::time::to_wire;
use wire::v1;

use crate::lag;
use crate::writer::{Accepted, Refused};

/// What must be certain before a request is answered as recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Level {
    /// It is synced on this disk.
    Local,
    /// The bus has it too.
    Replicated,
}

impl Level {
    /// What a caller asked for.
    pub(crate) fn read(asked: i32) -> Result<Level, Refused> {
        use v1::Acknowledgement as Wire;
        match Wire::try_from(asked) {
            Ok(Wire::Unspecified | Wire::Local) => Ok(Level::Local),
            Ok(Wire::Replicated) => Ok(Level::Replicated),
            Err(_) => Err(Refused::Invalid(vec![Violation::new(
                "acknowledgement",
                Reason::ValueUnspecified,
                format!(
                    "{asked} is no acknowledgement that this version knows; 1 is local, 2 replicated"
                ),
            )])),
        }
    }
}

/// Until when the bus of a request is waited for: a tenth of the caller's time is left, since an answer that says what is on record is worth more than a moment of waiting.
pub(crate) fn until(metadata: &MetadataMap) -> Instant {
    let wait = wait_max(metadata);
    Instant::now() + (wait - wait / 10)
}

/// What this service is to its ledger.
#[derive(Debug, Clone)]
pub(crate) enum Role {
    /// It takes requests.
    Writer,
    /// It follows the writer.
    Standby,
    /// Another has taken over from it.
    Fenced(Arc<Fence>),
}

/// That another has taken over, and what of this log the ledger does not have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fence {
    /// Where this log and the ledger part.
    pub(crate) position: u64,
    pub(crate) writer: String,
    pub(crate) known: Timestamp,
    /// Events of this log from there on.
    pub(crate) events: u64,
    /// Those of requests that the ledger does not have.
    pub(crate) lost_events: u64,
    pub(crate) lost_requests: Vec<Uuid>,
}

impl Role {
    pub(crate) fn is_writer(&self) -> bool {
        matches!(self, Self::Writer)
    }

    pub(crate) fn wire(&self) -> v1::LedgerRole {
        match self {
            Self::Writer => v1::LedgerRole::Writer,
            Self::Standby => v1::LedgerRole::Standby,
            Self::Fenced(_) => v1::LedgerRole::Fenced,
        }
    }

    pub(crate) fn fence(&self) -> Option<&Fence> {
        match self {
            Self::Fenced(fence) => Some(fence),
            Self::Writer | Self::Standby => None,
        }
    }
}

impl std::fmt::Display for Fence {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            position, writer, ..
        } = self;
        write!(
            formatter,
            "WRITER_FENCED: {writer} has taken the ledger over at position {position}"
        )
    }
}

/// Most requests that are named as lost.
const NAMED_MAX: usize = 1_000;

impl Fence {
    pub(crate) fn wire(&self) -> v1::LedgerFence {
        let named = self.lost_requests.iter().take(NAMED_MAX);
        v1::LedgerFence {
            position: self.position,
            writer: self.writer.clone(),
            known: Some(to_wire(self.known)),
            events: self.events,
            lost_events: self.lost_events,
            lost_request_ids: named.map(ToString::to_string).collect(),
        }
    }
}

/// What this service is, and what its relay or its follower has come to; clones share it.
#[derive(Debug, Clone)]
pub(crate) struct Standing {
    role: Arc<watch::Sender<Role>>,
    relay: watch::Receiver<RelayStatus>,
    alarm: watch::Receiver<String>,
    follow: watch::Receiver<FollowStatus>,
}

impl Standing {
    pub(crate) fn new(
        role: Role,
        relay: watch::Receiver<RelayStatus>,
        alarm: watch::Receiver<String>,
        follow: watch::Receiver<FollowStatus>,
    ) -> Self {
        let role = Arc::new(watch::Sender::new(role));
        Self {
            role,
            relay,
            alarm,
            follow,
        }
    }

    /// Of a writer whose events nobody publishes.
    #[cfg(test)]
    pub(crate) fn without_bus() -> Self {
        Self::new(
            Role::Writer,
            watch::channel(RelayStatus::default()).1,
            watch::channel(String::new()).1,
            watch::channel(FollowStatus::default()).1,
        )
    }

    pub(crate) fn role(&self) -> Role {
        self.role.borrow().clone()
    }

    pub(crate) fn set(&self, role: Role) {
        self.role.send_replace(role);
    }

    /// Follows the role.
    pub(crate) fn watch(&self) -> watch::Receiver<Role> {
        self.role.subscribe()
    }

    /// The head that the writer was heard to have; 0 if nothing was heard, or this is the writer.
    pub(crate) fn writer_head(&self) -> u64 {
        match *self.role.borrow() {
            Role::Standby => self.follow.borrow().head,
            Role::Writer | Role::Fenced(_) => 0,
        }
    }

    /// How far a standby has followed; 0 if it has not begun.
    pub(crate) fn followed(&self) -> u64 {
        self.follow.borrow().position
    }

    /// What keeps the relay from publishing, or the standby from following, as `CODE: what happened`.
    pub(crate) fn trouble(&self) -> String {
        match *self.role.borrow() {
            Role::Standby => {
                let follow = self.follow.borrow();
                match &follow.last_error {
                    Some(error) if !follow.connected => format!("STANDBY_BEHIND: {error}"),
                    _ => String::new(),
                }
            }
            Role::Writer | Role::Fenced(_) => lag::trouble(&self.relay.borrow()),
        }
    }

    /// Whether requests are taken here.
    ///
    /// # Errors
    /// [`Refused::Standby`], [`Refused::Fenced`].
    pub(crate) fn takes(&self) -> Result<(), Refused> {
        match &*self.role.borrow() {
            Role::Writer => Ok(()),
            Role::Standby => Err(Refused::Standby),
            Role::Fenced(fence) => Err(Refused::Fenced(Arc::clone(fence))),
        }
    }

    /// Waits until what was accepted is as certain as was asked for.
    ///
    /// # Errors
    /// [`Refused::NotReplicated`] at `until`, or as soon as the relay has stopped for good;
    /// [`Refused::Fenced`] if another has taken over: what is on this disk alone by then is not in the ledger.
    pub(crate) async fn holds(
        &self,
        level: Level,
        accepted: &Accepted,
        until: Instant,
    ) -> Result<(), Refused> {
        self.takes()?;
        let known = accepted.told.known.iter().map(|known| known.position);
        let changed = accepted.told.changed.iter().map(|changed| changed.position);
        let last = known.chain(changed).fold(accepted.receipt.last, u64::max);
        if level == Level::Local || last == 0 {
            return Ok(());
        }
        let (mut relay, mut alarm) = (self.relay.clone(), self.alarm.clone());
        let published = relay.wait_for(|status| status.published >= last);
        let stopped = async {
            // Without a relay there is no alarm either, and the time runs out.
            if alarm.wait_for(|alarm| !alarm.is_empty()).await.is_err() {
                std::future::pending::<()>().await;
            }
        };
        tokio::select! {
            biased;
            Ok(_) = published => return Ok(()),
            () = stopped => {}
            () = tokio::time::sleep_until(until) => {}
        }
        self.takes()?;
        let first = match accepted.receipt.first {
            0 => last,
            first => first,
        };
        let why = self.why();
        Err(Refused::NotReplicated { first, last, why })
    }

    /// What keeps the relay from publishing, as a part of a sentence.
    fn why(&self) -> String {
        let alarm = self.alarm.borrow().clone();
        match [alarm, self.trouble()]
            .into_iter()
            .find(|why| !why.is_empty())
        {
            Some(why) => format!(" ({why})"),
            None => String::new(),
        }
    }
}
