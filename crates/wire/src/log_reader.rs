//! Reads the log over gRPC in bulk: how a follower catches up before it goes back to the stream.

use std::time::Duration;

use domain::Event;
use jiff::Timestamp;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Streaming};

use crate::event::LogDecoder;
use crate::lineage::Mark;
use crate::recorded::RecordedEvent;
use crate::v1::ingest_service_client::IngestServiceClient;
use crate::v1::log_service_client::LogServiceClient;
use crate::v1::{GetCheckpointRequest, GetLedgerRequest, ReadEventsRequest, ReadEventsResponse};

/// Largest message taken from the log service, in bytes.
const MESSAGE_BYTES_MAX: usize = 16 * 1024 * 1024;
/// Largest frame taken: what comes in frames of the usual 16 KiB takes a system call for each on both sides.
const FRAME_BYTES_MAX: u32 = 256 * 1024;
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
    /// The service left out an event, or gave one twice.
    #[error("the log gave position {found} instead of {expected} (LOG_GAP)")]
    Gap {
        /// The position after the last one that was read.
        expected: u64,
        /// The position that came.
        found: u64,
    },
}

impl Error {
    /// A code for the operator's runbook.
    #[must_use]
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Gap { .. } => "LOG_GAP",
            Self::Address(_) | Self::Status(_) | Self::Event { .. } => "LOG_UNREADABLE",
        }
    }

    /// Whether asking again may help; what the service refuses, or has lost, stays so until a person has looked.
    #[must_use]
    pub fn may_pass(&self) -> bool {
        match self {
            Self::Status(status) => !matches!(
                status.code(),
                Code::DataLoss
                    | Code::InvalidArgument
                    | Code::PermissionDenied
                    | Code::Unauthenticated
                    | Code::Unimplemented
            ),
            Self::Address(_) | Self::Event { .. } | Self::Gap { .. } => false,
        }
    }

    /// For whoever has waited so long for an answer.
    #[must_use]
    pub fn unanswered(after: Duration) -> Self {
        let text = format!("no answer within {} s", after.as_secs());
        Self::Status(Box::new(tonic::Status::deadline_exceeded(text)))
    }
}

/// A ledger as the service that has its log tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ledger {
    /// Its name.
    pub name: String,
    /// The log's newest position; 0 for none.
    pub head: u64,
    /// That another has taken the ledger over: from which position on this log is not the ledger's, and by whom.
    pub fence: Option<(u64, String)>,
}

/// A client of the log service.
#[derive(Debug, Clone)]
pub struct LogReader {
    client: LogServiceClient<Channel>,
    channel: Channel,
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
            .max_frame_size(FRAME_BYTES_MAX)
            .http2_keep_alive_interval(KEEP_ALIVE_INTERVAL)
            .keep_alive_timeout(KEEP_ALIVE_TIMEOUT);
        let channel = endpoint.connect_lazy();
        let client =
            LogServiceClient::new(channel.clone()).max_decoding_message_size(MESSAGE_BYTES_MAX);
        Ok(Self { client, channel })
    }

    /// Whose log it is, its head, and whether it is the ledger's still.
    ///
    /// # Errors
    /// [`Error::Status`] if the service refuses or cannot be reached.
    pub async fn ledger(&self) -> Result<Ledger, Error> {
        let mut client = IngestServiceClient::new(self.channel.clone());
        let answer = client.get_ledger(GetLedgerRequest {}).await;
        let answer = answer.map_err(Box::new)?.into_inner();
        Ok(Ledger {
            name: answer.ledger,
            head: answer.head,
            fence: answer.fence.map(|fence| (fence.position, fence.writer)),
        })
    }

    /// The first position that the log took at this time or later; one behind the head if there is none yet.
    ///
    /// # Errors
    /// [`Error::Status`] if the service refuses or cannot be reached.
    pub async fn position_at(&self, time: Timestamp) -> Result<u64, Error> {
        let request = ReadEventsRequest {
            known_from: Some(crate::time::to_wire(time)),
            ..Default::default()
        };
        let answers = self.client.clone().read_events(request).await;
        let mut answers = answers.map_err(Box::new)?.into_inner();
        let first = answers
            .message()
            .await
            .map_err(Box::new)?
            .unwrap_or_default();
        let found = first.events.first().map(|event| event.position);
        Ok(found.unwrap_or(first.head + 1))
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
        Ok(Batches {
            answers: answers.map_err(Box::new)?.into_inner(),
            row: Row::from(from),
            decoder: LogDecoder::default(),
        })
    }

    /// The log's head, and the event at a position, 1 or more, if the log reaches it.
    ///
    /// # Errors
    /// [`Error::Status`] if the service fails, [`Error::Event`] if the event cannot be read.
    pub async fn mark(&self, position: u64) -> Result<(u64, Option<Mark>), Error> {
        let (mut batches, mut head) = (self.open(position, position).await?, 0);
        while let Some(mut batch) = batches.next().await? {
            head = batch.head();
            if let Some((position, known, event)) = batch.next()? {
                return Ok((head, Some(Mark::of(position, known, event))));
            }
        }
        Ok((head, None))
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
    /// [`Error::Status`] if the service fails, [`Error::Event`] if an event cannot be read, [`Error::Gap`] if one is missing; what was applied by then stays applied.
    pub async fn read(
        &self,
        from: u64,
        to: u64,
        mut apply: impl FnMut(u64, Timestamp, &Event) -> Result<(), String>,
    ) -> Result<(), Error> {
        let mut batches = self.open(from, to).await?;
        while let Some(mut batch) = batches.next().await? {
            while let Some((position, known, event)) = batch.next()? {
                apply(position, known, event)
                    .map_err(|reason| Error::Event { position, reason })?;
            }
        }
        Ok(())
    }
}

/// An event of the log: its position, when the log took it, and what it says.
pub type Logged = (u64, Timestamp, Event);

/// What is read of the log, batch by batch.
pub struct Batches {
    answers: Streaming<ReadEventsResponse>,
    row: Row,
    decoder: LogDecoder,
}

/// Holds that each position is the one before it and one more.
struct Row {
    next: u64,
}

impl Row {
    /// From a position on; 0 counts as 1.
    fn from(position: u64) -> Self {
        Self {
            next: position.max(1),
        }
    }

    /// The events of one answer, none of which is given away if one is out of the row.
    fn take(&mut self, events: &[RecordedEvent]) -> Result<(), Error> {
        for event in events {
            let (expected, found) = (self.next, event.position);
            if found != expected {
                return Err(Error::Gap { expected, found });
            }
            self.next += 1;
        }
        Ok(())
    }
}

impl Batches {
    /// The next events in order; none at the end.
    ///
    /// # Errors
    /// [`Error::Status`] if the service fails, [`Error::Gap`] if it does not go on where it was.
    pub async fn next(&mut self) -> Result<Option<Batch<'_>>, Error> {
        let Some(answer) = self.answers.message().await.map_err(Box::new)? else {
            return Ok(None);
        };
        self.row.take(&answer.events)?;
        Ok(Some(Batch::new(answer, &mut self.decoder)))
    }
}

/// Events of the log, each read when it is asked for.
pub struct Batch<'b> {
    head: u64,
    /// Where the event read last stands, and when the log took it.
    last: Option<(u64, Timestamp)>,
    events: std::vec::IntoIter<RecordedEvent>,
    decoder: &'b mut LogDecoder,
}

impl<'b> Batch<'b> {
    /// The events of an answer of the log service.
    #[must_use]
    pub fn new(answer: ReadEventsResponse, decoder: &'b mut LogDecoder) -> Self {
        Self {
            head: answer.head,
            last: None,
            events: answer.events.into_iter(),
            decoder,
        }
    }

    /// The log's head when it was sent.
    #[must_use]
    pub fn head(&self) -> u64 {
        self.head
    }

    /// The event read last; none before the first, and after one that could not be read.
    #[must_use]
    pub fn last(&self) -> Option<Mark> {
        let (position, known) = self.last?;
        Some(Mark::of(position, known, self.decoder.last()?))
    }

    /// The next event: its position, when the log took it, and what it says; none at the end.
    ///
    /// # Errors
    /// [`Error::Event`] if it cannot be read.
    #[expect(clippy::should_implement_trait, reason = "what it gives is lent")]
    pub fn next(&mut self) -> Result<Option<(u64, Timestamp, &Event)>, Error> {
        let Some(recorded) = self.events.next() else {
            return Ok(None);
        };
        let position = recorded.position;
        match recorded.read_after(self.decoder) {
            Ok((known, event)) => {
                self.last = Some((position, known));
                Ok(Some((position, known, event)))
            }
            Err(reason) => Err(Error::Event { position, reason }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn events(positions: &[u64]) -> Vec<RecordedEvent> {
        let event = |position: &u64| RecordedEvent {
            position: *position,
            ..RecordedEvent::default()
        };
        positions.iter().map(event).collect()
    }

    /// What was expected and what came, where answers with these positions are read from `from` on.
    fn gap(from: u64, answers: &[&[u64]]) -> Option<(u64, u64)> {
        let mut row = Row::from(from);
        let taken = answers
            .iter()
            .try_for_each(|&answer| row.take(&events(answer)));
        taken.err().map(|error| {
            assert_eq!(error.reason(), "LOG_GAP");
            match error {
                Error::Gap { expected, found } => (expected, found),
                other => unreachable!("{other}"),
            }
        })
    }

    #[test]
    fn what_the_service_refuses_does_not_pass_by_itself() {
        let of = |code| Error::Status(Box::new(tonic::Status::new(code, "")));
        for code in [
            Code::Unavailable,
            Code::DeadlineExceeded,
            Code::Internal,
            Code::Unknown,
        ] {
            assert!(of(code).may_pass(), "{code}");
        }
        for code in [
            Code::DataLoss,
            Code::InvalidArgument,
            Code::PermissionDenied,
            Code::Unauthenticated,
            Code::Unimplemented,
        ] {
            assert!(!of(code).may_pass(), "{code}");
        }
        assert!(Error::unanswered(Duration::from_secs(20)).may_pass());
    }

    #[test]
    fn each_position_is_the_one_before_and_one_more() {
        assert_eq!(gap(0, &[&[1, 2], &[], &[3]]), None);
        assert_eq!(gap(7, &[&[7], &[8, 9]]), None);
        // Left out at the beginning, within an answer, between two.
        assert_eq!(gap(0, &[&[2]]), Some((1, 2)));
        assert_eq!(gap(7, &[&[6, 7]]), Some((7, 6)));
        assert_eq!(gap(7, &[&[7, 8, 10]]), Some((9, 10)));
        assert_eq!(gap(7, &[&[7, 8], &[10]]), Some((9, 10)));
        // Given twice, or in another order.
        assert_eq!(gap(7, &[&[7, 7]]), Some((8, 7)));
        assert_eq!(gap(7, &[&[7, 8], &[8, 9]]), Some((9, 8)));
        assert_eq!(gap(1, &[&[1, 3, 2]]), Some((2, 3)));
    }
}
