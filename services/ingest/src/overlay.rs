//! The figures of a commit in the making, so that each is held against those before it that are not on record yet.
//!
//! A request sees the figures of the requests before it in the same commit: they become durable together or not at all.

use std::hash::BuildHasher as _;

use domain::event::Source;
use domain::text::{Moment, Percent, Quantity};
use domain::{Body, Event};

/// A figure of the commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Said {
    pub(crate) at: Moment,
    /// None of a retraction, or of a figure that is only a percentage.
    pub(crate) value: Option<Quantity>,
    pub(crate) percent: Option<Percent>,
    /// Which source says it, as a hash: texts are not copied for what is rarely asked.
    pub(crate) source: u64,
    /// Position of the figure that it replaces; 0 if it is a report.
    pub(crate) replaces: u64,
}

/// The figures of a commit, by the key under which the revisions of their series are counted.
#[derive(Debug, Default)]
pub(crate) struct Overlay {
    chains: foldhash::HashMap<Box<str>, usize>,
    said: Vec<Vec<Said>>,
    /// Of the request in hand: the chains it added to, once for each figure.
    own: Vec<usize>,
}

impl Overlay {
    /// Begins a request.
    pub(crate) fn begin(&mut self) {
        self.own.clear();
    }

    /// Takes back what the request in hand added.
    pub(crate) fn undo(&mut self) {
        for chain in std::mem::take(&mut self.own) {
            self.said[chain].pop();
        }
    }

    /// Begins a commit.
    pub(crate) fn clear(&mut self) {
        self.chains.clear();
        self.said.clear();
        self.own.clear();
    }

    /// The figures added to a series, in the order they were accepted.
    pub(crate) fn of(&self, key: &str) -> &[Said] {
        self.chains.get(key).map_or(&[], |chain| &self.said[*chain])
    }

    /// Whether a request before the one in hand brings a figure of the same series and moment.
    pub(crate) fn speaks_of(&self, key: &str, at: Moment) -> bool {
        let Some(chain) = self.chains.get(key) else {
            return false;
        };
        let own = self.own.iter().filter(|added| *added == chain).count();
        let said = &self.said[*chain];
        said[..said.len() - own].iter().any(|said| said.at == at)
    }

    /// A source as it is compared with those of the commit.
    pub(crate) fn source(&self, source: &Source) -> u64 {
        self.chains.hasher().hash_one((&source.title, &source.url))
    }

    /// Adds what an accepted event says of a series.
    pub(crate) fn add(&mut self, key: &str, event: &Event) {
        let (figure, replaces) = match &event.body {
            Body::ProgressReported(report) => (Some(&report.figure), 0),
            Body::ProgressCorrected(correction) => (Some(&correction.figure), correction.corrects),
            Body::ProgressRetracted(retraction) => (None, retraction.retracts),
            _ => return,
        };
        let chain = match self.chains.get(key) {
            Some(chain) => *chain,
            None => {
                self.said.push(Vec::new());
                self.chains.insert(key.into(), self.said.len() - 1);
                self.said.len() - 1
            }
        };
        let said = Said {
            at: event.effective,
            value: figure.and_then(|figure| figure.value),
            percent: figure.and_then(|figure| figure.percent),
            source: figure.map_or(0, |figure| self.source(&figure.source)),
            replaces,
        };
        self.said[chain].push(said);
        self.own.push(chain);
    }
}
