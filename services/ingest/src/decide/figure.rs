//! Figures: what a correction, a retraction, a suspension or an answer may name.

use domain::Reason;
use domain::event::{Actor, Body};
use domain::finding::Severity;
use domain::text::fold;
use state::FindingState;
use wire::event::Reference;

use super::{OnRecord, Verdict};
use crate::pending::Thing;

impl OnRecord<'_> {
    /// Whether a position holds a figure that a correction or a retraction may name.
    pub(super) fn figure(&self, reference: &Reference<'_>) -> Verdict {
        let Reference::Figure {
            position,
            locality,
            indicator,
            at,
        } = *reference
        else {
            return Ok(());
        };
        let everything = self.everything();
        let Some(entry) = everything.figure_at(locality, indicator, position) else {
            let detail =
                format!("position {position} holds no figure of {indicator} for {locality}");
            return Err((Reason::UnknownFigure, detail));
        };
        if entry.recorded.effective != *at {
            let effective = entry.recorded.effective;
            let detail =
                format!("position {position} speaks of {effective}, what is said of it of {at}");
            return Err((Reason::UnknownFigure, detail));
        }
        if let Some(by) = entry.retracted_by {
            let detail = format!("position {position} was retracted at position {by}");
            return Err((Reason::AlreadyRetracted, detail));
        }
        match entry.corrected_by {
            Some(by) => {
                let detail =
                    format!("position {position} was corrected at position {by}; correct that");
                Err((Reason::AlreadyCorrected, detail))
            }
            None if self.pending.is_corrected(position) => {
                let detail = format!(
                    "position {position} is being corrected or retracted by another request"
                );
                Err((Reason::AlreadyCorrected, detail))
            }
            None => Ok(()),
        }
    }

    /// Whether a quota is in force at a moment.
    pub(super) fn quota(&self, reference: &Reference<'_>) -> Verdict {
        let Reference::Quota {
            locality,
            indicator,
            layer,
            at,
        } = *reference
        else {
            return Ok(());
        };
        let reading = self.state.latest(*at);
        let quotas = reading.quotas(locality, indicator);
        let in_force = quotas.iter().find(|quota| quota.layer == layer);
        let suspended = reading.suspended(locality, indicator, layer);
        let since = in_force
            .map(|quota| quota.recorded.effective)
            .or(suspended.map(|suspended| suspended.recorded.effective));
        let key = Thing::Quota(locality, indicator.clone(), layer);
        let holds = match self.said(&key, &reading, since) {
            Some((_, body)) => matches!(body, Body::QuotaAssigned(_)),
            None => in_force.is_some(),
        };
        if holds {
            return Ok(());
        }
        let layer = layer.as_str();
        let detail = format!("no {layer} quota of {indicator} holds for {locality} on {at}");
        Err((Reason::UnknownQuota, detail))
    }

    /// Whether a finding waits for an answer, and for that of this office.
    pub(super) fn finding(&self, reference: &Reference<'_>) -> Verdict {
        let Reference::Finding {
            position,
            locality,
            check,
            actor,
        } = *reference
        else {
            return Ok(());
        };
        let code = check.code();
        let unknown = |what| {
            let detail = format!("position {position} has no open {code}{what}");
            Err((Reason::UnknownFinding, detail))
        };
        let closed = |how| {
            Err((
                Reason::FindingClosed,
                format!("{code} of position {position} {how}"),
            ))
        };
        let everything = self.everything();
        let Some(entry) = everything.finding(locality, position, check) else {
            return unknown("");
        };
        match entry.state {
            FindingState::Note => return unknown("; it is a note, which asks for no answer"),
            FindingState::Replaced(by) => {
                return closed(format!("is closed: position {by} replaced the figure"));
            }
            FindingState::Resolved(answer) => {
                let by = answer.recorded.position;
                return closed(format!("was answered at position {by}"));
            }
            FindingState::Open => {}
        }
        if self.accepted(Thing::Finding(position, check)) || self.pending.is_corrected(position) {
            return closed("is being closed by this request or another".to_owned());
        }
        if entry.finding.severity == Severity::Blocking && is_same_office(actor, entry.reporter()) {
            let office = &actor.office;
            let detail = format!("'{office}' reported the figure; another office must confirm it");
            return Err((Reason::SameOffice, detail));
        }
        Ok(())
    }
}

/// Whether two are one office of one organisation, however they are spelled.
fn is_same_office(one: &Actor, other: &Actor) -> bool {
    let key = |actor: &Actor| (fold(&actor.organisation), fold(&actor.office));
    key(one) == key(other)
}
