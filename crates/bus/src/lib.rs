//! JetStream: streams, relay, followers, and a local nats-server.
//!
//! `bus` knows no other room and never decodes an event: it moves bytes.
//! The log is the truth and everything here can be made again from it; see `relay` for how the
//! stream sequence comes to be the log position, and `follow` for how a reader stays current.
//!
//! - [`Access`]: where the bus is, and what lets a client in
//! - [`answer`](mod@answer): requests of others, answered over core NATS
//! - [`subject`]: the names on the bus: subjects, stream names, heartbeats
//! - [`client`]: one connection, its events, and the oldest server we speak to
//! - [`stream`]: the one stream of a ledger, created or checked
//! - [`relay`](mod@relay): from the log to the stream, in generations
//! - [`follow`](mod@follow): from the stream to a reader, in order, never silently stale
//! - [`pull`]: a stream read at a subscriber's own pace
//! - [`replay`]: the stream read once, from a position to its end
//! - [`hub`]: the stream of a national hub, read from those of many ledgers
//! - [`claim`](mod@claim): the message by which another writer takes a ledger over
//! - [`subscriber`]: durable consumers of other systems
//! - [`server`]: find, fetch, start and stop a nats-server on this machine

mod access;
pub mod answer;
mod backoff;
pub mod claim;
pub mod client;
pub mod follow;
pub mod hub;
pub mod pull;
mod push;
pub mod relay;
pub mod replay;
pub mod server;
pub mod stream;
pub mod subject;
pub mod subscriber;
mod version;

pub use access::Access;
pub use backoff::Backoff;
pub use claim::{Claim, claim};
pub use follow::{Compared, Delivery, FollowOptions, FollowStatus, Reader, follow};
pub use pull::{Pull, PullError, PullOptions};
pub use relay::{Message, Origin, RelayError, RelayOptions, RelayStatus, Trouble, relay};
pub use replay::{Replay, ReplayError};
pub use stream::StreamSpec;

/// An error of whoever uses this crate: the log that is relayed, the state that is fed.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;
