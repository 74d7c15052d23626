//! What an organisation has and had, against the naive model: hand-overs of single roles, and the ends of places.

use domain::event::Extent;

use super::super::owners::{adopted, completed, work_item};
use super::*;
use crate::{Holding, WorkDue};

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
    let mut standing: std::collections::BTreeMap<Moment, (u64, &OwnerAssigned)> =
        Default::default();
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

/// The hand-overs of a place's role that touch an organisation, and whether it gave the role up so.
fn hand_overs(naive: &Naive<'_>, place: LocalityId, name: &str) -> (Vec<u64>, bool) {
    let lineage = naive.lineage(place);
    let appointments = appointments(naive, place);
    let until = |index: usize| appointments.get(index).map_or(naive.as_of, |next| next.0);
    let has: Vec<bool> = appointments
        .iter()
        .enumerate()
        .map(|(index, (since, _, owner))| {
            let then = Naive {
                as_of: until(index + 1),
                ..*naive
            };
            then.way(&owner.organisations, *since, &lineage)
                .1
                .contains(name)
        })
        .collect();
    let (mut touching, mut gave) = (Vec::new(), false);
    for (index, (_, position, owner)) in appointments.iter().enumerate() {
        let had = index > 0 && has[index - 1] || owner.from.iter().any(|from| from == name);
        if owner.change == OwnerChange::HandedOver {
            gave |= had && !has[index];
            if had || has[index] {
                touching.push(*position);
            }
        }
    }
    (touching, gave)
}

/// What becomes of the lead of the plan with a place that ended.
fn fate(naive: &Naive<'_>, place: LocalityId, heirs: &[LocalityId]) -> Holding {
    let home = naive.planned();
    let is_here = |heir: &&LocalityId| heir.code.level() == place.code.level();
    let assigned = |heir: &LocalityId| !appointments(naive, *heir).is_empty();
    let above = |heir: &LocalityId| naive.appointed(&naive.lineage(*heir)).is_some();
    let carried = |heir: &LocalityId| home.is_some_and(|home| naive.lineage(*heir).contains(&home));
    if home.is_some_and(|home| heirs.contains(&home))
        || heirs.iter().any(assigned)
        || heirs.iter().filter(is_here).any(above)
    {
        Holding::HandedOver
    } else if heirs.iter().filter(is_here).any(carried) {
        Holding::Orphaned
    } else {
        Holding::Ended
    }
}

/// What became of the lead given in a very place, to an organisation.
fn became(naive: &Naive<'_>, place: LocalityId, name: &str) -> Option<Holding> {
    let ((since, _), owner) = naive.appointed(&[place])?;
    let (holders, passed) = naive.way(&owner.organisations, since, &naive.lineage(place));
    let (_, gave) = hand_overs(naive, place, name);
    if !passed.contains(name) {
        return gave.then_some(Holding::HandedOver);
    }
    let holding = match (holders.contains(name), holders.is_empty()) {
        (true, _) => Holding::Held,
        (false, true) => Holding::Orphaned,
        (false, false) => return Some(Holding::HandedOver),
    };
    Some(match naive.heirs(place) {
        Some(heirs) => fate(naive, place, &heirs),
        None => holding,
    })
}

proptest! {
    #[test]
    fn a_portfolio_is_that_of_the_model_and_every_row_is_counted_once(
        history in histories_of(dealings().boxed()),
        (as_of, limit) in questions(),
    ) {
        let state = fold(&history);
        let (reading, naive) = (state.at(as_of, limit), Naive { history: &history, as_of, limit });
        for name in ORGANISATIONS {
            let found = reading.portfolio(name, None, 14);
            for place in PLACES.map(id) {
                let role = found.roles.iter().find(|role| role.locality == place);
                prop_assert_eq!(role.map(|role| role.holding), became(&naive, place, name));
                let positions = role.map(|role| {
                    role.hand_overs.iter().map(|it| it.recorded.position).collect::<Vec<_>>()
                });
                let (expected, _) = hand_overs(&naive, place, name);
                prop_assert_eq!(positions.clone(), positions.map(|_| expected));
            }
            let of = [Holding::Held, Holding::Orphaned, Holding::HandedOver, Holding::Ended];
            let roles: usize = of.iter().map(|holding| found.role_count(*holding)).sum();
            prop_assert_eq!(roles, found.roles.len());
            let due = [WorkDue::Overdue, WorkDue::Soon, WorkDue::Open, WorkDue::Done, WorkDue::Cancelled];
            let held: usize = due.iter().map(|due| found.held_count(*due)).sum();
            let others: usize = of[1..].iter().map(|holding| found.item_count(*holding)).sum();
            prop_assert_eq!(held + others, found.items.len());
            // What is orphaned is open, and what is done or called off is nobody's to take.
            let mut left = found.items.iter().filter(|item| item.holding == Holding::Orphaned);
            prop_assert!(left.all(|item| item.item.is_open()));
        }
    }
}
