//! The stream read once, from a position to where it ended when that began: what a restore takes from the bus.
//!
//! It is no follower: there is no log to fall back to, so a lost connection ends it, and whoever restores begins anew.
//! A consumer that fails on a connection that stands is made anew where it failed, as long as a message may take.
//!
//! It needs to look at that one stream (`STREAM.INFO`, and `STREAM.MSG.GET` for [`Replay::at`]), and what a push consumer
//! needs: the server pushes some 32 MiB at most that nobody has taken. Two of one inbox end each other's
//! ([`Access::inbox`]), so a service has one at a time.

use std::time::Duration;

use async_nats::Subscriber;
use async_nats::jetstream::consumer::DeliverPolicy;
use async_nats::jetstream::stream::{RawMessageErrorKind, Stream};
use futures::StreamExt;
use tokio::time::{Instant, timeout_at};

use crate::Access;
use crate::client::{self, ConnectSettings, Connection, chain};
use crate::follow::Delivery;
use crate::push::{self, Delivered};
use crate::subject;

/// Longest wait for a connection, an answer or the next message.
const PATIENCE: Duration = Duration::from_secs(10);
/// How often the server says that there is nothing.
const IDLE_HEARTBEAT: Duration = Duration::from_secs(1);
/// A consumer that has said nothing for so long is gone.
const SILENCE: Duration = Duration::from_millis(2_500);
/// Most messages given at once.
const PAGE: usize = 1_024;
/// Messages that may wait here; of 128 bytes each they would be all that the server pushes.
const WAITING_MAX: usize = 256 * 1024;

/// Why the stream cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReplayError {
    /// No connection, or a server that is too old.
    #[error(transparent)]
    Client(#[from] client::Error),
    /// The ledger has no stream on this server, or it cannot be read.
    #[error("stream {stream} cannot be read: {why}")]
    Stream {
        /// The stream.
        stream: String,
        /// What the server says.
        why: String,
    },
}

impl ReplayError {
    /// A code for the operator's runbook.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Client(error) => error.reason(),
            Self::Stream { .. } => "STREAM_UNREADABLE",
        }
    }
}

/// A way through the stream of a ledger.
pub struct Replay {
    connection: Connection,
    stream: Stream,
    name: String,
    /// The consumer's name, if it has one.
    consumer: Option<String>,
    first: u64,
    last: u64,
    /// The consumer and the position that it gives next.
    deliveries: Option<(u64, Deliveries)>,
}

/// A consumer.
struct Deliveries {
    messages: Subscriber,
    delivered: Delivered,
}

impl std::fmt::Debug for Replay {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Replay")
            .field("stream", &self.name)
            .field("first", &self.first)
            .field("last", &self.last)
            .finish_non_exhaustive()
    }
}

impl Replay {
    /// Finds the stream of `ledger`; never creates or changes it.
    ///
    /// # Errors
    /// [`ReplayError`] if there is no server, or no such stream.
    pub async fn open(access: &Access, ledger: &str) -> Result<Replay, ReplayError> {
        let settings = ConnectSettings {
            access: access.clone(),
            name: format!("tiendo restore {ledger}"),
            timeout: PATIENCE,
        };
        let connection = client::connect_holding(&settings, Some(WAITING_MAX)).await?;
        let name = subject::stream_name(ledger);
        let found = connection.jetstream().get_stream(&name).await;
        let stream = found.map_err(|error| unreadable(&connection, &name, chain(&error)))?;
        let state = &stream.cached_info().state;
        let (first, last) = (state.first_sequence, state.last_sequence);
        Ok(Replay {
            connection,
            stream,
            name,
            consumer: access.consumer("replay"),
            first,
            last,
            deliveries: None,
        })
    }

    /// The first position that the stream holds.
    #[must_use]
    pub fn first(&self) -> u64 {
        self.first
    }

    /// The last position that the stream held when it was opened; 0 if none.
    #[must_use]
    pub fn last(&self) -> u64 {
        self.last
    }

    /// The message at a position; none if the stream does not hold it.
    ///
    /// # Errors
    /// [`ReplayError::Stream`] if it cannot be asked for.
    pub async fn at(&mut self, position: u64) -> Result<Option<Delivery>, ReplayError> {
        match self.stream.get_raw_message(position).await {
            Ok(found) => Ok(Some(Delivery {
                position,
                subject: found.subject.to_string(),
                payload: found.payload,
            })),
            Err(error) if error.kind() == RawMessageErrorKind::NoMessageFound => Ok(None),
            Err(error) => Err(self.unreadable(chain(&error))),
        }
    }

    /// Messages from position `from` on, one after another without a gap; none beyond the end.
    ///
    /// # Errors
    /// [`ReplayError::Stream`] if messages are missing or do not come.
    pub async fn read(&mut self, from: u64) -> Result<Vec<Delivery>, ReplayError> {
        if from > self.last {
            return Ok(Vec::new());
        }
        let mut deliveries = match self.deliveries.take() {
            Some((next, deliveries)) if next == from => deliveries,
            _ => self.begin(from).await?,
        };
        let wanted = usize::try_from(self.last - from + 1).unwrap_or(PAGE);
        let mut page = Vec::with_capacity(wanted.min(PAGE));
        for position in (from..).take(wanted.min(PAGE)) {
            page.push(self.next(&mut deliveries, position).await?);
        }
        self.deliveries = Some((from + page.len() as u64, deliveries));
        Ok(page)
    }

    async fn begin(&self, from: u64) -> Result<Deliveries, ReplayError> {
        let client = &self.connection.client;
        let inbox = client.new_inbox();
        let messages = client.subscribe(inbox.clone()).await;
        let messages = messages.map_err(|error| self.unreadable(chain(&error)))?;
        let from = DeliverPolicy::ByStartSequence {
            start_sequence: from,
        };
        let name = self.consumer.clone();
        let config = push::config(name, inbox, from, IDLE_HEARTBEAT, "tiendo replay");
        let created = push::create(&self.connection, &self.name, config).await;
        created.map_err(|why| self.unreadable(why))?;
        Ok(Deliveries {
            messages,
            delivered: Delivered::default(),
        })
    }

    /// The message at a position, which is the one that comes next.
    async fn next(
        &self,
        deliveries: &mut Deliveries,
        position: u64,
    ) -> Result<Delivery, ReplayError> {
        let until = Instant::now() + PATIENCE;
        let late = || format!("message {position} did not come in 10 s");
        let mut silent = until.min(Instant::now() + SILENCE);
        loop {
            let message = tokio::select! {
                message = timeout_at(silent, deliveries.messages.next()) => message,
                () = self.connection.lost() => return Err(self.unreadable("the connection was lost")),
            };
            let client = &self.connection.client;
            let taken = match message {
                Ok(Some(message)) => deliveries.delivered.take(client, message).await,
                Ok(None) => Err("the server ended the consumer".to_owned()),
                Err(_) => Err(late()),
            };
            match taken {
                Ok(Some(delivery)) if delivery.position == position => return Ok(delivery),
                Ok(Some(Delivery {
                    position: found, ..
                })) => {
                    return Err(self.unreadable(format!(
                        "message {found} came where {position} was expected"
                    )));
                }
                Ok(None) if Instant::now() >= until => return Err(self.unreadable(late())),
                Ok(None) => {}
                Err(why) if Instant::now() >= until => return Err(self.unreadable(why)),
                // What still comes of the old one goes where nobody reads.
                Err(_) => *deliveries = self.begin(position).await?,
            }
            silent = until.min(Instant::now() + SILENCE);
        }
    }

    fn unreadable(&self, why: impl Into<String>) -> ReplayError {
        unreadable(&self.connection, &self.name, why.into())
    }
}

/// With the server's own words where a time-out hides them.
fn unreadable(connection: &Connection, stream: &str, why: String) -> ReplayError {
    let why = match connection.refusal() {
        Some(said) => format!("{why}; the server said: {said}"),
        None => why,
    };
    ReplayError::Stream {
        stream: stream.to_owned(),
        why,
    }
}
