//! `tiendo case list`, `tiendo verdict list`, and the table that `up` prints.

use std::path::Path;

use wire::v1;

use super::told;
use crate::Failure;
use crate::cli::{Case, Verdict};
use crate::client::Clients;
use crate::fail::USAGE;
use crate::output::{Output, Table, code, text};

pub(super) async fn cases(command: Case, clients: &Clients, output: Output) -> Result<(), Failure> {
    let (all, locality, at) = match command {
        Case::List { all, locality, at } => (all, locality, at),
        Case::Letter {
            case_id,
            file,
            step,
        } => return letter(case_id, &file, step, clients, output).await,
    };
    let request = v1::ListCasesRequest {
        include_cleared: all,
        code: locality.unwrap_or_default(),
        as_of: at.as_of.unwrap_or_default(),
        known_at: at.known_at.unwrap_or_default(),
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

/// Writes the draft of a letter to a new file, in the form that its name ends with.
async fn letter(
    case_id: String,
    file: &Path,
    step: Option<u32>,
    clients: &Clients,
    output: Output,
) -> Result<(), Failure> {
    let ending = file.extension().and_then(|ending| ending.to_str());
    let form = match ending.map(str::to_ascii_lowercase).as_deref() {
        Some("docx") => v1::LetterForm::Docx,
        Some("html") => v1::LetterForm::Html,
        _ => {
            let shown = file.display();
            let text = output.lang.pick(
                format!("{shown}: tên tệp phải kết thúc bằng .docx hoặc .html"),
                format!("{shown}: the name of the file must end with .docx or .html"),
            );
            return Err(Failure::new(USAGE, text));
        }
    };
    let request = v1::DraftLetterRequest {
        case_id,
        step: step.unwrap_or_default(),
        form: form as i32,
    };
    let answer = clients.alerting().await?.draft_letter(request).await;
    let answer = answer.map_err(told(output))?.into_inner();
    output.file(file, &answer.document)
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
    let title = output.lang.pick(
        "Địa phương chậm hoặc thiếu báo cáo",
        "Lagging or silent localities",
    );
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

/// For people, what a case is about stands beside its sentence; a spreadsheet gets a column for each.
fn case_table(cases: &[v1::Case], output: Output) -> Table {
    let lang = output.lang;
    let mut table = Table::new(&[
        text("locality", "Địa phương", "Locality"),
        text("indicator", "Chỉ tiêu", "Indicator"),
        text("concern", "Lý do", "Concern"),
        text("opened", "Mở", "Opened"),
        text("cleared", "Đóng", "Cleared"),
        text("sentence", "Nội dung", "Why"),
        text("told", "Đã báo", "Told"),
    ]);
    let mut shown = Table::new(&[
        code("case", "Trường hợp", "Case"),
        text("sentence", "Nội dung", "Why"),
    ]);
    for case in cases {
        let opened = case.opened.clone().unwrap_or_default();
        let (place, concern) = (
            locality_text(&opened, output),
            lang.concern(opened.concern()),
        );
        let sentence = lang.name(opened.sentence.as_ref());
        let told: Vec<&str> = case
            .notifications
            .iter()
            .map(|n| n.addressee.as_str())
            .collect();
        let told = told.join("; ");
        let on = lang.date(&opened.judged_for);
        let closed = case
            .cleared
            .as_ref()
            .map(|cleared| cleared.judged_for.as_str());
        let until = closed.map_or_else(String::new, |day| format!(" – {}", lang.date(day)));
        let to = if told.is_empty() {
            String::new()
        } else {
            format!("\n→ {told}")
        };
        shown.row([
            format!("{place}\n{}\n{concern}, {on}{until}", opened.indicator).into(),
            format!("{sentence}{to}").into(),
        ]);
        let code = opened.locality.unwrap_or_default().code;
        table.row([
            code.into(),
            opened.indicator.into(),
            concern.into(),
            opened.judged_for.into(),
            closed.unwrap_or_default().into(),
            sentence.into(),
            told.into(),
        ]);
    }
    table.shown_as(shown)
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
    let mut shown = Table::new(&[
        code("verdict", "Đánh giá", "Verdict"),
        text("sentence", "Nội dung", "Why"),
    ]);
    for verdict in verdicts {
        let place = locality_text(verdict, output);
        let sentence = lang.name(verdict.sentence.as_ref());
        let status = lang.verdict(verdict.status());
        let basis = format!("{status} [{}]", verdict.basis);
        shown.row([
            format!("{place}\n{}\n{basis}", verdict.indicator).into(),
            sentence.as_str().into(),
        ]);
        table.row([
            verdict.locality.clone().unwrap_or_default().code.into(),
            verdict.indicator.as_str().into(),
            lang.layer(verdict.layer()).into(),
            verdict.status().as_str_name().into(),
            verdict.basis.as_str().into(),
            sentence.into(),
        ]);
    }
    table.shown_as(shown)
}

fn locality_text(verdict: &v1::Verdict, output: Output) -> String {
    let code = verdict.locality.clone().unwrap_or_default().code;
    format!(
        "{} ({code})",
        output.lang.name(verdict.locality_name.as_ref())
    )
}
