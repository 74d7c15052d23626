//! The relay against a real server: stream sequence = log position, whatever happens.

use std::time::{Duration, Instant};

use crate::common::{Bus, LEDGER, Log, PATIENCE, Relay, relay_options, when};
use crate::link::Dam;
use bus::{Access, Claim, Message, RelayError, RelayStatus, StreamSpec, claim};
use futures::StreamExt;
use rustix::process::Signal;
use tokio::io::AsyncWriteExt;
use tokio::time::timeout;

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_events_have_their_position_as_sequence() {
    let bus = Bus::start().await;
    let log = Log::new(10_000);
    let begun = Instant::now();
    let mut relay = Relay::start(bus.url(), &log);
    relay.published(10_000).await;
    let rate = 10_000.0 / begun.elapsed().as_secs_f64();
    eprintln!("relayed 10,000 messages at {rate:.0} a second");
    assert_eq!(bus.contents().await, log.all());
    assert_eq!(relay.status.borrow().generation, 1);
    relay.stop().await;
    bus.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_event_is_on_the_bus_at_once_and_the_head_is_told() {
    let bus = Bus::start().await;
    let log = Log::new(1);
    let client = bus.client().await;
    let mut events = client
        .subscribe(bus::subject::events(LEDGER))
        .await
        .unwrap();
    let mut beats = client
        .subscribe(bus::subject::heartbeat(LEDGER))
        .await
        .unwrap();
    client.flush().await.unwrap();
    let mut relay = Relay::start(bus.url(), &log);
    relay.published(1).await;
    timeout(PATIENCE, events.next()).await.unwrap().unwrap();
    let mut waits = Vec::new();
    for head in 2..=50 {
        let begun = Instant::now();
        log.grow(head);
        timeout(PATIENCE, events.next()).await.unwrap().unwrap();
        waits.push(begun.elapsed());
        relay.published(head).await;
    }
    waits.sort();
    eprintln!(
        "median from head to subscriber: {:?}",
        waits[waits.len() / 2]
    );
    assert!(
        waits[waits.len() / 2] < Duration::from_millis(50),
        "{waits:?}"
    );
    let wanted = format!("{{\"ledger\":\"{LEDGER}\",\"head\":50}}");
    let told = async { while beats.next().await.unwrap().payload != wanted.as_bytes() {} };
    timeout(PATIENCE, told).await.unwrap();
    assert_eq!(
        bus.contents().await,
        log.all(),
        "heartbeats are not in the stream"
    );
    relay.stop().await;
    bus.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_server_leaves_no_gap_and_no_double() {
    let mut bus = Bus::start().await;
    let log = Log::new(30_000);
    let mut relay = Relay::start(bus.url(), &log);
    for part in [3_000, 9_000] {
        when(&mut relay.status, "some events", |status| {
            status.published >= part
        })
        .await;
        bus.kill().await;
        bus.restart().await;
    }
    relay.published(30_000).await;
    assert!(relay.status.borrow().generation >= 3);
    assert_eq!(bus.contents().await, log.all());
    relay.stop().await;
    bus.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_frozen_server_is_left_and_taken_up_again() {
    let bus = Bus::start().await;
    let log = Log::new(100);
    let mut options = relay_options(bus.url());
    options.ack_timeout = Duration::from_millis(500);
    let mut relay = Relay::with(options, &log);
    relay.published(100).await;
    bus.signal(Signal::STOP);
    log.grow(2_000);
    when(&mut relay.status, "a late acknowledgement", |status| {
        !status.connected && status.last_error.is_some()
    })
    .await;
    bus.signal(Signal::CONT);
    relay.published(2_000).await;
    assert_eq!(bus.contents().await, log.all());
    relay.stop().await;
    bus.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wiped_store_is_filled_again_with_the_same() {
    let mut bus = Bus::start().await;
    let log = Log::new(5_000);
    let mut relay = Relay::start(bus.url(), &log);
    relay.published(5_000).await;
    let before = bus.contents().await;
    bus.kill().await;
    bus.wipe();
    when(&mut relay.status, "a lost connection", |status| {
        !status.connected
    })
    .await;
    bus.restart().await;
    when(&mut relay.status, "a refill", |status| {
        status.connected && status.published == 5_000
    })
    .await;
    assert_eq!(bus.contents().await, before);
    relay.stop().await;
    bus.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_stream_is_noticed_without_a_new_event() {
    let bus = Bus::start().await;
    let log = Log::new(500);
    let mut relay = Relay::start(bus.url(), &log);
    relay.published(500).await;
    bus.delete_stream().await;
    when(&mut relay.status, "the loss noticed", |status| {
        status.generation > 1
    })
    .await;
    let moved = Some(bus::Trouble::StreamMoved);
    assert_eq!(relay.status.borrow().last_trouble, moved);
    when(&mut relay.status, "a refill", |status| {
        status.connected && status.published == 500
    })
    .await;
    assert_eq!(bus.contents().await, log.all());
    relay.stop().await;
    bus.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_relays_of_one_log_make_no_double() {
    let bus = Bus::start().await;
    let log = Log::new(2_000);
    let mut one = Relay::start(bus.url(), &log);
    let mut two = Relay::start(bus.url(), &log);
    for head in [2_001, 2_002, 4_000, 4_001, 8_000] {
        log.grow(head);
        let all = |status: &RelayStatus| status.published == head;
        tokio::select! {
            () = when(&mut one.status, "all published by one", all) => {}
            () = when(&mut two.status, "all published by two", all) => {}
        }
    }
    assert_eq!(bus.contents().await, log.all());
    one.stop().await;
    two.stop().await;
    bus.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_ahead_of_the_log_is_an_alarm() {
    let bus = Bus::start().await;
    let mut relay = Relay::start(bus.url(), &Log::new(300));
    relay.published(300).await;
    relay.stop().await;
    let alarm = Relay::start(bus.url(), &Log::new(200))
        .ended()
        .await
        .unwrap_err();
    assert!(
        matches!(
            alarm,
            RelayError::AheadOfLog {
                last: 300,
                head: 200,
                ..
            }
        ),
        "{alarm}"
    );
    assert_eq!(alarm.reason(), "STREAM_AHEAD_OF_LOG");
    bus.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_with_another_history_is_an_alarm_and_adds_nothing() {
    let bus = Bus::start().await;
    let log = Log::new(300);
    let mut relay = Relay::start(bus.url(), &log);
    relay.published(300).await;
    relay.stop().await;
    let alarm = Relay::start(bus.url(), &Log::salted(400, 7))
        .ended()
        .await
        .unwrap_err();
    assert!(
        matches!(alarm, RelayError::Forked { position: 1, .. }),
        "{alarm}"
    );
    assert_eq!(bus.contents().await, log.all());
    bus.stop().await;
}

/// What became of a relay that another writer overtook.
pub(crate) struct Overtaken {
    pub(crate) alarm: RelayError,
    /// What it held for published.
    pub(crate) published: u64,
    /// What the log had.
    pub(crate) log: Vec<Message>,
    /// What the other wrote.
    pub(crate) other: Message,
}

impl Overtaken {
    /// The relay stopped at the other's event, and nothing stands behind that.
    pub(crate) fn left_alone(self, contents: &[Message]) {
        let alarm = self.alarm;
        assert!(
            matches!(alarm, RelayError::Forked { position: 11, .. }),
            "{alarm}"
        );
        assert_eq!(self.published, 10);
        assert_eq!(contents.len(), 11, "something stands behind it");
        assert_eq!(contents[..10], self.log[..10]);
        assert_eq!(contents[10], self.other);
    }
}

/// Another writer's event becomes the eleventh while 190 of this relay's are on their way to the server at `port`.
pub(crate) async fn overtaken_by(subject: &str, port: u16, replicas: usize) -> Overtaken {
    let log = Log::new(10);
    let dam = Dam::start(port).await;
    let mut options = relay_options(format!("nats://127.0.0.1:{}", dam.port()));
    (options.ack_timeout, options.heartbeat) = (PATIENCE, 100 * PATIENCE);
    options.stream.replicas = replicas;
    let mut relay = Relay::with(options, &log);
    relay.published(10).await;
    dam.close();
    log.grow(200);
    dam.holds(format!("\"id\":\"{LEDGER}:200\"").as_bytes())
        .await;
    let other = Message {
        position: 11,
        subject: subject.to_owned(),
        payload: "from another".into(),
    };
    let access = Access::from(format!("nats://127.0.0.1:{port}"));
    let stands = claim(&access, LEDGER, other.clone()).await.unwrap();
    assert_eq!(stands, Claim::Stands);
    dam.open();
    let status = relay.status.clone();
    let alarm = relay.ended().await.unwrap_err();
    let published = status.borrow().published;
    Overtaken {
        alarm,
        published,
        log: log.all(),
        other,
    }
}

/// The same on one server; gives what then stood in the stream too.
async fn overtaken_on_one_by(subject: &str) -> (Overtaken, Vec<Message>) {
    let bus = Bus::start().await;
    let overtaken = overtaken_by(subject, bus.port(), 1).await;
    let contents = bus.contents().await;
    bus.stop().await;
    (overtaken, contents)
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_that_was_on_its_way_is_stored_behind_a_take_over() {
    let subject = format!("tiendo.v1.{LEDGER}.vn.ledger.taken-over.node-2");
    let (overtaken, contents) = overtaken_on_one_by(&subject).await;
    overtaken.left_alone(&contents);
}

/// A writer that does not say so is another fault: what was on its way finds its sequence, and may stand behind it.
#[tokio::test(flavor = "multi_thread")]
async fn an_event_of_another_within_a_window_is_found_although_the_last_is_our_own() {
    let subject = format!("tiendo.v1.{LEDGER}.568.progress.reported.eid-activated");
    let (overtaken, contents) = overtaken_on_one_by(&subject).await;
    let Overtaken {
        alarm,
        published,
        log,
        other,
    } = overtaken;
    assert!(
        matches!(alarm, RelayError::Forked { position: 11, .. }),
        "{alarm}"
    );
    assert_eq!(
        published, 10,
        "what stands behind it was never held for published"
    );
    assert_eq!((&contents[..10], &contents[10]), (&log[..10], &other));
    assert_eq!(contents[11..], log[11..contents.len()]);
    assert!(contents.len() > 11, "nothing was on its way");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_stream_can_start_at_the_retention_floor() {
    let bus = Bus::start().await;
    let log = Log::new(250);
    let mut options = relay_options(bus.url());
    options.stream.first_sequence = Some(101);
    let mut relay = Relay::with(options, &log);
    relay.published(250).await;
    assert_eq!(bus.contents().await, log.all().split_off(100));
    relay.stop().await;
    bus.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_relayed_is_named() {
    let bus = Bus::start().await;
    let log = Log::new(10);

    let mut options = relay_options(bus.url());
    options.stream.subjects = vec![format!("tiendo.v1.{LEDGER}.>")];
    let error = Relay::with(options, &log).ended().await.unwrap_err();
    assert_eq!(error.reason(), "STREAM_TAKES_HEARTBEATS", "{error}");

    let mut options = relay_options(bus.url());
    options.stream.subjects = vec![format!("tiendo.v1.{LEDGER}.*.quota.*.*")];
    let error = Relay::with(options, &log).ended().await.unwrap_err();
    assert_eq!(error.reason(), "EVENT_SUBJECT_OUTSIDE_STREAM", "{error}");

    let mut options = relay_options(bus.url());
    options.stream = StreamSpec::for_ledger("ha-noi");
    options.stream.name = bus::subject::stream_name(LEDGER);
    let error = Relay::with(options, &log).ended().await.unwrap_err();
    assert_eq!(error.reason(), "STREAM_OF_OTHER_LEDGER", "{error}");

    let mut options = relay_options(bus.url());
    options.ledger = "Khánh Hòa".to_owned();
    let error = Relay::with(options, &log).ended().await.unwrap_err();
    assert_eq!(error.reason(), "LEDGER_INVALID", "{error}");
    bus.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_with_other_settings_is_brought_into_line_or_refused() {
    use async_nats::jetstream::stream::{Config, StorageType};
    let bus = Bus::start().await;
    let context = async_nats::jetstream::new(bus.client().await);
    let name = bus::subject::stream_name(LEDGER);
    let subjects = vec![format!("tiendo.v1.{LEDGER}.568.*.*.*")];
    let found = Config {
        name: name.clone(),
        subjects,
        ..Config::default()
    };
    context.create_stream(found.clone()).await.unwrap();
    let log = Log::new(100);
    let mut relay = Relay::start(bus.url(), &log);
    relay.published(100).await;
    relay.stop().await;
    let config = context
        .get_stream(&name)
        .await
        .unwrap()
        .cached_info()
        .config
        .clone();
    assert!(config.deny_delete && config.deny_purge && config.allow_direct);
    assert_eq!(config.subjects, [bus::subject::events(LEDGER)]);
    assert_eq!(
        config.metadata.get("ledger").map(String::as_str),
        Some(LEDGER)
    );

    context.delete_stream(&name).await.unwrap();
    let in_memory = Config {
        storage: StorageType::Memory,
        ..found
    };
    context.create_stream(in_memory).await.unwrap();
    let error = Relay::start(bus.url(), &log).ended().await.unwrap_err();
    assert_eq!(error.reason(), "STREAM_UNFIT", "{error}");
    bus.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_too_old_is_an_alarm() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let log = Log::new(1);
    let relay = Relay::start(format!("nats://127.0.0.1:{port}"), &log);
    let old = async {
        let (mut client, _) = listener.accept().await.unwrap();
        let info = r#"{"server_id":"old","version":"2.11.9","max_payload":1048576,"headers":true}"#;
        client
            .write_all(format!("INFO {info}\r\nPONG\r\n").as_bytes())
            .await
            .unwrap();
        std::future::pending::<()>().await;
    };
    let error = tokio::select! {
        ended = relay.ended() => ended.unwrap_err(),
        () = old => unreachable!("it serves until the relay ends"),
    };
    assert_eq!(error.reason(), "BUS_SERVER_TOO_OLD", "{error}");
    assert!(
        error.to_string().contains("2.11.9; at least 2.12.0"),
        "{error}"
    );
}
