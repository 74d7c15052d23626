//! The own log as the relay sees it: each entry a CloudEvent of the ledger `<ledger>-alerts`.

use std::sync::Arc;

use bus::{BoxError, Message};
use bytes::Bytes;
use domain::LocalityCode;
use event_log::{Log, ReadLimit, Record};
use jiff::Timestamp;
use wire::cloud_event::{About, CloudEvent, Place, publish_alert};
use wire::time::of_micros;
use wire::v1::alert_event::Body;

use crate::book;
use crate::case::CaseKey;

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

/// The locality of a subject, and its last token: the indicator of a case, a silence's id, or a sink.
fn about(body: &Body) -> Option<(Option<LocalityCode>, String)> {
    let (places, id) = match body {
        Body::SilenceSet(e) => (&e.places, &e.silence_id),
        Body::SilenceEnded(e) => (&e.places, &e.silence_id),
        Body::DeliveryRecorded(e) => return Some((None, e.sink.clone())),
        Body::DeliveryFailed(e) => return Some((None, e.sink.clone())),
        body => {
            let key = CaseKey::parse(book::case_of(body)?)?;
            return Some((Some(key.locality.code), key.indicator.token()));
        }
    };
    let single = match &places[..] {
        [place] => Some(place.locality.as_ref()?.code.parse().ok()?),
        _ => None,
    };
    Some((single, id.clone()))
}

pub(crate) fn message(ledger: &str, record: &Record) -> Result<Message, BoxError> {
    let position = record.position;
    let unfit = |what: &str| format!("entry {position} of alerting's log {what}");
    let alert = book::decode(&record.payload)?;
    let body = alert.body.as_ref();
    let body = body.ok_or_else(|| unfit("is of a later version"))?;
    let (locality, detail) =
        about(body).ok_or_else(|| unfit("names no case, no silence and no sink"))?;
    let detail = detail.as_str();
    let place = Place {
        ledger,
        position,
        known: of_micros(record.known_micros),
    };
    let (subject, payload) = publish_alert(place, About { locality, detail }, &alert)?;
    Ok(Message {
        position,
        subject,
        payload: Bytes::from(payload),
    })
}

#[cfg(test)]
mod tests {
    use prost::Message as _;
    use wire::v1;

    use super::*;

    fn subject(body: Body) -> String {
        let alert = v1::AlertEvent {
            effective: "2023-07-05".to_owned(),
            position: 7,
            body: Some(body),
        };
        let record = Record {
            position: 3,
            known_micros: 0,
            request_id: [0; 16],
            subject: "".into(),
            payload: Bytes::from(alert.encode_to_vec()),
        };
        let message = message("ha-noi-alerts", &record).unwrap();
        assert!(
            bus::subject::is_event("ha-noi-alerts", &message.subject),
            "{}",
            message.subject
        );
        message.subject
    }

    #[test]
    fn a_silence_goes_out_under_its_place_or_under_none_in_particular() {
        let place = |code: &str| v1::SilencedPlace {
            locality: Some(v1::LocalityRef {
                code: code.to_owned(),
                since: "2023-04-10".to_owned(),
            }),
            below: false,
        };
        let set = |places| {
            Body::SilenceSet(v1::SilenceSet {
                silence_id: "018f6a00-0000-4000-8000-000000000003".to_owned(),
                places,
                ..v1::SilenceSet::default()
            })
        };
        assert_eq!(
            subject(set(vec![place("268")])),
            "tiendo.v1.ha-noi-alerts.268.silence.set.018f6a00-0000-4000-8000-000000000003"
        );
        assert_eq!(
            subject(set(vec![place("268"), place("004")])),
            "tiendo.v1.ha-noi-alerts.sys.silence.set.018f6a00-0000-4000-8000-000000000003"
        );
    }

    #[test]
    fn what_is_done_about_a_case_goes_out_under_its_place_and_indicator() {
        let acknowledged = v1::CaseAcknowledged {
            case_id: "268@2023-04-10/eid.activated/central/overdue".to_owned(),
            ..v1::CaseAcknowledged::default()
        };
        assert_eq!(
            subject(Body::CaseAcknowledged(acknowledged)),
            "tiendo.v1.ha-noi-alerts.268.case.acknowledged.eid-activated"
        );
    }
}
