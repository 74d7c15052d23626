//! What a figure is held against beside its own series: related indicators, its parts and its whole, other sources.

use domain::LocalityId;
use domain::code::IndicatorCode;
use domain::event::Relation;
use domain::finding::{Check, Severity};
use domain::text::Bound;
use domain::text::number::{format_count_en, format_percent_en, format_quantity_en};
use lag::Known;
use state::State;

use super::words::Telling;
use super::{Judge, Told, exact};

/// How the indicator of a figure is related to others.
#[derive(Default)]
pub(super) struct Relations<'a> {
    /// What it can never exceed.
    at_most: Vec<&'a IndicatorCode>,
    /// What can never exceed it.
    at_least: Vec<&'a IndicatorCode>,
    /// What serves as its denominator.
    against: Option<&'a IndicatorCode>,
    /// Whether the counts of the places within a place add up to the place's.
    sums: bool,
}

impl<'a> Relations<'a> {
    pub(super) fn of(asked: &IndicatorCode, state: &'a State) -> Self {
        let mut relations = Self::default();
        for (indicator, relation, other) in state.relations() {
            match (relation, other) {
                (Relation::Sum, _) => relations.sums |= indicator == asked,
                (Relation::AtMost, Some(other)) if indicator == asked => {
                    relations.at_most.push(other);
                }
                (Relation::AtMost, Some(other)) if other == asked => {
                    relations.at_least.push(indicator);
                }
                (Relation::CountedAgainst, Some(other)) if indicator == asked => {
                    relations.against.get_or_insert(other);
                }
                _ => {}
            }
        }
        relations
    }
}

/// Counts that are related to one.
pub(super) struct Related {
    pub(super) at_most: Vec<Known>,
    pub(super) at_least: Vec<Known>,
}

impl Judge<'_> {
    /// The counts which this one can never exceed, and those of the same moment which can never exceed it.
    pub(super) fn related(&self, told: &Told<'_>) -> Related {
        let counts = |other| self.counts(told.locality, other, told);
        let at_most = told.relations.at_most.iter();
        let at_least = told.relations.at_least.iter();
        Related {
            at_most: at_most
                .filter_map(|other| counts(other).upto(told.at))
                .collect(),
            at_least: at_least
                .filter_map(|other| counts(other).at(told.at))
                .collect(),
        }
    }

    /// Holds a printed percentage against the numbers it should follow from.
    pub(super) fn percent(&self, told: &Told<'_>, telling: &mut Telling<'_>) {
        let figure = told.figure;
        let (Some(percent), Some(count)) = (figure.percent, exact(figure)) else {
            return;
        };
        if figure.percent_bound != Bound::Exact {
            return;
        }
        let against = match &figure.denominator {
            Some(own) => Some((own.value, 0)),
            None => self.counted_against(told),
        };
        let Some((denominator, position)) =
            against.filter(|(denominator, _)| percent.contradicts(count, *denominator))
        else {
            return;
        };
        let printed = format_percent_en(percent);
        let (count, whole) = (format_count_en(count), format_count_en(denominator));
        let detail = format!("{printed} is printed, but does not follow from {count} of {whole}");
        telling.tell(
            (Check::PercentContradicts, Severity::Warning),
            "percent",
            detail,
            position,
        );
    }

    /// The count of the same moment that serves as the denominator, and where it stands.
    fn counted_against(&self, told: &Told<'_>) -> Option<(u64, u64)> {
        let other = told.relations.against?;
        let found = self.counts(told.locality, other, told).at(told.at)?;
        Some((found.count, found.position))
    }

    /// Tells of another figure on record for the same moment with other numbers.
    pub(super) fn rivals(&self, told: &Told<'_>, telling: &mut Telling<'_>) {
        let figure = told.figure;
        let differs = |value, percent| {
            // Where only one of two figures has a number, they do not contradict.
            let count = matches!((figure.value, value), (Some(a), Some(b)) if a != b);
            count
                || matches!((figure.percent, percent), (Some(a), Some(b)) if a != b && value.is_none())
        };
        let pending = self.overlay.of(Some((told.locality, told.indicator)));
        let replaced = |position| pending.is_some_and(|commit| commit.replaces(position));
        let on_record = self.state.held(told.locality, told.indicator);
        let on_record = on_record.into_iter().flat_map(|series| series.at(told.at));
        let on_record = on_record.filter(|held| !replaced(held.position()));
        let mut figures = on_record.map(|held| (held.position(), held.figure()));
        let rival = figures.find(|(_, held)| differs(held.value, held.percent));
        let rival = rival.map(|(position, held)| {
            let source = held.source;
            let source = if *source == figure.source {
                "the same source".to_owned()
            } else {
                format!("'{}'", source.title)
            };
            (position, held.value, source)
        });
        let rival = rival.or_else(|| {
            let own = self.overlay.source(&figure.source);
            let others = pending.into_iter().flat_map(|commit| commit.at(told.at));
            let mut others = others.filter(|said| said.value.is_some() || said.percent.is_some());
            let rival = others.find(|other| differs(other.value, other.percent))?;
            let source = if rival.source == own {
                "the same source"
            } else {
                "another source of the same request"
            };
            Some((0, rival.value, source.to_owned()))
        });
        let Some((position, value, source)) = rival else {
            return;
        };
        let said = value.map_or_else(|| "another figure".to_owned(), format_quantity_en);
        let source: String = source.chars().take(120).collect();
        let detail = format!("{source} says {said} for the same moment");
        telling.tell(
            (Check::RivalFigure, Severity::Warning),
            "value",
            detail,
            position,
        );
    }

    /// Holds a count against the sum of its parts, and the whole it is part of against its parts, where all speak of one moment.
    pub(super) fn sums(&self, told: &Told<'_>, telling: &mut Telling<'_>) {
        let Some(count) = exact(told.figure) else {
            return;
        };
        if !told.relations.sums {
            return;
        }
        let reading = self.state.latest(told.at);
        let sum_of = |whole: LocalityId| {
            let children = reading.children(whole);
            let counts = children.iter().map(|child| {
                if child.id == told.locality {
                    return Some(count);
                }
                Some(
                    self.counts(child.id, told.indicator, told)
                        .at(told.at)?
                        .count,
                )
            });
            let counts: Option<Vec<u64>> = counts.collect();
            counts
                .filter(|counts| !counts.is_empty())
                .map(|counts| counts.iter().sum::<u64>())
        };
        let parent = reading
            .locality(told.locality)
            .and_then(|entry| entry.parent);
        let whole = parent.and_then(|parent| {
            let whole = self.counts(parent, told.indicator, told).at(told.at)?;
            Some((parent, whole.count, whole.position))
        });
        let wholes = [Some((told.locality, count, 0)), whole];
        for (place, whole, position) in wholes.into_iter().flatten() {
            let Some(sum) = sum_of(place).filter(|sum| *sum != whole) else {
                continue;
            };
            let (sum, whole) = (format_count_en(sum), format_count_en(whole));
            let detail = format!(
                "the places within {} add up to {sum}, not to {whole}",
                place.code
            );
            telling.tell(
                (Check::ChildrenSum, Severity::Warning),
                "value",
                detail,
                position,
            );
        }
    }
}
