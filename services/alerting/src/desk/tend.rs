//! What is due: looked at on each new day, and when something that held a case back is gone.

use std::collections::BTreeSet;

use domain::event::QuotaLayer;
use jiff::civil::Date;
use lag::{Concern, Transition};
use prost::Message as _;
use uuid::Uuid;
use wire::v1;

use super::{Desk, ROUND_CHANGES_MAX, RecordError, Recorder, append};
use crate::case::{CaseKey, Change};
use crate::escalate::Round;

/// Which cases are to be looked at.
#[derive(Debug, Default)]
pub(super) struct Attend {
    /// The day for which all were looked at.
    day: Option<Date>,
    /// All of them anew: a silence ended.
    pub(super) all: bool,
    /// These, if they are open: their series are no longer silent, or their quotas no longer overdue.
    cases: BTreeSet<String>,
}

impl Attend {
    /// A silent series that reports again no longer mutes its lagging, nor does an overdue quota whose deadline was moved.
    pub(super) fn after(&mut self, change: &Change) {
        let key = &change.key;
        if change.transition != Transition::Cleared {
            return;
        }
        let layers: Vec<_> = match key.concern {
            Concern::Silent => {
                let all = QuotaLayer::ALL.iter().copied().map(Some);
                all.chain([None]).collect()
            }
            Concern::Overdue => vec![key.layer],
            Concern::Lagging | Concern::NoData | Concern::BelowAverage => return,
        };
        let muted = layers.into_iter().map(|layer| CaseKey {
            layer,
            concern: Concern::Lagging,
            ..key.clone()
        });
        self.cases.extend(muted.map(|key| key.to_string()));
    }
}

/// What is due about one case.
struct Due {
    case_id: String,
    request_id: [u8; 16],
    alerts: Vec<v1::AlertEvent>,
}

impl Due {
    /// The id follows from what is said, so that the same is never recorded twice for one opening.
    fn of(case_id: &str, opened_position: u64, alerts: Vec<v1::AlertEvent>) -> Self {
        let mut name = format!("urn:tiendo:due:{case_id}|{opened_position}|").into_bytes();
        for alert in &alerts {
            name.extend(alert.encode_to_vec());
        }
        Self {
            case_id: case_id.to_owned(),
            request_id: *Uuid::new_v5(&Uuid::NAMESPACE_URL, &name).as_bytes(),
            alerts,
        }
    }
}

impl Desk {
    /// Records what is due; on a failure, and in the middle of a request, everything is looked at again later, and what was recorded is due no more.
    pub(super) async fn tend(&self, recorder: &mut Recorder) -> Result<(), RecordError> {
        let Some(day) = self.judge().day() else {
            return Ok(());
        };
        let attend = &recorder.attend;
        let cases: Vec<String> = if attend.all || attend.day != Some(day) {
            let book = self.book();
            let open = book.open_cases();
            open.map(|kept| kept.case.case_id.clone()).collect()
        } else {
            attend.cases.iter().cloned().collect()
        };
        for some in cases.chunks(ROUND_CHANGES_MAX) {
            let Some(due) = self.due(some, day) else {
                return Ok(());
            };
            if !due.is_empty() {
                self.record_due(due).await?;
            }
        }
        recorder.attend = Attend {
            day: Some(day),
            ..Attend::default()
        };
        Ok(())
    }

    /// None while half a request is folded: what the judge says then nobody has said.
    fn due(&self, cases: &[String], day: Date) -> Option<Vec<Due>> {
        let (book, judge) = (self.book(), self.judge());
        if self.is_halfway() {
            return None;
        }
        let round = Round {
            book: &book,
            around: &*judge,
            ladder: judge.steps(),
            day,
        };
        let open = cases.iter().filter_map(|id| book.newest(id));
        let due = open.map(|kept| {
            let case = &kept.case;
            Due::of(&case.case_id, case.opened_position, round.due(kept))
        });
        Some(due.filter(|due| !due.alerts.is_empty()).collect())
    }

    async fn record_due(&self, due: Vec<Due>) -> Result<(), RecordError> {
        let appends = due
            .iter()
            .map(|due| append(due.request_id, &due.case_id, &due.alerts));
        let receipts = self.append_own(appends.collect()).await;
        let mut refused = None;
        for (due, receipt) in due.iter().zip(receipts) {
            match receipt {
                Ok(receipt) => self.keep_told(receipt.first, &due.alerts),
                Err(error) => {
                    refused.get_or_insert(error);
                }
            }
        }
        refused.map_or(Ok(()), Err)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_held_a_lagging_case_back_and_is_cleared_has_it_looked_at() {
        const PLACE: &str = "268@2023-04-10/eid.activated";
        let lagging = |layers: &[&str]| -> Vec<String> {
            let ids = layers.iter().map(|it| format!("{PLACE}/{it}/lagging"));
            ids.collect()
        };
        let all = ["central", "commitment", "none", "provincial"];
        for (concern, transition, looked_at) in [
            ("silent", Transition::Cleared, lagging(&all)),
            ("overdue", Transition::Cleared, lagging(&["central"])),
            ("overdue", Transition::Opened, Vec::new()),
            ("below_average", Transition::Cleared, Vec::new()),
        ] {
            let mut attend = Attend::default();
            attend.after(&Change {
                key: CaseKey::parse(&format!("{PLACE}/central/{concern}")).unwrap(),
                transition,
                verdict: v1::Verdict::default(),
                first: None,
            });
            let cases: Vec<String> = attend.cases.into_iter().collect();
            assert_eq!(cases, looked_at, "{concern} {transition:?}");
        }
    }
}
