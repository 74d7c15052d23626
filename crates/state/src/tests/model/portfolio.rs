//! What an organisation has and had, everywhere and within a place, against the naive model: roles, hand-overs of single ones, work items, and the ends of places.

use std::collections::BTreeMap;

use domain::event::Extent;

use super::super::owners::{adopted, completed, work_item};
use super::naive::sees;
use super::*;
use crate::{Holding, WorkDue};

/// Every work item is due on the last day of 2025, so the earlier half of the moments asked about is longer before it.
const DUE_DAYS: u32 = 940;

/// Appointments and hand-overs of one role, successions, work items, and places that end into others.
fn dealings() -> impl Strategy<Value = Body> {
    let place = || prop::sample::select(&PLACES[..]);
    let some = || prop::sample::subsequence(&ORGANISATIONS[..], 1..3);
    let one = prop::sample::select(&ORGANISATIONS[..]);
    let item = || prop::sample::select(&["W1", "W2"][..]);
    let handed = (place(), some(), some()).prop_map(|(p, from, to)| {
        let Body::OwnerAssigned(owner) = leads(p, &to) else {
            panic!("an owner");
        };
        Body::OwnerAssigned(OwnerAssigned {
            change: OwnerChange::HandedOver,
            from: from.iter().map(ToString::to_string).collect(),
            reason: "Phân công lại".to_owned(),
            ..owner
        })
    });
    let end = (place(), prop::sample::subsequence(&PLACES[..], 0..3)).prop_map(|(p, into)| {
        let successor = |place: &&str| Successor {
            locality: id(place),
            extent: Extent::Full,
        };
        ended(
            p,
            into.iter().filter(|to| **to != p).map(successor).collect(),
        )
    });
    prop_oneof![
        4 => (place(), some()).prop_map(|(p, names)| leads(p, &names)),
        4 => handed,
        3 => successions(),
        2 => (place(), item(), one).prop_map(|(p, item, name)| work_item(p, item, name, &[])),
        2 => (place(), item()).prop_map(|(p, item)| completed(p, item)),
        2 => places(),
        2 => end,
        2 => place().prop_map(adopted),
    ]
}

/// The appointments of a very place that stand, one for each moment, oldest first.
fn appointments<'h>(naive: &Naive<'h>, place: LocalityId) -> Vec<(Moment, u64, &'h OwnerAssigned)> {
    let mut standing: BTreeMap<Moment, (u64, &OwnerAssigned)> = BTreeMap::new();
    for (position, event) in naive.seen() {
        if let Body::OwnerAssigned(owner) = &event.body
            && owner.locality == place
        {
            standing.insert(event.effective, (*position, owner));
        }
    }
    let standing = standing.into_iter();
    standing
        .map(|(at, (position, owner))| (at, position, owner))
        .collect()
}

/// A reader of the naive model who asks about one organisation, everywhere or within a place.
struct Asker<'h> {
    now: Naive<'h>,
    name: &'h str,
    within: Option<LocalityId>,
}

impl Asker<'_> {
    fn is_inside(&self, place: LocalityId) -> bool {
        let within = self.within;
        within.is_none_or(|within| self.now.inside(within).contains(&place))
    }

    /// The places that a role given in one is read through: what was given above the place asked for holds there if nothing was given in between.
    fn lineage(&self, place: LocalityId) -> Option<Vec<LocalityId>> {
        let Some(within) = self.within.filter(|_| !self.is_inside(place)) else {
            return Some(self.now.lineage(place));
        };
        let lineage = self.now.lineage(within);
        let order = |places: &[LocalityId]| self.now.appointed(places).map(|(order, _)| order);
        (order(&lineage) == order(&[place])).then_some(lineage)
    }

    /// The hand-overs of a place's role that touch the organisation, and whether it gave the role up so.
    fn hand_overs(&self, place: LocalityId, lineage: &[LocalityId]) -> (Vec<u64>, bool) {
        let appointments = appointments(&self.now, place);
        let until = |index: usize| {
            let next = appointments.get(index);
            next.map_or(self.now.as_of, |next| next.0)
        };
        let has: Vec<bool> = appointments
            .iter()
            .enumerate()
            .map(|(index, (since, _, owner))| {
                let as_of = until(index + 1);
                let then = Naive { as_of, ..self.now };
                let (_, passed) = then.way(&owner.organisations, *since, lineage);
                passed.contains(self.name)
            })
            .collect();
        let (mut touching, mut gave) = (Vec::new(), false);
        for (index, (_, position, owner)) in appointments.iter().enumerate() {
            let had =
                index > 0 && has[index - 1] || owner.from.iter().any(|from| from == self.name);
            if owner.change == OwnerChange::HandedOver {
                gave |= had && !has[index];
                if had || has[index] {
                    touching.push(*position);
                }
            }
        }
        (touching, gave)
    }

    /// What became of something that names were given, as far as organisations are concerned.
    fn passed(&self, names: &[String], since: Moment, lineage: &[LocalityId]) -> Option<Holding> {
        let (holders, passed) = self.now.way(names, since, lineage);
        let holding = match (holders.contains(self.name), holders.is_empty()) {
            (true, _) => Holding::Held,
            (false, true) => Holding::Orphaned,
            (false, false) => Holding::HandedOver,
        };
        passed.contains(self.name).then_some(holding)
    }

    /// What became of the lead given in a very place, and the hand-overs that touch the organisation.
    fn role(&self, place: LocalityId) -> Option<(Holding, Vec<u64>)> {
        let ((since, _), owner) = self.now.appointed(&[place])?;
        let lineage = self.lineage(place)?;
        let (touching, gave) = self.hand_overs(place, &lineage);
        let became = match self.passed(&owner.organisations, since, &lineage) {
            Some(Holding::HandedOver) => Holding::HandedOver,
            Some(holding) => match self.now.heirs(place) {
                Some(heirs) => fate(&self.now, place, &heirs),
                None => holding,
            },
            None if gave => Holding::HandedOver,
            None => return None,
        };
        Some((became, touching))
    }

    /// What became of a work item, and where it stands.
    fn item(&self, place: LocalityId, item: &str) -> Option<(Holding, WorkDue)> {
        let now = &self.now;
        let (since, defined) = now.work_item(place, item)?;
        if !sees(now.as_of, since) || !self.is_inside(place) {
            return None;
        }
        let done = now.is_done(place, item);
        let given = std::slice::from_ref(&defined.organisation);
        let became = match self.passed(given, since, &now.lineage(place))? {
            Holding::Orphaned if done => Holding::Ended,
            Holding::Held if !done && now.heirs(place).is_some() => Holding::Orphaned,
            holding => holding,
        };
        let left = (day("2025-12-31") - now.as_of.date()).get_days();
        let due = match done {
            true => WorkDue::Done,
            false if u32::try_from(left).unwrap() <= DUE_DAYS => WorkDue::Soon,
            false => WorkDue::Open,
        };
        Some((became, due))
    }
}

/// What becomes of the lead of the plan with a place that ended.
fn fate(naive: &Naive<'_>, place: LocalityId, heirs: &[LocalityId]) -> Holding {
    let home = naive.planned();
    let (mut is_given, mut is_held, mut is_carried) = (false, false, false);
    for heir in heirs {
        let lineage = naive.lineage(*heir);
        let is_of_its_level = heir.code.level() == place.code.level();
        let reach = if is_of_its_level {
            lineage.as_slice()
        } else {
            &[*heir]
        };
        if let Some(((since, _), owner)) = naive.appointed(reach) {
            is_given = true;
            let (holders, _) = naive.way(&owner.organisations, since, &lineage);
            is_held |= !holders.is_empty();
        }
        is_carried |= home.is_some_and(|home| reach.contains(&home));
    }
    match (is_held, is_given || is_carried) {
        (true, _) => Holding::HandedOver,
        (false, true) => Holding::Orphaned,
        (false, false) => Holding::Ended,
    }
}

proptest! {
    #[test]
    fn a_portfolio_is_that_of_the_model_and_every_row_is_counted_once(
        history in histories_of(dealings().boxed()),
        (as_of, limit) in questions(),
    ) {
        let state = fold(&history);
        let (reading, now) = (state.at(as_of, limit), Naive { history: &history, as_of, limit });
        let everywhere = ORGANISATIONS.map(|name| (name, None)).into_iter();
        let within = ORGANISATIONS.map(|name| PLACES.map(|place| (name, Some(id(place)))));
        for (name, within) in everywhere.chain(within.into_iter().flatten()) {
            let asker = Asker { now, name, within };
            let found = reading.portfolio(name, within, DUE_DAYS);
            let roles: BTreeMap<_, _> = found.roles.iter().map(|role| {
                let touching = role.hand_overs.iter().map(|it| it.recorded.position);
                (role.locality, (role.holding, touching.collect::<Vec<_>>()))
            }).collect();
            let expected = PLACES.map(id).into_iter();
            let expected = expected.filter_map(|place| Some((place, asker.role(place)?)));
            prop_assert_eq!(&roles, &expected.collect(), "roles of {} in {:?}", name, within);
            let items: BTreeMap<_, _> = found.items.iter().map(|it| {
                let of = it.item.defined;
                ((of.locality, of.work_item.as_str()), (it.holding, it.due))
            }).collect();
            let expected = PLACES.map(|place| ["W1", "W2"].map(|item| (id(place), item)));
            let expected = expected.into_iter().flatten();
            let expected = expected.filter_map(|key| Some((key, asker.item(key.0, key.1)?)));
            prop_assert_eq!(&items, &expected.collect(), "items of {} in {:?}", name, within);
            for holding in [Holding::Held, Holding::Orphaned, Holding::HandedOver, Holding::Ended] {
                let of_roles = roles.values().filter(|(is, _)| *is == holding).count();
                let of_items = items.values().filter(|(is, _)| *is == holding).count();
                prop_assert_eq!(found.role_count(holding), of_roles);
                prop_assert_eq!(found.item_count(holding), of_items);
            }
            for due in [WorkDue::Soon, WorkDue::Open, WorkDue::Done] {
                let held = items.values().filter(|is| **is == (Holding::Held, due)).count();
                prop_assert_eq!(found.held_count(due), held);
            }
        }
    }
}
