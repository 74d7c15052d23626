//! A file of figures over gRPC: judged, refused or recorded whole, and recognised when it comes again.

use std::fmt::Write as _;
use std::time::Instant;

use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Code, Status};
use wire::v1;
use wire::v1::event::Body;
use wire::v1::import_file_request::Part as Sent;
use wire::v1::import_file_response::Part as Told;

use crate::common::{PATIENCE, World};

/// Events on record before: two wards and two indicators.
const FOUNDING: u64 = 4;
/// The trace that files come from.
const TRACE: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
/// Figures of two wards; one of them with a quota, in a row that reports nothing.
const FILE: &str = "\
xã/phường,chỉ tiêu,ngày,kết quả,chỉ tiêu giao,hạn hoàn thành,nguồn
Phường Phúc Xá,eid.activated,5/6/2023,1.200,,,Báo cáo tháng 5
P. Trúc Bạch,Kích hoạt,5/6/2023,900,,,Báo cáo tháng 5
Phường Phúc Xá,eid.activated,5/6/2023,,2.000,30/6/2023,Kế hoạch giao
";

/// Ingest without a bus, with two wards and two indicators on record.
async fn founded() -> World {
    let mut world = World::alone().await;
    let founding = v1::RecordBatchRequest {
        events: vec![
            registered("00001", "Phường Phúc Xá"),
            registered("00004", "Phường Trúc Bạch"),
            indicator("eid.activated", "Kích hoạt"),
            indicator("eid.collected", "Thu nhận"),
        ],
        ..v1::RecordBatchRequest::default()
    };
    world.client.record_batch(founding).await.unwrap();
    world
}

impl World {
    /// How many events are on record.
    async fn head(&mut self) -> u64 {
        let ledger = self.client.get_ledger(v1::GetLedgerRequest {}).await;
        ledger.unwrap().into_inner().head
    }

    async fn send(&mut self, parts: Vec<Sent>) -> Result<Report, Status> {
        let parts = parts
            .into_iter()
            .map(|part| v1::ImportFileRequest { part: Some(part) });
        let mut request = tonic::Request::new(tokio_stream::iter(parts));
        let trace = TRACE.parse().unwrap();
        request.metadata_mut().insert("traceparent", trace);
        let answers = self.client.import_file(request).await?;
        let mut answers = answers.into_inner();
        let mut report = Report::default();
        while let Some(answer) = timeout(PATIENCE, answers.message()).await.unwrap()? {
            report.add(answer);
        }
        Ok(report)
    }

    /// Imports a file in small chunks.
    async fn import(&mut self, options: v1::ImportOptions, file: &str) -> Result<Report, Status> {
        let chunks = file.as_bytes().chunks(50);
        let chunks = chunks.map(|chunk| Sent::Chunk(chunk.to_vec()));
        let parts = std::iter::once(Sent::Options(options)).chain(chunks);
        self.send(parts.collect()).await
    }

    /// Why a file is refused as a whole.
    async fn refused(&mut self, parts: Vec<Sent>) -> (Code, String) {
        let status = self.send(parts).await.unwrap_err();
        (status.code(), wire::status::refusal(&status).reason)
    }
}

/// What an import told.
#[derive(Debug, Default)]
struct Report {
    progress: Vec<v1::ImportProgress>,
    /// Row, kind, and whether it was known.
    accepted: Vec<(u64, String, bool)>,
    positions: Vec<u64>,
    /// Row, column and reason.
    refused: Vec<(u64, String, String)>,
    told: Vec<v1::FileProblem>,
    skipped: Vec<u64>,
    summary: Option<v1::ImportSummary>,
}

impl Report {
    fn add(&mut self, answer: v1::ImportFileResponse) {
        assert_eq!(self.summary, None, "the summary is the last");
        match answer.part.unwrap() {
            Told::Progress(progress) => self.progress.push(progress),
            Told::Accepted(accepted) => {
                for row in accepted.rows {
                    self.accepted.push((row.row, row.kind, row.known));
                    self.positions.push(row.position);
                }
            }
            Told::Refused(refused) => {
                for cell in refused.problems {
                    let of = cell.clone();
                    self.refused.push((of.row, of.column, of.reason));
                    self.told.push(cell);
                }
            }
            Told::Skipped(skipped) => {
                let rows = skipped.problems.iter().map(|row| row.row);
                self.skipped.extend(rows);
            }
            Told::Summary(summary) => self.summary = Some(summary),
        }
    }

    /// Records, accepted, known, refused, skipped.
    fn counts(&self) -> [u64; 5] {
        let s = self.summary.unwrap();
        [s.records, s.accepted, s.known, s.refused, s.skipped]
    }
}

fn event(effective: &str, body: Body) -> v1::Event {
    v1::Event {
        actor: actor(),
        effective: effective.to_owned(),
        body: Some(body),
        ..v1::Event::default()
    }
}

fn actor() -> Option<v1::Actor> {
    Some(v1::Actor {
        organisation: "UBND phường".to_owned(),
        office: "Tổ công tác".to_owned(),
    })
}

fn name(vi: &str) -> Option<v1::Name> {
    Some(v1::Name {
        vi: vi.to_owned(),
        en: String::new(),
    })
}

fn registered(code: &str, vi: &str) -> v1::Event {
    let since = "2023-04-10";
    let body = v1::LocalityRegistered {
        locality: Some(v1::LocalityRef {
            code: code.to_owned(),
            since: since.to_owned(),
        }),
        name: name(vi),
        source: Some(v1::Source {
            title: "Danh mục đơn vị hành chính".to_owned(),
            url: String::new(),
        }),
        ..v1::LocalityRegistered::default()
    };
    event(since, Body::LocalityRegistered(body))
}

fn indicator(code: &str, vi: &str) -> v1::Event {
    let body = v1::IndicatorDefined {
        indicator: code.to_owned(),
        name: name(vi),
        family: "eid".to_owned(),
        kind: v1::IndicatorKind::Cumulative as i32,
        unit: name("tài khoản"),
        denominator: "quota".to_owned(),
    };
    event("2023-01-01", Body::IndicatorDefined(body))
}

fn options() -> v1::ImportOptions {
    v1::ImportOptions {
        file_name: "thang-5.csv".to_owned(),
        actor: actor(),
        ..v1::ImportOptions::default()
    }
}

fn row(row: u64, kind: &str, known: bool) -> (u64, String, bool) {
    (row, kind.to_owned(), known)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_is_tried_refused_recorded_and_recognised() {
    let mut world = founded().await;
    let wrong = format!(
        "{FILE}Phường Trúc Bạch,eid.collected,5/6/2023,83,,,\nQuán Thánh,eid.activated,5/6/2123,7,,,\n"
    );

    // A dry run tells all of it, and records nothing.
    let dry_run = v1::ImportOptions {
        dry_run: true,
        ..options()
    };
    let told = world.import(dry_run, FILE).await.unwrap();
    let new = [
        row(2, "reported", false),
        row(3, "reported", false),
        row(4, "assigned", false),
    ];
    assert_eq!(told.refused, []);
    assert_eq!(told.accepted, new);
    assert_eq!(told.positions, [0, 0, 0]);
    assert_eq!(told.counts(), [3, 3, 0, 0, 0]);
    assert!(told.summary.unwrap().dry_run);
    let stages = told
        .progress
        .iter()
        .map(|p| (p.stage(), p.rows_done, p.rows));
    let checking = v1::ImportStage::Checking;
    assert_eq!(
        stages.collect::<Vec<_>>(),
        [(checking, 0, 3), (checking, 3, 3)]
    );
    assert_eq!(world.head().await, FOUNDING);

    // A wrong row keeps all of it out; both of what is wrong is told, with the cell.
    let told = world.import(options(), &wrong).await.unwrap();
    assert_eq!(told.accepted, []);
    assert_eq!(
        told.refused,
        [(6, "xã/phường".to_owned(), "UNKNOWN_LOCALITY".to_owned())]
    );
    assert!(!told.told[0].detail.is_empty() && !told.told[0].detail_vi.is_empty());
    assert_eq!(told.counts(), [5, 0, 0, 1, 0]);
    assert_eq!(world.head().await, FOUNDING);

    // Unless the good rows are wanted all the same.
    let accept_valid = v1::ImportOptions {
        accept_valid: true,
        ..options()
    };
    let told = world.import(accept_valid, &wrong).await.unwrap();
    assert_eq!(told.counts(), [5, 4, 0, 1, 0]);
    let mut positions = told.positions.clone();
    positions.sort_unstable();
    assert_eq!(positions, [5, 6, 7, 8]);
    assert_eq!(world.head().await, FOUNDING + 4);

    // All of it comes from the trace of the call, and nothing before it from any.
    let read = world
        .log
        .read_events(v1::ReadEventsRequest::default())
        .await;
    let mut traces = Vec::new();
    let mut read = read.unwrap().into_inner();
    while let Some(answer) = read.message().await.unwrap() {
        let events = answer.events.iter().map(|event| event.message().unwrap());
        traces.extend(events.map(|event| event.traceparent));
    }
    assert_eq!(traces, ["", "", "", "", TRACE, TRACE, TRACE, TRACE]);

    // What is on record is recognised, in this file and in another.
    let told = world.import(options(), FILE).await.unwrap();
    let known = new.map(|(row, kind, _)| (row, kind, true));
    assert_eq!(told.accepted, known);
    assert_eq!(told.counts(), [3, 3, 3, 0, 0]);
    assert!(
        told.positions
            .iter()
            .all(|position| positions.contains(position))
    );
    assert_eq!(world.head().await, FOUNDING + 4);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_figure_corrects_the_one_on_record() {
    let mut world = founded().await;
    world.import(options(), FILE).await.unwrap();
    assert_eq!(world.head().await, FOUNDING + 3);
    let changed = FILE.replace("900", "950");
    let told = world.import(options(), &changed).await.unwrap();
    assert_eq!(
        told.accepted,
        [
            row(2, "reported", true),
            row(3, "corrected", false),
            row(4, "assigned", true)
        ]
    );
    assert_eq!(told.counts(), [3, 3, 2, 0, 0]);
    assert_eq!(world.head().await, FOUNDING + 4);
    let told = world.import(options(), &changed).await.unwrap();
    assert_eq!(told.counts(), [3, 3, 3, 0, 0]);
    assert_eq!(world.head().await, FOUNDING + 4);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_total_is_passed_over_and_each_row_is_of_the_places_of_its_day() {
    let mut world = founded().await;
    let mut merged = registered("00008", "Phường Ba Đình");
    merged.effective = "2025-07-01".to_owned();
    if let Some(Body::LocalityRegistered(body)) = &mut merged.body {
        body.locality.as_mut().unwrap().since = "2025-07-01".to_owned();
        body.start_known = true;
    }
    let reform = v1::RecordBatchRequest {
        events: vec![merged],
        ..v1::RecordBatchRequest::default()
    };
    world.client.record_batch(reform).await.unwrap();
    let file = "\
xã/phường,chỉ tiêu,ngày,kết quả
Phường Phúc Xá,eid.activated,5/6/2023,1.200
P. Trúc Bạch,eid.activated,5/6/2023,900
Tổng cộng,,,2.100
Phường Ba Đình,eid.activated,5/8/2025,2.500
Phường Ba Đình,eid.activated,5/6/2023,2.500
";
    let accept_valid = v1::ImportOptions {
        accept_valid: true,
        ..options()
    };
    let told = world.import(accept_valid, file).await.unwrap();
    let rows: Vec<u64> = told.accepted.iter().map(|(row, ..)| *row).collect();
    assert_eq!(rows, [2, 3, 5]);
    assert_eq!(told.skipped, [4]);
    assert_eq!(told.refused[0].0, 6, "there was no such ward in 2023");
    assert_eq!(told.counts(), [4, 3, 0, 1, 1], "a total is no record");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_workbook_is_read_sheet_by_sheet() {
    let mut world = founded().await;
    let page = |name: &str, ward: &str, count: i64| sheet::Page {
        name: name.to_owned(),
        headings: ["Xã/phường", "Chỉ tiêu", "Ngày", "Kết quả"]
            .map(str::to_owned)
            .into(),
        rows: vec![vec![
            sheet::Value::Text(ward.to_owned()),
            sheet::Value::Text("Kích hoạt".to_owned()),
            sheet::Value::Text("5/6/2023".to_owned()),
            sheet::Value::Number(count),
        ]],
    };
    let pages = [
        page("Phúc Xá", "Phường Phúc Xá", 1_200),
        page("Quán Thánh", "Phường Quán Thánh", 900),
    ];
    let bytes = sheet::workbook(&pages).unwrap();
    let file = |options| vec![Sent::Options(options), Sent::Chunk(bytes.clone())];
    let told = world.send(file(options())).await.unwrap();
    assert_eq!(told.counts(), [2, 0, 0, 1, 0]);
    let cell = &told.told[0];
    let cell = (cell.sheet.as_str(), cell.row, cell.reason.as_str());
    assert_eq!(cell, ("Quán Thánh", 2, "UNKNOWN_LOCALITY"));
    // The good sheet alone.
    let one = v1::ImportOptions {
        sheet: "Phúc Xá".to_owned(),
        ..options()
    };
    let told = world.send(file(one)).await.unwrap();
    assert_eq!(told.counts(), [1, 1, 0, 0, 0]);
    assert_eq!(world.head().await, FOUNDING + 1);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_has_begun_to_be_recorded_is_recorded_to_its_end() {
    let mut world = founded().await;
    let wards: Vec<String> = (10..18).map(|number| format!("000{number}")).collect();
    let founding = wards
        .iter()
        .map(|code| registered(code, &format!("Phường {code}")));
    let founding = v1::RecordBatchRequest {
        events: founding.collect(),
        ..v1::RecordBatchRequest::default()
    };
    world.client.record_batch(founding).await.unwrap();
    let before = world.head().await;
    let mut file = "mã,chỉ tiêu,ngày,kết quả\n".to_owned();
    // So many of each ward that no two of them go together: eight parts.
    let mut count = 0;
    for ward in &wards {
        for day in 1..=28 {
            for (month, hour) in [5, 6].iter().flat_map(|m| (0..20).map(move |h| (m, h))) {
                count += 1;
                writeln!(
                    file,
                    "{ward},eid.activated,{hour}h ngày {day}/{month}/2023,7"
                )
                .unwrap();
            }
        }
    }
    let chunk = Sent::Chunk(file.into_bytes());
    let parts =
        [Sent::Options(options()), chunk].map(|part| v1::ImportFileRequest { part: Some(part) });
    let mut client = world.client.clone();
    let answers = client.import_file(tokio_stream::iter(parts)).await;
    let mut answers = answers.unwrap().into_inner();
    let done = loop {
        let answer = timeout(PATIENCE, answers.message()).await.unwrap();
        match answer.unwrap().unwrap().part.unwrap() {
            Told::Progress(p) if p.stage() == v1::ImportStage::Recording => break p.rows_done,
            Told::Progress(_) => {}
            other => panic!("recording comes before what is told of it: {other:?}"),
        }
    };
    assert_eq!(done, count / 8, "the first of eight parts");
    drop((answers, client));
    let begun = Instant::now();
    while world.head().await < before + count {
        assert!(begun.elapsed() < PATIENCE, "the rest is never recorded");
        tokio::task::yield_now().await;
    }
    assert_eq!(world.head().await, before + count);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_only_the_service_knows_is_told_by_cell() {
    let mut world = founded().await;
    let file = "\
xã/phường,chỉ tiêu,ngày,kết quả
Phường Phúc Xá,kich_hoat_muc_2,5/6/2023,1.200
Phường Phúc Xá,eid.collected,5/6/2123,7
";
    let aliased = v1::ImportOptions {
        aliases: vec![v1::IndicatorAlias {
            alias: "kich_hoat_muc_2".to_owned(),
            indicator: "eid.activated".to_owned(),
        }],
        accept_valid: true,
        ..options()
    };
    let told = world.import(aliased, file).await.unwrap();
    assert_eq!(told.accepted, [row(2, "reported", false)]);
    assert_eq!(
        told.refused,
        [(3, "ngày".to_owned(), "DATE_IN_FUTURE".to_owned())]
    );
    // Without the alias the name is not known.
    let told = world.import(options(), file).await.unwrap();
    let reasons = told
        .refused
        .iter()
        .map(|(row, _, reason)| (*row, reason.as_str()));
    assert_eq!(
        reasons.collect::<Vec<_>>(),
        [(2, "UNKNOWN_INDICATOR"), (3, "DATE_IN_FUTURE")]
    );
    assert_eq!(world.head().await, FOUNDING + 1);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_cannot_be_taken_is_refused_by_name() {
    let mut world = founded().await;
    let chunk = |bytes: usize| Sent::Chunk(vec![b'x'; bytes]);
    let invalid = |reason: &str| (Code::InvalidArgument, reason.to_owned());
    let begun = || Sent::Options(options());
    let no_options = vec![chunk(10)];
    assert_eq!(world.refused(no_options).await, invalid("IMPORT_OPTIONS"));
    assert_eq!(world.refused(vec![]).await, invalid("IMPORT_OPTIONS"));
    let twice = vec![begun(), begun()];
    assert_eq!(world.refused(twice).await, invalid("IMPORT_OPTIONS"));
    let large_chunk = vec![begun(), chunk((1 << 20) + 1)];
    assert_eq!(world.refused(large_chunk).await, invalid("IMPORT_CHUNK"));
    let large_file = std::iter::once(begun()).chain((0..65).map(|_| chunk(1 << 20)));
    let large_file = large_file.collect();
    assert_eq!(world.refused(large_file).await, invalid("FILE_TOO_LARGE"));
    assert_eq!(world.refused(vec![begun()]).await, invalid("FILE_EMPTY"));
    let nobody = Sent::Options(v1::ImportOptions::default());
    let nobody = vec![nobody, Sent::Chunk(FILE.as_bytes().to_vec())];
    assert_eq!(world.refused(nobody).await, invalid("ACTOR_NOT_STATED"));
    assert_eq!(world.head().await, FOUNDING);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_goes_away_leaves_nothing_behind() {
    let mut world = founded().await;
    let (sender, parts) = mpsc::channel(4);
    for part in [
        Sent::Options(options()),
        Sent::Chunk(FILE.as_bytes().to_vec()),
    ] {
        let request = v1::ImportFileRequest { part: Some(part) };
        sender.send(request).await.unwrap();
    }
    let mut client = world.client.clone();
    let answers = client
        .import_file(ReceiverStream::new(parts))
        .await
        .unwrap();
    // The whole file is there, but not its end; meanwhile others must wait.
    let other = world.import(options(), FILE).await.unwrap_err();
    assert_eq!(wire::status::refusal(&other).reason, "IMPORT_BUSY");
    drop((answers, client, sender));
    let begun = Instant::now();
    let told = loop {
        let dry_run = v1::ImportOptions {
            dry_run: true,
            ..options()
        };
        match world.import(dry_run, FILE).await {
            Ok(told) => break told,
            Err(status) => {
                assert_eq!(wire::status::refusal(&status).reason, "IMPORT_BUSY");
                assert!(begun.elapsed() < PATIENCE, "the place is never given back");
                tokio::task::yield_now().await;
            }
        }
    };
    assert_eq!(told.counts(), [3, 3, 0, 0, 0], "nothing of it is known");
    assert_eq!(world.head().await, FOUNDING);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_that_waits_for_bytes_ends_with_the_service() {
    let world = founded().await;
    let (sender, parts) = mpsc::channel(4);
    let part = Some(Sent::Options(options()));
    sender.send(v1::ImportFileRequest { part }).await.unwrap();
    let mut client = world.client.clone();
    let answers = client.import_file(ReceiverStream::new(parts)).await;
    let mut answers = answers.unwrap().into_inner();
    world.shutdown.cancel();
    let end = timeout(PATIENCE, answers.message()).await.unwrap();
    let end = end.unwrap_err();
    assert_eq!(end.code(), Code::Unavailable);
    assert_eq!(wire::status::refusal(&end).reason, "STOPPING");
    drop((answers, client, sender));
    world.stop().await;
}
