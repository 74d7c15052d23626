//! `tiendo bench query`: what a national load costs to rebuild, to hold and to ask about.
//!
//! A load that is made for it is asked about in a process of its own.
//! The log is folded from a cold start; then ingest and projection serve it in this process, with no bus, so that the
//! projection catches up from the log over gRPC as it does behind a bus that is down.
//! Clients and services share the machine.
//! Questions are asked of everybody in turn in every round; rebuilds run one after the other, each in all its rounds.
//!
//! - `question`: what is asked, the same of everybody who answers
//! - `tiendo`: the answers of the projection
//! - `postgres`: the answers of PostgreSQL over the same figures, with the feature `compare`
//! - `measure`: clients that ask, and how long each answer took

mod measure;
#[cfg_attr(not(feature = "compare"), path = "alone.rs")]
mod postgres;
mod question;
mod tiendo;

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use event_log::Log;
use host::{CancellationToken, Readiness, SystemClock, Today};
use jiff::ToSpan as _;
use jiff::tz::TimeZone;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::task::JoinHandle;

use super::append::{NO_BUS, Own};
use super::national::REFORM;
use super::replay::{Depth, read};
use super::{LEDGER, again, failed, generate, open, resident_mb, say, temporary};
use crate::Failure;
use crate::cli::{BenchGenerate, BenchQuery, Snapshots};
use crate::fail::{FAILED, NOT_FOUND, USAGE};
use crate::output::Output;
use crate::serve::{bind, projection_config, url};
use measure::{Row, show};
use postgres::Peer;
use question::{Answers, Plan, Question};
use tiendo::Tiendo;

/// How many times each question is asked of both before the clock starts.
const COMPARED: u64 = 50;

/// Asks about the log that was named, or makes one and asks about it in a new process.
pub(super) async fn run(options: BenchQuery, output: Output) -> Result<(), Failure> {
    if options.clients == 0 || options.rounds == 0 || options.days < 2 {
        let text = "--clients and --rounds are at least 1, --days at least 2";
        return Err(Failure::new(USAGE, text));
    }
    let end = options.from.saturating_add(i64::from(options.days).days());
    if options.from < REFORM && end > REFORM {
        let text = format!("--from and --days name days on both sides of {REFORM}; ask about one");
        return Err(Failure::new(USAGE, text));
    }
    if let Some(directory) = &options.directory {
        return ask(directory, &options, output).await;
    }
    let below = temporary(None)?;
    let directory = below.path().join("ingest");
    let load = generate::load_of(&BenchGenerate {
        directory: directory.clone(),
        ledger: LEDGER.to_owned(),
        from: options.from,
        days: options.days,
        communes: options.communes,
        seed: options.seed,
    })?;
    generate::make(&directory, LEDGER, load, output).await?;
    let [from, days] = [options.from.to_string(), options.days.to_string()];
    let [clients, rounds] = [options.clients, options.rounds].map(|count| count.to_string());
    let seconds = options.seconds.to_string();
    #[rustfmt::skip]
    let mut arguments = vec![
        "query", "--ledger", LEDGER, "--from", &from, "--days", &days, "--clients", &clients,
        "--rounds", &rounds, "--seconds", &seconds,
    ];
    if options.postgres {
        arguments.push("--postgres");
    }
    arguments.push("--directory");
    again(&arguments, directory.as_os_str(), output)
}

/// Measures everything about one log.
async fn ask(directory: &Path, options: &BenchQuery, output: Output) -> Result<(), Failure> {
    // Opening makes what is missing, and nobody asked for a new log.
    if !directory.join("sled").is_dir() {
        let text = format!("{} is no directory of a log", directory.display());
        return Err(Failure::new(NOT_FOUND, text));
    }
    say(output, "đang dựng lại trạng thái", "rebuilding the state");
    let (mut row, memory, mornings) = rebuild(directory, options)?;
    let (mut rows, mut peer) = (Vec::new(), None);
    if options.postgres {
        let (begun, rounds) = Peer::build(directory, options, output).await?;
        let other = Row::rate(format!("{}: {}", begun.name(), row.name), rounds);
        row.beside(&other);
        rows.extend([row, other]);
        peer = Some(begun);
    } else {
        rows.push(row);
    }
    let own = Own::start(directory, &options.ledger).await?;
    let begun = Instant::now();
    let reading = Reading::start(&own.address, &options.ledger).await?;
    let seconds = begun.elapsed().as_secs_f64();
    let plan = Arc::new(Plan::read(&reading.address, options, mornings, output).await?);
    let caught_up = plan.head as f64 / seconds;
    rows.push(Row::rate("catch-up over gRPC".to_owned(), vec![caught_up]));
    rows.extend(questions(&reading.address, &plan, peer, options, output).await?);
    reading.stop().await?;
    own.stop().await?;
    let about = json!({
        "events": plan.head,
        "communes": plan.communes.len(),
        "provinces": plan.provinces.len(),
        "ranking_answer_bytes": plan.ranking_bytes,
        "series": plan.indicators.len(),
        "from": options.from.to_string(),
        "days": options.days,
        "rounds": options.rounds,
        "seconds_per_round": options.seconds,
        "memory": memory.json(),
    });
    show(&rows, about, &memory.head(output.lang), output)
}

/// Asks every question, of both in every round.
async fn questions(
    projection: &str,
    plan: &Arc<Plan>,
    peer: Option<Peer>,
    options: &BenchQuery,
    output: Output,
) -> Result<Vec<Row>, Failure> {
    let each = Duration::try_from_secs_f64(options.seconds);
    let each = each.map_err(|error| Failure::caused(USAGE, &error))?;
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..options.clients {
        ours.push(Tiendo::connect(projection, plan, output.lang).await?);
        if let Some(peer) = &peer {
            theirs.push(peer.connect(plan).await?);
        }
    }
    if let (Some(ours), Some(theirs)) = (ours.first(), theirs.first()) {
        compare(ours.clone(), theirs.clone()).await?;
    }
    let mut rows = Vec::new();
    for (question, clients) in Question::with_clients(options.clients) {
        let name = question.name();
        say(
            output,
            &format!("đang đo {name}, {clients} máy khách"),
            &format!("measuring {name}, {clients} clients"),
        );
        let mut row = Row::asked(name.to_owned(), clients);
        let other = peer.as_ref().map(|peer| format!("{}: {name}", peer.name()));
        let mut other = other.map(|name| Row::asked(name, clients));
        for round in 0..=options.rounds {
            row.round(&ours, question, round, each).await?;
            if let Some(other) = &mut other {
                other.round(&theirs, question, round, each).await?;
            }
        }
        if let Some(other) = &other {
            row.beside(other);
        }
        rows.push(row);
        rows.extend(other);
    }
    Ok(rows)
}

/// Whether both give the same answers, before anybody looks at the clock.
async fn compare(mut ours: impl Answers, mut theirs: impl Answers) -> Result<(), Failure> {
    for question in Question::ALL {
        for n in 0..COMPARED {
            let (one, other) = (
                ours.answer(question, n).await?,
                theirs.answer(question, n).await?,
            );
            if one != other {
                let text = format!("question {n} of '{}' has two answers", question.name());
                return Err(Failure::new(FAILED, text));
            }
        }
    }
    Ok(())
}

/// What the state takes.
struct Memory {
    figures: state::FigureMemory,
    /// What the process has more than before it was folded, in millions of bytes.
    resident_mb: f64,
}

impl Memory {
    fn per_figure(&self, bytes: f64) -> f64 {
        bytes / self.figures.figures.max(1) as f64
    }

    fn json(&self) -> Value {
        let figures = &self.figures;
        json!({
            "figures": figures.figures,
            "series": figures.series,
            "bytes": figures.bytes(),
            "bytes_per_figure": self.per_figure(figures.bytes() as f64),
            "points": figures.points,
            "details": figures.details,
            "tables": figures.tables,
            "origins": figures.origins,
            "corrections": figures.corrections,
            "texts": figures.texts,
            "resident_mb": self.resident_mb,
            "resident_bytes_per_figure": self.per_figure(self.resident_mb * 1e6),
        })
    }

    fn head(&self, lang: crate::lang::Lang) -> String {
        let count = lang.count(self.figures.figures as u64);
        let each = self.per_figure(self.figures.bytes() as f64);
        let (resident, all) = (self.resident_mb, self.per_figure(self.resident_mb * 1e6));
        lang.pick(
            format!("{count} số liệu, {each:.1} byte mỗi số; cả trạng thái chiếm {resident:.0} MB, {all:.1} byte mỗi số"),
            format!("{count} figures of {each:.1} bytes each; the whole state takes {resident:.0} MB, {all:.1} bytes a figure"),
        )
    }
}

/// Folds the log from a cold start in every round; gives what that took, and the position known by noon after each day.
fn rebuild(directory: &Path, options: &BenchQuery) -> Result<(Row, Memory, Vec<u64>), Failure> {
    let log = open(directory, &options.ledger, Arc::new(|| 0))?;
    let head = log.head();
    let (mut rounds, mut memory) = (Vec::new(), None);
    for _ in 0..options.rounds {
        let before = resident_mb("VmRSS:")?;
        let begun = Instant::now();
        let state = read(&log, Depth::FoldedBeside)?;
        rounds.push(head as f64 / begun.elapsed().as_secs_f64());
        // Later rounds find memory that the allocator has kept.
        if memory.is_none() {
            memory = Some(Memory {
                figures: state.figure_memory(),
                resident_mb: resident_mb("VmRSS:")? - before,
            });
        }
    }
    let mornings = mornings(&log, options)?;
    log.close();
    let memory = memory.ok_or_else(|| Failure::new(USAGE, "--rounds is at least 1"))?;
    Ok((Row::rate("rebuild".to_owned(), rounds), memory, mornings))
}

/// What was on record at noon after each day.
fn mornings(log: &Log, options: &BenchQuery) -> Result<Vec<u64>, Failure> {
    let noon = |index: u32| {
        let day = options.from.saturating_add(i64::from(index + 1).days());
        let noon = day.at(12, 0, 0, 0).to_zoned(TimeZone::UTC);
        let noon = noon.map_err(failed)?.timestamp().as_microsecond();
        log.position_known_at(noon).map_err(failed)
    };
    (0..options.days).map(noon).collect()
}

/// A projection in this process, which has caught up with the log.
struct Reading {
    address: String,
    stop: CancellationToken,
    running: JoinHandle<Result<(), projection::Error>>,
    /// Where it would keep its state.
    _data: TempDir,
}

impl Reading {
    async fn start(log: &str, ledger: &str) -> Result<Self, Failure> {
        let data = temporary(None)?;
        let never = Snapshots { snapshot_every: 0 };
        let config = projection_config(data.path(), &never, ledger, NO_BUS, log, Today::Real);
        let service = projection::build(config, Arc::new(SystemClock)).map_err(failed)?;
        let listener = bind(0, "bench").await?;
        let address = url(&listener)?;
        let (readiness, stop) = (Readiness::new(), CancellationToken::new());
        let run = service.run(listener, readiness.clone(), stop.clone());
        let mut running = host::task::spawn("bench-projection", run);
        tokio::select! {
            () = readiness.ready() => {}
            ended = &mut running => {
                ended.map_err(failed)?.map_err(failed)?;
                return Err(Failure::new(FAILED, "the projection ended before it was ready"));
            }
        }
        Ok(Self {
            address,
            stop,
            running,
            _data: data,
        })
    }

    async fn stop(self) -> Result<(), Failure> {
        self.stop.cancel();
        self.running.await.map_err(failed)?.map_err(failed)
    }
}

#[cfg(test)]
mod tests;
