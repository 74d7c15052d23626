//! The measuring itself, shared by `append` (the log and the plain file) and `compare` (databases as well).
//!
//! - [`run`]: reads the command line and measures
//! - [`sample`]: the events
//! - [`contender`]: the interface of whatever is measured
//! - [`file`], [`log`]: the limit, and the log
//! - [`appends`], [`reads`]: the two halves of the report
//! - [`report`]: rows as a table and as JSON
//!
//! The machine is noisy, so each contender runs once in every round, in another order each time; quoted are the median,
//! the least and the most of the rounds, and ratios are taken within a round. Timings are never a reason to fail.

pub(crate) mod appends;
pub(crate) mod contender;
pub(crate) mod file;
pub(crate) mod log;
pub(crate) mod reads;
pub(crate) mod report;
pub(crate) mod sample;

use std::cell::Cell;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::Duration;

use tokio::runtime::Runtime;

use contender::Contender;
use file::{Place, PlainFile, Size};
use log::InProcess;
use report::Report;

pub(crate) type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// What the command line asked for.
pub(crate) struct Settings {
    json: bool,
    /// Rounds of each load.
    pub(crate) rounds: usize,
    /// Aim of one measurement.
    pub(crate) each: Duration,
    /// Events that are read.
    pub(crate) read_events: u64,
    /// Only the halves with these names.
    only: Option<String>,
    /// Below which everything is written.
    directory: PathBuf,
}

const USAGE: &str = "\
-o json|table    how to print (default table)
--rounds N       rounds of each load (default 5)
--seconds S      aim of one measurement (default 0.5)
--only NAME      only `append` or only `read`
--read-events N  events that are written and then read (default 1000000)
--ten-million    the same as --read-events 10000000, of the log alone
--directory DIR  where everything is written (default: the directory for temporary files)";

/// What a contender is made of: the runtime, and a directory of this run.
pub(crate) type Make<'a> =
    &'a dyn Fn(&Rc<Runtime>, &Path, &mut Report) -> Result<Vec<Box<dyn Contender>>>;

/// Measures the log, the file, and what `others` makes.
pub(crate) fn run(others: Make<'_>) -> Result<()> {
    let arguments: Vec<String> = std::env::args()
        .skip(1)
        .filter(|argument| argument != "--bench")
        .collect();
    if let Some(said) = log::be_cold(&arguments) {
        writeln!(std::io::stdout(), "{}", said?)?;
        return Ok(());
    }
    let Some(settings) = Settings::parse(&arguments)? else {
        writeln!(std::io::stdout(), "{USAGE}")?;
        return Ok(());
    };
    // Others must be able to look in: PostgreSQL runs under a user of its own.
    let below = tempfile::Builder::new()
        .permissions(std::os::unix::fs::PermissionsExt::from_mode(0o755))
        .prefix("tiendo-bench-")
        .tempdir_in(&settings.directory)?;
    let runtime = Rc::new(
        tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build()?,
    );
    let mut report = Report::new(settings.json);
    report.sample()?;
    let mut others = if settings.log_alone() {
        Vec::new()
    } else {
        others(&runtime, below.path(), &mut report)?
    };
    if settings.wants("append") {
        appends::measure(&settings, &runtime, below.path(), &mut others, &mut report)?;
    }
    if settings.wants("read") {
        reads::measure(&settings, &runtime, below.path(), &mut others, &mut report)?;
    }
    report.finish(settings.rounds, settings.each)
}

impl Settings {
    fn parse(arguments: &[String]) -> Result<Option<Settings>> {
        let mut settings = Settings {
            json: false,
            rounds: 5,
            each: Duration::from_millis(500),
            read_events: 1_000_000,
            only: None,
            directory: std::env::temp_dir(),
        };
        let mut rest = arguments.iter();
        while let Some(flag) = rest.next() {
            let mut value = || rest.next().ok_or(format!("{flag} wants a value"));
            match flag.as_str() {
                "-o" => settings.json = value()? == "json",
                "--rounds" => settings.rounds = value()?.parse::<usize>()?.max(1),
                "--seconds" => settings.each = Duration::try_from_secs_f64(value()?.parse()?)?,
                "--only" => settings.only = Some(value()?.clone()),
                "--read-events" => settings.read_events = value()?.parse::<u64>()?.max(1),
                "--ten-million" => {
                    settings.read_events = TEN_MILLION;
                    settings.only = Some("read".into());
                }
                "--directory" => settings.directory = value()?.into(),
                "--help" => return Ok(None),
                _ => return Err(format!("{flag} is not known\n{USAGE}").into()),
            }
        }
        Ok(Some(settings))
    }

    fn wants(&self, half: &str) -> bool {
        self.only.as_deref().is_none_or(|only| only == half)
    }

    /// A database takes too long over so many.
    pub(crate) fn log_alone(&self) -> bool {
        self.read_events >= TEN_MILLION
    }
}

const TEN_MILLION: u64 = 10_000_000;

/// The log first, since the files are measured at the size of its commits, then the files.
pub(crate) fn ours(runtime: &Rc<Runtime>, below: &Path) -> (InProcess, Vec<PlainFile>) {
    let log_commit_events = Rc::new(Cell::new(1.0));
    let log = InProcess {
        runtime: Rc::clone(runtime),
        below: below.to_path_buf(),
        log_commit_events: Rc::clone(&log_commit_events),
        open: None,
    };
    let file = |size, place, name: &str| PlainFile {
        path: below.join(name),
        size,
        place,
        log_commit_events: Rc::clone(&log_commit_events),
        file: None,
    };
    let files = vec![
        file(Size::Commit, Place::End, "file-commit"),
        file(Size::Request, Place::End, "file-request"),
        file(Size::Commit, Place::Zeros, "file-zeros"),
    ];
    (log, files)
}
