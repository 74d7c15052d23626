//! The state compared with one folded anew, for an operator.

use std::sync::Arc;

use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Code, Request, Response, Status};
use wire::deadline::stopping;
use wire::status::with_reason;
use wire::v1;

use super::QueryApi;
use crate::verify::Verification;

/// What the caller reads.
pub(crate) type Answers = ReceiverStream<Result<v1::VerifyProjectionResponse, Status>>;

/// Answers that wait for a caller who reads slowly.
const ANSWERS_AHEAD: usize = 4;

impl QueryApi {
    pub(super) async fn verify(
        &self,
        request: Request<v1::VerifyProjectionRequest>,
    ) -> Result<Response<Answers>, Status> {
        let (metadata, _, _) = request.into_parts();
        let at = self.at(None, &metadata).await?;
        let permit = Arc::clone(&self.verifications).try_acquire_owned();
        let permit = permit.map_err(|_| {
            let message = "the projection is being verified already; try again later";
            with_reason(Code::ResourceExhausted, "PROJECTION_BUSY", message)
        })?;
        let (answers, stream) = mpsc::channel(ANSWERS_AHEAD);
        let verification = Verification {
            shared: Arc::clone(&self.shared),
            log: self.log.clone(),
            answers: answers.clone(),
            as_of: at.as_of,
        };
        let shutdown = self.shutdown.clone();
        let run = async move {
            let _permit = permit;
            let failed = tokio::select! {
                // Whoever does not read any more wants no answer.
                () = answers.closed() => return,
                () = shutdown.cancelled() => stopping(),
                ended = verification.run() => match ended {
                    Ok(()) => return,
                    Err(status) => status,
                },
            };
            let _ = answers.send(Err(failed)).await;
        };
        host::task::spawn("projection-verify", run);
        Ok(Response::new(ReceiverStream::new(stream)))
    }
}

#[cfg(test)]
mod tests {
    use state::FOLD_VERSION;
    use tokio_stream::StreamExt as _;
    use wire::status::refusal;

    use super::*;
    use crate::tests::{Ledger, Service};

    /// Of a service whose log is nowhere.
    fn api() -> QueryApi {
        Service::new().api
    }

    async fn ask(api: &QueryApi) -> Result<Answers, Status> {
        let request = Request::new(v1::VerifyProjectionRequest {});
        api.verify(request).await.map(Response::into_inner)
    }

    #[tokio::test]
    async fn one_verification_runs_at_a_time_and_the_next_when_it_has_ended() {
        let api = api();
        // Nothing is on record, so nothing need be read.
        let mut answers = ask(&api).await.unwrap();
        let busy = ask(&api).await.err().unwrap();
        assert_eq!(busy.code(), Code::ResourceExhausted);
        assert_eq!(refusal(&busy).reason, "PROJECTION_BUSY");
        let last = answers.next().await.unwrap().unwrap();
        assert!(last.done && last.digest == last.served_digest);
        assert_eq!(last.fold_version, FOLD_VERSION);
        assert!(answers.next().await.is_none());
        let permit = api.verifications.acquire().await.unwrap();
        drop(permit);
        assert!(ask(&api).await.is_ok());
    }

    #[tokio::test]
    async fn a_log_that_cannot_be_read_is_told_and_nothing_is_compared() {
        let api = api();
        api.shared.replace(Ledger::new().state);
        let mut answers = ask(&api).await.unwrap();
        let failed = answers.next().await.unwrap().unwrap_err();
        assert_eq!(refusal(&failed).reason, "LOG_UNREADABLE");
        assert!(answers.next().await.is_none());
        // The follower goes on.
        drop(api.shared.turn().await);
    }

    #[tokio::test]
    async fn who_leaves_ends_the_verification() {
        let api = api();
        api.shared.replace(Ledger::new().state);
        // The last positions are read in turn, so it gets no further than this.
        let turn = api.shared.turn().await;
        drop(ask(&api).await.unwrap());
        let permit = api.verifications.acquire().await.unwrap();
        drop((permit, turn));
    }
}
