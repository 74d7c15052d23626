//! The log folded from a cold start, and what the state takes in memory.

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use event_log::Log;
use jiff::ToSpan as _;
use jiff::tz::TimeZone;
use serde_json::{Value, json};

use super::goal::Goal;
use super::measure::Row;
use crate::Failure;
use crate::cli::BenchQuery;
use crate::command::bench::replay::{Depth, read};
use crate::command::bench::{failed, open, resident_mb};
use crate::fail::USAGE;
use crate::lang::Lang;

/// What the state takes.
pub(super) struct Memory {
    pub(super) figures: state::FigureMemory,
    /// What the process has more than before it was folded, in millions of bytes.
    resident_mb: f64,
}

impl Memory {
    fn per_figure(&self, bytes: f64) -> f64 {
        bytes / self.figures.figures.max(1) as f64
    }

    /// A row for its goal.
    pub(super) fn row(&self) -> Row {
        let mut row = Row::rate("memory".to_owned(), Vec::new());
        row.aim(Goal::memory(self.per_figure(self.resident_mb * 1e6)));
        row
    }

    pub(super) fn json(&self) -> Value {
        let figures = &self.figures;
        json!({
            "figures": figures.figures,
            "series": figures.series,
            "bytes": figures.bytes(),
            "bytes_per_figure": self.per_figure(figures.bytes() as f64),
            "points": figures.points,
            "details": figures.details,
            "tables": figures.tables,
            "origins": figures.origins,
            "corrections": figures.corrections,
            "texts": figures.texts,
            "resident_mb": self.resident_mb,
            "resident_bytes_per_figure": self.per_figure(self.resident_mb * 1e6),
        })
    }

    pub(super) fn head(&self, lang: Lang) -> String {
        let count = lang.count(self.figures.figures as u64);
        let each = self.per_figure(self.figures.bytes() as f64);
        let (resident, all) = (self.resident_mb, self.per_figure(self.resident_mb * 1e6));
        lang.pick(
            format!("{count} số liệu, {each:.1} byte mỗi số; cả trạng thái chiếm {resident:.0} MB, {all:.1} byte mỗi số"),
            format!("{count} figures of {each:.1} bytes each; the whole state takes {resident:.0} MB, {all:.1} bytes a figure"),
        )
    }
}

/// What a log gave.
pub(super) struct Rebuilt {
    pub(super) row: Row,
    pub(super) memory: Memory,
    /// The position known by noon after each day.
    pub(super) mornings: Vec<u64>,
    /// Position of the newest event.
    pub(super) head: u64,
}

/// Folds the log from a cold start in every round.
pub(super) fn rebuild(directory: &Path, options: &BenchQuery) -> Result<Rebuilt, Failure> {
    let log = open(directory, &options.load.ledger, Arc::new(|| 0))?;
    let head = log.head();
    let (mut rounds, mut memory) = (Vec::new(), None);
    for _ in 0..options.rounds {
        let before = resident_mb("VmRSS:")?;
        let begun = Instant::now();
        let state = read(&log, Depth::FoldedBeside)?;
        rounds.push(head as f64 / begun.elapsed().as_secs_f64());
        // Later rounds find memory that the allocator has kept.
        if memory.is_none() {
            memory = Some(Memory {
                figures: state.figure_memory(),
                resident_mb: resident_mb("VmRSS:")? - before,
            });
        }
    }
    let mornings = mornings(&log, options)?;
    log.close();
    let mut row = Row::rate("rebuild".to_owned(), rounds);
    row.aim(Goal::rebuild(row.per_s()));
    Ok(Rebuilt {
        row,
        memory: memory.ok_or_else(|| Failure::new(USAGE, "--rounds is at least 1"))?,
        mornings,
        head,
    })
}

/// What was on record at noon after each day.
fn mornings(log: &Log, options: &BenchQuery) -> Result<Vec<u64>, Failure> {
    let noon = |index: u32| {
        let day = options
            .load
            .from
            .saturating_add(i64::from(index + 1).days());
        let noon = day.at(12, 0, 0, 0).to_zoned(TimeZone::UTC);
        let noon = noon.map_err(failed)?.timestamp().as_microsecond();
        log.position_known_at(noon).map_err(failed)
    };
    (0..options.load.days).map(noon).collect()
}
