//! `AlertingService`.

mod letter;

use std::pin::Pin;
use std::sync::Arc;

use domain::{IndicatorCode, LocalityCode, Reason, Violation};
use event_log::{Log, ReadLimit};
use futures::Stream;
use host::CancellationToken;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::metadata::MetadataMap;
use tonic::{Code, Request, Response, Status};
use wire::deadline::{not_caught_up, stopping, wait_max};
use wire::status::{fits, invalid, with_reason};
use wire::time::of_micros;
use wire::v1;

use crate::book;
use crate::desk::Desk;
use crate::judge::{Filter, Judge};
use crate::sight::Sight;

/// Alerts in one message of a read.
const READ_ALERTS_MAX: usize = 500;
/// Bytes of payload in one message of a read.
const READ_BYTES_MAX: usize = 1024 * 1024;
/// Messages prepared for a reader that is slower than the log.
const READ_AHEAD: usize = 2;

pub(crate) struct AlertingApi {
    pub(crate) desk: Arc<Desk>,
    pub(crate) log: Log,
    /// Id of the ledger that is judged.
    pub(crate) ledger: String,
    /// Largest answer.
    pub(crate) message_bytes_max: usize,
    pub(crate) shutdown: CancellationToken,
}

impl AlertingApi {
    /// Waits until a position is judged, as long as the caller and the limit allow.
    async fn judged(&self, position: u64, metadata: &MetadataMap) -> Result<(), Status> {
        let mut progress = self.desk.progress();
        let reached = progress.wait_for(|progress| progress.position >= position);
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

/// Refuses a filter that names nothing on record: a typing error must not read as "nobody lags".
fn known(
    judge: &Judge,
    code: Option<LocalityCode>,
    indicator: Option<&IndicatorCode>,
) -> Result<(), Status> {
    if let Some(code) = code.filter(|code| !judge.has_code(*code)) {
        let message = format!("no locality on record ever had the code {code}");
        return Err(with_reason(
            Code::NotFound,
            Reason::UnknownLocality.code(),
            message,
        ));
    }
    if let Some(indicator) = indicator.filter(|code| judge.definition(code).is_none()) {
        let message = format!("the indicator '{indicator}' is not defined");
        return Err(with_reason(
            Code::NotFound,
            Reason::UnknownIndicator.code(),
            message,
        ));
    }
    Ok(())
}

/// When the ledger took the newest event that a verdict could see: the same at every rebuild.
fn known_of(judge: &Judge, verdict: Option<&v1::Verdict>) -> Option<prost_types::Timestamp> {
    judge.known_of(verdict?.position).map(wire::time::to_wire)
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
        let wanted = code::<LocalityCode>("code", &request.get_ref().code)?;
        let sight = Sight::read(&request.get_ref().as_of, &request.get_ref().known_at)?;
        let (concern, cleared) = (request.get_ref().concern, request.get_ref().include_cleared);
        self.judged(request.get_ref().min_position, request.metadata())
            .await?;
        if v1::Concern::try_from(concern).is_err() {
            let detail = format!("{concern} is no concern known");
            return Err(invalid(&[Violation::new(
                "concern",
                Reason::ValueUnspecified,
                detail,
            )]));
        }
        let is_wanted = |case: &&v1::Case| {
            let opened = case.opened.as_ref();
            let place = opened.and_then(|verdict| verdict.locality.as_ref());
            (cleared || case.cleared_position == 0)
                && wanted.is_none_or(|code| place.is_some_and(|p| p.code == code.to_string()))
                && (concern == 0 || opened.is_some_and(|verdict| verdict.concern == concern))
        };
        let recorded: Vec<v1::Case> = self.desk.book().cases().cloned().collect();
        let mut cases: Vec<v1::Case> = {
            let judge = self.desk.judge();
            known(&judge, wanted, None)?;
            let seen = recorded
                .into_iter()
                .filter_map(|case| sight.of(&judge, case));
            let timed = seen.filter(|case| is_wanted(&case)).map(|mut case| {
                case.opened_known = known_of(&judge, case.opened.as_ref());
                case.cleared_known = known_of(&judge, case.cleared.as_ref());
                case
            });
            timed.collect()
        };
        // What is seen as open may have been cleared since: open ones stay first, in their order.
        cases.sort_by_key(|case| case.cleared_position > 0);
        let progress = *self.desk.progress().borrow();
        let answer = v1::ListCasesResponse {
            cases,
            judged_for: progress.day.map_or_else(String::new, |day| day.to_string()),
            position: progress.position,
        };
        fits(&answer, self.message_bytes_max)?;
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

    async fn draft_letter(
        &self,
        request: Request<v1::DraftLetterRequest>,
    ) -> Result<Response<v1::DraftLetterResponse>, Status> {
        self.draft(request.get_ref()).map(Response::new)
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
    Ok(v1::ReadAlertsResponse {
        alerts: alerts.collect::<Result<_, Status>>()?,
        head,
    })
}
