//! Events to the service, and its receipt to the user.

use domain::Check;
use wire::v1;
use wire::v1::record_stream_response::Outcome;

use super::super::told;
use super::Said;
use crate::Failure;
use crate::cli::Reporter;
use crate::client::Clients;
use crate::fail::UNAVAILABLE;
use crate::lang::Lang;
use crate::output::{Output, Table, number, text};

/// Records one event.
pub(super) async fn one(said: Said, clients: &Clients, output: Output) -> Result<(), Failure> {
    let request = v1::RecordRequest {
        event: Some(said.event),
        expected_revision: said.request.expected_revision,
        validate_only: said.request.reporter.validate_only,
        person: said.person,
        acknowledgement: said.request.reporter.acknowledgement(),
    };
    let answer = clients.ingest().await?.record(request).await;
    let answer = answer.map_err(told(output))?.into_inner();
    let receipt = answer.receipt.clone().unwrap_or_default();
    let lang = output.lang;
    let mut shown = Table::new(&[
        number("position", "Vị trí", "Position"),
        text("known", "Ghi sổ lúc", "Known"),
        number("revision", "Lần ghi", "Revision"),
        text("request_id", "Mã yêu cầu", "Request id"),
    ]);
    shown.row([
        receipt.first_position.to_string().into(),
        lang.instant(receipt.known.as_ref()).into(),
        answer.revision.to_string().into(),
        receipt.request_id.as_str().into(),
    ]);
    let mut table = Table::raw(["position", "known", "revision", "request_id", "findings"]);
    table.row([
        receipt.first_position.to_string().into(),
        known(&receipt).into(),
        answer.revision.to_string().into(),
        receipt.request_id.as_str().into(),
        checks(answer.findings.iter()).into(),
    ]);
    let told = answer
        .findings
        .iter()
        .map(|finding| sentence("", finding, lang));
    let head = head(&receipt, told, lang);
    output.answer("RecordResponse", &answer, &head, &table.shown_as(shown))
}

/// Records all events, or none.
///
/// They go as a stream of one batch, for a refusal in a stream lists far more violations than a status has room for.
pub(super) async fn all(
    events: Vec<v1::Event>,
    reporter: Reporter,
    clients: &Clients,
    output: Output,
) -> Result<(), Failure> {
    let count = events.len();
    // Events that were written with the id of their request are repeated with it.
    let said = events.first().map(|event| event.request_id.clone());
    let request = v1::RecordStreamRequest {
        request_id: reporter.request_id.clone().or(said).unwrap_or_default(),
        events,
        validate_only: reporter.validate_only,
        acknowledgement: reporter.acknowledgement(),
        ..Default::default()
    };
    let answers = clients
        .ingest()
        .await?
        .record_stream(tokio_stream::once(request))
        .await;
    let mut answers = answers.map_err(told(output))?.into_inner();
    let answer = answers.message().await.map_err(told(output))?;
    match answer.and_then(|answer| answer.outcome) {
        Some(Outcome::Recorded(recorded)) => show(&recorded, count, output),
        Some(Outcome::Refused(refusal)) => Err(Failure::refusal(&refusal, output.lang)),
        None => Err(Failure::new(UNAVAILABLE, "ingest ended without an answer")),
    }
}

fn show(recorded: &v1::RecordBatchResponse, count: usize, output: Output) -> Result<(), Failure> {
    let receipt = recorded.receipt.clone().unwrap_or_default();
    let lang = output.lang;
    let mut shown = Table::new(&[
        number("first_position", "Từ vị trí", "First position"),
        number("last_position", "Đến vị trí", "Last position"),
        number("events", "Số sự kiện", "Events"),
        text("known", "Ghi sổ lúc", "Known"),
        text("request_id", "Mã yêu cầu", "Request id"),
    ]);
    shown.row([
        receipt.first_position.to_string().into(),
        receipt.last_position.to_string().into(),
        count.to_string().into(),
        lang.instant(receipt.known.as_ref()).into(),
        receipt.request_id.as_str().into(),
    ]);
    let mut table = Table::raw([
        "first_position",
        "last_position",
        "events",
        "known",
        "request_id",
        "findings",
    ]);
    let findings = recorded.findings.iter().flat_map(|event| &event.findings);
    table.row([
        receipt.first_position.to_string().into(),
        receipt.last_position.to_string().into(),
        count.to_string().into(),
        known(&receipt).into(),
        receipt.request_id.as_str().into(),
        checks(findings).into(),
    ]);
    let told = recorded.findings.iter().flat_map(|event| {
        let path = format!("events[{}].", event.event_index);
        let findings = event.findings.iter();
        findings.map(move |finding| sentence(&path, finding, lang))
    });
    let head = head(&receipt, told, lang);
    output.answer(
        "RecordBatchResponse",
        recorded,
        &head,
        &table.shown_as(shown),
    )
}

/// What became of the request, and below it what was found implausible.
fn head(receipt: &v1::Receipt, findings: impl Iterator<Item = String>, lang: Lang) -> String {
    let became = match (receipt.first_position, receipt.repeated) {
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
    findings.fold(became.to_owned(), |text, finding| {
        format!("{text}\n  {finding}")
    })
}

/// A finding as it is told under the receipt: as a violation is, with its severity.
fn sentence(path: &str, finding: &v1::Finding, lang: Lang) -> String {
    let severity = match finding.severity() {
        v1::Severity::Unspecified => "",
        v1::Severity::Note => lang.pick("ghi chú", "note"),
        v1::Severity::Warning => lang.pick("cần xem", "warning"),
        v1::Severity::Blocking => lang.pick("chờ xác nhận", "blocking"),
    };
    let code = check(finding);
    let means = Check::of(code).map_or("", Check::vi);
    let means = lang.pick(format!("{means}; "), String::new());
    let (field, detail) = (&finding.field, &finding.detail);
    format!("{path}{field}: {means}{detail} [{code}, {severity}]")
}

/// The code of the check that found something.
fn check(finding: &v1::Finding) -> &'static str {
    let name = finding.check().as_str_name();
    name.strip_prefix("CHECK_").unwrap_or(name)
}

/// The checks of findings for a spreadsheet; people read the findings themselves above the table.
fn checks<'a>(findings: impl Iterator<Item = &'a v1::Finding>) -> String {
    findings.map(check).collect::<Vec<_>>().join(" ")
}

/// When the log took it, for a spreadsheet; empty if it did not.
fn known(receipt: &v1::Receipt) -> String {
    let known = receipt.known.as_ref().and_then(wire::time::from_wire);
    known.map(|known| known.to_string()).unwrap_or_default()
}
