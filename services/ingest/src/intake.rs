//! What a request passes before it waits for the writer: room, and all that can be told without the record.
//!
//! Handlers do this side by side, so that the writer, of which there is one, only looks up what a request refers to.
//! Room is bounded twice, in requests and in bytes as sent, and is held from here to the answer; whoever finds none is refused with `QUEUE_FULL` and told which of the two it was.

use std::sync::{Arc, Mutex, PoisonError};

use domain::{Reason, Violation};
use host::Clock;
use prost::Message as _;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};
use uuid::Uuid;
use wire::event::{CleanTexts, Draft};
use wire::v1;

use crate::decide::may_speak_of;
use crate::standing::Standing;
use crate::writer::{Accepted, Refused, Request};

/// Most events in one batch.
pub(crate) const BATCH_EVENTS_MAX: usize = 10_000;
/// Events read before others get a turn on the same thread: about a tenth of a millisecond.
const EVENTS_AT_A_TIME: usize = 128;
/// Most tables of clean texts kept for later requests.
const TEXTS_MAX: usize = 8;

/// What a caller wants recorded, before anything of it is checked.
pub(crate) struct Wanted {
    pub(crate) request_id: Uuid,
    pub(crate) events: Vec<v1::Event>,
    /// Names of the persons whom the events appoint.
    pub(crate) persons: Vec<v1::AppointedPerson>,
    /// Paths of violations: `event` for a single one, `events[i]` for a batch.
    pub(crate) single: bool,
    pub(crate) expected_revision: Option<u64>,
    pub(crate) validate_only: bool,
    /// Leave out figures that are on record already.
    pub(crate) skip_known: bool,
    /// Leave out figures of which the same source has another one on record, and say so.
    pub(crate) tell_changed: bool,
}

/// The answer to come; it fails if the writer ends without one.
pub(crate) type Answered = oneshot::Receiver<Result<Accepted, Refused>>;

/// Events read as far as that goes without the record, each encoded as the log will keep it.
#[derive(Default)]
pub(crate) struct Drafted {
    pub(crate) parts: Vec<Part>,
    pub(crate) payloads: Vec<u8>,
}

/// One of them.
pub(crate) struct Part {
    pub(crate) draft: Draft,
    /// Where its payload ends.
    pub(crate) end: usize,
    /// Where the first day of its locality is still to be written.
    pub(crate) open: Option<usize>,
}

/// The way to the writer.
pub(crate) struct Intake {
    /// Who writes, and what the bus has.
    pub(crate) standing: Standing,
    clock: Arc<dyn Clock>,
    requests: mpsc::Sender<Request>,
    requests_max: usize,
    room: Arc<Semaphore>,
    bytes_max: usize,
    texts: Mutex<Vec<CleanTexts>>,
}

impl Intake {
    /// The way in and the queue that the writer takes from: at most `requests_max` requests, of at most `bytes_max` bytes as sent.
    pub(crate) fn new(
        standing: Standing,
        clock: Arc<dyn Clock>,
        requests_max: usize,
        bytes_max: usize,
    ) -> (Self, mpsc::Receiver<Request>) {
        let (requests, waiting) = mpsc::channel(requests_max);
        let bytes_max = bytes_max.min(Semaphore::MAX_PERMITS).min(u32::MAX as usize);
        let intake = Self {
            standing,
            clock,
            requests,
            requests_max,
            room: Arc::new(Semaphore::new(bytes_max)),
            bytes_max,
            texts: Mutex::default(),
        };
        (intake, waiting)
    }

    /// A batch as a caller sent it.
    pub(crate) fn batch(
        &self,
        request_id: &str,
        events: Vec<v1::Event>,
    ) -> Result<Wanted, Refused> {
        if events.is_empty() || events.len() > BATCH_EVENTS_MAX {
            return Err(Refused::BatchSize(events.len()));
        }
        Ok(Wanted {
            request_id: self.request_id(request_id)?,
            events,
            persons: Vec::new(),
            single: false,
            expected_revision: None,
            validate_only: false,
            skip_known: false,
            tell_changed: false,
        })
    }

    /// The id that a caller gave, or a new one.
    pub(crate) fn request_id(&self, raw: &str) -> Result<Uuid, Refused> {
        if raw.is_empty() {
            let now = self.clock.now();
            let seconds = u64::try_from(now.as_second()).unwrap_or(0);
            let nanos = u32::try_from(now.subsec_nanosecond()).unwrap_or(0);
            return Ok(Uuid::new_v7(uuid::Timestamp::from_unix(
                uuid::NoContext,
                seconds,
                nanos,
            )));
        }
        match Uuid::parse_str(raw) {
            Ok(id) if !id.is_nil() => Ok(id),
            _ => Err(Refused::Invalid(vec![Violation::new(
                "request_id",
                Reason::RequestIdFormat,
                "is not a UUID; leave it empty to be given one",
            )])),
        }
    }

    /// Lets a request wait for the writer.
    pub(crate) async fn submit(&self, wanted: Wanted) -> Result<Answered, Refused> {
        self.standing.takes()?;
        let room = self.room_for(&wanted.events, &wanted.persons)?;
        // What an event with a name is kept as is not known before its salt is drawn.
        let drafted = if wanted.persons.is_empty() {
            self.read(&wanted.events, wanted.request_id).await
        } else {
            None
        };
        let (answer, answered) = oneshot::channel();
        let request = Request {
            request_id: wanted.request_id,
            events: wanted.events,
            persons: wanted.persons,
            drafted,
            single: wanted.single,
            expected_revision: wanted.expected_revision,
            validate_only: wanted.validate_only,
            skip_known: wanted.skip_known,
            tell_changed: wanted.tell_changed,
            room: Some(room),
            answer,
        };
        match self.requests.try_send(request) {
            Ok(()) => Ok(answered),
            Err(TrySendError::Full(_)) => Err(Refused::Full {
                limit: self.requests_max,
                unit: "requests",
            }),
            Err(TrySendError::Closed(_)) => Err(Refused::Stopped),
        }
    }

    /// Waits until no request is on its way.
    pub(crate) async fn idle(&self) {
        let all = u32::try_from(self.bytes_max).unwrap_or(u32::MAX);
        // The semaphore is never closed.
        let _ = self.room.acquire_many(all).await;
    }

    /// Room for the events; a request larger than all of it goes in alone.
    fn room_for(
        &self,
        events: &[v1::Event],
        persons: &[v1::AppointedPerson],
    ) -> Result<OwnedSemaphorePermit, Refused> {
        let bytes: usize = events.iter().map(v1::Event::encoded_len).sum();
        let named: usize = persons.iter().map(v1::AppointedPerson::encoded_len).sum();
        let bytes = bytes + named;
        let bytes = u32::try_from(bytes.min(self.bytes_max)).unwrap_or(u32::MAX);
        let room = Arc::clone(&self.room).try_acquire_many_owned(bytes);
        room.map_err(|_| Refused::Full {
            limit: self.bytes_max,
            unit: "bytes",
        })
    }

    /// Reads all events; none if something is wrong with one of them, which the writer will then name with everything else.
    async fn read(&self, events: &[v1::Event], request_id: Uuid) -> Option<Drafted> {
        let now = self.clock.now();
        let mut texts = self.pool().pop().unwrap_or_default();
        let mut drafted = Drafted::default();
        drafted.parts.reserve(events.len());
        let mut is_whole = true;
        for (i, message) in events.iter().enumerate() {
            if i > 0 && i % EVENTS_AT_A_TIME == 0 {
                tokio::task::yield_now().await;
            }
            let read = wire::event::draft(message, request_id, &mut texts, &|at, body| {
                may_speak_of(*at, body, now)
            });
            let Some(draft) = read else {
                is_whole = false;
                break;
            };
            let open = draft.encode_to(&mut drafted.payloads);
            let end = drafted.payloads.len();
            drafted.parts.push(Part { draft, end, open });
        }
        let mut pool = self.pool();
        if pool.len() < TEXTS_MAX {
            pool.push(texts);
        }
        is_whole.then_some(drafted)
    }

    fn pool(&self) -> std::sync::MutexGuard<'_, Vec<CleanTexts>> {
        self.texts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
