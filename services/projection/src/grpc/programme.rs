//! The models and the indicators.

use std::hash::Hash;

use domain::{GroupCode, LocalityCode};
use state::State;
use tonic::Status;
use wire::mask::Mask;
use wire::v1;

use super::find::{find, maybe_code};
use super::list::Listed;
use crate::answer;
use crate::freshness::Freshness;
use crate::moment::{At, answered};
use crate::page::{Page, page, total};

/// Which models are asked for, as far as it is read before anything is waited for.
pub(crate) struct AskedModels {
    request: v1::ListModelsRequest,
    mask: Mask<v1::ListModelsResponse>,
    page: Page,
    group: Option<GroupCode>,
}

impl Listed for AskedModels {
    type Request = v1::ListModelsRequest;
    type Answer = v1::ListModelsResponse;

    fn at(request: &Self::Request) -> Option<v1::ReadAt> {
        request.at.clone()
    }

    fn read(r: Self::Request, times: impl Hash) -> Result<Self, Status> {
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

    fn page(&self) -> &Page {
        &self.page
    }

    fn answer(&self, state: &State, fresh: Freshness, at: At) -> Result<Self::Answer, Status> {
        let reading = at.reading(state);
        let id = match self.request.code.as_str() {
            "" => None,
            code => Some(find(&reading, "code", code)?),
        };
        let mut found = reading.models();
        if let Some(group) = &self.group {
            found.retain(|entry| entry.defined.group == *group);
        }
        let total_size = total(&found);
        let (shown, next_page_token) = self.page.of(found, reading.position());
        let models = shown.iter().map(|entry| {
            let home = || answer::home(&reading, entry);
            answer::model(&reading, entry, id.or_else(home))
        });
        self.mask.apply(v1::ListModelsResponse {
            models: models.collect(),
            next_page_token,
            total_size,
            at: Some(answered(fresh, state, &reading)),
        })
    }
}

/// Which part of the indicators is asked for, as far as it is read before anything is waited for.
pub(crate) struct AskedIndicators {
    mask: Mask<v1::ListIndicatorsResponse>,
    page: Page,
}

impl Listed for AskedIndicators {
    type Request = v1::ListIndicatorsRequest;
    type Answer = v1::ListIndicatorsResponse;

    fn at(request: &Self::Request) -> Option<v1::ReadAt> {
        request.at.clone()
    }

    fn read(r: Self::Request, times: impl Hash) -> Result<Self, Status> {
        let mask = Mask::read(r.read_mask.as_ref())?;
        let page = page(r.page_size, &r.page_token, (&mask, times))?;
        Ok(Self { mask, page })
    }

    fn page(&self) -> &Page {
        &self.page
    }

    fn answer(&self, state: &State, fresh: Freshness, at: At) -> Result<Self::Answer, Status> {
        let reading = at.reading(state);
        let found = reading.indicators();
        let total_size = total(&found);
        let (shown, next_page_token) = self.page.of(found, reading.position());
        let indicators = shown
            .iter()
            .map(|entry| wire::event::indicator_defined(entry.fact));
        self.mask.apply(v1::ListIndicatorsResponse {
            indicators: indicators.collect(),
            next_page_token,
            total_size,
            at: Some(answered(fresh, state, &reading)),
        })
    }
}
