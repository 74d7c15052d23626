//! A receiver of webhooks that does as it is told: fails, delays, asks to be left alone.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::post;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::{SECRET, until};

/// How a request is answered.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Reply {
    Status(u16),
    /// 503, and when to come back, seconds.
    Later(u64),
    /// Takes it, and says so too late to be heard.
    Late(Duration),
}

/// A request as it came.
#[derive(Debug, Clone)]
pub(crate) struct Got {
    pub(crate) id: String,
    pub(crate) body: Bytes,
    /// Whether it was answered with success in time.
    pub(crate) taken: bool,
}

#[derive(Default)]
struct Shared {
    got: Vec<Got>,
    replies: VecDeque<Reply>,
    /// When no reply is left.
    otherwise: Option<u16>,
}

type Held = Arc<Mutex<Shared>>;

/// The receiver.
pub(crate) struct Receiver {
    pub(crate) port: u16,
    shared: Held,
    task: JoinHandle<()>,
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Receiver {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let shared = Held::default();
        let router = Router::new()
            .route("/hook", post(take))
            .with_state(Arc::clone(&shared));
        let task = host::task::spawn("receiver", async move {
            axum::serve(listener, router).await.unwrap();
        });
        Self { port, shared, task }
    }

    /// How the next requests are answered, one after the other.
    pub(crate) fn reply(&self, replies: &[Reply]) {
        self.shared.lock().unwrap().replies.extend(replies);
    }

    /// How requests are answered for which nothing was said.
    pub(crate) fn otherwise(&self, status: u16) {
        self.shared.lock().unwrap().otherwise = Some(status);
    }

    pub(crate) fn got(&self) -> Vec<Got> {
        self.shared.lock().unwrap().got.clone()
    }

    /// The ids that were taken, in their order.
    pub(crate) fn taken(&self) -> Vec<String> {
        let got = self.got();
        let taken = got.into_iter().filter(|got| got.taken);
        taken.map(|got| got.id).collect()
    }

    /// Waits until so many were taken.
    pub(crate) async fn until_taken(&self, number: usize) -> Vec<String> {
        let waited = until(async || (self.taken().len() >= number).then_some(())).await;
        assert!(waited.is_some(), "{number}: {:?}", self.taken());
        self.taken()
    }
}

async fn take(State(shared): State<Held>, headers: HeaderMap, body: Bytes) -> Response {
    let header = |name: &str| headers[name].to_str().unwrap().to_owned();
    let (id, at) = (header("webhook-id"), header("webhook-timestamp"));
    let is_signed = header("webhook-signature") == signature(&id, &at, &body);
    let reply = {
        let mut shared = shared.lock().unwrap();
        let otherwise = Reply::Status(shared.otherwise.unwrap_or(200));
        let reply = shared.replies.pop_front().unwrap_or(otherwise);
        let taken = is_signed && matches!(reply, Reply::Status(200));
        shared.got.push(Got { id, body, taken });
        reply
    };
    if !is_signed {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    match reply {
        Reply::Status(status) => StatusCode::from_u16(status).unwrap().into_response(),
        Reply::Later(seconds) => {
            let after = [(header::RETRY_AFTER, seconds.to_string())];
            (StatusCode::SERVICE_UNAVAILABLE, after).into_response()
        }
        Reply::Late(delay) => {
            // Whoever waits less hears nothing.
            let _ = timeout(delay, std::future::pending::<()>()).await;
            StatusCode::OK.into_response()
        }
    }
}

/// The signature by the specification alone.
fn signature(id: &str, at: &str, body: &[u8]) -> String {
    let key = STANDARD
        .decode(SECRET.strip_prefix("whsec_").unwrap())
        .unwrap();
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).unwrap();
    mac.update(format!("{id}.{at}.").as_bytes());
    mac.update(body);
    format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
}
