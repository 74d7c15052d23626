//! `tiendo report`, `tiendo correct`, `tiendo quota assign`, `tiendo owner assign`.
//!
//! Here is what they share: the parts of a request, and its receipt.

mod figure;
mod owner;
mod quota;

use wire::v1;

use super::told;
use crate::Failure;
use crate::cli::Reporter;
use crate::client::Clients;
use crate::output::{Output, Table, number, text};

pub(super) use figure::{correct, report};
pub(super) use owner::owner;
pub(super) use quota::quota;

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
