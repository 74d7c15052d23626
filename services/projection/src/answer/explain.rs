//! Where a number comes from: the events behind it.
//!
//! An event is there once, as what bears most on the number; nothing is turned into messages before it is known which of them are shown.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use domain::event::{Body, LocalityEnded, LocalityRegistered, ProgressRetracted};
use domain::text::Moment;
use domain::{IndicatorCode, Level, LocalityId};
use jiff::civil::Date;
use state::{
    Entry, FigureEntry, IndicatorEntry, LocalityEntry, QuotaEntry, Reading, Recorded, RollUp, State,
};
use wire::event as encode;
use wire::v1;
use wire::v1::GroundKind as Kind;

use super::{head, recorded, reform};

/// Grounds in an answer.
const GROUNDS_MAX: usize = 1_000;

/// The figure of a locality, without the indicator's definition and the times of the answer.
pub(crate) fn explain(
    state: &State,
    reading: &Reading<'_>,
    indicator: &IndicatorCode,
    id: LocalityId,
) -> v1::ExplainFigureResponse {
    let mut grounds = Grounds::new(state, reading, indicator);
    let holds = reading.figure(id, indicator);
    let quotas = reading.quotas(id, indicator);
    grounds.registration(Kind::Registration, reading.locality(id));
    for quota in &quotas {
        grounds.add(Kind::Quota, Some(id), quota.recorded, Said::Quota(*quota));
    }
    grounds.figures(id);
    if holds.is_none() {
        grounds.later(id);
    }
    let quotas: Vec<_> = quotas
        .iter()
        .map(|quota| super::quota(reading, quota, id))
        .collect();
    let shares = holds.map_or_else(Vec::new, |figure| shares(&figure, &quotas));
    let (grounds, ground_count) = grounds.finish(reading);
    v1::ExplainFigureResponse {
        locality: reading.locality(id).as_ref().map(head),
        figure: holds.map(|entry| super::figure(reading, id, &entry)),
        quotas,
        shares,
        grounds,
        ground_count,
        ..Default::default()
    }
}

/// A sum over the parts of a locality by the boundaries of the day that `then` reads; without the indicator's definition and the times of the answer.
pub(crate) fn explain_sum(
    state: &State,
    reading: &Reading<'_>,
    indicator: &IndicatorCode,
    id: LocalityId,
    then: &Reading<'_>,
) -> v1::ExplainFigureResponse {
    let mut grounds = Grounds::new(state, reading, indicator);
    grounds.registration(Kind::Registration, then.locality(id));
    let boundaries = then.as_of().date();
    let sum = reading.roll_up(indicator, id, boundaries);
    match &sum {
        Some(sum) => grounds.parts(sum, then, id),
        // Nobody has a figure: what had one would be within.
        None => {
            let within = [Level::Commune, Level::District]
                .into_iter()
                .flat_map(|level| then.descendants(id, level));
            for one in within.map(|entry| entry.id).chain([id]) {
                grounds.figures(one);
            }
        }
    }
    let sum = reform::rolled_up(sum.as_ref(), then, id);
    let share = sum.share_hundredths.map(|share| v1::ExplainedShare {
        share_hundredths: share,
        numerator: sum.value.clone(),
        denominator: sum.denominator.clone(),
        ..Default::default()
    });
    let (grounds, ground_count) = grounds.finish(then);
    v1::ExplainFigureResponse {
        locality: then.locality(id).as_ref().map(head),
        sum: Some(sum),
        shares: Vec::from_iter(share),
        grounds,
        ground_count,
        ..Default::default()
    }
}

/// How the shares of a figure follow from its count; none for a figure of which only a percentage is known.
fn shares(figure: &FigureEntry<'_>, quotas: &[v1::QuotaStanding]) -> Vec<v1::ExplainedShare> {
    let Some(count) = &figure.figure.value else {
        return Vec::new();
    };
    let share = |share, denominator, position| v1::ExplainedShare {
        share_hundredths: share,
        numerator: Some(encode::quantity(count)),
        numerator_position: figure.recorded.position,
        denominator: Some(denominator),
        denominator_position: position,
    };
    let own = figure
        .figure
        .computed_hundredths()
        .zip(figure.figure.denominator);
    let own = own.map(|(hundredths, of)| {
        share(
            hundredths,
            super::figure::denominator(of),
            figure.recorded.position,
        )
    });
    let against = quotas.iter().filter_map(|standing| {
        let denominator = standing.quota.as_ref()?.denominator.clone()?;
        // A quota that is itself a percentage has no people to divide by: its share is the figure's own.
        if denominator.kind == state::PERCENT {
            return None;
        }
        let position = standing.recorded.as_ref()?.position;
        Some(share(standing.share_hundredths?, denominator, position))
    });
    own.into_iter().chain(against).collect()
}

/// What an event said.
#[derive(Clone, Copy)]
enum Said<'a> {
    Figure(FigureEntry<'a>),
    /// The figure that was taken back.
    Retraction(FigureEntry<'a>),
    Quota(QuotaEntry<'a>),
    Definition(IndicatorEntry<'a>),
    Registration(LocalityEntry<'a>),
    Ending(Entry<'a, LocalityEnded>),
}

/// An event behind a number.
struct Ground<'a> {
    kind: Kind,
    /// The locality it is about.
    id: Option<LocalityId>,
    recorded: Recorded<'a>,
    said: Said<'a>,
}

/// The events behind a number, by position.
struct Grounds<'a> {
    indicator: &'a IndicatorCode,
    reading: Reading<'a>,
    /// The same, of all moments.
    whenever: Reading<'a>,
    found: BTreeMap<u64, Ground<'a>>,
}

impl<'a> Grounds<'a> {
    /// With the indicator's definition, whatever day it was defined on.
    fn new(state: &'a State, reading: &Reading<'a>, indicator: &'a IndicatorCode) -> Self {
        let whenever = state.at(Moment::end_of(Date::MAX), reading.position());
        let mut grounds = Self {
            indicator,
            reading: *reading,
            whenever,
            found: BTreeMap::new(),
        };
        if let Some(entry) = whenever.indicator(indicator) {
            let said = Said::Definition(entry);
            grounds.add(Kind::Definition, None, entry.recorded, said);
        }
        grounds
    }

    /// Adds an event, unless it is there as something else.
    fn add(&mut self, kind: Kind, id: Option<LocalityId>, recorded: Recorded<'a>, said: Said<'a>) {
        let ground = Ground {
            kind,
            id,
            recorded,
            said,
        };
        self.found.entry(recorded.position).or_insert(ground);
    }

    fn figure(&mut self, kind: Kind, id: LocalityId, entry: FigureEntry<'a>) {
        self.add(kind, Some(id), entry.recorded, Said::Figure(entry));
    }

    fn registration(&mut self, kind: Kind, entry: Option<LocalityEntry<'a>>) {
        if let Some(entry) = entry {
            let said = Said::Registration(entry);
            self.add(kind, Some(entry.id), entry.recorded, said);
        }
    }

    /// The figure that holds, those that would hold in its place if nothing had undone them, and whatever is linked to either by corrections and retractions.
    fn figures(&mut self, id: LocalityId) {
        let holds = self.reading.figure(id, self.indicator);
        let holds = holds.map(|figure| figure.recorded);
        let history = self.whenever.history(id, Some(self.indicator));
        let would_hold = |entry: &&FigureEntry<'_>| {
            let at = entry.recorded.effective;
            self.reading.sees(at) && holds.is_none_or(|holds| holds.effective <= at)
        };
        let mut open: Vec<u64> = history
            .iter()
            .filter(would_hold)
            .map(|entry| entry.recorded.position)
            .collect();
        let history: BTreeMap<u64, _> = history
            .into_iter()
            .map(|entry| (entry.recorded.position, entry))
            .collect();
        while let Some(position) = open.pop() {
            let Some(entry) = history.get(&position) else {
                continue;
            };
            if self.found.contains_key(&position) {
                continue;
            }
            open.extend(entry.corrects.into_iter().chain(entry.corrected_by));
            self.figure(role(entry, holds.as_ref()), id, *entry);
            if let Some(recorded) = self.whenever.retraction(entry) {
                let said = Said::Retraction(*entry);
                self.add(Kind::Retraction, Some(id), recorded, said);
            }
        }
    }

    /// The first figure of a later moment, for a locality that has none yet.
    fn later(&mut self, id: LocalityId) {
        let series = self.whenever.series(id, self.indicator);
        if let Some(first) = series.first() {
            self.figure(Kind::Later, id, *first);
        }
    }

    /// The figures in a sum, what decides its parts, and of those without a figure what was undone.
    fn parts(&mut self, sum: &RollUp<'_>, then: &Reading<'a>, id: LocalityId) {
        let below = match sum.level == id.code.level() {
            true => Vec::from_iter(then.locality(id)),
            false => then.descendants(id, sum.level),
        };
        let missing: BTreeSet<LocalityId> = sum.missing.iter().copied().collect();
        let cannot: BTreeSet<_> = sum.broken.iter().chain(&sum.uncounted).collect();
        for entry in below {
            let part = entry.id;
            let is_missing = missing.contains(&part);
            let counts = !is_missing && !cannot.contains(&part);
            self.part(part, then.as_of().date(), counts);
            self.registration(Kind::Boundary, Some(entry));
            if is_missing {
                self.figures(part);
            }
        }
    }

    /// The figures that a part brings to a sum, if it counts, and the ends that made it.
    fn part(&mut self, part: LocalityId, boundaries: Date, counts: bool) {
        let came = self.reading.came_into(self.indicator, part, boundaries);
        for (at, id) in came.into_iter().enumerate() {
            if let Some(ending) = self.reading.ending(id).filter(|_| at > 0) {
                let said = Said::Ending(ending);
                self.add(Kind::Boundary, Some(id), ending.recorded, said);
            }
            let own = self.reading.figure(id, self.indicator);
            if let Some(figure) = own.filter(|_| counts) {
                self.figure(Kind::Part, id, figure);
            }
        }
    }

    /// As messages, and how many there are; of too many those that bear most on the number, and of equals the newest.
    fn finish(self, places: &Reading<'_>) -> (Vec<v1::Ground>, u32) {
        let mut grounds: Vec<_> = self.found.into_values().collect();
        let count = u32::try_from(grounds.len()).unwrap_or(u32::MAX);
        if grounds.len() > GROUNDS_MAX {
            grounds.sort_by_key(|one| (rank(one.kind), Reverse(one.recorded.position)));
            grounds.truncate(GROUNDS_MAX);
            grounds.sort_by_key(|one| one.recorded.position);
        }
        let grounds = grounds.iter().map(|one| {
            let said = message(&self.reading, one);
            let place = one.id.and_then(|id| places.locality(id));
            v1::Ground {
                recorded: Some(recorded(&one.recorded)),
                kind: one.kind as i32,
                effective: one.recorded.effective.to_string(),
                locality: place.as_ref().map(head),
                said,
            }
        });
        (grounds.collect(), count)
    }
}

/// What a figure is to the one that holds.
fn role(entry: &FigureEntry<'_>, holds: Option<&Recorded<'_>>) -> Kind {
    let of_moment = |holds: &Recorded<'_>| holds.effective == entry.recorded.effective;
    if entry.corrected_by.is_some() {
        Kind::Corrected
    } else if entry.retracted_by.is_some() {
        Kind::Retracted
    } else if holds.is_some_and(|holds| holds.position == entry.recorded.position) {
        Kind::Holds
    } else if holds.is_some_and(of_moment) {
        Kind::Rival
    } else {
        Kind::Correction
    }
}

/// What bears most on a number comes first.
fn rank(kind: Kind) -> u8 {
    match kind {
        Kind::Holds | Kind::Definition | Kind::Registration | Kind::Quota => 0,
        Kind::Part | Kind::Later => 1,
        Kind::Boundary => 3,
        _ => 2,
    }
}

fn message(reading: &Reading<'_>, ground: &Ground<'_>) -> Option<v1::ground::Said> {
    use v1::event::Body as Event;
    use v1::ground::Said as Out;
    let of_body = |body: Body| match encode::body(&body) {
        Event::ProgressRetracted(said) => Some(Out::Retraction(said)),
        Event::LocalityRegistered(said) => Some(Out::Registration(said)),
        Event::LocalityEnded(said) => Some(Out::Ending(said)),
        _ => None,
    };
    match ground.said {
        Said::Figure(entry) => {
            let id = ground.id?;
            Some(Out::Figure(super::figure(reading, id, &entry)))
        }
        Said::Retraction(entry) => of_body(Body::ProgressRetracted(ProgressRetracted {
            retracts: entry.recorded.position,
            locality: ground.id?,
            indicator: entry.indicator.clone(),
            reason: entry.retraction_reason.to_owned(),
        })),
        Said::Quota(entry) => Some(Out::Quota(encode::quota_assigned(entry.fact))),
        Said::Definition(entry) => Some(Out::Definition(encode::indicator_defined(entry.fact))),
        Said::Registration(entry) => of_body(Body::LocalityRegistered(LocalityRegistered {
            locality: entry.id,
            name: entry.name.clone(),
            parent: entry.parent,
            start_known: entry.start.is_some(),
            source: entry.source.clone(),
        })),
        Said::Ending(entry) => of_body(Body::LocalityEnded(entry.fact.clone())),
    }
}
