//! What an import says: a summary and the problems for people, all rows for programs, the problems for spreadsheets.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use sheet::{Accepted, Problem};
use wire::v1;

use crate::Failure;
use crate::lang::Lang;
use crate::output::{Format, Output, Table, number, text};

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
                "findings": row.checks(),
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
        let new = || self.accepted.iter().filter(|row| !row.known);
        let rows_of = |rows: &mut dyn Iterator<Item = &Accepted>| {
            let rows = rows.map(|row| (row.sheet.as_str(), row.row));
            rows.collect::<BTreeSet<_>>().len()
        };
        let (recorded, records) = (count(rows_of(&mut new())), count(self.records));
        let mut head = if self.dry_run {
            lang.pick(
                format!("Chạy thử: sẽ ghi nhận {recorded} trên {records} dòng, chưa ghi gì"),
                format!("Dry run: {recorded} of {records} rows would be recorded, nothing was"),
            )
        } else {
            lang.pick(
                format!("Đã ghi nhận {recorded} trên {records} dòng"),
                format!("Recorded: {recorded} of {records} rows"),
            )
        };
        let positions = || new().map(|row| row.position);
        if let (Some(first), Some(last), false) =
            (positions().min(), positions().max(), self.dry_run)
        {
            let (first, last) = (lang.count(first), lang.count(last));
            head += &lang.pick(
                format!(", vị trí {first} đến {last}"),
                format!(", positions {first} to {last}"),
            );
        }
        let mut also = |rows: usize, vi: &str, en: &str| {
            if rows > 0 {
                let rows = count(rows);
                head += &lang.pick(format!("; {rows} dòng {vi}"), format!("; {rows} {en}"));
            }
        };
        let corrected = new().filter(|row| row.kind == "corrected").count();
        also(corrected, "trong đó là đính chính", "of them corrections");
        let doubted = rows_of(&mut new().filter(|row| !row.findings.is_empty()));
        also(
            doubted,
            "có điều cần xem lại (`tiendo finding list --all`)",
            "with findings (`tiendo finding list --all`)",
        );
        let known = rows_of(&mut self.accepted.iter().filter(|row| row.known));
        also(known, "đã có trong sổ từ trước", "on record before");
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
        assert_eq!(head, "Recorded: 1 of 2 rows, positions 9 to 9; 1 problems:");
        assert!(
            report
                .table(Lang::Vi)
                .render(Lang::Vi)
                .contains("DATE_FORMAT")
        );
    }
}
