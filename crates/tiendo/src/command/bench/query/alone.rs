//! Stands for PostgreSQL where the feature `compare` is off: nobody is beside us.

use std::path::Path;
use std::time::Duration;

use super::question::{Answers, Plan, Question};
use super::recorded::Records;
use crate::Failure;
use crate::cli::BenchQuery;
use crate::fail::USAGE;
use crate::output::Output;

/// Nobody.
#[derive(Clone)]
pub(super) enum Peer {}

impl Peer {
    /// Says what is missing.
    pub(super) async fn build(
        _: &Path,
        _: &BenchQuery,
        output: Output,
    ) -> Result<(Self, Vec<f64>), Failure> {
        let text = output.lang.pick(
            "bản này được biên dịch không có `--features compare`",
            "this was built without `--features compare`",
        );
        Err(Failure::new(USAGE, text))
    }

    pub(super) fn name(&self) -> &str {
        match *self {}
    }

    pub(super) async fn connect(&self, _: &Plan) -> Result<Self, Failure> {
        match *self {}
    }

    pub(super) async fn recorder(&self, _: &Plan) -> Result<Self, Failure> {
        match *self {}
    }
}

impl Records for Peer {
    async fn record_and_read(&mut self, _: u64) -> Result<[Duration; 2], Failure> {
        match *self {}
    }
}

impl Answers for Peer {
    async fn answer(&mut self, _: Question, _: u64) -> Result<u64, Failure> {
        match *self {}
    }
}
