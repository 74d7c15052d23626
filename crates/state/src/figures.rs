//! The series of all places and indicators: found by two numbers, and read by either.

use std::io::{self, Read, Write};

use crate::form::{Input, LoadError, OUT_OF_ORDER, Output, UNKNOWN};
use crate::intern::next_index;
use crate::point::{bytes_of, make_room};
use crate::series::Series;

/// The series with a figure, by index of the indicator and then by index of the place.
///
/// Whoever compares places reads one indicator of all of them, and finds it side by side; whoever reads a place goes through the indicators, which are few.
#[derive(Debug, Clone, Default)]
pub(crate) struct Figures(Vec<OfIndicator>);

/// The series of an indicator.
#[derive(Debug, Clone, Default)]
struct OfIndicator {
    /// By index of the place: one more than the index of its series, and 0 without one.
    numbers: Vec<u32>,
    /// In the order in which they got their first figure, which mostly is that of the places.
    series: Vec<Series>,
}

impl OfIndicator {
    fn index(&self, place: u32) -> Option<usize> {
        let number = self.numbers.get(place as usize)?;
        (*number as usize).checked_sub(1)
    }

    fn get(&self, place: u32) -> Option<&Series> {
        self.series.get(self.index(place)?)
    }

    fn add(&mut self, place: u32) -> usize {
        let place = place as usize;
        if self.numbers.len() <= place {
            self.numbers.resize(place + 1, 0);
        }
        make_room(&mut self.series, 2);
        self.numbers[place] = next_index(self.series.len()) + 1;
        self.series.push(Series::default());
        self.series.len() - 1
    }
}

impl Figures {
    /// The series of a place and an indicator.
    pub(crate) fn get(&self, (place, indicator): (u32, u32)) -> Option<&Series> {
        self.0.get(indicator as usize)?.get(place)
    }

    /// The series of a place and an indicator; empty and only now there if it is new.
    pub(crate) fn entry(&mut self, (place, indicator): (u32, u32)) -> &mut Series {
        let indicator = indicator as usize;
        if self.0.len() <= indicator {
            self.0.resize_with(indicator + 1, OfIndicator::default);
        }
        let of_indicator = &mut self.0[indicator];
        let index = of_indicator.index(place);
        let index = index.unwrap_or_else(|| of_indicator.add(place));
        &mut of_indicator.series[index]
    }

    pub(crate) fn get_mut(&mut self, (place, indicator): (u32, u32)) -> Option<&mut Series> {
        let of_indicator = self.0.get_mut(indicator as usize)?;
        let index = of_indicator.index(place)?;
        of_indicator.series.get_mut(index)
    }

    /// The series of a place, by index of the indicator.
    pub(crate) fn of_place(&self, place: u32) -> impl Iterator<Item = (u32, &Series)> {
        let numbered = (0..).zip(&self.0);
        numbered.filter_map(move |(indicator, of)| Some((indicator, of.get(place)?)))
    }

    /// All series with their keys, by key.
    pub(crate) fn iter(&self) -> impl Iterator<Item = ((u32, u32), &Series)> {
        (0..self.places()).flat_map(|place| {
            let series = self.of_place(place);
            series.map(move |(indicator, series)| ((place, indicator), series))
        })
    }

    /// One more than the index of the last place with a figure.
    fn places(&self) -> u32 {
        let last = self.0.iter().map(|of| of.numbers.len()).max();
        next_index(last.unwrap_or(0))
    }

    pub(crate) fn save(&self, out: &mut Output<impl Write>) -> io::Result<()> {
        out.number(u64::from(self.places()))?;
        for place in 0..self.places() {
            out.number(self.of_place(place).count() as u64)?;
            for (indicator, series) in self.of_place(place) {
                out.bytes(&indicator.to_le_bytes())?;
                series.save(out)?;
            }
        }
        Ok(())
    }

    /// Reads the series of a state whose texts, places and indicators were read.
    pub(crate) fn load(input: &mut Input<impl Read>) -> Result<Self, LoadError> {
        let places = input.table("figures").count()?;
        input.check(places <= input.known.places, UNKNOWN)?;
        let mut figures = Self::default();
        for place in (0..).take(places) {
            let mut last = None;
            for _ in 0..input.count()? {
                let indicator = input.index()?;
                input.check(input.known.series((place, indicator)), UNKNOWN)?;
                input.check(last < Some(indicator), OUT_OF_ORDER)?;
                last = Some(indicator);
                *figures.entry((place, indicator)) = Series::load(input)?;
                input.known.has_figures = true;
            }
        }
        Ok(figures)
    }

    /// Bytes of the tables, series and their lists not counted.
    pub(crate) fn bytes(&self) -> usize {
        let of_indicator = |of: &OfIndicator| bytes_of(&of.numbers) + bytes_of(&of.series);
        bytes_of(&self.0) + self.0.iter().map(of_indicator).sum::<usize>()
    }
}
