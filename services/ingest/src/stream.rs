//! `RecordStream`: batches one after the other, each with a verdict of its own.
//!
//! One task reads the batches and hands them to the writer; the answers are sent in the order of the batches as they become durable.
//! Between the two stand at most [`BATCHES_IN_FLIGHT`] batches: when as many are unanswered, nothing more is read, and a client that does not read its answers is not read from either.

use std::pin::Pin;
use std::sync::Arc;

use domain::TraceParent;
use futures::{Stream, StreamExt as _};
use host::CancellationToken;
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Status;
use wire::deadline::WAIT_MAX;
use wire::v1;
use wire::v1::record_stream_response::Outcome;

use crate::grpc::{self, answer_of, refusal};
use crate::intake::{Answered, Intake, Wanted};
use crate::standing::Level;
use crate::trace;
use crate::writer::{Accepted, Refused};

/// Most batches of one stream that are read and not answered.
pub(crate) const BATCHES_IN_FLIGHT: usize = 16;

/// The answers of one stream.
pub(crate) type Answers =
    Pin<Box<dyn Stream<Item = Result<v1::RecordStreamResponse, Status>> + Send>>;

/// The batches of one stream as they arrive.
pub(crate) trait Batches:
    Stream<Item = Result<v1::RecordStreamRequest, Status>> + Send + Unpin + 'static
{
}

impl<S> Batches for S where
    S: Stream<Item = Result<v1::RecordStreamRequest, Status>> + Send + Unpin + 'static
{
}

/// What is known of a batch when its turn to be answered comes.
enum Next {
    /// The writer will say.
    Waiting {
        sequence: u64,
        request_id: uuid::Uuid,
        level: Level,
        answered: Answered,
    },
    /// It was refused at the door.
    Refused(u64, v1::Refusal),
    /// The stream ends here.
    End(Status),
}

/// Answers the batches of a stream until it ends, breaks, or the service stops.
pub(crate) fn answer(
    intake: Arc<Intake>,
    batches: impl Batches,
    shutdown: CancellationToken,
) -> Answers {
    // The one being answered has left the channel.
    let (next, order) = mpsc::channel(BATCHES_IN_FLIGHT - 1);
    let answering = Arc::clone(&intake);
    host::task::spawn("record-stream", read(intake, batches, next, shutdown));
    let told = move |next| {
        let intake = Arc::clone(&answering);
        async move { told(&intake, next).await }
    };
    Box::pin(ReceiverStream::new(order).then(told))
}

/// Reads batches while there is room for their answers.
async fn read(
    intake: Arc<Intake>,
    mut batches: impl Batches,
    order: mpsc::Sender<Next>,
    shutdown: CancellationToken,
) {
    loop {
        // Room first: what is read is answered.
        let room = tokio::select! {
            room = order.reserve() => room,
            () = shutdown.cancelled() => break,
        };
        let Ok(room) = room else {
            return; // The client has gone.
        };
        let batch = tokio::select! {
            batch = batches.next() => batch,
            () = order.closed() => return,
            () = shutdown.cancelled() => break,
        };
        match batch {
            Some(Ok(batch)) => room.send(submit(&intake, batch).await),
            Some(Err(status)) => return room.send(Next::End(status)),
            None => return,
        }
    }
    // A client that reads no answers is not waited for longer than the drain lasts.
    let _ = order.send(Next::End(grpc::stopping())).await;
}

/// What becomes of a single batch, as if it were alone in a stream.
pub(crate) async fn outcome(
    intake: &Intake,
    batch: v1::RecordStreamRequest,
) -> Result<Option<Outcome>, Status> {
    let answer = told(intake, submit(intake, batch).await).await?;
    Ok(answer.outcome)
}

async fn submit(intake: &Intake, batch: v1::RecordStreamRequest) -> Next {
    let sequence = batch.sequence;
    let wanted = intake.batch(&batch.request_id, batch.events);
    let wanted = wanted.and_then(|wanted| Ok((Level::read(batch.acknowledgement)?, wanted)));
    let (level, mut wanted) = match wanted {
        Ok(wanted) => wanted,
        Err(refused) => return Next::Refused(sequence, refusal(refused)),
    };
    trace::note(&mut wanted.events, TraceParent::parse(&batch.traceparent));
    let request_id = wanted.request_id;
    let wanted = Wanted {
        persons: batch.persons,
        validate_only: batch.validate_only,
        skip_known: batch.skip_known,
        tell_changed: batch.tell_changed,
        ..wanted
    };
    match intake.submit(wanted).await {
        Ok(answered) => Next::Waiting {
            sequence,
            request_id,
            level,
            answered,
        },
        Err(refused) => Next::Refused(sequence, refusal(refused)),
    }
}

/// The writer's answer, once it is as certain as was asked for.
async fn certain(intake: &Intake, level: Level, answered: Answered) -> Result<Accepted, Refused> {
    let accepted = answer_of(answered).await?;
    let held = intake
        .standing
        .holds(level, &accepted, Instant::now() + WAIT_MAX);
    held.await.map(|()| accepted)
}

async fn told(intake: &Intake, next: Next) -> Result<v1::RecordStreamResponse, Status> {
    let (sequence, outcome) = match next {
        Next::End(status) => return Err(status),
        Next::Refused(sequence, refusal) => (sequence, Outcome::Refused(refusal)),
        Next::Waiting {
            sequence,
            request_id,
            level,
            answered,
        } => {
            let outcome = match certain(intake, level, answered).await {
                Ok(accepted) => Outcome::Recorded(grpc::batch_response(accepted, request_id)),
                Err(refused) => Outcome::Refused(refusal(refused)),
            };
            (sequence, outcome)
        }
    };
    Ok(v1::RecordStreamResponse {
        sequence,
        outcome: Some(outcome),
    })
}
