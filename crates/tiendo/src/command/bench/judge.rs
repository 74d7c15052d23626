//! `tiendo bench judge`: what judging a load costs, from a cold start, all at once, and for one more report.
//!
//! The judge is that of alerting, in this process; nothing is recorded and nobody is told.
//! Only all series anew are shared among threads.
//! One more report says the newest count of a series again, at the next position: its series is judged anew, and of its siblings those for whom that decides something.

use std::collections::VecDeque;
use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use alerting::Judge;
use domain::{Body, Event};
use event_log::{Log, RecordRef};
use host::Today;
use jiff::{Timestamp, ToSpan as _};
use lag::Rules;
use serde_json::json;
use wire::event::LogDecoder;
use wire::time::of_micros;

use super::generate::load_of;
use super::{Row, failed, open_existing, resident_mb, show};
use crate::Failure;
use crate::cli::BenchJudge;
use crate::fail::FAILED;
use crate::output::Output;

/// Reports that come once more, one after the other.
const REPORTS: usize = 2_000;
/// The series of the whole country in a second: 10,598 communes with 40 each.
const SERIES_GOAL_PER_S: f64 = 10_598.0 * 40.0;
/// One report.
const REPORT_GOAL_US: f64 = 20.0;

/// Reads the log that was named and judges what is in it.
pub(super) fn run(options: &BenchJudge, output: Output) -> Result<(), Failure> {
    let load = load_of(&options.load)?;
    let directory = &options.directory;
    let log = open_existing(directory, &options.load.ledger)?;
    let last_day = load.from.checked_add((i64::from(load.days) - 1).days());
    let today = Today::Pinned(last_day.map_err(failed)?);
    let mut judge = Judge::new(Rules::standard(), today);
    let mut recent = VecDeque::with_capacity(REPORTS);

    let begun = Instant::now();
    let known = catch_up(&log, &mut judge, &mut recent)?;
    let cold = log.head() as f64 / begun.elapsed().as_secs_f64();
    let judged = judge.take_judgements();
    let mut rounds = Vec::with_capacity(options.rounds.max(1));
    let mut series = 0;
    for _ in 0..options.rounds.max(1) {
        let begun = Instant::now();
        judge.judge_all();
        series = judge.take_judgements();
        rounds.push(series as f64 / begun.elapsed().as_secs_f64());
    }
    let mut times = again(&mut judge, known, recent)?;
    times.sort_unstable();
    let at = |share: f64| {
        let index = (times.len().saturating_sub(1) as f64 * share) as usize;
        times.get(index).map_or(0.0, |t| t.as_secs_f64() * 1e6)
    };
    let siblings = judge.take_judgements() as f64 / times.len().max(1) as f64;
    tell(
        &Measured {
            cold,
            judged,
            rounds,
            series,
            p50_us: at(0.5),
            p99_us: at(0.99),
            siblings,
        },
        &log,
        output,
    )
}

/// What was measured.
struct Measured {
    /// Events a second, each judged as it came.
    cold: f64,
    /// Judgements of those.
    judged: u64,
    /// Series a second, all of them judged anew.
    rounds: Vec<f64>,
    /// How many there are.
    series: u64,
    /// Of one more report.
    p50_us: f64,
    p99_us: f64,
    /// Judgements that one report brought, on average.
    siblings: f64,
}

fn tell(measured: &Measured, log: &Log, output: Output) -> Result<(), Failure> {
    let Measured {
        cold,
        judged,
        rounds,
        series,
        p50_us,
        p99_us,
        siblings,
    } = measured;
    let row = |name: &str, rounds: Vec<f64>| Row {
        name: name.to_owned(),
        rounds,
        ..Row::default()
    };
    let rows = [
        row("events, judged as they come", vec![*cold]),
        row("series, all judged anew", rounds.clone()),
        row("one more report", vec![1e6 / p50_us.max(f64::MIN_POSITIVE)]),
    ];
    let mb = resident_mb("VmHWM:")?;
    let count = |n: u64| output.lang.count(n);
    let (events, series_count, judged_count) = (count(log.head()), count(*series), count(*judged));
    let head = output.lang.pick(
        format!("{events} sự kiện, {series_count} chuỗi số liệu, {judged_count} lần đánh giá khi đọc sổ, bộ nhớ tối đa {mb:.0} MB\nThêm một báo cáo: p50 {p50_us:.0} µs, p99 {p99_us:.0} µs, kéo theo {siblings:.1} lần đánh giá (mục tiêu {REPORT_GOAL_US:.0} µs); đánh giá lại tất cả: mục tiêu {SERIES_GOAL_PER_S:.0} chuỗi/s"),
        format!("{events} events, {series_count} series, {judged_count} judgements while the log was read, {mb:.0} MB at most\nOne more report: p50 {p50_us:.0} µs, p99 {p99_us:.0} µs, {siblings:.1} judgements each (goal {REPORT_GOAL_US:.0} µs); all judged anew: goal {SERIES_GOAL_PER_S:.0} series/s"),
    );
    let about = json!({
        "events": log.head(),
        "series": series,
        "judgements": judged,
        "report_p50_us": p50_us,
        "report_p99_us": p99_us,
        "report_judgements": siblings,
        "report_goal_us": REPORT_GOAL_US,
        "series_per_s_goal": SERIES_GOAL_PER_S,
        "peak_resident_mb": mb,
    });
    show(&rows, about, &head, output)
}

/// Judges the whole log as it came; gives when the last event was taken, and keeps the last reports.
fn catch_up(
    log: &Log,
    judge: &mut Judge,
    recent: &mut VecDeque<Event>,
) -> Result<Timestamp, Failure> {
    let mut decoder = LogDecoder::default();
    let (mut last, mut stopped) = (Timestamp::UNIX_EPOCH, None);
    let mut each = |record: RecordRef<'_>| {
        last = of_micros(record.known_micros);
        match take(&record, &mut decoder, judge, recent) {
            Ok(()) => ControlFlow::Continue(()),
            Err(failure) => {
                stopped = Some(failure);
                ControlFlow::Break(())
            }
        }
    };
    log.scan(1, u64::MAX, &mut |_| true, &mut each)
        .map_err(failed)?;
    judge.settle();
    judge.take_changes();
    stopped.map_or(Ok(last), Err)
}

fn take(
    record: &RecordRef<'_>,
    decoder: &mut LogDecoder,
    judge: &mut Judge,
    recent: &mut VecDeque<Event>,
) -> Result<(), Failure> {
    let event = decoder
        .read(record.payload)
        .map_err(|why| Failure::new(FAILED, format!("position {}: {why}", record.position)))?;
    if matches!(event.body, Body::ProgressReported(_)) {
        if recent.len() == REPORTS {
            recent.pop_front();
        }
        recent.push_back(event.clone());
    }
    judge
        .fold(record.position, of_micros(record.known_micros), event)
        .map_err(failed)
}

/// Folds each report once more, a microsecond after the one before; gives how long each took until it was settled.
fn again(
    judge: &mut Judge,
    mut known: Timestamp,
    reports: VecDeque<Event>,
) -> Result<Vec<Duration>, Failure> {
    let mut times = Vec::with_capacity(reports.len());
    for event in reports {
        known = known.checked_add(1.microsecond()).map_err(failed)?;
        let position = judge.position() + 1;
        let begun = Instant::now();
        judge.fold(position, known, &event).map_err(failed)?;
        judge.settle();
        times.push(begun.elapsed());
        judge.take_changes();
    }
    Ok(times)
}
