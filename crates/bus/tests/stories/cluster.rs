//! Three servers that keep three copies: whatever becomes of one of them, of the leader above all, the relay goes on and the stream is what the log says.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_nats::header;
use async_nats::jetstream::consumer::{AckPolicy, DeliverPolicy, PullConsumer, pull};
use async_nats::jetstream::{self, stream};
use bus::server::{Given, Launch, Ready, Server};
use bus::{Access, Claim, FollowOptions, FollowStatus, Message, RelayStatus, claim};
use futures::StreamExt;
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::common::{
    Following, LEDGER, Log, Relay, binary, contents, free_port, relay_options, until, when,
};
use crate::relay::overtaken_by;

/// What all three are started with; who is who is told to each of them.
const CONFIG: &str = "
    max_payload: 1048576
    jetstream { max_memory_store: 67108864, max_file_store: 1073741824, limits { LIMITS } }
    cluster { name: \"tiendo\" }
";

/// So much more must be on the bus to say that it goes on.
const MORE: u64 = 500;

struct Node {
    server: Option<Server>,
    port: u16,
    of_cluster: u16,
}

/// Three servers, each with a store of its own.
struct Cluster {
    nodes: Vec<Node>,
    folder: TempDir,
}

impl Cluster {
    async fn start() -> Self {
        Self::with_limits("").await
    }

    /// Three whose JetStream has limits of its own.
    async fn with_limits(limits: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let config = CONFIG.replace("LIMITS", limits);
        std::fs::write(folder.path().join("cluster.conf"), config).unwrap();
        let node = || Node {
            server: None,
            port: free_port(),
            of_cluster: free_port(),
        };
        let mut cluster = Self {
            nodes: vec![node(), node(), node()],
            folder,
        };
        for node in 0..cluster.nodes.len() {
            cluster.launch(node).await;
        }
        let context = jetstream::new(cluster.client().await);
        until(async || context.query_account().await.ok()).await;
        cluster
    }

    fn store(&self, node: usize) -> PathBuf {
        self.folder.path().join(name(node))
    }

    async fn launch(&mut self, node: usize) {
        let binary = tokio::task::spawn_blocking(binary).await.unwrap();
        let mut launch = Launch::new(binary, self.store(node), self.nodes[node].port);
        let routes: Vec<_> = self
            .nodes
            .iter()
            .map(|node| format!("nats://127.0.0.1:{}", node.of_cluster))
            .collect();
        let arguments = ["--server_name", &name(node), "--cluster", &routes[node]];
        let mut arguments: Vec<_> = arguments.map(Into::into).into();
        arguments.extend(["--routes".into(), routes.join(",").into()]);
        launch.given = Some(Given {
            config: self.folder.path().join("cluster.conf"),
            arguments,
            environment: Vec::new(),
            ready: Ready::Listens,
        });
        self.nodes[node].server = Some(Server::start(launch).await.unwrap());
    }

    /// The addresses of all three.
    fn url(&self) -> String {
        let urls = self.nodes.iter();
        let urls: Vec<_> = urls
            .map(|node| format!("nats://127.0.0.1:{}", node.port))
            .collect();
        urls.join(",")
    }

    async fn client(&self) -> async_nats::Client {
        let urls: Vec<async_nats::ServerAddr> = self
            .url()
            .split(',')
            .map(|url| url.parse().unwrap())
            .collect();
        until(async || {
            let options =
                async_nats::ConnectOptions::new().connection_timeout(Duration::from_secs(1));
            options.connect(&urls[..]).await.ok()
        })
        .await
    }

    fn signal(&self, node: usize, signal: Signal) {
        let pid = self.nodes[node].server.as_ref().unwrap().pid();
        kill_process(Pid::from_raw(pid.cast_signed()).unwrap(), signal).unwrap();
    }

    async fn kill(&mut self, node: usize) {
        self.signal(node, Signal::KILL);
        let mut server = self.nodes[node].server.take().unwrap();
        server.exited().await.unwrap();
    }

    /// Who leads the stream; `not` is another's turn.
    async fn leader_but(&self, not: Option<usize>) -> usize {
        let context = jetstream::new(self.client().await);
        let stream = bus::subject::stream_name(LEDGER);
        until(async || {
            let mut stream = context.get_stream(&stream).await.ok()?;
            let leader = stream.info().await.ok()?.cluster.clone()?.leader?;
            let leader = (0..self.nodes.len()).find(|node| name(*node) == leader)?;
            (Some(leader) != not).then_some(leader)
        })
        .await
    }

    /// Waits until the two that do not lead have what the leader has.
    async fn whole(&self) {
        let context = jetstream::new(self.client().await);
        let stream = bus::subject::stream_name(LEDGER);
        until(async || {
            let mut stream = context.get_stream(&stream).await.ok()?;
            let cluster = stream.info().await.ok()?.cluster.clone()?;
            let others = cluster.replicas.iter();
            let same = others.filter(|other| other.current && !other.offline);
            (cluster.leader.is_some() && same.count() == 2).then_some(())
        })
        .await;
    }

    /// Which server has a consumer that delivers to somebody.
    ///
    /// One that has just come back may still believe it has the one it had, and says so, until it hears of its deletion.
    async fn holder(&self, consumer: &str) -> usize {
        let context = jetstream::new(self.client().await);
        let stream = bus::subject::stream_name(LEDGER);
        until(async || {
            let stream = context.get_stream(&stream).await.ok()?;
            let info = stream.consumer_info(consumer).await.ok()?;
            let holder = info.cluster.filter(|_| info.push_bound)?.leader?;
            (0..self.nodes.len()).find(|node| name(*node) == holder)
        })
        .await
    }

    async fn step_down(&self) {
        let client = self.client().await;
        let subject = format!(
            "$JS.API.STREAM.LEADER.STEPDOWN.{}",
            bus::subject::stream_name(LEDGER)
        );
        until(async || {
            let answer = client.request(subject.clone(), "".into()).await.ok()?;
            let answer: serde_json::Value = serde_json::from_slice(&answer.payload).unwrap();
            (answer["success"] == true).then_some(())
        })
        .await;
    }

    async fn stop(mut self) {
        for node in &mut self.nodes {
            node.server.take().unwrap().stop().await.unwrap();
        }
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        // A frozen one is killed all the same.
        if std::thread::panicking() {
            self.folder.disable_cleanup(true);
            eprintln!(
                "the servers' files are kept in {}",
                self.folder.path().display()
            );
        }
    }
}

fn name(node: usize) -> String {
    format!("node-{node}")
}

/// A log that grows until it is told to stop.
struct Load {
    stop: CancellationToken,
    grown: JoinSet<u64>,
}

impl Load {
    fn on(log: &Arc<Log>) -> Self {
        let (stop, log) = (CancellationToken::new(), Arc::clone(log));
        let stopped = stop.clone();
        let mut grown = JoinSet::new();
        grown.spawn(async move {
            while !stopped.is_cancelled() {
                log.grow(log.head_now() + 5);
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            log.head_now()
        });
        Self { stop, grown }
    }

    async fn end(mut self) -> u64 {
        self.stop.cancel();
        self.grown.join_next().await.unwrap().unwrap()
    }
}

/// Another system: a durable consumer that acknowledges, and a store that takes events in any order and drops what it has.
struct Agency {
    stop: CancellationToken,
    reading: JoinSet<BTreeMap<u64, Message>>,
}

impl Agency {
    fn of(client: async_nats::Client, until_position: Arc<Log>) -> Self {
        let stop = CancellationToken::new();
        let ended = stop.clone();
        let mut reading = JoinSet::new();
        reading.spawn(async move {
            let mut held = BTreeMap::new();
            while !(ended.is_cancelled() && held.len() as u64 == until_position.head_now()) {
                // Whatever goes wrong, it asks again; its place is kept for it.
                if let Some(consumer) = durable(&client).await {
                    batch(&consumer, &mut held).await;
                } else {
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            }
            held
        });
        Self { stop, reading }
    }

    /// All it has, once it has everything.
    async fn end(mut self) -> Vec<Message> {
        self.stop.cancel();
        let ended = tokio::time::timeout(crate::common::PATIENCE, self.reading.join_next());
        let held = ended.await.unwrap().unwrap().unwrap();
        held.into_values().collect()
    }
}

async fn durable(client: &async_nats::Client) -> Option<PullConsumer> {
    let context = jetstream::new(client.clone());
    let stream: stream::Stream = context
        .get_stream(bus::subject::stream_name(LEDGER))
        .await
        .ok()?;
    let config = pull::Config {
        durable_name: Some("agency".to_owned()),
        deliver_policy: DeliverPolicy::All,
        ack_policy: AckPolicy::Explicit,
        ack_wait: Duration::from_secs(2),
        ..pull::Config::default()
    };
    stream.get_or_create_consumer("agency", config).await.ok()
}

async fn batch(consumer: &PullConsumer, held: &mut BTreeMap<u64, Message>) {
    let batch = consumer
        .fetch()
        .max_messages(256)
        .expires(Duration::from_millis(500))
        .messages()
        .await;
    let Ok(mut batch) = batch else { return };
    while let Some(Ok(message)) = batch.next().await {
        let position = message.info().unwrap().stream_sequence;
        let came = Message {
            position,
            subject: message.subject.to_string(),
            payload: message.payload.clone(),
        };
        let known = held.entry(position).or_insert_with(|| came.clone());
        assert_eq!(*known, came, "what comes again is the same");
        let _ = message.ack().await;
    }
}

/// Waits until the bus has taken more than it had, and says how long that took.
async fn goes_on(relay: &mut Relay, what: &str) {
    let (begun, from) = (Instant::now(), relay.status.borrow().clone());
    let goal = from.published + MORE;
    let on = |status: &RelayStatus| status.connected && status.published >= goal;
    when(&mut relay.status, what, on).await;
    let status = relay.status.borrow().clone();
    eprintln!(
        "{what}: on after {:?}, {} generations more, {:?}",
        begun.elapsed(),
        status.generation - from.generation,
        status.last_error
    );
}

/// The header of an event as its stream has it; none if there is no such header.
async fn said(stream: &stream::Stream, position: u64, header: &str) -> Option<String> {
    let found = stream.get_raw_message(position).await.ok()?;
    let value = found.headers.get(header)?;
    Some(value.as_str().to_owned())
}

async fn stream_of(context: &jetstream::Context) -> stream::Stream {
    let name = bus::subject::stream_name(LEDGER);
    until(async || context.get_stream(&name).await.ok()).await
}

/// A take-over, or a writer that does not say so: where events go out in batches it is the same.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_stored_behind_anothers_event_where_there_are_several_copies() {
    for subject in ["vn.ledger.taken-over.node-2", "568.progress.reported.x"] {
        let cluster = Cluster::start().await;
        let subject = format!("tiendo.v1.{LEDGER}.{subject}");
        let overtaken = overtaken_by(&subject, cluster.nodes[0].port, 3).await;
        let client = cluster.client().await;
        overtaken.left_alone(&contents(&client).await);
        // The ten before it went out as one.
        let stream = stream_of(&jetstream::new(client)).await;
        assert!(stream.cached_info().config.allow_atomic_publish);
        for (position, commit) in [(9, None), (10, Some("1"))] {
            let number = said(&stream, position, header::NATS_BATCH_SEQUENCE.as_ref()).await;
            assert_eq!(number, Some(position.to_string()));
            let told = said(&stream, position, header::NATS_BATCH_COMMIT.as_ref()).await;
            assert_eq!(told.as_deref(), commit);
        }
        cluster.stop().await;
    }
}

/// A writer that is frozen within a batch: the leader has its beginning when another takes over, and gets the rest.
#[tokio::test(flavor = "multi_thread")]
async fn of_a_batch_that_had_begun_nothing_is_stored_behind_a_take_over() {
    let cluster = Cluster::start().await;
    let log = Log::new(10);
    let mut options = relay_options(cluster.url());
    options.stream.replicas = 3;
    let mut relay = Relay::with(options, &log);
    relay.published(10).await;
    relay.stop().await;
    log.grow(13);
    let client = cluster.client().await;
    let send = async |position: u64| {
        let message = log.message(position);
        let mut headers = async_nats::HeaderMap::new();
        headers.insert(header::NATS_BATCH_ID, "begun");
        headers.insert(header::NATS_BATCH_SEQUENCE, (position - 10).to_string());
        if position == 11 {
            headers.insert(header::NATS_EXPECTED_LAST_SEQUENCE, "10");
        }
        if position == 13 {
            headers.insert(header::NATS_BATCH_COMMIT, header::NATS_BATCH_COMMIT_FINAL);
        }
        let asked = client.request_with_headers(message.subject, headers, message.payload);
        asked.await.unwrap().payload
    };
    for position in [11, 12] {
        assert_eq!(send(position).await, "", "it is gathered");
    }
    let other = Message {
        position: 11,
        subject: format!("tiendo.v1.{LEDGER}.vn.ledger.taken-over.node-2"),
        payload: "from another".into(),
    };
    let access = Access::from(cluster.url());
    let stands = claim(&access, LEDGER, other.clone()).await.unwrap();
    assert_eq!(stands, Claim::Stands);
    let refused: serde_json::Value = serde_json::from_slice(&send(13).await).unwrap();
    assert_eq!(refused["error"]["err_code"], 10_071, "{refused}");
    let contents = contents(&client).await;
    assert_eq!(contents.len(), 11);
    assert_eq!(contents[10], other);
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn three_copies_are_filled_in_batches() {
    let cluster = Cluster::start().await;
    let log = Log::new(30_000);
    let mut options = relay_options(cluster.url());
    options.stream.replicas = 3;
    let mut relay = Relay::with(options, &log);
    when(&mut relay.status, "a beginning", |status| {
        status.published > 0
    })
    .await;
    let begun = Instant::now();
    relay.published(30_000).await;
    let rate = 30_000.0 / begun.elapsed().as_secs_f64();
    eprintln!("relayed 30,000 messages to three copies at {rate:.0} a second");
    assert_eq!(contents(&cluster.client().await).await, log.all());
    relay.stop().await;
    cluster.stop().await;
}

/// The relay finds out by itself how many go together.
#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_that_takes_smaller_batches_is_given_them() {
    let cluster = Cluster::with_limits("batch { max_msgs: 100 }").await;
    let log = Log::new(5_000);
    let mut options = relay_options(cluster.url());
    options.stream.replicas = 3;
    let mut relay = Relay::with(options, &log);
    when(&mut relay.status, "a refusal", |status| {
        status
            .last_error
            .as_ref()
            .is_some_and(|error| error.contains("too large"))
    })
    .await;
    relay.published(5_000).await;
    assert_eq!(contents(&cluster.client().await).await, log.all());
    relay.stop().await;
    cluster.stop().await;
}

/// An operator changes how many copies there are under load; whoever publishes goes the way that fits.
#[tokio::test(flavor = "multi_thread")]
async fn copies_become_more_and_fewer_while_events_go_out() {
    let cluster = Cluster::start().await;
    let log = Log::new(0);
    let mut relay = Relay::with(relay_options(cluster.url()), &log);
    let load = Load::on(&log);
    goes_on(&mut relay, "one copy").await;
    let context = jetstream::new(cluster.client().await);
    for copies in [3, 1, 3] {
        let mut config = stream_of(&context).await.cached_info().config.clone();
        config.num_replicas = copies;
        until(async || context.update_stream(&config).await.ok()).await;
        goes_on(&mut relay, &format!("{copies} copies")).await;
        until(async || {
            let mut stream = stream_of(&context).await;
            let last = stream.info().await.ok()?.state.last_sequence;
            let id = said(&stream, last, header::NATS_BATCH_ID.as_ref()).await;
            (id.is_some() == (copies > 1)).then_some(())
        })
        .await;
    }
    let head = load.end().await;
    relay.published(head).await;
    assert_eq!(contents(&cluster.client().await).await, log.all());
    relay.stop().await;
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_relay_goes_on_whatever_becomes_of_the_leader() {
    let mut cluster = Cluster::start().await;
    let log = Log::new(0);
    let mut options = relay_options(cluster.url());
    options.stream.replicas = 3;
    let mut relay = Relay::with(options, &log);
    let follower = Following::start(cluster.url(), &log);
    let agency = Agency::of(cluster.client().await, Arc::clone(&log));
    let load = Load::on(&log);
    goes_on(&mut relay, "a beginning").await;

    for _ in 0..2 {
        let leader = cluster.leader_but(None).await;
        cluster.step_down().await;
        goes_on(&mut relay, "a leader that stepped down").await;
        cluster.leader_but(Some(leader)).await;
    }
    let leader = cluster.leader_but(None).await;
    cluster.kill(leader).await;
    goes_on(&mut relay, "a leader that was killed").await;
    cluster.leader_but(Some(leader)).await;
    cluster.launch(leader).await;
    goes_on(&mut relay, "a leader that is back").await;

    let leader = cluster.leader_but(None).await;
    cluster.signal(leader, Signal::STOP);
    goes_on(&mut relay, "a leader that is frozen").await;
    cluster.leader_but(Some(leader)).await;
    cluster.signal(leader, Signal::CONT);
    goes_on(&mut relay, "a leader that thaws").await;

    let bystander = (cluster.leader_but(None).await + 1) % 3;
    cluster.kill(bystander).await;
    goes_on(&mut relay, "a bystander that was killed").await;
    cluster.launch(bystander).await;

    let head = load.end().await;
    relay.published(head).await;
    eprintln!(
        "{head} events, {} generations",
        relay.status.borrow().generation
    );
    assert_eq!(agency.end().await, log.all(), "the agency");
    let mut follower = follower;
    follower.reached(head).await;
    assert!(follower.status.borrow().applied > 0);
    assert_eq!(follower.stop().await, log.all(), "the follower");
    assert_eq!(contents(&cluster.client().await).await, log.all());
    relay.stop().await;
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_whose_consumer_has_a_name_goes_on_whatever_becomes_of_the_server_that_has_it() {
    let mut cluster = Cluster::start().await;
    let log = Log::new(0);
    let mut options = relay_options(cluster.url());
    options.stream.replicas = 3;
    let mut relay = Relay::with(options, &log);
    let access = Access {
        inbox: Some("_INBOX_pupil".to_owned()),
        ..Access::open(cluster.url())
    };
    let options = FollowOptions::new(access, LEDGER, "tiendo pupil".to_owned());
    let mut follower = Following::with(options, &log);
    for signal in [Signal::KILL, Signal::STOP] {
        cluster.whole().await;
        // A server that comes back may cost the reader its consumer once more, while it is looked for.
        let (holder, before) = loop {
            follower.connected().await;
            let before = follower.status.borrow().clone();
            let holder = cluster.holder("_INBOX_pupil-follow").await;
            if follower.status.borrow().generation == before.generation {
                break (holder, before);
            }
        };
        let begun = Instant::now();
        match signal {
            Signal::KILL => cluster.kill(holder).await,
            signal => cluster.signal(holder, signal),
        }
        let again =
            |status: &FollowStatus| status.generation > before.generation && status.connected;
        when(&mut follower.status, "another consumer", again).await;
        let applied = follower.status.borrow().applied;
        until(async || {
            log.grow(log.head_now() + 1);
            (follower.status.borrow().applied > applied).then_some(())
        })
        .await;
        let status = follower.status.borrow().clone();
        eprintln!(
            "{signal:?}: on after {:?}, {} generations more, {:?}",
            begun.elapsed(),
            status.generation - before.generation,
            status.last_error
        );
        assert_ne!(cluster.holder("_INBOX_pupil-follow").await, holder);
        match signal {
            Signal::KILL => cluster.launch(holder).await,
            _ => cluster.signal(holder, Signal::CONT),
        }
    }
    let head = log.head_now();
    relay.published(head).await;
    follower.reached(head).await;
    assert_eq!(follower.stop().await, log.all());
    relay.stop().await;
    cluster.stop().await;
}
