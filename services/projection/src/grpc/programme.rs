//! The models and the indicators.

use std::hash::Hash;

use domain::{GroupCode, LocalityCode};
use state::State;
use tonic::{Request, Response, Status};
use wire::mask::Mask;
use wire::v1;

use super::QueryApi;
use super::find::{find, maybe_code};
use crate::answer;
use crate::freshness::Freshness;
use crate::moment::{At, answered};
use crate::page::{Page, page, total};

impl QueryApi {
    pub(super) async fn models(
        &self,
        request: Request<v1::ListModelsRequest>,
    ) -> Result<Response<v1::ListModelsResponse>, Status> {
        let (metadata, _, r) = request.into_parts();
        let times = self.times(r.at.clone())?;
        let asked = AskedModels::read(r, times.asked())?;
        let first = asked.page.position;
        let at = self.at_first(times, first, &metadata).await?;
        let state = self.shared.read();
        let answer = models(&state, self.shared.freshness(&state), at, &asked)?;
        self.respond(answer)
    }

    pub(super) async fn indicators(
        &self,
        request: Request<v1::ListIndicatorsRequest>,
    ) -> Result<Response<v1::ListIndicatorsResponse>, Status> {
        let (metadata, _, r) = request.into_parts();
        let times = self.times(r.at.clone())?;
        let asked = AskedIndicators::read(&r, times.asked())?;
        let first = asked.page.position;
        let at = self.at_first(times, first, &metadata).await?;
        let state = self.shared.read();
        let answer = indicators(&state, self.shared.freshness(&state), at, &asked)?;
        self.respond(answer)
    }
}

/// Which models are asked for, as far as it is read before anything is waited for.
pub(crate) struct AskedModels {
    request: v1::ListModelsRequest,
    mask: Mask<v1::ListModelsResponse>,
    pub(crate) page: Page,
    group: Option<GroupCode>,
}

impl AskedModels {
    /// # Errors
    /// A part that the answer has not, a page that is none or another question's, and what is no code.
    pub(crate) fn read(r: v1::ListModelsRequest, times: impl Hash) -> Result<Self, Status> {
        let mask = Mask::read(r.read_mask.as_ref())?;
        let arguments = (&r.code, &r.group, &mask, times);
        let page = page(r.page_size, &r.page_token, arguments)?;
        maybe_code::<LocalityCode>("code", &r.code)?;
        Ok(Self {
            mask,
            page,
            group: maybe_code("group", &r.group)?,
            request: r,
        })
    }
}

/// What is answered of a state, from which the two times were read.
pub(crate) fn models(
    state: &State,
    fresh: Freshness,
    at: At,
    asked: &AskedModels,
) -> Result<v1::ListModelsResponse, Status> {
    let reading = at.reading(state);
    let id = match asked.request.code.as_str() {
        "" => None,
        code => Some(find(&reading, "code", code)?),
    };
    let mut found = reading.models();
    if let Some(group) = &asked.group {
        found.retain(|entry| entry.defined.group == *group);
    }
    let total_size = total(&found);
    let (shown, next_page_token) = asked.page.of(found, reading.position());
    let models = shown.iter().map(|entry| {
        let home = || answer::home(&reading, entry);
        answer::model(&reading, entry, id.or_else(home))
    });
    asked.mask.apply(v1::ListModelsResponse {
        models: models.collect(),
        next_page_token,
        total_size,
        at: Some(answered(fresh, state, &reading)),
    })
}

/// Which part of the indicators is asked for, as far as it is read before anything is waited for.
pub(crate) struct AskedIndicators {
    mask: Mask<v1::ListIndicatorsResponse>,
    pub(crate) page: Page,
}

impl AskedIndicators {
    /// # Errors
    /// A part that the answer has not, and a page that is none or another question's.
    pub(crate) fn read(r: &v1::ListIndicatorsRequest, times: impl Hash) -> Result<Self, Status> {
        let mask = Mask::read(r.read_mask.as_ref())?;
        let page = page(r.page_size, &r.page_token, (&mask, times))?;
        Ok(Self { mask, page })
    }
}

/// What is answered of a state, from which the two times were read.
pub(crate) fn indicators(
    state: &State,
    fresh: Freshness,
    at: At,
    asked: &AskedIndicators,
) -> Result<v1::ListIndicatorsResponse, Status> {
    let reading = at.reading(state);
    let found = reading.indicators();
    let total_size = total(&found);
    let (shown, next_page_token) = asked.page.of(found, reading.position());
    let indicators = shown
        .iter()
        .map(|entry| wire::event::indicator_defined(entry.fact));
    asked.mask.apply(v1::ListIndicatorsResponse {
        indicators: indicators.collect(),
        next_page_token,
        total_size,
        at: Some(answered(fresh, state, &reading)),
    })
}
