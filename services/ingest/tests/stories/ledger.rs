//! What `GetLedger` tells of the bus: what it lacks, since when, and what is in the way; and what is acknowledged as replicated.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use bus::server::{Launch, Search, Server, obtain};
use tokio::time::timeout;
use tonic::transport::Channel;
use wire::v1;
use wire::v1::event::Body;
use wire::v1::ingest_service_client::IngestServiceClient;
use wire::v1::record_stream_response::Outcome;

use crate::common::{PATIENCE, World};

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

    let mut world = World::on(folder.path(), url).await;
    let client = &mut world.client;
    let wards = v1::RecordBatchRequest {
        events: ["00001", "00004", "00006"].map(ward).into(),
        ..v1::RecordBatchRequest::default()
    };
    client.record_batch(wards).await.unwrap();

    let waits = told(client, |ledger| !ledger.trouble.is_empty()).await;
    assert!(waits.trouble.starts_with("BUS_UNREACHABLE: "), "{waits:?}");
    assert_eq!((waits.head, waits.published), (3, 0));
    assert_eq!(waits.behind_positions, 3);
    // It is the first of them that waits, and longer each time.
    let seconds = waits.behind_seconds.unwrap();
    let longer = told(client, |ledger| {
        ledger.behind_seconds.unwrap() > seconds + 0.02
    });
    assert!(longer.await.alarm.is_empty());

    let bus = server(&store, port).await;
    let whole = told(client, |ledger| ledger.published == 3).await;
    assert_eq!(whole.behind_positions, 0);
    assert_eq!(whole.behind_seconds, Some(0.0));
    assert_eq!(whole.trouble, "", "it is over");

    world.stop().await;
    bus.stop().await.unwrap();
}

/// The code and the reason of a refusal.
fn refusal(status: &tonic::Status) -> (tonic::Code, String) {
    use tonic_types::StatusExt as _;
    let info = status.get_details_error_info();
    (
        status.code(),
        info.map(|info| info.reason).unwrap_or_default(),
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_to_be_replicated_is_acknowledged_once_the_bus_has_it() {
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().join("nats");
    let bus = server(&store, 0).await;
    let (url, port) = (bus.url(), bus.port());
    bus.stop().await.unwrap();
    let mut world = World::on(folder.path(), url).await;
    let client = &mut world.client;
    let wards = |codes: &[&str], level: i32| {
        let mut request = tonic::Request::new(v1::RecordBatchRequest {
            request_id: "0192f0c1-0000-7000-8000-000000000001".to_owned(),
            events: codes.iter().map(|code| ward(code)).collect(),
            acknowledgement: level,
            ..v1::RecordBatchRequest::default()
        });
        request.set_timeout(Duration::from_secs(2));
        request
    };
    let replicated = v1::Acknowledgement::Replicated as i32;

    // Without a bus it is on record, and nobody is told that it outlives this disk; asked again it is the same.
    for _ in 0..2 {
        let begun = Instant::now();
        let refused = loop {
            let asked = wards(&["00001", "00004"], replicated);
            let refused = client.record_batch(asked).await.unwrap_err();
            // On a machine with much else to do the answer may come too late for a caller of 2 s.
            if refused.code() != tonic::Code::Cancelled {
                break refused;
            }
            assert!(begun.elapsed() < PATIENCE, "{refused:?}");
        };
        let unavailable = (tonic::Code::Unavailable, "NOT_REPLICATED".to_owned());
        assert_eq!(refusal(&refused), unavailable, "{refused:?}");
        assert!(
            refused.message().contains("positions 1 to 2"),
            "{refused:?}"
        );
    }
    let local = client
        .record_batch(wards(&["00001", "00004"], 0))
        .await
        .unwrap();
    assert!(local.into_inner().receipt.unwrap().repeated);
    let unknown = client
        .record_batch(wards(&["00001", "00004"], 7))
        .await
        .unwrap_err();
    assert_eq!(unknown.code(), tonic::Code::InvalidArgument);
    let ledger = told(client, |_| true).await;
    assert_eq!((ledger.head, ledger.published), (2, 0));

    // Whoever waits is answered when the bus is back, with the old receipt.
    let mut patient = wards(&["00001", "00004"], replicated);
    patient.set_timeout(PATIENCE);
    let mut other = client.clone();
    let waiting = host::task::spawn("waiting", async move { other.record_batch(patient).await });
    let bus = server(&store, port).await;
    let answer = timeout(PATIENCE, waiting).await.unwrap().unwrap();
    let receipt = answer.unwrap().into_inner().receipt.unwrap();
    assert_eq!((receipt.first_position, receipt.last_position), (1, 2));
    assert!(receipt.repeated);
    assert_eq!(told(client, |_| true).await.published, 2);

    // In a stream, and for one event, as well.
    let batch = v1::RecordStreamRequest {
        events: vec![ward("00006")],
        acknowledgement: replicated,
        ..v1::RecordStreamRequest::default()
    };
    let answers = client.record_stream(tokio_stream::once(batch)).await;
    let answer = answers
        .unwrap()
        .into_inner()
        .message()
        .await
        .unwrap()
        .unwrap();
    let is_recorded = matches!(answer.outcome, Some(Outcome::Recorded(_)));
    assert!(is_recorded, "{:?}", answer.outcome);
    assert_eq!(told(client, |_| true).await.published, 3);
    let one = v1::RecordRequest {
        event: Some(ward("00008")),
        acknowledgement: replicated,
        ..v1::RecordRequest::default()
    };
    let one = client.record(one).await.unwrap().into_inner();
    assert_eq!(one.receipt.unwrap().last_position, 4);
    assert_eq!(told(client, |_| true).await.published, 4);

    world.stop().await;
    bus.stop().await.unwrap();
}
