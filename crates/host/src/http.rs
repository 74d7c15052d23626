//! `/healthz`, `/readyz` and `/metrics` for operators.
//!
//! Answers come from memory and take no body, so there is little to limit: at most [`REQUESTS_MAX`] at a time, and a drain of [`DRAIN_MAX`].

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State as Shared};
use axum::http::{StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use metrics_exporter_prometheus::PrometheusHandle;
use serde_json::json;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use crate::readiness::State;
use crate::{Error, Readiness};

/// The most requests answered at a time; more get 503.
pub const REQUESTS_MAX: usize = 32;

/// The longest wait for connections to close after the shutdown.
pub const DRAIN_MAX: Duration = Duration::from_secs(2);

/// How often histograms are folded; without it they would grow until somebody scrapes them.
const UPKEEP_EVERY: Duration = Duration::from_secs(5);

/// Serves health, readiness and metrics until `shutdown`, then closes within [`DRAIN_MAX`].
///
/// - `GET /healthz`: 200 as long as the process answers at all.
/// - `GET /readyz`: 200 if every component is ready, else 503; `{"ready": bool, "components": {name: {"ready": bool, "reason": string?}}}`.
/// - `GET /metrics`: the Prometheus text format.
/// - `GET` of each path in `documents`: its JSON text, for example the addresses of the services.
///
/// Give it a token that is cancelled after the services' own, so that operators can watch the drain.
///
/// # Errors
///
/// [`Error::Http`] if the listener fails.
pub async fn serve(
    listener: TcpListener,
    handle: PrometheusHandle,
    readiness: Readiness,
    documents: BTreeMap<&'static str, String>,
    shutdown: CancellationToken,
) -> Result<(), Error> {
    let upkeep = upkeep(handle.clone());
    let served = axum::serve(listener, router(handle, readiness, documents))
        .with_graceful_shutdown(shutdown.clone().cancelled_owned())
        .into_future();
    let overdue = async {
        shutdown.cancelled().await;
        tokio::time::sleep(DRAIN_MAX).await;
    };
    tokio::select! {
        result = served => result.map_err(Error::Http),
        () = overdue => Ok(()),
        () = upkeep => Ok(()),
    }
}

fn router(
    handle: PrometheusHandle,
    readiness: Readiness,
    documents: BTreeMap<&'static str, String>,
) -> Router {
    let mut router = Router::new();
    for (path, text) in documents {
        let json = [(header::CONTENT_TYPE, "application/json")];
        router = router.route(path, get(async move || (json, text.clone())));
    }
    router
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(async move || ready(&readiness)))
        .route("/metrics", get(async move || metrics(&handle)))
        .layer(from_fn_with_state(
            Arc::new(Semaphore::new(REQUESTS_MAX)),
            shed,
        ))
}

async fn shed(
    Shared(permits): Shared<Arc<Semaphore>>,
    request: Request,
    next: Next,
) -> Result<Response, StatusCode> {
    let _permit = permits
        .try_acquire()
        .map_err(|_| StatusCode::SERVICE_UNAVAILABLE)?;
    Ok(next.run(request).await)
}

fn ready(readiness: &Readiness) -> Response {
    let states = readiness.states();
    let ready = !states.is_empty() && states.values().all(|state| *state == State::Ready);
    let components: serde_json::Map<_, _> = states
        .into_iter()
        .map(|(name, state)| match state {
            State::Ready => (name, json!({ "ready": true })),
            State::NotReady { reason } => (name, json!({ "ready": false, "reason": reason })),
        })
        .collect();
    let status = if ready {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    let body = json!({ "ready": ready, "components": components }).to_string();
    (status, [(header::CONTENT_TYPE, "application/json")], body).into_response()
}

fn metrics(handle: &PrometheusHandle) -> Response {
    let kind = "text/plain; version=0.0.4; charset=utf-8";
    ([(header::CONTENT_TYPE, kind)], handle.render()).into_response()
}

async fn upkeep(handle: PrometheusHandle) {
    loop {
        tokio::time::sleep(UPKEEP_EVERY).await;
        handle.run_upkeep();
    }
}
