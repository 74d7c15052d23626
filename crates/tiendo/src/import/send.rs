//! Rows to the service in batches: first validated, then recorded.
//!
//! Validation goes under no request id, so that it judges the rows also if they were recorded before.

use std::collections::{BTreeMap, BTreeSet};

use tonic::transport::Channel;
use tonic::{Code, Status};
use wire::status::{FieldRefusal, refusal};
use wire::v1;
use wire::v1::ingest_service_client::IngestServiceClient;

use super::problem::{Found, Problem};
use super::report::Accepted;
use super::sheet::Header;
use super::{Row, request_id, row};
use crate::Failure;
use crate::fail::{REFUSED, UNAVAILABLE};
use crate::lang::Lang;
use crate::load::progress;

/// Rows validated at once where a refusal of more of them does not fit into the header that carries it.
const FEW_ROWS: usize = 16;

/// Sends the rows of one file.
pub(super) struct Sender<'a> {
    ingest: IngestServiceClient<Channel>,
    bytes: &'a [u8],
    header: &'a Header,
    lang: Lang,
}

/// What was recorded, or would have been.
#[derive(Debug, Default)]
pub(super) struct Recorded {
    pub(super) rows: Vec<Accepted>,
    /// Whether all of it was on record before.
    pub(super) repeated: bool,
}

impl<'a> Sender<'a> {
    pub(super) fn new(
        ingest: IngestServiceClient<Channel>,
        bytes: &'a [u8],
        header: &'a Header,
        lang: Lang,
    ) -> Self {
        Self {
            ingest,
            bytes,
            header,
            lang,
        }
    }

    /// Lets the service judge every row; those it refuses are taken out, and told.
    pub(super) async fn validate(
        &mut self,
        batches: &mut BTreeMap<usize, Vec<Row>>,
    ) -> Result<Vec<Problem>, Failure> {
        let what = self.lang.pick("Kiểm tra", "Validating");
        let bar = bar(batches, what);
        let mut problems = Vec::new();
        for rows in batches.values_mut() {
            let before = rows.len() as u64;
            self.validate_batch(rows, &mut problems).await?;
            bar.inc(before);
        }
        bar.finish_and_clear();
        Ok(problems)
    }

    async fn validate_batch(
        &mut self,
        rows: &mut Vec<Row>,
        problems: &mut Vec<Problem>,
    ) -> Result<(), Failure> {
        let (mut start, mut size) = (0, rows.len());
        while start < rows.len() {
            let end = rows.len().min(start + size);
            let Err(status) = self.send(&rows[start..end], String::new(), true).await else {
                start = end;
                continue;
            };
            let violations = by_row(&status, end - start);
            if violations.is_empty() {
                if size <= FEW_ROWS || !is_cut_short(&status) {
                    return Err(Failure::status(&status, self.lang));
                }
                size = FEW_ROWS;
                continue;
            }
            let mut refused = BTreeSet::new();
            for (index, field, violation) in violations {
                let column = row::column_of(self.header, &field);
                let column = column.map_or(field, |column| self.header.name(column).to_owned());
                problems.push(Found::told(violation).at(rows[start + index].line, column));
                refused.insert(start + index);
            }
            let mut index = 0;
            rows.retain(|_| {
                index += 1;
                !refused.contains(&(index - 1))
            });
        }
        Ok(())
    }

    /// Records the rows, or only learns whether they were recorded before.
    pub(super) async fn record(
        &mut self,
        batches: BTreeMap<usize, Vec<Row>>,
        dry_run: bool,
    ) -> Result<Recorded, Failure> {
        let what = self.lang.pick("Ghi nhận", "Recording");
        let bar = bar(&batches, what);
        let mut recorded = Recorded {
            rows: Vec::new(),
            repeated: true,
        };
        for (batch, rows) in batches {
            if rows.is_empty() {
                continue;
            }
            let id = request_id(self.bytes, batch).to_string();
            let response = match self.send(&rows, id, dry_run).await {
                Ok(response) => response,
                Err(status) => return Err(self.interrupted(&status, &rows, &recorded)),
            };
            recorded.repeated &= response.receipt.as_ref().is_some_and(|r| r.repeated);
            bar.inc(rows.len() as u64);
            let positions = positions(&response, rows.len());
            let accepted = rows.iter().zip(positions);
            let accepted = accepted.map(|(row, position)| Accepted::of(row, position));
            recorded.rows.extend(accepted);
        }
        recorded.repeated &= !recorded.rows.is_empty();
        bar.finish_and_clear();
        Ok(recorded)
    }

    async fn send(
        &mut self,
        rows: &[Row],
        request_id: String,
        validate_only: bool,
    ) -> Result<v1::RecordBatchResponse, Status> {
        let events = rows.iter().map(|row| row.event.clone()).collect();
        let request = v1::RecordBatchRequest {
            request_id,
            events,
            validate_only,
            persons: Vec::new(),
            // So that the same figures in another file, or in this one years later, add nothing.
            skip_known: true,
        };
        Ok(self.ingest.record_batch(request).await?.into_inner())
    }

    /// What to do when recording stopped.
    fn interrupted(&self, status: &Status, rows: &[Row], recorded: &Recorded) -> Failure {
        let failure = Failure::status(status, self.lang);
        let line = |row: Option<&Row>| row.map_or(0, |row| row.line);
        let (first, last) = (line(rows.first()), line(rows.last()));
        if status.code() == Code::AlreadyExists {
            let text = self.lang.pick(
                format!("các dòng {first}–{last} của tệp này đã được ghi nhận, nhưng khi đó có dòng khác hoặc do cơ quan khác báo cáo; hãy nhập riêng các dòng còn thiếu bằng một tệp khác"),
                format!("lines {first}–{last} of this file were recorded before, then with other rows or by another office; put the rows still missing into a file of their own"),
            );
            return Failure::new(REFUSED, format!("{text} ({})", failure.text()));
        }
        if recorded.rows.is_empty() {
            return failure;
        }
        let count = self.lang.count(recorded.rows.len() as u64);
        let text = self.lang.pick(
            format!("đã ghi nhận {count} dòng trước dòng {first}; hãy chạy lại lệnh này, những gì đã ghi sẽ được nhận ra"),
            format!("{count} rows before line {first} are recorded; run the same command again, what is recorded will be recognised"),
        );
        Failure::new(UNAVAILABLE, format!("{}; {text}", failure.text()))
    }
}

/// Where each row of a batch stands; 0 if it was only validated.
fn positions(response: &v1::RecordBatchResponse, rows: usize) -> Vec<u64> {
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
    (0..).take(rows).map(place).collect()
}

/// The violations of single rows: index, field within the event, violation.
fn by_row(status: &Status, rows: usize) -> Vec<(usize, String, FieldRefusal)> {
    let of_row = |violation: FieldRefusal| {
        let (index, field) = violation.field.strip_prefix("events[")?.split_once(']')?;
        let index = index.parse().ok().filter(|index| *index < rows)?;
        let field = field.trim_start_matches('.').to_owned();
        Some((index, field, violation))
    };
    refusal(status)
        .violations
        .into_iter()
        .filter_map(of_row)
        .collect()
}

/// Whether a refusal may have been too long to arrive: it is none of the service's own, which have a reason.
fn is_cut_short(status: &Status) -> bool {
    refusal(status).reason.is_empty()
}

/// A progress bar where there is more than one batch.
fn bar(batches: &BTreeMap<usize, Vec<Row>>, what: &str) -> indicatif::ProgressBar {
    if batches.len() > 1 {
        progress(batches.values().map(|rows| rows.len() as u64).sum(), what)
    } else {
        indicatif::ProgressBar::hidden()
    }
}

#[cfg(test)]
mod tests {
    use domain::{Reason, Violation};
    use tokio_stream::wrappers::TcpListenerStream;
    use tonic::{Request, Response};
    use wire::v1::ingest_service_server::{IngestService, IngestServiceServer};

    use super::*;
    use crate::client::Clients;
    use crate::endpoints::Endpoints;
    use crate::import::Sheet;

    /// Refuses every event of 2099, and counts the rest from position 1 in each batch.
    struct Fake;

    #[tonic::async_trait]
    impl IngestService for Fake {
        async fn record(
            &self,
            _: Request<v1::RecordRequest>,
        ) -> Result<Response<v1::RecordResponse>, Status> {
            Err(Status::unimplemented("not used"))
        }

        async fn record_batch(
            &self,
            request: Request<v1::RecordBatchRequest>,
        ) -> Result<Response<v1::RecordBatchResponse>, Status> {
            let request = request.into_inner();
            let is_future = |event: &v1::Event| event.effective.starts_with("2099");
            let detail = "2099-01-01 lies in the future";
            let violations: Vec<Violation> = (0..)
                .zip(&request.events)
                .filter(|(_, event)| is_future(event))
                .map(|(i, _)| {
                    let field = format!("events[{i}].effective");
                    Violation::new(field, Reason::DateInFuture, detail)
                })
                .collect();
            if !violations.is_empty() {
                return Err(wire::status::invalid(&violations));
            }
            let first_position = u64::from(!request.validate_only);
            let receipt = v1::Receipt {
                first_position,
                ..v1::Receipt::default()
            };
            Ok(Response::new(v1::RecordBatchResponse {
                receipt: Some(receipt),
                known: Vec::new(),
            }))
        }

        type RecordStreamStream = tokio_stream::Empty<Result<v1::RecordStreamResponse, Status>>;

        async fn record_stream(
            &self,
            _: Request<tonic::Streaming<v1::RecordStreamRequest>>,
        ) -> Result<Response<Self::RecordStreamStream>, Status> {
            Err(Status::unimplemented("not used"))
        }

        async fn get_ledger(
            &self,
            _: Request<v1::GetLedgerRequest>,
        ) -> Result<Response<v1::GetLedgerResponse>, Status> {
            Err(Status::unimplemented("not used"))
        }
    }

    async fn fake() -> IngestServiceClient<Channel> {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let ingest = format!("http://{}", listener.local_addr().unwrap());
        let server = tonic::transport::Server::builder()
            .add_service(IngestServiceServer::new(Fake))
            .serve_with_incoming(TcpListenerStream::new(listener));
        host::task::spawn("fake-ingest", async move { server.await.unwrap() });
        let endpoints = Endpoints {
            ingest,
            ..Endpoints::default()
        };
        Clients::new(endpoints).ingest().await.unwrap()
    }

    fn row(line: u64, effective: &str) -> Row {
        let event = v1::Event {
            effective: effective.to_owned(),
            ..v1::Event::default()
        };
        Row {
            line,
            batch: 0,
            event,
        }
    }

    #[tokio::test]
    async fn every_refused_row_is_taken_out_however_many_there_are() {
        let bytes = b"province,indicator,Day,date,value\n";
        let sheet = Sheet::read(bytes).unwrap();
        let mut sender = Sender::new(fake().await, bytes, sheet.header(), Lang::En);
        let year = |line| {
            if line % 500 == 0 {
                "2023-01-01"
            } else {
                "2099-01-01"
            }
        };
        let rows = (2..2_002).map(|line| row(line, year(line))).collect();
        let mut batches = BTreeMap::from([(0, rows)]);
        let problems = sender.validate(&mut batches).await.unwrap();
        assert_eq!(problems.len(), 1_996);
        let lines: BTreeSet<u64> = problems.iter().map(|problem| problem.line).collect();
        assert_eq!(lines.len(), 1_996);
        assert_eq!(
            (problems[0].column.as_str(), problems[0].reason),
            ("date", "DATE_IN_FUTURE")
        );
        let dry = sender.record(batches.clone(), true).await.unwrap();
        assert_eq!(dry.rows.len(), 4);
        assert!(dry.rows.iter().all(|row| row.position == 0));
        let recorded = sender.record(batches, false).await.unwrap();
        let found: Vec<_> = recorded
            .rows
            .iter()
            .map(|row| (row.line, row.position))
            .collect();
        assert_eq!(found, [(500, 1), (1_000, 2), (1_500, 3), (2_000, 4)]);
    }

    #[test]
    fn a_row_on_record_keeps_its_place_and_the_others_follow_each_other() {
        let known = |event_index, position| v1::KnownFigure {
            event_index,
            position,
        };
        let mut response = v1::RecordBatchResponse {
            receipt: Some(v1::Receipt {
                first_position: 40,
                last_position: 41,
                ..v1::Receipt::default()
            }),
            known: vec![known(0, 7), known(2, 9)],
        };
        assert_eq!(positions(&response, 4), [7, 40, 9, 41]);
        response.receipt = None;
        assert_eq!(positions(&response, 4), [7, 0, 9, 0]);
    }

    #[test]
    fn violations_are_told_by_row() {
        let status = wire::status::invalid(&[
            Violation::new(
                "events[1].effective",
                Reason::DateInFuture,
                "lies in the future",
            ),
            Violation::new(
                "events[7].effective",
                Reason::DateInFuture,
                "is no row of ours",
            ),
            Violation::new("request_id", Reason::RequestIdFormat, "is no row"),
        ]);
        let found = by_row(&status, 2);
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].0, found[0].1.as_str()), (1, "effective"));
        assert!(!is_cut_short(&status));
        assert!(is_cut_short(&Status::internal("h2 protocol error")));
    }
}
