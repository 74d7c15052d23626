//! The rules that need to know what is on record.

use domain::text::{Moment, Precision, date};
use domain::{LocalityCode, LocalityId, Reason};
use jiff::Timestamp;
use jiff::civil::Date;
use state::{Lookup, State};
use wire::event::{Reference, Resolver};
use wire::v1;
use wire::v1::event::Body;

use crate::pending::{Key, Pending};

/// What is on record or accepted in this commit, at an instant.
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
    fn accepted(&self, key: Key) -> bool {
        self.pending.holds(&key)
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
            None if self.accepted(Key::Corrected(position)) => {
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
        if let Some(since) = since {
            let id = LocalityId { code, since };
            if self.accepted(Key::Locality(id)) {
                return Ok(id);
            }
        }
        match self.state.latest(*at).resolve(code) {
            Lookup::Found(id) if since.is_none_or(|since| since == id.since) => Ok(id),
            Lookup::Found(id) => Err((
                Reason::LocalityNotValid,
                format!("{code} is {id} on {}", at.date()),
            )),
            Lookup::NotValid(lives) => match self.pending.registered(code) {
                Some(id) if since.is_none() => Ok(id),
                _ => Err((Reason::LocalityNotValid, not_valid(code, at, &lives))),
            },
            Lookup::Unknown => match self.pending.registered(code) {
                Some(id) if since.is_none() => Ok(id),
                _ => Err((Reason::UnknownLocality, self.unknown(code))),
            },
        }
    }

    fn refer(&self, reference: &Reference<'_>) -> Verdict {
        let state = self.state;
        match reference {
            Reference::Indicator(code) => {
                let known =
                    state.has_indicator(code) || self.accepted(Key::Indicator((*code).clone()));
                must_be(known, Reason::UnknownIndicator, code)
            }
            Reference::Model(code) => {
                let known = state.has_model(code) || self.accepted(Key::Model((*code).clone()));
                must_be(known, Reason::UnknownModel, code)
            }
            Reference::Group(code) => {
                let known = state.has_group(code) || self.accepted(Key::Group((*code).clone()));
                must_be(known, Reason::UnknownGroup, code)
            }
            Reference::Plan(code) => {
                let known = state.has_plan(code) || self.accepted(Key::Plan((*code).clone()));
                must_be(known, Reason::UnknownPlan, code)
            }
            Reference::WorkItem(locality, code) => {
                let known = state.has_work_item(*locality, code)
                    || self.accepted(Key::WorkItem(*locality, (*code).clone()));
                must_be(known, Reason::UnknownWorkItem, code)
            }
            Reference::Figure { .. } => self.figure(reference),
        }
    }

    fn effective(&self, at: &Moment, body: Option<&Body>) -> Verdict {
        if is_future(*at, self.now) && !body.is_some_and(may_lie_ahead) {
            return Err((Reason::DateInFuture, format!("{at} lies in the future")));
        }
        Ok(())
    }
}

impl OnRecord<'_> {
    fn unknown(&self, code: LocalityCode) -> String {
        if self.state.position() == 0 {
            return format!(
                "{code} is unknown: the ledger holds no places yet; load them with `tiendo load gazetteer`"
            );
        }
        format!("no locality ever had the code {code}")
    }
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

/// Takes the identities that a recorded request was given at the time.
pub(crate) struct Remembered<'a> {
    pub(crate) identities: &'a [LocalityId],
}

impl Resolver for Remembered<'_> {
    fn locality(
        &self,
        code: LocalityCode,
        since: Option<Date>,
        _: &Moment,
    ) -> Result<LocalityId, (Reason, String)> {
        self.identities
            .iter()
            .find(|id| id.code == code && since.is_none_or(|since| since == id.since))
            .copied()
            .ok_or((
                Reason::UnknownLocality,
                "was not in the recorded request".to_owned(),
            ))
    }
}
