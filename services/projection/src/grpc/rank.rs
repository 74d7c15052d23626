//! Rankings.

use domain::IndicatorCode;
use state::{Ranking, Reading};
use tonic::{Code, Request, Response, Status};
use wire::mask::Mask;
use wire::status::with_reason;
use wire::v1;

use super::QueryApi;
use super::find::{below, code, defined, find, level};
use crate::answer;
use crate::moment::times;
use crate::page::page;

impl QueryApi {
    pub(super) async fn rank(
        &self,
        request: Request<v1::RankLocalitiesRequest>,
    ) -> Result<Response<v1::RankLocalitiesResponse>, Status> {
        let (metadata, _, r) = request.into_parts();
        let mask = Mask::read(r.read_mask.as_ref())?;
        let indicator: IndicatorCode = code("indicator", &r.indicator)?;
        let mut at = self.at_page(r.at.clone(), &r.page_token, &metadata).await?;
        let places = (r.level, &r.parent_code, &r.peers_of_code);
        let arguments = (&r.indicator, places, &mask, times(at, r.at.as_ref()));
        let page = page(r.page_size, &r.page_token, arguments)?;
        at.position = page.position.or(at.position);
        let state = self.shared.read();
        let reading = at.reading(&state);
        let defined = defined(&state, &reading, &indicator)?;
        let Ranking {
            ranked,
            without_figure,
        } = ranking(&reading, &indicator, &r)?;
        let total_size = i32::try_from(ranked.len()).unwrap_or(i32::MAX);
        let (ranked, next_page_token) = page.of(ranked, reading.position());
        let localities = ranked.iter().map(|ranked| locality(&reading, ranked));
        self.respond(mask.apply(v1::RankLocalitiesResponse {
            indicator: Some(defined),
            localities: localities.collect(),
            without_figure: u32::try_from(without_figure.len()).unwrap_or(u32::MAX),
            at: self.answered(&state, &reading),
            next_page_token,
            total_size,
        })?)
    }
}

/// The whole ranking that is asked for.
fn ranking<'a>(
    reading: &Reading<'a>,
    indicator: &IndicatorCode,
    r: &v1::RankLocalitiesRequest,
) -> Result<Ranking<'a>, Status> {
    let asked = level(r.level)?;
    let ids = |level| {
        let below = below(reading, &r.parent_code, level)?;
        Ok::<_, Status>(below.into_iter().map(|entry| entry.id).collect::<Vec<_>>())
    };
    if r.peers_of_code.is_empty() {
        return Ok(reading.rank(indicator, ids(asked)?));
    }
    let peer = find(reading, "peers_of_code", &r.peers_of_code)?;
    let own = peer.code.level();
    let ids = match asked {
        Some(asked) if asked != own => Vec::new(),
        _ => ids(Some(own))?,
    };
    reading.rank_peers(indicator, ids, peer).ok_or_else(|| {
        let message = format!(
            "{peer} has no figure of '{indicator}' with a denominator on {}, so nobody knows who is of its size",
            reading.as_of()
        );
        with_reason(Code::FailedPrecondition, "SIZE_UNKNOWN", message)
    })
}

fn locality(reading: &Reading<'_>, ranked: &state::Ranked<'_>) -> v1::RankedLocality {
    let ranks = ranked.rank_span;
    v1::RankedLocality {
        rank: ranked.rank,
        locality: reading.locality(ranked.id).as_ref().map(answer::head),
        figure: Some(answer::figure(reading, ranked.id, &ranked.figure)),
        share_hundredths: ranked.share_hundredths,
        denominator: ranked
            .figure
            .figure
            .denominator
            .map(|d| d.kind.to_owned())
            .unwrap_or_default(),
        share_low_hundredths: ranked.share_span.map(|share| share.low),
        share_high_hundredths: ranked.share_span.map(|share| share.high),
        rank_low: ranks.map_or(0, |ranks| ranks.low),
        rank_high: ranks.map_or(0, |ranks| ranks.high),
    }
}
