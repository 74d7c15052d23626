//! The operators' endpoints, over real sockets.
#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests stop where they cannot go on"
)]

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use host::{CancellationToken, Error, Readiness, bind, http, task, telemetry};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;

async fn soon<F: Future>(future: F) -> F::Output {
    tokio::time::timeout(Duration::from_secs(60), future)
        .await
        .expect("within a minute")
}

struct World {
    address: SocketAddr,
    readiness: Readiness,
    shutdown: CancellationToken,
    server: JoinHandle<Result<(), Error>>,
}

impl World {
    async fn start() -> Self {
        let listener = bind("127.0.0.1:0".parse().unwrap(), "http").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (readiness, shutdown) = (Readiness::new(), CancellationToken::new());
        let handle = telemetry::metrics().unwrap();
        let serving = http::serve(
            listener,
            handle,
            readiness.clone(),
            BTreeMap::new(),
            shutdown.clone(),
        );
        let server = task::spawn("http", serving);
        Self {
            address,
            readiness,
            shutdown,
            server,
        }
    }

    /// The status line's code, and the body.
    async fn get(&self, path: &str) -> (u16, String) {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        let request = format!("GET {path} HTTP/1.1\r\nhost: test\r\nconnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        soon(stream.read_to_string(&mut answer)).await.unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        (
            head.split(' ').nth(1).unwrap().parse().unwrap(),
            body.to_owned(),
        )
    }

    async fn stop(self) {
        self.shutdown.cancel();
        soon(self.server).await.unwrap().unwrap();
    }
}

#[tokio::test]
async fn alive_whether_ready_or_not() {
    let world = World::start().await;
    assert_eq!(world.get("/healthz").await, (200, "ok\n".to_owned()));
    assert_eq!(world.get("/nothing").await.0, 404);
    world.stop().await;
}

#[tokio::test]
async fn readiness_shows_every_component() {
    let world = World::start().await;
    let nobody = world.get("/readyz").await;
    assert_eq!(
        nobody,
        (503, r#"{"components":{},"ready":false}"#.to_owned())
    );

    let ingest = world.readiness.component("ingest");
    let (status, body) = world.get("/readyz").await;
    let body: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(status, 503);
    let starting = json!({ "ingest": { "ready": false, "reason": "starting" } });
    assert_eq!(body, json!({ "ready": false, "components": starting }));

    ingest.set_ready();
    let (status, body) = world.get("/readyz").await;
    let body: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(status, 200);
    assert_eq!(
        body,
        json!({ "ready": true, "components": { "ingest": { "ready": true } } })
    );

    ingest.set_not_ready("disk full");
    let (status, body) = world.get("/readyz").await;
    assert_eq!(status, 503);
    assert!(body.contains(r#""reason":"disk full""#), "{body}");
    world.stop().await;
}

#[tokio::test]
async fn metrics_are_prometheus_text() {
    let world = World::start().await;
    metrics::counter!("apples_total").increment(3);
    metrics::histogram!("peeling_seconds").record(0.02);
    let (status, body) = world.get("/metrics").await;
    assert_eq!(status, 200);
    assert!(body.contains("apples_total 3"), "{body}");
    assert!(
        body.contains(r#"peeling_seconds_bucket{le="0.025"} 1"#),
        "{body}"
    );
    world.stop().await;
}

#[tokio::test]
async fn a_half_sent_request_does_not_keep_it_from_stopping() {
    let world = World::start().await;
    let mut stream = TcpStream::connect(world.address).await.unwrap();
    stream
        .write_all(b"GET /healthz HTTP/1.1\r\n")
        .await
        .unwrap();
    assert_eq!(world.get("/healthz").await.0, 200);
    world.stop().await;
}
