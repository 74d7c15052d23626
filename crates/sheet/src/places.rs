//! Which locality a record names.
//!
//! A name is looked up as spelled first, then without its diacritics; each time as it stands, then as a kind and a name (`TX Kỳ Anh`),
//! and only below the places that the record names above it.
//! What more than one place answers to is never guessed: the candidates are told.

use std::collections::HashMap;

use domain::Reason;
use domain::text::name::{PlaceKind, readings, spelling, strip_prefix};
use domain::text::{Moment, fold};
use jiff::civil::Date;
use wire::v1;
use wire::v1::Level;

use crate::column::Column;
use crate::problem::{FileReason, Found};

/// Candidates that a problem names, at most.
const CANDIDATES_MAX: usize = 8;
/// How officials shorten a name, folded.
const SHORT_NAMES: [(&str, &str); 2] = [("hcm", "ho chi minh"), ("tphcm", "ho chi minh")];

/// The localities of each period, oldest first.
#[derive(Debug, Default)]
pub struct Register {
    periods: Vec<(Date, Places)>,
}

impl Register {
    /// Adds the localities that are valid from a date on; later dates are added later.
    pub fn add(&mut self, from: Date, places: Places) {
        self.periods.push((from, places));
    }

    /// Those of a date, and since when they are valid: of the last period that has begun, else of the first.
    pub(crate) fn on(&self, date: Date) -> Option<(Date, &Places)> {
        let begun = self.periods.iter().rev().find(|(from, _)| *from <= date);
        let period = begun.or(self.periods.first());
        period.map(|(from, places)| (*from, places))
    }

    /// Those of every period, oldest first.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Places> {
        self.periods.iter().map(|(_, places)| places)
    }
}

/// The localities that are valid on a date.
#[derive(Debug, Default)]
pub struct Places {
    places: Vec<Place>,
    by_code: HashMap<String, usize>,
    spelled: HashMap<(Level, String), Vec<usize>>,
    folded: HashMap<(Level, String), Vec<usize>>,
}

/// One locality.
#[derive(Debug)]
pub(crate) struct Place {
    code: String,
    since: String,
    name: String,
    kind: Option<PlaceKind>,
    parent_code: String,
}

/// What a record says of its place; what it leaves open is empty.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Named<'a> {
    /// Code of the locality.
    pub(crate) code: &'a str,
    /// Name of the province.
    pub(crate) province: &'a str,
    /// Name of the district.
    pub(crate) district: &'a str,
    /// Name of the commune.
    pub(crate) commune: &'a str,
}

/// What is wrong with a record's place, and in which column.
pub(crate) type Refused = (Column, Found);

impl Place {
    /// Its code and identity.
    pub(crate) fn to_ref(&self) -> v1::LocalityRef {
        v1::LocalityRef {
            code: self.code.clone(),
            since: self.since.clone(),
        }
    }
}

impl FromIterator<v1::LocalityHead> for Places {
    fn from_iter<T: IntoIterator<Item = v1::LocalityHead>>(heads: T) -> Self {
        let mut places = Self::default();
        for head in heads {
            places.add(head);
        }
        places
    }
}

impl Places {
    fn add(&mut self, head: v1::LocalityHead) {
        let level = head.level();
        let identity = head.r#ref.unwrap_or_default();
        let name = head.name.unwrap_or_default().vi;
        let index = self.places.len();
        let (kind, bare) = strip_prefix(&name);
        for name in [name.as_str(), bare] {
            let spelled = self.spelled.entry((level, spelled_key(name))).or_default();
            if spelled.last() != Some(&index) {
                spelled.push(index);
            }
            let folded = self.folded.entry((level, folded_key(name))).or_default();
            if folded.last() != Some(&index) {
                folded.push(index);
            }
        }
        self.by_code.insert(identity.code.clone(), index);
        self.places.push(Place {
            code: identity.code,
            since: identity.since,
            kind,
            name,
            parent_code: head.parent_code,
        });
    }

    /// Whether a place of this identity is among them.
    pub(crate) fn has(&self, code: &str, since: Date) -> bool {
        let place = self.by_code.get(code).map(|index| &self.places[*index]);
        place.is_some_and(|place| place.since.parse().is_ok_and(|of: Date| of == since))
    }

    /// The one place that a record names.
    pub(crate) fn find(
        &self,
        named: Named<'_>,
        date: Option<&Moment>,
    ) -> Result<&Place, Vec<Refused>> {
        let by_code = (!named.code.is_empty()).then(|| self.by_code(named.code, date));
        let by_name = self.by_name(named, date);
        let found = match (by_code, by_name) {
            (None, None) => {
                return Err(vec![(
                    Column::Province,
                    Found::known(
                        Reason::Required,
                        "no place is named; give its names or its code",
                    ),
                )]);
            }
            (Some(code), None) => code.map_err(|refused| vec![refused])?,
            (None, Some(names)) => self.only(names.map_err(|refused| vec![refused])?)?,
            (Some(Ok(code)), Some(Ok(names))) => self.agreed(code, &names)?,
            (Some(code), Some(names)) => {
                return Err([code.err(), names.err()].into_iter().flatten().collect());
            }
        };
        Ok(&self.places[found])
    }

    fn by_code(&self, code: &str, date: Option<&Moment>) -> Result<usize, Refused> {
        if let Some(index) = self.by_code.get(code) {
            return Ok(*index);
        }
        let code_error = code.parse::<domain::LocalityCode>().err();
        let padded = [2, 3, 5].map(|width| format!("{code:0>width$}"));
        let padded: Vec<String> = padded
            .iter()
            .filter(|padded| padded.len() > code.len() && code_error.is_some())
            .filter_map(|padded| self.by_code.get(padded.as_str()))
            .map(|index| self.label(*index))
            .collect();
        let found = match code_error {
            Some(error) if padded.is_empty() => Found::known(Reason::CodeFormat, error.to_string()),
            Some(error) => {
                let padded = padded.join(", ");
                let detail = format!("{error}; a spreadsheet drops leading zeros: is it {padded}?");
                Found::known(Reason::CodeFormat, detail)
            }
            None => {
                let detail = format!(
                    "no place has the code {code}{}; find it with `tiendo locality list`",
                    on(date)
                );
                Found::known(Reason::UnknownLocality, detail)
            }
        };
        Err((Column::Code, found))
    }

    /// The places that the names may mean, with the column and the name of the last; none if there are no names.
    fn by_name<'a>(
        &self,
        named: Named<'a>,
        date: Option<&Moment>,
    ) -> Option<Result<Candidates<'a>, Refused>> {
        let levels = [
            (Column::Province, Level::Province, named.province),
            (Column::District, Level::District, named.district),
            (Column::Commune, Level::Commune, named.commune),
        ];
        let mut found: Option<Candidates<'a>> = None;
        for (column, level, text) in levels {
            if text.is_empty() {
                continue;
            }
            let above = found.as_ref().map(|found| found.indices.as_slice());
            let indices = self.lookup(level, text, above);
            if indices.is_empty() {
                return Some(Err((column, self.unknown(level, text, above, date))));
            }
            found = Some(Candidates {
                column,
                text,
                indices,
            });
        }
        found.map(Ok)
    }

    fn lookup(&self, level: Level, text: &str, above: Option<&[usize]>) -> Vec<usize> {
        let by = |names: &HashMap<(Level, String), Vec<usize>>, key: fn(&str) -> String| {
            readings(text).find_map(|(kind, name)| {
                let named = names.get(&(level, key(name)))?;
                let is_meant = |index: &&usize| {
                    (kind.is_none() || self.places[**index].kind == kind)
                        && self.is_below(**index, above)
                };
                let meant: Vec<usize> = named.iter().filter(is_meant).copied().collect();
                (!meant.is_empty()).then_some(meant)
            })
        };
        by(&self.spelled, spelled_key)
            .or_else(|| by(&self.folded, folded_key))
            .unwrap_or_default()
    }

    /// Whether one of the places is above this one, at any distance.
    fn is_below(&self, index: usize, above: Option<&[usize]>) -> bool {
        above.is_none_or(|above| self.ancestors(index).any(|parent| above.contains(&parent)))
    }

    /// The places above, nearest first.
    fn ancestors(&self, index: usize) -> impl Iterator<Item = usize> {
        let parent = |index: &usize| self.by_code.get(&self.places[*index].parent_code).copied();
        // Three levels; a register in which a place were above itself must not hold us up.
        std::iter::successors(parent(&index), parent).take(2)
    }

    fn only(&self, candidates: Candidates<'_>) -> Result<usize, Vec<Refused>> {
        match candidates.indices.as_slice() {
            [one] => Ok(*one),
            many => Err(vec![(
                candidates.column,
                self.ambiguous(candidates.text, many),
            )]),
        }
    }

    /// The place that a code names, if the names mean it or one above it.
    fn agreed(&self, code: usize, names: &Candidates<'_>) -> Result<usize, Vec<Refused>> {
        let means = |index: usize| names.indices.contains(&index);
        if means(code) || self.ancestors(code).any(means) {
            return Ok(code);
        }
        let (label, other) = (self.label(code), self.list(&names.indices));
        let text = excerpt(names.text);
        let found = Found::of_file(
            FileReason::PlaceContradicts,
            format!("mã là của {label}, nhưng «{text}» là {other}; hãy sửa mã hoặc tên"),
            format!("the code is that of {label}, but '{text}' is {other}; correct one of them"),
        );
        Err(vec![(Column::Code, found)])
    }

    fn ambiguous(&self, text: &str, candidates: &[usize]) -> Found {
        let (list, text) = (self.list(candidates), excerpt(text));
        Found::of_file(
            FileReason::AmbiguousPlace,
            format!("«{text}» có thể là: {list}; hãy ghi đầy đủ tên, hoặc ghi mã vào cột code"),
            format!(
                "'{text}' may be any of {list}; write the name in full, or its code in a column 'code'"
            ),
        )
    }

    fn unknown(
        &self,
        level: Level,
        text: &str,
        above: Option<&[usize]>,
        date: Option<&Moment>,
    ) -> Found {
        if level == Level::District && !self.spelled.keys().any(|(known, _)| *known == level) {
            let detail = "districts ended on 30 June 2025; leave it empty and name the commune";
            return Found::known(Reason::LocalityNotValid, detail);
        }
        let below = above
            .and_then(|above| above.first())
            .map_or_else(String::new, |above| format!(" in {}", self.label(*above)));
        let key = folded_key(strip_prefix(text).1);
        let levels = [Level::Province, Level::District, Level::Commune];
        let elsewhere: Vec<usize> = levels
            .iter()
            .filter_map(|level| self.folded.get(&(*level, key.clone())))
            .flatten()
            .copied()
            .collect();
        let advice = if elsewhere.is_empty() {
            "check the spelling, or write its code in a column 'code'".to_owned()
        } else {
            format!("of that name there is {}", self.list(&elsewhere))
        };
        let what = match level {
            Level::Province => "province",
            Level::District => "district",
            Level::Commune | Level::Unspecified => "commune",
        };
        let detail = format!(
            "no {what} is called '{}'{below}{}; {advice}",
            excerpt(text),
            on(date)
        );
        Found::known(Reason::UnknownLocality, detail)
    }

    /// `Thị xã Kỳ Anh (449)`.
    fn label(&self, index: usize) -> String {
        let place = &self.places[index];
        format!("{} ({})", place.name, place.code)
    }

    /// The places by name and code; with what is above them where that tells them apart.
    fn list(&self, indices: &[usize]) -> String {
        let parent = |index: &usize| &self.places[*index].parent_code;
        let is_one_parent = indices
            .windows(2)
            .all(|pair| parent(&pair[0]) == parent(&pair[1]));
        let labels = indices.iter().take(CANDIDATES_MAX).map(|index| {
            let above = self.ancestors(*index).next();
            match above {
                Some(above) if !is_one_parent => {
                    format!("{}, {}", self.label(*index), self.places[above].name)
                }
                _ => self.label(*index),
            }
        });
        let mut list = labels.collect::<Vec<_>>().join("; ");
        if indices.len() > CANDIDATES_MAX {
            list = format!("{list}; … ({})", indices.len());
        }
        list
    }
}

/// The places that names may mean.
#[derive(Debug)]
struct Candidates<'a> {
    /// The column of the last name.
    column: Column,
    /// The last name.
    text: &'a str,
    indices: Vec<usize>,
}

/// The key of a name as spelled; `Phường 01` and `Phường 1` are the same.
fn spelled_key(name: &str) -> String {
    without_zeros(spelling(name))
}

fn folded_key(name: &str) -> String {
    let key = without_zeros(fold(name));
    match SHORT_NAMES.iter().find(|(short, _)| *short == key) {
        Some((_, long)) => (*long).to_owned(),
        None => key,
    }
}

fn without_zeros(key: String) -> String {
    let is_number = !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_digit());
    if is_number {
        key.trim_start_matches('0').to_owned()
    } else {
        key
    }
}

/// The start of a name, fit to be repeated.
fn excerpt(text: &str) -> String {
    text.chars()
        .take(60)
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect()
}

fn on(date: Option<&Moment>) -> String {
    date.map_or_else(String::new, |date| format!(" on {}", date.date()))
}
