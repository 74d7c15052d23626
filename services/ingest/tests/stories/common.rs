//! Ingest in this process, and a client of it.

use std::net::Ipv4Addr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use host::grpc::Limits;
use host::{CancellationToken, Readiness, SystemClock};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tonic::transport::Channel;
use wire::v1::ingest_service_client::IngestServiceClient;
use wire::v1::log_service_client::LogServiceClient;

/// No condition takes longer than this.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// Ingest, as long as it runs.
pub(crate) struct World {
    pub(crate) client: IngestServiceClient<Channel>,
    pub(crate) log: LogServiceClient<Channel>,
    pub(crate) shutdown: CancellationToken,
    serving: JoinHandle<Result<(), ingest::Error>>,
    /// Where it lives, unless somebody else has given it a place.
    _folder: Option<TempDir>,
}

impl World {
    /// Without a bus.
    pub(crate) async fn alone() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let world = Self::on(folder.path(), "nats://127.0.0.1:1".to_owned()).await;
        Self {
            _folder: Some(folder),
            ..world
        }
    }

    /// In a folder, on a bus.
    pub(crate) async fn on(folder: &Path, nats: String) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let config = ingest::Config {
            data: folder.join("ingest"),
            ledger: "story".to_owned(),
            nats: nats.into(),
            stream_replicas: 1,
            limits: Limits::standard(),
            queue_requests_max: 64,
            queue_bytes_max: 1 << 20,
            grace: Duration::from_secs(10),
        };
        let service = ingest::build(config, Arc::new(SystemClock)).unwrap();
        let shutdown = CancellationToken::new();
        let run = service.run(listener, Readiness::new(), shutdown.clone());
        let serving = host::task::spawn("ingest", run);
        let channel = Channel::from_shared(url).unwrap().connect().await.unwrap();
        Self {
            client: IngestServiceClient::new(channel.clone()),
            log: LogServiceClient::new(channel),
            shutdown,
            serving,
            _folder: None,
        }
    }

    pub(crate) async fn stop(self) {
        self.shutdown.cancel();
        drop((self.client, self.log));
        let ended = timeout(PATIENCE, self.serving).await.unwrap();
        ended.unwrap().unwrap();
    }
}
