//! Rows for people and for programs.

use std::io::Write as _;
use std::time::Duration;

use serde_json::{Value, json};

use super::Result;
use super::sample;

/// Median, least and most of what the rounds gave.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Spread {
    pub(crate) median: f64,
    pub(crate) min: f64,
    pub(crate) max: f64,
}

impl Spread {
    /// Of at least one value.
    pub(crate) fn of(values: &[f64]) -> Spread {
        let mut sorted = values.to_vec();
        sorted.sort_by(f64::total_cmp);
        let middle = sorted.len() / 2;
        let median = if sorted.len().is_multiple_of(2) {
            f64::midpoint(sorted[middle - 1], sorted[middle])
        } else {
            sorted[middle]
        };
        Spread {
            median,
            min: sorted[0],
            max: sorted[sorted.len() - 1],
        }
    }
}

/// Where the rows go.
pub(crate) struct Report {
    json: bool,
    heading: String,
    rows: Vec<Value>,
}

/// One line of the table of appends or of reads.
pub(crate) struct Row {
    pub(crate) section: &'static str,
    pub(crate) name: String,
    pub(crate) clients: usize,
    pub(crate) in_flight: usize,
    pub(crate) batch: usize,
    /// Events per second in each round.
    pub(crate) rounds: Vec<f64>,
    /// Of the plain file's events per second in the same round, median over the rounds.
    pub(crate) ratio_to_file: Option<f64>,
    /// Mean events of a commit.
    pub(crate) commit_events: Option<f64>,
    pub(crate) bytes_per_event: Option<f64>,
    /// What only this kind of row has: names, values and the words for the table.
    pub(crate) more: Vec<(&'static str, f64, String)>,
}

impl Report {
    pub(crate) fn new(json: bool) -> Report {
        Report {
            json,
            heading: String::new(),
            rows: Vec::new(),
        }
    }

    /// Begins a table.
    pub(crate) fn section(&mut self, heading: &str) -> Result<()> {
        self.say(&format!("\n{heading}"))?;
        self.heading.clear();
        Ok(())
    }

    /// A line about the run: stdout with the table, stderr beside JSON.
    pub(crate) fn say(&mut self, line: &str) -> Result<()> {
        if self.json {
            writeln!(std::io::stderr(), "{line}")?;
        } else {
            writeln!(std::io::stdout(), "{line}")?;
        }
        Ok(())
    }

    pub(crate) fn row(&mut self, row: Row) -> Result<()> {
        let rate = Spread::of(&row.rounds);
        let load = match (row.clients, row.in_flight) {
            (0, _) => String::new(),
            (clients, 1) => format!("{clients} x {}", row.batch),
            (clients, waiting) => format!("{clients} x {}, {waiting} waiting", row.batch),
        };
        let heading = format!(
            "{:<34} {:>20} {:>10} {:>21} {:>8} {:>8} {:>9}",
            row.section,
            "clients x events",
            "events/s",
            "min .. max",
            "of file",
            "commit",
            "bytes/ev"
        );
        if heading != self.heading {
            self.say(&heading)?;
            self.heading = heading;
        }
        let or_dash = |value: Option<f64>, digits: usize| {
            value.map_or("-".to_owned(), |value| format!("{value:.digits$}"))
        };
        let more: Vec<&str> = row
            .more
            .iter()
            .map(|(_, _, words)| words.as_str())
            .collect();
        self.say(&format!(
            "{:<34} {load:>20} {:>10.0} {:>21} {:>8} {:>8} {:>9}  {}",
            row.name,
            rate.median,
            format!("{:.0} .. {:.0}", rate.min, rate.max),
            or_dash(row.ratio_to_file, 2),
            or_dash(row.commit_events, 1),
            or_dash(row.bytes_per_event, 1),
            more.join(", "),
        ))?;
        let mut value = json!({
            "section": row.section,
            "name": row.name,
            "clients": row.clients,
            "in_flight": row.in_flight,
            "batch": row.batch,
            "events_per_s": rate.median.round(),
            "events_per_s_min": rate.min.round(),
            "events_per_s_max": rate.max.round(),
            "rounds": row.rounds.iter().map(|rate| rate.round()).collect::<Vec<_>>(),
            "ratio_to_file": row.ratio_to_file,
            "commit_events": row.commit_events,
            "bytes_per_event": row.bytes_per_event,
        });
        for (name, number, _) in row.more {
            value[name] = json!(number);
        }
        self.rows.push(value);
        Ok(())
    }

    /// What the events are like.
    pub(crate) fn sample(&mut self) -> Result<()> {
        let (payload, subject) = sample::mean_bytes();
        self.say(&format!(
            "sample events: {payload:.0} bytes of payload and {subject:.0} of subject on average; {} cores",
            cores()
        ))
    }

    /// Everything at once, for programs.
    pub(crate) fn finish(self, rounds: usize, each: Duration) -> Result<()> {
        if !self.json {
            return Ok(());
        }
        let (payload, subject) = sample::mean_bytes();
        let all = json!({
            "cores": cores(),
            "rounds": rounds,
            "seconds_per_round": each.as_secs_f64(),
            "sample": { "payload_bytes": payload, "subject_bytes": subject },
            "rows": self.rows,
        });
        writeln!(std::io::stdout(), "{}", serde_json::to_string_pretty(&all)?)?;
        Ok(())
    }
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(0, usize::from)
}
