//! How many requests at a time, and how long each may take to begin its answer.
//!
//! Both limits answer with a named error: a request is never queued here.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use tokio::sync::Semaphore;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt as _};

use super::{ERROR_DOMAIN, REASON_MESSAGE_TOO_LARGE, REASON_OVERLOADED, REASON_TIMED_OUT, held};

/// When a refused caller should try again.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// What tonic says of a message over [`super::Limits::message_bytes_max`].
const OVERSIZED: &str = "decoded message length too large";

/// The requests in flight and how many there may be.
#[derive(Clone)]
pub(super) struct InFlight {
    permits: Arc<Semaphore>,
    max: usize,
}

impl InFlight {
    pub(super) fn new(max: usize) -> Self {
        Self {
            permits: Arc::new(Semaphore::new(max)),
            max,
        }
    }
}

/// Refuses a request if too many are in flight; holds its place until the last byte of its answer.
pub(super) async fn shed(
    State(in_flight): State<InFlight>,
    request: Request,
    next: Next,
) -> Response {
    match Arc::clone(&in_flight.permits).try_acquire_owned() {
        Ok(permit) => held::until_sent(next.run(request).await, permit),
        Err(_) => refuse(
            Code::ResourceExhausted,
            format!(
                "too many requests at a time (limit {}); try again later",
                in_flight.max
            ),
            REASON_OVERLOADED,
        ),
    }
}

/// Gives up on a request whose answer does not begin within `timeout`.
pub(super) async fn deadline(
    State(timeout): State<Duration>,
    request: Request,
    next: Next,
) -> Response {
    match tokio::time::timeout(timeout, next.run(request)).await {
        Ok(response) => response,
        Err(_) => refuse(
            Code::DeadlineExceeded,
            format!("no answer within {} ms", timeout.as_millis()),
            REASON_TIMED_OUT,
        ),
    }
}

/// Gives the refusal of an oversized message its reason; the library that reads messages gives none.
pub(super) async fn name_oversized(request: Request, next: Next) -> Response {
    let response = next.run(request).await;
    match Status::from_header_map(response.headers()) {
        Some(status)
            if status.code() == Code::OutOfRange
                && status.details().is_empty()
                && status.message().contains(OVERSIZED) =>
        {
            let message = format!("{}; send less at a time", status.message());
            let details = ErrorDetails::with_error_info(REASON_MESSAGE_TOO_LARGE, ERROR_DOMAIN, []);
            Status::with_error_details(Code::OutOfRange, message, details).into_http::<Body>()
        }
        _ => response,
    }
}

fn refuse(code: Code, message: String, reason: &str) -> Response {
    let mut details = ErrorDetails::with_error_info(reason, ERROR_DOMAIN, []);
    details.set_retry_info(Some(RETRY_AFTER));
    Status::with_error_details(code, message, details).into_http::<Body>()
}
