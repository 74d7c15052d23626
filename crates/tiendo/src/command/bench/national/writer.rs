//! Events into requests, requests into groups: positions, ids and times, all of them known beforehand.

use std::collections::BTreeMap;

use domain::Event;
use event_log::{Append, NewEvent};
use jiff::civil::Date;
use jiff::tz::TimeZone;
use prost::Message as _;
use uuid::{Builder, Uuid};
use wire::v1;

use crate::Failure;
use crate::command::bench::failed;
use crate::command::bench::sample::hash;

/// Events from which on a group is handed over; its requests get one known time.
const GROUP_EVENTS: usize = 16_384;
/// Events of a request that registers places.
const REGISTER_EVENTS: usize = 1_000;
/// Between two groups of one morning.
const GROUP_MICROS: i64 = 1_000_000;

/// Requests that the log takes at the same instant.
pub(in crate::command::bench) struct Group {
    /// The instant, in microseconds since the Unix epoch.
    pub(in crate::command::bench) known_micros: i64,
    pub(in crate::command::bench) requests: Vec<Append>,
}

/// Takes one group after the other.
pub(in crate::command::bench) type Sink<'s> = &'s mut dyn FnMut(Group) -> Result<(), Failure>;

/// Events by what happened, such as `progress.reported`.
pub(in crate::command::bench) type Tally = BTreeMap<&'static str, u64>;

/// Puts requests together.
pub(in crate::command::bench) struct Writer<'s> {
    seed: u64,
    sink: Sink<'s>,
    group: Vec<Append>,
    group_events: usize,
    clock_micros: i64,
    requests: u64,
    position: u64,
    tally: Tally,
}

impl<'s> Writer<'s> {
    pub(super) fn new(seed: u64, sink: Sink<'s>) -> Self {
        Self {
            seed,
            sink,
            group: Vec::new(),
            group_events: 0,
            clock_micros: 0,
            requests: 0,
            position: 0,
            tally: Tally::new(),
        }
    }

    /// Position of the next event.
    pub(super) fn next_position(&self) -> u64 {
        self.position + 1
    }

    /// What follows is taken from seven o'clock in Hà Nội on, on a day.
    pub(super) fn morning_of(&mut self, day: Date) -> Result<(), Failure> {
        self.flush()?;
        let midnight = day.to_zoned(TimeZone::UTC).map_err(failed)?;
        self.clock_micros = self.clock_micros.max(midnight.timestamp().as_microsecond());
        Ok(())
    }

    /// The id of the next request, a UUIDv7 of the time at which the log takes it.
    pub(super) fn request_id(&mut self) -> Uuid {
        let number = self.requests;
        self.requests += 1;
        let mut random = [0; 10];
        random[..8].copy_from_slice(&hash(self.seed ^ hash(number)).to_be_bytes());
        random[8..].copy_from_slice(&number.to_be_bytes()[6..]);
        let millis = self.clock_micros.unsigned_abs() / 1_000;
        Builder::from_unix_timestamp_millis(millis, &random).into_uuid()
    }

    /// One request, all of whose events tell the same.
    pub(super) fn append(
        &mut self,
        request_id: Uuid,
        kind: &'static str,
        events: Vec<NewEvent>,
    ) -> Result<(), Failure> {
        if events.is_empty() {
            return Ok(());
        }
        *self.tally.entry(kind).or_default() += events.len() as u64;
        self.push(request_id, events)
    }

    /// Places, in requests of their own: the set's would be taken for the whole set.
    pub(super) fn register<'e>(
        &mut self,
        events: impl Iterator<Item = &'e &'e Event>,
    ) -> Result<(), Failure> {
        let events: Vec<&Event> = events.copied().collect();
        for part in events.chunks(REGISTER_EVENTS) {
            let request_id = self.request_id();
            let news = part.iter().map(|event| {
                let event = Event {
                    request_id,
                    ..(*event).clone()
                };
                self.tell(&event)
            });
            let news = news.collect();
            self.push(request_id, news)?;
        }
        Ok(())
    }

    /// A batch of a set that the product carries, under the set's own id, so that `tiendo up` knows it.
    pub(super) fn as_shipped(&mut self, request_id: Uuid, events: &[Event]) -> Result<(), Failure> {
        let news = events.iter().map(|event| self.tell(event)).collect();
        self.push(request_id, news)
    }

    /// Counts an event, and gives it as the log takes it.
    fn tell(&mut self, event: &Event) -> NewEvent {
        let subject = event.body.subject();
        let kind = match (subject.topic, subject.event) {
            ("locality", "registered") => "locality.registered",
            ("locality", "ended") => "locality.ended",
            _ => "catalogue",
        };
        *self.tally.entry(kind).or_default() += 1;
        NewEvent {
            subject: subject.revision_key().into(),
            expected_revision: None,
            payload: wire::event::to_bytes(event).into(),
            attribute: None,
        }
    }

    fn push(&mut self, request_id: Uuid, events: Vec<NewEvent>) -> Result<(), Failure> {
        self.position += events.len() as u64;
        self.group_events += events.len();
        self.group.push(Append {
            request_id: request_id.into_bytes(),
            events,
        });
        if self.group_events >= GROUP_EVENTS {
            self.flush()?;
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<(), Failure> {
        if self.group.is_empty() {
            return Ok(());
        }
        self.group_events = 0;
        let known_micros = self.clock_micros;
        self.clock_micros += GROUP_MICROS;
        (self.sink)(Group {
            known_micros,
            requests: std::mem::take(&mut self.group),
        })
    }

    /// Hands over what is left.
    pub(super) fn finish(mut self) -> Result<Tally, Failure> {
        self.flush()?;
        Ok(self.tally)
    }
}

/// An event about a subject.
pub(super) fn new_event(subject: String, event: &v1::Event) -> NewEvent {
    NewEvent {
        subject: subject.into(),
        expected_revision: None,
        payload: event.encode_to_vec().into(),
        attribute: None,
    }
}
