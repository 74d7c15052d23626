//! Reports over gRPC and over NATS, each sent again under its own id until it is acknowledged.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use tiendo_tests::fact::{batch, quota, report, request};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tonic::Code;
use uuid::Uuid;
use wire::message::{of_json, to_json};
use wire::v1;
use wire::v1::ingest_service_client::IngestServiceClient;

use super::plan::PATIENCE;
use super::services::Services;

const RECORD: &str = "tiendo.v1.khanh-hoa.sys.ingest.record";
/// Those that report over gRPC, those over NATS, and one that assigns quotas that are missed, so that there are alerts.
const WRITERS: [Way; 6] = [
    Way::Grpc,
    Way::Grpc,
    Way::Grpc,
    Way::Nats,
    Way::Nats,
    Way::Batch,
];
/// Between two reports of one writer, so that a long run stays a log that can be looked at whole.
const PACE: Duration = Duration::from_millis(40);
/// No request takes longer to be acknowledged, whatever happens meanwhile.
const ACKNOWLEDGED_MAX: Duration = PATIENCE;
/// Moments of one district, to the hour, from 1 May 2023 on.
const HOURS: usize = 60 * 24;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Grpc,
    Nats,
    Batch,
}

/// A request that was acknowledged.
#[derive(Debug, Clone)]
pub(crate) struct Acknowledged {
    pub(crate) request_id: String,
    pub(crate) first: u64,
    pub(crate) last: u64,
}

/// Where there is something to report.
pub(crate) struct Places {
    pub(crate) districts: Vec<String>,
    pub(crate) communes: Vec<String>,
}

/// Those who report.
pub(crate) struct Load {
    writers: JoinSet<Result<Vec<Acknowledged>>>,
    stop: watch::Sender<bool>,
}

impl Load {
    /// Begins.
    pub(crate) fn start(
        services: &Services,
        nats: &async_nats::Client,
        places: Places,
    ) -> Result<Self> {
        let (stop, stopped) = watch::channel(false);
        let (places, mut writers) = (Arc::new(places), JoinSet::new());
        for (number, way) in WRITERS.into_iter().enumerate() {
            let writer = Writer {
                number,
                way,
                ingest: services.ingest()?,
                nats: nats.clone(),
                places: Arc::clone(&places),
            };
            writers.spawn(writer.write(stopped.clone()));
        }
        Ok(Self { writers, stop })
    }

    /// Fails if one of them has ended.
    pub(crate) fn check(&mut self) -> Result<()> {
        match self.writers.try_join_next() {
            None => Ok(()),
            Some(ended) => bail!("a writer ended: {:?}", ended?.err()),
        }
    }

    /// Ends once every request that was sent is acknowledged.
    pub(crate) async fn end(mut self) -> Result<Vec<Acknowledged>> {
        self.stop.send_replace(true);
        let mut all = Vec::new();
        while let Some(ended) = self.writers.join_next().await {
            all.extend(ended??);
        }
        Ok(all)
    }
}

struct Writer {
    number: usize,
    way: Way,
    ingest: IngestServiceClient<tonic::transport::Channel>,
    nats: async_nats::Client,
    places: Arc<Places>,
}

impl Writer {
    async fn write(mut self, stopped: watch::Receiver<bool>) -> Result<Vec<Acknowledged>> {
        let mut acknowledged = Vec::new();
        let mut number = 0;
        while !*stopped.borrow() {
            let id = Uuid::now_v7().to_string();
            let receipt = self.acknowledged(&id, number).await;
            let receipt = receipt.with_context(|| format!("request {id} ({:?})", self.way))?;
            ensure!(receipt.request_id == id, "{receipt:?} for {id}");
            acknowledged.push(Acknowledged {
                request_id: id,
                first: receipt.first_position,
                last: receipt.last_position,
            });
            number += 1;
            let begun = Instant::now();
            while begun.elapsed() < PACE {
                tokio::time::sleep(PACE).await;
            }
        }
        Ok(acknowledged)
    }

    /// Sends it until somebody says that it was taken.
    async fn acknowledged(&mut self, id: &str, number: usize) -> Result<v1::Receipt> {
        let begun = Instant::now();
        while begun.elapsed() < ACKNOWLEDGED_MAX {
            if let Some(receipt) = self.send(id, number).await? {
                return Ok(receipt);
            }
            tokio::time::sleep(PACE).await;
        }
        bail!("not acknowledged within {ACKNOWLEDGED_MAX:?}")
    }

    /// The receipt, or none if nobody knows whether it was taken.
    async fn send(&mut self, id: &str, number: usize) -> Result<Option<v1::Receipt>> {
        match self.way {
            Way::Grpc => {
                let event = self.figure(id, number)?;
                match self.ingest.record(request(event)).await {
                    Ok(answer) => Ok(answer.into_inner().receipt),
                    Err(status) => again(status.code(), &status),
                }
            }
            Way::Nats => {
                let wanted = request(self.figure(id, number)?);
                let json = to_json("RecordRequest", &wanted)?.to_string();
                let Ok(answer) = self.nats.request(RECORD, json.into()).await else {
                    return Ok(None);
                };
                let said: serde_json::Value = serde_json::from_slice(&answer.payload)?;
                let headers = answer.headers.as_ref();
                match headers.and_then(|headers| headers.get("Nats-Service-Error-Code")) {
                    Some(code) => again(Code::from(code.as_str().parse::<i32>()?), &said),
                    None => Ok(of_json::<v1::RecordResponse>("RecordResponse", said)?.receipt),
                }
            }
            Way::Batch => {
                let mut wanted = batch(self.missed(id, number)?);
                id.clone_into(&mut wanted.request_id);
                match self.ingest.record_batch(wanted).await {
                    Ok(answer) => Ok(answer.into_inner().receipt),
                    Err(status) => again(status.code(), &status),
                }
            }
        }
    }

    /// A figure of one of the writer's districts, a little more than an hour before.
    fn figure(&self, id: &str, number: usize) -> Result<v1::Event> {
        let mine = self.places.districts.iter().skip(self.number);
        let mine: Vec<_> = mine.step_by(WRITERS.len()).collect();
        let (district, hour) = (mine[number % mine.len()], number / mine.len());
        ensure!(hour < HOURS, "no more hours to report of");
        let (month, day) = (5 + hour / 24 / 30, 1 + hour / 24 % 30);
        let moment = format!("2023-{month:02}-{day:02}T{:02}", hour % 24);
        let mut event = report(district, &moment, 100_000 + i64::try_from(hour)? * 10);
        id.clone_into(&mut event.request_id);
        Ok(event)
    }

    /// A quota of a commune that was missed: two events, and a case. Once all communes have one, a figure.
    fn missed(&self, id: &str, number: usize) -> Result<Vec<v1::Event>> {
        let Some(commune) = self.places.communes.get(number) else {
            return Ok(vec![self.figure(id, number - self.places.communes.len())?]);
        };
        Ok(vec![
            quota(commune, 1_000, "2023-05-01", "2023-06-30"),
            report(commune, "2023-07-28", 400),
        ])
    }
}

/// What may pass is sent again; a refusal is a fault.
fn again(code: Code, said: &dyn std::fmt::Debug) -> Result<Option<v1::Receipt>> {
    match code {
        Code::Unavailable
        | Code::ResourceExhausted
        | Code::DeadlineExceeded
        | Code::Cancelled
        | Code::Aborted
        | Code::Unknown => Ok(None),
        _ => bail!("refused with {code}: {said:?}"),
    }
}
