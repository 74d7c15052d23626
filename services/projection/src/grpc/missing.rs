//! Who has not reported.

use domain::IndicatorCode;
use state::{Expected, QualityRules, State};
use tonic::{Request, Response, Status};
use wire::mask::Mask;
use wire::v1;

use super::QueryApi;
use super::find::{below, code, defined, level};
use crate::answer;
use crate::freshness::Freshness;
use crate::moment::{At, answered, times};
use crate::page::page;

impl QueryApi {
    pub(super) async fn missing(
        &self,
        request: Request<v1::ListMissingReportsRequest>,
    ) -> Result<Response<v1::ListMissingReportsResponse>, Status> {
        let (metadata, _, r) = request.into_parts();
        let at = self.at_page(r.at.clone(), &r.page_token, &metadata).await?;
        let state = self.shared.read();
        let answer = missing(&state, self.shared.freshness(&state), at, r)?;
        self.respond(answer)
    }
}

/// What is answered of a state, from which the two times were read.
pub(crate) fn missing(
    state: &State,
    fresh: Freshness,
    mut at: At,
    r: v1::ListMissingReportsRequest,
) -> Result<v1::ListMissingReportsResponse, Status> {
    let mask = Mask::read(r.read_mask.as_ref())?;
    let indicator: IndicatorCode = code("indicator", &r.indicator)?;
    let level = level(r.level)?;
    let cadence_days = match r.cadence_days {
        0 => u32::from(QualityRules::of_2026_11().cadence_days),
        days => days,
    };
    let wanted = (&r.indicator, &r.parent_code, r.level, r.asked_only);
    let arguments = (wanted, cadence_days, &mask, times(at, r.at.as_ref()));
    let page = page(r.page_size, &r.page_token, arguments)?;
    at.position = page.position.or(at.position);
    let reading = at.reading(state);
    let indicator_defined = defined(state, &reading, &indicator)?;
    let localities = below(&reading, &r.parent_code, level)?;
    let expected = match r.asked_only {
        true => Expected::OfAsked,
        false => Expected::OfAll,
    };
    let found = reading.missing_reports(&indicator, localities, cadence_days, expected);
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
        .map(|one| answer::missing_report(&reading, &indicator, one, cadence_days));
    mask.apply(v1::ListMissingReportsResponse {
        missing: missing.collect(),
        next_page_token,
        ..answer
    })
}
