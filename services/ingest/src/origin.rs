//! The log as the relay sees it, and its records as events.

use std::sync::Arc;

use bus::{BoxError, Message};
use bytes::Bytes;
use domain::Event;
use event_log::{Log, ReadLimit, Record};
use wire::cloud_event::{self, Place};
use wire::time::of_micros;

/// Bytes of payload read from the log at once.
const READ_BYTES_MAX: usize = 1024 * 1024;

/// The event in a record.
pub(crate) fn decode(record: &Record) -> Result<Event, event_log::Error> {
    wire::event::decode_logged(&record.payload).map_err(|reason| event_log::Error::Damaged {
        first: record.position,
        last: record.position,
        reason,
    })
}

/// Makes CloudEvents of what the log holds.
pub(crate) struct LogOrigin {
    pub(crate) log: Log,
    pub(crate) ledger: Arc<str>,
}

impl bus::Origin for LogOrigin {
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
            .map(|record| {
                let event = decode(record)?;
                let place = Place {
                    ledger: &self.ledger,
                    position: record.position,
                    known: of_micros(record.known_micros),
                };
                let (subject, payload) = cloud_event::publish(place, &event)?;
                Ok(Message {
                    position: record.position,
                    subject,
                    payload: Bytes::from(payload),
                })
            })
            .collect()
    }
}
