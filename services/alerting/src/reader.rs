//! The ledger, from the bus and in bulk.

use std::sync::Arc;

use bus::{BoxError, Compared, Delivery};
use wire::lineage::{self, FORKED, Lineage};
use wire::log_reader::{Batch, LogReader};

use crate::desk::Desk;
use crate::judge::Judge;

/// Keeps the desk current.
pub(crate) struct LedgerReader {
    desk: Arc<Desk>,
    log: LogReader,
    /// One who has read nothing.
    fresh: Box<dyn Fn() -> Judge + Send + Sync>,
    lineage: Lineage,
    /// What was last told to be wrong with the log, until it is right.
    told: Option<String>,
}

impl LedgerReader {
    /// Of a log, by a judge as `fresh` makes them.
    pub(crate) fn new(
        desk: Arc<Desk>,
        log: LogReader,
        fresh: impl Fn() -> Judge + Send + Sync + 'static,
    ) -> Self {
        Self {
            desk,
            log,
            fresh: Box::new(fresh),
            lineage: Lineage::default(),
            told: None,
        }
    }

    /// Tells once that the log, or what is folded of it, is not the ledger; who asks whether the service is ready is told too.
    fn tell(&mut self, error: lineage::Error) -> BoxError {
        if error.is_about_history() {
            let (reason, told) = (error.reason(), format!("{}: {error}", error.reason()));
            if self.told.as_ref() != Some(&told) {
                tracing::error!(reason, "nothing of the log is judged for now: {error}");
            }
            self.desk.set_not_ready(told.clone());
            self.told = Some(told);
        }
        error.into()
    }

    /// Settles what was read, if nothing says that it is not the ledger.
    async fn stand(&mut self) {
        if self.lineage.is_current() {
            self.told = None;
            self.desk.caught_up().await;
        }
    }

    /// Drops what was judged, which is not the ledger from `position` on at the latest.
    async fn begin_anew(&mut self, position: u64) {
        let folded = self.desk.judge().position();
        metrics::counter!("tiendo_alerting_begun_anew_total").increment(1);
        tracing::error!(
            reason = FORKED,
            position,
            folded,
            "what was judged up to {folded} is not what the ledger has at {position}: everything is judged anew; cases that do not hold are cleared then, and what was told of them was told"
        );
        let why =
            format!("{FORKED}: everything is judged anew, since the ledger went on otherwise");
        self.desk.set_not_ready(why);
        self.desk.begin_anew((self.fresh)()).await;
        (self.lineage, self.told) = (Lineage::default(), None);
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
        let (folded, desk) = (self.position(), Arc::clone(&self.desk));
        let known_of = |at| desk.judge().state.known_of(at);
        let held = self.lineage.hold_log(&self.log, folded, known_of).await;
        held.map_err(|error| self.tell(error))?;
        let mut batches = self.log.open(folded + 1, 0).await?;
        while let Some(mut batch) = batches.next().await? {
            let folded = self.fold(&mut batch);
            self.lineage.read(batch.last());
            // Also where one cannot be read, for those before it were folded.
            self.desk.record().await;
            folded?;
        }
        self.lineage.read_to_head();
        self.stand().await;
        Ok(self.position())
    }

    async fn apply(&mut self, delivery: Delivery) -> Result<(), BoxError> {
        let position = delivery.position;
        let logged = wire::cloud_event::receive_logged(&delivery.payload, position)?;
        let ends = logged.request_ends;
        self.desk
            .fold((position, logged.known), &logged.event, ends)?;
        self.lineage.came(position, delivery.payload);
        match ends {
            Some(true) => self.desk.request_ended().await,
            Some(false) => {}
            None => self.desk.record().await,
        }
        Ok(())
    }

    async fn compare(&mut self, held: Option<Delivery>) -> Result<Compared, BoxError> {
        let held = held.as_ref().map(|held| (held.position, &*held.payload));
        let known_of = |at| self.desk.judge().state.known_of(at);
        let found = self.lineage.hold_stream(&self.log, held, known_of).await;
        if let Some(position) = found.map_err(|error| self.tell(error))? {
            self.begin_anew(position).await;
            return Ok(Compared::Dropped);
        }
        self.desk.set_compared(self.lineage.is_compared());
        // Later only the log can tell that what is folded ends with a request.
        if !self.desk.is_live() {
            self.stand().await;
        }
        Ok(Compared::Same)
    }
}
