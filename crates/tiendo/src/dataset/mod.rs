//! The data sets that the product carries and loads as events on its first start.
//!
//! - [`Set::Gazetteer`]: all administrative units of Vietnam, April 2023 and July 2025, and the changes between
//! - [`Set::Catalogue`]: indicators, and Plan 6559 of Khánh Hòa with its 31 models and their owners
//! - [`Set::Sample`]: the published figures of Khánh Hòa and Hà Nội
//! - [`Set::Reform`]: the mergers of Khánh Hòa's organisations in March 2025
//! - [`Set::Relations`]: which indicators are counted against which, or never above which
//!
//! They are loaded in this order, each in batches whose request ids follow from the set, its version and the batch's number.
//! So a load that was interrupted is simply begun again: what is there already is recognised.
//! For that to hold, a batch must be the same bytes on every run; a changed table needs a new version.
//!
//! The tables are in `data/`, with their sources and licences in `data/NOTICE`.

mod catalogue;
mod gazetteer;
mod reform;
mod relations;
mod sample;
mod table;

use domain::event::DatasetLoaded;
use domain::text::Moment;
use domain::{Actor, Body, CodeError, Event, LocalityCode, ModelCode};
use jiff::civil::Date;
use uuid::Uuid;

pub use catalogue::indicator_by_alias;
use gazetteer::Gazetteer;
use table::{Draft, Sources};

/// Events in a batch, at most; part of what makes a batch the same on every run.
pub const BATCH_EVENTS_MAX: usize = 2_000;

/// Namespace of the request ids.
const NAMESPACE: Uuid = Uuid::from_u128(0x7469_656e_646f_5d8a_9a3c_6461_7461_7365);

/// What is said about a set before it is loaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dataset {
    /// Its code, as in [`DatasetLoaded`].
    pub code: &'static str,
    /// Its edition, an ISO date; a changed table needs a new one.
    pub version: &'static str,
    /// What it is, in Vietnamese.
    pub title_vi: &'static str,
    /// What it is, in English.
    pub title_en: &'static str,
    /// Whose work it is and under which licence.
    pub credit: &'static str,
}

/// A set of data, in the order of loading.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Set {
    /// The administrative units.
    Gazetteer,
    /// Indicators, groups, models, owners.
    Catalogue,
    /// Published figures.
    Sample,
    /// What became of organisations.
    Reform,
    /// How indicators are related.
    Relations,
}

/// Why a set cannot be read: a mistake in an embedded table, which tests exclude.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DatasetError {
    /// A table is no CSV, or a field cannot be read.
    #[error("{file} cannot be read")]
    Table {
        /// The table.
        file: &'static str,
        /// The record and the field.
        source: csv::Error,
    },
    /// A code that cannot be one.
    #[error("a code in a table is refused")]
    Code(#[from] CodeError),
    /// A unit whose parent is missing or not above it.
    #[error("{file}: the parent of unit {code} is missing or not above it")]
    UnitWithoutParent {
        /// The table.
        file: &'static str,
        /// The unit.
        code: LocalityCode,
    },
    /// A unit that the list does not have.
    #[error("{file}: no unit has the code {code}")]
    UnknownUnit {
        /// The table.
        file: &'static str,
        /// The code.
        code: LocalityCode,
    },
    /// A name that no locality, or more than one, had on the date.
    #[error("{file}: there is not exactly one {place} on {on}")]
    UnknownPlace {
        /// The table.
        file: &'static str,
        /// The names from the province down.
        place: String,
        /// The date.
        on: Date,
    },
    /// An indicator that is not in the catalogue.
    #[error("{file}: no indicator is called {name}")]
    UnknownIndicator {
        /// The table.
        file: &'static str,
        /// The name.
        name: String,
    },
    /// A source that is not among the sources.
    #[error("{file}: no source is called {name}")]
    UnknownSource {
        /// The table.
        file: &'static str,
        /// The name.
        name: String,
    },
    /// A model in no group.
    #[error("the model {0} is in no group")]
    UnknownGroup(ModelCode),
    /// An edition that is not an ISO date.
    #[error("the version of data set {0} is not a date")]
    Version(&'static str),
}

impl Set {
    /// All sets, in the order of loading.
    ///
    /// A new set comes last, so that nothing of those before it moves to another position.
    pub const ALL: [Self; 5] = [
        Self::Gazetteer,
        Self::Catalogue,
        Self::Sample,
        Self::Reform,
        Self::Relations,
    ];

    /// What the set is.
    #[must_use]
    pub const fn dataset(self) -> Dataset {
        match self {
            Self::Gazetteer => Dataset {
                code: "gazetteer",
                version: "2025-07-01",
                title_vi: "Danh mục đơn vị hành chính 2023 và 2025",
                title_en: "Administrative units of 2023 and 2025",
                credit: "ThangLeQuoc/vietnamese-provinces-database (MIT); dvhcvn/20250701 (MIT)",
            },
            Self::Catalogue => Dataset {
                code: "catalogue",
                version: "2023-07-04",
                title_vi: "Chỉ tiêu, nhóm, mô hình và cơ quan chủ trì",
                title_en: "Indicators, groups, models and owners",
                credit: "Compiled for Tiendo from published sources; names of models are indicative",
            },
            Self::Sample => Dataset {
                code: "sample",
                version: "2023-07-31",
                title_vi: "Số liệu đã công bố của Khánh Hòa và Hà Nội",
                title_en: "Published figures of Khánh Hòa and Hà Nội",
                credit: "Published facts; the source of each figure is in its event",
            },
            Self::Reform => Dataset {
                code: "reform",
                version: "2025-03-31",
                title_vi: "Sáp nhập cơ quan tháng 3/2025 ở Khánh Hòa",
                title_en: "Mergers of organisations in Khánh Hòa, March 2025",
                credit: "Compiled for Tiendo; indicative, what each rests on is in its event",
            },
            Self::Relations => Dataset {
                code: "relations",
                version: "2023-07-04",
                title_vi: "Quan hệ giữa các chỉ tiêu",
                title_en: "Relations between indicators",
                credit: "Compiled for Tiendo from the denominators of published figures",
            },
        }
    }

    /// The request id of a batch, counted from 0; the same on every machine.
    #[must_use]
    pub fn request_id(self, batch: usize) -> Uuid {
        let Dataset { code, version, .. } = self.dataset();
        Uuid::new_v5(&NAMESPACE, format!("{code}/{version}/{batch}").as_bytes())
    }

    /// All events, in order; the last is the [`DatasetLoaded`] that counts those before it.
    ///
    /// Their request ids are those of [`Set::batches`].
    ///
    /// # Errors
    ///
    /// [`DatasetError`] if an embedded table has a mistake.
    pub fn events(self) -> Result<Vec<Event>, DatasetError> {
        let mut drafts = self.drafts()?;
        drafts.push(self.loaded(drafts.len())?);
        let actor = Actor {
            organisation: "Tiendo".to_owned(),
            office: "Bộ dữ liệu kèm theo".to_owned(),
        };
        let mut events = Vec::with_capacity(drafts.len());
        for (index, draft) in drafts.into_iter().enumerate() {
            let Draft { effective, body } = draft;
            let request_id = match events.last() {
                Some(Event { request_id, .. }) if index % BATCH_EVENTS_MAX > 0 => *request_id,
                _ => self.request_id(index / BATCH_EVENTS_MAX),
            };
            events.push(Event {
                request_id,
                actor: actor.clone(),
                effective,
                body,
                confirmed: Vec::new(),
                findings: Vec::new(),
                traceparent: None,
            });
        }
        Ok(events)
    }

    /// All events in batches of [`BATCH_EVENTS_MAX`], each with the request id that all its events carry.
    ///
    /// # Errors
    ///
    /// As [`Set::events`].
    pub fn batches(self) -> Result<Vec<(Uuid, Vec<Event>)>, DatasetError> {
        let mut events = self.events()?.into_iter().peekable();
        let mut batches = Vec::new();
        while events.peek().is_some() {
            let batch: Vec<Event> = events.by_ref().take(BATCH_EVENTS_MAX).collect();
            batches.push((self.request_id(batches.len()), batch));
        }
        Ok(batches)
    }

    fn drafts(self) -> Result<Vec<Draft>, DatasetError> {
        let gazetteer = Gazetteer::read()?;
        match self {
            Self::Gazetteer => Ok(gazetteer.drafts()),
            Self::Catalogue => catalogue::drafts(&gazetteer, &Sources::read()?),
            Self::Sample => sample::drafts(&gazetteer, &Sources::read()?),
            Self::Reform => reform::drafts(&gazetteer),
            Self::Relations => relations::drafts(),
        }
    }

    /// The mark that the set is complete.
    fn loaded(self, events: usize) -> Result<Draft, DatasetError> {
        let Dataset {
            code,
            version,
            credit,
            ..
        } = self.dataset();
        let edition: Date = version.parse().map_err(|_| DatasetError::Version(code))?;
        Ok(Draft {
            effective: Moment::end_of(edition),
            body: Body::DatasetLoaded(DatasetLoaded {
                dataset: code.parse()?,
                version: version.to_owned(),
                events: events as u64,
                credit: credit.to_owned(),
            }),
        })
    }
}

#[cfg(test)]
mod tests;
