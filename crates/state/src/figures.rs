//! The series of all places: found by two numbers, and read place by place.

use std::io::{self, Read, Write};

use crate::form::{Input, LoadError, OUT_OF_ORDER, Output, UNKNOWN};
use crate::point::{bytes_of, make_room};
use crate::series::Series;

/// The series with a figure, by index of the place and then by index of the indicator.
///
/// A place has few indicators and a state many places, so a place's list is searched and the places are not.
#[derive(Debug, Clone, Default)]
pub(crate) struct Figures(Vec<OfPlace>);

/// The series of a place, by index of the indicator.
///
/// The indexes lie apart, so that a search stays within two or three lines of the processor's cache: over a whole country every other line is a wait for memory.
#[derive(Debug, Clone, Default)]
struct OfPlace {
    indicators: Vec<u32>,
    series: Vec<Series>,
}

impl OfPlace {
    fn get(&self, indicator: u32) -> Option<&Series> {
        let index = self.indicators.binary_search(&indicator).ok()?;
        self.series.get(index)
    }

    fn insert(&mut self, index: usize, indicator: u32, series: Series) {
        make_room(&mut self.indicators, 2);
        make_room(&mut self.series, 2);
        self.indicators.insert(index, indicator);
        self.series.insert(index, series);
    }

    fn iter(&self) -> impl Iterator<Item = (u32, &Series)> {
        self.indicators.iter().copied().zip(&self.series)
    }
}

impl Figures {
    /// The series of a place and an indicator.
    pub(crate) fn get(&self, (place, indicator): (u32, u32)) -> Option<&Series> {
        self.0.get(place as usize)?.get(indicator)
    }

    /// The series of a place and an indicator; empty and only now there if it is new.
    pub(crate) fn entry(&mut self, (place, indicator): (u32, u32)) -> &mut Series {
        let place = place as usize;
        if self.0.len() <= place {
            self.0.resize_with(place + 1, OfPlace::default);
        }
        let of_place = &mut self.0[place];
        let index = match of_place.indicators.binary_search(&indicator) {
            Ok(index) => index,
            Err(index) => {
                of_place.insert(index, indicator, Series::default());
                index
            }
        };
        &mut of_place.series[index]
    }

    pub(crate) fn get_mut(&mut self, (place, indicator): (u32, u32)) -> Option<&mut Series> {
        let of_place = self.0.get_mut(place as usize)?;
        let index = of_place.indicators.binary_search(&indicator).ok()?;
        of_place.series.get_mut(index)
    }

    /// The series of a place, by index of the indicator.
    pub(crate) fn of_place(&self, place: u32) -> impl Iterator<Item = (u32, &Series)> {
        let of_place = self.0.get(place as usize);
        of_place.into_iter().flat_map(OfPlace::iter)
    }

    /// All series with their keys, by key.
    pub(crate) fn iter(&self) -> impl Iterator<Item = ((u32, u32), &Series)> {
        (0..).zip(&self.0).flat_map(|(place, of_place)| {
            let series = of_place.iter();
            series.map(move |(indicator, series)| ((place, indicator), series))
        })
    }

    pub(crate) fn save(&self, out: &mut Output<impl Write>) -> io::Result<()> {
        out.number(self.0.len() as u64)?;
        for of_place in &self.0 {
            out.number(of_place.series.len() as u64)?;
            for (indicator, series) in of_place.iter() {
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
            let mut of_place = OfPlace::default();
            for index in 0..input.count()? {
                let indicator = input.index()?;
                input.check(input.known.series((place, indicator)), UNKNOWN)?;
                let last = of_place.indicators.last();
                let ascends = last.is_none_or(|last| *last < indicator);
                input.check(ascends, OUT_OF_ORDER)?;
                of_place.insert(index, indicator, Series::load(input)?);
                input.known.has_figures = true;
            }
            figures.0.push(of_place);
        }
        Ok(figures)
    }

    /// Bytes of the tables, series and their lists not counted.
    pub(crate) fn bytes(&self) -> usize {
        let of_place = |of: &OfPlace| bytes_of(&of.indicators) + bytes_of(&of.series);
        bytes_of(&self.0) + self.0.iter().map(of_place).sum::<usize>()
    }
}
