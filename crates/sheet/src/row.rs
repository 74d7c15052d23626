//! One record as events, or everything wrong with it.
//!
//! The cells become a request as the service would get it, and the service's own rules judge it;
//! what they refuse is told by the cell it comes from.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};

use domain::text::{Bound, Moment, fold, nfc, parse_date, parse_percent, parse_quantity};
use domain::{LocalityCode, LocalityId, Reason, Violation};
use jiff::civil::Date;
use uuid::Uuid;
use wire::event::Resolver;
use wire::v1;
use wire::v1::event::Body;

use crate::column::Column;
use crate::header::Header;
use crate::places::{Named, Refused};
use crate::problem::{FileReason, Found, Problem};
use crate::table::{Record, Table};
use crate::{Context, Row, SheetError};

/// The kind of a denominator whose indicator is not known.
const QUOTA: &str = "quota";
/// What published tables add to the name of an indicator when they state a quota, before its last day.
const TARGET_FOR: &str = "_target_for_";
/// Who issued a document of which nothing was published; the services ask for a name.
const UNPUBLISHED: &str = "Không công bố";
/// Most texts that are remembered; beyond, they are forgotten and remembered anew.
const MEMORY_MAX: usize = 50_000;
/// Longest text that is remembered, in bytes.
const MEMORY_BYTES_MAX: usize = 300;
/// A share of a spreadsheet up to here may be meant as a percentage or as a part of one.
const SHARE_MAX: f64 = 1.5;

/// What was read before, because files say the same again and again.
#[derive(Debug, Default)]
pub(crate) struct Memory<'a> {
    moments: HashMap<&'a str, Option<(Moment, String)>>,
    indicators: HashMap<&'a str, &'a str>,
    places: HashMap<String, v1::LocalityRef>,
    rules: Rules,
    key: String,
}

/// Takes the identities that the register gave, and remembers texts without fault.
#[derive(Debug, Default)]
struct Rules(RefCell<HashSet<Box<str>>>);

impl Resolver for Rules {
    fn locality(
        &self,
        code: LocalityCode,
        since: Option<Date>,
        _: &Moment,
    ) -> Result<LocalityId, (Reason, String)> {
        let since = since.ok_or((Reason::UnknownLocality, "is not in the register".to_owned()))?;
        Ok(LocalityId { code, since })
    }

    fn is_clean(&self, text: &str) -> bool {
        self.0.borrow().contains(text)
    }

    fn note_clean(&self, text: &str) {
        // No text is allowed to be shorter than this by one field and longer by another.
        if text.len() <= MEMORY_BYTES_MAX {
            let mut texts = self.0.borrow_mut();
            if texts.len() >= MEMORY_MAX {
                texts.clear();
            }
            texts.insert(text.into());
        }
    }
}

/// The events of a record, or everything wrong with it.
pub(crate) fn read<'a>(
    table: &'a Table,
    record: &'a Record,
    context: &'a Context<'a>,
    source: &'a str,
    memory: &mut Memory<'a>,
) -> Result<Row, Vec<Problem>> {
    let mut reader = Reader {
        table,
        record,
        context,
        default_source: source,
        memory,
        problems: Vec::new(),
    };
    reader.layout();
    let (draft, words) = reader.draft();
    match wire::event::decode(&draft, "", &reader.memory.rules, Uuid::nil()) {
        Ok(event) if reader.problems.is_empty() => {
            let event = without_id(&event);
            let mut events = vec![event];
            events.extend(reader.assessment(&events[0], words));
            return Ok(Row {
                sheet: table.name.clone(),
                row: record.row,
                events,
            });
        }
        Ok(_) => {}
        Err(violations) => reader.violations(violations),
    }
    Err(reader.problems)
}

fn without_id(event: &domain::Event) -> v1::Event {
    let mut event = wire::event::encode(event);
    event.request_id.clear();
    event
}

/// Refuses an actor that no event could carry.
pub(crate) fn check_actor(actor: &v1::Actor) -> Result<(), SheetError> {
    let event = v1::Event {
        actor: Some(actor.clone()),
        ..v1::Event::default()
    };
    let violations = wire::event::decode(&event, "", &Rules::default(), Uuid::nil()).err();
    let of_actor = violations
        .unwrap_or_default()
        .into_iter()
        .find(|v| v.field.starts_with("actor"));
    match of_actor {
        Some(violation) => Err(SheetError::Actor {
            field: violation.field,
            detail: violation.detail,
        }),
        None => Ok(()),
    }
}

/// A field without the body it belongs to.
fn bare(field: &str) -> &str {
    let bodies = [
        "progress_reported.",
        "progress_corrected.",
        "quota_assigned.",
        "assessment_published.",
    ];
    let bare = bodies.into_iter().find_map(|body| field.strip_prefix(body));
    bare.unwrap_or(field)
}

/// The column whose cell a field of an event comes from; none for what comes from no cell.
pub(crate) fn column_of(header: &Header, field: &str) -> Option<Column> {
    let first = |columns: &[Column]| columns.iter().copied().find(|c| header.has(*c));
    let mut parts = bare(field).split('.');
    match (parts.next().unwrap_or_default(), parts.next()) {
        ("effective", _) => Some(Column::Date),
        ("locality", _) => first(&Column::PLACE),
        ("indicator", _) => Some(Column::Indicator),
        ("value", _) => first(&[Column::Value, Column::Percent]),
        ("denominator", Some("kind")) => {
            first(&[Column::DenominatorKind, Column::Target, Column::Denominator])
        }
        ("denominator", _) => first(&[Column::Target, Column::Denominator]),
        ("percent", _) => first(&[Column::Percent, Column::Value]),
        ("source", Some("url")) => first(&[Column::SourceUrl, Column::Source]),
        ("source", _) => first(&[Column::Source, Column::SourceUrl]).or(Some(Column::Source)),
        ("note", _) => Some(Column::Note),
        ("deadline", _) => first(&[Column::Deadline, Column::Indicator]),
        ("layer", _) => Some(Column::Layer),
        ("document", Some("issuer")) => Some(Column::Issuer),
        ("document", _) => Some(Column::Document),
        _ => None,
    }
}

/// Reads one record.
struct Reader<'a, 'm> {
    table: &'a Table,
    record: &'a Record,
    context: &'a Context<'a>,
    default_source: &'a str,
    memory: &'m mut Memory<'a>,
    problems: Vec<Problem>,
}

/// The count and the percentage as written, and what is said about them.
struct Figure<'a> {
    value: &'a str,
    percent: String,
    bound: Option<Bound>,
    /// How the percentage is meant, by the word beside it or beside the unit of a percentage alone.
    percent_bound: Option<Bound>,
    remark: String,
    /// What stands beside the unit: `more than`, `commended`.
    words: &'a str,
}

impl<'a> Reader<'a, '_> {
    fn cell(&self, column: Column) -> &'a str {
        self.table.cell(self.record, column)
    }

    fn refuse(&mut self, column: Column, found: Found) {
        let name = self.table.header.name(column);
        let problem = found.at(&self.table.name, self.record.row, name);
        self.problems.push(problem);
    }

    /// What the service's rules found in the draft; a refused record never goes without a problem.
    fn violations(&mut self, violations: Vec<Violation>) {
        for violation in &violations {
            let found = Found::known(violation.reason, violation.detail.as_str());
            self.violation(&violation.field, found);
        }
        if self.problems.is_empty() {
            let untold = violations.into_iter().map(|violation| {
                let found = Found::known(violation.reason, violation.detail);
                found.at(&self.table.name, self.record.row, violation.field)
            });
            self.problems = untold.collect();
        }
    }

    fn violation(&mut self, field: &str, found: Found) {
        let is_told = match bare(field) {
            // There is no figure, which was said better.
            "value" => found.reason == Reason::Required.code(),
            // What the register and the list of indicators do not know was said with what to do.
            field => field.starts_with("locality") || field == "indicator",
        };
        match column_of(&self.table.header, field) {
            _ if is_told => {}
            // A count whose unit is percent.
            Some(Column::Percent) if self.cell(Column::Percent).is_empty() => {
                self.refuse(Column::Value, found);
            }
            Some(column) => self.refuse(column, found),
            None => {}
        }
    }

    /// Cells where none belong, numbers that are merged, and line breaks that a quotation mark left open would make.
    fn layout(&mut self) {
        let header = &self.table.header;
        for (at, cell) in self.record.cells.iter().enumerate() {
            let cell = cell.trim();
            if cell.is_empty() {
                continue;
            }
            if !header.is_named(at) {
                let found = Found::of_file(
                    FileReason::CellWithoutColumn,
                    "ô này không thuộc cột nào; nếu văn bản có dấu phân cách, hãy đặt trong ngoặc kép",
                    "the cell has no column; put text that holds the separator in quotation marks",
                );
                let problem = found.at(&self.table.name, self.record.row, header.name_at(at));
                self.problems.push(problem);
            } else if cell.contains(['\n', '\r'])
                && let Some(column) = header.column_at(at)
                && column != Column::Note
            {
                let detail = "the cell holds a line break; is a quotation mark left open?";
                self.refuse(column, Found::known(Reason::TextFormat, detail));
            }
        }
        for column in self.table.merged_numbers(self.record) {
            let found = Found::of_file(
                FileReason::MergedNumber,
                "ô số bị gộp với ô khác nên không rõ là số của dòng nào; hãy tách ô",
                "the number stands in a merged cell, so that it is not known whose it is; unmerge it",
            );
            self.refuse(column, found);
        }
    }

    /// The record as a request; what cannot be found is left out, and noted. Then the words beside its unit.
    fn draft(&mut self) -> (v1::Event, &'a str) {
        let date = self.cell(Column::Date);
        let moment = self.moment(date);
        let locality = self.locality(moment.as_ref().map(|(moment, _)| moment));
        let indicator = self.indicator();
        let (body, words) = if self.is_quota() {
            let quota = self.quota(locality, indicator);
            (Body::QuotaAssigned(quota), "")
        } else {
            let figure = self.figure();
            let reported = v1::ProgressReported {
                locality,
                indicator: indicator.unwrap_or_default().to_owned(),
                value: self.value(&figure),
                denominator: self.denominator(indicator),
                percent_bound: self.percent_bound(&figure),
                percent: figure.percent,
                source: self.source(),
                note: self.note(figure.remark),
            };
            (Body::ProgressReported(reported), figure.words)
        };
        let event = v1::Event {
            actor: Some(self.context.actor.clone()),
            // What is no moment is told by the rules.
            effective: moment.map_or_else(|| date.to_owned(), |(_, iso)| iso),
            body: Some(body),
            ..v1::Event::default()
        };
        (event, words)
    }

    fn moment(&mut self, text: &'a str) -> Option<(Moment, String)> {
        if let Some(known) = self.memory.moments.get(text) {
            return known.clone();
        }
        let moment = Moment::parse(text).ok();
        let moment = moment.map(|moment| (moment, moment.to_string()));
        if self.memory.moments.len() < MEMORY_MAX {
            self.memory.moments.insert(text, moment.clone());
        }
        moment
    }

    fn locality(&mut self, moment: Option<&Moment>) -> Option<v1::LocalityRef> {
        let named = Named {
            code: self.cell(Column::Code),
            province: self.cell(Column::Province),
            district: self.cell(Column::District),
            commune: self.cell(Column::Commune),
        };
        let since = self.cell(Column::Since);
        if !since.is_empty() {
            return self.identity(named, since, moment);
        }
        let register = self.context.register;
        let found = match moment {
            Some(moment) => {
                let (from, places) = register.on(moment.date())?;
                self.memory.note_key(from, named);
                if let Some(known) = self.memory.places.get(&self.memory.key) {
                    return Some(known.clone());
                }
                places.find(named, Some(moment))
            }
            // Without a date a place need only be known at some time.
            None => {
                let mut found = register.all().map(|places| places.find(named, None));
                let first = found.next()?;
                first.or_else(|refused| found.find_map(Result::ok).ok_or(refused))
            }
        };
        let found = self.found(found.map(crate::places::Place::to_ref))?;
        if moment.is_some() {
            self.memory.keep_place(&found);
        }
        Some(found)
    }

    /// A place by its code and its first day, which names must not contradict.
    fn identity(
        &mut self,
        named: Named<'_>,
        since: &str,
        moment: Option<&Moment>,
    ) -> Option<v1::LocalityRef> {
        let since = match parse_date(since) {
            Ok(since) => since,
            Err(error) => {
                let found = Found::known(Reason::DateFormat, error.to_string());
                self.refuse(Column::Since, found);
                return None;
            }
        };
        let register = self.context.register;
        let Some(places) = register.all().find(|places| places.has(named.code, since)) else {
            let detail = format!(
                "no place of the code '{}' has been valid since {since}; leave the day out, or correct it",
                named.code.chars().take(20).collect::<String>()
            );
            self.refuse(Column::Since, Found::known(Reason::UnknownLocality, detail));
            return None;
        };
        self.found(places.find(named, moment).map(crate::places::Place::to_ref))
    }

    /// What was found, or nothing after it was told why.
    fn found(&mut self, found: Result<v1::LocalityRef, Vec<Refused>>) -> Option<v1::LocalityRef> {
        let refused = match found {
            Ok(place) => return Some(place),
            Err(refused) => refused,
        };
        for (column, found) in refused {
            let column = if self.table.header.has(column) {
                Some(column)
            } else {
                column_of(&self.table.header, "locality")
            };
            self.refuse(column.unwrap_or(Column::Province), found);
        }
        None
    }

    fn indicator(&mut self) -> Option<&'a str> {
        let text = self.cell(Column::Indicator);
        if let Some(known) = self.memory.indicators.get(text) {
            return Some(known);
        }
        // A table that states a quota names it after the indicator and its last day.
        let base = text.split(TARGET_FOR).next().unwrap_or(text);
        let indicators = self.context.indicators;
        match indicators
            .find(text)
            .or_else(|found| indicators.find(base).map_err(|_| found))
        {
            Ok(code) => {
                if self.memory.indicators.len() < MEMORY_MAX {
                    self.memory.indicators.insert(text, code);
                }
                Some(code)
            }
            Err(found) => {
                self.refuse(Column::Indicator, found);
                None
            }
        }
    }

    fn states_target(&self) -> bool {
        let is_set = |column| !self.cell(column).is_empty();
        [Column::Target, Column::Denominator]
            .into_iter()
            .any(is_set)
    }

    /// Whether the record states a quota and no figure, and says so.
    fn is_quota(&self) -> bool {
        let is_set = |column| !self.cell(column).is_empty();
        let says_so = [
            Column::Deadline,
            Column::Layer,
            Column::Document,
            Column::Issuer,
        ];
        !is_set(Column::Value)
            && !is_set(Column::Percent)
            && self.states_target()
            && (says_so.into_iter().any(is_set)
                || self.cell(Column::Indicator).contains(TARGET_FOR))
    }

    fn quota(
        &mut self,
        locality: Option<v1::LocalityRef>,
        indicator: Option<&str>,
    ) -> v1::QuotaAssigned {
        let named = self.cell(Column::Indicator).split_once(TARGET_FOR);
        let deadline = match self.cell(Column::Deadline) {
            "" => named.map_or("", |(_, day)| day),
            deadline => deadline,
        };
        let issuer = match self.cell(Column::Issuer) {
            "" => UNPUBLISHED,
            issuer => issuer,
        };
        let source = self.source().unwrap_or_default();
        let document = v1::Document {
            number: self.cell(Column::Document).to_owned(),
            date: String::new(),
            issuer: issuer.to_owned(),
            title: source.title,
        };
        v1::QuotaAssigned {
            locality,
            indicator: indicator.unwrap_or_default().to_owned(),
            layer: layer(self.cell(Column::Layer)) as i32,
            denominator: self.denominator(indicator),
            deadline: deadline.to_owned(),
            document: Some(document),
            ..v1::QuotaAssigned::default()
        }
    }

    fn figure(&mut self) -> Figure<'a> {
        let (mut value, percent_cell) = (self.cell(Column::Value), self.cell(Column::Percent));
        let mut percent = (percent_cell, Column::Percent);
        let (unit_name, words) = split_unit(self.cell(Column::Unit));
        if value.is_empty() && percent_cell.is_empty() {
            let found = self.no_figure();
            self.refuse(Column::Value, found);
        } else if is_percent(unit_name) && !value.is_empty() {
            if percent_cell.is_empty() {
                (value, percent) = ("", (value, Column::Value));
            } else {
                let found = Found::of_file(
                    FileReason::TwoFigures,
                    "đơn vị là phần trăm nhưng có cả giá trị và tỷ lệ; hãy để trống một ô",
                    "the unit is percent, yet there are a value and a percentage; leave one empty",
                );
                self.refuse(Column::Value, found);
            }
        }
        let (in_cell, digits) = split_words(percent.0);
        let percent = self.percent(digits, percent.1);
        let bound = Bound::from_words(words);
        let is_said_by_bound = bound.is_some() && !value.is_empty();
        let of_unit = bound.filter(|_| value.is_empty());
        let percent_bound = Bound::from_words(in_cell).or(of_unit);
        let said = [if is_said_by_bound { "" } else { words }, in_cell];
        let said: Vec<&str> = said.into_iter().filter(|said| !said.is_empty()).collect();
        let remark = if said.is_empty() {
            String::new()
        } else {
            format!("Nguồn viết: {}", nfc(&said.join(", ")))
        };
        Figure {
            value,
            percent,
            bound,
            percent_bound,
            remark,
            words,
        }
    }

    /// A percentage; one that a spreadsheet calculated is cut to what is kept of any.
    fn percent(&mut self, digits: &str, column: Column) -> String {
        let number = digits.parse::<f64>().ok();
        let Some(number) = number.filter(|_| self.table.is_number(self.record, column)) else {
            return digits.to_owned();
        };
        if number > 0.0 && number <= SHARE_MAX {
            let (share, plain) = (number * 100.0, number);
            let found = Found::of_file(
                FileReason::PercentScale,
                format!(
                    "{plain} có thể là {share:.2} % hoặc {plain} %; hãy định dạng ô là phần trăm, hoặc ghi chữ như «83,8%»"
                ),
                format!(
                    "{plain} may mean {share:.2} % or {plain} %; format the cell as a percentage, or write text such as '83,8%'"
                ),
            );
            self.refuse(column, found);
        }
        if parse_percent(digits).is_ok() {
            digits.to_owned()
        } else {
            format!("{number:.2}")
        }
    }

    fn no_figure(&self) -> Found {
        if self.states_target() {
            Found::of_file(
                FileReason::NoFigure,
                "dòng này nêu chỉ tiêu giao, không phải số liệu; hãy thêm cột hạn hoàn thành hoặc cấp giao, hoặc ghi bằng `tiendo quota assign`",
                "row states a quota, not a figure; add a column deadline or layer, or record it with `tiendo quota assign`",
            )
        } else {
            Found::of_file(
                FileReason::NoFigure,
                "không có giá trị và không có tỷ lệ; hãy điền một trong hai, hoặc bỏ dòng này",
                "there is neither a count nor a percentage; fill in one, or remove the row",
            )
        }
    }

    /// What a column of bounds says.
    fn stated(&mut self, column: Column) -> Option<Bound> {
        let word = self.cell(column);
        let stated = bound(word);
        if stated.is_none() && !word.is_empty() {
            let detail = "must be exact, at-least, at-most or about";
            self.refuse(column, Found::known(Reason::ValueUnspecified, detail));
        }
        stated
    }

    /// How the percentage is meant; the column of its bounds goes before a word.
    fn percent_bound(&mut self, figure: &Figure<'_>) -> i32 {
        let stated = self.stated(Column::PercentBound).or(figure.percent_bound);
        let stated = stated.filter(|_| !figure.percent.is_empty());
        stated.map_or(0, |bound| bound_on_wire(bound) as i32)
    }

    /// The count; a word in its own cell goes before one in the unit's and in the column of bounds.
    fn value(&mut self, figure: &Figure<'_>) -> Option<v1::Quantity> {
        let stated = self.stated(Column::Bound).or(figure.bound);
        if figure.value.is_empty() {
            return None;
        }
        let own = parse_quantity(figure.value).map_or(Bound::Exact, |quantity| quantity.bound);
        let bound = match stated {
            Some(bound) if own == Bound::Exact => bound_on_wire(bound),
            _ => v1::Bound::Unspecified,
        };
        Some(v1::Quantity {
            number: Some(number(figure.value)),
            bound: bound as i32,
        })
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
        let default = indicator.and_then(|code| self.context.indicators.denominator(code));
        let kind = match self.cell(Column::DenominatorKind) {
            "" => default.unwrap_or(QUOTA),
            kind => kind,
        };
        let value = v1::Quantity {
            number: Some(number(text)),
            bound: 0,
        };
        Some(v1::Denominator {
            kind: kind.to_owned(),
            value: Some(value),
            derived: is_yes(self.cell(Column::Derived)),
        })
    }

    fn source(&self) -> Option<v1::Source> {
        let cell = match self.cell(Column::Source) {
            "" => self.default_source.trim(),
            cell => cell,
        };
        let own = self.cell(Column::SourceUrl);
        // In a file with a column for addresses a title is a title, whatever it looks like.
        if !own.is_empty() || self.table.header.has(Column::SourceUrl) && !cell.is_empty() {
            let title = if cell.is_empty() {
                host(own).unwrap_or(own)
            } else {
                cell
            };
            return Some(v1::Source {
                title: title.to_owned(),
                url: own.to_owned(),
            });
        }
        let (title, url) = match (cell, host(cell)) {
            ("", _) => return None,
            (url, Some(host)) => (host, url),
            (title, None) => (title, ""),
        };
        Some(v1::Source {
            title: title.to_owned(),
            url: url.to_owned(),
        })
    }

    fn note(&self, remark: String) -> String {
        let note = self.cell(Column::Note);
        match (note.is_empty(), remark.is_empty()) {
            (true, _) => remark,
            (false, true) => note.to_owned(),
            (false, false) => format!("{note}; {remark}"),
        }
    }

    /// A second event if the source praises or blames.
    fn assessment(&self, event: &v1::Event, words: &str) -> Option<v1::Event> {
        let (assessment, text) = praise(words)?;
        let Some(Body::ProgressReported(reported)) = &event.body else {
            return None;
        };
        let published = v1::AssessmentPublished {
            locality: reported.locality.clone(),
            indicator: reported.indicator.clone(),
            assessment: assessment as i32,
            text: Some(text),
            source: reported.source.clone(),
        };
        let mut event = event.clone();
        event.body = Some(Body::AssessmentPublished(published));
        let event = wire::event::decode(&event, "", &self.memory.rules, Uuid::nil()).ok()?;
        Some(without_id(&event))
    }
}

impl Memory<'_> {
    /// Makes what a place is remembered under.
    fn note_key(&mut self, from: Date, named: Named<'_>) {
        use std::fmt::Write as _;
        self.key.clear();
        let Named {
            code,
            province,
            district,
            commune,
        } = named;
        let parts = [code, province, district, commune].join("\u{1f}");
        // Writing to a text cannot fail.
        let _ = write!(self.key, "{from}\u{1f}{parts}");
    }

    fn keep_place(&mut self, place: &v1::LocalityRef) {
        if self.places.len() >= MEMORY_MAX {
            self.places.clear();
        }
        self.places.insert(self.key.clone(), place.clone());
    }
}

fn number(text: &str) -> v1::quantity::Number {
    v1::quantity::Number::Text(text.to_owned())
}

/// A bound as the contract names it, or in the words of officials.
fn bound(word: &str) -> Option<Bound> {
    match fold(word).replace(['-', '_'], " ").as_str() {
        "exact" | "=" | "chinh xac" | "dung bang" => Some(Bound::Exact),
        folded => Bound::from_words(folded),
    }
}

fn bound_on_wire(bound: Bound) -> v1::Bound {
    match bound {
        Bound::Exact => v1::Bound::Exact,
        Bound::AtLeast => v1::Bound::AtLeast,
        Bound::AtMost => v1::Bound::AtMost,
        Bound::About => v1::Bound::About,
    }
}

/// Who set a quota; what nobody said is the province, what is not understood is nobody, and refused.
fn layer(word: &str) -> v1::QuotaLayer {
    match fold(word).as_str() {
        "" | "provincial" | "province" | "tinh" | "cap tinh" | "ubnd tinh" => {
            v1::QuotaLayer::Provincial
        }
        "central" | "trung uong" | "bo" | "chinh phu" => v1::QuotaLayer::Central,
        "commitment" | "cam ket" | "tu cam ket" | "dia phuong" => v1::QuotaLayer::Commitment,
        _ => v1::QuotaLayer::Unspecified,
    }
}

/// A judgement in public, with the words for it.
fn praise(words: &str) -> Option<(v1::Assessment, v1::Name)> {
    let (assessment, vi, en) = match fold(words).as_str() {
        "commended" | "praised" | "bieu duong" | "khen" => {
            (v1::Assessment::Commended, "biểu dương", "commended")
        }
        "criticised" | "criticized" | "phe binh" => {
            (v1::Assessment::Criticised, "phê bình", "criticised")
        }
        _ => return None,
    };
    let name = v1::Name {
        vi: vi.to_owned(),
        en: en.to_owned(),
    };
    Some((assessment, name))
}

fn is_yes(text: &str) -> bool {
    matches!(
        fold(text).as_str(),
        "true" | "yes" | "1" | "x" | "co" | "dung"
    )
}

/// The host of an address.
fn host(text: &str) -> Option<&str> {
    let rest = text
        .strip_prefix("https://")
        .or_else(|| text.strip_prefix("http://"))?;
    let host = rest.split(['/', '?', '#']).next()?;
    (!host.is_empty()).then_some(host)
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
    if !words.is_empty() && Bound::from_words(words).is_some() {
        (words.trim(), digits)
    } else {
        ("", text)
    }
}

fn is_percent(unit: &str) -> bool {
    !unit.is_empty()
        && matches!(
            fold(unit).as_str(),
            "percent" | "phan tram" | "%" | "per cent" | "ty le %"
        )
}
