//! Whether a subscriber who slept through a million events slows the publisher when it wakes up.
//!
//! A durable consumer is made and left alone while so many events go by.
//! Then rounds take turns: reports at a rate while it sleeps on, and the same while it reads and acknowledges what it missed as fast as it can.
//! One that is through before its round ends begins anew at the same place, so that the whole round is disturbed.

use std::time::{Duration, Instant};

use async_nats::jetstream::consumer::{AckPolicy, DeliverPolicy, PullConsumer, pull};
use bus::client::Connection;
use futures::StreamExt as _;
use tokio_util::sync::CancellationToken;

use super::super::query::{Goal, Pace, Row};
use super::super::{LEDGER, failed};
use super::{BATCH, Bench, LANES, WAIT_MAX, position};
use crate::Failure;
use crate::cli::BenchBus;
use crate::fail::FAILED;

/// The durable consumer.
const NAME: &str = "sleeper";
/// Messages asked for at once.
const PULL: usize = 1_000;

/// Publishing beside one who sleeps, and beside the same catching up; and how fast that is.
pub(super) async fn measure(
    bench: &mut Bench,
    options: &BenchBus,
    each: Duration,
) -> Result<[Row; 3], Failure> {
    let rate = options.sleeper_rate;
    let first = bench.head().await? + 1;
    let mut head = first;
    while head < first + options.sleeper {
        head = bench.record(BATCH).await?;
    }
    bench.filled(head).await?;
    let row = |name: &str| Row::asked(name.to_owned(), LANES, Pace::Rate(rate));
    let [mut asleep, mut awake] = [
        "event while a subscriber sleeps",
        "event while it catches up",
    ]
    .map(row);
    let mut read = Vec::new();
    // Round 0 warms up and is not told.
    for round in 0..=options.rounds {
        let beside = bench.ours(rate, each).await?;
        let stop = CancellationToken::new();
        let sleeper = Sleeper {
            connection: bench.bus.connect().await?,
            missed: (first, head),
            stop: stop.clone(),
        };
        let catching_up = host::task::spawn("bench-sleeper", sleeper.catch_up());
        let disturbed = bench.ours(rate, each).await;
        stop.cancel();
        let caught = catching_up.await.map_err(failed)??;
        if round > 0 {
            took(&mut asleep, beside, each);
            took(&mut awake, disturbed?, each);
            read.push(caught);
        }
    }
    let part = awake.part_of(&asleep);
    awake.aim(Goal::sleeper(part));
    let read = Row::rate("that subscriber, catching up".to_owned(), read);
    Ok([asleep, awake, read])
}

/// Adds a round, which lasted until its last event had come.
fn took(row: &mut Row, events: Vec<Duration>, each: Duration) {
    let late = events.last().copied().unwrap_or_default();
    row.took(events, each + late);
}

struct Sleeper {
    connection: Connection,
    /// The first and the last position that it slept through.
    missed: (u64, u64),
    /// The round is over.
    stop: CancellationToken,
}

impl Sleeper {
    /// Reads and acknowledges what it missed, over and over until the round is over but some of it at least; gives how many events a second.
    async fn catch_up(self) -> Result<f64, Failure> {
        let (begun, mut count) = (Instant::now(), 0_u64);
        let (first, last) = self.missed;
        loop {
            let consumer = self.awake().await?;
            let mut next = first;
            while next <= last {
                let read = self.batch(&consumer, next).await?;
                (count, next) = (count + read, next + read);
                if self.stop.is_cancelled() {
                    return Ok(count as f64 / begun.elapsed().as_secs_f64());
                }
            }
        }
    }

    /// Some of what it missed, from a position on; gives how many.
    async fn batch(&self, consumer: &PullConsumer, from: u64) -> Result<u64, Failure> {
        let wanted = PULL.min((self.missed.1 + 1 - from) as usize);
        let batch = consumer.fetch().max_messages(wanted).expires(WAIT_MAX);
        let mut batch = batch.messages().await.map_err(failed)?;
        let mut next = from;
        while let Some(message) = batch.next().await {
            let message = message.map_err(unreadable)?;
            let found = position(&message.payload);
            if found != Some(next) {
                let text = format!("the subscriber that slept got {found:?} instead of {next}");
                return Err(Failure::new(FAILED, text));
            }
            message.ack().await.map_err(unreadable)?;
            next += 1;
        }
        if next == from {
            let text = format!("the subscriber that slept got nothing at position {from}");
            return Err(Failure::new(FAILED, text));
        }
        Ok(next - from)
    }

    /// Its durable consumer, where it fell asleep.
    async fn awake(&self) -> Result<PullConsumer, Failure> {
        let context = self.connection.jetstream();
        let stream = context.get_stream(bus::subject::stream_name(LEDGER)).await;
        let stream = stream.map_err(failed)?;
        // There may be none yet.
        let _ = stream.delete_consumer(NAME).await;
        let config = pull::Config {
            durable_name: Some(NAME.to_owned()),
            ack_policy: AckPolicy::Explicit,
            deliver_policy: DeliverPolicy::ByStartSequence {
                start_sequence: self.missed.0,
            },
            max_ack_pending: 10 * PULL as i64,
            ..pull::Config::default()
        };
        stream.create_consumer(config).await.map_err(failed)
    }
}

/// The library's own errors here are of any kind.
fn unreadable(error: async_nats::Error) -> Failure {
    Failure::new(FAILED, error.to_string())
}
