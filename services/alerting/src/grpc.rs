//! `AlertingService`.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use domain::{IndicatorCode, LocalityCode, Reason, Violation};
use event_log::{Log, ReadLimit};
use futures::Stream;
use host::CancellationToken;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::metadata::MetadataMap;
use tonic::{Code, Request, Response, Status};
use wire::status::{invalid, unavailable, with_reason};
use wire::v1;

use crate::book;
use crate::desk::Desk;
use crate::judge::Filter;
use crate::origin::micros;

/// Longest wait for a position to be judged.
const WAIT_MAX: Duration = Duration::from_secs(10);
/// Left of a caller's deadline for the answer itself.
const ANSWER_TIME: Duration = Duration::from_millis(50);
/// After which time a caller who was ahead may try again.
const RETRY: Duration = Duration::from_millis(500);
/// Alerts in one message of a read.
const READ_ALERTS_MAX: usize = 500;
/// Bytes of payload in one message of a read.
const READ_BYTES_MAX: usize = 1024 * 1024;
/// Messages prepared for a reader that is slower than the log.
const READ_AHEAD: usize = 2;

pub(crate) struct AlertingApi {
    pub(crate) desk: Arc<Desk>,
    pub(crate) log: Log,
    /// Largest answer.
    pub(crate) message_bytes_max: usize,
    pub(crate) shutdown: CancellationToken,
}

impl AlertingApi {
    /// Waits until a position is judged, as long as the caller and the limit allow.
    async fn judged(&self, position: u64, metadata: &MetadataMap) -> Result<(), Status> {
        let mut progress = self.desk.progress();
        let reached = progress.wait_for(|progress| progress.position >= position);
        let wait = tokio::select! {
            wait = tokio::time::timeout(wait_max(metadata), reached) => wait.is_ok(),
            () = self.shutdown.cancelled() => false,
        };
        if wait {
            return Ok(());
        }
        let at = self.desk.progress().borrow().position;
        let message = format!("judged up to position {at}, not yet {position}");
        Err(unavailable("NOT_CAUGHT_UP", message, RETRY))
    }

    fn fits(&self, answer: &impl prost::Message) -> Result<(), Status> {
        let (bytes, max) = (answer.encoded_len(), self.message_bytes_max);
        if bytes <= max {
            return Ok(());
        }
        let message = format!("the answer has {bytes} bytes, more than {max}; ask for less of it");
        Err(with_reason(
            Code::ResourceExhausted,
            "ANSWER_TOO_LARGE",
            message,
        ))
    }
}

/// The caller's own deadline (`grpc-timeout`), if that is shorter than the limit.
fn wait_max(metadata: &MetadataMap) -> Duration {
    let timeout = metadata.get("grpc-timeout").and_then(|value| {
        let text = value.to_str().ok()?;
        let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
        let number: u64 = digits.parse().ok()?;
        Some(match unit {
            "H" => Duration::from_secs(number.saturating_mul(3_600)),
            "M" => Duration::from_secs(number.saturating_mul(60)),
            "S" => Duration::from_secs(number),
            "m" => Duration::from_millis(number),
            "u" => Duration::from_micros(number),
            _ => Duration::from_nanos(number),
        })
    });
    timeout.map_or(WAIT_MAX, |timeout| {
        timeout.saturating_sub(ANSWER_TIME).min(WAIT_MAX)
    })
}

/// A filter's code; empty means none.
fn code<T: std::str::FromStr>(field: &str, raw: &str) -> Result<Option<T>, Status>
where
    T::Err: std::fmt::Display,
{
    match raw.trim() {
        "" => Ok(None),
        text => text.parse().map(Some).map_err(|error: T::Err| {
            invalid(&[Violation::new(field, Reason::CodeFormat, error.to_string())])
        }),
    }
}

#[tonic::async_trait]
impl v1::alerting_service_server::AlertingService for AlertingApi {
    async fn list_verdicts(
        &self,
        request: Request<v1::ListVerdictsRequest>,
    ) -> Result<Response<v1::ListVerdictsResponse>, Status> {
        let filter = Filter {
            code: code::<LocalityCode>("code", &request.get_ref().code)?,
            indicator: code::<IndicatorCode>("indicator", &request.get_ref().indicator)?,
            lagging_only: request.get_ref().lagging_only,
        };
        self.judged(request.get_ref().min_position, request.metadata())
            .await?;
        let judge = self.desk.judge();
        let answer = v1::ListVerdictsResponse {
            verdicts: judge.verdicts(&filter),
            judged_for: judge.day().map_or_else(String::new, |day| day.to_string()),
            position: judge.position(),
        };
        self.fits(&answer)?;
        Ok(Response::new(answer))
    }

    async fn list_cases(
        &self,
        request: Request<v1::ListCasesRequest>,
    ) -> Result<Response<v1::ListCasesResponse>, Status> {
        let wanted = code::<LocalityCode>("code", &request.get_ref().code)?;
        let (concern, cleared) = (request.get_ref().concern, request.get_ref().include_cleared);
        self.judged(request.get_ref().min_position, request.metadata())
            .await?;
        let is_wanted = |case: &&v1::Case| {
            let opened = case.opened.as_ref();
            let place = opened.and_then(|verdict| verdict.locality.as_ref());
            (cleared || case.cleared_position == 0)
                && wanted.is_none_or(|code| place.is_some_and(|p| p.code == code.to_string()))
                && (concern == 0 || opened.is_some_and(|verdict| verdict.concern == concern))
        };
        let cases = self
            .desk
            .book()
            .cases()
            .filter(is_wanted)
            .cloned()
            .collect();
        let progress = *self.desk.progress().borrow();
        let answer = v1::ListCasesResponse {
            cases,
            judged_for: progress.day.map_or_else(String::new, |day| day.to_string()),
            position: progress.position,
        };
        self.fits(&answer)?;
        Ok(Response::new(answer))
    }

    type ReadAlertsStream =
        Pin<Box<dyn Stream<Item = Result<v1::ReadAlertsResponse, Status>> + Send>>;

    async fn read_alerts(
        &self,
        request: Request<v1::ReadAlertsRequest>,
    ) -> Result<Response<Self::ReadAlertsStream>, Status> {
        let reader = AlertReader {
            log: self.log.clone(),
            next: request.get_ref().from_position.max(1),
            follow: request.get_ref().follow,
            shutdown: self.shutdown.clone(),
        };
        let (answers, stream) = mpsc::channel(READ_AHEAD);
        host::task::spawn("alerts-reader", reader.run(answers));
        Ok(Response::new(Box::pin(ReceiverStream::new(stream))))
    }
}

type Answers = mpsc::Sender<Result<v1::ReadAlertsResponse, Status>>;

/// A reader's way through alerting's log.
struct AlertReader {
    log: Log,
    next: u64,
    follow: bool,
    shutdown: CancellationToken,
}

impl AlertReader {
    /// Sends what there is, then what comes, until the head, the shutdown, or the reader's leaving.
    async fn run(mut self, answers: Answers) {
        let mut head = self.log.watch_head();
        let durable = *head.borrow();
        if self.next > durable {
            // Nothing to send yet: the head tells the reader that it has caught up.
            let marker = v1::ReadAlertsResponse {
                alerts: Vec::new(),
                head: durable,
            };
            if answers.send(Ok(marker)).await.is_err() {
                return;
            }
        }
        loop {
            let durable = *head.borrow_and_update();
            while self.next <= durable && !self.shutdown.is_cancelled() {
                let (log, from) = (self.log.clone(), self.next);
                let read = tokio::task::spawn_blocking(move || read(&log, from, durable)).await;
                let answer = read.unwrap_or_else(|error| Err(Status::internal(error.to_string())));
                let alerts = answer
                    .as_ref()
                    .map_or(0, |answer| answer.alerts.len() as u64);
                self.next += alerts;
                if answers.send(answer).await.is_err() || alerts == 0 {
                    return;
                }
            }
            if !self.follow {
                return;
            }
            tokio::select! {
                changed = head.changed() => if changed.is_err() { return },
                () = self.shutdown.cancelled() => return,
                () = answers.closed() => return,
            }
        }
    }
}

fn read(log: &Log, from: u64, head: u64) -> Result<v1::ReadAlertsResponse, Status> {
    let limit = ReadLimit {
        events: READ_ALERTS_MAX,
        bytes: READ_BYTES_MAX,
    };
    let damaged = |position: u64, why: String| {
        with_reason(
            Code::DataLoss,
            "DAMAGED",
            format!("position {position} is damaged: {why}"),
        )
    };
    let records = log
        .read(from, limit)
        .map_err(|error| with_reason(Code::Unavailable, error.reason(), error.to_string()))?;
    let alerts = records.iter().map(|record| {
        let alert = book::decode(&record.payload);
        Ok(v1::RecordedAlert {
            position: record.position,
            known: Some(wire::time::to_wire(micros(record.known_micros))),
            alert: Some(alert.map_err(|error| damaged(record.position, error.to_string()))?),
        })
    });
    Ok(v1::ReadAlertsResponse {
        alerts: alerts.collect::<Result<_, Status>>()?,
        head,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_caller_with_a_deadline_waits_no_longer_than_that() {
        let wait = |timeout: Option<&'static str>| {
            let mut metadata = MetadataMap::new();
            if let Some(timeout) = timeout {
                metadata.insert("grpc-timeout", timeout.parse().unwrap());
            }
            wait_max(&metadata)
        };
        assert_eq!(wait(None), WAIT_MAX);
        assert_eq!(wait(Some("1S")), Duration::from_millis(950));
        assert_eq!(wait(Some("250m")), Duration::from_millis(200));
        assert_eq!(wait(Some("1H")), WAIT_MAX);
        assert_eq!(wait(Some("10m")), Duration::ZERO);
        assert_eq!(wait(Some("soon")), WAIT_MAX);
    }
}
