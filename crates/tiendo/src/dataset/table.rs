//! Reads the embedded tables: CSV with a header, one record a line, UTF-8 in NFC.
//!
//! The fields are read into the domain's own types, so a bad code, date or percentage is reported with its file and line.

use domain::event::{Name, Source};
use domain::text::{Moment, nfc};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::DatasetError;

/// One embedded table.
#[derive(Debug, Clone, Copy)]
pub(super) struct Table {
    /// Its file name, for errors.
    pub(super) file: &'static str,
    /// Its content.
    pub(super) text: &'static str,
}

/// Embeds a table out of `data/`.
macro_rules! table {
    ($file:literal) => {
        $crate::dataset::table::Table {
            file: $file,
            text: include_str!(concat!("../../data/", $file)),
        }
    };
}
pub(super) use table;

impl Table {
    /// All records, in the order of the file.
    pub(super) fn rows<T: DeserializeOwned>(self) -> Result<Vec<T>, DatasetError> {
        csv::Reader::from_reader(self.text.as_bytes())
            .deserialize()
            .collect::<Result<_, _>>()
            .map_err(|source| DatasetError::Table {
                file: self.file,
                source,
            })
    }
}

/// The items of a field that holds several, separated by `;`.
pub(super) fn list(field: &str) -> Vec<String> {
    field
        .split(';')
        .map(str::trim)
        .filter(|item| !item.is_empty())
        .map(str::to_owned)
        .collect()
}

/// A name in both languages, the Vietnamese one in NFC.
pub(super) fn name(vi: &str, en: impl Into<String>) -> Name {
    Name {
        vi: nfc(vi).into_owned(),
        en: en.into(),
    }
}

/// A source that is known by its title only.
pub(super) fn titled(title: impl Into<String>) -> Source {
    Source {
        title: title.into(),
        url: String::new(),
    }
}

/// The names of a locality and of those above it, without what they are: `Hà Nội / Hà Đông`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(from = "String")]
pub(super) struct Place(Vec<String>);

impl From<String> for Place {
    fn from(text: String) -> Self {
        Self::of(text.split('/'))
    }
}

impl Place {
    /// From the province down; empty names are left out.
    pub(super) fn of<'a>(names: impl IntoIterator<Item = &'a str>) -> Self {
        let names = names
            .into_iter()
            .map(str::trim)
            .filter(|name| !name.is_empty());
        Self(names.map(str::to_owned).collect())
    }

    /// The names, from the province down.
    pub(super) fn names(&self) -> &[String] {
        &self.0
    }
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0.join(" / "))
    }
}

/// An article or a report that figures come from.
#[derive(Debug, Deserialize)]
struct SourceRow {
    /// Short name used in our own tables.
    key: String,
    /// How `figures.csv` names it.
    printed: String,
    title: String,
    url: String,
}

/// The articles and reports, by key or by the text in `figures.csv`.
#[derive(Debug)]
pub(super) struct Sources(Vec<SourceRow>);

impl Sources {
    /// Reads `sources.csv`.
    pub(super) fn read() -> Result<Self, DatasetError> {
        table!("sources.csv").rows().map(Self)
    }

    /// The source that a record of `file` names.
    pub(super) fn get(&self, file: &'static str, text: &str) -> Result<Source, DatasetError> {
        self.0
            .iter()
            .find(|row| row.key == text || row.printed == text)
            .map(|row| Source {
                title: row.title.clone(),
                url: row.url.clone(),
            })
            .ok_or_else(|| DatasetError::UnknownSource {
                file,
                name: text.to_owned(),
            })
    }
}

/// An event without what every event has: its request and its actor.
#[derive(Debug)]
pub(super) struct Draft {
    /// The moment it speaks of.
    pub(super) effective: Moment,
    /// What happened.
    pub(super) body: domain::Body,
}
