//! A stream read message by message at the reader's own pace: what a subscriber of another system stands on.
//!
//! A [`Pull`] lives for one connection; when it fails it is dropped, and whoever reads opens the next one where the
//! last one was.
//! Nothing is sent that was not asked for, so a slow reader costs no memory on either side.
//! Messages come through a consumer of this reader alone, without acknowledgements, or through a durable one that an
//! operator made, whose messages are acknowledged.
//! Each delivery bears the consumer's own count, so one that was lost on the way shows.

use std::time::Duration;

use async_nats::jetstream::consumer::pull::{self, MessagesErrorKind};
use async_nats::jetstream::consumer::{AckPolicy, DeliverPolicy, PullConsumer};
use async_nats::jetstream::context::{GetStreamError, GetStreamErrorKind};
use async_nats::jetstream::message::StreamMessage;
use async_nats::jetstream::stream::{
    ConsumerError, ConsumerErrorKind, RawMessageErrorKind, Stream,
};
use async_nats::jetstream::{self, ErrorCode};
use bytes::Bytes;
use futures::{FutureExt as _, StreamExt as _};

use crate::Access;
use crate::client::{self, ConnectSettings, Connection, chain};
use crate::stream::LEDGER_KEY;
use crate::subject;

/// Most messages asked for at once.
const BATCH: usize = 256;
/// Most bytes asked for at once.
const BATCH_BYTES: usize = 4 * 1024 * 1024;
/// How long the server keeps a request for messages.
const EXPIRES: Duration = Duration::from_secs(10);
/// How often the server says that there is nothing; twice this without a word is a fault.
const IDLE_HEARTBEAT: Duration = Duration::from_secs(1);
/// Between two looks at what the server has refused.
const LOOK: Duration = Duration::from_millis(20);
/// A consumer that nobody has asked for so long is gone.
const INACTIVE_MAX: Duration = Duration::from_secs(60);

/// Why a stream cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PullError {
    /// No connection, or a server that is too old.
    #[error(transparent)]
    Client(#[from] client::Error),
    /// The server refuses what these credentials were used for.
    #[error("the server does not permit to read stream {stream}: {why}")]
    NotPermitted {
        /// The stream.
        stream: String,
        /// What the server says.
        why: String,
    },
    /// There is no such stream on this server.
    #[error("there is no stream {stream} on this server")]
    NoStream {
        /// The stream.
        stream: String,
    },
    /// There is no such durable consumer, or none that is pulled.
    #[error("stream {stream} has no pull consumer {consumer}: {why}")]
    NoConsumer {
        /// The stream.
        stream: String,
        /// The consumer.
        consumer: String,
        /// What the server says.
        why: String,
    },
    /// It does not work now; whoever opens it anew may have better luck.
    #[error("stream {stream} cannot be read: {why}")]
    Trouble {
        /// The stream.
        stream: String,
        /// What happened.
        why: String,
    },
}

impl PullError {
    /// A code for the operator's runbook.
    #[must_use]
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Client(error) => error.reason(),
            Self::NotPermitted { .. } => "BUS_NOT_PERMITTED",
            Self::NoStream { .. } | Self::Trouble { .. } => "STREAM_UNREADABLE",
            Self::NoConsumer { .. } => "SUBSCRIBER_UNKNOWN",
        }
    }

    /// Whether it passes by itself, as far as anybody can tell.
    #[must_use]
    pub fn may_pass(&self) -> bool {
        match self {
            Self::Client(error) => matches!(error, client::Error::Connect { .. }),
            Self::NotPermitted { .. } => false,
            // The relay makes a stream again that was deleted.
            Self::NoStream { .. } | Self::Trouble { .. } => true,
            Self::NoConsumer { .. } => false,
        }
    }
}

/// What to read.
#[derive(Debug, Clone)]
pub struct PullOptions {
    /// Where the server is, and as whom to read.
    pub access: Access,
    /// The stream.
    pub stream: String,
    /// What the server's operator sees this reader as.
    pub name: String,
    /// Which messages: subjects with wildcards, none of which overlaps another; none for all.
    ///
    /// A durable consumer has its own.
    pub filters: Vec<String>,
    /// A durable consumer that is there already; else one is made for this connection.
    pub consumer: Option<String>,
    /// The JetStream domain that has the stream, where the server asked has another or none.
    pub domain: Option<String>,
    /// Longest wait for a connection or an answer.
    pub timeout: Duration,
}

/// What a stream holds at one look.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Look {
    /// The oldest sequence that it has.
    pub first: u64,
    /// The newest that it ever had; 0 for none.
    pub last: u64,
    /// When it was made, as text: another one under the same name has another time.
    pub created: String,
    /// The ledger that it says it carries.
    pub ledger: Option<String>,
    /// The server that said so.
    pub leader: Option<String>,
    /// The servers that have the same by now, as far as that one knows.
    pub followers: Vec<String>,
}

/// Where a consumer stands when it is opened.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Standing {
    /// Everything up to this sequence was acknowledged or dropped by the stream, and is not given again.
    pub floor: u64,
    /// Up to here it was given to somebody.
    pub delivered: u64,
    /// Whether anything was ever given to anybody.
    pub was_given: bool,
    /// How many of those were not acknowledged, and will be given again.
    pub pending: u64,
    /// Which messages it gives; none for all.
    pub filters: Vec<String>,
    /// After how long it gives again what was not acknowledged.
    pub ack_wait: Duration,
}

/// Where a consumer stands while it is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Now {
    /// Whether everything that it has was taken.
    pub is_at_the_end: bool,
    /// The server that said so, of what it has of the stream itself.
    pub node: Option<String>,
    /// As [`Standing::floor`].
    pub floor: u64,
    /// As [`Standing::pending`].
    pub pending: u64,
}

/// One message of a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pulled {
    /// Its sequence in the stream.
    pub sequence: u64,
    /// The subject it was published on.
    pub subject: String,
    /// Its bytes.
    pub payload: Bytes,
    /// Where an acknowledgement goes; none if nobody waits for one.
    pub reply: Option<String>,
}

/// A message looked up by its sequence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// Its sequence: the one asked for, or the next that there is.
    pub sequence: u64,
    /// When the stream took it, in microseconds since the Unix epoch.
    pub taken_micros: i64,
    /// Its bytes.
    pub payload: Bytes,
}

/// A connection to a server, for one stream.
pub struct Pull {
    options: PullOptions,
    connection: Connection,
    context: jetstream::Context,
    consumer: Option<PullConsumer>,
    messages: Option<pull::Stream>,
    /// Heartbeats of relays, if they are listened for.
    beats: Option<async_nats::Subscriber>,
    /// What the server refused and somebody was told already.
    told: Option<String>,
    /// The last number the consumer gave a delivery; 0 for none yet.
    delivered: u64,
}

impl std::fmt::Debug for Pull {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pull")
            .field("stream", &self.options.stream)
            .field("delivered", &self.delivered)
            .finish_non_exhaustive()
    }
}

impl Pull {
    /// Connects; nothing is read yet.
    ///
    /// # Errors
    /// [`PullError::Client`].
    pub async fn connect(options: PullOptions) -> Result<Self, PullError> {
        let connection = client::connect(&ConnectSettings {
            access: options.access.clone(),
            name: options.name.clone(),
            timeout: options.timeout,
        })
        .await?;
        let context = match &options.domain {
            Some(domain) => connection.jetstream_of(domain),
            None => connection.jetstream(),
        };
        Ok(Self {
            options,
            connection,
            context,
            consumer: None,
            messages: None,
            beats: None,
            told: None,
            delivered: 0,
        })
    }

    /// What the stream holds now.
    ///
    /// # Errors
    /// [`PullError::NotPermitted`] for who may not ask that, [`PullError::NoStream`], [`PullError::Trouble`].
    pub async fn look(&mut self) -> Result<Look, PullError> {
        let asked = self.context.get_stream(&self.options.stream);
        let looked = match self.unless_refused(asked).await {
            Some(asked) => asked.map_err(|error| self.no_stream(&error)),
            None => Err(self.trouble("the stream cannot be looked at")),
        };
        // Whoever may not look may read all the same.
        self.told = self.refusal();
        Ok(look_of(&looked?))
    }

    /// Where the consumer stands now.
    ///
    /// # Errors
    /// [`PullError::Trouble`].
    pub async fn now(&mut self) -> Result<Now, PullError> {
        let Some(consumer) = &self.consumer else {
            return Err(self.trouble("it was not begun"));
        };
        let info = consumer.get_info().await;
        let info = info.map_err(|error| self.trouble(chain(&error)))?;
        let is_taken = info.delivered.consumer_sequence == self.delivered;
        Ok(Now {
            is_at_the_end: info.num_pending == 0 && is_taken,
            node: info.cluster.and_then(|cluster| cluster.leader),
            floor: info.ack_floor.stream_sequence,
            pending: info.num_ack_pending as u64,
        })
    }

    /// Listens for heartbeats of a ledger, or of all with `*`; whoever may not hears none.
    ///
    /// # Errors
    /// [`PullError::Trouble`].
    pub async fn listen(&mut self, ledger: &str) -> Result<(), PullError> {
        let subscribed = self.connection.client.subscribe(subject::heartbeat(ledger));
        let subscribed = subscribed.await;
        self.beats = Some(subscribed.map_err(|error| self.trouble(chain(&error)))?);
        Ok(())
    }

    /// Whose heartbeats came since this was asked; `None` if they may not be listened for.
    pub fn beats(&mut self) -> Option<Vec<String>> {
        let refusal = self.connection.refusal();
        if refusal.is_some_and(|refusal| is_of_beats(&refusal)) {
            self.beats = None;
        }
        let beats = self.beats.as_mut()?;
        let mut heard = Vec::new();
        while let Some(Some(beat)) = beats.next().now_or_never() {
            heard.extend(beat.subject.split('.').nth(2).map(ToOwned::to_owned));
        }
        Some(heard)
    }

    fn no_stream(&self, error: &GetStreamError) -> PullError {
        let stream = self.options.stream.clone();
        match error.kind() {
            GetStreamErrorKind::JetStream(error)
                if error.error_code() == ErrorCode::STREAM_NOT_FOUND =>
            {
                PullError::NoStream { stream }
            }
            _ => self.trouble(chain(error)),
        }
    }

    /// The message with this sequence, or the next one that the stream has; none behind its end.
    ///
    /// # Errors
    /// As [`Pull::look`].
    pub async fn stored(&mut self, sequence: u64) -> Result<Option<Stored>, PullError> {
        let stream = self.context.get_stream_no_info(&self.options.stream).await;
        let stream = stream.map_err(|error| self.no_stream(&error))?;
        let found = stream
            .direct_get_next_for_subject(">", Some(sequence))
            .await;
        use async_nats::jetstream::stream::DirectGetErrorKind::NotFound;
        match found {
            Ok(message) => Ok(Some(stored(message))),
            Err(error) if error.kind() == NotFound => Ok(None),
            Err(error) => Err(self.trouble(chain(&error))),
        }
    }

    /// The message with this sequence, from the server that leads the stream; none if the stream does not have it.
    ///
    /// # Errors
    /// As [`Pull::look`].
    pub async fn message(&mut self, sequence: u64) -> Result<Option<Stored>, PullError> {
        let stream = self.context.get_stream_no_info(&self.options.stream).await;
        let stream = stream.map_err(|error| self.no_stream(&error))?;
        let found = match self.unless_refused(stream.get_raw_message(sequence)).await {
            Some(Ok(found)) => Ok(Some(found)),
            Some(Err(error)) if error.kind() == RawMessageErrorKind::NoMessageFound => Ok(None),
            Some(Err(error)) => Err(self.trouble(chain(&error))),
            None => Err(self.trouble("no message can be asked for by its sequence")),
        };
        self.told = self.refusal();
        Ok(found?.map(stored))
    }

    /// The head of the ledger's log, as its relay tells it; none if it tells nothing for so long.
    ///
    /// # Errors
    /// [`PullError::Trouble`].
    pub async fn head(&mut self, ledger: &str, wait: Duration) -> Result<Option<u64>, PullError> {
        let heartbeat = subject::heartbeat(ledger);
        let subscribed = self.connection.client.subscribe(heartbeat).await;
        let mut beats = subscribed.map_err(|error| self.trouble(chain(&error)))?;
        let told = async {
            loop {
                let beat = beats.next().await?;
                let told: Option<serde_json::Value> = serde_json::from_slice(&beat.payload).ok();
                if let Some(head) = told.and_then(|told| told.get("head")?.as_u64()) {
                    return Some(head);
                }
            }
        };
        let told = tokio::time::timeout(wait, told).await.unwrap_or_default();
        self.told = self.refusal();
        Ok(told)
    }

    /// Begins to read: after this sequence, or where the durable consumer stands.
    ///
    /// # Errors
    /// [`PullError::NoConsumer`], [`PullError::NoStream`], [`PullError::NotPermitted`], [`PullError::Trouble`].
    pub async fn begin(&mut self, after: u64) -> Result<Standing, PullError> {
        let consumer = match self.options.consumer.clone() {
            Some(name) => self.durable(&name).await?,
            None => self.own(after).await?,
        };
        let info = consumer.cached_info();
        let config = &info.config;
        let filters = match config.filter_subjects.as_slice() {
            [] if config.filter_subject.is_empty() => Vec::new(),
            [] => vec![config.filter_subject.clone()],
            several => several.to_vec(),
        };
        let standing = Standing {
            floor: match self.options.consumer {
                Some(_) => info.ack_floor.stream_sequence,
                None => after,
            },
            delivered: info.delivered.stream_sequence,
            was_given: info.delivered.consumer_sequence > 0,
            pending: info.num_ack_pending as u64,
            filters,
            ack_wait: config.ack_wait,
        };
        self.delivered = info.delivered.consumer_sequence;
        let messages = consumer
            .stream()
            .max_messages_per_batch(BATCH)
            .max_bytes_per_batch(BATCH_BYTES)
            .expires(EXPIRES)
            .heartbeat(IDLE_HEARTBEAT)
            .messages()
            .await;
        self.messages = Some(messages.map_err(|error| self.trouble(chain(&error)))?);
        self.consumer = Some(consumer);
        Ok(standing)
    }

    async fn own(&mut self, after: u64) -> Result<PullConsumer, PullError> {
        let config = pull::Config {
            deliver_policy: DeliverPolicy::ByStartSequence {
                start_sequence: after + 1,
            },
            ack_policy: AckPolicy::None,
            filter_subjects: self.options.filters.clone(),
            memory_storage: true,
            num_replicas: 1,
            inactive_threshold: INACTIVE_MAX,
            description: Some(self.options.name.clone()),
            ..pull::Config::default()
        };
        let stream = &self.options.stream;
        let made = self.context.create_consumer_on_stream(config, stream);
        let Some(made) = self.unless_refused(made).await else {
            return Err(self.trouble("no consumer can be made"));
        };
        made.map_err(|error| match refused(error.kind()) {
            Some(ErrorCode::STREAM_NOT_FOUND) => PullError::NoStream {
                stream: stream.clone(),
            },
            _ => self.trouble(chain(&error)),
        })
    }

    async fn durable(&mut self, name: &str) -> Result<PullConsumer, PullError> {
        let stream = &self.options.stream;
        let found = self.context.get_consumer_from_stream(name, stream);
        let Some(found) = self.unless_refused(found).await else {
            return Err(self.trouble("the consumer cannot be looked up"));
        };
        found.map_err(|error: ConsumerError| {
            let none = || PullError::NoConsumer {
                stream: stream.clone(),
                consumer: name.to_owned(),
                why: chain(&error),
            };
            match (error.kind(), refused(error.kind())) {
                (_, Some(ErrorCode::CONSUMER_NOT_FOUND | ErrorCode::STREAM_NOT_FOUND)) => none(),
                (ConsumerErrorKind::InvalidConsumerType | ConsumerErrorKind::InvalidName, _) => {
                    none()
                }
                _ => self.trouble(chain(&error)),
            }
        })
    }

    /// The next message; none if nothing came for so long. What came is not lost if this is dropped.
    ///
    /// # Errors
    /// [`PullError`]; this connection is of no more use then.
    pub async fn next(&mut self, wait: Duration) -> Result<Option<Pulled>, PullError> {
        let Some(messages) = &mut self.messages else {
            return Err(self.trouble("it was not begun"));
        };
        let message = tokio::select! {
            biased;
            message = messages.next() => message,
            () = self.connection.lost() => return Err(self.trouble("the connection was lost")),
            () = tokio::time::sleep(wait) => return Ok(None),
        };
        self.take(message).map(Some)
    }

    /// The next message, if it is here already.
    ///
    /// # Errors
    /// As [`Pull::next`].
    pub fn here(&mut self) -> Result<Option<Pulled>, PullError> {
        let messages = self.messages.as_mut();
        match messages.and_then(|messages| messages.next().now_or_never()) {
            Some(message) => self.take(message).map(Some),
            None => Ok(None),
        }
    }

    fn take(
        &mut self,
        message: Option<Result<jetstream::Message, pull::MessagesError>>,
    ) -> Result<Pulled, PullError> {
        let message = match message {
            Some(Ok(message)) => message,
            Some(Err(error)) if error.kind() == MessagesErrorKind::ConsumerDeleted => {
                return Err(self.trouble("the consumer was deleted"));
            }
            Some(Err(error)) => return Err(self.trouble(chain(&error))),
            None => return Err(self.trouble("the server ended the consumer")),
        };
        let (sequence, number) = match message.info() {
            Ok(info) => (info.stream_sequence, info.consumer_sequence),
            Err(error) => return Err(self.trouble(error.to_string())),
        };
        let expected = self.delivered + 1;
        if number != expected {
            let why = format!(
                "delivery {number} came while {expected} was awaited: it was lost on the way, or \
                 somebody else reads with the same consumer"
            );
            return Err(self.trouble(why));
        }
        self.delivered = number;
        let reply = message.reply.as_ref().map(ToString::to_string);
        Ok(Pulled {
            sequence,
            subject: message.subject.to_string(),
            payload: message.payload.clone(),
            reply: reply.filter(|_| self.options.consumer.is_some()),
        })
    }

    /// Acknowledges a message by its [`Pulled::reply`].
    ///
    /// # Errors
    /// [`PullError::Trouble`].
    pub async fn acknowledge(&mut self, reply: &str) -> Result<(), PullError> {
        let sent = self
            .connection
            .client
            .publish(reply.to_owned(), Bytes::from_static(b"+ACK"))
            .await;
        sent.map_err(|error| self.trouble(chain(&error)))
    }

    /// Waits until what was acknowledged has left this machine.
    ///
    /// # Errors
    /// [`PullError::Trouble`].
    pub async fn flush(&mut self) -> Result<(), PullError> {
        let flushed = self.connection.client.flush().await;
        flushed.map_err(|error| self.trouble(chain(&error)))
    }

    /// Waits for an answer, but not for one that a refusal says will not come.
    async fn unless_refused<T>(&self, answer: impl Future<Output = T>) -> Option<T> {
        let mut answer = std::pin::pin!(answer);
        loop {
            tokio::select! {
                biased;
                answer = &mut answer => return Some(answer),
                () = tokio::time::sleep(LOOK) => {}
            }
            let refusal = self.refusal();
            if refusal.is_some() && self.connection.is_not_permitted() && refusal != self.told {
                return None;
            }
        }
    }

    /// What the server refused last; that heartbeats may not be heard keeps nobody from reading.
    fn refusal(&self) -> Option<String> {
        let refusal = self.connection.refusal();
        refusal.filter(|refusal| !is_of_beats(refusal))
    }

    /// What went wrong, or what the server refused just before.
    fn trouble(&self, why: impl Into<String>) -> PullError {
        let (stream, why) = (self.options.stream.clone(), why.into());
        let refusal = self.refusal();
        match refusal.filter(|refusal| self.told.as_ref() != Some(refusal)) {
            Some(refusal) if self.connection.is_not_permitted() => PullError::NotPermitted {
                stream,
                why: refusal,
            },
            Some(refusal) => PullError::Trouble {
                stream,
                why: format!("{why}; the server said: {refusal}"),
            },
            None => PullError::Trouble { stream, why },
        }
    }
}

fn look_of(stream: &Stream) -> Look {
    let info = stream.cached_info();
    let cluster = info.cluster.as_ref();
    let peers = cluster.map_or(&[][..], |cluster| &cluster.replicas);
    let same = peers
        .iter()
        .filter(|peer| peer.current && peer.lag.unwrap_or_default() == 0);
    Look {
        first: info.state.first_sequence,
        last: info.state.last_sequence,
        created: info.created.to_string(),
        ledger: info.config.metadata.get(LEDGER_KEY).cloned(),
        leader: cluster.and_then(|cluster| cluster.leader.clone()),
        followers: same.map(|peer| peer.name.clone()).collect(),
    }
}

fn stored(message: StreamMessage) -> Stored {
    let micros = message.time.unix_timestamp_nanos() / 1_000;
    Stored {
        sequence: message.sequence,
        taken_micros: i64::try_from(micros).unwrap_or(i64::MAX),
        payload: message.payload,
    }
}

/// Whether a refusal is that of listening for heartbeats.
fn is_of_beats(refusal: &str) -> bool {
    refusal.contains(".sys.log.head")
}

/// The code with which the server refused.
fn refused(kind: ConsumerErrorKind) -> Option<ErrorCode> {
    match kind {
        ConsumerErrorKind::JetStream(error) => Some(error.error_code()),
        _ => None,
    }
}
