//! What an import says: a summary and the problems for people, all rows for programs, the problems for spreadsheets.

use serde_json::{Value, json};
use wire::v1;

use super::Row;
use super::problem::Problem;
use super::row::summary;
use crate::Failure;
use crate::lang::Lang;
use crate::output::{Format, Output, Table, number, text};

/// A row that was recorded, or would have been.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Accepted {
    pub(super) line: u64,
    /// 0 if it was only validated.
    pub(super) position: u64,
    locality: String,
    indicator: String,
    effective: String,
}

impl Accepted {
    pub(super) fn of(row: &Row, position: u64) -> Self {
        let (locality, indicator, effective) = summary(&row.event);
        Self {
            line: row.line,
            position,
            locality,
            indicator,
            effective,
        }
    }
}

/// The outcome of an import.
#[derive(Debug)]
pub(super) struct Report {
    records: usize,
    dry_run: bool,
    pub(super) accepted: Vec<Accepted>,
    pub(super) refused: Vec<Problem>,
    /// Whether all of it was on record before.
    pub(super) repeated: bool,
}

impl Report {
    pub(super) fn new(records: usize, dry_run: bool) -> Self {
        Self {
            records,
            dry_run,
            accepted: Vec::new(),
            refused: Vec::new(),
            repeated: false,
        }
    }

    /// Prints it.
    pub(super) fn print(&self, output: &Output) -> Result<(), Failure> {
        let lang = output.lang;
        match output.format {
            Format::Json => output.json(&self.json()),
            Format::Table if self.refused.is_empty() => output.text(&self.head(lang)),
            Format::Table | Format::Csv => {
                let nothing = v1::RecordBatchResponse::default();
                output.answer(
                    "RecordBatchResponse",
                    &nothing,
                    &self.head(lang),
                    &self.table(lang),
                )
            }
        }
    }

    fn json(&self) -> Value {
        let accepted = |row: &Accepted| {
            json!({
                "line": row.line,
                "position": row.position,
                "locality": row.locality,
                "indicator": row.indicator,
                "effective": row.effective,
            })
        };
        let refused = |problem: &Problem| {
            json!({
                "line": problem.line,
                "column": problem.column,
                "reason": problem.reason,
                "detail": problem.detail,
            })
        };
        json!({
            "accepted": self.accepted.iter().map(accepted).collect::<Vec<_>>(),
            "refused": self.refused.iter().map(refused).collect::<Vec<_>>(),
            "repeated": self.repeated,
            "dry_run": self.dry_run,
        })
    }

    fn head(&self, lang: Lang) -> String {
        let count = |n: usize| lang.count(n as u64);
        let (accepted, records) = (count(self.accepted.len()), count(self.records));
        let mut head = if self.dry_run {
            lang.pick(
                format!("Chạy thử: sẽ ghi nhận {accepted} trên {records} dòng, chưa ghi gì"),
                format!("Dry run: {accepted} of {records} rows would be recorded, nothing was"),
            )
        } else {
            lang.pick(
                format!("Đã ghi nhận {accepted} trên {records} dòng"),
                format!("{accepted} of {records} rows are recorded"),
            )
        };
        if self.repeated {
            head += lang.pick(
                "; tệp này đã được nhập trước đây",
                "; they were imported before",
            );
        } else if let (Some(first), Some(last), false) =
            (self.accepted.first(), self.accepted.last(), self.dry_run)
        {
            let (first, last) = (lang.count(first.position), lang.count(last.position));
            head += &lang.pick(
                format!(", vị trí {first} đến {last}"),
                format!(", positions {first} to {last}"),
            );
        }
        if !self.refused.is_empty() {
            let problems = count(self.refused.len());
            head += &lang.pick(
                format!("; {problems} lỗi:"),
                format!("; {problems} problems:"),
            );
        }
        head
    }

    fn table(&self, lang: Lang) -> Table {
        let mut table = Table::new(&[
            number("line", "Dòng", "Line"),
            text("column", "Cột", "Column"),
            text("reason", "Mã lỗi", "Reason"),
            text("detail", "Chi tiết", "Detail"),
        ]);
        for problem in &self.refused {
            let detail = lang.pick(problem.told_in_vietnamese(), problem.detail.clone());
            table.row([
                problem.line.to_string().into(),
                problem.column.clone().into(),
                problem.reason.into(),
                detail.into(),
            ]);
        }
        table
    }
}

#[cfg(test)]
mod tests {
    use super::super::problem::Found;
    use super::*;

    #[test]
    fn a_report_names_rows_and_cells() {
        let mut report = Report::new(2, false);
        report.accepted.push(Accepted {
            line: 2,
            position: 9,
            locality: "268".to_owned(),
            indicator: "eid.activated".to_owned(),
            effective: "2023-06-05".to_owned(),
        });
        let found = Found::known(domain::Reason::DateFormat, "soon is not a date");
        report.refused.push(found.at(3, "Ngày"));
        let json = report.json();
        assert_eq!(json["accepted"][0]["position"], 9);
        assert_eq!(json["refused"][0]["column"], "Ngày");
        assert_eq!(json["repeated"], false);
        let head = report.head(Lang::En);
        assert_eq!(
            head,
            "1 of 2 rows are recorded, positions 9 to 9; 1 problems:"
        );
        assert!(
            report
                .table(Lang::Vi)
                .render(Lang::Vi)
                .contains("DATE_FORMAT")
        );
    }
}
