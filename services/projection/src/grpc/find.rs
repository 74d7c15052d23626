//! What a request names: codes, localities, levels.

use domain::{IndicatorCode, Level, LocalityCode, LocalityId, ModelCode, Reason, Violation};
use state::{LocalityEntry, Lookup, Reading, State};
use tonic::{Code, Status};
use wire::status::{invalid, with_reason};
use wire::v1;

use super::reform::day;
use crate::answer;

/// Nobody has the name asked for.
const REASON_UNKNOWN: &str = "UNKNOWN_ORGANISATION";
/// Most names that are offered for one that nobody has.
const SIMILAR_MAX: usize = 5;

/// A code; what is wrong with it is told by its field.
pub(super) fn code<T: std::str::FromStr<Err: std::fmt::Display>>(
    field: &str,
    raw: &str,
) -> Result<T, Status> {
    raw.trim().parse().map_err(|error: T::Err| {
        invalid(&[Violation::new(field, Reason::CodeFormat, error.to_string())])
    })
}

/// A code if one is stated.
pub(super) fn maybe_code<T: std::str::FromStr<Err: std::fmt::Display>>(
    field: &str,
    raw: &str,
) -> Result<Option<T>, Status> {
    match raw {
        "" => Ok(None),
        raw => code(field, raw).map(Some),
    }
}

/// The identity that has the code on the day; an ended one is found by the day it existed on.
pub(super) fn find(reading: &Reading<'_>, field: &str, raw: &str) -> Result<LocalityId, Status> {
    let code: LocalityCode = code(field, raw)?;
    match reading.resolve(code) {
        Lookup::Found(id) => Ok(id),
        Lookup::Unknown => Err(with_reason(
            Code::NotFound,
            Reason::UnknownLocality.code(),
            format!("no locality on record ever had the code {code}"),
        )),
        Lookup::NotValid(lives) => {
            let lives: Vec<String> = lives.iter().map(|life| describe(reading, life)).collect();
            Err(with_reason(
                Code::NotFound,
                Reason::LocalityNotValid.code(),
                format!(
                    "{code} does not exist on {}; it was {}; ask with as_of for a day on which it did",
                    reading.as_of(),
                    lives.join("; ")
                ),
            ))
        }
    }
}

/// The identity of a code that began on a day, whatever day is asked about.
pub(super) fn identity(
    reading: &Reading<'_>,
    field: &str,
    (raw, since): (&str, &str),
) -> Result<LocalityId, Status> {
    let id = LocalityId {
        code: code(&format!("{field}.code"), raw)?,
        since: day(&format!("{field}.since"), since)?,
    };
    if reading.life(id).is_some() {
        return Ok(id);
    }
    let message = format!("no locality on record is {id}");
    let reason = Reason::UnknownLocality.code();
    Err(with_reason(Code::NotFound, reason, message))
}

/// Whether an organisation is named at all.
pub(super) fn named(field: &str, name: &str) -> Result<(), Status> {
    if !name.trim().is_empty() {
        return Ok(());
    }
    let detail = "say which organisation; its name may be written without diacritics";
    let violation = Violation::new(field, Reason::Required, detail);
    Err(invalid(&[violation]))
}

/// An organisation as it is written on record.
pub(super) fn organisation<'a>(
    reading: &Reading<'a>,
    field: &str,
    name: &str,
) -> Result<&'a str, Status> {
    named(field, name)?;
    reading.organisation(name).map_err(|similar| {
        let meant = match similar.as_slice() {
            [] => String::new(),
            similar => {
                let offered = similar.iter().take(SIMILAR_MAX).copied();
                format!("; did you mean {}", offered.collect::<Vec<_>>().join(", "))
            }
        };
        let message = format!("nobody on record is called '{}'{meant}", name.trim());
        with_reason(Code::NotFound, REASON_UNKNOWN, message)
    })
}

/// An indicator's definition.
pub(super) fn defined(
    state: &State,
    reading: &Reading<'_>,
    indicator: &IndicatorCode,
) -> Result<v1::IndicatorDefined, Status> {
    answer::indicator(state, reading, indicator).ok_or_else(|| {
        let message =
            format!("the indicator '{indicator}' is not defined; list them with ListIndicators");
        with_reason(Code::NotFound, Reason::UnknownIndicator.code(), message)
    })
}

/// Whether a model is defined, at whatever moment was read.
pub(super) fn known_model(reading: &Reading<'_>, model: &ModelCode) -> Result<(), Status> {
    if reading.model(model).is_some() {
        return Ok(());
    }
    let message = format!("the model '{model}' is not defined; list them with ListModels");
    let reason = Reason::UnknownModel.code();
    Err(with_reason(Code::NotFound, reason, message))
}

/// The existing localities of a level below a code at any depth, or in the whole country without one.
///
/// Without a level they are those directly below, or provinces.
pub(super) fn below<'a>(
    reading: &Reading<'a>,
    parent_code: &str,
    level: Option<Level>,
) -> Result<Vec<LocalityEntry<'a>>, Status> {
    if parent_code.is_empty() {
        let level = level.unwrap_or(Level::Province);
        let all = reading.localities();
        return Ok(all.filter(|entry| entry.level() == level).collect());
    }
    let parent = find(reading, "parent_code", parent_code)?;
    let level = level.or_else(|| directly_below(reading, parent));
    Ok(level.map_or_else(Vec::new, |level| reading.descendants(parent, level)))
}

/// The identities of the localities that [`below`] gives.
pub(super) fn ids_below(
    reading: &Reading<'_>,
    parent_code: &str,
    level: Option<Level>,
) -> Result<Vec<LocalityId>, Status> {
    if parent_code.is_empty() {
        let level = level.unwrap_or(Level::Province);
        return Ok(reading.ids_of(level).collect());
    }
    let parent = find(reading, "parent_code", parent_code)?;
    let level = level.or_else(|| directly_below(reading, parent));
    Ok(level.map_or_else(Vec::new, |level| reading.ids_within(parent, level)))
}

/// The level of what lies directly in a locality.
fn directly_below(reading: &Reading<'_>, parent: LocalityId) -> Option<Level> {
    reading.children(parent).first().map(LocalityEntry::level)
}

/// What an identity was called, from when until when, and who came after it.
fn describe(reading: &Reading<'_>, life: &state::Life<'_>) -> String {
    let start = life
        .start
        .map_or_else(String::new, |start| format!(" from {start}"));
    let end = life
        .end
        .map_or_else(String::new, |end| format!(" until before {end}"));
    let successors: Vec<String> = life
        .successors
        .iter()
        .map(|successor| {
            let id = successor.locality;
            let name = reading.life(id).map_or("", |life| life.name.vi.as_str());
            format!("{name} ({id})")
        })
        .collect();
    let then = if successors.is_empty() { "" } else { ", then " };
    format!(
        "{}{start}{end}{then}{}",
        life.name.vi,
        successors.join(", ")
    )
}

pub(super) fn level(number: i32) -> Result<Option<Level>, Status> {
    match v1::Level::try_from(number) {
        Ok(v1::Level::Unspecified) => Ok(None),
        Ok(v1::Level::Province) => Ok(Some(Level::Province)),
        Ok(v1::Level::District) => Ok(Some(Level::District)),
        Ok(v1::Level::Commune) => Ok(Some(Level::Commune)),
        Err(_) => {
            let detail = format!("{number} is no level known");
            Err(invalid(&[Violation::new(
                "level",
                Reason::ValueUnspecified,
                detail,
            )]))
        }
    }
}
