//! What is to be done by when.

use std::hash::Hash;

use domain::text::{Moment, parse_date};
use domain::{LocalityCode, ModelCode, Reason, Violation};
use jiff::civil::Date;
use state::{State, WorkItemStatus, WorkWanted};
use tonic::{Request, Response, Status};
use wire::mask::Mask;
use wire::status::invalid;
use wire::v1;

use super::QueryApi;
use super::find::{find, known_model, maybe_code, named, organisation};
use crate::answer;
use crate::freshness::Freshness;
use crate::moment::{At, answered};
use crate::page::{Page, page, total};

impl QueryApi {
    pub(super) async fn work_items(
        &self,
        request: Request<v1::ListWorkItemsRequest>,
    ) -> Result<Response<v1::ListWorkItemsResponse>, Status> {
        let (metadata, _, r) = request.into_parts();
        let times = self.times(r.at.clone())?;
        let asked = Asked::read(r, times.asked())?;
        let first = asked.page.position;
        let at = self.at_first(times, first, &metadata).await?;
        let state = self.shared.read();
        let answer = work_items(&state, self.shared.freshness(&state), at, &asked)?;
        self.respond(answer)
    }
}

/// What is asked, as far as it is read before anything is waited for.
pub(crate) struct Asked {
    request: v1::ListWorkItemsRequest,
    mask: Mask<v1::ListWorkItemsResponse>,
    pub(crate) page: Page,
    model: Option<ModelCode>,
    status: Option<WorkItemStatus>,
    due: Due,
}

impl Asked {
    /// # Errors
    /// A part that the answer has not, a page that is none or another question's, what is no code, no name, no state or no date, and an end before its beginning.
    pub(crate) fn read(r: v1::ListWorkItemsRequest, times: impl Hash) -> Result<Self, Status> {
        let mask = Mask::read(r.read_mask.as_ref())?;
        let of = (&r.code, &r.organisation, &r.model, r.status);
        let due = (&r.due_from, &r.due_to, r.overdue_only);
        let page = page(r.page_size, &r.page_token, (of, due, &mask, times))?;
        maybe_code::<LocalityCode>("code", &r.code)?;
        if !r.organisation.is_empty() {
            named("organisation", &r.organisation)?;
        }
        Ok(Self {
            mask,
            page,
            model: maybe_code("model", &r.model)?,
            status: status(r.status)?,
            due: Due::read(&r.due_from, &r.due_to)?,
            request: r,
        })
    }
}

/// Between which two days the last one is to be, both of them included.
struct Due {
    from: Option<Date>,
    to: Option<Date>,
}

impl Due {
    /// # Errors
    /// Both dates, if both are none; two of which the second comes first, since what is due between them is not nothing but a mistake.
    fn read(from: &str, to: &str) -> Result<Self, Status> {
        let mut violations = Vec::new();
        let mut read = |field: &str, raw: &str| match raw.trim() {
            "" => None,
            raw => parse_date(raw)
                .map_err(|error| {
                    let detail = error.to_string();
                    violations.push(Violation::new(field, Reason::DateFormat, detail));
                })
                .ok(),
        };
        let (from, to) = (read("due_from", from), read("due_to", to));
        if let (Some(first), Some(last)) = (from, to)
            && first > last
        {
            let detail = format!("{first} is after due_to {last}; exchange them");
            violations.push(Violation::new("due_from", Reason::DateOrder, detail));
        }
        match violations.as_slice() {
            [] => Ok(Self { from, to }),
            violations => Err(invalid(violations)),
        }
    }
}

fn status(number: i32) -> Result<Option<WorkItemStatus>, Status> {
    match v1::WorkItemStatus::try_from(number) {
        Ok(v1::WorkItemStatus::Unspecified) => Ok(None),
        Ok(v1::WorkItemStatus::Open) => Ok(Some(WorkItemStatus::Open)),
        Ok(v1::WorkItemStatus::Blocked) => Ok(Some(WorkItemStatus::Blocked)),
        Ok(v1::WorkItemStatus::Completed) => Ok(Some(WorkItemStatus::Completed)),
        Ok(v1::WorkItemStatus::Cancelled) => Ok(Some(WorkItemStatus::Cancelled)),
        Err(_) => {
            let detail = format!("{number} is no state of a work item known");
            let reason = Reason::ValueUnspecified;
            Err(invalid(&[Violation::new("status", reason, detail)]))
        }
    }
}

/// What is answered of a state, from which the two times were read.
pub(crate) fn work_items(
    state: &State,
    fresh: Freshness,
    at: At,
    asked: &Asked,
) -> Result<v1::ListWorkItemsResponse, Status> {
    let r = &asked.request;
    let reading = at.reading(state);
    let within = match r.code.as_str() {
        "" => None,
        code => Some(find(&reading, "code", code)?),
    };
    let organisation = match r.organisation.as_str() {
        "" => None,
        name => Some(organisation(&reading, "organisation", name)?),
    };
    if let Some(model) = &asked.model {
        // One that is defined only later has no work yet, but is no mistake.
        let whenever = state.at(Moment::end_of(Date::MAX), reading.position());
        known_model(&whenever, model)?;
    }
    let found = reading.work_list(&WorkWanted {
        within,
        organisation,
        model: asked.model.as_ref(),
        status: asked.status,
        due_from: asked.due.from,
        due_to: asked.due.to,
        overdue_only: r.overdue_only,
    });
    let total_size = total(&found);
    let (listed, next_page_token) = asked.page.of(found, reading.position());
    let work_items = listed
        .iter()
        .filter_map(|one| answer::listed_item(&reading, one));
    asked.mask.apply(v1::ListWorkItemsResponse {
        work_items: work_items.collect(),
        next_page_token,
        total_size,
        at: Some(answered(fresh, state, &reading)),
    })
}
