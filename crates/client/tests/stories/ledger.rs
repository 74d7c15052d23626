//! Subscribers of one ledger.

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};
use std::time::Duration;

use client::{Checkpoint, Start, Subscription};
use futures::StreamExt as _;
use tokio::time::timeout;

use crate::common::{LEDGER, PATIENCE, STREAM, World, far, positions, read, silent, until};

#[tokio::test(flavor = "multi_thread")]
async fn wherever_one_begins_the_log_is_seen_once_and_in_order() {
    let mut world = World::start().await;
    let truth = world.listen().await;
    let head = world.record(400).await;
    world.published(head).await;
    // The stream has the newest fifty only, and moves on while the log is read.
    world.keep(50).await;
    let load = world.record_meanwhile(400);
    for from in [1, 2, 200, 349, 350, 351, 352, 400, 401, 402] {
        let mut options = world.options();
        options.start = Start::Position(from);
        let mut subscription = Subscription::open(options).await.unwrap();
        let events = read(&mut subscription, 800 - from + 1).await;
        until(async || (truth.heard() == 800).then_some(())).await;
        truth.is(&events, from);
        let status = subscription.status();
        assert_eq!(
            status.from_log + status.from_stream,
            800 - from + 1,
            "{status:?}"
        );
        assert!(from > 1 || status.from_log >= 350, "{status:?}");
        assert_eq!(far(&subscription), 800);
        if from == 402 {
            silent(&mut subscription).await;
        }
    }
    assert_eq!(load.await.unwrap(), 800);
    // Only what comes from now on.
    let mut options = world.options();
    options.start = Start::New;
    let mut subscription = Subscription::open(options).await.unwrap();
    silent(&mut subscription).await;
    assert_eq!(world.record(1).await, 801);
    let events = read(&mut subscription, 1).await;
    until(async || (truth.heard() == 801).then_some(())).await;
    truth.is(&events, 801);
    let status = subscription.status();
    assert_eq!(status.from_stream + status.from_log, 1);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_is_deleted_and_a_server_that_is_killed_cost_nothing() {
    let mut world = World::start().await;
    let truth = world.listen().await;
    world.record_all(200).await;
    let mut subscription = Subscription::open(world.options()).await.unwrap();
    let mut events = read(&mut subscription, 100).await;

    // Everything that the bus had is gone, and it stays away: the log has it.
    world.kill_server(true).await;
    let head = world.record(80).await;
    events.extend(read(&mut subscription, head - 100).await);
    world.start_server().await;
    let truth_again = world.listen().await;
    world.published(head).await;
    events.extend({
        world.record(40).await;
        read(&mut subscription, 40).await
    });

    let context = world.jetstream().await;
    context.delete_stream(STREAM).await.unwrap();
    world.record(40).await;
    events.extend(read(&mut subscription, 40).await);

    world.kill_server(false).await;
    world.start_server().await;
    let head = world.record(40).await;
    events.extend(read(&mut subscription, 40).await);
    assert_eq!(positions(&events), (1..=head).collect::<Vec<_>>());
    until(async || (truth_again.heard() >= 320).then_some(())).await;
    truth.is(&events[..200], 1);
    truth_again.is(&events[280..320], 281);

    // It is at the stream again, not at the log for ever.
    let from_stream = subscription.status().from_stream;
    until(async || {
        let next = world.record(1).await;
        assert_eq!(read(&mut subscription, 1).await[0].position, next);
        (subscription.status().from_stream > from_stream).then_some(())
    })
    .await;
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_may_begin_at_a_time() {
    let mut world = World::start().await;
    for _ in 0..4 {
        world.record(20).await;
    }
    world.published(80).await;
    let mut subscription = Subscription::open(world.options()).await.unwrap();
    let events = read(&mut subscription, 80).await;
    let from = |time| {
        let first = events.iter().find(|event| event.recorded >= time);
        first.unwrap().position
    };
    for kept in [80, 30] {
        world.keep(kept).await;
        for index in [0, 30, 79] {
            let time = events[index].recorded;
            for with_log in [true, false] {
                let mut options = world.options();
                options.start = Start::Time(time);
                if !with_log {
                    options.log = None;
                }
                // The oldest that is kept must be older, or nobody knows what was before it.
                let is_gone = !with_log && kept == 30 && events[50].recorded >= time;
                assert_eq!(is_gone, !with_log && kept == 30 && index < 79);
                let opened = Subscription::open(options).await;
                if is_gone {
                    assert_eq!(opened.unwrap_err().reason(), "BEYOND_RETENTION");
                    continue;
                }
                let next = read(&mut opened.unwrap(), 1).await;
                assert_eq!(next[0].position, from(time), "{kept} {index} {with_log}");
            }
        }
    }
    // A time that has not come.
    let mut options = world.options();
    options.start = Start::Time("2999-01-01T00:00:00Z".parse().unwrap());
    let mut subscription = Subscription::open(options).await.unwrap();
    silent(&mut subscription).await;
    assert_eq!(far(&subscription), 80);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_filter_gives_what_it_would_of_the_log() {
    let mut world = World::start().await;
    let truth = world.listen().await;
    world.record_all(300).await;
    world.keep(30).await;
    let wanted = [
        1, 2, 40, 41, 150, 269, 270, 271, 272, 299, 300, 301, 450, 590,
    ];
    let mut options = world.options();
    options.filters = wanted
        .map(|code| client::filter::locality(LEDGER, &format!("{code:05}")))
        .into();
    let load = world.record_meanwhile(300);
    let mut subscription = Subscription::open(options.clone()).await.unwrap();
    let events = read(&mut subscription, wanted.len() as u64).await;
    // A ward's code is its number, and so is its position.
    assert_eq!(positions(&events), wanted);
    let head = load.await.unwrap();
    assert_eq!(head, 600);
    until(async || (truth.heard() == head).then_some(())).await;
    for event in &events {
        truth.is(std::slice::from_ref(event), event.position);
    }
    // What was passed over counts as given, so that a filter of few events does not fall behind the stream.
    until(async || {
        silent(&mut subscription).await;
        (far(&subscription) == head).then_some(())
    })
    .await;
    options.log = None;
    options.start = Start::Checkpoint(subscription.checkpoint());
    let mut subscription = Subscription::open(options).await.unwrap();
    silent(&mut subscription).await;
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_stops_anywhere_goes_on_from_the_checkpoint() {
    let mut world = World::start().await;
    let truth = world.listen().await;
    world.record_all(200).await;
    world.keep(40).await;
    let load = world.record_meanwhile(300);
    let mut kept = Checkpoint::default().to_string();
    let mut events = Vec::new();
    for count in [1, 3, 150, 7, 60, 2, 90, 1, 100, 86] {
        let mut options = world.options();
        options.start = Start::Checkpoint(kept.parse().unwrap());
        let mut subscription = Subscription::open(options).await.unwrap();
        events.extend(read(&mut subscription, count).await);
        kept = subscription.checkpoint().to_string();
    }
    assert_eq!(load.await.unwrap(), 500);
    assert_eq!(events.len(), 500);
    until(async || (truth.heard() == 500).then_some(())).await;
    truth.is(&events, 1);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wait_that_is_given_up_loses_nothing() {
    let mut world = World::start().await;
    world.record_all(300).await;
    world.keep(100).await;
    let load = world.record_meanwhile(200);
    let mut subscription = Subscription::open(world.options()).await.unwrap();
    let mut seen = Vec::new();
    let mut given_up = 0_u64;
    let all = async {
        while seen.len() < 500 {
            // Less than a connection or a look takes; what was begun is gone on with.
            let patience = Duration::from_micros(50 << (given_up % 4));
            match timeout(patience, subscription.next()).await {
                Ok(event) => seen.push(event.unwrap().position),
                Err(_) => given_up += 1,
            }
        }
    };
    timeout(PATIENCE, all).await.unwrap();
    assert_eq!(seen, (1..=500).collect::<Vec<_>>());
    assert!(given_up > 0);
    load.await.unwrap();
    world.stop().await;
}

/// A line that is down is seen, although nothing fails.
#[tokio::test(flavor = "multi_thread")]
async fn a_relay_that_is_not_heard_of_shows() {
    let mut world = World::start().await;
    world.record_all(3).await;
    let mut options = world.options();
    options.log = None;
    let mut subscription = Subscription::open(options).await.unwrap();
    read(&mut subscription, 3).await;
    world.stop_ingest().await;
    until(async || {
        silent(&mut subscription).await;
        (subscription.status().silent == [LEDGER]).then_some(())
    })
    .await;
    world.start_ingest("ingest").await;
    until(async || {
        silent(&mut subscription).await;
        subscription.status().silent.is_empty().then_some(())
    })
    .await;
    world.stop().await;
}

/// Each opening succeeds, and nothing ever comes of it.
#[tokio::test(flavor = "multi_thread")]
async fn trouble_that_comes_again_after_each_opening_is_told() {
    let mut world = World::start().await;
    world.record_all(3).await;
    let mut options = world.options();
    options.log = None;
    options.patience = Duration::from_secs(1);
    // Whoever follows several ledgers gives each a task.
    let reads = host::task::spawn("reads", async move {
        let mut subscription = Subscription::open(options).await.unwrap();
        read(&mut subscription, 3).await;
        subscription
    });
    let mut subscription = reads.await.unwrap();
    let context = world.jetstream().await;
    let spoils = async {
        let stream = context.get_stream_no_info(STREAM).await.unwrap();
        loop {
            // As soon as there is one again.
            let name = until(async || stream.consumer_names().next().await?.ok()).await;
            drop(stream.delete_consumer(&name).await);
        }
    };
    let told = tokio::select! {
        told = timeout(PATIENCE, subscription.next()) => told.unwrap(),
        () = spoils => unreachable!("it goes on for ever"),
    };
    let told = told.unwrap_err();
    assert_eq!(told.reason(), "STREAM_UNREADABLE", "{told}");
    assert!(told.may_pass(), "{told}");
    world.record(1).await;
    let next = loop {
        match timeout(PATIENCE, subscription.next()).await.unwrap() {
            Ok(event) => break event,
            Err(error) => assert!(error.may_pass(), "{error}"),
        }
    };
    assert_eq!(next.position, 4);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_example_goes_on_where_it_was_stopped() {
    let mut world = World::start().await;
    world.record_all(30).await;
    world.keep(10).await;
    let tests = std::env::current_exe().unwrap();
    let example = tests.parent().unwrap().with_file_name("examples/subscribe");
    let kept = world.folder.path().join("far.json");
    let run = async |count: usize| {
        let mut example = Command::new(&example)
            .args([LEDGER, &world.bus(), &world.address])
            .arg(&kept)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let lines = BufReader::new(example.stdout.take().unwrap()).lines();
        let lines = tokio::task::spawn_blocking(move || {
            let lines = lines.take(count).map(Result::unwrap);
            lines.collect::<Vec<_>>()
        });
        let lines = timeout(PATIENCE, lines).await.unwrap().unwrap();
        example.kill().unwrap();
        example.wait().unwrap();
        let kept: Checkpoint = std::fs::read_to_string(&kept).unwrap().parse().unwrap();
        (lines, kept.position("/tiendo/story"))
    };
    let is_from = |lines: &[String], first: u64| {
        for (line, position) in lines.iter().zip(first..) {
            let mut words = line.split_whitespace();
            assert_eq!(words.next(), Some(position.to_string().as_str()), "{line}");
            assert_eq!(words.next(), Some("vn.tiendo.locality.registered.v1"));
        }
    };
    let (lines, far) = run(12).await;
    is_from(&lines, 1);
    // What was printed last may not be kept yet; more may be than was looked at here.
    assert!((11..=30).contains(&far), "{far}");
    assert_eq!(crate::common::record(&world.address, 31, 20).await, 50);
    let (lines, _) = run(usize::try_from(50 - far).unwrap()).await;
    is_from(&lines, far + 1);
    world.stop().await;
}

/// What the README shows is the example of the crate's own documentation, which is compiled.
#[test]
fn the_readme_shows_what_is_compiled() {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../../README.md");
    let readme = std::fs::read_to_string(root).unwrap();
    let shown = readme.split_once("```rust\n").unwrap().1;
    let shown: Vec<&str> = shown.split_once("```").unwrap().0.trim().lines().collect();
    let library = include_str!("../../src/lib.rs").lines();
    let compiled: Vec<&str> = library
        .filter_map(|line| {
            line.strip_prefix("//! ")
                .filter(|line| !line.starts_with('#'))
        })
        .collect();
    let is_there = compiled.windows(shown.len()).any(|lines| lines == shown);
    assert!(is_there, "{shown:#?} is not in {compiled:#?}");
}
