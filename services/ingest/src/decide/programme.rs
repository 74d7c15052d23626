//! The programme: models, groups, relations of indicators.

use std::collections::BTreeSet;

use domain::event::{Body, Relation};
use domain::text::Moment;
use domain::{GroupCode, IndicatorCode, ModelCode, Reason};
use state::Reading;
use wire::event::Reference;

use super::{OnRecord, Verdict, must_be};
use crate::pending::Thing;

/// Most codes that a refusal lists.
const LISTED_MAX: usize = 8;
/// Most indicators that are followed from one.
const RELATED_MAX: usize = 64;

impl OnRecord<'_> {
    /// Whether a model was ever defined, and is not withdrawn at the moment.
    pub(super) fn model(&self, code: &ModelCode, at: Option<&Moment>) -> Verdict {
        let known = self.state.has_model(code) || self.accepted(Thing::Model(code.clone()));
        must_be(known, Reason::UnknownModel, code)?;
        let withdrawn = at.and_then(|at| self.model_withdrawn(code, &self.state.latest(*at)));
        is_live(withdrawn, Reason::ModelWithdrawn, code)
    }

    /// Whether a group was ever defined, and is not withdrawn at the moment.
    pub(super) fn group(&self, code: &GroupCode, at: Option<&Moment>) -> Verdict {
        let known = self.state.has_group(code) || self.accepted(Thing::Group(code.clone()));
        must_be(known, Reason::UnknownGroup, code)?;
        let withdrawn = at.and_then(|at| self.group_withdrawn(code, &self.state.latest(*at)));
        is_live(withdrawn, Reason::GroupWithdrawn, code)
    }

    /// Since when a model is withdrawn.
    fn model_withdrawn(&self, code: &ModelCode, reading: &Reading<'_>) -> Option<Moment> {
        let withdrawn = reading.withdrawn_model(code);
        let withdrawn = withdrawn.map(|entry| entry.recorded.effective);
        let defined = || Some(reading.model(code)?.recorded.effective);
        let key = Thing::Model(code.clone());
        match self.said(&key, reading, withdrawn.or_else(defined)) {
            Some((at, Body::ModelWithdrawn(_))) => Some(at),
            Some(_) => None,
            None => withdrawn,
        }
    }

    /// Since when a group is withdrawn.
    fn group_withdrawn(&self, code: &GroupCode, reading: &Reading<'_>) -> Option<Moment> {
        let withdrawn = reading.withdrawn_group(code);
        let withdrawn = withdrawn.map(|entry| entry.recorded.effective);
        let defined = || Some(reading.group(code)?.recorded.effective);
        let key = Thing::Group(code.clone());
        match self.said(&key, reading, withdrawn.or_else(defined)) {
            Some((at, Body::GroupWithdrawn(_))) => Some(at),
            Some(_) => None,
            None => withdrawn,
        }
    }

    /// Whether no model is in a group any more, at the moment or later.
    pub(super) fn empty_group(&self, group: &GroupCode, at: &Moment) -> Verdict {
        let mut left = self.models_of(group, &self.state.latest(*at));
        left.append(&mut self.models_of(group, &self.everything()));
        if left.is_empty() {
            return Ok(());
        }
        let listed: Vec<&str> = left
            .iter()
            .take(LISTED_MAX)
            .map(ModelCode::as_str)
            .collect();
        let more = if left.len() > LISTED_MAX { ", …" } else { "" };
        let listed = listed.join(", ");
        let detail = format!("'{group}' still has {listed}{more}; withdraw or move them first");
        Err((Reason::GroupInUse, detail))
    }

    fn models_of(&self, group: &GroupCode, reading: &Reading<'_>) -> BTreeSet<ModelCode> {
        let mut codes: BTreeSet<ModelCode> = reading
            .models()
            .into_iter()
            .map(|model| model.defined.model.clone())
            .collect();
        codes.extend(self.pending.things().filter_map(|(thing, _)| match thing {
            Thing::Model(code) => Some(code.clone()),
            _ => None,
        }));
        let is_in = |code: &ModelCode| {
            let recorded = reading.model(code);
            let since = recorded.map(|model| model.recorded.effective);
            let of = match self.said(&Thing::Model(code.clone()), reading, since) {
                Some((_, Body::ModelDefined(said))) => Some(&said.group),
                _ => recorded.map(|model| &model.defined.group),
            };
            of == Some(group) && self.model_withdrawn(code, reading).is_none()
        };
        codes.retain(is_in);
        codes
    }

    /// Whether no other group of the plan has the number, at the moment or later.
    pub(super) fn group_number(&self, reference: &Reference<'_>) -> Verdict {
        let Reference::GroupNumber {
            plan,
            group,
            number,
            at,
        } = *reference
        else {
            return Ok(());
        };
        for reading in [self.state.latest(*at), self.everything()] {
            let mut codes: BTreeSet<GroupCode> = reading
                .groups()
                .into_iter()
                .map(|other| other.group.clone())
                .collect();
            codes.extend(self.pending.things().filter_map(|(thing, _)| match thing {
                Thing::Group(code) => Some(code.clone()),
                _ => None,
            }));
            let has_it = |code: &GroupCode| {
                let recorded = reading.group(code);
                let since = recorded.map(|group| group.recorded.effective);
                let defined = match self.said(&Thing::Group(code.clone()), &reading, since) {
                    Some((_, Body::GroupDefined(said))) => Some(said),
                    _ => recorded.map(|group| group.fact),
                };
                defined.is_some_and(|other| other.plan == *plan && other.number == number)
                    && self.group_withdrawn(code, &reading).is_none()
            };
            if let Some(other) = codes.iter().find(|code| *code != group && has_it(code)) {
                let detail = format!("number {number} of plan {plan} is {other}");
                return Err((Reason::NumberTaken, detail));
            }
        }
        Ok(())
    }

    /// Whether an indicator would not, however far on, be related to itself.
    pub(super) fn relation(
        &self,
        indicator: &IndicatorCode,
        relation: Relation,
        other: &IndicatorCode,
    ) -> Verdict {
        let everything = self.everything();
        let mut path = vec![indicator, other];
        while let Some(last) = path.last().copied() {
            if last == indicator || path.len() > RELATED_MAX {
                let path: Vec<&str> = path.iter().map(|code| code.as_str()).collect();
                return Err((Reason::RelationCycle, path.join(" → ")));
            }
            let recorded = everything.relation(last, relation);
            let since = recorded.map(|entry| entry.recorded.effective);
            let key = Thing::Relation(last.clone(), relation);
            let next = match self.said(&key, &everything, since) {
                Some((_, Body::IndicatorRelated(said))) => said.other.as_ref(),
                _ => recorded.and_then(|entry| entry.fact.other.as_ref()),
            };
            match next {
                Some(next) => path.push(next),
                None => break,
            }
        }
        Ok(())
    }
}

fn is_live(withdrawn: Option<Moment>, reason: Reason, code: &dyn std::fmt::Display) -> Verdict {
    match withdrawn {
        None => Ok(()),
        Some(at) => {
            let detail = format!("'{code}' was withdrawn on {at}; define it again or name another");
            Err((reason, detail))
        }
    }
}
