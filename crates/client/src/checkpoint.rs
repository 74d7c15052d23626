//! What a subscriber keeps with its own data: the last position of each source.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Most sources that one subscription follows; a country has 34 provinces, each with a ledger and its alerts.
pub(crate) const SOURCES_MAX: usize = 1_024;

/// Up to where events were given. Written and read as JSON.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checkpoint {
    /// The last position given, by the CloudEvent's `source`.
    positions: BTreeMap<String, u64>,
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
}

impl Checkpoint {
    /// Everything of a ledger up to a position.
    #[must_use]
    pub fn at(ledger: &str, position: u64) -> Self {
        Self {
            positions: BTreeMap::from([(source_of(ledger), position)]),
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
        }));
        assert_eq!(
            checkpoint.to_string().parse::<Checkpoint>().unwrap(),
            checkpoint
        );
        assert_eq!(checkpoint.position("/tiendo/ha-noi"), 0);
        assert!("4711".parse::<Checkpoint>().is_err());
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
