//! Stories as officials tell them, and laws against a naive model.

mod compare;
mod concern;
mod content;
mod diff;
mod doubt;
mod life;
mod matrix;
mod memory;
mod missing;
mod model;
mod names;
mod organisation;
mod owners;
mod portfolio;
mod rank;
mod reform;
mod rules;
mod saved;
mod stories;
mod trajectory;

use domain::event::{
    Actor, Body, Denominator, Document, Event, Figure, LocalityEnded, LocalityRegistered, Name,
    ProgressCorrected, ProgressReported, QuotaAssigned, QuotaLayer, Source, Successor,
};
use domain::finding::{Check, Finding, Severity};
use domain::locality::LocalityId;
use domain::text::{Bound, Moment, Percent, Quantity};
use jiff::Timestamp;
use jiff::civil::Date;
use uuid::Uuid;

use crate::State;

/// A state being written to, one event after the other.
struct Ledger {
    state: State,
    now: Timestamp,
}

impl Ledger {
    fn new() -> Self {
        Self {
            state: State::new(),
            now: instant("2023-06-01T00:00:00Z"),
        }
    }

    /// Sets when the next events become known.
    fn on(&mut self, now: &str) -> &mut Self {
        self.now = instant(now);
        self
    }

    /// Folds an event and tells its position.
    fn add(&mut self, effective: &str, body: impl Into<Body>) -> u64 {
        let position = self.state.position() + 1;
        self.state
            .apply(position, self.now, &event(moment(effective), body.into()))
            .unwrap();
        position
    }

    /// Folds an event with findings and tells its position.
    fn add_doubtful(&mut self, effective: &str, body: Body, findings: Vec<Finding>) -> u64 {
        let position = self.state.position() + 1;
        let event = Event {
            findings,
            ..event(moment(effective), body)
        };
        self.state.apply(position, self.now, &event).unwrap();
        position
    }
}

fn instant(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn moment(text: &str) -> Moment {
    text.parse().unwrap()
}

fn day(text: &str) -> Date {
    text.parse().unwrap()
}

fn id(text: &str) -> LocalityId {
    let (code, since) = text.split_once('@').unwrap();
    LocalityId {
        code: code.parse().unwrap(),
        since: day(since),
    }
}

fn code<T: std::str::FromStr<Err = domain::CodeError>>(text: &str) -> T {
    text.parse().unwrap()
}

fn vi(text: &str) -> Name {
    Name {
        vi: text.to_owned(),
        en: String::new(),
    }
}

fn event(effective: Moment, body: Body) -> Event {
    let actor = Actor {
        organisation: "Công an".to_owned(),
        office: "Trưởng".to_owned(),
    };
    Event {
        request_id: Uuid::nil(),
        actor,
        effective,
        body,
        confirmed: Vec::new(),
        findings: Vec::new(),
        traceparent: None,
    }
}

fn finding(check: Check, severity: Severity) -> Finding {
    Finding {
        check,
        severity,
        field: "value".to_owned(),
        detail: "9,700 is 3.0 % below 10,000".to_owned(),
        rule: "2026-11".to_owned(),
        position: None,
    }
}

fn percent(text: &str) -> Percent {
    text.parse().unwrap()
}

fn against(kind: &str, value: u64) -> Denominator {
    Denominator {
        kind: kind.to_owned(),
        value,
        derived: false,
    }
}

fn count(value: u64) -> Figure {
    let value = Some(Quantity {
        bound: Bound::Exact,
        value,
    });
    Figure {
        value,
        ..Figure::default()
    }
}

fn count_of(value: u64, denominator: u64) -> Figure {
    Figure {
        denominator: Some(against("quota", denominator)),
        ..count(value)
    }
}

fn printed(text: &str) -> Figure {
    Figure {
        percent: Some(percent(text)),
        ..Figure::default()
    }
}

fn registered(locality: &str, name: &str, parent: &str, start_known: bool) -> Body {
    Body::LocalityRegistered(LocalityRegistered {
        locality: id(locality),
        name: vi(name),
        parent: (!parent.is_empty()).then(|| id(parent)),
        start_known,
        source: Source::default(),
    })
}

fn ended(locality: &str, successors: Vec<Successor>) -> Body {
    let locality = id(locality);
    Body::LocalityEnded(LocalityEnded {
        locality,
        successors,
        source: Source::default(),
    })
}

fn reported(locality: &str, indicator: &str, figure: Figure) -> Body {
    Body::ProgressReported(ProgressReported {
        locality: id(locality),
        indicator: code(indicator),
        figure,
        note: "báo cáo".to_owned(),
    })
}

fn corrected(locality: &str, indicator: &str, corrects: u64, figure: Figure) -> Body {
    Body::ProgressCorrected(ProgressCorrected {
        corrects,
        locality: id(locality),
        indicator: code(indicator),
        figure,
        reason: "nhập nhầm".to_owned(),
    })
}

fn quota(locality: &str, layer: QuotaLayer, people: u64, target: &str, deadline: &str) -> Body {
    Body::QuotaAssigned(QuotaAssigned {
        locality: id(locality),
        indicator: code("eid"),
        layer,
        denominator: against("quota", people),
        target: percent(target),
        start: None,
        deadline: (!deadline.is_empty()).then(|| day(deadline)),
        milestones: Vec::new(),
        document: Document::default(),
    })
}
