//! What an organisation holds.

use state::{PortfolioItem, PortfolioRole, State};
use tonic::{Request, Response, Status};
use wire::mask::Mask;
use wire::v1;

use super::QueryApi;
use super::find::{find, organisation};
use crate::answer;
use crate::freshness::Freshness;
use crate::moment::{At, answered, times};
use crate::page::page;

/// Within how many days a work item is due soon, if the caller states none.
const DUE_DAYS: u32 = 14;

impl QueryApi {
    pub(super) async fn portfolio(
        &self,
        request: Request<v1::GetOwnerPortfolioRequest>,
    ) -> Result<Response<v1::GetOwnerPortfolioResponse>, Status> {
        let (metadata, _, r) = request.into_parts();
        let at = self.at_page(r.at.clone(), &r.page_token, &metadata).await?;
        let state = self.shared.read();
        let answer = portfolio(&state, self.shared.freshness(&state), at, r)?;
        self.respond(answer)
    }
}

/// What is paged: the roles, then the work items.
enum Item<'a> {
    Role(PortfolioRole<'a>),
    Work(PortfolioItem<'a>),
}

/// What is answered of a state, from which the two times were read.
pub(crate) fn portfolio(
    state: &State,
    fresh: Freshness,
    mut at: At,
    r: v1::GetOwnerPortfolioRequest,
) -> Result<v1::GetOwnerPortfolioResponse, Status> {
    let due_days = r.due_days.unwrap_or(DUE_DAYS);
    let mask = Mask::read(r.read_mask.as_ref())?;
    let wanted = (&r.organisation, &r.code, due_days, &mask);
    let arguments = (wanted, times(at, r.at.as_ref()));
    let page = page(r.page_size, &r.page_token, arguments)?;
    at.position = page.position.or(at.position);
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
