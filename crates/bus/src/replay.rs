//! The stream read once, from a position to where it ended when that began: what a restore takes from the bus.
//!
//! It is no follower: there is no log to fall back to, so a lost connection ends it, and whoever restores begins anew.

use std::time::Duration;

use async_nats::jetstream::consumer::DeliverPolicy;
use async_nats::jetstream::consumer::pull::{Ordered, OrderedConfig};
use async_nats::jetstream::stream::{RawMessageErrorKind, Stream};
use futures::StreamExt;

use crate::Access;
use crate::client::{self, ConnectSettings, Connection, chain};
use crate::follow::Delivery;
use crate::subject;

/// Longest wait for a connection, an answer or the next message.
const PATIENCE: Duration = Duration::from_secs(10);
/// Most messages given at once.
const PAGE: usize = 1_024;

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
    first: u64,
    last: u64,
    /// The consumer and the position that it gives next.
    messages: Option<(u64, Ordered)>,
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
        let connection = client::connect(&ConnectSettings {
            access: access.clone(),
            name: format!("tiendo restore {ledger}"),
            timeout: PATIENCE,
        })
        .await?;
        let name = subject::stream_name(ledger);
        let found = connection.jetstream().get_stream(&name).await;
        let stream = found.map_err(|error| ReplayError::Stream {
            stream: name.clone(),
            why: chain(&error),
        })?;
        let state = &stream.cached_info().state;
        let (first, last) = (state.first_sequence, state.last_sequence);
        Ok(Replay {
            connection,
            stream,
            name,
            first,
            last,
            messages: None,
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
        let mut messages = match self.messages.take() {
            Some((next, messages)) if next == from => messages,
            _ => self.begin(from).await?,
        };
        let wanted = usize::try_from(self.last - from + 1).unwrap_or(PAGE);
        let mut page = Vec::with_capacity(wanted.min(PAGE));
        for position in (from..).take(wanted.min(PAGE)) {
            page.push(self.next(&mut messages, position).await?);
        }
        self.messages = Some((from + page.len() as u64, messages));
        Ok(page)
    }

    // A consumer's messages are not shared between threads: whoever waits for them must hold this alone.
    async fn begin(&mut self, from: u64) -> Result<Ordered, ReplayError> {
        let config = OrderedConfig {
            deliver_policy: DeliverPolicy::ByStartSequence {
                start_sequence: from,
            },
            ..OrderedConfig::default()
        };
        let consumer = self.stream.create_consumer(config).await;
        let consumer = consumer.map_err(|error| self.unreadable(chain(&error)))?;
        let messages = consumer.messages().await;
        messages.map_err(|error| self.unreadable(chain(&error)))
    }

    async fn next(
        &mut self,
        messages: &mut Ordered,
        position: u64,
    ) -> Result<Delivery, ReplayError> {
        let message = tokio::select! {
            message = tokio::time::timeout(PATIENCE, messages.next()) => message,
            () = self.connection.lost() => return Err(self.unreadable("the connection was lost")),
        };
        let message = match message {
            Ok(Some(Ok(message))) => message,
            Ok(Some(Err(error))) => return Err(self.unreadable(chain(&error))),
            Ok(None) => return Err(self.unreadable("the server ended the consumer")),
            Err(_) => {
                return Err(self.unreadable(format!("message {position} did not come in 10 s")));
            }
        };
        let found = match message.info() {
            Ok(info) => info.stream_sequence,
            Err(error) => return Err(self.unreadable(error.to_string())),
        };
        if found != position {
            return Err(self.unreadable(format!(
                "message {found} came where {position} was expected"
            )));
        }
        Ok(Delivery {
            position,
            subject: message.subject.to_string(),
            payload: message.payload.clone(),
        })
    }

    fn unreadable(&self, why: impl Into<String>) -> ReplayError {
        ReplayError::Stream {
            stream: self.name.clone(),
            why: why.into(),
        }
    }
}
