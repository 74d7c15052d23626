//! The service: opened, folded, served, drained.

use std::path::PathBuf;
use std::sync::{Arc, RwLock};
use std::time::Duration;

use bus::{RelayOptions, RelayStatus, StreamSpec};
use event_log::{Log, Options, ReadLimit};
use host::grpc::Limits;
use host::{CancellationToken, Clock, Readiness};
use state::State;
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, mpsc, watch};
use tonic::service::Routes;
use wire::time::of_micros;
use wire::v1::ingest_service_server::IngestServiceServer;
use wire::v1::log_service_server::LogServiceServer;

use crate::grpc::IngestApi;
use crate::import::Importer;
use crate::intake::Intake;
use crate::lag::Meter;
use crate::log_api::LogApi;
use crate::origin::{self, LogOrigin};
use crate::over_nats;
use crate::persons;
use crate::writer::{Datasets, Writer, note_dataset};

/// How long the bus may take to acknowledge the last events at the end.
const PUBLISH_MAX: Duration = Duration::from_secs(1);

/// How ingest is set up.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where its log lies.
    pub data: PathBuf,
    /// Id of the ledger: one token of `[a-z0-9_-]`.
    pub ledger: String,
    /// Where NATS is, and as whom to speak to it.
    pub nats: bus::Access,
    /// Copies that a cluster keeps of the stream, where it is made anew.
    pub stream_replicas: usize,
    /// What the server takes on at most.
    pub limits: Limits,
    /// Most requests waiting for a commit; one more is refused with `QUEUE_FULL`.
    pub queue_requests_max: usize,
    /// Most bytes of requests, as sent, that wait or are being committed; what goes beyond is refused with `QUEUE_FULL`.
    ///
    /// A single larger request goes in when nothing else is there.
    pub queue_bytes_max: usize,
    /// How long requests in flight may take after the shutdown.
    pub grace: Duration,
}

/// What keeps ingest from starting or running.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The log cannot be opened or read.
    #[error("the log cannot be read")]
    Log(#[from] event_log::Error),
    /// An event of the log cannot be folded.
    #[error("the event at position {position} cannot be folded")]
    Fold {
        /// Its position.
        position: u64,
        /// Why.
        source: state::ApplyError,
    },
    /// The server failed.
    #[error("the server failed")]
    Host(#[from] host::Error),
}

/// Ingest, ready to run.
pub struct Ingest {
    config: Config,
    log: Log,
    writer: Writer,
    datasets: Datasets,
    clock: Arc<dyn Clock>,
}

/// Opens the log and folds it.
///
/// # Errors
/// [`Error::Log`] if the log cannot be opened or a part of it is damaged; [`Error::Fold`] if an event cannot be folded.
pub fn build(config: Config, clock: Arc<dyn Clock>) -> Result<Ingest, Error> {
    let now = Arc::clone(&clock);
    let options = Options {
        origin: log_origin(&config.ledger).into(),
        ..Options::at(&config.data)
    };
    let log = Log::open(options, Arc::new(move || now.now().as_microsecond()))?;
    let datasets: Datasets = Arc::new(RwLock::new(Vec::new()));
    let state = fold(&log, &datasets)?;
    let writer = Writer::new(
        log.clone(),
        state,
        Arc::clone(&datasets),
        Arc::clone(&clock),
    );
    Ok(Ingest {
        config,
        log,
        writer,
        datasets,
        clock,
    })
}

fn fold(log: &Log, datasets: &Datasets) -> Result<State, Error> {
    let mut state = State::new();
    loop {
        let from = state.position() + 1;
        let records = log.read(
            from,
            ReadLimit {
                events: 4_096,
                bytes: 4 * 1024 * 1024,
            },
        )?;
        if records.is_empty() {
            return Ok(state);
        }
        for record in &records {
            let event = origin::decode(record)?;
            state
                .apply(record.position, of_micros(record.known_micros), &event)
                .map_err(|source| Error::Fold {
                    position: record.position,
                    source,
                })?;
            note_dataset(datasets, &event);
            persons::erase(log, [&event])?;
        }
    }
}

impl Ingest {
    /// Serves until `shutdown`, then drains, commits what was queued, and closes the log.
    ///
    /// # Errors
    /// [`Error::Host`] if the server fails.
    pub async fn run(
        self,
        listener: TcpListener,
        readiness: Readiness,
        shutdown: CancellationToken,
    ) -> Result<(), Error> {
        let Self {
            config,
            log,
            writer,
            datasets,
            clock,
        } = self;
        let ledger: Arc<str> = config.ledger.as_str().into();
        let (intake, waiting) = Intake::new(
            Arc::clone(&clock),
            config.queue_requests_max,
            config.queue_bytes_max,
        );
        let intake = Arc::new(intake);
        // One import at a time, and it asks one thing after the other.
        let (ask, questions) = mpsc::channel(1);
        let writing = host::task::spawn(
            "ingest-writer",
            writer.serve(waiting, questions, readiness.component("log")),
        );
        let (status, relay_status) = watch::channel(RelayStatus::default());
        let (alarm, relay_alarm) = watch::channel(String::new());
        let origin = Arc::new(LogOrigin {
            log: log.clone(),
            ledger: Arc::clone(&ledger),
        });
        // Not the service's own token: what is accepted during the drain is published as well.
        let stop_relay = CancellationToken::new();
        let meter = Meter::new(log.clone(), relay_status.clone(), Arc::clone(&clock));
        let telling = meter.clone().tell(stop_relay.clone());
        let relaying = relay(config.clone(), origin, status, alarm, stop_relay.clone());
        let relaying = async { tokio::join!(relaying, telling) };
        let relaying = host::task::spawn("ingest-relay", relaying);
        let mut published = relay_status.clone();
        let ingest = IngestApi {
            ledger,
            clock,
            log: log.clone(),
            importer: Importer::new(Arc::clone(&intake), ask, shutdown.clone()),
            intake,
            shutdown: shutdown.clone(),
            datasets,
            relay_status,
            relay_alarm,
            meter,
        };
        let served = answer(ingest, listener, config, readiness, shutdown).await;
        // The server is gone, and with it every sender: the writer ends once the queue is empty.
        let _ = writing.await;
        let published = published.wait_for(|status| status.published >= log.head());
        // What the bus does not take in time is published at the next start.
        let _ = tokio::time::timeout(PUBLISH_MAX, published).await;
        stop_relay.cancel();
        let _ = relaying.await;
        let _ = tokio::task::spawn_blocking(move || log.close()).await;
        Ok(served?)
    }
}

/// Answers over gRPC and over NATS until the shutdown.
async fn answer(
    ingest: IngestApi,
    listener: TcpListener,
    config: Config,
    readiness: Readiness,
    shutdown: CancellationToken,
) -> Result<(), host::Error> {
    let ingest = Arc::new(ingest);
    let over_nats = over_nats::serve(config.clone(), Arc::clone(&ingest), shutdown.clone());
    let over_nats = host::task::spawn("ingest-requests", over_nats);
    let routes = routes(ingest, &config, shutdown.clone());
    let server = server(listener, routes, &config, readiness);
    let served = host::grpc::serve(server, shutdown.clone()).await;
    // Nobody listens there either, however the server ended.
    shutdown.cancel();
    let _ = over_nats.await;
    served
}

fn server(
    listener: TcpListener,
    routes: Routes,
    config: &Config,
    readiness: Readiness,
) -> host::grpc::Server {
    host::grpc::Server {
        listener,
        routes,
        descriptor_sets: vec![wire::DESCRIPTORS],
        services: vec!["tiendo.v1.IngestService", "tiendo.v1.LogService"],
        limits: config.limits,
        readiness,
        grace: config.grace,
    }
}

/// Names a ledger's log in its checkpoints and backups.
fn log_origin(ledger: &str) -> String {
    format!("tiendo/{ledger}")
}

fn routes(ingest: Arc<IngestApi>, config: &Config, shutdown: CancellationToken) -> Routes {
    let limit = config.limits.message_bytes_max;
    let log = LogApi {
        log: ingest.log.clone(),
        origin: log_origin(&ingest.ledger).into(),
        clock: Arc::clone(&ingest.clock),
        intake: Arc::clone(&ingest.intake),
        whole: Arc::new(Semaphore::new(1)),
        shutdown,
    };
    Routes::new(IngestServiceServer::from_arc(ingest).max_decoding_message_size(limit))
        .add_service(LogServiceServer::new(log).max_decoding_message_size(limit))
}

async fn relay(
    config: Config,
    origin: Arc<LogOrigin>,
    status: watch::Sender<RelayStatus>,
    alarm: watch::Sender<String>,
    shutdown: CancellationToken,
) {
    let stream = StreamSpec {
        replicas: config.stream_replicas,
        ..StreamSpec::for_ledger(&config.ledger)
    };
    let options = RelayOptions::new(config.nats, config.ledger, stream);
    if let Err(error) = bus::relay(options, origin, status, shutdown).await {
        // Ingest goes on: what it acknowledges is durable, and the bus is filled once a person has looked.
        tracing::error!(reason = error.reason(), %error, "publishing stopped: {error}");
        metrics::gauge!("tiendo_relay_alarm").set(1.0);
        alarm.send_replace(format!("{}: {error}", error.reason()));
    }
}
