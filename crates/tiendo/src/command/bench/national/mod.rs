//! A made-up national load: what the whole country would report, day by day, as requests for a log.
//!
//! Places, indicators and models are those that the product carries: 63 provinces, 705 districts and 10,598 communes, and
//! from 1 July 2025 on 34 provinces and 3,321 communes, which the register is told on that day.
//! Figures, quotas, owners and statuses are made up; figures of one place follow from each other and add up to those of
//! the place above it, and most places go on as the lag model expects.
//!
//! - `places`: who reports
//! - `programme`: quotas and their revisions, owners, statuses of models
//! - `figures`: what is reported, and what is corrected a day later
//! - `writer`: events into requests and groups, with their ids and times
//!
//! Everything follows from the [`Load`]: the same one gives the same events, request ids and known times.
//! Nothing is judged on its way, so that no event has findings; all of it is what ingest would take.

mod figures;
mod places;
mod programme;
mod writer;

use std::sync::Arc;

use domain::event::IndicatorKind;
use domain::text::Moment;
use domain::{Body, Event};
use jiff::ToSpan as _;
use jiff::civil::{Date, date};

use figures::{Numbers, Reported};
pub(super) use places::REFORM;
use places::{Country, Register};
use programme::Programme;
pub(super) use writer::{Group, Sink, Tally, Writer};

use super::failed;
use crate::Failure;
use crate::dataset::Set;

/// Series of a place.
pub(super) const SERIES: usize = 40;
/// The day from which the older places are on record.
pub(super) const EARLIEST: Date = date(2023, 4, 10);
/// Most days of a load.
pub(super) const DAYS_MAX: u32 = 3_660;

/// What a load is made from.
#[derive(Debug, Clone, Copy)]
pub(super) struct Load {
    /// Another seed gives other figures.
    pub(super) seed: u64,
    /// First day reported about, [`EARLIEST`] at the earliest.
    pub(super) from: Date,
    /// Days reported about, at least one.
    pub(super) days: u32,
    /// Only the first so many communes report, by code, and what they lie in; all without it.
    pub(super) communes: Option<usize>,
}

/// An indicator that is reported about.
struct Series {
    code: String,
    /// Its code within a subject.
    token: String,
    /// Which of the kinds of denominators.
    kind: usize,
    /// How many series of this kind come before it; each is a little behind the one before.
    rank: u64,
    /// Whether places are given quotas for it.
    has_quota: bool,
}

/// The series of every place, and what they are counted against.
struct Indicators {
    series: Vec<Series>,
    kinds: Vec<String>,
}

impl Indicators {
    /// The first [`SERIES`] of the catalogue that tell a count which grows.
    fn of(catalogue: &[Event]) -> Self {
        let mut indicators = Self {
            series: Vec::with_capacity(SERIES),
            kinds: Vec::new(),
        };
        let defined = catalogue.iter().filter_map(|event| match &event.body {
            Body::IndicatorDefined(defined) => Some(defined),
            _ => None,
        });
        let growing = defined.filter(|one| match one.kind {
            IndicatorKind::Cumulative => true,
            IndicatorKind::Level => ["social", "tasks", "documents"].contains(&one.family.as_str()),
            IndicatorKind::Daily => false,
        });
        for one in growing.take(SERIES) {
            let known = indicators.kinds.iter().position(|k| *k == one.denominator);
            let kind = known.unwrap_or_else(|| {
                indicators.kinds.push(one.denominator.clone());
                indicators.kinds.len() - 1
            });
            let before = indicators.series.iter().filter(|other| other.kind == kind);
            let series = Series {
                code: one.indicator.to_string(),
                token: one.indicator.token(),
                kind,
                rank: before.count() as u64,
                has_quota: ["quota", "citizens-14-plus"].contains(&one.denominator.as_str()),
            };
            indicators.series.push(series);
        }
        indicators
    }
}

/// One edition of the country, with its numbers.
struct Edition {
    country: Arc<Country>,
    numbers: Numbers,
    programme: Programme,
}

/// Makes a load.
pub(super) struct National {
    load: Load,
    register: Register,
    catalogue: Vec<Event>,
    indicators: Indicators,
}

impl National {
    /// Reads the tables that the product carries.
    ///
    /// # Errors
    /// What is wrong with the embedded tables, which tests exclude.
    pub(super) fn new(load: Load) -> Result<Self, Failure> {
        let catalogue = Set::Catalogue.events().map_err(failed)?;
        Ok(Self {
            load,
            register: Register::new(Set::Gazetteer.events().map_err(failed)?),
            indicators: Indicators::of(&catalogue),
            catalogue,
        })
    }

    /// Gives the whole load to `sink`, group by group, and then how many events there are of each kind.
    ///
    /// # Errors
    /// What the sink says.
    pub(super) fn write(self, sink: Sink<'_>) -> Result<Tally, Failure> {
        let mut writer = Writer::new(self.load.seed, sink);
        let mut edition = self.begin(&mut writer)?;
        let mut yesterday: Option<Reported> = None;
        for index in 0..self.load.days {
            let day = self.load.from.saturating_add(i64::from(index).days());
            if index > 0 && day == REFORM {
                // Recorded on the morning of the day itself, after the last reports of the old places.
                let later = self.register.since(REFORM);
                writer.register(later.iter())?;
                edition = self.edition(REFORM, index);
                self.open(&edition, REFORM, index, &mut writer)?;
            }
            let Edition {
                country,
                numbers,
                programme,
            } = &mut edition;
            writer.morning_of(day.saturating_add(1.day()))?;
            if let Some(reported) = yesterday.take() {
                reported.correct(&self.indicators, &mut writer)?;
            }
            let revised = numbers.revise(country, &self.indicators, index);
            programme.quotas(
                country,
                numbers,
                &self.indicators,
                day,
                &revised,
                &mut writer,
            )?;
            programme.change(country, day, index, &mut writer)?;
            numbers.advance(country, &self.indicators);
            yesterday = Some(numbers.report(country, &self.indicators, day, &mut writer)?);
        }
        let after = i64::from(self.load.days).saturating_add(1).days();
        writer.morning_of(self.load.from.saturating_add(after))?;
        if let Some(reported) = yesterday {
            reported.correct(&self.indicators, &mut writer)?;
        }
        writer.finish()
    }

    /// The places there are on the first day, the catalogue, and what every place is given.
    fn begin(&self, writer: &mut Writer<'_>) -> Result<Edition, Failure> {
        let first = self.load.from;
        writer.morning_of(first)?;
        if first < REFORM {
            writer.register(self.register.before(REFORM).iter())?;
        } else {
            writer.register(self.register.all().iter())?;
        }
        for set in [Set::Catalogue, Set::Relations] {
            for (request_id, events) in set.batches().map_err(failed)? {
                writer.as_shipped(request_id, &events)?;
            }
        }
        let edition = self.edition(first, 0);
        self.open(&edition, first, 0, writer)?;
        Ok(edition)
    }

    fn edition(&self, on: Date, index: u32) -> Edition {
        let country = self.register.country(on, self.load);
        let numbers = Numbers::new(&country, &self.indicators, self.load.seed, index);
        Edition {
            programme: Programme::new(&self.catalogue, self.load.seed),
            numbers,
            country: Arc::new(country),
        }
    }

    /// What every place of an edition is given on its first day: quotas, owners, the statuses of its models.
    fn open(
        &self,
        edition: &Edition,
        day: Date,
        index: u32,
        writer: &mut Writer<'_>,
    ) -> Result<(), Failure> {
        let Edition {
            country,
            numbers,
            programme,
        } = edition;
        let all: Vec<usize> = (0..country.units.len()).collect();
        programme.quotas(country, numbers, &self.indicators, day, &all, writer)?;
        programme.begin(country, day, index, writer)
    }
}

/// The day as events write the moment at its end.
fn end_of(day: Date) -> String {
    Moment::end_of(day).to_string()
}

#[cfg(test)]
mod tests;
