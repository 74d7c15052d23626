//! The state that serves, compared with a second one that is folded anew from position 1.
//!
//! The second one is read while the first serves and follows; for the last positions, and until the first is hashed, the follower waits, so that both stand at one position.
//! Questions are answered all the while, and nothing but memory is used: nobody is told anything, and the second state is dropped.

use std::sync::Arc;
use std::time::Duration;

use domain::text::Moment;
use state::{FOLD_VERSION, State, digest_of};
use tokio::sync::mpsc::Sender;
use tonic::{Code, Status};
use wire::log_reader::LogReader;
use wire::status::with_reason;
use wire::v1;

use crate::freshness::Freshness;
use crate::moment::answered;
use crate::shared::Shared;

/// Between two answers that tell how far it has come, in positions.
const TELL_EVERY: u64 = 20_000;
/// So many positions or fewer are read while the follower waits.
const CLOSE: u64 = 10_000;
/// Longest wait for them.
const CLOSE_WAIT_MAX: Duration = Duration::from_secs(10);

/// One comparison.
pub(crate) struct Verification {
    pub(crate) shared: Arc<Shared>,
    pub(crate) log: LogReader,
    pub(crate) answers: Sender<Result<v1::VerifyProjectionResponse, Status>>,
    /// The moment that the answer names.
    pub(crate) as_of: Moment,
}

impl Verification {
    /// Compares, and tells how far it has come and what it found.
    ///
    /// # Errors
    /// `LOG_UNREADABLE` if the log cannot be read.
    pub(crate) async fn run(&self) -> Result<(), Status> {
        let (mut second, history) = (State::new(), self.shared.history());
        while self.shared.position() > second.position() + CLOSE {
            self.read(&mut second, self.shared.position()).await?;
        }
        let turn = self.shared.turn().await;
        let rest = self.read(&mut second, self.shared.position());
        let rest = tokio::time::timeout(CLOSE_WAIT_MAX, rest).await;
        rest.map_err(|_| unreadable("it did not give its newest events in time"))??;
        if self.shared.history() != history {
            return Err(unreadable("it is folded anew, since it went on otherwise"));
        }
        let shared = Arc::clone(&self.shared);
        // A caller who leaves does not stop the hashing, so the follower must wait for that and not for this future.
        let served = tokio::task::spawn_blocking(move || {
            let served = shared.read().digests();
            drop(turn);
            served
        });
        let served = served
            .await
            .map_err(|error| Status::internal(error.to_string()))?;
        let folded = tokio::task::spawn_blocking(move || (second.digests(), second));
        let folded = folded
            .await
            .map_err(|error| Status::internal(error.to_string()))?;
        let fresh = self.shared.freshness(&folded.1);
        let answer = found(&served, &folded, self.as_of, fresh);
        // Nobody is there any more to be told.
        let _ = self.answers.send(Ok(answer)).await;
        Ok(())
    }

    /// Folds up to a position.
    async fn read(&self, second: &mut State, head: u64) -> Result<(), Status> {
        if second.position() >= head {
            return Ok(());
        }
        let mut told = second.position();
        let batches = self.log.open(second.position() + 1, head).await;
        let mut batches = batches.map_err(|error| unreadable(&error))?;
        while let Some(mut batch) = batches.next().await.map_err(|error| unreadable(&error))? {
            while let Some(logged) = batch.next().map_err(|error| unreadable(&error))? {
                let (position, known, event) = logged;
                let folded = second.apply(position, known, event);
                folded.map_err(|error| unreadable(&error))?;
            }
            if second.position() >= told + TELL_EVERY {
                told = second.position();
                let way = v1::VerifyProjectionResponse {
                    position: told,
                    head,
                    ..v1::VerifyProjectionResponse::default()
                };
                // Who has left is noticed by whoever runs this.
                let _ = self.answers.send(Ok(way)).await;
            }
        }
        if second.position() == head {
            Ok(())
        } else {
            Err(unreadable(&format!("it ends at {}", second.position())))
        }
    }
}

fn unreadable(error: &(impl std::fmt::Display + ?Sized)) -> Status {
    with_reason(Code::Unavailable, "LOG_UNREADABLE", error.to_string())
}

/// The digests of a state's tables.
type Tables = [(&'static str, String)];

/// What a comparison found, beside the second state at the position of both.
pub(crate) fn found(
    served: &Tables,
    (folded, second): &(Vec<(&'static str, String)>, State),
    as_of: Moment,
    fresh: Freshness,
) -> v1::VerifyProjectionResponse {
    let position = second.position();
    let differ = |(served, folded): &(_, _)| served != folded;
    let differing = served.iter().zip(folded).filter(differ);
    v1::VerifyProjectionResponse {
        position,
        head: position,
        done: true,
        served_digest: digest_of(served),
        digest: digest_of(folded),
        differing_tables: differing.map(|((name, _), _)| (*name).to_owned()).collect(),
        fold_version: FOLD_VERSION.to_owned(),
        at: Some(answered(fresh, second, &second.latest(as_of))),
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;
    use crate::tests::Ledger;

    #[test]
    fn two_states_are_the_same_or_it_is_told_which_tables_differ() {
        let as_of = Moment::end_of(date(2023, 7, 31));
        let of = |count| {
            let mut ledger = Ledger::new();
            ledger.count("2023-07-10", count, &[]);
            (ledger.state.digests(), ledger.state)
        };
        let same = found(&of(100).0, &of(100), as_of, Freshness::default());
        assert_eq!(same.digest, of(100).1.digest());
        assert!(same.digest == same.served_digest && same.differing_tables.is_empty());
        assert!(same.done && (same.position, same.head) == (4, 4));
        let other = found(&of(101).0, &of(100), as_of, Freshness::default());
        assert_eq!(other.differing_tables, ["figures"]);
        assert!(other.digest == same.digest && other.served_digest != same.digest);
    }
}
