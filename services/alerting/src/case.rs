//! What identifies a case, and how it changes.

use std::fmt;

use domain::event::{QuotaLayer, Step};
use domain::{IndicatorCode, LocalityId};
use jiff::civil::Date;
use lag::{Concern, Transition};
use uuid::Uuid;
use wire::v1;

/// How a case without a quota names its layer.
const NO_LAYER: &str = "none";

/// A case: one locality, one indicator, one layer of quota, one concern.
///
/// Written `268@2023-04-10/eid.activated/central/overdue`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct CaseKey {
    /// The locality.
    pub locality: LocalityId,
    /// The indicator.
    pub indicator: IndicatorCode,
    /// Layer of the quota; none for a series without one.
    pub layer: Option<QuotaLayer>,
    /// What the case is about.
    pub concern: Concern,
}

impl CaseKey {
    /// Reads a case's id; none if the text is no id.
    #[must_use]
    pub fn parse(id: &str) -> Option<Self> {
        let mut parts = id.split('/');
        let (code, since) = parts.next()?.split_once('@')?;
        let locality = LocalityId {
            code: code.parse().ok()?,
            since: since.parse().ok()?,
        };
        let indicator = parts.next()?.parse().ok()?;
        let layer = match parts.next()? {
            NO_LAYER => None,
            text => Some(
                *QuotaLayer::ALL
                    .iter()
                    .find(|layer| layer.as_str() == text)?,
            ),
        };
        let concern = parts.next()?.to_ascii_uppercase();
        let concern = Concern::ALL
            .into_iter()
            .find(|known| known.code() == concern)?;
        parts.next().is_none().then_some(Self {
            locality,
            indicator,
            layer,
            concern,
        })
    }
}

impl fmt::Display for CaseKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let layer = self.layer.map_or(NO_LAYER, QuotaLayer::as_str);
        let concern = self.concern.code().to_ascii_lowercase();
        write!(f, "{}/{}/{layer}/{concern}", self.locality, self.indicator)
    }
}

/// What was judged: up to which position of the ledger, and for which day; none where an entry says no day.
///
/// Days pass without events, so a position alone does not say which of two judgements was the later one.
pub(crate) type JudgedAt = (u64, Option<Date>);

/// A case opened or cleared, and the verdict that did it.
///
/// The verdict carries the position of the ledger and the day it was judged for.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// The case.
    pub key: CaseKey,
    /// What happened to it.
    pub transition: Transition,
    /// Why.
    pub verdict: v1::Verdict,
    /// The step that an opening is told at, as the ladder had it when the case opened; none of a clearing.
    pub first: Option<Step>,
}

impl Change {
    /// Where and for which day it was judged.
    pub(crate) fn judged_at(&self) -> JudgedAt {
        (self.verdict.position, self.verdict.judged_for.parse().ok())
    }

    /// The id under which it is recorded: the same change always has the same one.
    ///
    /// `opening` counts how often the case has been opened, so that a case that opens and clears more than once at one position and day (when the pinned day goes to and fro) is told apart.
    pub(crate) fn request_id(&self, opening: u32) -> [u8; 16] {
        let transition = match self.transition {
            Transition::Opened => "opened",
            Transition::Cleared => "cleared",
        };
        let (position, day) = (self.verdict.position, &self.verdict.judged_for);
        let name = format!("{}|{transition}|{position}|{day}|{opening}", self.key);
        *Uuid::new_v5(
            &Uuid::NAMESPACE_URL,
            format!("urn:tiendo:case:{name}").as_bytes(),
        )
        .as_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_read_back() {
        for id in [
            "268@2023-04-10/eid.activated/central/overdue",
            "00004@2023-04-10/cccd.issued/none/below_average",
        ] {
            assert_eq!(CaseKey::parse(id).unwrap().to_string(), id);
        }
        for id in [
            "",
            "268/eid/none/overdue",
            "268@2023-04-10/eid/none/late",
            "a/b/c/d/e",
        ] {
            assert_eq!(CaseKey::parse(id), None, "{id}");
        }
    }
}
