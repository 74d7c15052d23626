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
//!
//! Together with `data`, which names the request, this is all that the log holds of an event, so that the log can be
//! restored from the bus.
//! A request is recorded whole or not at all; without `requestends` nobody could tell whether the bus has the whole of
//! the last one.

use domain::Event;
use domain::event::Subject;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// The locality token of an event that is about the whole programme.
const WHOLE_PROGRAMME: &str = "vn";

/// An envelope around the data of one event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CloudEvent<T> {
    /// Always `1.0`.
    pub specversion: String,
    /// `<ledger>:<position>`; the same event always has the same id.
    pub id: String,
    /// `/tiendo/<ledger>`.
    pub source: String,
    /// `vn.tiendo.<topic>.<event>.v1`.
    pub r#type: String,
    /// Code of the locality, or `vn`.
    pub subject: String,
    /// End of the moment the event speaks of, RFC 3339.
    pub time: String,
    /// Always `application/json`.
    pub datacontenttype: String,
    /// Name of the schema of `data`.
    pub dataschema: String,
    /// The position, zero-padded to 20 digits.
    pub sequence: String,
    /// When the log took it, RFC 3339.
    pub recordedtime: Timestamp,
    /// Whether the event is the last of its request; releases before 0.2 did not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requestends: Option<bool>,
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
}

impl<T> CloudEvent<T> {
    /// An envelope; `topic`, `event` and `locality` name its type and subject, `time` is RFC 3339.
    pub fn new(
        place: Place<'_>,
        topic: &str,
        event: &str,
        locality: Option<String>,
        time: String,
        data: T,
    ) -> Self {
        Self {
            specversion: "1.0".to_owned(),
            id: format!("{}:{}", place.ledger, place.position),
            source: format!("/tiendo/{}", place.ledger),
            r#type: format!("vn.tiendo.{topic}.{event}.v1"),
            subject: locality.unwrap_or_else(|| WHOLE_PROGRAMME.to_owned()),
            time,
            datacontenttype: "application/json".to_owned(),
            dataschema: format!("urn:tiendo:schema:{topic}.{event}:v1"),
            sequence: format!("{:020}", place.position),
            recordedtime: place.known,
            requestends: None,
            data,
        }
    }

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

/// The subject under which an event comes: seven tokens of `[a-z0-9_-]`.
#[must_use]
pub fn bus_subject(ledger: &str, subject: &Subject) -> String {
    let locality = subject.locality.map(|id| id.code.to_string());
    let locality = locality.as_deref().unwrap_or(WHOLE_PROGRAMME);
    format!(
        "tiendo.v1.{ledger}.{locality}.{}.{}.{}",
        subject.topic, subject.event, subject.detail
    )
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
    let subject = event.body.subject();
    let mut envelope = CloudEvent::new(
        place,
        subject.topic,
        subject.event,
        subject.locality.map(|id| id.code.to_string()),
        event.effective.instant().to_string(),
        event,
    );
    envelope.requestends = Some(request_ends);
    Ok((
        bus_subject(place.ledger, &subject),
        serde_json::to_vec(&envelope)?,
    ))
}

/// Reads an event as it came from the bus.
///
/// # Errors
/// [`Error`] if the bytes are no event of this version.
pub fn receive(bytes: &[u8]) -> Result<(u64, Timestamp, Event), Error> {
    let envelope: CloudEvent<Event> = serde_json::from_slice(bytes)?;
    Ok((envelope.position()?, envelope.recordedtime, envelope.data))
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
        event: envelope.data,
        request_ends: envelope.requestends,
    })
}

/// Whether two messages say the same of the same event, although an earlier release published one of them.
#[must_use]
pub fn same(one: &[u8], other: &[u8]) -> bool {
    let plain = |bytes| {
        let mut envelope: CloudEvent<serde_json::Value> = serde_json::from_slice(bytes).ok()?;
        envelope.requestends = None;
        Some(envelope)
    };
    one == other || plain(one).is_some_and(|one| plain(other) == Some(one))
}
