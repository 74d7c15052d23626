//! Files of published figures as events: `tiendo import FILE`.
//!
//! - `sheet`: bytes to records below a header; `column`: what a header may call each column
//! - `places`: which locality a record names; `indicators`: which indicator
//! - `row`: one record as an event, or everything wrong with it
//! - `problem`: what is wrong, cell by cell; `error`: why a file cannot be read at all
//! - `run`: the command; `send`: to the service, in batches; `report`: what it says
//!
//! Everything but the last three is pure: bytes and registers in, events and problems out.
//! A record is judged by the rules of the service itself ([`wire::event::decode`]), so what is found here needs no second attempt;
//! what only the service knows (a date in the future, say) comes back from its validation and is told the same way.
//!
//! A batch is a fixed slice of the file's records, and its request id follows from the file's bytes and the slice's number.
//! So the same file imported again is recognised, and never recorded twice;
//! a slice that was recorded with other rows is refused by the service, not doubled.

mod column;
mod error;
mod indicators;
mod places;
mod problem;
mod report;
mod row;
mod run;
mod send;
mod sheet;

use sha2::{Digest as _, Sha256};
use uuid::Uuid;
use wire::v1;

pub(crate) use error::ImportError;
pub(crate) use indicators::Indicators;
pub(crate) use places::{Places, Register};
pub(crate) use problem::Problem;
pub(crate) use run::{Options, run};
pub(crate) use sheet::Sheet;

/// Largest file, in bytes.
pub(crate) const FILE_BYTES_MAX: usize = 64 * 1024 * 1024;
/// Largest record, in bytes.
pub(crate) const RECORD_BYTES_MAX: usize = 1024 * 1024;
/// Most records below the header.
pub(crate) const RECORDS_MAX: usize = 200_000;
/// Most columns.
pub(crate) const COLUMNS_MAX: usize = 256;
/// Most records in one batch; part of what makes a batch the same on every import of a file.
pub(crate) const BATCH_RECORDS_MAX: usize = 2_000;
/// Most bytes of records in one batch, unless a single record has more; a request stays below 4 MiB.
pub(crate) const BATCH_BYTES_MAX: usize = 1024 * 1024;

/// Namespace of the request ids.
const NAMESPACE: Uuid = Uuid::from_u128(0x7469_656e_646f_5d8a_9a3c_696d_706f_7274);

/// What must be known to read a file.
#[derive(Debug)]
pub(crate) struct Context<'a> {
    /// Who reports.
    pub(crate) actor: v1::Actor,
    /// The localities.
    pub(crate) register: &'a Register,
    /// The indicators.
    pub(crate) indicators: &'a Indicators,
    /// The source of figures that name none; empty if each must.
    pub(crate) default_source: String,
}

/// A record that can be recorded.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Row {
    /// Its first line in the file, from 1.
    pub(crate) line: u64,
    /// The batch it belongs to, from 0.
    pub(crate) batch: usize,
    /// A `ProgressReported` as a request message, without a request id.
    pub(crate) event: v1::Event,
}

/// Everything read out of a file, in the order of its lines.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Parsed {
    /// What can be recorded.
    pub(crate) rows: Vec<Row>,
    /// What is wrong with the rest.
    pub(crate) problems: Vec<Problem>,
}

/// Reads a CSV file of figures.
///
/// # Errors
///
/// [`ImportError`] if no record can be read; what is wrong with single records is in [`Parsed::problems`].
#[cfg(test)]
pub(crate) fn parse(bytes: &[u8], context: &Context<'_>) -> Result<Parsed, ImportError> {
    Sheet::read(bytes)?.parse(context)
}

/// The request id of a file's batch, counted from 0; the same whenever the same bytes are imported.
pub(crate) fn request_id(bytes: &[u8], batch: usize) -> Uuid {
    let mut name = Sha256::digest(bytes).to_vec();
    name.extend_from_slice(&(batch as u64).to_be_bytes());
    Uuid::new_v5(&NAMESPACE, &name)
}

#[cfg(test)]
mod tests;
