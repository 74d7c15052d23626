//! From rows to what is recorded: parts that a service checks, then records.
//!
//! A part holds the rows of whole localities as far as they fit, so that figures which must be held against each other are judged together.
//! Its request id follows from what it says: whoever sends the same again is recognised.
//! Nothing here sends anything: the command does it over the wire, the service's own import at home.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use prost::Message as _;
use wire::status::FieldRefusal;
use wire::v1;
use wire::v1::event::Body;
use wire::v1::record_stream_response::Outcome;

use crate::{Book, Problem, Row};

/// Most events in one part of several localities.
const PART_EVENTS_MAX: usize = 2_000;
/// Most bytes of events in one part of several localities.
const PART_BYTES_MAX: usize = 1024 * 1024;
/// Most events in one part: what a service takes at once.
const REQUEST_EVENTS_MAX: usize = 10_000;
/// Most bytes of events in one part; a request stays below 4 MiB.
const REQUEST_BYTES_MAX: usize = 3 * 1024 * 1024;

/// An event that was recorded, or would have been.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accepted {
    /// Name of its sheet; empty for a CSV file.
    pub sheet: String,
    /// Its row, from 1.
    pub row: u64,
    /// Where it stands in the log; 0 if it was only validated.
    pub position: u64,
    /// `reported`, `corrected`, `assigned` or `assessed`.
    pub kind: &'static str,
    /// Whether it was on record before.
    pub known: bool,
    /// What was found implausible.
    pub findings: Vec<v1::Finding>,
    /// Code of the locality.
    pub locality: String,
    /// Code of the indicator.
    pub indicator: String,
    /// The moment it speaks of.
    pub effective: String,
}

impl Accepted {
    fn of(row: &Row, event: &v1::Event, position: u64) -> Self {
        let (kind, locality, indicator) = match &event.body {
            Some(Body::ProgressReported(e)) => ("reported", &e.locality, e.indicator.as_str()),
            Some(Body::ProgressCorrected(e)) => ("corrected", &e.locality, e.indicator.as_str()),
            Some(Body::QuotaAssigned(e)) => ("assigned", &e.locality, e.indicator.as_str()),
            Some(Body::AssessmentPublished(e)) => ("assessed", &e.locality, e.indicator.as_str()),
            _ => ("", &None, ""),
        };
        let locality = locality.as_ref();
        Self {
            sheet: row.sheet.clone(),
            row: row.row,
            position,
            kind,
            known: false,
            findings: Vec::new(),
            locality: locality.map_or_else(String::new, |place| place.code.clone()),
            indicator: indicator.to_owned(),
            effective: event.effective.clone(),
        }
    }

    /// Codes of what was found implausible, such as `FACTOR_OF_TEN`.
    #[must_use]
    pub fn checks(&self) -> Vec<String> {
        let code = |finding: &v1::Finding| {
            let name = finding.check().as_str_name();
            name.trim_start_matches("CHECK_").to_owned()
        };
        self.findings.iter().map(code).collect()
    }
}

/// Rows that are sent as one request.
#[derive(Debug, Default)]
pub struct Part {
    rows: Vec<Row>,
    findings: Vec<v1::EventFindings>,
}

impl Part {
    /// Its rows, in the order of the file; never empty in a [`Plan`].
    #[must_use]
    pub fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// What would be recorded of it.
    #[must_use]
    pub fn accepted(&self) -> Vec<Accepted> {
        accepted(&self.rows, &self.findings, &[])
    }

    /// What was recorded of it, by what the service answered.
    #[must_use]
    pub fn recorded(&self, response: &v1::RecordBatchResponse) -> Vec<Accepted> {
        let events = self.rows.iter().map(|row| row.events.len()).sum();
        let positions = positions(response, events);
        accepted(&self.rows, &response.findings, &positions)
    }
}

/// The rows of a file on their way: first every part is checked, until none is open, then what is left can be recorded.
#[derive(Debug)]
pub struct Plan {
    book: Arc<Book>,
    /// What corrections give as their reason.
    reason: String,
    open: Vec<Part>,
    checked: Checked,
}

/// What a service says of the rows before anything is recorded.
#[derive(Debug, Default)]
pub struct Checked {
    /// What can be recorded.
    pub parts: Vec<Part>,
    /// What is on record.
    pub known: Vec<Accepted>,
    /// What the service refuses.
    pub problems: Vec<Problem>,
}

impl Plan {
    /// All rows, to be checked; `reason` is what corrections of changed figures give as theirs.
    #[must_use]
    pub fn new(book: Arc<Book>, rows: Vec<Row>, reason: String) -> Self {
        Self {
            book,
            reason,
            open: parts(rows),
            checked: Checked::default(),
        }
    }

    /// Takes out the parts that are to be checked next; each is given back with [`Plan::judged`], and none is left when all are through.
    #[must_use]
    pub fn take_open(&mut self) -> Vec<Part> {
        std::mem::take(&mut self.open)
    }

    /// What to ask the service about a part: to check it, or to record it.
    #[must_use]
    pub fn request(&self, part: &Part, validate_only: bool) -> v1::RecordStreamRequest {
        let events: Vec<v1::Event> = part
            .rows
            .iter()
            .flat_map(|row| row.events.clone())
            .collect();
        // A check goes under no id of its own, so that it judges the rows also if they were recorded before.
        let request_id = if validate_only {
            String::new()
        } else {
            let mut said = Vec::new();
            for event in &events {
                // Vectors take all there is.
                let _ = event.encode_length_delimited(&mut said);
            }
            self.book.request_id(&said).to_string()
        };
        v1::RecordStreamRequest {
            sequence: 0,
            request_id,
            events,
            validate_only,
            persons: Vec::new(),
            // So that the same figures in another file, or in this one years later, add nothing.
            skip_known: true,
            tell_changed: validate_only,
            ..v1::RecordStreamRequest::default()
        }
    }

    /// Takes the service's verdict on a part: rows it refuses are taken out and told, those on record are set aside,
    /// and a figure that its source has changed becomes a correction of the one on record; what was changed is open again.
    ///
    /// # Errors
    /// The refusal itself, if it names no row of the part.
    pub fn judged(&mut self, part: Part, outcome: Outcome) -> Result<(), v1::Refusal> {
        match outcome {
            Outcome::Recorded(response) => {
                let (part, has_corrections) = self.sort_out(part, &response);
                if has_corrections {
                    self.open.push(part);
                } else if !part.rows.is_empty() {
                    self.checked.parts.push(part);
                }
            }
            Outcome::Refused(refusal) => {
                let rest = self.take_out(part, refusal)?;
                self.open.extend((!rest.rows.is_empty()).then_some(rest));
            }
        }
        Ok(())
    }

    /// What has been checked so far; leaves nothing.
    #[must_use]
    pub fn take_checked(&mut self) -> Checked {
        std::mem::take(&mut self.checked)
    }

    /// Sets aside what is on record, and makes corrections of what changed; whether there are any.
    fn sort_out(&mut self, part: Part, response: &v1::RecordBatchResponse) -> (Part, bool) {
        let positions = |found: &mut dyn Iterator<Item = (u32, u64)>| found.collect();
        let on_record: BTreeMap<u32, u64> = positions(
            &mut response
                .known
                .iter()
                .map(|known| (known.event_index, known.position)),
        );
        let changed: BTreeMap<u32, u64> = positions(
            &mut response
                .changed
                .iter()
                .map(|changed| (changed.event_index, changed.position)),
        );
        let (mut rest, mut index) = (Part::default(), 0u32);
        let mut kept = 0u32;
        for mut row in part.rows {
            for event in std::mem::take(&mut row.events) {
                if let Some(position) = on_record.get(&index) {
                    self.checked.known.push(Accepted {
                        known: true,
                        ..Accepted::of(&row, &event, *position)
                    });
                } else {
                    let found = response.findings.iter().filter(|f| f.event_index == index);
                    rest.findings.extend(found.map(|found| v1::EventFindings {
                        event_index: kept,
                        findings: found.findings.clone(),
                    }));
                    kept += 1;
                    row.events.push(match changed.get(&index) {
                        Some(position) => corrected(event, *position, &self.reason),
                        None => event,
                    });
                }
                index += 1;
            }
            if !row.events.is_empty() {
                rest.rows.push(row);
            }
        }
        if !changed.is_empty() {
            // It is judged again, so that its findings need not follow.
            rest.rows.sort_by_cached_key(turn);
        }
        (rest, !changed.is_empty())
    }

    /// Takes out the rows that the service refuses, and tells them.
    fn take_out(&mut self, mut part: Part, refusal: v1::Refusal) -> Result<Part, v1::Refusal> {
        let violations = by_row(&refusal, &part.rows);
        if violations.is_empty() {
            return Err(refusal);
        }
        let mut refused = BTreeSet::new();
        for (index, field, violation) in violations {
            let row = &part.rows[index];
            let column = self.book.column_name(&row.sheet, &field);
            let told = Problem::told(violation, &row.sheet, row.row, column);
            self.checked.problems.push(told);
            refused.insert(index);
        }
        let mut index = 0;
        part.rows.retain(|_| {
            index += 1;
            !refused.contains(&(index - 1))
        });
        Ok(part)
    }
}

/// Rows of whole localities, in the order in which these appear, and of each by moment, so that it does not matter how a file is sorted.
fn parts(rows: Vec<Row>) -> Vec<Part> {
    let mut groups: Vec<Vec<Row>> = Vec::new();
    let mut group_of: HashMap<String, usize> = HashMap::new();
    for row in rows {
        let next = group_of.len();
        let group = *group_of.entry(locality(&row)).or_insert(next);
        if group == groups.len() {
            groups.push(Vec::new());
        }
        groups[group].push(row);
    }
    let mut parts: Vec<Part> = Vec::new();
    let (mut events, mut bytes) = (0, 0);
    for mut group in groups {
        group.sort_by_cached_key(turn);
        let (all, weight) = group.iter().map(size).fold((0, 0), sum);
        if parts.is_empty() || events + all > PART_EVENTS_MAX || bytes + weight > PART_BYTES_MAX {
            parts.push(Part::default());
            (events, bytes) = (0, 0);
        }
        for row in group {
            (events, bytes) = sum((events, bytes), size(&row));
            // A locality with more than a service takes at once is cut.
            if events > REQUEST_EVENTS_MAX || bytes > REQUEST_BYTES_MAX {
                parts.push(Part::default());
                (events, bytes) = size(&row);
            }
            if let Some(part) = parts.last_mut() {
                part.rows.push(row);
            }
        }
    }
    parts
}

fn sum(a: (usize, usize), b: (usize, usize)) -> (usize, usize) {
    (a.0 + b.0, a.1 + b.1)
}

/// Events of a row, and their bytes.
fn size(row: &Row) -> (usize, usize) {
    let bytes = row.events.iter().map(v1::Event::encoded_len).sum();
    (row.events.len(), bytes)
}

/// When it is a row's turn among those of its locality: quotas and corrections before the figures that are held against them, then by moment.
fn turn(row: &Row) -> (bool, String) {
    let event = row.events.first();
    let is_report =
        event.is_some_and(|event| matches!(event.body, Some(Body::ProgressReported(_))));
    (
        is_report,
        event.map_or_else(String::new, |event| event.effective.clone()),
    )
}

/// Whom a row speaks of.
fn locality(row: &Row) -> String {
    let place = row.events.first().and_then(|event| match &event.body {
        Some(Body::ProgressReported(e)) => e.locality.as_ref(),
        Some(Body::QuotaAssigned(e)) => e.locality.as_ref(),
        _ => None,
    });
    place.map_or_else(String::new, |place| {
        format!("{}@{}", place.code, place.since)
    })
}

/// The correction of the figure at a position to what a report says now.
fn corrected(event: v1::Event, position: u64, reason: &str) -> v1::Event {
    let body = match event.body {
        Some(Body::ProgressReported(report)) => {
            Some(Body::ProgressCorrected(v1::ProgressCorrected {
                corrects: position,
                locality: report.locality,
                indicator: report.indicator,
                value: report.value,
                denominator: report.denominator,
                percent: report.percent,
                percent_bound: report.percent_bound,
                source: report.source,
                reason: reason.to_owned(),
            }))
        }
        other => other,
    };
    v1::Event { body, ..event }
}

/// Every event of the rows, with where it stands if that is known and what was found in it.
fn accepted(rows: &[Row], findings: &[v1::EventFindings], positions: &[u64]) -> Vec<Accepted> {
    let events = rows
        .iter()
        .flat_map(|row| row.events.iter().map(move |event| (row, event)));
    let mut found: BTreeMap<u32, &[v1::Finding]> = BTreeMap::new();
    for of_event in findings {
        found.insert(of_event.event_index, &of_event.findings);
    }
    (0u32..)
        .zip(events)
        .map(|(index, (row, event))| {
            let position = positions.get(index as usize).copied().unwrap_or(0);
            let found = found.get(&index).copied().unwrap_or_default();
            Accepted {
                findings: found.to_vec(),
                ..Accepted::of(row, event, position)
            }
        })
        .collect()
}

/// Where each event of a part stands.
fn positions(response: &v1::RecordBatchResponse, events: usize) -> Vec<u64> {
    let known: BTreeMap<u32, u64> = response
        .known
        .iter()
        .map(|known| (known.event_index, known.position))
        .collect();
    let first = response.receipt.as_ref().map_or(0, |r| r.first_position);
    let mut next = first;
    let place = |index| {
        if let Some(position) = known.get(&index) {
            return *position;
        }
        let position = next;
        next += u64::from(first > 0);
        position
    };
    (0..).take(events).map(place).collect()
}

/// The violations of single rows: index of the row, field within its event, violation.
fn by_row(refusal: &v1::Refusal, rows: &[Row]) -> Vec<(usize, String, FieldRefusal)> {
    let rows = rows.iter().enumerate();
    let row_of_event: Vec<usize> = rows
        .flat_map(|(index, row)| std::iter::repeat_n(index, row.events.len()))
        .collect();
    let of_row = |violation: &v1::FieldViolation| {
        let (index, field) = violation.field.strip_prefix("events[")?.split_once(']')?;
        let row = *row_of_event.get(index.parse::<usize>().ok()?)?;
        let field = field.trim_start_matches('.').to_owned();
        let violation = FieldRefusal {
            field: violation.field.clone(),
            reason: violation.reason.clone(),
            detail: violation.detail.clone(),
            vi: violation.detail_vi.clone(),
        };
        Some((row, field, violation))
    };
    refusal.violations.iter().filter_map(of_row).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(row: u64, place: &str, count: i64) -> Row {
        let report = v1::ProgressReported {
            locality: Some(v1::LocalityRef {
                code: place.to_owned(),
                since: String::new(),
            }),
            value: Some(v1::Quantity {
                number: Some(v1::quantity::Number::Count(count)),
                bound: 0,
            }),
            ..Default::default()
        };
        let event = v1::Event {
            effective: "2023-06-05".to_owned(),
            body: Some(Body::ProgressReported(report)),
            ..v1::Event::default()
        };
        Row {
            sheet: String::new(),
            row,
            events: vec![event],
        }
    }

    #[test]
    fn a_part_holds_the_rows_of_whole_localities() {
        // By turns, so that both have rows at the beginning and at the end of the file.
        let rows = (0..1_600).map(|line| row(line, if line % 2 == 0 { "268" } else { "269" }, 1));
        let small = parts(rows.collect());
        assert_eq!(
            small.iter().map(|part| part.rows.len()).collect::<Vec<_>>(),
            [1_600]
        );
        let rows = (0..3_000).map(|line| row(line, if line % 2 == 0 { "268" } else { "269" }, 1));
        let parts = parts(rows.collect());
        assert_eq!(
            parts.iter().map(|part| part.rows.len()).collect::<Vec<_>>(),
            [1_500, 1_500]
        );
        for part in parts {
            let places: BTreeSet<String> = part.rows.iter().map(locality).collect();
            assert_eq!(places.len(), 1);
        }
        // One stays whole as long as the service takes it at once.
        let sizes = |lines: u64| {
            let rows = (0..lines).map(|line| row(line, "268", 1)).collect();
            let parts = super::parts(rows);
            parts.iter().map(|part| part.rows.len()).collect::<Vec<_>>()
        };
        assert_eq!(sizes(2_001), [2_001]);
        assert_eq!(sizes(10_001), [10_000, 1]);
    }

    #[test]
    fn a_file_is_sent_in_the_same_order_however_it_is_sorted() {
        let of_day = |line: u64| {
            let mut row = row(line, "268", 1);
            row.events[0].effective = format!("2023-06-{:02}", line);
            row
        };
        let upwards = parts((1..=28).map(of_day).collect());
        let downwards = parts((1..=28).rev().map(of_day).collect());
        assert_eq!(upwards[0].rows, downwards[0].rows);
    }

    #[test]
    fn what_is_known_is_set_aside_and_what_changed_becomes_a_correction() {
        let book = Book::open(b"code,indicator,date,value\n", crate::Options::default()).unwrap();
        let mut plan = Plan::new(Arc::new(book), Vec::new(), "Sửa theo tệp".to_owned());
        let part = Part {
            rows: vec![row(2, "268", 10), row(3, "268", 20), row(4, "268", 30)],
            findings: Vec::new(),
        };
        let response = v1::RecordBatchResponse {
            known: vec![v1::KnownFigure {
                event_index: 0,
                position: 7,
            }],
            changed: vec![v1::ChangedFigure {
                event_index: 1,
                position: 8,
            }],
            findings: vec![v1::EventFindings {
                event_index: 2,
                findings: vec![v1::Finding::default()],
            }],
            ..Default::default()
        };
        let (rest, has_corrections) = plan.sort_out(part, &response);
        assert!(has_corrections);
        let known = &plan.checked.known[0];
        assert_eq!((known.row, known.position, known.known), (2, 7, true));
        assert_eq!(
            rest.rows.iter().map(|row| row.row).collect::<Vec<_>>(),
            [3, 4]
        );
        let Some(Body::ProgressCorrected(correction)) = &rest.rows[0].events[0].body else {
            panic!("a correction");
        };
        assert_eq!(
            (correction.corrects, correction.reason.as_str()),
            (8, "Sửa theo tệp")
        );
        assert_eq!(
            rest.findings[0].event_index, 1,
            "counted among those that are left"
        );
    }

    #[test]
    fn a_row_on_record_keeps_its_place_and_the_others_follow_each_other() {
        let known = |event_index, position| v1::KnownFigure {
            event_index,
            position,
        };
        let response = v1::RecordBatchResponse {
            receipt: Some(v1::Receipt {
                first_position: 40,
                last_position: 41,
                ..v1::Receipt::default()
            }),
            known: vec![known(0, 7), known(2, 9)],
            ..Default::default()
        };
        assert_eq!(positions(&response, 4), [7, 40, 9, 41]);
    }

    #[test]
    fn violations_are_told_by_row() {
        let violation = |field: &str| v1::FieldViolation {
            field: field.to_owned(),
            reason: "DATE_IN_FUTURE".to_owned(),
            ..Default::default()
        };
        let refusal = v1::Refusal {
            violations: vec![
                violation("events[1].effective"),
                violation("events[7].effective"),
                violation("request_id"),
            ],
            ..Default::default()
        };
        let rows = [row(2, "268", 1), row(3, "268", 1)];
        let found = by_row(&refusal, &rows);
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].0, found[0].1.as_str()), (1, "effective"));
        // The second event of the first row.
        let mut praised = row(2, "268", 1);
        praised.events.push(praised.events[0].clone());
        let found = by_row(&refusal, &[praised, row(3, "268", 1)]);
        assert_eq!((found.len(), found[0].0), (1, 0));
    }
}
