//! One generation of the relay: a client, a window, and nothing that outlives them.

use std::future;

use async_nats::jetstream::publish::PublishAck;
use async_nats::jetstream::response::Response;
use async_nats::jetstream::stream::{InfoError, RawMessageErrorKind, State, Stream};
use async_nats::jetstream::{self, ErrorCode};
use async_nats::{HeaderMap, StatusCode, Subscriber, header};
use futures::StreamExt;
use futures::future::BoxFuture;
use futures::stream::ReadyChunks;
use tokio::task::JoinHandle;
use tokio::time::{Instant, MissedTickBehavior, interval};

use super::{
    Arc, BoxError, Bytes, ConnectSettings, Duration, Ended, Message, Origin, RelayError,
    RelayOptions, RelayStatus, Trouble, VecDeque, WINDOW_MAX, chain, client, stream, subject,
    watch,
};

/// How often a late acknowledgement is looked for.
const ACK_CHECK: Duration = Duration::from_millis(100);

/// How soon to ask a log again that has told of a head and does not show it yet.
const LOG_RETRY: Duration = Duration::from_millis(20);

type Batch = Result<Vec<Message>, BoxError>;

struct Generation<'a> {
    options: &'a RelayOptions,
    origin: &'a Arc<dyn Origin>,
    status: &'a watch::Sender<RelayStatus>,
    connection: &'a client::Connection,
    stream: Arc<Stream>,
    inbox: String,
    window: usize,
    /// The log's head, as last seen.
    head: u64,
    /// The last position acknowledged.
    acked: u64,
    /// The last position published.
    sent: u64,
    /// What was read from the log and is not yet published.
    buffer: VecDeque<Message>,
    /// When an acknowledgement last came, or the window began to fill.
    progress: Instant,
}

/// Runs until something goes wrong; there is no other end.
pub(super) async fn run(
    options: &RelayOptions,
    origin: &Arc<dyn Origin>,
    status: &watch::Sender<RelayStatus>,
) -> Ended {
    let connection = match connect(options).await {
        Ok(connection) => connection,
        Err(error) => return error.into(),
    };
    let result = match begin(options, origin, status, &connection).await {
        Ok((mut generation, acks)) => generation.drive(acks).await,
        Err(ended) => Err(ended),
    };
    match result {
        Err(ended) => with_refusal(ended, &connection),
        Ok(never) => match never {},
    }
}

async fn connect(options: &RelayOptions) -> Result<client::Connection, client::Error> {
    client::connect(&ConnectSettings {
        access: options.access.clone(),
        name: format!("tiendo relay {}", options.ledger),
        timeout: options.ack_timeout,
    })
    .await
}

async fn begin<'a>(
    options: &'a RelayOptions,
    origin: &'a Arc<dyn Origin>,
    status: &'a watch::Sender<RelayStatus>,
    connection: &'a client::Connection,
) -> Result<(Generation<'a>, Subscriber), Ended> {
    let context = connection.jetstream();
    let (stream, state) = stream::ensure(&context, &options.stream).await?;
    let inbox = connection.client.new_inbox();
    let acks = connection.client.subscribe(format!("{inbox}.*")).await;
    let acks = acks.map_err(|error| Ended::Trouble(Trouble::Connection, chain(&error)))?;
    let last = state.last_sequence;
    let head = *origin.head().borrow();
    let generation = Generation {
        options,
        origin,
        status,
        connection,
        stream: Arc::new(stream),
        inbox,
        window: options.window.clamp(1, WINDOW_MAX),
        head,
        acked: last,
        sent: last,
        buffer: VecDeque::new(),
        progress: Instant::now(),
    };
    generation.compare(&state).await?;
    status.send_modify(|status| {
        status.connected = true;
        status.published = last;
        status.head = head;
        status.troubled &= last < head;
    });
    Ok((generation, acks))
}

impl Generation<'_> {
    /// The stream's last event must be the log's.
    async fn compare(&self, state: &State) -> Result<(), Ended> {
        let (last, name) = (state.last_sequence, self.options.stream.name.clone());
        if last > self.head {
            let (stream, head) = (name, self.head);
            return Err(RelayError::AheadOfLog { stream, last, head }.into());
        }
        if state.messages == 0 {
            return Ok(());
        }
        let found = match self.stream.get_raw_message(last).await {
            Ok(found) => found,
            Err(error) if error.kind() == RawMessageErrorKind::NoMessageFound => return Ok(()),
            Err(error) => return trouble(Trouble::StreamUnavailable, chain(&error)),
        };
        let held = Message {
            position: last,
            subject: found.subject.to_string(),
            payload: found.payload,
        };
        let mut read = finish(Some(self.read(last, 1)).as_mut()).await?;
        match read.pop() {
            Some(known) if known.position == last => {
                if self.origin.same(&known, &held) {
                    Ok(())
                } else {
                    Err(RelayError::Forked {
                        stream: name,
                        position: last,
                    }
                    .into())
                }
            }
            _ => trouble(
                Trouble::LogUnreadable,
                format!("the log does not show its event {last}"),
            ),
        }
    }

    async fn drive(&mut self, acks: Subscriber) -> Result<std::convert::Infallible, Ended> {
        let mut acks: ReadyChunks<Subscriber> = acks.ready_chunks(self.window);
        let mut head = self.origin.head();
        let mut reading: Option<JoinHandle<Batch>> = None;
        let mut looking: Option<(u64, BoxFuture<'static, Result<u64, Ended>>)> = None;
        let mut late = interval(ACK_CHECK);
        let mut beat = interval(self.options.heartbeat);
        late.set_missed_tick_behavior(MissedTickBehavior::Delay);
        beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let now = *head.borrow_and_update();
            if now != self.head {
                self.head = now;
                self.status.send_modify(|status| status.head = now);
            }
            self.publish().await?;
            if reading.is_none() && self.wants_more() {
                reading = Some(self.read(self.known() + 1, self.window));
            }
            tokio::select! {
                biased;
                () = self.connection.lost() => {
                    return trouble(Trouble::Connection, "the connection was lost");
                }
                chunk = acks.next() => self.acknowledge(chunk)?,
                batch = finish(reading.as_mut()), if reading.is_some() => {
                    reading = None;
                    self.take(batch?).await?;
                }
                changed = head.changed() => {
                    if changed.is_err() {
                        return trouble(Trouble::LogUnreadable, "the log is closed");
                    }
                }
                _ = late.tick() => self.check_late()?,
                _ = beat.tick() => {
                    self.beat().await?;
                    looking.get_or_insert_with(|| (self.acked, self.look()));
                }
                last = look_of(&mut looking), if looking.is_some() => {
                    let from = looking.take().map_or(0, |(from, _)| from);
                    self.check_last(from, last?)?;
                }
            }
        }
    }

    /// The last position that was read from the log.
    fn known(&self) -> u64 {
        self.buffer
            .back()
            .map_or(self.sent, |message| message.position)
    }

    fn wants_more(&self) -> bool {
        self.buffer.len() < self.window && self.known() < self.head
    }

    fn read(&self, from: u64, max: usize) -> JoinHandle<Batch> {
        let origin = Arc::clone(self.origin);
        tokio::task::spawn_blocking(move || origin.messages(from, max))
    }

    /// Checks what the log gave before a byte of it goes out.
    async fn take(&mut self, batch: Vec<Message>) -> Result<(), Ended> {
        if batch.is_empty() {
            tokio::time::sleep(LOG_RETRY).await;
        }
        for message in batch {
            let (position, expected) = (message.position, self.known() + 1);
            if position != expected {
                return trouble(
                    Trouble::LogUnreadable,
                    format!("the log gave event {position} instead of {expected}"),
                );
            }
            if !self.options.stream.takes(&message.subject) {
                return Err(RelayError::Subject {
                    position,
                    subject: message.subject,
                }
                .into());
            }
            self.buffer.push_back(message);
        }
        Ok(())
    }

    /// Fills the window.
    async fn publish(&mut self) -> Result<(), Ended> {
        let stream = self.options.stream.name.as_str();
        while self.sent - self.acked < self.window as u64 {
            let Some(Message {
                position,
                subject,
                payload,
            }) = self.buffer.pop_front()
            else {
                break;
            };
            debug_assert_eq!(position, self.sent + 1);
            if self.sent == self.acked {
                self.progress = Instant::now();
            }
            let mut headers = HeaderMap::new();
            headers.insert(
                header::NATS_EXPECTED_LAST_SEQUENCE,
                (position - 1).to_string(),
            );
            headers.insert(header::NATS_EXPECTED_STREAM, stream);
            headers.insert(
                header::NATS_MESSAGE_ID,
                format!("{}:{position}", self.options.ledger).as_str(),
            );
            let reply = format!("{}.{position}", self.inbox);
            let bytes = payload.len();
            let client = &self.connection.client;
            let sent = client
                .publish_with_reply_and_headers(subject, reply, headers, payload)
                .await;
            match sent {
                Ok(()) => self.sent = position,
                Err(error) if error.kind() == async_nats::PublishErrorKind::MaxPayloadExceeded => {
                    let bytes_max = client.max_payload();
                    return Err(RelayError::TooLarge {
                        position,
                        bytes,
                        bytes_max,
                    }
                    .into());
                }
                Err(error) => return trouble(Trouble::Connection, chain(&error)),
            }
        }
        Ok(())
    }

    fn acknowledge(&mut self, chunk: Option<Vec<async_nats::Message>>) -> Result<(), Ended> {
        let Some(chunk) = chunk else {
            return trouble(Trouble::Connection, "the connection was closed");
        };
        for message in &chunk {
            let expected = self.acked + 1;
            let of = message
                .subject
                .rsplit('.')
                .next()
                .and_then(|token| token.parse().ok());
            if of != Some(expected) {
                return trouble(
                    Trouble::AckLate,
                    format!("an answer for {of:?} came while {expected} was awaited"),
                );
            }
            accepted(message, expected)?;
            self.acked = expected;
        }
        self.progress = Instant::now();
        let published = self.acked;
        self.status.send_modify(|status| {
            status.published = published;
            status.troubled = false;
        });
        Ok(())
    }

    fn check_late(&self) -> Result<(), Ended> {
        let waited = self.progress.elapsed();
        if self.sent > self.acked && waited > self.options.ack_timeout {
            let (next, ms) = (self.acked + 1, waited.as_millis());
            let text = format!("event {next} was not acknowledged within {ms} ms");
            return trouble(Trouble::AckLate, text);
        }
        Ok(())
    }

    async fn beat(&self) -> Result<(), Ended> {
        let ledger = &self.options.ledger;
        let payload = format!(r#"{{"ledger":"{ledger}","head":{}}}"#, self.head);
        let sent = self
            .connection
            .client
            .publish(subject::heartbeat(ledger), Bytes::from(payload));
        sent.await
            .map_err(|error| Ended::Trouble(Trouble::Connection, chain(&error)))
    }

    fn look(&self) -> BoxFuture<'static, Result<u64, Ended>> {
        let stream = Arc::clone(&self.stream);
        Box::pin(async move {
            let info = stream.get_info().await;
            info.map(|info| info.state.last_sequence)
                .map_err(|error| Ended::Trouble(unseen(&error), chain(&error)))
        })
    }

    /// The stream must end between what was acknowledged when it was asked and what was sent.
    fn check_last(&self, from: u64, last: u64) -> Result<(), Ended> {
        if (from..=self.sent).contains(&last) {
            return Ok(());
        }
        let sent = self.sent;
        trouble(
            Trouble::StreamMoved,
            format!("the stream ends at {last}, not between {from} and {sent}"),
        )
    }
}

/// A permission violation looks like a time-out; only the server's own words say why.
fn with_refusal(ended: Ended, connection: &client::Connection) -> Ended {
    match (ended, connection.refusal()) {
        (Ended::Trouble(trouble, text), Some(refusal)) => {
            let forbidden = connection.is_not_permitted() && trouble.looks_like_a_time_out();
            let trouble = if forbidden {
                Trouble::NotPermitted
            } else {
                trouble
            };
            Ended::Trouble(trouble, format!("{text}; the server said: {refusal}"))
        }
        (ended, _) => ended,
    }
}

/// Why the stream could not be looked at.
fn unseen(error: &InfoError) -> Trouble {
    let said = std::error::Error::source(error);
    let said = said.and_then(|said| said.downcast_ref::<jetstream::Error>());
    match said.map(jetstream::Error::error_code) {
        Some(ErrorCode::STREAM_NOT_FOUND) => Trouble::StreamMoved,
        _ => Trouble::StreamUnavailable,
    }
}

/// Whether the answer says that event `expected` has sequence `expected`, for the first time.
fn accepted(message: &async_nats::Message, expected: u64) -> Result<(), Ended> {
    if message.status == Some(StatusCode::NO_RESPONDERS) {
        return trouble(Trouble::StreamMoved, "the stream is gone");
    }
    match serde_json::from_slice::<Response<PublishAck>>(&message.payload) {
        Ok(Response::Ok(ack)) if ack.duplicate => trouble(
            Trouble::Sequence,
            format!("somebody else published event {expected}"),
        ),
        Ok(Response::Ok(ack)) if ack.sequence == expected => Ok(()),
        Ok(Response::Ok(ack)) => trouble(
            Trouble::Sequence,
            format!("event {expected} was given sequence {}", ack.sequence),
        ),
        Ok(Response::Err { error }) => trouble(
            Trouble::of_refusal(&error),
            format!("event {expected} was refused: {error}"),
        ),
        Err(error) => trouble(
            Trouble::Refused,
            format!("the answer for event {expected} is unreadable: {error}"),
        ),
    }
}

fn trouble<T>(trouble: Trouble, text: impl Into<String>) -> Result<T, Ended> {
    Err(Ended::Trouble(trouble, text.into()))
}

async fn finish(reading: Option<&mut JoinHandle<Batch>>) -> Result<Vec<Message>, Ended> {
    match reading {
        None => future::pending().await,
        Some(reading) => match reading.await {
            Ok(Ok(batch)) => Ok(batch),
            Ok(Err(error)) => trouble(
                Trouble::LogUnreadable,
                format!("the log cannot be read: {}", chain(&*error)),
            ),
            Err(error) => trouble(
                Trouble::LogUnreadable,
                format!("reading the log failed: {error}"),
            ),
        },
    }
}

async fn look_of(
    looking: &mut Option<(u64, BoxFuture<'static, Result<u64, Ended>>)>,
) -> Result<u64, Ended> {
    match looking {
        Some((_, look)) => look.await,
        None => future::pending().await,
    }
}
