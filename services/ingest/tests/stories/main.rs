//! Stories over gRPC, with ingest in this process.

#[cfg(test)]
mod common;
#[cfg(test)]
mod import;
#[cfg(test)]
mod ledger;
#[cfg(test)]
mod stream;
