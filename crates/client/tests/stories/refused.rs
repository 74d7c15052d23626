//! What a subscriber is told, by name.

use client::{Checkpoint, Error, Options, Start, Subscription};

use crate::common::{
    LEDGER, STREAM, World, far, ledger, positions, read, record, silent, take_over, told, until,
};

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
    let is_ahead = told(&mut subscription).await;
    assert_eq!(is_ahead.reason(), "CHECKPOINT_AHEAD", "{is_ahead}");
    assert!(
        is_ahead.to_string().contains(&format!("ends at {head}")),
        "{is_ahead}"
    );
    // Nothing of the new history is taken for the old one.
    assert_eq!(far(&subscription), 100);

    // It goes on, and uses the positions again.
    world.record_all(60).await;
    let is_forked = told(&mut subscription).await;
    assert_eq!(is_forked.reason(), "CHECKPOINT_FORKED", "{is_forked}");
    assert!(
        is_forked.to_string().contains("position 100 of"),
        "{is_forked}"
    );
    assert_eq!(far(&subscription), 100);
    let kept = subscription.checkpoint().to_string();
    let options = world.options();
    let from = |text: &str, log: Option<String>| Options {
        start: Start::Checkpoint(text.parse().unwrap()),
        log,
        ..options.clone()
    };
    for log in [options.log.clone(), None] {
        let told = refused(from(&kept, log.clone())).await;
        assert_eq!(told.reason(), "CHECKPOINT_FORKED", "{told}");
        // A checkpoint of an earlier release does not tell; it gets what does with the next event.
        let old = r#"{"positions":{"/tiendo/story":118}}"#;
        let mut subscription = Subscription::open(from(old, log)).await.unwrap();
        assert_eq!(positions(&read(&mut subscription, 1).await), [119]);
        let kept = subscription.checkpoint().to_string();
        let mark = r#""marks":{"/tiendo/story":{"position":119,"#;
        assert!(kept.contains(mark), "{kept}");
    }
    // The log alone shows it too.
    world.kill_server(false).await;
    let alone = from(&kept, options.log.clone());
    let mut alone = Subscription::open(alone).await.unwrap();
    let is_forked = told(&mut alone).await;
    assert_eq!(is_forked.reason(), "CHECKPOINT_FORKED", "{is_forked}");
    world.stop().await;
}

/// What a writer recorded that another took over from is in its log and nowhere else.
#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_is_no_longer_the_ledgers_is_read_no_further() {
    let mut world = World::start().await;
    world.record_all(80).await;
    let standby = world.start_standby().await;
    until(async || (ledger(&standby).await.head == 80).then_some(())).await;
    let mut options = world.options();
    let mut misled = Subscription::open(options.clone()).await.unwrap();
    read(&mut misled, 80).await;
    world.kill_server(false).await;
    assert_eq!(world.record(20).await, 100);
    assert_eq!(read(&mut misled, 20).await[19].position, 100);
    world.stop_ingest().await;

    world.start_server().await;
    assert_eq!(take_over(&standby).await, 81);
    assert_eq!(record(&standby, 201, 9).await, 90);
    world.published(90).await;
    world.start_ingest("ingest").await;
    until(async || ledger(&world.address).await.fence.is_some().then_some(())).await;

    // The stream does not reach as far as it has read yet, and says nothing of it.
    for _ in 0..20 {
        silent(&mut misled).await;
    }
    assert_eq!(record(&standby, 301, 20).await, 110);
    let is_forked = told(&mut misled).await;
    assert_eq!(is_forked.reason(), "CHECKPOINT_FORKED", "{is_forked}");
    assert_eq!(far(&misled), 100);

    world.published(110).await;
    world.keep(10).await;
    let mut late = Subscription::open(options.clone()).await.unwrap();
    read(&mut late, 80).await;
    let is_fenced = told(&mut late).await;
    assert_eq!(is_fenced.reason(), "LOG_FENCED", "{is_fenced}");
    assert!(
        is_fenced.to_string().contains("from position 81 on"),
        "{is_fenced}"
    );
    options.start = Start::Checkpoint(late.checkpoint());
    options.log = Some(standby);
    let mut late = Subscription::open(options).await.unwrap();
    let rest = read(&mut late, 30).await;
    assert_eq!(positions(&rest), (81..=110).collect::<Vec<_>>());
    world.stop().await;
}
