//! The models of many localities.

use std::hash::Hash;

use domain::text::{Moment, collation_key};
use domain::{GroupCode, Level, ModelCode, Reason};
use jiff::civil::Date;
use state::{ModelEntry, Reading, State};
use tonic::{Code, Status};
use wire::mask::Mask;
use wire::status::with_reason;
use wire::v1;

use super::find::{below, code, known_model, level};
use super::list::Listed;
use crate::answer;
use crate::freshness::Freshness;
use crate::moment::{At, answered};
use crate::page::{Page, page, total};

/// Most rows of a page: each has a cell for every model.
const ROWS_MAX: i32 = 200;

/// What is asked, as far as it is read before anything is waited for.
pub(crate) struct Asked {
    request: v1::GetModelMatrixRequest,
    mask: Mask<v1::GetModelMatrixResponse>,
    page: Page,
    level: Option<Level>,
    wanted: Wanted,
}

impl Listed for Asked {
    type Request = v1::GetModelMatrixRequest;
    type Answer = v1::GetModelMatrixResponse;

    fn at(request: &Self::Request) -> Option<v1::ReadAt> {
        request.at.clone()
    }

    fn read(r: Self::Request, times: impl Hash) -> Result<Self, Status> {
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

    fn page(&self) -> &Page {
        &self.page
    }

    fn answer(&self, state: &State, fresh: Freshness, at: At) -> Result<Self::Answer, Status> {
        let Asked {
            request: r,
            mask,
            page,
            level,
            wanted,
        } = self;
        let reading = at.reading(state);
        // A model that is defined only later has no column, but is no mistake.
        let whenever = state.at(Moment::end_of(Date::MAX), reading.position());
        wanted.check(&whenever)?;
        let mut localities = below(&reading, &r.parent_code, *level)?;
        localities.sort_by_cached_key(|entry| (collation_key(&entry.name.vi), entry.id));
        let mut models = reading.models_among(localities.iter().map(|entry| entry.id));
        models.retain(|entry| wanted.is(entry));
        let total_size = total(&localities);
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
