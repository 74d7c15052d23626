//! A standby takes the ledger over: from a writer that is killed and whose disk is gone, and from one that only hangs.
//!
//! Writers ask for `replicated` and repeat what is not answered under the same request id; whatever was acknowledged must
//! be in the log of whoever writes at the end, once.
//! The moments follow from a seed that is printed: `TIENDO_SEED` repeats a run as far as the machine lets it.
//! `TIENDO_LONG=1` takes over 50 times instead of 3, `TIENDO_STANDBY_ROUNDS` as often as it says.

use rustix::process::Signal;
use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use tiendo_tests::fact::{actor, batch, event, request};
use tiendo_tests::{Options, PATIENCE, Process, Refused, Tiendo, say, until};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tonic::transport::{Channel, Endpoint};
use uuid::Uuid;
use wire::v1;
use wire::v1::event::Body;
use wire::v1::ingest_service_client::IngestServiceClient;
use wire::v1::log_service_client::LogServiceClient;

mod on_a_cluster;

/// Writers that record side by side.
const WRITERS: u64 = 4;
/// How often two standbys are told at once until it happens as meant.
const AT_ONCE_TRIES: usize = 5;
/// From the kill to the first answer of the standby, at most: the goal is 5 s, and the rest is for a slow machine.
const TAKE_OVER_MAX: Duration = Duration::from_secs(15);
/// The goal.
const TAKE_OVER_GOAL: Duration = Duration::from_secs(5);
/// Between an answer and the next request of a writer: a standby makes one commit of each request, and is to keep up.
const PACE: Duration = Duration::from_millis(20);
const REPLICATED: i32 = v1::Acknowledgement::Replicated as i32;

/// A service with a folder of its own.
pub(crate) struct Node {
    pub(crate) process: Process,
    address: String,
    data: PathBuf,
}

/// Where nodes live and what they follow.
pub(crate) struct Place {
    folder: tempfile::TempDir,
    nats: String,
}

impl Place {
    pub(crate) async fn node(&self, name: &str, more: &[&str]) -> Result<Node> {
        let data = self.folder.path().join(name);
        let shown = data.to_string_lossy().into_owned();
        #[rustfmt::skip]
        let mut arguments = vec![
            "serve", "ingest", "--lang", "en", "--log", "info,async_nats=off", "--data", &shown,
            "--nats", &self.nats, "--ledger", "two-nodes", "--port", "0", "--http-port", "0",
        ];
        arguments.extend(more);
        let evidence = self.folder.path().join(format!("{name}-said"));
        let mut process = Process::start(&arguments, &evidence)?;
        let is_ready = |line: &str| line.starts_with("ingest ready");
        let line = process.says("ingest ready", is_ready).await?;
        let mut words = line.split_whitespace();
        let address = words.find(|word| word.starts_with("http://"));
        let address = address.context(line.clone())?.trim_end_matches(',');
        Ok(Node {
            process,
            address: address.to_owned(),
            data,
        })
    }
}

async fn connect(address: &str) -> Result<Channel> {
    let endpoint =
        Endpoint::from_shared(address.to_owned())?.connect_timeout(Duration::from_secs(3));
    Ok(endpoint.connect().await?)
}

impl Node {
    pub(crate) async fn ingest(&self) -> Result<IngestServiceClient<Channel>> {
        Ok(IngestServiceClient::new(connect(&self.address).await?))
    }

    async fn log(&self) -> Result<LogServiceClient<Channel>> {
        Ok(LogServiceClient::new(connect(&self.address).await?))
    }

    pub(crate) async fn ledger(&self) -> Result<v1::GetLedgerResponse> {
        let asked = self
            .ingest()
            .await?
            .get_ledger(v1::GetLedgerRequest {})
            .await;
        Ok(asked?.into_inner())
    }

    async fn take_over(&self) -> Result<v1::TakeOverLedgerResponse> {
        let request = v1::TakeOverLedgerRequest {
            actor: Some(actor()),
            reason: "Máy ghi hỏng".to_owned(),
        };
        let asked = self.ingest().await?.take_over_ledger(request).await;
        Ok(asked?.into_inner())
    }

    /// Origin, size and root of the log's first events.
    pub(crate) async fn root(&self, tree_size: u64) -> Result<String> {
        let request = v1::GetCheckpointRequest { tree_size };
        let answer = self
            .log()
            .await?
            .get_checkpoint(request)
            .await?
            .into_inner();
        let lines: Vec<_> = answer
            .checkpoint
            .lines()
            .take(3)
            .map(str::to_owned)
            .collect();
        Ok(lines.join(" "))
    }

    /// Where the events of each request stand.
    async fn positions(&self) -> Result<HashMap<String, Vec<u64>>> {
        let request = v1::ReadEventsRequest {
            beyond_fence: true,
            ..Default::default()
        };
        let mut stream = self.log().await?.read_events(request).await?.into_inner();
        let mut positions: HashMap<String, Vec<u64>> = HashMap::new();
        let mut next = 1;
        while let Some(answer) = stream.message().await? {
            for recorded in answer.events {
                ensure!(
                    recorded.position == next,
                    "{} after {next}",
                    recorded.position
                );
                next += 1;
                let id = recorded.message()?.request_id;
                positions.entry(id).or_default().push(recorded.position);
            }
        }
        Ok(positions)
    }

    /// Kills it, and lets its disk be gone.
    fn lose(self) -> Result<()> {
        self.process.kill();
        Ok(fs::remove_dir_all(&self.data)?)
    }
}

/// What a writer records: a definition, which rests on nothing.
pub(crate) fn definition(number: u64) -> v1::Event {
    let name = |vi: String| {
        let en = String::new();
        Some(v1::Name { vi, en })
    };
    let defined = v1::IndicatorDefined {
        indicator: "eid.standby".to_owned(),
        name: name(format!("Định danh {number}")),
        family: "eid".to_owned(),
        kind: v1::IndicatorKind::Cumulative as i32,
        unit: name("tài khoản".to_owned()),
        denominator: "quota".to_owned(),
    };
    event("2023-01-01", Body::IndicatorDefined(defined))
}

/// The requests that were acknowledged, with their first positions, and those that a take-over cut.
#[derive(Debug, Clone, Default)]
struct Told {
    acknowledged: Arc<Mutex<Vec<(String, u64)>>>,
    cut: Arc<Mutex<Vec<String>>>,
}

impl Told {
    fn acknowledge(&self, id: String, first: u64) {
        let list = self.acknowledged.lock();
        list.unwrap_or_else(std::sync::PoisonError::into_inner)
            .push((id, first));
    }

    fn count(&self) -> usize {
        self.acknowledged.lock().map_or(0, |told| told.len())
    }

    /// The last position that anybody was told.
    fn last(&self) -> u64 {
        let told = self.acknowledged.lock().map(|told| told.clone());
        let told = told.unwrap_or_default();
        told.iter()
            .map(|(_, position)| *position)
            .max()
            .unwrap_or(0)
    }
}

/// Sleeps: the load has a pace, and whoever is refused comes back; nothing is concluded from it.
async fn pause(time: Duration) {
    let until = tokio::time::Instant::now() + time;
    tokio::time::sleep_until(until).await;
}

/// Records one request after the other until the address is gone, each repeated until it is answered.
async fn write(
    writer: u64,
    mut address: watch::Receiver<Option<String>>,
    told: Told,
) -> Result<()> {
    let mut client: Option<(String, IngestServiceClient<Channel>)> = None;
    for number in 0.. {
        let id = Uuid::from_u128(
            (0x4000_u128 << 64)
                | (0x8000_u128 << 48)
                | (u128::from(writer) << 32)
                | u128::from(number),
        );
        loop {
            let Some(at) = address.borrow_and_update().clone() else {
                return Ok(());
            };
            let ready = match &client {
                Some((known, ready)) if *known == at => Some(ready.clone()),
                _ => connect(&at).await.ok().map(IngestServiceClient::new),
            };
            let Some(mut ready) = ready else {
                tokio::time::sleep(Duration::from_millis(20)).await;
                continue;
            };
            client = Some((at, ready.clone()));
            let answer = if writer == 0 {
                // Some requests have several events.
                let several = (0..5).map(|part| definition(number * 10 + part)).collect();
                let mut asked = tonic::Request::new(v1::RecordBatchRequest {
                    request_id: id.to_string(),
                    acknowledgement: REPLICATED,
                    ..batch(several)
                });
                asked.set_timeout(Duration::from_secs(3));
                let answer = ready.record_batch(asked).await;
                answer.map(|answer| answer.into_inner().receipt)
            } else {
                let event = v1::Event {
                    request_id: id.to_string(),
                    ..definition(number)
                };
                let mut asked = tonic::Request::new(v1::RecordRequest {
                    acknowledgement: REPLICATED,
                    ..request(event)
                });
                asked.set_timeout(Duration::from_secs(3));
                let answer = ready.record(asked).await;
                answer.map(|answer| answer.into_inner().receipt)
            };
            match answer {
                Ok(receipt) => {
                    let first = receipt.context("a receipt")?.first_position;
                    told.acknowledge(id.to_string(), first);
                    pause(PACE).await;
                    break;
                }
                Err(status) if Refused::of(&status).reason == "REQUEST_ID_REUSED" => {
                    let mut list = told.cut.lock().map_err(|_| anyhow::anyhow!("poisoned"))?;
                    list.push(id.to_string());
                    break;
                }
                Err(_) => {
                    // Another connection: the old one may lead to a process that hangs.
                    client = None;
                    pause(Duration::from_millis(10)).await;
                }
            }
        }
    }
    Ok(())
}

/// Numbers that follow from a seed.
struct Seed(u64);

impl Seed {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }
}

#[expect(clippy::disallowed_methods, reason = "a test is its own `main`")]
fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok()?.parse().ok()
}

fn rounds() -> u64 {
    let long = number("TIENDO_LONG").map_or(3, |_| 50);
    number("TIENDO_STANDBY_ROUNDS").unwrap_or(long)
}

/// The load of a story.
struct Load {
    address: watch::Sender<Option<String>>,
    told: Told,
    writers: JoinSet<Result<()>>,
}

impl Load {
    fn begin(node: &Node) -> Self {
        let address = watch::Sender::new(Some(node.address.clone()));
        let told = Told::default();
        let mut writers = JoinSet::new();
        for writer in 0..WRITERS {
            writers.spawn(write(writer, address.subscribe(), told.clone()));
        }
        Self {
            address,
            told,
            writers,
        }
    }

    async fn reach(&self, count: usize) -> Result<()> {
        let enough = async || Ok((self.told.count() >= count).then_some(()));
        until("so many acknowledgements", PATIENCE, enough).await
    }

    /// Takes over, sends the writers there, and waits until one of them is answered.
    async fn go_to(
        &self,
        node: &Node,
        begun: Instant,
    ) -> Result<(v1::TakeOverLedgerResponse, Duration)> {
        let taken = node.take_over().await?;
        let command = begun.elapsed();
        self.address.send_replace(Some(node.address.clone()));
        let beyond = async || Ok((self.told.last() > taken.position).then_some(()));
        until("an answer of the new writer", PATIENCE, beyond).await?;
        let wrote = begun.elapsed();
        say(format!(
            "  taken over at {} after {} ms, first answer after {} ms",
            taken.position,
            command.as_millis(),
            wrote.as_millis()
        ));
        ensure!(wrote < TAKE_OVER_MAX, "the standby wrote after {wrote:?}");
        Ok((taken, wrote))
    }

    /// Ends it; whatever was acknowledged is there once, where it was said to be.
    async fn check(&mut self, node: &Node) -> Result<()> {
        self.address.send_replace(None);
        while let Some(ended) = self.writers.join_next().await {
            ended??;
        }
        lost(&self.told, node).await
    }
}

async fn lost(told: &Told, node: &Node) -> Result<()> {
    let acknowledged = told.acknowledged.lock().map(|list| list.clone());
    let acknowledged = acknowledged.unwrap_or_default();
    let positions = node.positions().await?;
    for (id, first) in &acknowledged {
        let found = positions
            .get(id)
            .with_context(|| format!("request {id} at {first} is lost"))?;
        ensure!(
            found.first() == Some(first),
            "{id}: told {first}, found {found:?}"
        );
        ensure!(
            found.len() == 1 || found.len() == 5,
            "{id} stands at {found:?}"
        );
    }
    say(format!(
        "  {} acknowledged requests, 0 lost",
        acknowledged.len()
    ));
    Ok(())
}

pub(crate) async fn place(host: &Tiendo) -> Result<Place> {
    Ok(Place {
        folder: tempfile::Builder::new()
            .prefix("tiendo-standby-")
            .tempdir()?,
        nats: host.endpoints()?.nats,
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_acknowledged_as_replicated_is_lost_with_the_writers_disk() -> Result<()> {
    let seed = number("TIENDO_SEED").unwrap_or_else(|| u64::from(std::process::id()) + 1);
    say(format!("  TIENDO_SEED={seed}"));
    let mut moments = Seed(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
    let host = Tiendo::start(Options::empty()).await?;
    let place = place(&host).await?;
    let mut writer = place.node("node-0", &[]).await?;
    let mut load = Load::begin(&writer);
    let (mut cut, mut slowest) = (Vec::new(), Duration::ZERO);
    for round in 1..=rounds() {
        let standby = place.node(&format!("node-{round}"), &["--standby"]).await?;
        let refused = standby.ingest().await?.record(request(definition(0))).await;
        assert_eq!(Refused::expect(refused)?.reason, "STANDBY");
        let more = usize::try_from(40 + moments.below(80))?;
        load.reach(load.told.count() + more).await?;
        let size = load.told.last();
        let near = async || Ok((standby.ledger().await?.head >= size).then_some(()));
        until("a standby that keeps up", PATIENCE, near).await?;
        let root = writer.root(size).await?;
        tokio::time::sleep(Duration::from_millis(moments.below(50))).await;
        let begun = Instant::now();
        writer.lose()?;
        let (taken, wrote) = load.go_to(&standby, begun).await?;
        slowest = slowest.max(wrote);
        cut.push(taken.cut_request_id);
        assert_eq!(standby.root(size).await?, root, "round {round}");
        assert_eq!(standby.ledger().await?.role(), v1::LedgerRole::Writer);
        lost(&load.told, &standby).await?;
        writer = standby;
    }
    load.check(&writer).await?;
    for id in load
        .told
        .cut
        .lock()
        .map(|list| list.clone())
        .unwrap_or_default()
    {
        ensure!(
            cut.contains(&id),
            "{id} was refused, and no take-over has cut it"
        );
    }
    let within = if slowest < TAKE_OVER_GOAL {
        "within"
    } else {
        "beyond"
    };
    say(format!(
        "  {} rounds; slowest {} ms, {within} the goal",
        rounds(),
        slowest.as_millis()
    ));
    writer.process.stop().await?;
    host.finish().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_frozen_writer_that_wakes_up_is_refused() -> Result<()> {
    let host = Tiendo::start(Options::empty()).await?;
    let place = place(&host).await?;
    let old = place.node("old", &[]).await?;
    let standby = place.node("standby", &["--standby"]).await?;
    let mut load = Load::begin(&old);
    load.reach(60).await?;
    old.process.signal(Signal::STOP)?;
    let (taken, _) = load.go_to(&standby, Instant::now()).await?;
    load.reach(load.told.count() + 40).await?;
    old.process.signal(Signal::CONT)?;

    // Until it has looked at the stream it takes what is to be on its own disk alone; what is to be replicated it never acknowledges.
    let mut client = old.ingest().await?;
    let mut told_local = Vec::new();
    let fenced = async || {
        let mut replicated = tonic::Request::new(v1::RecordRequest {
            acknowledgement: REPLICATED,
            ..request(definition(1))
        });
        replicated.set_timeout(Duration::from_secs(3));
        let refused = Refused::expect(client.record(replicated).await)?;
        let reason = refused.reason.as_str();
        ensure!(
            ["NOT_REPLICATED", "WRITER_FENCED", ""].contains(&reason),
            "{refused:?}"
        );
        match client.record(request(definition(2))).await {
            Ok(local) => {
                let receipt = local.into_inner().receipt.context("a receipt")?;
                told_local.push(receipt.request_id);
                Ok(None)
            }
            Err(status) => {
                assert_eq!(Refused::of(&status).reason, "WRITER_FENCED", "{status:?}");
                Ok(Some(()))
            }
        }
    };
    until("that the old writer is refused", PATIENCE, fenced).await?;
    let counted = async || {
        let ledger = old.ledger().await?;
        let is_counted = ledger.fence.as_ref().is_some_and(|fence| fence.events > 0);
        Ok(is_counted.then_some(ledger))
    };
    let ledger = until("what is lost", PATIENCE, counted).await?;
    assert_eq!(ledger.role(), v1::LedgerRole::Fenced);
    let fence = ledger.fence.context("a fence")?;
    assert_eq!(
        (fence.position, &fence.writer),
        (taken.position, &standby.address)
    );
    // What is lost is told exactly: nothing that the ledger has, and all that was told here since.
    let there = standby.positions().await?;
    let here = old.positions().await?;
    let lost = |id: &String| !there.contains_key(id);
    let after = |positions: &Vec<u64>| {
        positions
            .first()
            .is_some_and(|first| *first >= fence.position)
    };
    let mut expected: Vec<_> = here
        .iter()
        .filter(|(id, at)| after(at) && lost(id))
        .map(|(id, _)| id.clone())
        .collect();
    let mut told = fence.lost_request_ids.clone();
    expected.sort();
    told.sort();
    assert_eq!(told, expected);
    assert!(
        told_local.iter().all(|id| told.contains(id)),
        "{told_local:?} {told:?}"
    );
    let events: usize = told
        .iter()
        .filter_map(|id| here.get(id))
        .map(Vec::len)
        .sum();
    assert_eq!(fence.lost_events, events as u64);
    let is_named = |line: &str| line.contains("ERROR") && line.contains("WRITER_FENCED");
    ensure!(
        old.process.said()?.lines().any(is_named),
        "nothing was logged"
    );
    say(format!(
        "  {} requests were told to be local, and are reported lost",
        told_local.len()
    ));
    let size = taken.position - 1;
    assert_eq!(old.root(size).await?, standby.root(size).await?);

    // Its log has parted from the ledger: it cannot follow it, nor write it, whether it sees the bus or not.
    let Node {
        process,
        address,
        data,
    } = old;
    process.stop().await?;
    is_still_fenced(&place, &data, &address, &fence).await?;
    refuses_to_follow(&place, &data).await?;
    load.check(&standby).await?;
    standby.process.stop().await?;
    host.finish().await
}

/// A writer that was fenced refuses the first request after a restart, and says the same of what is lost, without a bus.
async fn is_still_fenced(
    place: &Place,
    data: &Path,
    address: &str,
    fence: &v1::LedgerFence,
) -> Result<()> {
    let shown = data.to_string_lossy().into_owned();
    let port = address.rsplit(':').next().context("a port")?;
    #[rustfmt::skip]
    let arguments = [
        "serve", "ingest", "--lang", "en", "--data", &shown, "--nats", "nats://127.0.0.1:1",
        "--ledger", "two-nodes", "--port", port, "--http-port", "0",
    ];
    let evidence = place.folder.path().join("fenced-said");
    let process = Process::start(&arguments, &evidence)?;
    let connected = async || Ok(connect(address).await.ok());
    let channel = until("a service that was fenced", PATIENCE, connected).await?;
    let mut client = IngestServiceClient::new(channel);
    let refused = Refused::expect(client.record(request(definition(3))).await)?;
    assert_eq!(refused.reason, "WRITER_FENCED");
    let ledger = client.get_ledger(v1::GetLedgerRequest {}).await?;
    let ledger = ledger.into_inner();
    assert_eq!(ledger.role(), v1::LedgerRole::Fenced);
    assert_eq!(ledger.fence.as_ref(), Some(fence));
    process.stop().await
}

/// Two standbys, the first of which has taken over.
struct Pair {
    one: Node,
    two: Node,
    load: Load,
    /// What the first was answered.
    taken: v1::TakeOverLedgerResponse,
}

/// Two is told while it hangs, and comes to it only once one has taken over.
///
/// None if it heard of that before it came to its own command: then it took over from that one, as if it had been told later.
async fn told_at_once(place: &Place) -> Result<Option<Pair>> {
    let writer = place.node("writer", &[]).await?;
    let one = place.node("one", &["--standby"]).await?;
    let two = place.node("two", &["--standby"]).await?;
    let load = Load::begin(&writer);
    load.reach(20).await?;
    let size = load.told.last();
    let near = async || {
        let is_near = one.ledger().await?.head >= size && two.ledger().await?.head >= size;
        Ok(is_near.then_some(()))
    };
    until("standbys that keep up", PATIENCE, near).await?;
    writer.lose()?;
    let mut client = two.ingest().await?;
    two.process.signal(Signal::STOP)?;
    let told = client.take_over_ledger(v1::TakeOverLedgerRequest {
        actor: Some(actor()),
        reason: "Cả hai được lệnh".to_owned(),
    });
    let taken = async {
        let (taken, _) = load.go_to(&one, Instant::now()).await?;
        two.process.signal(Signal::CONT)?;
        anyhow::Ok(taken)
    };
    let (told, taken) = tokio::join!(told, taken);
    let taken = taken?;
    if let Ok(told) = told {
        let told = told.into_inner();
        assert!(told.position > taken.position, "{told:?} {taken:?}");
        return Ok(None);
    }
    let refused = Refused::expect(told)?;
    assert_eq!(refused.reason, "TAKE_OVER_OVERTAKEN", "{refused:?}");
    assert_eq!(two.ledger().await?.role(), v1::LedgerRole::Standby);
    Ok(Some(Pair {
        one,
        two,
        load,
        taken,
    }))
}

/// The second then takes over from a writer that is alive and has much on its way.
#[tokio::test(flavor = "multi_thread")]
async fn of_two_standbys_that_are_told_at_once_one_takes_over() -> Result<()> {
    for _ in 0..AT_ONCE_TRIES {
        let host = Tiendo::start(Options::empty()).await?;
        let place = place(&host).await?;
        if let Some(pair) = told_at_once(&place).await? {
            told_again(pair).await?;
            return host.finish().await;
        }
        host.finish().await?;
    }
    anyhow::bail!("in {AT_ONCE_TRIES} tries the second never came to its command first")
}

async fn told_again(pair: Pair) -> Result<()> {
    let Pair {
        one,
        two,
        mut load,
        taken,
    } = pair;
    // It goes on following; told again it takes over from that one.
    let follows = async || Ok((two.ledger().await?.head >= taken.position).then_some(()));
    until("a standby that goes on", PATIENCE, follows).await?;
    let many = batch((0..2_000).map(definition).collect());
    let mut busy = one.ingest().await?;
    let (_, taken) = tokio::join!(busy.record_batch(many), load.go_to(&two, Instant::now()));
    taken?;
    let fenced = async || {
        let role = one.ledger().await?.role();
        Ok((role == v1::LedgerRole::Fenced).then_some(()))
    };
    until("that the one before it is fenced", PATIENCE, fenced).await?;
    load.reach(load.told.count() + 20).await?;
    load.check(&two).await?;
    let published = async || {
        let ledger = two.ledger().await?;
        assert_eq!(
            (ledger.role(), ledger.alarm.as_str()),
            (v1::LedgerRole::Writer, "")
        );
        Ok((ledger.behind_positions == 0).then_some(()))
    };
    until("a stream that is the new writer's log", PATIENCE, published).await?;
    one.process.stop().await?;
    two.process.stop().await
}

/// A directory that holds another history follows nothing, and says why.
async fn refuses_to_follow(place: &Place, data: &Path) -> Result<()> {
    let shown = data.to_string_lossy().into_owned();
    #[rustfmt::skip]
    let arguments = [
        "serve", "ingest", "--standby", "--lang", "en", "--data", &shown, "--nats", &place.nats,
        "--ledger", "two-nodes", "--port", "0", "--http-port", "0",
    ];
    let evidence = place.folder.path().join("parted-said");
    let mut parted = Process::start(&arguments, &evidence)?;
    let is_named = |line: &str| line.contains("STREAM_FORKED");
    parted.says("that it has parted", is_named).await?;
    parted.stop().await
}
