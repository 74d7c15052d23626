//! One watch's way through the positions.

use std::sync::Arc;

use domain::Event;
use domain::text::Moment;
use host::CancellationToken;
use state::Target;
use tokio::sync::{Semaphore, mpsc};
use tokio::time::Instant;
use tonic::{Code, Status};
use wire::lineage::FORKED;
use wire::log_reader::{LogReader, Logged};
use wire::status::{go_on_after, with_reason};
use wire::v1;
use wire::v1::watch_response::Message;

use super::{RETRY, Settings, Watching};
use crate::moment::answered;

/// A reader took no message in time.
const REASON_TOO_SLOW: &str = "WATCH_TOO_SLOW";

/// Where a watch's messages go.
pub(crate) type Answers = mpsc::Sender<Result<v1::WatchResponse, Status>>;

/// Where events are read that are not recent any more.
pub(crate) trait Past: Send + Sync + 'static {
    /// The events from one position to another, both included.
    ///
    /// # Errors
    /// A sentence saying why they cannot be read.
    fn between(
        &self,
        first: u64,
        last: u64,
    ) -> impl Future<Output = Result<Vec<Arc<Logged>>, String>> + Send;
}

impl Past for LogReader {
    async fn between(&self, first: u64, last: u64) -> Result<Vec<Arc<Logged>>, String> {
        let mut events = Vec::new();
        let take = |position, known, event: &Event| {
            events.push(Arc::new((position, known, event.clone())));
            Ok(())
        };
        let read = self.read(first, last, take).await;
        read.map_err(|error| error.to_string()).map(|()| events)
    }
}

/// One watch.
pub(crate) struct Watcher<P> {
    pub(crate) shared: Watching,
    pub(crate) past: P,
    /// One permit for each watch that may read the past now.
    pub(crate) turns: Arc<Semaphore>,
    pub(crate) settings: Settings,
    pub(crate) shutdown: CancellationToken,
    pub(crate) target: Target,
    /// The locality that is watched, until the first message has told it.
    pub(crate) identity: Option<v1::LocalityRef>,
    /// The moment that markers tell.
    pub(crate) as_of: Moment,
    /// The last position looked at; what is wanted up to there is sent.
    pub(crate) seen: u64,
    /// When a message was last sent, or the watch began.
    pub(crate) sent: Instant,
}

/// Why a watch ends.
enum End {
    /// Nobody listens any more.
    Gone,
    /// With a last word.
    Told(Status),
}

impl<P: Past> Watcher<P> {
    /// Sends what there is, then what comes, until the reader leaves or is too slow, the log fails, or the shutdown.
    ///
    /// `answers` must have room for at least two messages: one place is kept for the last word.
    pub(crate) async fn run(mut self, answers: Answers) {
        let Ok(last_word) = answers.clone().reserve_owned().await else {
            return;
        };
        if let End::Told(status) = self.watch(&answers).await {
            last_word.send(Err(status));
        }
    }

    async fn watch(&mut self, answers: &Answers) -> End {
        let mut folded = self.shared.folded();
        let mut caught_up = false;
        loop {
            let head = *folded.borrow_and_update();
            if self.shared.is_of_the_past() {
                return End::Told(forked());
            }
            if let Err(end) = self.reach(head, answers).await {
                return end;
            }
            let due = self.sent + self.settings.heartbeat;
            let marker = if caught_up {
                tokio::select! {
                    biased;
                    () = self.shutdown.cancelled() => return End::Told(self.stopping()),
                    () = answers.closed() => return End::Gone,
                    // The sender lives as long as `shared`.
                    _ = folded.changed() => continue,
                    () = tokio::time::sleep_until(due) => self.heartbeat(),
                }
            } else {
                caught_up = true;
                let at = Some(self.answered());
                Message::CaughtUp(v1::WatchCaughtUp { at })
            };
            if let Err(end) = self.send(self.seen, marker, answers).await {
                return end;
            }
        }
    }

    /// Looks at the positions up to `head`, and tells from time to time how far that has come.
    async fn reach(&mut self, head: u64, answers: &Answers) -> Result<(), End> {
        while self.seen < head {
            let last = head.min(self.seen + self.settings.look_max);
            let events = tokio::select! {
                biased;
                () = self.shutdown.cancelled() => return Err(End::Told(self.stopping())),
                () = answers.closed() => return Err(End::Gone),
                events = self.events(last) => events.map_err(|why| End::Told(self.unreadable(&why)))?,
            };
            let looked_at = self.seen + events.len() as u64;
            let wanted = self.wanted(&events);
            drop(events);
            for event in wanted {
                let (position, message) = (event.0, watched(&event));
                self.send(position, message, answers).await?;
                self.seen = position;
            }
            self.seen = looked_at;
            if self.sent.elapsed() >= self.settings.heartbeat {
                let heartbeat = self.heartbeat();
                self.send(self.seen, heartbeat, answers).await?;
            }
        }
        Ok(())
    }

    /// The events after those seen, at least one and up to `last` at most, without a gap.
    async fn events(&self, last: u64) -> Result<Vec<Arc<Logged>>, String> {
        let first = self.seen + 1;
        let events = match self.shared.recent.from(first, last) {
            Some(recent) => recent,
            None => {
                // Never closed.
                let _turn = self.turns.acquire().await;
                self.past.between(first, last).await?
            }
        };
        let positions = || events.iter().map(|event| event.0);
        if events.is_empty() || !positions().eq((first..).take(events.len())) {
            let found: Vec<_> = positions().take(3).collect();
            return Err(format!(
                "position {first} was due where {found:?} … was read"
            ));
        }
        Ok(events)
    }

    /// Those that concern the target, all asked about in one look at the state.
    fn wanted(&self, events: &[Arc<Logged>]) -> Vec<Arc<Logged>> {
        let state = self.shared.read();
        let concerns = |logged: &&Arc<Logged>| state.concerns(&self.target, logged.0, &logged.2);
        events.iter().filter(concerns).map(Arc::clone).collect()
    }

    async fn send(
        &mut self,
        position: u64,
        message: Message,
        answers: &Answers,
    ) -> Result<(), End> {
        let place = tokio::select! {
            biased;
            place = answers.reserve() => place.map_err(|_| End::Gone)?,
            () = self.shutdown.cancelled() => return Err(End::Told(self.stopping())),
            () = tokio::time::sleep(self.settings.patience) => return Err(End::Told(self.too_slow())),
        };
        place.send(Ok(v1::WatchResponse {
            position,
            message: Some(message),
            locality: self.identity.take(),
        }));
        self.sent = Instant::now();
        Ok(())
    }

    fn heartbeat(&self) -> Message {
        let at = Some(self.answered());
        Message::Heartbeat(v1::WatchHeartbeat { at })
    }

    fn answered(&self) -> v1::AnsweredAt {
        let state = self.shared.read();
        answered(
            self.shared.freshness(&state),
            &state,
            &state.at(self.as_of, self.seen),
        )
    }

    fn stopping(&self) -> Status {
        let message = format!(
            "the service is stopping; watch again after position {}",
            self.seen
        );
        self.ended(Code::Unavailable, "STOPPING", message)
    }

    fn too_slow(&self) -> Status {
        let message = format!(
            "no message was taken for {} ms; watch again after position {}",
            self.settings.patience.as_millis(),
            self.seen
        );
        self.ended(Code::ResourceExhausted, REASON_TOO_SLOW, message)
    }

    fn unreadable(&self, why: &str) -> Status {
        let message = format!("{why}; watch again after position {}", self.seen);
        self.ended(Code::Unavailable, "LOG_UNREADABLE", message)
    }

    fn ended(&self, code: Code, reason: &str, message: String) -> Status {
        go_on_after(code, reason, message, (self.seen, RETRY))
    }
}

/// Where to go on nobody can say: what was told last may stand nowhere.
fn forked() -> Status {
    let message = "the ledger went on otherwise than what was told, which may not be in it; watch from its beginning";
    with_reason(Code::Aborted, FORKED, message)
}

fn watched(logged: &Logged) -> Message {
    let (_, known, event) = logged;
    let subject = event.body.subject();
    Message::Event(Box::new(v1::WatchedEvent {
        known: Some(wire::time::to_wire(*known)),
        kind: format!("{}.{}", subject.topic, subject.event),
        locality: subject.locality.map(wire::event::locality_ref),
        detail: subject.detail,
        event: Some(wire::event::encode(event)),
    }))
}
