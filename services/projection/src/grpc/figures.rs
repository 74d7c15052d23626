//! Lists of figures: of one locality, or of all within one.

use std::iter;

use domain::text::Moment;
use domain::{IndicatorCode, LocalityId};
use state::{FigureEntry, Reading, State};
use tonic::{Request, Response, Status};
use wire::mask::Mask;
use wire::v1;

use super::QueryApi;
use super::find::{code, find};
use crate::answer;
use crate::page::{foreign, keyed};

impl QueryApi {
    pub(super) async fn figures(
        &self,
        request: Request<v1::ListFiguresRequest>,
    ) -> Result<Response<v1::ListFiguresResponse>, Status> {
        let (metadata, _, r) = request.into_parts();
        let mask = Mask::read(r.read_mask.as_ref())?;
        let indicator: Option<IndicatorCode> = match r.indicator.as_str() {
            "" => None,
            raw => Some(code("indicator", raw)?),
        };
        let times = self.times(r.at.clone())?;
        let places = (&r.code, &r.parent_code);
        let wanted = (places, &r.indicator, r.holding_only, &mask);
        let page = keyed(r.page_size, &r.page_token, (wanted, times.asked()))?;
        let first = page.after.map(|(position, _)| position);
        let at = self.at_first(times, first, &metadata).await?;
        let state = self.shared.read();
        let reading = at.reading(&state);
        let last = match page.after {
            Some((_, last)) => Some(Last::of(&state, last).ok_or_else(foreign)?),
            None => None,
        };
        let named = !r.code.is_empty();
        let ids: Box<dyn Iterator<Item = LocalityId>> = match r.code.as_str() {
            "" => {
                let first = last.map(|last| last.id);
                Box::new(within(&reading, "parent_code", &r.parent_code, first)?)
            }
            code => Box::new(iter::once(find(&reading, "code", code)?)),
        };
        let holds = |entry: &FigureEntry<'_>| {
            !r.holding_only || entry.corrected_by.or(entry.retracted_by).is_none()
        };
        let figures = ids.flat_map(|id| {
            // Of the locality that the page before ended in only what follows.
            let last = last.filter(|last| last.id == id);
            let after = last.map(|last| (last.effective, last.position));
            let history = reading.history_after(id, indicator.as_ref(), after);
            history.map(move |entry| (id, entry))
        });
        let mut figures = figures.filter(|(_, entry)| holds(entry));
        let shown: Vec<_> = figures.by_ref().take(page.size).collect();
        let next_page_token = match (shown.last(), figures.next()) {
            (Some((id, last)), Some(_)) => {
                let last = Last {
                    id: *id,
                    effective: last.recorded.effective,
                    position: last.recorded.position,
                };
                page.token(reading.position(), last.key(&state))
            }
            _ => String::new(),
        };
        let shown = shown
            .iter()
            .map(|(id, entry)| historic(&reading, *id, entry, named));
        self.respond(mask.apply(v1::ListFiguresResponse {
            figures: shown.collect(),
            next_page_token,
            at: self.answered(&state, &reading),
        })?)
    }
}

/// The figure that a page ended with.
#[derive(Clone, Copy)]
struct Last {
    id: LocalityId,
    effective: Moment,
    position: u64,
}

impl Last {
    /// As a token names it; none if that cannot be.
    fn of(state: &State, [number, moment, position]: [u64; 3]) -> Option<Self> {
        let moment = u32::try_from(moment).ok()?;
        Some(Self {
            id: state.of_number(u32::try_from(number).ok()?)?,
            effective: Moment::from_packed(moment.cast_signed())?,
            position,
        })
    }

    fn key(self, state: &State) -> [u64; 3] {
        let number = state.number_of(self.id).unwrap_or(u32::MAX);
        let moment = self.effective.packed().cast_unsigned();
        [u64::from(number), u64::from(moment), self.position]
    }
}

/// The localities within one, itself and those that have ended included, from one on; all of them without a code.
fn within<'a>(
    reading: &Reading<'a>,
    field: &str,
    raw: &str,
    first: Option<LocalityId>,
) -> Result<impl Iterator<Item = LocalityId> + use<'a>, Status> {
    let parent = match raw {
        "" => None,
        code => Some(find(reading, field, code)?),
    };
    let reading = *reading;
    let is_within =
        move |id: &LocalityId| parent.is_none_or(|parent| reading.lineage(*id).contains(&parent));
    Ok(reading.ids_from(first).filter(is_within))
}

fn historic(
    reading: &Reading<'_>,
    id: LocalityId,
    entry: &FigureEntry<'_>,
    named: bool,
) -> v1::HistoricFigure {
    let mut historic = v1::HistoricFigure {
        indicator: entry.indicator.to_string(),
        figure: Some(answer::figure(reading, id, entry)),
        ..Default::default()
    };
    if !named {
        historic.locality = reading.locality(id).as_ref().map(answer::head);
        historic.ancestors = reading.ancestors(id).iter().map(answer::head).collect();
    }
    historic
}
