//! What is answered of a small ledger.

use std::sync::Arc;

use domain::LocalityId;
use domain::event::{
    self as e, Actor, Body, Denominator, Event, Extent, Figure, Resolution, Source, Successor,
};
use domain::finding::{Check, Finding, Severity};
use domain::text::{Bound, Moment, Quantity};
use host::{CancellationToken, Clock, ManualClock, Today};
use jiff::civil::date;
use state::{Reading, State};
use tokio::sync::Semaphore;
use wire::log_reader::LogReader;
use wire::v1;

use crate::answer;
use crate::grpc::{QueryApi, REBUILDS_MAX, Rankings};
use crate::rebuild::{Bus, Rebuilder};
use crate::shared::Shared;
use crate::watch::{Settings, Watches};

mod explain;
mod freshness;
mod lists;
pub(crate) mod log;
mod pages;
mod parts;
mod rank;
mod rebuild;
mod rules;
mod trajectory;
mod watch;
mod work;

/// When a ledger takes every event.
pub(crate) const KNOWN: &str = "2023-07-01T00:00:00Z";

/// A state that events are folded into, one after the other.
pub(crate) struct Ledger {
    pub(crate) state: State,
}

pub(crate) fn place(code: &str) -> LocalityId {
    LocalityId {
        code: code.parse().unwrap(),
        since: date(2023, 4, 10),
    }
}

impl Ledger {
    /// With a city, its province, and an indicator; positions 1 to 3.
    pub(crate) fn new() -> Self {
        let mut ledger = Self {
            state: State::new(),
        };
        ledger.register("56", "Tỉnh Khánh Hòa", None);
        ledger.register("568", "Thành phố Nha Trang", Some("56"));
        ledger.take("2023-04-10", defined(), &[]);
        ledger
    }

    pub(crate) fn register(&mut self, code: &str, vi: &str, parent: Option<&str>) {
        self.take("2023-04-10", registered(code, vi, parent), &[]);
    }

    /// Takes an event of Nha Trang's police with what was found about it; its position.
    pub(crate) fn take(&mut self, effective: &str, body: Body, found: &[(Check, Severity)]) -> u64 {
        let position = self.state.position() + 1;
        let event = event(effective, body, found);
        let known = KNOWN.parse().unwrap();
        self.state.apply(position, known, &event).unwrap();
        position
    }

    /// A count of activated accounts in Nha Trang.
    pub(crate) fn count(
        &mut self,
        effective: &str,
        value: u64,
        found: &[(Check, Severity)],
    ) -> u64 {
        let bound = Bound::About;
        let figure = Figure {
            value: Some(Quantity { bound, value }),
            ..Figure::default()
        };
        self.take(effective, reported("568", figure), found)
    }

    /// On 31 July 2023, as known at a position.
    pub(crate) fn at(&self, position: u64) -> Reading<'_> {
        self.state.at(Moment::end_of(date(2023, 7, 31)), position)
    }
}

/// The service over a state that a test folds into, at a time that it sets.
pub(crate) struct Service {
    pub(crate) api: QueryApi,
    clock: Arc<ManualClock>,
}

impl Service {
    /// With nothing folded, and said to have read a log that is nowhere.
    pub(crate) fn new() -> Self {
        Self::of(LogReader::new("http://127.0.0.1:1").unwrap())
    }

    /// As [`Service::new`], with a log.
    fn of(log: LogReader) -> Self {
        let clock = Arc::new(ManualClock::new("2023-07-31T00:00:00Z".parse().unwrap()));
        let shared = Shared::new(Arc::clone(&clock) as Arc<dyn Clock>, 10_000);
        shared.set_caught_up();
        let shared = Arc::new(shared);
        let shutdown = CancellationToken::new();
        let rebuilder = rebuilder(&shared, &log, &shutdown);
        let api = QueryApi {
            shared,
            log,
            verifications: Arc::clone(&rebuilder.verifications),
            shutdown,
            rebuilder,
            today: Today::Pinned(date(2023, 7, 31)),
            clock: Arc::clone(&clock) as Arc<dyn Clock>,
            message_bytes_max: 4 * 1024 * 1024,
            rebuilds: Arc::new(Semaphore::new(REBUILDS_MAX)),
            rankings: Rankings::default(),
            watches: Watches::new(Settings::SERVED),
        };
        Self { api, clock }
    }

    fn take(&self, effective: &str, body: Body) {
        let event = event(effective, body, &[]);
        let position = self.api.shared.position() + 1;
        let known = self.clock.now();
        self.api
            .shared
            .fold_new((position, known, event), 0)
            .unwrap();
    }
}

/// What rebuilds a service's state, from a log or from a bus that is nowhere.
pub(crate) fn rebuilder(
    shared: &Arc<Shared>,
    log: &LogReader,
    shutdown: &CancellationToken,
) -> Rebuilder {
    let bus = Bus {
        access: "nats://127.0.0.1:1".into(),
        ledger: "khanh-hoa".to_owned(),
    };
    Rebuilder::new(shared, log, bus, shutdown)
}

/// An event that Nha Trang's police reports, with what was found about it.
pub(crate) fn event(effective: &str, body: Body, found: &[(Check, Severity)]) -> Event {
    let findings = found.iter().map(|(check, severity)| Finding {
        check: *check,
        severity: *severity,
        field: "value".to_owned(),
        detail: "9,900 is below the 10,000 of before".to_owned(),
        rule: "plausibility-1".to_owned(),
        position: None,
    });
    Event {
        request_id: "00000000-0000-0000-0000-000000000000".parse().unwrap(),
        actor: Actor {
            organisation: "Công an TP Nha Trang".to_owned(),
            office: "Tổ Đề án 06".to_owned(),
        },
        effective: Moment::parse(effective).unwrap(),
        body,
        confirmed: Vec::new(),
        findings: findings.collect(),
        traceparent: None,
    }
}

fn registered(code: &str, vi: &str, parent: Option<&str>) -> Body {
    Body::LocalityRegistered(e::LocalityRegistered {
        locality: place(code),
        name: name(vi),
        parent: parent.map(place),
        start_known: false,
        source: source(),
    })
}

/// A figure of activated accounts in a place.
fn reported(code: &str, figure: Figure) -> Body {
    Body::ProgressReported(e::ProgressReported {
        locality: place(code),
        indicator: "eid.activated".parse().unwrap(),
        figure,
        note: String::new(),
    })
}

/// So many.
fn count(value: u64) -> Figure {
    let bound = Bound::Exact;
    Figure {
        value: Some(Quantity { bound, value }),
        ..Figure::default()
    }
}

/// So many of a quota of so many.
fn count_of(value: u64, whole: u64) -> Figure {
    Figure {
        denominator: Some(of_quota(whole)),
        ..count(value)
    }
}

fn of_quota(value: u64) -> Denominator {
    Denominator {
        kind: "quota".to_owned(),
        value,
        derived: false,
    }
}

/// As the log takes it.
fn source() -> Source {
    Source {
        title: "Báo cáo tuần".to_owned(),
        url: String::new(),
    }
}

pub(crate) fn defined() -> Body {
    Body::IndicatorDefined(e::IndicatorDefined {
        indicator: "eid.activated".parse().unwrap(),
        name: name("Kích hoạt"),
        family: "eid".to_owned(),
        kind: e::IndicatorKind::Cumulative,
        unit: name("tài khoản"),
        denominator: "quota".to_owned(),
    })
}

fn name(vi: &str) -> e::Name {
    e::Name {
        vi: vi.to_owned(),
        en: String::new(),
    }
}

/// The figure of Nha Trang as a reader sees it.
fn figure(ledger: &Ledger, position: u64) -> v1::Figure {
    let reading = ledger.at(position);
    let id = place("568");
    let entry = reading
        .figure(id, &"eid.activated".parse().unwrap())
        .unwrap();
    answer::figure(&reading, id, &entry)
}

#[test]
fn a_figure_says_what_was_found_and_what_became_of_it() {
    let mut ledger = Ledger::new();
    let found = [
        (Check::VagueFigure, Severity::Note),
        (Check::CumulativeFalls, Severity::Warning),
    ];
    let reported = ledger.count("2023-07-10", 9_900, &found);
    let answered = ledger.take(
        "2023-07-11",
        Body::FindingResolved(e::FindingResolved {
            position: reported,
            locality: place("568"),
            check: Check::CumulativeFalls,
            resolution: Resolution::Confirmed,
            reason: "đã rà soát trùng".to_owned(),
        }),
        &[],
    );
    let states = |position| {
        let findings = figure(&ledger, position).findings;
        let state = |finding: &v1::FindingOnRecord| {
            let check = finding.finding.clone().unwrap().check();
            (check, finding.state())
        };
        let mut states: Vec<_> = findings.iter().map(state).collect();
        states.sort_by_key(|(check, _)| *check as i32);
        states
    };
    let note = (v1::Check::VagueFigure, v1::FindingState::Note);
    let falls = v1::Check::CumulativeFalls;
    assert_eq!(states(reported), [(falls, v1::FindingState::Open), note]);
    assert_eq!(
        states(answered),
        [(falls, v1::FindingState::Resolved), note]
    );
    let findings = figure(&ledger, answered).findings;
    let answer = findings.iter().find_map(|finding| finding.answer.clone());
    let answer = answer.unwrap();
    assert_eq!(answer.reason, "đã rà soát trùng");
    assert_eq!(answer.resolution(), v1::Resolution::Confirmed);
}

#[test]
fn a_place_that_ended_says_where_it_went_and_the_new_one_where_it_came_from() {
    let mut ledger = Ledger::new();
    for (code, name) in [("22348", "Phường Vạn Thạnh"), ("22363", "Phường Lộc Thọ")] {
        ledger.register(code, name, Some("568"));
    }
    ledger.register("22366", "Phường Nha Trang", Some("56"));
    for (code, extent) in [("22348", Extent::Full), ("22363", Extent::Partial)] {
        let ended = Body::LocalityEnded(e::LocalityEnded {
            locality: place(code),
            successors: vec![Successor {
                locality: place("22366"),
                extent,
            }],
            source: Source::default(),
        });
        ledger.take("2023-07-01", ended, &[]);
    }
    let reading = ledger.at(ledger.state.position());
    let head = answer::head(&reading.locality(place("22348")).unwrap());
    assert_eq!(head.ended, "2023-07-01");
    let successor = head.successors[0].locality.clone().unwrap();
    assert_eq!(successor.code, "22366");
    let locality = answer::locality(&ledger.state, &reading, place("22366")).unwrap();
    let origin = locality.origin.unwrap();
    let codes = |heads: &[v1::LocalityHead]| -> Vec<String> {
        let code = |head: &v1::LocalityHead| head.r#ref.clone().unwrap().code;
        heads.iter().map(code).collect()
    };
    assert_eq!(codes(&origin.whole), ["22348"]);
    assert_eq!(codes(&origin.partial), ["22363"]);
    assert!(origin.broken);
    let whole = answer::locality(&ledger.state, &reading, place("568")).unwrap();
    assert_eq!(whole.origin, None);
}
