//! What was implausible when it was recorded, and what was answered to it.
//!
//! A finding stands with its event.
//! A note is a property of the figure; a warning or a blocking finding is open until what it is about is corrected, retracted or said anew, or somebody answers for it.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;

use domain::code::{IndicatorCode, WorkItemCode};
use domain::event::{Actor, Body, Event, FindingResolved, QuotaLayer};
use domain::finding::{Check, Finding, Severity};
use domain::locality::LocalityId;
use serde::{Deserialize, Serialize};

use crate::form::{Input, Known, LoadError, Sound};
use crate::reading::Reading;
use crate::state::State;
use crate::timeline::{Entry, Recorded, Stamp, Timeline};

/// What an event with findings is about.
#[derive(Debug, Clone, Serialize, Deserialize)]
enum About {
    /// A figure of an indicator.
    Figure(u32),
    /// A work item of the place.
    WorkItem(WorkItemCode),
    /// A layer's quota of an indicator.
    Quota(u32, QuotaLayer),
    /// Anything else: what is said later does not replace it.
    Other,
}

/// The findings of an event, as they are kept.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Flagged {
    stamp: Stamp,
    /// The locality concerned; none for the whole programme.
    place: Option<u32>,
    about: About,
    findings: Vec<Finding>,
}

/// All findings.
#[derive(Debug, Clone, Default)]
pub(crate) struct Findings {
    /// By the position of the event they are about.
    pub(crate) by_position: BTreeMap<u64, Flagged>,
    /// The positions of each place; follows from the table above.
    by_place: BTreeMap<u32, Vec<u64>>,
    /// Place, indicator and position of the figures with a blocking finding; follows from it too.
    pub(crate) blocking: BTreeSet<(u32, u32, u64)>,
}

impl Sound for Flagged {
    fn is_sound(&self, known: &Known) -> bool {
        let indicator = match &self.about {
            About::Figure(indicator) | About::Quota(indicator, _) => Some(*indicator),
            About::WorkItem(_) | About::Other => None,
        };
        let about = indicator.is_none_or(|indicator| (indicator as usize) < known.indicators);
        let place = self.place.is_none_or(|place| known.place(place));
        about && place && self.stamp.is_sound(known)
    }
}

impl Findings {
    fn insert(&mut self, flagged: Flagged) {
        let position = flagged.stamp.position;
        if let Some(place) = flagged.place {
            self.by_place.entry(place).or_default().push(position);
            let mut found = flagged.findings.iter();
            if let About::Figure(indicator) = flagged.about
                && found.any(|finding| finding.severity == Severity::Blocking)
            {
                self.blocking.insert((place, indicator, position));
            }
        }
        self.by_position.insert(position, flagged);
    }

    /// Reads the findings of a state whose actors, places and indicators were read.
    pub(crate) fn load(input: &mut Input<impl Read>) -> Result<Self, LoadError> {
        let rows: BTreeMap<u64, Flagged> = input.map("findings", |_, _| true)?;
        let mut findings = Self::default();
        for (position, flagged) in rows {
            let stands = flagged.stamp.position == position;
            input.check(stands, "a row names another position")?;
            findings.insert(flagged);
        }
        Ok(findings)
    }
}

/// Which findings are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    /// Those that wait for an answer.
    Open,
    /// All, notes and settled ones included.
    All,
}

/// What became of a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FindingState<'a> {
    /// A property of the figure: nothing is to be done.
    Note,
    /// Nobody has answered for it.
    Open,
    /// What it is about was corrected, retracted or said anew at a position.
    Replaced(u64),
    /// Somebody answered for it.
    Resolved(Entry<'a, FindingResolved>),
}

/// A finding on record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FindingEntry<'a> {
    /// What was found.
    pub finding: &'a Finding,
    /// The locality of its event; none if that is about the whole programme.
    pub locality: Option<LocalityId>,
    /// The indicator, if the event is a figure or a quota.
    pub indicator: Option<&'a IndicatorCode>,
    /// The work item, if the event defines one.
    pub work_item: Option<&'a WorkItemCode>,
    /// What became of it, as far as the reader knows.
    pub state: FindingState<'a>,
    /// Where its event stands.
    pub recorded: Recorded<'a>,
}

impl<'a> Reading<'a> {
    /// What each check found about the event at a position, in the order of [`Check::ALL`]; nothing unless that is known and about the locality.
    #[must_use]
    pub fn found(&self, id: LocalityId, position: u64) -> Vec<FindingEntry<'a>> {
        // Hardly any event has findings.
        if !self.state.findings.by_position.contains_key(&position) {
            return Vec::new();
        }
        let of_check = |check: &Check| self.finding(id, position, *check);
        Check::ALL.iter().filter_map(of_check).collect()
    }

    /// What a check found about the event at a position, if that is known and about the locality.
    #[must_use]
    pub fn finding(&self, id: LocalityId, position: u64, check: Check) -> Option<FindingEntry<'a>> {
        let flagged = self.state.findings.by_position.get(&position)?;
        let place = self.state.places.index(id)?;
        if position > self.sight.limit || flagged.place != Some(place) {
            return None;
        }
        let mut of_check = flagged.findings.iter();
        let finding = of_check.find(|finding| finding.check == check)?;
        Some(self.finding_entry(flagged, finding))
    }

    /// The findings about events of this very locality, by position.
    #[must_use]
    pub fn findings(&self, id: LocalityId, which: Which) -> Vec<FindingEntry<'a>> {
        let place = self.state.places.index(id);
        let positions = place.and_then(|place| self.state.findings.by_place.get(&place));
        let found = positions
            .into_iter()
            .flatten()
            .flat_map(|position| self.findings_at(*position, which));
        found.collect()
    }

    /// The findings about events of a locality and of all within it, by position, from the first after a position on.
    ///
    /// Reads on only as far as it is asked for, so that a page costs what is between its ends.
    pub fn findings_within(
        &self,
        id: LocalityId,
        which: Which,
        after: u64,
    ) -> impl Iterator<Item = FindingEntry<'a>> + use<'a> {
        let mut within: BTreeMap<LocalityId, bool> = BTreeMap::new();
        let reading = *self;
        self.all_findings(which, after).filter(move |entry| {
            entry.locality.is_some_and(|place| {
                let known = within.entry(place);
                *known.or_insert_with(|| reading.lineage(place).contains(&id))
            })
        })
    }

    /// The findings on record, by position, from the first after a position on.
    pub fn all_findings(
        &self,
        which: Which,
        after: u64,
    ) -> impl Iterator<Item = FindingEntry<'a>> + use<'a> {
        let reading = *self;
        let positions = after.saturating_add(1)..=self.sight.limit.max(after.saturating_add(1));
        let flagged = self.state.findings.by_position.range(positions);
        flagged.flat_map(move |(position, _)| reading.findings_at(*position, which))
    }

    /// Whether a figure of a series has a blocking finding that is open, so that no verdict may rest on the series.
    #[must_use]
    pub fn has_blocking(&self, id: LocalityId, indicator: &IndicatorCode) -> bool {
        let key = self.series_key(id, indicator);
        key.is_some_and(|key| self.followed(key).has_blocking())
    }

    /// The findings about the event at a position, if that is known and speaks of no later moment.
    pub(crate) fn findings_at(
        &self,
        position: u64,
        which: Which,
    ) -> impl Iterator<Item = FindingEntry<'a>> + use<'a> {
        let reading = *self;
        let flagged = self.state.findings.by_position.get(&position);
        let seen = flagged.filter(|flagged| {
            position <= reading.sight.limit && reading.sees(flagged.stamp.effective)
        });
        let found = seen.into_iter().flat_map(move |flagged| {
            let found = flagged.findings.iter();
            found.map(move |finding| reading.finding_entry(flagged, finding))
        });
        found.filter(move |entry| which == Which::All || entry.is_open())
    }

    fn finding_entry(&self, flagged: &'a Flagged, finding: &'a Finding) -> FindingEntry<'a> {
        let state = self.state;
        let (indicator, work_item) = match &flagged.about {
            About::Figure(indicator) | About::Quota(indicator, _) => (Some(*indicator), None),
            About::WorkItem(code) => (None, Some(code)),
            About::Other => (None, None),
        };
        FindingEntry {
            finding,
            locality: flagged.place.map(|place| state.places.id(place)),
            indicator: indicator.map(|indicator| state.indicators.code(indicator)),
            work_item,
            state: self.finding_state(flagged, finding),
            recorded: state.recorded(flagged.stamp),
        }
    }

    fn finding_state(&self, flagged: &'a Flagged, finding: &Finding) -> FindingState<'a> {
        if finding.severity == Severity::Note {
            return FindingState::Note;
        }
        if let Some(by) = self.replaced_by(flagged) {
            return FindingState::Replaced(by);
        }
        let answered = (flagged.stamp.position, finding.check);
        let answers = self.state.resolutions.get(&answered);
        match answers.and_then(|answers| answers.known(self.sight.limit).next()) {
            Some(fact) => FindingState::Resolved(self.state.entry(fact)),
            None => FindingState::Open,
        }
    }

    /// Position of what is known to have taken the place of an event with findings.
    fn replaced_by(&self, flagged: &Flagged) -> Option<u64> {
        let (state, limit, stamp) = (self.state, self.sight.limit, flagged.stamp);
        let place = flagged.place?;
        match &flagged.about {
            About::Figure(indicator) => {
                let series = state.figures.get((place, *indicator))?;
                let row = series.row(stamp.effective, stamp.position)?;
                let corrected = state.known_correction(row, limit);
                corrected.or_else(|| Some(state.known_retraction(row, limit)?.position))
            }
            About::WorkItem(code) => {
                let items = state.work_items.get(&place)?;
                said_anew(&items.get(code)?.defined, stamp, limit)
            }
            About::Quota(indicator, layer) => {
                let quotas = state.quotas.get(&(place, *indicator, *layer))?;
                said_anew(quotas, stamp, limit)
            }
            About::Other => None,
        }
    }
}

/// Position of the first fact known that replaces another of its timeline.
fn said_anew<T>(timeline: &Timeline<T>, stamp: Stamp, limit: u64) -> Option<u64> {
    let order = |stamp: &Stamp| (stamp.effective, stamp.position);
    let mut known = timeline.known(limit);
    let newer = known.find(|fact| order(&fact.stamp) > order(&stamp))?;
    Some(newer.stamp.position)
}

impl FindingEntry<'_> {
    /// Who reported what it is about.
    #[must_use]
    pub fn reporter(&self) -> &Actor {
        self.recorded.actor
    }

    /// Whether it waits for an answer.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.state == FindingState::Open
    }
}

impl State {
    /// Keeps the findings of an event of the position just taken.
    pub(crate) fn flag(&mut self, stamp: Stamp, event: &Event) {
        if event.findings.is_empty() {
            return;
        }
        let about = match &event.body {
            Body::ProgressReported(e) => About::Figure(self.indicators.intern(&e.indicator)),
            Body::ProgressCorrected(e) => About::Figure(self.indicators.intern(&e.indicator)),
            Body::WorkItemDefined(e) => About::WorkItem(e.work_item.clone()),
            Body::QuotaAssigned(e) => About::Quota(self.indicators.intern(&e.indicator), e.layer),
            _ => About::Other,
        };
        let place = event.body.locality().map(|id| self.places.intern(id));
        self.findings.insert(Flagged {
            stamp,
            place,
            about,
            findings: event.findings.clone(),
        });
    }
}
