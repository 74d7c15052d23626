//! Work items: what is to be done by when, how far it is, and who has it.

use domain::code::WorkItemCode;
use domain::event::{
    WorkItemCancelled, WorkItemCompleted, WorkItemDefined, WorkItemProgressed, WorkItemRescheduled,
};
use domain::locality::LocalityId;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::form::{Known, Sound};
use crate::owner::Holders;
use crate::programme::under;
use crate::reading::Reading;
use crate::timeline::{Entry, Recorded, Stamp, Timeline};

/// How far a work item is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum WorkItemStatus {
    /// It can be worked on.
    Open,
    /// Another one must be done before it.
    Blocked,
    /// It is done.
    Completed,
    /// It will not be done.
    Cancelled,
}

/// A work item on record, with what was last said of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WorkItemEntry<'a> {
    /// What was defined.
    pub defined: &'a WorkItemDefined,
    /// How it was completed; none while it is not.
    pub completed: Option<Entry<'a, WorkItemCompleted>>,
    /// How it was cancelled; none while it is not.
    pub cancelled: Option<Entry<'a, WorkItemCancelled>>,
    /// What was last said of its progress.
    pub progressed: Option<Entry<'a, WorkItemProgressed>>,
    /// Its newest days, if it was given others.
    pub rescheduled: Option<Entry<'a, WorkItemRescheduled>>,
    /// Where its definition stands.
    pub recorded: Recorded<'a>,
}

impl WorkItemEntry<'_> {
    /// Whether it is neither completed nor cancelled.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.completed.is_none() && self.cancelled.is_none()
    }

    /// Its last day: that of the newest definition or rescheduling, whichever speaks of the later moment.
    #[must_use]
    pub fn due(&self) -> Option<Date> {
        match self.rescheduled {
            Some(moved) if moved.recorded.is_after(Some(self.recorded)) => Some(moved.due),
            _ => self.defined.due,
        }
    }

    /// Days past its due day; 0 if it is done or cancelled, not yet due or has no due day.
    #[must_use]
    pub fn overdue_days(&self, day: Date) -> u32 {
        match self.due() {
            Some(due) if self.is_open() => u32::try_from((day - due).get_days()).unwrap_or(0),
            _ => 0,
        }
    }

    /// True if no expected result was stated, so that nothing can be counted.
    #[must_use]
    pub fn without_result(&self) -> bool {
        self.defined.expected_result.trim().is_empty()
    }
}

impl<'a> Reading<'a> {
    /// The work items of a locality, by code.
    #[must_use]
    pub fn work_items(&self, id: LocalityId) -> Vec<WorkItemEntry<'a>> {
        self.each_work_item(id).collect()
    }

    /// The same, one after the other.
    pub(crate) fn each_work_item(
        self,
        id: LocalityId,
    ) -> impl Iterator<Item = WorkItemEntry<'a>> + use<'a> {
        let place = self.state.places.index(id).into_iter();
        let items = place.flat_map(move |place| under(&self.state.work_items, place));
        items.filter_map(move |item| self.work_item_entry(item))
    }

    /// A work item of a locality.
    #[must_use]
    pub fn work_item(&self, id: LocalityId, work_item: &WorkItemCode) -> Option<WorkItemEntry<'a>> {
        self.work_item_entry(self.item(id, work_item)?)
    }

    /// How far a work item is; one completed counts as that, whatever was said of it beside.
    #[must_use]
    pub fn work_item_status(&self, item: &WorkItemEntry<'a>) -> WorkItemStatus {
        if item.completed.is_some() {
            WorkItemStatus::Completed
        } else if item.cancelled.is_some() {
            WorkItemStatus::Cancelled
        } else if self.blocked_by(item).is_empty() {
            WorkItemStatus::Open
        } else {
            WorkItemStatus::Blocked
        }
    }

    /// The work items that must be done before one and are not, in the order it names them.
    ///
    /// A cancelled one is not waited for; one that nobody has defined yet is.
    #[must_use]
    pub fn blocked_by(&self, item: &WorkItemEntry<'a>) -> Vec<&'a WorkItemCode> {
        let settled = |other: &WorkItemCode| {
            let other = self.work_item(item.defined.locality, other);
            other.is_some_and(|other| !other.is_open())
        };
        let named = item.defined.depends_on.iter();
        named.filter(|other| !settled(other)).collect()
    }

    /// Each time a work item was given other days, by moment and then by position.
    #[must_use]
    pub fn reschedulings(&self, item: &WorkItemEntry<'a>) -> Vec<Entry<'a, WorkItemRescheduled>> {
        let kept = self.item(item.defined.locality, &item.defined.work_item);
        let seen = kept
            .into_iter()
            .flat_map(|kept| kept.rescheduled.seen(self.sight));
        seen.map(|fact| self.state.entry(fact)).collect()
    }

    /// Who is responsible for a work item now: the organisation named, or those who took over from it since.
    #[must_use]
    pub fn responsible(&self, item: &WorkItemEntry<'a>) -> Holders<'a> {
        let named = [item.defined.organisation.as_str()];
        self.holders(named, item.defined.locality, item.recorded.effective)
    }

    fn item(&self, id: LocalityId, work_item: &WorkItemCode) -> Option<&'a WorkItem> {
        let place = self.state.places.index(id)?;
        self.state.work_items.get(&place)?.get(work_item)
    }

    fn work_item_entry(&self, item: &'a WorkItem) -> Option<WorkItemEntry<'a>> {
        let defined = self.newest(&item.defined)?;
        Some(WorkItemEntry {
            defined: defined.fact,
            completed: self.newest(&item.completed),
            cancelled: self.newest(&item.cancelled),
            progressed: self.newest(&item.progressed),
            rescheduled: self.newest(&item.rescheduled),
            recorded: defined.recorded,
        })
    }
}

/// A work item as it is kept.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct WorkItem {
    pub(crate) defined: Timeline<WorkItemDefined>,
    pub(crate) progressed: Timeline<WorkItemProgressed>,
    pub(crate) rescheduled: Timeline<WorkItemRescheduled>,
    pub(crate) cancelled: Timeline<WorkItemCancelled>,
    pub(crate) completed: Timeline<WorkItemCompleted>,
}

impl Sound for WorkItem {
    fn is_sound(&self, known: &Known) -> bool {
        let Self {
            defined,
            progressed,
            rescheduled,
            cancelled,
            completed,
        } = self;
        let said = defined.is_sound(known) && progressed.is_sound(known);
        let moved = rescheduled.is_sound(known) && cancelled.is_sound(known);
        said && moved && completed.is_sound(known)
    }
}

impl WorkItem {
    pub(crate) fn define(&mut self, stamp: Stamp, body: &WorkItemDefined) {
        self.defined.insert(stamp, body.clone());
    }

    pub(crate) fn progress(&mut self, stamp: Stamp, body: &WorkItemProgressed) {
        self.progressed.insert(stamp, body.clone());
    }

    pub(crate) fn reschedule(&mut self, stamp: Stamp, body: &WorkItemRescheduled) {
        self.rescheduled.insert(stamp, body.clone());
    }

    pub(crate) fn cancel(&mut self, stamp: Stamp, body: &WorkItemCancelled) {
        self.cancelled.insert(stamp, body.clone());
    }

    pub(crate) fn complete(&mut self, stamp: Stamp, body: &WorkItemCompleted) {
        self.completed.insert(stamp, body.clone());
    }

    pub(crate) fn is_defined(&self) -> bool {
        self.defined.known(u64::MAX).next().is_some()
    }
}
