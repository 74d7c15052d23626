//! Work: which items are open and wait for which, which campaigns go on.

use domain::event::{Body, WorkItemDefined};
use domain::text::Moment;
use domain::{CampaignCode, LocalityId, Reason, WorkItemCode};
use state::Reading;

use super::{OnRecord, Verdict, must_be};
use crate::pending::Thing;

/// Most work items that are followed from one.
const ITEMS_MAX: usize = 1_000;

impl OnRecord<'_> {
    fn work_item(&self, locality: LocalityId, code: &WorkItemCode) -> Verdict {
        let known = self.state.has_work_item(locality, code)
            || self.accepted(Thing::WorkItem(locality, code.clone()));
        must_be(known, Reason::UnknownWorkItem, code)
    }

    /// Whether a work item is neither completed nor cancelled at a moment.
    pub(super) fn open_work_item(
        &self,
        locality: LocalityId,
        code: &WorkItemCode,
        at: &Moment,
    ) -> Verdict {
        self.work_item(locality, code)?;
        let closed = |how: &str, on: Moment, whence: String| {
            let detail = format!("'{code}' was {how} on {on} ({whence}); define another");
            Err((Reason::WorkItemClosed, detail))
        };
        let reading = self.state.latest(*at);
        if let Some(item) = reading.work_item(locality, code) {
            let completed = item.completed.map(|entry| ("completed", entry.recorded));
            let cancelled = item.cancelled.map(|entry| ("cancelled", entry.recorded));
            if let Some((how, recorded)) = completed.or(cancelled) {
                let whence = format!("position {}", recorded.position);
                return closed(how, recorded.effective, whence);
            }
        }
        let key = Thing::WorkItem(locality, code.clone());
        for (on, body) in self.pending.facts(&key) {
            let how = match body {
                Body::WorkItemCompleted(_) => "completed",
                Body::WorkItemCancelled(_) => "cancelled",
                _ => continue,
            };
            if reading.sees(*on) {
                return closed(how, *on, "in this request".to_owned());
            }
        }
        Ok(())
    }

    /// Whether a work item may wait for another: it is on record and does not wait for the first one.
    pub(super) fn dependency(
        &self,
        locality: LocalityId,
        work_item: &WorkItemCode,
        on: &WorkItemCode,
    ) -> Verdict {
        let cycle = |detail| Err((Reason::DependencyCycle, detail));
        if on == work_item {
            return cycle(format!("'{work_item}' would wait for itself"));
        }
        self.work_item(locality, on)?;
        let everything = self.everything();
        let mut codes = vec![on.clone()];
        let mut next = 0;
        while next < codes.len() {
            if codes.len() > ITEMS_MAX {
                return cycle(format!("more than {ITEMS_MAX} items hang on '{on}'"));
            }
            let defined = self.item_defined(locality, &codes[next], &everything);
            for code in defined.into_iter().flat_map(|item| &item.depends_on) {
                if code == work_item {
                    let through = &codes[next];
                    return cycle(format!(
                        "'{work_item}' would wait for itself: '{on}' waits for it through '{through}'"
                    ));
                }
                if !codes.contains(code) {
                    codes.push(code.clone());
                }
            }
            next += 1;
        }
        Ok(())
    }

    /// How a work item is defined, by the request in hand or on record.
    fn item_defined<'r>(
        &'r self,
        locality: LocalityId,
        code: &WorkItemCode,
        reading: &Reading<'r>,
    ) -> Option<&'r WorkItemDefined> {
        let recorded = reading.work_item(locality, code);
        let since = recorded.map(|item| item.recorded.effective);
        let key = Thing::WorkItem(locality, code.clone());
        let said = self
            .pending
            .facts(&key)
            .iter()
            .filter_map(|(at, body)| match body {
                Body::WorkItemDefined(item) if since.is_none_or(|since| *at >= since) => {
                    Some((*at, item))
                }
                _ => None,
            });
        let said = said.max_by_key(|(at, _)| *at).map(|(_, item)| item);
        said.or(recorded.map(|item| item.defined))
    }

    /// Whether a campaign was launched in a locality or above it and goes on at a moment.
    pub(super) fn campaign(
        &self,
        locality: LocalityId,
        code: &CampaignCode,
        at: &Moment,
    ) -> Verdict {
        let reading = self.state.latest(*at);
        for place in reading.lineage(locality) {
            let launched = reading.campaign(place, code).map(|entry| entry.recorded);
            let closed = reading.closing(place, code).map(|entry| entry.recorded);
            let closed = closed.filter(|closed| closed.is_after(launched));
            let since = closed.or(launched).map(|recorded| recorded.effective);
            let key = Thing::Campaign(place, code.clone());
            let closed = match self.said(&key, &reading, since) {
                Some((at, Body::CampaignClosed(_))) => Some(at),
                Some(_) => None,
                None if since.is_none() => continue,
                None => closed.map(|recorded| recorded.effective),
            };
            return match closed {
                None => Ok(()),
                Some(on) => {
                    let detail = format!("'{code}' was closed for {place} on {on}");
                    Err((Reason::CampaignClosed, detail))
                }
            };
        }
        let detail = format!("'{code}' is not launched for {locality} or above it by {at}");
        Err((Reason::UnknownCampaign, detail))
    }
}
