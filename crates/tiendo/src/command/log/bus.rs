//! The bus as a source of a restore: CloudEvents made into what the log held.

use bytes::Bytes;
use event_log::Record;
use event_log::restore::{Answer, BoxError, Piece, Proof, Source};
use tokio::runtime::Handle;

/// What the stream of a ledger holds.
pub(super) struct BusSource {
    replay: ::bus::Replay,
    runtime: Handle,
    name: String,
}

impl BusSource {
    /// Finds the ledger's stream; must be called, like the rest, on a thread that may block.
    pub(super) fn open(
        access: &::bus::Access,
        ledger: &str,
        runtime: &Handle,
    ) -> Result<BusSource, ::bus::ReplayError> {
        let replay = runtime.block_on(::bus::Replay::open(access, ledger))?;
        Ok(BusSource {
            replay,
            runtime: runtime.clone(),
            name: format!("the bus at {}", access.url),
        })
    }

    /// The last position that the bus has.
    pub(super) fn last(&self) -> u64 {
        self.replay.last()
    }
}

impl Source for BusSource {
    fn name(&self) -> &str {
        &self.name
    }

    fn read(&mut self, from: u64) -> Result<Answer, BoxError> {
        let first = self.replay.first();
        if from < first && first <= self.replay.last() {
            return Ok(Answer::Missing { last: first - 1 });
        }
        let messages = self.runtime.block_on(self.replay.read(from))?;
        let mut records = Vec::with_capacity(messages.len());
        let mut request_ends = None;
        for message in &messages {
            let (record, ends) = record(message)?;
            records.push(record);
            request_ends = ends;
        }
        if records.is_empty() {
            return Ok(Answer::End);
        }
        Ok(Answer::Events(Piece {
            records,
            proof: Proof::Word,
            request_ends,
        }))
    }
}

/// The event as the log held it: its encoding follows from what it says.
fn record(message: &::bus::Delivery) -> Result<(Record, Option<bool>), BoxError> {
    let position = message.position;
    let logged = wire::cloud_event::receive_logged(&message.payload, position)
        .map_err(|error| format!("message {position}: {error}"))?;
    let known_micros = logged.known.as_microsecond();
    if wire::time::of_micros(known_micros) != logged.known {
        return Err(format!("message {position}: recordedtime is finer than the log's").into());
    }
    let record = Record {
        position,
        known_micros,
        request_id: *logged.event.request_id.as_bytes(),
        subject: logged.event.body.subject().revision_key().into(),
        payload: Bytes::from(wire::event::to_bytes(&logged.event)),
    };
    Ok((record, logged.request_ends))
}
