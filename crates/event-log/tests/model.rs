//! Any interleaving of appends, repeats, seals, compactions, closings, crashes and reads equals a list in memory.
//!
//! `TIENDO_LONG=1` tries 2,000 interleavings instead of 120.

#![expect(clippy::unwrap_used, reason = "a test panics")]

mod common;

use std::collections::HashMap;
use std::fs;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use bytes::Bytes;
use common::id;
use event_log::{
    Append, Attribute, Error, Log, NewEvent, Now, Options, ReadLimit, Receipt, Record, RecordRef,
};
use proptest::prelude::*;
use proptest::test_runner::Config;

const CASES: u32 = 120;
const CASES_LONG: u32 = 2_000;
const STEPS: usize = 40;
/// As small as may be, so that a few requests fill a journal.
const JOURNAL_BYTES: usize = 16 * 1024;
/// So few that most are asked for again.
const REQUESTS: u64 = 60;
const SUBJECTS: [&str; 5] = ["", "xã/568", "xã/Đắk Lắk", "huyện", "x"];

#[expect(clippy::disallowed_methods, reason = "how a developer asks for more")]
fn cases() -> u32 {
    std::env::var("TIENDO_LONG").map_or(CASES, |_| CASES_LONG)
}

/// What may happen to a log.
#[derive(Debug, Clone)]
enum Step {
    Append(Vec<Ask>),
    /// The clock moves by so many microseconds, also back.
    Tick(i64),
    Seal,
    Compact,
    Reopen,
    /// The process is killed: what it leaves is opened.
    Crash,
    Verify,
    Read(Place, ReadLimit),
    ReadBack(Place, ReadLimit),
    Scan(Place, Place, u8),
    KnownAt(i64),
    /// The attribute of an event, or of the next one that has some.
    Erase(Place),
}

/// A position, in thousandths of the head and a bit beyond it.
type Place = u64;

/// One request: its id and variant decide its body, so that a repeat may have the same or another one.
#[derive(Debug, Clone)]
struct Ask {
    number: u64,
    variant: u8,
    expects: Expects,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Expects {
    Nothing,
    /// The true revisions, for each event.
    Right,
    /// A wrong one, for the last event.
    Wrong,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let place = || 0..1_200_u64;
    let limit = || {
        let events = prop_oneof![4 => 1..40_usize, 1 => Just(usize::MAX)];
        let bytes = prop_oneof![0..5_000_usize, Just(usize::MAX)];
        (events, bytes).prop_map(|(events, bytes)| ReadLimit { events, bytes })
    };
    let ask = || {
        let expects = prop_oneof![
            4 => Just(Expects::Nothing),
            2 => Just(Expects::Right),
            1 => Just(Expects::Wrong)
        ];
        let variant = prop_oneof![9 => Just(0_u8), 1 => 1..3_u8];
        (0..REQUESTS, variant, expects).prop_map(|(number, variant, expects)| Ask {
            number,
            variant,
            expects,
        })
    };
    let step = prop_oneof![
        16 => prop::collection::vec(ask(), 1..5).prop_map(Step::Append),
        3 => (-50..200_i64).prop_map(Step::Tick),
        2 => Just(Step::Seal),
        1 => Just(Step::Compact),
        1 => Just(Step::Reopen),
        1 => Just(Step::Crash),
        1 => Just(Step::Verify),
        3 => (place(), limit()).prop_map(|(from, limit)| Step::Read(from, limit)),
        3 => (place(), limit()).prop_map(|(from, limit)| Step::ReadBack(from, limit)),
        2 => (place(), place(), any::<u8>()).prop_map(|(from, to, mask)| Step::Scan(from, to, mask)),
        2 => (-100..2_000_i64).prop_map(Step::KnownAt),
        2 => place().prop_map(Step::Erase),
    ];
    prop::collection::vec(step, 1..STEPS)
}

/// Mostly a few small events, now and then many, or some that hardly compress.
fn body(number: u64, variant: u8) -> Vec<NewEvent> {
    let mut state = number * 3 + u64::from(variant);
    let mut roll = || {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (state ^ (state >> 31)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed ^ (mixed >> 29)
    };
    let (events, bytes) = match number % 12 {
        0 => (300, 8),
        1 => (3, 20_000),
        2 => (1, 32 * 1024),
        3 => (1, 0),
        _ => (1 + roll() % 4, roll() % 3_000),
    };
    let attribute = Attribute {
        salt: [number as u8; 32],
        bytes: vec![variant; number as usize].into(),
    };
    let mut event = || NewEvent {
        payload: (0..bytes).map(|_| roll() as u8).collect(),
        attribute: (roll() % 8 == 0).then(|| Box::new(attribute.clone())),
        ..common::event(SUBJECTS[(roll() % 5) as usize], "")
    };
    (0..events).map(|_| event()).collect()
}

fn append(ask: &Ask) -> Append {
    Append {
        request_id: id(ask.number),
        events: body(ask.number, ask.variant),
    }
}

// The model ------------------------------------------------------------------------------------------------------

/// What the log must look like: a list.
#[derive(Default)]
struct Model {
    records: Vec<Record>,
    attributes: HashMap<u64, Attribute>,
    accepted: HashMap<u64, (u8, Receipt)>,
}

/// What a request must be answered.
#[derive(Debug, PartialEq, Eq)]
enum Answer {
    Receipt(Receipt),
    Reused { first: u64 },
    Mismatch { expected: u64, actual: u64 },
}

impl Answer {
    fn of(verdict: Result<Receipt, Error>) -> Answer {
        match verdict {
            Ok(receipt) => Answer::Receipt(receipt),
            Err(Error::RequestIdReused { first, .. }) => Answer::Reused { first },
            Err(Error::RevisionMismatch {
                expected, actual, ..
            }) => Answer::Mismatch { expected, actual },
            Err(error) => panic!("{error}"),
        }
    }
}

impl Model {
    fn head(&self) -> u64 {
        self.records.len() as u64
    }

    fn revision(&self, subject: &str) -> u64 {
        let same = self
            .records
            .iter()
            .filter(|record| *record.subject == *subject);
        same.count() as u64
    }

    /// Puts the expected revisions into a request that may come to be the next.
    fn expect(&self, events: &mut [NewEvent], expects: Expects) {
        let mut counts: HashMap<Box<str>, u64> = HashMap::new();
        let last = events.len() - 1;
        for (index, event) in events.iter_mut().enumerate() {
            let count = counts.entry(event.subject.clone());
            let count = count.or_insert_with_key(|subject| self.revision(subject));
            event.expected_revision = match expects {
                Expects::Right => Some(*count),
                Expects::Wrong if index == last => Some(*count + 1),
                _ => None,
            };
            *count += 1;
        }
    }

    /// Takes one request; `known_micros` is the time now.
    fn append(&mut self, ask: &Ask, append: &Append, known_micros: i64) -> Answer {
        if let Some((variant, receipt)) = self.accepted.get(&ask.number) {
            // Subjects and payloads; an attribute is vouched for by its commitment in the payload.
            let said = |variant| {
                let events = body(ask.number, variant).into_iter();
                events
                    .map(|event| (event.subject, event.payload))
                    .collect::<Vec<_>>()
            };
            return if said(*variant) == said(ask.variant) {
                Answer::Receipt(Receipt {
                    repeated: true,
                    ..*receipt
                })
            } else {
                Answer::Reused {
                    first: receipt.first,
                }
            };
        }
        if ask.expects == Expects::Wrong {
            let wrong = append
                .events
                .last()
                .and_then(|event| event.expected_revision);
            let expected = wrong.unwrap();
            return Answer::Mismatch {
                expected,
                actual: expected - 1,
            };
        }
        let newest = self
            .records
            .last()
            .map_or(i64::MIN, |record| record.known_micros);
        let receipt = Receipt {
            first: self.head() + 1,
            last: self.head() + append.events.len() as u64,
            known_micros: known_micros.max(newest),
            repeated: false,
        };
        for (position, event) in (receipt.first..).zip(&append.events) {
            if let Some(attribute) = &event.attribute {
                self.attributes
                    .insert(position, Attribute::clone(attribute));
            }
            self.records.push(Record {
                position,
                known_micros: receipt.known_micros,
                request_id: append.request_id,
                subject: event.subject.clone(),
                payload: event.payload.clone(),
            });
        }
        self.accepted.insert(ask.number, (ask.variant, receipt));
        Answer::Receipt(receipt)
    }

    fn read(&self, from: u64, limit: ReadLimit) -> Vec<Record> {
        let records = self.records.iter();
        within(records.filter(|record| record.position >= from), limit)
    }

    fn read_back(&self, from: u64, limit: ReadLimit) -> Vec<Record> {
        let records = self.records.iter().rev();
        within(records.filter(|record| record.position <= from), limit)
    }

    fn position_known_at(&self, micros: i64) -> u64 {
        let known = self
            .records
            .iter()
            .filter(|record| record.known_micros <= micros);
        known.count() as u64
    }
}

/// As many as the limit allows, but one always.
fn within<'a>(records: impl Iterator<Item = &'a Record>, limit: ReadLimit) -> Vec<Record> {
    let mut bytes = 0;
    let mut taken = Vec::new();
    for record in records {
        bytes += record.subject.len() + record.payload.len();
        if !taken.is_empty() && (taken.len() >= limit.events || bytes > limit.bytes) {
            break;
        }
        taken.push(record.clone());
    }
    taken
}

// The log beside it ----------------------------------------------------------------------------------------------

/// A log and the model it must equal.
struct Pair {
    runtime: tokio::runtime::Runtime,
    root: tempfile::TempDir,
    directory: PathBuf,
    crashes: usize,
    clock: Arc<AtomicI64>,
    log: Option<Log>,
    model: Model,
}

impl Pair {
    fn begin() -> Pair {
        // In memory where there is such a place: what is looked at here is not what a disk keeps.
        let root = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir());
        let root = root.unwrap();
        let directory = root.path().join("log-0");
        let clock = Arc::new(AtomicI64::new(1_000));
        let log = Some(open(&directory, &clock));
        Pair {
            runtime: tokio::runtime::Builder::new_current_thread()
                .build()
                .unwrap(),
            root,
            directory,
            crashes: 0,
            clock,
            log,
            model: Model::default(),
        }
    }

    fn log(&self) -> &Log {
        self.log.as_ref().unwrap()
    }

    fn step(&mut self, step: &Step) {
        match step {
            Step::Append(asks) => self.append(asks),
            Step::Tick(micros) => {
                self.clock.fetch_add(*micros, Ordering::Relaxed);
            }
            Step::Seal => self.log().seal().unwrap(),
            Step::Compact => {
                self.log().compact(|_| {}).unwrap();
            }
            Step::Reopen => {
                self.log = None;
                self.log = Some(open(&self.directory, &self.clock));
            }
            Step::Crash => self.crash(),
            Step::Verify => {
                let verification = self.log().verify(|_| {}).unwrap();
                assert_eq!(verification.damages, []);
                assert_eq!(verification.events, self.model.head());
            }
            Step::Read(from, limit) => {
                let from = self.place(*from);
                let read = self.log().read(from, *limit).unwrap();
                assert_eq!(read, self.model.read(from, *limit), "from {from}");
                if let Some(newest) = self.log().read_newest(from, *limit) {
                    assert_eq!(newest, read, "newest from {from}");
                }
            }
            Step::ReadBack(from, limit) => {
                let from = self.place(*from);
                let read = self.log().read_back(from, *limit).unwrap();
                assert_eq!(read, self.model.read_back(from, *limit), "back from {from}");
            }
            Step::Scan(from, to, mask) => {
                self.scan(self.place(*from), self.place(*to), *mask);
            }
            Step::Erase(place) => {
                let from = self.place(*place);
                let having = self
                    .model
                    .attributes
                    .keys()
                    .filter(|position| **position >= from);
                let position = having.min().copied().unwrap_or(from);
                let erased = self.model.attributes.remove(&position).is_some();
                assert_eq!(self.log().erase(position).unwrap(), erased, "at {position}");
            }
            Step::KnownAt(micros) => {
                let micros = 1_000 + micros;
                let position = self.log().position_known_at(micros).unwrap();
                assert_eq!(position, self.model.position_known_at(micros));
            }
        }
        assert_eq!(self.log().head(), self.model.head());
    }

    fn append(&mut self, asks: &[Ask]) {
        let now = self.clock.load(Ordering::Relaxed);
        let (mut requests, mut answers) = (Vec::new(), Vec::new());
        for ask in asks {
            let mut append = append(ask);
            self.model.expect(&mut append.events, ask.expects);
            answers.push(self.model.append(ask, &append, now));
            requests.push(append);
        }
        let verdicts = self.runtime.block_on(self.log().append_all(requests));
        let verdicts: Vec<Answer> = verdicts.into_iter().map(Answer::of).collect();
        assert_eq!(verdicts, answers);
    }

    /// Shows the events of some subjects; each is asked for by a bit of the mask, the highest ends it soon.
    fn scan(&self, from: u64, to: u64, mask: u8) {
        let is_wanted = |subject: &str| {
            let place = SUBJECTS.iter().position(|known| *known == subject);
            mask & (1 << place.unwrap()) != 0
        };
        let most = if mask & 0x80 == 0 { usize::MAX } else { 3 };
        let mut shown = Vec::new();
        let seen = self
            .log()
            .scan(from, to, &mut { is_wanted }, &mut |record| {
                shown.push(owned(record));
                if shown.len() < most {
                    ControlFlow::Continue(())
                } else {
                    ControlFlow::Break(())
                }
            });
        let within =
            self.model.records.iter().filter(|record| {
                (from..=to).contains(&record.position) && is_wanted(&record.subject)
            });
        let wanted: Vec<Record> = within.take(most).cloned().collect();
        assert_eq!(shown, wanted, "{from} to {to}");
        let last = match shown.last() {
            Some(last) if shown.len() == most => last.position,
            _ => to.min(self.model.head()),
        };
        let is_empty = from.max(1) > to.min(self.model.head());
        let expected = if is_empty { 0 } else { last };
        assert_eq!(seen.unwrap(), expected, "{from} to {to}");
    }

    /// Opens a copy of what lies there while the log is open, as a killed process leaves it.
    fn crash(&mut self) {
        self.crashes += 1;
        let copy = self.root.path().join(format!("log-{}", self.crashes));
        copy_at_rest(&self.directory, &copy);
        self.log = None;
        self.directory = copy;
        self.log = Some(open(&self.directory, &self.clock));
    }

    fn place(&self, thousandths: Place) -> u64 {
        match thousandths {
            1_190.. => u64::MAX,
            _ => self.model.head() * thousandths / 1_000,
        }
    }

    /// Everything the log can say, compared.
    fn compare(&self) {
        let all = common::ALL;
        assert_eq!(self.log().read(0, all).unwrap(), self.model.records);
        for number in 0..REQUESTS {
            let expected = self
                .model
                .accepted
                .get(&number)
                .map(|(_, receipt)| Receipt {
                    repeated: true,
                    ..*receipt
                });
            assert_eq!(
                self.log().receipt(&id(number)).unwrap(),
                expected,
                "request {number}"
            );
        }
        for subject in SUBJECTS.iter().chain(&["none"]) {
            assert_eq!(self.log().revision(subject), self.model.revision(subject));
        }
        for position in 0..=self.model.head() + 1 {
            let attribute = self.log().attribute(position).unwrap();
            assert_eq!(attribute.as_ref(), self.model.attributes.get(&position));
        }
        let verification = self.log().verify(|_| {}).unwrap();
        assert_eq!(verification.damages, []);
        assert_eq!(verification.events, self.model.head());
    }
}

fn owned(record: RecordRef<'_>) -> Record {
    Record {
        position: record.position,
        known_micros: record.known_micros,
        request_id: *record.request_id,
        subject: record.subject.into(),
        payload: Bytes::copy_from_slice(record.payload),
    }
}

fn open(directory: &Path, clock: &Arc<AtomicI64>) -> Log {
    let clock = Arc::clone(clock);
    let now: Now = Arc::new(move || clock.load(Ordering::Relaxed));
    let options = Options {
        journal_bytes: JOURNAL_BYTES,
        ..Options::at(directory)
    };
    Log::open(options, now).unwrap()
}

/// Copies a directory, again and again until nothing changed meanwhile: sealing may be under way.
fn copy_at_rest(from: &Path, to: &Path) {
    loop {
        let before = contents(from);
        if before == contents(from) {
            for (path, bytes) in before {
                let path = to.join(path);
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                fs::write(path, bytes).unwrap();
            }
            return;
        }
    }
}

/// Every file by its path; the reserve is left out, it is zeros and need not be there.
fn contents(directory: &Path) -> Vec<(PathBuf, Bytes)> {
    let mut found = Vec::new();
    let mut folders = vec![PathBuf::new()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(directory.join(&folder)).unwrap() {
            let entry = entry.unwrap();
            let path = folder.join(entry.file_name());
            if entry.path().is_dir() {
                folders.push(path);
            } else if entry.file_name() != "reserve" {
                found.push((path, fs::read(entry.path()).unwrap().into()));
            }
        }
    }
    found.sort();
    found
}

proptest! {
    #![proptest_config(Config { cases: cases(), failure_persistence: None, ..Config::default() })]

    #[test]
    fn a_log_equals_a_list(steps in steps()) {
        let mut pair = Pair::begin();
        for step in &steps {
            pair.step(step);
        }
        pair.compare();
        pair.step(&Step::Reopen);
        pair.compare();
    }
}
