//! Where a number comes from.

use domain::IndicatorCode;
use domain::text::Moment;
use tonic::{Request, Response, Status};
use wire::v1;

use super::QueryApi;
use super::find::{code, defined, find};
use super::reform::day;
use crate::answer;

impl QueryApi {
    pub(super) async fn explain(
        &self,
        request: Request<v1::ExplainFigureRequest>,
    ) -> Result<Response<v1::ExplainFigureResponse>, Status> {
        let (metadata, _, r) = request.into_parts();
        let indicator: IndicatorCode = code("indicator", &r.indicator)?;
        let boundaries = match r.boundaries_on.trim() {
            "" => None,
            text => Some(day("boundaries_on", text)?),
        };
        let at = self.at(r.at, &metadata).await?;
        let state = self.shared.read();
        let reading = at.reading(&state);
        let indicator_defined = defined(&state, &reading, &indicator)?;
        let explained = match boundaries {
            None => {
                let id = find(&reading, "code", &r.code)?;
                answer::explain(&state, &reading, &indicator, id)
            }
            Some(day) => {
                let then = state.at(Moment::end_of(day), reading.position());
                let id = find(&then, "code", &r.code)?;
                answer::explain_sum(&state, &reading, &indicator, id, &then)
            }
        };
        self.respond(v1::ExplainFigureResponse {
            indicator: Some(indicator_defined),
            at: self.answered(&state, &reading),
            ..explained
        })
    }
}
