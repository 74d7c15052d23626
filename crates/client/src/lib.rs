//! A subscriber's way through a ledger: every event once and in order, wherever it begins.
//!
//! The log has everything; the stream of the bus has the newest, and brings it at once.
//! A [`Subscription`] reads the log over gRPC until it meets the stream, and goes on there.
//! In the stream of a ledger the sequence *is* the position, so there is one way to switch over: after position `p` a
//! consumer begins at sequence `p + 1`, and what comes at `p` or below is dropped.
//! If the stream no longer holds `p + 1`, the log is read again, up to its head, and the switch is tried anew.
//! At each switch the event at `p` is held against what was read there: positions are used again where a log was
//! restored from an older copy, or another took it over, and that is told ([`Error::Forked`]).
//!
//! - [`Options`], [`Feed`], [`Start`]: what to read, from where
//! - [`filter`]: subjects, and whether they are any
//! - [`Subscription`]: the way itself
//! - [`Event`]: what comes
//! - [`Checkpoint`]: what to keep with your own data, and to begin from next time
//! - [`Error`]: what a person must look at, by name
//! - `log`: from the log
//! - `stream`: from the stream
//! - `reader`: from the one to the other, step by step
//!
//! ```no_run
//! # use client::{Checkpoint, Options, Start, Subscription, filter};
//! # fn keep(_: Checkpoint) {}
//! # async fn doc() -> Result<(), Box<dyn std::error::Error>> {
//! let mut options = Options::ledger("khanh-hoa", "nats://127.0.0.1:4222");
//! options.log = Some("http://127.0.0.1:7061".to_owned());
//! options.start = Start::Position(1); // or a time, a checkpoint that you kept, what comes from now on
//! options.filters = vec![filter::locality("khanh-hoa", "268")];
//! let mut subscription = Subscription::open(options).await?;
//! loop {
//!     let event = subscription.next().await?; // once and in order, from the log or the stream
//!     println!("{} {} {}", event.position, event.kind, event.data()?);
//!     keep(subscription.checkpoint()); // with your own data
//! }
//! # }
//! ```

pub use bus::Access;

mod checkpoint;
mod error;
mod event;
pub mod filter;
mod log;
mod options;
mod reader;
mod stream;
mod subscription;

pub use checkpoint::{Checkpoint, Place};
pub use error::Error;
pub use event::Event;
pub use options::{Feed, Options, Start};
pub use subscription::{Status, Subscription};
