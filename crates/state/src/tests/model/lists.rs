//! Who has not reported, and the models of many places, against the naive model.

use std::cmp::Reverse;

use domain::event::{GroupDefined, ModelStatus};
use domain::text::collation_key;

use super::super::owners::{adopted, assigned, defined, status};
use super::*;
use crate::{Expected, Holding};

pub(super) const MODELS: [&str; 2] = ["KH-2.07", "KH-2.08"];

pub(super) fn leads_model(locality: &str, model: &str, organisations: &[&str]) -> Body {
    let scope = Scope::Model(code(model));
    assigned(locality, scope, Role::Lead, organisations)
}

/// A plan that moves from place to place, and what becomes of its first model there.
fn programmes() -> impl Strategy<Value = Body> {
    let place = || prop::sample::select(&PLACES[..]);
    let some = prop::sample::subsequence(&ORGANISATIONS[..], 0..3);
    let model = prop::sample::select(&MODELS[..]);
    let any = prop::sample::select(ModelStatus::ALL);
    prop_oneof![
        1 => place().prop_map(adopted),
        4 => (place(), model, any).prop_map(|(p, model, any)| status(p, model, any)),
        2 => (place(), some).prop_map(|(p, names)| leads_model(p, MODELS[0], &names)),
        2 => places(),
    ]
}

/// The group and its models, before everything that the histories speak of.
fn programme() -> Vec<Event> {
    let group = GroupDefined {
        group: code("KH-2"),
        plan: code("6559"),
        number: 2,
        name: vi("Kinh tế xã hội"),
    };
    let models = MODELS.map(|model| defined(model, "KH-2", model));
    let bodies = [Body::GroupDefined(group)].into_iter().chain(models);
    bodies
        .map(|body| event(moment("2020-01-01"), body))
        .collect()
}

proptest! {
    #[test]
    fn missing_reports_are_those_of_the_model(
        history in histories(),
        (as_of, limit) in questions(),
        cadence in 0..6_u32,
        expected in prop::sample::select(&[Expected::OfAll, Expected::OfAsked][..]),
    ) {
        let state = fold(&history);
        let (reading, naive) = (state.at(as_of, limit), Naive { history: &history, as_of, limit });
        let today = as_of.date();
        let days = |from: Date| u32::try_from((today - from).get_days()).unwrap_or(0);
        let (mut missing, mut reported, mut too_new) = (Vec::new(), 0, 0);
        for place in PLACES.map(id).into_iter().filter(|place| naive.exists(*place)) {
            let registered = naive.registration(place).unwrap();
            let newest = naive.series(place, "eid").last_key_value().map(|(m, _)| days(m.date()));
            let began = registered.start_known.then(|| days(place.since));
            let asked = naive.asked_since(place, "eid");
            if expected == Expected::OfAsked && asked.is_empty() {
                continue;
            }
            let is_due = expected == Expected::OfAll
                || asked.iter().any(|at| days(at.date()) > cadence);
            let is_new = newest.is_none() && began.is_some_and(|days| days <= cadence);
            if newest.is_some_and(|days| days <= cadence) {
                reported += 1;
            } else if is_new || !is_due {
                too_new += 1;
            } else {
                let silence = newest.map_or((0, 0), |days| (1, days));
                let order = (silence.0, Reverse(silence.1), collation_key(&registered.name.vi));
                missing.push((order, place, newest));
            }
        }
        missing.sort();
        let found = reading.missing_reports(&code("eid"), reading.localities(), cadence, expected);
        let answered: Vec<_> = found.missing.iter()
            .map(|one| (one.locality.id, one.silent_days(today)))
            .collect();
        let missing: Vec<_> = missing.into_iter().map(|(_, place, days)| (place, days)).collect();
        prop_assert_eq!(found.expected(), missing.len() + reported);
        prop_assert_eq!(answered, missing);
        prop_assert_eq!((found.reported, found.too_new), (reported, too_new));
    }

    #[test]
    fn the_cells_of_a_matrix_are_those_of_the_model(
        said in histories_of(prop_oneof![4 => programmes(), 1 => successions()].boxed()),
        (as_of, limit) in questions(),
    ) {
        let events = programme().into_iter().chain(said.into_iter().map(|(_, event)| event));
        let history: History = (1..).zip(events).collect();
        let state = fold(&history);
        let (reading, naive) = (state.at(as_of, limit), Naive { history: &history, as_of, limit });
        let applies = |place: LocalityId| {
            naive.planned().is_some_and(|planned| naive.lineage(place).contains(&planned))
        };
        // The three definitions come first.
        let defined = usize::try_from(limit.saturating_sub(1)).unwrap().min(MODELS.len());
        let any = PLACES.map(id).into_iter().any(applies);
        let models = reading.models_among(PLACES.map(id));
        let codes: Vec<_> = models.iter().map(|it| it.defined.model.as_str()).collect();
        prop_assert_eq!(&codes, if any { &MODELS[..defined] } else { &[] });
        for place in PLACES.map(id) {
            let cells = reading.model_cells(place, &models);
            prop_assert_eq!(cells.len(), models.len());
            for (cell, model) in cells.iter().zip(&codes) {
                prop_assert_eq!(cell.applies, applies(place));
                let status = cell.status.map(|s| (s.recorded.effective, s.recorded.position));
                prop_assert_eq!(status, naive.status(place, model).filter(|_| cell.applies));
                let holder = cell.holder.as_ref().map(|owner| {
                    let names = owner.organisations.iter().map(ToString::to_string);
                    (owner.recorded.position, names.collect::<BTreeSet<_>>())
                });
                let led = cell.applies && *model == MODELS[0];
                prop_assert_eq!(holder, naive.lead(place).filter(|_| led));
            }
        }
    }

    #[test]
    fn an_organisation_holds_what_the_model_gives_it(
        history in histories_of(prop_oneof![4 => holdings(), 1 => places()].boxed()),
        (as_of, limit) in questions(),
    ) {
        let state = fold(&history);
        let (reading, naive) = (state.at(as_of, limit), Naive { history: &history, as_of, limit });
        let given_there = |place: LocalityId| {
            let (position, holders) = naive.lead(place)?;
            let there = |(at, event): &(u64, Event)| match &event.body {
                Body::OwnerAssigned(e) => *at == position && e.locality == place,
                _ => false,
            };
            history.iter().any(there).then_some((position, holders))
        };
        let given: Vec<_> = PLACES.map(id).into_iter().filter_map(given_there).collect();
        for name in ORGANISATIONS {
            let roles = reading.portfolio(name, None, 14).roles;
            let of = |holding: Holding| -> BTreeSet<u64> {
                let roles = roles.iter().filter(|role| role.holding == holding);
                roles.map(|role| role.owner.recorded.position).collect()
            };
            let held = given.iter().filter(|(_, holders)| holders.contains(name));
            prop_assert_eq!(of(Holding::Held), held.map(|(at, _)| *at).collect::<BTreeSet<_>>());
            // What is orphaned has nobody, and what is handed over has others.
            let left = of(Holding::Orphaned);
            prop_assert!(given.iter().all(|(at, holders)| !left.contains(at) || holders.is_empty()));
            let gone = of(Holding::HandedOver);
            prop_assert!(given.iter().all(|(at, holders)| !gone.contains(at) || !holders.is_empty()));
            prop_assert_eq!(of(Holding::Held).len() + left.len() + gone.len(), roles.len());
        }
    }
}
