//! The series of one indicator, in families: those that are compared with each other.
//!
//! Of each series as little is kept as its next judgement needs: how it stands among its siblings, which of its cases are not as they began, and its shares.
//! No figure and no verdict is kept: a verdict follows from the state and from the siblings, and is made when it is asked for.
//!
//! A report moves the average and the pace of all siblings, but hardly anything of theirs depends on that:
//!
//! - Overdue, Silent and NoData are facts about the series itself: no sibling decides them.
//! - Lagging counts the reports of the series itself ([`lag::Ladder`]). Its pace is drawn towards that of the siblings, so a forecast moves with every report of theirs, but the last report was counted when it came; whether a forecast decides at all does not depend on them.
//! - BelowAverage is a fact about share and average: it turns where the share is no longer on the same side of the average's factor.
//!
//! So a report judges its own series, and of the siblings those whose share changed sides, or all of them where there was nobody to compare with before.
//! What a sibling would be told is another matter, and made anew whenever it is asked for.
//!
//! # What it costs
//!
//! Some 300 bytes a series with one case on its way: 130 MB for the 424,000 of the whole country.
//! A report costs the reading of its own series, and 50 ns for each sibling.

use std::collections::{BTreeMap, BTreeSet};

use domain::event::{IndicatorKind, QuotaLayer};
use domain::locality::Level;
use domain::{IndicatorCode, LocalityId};
use lag::{Concern, Ladder, Rules};
use state::{Reading, SeriesKey};

use crate::assess::{Judged, Measure, OnRecord, Outcome, Purpose, assess};
use crate::case::CaseKey;
use crate::neighbours::{Neighbours, Sibling};
use crate::outcomes::Outcomes;
use crate::rules::InForce;

/// Who is compared with whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Home {
    /// Those of a level under one parent.
    Under(LocalityId, Level),
    /// A locality without a parent, or one that does not exist.
    Alone(LocalityId),
}

impl Home {
    /// With whom a locality is compared on the day.
    pub(crate) fn of(reading: Option<&Reading<'_>>, id: LocalityId) -> Self {
        let locality = reading.and_then(|reading| reading.locality(id));
        let exists = locality.filter(|locality| locality.end.is_none());
        match exists.and_then(|locality| locality.parent) {
            Some(parent) => Self::Under(parent, id.code.level()),
            None => Self::Alone(id),
        }
    }
}

/// What an indicator is judged by on a day.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Hearing<'a> {
    pub(crate) rules: &'a Rules,
    /// Which series and layers are judged.
    pub(crate) in_force: &'a InForce,
    pub(crate) reading: Reading<'a>,
    pub(crate) indicator: &'a IndicatorCode,
    /// None while it is not defined.
    pub(crate) kind: Option<IndicatorKind>,
    /// What was known when the day began; what forecasts came to is read from it.
    pub(crate) past: Reading<'a>,
    /// Everybody of whom anything is known.
    pub(crate) localities: &'a BTreeMap<LocalityId, Home>,
    /// None before the families of the indicator are asked.
    pub(crate) outcomes: Option<&'a Outcomes>,
}

/// What came of judging.
#[derive(Debug, Default)]
pub(crate) struct Stepped {
    /// The cases that changed since they were last settled.
    pub(crate) unsettled: BTreeSet<CaseKey>,
    /// How many series were judged.
    pub(crate) judgements: u64,
}

impl Stepped {
    /// Adds what came of judging others.
    pub(crate) fn add(&mut self, mut more: Self) {
        self.unsettled.append(&mut more.unsettled);
        self.judgements += more.judgements;
    }
}

/// A case as the ledger has it so far.
#[derive(Debug, Clone)]
struct Case {
    layer: Option<QuotaLayer>,
    ladder: Ladder,
    /// Whether it was open when it was last settled.
    settled: bool,
}

impl Case {
    fn key(&self, locality: LocalityId, indicator: &IndicatorCode) -> CaseKey {
        CaseKey {
            locality,
            indicator: indicator.clone(),
            layer: self.layer,
            concern: self.ladder.concern(),
        }
    }
}

/// One series.
#[derive(Debug)]
struct Member {
    id: LocalityId,
    /// None while the state does not know the locality or the indicator.
    key: Option<SeriesKey>,
    sibling: Option<Sibling>,
    /// N/D of each verdict that may be far below the average.
    shares: Vec<f64>,
    /// Those that are not as they began, by layer and concern.
    cases: Vec<Case>,
}

/// Those who are compared with each other.
#[derive(Debug, Default)]
pub(crate) struct Family {
    /// By id.
    members: Vec<Member>,
    neighbours: Option<Neighbours>,
}

/// The families of an indicator.
#[derive(Debug, Default)]
pub(crate) struct Families {
    families: BTreeMap<Home, Family>,
    outcomes: Outcomes,
}

impl<'a> Hearing<'a> {
    /// The same, with what the forecasts of the indicator came to.
    fn of<'b>(&self, outcomes: &'b Outcomes) -> Hearing<'b>
    where
        'a: 'b,
    {
        Hearing {
            outcomes: Some(outcomes),
            ..*self
        }
    }

    pub(crate) fn today(&self) -> f64 {
        lag::day(self.reading.as_of().date(), None)
    }

    fn assess(
        &self,
        (id, record): (LocalityId, Option<&OnRecord<'_>>),
        neighbours: Option<Neighbours>,
        purpose: Purpose,
    ) -> Outcome {
        let record = record.filter(|_| self.in_force.has_series(id, self.indicator));
        let (Some(record), Some(kind)) = (record, self.kind) else {
            return Outcome::Gone;
        };
        let measure = Measure {
            rules: self.rules,
            today: self.today(),
            kind,
            neighbours,
            purpose,
            residuals: &|days| self.outcomes?.over(self, id.code.level(), days),
        };
        self.in_force.kept(assess(&measure, record))
    }

    fn suspends(&self, id: LocalityId, layer: QuotaLayer) -> bool {
        let suspended = self.reading.suspended(id, self.indicator, layer);
        suspended.is_some()
    }
}

impl Families {
    /// How many series there are.
    pub(crate) fn len(&self) -> usize {
        self.families
            .values()
            .map(|family| family.members.len())
            .sum()
    }

    /// Judges a series of which something was said, and of its siblings those for whom that decides something.
    pub(crate) fn heard(
        &mut self,
        hearing: &Hearing<'_>,
        (home, id): (Home, LocalityId),
        stepped: &mut Stepped,
    ) {
        let hearing = hearing.of(&self.outcomes);
        let family = self.families.entry(home).or_default();
        let index = family.index(id);
        family.judge_one(&hearing, index, stepped);
    }

    /// The same of a series whose locality has another home now, if there is one.
    pub(crate) fn moved(
        &mut self,
        hearing: &Hearing<'_>,
        (from, to, id): (Home, Home, LocalityId),
        stepped: &mut Stepped,
    ) {
        if self
            .families
            .get(&from)
            .is_none_or(|family| !family.has(id))
        {
            return;
        }
        if from != to {
            self.resettle(from, to, id);
            let hearing = hearing.of(&self.outcomes);
            if let Some(family) = self.families.get_mut(&from) {
                family.compare(&hearing, None, stepped);
            }
        }
        self.heard(hearing, (to, id), stepped);
    }

    /// Takes a series from one home to another; nothing is judged.
    pub(crate) fn resettle(&mut self, from: Home, to: Home, id: LocalityId) {
        let Some(family) = self.families.get_mut(&from) else {
            return;
        };
        let Ok(index) = family.search(id) else {
            return;
        };
        let member = family.members.remove(index);
        if family.members.is_empty() {
            self.families.remove(&from);
        }
        let family = self.families.entry(to).or_default();
        if let Err(index) = family.search(id) {
            family.members.insert(index, member);
        }
    }

    /// Closes the open cases that are over, whatever is on record.
    pub(crate) fn close(
        &mut self,
        indicator: &IndicatorCode,
        stepped: &mut Stepped,
        is_over: impl Fn(&CaseKey) -> bool,
    ) {
        let families = self.families.values_mut();
        for member in families.flat_map(|family| &mut family.members) {
            let id = member.id;
            member.close(indicator, stepped, |case| is_over(&case.key(id, indicator)));
        }
    }

    /// Judges all series anew.
    pub(crate) fn judge_all(&mut self, hearing: &Hearing<'_>, stepped: &mut Stepped) {
        let hearing = hearing.of(&self.outcomes);
        for family in self.families.values_mut() {
            family.judge_all(&hearing, stepped);
        }
    }

    /// The verdicts of the series that are wanted, strongest layer first.
    pub(crate) fn told(
        &self,
        hearing: &Hearing<'_>,
        wanted: impl Fn(LocalityId) -> bool,
        mut tell: impl FnMut(LocalityId, &Family, &[Judged]),
    ) {
        let hearing = &hearing.of(&self.outcomes);
        for family in self.families.values() {
            for member in family.members.iter().filter(|member| wanted(member.id)) {
                tell(member.id, family, &family.told(hearing, member));
            }
        }
    }

    /// The verdicts of one series, and its family.
    pub(crate) fn told_of(
        &self,
        hearing: &Hearing<'_>,
        (home, id): (Home, LocalityId),
    ) -> Option<(&Family, Vec<Judged>)> {
        let family = self.families.get(&home)?;
        let member = family.members.get(family.search(id).ok()?)?;
        let hearing = hearing.of(&self.outcomes);
        Some((family, family.told(&hearing, member)))
    }

    /// The localities whose series are judged.
    pub(crate) fn members(&self) -> impl Iterator<Item = LocalityId> {
        let members = self.families.values().flat_map(|family| &family.members);
        members.map(|member| member.id)
    }

    /// The cases that are open.
    pub(crate) fn open_cases(&self, indicator: &IndicatorCode) -> Vec<CaseKey> {
        let members = self.families.values().flat_map(|family| &family.members);
        let keys = members.flat_map(|member| {
            let open = member.cases.iter().filter(|case| case.ladder.is_open());
            open.map(|case| case.key(member.id, indicator))
        });
        keys.collect()
    }

    /// Whether a case is open.
    pub(crate) fn is_open(&self, home: Home, key: &CaseKey) -> bool {
        let family = self.families.get(&home);
        let member = family.and_then(|family| {
            let index = family.search(key.locality).ok()?;
            family.members.get(index)
        });
        let case = member.and_then(|member| member.cases.get(member.search(key).ok()?));
        case.is_some_and(|case| case.ladder.is_open())
    }

    /// Settles a case; gives whether it was open when it was last settled, and whether it is now.
    pub(crate) fn settle(&mut self, home: Home, key: &CaseKey) -> (bool, bool) {
        let Some(family) = self.families.get_mut(&home) else {
            return (false, false);
        };
        let found = family.search(key.locality).ok();
        let Some(member) = found.and_then(|index| family.members.get_mut(index)) else {
            return (false, false);
        };
        let found = member.search(key).ok();
        let Some(case) = found.and_then(|index| member.cases.get_mut(index)) else {
            return (false, false);
        };
        let now = case.ladder.is_open();
        (std::mem::replace(&mut case.settled, now), now)
    }
}

impl Family {
    /// Positions of the newest figures of the siblings.
    pub(crate) fn positions(&self) -> impl Iterator<Item = u64> {
        let siblings = self.members.iter().filter_map(|member| member.sibling);
        siblings.map(|sibling| sibling.position)
    }

    fn search(&self, id: LocalityId) -> Result<usize, usize> {
        self.members.binary_search_by_key(&id, |member| member.id)
    }

    fn has(&self, id: LocalityId) -> bool {
        self.search(id).is_ok()
    }

    /// Where a series is, new if it was not there.
    fn index(&mut self, id: LocalityId) -> usize {
        self.search(id).unwrap_or_else(|index| {
            self.members.insert(index, Member::new(id));
            index
        })
    }

    fn judge_one(&mut self, hearing: &Hearing<'_>, index: usize, stepped: &mut Stepped) {
        let Some(member) = self.members.get_mut(index) else {
            return;
        };
        let record = member.read(hearing);
        self.compare(hearing, Some(index), stepped);
        if let Some(member) = self.members.get_mut(index) {
            let outcome = hearing.assess(
                (member.id, record.as_ref()),
                self.neighbours,
                Purpose::Cases,
            );
            member.keep(hearing, outcome, stepped);
        }
    }

    /// Compares the siblings as they stand now, and judges those for whom that decides something, but for one.
    fn compare(&mut self, hearing: &Hearing<'_>, but: Option<usize>, stepped: &mut Stepped) {
        let before = self.gather(hearing.rules);
        let now = self.neighbours;
        let side = |neighbours: Option<Neighbours>, share: f64| {
            let ratio = neighbours?.peers.average_ratio(share)?;
            Some(ratio < hearing.rules.average_factor)
        };
        for (index, member) in self.members.iter_mut().enumerate() {
            let mut shares = member.shares.iter();
            let decides = before.is_some() != now.is_some()
                || shares.any(|share| side(before, *share) != side(now, *share));
            if decides && but != Some(index) {
                let record = member.read(hearing);
                let outcome = hearing.assess((member.id, record.as_ref()), now, Purpose::Cases);
                member.keep(hearing, outcome, stepped);
            }
        }
    }

    /// Compares the siblings as they stand now; gives what held before.
    fn gather(&mut self, rules: &Rules) -> Option<Neighbours> {
        let siblings = self.members.iter().filter_map(|member| member.sibling);
        let siblings: Vec<Sibling> = siblings.collect();
        std::mem::replace(&mut self.neighbours, Neighbours::of(rules, &siblings))
    }

    /// Reads and judges everybody anew.
    fn judge_all(&mut self, hearing: &Hearing<'_>, stepped: &mut Stepped) {
        let members = self.members.iter_mut();
        let records: Vec<_> = members.map(|member| member.read(hearing)).collect();
        self.gather(hearing.rules);
        for (member, record) in self.members.iter_mut().zip(&records) {
            let outcome = hearing.assess(
                (member.id, record.as_ref()),
                self.neighbours,
                Purpose::Cases,
            );
            member.keep(hearing, outcome, stepped);
        }
    }

    fn told(&self, hearing: &Hearing<'_>, member: &Member) -> Vec<Judged> {
        let record = member.record(hearing);
        match hearing.assess(
            (member.id, record.as_ref()),
            self.neighbours,
            Purpose::Telling,
        ) {
            Outcome::Judged(judged) => judged,
            Outcome::Unasked | Outcome::Gone => Vec::new(),
        }
    }
}

impl Member {
    fn new(id: LocalityId) -> Self {
        Self {
            id,
            key: None,
            sibling: None,
            shares: Vec::new(),
            cases: Vec::new(),
        }
    }

    /// What is on record of it on the day.
    fn record<'a>(&self, hearing: &Hearing<'a>) -> Option<OnRecord<'a>> {
        let sought = || hearing.reading.series_key(self.id, hearing.indicator);
        let key = self.key.or_else(sought)?;
        Some(OnRecord::of(hearing.reading.followed(key)))
    }

    /// The same; keeps where it is found and how it stands among its siblings.
    fn read<'a>(&mut self, hearing: &Hearing<'a>) -> Option<OnRecord<'a>> {
        let sought = || hearing.reading.series_key(self.id, hearing.indicator);
        self.key = self.key.or_else(sought);
        let record = self.record(hearing);
        let record_of = record.as_ref();
        self.sibling =
            record_of.and_then(|record| Sibling::of(hearing.rules, hearing.today(), record));
        record
    }

    fn search(&self, key: &CaseKey) -> Result<usize, usize> {
        self.find(key.layer, key.concern)
    }

    fn find(&self, layer: Option<QuotaLayer>, concern: Concern) -> Result<usize, usize> {
        let order = |case: &Case| (case.layer, case.ladder.concern());
        self.cases.binary_search_by_key(&(layer, concern), order)
    }

    /// Stepped its cases by what was judged.
    fn keep(&mut self, hearing: &Hearing<'_>, outcome: Outcome, stepped: &mut Stepped) {
        stepped.judgements += 1;
        self.shares.clear();
        let judged = match outcome {
            Outcome::Unasked => return self.close_suspended(hearing, stepped),
            Outcome::Gone => Vec::new(),
            Outcome::Judged(judged) => judged,
        };
        self.close(hearing.indicator, stepped, |case| {
            let speaks = |judged: &Judged| {
                judged.layer == case.layer && judged.concerns.contains(&case.ladder.concern())
            };
            !judged.iter().any(speaks)
        });
        self.shares.reserve_exact(judged.len());
        for judged in &judged {
            for concern in &judged.concerns {
                self.step(hearing, judged, *concern, stepped);
            }
            let compared = judged.concerns.contains(&Concern::BelowAverage);
            let share = judged.for_cases().terms.share.filter(|_| compared);
            self.shares.extend(share);
        }
    }

    fn step(
        &mut self,
        hearing: &Hearing<'_>,
        judged: &Judged,
        concern: Concern,
        stepped: &mut Stepped,
    ) {
        let mut new = Case {
            layer: judged.layer,
            ladder: Ladder::new(concern),
            settled: false,
        };
        let found = self.find(judged.layer, concern);
        let case = match found {
            Ok(index) => self.cases.get_mut(index).unwrap_or(&mut new),
            Err(_) => &mut new,
        };
        if !case.ladder.is_open() && !judged.may_open(concern) {
            return;
        }
        let (rules, verdict) = (hearing.rules, judged.for_cases());
        let changed = case.ladder.step(rules, verdict, judged.newest);
        if changed.is_some() {
            let key = CaseKey {
                locality: self.id,
                indicator: hearing.indicator.clone(),
                layer: judged.layer,
                concern,
            };
            stepped.unsettled.insert(key);
        }
        if let Err(index) = found
            && new.ladder != Ladder::new(concern)
        {
            // Hardly any series has more than one.
            self.cases.reserve_exact(1);
            self.cases.insert(index, new);
        }
    }

    /// Closes the cases of quotas that are suspended: nobody is asked for them any more.
    fn close_suspended(&mut self, hearing: &Hearing<'_>, stepped: &mut Stepped) {
        let id = self.id;
        self.close(hearing.indicator, stepped, |case| {
            case.layer.is_some_and(|layer| hearing.suspends(id, layer))
        });
    }

    /// Closes open cases: those of a series that none of its verdicts can raise any more, since the locality ended, or another layer speaks for it now.
    fn close(
        &mut self,
        indicator: &IndicatorCode,
        stepped: &mut Stepped,
        is_over: impl Fn(&Case) -> bool,
    ) {
        for case in &mut self.cases {
            if case.ladder.is_open() && is_over(case) {
                case.ladder = Ladder::new(case.ladder.concern());
                stepped.unsettled.insert(case.key(self.id, indicator));
            }
        }
    }
}
