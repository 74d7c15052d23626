//! Followers against a real server: every position once, in order, never stale.

use std::time::Instant;

use crate::common::{Bus, Following, LEDGER, Log, Relay, when};
use bus::FollowOptions;

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
