//! What surrounds a service: clock, telemetry, health, limits, signals, drain.
//!
//! `host` knows no other room of the house and never decodes an event.
//! It is the only crate that reads the wall clock or spawns a task; it reads no environment variable and never ends the process.
//!
//! A service is a `run(listener, shutdown)`, and a `main` reads aloud:
//!
//! ```no_run
//! use std::{process::ExitCode, time::Duration};
//! use host::grpc::{Limits, Server};
//! use host::{CancellationToken, Ended, Error, Readiness, Shutdown, bind, grpc, http, telemetry};
//! use tokio::net::TcpListener;
//!
//! async fn run(listener: TcpListener, ready: Readiness, stop: CancellationToken) -> Result<(), Error> {
//!     let (limits, log) = (Limits::standard(), ready.component("log"));
//!     // Open the log, then build the services with `max_decoding_message_size(limits.message_bytes_max)`.
//!     log.set_ready();
//!     let server = Server {
//!         listener,
//!         routes: tonic::service::Routes::default(), // .add_service(…)
//!         descriptor_sets: vec![],                   // wire's
//!         services: vec![],                          // "tiendo.v1.IngestService"
//!         limits,
//!         readiness: ready,
//!         grace: Duration::from_secs(10),
//!     };
//!     grpc::serve(server, stop).await // NOT_SERVING, then a drain within the grace
//! }
//!
//! #[tokio::main]
//! async fn main() -> Result<ExitCode, Error> {
//!     let (filter, format) = ("info".to_owned(), telemetry::Format::Text); // settings
//!     let metrics = telemetry::init(telemetry::Options { filter, format })?;
//!     let shutdown = Shutdown::on_signals()?;
//!     let ingest = bind(([127, 0, 0, 1], 7061).into(), "ingest").await?;
//!     let operators = bind(([127, 0, 0, 1], 7060).into(), "http").await?;
//!     tracing::info!("ingest on {:?}, http on {:?}", ingest.local_addr(), operators.local_addr());
//!     let (ready, last) = (Readiness::new(), CancellationToken::new());
//!     let http = host::task::spawn("http", http::serve(operators, metrics, ready.clone(), Default::default(), last.clone()));
//!     let ended = shutdown.supervise(run(ingest, ready.scope("ingest"), shutdown.token())).await;
//!     let Ended::Finished(result) = ended else {
//!         return Ok(ExitCode::from(130)); // a second signal: at once
//!     };
//!     last.cancel();
//!     let _ = http.await;
//!     result.map(|()| ExitCode::SUCCESS)
//! }
//! ```
//!
//! # Layout
//!
//! - [`clock`]: the wall clock behind a trait, and the day judgements are made for.
//! - [`error`]: everything that can go wrong here, each with a reason code.
//! - [`grpc`]: a gRPC server with reflection, health, gRPC-Web, limits, metrics and a bounded drain.
//! - [`http`]: `/healthz`, `/readyz` and `/metrics` for operators.
//! - [`listener`]: binding a port, with an error that says which flag to change.
//! - [`readiness`]: which components are ready, and why the others are not.
//! - [`shutdown`]: the first signal drains, the second one gives up.
//! - [`task`]: spawned tasks that have a name and report their panic.
//! - [`telemetry`]: logs on stderr, metrics for Prometheus.

pub mod clock;
pub mod error;
pub mod grpc;
pub mod http;
pub mod listener;
pub mod readiness;
pub mod shutdown;
pub mod task;
pub mod telemetry;

pub use clock::{Clock, ManualClock, SystemClock, Today};
pub use error::Error;
pub use listener::bind;
pub use metrics_exporter_prometheus::PrometheusHandle;
pub use readiness::{ComponentHandle, Readiness};
pub use shutdown::{Ended, Shutdown};
pub use tokio_util::sync::CancellationToken;
