//! Counts and times requests, under the names that stock gRPC dashboards know.
//!
//! Labels come from the descriptors only, so a caller cannot invent new ones: a path nobody serves is counted as `unknown`.

use std::sync::Arc;
use std::time::Instant;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use metrics::{Label, Unit, counter, gauge, histogram};
use tonic::Code;

use super::descriptors::{Method, Methods};
use super::held;

const HANDLED: &str = "grpc_server_handled_total";
const HANDLING: &str = "grpc_server_handling_seconds";
const IN_FLIGHT: &str = "grpc_server_in_flight";

/// Describes the metrics to the recorder; once more does no harm.
pub(super) fn describe() {
    metrics::describe_counter!(HANDLED, "requests answered, by method and code");
    metrics::describe_histogram!(HANDLING, Unit::Seconds, "time until an answer began");
    metrics::describe_gauge!(IN_FLIGHT, "requests whose answer is not sent to its end");
}

/// Counts the request, times it, and has it in flight until the last byte of its answer.
pub(super) async fn measure(
    State(methods): State<Arc<Methods>>,
    request: Request,
    next: Next,
) -> Response {
    let in_flight = OneInFlight::new();
    let mut call = Call::begin(methods.find(request.uri().path()));
    let response = next.run(request).await;
    call.code = code_of(&response);
    drop(call);
    held::until_sent(response, in_flight)
}

/// A trailers-only answer carries its code in the head; any other of HTTP's 200 has begun well.
fn code_of(response: &Response) -> Code {
    match response.headers().get("grpc-status") {
        Some(status) => Code::from_bytes(status.as_bytes()),
        None if response.status().is_success() => Code::Ok,
        None => Code::Unknown,
    }
}

struct OneInFlight;

impl OneInFlight {
    fn new() -> Self {
        gauge!(IN_FLIGHT).increment(1.0);
        Self
    }
}

impl Drop for OneInFlight {
    fn drop(&mut self) {
        gauge!(IN_FLIGHT).decrement(1.0);
    }
}

/// Records itself when dropped; a call whose caller went away never gets another code.
struct Call<'a> {
    method: &'a Method,
    begun: Instant,
    code: Code,
}

impl<'a> Call<'a> {
    fn begin(method: &'a Method) -> Self {
        Self {
            method,
            begun: Instant::now(),
            code: Code::Cancelled,
        }
    }
}

impl Drop for Call<'_> {
    fn drop(&mut self) {
        let labels = vec![
            Label::new("grpc_service", Arc::clone(&self.method.service)),
            Label::new("grpc_method", Arc::clone(&self.method.name)),
            Label::new("grpc_type", self.method.kind),
            Label::new("grpc_code", name_of(self.code)),
        ];
        counter!(HANDLED, labels.clone()).increment(1);
        histogram!(HANDLING, labels).record(self.begun.elapsed());
    }
}

/// The names that other gRPC servers export.
fn name_of(code: Code) -> &'static str {
    match code {
        Code::Ok => "OK",
        Code::Cancelled => "Canceled",
        Code::Unknown => "Unknown",
        Code::InvalidArgument => "InvalidArgument",
        Code::DeadlineExceeded => "DeadlineExceeded",
        Code::NotFound => "NotFound",
        Code::AlreadyExists => "AlreadyExists",
        Code::PermissionDenied => "PermissionDenied",
        Code::ResourceExhausted => "ResourceExhausted",
        Code::FailedPrecondition => "FailedPrecondition",
        Code::Aborted => "Aborted",
        Code::OutOfRange => "OutOfRange",
        Code::Unimplemented => "Unimplemented",
        Code::Internal => "Internal",
        Code::Unavailable => "Unavailable",
        Code::DataLoss => "DataLoss",
        Code::Unauthenticated => "Unauthenticated",
    }
}
