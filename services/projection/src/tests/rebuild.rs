//! A second state: folded while the first serves, compared, served, undone, cancelled and resumed.

mod stream;

use std::time::Duration;

use domain::Event;
use domain::event::Figure;
use jiff::Timestamp;
use state::State;
use tokio_stream::StreamExt as _;
use tonic::{Code, Request, Status};
use wire::status::refusal;
use wire::v1;
use wire::v1::ProjectionRebuildPhase as Phase;
use wire::v1::query_service_server::QueryService as _;

use super::log::Log;
use super::{Service, defined, event, registered, reported, source};
use crate::grpc::QueryApi;
use crate::snapshot::Keeper;

/// Longest wait for anything that must come.
const LIMIT: Duration = Duration::from_secs(60);
/// Where the world stands at first: a province, its city, an indicator, and 27 figures of the city.
const HEAD: u64 = 30;

/// A service that follows a log by hand.
struct World {
    service: Service,
    log: Log,
}

/// A count of activated accounts in Nha Trang.
fn count(value: u64) -> Event {
    let figure = Figure {
        source: source(),
        ..super::count(value)
    };
    event("2023-07-10", reported("568", figure), &[])
}

fn known() -> Timestamp {
    "2023-07-11T00:00:00Z".parse().unwrap()
}

/// The state of a log with these events.
fn folded(events: &[Event]) -> State {
    let mut state = State::new();
    for (position, event) in (1..).zip(events) {
        state.apply(position, known(), event).unwrap();
    }
    state
}

impl World {
    async fn new() -> Self {
        let (log, reader) = Log::start().await;
        let world = Self {
            service: Service::of(reader),
            log,
        };
        let bodies = [
            registered("56", "Tỉnh Khánh Hòa", None),
            registered("568", "Thành phố Nha Trang", Some("56")),
            defined(),
        ];
        for body in bodies {
            world.take(event("2023-04-10", body, &[])).await;
        }
        while world.api().shared.position() < HEAD {
            world.take(count(world.api().shared.position())).await;
        }
        world
    }

    fn api(&self) -> &QueryApi {
        &self.service.api
    }

    /// Writes an event, and folds it as it comes over the bus; its position.
    async fn take(&self, event: Event) -> u64 {
        let position = self.log.write(known(), &event);
        let shared = &self.api().shared;
        let _turn = shared.turn().await;
        shared.fold_new((position, known(), event), 100).unwrap();
        position
    }

    /// Serves another state than the log gives: the last figure is 9.
    fn falsify(&self) {
        let mut events = self.events();
        events.pop();
        events.push(count(9));
        self.api().shared.replace(folded(&events));
    }

    fn events(&self) -> Vec<Event> {
        let events = self.log.between(1, u64::MAX);
        let read = events.iter().map(|event| event.read().unwrap().1);
        read.collect()
    }

    /// Begins a rebuild, or goes on with it.
    async fn begin(&self, anew: bool) -> Result<crate::grpc::RebuildAnswers, Status> {
        self.begin_from(v1::ProjectionRebuildSource::Log as i32, anew)
            .await
    }

    async fn begin_from(
        &self,
        source: i32,
        anew: bool,
    ) -> Result<crate::grpc::RebuildAnswers, Status> {
        let request = v1::RebuildProjectionRequest { source, anew };
        let answers = self.api().rebuild_projection(Request::new(request)).await;
        answers.map(tonic::Response::into_inner)
    }

    /// Rebuilds from the bus to the end; what is said then.
    async fn rebuild_from_bus(&self) -> Result<v1::ProjectionRebuild, Status> {
        let bus = v1::ProjectionRebuildSource::Bus as i32;
        ended(self.begin_from(bus, false).await?).await
    }

    /// Rebuilds to the end; what is said then.
    async fn rebuild(&self) -> v1::ProjectionRebuild {
        ended(self.begin(false).await.unwrap()).await.unwrap()
    }

    async fn now(&self) -> v1::ProjectionRebuild {
        let request = Request::new(v1::GetProjectionRebuildRequest {});
        let answer = self.api().get_projection_rebuild(request).await.unwrap();
        answer.into_inner().rebuild.unwrap()
    }

    async fn switch(&self, accept_differences: bool) -> Result<v1::ProjectionRebuild, Status> {
        let request = Request::new(v1::SwitchProjectionRequest { accept_differences });
        let answer = self.api().switch_projection(request).await?;
        Ok(answer.into_inner().rebuild.unwrap())
    }

    async fn undo(&self) -> Result<v1::ProjectionRebuild, Status> {
        let request = Request::new(v1::UndoProjectionSwitchRequest {});
        let answer = self.api().undo_projection_switch(request).await?;
        Ok(answer.into_inner().rebuild.unwrap())
    }

    async fn cancel(&self, discard: bool) -> Result<v1::ProjectionRebuild, Status> {
        let request = Request::new(v1::CancelProjectionRebuildRequest { discard });
        let answer = self.api().cancel_projection_rebuild(request).await?;
        Ok(answer.into_inner().rebuild.unwrap())
    }

    /// The newest count of Nha Trang as it is answered, and up to where.
    async fn answer(&self) -> (i64, u64) {
        let request = v1::GetLocalityRequest {
            code: "568".to_owned(),
            at: None,
            ..Default::default()
        };
        let answer = self.api().get_locality(Request::new(request)).await;
        let answer = answer.unwrap().into_inner();
        let locality = answer.locality.unwrap();
        let figure = locality.indicators[0].figure.clone().unwrap();
        let value = figure.value.unwrap().number;
        let Some(v1::quantity::Number::Count(count)) = value else {
            panic!("{value:?} is no count");
        };
        (count, answer.at.unwrap().position)
    }

    /// Waits until the second state has come so far.
    async fn folded(&self, position: u64) -> v1::ProjectionRebuild {
        self.until(|now| now.position == position).await
    }

    async fn until(&self, is_so: impl Fn(&v1::ProjectionRebuild) -> bool) -> v1::ProjectionRebuild {
        let begun = tokio::time::Instant::now();
        loop {
            let now = self.now().await;
            if is_so(&now) {
                return now;
            }
            assert!(begun.elapsed() < LIMIT, "{now:?}");
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }
}

/// The last answer of a rebuild.
async fn ended(answers: crate::grpc::RebuildAnswers) -> Result<v1::ProjectionRebuild, Status> {
    let last = tokio::time::timeout(LIMIT, async {
        let told: Vec<_> = answers.collect().await;
        told.into_iter().last().unwrap()
    });
    Ok(last.await.unwrap()?.rebuild.unwrap())
}

fn reason(status: &Status) -> String {
    refusal(status).reason
}

#[tokio::test]
async fn what_is_rebuilt_is_compared_served_kept_up_to_date_and_let_go_of() {
    let world = World::new().await;
    assert_eq!(world.now().await.phase(), Phase::None);
    let ready = world.rebuild().await;
    assert_eq!(ready.phase(), Phase::Ready);
    assert_eq!(
        (ready.position, ready.head, ready.resumed_from),
        (HEAD, HEAD, 0)
    );
    assert!(ready.events_per_second > 0 && ready.elapsed_seconds > 0.0);
    let found = ready.comparison.clone().unwrap();
    assert!(found.same && found.differing_tables.is_empty() && found.series.is_empty());
    assert_eq!(found.served_digest, world.api().shared.read().digest());
    assert_eq!(found.tables.len(), State::new().digests().len());

    let before = world.answer().await;
    assert_eq!(world.switch(false).await.unwrap().phase(), Phase::Switched);
    assert_eq!(world.answer().await, before);
    world.take(count(700)).await;
    assert_eq!(world.answer().await, (700, HEAD + 1));
    let kept = world.now().await;
    assert_eq!((kept.phase(), kept.position), (Phase::Switched, HEAD + 1));

    assert_eq!(world.undo().await.unwrap().phase(), Phase::Ready);
    assert_eq!(world.answer().await, (700, HEAD + 1), "it was folded on");
    world.take(count(701)).await;
    world.switch(false).await.unwrap();
    assert_eq!(world.answer().await, (701, HEAD + 2));
    assert_eq!(world.cancel(true).await.unwrap().phase(), Phase::None);
    world.take(count(702)).await;
    assert_eq!(world.answer().await, (702, HEAD + 3));
    let folded = folded(&world.events());
    assert_eq!(world.api().shared.read().digest(), folded.digest());
}

#[tokio::test]
async fn a_difference_is_named_and_served_only_if_it_is_accepted() {
    let world = World::new().await;
    world.falsify();
    let ready = world.rebuild().await;
    let found = ready.comparison.unwrap();
    assert!(!found.same);
    assert_eq!(found.differing_tables, ["figures"]);
    let differs = |table: &&v1::ComparedTable| table.served_digest != table.rebuilt_digest;
    let tables = found.tables.iter().filter(differs);
    assert_eq!(
        tables.map(|table| &table.name).collect::<Vec<_>>(),
        ["figures"]
    );
    assert_eq!((found.differing_series, found.series.len()), (1, 1));
    let series = &found.series[0];
    let locality = series.locality.clone().unwrap();
    assert_eq!(locality.r#ref.unwrap().code, "568");
    assert_eq!(series.indicator, "eid.activated");
    assert_eq!(series.differing_position, HEAD);
    let newest = |figure: &Option<v1::Figure>| {
        let figure = figure.clone().unwrap();
        (figure.value.unwrap().number.unwrap(), figure.effective)
    };
    let said = |count| (v1::quantity::Number::Count(count), "2023-07-10".to_owned());
    assert_eq!(newest(&series.served), said(9));
    assert_eq!(newest(&series.rebuilt), said(HEAD as i64 - 1));

    let refused = world.switch(false).await.unwrap_err();
    assert_eq!(reason(&refused), "REBUILD_DIFFERS");
    assert_eq!(world.answer().await.0, 9);
    world.switch(true).await.unwrap();
    assert_eq!(world.answer().await.0, HEAD as i64 - 1);
    world.undo().await.unwrap();
    assert_eq!(world.answer().await.0, 9);
    // Compared again where both stand, it is so still.
    world.take(count(700)).await;
    let again = world.rebuild().await;
    assert_eq!(again.resumed_from, HEAD + 1);
    let found = again.comparison.unwrap();
    assert_eq!((found.position, found.differing_series), (HEAD + 1, 1));
}

#[tokio::test]
async fn who_cancels_and_goes_on_goes_on_where_it_stood() {
    let world = World::new().await;
    world.log.open_to(10);
    let answers = world.begin(false).await.unwrap();
    world.folded(10).await;
    let cancelled = world.cancel(false).await.unwrap();
    assert_eq!(
        (cancelled.phase(), cancelled.position),
        (Phase::Cancelled, 10)
    );
    let told = ended(answers).await.unwrap();
    assert_eq!(told.phase(), Phase::Cancelled, "whoever looks on is told");
    let refused = world.switch(true).await.unwrap_err();
    assert_eq!(reason(&refused), "REBUILD_NOT_READY");

    world.log.open_to(u64::MAX);
    let ready = world.rebuild().await;
    assert_eq!((ready.phase(), ready.resumed_from), (Phase::Ready, 10));
    assert!(ready.comparison.unwrap().same);
    // What is ready can be stopped too, and goes on from there.
    let stopped = world.cancel(false).await.unwrap();
    assert_eq!(
        (stopped.phase(), stopped.comparison),
        (Phase::Cancelled, None)
    );
    world.take(count(700)).await;
    assert_eq!(world.now().await.position, HEAD);
    let ready = world.rebuild().await;
    assert_eq!((ready.resumed_from, ready.position), (HEAD, HEAD + 1));
    assert!(ready.comparison.unwrap().same);
    let anew = ended(world.begin(true).await.unwrap()).await.unwrap();
    assert_eq!((anew.resumed_from, anew.position), (0, HEAD + 1));
}

#[tokio::test]
async fn nothing_is_folded_on_that_another_log_or_the_bus_would_have_to_continue() {
    let world = World::new().await;
    world.log.open_to(10);
    drop(world.begin(false).await.unwrap());
    world.folded(10).await;
    world.cancel(false).await.unwrap();
    world.log.open_to(u64::MAX);
    let refused = world.rebuild_from_bus().await.unwrap_err();
    assert_eq!(reason(&refused), "REBUILD_OTHER_SOURCE");

    world.log.fork();
    let failed = ended(world.begin(false).await.unwrap()).await.unwrap_err();
    assert_eq!(reason(&failed), "REBUILD_OTHER_EVENTS");
    let now = world.now().await;
    assert_eq!((now.phase(), now.position), (Phase::Failed, 10));
    assert_eq!(now.failure_reason, "REBUILD_OTHER_EVENTS");
    // From its first event on, the other log gives a state whose known times are its own.
    let anew = ended(world.begin(true).await.unwrap()).await.unwrap();
    assert_eq!(anew.comparison.unwrap().differing_tables[0], "known");
}

#[tokio::test]
async fn questions_are_answered_and_events_come_in_the_middle_of_it() {
    let world = World::new().await;
    world.log.open_to(12);
    let first = world.begin(false).await.unwrap();
    world.folded(12).await;
    assert_eq!(world.answer().await, (HEAD as i64 - 1, HEAD));
    world.take(count(700)).await;
    assert_eq!(world.answer().await, (700, HEAD + 1));
    // Who asks for the same joins; who asks for another is told to wait.
    let mut second = world.begin(false).await.unwrap();
    let told = second.next().await.unwrap().unwrap().rebuild.unwrap();
    assert_eq!((told.phase(), told.position), (Phase::Folding, 12));
    let busy = world.begin(true).await.err().unwrap();
    assert_eq!(
        (busy.code(), reason(&busy)),
        (Code::ResourceExhausted, "PROJECTION_BUSY".to_owned())
    );
    let verify = || Request::new(v1::VerifyProjectionRequest {});
    let busy = world.api().verify_projection(verify()).await.err().unwrap();
    assert_eq!(reason(&busy), "PROJECTION_BUSY");
    // Both leave, and it goes on.
    drop((first, second));
    world.log.open_to(u64::MAX);
    let ready = world.until(|now| now.phase() == Phase::Ready).await;
    assert_eq!(
        (ready.position, ready.comparison.unwrap().same),
        (HEAD + 1, true)
    );
    assert!(world.api().verify_projection(verify()).await.is_ok());
}

#[tokio::test]
async fn whoever_watches_sees_each_event_once_while_states_are_folded_and_switched() {
    let world = World::new().await;
    let request = v1::WatchRequest {
        after_position: Some(HEAD),
        target: Some(v1::watch_request::Target::Locality(v1::WatchedLocality {
            code: "568".to_owned(),
            include_below: false,
            ..Default::default()
        })),
        ..v1::WatchRequest::default()
    };
    let watched = world.api().watch(Request::new(request)).await;
    let mut watched = watched.unwrap().into_inner();
    world.log.open_to(12);
    drop(world.begin(false).await.unwrap());
    world.folded(12).await;
    world.take(count(701)).await;
    world.log.open_to(u64::MAX);
    world.until(|now| now.phase() == Phase::Ready).await;
    world.take(count(702)).await;
    world.switch(false).await.unwrap();
    world.take(count(703)).await;
    world.undo().await.unwrap();
    world.take(count(704)).await;
    world.cancel(true).await.unwrap();
    let last = world.take(count(705)).await;
    let mut seen = Vec::new();
    while seen.last() != Some(&last) {
        let told = tokio::time::timeout(LIMIT, watched.next()).await;
        let told = told.unwrap().unwrap().unwrap();
        if let Some(v1::watch_response::Message::Event(_)) = told.message {
            seen.push(told.position);
        }
    }
    assert_eq!(seen, (HEAD + 1..=last).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_snapshot_is_of_the_state_that_serves() {
    let mut world = World::new().await;
    world.falsify();
    let folder = tempfile::tempdir().unwrap();
    let log = world.api().log.clone();
    let mut keeper = Keeper::open(folder.path(), "khanh-hoa".to_owned(), log, 1).unwrap();
    let rebuilder = &mut world.service.api.rebuilder;
    rebuilder.keep(keeper.store());
    let shared = &world.api().shared;
    world.rebuild().await;
    let served = shared.read().digest();
    keeper.end(shared).await;
    let kept = keeper.newest(0).await.unwrap().unwrap();
    assert_eq!((kept.position(), kept.digest()), (HEAD, served));
    // Whoever accepts the other state does not want this one back after a start.
    world.switch(true).await.unwrap();
    assert!(keeper.newest(0).await.unwrap().is_none());
    world.take(count(700)).await;
    keeper.end(shared).await;
    let kept = keeper.newest(0).await.unwrap().unwrap();
    let served = shared.read().digest();
    assert_eq!((kept.position(), kept.digest()), (HEAD + 1, served));
    world.undo().await.unwrap();
    let other = shared.read().digest();
    assert_ne!(kept.digest(), other, "two states to tell apart");
}

#[tokio::test]
async fn what_cannot_be_folded_into_the_second_state_stops_that_one_alone() {
    let world = World::new().await;
    world.rebuild().await;
    // As if the second had missed one.
    let mut ahead = world.api().shared.read().clone();
    world.log.write(known(), &count(600));
    ahead.apply(HEAD + 1, known(), &count(600)).unwrap();
    world.api().shared.replace(ahead);
    let refused = world.switch(true).await.unwrap_err();
    assert_eq!(reason(&refused), "REBUILD_NOT_READY", "they stand apart");
    world.take(count(700)).await;
    assert_eq!(world.answer().await, (700, HEAD + 2));
    let failed = world.now().await;
    assert_eq!((failed.phase(), failed.position), (Phase::Failed, HEAD));
    assert_eq!(failed.failure_reason, "REBUILD_FAILED");
    let refused = world.switch(true).await.unwrap_err();
    assert_eq!(reason(&refused), "REBUILD_NOT_READY");
    // It goes on where it stood.
    let ready = world.rebuild().await;
    assert_eq!((ready.resumed_from, ready.position), (HEAD, HEAD + 2));
    assert!(ready.comparison.unwrap().same);
}

#[tokio::test]
async fn a_fault_of_ours_ends_a_rebuild_by_name_and_nothing_else() {
    let mut world = World::new().await;
    let rebuilder = &mut world.service.api.rebuilder;
    // No event that a log takes makes the fold or the comparison panic; this stands for one that does.
    let sound = std::mem::replace(&mut rebuilder.compare, |_, _| panic!("a fault"));
    let failed = ended(world.begin(false).await.unwrap()).await.unwrap_err();
    assert_eq!(
        (failed.code(), reason(&failed)),
        (Code::Internal, "REBUILD_FAILED".to_owned())
    );
    let said = "the job ended in a fault of ours; begin anew";
    assert_eq!(failed.message(), said);
    let now = world.now().await;
    assert_eq!((now.phase(), now.position), (Phase::Failed, 0));
    assert_eq!(
        (&*now.failure_reason, &*now.failure),
        ("REBUILD_FAILED", said)
    );
    let refused = world.switch(true).await.unwrap_err();
    assert_eq!(reason(&refused), "REBUILD_NOT_READY");
    // It kept neither the turn nor the place for one at a time.
    world.take(count(700)).await;
    assert_eq!(world.answer().await, (700, HEAD + 1));
    world.service.api.rebuilder.compare = sound;
    let ready = world.rebuild().await;
    assert_eq!((ready.resumed_from, ready.position), (0, HEAD + 1));
    assert!(ready.comparison.unwrap().same);
}

#[tokio::test]
async fn what_is_kept_for_going_back_is_let_go_of_only_if_somebody_says_so() {
    let world = World::new().await;
    let refused = world.undo().await.unwrap_err();
    assert_eq!(reason(&refused), "PROJECTION_NOT_SWITCHED");
    assert_eq!(world.cancel(false).await.unwrap().phase(), Phase::None);
    world.rebuild().await;
    world.switch(false).await.unwrap();
    let refusals = [
        world.begin(false).await.err().unwrap(),
        world.begin(true).await.err().unwrap(),
        world.switch(true).await.unwrap_err(),
        world.cancel(false).await.unwrap_err(),
    ];
    for refused in refusals {
        assert_eq!(reason(&refused), "PROJECTION_SWITCHED");
    }
    world.undo().await.unwrap();
    assert_eq!(world.cancel(true).await.unwrap().phase(), Phase::None);
    assert_eq!(
        reason(&world.switch(true).await.unwrap_err()),
        "REBUILD_NOT_READY"
    );
}

#[tokio::test]
async fn a_source_that_cannot_be_read_is_named_and_the_first_state_serves_on() {
    let world = World::new().await;
    let failed = world.rebuild_from_bus().await.unwrap_err();
    assert_eq!(
        (failed.code(), reason(&failed)),
        (Code::Unavailable, "BUS_UNREACHABLE".to_owned())
    );
    let refused = world.begin_from(7, false).await.err().unwrap();
    assert_eq!(reason(&refused), "VALUE_UNSPECIFIED");
    assert_eq!(world.answer().await, (HEAD as i64 - 1, HEAD));
    // Nothing came from there, so that nothing is mixed if it begins with the log.
    let ready = world.rebuild().await;
    assert_eq!((ready.phase(), ready.resumed_from), (Phase::Ready, 0));
    assert_eq!(ready.source(), v1::ProjectionRebuildSource::Log);
}
