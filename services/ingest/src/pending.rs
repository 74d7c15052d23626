//! What this commit has accepted but not yet made durable.
//!
//! Within a batch an event may rest on the one before it (a group, then its models), yet nothing may be folded before it is durable.
//! So the rules look here as well as in the state, and a refused batch is undone by going back to its mark.

use std::collections::HashMap;

use domain::event::Body;
use domain::{
    GroupCode, IndicatorCode, LocalityCode, LocalityId, ModelCode, PlanCode, WorkItemCode,
};

/// A thing that an accepted event brought into being or used up.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Key {
    /// An indicator defined.
    Indicator(IndicatorCode),
    /// A model defined.
    Model(ModelCode),
    /// A group defined.
    Group(GroupCode),
    /// A plan adopted.
    Plan(PlanCode),
    /// A work item of a locality defined.
    WorkItem(LocalityId, WorkItemCode),
    /// A locality registered.
    Locality(LocalityId),
    /// A position corrected.
    Corrected(u64),
    /// An event of a subject, counted for revisions.
    Revision(String),
}

/// The accepted events of a commit, as keys.
#[derive(Debug, Default)]
pub(crate) struct Pending {
    counts: HashMap<Key, u64>,
    order: Vec<Key>,
}

impl Pending {
    /// Where to go back to if what follows is refused.
    pub(crate) fn mark(&self) -> usize {
        self.order.len()
    }

    pub(crate) fn undo(&mut self, mark: usize) {
        for key in self.order.drain(mark..) {
            if let Some(count) = self.counts.get_mut(&key) {
                *count -= 1;
                if *count == 0 {
                    self.counts.remove(&key);
                }
            }
        }
    }

    pub(crate) fn clear(&mut self) {
        self.counts.clear();
        self.order.clear();
    }

    pub(crate) fn holds(&self, key: &Key) -> bool {
        self.counts.contains_key(key)
    }

    pub(crate) fn revisions(&self, subject: &str) -> u64 {
        self.counts
            .get(&Key::Revision(subject.to_owned()))
            .copied()
            .unwrap_or(0)
    }

    /// The identity registered in this commit under a code.
    pub(crate) fn registered(&self, code: LocalityCode) -> Option<LocalityId> {
        self.order.iter().rev().find_map(|key| match key {
            Key::Locality(id) if id.code == code => Some(*id),
            _ => None,
        })
    }

    pub(crate) fn add(&mut self, body: &Body, revision_key: &str) {
        let key = match body {
            Body::IndicatorDefined(e) => Some(Key::Indicator(e.indicator.clone())),
            Body::ModelDefined(e) => Some(Key::Model(e.model.clone())),
            Body::GroupDefined(e) => Some(Key::Group(e.group.clone())),
            Body::PlanAdopted(e) => Some(Key::Plan(e.plan.clone())),
            Body::WorkItemDefined(e) => Some(Key::WorkItem(e.locality, e.work_item.clone())),
            Body::LocalityRegistered(e) => Some(Key::Locality(e.locality)),
            Body::ProgressCorrected(e) => Some(Key::Corrected(e.corrects)),
            _ => None,
        };
        for key in key
            .into_iter()
            .chain([Key::Revision(revision_key.to_owned())])
        {
            *self.counts.entry(key.clone()).or_insert(0) += 1;
            self.order.push(key);
        }
    }
}
