//! Where a locality stands beside what was planned.

use domain::{IndicatorCode, LocalityCode};
use tonic::{Request, Response, Status};
use wire::mask::Mask;
use wire::v1;

use super::QueryApi;
use super::find::{code, defined, find};
use crate::answer;

impl QueryApi {
    pub(super) async fn trajectory(
        &self,
        request: Request<v1::GetTrajectoryRequest>,
    ) -> Result<Response<v1::GetTrajectoryResponse>, Status> {
        let (metadata, _, r) = request.into_parts();
        let mask = Mask::read(r.read_mask.as_ref())?;
        let indicator: IndicatorCode = code("indicator", &r.indicator)?;
        let _: LocalityCode = code("code", &r.code)?;
        let at = self.at(r.at, &metadata).await?;
        let state = self.shared.read();
        let reading = at.reading(&state);
        let indicator_defined = defined(&state, &reading, &indicator)?;
        let id = find(&reading, "code", &r.code)?;
        self.respond(mask.apply(v1::GetTrajectoryResponse {
            indicator: Some(indicator_defined),
            at: self.answered(&state, &reading),
            ..answer::trajectories(&reading, &indicator, id)
        })?)
    }
}
