//! What people do, one act after the other and never in the middle of a replay.
//!
//! An act stands in alerting's log under an id made of the caller's in a namespace of its own: the ids of what the service itself says can be computed by anybody, and whoever took one would hold that back.

use std::sync::Arc;

use event_log::ReadLimit;
use tokio::sync::OwnedMutexGuard;
use tonic::{Code, Status};
use uuid::Uuid;
use wire::deadline::not_caught_up;
use wire::status::with_reason;
use wire::v1;
use wire::v1::alert_event::Body;

use super::{Desk, Recorder, append};
use crate::acts;
use crate::book::{self, Book};
use crate::judge::Judge;

/// Where the ids of acts are made.
const ACTS: Uuid = Uuid::from_u128(0x9b1c_6a52_3f0e_4d7a_8c45_d21e_70b9_a3f6);

/// An act as it is asked for.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) request_id: Uuid,
    pub(crate) body: Body,
}

impl Asked {
    /// The id under which alerting's log has it.
    pub(super) fn logged_id(&self) -> [u8; 16] {
        *Uuid::new_v5(&ACTS, self.request_id.as_bytes()).as_bytes()
    }
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
    /// Nothing else is recorded between the decision and the entry, and once it is decided a caller who leaves cancels nothing: what is in the log is in the book.
    ///
    /// # Errors
    /// As decided; `ALREADY_EXISTS` if the id was used for something else; what the log refuses with.
    pub(crate) async fn act(
        self: &Arc<Self>,
        asked: Asked,
        decide: impl FnOnce(&Book, &Judge) -> Result<Decision, Status> + Send + 'static,
    ) -> Result<u64, Status> {
        // Waited for here, so that at most one act goes on without its caller.
        let recorder = Arc::clone(&self.recorder).lock_owned().await;
        let desk = Arc::clone(self);
        let acting = async move { desk.record_act(recorder, &asked, decide).await };
        let acted = host::task::spawn("alerting-act", acting).await;
        acted.unwrap_or_else(|error| Err(Status::internal(error.to_string())))
    }

    async fn record_act(
        &self,
        mut recorder: OwnedMutexGuard<Recorder>,
        asked: &Asked,
        decide: impl FnOnce(&Book, &Judge) -> Result<Decision, Status>,
    ) -> Result<u64, Status> {
        let request_id = asked.logged_id();
        let refused = |error: event_log::Error| refused(&error);
        if let Some(receipt) = self.log.receipt(&request_id).map_err(refused)? {
            return self.repeated(asked, receipt.first);
        }
        if self.is_judging_anew() {
            let at = self.judge().position();
            return Err(not_caught_up(at + 1, at));
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
        Err(acts::reused(asked.request_id, position))
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
