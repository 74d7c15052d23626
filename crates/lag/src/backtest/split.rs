//! Thresholds of a case picked on one part of a past and judged on the other.
//!
//! The thresholds of [`Ladder`](crate::Ladder) (`p_open`, `p_clear`, `consecutive`) are picked out
//! of a grid by F1 on the part they may see, and then judged on the part they may not, beside the
//! rules as they were given.
//!
//! - **Time.** The part to pick by are the earlier deadlines. What was picked is switched on at the
//!   last of them, and picked by what is known on that day: an outcome that is read from a report
//!   still to come is not picked by. Up to that day the rules as they were given hold, and what its
//!   reports have counted is kept; only later reports are stepped by what was picked, as alerting
//!   does it when its rules change. A case of a later deadline that is open on that day counts as
//!   opened on it, for every candidate alike; what opened and cleared before is not counted.
//! - **Places, parents.** Half A picks for half B and the other way round. Nothing that came of half
//!   B is seen while half A picks: there residuals come from half A itself; where half B is judged
//!   by what was picked, they come from half A too. A place is held beside its siblings of that day,
//!   as ever, and by places those are of both halves.

use std::collections::BTreeMap;

use serde::Serialize;

use super::replay::Wanted;
use super::{Change, Drawn, Group, Past, Replay, Score, f1, part};
use crate::{Rules, Transition};

/// Of the places, no more than one in so many may flap by thresholds that are picked: 4 of 1,698.
const PLACES_TO_FLAP: usize = 400;

const P_OPEN: [f64; 4] = [0.2, 0.3, 0.4, 0.5];
const P_CLEAR: [f64; 4] = [0.5, 0.6, 0.7, 0.8];
const CONSECUTIVE: [u32; 3] = [1, 2, 3];

/// By what a past is split.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Split {
    /// By deadlines: the earlier half of them, and the later.
    Time,
    /// By places.
    Place,
    /// By parents.
    Parent,
}

/// The thresholds of a case.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Thresholds {
    /// [`Rules::p_open`].
    pub p_open: f64,
    /// [`Rules::p_clear`].
    pub p_clear: f64,
    /// [`Rules::consecutive`].
    pub consecutive: u32,
}

/// How right cases were about places and deadlines together; see [`Score`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Judged {
    /// Places, each counted for each target and deadline.
    pub places: usize,
    /// Of them, those that missed.
    pub missed: usize,
    /// Of them, those for which a case opened before the deadline.
    pub opened: usize,
    /// Of those, the ones that missed.
    pub opened_and_missed: usize,
    /// Of the opened, the share that missed.
    pub precision: Option<f64>,
    /// Of those that missed, the share that had been opened.
    pub recall: Option<f64>,
    /// F1 of the two.
    pub f1: Option<f64>,
    /// Places whose case opened more than once.
    pub flapping_places: usize,
    /// Cases opened.
    pub notices: usize,
}

/// What was picked on one part, and how it did on the other.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Picked {
    /// By what it was split.
    pub split: Split,
    /// The last deadline that was picked by, days; `None` where deadlines were not split.
    pub until: Option<f64>,
    /// Which places were judged.
    pub group: Group,
    /// What was picked.
    pub picked: Thresholds,
    /// How it did where it was picked.
    pub seen: Judged,
    /// How it did where it was not.
    pub judged: Judged,
    /// How the rules as they were given did there.
    pub given: Judged,
}

/// Some places, and by whose residuals they are judged.
type Side = (Drawn, Group);

/// A part of a past: some deadlines, and some places.
struct Part<'a> {
    deadlines: &'a [f64],
    /// When the rules are switched on.
    since: f64,
    /// What came is known by then.
    known_by: f64,
    sides: &'a [Side],
}

/// Splits, picks and judges; nothing comes of a split by time with fewer than two deadlines.
///
/// `exact_min` is as in [`super::accuracy`]; `after_day` is called after each day of each replay.
#[must_use]
pub fn split(
    rules: &Rules,
    past: &Past,
    targets: &[f64],
    deadlines: &[f64],
    by: Split,
    exact_min: Option<usize>,
    mut after_day: impl FnMut(),
) -> Vec<Picked> {
    let candidates = candidates(rules);
    let mut judge =
        |part: &Part<'_>| part.judge(&candidates, past, targets, exact_min, &mut after_day);
    let row = |until: Option<f64>, group: Group, seen: &[Judged], judged: &[Judged]| {
        let at = best(seen);
        let given = judged.first().copied().unwrap_or_default();
        Picked {
            split: by,
            until,
            group,
            picked: thresholds(candidates.get(at).unwrap_or(rules)),
            seen: seen.get(at).copied().unwrap_or_default(),
            judged: judged.get(at).copied().unwrap_or_default(),
            given,
        }
    };
    let (own, other) = match by {
        Split::Time => {
            let (earlier, later) = deadlines.split_at(deadlines.len() / 2);
            let Some(until) = earlier.last().copied() else {
                return Vec::new();
            };
            let sides = &[(Drawn::All, Group::Scored)];
            let seen = judge(&Part {
                deadlines: earlier,
                since: f64::NEG_INFINITY,
                known_by: until,
                sides,
            });
            let judged = judge(&Part {
                deadlines: later,
                since: until,
                known_by: f64::INFINITY,
                sides,
            });
            let rows = seen.iter().zip(&judged);
            let rows = rows.map(|(seen, judged)| row(Some(until), Group::Scored, seen, judged));
            return rows.collect();
        }
        Split::Place => (Drawn::OwnPlaces, Drawn::OtherPlaces),
        Split::Parent => (Drawn::OwnParents, Drawn::OtherParents),
    };
    let [a, b] = Group::of(own);
    let sums = judge(&Part {
        deadlines,
        since: f64::NEG_INFINITY,
        known_by: f64::INFINITY,
        sides: &[(own, a), (own, b), (other, a), (other, b)],
    });
    match sums.as_slice() {
        [seen_a, seen_b, judged_a, judged_b] => vec![
            row(None, b, seen_a, judged_b),
            row(None, a, seen_b, judged_a),
        ],
        _ => Vec::new(),
    }
}

/// The rules as given, then the grid.
fn candidates(rules: &Rules) -> Vec<Rules> {
    let mut candidates = vec![rules.clone()];
    for consecutive in CONSECUTIVE {
        for p_open in P_OPEN {
            candidates.extend(P_CLEAR.map(|p_clear| Rules {
                p_open,
                p_clear,
                consecutive,
                ..rules.clone()
            }));
        }
    }
    candidates
}

fn thresholds(rules: &Rules) -> Thresholds {
    Thresholds {
        p_open: rules.p_open,
        p_clear: rules.p_clear,
        consecutive: rules.consecutive,
    }
}

/// The one with the highest F1 of those by which few enough flap, or else of all; of equals the
/// first.
fn best(seen: &[Judged]) -> usize {
    let calm = |judged: &Judged| judged.flapping_places * PLACES_TO_FLAP <= judged.places;
    let rank = |judged: &Judged| (calm(judged), judged.f1.unwrap_or(0.0));
    let mut found = 0;
    for (at, judged) in seen.iter().enumerate() {
        let is_better = seen.get(found).is_none_or(|best| rank(judged) > rank(best));
        if is_better {
            found = at;
        }
    }
    found
}

/// What is counted of rules that are switched on at a moment: what is open then, and what comes later.
fn switched_on(replay: &mut Replay, since: f64) {
    let later = replay.changes.partition_point(|change| change.at <= since);
    let mut open: BTreeMap<usize, Change> = BTreeMap::new();
    for change in replay.changes.drain(..later) {
        match change.transition {
            Transition::Opened => open.insert(
                change.place,
                Change {
                    at: since,
                    ..change
                },
            ),
            Transition::Cleared => open.remove(&change.place),
        };
    }
    replay.changes.splice(..0, open.into_values());
}

impl Part<'_> {
    /// How each candidate did on each side.
    fn judge(
        &self,
        candidates: &[Rules],
        past: &Past,
        targets: &[f64],
        exact_min: Option<usize>,
        after_day: &mut impl FnMut(),
    ) -> Vec<Vec<Judged>> {
        let mut sums = vec![vec![Judged::default(); candidates.len()]; self.sides.len()];
        let Some(rules) = candidates.first() else {
            return sums;
        };
        let mut drawn: Vec<Drawn> = self.sides.iter().map(|(drawn, _)| *drawn).collect();
        drawn.dedup();
        for deadline in self.deadlines {
            let wanted = Wanted {
                rules,
                variants: candidates,
                since: self.since,
                targets,
                deadline: *deadline,
                drawn: &drawn,
            };
            let exact_min = exact_min.unwrap_or_else(|| past.enough(*deadline));
            for mut replays in wanted.replays(past, &mut *after_day) {
                replays
                    .iter_mut()
                    .for_each(|replay| switched_on(replay, self.since));
                let Some(drawn) = replays.first().map(|replay| replay.drawn) else {
                    continue;
                };
                for ((_, group), sums) in self
                    .sides
                    .iter()
                    .zip(&mut sums)
                    .filter(|((of, _), _)| *of == drawn)
                {
                    let members = self.members(rules, past, &replays, *group, exact_min);
                    for (sum, replay) in sums.iter_mut().zip(&replays) {
                        sum.add(&Score::of_members(
                            rules, past, replay, *group, exact_min, &members,
                        ));
                    }
                }
            }
        }
        sums.iter_mut().flatten().for_each(Judged::rate);
        sums
    }

    /// The same places for every candidate: those of which it is known by then whether they missed.
    fn members(
        &self,
        rules: &Rules,
        past: &Past,
        replays: &[Replay],
        group: Group,
        exact_min: usize,
    ) -> BTreeMap<usize, bool> {
        let Some(first) = replays.first() else {
            return BTreeMap::new();
        };
        let mut members = Score::members(rules, past, first, group, exact_min);
        members.retain(|place, _| {
            let place = past.places.get(*place);
            place.is_some_and(|place| place.is_known(first.deadline, self.known_by))
        });
        members
    }
}

impl Judged {
    fn add(&mut self, score: &Score) {
        self.places += score.places;
        self.missed += score.missed;
        self.opened += score.opened;
        self.opened_and_missed += score.opened_and_missed;
        self.flapping_places += score.flapping_places;
        self.notices += score.notices;
    }

    fn rate(&mut self) {
        let (right, opened, missed) = (self.opened_and_missed, self.opened, self.missed);
        self.precision = part(right, opened);
        self.recall = part(right, missed);
        self.f1 = f1(right, opened - right, missed - right);
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Figure, Place};
    use super::*;

    fn judged(f1: f64, flapping_places: usize) -> Judged {
        Judged {
            places: 800,
            f1: Some(f1),
            flapping_places,
            ..Judged::default()
        }
    }

    #[test]
    fn what_flaps_is_not_picked_however_right_it_is() {
        // 2 of 800 are one in 400.
        let seen = [
            judged(0.8, 0),
            judged(0.95, 3),
            judged(0.9, 2),
            judged(0.9, 0),
        ];
        assert_eq!(best(&seen), 2);
        // Where all flap, the most right of them; where nobody is known, the rules as given.
        assert_eq!(best(&[judged(0.8, 9), judged(0.9, 9)]), 1);
        assert_eq!(best(&[Judged::default(), Judged::default()]), 0);
    }

    #[test]
    fn what_is_open_when_rules_are_switched_on_opens_then() {
        let change = |place, at, transition| Change {
            place,
            at,
            transition,
            forecast_share: None,
            p_hit: None,
        };
        let (opened, cleared) = (Transition::Opened, Transition::Cleared);
        let mut replay = Replay {
            target_share: 0.9,
            deadline: 9.0,
            drawn: Drawn::All,
            changes: vec![
                change(0, 1.0, opened),
                change(1, 1.0, opened),
                change(0, 2.0, cleared),
                change(2, 4.0, opened),
                change(1, 5.0, cleared),
            ],
            bands: Vec::new(),
        };
        switched_on(&mut replay, 3.0);
        // The first had come and gone; the second is told on day 3, and goes on.
        let expected = [
            change(1, 3.0, opened),
            change(2, 4.0, opened),
            change(1, 5.0, cleared),
        ];
        assert_eq!(replay.changes, expected);
        switched_on(&mut replay, f64::NEG_INFINITY);
        assert_eq!(replay.changes, expected);
    }

    #[test]
    fn a_report_from_before_the_switch_opens_nothing_by_the_rules_switched_on() {
        let week = |week: u8| 100.0 + 7.0 * f64::from(week);
        let figure = |at: u8| Figure {
            at: week(at),
            count: 100.0 + 10.0 * f64::from(at),
            denominator: 1_000.0,
            is_bound: false,
        };
        let past = Past::new(vec![Place {
            name: "slow".to_owned(),
            parent: "A".to_owned(),
            figures: (0..8).map(figure).collect(),
        }]);
        let rules = |consecutive| Rules {
            consecutive,
            ..Rules::standard()
        };
        let (given, hasty) = (rules(4), rules(1));
        let opened = |since: f64| {
            let wanted = Wanted {
                rules: &given,
                variants: &[given.clone(), hasty.clone()],
                since,
                targets: &[0.9],
                deadline: week(8),
                drawn: &[Drawn::None],
            };
            let mut replays = wanted.replays(&past, || ()).remove(0);
            replays.iter_mut().for_each(|it| switched_on(it, since));
            let first = |replay: &Replay| replay.changes.first().map(|change| change.at);
            replays.iter().map(first).collect::<Vec<_>>()
        };
        // The reports of weeks 2 to 5 speak against it.
        let never = f64::NEG_INFINITY;
        assert_eq!(opened(never), [Some(week(5)), Some(week(2))]);
        // Two of them were counted before the switch; it takes a third one.
        assert_eq!(opened(week(3)), [Some(week(5)), Some(week(4))]);
        // Open by the rules before: that is told of the day of the switch, of both.
        assert_eq!(opened(week(6)), [Some(week(6)), Some(week(6))]);
    }

    /// Eight parents of three places that report weekly; those of the half in which `other` holds
    /// rise otherwise.
    fn halves(other: bool) -> Past {
        let figure = |place: u32, week: u32, is_other: bool| {
            let wobble = (place * 7 + week * 5) % 11;
            let fast = if is_other { place % 2 * week } else { week / 4 };
            Figure {
                at: 100.0 + 7.0 * f64::from(week),
                count: 50.0 * f64::from(week + fast) + f64::from(place % 5 * week + wobble),
                denominator: 1_000.0,
                is_bound: false,
            }
        };
        let place = |index: u32| {
            let mut place = Place {
                name: format!("place {}", index % 3),
                parent: format!("parent {}", index / 3),
                figures: Vec::new(),
            };
            let is_other = other && place.half_of_parent();
            place.figures = (0..12).map(|week| figure(index, week, is_other)).collect();
            place
        };
        Past::new((0..24).map(place).collect())
    }

    #[test]
    fn what_came_of_one_half_is_not_seen_while_the_other_picks() {
        let rules = Rules {
            residuals_min: 3,
            ..Rules::standard()
        };
        let deadline = [100.0 + 7.0 * 11.0];
        let rows = |past: &Past| {
            let by = Split::Parent;
            split(&rules, past, &[0.7], &deadline, by, Some(1), || ())
        };
        let [one, two] = [false, true].map(|other| rows(&halves(other)));
        // The half that is otherwise is B, where the first row is judged.
        assert_eq!(
            (one[0].group, two[0].group),
            (Group::ParentsB, Group::ParentsB)
        );
        assert_ne!(one[0].judged, two[0].judged);
        assert_eq!((one[0].seen, one[0].picked), (two[0].seen, two[0].picked));
        // By the residuals of the other half it would have been seen.
        let of = |past: &Past, drawn| {
            let wanted = Part {
                deadlines: &deadline,
                since: f64::NEG_INFINITY,
                known_by: f64::INFINITY,
                sides: &[(drawn, Group::ParentsA)],
            };
            wanted.judge(&candidates(&rules), past, &[0.7], Some(1), &mut || ())
        };
        let drawn = |drawn| [false, true].map(|other| of(&halves(other), drawn));
        let [one, two] = drawn(Drawn::OtherParents);
        assert_ne!(one, two);
    }

    #[test]
    fn the_rules_as_given_come_first_and_every_candidate_can_be_reckoned_with() {
        let candidates = candidates(&Rules::standard());
        assert_eq!(candidates.len(), 49);
        assert_eq!(candidates[0], Rules::standard());
        assert!(candidates.iter().all(|rules| rules.unusable().is_none()));
    }
}
