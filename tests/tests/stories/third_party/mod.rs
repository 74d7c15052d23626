//! Clients that we did not write: Python's grpcio and buf, with nothing but the address and reflection.
//!
//! Both put every question of `QueryService` (`questions`), and what must be refused of each (`rules`); and what people ask of `AlertingService`, well and badly.
//! `TIENDO_PYTHON` and `TIENDO_BUF` name the programs; else `python3` and `buf` are looked for.
//! Where one is missing its part is left out with a line that says so, unless `TIENDO_REQUIRE_THIRD_PARTY=1`.

mod client;
mod questions;
mod rules;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::{Value, json};
use tiendo_tests::{Chapters, Options, Tiendo, program, say};

use client::{Client, Question, Served, Told};
use questions::Row;
use rules::{Asked, Case};

#[tokio::test(flavor = "multi_thread")]
async fn others_put_every_question_and_are_refused_as_it_is_written() -> Result<()> {
    let python = usable(
        "TIENDO_PYTHON",
        &["python3"],
        &["-c", "import grpc, grpc_reflection"],
    )
    .await?;
    let buf = usable("TIENDO_BUF", &["buf"], &["--version"]).await?;
    if python.is_none() && buf.is_none() {
        return Ok(());
    }
    let tiendo = Tiendo::start(Options::sample()).await?;
    adopt_rules(&tiendo).await?;
    let mut story = Chapters::new();
    if let Some(python) = python {
        let client = Client::Python(python);
        let chapter = every_question(&tiendo, &client);
        story
            .tell("Python grpcio, reflection v1alpha", chapter)
            .await;
        let chapter = alerting(&tiendo, &client);
        story.tell("Python grpcio, alerting", chapter).await;
    }
    if let Some(buf) = buf {
        let chapter = what_buf_refuses_itself(&tiendo, &buf);
        story.tell("what buf refuses itself", chapter).await;
        let client = Client::Buf(buf);
        let chapter = every_question(&tiendo, &client);
        story.tell("buf curl, reflection v1", chapter).await;
        let chapter = alerting(&tiendo, &client);
        story.tell("buf curl, alerting", chapter).await;
    }
    story.end()?;
    tiendo.finish().await
}

/// The sample has no rules of judgement of its own; two versions make a list of more than a page.
async fn adopt_rules(t: &Tiendo) -> Result<()> {
    let path = t.data().with_file_name("rules.json");
    for (version, day) in [("kh-1", "2023-05-01"), ("kh-2", "2023-05-02")] {
        std::fs::write(&path, json!({ "version": version }).to_string())?;
        let path = path.to_str().context("the folder is not UTF-8")?;
        let line = ["rule", "adopt", path, "--reason", "thử", "--as-of", day];
        t.text(&line).await?;
    }
    Ok(())
}

/// The first program that can do what is needed.
async fn usable(variable: &str, names: &[&str], probe: &[&str]) -> Result<Option<PathBuf>> {
    let mut why = String::new();
    for candidate in program::third_party(variable, names) {
        match program::run(&candidate, probe)
            .await
            .and_then(program::Output::ok)
        {
            Ok(_) => return Ok(Some(candidate)),
            Err(error) => why = format!("{error:#}"),
        }
    }
    let line = format!(
        "{} is left out ({variable} can name one): {}",
        names.join(", "),
        why.trim()
    );
    if program::third_party_required() {
        bail!("{line}");
    }
    say(line);
    Ok(None)
}

/// Every method has a question, every question is answered as the sample is known to be, and every rule holds for it.
async fn every_question(t: &Tiendo, client: &Client) -> Result<()> {
    let rows = questions::rows();
    let queries = &Served::queries(t)?;
    let methods: BTreeSet<String> = client.methods(queries).await?.into_iter().collect();
    let asked: BTreeSet<String> = rows.iter().map(|row| row.method.to_owned()).collect();
    let apart: Vec<_> = asked.symmetric_difference(&methods).collect();
    ensure!(
        apart.is_empty(),
        "the table asks nothing of, or nobody serves: {apart:?}"
    );
    let questions: Vec<_> = rows.iter().map(|row| row.but(json!({}))).collect();
    let told = client.ask(queries, &questions).await?;
    let mut wrong = checked(&rows, &told);
    let cases = cases(queries, client, &rows, &told).await?;
    let questions: Vec<_> = cases.iter().map(|case| case.question.clone()).collect();
    let told = client.ask(queries, &questions).await?;
    for (case, told) in cases.iter().zip(&told) {
        if let Err(error) = case.check(told) {
            let request = &case.question.request;
            wrong.push(format!("{} {request}: {error:#}", case.about));
        }
    }
    say(format!("  {} questions, {} cases", rows.len(), cases.len()));
    none(&wrong)
}

/// What was told otherwise than the rows say.
fn checked(rows: &[Row], told: &[Told]) -> Vec<String> {
    let told = rows.iter().zip(told);
    let wrong = told.filter_map(|(row, told)| {
        let error = row.check(told).err()?;
        Some(format!("{} {}: {error:#}", row.method, row.request))
    });
    wrong.collect()
}

fn none(wrong: &[String]) -> Result<()> {
    let (count, lines) = (wrong.len(), wrong.join("\n"));
    ensure!(wrong.is_empty(), "{count} wrong:\n{lines}");
    Ok(())
}

/// What people ask of alerting is answered or refused as it is written, and a field that nobody knows is passed over.
async fn alerting(t: &Tiendo, client: &Client) -> Result<()> {
    let rows = questions::of_alerting();
    let alerting = &Served::alerting(t)?;
    let methods = client.methods(alerting).await?;
    let unserved = rows.iter().map(|row| row.method);
    let unserved = unserved.filter(|method| !methods.iter().any(|it| it == method));
    let unserved: Vec<_> = unserved.collect();
    ensure!(unserved.is_empty(), "nobody serves {unserved:?}");
    let questions: Vec<_> = rows.iter().map(|row| row.but(json!({}))).collect();
    let told = client.ask(alerting, &questions).await?;
    let mut wrong = checked(&rows, &told);
    if let Client::Python(_) = client {
        let unknown = questions.into_iter().map(|question| Question {
            unknown: true,
            ..question
        });
        let unknown = client.ask(alerting, &unknown.collect::<Vec<_>>()).await?;
        let of_unknown = checked(&rows, &unknown);
        wrong.extend(
            of_unknown
                .into_iter()
                .map(|it| format!("unknown field, {it}")),
        );
    }
    say(format!("  {} questions", rows.len()));
    none(&wrong)
}

/// What must hold for each method, asked as the first of its rows that was answered.
async fn cases(
    queries: &Served,
    client: &Client,
    rows: &[Row],
    told: &[Told],
) -> Result<Vec<Case>> {
    let methods = rules::methods()?;
    let mut answered = Vec::new();
    let lasting = rows.iter().zip(told).filter(|(row, _)| !row.acts);
    for (row, told) in lasting {
        let method = methods.iter().find(|method| method.name() == row.method);
        let is_first = |it: &Asked<'_>| it.row.method != row.method;
        if let (true, Ok(answer)) = (answered.iter().all(is_first), told.answer()) {
            answered.push(Asked {
                row,
                method: method.context(row.method)?.clone(),
                answer,
                first: Value::Null,
            });
        }
    }
    let apart = rows.iter().map(|row| row.method).filter(|method| {
        let is_of = |asked: &Asked<'_>| asked.row.method == *method;
        !answered.iter().any(is_of)
    });
    let acts: BTreeSet<_> = rows
        .iter()
        .filter(|row| row.acts)
        .map(|row| row.method)
        .collect();
    let unanswered: Vec<_> = apart.filter(|method| !acts.contains(method)).collect();
    ensure!(
        unanswered.is_empty(),
        "no question is answered: {unanswered:?}"
    );
    let with_pages = |asked: &&mut Asked<'_>| asked.has("page_size");
    let paged: Vec<_> = answered.iter_mut().filter(with_pages).collect();
    let firsts: Vec<_> = paged
        .iter()
        .map(|asked| Asked::first_page(asked.row))
        .collect();
    let firsts = client.ask(queries, &firsts).await?;
    for (asked, first) in paged.into_iter().zip(firsts) {
        asked.first = first.answer().context(asked.row.method)?.clone();
    }
    let mut cases = Vec::new();
    for asked in &answered {
        cases.extend(asked.cases().context(asked.row.method)?);
        if let Client::Python(_) = client {
            cases.extend(asked.cases_of_python());
        }
    }
    if let Client::Buf(_) = client {
        // A process for each question is slow: one of each kind, which Python asks all.
        cases.dedup_by(|next, kept| next.about == kept.about);
    }
    Ok(cases)
}

/// buf holds a question against the reflected description, and sends nothing that does not fit: an unknown field, or `*` as a path.
async fn what_buf_refuses_itself(t: &Tiendo, buf: &Path) -> Result<()> {
    let endpoints = t.endpoints()?;
    for (address, service, method) in [
        (&endpoints.ingest, "IngestService", "Record"),
        (&endpoints.ingest, "LogService", "ReadEvents"),
        (&endpoints.alerting, "AlertingService", "ListCases"),
        (&endpoints.alerting, "AlertingService", "GetCase"),
        (&endpoints.alerting, "AlertingService", "SetSilence"),
    ] {
        let listed = client::buf_lists(buf, address, service).await?;
        ensure!(
            listed.iter().any(|it| it == method),
            "no {method} in {listed:?}"
        );
    }
    let (queries, alerting) = (&Served::queries(t)?, &Served::alerting(t)?);
    let of_queries = questions::rows().into_iter().map(|row| (queries, row));
    let of_alerting = questions::of_alerting().into_iter();
    let of_alerting = of_alerting.map(|row| (alerting, row));
    for (served, row) in of_queries.chain(of_alerting) {
        let unknown = row.but(json!({"no_such_field": 1})).request;
        let printed = client::buf_prints(buf, served, row.method, &unknown).await?;
        let says = printed.stderr.contains("unknown field \"no_such_field\"");
        // Codes of the service are multiples of 8.
        ensure!(printed.code == 1 && says, "{}: {printed:?}", row.method);
    }
    let star = json!({"code": "56", "read_mask": "*"});
    let printed = client::buf_prints(buf, queries, "GetLocality", &star).await?;
    let says = printed.stderr.contains("invalid path: \"*\"");
    ensure!(printed.code == 1 && says, "{printed:?}");
    Ok(())
}
