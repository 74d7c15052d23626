//! `tiendo bench alert`: how long after a figure was recorded its alert is at a subscriber.
//!
//! Ingest and alerting run in this process, on a nats-server of their own: two logs that sync, two relays, and a plain subscriber.
//! Each figure tells of a place whose deadline is over: the first is short of its quota and opens a case, the second reaches it and clears the case, so every figure has an alert.
//! Figures come at their time, one for each place before the next round of places.
//! An alert's clock starts when the figure was acknowledged, which is when its event is durable; beside it stands the time since the request was sent.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use domain::text::Moment;
use futures::StreamExt as _;
use host::{CancellationToken, Readiness, SystemClock, Today};
use jiff::civil::{Date, date};
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tonic::transport::Channel;
use wire::v1;
use wire::v1::event::Body;
use wire::v1::ingest_service_client::IngestServiceClient;

use super::append::Own;
use super::query::{Bus, Goal, Pace, Row, show};
use super::sample::{Sampler, against, exactly, source};
use super::{LEDGER, failed, nats_server, say, temporary};
use crate::cli::{BenchAlert, Sinks};
use crate::client::Clients;
use crate::dataset::Set;
use crate::endpoints::Endpoints;
use crate::fail::{FAILED, USAGE};
use crate::output::Output;
use crate::serve::{alerting_config, bind, delivery, url};
use crate::{Failure, Surroundings};

/// The days a figure of each round speaks of, behind the deadline.
const DAYS: [Date; 2] = [date(2025, 8, 20), date(2025, 8, 21)];
const START: &str = "2025-07-01";
const DEADLINE: &str = "2025-08-15";
const PEOPLE: u64 = 1_000;
/// What each figure of a place says: short of the quota, and all of it.
const COUNTS: [u64; 2] = [850, PEOPLE];
const INDICATOR: &str = "eid.activated";
/// Quotas of one request.
const BATCH: usize = 500;
/// Longest wait for the last alerts, and for alerting to have read everything.
const WAIT_MAX: Duration = Duration::from_secs(60);

/// An alert's position of the ledger, and when it came.
type Arrival = (u64, Instant);

/// Measures and prints.
pub(super) async fn run(
    options: BenchAlert,
    surroundings: Surroundings,
    output: Output,
) -> Result<(), Failure> {
    if options.places == 0 || options.rate == 0 {
        return Err(Failure::new(USAGE, "--places and --rate are at least 1"));
    }
    let binary = nats_server(&options.nats, surroundings).await?;
    let below = temporary(options.directory.clone())?;
    let bench = Bench::start(below.path(), binary, &options, output).await?;
    let measured = bench.measure(&options, output).await;
    bench.stop().await?;
    let (behind, whole) = measured?;
    let pace = Pace::Rate(options.rate);
    let mut event = Row::asked("alert behind its event".to_owned(), 1, pace);
    event.took(behind, elapsed(&options));
    event.aim(Goal::alert(event.p99_us()));
    let mut request = Row::asked("alert behind the request".to_owned(), 1, pace);
    request.took(whole, elapsed(&options));
    let head = output.lang.pick(
        "Từ lúc số liệu được ghi bền đến lúc cảnh báo tới người nhận, qua NATS",
        "From a figure's being durable to its alert at a subscriber, over NATS",
    );
    show(
        &[event, request],
        json!({ "places": options.places }),
        head,
        output,
    )
}

fn elapsed(options: &BenchAlert) -> Duration {
    Duration::from_secs_f64((options.places * DAYS.len()) as f64 / f64::from(options.rate))
}

/// The services, and who listens.
struct Bench {
    bus: Bus,
    own: Own,
    alerting: JoinHandle<Result<(), alerting::Error>>,
    stop: CancellationToken,
    communes: Vec<String>,
}

impl Bench {
    /// Starts everything, with a quota for each place, and waits until alerting has judged them.
    async fn start(
        below: &Path,
        binary: PathBuf,
        options: &BenchAlert,
        output: Output,
    ) -> Result<Self, Failure> {
        let bus = Bus::start(binary, LEDGER, 0).await?;
        let own = Own::start(&below.join("ingest"), LEDGER, &bus.url()).await?;
        let mut ingest = client(&own).await?;
        let sets = [Set::Gazetteer, Set::Catalogue];
        crate::load::load(&mut ingest, &sets, output.lang).await?;
        let communes: Vec<String> = Sampler::new()?.communes().take(options.places).collect();
        say(output, "đang giao chỉ tiêu", "assigning quotas");
        for some in communes.chunks(BATCH) {
            let request = v1::RecordBatchRequest {
                events: some.iter().map(|commune| quota(commune)).collect(),
                ..Default::default()
            };
            recorded(ingest.record_batch(request).await, output)?;
        }
        let (data, stop) = (below.join("alerting"), CancellationToken::new());
        std::fs::create_dir(&data)?;
        let nobody = delivery(&Sinks::default(), output.lang)?;
        let config = alerting_config(&data, LEDGER, bus.url(), &own.address, Today::Real, nobody);
        let service = alerting::build(config, Arc::new(SystemClock)).map_err(failed)?;
        let listener = bind(0, "bench").await?;
        let address = url(&listener)?;
        let run = service.run(listener, Readiness::new(), stop.clone());
        let alerting = host::task::spawn("bench-alerting", run);
        let bench = Self {
            bus,
            own,
            alerting,
            stop,
            communes,
        };
        bench.judged(address, output).await?;
        Ok(bench)
    }

    /// Waits until alerting has judged the newest event.
    async fn judged(&self, address: String, output: Output) -> Result<(), Failure> {
        let ledger = client(&self.own)
            .await?
            .get_ledger(v1::GetLedgerRequest {})
            .await;
        let head = ledger.map_err(|status| Failure::status(&status, output.lang))?;
        let clients = Clients::new(Endpoints {
            alerting: address,
            ..Endpoints::default()
        });
        let mut alerting = clients.alerting().await?;
        let request = v1::ListCasesRequest {
            code: self.communes.first().cloned().unwrap_or_default(),
            min_position: head.into_inner().head,
            ..Default::default()
        };
        let begun = Instant::now();
        loop {
            match alerting.list_cases(request.clone()).await {
                Ok(_) => return Ok(()),
                Err(status) if begun.elapsed() > WAIT_MAX => {
                    return Err(Failure::status(&status, output.lang));
                }
                Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
            }
        }
    }

    /// Records every figure at its time; gives how long each alert came after its event, and after its request.
    async fn measure(
        &self,
        options: &BenchAlert,
        output: Output,
    ) -> Result<(Vec<Duration>, Vec<Duration>), Failure> {
        let (arrivals, mut arrived) = mpsc::unbounded_channel();
        let connection = self.bus.connect().await?;
        let subject = format!("tiendo.v1.{}.>", alerting::alerts_ledger(LEDGER));
        let mut messages = connection.client.subscribe(subject).await.map_err(failed)?;
        connection.client.flush().await.map_err(failed)?;
        let listening = host::task::spawn("bench-subscriber", async move {
            while let Some(message) = messages.next().await {
                let came = Instant::now();
                if let Some(position) = position(&message.payload) {
                    let _ = arrivals.send((position, came));
                }
            }
        });
        let mut ingest = client(&self.own).await?;
        say(output, "đang đo", "measuring");
        let (mut sent, due) = (HashMap::new(), Duration::from_secs(1) / options.rate);
        let mut next = tokio::time::Instant::now();
        for (day, count) in DAYS.into_iter().zip(COUNTS) {
            for commune in &self.communes {
                tokio::time::sleep_until(next).await;
                next += due;
                let request = v1::RecordRequest {
                    event: Some(figure(commune, day, count)),
                    ..Default::default()
                };
                let begun = Instant::now();
                let receipt = recorded(ingest.record(request).await, output)?.receipt;
                let position = receipt.map_or(0, |receipt| receipt.last_position);
                sent.insert(position, (begun, Instant::now()));
            }
        }
        let took = gather(&mut arrived, sent).await;
        listening.abort();
        took
    }

    async fn stop(self) -> Result<(), Failure> {
        self.stop.cancel();
        self.alerting.await.map_err(failed)?.map_err(failed)?;
        self.own.stop().await?;
        self.bus.stop().await
    }
}

async fn client(own: &Own) -> Result<IngestServiceClient<Channel>, Failure> {
    let clients = Clients::new(Endpoints {
        ingest: own.address.clone(),
        ..Endpoints::default()
    });
    clients.ingest().await
}

fn recorded<T>(
    answer: Result<tonic::Response<T>, tonic::Status>,
    output: Output,
) -> Result<T, Failure> {
    let answer = answer.map_err(|status| Failure::status(&status, output.lang))?;
    Ok(answer.into_inner())
}

/// The position of the ledger that an alert of the own log was judged at.
fn position(payload: &[u8]) -> Option<u64> {
    let envelope: Value = serde_json::from_slice(payload).ok()?;
    let about = envelope["data"].as_object()?.values();
    about
        .filter_map(|about| about["verdict"]["position"].as_u64())
        .next()
}

/// Waits for an alert of every figure; gives how long the first of each came after its event, and after its request.
async fn gather(
    arrived: &mut mpsc::UnboundedReceiver<Arrival>,
    mut sent: HashMap<u64, (Instant, Instant)>,
) -> Result<(Vec<Duration>, Vec<Duration>), Failure> {
    let (mut behind, mut whole) = (Vec::new(), Vec::new());
    while !sent.is_empty() {
        let Ok(Some((position, came))) = timeout(WAIT_MAX, arrived.recv()).await else {
            let text = format!("{} figures have no alert", sent.len());
            return Err(Failure::new(FAILED, text));
        };
        if let Some((begun, durable)) = sent.remove(&position) {
            behind.push(came.saturating_duration_since(durable));
            whole.push(came.saturating_duration_since(begun));
        }
    }
    Ok((behind, whole))
}

fn event(effective: &str, body: Body) -> v1::Event {
    v1::Event {
        actor: Some(v1::Actor {
            organisation: "Công an tỉnh Khánh Hòa".to_owned(),
            office: "Tổ công tác Đề án 06".to_owned(),
        }),
        effective: effective.to_owned(),
        body: Some(body),
        ..Default::default()
    }
}

fn place(commune: &str) -> Option<v1::LocalityRef> {
    let (code, since) = (commune.to_owned(), String::new());
    Some(v1::LocalityRef { code, since })
}

fn quota(commune: &str) -> v1::Event {
    let body = Body::QuotaAssigned(v1::QuotaAssigned {
        locality: place(commune),
        indicator: INDICATOR.to_owned(),
        layer: v1::QuotaLayer::Provincial as i32,
        denominator: Some(against("quota", PEOPLE)),
        start: START.to_owned(),
        deadline: DEADLINE.to_owned(),
        document: Some(v1::Document {
            issuer: "UBND tỉnh".to_owned(),
            ..v1::Document::default()
        }),
        ..Default::default()
    });
    event(START, body)
}

fn figure(commune: &str, day: Date, count: u64) -> v1::Event {
    let body = Body::ProgressReported(v1::ProgressReported {
        locality: place(commune),
        indicator: INDICATOR.to_owned(),
        value: Some(exactly(count)),
        source: Some(source(1, day)),
        ..Default::default()
    });
    event(&Moment::end_of(day).to_string(), body)
}
