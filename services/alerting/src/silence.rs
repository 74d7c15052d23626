//! Silences: for which places, of what, until when nothing is sent.

use domain::{IndicatorCode, LocalityId};
use jiff::civil::Date;
use wire::v1;

use crate::case::CaseKey;
use crate::render;
use crate::sight::Seen;

/// A silence on record.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Silence {
    pub(crate) set: v1::SilenceSet,
    /// The day it was set.
    pub(crate) since: Date,
    /// The last day it holds, unless somebody ends it before.
    pub(crate) until: Date,
    /// Where that stands in alerting's log, and at which position of the ledger.
    pub(crate) position: u64,
    at: u64,
    ended: Option<Ended>,
    /// Each with whether all places within it are meant too.
    places: Vec<(LocalityId, bool)>,
    indicator: Option<IndicatorCode>,
}

/// Who ended it before its day, and where that stands.
#[derive(Debug, Clone, PartialEq)]
struct Ended {
    by: v1::Actor,
    day: Option<Date>,
    position: u64,
    at: u64,
}

/// Where an entry about a silence stands: in alerting's log, and at which position and day of the ledger.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stand {
    pub(crate) position: u64,
    pub(crate) at: u64,
    pub(crate) day: Option<Date>,
}

impl Silence {
    /// None if it says no day, which none does that was recorded by this service.
    pub(crate) fn of(set: &v1::SilenceSet, stand: Stand) -> Option<Self> {
        let places = set.places.iter().filter_map(|place| {
            let locality = place.locality.as_ref()?;
            let id = LocalityId {
                code: locality.code.parse().ok()?,
                since: locality.since.parse().ok()?,
            };
            Some((id, place.below))
        });
        Some(Self {
            since: stand.day?,
            until: set.until.parse().ok()?,
            position: stand.position,
            at: stand.at,
            ended: None,
            places: places.collect(),
            indicator: set.indicator.parse().ok(),
            set: set.clone(),
        })
    }

    pub(crate) fn end(&mut self, ended: &v1::SilenceEnded, stand: Stand) {
        self.ended.get_or_insert(Ended {
            by: ended.author.clone().unwrap_or_default(),
            day: stand.day,
            position: stand.position,
            at: stand.at,
        });
    }

    /// Whether it is seen at all.
    pub(crate) fn is_seen(&self, seen: &Seen) -> bool {
        seen.sees(self.position, self.at, Some(self.since))
    }

    fn ended_as_seen(&self, seen: &Seen) -> Option<&Ended> {
        let is_seen = |ended: &&Ended| seen.sees(ended.position, ended.at, ended.day);
        self.ended.as_ref().filter(is_seen)
    }

    /// Whether it holds on a day, as it is seen.
    pub(crate) fn holds(&self, day: Date, seen: &Seen) -> bool {
        let in_time = (self.since..=self.until).contains(&day);
        in_time && self.is_seen(seen) && self.ended_as_seen(seen).is_none()
    }

    /// Whether it is about a case; `above` are the places above that of the case.
    pub(crate) fn is_about(&self, key: &CaseKey, above: &[LocalityId]) -> bool {
        let concern = self.set.concern;
        let of_place = |(id, below): &(LocalityId, bool)| {
            *id == key.locality || (*below && above.contains(id))
        };
        self.indicator
            .as_ref()
            .is_none_or(|it| *it == key.indicator)
            && (concern == 0 || concern == render::concern(key.concern) as i32)
            && self.places.iter().any(of_place)
    }

    pub(crate) fn message(&self, day: Date, seen: &Seen) -> v1::Silence {
        let ended = self.ended_as_seen(seen);
        v1::Silence {
            set: Some(self.set.clone()),
            since: self.since.to_string(),
            in_force: self.holds(day, seen),
            ended_by: ended.map(|ended| ended.by.clone()),
            set_position: self.position,
            ended_position: ended.map_or(0, |ended| ended.position),
        }
    }
}
