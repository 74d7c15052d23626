//! From a snapshot, the stream, or in bulk from the log, into the state.

use std::sync::Arc;

use bus::{BoxError, Delivery};
use host::ComponentHandle;
use wire::log_reader::LogReader;

use crate::shared::Shared;
use crate::snapshot::Keeper;

pub(crate) struct Follower {
    pub(crate) shared: Arc<Shared>,
    pub(crate) log: LogReader,
    pub(crate) keeper: Keeper,
    /// Whether the snapshots were looked at.
    pub(crate) began: bool,
    /// Ready once the log was read to its head for the first time.
    pub(crate) ready: ComponentHandle,
}

impl bus::Reader for Follower {
    fn position(&self) -> u64 {
        self.shared.position()
    }

    async fn catch_up(&mut self) -> Result<u64, BoxError> {
        let shared = Arc::clone(&self.shared);
        let _turn = shared.turn().await;
        if !self.began {
            // The stream may have brought something while the log could not be asked.
            if let Some(state) = self.keeper.newest(shared.position()).await? {
                shared.replace(state);
            }
            self.began = true;
        }
        let mut batches = self.log.open(shared.position() + 1, 0).await?;
        let mut head = 0;
        while let Some(mut batch) = batches.next().await? {
            head = batch.head();
            shared.hear(head);
            shared.fold(&mut batch)?;
        }
        let folded = shared.position();
        if head < folded {
            return Err(format!("the log ends at {head} and {folded} is folded: it is another log, restart projection").into());
        }
        shared.hear(folded);
        shared.set_caught_up();
        self.ready.set_ready();
        self.keeper.follow(&shared).await;
        Ok(shared.position())
    }

    async fn apply(&mut self, delivery: Delivery) -> Result<(), BoxError> {
        let position = delivery.position;
        let (known, event) = wire::cloud_event::receive_at(&delivery.payload, position)?;
        let bytes = delivery.payload.len();
        let _turn = self.shared.turn().await;
        self.shared.fold_new((position, known, event), bytes)?;
        self.keeper.follow(&self.shared).await;
        Ok(())
    }
}
