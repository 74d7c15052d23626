//! Work items of many places, by last day, against the naive model.

use domain::event::{WorkItemCancelled, WorkItemDefined, WorkItemRescheduled};

use super::super::owners::{completed, work_item};
use super::lists::MODELS;
use super::naive::sees;
use super::*;
use crate::{WorkItemStatus, WorkWanted};

const ITEMS: [&str; 3] = ["W1", "W2", "W3"];

/// Days around those that are asked about.
fn days() -> impl Strategy<Value = Date> {
    (1..=9_i8).prop_map(|day| Date::constant(2023, 6, day))
}

fn definitions() -> impl Strategy<Value = Body> {
    let place = prop::sample::select(&PLACES[..]);
    let item = prop::sample::select(&ITEMS[..]);
    let one = prop::sample::select(&ORGANISATIONS[..]);
    let model = prop::sample::select(&MODELS[..]);
    // It may wait for one that nobody defined, but never for itself.
    let before = prop::sample::subsequence(&ITEMS[..], 0..2);
    let what = (place, item, one, before);
    let of = (prop::option::of(model), prop::option::of(days()));
    (what, of).prop_map(|((place, item, one, mut before), (model, due))| {
        before.retain(|other| *other != item);
        let Body::WorkItemDefined(defined) = work_item(place, item, one, &before) else {
            panic!("a work item");
        };
        Body::WorkItemDefined(WorkItemDefined {
            model: model.map(code),
            due,
            ..defined
        })
    })
}

/// Work items defined, put off, done and called off, successions, and places that come and go.
fn work() -> impl Strategy<Value = Body> {
    let place = || prop::sample::select(&PLACES[..]);
    let item = || prop::sample::select(&ITEMS[..]);
    let moved = (place(), item(), days()).prop_map(|(p, item, due)| {
        Body::WorkItemRescheduled(WorkItemRescheduled {
            work_item: code(item),
            locality: id(p),
            start: None,
            due,
            reason: "chờ kinh phí".to_owned(),
            document: None,
        })
    });
    let cancelled = (place(), item()).prop_map(|(p, item)| {
        Body::WorkItemCancelled(WorkItemCancelled {
            work_item: code(item),
            locality: id(p),
            reason: "trùng lặp".to_owned(),
            document: None,
        })
    });
    let merged = (place(), place()).prop_map(|(p, into)| {
        let heir = (p != into).then(|| Successor {
            locality: id(into),
            extent: domain::event::Extent::Full,
        });
        ended(p, heir.into_iter().collect())
    });
    prop_oneof![
        12 => definitions(),
        4 => moved,
        2 => (place(), item()).prop_map(|(p, item)| completed(p, item)),
        1 => cancelled,
        3 => successions(),
        3 => places(),
        1 => merged,
    ]
}

/// What somebody asks for, as the naive model reads it.
#[derive(Debug, Clone)]
struct Asked {
    within: Option<LocalityId>,
    organisation: Option<&'static str>,
    model: Option<&'static str>,
    statuses: Vec<WorkItemStatus>,
    due: (Option<Date>, Option<Date>),
    overdue_only: bool,
}

fn asked() -> impl Strategy<Value = Asked> {
    let place = prop::sample::select(&PLACES[..]).prop_map(id);
    let each = vec![
        WorkItemStatus::Open,
        WorkItemStatus::Blocked,
        WorkItemStatus::Completed,
        WorkItemStatus::Cancelled,
    ];
    let statuses = prop_oneof![
        2 => Just(Vec::new()),
        1 => prop::sample::subsequence(each, 1..=3),
    ];
    let seldom = |probability| prop::bool::weighted(probability);
    (
        prop::option::weighted(0.4, place),
        prop::option::weighted(0.4, prop::sample::select(&ORGANISATIONS[..])),
        prop::option::weighted(0.2, prop::sample::select(&MODELS[..])),
        statuses,
        (
            prop::option::weighted(0.2, days()),
            prop::option::weighted(0.2, days()),
        ),
        seldom(0.2),
    )
        .prop_map(
            |(within, organisation, model, statuses, due, overdue_only)| Asked {
                within,
                organisation,
                model,
                statuses,
                due,
                overdue_only,
            },
        )
}

impl Naive<'_> {
    /// Whether a work item was called off by the moment asked about.
    fn is_cancelled(&self, place: LocalityId, item: &str) -> bool {
        self.seen().any(|(_, event)| match &event.body {
            Body::WorkItemCancelled(e) => e.locality == place && e.work_item.as_str() == item,
            _ => false,
        })
    }

    /// The last day of a work item: what was said last of it, by the moment spoken of.
    fn due(&self, place: LocalityId, item: &str) -> Option<Date> {
        let said = self.seen().filter_map(|(position, event)| {
            let (of, code, due) = match &event.body {
                Body::WorkItemDefined(e) => (e.locality, &e.work_item, e.due),
                Body::WorkItemRescheduled(e) => (e.locality, &e.work_item, Some(e.due)),
                _ => return None,
            };
            let order = (event.effective, *position);
            (of == place && code.as_str() == item).then_some((order, due))
        });
        said.max_by_key(|(order, _)| *order)?.1
    }

    /// A work item that was defined by the moment asked about, and the moment of that.
    fn defined(&self, place: LocalityId, item: &str) -> Option<(Moment, &WorkItemDefined)> {
        let defined = self.work_item(place, item);
        defined.filter(|(at, _)| sees(self.as_of, *at))
    }

    fn status_of(&self, place: LocalityId, item: &str) -> Option<WorkItemStatus> {
        let (_, defined) = self.defined(place, item)?;
        let is_settled = |other: &str| {
            let said = self.is_done(place, other) || self.is_cancelled(place, other);
            said && self.defined(place, other).is_some()
        };
        let mut before = defined.depends_on.iter();
        Some(
            match (self.is_done(place, item), self.is_cancelled(place, item)) {
                (true, _) => WorkItemStatus::Completed,
                (false, true) => WorkItemStatus::Cancelled,
                _ if before.all(|other| is_settled(other.as_str())) => WorkItemStatus::Open,
                _ => WorkItemStatus::Blocked,
            },
        )
    }

    fn is_listed(&self, place: LocalityId, item: &str, asked: &Asked) -> bool {
        let Some((since, defined)) = self.defined(place, item) else {
            return false;
        };
        let status = self.status_of(place, item);
        let is_open = matches!(status, Some(WorkItemStatus::Open | WorkItemStatus::Blocked));
        let due = self.due(place, item);
        let is_late = is_open && due.is_some_and(|due| due < self.as_of.date());
        let (holders, _) = self.way(
            std::slice::from_ref(&defined.organisation),
            since,
            &self.lineage(place),
        );
        let model = defined.model.as_ref().map(|model| model.as_str());
        let (from, to) = asked.due;
        asked
            .within
            .is_none_or(|within| self.inside(within).contains(&place))
            && asked.organisation.is_none_or(|name| holders.contains(name))
            && (asked.model.is_none() || asked.model == model)
            && (asked.statuses.is_empty() || asked.statuses.iter().any(|one| status == Some(*one)))
            && (from.is_none() || due.is_some() && from <= due)
            && (to.is_none() || due.is_some() && due <= to)
            && (is_late || !asked.overdue_only)
    }
}

proptest! {
    #[test]
    fn a_list_of_work_is_that_of_the_model_by_last_day(
        history in histories_of(work().boxed()),
        (as_of, limit) in questions(),
        asked in prop::collection::vec(asked(), 8),
    ) {
        let state = fold(&history);
        let (reading, naive) = (state.at(as_of, limit), Naive { history: &history, as_of, limit });
        let all = PLACES.map(|place| ITEMS.map(|item| (id(place), item)));
        let all: Vec<_> = all.into_iter().flatten().collect();
        for asked in asked {
            let mut expected: Vec<_> = all.iter()
                .filter(|(place, item)| naive.is_listed(*place, item, &asked))
                .map(|(place, item)| {
                    let due = naive.due(*place, item);
                    (due.is_none(), due, *place, *item)
                })
                .collect();
            expected.sort();
            let model = asked.model.map(code);
            let found = reading.work_list(&WorkWanted {
                within: asked.within,
                organisation: asked.organisation,
                model: model.as_ref(),
                statuses: &asked.statuses,
                due_from: asked.due.0,
                due_to: asked.due.1,
                overdue_only: asked.overdue_only,
            });
            let listed: Vec<_> = found.iter()
                .map(|it| (it.due.is_none(), it.due, it.locality, it.work_item.as_str()))
                .collect();
            prop_assert_eq!(listed, expected, "{:?}", asked);
            for it in &found {
                let entry = reading.work_item(it.locality, it.work_item).unwrap();
                prop_assert_eq!(entry.due(), it.due);
            }
        }
    }
}
