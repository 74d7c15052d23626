//! Owners and organisations.

use wire::v1;
use wire::v1::event::Body;

use super::Said;
use crate::cli::{Appointment, Change, Organisation, OwnerRecording};

pub(super) fn owner(command: OwnerRecording) -> Said {
    match command {
        OwnerRecording::Assign(appointment) => assigned(appointment, v1::OwnerAssigned::default()),
        OwnerRecording::HandOver(change) => changed(change, v1::OwnerChange::HandedOver),
        OwnerRecording::Succeed(change) => changed(change, v1::OwnerChange::Succeeded),
    }
}

fn changed(change: Change, how: v1::OwnerChange) -> Said {
    let from = v1::OwnerAssigned {
        change: how as i32,
        from: change.from,
        reason: change.reason,
        ..Default::default()
    };
    assigned(change.appointment, from)
}

/// An appointment, on top of what is said of those who held the role before.
fn assigned(appointment: Appointment, from: v1::OwnerAssigned) -> Said {
    use v1::owner_assigned::Scope;
    let (model, plan) = (appointment.scope.model, appointment.scope.plan);
    let body = Body::OwnerAssigned(v1::OwnerAssigned {
        scope: model.map(Scope::Model).or(plan.map(Scope::Plan)),
        locality: Some(appointment.locality),
        role: appointment.role.into(),
        organisations: appointment.owners,
        accountable_office: appointment.accountable,
        source: Some(appointment.source.into()),
        ..from
    });
    Said {
        person: appointment.person,
        ..Said::new(appointment.fact, body)
    }
}

pub(super) fn organisation(command: Organisation) -> Said {
    let Organisation::Succeed(succeed) = command;
    let body = Body::OrganisationSucceeded(v1::OrganisationSucceeded {
        locality: Some(succeed.locality),
        organisation: succeed.name,
        successors: succeed.successors,
        change: succeed.change.into(),
        document: succeed.document.into(),
        source: Some(succeed.source.into()),
    });
    Said::new(succeed.fact, body)
}
