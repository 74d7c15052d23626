//! The commands that record: each makes its events, and one path sends them and shows the receipt.
//!
//! - `programme`, `owner`, `work`, `figure`, `place`: one small function for each command, by what it is about
//! - `file`: events as they are written in a file
//! - `look`: what a command need not be told, since it is on record
//! - `send`: to the service, and its receipt
//!
//! Nothing is decided here: what the service refuses is not recorded, and whether it would is learnt with `--validate-only`.

mod figure;
mod file;
mod look;
mod owner;
mod place;
mod programme;
mod send;
#[cfg(test)]
mod tests;
mod work;

use wire::v1;
use wire::v1::event::Body;

use crate::Failure;
use crate::cli::{
    Fact, FindingResolve, IndicatorRecording, ModelRecording, OwnerRecording, Record, Recording,
    Reporter, Request, Retract, WorkItemRecording,
};
use crate::client::Clients;
use crate::output::Output;

pub(super) use place::locality;

/// One event as a command says it.
#[derive(Debug, Clone)]
struct Said {
    event: v1::Event,
    request: Request,
    /// Name of the person appointed; empty if none is named.
    person: String,
}

impl Said {
    /// A fact that holds from a moment on.
    fn new(fact: Fact, body: Body) -> Self {
        Self::at(fact.as_of, fact.request, body)
    }

    /// An event of a moment.
    fn at(effective: String, request: Request, body: Body) -> Self {
        let event = v1::Event {
            request_id: request.reporter.request_id.clone().unwrap_or_default(),
            ..event(&request.reporter, effective, body)
        };
        Self {
            event,
            request,
            person: String::new(),
        }
    }

    /// The same, insisted on against checks.
    fn insisting(mut self, checks: Vec<String>) -> Self {
        self.event.confirmed_checks = checks;
        self
    }
}

/// What a command says that is told all of it.
fn said(command: Recording) -> Said {
    match command {
        Recording::Report(report) => figure::reported(report),
        Recording::Correct(correct) => figure::corrected(correct),
        Recording::Quota(command) => figure::quota(command),
        Recording::Completion(command) => figure::completion(command),
        Recording::Plan(command) => programme::plan(command),
        Recording::Group(command) => programme::group(command),
        Recording::Readiness(command) => programme::readiness(command),
        Recording::Organisation(command) => owner::organisation(command),
        Recording::Campaign(command) => work::campaign(command),
        Recording::WorkingGroup(command) => work::working_group(command),
    }
}

/// Runs a command that is told all of what it records.
pub(super) async fn one(
    command: Recording,
    clients: &Clients,
    output: Output,
) -> Result<(), Failure> {
    send::one(said(command), clients, output).await
}

/// Records the events of a file, all or none.
pub(super) async fn file(record: Record, clients: &Clients, output: Output) -> Result<(), Failure> {
    let events = file::events(&file::read(&record.file)?, &record.reporter)?;
    send::all(events, record.reporter, clients, output).await
}

/// Takes back the figure at a position; what it is of need not be said.
pub(super) async fn retract(
    retract: Retract,
    clients: &Clients,
    output: Output,
) -> Result<(), Failure> {
    let figure = look::figure(retract.position, clients, output).await?;
    send::one(figure::retracted(retract, figure), clients, output).await
}

/// Answers for what a check found in the event at a position.
pub(super) async fn finding(
    resolve: FindingResolve,
    clients: &Clients,
    output: Output,
) -> Result<(), Failure> {
    let event = look::event(resolve.position, clients, output).await?;
    send::one(figure::resolved(resolve, event), clients, output).await
}

/// Runs a command that records who owns what.
pub(super) async fn owner(
    command: OwnerRecording,
    clients: &Clients,
    output: Output,
) -> Result<(), Failure> {
    send::one(owner::owner(command), clients, output).await
}

/// Runs a command that records something of a model.
pub(super) async fn model(
    command: ModelRecording,
    clients: &Clients,
    output: Output,
) -> Result<(), Failure> {
    send::one(programme::model(command), clients, output).await
}

/// Runs a command that records something of a work item.
pub(super) async fn work_item(
    command: WorkItemRecording,
    clients: &Clients,
    output: Output,
) -> Result<(), Failure> {
    send::one(work::work_item(command), clients, output).await
}

/// Runs a command that records something of an indicator.
pub(super) async fn indicator(
    command: IndicatorRecording,
    clients: &Clients,
    output: Output,
) -> Result<(), Failure> {
    send::one(programme::indicator(command), clients, output).await
}

/// Records that rules of judgement were adopted.
pub(super) async fn rules(
    fact: Fact,
    rules: v1::RulesAdopted,
    clients: &Clients,
    output: Output,
) -> Result<(), Failure> {
    send::one(Said::new(fact, Body::RulesAdopted(rules)), clients, output).await
}

/// An event without a request id.
fn event(reporter: &Reporter, effective: String, body: Body) -> v1::Event {
    v1::Event {
        actor: Some(actor(reporter)),
        effective,
        body: Some(body),
        ..Default::default()
    }
}

/// Who reports, as a message.
pub(super) fn actor(reporter: &Reporter) -> v1::Actor {
    v1::Actor {
        organisation: reporter.organisation.clone(),
        office: reporter.office.clone(),
    }
}

fn denominator(kind: String, value: v1::Quantity) -> v1::Denominator {
    v1::Denominator {
        kind,
        value: Some(value),
        derived: false,
    }
}
