//! The service: opened, folded, served, drained.

use std::path::PathBuf;
use std::sync::{Arc, RwLock, Weak};
use std::time::Duration;

use bus::{FollowStatus, RelayError, RelayOptions, RelayStatus, StreamSpec};
use domain::Body;
use event_log::{Log, Options, ReadLimit};
use host::grpc::Limits;
use host::{CancellationToken, Clock, ComponentHandle, Readiness};
use state::State;
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, mpsc, watch};
use tonic::service::Routes;
use uuid::Uuid;
use wire::cloud_event;
use wire::time::of_micros;
use wire::v1::ingest_service_server::IngestServiceServer;
use wire::v1::log_service_server::LogServiceServer;

use crate::fence;
use crate::grpc::IngestApi;
use crate::import::Importer;
use crate::intake::Intake;
use crate::lag::Meter;
use crate::log_api::LogApi;
use crate::origin::{self, LogOrigin};
use crate::over_nats;
use crate::persons;
use crate::standby::{self, Standby, TakeOver};
use crate::standing::{Role, Standing};
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
    role: Role,
    /// Where and by which request the ledger was last taken over.
    taken_over: Option<(u64, Uuid)>,
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
    let (state, taken_over) = fold(&log, &datasets)?;
    let is_own = standby::is_own(&config.data, taken_over.map(|(_, by)| by));
    let goes_on = |at| is_own && taken_over.is_some_and(|(own, _)| own >= at && at > 0);
    let fence = fence::kept(&config.data).filter(|fence| !goes_on(fence.position));
    let role = fence.map_or(Role::Writer, |fence| Role::Fenced(Arc::new(fence)));
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
        role,
        taken_over,
    })
}

fn fold(log: &Log, datasets: &Datasets) -> Result<(State, Option<(u64, Uuid)>), Error> {
    let mut state = State::new();
    let mut taken_over = None;
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
            return Ok((state, taken_over));
        }
        for record in &records {
            let event = origin::decode(record)?;
            state
                .apply(record.position, of_micros(record.known_micros), &event)
                .map_err(|source| Error::Fold {
                    position: record.position,
                    source,
                })?;
            if let Body::LedgerTakenOver(_) = event.body {
                taken_over = Some((record.position, event.request_id));
            }
            note_dataset(datasets, &event);
            persons::erase(log, [&event])?;
        }
    }
}

impl Ingest {
    /// Follows the ledger as a standby instead of writing it, until it is told to take over.
    ///
    /// One that took over, and from which nobody is known to have taken over since, goes on as the writer.
    #[must_use]
    pub fn standing_by(mut self) -> Self {
        if !standby::is_own(&self.config.data, self.taken_over.map(|(_, by)| by)) {
            self.role = Role::Standby;
        } else if self.role.is_writer() {
            tracing::info!("this standby has taken the ledger over, and goes on as its writer");
        }
        self
    }

    /// Serves until `shutdown`, then drains, commits what was queued, and closes the log.
    ///
    /// What is accepted during the drain is published as well; what the bus does not take in time is, at the next start.
    ///
    /// # Errors
    /// [`Error::Host`] if the server fails.
    pub async fn run(
        self,
        listener: TcpListener,
        readiness: Readiness,
        shutdown: CancellationToken,
    ) -> Result<(), Error> {
        let (config, log, clock) = (self.config, self.log, self.clock);
        let ledger: Arc<str> = config.ledger.as_str().into();
        let (status, relay_status) = watch::channel(RelayStatus::default());
        let fenced = self.role.fence().map(ToString::to_string);
        let (alarm, relay_alarm) = watch::channel(fenced.unwrap_or_default());
        let (follow, followed) = watch::channel(FollowStatus::default());
        let standing = Standing::new(
            self.role,
            relay_status.clone(),
            relay_alarm.clone(),
            followed,
        );
        let queue = (config.queue_requests_max, config.queue_bytes_max);
        let (intake, waiting) = Intake::new(standing.clone(), Arc::clone(&clock), queue.0, queue.1);
        let intake = Arc::new(intake);
        let (ask, questions) = mpsc::channel(1);
        let (take_over, commands) = TakeOver::new(standing.clone(), log.clone());
        let standby = Standby {
            config: config.clone(),
            name: name_of(&listener, &ledger),
            clock: Arc::clone(&clock),
            standing: standing.clone(),
            follow,
            commands,
            taken_over: self.taken_over.map(|(_, by)| by),
        };
        let ready = readiness.component("log");
        let writing = standby.work(self.writer, waiting, questions, ready, shutdown.clone());
        let writing = host::task::spawn("ingest-writer", writing);
        let stop_relay = CancellationToken::new();
        let meter = Meter::new(log.clone(), relay_status.clone(), Arc::clone(&clock));
        let said = (readiness.component("log"), status, alarm);
        let publishing = publish(config.clone(), &intake, &meter, said, &stop_relay);
        let publishing = host::task::spawn("ingest-relay", publishing);
        let ingest = IngestApi {
            ledger,
            clock,
            log: log.clone(),
            importer: Importer::new(Arc::clone(&intake), ask, shutdown.clone()),
            intake,
            shutdown: shutdown.clone(),
            datasets: self.datasets,
            relay_alarm,
            meter,
            take_over,
        };
        let served = answer(ingest, listener, config, readiness, shutdown).await;
        // The server is gone, and with it every sender: the writer ends once the queue is empty.
        let _ = writing.await;
        if standing.role().is_writer() {
            let (mut published, head) = (relay_status, log.head());
            let published = published.wait_for(|status| status.published >= head);
            let _ = tokio::time::timeout(PUBLISH_MAX, published).await;
        }
        stop_relay.cancel();
        let _ = publishing.await;
        let _ = tokio::task::spawn_blocking(move || log.close()).await;
        Ok(served?)
    }
}

/// What a writer calls itself: where it listens.
fn name_of(listener: &TcpListener, ledger: &str) -> String {
    let address = listener.local_addr();
    address.map_or_else(|_| ledger.to_owned(), |address| format!("http://{address}"))
}

/// Publishes, and tells how far the bus is behind, while this is the writer; a standby publishes nothing, and lacks nothing for it.
fn publish(
    config: Config,
    intake: &Arc<Intake>,
    meter: &Meter,
    (log_ready, status, alarm): (
        ComponentHandle,
        watch::Sender<RelayStatus>,
        watch::Sender<String>,
    ),
    stop: &CancellationToken,
) -> impl Future<Output = ()> + use<> {
    let standing = intake.standing.clone();
    let origin = Arc::new(LogOrigin {
        log: meter.log(),
        ledger: config.ledger.as_str().into(),
    });
    let (tell, role) = (meter.clone(), standing.watch());
    let fenced = fenced(
        config.clone(),
        standing.clone(),
        Arc::clone(&origin),
        stop.clone(),
    );
    let telling = while_writing(standing.watch(), stop.clone(), |stop| tell.tell(stop));
    let relaying = relay(
        config,
        // Weak, for the writer ends with the last way in.
        (standing, Arc::downgrade(intake)),
        (origin, log_ready),
        status,
        alarm,
        stop.clone(),
    );
    let relaying = while_writing(role, stop.clone(), |_| relaying);
    async {
        tokio::join!(relaying, telling, fenced);
    }
}

/// Does what only the writer does, from when this is the writer until it is no more, or `shutdown`.
async fn while_writing<F: Future<Output = ()>>(
    mut role: watch::Receiver<Role>,
    shutdown: CancellationToken,
    work: impl FnOnce(CancellationToken) -> F,
) {
    tokio::select! {
        _ = role.wait_for(Role::is_writer) => {}
        () = shutdown.cancelled() => return,
    }
    let stop = shutdown.child_token();
    let mut work = std::pin::pin!(work(stop.clone()));
    tokio::select! {
        () = &mut work => return,
        _ = role.wait_for(|role| !role.is_writer()) => stop.cancel(),
    }
    work.await;
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
    let role = ingest.intake.standing.watch();
    let (asked, settings) = (Arc::clone(&ingest), config.clone());
    let over_nats = while_writing(role, shutdown.clone(), |stop| {
        over_nats::serve(settings, asked, stop)
    });
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
    (standing, intake): (Standing, Weak<Intake>),
    (origin, log): (Arc<LogOrigin>, ComponentHandle),
    status: watch::Sender<RelayStatus>,
    alarm: watch::Sender<String>,
    shutdown: CancellationToken,
) {
    let options = relay_options(&config);
    let relayed = bus::relay(options, Arc::clone(&origin) as _, status, shutdown.clone());
    // Apart, for an event is heard of as soon as this has the processor.
    let relayed = host::task::apart("relay", relayed).await;
    let error = match relayed {
        Ok(Ok(())) => return,
        Ok(Err(error)) => error,
        Err(error) => return stopped(&alarm, "RELAY_STOPPED", &error),
    };
    stopped(&alarm, error.reason(), &error);
    let apart = match error {
        RelayError::AheadOfLog { head, .. } => head + 1,
        RelayError::Forked { position, .. } => position,
        _ => return,
    };
    let Some(fence) = fence::look(&config, &origin, apart, &shutdown).await else {
        return;
    };
    // First, so that nothing more is acknowledged.
    standing.set(Role::Fenced(Arc::new(fence.clone())));
    alarm.send_replace(fence.to_string());
    log.set_not_ready(fence.to_string());
    tracing::error!(reason = "WRITER_FENCED", "{fence}");
    let (data, mark) = (config.data.clone(), fence.clone());
    let _ = tokio::task::spawn_blocking(move || fence::keep(&data, &mark)).await;
    // What was on its way is on record by then, and nobody is told so.
    if let Some(intake) = intake.upgrade() {
        intake.idle().await;
    }
    fence::count(&config, &origin, &standing, &fence, &shutdown).await;
}

/// Tells that nothing more is published. Ingest goes on: what it acknowledges is durable, and the bus is filled once a person has looked.
fn stopped(alarm: &watch::Sender<String>, reason: &str, error: &dyn std::error::Error) {
    tracing::error!(reason, %error, "publishing stopped: {error}");
    metrics::gauge!("tiendo_relay_alarm").set(1.0);
    alarm.send_replace(format!("{reason}: {error}"));
}

/// Counts at the start what a writer that was fenced before it stopped had lost, unless that is known.
async fn fenced(
    config: Config,
    standing: Standing,
    origin: Arc<LogOrigin>,
    shutdown: CancellationToken,
) {
    let Role::Fenced(fence) = standing.role() else {
        return;
    };
    fence::tell(&fence);
    if fence.events == 0 && fence.position > 0 {
        fence::count(&config, &origin, &standing, &fence, &shutdown).await;
    }
}

/// How the ledger is published: by its writer, and by a standby that fills its stream again.
pub(crate) fn relay_options(config: &Config) -> RelayOptions {
    let stream = StreamSpec {
        replicas: config.stream_replicas,
        ..StreamSpec::for_ledger(&config.ledger)
    };
    RelayOptions {
        take_overs: Some(cloud_event::take_overs(&config.ledger)),
        ..RelayOptions::new(config.nats.clone(), config.ledger.clone(), stream)
    }
}
