//! `AlertingService`.

mod letter;

use std::pin::Pin;
use std::sync::Arc;

use domain::{IndicatorCode, LocalityCode, Reason, Violation};
use event_log::{Log, ReadLimit};
use futures::Stream;
use host::CancellationToken;
use tokio::sync::{Semaphore, mpsc};
use tokio_stream::wrappers::ReceiverStream;
use tonic::metadata::MetadataMap;
use tonic::{Code, Request, Response, Status};
use wire::deadline::{not_caught_up, stopping, wait_max};
use wire::status::{fits, invalid, with_reason};
use wire::time::of_micros;
use wire::v1;

use crate::backtest::{self, Backtests};
use crate::book;
use crate::delivery::Dispatch;
use crate::desk::Desk;
use crate::judge::Filter;
use crate::shown::known;
use crate::watch;

/// Alerts in one message of a read.
const READ_ALERTS_MAX: usize = 500;
/// Bytes of payload in one message of a read.
const READ_BYTES_MAX: usize = 1024 * 1024;
/// Messages prepared for a reader that is slower than the log.
const READ_AHEAD: usize = 2;

pub(crate) struct AlertingApi {
    pub(crate) desk: Arc<Desk>,
    pub(crate) dispatch: Arc<Dispatch>,
    pub(crate) log: Log,
    /// Id of the ledger that is judged.
    pub(crate) ledger: String,
    pub(crate) backtests: Backtests,
    /// Largest answer.
    pub(crate) message_bytes_max: usize,
    /// The places for watches of cases.
    pub(crate) watches: Arc<Semaphore>,
    pub(crate) shutdown: CancellationToken,
}

impl AlertingApi {
    /// Waits until a position is judged, as long as the caller and the limit allow.
    pub(crate) async fn judged(&self, position: u64, metadata: &MetadataMap) -> Result<(), Status> {
        let mut progress = self.desk.progress();
        let reached = async {
            self.desk.judged_anew().await;
            progress
                .wait_for(|progress| progress.position >= position)
                .await
                .is_ok()
        };
        let in_time = tokio::select! {
            biased;
            waited = tokio::time::timeout(wait_max(metadata), reached) => waited.is_ok(),
            () = self.shutdown.cancelled() => return Err(stopping()),
        };
        if in_time {
            return Ok(());
        }
        let at = self.desk.progress().borrow().position;
        Err(not_caught_up(position, at))
    }
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
        known(&judge, filter.code, filter.indicator.as_ref())?;
        let answer = v1::ListVerdictsResponse {
            verdicts: judge.verdicts(&filter),
            judged_for: judge.day().map_or_else(String::new, |day| day.to_string()),
            position: judge.position(),
        };
        fits(&answer, self.message_bytes_max)?;
        Ok(Response::new(answer))
    }

    async fn list_cases(
        &self,
        request: Request<v1::ListCasesRequest>,
    ) -> Result<Response<v1::ListCasesResponse>, Status> {
        self.page_of_cases(request).await
    }

    async fn get_case(
        &self,
        request: Request<v1::GetCaseRequest>,
    ) -> Result<Response<v1::GetCaseResponse>, Status> {
        self.one_case(request).await
    }

    type WatchCasesStream = watch::Answers;

    async fn watch_cases(
        &self,
        request: Request<v1::WatchCasesRequest>,
    ) -> Result<Response<Self::WatchCasesStream>, Status> {
        self.watch_of_cases(request).await
    }

    async fn acknowledge_case(
        &self,
        request: Request<v1::AcknowledgeCaseRequest>,
    ) -> Result<Response<v1::AcknowledgeCaseResponse>, Status> {
        self.take_on(request).await
    }

    async fn mark_read(
        &self,
        request: Request<v1::MarkReadRequest>,
    ) -> Result<Response<v1::MarkReadResponse>, Status> {
        self.note_read(request).await
    }

    async fn set_silence(
        &self,
        request: Request<v1::SetSilenceRequest>,
    ) -> Result<Response<v1::SetSilenceResponse>, Status> {
        self.hush(request).await
    }

    async fn end_silence(
        &self,
        request: Request<v1::EndSilenceRequest>,
    ) -> Result<Response<v1::EndSilenceResponse>, Status> {
        self.speak_again(request).await
    }

    async fn list_silences(
        &self,
        request: Request<v1::ListSilencesRequest>,
    ) -> Result<Response<v1::ListSilencesResponse>, Status> {
        self.list_of_silences(request.get_ref())
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

    async fn draft_letter(
        &self,
        request: Request<v1::DraftLetterRequest>,
    ) -> Result<Response<v1::DraftLetterResponse>, Status> {
        self.live(request.metadata()).await?;
        self.draft(request.get_ref()).map(Response::new)
    }

    type RunBacktestStream = backtest::Answers;

    async fn run_backtest(
        &self,
        request: Request<v1::RunBacktestRequest>,
    ) -> Result<Response<Self::RunBacktestStream>, Status> {
        let desk = Arc::clone(&self.desk);
        self.backtests
            .begin(desk, request.get_ref())
            .map(Response::new)
    }

    async fn list_deliveries(
        &self,
        request: Request<v1::ListDeliveriesRequest>,
    ) -> Result<Response<v1::ListDeliveriesResponse>, Status> {
        self.dispatch.list(&request)
    }

    async fn retry_deliveries(
        &self,
        request: Request<v1::RetryDeliveriesRequest>,
    ) -> Result<Response<v1::RetryDeliveriesResponse>, Status> {
        self.dispatch.retry(&request)
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
            if self.next <= durable {
                // A plain end would say that this was all.
                let _ = answers.send(Err(stopping())).await;
                return;
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
    let alerts = recorded(log, from, limit)?;
    Ok(v1::ReadAlertsResponse { alerts, head })
}

/// Entries of alerting's log from a position on.
pub(crate) fn recorded(
    log: &Log,
    from: u64,
    limit: ReadLimit,
) -> Result<Vec<v1::RecordedAlert>, Status> {
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
            known: Some(wire::time::to_wire(of_micros(record.known_micros))),
            alert: Some(alert.map_err(|error| damaged(record.position, error.to_string()))?),
        })
    });
    alerts.collect()
}
