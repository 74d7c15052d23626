//! The service: opened, caught up, served, drained.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bus::{FollowOptions, FollowStatus, RelayOptions, RelayStatus, StreamSpec};
use event_log::{Log, Options, ReadLimit};
use host::grpc::Limits;
use host::{CancellationToken, Clock, ComponentHandle, Readiness, Today};
use lag::Rules;
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};
use tonic::service::Routes;
use wire::log_reader::LogReader;
use wire::v1::alerting_service_server::AlertingServiceServer;

use crate::backtest::Backtests;
use crate::book::{self, Book};
use crate::delivery::{self, Account, Dispatch};
use crate::desk::{Desk, Parts};
use crate::grpc::AlertingApi;
use crate::judge::Judge;
use crate::origin::AlertOrigin;
use crate::reader::LedgerReader;
use crate::watch::WATCHES_MAX;

/// How alerting is set up.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where its own log lies.
    pub data: PathBuf,
    /// Id of the ledger that is judged: one token of `[a-z0-9_-]`.
    pub ledger: String,
    /// Where NATS is, and as whom to speak to it.
    pub nats: bus::Access,
    /// Copies that a cluster keeps of the stream of alerts, where it is made anew.
    pub stream_replicas: usize,
    /// Address of ingest, where the ledger is read in bulk: `http://127.0.0.1:7061`.
    pub log_url: String,
    /// The day judgements are made for.
    pub today: Today,
    /// The rules they are made by.
    pub rules: Rules,
    /// What the server takes on at most.
    pub limits: Limits,
    /// Who is told, and by which sinks.
    pub delivery: delivery::Settings,
    /// How long requests in flight may take after the shutdown.
    pub grace: Duration,
}

/// What keeps alerting from starting or running.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Alerting's own log cannot be opened or read.
    #[error("alerting's log cannot be read")]
    Log(#[from] event_log::Error),
    /// The address of the ledger's log is none.
    #[error("the ledger cannot be read")]
    Ledger(#[from] wire::log_reader::Error),
    /// The server failed.
    #[error("the server failed")]
    Host(#[from] host::Error),
}

/// Alerting, ready to run.
pub struct Alerting {
    config: Config,
    ledger: LogReader,
    log: Log,
    book: Book,
    account: Account,
    clock: Arc<dyn Clock>,
}

/// Id of the ledger under which a ledger's alerts are on the bus.
#[must_use]
pub fn alerts_ledger(ledger: &str) -> String {
    format!("{ledger}-alerts")
}

/// Opens alerting's own log and reads what was told; within a tokio runtime.
///
/// # Errors
/// [`Error::Log`] if the log cannot be opened or a part of it is damaged; [`Error::Ledger`] if the ledger's address is none.
pub fn build(config: Config, clock: Arc<dyn Clock>) -> Result<Alerting, Error> {
    let ledger = LogReader::new(&config.log_url)?;
    let now = Arc::clone(&clock);
    let options = Options {
        origin: format!("tiendo/{}", alerts_ledger(&config.ledger)).into(),
        ..Options::at(&config.data)
    };
    let log = Log::open(options, Arc::new(move || now.now().as_microsecond()))?;
    let (book, account) = read(&log)?;
    Ok(Alerting {
        config,
        ledger,
        log,
        book,
        account,
        clock,
    })
}

fn read(log: &Log) -> Result<(Book, Account), Error> {
    let (mut book, mut account) = (Book::default(), Account::default());
    let mut next = 1;
    loop {
        let records = log.read(
            next,
            ReadLimit {
                events: 4_096,
                bytes: 4 * 1024 * 1024,
            },
        )?;
        let Some(last) = records.last() else {
            return Ok((book, account));
        };
        next = last.position + 1;
        for record in &records {
            let alert = book::decode(&record.payload).map_err(|error| {
                let (first, last) = (record.position, record.position);
                event_log::Error::Damaged {
                    first,
                    last,
                    reason: error.to_string(),
                }
            })?;
            book.fold(record.position, &alert);
            account.fold(record.known_micros, &alert);
        }
    }
}

impl Alerting {
    /// Position of the newest entry of alerting's own log.
    #[must_use]
    pub fn head(&self) -> u64 {
        self.log.head()
    }

    /// Follows the ledger, judges and serves until `shutdown`, then drains and closes the log.
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
            ledger,
            log,
            book,
            account,
            clock,
        } = self;
        let follower = readiness.component("follower");
        let backtests = Backtests::new(
            (ledger.clone(), config.rules.clone()),
            (Arc::clone(&clock), config.today),
            config.limits.message_bytes_max,
            shutdown.clone(),
        );
        let desk = Arc::new(Desk::new(Parts {
            judge: Judge::new(config.rules.clone(), config.today),
            book,
            log: log.clone(),
            today: config.today,
            clock: Arc::clone(&clock),
            log_component: readiness.component("log"),
            follower_component: follower.clone(),
        }));
        let stop = shutdown.child_token();
        let (status, seen) = watch::channel(FollowStatus::default());
        let (rules, today) = (config.rules.clone(), config.today);
        let fresh = move || Judge::new(rules.clone(), today);
        let reader = LedgerReader::new(Arc::clone(&desk), ledger, fresh);
        let following = follow(config.clone(), reader, status, follower, stop.clone());
        let following = host::task::spawn("alerting-follower", following);
        let keeping = Arc::clone(&desk).keep(seen, stop.clone());
        let keeping = host::task::spawn("alerting-desk", keeping);
        let stop_relay = CancellationToken::new();
        let relaying = relay(
            config.clone(),
            Arc::clone(&desk),
            log.clone(),
            stop_relay.clone(),
        );
        let relaying = host::task::spawn("alerting-relay", relaying);
        let dispatch = dispatch(&config, &desk, account, (&log, clock));
        let delivering = delivery::run(Arc::clone(&dispatch), stop.clone());
        let delivering = host::task::spawn("alerting-delivery", delivering);
        let api = AlertingApi {
            desk,
            dispatch,
            log: log.clone(),
            ledger: config.ledger.clone(),
            backtests,
            message_bytes_max: config.limits.message_bytes_max,
            watches: Arc::new(Semaphore::new(WATCHES_MAX)),
            shutdown: shutdown.clone(),
        };
        let served = serve(config, api, listener, readiness, shutdown).await;
        stop.cancel();
        let _ = following.await;
        let _ = keeping.await;
        let _ = delivering.await;
        stop_relay.cancel();
        let _ = relaying.await;
        let _ = tokio::task::spawn_blocking(move || log.close()).await;
        Ok(served?)
    }
}

fn dispatch(
    config: &Config,
    desk: &Arc<Desk>,
    account: Account,
    (log, clock): (&Log, Arc<dyn Clock>),
) -> Arc<Dispatch> {
    Arc::new(Dispatch::new(delivery::Parts {
        settings: config.delivery.clone(),
        account,
        log: log.clone(),
        desk: Arc::clone(desk),
        clock,
        today: config.today,
        ledger: alerts_ledger(&config.ledger).into(),
    }))
}

async fn serve(
    config: Config,
    api: AlertingApi,
    listener: TcpListener,
    readiness: Readiness,
    shutdown: CancellationToken,
) -> Result<(), host::Error> {
    let limit = config.limits.message_bytes_max;
    let service = AlertingServiceServer::new(api)
        .max_decoding_message_size(limit)
        .max_encoding_message_size(limit);
    let server = host::grpc::Server {
        listener,
        routes: Routes::new(service),
        descriptor_sets: vec![wire::DESCRIPTORS],
        services: vec!["tiendo.v1.AlertingService"],
        limits: config.limits,
        readiness,
        grace: config.grace,
    };
    host::grpc::serve(server, shutdown).await
}

async fn follow(
    config: Config,
    mut reader: LedgerReader,
    status: watch::Sender<FollowStatus>,
    component: ComponentHandle,
    shutdown: CancellationToken,
) {
    let options = FollowOptions::new(config.nats, &config.ledger, "tiendo alerting".to_owned());
    if let Err(error) = bus::follow(options, &mut reader, status, shutdown).await {
        // What was judged is still served; a person has to look at the bus.
        tracing::error!(reason = error.reason(), %error, "following stopped: {error}");
        component.set_not_ready(format!("{}: {error}", error.reason()));
    }
}

/// Publishes the alerts once the ledger is replayed: a log that was deleted is as long as its stream again only then.
async fn relay(config: Config, desk: Arc<Desk>, log: Log, shutdown: CancellationToken) {
    tokio::select! {
        () = desk.replayed() => {}
        () = shutdown.cancelled() => return,
    }
    let ledger = alerts_ledger(&config.ledger);
    let origin = Arc::new(AlertOrigin {
        log,
        ledger: ledger.as_str().into(),
    });
    let stream = StreamSpec {
        replicas: config.stream_replicas,
        ..StreamSpec::for_ledger(&ledger)
    };
    let options = RelayOptions::new(config.nats, ledger, stream);
    let (status, _) = watch::channel(RelayStatus::default());
    if let Err(error) = bus::relay(options, origin, status, shutdown).await {
        // Cases are recorded all the same, and published once a person has looked.
        tracing::error!(reason = error.reason(), %error, "publishing alerts stopped: {error}");
        metrics::gauge!("tiendo_alerts_relay_alarm").set(1.0);
    }
}
