//! A desk over a log in a folder: who takes an id, who leaves, what half a request says, whom praise reaches, and what a start tells.

use domain::event::{self as e, Actor, Body};
use domain::text::{Bound, Moment, Quantity};
use event_log::{Options, ReadLimit};
use host::Readiness;
use jiff::civil::date;
use lag::Rules;
use tempfile::TempDir;
use v1::alert_event::Body as Alert;

use super::*;
use crate::book;
use crate::facts::{name, place};
use crate::history;

const EID: &str = "eid.activated";
const CASE: &str = "268@2023-04-10/eid.activated/central/overdue";

/// No condition takes longer than this.
const PATIENCE: Duration = Duration::from_secs(20);

/// A clock that is set.
pub(super) struct Hands(std::sync::Mutex<Timestamp>);

impl Hands {
    pub(super) fn set(&self, now: Timestamp) {
        *self.0.lock().unwrap() = now;
    }
}

impl Clock for Hands {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap()
    }
}

/// A desk, and the ledger that it folds.
pub(super) struct Room {
    pub(super) desk: Arc<Desk>,
    pub(super) log: Log,
    pub(super) clock: Arc<Hands>,
    readiness: Readiness,
    today: Today,
    ledger: Vec<(Timestamp, Event)>,
    /// Of the next event that is [folded](Room::fold).
    request: u128,
    _folder: TempDir,
}

fn registered(code: &str, vi: &str, parent: Option<&str>) -> Body {
    Body::LocalityRegistered(e::LocalityRegistered {
        locality: place(code),
        name: name(vi),
        parent: parent.map(place),
        start_known: false,
        source: e::Source::default(),
    })
}

fn indicator() -> Body {
    Body::IndicatorDefined(e::IndicatorDefined {
        indicator: EID.parse().unwrap(),
        name: name("Kích hoạt"),
        family: "eid".to_owned(),
        kind: e::IndicatorKind::Cumulative,
        unit: name("tài khoản"),
        denominator: "quota".to_owned(),
    })
}

/// 90 % of 1,000 by the end of 30 June.
fn quota() -> Body {
    Body::QuotaAssigned(e::QuotaAssigned {
        locality: place("268"),
        indicator: EID.parse().unwrap(),
        layer: e::QuotaLayer::Central,
        denominator: e::Denominator {
            kind: "quota".to_owned(),
            value: 1_000,
            derived: false,
        },
        target: domain::text::parse_percent("90").unwrap(),
        start: None,
        deadline: Some(date(2023, 6, 30)),
        milestones: Vec::new(),
        document: e::Document::default(),
    })
}

/// Hà Đông is no more.
fn ended() -> Body {
    Body::LocalityEnded(e::LocalityEnded {
        locality: place("268"),
        successors: Vec::new(),
        source: e::Source::default(),
    })
}

fn report(value: u64) -> Body {
    Body::ProgressReported(e::ProgressReported {
        locality: place("268"),
        indicator: EID.parse().unwrap(),
        figure: e::Figure {
            value: Some(Quantity {
                value,
                bound: Bound::Exact,
            }),
            ..e::Figure::default()
        },
        note: String::new(),
    })
}

/// A desk that has read what stands in alerting's log, and nothing of the ledger.
fn desk(log: &Log, clock: &Arc<Hands>, today: Today, readiness: &Readiness) -> Arc<Desk> {
    let mut book = Book::default();
    for (position, alert) in (1..).zip(&entries(log)) {
        book.fold(position, alert);
    }
    let desk = Desk::new(Parts {
        judge: Judge::new(Rules::standard(), today),
        book,
        log: log.clone(),
        today,
        clock: Arc::<Hands>::clone(clock),
        log_component: readiness.component("log"),
        follower_component: readiness.component("follower"),
    });
    // There is no stream.
    desk.set_compared(true);
    Arc::new(desk)
}

/// Everything that alerting's log says.
pub(super) fn entries(log: &Log) -> Vec<v1::AlertEvent> {
    let limit = ReadLimit {
        events: usize::MAX,
        bytes: usize::MAX,
    };
    let mut entries = Vec::new();
    while (entries.len() as u64) < log.head() {
        let records = log.read(entries.len() as u64 + 1, limit).unwrap();
        let said = records.iter().map(|it| book::decode(&it.payload).unwrap());
        entries.extend(said);
    }
    entries
}

impl Room {
    /// Nothing is on record, and nothing folded.
    pub(super) fn empty(today: Today) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let options = Options {
            origin: "tiendo/test".into(),
            ..Options::at(folder.path())
        };
        let log = Log::open(options, Arc::new(|| 1_688_500_000_000_000)).unwrap();
        let readiness = Readiness::new();
        let noon = "2023-07-04T05:00:00Z".parse().unwrap();
        let clock = Arc::new(Hands(std::sync::Mutex::new(noon)));
        Self {
            desk: desk(&log, &clock, today, &readiness),
            log,
            clock,
            readiness,
            today,
            ledger: Vec::new(),
            request: 1,
            _folder: folder,
        }
    }

    /// Caught up with two places and an indicator, for a day.
    async fn on(today: Today) -> Self {
        let mut room = Self::empty(today);
        for body in [
            registered("01", "Thành phố Hà Nội", None),
            registered("268", "Quận Hà Đông", Some("01")),
            indicator(),
        ] {
            room.fold(body, true);
        }
        room.desk.caught_up().await;
        room
    }

    /// The same for 5 July.
    async fn new() -> Self {
        Self::on(Today::Pinned(date(2023, 7, 5))).await
    }

    /// Folds an event as the bus brings it.
    fn fold(&mut self, body: Body, request_ends: bool) {
        let day = match body {
            Body::ProgressReported(_) => "2023-07-04",
            Body::LocalityEnded(_) => "2023-07-05",
            _ => "2023-04-30",
        };
        let event = self.event(day, body);
        let known = "2023-07-04T03:00:00Z".parse().unwrap();
        self.take(known, event, request_ends);
        self.request += u128::from(request_ends);
    }

    fn event(&self, day: &str, body: Body) -> Event {
        Event {
            request_id: Uuid::from_u128(self.request),
            actor: Actor {
                organisation: "Công an".to_owned(),
                office: "Tổ".to_owned(),
            },
            effective: Moment::parse(day).unwrap(),
            body,
            confirmed: Vec::new(),
            findings: Vec::new(),
            traceparent: None,
        }
    }

    /// Folds an event that the ledger took at `known`.
    pub(super) fn take(&mut self, known: Timestamp, event: Event, request_ends: bool) {
        let at = (self.ledger.len() as u64 + 1, known);
        self.desk.fold(at, &event, Some(request_ends)).unwrap();
        self.ledger.push((known, event));
    }

    /// Reads some of the ledger in bulk, as far as that goes in one batch.
    pub(super) async fn read(&mut self, known: Timestamp, events: &[Event]) {
        let first = self.ledger.len() as u64 + 1;
        let events = events.iter().map(|event| (known, event.clone()));
        self.ledger.extend(events);
        self.reread(first).await;
    }

    /// Reads the ledger in bulk from a position on.
    async fn reread(&self, first: u64) {
        for (position, (known, event)) in (first..).zip(&self.ledger[first as usize - 1..]) {
            self.desk.fold_in_bulk((position, *known), event).unwrap();
        }
        self.desk.record().await;
    }

    /// The service starts anew, and reads the ledger in bulk.
    pub(super) async fn restart(&mut self) {
        self.desk = desk(&self.log, &self.clock, self.today, &self.readiness);
        self.reread(1).await;
        self.desk.caught_up().await;
    }

    /// Another service over the same ledger, whose log is empty.
    pub(super) async fn rebuilt(&self) -> Self {
        let mut rebuilt = Self::empty(self.today);
        rebuilt.clock.set(self.clock.now());
        rebuilt.ledger.clone_from(&self.ledger);
        rebuilt.restart().await;
        rebuilt
    }

    /// A request of one event, judged and recorded.
    async fn say(&mut self, body: Body) {
        self.fold(body, true);
        self.desk.request_ended().await;
        self.desk.record().await;
    }

    /// What a tick does.
    pub(super) async fn tick(&self) {
        self.tick_at(0).await;
    }

    /// The same where the relay told the ledger's head.
    async fn tick_at(&self, head: u64) {
        let (_, status) = watch::channel(FollowStatus {
            head,
            ..FollowStatus::default()
        });
        self.desk.settle(&status).await;
    }

    async fn act(&self, request_id: Uuid, body: Alert) -> u64 {
        let decide = {
            let body = body.clone();
            move |_: &Book, _: &Judge| Ok(Decision::Record(Box::new(body)))
        };
        self.desk
            .act(Asked { request_id, body }, decide)
            .await
            .unwrap()
    }

    async fn silence(&self) {
        self.act(Uuid::from_u128(77), silence()).await;
    }

    async fn end_silence(&self) {
        let ended = v1::SilenceEnded {
            silence_id: "one".to_owned(),
            ..v1::SilenceEnded::default()
        };
        let id = Uuid::from_u128(78);
        self.act(id, Alert::SilenceEnded(ended)).await;
    }

    /// The steps told of the case, and whether it is open; none if it never was.
    fn told(&self) -> Option<(Vec<u32>, bool)> {
        let book = self.desk.book();
        let kept = book.newest(CASE)?;
        let told = kept.case.notifications.iter().map(|told| told.step);
        Some((told.collect(), kept.is_open()))
    }
}

/// For Hà Nội and all within it.
fn silence() -> Alert {
    Alert::SilenceSet(v1::SilenceSet {
        silence_id: "one".to_owned(),
        places: vec![v1::SilencedPlace {
            locality: Some(wire::event::locality_ref(place("01"))),
            below: true,
        }],
        until: "2023-07-20".to_owned(),
        ..v1::SilenceSet::default()
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn what_another_history_opened_is_cleared_once_the_ledger_is_read_and_opens_by_what_the_ledger_says()
 {
    let mut room = Room::new().await;
    let common = room.ledger.len();
    room.say(quota()).await;
    room.say(report(500)).await;
    assert_eq!(room.told(), Some((vec![1], true)));
    // The ledger goes on without both.
    room.ledger.truncate(common);
    let judge = Judge::new(Rules::standard(), room.today);
    room.desk.begin_anew(judge).await;
    assert!(!room.desk.is_live());
    room.desk.set_compared(false);
    room.reread(1).await;
    room.tick_at(3).await;
    assert!(!room.desk.is_live(), "nobody held it against the stream");
    assert_eq!(room.told(), Some((vec![1], true)));
    room.desk.caught_up().await;
    assert!(room.desk.is_live());
    assert_eq!(room.told(), Some((vec![1], false)));
    let said = room.log.head();
    room.restart().await;
    assert_eq!(room.log.head(), said, "a start tells nothing again");
    room.say(quota()).await;
    room.say(report(400)).await;
    assert_eq!(room.told(), Some((vec![1], true)), "at the same positions");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_guesses_the_id_of_a_change_holds_nothing_back() {
    let mut room = Room::new().await;
    room.fold(quota(), true);
    room.fold(report(500), true);
    let key = CaseKey::parse(CASE).unwrap();
    let change = room.desk.judge().change(key, Transition::Opened);
    let guessed = change.request_id(0);
    let position = room.act(Uuid::from_bytes(guessed), silence()).await;
    assert_eq!(room.log.receipt(&guessed).unwrap(), None);
    assert_eq!(
        room.act(Uuid::from_bytes(guessed), silence()).await,
        position,
        "the caller's id still tells a repeat"
    );
    // Whoever took it all the same, as could be before acts had ids of their own.
    let entry = v1::AlertEvent {
        effective: "2023-07-05".to_owned(),
        body: Some(silence()),
        ..v1::AlertEvent::default()
    };
    let taken = room.log.append(append(guessed, "silence/x", &[entry]));
    taken.await.unwrap();
    room.desk.request_ended().await;
    room.desk.record().await;
    assert_eq!(room.told(), Some((Vec::new(), true)), "opened, and hushed");
    assert!(room.readiness.is_ready());
    let entries = room.log.head();
    room.desk.record().await;
    assert_eq!(room.log.head(), entries, "and once");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_leaves_cancels_no_act_that_was_decided() {
    let room = Room::new().await;
    let before = room.log.head();
    let mut acting = Box::pin(room.act(Uuid::from_u128(7), silence()));
    assert!(futures::poll!(&mut acting).is_pending());
    drop(acting);
    let mut told = room.desk.told();
    let folded = told.wait_for(|position| *position > before);
    timeout(PATIENCE, folded).await.unwrap().unwrap();
    assert!(room.desk.book().silence("one").is_some());
    let position = room.act(Uuid::from_u128(7), silence()).await;
    assert_eq!((position, room.log.head()), (before + 1, before + 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn half_a_request_is_settled_by_no_tick() {
    for whole in [true, false] {
        let mut room = Room::new().await;
        room.fold(report(500), true);
        room.fold(quota(), whole);
        room.tick().await;
        let opened = room.told().is_some();
        assert_eq!(opened, whole, "a quota that is not met opens a case");
        if !whole {
            room.fold(report(1_000), true);
            room.tick().await;
            assert_eq!(room.told(), None, "the request as a whole meets it");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_quota_reached_is_praised_once_whichever_cases_are_open() {
    let lagging = CASE.replace("overdue", "lagging");
    // Who was told that it lags, and then is overdue or not.
    for (overdue, expected) in [(true, vec![CASE]), (false, vec![lagging.as_str()])] {
        let mut room = Room::new().await;
        let mut opened = vec![lagging.as_str()];
        if overdue {
            opened.push(CASE);
        }
        room.say(quota()).await;
        let cleared = opened.iter().map(|id| {
            let key = CaseKey::parse(id).unwrap();
            room.desk.judge().change(key, Transition::Opened)
        });
        let cleared: Vec<Change> = cleared.collect();
        let mut recorder = room.desk.recorder.lock().await;
        recorder.waiting.extend(cleared);
        room.desk.append(&mut recorder).await.unwrap();
        drop(recorder);
        room.say(report(1_000)).await;
        // The overdue one is cleared a round before: what was judged together is praised together.
        let mut recorder = room.desk.recorder.lock().await;
        for id in opened.iter().rev() {
            let key = CaseKey::parse(id).unwrap();
            let change = room.desk.judge().change(key, Transition::Cleared);
            recorder.waiting.push_back(change);
            room.desk.append(&mut recorder).await.unwrap();
        }
        drop(recorder);
        let book = room.desk.book();
        let praised = |id: &&&str| {
            let kept = book.newest(id).unwrap();
            assert!(!kept.is_open(), "{id}");
            let last = kept.case.notifications.last();
            last.is_some_and(|told| told.step == crate::notice::COMMENDATION)
        };
        let praised: Vec<&str> = opened.iter().filter(praised).copied().collect();
        assert_eq!(praised, expected);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn half_a_request_that_is_read_in_bulk_is_settled_by_nobody() {
    let known = "2023-07-04T03:00:00Z".parse().unwrap();
    for (is_whole, ends) in [(true, "caught up"), (true, "head told"), (false, "later")] {
        let mut room = Room::new().await;
        room.fold(report(500), true);
        let quota = room.event("2023-04-30", quota());
        room.read(known, &[quota]).await;
        room.tick().await;
        let stop = CancellationToken::new();
        stop.cancel();
        let (_, status) = watch::channel(FollowStatus::default());
        Arc::clone(&room.desk).keep(status, stop).await;
        assert_eq!(room.told(), None, "more of the request may come");
        let head = room.ledger.len() as u64;
        match ends {
            "caught up" => room.desk.caught_up().await,
            "head told" => room.tick_at(head).await,
            _ => {
                room.tick_at(head + 1).await;
                let met = room.event("2023-07-04", report(1_000));
                room.read(known, &[met]).await;
                room.desk.caught_up().await;
            }
        }
        let opened = room.told().is_some();
        assert_eq!(opened, is_whole, "a quota that is not met opens a case");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_replay_ends_in_the_middle_of_a_request() {
    let mut room = Room::new().await;
    room.fold(report(500), true);
    room.desk = desk(&room.log, &room.clock, room.today, &room.readiness);
    room.reread(1).await;
    room.fold(quota(), false);
    let mut recorder = room.desk.recorder.lock().await;
    room.desk.go_live(&mut recorder).await;
    assert!(!recorder.live && !room.desk.is_live());
    drop(recorder);
    room.fold(report(1_000), true);
    room.tick_at(room.ledger.len() as u64).await;
    assert!(room.desk.is_live());
    assert_eq!(room.told(), None, "the request as a whole meets it");
}

#[tokio::test(flavor = "multi_thread")]
async fn operators_are_told_once_of_half_a_request_whose_rest_does_not_come() {
    let mut room = Room::new().await;
    let mut half = Half::default();
    room.desk.await_rest(&mut half);
    assert_eq!(half.since, None, "nothing waits");
    let long_ago = Instant::now().checked_sub(HALF_MAX * 2).unwrap();
    room.fold(quota(), false);
    room.desk.await_rest(&mut half);
    let position = room.ledger.len() as u64;
    assert_eq!(half.since.map(|(at, _)| at), Some(position));
    assert!(!half.is_told);
    half.since = Some((position, long_ago));
    room.desk.await_rest(&mut half);
    assert!(half.is_told);
    room.fold(report(500), true);
    room.desk.await_rest(&mut half);
    assert!(!half.is_told && half.since.is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_night_that_clears_a_case_is_told_once_however_often_the_service_starts() {
    let mut room = Room::on(Today::Real).await;
    room.say(quota()).await;
    // Said on the 4th of the 5th.
    room.say(ended()).await;
    room.say(report(500)).await;
    assert_eq!(room.told(), Some((vec![1], true)));
    room.clock.set("2023-07-05T05:00:00Z".parse().unwrap());
    room.tick().await;
    assert_eq!(room.told(), Some((vec![1], false)));
    let kept = entries(&room.log);
    for start in 1..=2 {
        room.restart().await;
        assert_eq!(entries(&room.log)[kept.len()..], [], "start {start}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_case_is_told_at_the_first_step_that_held_when_it_opened() {
    let mut room = Room::new().await;
    room.say(quota()).await;
    room.say(report(500)).await;
    let words = |room: &Room| {
        let book = room.desk.book();
        let told = &book.newest(CASE).unwrap().case.notifications[0];
        told.text.clone().unwrap().vi
    };
    let told = words(&room);
    assert!(told.starts_with("Nhắc: "), "{told}");
    room.say(Body::RulesAdopted(history::rules("kh-2"))).await;
    assert_eq!(words(&room.rebuilt().await), told);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_due_in_the_middle_of_a_request() {
    let mut room = Room::new().await;
    room.silence().await;
    room.say(quota()).await;
    room.say(report(500)).await;
    assert_eq!(room.told(), Some((Vec::new(), true)));
    room.fold(report(510), false);
    room.end_silence().await;
    room.desk.record().await;
    assert_eq!(room.told(), Some((Vec::new(), true)));
    room.say(report(520)).await;
    assert_eq!(room.told(), Some((vec![1], true)));
}

#[tokio::test(flavor = "multi_thread")]
async fn praise_reaches_those_alone_who_were_told_and_nobody_under_a_silence() {
    // Silent from the beginning, silent since it was told, told nothing though nothing is silent any more, and told.
    for (before, after, ended, told) in [
        (true, false, false, vec![]),
        (false, true, false, vec![1]),
        (true, false, true, vec![]),
        (false, false, false, vec![1, 0]),
    ] {
        let mut room = Room::new().await;
        if before {
            room.silence().await;
        }
        room.say(quota()).await;
        room.say(report(500)).await;
        if after {
            room.silence().await;
        }
        if ended {
            room.end_silence().await;
        }
        room.say(report(1_000)).await;
        assert_eq!(room.told(), Some((told, false)), "{before} {after} {ended}");
    }
}
