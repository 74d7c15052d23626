//! The rules of judgement.

use std::hash::Hash;

use domain::RulesVersion;
use state::State;
use tonic::Status;
use wire::mask::Mask;
use wire::v1;

use super::find::maybe_code;
use super::list::Listed;
use crate::answer;
use crate::freshness::Freshness;
use crate::moment::{At, answered};
use crate::page::{Page, page, total};

/// Which adoptions are asked for, as far as it is read before anything is waited for.
pub(crate) struct AskedRules {
    mask: Mask<v1::ListRulesResponse>,
    page: Page,
    version: Option<RulesVersion>,
}

impl Listed for AskedRules {
    type Request = v1::ListRulesRequest;
    type Answer = v1::ListRulesResponse;

    fn at(request: &Self::Request) -> Option<v1::ReadAt> {
        request.at.clone()
    }

    fn read(r: Self::Request, times: impl Hash) -> Result<Self, Status> {
        let mask = Mask::read(r.read_mask.as_ref())?;
        let page = page(r.page_size, &r.page_token, (&r.version, &mask, times))?;
        let version = maybe_code("version", &r.version)?;
        Ok(Self {
            mask,
            page,
            version,
        })
    }

    fn page(&self) -> &Page {
        &self.page
    }

    fn answer(&self, state: &State, fresh: Freshness, at: At) -> Result<Self::Answer, Status> {
        let reading = at.reading(state);
        let mut found = reading.rules();
        let in_force = found.first().map(|entry| entry.recorded.position);
        if let Some(version) = &self.version {
            found.retain(|entry| entry.fact.version == *version);
        }
        let total_size = total(&found);
        let (shown, next_page_token) = self.page.of(found, reading.position());
        let rules = shown.iter().map(|entry| v1::RulesOnRecord {
            adopted: Some(wire::event::rules_adopted(entry.fact)),
            since: entry.recorded.effective.to_string(),
            in_force: in_force == Some(entry.recorded.position),
            recorded: Some(answer::recorded(&entry.recorded)),
        });
        self.mask.apply(v1::ListRulesResponse {
            rules: rules.collect(),
            next_page_token,
            total_size,
            at: Some(answered(fresh, state, &reading)),
        })
    }
}
