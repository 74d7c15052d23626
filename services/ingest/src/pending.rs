//! What this commit has accepted but not yet made durable.
//!
//! Within a batch an event may rest on the one before it (a group, then its models), yet nothing may be folded before it is durable.
//! So the rules look here as well as in the state.
//! What a request brings into being is seen by that request alone: the log may still refuse it, and then nothing may rest on it.
//! What would clash between requests (two corrections of one figure, one revision expected twice) is seen by the whole commit.

use std::collections::{HashMap, HashSet};

use domain::event::Body;
use domain::{
    GroupCode, IndicatorCode, LocalityCode, LocalityId, ModelCode, PlanCode, WorkItemCode,
};
use jiff::civil::Date;

/// A thing that an accepted event brought into being.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Thing {
    /// An indicator defined.
    Indicator(IndicatorCode),
    /// A model defined.
    Model(ModelCode),
    /// A group defined.
    Group(GroupCode),
    /// A plan adopted.
    Plan(PlanCode),
    /// A work item of a locality defined.
    WorkItem(LocalityId, WorkItemCode),
}

/// A claim that no other request of the commit may make as well.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Claim {
    /// A position corrected.
    Corrected(u64),
    /// A position whose person's name is erased.
    Erased(u64),
}

/// The accepted events of a commit, as far as the rules need them.
#[derive(Debug, Default)]
pub(crate) struct Pending {
    /// Of the request in hand.
    things: HashSet<Thing>,
    /// Of the request in hand: identity, and whether its first day is known.
    registered: Vec<(LocalityId, bool)>,
    /// Of the request in hand: identity, and the first day it no longer exists.
    ended: Vec<(LocalityId, Date)>,
    /// Of the whole commit.
    claims: HashMap<Claim, u64>,
    /// The claims of the request in hand, to be taken back if it is refused.
    own_claims: Vec<Claim>,
    /// Of the whole commit: how many events of each subject it brings.
    subjects: foldhash::HashMap<Box<str>, u64>,
    /// Of the whole commit: whether something that it brings may be what a request was refused for.
    brings_things: bool,
}

impl Pending {
    /// Begins a request: it sees nothing of those before it but their claims.
    pub(crate) fn begin(&mut self) {
        self.things.clear();
        self.registered.clear();
        self.ended.clear();
        self.own_claims.clear();
    }

    /// Takes back what the request in hand claimed.
    pub(crate) fn undo(&mut self) {
        for claim in std::mem::take(&mut self.own_claims) {
            if let Some(count) = self.claims.get_mut(&claim) {
                *count = count.saturating_sub(1);
            }
        }
        self.begin();
    }

    /// Begins a commit.
    pub(crate) fn clear(&mut self) {
        self.begin();
        self.claims.clear();
        self.subjects.clear();
        self.brings_things = false;
    }

    /// The request in hand will be part of the commit, with events of these subjects.
    pub(crate) fn keep<'a>(&mut self, subjects: impl Iterator<Item = &'a str>) {
        let brings = [
            self.things.is_empty(),
            self.registered.is_empty(),
            self.ended.is_empty(),
        ];
        self.brings_things |= brings.contains(&false);
        for subject in subjects {
            match self.subjects.get_mut(subject) {
                Some(count) => *count += 1,
                None => drop(self.subjects.insert(subject.into(), 1)),
            }
        }
    }

    /// Whether the commit brings places or definitions, so that a refusal now need not be one after it.
    pub(crate) fn brings_things(&self) -> bool {
        self.brings_things
    }

    pub(crate) fn holds(&self, thing: &Thing) -> bool {
        self.things.contains(thing)
    }

    pub(crate) fn is_corrected(&self, position: u64) -> bool {
        self.claimed(&Claim::Corrected(position)) > 0
    }

    pub(crate) fn is_erased(&self, position: u64) -> bool {
        self.claimed(&Claim::Erased(position)) > 0
    }

    pub(crate) fn revisions(&self, subject: &str) -> u64 {
        self.subjects.get(subject).copied().unwrap_or(0)
    }

    fn claimed(&self, claim: &Claim) -> u64 {
        self.claims.get(claim).copied().unwrap_or(0)
    }

    /// Whether the request registered this identity.
    pub(crate) fn registers(&self, id: LocalityId) -> bool {
        self.registered
            .iter()
            .any(|(registered, _)| *registered == id)
    }

    /// Whether the request ended this identity by a day.
    pub(crate) fn ends(&self, id: LocalityId, day: Date) -> bool {
        self.ended
            .iter()
            .any(|(ended, on)| *ended == id && *on <= day)
    }

    /// The newest identity that the request registered under a code and that exists on a day.
    pub(crate) fn registered_on(&self, code: LocalityCode, day: Date) -> Option<LocalityId> {
        let of_code = self.registered.iter().filter(|(id, _)| id.code == code);
        let exists = |id: LocalityId, start_known: bool| {
            (!start_known || id.since <= day) && !self.ends(id, day)
        };
        of_code
            .filter(|(id, start_known)| exists(*id, *start_known))
            .map(|(id, _)| *id)
            .max()
    }

    /// Takes an accepted event in; `on` is the day it speaks of.
    pub(crate) fn add(&mut self, body: &Body, on: Date) {
        match body {
            Body::LocalityRegistered(e) => self.registered.push((e.locality, e.start_known)),
            Body::LocalityEnded(e) => self.ended.push((e.locality, on)),
            Body::ProgressCorrected(e) => self.claim(Claim::Corrected(e.corrects)),
            Body::PersonErased(e) => self.claim(Claim::Erased(e.appointment)),
            _ => self.things.extend(thing(body)),
        }
    }

    fn claim(&mut self, claim: Claim) {
        *self.claims.entry(claim.clone()).or_insert(0) += 1;
        self.own_claims.push(claim);
    }
}

fn thing(body: &Body) -> Option<Thing> {
    match body {
        Body::IndicatorDefined(e) => Some(Thing::Indicator(e.indicator.clone())),
        Body::ModelDefined(e) => Some(Thing::Model(e.model.clone())),
        Body::GroupDefined(e) => Some(Thing::Group(e.group.clone())),
        Body::PlanAdopted(e) => Some(Thing::Plan(e.plan.clone())),
        Body::WorkItemDefined(e) => Some(Thing::WorkItem(e.locality, e.work_item.clone())),
        _ => None,
    }
}
