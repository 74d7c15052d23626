//! The own log as the relay sees it: each entry a CloudEvent of the ledger `<ledger>-alerts`.

use std::sync::Arc;

use bus::{BoxError, Message};
use bytes::Bytes;
use domain::text::Moment;
use domain::{IndicatorCode, LocalityCode};
use event_log::{Log, ReadLimit, Record};
use jiff::Timestamp;
use jiff::civil::Date;
use wire::cloud_event::{CloudEvent, Place};
use wire::time::of_micros;
use wire::v1::alert_event::Body;

use crate::book;

/// Bytes of payload read from the log at once.
const READ_BYTES_MAX: usize = 1024 * 1024;

/// Makes CloudEvents of what alerting's log holds.
pub(crate) struct AlertOrigin {
    pub(crate) log: Log,
    /// Id of the alerts' own ledger.
    pub(crate) ledger: Arc<str>,
}

impl bus::Origin for AlertOrigin {
    fn head(&self) -> tokio::sync::watch::Receiver<u64> {
        self.log.watch_head()
    }

    fn messages(&self, from: u64, max: usize) -> Result<Vec<Message>, BoxError> {
        let records = self.log.read(
            from,
            ReadLimit {
                events: max,
                bytes: READ_BYTES_MAX,
            },
        )?;
        records
            .iter()
            .map(|record| message(&self.ledger, record))
            .collect()
    }

    /// The same but for when it was recorded: a log that was deleted and rebuilt says the same things at later times.
    fn same(&self, log: &Message, stream: &Message) -> bool {
        let place = |message: &Message| (message.position, message.subject.clone());
        log == stream
            || (place(log) == place(stream)
                && timeless(log).is_some_and(|log| timeless(stream) == Some(log)))
    }
}

/// A message's envelope without the time at which it was recorded; none if it has none.
fn timeless(message: &Message) -> Option<CloudEvent<serde_json::Value>> {
    let mut envelope: CloudEvent<_> = serde_json::from_slice(&message.payload).ok()?;
    envelope.recordedtime = Timestamp::UNIX_EPOCH;
    Some(envelope)
}

fn message(ledger: &str, record: &Record) -> Result<Message, BoxError> {
    let position = record.position;
    let unfit = |what: &str| format!("entry {position} of alerting's log {what}");
    let alert = book::decode(&record.payload)?;
    let (topic, event) = match &alert.body {
        Some(Body::CaseOpened(_)) => ("case", "opened"),
        Some(Body::CaseCleared(_)) => ("case", "cleared"),
        Some(Body::NotificationSent(_)) => ("notification", "sent"),
        None => return Err(unfit("is of a later version").into()),
    };
    let (_, verdict) = book::about(&alert).ok_or_else(|| unfit("has no verdict"))?;
    let code = verdict
        .locality
        .as_ref()
        .map(|locality| locality.code.as_str());
    let code: LocalityCode = code.ok_or_else(|| unfit("names no locality"))?.parse()?;
    let indicator: IndicatorCode = verdict.indicator.parse()?;
    let day: Date = verdict.judged_for.parse()?;
    let place = Place {
        ledger,
        position,
        known: of_micros(record.known_micros),
    };
    let time = Moment::end_of(day).instant().to_string();
    let subject = format!(
        "tiendo.v1.{ledger}.{code}.{topic}.{event}.{}",
        indicator.token()
    );
    let envelope = CloudEvent::new(place, topic, event, Some(code.to_string()), time, alert);
    Ok(Message {
        position,
        subject,
        payload: Bytes::from(serde_json::to_vec(&envelope)?),
    })
}
