//! Reading everything in order, from a cold start; and what the log takes on disk and in memory meanwhile.

use std::path::Path;
use std::rc::Rc;

use tokio::runtime::Runtime;

use super::contender::{Contender, Load};
use super::log::{Cold, Way, disk_bytes, read_cold};
use super::report::{Report, Row, Spread};
use super::sample::Sampler;
use super::{Result, Settings, ours};

/// How a store is filled: as fast as it goes.
const FILL: Load = Load {
    clients: 1,
    in_flight: 8,
    batch: 100,
};
/// Requests made at once while filling.
const FILL_REQUESTS: usize = 2_000;

/// Fills, reads and reports everybody.
pub(crate) fn measure(
    settings: &Settings,
    runtime: &Rc<Runtime>,
    below: &Path,
    others: &mut [Box<dyn Contender>],
    report: &mut Report,
) -> Result<()> {
    let events = settings.read_events;
    report.section(&format!(
        "Reading {events} events in order (the log in a new process each time)"
    ))?;
    let (mut log, mut files) = ours(runtime, below);
    fill(&mut log, events)?;
    let sealed = log.disk_bytes()?.unwrap_or_default() as f64 / events as f64;
    let mut file = files.swap_remove(0);
    let mut contenders: Vec<&mut dyn Contender> = vec![&mut file];
    if !settings.log_alone() {
        contenders.extend(others.iter_mut().map(|o| &mut **o as &mut dyn Contender));
    }
    for contender in &mut contenders {
        fill(*contender, events)?;
    }
    let before = log.log()?.statistics();
    report.say(&format!("log before compaction: {before:?}"))?;
    log.log()?.compact(|_| ())?;
    let directory = log.close()?;
    let compacted = disk_bytes(directory.path())? as f64 / events as f64;

    let mut rates = vec![Vec::new(); contenders.len()];
    let mut colds: [Vec<Cold>; 2] = [Vec::new(), Vec::new()];
    for _ in 0..settings.rounds {
        for (cold, way) in colds.iter_mut().zip([Way::Read, Way::Scan]) {
            cold.push(read_cold(directory.path(), way)?);
        }
        for (contender, rates) in contenders.iter_mut().zip(&mut rates) {
            let (read, elapsed) = contender.read_all()?;
            if read != events {
                return Err(format!("{} gave {read} of {events}", contender.name()).into());
            }
            rates.push(read as f64 / elapsed.as_secs_f64());
        }
    }
    let limit = rates[0].clone();
    for (cold, name) in colds.iter().zip(["log, read", "log, scan"]) {
        report.row(cold_row(name, cold, &limit, [sealed, compacted]))?;
    }
    for (contender, rates) in contenders.iter_mut().zip(rates) {
        let bytes = contender.disk_bytes()?;
        let mut row = row(contender.name(), rates, &limit);
        row.bytes_per_event = bytes.map(|bytes| bytes as f64 / events as f64);
        report.row(row)?;
    }
    Ok(())
}

fn fill(contender: &mut dyn Contender, events: u64) -> Result<()> {
    contender.begin()?;
    let mut sampler = Sampler::default();
    let mut left = events as usize;
    while left > 0 {
        let requests = (left / FILL.batch).min(FILL_REQUESTS);
        let made = if requests == 0 {
            sampler.requests(1, left)
        } else {
            sampler.requests(requests, FILL.batch)
        };
        left -= (requests * FILL.batch).max(if requests == 0 { left } else { 0 });
        contender.append(FILL, made)?;
    }
    contender.settle()
}

fn row(name: String, rounds: Vec<f64>, limit: &[f64]) -> Row {
    let ratios: Vec<f64> = rounds.iter().zip(limit).map(|(r, l)| r / l).collect();
    Row {
        section: "read",
        name,
        clients: 0,
        in_flight: 0,
        batch: 0,
        ratio_to_file: Some(Spread::of(&ratios).median),
        commit_events: None,
        bytes_per_event: None,
        rounds,
        more: Vec::new(),
    }
}

fn cold_row(name: &str, colds: &[Cold], limit: &[f64], [sealed, compacted]: [f64; 2]) -> Row {
    let over = |value: &dyn Fn(&Cold) -> f64| {
        Spread::of(&colds.iter().map(value).collect::<Vec<_>>()).median
    };
    let rates = colds
        .iter()
        .map(|cold| cold.events as f64 / cold.read.as_secs_f64());
    let open_ms = over(&|cold| cold.open.as_secs_f64() * 1e3);
    let open_mb = over(&|cold| cold.open_resident as f64 / 1e6);
    let peak_mb = over(&|cold| cold.peak_resident as f64 / 1e6);
    let mut row = row(name.to_owned(), rates.collect(), limit);
    row.bytes_per_event = Some(sealed);
    row.more = vec![
        (
            "compacted_bytes_per_event",
            compacted,
            format!("{compacted:.1} compacted"),
        ),
        ("open_ms", open_ms, format!("opened in {open_ms:.0} ms")),
        ("open_resident_mb", open_mb, format!("{open_mb:.0} MB then")),
        (
            "peak_resident_mb",
            peak_mb,
            format!("{peak_mb:.0} MB at most"),
        ),
    ];
    row
}
