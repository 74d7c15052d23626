//! A second state: begun, followed on its way, and told how it stands.

use std::time::Duration;

use domain::text::Moment;
use domain::{Reason, Violation};
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_stream::wrappers::ReceiverStream;
use tonic::metadata::MetadataMap;
use tonic::{Request, Response, Status};
use wire::deadline::stopping;
use wire::status::invalid;
use wire::v1;
use wire::v1::ProjectionRebuildPhase as Told;
use wire::v1::ProjectionRebuildSource as Named;

use super::QueryApi;
use crate::moment::answered;
use crate::rebuild::{Phase, Run, Source, Wanted};
use crate::shared::Shared;

/// What the caller reads.
pub(crate) type Answers = ReceiverStream<Result<v1::RebuildProjectionResponse, Status>>;

/// Answers that wait for a caller who reads slowly.
const ANSWERS_AHEAD: usize = 4;
/// Between two answers that tell how far it has come.
const TELL_INTERVAL: Duration = Duration::from_millis(250);

impl QueryApi {
    pub(super) async fn rebuild(
        &self,
        request: Request<v1::RebuildProjectionRequest>,
    ) -> Result<Response<Answers>, Status> {
        let (metadata, _, r) = request.into_parts();
        // What is not on record yet would not be compared.
        let as_of = self.at(None, &metadata).await?.as_of;
        let source = source(r.source)?;
        let anew = r.anew;
        self.rebuilder.begin(Wanted { source, anew }).await?;
        let (answers, stream) = mpsc::channel(ANSWERS_AHEAD);
        let (shared, shutdown) = (self.shared.clone(), self.shutdown.clone());
        let tell = async move {
            let mut run = shared.second.subscribe();
            let is_over = |run: &Option<Run>| phase_of(run.as_ref()) != Told::Folding;
            loop {
                let answer = answer(&shared, as_of);
                let rebuild = answer
                    .as_ref()
                    .ok()
                    .and_then(|answer| answer.rebuild.as_ref());
                let goes_on = rebuild.is_some_and(|rebuild| rebuild.phase() == Told::Folding);
                if answers.send(answer).await.is_err() || !goes_on {
                    return;
                }
                tokio::select! {
                    // Whoever leaves ends nothing but this.
                    () = answers.closed() => return,
                    () = shutdown.cancelled() => {
                        let _ = answers.send(Err(stopping())).await;
                        return;
                    }
                    () = async {
                        let _ = timeout(TELL_INTERVAL, run.wait_for(is_over)).await;
                    } => {}
                }
            }
        };
        host::task::spawn("projection-rebuild-told", tell);
        Ok(Response::new(ReceiverStream::new(stream)))
    }

    /// How the second state stands, and when.
    pub(super) async fn rebuild_now(
        &self,
        metadata: &MetadataMap,
    ) -> Result<(Option<v1::ProjectionRebuild>, Option<v1::AnsweredAt>), Status> {
        let at = self.at(None, metadata).await?;
        let state = self.shared.read();
        let at = self.answered(&state, &at.reading(&state));
        Ok((Some(told(&self.shared)), at))
    }
}

/// How it stands; why it failed, if it did.
fn answer(shared: &Shared, as_of: Moment) -> Result<v1::RebuildProjectionResponse, Status> {
    if let Some(Phase::Failed(failure)) = shared.second.run().map(|run| run.phase) {
        return Err(failure.status());
    }
    let state = shared.read();
    let at = answered(shared.freshness(&state), &state, &state.latest(as_of));
    Ok(v1::RebuildProjectionResponse {
        rebuild: Some(told(shared)),
        at: Some(at),
    })
}

/// The second state as a message.
fn told(shared: &Shared) -> v1::ProjectionRebuild {
    let (run, position) = (shared.second.run(), shared.second.position());
    let rebuild = v1::ProjectionRebuild {
        phase: phase_of(run.as_ref()) as i32,
        position,
        head: shared.position(),
        ..v1::ProjectionRebuild::default()
    };
    let Some(run) = run else { return rebuild };
    let source = match run.source {
        Source::Log => Named::Log,
        Source::Bus => Named::Bus,
    };
    let (failure_reason, failure) = match &run.phase {
        Phase::Failed(failure) => (failure.reason().to_owned(), failure.to_string()),
        _ => Default::default(),
    };
    v1::ProjectionRebuild {
        source: source as i32,
        resumed_from: run.resumed_from,
        events_per_second: run.events_per_second(position),
        elapsed_seconds: run.took().as_secs_f64(),
        failure_reason,
        failure,
        comparison: run.comparison.as_deref().cloned(),
        ..rebuild
    }
}

/// The number of a phase in the contract.
pub(crate) fn phase_of(run: Option<&Run>) -> Told {
    match run.map(|run| &run.phase) {
        None => Told::None,
        Some(Phase::Folding) => Told::Folding,
        Some(Phase::Ready) => Told::Ready,
        Some(Phase::Switched) => Told::Switched,
        Some(Phase::Cancelled) => Told::Cancelled,
        Some(Phase::Failed(_)) => Told::Failed,
    }
}

/// From where; none if that is not said.
fn source(number: i32) -> Result<Option<Source>, Status> {
    match Named::try_from(number) {
        Ok(Named::Unspecified) => Ok(None),
        Ok(Named::Log) => Ok(Some(Source::Log)),
        Ok(Named::Bus) => Ok(Some(Source::Bus)),
        Err(_) => {
            let detail = format!("{number} is no source of a rebuild; give LOG or BUS");
            Err(invalid(&[Violation::new(
                "source",
                Reason::ValueUnspecified,
                detail,
            )]))
        }
    }
}
