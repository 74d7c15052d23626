//! Laws of the ledger: whatever is sent, by however many at once, right or wrong, what is on record afterwards keeps them.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use domain::event::{Role, Scope};
use domain::text::Moment;
use domain::{Body, Event, LocalityId};
use event_log::{Log, Options, ReadLimit, Record};
use host::{ManualClock, Readiness};
use jiff::Timestamp;
use jiff::civil::Date;
use proptest::prelude::*;
use state::{Reading, State};
use tokio::sync::oneshot;
use uuid::Uuid;
use wire::time::of_micros;
use wire::v1;

use crate::intake::{Intake, Wanted};
use crate::laws_commands_tests::{Command, Company, Seen, founding};
use crate::writer::{Accepted, Datasets, Refused, Writer};
use crate::writer_tests::{World, ended, event, reasons, registered, report, source};

/// Commands in one history.
const COMMANDS: usize = 30;

/// One request: its events, and the revision its sender expects.
type Asked = (Vec<Command>, Option<u64>);

/// A ledger, and what its callers know of it.
struct Ledger {
    intake: Intake,
    log: Log,
    seen: Seen,
    requests: u128,
    /// Position and revision told for each single event.
    revisions: Vec<(u64, u64)>,
    /// What the writer has folded, once nobody can send any more.
    folded: oneshot::Receiver<State>,
    _directory: tempfile::TempDir,
}

impl Ledger {
    async fn founded() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let now: Timestamp = "2026-11-22T03:00:00Z".parse().unwrap();
        let log = Log::open(
            Options::at(directory.path()),
            Arc::new(move || now.as_microsecond()),
        );
        let log = log.unwrap();
        let clock = Arc::new(ManualClock::new(now));
        let writer = Writer::new(
            log.clone(),
            State::new(),
            Datasets::default(),
            Arc::clone(&clock) as _,
        );
        let (intake, waiting) =
            Intake::new(crate::standing::Standing::without_bus(), clock, 64, 1 << 20);
        let (done, folded) = oneshot::channel();
        host::task::spawn("writer", async move {
            let ready = Readiness::new().component("log");
            let _ = done.send(writer.run(waiting, ready).await);
        });
        let mut ledger = Self {
            intake,
            log,
            seen: Seen::default(),
            requests: 0,
            revisions: Vec::new(),
            folded,
            _directory: directory,
        };
        let request = ledger.request(founding(), None);
        let answer = ledger.intake.submit(request).await.unwrap();
        let verdict = answer.await.unwrap();
        assert!(verdict.is_ok(), "{verdict:?}");
        ledger.note(verdict);
        ledger
    }

    fn request(&mut self, events: Vec<v1::Event>, expected_revision: Option<u64>) -> Wanted {
        self.requests += 1;
        Wanted {
            request_id: Uuid::from_u128(self.requests),
            single: events.len() == 1,
            events,
            persons: Vec::new(),
            expected_revision,
            validate_only: false,
            skip_known: false,
            tell_changed: false,
        }
    }

    fn wanted(&mut self, (commands, expected): &Asked) -> Wanted {
        let events = commands.iter().map(|command| command.event(&self.seen));
        let events = events.collect();
        self.request(events, *expected)
    }

    async fn answer(&self, wanted: Wanted) -> Result<Accepted, Refused> {
        let answered = self.intake.submit(wanted).await.unwrap();
        answered.await.unwrap()
    }

    /// What is sent alone is asked for before, which says the same and leaves no trace.
    async fn send_alone(&mut self, asked: &Asked) {
        let wanted = self.wanted(asked);
        let mut question = self.request(wanted.events.clone(), wanted.expected_revision);
        question.request_id = wanted.request_id;
        question.validate_only = true;
        let head = self.log.head();
        let foreseen = self.answer(question).await;
        assert_eq!(self.log.head(), head, "a question was recorded");
        let verdict = self.answer(wanted).await;
        assert_eq!(told(&foreseen), told(&verdict), "{asked:?}");
        if let Ok(foreseen) = foreseen {
            assert_eq!(foreseen.receipt.first, 0, "a question has a position");
        }
        self.note(verdict);
    }

    /// Those who do not wait for each other meet in one commit, or do not.
    async fn send_at_once(&mut self, requests: &[Asked]) {
        let mut answers = Vec::new();
        for asked in requests {
            let wanted = self.wanted(asked);
            answers.push(self.intake.submit(wanted).await.unwrap());
        }
        for answer in answers {
            let verdict = answer.await.unwrap();
            self.note(verdict);
        }
    }

    fn note(&mut self, verdict: Result<Accepted, Refused>) {
        let Ok(accepted) = verdict else {
            return;
        };
        let receipt = accepted.receipt;
        assert!(!receipt.repeated, "every request is a new one");
        if receipt.first == receipt.last && accepted.revision > 0 {
            self.revisions.push((receipt.first, accepted.revision));
        }
        let records = read(&self.log, receipt.first);
        for (record, event) in records {
            if record.position <= receipt.last {
                self.seen.note(record.position, &event);
            }
        }
    }

    /// Sends a history: each round is sent when the one before is answered.
    async fn live(&mut self, rounds: &[Vec<Asked>]) {
        for round in rounds {
            match &round[..] {
                [alone] => self.send_alone(alone).await,
                many => self.send_at_once(many).await,
            }
        }
    }
}

/// A verdict in words, without where and when it was recorded.
fn told(verdict: &Result<Accepted, Refused>) -> String {
    match verdict {
        Ok(accepted) => format!("revision {}, {:?}", accepted.revision, accepted.told),
        Err(refused) => format!("{refused:?}"),
    }
}

/// The log from a position on, read as whoever has nothing else reads it.
fn read(log: &Log, from: u64) -> Vec<(Record, Event)> {
    let limit = ReadLimit {
        events: 10_000,
        bytes: 1 << 24,
    };
    let records = log.read(from, limit).unwrap();
    let decoded = records.into_iter().map(|record| {
        let event = wire::event::decode_logged(&record.payload).unwrap();
        (record, event)
    });
    decoded.collect()
}

/// Commands in the company in which they are sent: rounds of requests of events.
fn rounds(commands: &[(Command, Company)]) -> Vec<Vec<Asked>> {
    let mut rounds: Vec<Vec<Asked>> = Vec::new();
    for (command, company) in commands {
        let asked = (vec![*command], command.expected_revision());
        match (company, rounds.last_mut()) {
            (Company::Alone, _) | (_, None) => rounds.push(vec![asked]),
            (Company::AtOnce, Some(round)) => round.push(asked),
            (Company::InOneBatch, Some(round)) => match round.last_mut() {
                Some((batch, expected)) => {
                    batch.push(*command);
                    *expected = None;
                }
                None => round.push(asked),
            },
        }
    }
    rounds
}

fn everything(state: &State) -> Reading<'_> {
    state.latest(Moment::end_of(Date::MAX))
}

/// Positions follow each other, and so do the revisions of each subject; what callers were told is so.
fn is_dense(log: &Log, records: &[(Record, Event)], told: &[(u64, u64)]) {
    let mut revisions: HashMap<&str, u64> = HashMap::new();
    let mut at_position = HashMap::new();
    for ((record, event), position) in records.iter().zip(1..) {
        assert_eq!(record.position, position);
        assert_eq!(*record.subject, event.body.subject().revision_key());
        let revision = revisions.entry(&record.subject).or_default();
        *revision += 1;
        at_position.insert(position, *revision);
    }
    assert_eq!(log.head(), records.len() as u64);
    for (subject, revision) in revisions {
        assert_eq!(log.revision(subject), revision, "{subject}");
    }
    for (position, revision) in told {
        assert_eq!(at_position.get(position), Some(revision), "{position}");
    }
}

/// No figure holds outside the life of its locality.
fn figures_lie_within_lives(state: &State, records: &[(Record, Event)]) {
    let everything = everything(state);
    for (record, event) in records {
        let (id, indicator) = match &event.body {
            Body::ProgressReported(e) => (e.locality, &e.indicator),
            Body::ProgressCorrected(e) => (e.locality, &e.indicator),
            _ => continue,
        };
        let figure = everything.figure_at(id, indicator, record.position);
        let figure = figure.unwrap();
        if figure.corrected_by.is_none() && figure.retracted_by.is_none() {
            let life = everything.life(id).unwrap();
            let at = event.effective;
            assert!(life.exists_on(at.date()), "{at} is outside {life:?}");
        }
    }
}

/// Whatever was given is held by somebody, or listed as held by nobody.
fn nobody_is_lost(state: &State, records: &[(Record, Event)]) {
    let mut roles = BTreeSet::new();
    let mut places = BTreeSet::new();
    for (_, event) in records {
        places.extend(event.body.locality());
        if let Body::OwnerAssigned(e) = &event.body {
            roles.insert((e.locality, e.scope.clone()));
        }
    }
    for at in ["2023-06-30", "2024-06-30", "2025-07-01", "2026-11-22"] {
        let reading = state.latest(at.parse().unwrap());
        let exists = |id| {
            reading
                .locality(id)
                .is_some_and(|place| place.end.is_none())
        };
        for (place, scope) in roles.iter().filter(|(place, _)| exists(*place)) {
            let withdrawn = match scope {
                Scope::Model(model) => reading.withdrawn_model(model).is_some(),
                Scope::Plan(_) => false,
            };
            let orphans = reading.orphans(*place).roles;
            let mut owners = reading.owners(scope, *place);
            owners.retain(|owner| owner.appointed.fact.locality == *place);
            for owner in owners {
                let role = owner.appointed.fact.role;
                let is_listed = orphans.iter().any(|o| o.scope == *scope && o.role == role);
                let is_held = !owner.organisations.is_empty();
                assert!(
                    is_held || is_listed || withdrawn,
                    "{role:?} of {scope:?} in {place} on {at} is lost: {owner:?}"
                );
            }
        }
        for place in places.iter().filter(|id| exists(**id)) {
            let listed = reading.orphans(*place).work_items;
            let mut open = reading.work_items(*place);
            open.retain(|item| {
                item.is_open() && reading.responsible(item).organisations.is_empty()
            });
            for item in open {
                let is_listed = listed.iter().any(|orphan| orphan.item == item);
                assert!(is_listed, "{item:?} is lost in {place} on {at}");
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, max_shrink_iters: 512, ..ProptestConfig::default() })]

    #[test]
    fn whatever_is_sent_the_ledger_keeps_its_laws(
        commands in prop::collection::vec((Command::any(), Company::any()), COMMANDS),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let mut ledger = Ledger::founded().await;
            ledger.live(&rounds(&commands)).await;
            let Ledger { intake, log, revisions, folded, _directory, .. } = ledger;
            drop(intake);
            let folded = folded.await.unwrap();

            let records = read(&log, 1);
            is_dense(&log, &records, &revisions);
            let mut state = State::new();
            for (record, event) in &records {
                state.apply(record.position, of_micros(record.known_micros), event).unwrap();
            }
            assert_eq!(state.digest(), folded.digest(), "folded anew, the state is another");
            figures_lie_within_lives(&state, &records);
            nobody_is_lost(&state, &records);
        });
    }
}

/// Registers the commune 00001 (or another) from a first day that is known, or not.
fn register(code: &str, since: &str, start_known: bool, effective: &str) -> v1::Event {
    let mut registered = registered(since, start_known);
    registered.effective = effective.to_owned();
    if let Some(v1::event::Body::LocalityRegistered(body)) = &mut registered.body
        && let Some(locality) = &mut body.locality
    {
        locality.code = code.to_owned();
    }
    registered
}

#[tokio::test]
async fn nobody_reports_on_a_place_outside_its_life_by_registering_it_again() {
    let world = World::new().await;
    let not_valid = ["LOCALITY_NOT_VALID"];
    // What ended is not woken.
    let end = vec![ended("2023-04-10", "2025-07-01")];
    world.record(2, end).await.unwrap();
    let woken = vec![
        register("00001", "2023-04-10", false, "2025-08-01"),
        report("eid", "2025-08-01"),
    ];
    assert_eq!(reasons(world.record(3, woken).await), not_valid);
    // A first day named by the request itself counts for what it says next.
    let dated = vec![
        register("00001", "2023-04-10", true, "2023-04-10"),
        report("eid", "2023-04-09"),
    ];
    assert_eq!(reasons(world.record(4, dated).await), not_valid);
    // A first day named later counts for the time before as well.
    let dated = vec![register("00001", "2023-04-10", true, "2024-01-01")];
    world.record(5, dated).await.unwrap();
    let early = vec![report("eid", "2023-04-09")];
    assert_eq!(reasons(world.record(6, early).await), not_valid);
    let first = vec![report("eid", "2023-04-10")];
    world.record(7, first).await.unwrap();
}

#[tokio::test]
async fn a_role_given_for_the_plan_of_another_place_is_not_lost_with_its_holder() {
    let mut ledger = Ledger::founded().await;
    let elsewhere = register("79", "2023-04-10", false, "2023-04-10");
    let owner = v1::OwnerAssigned {
        scope: Some(v1::owner_assigned::Scope::Model("KH-1.01".to_owned())),
        locality: Some(v1::LocalityRef {
            code: "79".to_owned(),
            since: String::new(),
        }),
        role: v1::Role::Coordinating as i32,
        organisations: vec!["Sở A".to_owned()],
        source: source(),
        ..Default::default()
    };
    let dissolved = v1::OrganisationSucceeded {
        locality: owner.locality.clone(),
        organisation: "Sở A".to_owned(),
        change: v1::OrganisationChange::Ended as i32,
        source: source(),
        ..Default::default()
    };
    let owner = event("2023-06-01", v1::event::Body::OwnerAssigned(owner));
    let dissolved = v1::event::Body::OrganisationSucceeded(dissolved);
    let story = vec![elsewhere, owner, event("2025-03-01", dissolved)];
    let story = ledger.request(story, None);
    ledger.answer(story).await.unwrap();
    drop(ledger.intake);
    let state = ledger.folded.await.unwrap();
    let id = LocalityId {
        code: "79".parse().unwrap(),
        since: "2023-04-10".parse().unwrap(),
    };
    let orphans = state.latest("2025-03-01".parse().unwrap()).orphans(id);
    let lost: Vec<_> = orphans.roles.iter().map(|role| role.role).collect();
    assert_eq!(lost, [Role::Coordinating]);
    let before = state.latest("2025-02-28".parse().unwrap()).orphans(id);
    assert_eq!(before.roles, []);
}
