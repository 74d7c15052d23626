//! Reported figures, their corrections, retractions and shares.
//!
//! A reader who knows of a correction never takes the corrected figure, whatever moment is asked about.

use domain::code::IndicatorCode;
use domain::event::{Denominator, Figure, ProgressRetracted, Source};
use domain::locality::LocalityId;
use domain::text::{Bound, Moment, Percent, Quantity};
use jiff::civil::Date;

use crate::detail::{Against, Detail};
use crate::merged::Merged;
use crate::origin::Origin;
use crate::reading::Reading;
use crate::series::{Retraction, Row, Series};
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
///
/// Neither may be above 2^112.
pub(crate) fn share_of(count: impl Into<u128>, whole: impl Into<u128>) -> Option<u32> {
    let (count, whole) = (count.into(), whole.into());
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

/// What of a figure goes into a sum or into an order; no text is looked up for it but that of its denominator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Counted<'a> {
    pub(crate) value: Option<Quantity>,
    pub(crate) denominator: Option<DenominatorRef<'a>>,
    /// The moment it speaks of.
    pub(crate) effective: Moment,
    /// Where it stands.
    pub(crate) position: u64,
}

impl<'a> From<FigureEntry<'a>> for Counted<'a> {
    fn from(entry: FigureEntry<'a>) -> Self {
        Self {
            value: entry.figure.value,
            denominator: entry.figure.denominator,
            effective: entry.recorded.effective,
            position: entry.recorded.position,
        }
    }
}

impl<'a> Reading<'a> {
    /// What counts of the figure that [`Reading::figure`] gives, of a place and an indicator by their indexes.
    pub(crate) fn counted(&self, key: (u32, u32)) -> Option<Counted<'a>> {
        Some(self.state.counted_of(self.newest_row(key)?))
    }

    /// The row of the newest figure that holds.
    pub(crate) fn newest_row(&self, key: (u32, u32)) -> Option<Row<'a>> {
        let series = self.state.figures.get(key)?;
        series.newest(self.sight, self.state)
    }

    /// The newest figure that holds: of those neither corrected nor retracted, the one of the last moment, and of several for that moment the one reported last.
    #[must_use]
    pub fn figure(&self, id: LocalityId, indicator: &IndicatorCode) -> Option<FigureEntry<'a>> {
        let key = self.key(id, indicator)?;
        let row = self.newest_row(key)?;
        Some(self.figure_entry(key.1, row))
    }

    /// The figures that hold, one for each moment, by moment.
    #[must_use]
    pub fn series(&self, id: LocalityId, indicator: &IndicatorCode) -> Vec<FigureEntry<'a>> {
        let Some(key) = self.key(id, indicator) else {
            return Vec::new();
        };
        let Some(series) = self.state.figures.get(key) else {
            return Vec::new();
        };
        let mut entries: Vec<FigureEntry<'a>> = Vec::new();
        for row in series.holding(self.sight, self.state) {
            let rival = |last: &mut FigureEntry<'a>| last.recorded.effective == row.at();
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
        self.history_after(id, indicator, None).collect()
    }

    /// The same from behind a moment and a position on; no more is read than is asked for.
    pub fn history_after(
        &self,
        id: LocalityId,
        indicator: Option<&IndicatorCode>,
        after: Option<(Moment, u64)>,
    ) -> impl Iterator<Item = FigureEntry<'a>> + use<'a> {
        let reading = *self;
        let place = self.state.places.index(id);
        let of_place = place.map(|place| self.state.figures.of_place(place));
        let index = indicator.map(|code| self.state.indicators.index(code));
        let asked = of_place
            .into_iter()
            .flatten()
            .filter(move |(of, _)| index.is_none_or(|index| index == Some(*of)));
        let rows = asked.map(move |(indicator, series)| {
            let rows = series.seen_after(reading.sight, after);
            rows.map(move |row| (indicator, row))
        });
        let merged = Merged::new(rows, |(_, row)| (row.at(), row.position()));
        merged.map(move |(indicator, row)| reading.figure_entry(indicator, row))
    }

    /// Every figure taken for an indicator, as [`Reading::history`] gives them, the last first; no more is read than is asked for.
    pub(crate) fn figures_back(
        &self,
        id: LocalityId,
        indicator: &IndicatorCode,
    ) -> impl Iterator<Item = FigureEntry<'a>> + use<'a> {
        let reading = *self;
        let key = self.key(id, indicator);
        let series = key.and_then(|key| Some((key.1, self.state.figures.get(key)?)));
        series.into_iter().flat_map(move |(indicator, series)| {
            let rows = series.seen(reading.sight).rev();
            rows.map(move |row| reading.figure_entry(indicator, row))
        })
    }

    /// The figure taken at a position for a locality and an indicator, whatever moment it speaks of; none if the position is not known or holds something else.
    #[must_use]
    pub fn figure_at(
        &self,
        id: LocalityId,
        indicator: &IndicatorCode,
        position: u64,
    ) -> Option<FigureEntry<'a>> {
        if position > self.sight.limit {
            return None;
        }
        let key = self.key(id, indicator)?;
        let row = self.state.figures.get(key)?.row_at(position)?;
        Some(self.figure_entry(key.1, row))
    }

    pub(crate) fn figure_entry(&self, indicator: u32, row: Row<'a>) -> FigureEntry<'a> {
        let (state, limit) = (self.state, self.sight.limit);
        let remark = state.texts.get(row.remark());
        let corrects = state.corrects(row);
        let (note, reason) = if corrects == 0 {
            (remark, "")
        } else {
            ("", remark)
        };
        let retraction = state.known_retraction(row, limit);
        let origin = state.origins.of(row.position());
        FigureEntry {
            indicator: state.indicators.code(indicator),
            figure: state.figure_with(row, origin),
            note,
            corrects: (corrects != 0).then_some(corrects),
            reason,
            corrected_by: state.known_correction(row, limit),
            retracted_by: retraction.map(|retraction| retraction.position),
            retraction_reason: retraction.map_or("", |retraction| &retraction.reason),
            recorded: state.recorded(row.stamp(origin.actor)),
        }
    }
}

impl State {
    /// Whether everything on record lets a figure stand.
    pub(crate) fn holds(&self, row: Row<'_>) -> bool {
        self.lets_stand(row, self.position)
    }

    pub(crate) fn figure_of(&self, row: Row<'_>) -> FigureRef<'_> {
        self.figure_with(row, self.origins.of(row.position()))
    }

    /// The figure of a row whose origin is known.
    fn figure_with(&self, row: Row<'_>, origin: Origin) -> FigureRef<'_> {
        FigureRef {
            value: row.value(),
            denominator: self.denominator_of(row),
            percent: row.percent(),
            percent_bound: row.percent_bound(),
            source: self.sources.get(origin.source),
        }
    }

    pub(crate) fn counted_of(&self, row: Row<'_>) -> Counted<'_> {
        Counted {
            value: row.value(),
            denominator: self.denominator_of(row),
            effective: row.at(),
            position: row.position(),
        }
    }

    fn denominator_of(&self, row: Row<'_>) -> Option<DenominatorRef<'_>> {
        let against = row.against()?;
        Some(DenominatorRef {
            kind: self.texts.get(against.kind),
            value: against.value,
            derived: against.derived,
        })
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
        let origin = Origin {
            actor: stamp.actor,
            source: self.sources.intern(&figure.source),
        };
        self.origins.push(stamp.position, origin);
        let remark = self.texts.intern(remark);
        let said = Detail::of(figure, against, remark);
        let series = self.figures.entry(key);
        if corrects != 0 {
            self.corrections.named.insert(stamp.position, corrects);
            if series.mark(corrects) {
                let by = self.corrections.by.entry(corrects);
                by.or_insert(stamp.position);
            }
        }
        series.insert(stamp.effective, stamp.position, said, corrects != 0);
    }
}

impl State {
    /// Keeps a retraction of the position just taken, if what it names is a figure of the series that was not retracted before.
    pub(crate) fn retract(&mut self, stamp: Stamp, body: &ProgressRetracted) {
        let place = self.places.index(body.locality);
        let key = place.zip(self.indicators.index(&body.indicator));
        let series = key.and_then(|key| self.figures.get_mut(key));
        if series.is_some_and(|series| series.mark(body.retracts)) {
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
            let mut holding = series.holding(self.everything(), self).rev();
            let row = holding.find(|row| !taken_back(row.position()))?;
            Some((row.at(), row.position()))
        };
        let newest = self.series_of(id).filter_map(newest).max()?;
        (newest.0.date() >= day).then_some(newest)
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
            let mut holding = series.holding(self.everything(), self);
            let row = holding.find(|row| !taken_back(row.position()))?;
            Some((row.at(), row.position()))
        };
        let oldest = self.series_of(id).filter_map(oldest).min()?;
        (oldest.0.date() < day).then_some(oldest)
    }

    fn everything(&self) -> Sight {
        Sight::new(Moment::end_of(Date::MAX), self.position)
    }

    fn series_of(&self, id: LocalityId) -> impl Iterator<Item = &Series> {
        let place = self.places.index(id).into_iter();
        let of_place = place.flat_map(|place| self.figures.of_place(place));
        of_place.map(|(_, series)| series)
    }
}
