//! What this commit has accepted but not yet made durable.
//!
//! Within a batch an event may rest on the one before it (a group, then its models), yet nothing may be folded before it is durable.
//! So the rules look here as well as in the state.
//! What a request brings into being is seen by that request alone: the log may still refuse it, and then nothing may rest on it.
//! What would clash between requests (two corrections of one figure, one revision expected twice) is seen by the whole commit.
//! What narrows what others may say (an end, a withdrawal, a succession) stands in a commit of its own.

use std::collections::{HashMap, HashSet};

use domain::event::{Body, OwnerChange, QuotaLayer, Relation, Role, Scope};
use domain::text::{Moment, fold};
use domain::{
    CampaignCode, Check, Event, GroupCode, IndicatorCode, LocalityCode, LocalityId, ModelCode,
    PlanCode, RulesVersion, WorkItemCode,
};
use jiff::civil::Date;

/// A thing that an accepted event says something of.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Thing {
    /// An indicator: defined.
    Indicator(IndicatorCode),
    /// An indicator: related in one way.
    Relation(IndicatorCode, Relation),
    /// A model: defined or withdrawn.
    Model(ModelCode),
    /// A group: defined or withdrawn.
    Group(GroupCode),
    /// A plan: adopted.
    Plan(PlanCode),
    /// A role in a locality: assigned.
    Role(LocalityId, Scope, Role),
    /// An organisation of a locality, by its folded name: succeeded.
    Succession(LocalityId, String),
    /// A quota: assigned or suspended.
    Quota(LocalityId, IndicatorCode, QuotaLayer),
    /// A finding of a position: resolved.
    Finding(u64, Check),
    /// A campaign of a locality: launched or closed.
    Campaign(LocalityId, CampaignCode),
    /// A work item of a locality: defined, completed, cancelled.
    WorkItem(LocalityId, WorkItemCode),
    /// A version of the rules of judgement: adopted.
    Rules(RulesVersion),
}

/// A claim that no other request of the commit may make as well.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Claim {
    /// A position corrected or retracted.
    Corrected(u64),
    /// A position whose person's name is erased.
    Erased(u64),
}

/// The accepted events of a commit, as far as the rules need them.
#[derive(Debug, Default)]
pub(crate) struct Pending {
    /// Of the request in hand: what it says of each thing, with the moment, in its order.
    things: HashMap<Thing, Vec<(Moment, Body)>>,
    /// Of the request in hand: identity, and whether its first day is known.
    registered: Vec<(LocalityId, bool)>,
    /// Of the request in hand: identity, and the first day it no longer exists.
    ended: Vec<(LocalityId, Date)>,
    /// Of the request in hand: the first and the last moment of which it has figures.
    figures: HashMap<LocalityId, (Moment, Moment)>,
    /// Of the request in hand: positions taken back.
    retracted: HashSet<u64>,
    /// Of the request in hand: whether it narrows what others may say.
    narrows: bool,
    /// Of the whole commit.
    claims: HashMap<Claim, u64>,
    /// The claims of the request in hand, to be taken back if it is refused.
    own_claims: Vec<Claim>,
    /// Of the whole commit: how many events of each subject it brings.
    subjects: foldhash::HashMap<Box<str>, u64>,
    /// Of the whole commit: whether a request of it narrows what others may say.
    is_narrowed: bool,
    /// Of the whole commit: whether something that it brings may be what a request was refused for.
    brings_things: bool,
}

impl Pending {
    /// Begins a request: it sees nothing of those before it but their claims.
    pub(crate) fn begin(&mut self) {
        self.things.clear();
        self.registered.clear();
        self.ended.clear();
        self.figures.clear();
        self.retracted.clear();
        self.narrows = false;
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
        self.is_narrowed = false;
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
        self.is_narrowed |= self.narrows;
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

    /// Whether the request in hand must wait for the commit: it narrows what a request of it said, or the other way round.
    pub(crate) fn stands_apart(&self) -> bool {
        !self.subjects.is_empty() && (self.narrows || self.is_narrowed)
    }

    pub(crate) fn holds(&self, thing: &Thing) -> bool {
        self.things.contains_key(thing)
    }

    /// What the request says of a thing, in its order.
    pub(crate) fn facts(&self, thing: &Thing) -> &[(Moment, Body)] {
        self.things.get(thing).map_or(&[], Vec::as_slice)
    }

    /// What the request says last of a thing, by moment and then by order, as far as it is seen.
    pub(crate) fn newest(
        &self,
        thing: &Thing,
        sees: impl Fn(Moment) -> bool,
    ) -> Option<(Moment, &Body)> {
        let seen = self.facts(thing).iter().filter(|(at, _)| sees(*at));
        seen.max_by_key(|(at, _)| *at).map(|(at, body)| (*at, body))
    }

    /// All that the request says something of.
    pub(crate) fn things(&self) -> impl Iterator<Item = (&Thing, &[(Moment, Body)])> {
        self.things
            .iter()
            .map(|(thing, facts)| (thing, facts.as_slice()))
    }

    /// Whether the request takes the figure at a position back.
    pub(crate) fn is_retracted(&self, position: u64) -> bool {
        self.retracted.contains(&position)
    }

    /// The last moment of which the request has a figure, if that is on a day or later.
    pub(crate) fn figure_from(&self, id: LocalityId, day: Date) -> Option<Moment> {
        let (_, last) = *self.figures.get(&id)?;
        (last.date() >= day).then_some(last)
    }

    /// The first moment of which the request has a figure, if that is before a day.
    pub(crate) fn figure_before(&self, id: LocalityId, day: Date) -> Option<Moment> {
        let (first, _) = *self.figures.get(&id)?;
        (first.date() < day).then_some(first)
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

    /// Whether the request leaves an identity no life on a day: it ended it by then, or registered a later first day.
    pub(crate) fn rules_out(&self, id: LocalityId, day: Date) -> bool {
        let mut ends = self.ended.iter();
        let mut begins = self.registered.iter();
        ends.any(|(ended, on)| *ended == id && *on <= day)
            || begins.any(|(begun, start_known)| *begun == id && *start_known && day < id.since)
    }

    /// The newest identity that the request registered under a code and that exists on a day.
    pub(crate) fn registered_on(&self, code: LocalityCode, day: Date) -> Option<LocalityId> {
        let of_code = self.registered.iter().filter(|(id, _)| id.code == code);
        let ids = of_code.map(|(id, _)| *id);
        ids.filter(|id| !self.rules_out(*id, day)).max()
    }

    /// Takes an accepted event in.
    pub(crate) fn add(&mut self, event: &Event) {
        let at = event.effective;
        self.narrows |= narrows(&event.body);
        match &event.body {
            Body::LocalityRegistered(e) => self.registered.push((e.locality, e.start_known)),
            Body::LocalityEnded(e) => self.ended.push((e.locality, at.date())),
            Body::ProgressReported(e) => self.note_figure(e.locality, at),
            Body::ProgressCorrected(e) => {
                self.note_figure(e.locality, at);
                self.claim(Claim::Corrected(e.corrects));
            }
            Body::ProgressRetracted(e) => {
                self.retracted.insert(e.retracts);
                self.claim(Claim::Corrected(e.retracts));
            }
            Body::PersonErased(e) => self.claim(Claim::Erased(e.appointment)),
            body => {
                if let Some(thing) = thing(body) {
                    self.things
                        .entry(thing)
                        .or_default()
                        .push((at, body.clone()));
                }
            }
        }
    }

    fn note_figure(&mut self, id: LocalityId, at: Moment) {
        let (first, last) = self.figures.entry(id).or_insert((at, at));
        (*first, *last) = ((*first).min(at), (*last).max(at));
    }

    fn claim(&mut self, claim: Claim) {
        *self.claims.entry(claim.clone()).or_insert(0) += 1;
        self.own_claims.push(claim);
    }
}

/// Whether an event narrows what others may say at its moment or later.
fn narrows(body: &Body) -> bool {
    match body {
        Body::LocalityRegistered(e) => e.start_known,
        Body::OwnerAssigned(e) => e.change != OwnerChange::Assigned,
        Body::WorkItemDefined(e) => !e.depends_on.is_empty(),
        Body::LocalityEnded(_)
        | Body::GroupDefined(_)
        | Body::GroupWithdrawn(_)
        | Body::ModelWithdrawn(_)
        | Body::OrganisationSucceeded(_)
        | Body::IndicatorRelated(_)
        | Body::QuotaSuspended(_)
        | Body::FindingResolved(_)
        | Body::CampaignClosed(_)
        | Body::RulesAdopted(_)
        | Body::WorkItemCompleted(_)
        | Body::WorkItemCancelled(_) => true,
        _ => false,
    }
}

/// What an event says something of that others may refer to.
fn thing(body: &Body) -> Option<Thing> {
    Some(match body {
        Body::IndicatorDefined(e) => Thing::Indicator(e.indicator.clone()),
        Body::IndicatorRelated(e) => Thing::Relation(e.indicator.clone(), e.relation),
        Body::ModelDefined(e) => Thing::Model(e.model.clone()),
        Body::ModelWithdrawn(e) => Thing::Model(e.model.clone()),
        Body::GroupDefined(e) => Thing::Group(e.group.clone()),
        Body::GroupWithdrawn(e) => Thing::Group(e.group.clone()),
        Body::PlanAdopted(e) => Thing::Plan(e.plan.clone()),
        Body::OwnerAssigned(e) => Thing::Role(e.locality, e.scope.clone(), e.role),
        Body::OrganisationSucceeded(e) => Thing::Succession(e.locality, fold(&e.organisation)),
        Body::QuotaAssigned(e) => Thing::Quota(e.locality, e.indicator.clone(), e.layer),
        Body::QuotaSuspended(e) => Thing::Quota(e.locality, e.indicator.clone(), e.layer),
        Body::FindingResolved(e) => Thing::Finding(e.position, e.check),
        Body::CampaignLaunched(e) => Thing::Campaign(e.locality, e.campaign.clone()),
        Body::CampaignClosed(e) => Thing::Campaign(e.locality, e.campaign.clone()),
        Body::RulesAdopted(e) => Thing::Rules(e.version.clone()),
        Body::WorkItemDefined(e) => Thing::WorkItem(e.locality, e.work_item.clone()),
        Body::WorkItemCompleted(e) => Thing::WorkItem(e.locality, e.work_item.clone()),
        Body::WorkItemCancelled(e) => Thing::WorkItem(e.locality, e.work_item.clone()),
        _ => return None,
    })
}
