//! One service: settings → bind → log the addresses → run → signal → drain.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use alerting::delivery::{self, Contacts, Exposure};
use host::grpc::Limits;
use host::{
    CancellationToken, Clock, Ended, PrometheusHandle, Readiness, Shutdown, SystemClock, Today,
};
use tokio::net::TcpListener;

use crate::Failure;
use crate::cli::{Reads, Serve, ServeCommon, Sinks, Snapshots};
use crate::endpoints::{self, Endpoints};
use crate::fail::{FAILED, USAGE};
use crate::lang::Lang;
use crate::output::Output;

/// How long requests in flight may take after the shutdown.
pub(crate) const GRACE: Duration = Duration::from_secs(10);
/// Most requests that wait for a commit.
pub(crate) const QUEUE_REQUESTS_MAX: usize = 4_096;
/// Most bytes of requests, as sent, that wait for a commit.
pub(crate) const QUEUE_BYTES_MAX: usize = 64 * 1024 * 1024;
/// Exit code after a second signal.
pub(crate) const FORCED: u8 = 130;

/// Binds a port on loopback.
pub(crate) async fn bind(port: u16, what: &str) -> Result<TcpListener, Failure> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    host::bind(address, what)
        .await
        .map_err(|error| Failure::caused(USAGE, &error))
}

/// A listener's address with a scheme.
pub(crate) fn url(listener: &TcpListener) -> Result<String, Failure> {
    Ok(format!("http://{}", listener.local_addr()?))
}

/// The failure of a service.
pub(crate) fn failed(error: impl std::error::Error + 'static) -> Failure {
    Failure::caused(FAILED, &error)
}

/// Checks that a ledger's id can stand in a subject.
pub(crate) fn check_ledger(ledger: &str) -> Result<(), Failure> {
    if bus::subject::is_token(ledger) {
        return Ok(());
    }
    let text = format!("--ledger '{ledger}' is not one token of a-z, 0-9, '_' and '-'");
    Err(Failure::new(USAGE, text))
}

/// Settings of ingest with the limits of the product.
pub(crate) fn ingest_config(
    data: &Path,
    ledger: &str,
    nats: impl Into<bus::Access>,
) -> ingest::Config {
    ingest::Config {
        data: data.to_path_buf(),
        ledger: ledger.to_owned(),
        nats: nats.into(),
        stream_replicas: 1,
        limits: Limits::standard(),
        queue_requests_max: QUEUE_REQUESTS_MAX,
        queue_bytes_max: QUEUE_BYTES_MAX,
        grace: GRACE,
    }
}

/// Settings of projection with the limits of the product.
pub(crate) fn projection_config(
    data: &Path,
    snapshots: &Snapshots,
    ledger: &str,
    nats: impl Into<bus::Access>,
    log: &str,
    today: Today,
) -> projection::Config {
    projection::Config {
        ledger: ledger.to_owned(),
        nats: nats.into(),
        log_url: log.to_owned(),
        snapshots: projection::Snapshots {
            directory: data.to_path_buf(),
            every: snapshots.snapshot_every,
        },
        today,
        limits: Limits::standard(),
        grace: GRACE,
    }
}

/// Who is told, as the contacts file says; nobody without one.
pub(crate) fn delivery(sinks: &Sinks, lang: Lang) -> Result<delivery::Settings, Failure> {
    let exposure = if sinks.insecure_sinks {
        Exposure::Allowed
    } else {
        Exposure::Refused
    };
    let contacts = match &sinks.contacts {
        None => Ok(Contacts::default()),
        Some(file) => Contacts::load(file, exposure),
    };
    let told = |error: delivery::ContactsError| {
        Failure::new(USAGE, lang.pick(error.vi(), error.to_string()))
    };
    Ok(delivery::Settings {
        contacts: contacts.map_err(told)?,
        pace: delivery::Pace::standard(),
    })
}

/// Settings of alerting with the limits of the product.
pub(crate) fn alerting_config(
    data: &Path,
    ledger: &str,
    nats: impl Into<bus::Access>,
    log: &str,
    today: Today,
    delivery: delivery::Settings,
) -> alerting::Config {
    alerting::Config {
        data: data.to_path_buf(),
        ledger: ledger.to_owned(),
        nats: nats.into(),
        stream_replicas: 1,
        log_url: log.to_owned(),
        today,
        rules: lag::Rules::standard(),
        delivery,
        limits: Limits::standard(),
        grace: GRACE,
    }
}

/// Runs one service until a signal.
pub(crate) async fn run(
    service: Serve,
    data: &Path,
    output: Output,
    metrics: PrometheusHandle,
) -> Result<(), Failure> {
    std::fs::create_dir_all(data)?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let (name, common, ports) = match &service {
        Serve::Ingest { common, .. } => ("ingest", common.clone(), (7061, 7160)),
        Serve::Projection { common, .. } => ("projection", common.clone(), (7062, 7260)),
        Serve::Alerting { common, .. } => ("alerting", common.clone(), (7063, 7360)),
    };
    check_ledger(&common.ledger)?;
    let listener = bind(common.port.unwrap_or(ports.0), name).await?;
    let http = bind(common.http_port.unwrap_or(ports.1), "http").await?;
    let mut endpoints = Endpoints {
        ledger: common.ledger.clone(),
        http: url(&http)?,
        nats: common.nats.url.clone(),
        pid: std::process::id(),
        ..Endpoints::read(data).unwrap_or_default()
    };
    let address = url(&listener)?;
    match name {
        "ingest" => endpoints.ingest = address,
        "projection" => endpoints.projection = address,
        _ => endpoints.alerting = address,
    }
    endpoints.write(data)?;
    let shutdown = Shutdown::on_signals().map_err(failed)?;
    let readiness = Readiness::new();
    let last = CancellationToken::new();
    let documents = BTreeMap::from([(endpoints::PATH, endpoints.json())]);
    let pages = host::http::serve(http, metrics, readiness.clone(), documents, last.clone());
    let pages = host::task::spawn("http", pages);
    let announce = announce(readiness.clone(), name, endpoints.clone(), output);
    let announce = host::task::spawn("announce", announce);
    let scope = readiness.scope(name);
    let directory = data.join(name);
    let work = service_run(
        service,
        &directory,
        clock,
        listener,
        (scope, output.lang),
        shutdown.token(),
    );
    let ended = shutdown.supervise(work).await;
    announce.abort();
    Endpoints::remove(data);
    let Ended::Finished(result) = ended else {
        return Err(Failure::new(FORCED, "stopped at once by a second signal"));
    };
    last.cancel();
    let _ = pages.await;
    result
}

async fn service_run(
    service: Serve,
    data: &Path,
    clock: Arc<dyn Clock>,
    listener: TcpListener,
    (readiness, lang): (Readiness, Lang),
    shutdown: CancellationToken,
) -> Result<(), Failure> {
    let today = |reads: &Reads| reads.today.map_or(Today::Real, Today::Pinned);
    match service {
        Serve::Ingest {
            common,
            stream,
            standby,
        } => {
            let config = ingest::Config {
                stream_replicas: stream.replicas(),
                ..ingest_config(data, &common.ledger, common.nats.access())
            };
            let mut service = ingest::build(config, clock).map_err(failed)?;
            if standby {
                service = service.standing_by();
            }
            let ran = service.run(listener, readiness, shutdown).await;
            ran.map_err(failed)
        }
        Serve::Projection {
            common: ServeCommon { ledger, nats, .. },
            reads,
            snapshots,
        } => {
            let today = today(&reads);
            let config = projection_config(
                data,
                &snapshots,
                &ledger,
                nats.access(),
                &reads.ingest,
                today,
            );
            let service = projection::build(config, clock).map_err(failed)?;
            let ran = service.run(listener, readiness, shutdown).await;
            ran.map_err(failed)
        }
        Serve::Alerting {
            common: ServeCommon { ledger, nats, .. },
            reads,
            stream,
            sinks,
        } => {
            let (today, delivery) = (today(&reads), delivery(&sinks, lang)?);
            let nats = nats.access();
            let config = alerting::Config {
                stream_replicas: stream.replicas(),
                ..alerting_config(data, &ledger, nats, &reads.ingest, today, delivery)
            };
            let service = alerting::build(config, clock).map_err(failed)?;
            let ran = service.run(listener, readiness, shutdown).await;
            ran.map_err(failed)
        }
    }
}

#[expect(clippy::print_stderr, reason = "the line a supervisor waits for")]
async fn announce(readiness: Readiness, name: &str, endpoints: Endpoints, output: Output) {
    readiness.scope(name).ready().await;
    let address = match name {
        "ingest" => &endpoints.ingest,
        "projection" => &endpoints.projection,
        _ => &endpoints.alerting,
    };
    eprintln!(
        "{}",
        output.lang.pick(
            format!("{name} ready (sẵn sàng) {address}, http {}", endpoints.http),
            format!("{name} ready at {address}, http {}", endpoints.http),
        )
    );
}
