//! Rankings.
//!
//! Ranks and intervals are those of the whole ranking, so each page needs all of it.
//! The last few rankings are kept for their next pages: at one position, one moment and one question a ranking never changes.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use domain::text::Moment;
use domain::{IndicatorCode, Level};
use state::{Ranking, Reading};
use tonic::{Code, Request, Response, Status};
use wire::mask::Mask;
use wire::status::with_reason;
use wire::v1;

use super::QueryApi;
use super::find::{code, defined, find, ids_below, level};
use crate::answer;
use crate::page::{page, total};

impl QueryApi {
    pub(super) async fn rank(
        &self,
        request: Request<v1::RankLocalitiesRequest>,
    ) -> Result<Response<v1::RankLocalitiesResponse>, Status> {
        let (metadata, _, r) = request.into_parts();
        let mask = Mask::read(r.read_mask.as_ref())?;
        let indicator: IndicatorCode = code("indicator", &r.indicator)?;
        let level = level(r.level)?;
        let times = self.times(r.at)?;
        let places = (r.level, &r.parent_code, &r.peers_of_code);
        let arguments = (&r.indicator, places, &mask, times.asked());
        let page = page(r.page_size, &r.page_token, arguments)?;
        let at = self.at_first(times, page.position, &metadata).await?;
        let state = self.shared.read();
        let reading = at.reading(&state);
        let defined = defined(&state, &reading, &indicator)?;
        let asked = Asked {
            indicator: indicator.clone(),
            level,
            parent_code: r.parent_code,
            peers_of_code: r.peers_of_code,
            as_of: reading.as_of(),
            position: reading.position(),
            history: self.shared.history(),
        };
        let whole = self.rankings.of(&asked, || ranking(&reading, &asked))?;
        let Ranking {
            ranked,
            without_figure,
        } = &*whole;
        let total_size = total(ranked);
        let (ranked, next_page_token) = page.part(ranked, reading.position());
        let localities = ranked
            .iter()
            .map(|ranked| locality(&reading, &indicator, ranked));
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

/// Rankings kept at most: each takes 64 bytes or less for a locality, so that of all communes less than a megabyte.
const KEPT_MAX: usize = 8;

/// All that a ranking depends on.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Asked {
    indicator: IndicatorCode,
    level: Option<Level>,
    parent_code: String,
    peers_of_code: String,
    as_of: Moment,
    position: u64,
    history: u64,
}

/// The last rankings that were asked for, the newest last.
#[derive(Default)]
pub(crate) struct Rankings(Mutex<VecDeque<(Asked, Arc<Ranking>)>>);

impl Rankings {
    /// The ranking that was asked for before, or one made now.
    ///
    /// Nobody waits while one is made: should two ask for the same at once, both make it.
    fn of(
        &self,
        asked: &Asked,
        make: impl FnOnce() -> Result<Ranking, Status>,
    ) -> Result<Arc<Ranking>, Status> {
        let is_it = |(kept, _): &&(Asked, Arc<Ranking>)| kept == asked;
        if let Some((_, kept)) = self.kept().iter().find(is_it) {
            return Ok(Arc::clone(kept));
        }
        let made = Arc::new(make()?);
        let mut kept = self.kept();
        if kept.len() == KEPT_MAX {
            kept.pop_front();
        }
        kept.push_back((asked.clone(), Arc::clone(&made)));
        Ok(made)
    }

    fn kept(&self) -> MutexGuard<'_, VecDeque<(Asked, Arc<Ranking>)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The whole ranking that is asked for.
fn ranking(reading: &Reading<'_>, asked: &Asked) -> Result<Ranking, Status> {
    let indicator = &asked.indicator;
    let of_level = asked.level;
    let ids = |level| ids_below(reading, &asked.parent_code, level);
    if asked.peers_of_code.is_empty() {
        return Ok(reading.rank(indicator, ids(of_level)?));
    }
    let peer = find(reading, "peers_of_code", &asked.peers_of_code)?;
    let own = peer.code.level();
    let ids = match of_level {
        Some(level) if level != own => Vec::new(),
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

fn locality(
    reading: &Reading<'_>,
    indicator: &IndicatorCode,
    ranked: &state::Ranked,
) -> v1::RankedLocality {
    let ranks = ranked.rank_span;
    let figure = reading.figure(ranked.id, indicator);
    let denominator = figure.and_then(|entry| entry.figure.denominator);
    v1::RankedLocality {
        rank: ranked.rank,
        locality: reading.locality(ranked.id).as_ref().map(answer::head),
        figure: figure.map(|entry| answer::figure(reading, ranked.id, &entry)),
        share_hundredths: ranked.share_hundredths,
        denominator: denominator.map_or_else(String::new, |of| of.kind.to_owned()),
        share_low_hundredths: ranked.share_span.map(|share| share.low),
        share_high_hundredths: ranked.share_span.map(|share| share.high),
        rank_low: ranks.map_or(0, |ranks| ranks.low),
        rank_high: ranks.map_or(0, |ranks| ranks.high),
    }
}
