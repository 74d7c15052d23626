//! Lists of localities, and search by name.

use domain::LocalityId;
use state::{LocalityEntry, State};
use tonic::{Request, Response, Status};
use wire::mask::Mask;
use wire::v1;

use super::QueryApi;
use super::find::{find, level};
use crate::answer;
use crate::page::{foreign, keyed};

impl QueryApi {
    pub(super) async fn localities(
        &self,
        request: Request<v1::ListLocalitiesRequest>,
    ) -> Result<Response<v1::ListLocalitiesResponse>, Status> {
        let (metadata, _, r) = request.into_parts();
        let mask = Mask::read(r.read_mask.as_ref())?;
        let level = level(r.level)?;
        let times = self.times(r.at.clone())?;
        let wanted = (r.level, &r.parent_code, &r.name, r.include_ended, &mask);
        let page = keyed(r.page_size, &r.page_token, (wanted, times.asked()))?;
        let first = page.after.map(|(position, _)| position);
        let at = self.at_first(times, first, &metadata).await?;
        let state = self.shared.read();
        let reading = at.reading(&state);
        let parent = match r.parent_code.as_str() {
            "" => None,
            code => Some(find(&reading, "parent_code", code)?),
        };
        let last = match page.after {
            Some((_, last)) => Some(Last::of(&state, last).ok_or_else(foreign)?),
            None => None,
        };
        let wanted = |entry: &LocalityEntry<'_>| {
            (r.include_ended || entry.end.is_none())
                && (r.name.is_empty() || entry.matches(&r.name))
        };
        let entries = reading.by_name(level, parent, last.map(|last| last.id));
        let mut entries = entries.filter(wanted);
        let shown: Vec<_> = entries.by_ref().take(page.size).collect();
        // How many there are is counted on the first page, and the others are told.
        let (total_size, more) = match last {
            Some(last) => (last.total_size, entries.next().is_some()),
            None => {
                let more = entries.count();
                let total_size = u32::try_from(shown.len() + more).unwrap_or(u32::MAX);
                (total_size, more > 0)
            }
        };
        let next = shown.last().filter(|_| more).map(|entry| Last {
            id: entry.id,
            total_size,
        });
        self.respond(mask.apply(v1::ListLocalitiesResponse {
            localities: shown.iter().map(answer::head).collect(),
            next_page_token: next.map_or_else(String::new, |next| {
                page.token(reading.position(), next.key(&state))
            }),
            total_size: i32::try_from(total_size).unwrap_or(i32::MAX),
            at: self.answered(&state, &reading),
        })?)
    }
}

/// The locality that a page ended with, and how many there are on all pages.
#[derive(Clone, Copy)]
struct Last {
    id: LocalityId,
    total_size: u32,
}

impl Last {
    /// As a token names it; none if that cannot be.
    fn of(state: &State, [number, total_size]: [u64; 2]) -> Option<Self> {
        Some(Self {
            id: state.of_number(u32::try_from(number).ok()?)?,
            total_size: u32::try_from(total_size).ok()?,
        })
    }

    fn key(self, state: &State) -> [u64; 2] {
        let number = state.number_of(self.id).unwrap_or(u32::MAX);
        [u64::from(number), u64::from(self.total_size)]
    }
}
