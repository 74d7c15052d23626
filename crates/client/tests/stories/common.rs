//! A ledger with a bus, and what must be seen of it.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_nats::jetstream;
use bus::server::{Given, Launch, Ready, Search, Server, obtain};
use client::{Event, Options, Subscription};
use futures::StreamExt as _;
use host::grpc::Limits;
use host::{CancellationToken, Readiness, SystemClock};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::time::timeout;
use tonic::transport::Channel;
use wire::v1;
use wire::v1::event::Body;
use wire::v1::ingest_service_client::IngestServiceClient;

/// No condition takes longer than this.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);
pub(crate) const LEDGER: &str = "story";
pub(crate) const STREAM: &str = "TIENDO_STORY";
/// Events in one request.
const BATCH: u64 = 40;

#[expect(clippy::disallowed_methods, reason = "a test is its own `main`")]
fn binary() -> PathBuf {
    let cache = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/tools");
    let search = Search {
        explicit: None,
        path: std::env::var_os("PATH"),
        cache,
    };
    obtain(&search).unwrap()
}

/// Looks until there is something to see.
pub(crate) async fn until<T>(mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let looked = async {
        loop {
            if let Some(seen) = look().await {
                return seen;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(PATIENCE, looked).await.unwrap()
}

/// Ingest, as long as it runs.
struct Service {
    shutdown: CancellationToken,
    serving: tokio::task::JoinHandle<()>,
}

impl Service {
    async fn stop(self) {
        self.shutdown.cancel();
        timeout(PATIENCE, self.serving).await.unwrap().unwrap();
    }
}

/// A ledger with ingest and a bus.
pub(crate) struct World {
    pub(crate) folder: TempDir,
    server: Option<Server>,
    port: u16,
    /// Who is let in as whom, after an operator's configuration; `None` for everybody.
    users: Option<String>,
    service: Option<Service>,
    standby: Option<Service>,
    /// Where the log is.
    pub(crate) address: String,
    wards: u64,
}

impl World {
    pub(crate) async fn start() -> Self {
        Self::with_users(None).await
    }

    /// With a server that knows these users, and takes everybody else for the one called `admin`.
    pub(crate) async fn with_users(users: Option<String>) -> Self {
        let mut world = Self {
            folder: tempfile::tempdir().unwrap(),
            server: None,
            port: 0,
            users,
            service: None,
            standby: None,
            address: String::new(),
            wards: 0,
        };
        world.start_server().await;
        world.start_ingest("ingest").await;
        world
    }

    pub(crate) fn bus(&self) -> String {
        format!("nats://127.0.0.1:{}", self.port)
    }

    /// A subscriber of everything who may read the log.
    pub(crate) fn options(&self) -> Options {
        let mut options = Options::ledger(LEDGER, self.bus());
        options.log = Some(self.address.clone());
        options
    }

    pub(crate) async fn start_server(&mut self) {
        let binary = tokio::task::spawn_blocking(binary).await.unwrap();
        let mut launch = Launch::new(binary, self.folder.path().join("nats"), self.port);
        if let Some(users) = &self.users {
            let config = self.folder.path().join("operator.conf");
            let text = format!(
                r#"
                listen: "127.0.0.1:4222"
                max_payload: 1048576
                jetstream {{ max_file_store: 268435456, domain: tiendo }}
                authorization {{ users: [{{ user: admin, password: admin }}, {users}] }}
                no_auth_user: admin
                "#
            );
            std::fs::write(&config, text).unwrap();
            launch.given = Some(Given {
                config,
                arguments: Vec::new(),
                environment: Vec::new(),
                ready: Ready::Listens,
            });
        }
        let server = Server::start(launch).await.unwrap();
        self.port = server.port();
        self.server = Some(server);
    }

    /// Kills the server; with its store if asked to.
    pub(crate) async fn kill_server(&mut self, and_its_store: bool) {
        let mut server = self.server.take().unwrap();
        let pid = rustix::process::Pid::from_raw(server.pid().cast_signed()).unwrap();
        rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
        server.exited().await.unwrap();
        if and_its_store {
            std::fs::remove_dir_all(self.folder.path().join("nats")).unwrap();
        }
    }

    /// Starts ingest on a log in this folder, where it was if it ran before.
    pub(crate) async fn start_ingest(&mut self, folder: &str) {
        let port = self
            .address
            .rsplit(':')
            .next()
            .and_then(|port| port.parse().ok());
        let listener = until(async || {
            let bound = TcpListener::bind((Ipv4Addr::LOCALHOST, port.unwrap_or(0))).await;
            bound.ok()
        });
        let listener = listener.await;
        self.address = format!("http://{}", listener.local_addr().unwrap());
        self.service = Some(self.serve(folder, listener, false));
    }

    /// Starts a standby of the ledger; gives where it is.
    pub(crate) async fn start_standby(&mut self) -> String {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        self.standby = Some(self.serve("standby", listener, true));
        address
    }

    fn serve(&self, folder: &str, listener: TcpListener, is_standby: bool) -> Service {
        let config = ingest::Config {
            stream_replicas: 1,
            data: self.folder.path().join(folder),
            ledger: LEDGER.to_owned(),
            nats: self.bus().into(),
            limits: Limits::standard(),
            queue_requests_max: 64,
            queue_bytes_max: 1 << 24,
            grace: Duration::from_secs(2),
        };
        let mut service = ingest::build(config, Arc::new(SystemClock)).unwrap();
        if is_standby {
            service = service.standing_by();
        }
        let shutdown = CancellationToken::new();
        let run = service.run(listener, Readiness::new(), shutdown.clone());
        let serving = host::task::spawn("ingest", async move { run.await.unwrap() });
        Service { shutdown, serving }
    }

    pub(crate) async fn stop_ingest(&mut self) {
        self.service.take().unwrap().stop().await;
    }

    pub(crate) async fn stop(mut self) {
        if self.service.is_some() {
            self.stop_ingest().await;
        }
        if let Some(standby) = self.standby.take() {
            standby.stop().await;
        }
        if let Some(server) = self.server.take() {
            server.stop().await.unwrap();
        }
    }

    /// Records so many wards, each known by its own code; gives the log's head.
    pub(crate) async fn record(&mut self, count: u64) -> u64 {
        let first = self.wards + 1;
        self.wards += count;
        record(&self.address, first, count).await
    }

    /// The same, and waits until the stream has it all.
    pub(crate) async fn record_all(&mut self, count: u64) -> u64 {
        let head = self.record(count).await;
        self.published(head).await;
        head
    }

    /// Records wards while the story goes on.
    pub(crate) fn record_meanwhile(&mut self, count: u64) -> tokio::task::JoinHandle<u64> {
        let (address, first) = (self.address.clone(), self.wards + 1);
        self.wards += count;
        host::task::spawn("load", async move { record(&address, first, count).await })
    }

    pub(crate) async fn jetstream(&self) -> jetstream::Context {
        jetstream::new(async_nats::connect(self.bus()).await.unwrap())
    }

    /// Waits until the stream ends at this sequence.
    pub(crate) async fn published(&self, last: u64) {
        let context = self.jetstream().await;
        until(async || {
            let stream = context.get_stream(STREAM).await.ok()?;
            (stream.cached_info().state.last_sequence == last).then_some(())
        })
        .await;
    }

    /// Has the stream keep its newest messages only.
    pub(crate) async fn keep(&self, messages: i64) {
        let context = self.jetstream().await;
        let mut config = context.get_stream(STREAM).await.unwrap();
        let mut config = config.info().await.unwrap().config.clone();
        config.max_messages = messages;
        context.update_stream(&config).await.unwrap();
    }

    /// Hears everything that the relay publishes from now on.
    pub(crate) async fn listen(&self) -> Truth {
        let client = async_nats::connect(self.bus()).await.unwrap();
        let filter = bus::subject::events(LEDGER);
        let mut messages = client.subscribe(filter).await.unwrap();
        client.flush().await.unwrap();
        let heard = Truth::default();
        let kept = Arc::clone(&heard.0);
        host::task::spawn("truth", async move {
            while let Some(message) = messages.next().await {
                let event: serde_json::Value = serde_json::from_slice(&message.payload).unwrap();
                let position = event["sequence"].as_str().unwrap().parse().unwrap();
                let said = (message.subject.to_string(), message.payload.to_vec());
                kept.lock().unwrap().insert(position, said);
            }
        });
        heard
    }
}

/// What the relay published, by position: subject and bytes.
#[derive(Default)]
pub(crate) struct Truth(Arc<Mutex<Published>>);

type Published = BTreeMap<u64, (String, Vec<u8>)>;

impl Truth {
    /// The newest position that was heard.
    pub(crate) fn heard(&self) -> u64 {
        let truth = self.0.lock().unwrap();
        truth.last_key_value().map_or(0, |(position, _)| *position)
    }

    /// That these are the events from a position on, byte by byte.
    pub(crate) fn is(&self, events: &[Event], from: u64) {
        let truth = self.0.lock().unwrap();
        for (event, position) in events.iter().zip(from..) {
            assert_eq!(event.position, position);
            assert_eq!(event.id, format!("{LEDGER}:{position}"));
            let (subject, payload) = &truth[&position];
            assert_eq!(&event.subject, subject);
            let text = String::from_utf8_lossy(payload);
            assert_eq!(String::from_utf8_lossy(&event.payload), text);
        }
    }
}

/// So many events from a subscription, with what each is.
pub(crate) async fn read(subscription: &mut Subscription, count: u64) -> Vec<Event> {
    let mut events = Vec::new();
    for number in 1..=count {
        let event = timeout(PATIENCE, subscription.next()).await;
        let event = event.unwrap_or_else(|_| {
            panic!(
                "event {number} of {count} did not come: {:?}",
                subscription.status()
            )
        });
        events.push(event.unwrap());
    }
    events
}

pub(crate) fn positions(events: &[Event]) -> Vec<u64> {
    events.iter().map(|event| event.position).collect()
}

/// How a ledger's log says that it stands.
pub(crate) async fn ledger(address: &str) -> v1::GetLedgerResponse {
    let asked = async || {
        let channel = Channel::from_shared(address.to_owned()).unwrap();
        let mut client = IngestServiceClient::new(channel.connect().await.ok()?);
        let asked = client.get_ledger(v1::GetLedgerRequest {}).await;
        asked.ok().map(tonic::Response::into_inner)
    };
    until(asked).await
}

/// Has a standby take the ledger over; gives the position of the event that says so.
pub(crate) async fn take_over(address: &str) -> u64 {
    until(async || {
        let channel = Channel::from_shared(address.to_owned()).unwrap();
        let mut client = IngestServiceClient::new(channel.connect().await.ok()?);
        let request = v1::TakeOverLedgerRequest {
            actor: ward(1).actor,
            reason: "Máy ghi hỏng".to_owned(),
        };
        let taken = client.take_over_ledger(request).await;
        taken.ok().map(|taken| taken.into_inner().position)
    })
    .await
}

/// What a subscription was told once that does not pass by itself, with nothing given before.
pub(crate) async fn told(subscription: &mut Subscription) -> client::Error {
    let told = async {
        loop {
            match subscription.next().await {
                Ok(event) => panic!("{event:?} came"),
                Err(error) if error.may_pass() => {}
                Err(error) => return error,
            }
        }
    };
    timeout(PATIENCE, told).await.unwrap()
}

/// The last position that was given.
pub(crate) fn far(subscription: &Subscription) -> u64 {
    subscription.checkpoint().position("/tiendo/story")
}

/// That nothing comes for a moment.
pub(crate) async fn silent(subscription: &mut Subscription) {
    let next = timeout(Duration::from_millis(300), subscription.next()).await;
    assert!(next.is_err(), "{next:?}");
}

/// Records wards with so many codes from the first on; gives the log's head.
pub(crate) async fn record(address: &str, first: u64, count: u64) -> u64 {
    let channel = Channel::from_shared(address.to_owned()).unwrap();
    let mut client = IngestServiceClient::new(channel.connect().await.unwrap());
    let mut head = 0;
    let codes: Vec<u64> = (first..first + count).collect();
    for codes in codes.chunks(usize::try_from(BATCH).unwrap()) {
        let request = v1::RecordBatchRequest {
            events: codes.iter().map(|code| ward(*code)).collect(),
            ..v1::RecordBatchRequest::default()
        };
        let answer = client.record_batch(request).await.unwrap().into_inner();
        head = answer.receipt.unwrap().last_position;
    }
    head
}

/// A ward that was registered; its code is its number.
fn ward(number: u64) -> v1::Event {
    let body = v1::LocalityRegistered {
        locality: Some(v1::LocalityRef {
            code: format!("{number:05}"),
            since: "2023-04-10".to_owned(),
        }),
        name: Some(v1::Name {
            vi: format!("Phường {number}"),
            en: String::new(),
        }),
        source: Some(v1::Source {
            title: "Danh mục đơn vị hành chính".to_owned(),
            url: String::new(),
        }),
        ..v1::LocalityRegistered::default()
    };
    v1::Event {
        actor: Some(v1::Actor {
            organisation: "UBND".to_owned(),
            office: "Tổ".to_owned(),
        }),
        effective: "2023-04-10".to_owned(),
        body: Some(Body::LocalityRegistered(body)),
        ..v1::Event::default()
    }
}
