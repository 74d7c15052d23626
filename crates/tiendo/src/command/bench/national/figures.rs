//! What is reported, and what is corrected a day later.
//!
//! A commune has people; each kind of denominator is a share of them, and of what is counted against it a share is left,
//! which shrinks by the commune's own hazard every day.
//! Districts and provinces report the sum of what lies in them.
//! One report in a hundred left something out and is corrected on the next morning.

use std::sync::Arc;

use jiff::civil::Date;
use wire::v1;

use super::places::{Country, REFORM};
use super::writer::{Writer, new_event};
use super::{Indicators, Series, end_of};
use crate::Failure;
use crate::command::bench::sample::{LEFT_FIRST, against, done, exactly, hash, percent, source};

/// Units whose figures share a request.
const REQUEST_UNITS: usize = 25;
/// One report in so many is wrong.
const WRONG_ONE_IN: u64 = 100;
/// One commune in so many is counted anew in [`REVISION_DAYS`].
const REVISED_ONE_IN: u64 = 20;
/// Days over which the revisions are spread.
pub(super) const REVISION_DAYS: u64 = 90;
/// What tells the draws of one place from each other.
const REVISION: u64 = 0x0e0a;
const HAZARD: u64 = 0x0e0b;

/// The numbers of every unit, unit by unit.
pub(super) struct Numbers {
    /// People of a commune; 0 above.
    people: Vec<u64>,
    /// The share that is left in a commune.
    left: Vec<f64>,
    /// What there is of each kind of denominator.
    pub(super) denominators: Arc<Vec<u64>>,
    /// What is done of each series.
    values: Arc<Vec<u64>>,
}

/// What was reported about a day.
pub(super) struct Reported {
    country: Arc<Country>,
    day: Date,
    first_position: u64,
    denominators: Arc<Vec<u64>>,
    values: Arc<Vec<u64>>,
}

impl Numbers {
    /// The numbers before the reports of a day, counted from the first of the load.
    pub(super) fn new(country: &Country, indicators: &Indicators, seed: u64, index: u32) -> Self {
        // As many people as the country has, in a third of the communes.
        let (least, spread) = if country.on < REFORM {
            (1_500, 15_000)
        } else {
            (4_500, 48_000)
        };
        let leaves = country.units.iter();
        let people = leaves.map(|unit| {
            let draw = hash(unit.salt ^ hash(seed));
            u64::from(unit.is_leaf) * (least + draw % spread)
        });
        let mut numbers = Self {
            people: people.collect(),
            left: vec![LEFT_FIRST; country.units.len()],
            denominators: Arc::default(),
            values: Arc::default(),
        };
        for _ in 0..index {
            numbers.work(country);
        }
        numbers.count(country, indicators);
        numbers
    }

    /// A day's work: each share that is left shrinks by the place's hazard, 0.5 to 2.5 % a day.
    ///
    /// By multiplying only, so that every machine gets the same.
    fn work(&mut self, country: &Country) {
        for (left, unit) in self.left.iter_mut().zip(&country.units) {
            let hazard = 0.005 + (hash(unit.salt ^ HAZARD) % 1_000) as f64 * 0.000_02;
            *left *= 1.0 - hazard;
        }
    }

    /// The denominators of the communes, and their sums above.
    fn count(&mut self, country: &Country, indicators: &Indicators) {
        let kinds = indicators.kinds.len();
        let mut counts = vec![0; country.units.len() * kinds];
        for (unit, people) in self.people.iter().enumerate() {
            for kind in 0..kinds {
                counts[unit * kinds + kind] = people - people * kind as u64 / 100;
            }
        }
        add_up(country, &mut counts, kinds);
        self.denominators = Arc::new(counts);
    }

    /// Counts the people of some communes anew; gives those whose quotas change with it, and all above them.
    pub(super) fn revise(
        &mut self,
        country: &Country,
        indicators: &Indicators,
        index: u32,
    ) -> Vec<usize> {
        let mut revised = vec![false; country.units.len()];
        for (at, unit) in country.units.iter().enumerate() {
            let draw = hash(unit.salt ^ REVISION);
            let is_due = draw.is_multiple_of(REVISED_ONE_IN)
                && (draw >> 8) % REVISION_DAYS == u64::from(index) % REVISION_DAYS;
            if !is_due || !unit.is_leaf {
                continue;
            }
            self.people[at] += self.people[at] / 20;
            let mut next = Some(at);
            while let Some(unit) = next {
                revised[unit] = true;
                next = country.units[unit].parent;
            }
        }
        let revised: Vec<usize> = (0..revised.len()).filter(|at| revised[*at]).collect();
        if !revised.is_empty() {
            self.count(country, indicators);
        }
        revised
    }

    /// Goes on by a day.
    pub(super) fn advance(&mut self, country: &Country, indicators: &Indicators) {
        self.work(country);
        let (kinds, each) = (indicators.kinds.len(), indicators.series.len());
        let mut values = vec![0; country.units.len() * each];
        for (at, unit) in country.units.iter().enumerate() {
            if !unit.is_leaf {
                continue;
            }
            for (series, value) in indicators.series.iter().zip(&mut values[at * each..]) {
                let done = done(self.left[at], self.denominators[at * kinds + series.kind]);
                *value = done - done * series.rank / 50;
            }
        }
        add_up(country, &mut values, each);
        self.values = Arc::new(values);
    }

    /// What every unit says about a day, one document for those that lie in the same place.
    pub(super) fn report(
        &self,
        country: &Arc<Country>,
        indicators: &Indicators,
        day: Date,
        writer: &mut Writer<'_>,
    ) -> Result<Reported, Failure> {
        let reported = Reported {
            country: Arc::clone(country),
            day,
            first_position: writer.next_position(),
            denominators: Arc::clone(&self.denominators),
            values: Arc::clone(&self.values),
        };
        for run in country.runs(REQUEST_UNITS) {
            let request_id = writer.request_id();
            let mut event = reported.event(run.start, request_id.to_string());
            let mut events = Vec::with_capacity(run.len() * indicators.series.len());
            for unit in run {
                for series in 0..indicators.series.len() {
                    let said = reported.said(unit, series, indicators);
                    event.body = Some(v1::event::Body::ProgressReported(said));
                    let subject = reported.subject(unit, &indicators.series[series]);
                    events.push(new_event(subject, &event));
                }
            }
            writer.append(request_id, "progress.reported", events)?;
        }
        Ok(reported)
    }
}

impl Reported {
    /// An event without a body, as the place above a unit sends it.
    fn event(&self, unit: usize, request_id: String) -> v1::Event {
        v1::Event {
            request_id,
            actor: Some(v1::Actor {
                organisation: format!("Công an {}", self.country.above(unit)),
                office: "Tổ công tác Đề án 06".to_owned(),
            }),
            effective: end_of(self.day),
            ..Default::default()
        }
    }

    fn subject(&self, unit: usize, series: &Series) -> String {
        format!("progress/{}/{}", self.country.units[unit].key, series.token)
    }

    /// The figure as it should be, and the count it is out of.
    fn right(&self, unit: usize, series: usize, indicators: &Indicators) -> (u64, u64) {
        let (kinds, each) = (indicators.kinds.len(), indicators.series.len());
        let kind = indicators.series[series].kind;
        (
            self.values[unit * each + series],
            self.denominators[unit * kinds + kind],
        )
    }

    /// What a wrong report leaves out; none if it is right.
    fn left_out(&self, unit: usize, series: usize, right: u64) -> Option<u64> {
        let ordinal = i64::from(self.day.year()) * 400 + i64::from(self.day.day_of_year());
        let draw = self.country.units[unit].salt ^ hash(ordinal as u64 ^ hash(series as u64));
        let wrong = right > 0 && hash(draw).is_multiple_of(WRONG_ONE_IN);
        wrong.then_some(1 + (right - 1) / 40)
    }

    fn said(&self, unit: usize, series: usize, indicators: &Indicators) -> v1::ProgressReported {
        let (right, of) = self.right(unit, series, indicators);
        let value = right - self.left_out(unit, series, right).unwrap_or(0);
        let series = &indicators.series[series];
        v1::ProgressReported {
            locality: Some(self.country.units[unit].reference.clone()),
            indicator: series.code.clone(),
            value: Some(exactly(value)),
            denominator: Some(against(&indicators.kinds[series.kind], of)),
            percent: percent(value, of),
            source: Some(self.source(unit)),
            ..Default::default()
        }
    }

    /// The document of the place above a unit.
    fn source(&self, unit: usize) -> v1::Source {
        let parent = self.country.units[unit].parent;
        let above = parent.map_or(0, |parent| self.country.units[parent].salt);
        source(
            1 + hash(above ^ self.day.day_of_year() as u64) % 9_000,
            self.day,
        )
    }

    /// Puts right what was wrong.
    pub(super) fn correct(
        &self,
        indicators: &Indicators,
        writer: &mut Writer<'_>,
    ) -> Result<(), Failure> {
        let each = indicators.series.len();
        for run in self.country.runs(usize::MAX) {
            let wrong = run.flat_map(|unit| (0..each).map(move |series| (unit, series)));
            let mut wrong = wrong.filter(|(unit, series)| {
                let (right, _) = self.right(*unit, *series, indicators);
                self.left_out(*unit, *series, right).is_some()
            });
            let Some(first) = wrong.next() else {
                continue;
            };
            let request_id = writer.request_id();
            let mut event = self.event(first.0, request_id.to_string());
            let mut events = Vec::new();
            for (unit, series) in std::iter::once(first).chain(wrong) {
                let said = self.corrected(unit, series, indicators);
                event.body = Some(v1::event::Body::ProgressCorrected(said));
                let subject = self.subject(unit, &indicators.series[series]);
                events.push(new_event(subject, &event));
            }
            writer.append(request_id, "progress.corrected", events)?;
        }
        Ok(())
    }

    fn corrected(
        &self,
        unit: usize,
        series: usize,
        indicators: &Indicators,
    ) -> v1::ProgressCorrected {
        let (value, of) = self.right(unit, series, indicators);
        let index = unit * indicators.series.len() + series;
        let series = &indicators.series[series];
        v1::ProgressCorrected {
            corrects: self.first_position + index as u64,
            locality: Some(self.country.units[unit].reference.clone()),
            indicator: series.code.clone(),
            value: Some(exactly(value)),
            denominator: Some(against(&indicators.kinds[series.kind], of)),
            percent: percent(value, of),
            source: Some(self.source(unit)),
            reason: "Báo cáo trước còn thiếu số liệu của một tổ".to_owned(),
            ..Default::default()
        }
    }
}

/// Adds what each unit has to what it lies in, from the communes up.
fn add_up(country: &Country, counts: &mut [u64], each: usize) {
    for (at, unit) in country.units.iter().enumerate().rev() {
        if let Some(parent) = unit.parent {
            for one in 0..each {
                counts[parent * each + one] += counts[at * each + one];
            }
        }
    }
}
