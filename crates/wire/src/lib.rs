//! The contract on the wire: protobuf, CloudEvents and reasons.
//!
//! - [`v1`]: messages and services generated from `proto/tiendo/v1`
//! - [`event`]: the programme's events to protobuf and back, collecting every violation
//! - [`cloud_event`]: what subscribers get on the bus, and the subjects it comes under
//! - `contract`: what subscribers may rest on, as schemas, an AsyncAPI document and examples; only with the feature `schema`
//! - [`deadline`]: how long a question may wait, and what it is refused with after that
//! - `fuzzing`: what fuzzers feed; only with the feature of that name
//! - [`lineage`]: whether the log, or the stream, is the one that was folded
//! - [`log_reader`]: reads the log over gRPC in bulk
//! - [`mask`]: which parts of an answer a caller wants
//! - [`message`]: messages of the contract in the JSON form of Protocol Buffers
//! - `recorded`: an event with its place in the log, still encoded
//! - [`status`]: refusals as gRPC statuses with reasons, and back for clients
//! - [`time`]: instants as protobuf timestamps

pub mod cloud_event;
#[cfg(any(test, feature = "schema"))]
pub mod contract;
pub mod deadline;
pub mod event;
#[cfg(any(test, feature = "fuzzing"))]
pub mod fuzzing;
mod json;
pub mod lineage;
pub mod log_reader;
pub mod mask;
pub mod message;
mod recorded;
pub mod status;
pub mod time;

/// Messages and services generated from `proto/tiendo/v1`; documented there.
#[expect(
    clippy::allow_attributes,
    clippy::allow_attributes_without_reason,
    reason = "generated"
)]
pub mod v1 {
    tonic::include_proto!("tiendo.v1");

    pub use crate::recorded::RecordedEvent;
}

/// Descriptors of the contract, for reflection.
pub const DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin"));
