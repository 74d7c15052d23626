//! `tiendo finding list`.

use wire::v1;

use super::{at_line, read_at, told};
use crate::Failure;
use crate::cli::FindingList;
use crate::client::Clients;
use crate::output::{Cell, Output, Table, code, number, text};
use crate::pages;

pub(super) async fn list(
    wanted: FindingList,
    clients: &Clients,
    output: Output,
) -> Result<(), Failure> {
    let request = v1::ListFindingsRequest {
        code: wanted.code.unwrap_or_default(),
        open_only: !wanted.all,
        at: read_at(wanted.at),
        ..Default::default()
    };
    let mut client = clients.query().await?;
    let ask = async |r| client.list_findings(r).await;
    let all = pages::all(request, wanted.limit, ask).await;
    let all = all.map_err(told(output))?;
    let more = match all.next_page_token.as_str() {
        "" => "",
        _ => output.lang.pick(
            "\nCòn nữa; xem thêm bằng --limit",
            "\nThere are more; see them with --limit",
        ),
    };
    let head = format!("{}{more}", at_line(all.at.as_ref(), output));
    let table = table(&all.findings, output);
    output.answer("ListFindingsResponse", &all, &head, &table)
}

fn table(findings: &[v1::LocalityFinding], output: Output) -> Table {
    let lang = output.lang;
    let mut table = Table::new(&[
        number("position", "Vị trí trong sổ", "Position"),
        code("locality", "Mã địa phương", "Locality"),
        text("name", "Địa phương", "Name"),
        code("about", "Chỉ tiêu, nhiệm vụ", "Indicator, work item"),
        code("effective", "Tính đến", "Effective"),
        code("check", "Kiểm tra", "Check"),
        text("severity", "Mức độ", "Severity"),
        text("state", "Tình trạng", "State"),
        text("detail", "Chi tiết", "Detail"),
        number("against", "So với vị trí", "Held against"),
        text("reporter", "Đơn vị báo cáo", "Reporter"),
    ]);
    let mut shown = Table::new(&[
        number("position", "Vị trí", "Position"),
        code("about", "Số liệu, nhiệm vụ", "Figure, work item"),
        text("found", "Phát hiện", "Found"),
        text("state", "Tình trạng", "State"),
    ]);
    for entry in findings {
        let on_record = entry.finding.clone().unwrap_or_default();
        let found = on_record.finding.clone().unwrap_or_default();
        let head = entry.locality.clone().unwrap_or_default();
        let place = head.r#ref.unwrap_or_default().code;
        let name = lang.name(head.name.as_ref());
        let recorded = entry.recorded.clone().unwrap_or_default();
        let about = match entry.indicator.as_str() {
            "" => entry.work_item.as_str(),
            indicator => indicator,
        };
        shown.row([
            lang.count(recorded.position).into(),
            format!(
                "{name} ({place})\n{about}\n{}",
                lang.moment(&entry.effective)
            )
            .into(),
            format!("{}\n{}", check_text(found.check(), output), found.detail).into(),
            state(&on_record, output).into(),
        ]);
        let against = match found.position {
            0 => String::new(),
            position => position.to_string(),
        };
        table.row([
            recorded.position.to_string().into(),
            place.into(),
            name.into(),
            about.into(),
            entry.effective.as_str().into(),
            Cell::with_raw(lang.check(found.check()), check_code(found.check())),
            Cell::with_raw(
                lang.severity(found.severity()),
                raw_severity(found.severity()),
            ),
            Cell::with_raw(state(&on_record, output), raw_state(on_record.state())),
            found.detail.into(),
            against.into(),
            recorded.actor.unwrap_or_default().organisation.into(),
        ]);
    }
    table.shown_as(shown)
}

/// What became of a finding, with who answered what.
fn state(finding: &v1::FindingOnRecord, output: Output) -> String {
    let lang = output.lang;
    let severity = finding.finding.clone().unwrap_or_default();
    match finding.state() {
        v1::FindingState::Unspecified => String::new(),
        v1::FindingState::Note => lang.severity(v1::Severity::Note).to_owned(),
        v1::FindingState::Open => lang.pick(
            format!("{}, chưa xử lý", lang.severity(severity.severity())),
            format!("{}, open", lang.severity(severity.severity())),
        ),
        v1::FindingState::Replaced => {
            let by = finding.replaced_by;
            lang.pick(
                format!("đã thay hoặc rút ở vị trí {by}"),
                format!("replaced or retracted at {by}"),
            )
        }
        v1::FindingState::Resolved => {
            let answer = finding.answer.clone().unwrap_or_default();
            let by = answer.recorded.clone().and_then(|recorded| recorded.actor);
            let by = by.unwrap_or_default().organisation;
            let resolution = match answer.resolution() {
                v1::Resolution::Confirmed => lang.pick("đã xác nhận", "confirmed"),
                v1::Resolution::Explained => lang.pick("đã giải trình", "explained"),
                v1::Resolution::Unspecified => lang.pick("đã xử lý", "resolved"),
            };
            format!("{resolution}, {by}: {}", answer.reason)
        }
    }
}

/// A check in words, with the code that `finding resolve` takes.
fn check_text(check: v1::Check, output: Output) -> String {
    let code = check_code(check);
    let words = output.lang.check(check);
    match words == code {
        true => code.to_owned(),
        false => format!("{words} ({code})"),
    }
}

/// The code of a check, as `finding resolve` takes it.
pub(super) fn check_code(check: v1::Check) -> &'static str {
    check.as_str_name().trim_start_matches("CHECK_")
}

fn raw_severity(severity: v1::Severity) -> String {
    severity
        .as_str_name()
        .trim_start_matches("SEVERITY_")
        .to_ascii_lowercase()
}

fn raw_state(state: v1::FindingState) -> String {
    state
        .as_str_name()
        .trim_start_matches("FINDING_STATE_")
        .to_ascii_lowercase()
}

/// What was found about a figure, for people: what waits for an answer first marked, then notes; a line for each.
pub(super) fn marks(figure: &v1::Figure, output: Output) -> String {
    let lang = output.lang;
    let mark = |finding: &v1::FindingOnRecord| {
        let check = finding.finding.clone().unwrap_or_default().check();
        match finding.state() {
            v1::FindingState::Open => Some(format!("! {}", lang.check(check))),
            v1::FindingState::Note => Some(format!("({})", lang.check(check))),
            _ => None,
        }
    };
    let mut marks: Vec<String> = figure.findings.iter().filter_map(mark).collect();
    marks.sort();
    marks.join("\n")
}

/// What was found about a figure, for a spreadsheet: the codes of notes and of what waits for an answer.
pub(super) fn raw_marks(figure: &v1::Figure) -> String {
    let shown = figure.findings.iter().filter(|finding| {
        let state = finding.state();
        matches!(state, v1::FindingState::Open | v1::FindingState::Note)
    });
    let codes = shown.map(|finding| {
        let check = finding.finding.clone().unwrap_or_default().check();
        check_code(check)
    });
    codes.collect::<Vec<_>>().join(" ")
}
