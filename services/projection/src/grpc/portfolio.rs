//! What an organisation holds.

use std::hash::Hash;

use state::{PortfolioItem, PortfolioRole, State};
use tonic::Status;
use wire::mask::Mask;
use wire::v1;

use super::find::{find, named, organisation};
use super::list::Listed;
use crate::answer;
use crate::freshness::Freshness;
use crate::moment::{At, answered};
use crate::page::{Page, page};

/// Within how many days a work item is due soon, if the caller states none.
const DUE_DAYS: u32 = 14;

/// What is paged: the roles, then the work items.
enum Item<'a> {
    Role(PortfolioRole<'a>),
    Work(PortfolioItem<'a>),
}

/// What is asked, as far as it is read before anything is waited for.
pub(crate) struct Asked {
    request: v1::GetOwnerPortfolioRequest,
    mask: Mask<v1::GetOwnerPortfolioResponse>,
    page: Page,
    due_days: u32,
}

impl Listed for Asked {
    type Request = v1::GetOwnerPortfolioRequest;
    type Answer = v1::GetOwnerPortfolioResponse;

    fn at(request: &Self::Request) -> Option<v1::ReadAt> {
        request.at.clone()
    }

    fn read(r: Self::Request, times: impl Hash) -> Result<Self, Status> {
        let mask = Mask::read(r.read_mask.as_ref())?;
        named("organisation", &r.organisation)?;
        let due_days = r.due_days.unwrap_or(DUE_DAYS);
        let wanted = (&r.organisation, &r.code, due_days, &mask);
        Ok(Self {
            page: page(r.page_size, &r.page_token, (wanted, times))?,
            mask,
            due_days,
            request: r,
        })
    }

    fn page(&self) -> &Page {
        &self.page
    }

    fn answer(&self, state: &State, fresh: Freshness, at: At) -> Result<Self::Answer, Status> {
        let Asked {
            request: r,
            mask,
            page,
            due_days,
        } = self;
        let due_days = *due_days;
        let reading = at.reading(state);
        let within = match r.code.as_str() {
            "" => None,
            code => Some(find(&reading, "code", code)?),
        };
        let organisation = organisation(&reading, "organisation", &r.organisation)?;
        let found = reading.portfolio(organisation, within, due_days);
        let mut answer = v1::GetOwnerPortfolioResponse {
            organisation: organisation.to_owned(),
            counts: Some(answer::portfolio_counts(&found)),
            due_days,
            at: Some(answered(fresh, state, &reading)),
            ..Default::default()
        };
        let roles = found.roles.into_iter().map(Item::Role);
        let items = roles.chain(found.items.into_iter().map(Item::Work));
        let (items, next_page_token) = page.of(items.collect(), reading.position());
        for item in items {
            match item {
                Item::Role(role) => answer.roles.push(answer::portfolio_role(&reading, &role)),
                Item::Work(item) => {
                    let item = answer::portfolio_item(&reading, &item);
                    answer.work_items.push(item);
                }
            }
        }
        answer.next_page_token = next_page_token;
        mask.apply(answer)
    }
}
