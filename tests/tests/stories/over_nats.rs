//! Another system sends its reports over NATS: the same answers, refusals and receipts as over gRPC, and nothing left behind by what was refused.

use anyhow::{Context as _, Result, ensure};
use futures::future::try_join_all;
use serde_json::{Value, json};
use tiendo_tests::fact::{batch, event, figure, report, request, written};
use tiendo_tests::{Chapters, Options, PATIENCE, Refused, Tiendo};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tonic::Code;
use uuid::Uuid;
use wire::message::{of_json, to_json};
use wire::v1;
use wire::v1::event::Body;

const RECORD: &str = "tiendo.v1.khanh-hoa.sys.ingest.record";
const RECORD_BATCH: &str = "tiendo.v1.khanh-hoa.sys.ingest.record-batch";
/// A day on which Nha Trang and the indicators were there.
const DAY: &str = "2023-07-15";
/// Requests of the crowd.
const CROWD: i64 = 200;

#[tokio::test(flavor = "multi_thread")]
async fn another_system_records_by_request_and_reply() -> Result<()> {
    let tiendo = Tiendo::start(Options::sample()).await?;
    let mut story = Chapters::new();
    let t = &tiendo;
    story
        .tell("a report is recorded once", recorded_once(t))
        .await;
    story.tell("a batch is all or nothing", batches(t)).await;
    story.tell("both ways refuse alike", refused_alike(t)).await;
    story.tell("what is no request", malformed(t)).await;
    story.tell("ten megabytes", ten_megabytes(t)).await;
    story.tell("a crowd", crowd(t)).await;
    story.end()?;
    tiendo.finish().await
}

/// What was answered: the code and reason of a refusal in its headers, and the answer.
struct Answer {
    refused: Option<(String, String)>,
    said: Value,
}

async fn ask(t: &Tiendo, subject: &str, payload: impl Into<Vec<u8>>) -> Result<Answer> {
    let payload = payload.into();
    let message = t
        .nats()
        .await?
        .request(subject.to_owned(), payload.into())
        .await?;
    let header = |name: &str| {
        let headers = message.headers.as_ref()?;
        Some(headers.get(name)?.to_string())
    };
    let refused = header("Nats-Service-Error-Code").zip(header("Nats-Service-Error"));
    let said = serde_json::from_slice(&message.payload)?;
    Ok(Answer { refused, said })
}

async fn record(t: &Tiendo, request: &v1::RecordRequest) -> Result<Answer> {
    ask(t, RECORD, to_json("RecordRequest", request)?.to_string()).await
}

async fn recorded_once(t: &Tiendo) -> Result<()> {
    let head = t.ledger().await?.head;
    let mut wanted = request(report("568", DAY, 100_000));
    let id = Uuid::from_u128(0x7e57).to_string();
    if let Some(event) = &mut wanted.event {
        event.request_id.clone_from(&id);
    }
    let first = record(t, &wanted).await?;
    ensure!(first.refused.is_none(), "{}", first.said);
    let first: v1::RecordResponse = of_json("RecordResponse", first.said)?;
    let receipt = first.receipt.context("a receipt")?;
    assert_eq!(
        (receipt.first_position, receipt.repeated),
        (head + 1, false)
    );
    assert_eq!(receipt.request_id, id);

    // Sent again, here and there, it is the same request.
    let again: v1::RecordResponse = of_json("RecordResponse", record(t, &wanted).await?.said)?;
    let over_grpc = t.ingest().await?.record(wanted.clone()).await?.into_inner();
    assert_eq!(again, over_grpc);
    let repeated = again.receipt.context("a receipt")?;
    assert_eq!(
        (repeated.first_position, repeated.repeated),
        (head + 1, true)
    );
    wanted.event = Some(report("568", DAY, 1));
    if let Some(event) = &mut wanted.event {
        event.request_id = id;
    }
    let other = record(t, &wanted).await?.refused.context("refused")?;
    assert_eq!(other, ("6".to_owned(), "REQUEST_ID_REUSED".to_owned()));
    assert_eq!(t.ledger().await?.head, head + 1);
    Ok(())
}

async fn batches(t: &Tiendo) -> Result<()> {
    let head = t.ledger().await?.head;
    let good = report("568", DAY, 100_001);
    let sent = |wanted: v1::RecordBatchRequest| async move {
        let json = to_json("RecordBatchRequest", &wanted)?;
        ask(t, RECORD_BATCH, json.to_string()).await
    };
    let refused = sent(batch(vec![good.clone(), report("999", DAY, 1)])).await?;
    assert_eq!(
        refused.said["violations"][0]["field"],
        "events[1].progress_reported.locality.code"
    );
    assert_eq!(
        t.ledger().await?.head,
        head,
        "something of a refused batch was stored"
    );
    let answer = sent(batch(vec![good, report("568", "2023-07-16", 100_002)])).await?;
    assert_eq!(answer.said["receipt"]["lastPosition"], head + 2);
    Ok(())
}

/// Requests that are refused, each for another reason.
fn refused_requests() -> Vec<v1::RecordRequest> {
    let mut unreadable = figure("568", None);
    unreadable.value = written("269.95");
    unreadable.percent = "nhiều".to_owned();
    let unreadable = event(DAY, Body::ProgressReported(unreadable));
    let mut unnamed = report("568", DAY, 1);
    unnamed.request_id = "not-a-uuid".to_owned();
    let stale = v1::RecordRequest {
        expected_revision: Some(1_000_000),
        ..request(report("568", DAY, 100_003))
    };
    vec![
        v1::RecordRequest::default(),
        request(v1::Event::default()),
        request(report("999", DAY, 1)),
        request(report("568", "2099-01-01", 1)),
        request(unreadable),
        request(unnamed),
        stale,
    ]
}

async fn refused_alike(t: &Tiendo) -> Result<()> {
    let head = t.ledger().await?.head;
    for wanted in refused_requests() {
        let here = record(t, &wanted).await?;
        let there = Refused::expect(t.ingest().await?.record(wanted).await)?;
        let (code, reason) = here.refused.context("it was not refused")?;
        assert_eq!(
            (code, &reason),
            ((there.code as i32).to_string(), &there.reason)
        );
        let here: v1::Refusal = of_json("Refusal", here.said)?;
        assert_eq!(
            (here.code, &here.reason),
            (there.code as i32, &there.reason)
        );
        let mut fields: Vec<_> = here
            .violations
            .into_iter()
            .map(|violation| (violation.field, violation.reason))
            .collect();
        fields.sort();
        assert_eq!(fields, there.fields, "{reason}");
    }
    assert_eq!(
        t.ledger().await?.head,
        head,
        "a refused request left a trace"
    );
    Ok(())
}

async fn malformed(t: &Tiendo) -> Result<()> {
    let head = t.ledger().await?.head;
    for (payload, expected) in [
        (&b""[..], "EOF"),
        (b"\xff\xfe", "line 1"),
        (b"<event/>", "line 1"),
        (b"[]", "line 1"),
        (br#"{"event": {}, "evnt": 1}"#, "evnt"),
        (br#"{"event": {}} {"event": {}}"#, "trailing"),
    ] {
        let answer = ask(t, RECORD, payload).await?;
        let expected_headers = ("3".to_owned(), "REQUEST_FORMAT".to_owned());
        assert_eq!(answer.refused, Some(expected_headers), "{}", answer.said);
        let said = answer.said["message"].as_str().unwrap_or_default();
        ensure!(said.contains(expected), "{expected} is not in {said}");
    }
    let elsewhere = ask(t, "tiendo.v1.khanh-hoa.sys.ingest.erase", "{}").await?;
    let unknown = (
        (Code::Unimplemented as i32).to_string(),
        "UNKNOWN_REQUEST".to_owned(),
    );
    assert_eq!(elsewhere.refused, Some(unknown));
    // Who names nowhere to answer is not heard, and another ledger's requests are taken by nobody.
    let nats = t.nats().await?;
    let good = to_json("RecordRequest", &request(report("568", DAY, 100_004)))?;
    nats.publish(RECORD, good.to_string().into()).await?;
    nats.flush().await?;
    let nobody = nats
        .request("tiendo.v1.ha-noi.sys.ingest.record", "{}".into())
        .await;
    ensure!(nobody.is_err(), "another ledger's request was answered");
    // Nor is a person's name taken where others listen.
    let named = v1::RecordRequest {
        person: "Nguyễn Văn A".to_owned(),
        ..request(report("568", DAY, 100_004))
    };
    let named = record(t, &named).await?.refused;
    assert_eq!(named, Some(("3".to_owned(), "PERSON_OVER_NATS".to_owned())));
    assert_eq!(t.ledger().await?.head, head);
    Ok(())
}

/// The server itself takes no such message, and says so before it hangs up.
async fn ten_megabytes(t: &Tiendo) -> Result<()> {
    let head = t.ledger().await?.head;
    let address = t.endpoints()?.nats.replace("nats://", "");
    let mut raw = TcpStream::connect(&address).await?;
    let asked = format!(
        "CONNECT {{\"verbose\":false}}\r\nPUB {RECORD} reply {}\r\n",
        10 << 20
    );
    raw.write_all(asked.as_bytes()).await?;
    let mut said = Vec::new();
    let ended = raw.read_to_end(&mut said);
    let _ = tokio::time::timeout(PATIENCE, ended).await?;
    let said = String::from_utf8_lossy(&said);
    ensure!(said.contains("Maximum Payload Violation"), "{said}");
    assert_eq!(t.ledger().await?.head, head);
    let answer = record(t, &request(report("568", DAY, 100_005))).await?;
    ensure!(answer.refused.is_none(), "{}", answer.said);
    Ok(())
}

/// Many at once: each is answered, either recorded or told to come again, and what was told as recorded is there.
async fn crowd(t: &Tiendo) -> Result<()> {
    let head = t.ledger().await?.head;
    let sent = (0..CROWD).map(|number| async move {
        let wanted = request(report("568", "2023-07-20", 110_000 + number));
        anyhow::Ok(record(t, &wanted).await?.said)
    });
    let answers = try_join_all(sent).await?;
    let position = |answer: &Value| answer["receipt"]["firstPosition"].as_u64();
    let mut positions: Vec<u64> = answers.iter().filter_map(position).collect();
    positions.sort_unstable();
    positions.dedup();
    let busy = answers
        .iter()
        .filter(|answer| answer["reason"] == json!("REQUESTS_BUSY"));
    assert_eq!(
        positions.len() + busy.count(),
        answers.len(),
        "{}",
        answers[0]
    );
    assert_eq!(t.ledger().await?.head, head + positions.len() as u64);
    Ok(())
}
