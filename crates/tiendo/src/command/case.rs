//! `tiendo case list`, `tiendo verdict list`, and the table that `up` prints.

use wire::v1;

use super::told;
use crate::Failure;
use crate::cli::{Case, Verdict};
use crate::client::Clients;
use crate::output::{Cell, Output, Table, text};

pub(super) async fn cases(command: Case, clients: &Clients, output: Output) -> Result<(), Failure> {
    let Case::List { all, locality } = command;
    let request = v1::ListCasesRequest {
        include_cleared: all,
        code: locality.unwrap_or_default(),
        ..Default::default()
    };
    let answer = clients
        .alerting()
        .await?
        .list_cases(request)
        .await
        .map_err(told(output))?;
    let answer = answer.into_inner();
    let head = judged_line(&answer.judged_for, answer.position, output);
    output.answer(
        "ListCasesResponse",
        &answer,
        &head,
        &case_table(&answer.cases, output),
    )
}

pub(super) async fn verdicts(
    command: Verdict,
    clients: &Clients,
    output: Output,
) -> Result<(), Failure> {
    let Verdict::List {
        locality,
        indicator,
        lagging,
    } = command;
    let request = v1::ListVerdictsRequest {
        code: locality.unwrap_or_default(),
        indicator: indicator.unwrap_or_default(),
        lagging_only: lagging,
        min_position: 0,
    };
    let answer = clients
        .alerting()
        .await?
        .list_verdicts(request)
        .await
        .map_err(told(output))?;
    let answer = answer.into_inner();
    let head = judged_line(&answer.judged_for, answer.position, output);
    output.answer(
        "ListVerdictsResponse",
        &answer,
        &head,
        &verdict_table(&answer.verdicts, output),
    )
}

/// Who is lagging, as `up` prints it once everything answers.
pub(crate) async fn lagging_table(clients: &Clients, output: Output) -> Result<String, Failure> {
    let answer = clients
        .alerting()
        .await?
        .list_cases(v1::ListCasesRequest::default())
        .await;
    let answer = answer.map_err(told(output))?.into_inner();
    let head = judged_line(&answer.judged_for, answer.position, output);
    if answer.cases.is_empty() {
        let none = output
            .lang
            .pick("Không có địa phương nào chậm.", "No locality is lagging.");
        return Ok(format!("{head}\n{none}"));
    }
    let title = output
        .lang
        .pick("Địa phương chậm tiến độ", "Lagging localities");
    Ok(format!(
        "{title}. {head}\n{}",
        case_table(&answer.cases, output).render(output.lang)
    ))
}

fn judged_line(day: &str, position: u64, output: Output) -> String {
    let (day, position) = (output.lang.date(day), output.lang.count(position));
    output.lang.pick(
        format!("Đánh giá cho ngày {day}, theo sổ ở vị trí {position}"),
        format!("Judged for {day}, at position {position}"),
    )
}

fn case_table(cases: &[v1::Case], output: Output) -> Table {
    let lang = output.lang;
    let mut table = Table::new(&[
        text("locality", "Địa phương", "Locality"),
        text("indicator", "Chỉ tiêu", "Indicator"),
        text("concern", "Lý do", "Concern"),
        text("opened", "Mở cho ngày", "Opened for"),
        text("cleared", "Đóng cho ngày", "Cleared for"),
        text("sentence", "Nội dung", "Why"),
        text("told", "Đã báo", "Told"),
    ]);
    for case in cases {
        let opened = case.opened.clone().unwrap_or_default();
        let cleared = case
            .cleared
            .as_ref()
            .map(|v| v.judged_for.clone())
            .unwrap_or_default();
        let told: Vec<&str> = case
            .notifications
            .iter()
            .map(|n| n.addressee.as_str())
            .collect();
        table.row([
            locality_cell(&opened, output),
            opened.indicator.as_str().into(),
            lang.concern(opened.concern()).into(),
            Cell::with_raw(lang.date(&opened.judged_for), &opened.judged_for),
            Cell::with_raw(lang.date(&cleared), &cleared),
            lang.name(opened.sentence.as_ref()).into(),
            told.join("; ").into(),
        ]);
    }
    table
}

fn verdict_table(verdicts: &[v1::Verdict], output: Output) -> Table {
    let lang = output.lang;
    let mut table = Table::new(&[
        text("locality", "Địa phương", "Locality"),
        text("indicator", "Chỉ tiêu", "Indicator"),
        text("layer", "Giao bởi", "Quota by"),
        text("status", "Tình trạng", "Status"),
        text("basis", "Căn cứ", "Basis"),
        text("sentence", "Nội dung", "Why"),
    ]);
    for verdict in verdicts {
        table.row([
            locality_cell(verdict, output),
            verdict.indicator.as_str().into(),
            lang.layer(verdict.layer()).into(),
            Cell::with_raw(
                lang.verdict(verdict.status()),
                verdict.status().as_str_name(),
            ),
            verdict.basis.as_str().into(),
            lang.name(verdict.sentence.as_ref()).into(),
        ]);
    }
    table
}

fn locality_cell(verdict: &v1::Verdict, output: Output) -> Cell {
    let code = verdict.locality.clone().unwrap_or_default().code;
    let name = output.lang.name(verdict.locality_name.as_ref());
    Cell::with_raw(format!("{name} ({code})"), code)
}
