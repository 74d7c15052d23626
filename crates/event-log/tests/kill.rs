//! Killed at any moment: everything acknowledged is there, once, in order, and every start succeeds.
//!
//! The test runs its own program again as a child that writes, seals, compacts and backs up until it is killed.
//! The moments follow from a seed that is printed: `TIENDO_SEED` repeats a run as far as the machine lets it.
//! `TIENDO_LONG=1` kills 300 times instead of 12, `TIENDO_KILL_CYCLES` as often as it says.

#![expect(clippy::unwrap_used, reason = "a test panics")]

mod common;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs::{self, File};
use std::hash::{BuildHasher, Hasher, RandomState};
use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use common::{event, expecting, id, request, ticking};
use event_log::archive::{self, Manifest, Reader, Writer};
use event_log::{Append, Error, Log, Options, ReadLimit, Receipt, Record};

const CYCLES: u64 = 12;
const CYCLES_LONG: u64 = 300;
/// Cycles on one directory; then the next one begins, so that logs are also killed young.
const CYCLES_OF_A_LOG: u64 = 30;
const WRITERS: u64 = 8;
/// How often a child begins its other work before it is killed.
const BESIDE_MOST: u64 = 4;
/// Request numbers of one writer of one cycle.
const STEPS: u64 = 100_000;
/// Small, so that a kill meets full journals and sealing often.
const JOURNAL_BYTES: usize = 64 * 1024;
/// Whatever the child was to reach before it is killed, it reaches sooner.
const PATIENCE: Duration = Duration::from_secs(180);

/// Read at once.
const PAGE: ReadLimit = ReadLimit {
    events: 20_000,
    bytes: usize::MAX,
};

const DIRECTORY: &str = "EVENT_LOG_KILL_DIRECTORY";
const CYCLE: &str = "EVENT_LOG_KILL_CYCLE";
const SEED: &str = "TIENDO_SEED";

#[expect(
    clippy::disallowed_methods,
    reason = "how a developer asks for more, and how the parent speaks to the child"
)]
fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// Numbers that follow from a seed (SplitMix64).
struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, end: u64) -> u64 {
        self.roll() % end
    }

    fn micros(&mut self, most: u64) -> Duration {
        Duration::from_micros(self.below(most))
    }
}

/// What a child does beside the load, by cycle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Beside {
    Nothing,
    Seal,
    Compact,
    Reopen,
    BackUp,
}

impl Beside {
    fn of(cycle: u64) -> Beside {
        [
            Beside::Nothing,
            Beside::Seal,
            Beside::Compact,
            Beside::Reopen,
            Beside::BackUp,
        ][cycle as usize % 5]
    }
}

/// When the child is killed.
#[derive(Debug, Clone, Copy)]
enum Moment {
    /// So long after it began to open the log.
    Opening(Duration),
    /// So long after so many acknowledgements.
    Acknowledged(usize, Duration),
    /// So long after it began its other work for so many times.
    Beside(usize, Duration),
}

impl Moment {
    fn of(cycle: u64, dice: &mut Dice) -> Moment {
        match dice.below(4) {
            0 => Moment::Opening(dice.micros(40_000)),
            1 if Beside::of(cycle) != Beside::Nothing => {
                Moment::Beside(1 + dice.below(BESIDE_MOST) as usize, dice.micros(20_000))
            }
            _ => Moment::Acknowledged(1 + dice.below(150) as usize, dice.micros(5_000)),
        }
    }
}

fn open(directory: &Path) -> Log {
    Log::open(options(directory), ticking()).unwrap()
}

fn options(directory: &Path) -> Options {
    Options {
        journal_bytes: JOURNAL_BYTES,
        ..Options::at(directory.join("log"))
    }
}

/// Request `number`, which its number alone decides: mostly one event, now and then 100, seldom 10,000.
fn numbered(number: u64) -> Append {
    let mut dice = Dice(number);
    let (events, padding) = match dice.below(250) {
        0 => (10_000, 0),
        1..50 => (100, dice.below(100)),
        _ => (1, dice.below(2_000)),
    };
    let own = dice.below(4) == 0;
    let part = |part| {
        let subject = if own {
            own_subject(number)
        } else {
            format!("xã/{}", (number + part) % 50)
        };
        let padding = "·".repeat(padding as usize);
        event(&subject, &format!("{number} {part} {padding}"))
    };
    request(number, (0..events).map(part).collect())
}

/// The subject to which only one writer writes, so that it knows its revision.
fn own_subject(number: u64) -> String {
    format!("writer/{}", number / STEPS % WRITERS)
}

fn number(id: &[u8; 16]) -> u64 {
    u64::from_be_bytes(id[8..].try_into().unwrap())
}

// The child ------------------------------------------------------------------------------------------------------

/// Does nothing unless the other test starts it as a child.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn child() {
    let (Some(directory), Some(cycle)) = (environment(DIRECTORY), environment(CYCLE)) else {
        return;
    };
    let seed: u64 = environment(SEED).unwrap().parse().unwrap();
    let cycle: u64 = cycle.parse().unwrap();
    tell("opening");
    let mut log = open(Path::new(&directory));
    if Beside::of(cycle) == Beside::Reopen {
        for _ in 0..BESIDE_MOST {
            log.close();
            tell("beside");
            log = open(Path::new(&directory));
        }
    }
    let mut writers = tokio::task::JoinSet::new();
    for writer in 0..WRITERS {
        let dice = Dice(seed ^ (cycle << 8 | writer));
        writers.spawn(write(log.clone(), (cycle * WRITERS + writer) * STEPS, dice));
    }
    match Beside::of(cycle) {
        Beside::Nothing | Beside::Reopen => {}
        Beside::Seal => beside(&mut writers, move || log.seal().unwrap()),
        Beside::Compact => beside(&mut writers, move || {
            log.compact(|_| {}).unwrap();
        }),
        Beside::BackUp => beside(&mut writers, move || back_up(&log, Path::new(&directory))),
    }
    writers.join_all().await;
}

/// One line to the parent; the full stop shows that it was not cut by the kill.
#[expect(clippy::print_stdout, reason = "how the child speaks to the parent")]
fn tell(what: &str) {
    // The runner has begun a line of its own.
    println!("\n{what} .");
}

fn beside(tasks: &mut tokio::task::JoinSet<()>, work: impl Fn() + Send + 'static) {
    tasks.spawn_blocking(move || {
        loop {
            tell("beside");
            work();
        }
    });
}

/// Writes a backup beside the log, and gives it its name once it is whole.
fn back_up(log: &Log, directory: &Path) {
    let head = log.head();
    let one = ReadLimit {
        events: 1,
        bytes: 0,
    };
    let known = |records: Vec<Record>| records.first().map_or(0, |record| record.known_micros);
    let manifest = Manifest {
        origin: "killed".into(),
        head,
        known_first: known(log.read(1, one).unwrap()),
        known_last: known(log.read_back(head, one).unwrap()),
        made_micros: 0,
    };
    let part = directory.join("backup.part");
    let mut writer = Writer::begin(File::create(&part).unwrap(), manifest).unwrap();
    let mut next = 1;
    while next <= head {
        for record in log.read(next, PAGE).unwrap() {
            if record.position <= head {
                next = record.position + 1;
                writer.push(record).unwrap();
            }
        }
    }
    writer.finish("").unwrap().0.sync_all().unwrap();
    fs::rename(part, directory.join("backup")).unwrap();
}

/// Appends new requests, repeats old ones, and misses a revision now and then.
async fn write(log: Log, base: u64, mut dice: Dice) {
    let own = own_subject(base);
    let mut revision = log.revision(&own);
    let mut accepted: Vec<(u64, Receipt)> = Vec::new();
    for number in base..base + STEPS {
        match dice.below(10) {
            0 if !accepted.is_empty() => {
                let (number, receipt) = accepted[dice.below(accepted.len() as u64) as usize];
                let again = log.append(numbered(number)).await.unwrap();
                let repeated = Receipt {
                    repeated: true,
                    ..receipt
                };
                assert_eq!(again, repeated, "request {number}");
            }
            1 => {
                tell(&format!("refused {number}"));
                let wrong = vec![
                    event("xã/1", "x"),
                    expecting(revision + 7, event(&own, "x")),
                ];
                let error = log.append(request(number, wrong)).await.unwrap_err();
                let named =
                    matches!(error, Error::RevisionMismatch { actual, .. } if actual == revision);
                assert!(named, "revision {revision}: {error}");
            }
            _ => {
                tell(&format!("sent {number}"));
                let mut append = numbered(number);
                let events = append.events.len() as u64;
                let is_own = *append.events[0].subject == *own;
                if is_own {
                    append.events[0].expected_revision = Some(revision);
                    revision += events;
                }
                let receipt = log.append(append).await.unwrap();
                assert_eq!(receipt.last - receipt.first + 1, events);
                let Receipt {
                    first,
                    last,
                    known_micros,
                    ..
                } = receipt;
                tell(&format!("ack {number} {first} {last} {known_micros}"));
                accepted.push((number, receipt));
            }
        }
    }
}

// The parent -----------------------------------------------------------------------------------------------------

/// What the children of one log have said.
#[derive(Default)]
struct Told {
    accepted: BTreeMap<u64, Receipt>,
    unanswered: BTreeSet<u64>,
    refused: BTreeSet<u64>,
    /// Acknowledgements, and beginnings of other work, of the present child.
    acknowledgements: usize,
    beginnings: usize,
    opening: bool,
}

impl Told {
    fn hear(&mut self, line: &str) {
        let Some(line) = line.strip_suffix(" .") else {
            return;
        };
        let words: Vec<&str> = line.split(' ').collect();
        let number = |word: &str| -> u64 { word.parse().unwrap() };
        match words[..] {
            ["opening"] => self.opening = true,
            ["beside"] => self.beginnings += 1,
            ["sent", sent] => {
                self.unanswered.insert(number(sent));
            }
            ["refused", refused] => {
                self.refused.insert(number(refused));
            }
            ["ack", request, first, last, known] => {
                let receipt = Receipt {
                    first: number(first),
                    last: number(last),
                    known_micros: known.parse().unwrap(),
                    repeated: false,
                };
                self.unanswered.remove(&number(request));
                self.accepted.insert(number(request), receipt);
                self.acknowledgements += 1;
            }
            _ => {}
        }
    }

    /// How long after now the child is to be killed, once it has come so far.
    fn is_due(&self, moment: Moment) -> Option<Duration> {
        let (reached, wait) = match moment {
            Moment::Opening(wait) => (self.opening, wait),
            Moment::Acknowledged(count, wait) => (self.acknowledgements >= count, wait),
            Moment::Beside(count, wait) => (self.beginnings >= count, wait),
        };
        reached.then_some(wait)
    }
}

fn spawn(directory: &Path, cycle: u64, seed: u64) -> (Child, Receiver<String>) {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "child", "--nocapture"])
        .env(DIRECTORY, directory)
        .env(CYCLE, cycle.to_string())
        .env(SEED, seed.to_string())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let (send, receive) = channel();
    std::thread::spawn(move || {
        for line in lines.map_while(Result::ok) {
            let _ = send.send(line);
        }
    });
    (child, receive)
}

/// Runs the child up to the moment, kills it, and takes down all it said.
fn run_and_kill(directory: &Path, cycle: u64, seed: u64, moment: Moment, told: &mut Told) {
    (told.acknowledgements, told.beginnings, told.opening) = (0, 0, false);
    let (mut child, lines) = spawn(directory, cycle, seed);
    let patience = Instant::now() + PATIENCE;
    let mut due = None;
    loop {
        let until = due.unwrap_or(patience);
        match lines.recv_timeout(until.saturating_duration_since(Instant::now())) {
            Ok(line) => told.hear(&line),
            Err(RecvTimeoutError::Timeout) => break,
            Err(RecvTimeoutError::Disconnected) => break,
        }
        due = due.or_else(|| told.is_due(moment).map(|wait| Instant::now() + wait));
    }
    child.kill().unwrap();
    let status = child.wait().unwrap();
    lines.iter().for_each(|line| told.hear(&line));
    assert_eq!(
        status.signal(),
        Some(9),
        "the child ended by itself: {status}"
    );
    assert!(
        due.is_some(),
        "the child never came to {moment:?}: {} acknowledgements, {} beginnings",
        told.acknowledgements,
        told.beginnings
    );
}

/// Reads everything: dense, and each request whole, once, with its own body.
fn requests_of(log: &Log) -> HashMap<u64, Receipt> {
    let mut found: HashMap<u64, Receipt> = HashMap::new();
    let mut records: Vec<Record> = Vec::new();
    let mut next = 1;
    while next <= log.head() {
        let page = log.read(next, PAGE).unwrap();
        next += page.len() as u64;
        records.extend(page);
        // The last request of a page may go on in the next.
        let cut = records.iter().rposition(|record| {
            next <= log.head() && record.request_id != records[records.len() - 1].request_id
        });
        let rest = match cut {
            Some(cut) => records.split_off(cut + 1),
            None if next <= log.head() => continue,
            None => Vec::new(),
        };
        for request in records.chunk_by(|a, b| a.request_id == b.request_id) {
            let number = number(&request[0].request_id);
            let twice = found.insert(number, receipt_of(number, request));
            assert_eq!(twice, None, "request {number} is stored twice");
        }
        records = rest;
    }
    let covered: u64 = found
        .values()
        .map(|receipt| receipt.last - receipt.first + 1)
        .sum();
    assert_eq!(covered, log.head());
    found
}

/// What the records of one request say together; they must be exactly what was asked for.
fn receipt_of(number: u64, records: &[Record]) -> Receipt {
    let append = numbered(number);
    let (first, known_micros) = (records[0].position, records[0].known_micros);
    assert_eq!(
        records.len(),
        append.events.len(),
        "request {number} at {first}"
    );
    for ((record, event), position) in records.iter().zip(&append.events).zip(first..) {
        assert_eq!(
            (record.position, record.known_micros),
            (position, known_micros)
        );
        assert_eq!(record.subject, event.subject);
        assert_eq!(record.payload, event.payload);
    }
    let last = first + records.len() as u64 - 1;
    Receipt {
        first,
        last,
        known_micros,
        repeated: false,
    }
}

/// Holds the log against everything its children ever said.
async fn check(directory: &Path, told: &mut Told, dice: &mut Dice) {
    let log = open(directory);
    let found = requests_of(&log);
    check_backup(directory, &log);
    let mut revisions: HashMap<Box<str>, u64> = HashMap::new();
    for append in found.keys().map(|number| numbered(*number)) {
        for event in append.events {
            *revisions.entry(event.subject).or_default() += 1;
        }
    }
    for (subject, revision) in &revisions {
        assert_eq!(log.revision(subject), *revision, "subject {subject}");
    }
    for (number, receipt) in &told.accepted {
        assert_eq!(
            found.get(number),
            Some(receipt),
            "request {number} was acknowledged"
        );
    }
    for number in &told.refused {
        assert_eq!(found.get(number), None, "request {number} was refused");
    }
    // Whoever got no answer asks again and learns what became of the request.
    for number in std::mem::take(&mut told.unanswered) {
        let head = log.head();
        let receipt = log.append(numbered(number)).await.unwrap();
        match found.get(&number) {
            Some(stored) => {
                let repeated = Receipt {
                    repeated: true,
                    ..*stored
                };
                assert_eq!((receipt, log.head()), (repeated, head), "request {number}");
            }
            None => {
                assert_eq!((receipt.first, receipt.repeated), (head + 1, false));
            }
        }
        told.accepted.insert(
            number,
            Receipt {
                repeated: false,
                ..receipt
            },
        );
    }
    ask_again(&log, told, dice).await;
    let verification = log.verify(|_| {}).unwrap();
    assert_eq!(
        (verification.events, verification.damages),
        (log.head(), vec![])
    );
    log.close();
}

/// A backup that has its name is whole and says what the log says; one without it is never taken for whole.
fn check_backup(directory: &Path, log: &Log) {
    for name in ["backup", "backup.part"] {
        let Ok(file) = File::open(directory.join(name)) else {
            continue;
        };
        let read = Reader::open(file).and_then(|mut reader| {
            while let Some(part) = reader.next_part()? {
                let limit = ReadLimit {
                    events: part.records.len(),
                    bytes: usize::MAX,
                };
                let stored = log.read(part.records[0].position, limit).unwrap();
                assert_eq!(part.records, stored);
            }
            Ok(())
        });
        match read {
            Ok(()) => {}
            Err(archive::Error::Incomplete { .. } | archive::Error::Unknown { .. })
                if name == "backup.part" => {}
            Err(error) => panic!("{name}: {error}"),
        }
    }
}

/// Old requests, some of them repeated with another body, get what they were given then.
async fn ask_again(log: &Log, told: &Told, dice: &mut Dice) {
    let accepted: Vec<(&u64, &Receipt)> = told.accepted.iter().collect();
    for _ in 0..accepted.len().min(30) {
        let (number, receipt) = accepted[dice.below(accepted.len() as u64) as usize];
        let repeated = Receipt {
            repeated: true,
            ..*receipt
        };
        assert_eq!(log.receipt(&id(*number)).unwrap(), Some(repeated));
        assert_eq!(log.append(numbered(*number)).await.unwrap(), repeated);
        let other = request(*number, vec![event("other", "body")]);
        let error = log.append(other).await.unwrap_err();
        assert!(
            matches!(error, Error::RequestIdReused { first, .. } if first == receipt.first),
            "request {number}: {error}"
        );
    }
}

/// A directory that stays if the test fails.
struct Evidence(tempfile::TempDir);

impl Evidence {
    fn new() -> Evidence {
        Evidence(tempfile::tempdir().unwrap())
    }
}

impl Drop for Evidence {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.disable_cleanup(true);
            let path = self.0.path().display();
            writeln!(std::io::stderr(), "what was left lies in {path}").unwrap_or_default();
        }
    }
}

#[tokio::test]
async fn everything_acknowledged_survives_being_killed_again_and_again() {
    if environment(CYCLE).is_some() {
        return;
    }
    let seed = environment(SEED).map_or_else(
        || RandomState::new().build_hasher().finish(),
        |seed| seed.parse().unwrap(),
    );
    let cycles = match (
        environment("TIENDO_KILL_CYCLES"),
        environment("TIENDO_LONG"),
    ) {
        (Some(cycles), _) => cycles.parse().unwrap(),
        (None, Some(_)) => CYCLES_LONG,
        (None, None) => CYCLES,
    };
    println!("{SEED}={seed}, {cycles} cycles");
    let mut dice = Dice(seed);
    let mut directory = Evidence::new();
    let mut told = Told::default();
    for cycle in 0..cycles {
        if cycle % CYCLES_OF_A_LOG == CYCLES_OF_A_LOG - 1 {
            directory = Evidence::new();
            told = Told::default();
        }
        let moment = Moment::of(cycle, &mut dice);
        println!(
            "cycle {cycle}: {:?}, killed at {moment:?}",
            Beside::of(cycle)
        );
        run_and_kill(directory.0.path(), cycle, seed, moment, &mut told);
        check(directory.0.path(), &mut told, &mut dice).await;
    }
}
