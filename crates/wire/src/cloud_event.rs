//! What subscribers get: CloudEvents 1.0 in structured JSON, and the subjects it comes under.
//!
//! | attribute | value |
//! |---|---|
//! | `id` | `<ledger>:<position>` |
//! | `source` | `/tiendo/<ledger>` |
//! | `type` | `vn.tiendo.<topic>.<event>.v1` |
//! | `subject` | the locality's code, or `vn` for the whole programme |
//! | `time` | the end of the moment the event speaks of |
//! | `dataschema` | `urn:tiendo:schema:<topic>.<event>:v1` |
//! | `sequence` | the position, zero-padded to 20 digits so that it sorts as text |
//! | `recordedtime` | when the log took it, to the microsecond |
//! | `requestends` | whether the event is the last of the request that brought it (events of the log only) |
//! | `traceparent` | the trace of its reporter that it comes from, if that was told (events of the log only) |
//!
//! Together with `data`, which names the request, this is all that the log holds of an event, so that the log can be
//! restored from the bus.
//! A request is recorded whole or not at all; without `requestends` nobody could tell whether the bus has the whole of
//! the last one.

use std::fmt;

use domain::event::Subject;
use domain::text::Moment;
use domain::{Event, LocalityCode, TraceParent};
use jiff::Timestamp;
use jiff::civil::Date;
use prost_reflect::{DeserializeOptions, DynamicMessage};
use serde::{Deserialize, Serialize};

use crate::v1::AlertEvent;
use crate::v1::alert_event::Body;

/// The locality token of an event that is about the whole programme.
const WHOLE_PROGRAMME: &str = "vn";
/// The locality token of an entry of alerting's log that is about no single place.
const NO_SINGLE_PLACE: &str = "sys";
/// What an entry of alerting's log is in the contract.
const ALERT_EVENT: &str = "tiendo.v1.AlertEvent";

/// An envelope around the data of one event: a CloudEvent in structured JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(any(test, feature = "schema"), derive(schemars::JsonSchema))]
pub struct CloudEvent<T> {
    /// Always `1.0`.
    #[cfg_attr(any(test, feature = "schema"), schemars(extend("const" = "1.0")))]
    pub specversion: String,
    /// `<ledger>:<position>`; the same event always has the same id.
    #[cfg_attr(
        any(test, feature = "schema"),
        schemars(extend("pattern" = "^[a-z0-9_-]{1,64}:[1-9][0-9]*$"))
    )]
    pub id: String,
    /// `/tiendo/<ledger>`.
    #[cfg_attr(
        any(test, feature = "schema"),
        schemars(extend("pattern" = "^/tiendo/[a-z0-9_-]{1,64}$"))
    )]
    pub source: String,
    /// `vn.tiendo.<topic>.<event>.v1`.
    #[cfg_attr(
        any(test, feature = "schema"),
        schemars(extend("pattern" = r"^vn\.tiendo\.[a-z-]+\.[a-z-]+\.v1$"))
    )]
    pub r#type: String,
    /// Code of the locality, or `vn`.
    #[cfg_attr(
        any(test, feature = "schema"),
        schemars(extend("pattern" = "^([0-9]{2,3}|[0-9]{5}|vn)$"))
    )]
    pub subject: String,
    /// End of the moment the event speaks of, RFC 3339.
    #[cfg_attr(any(test, feature = "schema"), schemars(extend("format" = "date-time")))]
    pub time: String,
    /// Always `application/json`.
    #[cfg_attr(
        any(test, feature = "schema"),
        schemars(extend("const" = "application/json"))
    )]
    pub datacontenttype: String,
    /// Name of the schema of `data`.
    #[cfg_attr(
        any(test, feature = "schema"),
        schemars(extend("pattern" = r"^urn:tiendo:schema:[a-z-]+\.[a-z-]+:v1$"))
    )]
    pub dataschema: String,
    /// The position, zero-padded to 20 digits.
    #[cfg_attr(
        any(test, feature = "schema"),
        schemars(extend("pattern" = "^[0-9]{20}$"))
    )]
    pub sequence: String,
    /// When the log took it, RFC 3339.
    pub recordedtime: Timestamp,
    /// Whether the event is the last of its request; logs from before the first release do not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requestends: Option<bool>,
    /// The trace of its reporter that it comes from, as W3C Trace Context has it, if that was told.
    #[cfg_attr(
        any(test, feature = "schema"),
        schemars(extend("pattern" = "^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$"))
    )]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub traceparent: Option<String>,
    /// The event.
    pub data: T,
}

/// Where an envelope's event stands.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    /// Id of the ledger.
    pub ledger: &'a str,
    /// Position in its log.
    pub position: u64,
    /// When the log took it.
    pub known: Timestamp,
}

/// An event of the bus as the log it came from holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Logged {
    /// When that log took it.
    pub known: Timestamp,
    /// The event.
    pub event: Event,
    /// Whether it is the last of its request; `None` if an earlier release published it, which did not say.
    pub request_ends: Option<bool>,
}

/// A message of the bus that is no event of this version.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Not a CloudEvent with the attributes above.
    #[error("the message is no CloudEvent of this version")]
    Json(#[from] serde_json::Error),
    /// The `sequence` is no position.
    #[error("sequence '{0}' is not a position")]
    Sequence(String),
    /// The stream sequence is the position; a message that says otherwise is not the relay's.
    #[error("the message at position {delivered} says it is position {stated}")]
    Position {
        /// Where the stream has it.
        delivered: u64,
        /// What it says.
        stated: u64,
    },
    /// An entry of alerting's log of no day, or with a body of a later version.
    #[error("entry {position} of alerting's log {what}")]
    Alert {
        /// Its position.
        position: u64,
        /// What does not fit.
        what: &'static str,
    },
}

impl<T> CloudEvent<T> {
    /// The position that `sequence` names.
    ///
    /// # Errors
    /// [`Error::Sequence`] if it is no number.
    pub fn position(&self) -> Result<u64, Error> {
        self.sequence
            .parse()
            .map_err(|_| Error::Sequence(self.sequence.clone()))
    }
}

impl CloudEvent<Event> {
    /// The event, with what stands of it in the envelope alone.
    fn into_event(self) -> Event {
        let traceparent = self.traceparent.as_deref().and_then(TraceParent::parse);
        Event {
            traceparent,
            ..self.data
        }
    }
}

/// The subject under which an event comes: seven tokens of `[a-z0-9_-]`.
#[must_use]
pub fn bus_subject(ledger: &str, subject: &Subject) -> String {
    let locality = Locality(subject.locality.map(|id| id.code), WHOLE_PROGRAMME);
    format!(
        "tiendo.v1.{ledger}.{locality}.{}.{}.{}",
        subject.topic, subject.event, subject.detail
    )
}

/// The filter of the events by which another takes a ledger over.
#[must_use]
pub fn take_overs(ledger: &str) -> String {
    format!("tiendo.v1.{ledger}.{WHOLE_PROGRAMME}.ledger.taken-over.*")
}

/// The code of a locality, or what stands for none.
#[derive(Clone, Copy)]
struct Locality(Option<LocalityCode>, &'static str);

impl fmt::Display for Locality {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Some(code) => code.fmt(f),
            None => f.write_str(self.1),
        }
    }
}

/// A [`CloudEvent`] as it is written: nothing is put together before.
#[derive(Serialize)]
struct Written<'a, T> {
    specversion: &'static str,
    id: fmt::Arguments<'a>,
    source: fmt::Arguments<'a>,
    r#type: fmt::Arguments<'a>,
    subject: fmt::Arguments<'a>,
    time: fmt::Arguments<'a>,
    datacontenttype: &'static str,
    dataschema: fmt::Arguments<'a>,
    sequence: fmt::Arguments<'a>,
    recordedtime: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    requestends: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    traceparent: Option<TraceParent>,
    data: &'a T,
}

/// Topic and event, where it is, until when it speaks of, and of its request whether it ends there and what it comes from.
type Head = (
    (&'static str, &'static str),
    Option<LocalityCode>,
    Timestamp,
    (Option<bool>, Option<TraceParent>),
);

/// Writes an envelope behind what `out` holds.
fn write<T: Serialize>(
    out: &mut Vec<u8>,
    Place {
        ledger,
        position,
        known,
    }: Place<'_>,
    ((topic, event), locality, time, (requestends, traceparent)): Head,
    data: &T,
) -> Result<(), Error> {
    serde_json::to_writer(
        out,
        &Written {
            specversion: "1.0",
            id: format_args!("{ledger}:{position}"),
            source: format_args!("/tiendo/{ledger}"),
            r#type: format_args!("vn.tiendo.{topic}.{event}.v1"),
            subject: format_args!("{}", Locality(locality, WHOLE_PROGRAMME)),
            time: format_args!("{time}"),
            datacontenttype: "application/json",
            dataschema: format_args!("urn:tiendo:schema:{topic}.{event}:v1"),
            sequence: format_args!("{position:020}"),
            recordedtime: known,
            requestends,
            traceparent,
            data,
        },
    )?;
    Ok(())
}

/// An event as subscribers get it: its subject and its bytes.
///
/// `request_ends` says whether it is the last of its request.
///
/// # Errors
/// [`Error::Json`] if it cannot be written, which no event of the domain causes.
pub fn publish(
    place: Place<'_>,
    event: &Event,
    request_ends: bool,
) -> Result<(String, Vec<u8>), Error> {
    let mut bytes = Vec::new();
    let subject = publish_to(&mut bytes, place, event, request_ends)?;
    Ok((subject, bytes))
}

/// The same with its bytes behind what `out` holds, for many events in one piece of memory; gives its subject.
///
/// # Errors
/// [`Error::Json`] if it cannot be written, which no event of the domain causes.
pub fn publish_to(
    out: &mut Vec<u8>,
    place: Place<'_>,
    event: &Event,
    request_ends: bool,
) -> Result<String, Error> {
    let subject = event.body.subject();
    let head = (
        (subject.topic, subject.event),
        subject.locality.map(|id| id.code),
        event.effective.instant(),
        (Some(request_ends), event.traceparent),
    );
    write(out, place, head, event)?;
    Ok(bus_subject(place.ledger, &subject))
}

/// What an entry of alerting's log is about, as it is named on the bus.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct About<'a> {
    /// The locality, unless it is about several or none.
    pub locality: Option<LocalityCode>,
    /// The thing: an indicator, a silence, a sink; a token of `[a-z0-9_-]`.
    pub detail: &'a str,
}

/// Topic and event of an entry of alerting's log.
#[must_use]
pub fn alert_kind(body: &Body) -> (&'static str, &'static str) {
    match body {
        Body::CaseOpened(_) => ("case", "opened"),
        Body::CaseCleared(_) => ("case", "cleared"),
        Body::NotificationSent(_) => ("notification", "sent"),
        Body::CaseAcknowledged(_) => ("case", "acknowledged"),
        Body::CaseEscalated(_) => ("case", "escalated"),
        Body::SilenceSet(_) => ("silence", "set"),
        Body::SilenceEnded(_) => ("silence", "ended"),
        Body::NotificationWithheld(_) => ("notification", "withheld"),
        Body::NotificationRead(_) => ("notification", "read"),
        Body::AcknowledgementEnded(_) => ("acknowledgement", "ended"),
        Body::DeliveryRecorded(_) => ("delivery", "recorded"),
        Body::DeliveryFailed(_) => ("delivery", "failed"),
    }
}

/// An entry of alerting's log as subscribers get it: its subject and its bytes.
///
/// # Errors
/// [`Error::Alert`] if it has no body of this version or no day.
pub fn publish_alert(
    place: Place<'_>,
    about: About<'_>,
    entry: &AlertEvent,
) -> Result<(String, Vec<u8>), Error> {
    let unfit = |what| Error::Alert {
        position: place.position,
        what,
    };
    let body = entry.body.as_ref();
    let (topic, event) = alert_kind(body.ok_or_else(|| unfit("is of a later version"))?);
    let day: Date = entry.effective.parse().map_err(|_| unfit("has no day"))?;
    let token = Locality(about.locality, NO_SINGLE_PLACE);
    let (ledger, detail) = (place.ledger, about.detail);
    let subject = format!("tiendo.v1.{ledger}.{token}.{topic}.{event}.{detail}");
    let time = Moment::end_of(day).instant();
    let mut bytes = Vec::new();
    let head = ((topic, event), about.locality, time, (None, None));
    write(&mut bytes, place, head, entry)?;
    Ok((subject, bytes))
}

/// Reads an entry of alerting's log as it came from the bus; its data is read as Protocol Buffers' JSON.
///
/// Fields that this version does not know are passed over.
///
/// # Errors
/// [`Error`] if the bytes are no entry, or have no body that this version knows.
pub fn receive_alert(bytes: &[u8]) -> Result<(u64, Timestamp, AlertEvent), Error> {
    let envelope: CloudEvent<serde_json::Value> = serde_json::from_slice(bytes)?;
    let position = envelope.position()?;
    let unfit = |what| Error::Alert { position, what };
    let message = crate::mask::POOL.get_message_by_name(ALERT_EVENT);
    let message = message.ok_or_else(|| unfit("is in no contract"))?;
    let options = DeserializeOptions::new().deny_unknown_fields(false);
    let data = DynamicMessage::deserialize_with_options(message, envelope.data, &options)?;
    let entry: AlertEvent = data
        .transcode_to()
        .map_err(|_| unfit("is no entry of this version"))?;
    if entry.body.is_none() {
        return Err(unfit("is of a later version"));
    }
    Ok((position, envelope.recordedtime, entry))
}

/// Reads an event as it came from the bus.
///
/// # Errors
/// [`Error`] if the bytes are no event of this version.
pub fn receive(bytes: &[u8]) -> Result<(u64, Timestamp, Event), Error> {
    let envelope: CloudEvent<Event> = serde_json::from_slice(bytes)?;
    let position = envelope.position()?;
    Ok((position, envelope.recordedtime, envelope.into_event()))
}

/// Reads an event as it came from the bus, where the stream has it at `position`.
///
/// # Errors
/// [`Error`] if the bytes are no event of this version or say that they are another position's.
pub fn receive_at(bytes: &[u8], position: u64) -> Result<(Timestamp, Event), Error> {
    let logged = receive_logged(bytes, position)?;
    Ok((logged.known, logged.event))
}

/// Reads an event with all that the log holds of it, where the stream has it at `position`.
///
/// # Errors
/// [`Error`] if the bytes are no event of this version or say that they are another position's.
pub fn receive_logged(bytes: &[u8], position: u64) -> Result<Logged, Error> {
    let envelope: CloudEvent<Event> = serde_json::from_slice(bytes)?;
    let stated = envelope.position()?;
    if stated != position {
        let delivered = position;
        return Err(Error::Position { delivered, stated });
    }
    Ok(Logged {
        known: envelope.recordedtime,
        request_ends: envelope.requestends,
        event: envelope.into_event(),
    })
}

/// Whether the message of an event of the log and that of the stream say the same of it, although an earlier release
/// published the latter.
#[must_use]
pub fn same(log: &[u8], stream: &[u8]) -> bool {
    log == stream || is_same(log, stream).unwrap_or(false)
}

fn is_same(log: &[u8], stream: &[u8]) -> Result<bool, serde_json::Error> {
    let mut log: CloudEvent<serde_json::Value> = serde_json::from_slice(log)?;
    let mut stream: CloudEvent<serde_json::Value> = serde_json::from_slice(stream)?;
    (log.requestends, stream.requestends) = (None, None);
    if stream.traceparent.is_none() {
        log.traceparent = None;
    }
    Ok(log == stream)
}
