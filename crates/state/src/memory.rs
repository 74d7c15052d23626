//! What the figures of a state take in memory.

use domain::event::{Actor, Source};

use crate::point::bytes_of;
use crate::series::Retraction;
use crate::state::State;

/// Bytes that the figures of a state take, counted from the room that each list keeps.
///
/// What the allocator adds is not in it, nor is what the state keeps beside figures: places, quotas, findings, work items and the rest.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct FigureMemory {
    /// How many figures there are, corrections included.
    pub figures: usize,
    /// How many series of a locality and an indicator they are in.
    pub series: usize,
    /// The lists of what differs from figure to figure: moment, position, count.
    pub points: usize,
    /// What figures of one series have in common.
    pub details: usize,
    /// The tables by which series are found.
    pub tables: usize,
    /// Who reported figures, from which document and when.
    pub origins: usize,
    /// Which figures were corrected or retracted, and why; about, for nobody counts the nodes of a tree.
    pub corrections: usize,
    /// All texts, sources and actors of the state.
    pub texts: usize,
}

impl FigureMemory {
    /// All bytes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let of_series = self.points + self.details + self.tables;
        of_series + self.origins + self.corrections + self.texts
    }
}

impl State {
    /// What the figures take in memory.
    ///
    /// Reads the head of each series but no figure, so that a state of 400,000 series is counted in some milliseconds.
    #[must_use]
    pub fn figure_memory(&self) -> FigureMemory {
        let reasons = self.retractions.0.values();
        let reasons = reasons.map(|retraction| retraction.reason.capacity());
        // The nodes of a tree are full by half at least.
        let pair = 2 * size_of::<(u64, u64)>();
        let retraction = 2 * size_of::<(u64, Retraction)>();
        let mut memory = FigureMemory {
            tables: self.figures.bytes(),
            origins: self.origins.bytes() + bytes_of(&self.runs),
            corrections: (self.corrections.named.len() + self.corrections.by.len()) * pair
                + self.retractions.0.len() * retraction
                + reasons.sum::<usize>(),
            texts: self.texts.bytes(0)
                + self.sources.bytes(size_of::<Source>())
                + self.actors.bytes(size_of::<Actor>()),
            ..FigureMemory::default()
        };
        for (_, series) in self.figures.iter() {
            memory.figures += series.len();
            memory.series += 1;
            memory.points += series.points_bytes();
            memory.details += series.details_bytes();
        }
        memory
    }
}
