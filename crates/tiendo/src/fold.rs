//! A log folded on this machine: read on one thread and folded on another.
//!
//! Folding keeps the order of the log, and so comes to the same state on one thread as on two, and wherever batches end.
//! Decoding stays with folding: an event is decoded from the one before it, and to hand it over costs more than that.

use std::ops::ControlFlow;
use std::sync::mpsc::{channel, sync_channel};
use std::thread;

use jiff::Timestamp;
use state::State;
use wire::event::LogDecoder;
use wire::time::of_micros;

use crate::Failure;
use crate::fail::FAILED;

/// Batches that wait to be folded.
const WAITING: usize = 2;

/// Records of the log, one after the other in one piece of memory.
#[derive(Default)]
pub(crate) struct Records {
    /// Of each its position, when it was known in microseconds since 1970, and where its bytes end.
    ends: Vec<(u64, i64, usize)>,
    bytes: Vec<u8>,
}

impl Records {
    pub(crate) fn push(&mut self, position: u64, known_micros: i64, payload: &[u8]) {
        self.bytes.extend_from_slice(payload);
        self.ends.push((position, known_micros, self.bytes.len()));
    }

    pub(crate) fn len(&self) -> usize {
        self.ends.len()
    }

    fn clear(&mut self) {
        self.ends.clear();
        self.bytes.clear();
    }

    fn iter(&self) -> impl Iterator<Item = (u64, Timestamp, &[u8])> {
        let mut begin = 0;
        self.ends.iter().map(move |(position, known_micros, end)| {
            let payload = &self.bytes[std::mem::replace(&mut begin, *end)..*end];
            (*position, of_micros(*known_micros), payload)
        })
    }
}

/// Takes records and leaves none; it breaks off when nobody wants them any more.
pub(crate) type Feed<'a> = &'a mut dyn FnMut(&mut Records) -> ControlFlow<()>;

/// Folds what `feed` gives, from position 1 on and in order; with two threads or more it is read on one of them meanwhile. Shows the state after each event.
///
/// # Errors
/// What `feed` says, or which position cannot be read or folded.
pub(crate) fn fold(
    threads: usize,
    feed: impl FnOnce(Feed<'_>) -> Result<(), Failure> + Send,
    mut folded: impl FnMut(&State),
) -> Result<State, Failure> {
    let (mut state, mut decoder) = (State::new(), LogDecoder::default());
    let mut fold = |records: &Records| {
        records.iter().try_for_each(|(position, known, payload)| {
            let at = |why: String| Failure::new(FAILED, format!("position {position}: {why}"));
            let event = decoder.read(payload).map_err(at)?;
            let applied = state.apply(position, known, event);
            applied.map_err(|error| at(error.to_string()))?;
            folded(&state);
            Ok(())
        })
    };
    let done = if threads < 2 {
        alone(feed, &mut fold)
    } else {
        beside(feed, &mut fold)
    };
    done.map(|()| state)
}

type Fold<'a> = &'a mut dyn FnMut(&Records) -> Result<(), Failure>;

fn alone(
    feed: impl FnOnce(Feed<'_>) -> Result<(), Failure>,
    fold: Fold<'_>,
) -> Result<(), Failure> {
    let mut folded = Ok(());
    let fed = feed(&mut |records| {
        // Whoever gives more after a break gives it to nobody.
        if folded.is_ok() {
            folded = fold(records);
        }
        records.clear();
        match folded {
            Ok(()) => ControlFlow::Continue(()),
            Err(_) => ControlFlow::Break(()),
        }
    });
    folded.and(fed)
}

fn beside(
    feed: impl FnOnce(Feed<'_>) -> Result<(), Failure> + Send,
    fold: Fold<'_>,
) -> Result<(), Failure> {
    thread::scope(|scope| {
        let (full, batches) = sync_channel::<Records>(WAITING);
        let (spare, empty) = channel();
        let feeding = scope.spawn(move || {
            feed(&mut |records| {
                // What was folded is filled again.
                let records = std::mem::replace(records, empty.try_recv().unwrap_or_default());
                match full.send(records) {
                    Ok(()) => ControlFlow::Continue(()),
                    Err(_) => ControlFlow::Break(()),
                }
            })
        });
        let folded = batches.iter().try_for_each(|mut records| {
            fold(&records)?;
            records.clear();
            // Nobody wants it who has read everything.
            let _ = spare.send(records);
            Ok(())
        });
        // Whoever still waits to hand something over finds that nobody is there.
        drop(batches);
        let fed = feeding.join();
        folded.and(fed.unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
    })
}
