//! What alerting's own log says: cases, what became of them among people, and silences.

use std::collections::BTreeMap;

use domain::LocalityId;
use domain::event::QuotaLayer;
use jiff::civil::Date;
use prost::Message as _;
use wire::v1;
use wire::v1::alert_event::Body;

use crate::case::{CaseKey, JudgedAt};
use crate::life::{Life, Line, What};
use crate::sight::Seen;
use crate::silence::{Silence, Stand};

/// The cases and silences on record, folded from alerting's own log.
#[derive(Debug, Default)]
pub(crate) struct Book {
    /// In the order in which they were opened.
    cases: Vec<Kept>,
    /// Index of the newest case of an id, and how many there were.
    newest: BTreeMap<String, (usize, u32)>,
    /// In the order in which they were set.
    silences: Vec<Silence>,
    /// Newest that any case on record was opened or cleared at.
    horizon: JudgedAt,
    /// Position of the newest entry folded.
    position: u64,
}

/// A case on record.
#[derive(Debug)]
pub(crate) struct Kept {
    /// What the judge said of it, and who was told; what else became of it is in `lines`.
    pub(crate) case: v1::Case,
    /// None of an id that this version cannot read.
    pub(crate) key: Option<CaseKey>,
    /// The entries about it behind its opening, in order.
    pub(crate) lines: Vec<Line>,
}

/// Reads an entry of alerting's log.
pub(crate) fn decode(payload: &[u8]) -> Result<v1::AlertEvent, prost::DecodeError> {
    v1::AlertEvent::decode(payload)
}

/// The case that an entry is about; none of one about a silence, or of a later version.
pub(crate) fn case_of(body: &Body) -> Option<&str> {
    match body {
        Body::CaseOpened(e) => Some(&e.case_id),
        Body::CaseCleared(e) => Some(&e.case_id),
        Body::NotificationSent(e) => Some(&e.notification.as_ref()?.case_id),
        Body::CaseAcknowledged(e) => Some(&e.case_id),
        Body::AcknowledgementEnded(e) => Some(&e.case_id),
        Body::CaseEscalated(e) => Some(&e.case_id),
        Body::NotificationWithheld(e) => Some(&e.case_id),
        Body::NotificationRead(e) => Some(&e.case_id),
        Body::SilenceSet(_)
        | Body::SilenceEnded(_)
        | Body::DeliveryRecorded(_)
        | Body::DeliveryFailed(_) => None,
    }
}

/// The verdict that an entry carries.
pub(crate) fn verdict_of(body: &Body) -> Option<&v1::Verdict> {
    match body {
        Body::CaseOpened(e) => e.verdict.as_ref(),
        Body::CaseCleared(e) => e.verdict.as_ref(),
        Body::NotificationSent(e) => e.verdict.as_ref(),
        Body::CaseEscalated(e) => e.verdict.as_ref(),
        _ => None,
    }
}

/// Where an entry stands in all that is counted.
fn stand(position: u64, alert: &v1::AlertEvent, body: &Body) -> Stand {
    Stand {
        position,
        at: verdict_of(body).map_or(alert.position, |verdict| verdict.position),
        day: alert.effective.parse().ok(),
    }
}

impl Book {
    /// Folds the entry at a position of alerting's log; what it does not know leaves no trace.
    pub(crate) fn fold(&mut self, position: u64, alert: &v1::AlertEvent) {
        self.position = self.position.max(position);
        let Some(body) = &alert.body else { return };
        let stand = stand(position, alert, body);
        match body {
            Body::CaseOpened(e) => self.open_case(stand, e),
            Body::CaseCleared(e) => {
                self.horizon = self.horizon.max((stand.at, stand.day));
                if let Some(kept) = self.newest_mut(&e.case_id) {
                    kept.case.cleared = e.verdict.clone();
                    kept.case.cleared_position = position;
                }
            }
            Body::SilenceSet(e) => self.silences.extend(Silence::of(e, stand)),
            Body::SilenceEnded(e) => {
                let mut silences = self.silences.iter_mut();
                if let Some(silence) = silences.find(|it| it.set.silence_id == e.silence_id) {
                    silence.end(e, stand);
                }
            }
            body => {
                let kept = case_of(body).and_then(|id| self.newest_mut(id));
                if let Some(kept) = kept {
                    kept.add(stand, body);
                }
            }
        }
    }

    fn open_case(&mut self, stand: Stand, opened: &v1::CaseOpened) {
        self.horizon = self.horizon.max((stand.at, stand.day));
        let index = self.cases.len();
        self.cases.push(Kept {
            case: v1::Case {
                case_id: opened.case_id.clone(),
                opened: opened.verdict.clone(),
                opened_position: stand.position,
                ..v1::Case::default()
            },
            key: CaseKey::parse(&opened.case_id),
            lines: Vec::new(),
        });
        let newest = self.newest.entry(opened.case_id.clone()).or_default();
        *newest = (index, newest.1 + 1);
    }

    fn newest_mut(&mut self, id: &str) -> Option<&mut Kept> {
        let (index, _) = self.newest.get(id)?;
        self.cases.get_mut(*index)
    }

    /// The newest case of an id.
    pub(crate) fn newest(&self, id: &str) -> Option<&Kept> {
        let (index, _) = self.newest.get(id)?;
        self.cases.get(*index)
    }

    /// The newest case of an id, if it is open.
    pub(crate) fn open(&self, id: &str) -> Option<&v1::Case> {
        let open = self.newest(id).filter(|kept| kept.is_open());
        open.map(|kept| &kept.case)
    }

    /// The open case of a place like another one, of whichever layer.
    pub(crate) fn open_like(
        &self,
        key: &CaseKey,
        (place, concern): (LocalityId, lag::Concern),
        seen: &Seen,
    ) -> Option<&Kept> {
        let layers = QuotaLayer::ALL.iter().copied().map(Some);
        // That of the same layer first.
        let mut layers = [key.layer, None].into_iter().chain(layers);
        layers.find_map(|layer| {
            let like = CaseKey {
                locality: place,
                indicator: key.indicator.clone(),
                layer,
                concern,
            };
            self.newest(&like.to_string())
                .filter(|kept| kept.is_open_as(seen))
        })
    }

    /// How many cases of an id were opened.
    pub(crate) fn openings(&self, id: &str) -> u32 {
        self.newest.get(id).map_or(0, |(_, openings)| *openings)
    }

    /// Newest position and day that any case on record was opened or cleared at.
    pub(crate) fn horizon(&self) -> JudgedAt {
        self.horizon
    }

    /// Position of the newest entry folded.
    pub(crate) fn position(&self) -> u64 {
        self.position
    }

    /// Every case with what became of it, in the order in which they were opened.
    pub(crate) fn kept(&self) -> &[Kept] {
        &self.cases
    }

    /// Those that are open.
    pub(crate) fn open_cases(&self) -> impl Iterator<Item = &Kept> {
        self.cases.iter().filter(|kept| kept.is_open())
    }

    /// Every case: open ones first, then those opened last.
    pub(crate) fn cases(&self) -> impl Iterator<Item = &v1::Case> {
        let cases = || self.cases.iter().rev();
        let open = cases().filter(|kept| kept.is_open());
        let cleared = cases().filter(|kept| !kept.is_open());
        open.chain(cleared).map(|kept| &kept.case)
    }

    /// Every silence, in the order in which they were set.
    pub(crate) fn silences(&self) -> &[Silence] {
        &self.silences
    }

    /// The silence with an id.
    pub(crate) fn silence(&self, id: &str) -> Option<&Silence> {
        let mut silences = self.silences.iter();
        silences.find(|silence| silence.set.silence_id == id)
    }

    /// The silences that cover a case on a day; `above` gives the places above one, and is asked only if any holds at all.
    pub(crate) fn silences_over<'a>(
        &'a self,
        key: &CaseKey,
        day: Date,
        seen: &Seen,
        above: impl FnOnce() -> Vec<LocalityId>,
    ) -> Vec<&'a Silence> {
        let holding = self
            .silences
            .iter()
            .filter(|silence| silence.holds(day, seen));
        let mut holding: Vec<&Silence> = holding.collect();
        if !holding.is_empty() {
            let above = above();
            holding.retain(|silence| silence.is_about(key, &above));
        }
        holding
    }
}

impl Kept {
    fn add(&mut self, stand: Stand, body: &Body) {
        let what = match body {
            Body::NotificationSent(e) => {
                self.case.notifications.extend(e.notification.clone());
                match e.notification {
                    Some(_) => What::Told(self.case.notifications.len() - 1),
                    None => What::Other,
                }
            }
            body => What::of(body),
        };
        self.lines.push(Line {
            position: stand.position,
            at: stand.at,
            day: stand.day,
            what,
        });
    }

    pub(crate) fn is_open(&self) -> bool {
        self.case.cleared_position == 0
    }

    /// Whether it is open, as it is seen.
    pub(crate) fn is_open_as(&self, seen: &Seen) -> bool {
        seen.opening(&self.case) && !seen.clearing(&self.case)
    }

    /// What became of it, as it is seen.
    pub(crate) fn life(&self, seen: &Seen) -> Life<'_> {
        let lines = self.lines.iter();
        let lines = lines.filter(|line| seen.sees(line.position, line.at, line.day));
        Life::of(&self.case.notifications, lines)
    }

    /// The day it was opened for.
    pub(crate) fn opened_on(&self) -> Option<Date> {
        self.case.opened.as_ref()?.judged_for.parse().ok()
    }
}
