//! A watch of cases: those that match, then each that changes or comes to match.
//!
//! It follows alerting's own log by position, so nothing is told from a buffer that could overflow: whatever was recorded since the last look names the cases to look at again.
//! A case is told as it is when it is looked at; one that no longer matches is told once more, so that its reader can let it go.
//! A reader that takes no message for [`PATIENCE`] is sent away by name.

use std::collections::{BTreeSet, HashSet};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use event_log::{Log, ReadLimit};
use futures::Stream;
use host::CancellationToken;
use prost::Message as _;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Code, Request, Response, Status};
use wire::deadline::stopping;
use wire::status::{invalid, try_again};
use wire::v1;
use wire::v1::alert_event::Body;

use crate::book;
use crate::desk::Desk;
use crate::escalate::ids_above;
use crate::grpc::{AlertingApi, recorded};
use crate::shown::{Look, Wanted};
use crate::sight::Seen;

/// Watches at a time.
pub(crate) const WATCHES_MAX: usize = 128;
/// Cases in one message.
const CASES_MAX: usize = 50;
/// Bytes of cases in one message, but for a case that has more by itself.
const BYTES_MAX: usize = 1024 * 1024;
/// Messages prepared for a slow reader.
const AHEAD_MAX: usize = 4;
/// How long a message may wait for its reader.
const PATIENCE: Duration = Duration::from_secs(10);
/// After which time a watch that was refused or ended may be tried again.
const RETRY: Duration = Duration::from_millis(500);

/// All places are taken.
const REASON_BUSY: &str = "WATCHES_BUSY";
/// A reader took no message in time.
const REASON_TOO_SLOW: &str = "WATCH_TOO_SLOW";

/// What a reader gets.
pub(crate) type Answers =
    Pin<Box<dyn Stream<Item = Result<v1::WatchCasesResponse, Status>> + Send>>;

type Sender = mpsc::Sender<Result<v1::WatchCasesResponse, Status>>;

/// One watch.
struct Watcher {
    desk: Arc<Desk>,
    log: Log,
    wanted: Wanted,
    /// Those told as matching last.
    matching: HashSet<String>,
    /// Position of alerting's log up to which everything is told.
    seen: u64,
    shutdown: CancellationToken,
    _place: OwnedSemaphorePermit,
}

/// Why a watch ends.
enum End {
    Gone,
    Told(Status),
}

impl AlertingApi {
    pub(crate) async fn watch_of_cases(
        &self,
        request: Request<v1::WatchCasesRequest>,
    ) -> Result<Response<Answers>, Status> {
        let filter = request.get_ref().filter.clone().unwrap_or_default();
        let mut violations = Vec::new();
        for (field, text) in [("as_of", &filter.as_of), ("known_at", &filter.known_at)] {
            if !text.is_empty() {
                let field = format!("filter.{field}");
                let detail = "a watch is of now; leave it out";
                let reason = domain::Reason::DateFormat;
                violations.push(domain::Violation::new(field, reason, detail));
            }
        }
        if !violations.is_empty() {
            return Err(invalid(&violations));
        }
        let wanted = Wanted::read(&filter)?;
        let place = admit(&self.watches)?;
        let min_position = filter.min_position;
        self.judged(min_position, request.metadata()).await?;
        wanted.known(&self.desk.judge())?;
        let watcher = Watcher {
            desk: Arc::clone(&self.desk),
            log: self.log.clone(),
            wanted,
            matching: HashSet::new(),
            seen: 0,
            shutdown: self.shutdown.clone(),
            _place: place,
        };
        let (answers, stream) = mpsc::channel(AHEAD_MAX);
        host::task::spawn("cases-watch", watcher.run(answers));
        Ok(Response::new(Box::pin(ReceiverStream::new(stream))))
    }
}

fn admit(places: &Arc<Semaphore>) -> Result<OwnedSemaphorePermit, Status> {
    Arc::clone(places).try_acquire_owned().map_err(|_| {
        let message = format!("{WATCHES_MAX} watches are open already; try again later");
        try_again(Code::ResourceExhausted, REASON_BUSY, message, RETRY)
    })
}

impl Watcher {
    /// Tells what there is, then what comes, until the reader leaves or is too slow, or the shutdown; one place of `answers` is kept for the last word.
    async fn run(mut self, answers: Sender) {
        let Ok(last_word) = answers.clone().reserve_owned().await else {
            return;
        };
        if let End::Told(status) = self.watch(&answers).await {
            last_word.send(Err(status));
        }
    }

    async fn watch(&mut self, answers: &Sender) -> End {
        let mut told = self.desk.told();
        let head = *told.borrow_and_update();
        let all = self.all();
        if let Err(end) = self.send(&all, head, answers).await {
            return end;
        }
        loop {
            tokio::select! {
                biased;
                () = self.shutdown.cancelled() => return End::Told(stopping()),
                () = answers.closed() => return End::Gone,
                changed = told.changed() => if changed.is_err() { return End::Gone },
            }
            let head = *told.borrow_and_update();
            let ids = match self.changed(head).await {
                Ok(ids) => ids,
                Err(status) => return End::Told(status),
            };
            let ids = self.again(ids);
            if ids.is_empty() {
                self.seen = head;
            } else if let Err(end) = self.send(&ids, head, answers).await {
                return end;
            }
        }
    }

    fn look<T>(&self, look: impl FnOnce(Look<'_>) -> T) -> T {
        let (book, judge) = (self.desk.book(), self.desk.judge());
        look(Look {
            book: &book,
            judge: &judge,
            seen: Seen::ALL,
        })
    }

    /// Every case that matches.
    fn all(&mut self) -> Vec<String> {
        let ids: Vec<String> = self.look(|look| {
            let cases = look.cases(&self.wanted).into_iter();
            cases.map(|kept| kept.case.case_id.clone()).collect()
        });
        self.matching = ids.iter().cloned().collect();
        ids
    }

    /// Of those cases the ones that match, or did.
    fn again(&mut self, ids: BTreeSet<String>) -> Vec<String> {
        let takes = |look: &Look<'_>, id: &str| {
            let kept = look.book.newest(id);
            kept.is_some_and(|kept| look.takes(&self.wanted, kept))
        };
        let looked: Vec<(String, bool)> = self.look(|look| {
            let looked = ids.into_iter().map(|id| {
                let takes = takes(&look, &id);
                (id, takes)
            });
            looked.collect()
        });
        let mut told = Vec::new();
        for (id, takes) in looked {
            let did = if takes {
                !self.matching.insert(id.clone())
            } else {
                self.matching.remove(&id)
            };
            if takes || did {
                told.push(id);
            }
        }
        told
    }

    /// Cases as they are now.
    fn cases(&self, ids: &[String]) -> Vec<v1::Case> {
        self.look(|look| {
            let kept = ids.iter().filter_map(|id| look.book.newest(id));
            kept.map(|kept| look.case(kept)).collect()
        })
    }

    /// The cases that the entries behind the last one looked at bear on.
    async fn changed(&self, head: u64) -> Result<BTreeSet<String>, Status> {
        let mut ids = BTreeSet::new();
        let mut next = self.seen + 1;
        while next <= head {
            let log = self.log.clone();
            let limit = ReadLimit {
                events: 500,
                bytes: 1024 * 1024,
            };
            let read = tokio::task::spawn_blocking(move || recorded(&log, next, limit)).await;
            let entries = read.unwrap_or_else(|error| Err(Status::internal(error.to_string())))?;
            if entries.is_empty() {
                break;
            }
            next += entries.len() as u64;
            let bodies = entries
                .iter()
                .filter_map(|it| it.alert.as_ref()?.body.as_ref());
            for body in bodies {
                match body {
                    Body::SilenceSet(e) => ids.extend(self.covered(&e.silence_id)),
                    Body::SilenceEnded(e) => ids.extend(self.covered(&e.silence_id)),
                    body => ids.extend(book::case_of(body).map(str::to_owned)),
                }
            }
        }
        Ok(ids)
    }

    /// The open cases that a silence is about.
    fn covered(&self, id: &str) -> Vec<String> {
        self.look(|look| {
            let Some(silence) = look.book.silence(id) else {
                return Vec::new();
            };
            let open = look.book.open_cases().filter(|kept| {
                let about = |key| silence.is_about(key, &ids_above(look.judge, key.locality));
                kept.key.as_ref().is_some_and(about)
            });
            open.map(|kept| kept.case.case_id.clone()).collect()
        })
    }

    /// Tells cases, some in a message and looked at for it, the last of which says up to where that is.
    async fn send(&mut self, ids: &[String], head: u64, answers: &Sender) -> Result<(), End> {
        let last = ids.len().saturating_sub(1) / CASES_MAX * CASES_MAX;
        let (some, last) = ids.split_at(last);
        for ids in some.chunks(CASES_MAX) {
            for cases in pieces(self.cases(ids), BYTES_MAX) {
                message(self.part(cases), answers, PATIENCE).await?;
            }
        }
        let mut pieces = pieces(self.cases(last), BYTES_MAX);
        let last = pieces.pop().unwrap_or_default();
        for cases in pieces {
            message(self.part(cases), answers, PATIENCE).await?;
        }
        self.seen = head;
        let told = v1::WatchCasesResponse {
            cases: last,
            alerts_position: head,
            caught_up: true,
        };
        message(told, answers, PATIENCE).await
    }

    /// A message that others follow.
    fn part(&self, cases: Vec<v1::Case>) -> v1::WatchCasesResponse {
        v1::WatchCasesResponse {
            cases,
            alerts_position: self.seen,
            caught_up: false,
        }
    }
}

/// Cases in their order, cut so that no piece of more than one has too many bytes.
fn pieces(cases: Vec<v1::Case>, bytes_max: usize) -> Vec<Vec<v1::Case>> {
    let mut pieces = Vec::new();
    let (mut piece, mut bytes) = (Vec::new(), 0);
    for case in cases {
        let more = case.encoded_len();
        if !piece.is_empty() && bytes + more > bytes_max {
            pieces.push(std::mem::take(&mut piece));
            bytes = 0;
        }
        bytes += more;
        piece.push(case);
    }
    pieces.extend((!piece.is_empty()).then_some(piece));
    pieces
}

/// Hands a message to its reader, who may take some time for it.
async fn message(
    told: v1::WatchCasesResponse,
    answers: &Sender,
    patience: Duration,
) -> Result<(), End> {
    use mpsc::error::SendTimeoutError as E;
    match answers.send_timeout(Ok(told), patience).await {
        Ok(()) => Ok(()),
        Err(E::Closed(_)) => Err(End::Gone),
        Err(E::Timeout(_)) => {
            let message = format!(
                "no message was taken for {} s; watch again, everything that matches is told first",
                patience.as_secs()
            );
            let slow = try_again(Code::ResourceExhausted, REASON_TOO_SLOW, message, RETRY);
            Err(End::Told(slow))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn who_takes_no_message_is_sent_away_by_name_and_who_left_is_not() {
        let (answers, reader) = mpsc::channel(1);
        let told = v1::WatchCasesResponse::default;
        let patience = Duration::from_millis(1);
        assert!(message(told(), &answers, patience).await.is_ok());
        let Err(End::Told(status)) = message(told(), &answers, patience).await else {
            panic!("a slow reader was waited for");
        };
        assert_eq!(status.code(), Code::ResourceExhausted);
        assert_eq!(wire::status::refusal(&status).reason, REASON_TOO_SLOW);
        drop(reader);
        let ended = message(told(), &answers, patience).await;
        assert!(matches!(ended, Err(End::Gone)));
    }

    #[test]
    fn a_message_is_cut_by_its_bytes_too_and_a_large_case_goes_alone() {
        let case = |bytes: usize| v1::Case {
            case_id: "x".repeat(bytes),
            ..v1::Case::default()
        };
        let sizes = |cases: &[usize]| -> Vec<Vec<usize>> {
            let cases = cases.iter().map(|bytes| case(*bytes)).collect();
            let pieces = pieces(cases, 100).into_iter();
            pieces
                .map(|piece| piece.iter().map(|case| case.case_id.len()).collect())
                .collect()
        };
        assert_eq!(
            sizes(&[40, 40, 40, 500, 10]),
            [vec![40, 40], vec![40], vec![500], vec![10]]
        );
        assert!(sizes(&[]).is_empty());
    }

    #[test]
    fn one_watch_too_many_is_refused_by_name() {
        let places = Arc::new(Semaphore::new(1));
        let first = admit(&places).unwrap();
        let status = admit(&places).unwrap_err();
        assert_eq!(wire::status::refusal(&status).reason, REASON_BUSY);
        drop(first);
        assert!(admit(&places).is_ok());
    }
}
