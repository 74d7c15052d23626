//! `tiendo locality forecast`: what the verdicts of a locality foretell, beside what it declared.

use wire::v1;

use super::case::{judged_line, locality_text};
use super::told;
use crate::Failure;
use crate::client::Clients;
use crate::output::{Cell, Output, Table, code, number, text};

pub(super) async fn run(
    locality: String,
    indicator: Option<String>,
    clients: &Clients,
    output: Output,
) -> Result<(), Failure> {
    let request = v1::ListVerdictsRequest {
        code: locality,
        indicator: indicator.unwrap_or_default(),
        ..Default::default()
    };
    let answer = clients.alerting().await?.list_verdicts(request).await;
    let answer = answer.map_err(told(output))?.into_inner();
    let judged = judged_line(&answer.judged_for, answer.position, output);
    let place = answer.verdicts.first();
    let place = place.map_or_else(String::new, |it| locality_text(it, output));
    let head = format!("{place}\n{judged}");
    let table = table(&answer.verdicts, output);
    output.answer("ListVerdictsResponse", &answer, head.trim_start(), &table)
}

fn table(verdicts: &[v1::Verdict], output: Output) -> Table {
    let lang = output.lang;
    let mut table = Table::new(&[
        code("indicator", "Chỉ tiêu", "Indicator"),
        text("layer", "Giao bởi", "Quota by"),
        text("status", "Tình trạng", "Status"),
        number("count", "Đã có", "Reached"),
        number("required", "Phải đạt", "Required"),
        text("deadline", "Hạn", "Deadline"),
        number("forecast", "Dự báo đến hạn", "Forecast by then"),
        number("forecast_low", "Thấp nhất", "Low"),
        number("forecast_high", "Cao nhất", "High"),
        number("residuals", "Sai số đã đo", "Residuals"),
        text("eta", "Dự báo xong", "Forecast done"),
        text("declared", "Địa phương hẹn xong", "Declared done"),
    ]);
    for verdict in verdicts {
        let count = |name: &str| count(verdict, name, output);
        let on = |name: &str| on(verdict, name, output);
        table.row([
            verdict.indicator.as_str().into(),
            lang.layer(verdict.layer()).into(),
            lang.verdict(verdict.status()).into(),
            count("count"),
            count("required"),
            on("deadline"),
            count("forecast"),
            count("forecast_low"),
            count("forecast_high"),
            count("residuals"),
            on("eta"),
            on("declared"),
        ]);
    }
    table
}

fn term(verdict: &v1::Verdict, name: &str) -> Option<f64> {
    let mut terms = verdict.terms.iter();
    terms.find(|term| term.name == name).map(|term| term.value)
}

/// Whole units; empty where it could not be computed.
fn count(verdict: &v1::Verdict, name: &str, output: Output) -> Cell {
    let Some(value) = term(verdict, name).filter(|value| (0.0..1e15).contains(value)) else {
        return Cell::default();
    };
    let units = value.round() as u64;
    Cell::with_raw(output.lang.count(units), units)
}

/// A day; empty where it could not be computed.
fn on(verdict: &v1::Verdict, name: &str, output: Output) -> Cell {
    let Some(day) = term(verdict, name).and_then(lag::date) else {
        return Cell::default();
    };
    Cell::with_raw(output.lang.date(&day.to_string()), day)
}
