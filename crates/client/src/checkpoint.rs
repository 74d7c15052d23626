//! What a subscriber keeps with its own data: the last position of each source, and which event was seen there.
//!
//! A log that was restored from an older copy, or that another took over, uses positions again.
//! So each source is known again by a [`Mark`] of its newest event: whoever goes on compares it with what the log or the
//! stream has at that position.
//! A checkpoint of an earlier release has none; it is read, and has one as soon as an event was seen.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use wire::log_reader::Logged;

use crate::Event;

/// Most sources that one subscription follows; a country has 34 provinces, each with a ledger and its alerts.
pub(crate) const SOURCES_MAX: usize = 1_024;

/// Up to where events were given. Written and read as JSON.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checkpoint {
    /// The last position given, by the CloudEvent's `source`.
    positions: BTreeMap<String, u64>,
    /// The newest event seen of each source, at the last position given or before it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    marks: BTreeMap<String, Mark>,
    /// Where that was in a stream that collects several ledgers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    hub: Option<Place>,
}

/// A place in the stream of a hub.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// When the stream was made; in another one the sequence says nothing.
    pub created: String,
    /// The last sequence given.
    pub sequence: u64,
    /// The id of the event that has it, if that was seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
}

/// What an event is known again by, whether it comes from the log or the stream: another history has another one there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Mark {
    pub(crate) position: u64,
    /// When the log took it.
    recorded: Timestamp,
    /// The request that brought it; alerts have none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    request: String,
}

impl Mark {
    pub(crate) fn of(event: &Event) -> Self {
        Self {
            position: event.position,
            recorded: event.recorded,
            request: event.request.clone(),
        }
    }

    pub(crate) fn of_logged((position, known, event): &Logged) -> Self {
        Self {
            position: *position,
            recorded: *known,
            request: event.request_id.to_string(),
        }
    }
}

impl fmt::Display for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.request.as_str() {
            "" => write!(f, "one of {}", self.recorded),
            request => write!(f, "one of {} (request {request})", self.recorded),
        }
    }
}

impl Checkpoint {
    /// Everything of a ledger up to a position.
    #[must_use]
    pub fn at(ledger: &str, position: u64) -> Self {
        Self {
            positions: BTreeMap::from([(source_of(ledger), position)]),
            marks: BTreeMap::new(),
            hub: None,
        }
    }

    /// The last position of a source such as `/tiendo/khanh-hoa`; 0 for none.
    #[must_use]
    pub fn position(&self, source: &str) -> u64 {
        self.positions.get(source).copied().unwrap_or_default()
    }

    /// The last position of each source.
    #[must_use]
    pub fn positions(&self) -> &BTreeMap<String, u64> {
        &self.positions
    }

    /// Where that was in the stream of a hub.
    #[must_use]
    pub fn hub(&self) -> Option<&Place> {
        self.hub.as_ref()
    }

    pub(crate) fn mark(&self, source: &str) -> Option<&Mark> {
        self.marks.get(source)
    }

    pub(crate) fn set_mark(&mut self, source: &str, mark: Mark) {
        if let Some(known) = self.marks.get_mut(source) {
            *known = mark;
        } else if self.marks.len() < SOURCES_MAX {
            self.marks.insert(source.to_owned(), mark);
        }
    }

    /// A mark beyond the position is not of what was given.
    pub(crate) fn check_marks(&mut self) {
        let positions = &self.positions;
        self.marks.retain(|source, mark| {
            positions
                .get(source)
                .is_some_and(|last| mark.position <= *last)
        });
    }

    pub(crate) fn set_hub(&mut self, place: Option<Place>) {
        self.hub = place;
    }

    /// Moves a source on; false if there are too many of them.
    pub(crate) fn advance(&mut self, source: &str, position: u64) -> bool {
        if let Some(last) = self.positions.get_mut(source) {
            *last = position;
            return true;
        }
        if self.positions.len() >= SOURCES_MAX {
            return false;
        }
        self.positions.insert(source.to_owned(), position);
        true
    }
}

/// The `source` of a ledger's events.
pub(crate) fn source_of(ledger: &str) -> String {
    format!("/tiendo/{ledger}")
}

impl fmt::Display for Checkpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&serde_json::to_string(self).map_err(|_| fmt::Error)?)
    }
}

impl FromStr for Checkpoint {
    type Err = serde_json::Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        serde_json::from_str(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_checkpoint_is_read_as_it_was_written() {
        let mut checkpoint = Checkpoint::at("khanh-hoa", 4_711);
        assert_eq!(
            checkpoint.to_string(),
            r#"{"positions":{"/tiendo/khanh-hoa":4711}}"#
        );
        checkpoint.set_hub(Some(Place {
            created: "2026-11-23".to_owned(),
            sequence: 9,
            id: Some("khanh-hoa:4711".to_owned()),
        }));
        let example = include_bytes!("../../../docs/bus/examples/progress.reported.json");
        let event = Event::read("x".to_owned(), example.to_vec().into()).unwrap();
        checkpoint.set_mark(&event.source, Mark::of(&event));
        assert_eq!(
            checkpoint.to_string().parse::<Checkpoint>().unwrap(),
            checkpoint
        );
        assert_eq!(checkpoint.position("/tiendo/ha-noi"), 0);
        assert!("4711".parse::<Checkpoint>().is_err());
    }

    /// What the releases wrote, for ever.
    #[test]
    fn a_checkpoint_of_an_earlier_release_is_read() {
        let old = include_str!("../tests/data/checkpoint-0.1.json").trim();
        let kept: Checkpoint = old.parse().unwrap();
        assert_eq!(kept.position("/tiendo/khanh-hoa"), 4_711);
        assert_eq!(kept.hub().unwrap().sequence, 9);
        assert_eq!(kept.mark("/tiendo/khanh-hoa"), None);
        assert_eq!(kept.to_string(), old);

        let new = include_str!("../tests/data/checkpoint-marks.json").trim();
        let kept: Checkpoint = new.parse().unwrap();
        assert_eq!(kept.mark("/tiendo/khanh-hoa").unwrap().position, 4_711);
        assert_eq!(kept.to_string(), new);
    }

    #[test]
    fn sources_have_a_limit() {
        let mut checkpoint = Checkpoint::default();
        for source in 0..SOURCES_MAX {
            assert!(checkpoint.advance(&source.to_string(), 1));
        }
        assert!(!checkpoint.advance("one more", 1));
        assert!(checkpoint.advance("7", 2), "those that are known go on");
    }
}
