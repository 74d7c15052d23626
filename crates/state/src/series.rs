//! The figures of one locality and indicator, as they are kept.
//!
//! A series holds them by moment, then by position.
//! A correction stands in the series as a figure of its own and marks the one it names, so a reader who knows less still sees what was shown then.
//! A retraction is kept beside the series under the position it names, and puts no figure in its place.

use std::collections::BTreeMap;

use domain::text::{Bound, Moment, Percent, Quantity};
use serde::Serialize;

use crate::timeline::{Sight, Stamp};

/// Figures that were taken back, by position.
#[derive(Debug, Clone, Default, Serialize)]
pub(crate) struct Retractions(pub(crate) BTreeMap<u64, Retraction>);

/// How a figure was taken back.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Retraction {
    pub(crate) position: u64,
    pub(crate) actor: u32,
    pub(crate) reason: String,
}

impl Retractions {
    /// The retraction of the figure at a position, if it is known.
    pub(crate) fn of(&self, position: u64, limit: u64) -> Option<&Retraction> {
        let retraction = self.0.get(&position)?;
        (retraction.position <= limit).then_some(retraction)
    }
}

/// The figures of one locality and indicator, by moment, then by position.
#[derive(Debug, Clone, Default, Serialize)]
pub(crate) struct Series(Vec<Row>);

/// A figure as it is kept: texts as indexes, 0 for no position.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Row {
    pub(crate) stamp: Stamp,
    pub(crate) value: Option<Quantity>,
    pub(crate) percent: Option<Percent>,
    pub(crate) percent_bound: Bound,
    pub(crate) against: Option<Against>,
    pub(crate) source: u32,
    pub(crate) remark: u32,
    pub(crate) corrects: u64,
    pub(crate) corrected_by: u64,
}

/// A denominator as it is kept.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct Against {
    pub(crate) kind: u32,
    pub(crate) value: u64,
    pub(crate) derived: bool,
}

impl Row {
    /// The moment it speaks of.
    pub(crate) fn at(&self) -> Moment {
        self.stamp.effective
    }

    /// Where it stands.
    pub(crate) fn position(&self) -> u64 {
        self.stamp.position
    }

    pub(crate) fn is_corrected(&self, limit: u64) -> bool {
        (1..=limit).contains(&self.corrected_by)
    }
}

impl Series {
    /// Adds a row of the newest position and marks the row it corrects, if that is in the series and not corrected yet.
    pub(crate) fn insert(&mut self, row: Row) {
        if row.corrects != 0 {
            let wrong = self
                .0
                .iter_mut()
                .rev()
                .find(|other| other.stamp.position == row.corrects);
            if let Some(wrong) = wrong.filter(|wrong| wrong.corrected_by == 0) {
                wrong.corrected_by = row.stamp.position;
            }
        }
        let at = self
            .0
            .partition_point(|other| other.stamp.effective <= row.stamp.effective);
        self.0.insert(at, row);
    }

    /// The row of a moment and a position.
    pub(crate) fn row(&self, at: Moment, position: u64) -> Option<&Row> {
        let begin = self.0.partition_point(|row| row.stamp.effective < at);
        let mut of_moment = self.0[begin..]
            .iter()
            .take_while(|row| row.stamp.effective == at);
        of_moment.find(|row| row.stamp.position == position)
    }

    /// All rows, by moment and then by position.
    pub(crate) fn rows(&self) -> &[Row] {
        &self.0
    }

    /// The rows seen, corrected ones included.
    pub(crate) fn seen(&self, sight: Sight) -> impl DoubleEndedIterator<Item = &Row> {
        let end = self
            .0
            .partition_point(|row| row.stamp.effective <= sight.horizon);
        self.0[..end]
            .iter()
            .filter(move |row| row.stamp.position <= sight.limit)
    }

    /// Whether a position is that of one of its figures.
    pub(crate) fn holds(&self, position: u64) -> bool {
        let of_position = |row: &Row| row.stamp.position == position;
        self.0.iter().rev().any(of_position)
    }

    /// The rows seen that no correction known replaced and no retraction known took back.
    pub(crate) fn holding<'s>(
        &'s self,
        sight: Sight,
        retractions: &'s Retractions,
    ) -> impl DoubleEndedIterator<Item = &'s Row> {
        self.seen(sight).filter(move |row| {
            let position = row.stamp.position;
            !row.is_corrected(sight.limit) && retractions.of(position, sight.limit).is_none()
        })
    }

    /// The row that holds for the sight.
    pub(crate) fn newest<'s>(
        &'s self,
        sight: Sight,
        retractions: &'s Retractions,
    ) -> Option<&'s Row> {
        self.holding(sight, retractions).next_back()
    }
}
