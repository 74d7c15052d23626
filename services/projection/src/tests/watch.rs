//! Watches: history, then news, without a gap and without a double.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use domain::event::{self as e, Body, Figure};
use domain::text::Moment;
use host::{CancellationToken, ManualClock, Today};
use jiff::Timestamp;
use jiff::civil::date;
use state::Target;
use tokio::sync::{Semaphore, mpsc};
use tokio::time::Instant;
use tokio_stream::StreamExt as _;
use tonic::{Code, Request, Status};
use wire::event::LogDecoder;
use wire::log_reader::{Batch, LogReader, Logged};
use wire::status::refusal;
use wire::v1;
use wire::v1::query_service_server::QueryService;
use wire::v1::watch_request as asked;
use wire::v1::watch_response::Message;

use super::{count, event, name, place, rebuilder, source};
use crate::grpc::{QueryApi, Rankings};
use crate::shared::Shared;
use crate::watch::{Past, Settings, Watcher, Watches, Watching};

/// Longest wait for anything that must come.
const LIMIT: Duration = Duration::from_secs(60);
/// Quicker than the product's, and in small pieces.
const QUICK: Settings = Settings {
    watches_max: 2,
    heartbeat: Duration::from_millis(2),
    patience: LIMIT,
    look_max: 7,
    ahead_max: 3,
};

/// Numbers that look random and are the same each time (xorshift).
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }
}

/// A log that is read in memory.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<Arc<Logged>>>>);

impl Log {
    fn positions(&self, wanted: impl Fn(&Body) -> bool) -> Vec<u64> {
        let log = self.0.lock().unwrap();
        let wanted = log.iter().filter(|logged| wanted(&logged.2.body));
        wanted.map(|logged| logged.0).collect()
    }
}

impl Past for Log {
    async fn between(&self, first: u64, last: u64) -> Result<Vec<Arc<Logged>>, String> {
        // Others get on meanwhile.
        tokio::task::yield_now().await;
        let log = self.0.lock().unwrap();
        let wanted = log
            .iter()
            .filter(|logged| (first..=last).contains(&logged.0));
        Ok(wanted.map(Arc::clone).collect())
    }
}

/// A projection that follows a log by hand.
struct World {
    shared: Arc<Shared>,
    log: Log,
    turns: Arc<Semaphore>,
    shutdown: CancellationToken,
}

type Messages = mpsc::Receiver<Result<v1::WatchResponse, Status>>;

impl World {
    fn empty(recent_bytes_max: usize) -> Self {
        let clock = ManualClock::new("2023-07-31T00:00:00Z".parse().unwrap());
        Self {
            shared: Arc::new(Shared::new(Arc::new(clock), recent_bytes_max)),
            log: Log::default(),
            turns: Arc::new(Semaphore::new(2)),
            shutdown: CancellationToken::new(),
        }
    }

    /// With a province and two districts in it; positions 1 to 3.
    fn new(recent_bytes_max: usize) -> Self {
        let world = Self::empty(recent_bytes_max);
        for (code, parent) in [("56", None), ("568", Some("56")), ("569", Some("56"))] {
            world.take(Body::LocalityRegistered(e::LocalityRegistered {
                locality: place(code),
                name: name(code),
                parent: parent.map(place),
                start_known: false,
                source: e::Source::default(),
            }));
        }
        world.shared.set_caught_up();
        world
    }

    /// Writes an event and folds it as it comes over the bus; its position.
    fn take(&self, body: Body) -> u64 {
        self.take_on("2023-07-01", body)
    }

    /// The same of an event that speaks of a day.
    fn take_on(&self, effective: &str, body: Body) -> u64 {
        let logged = self.write(effective, body);
        self.shared.fold_new((*logged).clone(), 100).unwrap();
        logged.0
    }

    /// Writes an event and folds it as it is read from the log in bulk; its position.
    fn take_in_bulk(&self, body: Body) -> u64 {
        let logged = self.write("2023-07-01", body);
        let (position, known, event) = &*logged;
        let recorded = v1::RecordedEvent {
            position: *position,
            known: Some(wire::time::to_wire(*known)),
            event: wire::event::to_bytes(event).into(),
        };
        let answer = v1::ReadEventsResponse {
            events: vec![recorded],
            head: *position,
            ..Default::default()
        };
        let mut decoder = LogDecoder::default();
        let mut batch = Batch::new(answer, &mut decoder);
        self.shared.fold(&mut batch).unwrap();
        logged.0
    }

    fn write(&self, effective: &str, body: Body) -> Arc<Logged> {
        let known: Timestamp = "2023-07-01T00:00:00Z".parse().unwrap();
        let logged = Arc::new((
            self.shared.position() + 1,
            known,
            event(effective, body, &[]),
        ));
        self.log.0.lock().unwrap().push(Arc::clone(&logged));
        logged
    }

    /// A watch of Nha Trang from what was seen on.
    fn watch(&self, seen: u64, settings: Settings) -> Messages {
        let watcher = self.watcher(seen, settings, self.log.clone());
        let (answers, messages) = mpsc::channel(settings.ahead_max + 1);
        host::task::spawn("watch", watcher.run(answers));
        messages
    }

    fn watcher<P>(&self, seen: u64, settings: Settings, past: P) -> Watcher<P> {
        Watcher {
            shared: Watching::begin(&self.shared),
            past,
            turns: Arc::clone(&self.turns),
            settings,
            shutdown: self.shutdown.clone(),
            target: Target::Locality(place("568")),
            identity: None,
            as_of: Moment::end_of(date(2023, 7, 31)),
            seen,
            sent: Instant::now(),
        }
    }

    fn api(&self, settings: Settings) -> QueryApi {
        self.api_at("2023-07-31T00:00:00Z", settings)
    }

    /// The service at an instant.
    fn api_at(&self, now: &str, settings: Settings) -> QueryApi {
        let now = now.parse().unwrap();
        // Nobody is there: what these watches tell is recent.
        let log = LogReader::new("http://127.0.0.1:1").unwrap();
        QueryApi {
            shared: Arc::clone(&self.shared),
            rebuilder: rebuilder(&self.shared, &log, &self.shutdown),
            log,
            today: Today::Real,
            clock: Arc::new(ManualClock::new(now)),
            message_bytes_max: 1 << 20,
            rebuilds: Arc::new(Semaphore::new(1)),
            rankings: Rankings::default(),
            watches: Watches::new(settings),
            verifications: Arc::new(Semaphore::new(1)),
            shutdown: self.shutdown.clone(),
        }
    }
}

/// A figure of a district.
fn reported(code: &str) -> Body {
    let figure = Figure {
        source: source(),
        ..count(1)
    };
    super::reported(code, figure)
}

fn of_nha_trang(body: &Body) -> bool {
    body.localities().any(|locality| locality == place("568"))
}

async fn next(messages: &mut Messages) -> Option<Result<v1::WatchResponse, Status>> {
    tokio::time::timeout(LIMIT, messages.recv()).await.unwrap()
}

/// The next message: where it stands, and what it is.
async fn told(messages: &mut Messages) -> (u64, &'static str) {
    let response = next(messages).await.unwrap().unwrap();
    let (kind, at) = match response.message.unwrap() {
        Message::Event(event) => {
            assert_eq!(event.kind.split('.').count(), 2);
            return (response.position, "event");
        }
        Message::CaughtUp(marker) => ("caught up", marker.at),
        Message::Heartbeat(marker) => ("heartbeat", marker.at),
    };
    assert_eq!(at.unwrap().position, response.position);
    (response.position, kind)
}

/// The last word of a watch, and after which position it says to go on; the events before it.
async fn to_the_end(messages: &mut Messages) -> (Vec<u64>, Status, u64) {
    let mut events = Vec::new();
    loop {
        match next(messages).await.unwrap() {
            Ok(response) => {
                if let Some(Message::Event(_)) = response.message {
                    events.push(response.position);
                }
            }
            Err(status) => {
                let after = go_on_after(&status);
                assert!(next(messages).await.is_none(), "that was the last word");
                return (events, status, after);
            }
        }
    }
}

/// The position to go on after, as a program reads it.
fn go_on_after(status: &Status) -> u64 {
    wire::status::after_position(status).unwrap()
}

/// Quiet but for events and the marker.
fn without_heartbeats() -> Settings {
    Settings {
        heartbeat: 10 * LIMIT,
        ..QUICK
    }
}

#[tokio::test]
async fn history_comes_first_then_the_marker_then_news() {
    let world = World::new(10_000);
    let old = [world.take(reported("568")), world.take(reported("568"))];
    world.take(reported("569"));
    let mut messages = world.watch(2, without_heartbeats());
    assert_eq!(told(&mut messages).await, (old[0], "event"));
    assert_eq!(told(&mut messages).await, (old[1], "event"));
    assert_eq!(told(&mut messages).await, (6, "caught up"));
    world.take(reported("569"));
    let new = world.take(reported("568"));
    assert_eq!(told(&mut messages).await, (new, "event"));
}

#[tokio::test]
async fn an_empty_log_is_watched_from_its_first_event_on() {
    let world = World::empty(10_000);
    let mut messages = world.watch(0, without_heartbeats());
    assert_eq!(told(&mut messages).await, (0, "caught up"));
    drop(messages);
    assert_eq!(world.take(reported("568")), 1);
    let mut messages = world.watch(0, without_heartbeats());
    assert_eq!(told(&mut messages).await, (1, "event"));
}

/// One reader, who breaks off now and then and goes on after the last message, whatever that was.
///
/// Tells `far` how far it is; gives the events, and after which kinds of message it went on anew.
async fn read_on(
    world: Arc<World>,
    far: Arc<AtomicU64>,
    (seed, last): (u64, u64),
) -> (Vec<u64>, [usize; 3]) {
    let mut dice = Dice(seed);
    let (mut seen, mut events, mut resumed) = (dice.below(4), Vec::new(), [0; 3]);
    let start = seen;
    while seen < last {
        let mut messages = world.watch(seen, QUICK);
        for _ in 0..=dice.below(40) {
            let (position, kind) = told(&mut messages).await;
            let kinds = ["event", "caught up", "heartbeat"];
            let kind = kinds.iter().position(|known| *known == kind).unwrap();
            assert!(position > seen || kind > 0 && position == seen);
            if kind == 0 {
                events.push(position);
            }
            seen = position;
            far.fetch_max(seen, Ordering::Relaxed);
            if seen >= last {
                break;
            }
            if dice.below(8) == 0 {
                resumed[kind] += 1;
                break;
            }
        }
    }
    let mut expected = world.log.positions(of_nha_trang);
    expected.retain(|position| *position > start);
    assert_eq!(events, expected, "seed {seed}");
    (events, resumed)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_missed_or_told_twice_while_events_come() {
    const LAST: u64 = 3_000;
    // Room for five events: who is not quick reads the log.
    let world = Arc::new(World::new(500));
    let far = Arc::new(AtomicU64::new(0));
    let readers: Vec<_> = (1..=6)
        .map(|seed| {
            let reader = read_on(Arc::clone(&world), Arc::clone(&far), (seed * 7_919, LAST));
            host::task::spawn("reader", reader)
        })
        .collect();
    let mut dice = Dice(42);
    while world.shared.position() + 1 < LAST {
        let code = if dice.below(3) == 0 { "568" } else { "569" };
        if dice.below(50) < 3 {
            world.take_in_bulk(reported(code));
        } else {
            world.take(reported(code));
        }
        // The quickest reader comes now near, now up to the newest event, and the others lag behind.
        let ahead = dice.below(40);
        while world.shared.position() > far.load(Ordering::Relaxed) + ahead {
            tokio::task::yield_now().await;
        }
    }
    world.take(reported("568"));
    let mut resumed = [0; 3];
    for reader in readers {
        let (events, after) = tokio::time::timeout(LIMIT, reader).await.unwrap().unwrap();
        assert!(events.len() > 900, "{} of about 1,000", events.len());
        assert_eq!(events.last(), Some(&LAST));
        resumed
            .iter_mut()
            .zip(after)
            .for_each(|(sum, more)| *sum += more);
    }
    assert!(resumed.iter().all(|times| *times > 0), "{resumed:?}");
}

#[tokio::test]
async fn a_heartbeat_says_how_far_was_looked_although_nothing_was_wanted() {
    let world = World::new(10_000);
    let mut messages = world.watch(3, QUICK);
    assert_eq!(told(&mut messages).await, (3, "caught up"));
    for _ in 0..20 {
        world.take(reported("569"));
    }
    let mut seen = 3;
    while seen < 23 {
        let (position, kind) = told(&mut messages).await;
        assert_eq!(kind, "heartbeat");
        assert!(position >= seen);
        seen = position;
    }
    drop(messages);
    let wanted = world.take(reported("568"));
    let mut messages = world.watch(seen, without_heartbeats());
    assert_eq!(told(&mut messages).await, (wanted, "event"));
}

#[tokio::test]
async fn a_slow_reader_holds_nobody_up_and_is_told_where_to_go_on() {
    let world = World::new(500);
    let hasty = Settings {
        patience: Duration::from_millis(20),
        ..without_heartbeats()
    };
    let mut messages = world.watch(3, hasty);
    for _ in 0..200 {
        // Folding does not wait: nothing is awaited here.
        world.take(reported("568"));
    }
    // Nothing is read until the watch has given up; what was sent by then is all that it holds.
    while !messages.is_closed() || messages.len() <= hasty.ahead_max {
        tokio::task::yield_now().await;
    }
    let (events, status, after) = to_the_end(&mut messages).await;
    assert_eq!(status.code(), Code::ResourceExhausted);
    assert_eq!(refusal(&status).reason, "WATCH_TOO_SLOW");
    assert!(events.len() <= hasty.ahead_max, "{events:?}");
    assert_eq!(after, events.last().copied().unwrap_or(3));
    let mut messages = world.watch(after, without_heartbeats());
    for position in after + 1..=203 {
        assert_eq!(told(&mut messages).await, (position, "event"));
    }
}

#[tokio::test]
async fn a_shutdown_ends_a_watch_by_name_and_says_where_to_go_on() {
    let world = World::new(10_000);
    let mut messages = world.watch(2, without_heartbeats());
    assert_eq!(told(&mut messages).await, (3, "caught up"));
    let last = world.take(reported("568"));
    assert_eq!(told(&mut messages).await, (last, "event"));
    world.shutdown.cancel();
    let (events, status, after) = to_the_end(&mut messages).await;
    assert_eq!((events, after), (Vec::new(), last));
    assert_eq!(status.code(), Code::Unavailable);
    assert_eq!(refusal(&status).reason, "STOPPING");
}

/// A log that leaves one event out.
struct Torn(Log);

impl Past for Torn {
    async fn between(&self, first: u64, last: u64) -> Result<Vec<Arc<Logged>>, String> {
        let mut events = self.0.between(first, last).await?;
        events.retain(|logged| logged.0 != 6);
        Ok(events)
    }
}

#[tokio::test]
async fn a_gap_in_the_log_ends_a_watch_instead_of_being_passed_over() {
    let world = World::new(0);
    for _ in 0..6 {
        world.take(reported("568"));
    }
    let settings = Settings {
        look_max: 2,
        ..without_heartbeats()
    };
    let watcher = world.watcher(3, settings, Torn(world.log.clone()));
    let (answers, mut messages) = mpsc::channel(8);
    host::task::spawn("watch", watcher.run(answers));
    let (events, status, after) = to_the_end(&mut messages).await;
    assert_eq!((events, after), (vec![4, 5], 5));
    assert_eq!(refusal(&status).reason, "LOG_UNREADABLE");
    assert!(
        status.message().starts_with("position 6 was due"),
        "{status}"
    );
}

fn nha_trang(after_position: Option<u64>) -> v1::WatchRequest {
    let wanted = v1::WatchedLocality {
        code: "568".to_owned(),
        include_below: false,
        since: String::new(),
    };
    v1::WatchRequest {
        target: Some(asked::Target::Locality(wanted)),
        after_position,
        at: None,
    }
}

/// Why a watch is refused.
async fn refused(api: &QueryApi, request: v1::WatchRequest) -> (Code, String) {
    let status = api.watch(Request::new(request)).await.err().unwrap();
    (status.code(), refusal(&status).reason)
}

#[tokio::test]
async fn one_watch_too_many_is_refused_until_another_has_gone() {
    let world = World::new(10_000);
    let api = world.api(without_heartbeats());
    let mut open = Vec::new();
    for _ in 0..2 {
        let watch = api.watch(Request::new(nha_trang(None))).await.unwrap();
        let mut messages = watch.into_inner();
        let first = tokio::time::timeout(LIMIT, messages.next()).await.unwrap();
        assert_eq!(first.unwrap().unwrap().position, 3);
        open.push(messages);
    }
    let busy = (Code::ResourceExhausted, "WATCHES_BUSY".to_owned());
    assert_eq!(refused(&api, nha_trang(None)).await, busy);
    open.pop();
    let watch = api.watch(Request::new(nha_trang(None))).await.unwrap();
    open.push(watch.into_inner());
    let wanted = world.take(reported("568"));
    for messages in &mut open {
        // The other was told of the marker already.
        let is_event = |m: &Result<v1::WatchResponse, _>| {
            matches!(m.as_ref().unwrap().message, Some(Message::Event(_)))
        };
        let mut events = messages.filter(is_event);
        let event = tokio::time::timeout(LIMIT, events.next()).await.unwrap();
        assert_eq!(event.unwrap().unwrap().position, wanted);
    }
}

#[tokio::test]
async fn what_is_not_on_record_is_not_watched() {
    let world = World::new(10_000);
    let api = world.api(QUICK);
    let of = |target| v1::WatchRequest {
        target,
        ..v1::WatchRequest::default()
    };
    let place = v1::WatchedLocality {
        code: "999".to_owned(),
        include_below: true,
        since: String::new(),
    };
    let cases = [
        (Some(asked::Target::Locality(place)), "UNKNOWN_LOCALITY"),
        (
            Some(asked::Target::Model("KH-9.99".to_owned())),
            "UNKNOWN_MODEL",
        ),
        (
            Some(asked::Target::Organisation("Sở Xây dựng".to_owned())),
            "UNKNOWN_ORGANISATION",
        ),
    ];
    for (target, reason) in cases {
        let expected = (Code::NotFound, reason.to_owned());
        assert_eq!(refused(&api, of(target)).await, expected);
    }
    let required = (Code::InvalidArgument, "REQUIRED".to_owned());
    assert_eq!(refused(&api, of(None)).await, required);
    let nobody = Some(asked::Target::Organisation(" ".to_owned()));
    assert_eq!(refused(&api, of(nobody)).await, required);
}

/// The first message of a watch of Nha Trang after some position, and the watch; `since` names the identity.
async fn begun(
    api: &QueryApi,
    since: &str,
    after: u64,
) -> (v1::WatchResponse, <QueryApi as QueryService>::WatchStream) {
    let mut request = nha_trang(Some(after));
    if let Some(asked::Target::Locality(wanted)) = &mut request.target {
        wanted.since = since.to_owned();
    }
    let watch = api.watch(Request::new(request)).await.unwrap();
    let mut messages = watch.into_inner();
    let first = tokio::time::timeout(LIMIT, messages.next()).await.unwrap();
    (first.unwrap().unwrap(), messages)
}

#[tokio::test]
async fn a_watch_goes_on_with_the_place_it_began_with_although_the_reform_gave_its_code_away() {
    let world = World::new(10_000);
    let old = place("568");
    let new = domain::LocalityId {
        since: date(2025, 7, 1),
        ..old
    };
    let ended = Body::LocalityEnded(e::LocalityEnded {
        locality: old,
        successors: Vec::new(),
        source: e::Source::default(),
    });
    let registered = Body::LocalityRegistered(e::LocalityRegistered {
        locality: new,
        name: name("568"),
        parent: None,
        start_known: true,
        source: e::Source::default(),
    });
    world.take_on("2025-07-01", ended);
    let head = world.take_on("2025-07-01", registered);
    let the_day_before = world.api_at("2025-06-30T03:00:00Z", without_heartbeats());
    let (first, mut messages) = begun(&the_day_before, "", head).await;
    let identity = first.locality.unwrap();
    assert_eq!(identity, wire::event::locality_ref(old));
    let told = world.take(reported("568"));
    let next = tokio::time::timeout(LIMIT, messages.next()).await.unwrap();
    let next = next.unwrap().unwrap();
    assert_eq!((next.position, next.locality), (told, None), "told once");
    drop(messages);

    let the_day_after = world.api_at("2025-07-02T03:00:00Z", without_heartbeats());
    // By its code alone it would be another place's, of which nothing is told here.
    let (first, mut another) = begun(&the_day_after, "", told).await;
    assert_eq!(first.locality, Some(wire::event::locality_ref(new)));
    let (first, mut messages) = begun(&the_day_after, &identity.since, told).await;
    assert_eq!(first.locality, Some(identity));
    let late = world.take(reported("568"));
    let news = tokio::time::timeout(LIMIT, messages.next()).await.unwrap();
    assert_eq!(news.unwrap().unwrap().position, late);
    let of_new = world.take_on(
        "2025-07-02",
        Body::LocalityEnded(e::LocalityEnded {
            locality: new,
            successors: Vec::new(),
            source: e::Source::default(),
        }),
    );
    let news = tokio::time::timeout(LIMIT, another.next()).await.unwrap();
    assert_eq!(news.unwrap().unwrap().position, of_new);
}

#[tokio::test]
async fn an_identity_that_is_not_on_record_is_not_watched() {
    let world = World::new(10_000);
    let api = world.api(QUICK);
    for (since, code, reason) in [
        ("2020-01-01", Code::NotFound, "UNKNOWN_LOCALITY"),
        ("hôm qua", Code::InvalidArgument, "DATE_FORMAT"),
    ] {
        let mut request = nha_trang(None);
        if let Some(asked::Target::Locality(wanted)) = &mut request.target {
            wanted.since = since.to_owned();
        }
        assert_eq!(refused(&api, request).await, (code, reason.to_owned()));
    }
}

#[tokio::test]
async fn a_position_that_is_not_folded_yet_is_waited_for() {
    let world = World::new(10_000);
    let api = world.api(without_heartbeats());
    let mut request = Request::new(nha_trang(Some(5)));
    request.set_timeout(Duration::from_millis(100));
    let status = api.watch(request).await.err().unwrap();
    assert_eq!(status.code(), Code::Unavailable);
    assert_eq!(refusal(&status).reason, "NOT_CAUGHT_UP");

    let waiting = api.watch(Request::new(nha_trang(Some(5))));
    let folding = async {
        for _ in 4..=5 {
            tokio::task::yield_now().await;
            world.take(reported("568"));
        }
    };
    let (watch, ()) = tokio::join!(waiting, folding);
    let mut messages = watch.unwrap().into_inner();
    let first = tokio::time::timeout(LIMIT, messages.next()).await.unwrap();
    let first = first.unwrap().unwrap();
    assert_eq!(first.position, 5);
    assert!(matches!(first.message, Some(Message::CaughtUp(_))));
}
