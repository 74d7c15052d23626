//! One generation of a follower: a client, a push consumer, and a watchdog.

use async_nats::jetstream::consumer::DeliverPolicy;
use async_nats::{Message, Subscriber};
use futures::StreamExt;
use tokio::time::{MissedTickBehavior, interval};

use super::{Duration, Ended, Follower, Instant, Reader, chain, client, trouble};
use crate::push::{self, Delivered};

/// How many deliveries are taken at once.
const CHUNK: usize = 256;

/// What its consumer is for, if that has a name.
const PURPOSE: &str = "follow";

/// Between two looks at the watchdog and at the head.
const TICK: Duration = Duration::from_millis(100);

/// The relay's heartbeats are missed when none came for this many intervals of catching up.
const SILENT_INTERVALS: u32 = 3;

/// What one generation knows of its server.
struct Session {
    connection: client::Connection,
    /// Whether the first delivery is of an event that was applied already, to be compared.
    compares: bool,
    /// What came of the consumer.
    delivered: Delivered,
    /// When the consumer last said anything.
    heard_at: Instant,
    /// The log's head as the relay tells it.
    head: u64,
    /// When the relay last told it.
    beat_at: Instant,
    /// Where the reader was when that was last judged.
    judged: u64,
}

impl<R: Reader> Follower<'_, R> {
    /// Runs until shutdown (`Ok`) or until something goes wrong.
    pub(super) async fn generation(&mut self) -> Result<(), Ended> {
        self.passed = None;
        self.refresh().await;
        let shutdown = self.shutdown.clone();
        let begun = tokio::select! {
            biased;
            () = shutdown.cancelled() => return Ok(()),
            begun = self.begin() => begun,
        };
        let (mut session, deliveries, beats) = match begun {
            Ok(begun) if begun.0.compares => begun,
            // Nothing says more than the log.
            other => {
                self.compare(None).await?;
                other?
            }
        };
        self.status.send_modify(|status| status.connected = true);
        let ended = self.drive(&mut session, deliveries, beats).await;
        ended.map_err(|ended| match (ended, session.connection.refusal()) {
            (Ended::Trouble(text), Some(refusal)) => {
                Ended::Trouble(format!("{text}; the server said: {refusal}"))
            }
            (ended, _) => ended,
        })
    }

    async fn begin(&self) -> Result<(Session, Subscriber, Subscriber), Ended> {
        let options = &self.options;
        let connection = client::connect(&client::ConnectSettings {
            access: options.access.clone(),
            name: options.name.clone(),
            timeout: options.timeout,
        })
        .await?;
        let subscribe = async |subject: String| {
            let subscribed = connection.client.subscribe(subject).await;
            subscribed.map_err(|error| Ended::Trouble(chain(&error)))
        };
        let beats = subscribe(options.heartbeat.clone()).await?;
        let position = self.reader.position();
        let from = DeliverPolicy::ByStartSequence {
            start_sequence: position.max(1),
        };
        let mut begun = self.consume(&connection, from).await?;
        if position > 0 && begun.1.pending == 0 {
            // It ends before; another history may have begun before its end.
            begun = self.consume(&connection, DeliverPolicy::Last).await?;
        }
        let (deliveries, start) = begun;
        let session = Session {
            connection,
            compares: start.pending > 0 && start.first <= position,
            delivered: Delivered::default(),
            heard_at: Instant::now(),
            head: 0,
            beat_at: Instant::now(),
            judged: position,
        };
        Ok((session, deliveries, beats))
    }

    /// A consumer, and where it starts.
    async fn consume(
        &self,
        connection: &client::Connection,
        from: DeliverPolicy,
    ) -> Result<(Subscriber, Start), Ended> {
        let options = &self.options;
        let inbox = connection.client.new_inbox();
        let subscribed = connection.client.subscribe(inbox.clone()).await;
        let deliveries = subscribed.map_err(|error| Ended::Trouble(chain(&error)))?;
        let name = options.access.consumer(PURPOSE);
        let config = push::config(name, inbox, from, options.idle_heartbeat, &options.name);
        let created = push::create(connection, &options.stream, config).await;
        let created = created.map_err(Ended::Trouble)?;
        let info = created.cached_info();
        let (given, last) = (
            info.delivered.consumer_sequence,
            info.delivered.stream_sequence,
        );
        let start = Start {
            first: (last + 1).saturating_sub(given),
            pending: info.num_pending + given,
        };
        Ok((deliveries, start))
    }

    async fn drive(
        &mut self,
        session: &mut Session,
        deliveries: Subscriber,
        mut beats: Subscriber,
    ) -> Result<(), Ended> {
        let shutdown = self.shutdown.clone();
        let mut deliveries = deliveries.ready_chunks(CHUNK);
        let mut tick = interval(TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut judged_at = Instant::now();
        loop {
            tokio::select! {
                biased;
                () = shutdown.cancelled() => return Ok(()),
                () = session.connection.lost() => return trouble("the connection was lost"),
                chunk = deliveries.next() => {
                    let Some(chunk) = chunk else {
                        return trouble("the connection was closed");
                    };
                    for message in chunk {
                        if shutdown.is_cancelled() {
                            return Ok(());
                        }
                        self.handle(session, message).await?;
                    }
                    self.compare_passed().await?;
                    session.heard_at = Instant::now();
                }
                beat = beats.next() => self.hear(session, beat),
                _ = tick.tick() => {
                    let silence = session.heard_at.elapsed();
                    if silence > self.options.idle_heartbeat * 2 + TICK {
                        return trouble(self.silent(silence));
                    }
                }
            }
            if judged_at.elapsed() >= self.options.catch_up_interval {
                if self.is_stale(session) {
                    self.refresh().await;
                    session.heard_at = Instant::now();
                }
                judged_at = Instant::now();
                session.judged = self.reader.position();
            }
        }
    }

    /// What the silence of a consumer may come from.
    fn silent(&self, silence: Duration) -> String {
        let silent = format!("the stream was silent for {} ms", silence.as_millis());
        match self.options.access.consumer(PURPOSE) {
            Some(name) => format!(
                "{silent}; if it is again and again, another process has the same inbox, and ends {name}"
            ),
            None => silent,
        }
    }

    fn hear(&self, session: &mut Session, beat: Option<Message>) {
        if let Some(head) = beat.and_then(|beat| head_of(&beat.payload)) {
            session.head = head;
            session.beat_at = Instant::now();
            self.status.send_modify(|status| {
                status.head = head;
                status.beats += 1;
            });
        }
    }

    /// Whether the log may have what the stream does not bring: nobody tells its head, it runs
    /// away, or we stand still below it; or it could not be read, and is tried again.
    fn is_stale(&self, session: &Session) -> bool {
        let behind = session.head.saturating_sub(self.reader.position());
        let patience = self.options.catch_up_interval * SILENT_INTERVALS;
        let tried = self.read_at.is_some_and(|at| at.elapsed() > patience);
        session.beat_at.elapsed() > patience
            || (self.unread && tried)
            || behind > self.options.bulk_threshold
            || (behind > 0 && self.reader.position() == session.judged)
    }

    async fn handle(&mut self, session: &mut Session, message: Message) -> Result<(), Ended> {
        let client = &session.connection.client;
        let taken = session.delivered.take(client, message).await;
        match taken.map_err(Ended::Trouble)? {
            Some(delivery) => self.take(delivery).await,
            None => Ok(()),
        }
    }
}

/// Where a consumer starts.
struct Start {
    /// The position that it gives first, or will.
    first: u64,
    /// How many events the stream holds from there on.
    pending: u64,
}

/// The head in a relay's heartbeat.
fn head_of(payload: &[u8]) -> Option<u64> {
    serde_json::from_slice::<serde_json::Value>(payload)
        .ok()?
        .get("head")?
        .as_u64()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_heartbeat_tells_the_head() {
        assert_eq!(head_of(br#"{"ledger":"x","head":17}"#), Some(17));
        assert_eq!(head_of(b"17"), None);
    }
}
