//! The two times of a question.

use std::time::Duration;

use domain::text::{Moment, parse_instant};
use domain::{Reason, Violation};
use host::{Clock, Today};
use state::{Reading, State};
use tonic::Status;
use wire::status::{invalid, unavailable};
use wire::v1;

use crate::shared::Shared;

/// How long an answer waits for a position that is not folded yet.
const WAIT_MAX: Duration = Duration::from_secs(10);

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

/// Reads the two times, and waits until the positions they name are folded.
pub(crate) async fn read_at(
    shared: &Shared,
    at: Option<v1::ReadAt>,
    today: &Today,
    clock: &dyn Clock,
) -> Result<At, Status> {
    let at = at.unwrap_or_default();
    let mut violations = Vec::new();
    let as_of = match at.as_of.trim() {
        "" => Moment::end_of(today.date(clock)),
        raw => wire::event::parse_moment("at.as_of", raw).unwrap_or_else(|violation| {
            violations.push(violation);
            Moment::end_of(today.date(clock))
        }),
    };
    let known = known_at(&at.known_at).unwrap_or_else(|violation| {
        violations.push(violation);
        Known::Now
    });
    if !violations.is_empty() {
        return Err(invalid(&violations));
    }
    let wanted = match known {
        Known::Position(position) => position.max(at.min_position),
        _ => at.min_position,
    };
    wait(shared, wanted).await?;
    let position = match known {
        Known::Now => None,
        Known::Position(position) => Some(position),
        Known::Instant(instant) => Some(shared.read().position_at(instant)),
    };
    Ok(At { as_of, position })
}

/// Waits until a position is folded, and everything that was on record at the start.
pub(crate) async fn wait(shared: &Shared, position: u64) -> Result<(), Status> {
    let current = async {
        shared.caught_up().await;
        shared.reached(position).await;
    };
    if tokio::time::timeout(WAIT_MAX, current).await.is_ok() {
        return Ok(());
    }
    let folded = shared.position();
    let message = format!("position {position} is not folded yet, only {folded}");
    Err(unavailable(
        "NOT_CAUGHT_UP",
        message,
        Duration::from_secs(1),
    ))
}

enum Known {
    Now,
    Position(u64),
    Instant(jiff::Timestamp),
}

fn known_at(raw: &str) -> Result<Known, Violation> {
    let raw = raw.trim();
    if raw.is_empty() {
        return Ok(Known::Now);
    }
    if let Ok(position) = raw.parse() {
        return Ok(Known::Position(position));
    }
    parse_instant(raw).map(Known::Instant).map_err(|error| {
        let detail = format!("{error}, or a position of the log");
        Violation::new("at.known_at", Reason::DateFormat, detail)
    })
}

/// At which two times an answer was read.
pub(crate) fn answered(reading: &Reading<'_>, folded: u64) -> v1::AnsweredAt {
    v1::AnsweredAt {
        as_of: reading.as_of().to_string(),
        position: reading.position(),
        known: reading.known().map(wire::time::to_wire),
        folded_position: folded,
    }
}
