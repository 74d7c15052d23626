//! Stories of batches that come in one stream.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use event_log::{Log, Options};
use futures::StreamExt as _;
use futures::stream::iter;
use host::{CancellationToken, ManualClock, Readiness};
use jiff::Timestamp;
use state::State;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Code, Status};
use uuid::Uuid;
use wire::v1;
use wire::v1::record_stream_response::Outcome;

use crate::intake::Intake;
use crate::stream::{self, Answers, BATCHES_IN_FLIGHT};
use crate::writer::{Datasets, Request, Writer};
use crate::writer_tests::{indicator, registered, report};

/// The way in, and a writer that has not begun yet.
struct World {
    intake: Arc<Intake>,
    log: Log,
    shutdown: CancellationToken,
    idle: Option<(Writer, mpsc::Receiver<Request>)>,
    _directory: tempfile::TempDir,
}

impl World {
    /// With nothing on record, and nobody who writes.
    fn idle(queue_bytes_max: usize) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let now: Timestamp = "2026-11-22T03:00:00Z".parse().unwrap();
        let log = Log::open(
            Options::at(directory.path()),
            Arc::new(move || now.as_microsecond()),
        );
        let log = log.unwrap();
        let clock = Arc::new(ManualClock::new(now));
        let writer = Writer::new(
            log.clone(),
            State::new(),
            Datasets::default(),
            Arc::clone(&clock) as _,
        );
        let (intake, waiting) = Intake::new(
            crate::standing::Standing::without_bus(),
            clock,
            64,
            queue_bytes_max,
        );
        Self {
            intake: Arc::new(intake),
            log,
            shutdown: CancellationToken::new(),
            idle: Some((writer, waiting)),
            _directory: directory,
        }
    }

    fn begin_to_write(&mut self) {
        if let Some((writer, waiting)) = self.idle.take() {
            let ready = Readiness::new().component("log");
            host::task::spawn("writer", writer.run(waiting, ready));
        }
    }

    /// With the commune 00001 and the indicator `eid` on record.
    async fn begun() -> Self {
        let mut world = Self::idle(1 << 20);
        world.begin_to_write();
        let founding = vec![registered("2023-04-10", false), indicator("eid", 1)];
        let answers = world.send([batch(0, founding)]).collect::<Vec<_>>().await;
        assert_eq!(told(&answers), ["0: 1-2"]);
        world
    }

    fn send(&self, batches: impl IntoIterator<Item = v1::RecordStreamRequest>) -> Answers {
        let batches: Vec<_> = batches.into_iter().map(Ok).collect();
        self.open(iter(batches))
    }

    fn open(&self, batches: impl stream::Batches) -> Answers {
        stream::answer(Arc::clone(&self.intake), batches, self.shutdown.clone())
    }
}

fn batch(sequence: u64, events: Vec<v1::Event>) -> v1::RecordStreamRequest {
    v1::RecordStreamRequest {
        sequence,
        request_id: Uuid::from_u128(1_000 + u128::from(sequence)).to_string(),
        events,
        validate_only: false,
        skip_known: false,
        tell_changed: false,
        persons: Vec::new(),
        ..Default::default()
    }
}

fn figure() -> Vec<v1::Event> {
    vec![report("eid", "2023-06-01")]
}

/// Each answer in a few words: positions, or the reason of a refusal.
fn told(answers: &[Result<v1::RecordStreamResponse, Status>]) -> Vec<String> {
    let told = |answer: &Result<v1::RecordStreamResponse, Status>| match answer {
        Err(status) => format!("end: {}", status.code()),
        Ok(answer) => match answer.outcome.as_ref().unwrap() {
            Outcome::Refused(refusal) => format!("{}: {}", answer.sequence, refusal.reason),
            Outcome::Recorded(recorded) => {
                let receipt = recorded.receipt.as_ref().unwrap();
                let again = if receipt.repeated { " again" } else { "" };
                let (first, last) = (receipt.first_position, receipt.last_position);
                format!("{}: {first}-{last}{again}", answer.sequence)
            }
        },
    };
    answers.iter().map(told).collect()
}

fn refusal(answer: &Result<v1::RecordStreamResponse, Status>) -> &v1::Refusal {
    match answer.as_ref().unwrap().outcome.as_ref().unwrap() {
        Outcome::Refused(refusal) => refusal,
        Outcome::Recorded(recorded) => panic!("expected a refusal, found {recorded:?}"),
    }
}

#[tokio::test]
async fn each_batch_has_its_own_verdict_in_the_order_of_the_batches() {
    let world = World::begun().await;
    let unknown = vec![
        report("eid", "2023-06-01"),
        report("nothing", "2023-06-01"),
        report("eid", "someday"),
    ];
    let mut nameless = batch(14, figure());
    nameless.request_id = "no id".to_owned();
    let answers = world.send([
        batch(11, figure()),
        batch(12, unknown),
        batch(13, Vec::new()),
        nameless,
        batch(
            15,
            vec![report("eid", "2023-06-02"), report("eid", "2023-06-03")],
        ),
    ]);
    let answers: Vec<_> = answers.collect().await;
    assert_eq!(
        told(&answers),
        [
            "11: 3-3",
            "12: UNKNOWN_INDICATOR",
            "13: BATCH_SIZE",
            "14: REQUEST_ID_FORMAT",
            "15: 4-5"
        ]
    );
    let refusal = refusal(&answers[1]);
    let fields: Vec<&str> = refusal
        .violations
        .iter()
        .map(|v| v.field.as_str())
        .collect();
    assert_eq!(
        fields,
        [
            "events[1].progress_reported.indicator",
            "events[2].effective"
        ]
    );
    assert_eq!(
        (refusal.code, refusal.violation_count),
        (Code::InvalidArgument as i32, 2)
    );
    assert!(refusal.violations.iter().all(|v| !v.detail_vi.is_empty()));
}

#[tokio::test]
async fn a_batch_may_rest_on_the_one_before_it_without_waiting_for_its_answer() {
    let mut world = World::idle(1 << 20);
    // All of them wait before the first is decided, so that they meet in one commit.
    let batches: Vec<_> = [
        vec![registered("2023-04-10", false)],
        vec![indicator("eid", 1)],
        figure(),
        vec![report("eid-2", "2023-06-01")],
        figure(),
    ]
    .into_iter()
    .zip(0..)
    .map(|(events, sequence)| Ok(batch(sequence, events)))
    .collect();
    let taken = Arc::new(AtomicUsize::new(0));
    let answers = world.open(counted(iter(batches), &taken));
    until(|| taken.load(Ordering::Relaxed) == 5).await;
    world.begin_to_write();
    let answers: Vec<_> = answers.collect().await;
    assert_eq!(
        told(&answers),
        [
            "0: 1-1",
            "1: 2-2",
            "2: 3-3",
            "3: UNKNOWN_INDICATOR",
            "4: 4-4"
        ]
    );
}

#[tokio::test]
async fn a_repeated_id_gets_its_old_receipt_and_another_body_a_refusal() {
    let world = World::begun().await;
    let again = batch(1, figure());
    let other = batch(1, vec![report("eid", "2023-06-05")]);
    let spelled = batch(1, vec![report("eid", "1/6/2023")]);
    let answers = world.send([again.clone(), again, other, spelled, batch(2, figure())]);
    let answers: Vec<_> = answers.collect().await;
    assert_eq!(
        told(&answers),
        [
            "1: 3-3",
            "1: 3-3 again",
            "1: REQUEST_ID_REUSED",
            "1: 3-3 again",
            "2: 4-4"
        ]
    );
    assert_eq!(refusal(&answers[2]).code, Code::AlreadyExists as i32);
}

/// Passes batches on and counts them.
fn counted(batches: impl stream::Batches, taken: &Arc<AtomicUsize>) -> impl stream::Batches {
    let taken = Arc::clone(taken);
    batches.inspect(move |_| {
        taken.fetch_add(1, Ordering::Relaxed);
    })
}

/// Lets the other tasks run until a condition holds.
async fn until(condition: impl Fn() -> bool) {
    let waiting = async {
        while !condition() {
            tokio::time::sleep(std::time::Duration::from_millis(1)).await;
        }
    };
    let patience = std::time::Duration::from_secs(30);
    tokio::time::timeout(patience, waiting).await.unwrap();
}

#[tokio::test]
async fn whoever_reads_no_answers_is_not_read_from_either() {
    let world = World::begun().await;
    let batches: Vec<_> = (1..=100).map(|i| Ok(batch(i, figure()))).collect();
    let taken = Arc::new(AtomicUsize::new(0));
    let mut answers = world.open(counted(iter(batches), &taken));
    // All that may be on their way are recorded, and nobody has asked for an answer: the next is not read.
    let in_flight = BATCHES_IN_FLIGHT - 1;
    let head = 2 + in_flight as u64;
    until(|| world.log.head() == head).await;
    // Others are served meanwhile, and often enough for the reader to have had its turn.
    for i in 200..220 {
        let other: Vec<_> = world.send([batch(i, figure())]).collect().await;
        assert!(matches!(
            other[0].as_ref().unwrap().outcome,
            Some(Outcome::Recorded(_))
        ));
    }
    assert_eq!(taken.load(Ordering::Relaxed), in_flight);
    // An answer read makes room for one batch more.
    let first = answers.next().await.unwrap();
    assert_eq!(told(&[first]), ["1: 3-3"]);
    until(|| taken.load(Ordering::Relaxed) == in_flight + 1).await;
    let rest: Vec<_> = answers.collect().await;
    let sequences: Vec<u64> = rest.iter().map(|a| a.as_ref().unwrap().sequence).collect();
    assert_eq!(sequences, (2..=100).collect::<Vec<u64>>());
    assert_eq!(world.log.head(), 2 + 100 + 20);
}

#[tokio::test]
async fn at_a_shutdown_what_was_accepted_is_answered_before_the_end() {
    let mut world = World::idle(1 << 20);
    let (sender, batches) = mpsc::channel(8);
    let taken = Arc::new(AtomicUsize::new(0));
    let answers = world.open(counted(ReceiverStream::new(batches), &taken));
    let founding = vec![registered("2023-04-10", false), indicator("eid", 1)];
    sender.send(Ok(batch(1, founding))).await.unwrap();
    sender.send(Ok(batch(2, figure()))).await.unwrap();
    until(|| taken.load(Ordering::Relaxed) == 2).await;
    world.shutdown.cancel();
    world.begin_to_write();
    let answers: Vec<_> = answers.collect().await;
    assert_eq!(
        told(&answers),
        [
            "1: 1-2",
            "2: 3-3",
            "end: The service is currently unavailable"
        ]
    );
    let end = wire::status::refusal(answers[2].as_ref().unwrap_err());
    assert_eq!(end.reason, "STOPPING");
}

#[tokio::test]
async fn a_queue_full_of_bytes_refuses_the_batch_and_not_the_stream() {
    let large = || vec![registered("2023-04-10", false), indicator("eid", 100)];
    let mut world = World::idle(2_000);
    let taken = Arc::new(AtomicUsize::new(0));
    let (sender, batches) = mpsc::channel(8);
    let mut answers = world.open(counted(ReceiverStream::new(batches), &taken));
    sender.send(Ok(batch(1, large()))).await.unwrap();
    sender.send(Ok(batch(2, large()))).await.unwrap();
    until(|| taken.load(Ordering::Relaxed) == 2).await;
    world.begin_to_write();
    let first = answers.next().await.unwrap();
    let second = answers.next().await.unwrap();
    let refused = refusal(&second).clone();
    assert_eq!(told(&[first, second]), ["1: 1-2", "2: QUEUE_FULL"]);
    assert_eq!(refused.code, Code::ResourceExhausted as i32);
    assert!(
        refused.message.contains("2000 bytes"),
        "{}",
        refused.message
    );
    assert!(refused.retry_after_ms > 0);
    // The room is there again once the first is answered.
    sender.send(Ok(batch(2, large()))).await.unwrap();
    drop(sender);
    let rest: Vec<_> = answers.collect().await;
    assert_eq!(told(&rest), ["2: 3-4"]);
}

#[tokio::test]
async fn figures_on_record_are_left_out_when_asked_for() {
    let world = World::begun().await;
    let skipping = |sequence, events| v1::RecordStreamRequest {
        skip_known: true,
        ..batch(sequence, events)
    };
    let three = || {
        let days = ["2023-06-01", "2023-06-02", "2023-06-03"];
        days.map(|day| report("eid", day)).to_vec()
    };
    let answers = world.send([
        batch(1, vec![report("eid", "2023-06-02")]),
        skipping(2, three()),
        skipping(3, three()),
        skipping(2, three()),
        batch(4, figure()),
    ]);
    let answers: Vec<_> = answers.collect().await;
    assert_eq!(
        told(&answers),
        ["1: 3-3", "2: 4-5", "3: 0-0 again", "2: 4-5 again", "4: 6-6"]
    );
    let known = |answer: &Result<v1::RecordStreamResponse, Status>| {
        let Some(Outcome::Recorded(recorded)) = &answer.as_ref().unwrap().outcome else {
            panic!("expected a receipt")
        };
        let pairs = recorded.known.iter().map(|k| (k.event_index, k.position));
        pairs.collect::<Vec<_>>()
    };
    assert_eq!(known(&answers[1]), [(1, 3)]);
    assert_eq!(known(&answers[2]), [(0, 4), (1, 3), (2, 5)]);
    assert_eq!(known(&answers[3]), [(1, 3)]);
}
