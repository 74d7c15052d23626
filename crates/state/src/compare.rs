//! In which series two states differ.
//!
//! Digests tell whether two states are the same, and which tables are not; this says what a person can look at.
//! Localities, indicators, texts and actors are compared by what they are and not by their indexes, which follow from the order of the first appearance.

use domain::code::IndicatorCode;
use domain::locality::LocalityId;
use domain::text::Moment;
use jiff::civil::Date;

use crate::figure::FigureEntry;
use crate::series::Series;
use crate::state::State;

/// A series in which two states differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SeriesDifference<'a> {
    /// Whose figures they are.
    pub locality: LocalityId,
    /// What they count.
    pub indicator: &'a IndicatorCode,
    /// How many figures each of the two states has, corrected and retracted ones included.
    pub figures: [usize; 2],
    /// Position of the figure in which they differ; of several the one that speaks of the last moment.
    pub position: u64,
}

/// The series in which two states differ.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeriesDifferences<'a> {
    /// How many there are.
    pub count: usize,
    /// The first of them, in the order in which the first state met them, then those that only the second has.
    pub first: Vec<SeriesDifference<'a>>,
}

impl State {
    /// The series in which this state and another differ in anything that is kept of a figure; `list_max` of them at most are listed.
    ///
    /// Reads every figure of both.
    #[must_use]
    pub fn differing_series<'a>(
        &'a self,
        other: &'a State,
        list_max: usize,
    ) -> SeriesDifferences<'a> {
        let here = self.sides().map(|side| [Some(side), side.beside(other)]);
        let there = other.sides().map(|side| [side.beside(self), Some(side)]);
        let only_there = there.filter(|sides| sides[0].is_none());
        let mut found = SeriesDifferences {
            count: 0,
            first: Vec::new(),
        };
        for difference in here.chain(only_there).filter_map(difference) {
            found.count += 1;
            if found.first.len() < list_max {
                found.first.push(difference);
            }
        }
        found
    }

    fn sides(&self) -> impl Iterator<Item = Side<'_>> {
        let side = |(key, series)| Side {
            state: self,
            key,
            series,
        };
        self.figures.iter().map(side)
    }
}

/// A series of one of the two states.
#[derive(Clone, Copy)]
struct Side<'a> {
    state: &'a State,
    key: (u32, u32),
    series: &'a Series,
}

impl<'a> Side<'a> {
    fn locality(self) -> LocalityId {
        self.state.places.id(self.key.0)
    }

    fn indicator(self) -> &'a IndicatorCode {
        self.state.indicators.code(self.key.1)
    }

    /// The series of the same locality and indicator in another state.
    fn beside(self, state: &'a State) -> Option<Side<'a>> {
        let place = state.places.index(self.locality())?;
        let key = (place, state.indicators.index(self.indicator())?);
        let series = state.figures.get(key)?;
        Some(Side { state, key, series })
    }

    /// Its figures, those of the last moment first.
    fn entries(self) -> impl Iterator<Item = FigureEntry<'a>> {
        let reading = self.state.latest(Moment::end_of(Date::MAX));
        let entry = move |row| reading.figure_entry(self.key.1, row);
        self.series.rows().rev().map(entry)
    }
}

fn difference(sides: [Option<Side<'_>>; 2]) -> Option<SeriesDifference<'_>> {
    let named = sides[0].or(sides[1])?;
    let [mut here, mut there] = sides.map(|side| side.into_iter().flat_map(Side::entries));
    let differing = loop {
        match [here.next(), there.next()] {
            [None, None] => return None,
            [one, other] if one == other => {}
            either => break either,
        }
    };
    // One of them lacks the later one.
    let entries = differing.iter().flatten();
    let order = |entry: &&FigureEntry<'_>| (entry.recorded.effective, entry.recorded.position);
    let last = entries.max_by_key(order)?;
    Some(SeriesDifference {
        locality: named.locality(),
        indicator: named.indicator(),
        figures: sides.map(|side| side.map_or(0, |side| side.series.len())),
        position: last.recorded.position,
    })
}
