//! The service: built, caught up, served, drained.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bus::{FollowOptions, FollowStatus};
use host::grpc::Limits;
use host::{CancellationToken, Clock, Readiness, Today};
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};
use tokio::time::{MissedTickBehavior, interval};
use tonic::service::Routes;
use wire::lineage::Lineage;
use wire::log_reader::LogReader;
use wire::v1::query_service_server::QueryServiceServer;

use crate::follower::Follower;
use crate::grpc::{QueryApi, REBUILDS_MAX, Rankings, phase_of};
use crate::moment::seconds;
use crate::rebuild::{Bus, Rebuilder};
use crate::shared::Shared;
use crate::snapshot::{self, Keeper};
use crate::watch::{Settings, Watches};

/// Bytes of recent events kept for watches, as they came over the bus.
const RECENT_BYTES_MAX: usize = 8 * 1024 * 1024;

/// Between two looks at how fresh answers are, for the metrics.
const LOOK_INTERVAL: Duration = Duration::from_secs(1);
/// Between two counts of what figures take in memory, which reads the head of every series.
const COUNT_INTERVAL: Duration = Duration::from_secs(30);

/// How the projection is set up.
#[derive(Debug, Clone)]
pub struct Config {
    /// Id of the ledger: one token of `[a-z0-9_-]`.
    pub ledger: String,
    /// Where NATS is, and as whom to speak to it.
    pub nats: bus::Access,
    /// Address of the log service (ingest), for bulk reads.
    pub log_url: String,
    /// Where and when the state is kept.
    pub snapshots: Snapshots,
    /// The day that questions without a date are about.
    pub today: Today,
    /// What the server takes on at most.
    pub limits: Limits,
    /// How long requests in flight may take after the shutdown.
    pub grace: Duration,
}

/// Where and when the state is kept.
#[derive(Debug, Clone)]
pub struct Snapshots {
    /// The directory of the snapshots, which is made if it is not there; whoever deletes it loses nothing but a quick start.
    pub directory: PathBuf,
    /// New positions after which a snapshot is taken, and at an orderly end after this many or 5,000; 0 for never.
    pub every: u64,
}

/// What keeps the projection from starting or running.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The log service's address is none.
    #[error("the log cannot be read")]
    Log(#[from] wire::log_reader::Error),
    /// The directory of the snapshots cannot be used.
    #[error("the snapshots cannot be kept")]
    Snapshots(#[from] snapshot::Error),
    /// The server failed.
    #[error("the server failed")]
    Host(#[from] host::Error),
}

/// The projection, ready to run.
pub struct Projection {
    config: Config,
    shared: Arc<Shared>,
    log: LogReader,
    keeper: Keeper,
    clock: Arc<dyn Clock>,
}

/// Sets the projection up, within a tokio runtime; it reads nothing yet.
///
/// # Errors
/// [`Error::Log`] if the log service's address is none, [`Error::Snapshots`] if the directory of the snapshots cannot be used or is another process's.
pub fn build(config: Config, clock: Arc<dyn Clock>) -> Result<Projection, Error> {
    let log = LogReader::new(&config.log_url)?;
    let Snapshots { directory, every } = &config.snapshots;
    let keeper = Keeper::open(directory, config.ledger.clone(), log.clone(), *every)?;
    Ok(Projection {
        config,
        keeper,
        shared: Arc::new(Shared::new(Arc::clone(&clock), RECENT_BYTES_MAX)),
        log,
        clock,
    })
}

impl Projection {
    /// Follows and serves until `shutdown`, then drains.
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
            shared,
            log,
            keeper,
            clock,
        } = self;
        let ready = readiness.component("follower");
        let snapshots = keeper.store();
        let follower = Follower {
            shared: Arc::clone(&shared),
            log: log.clone(),
            keeper,
            began: false,
            ready,
            lineage: Lineage::default(),
            told: None,
        };
        let following = host::task::spawn(
            "projection-follower",
            follow(config.clone(), follower, shutdown.clone()),
        );
        let bus = Bus {
            access: config.nats,
            ledger: config.ledger,
        };
        let mut rebuilder = Rebuilder::new(&shared, &log, bus, &shutdown);
        rebuilder.keep(snapshots);
        let api = QueryApi {
            shared,
            log,
            today: config.today,
            clock,
            message_bytes_max: config.limits.message_bytes_max,
            rebuilds: Arc::new(Semaphore::new(REBUILDS_MAX)),
            rankings: Rankings::default(),
            watches: Watches::new(Settings::SERVED),
            verifications: Arc::clone(&rebuilder.verifications),
            rebuilder,
            shutdown: shutdown.clone(),
        };
        let limit = config.limits.message_bytes_max;
        let service = QueryServiceServer::new(api)
            .max_decoding_message_size(limit)
            .max_encoding_message_size(limit);
        let served = host::grpc::serve(
            host::grpc::Server {
                listener,
                routes: Routes::new(service),
                descriptor_sets: vec![wire::DESCRIPTORS],
                services: vec!["tiendo.v1.QueryService"],
                limits: config.limits,
                readiness,
                grace: config.grace,
            },
            shutdown,
        )
        .await;
        let _ = following.await;
        Ok(served?)
    }
}

async fn follow(config: Config, mut follower: Follower, shutdown: CancellationToken) {
    let options = FollowOptions::new(config.nats, &config.ledger, "projection".to_owned());
    let (status, seen) = watch::channel(FollowStatus::default());
    let (shared, component) = (Arc::clone(&follower.shared), follower.ready.clone());
    let following = async {
        let stop = shutdown.clone();
        if let Err(error) = bus::follow(options, &mut follower, status, stop).await {
            // What was folded is still served; a person has to look at the bus.
            tracing::error!(reason = error.reason(), %error, "following stopped: {error}");
            component.set_not_ready(format!("{}: {error}", error.reason()));
        }
    };
    tokio::join!(following, listen(&shared, seen), tell(&shared, &shutdown));
    let Follower { shared, keeper, .. } = &mut follower;
    keeper.end(shared).await;
}

/// Takes note of what the follower hears of the log's head, until it has ended.
pub(crate) async fn listen(shared: &Shared, mut seen: watch::Receiver<FollowStatus>) {
    let mut heard = (0, 0);
    while seen.changed().await.is_ok() {
        let status = seen.borrow_and_update().clone();
        metrics::gauge!("tiendo_projection_position").set(status.position as f64);
        // Other changes, such as a lost connection, say nothing of the log.
        let now = (status.beats, status.applied);
        if now != heard {
            shared.hear(status.head.max(status.position));
            heard = now;
        }
    }
}

/// Tells the metrics how fresh answers are and what figures take, also when nothing follows any more.
async fn tell(shared: &Shared, shutdown: &CancellationToken) {
    let mut counted = None;
    let [mut look, mut count] = [LOOK_INTERVAL, COUNT_INTERVAL].map(interval);
    // What was missed while much was folded need not be made up for.
    look.set_missed_tick_behavior(MissedTickBehavior::Delay);
    count.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = shutdown.cancelled() => return,
            _ = look.tick() => {
                tell_freshness(shared);
                tell_second(shared);
            }
            _ = count.tick() => {
                let position = shared.position();
                if counted.replace(position) != Some(position) {
                    tell_memory(shared);
                }
            }
        }
    }
}

fn tell_freshness(shared: &Shared) {
    let fresh = shared.freshness(&shared.read());
    metrics::gauge!("tiendo_projection_behind_positions").set(fresh.behind_positions as f64);
    metrics::gauge!("tiendo_projection_behind_seconds").set(seconds(fresh.behind_ms));
    metrics::gauge!("tiendo_projection_head_heard_seconds").set(seconds(fresh.head_heard_ms));
}

/// Where the second state is, 0 without one, and how it stands by the number of its phase in the contract.
fn tell_second(shared: &Shared) {
    let phase = phase_of(shared.second.run().as_ref());
    metrics::gauge!("tiendo_projection_second_position").set(shared.second.position() as f64);
    metrics::gauge!("tiendo_projection_second_phase").set(f64::from(phase as i32));
}

/// Takes some milliseconds for the whole country; meanwhile nothing is folded, since the follower runs in the same task, and all questions are answered.
fn tell_memory(shared: &Shared) {
    let memory = shared.read().figure_memory();
    metrics::gauge!("tiendo_projection_figures").set(memory.figures as f64);
    metrics::gauge!("tiendo_projection_figure_bytes").set(memory.bytes() as f64);
}
