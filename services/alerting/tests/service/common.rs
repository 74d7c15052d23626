//! A nats-server, ingest and alerting in this process.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use alerting::Alerting;
use alerting::delivery::{Contacts, Pace, Settings};
use bus::server::{Launch, Search, Server, obtain};
use host::grpc::Limits;
use host::{CancellationToken, Clock, Readiness, SystemClock, Today};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tonic::transport::Channel;
use wire::v1;
use wire::v1::alerting_service_client::AlertingServiceClient;
use wire::v1::event::Body;
use wire::v1::ingest_service_client::IngestServiceClient;

/// No condition takes longer than this.
pub(crate) const PATIENCE: Duration = Duration::from_secs(90);

/// The ledger of the story.
pub(crate) const LEDGER: &str = "ha-noi";

#[expect(clippy::disallowed_methods, reason = "a test is its own `main`")]
fn binary() -> PathBuf {
    let cache = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/tools");
    obtain(&Search {
        explicit: None,
        path: std::env::var_os("PATH"),
        cache,
    })
    .unwrap()
}

/// A service that runs beside the test.
pub(crate) struct Running<E> {
    pub(crate) port: u16,
    task: JoinHandle<Result<(), E>>,
    shutdown: CancellationToken,
}

impl<E: std::fmt::Debug> Running<E> {
    pub(crate) async fn channel(&self) -> Channel {
        let url = format!("http://127.0.0.1:{}", self.port);
        Channel::from_shared(url).unwrap().connect().await.unwrap()
    }

    pub(crate) async fn stop(self) {
        self.shutdown.cancel();
        timeout(PATIENCE, self.task)
            .await
            .unwrap()
            .unwrap()
            .unwrap();
    }
}

/// A folder with everything the services keep; it stays when the test fails.
pub(crate) struct World {
    pub(crate) folder: TempDir,
    pub(crate) nats: Server,
    pub(crate) ingest: Running<ingest::Error>,
}

impl World {
    pub(crate) async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let binary = tokio::task::spawn_blocking(binary).await.unwrap();
        let nats = Server::start(Launch::new(binary, folder.path().join("nats"), 0))
            .await
            .unwrap();
        let config = ingest::Config {
            data: folder.path().join("ingest"),
            ledger: LEDGER.to_owned(),
            nats: url(&nats).into(),
            stream_replicas: 1,
            limits: Limits::standard(),
            queue_requests_max: 64,
            queue_bytes_max: 64 * 1024 * 1024,
            grace: Duration::from_secs(2),
        };
        let built = ingest::build(config, Arc::new(SystemClock)).unwrap();
        let (listener, port) = listen().await;
        let (readiness, shutdown) = (Readiness::new(), CancellationToken::new());
        let task = built.run(listener, readiness.clone(), shutdown.clone());
        let task = host::task::spawn("ingest", task);
        timeout(PATIENCE, readiness.ready()).await.unwrap();
        Self {
            folder,
            nats,
            ingest: Running {
                port,
                task,
                shutdown,
            },
        }
    }

    pub(crate) fn alerts(&self) -> PathBuf {
        self.folder.path().join("alerting")
    }

    pub(crate) fn build(&self, today: Today) -> Alerting {
        let nobody = Settings {
            contacts: Contacts::default(),
            pace: Pace::standard(),
        };
        self.build_with(today, nobody, Arc::new(SystemClock))
    }

    pub(crate) fn build_with(
        &self,
        today: Today,
        delivery: Settings,
        clock: Arc<dyn Clock>,
    ) -> Alerting {
        let config = alerting::Config {
            data: self.alerts(),
            ledger: LEDGER.to_owned(),
            nats: url(&self.nats).into(),
            stream_replicas: 1,
            log_url: format!("http://127.0.0.1:{}", self.ingest.port),
            today,
            rules: lag::Rules::standard(),
            limits: Limits::standard(),
            delivery,
            grace: Duration::from_secs(2),
        };
        alerting::build(config, clock).unwrap()
    }

    /// Alerting, once it has caught up.
    pub(crate) async fn alerting(&self, today: &str) -> Running<alerting::Error> {
        self.alerting_on(Today::Pinned(today.parse().unwrap()))
            .await
    }

    /// Alerting for a pinned day or for the days as they come, once it has caught up.
    pub(crate) async fn alerting_on(&self, today: Today) -> Running<alerting::Error> {
        self.run(self.build(today)).await
    }

    /// Runs alerting, and waits until it has caught up.
    pub(crate) async fn run(&self, built: Alerting) -> Running<alerting::Error> {
        let (listener, port) = listen().await;
        let (readiness, shutdown) = (Readiness::new(), CancellationToken::new());
        let task = built.run(listener, readiness.clone(), shutdown.clone());
        let task = host::task::spawn("alerting", task);
        let ready = async {
            while !readiness.states().contains_key("follower") {
                tokio::task::yield_now().await;
            }
            readiness.ready().await;
        };
        // What is replayed may be much.
        timeout(4 * PATIENCE, ready).await.unwrap();
        Running {
            port,
            task,
            shutdown,
        }
    }

    pub(crate) async fn record(&self, events: Vec<(&str, Body)>) -> u64 {
        let events = events.into_iter().map(|(effective, body)| v1::Event {
            actor: Some(v1::Actor {
                organisation: "Công an thành phố Hà Nội".to_owned(),
                office: "Tổ công tác Đề án 06".to_owned(),
            }),
            effective: effective.to_owned(),
            body: Some(body),
            ..v1::Event::default()
        });
        let request = v1::RecordBatchRequest {
            events: events.collect(),
            ..Default::default()
        };
        let mut client = IngestServiceClient::new(self.ingest.channel().await);
        let receipt = client
            .record_batch(request)
            .await
            .unwrap()
            .into_inner()
            .receipt;
        receipt.unwrap().last_position
    }

    pub(crate) async fn subscriber(&self, subject: &str) -> async_nats::Subscriber {
        let client = async_nats::connect(url(&self.nats)).await.unwrap();
        let subscriber = client.subscribe(subject.to_owned()).await.unwrap();
        client.flush().await.unwrap();
        subscriber
    }

    pub(crate) async fn stop(self) {
        self.ingest.stop().await;
        self.nats.stop().await.unwrap();
    }
}

fn url(nats: &Server) -> String {
    format!("nats://127.0.0.1:{}", nats.port())
}

async fn listen() -> (TcpListener, u16) {
    let listener = host::bind(([127, 0, 0, 1], 0).into(), "test")
        .await
        .unwrap();
    let port = listener.local_addr().unwrap().port();
    (listener, port)
}

/// What alerting says of its cases, once it has judged up to a position.
pub(crate) async fn cases(running: &Running<alerting::Error>, position: u64) -> Vec<v1::Case> {
    let mut client = AlertingServiceClient::new(running.channel().await);
    let request = v1::ListCasesRequest {
        include_cleared: true,
        min_position: position,
        ..v1::ListCasesRequest::default()
    };
    client.list_cases(request).await.unwrap().into_inner().cases
}

pub(crate) fn place(code: &str) -> Option<v1::LocalityRef> {
    Some(v1::LocalityRef {
        code: code.to_owned(),
        since: "2023-04-10".to_owned(),
    })
}

pub(crate) fn name(vi: &str) -> Option<v1::Name> {
    Some(v1::Name {
        vi: vi.to_owned(),
        en: String::new(),
    })
}

pub(crate) fn count(count: i64) -> Option<v1::Quantity> {
    Some(v1::Quantity {
        number: Some(v1::quantity::Number::Count(count)),
        bound: 0,
    })
}

pub(crate) fn source() -> Option<v1::Source> {
    Some(v1::Source {
        title: "Báo cáo".to_owned(),
        url: String::new(),
    })
}
