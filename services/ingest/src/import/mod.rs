//! `ImportFile`: a file of figures over the wire, one at a time.
//!
//! The crate `sheet` reads the file and says in which parts it is checked and recorded; here is what needs the service.
//! Until recording begins, a client that goes away ends the import, and nothing of it is on record;
//! from then on the file is recorded to its end, so that it is on record whole.
//! Reading takes threads of its own; the import keeps its place until these have ended.
//!
//! - `upload`: the options and bytes; `register`: the places and indicators on record; `report`: what is told

mod register;
mod report;
mod upload;

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use domain::TraceParent;
use futures::Stream;
use host::CancellationToken;
use sheet::{Book, Checked, Context, Part, Plan, SheetError};
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Code, Status};
use wire::status::{try_again, unavailable, with_reason};
use wire::v1;
use wire::v1::ImportStage;
use wire::v1::import_file_response::Part as Told;
use wire::v1::record_stream_response::Outcome;

use crate::intake::Intake;
use crate::stream;
use crate::writer::Question;
use report::Report;
use upload::Parts;

/// Imports at a time: each may hold a file of 64 MiB, and a workbook unpacked.
const IMPORTS_MAX: usize = 1;
/// After which time one who was refused may try again.
const RETRY: Duration = Duration::from_secs(1);
/// Answers that may wait for the client.
const ANSWERS_AHEAD: usize = 64;
/// How long a client may take to make room for another answer, once everything is done.
const ANSWER_WAIT_MAX: Duration = Duration::from_secs(30);
/// How often a part is sent again for which the queue has no room.
const ATTEMPTS_MAX: usize = 50;

/// What one import answers.
pub(crate) type Answers =
    Pin<Box<dyn Stream<Item = Result<v1::ImportFileResponse, Status>> + Send>>;

/// Takes files, one at a time.
pub(crate) struct Importer {
    intake: Arc<Intake>,
    questions: mpsc::Sender<Question>,
    room: Arc<Semaphore>,
    shutdown: CancellationToken,
}

/// One import.
struct Import {
    intake: Arc<Intake>,
    questions: mpsc::Sender<Question>,
    shutdown: CancellationToken,
    answers: mpsc::Sender<Result<v1::ImportFileResponse, Status>>,
    /// The trace of the call, which all that is recorded comes from.
    traceparent: Option<TraceParent>,
    /// Its place, shared with the threads that work for it.
    place: Arc<OwnedSemaphorePermit>,
}

/// A file of which every row is judged.
struct Ready {
    plan: Plan,
    checked: Checked,
    report: Report,
    accept_valid: bool,
}

impl Importer {
    pub(crate) fn new(
        intake: Arc<Intake>,
        questions: mpsc::Sender<Question>,
        shutdown: CancellationToken,
    ) -> Self {
        let room = Arc::new(Semaphore::new(IMPORTS_MAX));
        Self {
            intake,
            questions,
            room,
            shutdown,
        }
    }

    /// Imports the file that the parts make up, and tells of it.
    ///
    /// # Errors
    /// `RESOURCE_EXHAUSTED`, IMPORT_BUSY, if another is being imported.
    pub(crate) fn answer(
        &self,
        parts: impl Parts,
        traceparent: Option<TraceParent>,
    ) -> Result<Answers, Status> {
        // Nobody answers questions about the record there.
        self.intake.standing.takes().map_err(crate::grpc::status)?;
        let place = Arc::clone(&self.room).try_acquire_owned().map_err(|_| {
            let message = "another file is being imported; try again when it is through";
            try_again(Code::ResourceExhausted, REASON_BUSY, message, RETRY)
        })?;
        let (answers, stream) = mpsc::channel(ANSWERS_AHEAD);
        let import = Import {
            intake: Arc::clone(&self.intake),
            questions: self.questions.clone(),
            shutdown: self.shutdown.clone(),
            answers,
            traceparent,
            place: Arc::new(place),
        };
        host::task::spawn("import-file", import.run(parts));
        Ok(Box::pin(ReceiverStream::new(stream)))
    }
}

/// Another file is being imported.
const REASON_BUSY: &str = "IMPORT_BUSY";

impl Import {
    async fn run(self, parts: impl Parts) {
        let ready = tokio::select! {
            ready = self.prepare(parts) => ready,
            () = self.answers.closed() => return,
            () = self.shutdown.cancelled() => Err(stopping()),
        };
        let report = match ready {
            Ok(ready) => self.finish(ready).await,
            Err(status) => Err(status),
        };
        let answers: Box<dyn Iterator<Item = _> + Send> = match report {
            Ok(report) => Box::new(report.into_answers().map(Ok)),
            Err(status) => Box::new(std::iter::once(Err(status))),
        };
        for answer in answers {
            let sent = self.answers.send_timeout(answer, ANSWER_WAIT_MAX).await;
            if sent.is_err() {
                return; // The client has gone, or reads nothing.
            }
        }
    }

    /// Reads the file and has every row judged; records nothing.
    async fn prepare(&self, parts: impl Parts) -> Result<Ready, Status> {
        let upload::File { options, bytes } = upload::collect(parts).await?;
        let said = upload::said(&options);
        let opened = self.aside(move || Book::open(&bytes, said)).await?;
        let book = Arc::new(opened.map_err(unreadable)?);
        let on_record = self.on_record(book.periods()).await?;
        let (dry_run, accept_valid) = (options.dry_run, options.accept_valid);
        let read = Arc::clone(&book);
        let parse = move || {
            let (register, indicators) = on_record.read(&options.aliases);
            let reason = match options.reason {
                reason if reason.is_empty() => {
                    let reason = format!("Sửa theo tệp {}", options.file_name);
                    reason.trim_end().to_owned()
                }
                reason => reason,
            };
            let context = Context {
                register: &register,
                indicators: &indicators,
                actor: options.actor.unwrap_or_default(),
                default_source: options.file_name,
            };
            let mut parsed = sheet::parse(&read, &context)?;
            let rows = std::mem::take(&mut parsed.rows);
            Ok((parsed, Plan::new(read, rows, reason)))
        };
        let (parsed, mut plan) = self.aside(parse).await?.map_err(unreadable)?;
        let checked = self.check(&mut plan).await?;
        let mut report = Report {
            records: book.len(),
            dry_run,
            accepted: Vec::new(),
            refused: parsed.problems,
            skipped: parsed.skipped,
        };
        report.refused.extend_from_slice(&checked.problems);
        report.refused.sort_by_key(|problem| book.place(problem));
        Ok(Ready {
            plan,
            checked,
            report,
            accept_valid,
        })
    }

    /// Records what may be recorded, and gives what there is to tell.
    async fn finish(&self, ready: Ready) -> Result<Report, Status> {
        let Ready {
            plan,
            checked,
            mut report,
            accept_valid,
        } = ready;
        if report.refused.is_empty() || accept_valid {
            report.accepted = if report.dry_run {
                checked.parts.iter().flat_map(Part::accepted).collect()
            } else {
                self.record(&plan, &checked.parts).await?
            };
            report.accepted.extend(checked.known);
            report
                .accepted
                .sort_by(|a, b| (&a.sheet, a.row).cmp(&(&b.sheet, b.row)));
        }
        Ok(report)
    }

    /// Has every row judged, until none is open.
    async fn check(&self, plan: &mut Plan) -> Result<Checked, Status> {
        let mut open = plan.take_open();
        let rows = rows(&open);
        let mut done = 0;
        self.progress(ImportStage::Checking, done, rows);
        while !open.is_empty() {
            for part in open {
                let before = part.rows().len() as u64;
                let outcome = self.outcome(plan, &part, true).await?;
                plan.judged(part, outcome)
                    .map_err(|refusal| told(&refusal, "nothing was recorded"))?;
                // What is open again is counted when it is through.
                done = (done + before).min(rows);
                self.progress(ImportStage::Checking, done, rows);
            }
            open = plan.take_open();
        }
        Ok(plan.take_checked())
    }

    /// Records the parts, whether or not the client is still there; only a shutdown ends it early.
    async fn record(&self, plan: &Plan, parts: &[Part]) -> Result<Vec<sheet::Accepted>, Status> {
        let (mut done, rows) = (0, rows(parts));
        let mut recorded = Vec::new();
        for part in parts {
            if self.shutdown.is_cancelled() {
                return Err(stopping());
            }
            match self.outcome(plan, part, false).await? {
                Outcome::Recorded(response) => recorded.extend(part.recorded(&response)),
                Outcome::Refused(refusal) => {
                    let advice = format!(
                        "{} events before it are recorded; import the file again, they will be recognised",
                        recorded.len()
                    );
                    return Err(told(&refusal, &advice));
                }
            }
            done += part.rows().len() as u64;
            self.progress(ImportStage::Recording, done, rows);
        }
        Ok(recorded)
    }

    /// What the writer says of a part; one for which there is no room yet is sent again.
    async fn outcome(
        &self,
        plan: &Plan,
        part: &Part,
        validate_only: bool,
    ) -> Result<Outcome, Status> {
        let mut attempts = 0;
        loop {
            attempts += 1;
            let request = v1::RecordStreamRequest {
                traceparent: wire::event::traceparent(self.traceparent),
                ..plan.request(part, validate_only)
            };
            let outcome = stream::outcome(&self.intake, request).await?;
            match outcome {
                Some(Outcome::Refused(refusal))
                    if refusal.retry_after_ms > 0 && attempts < ATTEMPTS_MAX =>
                {
                    let wait = Duration::from_millis(refusal.retry_after_ms.into());
                    tokio::select! {
                        () = tokio::time::sleep(wait) => {}
                        () = self.shutdown.cancelled() => return Err(stopping()),
                    }
                }
                Some(outcome) => return Ok(outcome),
                None => return Err(Status::internal("the writer gave no answer")),
            }
        }
    }

    /// Works on a thread of its own, and keeps the import's place until that has ended.
    async fn aside<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Status> {
        let place = Arc::clone(&self.place);
        let work = tokio::task::spawn_blocking(move || {
            let _place = place;
            work()
        });
        work.await
            .map_err(|error| Status::internal(error.to_string()))
    }

    /// Tells how far it is, if the client has read what was told before.
    fn progress(&self, stage: ImportStage, rows_done: u64, rows: u64) {
        let progress = v1::ImportProgress {
            stage: stage as i32,
            rows_done,
            rows,
        };
        let answer = v1::ImportFileResponse {
            part: Some(Told::Progress(progress)),
        };
        match self.answers.try_send(Ok(answer)) {
            // Recording waits for nobody, and who has gone is found out elsewhere.
            Ok(()) | Err(TrySendError::Full(_) | TrySendError::Closed(_)) => {}
        }
    }
}

fn rows(parts: &[Part]) -> u64 {
    parts.iter().map(|part| part.rows().len() as u64).sum()
}

fn unreadable(error: SheetError) -> Status {
    with_reason(Code::InvalidArgument, error.reason(), error.to_string())
}

/// A refusal of a whole part, as the status that ends the import.
fn told(refusal: &v1::Refusal, advice: &str) -> Status {
    let message = format!("{}; {advice}", refusal.message);
    with_reason(Code::from_i32(refusal.code), &refusal.reason, message)
}

fn stopping() -> Status {
    let message = "ingest is stopping; import the file again, what is recorded will be recognised";
    unavailable("STOPPING", message, RETRY)
}
