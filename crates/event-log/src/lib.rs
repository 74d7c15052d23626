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
//! - `journal`: where a commit becomes durable (read its essay first)
//! - `tail`: the newest events in memory, for readers near the head
//! - `settler`: the background step that takes full halves of the journal into the store, and compaction
//! - `storage`: sled, and what happens on a full disk (its essay says what lies where)
//! - `blocks`: what can be made again from the log, kept beside it ([`Blocks`])
//! - `chunk`: the bytes of one stored chunk, format version 1
//! - `index`, `index_file`: request ids and subject revisions, in memory and on disk
//! - `recovery`: opening, and what a crash left behind
//! - `reader`: reads from the tail and the store
//! - `verify`: the walk that checks everything
//! - `builder`: [`Builder`], a fresh log from records
//! - [`archive`]: a backup of a log in one file, format version 1
//! - [`restore`]: one log out of several sources, in order of trust
//! - [`salvage`]: what is healthy in the files of a damaged log, found without sled
//! - `tree`: the RFC 6962 tree over the events, its proofs, and how they are checked
//! - `proof`: what the log shows about itself: [`Inclusion`], and the log's functions around it
//! - `checkpoint`: signed tree heads ([`Checkpoint`]), the key that signs them, and those that were signed
//! - `erasable`: attributes beside the log that can be erased ([`Attribute`])
//! - `error`: [`Error`]
//! - `fuzzing`: what fuzzers feed; only with the feature of that name

pub mod archive;
mod blocks;
mod builder;
mod checkpoint;
mod chunk;
mod committer;
mod erasable;
mod error;
#[doc(hidden)]
#[cfg(any(test, feature = "fuzzing"))]
pub mod fuzzing;
mod index;
mod index_file;
mod journal;
mod log;
mod proof;
#[cfg(test)]
mod publish_tests;
mod reader;
mod recovery;
pub mod restore;
pub mod salvage;
mod settler;
mod storage;
mod tail;
mod tree;
mod types;
mod unsynced;
mod verify;

pub use blocks::{BLOCK_BYTES_MAX, Blocks};
pub use builder::Builder;
pub use checkpoint::{Checkpoint, replace_file};
pub use erasable::Attribute;
pub use error::Error;
pub use log::Log;
pub use proof::Inclusion;
pub use tree::{verify_consistency, verify_inclusion};
pub use types::{
    Append, Compaction, Damage, NewEvent, Now, Options, ReadLimit, Receipt, Record, RecordRef,
    Statistics, Taken, Verification, limits,
};
