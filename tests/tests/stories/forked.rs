//! A writer that is cut off from the bus records on; its readers take that from its log, and another writer takes over.
//! What they took is then in no ledger: they say so, drop it, and end as if they had never seen it.

use std::net::Ipv4Addr;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;
use tiendo_tests::fact::{actor, batch, event, quota, report, request};
use tiendo_tests::{Options, Process, Tiendo, binary, program, until};
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tonic::transport::{Channel, Endpoint};
use wire::v1;
use wire::v1::event::Body;
use wire::v1::ingest_service_client::IngestServiceClient;
use wire::v1::log_service_client::LogServiceClient;

/// No condition takes longer than this, with much else to do on the machine.
const PATIENCE: Duration = Duration::from_secs(120);
/// The day that is judged for.
const TODAY: &str = "2023-07-31";
/// What is asked of two projections; the answers hold positions, times and digests.
const ANSWERS: [&[&str]; 4] = [
    &["locality", "show", "56", "--as-of", TODAY],
    &["locality", "history", "01", "--as-of", TODAY],
    &["figure", "explain", "01", "eid.activated", "--as-of", TODAY],
    &["indicator", "list", "--as-of", TODAY],
];

/// A way to a server that can be cut.
struct Line {
    url: String,
    whole: watch::Sender<bool>,
    _tasks: JoinSet<()>,
}

impl Line {
    async fn to(server: &str) -> Result<Self> {
        let target = server.trim_start_matches("nats://").to_owned();
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let url = format!("nats://{}", listener.local_addr()?);
        let whole = watch::Sender::new(true);
        let seen = whole.subscribe();
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            let mut lines = JoinSet::new();
            while let Ok((near, _)) = listener.accept().await {
                lines.spawn(carry(near, target.clone(), seen.clone()));
            }
        });
        Ok(Self {
            url,
            whole,
            _tasks: tasks,
        })
    }
}

/// Carries both ways until the line is cut; a cut line carries nothing.
async fn carry(mut near: TcpStream, target: String, mut whole: watch::Receiver<bool>) {
    if !*whole.borrow_and_update() {
        return;
    }
    let Ok(mut far) = TcpStream::connect(target).await else {
        return;
    };
    tokio::select! {
        _ = copy_bidirectional(&mut near, &mut far) => {}
        _ = whole.wait_for(|whole| !whole) => {}
    }
}

/// Where services live.
struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    /// A service, and its address.
    async fn service(&self, kind: &str, name: &str, more: &[&str]) -> Result<(Process, String)> {
        let data = self.folder.path().join(name).to_string_lossy().into_owned();
        #[rustfmt::skip]
        let mut arguments = vec![
            "serve", kind, "--lang", "en", "--log", "info,async_nats=off", "--data", &data,
            "--ledger", "forked", "--port", "0", "--http-port", "0",
        ];
        arguments.extend(more);
        let evidence = self.folder.path().join(format!("{name}-said"));
        let mut process = Process::start(&arguments, &evidence)?;
        let is_ready = |line: &str| line.starts_with(&format!("{kind} ready"));
        let line = process.says(&format!("{name} ready"), is_ready).await?;
        let mut words = line.split_whitespace();
        let address = words.find(|word| word.starts_with("http://"));
        let address = address.context(line.clone())?.trim_end_matches(',');
        Ok((process, address.to_owned()))
    }
}

async fn connect(address: &str) -> Result<Channel> {
    Ok(Endpoint::from_shared(address.to_owned())?.connect().await?)
}

async fn ledger(address: &str) -> Result<v1::GetLedgerResponse> {
    let mut ingest = IngestServiceClient::new(connect(address).await?);
    let answer = ingest.get_ledger(v1::GetLedgerRequest {}).await?;
    Ok(answer.into_inner())
}

async fn record(address: &str, event: v1::Event) -> Result<u64> {
    let mut ingest = IngestServiceClient::new(connect(address).await?);
    let answer = ingest.record(request(event)).await?.into_inner();
    Ok(answer.receipt.context("a receipt")?.first_position)
}

fn registered(code: &str, vi: &str) -> v1::Event {
    let body = v1::LocalityRegistered {
        locality: Some(v1::LocalityRef {
            code: code.to_owned(),
            since: "2023-04-10".to_owned(),
        }),
        level: v1::Level::Province as i32,
        name: name(vi),
        source: Some(v1::Source {
            title: "Danh mục đơn vị hành chính".to_owned(),
            url: String::new(),
        }),
        ..v1::LocalityRegistered::default()
    };
    event("2023-04-10", Body::LocalityRegistered(body))
}

fn name(vi: &str) -> Option<v1::Name> {
    let (vi, en) = (vi.to_owned(), String::new());
    Some(v1::Name { vi, en })
}

/// Two provinces, one of which has missed a quota; gives the head.
async fn begin(address: &str) -> Result<u64> {
    let defined = v1::IndicatorDefined {
        indicator: "eid.activated".to_owned(),
        name: name("Định danh điện tử đã kích hoạt"),
        family: "eid".to_owned(),
        kind: v1::IndicatorKind::Cumulative as i32,
        unit: name("tài khoản"),
        denominator: "quota".to_owned(),
    };
    let events = vec![
        event("2023-01-01", Body::IndicatorDefined(defined)),
        registered("01", "Thành phố Hà Nội"),
        registered("56", "Tỉnh Khánh Hòa"),
        quota("01", 1_000_000, "2023-06-01", "2023-07-15"),
        report("01", "2023-07-10", 500_000),
        report("56", "2023-07-10", 600_000),
    ];
    let mut ingest = IngestServiceClient::new(connect(address).await?);
    let answer = ingest.record_batch(batch(events)).await?.into_inner();
    Ok(answer.receipt.context("a receipt")?.last_position)
}

/// Where the log ends for its readers.
async fn read_to(address: &str, beyond_fence: bool) -> Result<u64> {
    let request = v1::ReadEventsRequest {
        beyond_fence,
        ..Default::default()
    };
    let mut log = LogServiceClient::new(connect(address).await?);
    let mut stream = log.read_events(request).await?.into_inner();
    let mut last = 0;
    while let Some(answer) = stream.message().await? {
        last = answer.events.last().map_or(last, |event| event.position);
        ensure!(answer.head >= last, "the head is {}", answer.head);
    }
    Ok(last)
}

async fn tiendo(address: &str, arguments: &[&str]) -> Result<program::Output> {
    let mut all = vec!["--server", address, "--lang", "en"];
    all.extend(arguments);
    program::run(&binary()?, &all).await
}

async fn json(address: &str, arguments: &[&str]) -> Result<Value> {
    let mut all = arguments.to_vec();
    all.extend(["-o", "json"]);
    Ok(serde_json::from_str(&tiendo(address, &all).await?.ok()?)?)
}

/// Up to where a projection has folded, if it says so.
async fn folded(address: &str) -> Result<Option<u64>> {
    let asked = tiendo(address, &["indicator", "list", "-o", "json"]).await?;
    if asked.code != 0 {
        return Ok(None);
    }
    let answer: Value = serde_json::from_str(&asked.stdout)?;
    Ok(answer["at"]["foldedPosition"].as_u64())
}

async fn folds(address: &str, position: u64) -> Result<()> {
    let reached = async || Ok((folded(address).await? == Some(position)).then_some(()));
    until(&format!("{position} folded"), PATIENCE, reached).await
}

/// What a projection answers, but for how fresh that is.
async fn answers(address: &str) -> Result<Vec<Value>> {
    let mut all = Vec::new();
    for arguments in ANSWERS {
        let mut answer = json(address, arguments).await?;
        if let Some(at) = answer["at"].as_object_mut() {
            at.retain(|name, _| ["asOf", "position", "known"].contains(&name.as_str()));
        }
        all.push(answer);
    }
    Ok(all)
}

/// The ids of the open cases.
async fn cases(address: &str) -> Result<Vec<String>> {
    let listed = json(address, &["case", "list"]).await?;
    let cases = listed["cases"].as_array().context(listed.to_string())?;
    let ids = cases.iter().filter_map(|case| case["caseId"].as_str());
    let mut ids: Vec<String> = ids.map(str::to_owned).collect();
    ids.sort();
    Ok(ids)
}

async fn cases_are(address: &str, what: &str, are: impl Fn(&[String]) -> bool) -> Result<()> {
    let seen = async || Ok(are(&cases(address).await?).then_some(()));
    until(what, PATIENCE, seen).await
}

/// What a service says of its readiness.
async fn readiness(service: &Process) -> Result<String> {
    let said = service.said()?;
    let address = said.split(", http http://").nth(1);
    let address = address.and_then(|rest| rest.split_whitespace().next());
    program::page(address.context(said.clone())?, "/readyz").await
}

fn is_forked(line: &str) -> bool {
    line.contains("ERROR") && line.contains("LEDGER_FORKED")
}

#[tokio::test(flavor = "multi_thread")]
async fn readers_of_a_writer_that_was_cut_off_follow_the_ledger_in_the_end() -> Result<()> {
    let host = Tiendo::start(Options::empty()).await?;
    let nats = host.endpoints()?.nats;
    let line = Line::to(&nats).await?;
    let place = Place {
        folder: tempfile::Builder::new()
            .prefix("tiendo-forked-")
            .tempdir()?,
    };
    let (old, old_at) = place
        .service("ingest", "old", &["--nats", &line.url])
        .await?;
    let standby = ["--standby", "--nats", &nats];
    let (new, new_at) = place.service("ingest", "new", &standby).await?;
    let of_old = ["--nats", &nats, "--ingest", &old_at];
    let kept = [&of_old[..], &["--snapshot-every", "1"]].concat();
    let (mut projection, projection_at) = place.service("projection", "projection", &kept).await?;
    let judged = [&of_old[..], &["--today", TODAY]].concat();
    let (mut alerting, alerting_at) = place.service("alerting", "alerting", &judged).await?;
    let head = begin(&old_at).await?;
    let near = async || Ok((ledger(&new_at).await?.head == head).then_some(()));
    until("a standby that has it all", PATIENCE, near).await?;
    folds(&projection_at, head).await?;
    let khanh_hoa = |ids: &[String]| {
        ids.iter()
            .any(|id| id.starts_with("56@") && id.contains("/provincial/"))
    };
    cases_are(&alerting_at, "cases", |ids| {
        !ids.is_empty() && !khanh_hoa(ids)
    })
    .await?;

    // What is recorded now stands on the writer's disk alone, and its readers take it from there.
    line.whole.send_replace(false);
    let lost = quota("56", 1_200_000, "2023-06-01", "2023-07-15");
    assert_eq!(record(&old_at, lost).await?, head + 1);
    for value in 0..5 {
        record(&old_at, report("01", "2023-07-20", 510_000 + value)).await?;
    }
    folds(&projection_at, head + 6).await?;
    cases_are(&alerting_at, "a case of what is lost", khanh_hoa).await?;

    // Another takes over: two histories, and the log that is read has the wrong one.
    let request = v1::TakeOverLedgerRequest {
        actor: Some(actor()),
        reason: "Máy ghi mất liên lạc".to_owned(),
    };
    let mut ingest = IngestServiceClient::new(connect(&new_at).await?);
    let taken = ingest.take_over_ledger(request).await?.into_inner();
    assert_eq!(taken.position, head + 1);
    record(&new_at, report("01", "2023-07-21", 520_000)).await?;
    for service in [&mut projection, &mut alerting] {
        service
            .says("that there are two histories", is_forked)
            .await?;
        let told = readiness(service).await?;
        ensure!(
            told.contains("LEDGER_FORKED: the log and the stream"),
            "{told}"
        );
    }

    // The old writer is told so by the bus; from then on its log ends where the ledger went on.
    line.whole.send_replace(true);
    let fenced = async || Ok((read_to(&old_at, false).await? == head).then_some(()));
    until("a log that ends before its fence", PATIENCE, fenced).await?;
    assert_eq!(read_to(&old_at, true).await?, head + 6);
    let end = record(&new_at, report("01", "2023-07-22", 530_000)).await?;
    folds(&projection_at, end).await?;
    cases_are(&alerting_at, "only cases of the ledger", |ids| {
        !ids.is_empty() && !khanh_hoa(ids)
    })
    .await?;

    // They answer as those do that have never seen anything else.
    let of_new = ["--nats", &nats, "--ingest", &new_at];
    let (fresh, fresh_at) = place.service("projection", "fresh", &of_new).await?;
    folds(&fresh_at, end).await?;
    assert_eq!(answers(&projection_at).await?, answers(&fresh_at).await?);
    let judged = [&of_new[..], &["--today", TODAY]].concat();
    let (judge, judge_at) = place.service("alerting", "judge", &judged).await?;
    let expected = cases(&alerting_at).await?;
    cases_are(&judge_at, "the same cases", |ids| ids == expected).await?;

    // At the new writer they go on with what they have.
    projection.stop().await?;
    let kept = [&of_new[..], &["--snapshot-every", "1"]].concat();
    let (projection, projection_at) = place.service("projection", "projection", &kept).await?;
    folds(&projection_at, end).await?;
    let verified = json(&projection_at, &["projection", "rebuild", "--verify"]).await?;
    ensure!(verified["digest"] == verified["servedDigest"], "{verified}");
    let other = json(&fresh_at, &["projection", "rebuild", "--verify"]).await?;
    assert_eq!(verified["digest"], other["digest"]);
    for service in [projection, fresh, alerting, judge, old, new] {
        service.stop().await?;
    }
    host.finish().await
}
