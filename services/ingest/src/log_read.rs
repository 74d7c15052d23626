//! How the log is read over gRPC: forwards, backwards, by locality, by kind, by the time it was known.
//!
//! The subject of a stored event, `<topic>/<locality>/<detail>`, tells topic and locality, so events of other subjects
//! are passed over without being decoded.

use std::ops::{ControlFlow, RangeInclusive};
use std::time::Duration;

use bytes::Bytes;
use domain::{LocalityCode, LocalityId, Reason, Violation};
use event_log::{Log, ReadLimit, RecordRef};
use host::CancellationToken;
use jiff::Timestamp;
use tokio::sync::mpsc;
use tonic::{Code, Status};
use wire::status::{invalid, unavailable, with_reason};
use wire::time::{from_wire, of_micros};
use wire::v1;

use crate::grpc::log_error;
use crate::standing::Standing;

/// Events in one message of a read.
const EVENTS_MAX: usize = 2_000;
/// Bytes of payload in one message of a read; a message stays well below the 4 MiB of a gRPC client.
const BYTES_MAX: usize = 1024 * 1024;
/// Positions looked at for one message, whether or not their events are wanted.
const LOOK_MAX: u64 = 100_000;
/// After which time a reader may go on elsewhere.
const RETRY: Duration = Duration::from_millis(200);

/// Where answers go.
pub(crate) type Answers = mpsc::Sender<Result<v1::ReadEventsResponse, Status>>;

/// Which events are wanted.
#[derive(Debug, Clone, Default)]
struct Filter {
    locality: Option<Locality>,
    topic: Option<String>,
    event: Option<String>,
}

#[derive(Debug, Clone)]
enum Locality {
    /// Whatever identity had the code.
    Code(String),
    Identity(String),
}

impl Filter {
    fn parse(request: &v1::ReadEventsRequest) -> Result<Filter, Status> {
        let mut violations = Vec::new();
        let locality = match request.locality.as_str() {
            "" => None,
            text => match identity(text) {
                Some(identity) => Some(Locality::Identity(identity.to_string())),
                None if text.parse::<LocalityCode>().is_ok() => {
                    Some(Locality::Code(text.to_owned()))
                }
                None => {
                    violations.push(Violation::new(
                        "locality",
                        Reason::CodeFormat,
                        "is neither a code such as 56 nor an identity such as 56@2004-01-01",
                    ));
                    None
                }
            },
        };
        let (topic, event) = match request.kind.split_once('.') {
            Some((topic, event)) => (topic, Some(event)),
            None => (request.kind.as_str(), None),
        };
        if !(request.kind.is_empty() || is_token(topic) && event.is_none_or(is_token)) {
            violations.push(Violation::new(
                "kind",
                Reason::CodeFormat,
                "is no kind of event such as progress or progress.corrected",
            ));
        }
        if !violations.is_empty() {
            return Err(invalid(&violations));
        }
        Ok(Filter {
            locality,
            topic: (!topic.is_empty()).then(|| topic.to_owned()),
            event: event.map(ToOwned::to_owned),
        })
    }

    /// Whether events of this subject can be wanted.
    fn subject(&self, subject: &str) -> bool {
        let mut parts = subject.split('/');
        let (topic, second, third) = (parts.next(), parts.next(), parts.next());
        // A subject of two parts is about the whole programme.
        let place = third.and(second);
        let topic_fits = self
            .topic
            .as_deref()
            .is_none_or(|wanted| topic == Some(wanted));
        let place_fits = match (&self.locality, place) {
            (None, _) => true,
            (Some(_), None) => false,
            (Some(Locality::Identity(wanted)), Some(place)) => wanted == place,
            (Some(Locality::Code(wanted)), Some(place)) => {
                place.split('@').next() == Some(wanted.as_str())
            }
        };
        topic_fits && place_fits
    }

    /// Whether an event of a wanted subject is wanted.
    fn event(&self, position: u64, payload: &[u8]) -> Result<bool, Status> {
        let Some(wanted) = &self.event else {
            return Ok(true);
        };
        let event =
            wire::event::decode_logged(payload).map_err(|error| damaged(position, &error))?;
        Ok(event.body.subject().event == wanted)
    }
}

fn identity(text: &str) -> Option<LocalityId> {
    let (code, since) = text.split_once('@')?;
    Some(LocalityId {
        code: code.parse().ok()?,
        since: since.parse().ok()?,
    })
}

fn is_token(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'_')
}

fn damaged(position: u64, error: &dyn std::fmt::Display) -> Status {
    let message = format!("position {position} is damaged: {error}");
    with_reason(Code::DataLoss, "DAMAGED", message)
}

fn stopping() -> Status {
    unavailable(
        "STOPPING",
        "ingest is stopping; go on from the next position",
        RETRY,
    )
}

/// One reader's way through the log.
pub(crate) struct Reader {
    log: Log,
    /// Tells where the log ends for its readers; none if they want what the ledger does not have as well.
    standing: Option<Standing>,
    filter: Filter,
    /// Next position to look at.
    next: u64,
    /// Last position wanted, in the direction of reading; `u64::MAX` for no end.
    last: u64,
    descending: bool,
    follow: bool,
    shutdown: CancellationToken,
}

impl Reader {
    /// What a request asks for, against the log's present head.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` with what does not fit; what the log says while it looks for a time.
    pub(crate) async fn new(
        log: Log,
        standing: Standing,
        request: v1::ReadEventsRequest,
        shutdown: CancellationToken,
    ) -> Result<Reader, Status> {
        let standing = (!request.beyond_fence).then_some(standing);
        let filter = Filter::parse(&request)?;
        if request.follow && (request.descending || request.known_to.is_some()) {
            let message = "follow goes on with new events; it has no descending and no known_to";
            return Err(with_reason(Code::InvalidArgument, "READ_OPTIONS", message));
        }
        let head = within(standing.as_ref(), log.head());
        let known = known(log.clone(), &request).await?;
        let or = |given: u64, otherwise: u64| if given == 0 { otherwise } else { given };
        let (next, last) = if request.descending {
            let from = or(request.from_position, head).min(known.1.min(head));
            (from, request.to_position.max(1).max(known.0))
        } else {
            let last = if request.follow {
                or(request.to_position, u64::MAX)
            } else {
                or(request.to_position, head).min(head).min(known.1)
            };
            (request.from_position.max(1).max(known.0), last)
        };
        Ok(Reader {
            log,
            standing,
            filter,
            next,
            last,
            descending: request.descending,
            follow: request.follow,
            shutdown,
        })
    }

    /// Sends what there is, then what comes, until the end, the shutdown, or the reader's leaving.
    pub(crate) async fn run(mut self, answers: Answers) {
        let mut head = self.log.watch_head();
        let durable = within(self.standing.as_ref(), *head.borrow());
        if self.window(durable).is_none() {
            // Nothing to send yet: the head tells the reader that it has caught up.
            let marker = v1::ReadEventsResponse {
                head: durable,
                ..Default::default()
            };
            if answers.send(Ok(marker)).await.is_err() {
                return;
            }
        }
        loop {
            let durable = within(self.standing.as_ref(), *head.borrow_and_update());
            while let Some(window) = self.window(durable) {
                let sent = match self.read(window, durable).await {
                    Ok(response) => answers.send(Ok(response)).await,
                    Err(status) => return drop(answers.send(Err(status)).await),
                };
                if sent.is_err() {
                    return;
                }
                if self.shutdown.is_cancelled() && self.window(durable).is_some() {
                    return drop(answers.send(Err(stopping())).await);
                }
            }
            // Without more to come also where a fence has cut off the rest meanwhile.
            if !self.follow || self.next > self.last {
                return;
            }
            tokio::select! {
                changed = head.changed() => if changed.is_err() { return },
                () = self.shutdown.cancelled() => return,
                () = answers.closed() => return,
            }
        }
    }

    /// The positions to look at next; none at the end, or at the head for now.
    fn window(&self, durable: u64) -> Option<RangeInclusive<u64>> {
        let window = if self.descending {
            let low = self.next.saturating_sub(LOOK_MAX - 1).max(self.last);
            low..=self.next
        } else {
            let high = self.next.saturating_add(LOOK_MAX - 1);
            self.next..=high.min(self.last).min(durable)
        };
        (!window.is_empty() && *window.start() > 0).then_some(window)
    }

    async fn read(
        &mut self,
        window: RangeInclusive<u64>,
        head: u64,
    ) -> Result<v1::ReadEventsResponse, Status> {
        let (log, filter, descending) = (self.log.clone(), self.filter.clone(), self.descending);
        let read = move || {
            let mut page = Page::new(filter);
            let seen = if descending {
                page.backward(&log, &window)?
            } else {
                page.forward(&log, &window)?
            };
            Ok::<_, Status>((page.events, seen))
        };
        let read = tokio::task::spawn_blocking(read).await;
        let (events, seen_position) =
            read.map_err(|error| Status::internal(error.to_string()))??;
        self.next = if self.descending {
            seen_position - 1
        } else {
            seen_position + 1
        };
        Ok(v1::ReadEventsResponse {
            events,
            head,
            seen_position,
        })
    }
}

/// The events of one message.
struct Page {
    filter: Filter,
    events: Vec<v1::RecordedEvent>,
    bytes: usize,
    failed: Option<Status>,
}

impl Page {
    fn new(filter: Filter) -> Page {
        Page {
            filter,
            events: Vec::new(),
            bytes: 0,
            failed: None,
        }
    }

    /// Takes an event of a wanted subject; breaks when the message is full.
    fn take(&mut self, position: u64, known_micros: i64, payload: &[u8]) -> ControlFlow<()> {
        match self.filter.event(position, payload) {
            Ok(true) => {}
            Ok(false) => return ControlFlow::Continue(()),
            Err(status) => return self.fail(status),
        }
        self.bytes += payload.len();
        self.events.push(v1::RecordedEvent {
            position,
            known: Some(wire::time::to_wire(of_micros(known_micros))),
            event: Bytes::copy_from_slice(payload),
        });
        if self.events.len() >= EVENTS_MAX || self.bytes >= BYTES_MAX {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    }

    fn fail(&mut self, status: Status) -> ControlFlow<()> {
        self.failed = Some(status);
        ControlFlow::Break(())
    }

    /// Reads upwards; gives the last position looked at.
    fn forward(&mut self, log: &Log, window: &RangeInclusive<u64>) -> Result<u64, Status> {
        let filter = self.filter.clone();
        let mut wants = |subject: &str| filter.subject(subject);
        let mut take =
            |event: RecordRef<'_>| self.take(event.position, event.known_micros, event.payload);
        let seen = log.scan(*window.start(), *window.end(), &mut wants, &mut take);
        match seen {
            Ok(seen) => self.seen(seen),
            // What was read before the damage goes out first; the next message names it.
            Err(_) if !self.events.is_empty() => self.seen(0),
            Err(error) => Err(told(error)),
        }
    }

    /// Reads downwards; gives the last position looked at.
    fn backward(&mut self, log: &Log, window: &RangeInclusive<u64>) -> Result<u64, Status> {
        let mut next = *window.end();
        while next >= *window.start() {
            let records = match log.read_back(next, limit(*window.start(), next)) {
                Ok(records) => records,
                Err(_) if !self.events.is_empty() => return self.seen(next + 1),
                Err(error) => return Err(told(error)),
            };
            for record in &records {
                let is_wanted = self.filter.subject(&record.subject);
                let (position, known) = (record.position, record.known_micros);
                if is_wanted && self.take(position, known, &record.payload).is_break() {
                    return self.seen(position);
                }
                next = position - 1;
            }
            if records.is_empty() {
                break;
            }
        }
        self.seen(*window.start())
    }

    /// The last position that counts as looked at: `position`, or with 0 the last event taken.
    fn seen(&mut self, position: u64) -> Result<u64, Status> {
        let last = self.events.last().map_or(position, |last| last.position);
        match self.failed.take() {
            // What was read before it is not lost: the next message begins with the failure.
            Some(status) if self.events.is_empty() => Err(status),
            Some(_) => Ok(last),
            None if position == 0 => Ok(last),
            None => Ok(position),
        }
    }
}

/// The head of a log as far as the ledger has it: what a fenced writer has recorded from its fence on is nobody's.
fn within(standing: Option<&Standing>, head: u64) -> u64 {
    let role = standing.map(Standing::role);
    let fence = role.as_ref().and_then(|role| role.fence());
    fence.map_or(head, |fence| head.min(fence.position.saturating_sub(1)))
}

fn told(error: event_log::Error) -> Status {
    log_error(&error)
}

fn limit(from: u64, to: u64) -> ReadLimit {
    let wanted = usize::try_from(to - from + 1).unwrap_or(EVENTS_MAX);
    ReadLimit {
        events: wanted.min(EVENTS_MAX),
        bytes: BYTES_MAX,
    }
}

/// First and last position within the times asked for.
async fn known(log: Log, request: &v1::ReadEventsRequest) -> Result<(u64, u64), Status> {
    let from = micros("known_from", request.known_from.as_ref().map(from_wire))?;
    let to = micros("known_to", request.known_to.as_ref().map(from_wire))?;
    if from.is_none() && to.is_none() {
        return Ok((1, u64::MAX));
    }
    let find = move || {
        let first = match from {
            Some(from) => {
                log.position_known_at(from.saturating_sub(1))
                    .map_err(told)?
                    + 1
            }
            None => 1,
        };
        let last = match to {
            Some(to) => log.position_known_at(to).map_err(told)?,
            None => u64::MAX,
        };
        Ok((first, last))
    };
    let found = tokio::task::spawn_blocking(find).await;
    found.map_err(|error| Status::internal(error.to_string()))?
}

/// A time of a request in microseconds; the inner `None` is one that no calendar has.
fn micros(field: &str, time: Option<Option<Timestamp>>) -> Result<Option<i64>, Status> {
    match time {
        None => Ok(None),
        Some(Some(time)) => Ok(Some(time.as_microsecond())),
        Some(None) => {
            let detail = "is outside the years -9999 to 9999";
            Err(invalid(&[Violation::new(
                field,
                Reason::DateFormat,
                detail,
            )]))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filter(locality: &str, kind: &str) -> Result<Filter, Status> {
        Filter::parse(&v1::ReadEventsRequest {
            locality: locality.to_owned(),
            kind: kind.to_owned(),
            ..Default::default()
        })
    }

    #[test]
    fn a_subject_tells_whether_its_events_are_wanted() {
        let subject = "progress/56@2004-01-01/eid-activated";
        for (locality, kind, wanted) in [
            ("", "", true),
            ("56", "", true),
            ("56@2004-01-01", "progress", true),
            ("56@2025-07-01", "progress", false),
            ("5", "", false),
            ("568", "", false),
            ("56", "quota", false),
            ("", "progress.corrected", true),
        ] {
            let fits = filter(locality, kind).is_ok_and(|filter| filter.subject(subject));
            assert_eq!(fits, wanted, "{locality} {kind}");
        }
        let whole = "indicator/eid-activated";
        assert!(filter("", "indicator").is_ok_and(|filter| filter.subject(whole)));
        assert!(filter("56", "indicator").is_ok_and(|filter| !filter.subject(whole)));
    }

    #[test]
    fn what_is_no_locality_and_no_kind_is_refused() {
        for (locality, kind) in [
            ("x", ""),
            ("56@", ""),
            ("", "Progress"),
            ("", "a.b.c"),
            ("", "."),
        ] {
            assert!(filter(locality, kind).is_err(), "{locality} {kind}");
        }
    }
}
