//! One hash over everything folded, made of one for each table.
//!
//! Every table is hashed as JSON lines in its own order: lists by first appearance, maps by key.
//! So the hash depends on the events and their known times alone, not on the machine, the batches or what was read.

use std::io;

use domain::text::{Bound, Percent, Quantity};
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::detail::Against;
use crate::series::{Row, Series};
use crate::state::State;
use crate::timeline::Stamp;

/// Names the form of what is hashed; changes whenever that does.
const FORM: &str = "tiendo-state-6";

struct Hashed(Sha256);

impl io::Write for Hashed {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The digests of tables by their names.
struct Tables(Vec<(&'static str, String)>);

impl Tables {
    /// Hashes the rows of a table.
    fn table<T: Serialize>(&mut self, name: &'static str, rows: impl IntoIterator<Item = T>) {
        let mut hash = Hashed(Sha256::new());
        for row in rows {
            let written = serde_json::to_writer(&mut hash, &row);
            assert!(
                written.is_ok(),
                "rows have text keys, and a hash takes every byte"
            );
            hash.0.update("\n");
        }
        self.0.push((name, hex::encode(hash.0.finalize())));
    }
}

/// All that is kept of a figure, wherever it is: texts as indexes, 0 for no position.
#[derive(Serialize)]
struct Line {
    stamp: Stamp,
    value: Option<Quantity>,
    percent: Option<Percent>,
    percent_bound: Bound,
    against: Option<Against>,
    source: u32,
    remark: u32,
    corrects: u64,
    corrected_by: u64,
}

impl State {
    /// SHA-256 over everything folded, in hexadecimal: the same for the same events at the same positions and known times.
    ///
    /// Reads the whole state; the cost grows with it.
    #[must_use]
    pub fn digest(&self) -> String {
        digest_of(&self.digests())
    }

    /// SHA-256 over each table, in hexadecimal, by its name and in the order in which [`State::digest`] takes them.
    #[must_use]
    pub fn digests(&self) -> Vec<(&'static str, String)> {
        let mut hash = Tables(Vec::new());
        hash.table("position", [self.position]);
        hash.table("known", &self.runs);
        hash.table("texts", self.texts.values());
        hash.table("actors", self.actors.values());
        hash.table("sources", self.sources.values());
        hash.table("places", self.places.rows());
        hash.table("indicators", self.indicators.rows());
        let figures = self.figures.iter();
        hash.table(
            "figures",
            figures.map(|(key, series)| (key, self.lines(series))),
        );
        hash.table("retractions", &self.retractions.0);
        hash.table("findings", &self.findings.by_position);
        hash.table("resolutions", &self.resolutions);
        hash.table("quotas", &self.quotas);
        hash.table("suspensions", &self.suspensions);
        hash.table("declarations", &self.declarations);
        hash.table("plans", &self.plans);
        hash.table("groups", &self.groups);
        hash.table("withdrawn groups", &self.withdrawn_groups);
        hash.table("models", &self.models);
        hash.table("withdrawn models", &self.withdrawn_models);
        hash.table("relations", &self.relations);
        hash.table("owners", self.owners.iter());
        hash.table("successions", &self.successions);
        hash.table("erasures", &self.erasures);
        hash.table("statuses", &self.statuses);
        hash.table("work items", &self.work_items);
        hash.table("campaigns", &self.campaigns);
        hash.table("closings", &self.closings);
        hash.table("working groups", &self.working_groups);
        hash.table("systems", &self.systems);
        hash.table("reviews", &self.reviews);
        hash.table("directives", &self.directives);
        hash.table("assessments", &self.assessments);
        hash.table("datasets", &self.datasets);
        hash.table("rules", &self.rules);
        hash.0
    }

    fn lines(&self, series: &Series) -> Vec<Line> {
        let line = |row: Row<'_>| {
            let origin = self.origins.of(row.position());
            Line {
                stamp: row.stamp(origin.actor),
                value: row.value(),
                percent: row.percent(),
                percent_bound: row.percent_bound(),
                against: row.against(),
                source: origin.source,
                remark: row.remark(),
                corrects: self.corrects(row),
                corrected_by: self.corrected_by(row),
            }
        };
        series.rows().map(line).collect()
    }
}

/// The digest of a state whose tables have these digests.
#[must_use]
pub fn digest_of(tables: &[(&'static str, String)]) -> String {
    let mut hash = Sha256::new();
    hash.update(FORM);
    for (name, digest) in tables {
        hash.update(format!("\n{name} {digest}"));
    }
    hex::encode(hash.finalize())
}
