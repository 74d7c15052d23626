//! One record as an event, or everything wrong with it.
//!
//! The cells become a request as the service would get it, and the service's own rules judge it;
//! what they refuse is told by the cell it comes from.

use domain::text::{Bound, Moment, fold, nfc, parse_quantity};
use domain::{LocalityCode, LocalityId, Reason, Violation};
use jiff::civil::Date;
use uuid::Uuid;
use wire::event::Resolver;
use wire::v1;

use super::column::Column;
use super::places::Named;
use super::problem::{FileReason, Found, Problem};
use super::sheet::{Header, Record};
use super::{Context, ImportError, Row};

/// The kind of a denominator whose indicator is not known.
const QUOTA: &str = "quota";

/// The event of a record, or everything wrong with it.
pub(super) fn read(
    header: &Header,
    record: &Record,
    context: &Context<'_>,
) -> Result<Row, Vec<Problem>> {
    let mut reader = Reader {
        header,
        record,
        context,
        problems: Vec::new(),
    };
    reader.layout();
    let draft = reader.draft();
    match wire::event::decode(&draft, "", &Resolved, Uuid::nil()) {
        Ok(event) if reader.problems.is_empty() => {
            let mut event = wire::event::encode(&event);
            event.request_id.clear();
            return Ok(Row {
                line: record.line,
                batch: record.batch,
                event,
            });
        }
        Ok(_) => {}
        Err(violations) => reader.violations(violations),
    }
    Err(reader.problems)
}

/// Refuses an actor that no event could carry.
pub(super) fn check_actor(actor: &v1::Actor) -> Result<(), ImportError> {
    let event = v1::Event {
        actor: Some(actor.clone()),
        ..v1::Event::default()
    };
    let violations = wire::event::decode(&event, "", &Resolved, Uuid::nil()).err();
    let of_actor = violations
        .unwrap_or_default()
        .into_iter()
        .find(|v| v.field.starts_with("actor"));
    match of_actor {
        Some(violation) => Err(ImportError::Actor {
            field: violation.field,
            detail: violation.detail,
        }),
        None => Ok(()),
    }
}

/// The column whose cell a field of the request comes from; none for what comes from no cell.
pub(super) fn column_of(header: &Header, field: &str) -> Option<Column> {
    let field = field.strip_prefix("progress_reported.").unwrap_or(field);
    let first = |columns: &[Column]| columns.iter().copied().find(|c| header.has(*c));
    match field.split('.').next().unwrap_or_default() {
        "effective" => Some(Column::Date),
        "locality" => first(&Column::PLACE),
        "indicator" => Some(Column::Indicator),
        "value" => first(&[Column::Value, Column::Percent]),
        "denominator" => first(&[Column::Target, Column::Denominator]),
        "percent" => first(&[Column::Percent, Column::Value]),
        "source" => Some(Column::Source),
        "note" => Some(Column::Note),
        _ => None,
    }
}

/// Takes the identities that the register gave.
struct Resolved;

impl Resolver for Resolved {
    fn locality(
        &self,
        code: LocalityCode,
        since: Option<Date>,
        _: &Moment,
    ) -> Result<LocalityId, (Reason, String)> {
        let since = since.ok_or((Reason::UnknownLocality, "is not in the register".to_owned()))?;
        Ok(LocalityId { code, since })
    }
}

/// Reads one record.
struct Reader<'a> {
    header: &'a Header,
    record: &'a Record,
    context: &'a Context<'a>,
    problems: Vec<Problem>,
}

/// The count and the percentage as written, and what is said about them.
struct Figure<'a> {
    value: &'a str,
    percent: &'a str,
    bound: Option<Bound>,
    remark: String,
}

impl<'a> Reader<'a> {
    fn cell(&self, column: Column) -> &'a str {
        self.header.cell(self.record, column)
    }

    fn refuse(&mut self, column: Column, found: Found) {
        self.problems
            .push(found.at(self.record.line, self.header.name(column)));
    }

    /// What the service's rules found in the draft; a refused record never goes without a problem.
    fn violations(&mut self, violations: Vec<Violation>) {
        for violation in &violations {
            let found = Found::known(violation.reason, violation.detail.as_str());
            self.violation(&violation.field, found);
        }
        if self.problems.is_empty() {
            let untold = violations.into_iter().map(|violation| {
                Found::known(violation.reason, violation.detail)
                    .at(self.record.line, violation.field)
            });
            self.problems = untold.collect();
        }
    }

    fn violation(&mut self, field: &str, found: Found) {
        let is_told = match field.strip_prefix("progress_reported.").unwrap_or(field) {
            // There is no figure, which was said better.
            "value" => found.reason == Reason::Required.code(),
            // What the register and the list of indicators do not know was said with what to do.
            field => field.starts_with("locality") || field == "indicator",
        };
        match column_of(self.header, field) {
            _ if is_told => {}
            // A count whose unit is percent.
            Some(Column::Percent) if self.cell(Column::Percent).is_empty() => {
                self.refuse(Column::Value, found);
            }
            Some(column) => self.refuse(column, found),
            None => {}
        }
    }

    /// Cells where none belong, and line breaks that a quotation mark left open would make.
    fn layout(&mut self) {
        for (at, cell) in self.record.cells.iter().enumerate() {
            let column = self.header.column_at(at);
            if cell.trim().is_empty() {
                continue;
            }
            if !self.header.is_named(at) {
                let found = Found::of_file(
                    FileReason::CellWithoutColumn,
                    "ô này không thuộc cột nào; nếu văn bản có dấu phân cách, hãy đặt trong ngoặc kép",
                    "the cell has no column; put text that holds the separator in quotation marks",
                );
                self.problems
                    .push(found.at(self.record.line, self.header.name_at(at)));
            } else if let Some(column) = column
                && column != Column::Note
                && cell.trim().contains(['\n', '\r'])
            {
                let detail = "the cell holds a line break; is a quotation mark left open?";
                self.refuse(column, Found::known(Reason::TextFormat, detail));
            }
        }
    }

    /// The record as a request; what cannot be found is left out, and noted.
    fn draft(&mut self) -> v1::Event {
        let date = self.cell(Column::Date);
        let moment = Moment::parse(date).ok();
        let locality = self.locality(moment.as_ref());
        let indicator = self.indicator();
        let figure = self.figure();
        let denominator = self.denominator(indicator);
        let percent = figure.percent.to_owned();
        let reported = v1::ProgressReported {
            locality,
            indicator: indicator.unwrap_or_default().to_owned(),
            value: figure.value(),
            denominator,
            percent,
            source: self.source(),
            note: self.note(figure.remark),
        };
        v1::Event {
            request_id: String::new(),
            actor: Some(self.context.actor.clone()),
            effective: date.to_owned(),
            body: Some(v1::event::Body::ProgressReported(reported)),
        }
    }

    fn locality(&mut self, moment: Option<&Moment>) -> Option<v1::LocalityRef> {
        let named = Named {
            code: self.cell(Column::Code),
            province: self.cell(Column::Province),
            district: self.cell(Column::District),
            commune: self.cell(Column::Commune),
        };
        let register = self.context.register;
        let found = match moment {
            Some(moment) => register.on(moment.date())?.find(named, Some(moment)),
            // Without a date a place need only be known at some time.
            None => {
                let mut found = register.all().map(|places| places.find(named, None));
                let first = found.next()?;
                first.or_else(|refused| found.find_map(Result::ok).ok_or(refused))
            }
        };
        match found {
            Ok(place) => Some(place.to_ref()),
            Err(refused) => {
                for (column, found) in refused {
                    let column = if self.header.has(column) {
                        Some(column)
                    } else {
                        column_of(self.header, "locality")
                    };
                    self.refuse(column.unwrap_or(Column::Province), found);
                }
                None
            }
        }
    }

    fn indicator(&mut self) -> Option<&'a str> {
        match self.context.indicators.find(self.cell(Column::Indicator)) {
            Ok(code) => Some(code),
            Err(found) => {
                self.refuse(Column::Indicator, found);
                None
            }
        }
    }

    fn figure(&mut self) -> Figure<'a> {
        let (mut value, mut percent) = (self.cell(Column::Value), self.cell(Column::Percent));
        let unit = self.cell(Column::Unit);
        let (unit_name, remark) = split_unit(unit);
        if value.is_empty() && percent.is_empty() {
            let found = self.no_figure();
            self.refuse(Column::Value, found);
        } else if is_percent(unit_name) && !value.is_empty() {
            if percent.is_empty() {
                (value, percent) = ("", value);
            } else {
                let found = Found::of_file(
                    FileReason::TwoFigures,
                    "đơn vị là phần trăm nhưng có cả giá trị và tỷ lệ; hãy để trống một ô",
                    "the unit is percent, yet there are a value and a percentage; leave one empty",
                );
                self.refuse(Column::Value, found);
            }
        }
        let (in_cell, digits) = split_words(percent);
        let bound = Bound::from_words(remark);
        let is_said_by_bound = bound.is_some() && !value.is_empty();
        let words = [if is_said_by_bound { "" } else { remark }, in_cell];
        let words: Vec<&str> = words
            .into_iter()
            .filter(|words| !words.is_empty())
            .collect();
        let remark = if words.is_empty() {
            String::new()
        } else {
            format!("Nguồn viết: {}", nfc(&words.join(", ")))
        };
        Figure {
            value,
            percent: digits,
            bound,
            remark,
        }
    }

    fn no_figure(&self) -> Found {
        let states_quota = [Column::Target, Column::Denominator]
            .into_iter()
            .any(|c| !self.cell(c).is_empty());
        if states_quota {
            Found::of_file(
                FileReason::NoFigure,
                "dòng này nêu chỉ tiêu giao, không phải số liệu; hãy ghi bằng `tiendo quota assign`",
                "row states a quota, not a figure; record it with `tiendo quota assign`",
            )
        } else {
            Found::of_file(
                FileReason::NoFigure,
                "không có giá trị và không có tỷ lệ; hãy điền một trong hai, hoặc bỏ dòng này",
                "there is neither a count nor a percentage; fill in one, or remove the row",
            )
        }
    }

    fn denominator(&mut self, indicator: Option<&str>) -> Option<v1::Denominator> {
        let (target, own) = (self.cell(Column::Target), self.cell(Column::Denominator));
        let text = match (target.is_empty(), own.is_empty()) {
            (true, true) => return None,
            (false, true) => target,
            (true, false) => own,
            (false, false) => {
                let found = Found::of_file(
                    FileReason::TwoFigures,
                    "có cả chỉ tiêu giao và mẫu số; hãy để trống một ô",
                    "there are a quota and a denominator; leave one empty",
                );
                self.refuse(Column::Denominator, found);
                target
            }
        };
        // What a published target counts follows from the indicator, as in the shipped data.
        let kind = indicator.and_then(|code| self.context.indicators.denominator(code));
        let kind = kind.unwrap_or(QUOTA);
        let value = v1::Quantity {
            number: Some(number(text)),
            bound: 0,
        };
        Some(v1::Denominator {
            kind: kind.to_owned(),
            value: Some(value),
            derived: false,
        })
    }

    fn source(&self) -> Option<v1::Source> {
        let cell = match self.cell(Column::Source) {
            "" => self.context.default_source.trim(),
            cell => cell,
        };
        let rest = cell
            .strip_prefix("https://")
            .or_else(|| cell.strip_prefix("http://"));
        let host = rest.and_then(|rest| rest.split(['/', '?', '#']).next());
        match (cell, host) {
            ("", _) => None,
            (url, Some(host)) if !host.is_empty() => Some(v1::Source {
                title: host.to_owned(),
                url: url.to_owned(),
            }),
            (title, _) => Some(v1::Source {
                title: title.to_owned(),
                url: String::new(),
            }),
        }
    }

    fn note(&self, remark: String) -> String {
        let note = self.cell(Column::Note);
        match (note.is_empty(), remark.is_empty()) {
            (true, _) => remark,
            (false, true) => note.to_owned(),
            (false, false) => format!("{note}; {remark}"),
        }
    }
}

impl Figure<'_> {
    /// The count; a word in its own cell goes before one in the unit's.
    fn value(&self) -> Option<v1::Quantity> {
        if self.value.is_empty() {
            return None;
        }
        let own = parse_quantity(self.value).map_or(Bound::Exact, |quantity| quantity.bound);
        let bound = match self.bound {
            Some(bound) if own == Bound::Exact => bound_on_wire(bound),
            _ => v1::Bound::Unspecified,
        };
        Some(v1::Quantity {
            number: Some(number(self.value)),
            bound: bound as i32,
        })
    }
}

fn number(text: &str) -> v1::quantity::Number {
    v1::quantity::Number::Text(text.to_owned())
}

fn bound_on_wire(bound: Bound) -> v1::Bound {
    match bound {
        Bound::Exact => v1::Bound::Exact,
        Bound::AtLeast => v1::Bound::AtLeast,
        Bound::AtMost => v1::Bound::AtMost,
        Bound::About => v1::Bound::About,
    }
}

/// `accounts (more than)` → the unit and the remark.
fn split_unit(unit: &str) -> (&str, &str) {
    match unit.split_once('(') {
        Some((unit, remark)) => (unit.trim(), remark.trim_end().trim_end_matches(')').trim()),
        None => (unit, ""),
    }
}

/// The words before a number (`khoảng 70%`), if they are known, and the number.
fn split_words(text: &str) -> (&str, &str) {
    let at = text.find(|c: char| c.is_ascii_digit()).unwrap_or(0);
    let (words, digits) = text.split_at(at);
    if Bound::from_words(words).is_some() {
        (words.trim(), digits)
    } else {
        ("", text)
    }
}

fn is_percent(unit: &str) -> bool {
    matches!(
        fold(unit).as_str(),
        "percent" | "phan tram" | "%" | "per cent" | "ty le %"
    )
}

/// Code of the place, code of the indicator, and moment of a row's event, for reports.
pub(super) fn summary(event: &v1::Event) -> (String, String, String) {
    match &event.body {
        Some(v1::event::Body::ProgressReported(reported)) => {
            let locality = reported.locality.as_ref();
            let code = locality
                .map(|locality| locality.code.clone())
                .unwrap_or_default();
            (code, reported.indicator.clone(), event.effective.clone())
        }
        _ => (String::new(), String::new(), event.effective.clone()),
    }
}
