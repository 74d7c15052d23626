//! Which events concern an organisation, against the naive model.

use domain::event::ModelStatus;

use super::super::owners::{completed, defined, status, withdrawn, work_item};
use super::lists::{MODELS, leads_model};
use super::naive::sees;
use super::*;
use crate::Target;

/// Roles of one model and work items that change hands, and what is said of them.
fn dealings() -> impl Strategy<Value = Body> {
    let place = || prop::sample::select(&PLACES[..]);
    let some = || prop::sample::subsequence(&ORGANISATIONS[..], 0..3);
    let one = || prop::sample::select(&ORGANISATIONS[..]);
    let item = || prop::sample::select(&["W1", "W2"][..]);
    prop_oneof![
        3 => (place(), some()).prop_map(|(p, names)| leads_model(p, MODELS[0], &names)),
        3 => successions(),
        3 => (place(), item(), one()).prop_map(|(p, item, name)| work_item(p, item, name, &[])),
        2 => (place(), item()).prop_map(|(p, item)| completed(p, item)),
        2 => place().prop_map(|p| status(p, MODELS[0], ModelStatus::Deployed)),
        3 => places(),
        1 => place().prop_map(|p| ended(p, Vec::new())),
        1 => Just(defined(MODELS[0], "KH-2", "Bến xe")),
        1 => Just(withdrawn(MODELS[0])),
    ]
}

/// Since when somebody has something in a place, and to whom it was given.
type Given<'h> = (LocalityId, Moment, &'h [String]);

/// A reader of the naive model who asks about one organisation.
struct Asker<'h> {
    now: Naive<'h>,
    name: &'h str,
}

impl<'h> Asker<'h> {
    fn has(&self, (place, since, names): Given<'_>) -> bool {
        let (holders, _) = self.now.way(names, since, &self.now.lineage(place));
        names.iter().any(|name| name == self.name) || holders.contains(self.name)
    }

    fn is_to_have(&self, given: Given<'_>) -> bool {
        let (place, since, names) = given;
        let lineage = self.now.lineage(place);
        // Who has it changes at no other moments than those that events speak of.
        let moments = self.now.history.iter().map(|(_, event)| event.effective);
        let mut later = moments.filter(|at| !sees(self.now.as_of, *at));
        self.has(given)
            || later.any(|as_of| {
                let then = Naive { as_of, ..self.now };
                let (holders, _) = then.way(names, since, &lineage);
                holders.contains(self.name)
            })
    }

    fn leads(&self, place: LocalityId) -> Option<Given<'h>> {
        let ((since, _), owner) = self.now.appointed(&self.now.lineage(place))?;
        Some((place, since, &owner.organisations))
    }

    fn item(&self, place: LocalityId, item: &str) -> Option<Given<'h>> {
        let (since, defined) = self.now.work_item(place, item)?;
        Some((place, since, std::slice::from_ref(&defined.organisation)))
    }

    /// Whether it has a role given in a very place, or open work there.
    fn has_in(&self, place: LocalityId) -> bool {
        let lead = self.now.appointed(&[place]);
        let leads =
            lead.is_some_and(|((since, _), owner)| self.has((place, since, &owner.organisations)));
        let open = ["W1", "W2"].into_iter().filter(|item| {
            let given = self.now.work_item(place, item);
            given.is_some_and(|(at, _)| sees(self.now.as_of, at)) && !self.now.is_done(place, item)
        });
        let mut open = open.filter_map(|item| self.item(place, item));
        leads && !self.now.is_withdrawn(MODELS[0]) || open.any(|given| self.has(given))
    }

    /// Whether the event at the last position known concerns it; `before` knows the one before that.
    fn is_told(&self, event: &'h Event, before: &Self) -> bool {
        let at = event.effective;
        match &event.body {
            Body::OwnerAssigned(e) => {
                self.is_to_have((e.locality, at, &e.organisations))
                    || before
                        .leads(e.locality)
                        .is_some_and(|it| before.is_to_have(it))
            }
            Body::OrganisationSucceeded(e) => {
                let lineage = before.now.lineage(e.locality);
                let mut places = lineage.iter();
                let lost = places.find_map(|p| before.now.succession(*p, &e.organisation));
                e.organisation == self.name
                    || self.is_to_have((e.locality, at, &e.successors))
                    || lost.is_some_and(|(at, names)| before.is_to_have((e.locality, at, names)))
            }
            Body::WorkItemDefined(e) => {
                let lost = before.item(e.locality, e.work_item.as_str());
                self.is_to_have((e.locality, at, std::slice::from_ref(&e.organisation)))
                    || lost.is_some_and(|given| before.is_to_have(given))
            }
            Body::WorkItemCompleted(e) => {
                let item = self.item(e.locality, e.work_item.as_str());
                item.is_some_and(|given| self.has(given))
            }
            Body::ModelStatusChanged(e) => self.leads(e.locality).is_some_and(|it| self.has(it)),
            Body::ModelDefined(_) | Body::ModelWithdrawn(_) => {
                let [is, was] = [self, before].map(|it| it.now.is_withdrawn(MODELS[0]));
                let existing = PLACES.map(id).into_iter().filter(|p| self.now.exists(*p));
                let mut roles = existing.filter_map(|place| {
                    let ((since, _), owner) = self.now.appointed(&[place])?;
                    Some((place, since, &*owner.organisations))
                });
                is != was && roles.any(|given| self.has(given))
            }
            Body::LocalityEnded(e) => before.has_in(e.locality),
            _ => false,
        }
    }
}

proptest! {
    #[test]
    fn an_organisation_is_told_what_the_model_tells_it(
        history in histories_of(dealings().boxed()),
    ) {
        let state = fold(&history);
        for (position, event) in &history {
            for name in ORGANISATIONS {
                let asker = |limit| Asker {
                    now: Naive { history: &history, as_of: event.effective, limit },
                    name,
                };
                let told = asker(*position).is_told(event, &asker(position - 1));
                let target = Target::organisation(name);
                let found = state.concerns(&target, *position, event);
                prop_assert_eq!(found, told, "{} of {} at {}", name, event.body.subject().event, position);
            }
        }
    }
}
