//! What `GetLedger` tells of the bus: what it lacks, since when, and what is in the way.

#![expect(clippy::unwrap_used, reason = "a test panics")]

use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bus::server::{Launch, Search, Server, obtain};
use host::grpc::Limits;
use host::{CancellationToken, Readiness, SystemClock};
use tokio::net::TcpListener;
use tokio::time::timeout;
use tonic::transport::Channel;
use wire::v1;
use wire::v1::event::Body;
use wire::v1::ingest_service_client::IngestServiceClient;

/// No condition takes longer than this.
const PATIENCE: Duration = Duration::from_secs(40);

#[expect(clippy::disallowed_methods, reason = "a test is its own `main`")]
fn binary() -> PathBuf {
    let cache = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/tools");
    let search = Search {
        explicit: None,
        path: std::env::var_os("PATH"),
        cache,
    };
    obtain(&search).unwrap()
}

async fn server(store: &Path, port: u16) -> Server {
    let binary = tokio::task::spawn_blocking(binary).await.unwrap();
    let launch = Launch::new(binary, store.to_owned(), port);
    Server::start(launch).await.unwrap()
}

fn ward(code: &str) -> v1::Event {
    let body = v1::LocalityRegistered {
        locality: Some(v1::LocalityRef {
            code: code.to_owned(),
            since: "2023-04-10".to_owned(),
        }),
        name: Some(v1::Name {
            vi: format!("Phường {code}"),
            en: String::new(),
        }),
        source: Some(v1::Source {
            title: "Danh mục đơn vị hành chính".to_owned(),
            url: String::new(),
        }),
        ..v1::LocalityRegistered::default()
    };
    v1::Event {
        actor: Some(v1::Actor {
            organisation: "UBND".to_owned(),
            office: "Tổ".to_owned(),
        }),
        effective: "2023-04-10".to_owned(),
        body: Some(Body::LocalityRegistered(body)),
        ..v1::Event::default()
    }
}

/// Asks until the answer is what is waited for.
async fn told(
    client: &mut IngestServiceClient<Channel>,
    is: impl Fn(&v1::GetLedgerResponse) -> bool,
) -> v1::GetLedgerResponse {
    let asked = async {
        loop {
            let answer = client.get_ledger(v1::GetLedgerRequest {}).await.unwrap();
            let answer = answer.into_inner();
            if is(&answer) {
                return answer;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(PATIENCE, asked).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_ledger_tells_what_the_bus_lacks_and_what_is_in_the_way() {
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().join("nats");
    let bus = server(&store, 0).await;
    let (url, port) = (bus.url(), bus.port());
    bus.stop().await.unwrap();

    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let config = ingest::Config {
        data: folder.path().join("ingest"),
        ledger: "story".to_owned(),
        nats: url.into(),
        stream_replicas: 1,
        limits: Limits::standard(),
        queue_requests_max: 64,
        queue_bytes_max: 1 << 20,
        grace: Duration::from_secs(10),
    };
    let service = ingest::build(config, Arc::new(SystemClock)).unwrap();
    let shutdown = CancellationToken::new();
    let run = service.run(listener, Readiness::new(), shutdown.clone());
    let serving = host::task::spawn("ingest", run);
    let channel = Channel::from_shared(address).unwrap();
    let mut client = IngestServiceClient::new(channel.connect().await.unwrap());
    let wards = v1::RecordBatchRequest {
        events: ["00001", "00004", "00006"].map(ward).into(),
        ..v1::RecordBatchRequest::default()
    };
    client.record_batch(wards).await.unwrap();

    let waits = told(&mut client, |ledger| !ledger.trouble.is_empty()).await;
    assert!(waits.trouble.starts_with("BUS_UNREACHABLE: "), "{waits:?}");
    assert_eq!((waits.head, waits.published), (3, 0));
    assert_eq!(waits.behind_positions, 3);
    // It is the first of them that waits, and longer each time.
    let seconds = waits.behind_seconds.unwrap();
    let longer = told(&mut client, |ledger| {
        ledger.behind_seconds.unwrap() > seconds + 0.02
    });
    assert!(longer.await.alarm.is_empty());

    let bus = server(&store, port).await;
    let whole = told(&mut client, |ledger| ledger.published == 3).await;
    assert_eq!(whole.behind_positions, 0);
    assert_eq!(whole.behind_seconds, Some(0.0));
    assert_eq!(whole.trouble, "", "it is over");

    shutdown.cancel();
    drop(client);
    timeout(PATIENCE, serving).await.unwrap().unwrap().unwrap();
    bus.stop().await.unwrap();
}
