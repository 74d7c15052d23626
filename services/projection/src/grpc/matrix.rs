//! The models of many localities.

use std::hash::Hash;

use domain::text::{Moment, collation_key};
use domain::{GroupCode, Level, ModelCode, Reason};
use jiff::civil::Date;
use state::{ModelEntry, Reading, State};
use tonic::{Code, Request, Response, Status};
use wire::mask::Mask;
use wire::status::with_reason;
use wire::v1;

use super::QueryApi;
use super::find::{below, code, known_model, level};
use crate::answer;
use crate::freshness::Freshness;
use crate::moment::{At, answered};
use crate::page::{Page, page};

/// Most rows of a page: each has a cell for every model.
const ROWS_MAX: i32 = 200;

impl QueryApi {
    pub(super) async fn matrix(
        &self,
        request: Request<v1::GetModelMatrixRequest>,
    ) -> Result<Response<v1::GetModelMatrixResponse>, Status> {
        let (metadata, _, r) = request.into_parts();
        let times = self.times(r.at.clone())?;
        let asked = Asked::read(r, times.asked())?;
        let first = asked.page.position;
        let at = self.at_first(times, first, &metadata).await?;
        let state = self.shared.read();
        let answer = matrix(&state, self.shared.freshness(&state), at, &asked)?;
        self.respond(answer)
    }
}

/// What is asked, as far as it is read before anything is waited for.
pub(crate) struct Asked {
    request: v1::GetModelMatrixRequest,
    mask: Mask<v1::GetModelMatrixResponse>,
    pub(crate) page: Page,
    level: Option<Level>,
    wanted: Wanted,
}

impl Asked {
    /// # Errors
    /// A part that the answer has not, a page that is none or another question's, and what is no level or no code.
    pub(crate) fn read(r: v1::GetModelMatrixRequest, times: impl Hash) -> Result<Self, Status> {
        let mask = Mask::read(r.read_mask.as_ref())?;
        let named = (&r.parent_code, r.level, &r.group, &r.model);
        let arguments = (named, &mask, times);
        let page = page(r.page_size.min(ROWS_MAX), &r.page_token, arguments)?;
        Ok(Self {
            mask,
            page,
            level: level(r.level)?,
            wanted: Wanted::read(&r.group, &r.model)?,
            request: r,
        })
    }
}

/// What is answered of a state, from which the two times were read.
pub(crate) fn matrix(
    state: &State,
    fresh: Freshness,
    at: At,
    asked: &Asked,
) -> Result<v1::GetModelMatrixResponse, Status> {
    let Asked {
        request: r,
        mask,
        page,
        level,
        wanted,
    } = asked;
    let reading = at.reading(state);
    // A model that is defined only later has no column, but is no mistake.
    let whenever = state.at(Moment::end_of(Date::MAX), reading.position());
    wanted.check(&whenever)?;
    let mut localities = below(&reading, &r.parent_code, *level)?;
    localities.sort_by_cached_key(|entry| (collation_key(&entry.name.vi), entry.id));
    let mut models = reading.models_among(localities.iter().map(|entry| entry.id));
    models.retain(|entry| wanted.is(entry));
    let total_size = i32::try_from(localities.len()).unwrap_or(i32::MAX);
    let (localities, next_page_token) = page.of(localities, reading.position());
    let rows = localities
        .iter()
        .map(|entry| answer::matrix_row(&reading, entry, &models));
    mask.apply(v1::GetModelMatrixResponse {
        rows: rows.collect(),
        models: models
            .iter()
            .map(|entry| answer::model(&reading, entry, None))
            .collect(),
        next_page_token,
        total_size,
        at: Some(answered(fresh, state, &reading)),
    })
}

/// Which models are asked for.
struct Wanted {
    group: Option<GroupCode>,
    model: Option<ModelCode>,
}

impl Wanted {
    fn read(group: &str, model: &str) -> Result<Self, Status> {
        let group = match group {
            "" => None,
            raw => Some(code("group", raw)?),
        };
        let model = match model {
            "" => None,
            raw => Some(code("model", raw)?),
        };
        Ok(Self { group, model })
    }

    /// Refuses those that are not defined at whatever moment was read.
    fn check(&self, reading: &Reading<'_>) -> Result<(), Status> {
        let group = self.group.as_ref();
        if let Some(group) = group.filter(|it| reading.group(it).is_none()) {
            let message = format!("the group '{group}' is not defined; list them with ListModels");
            let reason = Reason::UnknownGroup.code();
            return Err(with_reason(Code::NotFound, reason, message));
        }
        match &self.model {
            Some(model) => known_model(reading, model),
            None => Ok(()),
        }
    }

    fn is(&self, entry: &ModelEntry<'_>) -> bool {
        let defined = entry.defined;
        self.group.as_ref().is_none_or(|it| *it == defined.group)
            && self.model.as_ref().is_none_or(|it| *it == defined.model)
    }
}
