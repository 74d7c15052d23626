//! `tiendo bench bus`: how long after a report was sent its event is at a subscriber, how fast an empty bus is filled, and whether a subscriber that catches up slows others.
//!
//! Ingest runs in this process on a nats-server of its own; beside it messages of the same bytes are published as anybody would, without headers, into a stream with the same settings.
//! An event's clock starts when its request was due, and a bare message's when it was due, so both wait for their sender alike; the event is also judged, and durable in the log, before it is published.
//! Ours, bare and a disk that syncs as often take turns in each round.
//! An empty stream is filled with bare messages under one subject, which is the fastest, and under as many as the events have, which tells what subjects alone cost the server.

mod sleeper;

use std::collections::{HashMap, HashSet};
use std::io::Write as _;
use std::ops::RangeInclusive;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use bus::client::Connection;
use bus::{Delivery, Replay, StreamSpec};
use bytes::Bytes;
use futures::StreamExt as _;
use serde_json::json;
use tokio::sync::mpsc;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::timeout;
use tonic::transport::Channel;
use wire::v1;
use wire::v1::ingest_service_client::IngestServiceClient;

use super::append::{Own, connect, request_id};
use super::query::{Bus, Goal, Pace, Row, deal, show};
use super::sample::Sampler;
use super::{LEDGER, failed, nats_server, say, temporary};
use crate::cli::BenchBus;
use crate::dataset::Set;
use crate::fail::{FAILED, USAGE};
use crate::output::Output;
use crate::{Failure, Surroundings};

/// Requests, and bare messages, that are under way at once.
const LANES: usize = 32;
/// Requests a second; a higher rate sends several events in each.
const REQUESTS_PER_S: u32 = 1_000;
/// The stream beside the ledger's, and what it takes.
const BARE: &str = "TIENDO_BARE";
const BARE_PREFIX: &str = "bare";
const BARE_SUBJECT: &str = "bare.message";
/// Bare messages in flight while a stream is filled; as many as the relay may have at most.
const WINDOW: usize = bus::relay::WINDOW_MAX;
/// Events of a request that only makes the log longer.
const BATCH: usize = 1_000;
/// How much is written before each wait for the disk, as much as a commit of one event at least.
const SYNCED_BYTES: usize = 4_096;
/// So many places are written in turn.
const SYNCED_PLACES: u64 = 1_024;
/// Longest wait for messages that must come.
const WAIT_MAX: Duration = Duration::from_secs(60);
/// Between two looks at how far a stream is filled.
const LOOK: Duration = Duration::from_millis(5);
/// The same while it is measured: each look is work for the server, and this is a hundredth of the whole.
const LOOK_MEASURED: Duration = Duration::from_millis(20);
/// Of a bare message, the digits that tell which it is.
const NUMBER_BYTES: usize = 20;

type Client = IngestServiceClient<Channel>;
/// When each number was due.
type Due = HashMap<u64, Instant>;

/// Measures and prints.
pub(super) async fn run(
    options: BenchBus,
    surroundings: Surroundings,
    output: Output,
) -> Result<(), Failure> {
    let wrong = options.rates.is_empty()
        || options.rates.contains(&0)
        || options.rounds == 0
        || options.sleeper_rate == 0;
    let each = Duration::try_from_secs_f64(options.seconds).ok();
    let each = each.filter(|each| !wrong && !each.is_zero());
    let each = each
        .ok_or_else(|| Failure::new(USAGE, "--rates, --rounds and --seconds are more than zero"))?;
    let binary = nats_server(&options.nats, surroundings).await?;
    let below = temporary(options.directory.clone())?;
    let mut bench = Bench::start(below.path(), binary, output).await?;
    let rows = bench.measure(&options, each, below.path(), output).await;
    bench.stop().await?;
    let head = output.lang.pick(
        "Từ lúc gửi số liệu đến lúc sự kiện tới người nhận, cạnh một lần phát thẳng cùng cỡ; và lấp đầy một bus trống",
        "From a report's being sent to its event at a subscriber, beside a bare publish of the same size; and an empty bus filled",
    );
    let about = json!({ "rounds": options.rounds, "seconds_per_round": each.as_secs_f64() });
    show(&rows?, about, head, output)
}

struct Bench {
    bus: Bus,
    own: Own,
    connection: Connection,
    sampler: Sampler,
    /// An event as it is published.
    sample: Bytes,
}

impl Bench {
    /// Starts everything, with the places and the catalogue on record.
    async fn start(below: &Path, binary: PathBuf, output: Output) -> Result<Self, Failure> {
        let bus = Bus::start(binary, LEDGER, 0).await?;
        let own = Own::start(&below.join("ingest"), LEDGER, &bus.url()).await?;
        let sets = [Set::Gazetteer, Set::Catalogue];
        crate::load::load(&mut connect(&own.address).await?, &sets, output.lang).await?;
        let connection = bus.connect().await?;
        let mut bench = Self {
            bus,
            own,
            connection,
            sampler: Sampler::new()?,
            sample: Bytes::new(),
        };
        let last = bench.record(BATCH).await?;
        bench.filled(last).await?;
        let mut replay = bench.replay().await?;
        let sample = replay.read(last).await.map_err(failed)?;
        let sample = sample.into_iter().next().map(|event| event.payload);
        bench.sample = sample.unwrap_or_default();
        Ok(bench)
    }

    async fn measure(
        &mut self,
        options: &BenchBus,
        each: Duration,
        below: &Path,
        output: Output,
    ) -> Result<Vec<Row>, Failure> {
        let mut rows = Vec::new();
        for rate in &options.rates {
            say(
                output,
                &format!("đang đo {rate} sự kiện mỗi giây"),
                &format!("measuring {rate} events a second"),
            );
            rows.extend(self.latency(*rate, options.rounds, each, below).await?);
        }
        say(output, "đang lấp đầy bus trống", "filling an empty bus");
        while self.head().await? < options.events {
            self.record(BATCH).await?;
        }
        rows.extend(self.catch_up(options.rounds).await?);
        if options.sleeper > 0 {
            say(
                output,
                "đang đo người nhận thức dậy",
                "measuring a subscriber that wakes up",
            );
            rows.extend(sleeper::measure(self, options, each).await?);
        }
        Ok(rows)
    }

    /// Events, bare messages and waits for the disk at a rate, in turn.
    async fn latency(
        &mut self,
        rate: u32,
        rounds: usize,
        each: Duration,
        below: &Path,
    ) -> Result<[Row; 3], Failure> {
        let row =
            |name: &str, clients, rate| Row::asked(name.to_owned(), clients, Pace::Rate(rate));
        let requests = shared(rate).0;
        let mut ours = row("event at a subscriber", LANES, rate);
        let mut bare = row("bare publish", LANES, rate);
        let mut sync = row("fdatasync", 1, requests);
        // Round 0 warms up and is not told.
        for round in 0..=rounds {
            let (events, messages) = (self.ours(rate, each).await?, self.bare(rate, each).await?);
            let below = below.to_owned();
            let syncs = tokio::task::spawn_blocking(move || syncs(&below, requests, each));
            let syncs = syncs.await.map_err(failed)??;
            if round > 0 {
                ours.took(events, each);
                bare.took(messages, each);
                sync.took(syncs, each);
            }
        }
        let most = 2.0 * bare.p99_us() + sync.p99_us();
        ours.aim(Goal::event(ours.p99_us(), most));
        Ok([ours, bare, sync])
    }

    /// How long after each event was due it was at a subscriber.
    async fn ours(&mut self, rate: u32, each: Duration) -> Result<Vec<Duration>, Failure> {
        let (requests, batch) = shared(rate);
        let number = (f64::from(requests) * each.as_secs_f64()).ceil() as usize;
        let made: Vec<_> = (0..number).map(|_| self.request(batch)).collect();
        let subject = bus::subject::events(LEDGER);
        let heard = self.hear(subject, number * batch, |_, payload| position(payload));
        let heard = heard.await?;
        let (mut recording, mut lanes) = (JoinSet::new(), Vec::new());
        let made = std::sync::Arc::new(made);
        for _ in 0..LANES {
            let (lane, mut dealt) = mpsc::unbounded_channel::<(u64, Instant)>();
            let (mut client, made) = (connect(&self.own.address).await?, made.clone());
            recording.spawn(async move {
                let mut due = Vec::new();
                while let Some((number, at)) = dealt.recv().await {
                    let Some(request) = made.get(number as usize) else {
                        break;
                    };
                    let positions = send(&mut client, request.clone()).await?;
                    due.extend(positions.map(|position| (position, at)));
                }
                Ok(due)
            });
            lanes.push(lane);
        }
        let due = dealt(lanes, recording, (requests, each)).await?;
        took(&due, heard).await
    }

    /// How long after each bare message was due it was at a subscriber.
    async fn bare(&self, rate: u32, each: Duration) -> Result<Vec<Duration>, Failure> {
        self.empty_bare().await?;
        let (requests, batch) = shared(rate);
        let number = (f64::from(requests) * each.as_secs_f64()).ceil() as usize;
        let payload = self.sample.clone();
        let subject = format!("{BARE_PREFIX}.>");
        let heard = self.hear(subject, number * batch, |_, payload| number_of(payload));
        let heard = heard.await?;
        let (mut publishing, mut lanes) = (JoinSet::new(), Vec::new());
        for _ in 0..LANES {
            let (lane, mut dealt) = mpsc::unbounded_channel::<(u64, Instant)>();
            let (context, payload) = (self.connection.jetstream(), payload.clone());
            publishing.spawn(async move {
                let mut due = Vec::new();
                while let Some((request, at)) = dealt.recv().await {
                    let mut acknowledged = Vec::with_capacity(batch);
                    for one in 0..batch as u64 {
                        let number = request * batch as u64 + one;
                        let sent = context
                            .publish(BARE_SUBJECT, numbered(&payload, number))
                            .await;
                        acknowledged.push(sent.map_err(failed)?);
                        due.push((number, at));
                    }
                    for acknowledged in acknowledged {
                        acknowledged.await.map_err(failed)?;
                    }
                }
                Ok(due)
            });
            lanes.push(lane);
        }
        let due = dealt(lanes, publishing, (requests, each)).await?;
        took(&due, heard).await
    }

    /// Notes when so many messages came, by what tells which they are.
    async fn hear(
        &self,
        subject: String,
        messages: usize,
        which: fn(&str, &[u8]) -> Option<u64>,
    ) -> Result<JoinHandle<Vec<(u64, Instant)>>, Failure> {
        let connection = self.bus.connect().await?;
        let mut coming = connection.client.subscribe(subject).await.map_err(failed)?;
        // What has been answered on this connection came after the subscription, which a flush does not tell.
        let context = connection.jetstream();
        let name = bus::subject::stream_name(LEDGER);
        context.get_stream(name).await.map_err(failed)?;
        Ok(host::task::spawn("bench-subscriber", async move {
            let (mut came, mut seen) = (Vec::with_capacity(messages), HashSet::new());
            while came.len() < messages {
                let Ok(Some(message)) = timeout(WAIT_MAX, coming.next()).await else {
                    break;
                };
                let at = Instant::now();
                // What the relay sends again is heard again, although the server takes it once.
                let which = which(&message.subject, &message.payload);
                came.extend(which.filter(|it| seen.insert(*it)).map(|it| (it, at)));
            }
            drop(connection);
            came
        }))
    }

    /// The relay into an emptied stream, in turn with bare messages of the same log.
    async fn catch_up(&mut self, rounds: usize) -> Result<[Row; 3], Failure> {
        let head = self.head().await?;
        self.filled(head).await?;
        let (mut replay, mut messages) = (self.replay().await?, Vec::new());
        while (messages.len() as u64) < head {
            let from = messages.len() as u64 + 1;
            let read = replay.read(from).await.map_err(failed)?;
            if read.is_empty() {
                let text = format!("the stream ends before position {from} of {head}");
                return Err(Failure::new(FAILED, text));
            }
            let beside =
                |event: Delivery| (format!("{BARE_PREFIX}.{}", event.subject), event.payload);
            messages.extend(read.into_iter().map(beside));
        }
        let [mut relayed, mut published, mut spread] = [(); 3].map(|()| Vec::new());
        for _ in 0..rounds {
            relayed.push(self.refill(head).await?);
            published.push(self.fill_bare(&messages, false).await?);
            spread.push(self.fill_bare(&messages, true).await?);
        }
        let mut ours = Row::rate("relay into an empty bus".to_owned(), relayed);
        let bare = Row::rate("bare pipelined publish".to_owned(), published);
        let mut spread = Row::rate("bare, under as many subjects".to_owned(), spread);
        spread.part_of(&bare);
        let part = ours.part_of(&bare);
        ours.aim(Goal::relay(part));
        Ok([ours, bare, spread])
    }

    /// Deletes the stream, and gives how many events a second the relay brings into the next one.
    async fn refill(&self, head: u64) -> Result<f64, Failure> {
        let (context, name) = (
            self.connection.jetstream(),
            bus::subject::stream_name(LEDGER),
        );
        context.delete_stream(&name).await.map_err(failed)?;
        let (mut first, begun) = (None, Instant::now());
        loop {
            let last = match context.get_stream(&name).await {
                Ok(stream) => stream.cached_info().state.last_sequence,
                Err(_) => 0,
            };
            let now = Instant::now();
            if last > 0 && first.is_none() {
                first = Some((last, now));
            }
            if let Some((from, at)) = first.filter(|_| last >= head) {
                return Ok((head - from) as f64 / (now - at).as_secs_f64());
            }
            if begun.elapsed() > WAIT_MAX {
                let text = format!("the stream ends at {last} of {head} after a minute");
                return Err(Failure::new(FAILED, text));
            }
            tokio::time::sleep(LOOK_MEASURED).await;
        }
    }

    /// Gives how many messages a second go into an emptied stream, a window of them unacknowledged; under one subject, or each under its own.
    async fn fill_bare(&self, messages: &[(String, Bytes)], own: bool) -> Result<f64, Failure> {
        self.empty_bare().await?;
        let context = self.connection.jetstream();
        let mut flying = std::collections::VecDeque::with_capacity(WINDOW);
        let begun = Instant::now();
        for (subject, payload) in messages {
            let subject = if own { subject.as_str() } else { BARE_SUBJECT };
            let sent = context.publish(subject.to_owned(), payload.clone()).await;
            flying.push_back(sent.map_err(failed)?);
            if flying.len() == WINDOW
                && let Some(oldest) = flying.pop_front()
            {
                oldest.await.map_err(failed)?;
            }
        }
        for acknowledged in flying {
            acknowledged.await.map_err(failed)?;
        }
        Ok(messages.len() as f64 / begun.elapsed().as_secs_f64())
    }

    /// An empty stream with the settings of the ledger's.
    async fn empty_bare(&self) -> Result<(), Failure> {
        let context = self.connection.jetstream();
        // There may be none yet.
        let _ = context.delete_stream(BARE).await;
        let spec = StreamSpec {
            name: BARE.to_owned(),
            subjects: vec![format!("{BARE_PREFIX}.>")],
            ..StreamSpec::for_ledger(BARE_PREFIX)
        };
        bus::stream::ensure(&context, &spec).await.map_err(failed)?;
        Ok(())
    }

    fn request(&mut self, events: usize) -> v1::RecordBatchRequest {
        let request_id = request_id();
        v1::RecordBatchRequest {
            request_id: request_id.to_string(),
            events: self.sampler.events(request_id, events),
            ..Default::default()
        }
    }

    /// Records so many events at once; gives the last position.
    async fn record(&mut self, events: usize) -> Result<u64, Failure> {
        let request = self.request(events);
        let positions = send(&mut connect(&self.own.address).await?, request).await?;
        Ok(*positions.end())
    }

    async fn head(&self) -> Result<u64, Failure> {
        let mut client = connect(&self.own.address).await?;
        let ledger = client.get_ledger(v1::GetLedgerRequest {}).await;
        Ok(ledger.map_err(failed)?.into_inner().head)
    }

    /// Waits until the stream has a position.
    async fn filled(&self, position: u64) -> Result<(), Failure> {
        let (mut client, begun) = (connect(&self.own.address).await?, Instant::now());
        while begun.elapsed() < WAIT_MAX {
            let ledger = client.get_ledger(v1::GetLedgerRequest {}).await;
            if ledger.map_err(failed)?.into_inner().published >= position {
                return Ok(());
            }
            tokio::time::sleep(LOOK).await;
        }
        let text = format!("the bus does not get position {position}");
        Err(Failure::new(FAILED, text))
    }

    async fn replay(&self) -> Result<Replay, Failure> {
        Replay::open(&self.bus.url().into(), LEDGER)
            .await
            .map_err(failed)
    }

    async fn stop(self) -> Result<(), Failure> {
        drop(self.connection);
        self.own.stop().await?;
        self.bus.stop().await
    }
}

/// Requests a second, and events of each.
fn shared(rate: u32) -> (u32, usize) {
    let requests = rate.min(REQUESTS_PER_S);
    (requests, (rate / requests) as usize)
}

/// Sends a request; gives the positions of its events.
async fn send(
    client: &mut Client,
    request: v1::RecordBatchRequest,
) -> Result<RangeInclusive<u64>, Failure> {
    let answer = client.record_batch(request).await.map_err(failed)?;
    let receipt = answer.into_inner().receipt.unwrap_or_default();
    Ok(receipt.first_position..=receipt.last_position)
}

/// Deals numbers out to the lanes at their times; gives when whatever came of each was due.
async fn dealt(
    lanes: Vec<mpsc::UnboundedSender<(u64, Instant)>>,
    mut sending: JoinSet<Result<Vec<(u64, Instant)>, Failure>>,
    pace: (u32, Duration),
) -> Result<Due, Failure> {
    // A thread of its own: the runtime's timers are only good to a millisecond.
    let dealing = tokio::task::spawn_blocking(move || deal(&lanes, 0, pace));
    let mut all = Due::new();
    while let Some(sent) = sending.join_next().await {
        all.extend(sent.map_err(failed)??);
    }
    dealing.await.map_err(failed)?;
    Ok(all)
}

/// How long after it was due each came.
async fn took(due: &Due, heard: JoinHandle<Vec<(u64, Instant)>>) -> Result<Vec<Duration>, Failure> {
    let came = heard.await.map_err(failed)?;
    let took: Vec<Duration> = came
        .into_iter()
        .filter_map(|(which, at)| Some(at.saturating_duration_since(*due.get(&which)?)))
        .collect();
    if took.len() != due.len() {
        let text = format!("{} of {} messages came", took.len(), due.len());
        return Err(Failure::new(FAILED, text));
    }
    Ok(took)
}

/// How long after it was due each write was on the disk: so many a second, all that are due with one wait, as commits are.
fn syncs(below: &Path, rate: u32, each: Duration) -> std::io::Result<Vec<Duration>> {
    let mut file = std::fs::File::create(below.join("synced"))?;
    // As the journal's, the file has its blocks before it is measured.
    for _ in 0..SYNCED_PLACES {
        file.write_all(&[0; SYNCED_BYTES])?;
    }
    file.sync_all()?;
    let all = (f64::from(rate) * each.as_secs_f64()).ceil() as usize;
    let begun = Instant::now();
    let due = |number: usize| begun + Duration::from_secs_f64(number as f64 / f64::from(rate));
    let mut took = Vec::with_capacity(all);
    while took.len() < all {
        std::thread::sleep(due(took.len()).saturating_duration_since(Instant::now()));
        let now = Instant::now();
        let together = (took.len()..all).take_while(|number| due(*number) <= now);
        let place = took.len() as u64 % SYNCED_PLACES * SYNCED_BYTES as u64;
        file.write_all_at(&[1; SYNCED_BYTES], place)?;
        file.sync_data()?;
        let done = Instant::now();
        took.extend(together.map(|number| done - due(number)));
    }
    Ok(took)
}

/// The position that an event's envelope tells.
fn position(payload: &[u8]) -> Option<u64> {
    #[derive(serde::Deserialize)]
    struct Envelope<'a> {
        sequence: &'a str,
    }
    let envelope: Envelope<'_> = serde_json::from_slice(payload).ok()?;
    envelope.sequence.parse().ok()
}

/// A bare message that tells which it is.
fn numbered(payload: &[u8], number: u64) -> Bytes {
    let mut bytes = payload.to_vec();
    let digits = format!("{number:0NUMBER_BYTES$}");
    if let Some(place) = bytes.get_mut(..NUMBER_BYTES) {
        place.copy_from_slice(digits.as_bytes());
    }
    bytes.into()
}

/// Which a bare message is.
fn number_of(payload: &[u8]) -> Option<u64> {
    std::str::from_utf8(payload.get(..NUMBER_BYTES)?)
        .ok()?
        .parse()
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_high_rate_sends_several_events_in_each_request() {
        assert_eq!(shared(100), (100, 1));
        assert_eq!(shared(1_000), (1_000, 1));
        assert_eq!(shared(10_000), (1_000, 10));
    }

    #[test]
    fn a_write_waits_for_the_disk_from_when_it_was_due() {
        let below = tempfile::tempdir().unwrap();
        let each = Duration::from_millis(20);
        let took = syncs(below.path(), 1_000, each).unwrap();
        assert_eq!(took.len(), 20);
        assert!(took.iter().all(|took| !took.is_zero()));
        // Far more than the disk can: those that were due meanwhile share its next answer, and their wait is counted.
        let took = syncs(below.path(), 100_000_000, each / 100).unwrap();
        assert_eq!(took.len(), 20_000);
        let together = took.windows(2).filter(|two| two[1] < two[0]).count();
        assert!(together > took.len() / 2, "{together}");
    }

    #[test]
    fn a_message_tells_which_it_is() {
        let bare = numbered(&[b' '; 600], 4_711);
        assert_eq!((bare.len(), number_of(&bare)), (600, Some(4_711)));
        assert_eq!(number_of(b"short"), None);
        let event = br#"{"specversion":"1.0","sequence":"00000000000000004711","data":{}}"#;
        assert_eq!(position(event), Some(4_711));
    }
}
