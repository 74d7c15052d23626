//! The rules that need to know what is on record.
//!
//! Here is what they share, and which rule answers what; the rules stand in one module for each kind.

mod figure;
mod owner;
mod place;
mod programme;
mod rule;
#[cfg(test)]
mod tests;
mod work;

use domain::event::Body;
use domain::text::{Moment, Precision, date};
use domain::{LocalityCode, LocalityId, Reason};
use jiff::Timestamp;
use jiff::civil::Date;
use state::{Reading, State};
use wire::event::{Reference, Resolver};
use wire::v1;

use crate::pending::{Pending, Thing};

/// What is on record, or accepted earlier in the same request, at an instant.
pub(crate) struct OnRecord<'a> {
    pub(crate) state: &'a State,
    pub(crate) pending: &'a Pending,
    pub(crate) now: Timestamp,
}

type Verdict = Result<(), (Reason, String)>;

fn must_be(known: bool, reason: Reason, code: &dyn std::fmt::Display) -> Verdict {
    if known {
        Ok(())
    } else {
        Err((
            reason,
            format!("'{code}' is not on record; define it first"),
        ))
    }
}

impl<'a> OnRecord<'a> {
    fn accepted(&self, thing: Thing) -> bool {
        self.pending.holds(&thing)
    }

    /// Everything on record, whatever day it speaks of.
    fn everything(&self) -> Reading<'a> {
        self.state.latest(Moment::end_of(Date::MAX))
    }

    /// What the request in hand says of a thing, with its moment, if a reading sees it and it replaces what is on record since `recorded`.
    fn said(
        &self,
        thing: &Thing,
        reading: &Reading<'_>,
        recorded: Option<Moment>,
    ) -> Option<(Moment, &'a Body)> {
        let (at, body) = self.pending.newest(thing, |at| reading.sees(at))?;
        // Of one moment, what comes later in the log holds.
        recorded
            .is_none_or(|recorded| at >= recorded)
            .then_some((at, body))
    }
}

impl Resolver for OnRecord<'_> {
    fn locality(
        &self,
        code: LocalityCode,
        since: Option<Date>,
        at: &Moment,
    ) -> Result<LocalityId, (Reason, String)> {
        self.resolve(code, since, at)
    }

    fn refer(&self, reference: &Reference<'_>) -> Verdict {
        let state = self.state;
        match *reference {
            Reference::Indicator(code) => {
                let known =
                    state.has_indicator(code) || self.accepted(Thing::Indicator(code.clone()));
                must_be(known, Reason::UnknownIndicator, code)
            }
            Reference::Plan(code) => {
                let known = state.has_plan(code) || self.accepted(Thing::Plan(code.clone()));
                must_be(known, Reason::UnknownPlan, code)
            }
            Reference::Identity(id) => {
                let known = self.everything().life(id).is_some() || self.pending.registers(id);
                must_be(known, Reason::UnknownLocality, &id)
            }
            Reference::Life { id, start, end } => self.life(id, start, end),
            Reference::Model { code, at } => self.model(code, at),
            Reference::Group { code, at } => self.group(code, at),
            Reference::EmptyGroup { code, at } => self.empty_group(code, at),
            Reference::GroupNumber { .. } => self.group_number(reference),
            Reference::Relation {
                indicator,
                relation,
                other,
            } => self.relation(indicator, relation, other),
            Reference::Appointment {
                position,
                locality,
                scope,
            } => self.appointment(position, locality, scope),
            Reference::Holder { .. } => self.holder(reference),
            Reference::Succession {
                locality,
                organisation,
                successors,
            } => self.succession(locality, organisation, successors),
            Reference::OpenWorkItem { locality, code, at } => {
                self.open_work_item(locality, code, at)
            }
            Reference::Dependency {
                locality,
                work_item,
                on,
            } => self.dependency(locality, work_item, on),
            Reference::Campaign { locality, code, at } => self.campaign(locality, code, at),
            Reference::Quota { .. } => self.quota(reference),
            Reference::Figure { .. } => self.figure(reference),
            Reference::Finding { .. } => self.finding(reference),
            Reference::RulesVersion(rules) => self.rules_version(rules),
            Reference::Thresholds(rules) => rule::thresholds(rules),
        }
    }

    fn effective(&self, at: &Moment, body: Option<&v1::event::Body>) -> Verdict {
        if may_speak_of(*at, body, self.now) {
            return Ok(());
        }
        Err((Reason::DateInFuture, format!("{at} lies in the future")))
    }
}

/// Whether what happened may speak of a moment, judged at an instant.
pub(crate) fn may_speak_of(at: Moment, body: Option<&v1::event::Body>, now: Timestamp) -> bool {
    !is_future(at, now) || body.is_some_and(may_lie_ahead)
}

fn is_future(moment: Moment, now: Timestamp) -> bool {
    let today = date::date_in_vietnam(now);
    match moment.precision() {
        Precision::Hour(_) => moment.instant() > now,
        Precision::Day => moment.date() > today,
        Precision::Month => moment.date().first_of_month() > today,
    }
}

/// What is decided before it takes effect: reforms, successions, plans, quotas, campaigns, rules.
fn may_lie_ahead(body: &v1::event::Body) -> bool {
    use v1::event::Body;
    matches!(
        body,
        Body::LocalityRegistered(_)
            | Body::LocalityEnded(_)
            | Body::OwnerAssigned(_)
            | Body::PlanAdopted(_)
            | Body::ModelDefined(_)
            | Body::GroupDefined(_)
            | Body::ModelWithdrawn(_)
            | Body::GroupWithdrawn(_)
            | Body::OrganisationSucceeded(_)
            | Body::QuotaAssigned(_)
            | Body::QuotaSuspended(_)
            | Body::WorkItemRescheduled(_)
            | Body::CampaignLaunched(_)
            | Body::RulesAdopted(_)
    )
}

/// Takes the identity that a recorded event was given at the time.
pub(crate) struct Remembered {
    pub(crate) identity: Option<LocalityId>,
}

impl Resolver for Remembered {
    fn locality(
        &self,
        code: LocalityCode,
        since: Option<Date>,
        _: &Moment,
    ) -> Result<LocalityId, (Reason, String)> {
        self.identity
            .filter(|id| id.code == code && since.is_none_or(|since| since == id.since))
            .ok_or((
                Reason::UnknownLocality,
                "was not in the recorded request".to_owned(),
            ))
    }
}
