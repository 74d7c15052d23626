//! The figures of one locality and indicator, as they are kept.
//!
//! A series holds them by moment, then by position.
//! A correction stands in the series as a figure of its own and marks the one it names, so a reader who knows less still sees what was shown then.
//! Which figure corrects which, and which were retracted, is kept beside all series by position; a figure that has nothing there is not marked, and costs no look-up.

use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::ops::Range;

use domain::text::{Bound, Moment, Percent, Quantity};
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::detail::{Against, Detail};
use crate::form::{Input, Known, LoadError, OUT_OF_ORDER, Output, Sound, UNKNOWN};
use crate::intern::next_index;
use crate::point::{Point, Points, bytes_of, make_room};
use crate::state::State;
use crate::timeline::{Sight, Stamp};

/// How many of the last details of a series are searched for one that comes again.
///
/// More could save a detail, but a series whose details never come again would be read through for each figure.
const DETAILS_SEARCHED: usize = 16;

/// Figures that were taken back, by position.
#[derive(Debug, Clone, Default, Serialize)]
pub(crate) struct Retractions(pub(crate) BTreeMap<u64, Retraction>);

/// How a figure was taken back.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Retraction {
    pub(crate) position: u64,
    pub(crate) actor: u32,
    pub(crate) reason: String,
}

impl Sound for Retraction {
    fn is_sound(&self, known: &Known) -> bool {
        known.position(self.position) && known.actor(self.actor)
    }
}

/// Which figure corrects which, by position.
#[derive(Debug, Clone, Default)]
pub(crate) struct Corrections {
    /// What each correction names, which may be nothing of its series.
    pub(crate) named: BTreeMap<u64, u64>,
    /// The first correction of each figure that was corrected.
    pub(crate) by: BTreeMap<u64, u64>,
}

/// The figures of one locality and indicator, by moment, then by position.
#[derive(Debug, Clone, Default)]
pub(crate) struct Series {
    points: Points,
    details: Vec<Detail>,
}

/// A figure of a series, as it is read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Row<'s> {
    point: Point,
    detail: &'s Detail,
}

impl<'s> Row<'s> {
    /// The moment it speaks of.
    pub(crate) fn at(self) -> Moment {
        // What a point holds was packed from a moment.
        Moment::from_packed(self.point.moment).unwrap_or(Moment::end_of(Date::MIN))
    }

    /// Whether another one speaks of the same moment.
    pub(crate) fn is_of_moment(self, other: Row<'_>) -> bool {
        self.point.moment == other.point.moment
    }

    /// Where it stands.
    pub(crate) fn position(self) -> u64 {
        self.point.position
    }

    /// Where it stands, reported by an actor.
    pub(crate) fn stamp(self, actor: u32) -> Stamp {
        Stamp {
            effective: self.at(),
            position: self.position(),
            actor,
        }
    }

    /// How many; none of a percentage alone.
    pub(crate) fn value(self) -> Option<Quantity> {
        self.detail.value(self.point.count)
    }

    /// The percentage as printed.
    pub(crate) fn percent(self) -> Option<Percent> {
        self.detail.percent(self.point.count)
    }

    pub(crate) fn percent_bound(self) -> Bound {
        self.detail.percent_bound()
    }

    pub(crate) fn against(self) -> Option<Against> {
        self.detail.against()
    }

    /// The note of a report, or the reason of a correction.
    pub(crate) fn remark(self) -> u32 {
        self.detail.remark()
    }
}

impl Series {
    /// Adds a figure of the newest position; `count` and `detail` belong together.
    pub(crate) fn insert(
        &mut self,
        at: Moment,
        position: u64,
        (detail, count): (Detail, u64),
        marked: bool,
    ) {
        let index = self.upto(at);
        let point = Point {
            moment: at.packed(),
            position,
            count,
            detail: self.intern(detail),
            marked,
            late: index < self.points.len(),
        };
        self.points.insert(index, point);
    }

    /// The number of a detail, given now unless it is one of the last.
    fn intern(&mut self, detail: Detail) -> u32 {
        let first = self.details.len().saturating_sub(DETAILS_SEARCHED);
        let last = self.details[first..].iter();
        if let Some(index) = last.rev().position(|other| *other == detail) {
            return next_index(self.details.len() - 1 - index);
        }
        make_room(&mut self.details, 1);
        self.details.push(detail);
        next_index(self.details.len() - 1)
    }

    /// Marks the figure of a position and tells whether it is one of the series.
    pub(crate) fn mark(&mut self, position: u64) -> bool {
        let index = self.index_of(position);
        if let Some(index) = index {
            self.points.mark(index);
        }
        index.is_some()
    }

    /// The moment of the last figure, and how its detail is meant: whoever reads these first waits less afterwards.
    pub(crate) fn glance(&self) -> Option<(i32, Bound)> {
        let last = self.points.last()?;
        let detail = self.details.last()?;
        Some((last.moment, detail.percent_bound()))
    }

    /// How many figures it has.
    pub(crate) fn len(&self) -> usize {
        self.points.len()
    }

    /// How many speak of an earlier moment.
    pub(crate) fn before(&self, at: Moment) -> usize {
        let moment = at.packed();
        self.points.partition_point(|point| point.moment < moment)
    }

    /// How many speak of a moment or of an earlier one.
    pub(crate) fn upto(&self, at: Moment) -> usize {
        let moment = at.packed();
        if self.points.last().is_none_or(|last| last.moment <= moment) {
            return self.points.len();
        }
        self.points.partition_point(|point| point.moment <= moment)
    }

    /// An index from which on no position is known.
    ///
    /// The positions of those that are not late ascend, and behind each late one stands one that is not and has a lower position: so the late are passed over.
    /// Those before the index are known, but for late ones.
    fn known(&self, limit: u64) -> usize {
        if self.points.last().is_none_or(|last| last.position <= limit) {
            return self.points.len();
        }
        let (mut low, mut high) = (0, self.points.len());
        while low < high {
            let middle = low.midpoint(high);
            let in_order = |index: &usize| !self.points.get(*index).late;
            let probe = (low..=middle).rev().find(in_order);
            match probe.filter(|index| self.points.get(*index).position > limit) {
                Some(unknown) => high = unknown,
                None => low = middle + 1,
            }
        }
        low
    }

    fn index_of(&self, position: u64) -> Option<usize> {
        let is_it = |index: &usize| self.points.get(*index).position == position;
        (0..self.known(position)).rev().find(is_it)
    }

    fn get(&self, index: usize) -> Row<'_> {
        let point = self.points.get(index);
        Row {
            point,
            detail: &self.details[point.detail as usize],
        }
    }

    /// The row of a moment and a position.
    pub(crate) fn row(&self, at: Moment, position: u64) -> Option<Row<'_>> {
        let searched = (at.packed(), position);
        let key = |point: Point| (point.moment, point.position);
        let index = self.points.partition_point(|point| key(point) < searched);
        let row = (index < self.points.len()).then(|| self.get(index))?;
        (key(row.point) == searched).then_some(row)
    }

    /// The row of a position, whatever moment it speaks of.
    pub(crate) fn row_at(&self, position: u64) -> Option<Row<'_>> {
        self.index_of(position).map(|index| self.get(index))
    }

    /// The rows between two indexes.
    pub(crate) fn rows_in(
        &self,
        indexes: Range<usize>,
    ) -> impl DoubleEndedIterator<Item = Row<'_>> {
        indexes.map(|index| self.get(index))
    }

    /// All rows, by moment and then by position.
    pub(crate) fn rows(&self) -> impl DoubleEndedIterator<Item = Row<'_>> {
        self.rows_in(0..self.points.len())
    }

    /// The rows seen, corrected ones included.
    pub(crate) fn seen(&self, sight: Sight) -> impl DoubleEndedIterator<Item = Row<'_>> {
        self.seen_after(sight, None)
    }

    /// The rows seen from behind a moment and a position on.
    pub(crate) fn seen_after(
        &self,
        sight: Sight,
        after: Option<(Moment, u64)>,
    ) -> impl DoubleEndedIterator<Item = Row<'_>> {
        let end = self.upto(sight.horizon).min(self.known(sight.limit));
        let begin = after.map_or(0, |(at, position)| self.upto_row(at, position));
        let rows = self.rows_in(begin.min(end)..end);
        rows.filter(move |row| row.position() <= sight.limit)
    }

    /// How many rows come before the one behind a moment and a position.
    fn upto_row(&self, at: Moment, position: u64) -> usize {
        let last = (at.packed(), position);
        let order = |point: Point| (point.moment, point.position);
        self.points.partition_point(|point| order(point) <= last)
    }

    /// The rows seen that no correction known replaced and no retraction known took back.
    pub(crate) fn holding<'s>(
        &'s self,
        sight: Sight,
        state: &'s State,
    ) -> impl DoubleEndedIterator<Item = Row<'s>> {
        let seen = self.seen(sight);
        seen.filter(move |row| state.lets_stand(*row, sight.limit))
    }

    /// The row that holds for the sight.
    pub(crate) fn newest<'s>(&'s self, sight: Sight, state: &'s State) -> Option<Row<'s>> {
        self.holding(sight, state).next_back()
    }

    pub(crate) fn save(&self, out: &mut Output<impl Write>) -> io::Result<()> {
        self.points.save(out)?;
        out.list(self.details.iter().map(|detail| detail.to_bytes()))
    }

    /// Reads a series of a state whose texts were read.
    pub(crate) fn load(input: &mut Input<impl Read>) -> Result<Self, LoadError> {
        let points = Points::load(input)?;
        let known = input.known;
        let details = input.list(|bytes| {
            let read = Detail::from_bytes(bytes)?;
            let kind = read
                .against()
                .is_none_or(|against| known.text(against.kind));
            (kind && known.text(read.remark())).then_some(read)
        })?;
        let mut last = None;
        for point in points.iter() {
            let sound = (point.detail as usize) < details.len() && known.position(point.position);
            input.check(sound, UNKNOWN)?;
            let key = Some((point.moment, point.position));
            input.check(last < key, OUT_OF_ORDER)?;
            last = key;
        }
        Ok(Self { points, details })
    }

    /// Bytes of its points, with the room kept.
    pub(crate) fn points_bytes(&self) -> usize {
        self.points.bytes()
    }

    /// Bytes of its details, with the room kept.
    pub(crate) fn details_bytes(&self) -> usize {
        bytes_of(&self.details)
    }
}

impl State {
    /// Position of the figure that a row says it corrects; 0 for a report.
    pub(crate) fn corrects(&self, row: Row<'_>) -> u64 {
        beside(row, &self.corrections.named)
            .copied()
            .unwrap_or_default()
    }

    /// Position of the first correction of a row; 0 if there is none.
    pub(crate) fn corrected_by(&self, row: Row<'_>) -> u64 {
        beside(row, &self.corrections.by)
            .copied()
            .unwrap_or_default()
    }

    /// Position of the first correction of a row, if it is known.
    pub(crate) fn known_correction(&self, row: Row<'_>, limit: u64) -> Option<u64> {
        Some(self.corrected_by(row)).filter(|by| (1..=limit).contains(by))
    }

    /// The retraction of a row, if it is known.
    pub(crate) fn known_retraction(&self, row: Row<'_>, limit: u64) -> Option<&Retraction> {
        let retraction = beside(row, &self.retractions.0)?;
        (retraction.position <= limit).then_some(retraction)
    }

    /// Whether everything known lets a figure stand.
    pub(crate) fn lets_stand(&self, row: Row<'_>, limit: u64) -> bool {
        self.known_correction(row, limit).is_none() && self.known_retraction(row, limit).is_none()
    }
}

/// What a table by position has beside a row; a row that is not marked need not be looked up.
fn beside<'t, T>(row: Row<'_>, table: &'t BTreeMap<u64, T>) -> Option<&'t T> {
    let marked = row.point.marked.then_some(row.point.position);
    table.get(&marked?)
}

#[cfg(test)]
mod tests {
    use domain::event::Figure;
    use jiff::civil::date;
    use proptest::prelude::*;

    use super::*;

    /// A count, and a percentage that does not follow from it.
    fn said(count: u64, hundredths: u32) -> (Detail, u64) {
        let figure = Figure {
            value: Some(Quantity {
                bound: Bound::Exact,
                value: count,
            }),
            percent: Percent::from_hundredths(hundredths, 2),
            ..Figure::default()
        };
        Detail::of(&figure, None, 0)
    }

    /// A figure put into a series: moment, position, count, hundredths of its percentage.
    type Put = (Moment, u64, u64, u32);

    /// Figures of days in any order; now and then a count or a day that only a wide list holds, or a leap of the position to where that is so.
    fn puts() -> impl Strategy<Value = Vec<Put>> {
        let day = prop_oneof![
            30 => (1..=28_i8).prop_map(|day| date(2023, 6, day)),
            1 => Just(date(1850, 1, 1)),
        ];
        let gap = prop_oneof![30 => 1..4_u64, 1 => Just(1 << 41)];
        let count = prop_oneof![30 => 0..9_u64, 1 => any::<u64>()];
        let put = (day, gap, count, 0..40_u32);
        prop::collection::vec(put, 0..60).prop_map(|puts| {
            let mut position = 0;
            let placed = puts.into_iter().map(|(day, gap, count, hundredths)| {
                position += gap;
                (Moment::end_of(day), position, count, hundredths)
            });
            placed.collect()
        })
    }

    fn put(figures: &[Put]) -> Series {
        let mut series = Series::default();
        for (at, position, count, hundredths) in figures {
            series.insert(*at, *position, said(*count, *hundredths), false);
        }
        series
    }

    fn told(row: Row<'_>) -> Put {
        let percent = row.percent().unwrap().hundredths();
        (
            row.at(),
            row.position(),
            row.value().unwrap().value,
            percent,
        )
    }

    proptest! {
        #[test]
        fn a_series_is_read_as_a_sorted_list_is(
            figures in puts(),
            day in 1..=28_i8,
            limit in prop_oneof![0..120_u64, Just(u64::MAX)],
        ) {
            let series = put(&figures);
            let mut sorted = figures.clone();
            sorted.sort_by_key(|(at, position, ..)| (*at, *position));
            let rows: Vec<_> = series.rows().map(told).collect();
            prop_assert_eq!(&rows, &sorted);
            let at = Moment::end_of(date(2023, 6, day));
            prop_assert_eq!(series.before(at), sorted.iter().filter(|put| put.0 < at).count());
            prop_assert_eq!(series.upto(at), sorted.iter().filter(|put| put.0 <= at).count());
            let seen: Vec<_> = series.seen(Sight::new(at, limit)).map(told).collect();
            let is_seen = |put: &&Put| put.0 <= at && put.1 <= limit;
            prop_assert_eq!(seen, sorted.iter().filter(is_seen).copied().collect::<Vec<_>>());
            for figure in &figures {
                let (at, position, ..) = *figure;
                prop_assert_eq!(series.row_at(position).map(told), Some(*figure));
                prop_assert_eq!(series.row(at, position).map(told), Some(*figure));
                prop_assert!(series.row(at, position + (1 << 50)).is_none());
            }
            prop_assert!(series.row_at(u64::MAX).is_none());
        }
    }

    #[test]
    fn a_series_takes_more_details_than_a_narrow_list_can_number() {
        let day = Moment::end_of(date(2023, 6, 21));
        let figures: Vec<_> = (1..=20_000_u32)
            .map(|number| (day, u64::from(number), 7, number))
            .collect();
        let series = put(&figures);
        assert!(series.details.len() == 20_000 && matches!(series.points, Points::Wide(_)));
        assert!(series.rows().map(told).eq(figures));
    }

    #[test]
    fn a_figure_reported_late_is_passed_over_by_who_does_not_know_it() {
        let on = |day| Moment::end_of(date(2023, 6, day));
        let mut figures: Vec<_> = (1..=28).map(|day| (on(day), day as u64, 1, 0)).collect();
        // The figures of the first half of the month come again, the last first.
        figures.extend((1..=14).map(|number| (on(15 - number), 28 + number as u64, 2, 0)));
        let series = put(&figures);
        // Of the first ten days each has a second figure, which is not known; the last of them may be passed over or not.
        assert!(
            (19..=20).contains(&series.known(10)),
            "{}",
            series.known(10)
        );
        let seen = |limit| series.seen(Sight::new(on(28), limit)).map(told);
        assert!(seen(10).eq(figures[..10].iter().copied()));
        // Of the second figures only that of the 14th is known.
        let mut known = figures[..29].to_vec();
        known.sort();
        assert!(seen(29).eq(known));
    }
}
