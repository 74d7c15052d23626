//! `tiendo bench append`: through gRPC and into a plain file, in turn.
//!
//! Without an address, each load gets an ingest of its own in this process: the real service with the real decisions, on
//! a copy of a ledger that holds the places and the catalogue, and with no bus.
//! The file is written in pieces of as many events as a commit of the log had on average in the same round; a commit is
//! told by its time, which no other commit has.

use std::collections::HashSet;
use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use host::{CancellationToken, Clock as _, Readiness, SystemClock};
use prost::Message as _;
use serde_json::json;
use tokio::task::{JoinHandle, JoinSet};
use tonic::transport::Channel;
use uuid::Uuid;
use wire::v1;
use wire::v1::ingest_service_client::IngestServiceClient;

use super::sample::Sampler;
use super::{LEDGER, Row, disk_bytes, failed, open, ratio, say, show, temporary};
use crate::Failure;
use crate::cli::BenchAppend;
use crate::client::Clients;
use crate::dataset::Set;
use crate::endpoints::Endpoints;
use crate::fail::{FAILED, USAGE};
use crate::output::Output;
use crate::serve::{bind, ingest_config, url};

/// Nothing listens there: the relay finds no bus, and the log does without.
pub(super) const NO_BUS: &str = "nats://127.0.0.1:1";
/// Clients, each with a connection of its own and one request under way, and events of a request.
const LOADS: [Load; 6] = [
    Load::new(1, 1),
    Load::new(8, 1),
    Load::new(64, 1),
    Load::new(1, 100),
    Load::new(8, 100),
    Load::new(64, 100),
];
/// Most events of one round, since they are made before the clock starts.
const EVENTS_MAX: usize = 500_000;
/// Events from which on the disk they take is told: it grows in steps.
const WEIGHED_EVENTS_MIN: usize = 100_000;

#[derive(Debug, Clone, Copy)]
struct Load {
    clients: usize,
    batch: usize,
}

impl Load {
    const fn new(clients: usize, batch: usize) -> Self {
        Self { clients, batch }
    }

    fn name(self) -> String {
        format!("{}x{}", self.clients, self.batch)
    }

    /// All loads, or the one that is named.
    fn wanted(name: Option<&str>) -> Result<Vec<Self>, Failure> {
        let mut loads = LOADS.to_vec();
        loads.retain(|load| name.is_none_or(|name| load.name() == name));
        if loads.is_empty() {
            let all = LOADS.map(Self::name).join(", ");
            return Err(Failure::new(USAGE, format!("--load is one of {all}")));
        }
        Ok(loads)
    }
}

type Client = IngestServiceClient<Channel>;

/// A request, made before the clock starts.
enum Made {
    Single(Box<v1::RecordRequest>),
    Batch(v1::RecordBatchRequest),
}

/// What one round gave.
struct Run {
    events_per_s: f64,
    commit_events: f64,
}

/// Measures every load and prints a row for gRPC and one for the file.
pub(super) async fn run(options: BenchAppend, output: Output) -> Result<(), Failure> {
    let loads = Load::wanted(options.load.as_deref())?;
    let below = temporary(options.directory.clone())?;
    let mut bench = Bench {
        sampler: Sampler::new()?,
        rounds: options.rounds.max(1),
        each: Duration::try_from_secs_f64(options.seconds)
            .map_err(|error| Failure::caused(USAGE, &error))?,
        file: below.path().join("file"),
    };
    let mut rows = Vec::new();
    if let Some(address) = &options.endpoint {
        prepare_given(address, &options, output).await?;
        for load in loads {
            rows.extend(bench.measure(load, address, output).await?.0);
        }
    } else {
        let seed = Seed::make(below.path(), output).await?;
        for load in loads {
            let (directory, own) = seed.sow(below.path(), load).await?;
            let (mut measured, events) = bench.measure(load, &own.address, output).await?;
            own.stop().await?;
            if events >= WEIGHED_EVENTS_MIN {
                let bytes = weigh(directory).await?.saturating_sub(seed.bytes);
                measured[0].bytes_per_event = Some(bytes as f64 / events as f64);
            }
            rows.extend(measured);
        }
    }
    let about = json!({ "rounds": bench.rounds, "seconds_per_round": bench.each.as_secs_f64() });
    let head = output.lang.pick(
        "Ghi qua gRPC, và cùng số liệu vào một tệp thường với fdatasync ở cùng cỡ lần ghi",
        "Recorded through gRPC, and the same events into a plain file with fdatasync at the same commit sizes",
    );
    show(&rows, about, head, output)
}

/// Looks whether the ledger may be written to, and gives it places and a catalogue.
async fn prepare_given(
    address: &str,
    options: &BenchAppend,
    output: Output,
) -> Result<(), Failure> {
    let mut ingest = connect(address).await?;
    let told = |status: tonic::Status| Failure::status(&status, output.lang);
    let ledger = ingest.get_ledger(v1::GetLedgerRequest {}).await;
    let ledger = ledger.map_err(told)?.into_inner();
    if ledger.head > 0 && !options.keep_made_up_figures {
        let text = output.lang.pick(
            format!(
                "sổ {} đã có {} sự kiện, và số liệu giả định ghi vào sẽ ở lại mãi mãi; nếu đúng ý, hãy thêm --keep-made-up-figures",
                ledger.ledger, ledger.head
            ),
            format!(
                "the ledger {} holds {} events, and made-up figures would stay in it for ever; if that is what you want, add --keep-made-up-figures",
                ledger.ledger, ledger.head
            ),
        );
        return Err(Failure::new(USAGE, text));
    }
    crate::load::load(&mut ingest, &[Set::Gazetteer, Set::Catalogue], output.lang).await
}

pub(super) async fn connect(address: &str) -> Result<Client, Failure> {
    let endpoints = Endpoints {
        ingest: address.to_owned(),
        ..Endpoints::default()
    };
    Clients::new(endpoints).ingest().await
}

/// An ingest in this process.
pub(super) struct Own {
    pub(super) address: String,
    stop: CancellationToken,
    running: JoinHandle<Result<(), ingest::Error>>,
}

impl Own {
    pub(super) async fn start(directory: &Path, ledger: &str, nats: &str) -> Result<Self, Failure> {
        let config = ingest_config(directory, ledger, nats);
        let service = ingest::build(config, Arc::new(SystemClock)).map_err(failed)?;
        let listener = bind(0, "bench").await?;
        let address = url(&listener)?;
        let stop = CancellationToken::new();
        let run = service.run(listener, Readiness::new(), stop.clone());
        let running = host::task::spawn("bench-ingest", run);
        Ok(Self {
            address,
            stop,
            running,
        })
    }

    pub(super) async fn stop(self) -> Result<(), Failure> {
        self.stop.cancel();
        self.running.await.map_err(failed)?.map_err(failed)
    }
}

/// A ledger with the places and the catalogue, to be copied.
struct Seed {
    directory: PathBuf,
    bytes: u64,
}

impl Seed {
    async fn make(below: &Path, output: Output) -> Result<Self, Failure> {
        let directory = below.join("seed");
        let own = Own::start(&directory, LEDGER, NO_BUS).await?;
        let mut ingest = connect(&own.address).await?;
        let sets = [Set::Gazetteer, Set::Catalogue];
        crate::load::load(&mut ingest, &sets, output.lang).await?;
        drop(ingest);
        own.stop().await?;
        let bytes = weigh(directory.clone()).await?;
        Ok(Self { directory, bytes })
    }

    async fn sow(&self, below: &Path, load: Load) -> Result<(PathBuf, Own), Failure> {
        let directory = below.join(load.name());
        copy(&self.directory, &directory)?;
        let own = Own::start(&directory, LEDGER, NO_BUS).await?;
        Ok((directory, own))
    }
}

fn copy(from: &Path, to: &Path) -> std::io::Result<()> {
    std::fs::create_dir(to)?;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let to = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &to)?;
        } else {
            std::fs::copy(entry.path(), to)?;
        }
    }
    Ok(())
}

/// Settles a log that nobody holds, and gives the bytes it takes.
async fn weigh(directory: PathBuf) -> Result<u64, Failure> {
    let weighing = tokio::task::spawn_blocking(move || {
        let log = open(&directory, LEDGER, Arc::new(|| 0))?;
        log.seal().map_err(failed)?;
        log.close();
        Ok(disk_bytes(&directory)?)
    });
    weighing.await.map_err(failed)?
}

/// What all loads have in common.
struct Bench {
    sampler: Sampler,
    rounds: usize,
    each: Duration,
    file: PathBuf,
}

impl Bench {
    /// Measures one load; gives a row for gRPC, one for the file, and how many events were recorded.
    async fn measure(
        &mut self,
        load: Load,
        address: &str,
        output: Output,
    ) -> Result<([Row; 2], usize), Failure> {
        let Load { clients, batch } = load;
        say(
            output,
            &format!("đang đo {clients} máy khách x {batch} sự kiện"),
            &format!("measuring {clients} clients x {batch} events"),
        );
        let mut connected = Vec::with_capacity(clients);
        for _ in 0..clients {
            connected.push(connect(address).await?);
        }
        let (requests, mut events, mut commit) = self.warm_up(load, &connected, output).await?;
        let mut file = File::create(&self.file)?;
        let (mut through, mut limits) = (Vec::new(), Vec::new());
        let mut commits = Vec::new();
        for round in 0..self.rounds {
            let made = self.make(requests, batch);
            let payloads = payloads(&made);
            events += payloads.len();
            if round % 2 == 1 {
                limits.push(write(&mut file, &payloads, commit)?);
            }
            let run = record(&connected, made, output).await?;
            commit = run.commit_events;
            commits.push(commit);
            through.push(run.events_per_s);
            if round % 2 == 0 {
                limits.push(write(&mut file, &payloads, commit)?);
            }
        }
        let commit_events = Some(commits.iter().sum::<f64>() / commits.len() as f64);
        let row = |name: &str, rounds: &[f64]| Row {
            name: name.to_owned(),
            clients,
            batch,
            rounds: rounds.to_vec(),
            ratio_to_file: Some(ratio(rounds, &limits)),
            commit_events,
            bytes_per_event: None,
        };
        let written = (requests * batch * self.rounds) as f64;
        let mut rows = [row("grpc", &through), row("file", &limits)];
        rows[1].bytes_per_event = Some(file.metadata()?.len() as f64 / written);
        Ok((rows, events))
    }

    /// Finds out how many requests fill a round; gives also the events recorded and their commits' mean size.
    async fn warm_up(
        &mut self,
        load: Load,
        clients: &[Client],
        output: Output,
    ) -> Result<(usize, usize, f64), Failure> {
        let lanes = load.clients;
        let most = (EVENTS_MAX / load.batch).max(lanes);
        let (mut requests, mut recorded) = (lanes * 8, 0);
        loop {
            let made = self.make(requests, load.batch);
            let run = record(clients, made, output).await?;
            let events = requests * load.batch;
            recorded += events;
            let share = events as f64 / run.events_per_s / self.each.as_secs_f64();
            if share >= 0.2 || requests >= most {
                let wanted = (requests as f64 / share) as usize;
                let wanted = wanted.clamp(lanes, most).next_multiple_of(lanes);
                return Ok((wanted, recorded, run.commit_events));
            }
            requests = (requests * 4).min(most);
        }
    }

    fn make(&mut self, requests: usize, batch: usize) -> Vec<Made> {
        let make = |_| {
            let request_id = request_id();
            let mut events = self.sampler.events(request_id, batch);
            if batch > 1 {
                return Made::Batch(v1::RecordBatchRequest {
                    request_id: request_id.to_string(),
                    events,
                    ..v1::RecordBatchRequest::default()
                });
            }
            Made::Single(Box::new(v1::RecordRequest {
                event: events.pop(),
                ..v1::RecordRequest::default()
            }))
        };
        (0..requests).map(make).collect()
    }
}

/// The id of a request that was never sent before.
pub(super) fn request_id() -> Uuid {
    let now = SystemClock.now();
    let seconds = u64::try_from(now.as_second()).unwrap_or_default();
    let nanos = u32::try_from(now.subsec_nanosecond()).unwrap_or_default();
    Uuid::new_v7(uuid::Timestamp::from_unix(uuid::NoContext, seconds, nanos))
}

/// The events' bytes as the log keeps them.
fn payloads(made: &[Made]) -> Vec<Vec<u8>> {
    let events = made.iter().flat_map(|made| match made {
        Made::Single(request) => request.event.as_slice(),
        Made::Batch(request) => request.events.as_slice(),
    });
    events.map(v1::Event::encode_to_vec).collect()
}

/// Sends the requests, dealt out to the clients; the clock runs from the first one to the last acknowledgement.
async fn record(clients: &[Client], made: Vec<Made>, output: Output) -> Result<Run, Failure> {
    let mut lanes: Vec<Vec<Made>> = clients.iter().map(|_| Vec::new()).collect();
    let count = lanes.len();
    for (at, made) in made.into_iter().enumerate() {
        lanes[at % count].push(made);
    }
    let mut running = JoinSet::new();
    let begun = Instant::now();
    for (client, lane) in clients.iter().cloned().zip(lanes) {
        running.spawn(drive(client, lane));
    }
    let (mut events, mut commits) = (0, HashSet::new());
    while let Some(ended) = running.join_next().await {
        let receipts = ended.map_err(failed)?;
        let receipts = receipts.map_err(|status| Failure::status(&status, output.lang))?;
        for receipt in receipts {
            if receipt.repeated {
                return Err(Failure::new(
                    FAILED,
                    "a new request was answered as repeated",
                ));
            }
            events += receipt.last_position - receipt.first_position + 1;
            commits.extend(receipt.known.map(|known| (known.seconds, known.nanos)));
        }
    }
    let elapsed = begun.elapsed().as_secs_f64();
    Ok(Run {
        events_per_s: events as f64 / elapsed,
        commit_events: events as f64 / commits.len().max(1) as f64,
    })
}

/// One client: the next request once the one before is answered.
async fn drive(mut client: Client, lane: Vec<Made>) -> Result<Vec<v1::Receipt>, tonic::Status> {
    let mut receipts = Vec::with_capacity(lane.len());
    for made in lane {
        let receipt = match made {
            Made::Single(request) => client.record(*request).await?.into_inner().receipt,
            Made::Batch(request) => client.record_batch(request).await?.into_inner().receipt,
        };
        receipts.extend(receipt);
    }
    Ok(receipts)
}

/// Writes the payloads to the file, synced after so many; gives events per second.
fn write(file: &mut File, payloads: &[Vec<u8>], commit_events: f64) -> std::io::Result<f64> {
    let commit_events = (commit_events.round() as usize).max(1);
    let mut buffer = Vec::new();
    let begun = Instant::now();
    for commit in payloads.chunks(commit_events) {
        buffer.clear();
        for payload in commit {
            buffer.extend_from_slice(&(payload.len() as u32).to_le_bytes());
            buffer.extend_from_slice(payload);
        }
        file.write_all(&buffer)?;
        file.sync_data()?;
    }
    Ok(payloads.len() as f64 / begun.elapsed().as_secs_f64())
}
