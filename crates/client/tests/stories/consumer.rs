//! Subscribers with a durable consumer that an operator made.

use std::time::Duration;

use async_nats::jetstream::consumer::{AckPolicy, PullConsumer, pull};
use client::{Access, Checkpoint, Options, Start, Subscription};
use futures::StreamExt as _;
use nkeys::KeyPair;

use crate::common::{LEDGER, STREAM, World, positions, read, silent, until};

const NAME: &str = "so-y-te";

async fn make(world: &World, filters: Vec<String>) {
    let config = pull::Config {
        durable_name: Some(NAME.to_owned()),
        ack_policy: AckPolicy::Explicit,
        ack_wait: Duration::from_secs(1),
        filter_subjects: filters,
        ..pull::Config::default()
    };
    let context = world.jetstream().await;
    let made = context.create_consumer_on_stream(config, STREAM).await;
    made.unwrap();
}

/// Up to where everything was acknowledged, and how much beyond that waits to be.
async fn standing(world: &World) -> (u64, usize) {
    let context = world.jetstream().await;
    let consumer = context.get_consumer_from_stream(NAME, STREAM).await;
    let consumer: PullConsumer = consumer.unwrap();
    let info = consumer.cached_info();
    (info.ack_floor.stream_sequence, info.num_ack_pending)
}

fn of_consumer(world: &World, with_log: bool) -> Options {
    let mut options = world.options();
    options.consumer = Some(NAME.to_owned());
    options.start = Start::Acknowledged;
    if !with_log {
        options.log = None;
    }
    options
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_not_acknowledged_comes_again_and_in_order() {
    for with_log in [false, true] {
        let mut world = World::start().await;
        world.record_all(60).await;
        make(&world, Vec::new()).await;
        let options = of_consumer(&world, with_log);
        let mut subscription = Subscription::open(options.clone()).await.unwrap();
        // Many more are on their way when it dies in the middle of the tenth.
        let events = read(&mut subscription, 10).await;
        assert_eq!(positions(&events), (1..=10).collect::<Vec<_>>());
        until(async || (standing(&world).await.0 == 9).then_some(())).await;
        drop(subscription);

        let mut subscription = Subscription::open(options.clone()).await.unwrap();
        world.record(20).await;
        let events = read(&mut subscription, 71).await;
        assert_eq!(positions(&events), (10..=80).collect::<Vec<_>>());
        subscription.acknowledge().await;
        // Copies of what came from the log are acknowledged too.
        until(async || {
            silent(&mut subscription).await;
            (standing(&world).await == (80, 0)).then_some(())
        })
        .await;
        world.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_stream_dropped_before_it_was_acknowledged_comes_from_the_log() {
    let mut world = World::start().await;
    let codes = [5, 17, 18, 60, 199, 203];
    let filters = codes.map(|code| client::filter::locality(LEDGER, &format!("{code:05}")));
    world.record_all(20).await;
    make(&world, filters.into()).await;
    let options = of_consumer(&world, true);
    let mut subscription = Subscription::open(options.clone()).await.unwrap();
    assert_eq!(positions(&read(&mut subscription, 1).await), [5]);
    subscription.acknowledge().await;
    until(async || (standing(&world).await.0 >= 5).then_some(())).await;
    let kept = subscription.checkpoint();
    drop(subscription);
    // While nobody reads, the stream drops what was not seen.
    world.record_all(180).await;
    world.keep(10).await;
    // The server takes 17 and 18, which were given to nobody who lived, for acknowledged.
    until(async || (standing(&world).await == (18, 0)).then_some(())).await;
    let told = Subscription::open(options.clone()).await.unwrap_err();
    assert_eq!(told.reason(), "START_INVALID");
    assert!(told.to_string().contains("begins at 191"), "{told}");
    let mut options = options;
    options.start = Start::Checkpoint(kept);
    // What comes from the log is held to the consumer's own filters.
    let mut subscription = Subscription::open(options.clone()).await.unwrap();
    assert_eq!(
        positions(&read(&mut subscription, 4).await),
        [17, 18, 60, 199]
    );
    world.record(5).await;
    assert_eq!(positions(&read(&mut subscription, 1).await), [203]);

    // Its own data were restored from a copy that is older than what it acknowledged.
    drop(subscription);
    options.start = Start::Checkpoint(Checkpoint::at(LEDGER, 17));
    let mut subscription = Subscription::open(options).await.unwrap();
    assert_eq!(
        positions(&read(&mut subscription, 4).await),
        [18, 60, 199, 203]
    );
    world.stop().await;
}

/// The consumer's server says nothing of what its stream dropped before it could give it.
#[tokio::test(flavor = "multi_thread")]
async fn what_the_stream_drops_while_a_slow_reader_reads_is_told() {
    for with_log in [false, true] {
        let mut world = World::start().await;
        world.record_all(1).await;
        make(&world, vec![client::filter::topic(LEDGER, "locality")]).await;
        let mut subscription = Subscription::open(of_consumer(&world, with_log)).await;
        let subscription = subscription.as_mut().unwrap();
        read(subscription, 1).await;
        // More than was asked for at once.
        world.record_all(400).await;
        world.keep(20).await;
        if with_log {
            let events = read(subscription, 400).await;
            assert_eq!(positions(&events), (2..=401).collect::<Vec<_>>());
        } else {
            let told = crate::common::told(subscription).await;
            assert_eq!(told.reason(), "BEYOND_RETENTION", "{told}");
        }
        world.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_another_acknowledged_after_all_is_not_waited_for() {
    let mut world = World::start().await;
    world.record_all(5).await;
    make(&world, Vec::new()).await;
    let context = world.jetstream().await;
    let other: PullConsumer = context
        .get_consumer_from_stream(NAME, STREAM)
        .await
        .unwrap();
    let taken = other.fetch().max_messages(3).messages().await.unwrap();
    let taken: Vec<_> = taken.collect().await;
    assert_eq!(standing(&world).await, (0, 3));
    let options = of_consumer(&world, false);
    let mut subscription = Subscription::open(options).await.unwrap();
    for message in taken {
        message.unwrap().double_ack().await.unwrap();
    }
    assert_eq!(positions(&read(&mut subscription, 2).await), [4, 5]);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_do_no_more_than_read_its_own_consumer_reads_all_of_it() {
    for domain in [None, Some("tiendo")] {
        reads_its_own_consumer(domain).await;
    }
}

async fn reads_its_own_consumer(domain: Option<&str>) {
    let (key, stranger) = (KeyPair::new_user(), KeyPair::new_user());
    // The server holds what is asked under its own domain to this, too.
    let api = format!("$JS.API.CONSUMER.*.{STREAM}.{NAME}");
    let next = format!("$JS.API.CONSUMER.MSG.NEXT.{STREAM}.{NAME}");
    let user = format!(
        r#"{{ nkey: {}, permissions: {{
            publish: ["{api}", "{next}", "$JS.ACK.{STREAM}.{NAME}.>"]
            subscribe: ["_INBOX_{NAME}.>"] }} }}"#,
        key.public_key()
    );
    let mut world = World::with_users(Some(user)).await;
    world.record_all(100).await;
    let codes = [10, 50, 90, 150, 199];
    let filters = codes.map(|code| client::filter::locality(LEDGER, &format!("{code:05}")));
    make(&world, filters.clone().into()).await;
    let file = world.folder.path().join("key.nk");
    std::fs::write(&file, key.seed().unwrap()).unwrap();
    let mut options = of_consumer(&world, true);
    options.domain = domain.map(ToOwned::to_owned);
    options.bus = Access {
        url: world.bus(),
        nkey: Some(file.clone()),
        ca: None,
        inbox: Some(format!("_INBOX_{NAME}")),
    };
    let mut elsewhere = options.clone();
    elsewhere.domain = Some("elsewhere".to_owned());
    let told = Subscription::open(elsewhere).await.unwrap_err();
    assert!(told.to_string().contains("$JS.elsewhere.API."), "{told}");
    let mut subscription = Subscription::open(options.clone()).await.unwrap();
    assert_eq!(positions(&read(&mut subscription, 3).await), [10, 50, 90]);
    world.record_all(60).await;
    assert_eq!(positions(&read(&mut subscription, 1).await), [150]);
    subscription.acknowledge().await;
    drop(subscription);

    // From the stream alone, too.
    let mut alone = options.clone();
    alone.log = None;
    world.record_all(40).await;
    let mut subscription = Subscription::open(alone).await.unwrap();
    assert_eq!(positions(&read(&mut subscription, 1).await), [199]);
    subscription.acknowledge().await;
    until(async || (standing(&world).await == (199, 0)).then_some(())).await;

    // Another's consumer, one of its own making, another's key.
    for consumer in [Some("so-noi-vu".to_owned()), None] {
        let mut options = options.clone();
        options.consumer = consumer;
        options.start = Start::Position(1);
        options.log = None;
        let told = Subscription::open(options).await.unwrap_err();
        assert_eq!(told.reason(), "BUS_NOT_PERMITTED", "{told}");
        assert!(told.to_string().contains(".API.CONSUMER."), "{told}");
    }
    std::fs::write(&file, stranger.seed().unwrap()).unwrap();
    let told = Subscription::open(options).await.unwrap_err();
    assert_eq!(told.reason(), "BUS_NOT_ADMITTED", "{told}");
    world.stop().await;
}
