//! The services over one log, in this process, and a bus for what is recorded meanwhile.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bus::StreamSpec;
use bus::client::{ConnectSettings, Connection};
use bus::server::Server;
use host::{CancellationToken, Readiness, SystemClock, Today};
use tempfile::TempDir;
use tokio::task::JoinHandle;

use crate::Failure;
use crate::cli::Snapshots;
use crate::command::bench::append::{NO_BUS, Own};
use crate::command::bench::{failed, temporary};
use crate::fail::FAILED;
use crate::serve::{bind, projection_config, url};

/// Longest wait for the bus to answer.
const BUS_WAIT_MAX: Duration = Duration::from_secs(5);

/// A nats-server of one's own.
pub(in crate::command::bench) struct Bus {
    // Ended before its directory is removed.
    server: Server,
    _below: TempDir,
}

impl Bus {
    /// Starts a nats-server with a stream that begins behind the head of a log.
    ///
    /// What the log holds already is read from it in bulk: a relay would first send all of it.
    pub(in crate::command::bench) async fn start(
        binary: PathBuf,
        ledger: &str,
        head: u64,
    ) -> Result<Self, Failure> {
        let below = temporary(None)?;
        let launch = crate::up::launch(binary, below.path().join("nats"), 0)?;
        let server = Server::start(launch).await.map_err(failed)?;
        let bus = Self {
            server,
            _below: below,
        };
        let stream = StreamSpec {
            first_sequence: Some(head + 1),
            ..StreamSpec::for_ledger(ledger)
        };
        let made = bus::stream::ensure(&bus.connect().await?.jetstream(), &stream).await;
        made.map_err(failed)?;
        Ok(bus)
    }

    /// Its address.
    pub(in crate::command::bench) fn url(&self) -> String {
        self.server.url()
    }

    /// A client of it.
    pub(in crate::command::bench) async fn connect(&self) -> Result<Connection, Failure> {
        let settings = ConnectSettings {
            access: self.url().into(),
            name: "tiendo bench".to_owned(),
            timeout: BUS_WAIT_MAX,
        };
        bus::client::connect(&settings).await.map_err(failed)
    }

    /// Ends it.
    pub(in crate::command::bench) async fn stop(self) -> Result<(), Failure> {
        self.server.stop().await.map_err(failed)?;
        Ok(())
    }
}

/// An ingest over a log, and where a projection keeps its snapshots.
pub(super) struct Live {
    pub(super) own: Own,
    bus: Option<Bus>,
    ledger: String,
    snapshots: TempDir,
}

impl Live {
    /// Starts ingest, on a bus if there is one.
    pub(super) async fn start(
        directory: &Path,
        ledger: &str,
        bus: Option<Bus>,
    ) -> Result<Self, Failure> {
        let nats = bus.as_ref().map(Bus::url);
        let nats = nats.unwrap_or_else(|| NO_BUS.to_owned());
        Ok(Self {
            own: Own::start(directory, ledger, &nats).await?,
            bus,
            ledger: ledger.to_owned(),
            snapshots: temporary(None)?,
        })
    }

    /// Whether what is recorded reaches a projection at once.
    pub(super) fn has_bus(&self) -> bool {
        self.bus.is_some()
    }

    /// Where the projection keeps its snapshots.
    pub(super) fn snapshots(&self) -> &Path {
        self.snapshots.path()
    }

    /// Starts a projection and waits until it has caught up with the log.
    pub(super) async fn read(&self, snapshots: &Snapshots) -> Result<Reading, Failure> {
        let nats = self.bus.as_ref().map(Bus::url);
        let nats = nats.as_deref().unwrap_or(NO_BUS);
        let (data, log) = (self.snapshots.path(), &self.own.address);
        let config = projection_config(data, snapshots, &self.ledger, nats, log, Today::Real);
        let service = projection::build(config, Arc::new(SystemClock)).map_err(failed)?;
        let listener = bind(0, "bench").await?;
        let address = url(&listener)?;
        let (readiness, stop) = (Readiness::new(), CancellationToken::new());
        let run = service.run(listener, readiness.clone(), stop.clone());
        let mut running = host::task::spawn("bench-projection", run);
        tokio::select! {
            () = readiness.ready() => {}
            ended = &mut running => {
                ended.map_err(failed)?.map_err(failed)?;
                return Err(Failure::new(FAILED, "the projection ended before it was ready"));
            }
        }
        Ok(Reading {
            address,
            stop,
            running,
        })
    }

    /// Ends ingest, and then the bus.
    pub(super) async fn stop(self) -> Result<(), Failure> {
        self.own.stop().await?;
        if let Some(bus) = self.bus {
            bus.stop().await?;
        }
        Ok(())
    }
}

/// A projection that has caught up with the log.
pub(super) struct Reading {
    pub(super) address: String,
    stop: CancellationToken,
    running: JoinHandle<Result<(), projection::Error>>,
}

impl Reading {
    /// Ends it in good order, with a last snapshot if it takes any.
    pub(super) async fn stop(self) -> Result<(), Failure> {
        self.stop.cancel();
        self.running.await.map_err(failed)?.map_err(failed)
    }
}
