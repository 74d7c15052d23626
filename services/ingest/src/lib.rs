//! Ingest: accept → log → relay.
//!
//! The only room that writes the ledger's log.
//! A request is parsed (all violations at once), decided against the state as committed, appended, and answered when it is durable.
//!
//! - [`Config`], [`build`], [`Ingest::run`]: the service
//! - `intake`: room in the queue, and what can be told of a request without the record
//! - `writer`: one task that decides and commits, request groups at a time
//! - `decide`: the rules that need to know what is on record
//! - `grpc`, `stream`: `IngestService`
//! - `over_nats`: the same calls as requests over NATS
//! - `import`: files of figures, read with the crate `sheet` and recorded like any other request
//! - `log_api`, `log_read`: `LogService`; [`verification`], its answer where no service is asked
//! - `persons`: names of persons appointed, which are kept beside the log and can be erased
//! - `attributes`: those names on the wire
//! - `proofs`: checkpoints and proofs on the wire
//! - `origin`: the log as the relay sees it
//! - `standing`: who writes, and what an acknowledgement may say
//! - `standby`: a log that follows, and how it takes over
//! - `fence`: who took over from this writer, and what the ledger lacks of its log
//! - `lag`: how far the bus is behind the log
//! - `trace`: the trace of its caller that a request comes from

mod attributes;
mod decide;
mod fence;
mod grpc;
mod import;
mod intake;
mod lag;
#[cfg(test)]
mod lag_tests;
#[cfg(test)]
mod laws_commands_tests;
#[cfg(test)]
mod laws_tests;
mod log_api;
mod log_read;
mod origin;
#[cfg(test)]
mod origin_tests;
mod over_nats;
mod overlay;
mod pending;
mod persons;
mod plausibility;
#[cfg(test)]
mod plausibility_tests;
mod proofs;
mod recognise;
mod service;
mod settle;
mod standby;
mod standing;
mod stream;
#[cfg(test)]
mod stream_tests;
mod trace;
mod writer;
#[cfg(test)]
mod writer_tests;

pub use log_api::verification;
pub use service::{Config, Error, Ingest, build};
