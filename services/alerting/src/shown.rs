//! Cases as they are answered: which are wanted, and one with all that became of it.

use std::cmp::Reverse;
use std::collections::HashSet;

use domain::{IndicatorCode, LocalityCode, LocalityId, Reason, Violation};
use jiff::ToSpan;
use jiff::civil::Date;
use tonic::{Code, Status};
use wire::status::{invalid, with_reason};
use wire::v1;

use crate::book::{Book, Kept};
use crate::case::CaseKey;
use crate::escalate::{gatherer, ids_above, next};
use crate::judge::Judge;
use crate::life::{Acknowledgement, Life};
use crate::sight::Seen;
use crate::silence::Silence;

/// Most silences told beside a case: with what else is told of it, its answer stays below the limit.
const SILENCES_MAX: usize = 64;

/// Which cases are wanted.
#[derive(Debug, Clone, Default)]
pub(crate) struct Wanted {
    code: Option<LocalityCode>,
    within: Option<LocalityCode>,
    indicator: Option<IndicatorCode>,
    layer: i32,
    concern: i32,
    cleared: bool,
    acknowledged: Option<bool>,
    silenced: Option<bool>,
    step: u32,
}

/// A filter's code; empty means none.
fn code<T: std::str::FromStr<Err: std::fmt::Display>>(
    field: &str,
    raw: &str,
    violations: &mut Vec<Violation>,
) -> Option<T> {
    match raw.trim() {
        "" => None,
        text => text
            .parse()
            .map_err(|error: T::Err| {
                violations.push(Violation::new(field, Reason::CodeFormat, error.to_string()));
            })
            .ok(),
    }
}

impl Wanted {
    /// Reads the filters of a request, every violation at once.
    pub(crate) fn read(request: &v1::ListCasesRequest) -> Result<Self, Status> {
        let mut violations = Vec::new();
        let wanted = Self {
            code: code("code", &request.code, &mut violations),
            within: code("within", &request.within, &mut violations),
            indicator: code("indicator", &request.indicator, &mut violations),
            layer: request.layer,
            concern: request.concern,
            cleared: request.include_cleared,
            acknowledged: request.acknowledged,
            silenced: request.silenced,
            step: request.step,
        };
        let mut unspecified = |field: &str, value: i32, what: &str| {
            let detail = format!("{value} is no {what} known");
            violations.push(Violation::new(field, Reason::ValueUnspecified, detail));
        };
        if v1::Concern::try_from(request.concern).is_err() {
            unspecified("concern", request.concern, "concern");
        }
        if v1::QuotaLayer::try_from(request.layer).is_err() {
            unspecified("layer", request.layer, "layer");
        }
        if violations.is_empty() {
            Ok(wanted)
        } else {
            Err(invalid(&violations))
        }
    }

    /// Refuses a filter that names nothing on record: a typing error must not read as "nobody lags".
    pub(crate) fn known(&self, judge: &Judge) -> Result<(), Status> {
        for code in [self.code, self.within] {
            known(judge, code, None)?;
        }
        known(judge, None, self.indicator.as_ref())
    }
}

/// Refuses a filter that names nothing on record: a typing error must not read as "nobody lags".
pub(crate) fn known(
    judge: &Judge,
    code: Option<LocalityCode>,
    indicator: Option<&IndicatorCode>,
) -> Result<(), Status> {
    if let Some(code) = code.filter(|code| !judge.has_code(*code)) {
        let message = format!("no locality on record ever had the code {code}");
        return Err(with_reason(
            Code::NotFound,
            Reason::UnknownLocality.code(),
            message,
        ));
    }
    if let Some(indicator) = indicator.filter(|code| judge.definition(code).is_none()) {
        let message = format!("the indicator '{indicator}' is not defined");
        return Err(with_reason(
            Code::NotFound,
            Reason::UnknownIndicator.code(),
            message,
        ));
    }
    Ok(())
}

/// What is looked at, and how far.
#[derive(Clone, Copy)]
pub(crate) struct Look<'a> {
    pub(crate) book: &'a Book,
    pub(crate) judge: &'a Judge,
    pub(crate) seen: Seen,
}

impl<'a> Look<'a> {
    /// The day for which acknowledgements and silences are looked at.
    pub(crate) fn day(&self) -> Date {
        let day = self.seen.day.or_else(|| self.judge.day());
        day.unwrap_or(Date::MIN)
    }

    fn above(&self, id: LocalityId) -> Vec<LocalityId> {
        ids_above(self.judge, id)
    }

    /// The silences that cover a case.
    fn silence_ids(&self, key: &CaseKey) -> Vec<String> {
        let above = || self.above(key.locality);
        let silences = self.book.silences_over(key, self.day(), &self.seen, above);
        let ids = silences.iter().map(|it| it.set.silence_id.clone());
        ids.collect()
    }

    /// Who has taken a case on, if that holds.
    fn acknowledged<'k>(&self, kept: &Kept, life: &Life<'k>) -> Option<Acknowledgement<'k>> {
        let is_open = kept.is_open_as(&self.seen);
        life.acknowledged
            .filter(|it| is_open && it.until >= self.day())
    }

    /// Whether a case is seen and wanted.
    pub(crate) fn takes(&self, wanted: &Wanted, kept: &Kept) -> bool {
        let (Some(opened), Some(key)) = (&kept.case.opened, &kept.key) else {
            return false;
        };
        let of_place = |code: LocalityCode| key.locality.code == code;
        let within = |code: LocalityCode| {
            of_place(code) || self.above(key.locality).iter().any(|id| id.code == code)
        };
        let open = kept.is_open_as(&self.seen);
        let has_it = self.seen.opening(&kept.case)
            && (wanted.cleared || open)
            && wanted.code.is_none_or(of_place)
            && wanted
                .indicator
                .as_ref()
                .is_none_or(|it| *it == key.indicator)
            && (wanted.concern == 0 || opened.concern == wanted.concern)
            && (wanted.layer == 0 || opened.layer == wanted.layer)
            && wanted.within.is_none_or(within);
        has_it && self.takes_life(wanted, kept, key)
    }

    /// What people did is looked at last, and only if it matters.
    fn takes_life(&self, wanted: &Wanted, kept: &Kept, key: &CaseKey) -> bool {
        if wanted.acknowledged.is_some() || wanted.step > 0 {
            let life = kept.life(&self.seen);
            let acknowledged = self.acknowledged(kept, &life).is_some();
            if wanted.acknowledged.is_some_and(|it| it != acknowledged)
                || (wanted.step > 0 && life.step != wanted.step)
            {
                return false;
            }
        }
        let is_silenced = || kept.is_open_as(&self.seen) && !self.silence_ids(key).is_empty();
        wanted.silenced.is_none_or(|it| it == is_silenced())
    }

    /// The cases wanted: open ones first, then those opened last.
    pub(crate) fn cases(&self, wanted: &Wanted) -> Vec<&'a Kept> {
        let cases = self.book.kept().iter().enumerate();
        let taken = cases.filter(|(_, kept)| self.takes(wanted, kept));
        let mut taken: Vec<(usize, &Kept)> = taken.collect();
        taken.sort_by_key(|(index, kept)| (!kept.is_open_as(&self.seen), Reverse(*index)));
        taken.into_iter().map(|(_, kept)| kept).collect()
    }

    /// A case with what became of it.
    pub(crate) fn case(&self, kept: &Kept) -> v1::Case {
        let is_open = kept.is_open_as(&self.seen);
        let (steps, opened_on) = (self.judge.steps(), kept.opened_on());
        let life = kept.life(&self.seen).on(self.day(), steps, opened_on);
        let key = kept.key.as_ref().filter(|_| is_open);
        let acknowledged = self.acknowledged(kept, &life);
        let mut case = v1::Case {
            case_id: kept.case.case_id.clone(),
            opened: kept.case.opened.clone(),
            opened_known: self.known(kept.case.opened.as_ref()),
            opened_position: kept.case.opened_position,
            notifications: life.told.iter().map(|(_, told)| (*told).clone()).collect(),
            notification_positions: life.told.iter().map(|(position, _)| *position).collect(),
            reads: life.reads.iter().map(|(_, read)| (*read).clone()).collect(),
            withheld: life.withheld.iter().map(|it| (*it).clone()).collect(),
            acknowledgement: acknowledged.map(|it| it.said.clone()),
            step: life.step,
            silence_ids: key.map(|key| self.silence_ids(key)).unwrap_or_default(),
            gathered_by: key
                .and_then(|key| gatherer(self.book, self.judge, key, &self.seen))
                .map(|gatherer| gatherer.case.case_id.clone())
                .unwrap_or_default(),
            ..v1::Case::default()
        };
        if !is_open {
            case.cleared.clone_from(&kept.case.cleared);
            case.cleared_known = self.known(kept.case.cleared.as_ref());
            case.cleared_position = kept.case.cleared_position;
        } else if let Some((step, on)) = next(steps, &life, opened_on) {
            case.next_step = step.number;
            case.next_step_on = self.free_on(on, acknowledged, &case).to_string();
        }
        case
    }

    /// The first day on which nothing that has a last day holds a step back.
    fn free_on(
        &self,
        due: Date,
        acknowledged: Option<Acknowledgement<'_>>,
        case: &v1::Case,
    ) -> Date {
        let silences = case.silence_ids.iter();
        let silences = silences.filter_map(|id| Some(self.book.silence(id)?.until));
        let held = acknowledged.map(|it| it.until).into_iter().chain(silences);
        held.map(|until| until.saturating_add(1.day()))
            .fold(due, Date::max)
    }

    /// The open cases of places directly below that an open case gathers.
    pub(crate) fn gathers(&self, kept: &Kept) -> Vec<String> {
        let Some(key) = kept.key.as_ref().filter(|_| kept.is_open_as(&self.seen)) else {
            return Vec::new();
        };
        let children = self.judge.reading_of(self.day()).children(key.locality);
        let gathered = children.into_iter().filter_map(|child| {
            let like = (child.id, key.concern);
            self.book.open_like(key, like, &self.seen)
        });
        gathered.map(|kept| kept.case.case_id.clone()).collect()
    }

    /// The silences that withheld something of a case, then those that cover it, each newest first; and how many more there are.
    pub(crate) fn silences(&self, case: &v1::Case) -> (Vec<v1::Silence>, u32) {
        let withheld = case.withheld.iter().map(|it| &it.by);
        let withheld: HashSet<&String> = withheld.collect();
        let ids = case.silence_ids.iter().chain(withheld.iter().copied());
        let ids: HashSet<&String> = ids.collect();
        let silences = self.book.silences().iter().rev();
        let silences = silences.filter(|silence| ids.contains(&silence.set.silence_id));
        let (first, second): (Vec<&Silence>, Vec<&Silence>) =
            silences.partition(|silence| withheld.contains(&silence.set.silence_id));
        let all = first.len() + second.len();
        let told = first.into_iter().chain(second).take(SILENCES_MAX);
        let told = told.map(|silence| silence.message(self.day(), &self.seen));
        let left_out = all.saturating_sub(SILENCES_MAX);
        (told.collect(), u32::try_from(left_out).unwrap_or(u32::MAX))
    }

    /// When the ledger took the newest event that a verdict could see: the same at every rebuild.
    fn known(&self, verdict: Option<&v1::Verdict>) -> Option<prost_types::Timestamp> {
        let known = self.judge.known_of(verdict?.position);
        known.map(wire::time::to_wire)
    }

    /// Positions of alerting's log at which a case's story stands, in order.
    pub(crate) fn story(&self, kept: &Kept) -> Vec<u64> {
        let cleared = self.seen.clearing(&kept.case);
        let lines = kept.lines.iter();
        let lines = lines.filter(|line| self.seen.sees(line.position, line.at, line.day));
        let mut story: Vec<u64> = [kept.case.opened_position]
            .into_iter()
            .chain(lines.map(|line| line.position))
            .chain(cleared.then_some(kept.case.cleared_position))
            .collect();
        story.sort_unstable();
        story
    }
}
