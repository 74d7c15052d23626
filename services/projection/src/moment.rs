//! The two times of a question.

use std::time::Duration;

use domain::text::{Moment, parse_instant};
use domain::{Reason, Violation};
use host::CancellationToken;
use jiff::Timestamp;
use jiff::civil::Date;
use state::{Reading, State};
use tonic::Status;
use wire::deadline::{not_caught_up, stopping};
use wire::status::invalid;
use wire::v1;

use crate::freshness::Freshness;
use crate::shared::Shared;

/// How long a question waits for a position that is not folded yet.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Patience<'a> {
    pub(crate) wait_max: Duration,
    /// Ends every wait.
    pub(crate) shutdown: &'a CancellationToken,
}

/// As of which moment, and as known at which position.
#[derive(Debug, Clone, Copy)]
pub(crate) struct At {
    pub(crate) as_of: Moment,
    /// None: everything folded.
    pub(crate) position: Option<u64>,
}

impl At {
    pub(crate) fn reading(self, state: &State) -> Reading<'_> {
        match self.position {
            Some(position) => state.at(self.as_of, position),
            None => state.latest(self.as_of),
        }
    }
}

/// The two times as they are asked for; what they name may not be folded yet.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Times {
    as_of: Moment,
    known: Known,
    min_position: u64,
}

impl Times {
    /// Reads them; without a date the question is about `today`.
    ///
    /// # Errors
    /// What is no time, told below the field that holds the times, if one does.
    pub(crate) fn read(
        (field, at): (&str, Option<v1::ReadAt>),
        today: Date,
    ) -> Result<Self, Status> {
        let at = at.unwrap_or_default();
        let mut violations = Vec::new();
        let as_of = match at.as_of.trim() {
            "" => Moment::end_of(today),
            raw => {
                wire::event::parse_moment(&below(field, "as_of"), raw).unwrap_or_else(|violation| {
                    violations.push(violation);
                    Moment::end_of(today)
                })
            }
        };
        let known = known_at(field, &at.known_at).unwrap_or_else(|violation| {
            violations.push(violation);
            Known::Now
        });
        if !violations.is_empty() {
            return Err(invalid(&violations));
        }
        Ok(Self {
            as_of,
            known,
            min_position: at.min_position,
        })
    }

    /// As arguments that the pages of a list share: the moment, and what was asked of the other.
    pub(crate) fn asked(&self) -> (Moment, Known) {
        (self.as_of, self.known)
    }

    /// The same moment, as known at a position.
    pub(crate) fn known_at(self, position: u64) -> Self {
        let known = Known::Position(position);
        Self { known, ..self }
    }

    /// Waits until what they name is folded.
    ///
    /// # Errors
    /// NOT_CAUGHT_UP and STOPPING.
    pub(crate) async fn reach(self, shared: &Shared, patience: Patience<'_>) -> Result<At, Status> {
        let Self {
            as_of,
            known,
            min_position,
        } = self;
        let wanted = match known {
            Known::Position(position) => position.max(min_position),
            // Events up to this instant may be on their way: the head that was heard of bounds them.
            Known::Instant(instant) if is_ahead(shared, instant) => min_position.max(shared.head()),
            Known::Instant(_) | Known::Now => min_position,
        };
        wait(shared, wanted, patience).await?;
        let position = match known {
            Known::Now => None,
            Known::Position(position) => Some(position),
            Known::Instant(instant) => Some(shared.read().position_at(instant)),
        };
        Ok(At { as_of, position })
    }
}

/// Waits until a position is folded, and everything that was on record at the start.
async fn wait(shared: &Shared, position: u64, patience: Patience<'_>) -> Result<(), Status> {
    let current = async {
        shared.caught_up().await;
        shared.reached(position).await;
    };
    let in_time = tokio::select! {
        biased;
        waited = tokio::time::timeout(patience.wait_max, current) => waited.is_ok(),
        () = patience.shutdown.cancelled() => return Err(stopping()),
    };
    if in_time {
        return Ok(());
    }
    Err(not_caught_up(position, shared.position()))
}

/// Whether an instant is not before the newest event that is folded.
fn is_ahead(shared: &Shared, instant: Timestamp) -> bool {
    shared.read().known().is_none_or(|known| instant >= known)
}

/// The path of a part of a field, or of the request itself.
fn below(field: &str, part: &str) -> String {
    if field.is_empty() {
        return part.to_owned();
    }
    format!("{field}.{part}")
}

/// As known when.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Known {
    Now,
    Position(u64),
    Instant(Timestamp),
}

fn known_at(field: &str, raw: &str) -> Result<Known, Violation> {
    let raw = raw.trim();
    if raw.is_empty() {
        return Ok(Known::Now);
    }
    if let Ok(position) = raw.parse() {
        return Ok(Known::Position(position));
    }
    parse_instant(raw).map(Known::Instant).map_err(|error| {
        let detail = format!("{error}, or a position of the log");
        Violation::new(below(field, "known_at"), Reason::DateFormat, detail)
    })
}

/// At which two times an answer was read from a state, and how fresh that is.
pub(crate) fn answered(fresh: Freshness, state: &State, reading: &Reading<'_>) -> v1::AnsweredAt {
    v1::AnsweredAt {
        as_of: reading.as_of().to_string(),
        position: reading.position(),
        known: reading.known().map(wire::time::to_wire),
        folded_position: state.position(),
        behind_positions: fresh.behind_positions,
        behind_seconds: seconds(fresh.behind_ms),
        head_heard_seconds: seconds(fresh.head_heard_ms),
    }
}

/// Milliseconds as seconds.
pub(crate) fn seconds(ms: u64) -> f64 {
    ms as f64 / 1_000.0
}
