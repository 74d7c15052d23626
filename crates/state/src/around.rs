//! The figures on record around a moment, for whoever judges a new one.
//!
//! Everything on record counts, whatever moment anybody asks about.

use domain::code::IndicatorCode;
use domain::event::{Actor, Body, ProgressReported, Relation};
use domain::locality::LocalityId;
use domain::text::{Moment, Quantity};
use jiff::civil::Date;

use crate::figure::FigureRef;
use crate::series::{Row, Series};
use crate::state::State;
use crate::timeline::{Sight, Timeline};

/// A figure on record that holds.
#[derive(Debug, Clone, Copy)]
pub struct Held<'a> {
    state: &'a State,
    row: Row<'a>,
}

impl<'a> Held<'a> {
    /// The moment it speaks of.
    #[must_use]
    pub fn at(self) -> Moment {
        self.row.at()
    }

    /// Where it stands.
    #[must_use]
    pub fn position(self) -> u64 {
        self.row.position()
    }

    /// How many; none of a percentage alone.
    #[must_use]
    pub fn value(self) -> Option<Quantity> {
        self.row.value()
    }

    /// What it is counted against, if it says so.
    #[must_use]
    pub fn denominator(self) -> Option<u64> {
        Some(self.row.against()?.value)
    }

    /// All of it, for which texts are looked up.
    #[must_use]
    pub fn figure(self) -> FigureRef<'a> {
        self.state.figure_of(self.row)
    }
}

/// What is on record about a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recognised {
    /// Nothing of it.
    New,
    /// The same source said the same of the same moment, at this position; it may have been corrected since.
    Known(u64),
    /// The same source says something else of the same moment, at this position.
    Changed(u64),
}

/// The figures of one locality and indicator that hold.
#[derive(Debug, Clone, Copy)]
pub struct HeldSeries<'a> {
    state: &'a State,
    series: &'a Series,
}

impl State {
    /// The figures of a locality and an indicator; none if there was never one.
    #[must_use]
    pub fn held(&self, id: LocalityId, indicator: &IndicatorCode) -> Option<HeldSeries<'_>> {
        let key = (self.places.index(id)?, self.indicators.index(indicator)?);
        Some(HeldSeries {
            state: self,
            series: self.figures.get(key)?,
        })
    }

    /// The places that existed at a moment under the same parent as another, each with its figures of an indicator if it has some; by code.
    pub fn held_beside(
        &self,
        id: LocalityId,
        indicator: &IndicatorCode,
        at: Moment,
    ) -> impl Iterator<Item = (LocalityId, Option<HeldSeries<'_>>)> {
        let indicator = self.indicators.index(indicator);
        let beside = self.latest(at).beside(id);
        beside.map(move |(place, sibling)| {
            let series = indicator.and_then(|indicator| self.figures.get((place, indicator)));
            let held = series.map(|series| HeldSeries {
                state: self,
                series,
            });
            (sibling, held)
        })
    }

    /// How indicators are related on record: an indicator, the relation, and the other one; none for a sum.
    pub fn relations(
        &self,
    ) -> impl Iterator<Item = (&IndicatorCode, Relation, Option<&IndicatorCode>)> {
        let everything = Sight::new(Moment::end_of(Date::MAX), self.position);
        self.relations
            .iter()
            .filter_map(move |((indicator, relation), timeline)| {
                let newest = timeline.newest(everything)?;
                Some((indicator, *relation, newest.body.other.as_ref()))
            })
    }

    /// Whether a report is on record, says something else than its source said before, or is new.
    ///
    /// A source is known by its address, or by its title; to change what a title alone says takes the same organisation.
    /// What was noted beside a figure does not matter; one that says less than what is on record is known.
    #[must_use]
    pub fn recognise(&self, at: Moment, report: &ProgressReported, reporter: &Actor) -> Recognised {
        let Some(series) = self.held(report.locality, &report.indicator) else {
            return Recognised::New;
        };
        let said = FigureRef::from(&report.figure);
        let mut recognised = Recognised::New;
        for row in series.rows_at(at) {
            let on_record = self.figure_of(row);
            if !is_same_source(on_record, said) {
                continue;
            }
            // What was corrected since is known all the same: an old file that comes again undoes nothing.
            match compare(on_record, said) {
                Compared::Covered => return Recognised::Known(row.position()),
                // A title alone is no name that others could not give as well.
                Compared::Contradicted
                    if said.source.url.is_empty()
                        && self.reporter(row).organisation != reporter.organisation => {}
                Compared::Contradicted => match series.holding_for(row) {
                    // Somebody else has corrected it to the same.
                    Some(row) if self.covers(row, said) => {
                        return Recognised::Known(row.position());
                    }
                    Some(row) => recognised = Recognised::Changed(row.position()),
                    None => {}
                },
                Compared::More => {}
            }
        }
        recognised
    }

    fn reporter(&self, row: Row<'_>) -> &Actor {
        self.actors.get(self.origins.of(row.position()).actor)
    }

    fn covers(&self, row: Row<'_>, said: FigureRef<'_>) -> bool {
        matches!(compare(self.figure_of(row), said), Compared::Covered)
    }

    /// Where a quota, or a judgement published, stands on record that says the very same of the same moment; none if there is none, or if it is neither.
    ///
    /// What was revised since is known all the same, as with figures.
    #[must_use]
    pub fn stands(&self, at: Moment, body: &Body) -> Option<u64> {
        match body {
            Body::QuotaAssigned(quota) => {
                let indicator = self.indicators.index(&quota.indicator)?;
                let key = (self.places.index(quota.locality)?, indicator, quota.layer);
                self.said_at(self.quotas.get(&key)?, at, quota)
            }
            Body::AssessmentPublished(assessment) => {
                let place = self.places.index(assessment.locality)?;
                self.said_at(self.assessments.get(&place)?, at, assessment)
            }
            _ => None,
        }
    }

    fn said_at<T: PartialEq>(&self, timeline: &Timeline<T>, at: Moment, said: &T) -> Option<u64> {
        let mut known = timeline.known(self.position);
        let fact = known.find(|fact| fact.stamp.effective == at && fact.body == *said)?;
        Some(fact.stamp.position)
    }
}

/// The same address; without addresses, the same title.
fn is_same_source(a: FigureRef<'_>, b: FigureRef<'_>) -> bool {
    if a.source.url.is_empty() && b.source.url.is_empty() {
        a.source.title == b.source.title
    } else {
        a.source.url == b.source.url
    }
}

/// How a figure stands to one on record.
enum Compared {
    /// It says nothing that is not on record.
    Covered,
    /// It gives a number of the same kind otherwise.
    Contradicted,
    /// It says something besides.
    More,
}

fn compare(on_record: FigureRef<'_>, said: FigureRef<'_>) -> Compared {
    let percent = |figure: FigureRef<'_>| Some((figure.percent?, figure.percent_bound));
    let pairs = [
        pair(on_record.value, said.value),
        pair(on_record.denominator, said.denominator),
        pair(percent(on_record), percent(said)),
    ];
    if pairs
        .iter()
        .any(|pair| matches!(pair, Compared::Contradicted))
    {
        Compared::Contradicted
    } else if pairs.iter().any(|pair| matches!(pair, Compared::More)) {
        Compared::More
    } else {
        Compared::Covered
    }
}

fn pair<T: PartialEq>(on_record: Option<T>, said: Option<T>) -> Compared {
    match (on_record, said) {
        (Some(on_record), Some(said)) if on_record != said => Compared::Contradicted,
        (None, Some(_)) => Compared::More,
        _ => Compared::Covered,
    }
}

impl<'a> HeldSeries<'a> {
    /// Before a moment, the nearest first.
    pub fn before(self, at: Moment) -> impl Iterator<Item = Held<'a>> {
        self.those(self.series.rows_in(0..self.series.before(at)))
            .rev()
    }

    /// Up to a moment, the nearest first; of one moment the one recorded last comes first.
    pub fn upto(self, at: Moment) -> impl Iterator<Item = Held<'a>> {
        self.those(self.series.rows_in(0..self.series.upto(at)))
            .rev()
    }

    /// Of a moment, in the order they were recorded.
    pub fn at(self, at: Moment) -> impl DoubleEndedIterator<Item = Held<'a>> {
        self.those(self.rows_at(at))
    }

    /// Those that no longer hold included.
    fn rows_at(self, at: Moment) -> impl DoubleEndedIterator<Item = Row<'a>> {
        self.series
            .rows_in(self.series.before(at)..self.series.upto(at))
    }

    /// After a moment, the nearest first; of one moment the one recorded first comes first.
    pub fn after(self, at: Moment) -> impl Iterator<Item = Held<'a>> {
        self.those(self.series.rows_in(self.series.upto(at)..self.series.len()))
    }

    /// The row itself if it holds, else the correction that holds in its place; none if that was taken back.
    fn holding_for(self, row: Row<'a>) -> Option<Row<'a>> {
        let mut row = row;
        loop {
            if self.state.holds(row) {
                return Some(row);
            }
            // A correction stands at a later position than what it corrects, so this ends.
            row = self.series.row(row.at(), self.state.corrected_by(row))?;
        }
    }

    fn those(
        self,
        rows: impl DoubleEndedIterator<Item = Row<'a>>,
    ) -> impl DoubleEndedIterator<Item = Held<'a>> {
        let state = self.state;
        let holding = rows.filter(move |row| state.holds(*row));
        holding.map(move |row| Held { state, row })
    }
}
