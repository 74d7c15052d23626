//! Facts as requests carry them.

use wire::v1;
use wire::v1::event::Body;
use wire::v1::quantity::Number;

/// Who reports in the stories.
#[must_use]
pub fn actor() -> v1::Actor {
    v1::Actor {
        organisation: "Công an tỉnh Khánh Hòa".to_owned(),
        office: "Tổ công tác Đề án 06".to_owned(),
    }
}

/// An event without a request id.
#[must_use]
pub fn event(effective: &str, body: Body) -> v1::Event {
    v1::Event {
        request_id: String::new(),
        actor: Some(actor()),
        effective: effective.to_owned(),
        body: Some(body),
        ..Default::default()
    }
}

/// A locality by its code alone.
#[must_use]
pub fn place(code: &str) -> Option<v1::LocalityRef> {
    Some(v1::LocalityRef {
        code: code.to_owned(),
        since: String::new(),
    })
}

/// A count as a number.
#[must_use]
pub fn count(count: i64) -> Option<v1::Quantity> {
    Some(v1::Quantity {
        number: Some(Number::Count(count)),
        bound: 0,
    })
}

/// A count as officials write it.
#[must_use]
pub fn written(text: &str) -> Option<v1::Quantity> {
    Some(v1::Quantity {
        number: Some(Number::Text(text.to_owned())),
        bound: 0,
    })
}

/// So many people of the quota.
#[must_use]
pub fn of_quota(value: Option<v1::Quantity>) -> Option<v1::Denominator> {
    Some(v1::Denominator {
        kind: "quota".to_owned(),
        value,
        derived: false,
    })
}

/// A figure of activated accounts, to be changed before it is sent.
#[must_use]
pub fn figure(locality: &str, value: Option<v1::Quantity>) -> v1::ProgressReported {
    v1::ProgressReported {
        locality: place(locality),
        indicator: "eid.activated".to_owned(),
        value,
        denominator: None,
        percent: String::new(),
        source: Some(v1::Source {
            title: "Báo cáo tuần".to_owned(),
            url: String::new(),
        }),
        note: String::new(),
        ..Default::default()
    }
}

/// A report of activated accounts.
#[must_use]
pub fn report(locality: &str, effective: &str, value: i64) -> v1::Event {
    event(
        effective,
        Body::ProgressReported(figure(locality, count(value))),
    )
}

/// A provincial quota of activated accounts with a deadline.
#[must_use]
pub fn quota(locality: &str, people: i64, start: &str, deadline: &str) -> v1::Event {
    let body = Body::QuotaAssigned(v1::QuotaAssigned {
        locality: place(locality),
        indicator: "eid.activated".to_owned(),
        layer: v1::QuotaLayer::Provincial as i32,
        denominator: of_quota(count(people)),
        target_percent: String::new(),
        start: start.to_owned(),
        deadline: deadline.to_owned(),
        milestones: Vec::new(),
        document: Some(v1::Document {
            issuer: "UBND tỉnh".to_owned(),
            ..v1::Document::default()
        }),
    });
    event(start, body)
}

/// A request to record one event.
#[must_use]
pub fn request(event: v1::Event) -> v1::RecordRequest {
    v1::RecordRequest {
        event: Some(event),
        expected_revision: None,
        validate_only: false,
        ..Default::default()
    }
}

/// A request to record all of them, or none.
#[must_use]
pub fn batch(events: Vec<v1::Event>) -> v1::RecordBatchRequest {
    v1::RecordBatchRequest {
        request_id: String::new(),
        events,
        validate_only: false,
        persons: Vec::new(),
        skip_known: false,
        ..Default::default()
    }
}
