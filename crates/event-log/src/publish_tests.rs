//! The skip race: no event is ever committed behind a reader's back.
//!
//! A commit becomes visible in three parts ([`Shared::publish`]): the request ids, the tail, the head.
//! The committer is held after each of them, and two readers look in between, each in the two parts of which a look
//! consists, in every order in which these seven parts can meet.
//! Whatever a reader is told must be a prefix of the log that begins at its last position + 1: nothing of the commit or
//! all of it, and all of it once anybody has seen it.

use std::ops::ControlFlow;
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use tempfile::TempDir;
use tokio::sync::oneshot;

use crate::committer::Pending;
use crate::log::Shared;
use crate::{Append, Log, NewEvent, Options, ReadLimit, Receipt, reader};

/// Where a commit in the making is held, if a test asks for it.
#[derive(Default)]
pub(crate) struct Steps(Mutex<Option<(Sender<()>, Receiver<()>)>>);

impl Steps {
    /// One part is done: tells so, and waits for leave to go on.
    pub(crate) fn pause(&self) {
        if let Some((done, leave)) = &*self.0.lock().unwrap()
            && done.send(()).is_ok()
        {
            let _ = leave.recv();
        }
    }

    /// Holds every commit from now on, until both ends are dropped.
    fn hold(&self) -> Held {
        let ((done, parts), (go, leave)) = (mpsc::channel(), mpsc::channel());
        *self.0.lock().unwrap() = Some((done, leave));
        Held { parts, go }
    }
}

/// A committer on a lead.
struct Held {
    parts: Receiver<()>,
    go: Sender<()>,
}

/// Parts in which a commit becomes visible.
const PARTS: usize = 3;
/// Events of the two requests of a commit.
const EVENTS: [u64; 2] = [2, 1];

/// What somebody who looks at the log asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Question {
    Read,
    Scan,
    /// The receipt of the commit's first request.
    Receipt,
    /// How far the log was known at the end of time, and what stands up to there.
    KnownAt,
}

use Question::{KnownAt, Read, Scan};

/// A look that has begun, with what its first part found.
struct Look {
    question: Question,
    found: Option<u64>,
    /// Whether somebody had seen the commit before.
    must_see: bool,
}

/// One commit on top of a log.
struct Story<'l> {
    log: &'l Log,
    held: &'l Held,
    base: u64,
    last: u64,
    id: [u8; 16],
    verdicts: Vec<oneshot::Receiver<Result<Receipt, crate::Error>>>,
    done: usize,
    seen: bool,
}

impl<'l> Story<'l> {
    fn new(log: &'l Log, held: &'l Held) -> Self {
        let base = log.head();
        let mut id = [0xab; 16];
        id[8..].copy_from_slice(&base.to_be_bytes());
        Self {
            log,
            held,
            base,
            last: base + EVENTS.iter().sum::<u64>(),
            id,
            verdicts: Vec::new(),
            done: 0,
            seen: false,
        }
    }

    fn shared(&self) -> &'l Shared {
        self.log.shared()
    }

    /// Hands in both requests, which are committed as one.
    fn hand_in(&mut self) {
        let mut group = Vec::new();
        for (number, count) in EVENTS.into_iter().enumerate() {
            let event = NewEvent {
                subject: "a".into(),
                expected_revision: None,
                payload: Bytes::from_static(b"event"),
                attribute: None,
            };
            let mut request_id = self.id;
            request_id[0] = u8::try_from(number).unwrap();
            let events = vec![event; usize::try_from(count).unwrap()];
            let append = Append { request_id, events };
            let (reply, verdict) = oneshot::channel();
            let bytes = append.held_bytes();
            group.push(Pending {
                known: None,
                append,
                bytes,
                reply,
            });
            self.verdicts.push(verdict);
        }
        self.id[0] = 0;
        self.shared().queue.push(group);
    }

    /// Lets the committer do the next part.
    fn commit(&mut self) {
        match self.done {
            0 => self.hand_in(),
            _ => self.held.go.send(()).unwrap(),
        }
        self.held.parts.recv().unwrap();
        self.done += 1;
    }

    fn begin(&self, question: Question) -> Look {
        let found = match question {
            Read | Scan => Some(self.shared().head()),
            Question::Receipt => self.shared().index().request(&self.id),
            KnownAt => Some(self.log.position_known_at(i64::MAX).unwrap()),
        };
        Look {
            question,
            found,
            must_see: self.seen,
        }
    }

    fn end(&mut self, look: &Look) {
        let whole = match (look.question, look.found) {
            (Question::Receipt, found) => self.receipt(found),
            (question, found) => {
                let head = found.unwrap();
                let seen = self.positions(question, head);
                let wanted: Vec<u64> = (self.base + 1..=head).collect();
                assert_eq!(seen, wanted, "{question:?} up to {head}");
                assert!([self.base, self.last].contains(&head), "a part: {head}");
                head == self.last
            }
        };
        assert!(
            whole || !look.must_see,
            "{:?} misses what was seen",
            look.question
        );
        self.seen |= whole;
    }

    /// Whether the look-up found the request; all of it, then.
    fn receipt(&self, found: Option<u64>) -> bool {
        let at = |position| self.shared().accepted(&self.id, position, None).unwrap();
        let receipt = found.and_then(at).map(|(receipt, _)| receipt);
        if let Some(receipt) = receipt {
            let wanted = (self.base + 1, self.base + EVENTS[0]);
            assert_eq!((receipt.first, receipt.last), wanted);
        }
        receipt.is_some()
    }

    /// What stands after what was there before, up to a head that was seen.
    fn positions(&self, question: Question, head: u64) -> Vec<u64> {
        let from = self.base + 1;
        let mut seen = Vec::new();
        if question == Read {
            let all = ReadLimit {
                events: usize::MAX,
                bytes: usize::MAX,
            };
            let records = reader::read(self.shared(), head, from, all).unwrap();
            seen.extend(records.iter().map(|record| record.position));
        } else {
            let each = &mut |record: crate::RecordRef<'_>| {
                seen.push(record.position);
                ControlFlow::Continue(())
            };
            let last = match question {
                // Whoever was told a position by the log may ask it for what stands up to there.
                KnownAt => self.log.scan(from, head, &mut |_| true, each),
                _ => reader::scan(self.shared(), from, head, &mut |_| true, each),
            };
            assert_eq!(last.unwrap(), seen.last().copied().unwrap_or(0));
        }
        seen
    }

    /// Lets the committer go on; nothing is missing then.
    fn finish(mut self) {
        self.held.go.send(()).unwrap();
        for verdict in std::mem::take(&mut self.verdicts) {
            verdict.blocking_recv().unwrap().unwrap();
        }
        assert_eq!(self.log.head(), self.last);
        self.seen = true;
        for question in [Read, Scan, Question::Receipt, KnownAt] {
            let look = self.begin(question);
            self.end(&look);
        }
    }
}

/// Who does the next part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Who {
    Committer,
    Reader(usize),
}

/// Every order of the parts of one commit and of one look of each of two readers.
fn orders() -> Vec<Vec<Who>> {
    fn add(left: [usize; 3], order: &mut Vec<Who>, orders: &mut Vec<Vec<Who>>) {
        if left == [0; 3] {
            return orders.push(order.clone());
        }
        let all = [Who::Committer, Who::Reader(0), Who::Reader(1)];
        for (index, who) in all.into_iter().enumerate() {
            if left[index] > 0 {
                let mut left = left;
                left[index] -= 1;
                order.push(who);
                add(left, order, orders);
                order.pop();
            }
        }
    }
    let mut orders = Vec::new();
    add([PARTS, 2, 2], &mut Vec::new(), &mut orders);
    orders
}

fn open() -> (TempDir, Log) {
    let directory = tempfile::tempdir().unwrap();
    let log = Log::open(Options::at(directory.path()), Arc::new(|| 1_000_000));
    (directory, log.unwrap())
}

#[test]
fn no_event_is_committed_behind_a_readers_back() {
    let (_directory, log) = open();
    let held = log.shared().steps.hold();
    let orders = orders();
    // 7! / (3! · 2! · 2!)
    assert_eq!(orders.len(), 210);
    let questions = [Read, Scan, Question::Receipt, KnownAt];
    for (index, first) in questions.into_iter().enumerate() {
        for second in &questions[index..] {
            for order in &orders {
                let mut story = Story::new(&log, &held);
                let mut looks: [Option<Look>; 2] = [None, None];
                for who in order {
                    match *who {
                        Who::Committer => story.commit(),
                        Who::Reader(number) => match looks[number].take() {
                            None => looks[number] = Some(story.begin([first, *second][number])),
                            Some(look) => story.end(&look),
                        },
                    }
                }
                story.finish();
            }
        }
    }
    assert_eq!(log.head(), 210 * 10 * EVENTS.iter().sum::<u64>());
}
