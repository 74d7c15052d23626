//! The state: what a log's events add up to, position by position.

use std::collections::BTreeMap;
use std::fmt;

use domain::code::{
    CampaignCode, GroupCode, IndicatorCode, ModelCode, PlanCode, RulesVersion, SystemCode,
    WorkItemCode, WorkingGroupCode,
};
use domain::event::{
    Actor, AssessmentPublished, CampaignClosed, CampaignLaunched, CompletionDeclared,
    DatasetLoaded, DirectiveIssued, Event, FindingResolved, GroupDefined, GroupWithdrawn,
    IndicatorRelated, ModelDefined, ModelStatusChanged, ModelWithdrawn, OrganisationSucceeded,
    PersonErased, PlanAdopted, QuotaAssigned, QuotaLayer, QuotaSuspended, ReadinessReviewed,
    Relation, RulesAdopted, Source, SystemCommissioned, WorkingGroupFormed,
};
use domain::finding::Check;
use domain::locality::LocalityId;
use domain::text::Moment;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::figures::Figures;
use crate::finding::Findings;
use crate::intern::{Table, VALUES_MAX};
use crate::origin::Origins;
use crate::owner::Owners;
use crate::place::Places;
use crate::reading::{Indicators, Reading};
use crate::series::{Corrections, Retractions};
use crate::timeline::{Entry, Fact, Recorded, Stamp, Timeline};
use crate::work::WorkItem;

/// Why an event was not folded; the state is as before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ApplyError {
    /// The position is not the next one: events are missing, or this one is here already.
    Position {
        /// The position that comes next.
        expected: u64,
        /// The position given.
        found: u64,
    },
    /// The event was known before the one in front of it.
    KnownEarlier {
        /// Its position.
        position: u64,
        /// When the event in front of it was known.
        last: Timestamp,
        /// When this one was.
        known: Timestamp,
    },
    /// A table holds as many different values as it can name (4,294,967,295).
    Full {
        /// The position that no longer fits.
        position: u64,
    },
}

impl fmt::Display for ApplyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Position { expected, found } => {
                write!(
                    f,
                    "position {found} cannot be folded, for {expected} comes next"
                )
            }
            Self::KnownEarlier {
                position,
                last,
                known,
            } => write!(
                f,
                "position {position} was known at {known}, before the one in front of it ({last})"
            ),
            Self::Full { position } => {
                write!(
                    f,
                    "position {position} does not fit: too many different values"
                )
            }
        }
    }
}

impl std::error::Error for ApplyError {}

/// A data set that was loaded completely.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dataset {
    /// What was loaded.
    pub loaded: DatasetLoaded,
    /// Position of that event.
    pub position: u64,
}

impl Dataset {
    pub(crate) fn new(loaded: &DatasetLoaded, position: u64) -> Self {
        Self {
            loaded: loaded.clone(),
            position,
        }
    }
}

/// Positions that the log took at one instant.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct Run {
    pub(crate) known: Timestamp,
    pub(crate) first: u64,
}

/// Everything folded from position 1 on.
///
/// Facts are kept under indexes: of localities and indicators in the order of their first appearance, so that a series is found by two numbers.
#[derive(Clone, Default)]
pub struct State {
    pub(crate) position: u64,
    pub(crate) runs: Vec<Run>,
    pub(crate) texts: Table<str>,
    pub(crate) actors: Table<Actor>,
    pub(crate) sources: Table<Source>,
    pub(crate) places: Places,
    pub(crate) indicators: Indicators,
    pub(crate) figures: Figures,
    pub(crate) origins: Origins,
    pub(crate) corrections: Corrections,
    pub(crate) retractions: Retractions,
    pub(crate) findings: Findings,
    pub(crate) resolutions: BTreeMap<(u64, Check), Timeline<FindingResolved>>,
    pub(crate) quotas: BTreeMap<(u32, u32, QuotaLayer), Timeline<QuotaAssigned>>,
    pub(crate) suspensions: BTreeMap<(u32, u32, QuotaLayer), Timeline<QuotaSuspended>>,
    pub(crate) declarations: BTreeMap<(u32, u32), Timeline<CompletionDeclared>>,
    pub(crate) plans: BTreeMap<PlanCode, Timeline<PlanAdopted>>,
    pub(crate) groups: BTreeMap<GroupCode, Timeline<GroupDefined>>,
    pub(crate) withdrawn_groups: BTreeMap<GroupCode, Timeline<GroupWithdrawn>>,
    pub(crate) models: BTreeMap<ModelCode, Timeline<ModelDefined>>,
    pub(crate) withdrawn_models: BTreeMap<ModelCode, Timeline<ModelWithdrawn>>,
    pub(crate) relations: BTreeMap<(IndicatorCode, Relation), Timeline<IndicatorRelated>>,
    pub(crate) owners: Owners,
    /// By place and folded name.
    pub(crate) successions: BTreeMap<(u32, String), Timeline<OrganisationSucceeded>>,
    /// By the position of the appointment.
    pub(crate) erasures: BTreeMap<u64, Timeline<PersonErased>>,
    pub(crate) statuses: BTreeMap<(u32, ModelCode), Timeline<ModelStatusChanged>>,
    pub(crate) work_items: BTreeMap<u32, BTreeMap<WorkItemCode, WorkItem>>,
    pub(crate) campaigns: BTreeMap<u32, BTreeMap<CampaignCode, Timeline<CampaignLaunched>>>,
    pub(crate) closings: BTreeMap<(u32, CampaignCode), Timeline<CampaignClosed>>,
    pub(crate) working_groups:
        BTreeMap<(u32, CampaignCode, WorkingGroupCode), Timeline<WorkingGroupFormed>>,
    pub(crate) systems: BTreeMap<u32, BTreeMap<SystemCode, Timeline<SystemCommissioned>>>,
    pub(crate) reviews: BTreeMap<u32, Timeline<ReadinessReviewed>>,
    pub(crate) directives: BTreeMap<u32, Timeline<DirectiveIssued>>,
    pub(crate) assessments: BTreeMap<u32, Timeline<AssessmentPublished>>,
    pub(crate) datasets: Vec<Dataset>,
    pub(crate) rules: BTreeMap<RulesVersion, Timeline<RulesAdopted>>,
}

impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("State")
            .field("position", &self.position)
            .finish_non_exhaustive()
    }
}

impl State {
    /// The state before the first event.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Folds the event of the next position, known to the log at `known`.
    ///
    /// The log's events were accepted, so none is refused for what it says: one that refers to something unknown is kept, and seen once that is there.
    ///
    /// # Errors
    ///
    /// [`ApplyError::Position`] unless `position` is the next one, [`ApplyError::KnownEarlier`] if `known` goes back, [`ApplyError::Full`] at the limit of the tables; the state is then unchanged.
    pub fn apply(
        &mut self,
        position: u64,
        known: Timestamp,
        event: &Event,
    ) -> Result<(), ApplyError> {
        let expected = self.position + 1;
        if position != expected {
            return Err(ApplyError::Position {
                expected,
                found: position,
            });
        }
        if let Some(last) = self.known()
            && known < last
        {
            return Err(ApplyError::KnownEarlier {
                position,
                last,
                known,
            });
        }
        // An event brings at most a handful of new values.
        if self.values_most() > VALUES_MAX - 16 {
            return Err(ApplyError::Full { position });
        }
        if self.known() != Some(known) {
            self.runs.push(Run {
                known,
                first: position,
            });
        }
        self.position = position;
        self.fold(event);
        Ok(())
    }

    /// Position of the newest event folded; 0 while there is none.
    #[must_use]
    pub fn position(&self) -> u64 {
        self.position
    }

    /// When the newest event was known; none while there is none.
    #[must_use]
    pub fn known(&self) -> Option<Timestamp> {
        self.runs.last().map(|run| run.known)
    }

    /// The newest position known at an instant or before it; 0 if none was.
    #[must_use]
    pub fn position_at(&self, instant: Timestamp) -> u64 {
        let later = self.runs.partition_point(|run| run.known <= instant);
        self.runs
            .get(later)
            .map_or(self.position, |run| run.first - 1)
    }

    /// When a position was known; none for 0 and for what is not folded yet.
    #[must_use]
    pub fn known_of(&self, position: u64) -> Option<Timestamp> {
        if position == 0 || position > self.position {
            return None;
        }
        let next = self.runs.partition_point(|run| run.first <= position);
        self.runs[..next].last().map(|run| run.known)
    }

    /// What is seen as of a moment by a reader who knows the log up to `position`.
    ///
    /// A position not folded yet reads as the newest one; [`Reading::position`] tells which it was.
    #[must_use]
    pub fn at(&self, as_of: Moment, position: u64) -> Reading<'_> {
        Reading::new(self, as_of, position.min(self.position))
    }

    /// What is seen as of a moment by a reader who knows everything folded.
    #[must_use]
    pub fn latest(&self, as_of: Moment) -> Reading<'_> {
        self.at(as_of, self.position)
    }

    /// The data sets loaded, in the order of the log.
    #[must_use]
    pub fn datasets(&self) -> &[Dataset] {
        &self.datasets
    }

    /// Whether a plan was ever adopted under the code, whatever moment that speaks of.
    #[must_use]
    pub fn has_plan(&self, plan: &PlanCode) -> bool {
        self.plans.contains_key(plan)
    }

    /// Whether a group was ever defined under the code, whatever moment that speaks of.
    #[must_use]
    pub fn has_group(&self, group: &GroupCode) -> bool {
        self.groups.contains_key(group)
    }

    /// Whether a model was ever defined under the code, whatever moment that speaks of.
    #[must_use]
    pub fn has_model(&self, model: &ModelCode) -> bool {
        self.models.contains_key(model)
    }

    /// Whether an indicator was ever defined under the code, whatever moment that speaks of.
    #[must_use]
    pub fn has_indicator(&self, indicator: &IndicatorCode) -> bool {
        self.indicators.is_defined(indicator)
    }

    /// Whether a work item was ever defined in the locality, whatever moment that speaks of.
    #[must_use]
    pub fn has_work_item(&self, id: LocalityId, work_item: &WorkItemCode) -> bool {
        self.places
            .index(id)
            .and_then(|place| self.work_items.get(&place)?.get(work_item))
            .is_some_and(WorkItem::is_defined)
    }

    /// How many values the fullest table of indexes names.
    fn values_most(&self) -> usize {
        let values = [
            self.texts.values().len(),
            self.actors.values().len(),
            self.sources.values().len(),
            self.places.rows().len(),
            self.indicators.rows().len(),
        ];
        values.into_iter().max().unwrap_or_default()
    }

    pub(crate) fn recorded(&self, stamp: Stamp) -> Recorded<'_> {
        Recorded {
            position: stamp.position,
            // Every fact has a position that was folded.
            known: self.known_of(stamp.position).unwrap_or(Timestamp::MIN),
            effective: stamp.effective,
            actor: self.actors.get(stamp.actor),
        }
    }

    pub(crate) fn entry<'a, T>(&'a self, fact: &'a Fact<T>) -> Entry<'a, T> {
        Entry {
            fact: &fact.body,
            recorded: self.recorded(fact.stamp),
        }
    }
}
