//! Stories of requests that meet in one commit, or in one batch.

use std::sync::Arc;

use domain::TraceParent;
use event_log::{Log, Options, ReadLimit};
use host::{ManualClock, Readiness};
use jiff::Timestamp;
use state::State;
use tokio::sync::{mpsc, oneshot};
use uuid::Uuid;
use wire::v1;

use crate::writer::{Accepted, Datasets, Refused, Request, Writer};

pub(crate) type Answer = oneshot::Receiver<Result<Accepted, Refused>>;

/// A writer on a log of its own, with the commune 00001 of 2023 and the indicator `eid`.
pub(crate) struct World {
    pub(crate) log: Log,
    requests: mpsc::Sender<Request>,
    pub(crate) skip_known: bool,
    pub(crate) validate_only: bool,
    _directory: tempfile::TempDir,
}

impl World {
    pub(crate) async fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let now: Timestamp = "2026-11-22T03:00:00Z".parse().unwrap();
        let log = Log::open(
            Options::at(directory.path()),
            Arc::new(move || now.as_microsecond()),
        );
        let log = log.unwrap();
        let writer = Writer::new(
            log.clone(),
            State::new(),
            Datasets::default(),
            Arc::new(ManualClock::new(now)),
        );
        let (requests, waiting) = mpsc::channel(64);
        host::task::spawn(
            "writer",
            writer.run(waiting, Readiness::new().component("log")),
        );
        let world = Self {
            log,
            requests,
            skip_known: false,
            validate_only: false,
            _directory: directory,
        };
        let founding = vec![registered("2023-04-10", false), indicator("eid", 1)];
        world.ask(1, founding).await.await.unwrap().unwrap();
        world
    }

    /// Queues a request and does not wait.
    pub(crate) async fn ask(&self, id: u128, events: Vec<v1::Event>) -> Answer {
        let (answer, answered) = oneshot::channel();
        let request = Request {
            request_id: Uuid::from_u128(id),
            single: events.len() == 1,
            events,
            persons: Vec::new(),
            expected_revision: None,
            validate_only: self.validate_only,
            skip_known: self.skip_known,
            tell_changed: self.skip_known,
            // The drafts are told apart from these by `drafts_are_what_would_be_read`.
            drafted: None,
            room: None,
            answer,
        };
        self.requests.send(request).await.unwrap();
        answered
    }

    pub(crate) async fn record(
        &self,
        id: u128,
        events: Vec<v1::Event>,
    ) -> Result<Accepted, Refused> {
        self.ask(id, events).await.await.unwrap()
    }

    /// The identities that the recorded figures belong to.
    fn figures(&self) -> Vec<String> {
        let records = self
            .log
            .read(
                1,
                ReadLimit {
                    events: 1_000,
                    bytes: 1 << 20,
                },
            )
            .unwrap();
        records
            .iter()
            .map(|record| wire::event::decode_logged(&record.payload).unwrap())
            .filter(|event| matches!(event.body, domain::Body::ProgressReported(_)))
            .filter_map(|event| event.body.locality().map(|id| id.to_string()))
            .collect()
    }
}

pub(crate) fn event(effective: &str, body: v1::event::Body) -> v1::Event {
    v1::Event {
        request_id: String::new(),
        actor: Some(v1::Actor {
            organisation: "UBND".to_owned(),
            office: "Tổ".to_owned(),
        }),
        effective: effective.to_owned(),
        body: Some(body),
        ..Default::default()
    }
}

pub(crate) fn locality(since: &str) -> Option<v1::LocalityRef> {
    Some(v1::LocalityRef {
        code: "00001".to_owned(),
        since: since.to_owned(),
    })
}

pub(crate) fn name(vi: &str) -> Option<v1::Name> {
    Some(v1::Name {
        vi: vi.to_owned(),
        en: String::new(),
    })
}

pub(crate) fn source() -> Option<v1::Source> {
    Some(v1::Source {
        title: "Báo cáo".to_owned(),
        url: String::new(),
    })
}

pub(crate) fn registered(since: &str, start_known: bool) -> v1::Event {
    let body = v1::LocalityRegistered {
        locality: locality(since),
        name: name("Phường Phúc Xá"),
        start_known,
        source: source(),
        ..Default::default()
    };
    event(since, v1::event::Body::LocalityRegistered(body))
}

pub(crate) fn ended(since: &str, on: &str) -> v1::Event {
    let body = v1::LocalityEnded {
        locality: locality(since),
        source: source(),
        successors: Vec::new(),
    };
    event(on, v1::event::Body::LocalityEnded(body))
}

/// An indicator's definition; `names` lines of name make it as large as wanted.
pub(crate) fn indicator(code: &str, names: usize) -> v1::Event {
    let body = v1::IndicatorDefined {
        indicator: code.to_owned(),
        name: name(&"Định danh ".repeat(names)),
        family: "eid".to_owned(),
        kind: v1::IndicatorKind::Cumulative as i32,
        unit: name("tài khoản"),
        denominator: "quota".to_owned(),
    };
    event("2023-01-01", v1::event::Body::IndicatorDefined(body))
}

pub(crate) fn report(indicator: &str, effective: &str) -> v1::Event {
    let body = v1::ProgressReported {
        locality: locality(""),
        indicator: indicator.to_owned(),
        value: Some(v1::Quantity {
            number: Some(v1::quantity::Number::Count(7)),
            bound: 0,
        }),
        source: source(),
        ..Default::default()
    };
    event(effective, v1::event::Body::ProgressReported(body))
}

fn correction(corrects: u64) -> v1::Event {
    let body = v1::ProgressCorrected {
        corrects,
        locality: locality(""),
        indicator: "eid".to_owned(),
        value: Some(v1::Quantity {
            number: Some(v1::quantity::Number::Count(8)),
            bound: 0,
        }),
        source: source(),
        reason: "nhập nhầm".to_owned(),
        ..Default::default()
    };
    event("2023-06-01", v1::event::Body::ProgressCorrected(body))
}

pub(crate) fn reasons(refused: Result<Accepted, Refused>) -> Vec<&'static str> {
    match refused {
        Err(Refused::Invalid(violations)) => violations.iter().map(|v| v.reason.code()).collect(),
        other => panic!("expected violations, found {other:?}"),
    }
}

/// An owner's assignment that is larger than the log takes.
fn oversized() -> v1::Event {
    let body = v1::DirectiveIssued {
        locality: locality(""),
        document: Some(v1::Document {
            issuer: "UBND".to_owned(),
            ..Default::default()
        }),
        addressees: vec!["x".repeat(300); 200],
        text: name("Khẩn trương"),
        source: source(),
    };
    event("2023-06-01", v1::event::Body::DirectiveIssued(body))
}

/// A figure that is recorded with a finding.
fn vague(traceparent: &str) -> v1::Event {
    let mut vague = report("eid", "2023-06-01");
    let Some(v1::event::Body::ProgressReported(body)) = &mut vague.body else {
        unreachable!()
    };
    let value = body.value.get_or_insert_default();
    value.bound = v1::Bound::About as i32;
    v1::Event {
        traceparent: traceparent.to_owned(),
        ..vague
    }
}

#[tokio::test]
async fn the_same_request_from_another_trace_is_the_same_request() {
    let traces = [
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00",
        "nonsense",
        "",
    ];
    let defined = |traceparent: &str| v1::Event {
        traceparent: traceparent.to_owned(),
        ..indicator("new", 1)
    };
    let world = World::new().await;
    for (id, first) in (10..).zip(traces) {
        let recorded = world.record(id, vec![defined(first), vague(first)]).await;
        let receipt = recorded.unwrap().receipt;
        for trace in traces {
            let again = world.record(id, vec![defined(trace), vague(trace)]).await;
            let again = again.unwrap();
            assert!(again.receipt.repeated, "{trace} after {first}");
            assert_eq!(again.receipt.first, receipt.first);
            assert!(!again.told.findings.is_empty());
        }
        let limit = ReadLimit {
            events: 2,
            bytes: 1 << 20,
        };
        for record in world.log.read(receipt.first, limit).unwrap() {
            let event = wire::event::decode_logged(&record.payload).unwrap();
            assert_eq!(event.traceparent, TraceParent::parse(first));
        }
        let other = world
            .record(id, vec![indicator("new", 2), vague(first)])
            .await;
        assert!(other.is_err(), "another request has the same id");
    }
}

#[tokio::test]
async fn a_batch_that_redraws_a_place_gives_its_figure_to_the_new_one() {
    let world = World::new().await;
    let reform = vec![
        ended("2023-04-10", "2025-07-01"),
        registered("2025-07-01", true),
        report("eid", "2025-08-01"),
        report("eid", "2025-06-01"),
    ];
    let receipt = world.record(2, reform.clone()).await.unwrap().receipt;
    assert_eq!(world.figures(), ["00001@2025-07-01", "00001@2023-04-10"]);
    let again = world.record(2, reform).await.unwrap().receipt;
    assert!(again.repeated);
    assert_eq!((again.first, again.last), (receipt.first, receipt.last));
}

#[tokio::test]
async fn a_batch_cannot_report_on_a_place_before_its_first_day() {
    let world = World::new().await;
    let mut early = report("eid", "2023-06-01");
    let Some(v1::event::Body::ProgressReported(body)) = &mut early.body else {
        unreachable!()
    };
    body.locality = Some(v1::LocalityRef {
        code: "00002".to_owned(),
        since: String::new(),
    });
    let mut new = registered("2025-07-01", true);
    let Some(v1::event::Body::LocalityRegistered(body)) = &mut new.body else {
        unreachable!()
    };
    body.locality = Some(v1::LocalityRef {
        code: "00002".to_owned(),
        since: "2025-07-01".to_owned(),
    });
    let before = world.log.head();
    assert_eq!(
        reasons(world.record(2, vec![new, early]).await),
        ["UNKNOWN_LOCALITY"]
    );
    assert_eq!(
        world.log.head(),
        before,
        "nothing of a refused batch is stored"
    );
}

#[tokio::test]
async fn nothing_rests_on_a_request_that_the_log_cannot_take() {
    let world = World::new().await;
    let large = world.ask(2, vec![indicator("new", 1), oversized()]).await;
    let leaning = world.ask(3, vec![report("new", "2023-06-01")]).await;
    assert!(matches!(
        large.await.unwrap(),
        Err(Refused::Log(event_log::Error::TooLarge { .. }))
    ));
    assert_eq!(reasons(leaning.await.unwrap()), ["UNKNOWN_INDICATOR"]);
}

#[tokio::test]
async fn of_two_corrections_of_one_figure_only_one_is_recorded() {
    let world = World::new().await;
    let reported = world
        .record(2, vec![report("eid", "2023-06-01")])
        .await
        .unwrap();
    let position = reported.receipt.first;
    let first = world.ask(3, vec![correction(position)]).await;
    let second = world.ask(4, vec![correction(position)]).await;
    assert_eq!(first.await.unwrap().unwrap().revision, 2);
    assert_eq!(reasons(second.await.unwrap()), ["ALREADY_CORRECTED"]);
}

#[tokio::test]
async fn a_place_that_was_never_registered_cannot_end() {
    let world = World::new().await;
    let refused = world
        .record(2, vec![ended("1999-01-01", "2025-07-01")])
        .await;
    assert_eq!(reasons(refused), ["UNKNOWN_LOCALITY"]);
}

#[tokio::test]
async fn a_batch_may_define_what_it_speaks_of() {
    let world = World::new().await;
    let batch = vec![indicator("new", 1), report("new", "2023-06-01")];
    let receipt = world.record(2, batch).await.unwrap().receipt;
    assert_eq!((receipt.first, receipt.last), (3, 4));
}
