//! `tiendo bench query`: what a national load costs to rebuild, to hold and to ask about.
//!
//! A load that is made for it is asked about in a process of its own.
//! The log is folded from a cold start; then ingest and projection serve it in this process, and the projection catches up from the log over gRPC.
//! Clients and services share the machine.
//! Questions are asked of everybody in turn in every round; rebuilds run one after the other, each in all its rounds.
//! What is read a lot is asked in a closed loop, which tells how much is answered at most, and at a rate, which tells how long an answer takes while not all is asked for that can be given.
//! At last the projection takes a snapshot and starts from it, and figures are recorded and read at once; for that a nats-server is started, whose stream begins behind what the log held.
//!
//! - `cold`: the log folded, and what the state takes
//! - `question`: what is asked, the same of everybody who answers
//! - `tiendo`: the answers of the projection
//! - `postgres`: the answers of PostgreSQL over the same figures, with the feature `compare`
//! - `measure`: clients that ask, and how long each answer took
//! - `live`: the services in this process, and their bus
//! - `restart`: a start from a snapshot
//! - `recorded`: what is recorded meanwhile
//! - `goal`: what was aimed at

mod cold;
mod goal;
mod live;
mod measure;
#[cfg_attr(not(feature = "compare"), path = "alone.rs")]
mod postgres;
mod question;
mod recorded;
mod restart;
mod tiendo;

use std::ffi::OsString;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bus::server::Search;
use jiff::ToSpan as _;
use serde_json::json;

use super::national::REFORM;
use super::{LEDGER, again, failed, generate, say, temporary};
use crate::cli::{BenchLoad, BenchQuery};
use crate::fail::{FAILED, NOT_FOUND, USAGE};
use crate::output::Output;
use crate::{Failure, Surroundings};
use cold::rebuild;
use goal::{MANY, unlike};
use live::{Live, Reading};
use postgres::Peer;
use question::{Answers, Plan, Question};
use recorded::{Recorder, Rows, record_many};
use restart::{AT_THE_END, Restart};
use tiendo::Tiendo;

pub(super) use goal::Goal;
pub(super) use live::Bus;
pub(super) use measure::{Pace, Row, deal, show};

/// How many times each question is asked of both before the clock starts.
const COMPARED: u64 = 50;
/// Events that are newer than the snapshot of which a start is measured, if any may be recorded.
const NEWER: u64 = 10_000;

/// Asks about the log that was named, or makes one and asks about it in a new process.
pub(super) async fn run(
    options: BenchQuery,
    surroundings: Surroundings,
    output: Output,
) -> Result<(), Failure> {
    let load = &options.load;
    if options.clients == 0 || options.rounds == 0 || options.rate == 0 || load.days < 2 {
        let text = "--clients, --rounds and --rate are at least 1, --days at least 2";
        return Err(Failure::new(USAGE, text));
    }
    let end = load.from.saturating_add(i64::from(load.days).days());
    if load.from < REFORM && end > REFORM {
        let text = format!("--from and --days name days on both sides of {REFORM}; ask about one");
        return Err(Failure::new(USAGE, text));
    }
    if let Some(directory) = &options.directory {
        let search = crate::up::search(&options.nats, surroundings, Default::default);
        return ask(directory, &options, search, output).await;
    }
    let below = temporary(None)?;
    let directory = below.path().join("ingest");
    let load = BenchLoad {
        ledger: LEDGER.to_owned(),
        ..load.clone()
    };
    generate::make(&directory, LEDGER, generate::load_of(&load)?, output).await?;
    again(&arguments(&options), directory.as_os_str(), output)
}

/// The arguments of the process that asks about the log that was made, up to its directory.
fn arguments(options: &BenchQuery) -> Vec<OsString> {
    let load = &options.load;
    let told = [
        ("--ledger", LEDGER.to_owned()),
        ("--from", load.from.to_string()),
        ("--days", load.days.to_string()),
        ("--clients", options.clients.to_string()),
        ("--rate", options.rate.to_string()),
        ("--rounds", options.rounds.to_string()),
        ("--seconds", options.seconds.to_string()),
    ];
    let told = told.map(|(flag, value)| [flag.into(), value.into()]);
    let mut arguments = vec!["query".into(), "--keep-made-up-figures".into()];
    arguments.extend(told.into_iter().flatten());
    let nats = &options.nats;
    for (flag, path) in [
        ("--nats-server", &nats.nats_server),
        ("--cache", &nats.cache),
    ] {
        if let Some(path) = path {
            arguments.extend([flag.into(), path.into()]);
        }
    }
    if options.postgres {
        arguments.push("--postgres".into());
    }
    arguments.push("--directory".into());
    arguments
}

/// Measures everything about one log.
async fn ask(
    directory: &Path,
    options: &BenchQuery,
    search: Search,
    output: Output,
) -> Result<(), Failure> {
    // Opening makes what is missing, and nobody asked for a new log.
    if !directory.join("sled").is_dir() {
        let text = format!("{} is no directory of a log", directory.display());
        return Err(Failure::new(NOT_FOUND, text));
    }
    say(output, "đang dựng lại trạng thái", "rebuilding the state");
    let mut cold = rebuild(directory, options)?;
    let mut rows = vec![cold.row];
    let mut peer = None;
    if options.postgres {
        let (begun, rounds) = Peer::build(directory, options, output).await?;
        let other = Row::rate(format!("{}: rebuild", begun.name()), rounds);
        rows[0].beside(&other, begun.name());
        rows.push(other);
        peer = Some(begun);
    }
    rows.push(cold.memory.row());
    let bus = bus(options, search, cold.head, output).await?;
    let live = Live::start(directory, &options.load.ledger, bus).await?;
    let begun = Instant::now();
    let reading = live.read(&AT_THE_END).await?;
    let seconds = begun.elapsed().as_secs_f64();
    let mornings = std::mem::take(&mut cold.mornings);
    let plan = Arc::new(Plan::read(&reading.address, options, mornings, output).await?);
    let caught_up = plan.head as f64 / seconds;
    rows.push(Row::rate("catch-up over gRPC".to_owned(), vec![caught_up]));
    rows.extend(questions(&reading.address, &plan, peer.as_ref(), options, output).await?);
    let (restart, reading) = restarted(&live, reading, &plan, options, output).await?;
    rows.push(restart.row());
    if live.has_bus() {
        let first = restart.newer;
        let measured = recorded(
            (&live, &reading),
            (&plan, first),
            peer.as_ref(),
            options,
            output,
        );
        rows.extend(measured.await?);
    }
    reading.stop().await?;
    live.stop().await?;
    let beside = peer.map(|peer| unlike(peer.name(), output.lang));
    let about = json!({
        "beside": beside,
        "events": plan.head,
        "communes": plan.communes.len(),
        "provinces": plan.provinces.len(),
        "ranking_answer_bytes": plan.ranking_bytes,
        "series": plan.indicators.len(),
        "from": options.load.from.to_string(),
        "days": options.load.days,
        "rounds": options.rounds,
        "seconds_per_round": options.seconds,
        "memory": cold.memory.json(),
        "snapshot": restart.json(),
    });
    let [memory, restart] = [cold.memory.head(output.lang), restart.head(output.lang)];
    let head = [memory, restart].into_iter().chain(beside);
    let head: Vec<String> = head.collect();
    show(&rows, about, &head.join("\n"), output)
}

/// A bus, if new figures may be recorded and there is a nats-server.
async fn bus(
    options: &BenchQuery,
    search: Search,
    head: u64,
    output: Output,
) -> Result<Option<Bus>, Failure> {
    if !options.keep_made_up_figures {
        say(
            output,
            "không ghi gì vào sổ, nên không đo đọc ngay sau khi ghi (--keep-made-up-figures)",
            "nothing is recorded in the log, so no read right after a write is measured (--keep-made-up-figures)",
        );
        return Ok(None);
    }
    let found = tokio::task::spawn_blocking(move || bus::server::obtain(&search)).await;
    match found.map_err(failed)? {
        Ok(binary) => Ok(Some(Bus::start(binary, &options.load.ledger, head).await?)),
        Err(error) => {
            say(
                output,
                &format!("không đo đọc ngay sau khi ghi: {error}"),
                &format!("no read right after a write is measured: {error}"),
            );
            Ok(None)
        }
    }
}

/// The projection ended with a snapshot and started from it.
async fn restarted(
    live: &Live,
    reading: Reading,
    plan: &Plan,
    options: &BenchQuery,
    output: Output,
) -> Result<(Restart, Reading), Failure> {
    say(
        output,
        "đang khởi động lại từ snapshot",
        "starting again from a snapshot",
    );
    let mut restart = Restart::take(live, reading).await?;
    if options.keep_made_up_figures {
        record_many(&live.own.address, plan, (0, NEWER), output.lang).await?;
        restart.newer = NEWER;
    }
    let reading = restart.measure(live, options.rounds).await?;
    Ok((restart, reading))
}

/// New figures, recorded and read at once by one client, of both in every round.
async fn recorded(
    (live, reading): (&Live, &Reading),
    (plan, first): (&Arc<Plan>, u64),
    peer: Option<&Peer>,
    options: &BenchQuery,
    output: Output,
) -> Result<Vec<Row>, Failure> {
    say(output, "đang đo ghi rồi đọc", "measuring writes and reads");
    let each = each_round(options)?;
    let addresses = (&live.own.address, &reading.address);
    let mut client = Recorder::connect(addresses.0, addresses.1, plan, output.lang).await?;
    let mut ours = Rows::new("", first);
    let mut theirs = None;
    if let Some(peer) = peer {
        let rows = Rows::new(&format!("{}: ", peer.name()), first);
        theirs = Some((peer.recorder(plan).await?, rows, peer.name()));
    }
    for round in 0..=options.rounds {
        ours.round(&mut client, round, each).await?;
        if let Some((client, rows, _)) = &mut theirs {
            rows.round(client, round, each).await?;
        }
    }
    Ok(ours.told(theirs.map(|(_, rows, name)| (rows, name))))
}

fn each_round(options: &BenchQuery) -> Result<Duration, Failure> {
    let each = Duration::try_from_secs_f64(options.seconds);
    each.map_err(|error| Failure::caused(USAGE, &error))
}

/// Asks every question, of both in every round.
async fn questions(
    projection: &str,
    plan: &Arc<Plan>,
    peer: Option<&Peer>,
    options: &BenchQuery,
    output: Output,
) -> Result<Vec<Row>, Failure> {
    let each = each_round(options)?;
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..options.clients {
        ours.push(Tiendo::connect(projection, plan, output.lang).await?);
        if let Some(peer) = peer {
            theirs.push(peer.connect(plan).await?);
        }
    }
    if let (Some(ours), Some(theirs)) = (ours.first(), theirs.first()) {
        compare(ours.clone(), theirs.clone()).await?;
    }
    let (mut rows, mut newest) = (Vec::new(), Vec::new());
    for (question, clients, pace) in Question::asked(options.clients, options.rate) {
        let name = question.name();
        let load = pace.shown(output.lang);
        say(
            output,
            &format!("đang đo {name}, {clients} máy khách, {load}"),
            &format!("measuring {name}, {clients} clients, {load}"),
        );
        let mut row = Row::asked(name.to_owned(), clients, pace);
        let other = peer.map(|peer| format!("{}: {name}", peer.name()));
        let mut other = other.map(|name| Row::asked(name, clients, pace));
        for round in 0..=options.rounds {
            row.round(&ours, question, round, each).await?;
            if let Some(other) = &mut other {
                other.round(&theirs, question, round, each).await?;
            }
        }
        let key = (question, clients, pace);
        newest.push((key, row.p50_us()));
        aim(&mut row, key, &newest);
        if let (Some(other), Some(peer), Pace::Closed) = (&other, peer, pace) {
            row.beside(other, peer.name());
        }
        rows.push(row);
        rows.extend(other);
    }
    Ok(rows)
}

/// Holds a row against its goals; `medians` are those of the rows up to it.
fn aim(
    row: &mut Row,
    (question, clients, pace): (Question, usize, Pace),
    medians: &[((Question, usize, Pace), f64)],
) {
    let newest = match question {
        Question::Ranking | Question::RankingWhole => {
            return row.aim(Goal::ranking(row.p50_us()));
        }
        Question::RollUp => return row.aim(Goal::roll_up(row.p50_us())),
        Question::Diff => return,
        Question::Figure | Question::Locality => None,
        Question::FigureAsOf => Some(Question::Figure),
        Question::LocalityAsOf => Some(Question::Locality),
    };
    if clients >= MANY {
        row.aim(Goal::point_read(row.p99_us()));
    }
    let of = |newest| {
        medians
            .iter()
            .find(|(key, _)| *key == (newest, clients, pace))
    };
    if let Some((_, median)) = newest.and_then(of) {
        row.aim(Goal::as_of(row.p50_us() / median));
    }
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

#[cfg(test)]
mod tests;
