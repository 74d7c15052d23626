//! What is to be done by when.

use std::hash::Hash;

use domain::text::{Moment, parse_date};
use domain::{LocalityCode, ModelCode, Reason, Violation};
use jiff::civil::Date;
use state::{State, WorkItemStatus, WorkWanted};
use tonic::Status;
use wire::mask::Mask;
use wire::status::invalid;
use wire::v1;

use super::find::{find, known_model, maybe_code, named, organisation};
use super::list::Listed;
use crate::answer;
use crate::freshness::Freshness;
use crate::moment::{At, answered};
use crate::page::{Page, page, total};

/// What is asked, as far as it is read before anything is waited for.
pub(crate) struct Asked {
    request: v1::ListWorkItemsRequest,
    mask: Mask<v1::ListWorkItemsResponse>,
    page: Page,
    model: Option<ModelCode>,
    statuses: Vec<WorkItemStatus>,
    due: Due,
}

impl Listed for Asked {
    type Request = v1::ListWorkItemsRequest;
    type Answer = v1::ListWorkItemsResponse;

    fn at(request: &Self::Request) -> Option<v1::ReadAt> {
        request.at.clone()
    }

    fn read(r: Self::Request, times: impl Hash) -> Result<Self, Status> {
        let mask = Mask::read(r.read_mask.as_ref())?;
        let of = (&r.code, &r.organisation, &r.model, &r.statuses);
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
            statuses: statuses(&r.statuses)?,
            due: Due::read(&r.due_from, &r.due_to)?,
            request: r,
        })
    }

    fn page(&self) -> &Page {
        &self.page
    }

    fn answer(&self, state: &State, fresh: Freshness, at: At) -> Result<Self::Answer, Status> {
        let r = &self.request;
        let reading = at.reading(state);
        let within = match r.code.as_str() {
            "" => None,
            code => Some(find(&reading, "code", code)?),
        };
        let organisation = match r.organisation.as_str() {
            "" => None,
            name => Some(organisation(&reading, "organisation", name)?),
        };
        if let Some(model) = &self.model {
            // One that is defined only later has no work yet, but is no mistake.
            let whenever = state.at(Moment::end_of(Date::MAX), reading.position());
            known_model(&whenever, model)?;
        }
        let found = reading.work_list(&WorkWanted {
            within,
            organisation,
            model: self.model.as_ref(),
            statuses: &self.statuses,
            due_from: self.due.from,
            due_to: self.due.to,
            overdue_only: r.overdue_only,
        });
        let total_size = total(&found);
        let (listed, next_page_token) = self.page.of(found, reading.position());
        let work_items = listed
            .iter()
            .filter_map(|one| answer::listed_item(&reading, one));
        self.mask.apply(v1::ListWorkItemsResponse {
            work_items: work_items.collect(),
            next_page_token,
            total_size,
            at: Some(answered(fresh, state, &reading)),
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

/// The states asked for; none of them is any.
///
/// # Errors
/// Each that is none, and more than there are, which somebody would have to read through.
fn statuses(numbers: &[i32]) -> Result<Vec<WorkItemStatus>, Status> {
    const STATUSES: usize = 4;
    let refused = |field: String, detail: String| {
        let reason = Reason::ValueUnspecified;
        Violation::new(field, reason, detail)
    };
    if numbers.len() > STATUSES {
        let count = numbers.len();
        let detail = format!("names {count} of {STATUSES} states; name each once");
        return Err(invalid(&[refused("statuses".to_owned(), detail)]));
    }
    let mut violations = Vec::new();
    let mut statuses = Vec::new();
    for (i, number) in numbers.iter().enumerate() {
        match status(*number) {
            Some(status) => statuses.push(status),
            None => {
                let detail = match number {
                    0 => "names no state; leave all out for any".to_owned(),
                    number => format!("{number} is no state of a work item known"),
                };
                violations.push(refused(format!("statuses[{i}]"), detail));
            }
        }
    }
    match violations.as_slice() {
        [] => Ok(statuses),
        violations => Err(invalid(violations)),
    }
}

fn status(number: i32) -> Option<WorkItemStatus> {
    match v1::WorkItemStatus::try_from(number).ok()? {
        v1::WorkItemStatus::Unspecified => None,
        v1::WorkItemStatus::Open => Some(WorkItemStatus::Open),
        v1::WorkItemStatus::Blocked => Some(WorkItemStatus::Blocked),
        v1::WorkItemStatus::Completed => Some(WorkItemStatus::Completed),
        v1::WorkItemStatus::Cancelled => Some(WorkItemStatus::Cancelled),
    }
}
