//! What people do, one act after the other and never in the middle of a replay.

use event_log::ReadLimit;
use tonic::{Code, Status};
use uuid::Uuid;
use wire::status::with_reason;
use wire::v1;
use wire::v1::alert_event::Body;

use super::{Desk, append};
use crate::acts;
use crate::book::{self, Book};
use crate::judge::Judge;

/// An act as it is asked for.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) request_id: Uuid,
    pub(crate) body: Body,
}

/// What becomes of an act.
pub(crate) enum Decision {
    /// It is recorded.
    Record(Box<Body>),
    /// It stands in alerting's log already.
    Already(u64),
}

impl Desk {
    /// Records an act as `decide` has it, unless the same request was recorded before; gives its position in alerting's log.
    ///
    /// Nothing else is recorded between the decision and the entry.
    ///
    /// # Errors
    /// As decided; `ALREADY_EXISTS` if the id was used for something else; what the log refuses with.
    pub(crate) async fn act(
        &self,
        asked: &Asked,
        decide: impl FnOnce(&Book, &Judge) -> Result<Decision, Status> + Send,
    ) -> Result<u64, Status> {
        let mut recorder = self.recorder.lock().await;
        let request_id = *asked.request_id.as_bytes();
        let refused = |error: event_log::Error| refused(&error);
        if let Some(receipt) = self.log.receipt(&request_id).map_err(refused)? {
            return self.repeated(asked, receipt.first);
        }
        let alert = {
            let (book, judge) = (self.book(), self.judge());
            let body = match decide(&book, &judge)? {
                Decision::Record(body) => *body,
                Decision::Already(position) => return Ok(position),
            };
            let day = judge.day().unwrap_or_else(|| self.date());
            v1::AlertEvent {
                effective: day.to_string(),
                position: judge.settled_position(),
                body: Some(body),
            }
        };
        let body = alert.body.as_ref();
        let subject = body.map_or_else(String::new, acts::subject);
        recorder.attend.all |= matches!(body, Some(Body::SilenceEnded(_)));
        let alerts = [alert];
        let appended = self.log.append(append(request_id, &subject, &alerts));
        let receipt = appended.await.map_err(refused)?;
        self.keep_told(receipt.first, &alerts);
        drop(recorder);
        self.folded.notify_one();
        Ok(receipt.first)
    }

    /// The position of an act recorded before under the same id.
    fn repeated(&self, asked: &Asked, position: u64) -> Result<u64, Status> {
        let limit = ReadLimit {
            events: 1,
            bytes: usize::MAX,
        };
        let records = self.log.read(position, limit);
        let records = records.map_err(|error| refused(&error))?;
        let before = records.first().and_then(|record| {
            let alert = book::decode(&record.payload).ok()?;
            alert.body
        });
        if before.is_some_and(|before| acts::is_same(&asked.body, before)) {
            return Ok(position);
        }
        let message = format!(
            "request id {} was used before for something else, at position {position} of alerting's log; use a new one",
            asked.request_id
        );
        Err(with_reason(
            Code::AlreadyExists,
            "REQUEST_ID_REUSED",
            message,
        ))
    }
}

/// What alerting's log refuses an act with.
fn refused(error: &event_log::Error) -> Status {
    use event_log::Error as E;
    let code = match error {
        E::RequestIdReused { .. } => Code::AlreadyExists,
        E::RequestIdExpired { .. } => Code::FailedPrecondition,
        E::QueueFull { .. } | E::DiskFull => Code::ResourceExhausted,
        E::Empty | E::TooLarge { .. } => Code::InvalidArgument,
        E::Damaged { .. } => Code::DataLoss,
        _ => Code::Unavailable,
    };
    with_reason(code, error.reason(), error.to_string())
}
