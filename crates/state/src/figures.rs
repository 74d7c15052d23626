//! The series of all places: found by two numbers, and read place by place.

use std::io::{self, Read, Write};

use crate::form::{Input, LoadError, OUT_OF_ORDER, Output, UNKNOWN};
use crate::point::{bytes_of, make_room};
use crate::series::Series;

/// The series with a figure, by index of the place and then by index of the indicator.
///
/// A place has few indicators and a state many places, so a place's list is searched and the places are not.
#[derive(Debug, Clone, Default)]
pub(crate) struct Figures(Vec<Vec<(u32, Series)>>);

impl Figures {
    /// The series of a place and an indicator.
    pub(crate) fn get(&self, (place, indicator): (u32, u32)) -> Option<&Series> {
        let of_place = self.of_place(place);
        let index = find(of_place, indicator).ok()?;
        Some(&of_place[index].1)
    }

    /// The series of a place and an indicator; empty and only now there if it is new.
    pub(crate) fn entry(&mut self, (place, indicator): (u32, u32)) -> &mut Series {
        let place = place as usize;
        if self.0.len() <= place {
            self.0.resize_with(place + 1, Vec::new);
        }
        let of_place = &mut self.0[place];
        let index = match find(of_place, indicator) {
            Ok(index) => index,
            Err(index) => {
                make_room(of_place, 2);
                of_place.insert(index, (indicator, Series::default()));
                index
            }
        };
        &mut of_place[index].1
    }

    pub(crate) fn get_mut(&mut self, (place, indicator): (u32, u32)) -> Option<&mut Series> {
        let of_place = self.0.get_mut(place as usize)?;
        let index = find(of_place, indicator).ok()?;
        Some(&mut of_place[index].1)
    }

    /// The series of a place, by index of the indicator.
    pub(crate) fn of_place(&self, place: u32) -> &[(u32, Series)] {
        self.0.get(place as usize).map_or(&[], Vec::as_slice)
    }

    /// All series with their keys, by key.
    pub(crate) fn iter(&self) -> impl Iterator<Item = ((u32, u32), &Series)> {
        (0..).zip(&self.0).flat_map(|(place, of_place)| {
            let series = of_place.iter();
            series.map(move |(indicator, series)| ((place, *indicator), series))
        })
    }

    pub(crate) fn save(&self, out: &mut Output<impl Write>) -> io::Result<()> {
        out.number(self.0.len() as u64)?;
        for of_place in &self.0 {
            out.number(of_place.len() as u64)?;
            for (indicator, series) in of_place {
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
            let mut of_place: Vec<(u32, Series)> = Vec::new();
            for _ in 0..input.count()? {
                let indicator = input.index()?;
                input.check(input.known.series((place, indicator)), UNKNOWN)?;
                let last = of_place.last();
                let ascends = last.is_none_or(|(last, _)| *last < indicator);
                input.check(ascends, OUT_OF_ORDER)?;
                make_room(&mut of_place, 2);
                of_place.push((indicator, Series::load(input)?));
                input.known.has_figures = true;
            }
            figures.0.push(of_place);
        }
        Ok(figures)
    }

    /// Bytes of the tables, series and their lists not counted.
    pub(crate) fn bytes(&self) -> usize {
        bytes_of(&self.0) + self.0.iter().map(bytes_of).sum::<usize>()
    }
}

/// Where the series of an indicator is, or would be.
fn find(of_place: &[(u32, Series)], indicator: u32) -> Result<usize, usize> {
    of_place.binary_search_by_key(&indicator, |(indicator, _)| *indicator)
}
