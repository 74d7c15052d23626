//! Followers against a real server: every position once, in order, never stale.

use std::sync::Arc;
use std::time::Instant;

use async_nats::jetstream::{self, consumer::pull};
use futures::TryStreamExt;

use crate::common::{Bus, Following, LEDGER, Log, Relay, when};
use bus::{Access, FollowOptions, Replay};

#[tokio::test(flavor = "multi_thread")]
async fn everything_arrives_in_order_through_a_killed_server() {
    let mut bus = Bus::start().await;
    let log = Log::new(0);
    let mut relay = Relay::start(bus.url(), &log);
    let mut follower = Following::start(bus.url(), &log);
    follower.connected().await;
    for head in 1..=2_000 {
        log.grow(head);
    }
    follower.reached(2_000).await;
    bus.kill().await;
    when(&mut follower.status, "the loss noticed", |status| {
        !status.connected
    })
    .await;
    log.grow(2_500);
    bus.restart().await;
    let begun = Instant::now();
    follower.connected().await;
    eprintln!(
        "following again {:?} after the server was back",
        begun.elapsed()
    );
    log.grow(6_000);
    follower.reached(6_000).await;
    relay.published(6_000).await;
    assert!(follower.status.borrow().applied > 0);
    let beats = follower.status.borrow().beats;
    when(&mut follower.status, "two heartbeats more", |status| {
        status.beats > beats + 1 && status.head == 6_000
    })
    .await;
    assert_eq!(follower.stop().await, log.all());
    relay.stop().await;
    bus.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_applied_twice_when_the_stream_is_deleted_and_filled_again() {
    let bus = Bus::start().await;
    let log = Log::new(3_000);
    let mut relay = Relay::start(bus.url(), &log);
    relay.published(3_000).await;
    let mut follower = Following::start(bus.url(), &log);
    follower.reached(3_000).await;
    follower.connected().await;
    let generation = follower.status.borrow().generation;
    bus.delete_stream().await;
    when(&mut follower.status, "the loss noticed", |status| {
        status.generation > generation
    })
    .await;
    log.grow(3_100);
    follower.reached(3_100).await;
    follower.connected().await;
    let applied = follower.status.borrow().applied;
    log.grow(3_200);
    relay.published(3_200).await;
    follower.reached(3_200).await;
    log.grow(3_201);
    when(&mut follower.status, "the stream in use again", |status| {
        status.applied > applied
    })
    .await;
    follower.reached(3_201).await;
    assert_eq!(follower.stop().await, log.all());
    relay.stop().await;
    bus.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wiped_store_costs_nothing_but_speed() {
    let mut bus = Bus::start().await;
    let log = Log::new(2_000);
    let mut relay = Relay::start(bus.url(), &log);
    relay.published(2_000).await;
    let mut follower = Following::start(bus.url(), &log);
    follower.reached(2_000).await;
    follower.connected().await;
    bus.kill().await;
    bus.wipe();
    log.grow(2_010);
    follower.reached(2_010).await;
    bus.restart().await;
    log.grow(2_020);
    follower.reached(2_020).await;
    relay.published(2_020).await;
    assert_eq!(follower.stop().await, log.all());
    assert_eq!(bus.contents().await, log.all());
    relay.stop().await;
    bus.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_reader_stays_current_without_relay_and_without_server() {
    let mut bus = Bus::start().await;
    let log = Log::new(50);
    let mut follower = Following::start(bus.url(), &log);
    follower.reached(50).await;
    log.grow(60);
    follower.reached(60).await;
    let mut relay = Relay::start(bus.url(), &log);
    relay.published(60).await;
    follower.connected().await;
    relay.stop().await;
    log.grow(70);
    follower.reached(70).await;
    bus.kill().await;
    log.grow(80);
    follower.reached(80).await;
    assert_eq!(follower.stop().await, log.all());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gap_at_the_retention_floor_is_read_from_the_log() {
    let bus = Bus::start().await;
    let log = Log::new(500);
    let mut options = crate::common::relay_options(bus.url());
    options.stream.first_sequence = Some(401);
    let mut relay = Relay::with(options, &log);
    relay.published(500).await;
    let mut follower = Following::start(bus.url(), &log);
    follower.reached(500).await;
    assert_eq!(follower.stop().await, log.all());
    relay.stop().await;
    bus.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn far_behind_is_read_from_the_log_in_bulk() {
    let bus = Bus::start().await;
    let log = Log::new(1);
    let mut relay = Relay::start(bus.url(), &log);
    let mut options = FollowOptions::new(bus.url(), LEDGER, "tiendo pupil".to_owned());
    options.bulk_threshold = 100;
    let mut follower = Following::with(options, &log);
    follower.reached(1).await;
    follower.connected().await;
    log.grow(40_000);
    follower.reached(40_000).await;
    assert_eq!(follower.stop().await, log.all());
    relay.published(40_000).await;
    relay.stop().await;
    bus.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn with_an_inbox_of_its_own_a_reader_has_a_consumer_of_that_name_whoever_had_it() {
    let bus = Bus::start().await;
    let log = Log::new(100);
    let mut relay = Relay::start(bus.url(), &log);
    relay.published(100).await;
    let access = Access {
        inbox: Some("_INBOX.pupil".to_owned()),
        ..Access::open(bus.url())
    };
    let context = jetstream::new(bus.client().await);
    let stream = context
        .get_stream(bus::subject::stream_name(LEDGER))
        .await
        .unwrap();
    // Nothing ends such a one but to be deleted.
    for purpose in ["follow", "replay"] {
        let squatter = pull::Config {
            durable_name: Some(format!("_INBOX_pupil-{purpose}")),
            ..pull::Config::default()
        };
        stream.create_consumer(squatter).await.unwrap();
    }
    // And again, while the server keeps that of the one before.
    for _ in 0..2 {
        let options = FollowOptions::new(access.clone(), LEDGER, "tiendo pupil".to_owned());
        let mut follower = Following::with(options, &log);
        follower.reached(100).await;
        follower.connected().await;
        let info = stream.consumer_info("_INBOX_pupil-follow").await.unwrap();
        let to = info.config.deliver_subject.unwrap_or_default();
        assert!(to.starts_with("_INBOX.pupil."), "{to}");
        assert_eq!(follower.stop().await, log.all());
    }
    let mut replay = Replay::open(&access, LEDGER).await.unwrap();
    // Each time from elsewhere, so by another consumer.
    for from in [1, 51, 1] {
        let read = replay.read(from).await.unwrap();
        assert_eq!(read.len() as u64, 101 - from);
    }
    let info = stream.consumer_info("_INBOX_pupil-replay").await.unwrap();
    assert!(info.config.deliver_subject.is_some());
    let names: Vec<String> = stream.consumer_names().try_collect().await.unwrap();
    let nameless = names.iter().find(|name| !name.starts_with("_INBOX_pupil-"));
    assert_eq!(nameless, None, "{names:?}");
    relay.stop().await;
    bus.stop().await;
}

/// Has 60 events in the stream, 100 in a reader that was lent the rest by the log, and the relay gone.
async fn ahead_of_the_stream(bus: &Bus, log: &Arc<Log>) -> Following {
    let mut relay = Relay::start(bus.url(), log);
    relay.published(60).await;
    let mut follower = Following::start(bus.url(), log);
    follower.reached(60).await;
    follower.connected().await;
    relay.stop().await;
    log.grow(100);
    follower.reached(100).await;
    follower
}

/// A log that is like another one up to a position, and goes on otherwise.
fn parted(log: &Log, at: u64, head: u64) -> Arc<Log> {
    let other = Log::salted(head, 7);
    other.begin_as(log, at);
    other
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_stream_never_got_is_dropped_once_it_goes_on_otherwise() {
    let bus = Bus::start().await;
    let log = Log::new(60);
    let mut follower = ahead_of_the_stream(&bus, &log).await;
    // Another takes over behind what was published; the log that is read knows nothing of it.
    let other = parted(&log, 60, 61);
    let mut relay = Relay::start(bus.url(), &other);
    relay.published(61).await;
    when(&mut follower.status, "two histories", |status| {
        let told = status.last_error.as_deref().unwrap_or_default();
        told.contains("held against the stream at 61: the log is no better")
    })
    .await;
    assert_eq!(follower.status.borrow().dropped, 0, "for nothing better");
    follower.read_of(&other);
    when(&mut follower.status, "everything dropped", |status| {
        status.dropped == 1
    })
    .await;
    other.grow(200);
    follower.reached(200).await;
    assert_eq!(follower.stop().await, other.all());
    relay.stop().await;
    bus.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_comes_back_is_compared_where_the_stream_ends_and_where_it_was() {
    // Shorter than what was read, and longer.
    for head in [80, 150] {
        let mut bus = Bus::start().await;
        let log = Log::new(60);
        let mut follower = ahead_of_the_stream(&bus, &log).await;
        bus.kill().await;
        when(&mut follower.status, "the loss noticed", |status| {
            !status.connected
        })
        .await;
        bus.restart().await;
        let other = parted(&log, 60, head);
        follower.read_of(&other);
        let mut relay = Relay::start(bus.url(), &other);
        relay.published(head).await;
        // It may have come back before the stream went on, which is compared when it comes back the next time.
        bus.kill().await;
        when(&mut follower.status, "the loss noticed", |status| {
            !status.connected
        })
        .await;
        bus.restart().await;
        when(&mut follower.status, "what it had dropped", |status| {
            status.dropped > 0
        })
        .await;
        follower.reached(head).await;
        assert_eq!(follower.status.borrow().dropped, 1);
        assert_eq!(follower.stop().await, other.all());
        relay.stop().await;
        bus.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_dropped_while_the_stream_only_lags_behind_the_log() {
    let mut bus = Bus::start().await;
    let log = Log::new(60);
    let mut follower = ahead_of_the_stream(&bus, &log).await;
    bus.kill().await;
    bus.restart().await;
    follower.connected().await;
    let mut relay = Relay::start(bus.url(), &log);
    relay.published(100).await;
    log.grow(120);
    follower.reached(120).await;
    assert_eq!(follower.status.borrow().dropped, 0);
    assert_eq!(follower.stop().await, log.all());
    relay.stop().await;
    bus.stop().await;
}
