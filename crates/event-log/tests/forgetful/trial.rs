//! A piece of work is done again and again, and each time other calls of it fail.
//!
//! After every trial the promises are looked at where the power is cut, where a part of the unsynced survives, and where
//! only the process ended: there the log goes on, and the power is cut later.

use std::cell::Cell;

use event_log::{Error, Log, Receipt};

use super::promises::{Answers, Broken, Noted, SERIES, open};
use super::{Calls, Forgetful, Frozen, Image, Kind, Mode, Trouble};

/// What a piece of work begins with.
pub(crate) struct Start {
    image: Image,
    answers: Answers,
}

impl Start {
    /// Nothing at all.
    pub(crate) fn nothing() -> Start {
        Start {
            image: Image::default(),
            answers: Answers::default(),
        }
    }

    /// A log of some requests that was closed, and the power cut afterwards.
    pub(crate) async fn closed() -> Option<Start> {
        let work = async |log: &Log, noted: &Noted| {
            noted.append_all(log, 0..40).await;
        };
        Start::nothing().then(work, Mode::Synced).await
    }

    /// It is opened, more is done with it, and it is closed; so much of what was not synced is left.
    pub(crate) async fn then(self, work: impl AsyncFn(&Log, &Noted), left: Mode) -> Option<Start> {
        let disk = Forgetful::holding(&self.image)?;
        let log = open(&disk.directory()).unwrap();
        let noted = Noted::since(self.answers);
        work(&log, &noted).await;
        log.close();
        let image = disk.freeze().image(left);
        let answers = noted.answers().clone();
        Some(Start { image, answers })
    }
}

/// One time that the work is done.
pub(crate) struct Trial {
    pub(crate) disk: Forgetful,
    pub(crate) noted: Noted,
    faults: Option<(Calls, Trouble)>,
    /// Calls before what the work is about.
    before: Cell<Tally>,
}

/// What the work did from where it began.
struct Done {
    did: Tally,
    failed: u64,
}

/// How many calls there were.
#[derive(Clone, Copy, Default)]
struct Tally {
    changes: u64,
    reads: u64,
    syncs: u64,
}

impl Trial {
    fn on(start: &Start, faults: Option<(Calls, Trouble)>) -> Option<Trial> {
        Some(Trial {
            disk: Forgetful::holding(&start.image)?,
            noted: Noted::since(start.answers.clone()),
            faults,
            before: Cell::default(),
        })
    }

    pub(crate) fn open(&self) -> Result<Log, Error> {
        open(&self.disk.directory())
    }

    /// The work says when what it is about begins: from here on calls fail.
    pub(crate) fn begin(&self) {
        self.disk.forget_pages();
        self.before.set(self.so_far());
        if let Some((calls, trouble)) = self.faults {
            self.disk.fail(calls, trouble);
        }
    }

    fn so_far(&self) -> Tally {
        Tally {
            changes: self.disk.changes(),
            reads: self.disk.calls(Kind::Read),
            syncs: self.disk.calls(Kind::Sync),
        }
    }

    pub(crate) async fn append(&self, log: &Log, number: u64) -> Result<Receipt, Error> {
        self.noted.append(log, number).await
    }

    /// Reads and verifies everything.
    pub(crate) fn kept_by(&self, log: &Log) -> Result<u64, Broken> {
        self.noted.answers().kept_by(log)
    }

    /// As [`Trial::kept_by`] while reads fail: whatever is said is so, and what is not said is named.
    pub(crate) fn kept_or_named(&self, log: &Log) {
        match self.kept_by(log) {
            Err(Broken::Refused(_)) if self.disk.failed() > 0 => {}
            other => {
                other.unwrap();
            }
        }
    }

    /// What the work did, once nothing it promised is found broken.
    async fn end(self) -> Done {
        let (after, before) = (self.so_far(), self.before.get());
        let did = Tally {
            changes: after.changes - before.changes,
            reads: after.reads - before.reads,
            syncs: after.syncs - before.syncs,
        };
        let failed = self.disk.failed();
        let left = self.disk.freeze();
        let answers = self.noted.answers().clone();
        let faults = self.faults;
        drop(self);
        let cuts = match faults {
            // What cannot be read leaves nothing unsynced that the other trials do not.
            Some((Calls::Nth(Kind::Read, _) | Calls::From(Kind::Read, _), _)) => [].as_slice(),
            _ => &[Mode::Synced, Mode::Torn(did.changes)],
        };
        for mode in cuts {
            let kept = kept_after_a_cut(&left, &answers, *mode);
            kept.unwrap_or_else(|what| panic!("{faults:?}, {mode:?}: {what}"));
        }
        let kept = goes_on(left, answers).await;
        kept.unwrap_or_else(|what| panic!("{faults:?}, opened anew: {what}"));
        Done { did, failed }
    }
}

/// Whether a power cut at that moment keeps what was promised.
pub(crate) fn kept_after_a_cut(
    left: &Frozen,
    answers: &Answers,
    mode: Mode,
) -> Result<u64, Broken> {
    let image = left.image(mode).to_directory().unwrap();
    answers.kept_in(&image.path().join("log"))
}

/// Whether a process that begins where another ended keeps what that promised, takes more, and loses nothing of it.
async fn goes_on(left: Frozen, answers: Answers) -> Result<(), Broken> {
    let disk = Forgetful::going_on(left).expect("it could be mounted before");
    let noted = Noted::since(answers);
    let log = open(&disk.directory())?;
    // So that each half of the journal is written anew.
    for number in 0..3 {
        noted.append(&log, 2 * SERIES + number).await?;
        log.seal()?;
    }
    noted.answers().kept_by(&log)?;
    let answers = noted.answers().clone();
    kept_after_a_cut(&disk.freeze(), &answers, Mode::Synced)?;
    log.close();
    Ok(())
}

/// How many calls of one piece of work are tried at most, evenly spread: `max`, or all in the long version.
#[expect(
    clippy::disallowed_methods,
    reason = "how the long version is asked for"
)]
fn tries_max(max: u64) -> u64 {
    match std::env::var("TIENDO_LONG") {
        Ok(value) if value == "1" => u64::MAX,
        _ => max,
    }
}

/// Numbers from 1 to `count`: all, or at most `max` when there is less time.
pub(crate) fn tried(count: u64, max: u64) -> impl Iterator<Item = u64> {
    (1..=count).step_by(count.div_ceil(tries_max(max)).max(1) as usize)
}

/// Does the work with `faults` from where it begins.
#[expect(clippy::print_stderr, reason = "a failure shows at which fault it was")]
async fn attempt(
    start: &Start,
    faults: Option<(Calls, Trouble)>,
    work: &impl AsyncFn(&Trial),
) -> Option<Done> {
    eprintln!("with {faults:?}");
    let trial = Trial::on(start, faults)?;
    work(&trial).await;
    Some(trial.end().await)
}

/// Lets each change of the work fail in turn; the short version lets out some of those that are many.
///
/// Without a start nothing can be mounted here.
pub(crate) async fn each_change_fails(start: Option<Start>, work: impl AsyncFn(&Trial)) {
    let Some(start) = start else {
        return;
    };
    let Some(Done { did, .. }) = attempt(&start, None, &work).await else {
        return;
    };
    let faults = |nth| {
        vec![
            (Calls::NthChange(nth), Trouble::Io),
            (Calls::NthChange(nth), Trouble::NoSpace),
            (Calls::FromChange(nth), Trouble::Io),
        ]
    };
    each_fails(&start, &work, tried(did.changes, 12), faults).await;
}

/// Lets each sync of the work fail in turn, once: what was written stays in memory, and counts as clean.
pub(crate) async fn each_sync_fails(start: Option<Start>, work: impl AsyncFn(&Trial)) {
    let Some(start) = start else {
        return;
    };
    let Some(Done { did, .. }) = attempt(&start, None, &work).await else {
        return;
    };
    let faults = |nth| vec![(Calls::Nth(Kind::Sync, nth), Trouble::Io)];
    each_fails(&start, &work, tried(did.syncs, 12), faults).await;
}

/// Lets each read of the work fail in turn, once and for good; the short version as above.
pub(crate) async fn each_read_fails(start: Option<Start>, work: impl AsyncFn(&Trial)) {
    let Some(start) = start else {
        return;
    };
    let Some(Done { did, .. }) = attempt(&start, None, &work).await else {
        return;
    };
    let faults = |nth| {
        vec![
            (Calls::Nth(Kind::Read, nth), Trouble::Io),
            (Calls::From(Kind::Read, nth), Trouble::Io),
        ]
    };
    each_fails(&start, &work, tried(did.reads, 6), faults).await;
}

async fn each_fails(
    start: &Start,
    work: &impl AsyncFn(&Trial),
    tried: impl Iterator<Item = u64>,
    faults: impl Fn(u64) -> Vec<(Calls, Trouble)>,
) {
    let (mut runs, mut hit) = (0, 0);
    for nth in tried {
        for faults in faults(nth) {
            let done = attempt(start, Some(faults), work).await;
            runs += 1;
            hit += u64::from(done.is_some_and(|done| done.failed > 0));
        }
    }
    assert!(runs > 0, "there is nothing to fail");
    assert!(3 * hit >= 2 * runs, "{hit} runs of {runs} met a failure");
}
