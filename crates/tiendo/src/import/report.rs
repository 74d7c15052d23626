//! What an import says: a summary and the problems for people, all rows for programs, the problems for spreadsheets.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use sheet::{Problem, Row};
use wire::v1;
use wire::v1::event::Body;

use crate::Failure;
use crate::lang::Lang;
use crate::output::{Format, Output, Table, number, text};

/// An event that was recorded, or would have been.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Accepted {
    /// Empty for a CSV file.
    pub(super) sheet: String,
    pub(super) row: u64,
    /// 0 if it was only validated.
    pub(super) position: u64,
    /// `reported`, `corrected`, `assigned` or `assessed`.
    kind: &'static str,
    /// Whether it was on record before.
    known: bool,
    /// Codes of what was found implausible.
    findings: Vec<String>,
    locality: String,
    indicator: String,
    effective: String,
}

impl Accepted {
    pub(super) fn of(row: &Row, event: &v1::Event, position: u64) -> Self {
        let (kind, locality, indicator) = match &event.body {
            Some(Body::ProgressReported(e)) => ("reported", &e.locality, e.indicator.as_str()),
            Some(Body::ProgressCorrected(e)) => ("corrected", &e.locality, e.indicator.as_str()),
            Some(Body::QuotaAssigned(e)) => ("assigned", &e.locality, e.indicator.as_str()),
            Some(Body::AssessmentPublished(e)) => ("assessed", &e.locality, e.indicator.as_str()),
            _ => ("", &None, ""),
        };
        let locality = locality.as_ref();
        Self {
            sheet: row.sheet.clone(),
            row: row.row,
            position,
            kind,
            known: false,
            findings: Vec::new(),
            locality: locality.map_or_else(String::new, |place| place.code.clone()),
            indicator: indicator.to_owned(),
            effective: event.effective.clone(),
        }
    }

    /// The same, on record before.
    pub(super) fn on_record(self) -> Self {
        Self {
            known: true,
            ..self
        }
    }

    /// The same, with what was found in it.
    pub(super) fn with(self, findings: &[v1::Finding]) -> Self {
        let code = |finding: &v1::Finding| {
            let name = finding.check().as_str_name();
            name.trim_start_matches("CHECK_").to_owned()
        };
        Self {
            findings: findings.iter().map(code).collect(),
            ..self
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
    /// Rows passed over, each with why.
    pub(super) skipped: Vec<Problem>,
}

impl Report {
    pub(super) fn new(records: usize, dry_run: bool) -> Self {
        Self {
            records,
            dry_run,
            accepted: Vec::new(),
            refused: Vec::new(),
            skipped: Vec::new(),
        }
    }

    /// Prints it.
    pub(super) fn print(&self, output: &Output) -> Result<(), Failure> {
        let lang = output.lang;
        match output.format {
            Format::Json => output.json(&self.json()),
            Format::Table if self.refused.is_empty() => output.text(&self.head(lang)),
            Format::Table | Format::Csv | Format::Xlsx => {
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
                "sheet": row.sheet,
                "row": row.row,
                "position": row.position,
                "kind": row.kind,
                "known": row.known,
                "findings": row.findings,
                "locality": row.locality,
                "indicator": row.indicator,
                "effective": row.effective,
            })
        };
        let told = |problem: &Problem| {
            json!({
                "sheet": problem.sheet,
                "row": problem.row,
                "column": problem.column,
                "reason": problem.reason,
                "detail": problem.detail,
            })
        };
        json!({
            "accepted": self.accepted.iter().map(accepted).collect::<Vec<_>>(),
            "refused": self.refused.iter().map(told).collect::<Vec<_>>(),
            "skipped": self.skipped.iter().map(told).collect::<Vec<_>>(),
            "repeated": self.is_repeated(),
            "dry_run": self.dry_run,
        })
    }

    /// Whether all of it was on record before.
    fn is_repeated(&self) -> bool {
        !self.accepted.is_empty() && self.accepted.iter().all(|row| row.known)
    }

    fn head(&self, lang: Lang) -> String {
        let count = |n: usize| lang.count(n as u64);
        let rows = self
            .accepted
            .iter()
            .map(|row| (row.sheet.as_str(), row.row));
        let accepted = rows.collect::<BTreeSet<_>>().len();
        let (accepted, records) = (count(accepted), count(self.records));
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
        let new = || {
            let new = self.accepted.iter().filter(|row| !row.known);
            new.map(|row| row.position)
        };
        if self.is_repeated() {
            head += lang.pick(
                "; tệp này đã được nhập trước đây",
                "; they were imported before",
            );
        } else if let (Some(first), Some(last), false) = (new().min(), new().max(), self.dry_run) {
            let (first, last) = (lang.count(first), lang.count(last));
            head += &lang.pick(
                format!(", vị trí {first} đến {last}"),
                format!(", positions {first} to {last}"),
            );
        }
        let corrected = self.accepted.iter().filter(|row| row.kind == "corrected");
        let corrected = corrected.count();
        if corrected > 0 {
            let corrected = count(corrected);
            head += &lang.pick(
                format!("; {corrected} dòng là đính chính"),
                format!("; {corrected} of them are corrections"),
            );
        }
        let doubted = self.accepted.iter().filter(|row| !row.findings.is_empty());
        let doubted = doubted.count();
        if doubted > 0 {
            let doubted = count(doubted);
            head += &lang.pick(
                format!("; {doubted} dòng có điều cần xem lại (`tiendo finding list --all`)"),
                format!("; {doubted} rows have findings (`tiendo finding list --all`)"),
            );
        }
        if !self.skipped.is_empty() {
            let skipped = count(self.skipped.len());
            head += &lang.pick(
                format!("; bỏ qua {skipped} dòng tổng hoặc lặp lại"),
                format!("; {skipped} totals or repeated rows were passed over"),
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
            text("sheet", "Trang", "Sheet"),
            number("row", "Dòng", "Row"),
            text("column", "Cột", "Column"),
            text("reason", "Mã lỗi", "Reason"),
            text("detail", "Chi tiết", "Detail"),
        ]);
        for problem in &self.refused {
            let detail = lang.pick(problem.told_in_vietnamese(), problem.detail.clone());
            table.row([
                problem.sheet.clone().into(),
                problem.row.to_string().into(),
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
    use super::*;

    #[test]
    fn a_report_names_rows_and_cells() {
        let mut report = Report::new(2, false);
        report.accepted.push(Accepted {
            sheet: String::new(),
            row: 2,
            position: 9,
            kind: "reported",
            known: false,
            findings: Vec::new(),
            locality: "268".to_owned(),
            indicator: "eid.activated".to_owned(),
            effective: "2023-06-05".to_owned(),
        });
        let violation = wire::status::FieldRefusal {
            field: String::new(),
            reason: "DATE_FORMAT".to_owned(),
            vi: "ngày không đúng".to_owned(),
            detail: "soon is not a date".to_owned(),
        };
        let problem = Problem::told(violation, "Tháng 6", 3, "Ngày");
        report.refused.push(problem);
        let json = report.json();
        assert_eq!(json["accepted"][0]["position"], 9);
        assert_eq!(json["accepted"][0]["kind"], "reported");
        assert_eq!(json["refused"][0]["column"], "Ngày");
        assert_eq!(json["refused"][0]["sheet"], "Tháng 6");
        assert_eq!(json["refused"][0]["row"], 3);
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
