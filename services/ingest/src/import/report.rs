//! What an import tells at its end: every row and cell, then the summary.

use prost::Message;
use sheet::{Accepted, Problem};
use wire::v1;
use wire::v1::import_file_response::Part;

/// Rows or problems of one message at most.
const ROWS_MAX: usize = 500;
/// Bytes of one message beyond which it ends; a client takes 4 MiB unless told otherwise.
const PIECE_BYTES: usize = 1024 * 1024;

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
fn pieces<T, U: Message>(told: Vec<T>, tell: fn(T) -> U) -> impl Iterator<Item = Vec<U>> {
    let mut told = told.into_iter();
    std::iter::from_fn(move || {
        let (mut piece, mut bytes) = (Vec::new(), 0);
        while piece.len() < ROWS_MAX && bytes < PIECE_BYTES {
            let Some(next) = told.next().map(tell) else {
                break;
            };
            bytes += next.encoded_len();
            piece.push(next);
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn of(rows: Vec<u64>, detail: &'static str) -> Vec<Vec<u64>> {
        let told = rows.into_iter().map(|row| (row, detail)).collect();
        let tell = |(row, detail): (u64, &str)| v1::FileProblem {
            row,
            detail: detail.to_owned(),
            ..Default::default()
        };
        let rows = |piece: Vec<v1::FileProblem>| piece.iter().map(|one| one.row).collect();
        pieces(told, tell).map(rows).collect()
    }

    #[test]
    fn rows_are_told_in_order_and_some_hundred_at_once() {
        let pieces = of((1..=501).collect(), "");
        assert_eq!(pieces, [(1..=500).collect(), vec![501]]);
        assert!(of(Vec::new(), "").is_empty(), "no message without a row");
    }

    #[test]
    fn a_message_of_long_rows_stays_below_what_a_client_takes() {
        let detail: &str = "x".repeat(400 * 1024).leak();
        assert_eq!(of(vec![1, 2, 3, 4], detail), [vec![1, 2, 3], vec![4]]);
    }
}
