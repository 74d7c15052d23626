//! Clients that ask, and how long each answer took.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::goal::Goal;
use super::question::{Answers, Question};
use crate::Failure;
use crate::command::bench::{Spread, decimal, failed, positive, ratio, whole};
use crate::lang::Lang;
use crate::output::{Cell, Output, Table, number, text};

/// When clients ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::command::bench) enum Pace {
    /// Each its next question once the one before is answered.
    ///
    /// Whoever answers slowly is asked less, so this tells how much is answered at most.
    Closed,
    /// So many questions a second of all together, each at its time, which is when its clock starts.
    ///
    /// A question that waits because its client still waits for another counts from when it was due, so that a pause in the answers shows in all that came in it.
    Rate(u32),
}

impl Pace {
    pub(super) fn shown(self, lang: Lang) -> String {
        match self {
            Self::Closed => lang.pick("vòng kín", "closed loop").to_owned(),
            Self::Rate(rate) => format!("{}/s", lang.count(u64::from(rate))),
        }
    }

    fn json(self) -> Value {
        match self {
            Self::Closed => json!("closed loop"),
            Self::Rate(rate) => json!(format!("{rate}/s")),
        }
    }
}

/// Of every round of one measurement.
#[derive(Debug, Default)]
pub(in crate::command::bench) struct Row {
    pub(super) name: String,
    clients: usize,
    /// None where nobody asks.
    pace: Option<Pace>,
    /// Answers or events per second.
    per_s: Vec<f64>,
    /// Half of the answers took less, in microseconds; none where nobody was asked.
    p50_us: Vec<f64>,
    /// All but one in a hundred took less.
    p99_us: Vec<f64>,
    /// All but one in a thousand took less.
    p999_us: Vec<f64>,
    /// How many times as much a second as whoever is beside us, median over the rounds.
    times_peer: Option<f64>,
    goals: Vec<Goal>,
}

impl Row {
    /// A row without clients.
    pub(in crate::command::bench) fn rate(name: String, per_s: Vec<f64>) -> Self {
        Self {
            name,
            per_s,
            ..Self::default()
        }
    }

    /// A row of what nobody has answered yet.
    pub(in crate::command::bench) fn asked(name: String, clients: usize, pace: Pace) -> Self {
        Self {
            name,
            clients,
            pace: Some(pace),
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

    /// Adds a goal.
    pub(in crate::command::bench) fn aim(&mut self, goal: Goal) {
        self.goals.push(goal);
    }

    /// Says how many times as much a second this is as what another row says of the same rounds.
    pub(super) fn beside(&mut self, other: &Self, peer: &str) {
        let times = self.part_of(other);
        self.aim(Goal::times_peer(peer, times));
    }

    /// The same without a goal; gives how many times as much it is.
    pub(in crate::command::bench) fn part_of(&mut self, other: &Self) -> f64 {
        let times = ratio(&self.per_s, &other.per_s);
        self.times_peer = Some(times);
        times
    }

    /// What a second brought, median over the rounds.
    pub(super) fn per_s(&self) -> f64 {
        Spread::of(&self.per_s).median
    }

    /// Half of the answers took less, in microseconds, median over the rounds.
    pub(super) fn p50_us(&self) -> f64 {
        Spread::of(&self.p50_us).median
    }

    /// All but one in a hundred took less, in microseconds, median over the rounds.
    pub(in crate::command::bench) fn p99_us(&self) -> f64 {
        Spread::of(&self.p99_us).median
    }

    fn json(&self) -> Value {
        let told = |values: &[f64]| {
            let spread = Spread::of(values);
            let spread = json!({ "median": spread.median, "min": spread.min, "max": spread.max });
            (!values.is_empty()).then_some(spread)
        };
        json!({
            "name": self.name,
            "clients": self.clients,
            "load": self.pace.map(Pace::json),
            "per_s": told(&self.per_s),
            "p50_us": told(&self.p50_us),
            "p99_us": told(&self.p99_us),
            "p999_us": told(&self.p999_us),
            "times_peer": self.times_peer,
            "goals": self.goals.iter().map(Goal::json).collect::<Vec<_>>(),
        })
    }
}

impl Row {
    /// Asks a question with the clients for so long.
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
        let clients = &clients[..self.clients.min(clients.len())];
        let begun = Instant::now();
        let took = match self.pace {
            Some(Pace::Rate(rate)) => paced(clients, question, round, (rate, each)).await?,
            Some(Pace::Closed) | None => closed(clients, question, round, each).await?,
        };
        if round > 0 {
            self.took(took, begun.elapsed());
        }
        Ok(())
    }

    /// Adds a round: how long each answer took, and all of them together.
    pub(in crate::command::bench) fn took(&mut self, mut took: Vec<Duration>, elapsed: Duration) {
        took.sort_unstable();
        let part = |permille: usize| {
            let at = (took.len() * permille / 1_000).min(took.len().saturating_sub(1));
            took.get(at).map_or(0.0, |took| took.as_secs_f64() * 1e6)
        };
        self.per_s.push(took.len() as f64 / elapsed.as_secs_f64());
        self.p50_us.push(part(500));
        self.p99_us.push(part(990));
        self.p999_us.push(part(999));
    }
}

/// How long each answer took.
async fn closed<A: Answers>(
    clients: &[A],
    question: Question,
    round: usize,
    each: Duration,
) -> Result<Vec<Duration>, Failure> {
    let mut asking = JoinSet::new();
    let until = Instant::now() + each;
    for (at, client) in clients.iter().enumerate() {
        let first = ((round * clients.len() + at) as u64) << 32;
        asking.spawn(drive(client.clone(), question, first, until));
    }
    all(asking).await
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

/// How long after it was due each question was answered.
async fn paced<A: Answers>(
    clients: &[A],
    question: Question,
    round: usize,
    pace: (u32, Duration),
) -> Result<Vec<Duration>, Failure> {
    let (mut asking, mut lanes) = (JoinSet::new(), Vec::with_capacity(clients.len()));
    for client in clients {
        let (lane, due) = mpsc::unbounded_channel();
        asking.spawn(when_due(client.clone(), question, due));
        lanes.push(lane);
    }
    // None that the closed loop asked.
    let first = (1 << 63) | ((round as u64) << 32);
    // A thread of its own: the runtime's timers are only good to a millisecond.
    let dealing = tokio::task::spawn_blocking(move || deal(&lanes, first, pace));
    let took = all(asking).await;
    dealing.await.map_err(failed)?;
    took
}

/// Deals the questions out to the clients, each at its time; so many, up to the end.
pub(in crate::command::bench) fn deal(
    lanes: &[mpsc::UnboundedSender<(u64, Instant)>],
    first: u64,
    (rate, each): (u32, Duration),
) {
    let begun = Instant::now();
    let questions = (f64::from(rate) * each.as_secs_f64()).ceil() as u64;
    for (number, lane) in (0..questions).zip(lanes.iter().cycle()) {
        let due = begun + Duration::from_secs_f64(number as f64 / f64::from(rate));
        std::thread::sleep(due.saturating_duration_since(Instant::now()));
        // Whoever waits for the clients is told of one that has failed.
        let _ = lane.send((first + number, due));
    }
}

/// One client, which asks what it is dealt.
async fn when_due<A: Answers>(
    mut client: A,
    question: Question,
    mut dealt: mpsc::UnboundedReceiver<(u64, Instant)>,
) -> Result<Vec<Duration>, Failure> {
    let mut took = Vec::new();
    while let Some((number, due)) = dealt.recv().await {
        let answer = client.answer(question, number).await?;
        std::hint::black_box(answer);
        took.push(due.elapsed());
    }
    Ok(took)
}

/// What all clients say, once the last is done.
async fn all(
    mut asking: JoinSet<Result<Vec<Duration>, Failure>>,
) -> Result<Vec<Duration>, Failure> {
    let mut took = Vec::new();
    while let Some(ended) = asking.join_next().await {
        took.extend(ended.map_err(failed)??);
    }
    Ok(took)
}

/// Prints the rows; `about` is what programs are told beside them, `head` what people are.
pub(in crate::command::bench) fn show(
    rows: &[Row],
    mut about: Value,
    head: &str,
    output: Output,
) -> Result<(), Failure> {
    let mut table = Table::new(&[
        text("name", "Đo", "Measured"),
        text("load", "Cách hỏi", "Asked"),
        number("clients", "Máy khách", "Clients"),
        number("per_s", "Mỗi giây", "Per second"),
        number("per_s_min", "ít nhất", "least"),
        number("per_s_max", "nhiều nhất", "most"),
        number("p50_us", "p50 µs", "p50 µs"),
        number("p99_us", "p99 µs", "p99 µs"),
        number("p99_us_max", "lâu nhất", "longest"),
        number("p999_us", "p99,9 µs", "p99.9 µs"),
        number("times_peer", "Gấp mấy lần", "Times the peer"),
        text("goals", "Mục tiêu", "Goals"),
    ]);
    let lang = output.lang;
    for row in rows {
        let told = |values: &[f64], of: fn(Spread) -> f64| {
            if values.is_empty() {
                Cell::default()
            } else {
                whole(of(Spread::of(values)), lang)
            }
        };
        let goals: Vec<String> = row.goals.iter().map(|goal| goal.shown(lang)).collect();
        table.row([
            row.name.as_str().into(),
            row.pace
                .map_or_else(Cell::default, |pace| pace.shown(lang).into()),
            positive(row.clients),
            told(&row.per_s, |spread| spread.median),
            told(&row.per_s, |spread| spread.min),
            told(&row.per_s, |spread| spread.max),
            told(&row.p50_us, |spread| spread.median),
            told(&row.p99_us, |spread| spread.median),
            told(&row.p99_us, |spread| spread.max),
            told(&row.p999_us, |spread| spread.median),
            decimal(row.times_peer, 2, lang),
            goals.join("; ").into(),
        ]);
    }
    about["cores"] = json!(std::thread::available_parallelism().map_or(0, usize::from));
    about["rows"] = rows.iter().map(Row::json).collect();
    output.report(&about, &format!("{head}\n"), &table)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Somebody who takes a while for each answer.
    #[derive(Clone)]
    struct Slow(Duration);

    impl Answers for Slow {
        async fn answer(&mut self, _: Question, n: u64) -> Result<u64, Failure> {
            tokio::time::sleep(self.0).await;
            Ok(n)
        }
    }

    /// Microseconds that half of the answers take of one who answers in 10 ms and is asked for 200 ms.
    async fn half(pace: Pace) -> f64 {
        let mut row = Row::asked("slow".to_owned(), 1, pace);
        let (slow, each) = (
            [Slow(Duration::from_millis(10))],
            Duration::from_millis(200),
        );
        for round in 0..=1 {
            row.round(&slow, Question::Figure, round, each)
                .await
                .unwrap();
        }
        row.p50_us()
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_question_that_waits_for_its_turn_counts_from_when_it_was_due() {
        let closed = half(Pace::Closed).await;
        assert!(closed >= 10e3, "{closed} µs");
        // Forty questions, one every 5 ms: the twentieth is answered 105 ms after it was due.
        let paced = half(Pace::Rate(200)).await;
        assert!(paced >= 100e3, "{paced} µs");
    }
}
