//! What an import tells at its end: every row and cell, then the summary.

use sheet::{Accepted, Problem};
use wire::v1;
use wire::v1::import_file_response::Part;

/// Rows or problems of one message.
const ROWS_MAX: usize = 500;

/// The outcome of an import.
#[derive(Debug)]
pub(super) struct Report {
    /// Records below the headers.
    pub(super) records: usize,
    pub(super) dry_run: bool,
    pub(super) accepted: Vec<Accepted>,
    pub(super) refused: Vec<Problem>,
    /// Rows passed over, each with why.
    pub(super) skipped: Vec<Problem>,
}

impl Report {
    /// As answers, the summary last.
    pub(super) fn into_answers(self) -> impl Iterator<Item = v1::ImportFileResponse> + Send {
        let known = self.accepted.iter().filter(|row| row.known).count();
        let summary = v1::ImportSummary {
            records: self.records as u64,
            accepted: self.accepted.len() as u64,
            known: known as u64,
            refused: self.refused.len() as u64,
            skipped: self.skipped.len() as u64,
            dry_run: self.dry_run,
        };
        let accepted =
            pieces(self.accepted, imported).map(|rows| Part::Accepted(v1::ImportedRows { rows }));
        let refused = pieces(self.refused, problem)
            .map(|problems| Part::Refused(v1::FileProblems { problems }));
        let skipped = pieces(self.skipped, problem)
            .map(|problems| Part::Skipped(v1::FileProblems { problems }));
        accepted
            .chain(refused)
            .chain(skipped)
            .chain([Part::Summary(summary)])
            .map(|part| v1::ImportFileResponse { part: Some(part) })
    }
}

/// Told some hundred at once: a message for each row costs a client more than the import.
fn pieces<T, U>(told: Vec<T>, tell: fn(T) -> U) -> impl Iterator<Item = Vec<U>> {
    let mut told = told.into_iter();
    std::iter::from_fn(move || {
        let piece: Vec<U> = told.by_ref().take(ROWS_MAX).map(tell).collect();
        (!piece.is_empty()).then_some(piece)
    })
}

fn imported(row: Accepted) -> v1::ImportedRow {
    v1::ImportedRow {
        sheet: row.sheet,
        row: row.row,
        position: row.position,
        kind: row.kind.to_owned(),
        known: row.known,
        findings: row.findings,
        locality: row.locality,
        indicator: row.indicator,
        effective: row.effective,
    }
}

fn problem(problem: Problem) -> v1::FileProblem {
    v1::FileProblem {
        detail_vi: problem.told_in_vietnamese(),
        sheet: problem.sheet,
        row: problem.row,
        column: problem.column,
        reason: problem.reason.to_owned(),
        detail: problem.detail,
    }
}
