//! Rows to the service in parts: first checked, then recorded, each in one stream.
//!
//! A part holds the rows of whole localities as far as they fit, so that figures which must be held against each other are
//! judged together. Its request id follows from what it says: whoever sends the same again is recognised.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use futures::StreamExt as _;
use prost::Message as _;
use sheet::{Book, Problem, Row};
use tonic::transport::Channel;
use wire::status::FieldRefusal;
use wire::v1;
use wire::v1::event::Body;
use wire::v1::ingest_service_client::IngestServiceClient;
use wire::v1::record_stream_response::Outcome;

use super::report::Accepted;
use crate::Failure;
use crate::fail::UNAVAILABLE;
use crate::lang::Lang;
use crate::load::progress;

/// Most events in one part.
const PART_EVENTS_MAX: usize = 2_000;
/// Most bytes of events in one part, unless a single row has more; a request stays below 4 MiB.
const PART_BYTES_MAX: usize = 1024 * 1024;

/// Sends the rows of one file.
pub(super) struct Sender<'a> {
    ingest: IngestServiceClient<Channel>,
    book: &'a Book,
    /// What corrections give as their reason.
    reason: String,
    lang: Lang,
}

/// Rows that are sent as one request.
#[derive(Debug, Default)]
pub(super) struct Part {
    rows: Vec<Row>,
    findings: Vec<v1::EventFindings>,
}

/// What the service says of the rows before anything is recorded.
#[derive(Debug, Default)]
pub(super) struct Checked {
    /// What can be recorded.
    pub(super) parts: Vec<Part>,
    /// What is on record.
    pub(super) known: Vec<Accepted>,
    pub(super) problems: Vec<Problem>,
}

impl Checked {
    /// What would be recorded.
    pub(super) fn accepted(&self) -> Vec<Accepted> {
        let parts = self.parts.iter();
        parts
            .flat_map(|part| accepted(&part.rows, &part.findings, &[]))
            .collect()
    }
}

impl<'a> Sender<'a> {
    pub(super) fn new(
        ingest: IngestServiceClient<Channel>,
        book: &'a Book,
        reason: String,
        lang: Lang,
    ) -> Self {
        Self {
            ingest,
            book,
            reason,
            lang,
        }
    }

    /// Lets the service judge every row: those it refuses are taken out and told, those on record are set aside, and
    /// a figure that its source has changed becomes a correction of the one on record.
    pub(super) async fn check(&mut self, rows: Vec<Row>) -> Result<Checked, Failure> {
        let mut checked = Checked::default();
        let mut open = parts(rows);
        let bar = bar(&open, self.lang.pick("Kiểm tra", "Checking"));
        while !open.is_empty() {
            let requests = open.iter().map(|part| self.request(part, true)).collect();
            let answers = self.exchange(requests, &open, &bar).await?;
            let mut again = Vec::new();
            for (part, answer) in open.into_iter().zip(answers) {
                match answer {
                    Outcome::Recorded(response) => {
                        let (part, has_corrections) =
                            self.sort_out(part, response, &mut checked.known);
                        if has_corrections {
                            again.push(part);
                        } else if !part.rows.is_empty() {
                            checked.parts.push(part);
                        }
                    }
                    Outcome::Refused(refusal) => {
                        let rest = self.take_out(part, refusal, &mut checked.problems)?;
                        again.extend((!rest.rows.is_empty()).then_some(rest));
                    }
                }
            }
            open = again;
        }
        bar.finish_and_clear();
        Ok(checked)
    }

    /// Records what was checked.
    pub(super) async fn record(&mut self, parts: Vec<Part>) -> Result<Vec<Accepted>, Failure> {
        let bar = bar(&parts, self.lang.pick("Ghi nhận", "Recording"));
        let requests = parts.iter().map(|part| self.request(part, false)).collect();
        let answers = self.exchange(requests, &parts, &bar).await?;
        let mut recorded = Vec::new();
        for (part, answer) in parts.iter().zip(answers) {
            match answer {
                Outcome::Recorded(response) => {
                    let events = part.rows.iter().map(|row| row.events.len()).sum();
                    let positions = positions(&response, events);
                    recorded.extend(accepted(&part.rows, &response.findings, &positions));
                }
                Outcome::Refused(refusal) => {
                    return Err(self.interrupted(&refusal, part, recorded.len()));
                }
            }
        }
        bar.finish_and_clear();
        Ok(recorded)
    }

    fn request(&self, part: &Part, validate_only: bool) -> v1::RecordStreamRequest {
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
        }
    }

    /// Sends all requests and gives the answers in their order; stops at the first refusal of one that was to be recorded.
    async fn exchange(
        &mut self,
        requests: Vec<v1::RecordStreamRequest>,
        parts: &[Part],
        bar: &indicatif::ProgressBar,
    ) -> Result<Vec<Outcome>, Failure> {
        let lang = self.lang;
        let told = |status: tonic::Status| Failure::status(&status, lang);
        let stream = futures::stream::iter(requests);
        let mut answers = self
            .ingest
            .record_stream(stream)
            .await
            .map_err(told)?
            .into_inner();
        let mut outcomes = Vec::with_capacity(parts.len());
        while let Some(answer) = answers.next().await {
            let outcome = answer.map_err(told)?.outcome;
            bar.inc(
                parts
                    .get(outcomes.len())
                    .map_or(0, |part| part.rows.len() as u64),
            );
            outcomes.extend(outcome);
        }
        if outcomes.len() == parts.len() {
            return Ok(outcomes);
        }
        let text = lang.pick(
            "dịch vụ ngừng trả lời giữa chừng; hãy chạy lại lệnh này, những gì đã ghi sẽ được nhận ra",
            "the service stopped answering; run the same command again, what is recorded will be recognised",
        );
        Err(Failure::new(UNAVAILABLE, text))
    }

    /// Sets aside what is on record, and makes corrections of what changed; whether there are any.
    fn sort_out(
        &self,
        part: Part,
        response: v1::RecordBatchResponse,
        known: &mut Vec<Accepted>,
    ) -> (Part, bool) {
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
                    known.push(Accepted::of(&row, &event, *position).on_record());
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
        (rest, !changed.is_empty())
    }

    /// Takes out the rows that the service refuses, and tells them.
    fn take_out(
        &self,
        mut part: Part,
        refusal: v1::Refusal,
        problems: &mut Vec<Problem>,
    ) -> Result<Part, Failure> {
        let violations = by_row(&refusal, &part.rows);
        if violations.is_empty() {
            return Err(Failure::refusal(&refusal, self.lang));
        }
        let mut refused = BTreeSet::new();
        for (index, field, violation) in violations {
            let row = &part.rows[index];
            let column = self.book.column_name(&row.sheet, &field);
            problems.push(Problem::told(violation, &row.sheet, row.row, column));
            refused.insert(index);
        }
        let mut index = 0;
        part.rows.retain(|_| {
            index += 1;
            !refused.contains(&(index - 1))
        });
        Ok(part)
    }

    /// What to do when recording stopped.
    fn interrupted(&self, refusal: &v1::Refusal, part: &Part, recorded: usize) -> Failure {
        let failure = Failure::refusal(refusal, self.lang);
        let first = part.rows.first().map_or(0, |row| row.row);
        let count = self.lang.count(recorded as u64);
        let text = self.lang.pick(
            format!("{count} dòng trước đó có thể đã được ghi, phần có dòng {first} bị từ chối; hãy chạy lại lệnh này, những gì đã ghi sẽ được nhận ra"),
            format!("{count} rows before it are recorded, the part with row {first} was refused; run the same command again, what is recorded will be recognised"),
        );
        Failure::new(UNAVAILABLE, format!("{}; {text}", failure.text()))
    }
}

/// Rows of whole localities, in the order in which these appear, as far as they fit.
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
    for group in groups {
        let size = |row: &Row| -> usize { row.events.iter().map(v1::Event::encoded_len).sum() };
        let all: usize = group.iter().map(|row| row.events.len()).sum();
        let fits = events + all <= PART_EVENTS_MAX
            && bytes + group.iter().map(size).sum::<usize>() <= PART_BYTES_MAX;
        if !fits {
            (events, bytes) = (PART_EVENTS_MAX, PART_BYTES_MAX);
        }
        for row in group {
            let (more, larger) = (row.events.len(), size(&row));
            if parts.is_empty()
                || events + more > PART_EVENTS_MAX
                || bytes + larger > PART_BYTES_MAX
            {
                parts.push(Part::default());
                (events, bytes) = (0, 0);
            }
            (events, bytes) = (events + more, bytes + larger);
            if let Some(part) = parts.last_mut() {
                part.rows.push(row);
            }
        }
    }
    parts
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
            Accepted::of(row, event, position).with(found)
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

/// A progress bar where there is more than one part.
fn bar(parts: &[Part], what: &str) -> indicatif::ProgressBar {
    if parts.len() > 1 {
        progress(parts.iter().map(|part| part.rows.len() as u64).sum(), what)
    } else {
        indicatif::ProgressBar::hidden()
    }
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
        // One that is larger than a part is cut.
        let rows = (0..2_001).map(|line| row(line, "268", 1)).collect();
        let sizes: Vec<usize> = super::parts(rows)
            .iter()
            .map(|part| part.rows.len())
            .collect();
        assert_eq!(sizes, [2_000, 1]);
    }

    #[tokio::test]
    async fn what_is_known_is_set_aside_and_what_changed_becomes_a_correction() {
        let book = Book::open(b"code,indicator,date,value\n", sheet::Options::default()).unwrap();
        let channel = tonic::transport::Endpoint::from_static("http://127.0.0.1:1").connect_lazy();
        let ingest = IngestServiceClient::new(channel);
        let sender = Sender::new(ingest, &book, "Sửa theo tệp".to_owned(), Lang::En);
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
        let mut known = Vec::new();
        let (rest, has_corrections) = sender.sort_out(part, response, &mut known);
        assert!(has_corrections);
        assert_eq!((known[0].row, known[0].position), (2, 7));
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
