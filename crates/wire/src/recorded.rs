//! An event with its place in the log, still encoded.
//!
//! On the wire it is the message `RecordedEvent` of the contract, whose event is written as a message; here that message
//! stays the bytes it is. So the log is passed on as it is kept, and an event is read once, by whoever looks at it.

use bytes::Bytes;
use domain::Event;
use jiff::Timestamp;

use crate::event::LogDecoder;

/// `RecordedEvent` of `proto/tiendo/v1/log.proto`.
#[derive(Clone, PartialEq, Eq, Hash, prost::Message)]
pub struct RecordedEvent {
    /// Its position, from 1.
    #[prost(uint64, tag = "1")]
    pub position: u64,
    /// When the log took it.
    #[prost(message, optional, tag = "2")]
    pub known: Option<prost_types::Timestamp>,
    /// The event, a message [`Event`](crate::v1::Event) as the log keeps it.
    #[prost(bytes = "bytes", tag = "3")]
    pub event: Bytes,
}

impl RecordedEvent {
    /// When the log took it, and what it says.
    ///
    /// # Errors
    /// A sentence saying what does not fit.
    pub fn read(&self) -> Result<(Timestamp, Event), String> {
        let (known, event) = self.parts()?;
        Ok((known, crate::event::decode_logged(event)?))
    }

    /// As [`RecordedEvent::read`], after the events in front of it.
    pub(crate) fn read_after<'d>(
        &self,
        decoder: &'d mut LogDecoder,
    ) -> Result<(Timestamp, &'d Event), String> {
        let (known, event) = self.parts()?;
        Ok((known, decoder.read(event)?))
    }

    fn parts(&self) -> Result<(Timestamp, &[u8]), String> {
        let known = self.known.as_ref().and_then(crate::time::from_wire);
        let known = known.ok_or("it has no time")?;
        if self.event.is_empty() {
            return Err("it is empty".to_owned());
        }
        Ok((known, &self.event))
    }

    /// The event as a message, without checking its fields.
    ///
    /// # Errors
    /// What prost says: the bytes are no message of this version.
    pub fn message(&self) -> Result<crate::v1::Event, prost::DecodeError> {
        crate::event::message(&self.event)
    }
}

#[cfg(test)]
mod tests {
    use prost::Message as _;

    use super::*;
    use crate::v1;

    /// `RecordedEvent` as the contract has it.
    #[derive(Clone, PartialEq, prost::Message)]
    struct InFull {
        #[prost(uint64, tag = "1")]
        position: u64,
        #[prost(message, optional, tag = "2")]
        known: Option<prost_types::Timestamp>,
        #[prost(message, optional, tag = "3")]
        event: Option<v1::Event>,
    }

    #[test]
    fn on_the_wire_it_is_the_message_of_the_contract() {
        let event = v1::Event {
            request_id: "0197f2a4-7c1e-7b6a-9d55-2a4c1f0e8b3d".to_owned(),
            effective: "2023-06-21".to_owned(),
            ..Default::default()
        };
        let known = Some(prost_types::Timestamp {
            seconds: 1_687_300_000,
            nanos: 1_000,
        });
        let in_full = InFull {
            position: 7,
            known,
            event: Some(event.clone()),
        };
        let recorded = RecordedEvent {
            position: 7,
            known,
            event: event.encode_to_vec().into(),
        };
        assert_eq!(recorded.encode_to_vec(), in_full.encode_to_vec());
        let read = RecordedEvent::decode(&*in_full.encode_to_vec()).unwrap();
        assert_eq!((&read, read.message()), (&recorded, Ok(event)));
    }
}
