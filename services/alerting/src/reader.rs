//! The ledger, from the bus and in bulk.

use std::sync::Arc;

use bus::{BoxError, Delivery};
use wire::log_reader::{Batch, LogReader};

use crate::desk::Desk;

/// Keeps the desk current.
pub(crate) struct LedgerReader {
    desk: Arc<Desk>,
    log: LogReader,
}

impl LedgerReader {
    pub(crate) fn new(desk: Arc<Desk>, log: LogReader) -> Self {
        Self { desk, log }
    }

    fn fold(&self, batch: &mut Batch<'_>) -> Result<(), BoxError> {
        while let Some((position, known, event)) = batch.next()? {
            self.desk.fold_in_bulk((position, known), event)?;
        }
        Ok(())
    }
}

impl bus::Reader for LedgerReader {
    fn position(&self) -> u64 {
        self.desk.judge().position()
    }

    async fn catch_up(&mut self) -> Result<u64, BoxError> {
        let mut batches = self.log.open(self.position() + 1, 0).await?;
        while let Some(mut batch) = batches.next().await? {
            let folded = self.fold(&mut batch);
            // Also where one cannot be read, for those before it were folded.
            self.desk.record().await;
            folded?;
        }
        self.desk.caught_up().await;
        Ok(self.position())
    }

    async fn apply(&mut self, delivery: Delivery) -> Result<(), BoxError> {
        let position = delivery.position;
        let logged = wire::cloud_event::receive_logged(&delivery.payload, position)?;
        let ends = logged.request_ends;
        self.desk
            .fold((position, logged.known), &logged.event, ends)?;
        match ends {
            Some(true) => self.desk.request_ended().await,
            Some(false) => {}
            None => self.desk.record().await,
        }
        Ok(())
    }
}
