//! `LogService`: the log event by event, and what an operator does with it as a whole.
//!
//! Verification, compaction and a backup each read everything, so one of them runs at a time; a second caller is
//! refused by name.
//! They work on a thread of their own.
//! A backup ends when its caller has gone or the service stops; a verification and a compaction then run on to their
//! end, and nobody else can begin meanwhile.

use std::io::{self, Write};
use std::ops::ControlFlow;
use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;
use event_log::archive::{self, Manifest};
use event_log::{Damage, Log, Record, RecordRef, Verification};
use futures::Stream;
use host::{CancellationToken, Clock};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Code, Request, Response, Status};
use wire::status::with_reason;
use wire::time::{of_micros, to_wire};
use wire::v1;

use crate::attributes;
use crate::grpc::log_error;
use crate::intake::Intake;
use crate::log_read::Reader;
use crate::proofs;
use crate::trace;

/// Messages prepared for a reader that is slower than the log.
const READ_AHEAD: usize = 2;
/// Bytes of a backup in one message.
const PIECE_BYTES: usize = 256 * 1024;
/// Pieces of a backup prepared for a slower reader.
const PIECES_AHEAD: usize = 4;
/// How often, of the whole, progress is told.
const STEPS: u64 = 200;
/// Events backed up between two looks at whether the service is stopping.
const BACKUP_EVENTS: u64 = 65_536;

pub(crate) struct LogApi {
    pub(crate) log: Log,
    /// First line of the log's checkpoints, and the origin of its backups.
    pub(crate) origin: Arc<str>,
    pub(crate) clock: Arc<dyn Clock>,
    /// Through which an erasure is recorded.
    pub(crate) intake: Arc<Intake>,
    /// One at a time of what reads everything.
    pub(crate) whole: Arc<Semaphore>,
    pub(crate) shutdown: CancellationToken,
}

type Answers<T> = mpsc::Sender<Result<T, Status>>;
type Streamed<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

impl LogApi {
    fn permit(&self) -> Result<OwnedSemaphorePermit, Status> {
        Arc::clone(&self.whole).try_acquire_owned().map_err(|_| {
            let message = "the log is being verified, compacted or backed up for somebody else; \
                           try again when that has ended";
            with_reason(Code::ResourceExhausted, "LOG_BUSY", message)
        })
    }

    /// Does work that reads everything on a thread of its own, and streams what it tells.
    fn stream<T: Send + 'static>(
        &self,
        ahead: usize,
        work: impl FnOnce(Log, &Answers<T>) -> Result<(), Status> + Send + 'static,
    ) -> Result<Response<Streamed<T>>, Status> {
        let (permit, log) = (self.permit()?, self.log.clone());
        let (answers, stream) = mpsc::channel(ahead);
        tokio::task::spawn_blocking(move || {
            // Kept until the work has ended, which may be after its caller has gone.
            let _permit = permit;
            if let Err(status) = work(log, &answers) {
                let _ = answers.blocking_send(Err(status));
            }
        });
        Ok(Response::new(Box::pin(ReceiverStream::new(stream))))
    }
}

/// Tells each two-hundredth of a way once; whoever reads slowly misses some.
fn progress<T>(answers: &Answers<T>, head: u64, message: impl Fn(u64) -> T) -> impl FnMut(u64) {
    let step = (head / STEPS).max(1);
    let mut next = step;
    move |position| {
        if position >= next {
            next = position + step;
            let _ = answers.try_send(Ok(message(position)));
        }
    }
}

#[tonic::async_trait]
impl v1::log_service_server::LogService for LogApi {
    type ReadEventsStream = Streamed<v1::ReadEventsResponse>;
    type VerifyLogStream = Streamed<v1::VerifyLogResponse>;
    type CompactLogStream = Streamed<v1::CompactLogResponse>;
    type BackupLogStream = Streamed<v1::BackupLogResponse>;

    async fn read_events(
        &self,
        request: Request<v1::ReadEventsRequest>,
    ) -> Result<Response<Self::ReadEventsStream>, Status> {
        let (log, shutdown) = (self.log.clone(), self.shutdown.clone());
        let standing = self.intake.standing.clone();
        let reader = Reader::new(log, standing, request.into_inner(), shutdown).await?;
        let (answers, stream) = mpsc::channel(READ_AHEAD);
        host::task::spawn("log-reader", reader.run(answers));
        Ok(Response::new(Box::pin(ReceiverStream::new(stream))))
    }

    async fn get_log_statistics(
        &self,
        _: Request<v1::GetLogStatisticsRequest>,
    ) -> Result<Response<v1::GetLogStatisticsResponse>, Status> {
        let log = self.log.clone();
        let statistics = tokio::task::spawn_blocking(move || statistics(&log)).await;
        let statistics = statistics.map_err(|error| Status::internal(error.to_string()))?;
        Ok(Response::new(statistics))
    }

    async fn verify_log(
        &self,
        _: Request<v1::VerifyLogRequest>,
    ) -> Result<Response<Self::VerifyLogStream>, Status> {
        self.stream(READ_AHEAD, verify)
    }

    async fn compact_log(
        &self,
        _: Request<v1::CompactLogRequest>,
    ) -> Result<Response<Self::CompactLogStream>, Status> {
        self.stream(READ_AHEAD, compact)
    }

    async fn backup_log(
        &self,
        _: Request<v1::BackupLogRequest>,
    ) -> Result<Response<Self::BackupLogStream>, Status> {
        let (origin, made) = (self.origin.to_string(), self.clock.now().as_microsecond());
        let shutdown = self.shutdown.clone();
        self.stream(PIECES_AHEAD, move |log, answers| {
            backup(&log, origin, made, answers, &shutdown)
        })
    }

    async fn get_attribute(
        &self,
        request: Request<v1::GetAttributeRequest>,
    ) -> Result<Response<v1::GetAttributeResponse>, Status> {
        let (log, position) = (self.log.clone(), request.into_inner().position);
        let answer = tokio::task::spawn_blocking(move || attributes::get(&log, position)).await;
        let answer = answer.map_err(|error| Status::internal(error.to_string()))?;
        Ok(Response::new(answer?))
    }

    async fn erase_attribute(
        &self,
        request: Request<v1::EraseAttributeRequest>,
    ) -> Result<Response<v1::EraseAttributeResponse>, Status> {
        let traceparent = trace::of_call(request.metadata());
        let request = request.into_inner();
        attributes::erase(&self.log, &self.clock, &self.intake, request, traceparent).await
    }

    async fn get_checkpoint(
        &self,
        request: Request<v1::GetCheckpointRequest>,
    ) -> Result<Response<v1::GetCheckpointResponse>, Status> {
        proofs::checkpoint(&self.log, request.into_inner()).await
    }

    async fn get_inclusion_proof(
        &self,
        request: Request<v1::GetInclusionProofRequest>,
    ) -> Result<Response<v1::GetInclusionProofResponse>, Status> {
        proofs::inclusion(&self.log, request.into_inner()).await
    }

    async fn get_consistency_proof(
        &self,
        request: Request<v1::GetConsistencyProofRequest>,
    ) -> Result<Response<v1::GetConsistencyProofResponse>, Status> {
        proofs::consistency(&self.log, request.into_inner()).await
    }
}

fn statistics(log: &Log) -> v1::GetLogStatisticsResponse {
    let found = log.statistics();
    let known = |micros| (found.head > 0).then(|| to_wire(of_micros(micros)));
    let part = |part: &str, bytes| v1::LogPart {
        part: part.to_owned(),
        bytes,
    };
    let parts = vec![
        part("store", found.store_bytes),
        part("journal", found.journal_bytes),
        part("index", found.index_bytes),
    ];
    v1::GetLogStatisticsResponse {
        head: found.head,
        chunks: found.chunks,
        // Both move on, and are not read at the same moment.
        unsettled_events: found.head.saturating_sub(found.settled),
        disk_bytes: parts.iter().map(|part| part.bytes).sum(),
        parts,
        bytes_per_event: match found.settled {
            0 => 0.0,
            settled => found.store_bytes as f64 / settled as f64,
        },
        oldest_known: known(found.known_first_micros),
        newest_known: known(found.known_last_micros),
        format_version: found.format_version,
        requests_remembered: found.requests_remembered,
        requests_since: found
            .window_start_micros
            .map(|micros| to_wire(of_micros(micros))),
        subjects: found.subjects,
    }
}

fn verify(log: Log, answers: &Answers<v1::VerifyLogResponse>) -> Result<(), Status> {
    let head = log.head();
    let told = progress(answers, head, |position| v1::VerifyLogResponse {
        verified_position: position,
        head,
        ..Default::default()
    });
    let found = log.verify(told).map_err(|error| log_error(&error))?;
    let _ = answers.blocking_send(Ok(verification(found, head)));
    Ok(())
}

/// The last answer of `VerifyLog`, about a log whose last position is `head`; whoever looks through the files of a log
/// that no service holds says it in the same words.
#[must_use]
pub fn verification(found: Verification, head: u64) -> v1::VerifyLogResponse {
    let damage = |damage: Damage| v1::Damage {
        first_position: damage.first,
        last_position: damage.last,
        reason: damage.reason,
    };
    v1::VerifyLogResponse {
        events: found.events,
        chunks: found.chunks,
        hash: found.last_hash,
        damages: found.damages.into_iter().map(damage).collect(),
        verified_position: head,
        head,
        done: true,
    }
}

fn compact(log: Log, answers: &Answers<v1::CompactLogResponse>) -> Result<(), Status> {
    let head = log.head();
    let told = progress(answers, head, |position| v1::CompactLogResponse {
        copied_position: position,
        head,
        ..Default::default()
    });
    let compacted = log.compact(told).map_err(|error| log_error(&error))?;
    let brought = v1::CompactLogResponse {
        copied_position: head,
        head,
        before_bytes: compacted.before_bytes,
        after_bytes: compacted.after_bytes,
        done: true,
    };
    let _ = answers.blocking_send(Ok(brought));
    Ok(())
}

/// Sends what is written in pieces; fails once nobody takes them.
struct Pieces<'a> {
    answers: &'a Answers<v1::BackupLogResponse>,
    piece: Vec<u8>,
    position: u64,
    head: u64,
}

impl Pieces<'_> {
    fn send(&mut self) -> io::Result<()> {
        let piece = v1::BackupLogResponse {
            data: std::mem::take(&mut self.piece),
            position: self.position,
            head: self.head,
        };
        let sent = self.answers.blocking_send(Ok(piece));
        sent.map_err(|_| io::ErrorKind::BrokenPipe.into())
    }
}

impl Write for Pieces<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.piece.extend_from_slice(bytes);
        if self.piece.len() >= PIECE_BYTES {
            self.send()?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.piece.is_empty() {
            Ok(())
        } else {
            self.send()
        }
    }
}

fn backup(
    log: &Log,
    origin: String,
    made_micros: i64,
    answers: &Answers<v1::BackupLogResponse>,
    shutdown: &CancellationToken,
) -> Result<(), Status> {
    let head = log.head();
    let manifest = Manifest {
        origin,
        head,
        known_first: known_at(log, 1)?,
        known_last: known_at(log, head)?,
        made_micros,
    };
    let pieces = Pieces {
        answers,
        piece: Vec::new(),
        position: 0,
        head,
    };
    let mut writer = archive::Writer::begin(pieces, manifest).map_err(told)?;
    let mut next = 1;
    while next <= head {
        if shutdown.is_cancelled() {
            let message = "ingest is stopping; begin the backup again";
            return Err(with_reason(Code::Unavailable, "STOPPING", message));
        }
        let mut failed = None;
        let to = head.min(next + BACKUP_EVENTS - 1);
        let seen = log.scan(
            next,
            to,
            &mut |_| true,
            &mut |event| match writer.push(record(event)) {
                Ok(()) => ControlFlow::Continue(()),
                Err(error) => {
                    failed = Some(error);
                    ControlFlow::Break(())
                }
            },
        );
        if let Some(error) = failed {
            return Err(told(error));
        }
        next = seen.map_err(|error| log_error(&error))? + 1;
        writer.get_mut().position = next - 1;
    }
    // A log that has never signed keeps nothing to be held against, and its backup says so.
    let signed = if head == 0 {
        Ok(String::new())
    } else {
        log.checkpoint_at(head)
    };
    let signed = signed.map_err(|error| log_error(&error))?;
    writer.finish(&signed).map_err(told).map(|_| ())
}

fn record(event: RecordRef<'_>) -> Record {
    Record {
        position: event.position,
        known_micros: event.known_micros,
        request_id: *event.request_id,
        subject: event.subject.into(),
        payload: Bytes::copy_from_slice(event.payload),
    }
}

/// When the log took the event at a position; 0 if there is none.
fn known_at(log: &Log, position: u64) -> Result<i64, Status> {
    let mut known = 0;
    let seen = log.scan(position, position, &mut |_| true, &mut |event| {
        known = event.known_micros;
        ControlFlow::Break(())
    });
    seen.map_err(|error| log_error(&error)).map(|_| known)
}

fn told(error: archive::Error) -> Status {
    let code = match error {
        // Whoever was to take the bytes has gone.
        archive::Error::Io { .. } => Code::Cancelled,
        _ => Code::DataLoss,
    };
    with_reason(code, error.reason(), error.to_string())
}
