//! How many events a second come in through gRPC and are durable: `cargo bench -p ingest`.
//!
//! Server and clients share this process and its cores.
//! `cargo bench -p ingest -- 8x100 64x1` runs only these cells: clients × events of a request.

#![expect(clippy::print_stdout, reason = "its result is what it prints")]

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use host::grpc::Limits;
use host::{CancellationToken, Readiness, SystemClock};
use tokio::net::TcpListener;
use tonic::transport::Channel;
use wire::v1;
use wire::v1::event::Body;
use wire::v1::ingest_service_client::IngestServiceClient;

/// How long each cell is measured.
const CELL: Duration = Duration::from_secs(3);
/// Communes that the figures speak of.
const COMMUNES: u64 = 300;
/// Indicators that the figures are of.
const INDICATORS: [&str; 4] = [
    "eid.collected",
    "eid.activated",
    "cccd.issued",
    "eid.activated-l2",
];

type Client = IngestServiceClient<Channel>;

#[tokio::main]
async fn main() {
    let words: Vec<String> = std::env::args()
        .skip(1)
        .filter(|word| !word.starts_with('-'))
        .collect();
    let directory = tempfile::tempdir().expect("a directory");
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .await
        .expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let config = ingest::Config {
        data: directory.path().join("ingest"),
        ledger: "bench".to_owned(),
        nats: "nats://127.0.0.1:1".into(),
        stream_replicas: 1,
        limits: Limits::standard(),
        queue_requests_max: 4_096,
        queue_bytes_max: 64 * 1024 * 1024,
        grace: Duration::from_secs(1),
    };
    let service = ingest::build(config, Arc::new(SystemClock)).expect("an empty log");
    let shutdown = CancellationToken::new();
    let serving = host::task::spawn(
        "ingest",
        service.run(listener, Readiness::new(), shutdown.clone()),
    );
    found(connect(&url).await).await;
    for (clients, events) in [(1, 1), (8, 1), (64, 1), (1, 100), (8, 100), (8, 1_000)] {
        let cell = format!("{clients}x{events}");
        if words.is_empty() || words.contains(&cell) {
            measure(&cell, &url, clients, events).await;
        }
    }
    shutdown.cancel();
    let _ = serving.await;
}

async fn connect(url: &str) -> Client {
    let channel = Channel::from_shared(url.to_owned()).expect("an address");
    IngestServiceClient::new(channel.connect().await.expect("a connection"))
}

async fn measure(cell: &str, url: &str, clients: u64, events: u64) {
    let recorded = Arc::new(AtomicU64::new(0));
    let begun = Instant::now();
    let mut tasks = Vec::new();
    for client in 0..clients {
        let ingest = connect(url).await;
        let recorded = Arc::clone(&recorded);
        tasks.push(host::task::spawn("client", async move {
            drive(ingest, client, events, begun, &recorded).await;
        }));
    }
    for task in tasks {
        task.await.expect("a client");
    }
    let seconds = begun.elapsed().as_secs_f64();
    let rate = recorded.load(Ordering::Relaxed) as f64 / seconds;
    println!("{cell:>8}  {rate:>9.0} events/s");
}

async fn drive(mut ingest: Client, client: u64, events: u64, begun: Instant, recorded: &AtomicU64) {
    let mut count = client * 1_000_000;
    while begun.elapsed() < CELL {
        let batch: Vec<v1::Event> = (count..count + events).map(report).collect();
        count += events;
        if events == 1 {
            let request = v1::RecordRequest {
                event: batch.into_iter().next(),
                ..v1::RecordRequest::default()
            };
            ingest.record(request).await.expect("recorded");
        } else {
            let request = v1::RecordBatchRequest {
                events: batch,
                ..v1::RecordBatchRequest::default()
            };
            ingest.record_batch(request).await.expect("recorded");
        }
        recorded.fetch_add(events, Ordering::Relaxed);
    }
}

fn event(effective: String, body: Body) -> v1::Event {
    v1::Event {
        request_id: String::new(),
        actor: Some(v1::Actor {
            organisation: "Công an tỉnh Khánh Hòa".to_owned(),
            office: "Tổ công tác Đề án 06".to_owned(),
        }),
        effective,
        body: Some(body),
        ..Default::default()
    }
}

fn name(vi: &str) -> Option<v1::Name> {
    Some(v1::Name {
        vi: vi.to_owned(),
        en: String::new(),
    })
}

fn source() -> Option<v1::Source> {
    Some(v1::Source {
        title: "Báo cáo tuần của Công an tỉnh Khánh Hòa về Đề án 06".to_owned(),
        url: "https://congan.khanhhoa.gov.vn/tin-tuc/de-an-06-12345".to_owned(),
    })
}

fn place(code: u64) -> Option<v1::LocalityRef> {
    Some(v1::LocalityRef {
        code: format!("{:05}", 20_000 + code),
        since: String::new(),
    })
}

fn quantity(count: u64) -> Option<v1::Quantity> {
    Some(v1::Quantity {
        number: Some(v1::quantity::Number::Count(count as i64)),
        bound: 0,
    })
}

fn report(n: u64) -> v1::Event {
    // Counts grow from day to day, and every client says the same of a day.
    let day = 1 + n / (4 * COMMUNES) % 28;
    let body = v1::ProgressReported {
        locality: place(n % COMMUNES),
        indicator: INDICATORS[(n / COMMUNES % 4) as usize].to_owned(),
        value: quantity(1_000 + 100 * day),
        denominator: Some(v1::Denominator {
            kind: "quota".to_owned(),
            value: quantity(100_000_000),
            derived: false,
        }),
        percent: String::new(),
        source: source(),
        note: String::new(),
        ..Default::default()
    };
    event(format!("2023-06-{day:02}"), Body::ProgressReported(body))
}

/// Communes and indicators, so that figures can speak of them.
async fn found(mut ingest: Client) {
    let communes = (0..COMMUNES).map(|code| {
        let mut locality = place(code);
        if let Some(locality) = &mut locality {
            locality.since = "2023-04-10".to_owned();
        }
        let body = v1::LocalityRegistered {
            locality,
            name: name("Phường Lộc Thọ"),
            source: source(),
            ..Default::default()
        };
        event("2023-04-10".to_owned(), Body::LocalityRegistered(body))
    });
    let indicators = INDICATORS.iter().map(|code| {
        let body = v1::IndicatorDefined {
            indicator: (*code).to_owned(),
            name: name("Tài khoản định danh điện tử"),
            family: "eid".to_owned(),
            kind: v1::IndicatorKind::Cumulative as i32,
            unit: name("tài khoản"),
            denominator: "quota".to_owned(),
        };
        event("2023-01-01".to_owned(), Body::IndicatorDefined(body))
    });
    let request = v1::RecordBatchRequest {
        events: communes.chain(indicators).collect(),
        ..v1::RecordBatchRequest::default()
    };
    ingest.record_batch(request).await.expect("recorded");
}
