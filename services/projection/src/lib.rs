//! Projection: bus → state → queries.
//!
//! It follows the ledger's stream, folds every event into [`state::State`], and answers as of any day and as known at any moment.
//! Its state is held in memory and disposable: a start takes the newest snapshot and reads the log from there on, or from position 1.
//!
//! - [`Config`], [`build`], [`Projection::run`]: the service
//! - `shared`: the state that the follower writes and the queries read
//! - `freshness`: how far what is folded lies behind the log's head
//! - `follower`: from the stream, or in bulk from the log, into the state
//! - `snapshot`: the state on the disk, so that a start need not read the whole log
//! - `verify`: the state compared with one folded anew
//! - `rebuild`: a second state that is folded while the first serves, and served if somebody says so
//! - `moment`: the two times of a question
//! - `answer`: what is on record as messages
//! - `page`: page tokens
//! - `watch`: events as they come
//! - `grpc`: `QueryService`

mod answer;
mod follower;
mod freshness;
mod grpc;
mod moment;
mod page;
mod rebuild;
mod service;
mod shared;
mod snapshot;
#[cfg(test)]
mod tests;
mod verify;
mod watch;

pub use service::{Config, Error, Projection, Snapshots, build};
pub use snapshot::Error as SnapshotError;
