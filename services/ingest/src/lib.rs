//! Ingest: accept → log → relay.
//!
//! The only room that writes the ledger's log.
//! A request is parsed (all violations at once), decided against the state as committed, appended, and answered when it is durable.
//!
//! - [`Config`], [`build`], [`Ingest::run`]: the service
//! - `writer`: one task that decides and commits, request groups at a time
//! - `decide`: the rules that need to know what is on record
//! - `grpc`: `IngestService` and `LogService`
//! - `origin`: the log as the relay sees it

mod decide;
mod grpc;
mod origin;
mod pending;
mod service;
mod writer;
#[cfg(test)]
mod writer_tests;

pub use service::{Config, Error, Ingest, build};
