//! `tiendo bench replay`: a log from a cold start, on one core, and folded on several.
//!
//! A log that is made for it is read in a process of its own, so that neither its memory nor its caches are warm with the
//! making; the operating system's page cache is.

use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use event_log::{Append, Log, NewEvent, RecordRef};
use prost::Message as _;
use serde_json::json;
use state::State;
use uuid::Uuid;
use wire::event::LogDecoder;
use wire::time::of_micros;

use super::sample::Sampler;
use super::{
    LEDGER, Row, again, disk_bytes, failed, open, open_existing, resident_mb, say, show, temporary,
};
use crate::Failure;
use crate::cli::BenchReplay;
use crate::dataset::Set;
use crate::fail::FAILED;
use crate::fold::{Feed, Records, fold};
use crate::output::Output;

/// Events of one request of the log that is made.
const BATCH: usize = 100;
/// Requests that are made at once.
const REQUESTS: usize = 500;
/// Milliseconds since the Unix epoch at which the log that is made begins.
const FIRST_MS: u64 = 1_790_000_000_000;

/// Threads where one reads and one folds.
const BESIDE: usize = 2;
/// Records handed over at once.
const HANDED_OVER: usize = 1_000;

/// Reads the log that was named, or makes one and reads it in a new process.
pub(super) async fn run(options: BenchReplay, output: Output) -> Result<(), Failure> {
    if let Some(directory) = &options.directory {
        return replay(directory, &options, output);
    }
    let below = temporary(None)?;
    let directory = below.path().join("ingest");
    say(
        output,
        &format!("đang tạo {} sự kiện", options.events),
        &format!("making {} events", options.events),
    );
    make(&directory, options.events).await?;
    let rounds = options.rounds.to_string();
    let directory = directory.as_os_str();
    let arguments = [
        "replay",
        "--ledger",
        LEDGER,
        "--rounds",
        &rounds,
        "--directory",
    ];
    again(&arguments, directory, output)
}

/// The places, the catalogue and so many figures, in a new log.
async fn make(directory: &Path, events: u64) -> Result<(), Failure> {
    let begun = Instant::now();
    let now = move || FIRST_MS as i64 * 1_000 + begun.elapsed().as_micros() as i64;
    let log = open(directory, LEDGER, Arc::new(now))?;
    for set in [Set::Gazetteer, Set::Catalogue] {
        for (request_id, events) in set.batches().map_err(failed)? {
            let events = events.iter().map(|event| NewEvent {
                subject: event.body.subject().revision_key().into(),
                expected_revision: None,
                payload: wire::event::to_bytes(event).into(),
                attribute: None,
            });
            let append = Append {
                request_id: request_id.into_bytes(),
                events: events.collect(),
            };
            log.append(append).await.map_err(failed)?;
        }
    }
    let mut sampler = Sampler::new()?;
    let (mut made, mut requests) = (0, 0);
    while made < events {
        let mut group = Vec::with_capacity(REQUESTS);
        while made < events && group.len() < REQUESTS {
            let batch = BATCH.min((events - made) as usize);
            group.push(figures(&mut sampler, requests, batch)?);
            made += batch as u64;
            requests += 1;
        }
        for verdict in log.append_all(group).await {
            verdict.map_err(failed)?;
        }
    }
    log.seal().map_err(failed)?;
    log.close();
    Ok(())
}

/// One request; its id is of the time at which the log is made.
fn figures(sampler: &mut Sampler, request: u64, events: usize) -> Result<Append, Failure> {
    let millis = FIRST_MS + request;
    let timestamp = uuid::Timestamp::from_unix(
        uuid::NoContext,
        millis / 1_000,
        (millis % 1_000 * 1_000_000) as u32,
    );
    let request_id = Uuid::new_v7(timestamp);
    let mut news = Vec::with_capacity(events);
    for message in sampler.events(request_id, events) {
        let event = wire::event::accept(&message).map_err(|why| Failure::new(FAILED, why))?;
        news.push(NewEvent {
            subject: event.body.subject().revision_key().into(),
            expected_revision: None,
            payload: message.encode_to_vec().into(),
            attribute: None,
        });
    }
    Ok(Append {
        request_id: request_id.into_bytes(),
        events: news,
    })
}

/// How far each record is taken.
#[derive(Debug, Clone, Copy)]
pub(super) enum Depth {
    /// Out of the log.
    Record,
    /// To an event of the domain.
    Decoded,
    /// Into the state that answers questions.
    Folded,
    /// The same, read by another thread.
    FoldedBeside,
}

impl Depth {
    const ALL: [(Self, &'static str); 4] = [
        (Self::Record, "records"),
        (Self::Decoded, "decoded"),
        (Self::Folded, "folded"),
        (Self::FoldedBeside, "folded, read by another thread"),
    ];
}

/// Opens a log that nobody holds and reads it to each depth, in turn.
fn replay(directory: &Path, options: &BenchReplay, output: Output) -> Result<(), Failure> {
    let rounds = options.rounds.max(1);
    let begun = Instant::now();
    let log = open_existing(directory, &options.ledger)?;
    let open_ms = begun.elapsed().as_secs_f64() * 1e3;
    let open_mb = resident_mb("VmRSS:")?;
    let head = log.head();
    let bytes = disk_bytes(directory)? as f64 / head.max(1) as f64;
    let mut rows = Depth::ALL.map(|(_, name)| Row {
        name: name.to_owned(),
        bytes_per_event: Some(bytes),
        ..Row::default()
    });
    let mut log_mb = open_mb;
    for _ in 0..rounds {
        for ((depth, _), row) in Depth::ALL.into_iter().zip(&mut rows) {
            let begun = Instant::now();
            read(&log, depth)?;
            row.rounds.push(head as f64 / begun.elapsed().as_secs_f64());
            if matches!(depth, Depth::Record) {
                log_mb = resident_mb("VmRSS:")?;
            }
        }
    }
    let peak_mb = resident_mb("VmHWM:")?;
    let count = output.lang.count(head);
    let head_line = output.lang.pick(
        format!("{count} sự kiện; mở sổ hết {open_ms:.0} ms, bộ nhớ khi đó {open_mb:.0} MB, sau khi đọc {log_mb:.0} MB, với trạng thái tối đa {peak_mb:.0} MB"),
        format!("{count} events; opened in {open_ms:.0} ms, {open_mb:.0} MB resident then, {log_mb:.0} MB after reading, {peak_mb:.0} MB at most with the state"),
    );
    let about = json!({
        "events": head,
        "rounds": rounds,
        "open_ms": open_ms,
        "open_resident_mb": open_mb,
        "read_resident_mb": log_mb,
        "peak_resident_mb": peak_mb,
    });
    show(&rows, about, &head_line, output)
}

/// Reads the whole log; gives the state that came of it, which is empty unless it was folded.
pub(super) fn read(log: &Log, depth: Depth) -> Result<State, Failure> {
    if matches!(depth, Depth::FoldedBeside) {
        return fold(BESIDE, |feed| feed_all(log, feed), |_| ());
    }
    let (mut state, mut decoder) = (State::new(), LogDecoder::default());
    let (mut sum, mut stopped) = (0, None);
    let mut each = |record: RecordRef<'_>| {
        sum += record.payload.len();
        match take(record, depth, &mut decoder, &mut state) {
            Ok(()) => ControlFlow::Continue(()),
            Err(failure) => {
                stopped = Some(failure);
                ControlFlow::Break(())
            }
        }
    };
    log.scan(1, u64::MAX, &mut |_| true, &mut each)
        .map_err(failed)?;
    std::hint::black_box((sum, state.position()));
    stopped.map_or(Ok(state), Err)
}

/// Gives all records of a log in batches.
fn feed_all(log: &Log, feed: Feed<'_>) -> Result<(), Failure> {
    let mut records = Records::default();
    let mut each = |record: RecordRef<'_>| {
        records.push(record.position, record.known_micros, record.payload);
        if records.len() < HANDED_OVER {
            return ControlFlow::Continue(());
        }
        feed(&mut records)
    };
    log.scan(1, u64::MAX, &mut |_| true, &mut each)
        .map_err(failed)?;
    // The last: whether anybody wants it makes no difference.
    let _ = feed(&mut records);
    Ok(())
}

fn take(
    record: RecordRef<'_>,
    depth: Depth,
    decoder: &mut LogDecoder,
    state: &mut State,
) -> Result<(), Failure> {
    if matches!(depth, Depth::Record) {
        return Ok(());
    }
    let event = decoder
        .read(record.payload)
        .map_err(|why| Failure::new(FAILED, format!("position {}: {why}", record.position)))?;
    if matches!(depth, Depth::Decoded) {
        std::hint::black_box(event);
        return Ok(());
    }
    state
        .apply(record.position, of_micros(record.known_micros), event)
        .map_err(failed)
}
