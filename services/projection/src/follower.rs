//! From a snapshot, the stream, or in bulk from the log, into the state.

use std::sync::Arc;

use bus::{BoxError, Compared, Delivery};
use host::ComponentHandle;
use wire::lineage::{self, FORKED, Lineage};
use wire::log_reader::LogReader;

use crate::shared::Shared;
use crate::snapshot::Keeper;

pub(crate) struct Follower {
    pub(crate) shared: Arc<Shared>,
    pub(crate) log: LogReader,
    pub(crate) keeper: Keeper,
    /// Whether the snapshots were looked at.
    pub(crate) began: bool,
    /// Ready once the log was read to its head, and the stream held against it.
    pub(crate) ready: ComponentHandle,
    pub(crate) lineage: Lineage,
    /// What was last told to be wrong with the log, until it is right.
    pub(crate) told: Option<String>,
}

impl Follower {
    /// Tells once that the log, or what is folded of it, is not the ledger; who asks whether the service is ready is told too.
    fn tell(&mut self, error: lineage::Error) -> BoxError {
        if error.is_about_history() {
            let (reason, told) = (error.reason(), format!("{}: {error}", error.reason()));
            if self.told.as_ref() != Some(&told) {
                tracing::error!(reason, "nothing of the log is folded for now: {error}");
            }
            self.ready.set_not_ready(told.clone());
            self.told = Some(told);
        }
        error.into()
    }

    /// Ready, if nothing says that what is folded is not the ledger.
    fn stand(&mut self) {
        if self.lineage.is_current() {
            self.told = None;
            self.shared.set_caught_up();
            self.ready.set_ready();
        }
    }

    /// Drops what was folded, which is not the ledger from `position` on at the latest.
    async fn begin_anew(&mut self, position: u64) {
        let folded = self.shared.position();
        metrics::counter!("tiendo_projection_begun_anew_total").increment(1);
        tracing::error!(
            reason = FORKED,
            position,
            folded,
            "what was folded up to {folded} is not what the ledger has at {position}: the snapshots are put aside, and everything is folded anew"
        );
        let why =
            format!("{FORKED}: everything is folded anew, since the ledger went on otherwise");
        self.ready.set_not_ready(why);
        let _turn = self.shared.turn().await;
        self.keeper.begin_anew().await;
        let dropped = self.shared.begin_anew();
        tokio::task::spawn_blocking(move || drop(dropped));
        (self.lineage, self.told) = (Lineage::default(), None);
    }
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
        let (folded, known_of) = (shared.position(), |at| shared.read().known_of(at));
        let held = self.lineage.hold_log(&self.log, folded, known_of).await;
        held.map_err(|error| self.tell(error))?;
        let mut batches = self.log.open(folded + 1, 0).await?;
        while let Some(mut batch) = batches.next().await? {
            shared.hear(batch.head());
            let folded = shared.fold(&mut batch);
            self.lineage.read(batch.last());
            folded?;
        }
        shared.hear(shared.position());
        self.lineage.read_to_head();
        self.stand();
        self.keeper.follow(&shared).await;
        Ok(shared.position())
    }

    async fn apply(&mut self, delivery: Delivery) -> Result<(), BoxError> {
        let position = delivery.position;
        let (known, event) = wire::cloud_event::receive_at(&delivery.payload, position)?;
        let bytes = delivery.payload.len();
        let _turn = self.shared.turn().await;
        self.shared.fold_new((position, known, event), bytes)?;
        self.lineage.came(position, delivery.payload);
        self.keeper.follow(&self.shared).await;
        Ok(())
    }

    async fn compare(&mut self, held: Option<Delivery>) -> Result<Compared, BoxError> {
        let held = held.as_ref().map(|held| (held.position, &*held.payload));
        let known_of = |at| self.shared.read().known_of(at);
        let found = self.lineage.hold_stream(&self.log, held, known_of).await;
        if let Some(position) = found.map_err(|error| self.tell(error))? {
            self.begin_anew(position).await;
            return Ok(Compared::Dropped);
        }
        self.stand();
        Ok(Compared::Same)
    }
}

#[cfg(test)]
mod tests {
    use bus::Reader as _;
    use host::{ManualClock, Readiness};
    use jiff::Timestamp;
    use wire::cloud_event::{self, Place};

    use super::*;
    use crate::tests::log::Log;
    use crate::tests::{defined, event};

    /// A follower that has folded three events of a log and was compared with no stream.
    struct Folded {
        follower: Follower,
        log: Log,
        readiness: Readiness,
        _folder: tempfile::TempDir,
    }

    fn known() -> Timestamp {
        "2023-07-01T00:00:00Z".parse().unwrap()
    }

    impl Folded {
        async fn new() -> Self {
            let (folder, readiness) = (tempfile::tempdir().unwrap(), Readiness::new());
            let (log, reader) = Log::start().await;
            for _ in 1..=3 {
                log.write(known(), &event("2023-07-01", defined(), &[]));
            }
            let keeper = Keeper::open(folder.path(), "khanh-hoa".to_owned(), reader.clone(), 0);
            let clock = ManualClock::new("2023-07-02T00:00:00Z".parse().unwrap());
            let mut follower = Follower {
                shared: Arc::new(Shared::new(Arc::new(clock), 0)),
                log: reader,
                keeper: keeper.unwrap(),
                began: true,
                ready: readiness.component("follower"),
                lineage: Lineage::default(),
                told: None,
            };
            assert_eq!(follower.catch_up().await.unwrap(), 3);
            assert!(!readiness.is_ready(), "nobody held it against the stream");
            assert_eq!(follower.compare(None).await.unwrap(), Compared::Same);
            assert!(readiness.is_ready());
            Self {
                follower,
                log,
                readiness,
                _folder: folder,
            }
        }

        /// Neither ready nor silent about why.
        fn says(&self, what: &str) {
            let told = format!("{:?}", self.readiness.states());
            assert!(!self.readiness.is_ready() && told.contains(what), "{told}");
        }

        /// What the stream has at a position, which its writer took so many seconds later.
        fn held(&self, position: u64, later: i64) -> Option<Delivery> {
            let events = self.log.between(position, position);
            let (known, event) = events[0].read().unwrap();
            let place = Place {
                ledger: "khanh-hoa",
                position,
                known: known + jiff::SignedDuration::from_secs(later),
            };
            let (subject, payload) = cloud_event::publish(place, &event, true).unwrap();
            Some(Delivery {
                position,
                subject,
                payload: payload.into(),
            })
        }
    }

    #[tokio::test]
    async fn a_log_that_ends_before_what_is_folded_is_named_until_it_reaches_that_again() {
        let mut it = Folded::new().await;
        let last = it.log.between(3, 3)[0].read().unwrap().1;
        it.log.cut(2);
        let why = it.follower.catch_up().await.unwrap_err().to_string();
        assert!(why.contains("ends at 2 and 3 is folded"), "{why}");
        it.says("LOG_BEHIND_STATE: the log ends at 2");
        assert_eq!(it.follower.compare(None).await.unwrap(), Compared::Same);
        it.says("LOG_BEHIND_STATE");
        it.log.write(known(), &last);
        assert_eq!(it.follower.catch_up().await.unwrap(), 3);
        assert!(it.readiness.is_ready());
    }

    #[tokio::test]
    async fn without_a_stream_what_the_log_has_otherwise_is_folded_anew() {
        // As long as what is folded, or shorter.
        for left in [3, 2] {
            let mut it = Folded::new().await;
            let watching = crate::watch::Watching::begin(&it.follower.shared);
            it.log.fork();
            it.log.cut(left);
            it.follower.catch_up().await.unwrap_err();
            it.says("LEDGER_FORKED: the log has another event");
            assert_eq!(it.follower.position(), 3, "for now");
            assert_eq!(it.follower.compare(None).await.unwrap(), Compared::Dropped);
            it.says("LEDGER_FORKED: everything is folded anew");
            assert_eq!((it.follower.position(), it.follower.shared.head()), (0, 0));
            assert!(watching.is_of_the_past());
            assert_eq!(it.follower.catch_up().await.unwrap(), left);
            assert!(
                !it.readiness.is_ready(),
                "nobody held it against the stream"
            );
            assert_eq!(it.follower.compare(None).await.unwrap(), Compared::Same);
            assert!(it.readiness.is_ready());
            let folded = it.follower.shared.read().known();
            assert_ne!(folded, Some(known()));
        }
    }

    #[tokio::test]
    async fn between_two_histories_nothing_is_dropped_until_the_log_is_the_streams() {
        // At the last event folded, and at one before it.
        for position in [3, 2] {
            let mut it = Folded::new().await;
            let same = it.held(position, 0);
            assert_eq!(it.follower.compare(same).await.unwrap(), Compared::Same);
            let other = it.held(position, 1);
            for _ in 0..2 {
                let why = it.follower.compare(other.clone()).await.unwrap_err();
                assert!(why.to_string().contains("the log and the stream"), "{why}");
                it.follower.catch_up().await.unwrap_err();
                it.says("LEDGER_FORKED: the log and the stream have different events");
            }
            assert_eq!(it.follower.position(), 3);
            it.log.fork();
            let found = it.follower.compare(other.clone()).await.unwrap();
            assert_eq!(found, Compared::Dropped);
            assert_eq!(it.follower.catch_up().await.unwrap(), 3);
            assert_eq!(it.follower.compare(other).await.unwrap(), Compared::Same);
            assert!(it.readiness.is_ready());
        }
    }

    #[tokio::test]
    async fn a_stream_that_says_otherwise_is_told_of_although_the_log_is_away() {
        let mut it = Folded::new().await;
        let (log, other) = (it.follower.log.clone(), it.held(3, 1));
        it.follower.log = LogReader::new("http://127.0.0.1:1").unwrap();
        it.follower.compare(other.clone()).await.unwrap_err();
        it.says("LEDGER_FORKED: the stream has another event at position 3");
        // Neither the bus being away nor a stream that agrees with what was before makes it good.
        assert_eq!(it.follower.compare(None).await.unwrap(), Compared::Same);
        let before = it.held(2, 0);
        assert_eq!(it.follower.compare(before).await.unwrap(), Compared::Same);
        it.follower.catch_up().await.unwrap_err();
        it.says("LEDGER_FORKED");
        it.log.fork();
        it.follower.log = log;
        assert_eq!(it.follower.compare(other).await.unwrap(), Compared::Dropped);
    }

    #[tokio::test]
    async fn what_the_stream_had_is_not_dropped_because_a_log_says_otherwise_while_the_bus_is_away()
    {
        let mut it = Folded::new().await;
        let same = it.held(3, 0);
        assert_eq!(
            it.follower.compare(same.clone()).await.unwrap(),
            Compared::Same
        );
        it.log.fork();
        it.follower.catch_up().await.unwrap_err();
        it.follower.compare(None).await.unwrap_err();
        it.says("LEDGER_FORKED: the log has another event at position 3");
        assert_eq!(it.follower.position(), 3);
    }

    #[tokio::test]
    async fn what_came_from_the_stream_is_held_against_the_log() {
        let mut it = Folded::new().await;
        it.log.write(known(), &event("2023-07-01", defined(), &[]));
        let brought = it.held(4, 0).unwrap();
        it.follower.apply(brought).await.unwrap();
        assert_eq!(it.follower.catch_up().await.unwrap(), 4);
        it.log.fork();
        it.follower.catch_up().await.unwrap_err();
        it.says("LEDGER_FORKED: the log has another event at position 4");
    }
}
