//! Owners: appointments, who holds a role, who succeeds whom.

use std::collections::BTreeMap;

use domain::event::{Body, Scope};
use domain::text::{Moment, fold};
use domain::{LocalityId, Reason};
use state::Reading;
use wire::event::Reference;

use super::{OnRecord, Verdict};
use crate::pending::Thing;

/// Most names that are followed from one organisation.
const NAMES_MAX: usize = 1_000;

impl OnRecord<'_> {
    /// Whether a position holds an appointment of a person whose name is there to be erased.
    pub(super) fn appointment(
        &self,
        position: u64,
        locality: LocalityId,
        scope: &Scope,
    ) -> Verdict {
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

    /// Whether an organisation holds a role at a moment: under the name assigned, or one that took over from it.
    pub(super) fn holder(&self, reference: &Reference<'_>) -> Verdict {
        let Reference::Holder {
            scope,
            locality,
            role,
            organisation,
            at,
        } = *reference
        else {
            return Ok(());
        };
        let reading = self.state.latest(*at);
        let lineage = reading.lineage(locality);
        let thing = match scope {
            Scope::Model(code) => code.as_str(),
            Scope::Plan(code) => code.as_str(),
        };
        let role_of = role.as_str();
        for place in &lineage {
            let recorded = reading.assigned(scope, *place, role);
            let since = recorded.map(|owner| owner.recorded.effective);
            let key = Thing::Role(*place, scope.clone(), role);
            let (since, owner) = match (self.said(&key, &reading, since), recorded) {
                (Some((since, Body::OwnerAssigned(owner))), _) => (since, owner),
                (_, Some(owner)) => (owner.recorded.effective, owner.fact),
                _ => continue,
            };
            let names = self.bearers(&owner.organisations, since, &lineage, &reading);
            if names.contains(&fold(organisation)) {
                return Ok(());
            }
            let holders = owner.organisations.join(", ");
            let detail = format!(
                "'{organisation}' is not {role_of} of {thing} on {at}; '{holders}' is, since {since}"
            );
            return Err((Reason::NotTheHolder, detail));
        }
        let detail = format!("nobody is {role_of} of {thing} in {locality} on {at}; assign it");
        Err((Reason::NotTheHolder, detail))
    }

    /// Organisations and all that took over from them since a moment, as their names fold.
    fn bearers(
        &self,
        organisations: &[String],
        since: Moment,
        lineage: &[LocalityId],
        reading: &Reading<'_>,
    ) -> Vec<String> {
        let mut names: Vec<String> = organisations.iter().map(|name| fold(name)).collect();
        let mut sinces = vec![since; names.len()];
        let mut next = 0;
        while next < names.len() && names.len() < NAMES_MAX {
            let (name, since) = (names[next].clone(), sinces[next]);
            for place in lineage {
                let Some((at, successors)) = self.successors(*place, &name, reading) else {
                    continue;
                };
                let taking_over = successors.iter().map(|name| fold(name));
                for name in taking_over.filter(|_| at >= since) {
                    if !names.contains(&name) {
                        names.push(name);
                        sinces.push(at);
                    }
                }
            }
            next += 1;
        }
        names
    }

    /// Who took over from an organisation in this very place, and when.
    fn successors<'r>(
        &'r self,
        place: LocalityId,
        name: &str,
        reading: &Reading<'r>,
    ) -> Option<(Moment, &'r [String])> {
        let recorded = reading.succession(place, name);
        let since = recorded.map(|entry| entry.recorded.effective);
        let key = Thing::Succession(place, name.to_owned());
        match self.said(&key, reading, since) {
            Some((at, Body::OrganisationSucceeded(said))) => Some((at, &said.successors)),
            _ => recorded.map(|entry| (entry.recorded.effective, &*entry.fact.successors)),
        }
    }

    /// Whether an organisation would not, however far on, succeed itself.
    ///
    /// It counts whenever it happened: a name given up and taken again would make readers go round in a circle.
    pub(super) fn succession(
        &self,
        locality: LocalityId,
        organisation: &str,
        successors: &[String],
    ) -> Verdict {
        let everything = self.everything();
        let folded = |names: &[String]| names.iter().map(|name| fold(name)).collect::<Vec<_>>();
        let mut taking_over = BTreeMap::new();
        for entry in everything.successions_around(locality) {
            let key = (entry.locality, fold(&entry.organisation));
            taking_over.insert(key, folded(&entry.successors));
        }
        for (thing, _) in self.pending.things() {
            if let Thing::Succession(place, name) = thing
                && let Some((_, names)) = self.successors(*place, name, &everything)
            {
                taking_over.insert((*place, name.clone()), folded(names));
            }
        }
        let itself = fold(organisation);
        for successor in successors {
            let mut names = vec![fold(successor)];
            let mut next = 0;
            while next < names.len() && names.len() < NAMES_MAX {
                if names[next] == itself {
                    let detail =
                        format!("'{organisation}' would succeed itself through '{successor}'");
                    return Err((Reason::SuccessionCycle, detail));
                }
                let of_name = taking_over.iter().filter(|(key, _)| key.1 == names[next]);
                let further: Vec<String> = of_name.flat_map(|(_, names)| names.clone()).collect();
                names.extend(
                    further
                        .into_iter()
                        .filter(|name| !names.contains(name))
                        .collect::<Vec<_>>(),
                );
                next += 1;
            }
        }
        Ok(())
    }
}
