//! Reads the log over gRPC in bulk: how a follower catches up before it goes back to the stream.

use domain::Event;
use jiff::Timestamp;
use tonic::transport::{Channel, Endpoint};

use crate::v1::log_service_client::LogServiceClient;
use crate::v1::{ReadEventsRequest, RecordedEvent};

/// Largest message taken from the log service, in bytes.
const MESSAGE_BYTES_MAX: usize = 16 * 1024 * 1024;

/// What keeps the log from being read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The address is none.
    #[error("'{0}' is no address of a log service")]
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
            .map_err(|_| Error::Address(address.to_owned()))?;
        let client = LogServiceClient::new(endpoint.connect_lazy())
            .max_decoding_message_size(MESSAGE_BYTES_MAX);
        Ok(Self { client })
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
        let request = ReadEventsRequest {
            from_position: from,
            to_position: to,
            follow: false,
        };
        let mut answers = self
            .client
            .clone()
            .read_events(request)
            .await
            .map_err(Box::new)?
            .into_inner();
        while let Some(answer) = answers.message().await.map_err(Box::new)? {
            for recorded in answer.events {
                let position = recorded.position;
                let refused = |reason| Error::Event { position, reason };
                let (known, event) = open(recorded).map_err(refused)?;
                apply(position, known, event).map_err(refused)?;
            }
        }
        Ok(())
    }
}

/// The event in a message of the log service, and when the log took it.
///
/// # Errors
/// A sentence saying what does not fit.
pub fn open(recorded: RecordedEvent) -> Result<(Timestamp, Event), String> {
    let known = recorded.known.as_ref().and_then(crate::time::from_wire);
    let known = known.ok_or("it has no time")?;
    let message = recorded.event.ok_or("it is empty")?;
    let event = crate::event::decode(&message, "", &crate::event::Accept, uuid::Uuid::nil())
        .map_err(|violations| {
            violations
                .iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>()
                .join("; ")
        })?;
    Ok((known, event))
}
