//! Sums within the boundaries of a day, and what nobody holds.

use std::hash::Hash;

use domain::{IndicatorCode, LocalityCode, Reason, Violation};
use jiff::civil::Date;
use state::State;
use tonic::{Request, Response, Status};
use wire::mask::Mask;
use wire::status::invalid;
use wire::v1;

use super::QueryApi;
use super::find::{code, defined, find};
use super::list::Listed;
use crate::answer::{self, Left};
use crate::freshness::Freshness;
use crate::moment::{At, answered};
use crate::page::{Page, page, total};

impl QueryApi {
    pub(super) async fn roll_up(
        &self,
        request: Request<v1::RollUpIndicatorRequest>,
    ) -> Result<Response<v1::RollUpIndicatorResponse>, Status> {
        let (metadata, _, r) = request.into_parts();
        let indicator: IndicatorCode = code("indicator", &r.indicator)?;
        let at = self.at(r.at, &metadata).await?;
        let boundaries = match r.boundaries_on.trim() {
            "" => at.as_of.date(),
            text => day("boundaries_on", text)?,
        };
        let state = self.shared.read();
        let reading = at.reading(&state);
        let indicator_defined = defined(&state, &reading, &indicator)?;
        // The code is that of the boundaries: the reform gave many to others.
        let then = state.at(domain::text::Moment::end_of(boundaries), reading.position());
        let sum = match r.code.as_str() {
            "" => answer::roll_up_country(&reading, &indicator, &then),
            code => {
                let id = find(&then, "code", code)?;
                answer::roll_up(&state, &reading, &indicator, id, boundaries)
            }
        };
        self.respond(v1::RollUpIndicatorResponse {
            indicator: Some(indicator_defined),
            at: self.answered(&state, &reading),
            ..sum
        })
    }

    pub(super) async fn quality(
        &self,
        request: Request<v1::GetDataQualityRequest>,
    ) -> Result<Response<v1::GetDataQualityResponse>, Status> {
        let (metadata, _, r) = request.into_parts();
        let mask = Mask::read(r.read_mask.as_ref())?;
        let at = self.at(r.at, &metadata).await?;
        let state = self.shared.read();
        let reading = at.reading(&state);
        let id = find(&reading, "code", &r.code)?;
        let mut ids = vec![id];
        if r.with_children {
            ids.extend(reading.children(id).iter().map(|child| child.id));
        }
        self.respond(mask.apply(v1::GetDataQualityResponse {
            at: self.answered(&state, &reading),
            ..answer::quality(&reading, &ids)
        })?)
    }
}

/// Where what nobody holds is asked for, as far as it is read before anything is waited for.
pub(crate) struct AskedOrphans {
    request: v1::ListOrphansRequest,
    mask: Mask<v1::ListOrphansResponse>,
    page: Page,
}

impl Listed for AskedOrphans {
    type Request = v1::ListOrphansRequest;
    type Answer = v1::ListOrphansResponse;

    fn at(request: &Self::Request) -> Option<v1::ReadAt> {
        request.at.clone()
    }

    fn read(r: Self::Request, times: impl Hash) -> Result<Self, Status> {
        let mask = Mask::read(r.read_mask.as_ref())?;
        let page = page(r.page_size, &r.page_token, (&r.code, &mask, times))?;
        code::<LocalityCode>("code", &r.code)?;
        Ok(Self {
            mask,
            page,
            request: r,
        })
    }

    fn page(&self) -> &Page {
        &self.page
    }

    fn answer(&self, state: &State, fresh: Freshness, at: At) -> Result<Self::Answer, Status> {
        let reading = at.reading(state);
        let id = find(&reading, "code", &self.request.code)?;
        let found = Left::all(reading.orphans(id));
        let total_size = total(&found);
        let (shown, next_page_token) = self.page.of(found, reading.position());
        let orphans = shown.iter().map(|orphan| answer::left(&reading, orphan));
        self.mask.apply(v1::ListOrphansResponse {
            orphans: orphans.collect(),
            next_page_token,
            total_size,
            at: Some(answered(fresh, state, &reading)),
        })
    }
}

/// A day; what is wrong with it is told by its field.
pub(super) fn day(field: &str, text: &str) -> Result<Date, Status> {
    domain::text::parse_date(text)
        .map_err(|error| invalid(&[Violation::new(field, Reason::DateFormat, error.to_string())]))
}
