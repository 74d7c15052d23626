//! One generation of the relay: a client, a window, and nothing that outlives them.

use std::borrow::Cow;
use std::future;

use async_nats::jetstream::message::StreamMessage;
use async_nats::jetstream::stream::{InfoError, RawMessageErrorKind, State, Stream};
use async_nats::jetstream::{self, ErrorCode};
use async_nats::{StatusCode, Subscriber};
use futures::StreamExt;
use futures::future::BoxFuture;
use futures::stream::ReadyChunks;
use tokio::task::JoinHandle;
use tokio::time::{Instant, MissedTickBehavior, interval};

use super::place::{BATCH_MAX, Batch, Place, Turn, fitting};
use super::{
    Arc, BoxError, Bytes, ConnectSettings, Duration, Ended, Message, Origin, RelayError,
    RelayOptions, RelayStatus, Trouble, VecDeque, WINDOW_MAX, chain, client, stream, subject,
    watch,
};

/// How often a late acknowledgement is looked for.
const ACK_CHECK: Duration = Duration::from_millis(100);

/// How soon to ask a log again that has told of a head and does not show it yet.
const LOG_RETRY: Duration = Duration::from_millis(20);

/// Windows read from the log at once, which keeps its events compressed in pieces larger than one.
const READ_WINDOWS: usize = 4;

/// The most messages made on the task that publishes, so that an event that is alone need not wait for a thread.
const AT_HAND_MAX: usize = 32;

/// Acknowledgements looked at together.
const ACKS_AT_ONCE: usize = 128;

/// Messages of the stream asked for together.
const LOOKS_AT_ONCE: usize = 64;

type Read = Result<Vec<Message>, BoxError>;

struct Generation<'a> {
    options: &'a RelayOptions,
    origin: &'a Arc<dyn Origin>,
    status: &'a watch::Sender<RelayStatus>,
    connection: &'a client::Connection,
    stream: Arc<Stream>,
    /// Where all answers come, in the order of what they answer. A subject for each would cost the server a search for who listens.
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
    /// What the events on their way say of take-overs, if the stream can check it.
    turn: Option<Turn<'a>>,
    /// Whether what waits goes out as one, with nothing else on its way: the stream has several copies.
    in_batches: bool,
    /// The most events that go out as one; it grows with each that is acknowledged.
    together: &'a mut usize,
}

/// Runs until something goes wrong; there is no other end. `together` is what one batch may be to begin with, and may be
/// afterwards.
pub(super) async fn run(
    options: &RelayOptions,
    origin: &Arc<dyn Origin>,
    status: &watch::Sender<RelayStatus>,
    together: &mut usize,
) -> Ended {
    let connection = match connect(options).await {
        Ok(connection) => connection,
        Err(error) => return error.into(),
    };
    let result = match begin(options, origin, status, &connection, together).await {
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
    together: &'a mut usize,
) -> Result<(Generation<'a>, Subscriber), Ended> {
    let context = connection.jetstream();
    let (stream, state) = stream::ensure(&context, &options.stream).await?;
    let inbox = connection.client.new_inbox();
    let acks = connection.client.subscribe(inbox.clone()).await;
    let acks = acks.map_err(|error| Ended::Trouble(Trouble::Connection, chain(&error)))?;
    let last = state.last_sequence;
    let head = *origin.head().borrow();
    let known = status.borrow().published;
    let in_batches = stream.cached_info().config.num_replicas > 1;
    let mut generation = Generation {
        options,
        origin,
        status,
        connection,
        stream: Arc::new(stream),
        inbox,
        window: options.window.clamp(1, window_max(connection, in_batches)),
        head,
        acked: last,
        sent: last,
        buffer: VecDeque::new(),
        progress: Instant::now(),
        turn: None,
        in_batches,
        together,
    };
    generation.compare(&state, known).await?;
    if let Some(take_overs) = &options.take_overs {
        let last = generation.last_take_over(take_overs, last).await?;
        generation.turn = (!in_batches).then_some(Turn { take_overs, last });
    }
    status.send_modify(|status| {
        status.connected = true;
        status.published = last;
        status.head = head;
        status.troubled &= last < head;
    });
    Ok((generation, acks))
}

/// The most events on their way at once: one where others could come between them.
fn window_max(connection: &client::Connection, in_batches: bool) -> usize {
    match (in_batches, connection.takes_batches()) {
        (false, _) => WINDOW_MAX,
        (true, true) => BATCH_MAX,
        (true, false) => 1,
    }
}

impl Generation<'_> {
    /// What the stream has beyond `known` must be the log's, its last event in any case.
    async fn compare(&self, state: &State, known: u64) -> Result<(), Ended> {
        let last = state.last_sequence;
        if last > self.head {
            let (stream, head) = (self.options.stream.name.clone(), self.head);
            return Err(RelayError::AheadOfLog { stream, last, head }.into());
        }
        if state.messages == 0 {
            return Ok(());
        }
        let window = WINDOW_MAX as u64;
        let unknown = match last.checked_sub(known) {
            Some(0) => 1,
            Some(more) => more.min(window),
            // It has lost its end, and whoever wrote since may be another.
            None => last.min(window),
        };
        let mut next = (last - unknown + 1).max(state.first_sequence);
        while next <= last {
            next = self.compare_from(next, last).await?;
        }
        Ok(())
    }

    /// Compares some events from `from` on, up to `last` at most; gives where to go on.
    async fn compare_from(&self, from: u64, last: u64) -> Result<u64, Ended> {
        let max = usize::try_from(last - from + 1).unwrap_or(WINDOW_MAX);
        let read = finish(Some(self.read(from, max)).as_mut()).await?;
        let held = futures::stream::iter((from..=last).map(|position| self.held(position)));
        let mut held = held.buffered(LOOKS_AT_ONCE);
        let mut next = from;
        for known in read {
            if known.position != next {
                break;
            }
            let Some(found) = held.next().await.transpose()? else {
                break;
            };
            // Retention may have dropped it meanwhile.
            if let Some(found) = found
                && !self.origin.same(&known, &found)
            {
                return Err(self.forked(next));
            }
            next += 1;
        }
        if next > from {
            return Ok(next);
        }
        trouble(
            Trouble::LogUnreadable,
            format!("the log does not show its event {from}"),
        )
    }

    /// What the stream holds at a position.
    async fn held(&self, position: u64) -> Result<Option<Message>, Ended> {
        match self.stream.get_raw_message(position).await {
            Ok(found) => Ok(Some(message(found))),
            Err(error) if error.kind() == RawMessageErrorKind::NoMessageFound => Ok(None),
            Err(error) => trouble(Trouble::StreamUnavailable, chain(&error)),
        }
    }

    /// Where the stream's last take-over stands, which must be the log's; 0 if it has none.
    async fn last_take_over(&self, take_overs: &str, last: u64) -> Result<u64, Ended> {
        let found = self.stream.get_last_raw_message_by_subject(take_overs);
        let position = match found.await {
            Ok(found) => found.sequence,
            Err(error) if error.kind() == RawMessageErrorKind::NoMessageFound => return Ok(0),
            Err(error) => return trouble(Trouble::StreamUnavailable, chain(&error)),
        };
        if position > last {
            return trouble(
                Trouble::StreamMoved,
                format!(
                    "the ledger was taken over at {position}, after the stream ended at {last}"
                ),
            );
        }
        self.compare_from(position, position).await?;
        Ok(position)
    }

    fn forked(&self, position: u64) -> Ended {
        let stream = self.options.stream.name.clone();
        RelayError::Forked { stream, position }.into()
    }

    async fn drive(&mut self, acks: Subscriber) -> Result<std::convert::Infallible, Ended> {
        let mut acks: ReadyChunks<Subscriber> = acks.ready_chunks(ACKS_AT_ONCE);
        let mut head = self.origin.head();
        let mut reading: Option<JoinHandle<Read>> = None;
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
            while reading.is_none() && self.wants_more() {
                match self.at_hand() {
                    Some(batch) => {
                        self.take(batch.map_err(|error| unreadable(&error))?)
                            .await?;
                        self.publish().await?;
                    }
                    None => {
                        let max = READ_WINDOWS * self.window;
                        reading = Some(self.read(self.known() + 1, max));
                    }
                }
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

    /// What is to be read, if it is little and need not be waited for.
    fn at_hand(&self) -> Option<Read> {
        let from = self.known() + 1;
        let is_little = self.head - self.known() <= AT_HAND_MAX as u64;
        let read = || self.origin.messages_at_hand(from, AT_HAND_MAX);
        let read = is_little.then(read).flatten();
        // What shows nothing is asked again as what must be waited for is.
        read.filter(|read| !matches!(read, Ok(batch) if batch.is_empty()))
    }

    fn read(&self, from: u64, max: usize) -> JoinHandle<Read> {
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

    /// Fills the window, or sends what waits as one once nothing is on its way.
    async fn publish(&mut self) -> Result<(), Ended> {
        let room = self.room();
        let batch = self.batch_of(room);
        for _ in 0..room {
            let Some(message) = self.buffer.pop_front() else {
                break;
            };
            // What is acknowledged before it is sent is its own proof.
            let place = match (&batch, self.turn) {
                (Some(batch), _) => Place::Within(batch),
                (None, Some(turn)) if self.sent > self.acked => Place::Behind(turn),
                (None, _) => Place::Alone,
            };
            if let Some(turn) = &mut self.turn
                && subject::matches(turn.take_overs, &message.subject)
            {
                turn.last = message.position;
            }
            self.send(message, &place).await?;
        }
        Ok(())
    }

    /// How many of those that wait may be sent now.
    fn room(&self) -> usize {
        let on_their_way = usize::try_from(self.sent - self.acked).unwrap_or(usize::MAX);
        if !self.in_batches {
            let free = self.window.saturating_sub(on_their_way);
            return free.min(self.buffer.len());
        }
        if on_their_way > 0 {
            return 0;
        }
        // An event that the client would not send goes alone, so that those before it are not held up.
        let bytes_max = self.connection.client.max_payload() / 2;
        fitting(&self.buffer, self.window.min(*self.together), bytes_max)
    }

    /// What the next events are together; one alone is none.
    fn batch_of(&self, count: usize) -> Option<Batch> {
        let (first, last) = (self.sent + 1, self.sent + count as u64);
        // No other generation has its inbox, and this one sends no event twice.
        let generation = self.inbox.rsplit('.').next().unwrap_or_default();
        (self.in_batches && count > 1).then(|| Batch {
            id: format!("{generation}.{first}"),
            first,
            last,
        })
    }

    async fn send(&mut self, message: Message, place: &Place<'_>) -> Result<(), Ended> {
        let Message {
            position,
            subject,
            payload,
        } = message;
        debug_assert_eq!(position, self.sent + 1);
        if self.sent == self.acked {
            self.progress = Instant::now();
        }
        let headers = place.headers(self.options, position);
        let bytes = payload.len();
        let client = &self.connection.client;
        let sent = if place.is_answered(position) {
            let reply = self.inbox.clone();
            client
                .publish_with_reply_and_headers(subject, reply, headers, payload)
                .await
        } else {
            client.publish_with_headers(subject, headers, payload).await
        };
        match sent {
            Ok(()) => {
                self.sent = position;
                Ok(())
            }
            Err(error) if error.kind() == async_nats::PublishErrorKind::MaxPayloadExceeded => {
                let bytes_max = client.max_payload();
                Err(RelayError::TooLarge {
                    position,
                    bytes,
                    bytes_max,
                }
                .into())
            }
            Err(error) => trouble(Trouble::Connection, chain(&error)),
        }
    }

    fn acknowledge(&mut self, chunk: Option<Vec<async_nats::Message>>) -> Result<(), Ended> {
        let Some(chunk) = chunk else {
            return trouble(Trouble::Connection, "the connection was closed");
        };
        let before = self.acked;
        for message in &chunk {
            if self.acked == self.sent {
                return trouble(Trouble::AckLate, "an answer came that nothing waits for");
            }
            // Of a batch the first is answered, and the last for all.
            if self.in_batches && self.acked + 1 < self.sent && is_gathered(message) {
                continue;
            }
            let expected = if self.in_batches {
                self.sent
            } else {
                self.acked + 1
            };
            accepted(message, &self.options.stream.name, expected)?;
            self.acked = expected;
        }
        if self.acked == before {
            return Ok(());
        }
        self.progress = Instant::now();
        *self.together = self.window.min(*self.together + 1);
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
        let (stream, in_batches) = (Arc::clone(&self.stream), self.in_batches);
        Box::pin(async move {
            let info = stream.get_info().await;
            let info = info.map_err(|error| Ended::Trouble(unseen(&error), chain(&error)))?;
            let copies = info.config.num_replicas;
            if (copies > 1) != in_batches {
                let text = format!("the stream has another number of copies now: {copies}");
                return trouble(Trouble::StreamMoved, text);
            }
            Ok(info.state.last_sequence)
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

/// A message of the stream.
fn message(found: StreamMessage) -> Message {
    Message {
        position: found.sequence,
        subject: found.subject.to_string(),
        payload: found.payload,
    }
}

/// What the server answers, as far as it matters here.
#[derive(serde::Deserialize)]
struct Answer<'a> {
    #[serde(borrow, default)]
    stream: Cow<'a, str>,
    #[serde(rename = "seq", default)]
    sequence: u64,
    #[serde(default)]
    duplicate: bool,
    error: Option<jetstream::Error>,
}

/// Whether the server has the event, and awaits the rest of its batch.
fn is_gathered(answer: &async_nats::Message) -> bool {
    answer.payload.is_empty() && answer.status.is_none()
}

/// Whether the answer says that `stream` has event `expected` as sequence `expected`, for the first time.
fn accepted(message: &async_nats::Message, stream: &str, expected: u64) -> Result<(), Ended> {
    if message.status == Some(StatusCode::NO_RESPONDERS) {
        return trouble(Trouble::StreamMoved, "the stream is gone");
    }
    let answer: Answer<'_> = match serde_json::from_slice(&message.payload) {
        Ok(answer) => answer,
        Err(error) => {
            return trouble(
                Trouble::Refused,
                format!("the answer for event {expected} is unreadable: {error}"),
            );
        }
    };
    if let Some(error) = answer.error {
        return trouble(
            Trouble::of_refusal(&error),
            format!("event {expected} was refused: {error}"),
        );
    }
    if answer.stream != stream {
        return trouble(
            Trouble::StreamMoved,
            format!("event {expected} was taken by stream {:?}", answer.stream),
        );
    }
    if answer.duplicate {
        return trouble(
            Trouble::Sequence,
            format!("somebody else published event {expected}"),
        );
    }
    if answer.sequence != expected {
        return trouble(
            Trouble::Sequence,
            format!("event {expected} was given sequence {}", answer.sequence),
        );
    }
    Ok(())
}

fn trouble<T>(trouble: Trouble, text: impl Into<String>) -> Result<T, Ended> {
    Err(Ended::Trouble(trouble, text.into()))
}

async fn finish(reading: Option<&mut JoinHandle<Read>>) -> Result<Vec<Message>, Ended> {
    match reading {
        None => future::pending().await,
        Some(reading) => match reading.await {
            Ok(batch) => batch.map_err(|error| unreadable(&error)),
            Err(error) => trouble(
                Trouble::LogUnreadable,
                format!("reading the log failed: {error}"),
            ),
        },
    }
}

fn unreadable(error: &BoxError) -> Ended {
    let text = format!("the log cannot be read: {}", chain(&**error));
    Ended::Trouble(Trouble::LogUnreadable, text)
}

async fn look_of(
    looking: &mut Option<(u64, BoxFuture<'static, Result<u64, Ended>>)>,
) -> Result<u64, Ended> {
    match looking {
        Some((_, look)) => look.await,
        None => future::pending().await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(payload: &'static str) -> async_nats::Message {
        async_nats::Message {
            subject: "_INBOX.a.7".into(),
            reply: None,
            payload: Bytes::from_static(payload.as_bytes()),
            headers: None,
            status: None,
            description: None,
            length: 0,
        }
    }

    fn trouble_of(payload: &'static str) -> Option<Trouble> {
        let ended = accepted(&answer(payload), "TIENDO_X", 7).err()?;
        ended.trouble()
    }

    #[test]
    fn only_our_stream_and_the_events_own_sequence_count_as_accepted() {
        assert_eq!(trouble_of(r#"{"stream":"TIENDO_X", "seq":7}"#), None);
        assert_eq!(
            trouble_of(r#"{"stream":"TIENDO_\u0058","domain":"hub","seq":7}"#),
            None
        );
        for (payload, trouble) in [
            (r#"{"stream":"OTHER","seq":7}"#, Trouble::StreamMoved),
            (r#"{"seq":7}"#, Trouble::StreamMoved),
            (r#"{"stream":"TIENDO_X","seq":8}"#, Trouble::Sequence),
            (r#"{"stream":"TIENDO_X"}"#, Trouble::Sequence),
            (
                r#"{"stream":"TIENDO_X","seq":7,"duplicate":true}"#,
                Trouble::Sequence,
            ),
            (
                r#"{"error":{"code":400,"err_code":10071,"description":"wrong last sequence: 5"},"stream":"TIENDO_X","seq":0}"#,
                Trouble::Sequence,
            ),
            (
                r#"{"error":{"code":503,"err_code":10023,"description":"insufficient resources"},"stream":"TIENDO_X","seq":0}"#,
                Trouble::StoreFull,
            ),
            ("+OK", Trouble::Refused),
            ("", Trouble::Refused),
        ] {
            assert_eq!(trouble_of(payload), Some(trouble), "{payload}");
        }
        let mut gone = answer("");
        gone.status = Some(StatusCode::NO_RESPONDERS);
        let ended = accepted(&gone, "TIENDO_X", 7).err();
        assert_eq!(
            ended.and_then(|ended| ended.trouble()),
            Some(Trouble::StreamMoved)
        );
    }

    #[test]
    fn an_empty_answer_says_that_a_batch_has_begun_and_nothing_else_does() {
        assert!(is_gathered(&answer("")));
        assert!(!is_gathered(&answer(r#"{"stream":"TIENDO_X","seq":7}"#)));
        let mut gone = answer("");
        gone.status = Some(StatusCode::NO_RESPONDERS);
        assert!(!is_gathered(&gone));
    }
}
