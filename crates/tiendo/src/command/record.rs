//! `tiendo report`, `tiendo correct`, `tiendo quota assign`, `tiendo owner assign`.

use wire::v1;

use super::told;
use crate::Failure;
use crate::cli::{Correct, FigureParts, LayerName, Owner, Quota, Report, Reporter, RoleName};
use crate::client::Clients;
use crate::output::{Output, Table, number, text};

pub(super) async fn report(
    report: Report,
    clients: &Clients,
    output: Output,
) -> Result<(), Failure> {
    let figure = report.figure;
    let effective = figure.as_of.clone();
    let body = v1::event::Body::ProgressReported(v1::ProgressReported {
        locality: locality(&figure.locality),
        indicator: report.indicator,
        value: value(&figure),
        denominator: figure_denominator(&figure),
        percent: figure.percent.unwrap_or_default(),
        source: source(figure.source),
        note: report.note,
    });
    record(report.reporter, effective, body, clients, output).await
}

pub(super) async fn correct(
    correct: Correct,
    clients: &Clients,
    output: Output,
) -> Result<(), Failure> {
    let figure = correct.figure;
    let effective = figure.as_of.clone();
    let body = v1::event::Body::ProgressCorrected(v1::ProgressCorrected {
        corrects: correct.position,
        locality: locality(&figure.locality),
        indicator: correct.indicator,
        value: value(&figure),
        denominator: figure_denominator(&figure),
        percent: figure.percent.unwrap_or_default(),
        source: source(figure.source),
        reason: correct.reason,
    });
    record(correct.reporter, effective, body, clients, output).await
}

pub(super) async fn quota(
    command: Quota,
    clients: &Clients,
    output: Output,
) -> Result<(), Failure> {
    let Quota::Assign(quota) = command;
    let layer = match quota.layer {
        LayerName::Central => v1::QuotaLayer::Central,
        LayerName::Provincial => v1::QuotaLayer::Provincial,
        LayerName::Commitment => v1::QuotaLayer::Commitment,
    };
    let body = v1::event::Body::QuotaAssigned(v1::QuotaAssigned {
        locality: locality(&quota.locality),
        indicator: quota.indicator,
        layer: layer as i32,
        denominator: denominator(&quota.denominator_kind, &quota.denominator),
        target_percent: quota.target,
        start: quota.start.unwrap_or_default(),
        deadline: quota.deadline.unwrap_or_default(),
        milestones: Vec::new(),
        document: Some(v1::Document {
            number: quota.document,
            issuer: quota.issuer,
            ..Default::default()
        }),
    });
    record(quota.reporter, quota.as_of, body, clients, output).await
}

pub(super) async fn owner(
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

fn locality(code: &str) -> Option<v1::LocalityRef> {
    Some(v1::LocalityRef {
        code: code.to_owned(),
        since: String::new(),
    })
}

fn source(title: String) -> Option<v1::Source> {
    Some(v1::Source {
        title,
        url: String::new(),
    })
}

/// A number as it was written; the service reads it, so that every way in reads it the same.
fn written(text: &str) -> v1::Quantity {
    v1::Quantity {
        number: Some(v1::quantity::Number::Text(text.to_owned())),
        bound: 0,
    }
}

fn value(figure: &FigureParts) -> Option<v1::Quantity> {
    figure.value.as_deref().map(written)
}

fn figure_denominator(figure: &FigureParts) -> Option<v1::Denominator> {
    figure
        .denominator
        .as_deref()
        .and_then(|value| denominator(&figure.denominator_kind, value))
}

fn denominator(kind: &str, value: &str) -> Option<v1::Denominator> {
    Some(v1::Denominator {
        kind: kind.to_owned(),
        value: Some(written(value)),
        derived: false,
    })
}

async fn record(
    reporter: Reporter,
    effective: String,
    body: v1::event::Body,
    clients: &Clients,
    output: Output,
) -> Result<(), Failure> {
    let event = event(&reporter, effective, body);
    send(request(event, &reporter), clients, output).await
}

fn event(reporter: &Reporter, effective: String, body: v1::event::Body) -> v1::Event {
    v1::Event {
        request_id: reporter.request_id.clone().unwrap_or_default(),
        actor: Some(actor(reporter)),
        effective,
        body: Some(body),
    }
}

/// Who reports, as a message.
pub(super) fn actor(reporter: &Reporter) -> v1::Actor {
    v1::Actor {
        organisation: reporter.organisation.clone(),
        office: reporter.office.clone(),
    }
}

fn request(event: v1::Event, reporter: &Reporter) -> v1::RecordRequest {
    v1::RecordRequest {
        event: Some(event),
        expected_revision: None,
        validate_only: reporter.validate_only,
        person: String::new(),
    }
}

async fn send(
    request: v1::RecordRequest,
    clients: &Clients,
    output: Output,
) -> Result<(), Failure> {
    let answer = clients
        .ingest()
        .await?
        .record(request)
        .await
        .map_err(told(output))?
        .into_inner();
    let receipt = answer.receipt.clone().unwrap_or_default();
    let lang = output.lang;
    let mut table = Table::new(&[
        number("position", "Vị trí", "Position"),
        text("known", "Ghi sổ lúc", "Known"),
        number("revision", "Lần ghi", "Revision"),
        text("request_id", "Mã yêu cầu", "Request id"),
    ]);
    table.row([
        receipt.first_position.to_string().into(),
        lang.instant(receipt.known.as_ref()).into(),
        answer.revision.to_string().into(),
        receipt.request_id.into(),
    ]);
    let head = match (receipt.first_position, receipt.repeated) {
        (0, _) => lang.pick(
            "Hợp lệ; không ghi gì (--validate-only)",
            "Valid; nothing recorded (--validate-only)",
        ),
        (_, true) => lang.pick(
            "Đã ghi từ trước; biên nhận cũ",
            "Recorded before; the old receipt",
        ),
        (_, false) => lang.pick("Đã ghi sổ", "Recorded"),
    };
    output.answer("RecordResponse", &answer, head, &table)
}
