//! From the stream, or in bulk from the log, into the state.

use std::sync::Arc;

use bus::{BoxError, Delivery};
use host::ComponentHandle;
use wire::log_reader::LogReader;

use crate::shared::Shared;

pub(crate) struct Follower {
    pub(crate) shared: Arc<Shared>,
    pub(crate) log: LogReader,
    /// Ready once the log was read to its head for the first time.
    pub(crate) ready: ComponentHandle,
}

impl bus::Reader for Follower {
    fn position(&self) -> u64 {
        self.shared.position()
    }

    async fn catch_up(&mut self) -> Result<u64, BoxError> {
        let shared = &self.shared;
        let mut batches = self.log.open(shared.position() + 1, 0).await?;
        while let Some(events) = batches.next().await? {
            shared.hear(batches.head());
            shared.fold(&events)?;
        }
        shared.hear(shared.position());
        shared.set_caught_up();
        self.ready.set_ready();
        Ok(shared.position())
    }

    async fn apply(&mut self, delivery: Delivery) -> Result<(), BoxError> {
        let position = delivery.position;
        let (known, event) = wire::cloud_event::receive_at(&delivery.payload, position)?;
        let bytes = delivery.payload.len();
        self.shared.fold_new((position, known, event), bytes)?;
        Ok(())
    }
}
