//! `QueryService`.
//!
//! Here are the service and what it answers of one locality; `find` reads what a request names, `list` holds what lists have in common, `localities`, `figures` and `findings` answer lists, `rank` who is ahead, `diff` what changed, `explain` says where a number comes from, `reform` sums, quality and what nobody holds, `matrix` the models of many localities, `portfolio` what an organisation holds, `missing` who has not reported, `programme` the models and the indicators, `trajectory` what was planned beside what was reached, `work` what is to be done by when; `watch` begins watches, `verify` compares the state with one folded anew, and `rebuild` folds one that is kept, and serves it.

mod diff;
mod explain;
mod figures;
mod find;
mod findings;
pub(crate) mod list;
mod localities;
pub(crate) mod matrix;
pub(crate) mod missing;
pub(crate) mod portfolio;
pub(crate) mod programme;
mod rank;
mod rebuild;
pub(crate) mod reform;
pub(crate) mod rules;
mod trajectory;
mod verify;
mod watch;
pub(crate) mod work;

use std::sync::Arc;

use domain::Reason;
use host::{CancellationToken, Clock, Today};
use state::{Reading, State};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tonic::metadata::MetadataMap;
use tonic::{Code, Request, Response, Status};
use wire::deadline::wait_max;
use wire::log_reader::LogReader;
use wire::mask::Mask;
use wire::status::{fits, with_reason};
use wire::v1;

use crate::moment::{At, Patience, Times, answered};
use crate::rebuild::Rebuilder;
use crate::watch::Watches;
use crate::{answer, shared::Shared};
use find::find;
pub(crate) use rank::Rankings;

#[cfg(test)]
pub(crate) use rebuild::Answers as RebuildAnswers;
pub(crate) use rebuild::phase_of;

/// Verifications and rebuilds at a time: each folds a state of its own.
pub(crate) const VERIFICATIONS_MAX: usize = 1;
/// Localities rebuilt at a time: each reads the whole log into a state of its own.
pub(crate) const REBUILDS_MAX: usize = 2;

pub(crate) struct QueryApi {
    pub(crate) shared: Arc<Shared>,
    pub(crate) log: LogReader,
    pub(crate) rebuilder: Rebuilder,
    pub(crate) today: Today,
    pub(crate) clock: Arc<dyn Clock>,
    /// Largest answer.
    pub(crate) message_bytes_max: usize,
    /// One permit for each of [`REBUILDS_MAX`].
    pub(crate) rebuilds: Arc<Semaphore>,
    pub(crate) rankings: Rankings,
    pub(crate) watches: Watches,
    /// One permit for each of [`VERIFICATIONS_MAX`].
    pub(crate) verifications: Arc<Semaphore>,
    pub(crate) shutdown: CancellationToken,
}

impl QueryApi {
    async fn at(&self, at: Option<v1::ReadAt>, metadata: &MetadataMap) -> Result<At, Status> {
        self.at_of("at", at, metadata).await
    }

    /// As [`QueryApi::at`], from another field of the request.
    async fn at_of(
        &self,
        field: &str,
        at: Option<v1::ReadAt>,
        metadata: &MetadataMap,
    ) -> Result<At, Status> {
        let times = Times::read((field, at), self.today.date(&*self.clock))?;
        self.reach(times, metadata).await
    }

    /// The two times of a list; its page is read with them, before anything is waited for.
    fn times(&self, at: Option<v1::ReadAt>) -> Result<Times, Status> {
        Times::read(("at", at), self.today.date(&*self.clock))
    }

    /// Waits for what they name or, on a later page, for where the first was read: the service may have been started since.
    async fn at_first(
        &self,
        times: Times,
        first: Option<u64>,
        metadata: &MetadataMap,
    ) -> Result<At, Status> {
        let times = first.map_or(times, |position| times.known_at(position));
        self.reach(times, metadata).await
    }

    async fn reach(&self, times: Times, metadata: &MetadataMap) -> Result<At, Status> {
        let patience = Patience {
            wait_max: wait_max(metadata),
            shutdown: &self.shutdown,
        };
        times.reach(&self.shared, patience).await
    }

    /// What every answer says of its two times and of how fresh it is.
    fn answered(&self, state: &State, reading: &Reading<'_>) -> Option<v1::AnsweredAt> {
        Some(answered(self.shared.freshness(state), state, reading))
    }

    fn respond<T: prost::Message>(&self, answer: T) -> Result<Response<T>, Status> {
        fits(&answer, self.message_bytes_max)?;
        Ok(Response::new(answer))
    }
}

/// A locality at two times, with its digest.
fn view(
    state: &State,
    reading: &Reading<'_>,
    code: &str,
) -> Result<(v1::Locality, String), Status> {
    let id = find(reading, "code", code)?;
    let locality = answer::locality(state, reading, id)
        .ok_or_else(|| with_reason(Code::NotFound, Reason::UnknownLocality.code(), code))?;
    let digest = answer::digest(&locality);
    Ok((locality, digest))
}

#[tonic::async_trait]
impl v1::query_service_server::QueryService for QueryApi {
    type VerifyProjectionStream = verify::Answers;

    async fn verify_projection(
        &self,
        request: Request<v1::VerifyProjectionRequest>,
    ) -> Result<Response<Self::VerifyProjectionStream>, Status> {
        self.verify(request).await
    }

    async fn get_locality(
        &self,
        request: Request<v1::GetLocalityRequest>,
    ) -> Result<Response<v1::GetLocalityResponse>, Status> {
        let (metadata, _, request) = request.into_parts();
        let mask = Mask::read(request.read_mask.as_ref())?;
        let at = self.at(request.at, &metadata).await?;
        let state = self.shared.read();
        let reading = at.reading(&state);
        let (locality, digest) = view(&state, &reading, &request.code)?;
        self.respond(mask.apply(v1::GetLocalityResponse {
            locality: Some(locality),
            digest,
            at: self.answered(&state, &reading),
        })?)
    }

    async fn list_localities(
        &self,
        request: Request<v1::ListLocalitiesRequest>,
    ) -> Result<Response<v1::ListLocalitiesResponse>, Status> {
        self.localities(request).await
    }

    async fn rank_localities(
        &self,
        request: Request<v1::RankLocalitiesRequest>,
    ) -> Result<Response<v1::RankLocalitiesResponse>, Status> {
        self.rank(request).await
    }

    async fn list_figures(
        &self,
        request: Request<v1::ListFiguresRequest>,
    ) -> Result<Response<v1::ListFiguresResponse>, Status> {
        self.figures(request).await
    }

    async fn list_findings(
        &self,
        request: Request<v1::ListFindingsRequest>,
    ) -> Result<Response<v1::ListFindingsResponse>, Status> {
        self.findings(request).await
    }

    async fn roll_up_indicator(
        &self,
        request: Request<v1::RollUpIndicatorRequest>,
    ) -> Result<Response<v1::RollUpIndicatorResponse>, Status> {
        self.roll_up(request).await
    }

    async fn diff_locality(
        &self,
        request: Request<v1::DiffLocalityRequest>,
    ) -> Result<Response<v1::DiffLocalityResponse>, Status> {
        self.diff(request).await
    }

    async fn explain_figure(
        &self,
        request: Request<v1::ExplainFigureRequest>,
    ) -> Result<Response<v1::ExplainFigureResponse>, Status> {
        self.explain(request).await
    }

    async fn get_data_quality(
        &self,
        request: Request<v1::GetDataQualityRequest>,
    ) -> Result<Response<v1::GetDataQualityResponse>, Status> {
        self.quality(request).await
    }

    async fn list_orphans(
        &self,
        request: Request<v1::ListOrphansRequest>,
    ) -> Result<Response<v1::ListOrphansResponse>, Status> {
        self.list::<reform::AskedOrphans>(request).await
    }

    async fn get_model_matrix(
        &self,
        request: Request<v1::GetModelMatrixRequest>,
    ) -> Result<Response<v1::GetModelMatrixResponse>, Status> {
        self.list::<matrix::Asked>(request).await
    }

    async fn get_owner_portfolio(
        &self,
        request: Request<v1::GetOwnerPortfolioRequest>,
    ) -> Result<Response<v1::GetOwnerPortfolioResponse>, Status> {
        self.list::<portfolio::Asked>(request).await
    }

    async fn list_missing_reports(
        &self,
        request: Request<v1::ListMissingReportsRequest>,
    ) -> Result<Response<v1::ListMissingReportsResponse>, Status> {
        self.list::<missing::Asked>(request).await
    }

    async fn get_trajectory(
        &self,
        request: Request<v1::GetTrajectoryRequest>,
    ) -> Result<Response<v1::GetTrajectoryResponse>, Status> {
        self.trajectory(request).await
    }

    async fn list_models(
        &self,
        request: Request<v1::ListModelsRequest>,
    ) -> Result<Response<v1::ListModelsResponse>, Status> {
        self.list::<programme::AskedModels>(request).await
    }

    async fn list_rules(
        &self,
        request: Request<v1::ListRulesRequest>,
    ) -> Result<Response<v1::ListRulesResponse>, Status> {
        self.list::<rules::AskedRules>(request).await
    }

    async fn list_indicators(
        &self,
        request: Request<v1::ListIndicatorsRequest>,
    ) -> Result<Response<v1::ListIndicatorsResponse>, Status> {
        self.list::<programme::AskedIndicators>(request).await
    }

    async fn list_work_items(
        &self,
        request: Request<v1::ListWorkItemsRequest>,
    ) -> Result<Response<v1::ListWorkItemsResponse>, Status> {
        self.list::<work::Asked>(request).await
    }

    async fn rebuild_locality(
        &self,
        request: Request<v1::RebuildLocalityRequest>,
    ) -> Result<Response<v1::RebuildLocalityResponse>, Status> {
        let (metadata, _, r) = request.into_parts();
        let known_at = if r.position == 0 {
            String::new()
        } else {
            r.position.to_string()
        };
        let at = v1::ReadAt {
            as_of: r.as_of,
            known_at,
            min_position: 0,
        };
        let at = self.at_of("", Some(at), &metadata).await?;
        let position = at.position.unwrap_or_else(|| self.shared.position());
        let _permit = self.may_rebuild()?;
        let rebuilt = self.replay(position).await?;
        let reading = rebuilt.at(at.as_of, position);
        let (locality, digest) = view(&rebuilt, &reading, &r.code)?;
        let state = self.shared.read();
        let (_, served_digest) = view(&state, &state.at(at.as_of, position), &r.code)?;
        self.respond(v1::RebuildLocalityResponse {
            locality: Some(locality),
            digest,
            served_digest,
            events: rebuilt.position(),
            at: self.answered(&state, &reading),
        })
    }

    type RebuildProjectionStream = rebuild::Answers;

    async fn rebuild_projection(
        &self,
        request: Request<v1::RebuildProjectionRequest>,
    ) -> Result<Response<Self::RebuildProjectionStream>, Status> {
        self.rebuild(request).await
    }

    async fn get_projection_rebuild(
        &self,
        request: Request<v1::GetProjectionRebuildRequest>,
    ) -> Result<Response<v1::GetProjectionRebuildResponse>, Status> {
        let (rebuild, at) = self.rebuild_now(request.metadata()).await?;
        self.respond(v1::GetProjectionRebuildResponse { rebuild, at })
    }

    async fn switch_projection(
        &self,
        request: Request<v1::SwitchProjectionRequest>,
    ) -> Result<Response<v1::SwitchProjectionResponse>, Status> {
        let accepted = request.get_ref().accept_differences;
        self.rebuilder.switch(accepted).await?;
        let (rebuild, at) = self.rebuild_now(request.metadata()).await?;
        self.respond(v1::SwitchProjectionResponse { rebuild, at })
    }

    async fn undo_projection_switch(
        &self,
        request: Request<v1::UndoProjectionSwitchRequest>,
    ) -> Result<Response<v1::UndoProjectionSwitchResponse>, Status> {
        self.rebuilder.undo().await?;
        let (rebuild, at) = self.rebuild_now(request.metadata()).await?;
        self.respond(v1::UndoProjectionSwitchResponse { rebuild, at })
    }

    async fn cancel_projection_rebuild(
        &self,
        request: Request<v1::CancelProjectionRebuildRequest>,
    ) -> Result<Response<v1::CancelProjectionRebuildResponse>, Status> {
        self.rebuilder.cancel(request.get_ref().discard).await?;
        let (rebuild, at) = self.rebuild_now(request.metadata()).await?;
        self.respond(v1::CancelProjectionRebuildResponse { rebuild, at })
    }

    type WatchStream = watch::Watched;

    async fn watch(
        &self,
        request: Request<v1::WatchRequest>,
    ) -> Result<Response<Self::WatchStream>, Status> {
        self.begin_watch(request).await
    }
}

impl QueryApi {
    /// A permit to rebuild, until it is dropped.
    fn may_rebuild(&self) -> Result<OwnedSemaphorePermit, Status> {
        Arc::clone(&self.rebuilds).try_acquire_owned().map_err(|_| {
            let message =
                format!("{REBUILDS_MAX} localities are being rebuilt already; try again later");
            with_reason(Code::ResourceExhausted, "REBUILD_BUSY", message)
        })
    }

    /// A state of its own, folded from the log's first event up to a position.
    async fn replay(&self, position: u64) -> Result<State, Status> {
        let mut state = State::new();
        if position == 0 {
            return Ok(state);
        }
        let fold = |at, known, event: &domain::Event| {
            state
                .apply(at, known, event)
                .map_err(|error| error.to_string())
        };
        self.log.read(1, position, fold).await.map_err(|error| {
            with_reason(Code::Unavailable, "LOG_UNREADABLE", format!("{error}"))
        })?;
        Ok(state)
    }
}
