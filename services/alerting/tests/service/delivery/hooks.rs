//! Webhooks: signed, in order, at least once, and nobody waits for a receiver that is down.

use std::collections::BTreeMap;
use std::time::Duration;

use futures::StreamExt as _;
use tokio::time::timeout;
use wire::v1;
use wire::v1::alerting_service_client::AlertingServiceClient;

use super::receiver::{Receiver, Reply};
use super::{clock, deliverer, deliveries, pace, settings, until, until_recorded};
use crate::common::{LEDGER, PATIENCE, Running, World, cases};
use crate::story::{founding, report};

/// Noon of 5 July 2023 in Vietnam.
const NOON: &str = "2023-07-05T05:00:00Z";

fn hook(name: &str, port: u16, more: &str) -> String {
    format!(
        "[[webhook]]\nname = \"{name}\"\nurl = \"http://127.0.0.1:{port}/hook\"\nsecret_file = \"secret\"\n{more}\n"
    )
}

fn id(position: u64) -> String {
    format!("{LEDGER}-alerts:{position}")
}

/// What the bus has, by id, until an id came.
async fn on_the_bus(alerts: &mut async_nats::Subscriber, last: &str) -> BTreeMap<String, Vec<u8>> {
    let mut all = BTreeMap::new();
    while !all.contains_key(last) {
        let message = timeout(PATIENCE, alerts.next()).await.unwrap().unwrap();
        if !message.subject.ends_with(".sys.log.head") {
            let envelope: serde_json::Value = serde_json::from_slice(&message.payload).unwrap();
            let id = envelope["id"].as_str().unwrap().to_owned();
            if envelope["type"] == "vn.tiendo.delivery.recorded.v1" {
                let expected = format!("tiendo.v1.{LEDGER}-alerts.sys.delivery.recorded.webhook-a");
                assert_eq!(message.subject.as_str(), expected);
                assert_eq!(envelope["subject"], "vn");
            }
            all.insert(id, message.payload.to_vec());
        }
    }
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn each_entry_is_posted_as_the_bus_has_it_through_failures_a_restart_and_a_rebuild() {
    let world = World::start().await;
    let mut alerts = world
        .subscriber(&format!("tiendo.v1.{LEDGER}-alerts.>"))
        .await;
    let receiver = Receiver::start().await;
    let toml = hook("a", receiver.port, "");
    let at = ("2023-07-05", &clock(NOON));
    let late = Duration::from_secs(5);
    receiver.reply(&[Reply::Status(500), Reply::Later(0), Reply::Late(late)]);
    let alerting = deliverer(&world, at, settings(&world, &toml, pace())).await;
    until_recorded(&alerting, |now| now.head == 1).await;
    world.record(founding()).await;

    // Entry 1 says where the sink begins; the case and the reminder follow it.
    assert_eq!(receiver.until_taken(2).await, [id(2), id(3)]);
    let tried: Vec<String> = receiver.got().into_iter().map(|got| got.id).collect();
    assert_eq!(tried, [id(2), id(2), id(2), id(2), id(3)], "in order");
    until_recorded(&alerting, |now| now.sinks[0].through == 3).await;
    let bus = on_the_bus(&mut alerts, &id(4)).await;
    for got in receiver.got() {
        assert_eq!(bus[&got.id], got.body, "as the bus has it, a double too");
    }
    let recorded: serde_json::Value = serde_json::from_slice(&bus[&id(4)]).unwrap();
    let recorded = &recorded["data"]["deliveryRecorded"];
    assert_eq!(recorded["kind"], "DELIVERY_KIND_PASSED_ON");
    assert_eq!(
        recorded["ranges"][0],
        serde_json::json!({"first": 2, "last": 3})
    );

    // What comes while alerting is down is sent by the next start, and nothing else.
    alerting.stop().await;
    world.record(vec![("2023-07-04", report(256_453))]).await;
    let alerting = deliverer(&world, at, settings(&world, &toml, pace())).await;
    let praised = receiver.until_taken(4).await;
    assert_eq!(praised[2..], [id(5), id(6)], "cleared, and commended");
    until_recorded(&alerting, |now| now.sinks[0].through == 6).await;
    alerting.stop().await;

    // Rebuilt from the ledger, all of it is history.
    std::fs::remove_dir_all(world.alerts()).unwrap();
    let alerting = deliverer(&world, at, settings(&world, &toml, pace())).await;
    let begun = until_recorded(&alerting, |now| now.sinks[0].through > 0).await;
    assert_eq!((begun.sinks[0].through, begun.head), (4, 5));
    let position = world.record(vec![("2023-07-05", report(256_460))]).await;
    assert_eq!(cases(&alerting, position).await.len(), 1);
    assert_eq!(
        receiver.taken().len(),
        4,
        "a figure that opens nothing sends nothing"
    );
    alerting.stop().await;
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_for_a_receiver_is_sent_after_a_restart_and_nothing_twice_in_between() {
    let world = World::start().await;
    let receiver = Receiver::start().await;
    let toml = hook("a", receiver.port, "");
    let at = ("2023-07-05", &clock(NOON));
    let patient = alerting::delivery::Pace {
        attempts: u32::MAX,
        ..pace()
    };
    // The first entry is taken, the second is not until alerting was started anew.
    receiver.reply(&[Reply::Status(200)]);
    receiver.otherwise(503);
    let alerting = deliverer(&world, at, settings(&world, &toml, patient.clone())).await;
    until_recorded(&alerting, |now| now.head == 1).await;
    world.record(founding()).await;
    until_recorded(&alerting, |now| now.sinks[0].failed > 2).await;
    let waiting = deliveries(&alerting).await;
    assert_eq!(
        (waiting.sinks[0].through, waiting.total_dead_letters),
        (2, 0)
    );
    alerting.stop().await;
    receiver.otherwise(200);
    let alerting = deliverer(&world, at, settings(&world, &toml, patient)).await;
    assert_eq!(receiver.until_taken(2).await, [id(2), id(3)]);
    until_recorded(&alerting, |now| now.sinks[0].through >= 3).await;
    alerting.stop().await;
    assert_eq!(receiver.taken().len(), 2);
    world.stop().await;
}

/// Wants dead letters sent once more; gives how many, or why not.
async fn retry(
    alerting: &Running<alerting::Error>,
    sink: &str,
    positions: &[u64],
) -> Result<u64, String> {
    let mut client = AlertingServiceClient::new(alerting.channel().await);
    let request = v1::RetryDeliveriesRequest {
        sink: sink.to_owned(),
        positions: positions.to_vec(),
    };
    let retried = client.retry_deliveries(request).await;
    retried
        .map(|retried| retried.into_inner().retried)
        .map_err(|refused| wire::status::refusal(&refused).reason)
}

#[tokio::test(flavor = "multi_thread")]
async fn letters_sent_once_more_to_a_receiver_that_is_still_down_stop_at_the_first() {
    let world = World::start().await;
    let receiver = Receiver::start().await;
    receiver.otherwise(500);
    let toml = hook("a", receiver.port, "");
    let at = ("2023-07-05", &clock(NOON));
    let alerting = deliverer(&world, at, settings(&world, &toml, pace())).await;
    until_recorded(&alerting, |now| now.head == 1).await;
    world.record(founding()).await;
    until_recorded(&alerting, |now| now.total_dead_letters == 2).await;
    assert_eq!(retry(&alerting, "webhook-a", &[]).await, Ok(2));
    until_recorded(&alerting, |now| now.dead_letters[0].attempts == 12).await;
    // What is new is not kept waiting by the second one.
    receiver.otherwise(200);
    world.record(vec![("2023-07-04", report(256_453))]).await;
    let taken = receiver.until_taken(2).await;
    let tried: Vec<String> = receiver.got().into_iter().map(|got| got.id).collect();
    let expected = [vec![id(2); 6], vec![id(3); 6], vec![id(2); 6], taken].concat();
    assert_eq!(tried, expected);
    // Both stay on the list, and can be sent once more.
    assert_eq!(deliveries(&alerting).await.total_dead_letters, 2);
    assert_eq!(retry(&alerting, "webhook-a", &[]).await, Ok(2));
    assert_eq!(receiver.until_taken(4).await[2..], [id(2), id(3)]);
    alerting.stop().await;
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receiver_that_is_gone_is_left_alone_until_somebody_asks() {
    let world = World::start().await;
    let receiver = Receiver::start().await;
    receiver.otherwise(410);
    let toml = hook("a", receiver.port, "");
    let at = ("2023-07-05", &clock(NOON));
    let alerting = deliverer(&world, at, settings(&world, &toml, pace())).await;
    until_recorded(&alerting, |now| now.head == 1).await;
    world.record(founding()).await;
    let gone = until_recorded(&alerting, |now| now.total_dead_letters == 1).await;
    assert_eq!(gone.dead_letters[0].last_error, "HTTP 410");
    world.record(vec![("2023-07-04", report(256_453))]).await;
    // The dead letter is entry 4.
    until_recorded(&alerting, |now| now.head == 6).await;
    receiver.otherwise(200);
    assert_eq!(retry(&alerting, "", &[]).await, Ok(1));
    let expected = [2, 3, 5, 6].map(id);
    assert_eq!(receiver.until_taken(4).await, expected);
    assert_eq!(receiver.got().len(), 5, "one was refused, once");
    alerting.stop().await;
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receiver_that_is_down_stops_nobody_and_its_dead_letters_can_be_sent_again() {
    let metrics = host::telemetry::metrics().unwrap();
    let world = World::start().await;
    let (down, up, elsewhere) = (
        Receiver::start().await,
        Receiver::start().await,
        Receiver::start().await,
    );
    down.otherwise(500);
    let toml = [
        hook("down", down.port, ""),
        hook("up", up.port, "places = [\"01\"]\nconcerns = [\"overdue\"]"),
        hook("elsewhere", elsewhere.port, "places = [\"56\"]"),
        hook("silent", elsewhere.port, "concerns = [\"silent\"]"),
    ];
    let at = ("2023-07-05", &clock(NOON));
    let alerting = deliverer(&world, at, settings(&world, &toml.concat(), pace())).await;
    let position = world.record(founding()).await;

    let first = up.until_taken(2).await;
    assert_eq!(cases(&alerting, position).await.len(), 1);
    let dead = until_recorded(&alerting, |now| now.total_dead_letters == 2).await;
    for (letter, id) in dead.dead_letters.iter().zip(&first) {
        assert_eq!(letter.sink, "webhook-down");
        assert!(id.ends_with(&format!(":{}", letter.position)));
        assert_eq!(
            (letter.attempts, letter.last_error.as_str()),
            (6, "HTTP 500")
        );
    }
    assert!(elsewhere.got().is_empty());
    let letters = "tiendo_delivery_dead_letters{sink=\"webhook-down\"} 2";
    let shown = until(async || metrics.render().contains(letters).then_some(()));
    assert_eq!(shown.await, Some(()));
    let rendered = metrics.render();
    for line in [
        "tiendo_delivery_failed_total{sink=\"webhook-down\"} 12",
        "tiendo_delivery_delivered_total{sink=\"webhook-up\"} 2",
        "tiendo_delivery_waiting_seconds{sink=\"webhook-down\"} 0",
    ] {
        assert!(rendered.contains(line), "{line}\n{rendered}");
    }

    // A restart forgets none of it, and tries none of it by itself.
    alerting.stop().await;
    let alerting = deliverer(&world, at, settings(&world, &toml.concat(), pace())).await;
    assert_eq!(deliveries(&alerting).await.total_dead_letters, 2);
    let tried = down.got().len();
    let retry = async |sink: &str, positions: &[u64]| retry(&alerting, sink, positions).await;
    for (sink, positions, reason) in [
        ("webhook-b", &[][..], "UNKNOWN_SINK"),
        ("webhook-down", &[999], "UNKNOWN_DEAD_LETTER"),
    ] {
        assert_eq!(retry(sink, positions).await, Err(reason.to_owned()));
    }
    down.otherwise(200);
    let one = dead.dead_letters[1].position;
    assert_eq!(retry("webhook-down", &[one]).await, Ok(1));
    assert_eq!(down.until_taken(1).await, first[1..]);
    until_recorded(&alerting, |now| now.total_dead_letters == 1).await;
    assert_eq!(retry("", &[]).await, Ok(1));
    assert_eq!(down.until_taken(2).await[1], first[0]);
    until_recorded(&alerting, |now| now.total_dead_letters == 0).await;
    assert_eq!(down.got().len(), tried + 2);
    assert_eq!(up.got().len(), 2, "recorded, so not sent again");
    alerting.stop().await;
    world.stop().await;
}
