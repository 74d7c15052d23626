//! The rules that need to know what is on record.

use domain::event::Scope;
use domain::text::{Moment, Precision, date};
use domain::{LocalityCode, LocalityId, Reason};
use jiff::Timestamp;
use jiff::civil::Date;
use state::{Lookup, State};
use wire::event::{Reference, Resolver};
use wire::v1;
use wire::v1::event::Body;

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

impl OnRecord<'_> {
    fn accepted(&self, thing: Thing) -> bool {
        self.pending.holds(&thing)
    }

    /// Everything on record, whatever day it speaks of.
    fn everything(&self) -> state::Reading<'_> {
        self.state.latest(Moment::end_of(Date::MAX))
    }

    fn unknown(&self, code: LocalityCode) -> String {
        if self.state.position() == 0 {
            return format!(
                "{code} is unknown: the ledger holds no places yet; load them with `tiendo load gazetteer`"
            );
        }
        format!("no locality ever had the code {code}")
    }

    /// Whether a position holds an appointment of a person whose name is there to be erased.
    fn appointment(&self, position: u64, locality: LocalityId, scope: &Scope) -> Verdict {
        let everything = self.everything();
        let entry = everything.appointment_at(scope, locality, position);
        let Some(entry) = entry else {
            let detail = format!("position {position} holds no appointment for it in {locality}");
            return Err((Reason::UnknownAppointment, detail));
        };
        if entry.person_commitment.is_none() {
            let detail = format!("the appointment at position {position} names no person");
            return Err((Reason::UnknownAppointment, detail));
        }
        if everything.is_person_erased(position) || self.pending.is_erased(position) {
            let detail = format!("the name given at position {position} was erased before");
            return Err((Reason::AlreadyErased, detail));
        }
        Ok(())
    }

    fn figure(&self, reference: &Reference<'_>) -> Verdict {
        let Reference::Figure {
            position,
            locality,
            indicator,
            at,
        } = *reference
        else {
            return Ok(());
        };
        let everything = self.state.latest(Moment::end_of(Date::MAX));
        let Some(entry) = everything.figure_at(locality, indicator, position) else {
            let detail =
                format!("position {position} holds no figure of {indicator} for {locality}");
            return Err((Reason::UnknownFigure, detail));
        };
        if entry.recorded.effective != *at {
            let effective = entry.recorded.effective;
            let detail =
                format!("position {position} speaks of {effective}, the correction of {at}");
            return Err((Reason::UnknownFigure, detail));
        }
        match entry.corrected_by {
            Some(by) => {
                let detail =
                    format!("position {position} was corrected at position {by}; correct that");
                Err((Reason::AlreadyCorrected, detail))
            }
            None if self.pending.is_corrected(position) => {
                let detail = format!("position {position} is being corrected by another request");
                Err((Reason::AlreadyCorrected, detail))
            }
            None => Ok(()),
        }
    }
}

impl Resolver for OnRecord<'_> {
    fn locality(
        &self,
        code: LocalityCode,
        since: Option<Date>,
        at: &Moment,
    ) -> Result<LocalityId, (Reason, String)> {
        let day = at.date();
        let ended = |id| self.pending.ends(id, day);
        let on_record = match self.state.latest(*at).resolve(code) {
            Lookup::Found(id) if !ended(id) => Ok(id),
            Lookup::Found(id) => {
                let detail = format!("{id} is ended by this request before {day}");
                Err((Reason::LocalityNotValid, detail))
            }
            Lookup::NotValid(lives) => Err((Reason::LocalityNotValid, not_valid(code, at, &lives))),
            Lookup::Unknown => Err((Reason::UnknownLocality, self.unknown(code))),
        };
        let found = match (self.pending.registered_on(code, day), on_record) {
            (Some(registered), Ok(known)) => registered.max(known),
            (Some(registered), Err(_)) => registered,
            (None, on_record) => on_record?,
        };
        match since {
            Some(since) if since != found.since => Err((
                Reason::LocalityNotValid,
                format!("{code} is {found} on {day}"),
            )),
            _ => Ok(found),
        }
    }

    fn refer(&self, reference: &Reference<'_>) -> Verdict {
        let state = self.state;
        match reference {
            Reference::Indicator(code) => {
                let known =
                    state.has_indicator(code) || self.accepted(Thing::Indicator((*code).clone()));
                must_be(known, Reason::UnknownIndicator, code)
            }
            Reference::Model(code) => {
                let known = state.has_model(code) || self.accepted(Thing::Model((*code).clone()));
                must_be(known, Reason::UnknownModel, code)
            }
            Reference::Group(code) => {
                let known = state.has_group(code) || self.accepted(Thing::Group((*code).clone()));
                must_be(known, Reason::UnknownGroup, code)
            }
            Reference::Plan(code) => {
                let known = state.has_plan(code) || self.accepted(Thing::Plan((*code).clone()));
                must_be(known, Reason::UnknownPlan, code)
            }
            Reference::WorkItem(locality, code) => {
                let known = state.has_work_item(*locality, code)
                    || self.accepted(Thing::WorkItem(*locality, (*code).clone()));
                must_be(known, Reason::UnknownWorkItem, code)
            }
            Reference::Figure { .. } => self.figure(reference),
            Reference::Appointment {
                position,
                locality,
                scope,
            } => self.appointment(*position, *locality, scope),
            Reference::Identity(id) => {
                let known = self.everything().life(*id).is_some() || self.pending.registers(*id);
                must_be(known, Reason::UnknownLocality, id)
            }
        }
    }

    fn effective(&self, at: &Moment, body: Option<&Body>) -> Verdict {
        if may_speak_of(*at, body, self.now) {
            return Ok(());
        }
        Err((Reason::DateInFuture, format!("{at} lies in the future")))
    }
}

/// Whether what happened may speak of a moment, judged at an instant.
pub(crate) fn may_speak_of(at: Moment, body: Option<&Body>, now: Timestamp) -> bool {
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

/// What is decided before it takes effect: reforms, successions, plans.
fn may_lie_ahead(body: &v1::event::Body) -> bool {
    matches!(
        body,
        Body::LocalityRegistered(_)
            | Body::LocalityEnded(_)
            | Body::OwnerAssigned(_)
            | Body::PlanAdopted(_)
            | Body::ModelDefined(_)
            | Body::GroupDefined(_)
    )
}

fn not_valid(code: LocalityCode, at: &Moment, lives: &[state::Life]) -> String {
    let lives: Vec<String> = lives
        .iter()
        .map(|life| {
            let name = &life.name.vi;
            let start = life
                .start
                .map_or_else(String::new, |start| format!(" from {start}"));
            let end = life
                .end
                .map_or_else(String::new, |end| format!(" until before {end}"));
            let successors: Vec<String> = life
                .successors
                .iter()
                .map(|s| s.locality.to_string())
                .collect();
            let successors = if successors.is_empty() {
                String::new()
            } else {
                format!(", then {}", successors.join(", "))
            };
            format!("{name}{start}{end}{successors}")
        })
        .collect();
    format!(
        "{code} did not exist on {}; it was {}",
        at.date(),
        lives.join("; ")
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
