//! A gRPC server with reflection, health, gRPC-Web, limits, metrics and a bounded drain.
//!
//! A request passes, from the outside in: gRPC-Web translation, metrics, the deadline, the concurrency limit, the service.
//! Health passes no concurrency limit: a busy server is not a dead one, and a supervisor that is refused would make it one.
//!
//! At the shutdown the server says NOT_SERVING, stops listening, tells clients to go away, ends the health watches, and waits for the rest.
//! tonic alone would wait for ever on one open stream; after the grace every connection still open is cut, so nothing of a service outlives [`serve`].
//!
//! What was left out: TLS (a proxy's), CORS (gRPC-Web is for clients of the same origin or behind a proxy), the status with which an accepted *stream* ends (counted is the one it begins with).

mod connection;
mod descriptors;
mod held;
mod limit;
mod measure;

use std::convert::Infallible;
use std::pin::pin;
use std::time::Duration;

use axum::middleware::{from_fn, from_fn_with_state};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tonic::service::Routes;
use tonic_health::ServingStatus;
use tonic_health::pb::health_server::HealthServer;
use tonic_health::server::{HealthReporter, HealthService};
use tonic_web::GrpcWebLayer;

use self::connection::Connections;
use self::descriptors::Descriptors;
use self::limit::InFlight;
use crate::{Error, Readiness};

/// The `domain` of the `ErrorInfo` in errors made here.
pub const ERROR_DOMAIN: &str = "tiendo.vn";

/// The reason of a request refused because too many are in flight; the code is RESOURCE_EXHAUSTED.
pub const REASON_OVERLOADED: &str = "SERVER_OVERLOADED";

/// The reason of a message over [`Limits::message_bytes_max`]; the code is OUT_OF_RANGE.
pub const REASON_MESSAGE_TOO_LARGE: &str = "MESSAGE_TOO_LARGE";

/// The reason of a request that did not begin to be answered in time; the code is DEADLINE_EXCEEDED.
pub const REASON_TIMED_OUT: &str = "REQUEST_TIMED_OUT";

/// The largest request to the health and reflection services; their answers are ours.
const SMALL_MESSAGE_BYTES_MAX: usize = 16 * 1024;

/// The largest header block of a request.
const HEADER_BYTES_MAX: u32 = 16 * 1024;

/// How long a silent peer is left alone before it is asked whether it lives, by TCP and by HTTP/2.
const KEEPALIVE_AFTER: Duration = Duration::from_secs(30);

/// How long a peer may take to answer an HTTP/2 ping.
const KEEPALIVE_ANSWER_MAX: Duration = Duration::from_secs(20);

/// How long cut connections may take to notice.
const CUT_MAX: Duration = Duration::from_secs(1);

/// What a server takes on at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The largest message, received or sent.
    ///
    /// tonic keeps this limit per service, so whoever builds one applies it: `IngestServer::new(…).max_decoding_message_size(limits.message_bytes_max)`, and `max_encoding_message_size` likewise.
    pub message_bytes_max: usize,
    /// The most requests in flight on all connections; open streams count until their last byte.
    /// One more is answered with RESOURCE_EXHAUSTED and [`REASON_OVERLOADED`].
    pub concurrent_requests_max: usize,
    /// The most concurrent streams of one connection; the peer waits with more (HTTP/2 flow control).
    pub streams_per_connection_max: u32,
    /// The most open connections; one more is closed at once.
    pub connections_max: usize,
    /// How long a service may take to begin its answer, after that DEADLINE_EXCEEDED and [`REASON_TIMED_OUT`].
    /// Once it has begun, a stream may last.
    pub timeout: Duration,
}

impl Limits {
    /// 4 MiB a message, 1,024 requests in flight, 256 streams a connection, 512 connections, 30 seconds.
    pub const fn standard() -> Self {
        Self {
            message_bytes_max: 4 * 1024 * 1024,
            concurrent_requests_max: 1024,
            streams_per_connection_max: 256,
            connections_max: 512,
            timeout: Duration::from_secs(30),
        }
    }
}

/// What [`serve`] serves.
#[derive(Debug)]
pub struct Server {
    /// Where; see [`crate::bind`].
    pub listener: TcpListener,
    /// The services, with [`Limits::message_bytes_max`] applied by the caller.
    pub routes: Routes,
    /// Encoded `google.protobuf.FileDescriptorSet`s that describe the services with all they import.
    pub descriptor_sets: Vec<&'static [u8]>,
    /// The full names of the services, for health: `tiendo.v1.IngestService`.
    pub services: Vec<&'static str>,
    /// What the server takes on at most.
    pub limits: Limits,
    /// Health says SERVING as long as all components of it are ready.
    /// The server adds itself to it as `grpc`; in a process with several services each has its own [scope](Readiness::scope).
    pub readiness: Readiness,
    /// How long requests in flight may take after the shutdown.
    pub grace: Duration,
}

/// Serves until `shutdown`, then drains within [`Server::grace`].
///
/// Returns once the connections are closed: drained, or cut after the grace (and logged).
///
/// # Errors
///
/// [`Error::Descriptors`], [`Error::Reflection`] or [`Error::ServiceUndescribed`] if the descriptor sets do not fit; [`Error::Grpc`] if the server fails.
pub async fn serve(server: Server, shutdown: CancellationToken) -> Result<(), Error> {
    let Server {
        listener,
        routes,
        descriptor_sets,
        services,
        limits,
        readiness,
        grace,
    } = server;
    let descriptors = Descriptors::new(descriptor_sets, &services)?;
    let health = HealthBoard::new(services).await;
    let routes = surround(routes, &descriptors, &health, &limits)?;
    let connections = Connections::new(limits.connections_max);
    let drain = CancellationToken::new();
    let mut serving = pin!(
        transport(&limits)
            .layer(GrpcWebLayer::new())
            .add_routes(routes)
            .serve_with_incoming_shutdown(connections.accept(listener), drain.cancelled())
    );

    let component = readiness.component("grpc");
    component.set_ready();
    tokio::select! {
        ended = &mut serving => return ended.map_err(Error::Grpc),
        never = health.follow(&readiness) => match never {},
        () = shutdown.cancelled() => {}
    }

    component.set_not_ready("draining");
    health.report(ServingStatus::NotServing).await;
    drain.cancel();
    let drained = async { tokio::join!(&mut serving, health.end_watches()).0 };
    if let Ok(ended) = tokio::time::timeout(grace, drained).await {
        return ended.map_err(Error::Grpc);
    }

    let (open, grace_ms) = (connections.open(), grace.as_millis());
    tracing::warn!(
        open,
        grace_ms,
        "{open} connections still open after {grace_ms} ms: cutting"
    );
    connections.cut();
    match tokio::time::timeout(CUT_MAX, serving).await {
        Ok(ended) => ended.map_err(Error::Grpc),
        Err(_) => Ok(()),
    }
}

/// Adds reflection and health to the services, and the limits and metrics around them all.
fn surround(
    routes: Routes,
    descriptors: &Descriptors,
    health: &HealthBoard,
    limits: &Limits,
) -> Result<Routes, Error> {
    let v1 = descriptors
        .reflection()
        .build_v1()
        .map_err(Error::Reflection)?;
    let v1alpha = descriptors
        .reflection()
        .build_v1alpha()
        .map_err(Error::Reflection)?;
    let limited = routes
        .add_service(v1.max_decoding_message_size(SMALL_MESSAGE_BYTES_MAX))
        .add_service(v1alpha.max_decoding_message_size(SMALL_MESSAGE_BYTES_MAX))
        .into_axum_router()
        .layer(from_fn_with_state(
            InFlight::new(limits.concurrent_requests_max),
            limit::shed,
        ));
    let measured = Routes::from(limited)
        .add_service(health.service())
        .into_axum_router()
        .layer(from_fn(limit::name_oversized))
        .layer(from_fn_with_state(limits.timeout, limit::deadline))
        .layer(from_fn_with_state(descriptors.methods(), measure::measure));
    measure::describe();
    Ok(Routes::from(measured))
}

fn transport(limits: &Limits) -> tonic::transport::Server {
    tonic::transport::Server::builder()
        .accept_http1(true)
        .max_concurrent_streams(limits.streams_per_connection_max)
        .http2_max_header_list_size(HEADER_BYTES_MAX)
        .http2_keepalive_interval(Some(KEEPALIVE_AFTER))
        .http2_keepalive_timeout(Some(KEEPALIVE_ANSWER_MAX))
}

/// What the health service says of the server and of each of its services.
struct HealthBoard {
    reporter: HealthReporter,
    /// The empty name stands for the whole server.
    names: Vec<&'static str>,
}

impl HealthBoard {
    async fn new(services: Vec<&'static str>) -> Self {
        let names = std::iter::once("").chain(services).collect();
        let board = Self {
            reporter: HealthReporter::new(),
            names,
        };
        board.report(ServingStatus::NotServing).await;
        board
    }

    fn service(&self) -> HealthServer<HealthService> {
        HealthServer::new(HealthService::from_health_reporter(self.reporter.clone()))
            .max_decoding_message_size(SMALL_MESSAGE_BYTES_MAX)
    }

    async fn report(&self, status: ServingStatus) {
        for name in &self.names {
            self.reporter.set_service_status(name, status).await;
        }
    }

    /// Reports what `readiness` says, for ever.
    async fn follow(&self, readiness: &Readiness) -> Infallible {
        loop {
            readiness.ready().await;
            self.report(ServingStatus::Serving).await;
            readiness.not_ready().await;
            self.report(ServingStatus::NotServing).await;
        }
    }

    /// Ends every watch after it has shown its last status.
    async fn end_watches(&self) {
        let mut reporter = self.reporter.clone();
        for name in &self.names {
            reporter.clear_service_status(name).await;
        }
    }
}
