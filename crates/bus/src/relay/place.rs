//! What an event tells its stream, so that it stands at its position and behind no other writer's.

use async_nats::HeaderMap;
use async_nats::header::{self, HeaderName};

use super::{Message, RelayOptions, VecDeque, subject};

/// The most events of a batch; the server's own limit is 1,000 unless it is told otherwise.
pub(super) const BATCH_MAX: usize = 1_000;

/// The most bytes of a batch. An event that is larger goes alone, so that what the server has against it is said of it.
const BATCH_BYTES_MAX: usize = 512 * 1024;

/// Which messages `Nats-Expected-Last-Subject-Sequence` speaks of.
const EXPECTED_LAST_OF: HeaderName =
    HeaderName::from_static("Nats-Expected-Last-Subject-Sequence-Subject");

/// The last take-over that stands before an event.
#[derive(Debug, Clone, Copy)]
pub(super) struct Turn<'a> {
    /// Filter of all take-overs.
    pub(super) take_overs: &'a str,
    /// Its position; 0 if the stream has none.
    pub(super) last: u64,
}

/// Events that the stream takes all or none of.
#[derive(Debug)]
pub(super) struct Batch {
    /// Its name while the server gathers it; no other batch has it.
    pub(super) id: String,
    /// The position of its first event.
    pub(super) first: u64,
    /// The position of its last event.
    pub(super) last: u64,
}

/// How an event goes out.
#[derive(Debug)]
pub(super) enum Place<'a> {
    /// Nothing is on its way before it, or the stream cannot check whose turn it is.
    Alone,
    /// Others are on their way before it.
    Behind(Turn<'a>),
    /// It is stored with others or not at all.
    Within(&'a Batch),
}

impl Place<'_> {
    /// Whether the stream answers the event: of a batch the first, once it is gathered or refused, and the last, for all.
    pub(super) fn is_answered(&self, position: u64) -> bool {
        match self {
            Self::Alone | Self::Behind(_) => true,
            Self::Within(batch) => position == batch.first || position == batch.last,
        }
    }

    /// Whether the event names the sequence before it: of a batch the first alone may.
    fn is_bound(&self, position: u64) -> bool {
        match self {
            Self::Alone | Self::Behind(_) => true,
            Self::Within(batch) => position == batch.first,
        }
    }

    /// What the server is told of an event: the stream, its id for hubs, and what it must follow on.
    pub(super) fn headers(&self, options: &RelayOptions, position: u64) -> HeaderMap {
        let (ledger, stream) = (&options.ledger, options.stream.name.as_str());
        let mut headers = HeaderMap::new();
        headers.insert(header::NATS_EXPECTED_STREAM, stream);
        let id = subject::message_id(ledger, position);
        headers.insert(header::NATS_MESSAGE_ID, id);
        if self.is_bound(position) {
            let before = (position - 1).to_string();
            headers.insert(header::NATS_EXPECTED_LAST_SEQUENCE, before);
        }
        match self {
            Self::Alone => {}
            Self::Behind(Turn { take_overs, last }) => {
                let last = last.to_string();
                headers.insert(header::NATS_EXPECTED_LAST_SUBJECT_SEQUENCE, last);
                headers.insert(EXPECTED_LAST_OF, *take_overs);
            }
            Self::Within(batch) => {
                let number = (position - batch.first + 1).to_string();
                headers.insert(header::NATS_BATCH_ID, batch.id.as_str());
                headers.insert(header::NATS_BATCH_SEQUENCE, number);
                if position == batch.last {
                    headers.insert(header::NATS_BATCH_COMMIT, header::NATS_BATCH_COMMIT_FINAL);
                }
            }
        }
        headers
    }
}

/// How many of those that wait go out as one, at most so many of so many bytes; at least one if any waits.
pub(super) fn fitting(waiting: &VecDeque<Message>, max: usize, bytes_max: usize) -> usize {
    let bytes_max = bytes_max.min(BATCH_BYTES_MAX);
    let mut bytes = 0;
    let fits = waiting.iter().take(max).take_while(|message| {
        bytes += message.payload.len();
        bytes <= bytes_max
    });
    fits.count().max(usize::from(!waiting.is_empty()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TAKE_OVERS: &str = "tiendo.v1.ha-noi.vn.ledger.taken-over.*";

    /// What event `position` says, by name.
    fn said(place: &Place<'_>, position: u64) -> Vec<(String, String)> {
        let stream = crate::StreamSpec::for_ledger("ha-noi");
        let options = RelayOptions::new("nats://127.0.0.1:1", "ha-noi".to_owned(), stream);
        let headers = place.headers(&options, position);
        let pairs = headers
            .iter()
            .map(|(name, values)| (name.to_string(), values[0].as_str().to_owned()));
        let mut said: Vec<_> = pairs.collect();
        said.sort();
        said
    }

    fn pairs(of: &[(&str, &str)]) -> Vec<(String, String)> {
        of.iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect()
    }

    #[test]
    fn an_event_tells_its_stream_what_it_follows_on_and_its_id() {
        let alone = [
            ("Nats-Expected-Last-Sequence", "4710"),
            ("Nats-Expected-Stream", "TIENDO_HA-NOI"),
            ("Nats-Msg-Id", "ha-noi:4711"),
        ];
        assert_eq!(said(&Place::Alone, 4_711), pairs(&alone));
        assert!(Place::Alone.is_answered(4_711));
    }

    #[test]
    fn one_that_follows_others_on_their_way_also_tells_whose_turn_it_is() {
        let turn = Turn {
            take_overs: TAKE_OVERS,
            last: 12,
        };
        let behind = [
            ("Nats-Expected-Last-Sequence", "4710"),
            ("Nats-Expected-Last-Subject-Sequence", "12"),
            ("Nats-Expected-Last-Subject-Sequence-Subject", TAKE_OVERS),
            ("Nats-Expected-Stream", "TIENDO_HA-NOI"),
            ("Nats-Msg-Id", "ha-noi:4711"),
        ];
        let place = Place::Behind(turn);
        assert_eq!(said(&place, 4_711), pairs(&behind));
        assert!(place.is_answered(4_711));
    }

    #[test]
    fn of_a_batch_the_first_tells_what_all_follow_on_and_the_last_that_it_is_whole() {
        let batch = Batch {
            id: "b".to_owned(),
            first: 11,
            last: 13,
        };
        let place = Place::Within(&batch);
        let of = |position: u64, number, more: (&str, &str)| {
            let id = format!("ha-noi:{position}");
            let mut said = pairs(&[
                ("Nats-Batch-Id", "b"),
                ("Nats-Batch-Sequence", number),
                ("Nats-Expected-Stream", "TIENDO_HA-NOI"),
                ("Nats-Msg-Id", id.as_str()),
            ]);
            said.extend(pairs(&[more]));
            said.sort();
            said
        };
        let first = of(11, "1", ("Nats-Expected-Last-Sequence", "10"));
        assert_eq!(said(&place, 11), first);
        assert_eq!(said(&place, 12).len(), 4);
        let last = of(13, "3", ("Nats-Batch-Commit", "1"));
        assert_eq!(said(&place, 13), last);
        let answered = [11, 12, 13].map(|position| place.is_answered(position));
        assert_eq!(answered, [true, false, true]);
    }

    #[test]
    fn a_batch_is_no_larger_than_its_limits_and_what_is_larger_goes_alone() {
        let sized = |sizes: &[usize]| {
            let message = |bytes: &usize| Message {
                position: 1,
                subject: String::new(),
                payload: vec![b'x'; *bytes].into(),
            };
            sizes.iter().map(message).collect::<VecDeque<_>>()
        };
        let of = |sizes: &[usize], max| fitting(&sized(sizes), max, usize::MAX);
        assert_eq!(of(&[], 10), 0);
        assert_eq!(of(&[700; 5], 10), 5);
        assert_eq!(of(&[700; 5], 3), 3);
        let half = BATCH_BYTES_MAX / 2;
        assert_eq!(of(&[half, half, 1], 10), 2);
        assert_eq!(of(&[1, 2 * half, 1], 10), 1);
        assert_eq!(of(&[2 * half + 1, 1], 10), 1);
        assert_eq!(fitting(&sized(&[700; 5]), 10, 1_500), 2);
    }
}
