//! The small parts: clock, listener, readiness, tasks, telemetry.

use std::time::Duration;

use host::readiness::State;
use host::telemetry::{self, Format, Options};
use host::{Clock as _, Error, ManualClock, Readiness, SystemClock, Today, bind, task};
use jiff::civil::date;
use jiff::{SignedDuration, Timestamp};

async fn soon<F: Future>(future: F) -> F::Output {
    tokio::time::timeout(Duration::from_secs(60), future)
        .await
        .expect("within a minute")
}

#[test]
fn a_manual_clock_moves_only_by_hand() {
    let start: Timestamp = "2023-07-31T10:00:00Z".parse().unwrap();
    let clock = ManualClock::new(start);
    assert_eq!(clock.now(), start);
    clock.advance(SignedDuration::from_hours(2));
    assert_eq!(clock.now(), "2023-07-31T12:00:00Z".parse().unwrap());
    clock.set(start);
    assert_eq!(clock.now(), start);
    clock.advance(SignedDuration::MAX);
    assert_eq!(clock.now(), Timestamp::MAX);
    clock.advance(SignedDuration::MIN);
    assert_eq!(clock.now(), Timestamp::MIN);
}

#[test]
fn the_system_clock_knows_at_least_when_this_was_written() {
    assert!(SystemClock.now() > "2026-01-01T00:00:00Z".parse().unwrap());
}

#[test]
fn today_is_the_day_in_vietnam() {
    let clock = ManualClock::new("2023-06-30T16:59:59Z".parse().unwrap());
    assert_eq!(Today::Real.date(&clock), date(2023, 6, 30));
    clock.set("2023-06-30T17:00:00Z".parse().unwrap());
    assert_eq!(Today::Real.date(&clock), date(2023, 7, 1));
    clock.set("2023-06-30T23:30:00Z".parse().unwrap());
    assert_eq!(Today::Real.date(&clock), date(2023, 7, 1));
    assert_eq!(
        Today::Pinned(date(2023, 7, 31)).date(&clock),
        date(2023, 7, 31)
    );
}

#[tokio::test]
async fn a_taken_port_is_named_with_its_purpose_and_flag() {
    let holder = bind("127.0.0.1:0".parse().unwrap(), "ingest")
        .await
        .unwrap();
    let address = holder.local_addr().unwrap();
    let error = bind(address, "projection").await.unwrap_err();
    let port = address.port();
    assert!(matches!(error, Error::PortTaken { .. }));
    assert_eq!(error.reason(), "PORT_TAKEN");
    assert_eq!(
        error.to_string(),
        format!(
            "port {port} for projection is already in use; choose another one with --projection-port"
        )
    );
}

#[tokio::test]
async fn an_address_of_another_machine_is_not_a_taken_port() {
    // RFC 5737: never an address of this machine.
    let error = bind("192.0.2.1:7061".parse().unwrap(), "ingest")
        .await
        .unwrap_err();
    assert_eq!(error.reason(), "BIND_FAILED");
    assert!(
        error
            .to_string()
            .contains("192.0.2.1:7061 for ingest; --ingest-port"),
        "{error}"
    );
}

#[tokio::test]
async fn readiness_needs_every_component_of_its_scope() {
    let whole = Readiness::new();
    assert!(!whole.is_ready(), "an empty registry is not ready");
    let ingest = whole.scope("ingest");
    let log = ingest.component("log");
    let bus = whole.component("bus");
    log.set_ready();
    assert!(ingest.is_ready());
    assert!(!whole.is_ready());
    bus.set_ready();
    assert!(whole.is_ready());
    log.set_not_ready("disk full");
    assert!(!ingest.is_ready());
    assert_eq!(
        whole.states().into_iter().collect::<Vec<_>>(),
        [
            ("bus".to_owned(), State::Ready),
            (
                "ingest/log".to_owned(),
                State::NotReady {
                    reason: "disk full".to_owned()
                }
            ),
        ]
    );
    ingest.component("log");
    assert_eq!(ingest.states().len(), 1, "a known name keeps its state");
    assert!(
        !whole.scope("ing").is_ready(),
        "a scope is a path, not a prefix"
    );
}

#[tokio::test]
async fn readiness_wakes_those_who_wait() {
    let readiness = Readiness::new();
    let component = readiness.component("log");
    let (seen, was_seen) = tokio::sync::oneshot::channel();
    let waiter = task::spawn("waiter", async move {
        readiness.ready().await;
        seen.send(()).unwrap();
        readiness.not_ready().await;
    });
    component.set_ready();
    soon(was_seen).await.unwrap();
    component.set_not_ready("behind");
    soon(waiter).await.unwrap();
}

#[tokio::test]
async fn a_panicking_task_is_counted_and_gives_its_panic_to_the_handle() {
    let metrics = telemetry::metrics().unwrap();
    let handle: tokio::task::JoinHandle<()> = task::spawn("doomed", async { panic!("the reason") });
    let error = soon(handle).await.unwrap_err();
    assert_eq!(
        *error.into_panic().downcast::<&str>().unwrap(),
        "the reason"
    );
    let rendered = metrics.render();
    assert!(
        rendered.contains(r#"task_panics_total{task="doomed"} 1"#),
        "{rendered}"
    );
}

#[tokio::test]
async fn a_task_gives_back_its_output() {
    assert_eq!(
        soon(task::spawn("adder", async { 1 + 2 })).await.unwrap(),
        3
    );
}

/// Held by a future, it tells when the future is gone.
struct Held(Option<tokio::sync::oneshot::Sender<std::thread::ThreadId>>);

impl Drop for Held {
    fn drop(&mut self) {
        let gone = self.0.take();
        gone.map(|gone| gone.send(std::thread::current().id()));
    }
}

#[tokio::test]
async fn what_runs_apart_has_a_thread_of_its_own_and_ends_with_whoever_waits() {
    let (gone, went) = tokio::sync::oneshot::channel();
    let held = Held(Some(gone));
    let apart = task::apart("adder", async move {
        let _held = held;
        task::spawn("one", async { 1 + 2 }).await.unwrap()
    });
    assert_eq!(soon(apart).await.unwrap(), 3);
    let mut went = went;
    let thread = went.try_recv().unwrap();
    assert_ne!(thread, std::thread::current().id());

    let (gone, went) = tokio::sync::oneshot::channel();
    let held = Held(Some(gone));
    let endless = task::apart("endless", async move {
        let _held = held;
        std::future::pending::<()>().await;
    });
    let waited = tokio::time::timeout(Duration::from_millis(20), endless);
    assert!(waited.await.is_err(), "it has no end of its own");
    soon(went).await.unwrap();

    let doomed = task::apart::<std::pin::Pin<Box<dyn Future<Output = ()> + Send>>>(
        "doomed-apart",
        Box::pin(async { panic!("the reason") }),
    );
    let error = soon(doomed).await.unwrap_err();
    assert_eq!(error.to_string(), "task doomed-apart panicked");
}

#[test]
fn telemetry_starts_more_than_once() {
    let options = Options {
        filter: "warn,host=debug".to_owned(),
        format: Format::Text,
    };
    telemetry::init(options.clone()).unwrap();
    let again = telemetry::init(Options {
        format: Format::Json,
        ..options
    })
    .unwrap();
    metrics::counter!("started_twice_total").increment(1);
    assert!(again.render().contains("started_twice_total 1"));
}

#[test]
fn a_bad_log_filter_is_named() {
    let options = Options {
        filter: "host=loudly".to_owned(),
        format: Format::Text,
    };
    let error = telemetry::init(options).unwrap_err();
    assert_eq!(error.reason(), "LOG_FILTER_INVALID");
    assert!(error.to_string().contains("host=loudly"));
}
