//! The two times of a question, and the indicators.

use std::collections::BTreeSet;
use std::io::Read;

use domain::code::IndicatorCode;
use domain::event::IndicatorDefined;
use domain::locality::LocalityId;
use domain::text::Moment;
use jiff::Timestamp;

use crate::form::{Input, LoadError, Sound, UNKNOWN};
use crate::intern::next_index;
use crate::state::State;
use crate::timeline::{Entry, Sight, Stamp, Timeline};

/// An indicator's definition on record.
pub type IndicatorEntry<'a> = Entry<'a, IndicatorDefined>;

/// What one reader sees: facts that speak of no later moment than `as_of`, at no later position than the reader knows.
#[derive(Debug, Clone, Copy)]
pub struct Reading<'a> {
    pub(crate) state: &'a State,
    pub(crate) sight: Sight,
    as_of: Moment,
}

impl<'a> Reading<'a> {
    pub(crate) fn new(state: &'a State, as_of: Moment, limit: u64) -> Self {
        Self {
            state,
            sight: Sight::new(as_of, limit),
            as_of,
        }
    }

    /// The moment asked about.
    #[must_use]
    pub fn as_of(&self) -> Moment {
        self.as_of
    }

    /// Whether a fact that speaks of a moment is seen, if it is known.
    #[must_use]
    pub fn sees(&self, effective: Moment) -> bool {
        effective <= self.sight.horizon
    }

    /// The newest position seen.
    #[must_use]
    pub fn position(&self) -> u64 {
        self.sight.limit
    }

    /// When the log took that position; none while it is 0.
    #[must_use]
    pub fn known(&self) -> Option<Timestamp> {
        self.state.known_of(self.sight.limit)
    }

    /// The indicators defined, by code.
    #[must_use]
    pub fn indicators(&self) -> Vec<IndicatorEntry<'a>> {
        let defined = self.state.indicators.rows().iter();
        let newest = defined.filter_map(|(_, timeline)| timeline.newest(self.sight));
        let mut entries: Vec<IndicatorEntry<'a>> =
            newest.map(|fact| self.state.entry(fact)).collect();
        entries.sort_unstable_by(|one, other| one.fact.indicator.cmp(&other.fact.indicator));
        entries
    }

    /// The definition of an indicator.
    #[must_use]
    pub fn indicator(&self, indicator: &IndicatorCode) -> Option<IndicatorEntry<'a>> {
        let index = self.state.indicators.index(indicator)?;
        let fact = self.state.indicators.timeline(index).newest(self.sight)?;
        Some(self.state.entry(fact))
    }

    /// The indicators for which a locality has a figure, a quota or a declaration, by code.
    #[must_use]
    pub fn indicators_of(&self, id: LocalityId) -> Vec<&'a IndicatorCode> {
        let (state, sight) = (self.state, self.sight);
        let Some(place) = state.places.index(id) else {
            return Vec::new();
        };
        let keys = (place, 0)..=(place, u32::MAX);
        let figures = state.figures.of_place(place);
        let declared = state.declarations.range(keys);
        let quotas = self.quotas_in_force(place, 0..=u32::MAX);
        let mut codes = BTreeSet::new();
        codes.extend(
            figures
                .filter(|(_, series)| series.newest(sight, state).is_some())
                .map(|(indicator, _)| indicator),
        );
        codes.extend(
            declared
                .filter(|(_, facts)| facts.newest(sight).is_some())
                .map(|(k, _)| k.1),
        );
        codes.extend(quotas.map(|(indicator, _)| indicator));
        let codes: BTreeSet<_> = codes
            .into_iter()
            .map(|i| state.indicators.code(i))
            .collect();
        codes.into_iter().collect()
    }

    /// The keys of a locality and an indicator, if both ever appeared.
    pub(crate) fn key(&self, id: LocalityId, indicator: &IndicatorCode) -> Option<(u32, u32)> {
        Some((
            self.state.places.index(id)?,
            self.state.indicators.index(indicator)?,
        ))
    }
}

/// The indicators that ever appeared, and their definitions.
#[derive(Debug, Clone, Default)]
pub(crate) struct Indicators {
    index: foldhash::HashMap<IndicatorCode, u32>,
    rows: Vec<(IndicatorCode, Timeline<IndicatorDefined>)>,
}

impl Indicators {
    pub(crate) fn intern(&mut self, code: &IndicatorCode) -> u32 {
        if let Some(index) = self.index.get(code) {
            return *index;
        }
        let index = next_index(self.rows.len());
        self.rows.push((code.clone(), Timeline::default()));
        self.index.insert(code.clone(), index);
        index
    }

    /// Reads the indicators of a state whose actors were read.
    pub(crate) fn load(input: &mut Input<impl Read>) -> Result<Self, LoadError> {
        let mut indicators = Self::default();
        input.table("indicators").rows(|input, row| {
            let (code, defined): (IndicatorCode, Timeline<IndicatorDefined>) = row;
            input.check(defined.is_sound(&input.known), UNKNOWN)?;
            let index = next_index(indicators.rows.len());
            let before = indicators.index.insert(code.clone(), index);
            input.check(before.is_none(), "an indicator comes twice")?;
            indicators.rows.push((code, defined));
            Ok(())
        })?;
        input.known.indicators = indicators.rows.len();
        Ok(indicators)
    }

    pub(crate) fn define(&mut self, stamp: Stamp, body: &IndicatorDefined) {
        let index = self.intern(&body.indicator);
        self.rows[index as usize].1.insert(stamp, body.clone());
    }

    pub(crate) fn index(&self, code: &IndicatorCode) -> Option<u32> {
        self.index.get(code).copied()
    }

    pub(crate) fn code(&self, index: u32) -> &IndicatorCode {
        &self.rows[index as usize].0
    }

    fn timeline(&self, index: u32) -> &Timeline<IndicatorDefined> {
        &self.rows[index as usize].1
    }

    pub(crate) fn is_defined(&self, code: &IndicatorCode) -> bool {
        self.index(code)
            .is_some_and(|i| self.timeline(i).known(u64::MAX).next().is_some())
    }

    pub(crate) fn rows(&self) -> &[(IndicatorCode, Timeline<IndicatorDefined>)] {
        &self.rows
    }
}
