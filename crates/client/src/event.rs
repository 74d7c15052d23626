//! An event as a subscriber gets it.

use bytes::Bytes;
use jiff::Timestamp;
use serde::Deserialize;
use wire::cloud_event::CloudEvent;

/// One event of a ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Its position in the ledger's log, from 1.
    pub position: u64,
    /// Whose it is: `/tiendo/<ledger>`.
    pub source: String,
    /// `<ledger>:<position>`; the same event always has the same one.
    pub id: String,
    /// The subject under which it is on the bus.
    pub subject: String,
    /// The CloudEvent's type: `vn.tiendo.<topic>.<event>.v1`.
    pub kind: String,
    /// Code of the locality, or `vn`: the CloudEvent's own `subject`.
    pub locality: String,
    /// End of the moment that it speaks of, RFC 3339.
    pub time: String,
    /// When the log took it.
    pub recorded: Timestamp,
    /// The request that brought it; empty in alerts.
    pub request: String,
    /// The trace of its reporter that it comes from, as W3C Trace Context has it, if that was told.
    pub traceparent: Option<String>,
    /// The CloudEvent, byte by byte as it is published.
    pub payload: Bytes,
}

/// What is looked at of what happened.
#[derive(Deserialize)]
struct Said {
    #[serde(rename = "requestId", default)]
    request: String,
}

impl Event {
    /// Reads a message of the bus.
    pub(crate) fn read(subject: String, payload: Bytes) -> Result<Self, String> {
        let envelope: CloudEvent<Said> =
            serde_json::from_slice(&payload).map_err(|error| error.to_string())?;
        let position = envelope.position().map_err(|error| error.to_string())?;
        let ledger = envelope.source.strip_prefix("/tiendo/");
        let ledger = ledger.filter(|ledger| bus::subject::is_token(ledger));
        let ledger = ledger.ok_or_else(|| format!("`{}` is no source", envelope.source))?;
        if position == 0 || envelope.id != format!("{ledger}:{position}") {
            return Err(format!(
                "`{}` is not the id of position {position}",
                envelope.id
            ));
        }
        Ok(Self {
            position,
            subject,
            id: envelope.id,
            kind: envelope.r#type,
            locality: envelope.subject,
            time: envelope.time,
            recorded: envelope.recordedtime,
            request: envelope.data.request,
            traceparent: envelope.traceparent,
            source: envelope.source,
            payload,
        })
    }

    /// The whole CloudEvent.
    ///
    /// # Errors
    /// None for an event of a [`crate::Subscription`], whose payload was read once already.
    pub fn json(&self) -> Result<serde_json::Value, serde_json::Error> {
        serde_json::from_slice(&self.payload)
    }

    /// What happened: the CloudEvent's `data`.
    ///
    /// # Errors
    /// As [`Event::json`].
    pub fn data(&self) -> Result<serde_json::Value, serde_json::Error> {
        let envelope: CloudEvent<serde_json::Value> = serde_json::from_slice(&self.payload)?;
        Ok(envelope.data)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_published_is_read_and_nothing_else() {
        let example = include_bytes!("../../../docs/bus/examples/progress.reported.json");
        let read = |bytes: Vec<u8>| Event::read("x".to_owned(), bytes.into());
        let event = read(example.to_vec()).unwrap();
        assert_eq!(event.kind, "vn.tiendo.progress.reported.v1");
        assert_eq!(event.id, format!("khanh-hoa:{}", event.position));
        assert!(event.data().unwrap()["progressReported"].is_object());
        assert_eq!(event.data().unwrap()["requestId"], event.request);
        assert_eq!(event.json().unwrap()["id"], event.id);
        assert_eq!(
            event.traceparent.as_deref(),
            event.json().unwrap()["traceparent"].as_str()
        );
        assert!(event.traceparent.is_some());
        let text = String::from_utf8(example.to_vec()).unwrap();
        for (of, with) in [
            (event.id.as_str(), "khanh-hoa:1"),
            ("\"/tiendo/khanh-hoa\"", "\"/other/khanh-hoa\""),
            ("\"/tiendo/khanh-hoa\"", "\"/tiendo/Khanh\""),
            ("\"recordedtime\"", "\"recorded\""),
        ] {
            assert!(text.contains(of), "{of} is not in {text}");
            assert!(read(text.replace(of, with).into_bytes()).is_err(), "{with}");
        }
        assert!(read(b"{}".to_vec()).is_err());
        assert!(read(Vec::new()).is_err());
    }
}
