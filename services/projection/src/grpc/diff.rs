//! What changed between two views of a locality.

use domain::{IndicatorCode, Reason, Violation};
use state::View;
use tonic::{Request, Response, Status};
use wire::status::invalid;
use wire::v1;

use super::QueryApi;
use super::find::{code, defined, find};
use crate::answer;

impl QueryApi {
    pub(super) async fn diff(
        &self,
        request: Request<v1::DiffLocalityRequest>,
    ) -> Result<Response<v1::DiffLocalityResponse>, Status> {
        let (metadata, _, r) = request.into_parts();
        let indicator: Option<IndicatorCode> = match r.indicator.as_str() {
            "" => None,
            raw => Some(code("indicator", raw)?),
        };
        if r.from
            .as_ref()
            .is_none_or(|from| from.as_of.trim().is_empty())
        {
            let detail = "say from which moment on, such as 2023-06-02";
            return Err(invalid(&[Violation::new(
                "from.as_of",
                Reason::Required,
                detail.to_owned(),
            )]));
        }
        let from = self.at_of("from", r.from, &metadata).await?;
        let to = self.at_of("to", r.to, &metadata).await?;
        let state = self.shared.read();
        let (from, to) = (from.reading(&state), to.reading(&state));
        let view = |reading: &state::Reading<'_>| {
            let locality = find(reading, "code", &r.code)?;
            let (as_of, position) = (reading.as_of(), reading.position());
            Ok::<_, Status>(View {
                as_of,
                position,
                locality,
            })
        };
        let (first, second) = (view(&from)?, view(&to)?);
        if let Some(indicator) = &indicator {
            let knows_more = if from.position() > to.position() {
                &from
            } else {
                &to
            };
            defined(&state, knows_more, indicator)?;
        }
        self.respond(v1::DiffLocalityResponse {
            from_locality: from.locality(first.locality).as_ref().map(answer::head),
            to_locality: to.locality(second.locality).as_ref().map(answer::head),
            indicators: answer::diff(&state, indicator.as_ref(), first, second),
            from: self.answered(&state, &from),
            to: self.answered(&state, &to),
        })
    }
}
