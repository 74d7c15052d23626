//! Where judging, telling and asking meet.
//!
//! The [`Judge`] is made anew at every start by replaying the ledger; what was *told* is in alerting's own log, the [`Book`].
//! The two meet under four rules, so that nothing is told twice and nothing is lost:
//!
//! 1. A change is recorded only if it changes the book: a case that is open on record is not opened again.
//! 2. While the ledger is being replayed, a change at a position before the newest one on record, or there for an earlier day, is history and is left out, whatever it says: those told it were told then, by the rules and for the day that held then.
//! 3. At the newest position and day on record and after them, changes are recorded as they come: this makes good what a crash cut off, and rebuilds everything, case by case and at the same positions, if alerting's log was deleted.
//! 4. Once the replay has caught up, the book is compared with the judge, case by case, and what differs is recorded at the position reached: so a start with another `--today`, or with other rules, clears the cases that do not hold on that day and opens those that do, once.
//!
//! Nothing is published before the replay has caught up, so that a rebuilt log meets its stream on the bus at full length; it then says the same but for the times at which it was recorded.
//! What was told for other days is not rebuilt: then the stream is ahead of the log or differs from it, the relay stops with an alarm, and a person decides whether the stream of alerts is to be made anew.
//!
//! Days pass without events, so one position can open a case for one day and clear it for the next: by the position alone a replay would tell both again, at every start.
//!
//! The appends carry ids made of the case, the change, the position and the day (see [`Change::request_id`]), so that a change whose append was not answered can be appended again.
//! Acts stand under ids of a namespace of their own, so no caller can take such an id away; where something else stands under one all the same, another is made of it and of where that stands, and an error is logged.
//! If the disk refuses, changes wait here and are tried again every second; judging goes on.
//!
//! What people do (take a case on, read a notification, set and end a silence) and what the days bring (the steps of the ladder, see [`escalate`](crate::escalate)) is not in the ledger.
//! For that alerting's own log is the truth: if it is deleted, the cases are rebuilt, the acts are gone, and the ladder begins anew from the day each case was opened, one step a day at most.
//! Both are recorded only live: an act waits until the replay has caught up, and a replay takes no step.
//! A case opens told or withheld in one append with its opening; what was withheld is told later under rules of its own, once.
//!
//! Changes are settled when the request that brought them ends: the bus marks its last event, and in bulk the next event is another request's, or the log's head is reached.
//! Until then nothing is settled and no day passes, whoever asks, and whatever ends a reading in the middle.
//! A request of which the rest never comes, since ingest died with its log, holds them up for ever: operators are told (REQUEST_INCOMPLETE), and half of what was said is told to nobody.
//! Where an earlier release published without that mark, they are settled when no event came for a moment ([`QUIET`]).
//! While some are being recorded others are judged, up to [`ROUND_CHANGES_MAX`]; what waited is then recorded together.

mod act;
mod tend;

use std::collections::{BTreeSet, VecDeque};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};
use std::time::Duration;

use bus::FollowStatus;
use bytes::Bytes;
use domain::Event;
use domain::text::date;
use event_log::{Append, Log, NewEvent, Receipt};
use host::{CancellationToken, Clock, ComponentHandle, Today};
use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};
use lag::Transition;
use prost::Message as _;
use state::ApplyError;
use tokio::sync::{Mutex, Notify, watch};
use tokio::time::{Instant, interval, timeout};
use uuid::Uuid;
use wire::v1;

pub(crate) use act::{Asked, Decision};

use crate::book::Book;
use crate::case::{CaseKey, Change, JudgedAt};
use crate::escalate::hushed;
use crate::judge::Judge;
use crate::notice;
use crate::render;
use crate::sight::Seen;
use tend::Attend;

/// Without another event for so long, what was folded is settled.
const QUIET: Duration = Duration::from_millis(20);

/// How often the day is looked at, and what could not be recorded is tried again.
const TICK: Duration = Duration::from_secs(1);

/// A new day begins so late for judgement, so that events taken before midnight are judged before it.
const MIDNIGHT_GRACE: SignedDuration = SignedDuration::from_secs(5);

/// Most changes appended side by side.
const ROUND_CHANGES_MAX: usize = 512;

/// So long half a request waits for its rest before operators are told.
const HALF_MAX: Duration = Duration::from_secs(60);

/// What alerting's own log refuses an alert with.
pub(crate) type RecordError = event_log::Error;

/// How far judging has come.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Progress {
    /// Everything up to here is judged, and what followed from it recorded.
    pub(crate) position: u64,
    pub(crate) day: Option<Date>,
}

/// Half a request that waits for its rest.
#[derive(Debug, Default)]
struct Half {
    /// Position of the newest event folded, and when it was first seen to wait.
    since: Option<(u64, Instant)>,
    /// Whether operators were told.
    is_told: bool,
}

/// Changes on their way into the book.
#[derive(Debug, Default)]
struct Recorder {
    waiting: VecDeque<Change>,
    /// Whether the replay has caught up once.
    live: bool,
    /// Newest that was told before the replay: what it says before that is history.
    horizon: JudgedAt,
    /// Which cases are to be looked at for what is due.
    attend: Attend,
}

/// What a desk is made of.
pub(crate) struct Parts {
    pub(crate) judge: Judge,
    pub(crate) book: Book,
    pub(crate) log: Log,
    pub(crate) today: Today,
    pub(crate) clock: Arc<dyn Clock>,
    /// Shown to operators: whether alerts can be recorded.
    pub(crate) log_component: ComponentHandle,
    /// Shown to operators: whether the ledger was read to its head once.
    pub(crate) follower_component: ComponentHandle,
}

/// The judge, the book, and the way from one to the other.
pub(crate) struct Desk {
    judge: RwLock<Judge>,
    book: RwLock<Book>,
    recorder: Arc<Mutex<Recorder>>,
    progress: watch::Sender<Progress>,
    folded: Notify,
    settled: Notify,
    /// Whether more of the newest event's request is to come: half a request is settled by nobody.
    halfway: AtomicBool,
    /// Position of alerting's log up to which the book is folded.
    told: watch::Sender<u64>,
    log: Log,
    today: Today,
    clock: Arc<dyn Clock>,
    log_component: ComponentHandle,
    follower_component: ComponentHandle,
    /// Whether the replay has caught up.
    live: watch::Sender<bool>,
    /// Whether what was folded was held against the stream, or there was none to ask.
    compared: AtomicBool,
    /// Whether everything was dropped once, and the replay is not the first.
    anew: AtomicBool,
    /// The head of alerting's log at that moment.
    replayed_head: AtomicU64,
}

impl Desk {
    pub(crate) fn new(parts: Parts) -> Self {
        parts.log_component.set_ready();
        let desk = Self {
            told: watch::Sender::new(parts.book.position()),
            recorder: Arc::new(Mutex::new(Recorder {
                horizon: parts.book.horizon(),
                ..Recorder::default()
            })),
            judge: RwLock::new(parts.judge),
            book: RwLock::new(parts.book),
            progress: watch::Sender::default(),
            folded: Notify::new(),
            settled: Notify::new(),
            halfway: AtomicBool::new(false),
            log: parts.log,
            today: parts.today,
            clock: parts.clock,
            log_component: parts.log_component,
            follower_component: parts.follower_component,
            live: watch::Sender::new(false),
            compared: AtomicBool::new(false),
            anew: AtomicBool::new(false),
            replayed_head: AtomicU64::new(0),
        };
        desk.count_cases();
        desk
    }

    pub(crate) fn judge(&self) -> RwLockReadGuard<'_, Judge> {
        self.judge.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn book(&self) -> RwLockReadGuard<'_, Book> {
        self.book.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn progress(&self) -> watch::Receiver<Progress> {
        self.progress.subscribe()
    }

    /// Position of alerting's log up to which the book is folded.
    pub(crate) fn told(&self) -> watch::Receiver<u64> {
        self.told.subscribe()
    }

    /// Folds an event; what it settles is recorded by the next [`Desk::record`].
    ///
    /// `request_ends` is what is known of it: whether the event is the last of its request. It is noted before anybody else can settle.
    /// None where an earlier release published it without the mark: then quiet tells.
    pub(crate) fn fold(
        &self,
        (position, known): (u64, Timestamp),
        event: &Event,
        request_ends: Option<bool>,
    ) -> Result<(), ApplyError> {
        let mut judge = self.judge.write().unwrap_or_else(PoisonError::into_inner);
        judge.fold(position, known, event)?;
        let more_may_come = request_ends == Some(false);
        self.halfway.store(more_may_come, Ordering::Release);
        Ok(())
    }

    /// The same of an event read in bulk, where only the next one tells, or the log's head: until then more of its request may come.
    ///
    /// A tick, a slow batch, a failure or the shutdown can fall between any two events.
    pub(crate) fn fold_in_bulk(
        &self,
        at: (u64, Timestamp),
        event: &Event,
    ) -> Result<(), ApplyError> {
        self.fold(at, event, Some(false))
    }

    /// Whether half a request is folded; it stays so while the judge is held.
    fn is_halfway(&self) -> bool {
        self.halfway.load(Ordering::Acquire)
    }

    /// The newest event was the last of its request: settles it, and lets what follows be recorded beside further judging.
    ///
    /// Waits only where too much waits to be recorded, or in a replay.
    pub(crate) async fn request_ended(&self) {
        let crowded = {
            let mut judge = self.judge.write().unwrap_or_else(PoisonError::into_inner);
            if self.is_live() {
                judge.settle();
            }
            judge.untaken() >= ROUND_CHANGES_MAX
        };
        if crowded || !self.is_live() {
            self.record().await;
        } else {
            self.settled.notify_one();
        }
    }

    /// Records what was settled, and says that there may be more to settle.
    pub(crate) async fn record(&self) {
        let mut recorder = self.recorder.lock().await;
        self.gather(&mut recorder, |_| {}).await;
        self.folded.notify_one();
    }

    /// The ledger was read to its head: settles, and the first time compares the book with the judge.
    pub(crate) async fn caught_up(&self) {
        self.halfway.store(false, Ordering::Release);
        let mut recorder = self.recorder.lock().await;
        if recorder.live {
            self.follower_component.set_ready();
            return self.gather(&mut recorder, Judge::settle).await;
        }
        self.go_live(&mut recorder).await;
    }

    /// Ends the replay, unless the bus has brought half a request since its head was reached: then later.
    async fn go_live(&self, recorder: &mut Recorder) {
        let day = self.date();
        self.gather(recorder, |judge| {
            if !self.is_halfway() {
                judge.settle();
                judge.pass_days(day);
                judge.judge_all();
                judge.settle();
            }
        })
        .await;
        let Some(differences) = self.differences() else {
            return;
        };
        recorder.live = true;
        if !differences.is_empty() {
            let changes = differences.len();
            tracing::info!(changes, "{changes} cases differ from what was told");
        }
        recorder.waiting.extend(differences);
        self.gather(recorder, |_| {}).await;
        self.follower_component.set_ready();
        self.replayed_head.store(self.log.head(), Ordering::Release);
        self.live.send_replace(true);
    }

    /// Begins a replay with a judge who has read nothing, for what was judged is not the ledger.
    ///
    /// It is as at a start: what the new history says before the newest on record was told, or another history was, and is left out; at its end the book is compared with the judge, and what does not hold is cleared, what holds opened.
    /// What was told, done and delivered about events that the ledger does not have stays on record.
    pub(crate) async fn begin_anew(&self, judge: Judge) {
        let mut recorder = self.recorder.lock().await;
        self.set_compared(false);
        self.anew.store(true, Ordering::Release);
        self.live.send_replace(false);
        let before = {
            let mut judging = self.judge.write().unwrap_or_else(PoisonError::into_inner);
            self.halfway.store(false, Ordering::Release);
            std::mem::replace(&mut *judging, judge)
        };
        *recorder = Recorder {
            horizon: self.book().horizon(),
            ..Recorder::default()
        };
        self.progress.send_replace(Progress::default());
        drop(recorder);
        // Giving back much would keep others waiting.
        tokio::task::spawn_blocking(move || drop(before));
    }

    /// Takes note whether what was folded was held against the stream, or there was none to ask; before that no replay ends.
    pub(crate) fn set_compared(&self, compared: bool) {
        self.compared.store(compared, Ordering::Release);
    }

    /// Shows operators why the ledger is not followed.
    pub(crate) fn set_not_ready(&self, why: String) {
        self.follower_component.set_not_ready(why);
    }

    /// Whether the ledger was read to its head once.
    pub(crate) fn is_live(&self) -> bool {
        *self.live.borrow()
    }

    /// Waits until the ledger was read to its head once.
    pub(crate) async fn replayed(&self) {
        // The sender lives as long as `self`.
        let _ = self.live.subscribe().wait_for(|live| *live).await;
    }

    /// Waits while everything is judged anew, so that what was dropped is not told as none.
    pub(crate) async fn judged_anew(&self) {
        if self.is_judging_anew() {
            self.replayed().await;
        }
    }

    /// Whether everything was dropped, and is not judged again yet.
    fn is_judging_anew(&self) -> bool {
        self.anew.load(Ordering::Acquire) && !self.is_live()
    }

    /// The head of alerting's log when the replay had caught up; what lies up to there is history to a new sink.
    pub(crate) fn replayed_head(&self) -> u64 {
        self.replayed_head.load(Ordering::Acquire)
    }

    /// Settles when it is quiet and goes on with the days, until the shutdown.
    pub(crate) async fn keep(
        self: Arc<Self>,
        status: watch::Receiver<FollowStatus>,
        shutdown: CancellationToken,
    ) {
        let mut tick = interval(TICK);
        let mut half = Half::default();
        loop {
            tokio::select! {
                () = shutdown.cancelled() => break,
                () = self.settled.notified() => {
                    let mut recorder = self.recorder.lock().await;
                    self.gather(&mut recorder, |_| {}).await;
                    continue;
                }
                () = self.folded.notified() => {
                    while timeout(QUIET, self.folded.notified()).await.is_ok() {}
                }
                _ = tick.tick() => {}
            }
            self.settle(&status).await;
            self.await_rest(&mut half);
        }
        // In the middle of a replay or a request nothing is settled: the next start reads it anew.
        let mut recorder = self.recorder.lock().await;
        if recorder.live {
            let act = |judge: &mut Judge| {
                if !self.is_halfway() {
                    judge.settle();
                }
            };
            self.gather(&mut recorder, act).await;
        }
    }

    /// Tells operators, once, of half a request whose rest does not come: ingest and its log are gone since it was published.
    ///
    /// No day passes then, for what the judge holds nobody has said; what is on record is answered all the same.
    fn await_rest(&self, half: &mut Half) {
        if !self.is_live() || !self.is_halfway() {
            *half = Half::default();
            return;
        }
        let position = self.judge().position();
        let (at, since) = *half.since.get_or_insert((position, Instant::now()));
        if at != position {
            *half = Half::default();
        } else if since.elapsed() > HALF_MAX && !half.is_told {
            half.is_told = true;
            tracing::error!(
                reason = "REQUEST_INCOMPLETE",
                position,
                "the event at {position} may not be the last of its request, and the next one comes neither from the bus nor from the log: nothing more is judged, and no day passes"
            );
        }
    }

    /// The ledger's head ends a request: what is folded up to there is whole, also where reading it in bulk failed behind it.
    fn reached(&self, head: u64) {
        // Held, so that nothing is folded between the two.
        let judge = self.judge();
        if head > 0 && judge.position() == head {
            self.halfway.store(false, Ordering::Release);
        }
    }

    async fn settle(&self, status: &watch::Receiver<FollowStatus>) {
        let head = status.borrow().head;
        self.reached(head);
        let mut recorder = self.recorder.lock().await;
        if recorder.live {
            let day = self.date();
            return self
                .gather(&mut recorder, |judge| {
                    if !self.is_halfway() {
                        judge.settle();
                        judge.pass_days(day);
                    }
                })
                .await;
        }
        // Without the ledger's log the bus alone can tell that its head was reached.
        let is_compared = self.compared.load(Ordering::Acquire);
        if is_compared && head > 0 && !self.is_halfway() && self.judge().position() >= head {
            self.go_live(&mut recorder).await;
        }
    }

    /// Lets the judge do something, records what comes of it, and says how far that is.
    async fn gather(&self, recorder: &mut Recorder, act: impl FnOnce(&mut Judge)) {
        let (progress, judgements) = {
            let mut judge = self.judge.write().unwrap_or_else(PoisonError::into_inner);
            act(&mut judge);
            recorder.waiting.extend(judge.take_changes());
            let progress = Progress {
                position: judge.settled_position(),
                day: judge.day(),
            };
            (progress, judge.take_judgements())
        };
        metrics::counter!("tiendo_judgements_total").increment(judgements);
        metrics::gauge!("tiendo_alerting_position").set(progress.position as f64);
        let mut recorded = self.append(recorder).await;
        if recorded.is_ok() && recorder.live {
            // Not in the middle of a request, which `tend` sees for itself.
            recorded = self.tend(recorder).await;
        }
        match recorded {
            Ok(()) => {
                self.log_component.set_ready();
                self.progress.send_if_modified(|last| {
                    let moved = *last != progress;
                    *last = progress;
                    moved
                });
            }
            Err(error) => {
                let waiting = recorder.waiting.len();
                tracing::error!(
                    reason = error.reason(),
                    waiting,
                    "{waiting} changes of cases and what is due wait, for alerting's log refuses them: {error}"
                );
                self.log_component.set_not_ready(error.to_string());
            }
        }
    }

    /// Appends what waits, in rounds: within one no case changes twice.
    async fn append(&self, recorder: &mut Recorder) -> Result<(), RecordError> {
        while !recorder.waiting.is_empty() {
            let round = self.round(recorder);
            let appends = round.iter().map(|entry| entry.append()).collect();
            let receipts = self.append_own(appends).await;
            let mut refused = None;
            let mut again = Vec::new();
            for (entry, receipt) in round.into_iter().zip(receipts) {
                match receipt {
                    Ok(receipt) => {
                        self.keep_told(receipt.first, &entry.alerts);
                        recorder.attend.after(&entry.change);
                    }
                    Err(error) => {
                        refused.get_or_insert(error);
                        again.push(entry.change);
                    }
                }
            }
            for change in again.into_iter().rev() {
                recorder.waiting.push_front(change);
            }
            self.count_cases();
            if let Some(error) = refused {
                return Err(error);
            }
        }
        Ok(())
    }

    /// Appends what the service itself has to say.
    ///
    /// An id under which something else stands must hold nothing back for ever: another is made of it and of where that stands, the same at each repeat.
    async fn append_own(&self, mut appends: Vec<Append>) -> Vec<Result<Receipt, RecordError>> {
        let mut receipts = self.log.append_all(appends.clone()).await;
        for (append, receipt) in appends.iter_mut().zip(&mut receipts) {
            while let Err(RecordError::RequestIdReused { request_id, first }) = receipt {
                let subject = append.events.first().map(|event| event.subject.to_string());
                tracing::error!(
                    reason = "REQUEST_ID_REUSED",
                    request_id,
                    first,
                    subject,
                    "something else stands under the id of an entry of alerting's own, at position {first}; it is appended under another"
                );
                let id = Uuid::from_bytes(append.request_id);
                append.request_id = *Uuid::new_v5(&id, &first.to_be_bytes()).as_bytes();
                *receipt = self.log.append(append.clone()).await;
            }
        }
        receipts
    }

    /// Folds what stands in the log from a position on, and says so.
    fn keep_told(&self, first: u64, alerts: &[v1::AlertEvent]) {
        let mut book = self.book.write().unwrap_or_else(PoisonError::into_inner);
        for (position, alert) in (first..).zip(alerts) {
            book.fold(position, alert);
        }
        let position = book.position();
        drop(book);
        self.told.send_replace(position);
    }

    fn round(&self, recorder: &mut Recorder) -> Vec<Entry> {
        let (book, judge) = (self.book(), self.judge());
        let mut seen = BTreeSet::new();
        let mut round = Vec::new();
        while round.len() < ROUND_CHANGES_MAX {
            let next = recorder.waiting.pop_front();
            let Some(change) = next else { break };
            if !seen.insert(change.key.clone()) {
                recorder.waiting.push_front(change);
                break;
            }
            let id = change.key.to_string();
            let open = book.open(&id);
            let is_news = open.is_some() != (change.transition == Transition::Opened);
            let is_history = !recorder.live && change.judged_at() < recorder.horizon;
            if is_news && !is_history {
                let opened = open.map_or(0, |case| case.opened_position);
                let withheld = hushed(&book, &*judge, &change.key, &change.verdict);
                let was_told = book
                    .newest(&id)
                    .is_some_and(|kept| kept.life(&Seen::ALL).step > 0);
                let praises = was_told
                    && !notice::is_left_to_overdue(&book, &change.key, Some(&change.verdict));
                let alerts = render::alerts(&change, (opened, praises), withheld);
                let request_id = change.request_id(book.openings(&id));
                round.push(Entry {
                    change,
                    request_id,
                    alerts,
                });
            }
        }
        round
    }

    /// What would make the book what the judge says; none while half a request is folded.
    fn differences(&self) -> Option<Vec<Change>> {
        let (book, judge) = (self.book(), self.judge());
        if self.is_halfway() {
            return None;
        }
        let told: BTreeSet<CaseKey> = book
            .open_cases()
            .filter_map(|kept| kept.key.clone())
            .collect();
        let open: BTreeSet<CaseKey> = judge.open_cases().into_iter().collect();
        let cleared = told.difference(&open).map(|key| (key, Transition::Cleared));
        let opened = open.difference(&told).map(|key| (key, Transition::Opened));
        let changes = cleared
            .chain(opened)
            .map(|(key, change)| judge.change(key.clone(), change));
        Some(changes.collect())
    }

    fn count_cases(&self) {
        let book = self.book();
        for concern in lag::Concern::ALL {
            let number = render::concern(concern);
            let is_its = |case: &&v1::Case| {
                let opened = case.opened.as_ref();
                opened.is_some_and(|verdict| verdict.concern() == number)
            };
            let open = book.cases().take_while(|case| case.cleared_position == 0);
            let open = open.filter(is_its).count();
            metrics::gauge!("tiendo_cases_open", "concern" => concern.code()).set(open as f64);
        }
    }

    /// The day that has come for judgement.
    pub(crate) fn date(&self) -> Date {
        match self.today {
            Today::Pinned(day) => day,
            Today::Real => {
                let now = self.clock.now();
                date::date_in_vietnam(now.checked_sub(MIDNIGHT_GRACE).unwrap_or(now))
            }
        }
    }
}

/// A change as it is appended.
struct Entry {
    change: Change,
    request_id: [u8; 16],
    alerts: Vec<v1::AlertEvent>,
}

impl Entry {
    fn append(&self) -> Append {
        append(self.request_id, &self.change.key.to_string(), &self.alerts)
    }
}

/// Entries about one case or silence as one request.
fn append(request_id: [u8; 16], subject: &str, alerts: &[v1::AlertEvent]) -> Append {
    let events = alerts.iter().map(|alert| NewEvent {
        subject: subject.into(),
        expected_revision: None,
        payload: Bytes::from(alert.encode_to_vec()),
        attribute: None,
    });
    Append {
        request_id,
        events: events.collect(),
    }
}

#[cfg(test)]
mod restart_tests;
#[cfg(test)]
mod tests;
