//! `tiendo bench generate`: a made-up national load, straight into the directory of a new log.
//!
//! The load is made on one core while the log takes it on the other.
//! The log's clock is set by hand to the morning on which each group would have come, so that the same arguments give the
//! same log, down to the root of its tree.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Instant;

use event_log::{Checkpoint, Log, Options};
use serde_json::json;
use tokio::sync::mpsc;

use super::national::{DAYS_MAX, EARLIEST, Group, Load, National, SERIES, Tally};
use super::{disk_bytes, failed, say, whole};
use crate::Failure;
use crate::cli::{BenchGenerate, BenchLoad};
use crate::fail::{FAILED, USAGE};
use crate::output::{Output, Table, number, text};

/// Groups that wait for the log while the next is made.
const AHEAD: usize = 2;
/// Events of one commit, and their bytes: nobody waits behind another here.
const COMMIT_EVENTS_MAX: usize = 16_384;
const COMMIT_BYTES_MAX: usize = 16 * 1024 * 1024;
/// Bytes of each half of the journal.
const JOURNAL_BYTES: usize = 32 * 1024 * 1024;
/// Seconds between two words about the progress.
const WORD_S: f64 = 2.0;

/// What was made.
pub(super) struct Made {
    /// Events by what happened.
    pub(super) tally: Tally,
    /// Position of the last event.
    pub(super) head: u64,
    /// Bytes on disk that grow with the events.
    pub(super) bytes: u64,
    /// The RFC 6962 root over all events, in hexadecimal digits.
    pub(super) root: String,
    seconds: f64,
}

/// What to make, if the arguments make sense.
pub(super) fn load_of(options: &BenchLoad) -> Result<Load, Failure> {
    let load = Load {
        seed: options.seed,
        from: options.from,
        days: options.days,
        communes: options.communes,
    };
    if load.from < EARLIEST || load.from.year() > 2100 {
        let text = format!("--from is {EARLIEST} at the earliest, and not after 2100");
        return Err(Failure::new(USAGE, text));
    }
    if !(1..=DAYS_MAX).contains(&load.days) || load.communes == Some(0) {
        let text = format!("--days is 1 to {DAYS_MAX}, --communes at least 1");
        return Err(Failure::new(USAGE, text));
    }
    Ok(load)
}

/// Makes the load and says what came of it.
pub(super) async fn run(options: BenchGenerate, output: Output) -> Result<(), Failure> {
    let load = load_of(&options.load)?;
    let made = make(&options.directory, &options.load.ledger, load, output).await?;
    let mut table = Table::new(&[
        text("kind", "Loại sự kiện", "Kind of event"),
        number("events", "Sự kiện", "Events"),
    ]);
    for (kind, events) in &made.tally {
        table.row([(*kind).into(), whole(*events as f64, output.lang)]);
    }
    let rate = made.head as f64 / made.seconds;
    let [count, speed] = [made.head, rate as u64].map(|count| output.lang.count(count));
    let (seconds, megabytes, root) = (made.seconds, made.bytes as f64 / 1e6, &made.root);
    let head = output.lang.pick(
        format!("{count} sự kiện giả định trong {seconds:.1} s ({speed}/s), {megabytes:.0} MB trên đĩa\ngốc: {root}\n"),
        format!("{count} made-up events in {seconds:.1} s ({speed}/s), {megabytes:.0} MB on disk\nroot: {root}\n"),
    );
    let about = json!({
        "seed": load.seed,
        "from": load.from.to_string(),
        "days": load.days,
        "communes": load.communes,
        "series_per_place": SERIES,
        "events": made.head,
        "positions": made.head,
        "bytes": made.bytes,
        "root": made.root,
        "seconds": made.seconds,
        "events_per_s": rate.round(),
        "kinds": made.tally,
    });
    output.report(&about, &head, &table)
}

/// Makes a load in a directory that holds no log yet.
pub(super) async fn make(
    directory: &Path,
    ledger: &str,
    load: Load,
    output: Output,
) -> Result<Made, Failure> {
    if directory.is_dir() && std::fs::read_dir(directory)?.next().is_some() {
        let text = output.lang.pick(
            format!(
                "thư mục {} không trống; hãy nêu một thư mục mới",
                directory.display()
            ),
            format!(
                "the directory {} is not empty; name a new one",
                directory.display()
            ),
        );
        return Err(Failure::new(USAGE, text));
    }
    let begun = Instant::now();
    let clock = Arc::new(AtomicI64::new(0));
    let log = open(directory, ledger, &clock)?;
    let (groups, mut made) = mpsc::channel::<Group>(AHEAD);
    let making = tokio::task::spawn_blocking(move || {
        // Nobody listens once the log has refused a group, which is told by whoever asked it.
        let stopped = |_| Failure::new(FAILED, "the log takes no more events");
        National::new(load)?.write(&mut |group| groups.blocking_send(group).map_err(stopped))
    });
    let mut told = begun;
    let taken = async {
        while let Some(group) = made.recv().await {
            clock.store(group.known_micros, Ordering::SeqCst);
            for verdict in log.append_all(group.requests).await {
                verdict.map_err(failed)?;
            }
            if told.elapsed().as_secs_f64() > WORD_S {
                told = Instant::now();
                progress(&log, group.known_micros, begun, output);
            }
        }
        Ok::<(), Failure>(())
    }
    .await;
    drop(made);
    let tally = making.await.map_err(failed)?;
    taken?;
    finish(log, directory, tally?, begun)
}

/// A log for one writer in a hurry, whose clock is set by hand.
fn open(directory: &Path, ledger: &str, clock: &Arc<AtomicI64>) -> Result<Log, Failure> {
    let options = Options {
        origin: format!("tiendo/{ledger}").into(),
        commit_events_max: COMMIT_EVENTS_MAX,
        commit_bytes_max: COMMIT_BYTES_MAX,
        journal_bytes: JOURNAL_BYTES,
        ..Options::at(directory)
    };
    let clock = Arc::clone(clock);
    Log::open(options, Arc::new(move || clock.load(Ordering::SeqCst))).map_err(failed)
}

/// Settles the log and signs it.
fn finish(log: Log, directory: &Path, tally: Tally, begun: Instant) -> Result<Made, Failure> {
    log.seal().map_err(failed)?;
    let signed = log.checkpoint().map_err(failed)?;
    let root = Checkpoint::parse(&signed).map_err(failed)?.root;
    let head = log.head();
    log.close();
    Ok(Made {
        tally,
        head,
        bytes: disk_bytes(directory)?,
        root: hex::encode(root),
        seconds: begun.elapsed().as_secs_f64(),
    })
}

fn progress(log: &Log, known_micros: i64, begun: Instant, output: Output) {
    let head = log.head();
    let rate = (head as f64 / begun.elapsed().as_secs_f64()) as u64;
    let day = wire::time::of_micros(known_micros).strftime("%F");
    let [head, rate] = [head, rate].map(|count| output.lang.count(count));
    say(
        output,
        &format!("sáng {day}: {head} sự kiện, {rate}/s"),
        &format!("morning of {day}: {head} events, {rate}/s"),
    );
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;
    use crate::lang::Lang;
    use crate::output::Format;

    const QUIET: Output = Output {
        format: Format::Json,
        lang: Lang::Vi,
        out: None,
    };
    const SMALL: Load = Load {
        seed: 3,
        from: date(2025, 6, 30),
        days: 2,
        communes: Some(1),
    };

    async fn made(below: &Path, name: &str, load: Load) -> Result<Made, Failure> {
        make(&below.join(name), "bench", load, QUIET).await
    }

    #[tokio::test]
    async fn the_same_arguments_give_the_same_root_and_another_seed_another() {
        let below = tempfile::tempdir().unwrap();
        let one = made(below.path(), "one", SMALL).await.unwrap();
        let two = made(below.path(), "two", SMALL).await.unwrap();
        assert_eq!((one.head, &one.root), (two.head, &two.root));
        assert_eq!(one.head, one.tally.values().sum::<u64>());
        let other = Load { seed: 4, ..SMALL };
        let other = made(below.path(), "other", other).await.unwrap();
        assert_ne!(one.root, other.root);
    }

    #[tokio::test]
    async fn a_directory_that_holds_something_is_left_as_it_is() {
        let below = tempfile::tempdir().unwrap();
        std::fs::create_dir(below.path().join("full")).unwrap();
        std::fs::write(below.path().join("full/figures"), "mine").unwrap();
        assert!(made(below.path(), "full", SMALL).await.is_err());
        assert_eq!(
            std::fs::read_dir(below.path().join("full"))
                .unwrap()
                .count(),
            1
        );
    }
}
