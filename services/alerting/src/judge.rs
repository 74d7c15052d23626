//! The pure core: events in, verdicts and changes of cases out.
//!
//! Judgement is a function of the ledger's events in their order and of the day:
//!
//! - After each event that bears on a series, that series is judged as of the day, and of its siblings those for whom the new average decides something (`family` says why no others). Each verdict steps the ladders of its cases.
//! - A verdict that is asked for is made from what is on record at that moment, so it is what judging everything anew would say.
//! - With a pinned day the day is always that one. Else it is the Vietnamese day on which the ledger took the newest event, and every new day judges everything anew before the day's first event; so a replay passes through the same days at the same positions.
//! - What one request brought (nobody ever saw half of it) is **settled** together: a case that opens and clears within it was never opened.
//!
//! No clock, no I/O, no map-iteration order; sums of floats run in the order of the localities' ids.
//! Judging everything is shared among threads, indicator by indicator; what comes of it does not depend on how many there are.

use std::collections::BTreeMap;
use std::num::NonZero;

use domain::event::{Body, FindingResolved, IndicatorDefined, Step};
use domain::text::{Moment, date};
use domain::{Event, IndicatorCode, LocalityCode, LocalityId};
use host::Today;
use jiff::Timestamp;
use jiff::civil::Date;
use lag::{Rules, Transition};
use state::{ApplyError, Lookup, Reading, State};
use uuid::Uuid;
use wire::v1;

use crate::assess::Judged;
use crate::case::{CaseKey, Change};
use crate::family::{Families, Family, Hearing, Home, Stepped};
use crate::outcomes::basis;
use crate::render;
use crate::rules::InForce;

/// Most judgements spent on the days between two events; with more, only the last days are passed.
const GAP_JUDGEMENTS_MAX: usize = 2_000_000;

/// Fewer series than this are not worth a thread.
const SERIES_OF_A_THREAD: usize = 2_000;

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

/// Series by their indicator.
type Watched = BTreeMap<IndicatorCode, Families>;

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
    watched: Watched,
    /// With whom each of their localities is compared on the day.
    homes: BTreeMap<LocalityId, Home>,
    stepped: Stepped,
    settled_position: u64,
    changes: Vec<Change>,
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
            homes: BTreeMap::new(),
            stepped: Stepped::default(),
            settled_position: 0,
            changes: Vec::new(),
        }
    }

    /// A judge who keeps to his thresholds, whatever is adopted: they are tried; `judged` as in [`InForce::fixed`].
    #[must_use]
    pub(crate) fn trying(
        rules: Rules,
        judged: Option<domain::event::Judged>,
        today: Today,
    ) -> Self {
        Self {
            in_force: InForce::fixed(rules.clone(), judged),
            ..Self::new(rules, today)
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
        for key in std::mem::take(&mut self.stepped.unsettled) {
            let home = self.homes.get(&key.locality);
            let families = self.watched.get_mut(&key.indicator);
            let Some((home, families)) = home.zip(families) else {
                continue;
            };
            match families.settle(*home, &key) {
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
        std::mem::take(&mut self.stepped.judgements)
    }

    /// Goes on to a day, judging everything on each day passed; an earlier day changes nothing.
    ///
    /// With a pinned day only that day is ever judged for.
    pub fn pass_days(&mut self, to: Date) {
        let Some(from) = self.day.filter(|_| self.today == Today::Real) else {
            self.day.get_or_insert(to);
            return;
        };
        let series: usize = self.watched.values().map(Families::len).sum();
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
            self.resettle();
            self.judge_all();
            self.settle();
        }
    }

    /// Judges every series anew, for the same day.
    pub fn judge_all(&mut self) {
        let Some((court, watched, steps)) = self.court_and_series() else {
            return;
        };
        let series: usize = watched.values().map(Families::len).sum();
        let threads = std::thread::available_parallelism().map_or(1, NonZero::get);
        let threads = threads.min(series / SERIES_OF_A_THREAD).max(1);
        let mut indicators: Vec<_> = watched.iter_mut().collect();
        let each = indicators.len().div_ceil(threads).max(1);
        std::thread::scope(|scope| {
            let mut shares = indicators.chunks_mut(each);
            let own = shares.next();
            let others: Vec<_> = shares
                .map(|share| scope.spawn(move || court.judge(share)))
                .collect();
            steps.add(own.map_or_else(Stepped::default, |share| court.judge(share)));
            for other in others {
                match other.join() {
                    Ok(more) => steps.add(more),
                    Err(panic) => std::panic::resume_unwind(panic),
                }
            }
        });
    }

    /// The verdicts that hold, worst first, then by name in Vietnamese order.
    #[must_use]
    pub fn verdicts(&self, filter: &Filter) -> Vec<v1::Verdict> {
        let mut verdicts: Vec<v1::Verdict> = Vec::new();
        let is_wanted = |code: &IndicatorCode| match &filter.indicator {
            Some(wanted) => wanted == code,
            None => true,
        };
        for (indicator, families) in self.watched.iter().filter(|(code, _)| is_wanted(code)) {
            let Some(hearing) = self.hearing(indicator) else {
                continue;
            };
            let wanted = |id: LocalityId| filter.code.is_none_or(|code| id.code == code);
            families.told(&hearing, wanted, |id, family, judged| {
                let told = judged
                    .iter()
                    .map(|judged| (judged, judged.concern()))
                    .filter(|(_, concern)| !filter.lagging_only || concern.is_some());
                let told = told.map(|(judged, concern)| {
                    render::verdict(self, id, indicator, (judged, family), concern)
                });
                verdicts.extend(told);
            });
        }
        verdicts.sort_by_cached_key(render::rank);
        verdicts
    }

    /// The cases that are open as the ledger has it.
    #[must_use]
    pub fn open_cases(&self) -> Vec<CaseKey> {
        let of_indicator =
            |(code, families): (&IndicatorCode, &Families)| families.open_cases(code);
        let mut open: Vec<CaseKey> = self.watched.iter().flat_map(of_indicator).collect();
        open.sort_unstable();
        open
    }

    /// Whether a case is open as the ledger has it.
    #[must_use]
    pub fn is_open(&self, key: &CaseKey) -> bool {
        let home = self.homes.get(&key.locality);
        let families = self.watched.get(&key.indicator);
        let found = home.zip(families);
        found.is_some_and(|(home, families)| families.is_open(*home, key))
    }

    /// The series that are judged, indicator by indicator.
    pub(crate) fn series(&self) -> Vec<(IndicatorCode, LocalityId)> {
        let of_indicator = |(code, families): (&IndicatorCode, &Families)| {
            let members = families.members();
            members.map(|id| (code.clone(), id)).collect::<Vec<_>>()
        };
        self.watched.iter().flat_map(of_indicator).collect()
    }

    /// Goes through the verdicts that hold for some series; each is made for it.
    pub(crate) fn judged_of(
        &self,
        series: &[(IndicatorCode, LocalityId)],
        mut tell: impl FnMut(LocalityId, &IndicatorCode, &Judged),
    ) {
        for some in series.chunk_by(|(a, _), (b, _)| a == b) {
            let indicator = &some[0].0;
            let hearing = self.hearing(indicator);
            let Some((families, hearing)) = self.watched.get(indicator).zip(hearing) else {
                continue;
            };
            for (_, id) in some {
                let home = self.homes.get(id);
                let found = home.and_then(|home| families.told_of(&hearing, (*home, *id)));
                if let Some((_, judged)) = found {
                    judged
                        .iter()
                        .for_each(|judged| tell(*id, indicator, judged));
                }
            }
        }
    }

    /// The verdict that holds for a case, and with whom it was compared; none if its series is not judged any more.
    pub(crate) fn judged_for(&self, key: &CaseKey) -> Option<(Judged, &Family)> {
        let home = self.homes.get(&key.locality)?;
        let families = self.watched.get(&key.indicator)?;
        let hearing = self.hearing(&key.indicator)?;
        let (family, judged) = families.told_of(&hearing, (*home, key.locality))?;
        let mut judged = judged.into_iter();
        Some((judged.find(|judged| judged.layer == key.layer)?, family))
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
        let judged = self.judged_for(&key);
        let verdict = match &judged {
            Some((judged, family)) => {
                let concern = match transition {
                    Transition::Opened => Some(key.concern),
                    Transition::Cleared => {
                        judged.concern().filter(|concern| *concern != key.concern)
                    }
                };
                let (locality, indicator) = (key.locality, &key.indicator);
                render::verdict(self, locality, indicator, (judged, family), concern)
            }
            None => render::withdrawn(self, &key),
        };
        let opens = transition == Transition::Opened;
        Change {
            key,
            transition,
            verdict,
            first: self.steps().first().filter(|_| opens).cloned(),
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
        defined(&self.state, self.reading().as_ref(), indicator)
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
        let in_force = &self.in_force;
        let is_over = |key: &CaseKey| !in_force.has_case(key);
        for (indicator, families) in &mut self.watched {
            families.close(indicator, &mut self.stepped, is_over);
        }
        true
    }

    fn series_changed(&mut self, id: LocalityId, indicator: &IndicatorCode) {
        let home = self.home(id);
        if !self.watched.contains_key(indicator) {
            self.watched.insert(indicator.clone(), Families::default());
        }
        self.hear(indicator, |families, hearing, steps| {
            families.heard(hearing, (home, id), steps);
        });
    }

    /// With whom a locality is compared.
    fn home(&mut self, id: LocalityId) -> Home {
        if let Some(home) = self.homes.get(&id) {
            return *home;
        }
        let home = Home::of(self.reading().as_ref(), id);
        self.homes.insert(id, home);
        home
    }

    /// The indicator of the figure with the finding that was answered; none if it is no figure.
    fn indicator_of(&self, resolved: &FindingResolved) -> Option<IndicatorCode> {
        let reading = self.reading()?;
        let finding = reading.finding(resolved.locality, resolved.position, resolved.check)?;
        finding.indicator.cloned()
    }

    fn locality_changed(&mut self, id: LocalityId) {
        let Some(from) = self.homes.get(&id).copied() else {
            return;
        };
        let to = Home::of(self.reading().as_ref(), id);
        self.homes.insert(id, to);
        for indicator in self.watched.keys().cloned().collect::<Vec<_>>() {
            self.hear(&indicator, |families, hearing, steps| {
                families.moved(hearing, (from, to, id), steps);
            });
        }
    }

    /// On another day localities begin, end, or belong to another one.
    fn resettle(&mut self) {
        let reading = self.reading();
        let moved = self.homes.iter().filter_map(|(id, from)| {
            let to = Home::of(reading.as_ref(), *id);
            (to != *from).then_some((*from, to, *id))
        });
        for (from, to, id) in moved.collect::<Vec<_>>() {
            self.homes.insert(id, to);
            for families in self.watched.values_mut() {
                families.resettle(from, to, id);
            }
        }
    }

    fn judge_indicator(&mut self, indicator: &IndicatorCode) {
        self.hear(indicator, Families::judge_all);
    }

    /// What an indicator is judged by.
    fn hearing<'a>(&'a self, indicator: &'a IndicatorCode) -> Option<Hearing<'a>> {
        let (rules, state) = ((&self.rules, &self.in_force), &self.state);
        let court = Court::on(self.day?, self.today, rules, (state, &self.homes));
        Some(court.hearing(indicator))
    }

    /// What is judged by on the day, what there is to judge, and what comes of it.
    fn court_and_series(&mut self) -> Option<(Court<'_>, &mut Watched, &mut Stepped)> {
        let (rules, state) = ((&self.rules, &self.in_force), &self.state);
        let court = Court::on(self.day?, self.today, rules, (state, &self.homes));
        Some((court, &mut self.watched, &mut self.stepped))
    }

    /// Judges some of an indicator's series.
    fn hear(
        &mut self,
        indicator: &IndicatorCode,
        judge: impl FnOnce(&mut Families, &Hearing<'_>, &mut Stepped),
    ) {
        let Some((court, watched, steps)) = self.court_and_series() else {
            return;
        };
        if let Some(families) = watched.get_mut(indicator) {
            judge(families, &court.hearing(indicator), steps);
        }
    }
}

/// What is judged by on a day.
#[derive(Clone, Copy)]
struct Court<'a> {
    rules: &'a Rules,
    in_force: &'a InForce,
    state: &'a State,
    reading: Reading<'a>,
    past: Reading<'a>,
    homes: &'a BTreeMap<LocalityId, Home>,
}

impl<'a> Court<'a> {
    fn on(
        day: Date,
        today: Today,
        (rules, in_force): (&'a Rules, &'a InForce),
        (state, homes): (&'a State, &'a BTreeMap<LocalityId, Home>),
    ) -> Self {
        let end = Moment::end_of(day);
        Self {
            rules,
            in_force,
            state,
            reading: state.latest(end),
            past: state.at(end, basis(state, today, day)),
            homes,
        }
    }

    fn hearing(&self, indicator: &'a IndicatorCode) -> Hearing<'a> {
        let defined = defined(self.state, Some(&self.reading), indicator);
        Hearing {
            rules: self.rules,
            in_force: self.in_force,
            reading: self.reading,
            indicator,
            kind: defined.map(|defined| defined.kind),
            past: self.past,
            localities: self.homes,
            outcomes: None,
        }
    }

    /// Judges every series of some indicators, of which none has to do with another.
    fn judge(&self, share: &mut [(&'a IndicatorCode, &mut Families)]) -> Stepped {
        let mut steps = Stepped::default();
        for (indicator, families) in share {
            families.judge_all(&self.hearing(indicator), &mut steps);
        }
        steps
    }
}

/// What an indicator is, even if its definition speaks of a later day than the one read.
fn defined<'a>(
    state: &'a State,
    reading: Option<&Reading<'a>>,
    indicator: &IndicatorCode,
) -> Option<&'a IndicatorDefined> {
    let then = reading.and_then(|reading| reading.indicator(indicator));
    let ever = || state.latest(Moment::end_of(Date::MAX)).indicator(indicator);
    then.or_else(ever).map(|entry| entry.fact)
}
