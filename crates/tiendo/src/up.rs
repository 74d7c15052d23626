//! Everything on one machine: settings → bind → NATS → ingest → data sets → projection and alerting → ready → signal → drain.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bus::server::{Launch, Search, Server};
use futures::TryFutureExt as _;
use host::{
    CancellationToken, Clock, Ended, PrometheusHandle, Readiness, Shutdown, SystemClock, Today,
};
use jiff::civil::Date;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use crate::cli::{NatsServer, Up};
use crate::client::Clients;
use crate::command::case::lagging_table;
use crate::dataset::Set;
use crate::endpoints::{self, Endpoints};
use crate::fail::{FAILED, USAGE};
use crate::output::{Output, Table, text};
use crate::run::{NATS_GUARD, Surroundings};
use crate::serve::{
    FORCED, alerting_config, bind, check_ledger, delivery, failed, ingest_config,
    projection_config, url,
};
use crate::{Failure, load};

/// The day that the sample figures are judged for unless another is given.
const SAMPLE_TODAY: Date = jiff::civil::date(2023, 7, 31);
/// Least time between two starts of a NATS server that keeps ending.
const NATS_RESTART_AFTER: Duration = Duration::from_millis(500);
/// Longest wait at the end for those who read the log, before the log ends too.
const READERS_END_MAX: Duration = Duration::from_secs(20);

/// The four listeners of `up`.
struct Listeners {
    http: TcpListener,
    ingest: TcpListener,
    projection: TcpListener,
    alerting: TcpListener,
}

/// Starts everything and runs until a signal.
pub(crate) async fn run(
    options: Up,
    data: &Path,
    surroundings: Surroundings,
    output: Output,
    metrics: PrometheusHandle,
) -> Result<(), Failure> {
    check_ledger(&options.ledger)?;
    // Before anything is started.
    delivery(&options.sinks, output.lang)?;
    std::fs::create_dir_all(data)?;
    let _only = only_one(data)?;
    let shutdown = Shutdown::on_signals().map_err(failed)?;
    let listeners = Listeners {
        http: bind(options.http_port, "http").await?,
        ingest: bind(options.ingest_port, "ingest").await?,
        projection: bind(options.projection_port, "projection").await?,
        alerting: bind(options.alerting_port, "alerting").await?,
    };
    let work = everything(
        options,
        data,
        surroundings,
        output,
        metrics,
        listeners,
        &shutdown,
    );
    let ended = shutdown.supervise(work).await;
    Endpoints::remove(data);
    match ended {
        Ended::Finished(result) => result,
        Ended::Forced => Err(Failure::new(FORCED, "stopped at once by a second signal")),
    }
}

/// Holds the data directory for this process; a second `up` on it must not touch what runs.
fn only_one(data: &Path) -> Result<std::fs::File, Failure> {
    let file = std::fs::File::create(data.join("lock"))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(std::fs::TryLockError::WouldBlock) => {
            let shown = data.display();
            let text = format!(
                "another Tiendo runs in {shown}; ask it with --data {shown}, or start with another --data"
            );
            Err(Failure::new(USAGE, text))
        }
        Err(std::fs::TryLockError::Error(error)) => Err(error.into()),
    }
}

async fn everything(
    options: Up,
    data: &Path,
    surroundings: Surroundings,
    output: Output,
    metrics: PrometheusHandle,
    listeners: Listeners,
    shutdown: &Shutdown,
) -> Result<(), Failure> {
    let launch = nats_launch(&options, data, surroundings, output).await?;
    let nats = Server::start(launch.clone()).await.map_err(nats_failed)?;
    let mut endpoints = Endpoints {
        ledger: options.ledger.clone(),
        today: String::new(),
        http: url(&listeners.http)?,
        ingest: url(&listeners.ingest)?,
        projection: url(&listeners.projection)?,
        alerting: url(&listeners.alerting)?,
        nats: nats.url(),
        pid: std::process::id(),
    };
    let (readiness, last) = (Readiness::new(), CancellationToken::new());
    // The bus stays until the services have drained; a server that dies by itself is started again on its port.
    let launch = Launch {
        port: nats.port(),
        ..launch
    };
    let bus = host::task::spawn("nats-server", keep_nats(nats, launch, last.clone()));
    let mut services = JoinSet::new();
    let (stop, stop_log) = (CancellationToken::new(), CancellationToken::new());
    let started = start(
        &mut services,
        &options,
        data,
        listeners,
        &mut endpoints,
        Run {
            readiness,
            metrics,
            output,
            stop: stop.clone(),
            stop_log: stop_log.clone(),
            last: last.clone(),
        },
    );
    let mut result = tokio::select! {
        started = started => started,
        () = shutdown.requested() => Ok(()),
    };
    if result.is_ok() {
        // A service that ends before the signal takes the others with it, and says why.
        result = tokio::select! {
            Some(ended) = services.join_next() => flatten(ended),
            () = shutdown.requested() => Ok(()),
        };
    }
    result = result.and(end(&mut services, &stop, &stop_log).await);
    last.cancel();
    let _ = bus.await;
    result
}

/// Ends those who read the log, and then the log: the last snapshot says of which log it is.
async fn end(
    services: &mut JoinSet<Result<(), Failure>>,
    readers: &CancellationToken,
    log: &CancellationToken,
) -> Result<(), Failure> {
    let mut result = Ok(());
    readers.cancel();
    // A snapshot that takes longer is cut off, and the next start takes the one before.
    let mut late = std::pin::pin!(tokio::time::sleep(READERS_END_MAX));
    while services.len() > 1 {
        tokio::select! {
            Some(ended) = services.join_next() => result = result.and(flatten(ended)),
            () = &mut late => break,
        }
    }
    log.cancel();
    while let Some(ended) = services.join_next().await {
        result = result.and(flatten(ended));
    }
    result
}

/// What the parts of a run share.
struct Run {
    readiness: Readiness,
    metrics: PrometheusHandle,
    output: Output,
    /// Ends those who read the log.
    stop: CancellationToken,
    /// Ends ingest, which has it.
    stop_log: CancellationToken,
    last: CancellationToken,
}

async fn start(
    services: &mut JoinSet<Result<(), Failure>>,
    options: &Up,
    data: &Path,
    listeners: Listeners,
    endpoints: &mut Endpoints,
    run: Run,
) -> Result<(), Failure> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let ledger = options.ledger.as_str();
    let config = ingest_config(&data.join("ingest"), ledger, endpoints.nats.as_str());
    let opening = Arc::clone(&clock);
    let service = tokio::task::spawn_blocking(move || ingest::build(config, opening));
    let service = service.await.map_err(failed)?.map_err(failed)?;
    let scope = |name| (run.readiness.scope(name), run.stop.clone());
    let (ready, stop) = (run.readiness.scope("ingest"), run.stop_log.clone());
    services.spawn(service.run(listeners.ingest, ready, stop).map_err(failed));

    let clients = Clients::new(endpoints.clone());
    let today = load_sets(options, data, &clients, run.output).await?;
    endpoints.today = match today {
        Today::Pinned(date) => date.to_string(),
        Today::Real => "real".to_owned(),
    };
    let documents = BTreeMap::from([(endpoints::PATH, endpoints.json())]);
    let pages = host::http::serve(
        listeners.http,
        run.metrics,
        run.readiness.clone(),
        documents,
        run.last.clone(),
    );
    host::task::spawn("http", pages);

    let config = projection_config(
        &data.join("projection"),
        &options.snapshots,
        ledger,
        endpoints.nats.as_str(),
        &endpoints.ingest,
        today,
    );
    let service = projection::build(config, Arc::clone(&clock)).map_err(failed)?;
    let (ready, stop) = scope("projection");
    services.spawn(
        service
            .run(listeners.projection, ready, stop)
            .map_err(failed),
    );

    let directory = data.join("alerting");
    let config = alerting_config(
        &directory,
        ledger,
        endpoints.nats.as_str(),
        &endpoints.ingest,
        today,
        delivery(&options.sinks, run.output.lang)?,
    );
    let service = alerting::build(config, clock).map_err(failed)?;
    let (ready, stop) = scope("alerting");
    services.spawn(service.run(listeners.alerting, ready, stop).map_err(failed));

    tokio::select! {
        () = run.readiness.ready() => {}
        Some(ended) = services.join_next() => return flatten(ended),
    }
    endpoints.write(data)?;
    announce(endpoints, &clients, run.output).await
}

/// Loads what a first start loads, and says which day is today.
///
/// A file marks a first load that has begun, so that one that was killed goes on at the next start, and a ledger that began empty stays as its owner fills it.
async fn load_sets(
    options: &Up,
    data: &Path,
    clients: &Clients,
    output: Output,
) -> Result<Today, Failure> {
    let mut ingest = clients.ingest().await?;
    let told = |status: tonic::Status| Failure::status(&status, output.lang);
    let ask = wire::v1::GetLedgerRequest {};
    let begun = ingest.get_ledger(ask).await.map_err(told)?.into_inner();
    let mark = data.join("first-load");
    if begun.head == 0 && !options.empty {
        std::fs::File::create(&mark)?.sync_all()?;
    }
    if mark.exists() {
        load::load(&mut ingest, &Set::ALL, output.lang).await?;
        std::fs::remove_file(&mark)?;
    }
    let ledger = ingest.get_ledger(ask).await.map_err(told)?.into_inner();
    let sample = ledger
        .datasets
        .iter()
        .any(|set| set.dataset == Set::Sample.dataset().code);
    Ok(match options.today {
        Some(date) => Today::Pinned(date),
        None if sample => Today::Pinned(SAMPLE_TODAY),
        None => Today::Real,
    })
}

async fn announce(endpoints: &Endpoints, clients: &Clients, output: Output) -> Result<(), Failure> {
    let mut table = Table::new(&[
        text("service", "Dịch vụ", "Service"),
        text("address", "Địa chỉ", "Address"),
    ]);
    for (name, address) in [
        ("ingest", &endpoints.ingest),
        ("projection", &endpoints.projection),
        ("alerting", &endpoints.alerting),
        ("http", &endpoints.http),
        ("nats", &endpoints.nats),
    ] {
        table.row([name.into(), address.as_str().into()]);
    }
    output.text(&table.render(output.lang))?;
    output.text(&lagging_table(clients, output).await?)?;
    say_ready(output);
    Ok(())
}

#[expect(
    clippy::print_stderr,
    reason = "the line that says that everything answers"
)]
fn say_ready(output: Output) {
    eprintln!(
        "{}",
        output.lang.pick(
            "ready: Tiendo đã sẵn sàng; Ctrl-C để dừng",
            "ready: everything answers; Ctrl-C stops it",
        )
    );
}

fn flatten(ended: Result<Result<(), Failure>, tokio::task::JoinError>) -> Result<(), Failure> {
    ended.unwrap_or_else(|error| Err(Failure::new(FAILED, format!("a service panicked: {error}"))))
}

fn nats_failed(error: bus::server::Error) -> Failure {
    let code = if error.reason() == "PORT_TAKEN" {
        USAGE
    } else {
        FAILED
    };
    let failure = Failure::caused(code, &error);
    let hint = if code == USAGE {
        "; choose another one with --nats-port"
    } else {
        ""
    };
    Failure::new(code, format!("{}{hint}", failure.text()))
}

/// Finds or fetches nats-server, and says how to run it.
async fn nats_launch(
    options: &Up,
    data: &Path,
    surroundings: Surroundings,
    output: Output,
) -> Result<Launch, Failure> {
    let search = search(&options.nats, surroundings, || data.join("cache"));
    let lang = output.lang;
    let found = tokio::task::spawn_blocking(move || {
        if let Some(found) = bus::server::find(&search)? {
            return Ok(found);
        }
        let bar = indicatif::ProgressBar::new_spinner();
        bar.set_message(lang.pick("Đang tải nats-server …", "Fetching nats-server …"));
        bar.enable_steady_tick(Duration::from_millis(120));
        let fetched = bus::server::obtain(&search);
        bar.finish_and_clear();
        fetched
    });
    let binary = found.await.map_err(failed)?.map_err(nats_failed)?;
    launch(binary, data.join("nats"), options.nats_port)
}

/// Where to look for a nats-server; `cache` is where a fetched one is kept if the user has no cache.
pub(crate) fn search(
    named: &NatsServer,
    surroundings: Surroundings,
    cache: impl FnOnce() -> PathBuf,
) -> Search {
    Search {
        explicit: named.nats_server.clone(),
        path: surroundings.path,
        cache: named
            .cache
            .clone()
            .or(surroundings.cache)
            .unwrap_or_else(cache),
    }
}

/// A nats-server that does not outlive this process.
pub(crate) fn launch(binary: PathBuf, store: PathBuf, port: u16) -> Result<Launch, Failure> {
    let mut launch = Launch::new(binary, store, port);
    if cfg!(target_os = "linux") {
        let own = std::env::current_exe()?;
        let parent = std::process::id().to_string();
        launch.command_prefix = vec![own.into(), NATS_GUARD.into(), parent.into()];
    }
    Ok(launch)
}

/// Keeps a NATS server running until it is told to stop.
async fn keep_nats(first: Server, launch: Launch, stop: CancellationToken) {
    let mut running = Some(first);
    loop {
        if let Some(mut server) = running.take() {
            tokio::select! {
                () = stop.cancelled() => {
                    if let Err(error) = server.stop().await {
                        tracing::warn!(%error, "nats-server did not stop: {error}");
                    }
                    return;
                }
                ended = server.exited() => {
                    tracing::warn!(?ended, "nats-server ended by itself and is started again");
                }
            }
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(NATS_RESTART_AFTER) => {}
        }
        match Server::start(launch.clone()).await {
            Ok(server) => running = Some(server),
            Err(error) => tracing::error!(%error, "nats-server cannot be started: {error}"),
        }
    }
}
