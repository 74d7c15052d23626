//! Reported figures, their corrections and shares.
//!
//! A series holds the figures of one locality and indicator by moment, then by position.
//! A correction stands in the series as a figure of its own and marks the one it names, so a reader who knows less still sees what was shown then.
//! A reader who knows of it never takes the corrected figure, whatever moment is asked about.

use domain::code::IndicatorCode;
use domain::event::{Denominator, Figure, ProgressReported, Source};
use domain::locality::LocalityId;
use domain::text::{Moment, Percent, Quantity};
use serde::Serialize;

use crate::reading::Reading;
use crate::state::State;
use crate::timeline::{Recorded, Sight, Stamp};

/// A [`Figure`] whose texts are shared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FigureRef<'a> {
    /// The count, if published.
    pub value: Option<Quantity>,
    /// What it is counted against, if published.
    pub denominator: Option<DenominatorRef<'a>>,
    /// The percentage as printed, if any.
    pub percent: Option<Percent>,
    /// Where it comes from.
    pub source: &'a Source,
}

/// A [`Denominator`] whose text is shared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DenominatorRef<'a> {
    /// What the people or things are.
    pub kind: &'a str,
    /// How many there are.
    pub value: u64,
    /// True if the number was not published but follows from others.
    pub derived: bool,
}

impl FigureRef<'_> {
    /// The percentage that follows from count and denominator, in hundredths of a point, rounded half up; never clipped at 100 %.
    ///
    /// None without both, for a denominator of zero, or beyond what fits.
    /// A count that is not exact counts as printed; `value` tells its bound.
    #[must_use]
    pub fn computed_hundredths(&self) -> Option<u32> {
        share_of(self.value?.value, self.denominator?.value)
    }

    /// The share used for ranking, in hundredths of a point: the computed one, else the printed percentage.
    #[must_use]
    pub fn share_hundredths(&self) -> Option<u32> {
        self.computed_hundredths()
            .or(self.percent.map(Percent::hundredths))
    }

    /// The figure with texts of its own.
    #[must_use]
    pub fn to_figure(&self) -> Figure {
        Figure {
            value: self.value,
            denominator: self.denominator.map(|against| Denominator {
                kind: against.kind.to_owned(),
                value: against.value,
                derived: against.derived,
            }),
            percent: self.percent,
            source: self.source.clone(),
        }
    }
}

impl<'a> From<&'a Figure> for FigureRef<'a> {
    fn from(figure: &'a Figure) -> Self {
        Self {
            value: figure.value,
            denominator: figure.denominator.as_ref().map(|against| DenominatorRef {
                kind: &against.kind,
                value: against.value,
                derived: against.derived,
            }),
            percent: figure.percent,
            source: &figure.source,
        }
    }
}

/// `count` as hundredths of a percentage point of `whole`, rounded half up.
pub(crate) fn share_of(count: u64, whole: u64) -> Option<u32> {
    let (count, whole) = (u128::from(count), u128::from(whole));
    let hundredths = (20_000 * count + whole).checked_div(2 * whole)?;
    u32::try_from(hundredths).ok()
}

/// A figure on record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FigureEntry<'a> {
    /// What it counts.
    pub indicator: &'a IndicatorCode,
    /// The figure.
    pub figure: FigureRef<'a>,
    /// What was added to it; empty for a correction.
    pub note: &'a str,
    /// Position of the figure it corrects; none if it is a report.
    pub corrects: Option<u64>,
    /// Why that was wrong; empty for a report.
    pub reason: &'a str,
    /// Position of the correction that replaced it, if the reader knows one.
    pub corrected_by: Option<u64>,
    /// Where it stands.
    pub recorded: Recorded<'a>,
}

impl<'a> Reading<'a> {
    /// The newest figure that holds: of those not corrected, the one of the last moment, and of several for that moment the one reported last.
    #[must_use]
    pub fn figure(&self, id: LocalityId, indicator: &IndicatorCode) -> Option<FigureEntry<'a>> {
        let key = self.key(id, indicator)?;
        let row = self.state.figures.get(&key)?.newest(self.sight)?;
        Some(self.figure_entry(key.1, row))
    }

    /// The figures that hold, one for each moment, by moment.
    #[must_use]
    pub fn series(&self, id: LocalityId, indicator: &IndicatorCode) -> Vec<FigureEntry<'a>> {
        let Some(key) = self.key(id, indicator) else {
            return Vec::new();
        };
        let Some(series) = self.state.figures.get(&key) else {
            return Vec::new();
        };
        let mut entries: Vec<FigureEntry<'a>> = Vec::new();
        for row in series.holding(self.sight) {
            let rival = |last: &mut FigureEntry<'a>| last.recorded.effective == row.stamp.effective;
            entries.pop_if(rival);
            entries.push(self.figure_entry(key.1, row));
        }
        entries
    }

    /// Every figure taken for an indicator, or for all of them, corrected ones included, by moment and then by position.
    #[must_use]
    pub fn history(
        &self,
        id: LocalityId,
        indicator: Option<&IndicatorCode>,
    ) -> Vec<FigureEntry<'a>> {
        let Some(place) = self.state.places.index(id) else {
            return Vec::new();
        };
        let indicators = match indicator.map(|code| self.state.indicators.index(code)) {
            None => 0..=u32::MAX,
            Some(Some(index)) => index..=index,
            Some(None) => return Vec::new(),
        };
        let keys = (place, *indicators.start())..=(place, *indicators.end());
        let mut entries: Vec<_> = self
            .state
            .figures
            .range(keys)
            .flat_map(|(key, series)| series.seen(self.sight).map(|row| (key.1, row)))
            .map(|(indicator, row)| self.figure_entry(indicator, row))
            .collect();
        entries.sort_by_key(|entry| (entry.recorded.effective, entry.recorded.position));
        entries
    }

    /// The figure taken at a position for a locality and an indicator, whatever moment it speaks of; none if the position is not known or holds something else.
    #[must_use]
    pub fn figure_at(
        &self,
        id: LocalityId,
        indicator: &IndicatorCode,
        position: u64,
    ) -> Option<FigureEntry<'a>> {
        let key = self.key(id, indicator)?;
        let rows = &self.state.figures.get(&key)?.0;
        let known = position <= self.sight.limit;
        let row = rows
            .iter()
            .find(|row| known && row.stamp.position == position)?;
        Some(self.figure_entry(key.1, row))
    }

    fn figure_entry(&self, indicator: u32, row: &Row) -> FigureEntry<'a> {
        let state = self.state;
        let remark = state.texts.get(row.remark);
        let (note, reason) = if row.corrects == 0 {
            (remark, "")
        } else {
            ("", remark)
        };
        FigureEntry {
            indicator: state.indicators.code(indicator),
            figure: state.figure_of(row),
            note,
            corrects: (row.corrects != 0).then_some(row.corrects),
            reason,
            corrected_by: row
                .is_corrected(self.sight.limit)
                .then_some(row.corrected_by),
            recorded: state.recorded(row.stamp),
        }
    }
}

impl State {
    /// Position of the first report that says the same of the same moment, corrected since or not; none if there is none.
    ///
    /// Who reported it does not matter.
    #[must_use]
    pub fn same_report(&self, at: Moment, report: &ProgressReported) -> Option<u64> {
        let place = self.places.index(report.locality)?;
        let indicator = self.indicators.index(&report.indicator)?;
        let rows = &self.figures.get(&(place, indicator))?.0;
        let begin = rows.partition_point(|row| row.stamp.effective < at);
        let of_moment = rows[begin..]
            .iter()
            .take_while(|row| row.stamp.effective == at);
        let said = FigureRef::from(&report.figure);
        let is_same = |row: &&Row| {
            row.corrects == 0
                && self.figure_of(row) == said
                && self.texts.get(row.remark) == report.note
        };
        of_moment
            .filter(is_same)
            .map(|row| row.stamp.position)
            .min()
    }

    fn figure_of(&self, row: &Row) -> FigureRef<'_> {
        FigureRef {
            value: row.value,
            denominator: row.against.map(|against| DenominatorRef {
                kind: self.texts.get(against.kind),
                value: against.value,
                derived: against.derived,
            }),
            percent: row.percent,
            source: self.sources.get(row.source),
        }
    }

    /// Keeps a figure of the position just taken; `corrects` is 0 for a report.
    pub(crate) fn keep_figure(
        &mut self,
        key: (u32, u32),
        stamp: Stamp,
        figure: &Figure,
        remark: &str,
        corrects: u64,
    ) {
        let against = figure.denominator.as_ref().map(|against| Against {
            kind: self.texts.intern(&against.kind),
            value: against.value,
            derived: against.derived,
        });
        let row = Row {
            stamp,
            value: figure.value,
            percent: figure.percent,
            against,
            source: self.sources.intern(&mut self.texts, &figure.source),
            remark: self.texts.intern(remark),
            corrects,
            corrected_by: 0,
        };
        self.figures.entry(key).or_default().insert(row);
    }
}

/// The figures of one locality and indicator, by moment, then by position.
#[derive(Debug, Clone, Default, Serialize)]
pub(crate) struct Series(Vec<Row>);

/// A figure as it is kept: texts as indexes, 0 for no position.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Row {
    stamp: Stamp,
    value: Option<Quantity>,
    percent: Option<Percent>,
    against: Option<Against>,
    source: u32,
    remark: u32,
    corrects: u64,
    corrected_by: u64,
}

/// A denominator as it is kept.
#[derive(Debug, Clone, Copy, Serialize)]
struct Against {
    kind: u32,
    value: u64,
    derived: bool,
}

impl Row {
    fn is_corrected(&self, limit: u64) -> bool {
        (1..=limit).contains(&self.corrected_by)
    }
}

impl Series {
    /// Adds a row of the newest position and marks the row it corrects, if that is in the series and not corrected yet.
    fn insert(&mut self, row: Row) {
        if row.corrects != 0 {
            let wrong = self
                .0
                .iter_mut()
                .rev()
                .find(|other| other.stamp.position == row.corrects);
            if let Some(wrong) = wrong.filter(|wrong| wrong.corrected_by == 0) {
                wrong.corrected_by = row.stamp.position;
            }
        }
        let at = self
            .0
            .partition_point(|other| other.stamp.effective <= row.stamp.effective);
        self.0.insert(at, row);
    }

    /// The rows seen, corrected ones included.
    fn seen(&self, sight: Sight) -> impl DoubleEndedIterator<Item = &Row> {
        let end = self
            .0
            .partition_point(|row| row.stamp.effective <= sight.horizon);
        self.0[..end]
            .iter()
            .filter(move |row| row.stamp.position <= sight.limit)
    }

    /// The rows seen that no correction known replaced.
    fn holding(&self, sight: Sight) -> impl DoubleEndedIterator<Item = &Row> {
        self.seen(sight)
            .filter(move |row| !row.is_corrected(sight.limit))
    }

    /// The row that holds for the sight.
    pub(crate) fn newest(&self, sight: Sight) -> Option<&Row> {
        self.holding(sight).next_back()
    }
}
