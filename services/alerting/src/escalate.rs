//! What is due on a day: the next step of each open case, or why it is not taken.
//!
//! A pure function of the book, the day and the ladder; what it gives, once recorded, it does not give again.
//! The [`desk`](crate::desk) asks it on each new day, and when something that held a case back is gone, and only live: a replay takes no step.
//!
//! - The first step is told when a case opens. If that was withheld, it is told as soon as nothing holds it back.
//! - Each other step is due its `after_days` after the step before was told, so a case takes at most one step a day, however late the service wakes.
//! - What holds a case back, in this order: the same series is silent, so that its figures say nothing (STALE); the deadline passed, and the overdue case of the same place, indicator and layer tells the same offices (OVERDUE); a silence (SILENCED); an acknowledgement (ACKNOWLEDGED); the verdict of the day is green, though the case stays open until another report confirms it (IMPROVING). The first time that a step is held back for one of these it is recorded as withheld.
//! - An office above that has an open case of its own, of the same indicator and concern, is not told of each place below (GATHERED); the others are.
//! - An acknowledgement whose day has passed is ended by an entry of its own.

use domain::LocalityId;
use domain::event::{Recipient, Step};
use jiff::ToSpan;
use jiff::civil::Date;
use lag::{Concern, Transition};
use wire::v1;
use wire::v1::alert_event::Body;

use crate::book::{Book, Kept};
use crate::case::CaseKey;
use crate::judge::Judge;
use crate::life::{Acknowledgement, Life};
use crate::notice::{Told, is_left_to_overdue, notice};
use crate::rules::step;
use crate::sight::Seen;

/// A silence covers it.
pub(crate) const SILENCED: &str = "SILENCED";
/// An office has taken it on.
pub(crate) const ACKNOWLEDGED: &str = "ACKNOWLEDGED";
/// The same series is silent.
pub(crate) const STALE: &str = "STALE";
/// The deadline passed, and the overdue case tells of it.
pub(crate) const OVERDUE: &str = "OVERDUE";
/// The verdict of the day speaks for the place.
pub(crate) const IMPROVING: &str = "IMPROVING";
/// The place above has a case of its own.
pub(crate) const GATHERED: &str = "GATHERED";

/// What has to be known of places and verdicts.
pub(crate) trait Surroundings {
    /// The places above one, nearest first, with their names.
    fn above(&self, id: LocalityId) -> Vec<(LocalityId, String)>;
    /// The verdict of an open case on the day.
    fn verdict(&self, key: &CaseKey) -> v1::Verdict;
    /// Position of the ledger that is judged.
    fn position(&self) -> u64;
}

/// A day's work.
pub(crate) struct Round<'a, S> {
    pub(crate) book: &'a Book,
    pub(crate) around: &'a S,
    pub(crate) ladder: &'a [Step],
    pub(crate) day: Date,
}

/// The step that comes next, and from which day on; none after the last.
pub(crate) fn next<'l>(
    ladder: &'l [Step],
    life: &Life<'_>,
    opened_on: Option<Date>,
) -> Option<(&'l Step, Date)> {
    let next = step(ladder, life.step + 1)?;
    if life.step == 0 {
        return Some((next, opened_on?));
    }
    // At most one step a day, whatever the ladder says.
    let days = next.after_days.max(1);
    let on = life.told_on?.checked_add(i64::from(days).days());
    Some((next, on.ok()?))
}

/// What an opening is recorded as, where a silence covers it: its first notification is withheld.
pub(crate) fn hushed(
    book: &Book,
    around: &impl Surroundings,
    key: &CaseKey,
    verdict: &v1::Verdict,
) -> Option<v1::NotificationWithheld> {
    let day = verdict.judged_for.parse().ok()?;
    let above = || ids_above(around, key.locality);
    let silences = book.silences_over(key, day, &Seen::ALL, above);
    Some(v1::NotificationWithheld {
        case_id: key.to_string(),
        step: 1,
        why: SILENCED.to_owned(),
        by: silences.first()?.set.silence_id.clone(),
        tells: verdict.locality.clone().into_iter().collect(),
    })
}

/// The ids of the places above one.
pub(crate) fn ids_above(around: &impl Surroundings, id: LocalityId) -> Vec<LocalityId> {
    let above = around.above(id).into_iter();
    above.map(|(id, _)| id).collect()
}

/// The open case of the place directly above, which gathers this one.
pub(crate) fn gatherer<'b>(
    book: &'b Book,
    around: &impl Surroundings,
    key: &CaseKey,
    seen: &Seen,
) -> Option<&'b Kept> {
    let (parent, _) = around.above(key.locality).into_iter().next()?;
    book.open_like(key, (parent, key.concern), seen)
}

impl<S: Surroundings> Round<'_, S> {
    /// The entries that are due about an open case; usually none.
    pub(crate) fn due(&self, kept: &Kept) -> Vec<v1::AlertEvent> {
        let Some(key) = kept.key.as_ref().filter(|_| kept.is_open()) else {
            return Vec::new();
        };
        let opened_on = kept.opened_on().map(|on| on.min(self.day));
        let life = kept.life(&Seen::ALL).on(self.day, self.ladder, opened_on);
        let mut due = Vec::new();
        let mut acknowledged = life.acknowledged;
        if let Some(ended) = acknowledged.take_if(|it| it.until < self.day) {
            due.push(self.ended(key, &ended));
        }
        let Some((step, on)) = next(self.ladder, &life, opened_on) else {
            return due;
        };
        if on > self.day {
            return due;
        }
        let verdict = self.around.verdict(key);
        let improves = verdict.status() == v1::VerdictStatus::Green;
        let held = self.held_back(key, acknowledged);
        match held.or_else(|| improves.then(|| (IMPROVING, String::new()))) {
            Some((why, by)) => {
                // One silence after the other says nothing new of a step.
                let told = |it: &&v1::NotificationWithheld| {
                    it.step == step.number && it.why == why && (it.by == by || why == SILENCED)
                };
                if !life.withheld.iter().any(told) {
                    let tells = vec![wire::event::locality_ref(key.locality)];
                    due.push(self.withheld(key, step, (why, by), tells));
                }
            }
            None => due.extend(self.take(key, step, verdict)),
        }
        due
    }

    /// What holds back a notification, and what does so.
    pub(crate) fn held_back(
        &self,
        key: &CaseKey,
        acknowledged: Option<Acknowledgement<'_>>,
    ) -> Option<(&'static str, String)> {
        if key.concern == Concern::Lagging {
            if let Some(silent) = self.silent(key) {
                return Some((STALE, silent.case.case_id.clone()));
            }
            if is_left_to_overdue(self.book, key, None) {
                let overdue = CaseKey {
                    concern: Concern::Overdue,
                    ..key.clone()
                };
                return Some((OVERDUE, overdue.to_string()));
            }
        }
        let above = || ids_above(self.around, key.locality);
        let silences = self.book.silences_over(key, self.day, &Seen::ALL, above);
        if let Some(silence) = silences.first() {
            return Some((SILENCED, silence.set.silence_id.clone()));
        }
        acknowledged.map(|it| (ACKNOWLEDGED, it.said.until.clone()))
    }

    /// The case of a series that is silent.
    fn silent(&self, key: &CaseKey) -> Option<&Kept> {
        let silent = (key.locality, Concern::Silent);
        self.book.open_like(key, silent, &Seen::ALL)
    }

    /// The step is taken.
    fn take(&self, key: &CaseKey, step: &Step, verdict: v1::Verdict) -> Vec<v1::AlertEvent> {
        let (told, gathered) = self.others(key, step);
        let mut taken = Vec::new();
        if step.number > 1 {
            taken.push(self.alert(Body::CaseEscalated(v1::CaseEscalated {
                case_id: key.to_string(),
                step: step.number,
                verdict: Some(verdict.clone()),
            })));
        }
        let notification = Some(notice(&key.to_string(), step, &verdict, &told));
        taken.push(self.alert(Body::NotificationSent(v1::NotificationSent {
            notification,
            verdict: Some(verdict),
        })));
        for (by, told) in gathered {
            taken.push(self.withheld(key, step, (GATHERED, by), vec![told.locality]));
        }
        taken
    }

    /// The offices told besides the unit, and those that have a case of their own.
    fn others(&self, key: &CaseKey, step: &Step) -> (Vec<Told>, Vec<(String, Told)>) {
        let above = self.around.above(key.locality);
        let mut places = Vec::new();
        for recipient in &step.tells {
            let place = match recipient {
                Recipient::Unit => None,
                Recipient::Parent => above.first(),
                Recipient::Province => above.last(),
            };
            if let Some(place) = place.filter(|place| !places.contains(place)) {
                places.push(place);
            }
        }
        let (mut told, mut gathered) = (Vec::new(), Vec::new());
        for (id, name) in places {
            let office = Told {
                locality: wire::event::locality_ref(*id),
                name: name.clone(),
            };
            match self.book.open_like(key, (*id, key.concern), &Seen::ALL) {
                Some(own) => gathered.push((own.case.case_id.clone(), office)),
                None => told.push(office),
            }
        }
        (told, gathered)
    }

    fn withheld(
        &self,
        key: &CaseKey,
        step: &Step,
        (why, by): (&str, String),
        tells: Vec<v1::LocalityRef>,
    ) -> v1::AlertEvent {
        self.alert(Body::NotificationWithheld(v1::NotificationWithheld {
            case_id: key.to_string(),
            step: step.number,
            why: why.to_owned(),
            by,
            tells,
        }))
    }

    fn ended(&self, key: &CaseKey, acknowledged: &Acknowledgement<'_>) -> v1::AlertEvent {
        self.alert(Body::AcknowledgementEnded(v1::AcknowledgementEnded {
            case_id: key.to_string(),
            acknowledged_position: acknowledged.position,
            until: acknowledged.until.to_string(),
        }))
    }

    fn alert(&self, body: Body) -> v1::AlertEvent {
        let has_verdict = crate::book::verdict_of(&body).is_some();
        v1::AlertEvent {
            effective: self.day.to_string(),
            position: if has_verdict {
                0
            } else {
                self.around.position()
            },
            body: Some(body),
        }
    }
}

impl Surroundings for Judge {
    fn above(&self, id: LocalityId) -> Vec<(LocalityId, String)> {
        let above = self.reading().map(|reading| reading.ancestors(id));
        let above = above.unwrap_or_default().into_iter();
        above
            .map(|place| (place.id, place.name.vi.clone()))
            .collect()
    }

    fn verdict(&self, key: &CaseKey) -> v1::Verdict {
        self.change(key.clone(), Transition::Opened).verdict
    }

    fn position(&self) -> u64 {
        Judge::position(self)
    }
}

#[cfg(test)]
#[path = "escalate_tests.rs"]
mod tests;
