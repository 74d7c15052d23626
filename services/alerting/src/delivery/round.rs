//! One look at everything that mail speaks of: the cases, who hears of each, which of them are silenced, and what is due soon.
//!
//! The book is held for one pass, book and judge for a few hundred cases or series at a time, so that judging goes on beside it.
//! How far it reaches is what the book had by then: the log may be ahead of it, and what nobody looked at must not be taken for told.

use std::collections::{BTreeSet, HashMap};

use domain::event::QuotaLayer;
use domain::{IndicatorCode, LocalityCode, LocalityId};
use jiff::civil::Date;
use lag::{Concern, Status};
use wire::v1;

use super::contacts::Recipient;
use super::dispatch::Dispatch;
use super::words::Both;
use crate::assess::Judged;
use crate::case::CaseKey;
use crate::escalate::ids_above;
use crate::notice::{self, COMMENDATION};
use crate::sight::Seen as Sight;

/// The first step of the ladder.
pub(crate) const REMINDER: u32 = 1;
/// All that is on record.
const EVERYTHING: Sight = Sight::ALL;
/// Cases and series looked at while the judge is held.
const STRETCH: usize = 256;
/// A quota is due soon so many days before its deadline.
const DUE_DAYS: f64 = 7.0;

/// Who hears of which place.
#[derive(Debug, Default)]
pub(crate) struct Index {
    own: HashMap<LocalityCode, Vec<usize>>,
    below: HashMap<LocalityCode, Vec<usize>>,
}

impl Index {
    pub(crate) fn of(recipients: &[Recipient]) -> Self {
        let mut index = Self::default();
        for (number, recipient) in recipients.iter().enumerate() {
            for hearing in &recipient.hears {
                index.own.entry(hearing.place).or_default().push(number);
                if hearing.below {
                    index.below.entry(hearing.place).or_default().push(number);
                }
            }
        }
        index
    }

    /// Who hears of a place, given by its code and those above it.
    fn hearers(&self, lineage: &[LocalityCode], into: &mut BTreeSet<usize>) {
        let own = lineage.first().and_then(|code| self.own.get(code));
        into.extend(own.into_iter().flatten());
        for above in lineage.iter().skip(1) {
            into.extend(self.below.get(above).into_iter().flatten());
        }
    }

    /// Who hears of any of some places.
    pub(crate) fn of_places(&self, dispatch: &Dispatch, places: &[LocalityId]) -> BTreeSet<usize> {
        let mut hearers = BTreeSet::new();
        for id in places {
            self.hearers(&dispatch.lineage(*id), &mut hearers);
        }
        hearers
    }
}

/// A case as mail sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) key: CaseKey,
    pub(crate) opened_position: u64,
    /// 0 while it is open.
    pub(crate) cleared_position: u64,
    /// The day it was opened for.
    pub(crate) since: Date,
    /// Whether it was cleared because the target was reached.
    pub(crate) is_done: bool,
    /// Whether a silence covers it.
    pub(crate) is_silenced: bool,
    /// The share foreseen at the deadline, else the share reached, in hundredths of a percent.
    pub(crate) share: Option<u32>,
}

impl Seen {
    pub(crate) fn is_open(&self) -> bool {
        self.cleared_position == 0
    }

    /// Whether it is about figures that did not come.
    pub(crate) fn is_missing_reports(&self) -> bool {
        matches!(self.key.concern, Concern::Silent | Concern::NoData)
    }
}

/// A quota whose deadline is near.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Due {
    pub(crate) place: LocalityId,
    pub(crate) indicator: IndicatorCode,
    pub(crate) layer: Option<QuotaLayer>,
    pub(crate) days: f64,
    /// Whether a silence covers it.
    pub(crate) is_silenced: bool,
}

impl Due {
    /// Its series, as what comes of it if nothing is done.
    pub(crate) fn key(&self) -> CaseKey {
        CaseKey {
            locality: self.place,
            indicator: self.indicator.clone(),
            layer: self.layer,
            concern: Concern::Overdue,
        }
    }
}

/// A notification that mail tells in its own words: a further step of the ladder, or a commendation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Notice {
    /// Where it stands in alerting's log.
    pub(crate) position: u64,
    pub(crate) is_commendation: bool,
    pub(crate) said: Both,
}

/// Something, and who hears of it.
pub(crate) type Heard<T> = (T, BTreeSet<usize>);

/// Every case and notification that mail speaks of, and who hears of each.
#[derive(Debug, Default)]
pub(crate) struct Round {
    pub(crate) cases: Vec<Heard<Seen>>,
    pub(crate) notices: Vec<Heard<Notice>>,
    /// Position of alerting's log up to which the book was folded: nothing up to there is missing.
    pub(crate) through: u64,
}

/// The places that a notification is told to; its own where it names none.
pub(crate) fn told_places(own: LocalityId, notification: &v1::Notification) -> Vec<LocalityId> {
    let named = notification.tells.iter().filter_map(|place| {
        Some(LocalityId {
            code: place.code.parse().ok()?,
            since: place.since.parse().ok()?,
        })
    });
    let places: Vec<LocalityId> = named.collect();
    if places.is_empty() { vec![own] } else { places }
}

impl Round {
    /// Looks at the open cases, and at what was cleared or told after a position of alerting's log.
    pub(crate) fn look(dispatch: &Dispatch, index: &Index, after: u64) -> Self {
        let (through, told) = told_cases(dispatch, after);
        let mut round = Self {
            notices: notices(dispatch, index, after),
            through,
            ..Self::default()
        };
        for stretch in told.chunks(STRETCH) {
            let (book, judge) = (dispatch.desk().book(), dispatch.desk().judge());
            let reading = judge.reading();
            for (seen, places) in stretch {
                let mut hearers = BTreeSet::new();
                for id in places {
                    let lineage = reading.map_or_else(|| vec![*id], |reading| reading.lineage(*id));
                    let lineage: Vec<LocalityCode> = lineage.iter().map(|id| id.code).collect();
                    index.hearers(&lineage, &mut hearers);
                }
                if !hearers.is_empty() {
                    // Of what is cleared no number is told.
                    let judged = seen.is_open().then(|| judge.judged_for(&seen.key));
                    let share = judged.flatten().and_then(|(judged, _)| share(&judged));
                    let above = || ids_above(&*judge, seen.key.locality);
                    let day = judge.day().unwrap_or(seen.since);
                    let silences = book.silences_over(&seen.key, day, &EVERYTHING, above);
                    round.cases.push((
                        Seen {
                            share,
                            is_silenced: !silences.is_empty(),
                            ..seen.clone()
                        },
                        hearers,
                    ));
                }
            }
        }
        round
    }
}

/// How far the book is, and the cases that somebody was told of with the places they were told to; their shares are not looked up yet.
fn told_cases(dispatch: &Dispatch, cleared_after: u64) -> (u64, Vec<(Seen, Vec<LocalityId>)>) {
    let book = dispatch.desk().book();
    let cases = book.cases().filter(|case| {
        let is_recent = case.cleared_position == 0 || case.cleared_position > cleared_after;
        is_recent && !case.notifications.is_empty()
    });
    let told = cases.filter_map(|case| {
        let key = CaseKey::parse(&case.case_id)?;
        if notice::is_left_to_overdue(&book, &key, case.cleared.as_ref()) {
            return None;
        }
        let mut places = BTreeSet::new();
        for notification in &case.notifications {
            places.extend(told_places(key.locality, notification));
        }
        let since = case.opened.as_ref()?.judged_for.parse().ok()?;
        let seen = Seen {
            key,
            opened_position: case.opened_position,
            cleared_position: case.cleared_position,
            since,
            is_done: case
                .cleared
                .as_ref()
                .is_some_and(|verdict| verdict.status() == v1::VerdictStatus::Done),
            is_silenced: false,
            share: None,
        };
        Some((seen, places.into_iter().collect()))
    });
    (book.position(), told.collect())
}

/// Further steps and commendations told after a position; a reminder is told by its case.
fn notices(dispatch: &Dispatch, index: &Index, after: u64) -> Vec<Heard<Notice>> {
    let is_notice = |notification: &v1::Notification| notification.step != REMINDER;
    let mut found = Vec::new();
    {
        let book = dispatch.desk().book();
        let kept = book.kept().iter();
        for kept in kept.filter(|kept| kept.case.notifications.iter().any(is_notice)) {
            let Some(key) = CaseKey::parse(&kept.case.case_id) else {
                continue;
            };
            for (position, notification) in kept.life(&EVERYTHING).told {
                if position > after && is_notice(notification) {
                    let text = notification.text.clone().unwrap_or_default();
                    let notice = Notice {
                        position,
                        is_commendation: notification.step == COMMENDATION,
                        said: Both {
                            vi: text.vi,
                            en: text.en,
                        },
                    };
                    found.push((notice, told_places(key.locality, notification)));
                }
            }
        }
    }
    let heard = found.into_iter().map(|(notice, places)| {
        let hearers = index.of_places(dispatch, &places);
        (notice, hearers)
    });
    heard.filter(|(_, hearers)| !hearers.is_empty()).collect()
}

/// The number by which a case is better or worse than before.
fn share(judged: &Judged) -> Option<u32> {
    let terms = &judged.verdict.terms;
    let share = terms.forecast_share.or(terms.share)?;
    // Beyond ten times the target nobody compares any more.
    Some((share * 10_000.0).round().clamp(0.0, 100_000.0) as u32)
}

/// What is due soon in the whole country, of which somebody hears; none if it was ended in between.
///
/// Every series is judged for it, so the judge is let go again and again, and `goes_on` is asked then.
pub(crate) fn due(
    dispatch: &Dispatch,
    index: &Index,
    goes_on: impl Fn() -> bool,
) -> Option<Vec<Heard<Due>>> {
    let mut due = Vec::new();
    let mut near = |place, indicator: &IndicatorCode, judged: &Judged| {
        let days = judged.verdict.terms.due_in_days.unwrap_or(-1.0);
        if (0.0..=DUE_DAYS).contains(&days) && judged.verdict.status != Status::Done {
            due.push(Due {
                place,
                indicator: indicator.clone(),
                layer: judged.layer,
                days,
                is_silenced: false,
            });
        }
    };
    let series = dispatch.desk().judge().series();
    for some in series.chunks(STRETCH) {
        if !goes_on() {
            return None;
        }
        dispatch.desk().judge().judged_of(some, &mut near);
    }
    let heard = due.into_iter().map(|due| {
        let hearers = index.of_places(dispatch, &[due.place]);
        (due, hearers)
    });
    Some(heard.filter(|(_, hearers)| !hearers.is_empty()).collect())
}

/// Notes what of it is under a silence that holds now.
pub(crate) fn hush(dispatch: &Dispatch, due: &mut [Heard<Due>]) {
    for some in due.chunks_mut(STRETCH) {
        let (book, judge) = (dispatch.desk().book(), dispatch.desk().judge());
        let Some(day) = judge.day() else { return };
        for (due, _) in some {
            let above = || ids_above(&*judge, due.place);
            let silences = book.silences_over(&due.key(), day, &EVERYTHING, above);
            due.is_silenced = !silences.is_empty();
        }
    }
}
