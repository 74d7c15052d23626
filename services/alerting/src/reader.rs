//! The ledger, from the bus and in bulk.

use std::sync::Arc;
use std::time::Duration;

use bus::{BoxError, Delivery};
use tonic::transport::{Channel, Endpoint};
use uuid::Uuid;
use wire::event::Accept;
use wire::v1;
use wire::v1::log_service_client::LogServiceClient;

use crate::desk::Desk;

/// The largest message taken from the ledger's log.
const MESSAGE_BYTES_MAX: usize = 16 * 1024 * 1024;

/// Longest wait for a connection to the ledger's log.
const CONNECT_MAX: Duration = Duration::from_secs(2);

/// Keeps the desk current.
pub(crate) struct LedgerReader {
    desk: Arc<Desk>,
    log: LogServiceClient<Channel>,
}

impl LedgerReader {
    /// A reader that connects when it first needs to; within a tokio runtime.
    pub(crate) fn new(desk: Arc<Desk>, endpoint: &Endpoint) -> Self {
        let channel = endpoint.clone().connect_timeout(CONNECT_MAX).connect_lazy();
        let log = LogServiceClient::new(channel).max_decoding_message_size(MESSAGE_BYTES_MAX);
        Self { desk, log }
    }

    fn take(&self, recorded: &v1::RecordedEvent) -> Result<(), BoxError> {
        let position = recorded.position;
        if position <= self.desk.judge().position() {
            return Ok(());
        }
        let unfit = |what: &str| format!("the log's event {position} {what}");
        let known = recorded.known.as_ref().and_then(wire::time::from_wire);
        let known = known.ok_or_else(|| unfit("has no known time"))?;
        let message = recorded.event.as_ref().ok_or_else(|| unfit("is empty"))?;
        let event = wire::event::decode(message, "event", &Accept, Uuid::nil());
        let event = event.map_err(|violations| {
            let first = violations
                .first()
                .map(ToString::to_string)
                .unwrap_or_default();
            unfit(&format!("is no event of this version: {first}"))
        })?;
        Ok(self.desk.fold(position, known, &event)?)
    }
}

impl bus::Reader for LedgerReader {
    fn position(&self) -> u64 {
        self.desk.judge().position()
    }

    async fn catch_up(&mut self) -> Result<u64, BoxError> {
        let request = v1::ReadEventsRequest {
            from_position: self.position() + 1,
            to_position: 0,
            follow: false,
        };
        let mut events = self.log.read_events(request).await?.into_inner();
        while let Some(response) = events.message().await? {
            for recorded in &response.events {
                self.take(recorded)?;
            }
            self.desk.record().await;
        }
        self.desk.caught_up().await;
        Ok(self.position())
    }

    async fn apply(&mut self, delivery: Delivery) -> Result<(), BoxError> {
        let (position, known, event) = wire::cloud_event::receive(&delivery.payload)?;
        if position != delivery.position {
            let stream = delivery.position;
            return Err(format!("the stream's event {stream} says it is {position}").into());
        }
        self.desk.fold(position, known, &event)?;
        self.desk.record().await;
        Ok(())
    }
}
