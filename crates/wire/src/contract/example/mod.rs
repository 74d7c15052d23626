//! One message of each kind, every field of it set somewhere: documentation and test vector.
//!
//! Written as code, so that a new field or kind does not compile before it has an example.

mod alert;
mod figure;
mod place;
mod work;

use domain::event::{Document, Name, Source};
use domain::finding::{Check, Finding, Severity};
use domain::{Actor, Body, Event, LocalityCode, LocalityId, TraceParent};
use jiff::civil::{Date, date};
use uuid::Uuid;

use super::{Error, Ledger};
use crate::cloud_event::{self, Place};

/// The ledger of the examples.
const LEDGER: &str = "khanh-hoa";
/// When the log took the first of them: 2 July 2025, 8:30 in Vietnam, long after most of it.
const KNOWN_MICROS: i64 = 1_751_419_800_250_000;

/// A message as it is on the bus.
pub(super) struct Message {
    /// Which ledger it is of.
    pub(super) ledger: Ledger,
    /// The topic.
    pub(super) topic: &'static str,
    /// What happened within it.
    pub(super) event: &'static str,
    /// What it comes under.
    pub(super) subject: String,
    /// Its bytes.
    pub(super) payload: Vec<u8>,
}

/// One message of each kind, those of the ledger first.
pub(super) fn messages() -> Result<Vec<Message>, Error> {
    let mut messages = Vec::new();
    for (position, event) in (1..).zip(events()?) {
        let subject = event.body.subject();
        // Each is the only event of its request.
        let (on, payload) = cloud_event::publish(at(LEDGER, position), &event, true)?;
        messages.push(Message {
            ledger: Ledger::Programme,
            topic: subject.topic,
            event: subject.event,
            subject: on,
            payload,
        });
    }
    let ledger = format!("{LEDGER}-alerts");
    for (position, (about, entry)) in (1..).zip(alert::entries()?) {
        let body = entry.body.as_ref().ok_or("an example without a body")?;
        let (topic, event) = cloud_event::alert_kind(body);
        let (subject, payload) = cloud_event::publish_alert(at(&ledger, position), about, &entry)?;
        messages.push(Message {
            ledger: Ledger::Alerts,
            topic,
            event,
            subject,
            payload,
        });
    }
    Ok(messages)
}

/// Where the example of a position stands: one a minute.
fn at(ledger: &str, position: u64) -> Place<'_> {
    Place {
        ledger,
        position,
        known: known(position),
    }
}

/// When the log took the example of a position.
pub(super) fn known(position: u64) -> jiff::Timestamp {
    let minutes = i64::try_from(position).unwrap_or_default();
    crate::time::of_micros(KNOWN_MICROS + minutes * 60_000_000)
}

pub(super) fn events() -> Result<Vec<Event>, Error> {
    let bodies = [
        place::bodies()?,
        place::programme()?,
        place::owners()?,
        figure::bodies()?,
        figure::rules()?,
        work::campaigns()?,
        work::items()?,
        work::judgements()?,
    ];
    let mut events = Vec::new();
    for (number, body) in (1..).zip(bodies.into_iter().flatten()) {
        let is_report = matches!(body, Body::ProgressReported(_));
        events.push(Event {
            request_id: Uuid::from_u128(0x0197_c8c1_49c0_7000_8000_0000_0000_0000 | number),
            actor: Actor {
                organisation: "Công an tỉnh Khánh Hòa".to_owned(),
                office: "Tổ công tác Đề án 06".to_owned(),
            },
            effective: moment(&body)?,
            confirmed: is_report
                .then_some(Check::FactorOfTen)
                .into_iter()
                .collect(),
            findings: is_report.then(finding).into_iter().collect(),
            traceparent: is_report.then(trace).flatten(),
            body,
        });
    }
    Ok(events)
}

/// A figure is of an hour, a plan's and a register's entry of a day, a directive of a month.
fn moment(body: &Body) -> Result<domain::text::Moment, Error> {
    let text = match body {
        Body::ProgressReported(_) | Body::ProgressCorrected(_) | Body::ProgressRetracted(_) => {
            "2023-06-29T23"
        }
        Body::LocalityEnded(_) => "2025-07-01",
        Body::DirectiveIssued(_) => "2023-06",
        _ => "2023-06-21",
    };
    Ok(domain::text::Moment::parse(text)?)
}

fn finding() -> Finding {
    Finding {
        check: Check::FactorOfTen,
        severity: Severity::Blocking,
        field: "value".to_owned(),
        detail: "634,327 is about 10 times the 63,400 of 22 June 2023".to_owned(),
        rule: "plausible-1".to_owned(),
        position: Some(12),
    }
}

/// The example of the specification.
fn trace() -> Option<TraceParent> {
    TraceParent::parse("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")
}

/// Khánh Hòa.
fn province() -> Result<LocalityId, Error> {
    locality("56", date(2023, 4, 10))
}

/// Nha Trang.
fn district() -> Result<LocalityId, Error> {
    locality("568", date(2023, 4, 10))
}

fn locality(code: &str, since: Date) -> Result<LocalityId, Error> {
    let code: LocalityCode = code.parse()?;
    Ok(LocalityId { code, since })
}

fn name(vi: &str, en: &str) -> Name {
    Name {
        vi: vi.to_owned(),
        en: en.to_owned(),
    }
}

fn source() -> Source {
    Source {
        title: "Báo cáo tuần của Tổ công tác Đề án 06".to_owned(),
        url: "https://example.org/bao-cao/2023-06-29".to_owned(),
    }
}

fn document() -> Document {
    Document {
        number: "6559/KH-UBND".to_owned(),
        date: Some(date(2023, 6, 30)),
        issuer: "UBND tỉnh Khánh Hòa".to_owned(),
        title: "Kế hoạch triển khai các mô hình điểm của Đề án 06".to_owned(),
    }
}

/// The head of the ledger that the examples are of, as its relay tells it.
pub(super) fn heartbeat() -> super::Heartbeat {
    super::Heartbeat {
        ledger: LEDGER.to_owned(),
        head: 40,
    }
}
