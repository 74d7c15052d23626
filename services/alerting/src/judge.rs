//! The pure core: events in, verdicts and changes of cases out.
//!
//! Judgement is a function of the ledger's events in their order and of the day:
//!
//! - After each event that bears on a series, that series is judged as of the day, and with it its siblings, whose average has moved. Each verdict steps the ladders of its cases.
//! - With a pinned day the day is always that one. Else it is the Vietnamese day on which the ledger took the newest event, and every new day judges everything anew before the day's first event; so a replay passes through the same days at the same positions.
//! - What one request brought (nobody ever saw half of it) is **settled** together: a case that opens and clears within it was never opened.
//!
//! No clock, no I/O, no map-iteration order; sums of floats run in the order of the localities' ids.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use domain::event::{Body, FindingResolved, IndicatorDefined, QuotaLayer, Step};
use domain::text::{Moment, date};
use domain::{Event, IndicatorCode, LocalityCode, LocalityId};
use host::Today;
use jiff::Timestamp;
use jiff::civil::Date;
use lag::{Ladder, Rules, Transition};
use state::{ApplyError, Lookup, Reading, State};
use uuid::Uuid;
use wire::v1;

use crate::assess::{Judged, Outcome, assess};
use crate::case::{CaseKey, Change};
use crate::neighbours::Neighbours;
use crate::render;
use crate::rules::InForce;

/// With more siblings than this only the locality itself is judged anew; the others are at the next day.
const SIBLINGS_MAX: usize = 200;

/// Most judgements spent on the days between two events; with more, only the last days are passed.
const GAP_JUDGEMENTS_MAX: usize = 2_000_000;

/// Which verdicts are wanted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// Only those of localities with this code.
    pub code: Option<LocalityCode>,
    /// Only those of this indicator.
    pub indicator: Option<IndicatorCode>,
    /// Only those that raise a concern.
    pub lagging_only: bool,
}

/// A case as the ledger has it so far.
#[derive(Debug, Clone)]
struct Case {
    ladder: Ladder,
    /// Whether it was open when it was last settled.
    settled: bool,
}

/// Folds the ledger, judges, and keeps the cases.
#[derive(Debug)]
pub struct Judge {
    /// The thresholds in force.
    pub(crate) rules: Rules,
    pub(crate) in_force: InForce,
    today: Today,
    day: Option<Date>,
    /// When the newest event was taken, and of which request it is.
    request: Option<(Timestamp, Uuid)>,
    pub(crate) state: State,
    /// Every series on which anything bears.
    watched: BTreeMap<IndicatorCode, BTreeSet<LocalityId>>,
    judged: BTreeMap<(LocalityId, IndicatorCode), Vec<Judged>>,
    cases: BTreeMap<CaseKey, Case>,
    unsettled: BTreeSet<CaseKey>,
    settled_position: u64,
    changes: Vec<Change>,
    judgements: u64,
}

impl Judge {
    /// A judge who has read nothing; `rules` hold until others are adopted.
    #[must_use]
    pub fn new(rules: Rules, today: Today) -> Self {
        let day = match today {
            Today::Pinned(day) => Some(day),
            Today::Real => None,
        };
        Self {
            in_force: InForce::shipped(rules.clone()),
            rules,
            today,
            day,
            request: None,
            state: State::new(),
            watched: BTreeMap::new(),
            judged: BTreeMap::new(),
            cases: BTreeMap::new(),
            unsettled: BTreeSet::new(),
            settled_position: 0,
            changes: Vec::new(),
            judgements: 0,
        }
    }

    /// Position of the newest event folded; 0 while there is none.
    #[must_use]
    pub fn position(&self) -> u64 {
        self.state.position()
    }

    /// Up to which position the cases are settled.
    #[must_use]
    pub fn settled_position(&self) -> u64 {
        self.settled_position
    }

    /// The day judged for; none before the first event of a ledger without a pinned day.
    #[must_use]
    pub fn day(&self) -> Option<Date> {
        self.day
    }

    /// Folds and judges the event of the next position, which the ledger took at `known`.
    ///
    /// An event of another request settles those before it.
    ///
    /// # Errors
    /// As [`State::apply`]; nothing is folded then.
    pub fn fold(
        &mut self,
        position: u64,
        known: Timestamp,
        event: &Event,
    ) -> Result<(), ApplyError> {
        let request = Some((known, event.request_id));
        if self.request != request {
            self.settle();
            if self.today == Today::Real {
                self.pass_days(date::date_in_vietnam(known));
            }
        }
        self.state.apply(position, known, event)?;
        self.request = request;
        self.note(event);
        Ok(())
    }

    /// Compares every case with how it was last settled; the differences are [taken](Self::take_changes), cleared cases before opened ones.
    pub fn settle(&mut self) {
        self.settled_position = self.position();
        let (mut cleared, mut opened) = (Vec::new(), Vec::new());
        for key in std::mem::take(&mut self.unsettled) {
            let Some(case) = self.cases.get_mut(&key) else {
                continue;
            };
            let before = std::mem::replace(&mut case.settled, case.ladder.is_open());
            match (before, case.settled) {
                (true, false) => cleared.push(self.change(key, Transition::Cleared)),
                (false, true) => opened.push(self.change(key, Transition::Opened)),
                _ => {}
            }
        }
        self.changes.append(&mut cleared);
        self.changes.append(&mut opened);
    }

    /// The changes settled since they were last taken, in their order.
    pub fn take_changes(&mut self) -> Vec<Change> {
        std::mem::take(&mut self.changes)
    }

    /// The ladder in force, by number.
    #[must_use]
    pub fn steps(&self) -> &[Step] {
        self.in_force.steps()
    }

    /// How many settled changes nobody has taken yet.
    pub(crate) fn untaken(&self) -> usize {
        self.changes.len()
    }

    /// How many verdicts were given since this was last asked.
    pub fn take_judgements(&mut self) -> u64 {
        std::mem::take(&mut self.judgements)
    }

    /// Goes on to a day, judging everything on each day passed; an earlier day changes nothing.
    ///
    /// With a pinned day only that day is ever judged for.
    pub fn pass_days(&mut self, to: Date) {
        let Some(from) = self.day.filter(|_| self.today == Today::Real) else {
            self.day.get_or_insert(to);
            return;
        };
        let series: usize = self.watched.values().map(BTreeSet::len).sum();
        let days_max = GAP_JUDGEMENTS_MAX / series.max(1);
        let gap = usize::try_from((to - from).get_days()).unwrap_or(0);
        for days_left in (0..gap.min(days_max.max(1))).rev() {
            let back = jiff::Span::new().days(i64::try_from(days_left).unwrap_or(0));
            let Ok(day) = to.checked_sub(back) else {
                continue;
            };
            self.settle();
            self.day = Some(day);
            self.take_rules();
            self.judge_all();
            self.settle();
        }
    }

    /// Judges every series anew, for the same day.
    pub fn judge_all(&mut self) {
        for indicator in self.watched.keys().cloned().collect::<Vec<_>>() {
            self.judge_indicator(&indicator);
        }
    }

    /// The verdicts that hold, worst first, then by name in Vietnamese order.
    #[must_use]
    pub fn verdicts(&self, filter: &Filter) -> Vec<v1::Verdict> {
        let wanted = |(id, indicator): &(LocalityId, IndicatorCode)| {
            filter.code.is_none_or(|code| id.code == code)
                && filter
                    .indicator
                    .as_ref()
                    .is_none_or(|code| code == indicator)
        };
        let mut verdicts: Vec<v1::Verdict> = Vec::new();
        for ((id, indicator), judged) in self.judged.iter().filter(|(key, _)| wanted(key)) {
            let told = judged
                .iter()
                .filter(|j| !filter.lagging_only || j.concern().is_some());
            verdicts.extend(
                told.map(|judged| render::verdict(self, *id, indicator, judged, judged.concern())),
            );
        }
        verdicts.sort_by_cached_key(render::rank);
        verdicts
    }

    /// The cases that are open as the ledger has it.
    #[must_use]
    pub fn open_cases(&self) -> Vec<CaseKey> {
        let open = self.cases.iter().filter(|(_, case)| case.ladder.is_open());
        open.map(|(key, _)| key.clone()).collect()
    }

    /// Whether a case is open as the ledger has it.
    #[must_use]
    pub fn is_open(&self, key: &CaseKey) -> bool {
        self.cases
            .get(key)
            .is_some_and(|case| case.ladder.is_open())
    }

    /// When the ledger took a position.
    pub(crate) fn known_of(&self, position: u64) -> Option<Timestamp> {
        self.state.known_of(position)
    }

    /// The newest position that the ledger had taken at an instant.
    pub(crate) fn position_at(&self, instant: Timestamp) -> u64 {
        self.state.position_at(instant)
    }

    /// Whether a locality ever had the code.
    pub(crate) fn has_code(&self, code: LocalityCode) -> bool {
        let latest = self.state.latest(Moment::end_of(Date::MAX));
        latest.resolve(code) != Lookup::Unknown
    }

    /// A change of a case with the verdict that holds now.
    #[must_use]
    pub fn change(&self, key: CaseKey, transition: Transition) -> Change {
        let judged = self
            .judged
            .get(&(key.locality, key.indicator.clone()))
            .and_then(|judged| judged.iter().find(|judged| judged.layer == key.layer));
        let verdict = match (judged, transition) {
            (Some(judged), Transition::Opened) => render::verdict(
                self,
                key.locality,
                &key.indicator,
                judged,
                Some(key.concern),
            ),
            (Some(judged), Transition::Cleared) => {
                let remaining = judged.concern().filter(|concern| *concern != key.concern);
                render::verdict(self, key.locality, &key.indicator, judged, remaining)
            }
            (None, _) => render::withdrawn(self, &key),
        };
        Change {
            key,
            transition,
            verdict,
        }
    }

    /// What is seen on the day judged for.
    pub(crate) fn reading(&self) -> Option<Reading<'_>> {
        self.day.map(|day| self.state.latest(Moment::end_of(day)))
    }

    /// What is seen on a day.
    pub(crate) fn reading_of(&self, day: Date) -> Reading<'_> {
        self.state.latest(Moment::end_of(day))
    }

    /// What an indicator is, even if its definition speaks of a later day than the one judged for.
    pub(crate) fn definition(&self, indicator: &IndicatorCode) -> Option<&IndicatorDefined> {
        let then = self
            .reading()
            .and_then(|reading| reading.indicator(indicator));
        let ever = || {
            self.state
                .latest(Moment::end_of(Date::MAX))
                .indicator(indicator)
        };
        then.or_else(ever).map(|entry| entry.fact)
    }

    /// Judges what an event bears on.
    fn note(&mut self, event: &Event) {
        match &event.body {
            Body::ProgressReported(e) => self.series_changed(e.locality, &e.indicator),
            Body::ProgressCorrected(e) => self.series_changed(e.locality, &e.indicator),
            Body::ProgressRetracted(e) => self.series_changed(e.locality, &e.indicator),
            Body::QuotaAssigned(e) => self.series_changed(e.locality, &e.indicator),
            Body::QuotaSuspended(e) => self.series_changed(e.locality, &e.indicator),
            Body::CompletionDeclared(e) => self.series_changed(e.locality, &e.indicator),
            Body::LocalityRegistered(e) => self.locality_changed(e.locality),
            Body::LocalityEnded(e) => self.locality_changed(e.locality),
            Body::IndicatorDefined(e) => self.judge_indicator(&e.indicator),
            Body::FindingResolved(e) => {
                if let Some(indicator) = self.indicator_of(e) {
                    self.series_changed(e.locality, &indicator);
                }
            }
            Body::RulesAdopted(_) => self.rules_adopted(),
            _ => {}
        }
    }

    fn rules_adopted(&mut self) {
        if self.take_rules() {
            self.judge_all();
        }
    }

    /// Takes the rules that hold on the day judged for, and closes what they no longer judge; true if they are others than before.
    fn take_rules(&mut self) -> bool {
        let reading = self.day.map(|day| self.state.latest(Moment::end_of(day)));
        let adopted = reading.and_then(|reading| reading.rules_in_force());
        let adopted = adopted.map(|adopted| (adopted.recorded.position, adopted.fact));
        let Some(rules) = self.in_force.take(adopted) else {
            return false;
        };
        self.rules = rules;
        for (key, case) in &mut self.cases {
            if case.ladder.is_open() && !self.in_force.has_case(key) {
                case.ladder = Ladder::new(key.concern);
                self.unsettled.insert(key.clone());
            }
        }
        true
    }

    fn series_changed(&mut self, id: LocalityId, indicator: &IndicatorCode) {
        self.watched
            .entry(indicator.clone())
            .or_default()
            .insert(id);
        let group = self.siblings(id, indicator);
        let judged = if group.len() > SIBLINGS_MAX {
            vec![id]
        } else {
            group.clone()
        };
        self.judge_group(indicator, &group, &judged);
    }

    /// The indicator of the figure with the finding that was answered; none if it is no figure.
    fn indicator_of(&self, resolved: &FindingResolved) -> Option<IndicatorCode> {
        let reading = self.reading()?;
        let finding = reading.finding(resolved.locality, resolved.position, resolved.check)?;
        finding.indicator.cloned()
    }

    fn locality_changed(&mut self, id: LocalityId) {
        let watched = self.watched.iter().filter(|(_, ids)| ids.contains(&id));
        for indicator in watched.map(|(code, _)| code.clone()).collect::<Vec<_>>() {
            self.series_changed(id, &indicator);
        }
    }

    fn judge_indicator(&mut self, indicator: &IndicatorCode) {
        let mut left = self.watched.get(indicator).cloned().unwrap_or_default();
        while let Some(id) = left.first().copied() {
            let group = self.siblings(id, indicator);
            for member in &group {
                left.remove(member);
            }
            self.judge_group(indicator, &group, &group);
        }
    }

    /// The locality and its siblings with a series of the indicator, by id.
    fn siblings(&self, id: LocalityId, indicator: &IndicatorCode) -> Vec<LocalityId> {
        let mut group = BTreeSet::from([id]);
        let reading = self.reading();
        let locality = reading.and_then(|reading| reading.locality(id));
        let alive = locality.filter(|locality| locality.end.is_none());
        let parent = alive.and_then(|locality| locality.parent);
        if let (Some(reading), Some(parent), Some(ids)) =
            (reading, parent, self.watched.get(indicator))
        {
            let children = reading.children(parent).into_iter().map(|child| child.id);
            let level = id.code.level();
            group.extend(children.filter(|id| id.code.level() == level && ids.contains(id)));
        }
        group.into_iter().collect()
    }

    /// Judges some of a group that is compared with each other.
    fn judge_group(
        &mut self,
        indicator: &IndicatorCode,
        group: &[LocalityId],
        judged: &[LocalityId],
    ) {
        let Some(reading) = self.reading() else {
            return;
        };
        let neighbours = Neighbours::of(&self.rules, &reading, group, indicator).map(Arc::new);
        for id in judged {
            let outcome = match (self.definition(indicator), self.reading()) {
                (Some(definition), Some(reading)) if self.in_force.has_series(*id, indicator) => {
                    let neighbours = neighbours.as_ref();
                    let outcome = assess(&self.rules, &reading, definition, *id, neighbours);
                    self.in_force.kept(outcome)
                }
                _ => Outcome::Gone,
            };
            self.judgements += 1;
            self.keep(*id, indicator, outcome);
        }
    }

    /// Keeps the verdicts of a series and steps its cases.
    fn keep(&mut self, id: LocalityId, indicator: &IndicatorCode, outcome: Outcome) {
        let series = (id, indicator.clone());
        let judged = match outcome {
            Outcome::Unasked => {
                self.judged.remove(&series);
                self.close_suspended(id, indicator);
                return;
            }
            Outcome::Gone => Vec::new(),
            Outcome::Judged(judged) => judged,
        };
        self.close_unjudged(id, indicator, &judged);
        for judged in &judged {
            for concern in &judged.concerns {
                let (indicator, layer) = (indicator.clone(), judged.layer);
                let key = CaseKey {
                    locality: id,
                    indicator,
                    layer,
                    concern: *concern,
                };
                self.step(key, judged);
            }
        }
        if judged.is_empty() {
            self.judged.remove(&series);
        } else {
            self.judged.insert(series, judged);
        }
    }

    fn step(&mut self, key: CaseKey, judged: &Judged) {
        let case = self.cases.entry(key.clone()).or_insert_with(|| Case {
            ladder: Ladder::new(key.concern),
            settled: false,
        });
        if !case.ladder.is_open() && !judged.may_open(key.concern) {
            return;
        }
        if case
            .ladder
            .step(&self.rules, judged.for_cases(), judged.newest)
            .is_some()
        {
            self.unsettled.insert(key);
        }
    }

    /// Closes the cases of quotas that are suspended: nobody is asked for them any more.
    fn close_suspended(&mut self, id: LocalityId, indicator: &IndicatorCode) {
        let Some(reading) = self.reading() else {
            return;
        };
        let is_suspended =
            |layer: &&QuotaLayer| reading.suspended(id, indicator, **layer).is_some();
        let suspended: Vec<QuotaLayer> = QuotaLayer::ALL
            .iter()
            .filter(is_suspended)
            .copied()
            .collect();
        let (first, last) = CaseKey::of_series(id, indicator);
        for (key, case) in self.cases.range_mut(first..=last) {
            let layer = key.layer.filter(|layer| suspended.contains(layer));
            if case.ladder.is_open() && layer.is_some() {
                case.ladder = Ladder::new(key.concern);
                self.unsettled.insert(key.clone());
            }
        }
    }

    /// Closes the cases of a series that none of its verdicts can raise any more: the locality ended, or another layer speaks for it now.
    fn close_unjudged(&mut self, id: LocalityId, indicator: &IndicatorCode, judged: &[Judged]) {
        let (first, last) = CaseKey::of_series(id, indicator);
        for (key, case) in self.cases.range_mut(first..=last) {
            let speaks = |judged: &Judged| {
                judged.layer == key.layer && judged.concerns.contains(&key.concern)
            };
            if case.ladder.is_open() && !judged.iter().any(speaks) {
                case.ladder = Ladder::new(key.concern);
                self.unsettled.insert(key.clone());
            }
        }
    }
}
