//! From a snapshot, the stream, or in bulk from the log, into the state.

use std::sync::Arc;

use bus::{BoxError, Delivery};
use host::ComponentHandle;
use wire::log_reader::LogReader;

use crate::shared::Shared;
use crate::snapshot::Keeper;

/// What is refused once the log was seen to end before what is folded.
const BEHIND: &str = "LOG_BEHIND_STATE";

pub(crate) struct Follower {
    pub(crate) shared: Arc<Shared>,
    pub(crate) log: LogReader,
    pub(crate) keeper: Keeper,
    /// Whether the snapshots were looked at.
    pub(crate) began: bool,
    /// Ready once the log was read to its head for the first time.
    pub(crate) ready: ComponentHandle,
    /// Why nothing is folded any more: the log is not the one that was folded, however long it grows.
    pub(crate) refused: Option<String>,
}

impl Follower {
    /// Refuses a log that ends before what is folded: from then on nothing is folded, and whoever asks whether the service is ready is told.
    fn compare(&mut self, head: u64, folded: u64) -> Result<(), BoxError> {
        if head >= folded {
            return Ok(());
        }
        let why = format!(
            "the log ends at {head} and {folded} is folded: it is another log, or it has lost events; see to the log, then restart projection"
        );
        tracing::error!(
            reason = BEHIND,
            head,
            folded,
            "nothing is folded any more: {why}"
        );
        let told = format!("{BEHIND}: {why}");
        self.ready.set_not_ready(told.clone());
        self.refused = Some(told);
        self.check()
    }

    fn check(&self) -> Result<(), BoxError> {
        self.refused.clone().map_or(Ok(()), |why| Err(why.into()))
    }
}

impl bus::Reader for Follower {
    fn position(&self) -> u64 {
        self.shared.position()
    }

    async fn catch_up(&mut self) -> Result<u64, BoxError> {
        self.check()?;
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
        self.compare(head, folded)?;
        shared.hear(folded);
        shared.set_caught_up();
        self.ready.set_ready();
        self.keeper.follow(&shared).await;
        Ok(shared.position())
    }

    async fn apply(&mut self, delivery: Delivery) -> Result<(), BoxError> {
        self.check()?;
        let position = delivery.position;
        let (known, event) = wire::cloud_event::receive_at(&delivery.payload, position)?;
        let bytes = delivery.payload.len();
        let _turn = self.shared.turn().await;
        self.shared.fold_new((position, known, event), bytes)?;
        self.keeper.follow(&self.shared).await;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use bus::Reader as _;
    use host::{ManualClock, Readiness};

    use super::*;

    fn follower(directory: &std::path::Path, readiness: &Readiness) -> Follower {
        // Nobody listens there.
        let log = LogReader::new("http://127.0.0.1:1").unwrap();
        let keeper = Keeper::open(directory, "khanh-hoa".to_owned(), log.clone(), 0);
        let clock = ManualClock::new("2023-07-01T00:00:00Z".parse().unwrap());
        Follower {
            shared: Arc::new(Shared::new(Arc::new(clock), 0)),
            log,
            keeper: keeper.unwrap(),
            began: true,
            ready: readiness.component("follower"),
            refused: None,
        }
    }

    #[tokio::test]
    async fn a_log_that_ends_before_what_is_folded_is_refused_by_name_however_long_it_grows() {
        let (folder, readiness) = (tempfile::tempdir().unwrap(), Readiness::new());
        let mut follower = follower(folder.path(), &readiness);
        follower.ready.set_ready();
        follower.compare(12, 12).unwrap();
        assert!(readiness.is_ready());
        let refusal = follower.compare(11, 12).unwrap_err().to_string();
        assert!(refusal.starts_with("LOG_BEHIND_STATE: "), "{refusal}");
        assert!(refusal.contains("ends at 11 and 12 is folded"), "{refusal}");
        let told = format!("{:?}", readiness.states());
        assert!(!readiness.is_ready() && told.contains(&refusal), "{told}");
        // The log is not even asked any more, nor is what the stream brings looked at.
        let again = follower.catch_up().await.unwrap_err().to_string();
        let delivery = Delivery {
            position: 1,
            subject: String::new(),
            payload: Default::default(),
        };
        let brought = follower.apply(delivery).await.unwrap_err().to_string();
        assert_eq!([&again, &brought], [&refusal; 2]);
    }
}
