//! `tiendo bench append | replay | generate | query | judge | alert | bus`: what this machine gives, beside the limit of its disk.
//!
//! - `append`: through gRPC with the real decisions, in turn with a plain file
//! - `replay`: from a cold start to records, decoded and folded events
//! - `generate`: a national load in a log of its own
//! - `query`: what a national load costs to ask about
//! - `judge`: what it costs to judge
//! - `alert`: how long after its event an alert is at a subscriber
//! - `bus`: how long after its report an event is at a subscriber, and how fast an empty bus is filled
//! - `sample`: figures of the sample kind
//! - `national`: what the whole country would report
//!
//! The machine is noisy, so whatever is compared runs in turn in every round; shown are the median, the least and the
//! most of the rounds, and ratios are taken within a round.

mod alert;
mod append;
mod bus;
mod generate;
mod judge;
mod national;
mod query;
mod replay;
mod sample;

use event_log::{Log, Now, Options};
use serde_json::{Value, json};

use crate::Failure;
use crate::Surroundings;
use crate::cli::Bench;
use crate::fail::{FAILED, NOT_FOUND};
use crate::lang::Lang;
use crate::output::{Cell, Format, Output, Table, number, text};

/// Id of the ledgers that are made to be measured.
const LEDGER: &str = "bench";
/// What is logged meanwhile, after what was asked for: the bus that nobody reaches would complain.
pub(crate) const QUIET: &str = ",bus=off";

/// Runs a benchmark; it needs no running service.
pub(crate) async fn run(
    bench: Bench,
    surroundings: Surroundings,
    output: Output,
) -> Result<(), Failure> {
    match bench {
        Bench::Append(options) => append::run(options, output).await,
        Bench::Replay(options) => replay::run(options, output).await,
        Bench::Generate(options) => generate::run(options, output).await,
        Bench::Query(options) => query::run(options, surroundings, output).await,
        Bench::Judge(options) => judge::run(&options, output),
        Bench::Alert(options) => alert::run(options, surroundings, output).await,
        Bench::Bus(options) => bus::run(options, surroundings, output).await,
    }
}

/// Median, least and most of what the rounds gave.
#[derive(Debug, Clone, Copy)]
struct Spread {
    median: f64,
    min: f64,
    max: f64,
}

impl Spread {
    /// Zeros of nothing.
    fn of(values: &[f64]) -> Self {
        let mut sorted = values.to_vec();
        sorted.sort_by(f64::total_cmp);
        let last = sorted.len().saturating_sub(1);
        let at = |index: usize| sorted.get(index).copied().unwrap_or(0.0);
        Self {
            median: f64::midpoint(at(last / 2), at(last.div_ceil(2))),
            min: at(0),
            max: at(last),
        }
    }
}

/// What was measured of one thing.
#[derive(Debug, Clone, Default)]
struct Row {
    name: String,
    /// Clients; 0 where there are none.
    clients: usize,
    /// Events of one request.
    batch: usize,
    /// Events per second in each round.
    rounds: Vec<f64>,
    /// Of the plain file's events per second in the same round, median over the rounds.
    ratio_to_file: Option<f64>,
    /// Mean events of a commit.
    commit_events: Option<f64>,
    bytes_per_event: Option<f64>,
}

impl Row {
    fn json(&self) -> Value {
        let rate = Spread::of(&self.rounds);
        json!({
            "name": self.name,
            "clients": self.clients,
            "batch": self.batch,
            "events_per_s": rate.median.round(),
            "events_per_s_min": rate.min.round(),
            "events_per_s_max": rate.max.round(),
            "rounds": self.rounds.iter().map(|rate| rate.round()).collect::<Vec<_>>(),
            "ratio_to_file": self.ratio_to_file,
            "commit_events": self.commit_events,
            "bytes_per_event": self.bytes_per_event,
        })
    }
}

/// Each value over that of the same round.
fn ratio(values: &[f64], limit: &[f64]) -> f64 {
    let ratios: Vec<f64> = values.iter().zip(limit).map(|(v, l)| v / l).collect();
    Spread::of(&ratios).median
}

/// Prints the rows; `about` is what programs are told beside them, `head` what people are.
fn show(rows: &[Row], mut about: Value, head: &str, output: Output) -> Result<(), Failure> {
    let mut table = Table::new(&[
        text("name", "Đo", "Measured"),
        number("clients", "Máy khách", "Clients"),
        number("batch", "Mỗi yêu cầu", "Batch"),
        number("events_per_s", "Sự kiện/s", "Events/s"),
        number("events_per_s_min", "ít nhất", "least"),
        number("events_per_s_max", "nhiều nhất", "most"),
        number("ratio_to_file", "So với tệp", "Of file"),
        number("commit_events", "Mỗi lần ghi", "Commit"),
        number("bytes_per_event", "Byte/sự kiện", "Bytes/event"),
    ]);
    for row in rows {
        let rate = Spread::of(&row.rounds);
        let [median, min, max] =
            [rate.median, rate.min, rate.max].map(|rate| whole(rate, output.lang));
        table.row([
            row.name.as_str().into(),
            positive(row.clients),
            positive(row.batch),
            median,
            min,
            max,
            decimal(row.ratio_to_file, 2, output.lang),
            decimal(row.commit_events, 1, output.lang),
            decimal(row.bytes_per_event, 1, output.lang),
        ]);
    }
    about["cores"] = json!(std::thread::available_parallelism().map_or(0, usize::from));
    about["rows"] = rows.iter().map(Row::json).collect();
    output.report(&about, &format!("{head}\n"), &table)
}

fn positive(count: usize) -> Cell {
    if count == 0 {
        Cell::default()
    } else {
        count.to_string().into()
    }
}

fn whole(value: f64, lang: Lang) -> Cell {
    let value = value.round() as u64;
    Cell::with_raw(lang.count(value), value)
}

fn decimal(value: Option<f64>, digits: usize, lang: Lang) -> Cell {
    value.map_or_else(Cell::default, |value| {
        let raw = format!("{value:.digits$}");
        Cell::with_raw(lang.pick(raw.replace('.', ","), raw.clone()), raw)
    })
}

/// Says on stderr what goes on; a benchmark is silent for minutes otherwise.
#[expect(clippy::print_stderr, reason = "a remark beside the data")]
fn say(output: Output, vi: &str, en: &str) {
    eprintln!("{}", output.lang.pick(vi, en));
}

/// A failure of what surrounds the measuring.
fn failed(error: impl std::error::Error + 'static) -> Failure {
    Failure::caused(FAILED, &error)
}

/// Bytes on disk that grow with the events: the log without its journal and its reserve, whose sizes are fixed.
fn disk_bytes(log: &std::path::Path) -> std::io::Result<u64> {
    use std::os::unix::fs::MetadataExt as _;
    let mut bytes = 0;
    let mut directories = vec![log.to_path_buf()];
    while let Some(directory) = directories.pop() {
        for entry in std::fs::read_dir(directory)? {
            let entry = entry?;
            let metadata = entry.metadata()?;
            let name = entry.file_name();
            let name = name.to_string_lossy();
            if metadata.is_dir() {
                directories.push(entry.path());
            } else if !name.starts_with("journal-") && name != "reserve" {
                bytes += metadata.blocks() * 512;
            }
        }
    }
    Ok(bytes)
}

/// The log of a ledger that no service holds.
fn open(directory: &std::path::Path, ledger: &str, now: Now) -> Result<Log, Failure> {
    let options = Options {
        origin: format!("tiendo/{ledger}").into(),
        ..Options::at(directory)
    };
    Log::open(options, now).map_err(failed)
}

/// The log of a directory that holds one: opening makes what is missing, and nobody asked for a new log.
fn open_existing(directory: &std::path::Path, ledger: &str) -> Result<Log, Failure> {
    if !directory.join("sled").is_dir() {
        let text = format!("{} is no directory of a log", directory.display());
        return Err(Failure::new(NOT_FOUND, text));
    }
    open(directory, ledger, std::sync::Arc::new(|| 0))
}

/// Runs another benchmark in a process of its own, whose memory and caches are not warm with the making of its log.
fn again(
    arguments: &[impl AsRef<std::ffi::OsStr>],
    directory: &std::ffi::OsStr,
    output: Output,
) -> Result<(), Failure> {
    let format = match output.format {
        Format::Table => "table",
        Format::Json => "json",
        Format::Csv => "csv",
        Format::Xlsx => "xlsx",
    };
    let lang = match output.lang {
        Lang::Vi => "vi",
        Lang::En => "en",
    };
    let read = std::process::Command::new(std::env::current_exe()?)
        .args(["-o", format, "--lang", lang, "bench"])
        .args(arguments)
        .arg(directory)
        .status()?;
    if read.success() {
        return Ok(());
    }
    let text = format!("the reader ended with {read}");
    Err(Failure::new(FAILED, text))
}

/// A line of `/proc/self/status`, in millions of bytes; 0 where there is none.
fn resident_mb(key: &str) -> Result<f64, Failure> {
    let Ok(status) = std::fs::read_to_string("/proc/self/status") else {
        return Ok(0.0);
    };
    let line = status.lines().find_map(|line| line.strip_prefix(key));
    let kib = line
        .and_then(|line| line.split_whitespace().next())
        .and_then(|kib| kib.parse::<f64>().ok());
    Ok(kib.unwrap_or_default() * 1.024e-3)
}

/// The nats-server to run, found or fetched.
async fn nats_server(
    wanted: &crate::cli::NatsServer,
    surroundings: Surroundings,
) -> Result<std::path::PathBuf, Failure> {
    let search = crate::up::search(wanted, surroundings, Default::default);
    let found = tokio::task::spawn_blocking(move || ::bus::server::obtain(&search)).await;
    let found = found.map_err(failed)?;
    found.map_err(|error| Failure::caused(NOT_FOUND, &error))
}

/// A directory for temporary files, below the one asked for.
fn temporary(below: Option<std::path::PathBuf>) -> Result<tempfile::TempDir, Failure> {
    let below = below.unwrap_or_else(std::env::temp_dir);
    Ok(tempfile::Builder::new()
        .prefix("tiendo-bench-")
        .tempdir_in(below)?)
}

#[cfg(test)]
mod tests {
    use super::{Spread, ratio};

    #[test]
    fn the_median_lies_between_the_least_and_the_most() {
        let spread = Spread::of(&[5.0, 1.0, 3.0]);
        assert_eq!((spread.median, spread.min, spread.max), (3.0, 1.0, 5.0));
        assert_eq!(Spread::of(&[4.0, 1.0, 2.0, 8.0]).median, 3.0);
        assert_eq!(Spread::of(&[]).median, 0.0);
    }

    #[test]
    fn a_ratio_is_taken_within_each_round() {
        // A machine that is three times slower in the second round slows both.
        assert_eq!(ratio(&[60.0, 20.0, 45.0], &[100.0, 40.0, 60.0]), 0.6);
    }
}
