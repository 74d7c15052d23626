//! Appending batches of 64 to the log and to a plain file with `fdatasync`, side by side.
//!
//! `cargo bench -p event-log`; the plain file is the limit of what the disk gives.

use std::fs::File;
use std::io::Write;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use event_log::{Append, Error, Log, NewEvent, Options, ReadLimit};

const BATCH: u64 = 64;
const BATCHES: u64 = 2_000;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let directory = tempfile::tempdir()?;
    let plain = plain_file(&directory.path().join("plain"))?;
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    let log = Log::open(Options::at(directory.path().join("log")), Arc::new(|| 0))?;

    let start = Instant::now();
    for batch in 0..BATCHES {
        runtime.block_on(log.append(request(batch)))?;
    }
    let one = rate(start);
    let start = Instant::now();
    runtime.block_on(eight_clients(&log))?;
    let eight = rate(start);
    let start = Instant::now();
    let read = read_all(&log)?;
    let scan = read as f64 / start.elapsed().as_secs_f64();

    let mut out = std::io::stdout().lock();
    writeln!(
        out,
        "plain file, fdatasync per batch of {BATCH}: {plain:9.0} events/s"
    )?;
    writeln!(
        out,
        "log, one client with batches of {BATCH}:    {one:9.0} events/s, {:.2} of the file",
        one / plain
    )?;
    writeln!(
        out,
        "log, eight clients with batches of {BATCH}: {eight:9.0} events/s"
    )?;
    writeln!(
        out,
        "log, sequential read:                 {scan:9.0} events/s"
    )?;
    let bytes = log.statistics().disk_bytes as f64 / log.head() as f64;
    writeln!(out, "disk: {bytes:.0} bytes/event")?;
    Ok(())
}

fn rate(start: Instant) -> f64 {
    (BATCH * BATCHES) as f64 / start.elapsed().as_secs_f64()
}

/// Some 190 bytes that look like a reported figure.
fn payload(number: u64) -> Vec<u8> {
    let noise = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let text = format!(
        "{{\"locality\":\"{}\",\"indicator\":\"eid.activated\",\"value\":{},\"denominator\":{},\
         \"effective\":\"2025-07-{:02}T00:00+07:00\",\"source\":\"bulletin\",\"document\":\"{noise:016x}\",\
         \"organisation\":\"commune police\"}}",
        20_000 + noise % 3_321,
        noise % 300_000,
        300_000 + noise % 7,
        1 + number % 28,
    );
    text.into_bytes()
}

fn request(batch: u64) -> Append {
    let mut request_id = [0; 16];
    request_id[8..].copy_from_slice(&batch.to_be_bytes());
    let events = (batch * BATCH..(batch + 1) * BATCH).map(|number| NewEvent {
        subject: format!("locality/{}", number % 3_321).into(),
        expected_revision: None,
        payload: Bytes::from(payload(number)),
    });
    Append {
        request_id,
        events: events.collect(),
    }
}

fn plain_file(path: &std::path::Path) -> std::io::Result<f64> {
    let mut file = File::create(path)?;
    let start = Instant::now();
    for batch in 0..BATCHES {
        let bytes: Vec<u8> = (batch * BATCH..(batch + 1) * BATCH)
            .flat_map(payload)
            .collect();
        file.write_all(&bytes)?;
        file.sync_data()?;
    }
    Ok(rate(start))
}

async fn eight_clients(log: &Log) -> Result<(), Error> {
    let client = |client: u64| async move {
        for batch in (BATCHES..2 * BATCHES).filter(|batch| batch % 8 == client) {
            log.append(request(batch)).await?;
        }
        Ok(())
    };
    tokio::try_join!(
        client(0),
        client(1),
        client(2),
        client(3),
        client(4),
        client(5),
        client(6),
        client(7),
    )
    .map(|_| ())
}

fn read_all(log: &Log) -> Result<usize, Error> {
    let mut read = 0;
    while (read as u64) < log.head() {
        let limit = ReadLimit {
            events: 4_096,
            bytes: usize::MAX,
        };
        read += log.read(read as u64 + 1, limit)?.len();
    }
    Ok(read)
}
