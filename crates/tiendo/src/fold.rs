//! A log folded on this machine: what it holds is read, decoded and folded at the same time.
//!
//! Decoding takes longer than folding and needs nothing from the events before, so it is shared out; folding keeps the
//! order of the log, and so comes to the same state however many threads there are and wherever batches end.

use std::ops::ControlFlow;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use bytes::Bytes;
use domain::Event;
use jiff::Timestamp;
use state::State;
use wire::time::of_micros;

use crate::Failure;
use crate::fail::FAILED;

/// Batches that wait for each thread.
const WAITING: usize = 2;

/// A record of the log: its position, when it was known in microseconds since 1970, and its bytes.
pub(crate) type Raw = (u64, i64, Bytes);

type Decoded = Result<Vec<(u64, Timestamp, Event)>, String>;

/// Where records are given to; it breaks off when nobody wants them any more.
pub(crate) type Feed<'a> = &'a mut dyn FnMut(Vec<Raw>) -> ControlFlow<()>;

/// Folds what `feed` gives, from position 1 on and in order, decoded by so many threads; shows the state after each event.
///
/// # Errors
/// What `feed` says, or which position cannot be read or folded.
pub(crate) fn fold(
    threads: usize,
    feed: impl FnOnce(Feed<'_>) -> Result<(), Failure> + Send,
    mut folded: impl FnMut(&State),
) -> Result<State, Failure> {
    thread::scope(|scope| {
        let workers = (0..threads.max(1)).map(|_| {
            let (raw, batches) = sync_channel(WAITING);
            let (done, decoded) = sync_channel(WAITING);
            scope.spawn(move || decode_all(&batches, &done));
            (raw, decoded)
        });
        let (raws, decoded): (Vec<SyncSender<Vec<Raw>>>, Vec<Receiver<Decoded>>) = workers.unzip();
        let feeding = scope.spawn(move || {
            let mut turns = raws.iter().cycle();
            feed(
                &mut |batch| match turns.next().map(|turn| turn.send(batch)) {
                    Some(Ok(())) => ControlFlow::Continue(()),
                    _ => ControlFlow::Break(()),
                },
            )
        });
        let state = fold_all(&decoded, &mut folded);
        // Whoever still waits to hand something over finds that nobody is there.
        drop(decoded);
        let fed = feeding
            .join()
            .unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        let state = state.map_err(|why| Failure::new(FAILED, why))?;
        fed.map(|()| state)
    })
}

fn decode_all(batches: &Receiver<Vec<Raw>>, done: &SyncSender<Decoded>) {
    for batch in batches {
        let decoded = batch.iter().map(|(position, known_micros, payload)| {
            let event = wire::event::decode_logged(payload)
                .map_err(|why| format!("position {position}: {why}"))?;
            Ok((*position, of_micros(*known_micros), event))
        });
        if done.send(decoded.collect()).is_err() {
            return;
        }
    }
}

/// Takes the batches in the order in which they were given out: in turn from each thread.
fn fold_all(
    decoded: &[Receiver<Decoded>],
    folded: &mut impl FnMut(&State),
) -> Result<State, String> {
    let mut state = State::new();
    for turn in decoded.iter().cycle() {
        let Ok(batch) = turn.recv() else { break };
        for (position, known, event) in batch? {
            let applied = state.apply(position, known, &event);
            applied.map_err(|error| error.to_string())?;
            folded(&state);
        }
    }
    Ok(state)
}
