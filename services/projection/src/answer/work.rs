//! Work items.

use state::{Reading, WorkItemEntry, WorkItemStatus, WorkListed};
use wire::event as encode;
use wire::v1;

use super::{date, head, recorded};

/// A work item of a list, and where it is to be done; none if it is not on record.
pub(crate) fn listed_item(
    reading: &Reading<'_>,
    listed: &WorkListed<'_>,
) -> Option<v1::ListedWorkItem> {
    let entry = reading.work_item(listed.locality, listed.work_item)?;
    Some(v1::ListedWorkItem {
        locality: reading.locality(listed.locality).as_ref().map(head),
        item: Some(item(reading, &entry)),
    })
}

/// A work item, and where it stands.
pub(super) fn item(reading: &Reading<'_>, entry: &WorkItemEntry<'_>) -> v1::WorkItem {
    let (completed, cancelled) = (entry.completed, entry.cancelled);
    let reschedulings = reading.reschedulings(entry).into_iter();
    let status = match reading.work_item_status(entry) {
        WorkItemStatus::Open => v1::WorkItemStatus::Open,
        WorkItemStatus::Blocked => v1::WorkItemStatus::Blocked,
        WorkItemStatus::Completed => v1::WorkItemStatus::Completed,
        WorkItemStatus::Cancelled => v1::WorkItemStatus::Cancelled,
    };
    v1::WorkItem {
        defined: Some(encode::work_item_defined(entry.defined)),
        completed: completed.map_or_else(String::new, |c| c.recorded.effective.to_string()),
        evidence: completed.map_or_else(String::new, |c| c.fact.evidence.clone()),
        overdue_days: entry.overdue_days(reading.as_of().date()),
        without_result: entry.without_result(),
        recorded: Some(recorded(&entry.recorded)),
        status: status as i32,
        due: date(entry.due()),
        reschedulings: reschedulings
            .map(|moved| v1::Rescheduling {
                rescheduled: Some(encode::work_item_rescheduled(moved.fact)),
                recorded: Some(recorded(&moved.recorded)),
            })
            .collect(),
        progressed: entry
            .progressed
            .map(|progressed| encode::work_item_progressed(progressed.fact)),
        cancelled: cancelled.map_or_else(String::new, |c| c.recorded.effective.to_string()),
        cancelled_reason: cancelled.map_or_else(String::new, |c| c.fact.reason.clone()),
        blocked_by: reading
            .blocked_by(entry)
            .into_iter()
            .map(ToString::to_string)
            .collect(),
        responsible: reading
            .responsible(entry)
            .organisations
            .into_iter()
            .map(ToOwned::to_owned)
            .collect(),
    }
}
