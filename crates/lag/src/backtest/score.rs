//! What a replay opened, held against what had happened at the deadline.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use serde::Serialize;

use super::{Drawn, Past, Place, Replay, f1, part};
use crate::{Rules, Transition, date};

/// Which places are scored together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Group {
    /// Those with figures enough.
    Scored,
    /// Every place.
    All,
    /// Of those with figures enough, one half by place.
    PlacesA,
    /// The other half by place.
    PlacesB,
    /// Of those with figures enough, the places of one half of the parents.
    ParentsA,
    /// The places of the other half of the parents.
    ParentsB,
}

impl Group {
    /// The groups that a way to draw residuals is scored by.
    #[must_use]
    pub fn of(drawn: Drawn) -> [Group; 2] {
        match drawn {
            Drawn::None | Drawn::All => [Group::Scored, Group::All],
            Drawn::OtherPlaces | Drawn::OwnPlaces => [Group::PlacesA, Group::PlacesB],
            Drawn::OtherParents | Drawn::OwnParents => [Group::ParentsA, Group::ParentsB],
        }
    }

    /// All of them.
    pub const ALL: [Group; 6] = [
        Group::Scored,
        Group::All,
        Group::PlacesA,
        Group::PlacesB,
        Group::ParentsA,
        Group::ParentsB,
    ];

    /// Whether a place is in it; `exact_min` is how many exact figures up to the deadline are
    /// enough.
    #[must_use]
    pub fn has(self, place: &Place, deadline: f64, exact_min: usize) -> bool {
        let enough = self != Group::All && place.exact(deadline) >= exact_min;
        match self {
            Group::Scored => enough,
            Group::All => true,
            Group::PlacesA => enough && !place.half(),
            Group::PlacesB => enough && place.half(),
            Group::ParentsA => enough && !place.half_of_parent(),
            Group::ParentsB => enough && place.half_of_parent(),
        }
    }
}

/// How right a replay was about a group of places.
///
/// Places of which nobody knows whether they missed are not counted in any of it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Score {
    /// τ.
    pub target_share: f64,
    /// T, days.
    pub deadline: f64,
    /// Where the residuals came from.
    pub residuals: Drawn,
    /// Which places.
    pub group: Group,
    /// Exact figures up to the deadline that were enough.
    pub reports_min: usize,
    /// How many places there are.
    pub places: usize,
    /// Of them, those that missed the target.
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
    /// Places whose case was open on the eve of the deadline.
    pub open_at_deadline: usize,
    /// Of those, the ones that missed.
    pub open_and_missed: usize,
    /// Of those open on the eve, the share that missed.
    pub precision_at_deadline: Option<f64>,
    /// Of those that missed, the share open on the eve.
    pub recall_at_deadline: Option<f64>,
    /// Places whose case opened more than once.
    pub flapping_places: usize,
    /// Cases opened, which is reminders sent.
    pub notices: usize,
    /// Cases cleared before the deadline.
    pub cleared: usize,
    /// Days from the first opening to the deadline, median over those that missed.
    pub warned_days_median: Option<f64>,
    /// Bands shown of which the outcome is known exactly.
    pub bands: usize,
    /// Of them, those that the outcome lies in.
    pub bands_held: usize,
    /// The measured coverage.
    pub coverage: Option<f64>,
}

impl Score {
    /// Scores a replay for a group.
    #[must_use]
    pub fn of(
        rules: &Rules,
        past: &Past,
        replay: &Replay,
        group: Group,
        exact_min: usize,
    ) -> Score {
        let members = Self::members(rules, past, replay, group, exact_min);
        Self::of_members(rules, past, replay, group, exact_min, &members)
    }

    /// The places of a group of which it is known whether they missed.
    pub(super) fn members(
        rules: &Rules,
        past: &Past,
        replay: &Replay,
        group: Group,
        exact_min: usize,
    ) -> BTreeMap<usize, bool> {
        let (target_share, deadline) = (replay.target_share, replay.deadline);
        let places = past.places.iter().enumerate();
        places
            .filter(|(_, place)| group.has(place, deadline, exact_min))
            .filter_map(|(index, _)| {
                Some((index, past.missed(rules, index, target_share, deadline)?))
            })
            .collect()
    }

    /// Scores a replay for places of which it is known whether they missed.
    pub(super) fn of_members(
        rules: &Rules,
        past: &Past,
        replay: &Replay,
        group: Group,
        exact_min: usize,
        members: &BTreeMap<usize, bool>,
    ) -> Score {
        let (target_share, deadline) = (replay.target_share, replay.deadline);
        let (openings, open, cleared) = gone_through(replay, members);
        let missed = members.values().filter(|missed| **missed).count();
        let hits = openings
            .iter()
            .filter(|(place, _)| members.get(place) == Some(&true));
        let warned: Vec<f64> = hits
            .filter_map(|(_, moments)| Some(deadline - moments.first()?))
            .collect();
        let (opened, right) = (openings.len(), warned.len());
        let still = open
            .iter()
            .filter(|place| members.get(place) == Some(&true));
        let open_and_missed = still.count();
        let (bands, bands_held) = held(rules, past, replay, members);
        Score {
            target_share,
            deadline,
            residuals: replay.drawn,
            group,
            reports_min: exact_min,
            places: members.len(),
            missed,
            opened,
            opened_and_missed: right,
            precision: part(right, opened),
            recall: part(right, missed),
            f1: f1(right, opened - right, missed - right),
            open_at_deadline: open.len(),
            open_and_missed,
            precision_at_deadline: part(open_and_missed, open.len()),
            recall_at_deadline: part(open_and_missed, missed),
            flapping_places: openings
                .values()
                .filter(|moments| moments.len() > 1)
                .count(),
            notices: openings.values().map(Vec::len).sum(),
            cleared,
            warned_days_median: median(warned),
            bands,
            bands_held,
            coverage: part(bands_held, bands),
        }
    }
}

/// The moments at which each member's case opened, whose was open in the end, and how many cleared.
fn gone_through(
    replay: &Replay,
    members: &BTreeMap<usize, bool>,
) -> (BTreeMap<usize, Vec<f64>>, BTreeSet<usize>, usize) {
    let mut openings: BTreeMap<usize, Vec<f64>> = BTreeMap::new();
    let mut open: BTreeSet<usize> = BTreeSet::new();
    let mut cleared = 0;
    let ours = |change: &&super::Change| members.contains_key(&change.place);
    for change in replay.changes.iter().filter(ours) {
        match change.transition {
            Transition::Opened => {
                openings.entry(change.place).or_default().push(change.at);
                open.insert(change.place);
            }
            Transition::Cleared => {
                cleared += 1;
                open.remove(&change.place);
            }
        }
    }
    (openings, open, cleared)
}

/// Bands whose outcome is known exactly, and those of them that it lies in.
fn held(
    rules: &Rules,
    past: &Past,
    replay: &Replay,
    members: &BTreeMap<usize, bool>,
) -> (usize, usize) {
    let mut found = (0, 0);
    for band in replay
        .bands
        .iter()
        .filter(|band| members.contains_key(&band.place))
    {
        let Some(came) = past.came(rules, band.place, replay.deadline) else {
            continue;
        };
        found.0 += 1;
        found.1 += usize::from(band.low <= came && came <= band.high);
    }
    found
}

/// The middle, or the mean of the two in the middle.
pub(super) fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let upper = *values.get(values.len() / 2)?;
    let lower = *values.get((values.len() - 1) / 2)?;
    Some(f64::midpoint(lower, upper))
}

/// One case of a replay, from its opening to its end.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Case {
    /// The place.
    pub place: String,
    /// What it belongs to.
    pub parent: String,
    /// Where the residuals came from.
    pub residuals: Drawn,
    /// The moment it opened at, days.
    pub opened: f64,
    /// The moment it cleared at, days; `None` if it was open on the eve of the deadline.
    pub cleared: Option<f64>,
    /// N̂(T)/D as it opened.
    pub forecast_share: Option<f64>,
    /// The probability to hit as it opened.
    pub p_hit: Option<f64>,
    /// Whether the target was missed; `None` where nobody knows.
    pub missed: Option<bool>,
}

/// The cases of a replay, by opening and place.
#[must_use]
pub fn cases(rules: &Rules, past: &Past, replay: &Replay) -> Vec<Case> {
    let mut found: Vec<Case> = Vec::new();
    let mut open: BTreeMap<usize, usize> = BTreeMap::new();
    for change in &replay.changes {
        let Some(place) = past.places.get(change.place) else {
            continue;
        };
        if change.transition == Transition::Cleared {
            let case = open.remove(&change.place).and_then(|at| found.get_mut(at));
            if let Some(case) = case {
                case.cleared = Some(change.at);
            }
            continue;
        }
        open.insert(change.place, found.len());
        found.push(Case {
            place: place.name.clone(),
            parent: place.parent.clone(),
            residuals: replay.drawn,
            opened: change.at,
            cleared: None,
            forecast_share: change.forecast_share,
            p_hit: change.p_hit,
            missed: past.missed(rules, change.place, replay.target_share, replay.deadline),
        });
    }
    found
}

/// What one recipient would have got in one week.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Notices {
    /// The parent: whose office has the places with a case below it.
    pub recipient: String,
    /// Where the residuals came from.
    pub residuals: Drawn,
    /// The Monday of the week.
    pub week: Date,
    /// Cases opened.
    pub opened: usize,
    /// Cases cleared.
    pub cleared: usize,
}

/// The notices of a replay by recipient and week, weeks without any left out.
#[must_use]
pub fn notices(past: &Past, replay: &Replay) -> Vec<Notices> {
    let mut found: BTreeMap<(&str, Date), (usize, usize)> = BTreeMap::new();
    for change in &replay.changes {
        let place = past.places.get(change.place);
        let Some((place, week)) = place.zip(date(change.at).and_then(monday)) else {
            continue;
        };
        let count = found.entry((&place.parent, week)).or_default();
        match change.transition {
            Transition::Opened => count.0 += 1,
            Transition::Cleared => count.1 += 1,
        }
    }
    found
        .into_iter()
        .map(|((recipient, week), (opened, cleared))| Notices {
            recipient: recipient.to_owned(),
            residuals: replay.drawn,
            week,
            opened,
            cleared,
        })
        .collect()
}

fn monday(day: Date) -> Option<Date> {
    let since = i64::from(day.weekday().to_monday_zero_offset());
    day.checked_sub(jiff::Span::new().days(since)).ok()
}
