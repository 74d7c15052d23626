//! Work: work items, campaigns, working groups.

use wire::v1;
use wire::v1::event::Body;

use super::Said;
use crate::cli::{Campaign, WorkItemDefine, WorkItemRecording, WorkingGroup};

pub(super) fn work_item(command: WorkItemRecording) -> Said {
    match command {
        WorkItemRecording::Define(define) => defined(define),
        WorkItemRecording::Progress(progress) => {
            let body = Body::WorkItemProgressed(v1::WorkItemProgressed {
                work_item: progress.item.work_item,
                locality: Some(progress.item.locality),
                done: progress.done,
                percent: progress.percent,
                note: progress.note,
            });
            Said::new(progress.fact, body)
        }
        WorkItemRecording::Reschedule(reschedule) => {
            let body = Body::WorkItemRescheduled(v1::WorkItemRescheduled {
                work_item: reschedule.item.work_item,
                locality: Some(reschedule.item.locality),
                start: reschedule.start,
                due: reschedule.due,
                reason: reschedule.reason,
                document: reschedule.document.into(),
            });
            Said::new(reschedule.fact, body)
        }
        WorkItemRecording::Complete(complete) => {
            let body = Body::WorkItemCompleted(v1::WorkItemCompleted {
                work_item: complete.item.work_item,
                locality: Some(complete.item.locality),
                evidence: complete.evidence,
            });
            Said::new(complete.fact, body)
        }
        WorkItemRecording::Cancel(cancel) => {
            let body = Body::WorkItemCancelled(v1::WorkItemCancelled {
                work_item: cancel.item.work_item,
                locality: Some(cancel.item.locality),
                reason: cancel.reason,
                document: cancel.document.into(),
            });
            Said::new(cancel.fact, body)
        }
    }
}

fn defined(define: WorkItemDefine) -> Said {
    let content = v1::Name {
        vi: define.content,
        en: define.content_en,
    };
    let body = Body::WorkItemDefined(v1::WorkItemDefined {
        work_item: define.item.work_item,
        locality: Some(define.item.locality),
        model: define.model,
        content: Some(content),
        volume: define.volume,
        unit: define.unit,
        expected_result: define.expected_result,
        start: define.start,
        due: define.due,
        organisation: define.responsible,
        office: define.responsible_office,
        origin: define.origin.into(),
        depends_on: define.depends_on,
    });
    Said::new(define.fact, body)
}

pub(super) fn campaign(command: Campaign) -> Said {
    match command {
        Campaign::Launch(launch) => {
            let body = Body::CampaignLaunched(v1::CampaignLaunched {
                campaign: launch.campaign,
                locality: Some(launch.locality),
                name: Some(launch.name.into()),
                start: launch.start,
                end: launch.end,
                days: launch.days,
                working_groups: launch.working_groups,
                members: launch.members,
                hours: launch.hours,
                source: Some(launch.source.into()),
            });
            Said::new(launch.fact, body)
        }
        Campaign::Close(close) => {
            let body = Body::CampaignClosed(v1::CampaignClosed {
                campaign: close.campaign,
                locality: Some(close.locality),
                outcome: close.outcome,
                source: Some(close.source.into()),
            });
            Said::new(close.fact, body)
        }
    }
}

pub(super) fn working_group(command: WorkingGroup) -> Said {
    let WorkingGroup::Form(form) = command;
    let body = Body::WorkingGroupFormed(v1::WorkingGroupFormed {
        campaign: form.campaign,
        group: form.group,
        locality: Some(form.locality),
        name: Some(form.name.into()),
        members: form.members,
        area: form.area,
        source: Some(form.source.into()),
    });
    Said::new(form.fact, body)
}
