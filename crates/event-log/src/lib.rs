//! The append-only log: bytes in, positions out.
//!
//! Whoever appends gets a dense position (1, 2, 3 …) once the bytes are synced to the disk, and never before.
//! This room decodes no event, knows no other room and reads no wall clock: the time comes from [`Now`].
//!
//! Layout:
//!
//! - `log`: [`Log`], what the rest of the system calls; the one place where the parts meet
//! - `types`: what goes in ([`Append`]), what comes out ([`Receipt`], [`Record`]), and every [`limits`] value
//! - `committer`: the single writer; takes what waits, decides each request, commits once, answers all
//! - `index`: request ids and subject revisions in memory, rebuilt from the chunks
//! - `reader`: reads from a position, and the walk that verifies everything
//! - `storage`: sled, durability, and what happens after a crash or on a full disk (read its essay first)
//! - `chunk`: the bytes of one stored chunk, format version 1
//! - `error`: [`Error`]

mod chunk;
mod committer;
mod error;
mod index;
mod log;
mod reader;
mod storage;
mod types;

pub use error::Error;
pub use log::Log;
pub use types::{
    Append, Damage, NewEvent, Now, Options, ReadLimit, Receipt, Record, Statistics, Verification,
    limits,
};
