//! Reported figures, their corrections, retractions and shares.
//!
//! A reader who knows of a correction never takes the corrected figure, whatever moment is asked about.

use domain::code::IndicatorCode;
use domain::event::{Denominator, Figure, ProgressRetracted, Source};
use domain::locality::LocalityId;
use domain::text::{Bound, Moment, Percent, Quantity};
use jiff::civil::Date;

use crate::reading::Reading;
use crate::series::{Against, Retraction, Row, Series};
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
    /// How the percentage is meant.
    pub percent_bound: Bound,
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
            percent_bound: self.percent_bound,
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
            percent_bound: figure.percent_bound,
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
    /// Position of its retraction, if the reader knows one.
    pub retracted_by: Option<u64>,
    /// Why it was retracted; empty if it was not.
    pub retraction_reason: &'a str,
    /// Where it stands.
    pub recorded: Recorded<'a>,
}

impl<'a> Reading<'a> {
    /// The newest figure that holds: of those neither corrected nor retracted, the one of the last moment, and of several for that moment the one reported last.
    #[must_use]
    pub fn figure(&self, id: LocalityId, indicator: &IndicatorCode) -> Option<FigureEntry<'a>> {
        let key = self.key(id, indicator)?;
        let row = self
            .state
            .figures
            .get(&key)?
            .newest(self.sight, &self.state.retractions)?;
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
        for row in series.holding(self.sight, &self.state.retractions) {
            let rival = |last: &mut FigureEntry<'a>| last.recorded.effective == row.stamp.effective;
            entries.pop_if(rival);
            entries.push(self.figure_entry(key.1, row));
        }
        entries
    }

    /// Every figure taken for an indicator, or for all of them, corrected and retracted ones included, by moment and then by position.
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
        let rows = self.state.figures.get(&key)?.rows();
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
        let retraction = state.retractions.of(row.stamp.position, self.sight.limit);
        FigureEntry {
            indicator: state.indicators.code(indicator),
            figure: state.figure_of(row),
            note,
            corrects: (row.corrects != 0).then_some(row.corrects),
            reason,
            corrected_by: row
                .is_corrected(self.sight.limit)
                .then_some(row.corrected_by),
            retracted_by: retraction.map(|retraction| retraction.position),
            retraction_reason: retraction.map_or("", |retraction| &retraction.reason),
            recorded: state.recorded(row.stamp),
        }
    }
}

impl State {
    /// Whether everything on record lets a figure stand.
    pub(crate) fn holds(&self, row: &Row) -> bool {
        let position = row.stamp.position;
        row.corrected_by == 0 && self.retractions.of(position, self.position).is_none()
    }

    pub(crate) fn figure_of(&self, row: &Row) -> FigureRef<'_> {
        FigureRef {
            value: row.value,
            denominator: row.against.map(|against| DenominatorRef {
                kind: self.texts.get(against.kind),
                value: against.value,
                derived: against.derived,
            }),
            percent: row.percent,
            percent_bound: row.percent_bound,
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
            percent_bound: figure.percent_bound,
            against,
            source: self.sources.intern(&mut self.texts, &figure.source),
            remark: self.texts.intern(remark),
            corrects,
            corrected_by: 0,
        };
        self.figures.entry(key).or_default().insert(row);
    }
}

impl State {
    /// Keeps a retraction of the position just taken, if what it names is a figure of the series that was not retracted before.
    pub(crate) fn retract(&mut self, stamp: Stamp, body: &ProgressRetracted) {
        let place = self.places.index(body.locality);
        let key = place.zip(self.indicators.index(&body.indicator));
        let series = key.and_then(|key| self.figures.get(&key));
        if series.is_some_and(|series| series.holds(body.retracts)) {
            self.retractions
                .0
                .entry(body.retracts)
                .or_insert(Retraction {
                    position: stamp.position,
                    actor: stamp.actor,
                    reason: body.reason.clone(),
                });
        }
    }

    /// The last figure that holds and speaks of a day or a later one, of whatever indicator: its moment and its position.
    ///
    /// Those at positions taken back meanwhile are passed over.
    #[must_use]
    pub fn figure_from(
        &self,
        id: LocalityId,
        day: Date,
        taken_back: impl Fn(u64) -> bool,
    ) -> Option<(Moment, u64)> {
        let newest = |series: &Series| {
            let mut holding = series.holding(self.everything(), &self.retractions).rev();
            Some(holding.find(|row| !taken_back(row.stamp.position))?.stamp)
        };
        let found = self.series_of(id).filter_map(newest);
        let newest = found.max_by_key(|stamp| (stamp.effective, stamp.position))?;
        (newest.effective.date() >= day).then_some((newest.effective, newest.position))
    }

    /// The first figure that holds and speaks of an earlier day, of whatever indicator: its moment and its position.
    ///
    /// Those at positions taken back meanwhile are passed over.
    #[must_use]
    pub fn figure_before(
        &self,
        id: LocalityId,
        day: Date,
        taken_back: impl Fn(u64) -> bool,
    ) -> Option<(Moment, u64)> {
        let oldest = |series: &Series| {
            let mut holding = series.holding(self.everything(), &self.retractions);
            Some(holding.find(|row| !taken_back(row.stamp.position))?.stamp)
        };
        let found = self.series_of(id).filter_map(oldest);
        let oldest = found.min_by_key(|stamp| (stamp.effective, stamp.position))?;
        (oldest.effective.date() < day).then_some((oldest.effective, oldest.position))
    }

    fn everything(&self) -> Sight {
        Sight::new(Moment::end_of(Date::MAX), self.position)
    }

    fn series_of(&self, id: LocalityId) -> impl Iterator<Item = &Series> {
        let place = self.places.index(id);
        let keys = place.map(|place| (place, 0)..=(place, u32::MAX));
        let series = keys.into_iter().flat_map(|keys| self.figures.range(keys));
        series.map(|(_, series)| series)
    }
}
