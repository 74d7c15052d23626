//! What is recorded meanwhile: a figure that is read right after it, and many at once.
//!
//! A new figure speaks of an hour of the first day, when no other does, so it changes no answer to any [`super::question::Question`], which are about whole days.

use std::sync::Arc;
use std::time::{Duration, Instant};

use domain::text::Moment;
use host::{Clock as _, SystemClock};
use tonic::transport::Channel;
use uuid::Uuid;
use wire::v1;
use wire::v1::ingest_service_client::IngestServiceClient;
use wire::v1::query_service_client::QueryServiceClient;

use super::goal::Goal;
use super::measure::{Pace, Row};
use super::question::Plan;
use crate::Failure;
use crate::client::Clients;
use crate::command::bench::sample::source;
use crate::endpoints::Endpoints;
use crate::fail::FAILED;
use crate::lang::Lang;

/// Events of a request where many are recorded.
const BATCH: u64 = 1_000;
/// Hours of the first day; the last is left to the figures of the whole day.
const HOURS: u64 = 23;
/// The count of the first figure; each later one counts one more, so that none is taken for another.
const COUNT_FIRST: u64 = 1_000;

/// Somebody who records, and reads what was recorded.
pub(super) trait Records {
    /// Records the n-th new figure and reads it once that is acknowledged; how long each took.
    ///
    /// # Errors
    /// What is refused, and an answer that is not what was recorded.
    async fn record_and_read(&mut self, n: u64) -> Result<[Duration; 2], Failure>;
}

/// What the n-th new figure says.
pub(super) struct Fresh<'p> {
    pub(super) commune: &'p str,
    pub(super) indicator: &'p str,
    pub(super) moment: Moment,
    pub(super) count: u64,
}

impl Plan {
    /// The n-th new figure.
    pub(super) fn fresh(&self, n: u64) -> Fresh<'_> {
        let (communes, indicators) = (self.communes.len() as u64, self.indicators.len() as u64);
        let (place, rest) = (n % communes, n / communes);
        let hour = (rest / indicators % HOURS) as u8;
        Fresh {
            commune: &self.communes[place as usize],
            indicator: &self.indicators[(rest % indicators) as usize],
            moment: Moment::at_hour(self.first, hour).unwrap_or(Moment::end_of(self.first)),
            count: COUNT_FIRST + n,
        }
    }
}

impl Fresh<'_> {
    fn event(&self) -> v1::Event {
        let number = v1::quantity::Number::Count(self.count.cast_signed());
        let reported = v1::ProgressReported {
            locality: Some(v1::LocalityRef {
                code: self.commune.to_owned(),
                since: String::new(),
            }),
            indicator: self.indicator.to_owned(),
            // About so many: an exact count would have to fit those of the days around it.
            value: Some(v1::Quantity {
                number: Some(number),
                bound: v1::Bound::About as i32,
            }),
            source: Some(source(1, self.moment.date())),
            ..Default::default()
        };
        v1::Event {
            actor: Some(v1::Actor {
                organisation: "Công an tỉnh Khánh Hòa".to_owned(),
                office: "Tổ công tác Đề án 06".to_owned(),
            }),
            effective: self.moment.to_string(),
            body: Some(v1::event::Body::ProgressReported(reported)),
            ..Default::default()
        }
    }
}

/// A client of ingest and projection.
pub(super) struct Recorder {
    ingest: IngestServiceClient<Channel>,
    query: QueryServiceClient<Channel>,
    plan: Arc<Plan>,
    lang: Lang,
}

impl Recorder {
    /// A client with a connection to each of both.
    pub(super) async fn connect(
        ingest: &str,
        projection: &str,
        plan: &Arc<Plan>,
        lang: Lang,
    ) -> Result<Self, Failure> {
        let clients = Clients::new(Endpoints {
            ingest: ingest.to_owned(),
            projection: projection.to_owned(),
            ..Endpoints::default()
        });
        Ok(Self {
            ingest: clients.ingest().await?,
            query: clients.query().await?,
            plan: Arc::clone(plan),
            lang,
        })
    }
}

/// Records new figures from the `first` one on, many in a request.
pub(super) async fn record_many(
    ingest: &str,
    plan: &Plan,
    (first, count): (u64, u64),
    lang: Lang,
) -> Result<(), Failure> {
    let clients = Clients::new(Endpoints {
        ingest: ingest.to_owned(),
        ..Endpoints::default()
    });
    let mut ingest = clients.ingest().await?;
    let end = first + count;
    for begin in (first..end).step_by(BATCH as usize) {
        let some = begin..end.min(begin + BATCH);
        let request = v1::RecordBatchRequest {
            request_id: request_id(),
            events: some.map(|n| plan.fresh(n).event()).collect(),
            ..Default::default()
        };
        let recorded = ingest.record_batch(request).await;
        recorded.map_err(|status| Failure::status(&status, lang))?;
    }
    Ok(())
}

/// A UUIDv7 of now.
fn request_id() -> String {
    let now = SystemClock.now();
    let seconds = u64::try_from(now.as_second()).unwrap_or_default();
    let nanos = u32::try_from(now.subsec_nanosecond()).unwrap_or_default();
    let timestamp = uuid::Timestamp::from_unix(uuid::NoContext, seconds, nanos);
    Uuid::new_v7(timestamp).to_string()
}

impl Records for Recorder {
    async fn record_and_read(&mut self, n: u64) -> Result<[Duration; 2], Failure> {
        let lang = self.lang;
        let told = |status: tonic::Status| Failure::status(&status, lang);
        let fresh = self.plan.fresh(n);
        let mut event = fresh.event();
        event.request_id = request_id();
        let request = v1::RecordRequest {
            event: Some(event),
            ..Default::default()
        };
        let begun = Instant::now();
        let recorded = self.ingest.record(request).await.map_err(told)?;
        let writing = begun.elapsed();
        let receipt = recorded.into_inner().receipt.unwrap_or_default();
        let request = v1::RollUpIndicatorRequest {
            indicator: fresh.indicator.to_owned(),
            code: fresh.commune.to_owned(),
            at: Some(v1::ReadAt {
                as_of: fresh.moment.to_string(),
                min_position: receipt.last_position,
                ..Default::default()
            }),
            ..Default::default()
        };
        let begun = Instant::now();
        let sum = self.query.roll_up_indicator(request).await.map_err(told)?;
        let reading = begun.elapsed();
        let count = sum.into_inner().value.and_then(|value| value.number);
        if count != Some(v1::quantity::Number::Count(fresh.count.cast_signed())) {
            let text = format!(
                "position {} was recorded and is not what is read right after it",
                receipt.last_position
            );
            return Err(Failure::new(FAILED, text));
        }
        Ok([writing, reading])
    }
}

/// How long a write takes, and beyond it the read of what was written.
pub(super) struct Rows {
    pub(super) writes: Row,
    pub(super) reads: Row,
    next: u64,
}

impl Rows {
    /// Rows of one client, whose first figure is the n-th.
    pub(super) fn new(of: &str, first: u64) -> Self {
        let row = |name| Row::asked(format!("{of}{name}"), 1, Pace::Closed);
        Self {
            writes: row("write"),
            reads: row("read after it"),
            next: first,
        }
    }

    /// Records and reads for so long; round 0 warms up and is not told.
    pub(super) async fn round(
        &mut self,
        client: &mut impl Records,
        round: usize,
        each: Duration,
    ) -> Result<(), Failure> {
        let (mut writes, mut reads) = (Vec::new(), Vec::new());
        let begun = Instant::now();
        while begun.elapsed() < each || writes.is_empty() {
            let [writing, reading] = client.record_and_read(self.next).await?;
            self.next += 1;
            writes.push(writing);
            reads.push(reading);
        }
        if round > 0 {
            // Each is told as if it were all that was done.
            for (row, took) in [(&mut self.writes, writes), (&mut self.reads, reads)] {
                let all = took.iter().sum();
                row.took(took, all);
            }
        }
        Ok(())
    }

    /// Both rows, held beside those of whoever is beside us, and against the goal.
    pub(super) fn told(mut self, other: Option<(Self, &str)>) -> Vec<Row> {
        self.reads.aim(Goal::read_after_write(self.reads.p99_us()));
        let Some((other, peer)) = other else {
            return vec![self.writes, self.reads];
        };
        self.writes.beside(&other.writes, peer);
        self.reads.beside(&other.reads, peer);
        vec![self.writes, other.writes, self.reads, other.reads]
    }
}
