//! The service: built, caught up, served, drained.

use std::sync::Arc;
use std::time::Duration;

use bus::{FollowOptions, FollowStatus};
use host::grpc::Limits;
use host::{CancellationToken, Clock, Readiness, Today};
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};
use tonic::service::Routes;
use wire::log_reader::LogReader;
use wire::v1::query_service_server::QueryServiceServer;

use crate::follower::Follower;
use crate::grpc::{QueryApi, REBUILDS_MAX};
use crate::shared::Shared;

/// How the projection is set up.
#[derive(Debug, Clone)]
pub struct Config {
    /// Id of the ledger: one token of `[a-z0-9_-]`.
    pub ledger: String,
    /// Address of the NATS server.
    pub nats_url: String,
    /// Address of the log service (ingest), for bulk reads.
    pub log_url: String,
    /// The day that questions without a date are about.
    pub today: Today,
    /// What the server takes on at most.
    pub limits: Limits,
    /// How long requests in flight may take after the shutdown.
    pub grace: Duration,
}

/// What keeps the projection from starting or running.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The log service's address is none.
    #[error("the log cannot be read")]
    Log(#[from] wire::log_reader::Error),
    /// The server failed.
    #[error("the server failed")]
    Host(#[from] host::Error),
}

/// The projection, ready to run.
pub struct Projection {
    config: Config,
    shared: Arc<Shared>,
    log: LogReader,
    clock: Arc<dyn Clock>,
}

/// Sets the projection up, within a tokio runtime; it reads nothing yet.
///
/// # Errors
/// [`Error::Log`] if the log service's address is none.
pub fn build(config: Config, clock: Arc<dyn Clock>) -> Result<Projection, Error> {
    let log = LogReader::new(&config.log_url)?;
    Ok(Projection {
        config,
        shared: Arc::new(Shared::new()),
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
            clock,
        } = self;
        let ready = readiness.component("follower");
        let follower = Follower {
            shared: Arc::clone(&shared),
            log: log.clone(),
            ready,
        };
        let following = host::task::spawn(
            "projection-follower",
            follow(config.clone(), follower, shutdown.clone()),
        );
        let api = QueryApi {
            shared,
            log,
            today: config.today,
            clock,
            message_bytes_max: config.limits.message_bytes_max,
            rebuilds: Arc::new(Semaphore::new(REBUILDS_MAX)),
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
    let options = FollowOptions::new(config.nats_url, &config.ledger, "projection".to_owned());
    let (status, mut seen) = watch::channel(FollowStatus::default());
    let (shared, component) = (Arc::clone(&follower.shared), follower.ready.clone());
    let measure = async move {
        while seen.changed().await.is_ok() {
            let (position, head) = {
                let seen = seen.borrow_and_update();
                (seen.position, seen.head)
            };
            shared.set_head(head);
            metrics::gauge!("tiendo_projection_position").set(position as f64);
        }
    };
    let following = bus::follow(options, &mut follower, status, shutdown);
    let (ended, ()) = tokio::join!(following, measure);
    if let Err(error) = ended {
        // What was folded is still served; a person has to look at the bus.
        tracing::error!(reason = error.reason(), %error, "following stopped: {error}");
        component.set_not_ready(format!("{}: {error}", error.reason()));
    }
}
