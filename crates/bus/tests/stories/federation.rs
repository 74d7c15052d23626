//! Provinces and a national hub: every event of each at the hub, in order, through cut lines and wiped stores.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_nats::header::NATS_MESSAGE_ID;
use async_nats::jetstream::consumer::{DeliverPolicy, pull};
use bus::client::{ConnectSettings, Connection, connect};
use bus::hub::{self, Feed, HubSpec, STREAM, Standing};
use bus::server::{Given, Launch, Ready, Server};
use bus::{Access, Message, RelayOptions, StreamSpec};
use futures::StreamExt;
use tempfile::TempDir;

use crate::common::{Log, PATIENCE, Relay, binary, free_port, until, until_within};
use crate::link::{Held, Line, Link};

/// A server as its operator has it, whose files outlive it.
struct Site {
    folder: PathBuf,
    port: u16,
    server: Option<Server>,
}

impl Site {
    async fn start(folder: PathBuf, config: String) -> Self {
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("operator.conf"), config).unwrap();
        let mut site = Self {
            folder,
            port: free_port(),
            server: None,
        };
        site.restart().await;
        site
    }

    /// Its provinces may do what `deploy/nats/hub-accounts.conf` lets them do.
    async fn hub(folder: &Path) -> Self {
        let province = |name: &str| {
            format!(
                r#"{{
                    user: "{name}", password: "leaf"
                    permissions {{
                        publish: [
                            "_SOURCE.{name}.>", "$JSC.R.>"
                            "tiendo.v1.{name}.sys.log.head", "tiendo.v1.{name}-alerts.sys.log.head"
                        ]
                        subscribe: [ "$JS.{name}.API.CONSUMER.>", "$JS.FC.>" ]
                    }}
                }}"#
            )
        };
        let config = format!(
            r#"
            server_name: "hub"
            jetstream {{ domain: "hub" }}
            accounts {{ HUB {{
                jetstream: enabled
                users: [ {{ user: "operator", password: "operator" }}, {}, {} ]
            }} }}
            no_auth_user: "operator"
            leafnodes {{ listen: "127.0.0.1:-1", compression: off }}
            "#,
            province(PROVINCE),
            province("ha-noi")
        );
        Self::start(folder.join("hub"), config).await
    }

    /// It lets the hub do what `deploy/nats/leaf.conf` does.
    async fn province(folder: &Path, name: &str, link: &Link) -> Self {
        let config = format!(
            r#"
            server_name: "{name}"
            jetstream {{ domain: "{name}" }}
            leafnodes {{
                reconnect: "200ms"
                remotes: [{{
                    url: "nats-leaf://{name}:leaf@127.0.0.1:{port}"
                    compression: off, ignore_discovered_servers: true
                    deny_imports: [
                        "tiendo.v1.*.*.*.*.*", "tiendo.v1.*.sys.ingest.*", "$JS.API.>", "$JS.ACK.>"
                        "$JS.{name}.API.STREAM.>", "$JS.{name}.API.DIRECT.>"
                        "$JS.{name}.API.CONSUMER.DELETE.>", "$JS.{name}.API.CONSUMER.DURABLE.>"
                        "$JS.{name}.API.CONSUMER.PAUSE.>", "$JS.{name}.API.CONSUMER.MSG.>"
                    ]
                    deny_exports: [ "tiendo.v1.*.sys.ingest.*" ]
                }}]
            }}
            "#,
            port = link.port()
        );
        Self::start(folder.join(name), config).await
    }

    async fn restart(&mut self) {
        let binary = tokio::task::spawn_blocking(binary).await.unwrap();
        let mut launch = Launch::new(binary, self.folder.join("nats"), self.port);
        launch.given = Some(Given {
            config: self.folder.join("operator.conf"),
            arguments: Vec::new(),
            environment: Vec::new(),
            ready: Ready::Answers(Access::open("")),
        });
        self.server = Some(Server::start(launch).await.unwrap());
    }

    async fn kill(&mut self) {
        let pid = self.server.as_ref().unwrap().pid().cast_signed();
        let pid = rustix::process::Pid::from_raw(pid).unwrap();
        rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
        self.server.take().unwrap().exited().await.unwrap();
    }

    async fn stop(mut self) {
        self.server.take().unwrap().stop().await.unwrap();
    }

    fn url(&self) -> String {
        format!("nats://127.0.0.1:{}", self.port)
    }

    fn says(&self, words: &str) -> bool {
        let log = std::fs::read_to_string(self.folder.join("nats/nats-server.log"));
        log.unwrap().contains(words)
    }

    async fn connection(&self) -> Connection {
        connected(self.port).await
    }

    /// What is in the hub, in its order: of which ledger, and the message.
    async fn held(&self, filter: &str) -> Vec<(String, Message)> {
        let context = self.connection().await.jetstream();
        let read = async || read_whole(&context, filter).await;
        until(read).await
    }
}

/// None if the server did not answer.
async fn read_whole(
    context: &async_nats::jetstream::Context,
    filter: &str,
) -> Option<Vec<(String, Message)>> {
    let mut stream = context.get_stream(STREAM).await.ok()?;
    let config = pull::OrderedConfig {
        deliver_policy: DeliverPolicy::All,
        filter_subject: filter.to_owned(),
        ..Default::default()
    };
    let mut consumer = stream.create_consumer(config).await.ok()?;
    let count = consumer.info().await.ok()?.num_pending;
    assert!(stream.info().await.ok()?.state.messages >= count);
    let count = usize::try_from(count).unwrap();
    if count == 0 {
        return Some(Vec::new());
    }
    let messages = consumer.messages().await.ok()?.take(count);
    let read: Vec<_> = messages
        .map(|message| Some(of_ledger(&message.ok()?)))
        .collect()
        .await;
    read.into_iter().collect()
}

async fn connected(port: u16) -> Connection {
    let settings = ConnectSettings {
        access: format!("nats://127.0.0.1:{port}").into(),
        name: "story".to_owned(),
        timeout: PATIENCE,
    };
    connect(&settings).await.unwrap()
}

/// Whose message it is, by the id that the relay gave it.
fn of_ledger(message: &async_nats::jetstream::Message) -> (String, Message) {
    let headers = message.headers.as_ref().unwrap();
    for expected in ["Nats-Expected-Last-Sequence", "Nats-Expected-Stream"] {
        assert!(headers.get(expected).is_none(), "{headers:?}");
    }
    let id = headers.get(NATS_MESSAGE_ID).unwrap().as_str();
    let (ledger, position) = id.split_once(':').unwrap();
    let (subject, payload) = (message.subject.to_string(), message.payload.clone());
    let position = position.parse().unwrap();
    let message = Message {
        position,
        subject,
        payload,
    };
    (ledger.to_owned(), message)
}

/// What a subscriber keeps who drops what is not above its last position of the same source.
fn read(held: Vec<(String, Message)>) -> BTreeMap<String, Vec<Message>> {
    let mut kept: BTreeMap<String, Vec<Message>> = BTreeMap::new();
    for (ledger, message) in held {
        let kept = kept.entry(ledger).or_default();
        if kept
            .last()
            .is_none_or(|last| last.position < message.position)
        {
            kept.push(message);
        }
    }
    kept
}

/// A hub, a province, and the line between them.
struct World {
    folder: TempDir,
    hub: Site,
    link: Link,
    province: Site,
}

/// A server that was not answered by a source asks again after half a minute, then a little later each time.
const SERVERS_PATIENCE: Duration = Duration::from_secs(120);

const PROVINCE: &str = "khanh-hoa";

impl World {
    async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let hub = Site::hub(folder.path()).await;
        let (link, province) = join(&hub, folder.path(), PROVINCE).await;
        Self {
            folder,
            hub,
            link,
            province,
        }
    }

    /// Waits until the province has called the hub: whom its server cannot reach at first it tries again only after half a minute.
    async fn joined(&self) {
        until(async || self.hub.says("Leafnode connection created").then_some(())).await;
    }

    /// Has the hub read the ledger.
    async fn feed(&self, spec: &HubSpec) {
        self.joined().await;
        let connection = self.hub.connection().await;
        let feed = feed(PROVINCE, PROVINCE);
        assert_eq!(hub::add(&connection, spec, &[feed]).await.unwrap(), [true]);
    }

    /// Waits until the newest event of the province at the hub is this one, or a later one.
    async fn arrived(&self, position: u64) -> Standing {
        arrived(&self.hub, PROVINCE, position).await
    }

    /// Takes all that the province's server has, and starts it again.
    async fn wipe(&mut self) {
        self.province.kill().await;
        std::fs::remove_dir_all(self.province.folder.join("nats")).unwrap();
        self.province.restart().await;
    }

    async fn stop(self) {
        self.province.stop().await;
        self.hub.stop().await;
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let log = std::fs::read_to_string(self.folder.join("nats/nats-server.log"));
            eprintln!("{}:\n{}", self.folder.display(), log.unwrap_or_default());
        }
    }
}

async fn join(hub: &Site, folder: &Path, name: &str) -> (Link, Site) {
    let log = hub.folder.join("nats/nats-server.log");
    let link = Link::start(move || leaf_port(&log)).await;
    let province = Site::province(folder, name, &link).await;
    (link, province)
}

/// Where a server listens for leaf nodes, by its log: its file of ports leaves that out.
fn leaf_port(log: &Path) -> Option<u16> {
    let log = std::fs::read_to_string(log).ok()?;
    let (_, said) = log.rsplit_once("Listening for leafnode connections on ")?;
    said.lines().next()?.rsplit(':').next()?.parse().ok()
}

fn feed(ledger: &str, domain: &str) -> Feed {
    Feed {
        ledger: ledger.to_owned(),
        domain: Some(domain.to_owned()),
    }
}

fn relay(site: &Site, ledger: &str, log: &Arc<Log>) -> Relay {
    let stream = StreamSpec::for_ledger(ledger);
    Relay::with(
        RelayOptions::new(site.url(), ledger.to_owned(), stream),
        log,
    )
}

async fn standing(hub: &Site, ledger: &str, listen: Duration) -> Standing {
    let connection = hub.connection().await;
    let all = hub::list(&connection, STREAM, listen).await.unwrap();
    all.into_iter()
        .find(|one| one.feed.ledger == ledger)
        .unwrap()
}

async fn arrived(hub: &Site, ledger: &str, position: u64) -> Standing {
    let connection = hub.connection().await;
    until_within(SERVERS_PATIENCE, async || {
        let all = hub::list(&connection, STREAM, Duration::ZERO)
            .await
            .unwrap();
        let mut all = all.into_iter();
        all.find(|one| one.feed.ledger == ledger && one.held >= Some(position))
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn every_event_of_every_ledger_is_at_the_hub_once_and_in_order() {
    let world = World::start().await;
    let (other_link, other) = join(&world.hub, world.folder.path(), "ha-noi").await;
    let log = Log::of(PROVINCE, 8_000, 0);
    let alerts = Log::of("khanh-hoa-alerts", 300, 1);
    let capital = Log::of("ha-noi", 2_000, 2);
    let mut relays = [
        relay(&world.province, PROVINCE, &log),
        relay(&world.province, "khanh-hoa-alerts", &alerts),
        relay(&other, "ha-noi", &capital),
    ];
    for (relay, head) in relays.iter_mut().zip([8_000, 300, 2_000]) {
        relay.published(head).await;
    }
    let connection = world.hub.connection().await;
    let missing = hub::list(&connection, STREAM, Duration::ZERO).await;
    assert_eq!(missing.unwrap_err().reason(), "HUB_MISSING");

    // While the line is slow the hub says how far it is behind.
    world.link.set(Line::Slow);
    let spec = HubSpec::new(STREAM);
    world.feed(&spec).await;
    let lagging = until(async || {
        let seen = standing(&world.hub, PROVINCE, Duration::ZERO).await;
        (seen.lag > 0).then_some(seen)
    })
    .await;
    let held = lagging.held.unwrap_or(0);
    assert!(held < 8_000 && lagging.lag <= 8_000, "{lagging:?}");
    world.link.set(Line::Open);

    let more = [feed("khanh-hoa-alerts", PROVINCE), feed("ha-noi", "ha-noi")];
    let added = hub::add(&connection, &spec, &more).await.unwrap();
    assert_eq!(added, [true, true]);
    assert_eq!(
        hub::add(&connection, &spec, &more).await.unwrap(),
        [false, false]
    );
    log.grow(8_100);
    for (ledger, log) in [
        (PROVINCE, &log),
        ("khanh-hoa-alerts", &alerts),
        ("ha-noi", &capital),
    ] {
        arrived(&world.hub, ledger, log.head_now()).await;
        let filter = bus::subject::events(ledger);
        let mine = read(world.hub.held(&filter).await);
        assert_eq!(mine.keys().collect::<Vec<_>>(), [ledger]);
    }
    let held = world.hub.held(">").await;
    assert_eq!(held.len(), 8_100 + 300 + 2_000, "each once");
    let all = read(held);
    assert!(all[PROVINCE] == log.all() && all["khanh-hoa-alerts"] == alerts.all());
    assert!(all["ha-noi"] == capital.all());

    // Heartbeats cross too: the hub says how far each log is, and how long ago it heard of it.
    let seen = standing(&world.hub, PROVINCE, PATIENCE).await;
    assert_eq!(
        (seen.lag, seen.held, seen.head),
        (0, Some(8_100), Some(8_100))
    );
    assert!(seen.heard < Some(Duration::from_secs(10)), "{seen:?}");
    world.link.set(Line::Cut);
    let unheard = until(async || {
        let seen = standing(&world.hub, PROVINCE, Duration::from_millis(1_500)).await;
        (seen.head.is_none() && seen.heard > Some(Duration::from_secs(2))).then_some(seen)
    })
    .await;
    assert_eq!(unheard.held, Some(8_100));
    let other = (other_link, other);
    for relay in relays {
        relay.stop().await;
    }
    other.1.stop().await;
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_hub_is_refused_by_name_and_a_ledger_can_be_taken_out() {
    let world = World::start().await;
    let connection = world.hub.connection().await;
    let spec = HubSpec::new(STREAM);
    let there = feed(PROVINCE, PROVINCE);
    world.joined().await;

    // A stream that is not there yet, or nowhere, is waited for.
    let log = Log::new(100);
    let both = [there.clone(), feed("ha-noi", "nowhere")];
    hub::add(&connection, &spec, &both).await.unwrap();
    let missing = until(async || {
        let seen = standing(&world.hub, PROVINCE, Duration::ZERO).await;
        seen.error.is_some().then_some(seen)
    })
    .await;
    assert_eq!(missing.error.as_deref(), Some("stream not found"));
    assert_eq!((missing.heard, missing.held), (None, None));
    let mut relay = relay(&world.province, PROVINCE, &log);
    relay.published(100).await;
    world.arrived(100).await;
    let elsewhere = Feed {
        domain: None,
        ..there.clone()
    };
    let refused = hub::add(&connection, &spec, &[elsewhere])
        .await
        .unwrap_err();
    assert_eq!(refused.reason(), "HUB_FED_FROM_ELSEWHERE", "{refused}");
    let bad = hub::add(&connection, &spec, &[feed("Hà Nội", "ha-noi")]).await;
    assert_eq!(bad.unwrap_err().reason(), "LEDGER_INVALID");

    hub::remove(&connection, STREAM, &["ha-noi".to_owned()])
        .await
        .unwrap();
    let again = hub::remove(&connection, STREAM, &["ha-noi".to_owned()]).await;
    assert_eq!(again.unwrap_err().reason(), "HUB_NOT_FED");
    let left = hub::list(&connection, STREAM, Duration::ZERO)
        .await
        .unwrap();
    assert_eq!(
        left.iter().map(|one| &*one.feed.ledger).collect::<Vec<_>>(),
        [PROVINCE]
    );
    hub::remove(&connection, STREAM, &[PROVINCE.to_owned()])
        .await
        .unwrap();
    assert_eq!(world.hub.held(">").await.len(), 100, "what was taken stays");
    // Taken in again it goes on where it was.
    log.grow(150);
    relay.published(150).await;
    hub::add(&connection, &spec, &[there]).await.unwrap();
    world.arrived(150).await;
    assert_eq!(world.hub.held(">").await.len(), 150);

    // A ledger's own stream is never made a hub's.
    let provincial = world.province.connection().await;
    let taken = HubSpec::new(bus::subject::stream_name(PROVINCE));
    let refused = hub::add(&provincial, &taken, &[feed("ha-noi", "ha-noi")]).await;
    assert_eq!(refused.unwrap_err().reason(), "HUB_STREAM_TAKEN");
    relay.stop().await;
    world.stop().await;
}

/// One looks at the stream before it decides, right before the update and right after it.
#[tokio::test(flavor = "multi_thread")]
async fn what_two_change_at_the_same_time_is_told_to_one_of_them() {
    let folder = tempfile::tempdir().unwrap();
    let hub = Site::hub(folder.path()).await;
    let other = hub.connection().await;
    let spec = HubSpec::new(STREAM);
    let feeds = |ledger: &str| [feed(ledger, "nowhere")];
    hub::add(&other, &spec, &feeds("a")).await.unwrap();
    let ledgers = async || {
        let all = hub::list(&other, STREAM, Duration::ZERO).await.unwrap();
        let ledgers: Vec<_> = all.into_iter().map(|one| one.feed.ledger).collect();
        ledgers.join(" ")
    };
    let add = async |ledger: &'static str| {
        hub::add(&other, &spec, &feeds(ledger)).await.unwrap();
    };
    for (look, theirs, ours, said, there) in [
        (2, "b", "c", "nothing was done", "a b"),
        (3, "d", "e", "no longer what it was set to", "a b d e"),
    ] {
        let mut held = Held::start(hub.port, "STREAM.INFO.", look).await;
        let mine = connected(held.port()).await;
        let wanted = feeds(ours);
        let adding = hub::add(&mine, &spec, &wanted);
        let (added, ()) = tokio::join!(adding, held.meanwhile(add(theirs)));
        let refused = added.unwrap_err();
        assert_eq!(refused.reason(), "HUB_CHANGED");
        assert!(refused.to_string().contains(said), "{refused}");
        assert_eq!(ledgers().await, there);
    }
    let mut held = Held::start(hub.port, "STREAM.INFO.", 2).await;
    let mine = connected(held.port()).await;
    let gone = ["a".to_owned()];
    let removing = hub::remove(&mine, STREAM, &gone);
    let (removed, ()) = tokio::join!(removing, held.meanwhile(add("f")));
    assert_eq!(removed.unwrap_err().reason(), "HUB_CHANGED");
    assert_eq!(ledgers().await, "a b d e f");
    hub::remove(&other, STREAM, &gone).await.unwrap();
    assert_eq!(ledgers().await, "b d e f");
    hub.stop().await;
}

/// The line is cut or frozen at random for as long as it was open, while the province records.
#[tokio::test(flavor = "multi_thread")]
async fn a_line_that_is_down_half_of_the_time_costs_no_event_and_no_order() {
    let seed = seed();
    eprintln!("TIENDO_SEED={seed}");
    let world = World::start().await;
    let log = Log::new(500);
    let mut relay = relay(&world.province, PROVINCE, &log);
    relay.published(500).await;
    world.feed(&HubSpec::new(STREAM)).await;
    let mut random = seed;
    let (mut up, mut down) = (Duration::ZERO, Duration::ZERO);
    for round in 0..8 {
        random = random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        let line = if random >> 63 == 0 {
            Line::Cut
        } else {
            Line::Frozen
        };
        let span = Duration::from_millis(300 + (random >> 33) % 2_000);
        let (opened, head) = (Instant::now(), log.head_now());
        let mut next = record_while(&log, &mut relay, || opened.elapsed() < span).await;
        world.arrived(head).await;
        let open = opened.elapsed();
        // Cut off in the middle of something.
        next += 400;
        log.grow(next);
        world.link.set(line);
        let cut = Instant::now();
        record_while(&log, &mut relay, || cut.elapsed() < open).await;
        let shut = cut.elapsed();
        eprintln!(
            "round {round}: open {open:?}, {line:?} {shut:?}, {} events",
            log.head_now()
        );
        (up, down) = (up + open, down + shut);
        world.link.set(Line::Open);
    }
    assert!(down >= up);
    world.arrived(log.head_now()).await;
    let held = world.hub.held(">").await;
    assert_eq!(held.len() as u64, log.head_now(), "each once");
    assert!(read(held)[PROVINCE] == log.all());
    relay.stop().await;
    world.stop().await;
}

/// Records some more, and some more, all of which the province's own stream takes.
async fn record_while(log: &Log, relay: &mut Relay, mut goes_on: impl FnMut() -> bool) -> u64 {
    loop {
        let head = log.head_now() + 50;
        log.grow(head);
        relay.published(head).await;
        if !goes_on() {
            return head;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[expect(clippy::disallowed_methods, reason = "a test is its own `main`")]
fn seed() -> u64 {
    let told = std::env::var("TIENDO_SEED")
        .ok()
        .and_then(|seed| seed.parse().ok());
    let now = || std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    told.unwrap_or_else(|| u64::from(now().unwrap().subsec_nanos()))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_province_that_was_wiped_and_filled_again_leaves_no_double_within_the_window() {
    let mut world = World::start().await;
    let log = Log::new(3_000);
    let mut relay = relay(&world.province, PROVINCE, &log);
    relay.published(3_000).await;
    world.feed(&HubSpec::new(STREAM)).await;
    world.arrived(3_000).await;
    world.wipe().await;
    log.grow(3_500);
    relay.published(3_500).await;
    world.arrived(3_500).await;
    // It was read again from its beginning, and not waited for until it had come further.
    assert!(world.hub.says("was recreated, resetting source state"));
    let held = world.hub.held(">").await;
    assert_eq!(held.len(), 3_500, "each once");
    assert!(read(held)[PROVINCE] == log.all());
    relay.stop().await;
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hub_that_was_killed_too_remembers_what_it_took() {
    let mut world = World::start().await;
    let log = Log::new(1_000);
    let mut relay = relay(&world.province, PROVINCE, &log);
    relay.published(1_000).await;
    world.feed(&HubSpec::new(STREAM)).await;
    world.arrived(1_000).await;
    world.hub.kill().await;
    world.wipe().await;
    world.hub.restart().await;
    log.grow(1_500);
    relay.published(1_500).await;
    world.arrived(1_500).await;
    let held = world.hub.held(">").await;
    assert_eq!(held.len(), 1_500, "each once");
    assert!(read(held)[PROVINCE] == log.all());
    relay.stop().await;
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_read_again_beyond_the_window_is_dropped_by_source_and_id() {
    let mut world = World::start().await;
    let log = Log::new(1_000);
    let mut relay = relay(&world.province, PROVINCE, &log);
    relay.published(1_000).await;
    let mut spec = HubSpec::new(STREAM);
    spec.duplicate_window = Duration::from_millis(100);
    world.feed(&spec).await;
    world.arrived(1_000).await;
    world.wipe().await;
    log.grow(1_200);
    relay.published(1_200).await;
    world.arrived(1_200).await;
    let held = world.hub.held(">").await;
    let doubles = held.len() - 1_200;
    assert!((1..=1_000).contains(&doubles), "{doubles} doubles");
    assert!(read(held)[PROVINCE] == log.all());
    relay.stop().await;
    world.stop().await;
}
