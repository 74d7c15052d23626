//! Lists of figures: of one locality, or of all within one.

use domain::{IndicatorCode, LocalityId};
use state::{FigureEntry, LocalityEntry, Reading};
use tonic::{Request, Response, Status};
use wire::mask::Mask;
use wire::v1;

use super::QueryApi;
use super::find::{code, find};
use crate::answer;
use crate::moment::times;
use crate::page::page;

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
        let mut at = self.at_page(r.at.clone(), &r.page_token, &metadata).await?;
        let places = (&r.code, &r.parent_code);
        let wanted = (places, &r.indicator, r.holding_only, &mask);
        let arguments = (wanted, times(at, r.at.as_ref()));
        let page = page(r.page_size, &r.page_token, arguments)?;
        at.position = page.position.or(at.position);
        let state = self.shared.read();
        let reading = at.reading(&state);
        let named = !r.code.is_empty();
        let ids = match r.code.as_str() {
            "" => within(&reading, "parent_code", &r.parent_code)?,
            code => vec![find(&reading, "code", code)?],
        };
        let holds = |entry: &FigureEntry<'_>| {
            !r.holding_only || entry.corrected_by.or(entry.retracted_by).is_none()
        };
        let figures = ids.into_iter().flat_map(|id| {
            let history = reading.history(id, indicator.as_ref()).into_iter();
            history.map(move |entry| (id, entry))
        });
        let figures = figures.filter(|(_, entry)| holds(entry));
        // One more than the page holds tells that there is another.
        let figures = figures.take(page.start.saturating_add(page.size).saturating_add(1));
        let (figures, next_page_token) = page.of(figures.collect(), reading.position());
        let figures = figures
            .iter()
            .map(|(id, entry)| historic(&reading, *id, entry, named));
        self.respond(mask.apply(v1::ListFiguresResponse {
            figures: figures.collect(),
            next_page_token,
            at: self.answered(&state, &reading),
        })?)
    }
}

/// The localities within one, itself and those that have ended included; all of them without a code.
pub(super) fn within(
    reading: &Reading<'_>,
    field: &str,
    raw: &str,
) -> Result<Vec<LocalityId>, Status> {
    let parent = match raw {
        "" => None,
        code => Some(find(reading, field, code)?),
    };
    let is_within =
        |entry: &LocalityEntry<'_>| parent.is_none_or(|id| reading.lineage(entry.id).contains(&id));
    let localities = reading.localities_with_ended().filter(is_within);
    Ok(localities.map(|entry| entry.id).collect())
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
