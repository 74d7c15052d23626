//! Subscribers of a stream that collects several ledgers.

use std::path::Path;

use async_nats::jetstream::{self, stream};
use client::{Options, Start, Subscription};

use crate::common::{World, read, silent};

const HUB: &str = "NATIONAL";

/// An event as a province publishes it.
fn event(ledger: &str, position: u64) -> (String, Vec<u8>) {
    let envelope = serde_json::json!({
        "specversion": "1.0",
        "id": format!("{ledger}:{position}"),
        "source": format!("/tiendo/{ledger}"),
        "type": "vn.tiendo.locality.registered.v1",
        "subject": format!("{position:05}"),
        "time": "2023-04-10T16:59:59.999999999Z",
        "datacontenttype": "application/json",
        "dataschema": "urn:tiendo:schema:locality.registered:v1",
        "sequence": format!("{position:020}"),
        "recordedtime": "2023-04-10T08:00:00Z",
        "data": {},
    });
    let subject = format!("tiendo.v1.{ledger}.{position:05}.locality.registered.2023-04-10");
    (subject, envelope.to_string().into_bytes())
}

/// A hub, on a server where no ledger has a stream of these provinces.
struct Hub {
    context: jetstream::Context,
}

impl Hub {
    async fn make(world: &World) -> Self {
        let context = world.jetstream().await;
        let hub = Self { context };
        hub.make_again().await;
        hub
    }

    async fn make_again(&self) {
        let config = stream::Config {
            name: HUB.to_owned(),
            subjects: ["khanh-hoa", "ha-noi"]
                .map(|ledger| format!("tiendo.v1.{ledger}.>"))
                .into(),
            allow_direct: true,
            ..stream::Config::default()
        };
        self.context.create_stream(config).await.unwrap();
    }

    async fn collect(&self, ledger: &str, positions: impl IntoIterator<Item = u64>) {
        for position in positions {
            let (subject, payload) = event(ledger, position);
            let published = self.context.publish(subject, payload.into()).await;
            published.unwrap().await.unwrap();
        }
    }
}

async fn ids(subscription: &mut Subscription, count: u64) -> Vec<String> {
    let events = read(subscription, count).await;
    events.into_iter().map(|event| event.id).collect()
}

fn wanted(ledger: &str, positions: impl IntoIterator<Item = u64>) -> Vec<String> {
    let id = |position| format!("{ledger}:{position}");
    positions.into_iter().map(id).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_hub_shows_twice_is_seen_once() {
    let world = World::start().await;
    let hub = Hub::make(&world).await;
    hub.collect("khanh-hoa", 1..=40).await;
    hub.collect("ha-noi", 1..=10).await;
    let options = Options::hub(HUB, world.bus());
    let mut subscription = Subscription::open(options.clone()).await.unwrap();
    let mut expected = wanted("khanh-hoa", 1..=40);
    expected.extend(wanted("ha-noi", 1..=10));
    assert_eq!(ids(&mut subscription, 50).await, expected);

    // The province's bus was wiped: the hub reads it again from its start, long after it forgot the ids.
    hub.collect("khanh-hoa", 1..=45).await;
    hub.collect("ha-noi", 11..=12).await;
    let mut expected = wanted("khanh-hoa", 41..=45);
    assert_eq!(ids(&mut subscription, 3).await, expected[..3]);
    let kept = subscription.checkpoint().to_string();
    drop(subscription);

    // Who goes on from a checkpoint knows what was given.
    let mut options = options;
    options.start = Start::Checkpoint(kept.parse().unwrap());
    let mut subscription = Subscription::open(options.clone()).await.unwrap();
    expected.extend(wanted("ha-noi", 11..=12));
    assert_eq!(ids(&mut subscription, 4).await, expected[3..]);

    // The hub itself is made again, and shorter for now: its sequences mean nothing any more.
    hub.context.delete_stream(HUB).await.unwrap();
    hub.make_again().await;
    hub.collect("khanh-hoa", 1..=46).await;
    hub.collect("ha-noi", 1..=13).await;
    let mut expected = wanted("khanh-hoa", [46]);
    expected.extend(wanted("ha-noi", [13]));
    assert_eq!(ids(&mut subscription, 2).await, expected);
    silent(&mut subscription).await;
    let kept = subscription.checkpoint();
    assert_eq!(kept.position("/tiendo/khanh-hoa"), 46);
    assert_eq!(kept.position("/tiendo/ha-noi"), 13);

    // One province alone.
    options.start = Start::Position(1);
    options.filters = vec!["tiendo.v1.ha-noi.>".to_owned()];
    let mut subscription = Subscription::open(options).await.unwrap();
    assert_eq!(ids(&mut subscription, 13).await, wanted("ha-noi", 1..=13));
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hub_that_lost_its_end_and_one_with_a_hole_are_noticed() {
    let mut world = World::start().await;
    let hub = Hub::make(&world).await;
    hub.collect("khanh-hoa", 1..=40).await;
    world.kill_server(false).await;
    let (store, copy) = (
        world.folder.path().join("nats"),
        world.folder.path().join("copy"),
    );
    copy_folder(&store, &copy);
    world.start_server().await;
    let context = world.jetstream().await;
    let hub = Hub { context };
    hub.collect("khanh-hoa", 41..=45).await;
    let mut subscription = Subscription::open(Options::hub(HUB, world.bus()))
        .await
        .unwrap();
    assert_eq!(
        ids(&mut subscription, 45).await,
        wanted("khanh-hoa", 1..=45)
    );

    // Its newest messages are lost, and their sequences used again before anybody looks.
    world.kill_server(false).await;
    std::fs::remove_dir_all(&store).unwrap();
    std::fs::rename(&copy, &store).unwrap();
    world.start_server().await;
    let context = world.jetstream().await;
    let hub = Hub { context };
    hub.collect("ha-noi", 1..=10).await;
    hub.collect("khanh-hoa", 41..=47).await;
    let mut expected = wanted("ha-noi", 1..=10);
    expected.extend(wanted("khanh-hoa", 46..=47));
    assert_eq!(ids(&mut subscription, 12).await, expected);

    // The province dropped two events before the hub had read them.
    hub.collect("khanh-hoa", [50, 51]).await;
    let told = subscription.next().await.unwrap_err();
    assert_eq!(told.reason(), "SOURCE_GAP");
    assert!(!told.may_pass());
    assert!(
        told.to_string()
            .contains("gave event 50 of /tiendo/khanh-hoa where 48"),
        "{told}"
    );
    // It is told once.
    assert_eq!(
        ids(&mut subscription, 2).await,
        wanted("khanh-hoa", 50..=51)
    );
    world.stop().await;
}

fn copy_folder(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let (of, into) = (entry.path(), to.join(entry.file_name()));
        if of.is_dir() {
            copy_folder(&of, &into);
        } else {
            std::fs::copy(of, into).unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_hub_has_dropped_or_does_not_understand_is_told() {
    let world = World::start().await;
    let hub = Hub::make(&world).await;
    hub.collect("khanh-hoa", 1..=3).await;
    let alien = hub
        .context
        .publish("tiendo.v1.khanh-hoa.x", "{}".into())
        .await;
    alien.unwrap().await.unwrap();
    hub.collect("khanh-hoa", 4..=20).await;
    let mut options = Options::hub(HUB, world.bus());
    let mut subscription = Subscription::open(options.clone()).await.unwrap();
    assert_eq!(ids(&mut subscription, 3).await, wanted("khanh-hoa", 1..=3));
    let told = subscription.next().await.unwrap_err();
    assert_eq!(told.reason(), "MESSAGE_UNREADABLE");
    assert!(
        told.to_string().contains("message 4 of stream NATIONAL"),
        "{told}"
    );
    // It is told once.
    assert_eq!(ids(&mut subscription, 2).await, wanted("khanh-hoa", 4..=5));
    options.start = Start::Checkpoint(subscription.checkpoint());
    drop(subscription);

    let mut config = hub.context.get_stream(HUB).await.unwrap();
    let mut config = config.info().await.unwrap().config.clone();
    config.max_messages = 5;
    hub.context.update_stream(&config).await.unwrap();
    let gone = Subscription::open(options.clone()).await.unwrap_err();
    assert_eq!(gone.reason(), "BEYOND_RETENTION");
    assert!(
        gone.to_string().contains("begins at 17, and 7 is the next"),
        "{gone}"
    );
    // Whoever can live with that begins with what is there.
    options.start = Start::Position(17);
    let mut subscription = Subscription::open(options.clone()).await.unwrap();
    assert_eq!(
        ids(&mut subscription, 5).await,
        wanted("khanh-hoa", 16..=20)
    );

    options.log = Some(world.address.clone());
    let two = Subscription::open(options).await.unwrap_err();
    assert_eq!(two.reason(), "START_INVALID");
    world.stop().await;
}
