//! What keeps the relay from publishing is named while it lasts, and once it is over the stream is what the log says.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::common::{Bus, LEDGER, Log, Relay, relay_options, when};
use async_nats::jetstream::{self, stream::Config};
use bus::{BoxError, Message, Origin, RelayStatus, Trouble};
use rustix::process::Signal;
use tokio::sync::watch;

/// Longer than any story.
const NEVER: Duration = Duration::from_secs(3_600);

/// Waits until it stands in the way.
async fn troubled_by(relay: &mut Relay, trouble: Trouble) {
    troubled_by_one(relay, &[trouble]).await;
}

async fn troubled_by_one(relay: &mut Relay, troubles: &[Trouble]) {
    let named = |trouble: Trouble| troubles.contains(&trouble);
    let stands = |status: &RelayStatus| status.trouble().is_some_and(named);
    when(&mut relay.status, troubles[0].reason(), stands).await;
}

/// The server's store is filled by somebody else until this relay finds no room; then that stream goes.
#[tokio::test(flavor = "multi_thread")]
async fn a_full_store_is_named_and_gone_on_with_once_there_is_room() {
    let bus = Bus::with_room(Some(8 * 1024 * 1024)).await;
    let other = jetstream::new(bus.client().await);
    let config = Config {
        name: "OTHER".to_owned(),
        subjects: vec!["other".to_owned()],
        ..Config::default()
    };
    other.create_stream(config).await.unwrap();
    let piece = bytes::Bytes::from(vec![b'x'; 512 * 1024]);
    for _ in 0..12 {
        let sent = other.publish("other", piece.clone()).await.unwrap();
        sent.await.unwrap();
    }
    // 6 of 8 MiB are taken, and the log's 5,000 events are more than 3.
    let log = Log::new(5_000);
    let mut relay = Relay::start(bus.url(), &log);
    troubled_by(&mut relay, Trouble::StoreFull).await;
    let stood = relay.status.borrow().clone();
    assert!((1..5_000).contains(&stood.published), "{stood:?}");
    assert!(stood.last_error.unwrap().contains("insufficient resources"));
    // It stands there as long as there is no room, however often the stream is there.
    let later = stood.generation + 3;
    when(&mut relay.status, "further tries", |status| {
        status.generation >= later && status.last_trouble.is_some()
    })
    .await;
    assert_eq!(relay.status.borrow().trouble(), Some(Trouble::StoreFull));
    let part = usize::try_from(relay.status.borrow().published).unwrap();
    assert_eq!(bus.contents().await, log.all()[..part]);

    other.delete_stream("OTHER").await.unwrap();
    relay.published(5_000).await;
    assert_eq!(relay.status.borrow().trouble(), None);
    assert_eq!(bus.contents().await, log.all());
    relay.stop().await;
    bus.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_permission_is_named_and_gone_on_with_once_it_is_given() {
    let user = |denied: &str| {
        format!(
            "authorization {{ users: [ {{ user: any, password: any, \
             permissions: {{ publish: {{ deny: [{denied}] }} }} }} ] }}\nno_auth_user: any\n"
        )
    };
    let bus = Bus::with(None, &user("\"nothing\"")).await;
    let log = Log::new(100);
    let mut options = relay_options(bus.url());
    options.ack_timeout = Duration::from_millis(500);
    let mut relay = Relay::with(options, &log);
    relay.published(100).await;
    // Nothing of it comes to the stream: to the relay it looks like a server that does not answer.
    bus.reload_with(&user(&format!("\"tiendo.v1.{LEDGER}.*.*.*.*\"")))
        .await;
    log.grow(200);
    troubled_by(&mut relay, Trouble::NotPermitted).await;
    let said = relay.status.borrow().last_error.clone().unwrap();
    assert!(
        said.to_lowercase().contains("permissions violation"),
        "{said}"
    );
    // Nor can a stream be looked up without the permission to ask.
    bus.reload_with(&user("\"$JS.API.>\"")).await;
    when(&mut relay.status, "the question refused", |status| {
        let said = status.last_error.as_deref().unwrap_or_default();
        status.trouble() == Some(Trouble::NotPermitted) && said.contains("$JS.API.STREAM.INFO")
    })
    .await;
    assert_eq!(relay.status.borrow().published, 100);
    bus.reload_with(&user("\"nothing\"")).await;
    relay.published(200).await;
    assert_eq!(relay.status.borrow().trouble(), None);
    assert_eq!(bus.contents().await, log.all());
    relay.stop().await;
    bus.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_somebody_changed_is_not_published_to_until_it_is_set_right_or_may_be() {
    let user = |denied: &str| {
        format!(
            "authorization {{ users: [ {{ user: any, password: any, \
             permissions: {{ publish: {{ deny: [\"{denied}\"] }} }} }} ] }}\nno_auth_user: any\n"
        )
    };
    let bus = Bus::with(None, &user("nothing")).await;
    let log = Log::new(100);
    let mut options = relay_options(bus.url());
    options.ack_timeout = Duration::from_millis(500);
    let mut relay = Relay::with(options.clone(), &log);
    relay.published(100).await;
    relay.stop().await;
    let context = jetstream::new(bus.client().await);
    let name = bus::subject::stream_name(LEDGER);
    let right = context.get_stream(&name).await.unwrap();
    let right = right.cached_info().config.clone();
    let wrong = || Config {
        duplicate_window: Duration::from_secs(60),
        allow_direct: false,
        ..right.clone()
    };
    context.update_stream(wrong()).await.unwrap();
    bus.reload_with(&user("$JS.API.STREAM.UPDATE.>")).await;
    log.grow(200);
    let mut relay = Relay::with(options, &log);
    when(&mut relay.status, "the settings named", |status| {
        let said = status.last_error.as_deref().unwrap_or_default();
        status.trouble() == Some(Trouble::NotPermitted)
            && said.contains("allow_direct: true, duplicate_window: 120000000000 of stream")
            && said.contains("$JS.API.STREAM.UPDATE")
    })
    .await;
    assert_eq!(bus.contents().await, log.all()[..100]);
    bus.reload_with(&user("nothing")).await;
    relay.published(200).await;
    let now = context.get_stream(&name).await.unwrap();
    assert_eq!(now.cached_info().config, right);
    relay.stop().await;
    bus.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_gone_or_frozen_is_named() {
    let mut bus = Bus::start().await;
    let log = Log::new(100);
    let mut options = relay_options(bus.url());
    options.heartbeat = NEVER;
    let mut relay = Relay::with(options, &log);
    relay.published(100).await;
    bus.signal(Signal::STOP);
    log.grow(200);
    // First what was sent is not acknowledged; then the next connection is not answered.
    troubled_by_one(&mut relay, &[Trouble::AckLate, Trouble::Unreachable]).await;
    bus.signal(Signal::CONT);
    relay.published(200).await;
    bus.kill().await;
    troubled_by(&mut relay, Trouble::Unreachable).await;
    bus.restart().await;
    when(&mut relay.status, "a new generation", |status| {
        status.connected && status.trouble().is_none()
    })
    .await;
    assert_eq!(bus.contents().await, log.all());
    relay.stop().await;
    bus.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_moved_and_one_that_somebody_else_wrote_to_are_named() {
    let bus = Bus::start().await;
    let log = Log::new(100);
    let mut options = relay_options(bus.url());
    options.heartbeat = NEVER;
    let mut relay = Relay::with(options, &log);
    relay.published(100).await;
    // A twin that was quicker by one.
    log.grow(102);
    relay.published(102).await;
    let twin = jetstream::new(bus.client().await);
    let next = log.message(103);
    let sent = twin.publish(next.subject, next.payload).await.unwrap();
    assert_eq!(sent.await.unwrap().sequence, 103);
    log.grow(104);
    relay.published(104).await;
    assert_eq!(relay.status.borrow().last_trouble, Some(Trouble::Sequence));
    assert_eq!(bus.contents().await, log.all());
    // The next event finds no stream.
    bus.delete_stream().await;
    log.grow(105);
    when(&mut relay.status, "a refill", |status| {
        status.last_trouble == Some(Trouble::StreamMoved) && status.published == 105
    })
    .await;
    assert_eq!(relay.status.borrow().trouble(), None);
    assert_eq!(bus.contents().await, log.all());
    relay.stop().await;
    bus.stop().await;
}

/// A log that cannot be read for a while.
struct Damaged {
    log: Arc<Log>,
    is_damaged: AtomicBool,
}

impl Origin for Damaged {
    fn head(&self) -> watch::Receiver<u64> {
        self.log.head()
    }

    fn messages(&self, from: u64, max: usize) -> Result<Vec<Message>, BoxError> {
        if self.is_damaged.load(Ordering::Acquire) {
            return Err("positions 1 to 8 are damaged".into());
        }
        self.log.messages(from, max)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_cannot_be_read_is_named() {
    let bus = Bus::start().await;
    let log = Log::new(100);
    let origin = Arc::new(Damaged {
        log: Arc::clone(&log),
        is_damaged: AtomicBool::new(true),
    });
    let mut relay = Relay::of(relay_options(bus.url()), origin.clone());
    troubled_by(&mut relay, Trouble::LogUnreadable).await;
    let said = relay.status.borrow().last_error.clone().unwrap();
    assert!(said.contains("positions 1 to 8 are damaged"), "{said}");
    origin.is_damaged.store(false, Ordering::Release);
    relay.published(100).await;
    assert_eq!(relay.status.borrow().trouble(), None);
    assert_eq!(bus.contents().await, log.all());
    relay.stop().await;
    bus.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_asks_for_credentials_is_named() {
    let bus = Bus::with(None, "").await;
    let log = Log::new(10);
    let mut relay = Relay::start(bus.url(), &log);
    relay.published(10).await;
    bus.reload_with("authorization { user: relay, password: secret }\n")
        .await;
    troubled_by(&mut relay, Trouble::NotAdmitted).await;
    log.grow(20);
    bus.reload_with("").await;
    relay.published(20).await;
    assert_eq!(relay.status.borrow().trouble(), None);
    assert_eq!(bus.contents().await, log.all());
    relay.stop().await;
    bus.stop().await;
}
