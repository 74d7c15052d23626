//! Reads the fields of a request one by one, noting each violation under its path instead of stopping at the first.

use std::fmt::Display;
use std::str::FromStr;

use domain::event::{self as d, Name, Source};
use domain::text::{Bound, Moment, Percent, PersonalDataKind, Quantity};
use domain::{
    GroupCode, IndicatorCode, LocalityCode, LocalityId, ModelCode, PlanCode, Reason, Violation,
    text,
};
use jiff::civil::Date;

use super::decode::{Reference, Resolver};
use super::view;
use crate::v1 as w;

/// Longest name, title or office, in characters.
pub(super) const LINE_CHARS_MAX: usize = 300;
/// Longest free text, in characters.
pub(super) const TEXT_CHARS_MAX: usize = 2_000;
/// Most entries in a list within one event.
const LIST_LENGTH_MAX: usize = 256;
/// Largest count: a thousand times everyone on Earth, so that products stay within 128 bits.
const COUNT_MAX: u64 = 10_000_000_000_000;

/// Control characters, and those that turn the direction of writing: either can forge a line of a table.
fn is_unprintable(c: char) -> bool {
    let turns = matches!(c, '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}');
    turns || (c.is_control() && !matches!(c, '\n' | '\t'))
}

/// Free text in NFC, if it is bounded, without control characters and personal data.
pub(super) fn clean(raw: &str, chars_max: usize) -> Result<String, (Reason, String)> {
    let clean = text::nfc(raw.trim());
    let chars = clean.chars().count();
    if chars > chars_max {
        let detail = format!("{chars} characters, at most {chars_max} are kept");
        return Err((Reason::TextFormat, detail));
    }
    if let Some(c) = clean.chars().find(|c| is_unprintable(*c)) {
        let detail = format!("control character U+{:04X}", u32::from(c));
        return Err((Reason::TextFormat, detail));
    }
    if let Some(found) = text::find_personal_data(&clean) {
        // The text itself is not repeated: what must not be kept must not be logged either.
        let what = match found.kind {
            PersonalDataKind::NationalId => "identity number",
            PersonalDataKind::Phone => "telephone number",
            PersonalDataKind::Email => "e-mail address",
        };
        let detail = format!(
            "looks like a person's {what} at character {}; remove it",
            found.at + 1
        );
        return Err((Reason::PersonalData, detail));
    }
    Ok(clean.into_owned())
}

/// Where a message stands within the request; written out only for a violation.
#[derive(Clone, Copy)]
struct Path<'a> {
    above: Option<&'a Path<'a>>,
    field: &'a str,
}

impl Path<'_> {
    fn write(&self, out: &mut String) {
        if let Some(above) = self.above {
            above.write(out);
        }
        if !out.is_empty() && !self.field.is_empty() {
            out.push('.');
        }
        out.push_str(self.field);
    }
}

/// The fields of one message, below a path.
pub(super) struct Fields<'a> {
    path: Path<'a>,
    pub(super) violations: &'a mut Vec<Violation>,
    pub(super) resolver: &'a dyn Resolver,
}

impl<'a> Fields<'a> {
    /// Those of a message that nothing stands above; `path` is where it is, empty for the request itself.
    pub(super) fn of(
        path: &'a str,
        violations: &'a mut Vec<Violation>,
        resolver: &'a dyn Resolver,
    ) -> Self {
        let path = Path {
            above: None,
            field: path,
        };
        Self {
            path,
            violations,
            resolver,
        }
    }
}

impl Fields<'_> {
    pub(super) fn refuse<T>(
        &mut self,
        field: &str,
        reason: Reason,
        detail: impl Into<String>,
    ) -> Option<T> {
        self.violations
            .push(Violation::new(self.at(field), reason, detail));
        None
    }

    fn at(&self, field: &str) -> String {
        let mut path = String::new();
        let above = Some(&self.path);
        Path { above, field }.write(&mut path);
        path
    }

    pub(super) fn below<'b>(&'b mut self, field: &'b str) -> Fields<'b> {
        Fields {
            path: Path {
                above: Some(&self.path),
                field,
            },
            violations: self.violations,
            resolver: self.resolver,
        }
    }

    fn missing<T>(&mut self, field: &str) -> Option<T> {
        self.refuse(field, Reason::Required, "must be set")
    }

    /// Free text: NFC, bounded, without control characters and personal data.
    fn checked(&mut self, field: &str, raw: &str, chars_max: usize) -> Option<String> {
        if self.resolver.trusted() || self.resolver.is_clean(raw) {
            return Some(raw.to_owned());
        }
        match clean(raw, chars_max) {
            Ok(clean) => {
                if clean == raw {
                    self.resolver.note_clean(raw);
                }
                Some(clean)
            }
            Err((reason, detail)) => self.refuse(field, reason, detail),
        }
    }

    pub(super) fn line(&mut self, field: &str, raw: &str) -> Option<String> {
        match raw.trim() {
            "" => self.missing(field),
            raw => self.checked(field, raw, LINE_CHARS_MAX),
        }
    }

    pub(super) fn optional_line(&mut self, field: &str, raw: &str) -> Option<String> {
        self.checked(field, raw, LINE_CHARS_MAX)
    }

    pub(super) fn text(&mut self, field: &str, raw: &str) -> Option<String> {
        match raw.trim() {
            "" => self.missing(field),
            raw => self.checked(field, raw, TEXT_CHARS_MAX),
        }
    }

    pub(super) fn optional_text(&mut self, field: &str, raw: &str) -> Option<String> {
        self.checked(field, raw, TEXT_CHARS_MAX)
    }

    pub(super) fn lines(&mut self, field: &str, raw: &[String]) -> Option<Vec<String>> {
        if raw.len() > LIST_LENGTH_MAX {
            let detail = format!("{} entries, at most {LIST_LENGTH_MAX} are kept", raw.len());
            return self.refuse(field, Reason::TextFormat, detail);
        }
        let lines: Vec<Option<String>> = raw
            .iter()
            .enumerate()
            .map(|(i, line)| self.line(&format!("{field}[{i}]"), line))
            .collect();
        lines.into_iter().collect()
    }

    /// A code: of its own form, and no number of a person.
    pub(super) fn code<T: FromStr<Err: Display>>(&mut self, field: &str, raw: &str) -> Option<T> {
        match raw.trim() {
            "" => self.missing(field),
            raw => match raw.parse() {
                Ok(code) => self.checked(field, raw, LINE_CHARS_MAX).map(|_| code),
                Err(error) => self.refuse(field, Reason::CodeFormat, error.to_string()),
            },
        }
    }

    /// A code of the programme's vocabulary that is kept as text.
    pub(super) fn word(&mut self, field: &str, raw: &str) -> Option<String> {
        self.code::<domain::IndicatorCode>(field, raw)
            .map(|code| code.as_str().to_owned())
    }

    /// A field that may be left empty.
    pub(super) fn optional<T>(
        &mut self,
        field: &str,
        raw: &str,
        read: impl FnOnce(&mut Self, &str, &str) -> Option<T>,
    ) -> Option<Option<T>> {
        if raw.trim().is_empty() {
            Some(None)
        } else {
            read(self, field, raw).map(Some)
        }
    }

    /// Notes it if something referred to is not on record.
    pub(super) fn refer(&mut self, field: &str, reference: &Reference<'_>) {
        if let Err((reason, detail)) = self.resolver.refer(reference) {
            self.refuse::<()>(field, reason, detail);
        }
    }

    pub(super) fn indicator(&mut self, field: &str, raw: &str) -> Option<IndicatorCode> {
        let code = self.code(field, raw)?;
        self.refer(field, &Reference::Indicator(&code));
        Some(code)
    }

    pub(super) fn model(
        &mut self,
        field: &str,
        raw: &str,
        at: Option<&Moment>,
    ) -> Option<ModelCode> {
        let code = self.code(field, raw)?;
        self.refer(field, &Reference::Model { code: &code, at });
        Some(code)
    }

    pub(super) fn group(
        &mut self,
        field: &str,
        raw: &str,
        at: Option<&Moment>,
    ) -> Option<GroupCode> {
        let code = self.code(field, raw)?;
        self.refer(field, &Reference::Group { code: &code, at });
        Some(code)
    }

    pub(super) fn plan(&mut self, field: &str, raw: &str) -> Option<PlanCode> {
        let code = self.code(field, raw)?;
        self.refer(field, &Reference::Plan(&code));
        Some(code)
    }

    pub(super) fn term<T: Copy>(&mut self, field: &str, number: i32, all: &[T]) -> Option<T> {
        let index = usize::try_from(number)
            .ok()
            .and_then(|number| number.checked_sub(1));
        match index.and_then(|index| all.get(index)) {
            Some(term) => Some(*term),
            None => self.refuse(
                field,
                Reason::ValueUnspecified,
                format!("{number} is none of the {} values known", all.len()),
            ),
        }
    }

    pub(super) fn moment(&mut self, field: &str, raw: &str) -> Option<Moment> {
        match raw.trim() {
            "" => self.missing(field),
            raw => match Moment::parse(raw) {
                Ok(moment) => Some(moment),
                Err(error) => self.refuse(field, Reason::DateFormat, error.to_string()),
            },
        }
    }

    pub(super) fn date(&mut self, field: &str, raw: &str) -> Option<Date> {
        match self.optional_date(field, raw)? {
            Some(date) => Some(date),
            None => self.missing(field),
        }
    }

    pub(super) fn optional_date(&mut self, field: &str, raw: &str) -> Option<Option<Date>> {
        match raw.trim() {
            "" => Some(None),
            raw => match text::parse_date(raw) {
                Ok(date) => Some(Some(date)),
                Err(error) => self.refuse(field, Reason::DateFormat, error.to_string()),
            },
        }
    }

    pub(super) fn in_order(&mut self, field: &str, first: Option<Date>, last: Option<Date>) {
        if let (Some(first), Some(last)) = (first, last)
            && last < first
        {
            let detail = format!("{last} is before the first day, {first}");
            self.refuse::<()>(field, Reason::DateOrder, detail);
        }
    }

    pub(super) fn percent(&mut self, field: &str, raw: &str) -> Option<Option<Percent>> {
        match raw.trim() {
            "" => Some(None),
            raw => match text::parse_percent(raw) {
                Ok(percent) => Some(Some(percent)),
                Err(error) => self.refuse(field, Reason::PercentFormat, error.to_string()),
            },
        }
    }

    /// A percentage that may be vague, in words or by its bound.
    pub(super) fn bounded_percent(
        &mut self,
        field: &str,
        raw: &str,
        bound: i32,
    ) -> Option<(Bound, Option<Percent>)> {
        let (said, percent) = match raw.trim() {
            "" if bound != 0 => {
                let detail = "must be set, for its bound is";
                return self.refuse(field, Reason::Required, detail);
            }
            "" => (Bound::Exact, None),
            raw => match text::parse_bounded_percent(raw) {
                Ok((bound, percent)) => (bound, Some(percent)),
                Err(error) => {
                    return self.refuse(field, Reason::PercentFormat, error.to_string());
                }
            },
        };
        if bound == 0 {
            return Some((said, percent));
        }
        Some((self.bound(field, "_bound", bound, said)?, percent))
    }

    /// A bound as stated, else as the words before the number said; its field's name ends in `suffix`.
    fn bound(&mut self, field: &str, suffix: &str, raw: i32, said: Bound) -> Option<Bound> {
        match w::Bound::try_from(raw) {
            Ok(w::Bound::Unspecified) => Some(said),
            Ok(w::Bound::Exact) => Some(Bound::Exact),
            Ok(w::Bound::AtLeast) => Some(Bound::AtLeast),
            Ok(w::Bound::AtMost) => Some(Bound::AtMost),
            Ok(w::Bound::About) => Some(Bound::About),
            Err(_) => {
                let field = format!("{field}{suffix}");
                self.refuse(&field, Reason::ValueUnspecified, "is no bound known")
            }
        }
    }

    pub(super) fn quantity<'m>(
        &mut self,
        field: &str,
        raw: Option<impl Into<view::Quantity<'m>>>,
    ) -> Option<Option<Quantity>> {
        let Some(raw) = raw else { return Some(None) };
        let raw = raw.into();
        let mut quantity = match raw.number {
            None => return self.missing(field),
            Some(view::Number::Count(count)) => match u64::try_from(count) {
                Ok(value) => Quantity {
                    bound: Bound::Exact,
                    value,
                },
                Err(_) => {
                    let detail = format!("{count} is below zero; a count is zero or more");
                    return self.refuse(field, Reason::CountBelowZero, detail);
                }
            },
            Some(view::Number::Text(text)) => match text::parse_quantity(text) {
                Ok(quantity) => quantity,
                Err(error) => {
                    let reason = match error.reason() {
                        "COUNT_BELOW_ZERO" => Reason::CountBelowZero,
                        _ => Reason::NumberFormat,
                    };
                    return self.refuse(field, reason, error.to_string());
                }
            },
        };
        if quantity.value > COUNT_MAX {
            let detail = format!("{} is beyond {COUNT_MAX}", quantity.value);
            return self.refuse(field, Reason::NumberFormat, detail);
        }
        if raw.bound != 0 {
            quantity.bound = self.bound(field, ".bound", raw.bound, quantity.bound)?;
        }
        Some(Some(quantity))
    }

    pub(super) fn count<'m>(
        &mut self,
        field: &str,
        raw: Option<impl Into<view::Quantity<'m>>>,
    ) -> Option<u64> {
        match self.quantity(field, raw)? {
            None => self.missing(field),
            Some(quantity) if quantity.bound == Bound::Exact => Some(quantity.value),
            Some(_) => self.refuse(field, Reason::NumberFormat, "must be an exact count"),
        }
    }

    pub(super) fn denominator<'m>(
        &mut self,
        field: &str,
        raw: Option<impl Into<view::Denominator<'m>>>,
    ) -> Option<Option<d::Denominator>> {
        let Some(raw) = raw else { return Some(None) };
        let (raw, mut fields) = (raw.into(), self.below(field));
        let kind = fields.word("kind", raw.kind);
        let value = fields.count("value", raw.value);
        if value == Some(0) {
            let detail = "is zero; a denominator is above zero";
            return fields.refuse("value", Reason::NumberFormat, detail);
        }
        Some(Some(d::Denominator {
            kind: kind?,
            value: value?,
            derived: raw.derived,
        }))
    }

    pub(super) fn name(&mut self, field: &str, raw: Option<&w::Name>) -> Option<Name> {
        let Some(raw) = raw else {
            return self.missing(field);
        };
        let mut fields = self.below(field);
        let vi = fields.text("vi", &raw.vi);
        let en = fields.optional_text("en", &raw.en);
        Some(Name { vi: vi?, en: en? })
    }

    pub(super) fn source<'m>(
        &mut self,
        field: &str,
        raw: Option<impl Into<view::Source<'m>>>,
    ) -> Option<Source> {
        let Some(raw) = raw else {
            return self.missing(field);
        };
        let (raw, mut fields) = (raw.into(), self.below(field));
        let title = fields.line("title", raw.title);
        let url = fields.optional_text("url", raw.url);
        Some(Source {
            title: title?,
            url: url?,
        })
    }

    pub(super) fn document(
        &mut self,
        field: &str,
        raw: Option<&w::Document>,
    ) -> Option<d::Document> {
        let Some(raw) = raw else {
            return self.missing(field);
        };
        let mut fields = self.below(field);
        let number = fields.optional_line("number", &raw.number);
        let date = fields.optional_date("date", &raw.date);
        let issuer = fields.line("issuer", &raw.issuer);
        let title = fields.optional_line("title", &raw.title);
        Some(d::Document {
            number: number?,
            date: date?,
            issuer: issuer?,
            title: title?,
        })
    }

    /// A document that may be left out.
    pub(super) fn optional_document(
        &mut self,
        field: &str,
        raw: Option<&w::Document>,
    ) -> Option<Option<d::Document>> {
        match raw {
            None => Some(None),
            raw => self.document(field, raw).map(Some),
        }
    }

    /// A locality's identity as given, without asking whether it exists.
    pub(super) fn identity<'m>(
        &mut self,
        field: &str,
        raw: Option<impl Into<view::LocalityRef<'m>>>,
    ) -> Option<LocalityId> {
        let Some(raw) = raw else {
            return self.missing(field);
        };
        let (raw, mut fields) = (raw.into(), self.below(field));
        let code = fields.code::<LocalityCode>("code", raw.code);
        let since = fields.date("since", raw.since);
        Some(LocalityId {
            code: code?,
            since: since?,
        })
    }

    /// A locality that must exist at the moment the event speaks of.
    pub(super) fn locality<'m>(
        &mut self,
        field: &str,
        raw: Option<impl Into<view::LocalityRef<'m>>>,
        at: Option<&Moment>,
    ) -> Option<LocalityId> {
        let Some(raw) = raw else {
            return self.missing(field);
        };
        let (raw, mut fields) = (raw.into(), self.below(field));
        let code = fields.code::<LocalityCode>("code", raw.code);
        let since = fields.optional_date("since", raw.since);
        let (code, since) = (code?, since?);
        let Some(at) = at else {
            // Without a moment, whether the code ever existed can still be told.
            let end = Moment::end_of(Date::MAX);
            return match fields.resolver.locality(code, None, &end) {
                Err((reason @ Reason::UnknownLocality, detail)) => {
                    fields.refuse("code", reason, detail)
                }
                _ => None,
            };
        };
        match fields.resolver.locality(code, since, at) {
            Ok(id) => Some(id),
            Err((reason, detail)) => fields.refuse("code", reason, detail),
        }
    }
}
