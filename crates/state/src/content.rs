//! One hash over what was said, wherever in the log it stands.
//!
//! Two ledgers that took the same reports in another order, at other times and from other hands have different digests and the same content.
//! So no position, known time, actor or index is in it, and a correction stands with what it corrects.
//! What speaks of a position stays out: findings, the answers to them, and erasures of names.
//! Where order decides what is shown (of two figures for one moment the later holds) it counts here too.

use std::collections::BTreeMap;

use domain::code::IndicatorCode;
use domain::event::Figure;
use domain::locality::LocalityId;
use domain::text::Moment;
use jiff::civil::Date;
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::series::{Row, Series};
use crate::state::State;
use crate::timeline::Timeline;

/// Names the form of what is hashed; changes whenever that does.
const FORM: &str = "tiendo-content-2";

/// Tables whose rows are sorted by their own hashes, so that it does not matter in which order they came.
struct Content(Sha256);

impl Content {
    fn table<T: Serialize>(&mut self, name: &str, rows: impl IntoIterator<Item = T>) {
        let mut hashes: Vec<_> = rows.into_iter().map(|row| hash_of(&row)).collect();
        hashes.sort_unstable();
        self.0.update(format!("{name} {}\n", hashes.len()));
        for hash in hashes {
            self.0.update(hash);
        }
    }

    /// One row for each timeline; the facts within name what they are about.
    fn timelines<'t, T: Serialize + 't>(
        &mut self,
        name: &str,
        timelines: impl IntoIterator<Item = &'t Timeline<T>>,
    ) {
        self.table(name, timelines.into_iter().map(facts));
    }

    /// One row for each fact, where none replaces another.
    fn facts<T: Serialize>(&mut self, name: &str, timelines: &BTreeMap<u32, Timeline<T>>) {
        self.table(name, timelines.values().flat_map(facts));
    }
}

fn hash_of(row: &impl Serialize) -> [u8; 32] {
    let mut line = Vec::new();
    let written = serde_json::to_writer(&mut line, row);
    assert!(
        written.is_ok(),
        "rows have text keys, and memory takes every byte"
    );
    Sha256::digest(&line).into()
}

/// The facts of a timeline with the moments they speak of, in its order.
fn facts<T>(timeline: &Timeline<T>) -> Vec<(Moment, &T)> {
    let all = timeline.known(u64::MAX);
    all.map(|fact| (fact.stamp.effective, &fact.body)).collect()
}

/// A figure, and what became of it.
#[derive(Serialize)]
struct Said<'a> {
    figure: Figure,
    remark: &'a str,
    /// Why it was taken back; none if it was not.
    retracted: Option<&'a str>,
}

/// The figures of a series: for each moment the figures reported, each followed by its corrections.
#[derive(Serialize)]
struct SeriesContent<'a> {
    locality: LocalityId,
    indicator: &'a IndicatorCode,
    reported: Vec<(Moment, Vec<Said<'a>>)>,
}

impl State {
    /// SHA-256 over what was said, in hexadecimal: the same for the same facts in whatever order they came, as long as none replaces another, whoever reported them and whenever they were known.
    ///
    /// Reads the whole state; the cost grows with it.
    #[must_use]
    pub fn content_digest(&self) -> String {
        let mut content = Content(Sha256::new());
        content.0.update(FORM);
        let places = self.places.rows();
        content.timelines("places", places.iter().map(|place| &place.registered));
        content.table("ends", places.iter().map(|place| place.ends()));
        let indicators = self.indicators.rows();
        content.timelines("indicators", indicators.iter().map(|(_, defined)| defined));
        let series = self.figures.iter();
        content.table(
            "figures",
            series.map(|(key, series)| self.series_content(key, series)),
        );
        content.timelines("quotas", self.quotas.values());
        content.timelines("suspensions", self.suspensions.values());
        content.timelines("declarations", self.declarations.values());
        self.programme_content(&mut content);
        hex::encode(content.0.finalize())
    }

    fn programme_content(&self, content: &mut Content) {
        content.timelines("plans", self.plans.values());
        content.timelines("groups", self.groups.values());
        content.timelines("withdrawn groups", self.withdrawn_groups.values());
        content.timelines("models", self.models.values());
        content.timelines("withdrawn models", self.withdrawn_models.values());
        content.timelines("relations", self.relations.values());
        content.timelines("owners", self.owners.values());
        content.timelines("successions", self.successions.values());
        content.timelines("statuses", self.statuses.values());
        let items = || self.work_items.values().flat_map(BTreeMap::values);
        content.timelines("work items", items().map(|item| &item.defined));
        content.timelines("progressed", items().map(|item| &item.progressed));
        content.timelines("rescheduled", items().map(|item| &item.rescheduled));
        content.timelines("cancelled", items().map(|item| &item.cancelled));
        content.timelines("completed", items().map(|item| &item.completed));
        let campaigns = self.campaigns.values().flat_map(BTreeMap::values);
        content.timelines("campaigns", campaigns);
        content.timelines("closings", self.closings.values());
        content.timelines("working groups", self.working_groups.values());
        let systems = self.systems.values().flat_map(BTreeMap::values);
        content.timelines("systems", systems);
        content.facts("reviews", &self.reviews);
        content.facts("directives", &self.directives);
        content.facts("assessments", &self.assessments);
        content.table("datasets", self.datasets.iter().map(|set| &set.loaded));
        // One row, for of two versions of one moment the later holds.
        let adopted = self.latest(Moment::end_of(Date::MAX)).rules();
        let adopted = adopted.iter().map(|it| (it.recorded.effective, it.fact));
        content.table("rules", [adopted.collect::<Vec<_>>()]);
    }

    fn series_content(&self, key: (u32, u32), series: &Series) -> SeriesContent<'_> {
        let rows = || series.rows();
        let at: BTreeMap<u64, Row<'_>> = rows().map(|row| (row.position(), row)).collect();
        let is_link = |row: Row<'_>| {
            let corrected = at.get(&self.corrects(row));
            corrected.is_some_and(|wrong| self.corrected_by(*wrong) == row.position())
        };
        let chain = |first: Row<'_>| {
            let next = |row: &Row<'_>| at.get(&self.corrected_by(*row)).copied();
            let rows = std::iter::successors(at.get(&first.position()).copied(), next);
            rows.map(|row| self.said(row)).collect()
        };
        let first = rows().filter(|row| !is_link(*row));
        SeriesContent {
            locality: self.places.id(key.0),
            indicator: self.indicators.code(key.1),
            reported: first.map(|row| (row.at(), chain(row))).collect(),
        }
    }

    fn said(&self, row: Row<'_>) -> Said<'_> {
        let retraction = self.known_retraction(row, self.position);
        Said {
            figure: self.figure_of(row).to_figure(),
            remark: self.texts.get(row.remark()),
            retracted: retraction.map(|retraction| retraction.reason.as_str()),
        }
    }
}
