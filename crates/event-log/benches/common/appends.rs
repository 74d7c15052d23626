//! Appending under several loads, everybody in turn.

use std::path::Path;
use std::rc::Rc;
use std::time::{Duration, Instant};

use tokio::runtime::Runtime;

use super::contender::{Contender, Load};
use super::report::{Report, Row, Spread};
use super::sample::Sampler;
use super::{Result, Settings, ours};

/// Loads in lock-step, and some with requests in flight.
const LOADS: [Load; 11] = [
    load(1, 1, 1),
    load(8, 1, 1),
    load(64, 1, 1),
    load(1, 64, 1),
    load(1, 1, 64),
    load(1, 4, 64),
    load(1, 1, 100),
    load(1, 4, 100),
    load(8, 1, 100),
    load(1, 1, 1_000),
    load(1, 4, 1_000),
];

const fn load(clients: usize, in_flight: usize, batch: usize) -> Load {
    Load {
        clients,
        in_flight,
        batch,
    }
}

/// Most events of one measurement, since they are made before the clock starts.
const EVENTS_MAX: usize = 1_000_000;

/// A contender under one load.
struct Turn<'a> {
    contender: &'a mut dyn Contender,
    sampler: Sampler,
    /// Requests of one round, so that it takes about as long as was asked for.
    requests: usize,
    events: u64,
    commits: Option<u64>,
    rates: Vec<f64>,
    /// The same with the time until everything behind the scene was done as well.
    settled: Vec<f64>,
}

/// Measures every load and reports a row for each contender.
pub(crate) fn measure(
    settings: &Settings,
    runtime: &Rc<Runtime>,
    below: &Path,
    others: &mut [Box<dyn Contender>],
    report: &mut Report,
) -> Result<()> {
    report.section("Appending: acknowledged when durable")?;
    let (mut log, mut files) = ours(runtime, below);
    for load in LOADS {
        let mut turns: Vec<Turn<'_>> = std::iter::once(&mut log as &mut dyn Contender)
            .chain(files.iter_mut().map(|file| file as &mut dyn Contender))
            .chain(
                others
                    .iter_mut()
                    .map(|other| &mut **other as &mut dyn Contender),
            )
            .filter(|contender| contender.takes(load))
            .map(Turn::new)
            .collect();
        for turn in &mut turns {
            turn.contender.begin()?;
            turn.warm_up(load, settings.each)?;
        }
        for round in 0..settings.rounds {
            let first = round % turns.len();
            turns.rotate_left(first);
            for turn in &mut turns {
                turn.round(load)?;
            }
            turns.rotate_right(first);
        }
        let limit = turns[1].rates.clone();
        for turn in turns {
            report.row(turn.row(load, &limit)?)?;
        }
        report.say("")?;
    }
    Ok(())
}

impl<'a> Turn<'a> {
    fn new(contender: &'a mut dyn Contender) -> Turn<'a> {
        Turn {
            contender,
            sampler: Sampler::default(),
            requests: 0,
            events: 0,
            commits: None,
            rates: Vec::new(),
            settled: Vec::new(),
        }
    }

    /// Finds out how many requests fill a round.
    fn warm_up(&mut self, load: Load, each: Duration) -> Result<()> {
        let lanes = load.lanes();
        let most = (EVENTS_MAX / load.batch).max(lanes);
        let mut requests = lanes * 4;
        loop {
            let made = self.sampler.requests(requests, load.batch);
            let run = self.contender.append(load, made)?;
            self.events += (requests * load.batch) as u64;
            let share = run.elapsed.as_secs_f64() / each.as_secs_f64();
            if share >= 0.2 || requests >= most {
                let wanted = (requests as f64 / share) as usize;
                self.requests = wanted.clamp(lanes, most).next_multiple_of(lanes);
                return self.contender.settle();
            }
            requests = (requests * 4).min(most);
        }
    }

    fn round(&mut self, load: Load) -> Result<()> {
        let made = self.sampler.requests(self.requests, load.batch);
        let events = (self.requests * load.batch) as u64;
        let run = self.contender.append(load, made)?;
        let behind = Instant::now();
        self.contender.settle()?;
        let settled = run.elapsed + behind.elapsed();
        self.events += events;
        self.rates.push(events as f64 / run.elapsed.as_secs_f64());
        self.settled.push(events as f64 / settled.as_secs_f64());
        if let Some(commits) = run.commits {
            *self.commits.get_or_insert(0) += commits;
        }
        Ok(())
    }

    fn row(self, load: Load, limit: &[f64]) -> Result<Row> {
        let ratios: Vec<f64> = self.rates.iter().zip(limit).map(|(r, l)| r / l).collect();
        let measured = (self.requests * load.batch * self.rates.len()) as f64;
        let bytes = self.contender.disk_bytes()?;
        self.contender.end()?;
        Ok(Row {
            section: "append",
            name: self.contender.name(),
            clients: load.clients,
            in_flight: load.in_flight,
            batch: load.batch,
            ratio_to_file: Some(Spread::of(&ratios).median),
            commit_events: self.commits.map(|commits| measured / commits as f64),
            bytes_per_event: bytes.map(|bytes| bytes as f64 / self.events as f64),
            more: settled(&self.rates, &self.settled),
            rounds: self.rates,
        })
    }
}

/// What is worth a word only where something goes on behind the scene.
fn settled(rates: &[f64], settled: &[f64]) -> Vec<(&'static str, f64, String)> {
    let (rate, settled) = (Spread::of(rates).median, Spread::of(settled).median);
    if settled > rate * 0.99 {
        return Vec::new();
    }
    vec![(
        "settled_events_per_s",
        settled.round(),
        format!("{settled:.0} with settling"),
    )]
}
