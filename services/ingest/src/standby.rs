//! A log that follows the ledger's stream, and how its keeper becomes the writer.
//!
//! The log of a standby is the writer's: the same events at the same positions and times, so the same root, but for the
//! names of persons, which are never published. It is made of the stream alone, request by request; what came of a request
//! that is not there as a whole waits in memory.
//!
//! It takes over by an event of its own at the position after the last that the stream has (`bus::claim`).
//! Nothing is in this log before it is in the stream, the claim included, so an attempt that fails leaves no trace, and
//! the log of a standby never differs from the ledger. If nobody could say what became of a claim, the next attempt, or the
//! next command, finds it in the stream by its request, which is kept beside the log.
//! Of two standbys that are told at once one takes over; the other finds that event behind what it had when it was told,
//! and leaves it at that.
//! If the stream ends within a request, that part of it has been seen by others and stays; the claim ends it.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bus::{
    BoxError, Claim, Delivery, FollowOptions, FollowStatus, Message, RelayStatus, Replay,
    ReplayError,
};
use bytes::Bytes;
use domain::event::LedgerTakenOver;
use domain::text::{Moment, date};
use domain::{Body, Event};
use event_log::{Append, Log, NewEvent, ReadLimit, Taken};
use host::{CancellationToken, Clock, ComponentHandle};
use state::State;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tonic::{Code, Status};
use uuid::Uuid;
use wire::cloud_event::{self, Place};
use wire::status::{unavailable, with_reason};
use wire::time::{of_micros, to_wire};
use wire::v1;

use crate::fence;
use crate::grpc::{RETRY, status};
use crate::origin::{self, LogOrigin};
use crate::persons;
use crate::service::{Config, relay_options};
use crate::standing::{Role, Standing};
use crate::writer::{Datasets, Question, Request, Writer, note_dataset};

/// How long a take-over may try.
const TAKE_OVER_MAX: Duration = Duration::from_secs(30);
/// Between two attempts.
const ATTEMPT_WAIT: Duration = Duration::from_millis(100);
/// How long a stream that has lost its end may take to be filled.
const REFILL_MAX: Duration = Duration::from_secs(10);

/// That somebody wants this standby to take over.
struct Command {
    actor: v1::Actor,
    reason: String,
    /// Where this standby was when it was told; 0 if it had not begun to follow.
    since: u64,
    answer: oneshot::Sender<Result<v1::TakeOverLedgerResponse, Status>>,
}

/// How a standby is told to take over.
pub(crate) struct TakeOver {
    standing: Standing,
    log: Log,
    commands: mpsc::Sender<Command>,
}

/// What waits to be carried out.
pub(crate) struct Commands(mpsc::Receiver<Command>);

impl TakeOver {
    pub(crate) fn new(standing: Standing, log: Log) -> (Self, Commands) {
        let (commands, waiting) = mpsc::channel(1);
        let take_over = Self {
            standing,
            log,
            commands,
        };
        (take_over, Commands(waiting))
    }

    /// Has it take over, and waits until it has.
    pub(crate) async fn ask(
        &self,
        request: v1::TakeOverLedgerRequest,
    ) -> Result<v1::TakeOverLedgerResponse, Status> {
        let actor = wire::event::parse_actor("actor", request.actor.as_ref());
        let reason = wire::event::parse_text("reason", &request.reason);
        let (actor, reason) = match (actor, reason) {
            (Ok(actor), Ok(reason)) => (actor, reason),
            (actor, reason) => {
                let mut violations = actor.err().unwrap_or_default();
                violations.extend(reason.err());
                return Err(wire::status::invalid(&violations));
            }
        };
        let (answer, answered) = oneshot::channel();
        let command = Command {
            actor,
            reason,
            // What the log has was followed, before the follower says so.
            since: self.standing.followed().max(self.log.head()),
            answer,
        };
        if !matches!(self.standing.role(), Role::Standby)
            || self.commands.send(command).await.is_err()
        {
            let message = "this is no standby; only one that follows the ledger can take it over";
            return Err(with_reason(
                Code::FailedPrecondition,
                "NOT_STANDBY",
                message,
            ));
        }
        let stopped = |_| status(crate::writer::Refused::Stopped);
        answered.await.map_err(stopped)?
    }
}

/// Where a standby keeps the id of the request by which it took over: with its log, since it says nothing of another one.
fn own(data: &Path) -> PathBuf {
    data.join("claim")
}

/// Whether the take-over that is newest in a log was that of its own keeper.
pub(crate) fn is_own(data: &Path, newest: Option<Uuid>) -> bool {
    let kept = std::fs::read_to_string(own(data)).ok();
    newest.is_some() && kept.and_then(|kept| Uuid::parse_str(kept.trim()).ok()) == newest
}

/// What a service needs to be a standby.
pub(crate) struct Standby {
    pub(crate) config: Config,
    /// What it calls itself as a writer.
    pub(crate) name: String,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) standing: Standing,
    pub(crate) follow: watch::Sender<FollowStatus>,
    pub(crate) commands: Commands,
    /// The request by which the ledger was last taken over, as far as the log goes.
    pub(crate) taken_over: Option<Uuid>,
}

impl Standby {
    /// Follows until it is the writer, and then writes until every sender is gone.
    pub(crate) async fn work(
        self,
        writer: Writer,
        requests: mpsc::Receiver<Request>,
        questions: mpsc::Receiver<Question>,
        ready: ComponentHandle,
        shutdown: CancellationToken,
    ) {
        let fence = self.standing.role().fence().map(ToString::to_string);
        if let Some(writer) = self.until_writer(writer, &ready, shutdown).await {
            match fence {
                None => ready.set_ready(),
                Some(fence) => ready.set_not_ready(fence),
            }
            writer.serve(requests, questions, ready).await;
        }
    }

    /// Follows until it is told to take over and has; a writer is one at once, and a fenced one follows nobody.
    ///
    /// None if `shutdown` comes first.
    async fn until_writer(
        mut self,
        writer: Writer,
        ready: &ComponentHandle,
        shutdown: CancellationToken,
    ) -> Option<Writer> {
        if !matches!(self.standing.role(), Role::Standby) {
            return Some(writer);
        }
        let mut replica = Replica::new(&self.config, writer, ready.clone());
        replica.newest = self.taken_over.map(|by| (0, by, String::new()));
        loop {
            let command = self.follow(&mut replica, &shutdown).await?;
            let taken = self.take_over(&mut replica, &command, &shutdown).await;
            let is_writer = taken.is_ok();
            if is_writer {
                self.standing.set(Role::Writer);
            }
            // Whoever asked may have gone; what became of it stands.
            let _ = command.answer.send(taken);
            if is_writer {
                return Some(replica.into_writer(Arc::clone(&self.clock)));
            }
        }
    }

    /// Follows until there is a command; none at the shutdown.
    async fn follow(
        &mut self,
        replica: &mut Replica,
        shutdown: &CancellationToken,
    ) -> Option<Command> {
        loop {
            if let Err(error) = replica.begin_anew().await {
                tracing::error!(%error, "this standby cannot go on: {error}");
            }
            let stop = shutdown.child_token();
            let config = &self.config;
            let name = format!("tiendo standby {}", config.ledger);
            let options = FollowOptions::new(config.nats.clone(), &config.ledger, name);
            let following = bus::follow(options, replica, self.follow.clone(), stop.clone());
            let mut following = std::pin::pin!(following);
            let (command, ended) = tokio::select! {
                command = self.commands.0.recv() => (Some(command?), None),
                ended = &mut following => (None, Some(ended)),
            };
            if let Some(command) = command {
                stop.cancel();
                // What it is applying is applied.
                let _ = following.await;
                return Some(command);
            }
            if let Some(Err(error)) = ended {
                let reason = error.reason();
                tracing::error!(reason, %error, "this standby cannot follow: {error}");
            }
            tokio::select! {
                () = shutdown.cancelled() => return None,
                () = tokio::time::sleep(TAKE_OVER_MAX) => {}
            }
        }
    }

    async fn take_over(
        &self,
        replica: &mut Replica,
        command: &Command,
        shutdown: &CancellationToken,
    ) -> Result<v1::TakeOverLedgerResponse, Status> {
        let failed = |why: &str| {
            let message =
                format!("the ledger was not taken over: {why}; this standby goes on following");
            unavailable("TAKE_OVER_FAILED", message, RETRY)
        };
        let heard_head = self.follow.borrow().head;
        let claim = self.claim(command);
        let since = match command.since {
            0 => replica.taken,
            since => since,
        };
        let until = Instant::now() + TAKE_OVER_MAX;
        loop {
            let attempt = replica.attempt(&claim, since, &*self.clock);
            let why = match tokio::time::timeout_at(until, attempt).await {
                Ok(Ok(Attempt::Stands(position))) => {
                    return Ok(replica.taken_over(position, heard_head));
                }
                Ok(Ok(Attempt::Overtaken(position, writer))) => {
                    return Err(overtaken(position, &writer));
                }
                Ok(Ok(Attempt::Moved)) => {
                    "the writer before it goes on publishing; stop it".to_owned()
                }
                Ok(Err(error)) => {
                    tokio::time::sleep(ATTEMPT_WAIT).await;
                    error.to_string()
                }
                Err(_) => "the bus did not answer, or the stream was not read, in time".to_owned(),
            };
            if Instant::now() >= until || shutdown.is_cancelled() {
                return Err(failed(&why));
            }
        }
    }

    /// The event by which it takes over; its position is set with each attempt.
    fn claim(&self, command: &Command) -> Event {
        let now = self.clock.now();
        let seconds = u64::try_from(now.as_second()).unwrap_or(0);
        let nanos = u32::try_from(now.subsec_nanosecond()).unwrap_or(0);
        let at = uuid::Timestamp::from_unix(uuid::NoContext, seconds, nanos);
        Event {
            request_id: Uuid::new_v7(at),
            actor: domain::event::Actor {
                organisation: command.actor.organisation.clone(),
                office: command.actor.office.clone(),
            },
            effective: Moment::end_of(date::date_in_vietnam(now)),
            body: Body::LedgerTakenOver(LedgerTakenOver {
                writer: self.name.clone(),
                after_position: 0,
                reason: command.reason.clone(),
            }),
            confirmed: Vec::new(),
            findings: Vec::new(),
            traceparent: None,
        }
    }
}

/// That another was quicker than whoever was told as well.
fn overtaken(position: u64, writer: &str) -> Status {
    let message = format!(
        "{writer} has taken the ledger over at position {position} since this standby was told to, and it goes on following; if it is to take over from that one, tell it again"
    );
    with_reason(Code::FailedPrecondition, "TAKE_OVER_OVERTAKEN", message)
}

/// Keeps the id of a claim, so that a restart knows whose it was.
fn keep(path: &Path, id: Uuid) -> std::io::Result<()> {
    use std::io::Write as _;
    let mut file = std::fs::File::create(path)?;
    file.write_all(id.to_string().as_bytes())?;
    file.sync_all()
}

/// An event that is not in the log yet.
struct Waiting {
    known_micros: i64,
    event: Event,
}

/// The log of a standby and what it adds up to.
struct Replica {
    config: Config,
    origin: Arc<LogOrigin>,
    log: Log,
    state: State,
    datasets: Datasets,
    ready: ComponentHandle,
    /// The last position taken from the stream.
    taken: u64,
    known_micros: i64,
    /// Requests that are whole.
    whole: Vec<Vec<Waiting>>,
    /// What came of the newest request, which may go on, and whether the stream says that it does.
    open: Vec<Waiting>,
    goes_on: bool,
    /// The request before the newest, if that ended it although the stream says that it goes on.
    cut: Option<Uuid>,
    /// The newest take-over: where it stands, by which request, and what the writer calls itself.
    newest: Option<(u64, Uuid, String)>,
    /// A commit that nobody may wait for any more.
    committing: Option<JoinHandle<Result<(), event_log::Error>>>,
    /// Whether the stream was seen to tell this log's history.
    is_same: bool,
}

/// What became of an attempt.
enum Attempt {
    /// The claim stands at this position.
    Stands(u64),
    /// Another has taken over there since the command.
    Overtaken(u64, String),
    /// Somebody else was quicker.
    Moved,
}

/// How far the stream goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reach {
    /// Everything that it has was taken.
    Whole,
    /// It is not there, or ends before what was taken.
    Short,
}

impl Replica {
    fn new(config: &Config, writer: Writer, ready: ComponentHandle) -> Self {
        let Writer {
            log,
            state,
            datasets,
            ..
        } = writer;
        Self {
            config: config.clone(),
            origin: Arc::new(LogOrigin {
                log: log.clone(),
                ledger: config.ledger.as_str().into(),
            }),
            taken: log.head(),
            known_micros: log.statistics().known_last_micros,
            is_same: log.head() == 0,
            log,
            state,
            datasets,
            ready,
            whole: Vec::new(),
            open: Vec::new(),
            goes_on: false,
            cut: None,
            newest: None,
            committing: None,
        }
    }

    fn into_writer(self, clock: Arc<dyn Clock>) -> Writer {
        Writer::new(self.log, self.state, self.datasets, clock)
    }

    /// Takes the next event of the stream.
    fn take(&mut self, delivery: &Delivery) -> Result<(), BoxError> {
        let position = delivery.position;
        let logged = cloud_event::receive_logged(&delivery.payload, position)?;
        let known_micros = logged.known.as_microsecond();
        if of_micros(known_micros) != logged.known {
            return Err(format!("event {position} has a time finer than the log's").into());
        }
        let before = self.open.last().map(|before| before.event.request_id);
        if before != Some(logged.event.request_id) {
            self.cut = before.filter(|_| self.goes_on);
            if before.is_some() {
                self.whole.push(std::mem::take(&mut self.open));
            }
        }
        if let Body::LedgerTakenOver(taken) = &logged.event.body {
            let by = logged.event.request_id;
            self.newest = Some((position, by, taken.writer.clone()));
        }
        self.taken = position;
        self.known_micros = self.known_micros.max(known_micros);
        self.goes_on = logged.request_ends == Some(false);
        self.open.push(Waiting {
            known_micros,
            event: logged.event,
        });
        if logged.request_ends == Some(true) {
            self.whole.push(std::mem::take(&mut self.open));
        }
        Ok(())
    }

    /// Makes what is whole durable, and folds it.
    async fn commit(&mut self) -> Result<(), BoxError> {
        let mut first = self.log.head() + 1;
        let whole = std::mem::take(&mut self.whole).into_iter();
        let requests: Vec<Taken> = whole
            .filter_map(|events| {
                let request = request(first, &events)?;
                first += events.len() as u64;
                Some(request)
            })
            .collect();
        if requests.is_empty() {
            return Ok(());
        }
        let log = self.log.clone();
        let commit = async move { log.replicate(requests).await };
        let commit = host::task::spawn("standby-commit", commit);
        let committed = self.committing.insert(commit).await;
        self.committing = None;
        self.fold()?;
        if let Err(error) = committed? {
            self.whole.clear();
            self.open.clear();
            self.taken = self.log.head();
            return Err(error.into());
        }
        Ok(())
    }

    /// Folds what the log has and the state has not.
    fn fold(&mut self) -> Result<(), BoxError> {
        let limit = ReadLimit {
            events: 4_096,
            bytes: 4 * 1024 * 1024,
        };
        while self.state.position() < self.log.head() {
            for record in self.log.read(self.state.position() + 1, limit)? {
                let event = origin::decode(&record)?;
                let known = of_micros(record.known_micros);
                self.state.apply(record.position, known, &event)?;
                note_dataset(&self.datasets, &event);
                persons::erase(&self.log, [&event])?;
            }
        }
        Ok(())
    }

    /// Begins anew at the log's head: whoever was taking or committing was stopped in between.
    async fn begin_anew(&mut self) -> Result<(), BoxError> {
        if let Some(commit) = self.committing.take() {
            let _ = commit.await?;
        }
        self.fold()?;
        self.whole.clear();
        self.open.clear();
        (self.goes_on, self.cut) = (false, None);
        self.taken = self.log.head();
        Ok(())
    }

    /// Takes everything that the stream has.
    async fn read_stream(&mut self) -> Result<Reach, BoxError> {
        let mut replay = match Replay::open(&self.config.nats, &self.config.ledger).await {
            Ok(replay) => replay,
            // There is no stream, or nobody can say; the relay of the writer sees to it.
            Err(ReplayError::Stream { .. }) => return Ok(Reach::Short),
            Err(error) => return Err(error.into()),
        };
        let (first, last) = (replay.first(), replay.last());
        self.compare(&mut replay).await?;
        if last < self.taken {
            return Ok(Reach::Short);
        }
        if last > self.taken && first > self.taken + 1 {
            return Err(format!(
                "STANDBY_BEHIND: the stream begins at {first}, and this log ends at {}; begin with a backup of the writer's log",
                self.taken
            )
            .into());
        }
        while self.taken < last {
            for message in replay.read(self.taken + 1).await? {
                self.take(&message)?;
            }
            self.commit().await?;
        }
        Ok(Reach::Whole)
    }

    /// The newest event that both have must be the same.
    async fn compare(&mut self, replay: &mut Replay) -> Result<(), BoxError> {
        let both = self.log.head().min(replay.last());
        if both > 0 && both >= replay.first() {
            self.is_same = fence::is_same(replay, &self.origin, both).await?;
            if !self.is_same {
                return Err(format!(
                    "STREAM_FORKED: the stream and this log have different events at position {both}; keep this directory, and begin with an empty one or a backup of the writer's log"
                )
                .into());
            }
        }
        Ok(())
    }

    /// Publishes what the stream lacks of this log.
    async fn refill(&self) -> Result<(), BoxError> {
        let options = relay_options(&self.config);
        let (status, mut relayed) = watch::channel(RelayStatus::default());
        let stop = CancellationToken::new();
        let relay = bus::relay(options, Arc::clone(&self.origin) as _, status, stop.clone());
        let head = self.log.head();
        let filled = relayed.wait_for(|status| status.connected && status.published >= head);
        let filled = tokio::time::timeout(REFILL_MAX, filled);
        let mut relay = std::pin::pin!(relay);
        let filled = tokio::select! {
            ended = &mut relay => return Ok(ended?),
            filled = filled => filled.is_ok(),
        };
        stop.cancel();
        relay.await?;
        if filled {
            return Ok(());
        }
        Err("the stream, which lacks what this log has, was not filled again in time".into())
    }

    /// Tries once to put the claim at the end of the stream and into the log.
    async fn attempt(
        &mut self,
        claim: &Event,
        since: u64,
        clock: &dyn Clock,
    ) -> Result<Attempt, BoxError> {
        self.begin_anew().await?;
        if self.read_stream().await? == Reach::Short {
            self.begin_anew().await?;
            if self.log.head() == 0 {
                return Err("the ledger has no stream, and this log nothing to make it of".into());
            }
            self.refill().await?;
            return Ok(Attempt::Moved);
        }
        if let Some((position, by, writer)) = &self.newest {
            // One of which nobody could say what became of it, of this command or of the one before; nothing stands behind such a one.
            if is_own(&self.config.data, Some(*by))
                && let Some(receipt) = self.log.receipt(by.as_bytes())?
                && receipt.first == self.taken
            {
                return Ok(Attempt::Stands(receipt.first));
            }
            if *position > since {
                return Ok(Attempt::Overtaken(*position, writer.clone()));
            }
        }
        keep(&own(&self.config.data), claim.request_id)?;
        let position = self.taken + 1;
        let mut event = claim.clone();
        if let Body::LedgerTakenOver(taken) = &mut event.body {
            taken.after_position = self.taken;
        }
        let place = Place {
            ledger: &self.config.ledger,
            position,
            known: of_micros(clock.now().as_microsecond().max(self.known_micros)),
        };
        let (subject, payload) = cloud_event::publish(place, &event, true)?;
        let delivery = Delivery {
            position,
            subject: subject.clone(),
            payload: Bytes::from(payload),
        };
        let message = Message {
            position,
            subject,
            payload: delivery.payload.clone(),
        };
        match bus::claim(&self.config.nats, &self.config.ledger, message).await? {
            Claim::Moved => Ok(Attempt::Moved),
            Claim::Stands => {
                self.take(&delivery)?;
                self.commit().await?;
                Ok(Attempt::Stands(position))
            }
        }
    }

    /// What is told of a take-over.
    fn taken_over(&self, position: u64, heard_head: u64) -> v1::TakeOverLedgerResponse {
        let cut_request_id = self.cut.map(|id| id.to_string()).unwrap_or_default();
        tracing::info!(
            position,
            heard_head,
            cut_request_id,
            "this standby has taken the ledger over at position {position}"
        );
        let unpublished = (heard_head + 1).saturating_sub(position);
        if unpublished > 0 {
            tracing::error!(
                unpublished,
                "the writer before had at least {unpublished} events more than were published; unless they are sent again, they are lost with its log"
            );
        }
        v1::TakeOverLedgerResponse {
            position,
            known: Some(to_wire(of_micros(self.known_micros))),
            heard_head,
            cut_request_id,
        }
    }
}

/// A request as the log it comes from has it; none without events.
fn request(first: u64, events: &[Waiting]) -> Option<Taken> {
    let one = events.first()?;
    let new = |waiting: &Waiting| NewEvent {
        subject: waiting.event.body.subject().revision_key().into(),
        expected_revision: None,
        payload: Bytes::from(wire::event::to_bytes(&waiting.event)),
        attribute: None,
    };
    Some(Taken {
        append: Append {
            request_id: *one.event.request_id.as_bytes(),
            events: events.iter().map(new).collect(),
        },
        first,
        known_micros: one.known_micros,
    })
}

impl bus::Reader for Replica {
    fn position(&self) -> u64 {
        self.taken
    }

    async fn catch_up(&mut self) -> Result<u64, BoxError> {
        match self.read_stream().await {
            Ok(_) => {
                self.ready.set_ready();
                Ok(self.taken)
            }
            Err(error) => {
                self.ready.set_not_ready(error.to_string());
                Err(error)
            }
        }
    }

    async fn apply(&mut self, delivery: Delivery) -> Result<(), BoxError> {
        if !self.is_same {
            return Err("the stream was not yet seen to tell this log's history".into());
        }
        self.take(&delivery)?;
        self.commit().await
    }
}
