//! A stream of batches over gRPC: half-closed by the client, ended by a shutdown.

use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Code;
use wire::v1;
use wire::v1::event::Body;
use wire::v1::record_stream_response::Outcome;

use crate::common::{PATIENCE, World};

/// A definition of an indicator, which rests on nothing.
fn batch(sequence: u64, codes: &[&str]) -> v1::RecordStreamRequest {
    let name = |vi: &str| {
        Some(v1::Name {
            vi: vi.to_owned(),
            en: String::new(),
        })
    };
    let define = |code: &&str| v1::Event {
        request_id: String::new(),
        actor: Some(v1::Actor {
            organisation: "UBND".to_owned(),
            office: "Tổ".to_owned(),
        }),
        effective: "2023-01-01".to_owned(),
        body: Some(Body::IndicatorDefined(v1::IndicatorDefined {
            indicator: (*code).to_owned(),
            name: name("Định danh"),
            family: "eid".to_owned(),
            kind: v1::IndicatorKind::Cumulative as i32,
            unit: name("tài khoản"),
            denominator: "quota".to_owned(),
        })),
        ..Default::default()
    };
    v1::RecordStreamRequest {
        sequence,
        events: codes.iter().map(define).collect(),
        ..v1::RecordStreamRequest::default()
    }
}

/// Number of the batch and its first position; the reason if it was refused.
fn told(answer: v1::RecordStreamResponse) -> (u64, Result<u64, String>) {
    let outcome = match answer.outcome.unwrap() {
        Outcome::Recorded(recorded) => Ok(recorded.receipt.unwrap().first_position),
        Outcome::Refused(refusal) => Err(refusal.reason),
    };
    (answer.sequence, outcome)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_has_sent_everything_gets_every_answer_and_a_clean_end() {
    let world = World::alone().await;
    let batches = (1..=200).map(|sequence| match sequence % 50 {
        0 => batch(sequence, &["no code"]),
        _ => batch(sequence, &["eid.a", "eid.b"]),
    });
    let batches: Vec<_> = batches.collect();
    let mut client = world.client.clone();
    let answers = client.record_stream(tokio_stream::iter(batches)).await;
    let mut answers = answers.unwrap().into_inner();
    let mut positions = 1;
    for sequence in 1..=200 {
        let answer = timeout(PATIENCE, answers.message()).await.unwrap();
        let expected = if sequence % 50 == 0 {
            Err("CODE_FORMAT".to_owned())
        } else {
            positions += 2;
            Ok(positions - 2)
        };
        assert_eq!(told(answer.unwrap().unwrap()), (sequence, expected));
    }
    assert!(answers.message().await.unwrap().is_none());
    drop((answers, client));
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_open_stream_ends_with_the_service_and_not_after_its_grace() {
    let world = World::alone().await;
    let (sender, batches) = mpsc::channel(4);
    let mut client = world.client.clone();
    sender.send(batch(1, &["eid.a"])).await.unwrap();
    let answers = client.record_stream(ReceiverStream::new(batches)).await;
    let mut answers = answers.unwrap().into_inner();
    let first = timeout(PATIENCE, answers.message()).await.unwrap();
    assert_eq!(told(first.unwrap().unwrap()), (1, Ok(1)));
    world.shutdown.cancel();
    let end = timeout(PATIENCE, answers.message()).await.unwrap();
    let end = end.unwrap_err();
    assert_eq!(end.code(), Code::Unavailable);
    assert_eq!(wire::status::refusal(&end).reason, "STOPPING");
    drop((answers, client, sender));
    world.stop().await;
}
