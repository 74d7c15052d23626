//! `tiendo case list | acknowledge | read | watch`, `tiendo verdict list`, and the table that `up` prints; `case show` stands in `story`.

use std::path::Path;

use wire::v1;

use super::{story, told};
use crate::Failure;
use crate::cli::{Case, CaseFilter, Verdict};
use crate::client::Clients;
use crate::fail::USAGE;
use crate::output::{Format, Output, Table, code, message_json, number, text};
use crate::pages;

pub(super) async fn cases(command: Case, clients: &Clients, output: Output) -> Result<(), Failure> {
    match command {
        Case::List { which, limit, at } => {
            let request = v1::ListCasesRequest {
                as_of: at.as_of.unwrap_or_default(),
                known_at: at.known_at.unwrap_or_default(),
                ..filter(which)
            };
            list(request, limit, clients, output).await
        }
        Case::Show { case_id, at } => story::show(case_id, at, clients, output).await,
        Case::Acknowledge {
            case_id,
            until,
            note,
            office,
        } => {
            let request = v1::AcknowledgeCaseRequest {
                case_id,
                until,
                note,
                by: Some((&office).into()),
                request_id: office.request_id.unwrap_or_default(),
            };
            let answer = clients.alerting().await?.acknowledge_case(request).await;
            let answer = answer.map_err(told(output))?.into_inner();
            done(
                "AcknowledgeCaseResponse",
                &answer,
                answer.case.as_ref(),
                output,
            )
        }
        Case::Read {
            case_id,
            notification,
            office,
        } => {
            let request = v1::MarkReadRequest {
                case_id,
                notification_position: notification,
                by: Some((&office).into()),
                request_id: office.request_id.unwrap_or_default(),
            };
            let answer = clients.alerting().await?.mark_read(request).await;
            let answer = answer.map_err(told(output))?.into_inner();
            done("MarkReadResponse", &answer, answer.case.as_ref(), output)
        }
        Case::Letter {
            case_id,
            file,
            step,
        } => letter(case_id, &file, step, clients, output).await,
        Case::Watch { which } => watch(filter(which), clients, output).await,
    }
}

fn filter(which: CaseFilter) -> v1::ListCasesRequest {
    v1::ListCasesRequest {
        include_cleared: which.all,
        code: which.locality.unwrap_or_default(),
        within: which.within.unwrap_or_default(),
        indicator: which.indicator.unwrap_or_default(),
        concern: which.concern.map_or(0, i32::from),
        layer: which.layer.map_or(0, i32::from),
        step: which.step.unwrap_or_default(),
        acknowledged: which.acknowledged,
        silenced: which.silenced,
        ..Default::default()
    }
}

async fn list(
    request: v1::ListCasesRequest,
    limit: usize,
    clients: &Clients,
    output: Output,
) -> Result<(), Failure> {
    let mut client = clients.alerting().await?;
    let ask = async |request| client.list_cases(request).await;
    let answer = pages::all(request, limit, ask).await;
    let answer = answer.map_err(told(output))?;
    let more = match answer.next_page_token.as_str() {
        "" => "",
        _ => output.lang.pick(
            "\nCòn nữa; xem thêm bằng --limit",
            "\nThere are more; see them with --limit",
        ),
    };
    let judged = judged_line(&answer.judged_for, answer.position, output);
    output.answer(
        "ListCasesResponse",
        &answer,
        &format!("{judged}{more}"),
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

/// A case after something was done about it.
fn done<M: prost::Message>(
    name: &str,
    answer: &M,
    case: Option<&v1::Case>,
    output: Output,
) -> Result<(), Failure> {
    let case = case.cloned().unwrap_or_default();
    match output.format {
        Format::Table => output.text(&story::head(&case, output)),
        _ => output.answer(name, answer, "", &case_table(&[case], output)),
    }
}

/// Prints cases as they come.
async fn watch(
    request: v1::ListCasesRequest,
    clients: &Clients,
    output: Output,
) -> Result<(), Failure> {
    let request = v1::WatchCasesRequest {
        filter: Some(request),
    };
    let answer = clients.alerting().await?.watch_cases(request).await;
    let mut stream = answer.map_err(told(output))?.into_inner();
    while let Some(answer) = stream.message().await.map_err(told(output))? {
        if output.format == Format::Json {
            output.json_line(&message_json("WatchCasesResponse", &answer)?)?;
            continue;
        }
        for case in &answer.cases {
            output.text(&format!("{}\n", story::head(case, output)))?;
        }
    }
    Ok(())
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
    let mut client = clients.alerting().await?;
    let ask = async |request| client.list_cases(request).await;
    let all = pages::all(v1::ListCasesRequest::default(), usize::MAX, ask).await;
    let answer = all.map_err(told(output))?;
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

pub(super) fn judged_line(day: &str, position: u64, output: Output) -> String {
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
        code("case", "Mã vụ việc", "Case"),
        number("step", "Bước", "Step"),
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
            case.case_id.as_str().into(),
            case.step.to_string().into(),
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

pub(super) fn locality_text(verdict: &v1::Verdict, output: Output) -> String {
    let code = verdict.locality.clone().unwrap_or_default().code;
    format!(
        "{} ({code})",
        output.lang.name(verdict.locality_name.as_ref())
    )
}
