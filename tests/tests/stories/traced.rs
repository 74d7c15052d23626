//! The trace of a reporter is in the messages of what it reported, however it was sent, the same after the bus was wiped,
//! and in the log of a standby.

use anyhow::{Context as _, Result, ensure};
use async_nats::HeaderMap;
use async_nats::jetstream::{self, Context};
use serde_json::Value;
use tiendo_tests::fact::{batch, request};
use tiendo_tests::{Options, PATIENCE, Tiendo, until};
use tonic::Request;
use uuid::Uuid;
use wire::message::to_json;
use wire::v1;
use wire::v1::record_stream_response::Outcome;

use crate::standby::{Node, definition, place};

const STREAM: &str = "TIENDO_TWO-NODES";
const RECORD: &str = "tiendo.v1.two-nodes.sys.ingest.record";
const RECORD_BATCH: &str = "tiendo.v1.two-nodes.sys.ingest.record-batch";
/// Traces of four reporters.
const TRACES: [&str; 4] = [
    "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00",
    "00-80e1afed08e019fc1110464cfa66635c-7a085853722dc6d2-01",
    "00-11111111111111111111111111111111-2222222222222222-01",
];

#[tokio::test(flavor = "multi_thread")]
async fn what_is_reported_within_a_trace_carries_it_wherever_it_goes() -> Result<()> {
    let host = Tiendo::start(Options::empty()).await?;
    let place = place(&host).await?;
    let writer = place.node("writer", &[]).await?;
    let standby = place.node("standby", &["--standby"]).await?;
    let nats = host.nats().await?;
    over_grpc(&writer).await?;
    in_a_stream(&writer).await?;
    over_nats(&nats).await?;
    repeated(&writer).await?;

    let head = writer.ledger().await?.head;
    let jetstream = jetstream::new(nats);
    let messages = messages(&jetstream, head).await?;
    let traces: Result<Vec<_>> = messages.iter().map(|bytes| trace(bytes)).collect();
    let [grpc, stream, one, more] = TRACES.map(|trace| Some(trace.to_owned()));
    let expected = [
        None,
        grpc.clone(),
        grpc,
        None,
        stream,
        None,
        one,
        more.clone(),
        more.clone(),
        more,
    ];
    assert_eq!(traces?, expected);

    let near = async || Ok((standby.ledger().await?.head >= head).then_some(()));
    until("a standby that keeps up", PATIENCE, near).await?;
    assert_eq!(standby.root(head).await?, writer.root(head).await?);
    jetstream.delete_stream(STREAM).await?;
    assert_eq!(self::messages(&jetstream, head).await?, messages);

    standby.process.stop().await?;
    writer.process.stop().await?;
    host.finish().await
}

/// The request with a trace in its metadata.
fn within<T>(trace: &'static str, request: T) -> Result<Request<T>> {
    let mut request = Request::new(request);
    request.metadata_mut().append("traceparent", trace.parse()?);
    Ok(request)
}

/// One outside of any, two within the first, and one whose trace is none.
async fn over_grpc(writer: &Node) -> Result<()> {
    let mut client = writer.ingest().await?;
    client.record(request(definition(1))).await?;
    let two = batch(vec![definition(2), definition(3)]);
    client.record_batch(within(TRACES[0], two)?).await?;
    let upper = "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01";
    client
        .record(within(upper, request(definition(4)))?)
        .await?;
    Ok(())
}

/// A batch within the second, and one outside of any, in a stream that says something else.
async fn in_a_stream(writer: &Node) -> Result<()> {
    let batch = |number, traceparent: &str| v1::RecordStreamRequest {
        events: vec![definition(number)],
        traceparent: traceparent.to_owned(),
        ..v1::RecordStreamRequest::default()
    };
    let batches = futures::stream::iter([batch(5, TRACES[1]), batch(6, "")]);
    let mut client = writer.ingest().await?;
    let sent = client.record_stream(within(TRACES[3], batches)?).await?;
    let mut answers = sent.into_inner();
    for _ in 0..2 {
        let answer = answers.message().await?.context("an answer")?;
        let is_recorded = matches!(answer.outcome, Some(Outcome::Recorded(_)));
        ensure!(is_recorded, "{answer:?}");
    }
    Ok(())
}

/// One within the third, by a client that writes the names of headers as HTTP does, and two within the fourth.
async fn over_nats(nats: &async_nats::Client) -> Result<()> {
    let one = to_json("RecordRequest", &request(definition(7)))?;
    let two = batch(vec![definition(8), definition(9)]);
    let two = to_json("RecordBatchRequest", &two)?;
    for (subject, name, trace, asked) in [
        (RECORD, "Traceparent", TRACES[2], one),
        (RECORD_BATCH, "traceparent", TRACES[3], two),
    ] {
        let mut headers = HeaderMap::new();
        headers.insert(name, trace);
        let asked = asked.to_string().into();
        let answer = nats.request_with_headers(subject, headers, asked).await?;
        let said: Value = serde_json::from_slice(&answer.payload)?;
        ensure!(said["receipt"].is_object(), "{said}");
    }
    Ok(())
}

/// One within the fourth, which is the same request when it is sent again from another trace or from none.
async fn repeated(writer: &Node) -> Result<()> {
    let asked = || {
        let event = v1::Event {
            request_id: Uuid::from_u128(0x7ace).to_string(),
            ..definition(9)
        };
        request(event)
    };
    let mut client = writer.ingest().await?;
    let mut told = Vec::new();
    for asked in [
        within(TRACES[3], asked())?,
        within(TRACES[0], asked())?,
        Request::new(asked()),
    ] {
        let answer = client.record(asked).await?.into_inner();
        let receipt = answer.receipt.context("a receipt")?;
        told.push((receipt.first_position, receipt.repeated));
    }
    let position = told[0].0;
    assert_eq!(
        told,
        [(position, false), (position, true), (position, true)]
    );
    Ok(())
}

/// The messages of the stream, once it has so many and was filled by the relay.
async fn messages(jetstream: &Context, head: u64) -> Result<Vec<Vec<u8>>> {
    let filled = async || {
        let Ok(stream) = jetstream.get_stream(STREAM).await else {
            return Ok(None);
        };
        let last = stream.cached_info().state.last_sequence;
        Ok((last >= head).then_some(stream))
    };
    let stream = until("a stream that has the whole log", PATIENCE, filled).await?;
    let mut messages = Vec::new();
    for position in 1..=head {
        messages.push(stream.direct_get(position).await?.payload.to_vec());
    }
    Ok(messages)
}

/// What a message says of the trace; nothing of it is left where there is none.
fn trace(message: &[u8]) -> Result<Option<String>> {
    let text = std::str::from_utf8(message)?;
    let message: Value = serde_json::from_str(text)?;
    let trace = message["traceparent"].as_str().map(ToOwned::to_owned);
    let times = text.matches("traceparent").count();
    ensure!(times == usize::from(trace.is_some()), "{text}");
    Ok(trace)
}
