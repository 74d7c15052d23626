//! Clients that ask, and how long each answer took.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::question::{Answers, Question};
use crate::Failure;
use crate::command::bench::{Spread, decimal, failed, positive, ratio, whole};
use crate::output::{Cell, Output, Table, number, text};

/// Of every round of one measurement.
#[derive(Debug, Default)]
pub(super) struct Row {
    pub(super) name: String,
    clients: usize,
    /// Answers or events per second.
    per_s: Vec<f64>,
    /// Half of the answers took less, in microseconds; none where nobody was asked.
    p50_us: Vec<f64>,
    /// All but one in a hundred took less.
    p99_us: Vec<f64>,
    /// How many times as much a second as whoever is beside us, median over the rounds.
    times_peer: Option<f64>,
}

impl Row {
    /// A row without clients.
    pub(super) fn rate(name: String, per_s: Vec<f64>) -> Self {
        Self {
            name,
            per_s,
            ..Self::default()
        }
    }

    /// Whether somebody answered in a round that is told.
    #[cfg(test)]
    pub(super) fn answered(&self) -> bool {
        self.per_s
            .iter()
            .chain(&self.p99_us)
            .any(|value| *value > 0.0)
    }

    fn json(&self) -> Value {
        let spread = |values: &[f64]| {
            let spread = Spread::of(values);
            json!({ "median": spread.median, "min": spread.min, "max": spread.max })
        };
        let told = |values: &[f64]| (!values.is_empty()).then(|| spread(values));
        json!({
            "name": self.name,
            "clients": self.clients,
            "per_s": spread(&self.per_s),
            "p50_us": told(&self.p50_us),
            "p99_us": told(&self.p99_us),
            "times_peer": self.times_peer,
        })
    }
}

impl Row {
    /// A row of a question that nobody has answered yet.
    pub(super) fn asked(name: String, clients: usize) -> Self {
        Self {
            name,
            clients,
            ..Self::default()
        }
    }

    /// Says how many times as much a second this is as what another row says of the same rounds.
    pub(super) fn beside(&mut self, other: &Self) {
        self.times_peer = Some(ratio(&self.per_s, &other.per_s));
    }

    /// Asks a question with the clients, each its next one once the one before is answered, for so long.
    ///
    /// No two ask the same, and no round asks what another asked.
    /// Round 0 warms up and is not told.
    pub(super) async fn round<A: Answers>(
        &mut self,
        clients: &[A],
        question: Question,
        round: usize,
        each: Duration,
    ) -> Result<(), Failure> {
        let mut asking = JoinSet::new();
        let begun = Instant::now();
        for (at, client) in clients.iter().take(self.clients).enumerate() {
            let first = ((round * clients.len() + at) as u64) << 32;
            asking.spawn(drive(client.clone(), question, first, begun + each));
        }
        let mut took = Vec::new();
        while let Some(ended) = asking.join_next().await {
            took.extend(ended.map_err(failed)??);
        }
        if round == 0 {
            return Ok(());
        }
        let elapsed = begun.elapsed().as_secs_f64();
        took.sort_unstable();
        let part = |permille: usize| {
            let at = (took.len() * permille / 1_000).min(took.len().saturating_sub(1));
            took.get(at).map_or(0.0, |took| took.as_secs_f64() * 1e6)
        };
        self.per_s.push(took.len() as f64 / elapsed);
        self.p50_us.push(part(500));
        self.p99_us.push(part(990));
        Ok(())
    }
}

/// One client, which asks once at least.
async fn drive<A: Answers>(
    mut client: A,
    question: Question,
    first: u64,
    until: Instant,
) -> Result<Vec<Duration>, Failure> {
    let mut took = Vec::new();
    loop {
        let begun = Instant::now();
        let answer = client.answer(question, first + took.len() as u64).await?;
        std::hint::black_box(answer);
        took.push(begun.elapsed());
        if Instant::now() >= until {
            return Ok(took);
        }
    }
}

/// Prints the rows; `about` is what programs are told beside them, `head` what people are.
pub(super) fn show(
    rows: &[Row],
    mut about: Value,
    head: &str,
    output: Output,
) -> Result<(), Failure> {
    let mut table = Table::new(&[
        text("name", "Đo", "Measured"),
        number("clients", "Máy khách", "Clients"),
        number("per_s", "Mỗi giây", "Per second"),
        number("per_s_min", "ít nhất", "least"),
        number("per_s_max", "nhiều nhất", "most"),
        number("p50_us", "p50 µs", "p50 µs"),
        number("p99_us", "p99 µs", "p99 µs"),
        number("p99_us_max", "lâu nhất", "longest"),
        number("times_peer", "Gấp mấy lần", "Times the peer"),
    ]);
    for row in rows {
        let rate = Spread::of(&row.per_s);
        let [median, min, max] =
            [rate.median, rate.min, rate.max].map(|rate| whole(rate, output.lang));
        let took = |values: &[f64], of: fn(Spread) -> f64| {
            if values.is_empty() {
                Cell::default()
            } else {
                whole(of(Spread::of(values)), output.lang)
            }
        };
        table.row([
            row.name.as_str().into(),
            positive(row.clients),
            median,
            min,
            max,
            took(&row.p50_us, |spread| spread.median),
            took(&row.p99_us, |spread| spread.median),
            took(&row.p99_us, |spread| spread.max),
            decimal(row.times_peer, 2, output.lang),
        ]);
    }
    about["cores"] = json!(std::thread::available_parallelism().map_or(0, usize::from));
    about["rows"] = rows.iter().map(Row::json).collect();
    output.report(&about, &format!("{head}\n"), &table)
}
