//! What alerting's own log says was told.

use std::collections::BTreeMap;

use prost::Message as _;
use wire::v1;
use wire::v1::alert_event::Body;

/// The cases on record, folded from alerting's own log.
#[derive(Debug, Default)]
pub(crate) struct Book {
    /// In the order in which they were opened.
    cases: Vec<v1::Case>,
    /// Index of the newest case of an id, and how many there were.
    newest: BTreeMap<String, (usize, u32)>,
    /// Newest position of the ledger that anything on record was judged at.
    horizon: u64,
}

/// Reads an entry of alerting's log.
pub(crate) fn decode(payload: &[u8]) -> Result<v1::AlertEvent, prost::DecodeError> {
    v1::AlertEvent::decode(payload)
}

/// The case and the verdict that an entry is about.
pub(crate) fn about(alert: &v1::AlertEvent) -> Option<(&str, &v1::Verdict)> {
    match alert.body.as_ref()? {
        Body::CaseOpened(e) => Some((&e.case_id, e.verdict.as_ref()?)),
        Body::CaseCleared(e) => Some((&e.case_id, e.verdict.as_ref()?)),
        Body::NotificationSent(e) => Some((&e.notification.as_ref()?.case_id, e.verdict.as_ref()?)),
    }
}

impl Book {
    /// Folds the entry at a position of alerting's log.
    pub(crate) fn fold(&mut self, position: u64, alert: &v1::AlertEvent) {
        if let Some((_, verdict)) = about(alert) {
            self.horizon = self.horizon.max(verdict.position);
        }
        match &alert.body {
            Some(Body::CaseOpened(e)) => {
                let index = self.cases.len();
                self.cases.push(v1::Case {
                    case_id: e.case_id.clone(),
                    opened: e.verdict.clone(),
                    opened_position: position,
                    ..v1::Case::default()
                });
                let newest = self.newest.entry(e.case_id.clone()).or_default();
                *newest = (index, newest.1 + 1);
            }
            Some(Body::CaseCleared(e)) => {
                if let Some(case) = self.newest_mut(&e.case_id) {
                    case.cleared = e.verdict.clone();
                    case.cleared_position = position;
                }
            }
            Some(Body::NotificationSent(e)) => {
                let Some(notification) = &e.notification else {
                    return;
                };
                if let Some(case) = self.newest_mut(&notification.case_id) {
                    case.notifications.push(notification.clone());
                }
            }
            None => {}
        }
    }

    fn newest_mut(&mut self, id: &str) -> Option<&mut v1::Case> {
        let (index, _) = self.newest.get(id)?;
        self.cases.get_mut(*index)
    }

    /// The newest case of an id.
    pub(crate) fn newest(&self, id: &str) -> Option<&v1::Case> {
        let (index, _) = self.newest.get(id)?;
        self.cases.get(*index)
    }

    /// The newest case of an id, if it is open.
    pub(crate) fn open(&self, id: &str) -> Option<&v1::Case> {
        self.newest(id).filter(|case| case.cleared_position == 0)
    }

    /// How many cases of an id were opened.
    pub(crate) fn openings(&self, id: &str) -> u32 {
        self.newest.get(id).map_or(0, |(_, openings)| *openings)
    }

    /// Newest position of the ledger that anything on record was judged at.
    pub(crate) fn horizon(&self) -> u64 {
        self.horizon
    }

    /// Every case: open ones first, then those opened last.
    pub(crate) fn cases(&self) -> impl Iterator<Item = &v1::Case> {
        let is_open = |case: &&v1::Case| case.cleared_position == 0;
        let open = self.cases.iter().rev().filter(is_open);
        open.chain(self.cases.iter().rev().filter(move |case| !is_open(case)))
    }
}
