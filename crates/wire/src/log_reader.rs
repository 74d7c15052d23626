//! Reads the log over gRPC in bulk: how a follower catches up before it goes back to the stream.

use std::time::Duration;

use domain::Event;
use futures::StreamExt as _;
use futures::stream::BoxStream;
use jiff::Timestamp;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Status, Streaming};

use crate::v1::log_service_client::LogServiceClient;
use crate::v1::{GetCheckpointRequest, ReadEventsRequest, ReadEventsResponse};

/// Largest message taken from the log service, in bytes.
const MESSAGE_BYTES_MAX: usize = 16 * 1024 * 1024;
/// Longest wait for a connection.
const CONNECT_MAX: Duration = Duration::from_secs(2);
/// How often a peer that says nothing is asked whether it is there.
const KEEP_ALIVE_INTERVAL: Duration = Duration::from_secs(5);
/// A peer that does not answer for so long is dead.
const KEEP_ALIVE_TIMEOUT: Duration = Duration::from_secs(5);

/// What keeps the log from being read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The address is none.
    #[error("'{0}' is not the address of a log service, such as http://127.0.0.1:7061")]
    Address(String),
    /// The service refused or cannot be reached.
    #[error("the log service cannot be read")]
    Status(#[from] Box<tonic::Status>),
    /// An event of the log is not readable by this version.
    #[error("the event at position {position} cannot be read: {reason}")]
    Event {
        /// Its position.
        position: u64,
        /// Why.
        reason: String,
    },
}

/// A client of the log service.
#[derive(Debug, Clone)]
pub struct LogReader {
    client: LogServiceClient<Channel>,
}

impl LogReader {
    /// A reader of the service at an address such as `http://127.0.0.1:7061`; connects when first used.
    ///
    /// # Errors
    /// [`Error::Address`] if it is no address.
    pub fn new(address: &str) -> Result<Self, Error> {
        let endpoint = Endpoint::from_shared(address.to_owned())
            .map_err(|_| Error::Address(address.to_owned()))?
            .connect_timeout(CONNECT_MAX)
            .http2_keep_alive_interval(KEEP_ALIVE_INTERVAL)
            .keep_alive_timeout(KEEP_ALIVE_TIMEOUT);
        let client = LogServiceClient::new(endpoint.connect_lazy())
            .max_decoding_message_size(MESSAGE_BYTES_MAX);
        Ok(Self { client })
    }

    /// Begins to read from a position up to the head, or up to `to` if that is not 0.
    ///
    /// # Errors
    /// [`Error::Status`] if the service refuses or cannot be reached.
    pub async fn open(&self, from: u64, to: u64) -> Result<Batches, Error> {
        let request = ReadEventsRequest {
            from_position: from,
            to_position: to,
            follow: false,
            ..Default::default()
        };
        let answers = self.client.clone().read_events(request).await;
        Ok(Batches::of(answers.map_err(Box::new)?.into_inner()))
    }

    /// The checkpoint of the log's first `size` events, 1 or more; none if it does not hold so many.
    ///
    /// # Errors
    /// [`Error::Status`] if the service refuses or cannot be reached.
    pub async fn checkpoint(&self, size: u64) -> Result<Option<String>, Error> {
        let request = GetCheckpointRequest { tree_size: size };
        match self.client.clone().get_checkpoint(request).await {
            Ok(answer) => Ok(Some(answer.into_inner().checkpoint)),
            Err(status) if status.code() == Code::OutOfRange => Ok(None),
            Err(status) => Err(Error::Status(Box::new(status))),
        }
    }

    /// Reads from a position up to the head, or up to `to` if that is not 0, giving each event to `apply` in order.
    ///
    /// # Errors
    /// [`Error::Status`] if the service fails, [`Error::Event`] if an event cannot be read; what was applied by then stays applied.
    pub async fn read(
        &self,
        from: u64,
        to: u64,
        mut apply: impl FnMut(u64, Timestamp, Event) -> Result<(), String>,
    ) -> Result<(), Error> {
        let mut batches = self.open(from, to).await?;
        while let Some(events) = batches.next().await? {
            for (position, known, event) in events {
                apply(position, known, event)
                    .map_err(|reason| Error::Event { position, reason })?;
            }
        }
        Ok(())
    }
}

/// An event of the log: its position, when the log took it, and what it says.
pub type Logged = (u64, Timestamp, Event);

/// Batches read ahead while one is being looked at: each on a thread of its own.
const AHEAD: usize = 2;

/// What is read of the log, batch by batch; the next ones are received and read meanwhile.
pub struct Batches {
    read: BoxStream<'static, Result<Batch, Error>>,
    head: u64,
    /// The event at which reading stops, once those before it are given out.
    unreadable: Option<Error>,
}

/// A message of the log service, read.
struct Batch {
    events: Vec<Logged>,
    head: u64,
    /// What is wrong with the event after them.
    unreadable: Option<Error>,
}

impl Batches {
    fn of(answers: Streaming<ReadEventsResponse>) -> Self {
        let read = answers.map(|answer| async {
            let answer = answer.map_err(Box::new)?;
            let read = tokio::task::spawn_blocking(move || read(answer)).await;
            // It was cancelled, with the runtime, or panicked.
            read.map_err(|error| Error::Status(Box::new(Status::internal(error.to_string()))))
        });
        Self {
            read: read.buffered(AHEAD).boxed(),
            head: 0,
            unreadable: None,
        }
    }

    /// The log's head when the newest batch was sent; 0 before the first.
    #[must_use]
    pub fn head(&self) -> u64 {
        self.head
    }

    /// The next events in order; none at the end.
    ///
    /// # Errors
    /// [`Error::Status`] if the service fails, [`Error::Event`] if an event cannot be read; those before it were given out by then.
    pub async fn next(&mut self) -> Result<Option<Vec<Logged>>, Error> {
        if let Some(unreadable) = self.unreadable.take() {
            return Err(unreadable);
        }
        let Some(batch) = self.read.next().await else {
            return Ok(None);
        };
        let batch = batch?;
        self.head = batch.head;
        self.unreadable = batch.unreadable;
        Ok(Some(batch.events))
    }
}

fn read(answer: ReadEventsResponse) -> Batch {
    let mut batch = Batch {
        events: Vec::with_capacity(answer.events.len()),
        head: answer.head,
        unreadable: None,
    };
    for recorded in answer.events {
        let position = recorded.position;
        match recorded.read() {
            Ok((known, event)) => batch.events.push((position, known, event)),
            Err(reason) => {
                batch.unreadable = Some(Error::Event { position, reason });
                break;
            }
        }
    }
    batch
}
