//! A state as bytes, and back.
//!
//! Everything folded is in the bytes; what only finds it (maps by hash, places below a place, findings of a place) is built anew.
//! The same events give the same bytes.

use std::collections::BTreeMap;
use std::io::{self, BufReader, BufWriter, Read, Write};

use jiff::Timestamp;

use crate::figures::Figures;
use crate::finding::Findings;
use crate::form::{Input, LoadError, OUT_OF_ORDER, Output, UNKNOWN};
use crate::intern::Table;
use crate::origin::Origins;
use crate::owner::Owners;
use crate::place::Places;
use crate::reading::Indicators;
use crate::series::{Corrections, Retractions};
use crate::state::{Dataset, Run, State};

/// Names what the fold makes of events and how it is saved; a saved state of another version is not taken.
///
/// Must change whenever the same events give another state, or the same state other bytes.
/// Printable ASCII, 1 to 64 characters.
pub const FOLD_VERSION: &str = "tiendo-fold-2";

/// How the bytes begin; the version follows.
const BEGIN: &[u8; 16] = b"Tiendo's state:\n";
/// Longest version, in bytes.
const VERSION_BYTES_MAX: u32 = 64;
/// Bytes gathered before they go out, or read ahead.
const BUFFER_BYTES: usize = 256 * 1024;

impl State {
    /// Writes everything folded.
    ///
    /// # Errors
    /// What `out` says; and [`io::ErrorKind::FileTooLarge`] for a text or row of 4 GiB or more, which no log holds.
    pub fn save(&self, out: impl Write) -> io::Result<()> {
        let mut out = Output::new(BufWriter::with_capacity(BUFFER_BYTES, out));
        out.bytes(BEGIN)?;
        out.text(FOLD_VERSION)?;
        out.number(self.position)?;
        out.list(self.runs.iter().map(|run| run.to_bytes()))?;
        self.texts.save(&mut out, |out, text| out.text(text))?;
        self.actors.save(&mut out, |out, actor| {
            out.text(&actor.organisation)?;
            out.text(&actor.office)
        })?;
        self.sources.save(&mut out, |out, source| {
            out.text(&source.title)?;
            out.text(&source.url)
        })?;
        out.rows(self.places.rows().iter())?;
        out.rows(self.indicators.rows().iter())?;
        self.figures.save(&mut out)?;
        self.origins.save(&mut out)?;
        save_positions(&mut out, &self.corrections.named)?;
        save_positions(&mut out, &self.corrections.by)?;
        out.rows(self.retractions.0.iter())?;
        self.save_programme(&mut out)?;
        out.finish()
    }

    fn save_programme(&self, out: &mut Output<impl Write>) -> io::Result<()> {
        out.rows(self.findings.by_position.iter())?;
        out.rows(self.resolutions.iter())?;
        out.rows(self.quotas.iter())?;
        out.rows(self.suspensions.iter())?;
        out.rows(self.declarations.iter())?;
        out.rows(self.plans.iter())?;
        out.rows(self.groups.iter())?;
        out.rows(self.withdrawn_groups.iter())?;
        out.rows(self.models.iter())?;
        out.rows(self.withdrawn_models.iter())?;
        out.rows(self.relations.iter())?;
        out.rows(self.owners.iter())?;
        out.rows(self.successions.iter())?;
        out.rows(self.erasures.iter())?;
        out.rows(self.statuses.iter())?;
        out.rows(self.work_items.iter())?;
        out.rows(self.campaigns.iter())?;
        out.rows(self.closings.iter())?;
        out.rows(self.working_groups.iter())?;
        out.rows(self.systems.iter())?;
        out.rows(self.reviews.iter())?;
        out.rows(self.directives.iter())?;
        out.rows(self.assessments.iter())?;
        out.rows(self.datasets.iter())?;
        out.rows(self.rules.iter())
    }

    /// Reads what [`State::save`] wrote.
    ///
    /// What is read is a state that can be asked and folded on, but bytes that were changed can give another one than was saved: compare a checksum of them before it is believed.
    ///
    /// # Errors
    /// [`LoadError`] for anything but the bytes of a state of this [`FOLD_VERSION`].
    pub fn load(from: impl Read) -> Result<Self, LoadError> {
        let mut input = Input::new(BufReader::with_capacity(BUFFER_BYTES, from));
        check_version(&mut input)?;
        let position = input.table("position").number()?;
        input.known.position = position;
        let state = Self {
            position,
            runs: load_runs(&mut input)?,
            texts: load_texts(&mut input)?,
            actors: load_actors(&mut input)?,
            sources: load_sources(&mut input)?,
            places: Places::load(&mut input)?,
            indicators: Indicators::load(&mut input)?,
            figures: Figures::load(&mut input)?,
            origins: Origins::load(&mut input)?,
            corrections: Corrections {
                named: load_positions(input.table("corrections"))?,
                by: load_positions(input.table("corrected figures"))?,
            },
            retractions: Retractions(input.map("retractions", |known, of| known.position(*of))?),
            findings: Findings::load(&mut input)?,
            resolutions: input.map("resolutions", |_, _| true)?,
            quotas: input.map("quotas", |known, key: &(_, _, _)| {
                known.series((key.0, key.1))
            })?,
            suspensions: input.map("suspensions", |known, key: &(_, _, _)| {
                known.series((key.0, key.1))
            })?,
            declarations: input.map("declarations", |known, key| known.series(*key))?,
            plans: input.map("plans", |_, _| true)?,
            groups: input.map("groups", |_, _| true)?,
            withdrawn_groups: input.map("withdrawn groups", |_, _| true)?,
            models: input.map("models", |_, _| true)?,
            withdrawn_models: input.map("withdrawn models", |_, _| true)?,
            relations: input.map("relations", |_, _| true)?,
            owners: Owners::of_table(
                input.map("owners", |known, key: &(_, _, _)| known.place(key.0))?,
            ),
            successions: input.map("successions", |known, key: &(_, _)| known.place(key.0))?,
            erasures: input.map("erasures", |_, _| true)?,
            statuses: input.map("statuses", |known, key: &(_, _)| known.place(key.0))?,
            work_items: input.map("work items", |known, place| known.place(*place))?,
            campaigns: input.map("campaigns", |known, place| known.place(*place))?,
            closings: input.map("closings", |known, key: &(_, _)| known.place(key.0))?,
            working_groups: input.map("working groups", |known, key: &(_, _, _)| {
                known.place(key.0)
            })?,
            systems: input.map("systems", |known, place| known.place(*place))?,
            reviews: input.map("reviews", |known, place| known.place(*place))?,
            directives: input.map("directives", |known, place| known.place(*place))?,
            assessments: input.map("assessments", |known, place| known.place(*place))?,
            datasets: load_datasets(&mut input)?,
            rules: input.map("rules", |_, _| true)?,
        };
        input.end()?;
        Ok(state)
    }
}

fn check_version(input: &mut Input<impl Read>) -> Result<(), LoadError> {
    if input.array()? != *BEGIN {
        return Err(LoadError::NotAState);
    }
    let length = input.index()?;
    let is_version = (1..=VERSION_BYTES_MAX).contains(&length);
    input.check(is_version, "the version is no version")?;
    let mut found = String::new();
    for _ in 0..length {
        found.push(char::from(input.byte()?));
    }
    if found == FOLD_VERSION {
        Ok(())
    } else {
        Err(LoadError::FoldVersion { found })
    }
}

impl Run {
    /// Seconds, nanoseconds, first position.
    fn to_bytes(self) -> [u8; 20] {
        let mut bytes = [0; 20];
        bytes[..8].copy_from_slice(&self.known.as_second().to_le_bytes());
        bytes[8..12].copy_from_slice(&self.known.subsec_nanosecond().to_le_bytes());
        bytes[12..].copy_from_slice(&self.first.to_le_bytes());
        bytes
    }

    fn from_bytes(bytes: [u8; 20]) -> Option<Self> {
        let (seconds, rest) = bytes.split_first_chunk()?;
        let (nanoseconds, rest) = rest.split_first_chunk()?;
        let (first, _) = rest.split_first_chunk()?;
        let (seconds, nanoseconds) = (
            i64::from_le_bytes(*seconds),
            i32::from_le_bytes(*nanoseconds),
        );
        Some(Self {
            known: Timestamp::new(seconds, nanoseconds).ok()?,
            first: u64::from_le_bytes(*first),
        })
    }
}

fn load_runs(input: &mut Input<impl Read>) -> Result<Vec<Run>, LoadError> {
    let runs = input.table("known").list(Run::from_bytes)?;
    let ascend = runs.is_sorted_by(|a, b| a.first < b.first && a.known < b.known);
    input.check(ascend, OUT_OF_ORDER)?;
    // Each position is in a run.
    let first = runs.first().map_or(0, |run| run.first);
    let last = runs.last().map_or(0, |run| run.first);
    let begins = first == input.known.position.min(1);
    input.check(begins && last <= input.known.position, UNKNOWN)?;
    Ok(runs)
}

fn load_texts(input: &mut Input<impl Read>) -> Result<Table<str>, LoadError> {
    let texts = Table::load(input.table("texts"), |input| Ok(input.text()?.into()))?;
    input.known.texts = texts.values().len();
    Ok(texts)
}

fn load_actors(input: &mut Input<impl Read>) -> Result<Table<domain::event::Actor>, LoadError> {
    let actors = Table::load(input.table("actors"), |input| {
        let (organisation, office) = (input.text()?, input.text()?);
        Ok(domain::event::Actor {
            organisation,
            office,
        }
        .into())
    })?;
    input.known.actors = actors.values().len();
    Ok(actors)
}

fn load_sources(input: &mut Input<impl Read>) -> Result<Table<domain::event::Source>, LoadError> {
    let sources = Table::load(input.table("sources"), |input| {
        let (title, url) = (input.text()?, input.text()?);
        Ok(domain::event::Source { title, url }.into())
    })?;
    input.known.sources = sources.values().len();
    Ok(sources)
}

fn save_positions(out: &mut Output<impl Write>, positions: &BTreeMap<u64, u64>) -> io::Result<()> {
    out.list(positions.iter().map(|(key, value)| pair(*key, *value)))
}

/// Two numbers.
fn pair(first: u64, second: u64) -> [u8; 16] {
    let mut bytes = [0; 16];
    bytes[..8].copy_from_slice(&first.to_le_bytes());
    bytes[8..].copy_from_slice(&second.to_le_bytes());
    bytes
}

fn load_positions(input: &mut Input<impl Read>) -> Result<BTreeMap<u64, u64>, LoadError> {
    let pairs = input.list(|bytes: [u8; 16]| {
        let (first, rest) = bytes.split_first_chunk()?;
        let (second, _) = rest.split_first_chunk()?;
        Some((u64::from_le_bytes(*first), u64::from_le_bytes(*second)))
    })?;
    let ascend = pairs.is_sorted_by(|a, b| a.0 < b.0);
    input.check(ascend, OUT_OF_ORDER)?;
    Ok(pairs.into_iter().collect())
}

fn load_datasets(input: &mut Input<impl Read>) -> Result<Vec<Dataset>, LoadError> {
    let mut datasets = Vec::new();
    input.table("datasets").rows(|input, dataset: Dataset| {
        input.check(input.known.position(dataset.position), UNKNOWN)?;
        datasets.push(dataset);
        Ok(())
    })?;
    Ok(datasets)
}
