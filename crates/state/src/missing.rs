//! Which localities have not reported a figure for longer than reports are apart.
//!
//! What is missing is missing: it is listed with how long, and counted as nothing.
//!
//! A report that is due on a day may be given the whole of that day, as a quota may be met and work be done on its last one: it is missing from the day after.

use std::cmp::Reverse;

use domain::code::IndicatorCode;
use domain::event::{Role, Scope};
use domain::locality::LocalityId;
use domain::text::collation_key;
use jiff::civil::Date;

use crate::figure::FigureEntry;
use crate::owner::OwnerEntry;
use crate::place::LocalityEntry;
use crate::reading::Reading;

/// The roles that are asked about a missing report, first to last: who does the work, who answers for it, who urges.
const ASKED_ROLES: [Role; 3] = [Role::Implementing, Role::Lead, Role::Focal];

/// Of which localities reports are expected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expected {
    /// Of each.
    OfAll,
    /// Of those that are asked for the indicator, by a quota in force or by their own declaration.
    OfAsked,
}

/// What some localities have not reported of one indicator.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MissingReports<'a> {
    /// Those without a figure within the cadence: those that never had one first, then the longest silence, then by name in Vietnamese order.
    pub missing: Vec<MissingReport<'a>>,
    /// How many have a figure within the cadence.
    pub reported: usize,
    /// How many more have none within the cadence and need none yet: no day by which they had to report is over since they began without any, or were first asked.
    pub too_new: usize,
}

impl MissingReports<'_> {
    /// How many of the localities had to report by now.
    #[must_use]
    pub fn expected(&self) -> usize {
        self.missing.len() + self.reported
    }
}

/// A locality without a figure within the cadence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MissingReport<'a> {
    /// The locality.
    pub locality: LocalityEntry<'a>,
    /// Its last figure that holds; none if it never had one that does.
    pub last: Option<FigureEntry<'a>>,
}

impl MissingReport<'_> {
    /// Whole days from the moment the last figure speaks of to a day; none without one.
    #[must_use]
    pub fn silent_days(&self, day: Date) -> Option<u32> {
        self.last.map(|last| days_since(&last, day))
    }

    /// Whether the last figure is older than twice the cadence, the age at which a series is judged silent.
    #[must_use]
    pub fn is_silent(&self, day: Date, cadence_days: u32) -> bool {
        let days = self.silent_days(day);
        days.is_some_and(|days| days > cadence_days.saturating_mul(2))
    }
}

impl<'a> Reading<'a> {
    /// Which of some localities have no figure that speaks of the day asked about, or of one of the `cadence_days` days before it.
    ///
    /// A figure of a locality's own is meant: what went into it by a reform is not its report.
    /// A report can only be missing if a reporting day is over: the first one is `cadence_days` days after the locality began or, where only those are expected that are asked, after it was first asked; and a deadline is one, whenever it comes.
    /// So nobody is late on such a day itself, and a quota that revises another gives no respite.
    #[must_use]
    pub fn missing_reports(
        &self,
        indicator: &IndicatorCode,
        localities: impl IntoIterator<Item = LocalityEntry<'a>>,
        cadence_days: u32,
        expected: Expected,
    ) -> MissingReports<'a> {
        let today = self.as_of().date();
        let mut found = MissingReports::default();
        for locality in localities {
            let (is_due, is_past) = match expected {
                Expected::OfAll => (true, false),
                Expected::OfAsked => {
                    let asks = self.asks(locality.id, indicator);
                    if asks.is_empty() {
                        continue;
                    }
                    let is_past = asks.iter().any(|ask| ask.is_past(today));
                    let mut due = asks.iter();
                    (due.any(|ask| ask.is_due(today, cadence_days)), is_past)
                }
            };
            let last = self.figure(locality.id, indicator);
            let is_new = |start: Date| days_between(start, today) <= cadence_days;
            match last {
                Some(last) if days_since(&last, today) <= cadence_days => found.reported += 1,
                None if !is_past && locality.start.is_some_and(is_new) => found.too_new += 1,
                _ if !is_due => found.too_new += 1,
                last => found.missing.push(MissingReport { locality, last }),
            }
        }
        found.missing.sort_by_cached_key(|missing| {
            let silence = missing.silent_days(today).unwrap_or(u32::MAX);
            let LocalityEntry { id, name, .. } = missing.locality;
            (Reverse(silence), collation_key(&name.vi), id)
        });
        found
    }

    /// Whether anybody asks a locality for an indicator: by a quota in force, or by its own declaration.
    #[must_use]
    pub fn is_asked(&self, id: LocalityId, indicator: &IndicatorCode) -> bool {
        !self.asks(id, indicator).is_empty()
    }

    /// Each layer whose quota is in force, and the locality's own declaration.
    fn asks(&self, id: LocalityId, indicator: &IndicatorCode) -> Vec<Ask> {
        let quotas = self.quotas(id, indicator).into_iter();
        let quotas = quotas.filter_map(|quota| {
            let (since, deadline) = (self.asked_since(&quota)?, quota.deadline);
            Some(Ask { since, deadline })
        });
        let declared = self.first_declared(id, indicator).map(|since| {
            let deadline = self.declared(id, indicator).map(|declared| declared.by);
            Ask { since, deadline }
        });
        quotas.chain(declared).collect()
    }

    /// Who is asked for the reports of a locality, as far as anybody was appointed: whoever implements a plan that holds for it, else leads one, else urges; the plan of the nearest locality first.
    ///
    /// Those whose organisations are all gone are passed over; none if nobody is left.
    #[must_use]
    pub fn asked_to_report(&self, id: LocalityId) -> Option<OwnerEntry<'a>> {
        let lineage = self.lineage(id);
        let mut plans = self.plans_for(id);
        plans.sort_by_key(|plan| lineage.iter().position(|place| *place == plan.locality));
        let scopes = plans
            .iter()
            .map(|plan| Scope::Plan(plan.fact.plan.clone()))
            .collect::<Vec<_>>();
        let pairs = ASKED_ROLES
            .iter()
            .flat_map(|role| scopes.iter().map(move |scope| (scope, *role)));
        let owners = pairs.filter_map(|(scope, role)| {
            let appointed = self.nearest(scope, &lineage, role)?;
            Some(self.owner_entry(appointed, &lineage))
        });
        let mut held = owners.filter(|owner| !owner.organisations.is_empty());
        held.next()
    }
}

/// That a locality is asked for an indicator.
struct Ask {
    since: Date,
    deadline: Option<Date>,
}

impl Ask {
    /// Whether a day on which a report was due lies between the first day and the one asked about, and is over.
    fn is_due(&self, today: Date, cadence_days: u32) -> bool {
        days_between(self.since, today) > cadence_days || self.is_past(today)
    }

    /// Whether its deadline, if that came after the first day, is over.
    fn is_past(&self, today: Date) -> bool {
        let is_over = |deadline: Date| self.since <= deadline && deadline < today;
        self.deadline.is_some_and(is_over)
    }
}

fn days_since(figure: &FigureEntry<'_>, day: Date) -> u32 {
    days_between(figure.recorded.effective.date(), day)
}

/// Whole days from one day to another; 0 if that is not later.
fn days_between(from: Date, to: Date) -> u32 {
    u32::try_from((to - from).get_days()).unwrap_or(0)
}
