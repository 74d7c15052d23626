//! What is asked over gRPC is what the log holds, and PostgreSQL says the same.

use domain::LocalityCode;
use domain::text::Moment;
use jiff::civil::date;
use state::{Lookup, State};

use super::super::open;
use super::super::replay::{Depth, read};
use super::question::{Answers as _, chained};
use super::recorded::Records as _;
use super::*;
use crate::cli::NatsServer;
use crate::lang::Lang;
use crate::output::Format;

const QUIET: Output = Output {
    format: Format::Json,
    lang: Lang::Vi,
    out: None,
};

fn small() -> BenchQuery {
    BenchQuery {
        directory: None,
        load: BenchLoad {
            ledger: LEDGER.to_owned(),
            from: date(2024, 5, 1),
            days: 4,
            communes: Some(6),
            seed: 5,
        },
        keep_made_up_figures: true,
        postgres: false,
        clients: 2,
        rate: 500,
        rounds: 1,
        seconds: 0.01,
        nats: NatsServer::default(),
    }
}

fn figure(state: &State, plan: &Plan, n: u64, as_of: bool) -> u64 {
    let about = plan.about(n);
    let (day, position) = if as_of {
        (about.day, about.known)
    } else {
        (plan.last, plan.head)
    };
    let reading = state.at(Moment::end_of(day), position);
    let code: LocalityCode = about.commune.parse().unwrap();
    let Lookup::Found(id) = reading.resolve(code) else {
        panic!("{code} is not there on {day}");
    };
    let figure = reading.figure(id, &about.indicator.parse().unwrap());
    figure.map_or(0, |figure| figure.figure.value.unwrap().value + 1)
}

/// The sums of the provinces, each asked for by itself.
fn country(state: &State, plan: &Plan, n: u64) -> u64 {
    let indicator = plan.about(n).indicator.parse().unwrap();
    let reading = state.at(Moment::end_of(plan.last), plan.head);
    let sum = |code: &String| {
        let Lookup::Found(id) = reading.resolve(code.parse().unwrap()) else {
            panic!("{code} is not there on {}", plan.last);
        };
        let sum = reading.roll_up(&indicator, id, plan.last).unwrap();
        sum.count.unwrap().value
    };
    chained(plan.provinces.iter().map(sum))
}

async fn made(below: &Path, options: &BenchQuery) -> std::path::PathBuf {
    let directory = below.join("ingest");
    let load = generate::load_of(&options.load);
    let made = generate::make(&directory, LEDGER, load.unwrap(), QUIET).await;
    made.unwrap();
    directory
}

#[tokio::test(flavor = "multi_thread")]
async fn what_clients_are_told_over_grpc_is_what_the_log_folds_to() {
    let (below, options) = (tempfile::tempdir().unwrap(), small());
    let directory = made(below.path(), &options).await;
    let log = open(&directory, LEDGER, Arc::new(|| 0)).unwrap();
    let state = read(&log, Depth::Folded).unwrap();
    log.close();
    let cold = rebuild(&directory, &options).unwrap();
    assert!(cold.row.answered() && cold.head == state.position());
    assert!(cold.memory.figures.figures > 6 * 40 * 4);
    let live = Live::start(&directory, LEDGER, None).await.unwrap();
    let reading = live.read(&AT_THE_END).await.unwrap();
    let plan = Plan::read(&reading.address, &options, cold.mornings, QUIET)
        .await
        .unwrap();
    let plan = Arc::new(plan);
    assert_eq!((plan.communes.len(), plan.provinces.len()), (6, 1));
    assert_eq!(plan.indicators.len(), 40);
    let mut client = Tiendo::connect(&reading.address, &plan, Lang::Vi)
        .await
        .unwrap();
    for n in 0..40 {
        let newest = client.answer(Question::Figure, n).await.unwrap();
        assert_eq!(newest, figure(&state, &plan, n, false), "question {n}");
        let then = client.answer(Question::FigureAsOf, n).await.unwrap();
        assert_eq!(then, figure(&state, &plan, n, true), "question {n}");
        let whole = client.answer(Question::RollUp, n).await.unwrap();
        assert_eq!(whole, country(&state, &plan, n), "question {n}");
    }
    let clients = [client.clone(), client.clone()];
    let each = each_round(&options).unwrap();
    for (question, count, pace) in Question::asked(clients.len(), options.rate) {
        let mut row = Row::asked(question.name().to_owned(), count, pace);
        for round in 0..=options.rounds {
            row.round(&clients, question, round, each).await.unwrap();
        }
        assert!(row.answered(), "{} {pace:?}", question.name());
    }
    reading.stop().await.unwrap();
    live.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_start_from_a_snapshot_brings_what_is_newer_and_no_question_has_another_answer() {
    let (below, options) = (tempfile::tempdir().unwrap(), small());
    let directory = made(below.path(), &options).await;
    let cold = rebuild(&directory, &options).unwrap();
    let live = Live::start(&directory, LEDGER, None).await.unwrap();
    let reading = live.read(&AT_THE_END).await.unwrap();
    let plan = Plan::read(&reading.address, &options, cold.mornings, QUIET).await;
    let plan = Arc::new(plan.unwrap());
    let before = answers(&reading, &plan).await;
    let restarted = restarted(&live, reading, &plan, &options, QUIET).await;
    let (restart, reading) = restarted.unwrap();
    assert_eq!(restart.newer, NEWER);
    assert!(restart.row().answered());
    assert_eq!(answers(&reading, &plan).await, before);
    // Without a bus it hears of what is new within a second, and tells it all the same.
    let recorder = Recorder::connect(&live.own.address, &reading.address, &plan, Lang::Vi);
    let recorder = &mut recorder.await.unwrap();
    let [writing, reading_took] = recorder.record_and_read(NEWER).await.unwrap();
    assert!(writing > Duration::ZERO && reading_took > Duration::ZERO);
    assert_eq!(answers(&reading, &plan).await, before);
    reading.stop().await.unwrap();
    live.stop().await.unwrap();
}

/// The first answers to every question.
async fn answers(reading: &Reading, plan: &Arc<Plan>) -> Vec<u64> {
    let mut client = Tiendo::connect(&reading.address, plan, Lang::Vi)
        .await
        .unwrap();
    let mut answers = Vec::new();
    for question in Question::ALL {
        for n in 0..20 {
            answers.push(client.answer(question, n).await.unwrap());
        }
    }
    answers
}

/// Needs PostgreSQL on this machine, which whoever asks for the feature has.
#[cfg(feature = "compare")]
#[tokio::test(flavor = "multi_thread")]
async fn postgresql_gives_the_same_answers_before_anybody_looks_at_the_clock() {
    let (below, mut options) = (tempfile::tempdir().unwrap(), small());
    let directory = made(below.path(), &options).await;
    options.postgres = true;
    let nowhere = Search {
        explicit: None,
        path: None,
        cache: below.path().to_owned(),
    };
    ask(&directory, &options, nowhere, QUIET).await.unwrap();
}
