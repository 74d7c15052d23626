//! What an organisation holds.

use domain::{Reason, Violation};
use state::{PortfolioItem, PortfolioRole, Reading, State};
use tonic::{Code, Request, Response, Status};
use wire::mask::Mask;
use wire::status::{invalid, with_reason};
use wire::v1;

use super::QueryApi;
use super::find::find;
use crate::answer;
use crate::freshness::Freshness;
use crate::moment::{At, answered, times};
use crate::page::page;

/// Within how many days a work item is due soon, if the caller states none.
const DUE_DAYS: u32 = 14;
/// Most names that are offered for one that nobody has.
const SIMILAR_MAX: usize = 5;

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
    let organisation = named(&reading, &r.organisation)?;
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

/// An organisation as it is written on record.
fn named<'a>(reading: &Reading<'a>, name: &str) -> Result<&'a str, Status> {
    if name.trim().is_empty() {
        let detail = "say whose; the name may be written without diacritics";
        let violation = Violation::new("organisation", Reason::Required, detail);
        return Err(invalid(&[violation]));
    }
    reading.organisation(name).map_err(|similar| {
        let meant = match similar.as_slice() {
            [] => String::new(),
            similar => {
                let offered = similar.iter().take(SIMILAR_MAX).copied();
                format!("; did you mean {}", offered.collect::<Vec<_>>().join(", "))
            }
        };
        let message = format!("nobody on record is called '{}'{meant}", name.trim());
        with_reason(Code::NotFound, "UNKNOWN_ORGANISATION", message)
    })
}
