//! `tiendo owner assign`.

use wire::v1;

use super::{event, locality, request, send, source};
use crate::Failure;
use crate::cli::{Owner, RoleName};
use crate::client::Clients;
use crate::output::Output;

pub(crate) async fn owner(
    command: Owner,
    clients: &Clients,
    output: Output,
) -> Result<(), Failure> {
    use v1::owner_assigned::Scope;
    let Owner::Assign(owner) = command;
    let role = match owner.role {
        RoleName::Lead => v1::Role::Lead,
        RoleName::Coordinating => v1::Role::Coordinating,
        RoleName::Implementing => v1::Role::Implementing,
        RoleName::Focal => v1::Role::Focal,
    };
    let model = owner.model.map(Scope::Model);
    let body = v1::event::Body::OwnerAssigned(v1::OwnerAssigned {
        scope: model.or(owner.plan.map(Scope::Plan)),
        locality: locality(&owner.locality),
        role: role as i32,
        organisations: owner.owners,
        accountable_office: owner.accountable,
        source: source(owner.source),
        person_commitment: Vec::new(),
    });
    let event = event(&owner.reporter, owner.as_of, body);
    let request = v1::RecordRequest {
        person: owner.person,
        ..request(event, &owner.reporter)
    };
    send(request, clients, output).await
}
