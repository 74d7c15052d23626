//! What a subscriber is told, by name.

use client::{Checkpoint, Error, Options, Start, Subscription};

use crate::common::{LEDGER, STREAM, World, positions, read};

async fn refused(options: Options) -> Error {
    match Subscription::open(options).await {
        Ok(subscription) => panic!("it was opened: {subscription:?}"),
        Err(error) => error,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_fit_is_told_by_name() {
    let mut world = World::start().await;
    world.record_all(20).await;
    let all = world.options();
    let alone = Options {
        log: None,
        ..all.clone()
    };
    let with = |of: &Options, start: Start| Options {
        start,
        ..of.clone()
    };
    // More was read than the log has; the relay tells where that is to whoever has no log.
    for options in [&all, &alone] {
        let start = Start::Checkpoint(Checkpoint::at(LEDGER, 25));
        let told = refused(with(options, start)).await;
        assert_eq!(told.reason(), "CHECKPOINT_AHEAD");
        assert!(told.to_string().contains("position 25"), "{told}");
        assert!(told.to_string().contains("ends at 20"), "{told}");
        assert!(!told.may_pass());
    }
    let other = Start::Checkpoint(Checkpoint::at("ha-noi", 3));
    let told = refused(with(&all, other)).await;
    assert_eq!(told.reason(), "OTHER_LEDGER");
    assert_eq!(
        told.to_string(),
        "the checkpoint is of ledger `ha-noi`, not of `story`"
    );

    let mut nowhere = Options::ledger("nowhere", world.bus());
    assert_eq!(refused(nowhere.clone()).await.reason(), "STREAM_UNREADABLE");
    nowhere.log = Some(world.address.clone());
    let told = refused(nowhere).await;
    assert_eq!(told.reason(), "OTHER_LEDGER", "{told}");

    let unknown = Options {
        consumer: Some("nobody".to_owned()),
        ..alone.clone()
    };
    assert_eq!(refused(unknown).await.reason(), "SUBSCRIBER_UNKNOWN");
    let told = refused(with(&alone, Start::Acknowledged)).await;
    assert_eq!(told.reason(), "START_INVALID");
    let filters = Options {
        filters: vec!["tiendo.v1.ha-noi.>".to_owned()],
        ..alone.clone()
    };
    assert_eq!(refused(filters).await.reason(), "FILTER_INVALID");
    let address = Options {
        log: Some("not an address".to_owned()),
        ..alone.clone()
    };
    assert_eq!(refused(address).await.reason(), "LOG_UNREADABLE");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_reached_is_told_and_gone_on_with_once_it_is_there() {
    let mut world = World::start().await;
    world.record_all(100).await;
    world.keep(10).await;
    let mut options = world.options();
    options.patience = std::time::Duration::from_millis(200);
    world.stop_ingest().await;

    // What the stream has is enough for who was there.
    options.start = Start::Position(95);
    let mut near = Subscription::open(options.clone()).await.unwrap();
    assert_eq!(
        positions(&read(&mut near, 6).await),
        [95, 96, 97, 98, 99, 100]
    );
    options.start = Start::Position(1);
    let told = refused(options.clone()).await;
    assert_eq!(told.reason(), "LOG_UNREADABLE");
    assert!(told.to_string().contains(&world.address), "{told}");
    assert!(told.may_pass());
    let alone = Options {
        log: None,
        ..options.clone()
    };
    let told = refused(alone).await;
    assert_eq!(told.reason(), "BEYOND_RETENTION");
    let said = format!("stream {STREAM} begins at 91, and 1 is the next");
    assert!(told.to_string().starts_with(&said), "{told}");

    world.start_ingest("ingest").await;
    let mut far = Subscription::open(options.clone()).await.unwrap();
    let events = read(&mut far, 50).await;
    assert_eq!(positions(&events), (1..=50).collect::<Vec<_>>());

    // Both are away: told after the patience, and gone on with where it was.
    world.kill_server(false).await;
    world.stop_ingest().await;
    let told = loop {
        match far.next().await {
            Ok(event) => assert!(event.position <= 100),
            Err(error) => break error,
        }
    };
    assert!(told.may_pass(), "{told}");
    assert!(
        ["LOG_UNREADABLE", "BUS_UNREACHABLE", "STREAM_UNREADABLE"].contains(&told.reason()),
        "{told}"
    );
    assert!(far.status().trouble.is_some());
    world.start_server().await;
    world.start_ingest("ingest").await;
    let head = world.record(5).await;
    let given = far.checkpoint().position("/tiendo/story");
    let rest = loop {
        match far.next().await {
            Ok(event) => break event,
            Err(error) => assert!(error.may_pass(), "{error}"),
        }
    };
    assert_eq!(rest.position, given + 1);
    let rest = read(&mut far, head - given - 1).await;
    assert_eq!(positions(&rest), (given + 2..=head).collect::<Vec<_>>());

    // Without a bus the log alone is read.
    world.kill_server(false).await;
    let mut last = Subscription::open(options).await.unwrap();
    assert_eq!(read(&mut last, head).await.len() as u64, head);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_was_restored_from_an_older_copy_is_told() {
    let mut world = World::start().await;
    world.record_all(100).await;
    let mut subscription = Subscription::open(world.options()).await.unwrap();
    read(&mut subscription, 100).await;
    world.kill_server(true).await;
    world.stop_ingest().await;
    world.start_server().await;
    world.start_ingest("older").await;
    let head = world.record_all(60).await;
    let told = loop {
        match subscription.next().await {
            Ok(event) => panic!("{event:?} came"),
            Err(error) if error.may_pass() => {}
            Err(error) => break error,
        }
    };
    assert_eq!(told.reason(), "CHECKPOINT_AHEAD", "{told}");
    assert!(
        told.to_string().contains(&format!("ends at {head}")),
        "{told}"
    );
    // Nothing of the new history is taken for the old one.
    assert_eq!(subscription.checkpoint(), Checkpoint::at(LEDGER, 100));
    world.stop().await;
}
