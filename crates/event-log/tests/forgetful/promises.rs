//! What a log promised by its answers, and whether a directory keeps it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::fs::File;
use std::ops::Range;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, mpsc};
use std::time::Duration;

use event_log::limits::PAYLOAD_BYTES_MAX;
use event_log::{Append, Error, Log, NewEvent, Options, ReadLimit, Receipt, Record};

use super::image::Dice;
use crate::common::{event, id, request, ticking};

/// How long a program may take to begin.
const LOCK_WAIT: Duration = Duration::from_secs(60);
/// Events of the largest request.
pub(crate) const LARGEST: u64 = 10_000;
/// Requests have a hundred events where their number within the series leaves this when divided by 64.
pub(crate) const HUNDREDS: u64 = 7;
/// Events of the bulkiest request, each as long as may be.
const BULKY: u64 = 150;

/// A request with the most events there may be, for each `series` one.
pub(crate) fn largest(series: u64) -> u64 {
    series * SERIES + SERIES - 1
}

/// A request that takes more than a segment of the store, for each `series` one.
pub(crate) fn bulkiest(series: u64) -> u64 {
    series * SERIES + SERIES - 2
}

/// Requests of a series have neighbouring numbers.
pub(crate) const SERIES: u64 = 1_000_000;

/// How many events request `number` has: mostly one to three, now and then a hundred, the last of a series the most.
pub(crate) fn count(number: u64) -> u64 {
    match number % SERIES {
        rest if rest == SERIES - 1 => LARGEST,
        rest if rest == SERIES - 2 => BULKY,
        rest if rest % 64 == HUNDREDS => 100,
        rest => 1 + rest % 3,
    }
}

fn part(number: u64, part: u64) -> NewEvent {
    let subject = format!("locality/{}", (number + part) % 7);
    let event = event(&subject, &format!("figure {number} {part}"));
    if number % SERIES != SERIES - 2 {
        return event;
    }
    // Does not compress.
    let mut dice = Dice(number + part);
    let mut noise = vec![0; PAYLOAD_BYTES_MAX];
    for word in noise.chunks_exact_mut(8) {
        word.copy_from_slice(&dice.roll().to_be_bytes());
    }
    let payload = noise.into();
    NewEvent { payload, ..event }
}

/// The request with this number; all of it follows from the number.
pub(crate) fn numbered(number: u64) -> Append {
    let events = (0..count(number)).map(|at| part(number, at)).collect();
    request(number, events)
}

/// Opens the log with a journal so small that its halves are settled all the time.
pub(crate) fn open(directory: &Path) -> Result<Log, Error> {
    let options = || Options {
        journal_bytes: 24 * 1024,
        ..Options::at(directory)
    };
    loop {
        match Log::open(options(), ticking()) {
            // A program that another test starts holds copies of all locks until it has begun.
            Err(Error::Locked { directory: held }) if held == directory => {
                wait_for_lock(&directory.join("lock"));
            }
            other => return other,
        }
    }
}

/// Waits until nobody holds the lock on a file; whoever holds it for long is a fault of the test.
fn wait_for_lock(path: &Path) {
    let file = File::open(path).unwrap();
    let (send, receive) = mpsc::channel();
    std::thread::spawn(move || {
        // Let go of by name, or a program started meanwhile would hold it for us.
        let _ = send.send(file.lock().and_then(|()| file.unlock()));
    });
    let waited = receive.recv_timeout(LOCK_WAIT);
    waited.expect("somebody has the log open").unwrap();
}

/// Why promises are not kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Broken {
    /// The log says what is not so.
    Untrue(String),
    /// The log does not say it, and names why.
    Refused(String),
}

impl From<Error> for Broken {
    fn from(error: Error) -> Broken {
        let said = said(&error);
        // A thread that dies is not a name for what the disk did.
        if said.contains("panicked") {
            Broken::Untrue(said)
        } else {
            Broken::Refused(format!("{said} [{}]", error.reason()))
        }
    }
}

impl From<String> for Broken {
    fn from(what: String) -> Broken {
        Broken::Untrue(what)
    }
}

impl fmt::Display for Broken {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Broken::Untrue(what) | Broken::Refused(what)) = self;
        formatter.write_str(what)
    }
}

/// The answers so far.
#[derive(Debug, Clone, Default)]
pub(crate) struct Answers {
    /// Accepted requests and their first positions.
    pub(crate) accepted: BTreeMap<u64, u64>,
    /// Refused so that nothing of them may ever be found.
    pub(crate) refused: BTreeSet<u64>,
}

impl Answers {
    /// Takes note of an answer; after a stop of the writer nobody knows, so nothing was promised.
    pub(crate) fn note(&mut self, number: u64, answer: &Result<Receipt, Error>) {
        match answer {
            Ok(receipt) => {
                assert_eq!(receipt.last - receipt.first + 1, count(number));
                self.accepted.insert(number, receipt.first);
                self.refused.remove(&number);
            }
            Err(Error::WriterStopped { .. }) => {
                self.refused.remove(&number);
            }
            Err(_) => {
                self.refused.insert(number);
            }
        }
    }

    /// Opens the log in `directory` and looks whether every promise is kept; what is not is said.
    pub(crate) fn kept_in(&self, directory: &Path) -> Result<u64, Broken> {
        let log = open(directory)?;
        let kept = self.kept_by(&log);
        log.close();
        kept
    }

    /// As [`Answers::kept_in`], for a log that is open; the head.
    pub(crate) fn kept_by(&self, log: &Log) -> Result<u64, Broken> {
        let head = log.head();
        let found = found(log, head)?;
        for (number, first) in &self.accepted {
            if found.get(number) != Some(first) {
                let at = found.get(number);
                return Err(Broken::Untrue(format!(
                    "request {number} was given position {first}, is at {at:?} of {head}"
                )));
            }
        }
        if let Some(number) = self.refused.iter().find(|at| found.contains_key(at)) {
            return Err(Broken::Untrue(format!(
                "request {number} was refused and is there"
            )));
        }
        let verification = log.verify(|_| {})?;
        match &verification.damages[..] {
            [] if verification.events == head => Ok(head),
            [] => Err(Broken::Untrue(format!(
                "the head is {head}, but {verification:?}"
            ))),
            damages => Err(Broken::Refused(format!("{damages:?}"))),
        }
    }
}

/// Every request in the log and its first position; an error unless all are whole and positions dense.
fn found(log: &Log, head: u64) -> Result<BTreeMap<u64, u64>, Broken> {
    let limit = ReadLimit {
        events: 20_000,
        bytes: usize::MAX,
    };
    let mut found = BTreeMap::new();
    let mut next = 1;
    // The request that is being read: its number and what is still to come of it.
    let mut current = None;
    while next <= head {
        let records = log.read(next, limit)?;
        if records.is_empty() {
            return Err(format!("nothing at {next} of {head}").into());
        }
        for record in &records {
            if record.position != next {
                return Err(format!("{} stands at {next}", record.position).into());
            }
            let (number, at) = match current {
                Some((number, at)) => (number, at),
                None => {
                    let number = number(record)?;
                    if found.insert(number, next).is_some() {
                        return Err(format!("request {number} is there twice").into());
                    }
                    (number, 0)
                }
            };
            let expected = part(number, at);
            if record.request_id != id(number)
                || record.subject != expected.subject
                || record.payload != expected.payload
            {
                return Err(format!("event {at} of request {number} is {record:?}").into());
            }
            current = (at + 1 < count(number)).then_some((number, at + 1));
            next += 1;
        }
    }
    match current {
        Some((number, at)) => Err(format!("request {number} ends after {at} events").into()),
        None => Ok(found),
    }
}

fn number(record: &Record) -> Result<u64, String> {
    let digits = record.request_id[8..].try_into();
    let number = digits.map(u64::from_be_bytes).map_err(|_| "no number")?;
    Ok(number)
}

/// The error and what it comes from.
pub(crate) fn said(error: &dyn std::error::Error) -> String {
    match error.source() {
        Some(source) => format!("{error}: {}", said(source)),
        None => error.to_string(),
    }
}

/// Answers that several writers note.
#[derive(Clone, Default)]
pub(crate) struct Noted(Arc<Mutex<Answers>>);

impl Noted {
    pub(crate) fn since(answers: Answers) -> Noted {
        Noted(Arc::new(Mutex::new(answers)))
    }

    pub(crate) fn answers(&self) -> MutexGuard<'_, Answers> {
        self.0.lock().unwrap()
    }

    /// Appends request `number` and notes the answer.
    pub(crate) async fn append(&self, log: &Log, number: u64) -> Result<Receipt, Error> {
        let answer = log.append(numbered(number)).await;
        self.answers().note(number, &answer);
        answer
    }

    /// Appends requests that must be accepted.
    pub(crate) async fn append_all(&self, log: &Log, numbers: Range<u64>) {
        for number in numbers {
            self.append(log, number).await.unwrap();
        }
    }
}
