//! Who has not reported.

use std::hash::Hash;

use domain::{IndicatorCode, Level};
use state::{Expected, QualityRules, State};
use tonic::Status;
use wire::mask::Mask;
use wire::v1;

use super::find::{below, code, defined, level};
use super::list::Listed;
use crate::answer;
use crate::freshness::Freshness;
use crate::moment::{At, answered};
use crate::page::{Page, page};

/// What is asked, as far as it is read before anything is waited for.
pub(crate) struct Asked {
    request: v1::ListMissingReportsRequest,
    mask: Mask<v1::ListMissingReportsResponse>,
    page: Page,
    cadence_days: u32,
    indicator: IndicatorCode,
    level: Option<Level>,
}

impl Listed for Asked {
    type Request = v1::ListMissingReportsRequest;
    type Answer = v1::ListMissingReportsResponse;

    fn at(request: &Self::Request) -> Option<v1::ReadAt> {
        request.at.clone()
    }

    fn read(r: Self::Request, times: impl Hash) -> Result<Self, Status> {
        let mask = Mask::read(r.read_mask.as_ref())?;
        let cadence_days = match r.cadence_days {
            0 => u32::from(QualityRules::of_2026_11().cadence_days),
            days => days,
        };
        let wanted = (&r.indicator, &r.parent_code, r.level, r.asked_only);
        let arguments = (wanted, cadence_days, &mask, times);
        let page = page(r.page_size, &r.page_token, arguments)?;
        Ok(Self {
            mask,
            page,
            cadence_days,
            indicator: code("indicator", &r.indicator)?,
            level: level(r.level)?,
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
            indicator,
            level,
            ..
        } = self;
        let cadence_days = self.cadence_days;
        let reading = at.reading(state);
        let indicator_defined = defined(state, &reading, indicator)?;
        let localities = below(&reading, &r.parent_code, *level)?;
        let expected = match r.asked_only {
            true => Expected::OfAsked,
            false => Expected::OfAll,
        };
        let found = reading.missing_reports(indicator, localities, cadence_days, expected);
        let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        let never = found
            .missing
            .iter()
            .filter(|one| one.last.is_none())
            .count();
        let answer = v1::ListMissingReportsResponse {
            indicator: Some(indicator_defined),
            expected_count: count(found.expected()),
            reported_count: count(found.reported),
            never_count: count(never),
            too_new_count: count(found.too_new),
            cadence_days,
            at: Some(answered(fresh, state, &reading)),
            ..Default::default()
        };
        let (missing, next_page_token) = page.of(found.missing, reading.position());
        let missing = missing
            .iter()
            .map(|one| answer::missing_report(&reading, indicator, one, cadence_days));
        mask.apply(v1::ListMissingReportsResponse {
            missing: missing.collect(),
            next_page_token,
            ..answer
        })
    }
}
