//! What is asked over gRPC is what the log holds, and PostgreSQL says the same.

use domain::LocalityCode;
use domain::text::Moment;
use jiff::civil::date;
use state::{Lookup, State};

use super::question::Answers as _;
use super::*;
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
        ledger: LEDGER.to_owned(),
        from: date(2024, 5, 1),
        days: 4,
        communes: Some(6),
        seed: 5,
        postgres: false,
        clients: 2,
        rounds: 1,
        seconds: 0.01,
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

async fn made(below: &Path, options: &BenchQuery) -> std::path::PathBuf {
    let directory = below.join("ingest");
    let load = generate::load_of(&BenchGenerate {
        directory: directory.clone(),
        ledger: LEDGER.to_owned(),
        from: options.from,
        days: options.days,
        communes: options.communes,
        seed: options.seed,
    });
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
    let (row, memory, mornings) = rebuild(&directory, &options).unwrap();
    assert_eq!(row.name, "rebuild");
    assert!(memory.figures.figures > 6 * 40 * 4);
    let own = Own::start(&directory, LEDGER).await.unwrap();
    let reading = Reading::start(&own.address, LEDGER).await.unwrap();
    let plan = Plan::read(&reading.address, &options, mornings, QUIET)
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
    }
    for question in Question::ALL {
        let clients = [client.clone(), client.clone()];
        let each = Duration::from_secs_f64(options.seconds);
        let mut row = Row::asked(question.name().to_owned(), clients.len());
        for round in 0..=options.rounds {
            row.round(&clients, question, round, each).await.unwrap();
        }
        assert!(row.answered(), "{}", question.name());
    }
    reading.stop().await.unwrap();
    own.stop().await.unwrap();
}

/// Needs PostgreSQL on this machine, which whoever asks for the feature has.
#[cfg(feature = "compare")]
#[tokio::test(flavor = "multi_thread")]
async fn postgresql_gives_the_same_answers_before_anybody_looks_at_the_clock() {
    let (below, mut options) = (tempfile::tempdir().unwrap(), small());
    let directory = made(below.path(), &options).await;
    options.postgres = true;
    ask(&directory, &options, QUIET).await.unwrap();
}
