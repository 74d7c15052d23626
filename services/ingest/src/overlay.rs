//! The figures of a commit in the making, so that each is held against those before it that are not on record yet.
//!
//! A request sees the figures of the requests before it in the same commit: they become durable together or not at all.

use std::collections::BTreeMap;
use std::hash::BuildHasher as _;

use domain::code::IndicatorCode;
use domain::event::Source;
use domain::text::{Moment, Percent, Quantity};
use domain::{Body, Event, LocalityId};

/// A figure of the commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Said {
    pub(crate) at: Moment,
    /// None of a retraction, or of a figure that is only a percentage.
    pub(crate) value: Option<Quantity>,
    pub(crate) percent: Option<Percent>,
    /// What it is counted against.
    pub(crate) of: Option<u64>,
    /// Which source says it, as a hash: texts are not copied for what is rarely asked.
    pub(crate) source: u64,
    /// Position of the figure that it replaces; 0 if it is a report.
    replaces: u64,
}

/// The figures of the commit about one locality and indicator.
#[derive(Debug, Default)]
pub(crate) struct Chain {
    /// By moment, then in the order they were accepted.
    said: BTreeMap<(Moment, u64), Said>,
    /// Positions on record that the commit replaces, and how often.
    replaced: foldhash::HashMap<u64, u32>,
}

impl Chain {
    /// Before a moment, the nearest first.
    pub(crate) fn before(&self, at: Moment) -> impl Iterator<Item = &Said> {
        self.said.range(..(at, 0)).rev().map(|(_, said)| said)
    }

    /// Of a moment, the last one accepted first.
    pub(crate) fn at(&self, at: Moment) -> impl Iterator<Item = &Said> {
        let of_moment = self.said.range((at, 0)..=(at, u64::MAX));
        of_moment.rev().map(|(_, said)| said)
    }

    /// After a moment, the nearest first.
    pub(crate) fn after(&self, at: Moment) -> impl Iterator<Item = &Said> {
        let after = std::ops::Bound::Excluded((at, u64::MAX));
        let rest = self.said.range((after, std::ops::Bound::Unbounded));
        rest.map(|(_, said)| said)
    }

    /// Whether the commit replaces the figure at a position.
    pub(crate) fn replaces(&self, position: u64) -> bool {
        self.replaced.contains_key(&position)
    }
}

/// Whose figures a series holds.
pub(crate) type SeriesOf<'a> = (LocalityId, &'a IndicatorCode);

/// The series that an event adds a figure to or takes one from; none for an event that is not about figures.
pub(crate) fn series(body: &Body) -> Option<SeriesOf<'_>> {
    match body {
        Body::ProgressReported(e) => Some((e.locality, &e.indicator)),
        Body::ProgressCorrected(e) => Some((e.locality, &e.indicator)),
        Body::ProgressRetracted(e) => Some((e.locality, &e.indicator)),
        _ => None,
    }
}

/// The figures of a commit, by their series.
#[derive(Debug, Default)]
pub(crate) struct Overlay {
    index: foldhash::HashMap<(LocalityId, IndicatorCode), usize>,
    chains: Vec<Chain>,
    /// Figures accepted so far.
    accepted: u64,
    /// How many there were when the request in hand began.
    begun: u64,
    /// Of the request in hand: where its figures are.
    own: Vec<(usize, Moment, u64)>,
}

impl Overlay {
    /// Begins a request.
    pub(crate) fn begin(&mut self) {
        self.own.clear();
        self.begun = self.accepted;
    }

    /// Takes back what the request in hand added.
    pub(crate) fn undo(&mut self) {
        for (chain, at, number) in std::mem::take(&mut self.own) {
            let chain = &mut self.chains[chain];
            let Some(said) = chain.said.remove(&(at, number)) else {
                continue;
            };
            if let Some(count) = chain.replaced.get_mut(&said.replaces) {
                *count -= 1;
                if *count == 0 {
                    chain.replaced.remove(&said.replaces);
                }
            }
        }
    }

    /// Begins a commit.
    pub(crate) fn clear(&mut self) {
        self.index.clear();
        self.chains.clear();
        self.begin();
    }

    /// What the commit says of a series.
    pub(crate) fn of(&self, series: Option<SeriesOf<'_>>) -> Option<&Chain> {
        if self.index.is_empty() {
            return None;
        }
        let (place, indicator) = series?;
        let chain = self.index.get(&(place, indicator.clone()))?;
        Some(&self.chains[*chain])
    }

    /// Whether a request before the one in hand brings a figure of the same series and moment.
    pub(crate) fn speaks_of(&self, series: Option<SeriesOf<'_>>, at: Moment) -> bool {
        self.of(series).is_some_and(|chain| {
            let mut earlier = chain.said.range((at, 0)..(at, self.begun));
            earlier.next().is_some()
        })
    }

    /// Whether the commit replaces a figure of a series.
    pub(crate) fn replaces(&self, series: Option<SeriesOf<'_>>, position: u64) -> bool {
        self.of(series)
            .is_some_and(|chain| chain.replaces(position))
    }

    /// A source as it is compared with those of the commit.
    pub(crate) fn source(&self, source: &Source) -> u64 {
        self.index.hasher().hash_one((&source.title, &source.url))
    }

    /// Adds what an accepted event says of a series.
    pub(crate) fn add(&mut self, event: &Event) {
        let replaces = match &event.body {
            Body::ProgressCorrected(correction) => correction.corrects,
            Body::ProgressRetracted(retraction) => retraction.retracts,
            _ => 0,
        };
        self.put(event, replaces);
    }

    /// Adds a figure in the place of the one at a position, 0 for none; of an event that is not about figures nothing.
    pub(crate) fn put(&mut self, event: &Event, replaces: u64) {
        let Some((locality, indicator)) = series(&event.body) else {
            return;
        };
        let figure = match &event.body {
            Body::ProgressReported(report) => Some(&report.figure),
            Body::ProgressCorrected(correction) => Some(&correction.figure),
            _ => None,
        };
        let said = Said {
            at: event.effective,
            value: figure.and_then(|figure| figure.value),
            percent: figure.and_then(|figure| figure.percent),
            of: figure.and_then(|figure| Some(figure.denominator.as_ref()?.value)),
            source: figure.map_or(0, |figure| self.source(&figure.source)),
            replaces,
        };
        let next = self.chains.len();
        let index = self.index.entry((locality, indicator.clone()));
        let place = *index.or_insert(next);
        if place == next {
            self.chains.push(Chain::default());
        }
        let chain = &mut self.chains[place];
        if replaces > 0 {
            *chain.replaced.entry(replaces).or_insert(0) += 1;
        }
        chain.said.insert((said.at, self.accepted), said);
        self.own.push((place, event.effective, self.accepted));
        self.accepted += 1;
    }
}
